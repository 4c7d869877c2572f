// SPDX-License-Identifier: GPL-2.0
/*
 * range.c - the set of ranges of range.h.
 *
 * A sorted array: arrivals are almost always at its end, and sets are small
 * (32 packet-number ranges, at most 256 stream ranges), so a move of a few
 * hundred bytes costs less than a tree's pointers.
 */
#include "range.h"

/* Index of the first range that ends at or after @x: all before end below it. */
static u16 rill_ranges_find(const struct rill_ranges *r, u64 x)
{
	u16 lo = 0, hi = r->n;

	/* Arrivals in order extend the last range: look there first. */
	if (hi && r->v[hi - 1].hi < x)
		return hi;
	while (lo < hi) {
		u16 mid = (lo + hi) / 2;

		if (r->v[mid].hi < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* How much of [@lo, @hi), which is not empty, the set holds. */
enum rill_cover rill_ranges_cover(const struct rill_ranges *r, u64 lo, u64 hi)
{
	u16 i = rill_ranges_find(r, lo + 1);

	if (i == r->n || r->v[i].lo >= hi)
		return RILL_COVER_NONE;
	if (r->v[i].lo <= lo && r->v[i].hi >= hi)
		return RILL_COVER_ALL;
	return RILL_COVER_SOME;
}

/*
 * rill_ranges_add() - add [@lo, @hi), merging what touches or overlaps.
 *
 * Return: false when it would need one range more than there is room for; the
 * set is then unchanged.
 */
bool rill_ranges_add(struct rill_ranges *r, u64 lo, u64 hi)
{
	u16 i = rill_ranges_find(r, lo), j;

	if (i == r->n || r->v[i].lo > hi) {
		if (r->n == r->cap)
			return false;
		memmove(&r->v[i + 1], &r->v[i], (r->n - i) * sizeof(*r->v));
		r->v[i].lo = lo;
		r->v[i].hi = hi;
		r->n++;
		return true;
	}

	/* Ranges i..j-1 touch the new one: they become one. */
	for (j = i; j < r->n && r->v[j].lo <= hi; j++)
		hi = max(hi, r->v[j].hi);
	r->v[i].lo = min(lo, r->v[i].lo);
	r->v[i].hi = hi;
	memmove(&r->v[i + 1], &r->v[j], (r->n - j) * sizeof(*r->v));
	r->n -= j - i - 1;
	return true;
}

/* Forget everything below @x. */
void rill_ranges_drop_below(struct rill_ranges *r, u64 x)
{
	u16 i = rill_ranges_find(r, x + 1);

	memmove(&r->v[0], &r->v[i], (r->n - i) * sizeof(*r->v));
	r->n -= i;
	if (r->n && r->v[0].lo < x)
		r->v[0].lo = x;
}
