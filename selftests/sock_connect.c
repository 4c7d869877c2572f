// SPDX-License-Identifier: GPL-2.0
/*
 * connect(): blocking and not, what a second call says, how it fails and how
 * fast, being interrupted, dissolving with AF_UNSPEC, and the addresses after.
 */
#include "kselftest_harness.h"

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
	sh("ip route add default dev lo");
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

	ASSERT_TRUE(put_file("/proc/sys/net/ipv4/ip_local_port_range", "42000 42003"));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0), one)));
		ASSERT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0), two)));
	}
	EXPECT_EQ(-EADDRNOTAVAIL, RET(do_connect(env_socket(e, CLIENT, 0), one)));
	close(l1);
	close(l2);
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
	sh("ip neigh add %s lladdr 02:00:00:00:00:09 dev c",
	   e->fam->af == AF_INET ? "10.7.0.9" : "fd07::9");
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

/* A router's ICMP ends an attempt at once: what users rely on. */
TEST_F_TIMEOUT(silent, host_unreachable, SLOW_TEST)
{
	struct env *e = &self->e;
	bool v4 = e->fam->af == AF_INET;
	union sa at = sa_foreign(e->fam->af, 4711);
	int fd = env_socket(e, CLIENT, 0);

	env_enter(e, SERVER);
	ASSERT_TRUE(put_file("/proc/sys/net/ipv4/conf/all/forwarding", "1"));
	ASSERT_TRUE(put_file("/proc/sys/net/ipv6/conf/all/forwarding", "1"));
	sh(v4 ? "ip route add unreachable 198.51.100.0/24" :
		"ip -6 route add unreachable 2001:db8::/32");
	env_enter(e, CLIENT);
	sh(v4 ? "ip route add default via 10.7.0.2" : "ip -6 route add default via fd07::2");
	/* ICMPv6 knows no "host unreachable": it is "no route" */
	EXPECT_EQ(v4 ? -EHOSTUNREACH : -ENETUNREACH, RET(do_connect(fd, at)));
}

TEST_F_TIMEOUT(silent, peer_filters_with_icmp, SLOW_TEST)
{
	struct env *e = &self->e;
	bool v4 = e->fam->af == AF_INET;
	union sa at = sa_foreign(e->fam->af, 4711);
	int fd = env_socket(e, CLIENT, 0);

	env_enter(e, SERVER);
	ASSERT_TRUE(put_file("/proc/sys/net/ipv4/conf/all/forwarding", "1"));
	ASSERT_TRUE(put_file("/proc/sys/net/ipv6/conf/all/forwarding", "1"));
	sh(v4 ? "ip route add prohibit 198.51.100.0/24" :
		"ip -6 route add prohibit 2001:db8::/32");
	env_enter(e, CLIENT);
	sh(v4 ? "ip route add default via 10.7.0.2" : "ip -6 route add default via fd07::2");
	EXPECT_EQ(v4 ? -EHOSTUNREACH : -EACCES, RET(do_connect(fd, at)));
}

TEST_HARNESS_MAIN
