// SPDX-License-Identifier: GPL-2.0
/*
 * queue.c - the bottleneck: where datagrams wait for the wire.
 *
 * Owns a finite queue in front of a wire of a given rate, what it does when it
 * is long, and what can be said of it afterwards.  The queue is first in, first
 * out, so when a datagram will leave is known as it comes: nothing is kept but
 * the time the wire is busy until.
 */
#include <math.h>
#include "sim.h"

#define QUEUE_OVERHEAD	28	/* IP and UDP */
#define CODEL_INTERVALS	20	/* targets in an interval, RFC 8289 4.2 */

/*
 * RFC 8289 5.6: a datagram that waited @wait leaves at @at; is it to be dropped?
 * One that waits less than the target for once ends it; one that has waited more
 * for an interval begins it; then the drops come closer.
 */
static bool queue_codel(struct link *lk, u64 wait, u64 at)
{
	u64 target = lk->cfg.codel, interval = CODEL_INTERVALS * target;

	if (wait < target) {
		lk->above_at = 0;
		lk->dropping = false;
		return false;
	}
	if (!lk->above_at) {
		lk->above_at = at + interval;
		return false;
	}
	if (lk->dropping) {
		if (at < lk->drop_next)
			return false;
		lk->ndrop++;
	} else {
		if (at < lk->above_at)
			return false;
		lk->dropping = true;
		/* Soon after the last time: go on where that ended. */
		lk->ndrop = lk->ndrop > 2 && at - lk->drop_next < 8 * interval ? lk->ndrop - 2 : 1;
		lk->drop_next = at;
	}
	lk->drop_next += interval / sqrt(lk->ndrop);
	return true;
}

/* The datagram joins the queue of @lk: when has it left?  0: it was dropped. */
u64 queue_pass(struct sim *s, struct link *lk, struct dgram *d)
{
	const struct link_cfg *c = &lk->cfg;
	u64 wait = lk->busy_until > s->now ? lk->busy_until - s->now : 0;
	bool mark = c->mark && wait >= c->mark;

	if (!c->rate)
		return s->now;
	if (wait > c->queue)
		return 0;
	if (c->codel && queue_codel(lk, wait, s->now + wait)) {
		if (!d->ecn)
			return 0;
		mark = true;
	}
	if (mark && d->ecn) {
		d->ecn = 3;
		lk->marks++;
	}
	lk->passed++;
	lk->waited += wait;
	lk->busy_until = max(lk->busy_until, s->now) +
			 (u64)(d->len + QUEUE_OVERHEAD) * RILL_SEC / c->rate;
	return lk->busy_until;
}
