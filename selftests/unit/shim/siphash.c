// SPDX-License-Identifier: GPL-2.0
/* siphash.c - SipHash-2-4 (Aumasson, Bernstein 2012), checked in test_open.c. */
#include <linux/siphash.h>
#include <linux/string.h>

static u64 rotl(u64 x, int b)
{
	return x << b | x >> (64 - b);
}

static void sipround(u64 v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

static u64 le64(const u8 *p, size_t n)
{
	u64 x = 0;

	while (n--)
		x = x << 8 | p[n];
	return x;
}

u64 siphash(const void *data, size_t len, const siphash_key_t *key)
{
	u64 v[4] = {
		key->key[0] ^ 0x736f6d6570736575ULL, key->key[1] ^ 0x646f72616e646f6dULL,
		key->key[0] ^ 0x6c7967656e657261ULL, key->key[1] ^ 0x7465646279746573ULL,
	};
	const u8 *p = data;
	size_t left;
	u64 m;
	int i;

	for (left = len; left >= 8; left -= 8, p += 8) {
		m = le64(p, 8);
		v[3] ^= m;
		sipround(v);
		sipround(v);
		v[0] ^= m;
	}
	m = le64(p, left) | (u64)len << 56;
	v[3] ^= m;
	sipround(v);
	sipround(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	for (i = 0; i < 4; i++)
		sipround(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
