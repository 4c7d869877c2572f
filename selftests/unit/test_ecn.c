// SPDX-License-Identifier: GPL-2.0
#include "ecn.h"
#include "test.h"

TEST(acked__what_fits)
{
	static const struct { const char *what; u32 counts[3]; u32 acked, marks; bool works; } t[] = {
		{ "all as sent", { 108, 0, 2 }, 8, 0, 1 },
		{ "more than it acknowledges", { 110, 0, 2 }, 5, 0, 1 },
		{ "some marked", { 105, 0, 5 }, 8, 3, 1 },
		{ "fewer than it acknowledges", { 107, 0, 2 }, 8, 0, 0 },
		{ "marks removed, one left", { 100, 0, 3 }, 2, 0, 0 },
		{ "none at all", { 100, 0, 2 }, 1, 0, 0 },
		{ "nothing new", { 100, 0, 2 }, 0, 0, 1 },
		{ "ECT(0) goes back", { 99, 0, 20 }, 5, 0, 0 },
		{ "CE goes back", { 109, 0, 1 }, 5, 0, 0 },
		{ "ECT(1) that nobody sent", { 100, 8, 2 }, 8, 0, 0 },
		{ "more than was sent", { 121, 0, 2 }, 8, 0, 0 },
		{ "as many as were sent", { 120, 0, 2 }, 8, 0, 1 },
	};
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		struct rill_ecn e = { .state = RILL_ECN_CAPABLE, .seen = { 100, 0, 2 }, .sent = { 120 } };

		ROW("%s", t[i].what);
		EXPECT_EQ(rill_ecn_acked(&e, t[i].counts, t[i].acked), t[i].marks);
		EXPECT_EQ(rill_ecn_works(&e), t[i].works);
		EXPECT_EQ(e.seen[2], t[i].works ? t[i].counts[2] : 2);
	}
}

TEST(acked__no_counts)
{
	struct rill_ecn e = { .sent = { 120 } };

	EXPECT_EQ(rill_ecn_acked(&e, NULL, 0), 0);	/* nothing that could be marked */
	EXPECT(rill_ecn_works(&e));
	EXPECT_EQ(rill_ecn_acked(&e, NULL, 1), 0);
	EXPECT(!rill_ecn_works(&e));
}

TEST(acked__counts_wrap)
{
	struct rill_ecn e = { .state = RILL_ECN_CAPABLE, .seen = { U32_MAX - 2, 0, U32_MAX },
			      .sent = { 7 } };
	static const u32 counts[3] = { 3, 0, 1 };

	EXPECT_EQ(rill_ecn_acked(&e, counts, 8), 2);
	EXPECT(rill_ecn_works(&e));
}

TEST(testing__its_end)
{
	struct rill_ecn e = { 0 };
	u32 counts[3] = { 0 }, i;

	rill_ecn_sent(&e, RILL_ECT1, 40);
	rill_ecn_sent(&e, RILL_NOT_ECT, 40);
	for (i = 1; i <= RILL_ECN_TEST; i++) {
		EXPECT_EQ(e.state, RILL_ECN_TESTING);
		counts[i == 1 ? 1 : 2]++;
		EXPECT_EQ(rill_ecn_acked(&e, counts, 1), i != 1);
	}
	EXPECT_EQ(e.state, RILL_ECN_CAPABLE);	/* one was not marked */
	rill_ecn_restart(&e);
	for (i = 1; i <= RILL_ECN_TEST; i++) {
		EXPECT_EQ(e.state, RILL_ECN_TESTING);
		counts[2]++;
		rill_ecn_acked(&e, counts, 1);
	}
	EXPECT_EQ(e.state, RILL_ECN_FAILED);
	counts[2]++;
	EXPECT_EQ(rill_ecn_acked(&e, counts, 1), 0);
}

TEST(silent__when_nothing_arrived)
{
	static const struct { u32 sent, tested; u8 state, then; } t[] = {
		{ 0, 0, RILL_ECN_TESTING, RILL_ECN_TESTING },
		{ 4, 0, RILL_ECN_TESTING, RILL_ECN_FAILED },
		{ 4, 1, RILL_ECN_TESTING, RILL_ECN_TESTING },
		{ 4, 0, RILL_ECN_CAPABLE, RILL_ECN_CAPABLE },
	};
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		struct rill_ecn e = { .state = t[i].state, .sent = { t[i].sent }, .tested = t[i].tested };

		ROW("%u", i);
		rill_ecn_silent(&e);
		EXPECT_EQ(e.state, t[i].then);
	}
}

/* All that could be marked is lost, a few at a time, and probes come through. */
TEST(lost__when_nothing_else_arrived)
{
	struct rill_ecn e = { .state = RILL_ECN_TESTING };

	rill_ecn_sent(&e, RILL_ECT0, 20);
	rill_ecn_lost(&e, RILL_ECN_TEST - 1);
	EXPECT_EQ(e.state, RILL_ECN_TESTING);
	rill_ecn_lost(&e, 1);
	EXPECT_EQ(e.state, RILL_ECN_FAILED);
	rill_ecn_restart(&e);
	e.tested = 1;
	rill_ecn_lost(&e, RILL_ECN_TEST);
	EXPECT_EQ(e.state, RILL_ECN_TESTING);
}
