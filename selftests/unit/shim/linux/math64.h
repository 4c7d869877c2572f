/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RILL_SHIM_MATH64_H
#define RILL_SHIM_MATH64_H

#include <linux/types.h>

#ifdef RILL_PURE
/* For the purity check: a division that goes around these shows itself. */
u64 div_u64(u64 a, u32 b);
u64 div64_u64(u64 a, u64 b);
#else
static inline u64 div_u64(u64 a, u32 b)
{
	return a / b;
}

static inline u64 div64_u64(u64 a, u64 b)
{
	return a / b;
}
#endif

#endif /* RILL_SHIM_MATH64_H */
