// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include "loss.h"
#include "test.h"

#define MS RILL_MSEC
#define NOW RILL_SEC
#define RTT (80 * MS)

/* @n packets of their own sent a millisecond apart, a round trip of 80 ms known. */
struct tx {
	struct rill_send s;
	struct rill_rtt rtt;
	struct rill_run run[64];
	struct rill_rec rec[64];
};

static struct tx *tx_new(int n)
{
	struct tx *t = calloc(1, sizeof(*t));
	int i;

	rill_send_init(&t->s, NOW);
	rill_rtt_sample(&t->rtt, RTT, 0, NOW);
	for (i = 0; i < n; i++) {
		t->run[i].len = t->run[i].plen = 1000;
		t->run[i].n = 1;
		rill_send_append(&t->s, &t->run[i], NOW);
		rill_send_record(&t->s, &t->rec[i], &t->run[i], 0, 1, 0, NOW + i * MS);
	}
	return t;
}

static void acked(struct tx *t, u32 pn, u64 now, struct rill_losses *l)
{
	struct rill_ackblk a = { .largest = pn };
	struct rill_acked res;

	rill_send_acked(&t->s, &a, now, &res);
	if (res.spurious)
		rill_loss_learn(&t->s, &t->rtt, res.late);
	rill_loss_detect(&t->s, &t->rtt, now, l);
}

TEST(detect__packet_threshold)
{
	struct tx *t = tx_new(10);
	struct rill_losses l;

	acked(t, 3, NOW + RTT, &l);
	EXPECT_EQ(l.pkts, 0);		/* 1 and 2: one and two behind */
	acked(t, 4, NOW + RTT, &l);
	EXPECT_EQ(l.pkts, 1);
	EXPECT_EQ(t->rec[0].lost, 1);
	acked(t, 9, NOW + RTT, &l);
	EXPECT_EQ(l.pkts, 3);		/* 2, 5 and 6 */
	EXPECT_EQ(l.oldest_sent_at, NOW + MS);
	EXPECT_EQ(l.newest_sent_at, NOW + 5 * MS);
	EXPECT_EQ(t->s.rtx_pkts, 4);
	free(t);
}

/* A number left out overtook nobody. */
TEST(detect__a_hole_does_not_count)
{
	struct tx *t = tx_new(10);
	struct rill_losses l;

	t->s.holes.pn[0] = 3;
	acked(t, 4, NOW + RTT, &l);
	EXPECT_EQ(l.pkts, 0);		/* 1: overtaken by 2 and 4 */
	acked(t, 5, NOW + RTT, &l);
	EXPECT_EQ(l.pkts, 1);
	free(t);
}

TEST(detect__time_threshold)
{
	struct tx *t = tx_new(3);
	struct rill_losses l;

	acked(t, 2, NOW + RTT, &l);
	EXPECT_EQ(l.pkts, 0);
	EXPECT_EQ(t->s.loss_at, NOW + RTT * 9 / 8);	/* packet 1; 3 is not overtaken */
	rill_loss_detect(&t->s, &t->rtt, t->s.loss_at - 1, &l);
	EXPECT_EQ(l.pkts, 0);
	rill_loss_detect(&t->s, &t->rtt, t->s.loss_at, &l);
	EXPECT_EQ(l.pkts, 1);
	EXPECT_EQ(t->s.loss_at, RILL_NEVER);
	free(t);
}

TEST(detect__nothing_before_the_first_ack)
{
	struct tx *t = tx_new(10);
	struct rill_losses l;

	rill_loss_detect(&t->s, &t->rtt, NOW + 10 * RILL_SEC, &l);
	EXPECT_EQ(l.pkts, 0);
	EXPECT_EQ(t->s.loss_at, RILL_NEVER);
	free(t);
}

TEST(detect__inside_a_record)
{
	struct rill_ackblk a = { .largest = 60 };
	struct tx *t = tx_new(0);
	struct rill_losses l;
	struct rill_acked res;

	t->run[0].len = 64000;
	t->run[0].plen = 1000;
	t->run[0].n = 64;
	rill_send_append(&t->s, &t->run[0], NOW);
	rill_send_record(&t->s, &t->rec[0], &t->run[0], 0, 64, 0, NOW);
	rill_send_acked(&t->s, &a, NOW + RTT, &res);
	rill_loss_detect(&t->s, &t->rtt, NOW + RTT, &l);
	EXPECT_EQ(l.pkts, 57);				/* 1 .. 57 */
	EXPECT_EQ(t->rec[0].lost, rill_mask(57));
	EXPECT_EQ(hweight64(t->rec[0].live), 6);	/* 58, 59 and 61 .. 64 */
	EXPECT_EQ(t->s.loss_at, NOW + RTT * 9 / 8);
	free(t);
}

TEST(learn__reordering_ends_the_packet_threshold)
{
	struct tx *t = tx_new(20);
	struct rill_losses l;

	acked(t, 5, NOW + RTT, &l);
	EXPECT_EQ(l.pkts, 2);
	acked(t, 1, NOW + RTT + 10 * MS, &l);	/* it was 10 ms late */
	EXPECT(t->s.reo_wnd >= 10 * MS && t->s.reo_wnd <= RTT);
	acked(t, 18, NOW + RTT + 12 * MS, &l);
	EXPECT_EQ(l.pkts, 0);			/* 13 behind, but not late */
	EXPECT(t->s.loss_at != RILL_NEVER);
	free(t);
}

TEST(learn__at_most_a_round_trip)
{
	struct tx *t = tx_new(1);

	rill_loss_learn(&t->s, &t->rtt, 10 * RILL_SEC);
	EXPECT_EQ(t->s.reo_wnd, RTT);
	rill_loss_learn(&t->s, &t->rtt, 1);	/* never smaller again */
	EXPECT_EQ(t->s.reo_wnd, RTT);
	free(t);
}

TEST(detect__old_records_go)
{
	struct tx *t = tx_new(10);
	struct rill_losses l;

	acked(t, 10, NOW + RTT, &l);
	EXPECT_EQ(l.pkts, 7);
	rill_loss_detect(&t->s, &t->rtt, NOW + RILL_SEC, &l);
	EXPECT_EQ(l.pkts, 2);
	EXPECT(!list_empty(&t->s.done_recs));
	rill_loss_detect(&t->s, &t->rtt, NOW + 2 * RILL_SEC, &l);
	EXPECT(list_empty(&t->s.recs));
	EXPECT_EQ(t->s.rtx_pkts, 9);		/* the data still waits to go again */
	free(t);
}

TEST(persistent__spans_three_ptos)
{
	struct rill_rtt rtt = { 0 };
	struct rill_losses l = { .pkts = 5, .oldest_sent_at = NOW };
	u64 three;

	l.newest_sent_at = NOW + 100 * RILL_SEC;
	EXPECT(!rill_loss_persistent(&l, &rtt, 25 * MS));	/* no sample yet */
	rill_rtt_sample(&rtt, RTT, 0, NOW);
	three = 3 * rill_rtt_pto(&rtt, 25 * MS, 0);
	l.newest_sent_at = NOW + three;
	EXPECT(!rill_loss_persistent(&l, &rtt, 25 * MS));
	l.newest_sent_at++;
	EXPECT(rill_loss_persistent(&l, &rtt, 25 * MS));
	l.pkts = 1;
	EXPECT(!rill_loss_persistent(&l, &rtt, 25 * MS));
}
