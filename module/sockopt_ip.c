// SPDX-License-Identifier: GPL-2.0
/*
 * sockopt_ip.c - the options of IP and IPv6 that programs set on a stream.
 *
 * IP's are the kernel's own: its code works on struct inet_sock, which ours
 * begins with, so limits, privileges and lengths are TCP's by construction.  This
 * file owns only what is kept from it.  IPv6's live in struct ipv6_pinfo, which
 * ours must not have (sock.h), so the state and the rules are here.
 *
 * Where TCP stores an option and does nothing more with it, so does Rill; where
 * TCP acts on it and Rill cannot, it is refused.  rill(7) has the list.
 */
#include <linux/in6.h>
#include <linux/mroute6.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include "sock.h"

/*
 * Nothing of ours travels to groups, under a policy of the socket's, or with IP
 * options.  0: it is the kernel's; else what the program is told.
 */
static int rill_ip_refused(int optname, unsigned int optlen)
{
	switch (optname) {
	case IP_OPTIONS:
		/* None to set: that is how it stands. */
		return optlen ? -ENOPROTOOPT : 0;
	case IP_ADD_MEMBERSHIP:
	case IP_DROP_MEMBERSHIP:
		return -EPROTO;		/* as TCP */
	case IP_ADD_SOURCE_MEMBERSHIP:
	case IP_DROP_SOURCE_MEMBERSHIP:
	case IP_BLOCK_SOURCE:
	case IP_UNBLOCK_SOURCE:
	case IP_MSFILTER:
	case MCAST_JOIN_GROUP ... MCAST_MSFILTER:
	case IP_IPSEC_POLICY:
	case IP_XFRM_POLICY:
		return -ENOPROTOOPT;
	default:
		return 0;
	}
}

int rill_ip_setsockopt(struct sock *sk, int optname, sockptr_t optval, unsigned int optlen)
{
	int err = rill_ip_refused(optname, optlen);

	if (err || optname == IP_OPTIONS)
		return err;
	err = ip_setsockopt(sk, SOL_IP, optname, optval, optlen);
	if (optname == IP_TOS && sk->sk_type != SOCK_STREAM) {
		/* The ECN bits are the transport's; the kernel knows that of streams. */
		lock_sock(sk);
		inet_sk(sk)->tos &= ~INET_ECN_MASK;
		release_sock(sk);
	}
	return err;
}

int rill_ip_getsockopt(struct sock *sk, int optname, char __user *optval, int __user *optlen)
{
	switch (optname) {
	case IP_MSFILTER:
	case MCAST_MSFILTER:
		optname = -1;		/* what nobody knows */
		break;
	case IP_PKTOPTIONS:
		/* Reads the IPv4 name, which is kept in the other form. */
		lock_sock(sk);
		inet_sk(sk)->inet_rcv_saddr = rill_is_v4(&sk->sk_v6_rcv_saddr) ?
					      sk->sk_v6_rcv_saddr.s6_addr32[3] : 0;
		release_sock(sk);
		break;
	}
	return ip_getsockopt(sk, SOL_IP, optname, optval, optlen);
}

/* Options of IPv6 that are on or off; bit n of rill_ip6.on is option n. */
static bool rill_ip6_is_flag(int optname)
{
	switch (optname) {
	case IPV6_RECVPKTINFO:
	case IPV6_2292PKTINFO:
	case IPV6_RECVHOPLIMIT:
	case IPV6_2292HOPLIMIT:
	case IPV6_RECVTCLASS:
	case IPV6_FLOWINFO:
	case IPV6_RECVERR:
	case IPV6_RECVERR_RFC4884:
	case IPV6_AUTOFLOWLABEL:
	/* what TCP stores and no more */
	case IPV6_RECVPATHMTU:
	case IPV6_RECVORIGDSTADDR:
	case IPV6_RECVFRAGSIZE:
	case IPV6_MULTICAST_LOOP:
	case IPV6_MULTICAST_ALL:
	case IPV6_ROUTER_ALERT_ISOLATE:
	case IPV6_DONTFRAG:
		return true;
	default:
		return false;
	}
}

/* As a fresh socket of the internet's families has it. */
void rill_ip_init(struct sock *sk)
{
	struct rill_ip6 *ip6 = &rill_sk(sk)->ip6;
	struct inet_sock *inet = inet_sk(sk);
	struct net *net = sock_net(sk);

	inet->uc_ttl = -1;
	inet->mc_ttl = 1;
	inet_assign_bit(MC_LOOP, sk, true);
	inet_assign_bit(MC_ALL, sk, !rill_sk(sk)->v6);
	inet->pmtudisc = READ_ONCE(net->ipv4.sysctl_ip_no_pmtu_disc) ? IP_PMTUDISC_DONT :
								       IP_PMTUDISC_WANT;
	sk->sk_txrehash = READ_ONCE(net->core.sysctl_txrehash);
	ip6->hop_limit = -1;
	ip6->pmtudisc = IPV6_PMTUDISC_WANT;
	__set_bit(IPV6_MULTICAST_LOOP, ip6->on);
	__set_bit(IPV6_MULTICAST_ALL, ip6->on);
	if (ip6_default_np_autolabel(net))
		__set_bit(IPV6_AUTOFLOWLABEL, ip6->on);
}

static int rill_ip6_set_flag(struct sock *sk, int optname, int val)
{
	struct rill_ip6 *ip6 = &rill_sk(sk)->ip6;

	if ((optname == IPV6_MULTICAST_LOOP || optname == IPV6_RECVERR_RFC4884) &&
	    (val < 0 || val > 1))
		return -EINVAL;
	__assign_bit(optname, ip6->on, val);
	ip6->see = test_bit(IPV6_RECVPKTINFO, ip6->on) || test_bit(IPV6_2292PKTINFO, ip6->on) ||
		   test_bit(IPV6_RECVHOPLIMIT, ip6->on) || test_bit(IPV6_2292HOPLIMIT, ip6->on) ||
		   test_bit(IPV6_RECVTCLASS, ip6->on) || test_bit(IPV6_FLOWINFO, ip6->on) ||
		   test_bit(IPV6_RECVORIGDSTADDR, ip6->on);
	if (optname == IPV6_RECVERR && !val)
		skb_queue_purge(&sk->sk_error_queue);
	return 0;
}

static int rill_ip6_set_tclass(struct sock *sk, int val)
{
	struct rill_ip6 *ip6 = &rill_sk(sk)->ip6;

	if (val < -1 || val > 0xff)
		return -EINVAL;
	val = val == -1 ? 0 : val & ~INET_ECN_MASK;
	if (ip6->tclass != val) {
		ip6->tclass = val;
		sk_dst_reset(sk);
	}
	return 0;
}

/* Bind to addresses that are not ours, take packets for them. */
static int rill_ip6_set_transparent(struct sock *sk, int val, bool whole)
{
	struct user_namespace *ns = sock_net(sk)->user_ns;

	if (val && !ns_capable(ns, CAP_NET_RAW) && !ns_capable(ns, CAP_NET_ADMIN))
		return -EPERM;
	if (!whole)
		return -EINVAL;
	inet_assign_bit(TRANSPARENT, sk, val);
	return 0;
}

static int rill_ip6_set_unicast_if(struct sock *sk, int val)
{
	int ifindex = ntohl((__force __be32)val);
	struct net_device *dev;

	if (ifindex) {
		dev = dev_get_by_index(sock_net(sk), ifindex);
		if (!dev)
			return -EADDRNOTAVAIL;
		dev_put(dev);
		if (sk->sk_bound_dev_if)
			return -EINVAL;
	}
	rill_sk(sk)->ip6.ucast_oif = ifindex;
	return 0;
}

static int rill_ip6_set_pktinfo(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct in6_pktinfo pkt;

	if (optlen < sizeof(pkt) || sockptr_is_null(optval))
		return -EINVAL;
	if (copy_from_sockptr(&pkt, optval, sizeof(pkt)))
		return -EFAULT;
	if (!sk_dev_equal_l3scope(sk, pkt.ipi6_ifindex))
		return -EINVAL;
	rill_sk(sk)->ip6.pktinfo = pkt;
	return 0;
}

/* Options that are numbers; @whole: four bytes were given.  Socket locked. */
static int rill_ip6_set_int(struct sock *sk, int optname, int val, bool whole)
{
	struct rill_ip6 *ip6 = &rill_sk(sk)->ip6;

	switch (optname) {
	case IPV6_TRANSPARENT:
		return rill_ip6_set_transparent(sk, val, whole);
	case IPV6_V6ONLY:
		if (!whole || inet_sk(sk)->inet_num)
			return -EINVAL;
		sk->sk_ipv6only = !!val;
		return 0;
	case IPV6_TCLASS:
		return whole ? rill_ip6_set_tclass(sk, val) : -EINVAL;
	case IPV6_UNICAST_HOPS:
		if (!whole || val < -1 || val > 255)
			return -EINVAL;
		ip6->hop_limit = val;
		return 0;
	case IPV6_MINHOPCOUNT:
		if (!whole || val < 0 || val > 255)
			return -EINVAL;
		WRITE_ONCE(ip6->min_hopcount, val);
		return 0;
	case IPV6_MTU_DISCOVER:
		if (!whole || val < IPV6_PMTUDISC_DONT || val > IPV6_PMTUDISC_OMIT)
			return -EINVAL;
		ip6->pmtudisc = val;
		return 0;
	case IPV6_MTU:
		/* The largest fragment: none is ever made where IPv6 asks. */
		return !whole || (val && val < IPV6_MIN_MTU) ? -EINVAL : 0;
	case IPV6_FREEBIND:
		if (!whole)
			return -EINVAL;
		inet_assign_bit(FREEBIND, sk, val);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* Any option of IPv6; socket locked. */
static int rill_ip6_set(struct sock *sk, int optname, sockptr_t optval, unsigned int optlen,
			int val)
{
	bool whole = optlen >= sizeof(int);

	switch (optname) {
	case IPV6_AUTOFLOWLABEL:
	case IPV6_DONTFRAG:
	case IPV6_RECVFRAGSIZE:
		return rill_ip6_set_flag(sk, optname, val);	/* of any length */
	case IPV6_UNICAST_IF:
		return optlen == sizeof(int) ? rill_ip6_set_unicast_if(sk, val) : -EINVAL;
	case IPV6_PKTINFO:
		return rill_ip6_set_pktinfo(sk, optval, optlen);
	case IPV6_HOPOPTS:
	case IPV6_RTHDRDSTOPTS:
	case IPV6_RTHDR:
	case IPV6_DSTOPTS:
	case IPV6_2292PKTOPTIONS:
		/* None to set: that is how it stands. */
		return optlen ? -ENOPROTOOPT : 0;
	case IPV6_ADD_MEMBERSHIP:
	case IPV6_DROP_MEMBERSHIP:
		return optlen < sizeof(struct ipv6_mreq) ? -EINVAL : -EPROTO;	/* as TCP */
	case IPV6_ROUTER_ALERT:
		return whole ? -ENOPROTOOPT : -EINVAL;			/* as TCP */
	}
	if (!rill_ip6_is_flag(optname))
		return rill_ip6_set_int(sk, optname, val, whole);
	return whole ? rill_ip6_set_flag(sk, optname, val) : -EINVAL;
}

int rill_ip6_setsockopt(struct sock *sk, int optname, sockptr_t optval, unsigned int optlen)
{
	int val = 0, err;

	/* TCP's AF_INET sockets do not know the level; ours may turn IPv6 yet. */
	if (!rill_sk(sk)->v6)
		return -ENOPROTOOPT;
	if (!sockptr_is_null(optval) && optlen >= sizeof(int) &&
	    copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;
	if (ip6_mroute_opt(optname))
		return -EOPNOTSUPP;
	lock_sock(sk);
	err = rill_ip6_set(sk, optname, optval, optlen, val);
	release_sock(sk);
	return err;
}

/* The MTU of the path, 0: there is none. */
static u32 rill_ip6_mtu(struct sock *sk)
{
	struct dst_entry *dst = __sk_dst_get(sk);

	return dst ? dst_mtu(dst) : 0;
}

static int rill_ip6_get_int(struct sock *sk, int optname, int *val)
{
	const struct rill_ip6 *ip6 = &rill_sk(sk)->ip6;
	struct dst_entry *dst;

	switch (optname) {
	case IPV6_V6ONLY:
		*val = sk->sk_ipv6only;
		return 0;
	case IPV6_TCLASS:
		*val = ip6->tclass;
		return 0;
	case IPV6_UNICAST_HOPS:
		dst = __sk_dst_get(sk);
		*val = ip6->hop_limit >= 0 ? ip6->hop_limit :
		       dst && !rill_is_v4(&sk->sk_v6_daddr) ? ip6_dst_hoplimit(dst) :
		       READ_ONCE(sock_net(sk)->ipv6.devconf_all->hop_limit);
		return 0;
	case IPV6_MINHOPCOUNT:
		*val = ip6->min_hopcount;
		return 0;
	case IPV6_MTU_DISCOVER:
		*val = ip6->pmtudisc;
		return 0;
	case IPV6_MTU:
		*val = rill_ip6_mtu(sk);
		return *val ? 0 : -ENOTCONN;
	case IPV6_TRANSPARENT:
		*val = inet_test_bit(TRANSPARENT, sk);
		return 0;
	case IPV6_FREEBIND:
		*val = inet_test_bit(FREEBIND, sk);
		return 0;
	case IPV6_UNICAST_IF:
		*val = (__force int)htonl(ip6->ucast_oif);
		return 0;
	case IPV6_MULTICAST_HOPS:
		*val = IPV6_DEFAULT_MCASTHOPS;
		return 0;
	case IPV6_MULTICAST_IF:
		*val = 0;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int rill_ip6_get_pathmtu(struct sock *sk, char __user *optval, int __user *optlen,
				int len)
{
	struct ip6_mtuinfo info = { };

	if ((unsigned int)len < sizeof(info))
		return -EINVAL;
	info.ip6m_mtu = rill_ip6_mtu(sk);
	if (!info.ip6m_mtu)
		return -ENOTCONN;
	return rill_put_opt(optval, optlen, sizeof(info), &info, sizeof(info));
}

/* Any option of IPv6; socket locked. */
static int rill_ip6_get(struct sock *sk, int optname, char __user *optval,
			int __user *optlen, int len)
{
	int val, err;

	switch (optname) {
	case IPV6_PATHMTU:
		return rill_ip6_get_pathmtu(sk, optval, optlen, len);
	case IPV6_2292PKTOPTIONS:
		return rill_ip6_get_pktoptions(sk, optval, optlen, len);
	case IPV6_HOPOPTS:
	case IPV6_RTHDRDSTOPTS:
	case IPV6_RTHDR:
	case IPV6_DSTOPTS:
		return put_user(0, optlen);
	}
	if (rill_ip6_is_flag(optname)) {
		val = test_bit(optname, rill_sk(sk)->ip6.on);
	} else {
		err = rill_ip6_get_int(sk, optname, &val);
		if (err)
			return err;
	}
	/* A negative length counts as more than enough, as for TCP. */
	return rill_put_opt(optval, optlen, min_t(unsigned int, len, sizeof(val)), &val,
			    sizeof(val));
}

int rill_ip6_getsockopt(struct sock *sk, int optname, char __user *optval, int __user *optlen)
{
	int len, err;

	if (!rill_sk(sk)->v6)
		return -EOPNOTSUPP;
	if (ip6_mroute_opt(optname))
		return -EOPNOTSUPP;
	if (get_user(len, optlen))
		return -EFAULT;
	lock_sock(sk);
	err = rill_ip6_get(sk, optname, optval, optlen, len);
	release_sock(sk);
	return err;
}
