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
