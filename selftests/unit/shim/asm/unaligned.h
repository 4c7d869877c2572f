/* SPDX-License-Identifier: GPL-2.0 */
/* unaligned.h - big-endian reads and writes, byte by byte. */
#ifndef RILL_SHIM_UNALIGNED_H
#define RILL_SHIM_UNALIGNED_H

#include <linux/types.h>

static inline u16 get_unaligned_be16(const void *p)
{
	const u8 *b = p;

	return (u16)(b[0] << 8 | b[1]);
}

static inline u32 get_unaligned_be32(const void *p)
{
	const u8 *b = p;

	return (u32)get_unaligned_be16(b) << 16 | get_unaligned_be16(b + 2);
}

static inline u64 get_unaligned_be64(const void *p)
{
	const u8 *b = p;

	return (u64)get_unaligned_be32(b) << 32 | get_unaligned_be32(b + 4);
}

static inline void put_unaligned_be16(u16 x, void *p)
{
	u8 *b = p;

	b[0] = x >> 8;
	b[1] = x;
}

static inline void put_unaligned_be32(u32 x, void *p)
{
	put_unaligned_be16(x >> 16, p);
	put_unaligned_be16(x, (u8 *)p + 2);
}

static inline void put_unaligned_be64(u64 x, void *p)
{
	put_unaligned_be32(x >> 32, p);
	put_unaligned_be32(x, (u8 *)p + 4);
}

#endif /* RILL_SHIM_UNALIGNED_H */
