// SPDX-License-Identifier: GPL-2.0
#include "pace.h"
#include "test.h"

TEST(ready__no_rate)
{
	struct rill_pace p = { .rate = 0, .next = U64_MAX };

	EXPECT(rill_pace_ready(&p, 0));
	rill_pace_sent(&p, 1000, 5);
	EXPECT_EQ(p.next, U64_MAX);
}

TEST(sent__spaces_by_rate)
{
	struct rill_pace p = { .rate = 1000000, .next = 0 };
	u64 now = 10 * RILL_SEC;

	rill_pace_sent(&p, 10000, now);
	EXPECT_EQ(p.next, now + 10 * RILL_MSEC);
	EXPECT(!rill_pace_ready(&p, now));
	EXPECT(!rill_pace_ready(&p, now + 9 * RILL_MSEC - 1));
	EXPECT(rill_pace_ready(&p, now + 9 * RILL_MSEC));
	/* Early by the slack: the debt stays. */
	rill_pace_sent(&p, 10000, now + 9 * RILL_MSEC);
	EXPECT_EQ(p.next, now + 20 * RILL_MSEC);
	/* Idle: no credit is saved. */
	rill_pace_sent(&p, 10000, now + RILL_SEC);
	EXPECT_EQ(p.next, now + RILL_SEC + 10 * RILL_MSEC);
}

/* The slower of the two, and trains no longer than the timer is late. */
TEST(set__cap_and_burst)
{
	static const struct { u64 rate, cap, want; u32 burst; } t[] = {
		{ 0, 0, 0, U32_MAX }, { 5000, 0, 5000, 2 }, { 0, 7000, 7000, 2 },
		{ 5000, 7000, 5000, 2 }, { 1456000000, 9000000000ULL, 1456000000, 1000 },
	};
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		struct rill_pace p = { .cap = t[i].cap };

		rill_pace_set(&p, t[i].rate);
		ROW("rate %llu cap %llu", t[i].rate, t[i].cap);
		EXPECT_EQ(p.rate, t[i].want);
		EXPECT_EQ(rill_pace_burst(&p, 1456), t[i].burst);
	}
}

/* Woken 5 ms late: what should have left meanwhile leaves at once; not after a pause. */
TEST(sent__catches_up)
{
	struct rill_pace p = { .rate = 1000000 };
	u64 now = RILL_SEC, n;

	rill_pace_sent(&p, 10000, now);
	EXPECT(!rill_pace_ready(&p, now));
	now += 15 * RILL_MSEC;
	for (n = 0; rill_pace_ready(&p, now); n++)
		rill_pace_sent(&p, 1000, now);
	EXPECT_EQ(n, 7);			/* 5 late, 1 of slack, 1 over it */
	now += RILL_SEC;
	p.waited = false;			/* nothing to send meanwhile */
	for (n = 0; rill_pace_ready(&p, now); n++)
		rill_pace_sent(&p, 1000, now);
	EXPECT_EQ(n, 2);
}
