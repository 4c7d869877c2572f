/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cc.h - congestion control: what every algorithm shares, and their table.
 *
 * Owns cwnd and ssthresh.  An algorithm is four functions over struct rill_cc
 * and its private words; it is told what an acknowledgement brought and never
 * sees a packet.
 */
#ifndef RILL_CORE_CC_H
#define RILL_CORE_CC_H

#include "ecn.h"
#include "hystart.h"
#include "marks.h"
#include "sent.h"

#define RILL_CC_NAME_MAX	16	/* TCP_CA_NAME_MAX */
#define RILL_CC_IW		10	/* packets, RFC 6928 */
#define RILL_CC_MIN		2	/* packets, RFC 9002 7.2 */
#define RILL_SSTHRESH_NONE	U64_MAX	/* slow start has not ended yet */

/* What one acknowledgement brought. */
struct rill_cc_ack {
	u64	now;
	u64	acked;		/* bytes newly acknowledged */
	u64	srtt;		/* ns, 0: none yet */
	u64	min_rtt;	/* ns */
	u64	rtt;		/* ns; its sample without the peer's delay, 0: none */
	u64	sent_at;	/* when the newest packet it acknowledges was sent */
	u64	inflight;	/* bytes in flight now */
	u64	delivered;	/* bytes delivered in all */
	u64	lost;		/* bytes lost since the packet the sample is seen from left */
	struct rill_rate rate;
	u32	ect;		/* packets newly acknowledged that could be marked */
	u32	marked;		/* packets more that were (CE) */
	u64	slack;		/* ns before it in which cwnd was not the limit; cc.c's */
	bool	cwnd_limited;	/* cwnd was what held the sender back */
	bool	progress;	/* the oldest byte was acknowledged and nothing was lost */
};

/* What was found lost, or marked by the network. */
struct rill_cc_loss {
	u64	now;
	u64	sent_at;	/* when the newest of the packets was sent */
	u64	before;		/* bytes in flight before the news came */
	u64	inflight;	/* bytes in flight now */
	u32	packets;	/* declared lost; 0: a mark, which cannot be undone */
};

struct rill_cc;

/*
 * A loss-based algorithm is told when to grow and when to shrink; one with a model
 * of the path sees every acknowledgement and loss, and owns cwnd and the pacing
 * rate whatever else happens.
 */
struct rill_cc_ops {
	char	name[RILL_CC_NAME_MAX];
	u8	ect;		/* enum rill_ecn_code: how its packets leave */
	u16	mark_beta;	/* of 1024: a mark leaves so much of the window (RFC 8511) */
	void	(*init)(struct rill_cc *cc);
	/* loss-based */
	void	(*on_ack)(struct rill_cc *cc, const struct rill_cc_ack *ack);
	void	(*on_congestion)(struct rill_cc *cc, u64 now);
	/* likewise; NULL: a mark is a congestion, once a round trip */
	void	(*on_marks)(struct rill_cc *cc, const struct rill_cc_ack *ack);
	/* by model; those above are not called, on_loss instead of reductions */
	void	(*model)(struct rill_cc *cc, const struct rill_cc_ack *ack);
	void	(*on_loss)(struct rill_cc *cc, const struct rill_cc_loss *loss);
	void	(*on_restart)(struct rill_cc *cc, u64 now);	/* sending after idle time */
};

struct rill_cc {
	const struct rill_cc_ops *ops;
	u64	cwnd;		/* bytes, headers included; in recovery PRR's */
	u64	ssthresh;	/* bytes, RILL_SSTHRESH_NONE at first */
	u64	recovery_at;	/* packets sent before this answer an old loss */
	u64	undo_cwnd;	/* bytes, to go back to when no loss was real */
	u64	undo_ssthresh;	/* bytes */
	u64	prr_fs;		/* bytes in flight when recovery began */
	u64	prr_delivered;	/* bytes acknowledged in recovery */
	u64	prr_out;	/* bytes sent in recovery */
	u64	slack_at;	/* since when cwnd is not the limit, 0: it is */
	struct rill_hystart hystart;
	u32	mss;		/* bytes a full packet counts, header included */
	u32	undo_lost;	/* packets of this episode still believed lost */
	bool	in_recovery;	/* until a packet sent after recovery_at is acked */
	bool	undo_ok;	/* nothing has forbidden undoing */
	u64	pacing_rate;	/* bytes a second, 0: not paced */
	u64	priv[40];	/* the algorithm's own */
};

const struct rill_cc_ops *rill_cc_find(const char *name);
const struct rill_cc_ops *rill_cc_nth(unsigned int i);
void rill_cc_init(struct rill_cc *cc, const struct rill_cc_ops *ops, u32 mss);
void rill_cc_switch(struct rill_cc *cc, const struct rill_cc_ops *ops);
void rill_cc_set_mss(struct rill_cc *cc, u32 mss);
void rill_cc_acked(struct rill_cc *cc, struct rill_cc_ack *ack);
bool rill_cc_lost(struct rill_cc *cc, const struct rill_cc_loss *loss);
void rill_cc_sent(struct rill_cc *cc, u64 bytes);
void rill_cc_idle(struct rill_cc *cc, u32 ptos, u64 now);
void rill_cc_slow_start_acked(struct rill_cc *cc, const struct rill_cc_ack *ack);
bool rill_cc_spurious(struct rill_cc *cc, u32 packets);
void rill_cc_persistent(struct rill_cc *cc);
void rill_reno_on_ack(struct rill_cc *cc, const struct rill_cc_ack *ack);
void rill_reno_on_congestion(struct rill_cc *cc, u64 now);

static inline bool rill_cc_slow_start(const struct rill_cc *cc)
{
	return cc->cwnd < cc->ssthresh;
}

extern const struct rill_cc_ops rill_cc_reno;
extern const struct rill_cc_ops rill_cc_cubic;
extern const struct rill_cc_ops rill_cc_bbr;
extern const struct rill_cc_ops rill_cc_prague;

#endif /* RILL_CORE_CC_H */
