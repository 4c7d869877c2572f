// SPDX-License-Identifier: GPL-2.0
/*
 * stream.c - a connection's bytes: what the socket calls do with them.
 *
 * Owns the receive ring, the runs a program's writes become, records' prefixes;
 * read, write, shutdown and close as the module's calls are.
 */
#include <stdlib.h>
#include "host.h"

void host_ring_put(struct sconn *sc, u64 off, const u8 *b, u32 len)
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

/* What was given up right before is not there to be read. */
u32 host_readable(const struct sconn *sc)
{
	return sc->c.rx.whole - max(sc->rd, sc->c.rx.read);
}

/* The prefix at stream offset @off, which is in the ring. */
u32 host_prefix(const struct sconn *sc, u64 off)
{
	u32 len = 0, i;

	for (i = 0; i < RILL_PREFIX; i++)
		len = len << 8 | sc->ring[(off + i) & (sc->ring_size - 1)];
	return len;
}

void host_hash(u64 *hash, const u8 *b, u32 len)
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
void host_look_eof(struct sconn *sc)
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
	if (!s->cfg->hostile && (len != want || RILL_PREFIX + len > have)) {
		sim_fail(s, "2: conn %u.%d: record %llu has %u bytes of %u, %u are there", sc->plan,
			 sc->side, sc->rec_rx, len, want, have);
		return 0;
	}
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
	ENGINE(sc, &out, rill_conn_read(&sc->c, len, host_now(sc->host), &out));
	host_look_eof(sc);
	host_service(sc, &out);
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
	rill_conn_record(&sc->c, bytes, life ? &life->l : NULL, host_now(sc->host) + sc->app->life);
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
			ENGINE(sc, &out, rill_conn_write(&sc->c, &r->r, host_now(sc->host), &out));
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

		ENGINE(sc, &out, used = rill_conn_shut_wr(&sc->c, &fin->r, host_now(sc->host),
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
	ENGINE(sc, &out, rill_conn_abort(&sc->c, RILL_R_ABORT, host_now(sc->host), &out));
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
	ENGINE(sc, &out, rill_conn_orphan(&sc->c, host_now(sc->host), &out));
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
