// SPDX-License-Identifier: GPL-2.0
/*
 * liar.c - a peer that lies about what it has received, or can.
 *
 * Owns the lies of enum sim_lie.  The engine under the liar is the same as
 * everywhere, and in its own eyes honest; what the other one does is tested.
 */
#include "host.h"

#define LIE_AHEAD	16	/* packets acknowledged before they came */
#define LIE_SMALL	100	/* bytes of credit at a time */

/* Does a lie of connection @plan end in a wait that nobody can end? */
bool lie_starves(const struct sim *s, u32 plan)
{
	return s->cfg->conn[plan].app[0].lie >= LIE_ACKS ||
	       s->cfg->conn[plan].app[1].lie >= LIE_ACKS;
}

/* Before packets are chosen: acknowledge what has not arrived. */
void lie_acks(struct sconn *sc)
{
	struct rill_ackq *q = &sc->c.aq;
	u64 n = 1 + rng_below(&sc->host->sim->rng, LIE_AHEAD);

	if (sc->app->lie != LIE_ACKS || !q->largest || sc->dead ||
	    !rill_state_in(sc->c.state, RILL_ST_SYNCED))
		return;
	rill_ackq_add(q, q->largest + 1, n, host_now(sc->host));
	q->now = true;
}

/* A packet leaves; it says as much credit as the liar likes. */
void lie_header(struct sconn *sc, struct rill_hdr *h)
{
	struct rng *r = &sc->host->sim->rng;
	u64 real = sc->c.rx.credit;

	if (!rill_state_in(sc->c.state, RILL_ST_SYNCED))
		return;
	switch (sc->app->lie) {
	case LIE_SHRINK:
		if (rng_below(r, 4) == 0)
			h->credit -= rng_below(r, min_t(u64, real, 20000) + 1);
		break;
	case LIE_SHUT:
		h->credit = 0;
		break;
	case LIE_SILLY:
		sc->lie_credit = min(real, sc->lie_credit + 1 + rng_below(r, LIE_SMALL));
		h->credit = sc->lie_credit;
		break;
	}
}

/* An encoded packet leaves: all that is below the newest has come too. */
void lie_packet(const struct sconn *sc, struct dgram *d)
{
	u8 *x = d->b + RILL_HDR, more = x[1] - RILL_ACK_FIXED;

	if (sc->app->lie != LIE_BELOW || !get_unaligned_be16(d->b + 2) || x[0] != RILL_I_ACK)
		return;
	put_unaligned_be32(get_unaligned_be32(x + 2) - 1, x + 10);
	x[1] = RILL_ACK_FIXED;
	if (!more)
		return;
	/* The pairs become an item that nobody knows. */
	x[RILL_ITEM_HDR + RILL_ACK_FIXED] = 100;
	x[RILL_ITEM_HDR + RILL_ACK_FIXED + 1] = more - RILL_ITEM_HDR;
}
