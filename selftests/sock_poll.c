// SPDX-License-Identifier: GPL-2.0
/*
 * poll(), select() and epoll: the exact bits in every state of a connection, and
 * wake-ups: that each edge comes once, and that none is missed.
 */
#include "kselftest_harness.h"

#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>

#include "lib.h"

#define END	(POLLIN | POLLRDHUP)		/* the peer will send no more */
#define OVER	(END | POLLHUP)			/* nor will we */

DIFFERENTIAL(poll, OVER_BOTH);

TEST_F(poll, fresh)
{
	int fd = env_socket(&self->e, CLIENT, 0);

	EXPECT_EQ(POLLOUT | POLLHUP, revents(fd));
}

TEST_F(poll, listening)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 4, &at), cfd = env_socket(e, CLIENT, 0);

	EXPECT_EQ(0, revents(lfd));
	ASSERT_EQ(0, do_connect(cfd, at));
	EXPECT_EQ(POLLIN, become(lfd, POLLIN));
	ASSERT_LE(0, accept(lfd, NULL, NULL));
	EXPECT_EQ(0, revents(lfd));
	ASSERT_EQ(0, shutdown(lfd, SHUT_RD));
	EXPECT_EQ(POLLOUT | POLLHUP, revents(lfd));
}

TEST_F(poll, established)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	EXPECT_EQ(POLLOUT, revents(pair[CLIENT]));
	EXPECT_EQ(POLLOUT, revents(pair[SERVER]));
	send_all(pair[CLIENT], "x", 1);
	EXPECT_EQ(POLLIN | POLLOUT, become(pair[SERVER], POLLIN | POLLOUT));
	recv_all(pair[SERVER], &c, 1);
	EXPECT_EQ(POLLOUT, revents(pair[SERVER]));
}

TEST_F(poll, connecting_and_refused)
{
	struct env *e = &self->e;
	union sa at;
	int fd = env_socket(e, CLIENT, SOCK_NONBLOCK);

	close(env_listen(e, 1, &at));
	ASSERT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_EQ(POLLOUT | POLLERR | OVER, become(fd, POLLOUT | POLLERR | OVER));
	EXPECT_EQ(ECONNREFUSED, so_error(fd));
	EXPECT_EQ(POLLOUT | OVER, revents(fd));
}

TEST_F(poll, peer_shuts_down_first)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_WR));
	EXPECT_EQ(POLLOUT | END, become(pair[CLIENT], POLLOUT | END));
	EXPECT_EQ(POLLOUT, revents(pair[SERVER]));
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
	EXPECT_EQ(POLLOUT | END, revents(pair[CLIENT]));
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	EXPECT_EQ(POLLOUT | OVER, revents(pair[CLIENT]));
	EXPECT_EQ(POLLOUT | OVER, become(pair[SERVER], POLLOUT | OVER));
	EXPECT_EQ(POLLOUT | OVER, revents(pair[CLIENT]));
}

TEST_F(poll, data_and_end)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	send_all(pair[SERVER], "x", 1);
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_WR));
	EXPECT_EQ(POLLOUT | END, become(pair[CLIENT], POLLOUT | END));
	recv_all(pair[CLIENT], &c, 1);
	EXPECT_EQ(POLLOUT | END, revents(pair[CLIENT]));
}

TEST_F(poll, own_shut_rd)
{
	int pair[2];

	env_pair(&self->e, pair);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_RD));
	EXPECT_EQ(POLLOUT | END, revents(pair[CLIENT]));
	EXPECT_EQ(POLLOUT, revents(pair[SERVER]));
}

TEST_F(poll, own_shut_wr)
{
	int pair[2];

	env_pair(&self->e, pair);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	/* writable, because a write would not block: it fails */
	EXPECT_EQ(POLLOUT, revents(pair[CLIENT]));
}

TEST_F(poll, own_shut_rdwr)
{
	int pair[2];

	env_pair(&self->e, pair);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_RDWR));
	EXPECT_EQ(POLLOUT | OVER, revents(pair[CLIENT]));
	EXPECT_EQ(POLLOUT | END, become(pair[SERVER], POLLOUT | END));
}

TEST_F(poll, reset)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	reset_close(pair[SERVER]);
	EXPECT_EQ(POLLOUT | POLLERR | OVER, become(pair[CLIENT], POLLOUT | POLLERR | OVER));
	EXPECT_EQ(-ECONNRESET, RET(recv(pair[CLIENT], &c, 1, 0)));
	EXPECT_EQ(POLLOUT | OVER, revents(pair[CLIENT]));
}

TEST_F(poll, peer_closed)
{
	int pair[2];

	env_pair(&self->e, pair);
	close(pair[SERVER]);
	EXPECT_EQ(POLLOUT | END, become(pair[CLIENT], POLLOUT | END));
}

TEST_F_TIMEOUT(poll, full, SLOW_TEST)
{
	int pair[2];
	size_t n;

	env_pair(&self->e, pair);
	n = fill(pair[CLIENT]);
	EXPECT_EQ(0, revents(pair[CLIENT]));
	drain(pair[SERVER], n);
	EXPECT_EQ(POLLOUT, become(pair[CLIENT], POLLOUT));
}

/* A poll() that sleeps wakes for each thing that can happen. */
TEST_F_TIMEOUT(poll, sleepers_wake, SLOW_TEST)
{
	struct task t = { .flags = POLLIN };
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	t.fd = pair[CLIENT];
	task_start(&t, task_poll);
	task_blocked(&t, SYS_poll);
	send_all(pair[SERVER], "x", 1);
	EXPECT_EQ(POLLIN, task_join(&t));
	recv_all(pair[CLIENT], &c, 1);

	t.flags = POLLRDHUP;
	task_start(&t, task_poll);
	task_blocked(&t, SYS_poll);
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_WR));
	EXPECT_EQ(POLLRDHUP, task_join(&t));

	t.flags = 0;		/* POLLERR and POLLHUP need no asking */
	task_start(&t, task_poll);
	task_blocked(&t, SYS_poll);
	reset_close(pair[SERVER]);
	EXPECT_EQ(POLLERR | POLLHUP, task_join(&t));
}

TEST_F_TIMEOUT(poll, sleeping_writer_wakes, SLOW_TEST)
{
	struct task t = { .flags = POLLOUT };
	int pair[2];
	size_t n;

	env_pair(&self->e, pair);
	t.fd = pair[CLIENT];
	n = fill(t.fd);
	task_start(&t, task_poll);
	task_blocked(&t, SYS_poll);
	drain(pair[SERVER], n);
	EXPECT_EQ(POLLOUT, task_join(&t));
}

TEST_F(poll, own_shutdown_wakes)
{
	struct task t = { .flags = POLLIN };
	int pair[2];

	env_pair(&self->e, pair);
	t.fd = pair[CLIENT];
	task_start(&t, task_poll);
	task_blocked(&t, SYS_poll);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_RD));
	EXPECT_EQ(POLLIN, task_join(&t));
}

TEST_F(poll, listener_wakes)
{
	struct env *e = &self->e;
	struct task t = { .flags = POLLIN };
	union sa at;

	t.fd = env_listen(e, 1, &at);
	task_start(&t, task_poll);
	task_blocked(&t, SYS_poll);
	ASSERT_EQ(0, do_connect(env_socket(e, CLIENT, 0), at));
	EXPECT_EQ(POLLIN, task_join(&t));
}

TEST_F(poll, times_out)
{
	struct pollfd p = { .events = POLLIN };
	struct timeval soon = { 0, 20000 };
	int64_t start;
	int pair[2];
	fd_set r;

	env_pair(&self->e, pair);
	p.fd = pair[CLIENT];
	start = now_ms();
	EXPECT_EQ(0, RET(poll(&p, 1, 20)));
	FD_ZERO(&r);
	FD_SET(p.fd, &r);
	EXPECT_EQ(0, RET(select(p.fd + 1, &r, NULL, NULL, &soon)));
	EXPECT_FALSE(FD_ISSET(p.fd, &r));
	EXPECT_LE(38, now_ms() - start);
}

TEST_F(poll, interrupted)
{
	struct task t = { .flags = POLLIN };
	int pair[2];

	catch_signal(SIGUSR1);
	env_pair(&self->e, pair);
	t.fd = pair[CLIENT];
	task_start(&t, task_poll);
	task_blocked(&t, SYS_poll);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&t));
}

/* All who wait learn it, not only the first. */
TEST_F(poll, all_pollers_wake)
{
	enum { N = 3 };
	struct task t[N] = { };
	int pair[2], i;

	env_pair(&self->e, pair);
	for (i = 0; i < N; i++) {
		t[i] = (struct task){ .fd = pair[CLIENT], .flags = POLLIN };
		task_start(&t[i], task_poll);
		task_blocked(&t[i], SYS_poll);
	}
	send_all(pair[SERVER], "x", 1);
	for (i = 0; i < N; i++) {
		EXPECT_EQ(POLLIN, task_join(&t[i]));
	}
}

TEST_F(poll, select_agrees)
{
	struct timeval now = { };
	int pair[2], n;
	fd_set r, w, x;

	env_pair(&self->e, pair);
	n = pair[0] > pair[1] ? pair[0] : pair[1];
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&x);
	FD_SET(pair[CLIENT], &r);
	FD_SET(pair[CLIENT], &w);
	FD_SET(pair[CLIENT], &x);
	EXPECT_EQ(1, select(n + 1, &r, &w, &x, &now));
	EXPECT_FALSE(FD_ISSET(pair[CLIENT], &r));
	EXPECT_TRUE(FD_ISSET(pair[CLIENT], &w));
	ASSERT_EQ(0, shutdown(pair[SERVER], SHUT_WR));
	ASSERT_NE(0, wait_events(pair[CLIENT], POLLIN));
	FD_SET(pair[CLIENT], &r);
	EXPECT_EQ(1, select(n + 1, &r, NULL, NULL, &now));
}

/* ------------------------------------------------------------------ epoll */

struct watch {
	int ep;
	struct epoll_event ev;
};

static struct watch watch(int fd, uint32_t events)
{
	struct watch w = { epoll_create1(0), { .events = events, .data.fd = fd } };

	if (w.ep < 0 || epoll_ctl(w.ep, EPOLL_CTL_ADD, fd, &w.ev))
		fatal("epoll");
	return w;
}

/* The events epoll reports within ms, 0 for none. */
static uint32_t events(struct watch *w, int ms)
{
	struct epoll_event got;
	int n = epoll_wait(w->ep, &got, 1, ms);

	if (n < 0)
		fatal("epoll_wait");
	return n ? got.events : 0;
}

TEST_F(poll, edge_once_per_arrival)
{
	struct watch w;
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	w = watch(pair[SERVER], EPOLLIN | EPOLLET | EPOLLRDHUP);
	EXPECT_EQ(0, events(&w, 0));
	send_all(pair[CLIENT], "a", 1);
	EXPECT_EQ(EPOLLIN, events(&w, PATIENCE));
	EXPECT_EQ(0, events(&w, 0));
	/* unread data does not hide the next arrival */
	send_all(pair[CLIENT], "b", 1);
	EXPECT_EQ(EPOLLIN, events(&w, PATIENCE));
	EXPECT_EQ(0, events(&w, 0));
	recv_all(pair[SERVER], &c, 1);
	EXPECT_EQ(0, events(&w, 0));
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	EXPECT_EQ(EPOLLIN | EPOLLRDHUP, events(&w, PATIENCE));
	EXPECT_EQ(0, events(&w, 0));
}

TEST_F_TIMEOUT(poll, edge_of_room_to_write, SLOW_TEST)
{
	struct watch w;
	int pair[2];
	size_t n;

	env_pair(&self->e, pair);
	w = watch(pair[CLIENT], EPOLLOUT | EPOLLET);
	EXPECT_EQ(EPOLLOUT, events(&w, 0));
	EXPECT_EQ(0, events(&w, 0));
	n = fill(pair[CLIENT]);
	events(&w, 0);		/* whatever came while it filled */
	EXPECT_EQ(0, events(&w, 0));
	drain(pair[SERVER], n);
	EXPECT_EQ(EPOLLOUT, events(&w, PATIENCE));
}

TEST_F(poll, edge_of_connect)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 1, &at), fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
	struct watch w;

	ASSERT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	w = watch(fd, EPOLLIN | EPOLLOUT | EPOLLET);
	EXPECT_EQ(EPOLLOUT, events(&w, PATIENCE));
	EXPECT_EQ(0, events(&w, 0));
	close(lfd);
}

TEST_F(poll, oneshot)
{
	struct watch w;
	int pair[2];

	env_pair(&self->e, pair);
	w = watch(pair[SERVER], EPOLLIN | EPOLLONESHOT);
	send_all(pair[CLIENT], "a", 1);
	EXPECT_EQ(EPOLLIN, events(&w, PATIENCE));
	send_all(pair[CLIENT], "b", 1);
	ASSERT_EQ(2, queue_becomes(pair[SERVER], FIONREAD, 2));
	EXPECT_EQ(0, events(&w, 0));
	ASSERT_EQ(0, epoll_ctl(w.ep, EPOLL_CTL_MOD, pair[SERVER], &w.ev));
	EXPECT_EQ(EPOLLIN, events(&w, 0));
}

TEST_F(poll, level)
{
	struct watch w;
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	w = watch(pair[SERVER], EPOLLIN);
	send_all(pair[CLIENT], "ab", 2);
	EXPECT_EQ(EPOLLIN, events(&w, PATIENCE));
	EXPECT_EQ(EPOLLIN, events(&w, 0));
	ASSERT_EQ(2, queue_becomes(pair[SERVER], FIONREAD, 2));
	recv_all(pair[SERVER], &c, 1);
	EXPECT_EQ(EPOLLIN, events(&w, 0));
	recv_all(pair[SERVER], &c, 1);
	EXPECT_EQ(0, events(&w, 0));
	reset_close(pair[CLIENT]);
	EXPECT_EQ(EPOLLIN | EPOLLERR | EPOLLHUP, events(&w, PATIENCE));
}

TEST_F(poll, closing_takes_it_off)
{
	struct watch w;
	int pair[2];

	env_pair(&self->e, pair);
	w = watch(pair[SERVER], EPOLLIN);
	close(pair[SERVER]);
	EXPECT_EQ(0, events(&w, 0));
	EXPECT_EQ(-EBADF, RET(epoll_ctl(w.ep, EPOLL_CTL_DEL, pair[SERVER], NULL)));
}

/*
 * A server and a client that live on edges alone exchange a thousand messages:
 * one lost edge and they stand still.  Both sides write more than fits at times.
 */
static void *edge_echo(void *arg)
{
	int fd = *(int *)arg;
	struct watch w;
	char buf[8192];

	set_nonblock(fd, true);
	w = watch(fd, EPOLLIN | EPOLLOUT | EPOLLET);
	for (;;) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0), done = 0;

		if (n == 0)
			return NULL;
		if (n < 0 && events(&w, PATIENCE) == 0)
			fatal("no edge to read in a minute");
		while (done < n) {
			ssize_t m = send(fd, buf + done, n - done, MSG_NOSIGNAL);

			if (m > 0)
				done += m;
			else if (events(&w, PATIENCE) == 0)
				fatal("no edge to write in a minute");
		}
	}
}

TEST_F_TIMEOUT(poll, no_edge_is_lost, SLOW_TEST)
{
	int pair[2], rounds = self->e.fam->veth ? 300 : 1000, i;
	static uint8_t out[60000], in[sizeof(out)];
	uint64_t seed = test_seed();
	struct watch w;
	pthread_t t;

	env_pair(&self->e, pair);
	ASSERT_EQ(0, pthread_create(&t, NULL, edge_echo, &pair[SERVER]));
	set_nonblock(pair[CLIENT], true);
	w = watch(pair[CLIENT], EPOLLIN | EPOLLOUT | EPOLLET);
	for (i = 0; i < rounds; i++) {
		size_t len = i % 50 ? 1 + rnd(&seed) % 2000 : sizeof(out);
		size_t sent = 0, got = 0;

		pattern_fill(i, 0, out, len);
		while (got < len) {
			ssize_t s = sent < len ? send(pair[CLIENT], out + sent, len - sent,
						      MSG_NOSIGNAL) : -1;
			ssize_t r = recv(pair[CLIENT], in + got, len - got, 0);

			ASSERT_NE(0, r);
			sent += s > 0 ? s : 0;
			got += r > 0 ? r : 0;
			if (s < 0 && r < 0) {
				ASSERT_NE(0, events(&w, PATIENCE)) TH_LOG("round %d", i);
			}
		}
		ASSERT_EQ(len, pattern_check(i, 0, in, len));
	}
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	pthread_join(t, NULL);
}

TEST_HARNESS_MAIN
