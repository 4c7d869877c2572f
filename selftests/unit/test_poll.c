// SPDX-License-Identifier: GPL-2.0
/* What may leave and what waits: windows, Nagle, CORK, probes, what shares a packet. */
#include <errno.h>
#include "duo.h"
#include "test.h"

#define PAY 1000

static u32 sent_payload(const struct duo *d)
{
	u32 sum = 0;
	int i;

	for (i = 0; i < d->nq; i++)
		sum += d->q[i]->p.len;
	return sum;
}

TEST(poll_syn__fills_the_base_datagram)
{
	struct duo *d = duo_new();

	duo_connect(d);
	EXPECT_EQ(d->nq, 1);
	EXPECT_EQ(d->q[0]->len, RILL_BASE_DGRAM);
	EXPECT(d->q[0]->p.h.type == RILL_T_SYN && !d->q[0]->p.h.cid && d->q[0]->p.h.pn == 0);
	EXPECT(d->q[0]->p.x.cid == d->e[0].c.cid && d->q[0]->p.x.dport == 80);
	duo_free(d);
}

TEST(poll_new__initial_window)
{
	struct duo *d = duo_open();

	duo_write(d, 0, 50 * PAY);
	EXPECT_EQ(d->nq, 10);			/* 10240 bytes of packets of 1024 */
	EXPECT_EQ(d->e[0].c.limit, RILL_LIM_CWND);
	duo_deliver(d, 0);
	duo_deliver(d, 0);
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.nxt, 50 * PAY);
	duo_free(d);
}

TEST(poll_new__credit)
{
	struct duo *d = duo_new();

	d->e[1].cfg.wnd = d->e[1].cfg.wnd_max = 4500;
	duo_connect(d);
	duo_pass(d);
	duo_write(d, 0, 10 * PAY);
	EXPECT_EQ(d->nq, 4);			/* 4000: a fifth packet has no room */
	EXPECT_EQ(d->e[0].c.limit, RILL_LIM_CREDIT);
	duo_free(d);
}

TEST(nagle__short_packet_waits)
{
	struct duo *d = duo_open();

	duo_write(d, 0, 10);
	EXPECT_EQ(d->nq, 1);			/* nothing out: at once */
	duo_write(d, 0, 10);
	duo_write(d, 0, 10);
	EXPECT_EQ(d->nq, 1);
	duo_pass(d);				/* the answer frees both, in one packet */
	EXPECT_EQ(d->e[1].c.rx.nxt, 30);
	EXPECT_EQ(d->e[0].c.st.data_out, 2);
	duo_free(d);
}

TEST(nagle__full_packets_do_not_wait)
{
	struct duo *d = duo_open();

	duo_write(d, 0, 10);
	duo_write(d, 0, 2 * PAY + 5);
	/* The short one is out; its run took the next bytes in a run of their own. */
	EXPECT(sent_payload(d) >= 2 * PAY + 10);
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.nxt, 2 * PAY + 15);
	duo_free(d);
}

TEST(nagle__nodelay)
{
	struct duo *d = duo_open();

	d->e[0].c.nodelay = true;
	duo_write(d, 0, 10);
	duo_write(d, 0, 10);
	duo_write(d, 0, 10);
	EXPECT_EQ(d->nq, 3);
	duo_free(d);
}

TEST(nagle__fin)
{
	struct duo *d = duo_open();

	duo_write(d, 0, 10);
	duo_write(d, 0, 10);
	EXPECT_EQ(d->nq, 1);
	duo_shut(d, 0);
	EXPECT_EQ(d->nq, 2);
	EXPECT_EQ(d->q[1]->p.h.flags, RILL_F_FIN);
	EXPECT_EQ(d->q[1]->p.len, 10);
	duo_free(d);
}

TEST(cork__holds_200_ms)
{
	struct duo *d = duo_open();

	d->e[0].c.cork = d->e[0].c.nodelay = true;
	duo_write(d, 0, 10);
	EXPECT_EQ(d->nq, 0);
	duo_wait(d, RILL_CORK_MAX - 1);
	EXPECT_EQ(d->nq, 0);
	duo_wait(d, 1);
	EXPECT_EQ(d->nq, 1);
	duo_free(d);
}

TEST(cork__full_packets_leave)
{
	struct duo *d = duo_open();

	d->e[0].c.cork = true;
	duo_write(d, 0, PAY + 10);
	EXPECT_EQ(d->nq, 1);
	EXPECT_EQ(d->q[0]->p.len, PAY);
	duo_write(d, 0, PAY - 10);
	EXPECT_EQ(d->nq, 2);
	duo_free(d);
}

TEST(cork__pulled)
{
	struct duo *d = duo_open();

	d->e[0].c.cork = true;
	duo_write(d, 0, 10);
	EXPECT_EQ(d->nq, 0);
	d->e[0].c.cork = false;
	duo_push(d, 0);
	EXPECT_EQ(d->nq, 1);
	EXPECT_EQ(d->e[0].c.cork_at, RILL_NEVER);
	duo_free(d);
}

/* sendfile(): page after page, and the train leaves when it is full, or told to. */
TEST(hold__a_train_fills)
{
	struct duo *d = duo_open();
	struct rill_conn *c = &d->e[0].c;
	u64 at;

	duo_write_quiet(d, 0, 3 * PAY, 0);
	rill_conn_hold(c, d->now);
	at = c->cork_at;
	EXPECT_EQ(at, d->now + RILL_CORK_MAX);
	duo_wait(d, RILL_CORK_MAX / 2);
	duo_write_quiet(d, 0, PAY, 0);
	rill_conn_hold(c, d->now);
	EXPECT_EQ(c->cork_at, at);		/* not put off by what follows */
	EXPECT_EQ(d->nq, 0);
	duo_flush(d, 0);
	EXPECT_EQ(d->nq, 4);
	EXPECT_EQ(c->cork_at, RILL_NEVER);
	duo_free(d);
}

TEST(hold__nothing_follows)
{
	struct duo *d = duo_open();

	duo_write_quiet(d, 0, PAY + 10, 0);
	rill_conn_hold(&d->e[0].c, d->now);
	duo_wait(d, RILL_CORK_MAX - 1);
	EXPECT_EQ(d->nq, 0);
	duo_wait(d, 1);
	EXPECT_EQ(d->nq, 2);
	EXPECT_EQ(d->q[1]->p.len, 10);
	duo_free(d);
}

/* Held by credit when its time is over: no timer that fires for ever. */
TEST(cork__expired_behind_a_shut_window)
{
	struct duo *d = duo_new();
	int n = 0;

	d->e[1].cfg.wnd = d->e[1].cfg.wnd_max = PAY;
	duo_connect(d);
	duo_pass(d);
	d->e[0].c.cork = true;
	duo_write(d, 0, PAY + 10);
	duo_pass(d);
	while (rill_conn_deadline(&d->e[0].c) <= d->now + RILL_SEC && n++ < 100)
		duo_wait(d, max(rill_conn_deadline(&d->e[0].c), d->now) - d->now);
	EXPECT(n < 20);
	duo_read(d, 1, PAY);
	duo_run(d, RILL_SEC);
	EXPECT_EQ(d->e[1].c.rx.nxt, PAY + 10);
	duo_free(d);
}

TEST(piggyback__a_short_packet_takes_the_ack_along)
{
	struct duo *d = duo_open();

	d->e[1].c.aq.quick = 0;
	duo_write(d, 0, 10);
	duo_deliver(d, 0);
	EXPECT_EQ(d->nq, 0);			/* delayed */
	duo_write(d, 1, 10);
	EXPECT_EQ(d->nq, 1);
	EXPECT(rill_ext_has(&d->q[0]->p.x, RILL_I_ACK));
	EXPECT_EQ(d->e[1].c.aq.deadline, RILL_NEVER);
	EXPECT(d->e[1].c.aq.pingpong);
	duo_free(d);
}

TEST(piggyback__full_packets_do_not)
{
	struct duo *d = duo_open();

	d->e[1].c.aq.quick = 0;
	duo_write(d, 0, 10);
	duo_deliver(d, 0);
	duo_write(d, 1, 3 * PAY);
	EXPECT_EQ(d->nq, 3);
	EXPECT(!d->q[0]->p.h.ext_len && !d->q[1]->p.h.ext_len && !d->q[2]->p.h.ext_len);
	EXPECT(d->e[1].c.aq.deadline != RILL_NEVER);
	duo_free(d);
}

TEST(piggyback__one_ack_item_in_a_probe)
{
	struct duo *d = duo_open();
	u64 at;

	/* An acknowledgement is pending when the keepalive is due. */
	d->e[0].c.keepalive = true;
	d->e[0].c.keepidle = RILL_SEC;
	d->e[0].c.aq.quick = 0;
	duo_run(d, 0);
	at = d->now + RILL_SEC - 5 * RILL_MSEC;
	duo_wait(d, at - d->now);
	d->e[0].c.aq.pend = 1;
	d->e[0].c.rx_at = d->now - RILL_SEC;
	duo_wait(d, 1);
	EXPECT_EQ(d->nq, 1);
	EXPECT(rill_ext_has(&d->q[0]->p.x, RILL_I_ACK) && rill_ext_has(&d->q[0]->p.x, RILL_I_CID));
	duo_free(d);
}

TEST(window_probe__opens_again)
{
	struct duo *d = duo_new();
	u32 probes;

	d->e[1].cfg.wnd = d->e[1].cfg.wnd_max = 2 * PAY;
	duo_connect(d);
	duo_pass(d);
	duo_write(d, 0, 5 * PAY);
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.nxt, 2 * PAY);
	EXPECT(rill_conn_window_shut(&d->e[0].c));
	/* The update is lost: only a probe can find out. */
	duo_read(d, 1, 2 * PAY);
	EXPECT_EQ(d->nq, 1);
	duo_drop_all(d);
	duo_run(d, 3 * RILL_SEC);
	probes = d->e[0].mib[RILL_MIB_WINPROBES];
	EXPECT(probes >= 1);
	EXPECT_EQ(d->e[1].c.rx.nxt, 4 * PAY);
	duo_free(d);
}

TEST(window_probe__backs_off_though_answered)
{
	struct duo *d = duo_new();
	u64 last = 0, gap = 0, n = 0;

	d->e[1].cfg.wnd = d->e[1].cfg.wnd_max = PAY;
	duo_connect(d);
	duo_pass(d);
	duo_write(d, 0, 5 * PAY);
	duo_pass(d);
	while (n < 12) {
		duo_wait(d, rill_conn_deadline(&d->e[0].c) - d->now);
		EXPECT_EQ(d->nq, 1);
		EXPECT_EQ(d->q[0]->p.h.flags, RILL_F_ELICIT | RILL_F_NOW);
		if (last)
			EXPECT(d->now - last >= gap + gap / 2 || gap >= 60 * RILL_SEC);
		gap = last ? d->now - last : 0;
		last = d->now;
		n++;
		duo_pass(d);
	}
	EXPECT(gap >= 60 * RILL_SEC && gap <= RILL_PTO_MAX);
	EXPECT_EQ(d->e[0].c.state, RILL_ESTABLISHED);	/* it is alive: never gives up */
	duo_free(d);
}

TEST(window_probe__user_timeout_counts_from_the_probe)
{
	struct duo *d = duo_new();
	u64 first;

	d->e[1].cfg.wnd = d->e[1].cfg.wnd_max = PAY;
	duo_connect(d);
	duo_pass(d);
	d->e[0].c.user_timeout = 10 * RILL_SEC;
	duo_write(d, 0, PAY);
	duo_pass(d);
	duo_wait(d, 100 * RILL_SEC);		/* quiet for longer than that */
	duo_write(d, 0, PAY);
	first = rill_conn_deadline(&d->e[0].c);
	duo_wait(d, first - d->now);
	EXPECT_EQ(d->nq, 1);
	duo_drop_all(d);
	duo_wait(d, 10 * RILL_SEC - 1);
	EXPECT_EQ(d->e[0].c.state, RILL_ESTABLISHED);
	duo_drop_all(d);
	duo_wait(d, 1);
	EXPECT_EQ(d->e[0].c.state, RILL_CLOSE);
	EXPECT_EQ(d->e[0].err, ETIMEDOUT);
	duo_free(d);
}

/* RFC 9293 3.8.6.2.2: an update only when it is worth a packet. */
TEST(silly_window__reader_of_single_bytes)
{
	struct duo *d = duo_new();
	u32 i, updates;

	d->e[1].cfg.wnd = d->e[1].cfg.wnd_max = 4 * PAY;
	duo_connect(d);
	duo_pass(d);
	duo_write(d, 0, 12 * PAY);
	duo_pass(d);
	updates = d->e[1].c.st.pkts_out;
	for (i = 0; i < 8 * PAY; i++) {
		duo_read(d, 1, 1);
		duo_pass(d);
	}
	EXPECT_EQ(d->e[1].c.rx.nxt, 12 * PAY);
	/* Some 4 updates and 8 acknowledgements, not thousands. */
	EXPECT(d->e[1].c.st.pkts_out - updates < 30);
	duo_free(d);
}

TEST(not_sent__tried_again)
{
	struct duo *d = duo_open();

	d->e[0].deaf = true;
	duo_write(d, 0, 10);
	EXPECT(d->nq == 0 && d->e[0].c.tx.nxt == 0);
	EXPECT(rill_conn_deadline(&d->e[0].c) > d->now);
	duo_wait(d, 100 * RILL_MSEC);
	EXPECT_EQ(d->nq, 0);
	d->e[0].deaf = false;
	duo_run(d, 100 * RILL_MSEC);
	EXPECT_EQ(d->e[1].c.rx.nxt, 10);
	duo_free(d);
}

/* A carrier that refuses for good is a peer that does not answer (the fuzzer). */
TEST(not_sent__data_gives_up)
{
	struct duo *d = duo_open();

	d->e[0].deaf = true;
	duo_wait(d, 100 * RILL_SEC);
	duo_write(d, 0, 10);
	duo_wait(d, RILL_R2 - RILL_SEC);
	EXPECT_EQ(d->e[0].c.state, RILL_ESTABLISHED);
	duo_wait(d, 2 * RILL_SEC);
	EXPECT_EQ(d->e[0].c.state, RILL_CLOSE);
	EXPECT_EQ(d->e[0].err, EPERM);
	duo_free(d);
}

TEST(not_sent__an_acknowledgement_is_not_tried_for_ever)
{
	struct duo *d = duo_open();

	duo_write(d, 0, 10);
	d->e[1].deaf = true;
	duo_deliver(d, 0);
	EXPECT_EQ(rill_conn_deadline(&d->e[1].c), RILL_NEVER);
	d->e[1].deaf = false;
	duo_run(d, RILL_SEC);			/* the other end asks again */
	EXPECT_EQ(d->e[0].c.tx.una, 10);
	duo_free(d);
}

TEST(not_sent__syn_gives_up)
{
	struct duo *d = duo_new();

	d->e[0].deaf = true;
	duo_connect(d);
	duo_wait(d, 300 * RILL_SEC);
	EXPECT_EQ(d->e[0].c.state, RILL_CLOSE);
	EXPECT_EQ(d->e[0].err, EPERM);
	duo_free(d);
}

TEST(tx_trim__a_host_with_small_trains)
{
	struct rill_run run = { .off = 7000, .len = 2500, .plen = 1000, .n = 3,
				.flags = RILL_RUN_FIN };
	struct rill_tx tx = { .run = &run, .h = { .pn = 10, .off = 7000 } };
	struct rill_hdr h;

	rill_tx_trim(&tx, 3);
	EXPECT(tx.n == 3 && tx.bytes == 2500 && tx.last_flags == RILL_F_FIN);
	rill_tx_header(&tx, 0, &h);
	EXPECT(h.pn == 10 && h.off == 7000 && !h.flags);
	rill_tx_header(&tx, 2, &h);
	EXPECT(h.pn == 12 && h.off == 9000 && h.flags == RILL_F_FIN);
	rill_tx_trim(&tx, 2);
	EXPECT(tx.bytes == 2000 && !tx.last_flags);
	rill_tx_header(&tx, 1, &h);
	EXPECT_EQ(h.flags, 0);
	rill_tx_trim(&tx, 1);
	EXPECT(tx.bytes == 1000 && !tx.h.flags);
}

TEST(poll_tx__nothing_in_close)
{
	struct duo *d = duo_open();

	duo_write(d, 0, 10 * PAY);
	duo_drop_all(d);
	duo_abort(d, 0, RILL_R_ABORT);
	EXPECT_EQ(d->nq, 1);
	EXPECT_EQ(d->q[0]->p.h.type, RILL_T_RESET);
	EXPECT_EQ(rill_conn_deadline(&d->e[0].c), RILL_NEVER);
	duo_drop_all(d);
	duo_flush(d, 0);
	EXPECT_EQ(d->nq, 0);
	EXPECT(!d->e[0].runs && !d->e[0].recs);
	duo_free(d);
}

/* What was given up behind bytes that never left is told after them: nobody misses it yet. */
TEST(poll_lost__an_early_skip_waits)
{
	struct duo *d = duo_open_records();
	int i;

	duo_write_record(d, 0, 20 * PAY);	/* ten packets leave, the window is full */
	duo_write_mortal(d, 0, 5 * PAY, 5 * RILL_MSEC);
	duo_wait(d, 10 * RILL_MSEC);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_OUTGIVENUP], 1);
	EXPECT_EQ(d->e[0].c.tx.rtx_pkts, 1);
	duo_deliver(d, 0);
	duo_deliver(d, 0);
	duo_deliver(d, d->nq - 1);		/* an acknowledgement: room for a little */
	EXPECT(d->nq > 8);
	for (i = 0; i < d->nq; i++)
		EXPECT(!rill_ext_has(&d->q[i]->p.x, RILL_I_SKIP));
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.nxt, 25 * PAY + 2 * RILL_PREFIX);
	duo_free(d);
}
