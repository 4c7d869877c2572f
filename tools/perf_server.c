// SPDX-License-Identifier: GPL-2.0
/*
 * rill perf -s: listens on both transports at one port.  One thread accepts on
 * each; it answers the connection test itself, since a thread for each such
 * connection would be most of what is measured, and gives every other
 * connection its own thread.  What connections say is in perf.h; a peer that
 * says anything else is hung up on.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "perf.h"
#include "util.h"

#define HELLO_MS	5000	/* a client says what it wants within this time */

struct listener {
	const struct perf_opts *o;
	enum transport over;
	int fd;
};

struct session {
	const struct perf_opts *o;
	int fd;
	struct perf_hello hello;	/* host order */
};

static bool readable(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, ms) > 0;
}

static bool receive_all(int fd, void *buf, size_t len, int flags)
{
	return recv(fd, buf, len, MSG_WAITALL | flags) == (ssize_t)len;
}

static bool send_all(int fd, const void *buf, size_t len)
{
	while (len) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		buf = (const char *)buf + n;
		len -= n;
	}
	return true;
}

static void serve_send(const struct session *s, char *buf)
{
	struct perf_count count = { 0 };
	uint64_t bytes = 0, start = 0;
	ssize_t n;

	while ((n = recv(s->fd, buf, s->hello.len, 0)) > 0) {
		if (!start)
			start = now_ns();
		bytes += n;
	}
	if (n < 0)
		return;
	count.bytes = htobe64(bytes);
	count.ns = htobe64(start ? now_ns() - start : 0);
	send_all(s->fd, &count, sizeof(count));
}

static void serve_receive(const struct session *s, char *buf)
{
	uint64_t end = now_ns() + s->hello.duration_ms * 1000000ULL;

	while (now_ns() < end)
		if (!send_all(s->fd, buf, s->hello.len))
			return;
	shutdown(s->fd, SHUT_WR);
	recv(s->fd, buf, 1, 0);		/* the client closes when it has all of it */
}

static void serve_echo(const struct session *s, char *buf)
{
	net_nodelay(s->fd);
	while (receive_all(s->fd, buf, s->hello.len, 0) && send_all(s->fd, buf, s->hello.len))
		;
}

static void serve_control(const struct session *s)
{
	struct perf_hello answer = { .mode = MODE_CONTROL, .magic = htonl(PERF_MAGIC) };
	char c;

	if (!send_all(s->fd, &answer, sizeof(answer)))
		return;
	while (recv(s->fd, &c, 1, 0) > 0)
		;
	if (s->o->one_client)
		exit(0);
}

static bool known_mode(uint8_t mode)
{
	return mode == MODE_CONTROL || mode == MODE_SEND || mode == MODE_RECEIVE ||
	       mode == MODE_ECHO;
}

static bool read_hello(struct session *s)
{
	struct perf_hello *h = &s->hello;
	struct timeval tv = { .tv_sec = HELLO_MS / 1000 };

	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (!receive_all(s->fd, h, sizeof(*h), 0))
		return false;
	tv.tv_sec = 0;
	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	h->magic = ntohl(h->magic);
	h->duration_ms = ntohl(h->duration_ms);
	h->len = ntohl(h->len);
	return known_mode(h->mode) && h->magic == PERF_MAGIC && h->len > 0 &&
	       h->len <= PERF_MAX_LEN && h->duration_ms <= PERF_MAX_SECS * 1000u;
}

static void *session_thread(void *arg)
{
	struct session *s = arg;
	char *buf = NULL;

	if (read_hello(s))
		buf = calloc(1, s->hello.len);
	if (buf && s->hello.mode == MODE_SEND)
		serve_send(s, buf);
	else if (buf && s->hello.mode == MODE_RECEIVE)
		serve_receive(s, buf);
	else if (buf && s->hello.mode == MODE_ECHO)
		serve_echo(s, buf);
	else if (buf)
		serve_control(s);
	free(buf);
	close(s->fd);
	free(s);
	return NULL;
}

static void start_session(const struct perf_opts *o, int fd)
{
	struct session *s = xcalloc(1, sizeof(*s));
	pthread_t thread;
	int err;

	s->o = o;
	s->fd = fd;
	err = pthread_create(&thread, NULL, session_thread, s);
	if (err) {
		say("no thread for a connection: %s", strerror(err));
		close(fd);
		free(s);
		return;
	}
	pthread_detach(thread);
}

static void take_connection(const struct perf_opts *o, int fd)
{
	char mode;

	/* peeked at: a session reads its hello whole */
	if (!readable(fd, HELLO_MS) || recv(fd, &mode, 1, MSG_PEEK) != 1) {
		close(fd);
		return;
	}
	if (mode != MODE_CONNECT) {
		start_session(o, fd);
		return;
	}
	if (recv(fd, &mode, 1, 0) == 1)
		send_all(fd, &mode, 1);
	close(fd);
}

static void *accept_thread(void *arg)
{
	const struct listener *l = arg;
	int fd;

	for (;;) {
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			take_connection(l->o, fd);
		else if (errno != EINTR && errno != ECONNABORTED)
			fail_errno("accept over %s", transport_name(l->over));
	}
	return NULL;
}

static void open_listener(struct listener *l)
{
	l->fd = net_listen(l->over, l->o->af, NULL, l->o->port, SOMAXCONN);
	if (l->fd < 0)
		fail_errno("cannot listen on port %d over %s", l->o->port, transport_name(l->over));
}

int perf_serve(const struct perf_opts *o)
{
	struct listener rill = { o, OVER_RILL, -1 }, tcp = { o, OVER_TCP, -1 };
	pthread_t thread;

	open_listener(&tcp);
	if (!o->tcp_only)
		open_listener(&rill);
	printf("listening on port %d over %s\n", o->port, o->tcp_only ? "tcp" : "rill and tcp");
	finish_stdout();
	if (!o->tcp_only && pthread_create(&thread, NULL, accept_thread, &rill))
		fail("cannot start a thread");
	accept_thread(&tcp);
	return 0;
}
