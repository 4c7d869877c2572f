// SPDX-License-Identifier: GPL-2.0
/*
 * left.c - what has left, or could not.
 *
 * Owns how the books go forward once the carrier has taken what poll.c chose.
 */
#include <linux/errno.h>
#include "conn.h"

static void rill_sent_syn(struct rill_conn *c, u64 now)
{
	c->syn_due = false;
	c->fast_sent = c->token_len && c->fast;
	c->syn_sent_at = now;
	c->syn_at = now + (RILL_RTT_INITIAL << min_t(u8, c->attempts, 7));
	if (c->user_timeout)
		c->syn_at = min(c->syn_at, c->rx_at + c->user_timeout);
	c->attempts++;
	rill_count(c, RILL_MIB_SYNS, 1);
}

/* Counts of what has left. */
static void rill_sent_stats(struct rill_conn *c, const struct rill_tx *tx)
{
	c->st.pkts_out += tx->n;
	rill_count(c, RILL_MIB_OUTPKTS, tx->n);
	rill_count(c, RILL_MIB_OUTRUNS, 1);
	if (!tx->run)
		return;
	c->st.data_out += tx->n;
	c->st.bytes_sent += tx->bytes;
	if (tx->rec_flags & RILL_REC_RTX) {
		c->st.bytes_retrans += tx->bytes;
		c->st.retrans += tx->n;
		rill_count(c, RILL_MIB_RETRANS, tx->n);
	}
}

static bool rill_tx_acks(const struct rill_tx *tx)
{
	return tx->ext.len && tx->ext.b[0] == RILL_I_ACK;
}

/* What every packet tells the peer, and some ask, is no longer owed. */
static void rill_sent_told(struct rill_conn *c, const struct rill_tx *tx)
{
	if (!tx->run && tx->h.flags & RILL_F_ELICIT)
		c->probe_due = false;
	c->update_due = false;
	rill_recv_grant(&c->rx);
	if (tx->ext.len && tx->ext.b[0] == RILL_I_RESPONSE)
		c->roam.answer = false;
	if (rill_tx_acks(tx))
		rill_ackq_sent(&c->aq);
}

/*
 * rill_conn_sent() - the carrier took what rill_conn_poll_tx() chose.
 * @rec: memory for the record when @tx->eliciting, else NULL
 */
void rill_conn_sent(struct rill_conn *c, const struct rill_tx *tx, struct rill_rec *rec,
		    u64 now, struct rill_out *out)
{
	c->out = out;
	c->retry_at = RILL_NEVER;
	rill_sent_stats(c, tx);
	rill_roam_sent(&c->roam, rill_tx_size(tx));
	switch (tx->h.type) {
	case RILL_T_RESET:
		c->reset_due = false;
		rill_count(c, RILL_MIB_OUTRESETS, 1);
		return;
	case RILL_T_SYN:
		if (tx->run)
			rill_send_record(&c->tx, rec, tx->run, 0, 1, 0, now);
		rill_sent_syn(c, now);
		return;
	case RILL_T_ECHO:
		c->echo_due = false;
		rill_count(c, RILL_MIB_ECHOES, 1);
		break;
	}

	if (tx->eliciting) {
		if (tx->fresh && c->aq.pend)
			c->aq.pingpong = true;
		rill_send_record(&c->tx, rec, tx->run, tx->first, tx->n, tx->rec_flags, now);
		if (rill_tx_acks(tx))
			rec->told = c->aq.largest + 1;
		rill_ecn_sent(&c->ecn, tx->ecn, tx->n);
		if (tx->rec_flags & RILL_REC_PMTU) {
			rec->plen = c->pmtu.size;
			rill_pmtu_probe_sent(&c->pmtu);
			rill_count(c, RILL_MIB_PMTUPROBES, 1);
		}
		if (!c->tx.unsent && !c->tx.rtx_pkts && c->tx.inflight < c->cc.cwnd)
			c->tx.app_limited = c->tx.delivered_bytes + c->tx.inflight;
		rill_pace_sent(&c->pace, tx->bytes + tx->n * RILL_HDR, now);
		rill_cc_sent(&c->cc, tx->bytes + tx->n * RILL_HDR);
	} else {
		rill_send_number(&c->tx, 1);
	}
	if (tx->eliciting && tx->ext.len && tx->ext.b[0] == RILL_I_CHALLENGE) {
		rill_roam_asked(&c->roam, rill_rtt_pto(&c->rtt, rill_conn_peer_delay(c), 0), now);
		rill_count(c, RILL_MIB_PATHCHALLENGES, 1);
	}
	if (tx->fresh)
		c->cork_at = RILL_NEVER;
	if (tx->probe && c->pto_probes)
		c->pto_probes--;
	rill_sent_told(c, tx);
}

static void rill_refused(struct rill_conn *c, const struct rill_tx *tx, int err, u64 now)
{
	bool lost = !tx->eliciting && err != ENOMEM;

	if (tx->rec_flags & RILL_REC_PMTU) {
		rill_pmtu_probe_sent(&c->pmtu);
		rill_pmtu_probe_lost(&c->pmtu, now);
	}

	if (lost)
		rill_sent_told(c, tx);
	/* The host polls no further: what comes behind needs a retry as well. */
	if (!lost || c->tx.unsent || c->tx.rtx_pkts || c->pto_probes)
		c->retry_at = now + RILL_ACK_DELAY;
}

/*
 * rill_conn_not_sent() - the carrier could not take what was chosen.
 * @err: errno, positive: why; kept for the day the connection times out
 *
 * A SYN counts as sent, so that a host without a route gives up like one
 * without an answer.  So does what wants no acknowledgement: the peer asks again,
 * and a filter that refuses for good would be asked for ever.  Everything else
 * is tried again a little later.
 */
void rill_conn_not_sent(struct rill_conn *c, const struct rill_tx *tx, int err, u64 now,
			struct rill_out *out)
{
	c->out = out;
	if (err != ENOMEM)
		c->soft_err = err;
	if (tx->h.type == RILL_T_SYN)
		rill_sent_syn(c, now);
	else if (tx->h.type == RILL_T_RESET)
		c->reset_due = false;
	else
		rill_refused(c, tx, err, now);
}
