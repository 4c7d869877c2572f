// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include "sent.h"
#include "test.h"

#define NOW RILL_SEC
#define PLEN 1000

/* The books with up to 8 runs and 64 records of memory. */
struct tx {
	struct rill_send s;
	struct rill_run run[8];
	struct rill_rec rec[64];
	u32 nrun, nrec;
};

static struct tx *tx_new(void)
{
	struct tx *t = calloc(1, sizeof(*t));

	rill_send_init(&t->s, NOW);
	return t;
}

static struct rill_run *append(struct tx *t, u32 len, u8 flags)
{
	struct rill_run *run = &t->run[t->nrun++];

	run->len = len;
	run->plen = PLEN;
	run->n = len ? (len + PLEN - 1) / PLEN : 1;
	run->flags = flags;
	rill_send_append(&t->s, run, NOW);
	return run;
}

static struct rill_rec *sent(struct tx *t, struct rill_run *run, u8 first, u8 n, u64 now)
{
	struct rill_rec *rec = &t->rec[t->nrec++];

	rill_send_record(&t->s, rec, run, first, n, run && first < run->nsent ? RILL_REC_RTX : 0, now);
	return rec;
}

/* Acknowledge @first + 1 packets down from @largest, then (gap, run) pairs. */
static bool acked(struct tx *t, u32 largest, u32 first, const u8 *pair, u8 pairs, u64 now,
		  struct rill_acked *res)
{
	struct rill_ackblk a = { .largest = largest, .first = first, .pairs = pairs, .pair = pair };

	if (!rill_send_ack_valid(&t->s, &a))
		return false;
	rill_send_acked(&t->s, &a, now, res);
	return true;
}

static u32 length(const struct list_head *h)
{
	const struct list_head *e;
	u32 n = 0;

	for (e = h->next; e != h; e = e->next)
		n++;
	return n;
}

TEST(mask__all_widths)
{
	EXPECT_EQ(rill_mask(0), 0);
	EXPECT_EQ(rill_mask(1), 1);
	EXPECT_EQ(rill_mask(63), U64_MAX >> 1);
	EXPECT_EQ(rill_mask(64), U64_MAX);
	EXPECT_EQ(rill_mask(99), U64_MAX);
}

TEST(run_payload__last_is_short)
{
	struct rill_run run = { .len = 2500, .plen = 1000, .n = 3 };

	EXPECT_EQ(rill_run_payload(&run, 0), 1000);
	EXPECT_EQ(rill_run_payload(&run, 2), 500);
	EXPECT_EQ(rill_run_bytes(&run, 0, 3), 2500);
	EXPECT_EQ(rill_run_bytes(&run, 1, 1), 1000);
	EXPECT_EQ(rill_run_bytes(&run, 1, 2), 1500);
	EXPECT_EQ(rill_run_bytes(&run, 2, 1), 500);
}

TEST(append__offsets)
{
	struct tx *t = tx_new();
	struct rill_run *a = append(t, 2500, 0), *b = append(t, 10, 0);

	EXPECT(a->off == 0 && b->off == 2500 && t->s.end == 2510);
	EXPECT(t->s.unsent == a);
	EXPECT(rill_send_tail(&t->s) == b);
	rill_send_grow(&t->s, b, 1500);
	EXPECT(b->len == 1510 && b->n == 2 && t->s.end == 4010);
	EXPECT(!t->s.fin_queued);
	append(t, 0, RILL_RUN_FIN);
	EXPECT(t->s.fin_queued);
	free(t);
}

TEST(record__moves_nxt)
{
	struct tx *t = tx_new();
	struct rill_run *a = append(t, 2500, 0), *b = append(t, 10, 0);

	sent(t, a, 0, 2, NOW);
	EXPECT(t->s.nxt == 2000 && t->s.unsent == a && t->s.pn_next == 3);
	EXPECT(t->s.inflight == 2 * (PLEN + RILL_HDR) && t->s.inflight_pkts == 2);
	EXPECT(rill_send_tail(&t->s) == b);
	sent(t, a, 2, 1, NOW + 1);
	EXPECT(t->s.nxt == 2500 && t->s.unsent == b);
	sent(t, b, 0, 1, NOW + 2);
	EXPECT(t->s.nxt == 2510 && !t->s.unsent && !rill_send_tail(&t->s));
	EXPECT_EQ(t->s.inflight, 2510 + 4 * RILL_HDR);
	EXPECT_EQ(t->s.last_sent_at, NOW + 2);
	free(t);
}

TEST(ack_valid__refusals)
{
	static const u8 gap0[] = { 0, 0, 0, 0 }, gap5[] = { 0, 5, 0, 0 };
	static const struct { const char *what; u32 largest, first; const u8 *pair; bool want; } t[] = {
		/* packets 1 .. 10 were sent */
		{ "all", 10, 9, NULL, 1 },
		{ "the first", 1, 0, NULL, 1 },
		{ "one never sent", 11, 0, NULL, 0 },
		{ "far beyond", 0x7fffffff, 0, NULL, 0 },
		{ "packet 0", 0, 0, NULL, 0 },
		{ "down to packet 0", 10, 10, NULL, 0 },
		{ "before zero", 0xffffffff, 0, NULL, 0 },
		{ "a pair down to 1", 10, 7, gap0, 1 },
		{ "a pair down to 0", 10, 8, gap0, 0 },
		{ "a gap below zero", 10, 4, gap5, 0 },
	};
	struct tx *x = tx_new();
	struct rill_acked res;
	u32 i;

	append(x, 10 * PLEN, 0);
	sent(x, &x->run[0], 0, 10, NOW);
	for (i = 0; i < COUNT(t); i++) {
		struct rill_ackblk a = { .largest = t[i].largest, .first = t[i].first,
					 .pairs = !!t[i].pair, .pair = t[i].pair };

		ROW("%s", t[i].what);
		EXPECT_EQ(rill_send_ack_valid(&x->s, &a), t[i].want);
	}
	EXPECT_EQ(x->s.inflight_pkts, 10);
	EXPECT(acked(x, 10, 9, NULL, 0, NOW + 5, &res));
	EXPECT_EQ(x->s.una, 10 * PLEN);
	free(x);
}

TEST(acked__parts_of_a_run)
{
	static const u8 pair[] = { 0, 0, 0, 0 };	/* one missing, one there */
	struct tx *t = tx_new();
	struct rill_acked res;

	append(t, 4500, 0);
	sent(t, &t->run[0], 0, 5, NOW);
	EXPECT(acked(t, 3, 0, pair, 1, NOW + RILL_MSEC, &res));	/* 3 and 1 */
	EXPECT(res.pkts == 2 && res.payload == 2000 && res.bytes == 2048 && res.rtt == RILL_MSEC);
	EXPECT(t->s.una == 1000 && t->s.inflight_pkts == 3 && t->s.largest_acked == 3);
	EXPECT(acked(t, 3, 2, NULL, 0, NOW + 2 * RILL_MSEC, &res));
	EXPECT(res.pkts == 1 && res.rtt == 0);	/* the largest is not new: no sample */
	EXPECT_EQ(t->s.una, 3000);
	EXPECT(acked(t, 5, 4, NULL, 0, NOW + 3 * RILL_MSEC, &res));
	EXPECT(res.pkts == 2 && res.payload == 1500 && res.bytes == 1548);
	EXPECT(t->s.una == 4500 && !t->s.inflight && !t->s.inflight_pkts);
	EXPECT(length(&t->s.done_runs) == 1 && length(&t->s.done_recs) == 1);
	EXPECT(!rill_send_busy(&t->s));
	EXPECT(acked(t, 5, 4, NULL, 0, NOW + 4 * RILL_MSEC, &res));
	EXPECT(!res.pkts && !res.payload);
	free(t);
}

TEST(acked__out_of_order_runs)
{
	struct tx *t = tx_new();
	struct rill_acked res;

	append(t, 1000, 0);
	append(t, 1000, RILL_RUN_FIN);
	sent(t, &t->run[0], 0, 1, NOW);
	sent(t, &t->run[1], 0, 1, NOW);
	EXPECT(acked(t, 2, 0, NULL, 0, NOW + 1, &res));
	EXPECT(t->s.una == 0 && !t->s.fin_acked && !length(&t->s.done_runs));
	EXPECT(acked(t, 2, 1, NULL, 0, NOW + 1, &res));
	EXPECT(t->s.una == 2000 && t->s.fin_acked && length(&t->s.done_runs) == 2);
	free(t);
}

TEST(acked__empty_fin)
{
	struct tx *t = tx_new();
	struct rill_acked res;

	append(t, 0, RILL_RUN_FIN)->plen = 0;
	sent(t, &t->run[0], 0, 1, NOW);
	EXPECT_EQ(t->s.inflight, RILL_HDR);
	EXPECT(acked(t, 1, 0, NULL, 0, NOW + 1, &res));
	EXPECT(t->s.fin_acked && res.payload == 0 && res.bytes == RILL_HDR);
	free(t);
}

TEST(acked__64_packets)
{
	struct tx *t = tx_new();
	struct rill_acked res;

	append(t, 64 * PLEN, 0);
	sent(t, &t->run[0], 0, 64, NOW);
	EXPECT_EQ(t->rec[0].live, U64_MAX);
	EXPECT(acked(t, 64, 0, NULL, 0, NOW + 1, &res));
	EXPECT_EQ(t->s.una, 0);
	EXPECT(acked(t, 64, 63, NULL, 0, NOW + 1, &res));
	EXPECT_EQ(t->s.una, 64 * PLEN);
	EXPECT_EQ(t->s.inflight, 0);
	free(t);
}

TEST(lose__and_again)
{
	struct rill_losses l = { 0 };
	struct tx *t = tx_new();
	struct rill_acked res;
	struct rill_run *run;
	u8 first, n;

	run = append(t, 5000, 0);
	sent(t, run, 0, 5, NOW);
	EXPECT(!rill_send_next_lost(&t->s, &first, &n));
	rill_send_lose(&t->s, &t->rec[0], 0x16, &l);		/* 1 2 4 */
	EXPECT(l.pkts == 3 && t->s.rtx_pkts == 3 && t->s.inflight_pkts == 2);
	EXPECT(rill_send_next_lost(&t->s, &first, &n) == run && first == 1 && n == 2);
	sent(t, run, 1, 2, NOW + 5);				/* packets 6, 7 */
	EXPECT(t->s.rtx_pkts == 1 && t->s.retrans_out == 2 && t->s.nxt == 5000);
	EXPECT(rill_send_next_lost(&t->s, &first, &n) == run && first == 4 && n == 1);
	sent(t, run, 4, 1, NOW + 6);
	EXPECT(!rill_send_next_lost(&t->s, &first, &n));
	EXPECT(acked(t, 8, 7, NULL, 0, NOW + 9, &res));
	EXPECT(t->s.una == 5000 && res.spurious == 3 && res.late == 9 && !t->s.retrans_out);
	EXPECT(!t->s.inflight && length(&t->s.done_recs) == 3);
	free(t);
}

TEST(acked__late_news_of_a_lost_packet)
{
	struct rill_losses l = { 0 };
	struct tx *t = tx_new();
	struct rill_acked res;

	append(t, 2000, 0);
	sent(t, &t->run[0], 0, 2, NOW);
	rill_send_lose(&t->s, &t->rec[0], 1, &l);
	EXPECT(acked(t, 1, 0, NULL, 0, NOW + 7, &res));
	EXPECT(res.pkts == 0 && res.spurious == 1 && res.late == 7 && res.payload == 1000);
	EXPECT(t->s.rtx_pkts == 0 && t->s.una == 1000);		/* not to be sent again */
	free(t);
}

/* The run goes back though a record of a lost packet remains (simulator, seed 17). */
TEST(acked__memory_does_not_wait_for_lost_records)
{
	struct rill_losses l = { 0 };
	struct tx *t = tx_new();
	struct rill_acked res;

	append(t, 2000, 0);
	sent(t, &t->run[0], 0, 2, NOW);
	rill_send_lose(&t->s, &t->rec[0], 1, &l);
	sent(t, &t->run[0], 0, 1, NOW + 1);
	EXPECT(acked(t, 3, 1, NULL, 0, NOW + 5, &res));		/* 3 and 2, never 1 */
	EXPECT_EQ(t->s.una, 2000);
	EXPECT_EQ(length(&t->s.done_runs), 1);
	EXPECT_EQ(length(&t->s.recs), 1);
	EXPECT(!t->rec[0].run);
	EXPECT(acked(t, 3, 2, NULL, 0, NOW + 6, &res));		/* and then 1 after all */
	EXPECT_EQ(res.spurious, 1);
	EXPECT_EQ(length(&t->s.recs), 0);
	free(t);
}

TEST(acked__a_packet_sent_twice)
{
	struct rill_losses l = { 0 };
	struct tx *t = tx_new();
	struct rill_acked res;

	append(t, 1000, 0);
	sent(t, &t->run[0], 0, 1, NOW);
	sent(t, &t->run[0], 0, 1, NOW + 1);	/* a probe */
	EXPECT_EQ(t->s.inflight_pkts, 2);
	EXPECT(acked(t, 2, 0, NULL, 0, NOW + 5, &res));
	EXPECT(res.payload == 1000 && t->s.una == 1000 && t->s.inflight_pkts == 1);
	/* The first is lost, but its data is there. */
	rill_send_lose(&t->s, &t->rec[0], 1, &l);
	EXPECT(t->s.rtx_pkts == 0 && t->s.inflight_pkts == 0);
	free(t);
}

TEST(acked__echo)
{
	struct tx *t = tx_new();
	struct rill_acked res;

	rill_send_record(&t->s, &t->rec[0], NULL, 0, 1, RILL_REC_ECHO, NOW);
	EXPECT_EQ(t->s.inflight, RILL_HDR);
	EXPECT(acked(t, 1, 0, NULL, 0, NOW + 1, &res));
	EXPECT(res.echo && res.pkts == 1 && !res.payload);
	free(t);
}

/* How long data waits is not shortened by probes that come through, nor by going again. */
TEST(acked__a_probe_is_no_progress)
{
	struct tx *t = tx_new();
	struct rill_losses lost = { 0 };
	struct rill_run *run = append(t, PLEN, 0);
	struct rill_acked res;
	struct rill_rec *rec;

	rec = sent(t, run, 0, 1, NOW + 1);
	EXPECT_EQ(t->s.progress_at, NOW + 1);
	sent(t, NULL, 0, 1, NOW + 2);
	EXPECT(acked(t, 2, 0, NULL, 0, NOW + 3, &res));
	EXPECT(res.pkts == 1 && !res.news);
	rill_send_lose(&t->s, rec, 1, &lost);
	sent(t, run, 0, 1, NOW + 4);		/* nothing else is out */
	EXPECT_EQ(t->s.progress_at, NOW + 1);
	EXPECT(acked(t, 3, 0, NULL, 0, NOW + 5, &res));
	EXPECT(res.news && t->s.progress_at == NOW + 5);
	free(t);
}

TEST(oldest__for_a_probe)
{
	struct tx *t = tx_new();
	struct rill_acked res;
	u8 idx;

	EXPECT(!rill_send_oldest(&t->s, &idx));
	append(t, 3000, 0);
	EXPECT(!rill_send_oldest(&t->s, &idx));
	sent(t, &t->run[0], 0, 2, NOW);
	EXPECT(rill_send_oldest(&t->s, &idx) == &t->run[0] && idx == 0);
	acked(t, 1, 0, NULL, 0, NOW, &res);
	EXPECT(rill_send_oldest(&t->s, &idx) == &t->run[0] && idx == 1);
	acked(t, 2, 0, NULL, 0, NOW, &res);
	EXPECT(!rill_send_oldest(&t->s, &idx));
	free(t);
}

TEST(purge__all_memory_back)
{
	struct rill_losses l = { 0 };
	struct tx *t = tx_new();

	append(t, 3000, 0);
	append(t, 3000, 0);
	sent(t, &t->run[0], 0, 3, NOW);
	rill_send_lose(&t->s, &t->rec[0], 1, &l);
	sent(t, &t->run[0], 0, 1, NOW);
	rill_send_purge(&t->s);
	EXPECT(length(&t->s.done_runs) == 2 && length(&t->s.done_recs) == 2);
	EXPECT(!t->s.inflight && !t->s.inflight_pkts && !t->s.rtx_pkts && !t->s.unsent &&
	       !t->s.retrans_out);
	free(t);
}

TEST(next_lost__nothing_waits)
{
	struct tx *t = tx_new();
	u8 first, n;

	append(t, 3000, 0);
	sent(t, &t->run[0], 0, 3, NOW);
	EXPECT(!rill_send_next_lost(&t->s, &first, &n));
	t->s.rtx_pkts = 1;			/* a count that nothing bears out */
	EXPECT(!rill_send_next_lost(&t->s, &first, &n));
	free(t);
}
