// SPDX-License-Identifier: GPL-2.0
/*
 * listen.c - how connections begin: connect(), and the listener without state.
 *
 * Owns the keys of cookies and tokens, and children until they are handed over.
 */
#include <stdlib.h>
#include "host.h"

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

/* The program of a new server has its connection. */
static void host_begin(struct sconn *sc)
{
	sc->connected = true;
	app_wake(sc, sc->host->sim->now);
	if (sc->app->abort_at != RILL_NEVER)
		app_wake(sc, sc->app->abort_at);
}

/* A server begins; the packet that made it is the caller's to hand in. */
static struct sconn *host_child(struct host *h, int plan, const struct rill_child *child, u16 peer)
{
	struct sim *s = h->sim;
	struct sconn *sc = sconn_new(h, plan, 1, child->cid);
	struct rill_out out;
	u32 i;

	s->child_of[plan]++;
	sc->peer_addr = peer;
	for (i = 0; i < s->nconns; i++)
		if (s->conns[i]->plan == plan && !s->conns[i]->side) {
			sc->mate = s->conns[i];
			s->conns[i]->mate = sc;
		}
	sc->credit_seen = child->peer_credit;
	rill_out_init(&out);
	ENGINE(sc, &out, rill_conn_accept(&sc->c, child, host_now(h), &out));
	host_service(sc, &out);
	return sc;
}

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
	if (rill_open_fast(&b->p.h, &b->p.x, b->d[0]->len, path, l, &h->tokens, cid, host_now(h),
			   &info, fast) != RILL_MIB_NONE ||
	    (sim_faulty(s) && rng_chance(&s->rng, s->cfg->nomem)) || s->nconns == 2 * SIM_CONNS_MAX)
		return true;
	sc = host_child(h, plan, &info, b->d[0]->src);
	if (fast->data)
		host_syn_data(sc, b, fast->data);
	fast->issued = host_now(h);
	fast->taken = sc->c.syn_data;
	*child = sc;
	return true;
}

void host_syn(struct host *h, const struct batch *b)
{
	struct sim *s = h->sim;
	int plan = rill_ext_has(&b->p.x, RILL_I_PORTS) ? host_listener(h, b->p.x.dport) : -1;
	struct rill_listen l;
	struct rill_reply reply = { 0 };
	struct rill_fast fast = { 0 };
	struct sconn *child = NULL;
	u32 conns = s->nconns, tombs = h->ntombs;
	struct rill_path path;
	u64 cid;

	if (plan < 0) {
		if (!rill_stray(&b->p.h, &b->p.x, RILL_R_REFUSED, &reply))
			return;
	} else {
		if (rill_secrets_stale(&h->secrets, RILL_SECRET_LIFE, host_now(h))) {
			siphash_key_t key = { { rng_u64(&h->rng), rng_u64(&h->rng) } };

			rill_secrets_rotate(&h->secrets, &key, host_now(h));
		}
		l.params = host_params(s, plan, 1);
		l.credit = max_t(u32, s->cfg->conn[plan].wnd[1], rill_open_credit(&l.params));
		host_path(h, b->d[0]->src, &path);
		cid = rill_open_id(&h->id_key, &path, &b->p.x);
		if (s->cfg->fast && !host_syn_fast(h, b, plan, cid, &path, &l, &fast, &child))
			return;
		if (rill_open_syn(&b->p.h, &b->p.x, b->d[0]->len, &path, &l, &h->secrets,
				  cid, host_now(h), &fast, &reply) != RILL_MIB_NONE)
			return;
	}
	host_reply(h, b->d[0]->src, &reply);
	if (child)
		host_begin(child);
	/* 19: a SYN leaves nothing behind. */
	else if (s->nconns != conns || h->ntombs > tombs)
		sim_fail(s, "19: a SYN takes memory");
}

/* An echo for an id nobody has: perhaps a new connection. */
void host_echo(struct host *h, const struct batch *b)
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
	why = rill_open_echo(&b->p.h, &b->p.x, &path, &h->secrets, host_now(h), &child);
	if (why == RILL_MIB_COOKIEOLD && rill_stray(&b->p.h, &b->p.x, RILL_R_COOKIE, &reply))
		host_reply(h, b->d[0]->src, &reply);
	if (why != RILL_MIB_NONE || (sim_faulty(s) && rng_chance(&s->rng, s->cfg->nomem)) ||
	    s->nconns == 2 * SIM_CONNS_MAX)
		return;
	sc = host_child(h, plan, &child, b->d[0]->src);
	host_rcv(sc, b);
	host_begin(sc);
}

static u64 host_cid(struct host *h)
{
	return rng_u64(&h->rng) | 1;
}

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
	if (rill_secrets_stale(&server->tokens, RILL_TOKEN_KEY_LIFE, host_now(server))) {
		siphash_key_t key = { { rng_u64(&server->rng), rng_u64(&server->rng) } };

		rill_secrets_rotate(&server->tokens, &key, host_now(server));
	}
	host_path(server, sc->host->addr, &path);
	rill_open_fast(&h, &x, RILL_BASE_DGRAM, &path, &l, &server->tokens, 1, host_now(server),
		       &child, &fast);
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
	ENGINE(sc, out, rill_conn_write(&sc->c, &r->r, host_now(sc->host), out));
}

void host_connect(struct sim *s, u32 plan)
{
	struct sconn *sc = sconn_new(&s->host[0], plan, 0, host_cid(&s->host[0]));
	struct rill_out out;

	sc->peer_addr = s->host[1].addr;
	rill_out_init(&out);
	if (s->cfg->fast)
		host_fast(sc, &out);
	ENGINE(sc, &out, rill_conn_connect(&sc->c, host_now(sc->host), &out));
	host_service(sc, &out);
	if (sc->app->abort_at != RILL_NEVER)
		app_wake(sc, sc->app->abort_at);
}
