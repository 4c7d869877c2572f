// SPDX-License-Identifier: GPL-2.0
/*
 * listen() and accept(): from which states, the backlog's limit, flags, what a
 * child inherits, what its addresses are, and what becomes of children nobody
 * accepted.
 */
#include "kselftest_harness.h"

#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib.h"

DIFFERENTIAL(listen, OVER_BOTH);

TEST_F(listen, unbound_draws_a_port)
{
	struct env *e = &self->e;
	int lfd = env_socket(e, SERVER, 0), cfd;
	union sa a;

	ASSERT_EQ(0, RET(listen(lfd, 1)));
	a = local_name(lfd);
	EXPECT_NE(0, port_of(&a));
	EXPECT_EQ(1, get_int(lfd, SOL_SOCKET, SO_ACCEPTCONN));
	cfd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(0, RET(do_connect(cfd, env_addr(e, SERVER, port_of(&a)))));
}

TEST_F(listen, again_changes_the_backlog)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 1, &at);

	EXPECT_EQ(0, RET(listen(lfd, 5)));
	EXPECT_EQ(0, RET(listen(lfd, 0)));
	EXPECT_EQ(0, RET(listen(lfd, -1)));
}

TEST_F(listen, connected_is_an_error)
{
	int pair[2];

	env_pair(&self->e, pair);
	EXPECT_EQ(-EINVAL, RET(listen(pair[CLIENT], 1)));
	EXPECT_EQ(-EINVAL, RET(listen(pair[SERVER], 1)));
	/* and harmed nobody */
	send_all(pair[CLIENT], "x", 1);
	recv_all(pair[SERVER], (char[1]){ 0 }, 1);
}

TEST_F(listen, calls_that_are_not_a_listeners)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 1, &at);
	char c;

	EXPECT_EQ(-EISCONN, RET(do_connect(lfd, at)));
	EXPECT_EQ(-ENOTCONN, RET(recv(lfd, &c, 1, 0)));
	EXPECT_EQ(-EPIPE, RET(send(lfd, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-ENOTCONN, RET(getpeername(lfd, &at.sa, &(socklen_t){ sizeof(at) })));
	EXPECT_EQ(-EINVAL, RET(do_bind(lfd, at)));
}

TEST_F(listen, accept_elsewhere)
{
	int pair[2], fd = env_socket(&self->e, CLIENT, 0);

	EXPECT_EQ(-EINVAL, RET(accept(fd, NULL, NULL)));
	env_pair(&self->e, pair);
	EXPECT_EQ(-EINVAL, RET(accept(pair[CLIENT], NULL, NULL)));
	EXPECT_EQ(-EINVAL, RET(accept(pair[SERVER], NULL, NULL)));
}

TEST_F(listen, accept_nonblocking)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 1, &at), cfd = env_socket(e, CLIENT, 0), afd;

	set_nonblock(lfd, true);
	EXPECT_EQ(-EAGAIN, RET(accept(lfd, NULL, NULL)));
	ASSERT_EQ(0, do_connect(cfd, at));
	ASSERT_EQ(POLLIN, wait_events(lfd, POLLIN));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	/* the file's flag is the descriptor's own */
	EXPECT_EQ(0, fcntl(afd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(-EAGAIN, RET(accept(lfd, NULL, NULL)));
}

TEST_F(listen, accept4_flags)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 4, &at), cfd = env_socket(e, CLIENT, 0), afd;

	ASSERT_EQ(0, do_connect(cfd, at));
	EXPECT_EQ(-EINVAL, RET(accept4(lfd, NULL, NULL, 1)));
	afd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ASSERT_LE(0, afd);
	EXPECT_EQ(O_NONBLOCK, fcntl(afd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(FD_CLOEXEC, fcntl(afd, F_GETFD));
}

TEST_F(listen, accept_addresses)
{
	struct env *e = &self->e;
	union sa at, a, b;
	int lfd = env_listen(e, 4, &at), cfd = env_socket(e, CLIENT, 0), afd;
	unsigned char raw[64];
	socklen_t len = sizeof(a);

	ASSERT_EQ(0, do_connect(cfd, at));
	afd = accept(lfd, &a.sa, &len);
	ASSERT_LE(0, afd);
	b = local_name(cfd);
	EXPECT_EQ(sa_len(&b), len);
	EXPECT_TRUE(sa_same(&a, &b));
	a = peer_name(afd);
	EXPECT_TRUE(sa_same(&a, &b));
	a = local_name(afd);
	EXPECT_TRUE(sa_same(&a, &at));
	a = peer_name(cfd);
	EXPECT_TRUE(sa_same(&a, &at));

	/* a short buffer gets a prefix, and the length says what was there */
	cfd = env_socket(e, CLIENT, 0);
	ASSERT_EQ(0, do_connect(cfd, at));
	memset(raw, 0xa5, sizeof(raw));
	len = 4;
	ASSERT_LE(0, accept(lfd, (void *)raw, &len));
	b = local_name(cfd);
	EXPECT_EQ(sa_len(&b), len);
	EXPECT_EQ(0, memcmp(raw, &b, 4));
	EXPECT_EQ(0xa5, raw[4]);
}

TEST_F(listen, accept_bad_pointers)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 4, &at), cfd = env_socket(e, CLIENT, 0);
	socklen_t len = sizeof(at);

	ASSERT_EQ(0, do_connect(cfd, at));
	EXPECT_EQ(-EFAULT, RET(accept(lfd, (void *)8, &len)));
	/* that one is gone, closed by the kernel: the client sees the end */
	EXPECT_NE(0, wait_events(cfd, POLLIN | POLLRDHUP));
	cfd = env_socket(e, CLIENT, 0);
	ASSERT_EQ(0, do_connect(cfd, at));
	len = -1;
	EXPECT_EQ(-EINVAL, RET(accept(lfd, &at.sa, &len)));
}

TEST_F(listen, accept_times_out)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 1, &at);
	int64_t start = now_ms();

	set_timeo(lfd, SO_RCVTIMEO, 100);
	EXPECT_EQ(-EAGAIN, RET(accept(lfd, NULL, NULL)));
	EXPECT_LE(90, now_ms() - start);
}

TEST_F(listen, inheritance)
{
	struct env *e = &self->e;
	int lfd = env_socket(e, SERVER, 0), cfd = env_socket(e, CLIENT, 0), afd;
	struct linger lin = { 1, 7 }, got = { };
	socklen_t len = sizeof(got);
	struct timeval tv = { };

	set_int(lfd, SOL_SOCKET, SO_RCVBUF, 40000);
	set_int(lfd, SOL_SOCKET, SO_SNDBUF, 50000);
	set_int(lfd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(lfd, SOL_SOCKET, SO_PRIORITY, 3);
	set_int(lfd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(lfd, IPPROTO_TCP, TCP_KEEPIDLE, 77);
	set_int(lfd, IPPROTO_TCP, TCP_KEEPINTVL, 11);
	set_int(lfd, IPPROTO_TCP, TCP_KEEPCNT, 5);
	set_int(lfd, IPPROTO_TCP, TCP_USER_TIMEOUT, 4321);
	set_timeo(lfd, SO_RCVTIMEO, 5000);
	ASSERT_EQ(0, setsockopt(lfd, SOL_SOCKET, SO_LINGER, &lin, sizeof(lin)));
	ASSERT_EQ(0, listen(lfd, 1));
	union sa at = local_name(lfd);

	ASSERT_EQ(0, do_connect(cfd, env_addr(e, SERVER, port_of(&at))));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	EXPECT_EQ(80000, get_int(afd, SOL_SOCKET, SO_RCVBUF));
	EXPECT_EQ(100000, get_int(afd, SOL_SOCKET, SO_SNDBUF));
	EXPECT_EQ(1, get_int(afd, SOL_SOCKET, SO_KEEPALIVE));
	/* the one thing Linux starts anew */
	EXPECT_EQ(0, get_int(afd, SOL_SOCKET, SO_PRIORITY));
	EXPECT_EQ(1, get_int(afd, IPPROTO_TCP, TCP_NODELAY));
	EXPECT_EQ(77, get_int(afd, IPPROTO_TCP, TCP_KEEPIDLE));
	EXPECT_EQ(11, get_int(afd, IPPROTO_TCP, TCP_KEEPINTVL));
	EXPECT_EQ(5, get_int(afd, IPPROTO_TCP, TCP_KEEPCNT));
	EXPECT_EQ(4321, get_int(afd, IPPROTO_TCP, TCP_USER_TIMEOUT));
	ASSERT_EQ(0, getsockopt(afd, SOL_SOCKET, SO_LINGER, &got, &len));
	EXPECT_EQ(1, got.l_onoff);
	EXPECT_EQ(7, got.l_linger);
	len = sizeof(tv);
	ASSERT_EQ(0, getsockopt(afd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len));
	EXPECT_EQ(5, tv.tv_sec);
	EXPECT_EQ(0, get_int(afd, SOL_SOCKET, SO_ACCEPTCONN));
	EXPECT_EQ(SOCK_STREAM, get_int(afd, SOL_SOCKET, SO_TYPE));
}

/*
 * A backlog of n holds n + 1 that nobody accepted: Linux's rule.  The next one
 * is not refused; it waits until there is room.
 */
TEST_F_TIMEOUT(listen, backlog, SLOW_TEST)
{
	enum { BACKLOG = 2 };
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, BACKLOG, &at), fd[BACKLOG + 2], i;
	struct task late = { };

	for (i = 0; i <= BACKLOG; i++) {
		fd[i] = env_socket(e, CLIENT, 0);
		ASSERT_EQ(0, RET(do_connect(fd[i], at))) TH_LOG("connection %d", i);
	}
	late.fd = fd[i] = env_socket(e, CLIENT, 0);
	late.to = at;
	task_start(&late, task_connect);
	task_blocked(&late, SYS_connect);
	EXPECT_FALSE(task_done(&late));
	for (i = 0; i <= BACKLOG; i++) {
		EXPECT_LE(0, accept(lfd, NULL, NULL));
	}
	EXPECT_EQ(0, task_join(&late));
	EXPECT_LE(0, accept(lfd, NULL, NULL));
}

TEST_F_TIMEOUT(listen, backlog_of_zero_holds_one, SLOW_TEST)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 0, &at), a = env_socket(e, CLIENT, 0), b;

	ASSERT_EQ(0, RET(do_connect(a, at)));
	b = env_socket(e, CLIENT, SOCK_NONBLOCK);
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(b, at)));
	EXPECT_LE(0, accept(lfd, NULL, NULL));
	EXPECT_EQ(POLLOUT, wait_events(b, POLLOUT));
	EXPECT_LE(0, accept(lfd, NULL, NULL));
}

/* somaxconn caps what the program asks for. */
TEST_F_TIMEOUT(listen, somaxconn, SLOW_TEST)
{
	struct env *e = &self->e;
	union sa at;
	int lfd, i, fd;

	sysctl_set(e, SERVER, "net/core/somaxconn", "1");
	lfd = env_listen(e, 1000, &at);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0), at)));
	}
	fd = env_socket(e, CLIENT, 0);
	set_timeo(fd, SO_SNDTIMEO, 300);
	/* the third is not let in, and may not be refused */
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	close(lfd);
}

TEST_F(listen, data_before_accept)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 4, &at), cfd = env_socket(e, CLIENT, 0), afd;
	char buf[8] = "";

	ASSERT_EQ(0, do_connect(cfd, at));
	send_all(cfd, "early", 5);
	EXPECT_EQ(0, shutdown(cfd, SHUT_WR));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	recv_all(afd, buf, 5);
	EXPECT_STREQ("early", buf);
	EXPECT_EQ(0, RET(recv(afd, buf, 1, 0)));
	/* and the other way still works */
	send_all(afd, "y", 1);
	recv_all(cfd, buf, 1);
}

/* accept() hands over a connection its peer has already reset. */
TEST_F(listen, accept_after_reset)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 4, &at), cfd = env_socket(e, CLIENT, 0), afd;
	char c;

	ASSERT_EQ(0, do_connect(cfd, at));
	ASSERT_EQ(POLLIN, wait_events(lfd, POLLIN));
	reset_close(cfd);
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	EXPECT_EQ(-ECONNRESET, RET(recv(afd, &c, 1, 0)));
	EXPECT_EQ(0, RET(recv(afd, &c, 1, 0)));
	EXPECT_EQ(-EPIPE, RET(send(afd, "x", 1, MSG_NOSIGNAL)));
}

TEST_F(listen, accept_after_close)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 4, &at), cfd = env_socket(e, CLIENT, 0), afd;
	char buf[4];

	ASSERT_EQ(0, do_connect(cfd, at));
	send_all(cfd, "bye", 3);
	close(cfd);
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	recv_all(afd, buf, 3);
	EXPECT_EQ(0, RET(recv(afd, buf, 1, 0)));
}

TEST_F(listen, close_resets_children)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 8, &at), fd[4], i;
	char c;

	for (i = 0; i < 4; i++) {
		fd[i] = env_socket(e, CLIENT, 0);
		ASSERT_EQ(0, do_connect(fd[i], at));
		if (i & 1)
			send_all(fd[i], "unread", 6);
	}
	close(lfd);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(-ECONNRESET, RET(recv(fd[i], &c, 1, 0)));
		EXPECT_EQ(-EPIPE, RET(send(fd[i], "x", 1, MSG_NOSIGNAL)));
	}
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(env_socket(e, CLIENT, 0), at)));
}

/* shutdown(SHUT_RD) ends listening; the same socket may listen again, on the
 * same port if the program chose it. */
TEST_F(listen, shutdown_ends_it)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711);
	int lfd = env_socket(e, SERVER, 0);

	ASSERT_EQ(0, do_bind(lfd, at));
	ASSERT_EQ(0, listen(lfd, 1));
	EXPECT_EQ(0, RET(shutdown(lfd, SHUT_WR)));
	EXPECT_EQ(1, get_int(lfd, SOL_SOCKET, SO_ACCEPTCONN));
	EXPECT_EQ(0, RET(shutdown(lfd, SHUT_RD)));
	EXPECT_EQ(0, get_int(lfd, SOL_SOCKET, SO_ACCEPTCONN));
	EXPECT_EQ(-EINVAL, RET(accept(lfd, NULL, NULL)));
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(env_socket(e, CLIENT, 0), at)));
	EXPECT_EQ(0, RET(listen(lfd, 1)));
	EXPECT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0), at)));
	EXPECT_LE(0, accept(lfd, NULL, NULL));
}

TEST_F_TIMEOUT(listen, many_in_turn, SLOW_TEST)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 8, &at), i;
	char c;

	for (i = 0; i < 200; i++) {
		int cfd = env_socket(e, CLIENT, 0), afd;

		ASSERT_EQ(0, RET(do_connect(cfd, at)));
		afd = accept(lfd, NULL, NULL);
		ASSERT_LE(0, afd);
		send_all(cfd, "q", 1);
		recv_all(afd, &c, 1);
		send_all(afd, "a", 1);
		recv_all(cfd, &c, 1);
		close(cfd);
		EXPECT_EQ(0, RET(recv(afd, &c, 1, 0)));
		close(afd);
	}
}

/* Whoever came first is accepted first, with what it sent. */
TEST_F(listen, in_order)
{
	enum { N = 5 };
	struct env *e = &self->e;
	union sa at, want, got;
	int lfd = env_listen(e, N, &at), cfd[N], i;

	for (i = 0; i < N; i++) {
		cfd[i] = env_socket(e, CLIENT, 0);
		ASSERT_EQ(0, RET(do_connect(cfd[i], at)));
		send_all(cfd[i], &"abcde"[i], 1);
	}
	for (i = 0; i < N; i++) {
		int afd = accept(lfd, NULL, NULL);
		char c = 0;

		ASSERT_LE(0, afd);
		want = local_name(cfd[i]);
		got = peer_name(afd);
		EXPECT_TRUE(sa_same(&want, &got));
		recv_all(afd, &c, 1);
		EXPECT_EQ("abcde"[i], c);
	}
}

/* A connection that accept() has no descriptor for stays in the queue. */
TEST_F(listen, accept_without_descriptors)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 2, &at), cfd = env_socket(e, CLIENT, 0), full;
	struct rlimit few = { 32, 32 };

	ASSERT_EQ(0, RET(do_connect(cfd, at)));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
	while ((full = dup(cfd)) >= 0)
		;
	EXPECT_EQ(-EMFILE, RET(accept(lfd, NULL, NULL)));
	close(31);
	EXPECT_LE(0, accept(lfd, NULL, NULL));
}

TEST_F(listen, accept_interrupted)
{
	struct task t = { };
	union sa at;

	catch_signal(SIGUSR1);
	t.fd = env_listen(&self->e, 1, &at);
	task_start(&t, task_accept);
	task_blocked(&t, SYS_accept);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&t));
	/* with SA_RESTART the call goes on, but not one with a time limit */
	restart_signal(SIGUSR1);
	task_start(&t, task_accept);
	task_blocked(&t, SYS_accept);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(2, caught_becomes(2));
	task_blocked(&t, SYS_accept);
	ASSERT_EQ(0, RET(do_connect(env_socket(&self->e, CLIENT, 0), at)));
	EXPECT_LE(0, task_join(&t));
	set_timeo(t.fd, SO_RCVTIMEO, PATIENCE);
	task_start(&t, task_accept);
	task_blocked(&t, SYS_accept);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&t));
}

/* The backlog may grow: who waits is let in. */
TEST_F_TIMEOUT(listen, backlog_grows, SLOW_TEST)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 0, &at), fd;

	ASSERT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0), at)));
	fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_EQ(0, RET(listen(lfd, 1)));
	EXPECT_EQ(POLLOUT, wait_events(fd, POLLOUT));
	EXPECT_LE(0, accept(lfd, NULL, NULL));
	EXPECT_LE(0, accept(lfd, NULL, NULL));
}

/* Many processes may share a listener; each connection goes to one of them. */
TEST_F(listen, accepted_by_children)
{
	enum { N = 3 };
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, N, &at), i, status, sum = 0;
	pid_t child[N];

	for (i = 0; i < N; i++) {
		child[i] = fork();
		ASSERT_LE(0, child[i]);
		if (child[i] == 0) {
			int fd = accept(lfd, NULL, NULL);

			send_all(fd, &"012"[i], 1);
			_exit(fd < 0);
		}
	}
	close(lfd);
	for (i = 0; i < N; i++) {
		int fd = env_socket(e, CLIENT, 0);
		char c = 0;

		ASSERT_EQ(0, RET(do_connect(fd, at)));
		recv_all(fd, &c, 1);
		sum += 1 << (c - '0');
	}
	EXPECT_EQ((1 << N) - 1, sum);
	for (i = 0; i < N; i++) {
		ASSERT_EQ(child[i], waitpid(child[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	/* with the last of them the listener went */
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(env_socket(e, CLIENT, 0), at)));
}

/* What is set on a listener reaches who connects from then on, and nobody else. */
TEST_F(listen, inheritance_is_at_birth)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 2, &at), afd;

	ASSERT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0), at)));
	ASSERT_EQ(POLLIN, wait_events(lfd, POLLIN));
	set_int(lfd, IPPROTO_TCP, TCP_KEEPIDLE, 77);
	ASSERT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0), at)));
	afd = accept(lfd, NULL, NULL);
	EXPECT_NE(77, get_int(afd, IPPROTO_TCP, TCP_KEEPIDLE));
	afd = accept(lfd, NULL, NULL);
	EXPECT_EQ(77, get_int(afd, IPPROTO_TCP, TCP_KEEPIDLE));
	/* and a child's own do not reach its parent */
	set_int(afd, IPPROTO_TCP, TCP_KEEPIDLE, 99);
	EXPECT_EQ(77, get_int(lfd, IPPROTO_TCP, TCP_KEEPIDLE));
}

TEST_F(listen, inheritance_of_flags)
{
	struct env *e = &self->e;
	int lfd = env_socket(e, SERVER, SOCK_NONBLOCK | SOCK_CLOEXEC), afd;
	bool v4 = e->fam->af == AF_INET;
	union sa at;

	set_int(lfd, SOL_SOCKET, SO_REUSEADDR, 1);
	set_int(lfd, SOL_SOCKET, SO_OOBINLINE, 1);
	set_int(lfd, SOL_SOCKET, SO_RCVLOWAT, 3);
	set_int(lfd, SOL_SOCKET, SO_MARK, 5);
	set_int(lfd, SOL_SOCKET, SO_DONTROUTE, 1);
	set_int(lfd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_UNICAST_HOPS, 61);
	set_int(lfd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, 0x20);
	ASSERT_EQ(0, fcntl(lfd, F_SETOWN, getpid()));
	ASSERT_EQ(0, do_bind(lfd, env_addr(e, SERVER, 0)));
	ASSERT_EQ(0, listen(lfd, 1));
	at = local_name(lfd);
	ASSERT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0), at)));
	ASSERT_EQ(POLLIN, wait_events(lfd, POLLIN));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	EXPECT_EQ(1, get_int(afd, SOL_SOCKET, SO_REUSEADDR));
	EXPECT_EQ(1, get_int(afd, SOL_SOCKET, SO_OOBINLINE));
	EXPECT_EQ(3, get_int(afd, SOL_SOCKET, SO_RCVLOWAT));
	EXPECT_EQ(5, get_int(afd, SOL_SOCKET, SO_MARK));
	EXPECT_EQ(1, get_int(afd, SOL_SOCKET, SO_DONTROUTE));
	EXPECT_EQ(61, get_int(afd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
			      v4 ? IP_TTL : IPV6_UNICAST_HOPS));
	EXPECT_EQ(0x20, get_int(afd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
				v4 ? IP_TOS : IPV6_TCLASS));
	/* what belongs to the file, not to the socket, is new */
	EXPECT_EQ(0, fcntl(afd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, fcntl(afd, F_GETFD));
	EXPECT_EQ(0, fcntl(afd, F_GETOWN));
}

/* A socket that had a connection may listen once that is dissolved. */
TEST_F(listen, after_a_connection)
{
	struct env *e = &self->e;
	struct sockaddr un = { AF_UNSPEC };
	int pair[2];
	union sa at;

	env_pair(e, pair);
	ASSERT_EQ(0, RET(connect(pair[SERVER], &un, sizeof(un))));
	EXPECT_EQ(0, RET(listen(pair[SERVER], 1)));
	at = local_name(pair[SERVER]);
	ASSERT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0),
				    env_addr(e, SERVER, port_of(&at)))));
	EXPECT_LE(0, accept(pair[SERVER], NULL, NULL));
}

/* Two addresses, one port: each listener gets its own. */
TEST_F(listen, by_address)
{
	struct env *e = &self->e;
	union sa at[2] = { env_addr(e, SERVER, 4711), env_addr(e, SERVER, 4711) }, got;
	int lfd[2], i;

	if (e->fam->af == AF_INET)
		at[1].in.sin_addr.s_addr ^= htonl(0x10);
	else
		at[1].in6.sin6_addr = (struct in6_addr){ { { 0xfd, 7, [15] = 0x10 } } };
	env_enter(e, SERVER);
	addr_add(e->fam->veth ? "s" : "lo", at[1], e->fam->af == AF_INET ? 24 : 64);
	env_enter(e, CLIENT);
	for (i = 0; i < 2; i++) {
		lfd[i] = env_socket(e, SERVER, 0);
		ASSERT_EQ(0, RET(do_bind(lfd[i], at[i])));
		ASSERT_EQ(0, listen(lfd[i], 1));
	}
	for (i = 0; i < 2; i++) {
		int cfd = env_socket(e, CLIENT, 0), afd;

		ASSERT_EQ(0, RET(do_connect(cfd, at[i])));
		EXPECT_EQ(0, revents(lfd[!i]));
		afd = accept(lfd[i], NULL, NULL);
		ASSERT_LE(0, afd);
		got = local_name(afd);
		EXPECT_TRUE(sa_same(&at[i], &got));
	}
}

/* Every child but the accepted ones ends with its listener, and their port with
 * the last of them. */
TEST_F(listen, children_outlive_it)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711);
	int lfd = env_socket(e, SERVER, 0), cfd = env_socket(e, CLIENT, 0), afd, fd;
	char c = 0;

	ASSERT_EQ(0, do_bind(lfd, at));
	ASSERT_EQ(0, listen(lfd, 1));
	ASSERT_EQ(0, RET(do_connect(cfd, at)));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	close(lfd);
	send_all(cfd, "x", 1);
	recv_all(afd, &c, 1);
	EXPECT_EQ('x', c);
	fd = env_socket(e, SERVER, 0);
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(fd, at)));
	reset_close(afd);
	ASSERT_NE(0, wait_events(cfd, POLLHUP) & POLLHUP);
	EXPECT_EQ(0, RET(do_bind(fd, at)));
}

/* Over a real path the same two addresses are seen from both ends. */
DIFFERENTIAL(path, OVER_VETH);

TEST_F(path, addresses)
{
	struct env *e = &self->e;
	union sa a, b, ca = env_addr(e, CLIENT, 0), sa = env_addr(e, SERVER, 0);
	int pair[2];

	env_pair(e, pair);
	a = local_name(pair[CLIENT]);
	b = peer_name(pair[SERVER]);
	ca = sa_port(ca, port_of(&a));
	EXPECT_TRUE(sa_same(&ca, &a));
	EXPECT_TRUE(sa_same(&ca, &b));
	a = peer_name(pair[CLIENT]);
	b = local_name(pair[SERVER]);
	sa = sa_port(sa, port_of(&a));
	EXPECT_TRUE(sa_same(&sa, &a));
	EXPECT_TRUE(sa_same(&sa, &b));
}

TEST_F(path, wildcard_listener_names_the_address_used)
{
	struct env *e = &self->e;
	int lfd = env_socket(e, SERVER, 0), cfd = env_socket(e, CLIENT, 0), afd;
	union sa at, got;

	ASSERT_EQ(0, listen(lfd, 1));
	at = local_name(lfd);
	at = env_addr(e, SERVER, port_of(&at));
	ASSERT_EQ(0, RET(do_connect(cfd, at)));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	got = local_name(afd);
	EXPECT_TRUE(sa_same(&at, &got));
}

TEST_F(path, close_resets_children)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 8, &at), cfd = env_socket(e, CLIENT, 0);
	char c;

	ASSERT_EQ(0, do_connect(cfd, at));
	close(lfd);
	EXPECT_EQ(-ECONNRESET, RET(recv(cfd, &c, 1, 0)));
}

TEST_HARNESS_MAIN
