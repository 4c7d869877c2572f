/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A histogram of times: buckets that are 1/64 of their power of two wide, so
 * that a percentile is right to 1.6 % whatever its size, in memory that does not
 * grow with the number of samples.
 */
#ifndef RILL_TOOLS_HIST_H
#define RILL_TOOLS_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS	6
#define HIST_SUB	(1 << HIST_SUB_BITS)
#define HIST_BUCKETS	(HIST_SUB * 36)		/* up to 2^41 ns, 36 minutes */

struct hist {
	uint64_t n;
	uint64_t sum, min, max;			/* ns */
	uint32_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *h, uint64_t ns);
void hist_merge(struct hist *to, const struct hist *from);
uint64_t hist_percentile(const struct hist *h, double percent);

#endif
