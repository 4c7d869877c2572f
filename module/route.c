// SPDX-License-Identifier: GPL-2.0
/*
 * route.c - which way to the peer, from which address, and how large a packet.
 *
 * Owns sk_dst_cache and what follows from it: the source address of a socket
 * that was not bound to one, and the payload a packet may carry.
 */
#include <net/ip6_route.h>
#include <net/route.h>
#include "carrier.h"

static struct dst_entry *rill_route4(struct sock *sk, struct in6_addr *saddr)
{
	struct inet_sock *inet = inet_sk(sk);
	struct flowi4 fl4 = {
		.daddr = sk->sk_v6_daddr.s6_addr32[3],
		.saddr = rill_is_v4(saddr) ? saddr->s6_addr32[3] : 0,
		.flowi4_oif = sk->sk_bound_dev_if,
		.flowi4_mark = READ_ONCE(sk->sk_mark),
		.flowi4_proto = IPPROTO_UDP,
		.flowi4_scope = ip_sock_rt_scope(sk),
		.flowi4_flags = inet_sk_flowi_flags(sk),
		.flowi4_uid = sock_net_uid(sock_net(sk), sk),
		.fl4_sport = rill_sk(sk)->udp ? rill_sk(sk)->udp->port : 0,
		.fl4_dport = rill_sk(sk)->peer_udp,
	};
	struct rtable *rt;

	fl4_set_dscp(&fl4, inet->tos);
	security_sk_classify_flow(sk, flowi4_to_flowi_common(&fl4));
	rt = ip_route_output_flow(sock_net(sk), &fl4, NULL);
	if (IS_ERR(rt))
		return ERR_CAST(rt);
	if (rt->rt_flags & (RTCF_MULTICAST | RTCF_BROADCAST)) {
		ip_rt_put(rt);
		return ERR_PTR(-ENETUNREACH);
	}
	ipv6_addr_set_v4mapped(fl4.saddr, saddr);
	return &rt->dst;
}

static struct dst_entry *rill_route6(struct sock *sk, struct in6_addr *saddr)
{
	struct flowi6 fl6 = {
		.daddr = sk->sk_v6_daddr,
		.saddr = *saddr,
		.flowi6_oif = sk->sk_bound_dev_if,
		.flowi6_mark = READ_ONCE(sk->sk_mark),
		.flowi6_proto = IPPROTO_UDP,
		.flowi6_uid = sock_net_uid(sock_net(sk), sk),
		.fl6_sport = rill_sk(sk)->udp ? rill_sk(sk)->udp->port : 0,
		.fl6_dport = rill_sk(sk)->peer_udp,
	};
	struct dst_entry *dst;

	fl6.flowlabel = ip6_make_flowinfo(rill_sk(sk)->ip6.tclass, 0);
	security_sk_classify_flow(sk, flowi6_to_flowi_common(&fl6));
	/* No socket: the lookup would read its pinet6. */
	dst = ip6_dst_lookup_flow(sock_net(sk), NULL, &fl6, NULL);
	if (!IS_ERR(dst))
		*saddr = fl6.saddr;
	return dst;
}

static struct dst_entry *rill_route_lookup(struct sock *sk, struct in6_addr *saddr)
{
	return rill_is_v4(&sk->sk_v6_daddr) ? rill_route4(sk, saddr) :
					      rill_route6(sk, saddr);
}

static void rill_route_set(struct sock *sk, struct dst_entry *dst)
{
	struct rill_sock *rs = rill_sk(sk);

	rs->dst_cookie = rill_is_v4(&sk->sk_v6_daddr) ? 0 :
			 rt6_get_cookie(dst_rt6_info(dst));
	rs->dst_mtu = 0;
	sk_setup_caps(sk, dst);		/* takes the reference */
	rill_sync_mss(sk);
}

/*
 * The route to the peer, looked up again when it went stale.
 * Returns a reference, or an ERR_PTR.
 */
struct dst_entry *rill_route(struct sock *sk)
{
	struct dst_entry *dst = __sk_dst_check(sk, rill_sk(sk)->dst_cookie);
	struct in6_addr saddr = sk->sk_v6_rcv_saddr;

	if (!dst) {
		dst = rill_route_lookup(sk, &saddr);
		if (IS_ERR(dst))
			return dst;
		rill_route_set(sk, dst);
	} else if (dst_mtu(dst) != rill_sk(sk)->dst_mtu) {
		rill_sync_mss(sk);
	}
	return dst_clone(dst);
}

/*
 * The first route of a connecting socket: fixes its source address.
 * Returns 0 or a negative errno.
 */
int rill_route_connect(struct sock *sk)
{
	struct in6_addr saddr = sk->sk_v6_rcv_saddr;
	struct dst_entry *dst;

	if (ipv6_addr_any(&saddr) && rill_is_v4(&sk->sk_v6_daddr))
		ipv6_addr_set_v4mapped(0, &saddr);
	dst = rill_route_lookup(sk, &saddr);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	sk->sk_v6_rcv_saddr = saddr;
	rill_route_set(sk, dst);
	return 0;
}
