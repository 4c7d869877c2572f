/* SPDX-License-Identifier: GPL-2.0 */
/*
 * env.h - the engine's only door to its environment.
 *
 * Owns nothing.  In the module these are the kernel's headers; the unit tests,
 * the simulator and the fuzzers put small headers of the same names in front
 * (selftests/unit/shim).  Everything here is arithmetic on memory the caller
 * owns: no clock, no allocation, no randomness, no locks.  A check on the
 * undefined symbols of the userspace object keeps it so.
 */
#ifndef RILL_CORE_ENV_H
#define RILL_CORE_ENV_H

#include <linux/types.h>
#include <linux/string.h>
#include <linux/minmax.h>
#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/limits.h>
#include <linux/siphash.h>
#include <asm/unaligned.h>

/* Time in the engine is nanoseconds of a clock that never runs backwards. */
#define RILL_USEC	1000ULL
#define RILL_MSEC	1000000ULL
#define RILL_SEC	1000000000ULL
#define RILL_NEVER	U64_MAX		/* a deadline that is not armed */

#endif /* RILL_CORE_ENV_H */
