// SPDX-License-Identifier: GPL-2.0
/*
 * Who is told, how often, and of what: epoll's edges, EPOLLEXCLUSIVE and SIGIO in
 * every state of a connection.  A lost wake-up is a program that hangs, one too
 * many is work for nothing; sock_poll.c has the events themselves.
 */
#include "kselftest_harness.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "lib.h"

DIFFERENTIAL(notify, ON_FOUR_PATHS);

#define IN	EPOLLIN
#define OUT	EPOLLOUT
#define ERR	EPOLLERR
#define HUP	EPOLLHUP
#define RDHUP	EPOLLRDHUP

/* ------------------------------------------------------------------ edges */

static int watch(int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };
	int ep = epoll_create1(0);

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		fatal("epoll");
	return ep;
}

/* All an edge-triggered program can ask for. */
static int edges_of(int fd)
{
	return watch(fd, EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET);
}

static uint32_t next(int ep, int ms)
{
	struct epoll_event got;
	int n = epoll_wait(ep, &got, 1, ms);

	if (n < 0)
		fatal("epoll_wait");
	return n ? got.events : 0;
}

/* The next edge, which must come; the same once more at most, as at TCP's FIN. */
static uint32_t edge(int ep)
{
	uint32_t e = next(ep, PATIENCE), again = next(ep, 0);

	if (again && again != e)
		return e | again << 16;
	return next(ep, 0) ? UINT32_MAX : e;
}

/* What was sent has arrived, and the sender knows. */
static void settled(const int pair[2], int in)
{
	if (queue_becomes(pair[SERVER], FIONREAD, in) != in ||
	    queue_becomes(pair[CLIENT], SIOCOUTQ, 0))
		fatal("the bytes did not arrive");
}

/* TCP_INFO's state; waits until it is want. */
static void state_becomes(int fd, int want)
{
	int64_t end = now_ms() + PATIENCE;
	struct tcp_info info;
	socklen_t len;

	do {
		len = sizeof(info);
		if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) || now_ms() > end)
			fatal("state %d, not %d", info.tcpi_state, want);
		breathe();
	} while (info.tcpi_state != want);
}

TEST_F(notify, edges_of_data)
{
	static char buf[20000];
	int pair[2], c, s, i;

	env_pair(&self->e, pair);
	c = edges_of(pair[CLIENT]);
	s = edges_of(pair[SERVER]);
	EXPECT_EQ(OUT, edge(c));
	EXPECT_EQ(OUT, edge(s));
	/* one edge for each arrival, read or not; acknowledgements are none */
	for (i = 1; i < 4; i++) {
		send_all(pair[CLIENT], "x", 1);
		EXPECT_EQ(IN | OUT, next(s, PATIENCE));
		settled(pair, i);
		EXPECT_EQ(0, next(s, 0));
		EXPECT_EQ(0, next(c, 0));
	}
	drain(pair[SERVER], 3);
	send_all(pair[CLIENT], buf, sizeof(buf));
	settled(pair, sizeof(buf));
	EXPECT_EQ(IN | OUT, next(s, PATIENCE));
	EXPECT_EQ(0, next(s, 0));
	drain(pair[SERVER], sizeof(buf));
	EXPECT_EQ(0, next(s, 0));
	EXPECT_EQ(0, next(c, 0));
	/* below SO_RCVLOWAT nothing has happened */
	set_int(pair[SERVER], SOL_SOCKET, SO_RCVLOWAT, 4);
	next(s, 0);
	send_all(pair[CLIENT], "abc", 3);
	settled(pair, 3);
	EXPECT_EQ(0, next(s, 0));
	send_all(pair[CLIENT], "d", 1);
	EXPECT_EQ(IN | OUT, next(s, PATIENCE));
	/* the mark lowered to what is there */
	set_int(pair[SERVER], SOL_SOCKET, SO_RCVLOWAT, 8);
	EXPECT_EQ(0, next(s, 0));
	set_int(pair[SERVER], SOL_SOCKET, SO_RCVLOWAT, 2);
	EXPECT_EQ(IN | OUT, next(s, PATIENCE));
}

TEST_F(notify, edges_of_ends)
{
	int pair[2], c, s;
	char b;

	env_pair(&self->e, pair);
	c = edges_of(pair[CLIENT]);
	s = edges_of(pair[SERVER]);
	EXPECT_EQ(OUT, edge(c));
	EXPECT_EQ(OUT, edge(s));
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	EXPECT_EQ(OUT, next(c, PATIENCE));
	EXPECT_EQ(IN | OUT | RDHUP, edge(s));
	state_becomes(pair[CLIENT], 5 /* FIN_WAIT2 */);
	next(c, 0);		/* that the FIN was acknowledged is told to nobody's use */
	EXPECT_EQ(0, RET(recv(pair[SERVER], &b, 1, 0)));
	EXPECT_EQ(0, next(s, 0));
	send_all(pair[SERVER], "x", 1);
	EXPECT_EQ(IN | OUT, edge(c));
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_WR));
	EXPECT_EQ(IN | OUT | RDHUP | HUP, edge(c));
	EXPECT_EQ(IN | OUT | RDHUP | HUP, edge(s));
	recv_all(pair[CLIENT], &b, 1);
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &b, 1, 0)));
	EXPECT_EQ(0, next(c, 0));

	env_pair(&self->e, pair);
	c = edges_of(pair[CLIENT]);
	EXPECT_EQ(OUT, edge(c));
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_RD));
	EXPECT_EQ(IN | OUT | RDHUP, edge(c));
	reset_close(pair[SERVER]);
	EXPECT_EQ(IN | OUT | RDHUP | ERR | HUP, edge(c));
	EXPECT_EQ(ECONNRESET, so_error(pair[CLIENT]));
	EXPECT_EQ(0, next(c, 0));
}

TEST_F(notify, edges_of_connect_and_accept)
{
	struct env *e = &self->e;
	int fd = env_socket(e, CLIENT, SOCK_NONBLOCK), lfd, c, l, i;
	union sa at;

	lfd = env_listen(e, 8, &at);
	c = edges_of(fd);
	l = edges_of(lfd);
	EXPECT_EQ(OUT | HUP, edge(c));
	EXPECT_EQ(0, next(l, 0));
	ASSERT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_EQ(OUT, edge(c));
	EXPECT_EQ(IN, edge(l));
	/* more of them, with the first not taken yet; taking them is no edge */
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, do_connect(env_socket(e, CLIENT, 0), at));
		EXPECT_EQ(IN, edge(l));
	}
	for (i = 0; i < 4; i++) {
		ASSERT_LE(0, accept(lfd, NULL, NULL));
		EXPECT_EQ(0, next(l, 0));
	}
	ASSERT_EQ(0, do_connect(env_socket(e, CLIENT, 0), at));
	EXPECT_EQ(IN, edge(l));
	ASSERT_EQ(0, shutdown(lfd, SHUT_RD));
	EXPECT_EQ(OUT | HUP, edge(l));
	/* refused */
	fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
	c = edges_of(fd);
	EXPECT_EQ(OUT | HUP, edge(c));
	ASSERT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_EQ(IN | OUT | RDHUP | ERR | HUP, edge(c));
	EXPECT_EQ(ECONNREFUSED, so_error(fd));
	EXPECT_EQ(0, next(c, 0));
	/* a connection dissolved by its own program */
	fd = env_socket(e, CLIENT, 0);
	lfd = env_listen(e, 8, &at);
	ASSERT_EQ(0, do_connect(fd, at));
	c = edges_of(fd);
	EXPECT_EQ(OUT, edge(c));
	ASSERT_EQ(0, connect(fd, &(struct sockaddr){ AF_UNSPEC }, sizeof(struct sockaddr)));
	EXPECT_EQ(OUT | ERR | HUP, edge(c));
	EXPECT_EQ(ECONNRESET, so_error(fd));
}

static void *drain_all(void *arg)
{
	static char buf[65536];
	int fd = *(int *)arg;

	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
	return NULL;
}

/* A writer is woken to a third of its buffer, not for every packet that goes. */
TEST_F_TIMEOUT(notify, edges_of_room, SLOW_TEST)
{
	enum { TOTAL = 3000000, SNDBUF = 131072 };
	static char buf[65536];
	int pair[2], c, edges = 0;
	size_t sent = 0;
	pthread_t t;

	env_pair(&self->e, pair);
	set_int(pair[CLIENT], SOL_SOCKET, SO_SNDBUF, SNDBUF / 2);
	set_nonblock(pair[CLIENT], true);
	c = edges_of(pair[CLIENT]);
	EXPECT_EQ(OUT, edge(c));
	ASSERT_EQ(0, pthread_create(&t, NULL, drain_all, &pair[SERVER]));
	while (sent < TOTAL) {
		ssize_t n = send(pair[CLIENT], buf, sizeof(buf), 0);

		if (n > 0) {
			sent += n;
			continue;
		}
		ASSERT_EQ(EAGAIN, errno);
		ASSERT_EQ(OUT, next(c, PATIENCE));
		edges++;
	}
	/* 46 by the rule; what is counted beside the bytes makes them a few more */
	EXPECT_LT(0, edges);
	EXPECT_GT(TOTAL / (SNDBUF / 3) * 4, edges);
	ASSERT_EQ(0, queue_becomes(pair[CLIENT], SIOCOUTQ, 0));
	next(c, 0);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	pthread_join(t, NULL);
}

/* Each of TCP's level-triggered events stays until its cause is gone; one shot. */
TEST_F(notify, levels_and_one_shot)
{
	struct epoll_event once = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT };
	int pair[2], l, o;
	char b;

	env_pair(&self->e, pair);
	l = watch(pair[CLIENT], EPOLLIN | EPOLLRDHUP);
	o = watch(pair[CLIENT], once.events);
	send_all(pair[SERVER], "x", 1);
	EXPECT_EQ(IN, next(l, PATIENCE));
	EXPECT_EQ(IN, next(l, 0));
	EXPECT_EQ(IN, next(o, 0));
	recv_all(pair[CLIENT], &b, 1);
	EXPECT_EQ(0, next(l, 0));
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_WR));
	EXPECT_EQ(IN | RDHUP, next(l, PATIENCE));
	EXPECT_EQ(IN | RDHUP, next(l, 0));
	EXPECT_EQ(0, next(o, 0));
	ASSERT_EQ(0, epoll_ctl(o, EPOLL_CTL_MOD, pair[CLIENT], &once));
	EXPECT_EQ(IN | RDHUP, next(o, 0));
	EXPECT_EQ(0, next(o, 0));
	reset_close(pair[SERVER]);
	EXPECT_EQ(0, next(o, 0));
}

/* ------------------------------------------------------------- exclusively */

enum { WAITERS = 4 };

static long task_epoll(struct task *t)
{
	struct epoll_event ev;
	long n = epoll_wait(t->fd, &ev, 1, -1);

	return n < 0 ? n : ev.events;
}

static int done(struct task *t)
{
	int n = 0, i;

	for (i = 0; i < WAITERS; i++)
		n += task_done(&t[i]);
	return n;
}

/* How many wake for one event: those that are not done sleep on. */
static int woken(struct task *t, int before)
{
	int64_t end = now_ms() + PATIENCE;
	int i;

	while (done(t) == before && now_ms() < end)
		breathe();
	for (i = 0; i < WAITERS; i++)
		if (!task_done(&t[i]))
			task_blocked(&t[i], SYS_epoll_wait);
	return done(t) - before;
}

TEST_F(notify, exclusive)
{
	struct env *e = &self->e;
	struct task t[WAITERS] = { };
	int pair[2], lfd, i;
	union sa at;

	lfd = env_listen(e, 8, &at);
	for (i = 0; i < WAITERS; i++) {
		t[i].fd = watch(lfd, EPOLLIN | EPOLLEXCLUSIVE);
		task_start(&t[i], task_epoll);
		task_blocked(&t[i], SYS_epoll_wait);
	}
	/* each connection wakes one */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, do_connect(env_socket(e, CLIENT, 0), at));
		EXPECT_EQ(1, woken(t, i));
	}
	/* what concerns all wakes all */
	ASSERT_EQ(0, shutdown(lfd, SHUT_RD));
	for (i = 0; i < WAITERS; i++)
		EXPECT_LT(0, task_join(&t[i]));

	env_pair(e, pair);
	for (i = 0; i < WAITERS; i++) {
		t[i].fd = watch(pair[SERVER], EPOLLIN | EPOLLEXCLUSIVE);
		task_start(&t[i], task_epoll);
		task_blocked(&t[i], SYS_epoll_wait);
	}
	send_all(pair[CLIENT], "x", 1);
	EXPECT_EQ(1, woken(t, 0));
	reset_close(pair[CLIENT]);
	for (i = 0; i < WAITERS; i++)
		EXPECT_EQ(IN, task_join(&t[i]) & IN);
}

/* ------------------------------------------------------------------- SIGIO */

/* Bits of a mask of si_codes: what F_SETSIG's signals told. */
#define SIG_IN	(1 << POLL_IN)
#define SIG_OUT	(1 << POLL_OUT)
#define SIG_FAIL	(1 << POLL_ERR)
#define SIG_HUP	(1 << POLL_HUP)

static void async(int fd)
{
	if (fcntl(fd, F_SETOWN, getpid()) || fcntl(fd, F_SETSIG, SIGRTMIN) ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC))
		fatal("O_ASYNC");
}

static sigset_t rtmin(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGRTMIN);
	return s;
}

/* What fd was told, a mask; waits until want is among it.  Others' are dropped. */
static int told(int fd, int want)
{
	struct timespec zero = { }, long_time = { PATIENCE / 1000, 0 };
	sigset_t s = rtmin();
	siginfo_t si;
	int mask = 0;

	while (sigtimedwait(&s, &si, (mask & want) == want ? &zero : &long_time) > 0)
		if (si.si_fd == fd)
			mask |= 1 << si.si_code;
	return mask;
}

TEST_F_TIMEOUT(notify, sigio, SLOW_TEST)
{
	struct env *e = &self->e;
	sigset_t s = rtmin();
	int pair[2], lfd, fd;
	union sa at;
	size_t n;

	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &s, NULL));
	lfd = env_listen(e, 8, &at);
	fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
	async(lfd);
	async(fd);
	ASSERT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_EQ(SIG_OUT, told(fd, SIG_OUT));
	ASSERT_EQ(0, do_connect(env_socket(e, CLIENT, 0), at));
	EXPECT_EQ(SIG_IN, told(lfd, SIG_IN));
	ASSERT_EQ(0, shutdown(lfd, SHUT_RD));
	EXPECT_EQ(SIG_FAIL, told(lfd, SIG_FAIL));
	close(fd);

	env_pair(e, pair);
	async(pair[CLIENT]);
	async(pair[SERVER]);
	send_all(pair[CLIENT], "x", 1);
	EXPECT_EQ(SIG_IN, told(pair[SERVER], SIG_IN));
	settled(pair, 1);
	EXPECT_EQ(0, told(pair[CLIENT], 0));
	n = fill(pair[CLIENT]);
	told(pair[CLIENT], 0);
	drain(pair[SERVER], n + 1);
	EXPECT_EQ(SIG_OUT, told(pair[CLIENT], SIG_OUT));
	/* half of the end, and the other half */
	settled(pair, 0);
	told(pair[SERVER], 0);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	EXPECT_EQ(SIG_IN, told(pair[SERVER], SIG_IN));
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_WR));
	EXPECT_EQ(SIG_IN | SIG_HUP, told(pair[CLIENT], SIG_IN | SIG_HUP));

	env_pair(e, pair);
	async(pair[CLIENT]);
	reset_close(pair[SERVER]);
	EXPECT_EQ(SIG_FAIL, told(pair[CLIENT], SIG_FAIL));

	/* without F_SETSIG it is SIGIO, and without O_ASYNC nothing */
	env_pair(e, pair);
	async(pair[CLIENT]);
	ASSERT_EQ(0, fcntl(pair[CLIENT], F_SETSIG, 0));
	catch_signal(SIGIO);
	send_all(pair[SERVER], "x", 1);
	ASSERT_EQ(1, queue_becomes(pair[CLIENT], FIONREAD, 1));
	EXPECT_EQ(1, caught());
	ASSERT_EQ(0, ioctl(pair[CLIENT], FIOASYNC, &(int){ 0 }));
	send_all(pair[SERVER], "x", 1);
	ASSERT_EQ(2, queue_becomes(pair[CLIENT], FIONREAD, 2));
	EXPECT_EQ(1, caught());
}

TEST_HARNESS_MAIN
