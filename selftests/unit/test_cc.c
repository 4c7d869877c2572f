// SPDX-License-Identifier: GPL-2.0
#include "cc.h"
#include "test.h"

#define MSS 1000

static void start(struct rill_cc *cc, const struct rill_cc_ops *ops)
{
	rill_cc_init(cc, ops, MSS);
}

static void acked(struct rill_cc *cc, u64 bytes, u64 sent_at)
{
	struct rill_cc_ack a = { .now = sent_at + 1, .acked = bytes, .srtt = RILL_MSEC,
				 .min_rtt = RILL_MSEC, .latest_rtt = RILL_MSEC,
				 .cwnd_limited = true };

	rill_cc_acked(cc, &a, sent_at);
}

TEST(find__by_name)
{
	EXPECT(rill_cc_find("cubic") == &rill_cc_cubic);
	EXPECT(rill_cc_find("reno") == &rill_cc_reno);
	EXPECT(!rill_cc_find("vegas"));
	EXPECT(!rill_cc_find(""));
	EXPECT(rill_cc_nth(0) == &rill_cc_cubic);
	EXPECT(!rill_cc_nth(2));
}

TEST(init__initial_window)
{
	static const struct { u32 mss; u64 want; } t[] = {
		{ 112, 1120 }, { 1000, 10000 }, { 1472, 14720 }, { 9000, 18000 }, { 32744, 65488 },
	};
	struct rill_cc cc;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		rill_cc_init(&cc, &rill_cc_reno, t[i].mss);
		ROW("mss %u", t[i].mss);
		EXPECT_EQ(cc.cwnd, t[i].want);
		EXPECT(rill_cc_slow_start(&cc));
	}
}

TEST(reno__slow_start_then_avoidance)
{
	struct rill_cc cc;
	int i;

	start(&cc, &rill_cc_reno);
	acked(&cc, 10 * MSS, 1);
	EXPECT_EQ(cc.cwnd, 20 * MSS);
	EXPECT(rill_cc_lost(&cc, 1, 5, 10));
	EXPECT_EQ(cc.cwnd, 10 * MSS);
	EXPECT_EQ(cc.ssthresh, 10 * MSS);
	acked(&cc, 10 * MSS, 10);		/* sent before the reduction */
	EXPECT_EQ(cc.cwnd, 10 * MSS);
	for (i = 0; i < 10; i++)
		acked(&cc, MSS, 11);		/* a window's worth: one packet more */
	EXPECT_EQ(cc.cwnd, 11 * MSS);
	acked(&cc, 23 * MSS, 12);		/* 11 and 12 of it */
	EXPECT_EQ(cc.cwnd, 13 * MSS);
}

TEST(acked__not_limited_by_the_window)
{
	struct rill_cc_ack a = { .now = 5, .acked = 5000, .cwnd_limited = false };
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	rill_cc_acked(&cc, &a, 4);
	EXPECT_EQ(cc.cwnd, 10 * MSS);
}

TEST(lost__one_reduction_a_round_trip)
{
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	EXPECT(rill_cc_lost(&cc, 1, 5, 10));
	EXPECT(!rill_cc_lost(&cc, 3, 9, 11));
	EXPECT(!rill_cc_lost(&cc, 3, 10, 12));
	EXPECT_EQ(cc.cwnd, 5 * MSS);
	EXPECT(rill_cc_lost(&cc, 1, 11, 20));
	EXPECT_EQ(cc.cwnd, 2500);
	EXPECT(rill_cc_lost(&cc, 1, 21, 30));
	EXPECT_EQ(cc.cwnd, RILL_CC_MIN * MSS);	/* never less */
}

TEST(spurious__undo)
{
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	rill_cc_lost(&cc, 2, 5, 10);
	rill_cc_lost(&cc, 1, 6, 11);
	EXPECT(!rill_cc_spurious(&cc, 2));
	EXPECT_EQ(cc.cwnd, 5 * MSS);
	EXPECT(rill_cc_spurious(&cc, 1));
	EXPECT_EQ(cc.cwnd, 10 * MSS);
	EXPECT_EQ(cc.ssthresh, RILL_SSTHRESH_NONE);
	EXPECT(!rill_cc_spurious(&cc, 1));	/* once */
}

TEST(spurious__not_after_a_mark)
{
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	EXPECT(rill_cc_lost(&cc, 0, 5, 10));
	EXPECT(!rill_cc_spurious(&cc, 1));
	EXPECT_EQ(cc.cwnd, 5 * MSS);

	start(&cc, &rill_cc_reno);
	rill_cc_lost(&cc, 1, 5, 10);
	EXPECT(!rill_cc_lost(&cc, 0, 6, 11));
	EXPECT(!rill_cc_spurious(&cc, 1));
}

TEST(persistent__minimum)
{
	struct rill_cc cc;

	start(&cc, &rill_cc_cubic);
	acked(&cc, 90 * MSS, 1);
	rill_cc_lost(&cc, 10, 5, 10);
	rill_cc_persistent(&cc);
	EXPECT_EQ(cc.cwnd, RILL_CC_MIN * MSS);
	EXPECT(rill_cc_slow_start(&cc));
	EXPECT(!rill_cc_spurious(&cc, 10));
	EXPECT(!rill_cc_lost(&cc, 1, 10, 11));	/* of the same time */
}

TEST(set_mss__window_in_packets)
{
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	rill_cc_set_mss(&cc, 500);
	EXPECT_EQ(cc.cwnd, 5000);
	rill_cc_set_mss(&cc, 500);
	EXPECT_EQ(cc.cwnd, 5000);
	cc.cwnd = 600;
	rill_cc_set_mss(&cc, 1000);
	EXPECT_EQ(cc.cwnd, 2000);
}

TEST(switch__keeps_the_window)
{
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	cc.cwnd = 77777;
	cc.priv[0] = 5;
	rill_cc_switch(&cc, &rill_cc_cubic);
	EXPECT_EQ(cc.cwnd, 77777);
	EXPECT_EQ(cc.priv[0], 0);
	EXPECT(cc.ops == &rill_cc_cubic);
}
