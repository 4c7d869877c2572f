// SPDX-License-Identifier: GPL-2.0
/*
 * host.c - what stands around the engine: in Linux the module's glue, here this.
 *
 * Owns the bytes, the memory of runs and records, the one timer of a
 * connection, the listener, the tombstones, and packets as encoded.  Every
 * effect of the engine passes through host_service().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "sim.h"

/* Call the engine; its state may have moved, its counts are taken. */
#define ENGINE(sc, out, call) do {				\
	u8 from_ = (sc)->c.state;				\
	call;							\
	host_called(sc, out, from_);				\
} while (0)

static void host_called(struct sconn *sc, struct rill_out *out, u8 from)
{
	u8 i;

	if (sc->c.state != from) {
		TRACE(sc->host->sim, "conn %u.%d state %u -> %u", sc->plan, sc->side, from,
		      sc->c.state);
		check_move(sc, from);
	}
	for (i = 0; i < out->ncount; i++)
		sc->mib[out->count[i].mib] += out->count[i].n;
	out->ncount = 0;
}

void host_init(struct sim *s, u32 id)
{
	struct host *h = &s->host[id];

	h->sim = s;
	h->id = id;
	h->addr = id + 1;
	h->rxtail = &h->rxq;
	rng_seed(&h->rng, s->seed * SIM_HOSTS + id);
	h->id_key = (siphash_key_t){ { s->seed, id + 1 } };
}

static struct sconn **host_bucket(struct host *h, u64 cid)
{
	return &h->by_cid[cid & 255];
}

static struct sconn *host_find(struct host *h, u64 cid)
{
	struct sconn *sc;

	for (sc = *host_bucket(h, cid); sc; sc = sc->hnext)
		if (sc->c.cid == cid)
			return sc;
	return NULL;
}

static void host_unhash(struct sconn *sc)
{
	struct sconn **p = host_bucket(sc->host, sc->c.cid);

	while (*p != sc)
		p = &(*p)->hnext;
	*p = sc->hnext;
}

static u64 host_cid(struct host *h)
{
	return rng_u64(&h->rng) | 1;
}

/* What a side tells the other; records may be just as long as that will send. */
static struct rill_params host_params(const struct sim *s, u32 plan, int side)
{
	struct rill_params p = {
		.max_payload = s->cfg->conn[plan].payload[side],
		.max_ack_delay = RILL_ACK_DELAY / RILL_MSEC,
		.sock_type = s->cfg->conn[plan].records ? RILL_RECORDS : RILL_BYTES,
	};

	if (p.sock_type == RILL_RECORDS)
		p.max_record = s->cfg->conn[plan].app[!side].wchunk;
	return p;
}

static struct sconn *sconn_new(struct host *h, u32 plan, int side, u64 cid)
{
	struct sim *s = h->sim;
	const struct sim_cfg *cfg = s->cfg;
	struct sconn *sc = calloc(1, sizeof(*sc));
	struct rill_conn_cfg cc = {
		.cc = rill_cc_nth(cfg->conn[plan].cc),
		.params = host_params(s, plan, side),
		.cid = cid,
		.sport = side ? cfg->conn[plan].port : 40000 + plan,
		.dport = side ? 40000 + plan : cfg->conn[plan].port,
		.payload = cfg->conn[plan].payload[side],
		.wnd = cfg->conn[plan].wnd[side],
		.wnd_max = cfg->conn[plan].wnd_max[side],
	};

	sc->host = h;
	sc->plan = plan;
	sc->side = side;
	sc->app = &cfg->conn[plan].app[side];
	sc->key_tx = rng_mix(s->seed ^ (2 * plan + side) * 0x9e37ULL);
	sc->key_rx = rng_mix(s->seed ^ (2 * plan + !side) * 0x9e37ULL);
	sc->sndbuf = cfg->conn[plan].sndbuf[side];
	sc->timer_at = sc->app_at = RILL_NEVER;
	sc->hash_tx = sc->hash_rx = 0xcbf29ce484222325ULL;

	rill_conn_defaults(&sc->c);
	sc->c.nodelay = sc->app->nodelay;
	sc->c.keepalive = sc->app->keepalive;
	sc->c.keepidle = 20 * RILL_SEC;
	sc->c.keepintvl = 3 * RILL_SEC;
	sc->c.keepcnt = 6;
	sc->c.user_timeout = sc->app->user_timeout;
	rill_conn_init(&sc->c, &cc, s->now);
	sc->ooo = calloc(cfg->ooo_cap, sizeof(*sc->ooo));
	sc->c.rx.ooo.v = sc->ooo;
	sc->c.rx.ooo.cap = cfg->ooo_cap;
	sc->gaps = calloc(cfg->ooo_cap, sizeof(*sc->gaps));
	sc->c.rx.gaps.v = sc->gaps;
	sc->c.rx.gaps.cap = cfg->ooo_cap;
	sc->credit_last = sc->c.rx.credit;
	for (sc->ring_size = 4096; sc->ring_size < sc->c.rx.wnd_max ||
	     sc->ring_size < RILL_PREFIX + cc.params.max_record + cc.params.max_payload; )
		sc->ring_size *= 2;
	sc->ring = malloc(sc->ring_size);
	memset(sc->ring, 0xa5, sc->ring_size);

	sc->hnext = *host_bucket(h, cid);
	*host_bucket(h, cid) = sc;
	sc->idx = s->nconns;
	s->conns[s->nconns++] = sc;
	return sc;
}

static void sconn_done_memory(struct sconn *sc)
{
	struct rill_run *run, *nrun;
	struct rill_rec *rec, *nrec;

	list_for_each_entry_safe(run, nrun, &sc->c.tx.done_runs, node) {
		list_del(&run->node);
		if (run->flags & RILL_RUN_SKIP) {
			free(container_of(run, struct sim_life, l.skip));
			sc->lives--;
			continue;
		}
		sc->wmem -= run->len;
		free(container_of(run, struct sim_run, r));
	}
	list_for_each_entry_safe(rec, nrec, &sc->c.tx.done_recs, node) {
		list_del(&rec->node);
		free(rec);
	}
}

void sconn_free(struct sconn *sc)
{
	rill_send_purge(&sc->c.tx);
	sconn_done_memory(sc);
	pnset_free(&sc->rx_pns);
	free(sc->ring);
	free(sc->ooo);
	free(sc->gaps);
	free(sc);
}

static void host_ring_put(struct sconn *sc, u64 off, const u8 *b, u32 len)
{
	u32 at, n;

	if (!len || off + len <= sc->c.rx.read)
		return;
	if (off < sc->c.rx.read) {
		u32 skip = sc->c.rx.read - off;

		off += skip;
		b += skip;
		len -= skip;
	}
	while (len) {
		at = off & (sc->ring_size - 1);
		n = min(len, sc->ring_size - at);
		memcpy(sc->ring + at, b, n);
		off += n;
		b += n;
		len -= n;
	}
}

bool host_records(const struct sconn *sc)
{
	return sc->c.rx.records;
}

u32 host_readable(const struct sconn *sc)
{
	return sc->c.rx.whole - sc->rd;
}

/* The prefix at stream offset @off, which is in the ring. */
static u32 host_prefix(const struct sconn *sc, u64 off)
{
	u32 len = 0, i;

	for (i = 0; i < RILL_PREFIX; i++)
		len = len << 8 | sc->ring[(off + i) & (sc->ring_size - 1)];
	return len;
}

static void host_hash(u64 *hash, const u8 *b, u32 len)
{
	while (len--)
		*hash = (*hash ^ *b++) * 0x100000001b3ULL;
}

/* 1: what the program reads is what the other one wrote: @off is in the pattern of @key. */
static void host_ring_take(struct sconn *sc, u64 key, u64 off, u32 len)
{
	struct sim *s = sc->host->sim;

	s->bytes_delivered += len;
	sc->got += len;
	while (len) {
		u32 at = sc->rd & (sc->ring_size - 1);
		u32 n = min(len, sc->ring_size - at);

		if (!s->cfg->hostile && !app_same(sc->ring + at, key, off, n))
			sim_fail(s, "1: conn %u.%d reads wrong bytes in %llu..%llu", sc->plan,
				 sc->side, sc->rd, sc->rd + n);
		off += n;
		if (s->cfg->hash)
			host_hash(&sc->hash_rx, sc->ring + at, n);
		memset(sc->ring + at, 0xa5, n);
		sc->rd += n;
		len -= n;
	}
}

/* The length of the record whose turn it is. */
static u32 host_next_record(const struct sconn *sc)
{
	const struct app_cfg *peer = &sc->host->sim->cfg->conn[sc->plan].app[!sc->side];

	return min_t(u64, app_record(sc->key_rx, sc->rec_rx, peer->wchunk), peer->total - sc->got);
}

/* The program hears of records given up; they were next. */
static void host_take_lost(struct sconn *sc)
{
	u32 n = sc->host->sim->cfg->hostile ? 0 : sc->c.rx.lost;

	sc->c.rx.lost = 0;
	sc->rd = sc->c.rx.read;
	for (; n; n--) {
		sc->got += host_next_record(sc);
		sc->rec_rx++;
		sc->missed++;
	}
}

/* Has the program come to the end of the stream? */
static void host_look_eof(struct sconn *sc)
{
	if (host_records(sc) && sc->c.rx.lost && !host_readable(sc))
		host_take_lost(sc);
	if (sc->c.rx.fin == sc->rd)
		sc->eof = true;
}

/* 2: the program reads the record whose turn it is, whole. */
static u32 host_take_record(struct sconn *sc)
{
	struct sim *s = sc->host->sim;
	u32 want = host_next_record(sc);
	u32 have = host_readable(sc), len = have < RILL_PREFIX ? U32_MAX : host_prefix(sc, sc->rd);

	/* A liar may have sent the prefix a second time, and another one. */
	if (s->cfg->hostile && (have < RILL_PREFIX || len > have - RILL_PREFIX)) {
		sc->got += have;
		sc->rd += have;
		return have;
	}
	if (!s->cfg->hostile && (len != want || RILL_PREFIX + len > have))
		sim_fail(s, "2: conn %u.%d: record %llu has %u bytes of %u, %u are there", sc->plan,
			 sc->side, sc->rec_rx, len, want, have);
	sc->rd += RILL_PREFIX;
	host_ring_take(sc, app_record_key(sc->key_rx, sc->rec_rx++), 0, len);
	return RILL_PREFIX + len;
}

/* The program reads @len bytes, or a record. */
void host_read(struct sconn *sc, u32 len)
{
	struct rill_out out;

	if (host_records(sc)) {
		host_take_lost(sc);
		len = host_take_record(sc);
	} else {
		host_ring_take(sc, sc->key_rx, sc->rd, len);
	}
	rill_out_init(&out);
	ENGINE(sc, &out, rill_conn_read(&sc->c, len, sc->host->sim->now, &out));
	host_look_eof(sc);
	host_service(sc, &out);
}

static void host_transmit(struct host *h, u16 dst, u8 ecn, const u8 *b, u32 len)
{
	struct dgram *d = dgram_new(len);

	d->src = h->addr;
	d->dst = dst;
	d->ecn = ecn;
	memcpy(d->b, b, len);
	link_send(h->sim, h->id, d);
}

static void host_reply(struct host *h, u16 dst, const struct rill_reply *r)
{
	h->sim->pkts++;
	TRACE(h->sim, "host %u answers type %u, %u bytes", h->id, r->b[0] & 15, r->len);
	host_transmit(h, dst, 0, r->b, r->len);
}

static void host_corpus(struct sim *s, const u8 *b, u32 len)
{
	char name[512];
	FILE *f;

	if (!s->corpus || s->ncorpus >= 200)
		return;
	snprintf(name, sizeof(name), "%s/%llu-%u", s->corpus, s->seed, s->ncorpus++);
	f = fopen(name, "w");
	if (!f || fwrite(b, len, 1, f) != 1 || fclose(f))
		sim_fail(s, "cannot write %s", name);
}

/* Encode packet @i of what the engine chose, and send it. */
static void host_encode(struct sconn *sc, const struct rill_tx *tx, u8 i)
{
	struct host *h = sc->host;
	u32 len = RILL_HDR + tx->ext.len + tx->pad, pay = 0;
	struct dgram *d;
	struct rill_hdr hdr;

	rill_tx_header(tx, i, &hdr);
	if (tx->run)
		pay = rill_run_payload(tx->run, tx->first + i);
	d = dgram_new(len + pay);
	d->src = h->addr;
	d->dst = sc->peer_addr;
	d->ecn = tx->ecn;
	rill_wire_hdr_put(d->b, &hdr);
	memcpy(d->b + RILL_HDR, tx->ext.b, tx->ext.len);
	memset(d->b + RILL_HDR + tx->ext.len, 0, tx->pad);
	if (pay) {
		struct sim_run *r = container_of(tx->run, struct sim_run, r);

		memcpy(d->b + len, r->b + (u32)(tx->first + i) * tx->run->plen, pay);
	}
	if (hdr.ext_len)
		check_packet(sc, d->b, d->len);
	host_corpus(h->sim, d->b, d->len);
	sim_mix(h->sim, (u64)hdr.pn << 32 ^ hdr.off ^ (u64)pay << 16 ^ hdr.flags);
	h->sim->pkts++;
	TRACE(h->sim, "conn %u.%d sends type %u pn %u off %u len %u flags %x credit %u ext %u%s%s",
	      sc->plan, sc->side, hdr.type, hdr.pn, hdr.off, pay, hdr.flags, hdr.credit,
	      hdr.ext_len, tx->rec_flags & RILL_REC_RTX ? " again" : "",
	      tx->probe ? " probe" : "");
	link_send(h->sim, h->id, d);
}

/* Send all the engine has. */
static void host_tx(struct sconn *sc)
{
	struct sim *s = sc->host->sim;
	struct rill_out out;
	struct rill_tx tx;
	u32 calls = 0;
	u8 i;

	for (;;) {
		struct rill_rec *rec = NULL;

		rill_out_init(&out);
		ENGINE(sc, &out, rill_conn_poll_tx(&sc->c, s->now, &tx, &out));
		if (tx.kind != RILL_TX_SEND || s->failed)
			return;
		if (++calls > 100000) {
			sim_fail(s, "13: conn %u.%d never stops sending", sc->plan, sc->side);
			return;
		}
		if (sim_faulty(s) && rng_chance(&s->rng, s->cfg->txfail)) {
			ENGINE(sc, &out, rill_conn_not_sent(&sc->c, &tx, EPERM, s->now, &out));
			return;
		}
		if (tx.n > s->cfg->gso)
			rill_tx_trim(&tx, s->cfg->gso);
		check_tx(sc, &tx);
		for (i = 0; i < tx.n; i++)
			host_encode(sc, &tx, i);
		if (tx.eliciting)
			rec = malloc(sizeof(*rec));
		rill_out_init(&out);
		ENGINE(sc, &out, rill_conn_sent(&sc->c, &tx, rec, s->now, &out));
	}
}

static void host_bury(struct sconn *sc)
{
	struct host *h = sc->host;
	struct sim_tomb *t = calloc(1, sizeof(*t));

	rill_conn_tomb(&sc->c, h->sim->now, &t->t);
	t->peer_addr = sc->peer_addr;
	if (t->t.expires <= h->sim->now) {
		free(t);
		return;
	}
	t->next = h->tombs;
	h->tombs = t;
}

static void host_timer_arm(struct sconn *sc)
{
	struct sim *s = sc->host->sim;
	u64 at = rill_conn_deadline(&sc->c);

	if (sc->dead || at == RILL_NEVER)
		return;
	at = max(at, s->now);
	if (sc->timer_at <= at)
		return;
	/* The slip is part of the deadline: a timer may be late, never early. */
	if (sim_faulty(s))
		at += rng_below(&s->rng, s->cfg->slip + 1);
	sc->timer_at = at;
	sim_at(s, at, EV_TIMER, sc->idx, NULL);
}

/* The engine asks for something: the whole of its effect is here. */
void host_service(struct sconn *sc, struct rill_out *out)
{
	struct sim *s = sc->host->sim;

	if (sc->dead)
		return;
	if (out->bits & RILL_B_RESET) {
		sc->err = out->err;
		sc->resets++;
		TRACE(s, "conn %u.%d error %d", sc->plan, sc->side, out->err);
	}
	if (out->bits & RILL_B_CONNECTED)
		sc->connected = true;
	host_look_eof(sc);
	if (out->bits & RILL_B_TX)
		host_tx(sc);
	sconn_done_memory(sc);
	check_conn(sc);

	if ((sc->c.state == RILL_TIME_WAIT || sc->c.state == RILL_CLOSE) &&
	    !sc->c.reset_due) {
		if (out->bits & RILL_B_TOMB || sc->c.cookie_until > s->now ||
		    sc->c.state == RILL_TIME_WAIT)
			host_bury(sc);
		if (sc->c.tx.recs.next != &sc->c.tx.recs || sc->wmem || sc->lives)
			sim_fail(s, "22: conn %u.%d leaves %u bytes, %u records", sc->plan, sc->side,
				 sc->wmem, sc->lives);
		host_unhash(sc);
		sc->dead = true;
		TRACE(s, "conn %u.%d is over", sc->plan, sc->side);
	}
	host_timer_arm(sc);
	if (out->bits & (RILL_B_READABLE | RILL_B_WRITABLE | RILL_B_CONNECTED))
		app_wake(sc, s->now);
}

void host_timer(struct sconn *sc, u64 at)
{
	struct sim *s = sc->host->sim;
	struct rill_out out;

	if (at != sc->timer_at)
		return;
	sc->timer_at = RILL_NEVER;
	if (sc->dead)
		return;
	if (rill_conn_deadline(&sc->c) <= s->now) {
		TRACE(s, "conn %u.%d timer", sc->plan, sc->side);
		rill_out_init(&out);
		ENGINE(sc, &out, rill_conn_timeout(&sc->c, s->now, &out));
		host_service(sc, &out);
		check_served(sc);
	} else {
		host_timer_arm(sc);
	}
}

static void host_path(const struct host *h, u16 remote, struct rill_path *p);

/* What a program writes to go with the SYN, which has a token of an earlier visit. */
static void host_fast(struct sconn *sc, struct rill_out *out)
{
	struct sim *s = sc->host->sim;
	struct host *server = &s->host[1];
	struct rill_ext x = { .has = BIT(RILL_I_CID) | BIT(RILL_I_PORTS) | BIT(RILL_I_PARAMS) |
				     BIT(RILL_I_TOKEN), .params.sock_type = 1 };
	struct rill_listen l = { .params.sock_type = 1 };
	struct rill_hdr h = { .type = RILL_T_SYN };
	u32 room = rill_fast_room(&sc->c), n = min_t(u64, sc->app->wchunk, sc->app->total);
	struct rill_child child;
	struct rill_fast fast;
	struct rill_path path;
	struct sim_run *r;

	sc->c.fast = true;
	if (rill_secrets_stale(&server->tokens, RILL_TOKEN_KEY_LIFE, s->now)) {
		siphash_key_t key = { { rng_u64(&server->rng), rng_u64(&server->rng) } };

		rill_secrets_rotate(&server->tokens, &key, s->now);
	}
	host_path(server, sc->host->addr, &path);
	rill_open_fast(&h, &x, RILL_BASE_DGRAM, &path, &l, &server->tokens, 1, s->now, &child, &fast);
	sc->c.token_len = fast.token_len;
	memcpy(sc->c.token, fast.token, fast.token_len);
	n = min(n, room);
	if (!n || host_records(sc))
		return;
	r = calloc(1, sizeof(*r) + room);
	r->room = r->r.plen = room;
	r->r.len = n;
	r->r.n = 1;
	app_fill(r->b, sc->key_tx, 0, n);
	if (s->cfg->hash)
		host_hash(&sc->hash_tx, r->b, n);
	sc->written = sc->wmem = n;
	ENGINE(sc, out, rill_conn_write(&sc->c, &r->r, s->now, out));
}

void host_connect(struct sim *s, u32 plan)
{
	struct sconn *sc = sconn_new(&s->host[0], plan, 0, host_cid(&s->host[0]));
	struct rill_out out;

	sc->peer_addr = s->host[1].addr;
	rill_out_init(&out);
	if (s->cfg->fast)
		host_fast(sc, &out);
	ENGINE(sc, &out, rill_conn_connect(&sc->c, s->now, &out));
	host_service(sc, &out);
	if (sc->app->abort_at != RILL_NEVER)
		app_wake(sc, sc->app->abort_at);
}

/* What the program writes: @n bytes from @at on of record @rec, with its prefix; or of the stream. */
static void host_fill(struct sconn *sc, const u8 *rec, u8 *b, u64 at, u32 n)
{
	if (rec)
		memcpy(b, rec + at, n);
	else
		app_fill(b, sc->key_tx, sc->written + at, n);
}

/* The next record of the program as it is in the stream. */
static u8 *host_record(struct sconn *sc, u32 len)
{
	u8 *b = malloc(RILL_PREFIX + len);

	put_unaligned_be32(len, b);
	app_fill(b + RILL_PREFIX, app_record_key(sc->key_tx, sc->rec_tx), 0, len);
	return b;
}

/* The engine should know of a record, and how long it is good. */
static void host_record_written(struct sconn *sc, u32 bytes)
{
	struct sim *s = sc->host->sim;
	struct sim_life *life = NULL;

	if (rng_chance(&s->rng, sc->app->mortal)) {
		life = calloc(1, sizeof(*life));
		sc->lives++;
	}
	rill_conn_record(&sc->c, bytes, &life->l, s->now + sc->app->life);
}

/* As sendmsg() does: into the last run as long as it takes, then into new ones. */
bool host_write(struct sconn *sc, u32 len)
{
	struct sim *s = sc->host->sim;
	u32 bytes = len, done = 0;
	struct rill_out out;
	u8 *rec = NULL;

	if (!rill_state_in(sc->c.state, RILL_ST_CAN_SEND) ||
	    (sc->wmem && sc->wmem + len > sc->sndbuf))
		return false;
	if (host_records(sc)) {
		rec = host_record(sc, len);
		len += RILL_PREFIX;
	}
	rill_out_init(&out);
	while (len) {
		struct rill_run *tail = rill_send_tail(&sc->c.tx);
		struct sim_run *r = tail ? container_of(tail, struct sim_run, r) : NULL;
		u32 n, most = min_t(u32, s->cfg->gso, 65000 / (RILL_HDR + sc->c.payload));

		if (r && r->room > tail->len) {
			n = min(len, r->room - tail->len);
			host_fill(sc, rec, r->b + tail->len, done, n);
			ENGINE(sc, &out, rill_conn_grow(&sc->c, tail, n, &out));
		} else {
			u32 pkts = (len + sc->c.payload - 1) / sc->c.payload +
				   rng_below(&s->rng, 3);

			pkts = clamp_t(u32, pkts, 1, max_t(u32, most, 1));
			n = min_t(u32, len, pkts * sc->c.payload);
			r = calloc(1, sizeof(*r) + pkts * sc->c.payload);
			r->room = pkts * sc->c.payload;
			r->r.plen = sc->c.payload;
			r->r.len = n;
			r->r.n = (n + sc->c.payload - 1) / sc->c.payload;
			host_fill(sc, rec, r->b, done, n);
			ENGINE(sc, &out, rill_conn_write(&sc->c, &r->r, s->now, &out));
		}
		if (s->cfg->hash)
			host_hash(&sc->hash_tx, r->b + r->r.len - n, n);
		sc->wmem += n;
		done += n;
		len -= n;
	}
	if (rec)
		host_record_written(sc, RILL_PREFIX + bytes);
	free(rec);
	sc->written += bytes;
	sc->rec_tx++;
	host_service(sc, &out);
	return true;
}

void host_shut(struct sconn *sc)
{
	struct sim_run *fin = calloc(1, sizeof(*fin));
	struct rill_out out;

	sc->shut = true;
	rill_out_init(&out);
	if (!sc->dead) {
		bool used;

		ENGINE(sc, &out, used = rill_conn_shut_wr(&sc->c, &fin->r, sc->host->sim->now,
							  &out));
		if (used)
			fin = NULL;
		host_service(sc, &out);
	}
	free(fin);
}

void host_abort(struct sconn *sc)
{
	struct rill_out out;

	TRACE(sc->host->sim, "conn %u.%d aborts", sc->plan, sc->side);
	sc->closed = sc->aborted = true;
	if (sc->dead)
		return;
	rill_out_init(&out);
	ENGINE(sc, &out, rill_conn_abort(&sc->c, RILL_R_ABORT, sc->host->sim->now, &out));
	host_service(sc, &out);
}

void host_close(struct sconn *sc)
{
	struct rill_out out;

	if (sc->c.rx.nxt != sc->c.rx.read) {
		host_abort(sc);
		return;
	}
	TRACE(sc->host->sim, "conn %u.%d closes", sc->plan, sc->side);
	sc->closed = true;
	if (!sc->shut)
		host_shut(sc);
	if (sc->dead)
		return;
	rill_out_init(&out);
	ENGINE(sc, &out, rill_conn_orphan(&sc->c, sc->host->sim->now, &out));
	host_service(sc, &out);
}

void host_setopt(struct sconn *sc, bool nodelay, bool cork)
{
	struct rill_out out;

	sc->c.nodelay = nodelay;
	sc->c.cork = cork;
	if (sc->dead)
		return;
	rill_out_init(&out);
	if (nodelay || !cork)
		ENGINE(sc, &out, rill_conn_push(&sc->c, &out));
	host_service(sc, &out);
}

/* The packets of one call of the engine, and where their bytes are. */
struct batch {
	struct rill_pkt p;
	struct dgram *d[RILL_RUN_MAX];
};

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
	for (i = 0; i < b->p.n; i++) {
		u32 len;
		const u8 *pay = dgram_payload(b->d[i], &len);

		host_ring_put(sc, off, pay, len);
		off += len;
	}
}

static void host_rcv(struct sconn *sc, const struct batch *b)
{
	struct sim *s = sc->host->sim;
	u32 pkts_in = sc->c.st.pkts_in;
	struct rill_out out;

	TRACE(s, "conn %u.%d receives type %u pn %u n %u off %u len %u flags %x credit %u has %x",
	      sc->plan, sc->side, b->p.h.type, b->p.h.pn, b->p.n, b->p.h.off, b->p.len,
	      b->p.last_flags, b->p.h.credit, b->p.x.has);
	rill_out_init(&out);
	if (b->p.h.type == RILL_T_SYNACK && sc->c.state == RILL_SYN_SENT)
		sc->credit_seen = b->p.h.credit;
	ENGINE(sc, &out, rill_conn_rcv(&sc->c, &b->p, s->now, &out));
	host_took(sc, b, &out, pkts_in);
	if (out.bits & RILL_B_NEWEST && sc->peer_addr != b->d[0]->src) {
		sc->peer_addr = b->d[0]->src;
		rill_conn_rebind(&sc->c, s->now);
	}
	if (sc->closed && b->p.len && (out.verdict == RILL_RCV_QUEUE || out.verdict == RILL_RCV_AHEAD) &&
	    rill_state_in(sc->c.state, RILL_ST_CAN_RECV)) {
		/* Nobody will read it: as TCP, say so. */
		sc->mib[RILL_MIB_INCLOSED]++;
		ENGINE(sc, &out, rill_conn_abort(&sc->c, RILL_R_ABORT, s->now, &out));
	}
	while (rill_conn_wants(&sc->c))
		ENGINE(sc, &out, rill_conn_prefix(&sc->c, host_prefix(sc, sc->c.rx.whole), s->now,
						  &out));
	host_service(sc, &out);
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

static void host_path(const struct host *h, u16 remote, struct rill_path *p)
{
	memset(p, 0, sizeof(*p));
	put_unaligned_be16(h->addr, p->local + 14);
	put_unaligned_be16(remote, p->remote + 14);
	p->local_udp = p->remote_udp = SIM_UDP_PORT;
}

/* The plan whose server listens on @port now; -1: none. */
static int host_listener(struct host *h, u16 port)
{
	const struct sim_cfg *cfg = h->sim->cfg;
	u64 t = h->sim->now - cfg->start;
	u32 i;

	if (h->id == 0 || (t >= cfg->listen_off && t < cfg->listen_on))
		return -1;
	for (i = 0; i < cfg->nconns; i++)
		if (cfg->conn[i].port == port)
			return i;
	return -1;
}

/* A server begins; the packet that made it is the caller's to hand in. */
static struct sconn *host_child(struct host *h, int plan, const struct rill_child *child, u16 peer)
{
	struct sim *s = h->sim;
	struct sconn *sc = sconn_new(h, plan, 1, child->cid);
	struct rill_out out;

	s->child_of[plan]++;
	h->accepted++;
	sc->peer_addr = peer;
	sc->credit_seen = child->peer_credit;
	sc->connected = true;
	rill_out_init(&out);
	ENGINE(sc, &out, rill_conn_accept(&sc->c, child, s->now, &out));
	host_service(sc, &out);
	return sc;
}

static struct sim_tomb *host_tomb(struct host *h, u64 cid);
static void host_begin(struct sconn *sc);

/* The SYN's data as a packet of its own, as the glue cuts it out. */
static void host_syn_data(struct sconn *sc, const struct batch *b, u16 data)
{
	u32 head = RILL_HDR + b->p.h.ext_len;
	struct dgram *d = dgram_new(head + data);
	struct batch syn = *b;

	d->src = b->d[0]->src;
	d->dst = b->d[0]->dst;
	d->ecn = 0;
	memcpy(d->b, b->d[0]->b, head);
	memcpy(d->b + head, b->d[0]->b + b->d[0]->len - data, data);
	syn.d[0] = d;
	syn.p.len = syn.p.plen = data;
	syn.p.h.pn = 1;		/* for the checks; the engine knows */
	host_rcv(sc, &syn);
	dgram_put(d);
}

/* A SYN where fast open is done.  False: it is not to be answered. */
static bool host_syn_fast(struct host *h, const struct batch *b, int plan, u64 cid,
			  const struct rill_path *path, const struct rill_listen *l,
			  struct rill_fast *fast, struct sconn **child)
{
	struct sim *s = h->sim;
	struct sconn *sc = host_find(h, cid);
	struct sim_tomb *t = host_tomb(h, cid);
	struct rill_child info;
	struct rill_reply reply;

	if (sc) {
		fast->issued = sc->c.cookie_until - RILL_COOKIE_TTL;
		fast->taken = sc->c.syn_data;
		return true;
	}
	if (t) {
		if (rill_tomb_rcv(&t->t, &b->p.h, &b->p.x, b->p.len, &reply))
			host_reply(h, b->d[0]->src, &reply);
		return false;
	}
	if (rill_open_fast(&b->p.h, &b->p.x, b->d[0]->len, path, l, &h->tokens, cid, s->now,
			   &info, fast) != RILL_MIB_NONE ||
	    (sim_faulty(s) && rng_chance(&s->rng, s->cfg->nomem)) || s->nconns == 2 * SIM_CONNS_MAX)
		return true;
	sc = host_child(h, plan, &info, b->d[0]->src);
	if (fast->data)
		host_syn_data(sc, b, fast->data);
	fast->issued = s->now;
	fast->taken = sc->c.syn_data;
	*child = sc;
	return true;
}

static void host_syn(struct host *h, const struct batch *b)
{
	struct sim *s = h->sim;
	int plan = rill_ext_has(&b->p.x, RILL_I_PORTS) ? host_listener(h, b->p.x.dport) : -1;
	struct rill_listen l;
	struct rill_reply reply = { 0 };
	struct rill_fast fast = { 0 };
	struct sconn *child = NULL;
	struct rill_path path;
	u64 cid;

	h->in_bytes += b->d[0]->len;
	if (plan < 0) {
		if (!rill_stray(&b->p.h, &b->p.x, RILL_R_REFUSED, &reply))
			return;
	} else {
		if (rill_secrets_stale(&h->secrets, RILL_SECRET_LIFE, s->now)) {
			siphash_key_t key = { { rng_u64(&h->rng), rng_u64(&h->rng) } };

			rill_secrets_rotate(&h->secrets, &key, s->now);
		}
		l.params = host_params(s, plan, 1);
		l.credit = max_t(u32, s->cfg->conn[plan].wnd[1], rill_open_credit(&l.params));
		host_path(h, b->d[0]->src, &path);
		cid = rill_open_id(&h->id_key, &path, &b->p.x);
		if (s->cfg->fast && !host_syn_fast(h, b, plan, cid, &path, &l, &fast, &child))
			return;
		if (rill_open_syn(&b->p.h, &b->p.x, b->d[0]->len, &path, &l, &h->secrets,
				  cid, s->now, &fast, &reply) != RILL_MIB_NONE)
			return;
	}
	/* 18: an unvalidated peer never gets more than it sent. */
	h->out_bytes += reply.len;
	if (h->out_bytes > h->in_bytes)
		sim_fail(s, "18: %llu bytes for %llu", h->out_bytes, h->in_bytes);
	host_reply(h, b->d[0]->src, &reply);
	if (child)
		host_begin(child);
}

/* The program of a new server has its connection. */
static void host_begin(struct sconn *sc)
{
	app_wake(sc, sc->host->sim->now);
	if (sc->app->abort_at != RILL_NEVER)
		app_wake(sc, sc->app->abort_at);
}

/* An echo for an id nobody has: perhaps a new connection. */
static void host_echo(struct host *h, const struct batch *b)
{
	struct sim *s = h->sim;
	struct rill_child child;
	struct rill_reply reply;
	struct rill_path path;
	enum rill_mib why;
	struct sconn *sc;
	int plan;

	plan = rill_ext_has(&b->p.x, RILL_I_PORTS) ? host_listener(h, b->p.x.dport) : -1;
	if (plan < 0) {
		if (rill_stray(&b->p.h, &b->p.x, RILL_R_COOKIE, &reply))
			host_reply(h, b->d[0]->src, &reply);
		return;
	}
	host_path(h, b->d[0]->src, &path);
	why = rill_open_echo(&b->p.h, &b->p.x, &path, &h->secrets, s->now, &child);
	if (why == RILL_MIB_COOKIEOLD && rill_stray(&b->p.h, &b->p.x, RILL_R_COOKIE, &reply))
		host_reply(h, b->d[0]->src, &reply);
	if (why != RILL_MIB_NONE || (sim_faulty(s) && rng_chance(&s->rng, s->cfg->nomem)) ||
	    s->nconns == 2 * SIM_CONNS_MAX)
		return;
	sc = host_child(h, plan, &child, b->d[0]->src);
	host_rcv(sc, b);
	host_begin(sc);
}

static struct sim_tomb *host_tomb(struct host *h, u64 cid)
{
	struct sim_tomb **p = &h->tombs, *t;

	while ((t = *p)) {
		if (t->t.expires <= h->sim->now) {
			*p = t->next;
			free(t);
			continue;
		}
		if (t->t.cid == cid)
			return t;
		p = &t->next;
	}
	return NULL;
}

static void host_dispatch(struct host *h, const struct batch *b)
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

void host_free(struct host *h)
{
	while (h->rxq) {
		struct dgram *d = h->rxq;

		h->rxq = d->next;
		dgram_put(d);
	}
	while (h->tombs) {
		struct sim_tomb *t = h->tombs;

		h->tombs = t->next;
		free(t);
	}
}
