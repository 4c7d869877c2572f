/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rtt.h - round-trip time: smoothed, deviation, minimum; and the PTO from them.
 *
 * Owns RFC 9002 section 5 and the formula of 6.2.1.  Samples come from sent.c.
 */
#ifndef RILL_CORE_RTT_H
#define RILL_CORE_RTT_H

#include "env.h"

/*
 * Before any sample: 1 s and a deviation of half of it (RFC 6298 2.1 has 1 s;
 * RFC 9002's 333 ms retransmits SYNs into satellite paths).
 */
#define RILL_RTT_INITIAL	RILL_SEC
#define RILL_RTT_GRANULARITY	RILL_MSEC	/* RFC 9002 6.1.2 kGranularity */
#define RILL_RTT_MIN_WINDOW	(300 * RILL_SEC)	/* as net.ipv4.tcp_min_rtt_wlen */
#define RILL_PTO_MAX		(120 * RILL_SEC)	/* as TCP_RTO_MAX */

struct rill_rtt {
	u64	srtt;		/* ns, 0: no sample yet */
	u64	rttvar;		/* ns, mean deviation */
	u64	latest;		/* ns, the newest sample, delay not subtracted */
	u64	min;		/* ns, smallest sample of the last 300 s */
	u64	min_at;		/* when @min was seen */
};

void rill_rtt_sample(struct rill_rtt *r, u64 rtt, u64 ack_delay, u64 now);
u64 rill_rtt_pto(const struct rill_rtt *r, u64 max_ack_delay, u8 backoff);

/* The RTT to reckon with: the larger of smoothed and newest (RFC 9002 6.1.2). */
static inline u64 rill_rtt_now(const struct rill_rtt *r)
{
	return r->srtt ? max(r->srtt, r->latest) : RILL_RTT_INITIAL;
}

#endif /* RILL_CORE_RTT_H */
