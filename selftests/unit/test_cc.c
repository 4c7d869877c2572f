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
				 .min_rtt = RILL_MSEC, .rtt = RILL_MSEC, .sent_at = sent_at,
				 .cwnd_limited = true };

	rill_cc_acked(cc, &a);
}

/* @packets of a full window are lost. */
static bool lost(struct rill_cc *cc, u32 packets, u64 sent_at, u64 now)
{
	struct rill_cc_loss l = { .now = now, .sent_at = sent_at, .packets = packets,
				  .before = cc->cwnd, .inflight = cc->cwnd - packets * MSS };

	return rill_cc_lost(cc, &l);
}

TEST(find__by_name)
{
	EXPECT(rill_cc_find("cubic") == &rill_cc_cubic);
	EXPECT(rill_cc_find("reno") == &rill_cc_reno);
	EXPECT(!rill_cc_find("vegas"));
	EXPECT(!rill_cc_find(""));
	EXPECT(rill_cc_nth(0) == &rill_cc_cubic);
	EXPECT(rill_cc_find("bbr") == &rill_cc_bbr);
	EXPECT(rill_cc_find("prague") == &rill_cc_prague);
	EXPECT(!rill_cc_nth(4));
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
	EXPECT(lost(&cc, 1, 5, 10));
	EXPECT_EQ(cc.ssthresh, 10 * MSS);
	acked(&cc, 10 * MSS, 10);		/* sent before the reduction: no growth */
	EXPECT(cc.in_recovery);
	for (i = 0; i < 10; i++)
		acked(&cc, MSS, 11);		/* a window's worth: one packet more */
	EXPECT_EQ(cc.cwnd, 11 * MSS);
	acked(&cc, 23 * MSS, 12);		/* 11 and 12 of it */
	EXPECT_EQ(cc.cwnd, 13 * MSS);
}

TEST(acked__not_limited_by_the_window)
{
	struct rill_cc_ack a = { .now = 5, .acked = 5000, .sent_at = 4 };
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	rill_cc_acked(&cc, &a);
	EXPECT_EQ(cc.cwnd, 10 * MSS);
}

TEST(lost__one_reduction_a_round_trip)
{
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	EXPECT(lost(&cc, 1, 5, 10));
	EXPECT(!lost(&cc, 3, 9, 11));
	EXPECT(!lost(&cc, 3, 10, 12));
	EXPECT_EQ(cc.ssthresh, 5 * MSS);
	EXPECT(lost(&cc, 1, 11, 20));
	EXPECT_EQ(cc.ssthresh, 2500);
	EXPECT(lost(&cc, 1, 21, 30));
	EXPECT_EQ(cc.ssthresh, RILL_CC_MIN * MSS);	/* never less */
}

/* RFC 8511: after slow start a mark leaves more of the window than a loss. */
TEST(lost__a_mark_costs_less)
{
	static const struct { const struct rill_cc_ops *ops; u32 mark, loss; } t[] = {
		{ &rill_cc_reno, 800, 500 }, { &rill_cc_cubic, 850, 700 },
	};
	struct rill_cc cc;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		ROW("%s", t[i].ops->name);
		start(&cc, t[i].ops);
		lost(&cc, 0, 5, 10);
		EXPECT_NEAR(cc.ssthresh, 10.0 * t[i].loss, 1);	/* in slow start */
		start(&cc, t[i].ops);
		cc.ssthresh = cc.cwnd;
		lost(&cc, 0, 5, 10);
		EXPECT_NEAR(cc.ssthresh, 10.0 * t[i].mark, 1);
		EXPECT(!rill_cc_spurious(&cc, 1));
		start(&cc, t[i].ops);
		cc.ssthresh = cc.cwnd;
		lost(&cc, 1, 5, 10);
		EXPECT_NEAR(cc.ssthresh, 10.0 * t[i].loss, 1);
	}
}

TEST(spurious__undo)
{
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	lost(&cc, 2, 5, 10);
	lost(&cc, 1, 6, 11);
	EXPECT(!rill_cc_spurious(&cc, 2));
	EXPECT_EQ(cc.ssthresh, 5 * MSS);
	EXPECT(rill_cc_spurious(&cc, 1));
	EXPECT_EQ(cc.cwnd, 10 * MSS);
	EXPECT_EQ(cc.ssthresh, RILL_SSTHRESH_NONE);
	EXPECT(!rill_cc_spurious(&cc, 1));	/* once */
}

TEST(spurious__not_after_a_mark)
{
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	EXPECT(lost(&cc, 0, 5, 10));
	EXPECT(!rill_cc_spurious(&cc, 1));
	EXPECT_EQ(cc.ssthresh, 5 * MSS);

	start(&cc, &rill_cc_reno);
	lost(&cc, 1, 5, 10);
	EXPECT(!lost(&cc, 0, 6, 11));
	EXPECT(!rill_cc_spurious(&cc, 1));
}

TEST(persistent__minimum)
{
	struct rill_cc cc;

	start(&cc, &rill_cc_cubic);
	acked(&cc, 90 * MSS, 1);
	lost(&cc, 10, 5, 10);
	rill_cc_persistent(&cc);
	EXPECT_EQ(cc.cwnd, RILL_CC_MIN * MSS);
	EXPECT(rill_cc_slow_start(&cc));
	EXPECT(!rill_cc_spurious(&cc, 10));
	EXPECT(!lost(&cc, 1, 10, 11));	/* of the same time */
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

/* RFC 9937: the window comes down with the acknowledgements, never more is sent. */
TEST(prr__proportional)
{
	struct rill_cc_loss l = { .now = 10, .sent_at = 5, .packets = 1 };
	u64 flight = 100 * MSS, sent = 0, acks = 0;
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	cc.cwnd = flight;
	l.before = flight;
	l.inflight = flight = 99 * MSS;
	EXPECT(rill_cc_lost(&cc, &l));
	EXPECT_EQ(cc.cwnd, 100 * MSS);		/* the fast retransmission */
	while (acks < 90) {
		struct rill_cc_ack a = { .now = 11, .sent_at = 9, .acked = MSS };

		while (flight + MSS <= cc.cwnd) {
			flight += MSS;
			sent++;
			rill_cc_sent(&cc, MSS);
		}
		/* One packet for two acknowledged, all along. */
		ROW("ack %llu", acks);
		EXPECT_EQ(sent, max(acks / 2, 1ULL));
		flight -= MSS;
		acks++;
		a.inflight = flight;
		rill_cc_acked(&cc, &a);
	}
	EXPECT_NEAR((double)flight, 54.0 * MSS, 3);
	acked(&cc, MSS, 11);
	EXPECT(cc.cwnd >= 50 * MSS && cc.cwnd <= 51 * MSS);
}

/* Below ssthresh after heavy loss: what was delivered, a packet more on progress. */
TEST(prr__below_ssthresh)
{
	struct rill_cc_loss l = { .now = 10, .sent_at = 5, .packets = 80,
				  .before = 100 * MSS, .inflight = 20 * MSS };
	struct rill_cc_ack a = { .now = 11, .sent_at = 9, .acked = MSS, .inflight = 19 * MSS };
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	cc.cwnd = 100 * MSS;
	rill_cc_lost(&cc, &l);
	EXPECT_EQ(cc.cwnd, 21 * MSS);
	rill_cc_sent(&cc, MSS);
	rill_cc_acked(&cc, &a);
	EXPECT_EQ(cc.cwnd, 20 * MSS);		/* as much as left */
	a.progress = true;
	rill_cc_acked(&cc, &a);
	EXPECT_EQ(cc.cwnd, 21 * MSS);
	a.inflight = 49 * MSS + 500;
	rill_cc_acked(&cc, &a);
	EXPECT_EQ(cc.cwnd, 50 * MSS);		/* not above ssthresh */
	a.inflight = 0;
	a.acked = 0;
	a.progress = false;
	cc.prr_delivered = 0;
	rill_cc_acked(&cc, &a);
	EXPECT_EQ(cc.cwnd, RILL_CC_MIN * MSS);
}

TEST(idle__half_for_each_timeout)
{
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	cc.cwnd = 100 * MSS;
	rill_cc_idle(&cc, 0, 0);
	EXPECT_EQ(cc.cwnd, 100 * MSS);
	rill_cc_idle(&cc, 1, 0);
	EXPECT_EQ(cc.cwnd, 50 * MSS);
	EXPECT_EQ(cc.ssthresh, RILL_SSTHRESH_NONE);
	cc.ssthresh = 20 * MSS;
	rill_cc_idle(&cc, 70, 0);
	EXPECT_EQ(cc.cwnd, 10 * MSS);		/* the initial window */
	EXPECT_EQ(cc.ssthresh, 50 * MSS / 4 * 3);
	cc.cwnd = 4 * MSS;
	rill_cc_idle(&cc, 5, 0);
	EXPECT_EQ(cc.cwnd, 4 * MSS);
}

/* One round of the first slow start: @n samples of @ms. */
static void round_of(struct rill_cc *cc, u64 *now, u32 n, u64 ms)
{
	u64 sent = *now + 1;
	u32 i;

	*now += ms * RILL_MSEC;
	for (i = 0; i < n; i++) {
		struct rill_cc_ack a = { .now = *now, .sent_at = sent, .acked = MSS,
					 .rtt = ms * RILL_MSEC, .cwnd_limited = true };

		rill_cc_acked(cc, &a);
	}
}

/* RFC 9406: a round trip longer by an eighth slows down, five rounds of it end. */
TEST(hystart__leaves_slow_start)
{
	u64 now = RILL_SEC, cwnd;
	struct rill_cc cc;
	int i;

	start(&cc, &rill_cc_reno);
	round_of(&cc, &now, 10, 50);
	EXPECT_EQ(cc.cwnd, 20 * MSS);
	round_of(&cc, &now, 10, 55);		/* less than an eighth more */
	EXPECT_EQ(cc.cwnd, 30 * MSS);
	round_of(&cc, &now, 10, 62);
	EXPECT_EQ(cc.cwnd, 37 * MSS + 3 * MSS / 4);	/* from the 8th sample on a quarter */
	for (i = 0; i < 4; i++) {
		cwnd = cc.cwnd;
		round_of(&cc, &now, 10, 62);
		EXPECT_EQ(cc.cwnd, cwnd + 10 * (MSS / 4));
		EXPECT(rill_cc_slow_start(&cc));
	}
	round_of(&cc, &now, 1, 62);
	EXPECT(!rill_cc_slow_start(&cc));
}

TEST(hystart__was_noise)
{
	u64 now = RILL_SEC, cwnd;
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	round_of(&cc, &now, 10, 50);
	round_of(&cc, &now, 10, 60);
	cwnd = cc.cwnd;
	round_of(&cc, &now, 10, 59);
	EXPECT(cc.cwnd > cwnd + 10 * (MSS / 4));
	cwnd = cc.cwnd;
	round_of(&cc, &now, 10, 59);
	EXPECT_EQ(cc.cwnd, cwnd + 10 * MSS);
}

/* Few samples, or the second slow start: no judgement. */
TEST(hystart__keeps_out)
{
	u64 now = RILL_SEC;
	struct rill_cc cc;

	start(&cc, &rill_cc_reno);
	round_of(&cc, &now, 7, 50);
	round_of(&cc, &now, 7, 500);
	round_of(&cc, &now, 7, 500);
	EXPECT_EQ(cc.cwnd, 31 * MSS);
	cc.ssthresh = 1000 * MSS;
	round_of(&cc, &now, 10, 50);
	round_of(&cc, &now, 10, 500);
	EXPECT_EQ(cc.cwnd, 51 * MSS);
}
