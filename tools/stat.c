// SPDX-License-Identifier: GPL-2.0
/*
 * rill stat: the table of sockets, and with --counters what was counted.  Owns
 * the options and the printing; reading the table is sockets.c and owner.c, the
 * counters are counters.c.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/rill.h>
#include <netinet/in.h>

#include "counters.h"
#include "sockets.h"
#include "util.h"

struct stat_opts {
	bool listening;		/* -l: listeners only */
	bool all;		/* -a: tombstones too; counters: zeros too */
	bool info;		/* -i: ask each socket for RILL_INFO */
	bool v4, v6;
	bool counters;
	bool json;
	bool watch;
	bool have_interval;
	double interval;	/* s */
};

/*
 * RILL_INFO through a copy of the owner's descriptor: only root and the owner
 * may, and a socket that closes meanwhile just has none.
 */
static bool sock_info(const struct sock_row *row, struct rill_info *info)
{
	socklen_t len = sizeof(*info);
	int pidfd, fd = -1;
	bool ok = false;

	if (!row->pid)
		return false;
	memset(info, 0, sizeof(*info));
	pidfd = syscall(SYS_pidfd_open, row->pid, 0);
	if (pidfd >= 0)
		fd = syscall(SYS_pidfd_getfd, pidfd, row->fd, 0);
	if (fd >= 0) {
		ok = !getsockopt(fd, IPPROTO_TCP, RILL_INFO, info, &len);
		close(fd);
	}
	if (pidfd >= 0)
		close(pidfd);
	return ok;
}

static bool wanted(const struct stat_opts *o, const struct sock_row *row)
{
	if (o->listening)
		return row->state == ST_LISTEN;
	return o->all || row->state != ST_TIME_WAIT;
}

static void format_us(long us, char *out, size_t size)
{
	if (us < 0)
		snprintf(out, size, "-");
	else if (us < 1000)
		snprintf(out, size, "%ldus", us);
	else if (us < 1000000)
		snprintf(out, size, "%.2fms", us / 1e3);
	else
		snprintf(out, size, "%.2fs", us / 1e6);
}

static void format_number(long v, char *out, size_t size)
{
	if (v < 0)
		snprintf(out, size, "-");
	else
		snprintf(out, size, "%ld", v);
}

static void format_owner(const struct sock_row *row, char *out, size_t size)
{
	if (!row->pid)
		snprintf(out, size, "-");
	else if (row->owners > 1)
		snprintf(out, size, "%s/%d+%u", row->comm, row->pid, row->owners - 1);
	else
		snprintf(out, size, "%s/%d", row->comm, row->pid);
}

static const char *or_dash(const char *s)
{
	return *s ? s : "-";
}

static void print_heading(void)
{
	printf("%-10s %7s %7s %-22s %-22s %9s %5s %5s %5s %-7s %-6s %s\n",
	       "State", "Recv-Q", "Send-Q", "Local", "Peer", "RTT", "Cwnd", "Retr", "PMTU",
	       "Carrier", "Flags", "Process");
}

static void print_row(const struct sock_row *row)
{
	char rtt[24], cwnd[24], pmtu[24], owner[64];

	format_us(row->state == ST_LISTEN ? -1 : row->srtt_us, rtt, sizeof(rtt));
	format_number(row->state == ST_LISTEN ? -1 : row->cwnd, cwnd, sizeof(cwnd));
	format_number(row->state == ST_LISTEN ? -1 : row->pmtu, pmtu, sizeof(pmtu));
	format_owner(row, owner, sizeof(owner));
	printf("%-10s %7ju %7ju %-22s %-22s %9s %5s %5u %5s %-7s %-6s %s\n",
	       sock_state_name(row->state), (uintmax_t)row->rx_queue, (uintmax_t)row->tx_queue,
	       row->local, row->remote, rtt, cwnd, row->retransmits, pmtu,
	       or_dash(row->carrier), or_dash(row->flags), owner);
}

static void print_info(const struct rill_info *i)
{
	printf("           rtt %.3f/%.3f ms  rto %.1f ms  mss %u  unacked %u  lost %u  retransmitted %u"
	       "  sent %llu  acked %llu  received %llu  rate %.1f Mbit/s\n",
	       i->tcpi_rtt / 1e3, i->tcpi_rttvar / 1e3, i->tcpi_rto / 1e3, i->tcpi_snd_mss,
	       i->tcpi_unacked, i->tcpi_lost, i->tcpi_total_retrans,
	       (unsigned long long)i->tcpi_bytes_sent, (unsigned long long)i->tcpi_bytes_acked,
	       (unsigned long long)i->tcpi_bytes_received, i->tcpi_delivery_rate * 8 / 1e6);
}

static void json_info(const struct rill_info *i)
{
	printf(",\"info\":{\"rtt_us\":%u,\"rttvar_us\":%u,\"min_rtt_us\":%u,\"rto_us\":%u,"
	       "\"mss\":%u,\"unacked\":%u,\"lost\":%u,\"retransmitted\":%u,\"cwnd\":%u,"
	       "\"bytes_sent\":%llu,\"bytes_acked\":%llu,\"bytes_received\":%llu,"
	       "\"delivery_rate\":%llu}",
	       i->tcpi_rtt, i->tcpi_rttvar, i->tcpi_min_rtt, i->tcpi_rto, i->tcpi_snd_mss,
	       i->tcpi_unacked, i->tcpi_lost, i->tcpi_total_retrans, i->tcpi_snd_cwnd,
	       (unsigned long long)i->tcpi_bytes_sent, (unsigned long long)i->tcpi_bytes_acked,
	       (unsigned long long)i->tcpi_bytes_received,
	       (unsigned long long)i->tcpi_delivery_rate);
}

static void json_field(const char *name, const char *value)
{
	printf(",\"%s\":", name);
	json_string(stdout, value);
}

/* What is not known is left out. */
static void json_number(const char *name, long value)
{
	if (value >= 0)
		printf(",\"%s\":%ld", name, value);
}

static void json_row(const struct sock_row *row)
{
	printf("\"state\":");
	json_string(stdout, sock_state_name(row->state));
	json_field("local", row->local);
	json_field("peer", row->remote);
	printf(",\"recv_q\":%ju,\"send_q\":%ju", (uintmax_t)row->rx_queue, (uintmax_t)row->tx_queue);
	printf(",\"retransmits\":%u,\"timer\":%u,\"timer_secs\":%.2f", row->retransmits,
	       row->timer, row->timer_secs);
	printf(",\"uid\":%u,\"inode\":%lu", row->uid, row->inode);
	if (row->rto_ms >= 0)
		printf(",\"rto_ms\":%.0f", row->rto_ms);
	json_number("cwnd", row->cwnd);
	json_number("ssthresh", row->ssthresh);
	json_number("srtt_us", row->srtt_us);
	json_number("pmtu", row->pmtu);
	if (*row->carrier)
		json_field("carrier", row->carrier);
	if (*row->flags)
		json_field("flags", row->flags);
	if (row->pid) {
		printf(",\"pid\":%d,\"fd\":%d,\"processes\":%u", row->pid, row->fd, row->owners);
		json_field("comm", row->comm);
	}
}

static void show_row(const struct stat_opts *o, const struct sock_row *row, bool first)
{
	struct rill_info info;
	bool have_info = o->info && row->state != ST_LISTEN && sock_info(row, &info);

	if (!o->json) {
		print_row(row);
		if (have_info)
			print_info(&info);
		return;
	}
	printf("%s{", first ? "" : ",\n");
	json_row(row);
	if (have_info)
		json_info(&info);
	printf("}");
}

static void show_sockets(const struct stat_opts *o)
{
	struct sock_table t;
	bool first = true;

	sock_table_read(&t, o->v4, o->v6);
	sock_table_find_owners(&t);
	if (o->json)
		printf("{\"sockets\":[");
	else
		print_heading();
	for (size_t i = 0; i < t.n; i++) {
		if (!wanted(o, &t.row[i]))
			continue;
		show_row(o, &t.row[i], first);
		first = false;
	}
	if (o->json)
		printf("]}\n");
	sock_table_free(&t);
}

static void show(const struct stat_opts *o)
{
	if (o->counters)
		counters_show(o->json, o->all, o->watch);
	else
		show_sockets(o);
	finish_stdout();
}

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

/* A terminal is redrawn; elsewhere the tables follow each other, each with its time. */
static void watch(const struct stat_opts *o)
{
	const struct timespec pause = {
		.tv_sec = o->interval,
		.tv_nsec = (o->interval - (long)o->interval) * 1e9,
	};
	struct sigaction sa = { .sa_handler = on_signal };	/* no SA_RESTART: ends the pause */
	bool tty = isatty(STDOUT_FILENO);
	char clock[32];
	time_t now;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	while (!stopped) {
		if (!o->json) {
			now = time(NULL);
			strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
			printf("%s%s, every %g s\n", tty ? "\033[H\033[2J" : "", clock, o->interval);
		}
		show(o);
		nanosleep(&pause, NULL);
	}
}

#define OPT_WATCH	OPT_LONG
#define OPT_JSON	(OPT_LONG + 1)
#define OPT_COUNTERS	(OPT_LONG + 2)

static const struct argp_option options[] = {
	{ "all", 'a', NULL, 0, "TIME-WAIT as well; with --counters, zeros as well", 0 },
	{ "listening", 'l', NULL, 0, "listeners only", 0 },
	{ "info", 'i', NULL, 0, "more of each connection, where its process may be asked", 0 },
	{ NULL, '4', NULL, 0, "IPv4 sockets only", 0 },
	{ NULL, '6', NULL, 0, "IPv6 sockets only", 0 },
	{ "counters", OPT_COUNTERS, NULL, 0, "counters instead of sockets", 0 },
	{ "json", OPT_JSON, NULL, 0, "print JSON", 0 },
	{ "watch", OPT_WATCH, "SECS", OPTION_ARG_OPTIONAL, "again every SECS (1) until interrupted", 0 },
	HELP_OPTION, { 0 }
};

static void set_interval(struct stat_opts *o, const char *s)
{
	o->interval = arg_seconds("interval", s, 0.05, 86400);
	o->have_interval = true;
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct stat_opts *o = state->input;

	switch (key) {
	case 'a':
		o->all = true;
		return 0;
	case 'l':
		o->listening = true;
		return 0;
	case 'i':
		o->info = true;
		return 0;
	case '4':
		o->v4 = true;
		return 0;
	case '6':
		o->v6 = true;
		return 0;
	case OPT_COUNTERS:
		o->counters = true;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_WATCH:
		o->watch = true;
		if (arg)
			set_interval(o, arg);
		return 0;
	case ARGP_KEY_ARG:
		/* "--watch 2": getopt takes an optional value only after '=' */
		if (!o->watch || o->have_interval)
			return parse_common(key, state);
		set_interval(o, arg);
		return 0;
	case ARGP_KEY_END:
		if (o->counters && (o->listening || o->info || o->v4 || o->v6))
			usage("--counters goes with none of -l, -i, -4, -6");
		if (!o->v4 && !o->v6)
			o->v4 = o->v6 = true;
		return 0;
	default:
		return parse_common(key, state);
	}
}

int cmd_stat(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse_opt, NULL, "Show Rill's sockets or its counters.", NULL, NULL, NULL
	};
	struct stat_opts o = { .interval = 1 };

	parse_args(&argp, argc, argv, 0, &o);
	if (o.watch)
		watch(&o);
	else
		show(&o);
	return 0;
}
