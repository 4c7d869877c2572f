// SPDX-License-Identifier: GPL-2.0
/*
 * fair.c - many flows through one bottleneck, and how they share it.
 *
 * Owns the table of `rill-sim --fair`: flows of two kinds, half and half, begin
 * within a second and are measured over the second half of the time.  The Reno
 * flows stand for a TCP of that model: RFC 5681's window over this engine's loss
 * recovery, which is SACK's.
 */
#include <stdio.h>
#include <stdlib.h>
#include "sim.h"

#define FAIR_SEED	7
#define FAIR_RTT	(40 * RILL_MSEC)
#define FAIR_PAYLOAD	1432
#define FAIR_FRAME	(FAIR_PAYLOAD + RILL_HDR + 28)
#define FAIR_JAIN	0.95	/* of two flows of one kind */

enum { FAIR_CUBIC, FAIR_RENO, FAIR_BBR };	/* rill_cc_nth() */
static const char *const fair_names[] = { "cubic", "reno", "bbr" };

/* How many, on what, for how long. */
static const struct fair_size {
	u32 flows;
	u64 rate, time;
} fair_sizes[] = {
	{ 2, 12500000, 60 * RILL_SEC },
	{ 10, 12500000, 60 * RILL_SEC },
	{ 100, 125000000, 20 * RILL_SEC },
	{ 1000, 125000000, 20 * RILL_SEC },
};

static const struct fair_mix {
	u8 cc[2];
	bool lies;		/* the second half acknowledges what it has not */
	double least;		/* Jain's index of two */
} fair_mixes[] = {
	{ { FAIR_CUBIC, FAIR_CUBIC }, false, FAIR_JAIN },
	{ { FAIR_BBR, FAIR_BBR }, false, FAIR_JAIN },
	{ { FAIR_CUBIC, FAIR_BBR }, false, 0 },
	{ { FAIR_CUBIC, FAIR_RENO }, false, 0 },
	{ { FAIR_BBR, FAIR_RENO }, false, 0 },
	{ { FAIR_CUBIC, FAIR_CUBIC }, true, 0 },
};

/* At half of the time. */
static struct {
	u64 rd[SIM_CONNS_MAX];
	u64 sent, again, passed, waited;
} fair_half;

static void fair_count(const struct sim *s, u64 *sent, u64 *again)
{
	u32 i;

	*sent = *again = 0;
	for (i = 0; i < s->nconns; i++)
		if (!s->conns[i]->side) {
			*sent += s->conns[i]->c.st.data_out;
			*again += s->conns[i]->c.st.retrans;
		}
}

static void fair_sample(struct sim *s)
{
	u32 i;

	for (i = 0; i < s->nconns; i++)
		if (s->conns[i]->side)
			fair_half.rd[s->conns[i]->plan] = s->conns[i]->rd;
	fair_count(s, &fair_half.sent, &fair_half.again);
	fair_half.passed = s->link[0].passed;
	fair_half.waited = s->link[0].waited;
}

static void fair_conn(struct conn_cfg *c, u32 i, const struct fair_size *z,
		      const struct fair_mix *m)
{
	bool second = 2 * i >= z->flows;
	u32 wnd = z->flows > 100 ? 1 << 16 : z->flows > 10 ? 1 << 20 : 4 << 20;
	int side;

	memset(c, 0, sizeof(*c));
	c->at = i * (RILL_SEC / z->flows);
	c->port = 1000 + i;
	c->cc = m->cc[second];
	for (side = 0; side < 2; side++) {
		c->app[side] = (struct app_cfg){
			.total = side ? 0 : 1ULL << 40, .wchunk = 16384, .rchunk = 65536,
			.close_off = U64_MAX, .abort_at = RILL_NEVER, .half = true,
		};
		c->payload[side] = FAIR_PAYLOAD;
		c->wnd[side] = c->wnd_max[side] = side ? wnd : 16384;
		c->sndbuf[side] = wnd;
	}
	if (second && m->lies)
		c->app[1].lie = LIE_BELOW;
}

static void fair_cfg(struct sim_cfg *cfg, const struct fair_size *z, const struct fair_mix *m)
{
	u32 i;

	named_scenario(cfg, "clean");
	for (i = 0; i < SIM_HOSTS; i++)
		cfg->link[i] = (struct link_cfg){ .rate = z->rate, .delay = FAIR_RTT / 2,
						  .queue = FAIR_RTT };
	cfg->nconns = z->flows;
	for (i = 0; i < z->flows; i++)
		fair_conn(&cfg->conn[i], i, z, m);
	cfg->timed = true;
	cfg->deadline = cfg->start + z->time - 1;	/* one sample */
	cfg->sample_every = z->time / 2;
	/* Chance, or flows of one kind would move in step. */
	cfg->link[0].jitter = 50 * RILL_USEC;
	cfg->slip = 100 * RILL_USEC;
}

/* The line for a run; false: it misses its bar. */
static bool fair_row(const struct sim *s, const struct fair_size *z, const struct fair_mix *m)
{
	double sum = 0, squares = 0, half[2] = { 0 }, secs = z->time / 2e9, jain, fair;
	u64 sent, again;
	bool ok;
	u32 i;

	for (i = 0; i < s->nconns; i++) {
		const struct sconn *sc = s->conns[i];
		double x = sc->rd - fair_half.rd[sc->plan];

		if (!sc->side)
			continue;
		sum += x;
		squares += x * x;
		half[2 * sc->plan >= z->flows] += x;
	}
	fair_count(s, &sent, &again);
	jain = squares ? sum * sum / (z->flows * squares) : 0;
	fair = sum ? half[0] / sum : 0;
	ok = z->flows == 2 ? jain >= m->least : true;
	/* 29: who is honest has a quarter of its share, whatever the others do. */
	ok = ok && (!m->lies || half[0] / secs >= z->rate / 8.0);
	printf("%5u  %-5s %-6s %8.1f %% %8.3f %8.0f %% %8.1f ms %9.2f %%%s\n", z->flows,
	       fair_names[m->cc[0]], m->lies ? "liars" : fair_names[m->cc[1]],
	       100 * sum / secs / ((double)z->rate * FAIR_PAYLOAD / FAIR_FRAME), jain, 100 * fair,
	       (s->link[0].waited - fair_half.waited) / 1e6 /
	       max_t(u64, s->link[0].passed - fair_half.passed, 1),
	       100.0 * (again - fair_half.again) / max_t(u64, sent - fair_half.sent, 1),
	       ok ? "" : "  failed");
	fflush(stdout);
	return ok;
}

static bool fair_run(const struct fair_size *z, const struct fair_mix *m)
{
	struct sim_cfg *cfg = malloc(sizeof(*cfg));
	struct sim *s = malloc(sizeof(*s));
	bool ok;

	fair_cfg(cfg, z, m);
	sim_init(s, FAIR_SEED, cfg);
	s->sampler = fair_sample;
	ok = sim_run_all(s);
	if (!ok)
		printf("failed: %s\n", s->why);
	ok = fair_row(s, z, m) && ok;
	sim_free(s);
	free(s);
	free(cfg);
	return ok;
}

/* All mixes of up to @flows flows; false: a bar was missed. */
bool fair_table(u32 flows)
{
	u32 i, k, n[2] = { 0 };

	printf("flows  half  half    of payload     Jain  1st half    in queue    sent again\n");
	for (i = 0; i < sizeof(fair_sizes) / sizeof(fair_sizes[0]); i++)
		for (k = 0; k < sizeof(fair_mixes) / sizeof(fair_mixes[0]); k++)
			if (fair_sizes[i].flows <= flows)
				n[fair_run(&fair_sizes[i], &fair_mixes[k])]++;
	printf("%u passed, %u failed\n", n[1], n[0]);
	return !n[0];
}
