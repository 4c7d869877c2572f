// SPDX-License-Identifier: GPL-2.0
/*
 * sconn.c - one end of a connection: its life, its memory, its timer.
 *
 * Owns struct sconn and the table they are found in.  Every effect of the
 * engine passes through host_service().
 */
#include <stdlib.h>
#include "host.h"

void host_called(struct sconn *sc, struct rill_out *out, u8 from)
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

static struct sconn **host_bucket(struct host *h, u64 cid)
{
	return &h->by_cid[cid & 255];
}

struct sconn *host_find(struct host *h, u64 cid)
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

/* What a side tells the other; records may be just as long as that will send. */
struct rill_params host_params(const struct sim *s, u32 plan, int side)
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

struct sconn *sconn_new(struct host *h, u32 plan, int side, u64 cid)
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
		.dice = rng_mix(s->seed ^ cid),
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
	rill_conn_init(&sc->c, &cc, host_now(h));
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

static void host_bury(struct sconn *sc)
{
	struct host *h = sc->host;
	struct sim_tomb *t = calloc(1, sizeof(*t));

	rill_conn_tomb(&sc->c, host_now(h), &t->t);
	t->peer_addr = sc->peer_addr;
	if (t->t.expires <= host_now(h)) {
		free(t);
		return;
	}
	t->next = h->tombs;
	h->tombs = t;
	h->ntombs++;
}

void host_timer_arm(struct sconn *sc)
{
	struct sim *s = sc->host->sim;
	u64 at = rill_conn_deadline(&sc->c);

	if (sc->dead || at == RILL_NEVER)
		return;
	at = max(at, host_now(sc->host)) - sc->host->skew;
	if (sc->timer_at <= at)
		return;
	/* The slip is part of the deadline: a timer may be late, never early. */
	if (sim_faulty(s))
		at += rng_below(&s->rng, s->cfg->slip + 1);
	sc->timer_at = at;
	sim_at(s, at, EV_TIMER, sc->idx, NULL);
}

/* Packets too large for the path are cut anew; memory may be short. */
static void sconn_recut(struct sconn *sc)
{
	struct sim *s = sc->host->sim;
	struct rill_run *run;
	u8 i;

	while (!rng_chance(&s->rng, sim_faulty(s) ? s->cfg->nomem : 0) &&
	       (run = rill_conn_misfit(&sc->c))) {
		struct sim_run *old = container_of(run, struct sim_run, r);
		LIST_HEAD(slices);

		for (i = 0; i < run->n; i++) {
			u32 len = rill_run_payload(run, i);
			struct sim_run *slice = calloc(1, sizeof(*slice) + len);

			rill_run_slice(run, i, sc->c.payload, &slice->r);
			memcpy(slice->b, old->b + (u32)i * run->plen, len);
			sc->wmem += len;
			list_add_tail(&slice->r.node, &slices);
		}
		TRACE(s, "conn %u.%d cuts the run at %llu anew", sc->plan, sc->side, run->off);
		rill_send_recut(&sc->c.tx, run, &slices);
	}
}

/* The engine asks for something: the whole of its effect is here. */
void host_service(struct sconn *sc, struct rill_out *out)
{
	struct sim *s = sc->host->sim;
	u32 wmem = sc->wmem;

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
	if (out->bits & RILL_B_RECUT)
		sconn_recut(sc);
	if (out->bits & RILL_B_TX)
		host_tx(sc);
	sconn_done_memory(sc);
	check_conn(sc);

	if ((sc->c.state == RILL_TIME_WAIT || sc->c.state == RILL_CLOSE) &&
	    !sc->c.reset_due) {
		if (out->bits & RILL_B_TOMB || sc->c.cookie_until > host_now(sc->host) ||
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
	if (out->bits & (RILL_B_READABLE | RILL_B_WRITABLE | RILL_B_CONNECTED) ||
	    (out->bits & RILL_B_TX && sc->wmem < wmem))
		app_wake(sc, s->now);
	witness_conn(sc);
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
	if (rill_conn_deadline(&sc->c) <= host_now(sc->host)) {
		TRACE(s, "conn %u.%d timer", sc->plan, sc->side);
		rill_out_init(&out);
		ENGINE(sc, &out, rill_conn_timeout(&sc->c, host_now(sc->host), &out));
		host_service(sc, &out);
		check_served(sc);
		forge_icmp(sc);
	} else {
		host_timer_arm(sc);
	}
}

/*
 * @h loses all it knew, as one that was switched off: connections, tombstones
 * and keys.  Its programs are gone too; the peers have to find out.
 */
void host_crash(struct host *h)
{
	struct sim *s = h->sim;
	struct sim_tomb *t;
	u32 i;

	for (i = 0; i < s->nconns; i++) {
		struct sconn *sc = s->conns[i];

		if (sc->host != h || sc->dead)
			continue;
		host_unhash(sc);
		sc->dead = sc->closed = true;
		sc->timer_at = RILL_NEVER;
	}
	while ((t = h->tombs) != NULL) {
		h->tombs = t->next;
		free(t);
	}
	h->ntombs = 0;
	memset(&h->secrets, 0, sizeof(h->secrets));
	memset(&h->tokens, 0, sizeof(h->tokens));
	/* Who was accepted and had not heard of it may be so again. */
	if (h->id)
		memset(s->child_of, 0, s->cfg->nconns * sizeof(s->child_of[0]));
}
