// SPDX-License-Identifier: GPL-2.0
/*
 * witness.c - the invariants of reliability.md 3.3 that take both ends of a
 * connection, a program, or a host to see: 2 to 6, 18 to 26.
 *
 * 1 is where bytes are read (stream.c), 19 in forge.c's victims (listen.c), 26
 * where packets are handed on (ingress.c), 29 in fair.c, 30 is `--twice`.
 */
#include "host.h"

/* 6: the two ends of a connection mean each other. */
static void witness_mates(const struct sconn *sc)
{
	const struct rill_conn *a = &sc->c, *b = sc->mate ? &sc->mate->c : NULL;

	if (!b || sc->dead || sc->mate->dead || b->peer_cid != a->cid ||
	    !rill_state_in(a->state, RILL_ST_SYNCED) || !rill_state_in(b->state, RILL_ST_SYNCED))
		return;
	CHECK(sc, a->peer_cid == b->cid, "6: %u.%d means %016llx, not %016llx", sc->plan, sc->side,
	      a->peer_cid, b->cid);
	CHECK(sc, a->sport == b->dport && a->dport == b->sport, "6: the ports of %u differ",
	      sc->plan);
	CHECK(sc, a->peer.max_payload == b->params.max_payload &&
		  a->peer.sock_type == b->params.sock_type &&
		  a->peer.max_record == b->params.max_record, "6: parameters of %u differ", sc->plan);
}

/* 3, 4: the end comes behind the last byte that was written, and nothing after it. */
static void witness_eof(const struct sconn *sc)
{
	if (!sc->eof)
		return;
	CHECK(sc, !host_readable(sc) && sc->c.rx.nxt == sc->c.rx.fin && !sc->c.rx.ooo.n,
	      "4: data after the end of %u.%d", sc->plan, sc->side);
	CHECK(sc, sc->mate && sc->mate->shut && sc->mate->c.tx.end == sc->rd,
	      "3: %u.%d ends at %llu, which the peer did not say", sc->plan, sc->side, sc->rd);
}

/* 4: bytes were taken from the network. */
void witness_payload(struct sconn *sc, u32 len)
{
	CHECK(sc, !len || (!sc->eof && !sc->err), "4: %u.%d takes bytes after its end", sc->plan,
	      sc->side);
}

/* 23: a program that could go on has been woken. */
static void witness_wake(const struct sconn *sc)
{
	const struct app_cfg *a = sc->app;
	u64 left = a->total - sc->written;
	u32 want;

	if (sc->running || sc->dead || !sc->connected || sc->err || sc->closed ||
	    sc->app_at != RILL_NEVER)
		return;
	CHECK(sc, !host_readable(sc), "23: %u.%d sleeps on %u bytes", sc->plan, sc->side,
	      host_readable(sc));
	CHECK(sc, !sc->eof || left || !(sc->shut || !a->half), "23: %u.%d sleeps on its end",
	      sc->plan, sc->side);
	want = host_records(sc) ? app_record(sc->key_tx, sc->rec_tx, a->wchunk) : a->wchunk;
	want = min_t(u64, want, left);
	CHECK(sc, !left || sc->shut || !rill_state_in(sc->c.state, RILL_ST_CAN_SEND) ||
		  (sc->wmem && sc->wmem + want > sc->sndbuf),
	      "23: %u.%d sleeps with room for %u bytes", sc->plan, sc->side, want);
}

/* After each event of @sc. */
void witness_conn(struct sconn *sc)
{
	const struct sim_cfg *cfg = sc->host->sim->cfg;

	witness_wake(sc);
	CHECK(sc, sc->resets <= 1, "24: %u errors", sc->resets);
	if (cfg->hostile)
		return;
	/* A client that moves while it connects may be two to the listener. */
	if (cfg->rebind_at == RILL_NEVER)
		witness_mates(sc);
	witness_eof(sc);
}

/* 25: no key is in what leaves. */
void witness_secrets(struct host *h, const u8 *b, u32 len)
{
	const siphash_key_t *keys[] = {
		&h->secrets.key[0], &h->secrets.key[1], &h->tokens.key[0], &h->tokens.key[1],
		&h->id_key,
	};
	u32 i, k;

	for (i = 0; i + 8 <= len; i++)
		for (k = 0; k < 2 * sizeof(keys) / sizeof(keys[0]); k++) {
			u64 half = keys[k / 2]->key[k & 1];

			if (half && (!memcmp(b + i, &half, 8) || get_unaligned_be64(b + i) == half))
				sim_fail(h->sim, "25: a key in a packet");
		}
}

/* 18, 20, 25: an answer that no connection gives; a tombstone knows its peer. */
void witness_reply(struct host *h, const u8 *b, u32 len, bool tomb)
{
	const struct dgram *to = h->answering;

	if (to && len > to->len && !tomb)
		sim_fail(h->sim, "18: %u bytes answer %u", len, to->len);
	if (to && to->reply && !to->damaged)
		sim_fail(h->sim, "20: a reply is answered");
	witness_secrets(h, b, len);
}

/* 26: all that @h knows of its connections, as a number. */
u64 witness_state(const struct host *h)
{
	const struct sim *s = h->sim;
	u64 x = s->nconns;
	u32 i, k;

	for (i = 0; i < s->nconns; i++)
		for (k = 0; s->conns[i]->host == h && k + 8 <= sizeof(struct rill_conn); k += 8) {
			u64 w;

			memcpy(&w, (const u8 *)&s->conns[i]->c + k, 8);
			x = (x ^ w) * 0x100000001b3ULL;
			x ^= x >> 31;
		}
	return x;
}

static const char *const state_name[] = {
	"?", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
	"CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
};

/* 21: it is over, with an error where nothing forbids one. */
static void witness_over(const struct sconn *sc)
{
	const struct sim_cfg *cfg = sc->host->sim->cfg;

	CHECK(sc, sc->dead, "21: connection %u side %d still in %s (una %llu nxt %llu end %llu credit %llu; read %llu nxt %llu; app wrote %llu of %llu, err %d)",
	      sc->plan, sc->side, state_name[sc->c.state], sc->c.tx.una, sc->c.tx.nxt,
	      sc->c.tx.end, sc->c.tx.credit, sc->c.rx.read, sc->c.rx.nxt,
	      sc->written, sc->app->total, sc->err);
	CHECK(sc, !sc->mib[RILL_MIB_ABORTONBADACK], "17: %u.%d thinks its peer lies", sc->plan,
	      sc->side);
	if (!cfg->lossy_only)
		return;
	/* An error after close() is nobody's: the last acknowledgement may be lost. */
	CHECK(sc, !sc->err || sc->closed, "21: connection %u side %d ended with %d",
	      sc->plan, sc->side, sc->err);
	CHECK(sc, sc->eof && sc->got == cfg->conn[sc->plan].app[!sc->side].total,
	      "21: connection %u side %d read %llu of %llu", sc->plan, sc->side, sc->got,
	      cfg->conn[sc->plan].app[!sc->side].total);
}

/* 2: what is missing was given up, and as many as were told. */
static void witness_records(const struct sconn *rx)
{
	const struct sconn *tx = rx->mate;

	if (!tx)
		return;
	CHECK(rx, rx->missed <= tx->mib[RILL_MIB_OUTGIVENUP] &&
		  rx->missed == rx->mib[RILL_MIB_INGIVENUP] &&
		  (!host_records(rx) || rx->rec_rx == tx->rec_tx),
	      "2: connection %u side %d: %llu records written, %llu given up; %llu read or missed, %llu missed",
	      rx->plan, rx->side, tx->rec_tx, tx->mib[RILL_MIB_OUTGIVENUP], rx->rec_rx,
	      rx->missed);
}

/* 22: what is left of a connection does not stay long. */
static void witness_tombs(const struct host *h)
{
	const struct sim_tomb *t;

	for (t = h->tombs; t; t = t->next)
		if (t->t.expires > host_now(h) + 10 * RILL_PTO_MAX)
			sim_fail(h->sim, "22: a tombstone for %llu ns", t->t.expires - host_now(h));
}

/* Everything is over, and came whole where nothing forbade it. */
void witness_end(struct sim *s)
{
	u32 i;

	if (s->cfg->timed)
		return;
	if (s->cfg->caught)
		CHECK(s->conns[0], s->conns[0]->mib[RILL_MIB_ABORTONBADACK], "17: a lie passes");
	for (i = 0; i < s->nconns && !s->cfg->hostile; i++) {
		if (lie_starves(s, s->conns[i]->plan))
			continue;
		witness_over(s->conns[i]);
		if (s->cfg->lossy_only)
			witness_records(s->conns[i]);
	}
	for (i = 0; s->cfg->hash && i + 1 < s->nconns; i += 2)
		if (s->conns[i]->hash_tx != s->conns[i + 1]->hash_rx ||
		    s->conns[i]->hash_rx != s->conns[i + 1]->hash_tx)
			sim_fail(s, "1: the hashes differ");
	for (i = 0; i < s->cfg->nconns; i++)
		if (s->child_of[i] > 1)
			sim_fail(s, "5: connection %u accepted %llu times", i, s->child_of[i]);
	for (i = 0; i < SIM_HOSTS; i++)
		witness_tombs(&s->host[i]);
}
