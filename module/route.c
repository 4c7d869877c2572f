// SPDX-License-Identifier: GPL-2.0
/*
 * route.c - which way to the peer, from which address, and how large a packet.
 *
 * Owns sk_dst_cache and what follows from it: the source address of a socket
 * that was not bound to one, and the payload a packet may carry.
 */
#include <net/inet_ecn.h>
#include <net/ip6_route.h>
#include <net/route.h>
#include "carrier.h"

/* What the program asked of the packets of @sk, for those that go along @way. */
void rill_way_opts(const struct sock *sk, struct rill_way *way)
{
	bool v4 = rill_is_v4(way->daddr);

	way->tos = v4 ? inet_sk(sk)->tos & ~INET_ECN_MASK : rill_sk(sk)->ip6.tclass;
	way->mark = READ_ONCE(sk->sk_mark);
	way->hops = v4 ? inet_sk(sk)->uc_ttl : rill_sk(sk)->ip6.hop_limit;
}

/* The way of a connection; its source address may still be the route's to choose. */
void rill_way_of(struct sock *sk, struct rill_way *way)
{
	struct rill_sock *rs = rill_sk(sk);

	way->udp = rs->udp;
	way->saddr = &sk->sk_v6_rcv_saddr;
	way->daddr = &sk->sk_v6_daddr;
	way->dport = rs->peer_udp;
	way->oif = sk->sk_bound_dev_if;
	rill_way_opts(sk, way);
}

static struct dst_entry *rill_route4(struct sock *sk, const struct rill_way *w)
{
	struct flowi4 fl4 = {
		.daddr = w->daddr->s6_addr32[3],
		.saddr = rill_is_v4(w->saddr) ? w->saddr->s6_addr32[3] : 0,
		.flowi4_oif = w->oif,
		.flowi4_mark = w->mark,
		.flowi4_proto = IPPROTO_UDP,
		.flowi4_scope = ip_sock_rt_scope(sk),
		.flowi4_flags = inet_sk_flowi_flags(sk),
		.flowi4_uid = sock_net_uid(sock_net(sk), sk),
		.fl4_sport = w->udp ? w->udp->port : 0,
		.fl4_dport = w->dport,
	};
	struct rtable *rt;

	fl4_set_dscp(&fl4, w->tos);
	security_sk_classify_flow(sk, flowi4_to_flowi_common(&fl4));
	rt = ip_route_output_flow(sock_net(sk), &fl4, NULL);
	if (IS_ERR(rt))
		return ERR_CAST(rt);
	if (rt->rt_flags & (RTCF_MULTICAST | RTCF_BROADCAST)) {
		/* UDP may broadcast when it was allowed to; we never are. */
		int err = sk->sk_type == SOCK_DGRAM && rt->rt_flags & RTCF_BROADCAST ?
			  -EACCES : -ENETUNREACH;

		ip_rt_put(rt);
		return ERR_PTR(err);
	}
	ipv6_addr_set_v4mapped(fl4.saddr, w->saddr);
	return &rt->dst;
}

static struct dst_entry *rill_route6(struct sock *sk, const struct rill_way *w)
{
	struct flowi6 fl6 = {
		.daddr = *w->daddr,
		.saddr = *w->saddr,
		.flowi6_oif = w->oif,
		.flowi6_mark = w->mark,
		.flowi6_proto = IPPROTO_UDP,
		.flowi6_uid = sock_net_uid(sock_net(sk), sk),
		.fl6_sport = w->udp ? w->udp->port : 0,
		.fl6_dport = w->dport,
	};
	struct dst_entry *dst;

	fl6.flowlabel = ip6_make_flowinfo(w->tos, 0);
	security_sk_classify_flow(sk, flowi6_to_flowi_common(&fl6));
	/* No socket: the lookup would read its pinet6. */
	dst = ip6_dst_lookup_flow(sock_net(sk), NULL, &fl6, NULL);
	if (!IS_ERR(dst))
		*w->saddr = fl6.saddr;
	return dst;
}

/* A route for @w, whose source address is chosen if it is none: a reference, or an ERR_PTR. */
struct dst_entry *rill_route_lookup(struct sock *sk, const struct rill_way *w)
{
	return rill_is_v4(w->daddr) ? rill_route4(sk, w) : rill_route6(sk, w);
}

/* By which @dst, a route to the peer, will be seen to be stale. */
static u32 rill_route_cookie(const struct sock *sk, struct dst_entry *dst)
{
	return rill_is_v4(&sk->sk_v6_daddr) ? 0 : rt6_get_cookie(dst_rt6_info(dst));
}

/* Keep @dst, a reference, as the route of a datagram socket to its peer.  No lock. */
void rill_route_keep(struct sock *sk, struct dst_entry *dst)
{
	WRITE_ONCE(rill_sk(sk)->dst_cookie, rill_route_cookie(sk, dst));
	sk_dst_set(sk, dst);
}

/* Keep @dst, a reference, as the route to the peer.  Socket locked. */
void rill_route_set(struct sock *sk, struct dst_entry *dst)
{
	struct rill_sock *rs = rill_sk(sk);

	rs->dst_cookie = rill_route_cookie(sk, dst);
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
	struct rill_way way;

	if (!dst) {
		rill_way_of(sk, &way);
		way.saddr = &saddr;
		dst = rill_route_lookup(sk, &way);
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
	struct rill_way way;
	struct dst_entry *dst;

	rill_way_of(sk, &way);
	way.saddr = &saddr;
	if (ipv6_addr_any(&saddr) && rill_is_v4(&sk->sk_v6_daddr))
		ipv6_addr_set_v4mapped(0, &saddr);
	dst = rill_route_lookup(sk, &way);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	sk->sk_v6_rcv_saddr = saddr;
	rill_route_set(sk, dst);
	return 0;
}
