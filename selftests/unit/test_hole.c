// SPDX-License-Identifier: GPL-2.0
#include "hole.h"
#include "test.h"

/* The numbers used up to the @n-th hole; the holes in @hole. */
static void dig(struct rill_holes *h, u64 *hole, int n)
{
	u64 pn = 1;

	while (n)
		if (rill_holes_step(h, pn++)) {
			*hole++ = pn - 1;
			n--;
		}
}

TEST(step__rarer_and_rarer)
{
	u32 span = RILL_HOLE_FIRST;
	struct rill_holes h;
	u64 hole[20], last = 1;
	int i;

	rill_holes_init(&h, 12345);
	dig(&h, hole, COUNT(hole));
	for (i = 0; i < COUNT(hole); i++) {
		ROW("hole %d", i);
		EXPECT(hole[i] - last >= span / 2 && hole[i] - last < span / 2 + span);
		span = min_t(u32, 2 * span, RILL_HOLE_SPAN_MAX);
		last = hole[i];
	}
}

TEST(step__where_only_the_dice_know)
{
	u64 a[10], b[10], c[10];
	struct rill_holes h;

	rill_holes_init(&h, 1);
	dig(&h, a, COUNT(a));
	rill_holes_init(&h, 1);
	dig(&h, b, COUNT(b));
	rill_holes_init(&h, 2);
	dig(&h, c, COUNT(c));
	EXPECT(!memcmp(a, b, sizeof(a)));
	EXPECT(a[0] != c[0] && a[9] != c[9]);
}

TEST(step__none_without_dice)
{
	struct rill_holes h;
	u64 pn;

	rill_holes_init(&h, 0);
	for (pn = 1; pn < 100000; pn++)
		EXPECT(!rill_holes_step(&h, pn));
	EXPECT(!rill_holes_in(&h, 1, pn));
}

/* Trains end where they end: a hole that is due comes behind one. */
TEST(step__behind_a_train)
{
	struct rill_holes h;
	u64 pn = 1, at;

	rill_holes_init(&h, 7);
	at = h.at;
	while (!rill_holes_step(&h, pn))
		pn += 40;
	EXPECT(pn >= at && pn < at + 40);
	EXPECT_EQ(rill_holes_in(&h, pn, pn), 1);
	EXPECT_EQ(rill_holes_in(&h, 1, pn - 1) + rill_holes_in(&h, pn + 1, U64_MAX), 0);
}

TEST(acked__hole_or_not)
{
	static const struct { const char *what; u32 largest, first; u16 pair[4]; u8 pairs; bool lie; } t[] = {
		{ "above all", 500, 99, {}, 0, 0 },
		{ "up to a hole", 500, 100, {}, 0, 1 },
		{ "down to behind it", 399, 98, {}, 0, 0 },
		{ "the hole alone", 300, 0, {}, 0, 1 },
		{ "around one", 500, 99, { 0, 98 }, 1, 0 },		/* 500..401, 399..301 */
		{ "into the one below", 500, 99, { 0, 99 }, 1, 1 },
		{ "around two", 500, 99, { 0, 98, 0, 50 }, 2, 0 },
		{ "in the last pair", 500, 99, { 0, 98, 49, 50 }, 2, 1 },	/* 249..199 */
		{ "of one long forgotten", 50, 49, {}, 0, 0 },
	};
	struct rill_holes h = { .pn = { 400, 100, 200, 300 }, .next = 1 };
	u32 i, j;

	for (i = 0; i < COUNT(t); i++) {
		u8 pair[8];
		struct rill_ackblk a = { .largest = t[i].largest, .first = t[i].first,
					 .pairs = t[i].pairs, .pair = pair };

		for (j = 0; j < 4; j++)
			put_unaligned_be16(t[i].pair[j], pair + 2 * j);
		ROW("%s", t[i].what);
		EXPECT_EQ(rill_holes_acked(&h, &a, t[i].largest), t[i].lie);
	}
}
