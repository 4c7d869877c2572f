/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pace.h - when the next packets may leave: a rate and a little credit.
 *
 * Owns the release time.  A rate of 0 means not paced.  The burst is what a
 * sender may send at once after being idle (RFC 9002 7.7 allows the initial
 * window); a sender that waited for its time and was woken late catches up.
 */
#ifndef RILL_CORE_PACE_H
#define RILL_CORE_PACE_H

#include "env.h"

#define RILL_PACE_SLACK		RILL_MSEC	/* one timer pays for this much */
#define RILL_PACE_LATE		(25 * RILL_MSEC)	/* a timer may be so late without loss */

struct rill_pace {
	u64	rate;		/* bytes a second, 0: not paced */
	u64	cap;		/* bytes a second, SO_MAX_PACING_RATE; 0: none */
	u64	next;		/* earliest time of the next packet */
	bool	waited;		/* for @next, and it has passed */
};

/* The congestion control's @rate, 0: none, under the program's cap. */
static inline void rill_pace_set(struct rill_pace *p, u64 rate)
{
	p->rate = rate && p->cap ? min(rate, p->cap) : rate + p->cap;
}

/* Packets of @size bytes that may leave at once: what the timer is late, and two. */
static inline u32 rill_pace_burst(const struct rill_pace *p, u32 size)
{
	if (!p->rate)
		return U32_MAX;
	return max_t(u64, div64_u64(p->rate * (RILL_PACE_SLACK / RILL_USEC), 1000000ULL * size), 2);
}

/* True when packets may leave at @now. */
static inline bool rill_pace_ready(struct rill_pace *p, u64 now)
{
	if (!p->rate || p->next <= now + RILL_PACE_SLACK)
		return true;
	p->waited = true;
	return false;
}

/* @bytes left at @now: move the release time on. */
static inline void rill_pace_sent(struct rill_pace *p, u32 bytes, u64 now)
{
	u64 late = p->waited ? RILL_PACE_LATE : 0;

	if (!p->rate)
		return;
	p->next = max(p->next, now > late ? now - late : 0) +
		  div64_u64((u64)bytes * RILL_SEC, p->rate);
	if (p->next >= now)
		p->waited = false;
}

#endif /* RILL_CORE_PACE_H */
