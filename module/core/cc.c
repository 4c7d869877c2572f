// SPDX-License-Identifier: GPL-2.0
/*
 * cc.c - what all congestion controls share, and the plain one: Reno.
 *
 * Owns recovery periods (RFC 9002 7.3.2: one reduction a round trip), undo
 * after losses that were not, and persistent congestion.
 */
#include "cc.h"

static const struct rill_cc_ops *const rill_cc_table[] = {
	&rill_cc_cubic,
	&rill_cc_reno,
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

/* @mss: bytes a full packet counts, header included. */
void rill_cc_init(struct rill_cc *cc, const struct rill_cc_ops *ops, u32 mss)
{
	memset(cc, 0, sizeof(*cc));
	cc->ops = ops;
	cc->mss = mss;
	/* RFC 6928: min(10 * MSS, max(2 * MSS, 14600)), large packets bounded. */
	cc->cwnd = min_t(u64, RILL_CC_IW * mss, max_t(u64, 2 * mss, 14720));
	cc->ssthresh = RILL_SSTHRESH_NONE;
	ops->init(cc);
}

/* Another algorithm takes over the window as it is. */
void rill_cc_switch(struct rill_cc *cc, const struct rill_cc_ops *ops)
{
	cc->ops = ops;
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
}

/*
 * rill_cc_acked() - packets were acknowledged.
 * @largest_sent_at: when the newest of them was sent: past recovery_at, the
 *                   recovery period is over
 */
void rill_cc_acked(struct rill_cc *cc, const struct rill_cc_ack *ack, u64 largest_sent_at)
{
	if (cc->in_recovery) {
		/* RFC 9002 7.3.2: no growth for packets sent before the reduction. */
		if (largest_sent_at <= cc->recovery_at)
			return;
		cc->in_recovery = false;
	}
	if (!ack->cwnd_limited)
		return;
	cc->ops->on_ack(cc, ack);
}

/*
 * rill_cc_lost() - packets were lost, or one was marked by the network.
 * @packets: how many were declared lost; 0: a mark, which cannot be undone
 * @sent_at: when the newest of them was sent
 *
 * Return: true when this starts a new recovery period.
 */
bool rill_cc_lost(struct rill_cc *cc, u32 packets, u64 sent_at, u64 now)
{
	cc->undo_lost += packets;
	if (cc->recovery_at && sent_at <= cc->recovery_at) {
		if (!packets)
			cc->undo_ok = false;
		return false;
	}

	cc->undo_cwnd = cc->cwnd;
	cc->undo_ssthresh = cc->ssthresh;
	cc->undo_lost = packets;
	cc->undo_ok = packets != 0;
	cc->recovery_at = now;
	cc->in_recovery = true;
	cc->ops->on_congestion(cc, now);
	cc->ssthresh = max_t(u64, cc->ssthresh, RILL_CC_MIN * cc->mss);
	cc->cwnd = cc->ssthresh;
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

/* RFC 9002 7.6: everything sent over a long time was lost. */
void rill_cc_persistent(struct rill_cc *cc)
{
	cc->ssthresh = max_t(u64, cc->cwnd / 2, RILL_CC_MIN * cc->mss);
	cc->cwnd = RILL_CC_MIN * cc->mss;
	cc->in_recovery = false;
	cc->undo_ok = false;
	cc->ops->init(cc);
}

/* Reno (RFC 5681): priv[0] counts bytes acknowledged towards the next packet. */
static void rill_reno_init(struct rill_cc *cc)
{
	cc->priv[0] = 0;
}

static void rill_reno_on_ack(struct rill_cc *cc, const struct rill_cc_ack *ack)
{
	if (rill_cc_slow_start(cc)) {
		cc->cwnd += ack->acked;
		return;
	}
	cc->priv[0] += ack->acked;
	while (cc->priv[0] >= cc->cwnd) {
		cc->priv[0] -= cc->cwnd;
		cc->cwnd += cc->mss;
	}
}

static void rill_reno_on_congestion(struct rill_cc *cc, u64 now)
{
	cc->ssthresh = cc->cwnd / 2;
	cc->priv[0] = 0;
}

const struct rill_cc_ops rill_cc_reno = {
	.name = "reno",
	.init = rill_reno_init,
	.on_ack = rill_reno_on_ack,
	.on_congestion = rill_reno_on_congestion,
};
