// SPDX-License-Identifier: GPL-2.0
/*
 * udp.c - the UDP carrier: sockets, trains out, trains in, ICMP.
 *
 * Owns the kernel UDP sockets of a namespace and everything that is particular
 * to travelling in UDP.  A train of packets leaves as one skb with UDP GSO and,
 * where the path kept or merged it, arrives as one.
 *
 * Receiving merged trains needs no symbol that is not exported: GRO_ENABLED and
 * ACCEPT_L4 make the core merge datagrams of equal size, and rill_gro_complete()
 * marks the result so that it is neither split again before us nor invalid if it
 * is forwarded.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/workqueue.h>
#include <net/gro.h>
#include <net/icmp.h>
#include <net/ip6_checksum.h>
#include <net/udp_tunnel.h>
#include "carrier.h"

static int rill_udp_rcv(struct sock *usk, struct sk_buff *skb)
{
	struct rill_udp *udp = rcu_dereference_sk_user_data(usk);

	if (unlikely(!udp)) {
		kfree_skb(skb);		/* the namespace is on its way out */
		return 0;
	}
	__skb_pull(skb, sizeof(struct udphdr));
	skb_orphan(skb);
	rill_input(udp, skb);
	return 0;
}

/* The core merged datagrams into @skb: what a train of ours looks like. */
static int rill_gro_complete(struct sock *usk, struct sk_buff *skb, int nhoff)
{
	struct udphdr *uh = (struct udphdr *)(skb->data + nhoff - sizeof(*uh));

	skb->encapsulation = 0;
	skb->csum_start = (unsigned char *)uh - skb->head;
	skb->csum_offset = offsetof(struct udphdr, check);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb_shinfo(skb)->gso_segs = NAPI_GRO_CB(skb)->count;
	skb_shinfo(skb)->gso_type |= SKB_GSO_UDP_L4;
	return 0;
}

/* An ICMP error quotes a datagram of ours: let it through to err_rcv. */
static int rill_udp_err_lookup(struct sock *usk, struct sk_buff *skb)
{
	return 0;
}

/*
 * The errno of an ICMP error, 0 for one that says nothing (MUST-55).
 * @hard: it is one that UDP reports to a connected socket
 */
static int rill_icmp_errno(bool v6, u8 type, u8 code, bool *hard)
{
	int err = 0;

	if (v6) {
		*hard = icmpv6_err_convert(type, code, &err) || type == ICMPV6_PKT_TOOBIG;
		return err;
	}
	*hard = type == ICMP_PARAMETERPROB;
	if (type == ICMP_DEST_UNREACH && code <= NR_ICMP_UNREACH) {
		*hard = icmp_err_convert[code].fatal || code == ICMP_FRAG_NEEDED;
		return icmp_err_convert[code].errno;
	}
	return type == ICMP_TIME_EXCEEDED ? EHOSTUNREACH :
	       type == ICMP_PARAMETERPROB ? EPROTO : 0;
}

static void rill_udp_err(struct sock *usk, struct sk_buff *skb, const u8 *quoted_udp)
{
	struct rill_udp *udp = rcu_dereference_sk_user_data(usk);
	u8 type, code;
	bool hard;
	int err;

	if (!udp)
		return;
	type = udp->v6 ? icmp6_hdr(skb)->icmp6_type : icmp_hdr(skb)->type;
	code = udp->v6 ? icmp6_hdr(skb)->icmp6_code : icmp_hdr(skb)->code;
	err = rill_icmp_errno(udp->v6, type, code, &hard);
	if (err)
		rill_input_icmp(udp, skb, err, hard, quoted_udp - skb->data +
				sizeof(struct udphdr));
}

#ifdef RILL_OLD_ENCAP_ERR
static void rill_udp_err_rcv(struct sock *usk, struct sk_buff *skb, unsigned int offset)
{
	rill_udp_err(usk, skb, skb->data + offset);
}
#else
static void rill_udp_err_rcv(struct sock *usk, struct sk_buff *skb, int err, __be16 port,
			     u32 info, u8 *payload)
{
	rill_udp_err(usk, skb, payload - sizeof(struct udphdr));
}
#endif

static void rill_udp_free(struct rill_udp *udp)
{
	udp_tunnel_sock_release(RILL_TUNNEL_SOCK(udp->sock));
	kfree(udp);
}

/* A new carrier socket; @port 0: any. */
static struct rill_udp *rill_udp_create(struct rill_net *rn, bool v6, u16 port)
{
	struct udp_tunnel_sock_cfg cfg = {
		.encap_type = 1,	/* any but 0: all that is ours goes to encap_rcv */
		.encap_rcv = rill_udp_rcv,
		.encap_err_lookup = rill_udp_err_lookup,
		.encap_err_rcv = rill_udp_err_rcv,
		.gro_complete = rill_gro_complete,
	};
	struct udp_port_cfg port_cfg = {
		.family = v6 ? AF_INET6 : AF_INET,
		.local_udp_port = htons(port),
		.use_udp_checksums = true,
		.use_udp6_tx_checksums = true,
		.use_udp6_rx_checksums = true,
		.ipv6_v6only = true,
	};
	struct rill_udp *udp;
	struct sock *usk;
	int err;

	udp = kzalloc(sizeof(*udp), GFP_KERNEL);
	if (!udp)
		return ERR_PTR(-ENOMEM);
	err = udp_sock_create(rn->net, &port_cfg, &udp->sock);
	if (err) {
		kfree(udp);
		return ERR_PTR(err);
	}
	usk = udp->sock->sk;
	udp->rn = rn;
	udp->v6 = v6;
	udp->port = inet_sk(usk)->inet_sport;
	cfg.sk_user_data = udp;
	udp_set_bit(GRO_ENABLED, usk);
	udp_set_bit(ACCEPT_L4, usk);
	setup_udp_tunnel_sock(rn->net, RILL_TUNNEL_SOCK(udp->sock), &cfg);
	/* There is no checksum inside ours that a conversion could serve. */
	inet_dec_convert_csum(usk);
	return udp;
}

/*
 * A carrier for connect(): any port but the well-known one, which listen() will
 * want and the ephemeral range may hold.
 */
static struct rill_udp *rill_udp_create_client(struct rill_net *rn, bool v6)
{
	struct rill_udp *udp = rill_udp_create(rn, v6, 0), *other;

	if (IS_ERR(udp) || udp->port != htons(READ_ONCE(rn->udp_port)))
		return udp;
	/* While this one holds the port, the next cannot get it. */
	other = rill_udp_create(rn, v6, 0);
	rill_udp_free(udp);
	return other;
}

struct rill_udp_work {
	struct work_struct work;
	struct rill_net	*rn;
	bool		v6, listen;
	int		err;
};

/*
 * In a worker: a bind below 1024 must not depend on who calls listen(), and
 * the sockets must not be charged to the caller's memory cgroup.
 */
static void rill_udp_open_work(struct work_struct *work)
{
	struct rill_udp_work *w = container_of(work, struct rill_udp_work, work);
	struct rill_udp **slot = w->rn->udp[w->v6];
	int i, first = w->listen ? 0 : 1, last = w->listen ? 1 : RILL_UDP_SLOTS;

	mutex_lock(&w->rn->udp_mutex);
	for (i = first; i < last && !w->err; i++) {
		struct rill_udp *udp;

		if (slot[i] || w->rn->closing)
			continue;
		udp = i ? rill_udp_create_client(w->rn, w->v6) :
			  rill_udp_create(w->rn, w->v6, READ_ONCE(w->rn->udp_port));
		if (IS_ERR(udp))
			w->err = PTR_ERR(udp);
		else
			smp_store_release(&slot[i], udp);
	}
	/* Where ports are few, clients share those that could be had. */
	if (!w->listen && slot[1])
		w->err = 0;
	mutex_unlock(&w->rn->udp_mutex);
}

/*
 * Make sure the carrier sockets exist that listen(), or else connect(), needs.
 * Sleeps.  Returns 0 or a negative errno: EADDRINUSE when another program has
 * the port, EAFNOSUPPORT when the host has no IPv6.
 */
int rill_udp_open(struct rill_net *rn, bool v6, bool listen)
{
	struct rill_udp_work w = { .rn = rn, .v6 = v6, .listen = listen };

	if (smp_load_acquire(&rn->udp[v6][listen ? 0 : RILL_UDP_SLOTS - 1]))
		return 0;
	if (v6 && !ipv6_mod_enabled())
		return -EAFNOSUPPORT;
	INIT_WORK_ONSTACK(&w.work, rill_udp_open_work);
	queue_work(rill_wq, &w.work);
	flush_work(&w.work);
	destroy_work_on_stack(&w.work);
	return w.err;
}

/* The carrier socket a new connection sends from: flows spread over the pool. */
struct rill_udp *rill_udp_client(struct rill_net *rn, bool v6, u64 cid)
{
	struct rill_udp *udp = NULL;
	u32 i;

	for (i = 0; i < RILL_UDP_CLIENTS && !udp; i++)
		udp = smp_load_acquire(&rn->udp[v6][1 + (cid + i) % RILL_UDP_CLIENTS]);
	return udp;
}

/* The one at the well-known port, NULL: not there yet. */
struct rill_udp *rill_udp_server(struct rill_net *rn, bool v6)
{
	return smp_load_acquire(&rn->udp[v6][0]);
}

/* No packet may reach @rn any more: a grace period must follow. */
void rill_udp_unpublish(struct rill_net *rn)
{
	int v6, i;

	mutex_lock(&rn->udp_mutex);
	rn->closing = true;
	for (v6 = 0; v6 < 2; v6++)
		for (i = 0; i < RILL_UDP_SLOTS; i++)
			if (rn->udp[v6][i])
				rcu_assign_sk_user_data(rn->udp[v6][i]->sock->sk, NULL);
	mutex_unlock(&rn->udp_mutex);
}

void rill_udp_release(struct rill_net *rn)
{
	int v6, i;

	for (v6 = 0; v6 < 2; v6++)
		for (i = 0; i < RILL_UDP_SLOTS; i++)
			if (rn->udp[v6][i])
				rill_udp_free(rn->udp[v6][i]);
}

/*
 * Make a train of @n datagrams of @stride bytes out of @skb, which holds them
 * back to back.  Over veth the peer takes trains whole when they also carry the
 * tunnel bit (other devices would split them for nothing).
 */
static void rill_udp_gso(struct sk_buff *skb, const struct net_device *dev, u16 n, u16 stride)
{
	struct skb_shared_info *si = skb_shinfo(skb);
	const netdev_features_t whole = NETIF_F_GSO_UDP_L4 | NETIF_F_GSO_UDP_TUNNEL_CSUM;

	si->gso_type = SKB_GSO_UDP_L4;
	if ((dev->features & whole) == whole && dev->rtnl_link_ops &&
	    !strcmp(dev->rtnl_link_ops->kind, "veth"))
		si->gso_type |= SKB_GSO_UDP_TUNNEL_CSUM;
	si->gso_size = stride;
	si->gso_segs = n;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_headroom(skb) - sizeof(struct udphdr);
	skb->csum_offset = offsetof(struct udphdr, check);
}

/* A packet laid out before the path shrank: let IP cut it, once. */
static bool rill_udp_too_big(const struct dst_entry *dst, const struct sk_buff *skb, bool v6)
{
	u32 len = skb_is_gso(skb) ? skb_shinfo(skb)->gso_size : skb->len;

	return len + (v6 ? RILL_OVERHEAD6 : RILL_OVERHEAD4) > dst_mtu(dst);
}

/*
 * Send @skb of @sk, which holds @n packets @stride bytes apart, along @way.
 * @dst: a reference, consumed; @ecn: the ECN field.  BHs are off.
 */
void rill_udp_xmit(struct sock *sk, const struct rill_way *way, struct dst_entry *dst,
		   struct sk_buff *skb, u16 n, u16 stride, u8 ecn)
{
	struct rill_udp *udp = way->udp;
	/* What sends is the socket itself where cgroup programs are to see it. */
	struct sock *usk = rill_is_inet(sk) ? sk : udp->sock->sk;

	skb->dev = NULL;	/* iptunnel_xmit() would count on it */
	skb->protocol = udp->v6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
	if (n > 1)
		rill_udp_gso(skb, dst->dev, n, stride);
	if (udp->v6) {
		u8 hops = way->hops >= 0 ? way->hops : ip6_dst_hoplimit(dst);
		__be32 label = ip6_make_flowlabel(sock_net(sk), skb, 0,
						  test_bit(IPV6_AUTOFLOWLABEL,
							   rill_sk(sk)->ip6.on), NULL);

		skb->ignore_df = rill_udp_too_big(dst, skb, true);
		/* No device: its tunnel counters would be written, and it has none. */
		udp_tunnel6_xmit_skb(dst, usk, skb, NULL, way->saddr, way->daddr,
				     way->tos | ecn, hops, label, udp->port, way->dport, false
				     RILL_IPCB_FLAGS);
	} else {
		u8 ttl = way->hops >= 0 ? way->hops : ip4_dst_hoplimit(dst);
		__be16 df = rill_udp_too_big(dst, skb, false) || !ip_dont_fragment(sk, dst) ?
			    0 : htons(IP_DF);

		udp_tunnel_xmit_skb(dst_rtable(dst), usk, skb, way->saddr->s6_addr32[3],
				    way->daddr->s6_addr32[3], way->tos | ecn, ttl, df,
				    udp->port, way->dport, false, false RILL_IPCB_FLAGS);
	}
}

/* Where @skb came from and went to, IPv4 as v4-mapped; the sender's UDP port. */
void rill_skb_path(const struct sk_buff *skb, struct in6_addr *local,
		   struct in6_addr *remote, __be16 *port)
{
	/* By the packet: a connection's may come by a carrier of the other family. */
	if (skb->protocol == htons(ETH_P_IPV6)) {
		*local = ipv6_hdr(skb)->daddr;
		*remote = ipv6_hdr(skb)->saddr;
	} else {
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, local);
		ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, remote);
	}
	*port = udp_hdr(skb)->source;
}

/*
 * A reply goes where @to came from, on behalf of a listener: with its TOS, TTL,
 * mark and priority, as TCP's SYN-ACK; @lsk NULL: of nobody, as TCP's RST.
 */
static int rill_udp_reply4(struct rill_udp *udp, const struct sock *lsk, struct sk_buff *to,
			   struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(to);
	struct flowi4 fl4 = {
		.daddr = iph->saddr,
		.saddr = iph->daddr,
		.flowi4_proto = IPPROTO_UDP,
		.fl4_sport = udp->port,
		.fl4_dport = udp_hdr(to)->source,
		.flowi4_oif = lsk ? inet_request_bound_dev_if(lsk, to) :
			      l3mdev_master_ifindex_by_index(udp->rn->net, to->skb_iif),
		.flowi4_mark = lsk ? skb->mark : IP4_REPLY_MARK(udp->rn->net, to->mark),
		.flowi4_flags = lsk ? inet_sk_flowi_flags(lsk) : 0,
		.flowi4_uid = lsk ? lsk->sk_uid : GLOBAL_ROOT_UID,
	};
	u8 tos = lsk ? inet_sk(lsk)->tos & ~INET_ECN_MASK : 0;
	struct rtable *rt;

	fl4_set_dscp(&fl4, tos);
	rt = ip_route_output_key(udp->rn->net, &fl4);
	if (IS_ERR(rt)) {
		kfree_skb(skb);
		return PTR_ERR(rt);
	}
	udp_tunnel_xmit_skb(rt, udp->sock->sk, skb, iph->daddr, iph->saddr, tos,
			    lsk && inet_sk(lsk)->uc_ttl >= 0 ? inet_sk(lsk)->uc_ttl :
							       ip4_dst_hoplimit(&rt->dst),
			    htons(IP_DF), udp->port, udp_hdr(to)->source, false, false
			    RILL_IPCB_FLAGS);
	return 0;
}

static int rill_udp_reply6(struct rill_udp *udp, const struct sock *lsk, struct sk_buff *to,
			   struct sk_buff *skb)
{
	const struct rill_ip6 *ip6 = lsk ? &rill_sk(lsk)->ip6 : NULL;
	struct in6_addr saddr = ipv6_hdr(to)->daddr, daddr = ipv6_hdr(to)->saddr;
	struct flowi6 fl6 = {
		.daddr = daddr,
		.saddr = saddr,
		.flowi6_proto = IPPROTO_UDP,
		.fl6_sport = udp->port,
		.fl6_dport = udp_hdr(to)->source,
		.flowi6_mark = lsk ? skb->mark : IP6_REPLY_MARK(udp->rn->net, to->mark),
		.flowi6_uid = lsk ? lsk->sk_uid : GLOBAL_ROOT_UID,
		.flowlabel = ip6_make_flowinfo(lsk ? ip6->tclass : 0, 0),
	};
	struct dst_entry *dst;

	fl6.flowi6_oif = lsk ? inet_request_bound_dev_if(lsk, to) :
			 l3mdev_master_ifindex_by_index(udp->rn->net, to->skb_iif);
	if (ipv6_addr_type(&daddr) & IPV6_ADDR_LINKLOCAL)
		fl6.flowi6_oif = rill_cb(to)->iif;
	dst = ip6_dst_lookup_flow(udp->rn->net, NULL, &fl6, NULL);
	if (IS_ERR(dst)) {
		kfree_skb(skb);
		return PTR_ERR(dst);
	}
	udp_tunnel6_xmit_skb(dst, udp->sock->sk, skb, NULL, &saddr, &daddr, lsk ? ip6->tclass : 0,
			     lsk && ip6->hop_limit >= 0 ? ip6->hop_limit : ip6_dst_hoplimit(dst),
			     ip6_make_flowlabel(udp->rn->net, skb, 0,
						lsk && test_bit(IPV6_AUTOFLOWLABEL, ip6->on), &fl6),
			     udp->port, udp_hdr(to)->source, false RILL_IPCB_FLAGS);
	return 0;
}

/* Send @skb, consumed, back to where @to came from.  In softirq. */
int rill_udp_reply(struct rill_udp *udp, const struct sock *lsk, struct sk_buff *to,
		   struct sk_buff *skb)
{
	skb->protocol = udp->v6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
	if (lsk) {
		skb->priority = READ_ONCE(lsk->sk_priority);
		skb->mark = inet_request_mark(lsk, to);
	}
	return udp->v6 ? rill_udp_reply6(udp, lsk, to, skb) : rill_udp_reply4(udp, lsk, to, skb);
}
