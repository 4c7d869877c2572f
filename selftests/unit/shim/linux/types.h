/* SPDX-License-Identifier: GPL-2.0 */
/*
 * types.h - the kernel's integer names, for the engine built in userspace.
 *
 * The headers of this directory stand in for Linux's where module/core names
 * them (env.h) and hold what it uses, no more.  The C library includes some of
 * the same names; those hand on to the system's with #include_next.
 */
#ifndef RILL_SHIM_TYPES_H
#define RILL_SHIM_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef unsigned char u8;
typedef signed char s8;
typedef unsigned short u16;
typedef short s16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;

#define __aligned(x)	__attribute__((__aligned__(x)))
#define fallthrough	__attribute__((__fallthrough__))

#endif /* RILL_SHIM_TYPES_H */
