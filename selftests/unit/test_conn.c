// SPDX-License-Identifier: GPL-2.0
/* Exchanges between two ends, packet by packet. */
#include <errno.h>
#include "duo.h"
#include "test.h"

#define PAY 1000

static int state(const struct duo *d, int end)
{
	return d->e[end].born ? d->e[end].c.state : 0;
}

/* Both have everything and hold no memory but records of lost packets. */
static void expect_quiet(const struct duo *d)
{
	int i;

	for (i = 0; i < 2; i++) {
		EXPECT_EQ(d->e[i].runs, 0);
		EXPECT(d->e[i].recs <= d->e[i].c.st.lost);
		EXPECT(!d->e[i].c.tx.inflight && !d->e[i].c.tx.inflight_pkts);
	}
}

/* --- opening --- */

TEST(open__three_packets)
{
	struct duo *d = duo_new();

	duo_connect(d);
	EXPECT_EQ(state(d, 0), RILL_SYN_SENT);
	duo_deliver(d, 0);				/* SYN */
	EXPECT(d->nq == 1 && d->q[0]->p.h.type == RILL_T_SYNACK && !d->e[1].born);
	duo_deliver(d, 0);
	EXPECT_EQ(state(d, 0), RILL_ESTABLISHED);
	EXPECT(d->e[0].bits & RILL_B_CONNECTED);
	EXPECT(d->nq == 1 && d->q[0]->p.h.type == RILL_T_ECHO && !d->e[0].c.confirmed);
	duo_deliver(d, 0);
	EXPECT_EQ(state(d, 1), RILL_ESTABLISHED);
	EXPECT(d->nq == 1 && rill_ext_has(&d->q[0]->p.x, RILL_I_ACK));	/* at once */
	duo_deliver(d, 0);
	EXPECT(d->nq == 0 && d->e[0].c.confirmed && d->e[0].c.echo_done);
	EXPECT_EQ(d->e[0].c.peer_cid, d->e[1].c.cid);
	EXPECT_EQ(d->e[1].c.peer_cid, d->e[0].c.cid);
	EXPECT_EQ(rill_conn_deadline(&d->e[0].c), RILL_NEVER);
	EXPECT_EQ(rill_conn_deadline(&d->e[1].c), RILL_NEVER);
	expect_quiet(d);
	duo_free(d);
}

/* Each packet of the handshake is lost once. */
TEST(open__each_packet_lost)
{
	int lost;

	for (lost = 0; lost < 4; lost++) {
		struct duo *d = duo_new();
		int i;

		duo_connect(d);
		for (i = 0; i < lost; i++)
			duo_deliver(d, 0);
		duo_drop(d, 0);
		duo_run(d, 5 * RILL_SEC);
		ROW("packet %d", lost);
		EXPECT_EQ(state(d, 0), RILL_ESTABLISHED);
		EXPECT_EQ(state(d, 1), RILL_ESTABLISHED);
		EXPECT(d->e[0].c.confirmed);
		expect_quiet(d);
		duo_free(d);
	}
}

TEST(open__syn_retries)
{
	struct duo *d = duo_new();
	u64 began = d->now, gap = RILL_SEC;
	int n;

	duo_connect(d);
	for (n = 1; n <= RILL_SYN_RETRIES; n++, gap *= 2) {
		EXPECT_EQ(d->nq, 1);
		EXPECT_EQ(d->q[0]->p.h.pn, n - 1);
		duo_drop_all(d);
		EXPECT_EQ(rill_conn_deadline(&d->e[0].c), d->now + gap);
		duo_wait(d, gap);
	}
	duo_drop_all(d);
	duo_wait(d, gap);
	EXPECT_EQ(state(d, 0), RILL_CLOSE);
	EXPECT_EQ(d->e[0].err, ETIMEDOUT);
	EXPECT(d->now - began >= 180 * RILL_SEC);	/* RFC 9293 MUST-23 */
	EXPECT_EQ(d->nq, 0);				/* no RESET for nobody */
	duo_free(d);
}

TEST(open__refused)
{
	struct duo *d = duo_new();

	d->listening = false;
	duo_connect(d);
	duo_pass(d);
	EXPECT_EQ(state(d, 0), RILL_CLOSE);
	EXPECT_EQ(d->e[0].err, ECONNREFUSED);
	duo_free(d);
}

TEST(open__accept_queue_full)
{
	struct duo *d = duo_new();

	d->full = true;
	duo_connect(d);
	duo_run(d, 2 * RILL_SEC);
	EXPECT_EQ(state(d, 0), RILL_SYN_SENT);
	d->full = false;
	duo_run(d, 10 * RILL_SEC);
	EXPECT_EQ(state(d, 1), RILL_ESTABLISHED);
	duo_free(d);
}

/* Full between SYN-ACK and echo: the client believes it is connected, and repeats. */
TEST(open__full_at_the_echo)
{
	struct duo *d = duo_new();

	duo_connect(d);
	duo_deliver(d, 0);
	duo_deliver(d, 0);
	duo_write(d, 0, 3 * PAY);
	d->full = true;
	duo_run(d, RILL_SEC);
	EXPECT(!d->e[1].born && state(d, 0) == RILL_ESTABLISHED);
	d->full = false;
	duo_run(d, 10 * RILL_SEC);
	EXPECT_EQ(d->e[1].c.rx.nxt, 3 * PAY);
	duo_free(d);
}

TEST(open__data_with_the_echo)
{
	struct duo *d = duo_new();
	u64 began = d->now;

	duo_connect(d);
	duo_deliver(d, 0);
	d->now += d->owd;
	duo_deliver(d, 0);
	duo_write(d, 0, 100);
	EXPECT_EQ(d->nq, 2);
	d->now += d->owd;
	duo_deliver(d, 0);
	duo_deliver(d, 0);
	EXPECT_EQ(d->e[1].c.rx.nxt, 100);
	EXPECT_EQ(d->now - began, 2 * d->owd);
	duo_free(d);
}

/* Data overtakes the echo: it finds nobody, and its loss ends nothing. */
TEST(open__data_before_the_echo)
{
	struct duo *d = duo_new();

	duo_connect(d);
	duo_deliver(d, 0);
	duo_deliver(d, 0);
	duo_write(d, 0, 100);
	duo_deliver(d, 1);
	EXPECT_EQ(state(d, 0), RILL_ESTABLISHED);
	duo_run(d, 5 * RILL_SEC);
	EXPECT_EQ(d->e[1].c.rx.nxt, 100);
	duo_free(d);
}

TEST(open__duplicates_open_one)
{
	struct duo *d = duo_new();
	struct duo_pkt syn, echo;

	duo_connect(d);
	syn = *d->q[0];
	duo_deliver(d, 0);
	duo_deliver(d, 0);
	echo = *d->q[0];
	duo_deliver(d, 0);
	duo_raw(d, 1, syn.b, syn.len);			/* an old SYN */
	duo_raw(d, 1, echo.b, echo.len);		/* and an old echo */
	duo_pass(d);
	EXPECT_EQ(d->e[1].mib[RILL_MIB_PASSIVEOPENS], 1);
	EXPECT_EQ(d->e[1].mib[RILL_MIB_INDUP], 1);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_INSTATE], 1);	/* a second SYN-ACK */
	EXPECT_EQ(state(d, 0), RILL_ESTABLISHED);
	duo_free(d);
}

TEST(open__echo_too_old)
{
	struct duo *d = duo_new();

	duo_connect(d);
	duo_deliver(d, 0);
	duo_deliver(d, 0);
	d->now += RILL_COOKIE_TTL + 1;
	duo_pass(d);
	EXPECT_EQ(state(d, 0), RILL_CLOSE);
	EXPECT_EQ(d->e[0].err, ECONNRESET);
	EXPECT(!d->e[1].born);
	duo_free(d);
}

TEST(open__icmp)
{
	struct duo *d = duo_new();
	struct rill_out out;

	duo_connect(d);
	rill_out_init(&out);
	rill_conn_icmp(&d->e[0].c, EHOSTUNREACH, d->now, &out);
	EXPECT(state(d, 0) == RILL_CLOSE && out.err == EHOSTUNREACH && out.bits & RILL_B_RESET);
	duo_free(d);

	d = duo_open();
	rill_out_init(&out);
	rill_conn_icmp(&d->e[0].c, EHOSTUNREACH, d->now, &out);
	EXPECT(state(d, 0) == RILL_ESTABLISHED && !out.err);
	duo_write(d, 0, 10);
	duo_wait(d, RILL_R2 + RILL_SEC);
	EXPECT_EQ(d->e[0].err, EHOSTUNREACH);		/* the hint names the end */
	duo_free(d);
}

TEST(open__closed_while_connecting)
{
	struct duo *d = duo_new();

	duo_connect(d);
	duo_drop_all(d);
	duo_shut(d, 0);
	EXPECT(state(d, 0) == RILL_CLOSE && d->nq == 0);
	EXPECT_EQ(rill_conn_deadline(&d->e[0].c), RILL_NEVER);
	duo_free(d);
}

TEST(open__rtt_from_the_syn)
{
	struct duo *d = duo_open();

	EXPECT_EQ(d->e[0].c.rtt.min, 2 * d->owd);
	EXPECT_EQ(d->e[1].c.rtt.min, 2 * d->owd);
	duo_free(d);

	/* Of a SYN sent again there is no telling which was answered but its number. */
	d = duo_new();
	duo_connect(d);
	duo_deliver(d, 0);				/* the answer to the first dawdles */
	duo_wait(d, RILL_SEC);
	EXPECT_EQ(d->nq, 2);
	duo_deliver(d, 0);
	EXPECT(state(d, 0) == RILL_ESTABLISHED && !d->e[0].c.rtt.srtt);
	duo_free(d);
}

/* --- data, loss, probes --- */

TEST(data__lost_packet_again)
{
	struct duo *d = duo_open();

	duo_write(d, 0, 10 * PAY);
	EXPECT_EQ(d->nq, 10);
	duo_drop(d, 2);
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.nxt, 10 * PAY);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_RETRANS], 1);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_LOST], 1);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_CONGESTION], 1);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_PTOS], 0);
	expect_quiet(d);
	duo_free(d);
}

TEST(data__retransmission_has_a_new_number)
{
	struct duo *d = duo_open();
	int i;

	duo_write(d, 0, 6 * PAY);
	duo_drop(d, 0);
	for (i = 0; i < 5; i++)
		duo_deliver(d, 0);
	while (d->nq && d->q[0]->from == 1)
		duo_deliver(d, 0);
	EXPECT(d->nq == 1 && d->q[0]->p.h.off == 0 && d->q[0]->p.h.pn == 8);	/* echo is 1 */
	duo_free(d);
}

TEST(data__tail_loss_takes_a_probe)
{
	struct duo *d = duo_open();
	u64 pto;

	duo_write(d, 0, 3 * PAY);
	pto = rill_rtt_pto(&d->e[0].c.rtt, rill_conn_peer_delay(&d->e[0].c), 0);
	duo_drop_all(d);
	EXPECT_EQ(rill_conn_deadline(&d->e[0].c), d->now + pto);
	duo_wait(d, pto);
	EXPECT_EQ(d->nq, 2);				/* two probes */
	EXPECT(d->q[0]->probe && d->q[1]->probe);
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.nxt, 3 * PAY);
	EXPECT_EQ(d->e[0].c.pto_count, 0);
	duo_free(d);
}

TEST(pto__backs_off)
{
	struct duo *d = duo_open();
	u64 last = 0, gap = 0;
	int n;

	duo_write(d, 0, PAY);
	duo_drop_all(d);
	for (n = 0; n < 14 && state(d, 0) == RILL_ESTABLISHED; n++) {
		duo_wait(d, rill_conn_deadline(&d->e[0].c) - d->now);
		EXPECT_EQ(d->nq, 2);
		if (n > 1)
			EXPECT_NEAR((double)(d->now - last), min((double)RILL_PTO_MAX, 2.0 * gap), 1);
		gap = last ? d->now - last : 0;
		last = d->now;
		duo_drop_all(d);
	}
	EXPECT_EQ(d->e[0].c.tx.inflight_pkts, 1 + d->e[0].mib[RILL_MIB_PTOS] * 2);
	duo_free(d);
}

/* From the third on one probe names us and has no payload. */
TEST(pto__asks_a_peer_that_forgot)
{
	struct duo *d = duo_open();
	int n;

	duo_write(d, 0, PAY);
	duo_drop_all(d);
	for (n = 1; n <= 4; n++) {
		duo_wait(d, rill_conn_deadline(&d->e[0].c) - d->now);
		ROW("PTO %d", n);
		EXPECT_EQ(rill_ext_has(&d->q[1]->p.x, RILL_I_CID), n > 2);
		duo_drop_all(d);
	}
	/* The peer is gone: it says so, and that is the end. */
	d->e[1].c.state = RILL_CLOSE;
	duo_run(d, 10 * RILL_SEC);
	EXPECT(state(d, 0) == RILL_CLOSE && d->e[0].err == ECONNRESET);
	duo_free(d);
}

TEST(r2__gives_up)
{
	struct duo *d = duo_open();
	u64 began = d->now;

	duo_write(d, 0, PAY);
	duo_drop_all(d);
	while (state(d, 0) == RILL_ESTABLISHED) {
		duo_wait(d, rill_conn_deadline(&d->e[0].c) - d->now);
		if (state(d, 0) == RILL_ESTABLISHED)
			duo_drop_all(d);
	}
	EXPECT_EQ(d->now - began, RILL_R2);
	EXPECT_EQ(d->e[0].err, ETIMEDOUT);
	EXPECT(d->nq == 1 && d->q[0]->p.x.reason == RILL_R_TIMEOUT);
	duo_free(d);
}

TEST(user_timeout__data)
{
	struct duo *d = duo_open();

	d->e[0].c.user_timeout = 5 * RILL_SEC;
	duo_write(d, 0, PAY);
	duo_wait(d, 5 * RILL_SEC - 1);
	EXPECT_EQ(state(d, 0), RILL_ESTABLISHED);
	duo_wait(d, 1);
	EXPECT(state(d, 0) == RILL_CLOSE && d->e[0].err == ETIMEDOUT);
	duo_free(d);
}

TEST(persistent__congestion)
{
	struct duo *d = duo_open();
	int n;

	duo_write(d, 0, 60 * PAY);
	duo_pass(d);
	duo_read(d, 1, d->e[1].c.rx.nxt - d->e[1].c.rx.read);
	duo_pass(d);
	duo_write(d, 0, 5 * PAY);
	duo_drop_all(d);
	for (n = 0; n < 4; n++) {
		duo_wait(d, rill_conn_deadline(&d->e[0].c) - d->now);
		if (n < 3)
			duo_drop_all(d);
	}
	duo_pass(d);
	duo_read(d, 1, d->e[1].c.rx.nxt - d->e[1].c.rx.read);
	duo_pass(d);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_PERSISTENT], 1);
	EXPECT_EQ(d->e[1].c.rx.nxt, 65 * PAY);
	EXPECT(d->e[0].c.cc.cwnd < 10 * (PAY + RILL_HDR));
	duo_free(d);
}

TEST(spurious__undo)
{
	struct duo *d = duo_open();
	u64 before;
	struct duo_pkt late;

	duo_write(d, 0, 10 * PAY);
	before = d->e[0].c.cc.cwnd;
	late = *d->q[0];
	duo_drop(d, 0);
	while (!d->e[0].mib[RILL_MIB_LOST])
		duo_deliver(d, 0);
	EXPECT(d->e[0].c.cc.cwnd < before);
	duo_raw(d, 1, late.b, late.len);
	duo_pass(d);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_SPURIOUS], 1);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_UNDOS], 1);
	EXPECT(d->e[0].c.cc.cwnd >= before);
	EXPECT(d->e[0].c.tx.reo_wnd != 0);
	EXPECT_EQ(d->e[1].c.rx.nxt, 10 * PAY);
	duo_free(d);
}

TEST(ack__delayed_25_ms)
{
	struct duo *d = duo_open();

	d->e[1].c.aq.quick = 0;
	duo_write(d, 0, 100);
	duo_deliver(d, 0);
	EXPECT_EQ(d->nq, 0);
	EXPECT_EQ(rill_conn_deadline(&d->e[1].c), d->now + RILL_ACK_DELAY);
	duo_wait(d, RILL_ACK_DELAY - 1);
	EXPECT_EQ(d->nq, 0);
	duo_wait(d, 1);
	EXPECT_EQ(d->nq, 1);
	EXPECT_EQ(d->q[0]->p.x.ack.delay, RILL_ACK_DELAY / RILL_USEC);
	duo_free(d);
}

TEST(ack__every_second_full_packet)
{
	struct duo *d = duo_open();

	d->e[1].c.aq.quick = 0;
	duo_write(d, 0, 4 * PAY);
	duo_deliver(d, 0);
	duo_read(d, 1, PAY);
	EXPECT_EQ(d->nq, 3);			/* one is not enough */
	duo_deliver(d, 0);
	EXPECT_EQ(d->nq, 2);			/* the program has not read it yet */
	duo_read(d, 1, PAY);
	EXPECT_EQ(d->nq, 3);			/* two left, and an acknowledgement */
	EXPECT_EQ(d->q[2]->from, 1);
	duo_free(d);
}

TEST(ack__unread_quarter_of_the_window)
{
	struct duo *d = duo_open();
	u32 wnd = d->e[1].c.rx.wnd;
	u64 acked;

	d->e[1].c.aq.quick = 0;
	duo_write(d, 0, 10 * PAY);
	duo_pass(d);
	acked = d->e[0].c.tx.una;
	EXPECT(acked < 10 * PAY || 10 * PAY >= wnd / 4);
	duo_wait(d, RILL_ACK_DELAY);
	duo_pass(d);
	EXPECT_EQ(d->e[0].c.tx.una, 10 * PAY);	/* late, and unread, but told */
	duo_free(d);
}

TEST(ack__at_once_on_a_gap)
{
	struct duo *d = duo_open();

	d->e[1].c.aq.quick = 0;
	duo_write(d, 0, 3 * PAY);
	duo_deliver(d, 1);
	EXPECT_EQ(d->nq, 3);
	EXPECT_EQ(d->q[2]->p.x.ack.pairs, 1);
	duo_free(d);
}

TEST(ack__none_for_acks)
{
	struct duo *d = duo_open();

	duo_write(d, 0, PAY);
	duo_pass(d);
	EXPECT(d->e[0].c.st.pkts_out <= 4 && d->e[1].c.st.pkts_out <= 3);
	duo_free(d);
}

TEST(rcv__a_run_in_one_call)
{
	struct duo *d = duo_open();

	duo_write(d, 0, 5 * PAY);
	duo_deliver_run(d, 0, 5);
	EXPECT_EQ(d->e[1].c.rx.nxt, 5 * PAY);
	EXPECT_EQ(d->nq, 1);
	duo_pass(d);
	expect_quiet(d);
	duo_free(d);
}

TEST(rcv__a_run_partly_known_is_split)
{
	struct duo *d = duo_open();
	u64 hash;

	duo_write(d, 0, 5 * PAY);
	duo_deliver(d, 2);
	hash = duo_hash(d, 1);
	*d->q[2] = *d->q[1];			/* 0 1 . 3 4 as a run of five */
	d->e[1].bits = 0;
	duo_deliver_run(d, 0, 3);
	EXPECT(d->e[1].bits & RILL_B_SPLIT);
	EXPECT_EQ(duo_hash(d, 1), hash);
	duo_free(d);
}

TEST(rcv__reordering_delivers_in_order)
{
	struct duo *d = duo_open();

	duo_write(d, 0, 4 * PAY);
	duo_deliver(d, 3);
	duo_deliver(d, 1);
	EXPECT_EQ(d->e[1].c.rx.nxt, 0);
	EXPECT_EQ(d->e[1].c.rx.ooo.n, 2);
	duo_deliver(d, 0);
	EXPECT_EQ(d->e[1].c.rx.nxt, 2 * PAY);
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.nxt, 4 * PAY);
	duo_free(d);
}

TEST(rcv__no_room_is_not_acknowledged)
{
	struct duo *d = duo_open();
	struct rill_pkt p;

	duo_write(d, 0, PAY);
	p = d->q[0]->p;
	p.full = true;
	duo_drop_all(d);
	duo_rcv(d, 1, &p);
	EXPECT_EQ(d->e[1].mib[RILL_MIB_INNOROOM], 1);
	EXPECT_EQ(d->e[1].c.rx.nxt, 0);
	EXPECT(d->nq == 1 && d->q[0]->p.x.ack.largest == 1);
	duo_run(d, RILL_SEC);
	EXPECT_EQ(d->e[1].c.rx.nxt, PAY);	/* and comes again */
	duo_free(d);
}

TEST(write__sends_and_frees)
{
	struct duo *d = duo_open();
	int i;

	for (i = 0; i < 50; i++) {
		duo_write(d, i & 1, 7777);
		duo_run(d, RILL_SEC);
		duo_read(d, !(i & 1), 7777);
	}
	duo_run(d, RILL_SEC);
	EXPECT_EQ(d->e[0].c.rx.nxt, 25 * 7777);
	EXPECT_EQ(d->e[1].c.rx.nxt, 25 * 7777);
	expect_quiet(d);
	duo_free(d);
}

TEST(ecn__a_mark_is_a_reduction)
{
	struct duo *d = duo_open();
	u64 before = d->e[0].c.cc.cwnd;

	duo_write(d, 0, 4 * PAY);
	EXPECT_EQ(d->q[0]->p.ecn, RILL_ECT0);
	d->q[0]->p.ecn = RILL_CE;
	duo_pass(d);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_ECNMARKS], 1);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_CONGESTION], 1);
	EXPECT(d->e[0].c.cc.cwnd < before);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_ECNFAILS], 0);
	duo_free(d);
}

/* One reduction a round trip, and the next mark in the next. */
TEST(ecn__once_a_round_trip)
{
	struct duo *d = duo_open();
	int i, n;

	for (i = 0; i < 3; i++) {
		duo_write(d, 0, 8 * PAY);
		for (n = 0; n < d->nq; n++)
			d->q[n]->p.ecn = n < 2 && d->q[n]->p.len ? RILL_CE : d->q[n]->p.ecn;
		duo_run(d, RILL_SEC);
		EXPECT_EQ(d->e[0].mib[RILL_MIB_CONGESTION], i + 1);
	}
	EXPECT_EQ(d->e[0].mib[RILL_MIB_ECNMARKS], 6);
	duo_free(d);
}

/* What the path does to the marks of end 0, and what becomes of them. */
static u8 bleached(u8 ecn, u32 n) { return RILL_NOT_ECT; }
static u8 bleached_later(u8 ecn, u32 n) { return n < 30 ? ecn : RILL_NOT_ECT; }
static u8 remarked(u8 ecn, u32 n) { return ecn == RILL_ECT0 ? RILL_ECT1 : ecn; }
static u8 all_marked(u8 ecn, u32 n) { return ecn ? RILL_CE : 0; }
static u8 some_marked(u8 ecn, u32 n) { return ecn && n % 5 == 4 ? RILL_CE : ecn; }
static u8 untouched(u8 ecn, u32 n) { return ecn; }

TEST(ecn__what_the_path_does)
{
	static const struct { const char *what; u8 (*does)(u8 ecn, u32 n); bool fails; } t[] = {
		{ "nothing", untouched, 0 }, { "marks some", some_marked, 0 },
		{ "bleaches", bleached, 1 }, { "bleaches after a while", bleached_later, 1 },
		{ "makes ECT(1) of ECT(0)", remarked, 1 }, { "marks everything", all_marked, 1 },
	};
	u32 i, j, n, sent;
	int k;

	for (i = 0; i < COUNT(t); i++) {
		struct duo *d = duo_open();

		ROW("%s", t[i].what);
		for (j = sent = 0; j < 30; j++) {
			duo_write(d, 0, 2 * PAY);
			for (k = 0; k < d->nq; k++)
				if (!d->q[k]->from)
					d->q[k]->p.ecn = t[i].does(d->q[k]->p.ecn, sent++);
			duo_run(d, RILL_SEC);
			duo_read(d, 1, 2 * PAY);
		}
		EXPECT_EQ(d->e[0].mib[RILL_MIB_ECNFAILS], t[i].fails);
		duo_write(d, 0, 100);
		n = d->q[0]->p.ecn;
		EXPECT_EQ(n, t[i].fails ? RILL_NOT_ECT : RILL_ECT0);
		EXPECT(t[i].fails || d->e[0].c.ecn.state == RILL_ECN_CAPABLE);
		duo_free(d);
	}
}

/* A path that drops what could be marked: after two time-outs nothing can be. */
TEST(ecn__a_path_that_drops_it)
{
	struct duo *d = duo_open();
	int i, k;

	duo_write(d, 0, 4 * PAY);
	for (i = 0; i < 10 && d->e[0].c.tx.una < 4 * PAY; i++) {
		for (k = d->nq; k--; )
			if (d->q[k]->p.ecn)
				duo_drop(d, k);
		duo_pass(d);
		duo_wait(d, 2 * RILL_SEC);
	}
	EXPECT_EQ(d->e[0].c.tx.una, 4 * PAY);
	EXPECT(!rill_ecn_works(&d->e[0].c.ecn));
	duo_free(d);
}

/* Acknowledgements and probes that carry nothing cannot be marked. */
TEST(ecn__only_what_has_payload)
{
	struct duo *d = duo_new();
	int k;

	duo_connect(d);
	EXPECT_EQ(d->q[0]->p.ecn, 0);
	duo_deliver(d, 0);
	duo_deliver(d, 0);
	EXPECT(d->q[0]->p.h.type == RILL_T_ECHO && !d->q[0]->p.ecn);
	duo_pass(d);
	duo_write(d, 0, PAY);
	duo_deliver(d, 0);
	for (k = 0; k < d->nq; k++)
		EXPECT(d->q[k]->from == 1 && !d->q[k]->p.len && !d->q[k]->p.ecn);
	duo_free(d);
}

/* --- the path's MTU --- */

#define BIG 1500

static struct duo *duo_big(void)
{
	struct duo *d = duo_new();
	int i;

	for (i = 0; i < 2; i++) {
		d->e[i].cfg.payload = BIG;
		d->e[i].cfg.params.max_payload = BIG;
	}
	duo_connect(d);
	duo_pass(d);
	return d;
}

/* Time passes on a path where packets of more than @mtu bytes vanish. */
static void narrow_run(struct duo *d, u32 mtu, u64 ns)
{
	u64 until = d->now + ns;
	int k, n;

	do {
		while (d->nq) {
			d->now += d->owd;
			for (n = d->nq; n--; )
				d->q[0]->len > mtu ? duo_drop(d, 0) : duo_deliver(d, 0);
		}
		k = d->now < until && duo_wait(d, 10 * RILL_MSEC);
	} while (d->now < until || d->nq || k);
}

/* A path narrower than the interface: found, and nothing that was written is lost. */
TEST(pmtu__a_black_hole)
{
	static const u32 mtus[] = { 1200, 1300, 1400, RILL_HDR + BIG };
	u32 i, j;

	for (i = 0; i < COUNT(mtus); i++) {
		struct duo *d = duo_big();

		ROW("%u", mtus[i]);
		for (j = 0; j < 8; j++) {
			duo_write(d, 0, 5 * BIG);
			narrow_run(d, mtus[i], 3 * RILL_SEC);
			duo_read(d, 1, d->e[1].c.rx.nxt - d->e[1].c.rx.read);
			narrow_run(d, mtus[i], RILL_SEC);
		}
		EXPECT_EQ(d->e[1].c.rx.nxt, 8 * 5 * BIG);
		EXPECT(RILL_HDR + d->e[0].c.payload <= mtus[i]);
		EXPECT(RILL_HDR + d->e[0].c.payload + RILL_PMTU_STEP > mtus[i]);
		EXPECT_EQ(d->e[0].mib[RILL_MIB_PMTUHOLES], mtus[i] < RILL_HDR + BIG);
		/* A black hole is no congestion, nor is a probe that is lost. */
		EXPECT_EQ(d->e[0].mib[RILL_MIB_CONGESTION], 0);
		EXPECT(!d->e[0].runs && !d->e[0].c.tx.inflight);
		duo_free(d);
	}
}

/* Partly acknowledged, partly lost, partly never sent: each byte arrives. */
TEST(pmtu__under_way)
{
	struct duo *d = duo_big();
	int i;

	duo_write(d, 0, 4 * BIG);
	duo_run(d, RILL_SEC);
	EXPECT_EQ(d->e[0].c.pmtu.good, BIG);
	duo_write(d, 0, 30 * BIG + 100);
	duo_deliver(d, 1);
	duo_shut(d, 0);
	narrow_run(d, 1300, 20 * RILL_SEC);
	EXPECT_EQ(d->e[1].c.rx.nxt, 34 * BIG + 100);
	EXPECT_EQ(state(d, 1), RILL_CLOSE_WAIT);
	EXPECT_EQ(state(d, 0), RILL_FIN_WAIT2);
	for (i = 0; i < 2; i++)
		EXPECT(!d->e[i].c.tx.inflight && !d->e[i].runs);
	duo_free(d);
}

/* There is no memory to cut anew with: the next time-out asks again. */
TEST(pmtu__no_memory_at_first)
{
	struct duo *d = duo_big();

	d->e[0].poor = true;
	duo_write(d, 0, 3 * BIG);
	narrow_run(d, 1300, RILL_SEC);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_PMTUHOLES], 1);
	EXPECT_EQ(d->e[1].c.rx.nxt, 0);
	d->e[0].poor = false;
	narrow_run(d, 1300, 10 * RILL_SEC);
	EXPECT_EQ(d->e[1].c.rx.nxt, 3 * BIG);
	duo_free(d);
}

/* What is behind PAD is no data. */
TEST(pmtu__padding_is_not_read)
{
	struct rill_pkt p = { .h = { .type = RILL_T_DATA, .flags = RILL_F_PAD | RILL_F_ELICIT,
				     .pn = 9, .credit = 65536 },
			      .len = 500, .plen = 500, .n = 1, .last_flags = RILL_F_PAD | RILL_F_ELICIT };
	struct duo *d = duo_open();

	duo_rcv(d, 1, &p);
	EXPECT_EQ(d->e[1].c.rx.nxt, 0);
	EXPECT(d->nq == 1 && d->q[0]->p.x.ack.largest == 9);
	duo_free(d);
}

/* The carrier does not take the probe: the search goes on, and data is not held up. */
TEST(pmtu__a_probe_refused)
{
	struct duo *d = duo_big();
	struct rill_out out;
	struct rill_tx tx;

	rill_pmtu_timeout(&d->e[0].c.pmtu, 1, d->now);
	duo_write_quiet(d, 0, 3000, 0);
	rill_out_init(&out);
	rill_conn_poll_tx(&d->e[0].c, d->now, &tx, &out);
	EXPECT(tx.rec_flags & RILL_REC_PMTU && tx.ext.len + tx.pad == BIG);
	rill_conn_not_sent(&d->e[0].c, &tx, EMSGSIZE, d->now, &out);
	EXPECT(d->e[0].c.pmtu.tries == 1 && !d->e[0].c.pmtu.out);
	duo_run(d, RILL_SEC);
	EXPECT_EQ(d->e[1].c.rx.nxt, 3000);
	duo_free(d);
}

/* --- closing --- */

TEST(close__one_after_the_other)
{
	struct duo *d = duo_open();

	duo_shut(d, 0);
	EXPECT_EQ(state(d, 0), RILL_FIN_WAIT1);
	duo_pass(d);
	EXPECT_EQ(state(d, 0), RILL_FIN_WAIT2);
	EXPECT_EQ(state(d, 1), RILL_CLOSE_WAIT);
	duo_write(d, 1, 5 * PAY);			/* half-closed: still flows */
	duo_pass(d);
	EXPECT_EQ(d->e[0].c.rx.nxt, 5 * PAY);
	duo_shut(d, 1);
	EXPECT_EQ(state(d, 1), RILL_LAST_ACK);
	duo_pass(d);
	EXPECT_EQ(state(d, 0), RILL_TIME_WAIT);
	EXPECT_EQ(state(d, 1), RILL_CLOSE);
	EXPECT(d->e[0].tombed && d->e[1].tombed && d->e[0].tomb.time_wait && !d->e[1].tomb.time_wait);
	EXPECT(!d->e[0].err && !d->e[1].err);
	expect_quiet(d);
	duo_free(d);
}

TEST(close__simultaneous)
{
	struct duo *d = duo_open();

	duo_shut(d, 0);
	duo_shut(d, 1);
	duo_deliver(d, 1);
	EXPECT_EQ(state(d, 0), RILL_CLOSING);
	duo_pass(d);
	EXPECT_EQ(state(d, 0), RILL_TIME_WAIT);
	EXPECT_EQ(state(d, 1), RILL_TIME_WAIT);
	duo_free(d);
}

TEST(close__fin_with_the_last_data)
{
	struct duo *d = duo_open();

	d->e[0].c.cork = true;
	duo_write(d, 0, 10);
	duo_shut(d, 0);
	EXPECT_EQ(d->nq, 1);
	EXPECT(d->q[0]->p.h.flags & RILL_F_FIN && d->q[0]->p.len == 10);
	duo_pass(d);
	EXPECT_EQ(state(d, 1), RILL_CLOSE_WAIT);
	duo_free(d);
}

TEST(close__fin_and_ack_in_one_packet)
{
	struct duo *d = duo_open();

	duo_shut(d, 0);
	duo_deliver(d, 0);
	duo_drop_all(d);				/* its acknowledgement is lost */
	duo_shut(d, 1);
	duo_pass(d);
	duo_run(d, RILL_SEC);
	EXPECT_EQ(state(d, 1), RILL_CLOSE);
	EXPECT_EQ(state(d, 0), RILL_TIME_WAIT);
	duo_free(d);
}

TEST(close__fin_waits_for_its_data)
{
	struct duo *d = duo_open();

	duo_write(d, 0, 3 * PAY);
	duo_shut(d, 0);
	duo_deliver(d, 3);				/* the FIN first */
	EXPECT_EQ(state(d, 1), RILL_ESTABLISHED);
	EXPECT(!(d->e[1].bits & RILL_B_READABLE));
	duo_deliver(d, 0);
	duo_deliver(d, 0);
	EXPECT_EQ(state(d, 1), RILL_ESTABLISHED);
	duo_pass(d);
	EXPECT_EQ(state(d, 1), RILL_CLOSE_WAIT);
	duo_free(d);
}

/* Every packet of both closes, lost once, and one more time. */
TEST(close__each_packet_lost)
{
	int lost, twice;

	for (lost = 0; lost < 8; lost++)
		for (twice = 0; twice < 2; twice++) {
			struct duo *d = duo_open();
			int n = 0, steps = 0;

			duo_write(d, 0, 100);
			duo_shut(d, 0);
			duo_shut(d, 1);
			while (steps++ < 200) {
				if (!d->nq) {
					if (!duo_fire(d, d->now + 5 * RILL_SEC))
						break;
					continue;
				}
				if (n == lost || (twice && n == lost + 1))
					duo_drop(d, 0);
				else
					duo_deliver(d, 0);
				n++;
			}
			ROW("packet %d%s", lost, twice ? " and the next" : "");
			EXPECT(state(d, 0) == RILL_TIME_WAIT || state(d, 0) == RILL_CLOSE);
			EXPECT(state(d, 1) == RILL_TIME_WAIT || state(d, 1) == RILL_CLOSE);
			EXPECT_EQ(d->e[1].c.rx.nxt, 100);
			EXPECT(!d->e[0].err && !d->e[1].err);
			duo_free(d);
		}
}

TEST(close__tomb_answers_the_fin_again)
{
	struct duo *d = duo_open();

	duo_shut(d, 0);
	duo_pass(d);
	duo_shut(d, 1);
	duo_deliver(d, 0);
	EXPECT_EQ(state(d, 0), RILL_TIME_WAIT);
	duo_drop_all(d);				/* the last acknowledgement */
	EXPECT_EQ(state(d, 1), RILL_LAST_ACK);
	EXPECT(d->e[0].tomb.expires >= d->now + RILL_TOMB_MIN);
	duo_run(d, RILL_SEC);
	EXPECT_EQ(state(d, 1), RILL_CLOSE);
	EXPECT(d->replies >= 2 && !d->e[1].err);	/* the SYN-ACK, and the tomb's */
	duo_free(d);
}

TEST(reset__abort)
{
	struct duo *d = duo_open();

	duo_write(d, 0, 3 * PAY);
	duo_write(d, 1, 3 * PAY);
	duo_drop_all(d);
	duo_abort(d, 0, RILL_R_ABORT);
	EXPECT(state(d, 0) == RILL_CLOSE && !d->e[0].err);
	duo_pass(d);
	EXPECT(state(d, 1) == RILL_CLOSE && d->e[1].err == ECONNRESET);
	EXPECT_EQ(d->e[1].mib[RILL_MIB_ESTABRESETS], 1);
	expect_quiet(d);
	duo_free(d);
}

TEST(reset__in_close_wait)
{
	struct duo *d = duo_open();

	duo_shut(d, 0);
	duo_pass(d);
	duo_abort(d, 0, RILL_R_ABORT);
	duo_pass(d);
	EXPECT_EQ(d->e[1].err, EPIPE);			/* as TCP */
	duo_free(d);
}

TEST(reset__crosses_data)
{
	struct duo *d = duo_open();

	duo_abort(d, 0, RILL_R_ABORT);
	duo_write(d, 1, 3 * PAY);
	duo_pass(d);
	EXPECT(state(d, 0) == RILL_CLOSE && state(d, 1) == RILL_CLOSE);
	duo_free(d);
}

TEST(reset__ignored_after_the_end)
{
	struct duo *d = duo_open();
	struct rill_pkt p = { .h = { .type = RILL_T_RESET }, .n = 1,
			      .x = { .has = BIT(RILL_I_REASON), .reason = RILL_R_ABORT } };

	duo_shut(d, 0);
	duo_pass(d);
	duo_shut(d, 1);
	duo_pass(d);
	d->e[0].bits = d->e[1].bits = 0;
	duo_rcv(d, 0, &p);
	duo_rcv(d, 1, &p);
	EXPECT(!(d->e[0].bits & RILL_B_RESET) && !(d->e[1].bits & RILL_B_RESET));
	EXPECT(!d->e[0].err && !d->e[1].err);
	duo_free(d);
}

TEST(reset__that_does_not_fit)
{
	static const struct { const char *what; u32 pn; u8 reason; bool die; } t[] = {
		{ "stray, of a packet sent", 1, RILL_R_STRAY, 1 },
		{ "stray, of one never sent", 100, RILL_R_STRAY, 0 },
		{ "stray, before zero", 0xfffffff0, RILL_R_STRAY, 0 },
		{ "refused, long after", 1, RILL_R_REFUSED, 0 },
		{ "cookie, long after", 1, RILL_R_COOKIE, 0 },
		{ "abort", 100, RILL_R_ABORT, 1 },
		{ "timeout", 100, RILL_R_TIMEOUT, 1 },
	};
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		struct duo *d = duo_open();
		struct rill_pkt p = { .h = { .type = RILL_T_RESET, .pn = t[i].pn }, .n = 1,
				      .x = { .has = BIT(RILL_I_REASON), .reason = t[i].reason } };

		duo_write(d, 0, 10);
		duo_rcv(d, 0, &p);
		ROW("%s", t[i].what);
		EXPECT_EQ(state(d, 0), t[i].die ? RILL_CLOSE : RILL_ESTABLISHED);
		EXPECT_EQ(d->e[0].mib[RILL_MIB_RESETIGNORED], !t[i].die);
		duo_free(d);
	}
}

/* A client whose echo has not arrived hears that nobody is there. */
TEST(reset__stray_before_the_echo)
{
	struct rill_pkt p = { .h = { .type = RILL_T_RESET, .pn = 1 }, .n = 1,
			      .x = { .has = BIT(RILL_I_REASON), .reason = RILL_R_STRAY } };
	struct duo *d = duo_new();

	duo_connect(d);
	duo_deliver(d, 0);
	duo_deliver(d, 0);
	duo_rcv(d, 0, &p);
	EXPECT_EQ(state(d, 0), RILL_ESTABLISHED);
	d->now += RILL_COOKIE_TTL + RILL_SEC;		/* and will never be */
	duo_rcv(d, 0, &p);
	EXPECT(state(d, 0) == RILL_CLOSE && d->e[0].err == ECONNRESET);
	duo_free(d);
}

/* A late copy of the SYN found the listener gone; only the echo's answer counts. */
TEST(reset__refused_before_the_echo)
{
	struct rill_pkt p = { .h = { .type = RILL_T_RESET, .pn = 1 }, .n = 1,
			      .x = { .has = BIT(RILL_I_REASON), .reason = RILL_R_REFUSED } };
	struct duo *d = duo_new();

	duo_connect(d);
	duo_deliver(d, 0);
	duo_deliver(d, 0);
	duo_rcv(d, 0, &p);
	EXPECT_EQ(state(d, 0), RILL_ESTABLISHED);
	p.x.reason = RILL_R_COOKIE;
	duo_rcv(d, 0, &p);
	EXPECT(state(d, 0) == RILL_CLOSE && d->e[0].err == ECONNRESET);
	duo_free(d);
}

TEST(orphan__fin_wait2_ends)
{
	struct duo *d = duo_open();

	duo_shut(d, 0);
	duo_orphan(d, 0);
	duo_pass(d);
	EXPECT_EQ(state(d, 0), RILL_FIN_WAIT2);
	duo_wait(d, d->e[0].c.linger2 - 1);
	EXPECT_EQ(state(d, 0), RILL_FIN_WAIT2);
	duo_wait(d, 1);
	EXPECT_EQ(state(d, 0), RILL_CLOSE);
	duo_free(d);
}

TEST(orphan__unacknowledged_data_ends)
{
	struct duo *d = duo_open();
	u64 began = d->now;

	duo_write(d, 0, PAY);
	duo_shut(d, 0);
	duo_orphan(d, 0);
	while (state(d, 0) != RILL_CLOSE) {
		duo_drop_all(d);
		duo_wait(d, rill_conn_deadline(&d->e[0].c) - d->now);
	}
	EXPECT_EQ(d->now - began, RILL_ORPHAN_R2);
	duo_free(d);
}

TEST(orphan__zero_window_ends)
{
	struct duo *d = duo_new();

	d->e[1].cfg.wnd = d->e[1].cfg.wnd_max = PAY;
	duo_connect(d);
	duo_pass(d);
	duo_write(d, 0, 5 * PAY);
	duo_shut(d, 0);
	duo_orphan(d, 0);
	duo_run(d, RILL_ORPHAN_R2 + 10 * RILL_SEC);	/* the peer answers every probe */
	EXPECT_EQ(state(d, 0), RILL_CLOSE);
	duo_free(d);
}

TEST(keepalive__answered)
{
	struct duo *d = duo_open();

	d->e[0].c.keepalive = true;
	d->e[0].c.keepidle = 10 * RILL_SEC;
	duo_run(d, 100 * RILL_SEC);
	EXPECT_EQ(state(d, 0), RILL_ESTABLISHED);
	EXPECT(d->e[0].mib[RILL_MIB_KEEPALIVES] >= 9 && d->e[0].mib[RILL_MIB_KEEPALIVES] <= 10);
	duo_free(d);
}

TEST(keepalive__death)
{
	struct duo *d = duo_open();
	u64 began = d->e[0].c.rx_at;

	d->e[0].c.keepalive = true;
	d->e[0].c.keepidle = 10 * RILL_SEC;
	d->e[0].c.keepintvl = 2 * RILL_SEC;
	d->e[0].c.keepcnt = 3;
	while (state(d, 0) == RILL_ESTABLISHED)
		duo_wait(d, rill_conn_deadline(&d->e[0].c) - d->now);
	EXPECT_EQ(d->now - began, 16 * RILL_SEC);
	EXPECT_EQ(d->e[0].err, ETIMEDOUT);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_KEEPALIVES], 3);
	duo_free(d);
}

TEST(keepalive__a_peer_that_forgot)
{
	struct duo *d = duo_open();

	d->e[0].c.keepalive = true;
	d->e[0].c.keepidle = 10 * RILL_SEC;
	d->e[1].c.state = RILL_CLOSE;
	duo_run(d, 11 * RILL_SEC);
	EXPECT(state(d, 0) == RILL_CLOSE && d->e[0].err == ECONNRESET);
	duo_free(d);
}

/* --- what a peer or a stranger must not get away with --- */

struct forged {
	const char *what;
	u8 type, flags;
	u32 pn, off, credit, len;
	u32 ack;		/* 0: no ACK item */
	int mib;
};

/* Refused outright: not a bit of the state changes. */
TEST(forged__state_unchanged)
{
	static const struct forged t[] = {
		{ "a number seen before", RILL_T_DATA, 0, 1, 0, 0, 10, 0, RILL_MIB_INDUP },
		{ "number 0", RILL_T_DATA, 0, 0, 0, 0, 10, 0, RILL_MIB_INBADNUM },
		{ "a number before zero", RILL_T_DATA, 0, 0xffffff00, 0, 0, 10, 0, RILL_MIB_INBADNUM },
		{ "acknowledges the future", RILL_T_DATA, 0, 9, 0, 0, 10, 1000, RILL_MIB_INBADACK },
		{ "acknowledges before zero", RILL_T_DATA, 0, 9, 0, 0, 10, 0xfffffff0, RILL_MIB_INBADACK },
		{ "a SYN-ACK", RILL_T_SYNACK, 0, 0, 0, 0, 0, 0, RILL_MIB_INSTATE },
		{ "a SYN", RILL_T_SYN, 0, 0, 0, 0, 0, 0, RILL_MIB_INSTATE },
		{ "an echo at the client", RILL_T_ECHO, 0, 9, 0, 0, 0, 0, RILL_MIB_INSTATE },
		{ "a RESET of nothing", RILL_T_RESET, 0, 1000, 0, 0, 0, 0, RILL_MIB_RESETIGNORED },
	};
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		struct duo *d = duo_open();
		struct rill_pkt p = {
			.h = { .type = t[i].type, .flags = t[i].flags, .pn = t[i].pn, .off = t[i].off,
			       .credit = t[i].credit },
			.len = t[i].len, .plen = t[i].len, .n = 1, .last_flags = t[i].flags,
		};
		u64 hash, before;

		duo_write(d, 0, 3 * PAY);
		duo_drop_all(d);
		if (t[i].ack) {
			p.x.has = BIT(RILL_I_ACK);
			p.x.ack.largest = t[i].ack;
		}
		hash = duo_hash(d, 0);
		before = d->e[0].mib[t[i].mib];
		duo_rcv(d, 0, &p);
		ROW("%s", t[i].what);
		EXPECT_EQ(duo_hash(d, 0), hash);
		EXPECT_EQ(d->e[0].mib[t[i].mib], before + 1);
		EXPECT_EQ(d->nq, 0);
		duo_free(d);
	}
}

/* Refused, and the peer is told where things stand; the stream is unharmed. */
TEST(forged__stream_unharmed)
{
	static const struct forged t[] = {
		{ "data beyond credit", RILL_T_DATA, 0, 9, 66000, 0, 10, 0, RILL_MIB_INBEYOND },
		{ "an offset before zero", RILL_T_DATA, 0, 9, 0xfffffff0, 0, 10, 0, RILL_MIB_INBADNUM },
		{ "FIN in the middle", RILL_T_DATA, RILL_F_FIN, 9, 50, 0, 10, 0, RILL_MIB_INBADFIN },
		{ "FIN beyond credit", RILL_T_DATA, RILL_F_FIN, 9, 66000, 0, 0, 0, RILL_MIB_INBEYOND },
	};
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		struct duo *d = duo_open();
		struct rill_pkt p = {
			.h = { .type = t[i].type, .flags = t[i].flags, .pn = t[i].pn, .off = t[i].off,
			       .credit = t[i].credit },
			.len = t[i].len, .plen = t[i].len, .n = 1, .last_flags = t[i].flags,
		};

		duo_write(d, 0, 100);
		duo_pass(d);
		duo_rcv(d, 1, &p);
		ROW("%s", t[i].what);
		EXPECT_EQ(d->e[1].mib[t[i].mib], 1);
		EXPECT_EQ(d->e[1].c.rx.nxt, 100);
		EXPECT_EQ(state(d, 1), RILL_ESTABLISHED);
		EXPECT_EQ(rill_ackq_cover(&d->e[1].c.aq, 9, 1), RILL_COVER_NONE);
		duo_pass(d);
		duo_write(d, 0, 5 * PAY);
		duo_run(d, RILL_SEC);
		EXPECT_EQ(d->e[1].c.rx.nxt, 100 + 5 * PAY);
		duo_free(d);
	}
}

/* A connection whose sender leaves numbers out, and the first of these. */
static struct duo *with_holes(u64 *hole)
{
	struct duo *d = duo_new();

	d->e[0].cfg.dice = 4711;
	duo_connect(d);
	duo_pass(d);
	while (!d->e[0].c.tx.holes.next) {
		duo_write(d, 0, PAY);
		duo_pass(d);
		duo_read(d, 1, PAY);
	}
	*hole = d->e[0].c.tx.holes.pn[0];
	EXPECT_EQ(d->e[0].c.tx.pn_next, *hole + 1);
	return d;
}

/* An honest peer sees a gap, and nothing comes of it. */
TEST(holes__an_honest_peer)
{
	struct duo *d;
	u64 hole;
	int i;

	d = with_holes(&hole);
	for (i = 0; i < 300; i++) {
		duo_read(d, 1, d->e[1].c.rx.nxt - d->e[1].c.rx.read);
		duo_write(d, 0, 3 * PAY);
		duo_pass(d);
	}
	EXPECT(d->e[0].c.tx.holes.pn[2]);
	EXPECT_EQ(d->e[0].c.st.lost, 0);
	EXPECT_EQ(rill_ackq_cover(&d->e[1].c.aq, hole, 1), RILL_COVER_NONE);
	duo_shut(d, 0);
	duo_shut(d, 1);
	duo_run(d, 5 * RILL_SEC);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_ABORTONBADACK], 0);
	EXPECT(d->e[0].tombed && d->e[1].tombed);
	duo_free(d);
}

/* Optimistic acknowledgements end the connection, and nothing they said is taken. */
TEST(holes__a_peer_that_lies)
{
	struct rill_pkt p = { .h = { .type = RILL_T_DATA, .pn = 999, .credit = 65536 }, .n = 1 };
	struct duo *d;
	u64 hole, una;

	d = with_holes(&hole);
	duo_write(d, 0, 3 * PAY);
	duo_drop_all(d);
	p.x.has = BIT(RILL_I_ACK);
	p.x.ack.largest = hole - 1;
	p.x.ack.first = hole - 2;
	duo_rcv(d, 0, &p);			/* all that was sent before it: no lie */
	una = d->e[0].c.tx.una;
	p.h.pn++;
	p.x.ack.largest = hole + 1;
	p.x.ack.first = 0;
	duo_rcv(d, 0, &p);			/* a guess that happens to be true */
	EXPECT_EQ(state(d, 0), RILL_ESTABLISHED);
	EXPECT(d->e[0].c.tx.una == una + PAY && !d->nq);
	p.h.pn++;
	p.x.ack.first = 1;
	duo_rcv(d, 0, &p);
	EXPECT(state(d, 0) == RILL_CLOSE && d->e[0].err == EPROTO);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_ABORTONBADACK], 1);
	EXPECT(d->nq == 1 && d->q[0]->p.h.type == RILL_T_RESET);
	EXPECT_EQ(d->q[0]->p.x.reason, RILL_R_ABORT);
	duo_pass(d);
	EXPECT(state(d, 1) == RILL_CLOSE && d->e[1].err == ECONNRESET);
	duo_free(d);
}

/* A FIN and what was before it, whose acknowledgements are lost: a tombstone has not seen holes. */
TEST(holes__a_tombstone_does_not_lie)
{
	struct duo *d;
	u64 hole;
	int i;

	d = with_holes(&hole);
	duo_shut(d, 1);
	duo_pass(d);
	duo_write(d, 0, 2 * PAY);
	duo_shut(d, 0);
	while (!d->e[1].tombed)
		duo_deliver(d, 0);
	for (i = 0; i < 20 && !d->e[0].tombed; i++) {
		duo_drop_all(d);
		d->now = rill_conn_deadline(&d->e[0].c);
		duo_wait(d, 0);
		if (i)
			duo_pass(d);
	}
	EXPECT(d->e[0].tombed);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_ABORTONBADACK], 0);
	duo_free(d);
}

TEST(credit__never_shrinks)
{
	struct duo *d = duo_open();
	struct rill_pkt p = { .h = { .type = RILL_T_DATA, .pn = 9, .credit = 5 }, .n = 1 };
	u64 credit = d->e[0].c.tx.credit;

	EXPECT_EQ(credit, 65536);
	duo_rcv(d, 0, &p);
	EXPECT_EQ(d->e[0].c.tx.credit, credit);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_CREDITSHRUNK], 1);
	duo_free(d);
}

TEST(credit__on_the_wire_never_shrinks)
{
	struct duo *d = duo_open();
	u32 last = 0;
	int i;

	for (i = 0; i < 40; i++) {
		int k;

		duo_write(d, 0, 3 * PAY);
		if (i % 3 == 0)
			duo_read(d, 1, d->e[1].c.rx.nxt - d->e[1].c.rx.read);
		if (i == 20)
			d->e[1].c.rx.wnd = 2 * PAY;	/* the program asks for less */
		for (k = 0; k < d->nq; k++)
			if (d->q[k]->from == 1) {
				EXPECT(d->q[k]->p.h.credit >= last);
				last = d->q[k]->p.h.credit;
			}
		duo_pass(d);
	}
	duo_free(d);
}

TEST(ack__of_a_skipped_past_costs_nothing)
{
	struct duo *d = duo_open();
	struct rill_pkt p = { .h = { .type = RILL_T_DATA, .pn = 9, .credit = 65536 }, .n = 1,
			      .x = { .has = BIT(RILL_I_ACK), .ack = { .largest = 1 } } };
	u64 cwnd = d->e[0].c.cc.cwnd;

	/* The same acknowledgement a hundred times: no growth, no loss. */
	for (; p.h.pn < 109; p.h.pn++)
		duo_rcv(d, 0, &p);
	EXPECT_EQ(d->e[0].c.cc.cwnd, cwnd);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_LOST], 0);
	duo_free(d);
}

TEST(rebind__newest_packet_says_so)
{
	struct duo *d = duo_open();

	duo_write(d, 0, 2 * PAY);
	d->e[1].bits = 0;
	duo_deliver(d, 1);
	EXPECT(d->e[1].bits & RILL_B_NEWEST);
	d->e[1].bits = 0;
	duo_deliver(d, 0);
	EXPECT(!(d->e[1].bits & RILL_B_NEWEST));	/* an old one: not an address to follow */
	duo_free(d);
}

/* End @end finds its peer at another address. */
static void moved(struct duo *d, int end, bool same_host)
{
	struct rill_out out;

	rill_out_init(&out);
	rill_conn_rebind(&d->e[end].c, same_host, 0x1234567887654321ULL, d->now, &out);
	EXPECT(out.bits & RILL_B_TX);
	duo_flush(d, end);
}

/* Before the handshake is over an address is the program's choice: SYNs go on. */
TEST(rebind__before_it_is_open)
{
	struct duo *d = duo_new();
	struct rill_out out;

	duo_connect(d);
	duo_drop_all(d);
	rill_out_init(&out);
	rill_conn_rebind(&d->e[0].c, false, 42, d->now, &out);
	EXPECT_EQ(d->e[0].c.roam.at, RILL_NEVER);
	while (duo_wait(d, 300 * RILL_SEC))
		duo_drop_all(d);
	EXPECT_EQ(d->e[0].c.state, RILL_CLOSE);
	EXPECT_EQ(d->e[0].err, ETIMEDOUT);
	duo_free(d);
}

/* Little goes to a new address until the peer has shown that it receives there. */
TEST(rebind__validated_first)
{
	struct duo *d = duo_open();
	u64 bytes = 0;
	int k;

	duo_write(d, 0, 100);
	duo_deliver(d, 0);
	duo_drop_all(d);
	moved(d, 1, true);
	EXPECT_EQ(d->q[0]->p.x.challenge, 0x1234567887654321ULL);
	duo_write(d, 1, 20 * PAY);
	for (k = 0; k < d->nq; k++)
		bytes += d->q[k]->len;
	EXPECT(bytes <= 3 * (RILL_HDR + 100));
	duo_drop_all(d);				/* the first challenge is lost */
	duo_run(d, 5 * RILL_SEC);
	EXPECT_EQ(d->e[1].mib[RILL_MIB_PATHCHALLENGES], 2);
	EXPECT_EQ(d->e[1].mib[RILL_MIB_PATHVALIDATED], 1);
	EXPECT_EQ(d->e[0].c.rx.nxt, 20 * PAY);
	EXPECT(!d->e[1].c.roam.wary);
	duo_free(d);
}

/* Nothing comes back: after three challenges silence, and no timer that spins. */
TEST(rebind__a_victim)
{
	struct duo *d = duo_open();
	u64 bytes = 0;
	int i, k;

	duo_write(d, 0, 100);
	duo_deliver(d, 0);
	duo_drop_all(d);
	moved(d, 1, false);
	duo_write(d, 1, 20 * PAY);
	for (i = 0; i < 4000 && d->e[1].c.state != RILL_CLOSE; i++) {
		for (k = 0; k < d->nq; k++)
			bytes += d->q[k]->from ? d->q[k]->len : 0;
		duo_drop_all(d);
		d->now = max(d->now, min(rill_conn_deadline(&d->e[0].c),
					 rill_conn_deadline(&d->e[1].c)));
		duo_wait(d, 0);
	}
	EXPECT(bytes <= 3 * (RILL_HDR + 100));
	EXPECT_EQ(d->e[1].mib[RILL_MIB_PATHCHALLENGES], 3);
	EXPECT(state(d, 1) == RILL_CLOSE && d->e[1].err == ETIMEDOUT);
	duo_free(d);
}

/* Another host is another path; another port is the same one. */
TEST(rebind__what_is_kept)
{
	int same;

	for (same = 0; same < 2; same++) {
		struct duo *d = duo_open();
		struct rill_conn *c = &d->e[1].c;

		ROW("%d", same);
		duo_write(d, 1, 10 * PAY);
		duo_run(d, RILL_SEC);
		duo_read(d, 0, 10 * PAY);
		EXPECT(c->cc.cwnd > 11 * (PAY + RILL_HDR) && c->rtt.srtt);
		moved(d, 1, same);
		EXPECT_EQ(c->cc.cwnd > 11 * (PAY + RILL_HDR), same);
		EXPECT_EQ(c->rtt.srtt != 0, same);
		duo_run(d, RILL_SEC);
		duo_write(d, 1, 3 * PAY);
		duo_run(d, RILL_SEC);
		EXPECT_EQ(d->e[0].c.rx.nxt, 13 * PAY);
		duo_free(d);
	}
}

TEST(set_payload__limits)
{
	struct duo *d = duo_open();
	struct rill_conn *c = &d->e[0].c;

	rill_conn_set_payload(c, 1432);
	EXPECT_EQ(c->payload, 1000);		/* the peer's limit */
	rill_conn_set_payload(c, 500);
	EXPECT_EQ(c->payload, 500);
	c->cap = 200;
	rill_conn_set_payload(c, 500);
	EXPECT_EQ(c->payload, 200);
	c->cap = 1;
	rill_conn_set_payload(c, 500);
	EXPECT_EQ(c->payload, RILL_PAYLOAD_MIN);
	EXPECT_EQ(c->cc.mss, RILL_HDR + RILL_PAYLOAD_MIN);
	duo_free(d);
}

/* Packet numbers and offsets cross 2^32 on the wire. */
TEST(wrap__numbers_and_offsets)
{
	struct duo *d = duo_open();
	u64 near = (1ULL << 32) - 3 * PAY;
	int i;

	/* As after four GiB: shift both ends' books. */
	d->e[0].c.tx.pn_next = d->e[1].c.aq.largest = (1ULL << 32) - 5;
	d->e[0].c.tx.pn_next++;
	d->e[0].c.tx.largest_acked = d->e[1].c.aq.largest;
	d->e[1].c.aq.v[0].hi = d->e[1].c.aq.largest + 1;
	d->e[0].c.tx.una = d->e[0].c.tx.nxt = d->e[0].c.tx.end = near;
	d->e[0].c.tx.credit = near + 65536;
	d->e[0].c.tx.small = 0;
	d->e[1].c.rx.nxt = d->e[1].c.rx.read = near;
	d->e[1].c.rx.credit = near + 65536;
	for (i = 0; i < 5; i++) {
		duo_write(d, 0, 5 * PAY);
		if (i == 1)
			duo_drop(d, 1);
		duo_run(d, RILL_SEC);
		duo_read(d, 1, 5 * PAY);
		duo_run(d, RILL_SEC);
	}
	EXPECT_EQ(d->e[1].c.rx.nxt, near + 25 * PAY);
	EXPECT(d->e[0].c.tx.pn_next > 1ULL << 32);
	expect_quiet(d);
	duo_free(d);
}

/* --- records --- */

TEST(record__readable_when_whole)
{
	struct duo *d = duo_open_records();

	duo_write_record(d, 0, 2500);
	EXPECT_EQ(d->nq, 3);
	d->e[1].bits = 0;
	duo_deliver(d, 0);
	duo_deliver(d, 1);				/* the last one, too early */
	EXPECT(!(d->e[1].bits & RILL_B_READABLE) && d->e[1].c.rx.sized);
	duo_deliver(d, 0);
	EXPECT(d->e[1].bits & RILL_B_READABLE);
	EXPECT_EQ(d->e[1].c.rx.whole, 2504);
	duo_free(d);
}

TEST(record__many_in_one_packet)
{
	struct duo *d = duo_open_records();
	int i;

	d->e[0].c.cork = true;
	for (i = 0; i < 100; i++)
		duo_write_record(d, 0, i % 7);
	d->e[0].c.cork = false;
	duo_push(d, 0);
	EXPECT_EQ(d->nq, 1);
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.whole, d->e[0].c.tx.end);
	duo_free(d);
}

/* One that is larger than the window, behind one that the program has yet to read. */
TEST(record__larger_than_the_window)
{
	struct duo *d = duo_new();
	int i;

	for (i = 0; i < 2; i++) {
		d->e[i].cfg.params.sock_type = RILL_RECORDS;
		d->e[i].cfg.params.max_record = 200000;
		d->e[i].cfg.wnd = d->e[i].cfg.wnd_max = 3000;
	}
	duo_connect(d);
	duo_pass(d);
	duo_write_record(d, 0, 1990);
	duo_write_record(d, 0, 100000);
	duo_write_record(d, 0, 7);
	duo_run(d, 20 * RILL_MSEC);
	EXPECT_EQ(d->e[1].c.rx.whole, 1994);
	EXPECT(d->e[1].c.rx.credit <= 3004);		/* what is not read is no reason */
	duo_read(d, 1, 1994);
	duo_run(d, 900 * RILL_MSEC);
	EXPECT_EQ(d->e[1].c.rx.whole, 1994 + 100004 + 11);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_PTOS], 0);
	duo_free(d);
}

/* Whatever the window, a reader that has read all is never waited for. */
TEST(record__any_size_through_any_window)
{
	static const u32 wnd[] = { 1, 1000, 1001, 1004, 1500, 3000 };
	u64 state = 1;
	u32 i;

	for (i = 0; i < COUNT(wnd); i++) {
		struct duo *d = duo_new();
		int n, e;

		for (e = 0; e < 2; e++) {
			d->e[e].cfg.params.sock_type = RILL_RECORDS;
			d->e[e].cfg.params.max_record = 6000;
			d->e[e].cfg.wnd = d->e[e].cfg.wnd_max = wnd[i];
		}
		duo_connect(d);
		duo_pass(d);
		d->e[0].c.nodelay = true;
		for (n = 0; n < 200; n++) {
			state = state * 6364136223846793005ULL + 1442695040888963407ULL;
			duo_write_record(d, 0, (state >> 40) % (n & 1 ? 6001 : 20));
		}
		for (n = 0; n < 20000 && d->e[1].c.rx.read < d->e[0].c.tx.end; n++) {
			duo_run(d, RILL_MSEC);
			duo_read(d, 1, d->e[1].c.rx.whole - d->e[1].c.rx.read);
		}
		ROW("window %u", wnd[i]);
		EXPECT_EQ(d->e[1].c.rx.read, d->e[0].c.tx.end);
		EXPECT_EQ(d->e[0].mib[RILL_MIB_WINPROBES], 0);
		duo_free(d);
	}
}

TEST(record__longer_than_we_take)
{
	struct duo *d = duo_open_records();

	duo_write_record(d, 0, 200000);
	d->e[0].nrec = 0;				/* no: a lie */
	d->e[0].rec[d->e[0].nrec++] = (struct duo_record){ 0, 200001 };
	duo_deliver(d, 0);
	EXPECT_EQ(state(d, 1), RILL_CLOSE);
	EXPECT_EQ(d->e[1].err, EPROTO);
	EXPECT_EQ(d->e[1].mib[RILL_MIB_INBADRECORD], 1);
	EXPECT_EQ(rill_conn_deadline(&d->e[1].c), RILL_NEVER);
	duo_pass(d);
	EXPECT_EQ(state(d, 0), RILL_CLOSE);		/* and the liar is told */
	EXPECT_EQ(d->e[0].err, ECONNRESET);
	duo_free(d);
}

TEST(record__end_inside_one)
{
	static const u32 cut[] = { 1, 3, 4, 103 };
	u32 i;

	for (i = 0; i < COUNT(cut); i++) {
		struct duo *d = duo_open_records();

		duo_write_record(d, 0, 10);
		d->e[0].rec[d->e[0].nrec++] = (struct duo_record){ 14, 100 };
		duo_write(d, 0, cut[i]);
		duo_shut(d, 0);
		duo_pass(d);
		ROW("%u of 104", cut[i]);
		EXPECT_EQ(d->e[1].err, EPROTO);
		EXPECT_EQ(d->e[1].c.rx.whole, 14);	/* what came before may be read */
		EXPECT_EQ(d->e[1].mib[RILL_MIB_INBADRECORD], 1);
		duo_free(d);
	}
}

TEST(record__fin_behind_one)
{
	struct duo *d = duo_open_records();

	duo_write_record(d, 0, 10);
	duo_write_record(d, 0, 0);
	duo_shut(d, 0);
	duo_pass(d);
	EXPECT_EQ(state(d, 1), RILL_CLOSE_WAIT);
	duo_shut(d, 1);
	duo_pass(d);
	EXPECT_EQ(state(d, 0), RILL_TIME_WAIT);
	EXPECT_EQ(state(d, 1), RILL_CLOSE);
	expect_quiet(d);
	duo_free(d);
}

/* The program reads what it can at once: it is not the one to wait for. */
TEST(record__half_of_one_does_not_hold_back_the_ack)
{
	struct duo *d = duo_open_records();
	int i;

	d->e[1].c.aq.quick = 0;
	duo_write_record(d, 0, 7996);
	for (i = 0; i < 2; i++)
		duo_deliver(d, 0);
	EXPECT(d->q[d->nq - 1]->from == 1 && rill_ext_has(&d->q[d->nq - 1]->p.x, RILL_I_ACK));
	duo_free(d);
}

/* --- records that are given up --- */

#define LIFE (50 * RILL_MSEC)

/* The program at @end reads all whole records; how many. */
static u32 read_all(struct duo *d, int end)
{
	struct rill_recv *r = &d->e[end].c.rx;
	u32 n = 0;

	for (; rill_recv_ready(r); n++)
		duo_read(d, end, RILL_PREFIX + duo_record_len(d, !end, r->read));
	return n;
}

/* Both are done with everything, and have given back all memory. */
static void expect_through(struct duo *d, u32 given_up)
{
	duo_run(d, RILL_SEC);
	read_all(d, 1);
	EXPECT_EQ(d->e[1].c.rx.read, d->e[0].c.tx.end);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_OUTGIVENUP], given_up);
	EXPECT_EQ(d->e[1].mib[RILL_MIB_INGIVENUP], given_up);
	EXPECT_EQ(d->e[1].c.rx.lost, given_up);
	EXPECT_EQ(d->e[1].c.rx.gaps.n, 0);
	EXPECT_EQ(d->e[0].lives, 0);
	EXPECT_EQ(d->e[1].mib[RILL_MIB_INBADRECORD], 0);
	expect_quiet(d);
	duo_free(d);
}

TEST(late__lost_and_given_up)
{
	struct duo *d = duo_open_records();

	duo_write_mortal(d, 0, 1996, LIFE);
	duo_drop_all(d);
	d->e[0].deaf = true;
	duo_wait(d, LIFE + 30 * RILL_MSEC);
	d->e[0].deaf = false;
	duo_write_record(d, 0, 3000);
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.whole, 2000 + 3004);
	EXPECT_EQ(d->e[0].c.st.bytes_retrans, 0);
	expect_through(d, 1);
}

/* What tells of it is lost as well. */
TEST(late__the_telling_is_lost)
{
	struct duo *d = duo_open_records();
	int i, told = 0;

	duo_write_mortal(d, 0, 800, LIFE);
	duo_drop_all(d);
	for (i = 0; i < 100 && told < 3; i++) {
		duo_wait(d, 10 * RILL_MSEC);
		if (d->nq && rill_ext_has(&d->q[0]->p.x, RILL_I_SKIP))
			told++;
		duo_drop_all(d);
	}
	EXPECT_EQ(told, 3);
	expect_through(d, 1);
}

/* The window is shut by a program that does not read; what waits behind gets old. */
TEST(late__never_sent)
{
	struct duo *d = duo_new();
	u64 pn;
	int i;

	for (i = 0; i < 2; i++) {
		d->e[i].cfg.params.sock_type = RILL_RECORDS;
		d->e[i].cfg.params.max_record = 100000;
		d->e[i].cfg.wnd = d->e[i].cfg.wnd_max = 4000;
	}
	duo_connect(d);
	duo_pass(d);
	d->e[0].c.nodelay = true;
	duo_write_record(d, 0, 3990);
	duo_run(d, 20 * RILL_MSEC);
	EXPECT_EQ(d->e[1].c.rx.whole, 3994);
	pn = d->e[0].c.tx.pn_next;
	duo_write_mortal(d, 0, 90000, LIFE);
	duo_write_record(d, 0, 10);
	duo_run(d, 20 * RILL_MSEC);
	EXPECT(d->e[0].c.tx.nxt <= 3994 + 1000);
	duo_run(d, LIFE);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_OUTGIVENUP], 1);
	EXPECT(d->e[0].c.tx.nxt > 90000 && d->e[0].c.tx.pn_next >= pn + 90);
	EXPECT(d->e[1].c.rx.read == 0 && d->e[1].c.rx.whole == 3994 + 90004);
	EXPECT_EQ(d->e[1].c.rx.lost, 0);
	read_all(d, 1);
	EXPECT_EQ(d->e[1].c.rx.lost, 1);
	expect_through(d, 1);
}

/* The first half has arrived, and been acknowledged: none of it is read. */
TEST(late__half_of_it)
{
	struct duo *d = duo_open_records();

	duo_write_record(d, 0, 10);
	duo_pass(d);
	duo_write_mortal(d, 0, 5000, LIFE);
	while (d->nq > 3)
		duo_drop(d, 3);
	duo_pass(d);
	duo_drop_all(d);
	EXPECT_EQ(d->e[1].c.rx.whole, 14);
	d->e[0].deaf = true;
	duo_wait(d, LIFE);
	d->e[0].deaf = false;
	duo_write_record(d, 0, 20);
	duo_run(d, 300 * RILL_MSEC);
	EXPECT_EQ(d->e[1].c.rx.whole, 14 + 5004 + 24);
	expect_through(d, 1);
}

/* It has arrived, behind one that has not: it is not given up for that. */
TEST(late__arrived_ahead)
{
	struct duo *d = duo_open_records();

	d->e[0].c.nodelay = true;
	duo_write_record(d, 0, 500);
	duo_drop_all(d);
	duo_write_mortal(d, 0, 500, 5 * RILL_MSEC);
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.whole, 0);
	duo_run(d, RILL_SEC);
	expect_through(d, 0);
}

/* Small ones share packets with others that must arrive. */
TEST(late__in_company)
{
	struct duo *d = duo_open_records();
	int i;

	d->e[0].c.cork = true;
	for (i = 0; i < 60; i++)
		duo_write_mortal(d, 0, 46, i % 3 ? LIFE : 0);
	d->e[0].c.cork = false;
	duo_push(d, 0);
	duo_drop_all(d);
	d->e[0].deaf = true;
	duo_wait(d, LIFE);
	d->e[0].deaf = false;
	EXPECT_EQ(d->e[0].mib[RILL_MIB_OUTGIVENUP], 40);
	duo_run(d, RILL_SEC);
	/* Seven gaps ahead are all that is remembered here; what the others held came along. */
	EXPECT_EQ(read_all(d, 1), 60 - 14);
	EXPECT_EQ(d->e[1].c.rx.lost, 14);
	EXPECT_EQ(d->e[1].c.rx.read, d->e[0].c.tx.end);
	EXPECT_EQ(d->e[0].lives, 0);
	expect_quiet(d);
	duo_free(d);
}

TEST(late__the_last_before_the_end)
{
	struct duo *d = duo_open_records();

	duo_write_record(d, 0, 10);
	duo_pass(d);
	duo_write_mortal(d, 0, 1500, LIFE);
	duo_shut(d, 0);
	duo_drop_all(d);
	d->e[0].deaf = true;
	duo_wait(d, LIFE);
	d->e[0].deaf = false;
	duo_run(d, RILL_SEC);
	EXPECT_EQ(state(d, 1), RILL_CLOSE_WAIT);
	duo_shut(d, 1);
	duo_run(d, RILL_SEC);
	EXPECT_EQ(state(d, 0), RILL_TIME_WAIT);
	read_all(d, 1);
	EXPECT_EQ(d->e[1].c.rx.lost, 1);
	EXPECT_EQ(d->e[0].lives, 0);
	expect_quiet(d);
	duo_free(d);
}

TEST(late__of_a_liar)
{
	struct duo *d = duo_open_records();
	struct rill_pkt p = { .n = 1 };

	duo_write_record(d, 0, 10);
	duo_pass(d);
	p.h.type = RILL_T_DATA;
	p.h.pn = d->e[1].c.aq.largest + 1;
	p.h.flags = p.last_flags = RILL_F_ELICIT;
	p.x.has = BIT(RILL_I_SKIP);
	p.x.skip_from = 14;
	p.x.skip_to = 100;
	p.x.skip_next = 1;				/* a stretch of no records */
	duo_rcv(d, 1, &p);
	EXPECT_EQ(d->e[1].err, EPROTO);
	EXPECT_EQ(d->e[1].mib[RILL_MIB_INBADRECORD], 1);
	duo_free(d);
}

TEST(late__means_nothing_to_a_stream)
{
	struct duo *d = duo_open();
	struct rill_pkt p = { .n = 1 };

	p.h.type = RILL_T_DATA;
	p.h.pn = d->e[1].c.aq.largest + 1;
	p.h.flags = p.last_flags = RILL_F_ELICIT;
	p.x.has = BIT(RILL_I_SKIP);
	p.x.skip_to = 100;
	p.x.skip_next = 1;
	duo_rcv(d, 1, &p);
	EXPECT(d->e[1].c.rx.nxt == 0 && state(d, 1) == RILL_ESTABLISHED);
	duo_free(d);
}
