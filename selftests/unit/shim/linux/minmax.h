/* SPDX-License-Identifier: GPL-2.0 */
/* minmax.h - as strict as Linux 6.1's: both sides must have one type. */
#ifndef RILL_SHIM_MINMAX_H
#define RILL_SHIM_MINMAX_H

#define __rill_cmp(a, b, op) __extension__ ({		\
	__typeof__(a) _a = (a);				\
	__typeof__(b) _b = (b);				\
	(void)(&_a == &_b);				\
	_a op _b ? _a : _b; })

#define min(a, b)		__rill_cmp(a, b, <)
#define max(a, b)		__rill_cmp(a, b, >)
#define max3(a, b, c)		max(max(a, b), c)
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define max_t(t, a, b)		max((t)(a), (t)(b))
#define clamp_t(t, v, lo, hi)	min_t(t, max_t(t, v, lo), hi)
#define clamp(v, lo, hi) __extension__ ({		\
	__typeof__(v) _v = (v);				\
	__typeof__(lo) _lo = (lo);			\
	__typeof__(hi) _hi = (hi);			\
	(void)(&_v == &_lo);				\
	(void)(&_v == &_hi);				\
	_v < _lo ? _lo : _v > _hi ? _hi : _v; })

#endif /* RILL_SHIM_MINMAX_H */
