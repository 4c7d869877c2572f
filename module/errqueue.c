// SPDX-License-Identifier: GPL-2.0
/*
 * errqueue.c - recvmsg(MSG_ERRQUEUE): notices beside the stream.
 *
 * Owns how an ICMP error becomes an entry of sk_error_queue, and how any entry
 * becomes control messages, which are those of an IPv4 or IPv6 socket:
 * ip_recv_error() and its like cannot be had.
 */
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/ip.h>
#include "sock.h"

/* Whom the packet was for that the ICMP error @skb quotes. */
static const u8 *rill_icmp_daddr(const struct sk_buff *skb, bool v6)
{
	return v6 ? (u8 *)&((struct ipv6hdr *)(icmp6_hdr(skb) + 1))->daddr :
		    (u8 *)&((struct iphdr *)(icmp_hdr(skb) + 1))->daddr;
}

static void rill_icmp_ext(const struct sk_buff *skb, bool v6, struct sock_exterr_skb *serr)
{
	if (v6) {
		serr->ee.ee_origin = SO_EE_ORIGIN_ICMP6;
		serr->ee.ee_type = icmp6_hdr(skb)->icmp6_type;
		serr->ee.ee_code = icmp6_hdr(skb)->icmp6_code;
		serr->ee.ee_info = ntohl(icmp6_hdr(skb)->icmp6_mtu);
	} else {
		serr->ee.ee_origin = SO_EE_ORIGIN_ICMP;
		serr->ee.ee_type = icmp_hdr(skb)->type;
		serr->ee.ee_code = icmp_hdr(skb)->code;
		if (serr->ee.ee_type == ICMP_PARAMETERPROB)
			serr->ee.ee_info = ntohl(icmp_hdr(skb)->un.gateway) >> 24;
		else if (serr->ee.ee_type == ICMP_DEST_UNREACH &&
			 serr->ee.ee_code == ICMP_FRAG_NEEDED)
			serr->ee.ee_info = ntohs(icmp_hdr(skb)->un.frag.mtu);
	}
}

/* IP_RECVERR_RFC4884: where the quoted packet ends and objects begin. */
static void rill_icmp_rfc4884(const struct sock *sk, const struct sk_buff *skb, bool v6,
			      struct sock_exterr_skb *serr)
{
	if (v6 ? !test_bit(IPV6_RECVERR_RFC4884, rill_sk(sk)->ip6.on) ||
		 serr->ee.ee_type == ICMPV6_PARAMPROB :
		 !inet_test_bit(RECVERR_RFC4884, sk))
		return;
	if (v6)
		ip_icmp_error_rfc4884(skb, &serr->ee.ee_rfc4884, sizeof(struct icmp6hdr),
				      icmp6_hdr(skb)->icmp6_datagram_len * 8);
	else
		ip_icmp_error_rfc4884(skb, &serr->ee.ee_rfc4884, sizeof(struct icmphdr),
				      icmp_hdr(skb)->un.reserved[1] * 4);
}

/*
 * Keep the ICMP error @skb for the program: its errno @err, and of the packet it
 * quotes what begins at @offset: our header, or of a datagram the bytes.  Any
 * context, no lock.
 */
void rill_queue_icmp(struct sock *sk, struct sk_buff *skb, bool v6, int err, u32 offset)
{
	struct sock_exterr_skb *serr;

	skb = skb_clone(skb, GFP_ATOMIC);
	if (!skb)
		return;
	serr = SKB_EXT_ERR(skb);
	serr->ee = (struct sock_extended_err){ .ee_errno = err };
	rill_icmp_ext(skb, v6, serr);
	serr->addr_offset = rill_icmp_daddr(skb, v6) - skb_network_header(skb);
	serr->port = inet_sk(sk)->inet_dport;
	skb->protocol = v6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
	if (skb_pull(skb, offset)) {
		rill_icmp_rfc4884(sk, skb, v6, serr);
		skb_reset_transport_header(skb);
		if (!sock_queue_err_skb(sk, skb))
			return;
	}
	kfree_skb(skb);
}

/* Does the program hear of an ICMP error that only might end the connection? */
bool rill_recverr(const struct sock *sk)
{
	return rill_is_v4(&sk->sk_v6_daddr) ? inet_test_bit(RECVERR, sk) :
					      test_bit(IPV6_RECVERR, rill_sk(sk)->ip6.on);
}

/*
 * A datagram to @daddr and @port does not fit the path of @mtu: -EMSGSIZE, and who
 * asked with IP_RECVERR finds the size in the queue.
 */
int rill_queue_too_big(struct sock *sk, const struct in6_addr *daddr, __be16 port, u32 mtu)
{
	bool v4 = rill_is_v4(daddr);
	struct sock_exterr_skb *serr;
	struct sk_buff *skb;

	if (!(v4 ? inet_test_bit(RECVERR, sk) : test_bit(IPV6_RECVERR, rill_sk(sk)->ip6.on)))
		return -EMSGSIZE;
	skb = alloc_skb(sizeof(struct ipv6hdr), GFP_KERNEL);
	if (!skb)
		return -EMSGSIZE;
	skb_put_zero(skb, sizeof(struct ipv6hdr));
	skb_reset_network_header(skb);
	if (v4)
		ip_hdr(skb)->daddr = daddr->s6_addr32[3];
	else
		ipv6_hdr(skb)->daddr = *daddr;
	serr = SKB_EXT_ERR(skb);
	memset(serr, 0, sizeof(*serr));
	serr->ee.ee_errno = EMSGSIZE;
	serr->ee.ee_origin = SO_EE_ORIGIN_LOCAL;
	serr->ee.ee_info = mtu;
	serr->addr_offset = v4 ? offsetof(struct iphdr, daddr) : offsetof(struct ipv6hdr, daddr);
	serr->port = port;
	skb->protocol = v4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	__skb_pull(skb, skb->len);	/* it quotes no bytes */
	skb_reset_transport_header(skb);
	if (sock_queue_err_skb(sk, skb))
		kfree_skb(skb);
	return -EMSGSIZE;
}

/* Has the entry a packet and a device behind it?  Stamps have, if they keep data. */
static bool rill_err_from_packet(const struct sock *sk, struct sk_buff *skb)
{
	const struct sock_exterr_skb *serr = SKB_EXT_ERR(skb);
	struct in_pktinfo *info = PKTINFO_SKB_CB(skb);

	switch (serr->ee.ee_origin) {
	case SO_EE_ORIGIN_ICMP:
	case SO_EE_ORIGIN_ICMP6:
		return true;
	case SO_EE_ORIGIN_TIMESTAMPING:
		break;
	default:
		return false;
	}
	if (!serr->header.h4.iif || !skb->len)
		return false;
	if (rill_sk(sk)->v6)
		return true;
	if (!(READ_ONCE(sk->sk_tsflags) & SOF_TIMESTAMPING_OPT_CMSG))
		return false;
	info->ipi_spec_dst.s_addr = ip_hdr(skb)->saddr;
	return true;
}

/* An address of @skb's family, as names of IPv6 sockets have it. */
static void rill_err_addr6(struct sockaddr_in6 *sin6, const struct sk_buff *skb,
			   const void *addr)
{
	const struct sock_exterr_skb *serr = SKB_EXT_ERR(skb);

	memset(sin6, 0, sizeof(*sin6));
	sin6->sin6_family = AF_INET6;
	if (skb->protocol == htons(ETH_P_IPV6)) {
		memcpy(&sin6->sin6_addr, addr, sizeof(sin6->sin6_addr));
		sin6->sin6_scope_id = ipv6_iface_scope_id(&sin6->sin6_addr,
							  serr->header.h6.iif);
	} else {
		ipv6_addr_set_v4mapped(*(__be32 *)addr, &sin6->sin6_addr);
	}
}

static void rill_put_error4(struct sock *sk, struct msghdr *msg, struct sk_buff *skb)
{
	struct {
		struct sock_extended_err ee;
		struct sockaddr_in offender;
	} err = { .ee = SKB_EXT_ERR(skb)->ee };
	const struct sock_exterr_skb *serr = SKB_EXT_ERR(skb);
	struct sockaddr_in *sin = msg->msg_name;

	if (sin && (err.ee.ee_origin == SO_EE_ORIGIN_ICMP || serr->port)) {
		memset(sin, 0, sizeof(*sin));
		sin->sin_family = AF_INET;
		sin->sin_addr.s_addr = *(__be32 *)(skb_network_header(skb) + serr->addr_offset);
		sin->sin_port = serr->port;
		msg->msg_namelen = sizeof(*sin);
	}
	if (rill_err_from_packet(sk, skb)) {
		err.offender.sin_family = AF_INET;
		err.offender.sin_addr.s_addr = ip_hdr(skb)->saddr;
		if (inet_cmsg_flags(inet_sk(sk)))
			ip_cmsg_recv_offset(msg, sk, skb, 0, 0);
	}
	put_cmsg(msg, SOL_IP, IP_RECVERR, sizeof(err), &err);
}

static void rill_put_error6(struct sock *sk, struct msghdr *msg, struct sk_buff *skb)
{
	struct {
		struct sock_extended_err ee;
		struct sockaddr_in6 offender;
	} err = { .ee = SKB_EXT_ERR(skb)->ee };
	const struct sock_exterr_skb *serr = SKB_EXT_ERR(skb);
	bool v6 = skb->protocol == htons(ETH_P_IPV6);
	struct sockaddr_in6 *sin6 = msg->msg_name;

	if (sin6 && (err.ee.ee_origin == SO_EE_ORIGIN_ICMP ||
		     err.ee.ee_origin == SO_EE_ORIGIN_ICMP6 || serr->port)) {
		rill_err_addr6(sin6, skb, skb_network_header(skb) + serr->addr_offset);
		sin6->sin6_port = serr->port;
		msg->msg_namelen = sizeof(*sin6);
	}
	if (rill_err_from_packet(sk, skb)) {
		rill_err_addr6(&err.offender, skb, v6 ? (void *)&ipv6_hdr(skb)->saddr :
							(void *)&ip_hdr(skb)->saddr);
		if (v6) {
			struct rill_ip6_seen seen;

			rill_ip6_see(&seen, skb, serr->header.h6.iif);
			rill_put_ip6_seen(sk, msg, &seen);
		} else if (inet_cmsg_flags(inet_sk(sk))) {
			ip_cmsg_recv_offset(msg, sk, skb, 0, 0);
		}
	}
	put_cmsg(msg, SOL_IPV6, IPV6_RECVERR, sizeof(err), &err);
}

/* One entry of the error queue; the bytes it quotes, or a negative errno. */
int rill_recv_error(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct sk_buff *skb = sock_dequeue_err_skb(sk);
	int err;

	if (!skb)
		return -EAGAIN;
	if (len < skb->len)
		msg->msg_flags |= MSG_TRUNC;
	len = min_t(size_t, len, skb->len);
	err = skb_copy_datagram_msg(skb, 0, msg, len);
	if (err) {
		kfree_skb(skb);
		return err;
	}
	sock_recv_timestamp(msg, sk, skb);
	if (rill_sk(sk)->v6)
		rill_put_error6(sk, msg, skb);
	else
		rill_put_error4(sk, msg, skb);
	msg->msg_flags |= MSG_ERRQUEUE;
	consume_skb(skb);
	return len;
}
