// SPDX-License-Identifier: GPL-2.0
/* rtt.c - the estimator of RFC 9002 section 5.  See rtt.h. */
#include "rtt.h"

/*
 * rill_rtt_sample() - take a sample.
 * @rtt:       ns between sending a packet and the arrival of its acknowledgement
 * @ack_delay: ns the peer says it held the acknowledgement back, already
 *             limited to what it promised
 */
void rill_rtt_sample(struct rill_rtt *r, u64 rtt, u64 ack_delay, u64 now)
{
	u64 adj, diff;

	rtt = max_t(u64, rtt, 1);
	r->latest = rtt;
	if (!r->srtt) {
		r->srtt = rtt;
		r->rttvar = rtt / 2;
		r->min = rtt;
		r->min_at = now;
		return;
	}

	/* RFC 9002 5.2: the minimum never believes the peer's delay. */
	if (rtt <= r->min || now - r->min_at > RILL_RTT_MIN_WINDOW) {
		r->min = rtt;
		r->min_at = now;
	}

	/* RFC 9002 5.3: subtract the delay unless that goes below the minimum. */
	adj = rtt >= r->min + ack_delay ? rtt - ack_delay : rtt;
	diff = r->srtt > adj ? r->srtt - adj : adj - r->srtt;
	r->rttvar = (3 * r->rttvar + diff) / 4;
	r->srtt = (7 * r->srtt + adj) / 8;
}

/*
 * rill_rtt_pto() - how long to wait for an acknowledgement (RFC 9002 6.2.1).
 * @max_ack_delay: ns the peer may hold an acknowledgement back
 * @backoff:       doublings
 *
 * Return: ns, at most RILL_PTO_MAX.
 */
u64 rill_rtt_pto(const struct rill_rtt *r, u64 max_ack_delay, u8 backoff)
{
	u64 pto;

	if (r->srtt)
		pto = r->srtt + max(4 * r->rttvar, RILL_RTT_GRANULARITY) +
		      max_ack_delay;
	else
		pto = RILL_RTT_INITIAL;
	pto = min(pto, RILL_PTO_MAX);
	return min(pto << min_t(u8, backoff, 20), RILL_PTO_MAX);
}
