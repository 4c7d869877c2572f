// SPDX-License-Identifier: GPL-2.0
#include "ack.h"
#include "test.h"

#define NOW (5 * RILL_SEC)

static void put(const struct rill_ackq *q, u8 max_pairs, u64 now, struct rill_ext *x,
		struct rill_extbuf *b)
{
	struct rill_hdr h = { .type = RILL_T_DATA };

	b->len = 0;
	rill_ackq_put(q, b, max_pairs, now);
	h.ext_len = b->len;
	EXPECT_EQ(rill_wire_ext_get(x, &h, b->b), RILL_WIRE_OK);
}

TEST(cover__floor_and_ranges)
{
	struct rill_ackq q;

	rill_ackq_init(&q);
	EXPECT_EQ(rill_ackq_cover(&q, 1, 1), RILL_COVER_NONE);
	EXPECT_EQ(rill_ackq_cover(&q, 0, 1), RILL_COVER_ALL);	/* the handshake's */
	EXPECT_EQ(rill_ackq_cover(&q, 0, 2), RILL_COVER_SOME);
	rill_ackq_add(&q, 5, 3, NOW);
	EXPECT_EQ(rill_ackq_cover(&q, 5, 3), RILL_COVER_ALL);
	EXPECT_EQ(rill_ackq_cover(&q, 4, 2), RILL_COVER_SOME);
	EXPECT_EQ(rill_ackq_cover(&q, 8, 64), RILL_COVER_NONE);
}

TEST(add__says_gap)
{
	struct rill_ackq q;

	rill_ackq_init(&q);
	EXPECT(!rill_ackq_add(&q, 1, 2, NOW));
	EXPECT(!rill_ackq_add(&q, 3, 1, NOW));
	EXPECT(rill_ackq_add(&q, 6, 1, NOW));		/* leaves one */
	EXPECT(rill_ackq_add(&q, 4, 1, NOW));		/* fills half of it */
	EXPECT(!rill_ackq_add(&q, 7, 1, NOW));
	EXPECT_EQ(q.largest, 7);
}

TEST(add__oldest_forgotten)
{
	struct rill_ackq q;
	u64 pn;

	rill_ackq_init(&q);
	for (pn = 10; pn < 10 + 3 * RILL_ACK_RANGES; pn += 3)
		rill_ackq_add(&q, pn, 1, NOW);
	EXPECT_EQ(q.pns.n, RILL_ACK_RANGES);
	rill_ackq_add(&q, pn, 1, NOW);
	EXPECT_EQ(q.pns.n, RILL_ACK_RANGES);
	EXPECT_EQ(q.floor, 11);
	EXPECT_EQ(rill_ackq_cover(&q, 10, 1), RILL_COVER_ALL);
	EXPECT_EQ(rill_ackq_cover(&q, 11, 1), RILL_COVER_NONE);
	/* One below all ranges when there is no room: only the floor knows. */
	EXPECT(rill_ackq_add(&q, 11, 1, NOW));
	EXPECT_EQ(q.floor, 12);
	EXPECT_EQ(rill_ackq_cover(&q, 11, 1), RILL_COVER_ALL);
	EXPECT_EQ(q.largest, pn);
}

TEST(eliciting__when_one_is_due)
{
	static const struct { const char *what; u32 n, bytes, full; bool gap, quick, pingpong, now; } t[] = {
		{ "one full packet", 1, 1000, 1000, 0, 0, 0, 0 },
		{ "two full packets", 2, 2000, 1000, 0, 0, 0, 1 },
		{ "two short ones", 2, 20, 1000, 0, 0, 0, 0 },
		{ "eight short ones", 8, 80, 1000, 0, 0, 0, 1 },
		{ "a gap", 1, 10, 1000, 1, 0, 0, 1 },
		{ "at the start", 1, 10, 1000, 0, 1, 0, 1 },
		{ "at the start of a dialogue", 1, 10, 1000, 0, 1, 1, 0 },
	};
	struct rill_ackq q;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		rill_ackq_init(&q);
		if (!t[i].quick)
			q.quick = 0;
		q.pingpong = t[i].pingpong;
		ROW("%s", t[i].what);
		EXPECT(!rill_ackq_pending(&q));
		rill_ackq_eliciting(&q, t[i].n, t[i].bytes, t[i].full, t[i].gap, NOW);
		EXPECT_EQ(q.now, t[i].now);
		EXPECT(rill_ackq_pending(&q));
		EXPECT_EQ(q.deadline, NOW + RILL_ACK_DELAY);
		rill_ackq_sent(&q);
		EXPECT(!rill_ackq_pending(&q));
		EXPECT_EQ(q.deadline, RILL_NEVER);
	}
}

TEST(eliciting__deadline_is_the_first_ones)
{
	struct rill_ackq q;

	rill_ackq_init(&q);
	q.quick = 0;
	rill_ackq_eliciting(&q, 1, 10, 1000, false, NOW);
	rill_ackq_eliciting(&q, 1, 10, 1000, false, NOW + 10 * RILL_MSEC);
	EXPECT_EQ(q.deadline, NOW + RILL_ACK_DELAY);
}

TEST(eliciting__quick_runs_out)
{
	struct rill_ackq q;
	int i;

	rill_ackq_init(&q);
	for (i = 0; i < RILL_ACK_QUICK; i++) {
		rill_ackq_eliciting(&q, 1, 10, 1000, false, NOW);
		EXPECT(q.now);
		rill_ackq_sent(&q);
	}
	rill_ackq_eliciting(&q, 1, 10, 1000, false, NOW);
	EXPECT(!q.now);
}

TEST(count_ecn__code_points)
{
	struct rill_ackq q;

	rill_ackq_init(&q);
	rill_ackq_count_ecn(&q, 0, 1);
	rill_ackq_count_ecn(&q, 1, 2);	/* ECT(1) */
	rill_ackq_count_ecn(&q, 2, 3);	/* ECT(0) */
	rill_ackq_count_ecn(&q, 3, 4);	/* CE */
	EXPECT(q.ecn[0] == 3 && q.ecn[1] == 2 && q.ecn[2] == 4);
}

TEST(put__nothing_received)
{
	struct rill_extbuf b;
	struct rill_ackq q;
	struct rill_ext x;

	rill_ackq_init(&q);
	put(&q, 31, NOW, &x, &b);
	EXPECT_EQ(b.len, 0);
}

TEST(put__ranges)
{
	struct rill_extbuf b;
	struct rill_ackq q;
	struct rill_ext x;

	rill_ackq_init(&q);
	rill_ackq_add(&q, 1, 3, NOW);		/* 1 2 3 */
	rill_ackq_add(&q, 5, 2, NOW);		/* 5 6 */
	rill_ackq_add(&q, 10, 4, NOW);		/* 10 .. 13 */
	put(&q, 31, NOW + 3 * RILL_MSEC, &x, &b);
	EXPECT_EQ(x.ack.largest, 13);
	EXPECT_EQ(x.ack.delay, 3000);
	EXPECT_EQ(x.ack.first, 3);
	EXPECT_EQ(x.ack.pairs, 2);
	EXPECT_EQ(get_unaligned_be16(x.ack.pair), 2);		/* 9 8 7 */
	EXPECT_EQ(get_unaligned_be16(x.ack.pair + 2), 1);	/* 6 5 */
	EXPECT_EQ(get_unaligned_be16(x.ack.pair + 4), 0);	/* 4 */
	EXPECT_EQ(get_unaligned_be16(x.ack.pair + 6), 2);
	EXPECT(!rill_ext_has(&x, RILL_I_ECN));
	put(&q, 1, NOW, &x, &b);
	EXPECT_EQ(x.ack.pairs, 1);
	rill_ackq_count_ecn(&q, 3, 1);
	put(&q, 0, NOW, &x, &b);
	EXPECT_EQ(x.ack.pairs, 0);
	EXPECT_EQ(x.ecn[2], 1);
}

TEST(put__what_the_peer_was_told)
{
	struct rill_extbuf b;
	struct rill_ackq q;
	struct rill_ext x;

	rill_ackq_init(&q);
	rill_ackq_add(&q, 1, 3, NOW);		/* 1 2 3 */
	rill_ackq_add(&q, 5, 2, NOW);		/* 5 6 */
	rill_ackq_add(&q, 10, 4, NOW);		/* 10 .. 13 */
	/* it has the acknowledgement that ended with 6 */
	rill_ackq_told(&q, 7);
	put(&q, 31, NOW, &x, &b);
	EXPECT_EQ(x.ack.first, 3);
	EXPECT_EQ(x.ack.pairs, 0);
	/* an older one changes nothing; copies are known all the same */
	rill_ackq_told(&q, 4);
	put(&q, 31, NOW, &x, &b);
	EXPECT_EQ(x.ack.pairs, 0);
	EXPECT_EQ(rill_ackq_cover(&q, 5, 2), RILL_COVER_ALL);
	EXPECT_EQ(rill_ackq_cover(&q, 4, 1), RILL_COVER_NONE);
	/* the newest range is told whatever the peer has */
	rill_ackq_told(&q, 14);
	put(&q, 31, NOW, &x, &b);
	EXPECT_EQ(x.ack.largest, 13);
	EXPECT_EQ(x.ack.first, 3);
	/* what comes late is news, and all above it with it */
	rill_ackq_add(&q, 8, 1, NOW);
	put(&q, 31, NOW, &x, &b);
	EXPECT_EQ(x.ack.pairs, 1);
	EXPECT_EQ(get_unaligned_be16(x.ack.pair), 0);		/* 9 */
	EXPECT_EQ(get_unaligned_be16(x.ack.pair + 2), 0);	/* 8 */
}

TEST(put__what_is_too_far_back)
{
	struct rill_extbuf b;
	struct rill_ackq q;
	struct rill_ext x;

	/* What lies RILL_ACK_REACH packets back is told, what lies farther is not. */
	rill_ackq_init(&q);
	rill_ackq_add(&q, 1, 1, NOW);
	rill_ackq_add(&q, 2 + RILL_ACK_REACH, 1, NOW);
	put(&q, 31, NOW, &x, &b);
	EXPECT_EQ(x.ack.pairs, 1);
	EXPECT_EQ(get_unaligned_be16(x.ack.pair), RILL_ACK_REACH - 1);
	rill_ackq_init(&q);
	rill_ackq_add(&q, 1, 1, NOW);
	rill_ackq_add(&q, 3 + RILL_ACK_REACH, 1, NOW);
	put(&q, 31, NOW, &x, &b);
	EXPECT_EQ(x.ack.pairs, 0);

	/* A run of 65536 does; of a longer one the newest part, and nothing below. */
	rill_ackq_init(&q);
	rill_ackq_add(&q, 1, 1, NOW);
	rill_ackq_add(&q, 10, 65536 + 5, NOW);
	rill_ackq_add(&q, 65536 + 20, 1, NOW);
	put(&q, 31, NOW, &x, &b);
	EXPECT_EQ(x.ack.pairs, 1);
	EXPECT_EQ(get_unaligned_be16(x.ack.pair + 2), 65535);
}
