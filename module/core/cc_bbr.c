// SPDX-License-Identifier: GPL-2.0
/*
 * cc_bbr.c - BBR, version 3's model (draft-ietf-ccwg-bbr).
 *
 * Owns a model of the path: the bandwidth it delivers (max_bw), its round trip
 * when queues are empty (min_rtt), and how much in flight it bears before it loses
 * more than 2 % (inflight_hi, and _lo for what this cycle has seen).  From them come
 * the pacing rate and the window.
 *
 *	STARTUP -> DRAIN -> DOWN -> CRUISE -> REFILL -> UP -> DOWN ...
 *	                          any of them -> PROBE_RTT, every 5 s
 *
 * One thing differs from the draft: it lowers its bounds after any round with a
 * loss, and so falls behind on a line that loses one packet in a hundred whatever is
 * sent.  Here 2 % and three packets of a round are noise in every state.
 *
 * Gains are of 1024, bandwidth is bytes a second, windows are bytes.  Start at
 * rill_bbr_model().
 */
#include "cc_bbr.h"

static struct rill_bbr *rill_bbr(struct rill_cc *cc)
{
	_Static_assert(sizeof(struct rill_bbr) <= sizeof(cc->priv), "priv too small");
	return (struct rill_bbr *)cc->priv;
}

static u64 rill_bbr_gain(u64 x, u32 gain)
{
	return x * gain / BBR_UNIT;
}

static u64 rill_bbr_floor(const struct rill_cc *cc)
{
	return BBR_MIN_PACKETS * (u64)cc->mss;
}

static u64 rill_bbr_max_bw(const struct rill_bbr *b)
{
	return max(b->max_bw[0], b->max_bw[1]);
}

static u64 rill_bbr_bw(const struct rill_bbr *b)
{
	return min(rill_bbr_max_bw(b), b->bw_lo);
}

/* Bandwidth times round trip, times @gain; before both are known the window. */
static u64 rill_bbr_bdp(const struct rill_cc *cc, const struct rill_bbr *b, u32 gain)
{
	u64 bdp;

	if (!b->min_rtt || !rill_bbr_max_bw(b))
		return cc->cwnd;
	/* bytes/s times us: up to 2^40 times 2^23 */
	bdp = div64_u64(rill_bbr_bw(b) * max_t(u64, div64_u64(b->min_rtt, RILL_USEC), 1),
			1000000);
	return rill_bbr_gain(bdp, gain);
}

/* A little less than the path bears: room for others. */
static u64 rill_bbr_headroom(const struct rill_cc *cc, const struct rill_bbr *b)
{
	u64 room;

	if (b->inflight_hi == BBR_NONE)
		return BBR_NONE;
	room = max_t(u64, cc->mss, rill_bbr_gain(b->inflight_hi, BBR_HEADROOM));
	return max(b->inflight_hi - min(room, b->inflight_hi), rill_bbr_floor(cc));
}

static void rill_bbr_init(struct rill_cc *cc)
{
	struct rill_bbr *b = rill_bbr(cc);

	memset(cc->priv, 0, sizeof(cc->priv));
	b->bw_lo = b->inflight_lo = b->inflight_hi = BBR_NONE;
	rill_marks_init(&b->marks);
	b->state = BBR_STARTUP;
	cc->ssthresh = RILL_SSTHRESH_NONE;
	cc->pacing_rate = 0;
}

static void rill_bbr_round(struct rill_bbr *b, const struct rill_cc_ack *ack)
{
	b->round_end = ack->delivered;
}

/* --- bandwidth, rounds and losses of them --- */

static void rill_bbr_rounds(struct rill_bbr *b, const struct rill_cc_ack *ack)
{
	b->round_start = ack->rate.prior >= b->round_end;
	if (b->round_start) {
		rill_bbr_round(b, ack);
		b->rounds_since_probe++;
		b->extra_rounds++;
	}
	rill_marks_acked(&b->marks, ack->ect, ack->marked);
	b->loss_round_start = ack->rate.prior >= b->loss_round_end;
	if (b->loss_round_start) {
		b->loss_round_end = ack->delivered;
		rill_marks_round(&b->marks);
	}
}

/* A round with marks while not probing: less in flight, by a third of their share. */
static void rill_bbr_heed_marks(struct rill_cc *cc, struct rill_bbr *b)
{
	u64 flight = min(b->inflight_lo, cc->cwnd);

	if (b->marks.share)
		b->inflight_lo = flight - flight * rill_marks_alpha(&b->marks) / (3 * RILL_MARKS_ALL);
}

/* Of @sent bytes @lost: more than noise is? */
static bool rill_bbr_too_high(const struct rill_cc *cc, u64 lost, u64 sent)
{
	return lost > div_u64(sent, BBR_LOSS_THRESH) + BBR_LOSS_NOISE * cc->mss;
}

static void rill_bbr_bandwidth(struct rill_bbr *b, const struct rill_cc_ack *ack, u64 bw)
{
	b->bw_latest = max(b->bw_latest, bw);
	b->inflight_latest = max(b->inflight_latest, ack->rate.bytes);
	if (bw >= rill_bbr_max_bw(b) || !ack->rate.limited)
		b->max_bw[0] = max(b->max_bw[0], bw);
}

static bool rill_bbr_is_probing(const struct rill_bbr *b)
{
	return b->state == BBR_STARTUP || b->state == BBR_REFILL || b->state == BBR_UP;
}

/* A round with too many losses while not probing: the path bears less right now. */
static void rill_bbr_lower_bounds(struct rill_cc *cc, struct rill_bbr *b,
				  const struct rill_cc_ack *ack)
{
	if (!b->loss_round_start)
		return;
	if (!rill_bbr_is_probing(b))
		rill_bbr_heed_marks(cc, b);
	b->lost = rill_bbr_too_high(cc, ack->lost, ack->rate.inflight);
	if (b->lost && !rill_bbr_is_probing(b)) {
		if (b->bw_lo == BBR_NONE)
			b->bw_lo = rill_bbr_max_bw(b);
		if (b->inflight_lo == BBR_NONE)
			b->inflight_lo = cc->cwnd;
		b->bw_lo = max(b->bw_latest, rill_bbr_gain(b->bw_lo, BBR_BETA));
		b->inflight_lo = max(b->inflight_latest, rill_bbr_gain(b->inflight_lo, BBR_BETA));
	}
}

static void rill_bbr_reset_lower(struct rill_bbr *b)
{
	b->bw_lo = b->inflight_lo = BBR_NONE;
}

static void rill_bbr_reset_full(struct rill_bbr *b, u64 from)
{
	b->full_bw = from;
	b->full_rounds = 0;
	b->full_bw_now = false;
}

/* --- acknowledgements that come in bunches --- */

static void rill_bbr_extra(struct rill_cc *cc, struct rill_bbr *b, const struct rill_cc_ack *ack)
{
	u64 since = min(ack->now - b->extra_at, RILL_SEC);
	u64 expected = div64_u64(rill_bbr_bw(b) * div64_u64(since, RILL_USEC), 1000000);

	if (b->extra_acked <= expected || since == RILL_SEC) {
		b->extra_acked = 0;
		b->extra_at = ack->now;
		expected = 0;
	}
	b->extra_acked += ack->acked;
	if (b->extra_rounds >= 5) {
		b->extra_rounds = 0;
		b->extra[1] = b->extra[0];
		b->extra[0] = 0;
	}
	b->extra[0] = max(b->extra[0], min(b->extra_acked - expected, cc->cwnd));
}

/* --- the states --- */

/* 2 to 3 s to the next probe, by a number that two flows will not share. */
static void rill_bbr_start_down(struct rill_bbr *b, const struct rill_cc_ack *ack)
{
	u64 dice = (ack->now ^ ack->delivered) * 0x9e3779b97f4a7c15ULL >> 54;

	b->bw_latest = b->inflight_latest = 0;
	b->up_step = BBR_NONE;
	b->rounds_since_probe = dice & 1;
	b->wait = 2 * RILL_SEC + dice * RILL_MSEC;
	b->phase_at = ack->now;
	b->acks = BBR_ACKS_STOPPING;
	rill_bbr_round(b, ack);
	b->state = BBR_DOWN;
}

static void rill_bbr_start_refill(struct rill_bbr *b, const struct rill_cc_ack *ack)
{
	rill_bbr_reset_lower(b);
	b->up_rounds = 0;
	b->up_acked = 0;
	b->acks = BBR_ACKS_REFILLING;
	rill_bbr_round(b, ack);
	b->state = BBR_REFILL;
}

/* Every round in UP that goes well doubles the packets added in the next. */
static void rill_bbr_slope(struct rill_cc *cc, struct rill_bbr *b)
{
	u64 packets = 1ULL << b->up_rounds;

	b->up_rounds = min_t(u32, b->up_rounds + 1, 30);
	b->up_step = max_t(u64, div64_u64(cc->cwnd, packets), 1);
}

static void rill_bbr_start_up(struct rill_cc *cc, struct rill_bbr *b,
			      const struct rill_cc_ack *ack, u64 bw)
{
	b->acks = BBR_ACKS_STARTING;
	rill_bbr_round(b, ack);
	rill_bbr_reset_full(b, bw);
	b->state = BBR_UP;
	rill_bbr_slope(cc, b);
}

static void rill_bbr_handle_too_high(struct rill_cc *cc, struct rill_bbr *b,
				     const struct rill_cc_ack *ack)
{
	u64 target = min(rill_bbr_bdp(cc, b, BBR_UNIT), cc->cwnd);

	b->probing = false;
	if (!ack->rate.limited)
		b->inflight_hi = max(ack->rate.inflight, rill_bbr_gain(target, BBR_BETA));
	if (b->state == BBR_UP)
		rill_bbr_start_down(b, ack);
}

static void rill_bbr_raise(struct rill_cc *cc, struct rill_bbr *b, const struct rill_cc_ack *ack)
{
	if (!b->limited || cc->cwnd < b->inflight_hi)
		return;
	b->up_acked += ack->acked;
	if (b->up_acked >= b->up_step) {
		u64 packets = div64_u64(b->up_acked, b->up_step);

		b->up_acked -= packets * b->up_step;
		b->inflight_hi += packets * cc->mss;
	}
	if (b->round_start)
		rill_bbr_slope(cc, b);
}

/* What probing told: too much, or that there is more. */
static void rill_bbr_upper_bounds(struct rill_cc *cc, struct rill_bbr *b,
				  const struct rill_cc_ack *ack)
{
	if (b->acks == BBR_ACKS_STARTING && b->round_start)
		b->acks = BBR_ACKS_FEEDBACK;
	if (b->acks == BBR_ACKS_STOPPING && b->round_start) {
		b->probing = false;
		b->acks = BBR_ACKS_INIT;
		if (b->state >= BBR_DOWN && b->state <= BBR_UP && !ack->rate.limited) {
			b->max_bw[1] = b->max_bw[0];
			b->max_bw[0] = 0;
		}
	}
	if (rill_bbr_too_high(cc, ack->lost, ack->rate.inflight) ||
	    (b->loss_round_start && b->marks.share >= BBR_MARKS_THRESH)) {
		if (b->probing)
			rill_bbr_handle_too_high(cc, b, ack);
		return;
	}
	if (b->inflight_hi == BBR_NONE)
		return;
	b->inflight_hi = max(b->inflight_hi, ack->rate.inflight);
	if (b->state == BBR_UP)
		rill_bbr_raise(cc, b, ack);
}

/* Time to look for more?  Every 2 to 3 s, or as often as Reno would lose. */
static bool rill_bbr_probe_time(struct rill_cc *cc, struct rill_bbr *b,
				const struct rill_cc_ack *ack)
{
	u64 reno = div64_u64(min(rill_bbr_bdp(cc, b, BBR_UNIT), cc->cwnd), cc->mss);

	if (ack->now - b->phase_at <= b->wait &&
	    b->rounds_since_probe < min_t(u64, reno, BBR_RENO_ROUNDS))
		return false;
	rill_bbr_start_refill(b, ack);
	return true;
}

static void rill_bbr_cycle(struct rill_cc *cc, struct rill_bbr *b,
			   const struct rill_cc_ack *ack, u64 bw)
{
	switch (b->state) {
	case BBR_DOWN:
		if (!rill_bbr_probe_time(cc, b, ack) &&
		    ack->inflight <= rill_bbr_headroom(cc, b) &&
		    ack->inflight <= rill_bbr_bdp(cc, b, BBR_UNIT))
			b->state = BBR_CRUISE;
		break;
	case BBR_CRUISE:
		rill_bbr_probe_time(cc, b, ack);
		break;
	case BBR_REFILL:
		if (b->round_start) {
			b->probing = true;
			rill_bbr_start_up(cc, b, ack, bw);
		}
		break;
	case BBR_UP:
		if (b->limited && cc->cwnd >= b->inflight_hi)
			rill_bbr_reset_full(b, bw);
		else if (b->full_bw_now)
			rill_bbr_start_down(b, ack);
		break;
	}
}

/* Has the bandwidth stopped growing? */
static void rill_bbr_full(struct rill_bbr *b, const struct rill_cc_ack *ack, u64 bw)
{
	if (b->full_bw_now || ack->rate.limited)
		return;
	if (bw >= rill_bbr_gain(b->full_bw, BBR_FULL_BW_GROWTH)) {
		rill_bbr_reset_full(b, bw);
		return;
	}
	if (!b->round_start || ++b->full_rounds < BBR_FULL_BW_ROUNDS)
		return;
	b->full_bw_now = b->full_bw_reached = true;
}

/* Startup also ends where it loses much, or is marked much. */
static void rill_bbr_startup_losses(struct rill_cc *cc, struct rill_bbr *b,
				    const struct rill_cc_ack *ack)
{
	if (!b->loss_round_start)
		return;
	b->marked_rounds = b->marks.share < BBR_MARKS_THRESH ? 0 :
			   min_t(u32, b->marked_rounds + 1, U8_MAX);
	if (b->state == BBR_STARTUP && ((b->losses >= BBR_STARTUP_LOSSES && b->lost) ||
					b->marked_rounds >= BBR_STARTUP_MARKS)) {
		b->full_bw_reached = true;
		b->inflight_hi = max(rill_bbr_bdp(cc, b, BBR_UNIT), b->inflight_latest);
	}
	b->losses = 0;
}

static void rill_bbr_states(struct rill_cc *cc, struct rill_bbr *b,
			    const struct rill_cc_ack *ack, u64 bw)
{
	rill_bbr_full(b, ack, bw);
	rill_bbr_startup_losses(cc, b, ack);
	if (b->state == BBR_STARTUP && b->full_bw_reached)
		b->state = BBR_DRAIN;
	if (b->state == BBR_DRAIN && ack->inflight <= rill_bbr_bdp(cc, b, BBR_UNIT))
		rill_bbr_start_down(b, ack);
	if (!b->full_bw_reached)
		return;
	rill_bbr_upper_bounds(cc, b, ack);
	rill_bbr_cycle(cc, b, ack, bw);
}

/* --- the empty path's round trip --- */

static void rill_bbr_leave_probe_rtt(struct rill_cc *cc, struct rill_bbr *b,
				     const struct rill_cc_ack *ack)
{
	b->probe_at = ack->now;
	cc->cwnd = max(cc->cwnd, b->prior_cwnd);
	rill_bbr_reset_lower(b);
	if (b->full_bw_reached) {
		rill_bbr_start_down(b, ack);
		b->state = BBR_CRUISE;
	} else {
		b->state = BBR_STARTUP;
	}
}

static u64 rill_bbr_probe_rtt_cwnd(const struct rill_cc *cc, const struct rill_bbr *b)
{
	return max(rill_bbr_bdp(cc, b, BBR_PROBE_RTT_CWND), rill_bbr_floor(cc));
}

static void rill_bbr_min_rtt(struct rill_cc *cc, struct rill_bbr *b, const struct rill_cc_ack *ack)
{
	bool expired = b->probe_min && ack->now > b->probe_at + BBR_PROBE_RTT_EVERY;

	if (ack->rtt && (!b->probe_min || ack->rtt < b->probe_min || expired)) {
		b->probe_min = ack->rtt;
		b->probe_at = ack->now;
	}
	if (b->probe_min && (!b->min_rtt || b->probe_min < b->min_rtt ||
			     ack->now > b->min_rtt_at + BBR_MIN_RTT_WINDOW)) {
		b->min_rtt = b->probe_min;
		b->min_rtt_at = b->probe_at;
	}
	if (expired && b->state != BBR_PROBE_RTT && !b->restart) {
		b->prior_cwnd = cc->cwnd;
		b->probe_done_at = 0;
		b->acks = BBR_ACKS_STOPPING;
		rill_bbr_round(b, ack);
		b->state = BBR_PROBE_RTT;
	}
	if (b->state != BBR_PROBE_RTT)
		return;
	if (!b->probe_done_at) {
		if (ack->inflight <= rill_bbr_probe_rtt_cwnd(cc, b)) {
			b->probe_done_at = ack->now + BBR_PROBE_RTT_TIME;
			b->round_done = false;
			rill_bbr_round(b, ack);
		}
		return;
	}
	b->round_done = b->round_done || b->round_start;
	if (b->round_done && ack->now > b->probe_done_at)
		rill_bbr_leave_probe_rtt(cc, b, ack);
}

/* --- what follows from the model --- */

static u32 rill_bbr_pacing_gain(const struct rill_bbr *b)
{
	switch (b->state) {
	case BBR_STARTUP:
		return BBR_STARTUP_PACING;
	case BBR_DRAIN:
		return BBR_DRAIN_PACING;
	case BBR_DOWN:
		return BBR_DOWN_PACING;
	case BBR_UP:
		return BBR_UP_PACING;
	}
	return BBR_UNIT;
}

/* One percent below what was computed: queues drain rather than grow. */
static void rill_bbr_pacing(struct rill_cc *cc, const struct rill_bbr *b,
			    const struct rill_cc_ack *ack)
{
	u64 bw = rill_bbr_bw(b), rate;

	/* The first samples are of a few packets: a window a round trip at least. */
	if (!cc->pacing_rate)
		bw = max(bw, div64_u64(cc->cwnd * 1000000,
				       max_t(u64, div64_u64(ack->srtt, RILL_USEC), 1)));
	rate = rill_bbr_gain(rill_bbr_gain(bw, rill_bbr_pacing_gain(b)), BBR_MARGIN);
	if (b->full_bw_reached || rate > cc->pacing_rate)
		cc->pacing_rate = max_t(u64, rate, cc->mss);
}

/* How much in flight the model asks for. */
static u64 rill_bbr_target(const struct rill_cc *cc, const struct rill_bbr *b)
{
	u64 train = 3 * min_t(u64, max_t(u64, div_u64(cc->pacing_rate, 1000), 2 * cc->mss), 65536);
	u64 want;

	want = rill_bbr_bdp(cc, b, b->state == BBR_UP ? BBR_UP_CWND : BBR_CWND) +
	       max(b->extra[0], b->extra[1]);
	want = max(max(want, train), rill_bbr_floor(cc));
	return b->state == BBR_UP ? want + 2 * cc->mss : want;
}

/* What losses have taught, at most. */
static u64 rill_bbr_bound(const struct rill_cc *cc, const struct rill_bbr *b)
{
	u64 bound = BBR_NONE;

	if (b->state == BBR_DOWN || b->state == BBR_REFILL || b->state == BBR_UP)
		bound = b->inflight_hi;
	else if (b->state == BBR_CRUISE || b->state == BBR_PROBE_RTT)
		bound = rill_bbr_headroom(cc, b);
	return max(min(bound, b->inflight_lo), rill_bbr_floor(cc));
}

static void rill_bbr_window(struct rill_cc *cc, const struct rill_bbr *b,
			    const struct rill_cc_ack *ack)
{
	u64 target = rill_bbr_target(cc, b);

	if (b->full_bw_reached)
		cc->cwnd = min(cc->cwnd + ack->acked, target);
	else if (cc->cwnd < target || ack->delivered < RILL_CC_IW * (u64)cc->mss)
		cc->cwnd += ack->acked;
	cc->cwnd = max(cc->cwnd, rill_bbr_floor(cc));
	if (b->state == BBR_PROBE_RTT)
		cc->cwnd = min(cc->cwnd, rill_bbr_probe_rtt_cwnd(cc, b));
	cc->cwnd = min(cc->cwnd, rill_bbr_bound(cc, b));
}

/* An acknowledgement: the model, the state, then rate and window.  Start here. */
static void rill_bbr_model(struct rill_cc *cc, const struct rill_cc_ack *ack)
{
	struct rill_bbr *b = rill_bbr(cc);
	u64 bw = ack->rate.interval ?
		 div64_u64(ack->rate.bytes * RILL_SEC, ack->rate.interval) : 0;

	/* Faster than the path's round trip: bunched acknowledgements, no sample. */
	if (ack->rate.interval < ack->min_rtt)
		bw = 0;
	b->limited = ack->cwnd_limited;
	rill_bbr_rounds(b, ack);
	rill_bbr_bandwidth(b, ack, bw);
	rill_bbr_lower_bounds(cc, b, ack);
	rill_bbr_extra(cc, b, ack);
	rill_bbr_states(cc, b, ack, bw);
	rill_bbr_min_rtt(cc, b, ack);
	b->restart = false;
	if (b->loss_round_start) {
		b->bw_latest = bw;
		b->inflight_latest = ack->rate.bytes;
	}
	rill_bbr_pacing(cc, b, ack);
	rill_bbr_window(cc, b, ack);
}

static void rill_bbr_on_loss(struct rill_cc *cc, const struct rill_cc_loss *loss)
{
	struct rill_bbr *b = rill_bbr(cc);

	/* Marks are counted by the round: rill_bbr_heed_marks(). */
	if (!loss->packets)
		return;
	b->losses = min_t(u32, b->losses + 1, U16_MAX);
}

/* Sending goes on at the rate that was known, without a burst. */
static void rill_bbr_on_restart(struct rill_cc *cc, u64 now)
{
	struct rill_bbr *b = rill_bbr(cc);

	b->restart = true;
	b->extra_at = now;
	b->extra_acked = 0;
	if (b->full_bw_reached && b->state >= BBR_DOWN && b->state <= BBR_UP)
		cc->pacing_rate = max_t(u64, rill_bbr_bw(b), cc->mss);
}

const struct rill_cc_ops rill_cc_bbr = {
	.name = "bbr",
	.ect = RILL_ECT0,
	.init = rill_bbr_init,
	.model = rill_bbr_model,
	.on_loss = rill_bbr_on_loss,
	.on_restart = rill_bbr_on_restart,
};
