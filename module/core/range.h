/* SPDX-License-Identifier: GPL-2.0 */
/*
 * range.h - a small sorted set of half-open ranges of 64-bit numbers.
 *
 * Owns the algorithm; the memory is the caller's, so a set is bounded by what
 * it was given.  Two users: the packet numbers received (ack.c) and the stream
 * bytes received ahead of the gap (recv.c).
 */
#ifndef RILL_CORE_RANGE_H
#define RILL_CORE_RANGE_H

#include "env.h"

struct rill_range {
	u64	lo, hi;			/* lo <= x < hi */
};

struct rill_ranges {
	struct rill_range *v;		/* ascending, never touching */
	u16	n;			/* in use */
	u16	cap;			/* room in @v */
};

/* How much of a range is in the set already. */
enum rill_cover {
	RILL_COVER_NONE,
	RILL_COVER_SOME,
	RILL_COVER_ALL,
};

enum rill_cover rill_ranges_cover(const struct rill_ranges *r, u64 lo, u64 hi);
bool rill_ranges_add(struct rill_ranges *r, u64 lo, u64 hi);
void rill_ranges_drop_below(struct rill_ranges *r, u64 x);

#endif /* RILL_CORE_RANGE_H */
