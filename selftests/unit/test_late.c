// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include "late.h"
#include "test.h"

#define NOW RILL_SEC
#define LATE (2 * RILL_SEC)
#define PLEN 1000

/* The books with up to 8 runs, 16 records of packets and 16 of the program. */
struct tx {
	struct rill_send s;
	struct rill_run run[8];
	struct rill_rec rec[16];
	struct rill_life life[16];
	u32 nrun, nrec, nlife;
};

static struct tx *tx_new(void)
{
	struct tx *t = calloc(1, sizeof(*t));

	rill_send_init(&t->s, NOW);
	t->s.credit = 1 << 20;
	return t;
}

/* Records of these lengths in one run of the stream; the mortal ones, a bit each. */
static struct rill_run *write_run(struct tx *t, const u32 *len, u32 n, u32 mortal)
{
	struct rill_run *run = &t->run[t->nrun++];
	u32 i;

	run->plen = PLEN;
	run->len = len[0];
	run->n = (len[0] + PLEN - 1) / PLEN;
	rill_send_append(&t->s, run, NOW);
	for (i = 0; i < n; i++) {
		if (i)
			rill_send_grow(&t->s, run, len[i]);
		t->s.nrec++;
		if (mortal & BIT(i))
			rill_send_live(&t->s, &t->life[t->nlife++], len[i], LATE);
	}
	return run;
}

static void sent(struct tx *t, struct rill_run *run, u8 first, u8 n)
{
	rill_send_record(&t->s, &t->rec[t->nrec++], run, first, n, 0, NOW);
}

static void ack(struct tx *t, u32 largest, u32 first)
{
	struct rill_ackblk a = { .largest = largest, .first = first };
	struct rill_acked res;

	rill_send_acked(&t->s, &a, NOW + RILL_MSEC, &res);
}

static u32 length(const struct list_head *h)
{
	const struct list_head *e;
	u32 n = 0;

	for (e = h->next; e != h; e = e->next)
		n++;
	return n;
}

/* Which packets of a run of 5 are given up with a record in it. */
TEST(expire__packets_that_hold_nothing_else)
{
	static const struct { const char *what; u32 before, len, behind; u64 want; } t[] = {
		{ "all of it", 0, 4500, 0, 0x1f },
		{ "from the second on", 1000, 3500, 0, 0x1e },
		{ "begins inside the first", 1, 4499, 0, 0x1e },
		{ "begins at the end of the first", 999, 3501, 0, 0x1e },
		{ "ends inside the last", 0, 4400, 100, 0x0f },
		{ "ends with the fourth", 0, 4000, 500, 0x0f },
		{ "ends just before", 0, 3999, 501, 0x07 },
		{ "one in the middle", 2000, 1000, 1500, 0x04 },
		{ "none", 2001, 1000, 1499, 0 },
		{ "inside one", 2100, 100, 2300, 0 },
		{ "the short one at the end", 4000, 500, 0, 0x10 },
	};
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		u32 len[3] = { t[i].before, t[i].len, t[i].behind };
		u32 skip = !len[0], n = 3 - skip - !len[2];
		struct tx *x = tx_new();
		struct rill_run *run = write_run(x, len + skip, n, BIT(1 - skip));

		ROW("%s", t[i].what);
		EXPECT_EQ(rill_send_expire(&x->s, LATE - 1), 0);
		EXPECT_EQ(x->s.life_at, LATE);
		sent(x, run, 0, 5);
		EXPECT_EQ(rill_send_expire(&x->s, LATE), 1);
		EXPECT_EQ(run->acked, t[i].want);
		EXPECT_EQ(x->s.rtx_pkts, 1);		/* to be told */
		EXPECT_EQ(x->s.life_at, RILL_NEVER);
		free(x);
	}
}

/* Never sent: passed over, and each packet uses up its number. */
TEST(expire__unsent)
{
	static const u32 len[] = { 1500, 3000, 500 };
	struct tx *x = tx_new();
	struct rill_run *run = write_run(x, len, 3, BIT(1));

	EXPECT_EQ(rill_send_expire(&x->s, LATE), 1);
	EXPECT_EQ(run->acked, 0x0c);		/* 2000..4000 */
	EXPECT(run->nsent == 0 && x->s.pn_next == 1);
	sent(x, run, 0, 2);
	EXPECT_EQ(run->nsent, 4);		/* 1, 2; 3 and 4 are used up */
	EXPECT_EQ(x->s.pn_next, 5);
	EXPECT_EQ(x->s.nxt, 4000);
	EXPECT(x->s.unsent == run);
	sent(x, run, 4, 1);
	EXPECT(!x->s.unsent && x->s.nxt == 5000);
	ack(x, 5, 4);
	EXPECT_EQ(length(&x->s.done_runs), 1);
	EXPECT_EQ(length(&x->s.runs), 1);	/* the skip, not sent yet */
	free(x);
}

/* All of it: the memory is free at once, what tells the peer is all that stays. */
TEST(expire__whole_runs)
{
	static const u32 len[] = { 3000 };
	struct tx *x = tx_new();
	struct rill_run *run, *skip;
	u8 first, n;

	run = write_run(x, len, 1, 1);
	sent(x, run, 0, 2);
	EXPECT_EQ(rill_send_expire(&x->s, LATE), 1);
	EXPECT(!x->s.unsent && x->s.nxt == 3000 && x->s.pn_next == 4);
	EXPECT_EQ(length(&x->s.done_runs), 1);
	EXPECT_EQ(x->s.inflight_pkts, 2);	/* they are under way all the same */
	skip = rill_send_next_lost(&x->s, &first, &n);
	EXPECT(skip == &x->life[0].skip && !first && n == 1 && x->s.una == 3000);
	EXPECT(!rill_send_tail(&x->s));
	sent(x, skip, 0, 1);
	ack(x, 4, 0);
	EXPECT_EQ(length(&x->s.runs), 0);
	EXPECT_EQ(length(&x->s.done_runs), 2);
	ack(x, 4, 3);				/* late, and no matter */
	EXPECT_EQ(x->s.inflight_pkts, 0);
	free(x);
}

/* The memory of a record comes back when the peer has it, or has it but for what is before. */
TEST(live__ends)
{
	static const u32 len[] = { 1000, 1000, 1000 };
	struct tx *x = tx_new();
	struct rill_run *run = write_run(x, len, 3, 7);

	sent(x, run, 0, 3);
	ack(x, 1, 0);
	EXPECT_EQ(length(&x->s.lives), 2);
	EXPECT_EQ(length(&x->s.done_runs), 1);
	ack(x, 3, 0);
	EXPECT_EQ(length(&x->s.lives), 2);
	EXPECT_EQ(rill_send_expire(&x->s, LATE), 1);
	EXPECT_EQ(length(&x->s.lives), 0);	/* the third is there */
	EXPECT(x->life[1].from == 1000 && x->life[1].to == 2000 && x->life[1].next == 2);
	free(x);
}

/* Neighbours go as one stretch, with the packets they share; others by themselves. */
TEST(expire__neighbours)
{
	static const u32 len[] = { 300, 300, 300, 300, 300, 300, 300, 300, 300, 300 };
	struct tx *x = tx_new();
	struct rill_run *run = write_run(x, len, 10, 0x3f7);

	sent(x, run, 0, 3);
	EXPECT_EQ(rill_send_expire(&x->s, LATE), 9);
	EXPECT_EQ(x->s.rtx_pkts, 2);
	EXPECT(x->life[0].from == 0 && x->life[0].to == 900 && x->life[0].next == 3);
	EXPECT(x->life[3].from == 1200 && x->life[3].to == 3000 && x->life[3].next == 10);
	EXPECT_EQ(run->acked, 0x4);
	EXPECT_EQ(length(&x->s.done_runs), 7);
	free(x);
}

/* A record around a place where another's skip waits does not take it away. */
TEST(expire__not_the_skip_of_another)
{
	static const u32 first[] = { 1000, 500 }, second[] = { 1000 };
	struct tx *x = tx_new();

	write_run(x, first, 2, 1);
	write_run(x, second, 1, 0);
	rill_send_live(&x->s, &x->life[1], 1500, LATE + 1);	/* 1000..2500 */
	EXPECT_EQ(rill_send_expire(&x->s, LATE), 1);
	EXPECT_EQ(x->life[0].skip.off, 1500);
	EXPECT_EQ(rill_send_expire(&x->s, LATE + 1), 1);
	EXPECT_EQ(x->s.rtx_pkts, 2);
	EXPECT(!x->life[0].skip.acked && x->life[0].skip.rtx);
	free(x);
}

/* The last packet carries the FIN: it goes though nobody wants its bytes. */
TEST(expire__fin)
{
	static const u32 len[] = { 2500 };
	struct tx *x = tx_new();
	struct rill_run *run = write_run(x, len, 1, 1);

	run->flags = RILL_RUN_FIN;
	x->s.fin_queued = true;
	EXPECT_EQ(rill_send_expire(&x->s, LATE), 1);
	EXPECT_EQ(run->acked, 0x3);
	EXPECT(x->s.unsent == run && run->nsent == 2 && x->s.nxt == 2000);
	sent(x, run, 2, 1);
	ack(x, 3, 0);
	EXPECT(!x->s.fin_acked);		/* the skip is not told yet */
	sent(x, &x->life[0].skip, 0, 1);
	ack(x, 4, 0);
	EXPECT(x->s.fin_acked);
	free(x);
}

/* A stretch too far ahead of the credit could be taken for another: it waits. */
TEST(expire__too_far_ahead)
{
	static const u32 len[] = { 1000 };
	struct tx *x = tx_new();

	write_run(x, len, 1, 1);
	x->s.credit = 0;
	x->life[0].to = (1 << 30) + 1;
	EXPECT_EQ(rill_send_expire(&x->s, LATE), 0);
	EXPECT(x->s.life_at > LATE && x->s.life_at < LATE + RILL_SEC);
	x->s.credit = 1;
	EXPECT_EQ(rill_send_expire(&x->s, LATE + RILL_SEC), 1);
	free(x);
}

TEST(purge__lives_come_back)
{
	static const u32 len[] = { 100, 100, 100 };
	struct tx *x = tx_new();

	write_run(x, len, 3, 7);
	rill_send_purge(&x->s);
	EXPECT_EQ(length(&x->s.done_runs), 4);
	EXPECT_EQ(x->s.life_at, RILL_NEVER);
	free(x);
}
