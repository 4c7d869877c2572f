// SPDX-License-Identifier: GPL-2.0
/*
 * rill ping: opens and closes connections one after another and times each
 * connect(), which returns when the handshake's answer is there: one round trip.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net.h"
#include "util.h"

struct ping_opts {
	struct net_target to;
	bool have_port;
	unsigned int count;	/* 0: until interrupted */
	double interval;	/* s */
};

struct ping_stats {
	unsigned int tried, connected;
	double min, max, sum;	/* ms */
	int last_errno;		/* of the last failure */
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static void ping_once(const struct ping_opts *o, const struct net_addr *to, struct ping_stats *s)
{
	char text[ADDR_STRLEN];
	uint64_t start = now_ns();
	int fd = net_connect_addr(&o->to, (const struct sockaddr *)&to->ss, to->len);
	double ms = (now_ns() - start) / 1e6;

	if (fd < 0 && stopped)
		return;		/* interrupted: neither an answer nor none */
	s->tried++;
	net_addr_string((const struct sockaddr *)&to->ss, text);
	if (fd < 0) {
		s->last_errno = errno;
		printf("%s: seq=%u %s after %.3f ms\n", text, s->tried, strerror(errno), ms);
		return;
	}
	close(fd);
	s->min = s->connected && s->min < ms ? s->min : ms;
	s->max = s->max > ms ? s->max : ms;
	s->sum += ms;
	s->connected++;
	printf("connected to %s: seq=%u time=%.3f ms\n", text, s->tried, ms);
}

static void print_stats(const struct ping_opts *o, const struct ping_stats *s)
{
	printf("\n--- %s port %d over %s ---\n%u tried, %u connected, %u%% failed\n",
	       o->to.host, o->to.port, transport_name(o->to.over), s->tried, s->connected,
	       s->tried ? (s->tried - s->connected) * 100 / s->tried : 0);
	if (s->connected)
		printf("min/avg/max = %.3f/%.3f/%.3f ms\n", s->min, s->sum / s->connected, s->max);
}

static int ping(const struct ping_opts *o)
{
	const struct timespec pause = {
		.tv_sec = o->interval,
		.tv_nsec = (o->interval - (long)o->interval) * 1e9,
	};
	struct sigaction sa = { .sa_handler = on_signal };	/* no SA_RESTART: ends connect() */
	struct addrinfo *ai = net_resolve(o->to.af, o->to.host, o->to.port, false);
	struct net_addr to = { .len = ai->ai_addrlen };
	struct ping_stats s = { 0 };

	memcpy(&to.ss, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
	sigaction(SIGINT, &sa, NULL);
	while (!stopped) {
		ping_once(o, &to, &s);
		fflush(stdout);
		if (o->count && s.tried >= o->count)
			break;
		if (!stopped)
			nanosleep(&pause, NULL);
	}
	print_stats(o, &s);
	if (s.connected)
		return 0;
	finish_stdout();
	if (!s.tried)
		fail("interrupted before the first answer");
	fail("no connection to %s port %d in %u tries: %s", o->to.host, o->to.port, s.tried,
	     strerror(s.last_errno));
}

#define OPT_TCP		OPT_LONG

static const struct argp_option options[] = {
	{ NULL, 'c', "N", 0, "stop after N connections", 0 },
	{ NULL, 'i', "SECS", 0, "pause between connections (1)", 0 },
	{ NULL, 'w', "SECS", 0, "give up a connection after SECS (5)", 0 },
	{ NULL, '4', NULL, 0, "IPv4 only", 0 },
	{ NULL, '6', NULL, 0, "IPv6 only", 0 },
	{ "tcp", OPT_TCP, NULL, 0, "over TCP instead of Rill, to compare", 0 },
	HELP_OPTION, { 0 }
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct ping_opts *o = state->input;

	switch (key) {
	case 'c':
		o->count = arg_number("count", arg, 1, 1000000000);
		return 0;
	case 'i':
		o->interval = arg_seconds("interval", arg, 0, 86400);
		return 0;
	case 'w':
		o->to.timeout_ms = arg_seconds("timeout", arg, 0.001, 86400) * 1000;
		return 0;
	case '4':
		o->to.af = AF_INET;
		return 0;
	case '6':
		o->to.af = AF_INET6;
		return 0;
	case OPT_TCP:
		o->to.over = OVER_TCP;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0) {
			o->to.host = arg;
		} else if (state->arg_num == 1) {
			o->to.port = arg_port(arg, 1);
			o->have_port = true;
		} else {
			return parse_common(key, state);
		}
		return 0;
	case ARGP_KEY_END:
		if (!o->have_port)
			usage("%s missing", o->to.host ? "PORT is" : "HOST and PORT are");
		return 0;
	default:
		return parse_common(key, state);
	}
}

int cmd_ping(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse_opt, "HOST PORT",
		"Time the handshake with a listener, again and again.", NULL, NULL, NULL
	};
	struct ping_opts o = { .to.timeout_ms = 5000, .interval = 1 };

	parse_args(&argp, argc, argv, 0, &o);
	transport_require(o.to.over);
	return ping(&o);
}
