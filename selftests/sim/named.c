// SPDX-License-Identifier: GPL-2.0
/* named.c - the networks that have a name instead of a seed, and their bars. */
#include "sim.h"

/* 100 MiB each way at once through what the second issue names. */
static void scenario_big(struct sim_cfg *cfg)
{
	struct link_cfg l = {
		.rate = 125000000, .delay = 20 * RILL_MSEC, .queue = 100 * RILL_MSEC,
		.loss = 50000, .reorder = 250000, .reorder_by = 10 * RILL_MSEC,
		.dup = 10000, .corrupt = 1000,
	};
	int side;

	cfg->link[0] = cfg->link[1] = l;
	cfg->nconns = 1;
	cfg->conn[0].port = 1000;
	for (side = 0; side < 2; side++) {
		struct app_cfg a = {
			.total = 100 << 20, .wchunk = 65536, .rchunk = 65536,
			.close_off = U64_MAX, .abort_at = RILL_NEVER, .half = true,
		};

		cfg->conn[0].app[side] = a;
		cfg->conn[0].payload[side] = 1432;
		cfg->conn[0].wnd[side] = 131072;
		cfg->conn[0].wnd_max[side] = 6 << 20;
		cfg->conn[0].sndbuf[side] = 4 << 20;
	}
	cfg->hash = true;
	cfg->check_every = 997;
}

/* The same bytes over a clean path of 1 Gbit/s: the speed of engine and simulator. */
static void scenario_clean(struct sim_cfg *cfg)
{
	scenario_big(cfg);
	cfg->link[0].loss = cfg->link[0].reorder = cfg->link[0].dup = cfg->link[0].corrupt = 0;
	cfg->link[1] = cfg->link[0];
	cfg->hash = false;
}

/*
 * 100 MiB one way, 100 Mbit/s, 40 ms of round trip, a queue of one bandwidth-delay
 * product: the window must find the rate and stay near it.
 */
static void scenario_wan(struct sim_cfg *cfg)
{
	scenario_clean(cfg);
	cfg->link[0].rate = cfg->link[1].rate = 12500000;
	cfg->link[0].queue = cfg->link[1].queue = 40 * RILL_MSEC;
	cfg->conn[0].app[1].total = 0;
	/* 95 % of the line's payload, its start and end included */
	cfg->want = 12500000ULL * 1432 / 1484 * 95 / 100;
}

/* Two such flows, the second 5 s after the first: each its share. */
static void scenario_fair(struct sim_cfg *cfg)
{
	scenario_wan(cfg);
	cfg->want = 0;
	cfg->nconns = 2;
	cfg->conn[1] = cfg->conn[0];
	cfg->conn[1].port++;
	cfg->conn[1].at = cfg->start + 5 * RILL_SEC;
}

/* The line of scenario_wan() that loses one packet in a hundred. */
static void scenario_lossy(struct sim_cfg *cfg)
{
	scenario_wan(cfg);
	cfg->want = 0;
	cfg->link[0].loss = cfg->link[1].loss = 10000;
}

static void scenario_wan_bbr(struct sim_cfg *cfg)
{
	scenario_wan(cfg);
	cfg->conn[0].cc = 2;
	/* The price of looking for the empty path's round trip: 200 ms in 5 s. */
	cfg->want = 12500000ULL * 1432 / 1484 * 92 / 100;
}

/* BBR does not take one lost packet in a hundred for a full path. */
static void scenario_lossy_bbr(struct sim_cfg *cfg)
{
	scenario_lossy(cfg);
	cfg->conn[0].cc = 2;
	cfg->want = 12500000ULL * 1432 / 1484 * 80 / 100;
}

static void scenario_fair_bbr(struct sim_cfg *cfg)
{
	scenario_fair(cfg);
	cfg->conn[0].cc = cfg->conn[1].cc = 2;
}

/* A queue that marks at half of itself: nothing is lost once slow start is over. */
static void scenario_ecn(struct sim_cfg *cfg)
{
	scenario_wan(cfg);
	cfg->link[0].mark = 20 * RILL_MSEC;
	cfg->want = 12500000ULL * 1432 / 1484 * 94 / 100;
}

static void scenario_ecn_bbr(struct sim_cfg *cfg)
{
	scenario_ecn(cfg);
	cfg->conn[0].cc = 2;
	cfg->want = 12500000ULL * 1432 / 1484 * 85 / 100;
}

/* A path narrower than the interface says; and one that becomes so under way. */
static void scenario_narrow(struct sim_cfg *cfg)
{
	scenario_wan(cfg);
	cfg->link[0].mtu = 1328;
	cfg->want = 12500000ULL * 1250 / 1328 * 90 / 100;
}

static void scenario_narrower(struct sim_cfg *cfg)
{
	scenario_narrow(cfg);
	cfg->link[0].mtu_at = cfg->start + 3 * RILL_SEC;
}

/* Marks from 2 ms on, as L4S has it: the line stays busy with a queue that short. */
static void scenario_prague(struct sim_cfg *cfg)
{
	scenario_wan(cfg);
	cfg->link[0].mark = 2 * RILL_MSEC;
	cfg->link[0].delay = cfg->link[1].delay = 5 * RILL_MSEC;
	cfg->conn[0].cc = 3;
	cfg->want = 12500000ULL * 1432 / 1484 * 90 / 100;
}

/* A receiver that acknowledges what it has not: caught by a number never used. */
static void scenario_liar(struct sim_cfg *cfg)
{
	scenario_lossy(cfg);
	cfg->lossy_only = false;
	cfg->hash = false;
	cfg->conn[0].app[1].lie = LIE_BELOW;
	cfg->caught = true;
}

static const struct {
	const char *name;
	void (*fill)(struct sim_cfg *cfg);
} named_scenarios[] = {
	{ "big", scenario_big },
	{ "clean", scenario_clean },
	{ "wan", scenario_wan },
	{ "fair", scenario_fair },
	{ "lossy", scenario_lossy },
	{ "wan-bbr", scenario_wan_bbr },
	{ "fair-bbr", scenario_fair_bbr },
	{ "lossy-bbr", scenario_lossy_bbr },
	{ "liar", scenario_liar },
	{ "ecn", scenario_ecn },
	{ "ecn-bbr", scenario_ecn_bbr },
	{ "prague", scenario_prague },
	{ "narrow", scenario_narrow },
	{ "narrower", scenario_narrower },
};

/* The scenario called @name; false: there is none. */
bool named_scenario(struct sim_cfg *cfg, const char *name)
{
	u32 i;

	memset(cfg, 0, sizeof(*cfg));
	cfg->start = RILL_SEC;
	cfg->faults_end = RILL_NEVER;
	cfg->deadline = 7200 * RILL_SEC;
	cfg->rebind_at = cfg->listen_off = cfg->listen_on = RILL_NEVER;
	cfg->coalesce = 50 * RILL_USEC;
	cfg->gso = RILL_RUN_MAX;
	cfg->ooo_cap = 256;
	cfg->lossy_only = true;
	cfg->check_every = 1;
	for (i = 0; i < sizeof(named_scenarios) / sizeof(named_scenarios[0]); i++) {
		if (strcmp(named_scenarios[i].name, name))
			continue;
		named_scenarios[i].fill(cfg);
		return true;
	}
	return false;
}
