// SPDX-License-Identifier: GPL-2.0
#include "cc.h"
#include "test.h"

#define MSS 1000

static struct rill_cc prague(u64 cwnd)
{
	struct rill_cc cc;

	rill_cc_init(&cc, &rill_cc_prague, MSS);
	cc.cwnd = cwnd;
	return cc;
}

/* A round trip: a window acknowledged, one packet at a time, every @nth marked; 0: none. */
static void round_trip(struct rill_cc *cc, u64 *delivered, u32 nth)
{
	u64 prior = *delivered;
	u32 i, n = cc->cwnd / MSS;

	for (i = 0; i < n; i++) {
		struct rill_cc_ack ack = {
			.now = RILL_SEC, .acked = MSS, .srtt = 10 * RILL_MSEC, .min_rtt = 10 * RILL_MSEC,
			.delivered = *delivered += MSS, .ect = 1, .marked = nth && i % nth == 0,
			.rate = { .prior = prior }, .cwnd_limited = true,
		};

		rill_cc_acked(cc, &ack);
	}
}

TEST(prague__the_first_mark_halves)
{
	struct rill_cc cc = prague(40 * MSS);
	u64 delivered = MSS;

	round_trip(&cc, &delivered, 40);
	EXPECT(cc.cwnd >= 20 * MSS && cc.cwnd <= 21 * MSS);
	EXPECT(!rill_cc_slow_start(&cc));
}

/* In the long run the reduction is half the share that is marked. */
TEST(prague__in_proportion)
{
	static const u32 nth[] = { 1, 2, 4, 10 };
	u32 i, j;

	for (i = 0; i < COUNT(nth); i++) {
		struct rill_cc cc = prague(100 * MSS);
		u64 delivered = MSS, before = 0;

		ROW("one of %u", nth[i]);
		for (j = 0; j < 100; j++) {
			cc.cwnd = before = 100 * MSS;
			cc.ssthresh = before;
			round_trip(&cc, &delivered, nth[i]);
		}
		/* It grew by a packet besides. */
		EXPECT_NEAR((before + MSS - cc.cwnd) / 1000.0, 50.0 / nth[i], 12);
	}
}

TEST(prague__no_marks_no_memory_of_them)
{
	struct rill_cc cc = prague(100 * MSS);
	u64 delivered = MSS;
	u32 j;

	cc.ssthresh = cc.cwnd;
	for (j = 0; j < 60; j++)
		round_trip(&cc, &delivered, 0);
	cc.cwnd = cc.ssthresh = 100 * MSS;
	round_trip(&cc, &delivered, 100);
	EXPECT(cc.cwnd > 95 * MSS);
}

TEST(prague__a_loss_halves)
{
	struct rill_cc cc = prague(100 * MSS);
	struct rill_cc_loss loss = { .now = RILL_SEC, .sent_at = 1, .before = 100 * MSS,
				     .inflight = 99 * MSS, .packets = 1 };

	EXPECT(rill_cc_lost(&cc, &loss));
	EXPECT_EQ(cc.ssthresh, 50 * MSS);
	loss.packets = 0;
	loss.now = loss.sent_at = 3 * RILL_SEC;
	EXPECT(!rill_cc_lost(&cc, &loss));	/* marks come by another way */
}

TEST(prague__paced)
{
	struct rill_cc cc = prague(100 * MSS);
	u64 delivered = MSS;

	round_trip(&cc, &delivered, 0);
	EXPECT_NEAR(cc.pacing_rate, 2.0 * cc.cwnd * 100, 2);	/* a second has 100 round trips */
	cc.ssthresh = cc.cwnd;
	round_trip(&cc, &delivered, 0);
	EXPECT_NEAR(cc.pacing_rate, 1.2 * cc.cwnd * 100, 2);
}
