// SPDX-License-Identifier: GPL-2.0
/* hole.c - packet numbers left out.  See hole.h. */
#include "hole.h"

/* The next hole is half a span to three halves behind @pn. */
static void rill_holes_plan(struct rill_holes *h, u64 pn)
{
	u64 word = pn;

	h->at = pn + h->span / 2 + (u32)siphash(&word, sizeof(word), &h->key) % h->span;
}

/* @dice: random, or 0 for no holes at all. */
void rill_holes_init(struct rill_holes *h, u64 dice)
{
	memset(h, 0, sizeof(*h));
	h->key.key[0] = dice;
	h->key.key[1] = ~dice;
	h->span = RILL_HOLE_FIRST;
	h->at = RILL_NEVER;
	if (dice)
		rill_holes_plan(h, 1);
}

/* @pn would be the next packet's number.  True: it must not be, it is a hole. */
bool rill_holes_step(struct rill_holes *h, u64 pn)
{
	if (pn < h->at)
		return false;
	h->pn[h->next] = pn;
	h->next = (h->next + 1) % RILL_HOLES;
	h->span = min_t(u32, 2 * h->span, RILL_HOLE_SPAN_MAX);
	rill_holes_plan(h, pn);
	return true;
}

/* How many of the holes remembered are in @lo .. @hi. */
u32 rill_holes_in(const struct rill_holes *h, u64 lo, u64 hi)
{
	u32 n = 0;
	u8 i;

	for (i = 0; i < RILL_HOLES; i++)
		n += h->pn[i] >= lo && h->pn[i] <= hi;
	return n;
}

/* Does @a, which is well-formed and ends at @largest, acknowledge a hole? */
bool rill_holes_acked(const struct rill_holes *h, const struct rill_ackblk *a, u64 largest)
{
	u64 hi = largest, lo = hi - a->first;
	u8 i = 0, k;

	/* Both descend: from the newest hole on, and from the newest range. */
	for (k = 1; k <= RILL_HOLES; k++) {
		u64 pn = h->pn[(h->next + RILL_HOLES - k) % RILL_HOLES];

		for (; pn < lo; i++) {
			if (i == a->pairs || !pn)
				return false;
			hi = lo - 2 - get_unaligned_be16(a->pair + 4 * i);
			lo = hi - get_unaligned_be16(a->pair + 4 * i + 2);
		}
		if (pn && pn <= hi)
			return true;
	}
	return false;
}
