// SPDX-License-Identifier: GPL-2.0
#include "roam.h"
#include "test.h"

#define NOW RILL_SEC

static struct rill_roam moved(u32 bytes)
{
	struct rill_roam r;

	rill_roam_init(&r);
	rill_roam_heard(&r, bytes);
	EXPECT_EQ(rill_roam_room(&r), U64_MAX);
	rill_roam_begin(&r, 42);
	return r;
}

TEST(room__three_for_one)
{
	struct rill_roam r = moved(100);

	EXPECT_EQ(rill_roam_room(&r), 300);
	rill_roam_sent(&r, 250);
	EXPECT_EQ(rill_roam_room(&r), 50);
	rill_roam_heard(&r, 10);
	EXPECT_EQ(rill_roam_room(&r), 80);
	rill_roam_sent(&r, 200);
	EXPECT_EQ(rill_roam_room(&r), 0);
	EXPECT(!rill_roam_answered(&r, 43));
	EXPECT_EQ(rill_roam_room(&r), 0);
	EXPECT(rill_roam_answered(&r, 42));
	EXPECT_EQ(rill_roam_room(&r), U64_MAX);
	EXPECT(!rill_roam_answered(&r, 42));
}

TEST(ask__three_times)
{
	struct rill_roam r = moved(100);
	u64 now = NOW;
	int i;

	for (i = 0; i < RILL_ROAM_TRIES; i++) {
		EXPECT(r.ask);
		rill_roam_asked(&r, RILL_SEC, now);
		EXPECT(!r.ask && r.at == now + (RILL_SEC << i));
		rill_roam_heard(&r, 10);
		EXPECT(!r.ask);
		now = r.at;
		rill_roam_timeout(&r);
		EXPECT_EQ(r.at, RILL_NEVER);
	}
	EXPECT(!r.ask);
	rill_roam_heard(&r, 10);	/* it is there after all */
	EXPECT(r.ask);
	rill_roam_begin(&r, 43);	/* and moves on */
	EXPECT(!rill_roam_answered(&r, 42) && rill_roam_answered(&r, 43));
}
