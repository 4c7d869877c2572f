// SPDX-License-Identifier: GPL-2.0
/* main.c - rill-sim's options, ranges of seeds, and the report. */
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "sim.h"

static const char usage[] =
"usage: rill-sim [--seed N] [--seeds N] [--scenario NAME] [--trace] [--twice] [--corpus DIR]\n"
"                [--off NAMES] [--bytes N] [--conns N] [--stop]\n"
"       rill-sim --fair[=N]\n"
"  --seed N         the first seed (1); alone: just this one\n"
"  --seeds N        how many from there on\n"
"  --scenario NAME  big (100 MiB both ways through loss, reordering, corruption), clean,\n"
"                   wan (100 Mbit/s, 40 ms, a queue of as much), fair (two of it), lossy (1 %),\n"
"                   and wan-bbr, fair-bbr, lossy-bbr; ecn, ecn-bbr, prague (queues that mark),\n"
	"                   narrow, narrower (MTU), liar\n"
"  --trace          print every event\n"
"  --twice          run each seed twice and compare: the simulator must repeat itself\n"
"  --corpus DIR     write packets of the runs there, for the fuzzers\n"
"  --stop           end at the first failure\n"
"  --off A,B        without these faults: what a failing seed is shrunk to\n"
"  --bytes N        programs send no more than this\n"
"  --conns N        only so many connections\n"
"  --samples MS     print windows and times so often\n"
"  --fair[=N]       a table of flows that share a bottleneck, 2 of them to N (1000)\n";

#define SHRINK_MOST	3	/* failures of a range of seeds that are shrunk */
#define FAIR_ALL	1000

struct total {
	u64 pkts, events, virt, bytes, passed, failed;
};

struct opts {
	const char *scenario, *corpus;
	u64 seed, seeds;
	u32 fair;
	u64 samples;		/* ns, 0: none */
	struct knobs knobs;
	u32 shrunk;		/* failures made smaller so far */
	bool trace, twice, stop;
};

static double wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* A line for each end; false: connection 0 was slower than the scenario wants. */
static bool report_conns(const struct sim *s)
{
	bool fast = true;
	u32 i;

	for (i = 0; i < s->nconns; i++) {
		const struct sconn *sc = s->conns[i];
		double secs = (double)(s->now - s->cfg->start) / 1e9;

		printf("conn %u.%d: wrote %llu hash %016llx, read %llu hash %016llx, goodput %.2f MB/s, "
		       "sent %u again %u lost %u spurious %u, srtt %.1f ms, cwnd %llu\n",
		       sc->plan, sc->side, sc->written, sc->hash_tx, sc->rd, sc->hash_rx,
		       sc->rd / secs / 1e6, sc->c.st.pkts_out, sc->c.st.retrans, sc->c.st.lost,
		       sc->c.st.spurious, sc->c.rtt.srtt / 1e6, sc->c.cc.cwnd);
		if (!sc->plan && sc->side && sc->rd < s->cfg->want * secs)
			fast = false;
	}
	return fast;
}

static bool one(struct opts *o, u64 seed, struct total *t, u64 *hash)
{
	struct sim_cfg cfg;
	struct sim *s = malloc(sizeof(*s));
	bool ok;

	if (o->scenario)
		named_scenario(&cfg, o->scenario);
	else
		swarm_draw(&cfg, seed);
	knobs_apply(&o->knobs, &cfg);
	cfg.sample_every = o->samples;
	sim_init(s, seed, &cfg);
	s->sampler = samples_print;
	if (o->samples)
		samples_head();
	s->trace = o->trace;
	s->corpus = o->corpus;
	ok = sim_run_all(s);
	if (!ok)
		printf("failed: seed %llu%s: %s\n", seed, cfg.hostile ? " (hostile)" : "", s->why);
	if (!ok && !o->scenario && !o->trace && o->shrunk++ < SHRINK_MOST)
		shrink(seed, o->knobs, s->why);
	if (o->scenario && !report_conns(s)) {
		printf("failed: %s: less than %llu bytes/s\n", o->scenario, cfg.want);
		ok = false;
	}
	t->pkts += s->pkts;
	t->events += s->events;
	t->virt += s->now - cfg.start;
	t->bytes += s->bytes_delivered;
	*hash = s->hash;
	sim_free(s);
	free(s);
	return ok;
}

static int parse(struct opts *o, int argc, char **argv)
{
	static const struct option opts[] = {
		{ "seed", 1, NULL, 's' }, { "seeds", 1, NULL, 'n' },
		{ "scenario", 1, NULL, 'S' }, { "trace", 0, NULL, 't' },
		{ "twice", 0, NULL, '2' }, { "corpus", 1, NULL, 'c' },
		{ "stop", 0, NULL, 'x' }, { "off", 1, NULL, 'o' },
		{ "bytes", 1, NULL, 'b' }, { "conns", 1, NULL, 'k' },
		{ "samples", 1, NULL, 'p' }, { "fair", 2, NULL, 'f' }, { NULL, 0, NULL, 0 },
	};
	struct sim_cfg cfg;
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		switch (c) {
		case 's':	o->seed = strtoull(optarg, NULL, 0); break;
		case 'n':	o->seeds = strtoull(optarg, NULL, 0); break;
		case 'S':	o->scenario = optarg; break;
		case 't':	o->trace = true; break;
		case '2':	o->twice = true; break;
		case 'c':	o->corpus = optarg; break;
		case 'x':	o->stop = true; break;
		case 'o':
			if (!knobs_off(&o->knobs, optarg))
				return -1;
			break;
		case 'p':	o->samples = strtoull(optarg, NULL, 0) * RILL_MSEC; break;
		case 'b':	o->knobs.bytes = strtoull(optarg, NULL, 0); break;
		case 'k':	o->knobs.conns = strtoul(optarg, NULL, 0); break;
		case 'f':	o->fair = optarg ? strtoul(optarg, NULL, 0) : FAIR_ALL; break;
		default:	return -1;
		}
	}
	return (o->scenario && !named_scenario(&cfg, o->scenario)) || optind != argc ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct opts o = { .seed = 1, .seeds = 1 };
	struct total t = { 0 };
	double start = wall(), secs;
	u64 i;

	/* A run's memory stays for the next one: page faults were four fifths of the time. */
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	if (parse(&o, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	if (o.fair)
		return !fair_table(o.fair);
	for (i = 0; i < o.seeds; i++) {
		u64 hash, again;
		bool ok = one(&o, o.seed + i, &t, &hash);

		if (ok && o.twice) {
			ok = one(&o, o.seed + i, &t, &again);
			if (ok && hash != again) {
				printf("failed: seed %llu: 30: two runs differ\n", o.seed + i);
				ok = false;
			}
		}
		ok ? t.passed++ : t.failed++;
		if (!ok && o.stop)
			break;
	}
	secs = wall() - start;
	printf("sim: seeds %llu..%llu, %llu packets, %.1f MB delivered, %.0f virtual s, %.1f s: %.2f M packets/s\n",
	       o.seed, o.seed + o.seeds - 1, t.pkts, t.bytes / 1e6, t.virt / 1e9, secs,
	       t.pkts / secs / 1e6);
	printf("%llu passed, %llu failed\n", t.passed, t.failed);
	return t.failed != 0;
}
