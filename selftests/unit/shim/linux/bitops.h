/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RILL_SHIM_BITOPS_H
#define RILL_SHIM_BITOPS_H

#include <linux/bits.h>
#include <linux/types.h>

static inline unsigned int hweight64(u64 x)
{
	return __builtin_popcountll(x);
}

/* Index of the lowest bit; undefined for 0, as Linux's. */
static inline unsigned int __ffs64(u64 x)
{
	return __builtin_ctzll(x);
}

/* Index of the highest bit plus one; 0 for 0. */
static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

#endif /* RILL_SHIM_BITOPS_H */
