// SPDX-License-Identifier: GPL-2.0
/*
 * shrink.c - a seed that fails, with as little in it as still fails.
 *
 * Owns the switches, each of which takes one fault out of what a seed means, and
 * the search: a fault that is not needed is switched off, bytes are halved,
 * connections are left out, for as long as the same invariant breaks.
 */
#include <stdio.h>
#include <stdlib.h>
#include "sim.h"

/* A field of what a seed means, and the value with which it does nothing. */
struct knob {
	const char *name;
	u16 at, size;
	u64 off;
};

#define KNOB(type, name, field, to)					\
	{ name, offsetof(struct type, field), sizeof(((struct type *)0)->field), to }

/* Of a link; each comes twice, its last letter is the direction. */
static const struct knob link_knobs[] = {
	KNOB(link_cfg, "rate", rate, 0), KNOB(link_cfg, "jitter", jitter, 0),
	KNOB(link_cfg, "mark", mark, 0), KNOB(link_cfg, "codel", codel, 0),
	KNOB(link_cfg, "ecn", ecn, 0), KNOB(link_cfg, "loss", loss, 0),
	KNOB(link_cfg, "reorder", reorder, 0), KNOB(link_cfg, "dup", dup, 0),
	KNOB(link_cfg, "corrupt", corrupt, 0), KNOB(link_cfg, "truncate", truncate, 0),
	KNOB(link_cfg, "replay", replay, 0), KNOB(link_cfg, "forge", forge, 0),
	KNOB(link_cfg, "burst", burst, 0), KNOB(link_cfg, "outage", outage_len, 0),
	KNOB(link_cfg, "shift", shift_at, 0), KNOB(link_cfg, "mtu", mtu, 0),
};

static const struct knob host_knobs[] = {
	KNOB(sim_cfg, "rebind", rebind_at, RILL_NEVER), KNOB(sim_cfg, "skew", skew, 0),
	KNOB(sim_cfg, "step", step, 0), KNOB(sim_cfg, "crash", crash_at, 0), KNOB(sim_cfg, "flood", flood, 0),
	KNOB(sim_cfg, "icmp", icmp, 0), KNOB(sim_cfg, "coalesce", coalesce, 0),
	KNOB(sim_cfg, "slip", slip, 0), KNOB(sim_cfg, "txfail", txfail, 0),
	KNOB(sim_cfg, "nomem", nomem, 0), KNOB(sim_cfg, "gso", gso, 1),
	KNOB(sim_cfg, "listen", listen_off, RILL_NEVER), KNOB(sim_cfg, "cap", ooo_cap, 256),
	KNOB(sim_cfg, "fast", fast, 0),
};

/* Of every program. */
static const struct knob app_knobs[] = {
	KNOB(app_cfg, "wdelay", wdelay, 0), KNOB(app_cfg, "rdelay", rdelay, 0),
	KNOB(app_cfg, "stall", stall_len, 0), KNOB(app_cfg, "abort", abort_at, RILL_NEVER),
	KNOB(app_cfg, "early", close_off, U64_MAX), KNOB(app_cfg, "timeout", user_timeout, 0),
	KNOB(app_cfg, "cork", cork, 0), KNOB(app_cfg, "mortal", mortal, 0),
	KNOB(app_cfg, "lie", lie, LIE_NONE),
};

#define N(a)	((u32)(sizeof(a) / sizeof((a)[0])))
#define SWITCHES	(2 * N(link_knobs) + N(host_knobs) + N(app_knobs))
#define ROUNDS		30

static void knob_off(void *base, const struct knob *k)
{
	void *p = (u8 *)base + k->at;

	switch (k->size) {
	case 1:	*(u8 *)p = k->off; break;
	case 2:	*(u16 *)p = k->off; break;
	case 4:	*(u32 *)p = k->off; break;
	case 8:	*(u64 *)p = k->off; break;
	}
}

/* Switch number @i, of all three tables. */
static void switch_off(struct sim_cfg *cfg, u32 i)
{
	u32 k;

	if (i < 2 * N(link_knobs)) {
		knob_off(&cfg->link[i & 1], &link_knobs[i / 2]);
		return;
	}
	i -= 2 * N(link_knobs);
	if (i < N(host_knobs)) {
		knob_off(cfg, &host_knobs[i]);
		return;
	}
	for (k = 0; k < 2 * cfg->nconns; k++)
		knob_off(&cfg->conn[k / 2].app[k & 1], &app_knobs[i - N(host_knobs)]);
}

static const char *switch_name(u32 i)
{
	static char name[32];
	u32 links = 2 * N(link_knobs);

	if (i >= links + N(host_knobs))
		return app_knobs[i - links - N(host_knobs)].name;
	if (i >= links)
		return host_knobs[i - links].name;
	snprintf(name, sizeof(name), "%s%u", link_knobs[i / 2].name, i & 1);
	return name;
}

/* The names in @names, with commas between; false: there is no such switch. */
bool knobs_off(struct knobs *k, const char *names)
{
	while (*names) {
		u32 len = strcspn(names, ","), i;

		for (i = 0; i < SWITCHES; i++)
			if (strlen(switch_name(i)) == len && !memcmp(switch_name(i), names, len))
				break;
		if (i == SWITCHES)
			return false;
		k->off |= BIT_ULL(i);
		names += len + !!names[len];
	}
	return true;
}

void knobs_apply(const struct knobs *k, struct sim_cfg *cfg)
{
	u32 i;

	if (k->conns)
		cfg->nconns = min(cfg->nconns, k->conns);
	for (i = 0; i < SWITCHES; i++)
		if (k->off & BIT_ULL(i))
			switch_off(cfg, i);
	for (i = 0; i < 2 * cfg->nconns && k->bytes; i++)
		cfg->conn[i / 2].app[i & 1].total = min(cfg->conn[i / 2].app[i & 1].total, k->bytes);
}

/* Does @seed with @k break the invariant whose number is in @why? */
static bool shrink_fails(u64 seed, const struct knobs *k, const char *why, char *how)
{
	struct sim_cfg *cfg = malloc(sizeof(*cfg));
	struct sim *s = malloc(sizeof(*s));
	const char *was = strstr(why, " s: "), *is;
	bool same;

	swarm_draw(cfg, seed);
	knobs_apply(k, cfg);
	sim_init(s, seed, cfg);
	sim_run_all(s);
	is = strstr(s->why, " s: ");
	same = s->failed && was && is && !strncmp(was, is, strcspn(was + 4, ":") + 5);
	if (same)
		strcpy(how, s->why);
	sim_free(s);
	free(s);
	free(cfg);
	return same;
}

/* Does switch @i change anything of @seed with @k? */
static bool knob_matters(u64 seed, struct knobs k, u32 i)
{
	struct sim_cfg *on = calloc(1, sizeof(*on)), *off = calloc(1, sizeof(*off));
	bool matters;

	k.off &= ~BIT_ULL(i);
	swarm_draw(on, seed);
	knobs_apply(&k, on);
	k.off |= BIT_ULL(i);
	swarm_draw(off, seed);
	knobs_apply(&k, off);
	matters = memcmp(on, off, sizeof(*on));
	free(on);
	free(off);
	return matters;
}

/* The switches that matter, those that are off or those that are not. */
static void shrink_list(u64 seed, const struct knobs *k, bool off, const char *before)
{
	u32 i;

	for (i = 0; i < SWITCHES; i++)
		if (!(k->off & BIT_ULL(i)) == !off && knob_matters(seed, *k, i)) {
			printf("%s%s", before, switch_name(i));
			before = ",";
		}
}

/* One round over everything that could go; true: something went. */
static bool shrink_round(u64 seed, struct knobs *k, const char *why, char *how)
{
	bool less = false;
	u32 i;

	for (i = 0; i < SWITCHES + 2; i++) {
		struct knobs try = *k;

		if (i < SWITCHES)
			try.off |= BIT_ULL(i);
		else if (i == SWITCHES)
			try.bytes = k->bytes ? k->bytes / 2 : 1 << 20;
		else
			try.conns = k->conns ? k->conns - 1 : 4;
		/* Gone already, or all of it. */
		if (try.off == k->off && (i < SWITCHES || (i == SWITCHES ? !try.bytes : !try.conns)))
			continue;
		if (!shrink_fails(seed, &try, why, how))
			continue;
		*k = try;
		less = true;
	}
	return less;
}

/* Seed @seed fails with @k because of @why: print the smallest that does. */
void shrink(u64 seed, struct knobs k, const char *why)
{
	char how[256];
	u32 n = 0;

	snprintf(how, sizeof(how), "%s", why);
	while (n++ < ROUNDS && shrink_round(seed, &k, why, how))
		;
	printf("smallest: rill-sim --seed %llu", seed);
	shrink_list(seed, &k, true, " --off ");
	if (k.bytes)
		printf(" --bytes %llu", k.bytes);
	if (k.conns)
		printf(" --conns %u", k.conns);
	shrink_list(seed, &k, false, "\n  it needs ");
	printf("\n  %s\n", how);
}
