/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carrier.h - what moves packets: kernel UDP sockets, some per namespace.
 *
 * Owns struct rill_udp.  Seal and open, when they come, are one call each:
 * in rill_udp_xmit() before the skb leaves and in rill_udp_rcv() as it arrives.
 */
#ifndef RILL_CARRIER_H
#define RILL_CARRIER_H

#include <net/udp.h>
#include "sock.h"

/* A kernel UDP socket that carries Rill. */
struct rill_udp {
	struct rill_net	*rn;
	struct socket	*sock;
	__be16		port;		/* it is bound to */
	bool		v6;
};

/* Bytes in front of our header, and what headroom to leave for all of it. */
#define RILL_OVERHEAD4	(sizeof(struct iphdr) + sizeof(struct udphdr))
#define RILL_OVERHEAD6	(sizeof(struct ipv6hdr) + sizeof(struct udphdr))

/* udp.c */
int rill_udp_open(struct rill_net *rn, bool v6, bool listen);
struct rill_udp *rill_udp_client(struct rill_net *rn, bool v6, u64 cid);
void rill_udp_unpublish(struct rill_net *rn);
void rill_udp_release(struct rill_net *rn);
void rill_udp_xmit(struct sock *sk, struct dst_entry *dst, struct sk_buff *skb, u16 n,
		   u16 stride, u8 ecn);
int rill_udp_reply(struct rill_udp *udp, const struct sock *lsk, struct sk_buff *to,
		   struct sk_buff *skb);
void rill_skb_path(const struct sk_buff *skb, struct in6_addr *local,
		   struct in6_addr *remote, __be16 *port);

/* route.c */
struct dst_entry *rill_route(struct sock *sk);
int rill_route_connect(struct sock *sk);

#endif /* RILL_CARRIER_H */
