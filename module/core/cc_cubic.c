// SPDX-License-Identifier: GPL-2.0
/*
 * cc_cubic.c - CUBIC (RFC 9438).
 *
 *	W_cubic(t) = C * (t - K)^3 + W_max,   K = cbrt((W_max - cwnd_epoch) / C)
 *
 * with C = 0.4 packets per second cubed and a decrease to 0.7.  Windows are
 * bytes; the curve is computed in packets scaled by 2^10, time in 1/1024 s
 * (exact powers of two; t^3 fits 64 bits for 36 hours of epoch).
 */
#include "cc.h"

#define CUBIC_SCALE	10			/* bits of fraction, windows and time */
#define CUBIC_BETA	717			/* 0.7 of 1024 */
#define CUBIC_C		410			/* 0.4 of 1024 */
/* RFC 9438 4.3: alpha = 3 * (1 - beta) / (1 + beta) = 9/17, of 1024. */
#define CUBIC_ALPHA	542
#define CUBIC_T_MAX	(1ULL << 17)		/* 128 s: beyond, the curve is far away */

struct rill_cubic {
	u64	w_max;		/* bytes, window before the last reduction */
	u64	epoch;		/* when the current avoidance began, 0: not yet */
	u64	w_est;		/* bytes, what Reno would have */
	u64	k;		/* 1/1024 s from epoch to the plateau */
	u64	origin;		/* bytes, the plateau */
	u64	acked;		/* bytes towards the next step of w_est */
};

static struct rill_cubic *rill_cubic(struct rill_cc *cc)
{
	_Static_assert(sizeof(struct rill_cubic) <= sizeof(cc->priv), "priv too small");
	return (struct rill_cubic *)cc->priv;
}

/* Integer cube root, Newton from above; exact floor. */
static u64 rill_cbrt(u64 a)
{
	u64 x, y;

	if (a < 2)
		return a;
	x = 1ULL << ((fls64(a) + 2) / 3);
	for (;;) {
		y = div64_u64(2 * x + div64_u64(a, x * x), 3);
		if (y >= x)
			return x;
		x = y;
	}
}

static void rill_cubic_init(struct rill_cc *cc)
{
	memset(cc->priv, 0, sizeof(cc->priv));
}

/* RFC 9438 4.2: where the curve starts, seen from this window. */
static void rill_cubic_epoch(struct rill_cc *cc, u64 now)
{
	struct rill_cubic *c = rill_cubic(cc);
	u64 packets;

	c->epoch = now;
	c->acked = 0;
	c->w_est = cc->cwnd;
	if (c->w_max <= cc->cwnd) {
		c->k = 0;
		c->origin = cc->cwnd;
		return;
	}
	/* K^3 = (W_max - cwnd) / C, in (1/1024 s)^3: packets * 2^30 / 0.4 */
	packets = div64_u64((c->w_max - cc->cwnd) << CUBIC_SCALE, cc->mss);
	packets = min_t(u64, packets, 1ULL << 30);
	c->k = rill_cbrt(div64_u64(packets << (3 * CUBIC_SCALE), CUBIC_C));
	c->origin = c->w_max;
}

/* W_cubic at @t (1/1024 s after the epoch), bytes. */
static u64 rill_cubic_at(const struct rill_cc *cc, const struct rill_cubic *c, u64 t)
{
	u64 d = t < c->k ? c->k - t : t - c->k;
	u64 delta;

	/* 0.4 * d^3 packets: d <= 2^17, so d^3 < 2^51, times 410 < 2^60 */
	d = min_t(u64, d, CUBIC_T_MAX);
	delta = (CUBIC_C * d * d * d) >> (3 * CUBIC_SCALE);
	delta = (delta * cc->mss) >> CUBIC_SCALE;
	if (t >= c->k)
		return c->origin + delta;
	return c->origin > delta ? c->origin - delta : 0;
}

/* RFC 9438 4.3: the window Reno would have, in steps of acknowledged bytes. */
static void rill_cubic_friendly(struct rill_cc *cc, u64 acked)
{
	struct rill_cubic *c = rill_cubic(cc);
	u64 alpha = c->w_est >= c->w_max ? 1024 : CUBIC_ALPHA;

	c->acked += acked * alpha >> CUBIC_SCALE;
	if (c->acked >= c->w_est) {
		u64 steps = div64_u64(c->acked, c->w_est);

		c->acked -= steps * c->w_est;
		c->w_est += steps * cc->mss;
	}
}

static void rill_cubic_on_ack(struct rill_cc *cc, const struct rill_cc_ack *ack)
{
	struct rill_cubic *c = rill_cubic(cc);
	u64 t, target;

	if (rill_cc_slow_start(cc)) {
		rill_cc_slow_start_acked(cc, ack);
		return;
	}
	/* RFC 9438 5.8: the curve stands still while the program is the limit. */
	if (c->epoch)
		c->epoch = min(c->epoch + ack->slack, ack->now);
	else
		rill_cubic_epoch(cc, ack->now);
	rill_cubic_friendly(cc, ack->acked);

	/* RFC 9438 4.2: aim at where the curve is one round trip ahead. */
	t = div64_u64((ack->now - c->epoch + ack->srtt) << CUBIC_SCALE, RILL_SEC);
	target = rill_cubic_at(cc, c, t);
	target = clamp(target, cc->cwnd, cc->cwnd + cc->cwnd / 2);
	if (target > cc->cwnd)
		cc->cwnd += div64_u64((target - cc->cwnd) * ack->acked, cc->cwnd);
	cc->cwnd = max(cc->cwnd, c->w_est);
}

static void rill_cubic_on_congestion(struct rill_cc *cc, u64 now)
{
	struct rill_cubic *c = rill_cubic(cc);

	/* RFC 9438 4.7: fast convergence, leave room for newcomers. */
	if (cc->cwnd < c->w_max)
		c->w_max = cc->cwnd * (1024 + CUBIC_BETA) >> (CUBIC_SCALE + 1);
	else
		c->w_max = cc->cwnd;
	c->epoch = 0;
	cc->ssthresh = cc->cwnd * CUBIC_BETA >> CUBIC_SCALE;
}

const struct rill_cc_ops rill_cc_cubic = {
	.name = "cubic",
	.ect = RILL_ECT0,
	.mark_beta = 870,	/* 0.85, RFC 8511 3.1 */
	.init = rill_cubic_init,
	.on_ack = rill_cubic_on_ack,
	.on_congestion = rill_cubic_on_congestion,
};
