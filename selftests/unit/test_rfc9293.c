// SPDX-License-Identifier: GPL-2.0
/* What RFC 9293 asks and no test of one file shows: see module/CONFORMANCE.md. */
#include <errno.h>
#include "duo.h"
#include "test.h"

#define PAY 1000
#define DAY (86400 * RILL_SEC)

static int state(const struct duo *d, int end)
{
	return d->e[end].c.state;
}

/* End 1 has read nothing and takes no more; end 0 has more. */
static struct duo *shut(void)
{
	struct duo *d = duo_new();

	d->e[1].cfg.wnd = d->e[1].cfg.wnd_max = PAY;
	duo_connect(d);
	duo_pass(d);
	duo_write(d, 0, 5 * PAY);
	duo_pass(d);
	EXPECT(rill_conn_window_shut(&d->e[0].c));
	return d;
}

/* SHLD-29: when a retransmission would have come. */
TEST(window_probe__first_after_a_pto)
{
	struct duo *d = shut();
	u64 pto = rill_rtt_pto(&d->e[0].c.rtt, d->e[0].c.peer.max_ack_delay * RILL_MSEC, 0);
	u64 due = rill_conn_deadline(&d->e[0].c);

	EXPECT(due > d->now - 2 * d->owd && due <= d->now + pto);
	duo_wait(d, due - d->now - 1);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_WINPROBES], 0);
	duo_wait(d, 1);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_WINPROBES], 1);
	EXPECT(d->nq == 1 && d->q[0]->p.h.flags == (RILL_F_ELICIT | RILL_F_NOW));
	duo_free(d);
}

/* MUST-37. */
TEST(window_probe__a_week_of_answers)
{
	struct duo *d = shut();

	duo_run(d, 7 * DAY);
	EXPECT(state(d, 0) == RILL_ESTABLISHED && state(d, 1) == RILL_ESTABLISHED);
	EXPECT(d->e[0].mib[RILL_MIB_WINPROBES] >= 7 * 86400 / 120);
	duo_read(d, 1, PAY);
	duo_run(d, RILL_SEC);
	EXPECT_EQ(d->e[1].c.rx.nxt, 2 * PAY);		/* it goes on where it stood */
	duo_free(d);
}

/* MUST-66: whoever's window is shut. */
TEST(reset__through_a_shut_window)
{
	int end;

	for (end = 0; end < 2; end++) {
		struct duo *d = shut();

		ROW("end %d", end);
		duo_abort(d, end, RILL_R_ABORT);
		duo_pass(d);
		EXPECT_EQ(state(d, !end), RILL_CLOSE);
		EXPECT_EQ(d->e[!end].err, ECONNRESET);
		duo_free(d);
	}
}

/* MUST-24, MUST-25: a connection may be silent for as long as it likes. */
TEST(keepalive__off_unless_asked)
{
	struct duo *d = duo_open();

	EXPECT(!d->e[0].c.keepalive && !d->e[1].c.keepalive);
	EXPECT_EQ(rill_conn_deadline(&d->e[0].c), RILL_NEVER);
	EXPECT_EQ(rill_conn_deadline(&d->e[1].c), RILL_NEVER);
	duo_free(d);
}

/* MUST-28, SHLD-12: 7200 s, then a packet without data. */
TEST(keepalive__two_hours_unless_said)
{
	struct duo *d = duo_open();

	d->e[0].c.keepalive = true;
	EXPECT_EQ(rill_conn_deadline(&d->e[0].c), d->e[0].c.rx_at + 7200 * RILL_SEC);
	duo_wait(d, rill_conn_deadline(&d->e[0].c) - d->now);
	EXPECT(d->nq == 1 && !d->q[0]->p.len);
	EXPECT_EQ(d->q[0]->p.h.flags, RILL_F_ELICIT | RILL_F_NOW);
	EXPECT_EQ(rill_conn_deadline(&d->e[0].c) - d->now, d->e[0].c.keepintvl);
	EXPECT_EQ(d->e[0].c.keepintvl, 75 * RILL_SEC);
	EXPECT_EQ(d->e[0].c.keepcnt, 9);
	duo_free(d);
}

/* MUST-26: not while something is on its way, nor while packets arrive. */
TEST(keepalive__only_when_idle)
{
	struct duo *d = duo_open();
	int i;

	d->e[0].c.keepalive = true;
	d->e[0].c.keepidle = RILL_SEC;
	duo_write(d, 0, PAY);
	duo_drop_all(d);
	for (i = 0; i < 20; i++) {			/* data unanswered for longer than that */
		duo_wait(d, RILL_SEC);
		duo_drop_all(d);
	}
	EXPECT_EQ(d->e[0].mib[RILL_MIB_KEEPALIVES], 0);
	duo_run(d, 60 * RILL_SEC);			/* arrives at last; now there are some */
	EXPECT(d->e[0].mib[RILL_MIB_KEEPALIVES]);
	duo_free(d);

	d = duo_open();
	d->e[0].c.keepalive = true;
	d->e[0].c.keepidle = RILL_SEC;
	for (i = 0; i < 20; i++) {			/* the peer speaks all the time */
		duo_write(d, 1, 10);
		duo_run(d, RILL_SEC / 2);
		duo_read(d, 0, 10);
	}
	EXPECT_EQ(d->e[0].mib[RILL_MIB_KEEPALIVES], 0);
	duo_free(d);
}

/* MUST-29: all answers but the last are lost. */
TEST(keepalive__one_lost_is_not_the_end)
{
	struct duo *d = duo_open();
	int i;

	d->e[0].c.keepalive = true;
	for (i = 1; i < RILL_KEEPCNT_DEF; i++) {
		duo_wait(d, rill_conn_deadline(&d->e[0].c) - d->now);
		duo_drop_all(d);
	}
	EXPECT_EQ(d->e[0].c.probes, RILL_KEEPCNT_DEF - 1);
	duo_wait(d, rill_conn_deadline(&d->e[0].c) - d->now);
	duo_pass(d);
	EXPECT_EQ(state(d, 0), RILL_ESTABLISHED);
	EXPECT_EQ(d->e[0].c.probes, 0);			/* and counted from the beginning */
	duo_free(d);
}

/* RFC 9293 3.10.4: a second CLOSE changes nothing. */
TEST(close__twice)
{
	struct duo *d = duo_open();
	struct rill_run fin = { .flags = 0 };
	struct rill_out out;

	duo_shut(d, 0);
	EXPECT_EQ(state(d, 0), RILL_FIN_WAIT1);
	rill_out_init(&out);
	EXPECT(!rill_conn_shut_wr(&d->e[0].c, &fin, d->now, &out));
	EXPECT(state(d, 0) == RILL_FIN_WAIT1 && !out.bits);
	duo_free(d);
}

/* A timer that comes too late finds nothing to do. */
TEST(timeout__after_the_end)
{
	struct duo *d = duo_open();
	struct rill_out out;

	duo_abort(d, 0, RILL_R_ABORT);
	rill_out_init(&out);
	rill_conn_timeout(&d->e[0].c, d->now + DAY, &out);
	EXPECT(state(d, 0) == RILL_CLOSE && !out.bits && !out.ncount);
	duo_free(d);
}

/* A window probe that is due when the window is open again is not sent. */
TEST(window_probe__not_when_open)
{
	struct duo *d = duo_open();
	struct rill_out out;

	d->e[0].c.probe_at = d->now;
	d->e[0].c.probe_backoff = 3;
	rill_out_init(&out);
	rill_conn_timeout(&d->e[0].c, d->now, &out);
	EXPECT(!d->e[0].c.probe_due && !d->e[0].c.probe_backoff);
	EXPECT_EQ(d->e[0].c.probe_at, RILL_NEVER);
	duo_free(d);
}

/* Counters of one call: equal ones add up, too many kinds are left out. */
TEST(count__adds_up)
{
	struct duo *d = duo_open();
	struct rill_out out;
	int i;

	rill_out_init(&out);
	d->e[0].c.out = &out;
	for (i = 0; i < 3; i++)
		rill_count(&d->e[0].c, RILL_MIB_INDUP, 2);
	EXPECT(out.ncount == 1 && out.count[0].n == 6);
	rill_count(&d->e[0].c, RILL_MIB_INDUP, 0);
	rill_count(&d->e[0].c, RILL_MIB_NONE, 1);
	for (i = 1; i <= 2 * RILL_OUT_COUNTS; i++)
		rill_count(&d->e[0].c, RILL_MIB_INDUP + i, 1);
	EXPECT_EQ(out.ncount, RILL_OUT_COUNTS);
	EXPECT(out.count[0].n == 6 && out.count[RILL_OUT_COUNTS - 1].n == 1);
	duo_free(d);
}

/* ICMP's word on the path is taken for what is sent from then on. */
TEST(too_big__makes_packets_smaller)
{
	struct duo *d = duo_open();
	struct rill_out out;
	u16 was = d->e[0].c.payload;

	rill_out_init(&out);
	rill_conn_too_big(&d->e[0].c, was - 100, d->now, &out);
	EXPECT(out.bits & RILL_B_TX);
	EXPECT(out.ncount == 1 && out.count[0].mib == RILL_MIB_ICMPIN);
	EXPECT(d->e[0].c.payload <= was);
	duo_free(d);
}

/* PROTOCOL.md 3: numbers are read against the one expected, to the last of them. */
TEST(rcv__numbers_half_the_circle_away)
{
	struct duo *d = duo_open();
	struct rill_conn *c = &d->e[0].c;
	u64 next = c->aq.largest + 1;
	struct rill_pkt p = { .h = { .type = RILL_T_DATA }, .n = 1 };

	p.h.pn = (u32)(next + BIT(31));			/* as near below: before the first */
	duo_rcv(d, 0, &p);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_INBADNUM], 1);
	EXPECT_EQ(c->aq.largest, next - 1);
	p.h.pn = (u32)(next + BIT(31) - 1);
	duo_rcv(d, 0, &p);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_INBADNUM], 1);
	EXPECT_EQ(c->aq.largest, next + BIT(31) - 1);
	duo_free(d);
}
