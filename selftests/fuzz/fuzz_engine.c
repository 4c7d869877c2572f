// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_engine.c - two connections under any sequence of calls, deliveries,
 * losses, lies and time, with the books recomputed after each.
 *
 * The input is a program: an operation and its operands, a byte or two each.
 */
#include <stdlib.h>
#include "duo.h"

#define REQUIRE(cond)	do { if (!(cond)) abort(); } while (0)

struct input {
	const u8 *p;
	size_t left;
};

static u8 next(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static u16 next16(struct input *in)
{
	u8 hi = next(in);

	return hi << 8 | next(in);
}

/* What is in flight of a run, by the records. */
static u64 live_of(const struct rill_send *tx, const struct rill_run *run)
{
	struct rill_rec *rec;
	u64 live = 0;

	list_for_each_entry(rec, &tx->recs, node)
		if (rec->run == run)
			live |= rec->live << rec->first;
	return live;
}

static void check_send(const struct rill_conn *c)
{
	const struct rill_send *tx = &c->tx;
	u64 inflight = 0, off = 0, pn = 0;
	u32 pkts = 0, rtx = 0;
	struct rill_run *run;
	struct rill_rec *rec;
	bool first = true;

	list_for_each_entry(rec, &tx->recs, node) {
		u8 i;

		REQUIRE(rec->pn > pn && rec->live | rec->lost && !(rec->live & rec->lost));
		pn = rec->pn + rec->n - 1;
		for (i = 0; i < rec->n; i++)
			if (rec->live & BIT_ULL(i)) {
				inflight += RILL_HDR + (i + 1 == rec->n ? rec->last_len : rec->plen);
				pkts++;
			}
	}
	REQUIRE(pn < tx->pn_next && inflight == tx->inflight && pkts == tx->inflight_pkts);
	list_for_each_entry(run, &tx->runs, node) {
		u64 open = rill_mask(run->nsent) & ~run->acked;

		REQUIRE(first || run->off == off);
		first = false;
		off = run->off + run->len;
		REQUIRE(!(run->rtx & ~open));
		REQUIRE(!(open & ~(run->rtx | live_of(tx, run))));
		rtx += hweight64(run->rtx);
	}
	REQUIRE(rtx == tx->rtx_pkts && (first || off == tx->end));
	REQUIRE(tx->una <= tx->nxt && tx->nxt <= tx->end);
	REQUIRE(c->cc.cwnd >= (u64)RILL_CC_MIN * c->cc.mss);
}

static void check(const struct duo *d)
{
	int i;

	for (i = 0; i < 2; i++) {
		const struct rill_conn *c = &d->e[i].c;
		u64 at = rill_conn_deadline(c);

		if (!d->e[i].born)
			continue;
		if (c->state == RILL_CLOSE || c->state == RILL_TIME_WAIT) {
			REQUIRE(list_empty(&c->tx.recs) && list_empty(&c->tx.runs));
			REQUIRE(c->state != RILL_CLOSE || at == RILL_NEVER);
			continue;
		}
		check_send(c);
		REQUIRE(c->rx.read <= c->rx.nxt && c->rx.nxt <= c->rx.credit);
		REQUIRE(c->rx.nxt <= c->rx.fin);
		REQUIRE(c->rx.read <= c->rx.whole && c->rx.whole <= c->rx.nxt);
		REQUIRE(!rill_conn_wants(c));
		if (c->tx.inflight_pkts || c->tx.rtx_pkts || c->state == RILL_SYN_SENT)
			REQUIRE(at != RILL_NEVER);
	}
}

/* A packet of the queue, or a bare one, with fields of the fuzzer's choice. */
static void lie(struct duo *d, struct input *in)
{
	int to = next(in) & 1;
	u8 what = next(in);
	struct rill_pkt p;

	memset(&p, 0, sizeof(p));
	p.h.type = 2 + what % 4;
	p.n = 1;
	p.h.pn = d->e[to].c.aq.largest + (s8)next(in);
	p.h.off = d->e[to].c.rx.nxt + (s16)next16(in);
	p.h.credit = d->e[to].c.tx.nxt + (s16)next16(in) * 16;
	p.len = p.plen = next16(in) % 1200;
	p.h.flags = p.last_flags = what >> 4 & RILL_F_KNOWN;
	p.ecn = what & 3;
	if (next(in) & 1) {
		p.x.has |= BIT(RILL_I_ACK);
		p.x.ack.largest = d->e[to].c.tx.pn_next + (s8)next(in);
		p.x.ack.first = next(in);
		p.x.ack.delay = next16(in) * 100;
	}
	if (p.h.type == RILL_T_RESET) {
		p.x.has |= BIT(RILL_I_REASON);
		p.x.reason = what >> 4;
		p.h.pn = next(in);
	}
	if (p.h.type == RILL_T_DATA && next(in) & 1 && p.plen && !p.x.has) {
		p.n = 1 + next(in) % RILL_RUN_MAX;
		p.len = p.n * p.plen;
		p.h.flags = 0;
	}
	p.full = (what & 0x0c) == 0x0c;
	if (d->e[to].born)
		duo_rcv(d, to, &p);
}

/* A packet of the queue as bytes, some of them changed. */
static void damage(struct duo *d, struct input *in)
{
	struct duo_pkt k = *d->q[next(in) % d->nq];
	struct rill_hdr h;
	struct rill_ext x;
	int n = next(in) % 4;

	while (n--)
		k.b[next(in) % min_t(u32, k.len, 200)] ^= next(in);
	if (rill_wire_hdr_get(&h, k.b, k.len) == RILL_WIRE_OK &&
	    rill_wire_ext_get(&x, &h, k.b + RILL_HDR) == RILL_WIRE_OK)
		duo_raw(d, !k.from, k.b, k.len);
}

static void options(struct duo *d, int end, u8 what)
{
	struct rill_conn *c = &d->e[end].c;
	struct rill_out out;

	c->nodelay = what & 1;
	c->cork = what & 2;
	c->keepalive = what & 4;
	c->user_timeout = what & 8 ? 3 * RILL_SEC : 0;
	d->e[end].deaf = what & 16;
	rill_out_init(&out);
	if (what & 32)
		rill_conn_rebind(c, what & 1, d->now, d->now, &out);
	if (d->e[end].born)
		duo_push(d, end);
}

static void on_queue(struct duo *d, struct input *in, u8 op)
{
	if (!d->nq)
		return;
	switch (op % 4) {
	case 0:
		duo_deliver(d, next(in) % d->nq);
		break;
	case 1:
		duo_drop(d, next(in) % d->nq);
		break;
	case 2:
		duo_deliver(d, 0);
		break;
	case 3:
		damage(d, in);
		break;
	}
}

static void on_end(struct duo *d, struct input *in, u8 op)
{
	int end = op & 1;
	struct duo_end *e = &d->e[end];
	u32 len = next16(in) % 6000 + 1;

	if (!e->born)
		return;
	switch (op >> 1 & 7) {
	case 0:
	case 1:
		if (!rill_state_in(e->c.state, RILL_ST_CAN_SEND) || e->c.tx.end - e->c.tx.una >= 100000)
			break;
		if (e->c.rx.records)
			duo_write_record(d, end, len - 1);
		else
			duo_write(d, end, len);
		break;
	case 2:
	case 3:
		if (!rill_recv_ready(&e->c.rx))
			break;
		if (e->c.rx.records)
			len = e->c.rx.whole - e->c.rx.read;
		duo_read(d, end, min_t(u64, len, e->c.rx.whole - e->c.rx.read));
		break;
	case 4:
		duo_shut(d, end);
		break;
	case 5:
		if (e->c.state != RILL_CLOSE)
			duo_orphan(d, end);
		break;
	case 6:
		if (len < 100)
			duo_abort(d, end, RILL_R_ABORT);
		break;
	case 7:
		options(d, end, len);
		break;
	}
}

static void step(struct duo *d, struct input *in)
{
	u8 op = next(in);

	if (d->nq > 300)
		duo_drop_all(d);
	switch (op >> 5) {
	case 0:
	case 1:
	case 2:
		on_queue(d, in, op);
		break;
	case 3:
	case 4:
		on_end(d, in, op);
		break;
	case 5:
		duo_wait(d, (u64)next16(in) << (op & 15));
		break;
	case 6:
		lie(d, in);
		break;
	case 7:
		d->now += RILL_MSEC;
		while (d->nq && (op & 1))
			duo_deliver(d, 0);
		break;
	}
}

/* An ordinary client; one that asks for a token; one that has one. */
static void connect_as(struct duo *d, u8 how)
{
	struct duo *before;

	d->fast = how;
	if (how == 16)
		duo_connect_fast(d, NULL, 0, 300);
	if (how < 32) {
		if (!how)
			duo_connect(d);
		return;
	}
	before = duo_new();
	before->fast = true;
	duo_connect_fast(before, NULL, 0, 0);
	duo_pass(before);
	d->now = before->now;
	duo_connect_fast(d, before->e[0].c.token, before->e[0].c.token_len, how == 32 ? 300 : 24);
	duo_free(before);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	struct duo *d = duo_new();
	u8 how = next(&in);
	int steps = 0, i;

	if (how & 1)
		d->e[1].cfg.wnd = d->e[1].cfg.wnd_max = 3000;
	if (how & 2)
		d->e[0].cfg.cc = d->e[1].cfg.cc = &rill_cc_cubic;
	if (how & 4)
		d->e[0].cfg.payload = 88;
	for (i = 0; i < 2 && how & 64; i++) {
		d->e[i].cfg.params.sock_type = RILL_RECORDS;
		d->e[i].cfg.params.max_record = how & 128 ? 1000 : 6000;
	}
	connect_as(d, how & 48);
	if (how & 8)
		duo_pass(d);
	while (in.left && steps++ < 400) {
		step(d, &in);
		check(d);
	}
	/* Left alone, with all packets lost, it comes to rest. */
	d->e[0].deaf = d->e[1].deaf = false;
	for (steps = 0; steps < 2000; steps++) {
		duo_drop_all(d);
		if (!duo_wait(d, 300 * RILL_SEC))
			break;
		check(d);
	}
	REQUIRE(steps < 2000 || d->e[0].c.keepalive || d->e[1].c.keepalive);
	duo_free(d);
	return 0;
}
