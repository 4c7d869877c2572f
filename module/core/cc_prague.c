// SPDX-License-Identifier: GPL-2.0
/*
 * cc_prague.c - marks answered in proportion, for networks that mark early.
 *
 * DCTCP's response (RFC 8257) under the terms of L4S (RFC 9331): packets leave with
 * ECT(1), are paced, and the window shrinks once a round trip by half the share of
 * packets that were marked.  Growth and losses are Reno's.  For paths whose queues
 * know ECT(1): elsewhere it is Reno, since ECT(1) is marked as ECT(0) is.  Not done
 * of what RFC 9331 4.3 asks for: less dependence on the round trip.
 */
#include "cc.h"

#define PRAGUE_PACE_START	2048	/* of 1024: twice the window a round trip */
#define PRAGUE_PACE		1229	/* 1.2 */

struct rill_prague {
	u64	grown;		/* rill_reno_on_ack()'s: it must be first */
	u64	round_end;	/* delivered bytes that end the round */
	struct rill_marks marks;
	bool	cut;		/* the window shrank in this round */
};

static struct rill_prague *rill_prague(struct rill_cc *cc)
{
	_Static_assert(sizeof(struct rill_prague) <= sizeof(cc->priv), "priv too small");
	return (struct rill_prague *)cc->priv;
}

static void rill_prague_init(struct rill_cc *cc)
{
	memset(cc->priv, 0, sizeof(cc->priv));
	rill_marks_init(&rill_prague(cc)->marks);
}

static void rill_prague_cut(struct rill_cc *cc)
{
	struct rill_prague *p = rill_prague(cc);
	u64 less = cc->cwnd * rill_marks_alpha(&p->marks) / (2 * RILL_MARKS_ALL);

	p->cut = true;
	cc->cwnd = max(cc->cwnd - less, RILL_CC_MIN * (u64)cc->mss);
	cc->ssthresh = cc->cwnd;
}

static void rill_prague_on_marks(struct rill_cc *cc, const struct rill_cc_ack *ack)
{
	struct rill_prague *p = rill_prague(cc);
	u32 gain = rill_cc_slow_start(cc) ? PRAGUE_PACE_START : PRAGUE_PACE;

	rill_marks_acked(&p->marks, ack->ect, ack->marked);
	if (ack->rate.prior >= p->round_end) {
		rill_marks_round(&p->marks);
		p->round_end = ack->delivered;
		p->cut = false;
	}
	/* In recovery the window has come down for a better reason. */
	if (ack->marked && !p->cut && !cc->in_recovery)
		rill_prague_cut(cc);
	if (ack->srtt)
		cc->pacing_rate = max_t(u64, cc->mss, div64_u64(cc->cwnd * gain / 1024 * 1000000,
						max_t(u64, div64_u64(ack->srtt, RILL_USEC), 1)));
}

const struct rill_cc_ops rill_cc_prague = {
	.name = "prague",
	.ect = RILL_ECT1,
	.init = rill_prague_init,
	.on_ack = rill_reno_on_ack,
	.on_congestion = rill_reno_on_congestion,
	.on_marks = rill_prague_on_marks,
};
