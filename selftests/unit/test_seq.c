// SPDX-License-Identifier: GPL-2.0
#include "seq.h"
#include "test.h"

TEST(expand__nearest)
{
	static const struct { u64 expected; u32 wire; u64 want; } t[] = {
		{ 0, 0, 0 },
		{ 1, 1, 1 },
		{ 100, 90, 90 },
		{ 100, 110, 110 },
		{ 0xffffffffULL, 0, 0x100000000ULL },
		{ 0x100000000ULL, 0xffffffff, 0xffffffffULL },
		{ 0x100000000ULL, 0x7fffffff, 0x17fffffffULL },
		{ 0x180000000ULL, 0, 0x100000000ULL },		/* 2^31 away: the lower one */
		{ 0x17fffffffULL, 0, 0x100000000ULL },
		{ 0x5500000000ULL, 0xfffffff0, 0x54fffffff0ULL },
	};
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		ROW("%llx %x", t[i].expected, t[i].wire);
		EXPECT_EQ(rill_expand(t[i].expected, t[i].wire), t[i].want);
	}
}

TEST(expand__round_trip_within_2_31)
{
	static const s64 d[] = { -0x7fffffffLL, -65536, -1, 0, 1, 65536, 0x7fffffffLL };
	u64 base;
	u32 i;

	for (base = 1ULL << 31; base < 1ULL << 40; base = base * 3 + 7)
		for (i = 0; i < COUNT(d); i++)
			EXPECT_EQ(rill_expand(base, (u32)(base + d[i])), base + d[i]);
}

TEST(num_ok__before_zero)
{
	EXPECT(rill_num_ok(0));
	EXPECT(rill_num_ok(rill_expand(5, 0)));
	EXPECT(!rill_num_ok(rill_expand(5, 0xffffffff)));
	EXPECT(!rill_num_ok(rill_expand(0, 0x80000000)));
	EXPECT(rill_num_ok(S64_MAX));
}
