// SPDX-License-Identifier: GPL-2.0
/*
 * check.c - the invariants that one engine can be asked for, by the numbers of
 * reliability.md 3.3: 2, 7 to 17, 27, 28.
 *
 * Owns no state of the run but what it needs to remember.  Each check
 * recomputes from the lists what the engine keeps as a counter, or compares
 * what leaves with what left before.
 */
#include <stdlib.h>
#include "sim.h"

/* The piece of the set that @pn is in, moved to the front; NULL: none. */
static struct pnset *pn_find(struct pnset **set, u64 pn)
{
	struct pnset **p, *hit;

	for (p = set; (hit = *p) != NULL; p = &hit->next)
		if (hit->base == pn / PNSET_BITS)
			break;
	if (hit && p != set) {
		*p = hit->next;
		hit->next = *set;
		*set = hit;
	}
	return hit;
}

static bool pn_test(struct pnset **set, u64 pn)
{
	const struct pnset *p = pn_find(set, pn);

	return p && p->bits[pn % PNSET_BITS / 64] & BIT_ULL(pn % 64);
}

static void pn_set(struct pnset **set, u64 pn)
{
	struct pnset *p = pn_find(set, pn);

	if (!p) {
		p = calloc(1, sizeof(*p));
		p->base = pn / PNSET_BITS;
		p->next = *set;
		*set = p;
	}
	p->bits[pn % PNSET_BITS / 64] |= BIT_ULL(pn % 64);
}

void pnset_free(struct pnset **set)
{
	struct pnset *p;

	while ((p = *set) != NULL) {
		*set = p->next;
		free(p);
	}
}

/* Where the packets of a run that are in flight are added up. */
static u64 *run_live(struct rill_run *run)
{
	if (run->flags & RILL_RUN_SKIP)
		return &container_of(run, struct sim_life, l.skip)->live;
	return &container_of(run, struct sim_run, r)->live;
}

/* 8: the records add up to the counters. */
static void check_records(struct sconn *sc)
{
	const struct rill_send *tx = &sc->c.tx;
	u64 inflight = 0, pn = 0;
	u32 pkts = 0, retrans = 0;
	struct rill_run *run;
	struct rill_rec *rec;

	list_for_each_entry(run, &tx->runs, node)
		*run_live(run) = 0;
	list_for_each_entry(rec, &tx->recs, node) {
		u32 live = hweight64(rec->live);

		CHECK(sc, rec->pn > pn, "8: records out of order at %llu", rec->pn);
		pn = rec->pn + rec->n - 1;
		CHECK(sc, pn < tx->pn_next, "15: record of the future");
		CHECK(sc, !(rec->live & rec->lost), "8: live and lost");
		CHECK(sc, rec->live | rec->lost, "8: empty record kept");
		CHECK(sc, !((rec->live | rec->lost) & ~rill_mask(rec->n)), "8: stray bits");
		pkts += live;
		if (rec->flags & RILL_REC_RTX)
			retrans += live;
		inflight += live * (RILL_HDR + rec->plen);
		if (rec->live >> (rec->n - 1))
			inflight += (u64)rec->last_len - rec->plen;
		if (rec->run)
			*run_live(rec->run) |= rec->live << rec->first;
	}
	CHECK(sc, inflight == tx->inflight, "8: inflight %llu, is %llu", tx->inflight, inflight);
	CHECK(sc, pkts == tx->inflight_pkts, "8: %u packets, are %u", tx->inflight_pkts, pkts);
	CHECK(sc, retrans == tx->retrans_out, "8: retrans_out %u, is %u", tx->retrans_out, retrans);
}

/* 8, 13: every packet sent and not acknowledged is in flight or waits to go again. */
static void check_runs(struct sconn *sc)
{
	const struct rill_send *tx = &sc->c.tx;
	u64 off = tx->una, una = tx->end, nxt = tx->end;
	bool first = true, sent_all = true;
	u32 rtx = 0, bytes = 0;
	struct rill_run *r;

	list_for_each_entry(r, &tx->runs, node) {
		u64 sent = rill_mask(r->nsent), open = sent & ~r->acked, live = *run_live(r);

		CHECK(sc, first ? r->off <= off : r->off == off, "8: run at %llu, want %llu",
		      r->off, off);
		off = r->off + r->len;
		bytes += r->len;
		CHECK(sc, r->nsent <= r->n && r->n <= 64 && r->n, "8: %u of %u sent", r->nsent, r->n);
		CHECK(sc, host_records(sc) || !(r->acked & ~sent), "17: acknowledged before sent");
		CHECK(sc, r != tx->unsent || !(r->acked & BIT_ULL(r->nsent)),
		      "2: given up and not passed");
		CHECK(sc, !(r->rtx & ~open), "8: again what is there");
		CHECK(sc, open == (open & (live | r->rtx)),
		      "13: packets %llx of the run at %llu neither out nor lost (live %llx rtx %llx)",
		      open & ~(live | r->rtx), r->off, live, r->rtx);
		rtx += hweight64(r->rtx);
		if (first)
			una = r->off + (u64)r->plen * __ffs64(~r->acked | BIT_ULL(r->n - 1));
		if (sent_all && r->nsent < r->n) {
			nxt = r->off + (u64)r->nsent * r->plen;
			sent_all = false;
			CHECK(sc, tx->unsent == r, "8: unsent points elsewhere");
		} else if (!sent_all && !(r->flags & RILL_RUN_SKIP)) {
			CHECK(sc, !r->nsent, "8: sent out of order");
		}
		first = false;
	}
	CHECK(sc, off == tx->end, "8: the last run ends at %llu, not %llu", off, tx->end);
	CHECK(sc, sent_all == !tx->unsent, "8: unsent is stale");
	CHECK(sc, una == tx->una, "8: una %llu, is %llu", tx->una, una);
	CHECK(sc, nxt == tx->nxt, "8: nxt %llu, is %llu", tx->nxt, nxt);
	CHECK(sc, bytes == sc->wmem, "12: %u bytes charged, are %u", sc->wmem, bytes);
	CHECK(sc, rtx == tx->rtx_pkts, "8: rtx_pkts %u, are %u", tx->rtx_pkts, rtx);
}

/* 2: what is given up lies apart, and is no longer in the way. */
static void check_gaps(struct sconn *sc)
{
	const struct rill_recv *rx = &sc->c.rx;
	const struct rill_gap *g = rx->gaps.v;
	u16 i;

	for (i = 0; i < rx->gaps.n; i++) {
		CHECK(sc, g[i].from < g[i].to && (!i || g[i - 1].to <= g[i].from), "2: gaps overlap");
		CHECK(sc, i < rx->gaps.passed ? g[i].to <= rx->whole && g[i].from > rx->read :
		      g[i].from > rx->whole, "2: gap %u of %u at %llu..%llu, read %llu whole %llu",
		      i, rx->gaps.passed, g[i].from, g[i].to, rx->read, rx->whole);
	}
}

static void check_recv(struct sconn *sc)
{
	const struct rill_recv *rx = &sc->c.rx;
	u64 at = rx->nxt;
	u16 i;

	/* What the peer gives up needs no credit. */
	CHECK(sc, rx->read <= rx->nxt && (rx->records || rx->nxt <= rx->credit),
	      "12: read %llu nxt %llu credit %llu", rx->read, rx->nxt, rx->credit);
	CHECK(sc, rx->credit <= rx->read + sc->ring_size, "12: credit beyond the buffer");
	CHECK(sc, rx->nxt <= rx->fin, "3: bytes after the FIN");
	CHECK(sc, rx->read <= rx->whole && rx->whole <= rx->nxt, "2: read %llu whole %llu nxt %llu",
	      rx->read, rx->whole, rx->nxt);
	CHECK(sc, !rill_conn_wants(&sc->c), "2: a prefix at %llu was not read", rx->whole);
	for (i = 0; i < rx->ooo.n; i++) {
		CHECK(sc, rx->ooo.v[i].lo > at && rx->ooo.v[i].hi > rx->ooo.v[i].lo,
		      "12: ranges of the gap touch");
		at = rx->ooo.v[i].hi;
	}
	CHECK(sc, (rx->records || at <= rx->credit) && at <= rx->fin,
	      "10: bytes kept beyond credit or FIN");
	check_gaps(sc);
}

/* 28: a round trip is no shorter than the path, nor the PTO longer than it may be. */
static void check_rtt(struct sconn *sc)
{
	const struct sim *s = sc->host->sim;
	const struct rill_rtt *r = &sc->c.rtt;
	u64 pto = rill_rtt_pto(r, rill_conn_peer_delay(&sc->c), sc->c.pto_count);

	CHECK(sc, pto <= max(RILL_PTO_MAX, r->srtt + 4 * r->rttvar + RILL_SEC), "28: PTO %llu", pto);
	if (!r->srtt || s->cfg->hostile || lie_starves(s, sc->plan))
		return;
	CHECK(sc, r->srtt < 1000 * RILL_SEC + s->cfg->step, "28: srtt %llu", r->srtt);
	CHECK(sc, r->min >= s->base_rtt, "28: min %llu on a path of %llu", r->min, s->base_rtt);
}

/* 9, 13, 14, 28 */
static void check_clockwork(struct sconn *sc)
{
	const struct rill_conn *c = &sc->c;
	u64 at = rill_conn_deadline(c);

	CHECK(sc, c->cc.cwnd >= (u64)RILL_CC_MIN * c->cc.mss, "9: cwnd %llu", c->cc.cwnd);
	CHECK(sc, c->cc.cwnd < 1ULL << 40, "9: cwnd %llu", c->cc.cwnd);
	check_rtt(sc);
	if (c->state == RILL_CLOSE)
		CHECK(sc, at == RILL_NEVER, "14: a deadline in CLOSE");
	else if (c->state == RILL_SYN_SENT || c->tx.inflight_pkts || c->tx.rtx_pkts ||
		 rill_conn_window_shut(c))
		CHECK(sc, at != RILL_NEVER, "13: no deadline in state %u, %u out, %u lost",
		      c->state, c->tx.inflight_pkts, c->tx.rtx_pkts);
	if (c->tx.unsent && !c->tx.inflight_pkts && !c->tx.rtx_pkts && c->state != RILL_CLOSE)
		CHECK(sc, at != RILL_NEVER, "13: data waits for nothing, limit %u", c->limit);
}

/* 13: after a deadline was served the next one lies ahead, or the host spins. */
void check_served(struct sconn *sc)
{
	struct sim *s = sc->host->sim;
	u64 at = rill_conn_deadline(&sc->c);

	u64 now = host_now(sc->host);

	if (!sc->dead && at <= now)
		sim_fail(s, "13: conn %u.%d: the deadline stays %lld ns behind", sc->plan,
			 sc->side, (long long)(now - at));
}

void check_conn(struct sconn *sc)
{
	struct sim *s = sc->host->sim;

	check_clockwork(sc);
	check_recv(sc);
	/* Walking long lists at every event would be most of the run. */
	if (s->events % (s->cfg->check_every + sc->c.tx.inflight_pkts / 32))
		return;
	check_records(sc);
	if (sc->c.state != RILL_CLOSE && sc->c.state != RILL_TIME_WAIT)
		check_runs(sc);
}

/* 7: one call makes at most a few steps, each of the table. */
void check_move(struct sconn *sc, u8 from)
{
	u32 reach = BIT(from), last = 0;
	int step, st, ev;

	for (step = 0; step < 3 && reach != last; step++) {
		last = reach;
		for (st = RILL_ESTABLISHED; st <= RILL_CLOSING; st++)
			for (ev = RILL_EV_LISTEN; ev <= RILL_EV_ABORT; ev++)
				if (last & BIT(st) && rill_fsm_next(st, ev) > 0)
					reach |= BIT(rill_fsm_next(st, ev));
	}
	CHECK(sc, reach & BIT(sc->c.state), "7: state %u after %u", sc->c.state, from);
}

/* 10, 11, 15: what is about to leave. */
void check_tx(struct sconn *sc, const struct rill_tx *tx)
{
	u64 off;

	if (tx->h.type == RILL_T_SYN || tx->h.type == RILL_T_RESET)
		return;
	CHECK(sc, (u64)sc->c.tx.pn_next > sc->pn_last, "15: packet number %llu again",
	      sc->c.tx.pn_next);
	sc->pn_last = sc->c.tx.pn_next + tx->n - 1;
	if (tx->bytes && !sc->host->sim->cfg->hostile) {
		off = tx->run->off + rill_run_bytes(tx->run, 0, tx->first + tx->n);
		CHECK(sc, off <= sc->credit_seen, "10: sends to %llu, credit is %llu", off,
		      sc->credit_seen);
	}
	off = rill_expand(sc->credit_last, tx->h.credit);
	CHECK(sc, off >= sc->credit_last, "11: credit falls from %llu to %llu", sc->credit_last, off);
	sc->credit_last = off;
}

/* 17, 27: the bytes that leave are well-formed and acknowledge only what came. */
void check_packet(struct sconn *sc, const u8 *b, u32 len)
{
	u8 again[RILL_HDR], i;
	struct rill_hdr h;
	struct rill_ext x;
	u64 lo, hi;

	if (rill_wire_hdr_get(&h, b, len) != RILL_WIRE_OK ||
	    rill_wire_ext_get(&x, &h, b + RILL_HDR) != RILL_WIRE_OK) {
		sim_fail(sc->host->sim, "27: sends a malformed packet");
		return;
	}
	rill_wire_hdr_put(again, &h);
	CHECK(sc, !memcmp(again, b, RILL_HDR), "27: a header that is not canonical");
	if (!rill_ext_has(&x, RILL_I_ACK) || sc->app->lie == LIE_ACKS)
		return;
	hi = rill_expand(sc->c.aq.largest, x.ack.largest);
	lo = hi - x.ack.first;
	for (i = 0; ; i++) {
		CHECK(sc, pn_test(&sc->rx_pns, lo) && pn_test(&sc->rx_pns, hi) &&
		      pn_test(&sc->rx_pns, (lo + hi) / 2),
		      "17: acknowledges %llu..%llu", lo, hi);
		if (i == x.ack.pairs)
			break;
		hi = lo - 2 - get_unaligned_be16(x.ack.pair + 4 * i);
		lo = hi - get_unaligned_be16(x.ack.pair + 4 * i + 2);
	}
}

/* 16: the engine took packets @pn .. @pn + @n - 1. */
void check_rx(struct sconn *sc, u64 pn, u32 n)
{
	for (; n; n--, pn++) {
		CHECK(sc, !pn_test(&sc->rx_pns, pn), "16: packet %llu taken twice", pn);
		pn_set(&sc->rx_pns, pn);
	}
}
