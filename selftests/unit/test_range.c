// SPDX-License-Identifier: GPL-2.0
#include "range.h"
#include "test.h"

struct set {
	struct rill_ranges r;
	struct rill_range v[8];
};

static void set_init(struct set *s)
{
	memset(s, 0, sizeof(*s));
	s->r.v = s->v;
	s->r.cap = COUNT(s->v);
}

TEST(add__merges)
{
	static const struct { const char *what; u64 lo, hi; u16 n; u64 flo, fhi; } t[] = {
		/* into 10..20, 30..40, 50..60; the range that holds @lo afterwards */
		{ "before all", 1, 5, 4, 1, 5 },
		{ "touches the first from below", 5, 10, 3, 5, 20 },
		{ "touches the first from above", 20, 25, 3, 10, 25 },
		{ "inside", 12, 15, 3, 10, 20 },
		{ "the same", 10, 20, 3, 10, 20 },
		{ "between", 22, 28, 4, 22, 28 },
		{ "fills a gap", 20, 30, 2, 10, 40 },
		{ "swallows one", 25, 45, 3, 25, 45 },
		{ "swallows all", 1, 100, 1, 1, 100 },
		{ "bridges and extends", 15, 55, 1, 10, 60 },
		{ "after all", 70, 80, 4, 70, 80 },
		{ "touches the last", 60, 61, 3, 50, 61 },
	};
	struct set s;
	u32 i;
	u16 k;

	for (i = 0; i < COUNT(t); i++) {
		set_init(&s);
		rill_ranges_add(&s.r, 30, 40);
		rill_ranges_add(&s.r, 10, 20);
		rill_ranges_add(&s.r, 50, 60);
		ROW("%s", t[i].what);
		EXPECT(rill_ranges_add(&s.r, t[i].lo, t[i].hi));
		EXPECT_EQ(s.r.n, t[i].n);
		for (k = 0; k < s.r.n && s.v[k].hi <= t[i].lo; k++)
			;
		EXPECT_EQ(s.v[k].lo, t[i].flo);
		EXPECT_EQ(s.v[k].hi, t[i].fhi);
	}
}

TEST(add__full)
{
	struct set s;
	u64 i;

	set_init(&s);
	for (i = 0; i < 8; i++)
		EXPECT(rill_ranges_add(&s.r, 10 * i, 10 * i + 5));
	EXPECT(!rill_ranges_add(&s.r, 7, 8));
	EXPECT_EQ(s.r.n, 8);
	EXPECT_EQ(s.v[1].lo, 10);
	EXPECT(rill_ranges_add(&s.r, 5, 10));	/* merging needs no room */
	EXPECT_EQ(s.r.n, 7);
	s.r.cap = 0;
	s.r.n = 0;
	EXPECT(!rill_ranges_add(&s.r, 1, 2));
}

TEST(cover__kinds)
{
	static const struct { u64 lo, hi; int want; } t[] = {
		{ 1, 10, RILL_COVER_NONE }, { 1, 11, RILL_COVER_SOME }, { 10, 20, RILL_COVER_ALL },
		{ 10, 11, RILL_COVER_ALL }, { 19, 20, RILL_COVER_ALL }, { 19, 21, RILL_COVER_SOME },
		{ 20, 21, RILL_COVER_NONE }, { 20, 30, RILL_COVER_NONE }, { 20, 31, RILL_COVER_SOME },
		{ 9, 41, RILL_COVER_SOME }, { 40, 50, RILL_COVER_NONE }, { 15, 35, RILL_COVER_SOME },
	};
	struct set s;
	u32 i;

	set_init(&s);
	EXPECT_EQ(rill_ranges_cover(&s.r, 1, 2), RILL_COVER_NONE);
	rill_ranges_add(&s.r, 10, 20);
	rill_ranges_add(&s.r, 30, 40);
	for (i = 0; i < COUNT(t); i++) {
		ROW("%llu..%llu", t[i].lo, t[i].hi);
		EXPECT_EQ(rill_ranges_cover(&s.r, t[i].lo, t[i].hi), t[i].want);
	}
}

TEST(drop_below__cuts)
{
	static const struct { u64 x; u16 n; u64 lo; } t[] = {
		{ 0, 2, 10 }, { 10, 2, 10 }, { 15, 2, 15 }, { 19, 2, 19 }, { 20, 1, 30 },
		{ 25, 1, 30 }, { 31, 1, 31 }, { 40, 0, 0 }, { 99, 0, 0 },
	};
	struct set s;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		set_init(&s);
		rill_ranges_add(&s.r, 10, 20);
		rill_ranges_add(&s.r, 30, 40);
		rill_ranges_drop_below(&s.r, t[i].x);
		ROW("%llu", t[i].x);
		EXPECT_EQ(s.r.n, t[i].n);
		if (t[i].n)
			EXPECT_EQ(s.v[0].lo, t[i].lo);
	}
}

/* Against a bitmap, every operation of a long pseudo-random sequence. */
TEST(ranges__as_a_bitmap)
{
	static u8 map[128];
	struct set s;
	u32 x = 12345, step;

	set_init(&s);
	memset(map, 0, sizeof(map));
	for (step = 0; step < 20000; step++) {
		u64 lo, hi, i, in = 0;

		x = x * 1103515245 + 12345;
		lo = (x >> 8) % 120;
		hi = lo + 1 + (x >> 20) % 8;
		if ((x >> 5) % 16 == 0) {
			rill_ranges_drop_below(&s.r, lo);
			memset(map, 0, lo);
		} else {
			for (i = lo; i < hi; i++)
				in += map[i];
			EXPECT_EQ(rill_ranges_cover(&s.r, lo, hi), in == hi - lo ? RILL_COVER_ALL :
				  in ? RILL_COVER_SOME : RILL_COVER_NONE);
			if (rill_ranges_add(&s.r, lo, hi))
				memset(map + lo, 1, hi - lo);
			else
				EXPECT_EQ(s.r.n, s.r.cap);
		}
		for (i = 0; i + 1 < s.r.n; i++)
			EXPECT(s.v[i].lo < s.v[i].hi && s.v[i].hi < s.v[i + 1].lo);
	}
}
