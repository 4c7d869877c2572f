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

/*
 * From where to where: what a route is looked up for and a packet sent along.
 * Addresses of IPv4 are v4-mapped.
 */
struct rill_way {
	struct rill_udp	*udp;		/* carrier socket it leaves from */
	struct in6_addr	*saddr;		/* any: the route's choice, written here */
	struct in6_addr	*daddr;
	__be16		dport;		/* UDP port at the other end */
	u8		tos;		/* or traffic class; ECN bits clear */
	s16		hops;		/* TTL or hop limit, -1: the route's */
	u32		mark;
	int		oif;		/* device, 0: any */
};

/* Bytes in front of our header, and what headroom to leave for all of it. */
#define RILL_OVERHEAD4	(sizeof(struct iphdr) + sizeof(struct udphdr))
#define RILL_OVERHEAD6	(sizeof(struct ipv6hdr) + sizeof(struct udphdr))

/* To whom a datagram goes, or connect() leads. */
struct rill_dgram_to {
	struct in6_addr	addr;		/* IPv4 is v4-mapped */
	struct in6_addr	saddr;		/* from which address of ours; any: the route's choice */
	__be16	port;			/* Rill port */
	int	oif;			/* device, 0: any */
	bool	v6;			/* it was a struct sockaddr_in6 */
	bool	peer;			/* it is the peer the socket is connected to */
	bool	own_way;		/* by another way than the peer's route */
};

/* udp.c */
int rill_udp_open(struct rill_net *rn, bool v6, bool listen);
struct rill_udp *rill_udp_client(struct rill_net *rn, bool v6, u64 cid);
struct rill_udp *rill_udp_server(struct rill_net *rn, bool v6);
void rill_udp_unpublish(struct rill_net *rn);
void rill_udp_release(struct rill_net *rn);
void rill_udp_xmit(struct sock *sk, const struct rill_way *way, struct dst_entry *dst,
		   struct sk_buff *skb, u16 n, u16 stride, u8 ecn);
int rill_udp_reply(struct rill_udp *udp, const struct sock *lsk, struct sk_buff *to,
		   struct sk_buff *skb);
void rill_skb_path(const struct sk_buff *skb, struct in6_addr *local,
		   struct in6_addr *remote, __be16 *port);

/* route.c */
void rill_way_opts(const struct sock *sk, struct rill_way *way);
void rill_way_of(struct sock *sk, struct rill_way *way);
struct dst_entry *rill_route_lookup(struct sock *sk, const struct rill_way *way);
void rill_route_set(struct sock *sk, struct dst_entry *dst);
void rill_route_keep(struct sock *sk, struct dst_entry *dst);
struct dst_entry *rill_route(struct sock *sk);
int rill_route_connect(struct sock *sk);

/* dgram.c */
int rill_dgram_autobind(struct sock *sk);
int rill_dgram_addr(struct sock *sk, const void *uaddr, int len, struct rill_dgram_to *to);
int rill_dgram_turn(struct sock *sk, bool v6);

/* dgram_cmsg.c */
int rill_dgram_cmsgs(struct sock *sk, struct msghdr *msg, struct rill_dgram_to *to,
		     struct rill_way *way, struct sockcm_cookie *sockc);
void rill_dgram_put_cmsgs(struct sock *sk, struct msghdr *msg, const struct sk_buff *skb,
			  int iif);

/* dgram_io.c */
void rill_dgram_input(struct rill_udp *udp, struct sk_buff *skb, const struct rill_pkt *p);
void rill_dgram_answer(struct sock *sk, const struct rill_pkt *p);
void rill_dgram_icmp(struct rill_udp *udp, struct sock *sk, struct sk_buff *skb, int err,
		     bool hard, u32 offset);

#endif /* RILL_CARRIER_H */
