/* SPDX-License-Identifier: GPL-2.0 */
/*
 * seq.h - numbers that are 64 bits wide inside and 32 bits wide on the wire.
 *
 * Packet numbers, stream offsets and credit count from 0 (offsets) or 1
 * (packet numbers) and never wrap in the life of a connection, so plain
 * comparison orders them.  The one place where wrapping matters is the
 * expansion of a number read from a packet.
 */
#ifndef RILL_CORE_SEQ_H
#define RILL_CORE_SEQ_H

#include "env.h"

/*
 * rill_expand() - the 64-bit number a 32-bit wire number stands for.
 * @expected: a number near the one that was sent, at most 2^31 away
 * @wire:     the low 32 bits as received
 *
 * Return: the number closest to @expected with those low bits.  One that would
 * lie below zero comes out above S64_MAX: see rill_num_ok().
 */
static inline u64 rill_expand(u64 expected, u32 wire)
{
	return expected + (s64)(s32)(wire - (u32)expected);
}

/* False for what rill_expand() makes of a number that lies before zero. */
static inline bool rill_num_ok(u64 num)
{
	return num <= S64_MAX;
}

#endif /* RILL_CORE_SEQ_H */
