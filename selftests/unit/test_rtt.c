// SPDX-License-Identifier: GPL-2.0
#include "rtt.h"
#include "test.h"

#define MS RILL_MSEC

TEST(sample__first)
{
	struct rill_rtt r = { 0 };

	EXPECT_EQ(rill_rtt_now(&r), RILL_RTT_INITIAL);
	rill_rtt_sample(&r, 100 * MS, 0, 5);
	EXPECT(r.srtt == 100 * MS && r.rttvar == 50 * MS && r.min == 100 * MS && r.min_at == 5 &&
	       r.latest == 100 * MS);
	rill_rtt_sample(&r, 0, 0, 6);
	EXPECT_EQ(r.latest, 1);		/* 0 would mean: none */
}

TEST(sample__smooths)
{
	struct rill_rtt r = { 0 };

	rill_rtt_sample(&r, 100 * MS, 0, 1);
	rill_rtt_sample(&r, 180 * MS, 0, 2);
	EXPECT_EQ(r.srtt, 110 * MS);			/* 7/8 * 100 + 1/8 * 180 */
	EXPECT_EQ(r.rttvar, 57500000);			/* 3/4 * 50 + 1/4 * 80 */
	EXPECT_EQ(rill_rtt_now(&r), 180 * MS);
	rill_rtt_sample(&r, 90 * MS, 0, 3);
	EXPECT_EQ(r.min, 90 * MS);
	EXPECT_EQ(rill_rtt_now(&r), r.srtt);
}

TEST(sample__delay)
{
	static const struct { u64 rtt, delay, want; } t[] = {
		{ 140 * MS, 25 * MS, (700 * MS + 115 * MS) / 8 },
		{ 125 * MS, 25 * MS, (700 * MS + 100 * MS) / 8 },	/* exactly the minimum */
		{ 124 * MS, 25 * MS, (700 * MS + 124 * MS) / 8 },	/* would go below it */
		{ 100 * MS, 25 * MS, (700 * MS + 100 * MS) / 8 },
	};
	struct rill_rtt r;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		memset(&r, 0, sizeof(r));
		rill_rtt_sample(&r, 100 * MS, 0, 1);
		rill_rtt_sample(&r, t[i].rtt, t[i].delay, 2);
		ROW("%llu ms", t[i].rtt / MS);
		EXPECT_EQ(r.srtt, t[i].want);
		EXPECT_EQ(r.min, 100 * MS);	/* never believes the delay */
	}
}

TEST(sample__minimum_expires)
{
	struct rill_rtt r = { 0 };

	rill_rtt_sample(&r, 10 * MS, 0, 1);
	rill_rtt_sample(&r, 50 * MS, 0, 1 + RILL_RTT_MIN_WINDOW);
	EXPECT_EQ(r.min, 10 * MS);
	rill_rtt_sample(&r, 50 * MS, 0, 2 + RILL_RTT_MIN_WINDOW);
	EXPECT_EQ(r.min, 50 * MS);
}

TEST(pto__formula_and_backoff)
{
	struct rill_rtt r = { 0 };

	EXPECT_EQ(rill_rtt_pto(&r, 25 * MS, 0), RILL_SEC);
	EXPECT_EQ(rill_rtt_pto(&r, 25 * MS, 3), 8 * RILL_SEC);
	EXPECT_EQ(rill_rtt_pto(&r, 25 * MS, 7), RILL_PTO_MAX);
	EXPECT_EQ(rill_rtt_pto(&r, 25 * MS, 255), RILL_PTO_MAX);
	rill_rtt_sample(&r, 100 * MS, 0, 1);
	EXPECT_EQ(rill_rtt_pto(&r, 25 * MS, 0), 325 * MS);
	EXPECT_EQ(rill_rtt_pto(&r, 25 * MS, 1), 650 * MS);
	r.rttvar = 1;
	EXPECT_EQ(rill_rtt_pto(&r, 0, 0), 101 * MS);	/* granularity */
	r.srtt = 500 * RILL_SEC;
	EXPECT_EQ(rill_rtt_pto(&r, 0, 20), RILL_PTO_MAX);
}
