// SPDX-License-Identifier: GPL-2.0
/*
 * splice(), vmsplice() and sendfile(): bytes between sockets, pipes and files that
 * the program never sees.
 */
#include "kselftest_harness.h"

#include <limits.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "lib.h"

DIFFERENTIAL(splice, ON_FOUR_PATHS);

static long from_sock(int fd, int pipe, size_t len, unsigned int flags)
{
	return RET(splice(fd, NULL, pipe, NULL, len, flags));
}

static long to_sock(int pipe, int fd, size_t len, unsigned int flags)
{
	return RET(splice(pipe, NULL, fd, NULL, len, flags));
}

/* Reads exactly n bytes of a pipe and says how many are the pattern's. */
static size_t pipe_check(int pipe, uint64_t seed, uint64_t at, size_t n)
{
	static uint8_t buf[1 << 20];
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(pipe, buf + got, n - got);

		if (r <= 0)
			fatal("pipe: read said %zd with %zu bytes to go", r, n - got);
		got += r;
	}
	return pattern_check(seed, at, buf, n);
}

static int unsent(int fd)
{
	int n = -1;

	if (ioctl(fd, SIOCOUTQNSD, &n))
		fatal("SIOCOUTQNSD");
	return n;
}

TEST_F(splice, from_a_socket)
{
	int pair[2], p[2], fd = env_socket(&self->e, CLIENT, 0);
	char buf[16];
	loff_t at = 1;
	union sa to;

	ASSERT_EQ(0, pipe(p));
	EXPECT_EQ(-ENOTCONN, from_sock(fd, p[1], 1, 0));
	EXPECT_EQ(-ENOTCONN, from_sock(env_listen(&self->e, 1, &to), p[1], 1, 0));

	env_pair(&self->e, pair);
	fd = pair[SERVER];
	EXPECT_EQ(0, from_sock(fd, p[1], 0, 0));
	EXPECT_EQ(-EINVAL, RET(splice(fd, &at, p[1], NULL, 1, 0)));
	/* SPLICE_F_NONBLOCK is about the pipe: the socket waits, here for its time-out */
	set_timeo(fd, SO_RCVTIMEO, 60);
	EXPECT_EQ(-EAGAIN, from_sock(fd, p[1], 1, SPLICE_F_NONBLOCK));
	set_timeo(fd, SO_RCVTIMEO, 0);
	set_nonblock(fd, true);
	EXPECT_EQ(-EAGAIN, from_sock(fd, p[1], 1, 0));
	set_nonblock(fd, false);

	/* what is there is enough, a part stays, and SO_RCVLOWAT does not matter */
	set_int(fd, SOL_SOCKET, SO_RCVLOWAT, 100);
	send_all(pair[CLIENT], "abcdef", 6);
	ASSERT_EQ(6, queue_becomes(fd, FIONREAD, 6));
	EXPECT_EQ(2, from_sock(fd, p[1], 2, SPLICE_F_MORE));
	EXPECT_EQ(4, queue_becomes(fd, FIONREAD, 4));
	EXPECT_EQ(4, from_sock(fd, p[1], 100, 0));
	EXPECT_EQ(6, read(p[0], buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "abcdef", 6));

	/* the end, again and again; the other way goes on */
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	EXPECT_EQ(0, from_sock(fd, p[1], 1, 0));
	EXPECT_EQ(0, from_sock(fd, p[1], 1, 0));
	ASSERT_EQ(1, write(p[1], "x", 1));
	EXPECT_EQ(1, to_sock(p[0], fd, 1, 0));
	recv_all(pair[CLIENT], buf, 1);

	/* a reset is told once */
	env_pair(&self->e, pair);
	send_all(pair[SERVER], "a", 1);
	ASSERT_EQ(1, queue_becomes(pair[CLIENT], FIONREAD, 1));
	reset_close(pair[SERVER]);
	ASSERT_NE(0, wait_events(pair[CLIENT], POLLHUP));
	recv(pair[CLIENT], buf, 1, 0);
	EXPECT_EQ(-ECONNRESET, from_sock(pair[CLIENT], p[1], 1, 0));
	EXPECT_EQ(0, from_sock(pair[CLIENT], p[1], 1, 0));
}

static long task_splice(struct task *t)
{
	return splice(t->fd, NULL, t->flags, NULL, t->len, 0);
}

TEST_F(splice, waiting_readers_wake)
{
	struct task t = { .len = 100 };
	int pair[2], p[2];
	char c;

	catch_signal(SIGUSR1);
	ASSERT_EQ(0, pipe(p));
	env_pair(&self->e, pair);
	t.fd = pair[SERVER];
	t.flags = p[1];
	task_start(&t, task_splice);
	task_blocked(&t, SYS_splice);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&t));

	task_start(&t, task_splice);
	task_blocked(&t, SYS_splice);
	send_all(pair[CLIENT], "x", 1);
	EXPECT_EQ(1, task_join(&t));
	EXPECT_EQ(1, read(p[0], &c, 1));

	task_start(&t, task_splice);
	task_blocked(&t, SYS_splice);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	EXPECT_EQ(0, task_join(&t));
}

/* A pipe that takes no more, or that nobody reads, costs no byte of the stream. */
TEST_F(splice, full_and_broken_pipes)
{
	enum { N = 40000 };
	static uint8_t buf[N];
	int pair[2], p[2];
	long n;

	catch_signal(SIGPIPE);
	env_pair(&self->e, pair);
	pattern_fill(5, 0, buf, N);
	send_all(pair[CLIENT], buf, N);
	ASSERT_EQ(N, queue_becomes(pair[SERVER], FIONREAD, N));

	ASSERT_EQ(0, pipe(p));
	close(p[0]);
	EXPECT_EQ(-EPIPE, from_sock(pair[SERVER], p[1], 1000, 0));
	EXPECT_EQ(1, caught());
	close(p[1]);

	ASSERT_EQ(0, pipe(p));
	ASSERT_LE(4096, fcntl(p[1], F_SETPIPE_SZ, 4096));
	n = 0;
	for (;;) {
		long got = from_sock(pair[SERVER], p[1], 1 << 20, SPLICE_F_NONBLOCK);

		if (got == -EAGAIN)
			break;
		ASSERT_LT(0, got);
		n += got;
	}
	EXPECT_LT(n, N - 2000);
	EXPECT_EQ(n, pipe_check(p[0], 5, 0, n));
	EXPECT_EQ(1000, from_sock(pair[SERVER], p[1], 1000, 0));
	EXPECT_EQ(1000, pipe_check(p[0], 5, n, 1000));
	recv_all(pair[SERVER], buf, 1000);
	EXPECT_EQ(1000, pattern_check(5, n + 1000, buf, 1000));
}

/* What is in a pipe stays as it was, whatever the sender does with its memory. */
TEST_F(splice, bytes_in_a_pipe_stay)
{
	enum { N = 12000, MORE = 400000 };
	static uint8_t buf[N];
	int pair[2], p[2], i;

	ASSERT_EQ(0, pipe(p));
	env_pair(&self->e, pair);
	set_int(pair[CLIENT], IPPROTO_TCP, TCP_NODELAY, 1);
	for (i = 0; i < N; i += 3000) {
		pattern_fill(6, i, buf, 3000);
		send_all(pair[CLIENT], buf, 3000);
	}
	ASSERT_EQ(N, queue_becomes(pair[SERVER], FIONREAD, N));
	for (i = 0; i < N; i += 1500)
		ASSERT_EQ(1500, from_sock(pair[SERVER], p[1], 1500, 0));
	/* acknowledged, freed, and the memory is written to again */
	ASSERT_EQ(0, queue_becomes(pair[CLIENT], SIOCOUTQ, 0));
	memset(buf, 0xa5, sizeof(buf));
	for (i = 0; i < MORE; i += N) {
		send_all(pair[CLIENT], buf, N);
		drain(pair[SERVER], N);
	}
	close(pair[CLIENT]);
	close(pair[SERVER]);
	EXPECT_EQ(N, pipe_check(p[0], 6, 0, N));
}

/* A proxy: bytes go from one connection to another by way of a pipe. */
struct relay {
	int from, to;
	uint64_t seed;
	size_t len;
};

static void *relay_write(void *arg)
{
	struct relay *r = arg;
	static uint8_t buf[40000];
	size_t at = 0;

	while (at < r->len) {
		/* now large writes, now many so small that the receiver gathers them */
		size_t n = at / 100000 % 2 ? 1 + rnd(&r->seed) % 300 : 1 + rnd(&r->seed) % sizeof(buf);

		n = n < r->len - at ? n : r->len - at;
		pattern_fill(7, at, buf, n);
		send_all(r->to, buf, n);
		at += n;
	}
	if (shutdown(r->to, SHUT_WR))
		fatal("shutdown");
	return NULL;
}

static void *relay_pipe(void *arg)
{
	struct relay *r = arg;
	int p[2];
	long n, m;

	if (pipe(p))
		fatal("pipe");
	while ((n = from_sock(r->from, p[1], 1 + rnd(&r->seed) % 100000, SPLICE_F_MOVE)) > 0) {
		for (; n; n -= m) {
			m = to_sock(p[0], r->to, n, SPLICE_F_MORE);
			if (m <= 0)
				fatal("splice to a socket: %ld", m);
		}
	}
	if (n < 0 || shutdown(r->to, SHUT_WR))
		fatal("splice from a socket: %ld", n);
	return NULL;
}

TEST_F_TIMEOUT(splice, relay, SLOW_TEST)
{
	enum { N = 1500000 };
	static uint8_t buf[65536];
	uint64_t seed = test_seed();
	int in[2], out[2];
	struct relay w, r;
	pthread_t t[2];
	size_t at = 0;
	ssize_t n;

	env_pair(&self->e, in);
	env_pair(&self->e, out);
	set_int(in[CLIENT], IPPROTO_TCP, TCP_NODELAY, 1);
	w = (struct relay){ -1, in[CLIENT], seed, N };
	r = (struct relay){ in[SERVER], out[SERVER], seed + 1, N };
	ASSERT_EQ(0, pthread_create(&t[0], NULL, relay_write, &w));
	ASSERT_EQ(0, pthread_create(&t[1], NULL, relay_pipe, &r));
	while ((n = recv(out[CLIENT], buf, sizeof(buf), 0)) > 0) {
		ASSERT_EQ(n, pattern_check(7, at, buf, n));
		at += n;
	}
	EXPECT_EQ(0, n);
	EXPECT_EQ(N, at);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
}

TEST_F(splice, to_a_socket)
{
	int pair[2], p[2], fd = env_socket(&self->e, CLIENT, 0);
	struct iovec iov = { "vmsplice", 8 };
	char buf[512];

	catch_signal(SIGPIPE);
	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(1, write(p[1], "x", 1));
	EXPECT_EQ(-EPIPE, to_sock(p[0], fd, 1, 0));
	EXPECT_EQ(1, caught());
	ASSERT_EQ(1, read(p[0], buf, 1));

	env_pair(&self->e, pair);
	fd = pair[CLIENT];
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	ASSERT_EQ(8, vmsplice(p[1], &iov, 1, 0));
	EXPECT_EQ(3, to_sock(p[0], fd, 3, 0));
	EXPECT_EQ(5, to_sock(p[0], fd, 100, 0));
	recv_all(pair[SERVER], buf, 8);
	EXPECT_EQ(0, memcmp(buf, "vmsplice", 8));

	/* SPLICE_F_MORE holds back what fills no packet */
	ASSERT_EQ(100, write(p[1], buf, 100));
	EXPECT_EQ(100, to_sock(p[0], fd, 100, SPLICE_F_MORE));
	EXPECT_EQ(100, unsent(fd));
	send_all(fd, "x", 1);
	EXPECT_EQ(0, unsent(fd));
	recv_all(pair[SERVER], buf, 101);

	/* the errors of send */
	ASSERT_EQ(1, write(p[1], "x", 1));
	ASSERT_EQ(0, shutdown(fd, SHUT_WR));
	EXPECT_EQ(-EPIPE, to_sock(p[0], fd, 1, 0));
	EXPECT_EQ(2, caught());
}

TEST_F_TIMEOUT(splice, to_a_full_socket, SLOW_TEST)
{
	int pair[2], p[2];
	size_t n;

	ASSERT_EQ(0, pipe(p));
	env_pair(&self->e, pair);
	n = fill(pair[CLIENT]);
	ASSERT_EQ(3, write(p[1], "abc", 3));
	set_timeo(pair[CLIENT], SO_SNDTIMEO, 60);
	EXPECT_EQ(-EAGAIN, to_sock(p[0], pair[CLIENT], 3, SPLICE_F_NONBLOCK));
	set_nonblock(pair[CLIENT], true);
	EXPECT_EQ(-EAGAIN, to_sock(p[0], pair[CLIENT], 3, 0));
	drain(pair[SERVER], n);
	ASSERT_NE(0, wait_events(pair[CLIENT], POLLOUT));
	EXPECT_EQ(3, to_sock(p[0], pair[CLIENT], 3, 0));
}

TEST_F(splice, sendfile)
{
	enum { N = 300000, HEAD = 17 };
	static uint8_t buf[N];
	int pair[2], file = memfd_create("rill", 0);
	off_t at = HEAD;
	size_t got = 0;
	long n;

	ASSERT_LE(0, file);
	pattern_fill(8, 0, buf, N);
	ASSERT_EQ(N, write(file, buf, N));
	env_pair(&self->e, pair);
	set_int(pair[CLIENT], IPPROTO_TCP, TCP_NODELAY, 1);
	set_nonblock(pair[CLIENT], true);
	while (at < N) {
		n = RET(sendfile(pair[CLIENT], file, &at, INT_MAX));
		if (n == -EAGAIN)
			n = recv(pair[SERVER], buf + got, N - got, 0), got += n;
		ASSERT_LT(0, n);
	}
	EXPECT_EQ(0, RET(sendfile(pair[CLIENT], file, &at, 1)));
	recv_all(pair[SERVER], buf + got, N - HEAD - got);
	EXPECT_EQ(N - HEAD, pattern_check(8, HEAD, buf, N - HEAD));

	/* the end of the file before the end of what was asked for: nothing is held back */
	ASSERT_EQ(0, queue_becomes(pair[CLIENT], SIOCOUTQ, 0));
	at = N - 5000;
	EXPECT_EQ(5000, RET(sendfile(pair[CLIENT], file, &at, 1 << 20)));
	EXPECT_EQ(0, unsent(pair[CLIENT]));
	/* a socket is no source */
	EXPECT_EQ(-EINVAL, RET(sendfile(pair[SERVER], pair[CLIENT], NULL, 1)));
}

TEST_HARNESS_MAIN
