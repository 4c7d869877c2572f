// SPDX-License-Identifier: GPL-2.0
/*
 * link.c - one direction of a path.
 *
 * Owns what happens to a datagram between two hosts: it waits for the wire
 * (queue.c), travels, and meets faults.  Nothing here knows what a datagram means.
 */
#include <stdlib.h>
#include "sim.h"

#ifdef RILL_SIM_POOL
/* Datagrams of common size are kept for the next one: malloc is a third of a run. */
#define POOL_LEN	1536
static struct dgram *dgram_pool;
#endif

struct dgram *dgram_new(u32 len)
{
	struct dgram *d;

#ifdef RILL_SIM_POOL
	if (len <= POOL_LEN) {
		d = dgram_pool;
		if (d)
			dgram_pool = d->next;
		else
			d = malloc(sizeof(*d) + POOL_LEN);
	} else
#endif
		d = malloc(sizeof(*d) + len);
	d->next = NULL;
	d->len = len;
	d->ecn = 0;
	d->damaged = d->forged = d->reply = false;
	return d;
}

void dgram_put(struct dgram *d)
{
#ifdef RILL_SIM_POOL
	if (d->len <= POOL_LEN) {
		d->next = dgram_pool;
		dgram_pool = d;
		return;
	}
#endif
	free(d);
}

struct dgram *dgram_copy(const struct dgram *d, u32 len)
{
	struct dgram *c = dgram_new(len);

	c->src = d->src;
	c->dst = d->dst;
	c->ecn = d->ecn;
	c->damaged = d->damaged;
	c->reply = d->reply;
	memcpy(c->b, d->b, len);
	return c;
}

static void link_drop(struct sim *s, struct link *lk, struct dgram *d)
{
	s->drops++;
	lk->drops++;
	dgram_put(d);
}

void link_deliver(struct sim *s, u32 l, struct dgram *d, u64 at)
{
	sim_at(s, at, EV_ARRIVE, !l, d);
}

static bool link_lose(struct sim *s, struct link *lk)
{
	const struct link_cfg *c = &lk->cfg;

	if (s->now >= c->outage_at && s->now < c->outage_at + c->outage_len)
		return true;
	if (rng_chance(&s->rng, lk->bad ? c->burst_end : c->burst))
		lk->bad = !lk->bad;
	return lk->bad || rng_chance(&s->rng, c->loss);
}

/* Keep a few to send again much later, when their connection may be gone. */
static void link_remember(struct sim *s, struct link *lk, const struct dgram *d)
{
	u32 i = lk->nold < SIM_REPLAY ? lk->nold++ : rng_below(&s->rng, SIM_REPLAY);

	if (lk->old[i])
		dgram_put(lk->old[i]);
	lk->old[i] = dgram_copy(d, d->len);
}

static struct dgram *link_damage(struct sim *s, struct link *lk, struct dgram *d)
{
	if (rng_chance(&s->rng, lk->cfg.corrupt)) {
		u32 n = rng_log(&s->rng, 1, 8);
		/* Half of them in the header, where they can be noticed. */
		u32 span = rng_u64(&s->rng) & 1 ? min_t(u32, d->len, 64) : d->len;

		while (n--)
			d->b[rng_below(&s->rng, span)] ^= BIT(rng_below(&s->rng, 8));
		d->damaged = true;
	}
	if (rng_chance(&s->rng, lk->cfg.truncate)) {
		struct dgram *t = dgram_copy(d, rng_below(&s->rng, d->len));

		t->damaged = true;
		dgram_put(d);
		d = t;
	}
	return d;
}

/* False: a path that does not like ECN drops the datagram. */
static bool link_ecn(const struct link_cfg *c, struct dgram *d)
{
	if (!d->ecn)
		return true;
	switch (c->ecn) {
	case LINK_ECN_BLEACHED:
		d->ecn = RILL_NOT_ECT;
		break;
	case LINK_ECN_REMARKED:
		d->ecn = d->ecn == RILL_ECT0 ? RILL_ECT1 : d->ecn;
		break;
	case LINK_ECN_ALL:
		d->ecn = RILL_CE;
		break;
	case LINK_ECN_DROPPED:
		return false;
	}
	return true;
}

/* How long the way is now: routes change. */
static u64 link_delay(const struct sim *s, const struct link_cfg *c)
{
	return c->shift_at && s->now >= c->shift_at ? c->shift_delay : c->delay;
}

/* Too large for the path, or for what it has become; nobody says so. */
static bool link_too_large(const struct sim *s, const struct link_cfg *c, const struct dgram *d)
{
	return c->mtu && s->now >= c->mtu_at && d->len + 28 > c->mtu;
}

/* Chance takes its share of @d, which would arrive at @at. */
static void link_faults(struct sim *s, u32 l, struct dgram *d, u64 at)
{
	struct link *lk = &s->link[l];
	const struct link_cfg *c = &lk->cfg;

	if (c->jitter) {
		/* Later, but never past what left before. */
		at = max(at + rng_below(&s->rng, c->jitter), lk->last_arrival);
		lk->last_arrival = at;
	}
	if (c->replay)
		link_remember(s, lk, d);
	if (lk->nold && rng_chance(&s->rng, c->replay)) {
		const struct dgram *old = lk->old[rng_below(&s->rng, lk->nold)];

		link_deliver(s, l, dgram_copy(old, old->len), at);
	}
	if (link_lose(s, lk)) {
		link_drop(s, lk, d);
		return;
	}
	if (rng_chance(&s->rng, c->dup))
		link_deliver(s, l, dgram_copy(d, d->len),
			     at + rng_below(&s->rng, c->reorder_by + 1));
	if (rng_chance(&s->rng, c->forge))
		forge_copy(s, l, d, at);
	d = link_damage(s, lk, d);
	if (rng_chance(&s->rng, c->reorder))
		at += rng_below(&s->rng, c->reorder_by + 1);
	link_deliver(s, l, d, at);
}

/* @d, which becomes the link's, leaves on link @l: 0 from host 0, 1 from host 1. */
void link_send(struct sim *s, u32 l, struct dgram *d)
{
	struct link *lk = &s->link[l];
	u64 at = queue_pass(s, lk, d);

	if (!at || !link_ecn(&lk->cfg, d) || link_too_large(s, &lk->cfg, d)) {
		link_drop(s, lk, d);
		return;
	}
	at += link_delay(s, &lk->cfg);
	if (sim_faulty(s))
		link_faults(s, l, d, at);
	else
		link_deliver(s, l, d, at);
}

void link_free(struct link *l)
{
	while (l->nold)
		dgram_put(l->old[--l->nold]);
}
