// SPDX-License-Identifier: GPL-2.0
/*
 * connect(): blocking and not, what a second call says, how it fails and how
 * fast, being interrupted, dissolving with AF_UNSPEC, and the addresses after.
 */
#include "kselftest_harness.h"

#include <linux/rtnetlink.h>

#include "lib.h"

DIFFERENTIAL(connect, OVER_BOTH);

TEST_F(connect, blocking)
{
	int pair[2];
	char c = 0;

	env_pair(&self->e, pair);
	send_all(pair[CLIENT], "a", 1);
	recv_all(pair[SERVER], &c, 1);
	EXPECT_EQ('a', c);
	send_all(pair[SERVER], "b", 1);
	recv_all(pair[CLIENT], &c, 1);
	EXPECT_EQ('b', c);
}

TEST_F(connect, nonblocking)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 1, &at), fd = env_socket(e, CLIENT, SOCK_NONBLOCK);

	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_EQ(POLLOUT, wait_events(fd, POLLOUT));
	EXPECT_EQ(0, so_error(fd));
	/* the first call after success says so once */
	EXPECT_EQ(0, RET(do_connect(fd, at)));
	EXPECT_EQ(-EISCONN, RET(do_connect(fd, at)));
	EXPECT_LE(0, accept(lfd, NULL, NULL));
}

TEST_F(connect, connected)
{
	struct env *e = &self->e;
	union sa at;
	int pair[2], lfd = env_listen(e, 1, &at);

	env_pair(e, pair);
	EXPECT_EQ(-EISCONN, RET(do_connect(pair[CLIENT], at)));
	EXPECT_EQ(-EISCONN, RET(do_connect(pair[SERVER], at)));
	close(lfd);
}

TEST_F(connect, refused)
{
	struct env *e = &self->e;
	union sa at;
	int fd = env_socket(e, CLIENT, 0), lfd;
	int64_t start = now_ms();

	close(env_listen(e, 1, &at));
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(fd, at)));
	/* the answer, not a timer: TCP's first is 1 s, and ours is no faster */
	if (!getenv("KSFT_MACHINE_SLOW")) {
		EXPECT_GT(300, now_ms() - start);
	}
	EXPECT_EQ(0, so_error(fd));
	/* the socket is as new */
	lfd = env_socket(e, SERVER, 0);
	ASSERT_EQ(0, RET(do_bind(lfd, at)));
	ASSERT_EQ(0, listen(lfd, 1));
	EXPECT_EQ(0, RET(do_connect(fd, at)));
}

TEST_F(connect, refused_nonblocking)
{
	struct env *e = &self->e;
	union sa at;
	int fd = env_socket(e, CLIENT, SOCK_NONBLOCK), lfd;

	close(env_listen(e, 1, &at));
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_EQ(POLLOUT | POLLIN | POLLERR | POLLHUP | POLLRDHUP,
		  become(fd, POLLOUT | POLLIN | POLLERR | POLLHUP | POLLRDHUP));
	EXPECT_EQ(ECONNREFUSED, so_error(fd));
	EXPECT_EQ(0, so_error(fd));
	EXPECT_EQ(POLLOUT | POLLIN | POLLHUP | POLLRDHUP, revents(fd));
	lfd = env_socket(e, SERVER, 0);
	ASSERT_EQ(0, RET(do_bind(lfd, at)));
	ASSERT_EQ(0, listen(lfd, 1));
	EXPECT_EQ(-ECONNABORTED, RET(do_connect(fd, at)));
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_EQ(POLLOUT, wait_events(fd, POLLOUT));
	EXPECT_EQ(0, so_error(fd));
}

/* The error of a failed attempt is taken by whoever asks first. */
TEST_F(connect, refused_seen_by_connect)
{
	struct env *e = &self->e;
	union sa at;
	int fd = env_socket(e, CLIENT, SOCK_NONBLOCK);

	close(env_listen(e, 1, &at));
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	ASSERT_NE(0, wait_events(fd, POLLOUT));
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(fd, at)));
	EXPECT_EQ(0, so_error(fd));
}

TEST_F(connect, refused_seen_by_recv_and_send)
{
	struct env *e = &self->e;
	union sa at;
	int fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
	char c;

	close(env_listen(e, 1, &at));
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	ASSERT_NE(0, wait_events(fd, POLLOUT));
	EXPECT_EQ(-ECONNREFUSED, RET(recv(fd, &c, 1, 0)));
	EXPECT_EQ(0, RET(recv(fd, &c, 1, 0)));
	EXPECT_EQ(-EPIPE, RET(send(fd, "x", 1, MSG_NOSIGNAL)));
}

TEST_F(connect, bound_first)
{
	struct env *e = &self->e;
	union sa at, mine = env_addr(e, CLIENT, 4712), got;
	int lfd = env_listen(e, 1, &at), fd = env_socket(e, CLIENT, 0), afd;

	ASSERT_EQ(0, do_bind(fd, mine));
	ASSERT_EQ(0, RET(do_connect(fd, at)));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	got = peer_name(afd);
	EXPECT_TRUE(sa_same(&mine, &got));
}

TEST_F(connect, to_the_wildcard_address)
{
	struct env *e = &self->e;
	union sa at, want;
	int lfd, fd = env_socket(e, CLIENT, 0);

	if (e->fam->veth)
		return;		/* 0.0.0.0 is this host */
	lfd = env_listen(e, 1, &at);
	EXPECT_EQ(0, RET(do_connect(fd, sa_any(e->fam->af, port_of(&at)))));
	want = peer_name(fd);
	EXPECT_TRUE(sa_same(&want, &at));
	close(lfd);
}

TEST_F(connect, bad_addresses)
{
	struct env *e = &self->e;
	union sa at, a;
	int lfd = env_listen(e, 1, &at), fd = env_socket(e, CLIENT, 0);
	socklen_t len, least = e->fam->af == AF_INET ? sizeof(a.in) : 24;

	EXPECT_EQ(-EFAULT, RET(connect(fd, NULL, sizeof(a.in6))));
	EXPECT_EQ(-EINVAL, RET(connect(fd, &at.sa, -1)));
	EXPECT_EQ(-EINVAL, RET(connect(fd, &at.sa, sizeof(at.ss) + 1)));
	for (len = 0; len < least; len++) {
		EXPECT_EQ(-EINVAL, RET(connect(fd, &at.sa, len)))
			TH_LOG("length %u", len);
	}
	a = at;
	a.sa.sa_family = AF_UNIX;
	EXPECT_EQ(-EAFNOSUPPORT, RET(connect(fd, &a.sa, sizeof(a.in6))));
	/* none of it did anything */
	EXPECT_EQ(0, RET(do_connect(fd, at)));
	close(lfd);
}

TEST_F(connect, multicast_and_broadcast)
{
	struct env *e = &self->e;
	union sa a = sa_any(e->fam->af, 4711);
	int fd = env_socket(e, CLIENT, 0);

	if (e->fam->af == AF_INET6) {
		a.in6.sin6_addr = (struct in6_addr){ { { 0xff, 2, [15] = 1 } } };
		a.in6.sin6_scope_id = 1;
		EXPECT_EQ(-ENETUNREACH, RET(do_connect(fd, a)));
		return;
	}
	route_add(a, 0, RTN_UNICAST, NULL);
	a.in.sin_addr.s_addr = htonl(0xe0000001);
	EXPECT_EQ(-ENETUNREACH, RET(do_connect(fd, a)));
	a.in.sin_addr.s_addr = htonl(INADDR_BROADCAST);
	EXPECT_EQ(-ENETUNREACH, RET(do_connect(fd, a)));
}

TEST_F(connect, no_route)
{
	struct env *e = &self->e;
	int fd = env_socket(e, CLIENT, 0);

	EXPECT_EQ(-ENETUNREACH, RET(do_connect(fd, sa_foreign(e->fam->af, 4711))));
	EXPECT_EQ(0, so_error(fd));
}

TEST_F(connect, unspec_dissolves)
{
	struct env *e = &self->e;
	struct sockaddr un = { .sa_family = AF_UNSPEC };
	union sa at, got, want = sa_any(e->fam->af, 0);
	int lfd = env_listen(e, 4, &at), fd = env_socket(e, CLIENT, 0), afd;
	char c;

	EXPECT_EQ(0, RET(connect(fd, &un, sizeof(un))));
	EXPECT_EQ(-EINVAL, RET(connect(fd, &un, 1)));
	ASSERT_EQ(0, RET(do_connect(fd, at)));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	EXPECT_EQ(0, RET(connect(fd, &un, sizeof(un))));
	/* the peer is reset, we may begin anew */
	EXPECT_EQ(-ECONNRESET, RET(recv(afd, &c, 1, 0)));
	EXPECT_EQ(-ENOTCONN, RET(getpeername(fd, &got.sa, &(socklen_t){ sizeof(got) })));
	/* the address is free; TCP goes on reporting the port it has given back */
	got = local_name(fd);
	want = sa_port(want, port_of(&got));
	EXPECT_TRUE(sa_same(&want, &got));
	EXPECT_EQ(ECONNRESET, so_error(fd));
	EXPECT_EQ(-EPIPE, RET(send(fd, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-ENOTCONN, RET(recv(fd, &c, 1, 0)));
	ASSERT_EQ(0, RET(do_connect(fd, at)));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	send_all(fd, "x", 1);
	recv_all(afd, &c, 1);
}

TEST_F(connect, unspec_keeps_a_bound_port)
{
	struct env *e = &self->e;
	struct sockaddr un = { .sa_family = AF_UNSPEC };
	union sa at, mine = env_addr(e, CLIENT, 4712), got;
	int lfd = env_listen(e, 4, &at), fd = env_socket(e, CLIENT, 0);

	ASSERT_EQ(0, do_bind(fd, mine));
	ASSERT_EQ(0, RET(do_connect(fd, at)));
	ASSERT_EQ(0, RET(connect(fd, &un, sizeof(un))));
	got = local_name(fd);
	EXPECT_TRUE(sa_same(&mine, &got));
	close(lfd);
}

TEST_F(connect, unspec_ends_a_listener)
{
	struct env *e = &self->e;
	struct sockaddr un = { .sa_family = AF_UNSPEC };
	union sa at;
	int lfd = env_listen(e, 4, &at);

	EXPECT_EQ(0, RET(connect(lfd, &un, sizeof(un))));
	EXPECT_EQ(0, get_int(lfd, SOL_SOCKET, SO_ACCEPTCONN));
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(env_socket(e, CLIENT, 0), at)));
}

/* Two connections may share the port they come from, if they go elsewhere. */
TEST_F(connect, same_source_port_twice)
{
	struct env *e = &self->e;
	union sa one, two, mine = env_addr(e, CLIENT, 4712);
	int l1 = env_listen(e, 1, &one), l2 = env_listen(e, 1, &two);
	int a = env_socket(e, CLIENT, 0), b = env_socket(e, CLIENT, 0);

	set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
	set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
	ASSERT_EQ(0, do_bind(a, mine));
	ASSERT_EQ(0, do_bind(b, mine));
	EXPECT_EQ(0, RET(do_connect(a, one)));
	EXPECT_EQ(0, RET(do_connect(b, two)));
	close(l1);
	close(l2);
}

TEST_F(connect, same_four_numbers_twice)
{
	struct env *e = &self->e;
	union sa at, mine = env_addr(e, CLIENT, 4712);
	int lfd = env_listen(e, 4, &at);
	int a = env_socket(e, CLIENT, 0), b = env_socket(e, CLIENT, 0);

	set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
	set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
	ASSERT_EQ(0, do_bind(a, mine));
	ASSERT_EQ(0, do_bind(b, mine));
	ASSERT_EQ(0, RET(do_connect(a, at)));
	EXPECT_EQ(-EADDRNOTAVAIL, RET(do_connect(b, at)));
	close(lfd);
}

/* Autobind of connect() shares ports: more connections than ports, as long as
 * they go to different places. */
TEST_F(connect, ephemeral_ports_are_shared)
{
	struct env *e = &self->e;
	union sa one, two;
	int l1 = env_listen(e, 8, &one), l2 = env_listen(e, 8, &two), i;

	sysctl_set(e, CLIENT, "net/ipv4/ip_local_port_range", "42000 42003");
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0), one)));
		ASSERT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0), two)));
	}
	EXPECT_EQ(-EADDRNOTAVAIL, RET(do_connect(env_socket(e, CLIENT, 0), one)));
	close(l1);
	close(l2);
}

/* A listener whose backlog is full: attempts wait until accept() makes room. */
static int crowded(const struct env *e, union sa *at)
{
	int lfd = env_listen(e, 0, at);

	if (do_connect(env_socket(e, CLIENT, 0), *at))
		fatal("connect");
	return lfd;
}

TEST_F_TIMEOUT(connect, interrupted_goes_on, SLOW_TEST)
{
	struct task t = { };
	int lfd = crowded(&self->e, &t.to);

	catch_signal(SIGUSR1);
	t.fd = env_socket(&self->e, CLIENT, 0);
	task_start(&t, task_connect);
	task_blocked(&t, SYS_connect);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&t));
	EXPECT_EQ(0, revents(t.fd));
	ASSERT_LE(0, accept(lfd, NULL, NULL));
	EXPECT_EQ(POLLOUT, wait_events(t.fd, POLLOUT));
	EXPECT_EQ(0, so_error(t.fd));
	EXPECT_EQ(0, RET(do_connect(t.fd, t.to)));
	EXPECT_EQ(-EISCONN, RET(do_connect(t.fd, t.to)));
}

/* A second call, or one that SA_RESTART repeats, waits for the same attempt. */
TEST_F_TIMEOUT(connect, repeated_while_blocked, SLOW_TEST)
{
	struct task t[2] = { };
	int lfd = crowded(&self->e, &t[0].to), i;

	restart_signal(SIGUSR1);
	t[0].fd = t[1].fd = env_socket(&self->e, CLIENT, 0);
	t[1].to = sa_foreign(self->e.fam->af, 9);	/* nobody looks at it */
	for (i = 0; i < 2; i++) {
		task_start(&t[i], task_connect);
		task_blocked(&t[i], SYS_connect);
	}
	pthread_kill(t[0].thread, SIGUSR1);
	EXPECT_EQ(1, caught_becomes(1));
	task_blocked(&t[0], SYS_connect);
	ASSERT_LE(0, accept(lfd, NULL, NULL));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, task_join(&t[i]));
	}
	EXPECT_EQ(-EISCONN, RET(do_connect(t[0].fd, t[0].to)));
}

/* shutdown() and AF_UNSPEC in another thread end a call that waits. */
TEST_F(connect, ended_by_another_thread)
{
	struct sockaddr un = { AF_UNSPEC };
	struct task t = { };
	int lfd = crowded(&self->e, &t.to), how;

	for (how = SHUT_RD; how <= SHUT_RDWR + 1; how++) {
		t.fd = env_socket(&self->e, CLIENT, 0);
		task_start(&t, task_connect);
		task_blocked(&t, SYS_connect);
		if (how <= SHUT_RDWR) {
			EXPECT_EQ(0, RET(shutdown(t.fd, how)));
		} else {
			EXPECT_EQ(0, RET(connect(t.fd, &un, sizeof(un))));
		}
		EXPECT_EQ(how <= SHUT_RDWR ? -ECONNRESET : -EPIPE, task_join(&t))
			TH_LOG("how %d", how);
		/* and the socket may try again */
		set_nonblock(t.fd, true);
		EXPECT_EQ(-EINPROGRESS, RET(do_connect(t.fd, t.to)));
		close(t.fd);
	}
	close(lfd);
}

/* close() of the descriptor lets the call go on. */
TEST_F_TIMEOUT(connect, closed_by_another_thread, SLOW_TEST)
{
	struct task t = { };
	int lfd = crowded(&self->e, &t.to), afd;
	char c;

	t.fd = env_socket(&self->e, CLIENT, 0);
	task_start(&t, task_connect);
	task_blocked(&t, SYS_connect);
	close(t.fd);
	ASSERT_LE(0, accept(lfd, NULL, NULL));
	EXPECT_EQ(0, task_join(&t));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	EXPECT_EQ(0, RET(recv(afd, &c, 1, 0)));
}

TEST_F(connect, port_zero)
{
	struct env *e = &self->e;
	int fd = env_socket(e, CLIENT, 0);

	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(fd, env_addr(e, SERVER, 0))));
}

TEST_F(connect, refused_keeps_a_bound_name)
{
	struct env *e = &self->e;
	union sa at, mine = env_addr(e, CLIENT, 4712), got;
	int fd = env_socket(e, CLIENT, 0);

	close(env_listen(e, 1, &at));
	ASSERT_EQ(0, do_bind(fd, mine));
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(fd, at)));
	got = local_name(fd);
	EXPECT_TRUE(sa_same(&mine, &got));
	EXPECT_EQ(-EINVAL, RET(do_bind(fd, mine)));
	EXPECT_EQ(0, RET(listen(fd, 1)));
}

/* Refused, dissolved, refused: nothing is used up. */
TEST_F(connect, refused_again_and_again)
{
	struct env *e = &self->e;
	union sa at;
	int fd = env_socket(e, CLIENT, 0), i;

	close(env_listen(e, 1, &at));
	sysctl_set(e, CLIENT, "net/ipv4/ip_local_port_range", "42000 42001");
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(-ECONNREFUSED, RET(do_connect(fd, at)));
	}
}

TEST_F(connect, many_nonblocking)
{
	enum { N = 40 };
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, N, &at), fd[N], i;

	for (i = 0; i < N; i++) {
		fd[i] = env_socket(e, CLIENT, SOCK_NONBLOCK);
		EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd[i], at)));
	}
	for (i = 0; i < N; i++) {
		EXPECT_EQ(POLLOUT, wait_events(fd[i], POLLOUT));
		EXPECT_EQ(0, so_error(fd[i]));
		EXPECT_LE(0, accept(lfd, NULL, NULL));
	}
}

/* Of several local addresses the one that bind() named is used. */
TEST_F(connect, from_another_address)
{
	struct env *e = &self->e;
	union sa at, mine = env_addr(e, CLIENT, 0), got;
	int lfd = env_listen(e, 1, &at), fd = env_socket(e, CLIENT, 0), afd;

	if (e->fam->af == AF_INET)
		mine.in.sin_addr.s_addr ^= htonl(0x10);
	else
		mine.in6.sin6_addr = (struct in6_addr){ { { 0xfd, 7, [15] = 0x10 } } };
	addr_add(e->fam->veth ? "c" : "lo", mine, e->fam->af == AF_INET ? 24 : 64);
	ASSERT_EQ(0, RET(do_bind(fd, mine)));
	ASSERT_EQ(0, RET(do_connect(fd, at)));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	got = local_name(fd);
	mine = sa_port(mine, port_of(&got));
	EXPECT_TRUE(sa_same(&mine, &got));
	got = peer_name(afd);
	EXPECT_TRUE(sa_same(&mine, &got));
}

/* What the routes of this host say. */
TEST_F(connect, routes_that_refuse)
{
	struct env *e = &self->e;
	static const struct { int type; long error; } how[] = {
		{ RTN_UNREACHABLE, -EHOSTUNREACH }, { RTN_PROHIBIT, -EACCES },
		{ RTN_BLACKHOLE, -EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(how); i++) {
		union sa to = sa_foreign(e->fam->af, 4711);

		if (e->fam->af == AF_INET)
			to.in.sin_addr.s_addr += htonl(i);
		else
			to.in6.sin6_addr.s6_addr[15] += i;
		route_add(to, e->fam->af == AF_INET ? 32 : 128, how[i].type, NULL);
		EXPECT_EQ(how[i].error, RET(do_connect(env_socket(e, CLIENT, 0), to)))
			TH_LOG("route %zu", i);
	}
}

/* Bound to a device, only what that device reaches can be reached. */
TEST_F(connect, by_device)
{
	struct env *e = &self->e;
	const char *right = e->fam->veth ? "c" : "lo";
	union sa at;
	int lfd = env_listen(e, 1, &at), fd = env_socket(e, CLIENT, 0);

	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, right, strlen(right)));
	EXPECT_EQ(0, RET(do_connect(fd, at)));
	if (!e->fam->veth)
		return;
	fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
	/* IPv4 takes a device's word for it that all the world is on its link */
	EXPECT_EQ(e->fam->af == AF_INET ? -EINPROGRESS : -ENETUNREACH,
		  RET(do_connect(fd, at)));
	close(lfd);
}

/* What a peer answered before it was gone does not get lost. */
TEST_F(connect, answered_and_closed_before_we_look)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 1, &at), fd = env_socket(e, CLIENT, SOCK_NONBLOCK), afd;
	char buf[4];

	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	send_all(afd, "bye", 3);
	close(afd);
	EXPECT_NE(0, wait_events(fd, POLLRDHUP) & POLLRDHUP);
	EXPECT_EQ(0, RET(do_connect(fd, at)));
	recv_all(fd, buf, 3);
	EXPECT_EQ(0, RET(recv(fd, buf, 1, 0)));
}

/* Connections that go nowhere: the peer's packets are dropped. */
DIFFERENTIAL(silent, OVER_VETH);

static union sa silent_peer(const struct env *e)
{
	union sa at;

	/* a neighbour that is known and not there: no ARP, so no EHOSTUNREACH */
	at = env_addr(e, SERVER, 4711);
	if (e->fam->af == AF_INET)
		at.in.sin_addr.s_addr = htonl(0x0a070009);
	else
		at.in6.sin6_addr.s6_addr[15] = 9;
	neigh_add("c", at, (uint8_t[6]){ 2, [5] = 9 });
	return at;
}

TEST_F(silent, in_progress)
{
	struct env *e = &self->e;
	union sa at = silent_peer(e);
	int fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
	char c;

	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_EQ(-EALREADY, RET(do_connect(fd, at)));
	EXPECT_EQ(0, so_error(fd));
	EXPECT_EQ(0, revents(fd));
	EXPECT_EQ(-EAGAIN, RET(send(fd, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-EAGAIN, RET(recv(fd, &c, 1, 0)));
	EXPECT_EQ(-EINVAL, RET(listen(fd, 1)));
	EXPECT_EQ(-ENOTCONN, RET(getpeername(fd, &at.sa, &(socklen_t){ sizeof(at) })));
	/* the local address is chosen already */
	at = local_name(fd);
	EXPECT_NE(0, port_of(&at));
}

TEST_F(silent, connect_times_out_by_option)
{
	struct env *e = &self->e;
	union sa at = silent_peer(e);
	int fd = env_socket(e, CLIENT, 0);
	int64_t start = now_ms();

	set_timeo(fd, SO_SNDTIMEO, 200);
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_LE(190, now_ms() - start);
	/* it goes on in the background */
	EXPECT_EQ(-EALREADY, RET(do_connect(fd, at)));
}

TEST_F(silent, interrupted)
{
	struct env *e = &self->e;
	struct task t = { .to = silent_peer(e) };

	catch_signal(SIGUSR1);
	t.fd = env_socket(e, CLIENT, 0);
	task_start(&t, task_connect);
	task_blocked(&t, SYS_connect);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&t));
	set_nonblock(t.fd, true);
	EXPECT_EQ(-EALREADY, RET(do_connect(t.fd, t.to)));
}

/* TCP meets itself, by accident rather than design (RFC 9293 3.5, simultaneous open). */
TEST_F(connect, to_itself)
{
	struct env *e = &self->e;
	int fd = env_socket(e, CLIENT, 0);
	char b[4] = "";

	if (e->fam->veth)
		return;
	ASSERT_EQ(0, do_bind(fd, env_addr(e, CLIENT, 0)));
	EXPECT_EQ(differs(e, 13) ? -ECONNREFUSED : 0, RET(do_connect(fd, local_name(fd))));
	if (differs(e, 13))
		return;
	send_all(fd, "abc", 3);
	EXPECT_EQ(3, RET(recv(fd, b, 3, MSG_WAITALL)));
	EXPECT_STREQ("abc", b);
}

/* TCP_SYNCNT is how a program gives up early: ETIMEDOUT, and may try again. */
TEST_F_TIMEOUT(silent, gives_up, SLOW_TEST)
{
	struct env *e = &self->e;
	union sa at = silent_peer(e);
	int fd = env_socket(e, CLIENT, 0);

	set_int(fd, IPPROTO_TCP, 7 /* TCP_SYNCNT */, 1);
	EXPECT_EQ(-ETIMEDOUT, RET(do_connect(fd, at)));
	EXPECT_EQ(0, so_error(fd));
	set_nonblock(fd, true);
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
}

TEST_F_TIMEOUT(silent, gives_up_nonblocking, SLOW_TEST)
{
	struct env *e = &self->e;
	union sa at = silent_peer(e);
	int fd = env_socket(e, CLIENT, SOCK_NONBLOCK);

	set_int(fd, IPPROTO_TCP, 7 /* TCP_SYNCNT */, 1);
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_NE(0, wait_events(fd, POLLOUT) & POLLERR);
	EXPECT_EQ(ETIMEDOUT, so_error(fd));
}

/* close() of an attempt and AF_UNSPEC leave nothing behind. */
TEST_F(silent, abandoned)
{
	struct env *e = &self->e;
	struct sockaddr un = { .sa_family = AF_UNSPEC };
	union sa at = silent_peer(e), real;
	int fd = env_socket(e, CLIENT, SOCK_NONBLOCK), lfd = env_listen(e, 1, &real);

	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_EQ(0, RET(connect(fd, &un, sizeof(un))));
	set_nonblock(fd, false);
	EXPECT_EQ(0, RET(do_connect(fd, real)));
	close(fd);
	fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_EQ(0, close(fd));
	close(lfd);
}

/* A router's ICMP ends an attempt at once: what users rely on.  ICMPv6 knows no
 * "host unreachable": it is "no route". */
TEST_F_TIMEOUT(silent, router_refuses, SLOW_TEST)
{
	struct env *e = &self->e;
	bool v4 = e->fam->af == AF_INET;
	union sa via = env_addr(e, SERVER, 0), at = sa_foreign(e->fam->af, 4711);
	struct { int route; long error; } how[] = {
		{ RTN_UNREACHABLE, v4 ? -EHOSTUNREACH : -ENETUNREACH },
		{ RTN_PROHIBIT, v4 ? -EHOSTUNREACH : -EACCES },
	};
	size_t i;

	sysctl_set(e, SERVER, "net/ipv4/conf/all/forwarding", "1");
	sysctl_set(e, SERVER, "net/ipv6/conf/all/forwarding", "1");
	for (i = 0; i < ARRAY_SIZE(how); i++) {
		union sa to = at;

		/* each kind of route for an address of its own */
		if (v4)
			to.in.sin_addr.s_addr += htonl(i);
		else
			to.in6.sin6_addr.s6_addr[15] += i;
		env_enter(e, SERVER);
		route_add(to, v4 ? 32 : 128, how[i].route, NULL);
		env_enter(e, CLIENT);
		if (i == 0)
			route_add(at, 0, RTN_UNICAST, &via);
		EXPECT_EQ(how[i].error, RET(do_connect(env_socket(e, CLIENT, 0), to)))
			TH_LOG("route %zu", i);
	}
}

TEST_HARNESS_MAIN
