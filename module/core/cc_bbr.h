/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cc_bbr.h - what BBR remembers, and its constants.  See cc_bbr.c.
 */
#ifndef RILL_CORE_CC_BBR_H
#define RILL_CORE_CC_BBR_H

#include "cc.h"

#define BBR_UNIT		1024
#define BBR_STARTUP_PACING	2837		/* 2.77 = 4 * ln 2 */
#define BBR_DRAIN_PACING	512		/* 0.5 */
#define BBR_DOWN_PACING		922		/* 0.9 */
#define BBR_UP_PACING		1280		/* 1.25 */
#define BBR_MARGIN		1014		/* 0.99 */
#define BBR_CWND		2048		/* 2 */
#define BBR_UP_CWND		2304		/* 2.25 */
#define BBR_PROBE_RTT_CWND	512		/* 0.5 */
#define BBR_BETA		717		/* 0.7 */
#define BBR_HEADROOM		154		/* 0.15 */
#define BBR_LOSS_THRESH		50		/* losses up to 1/50 are noise */
#define BBR_LOSS_NOISE		3		/* and so many packets more */
#define BBR_FULL_BW_GROWTH	1280		/* 1.25 */
#define BBR_FULL_BW_ROUNDS	3
#define BBR_STARTUP_LOSSES	6
#define BBR_MARKS_THRESH	512		/* half of a round marked is too much */
#define BBR_STARTUP_MARKS	2		/* rounds */
#define BBR_MIN_RTT_WINDOW	(10 * RILL_SEC)
#define BBR_PROBE_RTT_EVERY	(5 * RILL_SEC)
#define BBR_PROBE_RTT_TIME	(200 * RILL_MSEC)
#define BBR_MIN_PACKETS		4
#define BBR_RENO_ROUNDS		63
#define BBR_NONE		U64_MAX

enum rill_bbr_state {
	BBR_STARTUP,
	BBR_DRAIN,
	BBR_DOWN,
	BBR_CRUISE,
	BBR_REFILL,
	BBR_UP,
	BBR_PROBE_RTT,
};

/* What the acknowledgements of this part of a cycle tell about. */
enum rill_bbr_acks {
	BBR_ACKS_INIT,
	BBR_ACKS_REFILLING,
	BBR_ACKS_STARTING,	/* UP has begun, nothing of it is acknowledged yet */
	BBR_ACKS_FEEDBACK,	/* of packets sent in UP */
	BBR_ACKS_STOPPING,	/* of the last of them */
};

struct rill_bbr {
	u64	max_bw[2];	/* best of this cycle, and of the one before */
	u64	bw_latest, inflight_latest;	/* best of this round */
	u64	bw_lo, inflight_lo, inflight_hi;
	u64	full_bw;	/* growth is measured from here */
	u64	round_end;	/* delivered bytes that end the round */
	u64	loss_round_end;
	u64	min_rtt, min_rtt_at;
	u64	probe_min, probe_at;	/* smallest RTT since the last PROBE_RTT, and when */
	u64	probe_done_at;	/* PROBE_RTT ends then, 0: flight still too large */
	u64	prior_cwnd;	/* before PROBE_RTT */
	u64	phase_at;	/* when DOWN began */
	u64	wait;		/* ns until the next probe for bandwidth */
	u64	extra[2];	/* bytes acknowledged beyond the model, two windows */
	u64	extra_at, extra_acked;
	struct rill_marks marks;
	u64	up_acked, up_step;	/* bytes towards, and for, a packet more in UP */
	u32	rounds_since_probe;
	u32	extra_rounds;
	u16	losses;		/* acknowledgements with losses in this round */
	u8	state, acks;
	u8	up_rounds, full_rounds, marked_rounds;
	bool	round_start, loss_round_start, round_done;
	bool	lost;		/* the last round lost more than noise */
	bool	full_bw_reached, full_bw_now;
	bool	probing;	/* samples are of packets sent to probe */
	bool	restart;	/* the first packets after idle time */
	bool	limited;	/* cwnd held the sender back */
};

#endif /* RILL_CORE_CC_BBR_H */
