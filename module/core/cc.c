// SPDX-License-Identifier: GPL-2.0
/*
 * cc.c - what all congestion controls share, and the plain one: Reno.
 *
 * Owns recovery periods (RFC 9002 7.3.2: one reduction a round trip) and what is
 * sent in them (PRR, RFC 9937), undo after losses that were not, slow start,
 * the window after idle time, and persistent congestion.
 */
#include "cc.h"

static const struct rill_cc_ops *const rill_cc_table[] = {
	&rill_cc_cubic,
	&rill_cc_reno,
	&rill_cc_bbr,
	&rill_cc_prague,
};

/* The @i-th algorithm, NULL past the last; 0 is the default. */
const struct rill_cc_ops *rill_cc_nth(unsigned int i)
{
	return i < sizeof(rill_cc_table) / sizeof(rill_cc_table[0]) ?
	       rill_cc_table[i] : NULL;
}

const struct rill_cc_ops *rill_cc_find(const char *name)
{
	const struct rill_cc_ops *ops;
	unsigned int i;

	for (i = 0; (ops = rill_cc_nth(i)); i++)
		if (!strcmp(ops->name, name))
			return ops;
	return NULL;
}

/* RFC 6928: min(10 * MSS, max(2 * MSS, 14600)), large packets bounded. */
static u64 rill_cc_initial(u32 mss)
{
	return min_t(u64, RILL_CC_IW * mss, max_t(u64, 2 * mss, 14720));
}

/* The smallest window. */
static u64 rill_cc_floor(const struct rill_cc *cc)
{
	return RILL_CC_MIN * (u64)cc->mss;
}

/* @mss: bytes a full packet counts, header included. */
void rill_cc_init(struct rill_cc *cc, const struct rill_cc_ops *ops, u32 mss)
{
	memset(cc, 0, sizeof(*cc));
	cc->ops = ops;
	cc->mss = mss;
	cc->cwnd = rill_cc_initial(mss);
	cc->ssthresh = RILL_SSTHRESH_NONE;
	ops->init(cc);
}

/* Recovery is over: the window is what the reduction made it. */
static void rill_cc_recovered(struct rill_cc *cc)
{
	if (!cc->in_recovery)
		return;
	cc->in_recovery = false;
	cc->cwnd = cc->ssthresh;
}

/* Another algorithm takes over the window as it is. */
void rill_cc_switch(struct rill_cc *cc, const struct rill_cc_ops *ops)
{
	rill_cc_recovered(cc);
	cc->ops = ops;
	cc->pacing_rate = 0;
	memset(cc->priv, 0, sizeof(cc->priv));
	ops->init(cc);
}

/* The path's packet size changed: keep the window in packets. */
void rill_cc_set_mss(struct rill_cc *cc, u32 mss)
{
	u64 packets = max_t(u64, div64_u64(cc->cwnd, cc->mss), RILL_CC_MIN);

	if (mss == cc->mss)
		return;
	cc->cwnd = packets * mss;
	cc->mss = mss;
	cc->ssthresh = max(cc->ssthresh, rill_cc_floor(cc));
}

/*
 * Proportional rate reduction (RFC 9937 6): in recovery every acknowledgement
 * says how much may leave, so that the window comes down over a round trip
 * instead of going silent for half of one.
 */
static void rill_prr_acked(struct rill_cc *cc, const struct rill_cc_ack *ack)
{
	u64 send, due;

	cc->prr_delivered += ack->acked;
	if (ack->inflight > cc->ssthresh) {
		due = div64_u64(cc->prr_delivered * cc->ssthresh + cc->prr_fs - 1, cc->prr_fs);
		send = due > cc->prr_out ? due - cc->prr_out : 0;
	} else {
		due = cc->prr_delivered;
		send = max(due > cc->prr_out ? due - cc->prr_out : 0, ack->acked);
		if (ack->progress)
			send += cc->mss;
		send = min(send, cc->ssthresh - ack->inflight);
	}
	if (!cc->prr_out)
		send = max_t(u64, send, cc->mss);	/* the fast retransmission */
	cc->cwnd = max(ack->inflight + send, rill_cc_floor(cc));
}

/* Slow start; the first one is careful (RFC 9406). */
void rill_cc_slow_start_acked(struct rill_cc *cc, const struct rill_cc_ack *ack)
{
	bool leave;

	if (cc->ssthresh != RILL_SSTHRESH_NONE) {
		cc->cwnd += ack->acked;
		return;
	}
	cc->cwnd += rill_hystart_acked(&cc->hystart, ack->acked, ack->rtt, ack->sent_at,
				       ack->now, &leave);
	if (leave)
		cc->ssthresh = cc->cwnd;
}

/*
 * rill_cc_acked() - packets were acknowledged.
 *
 * One sent after recovery_at ends the recovery period.
 */
void rill_cc_acked(struct rill_cc *cc, struct rill_cc_ack *ack)
{
	if (cc->ops->model) {
		cc->ops->model(cc, ack);
		return;
	}
	if (cc->ops->on_marks)
		cc->ops->on_marks(cc, ack);
	if (cc->in_recovery && ack->sent_at <= cc->recovery_at) {
		/* RFC 9002 7.3.2: no growth for packets sent before the reduction. */
		rill_prr_acked(cc, ack);
		return;
	}
	rill_cc_recovered(cc);
	if (!ack->cwnd_limited) {
		if (!cc->slack_at)
			cc->slack_at = ack->now;
		return;
	}
	ack->slack = cc->slack_at ? ack->now - cc->slack_at : 0;
	cc->slack_at = 0;
	cc->ops->on_ack(cc, ack);
}

/* @bytes left that count against the window. */
void rill_cc_sent(struct rill_cc *cc, u64 bytes)
{
	if (cc->in_recovery)
		cc->prr_out += bytes;
}

/*
 * rill_cc_idle() - nothing was in flight for @ptos probe time-outs.
 *
 * The path may have changed meanwhile: half the window for each, down to the
 * initial one (RFC 5681 4.1, RFC 2861 as Linux has it); ssthresh remembers.
 */
void rill_cc_idle(struct rill_cc *cc, u32 ptos, u64 now)
{
	u64 floor = min(cc->cwnd, rill_cc_initial(cc->mss));

	if (cc->ops->on_restart) {
		cc->ops->on_restart(cc, now);
		return;
	}
	if (!ptos)
		return;
	rill_cc_recovered(cc);
	if (cc->ssthresh != RILL_SSTHRESH_NONE)
		cc->ssthresh = max(cc->ssthresh, cc->cwnd / 4 * 3);
	cc->cwnd = max(cc->cwnd >> min_t(u32, ptos, 32), floor);
}

/*
 * rill_cc_lost() - packets were lost, or one was marked by the network.
 *
 * Return: true when this starts a new recovery period.
 */
bool rill_cc_lost(struct rill_cc *cc, const struct rill_cc_loss *loss)
{
	bool mark = !loss->packets, start = rill_cc_slow_start(cc);

	if (mark && cc->ops->on_marks)
		return false;
	if (cc->ops->on_loss) {
		cc->ops->on_loss(cc, loss);
		return false;
	}
	cc->undo_lost += loss->packets;
	if (cc->recovery_at && loss->sent_at <= cc->recovery_at) {
		if (mark)
			cc->undo_ok = false;
		return false;
	}

	rill_cc_recovered(cc);
	cc->undo_cwnd = cc->cwnd;
	cc->undo_ssthresh = cc->ssthresh;
	cc->undo_lost = loss->packets;
	cc->undo_ok = !mark;
	cc->recovery_at = loss->now;
	cc->in_recovery = true;
	cc->ops->on_congestion(cc, loss->now);
	/*
	 * RFC 8511: a queue that marks is a short one, and its line would run dry.  Not
	 * in slow start, which overshoots.
	 */
	if (mark && !start)
		cc->ssthresh = cc->undo_cwnd * cc->ops->mark_beta / 1024;
	cc->ssthresh = max(cc->ssthresh, rill_cc_floor(cc));
	cc->prr_fs = max_t(u64, loss->before, 1);
	cc->prr_delivered = 0;
	cc->prr_out = 0;
	/* One packet may go; acknowledgements say how much more. */
	cc->cwnd = max(loss->inflight + cc->mss, rill_cc_floor(cc));
	return true;
}

/*
 * rill_cc_spurious() - packets that had been declared lost arrived after all.
 *
 * Once all of the episode did, the reduction is taken back (the idea of RFC
 * 4015; packet numbers make it exact).
 *
 * Return: true when it was.
 */
bool rill_cc_spurious(struct rill_cc *cc, u32 packets)
{
	cc->undo_lost -= min(cc->undo_lost, packets);
	if (cc->undo_lost || !cc->undo_ok)
		return false;
	cc->cwnd = max(cc->cwnd, cc->undo_cwnd);
	cc->ssthresh = max(cc->ssthresh, cc->undo_ssthresh);
	cc->in_recovery = false;
	cc->undo_ok = false;
	return true;
}

/* RFC 9002 7.6: everything sent over a long time was lost; after rill_cc_lost(). */
void rill_cc_persistent(struct rill_cc *cc)
{
	cc->cwnd = rill_cc_floor(cc);
	cc->in_recovery = false;
	cc->undo_ok = false;
	cc->ops->init(cc);
}

/* Reno (RFC 5681): priv[0] counts bytes acknowledged towards the next packet. */
static void rill_reno_init(struct rill_cc *cc)
{
	cc->priv[0] = 0;
}

void rill_reno_on_ack(struct rill_cc *cc, const struct rill_cc_ack *ack)
{
	if (rill_cc_slow_start(cc)) {
		rill_cc_slow_start_acked(cc, ack);
		return;
	}
	cc->priv[0] += ack->acked;
	while (cc->priv[0] >= cc->cwnd) {
		cc->priv[0] -= cc->cwnd;
		cc->cwnd += cc->mss;
	}
}

void rill_reno_on_congestion(struct rill_cc *cc, u64 now)
{
	cc->ssthresh = cc->cwnd / 2;
	cc->priv[0] = 0;
}

const struct rill_cc_ops rill_cc_reno = {
	.name = "reno",
	.ect = RILL_ECT0,
	.mark_beta = 819,	/* 0.8, RFC 8511 3.1 */
	.init = rill_reno_init,
	.on_ack = rill_reno_on_ack,
	.on_congestion = rill_reno_on_congestion,
};
