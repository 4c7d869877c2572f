// SPDX-License-Identifier: GPL-2.0
/*
 * clock.c - what happens when nothing arrives.
 *
 * Owns the deadlines, one for each concern, folded into the one that the host
 * keeps a timer for; and how long each hope lasts.
 */
#include <linux/errno.h>
#include "conn.h"

/* The peer is silent for good. */
static void rill_conn_give_up(struct rill_conn *c)
{
	rill_count(c, RILL_MIB_ABORTONTIMEOUT, 1);
	if (c->state == RILL_SYN_SENT) {
		rill_count(c, RILL_MIB_ATTEMPTFAILS, 1);
	} else {
		c->reset_due = true;
		c->reset_why = RILL_R_TIMEOUT;
		c->out->bits |= RILL_B_TX;
	}
	rill_conn_die(c, c->soft_err ? c->soft_err : ETIMEDOUT);
}

/*
 * Data left with the SYN, or follows one that may have been forged: all waits for
 * the handshake, whose timer is another.
 */
static bool rill_conn_opening(const struct rill_conn *c)
{
	return c->state == RILL_SYN_SENT || (!c->client && !c->confirmed);
}

/* When to stop hoping for an acknowledgement of what is out. */
static u64 rill_conn_r2_at(const struct rill_conn *c)
{
	u64 wait = c->user_timeout ? c->user_timeout : RILL_R2;

	if (rill_conn_opening(c))
		return RILL_NEVER;
	if (rill_conn_window_shut(c))
		return c->probes ? c->probe_from + wait : RILL_NEVER;
	/* Data the carrier refuses waits like data without an answer. */
	if (!c->tx.inflight_pkts && !c->tx.rtx_pkts &&
	    (c->retry_at == RILL_NEVER || !c->tx.unsent))
		return RILL_NEVER;
	return c->tx.progress_at + wait;
}

/* When the probe time-out comes: some time after the newest packet. */
u64 rill_conn_pto_at(const struct rill_conn *c)
{
	if (!c->tx.inflight_pkts || c->tx.loss_at != RILL_NEVER || rill_conn_opening(c))
		return RILL_NEVER;
	return c->tx.last_sent_at + rill_rtt_pto(&c->rtt, rill_conn_peer_delay(c),
						 c->pto_count);
}

static u64 rill_conn_keep_at(const struct rill_conn *c)
{
	if (!c->keepalive || !rill_state_in(c->state, RILL_ST_SYNCED) ||
	    rill_send_busy(&c->tx))
		return RILL_NEVER;
	return c->keep_at ? c->keep_at + c->keepintvl : c->rx_at + c->keepidle;
}

/*
 * rill_conn_deadline() - when rill_conn_timeout() or a poll is next needed.
 *
 * Return: RILL_NEVER when not.
 */
u64 rill_conn_deadline(const struct rill_conn *c)
{
	u64 at;

	if (c->state == RILL_CLOSE || c->state == RILL_LISTEN)
		return RILL_NEVER;
	/* The carrier refused: until then nothing that is due could be sent. */
	if (c->retry_at != RILL_NEVER)
		return min(c->retry_at, c->roam.at);
	at = min(c->syn_at, c->end_at);
	at = min(at, c->roam.at);
	at = min(at, c->aq.deadline);
	at = min(at, c->tx.loss_at);
	at = min(at, c->tx.life_at);
	at = min(at, rill_conn_pto_at(c));
	at = min(at, c->probe_at);
	if (c->cork_at)
		at = min(at, c->cork_at);
	at = min(at, rill_conn_keep_at(c));
	at = min(at, rill_conn_r2_at(c));
	if (c->limit == RILL_LIM_PACE)
		at = min(at, c->pace.next);
	return at;
}

/* The SYN was not answered, or the SYN-ACK. */
static void rill_conn_syn_timeout(struct rill_conn *c, u64 now)
{
	if (c->state == RILL_SYN_SENT) {
		if (c->attempts > c->syn_retries ||
		    (c->user_timeout && now - c->rx_at >= c->user_timeout)) {
			rill_conn_give_up(c);
			return;
		}
		c->syn_due = true;
		c->out->bits |= RILL_B_TX;
	} else {
		rill_conn_give_up(c);
	}
}

static void rill_conn_keep_timeout(struct rill_conn *c, u64 now)
{
	bool dead = c->user_timeout ? now - c->rx_at >= c->user_timeout && c->probes :
				      c->probes >= c->keepcnt;

	if (dead) {
		rill_conn_give_up(c);
		return;
	}
	c->probe_due = true;
	c->probes++;
	c->keep_at = now;
	rill_count(c, RILL_MIB_KEEPALIVES, 1);
	c->out->bits |= RILL_B_TX;
}

static void rill_conn_window_timeout(struct rill_conn *c, u64 now)
{
	if (!rill_conn_window_shut(c)) {
		c->probe_at = RILL_NEVER;
		c->probe_backoff = 0;
		return;
	}
	c->probe_due = true;
	if (!c->probes)
		c->probe_from = now;
	c->probes = min_t(u32, c->probes + 1, U8_MAX);
	/* RFC 9293 SHLD-30: further and further apart, though the peer answers. */
	c->probe_backoff = min_t(u32, c->probe_backoff + 1, U8_MAX);
	c->probe_at = now + rill_rtt_pto(&c->rtt, rill_conn_peer_delay(c), c->probe_backoff);
	rill_count(c, RILL_MIB_WINPROBES, 1);
	c->out->bits |= RILL_B_TX;
}

/* Records are late. */
static void rill_conn_expire(struct rill_conn *c, u64 now)
{
	u32 n = rill_send_expire(&c->tx, now);

	if (!n)
		return;
	rill_count(c, RILL_MIB_OUTGIVENUP, n);
	/* Their memory is free, and the peer is to be told. */
	c->out->bits |= RILL_B_WRITABLE | RILL_B_TX;
}

/* An orphan's time is over: no program waits for the rest. */
static void rill_conn_end_timeout(struct rill_conn *c)
{
	if (c->state == RILL_FIN_WAIT2) {
		rill_conn_move(c, RILL_EV_ABORT);
		rill_conn_done(c);
		return;
	}
	rill_conn_give_up(c);
}

/*
 * rill_conn_timeout() - the deadline has come, or has not: all are looked at.
 */
void rill_conn_timeout(struct rill_conn *c, u64 now, struct rill_out *out)
{
	c->out = out;
	if (c->state == RILL_CLOSE || c->state == RILL_LISTEN)
		return;
	if (c->end_at <= now) {
		rill_conn_end_timeout(c);
		return;
	}
	if (rill_conn_r2_at(c) <= now) {
		rill_conn_give_up(c);
		return;
	}
	if (c->syn_at <= now) {
		rill_conn_syn_timeout(c, now);
		if (c->state == RILL_CLOSE)
			return;
	}
	if (rill_conn_keep_at(c) <= now) {
		rill_conn_keep_timeout(c, now);
		if (c->state == RILL_CLOSE)
			return;
	}
	if (c->aq.deadline <= now) {
		c->aq.now = true;
		c->aq.pingpong = false;
		out->bits |= RILL_B_TX;
	}
	if (c->roam.at <= now) {
		rill_roam_timeout(&c->roam);
		out->bits |= RILL_B_TX;
	}
	if (c->tx.life_at <= now)
		rill_conn_expire(c, now);
	if (c->tx.loss_at <= now)
		rill_conn_detect(c, c->tx.inflight, now);
	if (rill_conn_pto_at(c) <= now) {
		/*
		 * RFC 9002 6.2.4: two probes, then wait twice as long.  Before the
		 * peer has our echo that is one of them, and data the other.
		 */
		c->pto_probes = c->confirmed ? 2 : rill_send_busy(&c->tx);
		c->pto_count = min_t(u32, c->pto_count + 1, U8_MAX);
		if (c->pto_count > 1 && rill_ecn_silent(&c->ecn))
			rill_count(c, RILL_MIB_ECNFAILS, 1);
		if (rill_send_large(&c->tx) && rill_pmtu_timeout(&c->pmtu, c->pto_count, now))
			rill_conn_hole(c);
		else if (rill_conn_misfit(c))
			out->bits |= RILL_B_RECUT;	/* there was no memory */
		if (!c->confirmed)
			c->echo_due = true;
		rill_count(c, RILL_MIB_PTOS, 1);
		out->bits |= RILL_B_TX;
	}
	if (c->probe_at <= now)
		rill_conn_window_timeout(c, now);
	/* The corked packet leaves when window and credit let it: no more timer. */
	if (c->cork_at <= now)
		c->cork_at = 0;
	if (!c->cork_at || c->retry_at <= now || c->limit == RILL_LIM_PACE)
		out->bits |= RILL_B_TX;
	if (c->retry_at <= now)
		c->retry_at = RILL_NEVER;
}
