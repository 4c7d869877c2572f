/* SPDX-License-Identifier: GPL-2.0 */
/*
 * marks.h - the share of packets that the network marks, round by round.
 *
 * Owns DCTCP's estimator (RFC 8257 3.3): for the congestion controls that
 * answer marks in proportion.  Shares are of 1024.
 */
#ifndef RILL_CORE_MARKS_H
#define RILL_CORE_MARKS_H

#include "env.h"

#define RILL_MARKS_ALL	1024

struct rill_marks {
	u32	acked, marked;	/* packets, in this round */
	u32	share;		/* marked, of the round that ended last */
	u32	alpha;		/* its moving average, gain 1/16; times 16 */
};

/* Before anything is known a mark is answered in full. */
static inline void rill_marks_init(struct rill_marks *m)
{
	m->acked = m->marked = m->share = 0;
	m->alpha = RILL_MARKS_ALL * 16;
}

static inline void rill_marks_acked(struct rill_marks *m, u32 acked, u32 marked)
{
	m->acked += acked;
	m->marked += marked;
}

static inline void rill_marks_round(struct rill_marks *m)
{
	m->share = m->acked ? min(div_u64((u64)m->marked * RILL_MARKS_ALL, m->acked),
				  (u64)RILL_MARKS_ALL) : 0;
	m->alpha = m->alpha - m->alpha / 16 + m->share;
	m->acked = m->marked = 0;
}

static inline u32 rill_marks_alpha(const struct rill_marks *m)
{
	return m->alpha / 16;
}

#endif /* RILL_CORE_MARKS_H */
