// SPDX-License-Identifier: GPL-2.0
/* pmtu.c - path MTU discovery.  See pmtu.h. */
#include "pmtu.h"

/* A path of which only the interface's size is known. */
void rill_pmtu_init(struct rill_pmtu *p, u16 top)
{
	memset(p, 0, sizeof(*p));
	p->top = top;
	p->good = min_t(u16, top, RILL_PMTU_BASE);
	p->bad = top + 1;
	p->at = RILL_NEVER;
}

/* Another interface, or limit, is another path. */
void rill_pmtu_set_top(struct rill_pmtu *p, u16 top)
{
	if (top != p->top)
		rill_pmtu_init(p, top);
}

/* Look for the size at once. */
static void rill_pmtu_try(struct rill_pmtu *p, u16 size, u64 now)
{
	p->state = RILL_PMTU_SEARCH;
	p->size = size;
	p->tries = 0;
	p->at = now;
}

/* The next size, or the end: between what passed and what did not. */
static void rill_pmtu_next(struct rill_pmtu *p, u64 now)
{
	if (p->good == p->top) {
		p->state = RILL_PMTU_TRUST;
		p->at = RILL_NEVER;
	} else if (p->bad - p->good <= RILL_PMTU_STEP) {
		p->state = RILL_PMTU_DONE;
		p->bad = p->top + 1;
		p->size = p->top;
		p->tries = 0;
		p->at = now + RILL_PMTU_RAISE;
	} else {
		rill_pmtu_try(p, (p->good + p->bad) / 2, now);
	}
}

/* Large packets vanish.  True: data must be laid out anew, for the base. */
static bool rill_pmtu_hole(struct rill_pmtu *p, u64 now)
{
	if (rill_pmtu_payload(p) <= RILL_PMTU_BASE)
		return false;
	p->good = RILL_PMTU_BASE;
	p->bad = p->top + 1;
	p->lost = 0;
	p->small = false;
	rill_pmtu_try(p, p->top, now);
	return true;
}

/* Packets arrived, the largest larger than the base if @large, one that is not if @small. */
void rill_pmtu_arrived(struct rill_pmtu *p, u16 large, bool small)
{
	if (large) {
		p->good = max_t(u16, p->good, min_t(u16, large, p->top));
		p->lost = 0;
		p->small = false;
	} else if (small && p->lost) {
		p->small = true;
	}
}

/* @large packets larger than the base were lost.  True: a black hole. */
bool rill_pmtu_lost(struct rill_pmtu *p, u32 large, u64 now)
{
	p->lost += large;
	return p->small && p->lost >= RILL_PMTU_LOST && rill_pmtu_hole(p, now);
}

/*
 * rill_pmtu_timeout() - time-outs in a row, and large packets are out.
 *
 * A size that has not been seen to pass is the first suspect; one that has is
 * suspected last.
 *
 * Return: true: a black hole.
 */
bool rill_pmtu_timeout(struct rill_pmtu *p, u8 ptos, u64 now)
{
	u8 most = p->good > RILL_PMTU_BASE ? 3 : 1;

	return ptos >= most && rill_pmtu_hole(p, now);
}

void rill_pmtu_probe_sent(struct rill_pmtu *p)
{
	p->out = true;
	p->tries++;
}

/* A probe is lost, which says something of the path, and nothing of its queues. */
void rill_pmtu_probe_lost(struct rill_pmtu *p, u64 now)
{
	p->out = false;
	if (p->tries < RILL_PMTU_TRIES)
		return;
	p->bad = min(p->bad, p->size);
	rill_pmtu_next(p, now);
}

/* A probe of @size arrived. */
void rill_pmtu_probe_arrived(struct rill_pmtu *p, u16 size, u64 now)
{
	p->out = false;
	if (p->state == RILL_PMTU_TRUST)
		return;
	p->good = max_t(u16, p->good, min_t(u16, size, p->top));
	rill_pmtu_next(p, now);
}

/*
 * rill_pmtu_too_big() - an ICMP error quotes our probe: no more than @most passes.
 *
 * A hint: what it says is tried next.
 */
void rill_pmtu_too_big(struct rill_pmtu *p, u16 most, u64 now)
{
	if (!p->out || most >= p->size || most < p->good)
		return;
	p->out = false;
	p->bad = most + 1;
	if (most > p->good)
		rill_pmtu_try(p, most, now);
	else
		rill_pmtu_next(p, now);
}
