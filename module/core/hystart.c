// SPDX-License-Identifier: GPL-2.0
/* hystart.c - HyStart++ (RFC 9406).  See hystart.h. */
#include "hystart.h"

/* RFC 9406 4.3 */
#define HYSTART_THRESH_MIN	(4 * RILL_MSEC)
#define HYSTART_THRESH_MAX	(16 * RILL_MSEC)
#define HYSTART_DIVISOR		8
#define HYSTART_SAMPLES		8
#define HYSTART_CSS_DIVISOR	4
#define HYSTART_CSS_ROUNDS	5

/* A round is over; true when it was the last CSS may take. */
static bool rill_hystart_round(struct rill_hystart *h, u64 now)
{
	h->round_at = now;
	if (h->min)
		h->last_min = h->min;
	h->min = 0;
	h->samples = 0;
	return h->css_base && ++h->css_rounds >= HYSTART_CSS_ROUNDS;
}

/* Enough of this round has been seen: does its RTT say that a queue grows? */
static void rill_hystart_judge(struct rill_hystart *h)
{
	u64 thresh = clamp(h->last_min / HYSTART_DIVISOR, HYSTART_THRESH_MIN,
			   HYSTART_THRESH_MAX);

	if (h->css_base) {
		if (h->min < h->css_base)
			h->css_base = 0;
	} else if (h->last_min && h->min >= h->last_min + thresh) {
		h->css_base = h->min;
		h->css_rounds = 0;
	}
}

/*
 * rill_hystart_acked() - an acknowledgement in the first slow start.
 * @acked:   bytes it newly acknowledged
 * @rtt:     ns, its sample without the peer's delay; 0: none
 * @sent_at: when the newest packet it acknowledged was sent
 * @leave:   set when slow start is over
 *
 * RFC 9406's limit of L packets an acknowledgement is not applied: where trains
 * travel one acknowledgement stands for dozens of packets, always.
 *
 * Return: bytes by which the window grows.
 */
u64 rill_hystart_acked(struct rill_hystart *h, u64 acked, u64 rtt, u64 sent_at, u64 now,
		       bool *leave)
{
	*leave = sent_at > h->round_at && rill_hystart_round(h, now);
	if (rtt) {
		h->min = h->min ? min(h->min, rtt) : rtt;
		if (h->samples < HYSTART_SAMPLES)
			h->samples++;
		if (h->samples == HYSTART_SAMPLES)
			rill_hystart_judge(h);
	}
	return h->css_base ? acked / HYSTART_CSS_DIVISOR : acked;
}
