// SPDX-License-Identifier: GPL-2.0
/*
 * input.c - from a UDP datagram, or a train of them, to the engine.
 *
 * Start at rill_input().  Owns the cutting of what GRO merged into runs of one
 * connection, the way to the socket, and what becomes of the bytes.  Whether a
 * packet is good is the engine's to say.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/random.h>
#include <net/busy_poll.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include "carrier.h"

/* Counter of a codec error. */
static enum rill_mib rill_wire_mib(enum rill_wire_err err)
{
	switch (err) {
	case RILL_WIRE_OK:
		break;
	case RILL_WIRE_SHORT:
		return RILL_MIB_INSHORT;
	case RILL_WIRE_VERSION_ERR:
		return RILL_MIB_INVERSION;
	case RILL_WIRE_TYPE:
		return RILL_MIB_INTYPE;
	case RILL_WIRE_FLAGS:
		return RILL_MIB_INFLAGS;
	case RILL_WIRE_EXT:
		return RILL_MIB_INEXT;
	}
	return RILL_MIB_NONE;
}

/* Read the header of the packet of @len bytes at @off. */
static enum rill_wire_err rill_skb_hdr(const struct sk_buff *skb, u32 off, u32 len,
				       struct rill_hdr *h)
{
	u8 buf[RILL_HDR];
	const u8 *p = skb_header_pointer(skb, off, RILL_HDR, buf);

	return p ? rill_wire_hdr_get(h, p, len) : RILL_WIRE_SHORT;
}

/* A place in an skb that moves forward: headers of a train, one after another. */
struct rill_cursor {
	const struct sk_buff *skb;
	int	frag;		/* index of the fragment looked at */
	u32	base;		/* skb offset of its first byte */
};

/* The RILL_HDR bytes at @off, in place where they are contiguous, else in @buf. */
static const u8 *rill_peek(struct rill_cursor *c, u32 off, u8 *buf)
{
	const struct skb_shared_info *si = skb_shinfo(c->skb);

	for (; c->frag < si->nr_frags; c->frag++) {
		const skb_frag_t *f = &si->frags[c->frag];
		u32 size = skb_frag_size(f);

		if (off < c->base)
			break;
		if (off - c->base + RILL_HDR <= size && !PageHighMem(skb_frag_page(f)))
			return skb_frag_address(f) + off - c->base;
		if (off - c->base < size)
			break;
		c->base += size;
	}
	return skb_header_pointer(c->skb, off, RILL_HDR, buf);
}

/* Is the header at @p that of packet @i in the run that begins with @first? */
static bool rill_follows(const u8 *p, const struct rill_hdr *first, u32 i, u32 plen)
{
	return p[0] == (RILL_WIRE_VERSION << 4 | RILL_T_DATA) && !(p[1] & ~(RILL_F_KNOWN & ~RILL_F_PAD)) &&
	       !get_unaligned_be16(p + 2) && get_unaligned_be64(p + 4) == first->cid &&
	       get_unaligned_be32(p + 12) == first->pn + i &&
	       get_unaligned_be32(p + 16) == first->off + i * plen;
}

/*
 * Describe in @skb's cb the longest run at @start: the packets up to @end are
 * @stride bytes apart.  Returns its length in bytes, 0 when the first packet is
 * malformed (counted; its bytes are skipped by the caller).
 */
static u32 rill_cut_run(struct rill_net *rn, struct sk_buff *skb, u32 start, u32 end,
			u32 stride, struct rill_hdr *first)
{
	struct rill_cursor c = { .skb = skb, .base = skb_headlen(skb) };
	struct rill_skb_cb *cb = rill_cb(skb);
	u32 len = min(end - start, stride), off = start + len;
	enum rill_wire_err err = rill_skb_hdr(skb, start, len, first);
	u8 buf[RILL_HDR];
	const u8 *p;

	if (err) {
		rill_mib_inc(rn, rill_wire_mib(err));
		return 0;
	}
	cb->start = start;
	cb->stride = stride;
	cb->n = 1;
	cb->plen = len - RILL_HDR - first->ext_len;
	cb->len = cb->plen;
	cb->last_flags = first->flags;
	cb->collect = false;
	if (first->type != RILL_T_DATA || first->ext_len || !cb->plen)
		return len;

	for (; off < end && cb->n < RILL_RUN_MAX && !cb->last_flags; off += len) {
		len = min(end - off, stride);
		p = len > RILL_HDR ? rill_peek(&c, off, buf) : NULL;
		if (!p || !rill_follows(p, first, cb->n, cb->plen))
			break;
		cb->n++;
		cb->len += len - RILL_HDR;
		cb->last_flags = p[1];
	}
	return off - start;
}

/* Read into @p the first packet of the run @skb holds; false: malformed. */
static bool rill_skb_pkt(struct rill_net *rn, struct sk_buff *skb, struct rill_pkt *p,
			 u8 *ext)
{
	struct rill_skb_cb *cb = rill_cb(skb);
	enum rill_wire_err err;

	err = rill_skb_hdr(skb, cb->start, min(skb->len - cb->start, (u32)cb->stride), &p->h);
	if (!err && skb_copy_bits(skb, cb->start + RILL_HDR, ext, p->h.ext_len))
		err = RILL_WIRE_SHORT;
	if (!err)
		err = rill_wire_ext_get(&p->x, &p->h, ext);
	if (err) {
		rill_mib_inc(rn, rill_wire_mib(err));
		return false;
	}
	if (p->h.flags & RILL_F_PAD)
		cb->len = cb->plen = 0;
	p->len = cb->len;
	p->plen = cb->plen;
	p->n = cb->n;
	p->last_flags = cb->last_flags;
	p->ecn = cb->ecn;
	p->full = false;
	return true;
}

/* May the ooo set take one range more?  Grow it while it is small. */
static void rill_ooo_room(struct rill_sock *rs)
{
	struct rill_ranges *r = &rs->conn.rx.ooo;
	struct rill_range *v;
	u16 cap = r->cap ? 4 * r->cap : 16;

	if (r->n < r->cap || cap > 1024)
		return;
	v = kmalloc_array(cap, sizeof(*v), GFP_ATOMIC | __GFP_NOWARN);
	if (!v)
		return;		/* the engine refuses what needs more */
	if (r->n)
		memcpy(v, r->v, r->n * sizeof(*v));
	kfree(rs->ooo_mem);
	rs->ooo_mem = v;
	r->v = v;
	r->cap = cap;
}

/* Is there a place for one more stretch of records given up?  As rill_ooo_room(). */
static void rill_gap_room(struct rill_sock *rs)
{
	struct rill_gaps *g = &rs->conn.rx.gaps;
	struct rill_gap *v;
	u16 cap = g->cap ? 4 * g->cap : 16;

	if (g->n < g->cap || cap > 1024)
		return;
	v = kmalloc_array(cap, sizeof(*v), GFP_ATOMIC | __GFP_NOWARN);
	if (!v)
		return;
	if (g->n)
		memcpy(v, g->v, g->n * sizeof(*v));
	kfree(rs->gap_mem);
	rs->gap_mem = v;
	g->v = v;
	g->cap = cap;
}

/* The peer's packets come from a new address: answer there (NAT rebinding). */
static void rill_rebind(struct sock *sk, struct sk_buff *skb, struct rill_out *out)
{
	struct rill_sock *rs = rill_sk(sk);
	bool same_host;
	struct in6_addr local, remote;
	__be16 port;

	rill_skb_path(skb, &local, &remote, &port);
	if (likely(port == rs->peer_udp && ipv6_addr_equal(&remote, &sk->sk_v6_daddr)))
		return;
	if (rill_is_v4(&remote) != rill_is_v4(&sk->sk_v6_daddr))
		return;
	same_host = ipv6_addr_equal(&remote, &sk->sk_v6_daddr);
	rs->peer_udp = port;
	sk->sk_v6_daddr = remote;
	rill_addr_show(sk);
	__sk_dst_reset(sk);
	rs->rebinds++;
	rill_conn_rebind(&rs->conn, same_host, get_random_u64() | 1, rill_cb(skb)->stamp, out);
	rill_mib_inc(rill_sk_net(sk), RILL_MIB_REBINDS);
}

/* Hand the packets of a run in one by one: some of them came before. */
static void rill_rcv_split(struct sock *sk, struct sk_buff *skb)
{
	struct rill_skb_cb *cb = rill_cb(skb);
	u16 i;

	for (i = 0; i < cb->n; i++) {
		struct sk_buff *one = skb_clone(skb, GFP_ATOMIC);
		struct rill_skb_cb *c1;

		if (!one)
			break;		/* lost, as far as the peer can see */
		c1 = rill_cb(one);
		c1->start = cb->start + i * cb->stride;
		c1->n = 1;
		c1->len = i + 1 < cb->n ? cb->plen : cb->len - i * cb->plen;
		c1->plen = c1->len;
		c1->last_flags = i + 1 < cb->n ? 0 : cb->last_flags;
		rill_rcv_skb(sk, one);
	}
	kfree_skb(skb);
}

/* New data for a program that has closed: it is lost, and the peer must know. */
static bool rill_rcv_after_close(struct sock *sk, const struct rill_pkt *p)
{
	struct rill_conn *c = &rill_sk(sk)->conn;
	u64 off = rill_expand(c->rx.nxt, p->h.off);

	if (!p->len || p->h.type != RILL_T_DATA || !(sk->sk_shutdown & RCV_SHUTDOWN) ||
	    !rill_state_in(c->state, RILL_ST(RILL_FIN_WAIT1) | RILL_ST(RILL_FIN_WAIT2)) ||
	    !rill_num_ok(off) || off + p->len <= c->rx.nxt || off + p->len > c->rx.credit)
		return false;
	rill_mib_inc(rill_sk_net(sk), RILL_MIB_INCLOSED);
	rill_reset(sk, RILL_MIB_ABORTONDATA, ECONNRESET);
	return true;
}

/*
 * A run of packets for @sk, which is locked: by a process that drains its
 * backlog, or by softirq.  Consumes @skb.
 */
void rill_rcv_skb(struct sock *sk, struct sk_buff *skb)
{
	struct rill_sock *rs = rill_sk(sk);
	u64 now = rill_cb(skb)->stamp;
	u8 ext[RILL_EXT_MAX];
	struct rill_pkt p;
	struct rill_out out;

	rill_out_init(&out);
	if (!rill_skb_pkt(rill_sk_net(sk), skb, &p, ext))
		goto free;
	if (p.h.cid != rs->conn.cid) {
		/* Found before the socket began another connection. */
		rill_mib_inc(rill_sk_net(sk), RILL_MIB_INNOCONN);
		goto free;
	}
	if (rs->ip6.see && skb->protocol == htons(ETH_P_IPV6))
		rill_ip6_see(&rs->ip6.seen, skb, rill_cb(skb)->iif);
	if (rill_rcv_after_close(sk, &p))
		goto free;
	if (p.len && rill_state_in(rs->conn.state, RILL_ST_SYNCED)) {
		u64 nxt = rs->conn.rx.nxt;

		p.full = !rill_rcv_room(sk, skb, rill_expand(nxt, p.h.off) > nxt);
		rill_ooo_room(rs);
	}
	if (rill_ext_has(&p.x, RILL_I_SKIP) && rs->conn.rx.records) {
		rill_ooo_room(rs);
		rill_gap_room(rs);
	}
	rill_conn_rcv(&rs->conn, &p, now, &out);
	if (out.bits & RILL_B_SPLIT) {
		rill_rcv_split(sk, skb);
		return;
	}
	if (out.bits & RILL_B_NEWEST)
		rill_rebind(sk, skb, &out);
	if (p.len && (out.verdict == RILL_RCV_QUEUE || out.verdict == RILL_RCV_AHEAD)) {
		struct rill_skb_cb *cb = rill_cb(skb);

		rs->last_data_rcv = now;
		cb->off = out.off;
		cb->start += RILL_HDR + p.h.ext_len;
		rill_rcv_queue(sk, skb, out.verdict == RILL_RCV_AHEAD);
		skb = NULL;
	}
	if (rs->conn.rx.records)
		rill_record_scan(sk, rill_ext_has(&p.x, RILL_I_SKIP), now, &out);
	rill_apply(sk, &out);
free:
	kfree_skb(skb);
}

/*
 * Child @sk, which is locked and whose packets nobody else can have, takes the
 * last @data bytes of the SYN that made it, which its listener has let in.
 */
void rill_rcv_syn(struct sock *sk, struct sk_buff *skb, const struct rill_pkt *p, u16 data)
{
	/* The answer to the SYN still needs @skb. */
	struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);
	struct rill_pkt syn = *p;
	struct rill_out out;

	if (!copy)
		return;
	nf_reset_ct(copy);
	skb_ext_reset(copy);
	copy->dev = NULL;
	rill_cb(copy)->start += RILL_HDR + p->h.ext_len + p->len - data;
	rill_cb(copy)->len = rill_cb(copy)->plen = data;
	syn.len = syn.plen = data;
	syn.full = !rill_rcv_room(sk, copy, false);
	rill_out_init(&out);
	rill_conn_rcv(&rill_sk(sk)->conn, &syn, rill_cb(skb)->stamp, &out);
	if (out.verdict == RILL_RCV_QUEUE) {
		rill_cb(copy)->off = out.off;
		rill_rcv_queue(sk, copy, false);
		copy = NULL;
	}
	rill_apply(sk, &out);
	kfree_skb(copy);
}

int rill_backlog_rcv(struct sock *sk, struct sk_buff *skb)
{
	rill_rcv_skb(sk, skb);
	return 0;
}

/* Give @skb to @sk, in softirq; consumes both the skb and the reference. */
static void rill_deliver(struct sock *sk, struct sk_buff *skb)
{
	/* As TCP: what the buffers hold, and room for what is on its way. */
	u32 limit = READ_ONCE(sk->sk_rcvbuf) + (READ_ONCE(sk->sk_sndbuf) >> 1) + 64 * 1024;

	nf_reset_ct(skb);
	skb_ext_reset(skb);
	sk_mark_napi_id(sk, skb);
	sk_incoming_cpu_update(sk);
	skb->dev = NULL;
	bh_lock_sock_nested(sk);
	if (!sock_owned_by_user(sk)) {
		rill_rcv_skb(sk, skb);
	} else if (sk_add_backlog(sk, skb, limit)) {
		rill_mib_inc(rill_sk_net(sk), RILL_MIB_BACKLOGDROPS);
		sk_drops_inc(sk);
		kfree_skb(skb);
	}
	bh_unlock_sock(sk);
	sock_put(sk);
}

static void rill_input_path(const struct rill_udp *udp, const struct sk_buff *skb,
			    struct rill_path *path)
{
	struct in6_addr local, remote;
	__be16 port;

	rill_skb_path(skb, &local, &remote, &port);
	memcpy(path->local, &local, sizeof(path->local));
	memcpy(path->remote, &remote, sizeof(path->remote));
	path->local_udp = ntohs(udp->port);
	path->remote_udp = ntohs(port);
}

/* Packets for nobody we know: the listeners', or strays. */
static struct sock *rill_input_unknown(struct rill_udp *udp, struct sk_buff *skb,
				       struct rill_pkt *p)
{
	struct rill_reply reply;
	struct rill_path path;

	rill_input_path(udp, skb, &path);
	switch (p->h.type) {
	case RILL_T_SYN:
		rill_listen_syn(udp, skb, p, &path);
		return NULL;
	case RILL_T_ECHO:
		return rill_listen_echo(udp, skb, p, &path);
	}
	rill_mib_inc(udp->rn, RILL_MIB_INNOCONN);
	if (rill_stray(&p->h, &p->x, RILL_R_STRAY, &reply)) {
		rill_mib_inc(udp->rn, RILL_MIB_OUTRESETS);
		rill_send_reply(udp, NULL, skb, reply.b, reply.len);
	}
	return NULL;
}

/* The socket of @kind that @node leads to, a reference, if it is of @net and alive. */
struct sock *rill_node_sock(struct rill_node *node, enum rill_node_kind kind,
			    const struct net *net)
{
	struct sock *sk;

	if (!node || node->kind != kind)
		return NULL;
	sk = &container_of(node, struct rill_sock, node)->inet.sk;
	if (!net_eq(sock_net(sk), net) || !refcount_inc_not_zero(&sk->sk_refcnt))
		return NULL;
	return sk;
}

/* A packet for what has an id, but is no connection; false: it has not. */
static bool rill_input_other(struct rill_udp *udp, struct rill_node *node,
			     struct sk_buff *skb, const struct rill_pkt *p)
{
	struct sock *sk;

	if (!node || node->kind == RILL_NODE_SOCK)
		return false;
	if (node->kind == RILL_NODE_TOMB) {
		rill_tomb_input(udp, node, skb, p);
		return true;
	}
	sk = rill_node_sock(node, RILL_NODE_DGRAM, udp->rn->net);
	if (!sk)
		return false;
	rill_dgram_answer(sk, p);
	sock_put(sk);
	return true;
}

/* One run, described in @skb's cb.  Consumes @skb. */
static void rill_input_run(struct rill_udp *udp, struct sk_buff *skb, const struct rill_hdr *h)
{
	bool nameless = h->type == RILL_T_SYN || h->type == RILL_T_DGRAM;
	struct rill_node *node = nameless ? NULL : rill_node_find(h->cid);
	struct sock *sk = rill_node_sock(node, RILL_NODE_SOCK, udp->rn->net);
	u8 ext[RILL_EXT_MAX];
	struct rill_pkt p;

	if (!sk) {
		if (!rill_skb_pkt(udp->rn, skb, &p, ext))
			goto free;
		if (h->type == RILL_T_DGRAM) {
			rill_dgram_input(udp, skb, &p);
			return;
		}
		if (rill_input_other(udp, node, skb, &p))
			goto free;
		/* A child: its listener has let the packet in. */
		sk = rill_input_unknown(udp, skb, &p);
	} else if (!rill_admit(sk, skb)) {
		sock_put(sk);
		goto free;
	}
	if (sk) {
		rill_deliver(sk, skb);
		return;
	}
free:
	kfree_skb(skb);
}

/*
 * A datagram, or a train that GRO or the sender kept together.  Start here.
 * @skb: consumed; its data begins after the UDP header.  In softirq, under RCU.
 */
void rill_input(struct rill_udp *udp, struct sk_buff *skb)
{
	u32 stride = skb_is_gso(skb) ? skb_shinfo(skb)->gso_size : skb->len;
	u8 ecn = (udp->v6 ? ipv6_get_dsfield(ipv6_hdr(skb)) : ip_hdr(skb)->tos) & INET_ECN_MASK;
	int iif = udp->v6 ? inet6_iif(skb) : inet_iif(skb);
	int sdif = udp->v6 ? inet6_sdif(skb) : inet_sdif(skb);
	u32 at = 0, end = skb->len, len;
	struct rill_hdr h;

	if (!end || !stride || stride > U16_MAX) {
		rill_mib_inc(udp->rn, RILL_MIB_INPKTS);
		rill_mib_inc(udp->rn, RILL_MIB_INSHORT);
		goto free;
	}
	/* Views of it would copy a route that is only borrowed. */
	skb_dst_drop(skb);
	memset(skb->cb, 0, sizeof(struct rill_skb_cb));
	rill_cb(skb)->stamp = rill_now();
	rill_cb(skb)->iif = iif;
	rill_cb(skb)->sdif = sdif;
	rill_cb(skb)->ecn = ecn;
	rill_mib_add(udp->rn, RILL_MIB_INPKTS, DIV_ROUND_UP(end, stride));
	while (at < end) {
		struct sk_buff *run = skb;

		len = rill_cut_run(udp->rn, skb, at, end, stride, &h);
		if (!len) {
			at += min(end - at, stride);
			continue;
		}
		rill_mib_inc(udp->rn, RILL_MIB_INRUNS);
		at += len;
		/* The last run takes the skb itself, the others a view of it. */
		if (at < end)
			run = skb_clone(skb, GFP_ATOMIC);
		if (run)
			rill_input_run(udp, run, &h);
		if (run == skb)
			return;
	}
free:
	kfree_skb(skb);
}

/* A router says that no more than @mtu bytes pass. */
static void rill_rcv_too_big(struct sock *sk, u32 mtu, struct rill_out *out)
{
	u32 over = RILL_HDR + (rill_is_v4(&sk->sk_v6_daddr) ? RILL_OVERHEAD4 : RILL_OVERHEAD6);

	if (mtu > over && mtu - over <= RILL_PAYLOAD_MAX)
		rill_conn_too_big(&rill_sk(sk)->conn, mtu - over, rill_now(), out);
}

/* An ICMP error for @sk, which is locked; @mtu: of the path, with EMSGSIZE. */
void rill_rcv_icmp(struct sock *sk, int err, u32 mtu)
{
	bool told = sk->sk_state != TCP_SYN_SENT && sk->sk_state != TCP_CLOSE && rill_recverr(sk);
	struct rill_out out;

	rill_out_init(&out);
	if (err == EMSGSIZE) {
		/* A stream finds the size of the path by itself. */
		rill_rcv_too_big(sk, mtu, &out);
		rill_apply(sk, &out);
		return;
	}
	rill_conn_icmp(&rill_sk(sk)->conn, err, rill_now(), &out);
	rill_apply(sk, &out);
	if (told && !sock_flag(sk, SOCK_DEAD)) {
		/* IP_RECVERR: the program hears of it, the connection goes on. */
		WRITE_ONCE(sk->sk_err, err);
		sk_error_report(sk);
	}
}

/*
 * A connecting socket keeps the ICMP error for MSG_ERRQUEUE: an IPv4 one always,
 * IPv6 with IPV6_RECVERR, as TCP.
 */
static bool rill_icmp_kept(const struct sock *sk, bool v6)
{
	return READ_ONCE(sk->sk_state) == TCP_SYN_SENT && (!v6 || rill_recverr(sk));
}

/*
 * An ICMP error quotes a packet of ours, from @offset on in @skb.  It counts if
 * the packet names an id of ours, which only a host on the path can know.
 */
void rill_input_icmp(struct rill_udp *udp, struct sk_buff *skb, int err, bool hard,
		     u32 offset)
{
	u8 buf[RILL_HDR + 64];
	struct rill_node *node;
	struct rill_hdr h;
	struct rill_ext x;
	struct sock *sk;
	u32 len = min_t(u32, skb->len > offset ? skb->len - offset : 0, sizeof(buf));
	u32 mtu = 0;

	if (skb_copy_bits(skb, offset, buf, len) ||
	    rill_wire_hdr_get(&h, buf, len) || rill_wire_ext_get(&x, &h, buf + RILL_HDR) ||
	    !rill_ext_has(&x, RILL_I_CID))
		goto bad;
	rcu_read_lock();
	node = rill_node_find(x.cid);
	sk = rill_node_sock(node, h.type == RILL_T_DGRAM ? RILL_NODE_DGRAM : RILL_NODE_SOCK,
			    udp->rn->net);
	rcu_read_unlock();
	if (!sk)
		goto bad;
	if (h.type == RILL_T_DGRAM) {
		rill_dgram_icmp(udp, sk, skb, err, hard, offset + RILL_HDR + h.ext_len);
		goto put;
	}
	if (!rill_admit_icmp(sk, skb, udp->v6)) {
		rill_mib_inc(udp->rn, RILL_MIB_INMINTTL);
		goto put;
	}
	if (err == EMSGSIZE)
		mtu = udp->v6 ? ntohl(icmp6_hdr(skb)->icmp6_mtu) :
				ntohs(icmp_hdr(skb)->un.frag.mtu);
	else if (rill_icmp_kept(sk, udp->v6))
		rill_queue_icmp(sk, skb, udp->v6, err, offset);
	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk)) {
		rill_rcv_icmp(sk, err, mtu);
	} else {
		rill_sk(sk)->icmp_err = err;
		rill_sk(sk)->icmp_mtu = mtu;
		set_bit(RILL_D_ICMP, &rill_sk(sk)->deferred);
	}
	bh_unlock_sock(sk);
put:
	sock_put(sk);
	return;
bad:
	rill_mib_inc(udp->rn, RILL_MIB_ICMPBAD);
}
