// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting in send and recv: full buffers, timeouts, signals, the low-water mark,
 * and what the queue ioctls say meanwhile.
 */
#include "kselftest_harness.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "lib.h"

DIFFERENTIAL(wait, OVER_BOTH);

TEST_F_TIMEOUT(wait, full_buffers, SLOW_TEST)
{
	int pair[2];
	size_t n;

	env_pair(&self->e, pair);
	set_int(pair[CLIENT], SOL_SOCKET, SO_SNDBUF, 65536);
	n = fill(pair[CLIENT]);
	EXPECT_LT(65536, n);
	EXPECT_EQ(-EAGAIN, RET(send(pair[CLIENT], "x", 1, MSG_DONTWAIT)));
	EXPECT_EQ(0, revents(pair[CLIENT]));
	set_timeo(pair[CLIENT], SO_SNDTIMEO, 20);
	EXPECT_EQ(-EAGAIN, RET(send(pair[CLIENT], "x", 1, 0)));
	drain(pair[SERVER], n);
	EXPECT_EQ(POLLOUT, wait_events(pair[CLIENT], POLLOUT));
	EXPECT_EQ(0, queue_becomes(pair[CLIENT], SIOCOUTQ, 0));
}

/* A non-blocking write of more than fits takes what fits. */
TEST_F_TIMEOUT(wait, partial_write, SLOW_TEST)
{
	enum { BIG = 32 << 20 };
	int pair[2];
	char *big = mmap(NULL, BIG, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long n;

	ASSERT_NE(MAP_FAILED, (void *)big);
	env_pair(&self->e, pair);
	n = RET(send(pair[CLIENT], big, BIG, MSG_DONTWAIT));
	EXPECT_LT(0, n);
	EXPECT_GT(BIG, n);
	drain(pair[SERVER], n);
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], big, 1, MSG_DONTWAIT)));
}

/* What a blocking write returns that a signal ends. */
static long interrupted_send(struct task *t)
{
	task_start(t, task_send);
	task_blocked(t, SYS_sendto);
	pthread_kill(t->thread, SIGUSR1);
	return task_join(t);
}

/* A blocking write that a signal or a timeout ends says how far it came. */
TEST_F_TIMEOUT(wait, interrupted_write, SLOW_TEST)
{
	enum { BIG = 32 << 20 };
	char *big = mmap(NULL, BIG, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct task t = { .buf = big, .len = BIG };
	long n, took;
	int pair[2];

	ASSERT_NE(MAP_FAILED, (void *)big);
	catch_signal(SIGUSR1);
	env_pair(&self->e, pair);
	t.fd = pair[CLIENT];
	took = interrupted_send(&t);
	EXPECT_LT(0, took);
	EXPECT_GT(BIG, took);
	/* once nothing goes in, the call itself is interrupted, or times out; the
	 * loops are for the crumb of fill() */
	n = took + fill(pair[CLIENT]);
	while ((took = interrupted_send(&t)) > 0)
		n += took;
	EXPECT_EQ(-EINTR, took);
	set_timeo(pair[CLIENT], SO_SNDTIMEO, 20);
	while ((took = RET(send(pair[CLIENT], "x", 1, 0))) > 0)
		n += took;
	EXPECT_EQ(-EAGAIN, took);
	drain(pair[SERVER], n);
}

TEST_F(wait, receive_timeout)
{
	int pair[2];
	char c;
	int64_t start;

	env_pair(&self->e, pair);
	set_timeo(pair[SERVER], SO_RCVTIMEO, 100);
	start = now_ms();
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], &c, 1, 0)));
	EXPECT_LE(80, now_ms() - start);
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], &c, 1, MSG_PEEK)));
	send_all(pair[CLIENT], "x", 1);
	/* WAITALL gives what came in time */
	EXPECT_EQ(1, RET(recv(pair[SERVER], (char[8]){ 0 }, 8, MSG_WAITALL)));
}

/* A time limit ends a long write with what went. */
TEST_F_TIMEOUT(wait, timed_out_write, SLOW_TEST)
{
	enum { BIG = 32 << 20 };
	char *big = mmap(NULL, BIG, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int pair[2];
	long n;

	ASSERT_NE(MAP_FAILED, (void *)big);
	env_pair(&self->e, pair);
	set_timeo(pair[CLIENT], SO_SNDTIMEO, 50);
	n = RET(send(pair[CLIENT], big, BIG, 0));
	EXPECT_LT(0, n);
	EXPECT_GT(BIG, n);
	drain(pair[SERVER], n);
}

/* SA_RESTART repeats a read that a signal interrupts, unless it has a time limit. */
TEST_F(wait, restarted_read)
{
	char buf[8];
	struct task t = { .buf = buf, .len = 8 };
	int pair[2];

	restart_signal(SIGUSR1);
	env_pair(&self->e, pair);
	t.fd = pair[SERVER];
	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(1, caught_becomes(1));
	task_blocked(&t, SYS_recvfrom);
	send_all(pair[CLIENT], "x", 1);
	EXPECT_EQ(1, task_join(&t));
	set_timeo(pair[SERVER], SO_RCVTIMEO, PATIENCE);
	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&t));
}

static void set_alarm(bool on)
{
	struct itimerval often = { { 0, on ? 2000 : 0 }, { 0, on ? 2000 : 0 } };

	setitimer(ITIMER_REAL, &often, NULL);
}

/* Signals without end: what is there is given, no byte is lost or comes twice. */
TEST_F_TIMEOUT(wait, under_a_hail_of_signals, SLOW_TEST)
{
	enum { N = 200000 };
	static uint8_t out[N], in[N];
	size_t sent = 0, got = 0;
	int pair[2];
	ssize_t n;

	env_pair(&self->e, pair);
	pattern_fill(11, 0, out, N);
	catch_signal(SIGALRM);
	set_alarm(true);
	while (got < N) {
		if (sent < N) {
			n = send(pair[CLIENT], out + sent, N - sent < 30000 ? N - sent : 30000, 0);
			if (n < 0)
				ASSERT_EQ(EINTR, errno);
			sent += n > 0 ? n : 0;
		}
		n = recv(pair[SERVER], in + got, sent - got, MSG_WAITALL);
		if (n < 0)
			ASSERT_EQ(EINTR, errno);
		got += n > 0 ? n : 0;
	}
	set_alarm(false);
	EXPECT_EQ(N, pattern_check(11, 0, in, N));
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], in, 1, MSG_DONTWAIT)));
}

/* AF_UNSPEC from another thread ends every wait. */
TEST_F_TIMEOUT(wait, dissolved_meanwhile, SLOW_TEST)
{
	static char buf[1 << 20];
	struct sockaddr un = { AF_UNSPEC };
	struct task t[2] = {
		{ .buf = buf, .len = 1 },
		{ .buf = buf, .len = sizeof(buf), .flags = MSG_NOSIGNAL },
	};
	int pair[2];

	env_pair(&self->e, pair);
	t[0].fd = t[1].fd = pair[CLIENT];
	fill(pair[CLIENT]);
	task_start(&t[0], task_recv);
	task_start(&t[1], task_send);
	task_blocked(&t[0], SYS_recvfrom);
	task_blocked(&t[1], SYS_sendto);
	ASSERT_EQ(0, RET(connect(pair[CLIENT], &un, sizeof(un))));
	EXPECT_EQ(-EPIPE, task_join(&t[0]));
	EXPECT_EQ(-ECONNRESET, task_join(&t[1]));
}

/* What poll() calls writable takes at least a byte. */
TEST_F_TIMEOUT(wait, writable_means_room, SLOW_TEST)
{
	int pair[2], i;
	size_t n, more = 0;
	ssize_t some;

	env_pair(&self->e, pair);
	set_int(pair[CLIENT], SOL_SOCKET, SO_SNDBUF, 32768);
	n = fill(pair[CLIENT]);
	for (i = 0; i < 5; i++) {
		drain(pair[SERVER], n / 5);
		if (!(revents(pair[CLIENT]) & POLLOUT))
			continue;
		some = send(pair[CLIENT], "x", 1, MSG_DONTWAIT);
		EXPECT_EQ(1, some);
		more += some > 0;
	}
	drain(pair[SERVER], n % 5 + more);
	EXPECT_EQ(POLLOUT, become(pair[CLIENT], POLLOUT));
}

TEST_F(wait, interrupted_read)
{
	char buf[8];
	struct task t = { .buf = buf, .len = 8 };
	int pair[2];

	catch_signal(SIGUSR1);
	env_pair(&self->e, pair);
	t.fd = pair[SERVER];
	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&t));
}

TEST_F(wait, rcvlowat)
{
	char buf[16] = "";
	struct task t = { .buf = buf, .len = 16 };
	int pair[2];

	env_pair(&self->e, pair);
	set_int(pair[SERVER], SOL_SOCKET, SO_RCVLOWAT, 4);
	EXPECT_EQ(4, get_int(pair[SERVER], SOL_SOCKET, SO_RCVLOWAT));
	send_all(pair[CLIENT], "abc", 3);
	ASSERT_EQ(3, queue_becomes(pair[SERVER], FIONREAD, 3));
	EXPECT_EQ(POLLOUT, revents(pair[SERVER]));
	send_all(pair[CLIENT], "d", 1);
	EXPECT_EQ(POLLIN | POLLOUT, become(pair[SERVER], POLLIN | POLLOUT));
	recv_all(pair[SERVER], buf, 4);
	/* a reader must be there first: TCP never wakes one that has taken less
	 * than the mark and waits for the rest, so that order is nobody's to use */
	t.fd = pair[SERVER];
	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	send_all(pair[CLIENT], "abc", 3);
	task_blocked(&t, SYS_recvfrom);
	send_all(pair[CLIENT], "d", 1);
	EXPECT_EQ(4, task_join(&t));
	/* the end of the stream is readable whatever the mark */
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	EXPECT_NE(0, wait_events(pair[SERVER], POLLIN) & POLLIN);
	EXPECT_EQ(0, RET(recv(pair[SERVER], buf, 16, 0)));
}

TEST_F_TIMEOUT(wait, queue_ioctls, SLOW_TEST)
{
	int pair[2], in = -1, out = -1, unsent = -1, again;
	size_t n;

	env_pair(&self->e, pair);
	send_all(pair[CLIENT], "abcdef", 6);
	EXPECT_EQ(6, queue_becomes(pair[SERVER], SIOCINQ, 6));
	EXPECT_EQ(0, queue_becomes(pair[CLIENT], SIOCOUTQ, 0));
	EXPECT_EQ(0, queue_becomes(pair[CLIENT], SIOCOUTQNSD, 0));
	recv_all(pair[SERVER], (char[2]){ 0 }, 2);
	EXPECT_EQ(4, queue_becomes(pair[SERVER], SIOCINQ, 4));
	n = fill(pair[CLIENT]);
	/* every byte is in one of the two queues, and what cannot be sent for want
	 * of the peer's credit is in the third count; once more if some moved while
	 * we looked */
	do {
		ASSERT_EQ(0, ioctl(pair[SERVER], SIOCINQ, &in));
		ASSERT_EQ(0, ioctl(pair[CLIENT], SIOCOUTQNSD, &unsent));
		ASSERT_EQ(0, ioctl(pair[CLIENT], SIOCOUTQ, &out));
		ASSERT_EQ(0, ioctl(pair[SERVER], SIOCINQ, &again));
	} while (again != in);
	EXPECT_EQ(n + 4, in + out);
	EXPECT_LT(0, unsent);
	EXPECT_LE(unsent, out);
	drain(pair[SERVER], n + 4);
	EXPECT_EQ(0, queue_becomes(pair[SERVER], SIOCINQ, 0));
	EXPECT_EQ(0, queue_becomes(pair[CLIENT], SIOCOUTQ, 0));
	EXPECT_EQ(-EFAULT, RET(ioctl(pair[SERVER], SIOCINQ, NULL)));
}

TEST_F(wait, queue_ioctls_of_a_listener)
{
	union sa at;
	int lfd = env_listen(&self->e, 1, &at), q;

	EXPECT_EQ(-EINVAL, RET(ioctl(lfd, SIOCINQ, &q)));
	EXPECT_EQ(-EINVAL, RET(ioctl(lfd, SIOCOUTQ, &q)));
}

TEST_HARNESS_MAIN
