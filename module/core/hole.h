/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hole.h - packet numbers left out to catch liars.
 *
 * Owns which numbers are never used.  A peer that acknowledges what it has not
 * received (RFC 9000 21.4), to draw more than its share, cannot know them: one
 * acknowledged hole proves the lie.  Holes lie between trains, are rare (the
 * peer acknowledges at once what follows one, and remembers it as a gap), and
 * become rarer as the connection goes on.
 */
#ifndef RILL_CORE_HOLE_H
#define RILL_CORE_HOLE_H

#include "wire.h"

#define RILL_HOLES		4	/* remembered: a liar acknowledges what is new */
#define RILL_HOLE_FIRST		64	/* packets; the first comes after half as many to 3/2 */
#define RILL_HOLE_SPAN_MAX	4096	/* so far apart, on average, in the long run */

struct rill_holes {
	siphash_key_t key;	/* where they are; not for the peer to know */
	u64	at;		/* the next comes when this number does; RILL_NEVER: none */
	u64	pn[RILL_HOLES];	/* the newest, 0: not there yet */
	u32	span;		/* packets to the next, on average */
	u8	next;		/* index in @pn for the next */
};

void rill_holes_init(struct rill_holes *h, u64 dice);
bool rill_holes_step(struct rill_holes *h, u64 pn);
bool rill_holes_acked(const struct rill_holes *h, const struct rill_ackblk *a, u64 largest);
u32 rill_holes_in(const struct rill_holes *h, u64 lo, u64 hi);

#endif /* RILL_CORE_HOLE_H */
