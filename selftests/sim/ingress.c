// SPDX-License-Identifier: GPL-2.0
/*
 * ingress.c - packets in: gathered, decoded, merged as GRO does, handed on.
 *
 * Owns the receive queue of a host, batches, who a packet belongs to, and the
 * tombstones, which answer for connections that are gone.
 */
#include <stdlib.h>
#include "host.h"

static const u8 *dgram_payload(const struct dgram *d, u32 *len)
{
	u32 hdr = RILL_HDR + get_unaligned_be16(d->b + 2);

	*len = d->len - hdr;
	return d->b + hdr;
}

/* The engine has spoken on a batch: keep its bytes, look at what it took. */
static void host_took(struct sconn *sc, const struct batch *b, const struct rill_out *out,
		      u32 pkts_in)
{
	u64 off = out->off, end;
	u16 i;

	if (sc->c.st.pkts_in != pkts_in) {
		check_rx(sc, rill_expand(sc->c.aq.largest, b->p.h.pn), b->p.n);
		end = rill_expand(sc->credit_seen, b->p.h.credit);
		if (rill_num_ok(end))
			sc->credit_seen = max(sc->credit_seen, end);
	}
	if (out->verdict != RILL_RCV_QUEUE && out->verdict != RILL_RCV_AHEAD)
		return;
	witness_payload(sc, b->p.len);
	for (i = 0; i < b->p.n; i++) {
		u32 len;
		const u8 *pay = dgram_payload(b->d[i], &len);

		host_ring_put(sc, off, pay, len);
		off += len;
	}
}

static u64 batch_bytes(const struct batch *b)
{
	u64 bytes = 0;
	u16 i;

	for (i = 0; i < b->p.n; i++)
		bytes += b->d[i]->len;
	return bytes;
}

void host_rcv(struct sconn *sc, const struct batch *b)
{
	struct sim *s = sc->host->sim;
	u32 pkts_in = sc->c.st.pkts_in;
	struct rill_out out;

	TRACE(s, "conn %u.%d receives type %u pn %u n %u off %u len %u flags %x credit %u has %x",
	      sc->plan, sc->side, b->p.h.type, b->p.h.pn, b->p.n, b->p.h.off, b->p.len,
	      b->p.last_flags, b->p.h.credit, b->p.x.has);
	if (rill_ext_has(&b->p.x, RILL_I_SKIP))
		TRACE(s, "conn %u.%d is told that %u..%u is given up, record %u follows", sc->plan,
		      sc->side, b->p.x.skip_from, b->p.x.skip_to, b->p.x.skip_next);
	rill_out_init(&out);
	if (b->p.h.type == RILL_T_SYNACK && sc->c.state == RILL_SYN_SENT)
		sc->credit_seen = b->p.h.credit;
	ENGINE(sc, &out, rill_conn_rcv(&sc->c, &b->p, host_now(sc->host), &out));
	host_took(sc, b, &out, pkts_in);
	if (out.bits & RILL_B_NEWEST)
		sc->from_there += batch_bytes(b);
	if (out.bits & RILL_B_NEWEST && sc->peer_addr != b->d[0]->src) {
		sc->peer_addr = b->d[0]->src;
		sc->from_there = batch_bytes(b);
		sc->to_there = 0;
		ENGINE(sc, &out, rill_conn_rebind(&sc->c, s->seed & 1, rng_mix(s->seed ^ s->now) | 1,
						  host_now(sc->host), &out));
	}
	if (sc->closed && b->p.len && (out.verdict == RILL_RCV_QUEUE || out.verdict == RILL_RCV_AHEAD) &&
	    rill_state_in(sc->c.state, RILL_ST_CAN_RECV)) {
		/* Nobody will read it: as TCP, say so. */
		sc->mib[RILL_MIB_INCLOSED]++;
		ENGINE(sc, &out, rill_conn_abort(&sc->c, RILL_R_ABORT, host_now(sc->host), &out));
	}
	while (rill_conn_wants(&sc->c))
		ENGINE(sc, &out, rill_conn_prefix(&sc->c, host_prefix(sc, sc->c.rx.whole),
						  host_now(sc->host), &out));
	host_service(sc, &out);
	forge_icmp(sc);
	if (out.bits & RILL_B_SPLIT) {
		struct batch one = *b;
		u16 i;

		for (i = 0; i < b->p.n && !s->failed; i++) {
			u32 len;

			dgram_payload(b->d[i], &len);
			one.p.h.pn = b->p.h.pn + i;
			one.p.h.off = b->p.h.off + i * b->p.plen;
			one.p.n = 1;
			one.p.len = one.p.plen = len;
			one.p.last_flags = i + 1 == b->p.n ? b->p.last_flags : 0;
			one.p.h.flags = one.p.last_flags;
			one.d[0] = b->d[i];
			host_rcv(sc, &one);
		}
	}
}

struct sim_tomb *host_tomb(struct host *h, u64 cid)
{
	struct sim_tomb **p = &h->tombs, *t;

	while ((t = *p)) {
		if (t->t.expires <= host_now(h)) {
			*p = t->next;
			h->ntombs--;
			free(t);
			continue;
		}
		if (t->t.cid == cid)
			return t;
		p = &t->next;
	}
	return NULL;
}

static void host_route(struct host *h, const struct batch *b)
{
	struct rill_reply reply;
	struct sim_tomb *t;
	struct sconn *sc;

	if (b->p.h.type == RILL_T_SYN) {
		host_syn(h, b);
		return;
	}
	sc = host_find(h, b->p.h.cid);
	if (sc) {
		host_rcv(sc, b);
		return;
	}
	t = host_tomb(h, b->p.h.cid);
	if (t) {
		if (rill_tomb_rcv(&t->t, &b->p.h, &b->p.x, b->p.len, &reply))
			host_reply(h, b->d[0]->src, &reply);
		return;
	}
	if (b->p.h.type == RILL_T_ECHO)
		host_echo(h, b);
	else if (rill_stray(&b->p.h, &b->p.x, RILL_R_STRAY, &reply))
		host_reply(h, b->d[0]->src, &reply);
}

/* 26: what is for an id nobody has changes nobody. */
static void host_dispatch(struct host *h, const struct batch *b)
{
	u64 before = b->d[0]->forged ? witness_state(h) : 0;

	h->answering = b->d[0];
	host_route(h, b);
	h->answering = NULL;
	if (b->d[0]->forged && witness_state(h) != before)
		sim_fail(h->sim, "26: a packet for connection %016llx changed another", b->p.h.cid);
}

void host_arrive(struct host *h, struct dgram *d)
{
	struct sim *s = h->sim;

	/* UDP's checksum; in hostile runs the damage gets past it. */
	if ((d->damaged && !s->cfg->hostile) || d->dst != h->addr) {
		s->damaged += d->damaged;
		dgram_put(d);
		return;
	}
	*h->rxtail = d;
	h->rxtail = &d->next;
	d->next = NULL;
	if (!h->polling) {
		h->polling = true;
		sim_at(s, s->now + rng_below(&s->rng, s->cfg->coalesce + 1), EV_POLL, h->id, NULL);
	}
}

/* One datagram as a batch of one; false: malformed. */
static bool host_decode(struct batch *b, struct dgram *d)
{
	if (rill_wire_hdr_get(&b->p.h, d->b, d->len) != RILL_WIRE_OK ||
	    rill_wire_ext_get(&b->p.x, &b->p.h, d->b + RILL_HDR) != RILL_WIRE_OK)
		return false;
	b->p.len = b->p.plen = d->len - RILL_HDR - b->p.h.ext_len;
	b->p.n = 1;
	b->p.last_flags = b->p.h.flags;
	b->p.ecn = d->ecn;
	b->d[0] = d;
	return true;
}

/* As GRO does: packets that follow each other and differ in numbers only. */
static bool host_merge(struct batch *b, const struct batch *n)
{
	const struct rill_pkt *p = &b->p;

	if (p->n == RILL_RUN_MAX || p->h.type != RILL_T_DATA || n->p.h.type != RILL_T_DATA ||
	    p->h.ext_len || n->p.h.ext_len || p->h.cid != n->p.h.cid || p->last_flags ||
	    n->p.h.pn != p->h.pn + p->n || n->p.h.off != p->h.off + (u32)p->len ||
	    p->len != p->n * p->plen || !n->p.len || n->p.len > p->plen ||
	    n->p.h.credit != p->h.credit || n->p.ecn != p->ecn || b->d[0]->src != n->d[0]->src)
		return false;
	b->d[b->p.n++] = n->d[0];
	b->p.len += n->p.len;
	b->p.last_flags = n->p.last_flags;
	return true;
}

static void batch_put(struct batch *b)
{
	u16 i;

	for (i = 0; i < b->p.n; i++)
		dgram_put(b->d[i]);
	b->p.n = 0;
}

void host_poll(struct host *h)
{
	struct batch b = { 0 }, next = { 0 };
	struct dgram *d;

	h->polling = false;
	b.p.n = 0;
	while ((d = h->rxq)) {
		h->rxq = d->next;
		if (!h->rxq)
			h->rxtail = &h->rxq;
		if (h->sim->failed || !host_decode(&next, d)) {
			dgram_put(d);
			continue;
		}
		if (b.p.n && host_merge(&b, &next))
			continue;
		if (b.p.n)
			host_dispatch(h, &b);
		batch_put(&b);
		b.p = next.p;
		b.d[0] = next.d[0];
	}
	if (b.p.n && !h->sim->failed)
		host_dispatch(h, &b);
	batch_put(&b);
}
