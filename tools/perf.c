// SPDX-License-Identifier: GPL-2.0
/*
 * rill perf: iperf3's habits.  Owns the options, and the rounds of --vs: Rill
 * and TCP by turns against one server, each pair of rounds giving one ratio, so
 * that what the machine does meanwhile hits both alike.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "perf.h"
#include "util.h"

#define BULK_LEN	(64 * 1024)
#define TEST_SECS	10	/* iperf3's */
#define ROUND_SECS	1
#define ROUNDS		5

/* -l is about throughput, unless round trips are all there is. */
static size_t job_len(const struct perf_opts *o, enum perf_test test)
{
	if (test == TEST_BULK)
		return o->len ? o->len : BULK_LEN;
	return o->rr && o->len ? o->len : 1;
}

static struct perf_job make_job(const struct perf_opts *o, enum perf_test test,
				enum transport over, const struct net_addr *to)
{
	return (struct perf_job){
		.test = test,
		.over = over,
		.to = *to,
		.secs = o->secs ? o->secs : o->vs ? ROUND_SECS : TEST_SECS,
		.streams = o->streams,
		.len = job_len(o, test),
		.reverse = test == TEST_BULK && o->reverse,
		.bidir = test == TEST_BULK && o->bidir,
		.interval = o->json || o->vs ? 0 : o->interval,
	};
}

/* The one number a round is compared by. */
static double score(enum perf_test test, const struct perf_result *r)
{
	if (test == TEST_BULK)
		return perf_mbits(&r->up) + perf_mbits(&r->down);
	if (test == TEST_CONN)
		return perf_rate(r);
	return r->times.n ? r->times.sum / r->times.n / 1e3 : 0;
}

static void vs_test(const struct perf_opts *o, enum perf_test test, const struct net_addr *to,
		    bool first, bool last)
{
	struct perf_result *res = xcalloc(1, sizeof(*res));
	double *by[2] = { xcalloc(o->rounds, sizeof(double)), xcalloc(o->rounds, sizeof(double)) };

	for (int i = 0; i < o->rounds * 2; i++) {
		enum transport over = i % 2 ? OVER_TCP : OVER_RILL;
		struct perf_job job = make_job(o, test, over, to);

		perf_work(&job, res);
		by[over][i / 2] = score(test, res);
	}
	perf_report_vs(o, test, by[OVER_RILL], by[OVER_TCP], first, last);
	free(by[0]);
	free(by[1]);
	free(res);
}

static void run_vs(const struct perf_opts *o, const struct net_addr *to)
{
	bool all = !o->bulk && !o->rr && !o->conn;

	if (all || o->bulk)
		vs_test(o, TEST_BULK, to, true, !all);
	if (all || o->rr)
		vs_test(o, TEST_RR, to, !all, !all);
	if (all || o->conn)
		vs_test(o, TEST_CONN, to, !all, true);
}

static int run_client(const struct perf_opts *o)
{
	enum transport over = o->tcp_only ? OVER_TCP : OVER_RILL;
	enum perf_test test = o->rr ? TEST_RR : o->conn ? TEST_CONN : TEST_BULK;
	struct perf_result *res = xcalloc(1, sizeof(*res));
	struct net_addr to;
	struct perf_job job;
	int control = perf_control(o, over, &to);

	if (o->vs) {
		run_vs(o, &to);
	} else {
		job = make_job(o, test, over, &to);
		perf_work(&job, res);
		perf_report(o, &job, res);
	}
	free(res);
	close(control);
	return 0;
}

#define OPT_BIDIR	OPT_LONG
#define OPT_RR		(OPT_LONG + 1)
#define OPT_CONN	(OPT_LONG + 2)
#define OPT_VS		(OPT_LONG + 3)
#define OPT_ROUNDS	(OPT_LONG + 4)
#define OPT_JSON	(OPT_LONG + 5)
#define OPT_TCP		(OPT_LONG + 6)
#define OPT_BULK	(OPT_LONG + 7)

static const struct argp_option options[] = {
	{ "server", 's', NULL, 0, "serve, over Rill and TCP at one port", 0 },
	{ "one-off", '1', NULL, 0, "server: end after one client", 0 },
	{ "client", 'c', "HOST", 0, "measure against the server on HOST", 0 },
	{ "port", 'p', "PORT", 0, "the server's port (5201)", 0 },
	{ "time", 't', "SECS", 0, "length of the test (10), or of each round of --vs (1)", 0 },
	{ "parallel", 'P', "N", 0, "streams at once (1)", 0 },
	{ "reverse", 'R', NULL, 0, "the server sends", 0 },
	{ "bidir", OPT_BIDIR, NULL, 0, "both send", 0 },
	{ "length", 'l', "BYTES", 0, "size of a write (64K), or of a message of --rr (1)", 0 },
	{ "interval", 'i', "SECS", 0, "report so often meanwhile (1); 0: not at all", 0 },
	{ "bulk", OPT_BULK, NULL, 0, "throughput: the default but with --vs", 0 },
	{ "rr", OPT_RR, NULL, 0, "round trips of one message", 0 },
	{ "conn", OPT_CONN, NULL, 0, "connections, one byte each way", 0 },
	{ "vs", OPT_VS, "tcp", 0, "compare with TCP, by turns", 0 },
	{ "rounds", OPT_ROUNDS, "N", 0, "pairs of rounds of --vs (5)", 0 },
	{ "json", OPT_JSON, NULL, 0, "print JSON", 0 },
	{ "tcp", OPT_TCP, NULL, 0, "over TCP only", 0 },
	{ NULL, '4', NULL, 0, "IPv4 only", 0 },
	{ NULL, '6', NULL, 0, "IPv6 only", 0 },
	HELP_OPTION, { 0 }
};

static void check(const struct perf_opts *o)
{
	if (o->server == !!o->client)
		usage("give either -s or -c HOST");
	if (o->one_client && !o->server)
		usage("-1 is for the server");
	if (o->vs && o->tcp_only)
		usage("--vs tcp and --tcp exclude each other");
	if (o->bulk + o->rr + o->conn > 1)
		usage("--bulk, --rr and --conn exclude each other");
	if ((o->rr || o->conn) && (o->reverse || o->bidir))
		usage("-R and --bidir are for throughput");
	if (o->reverse && o->bidir)
		usage("-R and --bidir exclude each other");
}

static error_t parse_test(int key, char *arg, struct perf_opts *o)
{
	switch (key) {
	case 't':
		o->secs = arg_seconds("time", arg, 0.05, PERF_MAX_SECS);
		return 0;
	case 'P':
		o->streams = arg_number("number of streams", arg, 1, PERF_MAX_STREAMS);
		return 0;
	case 'R':
		o->reverse = true;
		return 0;
	case OPT_BIDIR:
		o->bidir = true;
		return 0;
	case 'l':
		o->len = arg_size("length", arg, 1, PERF_MAX_LEN);
		return 0;
	case 'i':
		o->interval = arg_seconds("interval", arg, 0, PERF_MAX_SECS);
		return 0;
	case OPT_BULK:
		o->bulk = true;
		return 0;
	case OPT_RR:
		o->rr = true;
		return 0;
	case OPT_CONN:
		o->conn = true;
		return 0;
	case OPT_VS:
		if (strcmp(arg, "tcp"))
			usage("--vs knows 'tcp' only, not '%s'", arg);
		o->vs = true;
		return 0;
	case OPT_ROUNDS:
		o->rounds = arg_number("number of rounds", arg, 1, 1000);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct perf_opts *o = state->input;

	switch (key) {
	case 's':
		o->server = true;
		return 0;
	case '1':
		o->one_client = true;
		return 0;
	case 'c':
		o->client = arg;
		return 0;
	case 'p':
		o->port = arg_port(arg, 1);
		return 0;
	case '4':
		o->af = AF_INET;
		return 0;
	case '6':
		o->af = AF_INET6;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_TCP:
		o->tcp_only = true;
		return 0;
	case ARGP_KEY_END:
		check(o);
		return 0;
	default:
		if (parse_test(key, arg, o) == 0)
			return 0;
		return parse_common(key, state);
	}
}

int cmd_perf(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse_opt, "-s\n-c HOST", "Measure throughput, round trips and connections.",
		NULL, NULL, NULL
	};
	struct perf_opts o = {
		.port = PERF_DEFAULT_PORT, .streams = 1, .interval = 1, .rounds = ROUNDS,
	};

	parse_args(&argp, argc, argv, 0, &o);
	transport_require(o.tcp_only ? OVER_TCP : OVER_RILL);
	return o.server ? perf_serve(&o) : run_client(&o);
}
