// SPDX-License-Identifier: GPL-2.0
#include "recv.h"
#include "test.h"

#define NOW RILL_SEC

struct rx {
	struct rill_recv r;
	struct rill_range v[4];
};

static void start(struct rx *x, u32 wnd, u32 wnd_max)
{
	rill_recv_init(&x->r, wnd, wnd_max, 100, NOW);
	x->r.ooo.v = x->v;
	x->r.ooo.cap = COUNT(x->v);
}

static int data(struct rx *x, u64 off, u32 len, bool fin, int *why)
{
	enum rill_mib mib = RILL_MIB_MAX;
	int v = rill_recv_data(&x->r, off, len, fin, NOW, &mib);

	if (why)
		*why = mib;
	return v;
}

TEST(init__at_least_one_packet)
{
	struct rx x;

	start(&x, 10, 5);
	EXPECT_EQ(x.r.wnd, 100);
	EXPECT_EQ(x.r.wnd_max, 100);
	EXPECT_EQ(x.r.credit, 100);
}

TEST(data__verdicts)
{
	static const struct { const char *what; u64 off; u32 len; bool fin; int want, why; } t[] = {
		/* after 0..100 in order and 200..300 ahead; credit 1000 */
		{ "in order", 100, 50, 0, RILL_RCV_QUEUE, RILL_MIB_NONE },
		{ "fills the gap", 100, 100, 0, RILL_RCV_QUEUE, RILL_MIB_NONE },
		{ "overlaps what is here", 50, 100, 0, RILL_RCV_QUEUE, RILL_MIB_NONE },
		{ "old", 0, 100, 0, RILL_RCV_OLD, RILL_MIB_INOLD },
		{ "old, a part", 50, 50, 0, RILL_RCV_OLD, RILL_MIB_INOLD },
		{ "ahead", 300, 50, 0, RILL_RCV_AHEAD, RILL_MIB_INOFO },
		{ "ahead, again", 200, 100, 0, RILL_RCV_OLD, RILL_MIB_INOLD },
		{ "ahead, a part new", 250, 100, 0, RILL_RCV_AHEAD, RILL_MIB_INOFO },
		{ "to the last byte of credit", 900, 100, 0, RILL_RCV_AHEAD, RILL_MIB_INOFO },
		{ "one byte beyond", 900, 101, 0, RILL_RCV_DROP, RILL_MIB_INBEYOND },
		{ "far beyond", 1ULL << 40, 1, 0, RILL_RCV_DROP, RILL_MIB_INBEYOND },
		{ "FIN ahead", 400, 0, 1, RILL_RCV_OLD, RILL_MIB_NONE },
		{ "FIN with data ahead", 400, 10, 1, RILL_RCV_AHEAD, RILL_MIB_INOFO },
		{ "FIN in the middle", 150, 10, 1, RILL_RCV_DROP, RILL_MIB_INBADFIN },
		{ "FIN below all", 50, 0, 1, RILL_RCV_DROP, RILL_MIB_INBADFIN },
		{ "FIN beyond credit", 1001, 0, 1, RILL_RCV_DROP, RILL_MIB_INBEYOND },
	};
	struct rx x;
	u32 i;
	int why;

	for (i = 0; i < COUNT(t); i++) {
		start(&x, 1000, 1000);
		data(&x, 0, 100, false, NULL);
		data(&x, 200, 100, false, NULL);
		ROW("%s", t[i].what);
		EXPECT_EQ(data(&x, t[i].off, t[i].len, t[i].fin, &why), t[i].want);
		EXPECT_EQ(why, t[i].why);
		EXPECT(x.r.nxt <= x.r.credit);
	}
}

TEST(data__gaps_close)
{
	struct rx x;

	start(&x, 1000, 1000);
	data(&x, 100, 100, false, NULL);
	data(&x, 300, 100, false, NULL);
	data(&x, 0, 100, false, NULL);
	EXPECT_EQ(x.r.nxt, 200);
	EXPECT_EQ(x.r.ooo.n, 1);
	data(&x, 200, 100, false, NULL);
	EXPECT_EQ(x.r.nxt, 400);
	EXPECT_EQ(x.r.ooo.n, 0);
}

/* A run that covers one range and ends inside the next (simulator, seed 5902). */
TEST(data__one_run_closes_several_gaps)
{
	struct rx x;

	start(&x, 1000, 1000);
	data(&x, 100, 100, false, NULL);
	data(&x, 300, 200, false, NULL);
	data(&x, 0, 400, false, NULL);
	EXPECT_EQ(x.r.nxt, 500);
	EXPECT_EQ(x.r.ooo.n, 0);
}

TEST(data__no_room_for_another_gap)
{
	struct rx x;
	int i, why;

	start(&x, 1000, 1000);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(data(&x, 100 + 20 * i, 10, false, NULL), RILL_RCV_AHEAD);
	EXPECT_EQ(data(&x, 300, 10, false, &why), RILL_RCV_DROP);
	EXPECT_EQ(why, RILL_MIB_INNOROOM);
	/* A FIN dropped with its data is not remembered, one known before is. */
	EXPECT_EQ(data(&x, 300, 10, true, &why), RILL_RCV_DROP);
	EXPECT_EQ(x.r.fin, RILL_NO_FIN);
	EXPECT_EQ(data(&x, 310, 0, true, &why), RILL_RCV_OLD);
	EXPECT_EQ(x.r.fin, 310);
	EXPECT_EQ(data(&x, 300, 10, true, &why), RILL_RCV_DROP);
	EXPECT_EQ(x.r.fin, 310);
	/* What merges needs none. */
	EXPECT_EQ(data(&x, 110, 10, false, NULL), RILL_RCV_AHEAD);
}

TEST(data__fin)
{
	struct rx x;
	int why;

	start(&x, 1000, 1000);
	EXPECT_EQ(data(&x, 0, 10, false, NULL), RILL_RCV_QUEUE);
	EXPECT_EQ(data(&x, 20, 5, true, NULL), RILL_RCV_AHEAD);
	EXPECT(!rill_recv_fin(&x.r));
	EXPECT_EQ(data(&x, 30, 5, false, &why), RILL_RCV_DROP);	/* after the FIN */
	EXPECT_EQ(why, RILL_MIB_INBADFIN);
	EXPECT_EQ(data(&x, 20, 6, true, &why), RILL_RCV_DROP);	/* another FIN */
	EXPECT_EQ(why, RILL_MIB_INBADFIN);
	EXPECT_EQ(data(&x, 24, 1, true, &why), RILL_RCV_OLD);	/* the same one */
	EXPECT_EQ(data(&x, 10, 10, false, NULL), RILL_RCV_QUEUE);
	EXPECT(rill_recv_fin(&x.r));
	EXPECT_EQ(x.r.nxt, 25);
}

/* A FIN by itself, twice, and what is before it missing: there is nothing to remember. */
TEST(data__fin_alone_twice)
{
	struct rx x;

	start(&x, 1000, 1000);
	EXPECT_EQ(data(&x, 20, 0, true, NULL), RILL_RCV_OLD);
	EXPECT_EQ(data(&x, 20, 0, true, NULL), RILL_RCV_OLD);
	EXPECT_EQ(x.r.ooo.n, 0);
	EXPECT_EQ(x.r.fin, 20);
}

TEST(data__empty_stream)
{
	struct rx x;
	int why;

	start(&x, 1000, 1000);
	EXPECT_EQ(data(&x, 0, 0, true, &why), RILL_RCV_OLD);
	EXPECT(rill_recv_fin(&x.r));
	EXPECT_EQ(data(&x, 0, 1, false, &why), RILL_RCV_DROP);
}

/* RFC 9293 3.8.6.2.2: no updates of a few bytes. */
TEST(read__window_update)
{
	static const struct { const char *what; u32 got, read; bool want; } t[] = {
		{ "nothing taken", 1000, 0, 0 },
		{ "all full, a few bytes read", 1000, 10, 0 },
		{ "all full, a packet's worth and more than half", 1000, 600, 1 },
		{ "all full, all read", 1000, 1000, 1 },
		{ "half open: no hurry", 400, 400, 0 },
		{ "less than half open, doubled", 600, 600, 1 },
		{ "less than half open, not doubled", 600, 300, 0 },
	};
	struct rx x;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		start(&x, 1000, 1000);
		data(&x, 0, t[i].got, false, NULL);
		x.r.full = 536;
		ROW("%s", t[i].what);
		EXPECT_EQ(rill_recv_read(&x.r, t[i].read, 0, NOW), t[i].want);
		EXPECT_EQ(x.r.credit, 1000);	/* not promised before it is sent */
		rill_recv_grant(&x.r);
		EXPECT_EQ(x.r.credit, 1000 + t[i].read);
	}
}

TEST(read__no_update_after_fin)
{
	struct rx x;

	start(&x, 1000, 1000);
	data(&x, 0, 1000, true, NULL);
	EXPECT(!rill_recv_read(&x.r, 1000, 0, NOW));
}

TEST(grant__never_shrinks)
{
	struct rx x;

	start(&x, 1000, 1000);
	x.r.wnd = 500;		/* as when the buffer was made smaller */
	rill_recv_grant(&x.r);
	EXPECT_EQ(x.r.credit, 1000);
	x.r.read = 600;
	rill_recv_grant(&x.r);
	EXPECT_EQ(x.r.credit, 1100);
}

TEST(read__autotuning)
{
	struct rx x;
	u64 now = NOW;

	start(&x, 1000, 64000);
	x.r.full = 100;
	/* Reads a window a round trip: the window doubles, to the limit. */
	while (now < NOW + 10 * RILL_SEC) {
		enum rill_mib why;

		now += 10 * RILL_MSEC;
		rill_recv_data(&x.r, x.r.nxt, x.r.credit - x.r.nxt, false, now, &why);
		rill_recv_read(&x.r, x.r.nxt - x.r.read, 10 * RILL_MSEC, now);
		rill_recv_grant(&x.r);
	}
	EXPECT_EQ(x.r.wnd, 64000);
}

TEST(read__no_tuning_for_a_slow_reader)
{
	struct rx x;
	u64 now = NOW;
	int i;

	start(&x, 10000, 64000);
	x.r.full = 100;
	data(&x, 0, 10000, false, NULL);
	for (i = 0; i < 100; i++) {
		now += 10 * RILL_MSEC;
		rill_recv_read(&x.r, 100, 10 * RILL_MSEC, now);
	}
	EXPECT_EQ(x.r.wnd, 10000);
}

/* --- records --- */

static void start_records(struct rx *x, u32 wnd)
{
	start(x, wnd, wnd);
	rill_recv_records(&x->r);
}

TEST(records__whole_ones_are_read)
{
	struct rx x;

	start_records(&x, 1000);
	data(&x, 0, 3, false, NULL);			/* a part of the prefix */
	EXPECT(!rill_recv_wants(&x.r) && !rill_recv_ready(&x.r));
	data(&x, 3, 11, false, NULL);
	EXPECT(rill_recv_wants(&x.r) && !rill_recv_ready(&x.r));
	rill_recv_prefix(&x.r, 10);			/* 0..14: all here */
	EXPECT(!rill_recv_wants(&x.r) && x.r.whole == 14);
	data(&x, 14, 20, false, NULL);
	EXPECT(rill_recv_wants(&x.r));
	rill_recv_prefix(&x.r, 0);			/* 14..18: nothing */
	EXPECT_EQ(x.r.whole, 18);
	rill_recv_prefix(&x.r, 100);			/* 18..122: has begun */
	EXPECT(!rill_recv_wants(&x.r) && x.r.whole == 18 && x.r.end == 122);
	data(&x, 34, 87, false, NULL);
	EXPECT_EQ(x.r.whole, 18);
	data(&x, 121, 1, false, NULL);
	EXPECT(x.r.whole == 122 && !rill_recv_wants(&x.r));
}

TEST(records__the_end_is_that_of_the_last_one)
{
	struct rx x;

	start_records(&x, 1000);
	data(&x, 0, 14, true, NULL);
	EXPECT(!rill_recv_fin(&x.r));
	rill_recv_prefix(&x.r, 10);
	EXPECT(rill_recv_fin(&x.r));
	start_records(&x, 1000);
	data(&x, 0, 14, true, NULL);
	rill_recv_prefix(&x.r, 11);
	EXPECT(!rill_recv_fin(&x.r));
}

/* There is credit for the record waited for, and a packet more; never less than a packet. */
TEST(records__credit)
{
	struct rx x;

	start_records(&x, 10);				/* a packet is 100 */
	EXPECT_EQ(x.r.credit, 104);
	data(&x, 0, 100, false, NULL);
	EXPECT(!rill_recv_stuck(&x.r));
	rill_recv_prefix(&x.r, 5000);
	EXPECT(rill_recv_stuck(&x.r));
	EXPECT_EQ(rill_recv_promise(&x.r), 4 + 5000 + 100);
	rill_recv_grant(&x.r);
	EXPECT(!rill_recv_stuck(&x.r));
	EXPECT_EQ(x.r.credit, 5104);
	data(&x, 100, 5004, false, NULL);
	EXPECT_EQ(x.r.whole, 5004);
	rill_recv_prefix(&x.r, 900);			/* the next; but that one is not read */
	EXPECT(!rill_recv_stuck(&x.r));
	EXPECT_EQ(rill_recv_promise(&x.r), 5104);
	EXPECT(rill_recv_read(&x.r, 5004, 0, NOW));	/* now it is: tell the peer */
	EXPECT_EQ(rill_recv_promise(&x.r), 5004 + 4 + 900 + 100);
}

/* The rest of a prefix, with a packet full of it and what follows, fits. */
TEST(records__credit_for_half_a_prefix)
{
	struct rx x;

	start_records(&x, 100);
	data(&x, 0, 104, false, NULL);
	rill_recv_prefix(&x.r, 98);			/* 0..102, and two bytes of the next */
	EXPECT(rill_recv_read(&x.r, 102, 0, NOW));
	EXPECT_EQ(rill_recv_promise(&x.r), 102 + 4 + 100);
}

/* --- records that were given up --- */

struct grx {
	struct rx x;
	struct rill_gap gap[4];
};

/* 0..100 is a record, 100..150 the beginning of one of 100; ahead are 300..400. */
static void start_gaps(struct grx *g)
{
	start_records(&g->x, 1000);
	g->x.r.gaps.v = g->gap;
	g->x.r.gaps.cap = COUNT(g->gap);
	data(&g->x, 0, 150, false, NULL);
	rill_recv_prefix(&g->x.r, 96);
	rill_recv_prefix(&g->x.r, 96);
	data(&g->x, 300, 100, false, NULL);
	EXPECT(g->x.r.whole == 100 && g->x.r.nrec == 1);
}

TEST(skip__verdicts)
{
	static const struct { const char *what; u64 from, to; int want, why; u64 whole, nxt; } t[] = {
		{ "what is here", 0, 100, RILL_RCV_OLD, 0, 100, 150 },
		{ "what is arriving", 100, 200, RILL_RCV_QUEUE, 0, 200, 200 },
		{ "some of it is here", 0, 200, RILL_RCV_QUEUE, 0, 200, 200 },
		{ "up to what is ahead", 100, 300, RILL_RCV_QUEUE, 0, 300, 400 },
		{ "into what is ahead", 100, 350, RILL_RCV_QUEUE, 0, 350, 400 },
		{ "beyond all", 100, 500, RILL_RCV_QUEUE, 0, 500, 500 },
		{ "beyond credit", 100, 5000, RILL_RCV_QUEUE, 0, 5000, 5000 },
		{ "ahead", 200, 250, RILL_RCV_AHEAD, 0, 100, 150 },
		{ "ahead, far", 2000, 3000, RILL_RCV_AHEAD, 0, 100, 150 },
		{ "just near enough", 100, 1000 + (1 << 30), RILL_RCV_QUEUE, 0,
		  1000 + (1 << 30), 1000 + (1 << 30) },
		{ "too far", 100, 1001 + (1 << 30), RILL_RCV_DROP, RILL_MIB_INBEYOND, 100, 150 },
	};
	struct grx g;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		enum rill_mib why = RILL_MIB_MAX;

		start_gaps(&g);
		ROW("%s", t[i].what);
		EXPECT_EQ(rill_recv_skip(&g.x.r, t[i].from, t[i].to, 2, &why), t[i].want);
		EXPECT_EQ(why, t[i].why);
		EXPECT_EQ(g.x.r.whole, t[i].whole);
		EXPECT_EQ(g.x.r.nxt, t[i].nxt);
		EXPECT(rill_recv_sane(&g.x.r));
	}
}

TEST(skip__the_end)
{
	enum rill_mib why;
	struct grx g;

	start_gaps(&g);
	data(&g.x, 500, 0, true, NULL);
	EXPECT_EQ(rill_recv_skip(&g.x.r, 100, 501, 2, &why), RILL_RCV_DROP);
	EXPECT_EQ(why, RILL_MIB_INBADFIN);
	EXPECT_EQ(rill_recv_skip(&g.x.r, 100, 500, 2, &why), RILL_RCV_QUEUE);
	EXPECT(rill_recv_fin(&g.x.r));
	EXPECT(g.x.r.read == 0 && g.x.r.lost == 0);	/* not before what comes first is read */
	rill_recv_read(&g.x.r, 100, 0, NOW);
	EXPECT(g.x.r.read == 500 && g.x.r.lost == 1 && g.x.r.missed == 1);
}

TEST(skip__no_room)
{
	enum rill_mib why;
	struct grx g;
	int i;

	start_gaps(&g);
	for (i = 0; i < 3; i++)				/* and one range is there already */
		EXPECT_EQ(rill_recv_skip(&g.x.r, 500 + 20 * i, 510 + 20 * i, 9 + i, &why),
			  RILL_RCV_AHEAD);
	EXPECT_EQ(rill_recv_skip(&g.x.r, 600, 610, 20, &why), RILL_RCV_DROP);
	EXPECT_EQ(why, RILL_MIB_INNOROOM);
	EXPECT_EQ(g.x.r.gaps.n, 3);
	EXPECT_EQ(rill_recv_skip(&g.x.r, 100, 300, 2, &why), RILL_RCV_QUEUE);
	EXPECT_EQ(g.x.r.whole, 300);
	g.x.r.gaps.cap = g.x.r.gaps.n;
	EXPECT_EQ(rill_recv_skip(&g.x.r, 700, 710, 30, &why), RILL_RCV_DROP);
	EXPECT_EQ(why, RILL_MIB_INNOROOM);
}

/* Skips ahead do not take the place of the one that everything waits for. */
TEST(skip__room_for_the_next)
{
	enum rill_mib why;
	struct grx g;

	start_gaps(&g);
	g.x.r.gaps.cap = 2;
	EXPECT_EQ(rill_recv_skip(&g.x.r, 500, 510, 9, &why), RILL_RCV_AHEAD);
	EXPECT_EQ(rill_recv_skip(&g.x.r, 520, 530, 11, &why), RILL_RCV_DROP);
	EXPECT_EQ(why, RILL_MIB_INNOROOM);
	EXPECT_EQ(rill_recv_skip(&g.x.r, 100, 300, 2, &why), RILL_RCV_QUEUE);
	EXPECT_EQ(g.x.r.whole, 300);
}

/* Gaps and records that do not fit each other: seen, whichever comes first. */
TEST(skip__lies)
{
	static const struct { const char *what; u64 from, to; u32 next; bool sane; } t[] = {
		{ "one record", 100, 200, 2, 1 },
		{ "as many as there could be", 100, 200, 26, 1 },
		{ "one more", 100, 200, 27, 0 },
		{ "none", 100, 200, 1, 0 },
		{ "fewer than none", 100, 200, 0, 0 },
		{ "behind the record", 200, 250, 3, 1 },
		{ "inside the record", 199, 250, 3, 0 },
		{ "inside its prefix", 101, 250, 3, 0 },
	};
	enum rill_mib why;
	struct grx g;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		start_gaps(&g);
		rill_recv_skip(&g.x.r, t[i].from, t[i].to, t[i].next, &why);
		ROW("%s", t[i].what);
		EXPECT_EQ(rill_recv_sane(&g.x.r), t[i].sane);
	}
	start_gaps(&g);
	rill_recv_skip(&g.x.r, 202, 250, 3, &why);
	EXPECT(rill_recv_sane(&g.x.r));
	data(&g.x, 150, 52, false, NULL);		/* two bytes of a prefix, and no more */
	EXPECT(g.x.r.whole == 200 && !rill_recv_sane(&g.x.r));
	start_gaps(&g);
	rill_recv_skip(&g.x.r, 250, 280, 3, &why);
	data(&g.x, 150, 60, false, NULL);
	rill_recv_prefix(&g.x.r, 46);
	EXPECT(rill_recv_sane(&g.x.r));
	start_gaps(&g);
	rill_recv_skip(&g.x.r, 250, 280, 3, &why);
	data(&g.x, 150, 60, false, NULL);
	rill_recv_prefix(&g.x.r, 47);
	EXPECT(!rill_recv_sane(&g.x.r));
}

TEST(skip__beyond_what_could_be_told_apart)
{
	enum rill_mib why;
	struct grx g;

	start_gaps(&g);
	EXPECT_EQ(rill_recv_skip(&g.x.r, 500, g.x.r.credit + RILL_WND_MAX + 1, 9, &why),
		  RILL_RCV_DROP);
	EXPECT_EQ(why, RILL_MIB_INBEYOND);
	EXPECT_EQ(rill_recv_skip(&g.x.r, 500, g.x.r.credit + RILL_WND_MAX, 9, &why),
		  RILL_RCV_AHEAD);
}

TEST(limit__within_bounds)
{
	struct rx x;

	start(&x, 1000, 5000);
	rill_recv_limit(&x.r, 2000, 9000);
	EXPECT(x.r.wnd == 2000 && x.r.wnd_max == 9000);
	rill_recv_limit(&x.r, 2000, 1000);
	EXPECT(x.r.wnd == 2000 && x.r.wnd_max == 2000);
	rill_recv_limit(&x.r, 1, 1);			/* one packet at least */
	EXPECT(x.r.wnd == 100 && x.r.wnd_max == 100);
	rill_recv_limit(&x.r, RILL_WND_MAX + 1, U32_MAX);
	EXPECT(x.r.wnd == RILL_WND_MAX && x.r.wnd_max == RILL_WND_MAX);
}
