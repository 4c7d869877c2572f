// SPDX-License-Identifier: GPL-2.0
/* duo.c - see duo.h. */
#include <errno.h>
#include <stdlib.h>
#include "duo.h"

#define CALL(d, end, call) do {			\
	struct rill_out out;			\
						\
	rill_out_init(&out);			\
	call;					\
	duo_out(d, end, &out);			\
} while (0)

/* Packets too large for the path are cut anew. */
static void duo_recut(struct duo_end *e)
{
	struct rill_run *run;
	u8 i;

	while ((run = rill_conn_misfit(&e->c))) {
		LIST_HEAD(slices);

		for (i = 0; i < run->n; i++) {
			struct rill_run *slice = malloc(sizeof(*slice));

			rill_run_slice(run, i, e->c.payload, slice);
			list_add_tail(&slice->node, &slices);
			e->runs++;
		}
		rill_send_recut(&e->c.tx, run, &slices);
	}
}

static void duo_out(struct duo *d, int end, const struct rill_out *out)
{
	struct duo_end *e = &d->e[end];
	struct rill_run *run, *nrun;
	struct rill_rec *rec, *nrec;
	u8 i;

	if (out->bits & RILL_B_RECUT && !e->poor)
		duo_recut(e);
	e->bits |= out->bits;
	if (out->bits & RILL_B_RESET)
		e->err = out->err;
	for (i = 0; i < out->ncount; i++)
		e->mib[out->count[i].mib] += out->count[i].n;
	list_for_each_entry_safe(run, nrun, &e->c.tx.done_runs, node) {
		list_del(&run->node);
		if (run->flags & RILL_RUN_SKIP) {
			free(container_of(run, struct rill_life, skip));
			e->lives--;
			continue;
		}
		free(run);
		e->runs--;
	}
	list_for_each_entry_safe(rec, nrec, &e->c.tx.done_recs, node) {
		list_del(&rec->node);
		free(rec);
		e->recs--;
	}
}

/* Both ends as the tests want them by default; a test may change the cfg. */
struct duo *duo_new(void)
{
	struct duo *d = calloc(1, sizeof(*d));
	siphash_key_t key = { { 0x0123456789abcdefULL, 0xfedcba9876543210ULL } };
	int i;

	d->now = 1000 * RILL_SEC;
	d->owd = 10 * RILL_MSEC;
	d->listening = true;
	d->cid1 = 0x2222222222222222ULL;
	d->path.local[15] = 1;
	d->path.remote[15] = 2;
	d->path.local_udp = 7455;
	d->path.remote_udp = 40001;
	rill_secrets_rotate(&d->secrets, &key, d->now);
	key.key[0]++;
	rill_secrets_rotate(&d->tokens, &key, d->now);
	for (i = 0; i < 2; i++) {
		struct rill_conn_cfg cfg = {
			.cc = &rill_cc_reno,
			.params = { .max_payload = 1000, .max_ack_delay = 25, .sock_type = 1 },
			.cid = 0x1111111111111111ULL, .sport = 5000, .dport = 80,
			.payload = 1000, .wnd = 65536, .wnd_max = 65536,
		};

		d->e[i].cfg = cfg;
		rill_conn_defaults(&d->e[i].c);
	}
	d->e[1].cfg.sport = 80;
	d->e[1].cfg.dport = 5000;
	return d;
}

static void duo_init(struct duo *d, int end)
{
	struct duo_end *e = &d->e[end];

	rill_conn_init(&e->c, &e->cfg, d->now);
	e->c.rx.ooo.v = e->ooo;
	e->c.rx.ooo.cap = sizeof(e->ooo) / sizeof(e->ooo[0]);
	e->c.rx.gaps.v = e->gaps;
	e->c.rx.gaps.cap = sizeof(e->gaps) / sizeof(e->gaps[0]);
	e->born = true;
	e->bits &= ~RILL_B_TOMB;
	e->tombed = false;
}

void duo_free(struct duo *d)
{
	struct rill_out out;
	int i;

	duo_drop_all(d);
	rill_out_init(&out);
	for (i = 0; i < 2; i++) {
		rill_send_purge(&d->e[i].c.tx);
		duo_out(d, i, &out);
	}
	free(d);
}

void duo_connect(struct duo *d)
{
	duo_init(d, 0);
	CALL(d, 0, rill_conn_connect(&d->e[0].c, d->now, &out));
	duo_flush(d, 0);
}

/* As sendto(MSG_FASTOPEN) does, with @len bytes; without a token these wait. */
void duo_connect_fast(struct duo *d, const u8 *token, u8 token_len, u32 len)
{
	struct duo_end *e = &d->e[0];

	duo_init(d, 0);
	e->c.fast = true;
	e->c.token_len = token_len;
	if (token_len)
		memcpy(e->c.token, token, token_len);
	if (len) {
		struct rill_run *run = calloc(1, sizeof(*run));

		run->plen = rill_fast_room(&e->c);
		run->len = len;
		run->n = (len + run->plen - 1) / run->plen;
		e->runs++;
		CALL(d, 0, rill_conn_write(&e->c, run, d->now, &out));
	}
	CALL(d, 0, rill_conn_connect(&e->c, d->now, &out));
	duo_flush(d, 0);
}

/* A pair that is connected, confirmed, and silent. */
struct duo *duo_open(void)
{
	struct duo *d = duo_new();

	duo_connect(d);
	duo_pass(d);
	return d;
}

struct duo *duo_open_records(void)
{
	struct duo *d = duo_new();
	int i;

	for (i = 0; i < 2; i++) {
		d->e[i].cfg.params.sock_type = RILL_RECORDS;
		d->e[i].cfg.params.max_record = 200000;
	}
	duo_connect(d);
	duo_pass(d);
	return d;
}

/* The record of @e whose prefix is at @off; NULL: none begins there. */
static const struct duo_record *duo_record(const struct duo_end *e, u64 off)
{
	int i;

	for (i = 0; i < e->nrec; i++)
		if (e->rec[i].off == off)
			return &e->rec[i];
	return NULL;
}

/* The length of the record whose prefix @end wrote at @off. */
u32 duo_record_len(const struct duo *d, int end, u64 off)
{
	const struct duo_record *rec = duo_record(&d->e[end], off);

	if (!rec)
		abort();
	return rec->len;
}

static void duo_decode(struct duo_pkt *k)
{
	memset(&k->p, 0, sizeof(k->p));
	if (rill_wire_hdr_get(&k->p.h, k->b, k->len) != RILL_WIRE_OK ||
	    rill_wire_ext_get(&k->p.x, &k->p.h, k->b + RILL_HDR) != RILL_WIRE_OK)
		abort();
	k->p.len = k->p.plen = k->len - RILL_HDR - k->p.h.ext_len;
	k->p.n = 1;
	k->p.last_flags = k->p.h.flags;
}

/* A packet on its way, at the end of the queue; its bytes must be well-formed. */
struct duo_pkt *duo_queue(struct duo *d, int from, const u8 *b, u32 len)
{
	struct duo_pkt *k = malloc(sizeof(*k));

	if (d->nq == DUO_PKTS || len > DUO_PKT_MAX)
		abort();
	d->q[d->nq++] = k;
	k->from = from;
	k->at = d->now;
	k->len = len;
	k->ecn = 0;
	k->fresh = k->probe = false;
	memcpy(k->b, b, len);
	duo_decode(k);
	return k;
}

/* The bytes say where in the stream they belong; a prefix says what it must. */
static void duo_bytes(const struct duo_end *e, u8 *b, u32 off, u32 len)
{
	int i, j;

	for (j = 0; j < len; j++)
		b[j] = 'a' + (off + j) % 26;
	for (i = 0; i < e->nrec; i++)
		for (j = 0; j < RILL_PREFIX; j++)
			if (e->rec[i].off + j - off < len)
				b[e->rec[i].off + j - off] = e->rec[i].len >> (24 - 8 * j);
}

static void duo_encode(struct duo *d, int end, const struct rill_tx *tx, u8 i)
{
	u8 b[DUO_PKT_MAX] = { 0 };
	struct duo_pkt *k;
	struct rill_hdr h;
	u32 len;

	rill_tx_header(tx, i, &h);
	rill_wire_hdr_put(b, &h);
	memcpy(b + RILL_HDR, tx->ext.b, tx->ext.len);
	len = RILL_HDR + tx->ext.len + tx->pad;
	if (tx->run) {
		u32 pay = rill_run_payload(tx->run, tx->first + i);

		duo_bytes(&d->e[end], b + len, h.off, pay);
		len += pay;
	}
	k = duo_queue(d, end, b, len);
	k->p.ecn = tx->ecn;
	k->fresh = tx->fresh;
	k->probe = tx->probe;
	k->ecn = tx->ecn;
}

/*
 * A connection that is over leaves a tombstone: to acknowledge again, or, where its
 * cookie could still be used, to see that it is not.
 */
static void duo_bury(struct duo *d, int end)
{
	struct duo_end *e = &d->e[end];
	bool guards = e->born && e->c.state == RILL_CLOSE && e->c.cookie_until > d->now;

	if (e->tombed || (!guards && !(e->bits & RILL_B_TOMB)))
		return;
	rill_conn_tomb(&e->c, d->now, &e->tomb);
	e->tombed = true;
}

/* All that @end has to send goes to the end of the queue. */
void duo_flush(struct duo *d, int end)
{
	struct duo_end *e = &d->e[end];
	struct rill_tx tx;
	u8 i;

	while (e->born) {
		struct rill_rec *rec = NULL;

		CALL(d, end, rill_conn_poll_tx(&e->c, d->now, &tx, &out));
		if (tx.kind != RILL_TX_SEND)
			break;
		if (e->deaf) {
			CALL(d, end, rill_conn_not_sent(&e->c, &tx, EPERM, d->now, &out));
			break;
		}
		for (i = 0; i < tx.n; i++)
			duo_encode(d, end, &tx, i);
		if (tx.eliciting) {
			rec = malloc(sizeof(*rec));
			e->recs++;
		}
		CALL(d, end, rill_conn_sent(&e->c, &tx, rec, d->now, &out));
	}
	duo_bury(d, end);
}

void duo_drop(struct duo *d, int k)
{
	free(d->q[k]);
	memmove(&d->q[k], &d->q[k + 1], (--d->nq - k) * sizeof(d->q[0]));
}

void duo_drop_all(struct duo *d)
{
	while (d->nq)
		free(d->q[--d->nq]);
}

static void duo_reply(struct duo *d, int from, const struct rill_reply *r)
{
	d->replies++;
	duo_queue(d, from, r->b, r->len);
}

static void duo_child(struct duo *d, const struct rill_child *child)
{
	d->e[1].cfg.cid = child->cid;
	duo_init(d, 1);
	CALL(d, 1, rill_conn_accept(&d->e[1].c, child, d->now, &out));
}

/* A SYN where fast open is done.  False: it is not to be answered. */
static bool duo_fast(struct duo *d, const struct duo_pkt *k, const struct rill_listen *l,
		     struct rill_fast *fast)
{
	struct duo_end *e = &d->e[1];
	struct rill_pkt p = k->p;
	struct rill_child child;
	struct rill_reply reply;
	struct rill_tomb tomb;

	if (e->born && e->c.state != RILL_CLOSE && e->c.state != RILL_TIME_WAIT) {
		fast->issued = e->c.cookie_until - RILL_COOKIE_TTL;
		fast->taken = e->c.syn_data;
		return true;
	}
	if (e->born) {
		rill_conn_tomb(&e->c, d->now, &tomb);
		if (rill_tomb_rcv(&tomb, &p.h, &p.x, p.len, &reply))
			duo_reply(d, 1, &reply);
		return false;
	}
	d->last_fast = rill_open_fast(&p.h, &p.x, k->len, &d->path, l, &d->tokens, d->cid1, d->now,
				      &child, fast);
	if (d->last_fast == RILL_MIB_FASTPASSIVEFAIL)
		e->mib[RILL_MIB_FASTPASSIVEFAIL]++;
	if (d->last_fast != RILL_MIB_NONE || d->fast_full)
		return true;
	duo_child(d, &child);
	fast->issued = d->now;
	p.len = p.plen = fast->data;
	if (p.len)
		duo_rcv(d, 1, &p);
	fast->taken = e->c.syn_data;
	return true;
}

/* Answer with RESET what asks for a port nobody listens on. */
static void duo_refuse(struct duo *d, const struct duo_pkt *k, enum rill_reason why)
{
	struct rill_reply reply;

	if (rill_stray(&k->p.h, &k->p.x, why, &reply))
		duo_reply(d, 1, &reply);
}

/* RILL_MIB_NONE, or why the listener does not take the packet. */
static enum rill_mib duo_listen(struct duo *d, const struct duo_pkt *k)
{
	struct rill_listen l = { .params = d->e[1].cfg.params, .credit = d->e[1].cfg.wnd };
	bool syn = k->p.h.type == RILL_T_SYN;
	struct rill_fast fast = { 0 };
	u32 least = rill_open_credit(&l.params);
	struct rill_reply reply;
	struct rill_child child;
	enum rill_mib why;

	l.credit = max(l.credit, least);
	if (!d->listening ||
	    (rill_ext_has(&k->p.x, RILL_I_PORTS) && k->p.x.dport != d->e[1].cfg.sport)) {
		duo_refuse(d, k, syn ? RILL_R_REFUSED : RILL_R_COOKIE);
		return RILL_MIB_SYNREFUSED;
	}
	if (d->full)
		return RILL_MIB_LISTENOVERFLOWS;
	if (syn) {
		if (d->fast && !duo_fast(d, k, &l, &fast))
			return RILL_MIB_INCLOSED;
		why = rill_open_syn(&k->p.h, &k->p.x, k->len, &d->path, &l, &d->secrets, d->cid1,
				    d->now, &fast, &reply);
		if (why == RILL_MIB_NONE)
			duo_reply(d, 1, &reply);
		else if (why == RILL_MIB_SYNREFUSED)
			duo_refuse(d, k, RILL_R_REFUSED);
		return why;
	}
	why = rill_open_echo(&k->p.h, &k->p.x, &d->path, &d->secrets, d->now, &child);
	if (why == RILL_MIB_COOKIEOLD)
		duo_refuse(d, k, RILL_R_COOKIE);
	if (why == RILL_MIB_NONE) {
		duo_child(d, &child);
		duo_rcv(d, 1, &k->p);
	}
	return why;
}

static void duo_listener(struct duo *d, const struct duo_pkt *k)
{
	d->last_drop = duo_listen(d, k);
	d->e[1].mib[d->last_drop]++;
}

/* Hand @p to @end's engine and send what it answers. */
void duo_rcv(struct duo *d, int end, const struct rill_pkt *p)
{
	struct rill_conn *c = &d->e[end].c;

	CALL(d, end, rill_conn_rcv(c, p, d->now, &out));
	while (rill_conn_wants(c)) {
		const struct duo_record *rec = duo_record(&d->e[!end], c->rx.whole);
		/* Forged bytes: any length may be read there. */
		u32 len = rec ? rec->len : (u32)c->rx.whole * 0x9e3779b1 >> 20;

		CALL(d, end, rill_conn_prefix(c, len, d->now, &out));
	}
	duo_flush(d, end);
}

/* For a connection that is over.  False: long ago. */
static bool duo_tomb(struct duo *d, int to, const struct duo_pkt *k)
{
	struct duo_end *e = &d->e[to];
	struct rill_reply reply;

	if (!e->tombed || k->p.h.cid != e->tomb.cid || d->now >= e->tomb.expires)
		return false;
	e->mib[k->p.h.type == RILL_T_ECHO ? RILL_MIB_COOKIEREPLAY : RILL_MIB_INCLOSED]++;
	if (rill_tomb_rcv(&e->tomb, &k->p.h, &k->p.x, k->p.len, &reply))
		duo_reply(d, to, &reply);
	return true;
}

/* PROTOCOL.md 6, step 7. */
static void duo_dispatch(struct duo *d, int to, const struct duo_pkt *k)
{
	struct duo_end *e = &d->e[to];
	struct rill_reply reply;

	if (k->p.h.type == RILL_T_SYN) {
		duo_listener(d, k);
	} else if (e->born && !e->tombed && k->p.h.cid == e->c.cid && e->c.state != RILL_CLOSE) {
		duo_rcv(d, to, &k->p);
	} else if (duo_tomb(d, to, k)) {
		return;
	} else if (k->p.h.type == RILL_T_ECHO) {
		duo_listener(d, k);
	} else {
		e->mib[RILL_MIB_INNOCONN]++;
		if (rill_stray(&k->p.h, &k->p.x, RILL_R_STRAY, &reply))
			duo_reply(d, to, &reply);
	}
}

/* Packet @k of the queue arrives. */
void duo_deliver(struct duo *d, int k)
{
	struct duo_pkt *p = d->q[k];

	memmove(&d->q[k], &d->q[k + 1], (--d->nq - k) * sizeof(d->q[0]));
	duo_dispatch(d, !p->from, p);
	free(p);
}

/* Packets @k .. @k + @n - 1 arrive as one run. */
void duo_deliver_run(struct duo *d, int k, int n)
{
	struct rill_pkt p = d->q[k]->p;
	int i, to = !d->q[k]->from;

	p.n = n;
	for (i = 1; i < n; i++) {
		p.len += d->q[k + i]->p.len;
		p.last_flags = d->q[k + i]->p.last_flags;
	}
	for (i = 0; i < n; i++)
		duo_drop(d, k);
	duo_rcv(d, to, &p);
}

/* Bytes of the test's making arrive at @end; false decode: dropped there. */
void duo_raw(struct duo *d, int end, const u8 *b, u32 len)
{
	duo_queue(d, !end, b, len);
	duo_deliver(d, d->nq - 1);
}

/* What is on its way arrives @owd later, and so on until nothing is. */
void duo_pass(struct duo *d)
{
	while (d->nq) {
		int n = d->nq;

		d->now += d->owd;
		while (n--)
			duo_deliver(d, 0);
	}
}

/* The earliest deadline up to @until comes; false: there is none. */
bool duo_fire(struct duo *d, u64 until)
{
	u64 at[2];
	int i;

	for (i = 0; i < 2; i++)
		at[i] = d->e[i].born ? rill_conn_deadline(&d->e[i].c) : RILL_NEVER;
	i = at[1] < at[0];
	if (at[i] > until)
		return false;
	d->now = max(d->now, at[i]);
	CALL(d, i, rill_conn_timeout(&d->e[i].c, d->now, &out));
	duo_flush(d, i);
	return true;
}

/* Time passes; packets stay where they are.  True: a deadline came. */
bool duo_wait(struct duo *d, u64 ns)
{
	u64 until = d->now + ns;
	bool any = false;

	while (duo_fire(d, until))
		any = true;
	d->now = until;
	return any;
}

/* Time passes and packets travel. */
void duo_run(struct duo *d, u64 ns)
{
	u64 until = d->now + ns;

	duo_pass(d);
	while (duo_fire(d, until))
		duo_pass(d);
	d->now = max(d->now, until);
}

/* As sendmsg() lays it out: runs of up to 64 packets, the last may be short. */
void duo_write_quiet(struct duo *d, int end, u32 len, u8 flags)
{
	struct duo_end *e = &d->e[end];
	struct rill_run *tail = rill_send_tail(&e->c.tx);

	if (tail && tail->len + len <= 64U * tail->plen) {
		CALL(d, end, rill_conn_grow(&e->c, tail, len, &out));
		tail->flags |= flags;
		return;
	}
	while (len) {
		struct rill_run *run = calloc(1, sizeof(*run));

		run->plen = e->c.payload;
		run->len = min_t(u32, len, 64 * run->plen);
		run->n = (run->len + run->plen - 1) / run->plen;
		run->flags = run->len == len ? flags : 0;
		len -= run->len;
		e->runs++;
		CALL(d, end, rill_conn_write(&e->c, run, d->now, &out));
	}
}

void duo_write(struct duo *d, int end, u32 len)
{
	duo_write_quiet(d, end, len, 0);
	duo_flush(d, end);
}

/* A record of @len bytes, given up after @life ns unless 0; as many as fit are remembered. */
void duo_write_mortal(struct duo *d, int end, u32 len, u64 life)
{
	struct duo_end *e = &d->e[end];
	struct rill_life *l = NULL;

	if (e->nrec == DUO_RECORDS)
		return;
	if (life) {
		l = calloc(1, sizeof(*l));
		e->lives++;
	}
	e->rec[e->nrec++] = (struct duo_record){ e->c.tx.end, len };
	duo_write_quiet(d, end, RILL_PREFIX + len, 0);
	rill_conn_record(&e->c, RILL_PREFIX + len, l, d->now + life);
	duo_flush(d, end);
}

void duo_write_record(struct duo *d, int end, u32 len)
{
	duo_write_mortal(d, end, len, 0);
}

void duo_read(struct duo *d, int end, u32 len)
{
	CALL(d, end, rill_conn_read(&d->e[end].c, len, d->now, &out));
	duo_flush(d, end);
}

void duo_shut(struct duo *d, int end)
{
	struct rill_run *fin = calloc(1, sizeof(*fin));
	bool used;

	CALL(d, end, used = rill_conn_shut_wr(&d->e[end].c, fin, d->now, &out));
	if (used)
		d->e[end].runs++;
	else
		free(fin);
	duo_flush(d, end);
}

void duo_orphan(struct duo *d, int end)
{
	CALL(d, end, rill_conn_orphan(&d->e[end].c, d->now, &out));
	duo_flush(d, end);
}

void duo_abort(struct duo *d, int end, enum rill_reason why)
{
	CALL(d, end, rill_conn_abort(&d->e[end].c, why, d->now, &out));
	duo_flush(d, end);
}

void duo_push(struct duo *d, int end)
{
	CALL(d, end, rill_conn_push(&d->e[end].c, &out));
	duo_flush(d, end);
}

void duo_icmp(struct duo *d, int end, int err)
{
	CALL(d, end, rill_conn_icmp(&d->e[end].c, err, d->now, &out));
	duo_flush(d, end);
}

static u64 duo_mix(u64 h, const void *b, size_t len)
{
	const u8 *p = b;

	while (len--)
		h = (h ^ *p++) * 0x100000001b3ULL;
	return h;
}

/* Of everything the engine knows about the connection, but the statistics. */
u64 duo_hash(const struct duo *d, int end)
{
	struct rill_conn c;
	struct rill_run *run;
	struct rill_rec *rec;
	u64 h;

	memcpy(&c, &d->e[end].c, sizeof(c));
	c.out = NULL;
	memset(&c.st, 0, sizeof(c.st));
	h = duo_mix(0xcbf29ce484222325ULL, &c, sizeof(c));
	h = duo_mix(h, d->e[end].ooo, sizeof(d->e[end].ooo));
	h = duo_mix(h, d->e[end].gaps, sizeof(d->e[end].gaps));
	list_for_each_entry(run, &d->e[end].c.tx.runs, node)
		h = duo_mix(h, run, sizeof(*run));
	list_for_each_entry(rec, &d->e[end].c.tx.recs, node)
		h = duo_mix(h, &rec->live, 2 * sizeof(rec->live));
	return h;
}
