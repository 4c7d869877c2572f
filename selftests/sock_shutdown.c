// SPDX-License-Identifier: GPL-2.0
/*
 * How connections end: half-close in every order, close with and without unread
 * data, resets and what each call says after one, SO_LINGER, and the ports that
 * come back.
 */
#include "kselftest_harness.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "lib.h"

DIFFERENTIAL(end, OVER_BOTH);

static int state(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		fatal("TCP_INFO");
	return info.tcpi_state;
}

static int state_becomes(int fd, int want)
{
	int64_t end = now_ms() + PATIENCE;

	while (state(fd) != want && now_ms() < end)
		breathe();
	return state(fd);
}

TEST_F(end, half_close_is_real)
{
	int pair[2], i;
	char c;

	env_pair(&self->e, pair);
	send_all(pair[CLIENT], "q", 1);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	EXPECT_EQ(-EPIPE, RET(send(pair[CLIENT], "x", 1, MSG_NOSIGNAL)));
	recv_all(pair[SERVER], &c, 1);
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
	/* the other direction works as long as it likes */
	for (i = 0; i < 20; i++) {
		send_all(pair[SERVER], "a", 1);
		recv_all(pair[CLIENT], &c, 1);
	}
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_WR));
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
	EXPECT_EQ(0, so_error(pair[CLIENT]));
	EXPECT_EQ(0, so_error(pair[SERVER]));
}

TEST_F(end, states)
{
	int pair[2];

	env_pair(&self->e, pair);
	EXPECT_EQ(TCP_ESTABLISHED, state(pair[CLIENT]));
	EXPECT_EQ(TCP_ESTABLISHED, state(pair[SERVER]));
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	EXPECT_EQ(TCP_FIN_WAIT2, state_becomes(pair[CLIENT], TCP_FIN_WAIT2));
	EXPECT_EQ(TCP_CLOSE_WAIT, state_becomes(pair[SERVER], TCP_CLOSE_WAIT));
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_WR));
	EXPECT_EQ(TCP_CLOSE, state_becomes(pair[SERVER], TCP_CLOSE));
	EXPECT_EQ(TCP_CLOSE, state_becomes(pair[CLIENT], TCP_CLOSE));
}

TEST_F(end, both_at_once)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	send_all(pair[CLIENT], "a", 1);
	send_all(pair[SERVER], "b", 1);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_WR));
	recv_all(pair[CLIENT], &c, 1);
	EXPECT_EQ('b', c);
	recv_all(pair[SERVER], &c, 1);
	EXPECT_EQ('a', c);
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
}

TEST_F(end, shutdown_twice_and_unknown)
{
	int pair[2];

	env_pair(&self->e, pair);
	EXPECT_EQ(-EINVAL, RET(shutdown(pair[CLIENT], 3)));
	EXPECT_EQ(-EINVAL, RET(shutdown(pair[CLIENT], -1)));
	EXPECT_EQ(0, RET(shutdown(pair[CLIENT], SHUT_WR)));
	EXPECT_EQ(0, RET(shutdown(pair[CLIENT], SHUT_WR)));
	EXPECT_EQ(0, RET(shutdown(pair[SERVER], SHUT_RDWR)));
	/* both directions are shut and the connection is over */
	EXPECT_EQ(TCP_CLOSE, state_becomes(pair[SERVER], TCP_CLOSE));
	EXPECT_EQ(-ENOTCONN, RET(shutdown(pair[SERVER], SHUT_RDWR)));
}

/* SHUT_RD is local: reads end at once, but what comes is still taken in. */
TEST_F(end, shut_rd)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_RD));
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
	send_all(pair[CLIENT], "x", 1);
	ASSERT_EQ(1, queue_becomes(pair[SERVER], SIOCINQ, 1));
	EXPECT_EQ(1, RET(recv(pair[SERVER], &c, 1, 0)));
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
	send_all(pair[SERVER], "y", 1);
	recv_all(pair[CLIENT], &c, 1);
}

TEST_F(end, shut_rdwr)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	send_all(pair[CLIENT], "x", 1);
	ASSERT_EQ(1, queue_becomes(pair[SERVER], SIOCINQ, 1));
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_RDWR));
	EXPECT_EQ(-EPIPE, RET(send(pair[SERVER], "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(1, RET(recv(pair[SERVER], &c, 1, 0)));
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
}

TEST_F(end, data_before_fin_arrives)
{
	enum { N = 100000 };
	static uint8_t buf[N];
	int pair[2];

	env_pair(&self->e, pair);
	pattern_fill(3, 0, buf, N);
	send_all(pair[CLIENT], buf, N);
	close(pair[CLIENT]);
	memset(buf, 0, N);
	recv_all(pair[SERVER], buf, N);
	EXPECT_EQ(N, pattern_check(3, 0, buf, N));
	EXPECT_EQ(0, RET(recv(pair[SERVER], buf, 1, 0)));
	/* the peer is gone: the first write is answered by a reset */
	EXPECT_EQ(1, RET(send(pair[SERVER], "x", 1, MSG_NOSIGNAL)));
	EXPECT_NE(0, wait_events(pair[SERVER], POLLHUP) & POLLHUP);
	EXPECT_EQ(-EPIPE, RET(send(pair[SERVER], "x", 1, MSG_NOSIGNAL)));
}

TEST_F(end, close_with_unread_data_resets)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	send_all(pair[CLIENT], "unread", 6);
	ASSERT_EQ(6, queue_becomes(pair[SERVER], SIOCINQ, 6));
	close(pair[SERVER]);
	EXPECT_EQ(-ECONNRESET, RET(recv(pair[CLIENT], &c, 1, 0)));
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
	EXPECT_EQ(-EPIPE, RET(send(pair[CLIENT], "x", 1, MSG_NOSIGNAL)));
}

TEST_F(end, linger_zero_resets)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	reset_close(pair[SERVER]);
	EXPECT_EQ(-ECONNRESET, RET(recv(pair[CLIENT], &c, 1, 0)));
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
	EXPECT_EQ(0, so_error(pair[CLIENT]));
	EXPECT_EQ(TCP_CLOSE, state(pair[CLIENT]));
	EXPECT_EQ(-ENOTCONN, RET(shutdown(pair[CLIENT], SHUT_WR)));
	EXPECT_EQ(-ENOTCONN, RET(getpeername(pair[CLIENT], (void *)&(union sa){ },
					     &(socklen_t){ sizeof(union sa) })));
}

TEST_F(end, reset_is_told_to_the_first_who_asks)
{
	int pair[2];
	char c;

	/* SO_ERROR */
	env_pair(&self->e, pair);
	reset_close(pair[SERVER]);
	EXPECT_NE(0, wait_events(pair[CLIENT], POLLHUP) & POLLERR);
	EXPECT_EQ(ECONNRESET, so_error(pair[CLIENT]));
	EXPECT_EQ(0, so_error(pair[CLIENT]));
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
	/* send */
	env_pair(&self->e, pair);
	reset_close(pair[SERVER]);
	EXPECT_NE(0, wait_events(pair[CLIENT], POLLHUP) & POLLERR);
	EXPECT_EQ(-ECONNRESET, RET(send(pair[CLIENT], "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-EPIPE, RET(send(pair[CLIENT], "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
}

/* Unlike the end of the stream, a reset does not wait for data to be read: but
 * what had arrived may be read first. */
TEST_F(end, data_before_a_reset)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	send_all(pair[SERVER], "last", 4);
	ASSERT_EQ(4, queue_becomes(pair[CLIENT], SIOCINQ, 4));
	reset_close(pair[SERVER]);
	EXPECT_NE(0, wait_events(pair[CLIENT], POLLHUP) & POLLERR);
	EXPECT_EQ(1, RET(recv(pair[CLIENT], &c, 1, 0)));
	EXPECT_EQ('l', c);
	recv_all(pair[CLIENT], (char[3]){ 0 }, 3);
	EXPECT_EQ(-ECONNRESET, RET(recv(pair[CLIENT], &c, 1, 0)));
}

/* With both directions ended in order there is nothing left to reset. */
TEST_F(end, reset_after_fin_both_ways)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_WR));
	ASSERT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	ASSERT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
	ASSERT_EQ(TCP_CLOSE, state_becomes(pair[CLIENT], TCP_CLOSE));
	reset_close(pair[SERVER]);
	EXPECT_EQ(0, so_error(pair[CLIENT]));
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
}

/* A reset that meets a half-closed connection: the peer's word was its last, so
 * writing is what fails, with EPIPE. */
TEST_F(end, reset_in_close_wait)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_WR));
	ASSERT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
	reset_close(pair[SERVER]);
	EXPECT_NE(0, wait_events(pair[CLIENT], POLLHUP) & POLLERR);
	EXPECT_EQ(EPIPE, so_error(pair[CLIENT]));
}

TEST_F(end, blocked_calls_see_the_reset)
{
	char buf[4];
	struct task t = { .buf = buf, .len = sizeof(buf) };
	int pair[2];

	env_pair(&self->e, pair);
	t.fd = pair[CLIENT];
	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	reset_close(pair[SERVER]);
	EXPECT_EQ(-ECONNRESET, task_join(&t));
}

TEST_F_TIMEOUT(end, blocked_send_sees_the_reset, SLOW_TEST)
{
	static char buf[1 << 20];
	struct task t = { .buf = buf, .len = sizeof(buf), .flags = MSG_NOSIGNAL };
	int pair[2];

	env_pair(&self->e, pair);
	t.fd = pair[CLIENT];
	fill(t.fd);
	task_start(&t, task_send);
	task_blocked(&t, SYS_sendto);
	reset_close(pair[SERVER]);
	EXPECT_EQ(-ECONNRESET, task_join(&t));
}

/* Closing with data in flight returns at once and delivers in the background. */
TEST_F_TIMEOUT(end, orphan_delivers, SLOW_TEST)
{
	int pair[2];
	size_t n;
	char c;

	env_pair(&self->e, pair);
	n = fill(pair[CLIENT]);
	close(pair[CLIENT]);
	drain(pair[SERVER], n);
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
}

/* SO_LINGER n: close() waits for the peer to have it all, at most n seconds. */
TEST_F_TIMEOUT(end, linger_waits, SLOW_TEST)
{
	struct linger two = { 1, 2 };
	int pair[2];
	size_t n;
	int64_t start;

	env_pair(&self->e, pair);
	ASSERT_EQ(0, setsockopt(pair[CLIENT], SOL_SOCKET, SO_LINGER, &two, sizeof(two)));
	n = fill(pair[CLIENT]);
	start = now_ms();
	close(pair[CLIENT]);
	EXPECT_LE(1900, now_ms() - start);
	drain(pair[SERVER], n);
	/* with nothing in flight there is nothing to wait for but the peer's ack */
	env_pair(&self->e, pair);
	two.l_linger = 3600;
	ASSERT_EQ(0, setsockopt(pair[CLIENT], SOL_SOCKET, SO_LINGER, &two, sizeof(two)));
	send_all(pair[CLIENT], "x", 1);
	close(pair[CLIENT]);
}

TEST_F(end, linger_on_an_unconnected_socket)
{
	struct linger lin = { 1, 3600 };
	int fd = env_socket(&self->e, CLIENT, 0);

	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_LINGER, &lin, sizeof(lin)));
	EXPECT_EQ(0, close(fd));
}

static void linger(int fd, int seconds)
{
	struct linger lin = { 1, seconds };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &lin, sizeof(lin)))
		fatal("SO_LINGER");
}

/* A linger that has nothing to wait for returns at once. */
TEST_F(end, linger_with_nothing_to_do)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	linger(pair[CLIENT], 3600);
	linger(pair[SERVER], 3600);
	send_all(pair[CLIENT], "x", 1);
	recv_all(pair[SERVER], &c, 1);
	close(pair[CLIENT]);
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
	close(pair[SERVER]);
	/* nor one whose connection is gone */
	env_pair(&self->e, pair);
	linger(pair[CLIENT], 3600);
	reset_close(pair[SERVER]);
	ASSERT_NE(0, wait_events(pair[CLIENT], POLLHUP) & POLLHUP);
	EXPECT_EQ(0, close(pair[CLIENT]));
}

static long task_close(struct task *t)
{
	return close(t->fd);
}

/* It ends as soon as the peer has everything; O_NONBLOCK does not shorten it. */
TEST_F_TIMEOUT(end, linger_until_read, SLOW_TEST)
{
	struct task t = { };
	int pair[2];
	size_t n;
	char c;

	env_pair(&self->e, pair);
	t.fd = pair[CLIENT];
	n = fill(t.fd);
	linger(t.fd, 3600);
	set_nonblock(t.fd, true);
	task_start(&t, task_close);
	task_blocked(&t, SYS_close);
	drain(pair[SERVER], n);
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
	EXPECT_EQ(0, task_join(&t));
}

/* A signal ends the wait, but nothing else: the rest goes in the background. */
TEST_F_TIMEOUT(end, linger_interrupted, SLOW_TEST)
{
	struct task t = { };
	int pair[2];
	size_t n;
	char c;

	catch_signal(SIGUSR1);
	env_pair(&self->e, pair);
	t.fd = pair[CLIENT];
	n = fill(t.fd);
	linger(t.fd, 3600);
	task_start(&t, task_close);
	task_blocked(&t, SYS_close);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(0, task_join(&t));
	drain(pair[SERVER], n);
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
}

/* SO_LINGER says how close() ends it, not shutdown(); and not exit() either. */
TEST_F_TIMEOUT(end, linger_is_for_close, SLOW_TEST)
{
	int pair[2], status;
	pid_t child;
	size_t n;
	char c;

	env_pair(&self->e, pair);
	n = fill(pair[CLIENT]);
	linger(pair[CLIENT], 3600);
	EXPECT_EQ(0, RET(shutdown(pair[CLIENT], SHUT_WR)));
	child = fork();
	ASSERT_LE(0, child);
	if (child == 0) {
		close(pair[SERVER]);
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	drain(pair[SERVER], n);
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
	linger(pair[SERVER], 0);
	EXPECT_EQ(0, RET(shutdown(pair[SERVER], SHUT_WR)));
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
	EXPECT_EQ(0, so_error(pair[CLIENT]));
}

/* A process that ends with SO_LINGER set does not wait for its connections. */
TEST_F_TIMEOUT(end, exit_does_not_linger, SLOW_TEST)
{
	int pair[2], up[2], status;
	pid_t child;
	size_t n = 0;
	char c;

	env_pair(&self->e, pair);
	ASSERT_EQ(0, pipe(up));
	child = fork();
	ASSERT_LE(0, child);
	if (child == 0) {
		close(pair[SERVER]);
		n = fill(pair[CLIENT]);
		linger(pair[CLIENT], 3600);
		_exit(write(up[1], &n, sizeof(n)) != sizeof(n));
	}
	close(pair[CLIENT]);
	ASSERT_EQ((ssize_t)sizeof(n), read(up[0], &n, sizeof(n)));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	drain(pair[SERVER], n);
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
}

/* A reset throws away what was not sent yet. */
TEST_F_TIMEOUT(end, reset_discards, SLOW_TEST)
{
	int pair[2];
	size_t n, got = 0;
	char buf[4096];
	ssize_t r;

	env_pair(&self->e, pair);
	n = fill(pair[CLIENT]);
	reset_close(pair[CLIENT]);
	ASSERT_NE(0, wait_events(pair[SERVER], POLLHUP) & POLLERR);
	while ((r = recv(pair[SERVER], buf, sizeof(buf), 0)) > 0)
		got += r;
	EXPECT_EQ(-ECONNRESET, RET(r));
	EXPECT_LT(0, got);
	EXPECT_GT(n, got);
}

/* An end that was seen but not read is nothing unread: close() is in order. */
TEST_F(end, close_after_an_unread_end)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_WR));
	ASSERT_NE(0, wait_events(pair[CLIENT], POLLRDHUP));
	close(pair[CLIENT]);
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
	EXPECT_EQ(0, so_error(pair[SERVER]));
}

/* Bytes that were looked at but not taken are unread. */
TEST_F(end, close_after_a_peek)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	send_all(pair[CLIENT], "x", 1);
	EXPECT_EQ(1, RET(recv(pair[SERVER], &c, 1, MSG_PEEK)));
	close(pair[SERVER]);
	EXPECT_EQ(-ECONNRESET, RET(recv(pair[CLIENT], &c, 1, 0)));
}

/* A closed socket that waits for its peer's end does not wait for ever. */
TEST_F_TIMEOUT(end, orphan_gives_up, SLOW_TEST)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	set_int(pair[CLIENT], IPPROTO_TCP, TCP_LINGER2, 1);
	close(pair[CLIENT]);
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
	EXPECT_EQ(TCP_CLOSE_WAIT, state(pair[SERVER]));
	/* until then it takes no word from it, and afterwards neither */
	EXPECT_EQ(1, RET(send(pair[SERVER], "x", 1, MSG_NOSIGNAL)));
	EXPECT_NE(0, wait_events(pair[SERVER], POLLHUP) & POLLHUP);
	EXPECT_EQ(EPIPE, so_error(pair[SERVER]));
}

/* Only the last descriptor ends the connection. */
TEST_F(end, dup_keeps_it)
{
	int pair[2], twin;
	char c;

	env_pair(&self->e, pair);
	twin = dup(pair[CLIENT]);
	close(pair[CLIENT]);
	send_all(twin, "x", 1);
	recv_all(pair[SERVER], &c, 1);
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], &c, 1, MSG_DONTWAIT)));
	close(twin);
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
}

TEST_F(end, sigpipe)
{
	int pair[2];

	env_pair(&self->e, pair);
	catch_signal(SIGPIPE);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	EXPECT_EQ(-EPIPE, RET(write(pair[CLIENT], "x", 1)));
	EXPECT_EQ(1, caught());
	EXPECT_EQ(-EPIPE, RET(send(pair[CLIENT], "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(1, caught());
}

/* The side that closes first holds no port hostage: a promise of Rill's that TCP
 * does not make (TIME_WAIT), so TCP only shows the trouble. */
TEST_F(end, port_comes_back)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711);
	int lfd = env_socket(e, SERVER, 0), cfd = env_socket(e, CLIENT, 0), afd, fd;
	char c;

	ASSERT_EQ(0, do_bind(lfd, at));
	ASSERT_EQ(0, listen(lfd, 1));
	ASSERT_EQ(0, RET(do_connect(cfd, at)));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	close(lfd);
	close(afd);		/* first, so TIME_WAIT would be here */
	EXPECT_EQ(0, RET(recv(cfd, &c, 1, 0)));
	EXPECT_EQ(TCP_CLOSE_WAIT, state(cfd));
	close(cfd);
	/* until the last acknowledgement is in, the server still has it */
	fd = env_socket(e, SERVER, 0);
	if (!differs(e, 2)) {
		EXPECT_EQ(-EADDRINUSE, RET(do_bind(fd, at)));
		return;
	}
	int64_t end = now_ms() + PATIENCE;
	long r;

	while ((r = RET(do_bind(fd, at))) == -EADDRINUSE && now_ms() < end)
		breathe();
	EXPECT_EQ(0, r);
	EXPECT_EQ(0, RET(listen(fd, 1)));
}

TEST_HARNESS_MAIN
