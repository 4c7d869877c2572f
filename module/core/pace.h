/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pace.h - when the next packets may leave: a rate and a little credit.
 *
 * Owns the release time.  A rate of 0 means not paced.  The burst is what a
 * sender may send at once after being idle (RFC 9002 7.7 allows the initial
 * window).
 */
#ifndef RILL_CORE_PACE_H
#define RILL_CORE_PACE_H

#include "env.h"

#define RILL_PACE_SLACK		RILL_MSEC	/* one timer pays for this much */

struct rill_pace {
	u64	rate;		/* bytes a second, 0: not paced */
	u64	next;		/* earliest time of the next packet */
};

/* True when packets may leave at @now. */
static inline bool rill_pace_ready(const struct rill_pace *p, u64 now)
{
	return !p->rate || p->next <= now + RILL_PACE_SLACK;
}

/* @bytes left at @now: move the release time on. */
static inline void rill_pace_sent(struct rill_pace *p, u32 bytes, u64 now)
{
	if (!p->rate)
		return;
	p->next = max(p->next, now) +
		  div64_u64((u64)bytes * RILL_SEC, p->rate);
}

#endif /* RILL_CORE_PACE_H */
