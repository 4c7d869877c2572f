// SPDX-License-Identifier: GPL-2.0
/*
 * rill listen and rill connect: a connection joined to stdin and stdout, with
 * the habits of OpenBSD's netcat.  Owns the options of both and the relay.
 *
 * The relay is two flows, stdin to network and network to stdout, each with one
 * buffer that is filled when empty and written until empty.  Network and stdout
 * do not block, so neither flow can stop the other; stdin is read only when
 * poll() says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net.h"
#include "util.h"

#define BUF_SIZE	(64 * 1024)	/* a train of the carrier, and a pipe's default */

struct cat_opts {
	struct net_target to;	/* a listener uses over, af, host and port of it */
	bool listening;
	bool keep;		/* -k: the next connection after this one */
	bool shut;		/* -N: stdin's end is passed on */
	bool verbose;
	bool have_port;
	int idle_ms;		/* -1: for ever */
};

struct flow {
	int in, out;
	bool in_open, out_open;
	bool used;		/* something came in */
	size_t at, len;		/* the part of buf not yet written */
	char buf[BUF_SIZE];
};

struct relay {
	const struct cat_opts *o;
	int net;
	struct flow up;		/* stdin to network */
	struct flow down;	/* network to stdout */
};

/*
 * Our own description of stdout where that is possible: O_NONBLOCK on the
 * inherited one would change it for the shell and everyone else who has it.
 */
static int open_stdout(void)
{
	struct stat st;
	int fd;

	if (fstat(STDOUT_FILENO, &st) || !(S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		return STDOUT_FILENO;
	fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? STDOUT_FILENO : fd;
}

/* 0 and not an error: nothing to be had now. */
static bool transient(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static int flow_fill(struct flow *f, const char *what)
{
	ssize_t n = read(f->in, f->buf, sizeof(f->buf));

	if (n > 0) {
		f->used = true;
		f->at = 0;
		f->len = n;
	} else if (n == 0) {
		f->in_open = false;
	} else if (!transient()) {
		say("%s: %s", what, strerror(errno));
		return -1;
	}
	return 0;
}

/* SIGPIPE ends us when stdout is gone, as any filter; on the network it is an error. */
static int flow_drain(struct flow *f, bool net, const char *what)
{
	ssize_t n;

	if (net)
		n = send(f->out, f->buf + f->at, f->len, MSG_NOSIGNAL);
	else
		n = write(f->out, f->buf + f->at, f->len);
	if (n < 0 && !transient()) {
		say("%s: %s", what, strerror(errno));
		return -1;
	}
	if (n > 0) {
		f->at += n;
		f->len -= n;
	}
	return 0;
}

/*
 * netcat -l ends when its client hangs up, whatever stdin does.  But a client
 * may have closed only its own direction and be waiting for the rest of ours:
 * a stdin that is no terminal and has spoken is sent to its end.
 */
static bool relay_done(const struct relay *r)
{
	if (r->up.len || r->down.len || r->down.in_open)
		return false;
	if (!r->up.in_open || !r->up.out_open)
		return true;
	return r->o->listening && (!r->up.used || isatty(r->up.in));
}

/* stdin ended and all of it is sent: half-close if asked, once. */
static void relay_end_up(struct relay *r)
{
	if (r->up.in_open || r->up.len || !r->up.out_open)
		return;
	if (r->o->shut)
		shutdown(r->net, SHUT_WR);
	r->up.out_open = false;
}

static void relay_poll_set(const struct relay *r, struct pollfd p[4])
{
	const struct flow *up = &r->up, *down = &r->down;

	p[0] = (struct pollfd){ up->in_open && up->out_open && !up->len ? up->in : -1, POLLIN, 0 };
	/* no events: only whether the peer, whose direction has ended, is gone for good */
	p[1] = (struct pollfd){ up->out_open && (up->len || !down->in_open) ? r->net : -1,
				up->len ? POLLOUT : 0, 0 };
	p[2] = (struct pollfd){ down->in_open && !down->len ? r->net : -1, POLLIN, 0 };
	p[3] = (struct pollfd){ down->len ? down->out : -1, POLLOUT, 0 };
}

static int relay_move(struct relay *r, const struct pollfd p[4])
{
	const short in = POLLIN | POLLHUP | POLLERR, out = POLLOUT | POLLHUP | POLLERR;

	if (r->up.len && (p[1].revents & out) && flow_drain(&r->up, true, "sending"))
		return -1;
	if ((p[0].revents & in) && flow_fill(&r->up, "reading stdin"))
		return -1;
	if ((p[3].revents & out) && flow_drain(&r->down, false, "writing stdout"))
		return -1;
	if ((p[2].revents & in) && flow_fill(&r->down, "receiving"))
		return -1;
	/* both directions are shut: nothing can be sent any more */
	if ((p[1].revents & POLLHUP) && !r->down.in_open)
		r->up.out_open = false;
	return 0;
}

static int relay_idle(const struct relay *r)
{
	if (!r->up.len)
		return 0;
	say("timed out with data that the peer does not take");
	return -1;
}

/* Until both flows end: 0, or -1 after saying why. */
static int relay_run(struct relay *r)
{
	struct pollfd p[4];
	int n;

	for (;;) {
		relay_end_up(r);
		if (relay_done(r))
			return 0;
		relay_poll_set(r, p);
		n = poll(p, ARRAY_SIZE(p), r->o->idle_ms);
		if (n == 0)
			return relay_idle(r);
		if (n < 0 && errno != EINTR)
			fail_errno("poll");
		if (n > 0 && relay_move(r, p))
			return -1;
	}
}

static int relay(const struct cat_opts *o, int net)
{
	static struct relay r;		/* 128 KiB of buffers */
	static int out = -1;
	static bool stdin_open = true;	/* with -k stdin may have ended long ago */
	int ret;

	if (out < 0)
		out = open_stdout();
	if (fcntl(net, F_SETFL, O_NONBLOCK))
		fail_errno("O_NONBLOCK");
	r.o = o;
	r.net = net;
	r.up = (struct flow){ .in = STDIN_FILENO, .out = net, .in_open = stdin_open, .out_open = true };
	r.down = (struct flow){ .in = net, .out = out, .in_open = true, .out_open = true };
	ret = relay_run(&r);
	stdin_open = r.up.in_open;
	close(net);
	return ret;
}

static void say_peer(const struct cat_opts *o, const char *what, int fd, bool local)
{
	struct net_addr a = { .len = sizeof(a.ss) };
	char text[ADDR_STRLEN];

	if (!o->verbose)
		return;
	if (local)
		getsockname(fd, (struct sockaddr *)&a.ss, &a.len);
	else
		getpeername(fd, (struct sockaddr *)&a.ss, &a.len);
	net_addr_string((struct sockaddr *)&a.ss, text);
	say("%s %s over %s", what, text, transport_name(o->to.over));
}

static int accept_one(int lfd)
{
	int fd;

	do
		fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0)
		fail_errno("accept");
	return fd;
}

static int serve(const struct cat_opts *o)
{
	int lfd = net_listen(o->to.over, o->to.af, o->to.host, o->to.port, o->keep ? SOMAXCONN : 1);
	int fd, ret;

	if (lfd < 0)
		fail_errno("cannot listen on %s port %d",
			   o->to.host ? o->to.host : "any address", o->to.port);
	say_peer(o, "listening on", lfd, true);
	do {
		fd = accept_one(lfd);
		if (!o->keep)
			close(lfd);	/* whoever comes second is refused, not kept waiting */
		say_peer(o, "connection from", fd, false);
		ret = relay(o, fd);
	} while (o->keep);
	return ret ? EXIT_FAILED : 0;
}

static int dial(const struct cat_opts *o)
{
	int fd = net_connect(&o->to, NULL);

	if (fd < 0)
		fail_errno("%s port %d", o->to.host, o->to.port);
	say_peer(o, "connected to", fd, false);
	return relay(o, fd) ? EXIT_FAILED : 0;
}

#define OPT_TCP		OPT_LONG

#define COMMON_OPTIONS							\
	{ NULL, '4', NULL, 0, "IPv4 only", 0 },				\
	{ NULL, '6', NULL, 0, "IPv6 only", 0 },				\
	{ NULL, 'N', NULL, 0, "close our direction when stdin ends", 0 },	\
	{ NULL, 'v', NULL, 0, "say on stderr who is connected", 0 },	\
	{ "tcp", OPT_TCP, NULL, 0, "over TCP instead of Rill, to compare", 0 },	\
	HELP_OPTION, { 0 }

static const struct argp_option connect_options[] = {
	{ NULL, 'p', "PORT", 0, "local port", 0 },
	{ NULL, 'w', "SECS", 0, "give up connecting, or an idle connection, after SECS", 0 },
	COMMON_OPTIONS
};

static const struct argp_option listen_options[] = {
	{ NULL, 'l', NULL, OPTION_HIDDEN, "netcat's; implied", 0 },
	{ NULL, 'k', NULL, 0, "after a connection, wait for the next", 0 },
	{ NULL, 'p', "PORT", 0, "port to listen on; 0: any, -v tells which", 0 },
	{ NULL, 'w', "SECS", 0, "close a connection idle for SECS", 0 },
	COMMON_OPTIONS
};

static void set_af(struct cat_opts *o, int af)
{
	if (o->to.af != AF_UNSPEC && o->to.af != af)
		usage("-4 and -6 exclude each other");
	o->to.af = af;
}

static void set_port(struct cat_opts *o, const char *s)
{
	if (o->have_port)
		usage("port given twice, '%s' the second time", s);
	o->to.port = arg_port(s, o->listening ? 0 : 1);
	o->have_port = true;
}

/* listen: PORT or ADDRESS PORT or ADDRESS -p PORT; connect: HOST PORT. */
static void take_arg(struct cat_opts *o, struct argp_state *state, const char *arg)
{
	bool more = state->next < state->argc;

	if (state->arg_num == 0 && (!o->listening || more || o->have_port))
		o->to.host = arg;
	else if (state->arg_num < 2 && !o->have_port)
		set_port(o, arg);
	else
		usage("unexpected argument '%s'", arg);
}

static void check_complete(const struct cat_opts *o)
{
	if (!o->listening && !o->to.host)
		usage("HOST and PORT are missing");
	if (!o->have_port)
		usage("PORT is missing");
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct cat_opts *o = state->input;

	switch (key) {
	case '4':
		set_af(o, AF_INET);
		return 0;
	case '6':
		set_af(o, AF_INET6);
		return 0;
	case 'k':
		o->keep = true;
		return 0;
	case 'l':
		return 0;
	case 'N':
		o->shut = true;
		return 0;
	case 'p':
		if (o->listening)
			set_port(o, arg);
		else
			o->to.local_port = arg_port(arg, 1);
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	case 'w':
		o->idle_ms = arg_seconds("timeout", arg, 0.001, 86400) * 1000;
		o->to.timeout_ms = o->idle_ms;
		return 0;
	case OPT_TCP:
		o->to.over = OVER_TCP;
		return 0;
	case ARGP_KEY_ARG:
		take_arg(o, state, arg);
		return 0;
	case ARGP_KEY_END:
		check_complete(o);
		return 0;
	default:
		return parse_common(key, state);
	}
}

int cmd_connect(int argc, char **argv)
{
	static const struct argp argp = {
		connect_options, parse_opt, "HOST PORT",
		"Connect to HOST and join the connection to stdin and stdout.", NULL, NULL, NULL
	};
	struct cat_opts o = { .to.timeout_ms = -1, .idle_ms = -1 };

	parse_args(&argp, argc, argv, 0, &o);
	transport_require(o.to.over);
	return dial(&o);
}

int cmd_listen(int argc, char **argv)
{
	static const struct argp argp = {
		listen_options, parse_opt, "[ADDRESS] PORT\n[ADDRESS] -p PORT",
		"Wait for a connection and join it to stdin and stdout.", NULL, NULL, NULL
	};
	struct cat_opts o = { .to.timeout_ms = -1, .idle_ms = -1, .listening = true };

	parse_args(&argp, argc, argv, 0, &o);
	transport_require(o.to.over);
	return serve(&o);
}
