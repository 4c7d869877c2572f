// SPDX-License-Identifier: GPL-2.0
/*
 * See hist.h.  Values below 64 have a bucket each; above, the leading 1 picks
 * the row of 64 buckets and the 6 bits after it the bucket.
 */
#include "hist.h"

static unsigned int bucket_of(uint64_t v)
{
	unsigned int shift, i;

	if (v < HIST_SUB)
		return v;
	shift = 63 - __builtin_clzll(v) - HIST_SUB_BITS;
	i = HIST_SUB * (shift + 1) + ((v >> shift) - HIST_SUB);
	return i < HIST_BUCKETS ? i : HIST_BUCKETS - 1;
}

/* The middle of the bucket. */
static uint64_t bucket_value(unsigned int i)
{
	unsigned int shift;

	if (i < HIST_SUB)
		return i;
	shift = i / HIST_SUB - 1;
	return ((uint64_t)(HIST_SUB + i % HIST_SUB) << shift) + ((1ULL << shift) >> 1);
}

void hist_add(struct hist *h, uint64_t ns)
{
	if (!h->n || ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
	h->n++;
	h->sum += ns;
	h->bucket[bucket_of(ns)]++;
}

void hist_merge(struct hist *to, const struct hist *from)
{
	if (!from->n)
		return;
	if (!to->n || from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	to->n += from->n;
	to->sum += from->sum;
	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

uint64_t hist_percentile(const struct hist *h, double percent)
{
	uint64_t want = h->n * percent / 100, seen = 0;

	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen > want)
			return bucket_value(i) < h->max ? bucket_value(i) : h->max;
	}
	return h->max;
}
