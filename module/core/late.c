// SPDX-License-Identifier: GPL-2.0
/* late.c - records that are given up when they are late.  See late.h. */
#include "late.h"
#include "recv.h"

#define RILL_LATE_AGAIN		(10 * RILL_MSEC)	/* until what could not be told is tried */

/* The last @bytes written are a record; the peer has them by @at, or never. */
void rill_send_live(struct rill_send *s, struct rill_life *life, u32 bytes, u64 at)
{
	memset(&life->skip, 0, sizeof(life->skip));
	INIT_LIST_HEAD(&life->skip.node);
	life->skip.flags = RILL_RUN_SKIP;
	life->from = s->end - bytes;
	life->to = s->end;
	life->next = s->nrec;
	life->at = at;
	list_add_tail(&life->node, &s->lives);
	s->life_at = min(s->life_at, at);
}

/* @life is over, nothing is to be told: back to its owner. */
static void rill_life_end(struct rill_send *s, struct rill_life *life)
{
	list_del(&life->node);
	list_add_tail(&life->skip.node, &s->done_runs);
}

/* The peer has all below una: records there are no longer in danger. */
void rill_send_outlive(struct rill_send *s)
{
	struct rill_life *life, *next;

	list_for_each_entry_safe(life, next, &s->lives, node) {
		if (life->to > s->una)
			break;
		rill_life_end(s, life);
	}
}

/*
 * The packets of @run that hold bytes of [@from, @to), as a mask.  A skip that
 * waits in the middle of it holds none, and tells of other records.
 */
static u64 rill_run_touched(const struct rill_run *run, u64 from, u64 to)
{
	u32 lo, hi;

	if (run->flags & RILL_RUN_SKIP || from >= run->off + run->len || to <= run->off)
		return 0;
	lo = from > run->off ? (u32)(from - run->off) / run->plen : 0;
	hi = to >= run->off + run->len ? run->n :
	     ((u32)(to - run->off) + run->plen - 1) / run->plen;
	return rill_mask(hi) & ~rill_mask(lo);
}

/* The packets of @run that hold nothing else, and not the FIN either. */
static u64 rill_run_inside(const struct rill_run *run, u64 from, u64 to)
{
	u64 mask = rill_run_touched(run, from, to);
	u64 end = run->off + run->len;

	if (!mask)
		return 0;
	if (from > run->off && (u32)(from - run->off) % run->plen)
		mask &= mask - 1;
	if (to < end && (u32)(to - run->off) % run->plen)
		mask &= ~BIT_ULL((u32)(to - run->off) / run->plen);
	if (run->flags & RILL_RUN_FIN)
		mask &= ~BIT_ULL(run->n - 1);
	return mask;
}

/* The first run, from @at on, that ends behind @off; the list's head if there is none. */
static struct list_head *rill_run_behind(const struct rill_send *s, struct list_head *at, u64 off)
{
	while (at != &s->runs) {
		const struct rill_run *run = list_entry(at, struct rill_run, node);

		if (run->off + run->len > off)
			break;
		at = at->next;
	}
	return at;
}

/* Has the peer every byte of @life, though something before it is missing? */
static bool rill_life_saved(const struct rill_send *s, const struct rill_life *life,
			    struct list_head *at)
{
	for (; at != &s->runs; at = at->next) {
		const struct rill_run *run = list_entry(at, struct rill_run, node);

		if (run->off >= life->to)
			break;
		if (rill_run_touched(run, life->from, life->to) & ~run->acked)
			return false;
	}
	return true;
}

/*
 * Packets given up before they were sent are passed over.  Each uses up its
 * number all the same: a packet number never moves the stream by more than a
 * packet, which is what a receiver tells old packets from new by (PROTOCOL.md 3).
 */
void rill_send_pass(struct rill_send *s)
{
	struct rill_run *run = s->unsent;

	while (run && run->acked & BIT_ULL(run->nsent)) {
		run->nsent++;
		s->pn_next++;
		s->nxt = run->off + rill_run_bytes(run, 0, run->nsent);
		if (run->nsent == run->n)
			run = rill_send_unsent(s, run);
	}
	s->unsent = run;
}

/*
 * [from, to) of @life, whose first run is at @first, is given up: packets that
 * hold nothing else go, its skip is to be told.
 */
static void rill_life_give_up(struct rill_send *s, struct rill_life *life,
			      struct list_head *first)
{
	struct rill_run *skip = &life->skip;
	struct list_head *at = first;

	for (; at != &s->runs; at = at->next) {
		struct rill_run *run = list_entry(at, struct rill_run, node);
		u64 mask;

		if (run->off >= life->to)
			break;
		mask = rill_run_inside(run, life->from, life->to);
		s->rtx_pkts -= hweight64(run->rtx & mask);
		run->rtx &= ~mask;
		run->acked |= mask;
	}
	list_del(&life->node);
	/* It was never sent; but what waits to go again goes before what is new. */
	skip->off = at == &s->runs ? s->end : list_entry(at, struct rill_run, node)->off;
	skip->n = skip->nsent = 1;
	skip->rtx = 1;
	s->rtx_pkts++;
	list_add_tail(&skip->node, at);
}

/* May the peer be told of a stretch that ends at @to?  Its numbers must not be mistaken. */
static bool rill_life_tellable(const struct rill_send *s, u64 to)
{
	return to <= s->credit + RILL_WND_MAX;
}

/*
 * rill_send_expire() - give up what is late.
 *
 * Neighbours go as one stretch.
 *
 * Return: how many records.
 */
u32 rill_send_expire(struct rill_send *s, u64 now)
{
	struct list_head *at = s->runs.next, *open_at = NULL;
	struct rill_life *life, *next, *open = NULL;
	u32 n = 0;

	s->life_at = RILL_NEVER;
	list_for_each_entry_safe(life, next, &s->lives, node) {
		if (life->at <= now && !rill_life_tellable(s, life->to))
			life->at = now + RILL_LATE_AGAIN;
		if (life->at > now) {
			s->life_at = min(s->life_at, life->at);
			continue;
		}
		at = rill_run_behind(s, at, life->from);
		if (rill_life_saved(s, life, at)) {
			rill_life_end(s, life);
			continue;
		}
		n++;
		if (open && open->to == life->from && life->to - open->from <= RILL_WND_MAX) {
			open->to = life->to;
			open->next = life->next;
			rill_life_end(s, life);
			continue;
		}
		if (open)
			rill_life_give_up(s, open, open_at);
		open = life;
		open_at = at;
	}
	if (open)
		rill_life_give_up(s, open, open_at);
	rill_send_pass(s);
	rill_send_settle(s);
	return n;
}
