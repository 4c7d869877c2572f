// SPDX-License-Identifier: GPL-2.0
/*
 * swarm.c - what a seed means.
 *
 * Owns the draw: each fault's probability is itself drawn, most often 0, so
 * that seeds differ in kind and rare combinations come up.  Most seeds are
 * short: many small networks find more than a few large ones.
 */
#include "sim.h"

static u32 draw_fault(struct rng *r)
{
	static const u32 ppm[] = { 0, 0, 0, 1000, 10000, 50000, 300000 };

	return ppm[rng_below(r, sizeof(ppm) / sizeof(ppm[0]))];
}

static void draw_link(struct link_cfg *l, struct rng *r, const struct sim_cfg *cfg)
{
	static const u64 rates[] = { 0, 0, 64000, 1250000, 12500000, 125000000 };

	l->rate = rates[rng_below(r, 6)];
	l->delay = rng_log(r, RILL_USEC, 300 * RILL_MSEC);
	l->jitter = rng_u64(r) & 1 ? rng_log(r, RILL_USEC, 50 * RILL_MSEC) : 0;
	l->queue = rng_log(r, 5 * RILL_MSEC, RILL_SEC);
	l->mark = rng_u64(r) % 4 || l->rate < 1000000 ? 0 :
		max(l->queue / 4, 5 * RILL_MSEC);
	l->ecn = rng_below(r, 6) ? LINK_ECN_KEPT : rng_below(r, LINK_ECN_DROPPED + 1);
	if (l->rate >= 1000000 && rng_below(r, 4) == 0)
		l->codel = rng_log(r, RILL_MSEC, 20 * RILL_MSEC);
	if (rng_below(r, 6) == 0) {
		l->shift_at = cfg->start + rng_below(r, 5 * RILL_SEC);
		l->shift_delay = rng_log(r, RILL_USEC, 300 * RILL_MSEC);
	}
	l->forge = rng_below(r, 4) ? 0 : draw_fault(r);
	l->loss = draw_fault(r);
	l->reorder = draw_fault(r);
	l->dup = draw_fault(r);
	l->corrupt = draw_fault(r);
	l->truncate = draw_fault(r) / 10;
	l->replay = draw_fault(r) / 10;
	if (rng_below(r, 6) == 0) {
		l->burst = rng_log(r, 100, 10000);
		l->burst_end = rng_log(r, 20000, 500000);
	}
	l->reorder_by = rng_log(r, 10 * RILL_USEC, 100 * RILL_MSEC);
	if (rng_below(r, 6) == 0) {
		l->outage_at = cfg->start + rng_below(r, 10 * RILL_SEC);
		l->outage_len = rng_log(r, 100 * RILL_MSEC, 30 * RILL_SEC);
	}
}

static void draw_app(struct app_cfg *a, struct rng *r, const struct sim_cfg *cfg)
{
	memset(a, 0, sizeof(*a));
	a->total = rng_below(r, 8) ? rng_log(r, 0, cfg->most) : 0;
	a->wchunk = rng_log(r, 1, 65536);
	a->rchunk = rng_log(r, 1, 65536);
	/* No more than some thousand calls, nor some ten seconds of waiting. */
	a->wchunk = max_t(u64, a->wchunk, a->total / 3000 + 1);
	a->rchunk = max_t(u32, a->rchunk, 300);
	if (rng_below(r, 3) == 0)
		a->wdelay = 10 * RILL_SEC / (a->total / a->wchunk + 1);
	if (rng_below(r, 3) == 0)
		a->rdelay = 10 * RILL_SEC / ((1 << 20) / a->rchunk + 1);
	if (rng_below(r, 4) == 0) {
		a->stall_off = rng_below(r, 1 << 18);
		a->stall_len = rng_log(r, RILL_MSEC, 20 * RILL_SEC);
	}
	a->close_off = U64_MAX;
	a->abort_at = RILL_NEVER;
	a->keepalive = true;
	a->half = true;
	a->nodelay = rng_u64(r) & 1;
	a->cork = rng_below(r, 4) ? 0 : 200000;
	if (cfg->lossy_only)
		return;
	if (rng_below(r, 8) == 0)
		a->abort_at = cfg->start + rng_below(r, 20 * RILL_SEC);
	if (rng_below(r, 8) == 0)
		a->close_off = rng_below(r, 1 << 18);
	if (rng_below(r, 6) == 0)
		a->half = false;
	if (rng_below(r, 8) == 0)
		a->user_timeout = rng_log(r, RILL_SEC, 60 * RILL_SEC);
}

static void draw_conn(struct sim_cfg *cfg, u32 i, struct rng *r)
{
	static const u16 payloads[] = { 88, 536, RILL_PAYLOAD_BASE, 1432, 1432, 8932,
					RILL_PAYLOAD_MAX };
	int side;

	memset(&cfg->conn[i], 0, sizeof(cfg->conn[i]));
	cfg->conn[i].at = rng_below(r, 3) ? rng_below(r, 5 * RILL_SEC) : 0;
	cfg->conn[i].port = 1000 + i;
	/* cubic, reno, bbr, prague: rill_cc_nth() */
	cfg->conn[i].cc = rng_below(r, 5);
	if (cfg->conn[i].cc == 4)
		cfg->conn[i].cc = 0;
	cfg->conn[i].records = rng_below(r, 3) == 0;
	for (side = 0; side < 2; side++) {
		u16 pay = payloads[rng_below(r, 7)];

		cfg->conn[i].payload[side] = pay;
		cfg->conn[i].wnd[side] = rng_log(r, pay, max_t(u32, pay, cfg->most / 2));
		cfg->conn[i].wnd_max[side] = rng_u64(r) & 1 ? cfg->conn[i].wnd[side] :
			rng_log(r, cfg->conn[i].wnd[side], 2 * cfg->conn[i].wnd[side]);
		cfg->conn[i].sndbuf[side] = rng_log(r, 4096, 1 << 20);
		draw_app(&cfg->conn[i].app[side], r, cfg);
	}
	for (side = 0; side < 2 && cfg->conn[i].records && rng_u64(r) & 1; side++) {
		cfg->conn[i].app[side].mortal = rng_u64(r) & 1 ? 1000000 : 300000;
		cfg->conn[i].app[side].life = rng_log(r, RILL_MSEC, 10 * RILL_SEC);
	}
	/* A read is one record, however short. */
	for (side = 0; side < 2 && cfg->conn[i].records; side++) {
		const struct app_cfg *peer = &cfg->conn[i].app[!side];
		u64 most = 10 * RILL_SEC / (2 * peer->total / peer->wchunk + 1);

		cfg->conn[i].app[side].rdelay = min(cfg->conn[i].app[side].rdelay, most);
	}
	/* A window so small that the transfer takes hundreds of round trips is enough. */
	for (side = 0; side < 2; side++) {
		u32 least = cfg->conn[i].app[!side].total / 300;

		cfg->conn[i].wnd[side] = max(cfg->conn[i].wnd[side], least);
		cfg->conn[i].wnd_max[side] = max(cfg->conn[i].wnd_max[side], cfg->conn[i].wnd[side]);
	}
	/* Two that both wait for the other's end would wait for ever. */
	if (!cfg->conn[i].app[0].half && !cfg->conn[i].app[1].half)
		cfg->conn[i].app[0].half = true;
}

/* What befalls hosts and comes from strangers. */
static void draw_hosts(struct sim_cfg *cfg, struct rng *r)
{
	cfg->skew = rng_u64(r) & 1 ? rng_log(r, 1, 1ULL << 50) : 0;
	if (rng_below(r, 6) == 0) {
		cfg->step_at = cfg->start + rng_below(r, 10 * RILL_SEC);
		cfg->step_host = rng_below(r, SIM_HOSTS);
		/* As long as no connection is given up for it. */
		cfg->step = rng_log(r, RILL_MSEC, cfg->lossy_only ? 3 * RILL_SEC : 2000 * RILL_SEC);
	}
	if (rng_below(r, 16) == 0) {
		cfg->flood_at = cfg->start + rng_below(r, 10 * RILL_SEC);
		cfg->flood = rng_log(r, 1, 200);
	}
	if (!cfg->lossy_only && rng_below(r, 8) == 0) {
		cfg->crash_at = cfg->start + rng_below(r, 10 * RILL_SEC);
		cfg->crash_host = rng_below(r, SIM_HOSTS);
	}
	cfg->icmp = cfg->lossy_only || rng_below(r, 4) ? 0 : draw_fault(r);
}

/* Peers that lie; where all must arrive, lies that starve nobody. */
static void draw_lies(struct sim_cfg *cfg, struct rng *r)
{
	u32 i;

	for (i = 0; i < cfg->nconns; i++)
		if (rng_below(r, 8) == 0)
			cfg->conn[i].app[rng_u64(r) & 1].lie =
				1 + rng_below(r, cfg->lossy_only ? LIE_SHRINK : LIE_MAX - 1);
}

/* The path takes smaller packets than the ends think, from some time on. */
static void draw_mtu(struct link_cfg *l, struct rng *r, const struct sim_cfg *cfg)
{
	static const u16 mtus[] = { 576, 1280, 1400, 1500 };

	if (rng_below(r, 12))
		return;
	/* The first is too small for a handshake. */
	l->mtu = cfg->lossy_only ? mtus[1 + rng_below(r, 3)] : mtus[rng_below(r, 4)];
	l->mtu_at = rng_u64(r) & 1 ? cfg->start + rng_below(r, 5 * RILL_SEC) : 0;
}

void swarm_draw(struct sim_cfg *cfg, u64 seed)
{
	static const u32 mosts[] = {
		1 << 12, 1 << 13, 1 << 13, 1 << 14, 1 << 14, 1 << 14, 1 << 14, 1 << 14,
		1 << 14, 1 << 14, 1 << 15, 1 << 15, 1 << 15, 1 << 16, 1 << 17, 1 << 20,
	};
	static const u64 starts[] = { 1, 1ULL << 31, 1ULL << 32, 1ULL << 42, 1ULL << 52 };
	struct rng r;
	u32 i;

	rng_seed(&r, seed);
	memset(cfg, 0, offsetof(struct sim_cfg, conn));
	cfg->start = starts[rng_below(&r, 5)] + rng_below(&r, RILL_SEC);
	cfg->lossy_only = rng_u64(&r) & 1;
	cfg->most = mosts[rng_below(&r, sizeof(mosts) / sizeof(mosts[0]))];
	cfg->faults_end = cfg->start + rng_log(&r, RILL_SEC, 60 * RILL_SEC);
	for (i = 0; i < SIM_HOSTS; i++)
		draw_link(&cfg->link[i], &r, cfg);
	cfg->nconns = rng_log(&r, 1, 4);
	for (i = 0; i < cfg->nconns; i++)
		draw_conn(cfg, i, &r);
	draw_hosts(cfg, &r);
	draw_lies(cfg, &r);
	for (i = 0; i < SIM_HOSTS; i++)
		draw_mtu(&cfg->link[i], &r, cfg);
	cfg->rebind_at = RILL_NEVER;
	if (!cfg->lossy_only && rng_below(&r, 8) == 0)
		cfg->rebind_at = cfg->start + rng_below(&r, 20 * RILL_SEC);
	cfg->coalesce = rng_u64(&r) & 1 ? rng_log(&r, RILL_USEC, 5 * RILL_MSEC) : 0;
	cfg->slip = rng_u64(&r) & 1 ? rng_log(&r, RILL_USEC, 10 * RILL_MSEC) : 0;
	cfg->txfail = rng_below(&r, 6) ? 0 : draw_fault(&r);
	cfg->nomem = rng_below(&r, 6) ? 0 : draw_fault(&r);
	cfg->gso = rng_below(&r, 3) ? RILL_RUN_MAX : rng_log(&r, 1, RILL_RUN_MAX);
	cfg->listen_off = cfg->listen_on = RILL_NEVER;
	if (!cfg->lossy_only && rng_below(&r, 8) == 0) {
		cfg->listen_off = rng_below(&r, 5 * RILL_SEC);
		cfg->listen_on = cfg->listen_off + rng_below(&r, 10 * RILL_SEC);
	}
	cfg->ooo_cap = rng_below(&r, 4) ? 256 : rng_log(&r, 2, 256);
	cfg->hostile = rng_below(&r, 10) == 0;
	if (cfg->hostile)
		cfg->lossy_only = false;
	for (i = 0; i < SIM_HOSTS && cfg->lossy_only; i++) {
		/* What TCP too survives: no more than a few lost in a row. */
		cfg->link[i].loss = min_t(u32, cfg->link[i].loss, 50000);
		cfg->link[i].corrupt = min_t(u32, cfg->link[i].corrupt, 50000);
		cfg->link[i].burst = 0;
		cfg->link[i].outage_len = 0;
		cfg->nomem = 0;
	}
	/*
	 * The longest wait is for a peer that is gone without a trace: R2, and a probe.
	 * A megabyte in packets of 88 bytes through a queue of three takes long too.
	 */
	cfg->deadline = cfg->faults_end + RILL_R2 + 900 * RILL_SEC;
	cfg->check_every = 1;
	/*
	 * A client that moves between two SYNs is another one to the listener, and a
	 * SYN with a token that is replayed when nothing of it is remembered opens
	 * again (PROTOCOL.md 7.5), as one is that comes late to a server that slept,
	 * or with another id: these are not for the invariants to deny.
	 */
	cfg->fast = cfg->rebind_at == RILL_NEVER && !cfg->link[0].replay && !cfg->hostile &&
		    !(cfg->step && cfg->step_host) &&
		    !cfg->link[1].replay && rng_below(&r, 3) == 0;
}
