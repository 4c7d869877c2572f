/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gap.h - stretches of records that the peer has given up.
 *
 * Owns a small set of them, ascending and apart; the memory is the caller's.  The
 * first @passed are behind the last whole record and wait for the program to
 * come to them; the others are ahead of what has arrived.
 */
#ifndef RILL_CORE_GAP_H
#define RILL_CORE_GAP_H

#include "env.h"

struct rill_gap {
	u64	from, to;	/* of the stream */
	u32	next;		/* number of the record at @to */
	u32	lost;		/* records in it, once passed */
};

struct rill_gaps {
	struct rill_gap *v;	/* ascending */
	u16	n;		/* in use */
	u16	cap;		/* room in @v */
	u16	passed;		/* of them, behind the last whole record */
};

bool rill_gaps_add(struct rill_gaps *g, u64 from, u64 to, u32 next);
void rill_gaps_pass(struct rill_gaps *g, u64 from, u32 lost);
void rill_gaps_drop(struct rill_gaps *g, u16 i);

/* The first one ahead, or NULL. */
static inline struct rill_gap *rill_gaps_ahead(const struct rill_gaps *g)
{
	return g->passed < g->n ? &g->v[g->passed] : NULL;
}

#endif /* RILL_CORE_GAP_H */
