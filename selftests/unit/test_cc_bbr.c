// SPDX-License-Identifier: GPL-2.0
#include "cc.h"
#include "test.h"

#define MSS 1456

/*
 * A path seen from its acknowledgements: one for 4 packets or more, each packet
 * @rtt after it was sent, @bw bytes a second at most, @loss packets in 1000 lost.
 */
struct path {
	struct rill_cc cc;
	u64 bw, rtt, loss;
	u32 marks;		/* packets of 100 marked */
	u64 now, delivered, lost, credit;
};

static void path_init(struct path *p, u64 bw, u64 rtt)
{
	memset(p, 0, sizeof(*p));
	p->bw = bw;
	p->rtt = rtt;
	p->now = RILL_SEC;
	rill_cc_init(&p->cc, &rill_cc_bbr, MSS);
}

/* One round trip: what the window and the pace let out comes back. */
static void path_round(struct path *p, bool limited)
{
	u64 flight = p->cc.cwnd, pace = p->cc.pacing_rate, can, queue, n, i, acked, prior, lost;

	can = p->bw * (p->rtt / RILL_USEC) / 1000000;
	if (pace)
		flight = min(flight, pace * (p->rtt / RILL_USEC) / 1000000 + 4 * MSS);
	queue = flight > can ? flight - can : 0;
	n = clamp(min(flight, can) / (4 * MSS), 1ULL, 100ULL);
	acked = max(min(flight, can) / n, 4ULL * MSS);
	prior = p->delivered;
	lost = flight * p->loss / 1000;
	if (lost >= MSS) {
		struct rill_cc_loss l = { .now = p->now, .packets = lost / MSS };

		rill_cc_lost(&p->cc, &l);
	}
	for (i = 0; i < n; i++) {
		struct rill_cc_ack a = {
			.acked = acked, .srtt = p->rtt, .min_rtt = p->rtt,
			.rtt = p->rtt + queue * 1000000 / p->bw * RILL_USEC,
			.inflight = flight, .cwnd_limited = !limited,
			.lost = lost, .ect = 100, .marked = p->marks,
		};

		p->now += p->rtt / n;
		p->delivered += a.acked;
		a.now = p->now;
		a.sent_at = p->now - a.rtt;
		a.delivered = p->delivered;
		a.rate.prior = prior > 0 ? prior + i * a.acked - min(prior, n * a.acked) : 0;
		a.rate.bytes = n * acked;
		a.rate.interval = p->rtt;
		a.rate.inflight = flight;
		a.rate.limited = limited;
		rill_cc_acked(&p->cc, &a);
	}
}

static void path_run(struct path *p, u32 rounds, bool limited)
{
	while (rounds--)
		path_round(p, limited);
}

/* The pace comes to what the path delivers and the window to two of it, not more. */
TEST(model__finds_the_rate)
{
	static const struct { u64 bw, rtt; } t[] = {
		{ 125000, 40 * RILL_MSEC }, { 12500000, 40 * RILL_MSEC },
		{ 125000000, RILL_MSEC }, { 12500000000ULL, 10 * RILL_MSEC },
		{ 12500000000ULL, 200 * RILL_MSEC },
	};
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		u64 bdp = t[i].bw * (t[i].rtt / RILL_USEC) / 1000000;
		struct path p;

		path_init(&p, t[i].bw, t[i].rtt);
		path_run(&p, 300, false);
		ROW("%llu B/s %llu ms", t[i].bw, t[i].rtt / RILL_MSEC);
		if (bdp < 8 * MSS) {
			EXPECT(p.cc.cwnd >= 4 * MSS && p.cc.cwnd <= 3 * 65536 + 8 * MSS);
			continue;
		}
		EXPECT(p.cc.pacing_rate > t[i].bw * 80 / 100);
		EXPECT(p.cc.pacing_rate < t[i].bw * 130 / 100);
		EXPECT(p.cc.cwnd >= bdp / 2);
		EXPECT(p.cc.cwnd <= max(3 * bdp, 3 * 65536ULL + bdp) + 8 * MSS);
	}
}

/* One packet in a hundred lost, whatever is sent, is not a full path. */
TEST(model__bears_noise)
{
	struct path p;

	path_init(&p, 12500000, 40 * RILL_MSEC);
	p.loss = 10;
	path_run(&p, 300, false);
	EXPECT(p.cc.pacing_rate > 12500000 * 80 / 100);
}

/* A path that loses a tenth is too full: the bounds come down. */
TEST(model__yields_to_heavy_loss)
{
	struct path p;
	u64 before;

	path_init(&p, 12500000, 40 * RILL_MSEC);
	path_run(&p, 100, false);
	before = p.cc.cwnd;
	p.loss = 100;
	path_run(&p, 20, false);
	EXPECT(p.cc.cwnd < before * 80 / 100);
	EXPECT(p.cc.cwnd >= 4 * MSS);
}

/* Marks are answered, the more the more there are; and a start that is marked ends. */
TEST(model__yields_to_marks)
{
	static const u32 marks[] = { 0, 5, 50 };
	u64 cwnd[COUNT(marks)];
	struct path p;
	u32 i;

	for (i = 0; i < COUNT(marks); i++) {
		path_init(&p, 12500000, 40 * RILL_MSEC);
		path_run(&p, 100, false);
		p.marks = marks[i];
		path_run(&p, 12, false);
		cwnd[i] = p.cc.cwnd;
		EXPECT(cwnd[i] >= 4 * MSS);
	}
	EXPECT(cwnd[1] < cwnd[0] && cwnd[2] < cwnd[0] * 80 / 100);
	path_init(&p, 125000000, 40 * RILL_MSEC);
	p.marks = 60;
	path_run(&p, 6, false);
	EXPECT(p.cc.pacing_rate < 125000000 / 2);
}

/* What the program does not send teaches nothing about the path. */
TEST(model__program_is_the_limit)
{
	struct path p;
	u64 rate;

	path_init(&p, 12500000, 40 * RILL_MSEC);
	path_run(&p, 100, false);
	rate = p.cc.pacing_rate;
	p.bw = 1250000;		/* samples a tenth as fast */
	path_run(&p, 60, true);
	EXPECT(p.cc.pacing_rate > rate / 2);
}

/* After idle time the known rate, no burst; a mark is no loss; nothing divides by 0. */
TEST(model__edges)
{
	struct rill_cc_loss mark = { .now = RILL_SEC };
	struct rill_cc_ack zero = { .now = RILL_SEC };
	struct path p;
	u64 cwnd;

	path_init(&p, 12500000, 40 * RILL_MSEC);
	rill_cc_acked(&p.cc, &zero);
	EXPECT(p.cc.cwnd >= 4 * MSS && p.cc.pacing_rate >= MSS);
	path_run(&p, 100, false);
	cwnd = p.cc.cwnd;
	EXPECT(!rill_cc_lost(&p.cc, &mark));
	rill_cc_idle(&p.cc, 50, p.now + 10 * RILL_SEC);
	EXPECT_EQ(p.cc.cwnd, cwnd);
	EXPECT(p.cc.pacing_rate < 12500000 * 101 / 100);
	rill_cc_switch(&p.cc, &rill_cc_cubic);
	EXPECT_EQ(p.cc.cwnd, cwnd);
	EXPECT_EQ(p.cc.pacing_rate, 0);
}

/* Acknowledgements that come in a bunch, faster than a round trip, tell no rate. */
TEST(model__bunched_acknowledgements)
{
	struct rill_cc_ack a = { .acked = 4 * MSS, .min_rtt = 40 * RILL_MSEC,
				 .srtt = 40 * RILL_MSEC, .rtt = 40 * RILL_MSEC };
	struct path p;
	u64 rate;

	path_init(&p, 12500000, 40 * RILL_MSEC);
	path_run(&p, 100, false);
	rate = p.cc.pacing_rate;
	a.now = p.now;
	a.inflight = p.cc.cwnd;
	a.rate.bytes = 100000000;
	a.rate.interval = RILL_MSEC;
	rill_cc_acked(&p.cc, &a);
	EXPECT(p.cc.pacing_rate <= 2 * rate);
}
