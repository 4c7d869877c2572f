// SPDX-License-Identifier: GPL-2.0
/*
 * bind() and getsockname(): addresses in every form and length, ports, who may
 * share one, and what an IPv6 wildcard covers.
 */
#include "kselftest_harness.h"

#include <linux/capability.h>
#include <sys/mman.h>

#include "lib.h"

DIFFERENTIAL(bind, BY_DOORS);
OVER_VETH(bind);

static int bound(const struct env *e, union sa a)
{
	int fd = env_socket(e, SERVER, 0);

	if (do_bind(fd, a))
		fatal("bind");
	return fd;
}

TEST_F(bind, port_zero_draws_one)
{
	struct env *e = &self->e;
	int fd = bound(e, env_addr(e, SERVER, 0)), lo, hi;
	union sa a = local_name(fd), want = env_addr(e, SERVER, port_of(&a));
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");

	ASSERT_NE(NULL, f);
	ASSERT_EQ(2, fscanf(f, "%d %d", &lo, &hi));
	fclose(f);
	EXPECT_LE(lo, port_of(&a));
	EXPECT_GE(hi, port_of(&a));
	EXPECT_TRUE(sa_same(&want, &a));
}

TEST_F(bind, fixed_port_and_wildcard)
{
	struct env *e = &self->e;
	union sa want = sa_any(e->fam->af, 4711);
	int fd = bound(e, want);
	union sa a = local_name(fd);

	EXPECT_TRUE(sa_same(&want, &a));
	EXPECT_EQ(-EINVAL, RET(do_bind(fd, sa_any(e->fam->af, 4712))));
	EXPECT_EQ(-EINVAL, RET(do_bind(fd, sa_any(e->fam->af, 4711))));
}

TEST_F(bind, port_range_is_obeyed)
{
	struct env *e = &self->e;
	uint64_t seen = 0;
	int i, fd;

	/* 32 ports with room for 32 binds, and not for a 33rd */
	sysctl_set(e, SERVER, "net/ipv4/ip_local_port_range", "42000 42031");
	for (i = 0; i < 32; i++) {
		union sa a;

		fd = env_socket(e, SERVER, 0);
		ASSERT_EQ(0, RET(do_bind(fd, env_addr(e, SERVER, 0))));
		a = local_name(fd);
		ASSERT_LE(42000, port_of(&a));
		ASSERT_GE(42031, port_of(&a));
		seen |= 1ULL << (port_of(&a) - 42000);
	}
	EXPECT_EQ(0xffffffffULL, seen);
	fd = env_socket(e, SERVER, 0);
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(fd, env_addr(e, SERVER, 0))));
}

TEST_F(bind, in_use)
{
	struct env *e = &self->e;
	int a = bound(e, env_addr(e, SERVER, 4711));
	int b = env_socket(e, SERVER, 0);

	EXPECT_EQ(-EADDRINUSE, RET(do_bind(b, env_addr(e, SERVER, 4711))));
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(b, sa_any(e->fam->af, 4711))));
	/* the failures left b unbound */
	EXPECT_EQ(0, RET(do_bind(b, env_addr(e, SERVER, 4712))));
	close(b);
	close(a);
	b = env_socket(e, SERVER, 0);
	EXPECT_EQ(0, RET(do_bind(b, env_addr(e, SERVER, 4711))));
}

TEST_F(bind, other_addresses_do_not_collide)
{
	struct env *e = &self->e;
	union sa second = env_addr(e, SERVER, 4711);
	int fd;

	if (e->fam->af == AF_INET) {
		second.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	} else {
		second.in6.sin6_addr = (struct in6_addr){ { { 0xfd, 9, [15] = 1 } } };
		env_enter(e, SERVER);
		addr_add("lo", second, 128);
		env_enter(e, CLIENT);
	}
	bound(e, env_addr(e, SERVER, 4711));
	fd = env_socket(e, SERVER, 0);
	EXPECT_EQ(0, RET(do_bind(fd, second)));
	fd = env_socket(e, SERVER, 0);
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(fd, sa_any(e->fam->af, 4711))));
}

TEST_F(bind, reuseaddr)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711);
	int a = env_socket(e, SERVER, 0), b = env_socket(e, SERVER, 0);

	/* both must ask */
	set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
	ASSERT_EQ(0, do_bind(a, at));
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(b, at)));
	set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
	EXPECT_EQ(0, RET(do_bind(b, at)));
	/* two may be bound, one may listen, and then nobody joins */
	EXPECT_EQ(0, RET(listen(a, 1)));
	EXPECT_EQ(-EADDRINUSE, RET(listen(b, 1)));
	close(b);
	b = env_socket(e, SERVER, 0);
	set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(b, at)));
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(b, sa_any(e->fam->af, 4711))));
}

/* What servers restart with: the old connections still stand on the port. */
TEST_F(bind, reuseaddr_over_connections)
{
	struct env *e = &self->e;
	int lfd = env_socket(e, SERVER, 0), cfd = env_socket(e, CLIENT, 0), afd, fd;
	union sa at;

	set_int(lfd, SOL_SOCKET, SO_REUSEADDR, 1);
	ASSERT_EQ(0, do_bind(lfd, env_addr(e, SERVER, 4711)));
	ASSERT_EQ(0, listen(lfd, 1));
	at = local_name(lfd);
	ASSERT_EQ(0, RET(do_connect(cfd, at)));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	close(lfd);
	fd = env_socket(e, SERVER, 0);
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(fd, at)));
	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	EXPECT_EQ(0, RET(do_bind(fd, at)));
	EXPECT_EQ(0, RET(listen(fd, 1)));
}

TEST_F(bind, not_local)
{
	struct env *e = &self->e;
	int fd = env_socket(e, SERVER, 0);

	EXPECT_EQ(-EADDRNOTAVAIL, RET(do_bind(fd, sa_foreign(e->fam->af, 4711))));
	EXPECT_EQ(0, RET(do_bind(fd, env_addr(e, SERVER, 4711))));
}

TEST_F(bind, multicast)
{
	struct env *e = &self->e;
	union sa a = sa_any(e->fam->af, 4711);
	int fd = env_socket(e, SERVER, 0);

	if (e->fam->af == AF_INET)
		a.in.sin_addr.s_addr = htonl(0xe0000001);
	else
		a.in6.sin6_addr = (struct in6_addr){ { { 0xff, 2, [15] = 1 } } };
	/* TCP lets an IPv4 socket have it and calls an IPv6 one mad */
	EXPECT_EQ(e->fam->af == AF_INET ? 0 : -EINVAL, RET(do_bind(fd, a)));
}

/* Takes CAP_NET_BIND_SERVICE off this process's effective set. */
static void drop_bind_capability(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d))
		fatal("capget");
	d[0].effective &= ~(1U << CAP_NET_BIND_SERVICE);
	if (syscall(SYS_capset, &h, d))
		fatal("capset");
}

TEST_F(bind, privileged_ports)
{
	struct env *e = &self->e;
	int fd = env_socket(e, SERVER, 0);

	sysctl_set(e, SERVER, "net/ipv4/ip_unprivileged_port_start", "1024");
	EXPECT_EQ(0, RET(do_bind(fd, env_addr(e, SERVER, 1023))));
	drop_bind_capability();
	fd = env_socket(e, SERVER, 0);
	EXPECT_EQ(-EACCES, RET(do_bind(fd, env_addr(e, SERVER, 1022))));
	EXPECT_EQ(-EACCES, RET(do_bind(fd, env_addr(e, SERVER, 1))));
	EXPECT_EQ(0, RET(do_bind(fd, env_addr(e, SERVER, 1024))));
}

TEST_F(bind, unprivileged_port_start)
{
	struct env *e = &self->e;
	int fd = env_socket(e, SERVER, 0);

	sysctl_set(e, SERVER, "net/ipv4/ip_unprivileged_port_start", "80");
	drop_bind_capability();
	EXPECT_EQ(-EACCES, RET(do_bind(fd, env_addr(e, SERVER, 79))));
	EXPECT_EQ(0, RET(do_bind(fd, env_addr(e, SERVER, 80))));
}

TEST_F(bind, wrong_family)
{
	struct env *e = &self->e;
	int fd = env_socket(e, SERVER, 0);
	union sa a = env_addr(e, SERVER, 0);

	a.sa.sa_family = AF_UNIX;
	EXPECT_EQ(-EAFNOSUPPORT, RET(bind(fd, &a.sa, sizeof(a.in6))));
	a.sa.sa_family = 0xffff;
	EXPECT_EQ(-EAFNOSUPPORT, RET(bind(fd, &a.sa, sizeof(a.in6))));
	a.sa.sa_family = AF_NETLINK;
	EXPECT_EQ(-EAFNOSUPPORT, RET(bind(fd, &a.sa, sizeof(a.in6))));
}

TEST_F(bind, bad_pointers)
{
	struct env *e = &self->e;
	int fd = env_socket(e, SERVER, 0);
	union sa a = env_addr(e, SERVER, 0);
	socklen_t len = sa_len(&a);

	EXPECT_EQ(-EFAULT, RET(bind(fd, NULL, len)));
	EXPECT_EQ(-EFAULT, RET(bind(fd, (void *)-4096UL, len)));
	EXPECT_EQ(-EINVAL, RET(bind(fd, &a.sa, -1)));
	EXPECT_EQ(-EINVAL, RET(bind(fd, &a.sa, sizeof(a.ss) + 1)));
	EXPECT_EQ(-EINVAL, RET(bind(fd, NULL, 0)));
	EXPECT_EQ(0, RET(bind(fd, &a.sa, sizeof(a.ss))));
}

/*
 * Every length from 0 to 256, the address ending at a guard page and unaligned
 * by one: too short is EINVAL, longer than sockaddr_storage is EINVAL, in
 * between it is bound.  24 bytes are enough for IPv6: RFC 2133's sockaddr_in6 had
 * no scope id, and Linux still takes it.
 */
TEST_F(bind, every_length)
{
	struct env *e = &self->e;
	union sa a = env_addr(e, SERVER, 0);
	size_t page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	socklen_t len, least = e->fam->af == AF_INET ? sizeof(a.in) : 24;

	ASSERT_NE(MAP_FAILED, (void *)map);
	ASSERT_EQ(0, mprotect(map + page, page, PROT_NONE));
	for (len = 0; len <= 256; len++) {
		int fd = env_socket(e, SERVER, 0);
		char *at = map + page - len;
		long want = len < least || len > sizeof(a.ss) ? -EINVAL : 0;

		memset(map, 0x5a, page);
		memcpy(at, &a, len < sizeof(a) ? len : sizeof(a));
		EXPECT_EQ(want, RET(bind(fd, (void *)at, len)))
			TH_LOG("length %u at the page's end", len);
		close(fd);
		fd = env_socket(e, SERVER, 0);
		memcpy(map + 1, &a, len < sizeof(a) ? len : sizeof(a));
		EXPECT_EQ(want, RET(bind(fd, (void *)(map + 1), len)))
			TH_LOG("length %u unaligned", len);
		close(fd);
	}
}

/* getsockname writes what fits, says how long it is, and not a byte more. */
TEST_F(bind, getsockname_lengths)
{
	struct env *e = &self->e;
	int fd = bound(e, env_addr(e, SERVER, 4711));
	union sa want = env_addr(e, SERVER, 4711);
	unsigned char buf[300];
	socklen_t len, in;

	for (in = 0; in <= 256; in++) {
		socklen_t fits = in < sa_len(&want) ? in : sa_len(&want);

		memset(buf, 0xa5, sizeof(buf));
		len = in;
		ASSERT_EQ(0, RET(getsockname(fd, (void *)buf, &len)));
		EXPECT_EQ(sa_len(&want), len);
		EXPECT_EQ(0, memcmp(buf, &want, fits)) TH_LOG("length %u", in);
		EXPECT_EQ(0xa5, buf[fits]) TH_LOG("length %u", in);
	}
	len = -1;
	EXPECT_EQ(-EINVAL, RET(getsockname(fd, (void *)buf, &len)));
	len = sizeof(want);
	EXPECT_EQ(-EFAULT, RET(getsockname(fd, NULL, &len)));
	EXPECT_EQ(-EFAULT, RET(getsockname(fd, (void *)buf, NULL)));
}

/* listen() without bind() draws a port as bind() to port 0 does. */
TEST_F(bind, listen_draws_from_the_range)
{
	struct env *e = &self->e;
	int fd = env_socket(e, SERVER, 0), one_more;
	union sa a;

	sysctl_set(e, SERVER, "net/ipv4/ip_local_port_range", "42000 42000");
	ASSERT_EQ(0, RET(listen(fd, 1)));
	a = local_name(fd);
	EXPECT_EQ(42000, port_of(&a));
	one_more = env_socket(e, SERVER, 0);
	EXPECT_EQ(-EADDRINUSE, RET(listen(one_more, 1)));
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(one_more, env_addr(e, SERVER, 0))));
}

TEST_F(bind, reserved_ports_are_skipped)
{
	struct env *e = &self->e;
	union sa a;
	int fd;

	sysctl_set(e, SERVER, "net/ipv4/ip_local_port_range", "42000 42003");
	sysctl_set(e, SERVER, "net/ipv4/ip_local_reserved_ports", "42000-42001,42003");
	fd = bound(e, env_addr(e, SERVER, 0));
	a = local_name(fd);
	EXPECT_EQ(42002, port_of(&a));
	fd = env_socket(e, SERVER, 0);
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(fd, env_addr(e, SERVER, 0))));
	/* whoever asks for one by number gets it */
	EXPECT_EQ(0, RET(do_bind(fd, env_addr(e, SERVER, 42001))));
}

/*
 * Two sockets and one port, in every combination: a collision unless the
 * addresses are apart, or both share and the first does not listen.
 */
TEST_F(bind, who_may_share)
{
	struct env *e = &self->e;
	int row;

	for (row = 0; row < 64; row++) {
		bool any[2] = { row & 1, row & 2 }, reuse[2] = { row & 4, row & 8 };
		bool listens = row & 16, again = row & 32;
		int fd[2], i;
		long r;

		for (i = 0; i < 2; i++) {
			fd[i] = env_socket(e, SERVER, 0);
			set_int(fd[i], SOL_SOCKET, SO_REUSEADDR, reuse[i]);
		}
		ASSERT_EQ(0, do_bind(fd[0], any[0] ? sa_any(e->fam->af, 4711) :
				     env_addr(e, SERVER, 4711)));
		if (listens) {
			ASSERT_EQ(0, listen(fd[0], 1));
		}
		if (again) {		/* what it said before bind() counts, not after */
			set_int(fd[1], SOL_SOCKET, SO_REUSEADDR, !reuse[1]);
			set_int(fd[1], SOL_SOCKET, SO_REUSEADDR, reuse[1]);
		}
		r = RET(do_bind(fd[1], any[1] ? sa_any(e->fam->af, 4711) :
				env_addr(e, SERVER, 4711)));
		EXPECT_EQ(reuse[0] && reuse[1] && !listens ? 0 : -EADDRINUSE, r)
			TH_LOG("row %d", row);
		close(fd[0]);
		close(fd[1]);
	}
}

TEST_F(bind, addresses_of_others)
{
	struct env *e = &self->e;
	union sa foreign = sa_foreign(e->fam->af, 4711);
	int fd = env_socket(e, SERVER, 0);

	EXPECT_EQ(-EADDRNOTAVAIL, RET(do_bind(fd, foreign)));
	sysctl_set(e, SERVER, e->fam->af == AF_INET ? "net/ipv4/ip_nonlocal_bind" :
		 "net/ipv6/ip_nonlocal_bind", "1");
	EXPECT_EQ(0, RET(do_bind(fd, foreign)));
}

/* A port that only the connection needed is free when the connection is over,
 * before the program closes its socket. */
TEST_F(bind, the_end_gives_the_port_back)
{
	struct env *e = &self->e;
	int pair[2], fd = env_socket(e, CLIENT, 0);
	union sa a;

	env_pair(e, pair);
	a = local_name(pair[CLIENT]);
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(fd, a)));
	reset_close(pair[SERVER]);
	ASSERT_NE(0, wait_events(pair[CLIENT], POLLHUP) & POLLHUP);
	EXPECT_EQ(0, RET(do_bind(fd, a)));
	/* which the dead one goes on naming */
	union sa still = local_name(pair[CLIENT]);
	EXPECT_TRUE(sa_same(&a, &still));
}

/* ... and one that bind() asked for is not. */
TEST_F(bind, the_end_keeps_a_bound_port)
{
	struct env *e = &self->e;
	union sa at, mine = env_addr(e, CLIENT, 4712);
	int lfd = env_listen(e, 1, &at), cfd = env_socket(e, CLIENT, 0), afd;
	int fd = env_socket(e, CLIENT, 0);

	ASSERT_EQ(0, do_bind(cfd, mine));
	ASSERT_EQ(0, RET(do_connect(cfd, at)));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	reset_close(afd);
	ASSERT_NE(0, wait_events(cfd, POLLHUP) & POLLHUP);
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(fd, mine)));
	EXPECT_EQ(-EINVAL, RET(do_bind(cfd, mine)));
	close(cfd);
	EXPECT_EQ(0, RET(do_bind(fd, mine)));
}

/* Of many who want the same port at once one gets it. */
static void *bind_racer(void *arg)
{
	struct task *t = arg;

	t->ret = RET(do_bind(t->fd, t->to));
	return NULL;
}

TEST_F(bind, race)
{
	enum { N = 8, ROUNDS = 10 };
	struct env *e = &self->e;
	int round, i;

	for (round = 0; round < ROUNDS; round++) {
		struct task t[N];
		int won = 0;

		for (i = 0; i < N; i++) {
			t[i].fd = env_socket(e, SERVER, 0);
			t[i].to = env_addr(e, SERVER, 4711);
			ASSERT_EQ(0, pthread_create(&t[i].thread, NULL, bind_racer, &t[i]));
		}
		for (i = 0; i < N; i++) {
			pthread_join(t[i].thread, NULL);
			EXPECT_TRUE(t[i].ret == 0 || t[i].ret == -EADDRINUSE);
			won += t[i].ret == 0;
		}
		for (i = 0; i < N; i++)
			close(t[i].fd);
		EXPECT_EQ(1, won);
	}
}

FIXTURE(v6) { struct env e; };
FIXTURE_VARIANT(v6) { const struct family *fam; };
FIXTURE_SETUP(v6) { env_open(&self->e, variant->fam, _metadata->name); }
FIXTURE_TEARDOWN(v6) { env_close(&self->e); }
FAMILY(v6, tcp6);
FAMILY(v6, rill6);
FAMILY(v6, rill6_inet);

static int v4_socket(const struct env *e)
{
	struct env v4 = *e;

	v4.fam = e->fam->inet ? &fam_rill4_inet : e->fam->rill ? &fam_rill4 : &fam_tcp4;
	return env_socket(&v4, CLIENT, 0);
}

static union sa mapped_loopback(uint16_t port)
{
	union sa a = sa_any(AF_INET6, port);

	a.in6.sin6_addr = (struct in6_addr){ { { [10] = 0xff, 0xff, 127, 0, 0, 1 } } };
	return a;
}

TEST_F(v6, wildcard_takes_both)
{
	struct env *e = &self->e;
	int lfd = bound(e, sa_any(AF_INET6, 4711)), cfd = v4_socket(e), afd;
	union sa peer, mine;

	ASSERT_EQ(0, listen(lfd, 1));
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(v4_socket(e), sa_any(AF_INET, 4711))));
	ASSERT_EQ(0, RET(do_connect(cfd, sa_loopback(AF_INET, 4711))));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	peer = peer_name(afd);
	mine = local_name(cfd);
	EXPECT_EQ(AF_INET, mine.sa.sa_family);
	EXPECT_EQ(AF_INET6, peer.sa.sa_family);
	EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&peer.in6.sin6_addr));
	EXPECT_EQ(port_of(&mine), port_of(&peer));
}

TEST_F(v6, v6only)
{
	struct env *e = &self->e;
	int lfd = env_socket(e, SERVER, 0), fd;

	EXPECT_EQ(0, get_int(lfd, IPPROTO_IPV6, IPV6_V6ONLY));
	set_int(lfd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	EXPECT_EQ(1, get_int(lfd, IPPROTO_IPV6, IPV6_V6ONLY));
	ASSERT_EQ(0, do_bind(lfd, sa_any(AF_INET6, 4711)));
	ASSERT_EQ(0, listen(lfd, 1));
	fd = v4_socket(e);
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(fd, sa_loopback(AF_INET, 4711))));
	EXPECT_EQ(0, RET(do_bind(v4_socket(e), sa_any(AF_INET, 4711))));
	fd = env_socket(e, SERVER, 0);
	set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	EXPECT_EQ(-EINVAL, RET(do_bind(fd, mapped_loopback(0))));
	/* once bound the answer is given */
	int off = 0;
	EXPECT_EQ(-EINVAL, RET(setsockopt(lfd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off))));
}

TEST_F(v6, mapped)
{
	struct env *e = &self->e;
	int fd = bound(e, mapped_loopback(4711));
	union sa a = local_name(fd), want = mapped_loopback(4711);

	EXPECT_TRUE(sa_same(&want, &a));
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(v4_socket(e), sa_loopback(AF_INET, 4711))));
	/* the IPv6 loopback is another address */
	fd = env_socket(e, SERVER, 0);
	EXPECT_EQ(0, RET(do_bind(fd, sa_loopback(AF_INET6, 4711))));
}

TEST_F(v6, link_local_needs_a_scope)
{
	struct env *e = &self->e;
	union sa a = sa_any(AF_INET6, 4711);
	int fd = env_socket(e, SERVER, 0);

	a.in6.sin6_addr = (struct in6_addr){ { { 0xfe, 0x80, [15] = 1 } } };
	EXPECT_EQ(-EINVAL, RET(do_bind(fd, a)));
	a.in6.sin6_scope_id = 9999;
	EXPECT_EQ(-ENODEV, RET(do_bind(fd, a)));
}

/* A sockaddr of the other family: TCP refuses, a Rill socket turns. */
DIFFERENTIAL(own, RILL_LO);

TEST_F(own, family_of_the_socket_is_taken)
{
	struct env *e = &self->e;
	union sa a = env_addr(e, SERVER, 4711), want = a, got;
	socklen_t len = sa_len(&a);
	int fd = env_socket(e, SERVER, 0);

	a.sa.sa_family = rill_family();
	EXPECT_EQ(0, RET(bind(fd, &a.sa, len)));
	got = local_name(fd);
	EXPECT_TRUE(sa_same(&want, &got));
	ASSERT_EQ(0, listen(fd, 1));
	fd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(0, RET(connect(fd, &a.sa, len)));
	got = peer_name(fd);
	EXPECT_TRUE(sa_same(&want, &got));
}

TEST_F(own, family_of_the_socket_with_other_lengths)
{
	struct env *e = &self->e;
	union sa a = env_addr(e, SERVER, 0);
	socklen_t len, whole = sa_len(&a);

	a.sa.sa_family = rill_family();
	for (len = 0; len <= sizeof(a.ss); len++) {
		int fd = env_socket(e, SERVER, 0);
		long r = RET(bind(fd, &a.sa, len));

		if (len < sizeof(a.in)) {
			EXPECT_EQ(-EINVAL, r)
				TH_LOG("length %u", len);
		} else if (len == whole) {
			EXPECT_EQ(0, r)
				TH_LOG("length %u", len);
		}
		close(fd);
	}
}

TEST_F(own, unbound_name)
{
	struct env *e = &self->e;
	union sa a = local_name(env_socket(e, CLIENT, 0)), want = sa_any(e->fam->af, 0);

	EXPECT_TRUE(sa_same(&want, &a));
}

TEST_F(own, protocol_0_turns_v6)
{
	int fd = socket(rill_family(), SOCK_STREAM, 0);
	union sa want = sa_loopback(AF_INET6, 4711), got;

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, RET(do_bind(fd, want)));
	got = local_name(fd);
	EXPECT_TRUE(sa_same(&want, &got));
}

TEST_F(own, protocol_0_connects_to_v6)
{
	int lfd = socket(rill_family(), SOCK_STREAM, 1), fd;
	union sa at = sa_loopback(AF_INET6, 4711), got;

	ASSERT_EQ(0, do_bind(lfd, at));
	ASSERT_EQ(0, listen(lfd, 1));
	fd = socket(rill_family(), SOCK_STREAM, 0);
	ASSERT_EQ(0, RET(do_connect(fd, at)));
	got = peer_name(fd);
	EXPECT_TRUE(sa_same(&at, &got));
	got = local_name(fd);
	EXPECT_EQ(AF_INET6, got.sa.sa_family);
}

TEST_HARNESS_MAIN
