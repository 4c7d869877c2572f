/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rng.h - the simulator's only source of chance: xoshiro256**, seeded by one
 * integer (Blackman, Vigna; the seed goes through splitmix64).
 */
#ifndef RILL_SIM_RNG_H
#define RILL_SIM_RNG_H

#include <linux/types.h>

struct rng {
	u64 s[4];
};

static inline u64 rng_mix(u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static inline void rng_seed(struct rng *r, u64 seed)
{
	int i;

	for (i = 0; i < 4; i++)
		r->s[i] = seed = rng_mix(seed);
}

static inline u64 rng_rotl(u64 x, int k)
{
	return x << k | x >> (64 - k);
}

static inline u64 rng_u64(struct rng *r)
{
	u64 res = rng_rotl(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = rng_rotl(r->s[3], 45);
	return res;
}

/* 0 .. @n - 1; 0 for @n = 0. */
static inline u64 rng_below(struct rng *r, u64 n)
{
	return n ? rng_u64(r) % n : 0;
}

static inline u64 rng_between(struct rng *r, u64 lo, u64 hi)
{
	return lo + rng_below(r, hi - lo + 1);
}

/* True @ppm times in a million. */
static inline bool rng_chance(struct rng *r, u32 ppm)
{
	return ppm && rng_below(r, 1000000) < ppm;
}

/* Between @lo and @hi, each power of two as likely as the next. */
static inline u64 rng_log(struct rng *r, u64 lo, u64 hi)
{
	u64 top = hi;

	while (top / 2 > lo && rng_u64(r) & 1)
		top /= 2;
	return rng_between(r, lo, top);
}

#endif /* RILL_SIM_RNG_H */
