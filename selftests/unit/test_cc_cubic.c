// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include "cc.h"
#include "test.h"

#define MSS 1456

/* Acknowledge a window a round trip, in @steps, until @until. */
static void run(struct rill_cc *cc, u64 *now, u64 until, u64 rtt, u32 steps)
{
	while (*now < until) {
		u64 cwnd = cc->cwnd, i;

		for (i = 0; i < steps && *now < until; i++) {
			struct rill_cc_ack a = { .acked = cwnd / steps, .srtt = rtt, .min_rtt = rtt,
						 .rtt = rtt, .cwnd_limited = true };

			*now += rtt / steps;
			a.now = *now;
			a.sent_at = *now - 1;
			rill_cc_acked(cc, &a);
		}
	}
}

/* A loss at @now, and the recovery over: an acknowledgement that adds nothing. */
static bool lose(struct rill_cc *cc, u64 now)
{
	struct rill_cc_loss l = { .now = now, .sent_at = now - 1, .packets = 1,
				  .before = cc->cwnd, .inflight = cc->cwnd - MSS };
	struct rill_cc_ack a = { .now = now + 1, .sent_at = now + 1, .cwnd_limited = false };
	bool began = rill_cc_lost(cc, &l);

	rill_cc_acked(cc, &a);
	cc->slack_at = 0;
	return began;
}

static void loss_at(struct rill_cc *cc, double packets, u64 now)
{
	rill_cc_init(cc, &rill_cc_cubic, MSS);
	cc->cwnd = packets * MSS;
	lose(cc, now);
}

static double w_cubic(double w_max, double t)
{
	double k = cbrt(w_max * 0.3 / 0.4);

	return 0.4 * (t - k) * (t - k) * (t - k) + w_max;
}

TEST(on_congestion__seven_tenths)
{
	struct rill_cc cc;

	loss_at(&cc, 1000, RILL_SEC);
	EXPECT_NEAR(cc.cwnd / (double)MSS, 700, 0.1);
	EXPECT_EQ(cc.cwnd, cc.ssthresh);
}

/* RFC 9438 4.3: 9/17 of a packet a round trip up to w_max, then a whole one. */
static double w_est(double w_max, double t, double rtt)
{
	double cross = 0.3 * w_max * 17 / 9 * rtt;

	return t < cross ? 0.7 * w_max + 9.0 / 17 * t / rtt : w_max + (t - cross) / rtt;
}

/* RFC 9438 4.2, within 5 %: concave, plateau, convex. */
TEST(on_ack__the_curve)
{
	static const struct { double w_max, rtt_ms; } t[] = {
		{ 1000, 100 }, { 1000, 20 }, { 5000, 100 }, { 5000, 200 }, { 20000, 50 },
		{ 100000, 100 }, { 300, 200 },
	};
	static const double at[] = { 0.1, 0.3, 0.5, 0.8, 1.0, 1.2, 1.5, 1.8 };
	u32 i, j;

	for (i = 0; i < COUNT(t); i++) {
		double k = cbrt(t[i].w_max * 0.3 / 0.4);
		u64 rtt = t[i].rtt_ms * RILL_MSEC, now = 100 * RILL_SEC, first;
		struct rill_cc cc;

		loss_at(&cc, t[i].w_max, now);
		first = now + rtt;
		for (j = 0; j < COUNT(at); j++) {
			double when = at[j] * k;

			run(&cc, &now, first + (u64)(when * 1e9), rtt, 20);
			ROW("w_max %.0f rtt %.0f ms t %.2f K", t[i].w_max, t[i].rtt_ms, at[j]);
			/* Where Reno would be faster, the next test looks. */
			if (w_cubic(t[i].w_max, when) < w_est(t[i].w_max, when, t[i].rtt_ms / 1e3))
				continue;
			EXPECT_NEAR(cc.cwnd / (double)MSS, w_cubic(t[i].w_max, when), 5);
		}
	}
}

/* RFC 9438 4.3: not slower than Reno where Reno is faster. */
TEST(on_ack__reno_friendly)
{
	u64 rtt = 10 * RILL_MSEC, now = 100 * RILL_SEC;
	struct rill_cc cc;

	loss_at(&cc, 20, now);
	run(&cc, &now, now + 9 * rtt, rtt, 14);
	/* 14 packets after the loss; 9/17 of a packet a round trip */
	EXPECT_NEAR(cc.cwnd / (double)MSS, 14 + 9 * 9.0 / 17, 8);
	/* Above the old window at Reno's own pace. */
	run(&cc, &now, now + 20 * rtt, rtt, 14);
	EXPECT(cc.cwnd > 24 * MSS);
}

TEST(on_congestion__fast_convergence)
{
	u64 rtt = 100 * RILL_MSEC, now = 100 * RILL_SEC;
	struct rill_cc cc;

	loss_at(&cc, 1000, now);
	run(&cc, &now, now + 2 * RILL_SEC, rtt, 10);
	EXPECT(cc.cwnd < 1000 * MSS);
	now += rtt;
	EXPECT(lose(&cc, now));
	/* The plateau is below the last maximum: (1 + 0.7) / 2 of it. */
	run(&cc, &now, now + 7 * RILL_SEC, rtt, 10);
	EXPECT(cc.cwnd < 1000 * MSS);
}

TEST(on_ack__never_more_than_half_a_window_a_round_trip)
{
	u64 rtt = 300 * RILL_MSEC, now = 100 * RILL_SEC;
	struct rill_cc cc;
	int i;

	loss_at(&cc, 30, now);
	for (i = 0; i < 100; i++) {
		u64 before = cc.cwnd;

		run(&cc, &now, now + rtt, rtt, 10);
		EXPECT(cc.cwnd <= before + before / 2 + before / 5);
		EXPECT(cc.cwnd >= before);
	}
}

/* After hours without a loss the arithmetic still holds. */
TEST(on_ack__long_epoch)
{
	u64 now = 100 * RILL_SEC, rtt = 100 * RILL_MSEC;
	struct rill_cc cc;
	struct rill_cc_ack a = { .acked = MSS, .srtt = rtt, .cwnd_limited = true };
	int i;

	loss_at(&cc, 100, now);
	for (i = 0; i < 50; i++) {
		u64 before = cc.cwnd;

		now += 3600 * RILL_SEC;
		a.now = now;
		a.sent_at = now - 1;
		rill_cc_acked(&cc, &a);
		EXPECT(cc.cwnd >= before && cc.cwnd <= before + MSS);
	}
}

/* RFC 9438 5.8: while the program sends little the curve does not go on. */
TEST(on_ack__stands_still_while_the_program_is_the_limit)
{
	u64 rtt = 100 * RILL_MSEC, now = 100 * RILL_SEC, idle = 20 * RILL_SEC, other;
	struct rill_cc a, b;
	struct rill_cc_ack little = { .acked = MSS, .srtt = rtt };

	loss_at(&a, 1000, now);
	run(&a, &now, now + RILL_SEC, rtt, 10);
	b = a;
	little.now = little.sent_at = now;
	rill_cc_acked(&b, &little);
	other = now + idle;
	run(&a, &now, now + 3 * RILL_SEC, rtt, 10);
	run(&b, &other, other + 3 * RILL_SEC, rtt, 10);
	EXPECT_NEAR((double)b.cwnd, (double)a.cwnd, 2);
}
