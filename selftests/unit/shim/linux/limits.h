/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RILL_SHIM_LIMITS_H
#define RILL_SHIM_LIMITS_H

#include_next <linux/limits.h>

#define U8_MAX	0xff
#define U16_MAX	0xffff
#define U32_MAX	0xffffffffU
#define U64_MAX	0xffffffffffffffffULL
#define S64_MAX	0x7fffffffffffffffLL

#endif /* RILL_SHIM_LIMITS_H */
