// SPDX-License-Identifier: GPL-2.0
/*
 * The client's work: one thread a stream, all connected before any starts.
 * A thread only blocks in socket calls; what ends it early (an interrupt, a peer
 * that no longer answers) is the stop flag and a signal that makes the call
 * return EINTR.
 *
 * Throughput is what the receiver counted, from its first byte to its last.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/rill.h>

#include "perf.h"
#include "util.h"

#define GRACE_SECS	60	/* after the test's time, for what is still under way */
#define WAKE_SIGNAL	SIGUSR1

struct work;

struct stream {
	struct work *w;
	enum perf_mode mode;
	pthread_t thread;
	int fd;
	char *buf;
	_Atomic uint64_t moved;		/* bytes so far, for the reports in between */
	struct perf_count count;	/* host order */
	int64_t retransmits;
	uint64_t ops;
	double ops_secs;
	struct hist times;
	const char *failed;		/* the step, or NULL */
	int err;			/* its errno; 0: the peer closed */
};

struct work {
	const struct perf_job *job;
	struct stream *stream;
	int n;
	pthread_barrier_t start;
	atomic_int running;
	uint64_t began;
};

static atomic_bool stop;
static volatile sig_atomic_t interrupted;

static void on_wake(int sig)
{
	(void)sig;
}

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static bool step_failed(struct stream *s, const char *step, int err)
{
	if (!stop && !s->failed) {
		s->failed = step;
		s->err = err;
	}
	return false;
}

static bool send_all(struct stream *s, const void *buf, size_t len)
{
	while (len) {
		ssize_t n = send(s->fd, buf, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR && !stop)
			continue;
		if (n < 0)
			return step_failed(s, "sending", errno);
		buf = (const char *)buf + n;
		len -= n;
	}
	return true;
}

static bool receive_all(struct stream *s, void *buf, size_t len)
{
	while (len) {
		ssize_t n = recv(s->fd, buf, len, 0);

		if (n < 0 && errno == EINTR && !stop)
			continue;
		if (n <= 0)
			return step_failed(s, "receiving", n ? errno : 0);
		buf = (char *)buf + n;
		len -= n;
	}
	return true;
}

static void fill_hello(const struct perf_job *job, enum perf_mode mode, struct perf_hello *h)
{
	*h = (struct perf_hello){
		.mode = mode,
		.magic = htonl(PERF_MAGIC),
		.duration_ms = htonl(job->secs * 1000),
		.len = htonl(job->len),
	};
}

static bool send_hello(struct stream *s)
{
	struct perf_hello hello;

	fill_hello(s->w->job, s->mode, &hello);
	return send_all(s, &hello, sizeof(hello));
}

static uint64_t deadline(const struct stream *s)
{
	return now_ns() + s->w->job->secs * 1e9;
}

static int64_t read_retransmits(int fd)
{
	struct rill_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, RILL_INFO, &info, &len))
		return -1;
	return info.tcpi_total_retrans;
}

static void do_send(struct stream *s)
{
	uint64_t end = deadline(s);
	size_t len = s->w->job->len;

	if (!send_hello(s))
		return;
	while (!stop && now_ns() < end) {
		if (!send_all(s, s->buf, len))
			return;
		s->moved += len;
	}
	shutdown(s->fd, SHUT_WR);
	if (!receive_all(s, &s->count, sizeof(s->count)))
		return;
	s->count.bytes = be64toh(s->count.bytes);
	s->count.ns = be64toh(s->count.ns);
	s->retransmits = read_retransmits(s->fd);
}

static void do_receive(struct stream *s)
{
	uint64_t start = 0;
	ssize_t n = 0;

	if (!send_hello(s))
		return;
	while (!stop) {
		n = recv(s->fd, s->buf, s->w->job->len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (!start)
			start = now_ns();
		s->moved += n;
	}
	if (n < 0)
		step_failed(s, "receiving", errno);
	s->count.bytes = s->moved;
	s->count.ns = start ? now_ns() - start : 0;
}

static void do_echo(struct stream *s)
{
	uint64_t begin = now_ns(), end = deadline(s), t = begin, t2;
	size_t len = s->w->job->len;

	net_nodelay(s->fd);
	if (!send_hello(s))
		return;
	while (!stop && t < end) {
		if (!send_all(s, s->buf, len) || !receive_all(s, s->buf, len))
			break;
		t2 = now_ns();
		hist_add(&s->times, t2 - t);
		t = t2;
	}
	s->ops = s->times.n;
	s->ops_secs = (t - begin) / 1e9;
}

/* Connect, a byte each way, the server closes, we close. */
static bool one_connection(struct stream *s)
{
	const struct perf_job *job = s->w->job;
	struct net_target target = { .over = job->over, .timeout_ms = -1 };
	char c = MODE_CONNECT;
	bool ok;

	s->fd = net_connect_addr(&target, (const struct sockaddr *)&job->to.ss, job->to.len);
	if (s->fd < 0)
		return step_failed(s, "connecting", errno);
	ok = send_all(s, &c, 1) && receive_all(s, &c, 1);
	if (ok && recv(s->fd, &c, 1, 0) < 0)
		ok = step_failed(s, "waiting for the end", errno);
	close(s->fd);
	s->fd = -1;
	return ok;
}

static void do_connect(struct stream *s)
{
	uint64_t begin = now_ns(), end = deadline(s), t = begin, t2;

	while (!stop && t < end && one_connection(s)) {
		t2 = now_ns();
		hist_add(&s->times, t2 - t);
		t = t2;
	}
	s->ops = s->times.n;
	s->ops_secs = (t - begin) / 1e9;
}

static void *stream_thread(void *arg)
{
	struct stream *s = arg;

	pthread_barrier_wait(&s->w->start);
	if (s->mode == MODE_SEND)
		do_send(s);
	else if (s->mode == MODE_RECEIVE)
		do_receive(s);
	else if (s->mode == MODE_ECHO)
		do_echo(s);
	else
		do_connect(s);
	s->w->running--;
	return NULL;
}

/* Bytes sent and received so far. */
static void sum_moved(const struct work *w, uint64_t *up, uint64_t *down)
{
	*up = *down = 0;
	for (int i = 0; i < w->n; i++)
		*(w->stream[i].mode == MODE_SEND ? up : down) += w->stream[i].moved;
}

static void report_intervals(const struct work *w, double *last, uint64_t *up, uint64_t *down)
{
	double at = (now_ns() - w->began) / 1e9;
	uint64_t u, d;

	if (!w->job->interval || w->job->test != TEST_BULK || at < *last + w->job->interval)
		return;
	sum_moved(w, &u, &d);
	perf_report_interval(w->job, *last, at, u - *up, d - *down);
	*last = at;
	*up = u;
	*down = d;
}

/* Looks in now and then: reports, and stops streams that overstay. */
static void wait_streams(struct work *w)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000000 };
	uint64_t latest = w->began + (w->job->secs + GRACE_SECS) * 1e9;
	uint64_t up = 0, down = 0;
	double last = 0;
	bool late = false;

	while (w->running) {
		nanosleep(&pause, NULL);
		report_intervals(w, &last, &up, &down);
		late = now_ns() > latest;
		if (!late && !interrupted)
			continue;
		stop = true;
		for (int i = 0; i < w->n; i++)
			pthread_kill(w->stream[i].thread, WAKE_SIGNAL);
	}
	for (int i = 0; i < w->n; i++)
		pthread_join(w->stream[i].thread, NULL);
	if (late)
		fail("no end %d s after the test's time over %s", GRACE_SECS,
		     transport_name(w->job->over));
	if (interrupted)
		fail("interrupted");
}

static enum perf_mode stream_mode(const struct perf_job *job, int i)
{
	if (job->test == TEST_RR)
		return MODE_ECHO;
	if (job->test == TEST_CONN)
		return MODE_CONNECT;
	if (job->bidir)
		return i % 2 ? MODE_RECEIVE : MODE_SEND;
	return job->reverse ? MODE_RECEIVE : MODE_SEND;
}

static void open_stream(struct work *w, int i)
{
	const struct perf_job *job = w->job;
	struct net_target target = { .over = job->over, .timeout_ms = -1 };
	struct stream *s = &w->stream[i];

	s->w = w;
	s->fd = -1;
	s->retransmits = -1;
	s->mode = stream_mode(job, i);
	s->buf = xcalloc(1, job->len);
	if (s->mode == MODE_CONNECT)
		return;
	s->fd = net_connect_addr(&target, (const struct sockaddr *)&job->to.ss, job->to.len);
	if (s->fd < 0)
		fail_errno("stream %d over %s", i + 1, transport_name(job->over));
}

static void add_flow(struct perf_flow *f, const struct stream *s)
{
	double secs = s->count.ns / 1e9;

	f->bytes += s->count.bytes;
	if (secs > f->secs)
		f->secs = secs;
	if (s->retransmits >= 0)
		f->retransmits = (f->retransmits < 0 ? 0 : f->retransmits) + s->retransmits;
}

static void collect(struct work *w, struct perf_result *res)
{
	*res = (struct perf_result){ .up.retransmits = -1, .down.retransmits = -1 };
	for (int i = 0; i < w->n; i++) {
		struct stream *s = &w->stream[i];

		if (s->failed)
			fail("stream %d over %s, %s: %s", i + 1, transport_name(w->job->over),
			     s->failed, s->err ? strerror(s->err) : "the server hung up");
		if (s->mode == MODE_SEND)
			add_flow(&res->up, s);
		else if (s->mode == MODE_RECEIVE)
			add_flow(&res->down, s);
		res->ops += s->ops;
		if (s->ops_secs > res->ops_secs)
			res->ops_secs = s->ops_secs;
		hist_merge(&res->times, &s->times);
		if (s->fd >= 0)
			close(s->fd);
		free(s->buf);
	}
}

static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_wake };	/* no SA_RESTART: EINTR is the point */

	sigaction(WAKE_SIGNAL, &sa, NULL);
	sa.sa_handler = on_interrupt;
	sigaction(SIGINT, &sa, NULL);
}

void perf_work(const struct perf_job *job, struct perf_result *res)
{
	struct work w = { .job = job, .n = job->streams * (job->bidir ? 2 : 1) };

	catch_signals();
	w.stream = xcalloc(w.n, sizeof(*w.stream));
	for (int i = 0; i < w.n; i++)
		open_stream(&w, i);
	pthread_barrier_init(&w.start, NULL, w.n + 1);
	w.running = w.n;
	for (int i = 0; i < w.n; i++)
		if (pthread_create(&w.stream[i].thread, NULL, stream_thread, &w.stream[i]))
			fail("cannot start %d threads", w.n);
	pthread_barrier_wait(&w.start);
	w.began = now_ns();
	wait_streams(&w);
	collect(&w, res);
	pthread_barrier_destroy(&w.start);
	free(w.stream);
}

/* The control connection, and the address that answered. */
int perf_control(const struct perf_opts *o, enum transport over, struct net_addr *to)
{
	const struct net_target target = {
		.over = over, .af = o->af, .host = o->client, .port = o->port, .timeout_ms = 10000,
	};
	const struct perf_job none = { .len = 1 };
	struct timeval tv = { .tv_sec = 10 };
	struct perf_hello hello;
	int fd = net_connect(&target, to);

	if (fd < 0)
		fail_errno("%s port %d over %s", o->client, o->port, transport_name(over));
	fill_hello(&none, MODE_CONTROL, &hello);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (send(fd, &hello, sizeof(hello), MSG_NOSIGNAL) != sizeof(hello) ||
	    recv(fd, &hello, sizeof(hello), MSG_WAITALL) != sizeof(hello) ||
	    hello.mode != MODE_CONTROL || ntohl(hello.magic) != PERF_MAGIC)
		fail("%s port %d is not a 'rill perf -s' of this version", o->client, o->port);
	return fd;
}
