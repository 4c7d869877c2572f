// SPDX-License-Identifier: GPL-2.0
/*
 * Options that decide who gets a connection: DEFER_ACCEPT, REUSEPORT with its
 * BPF programs, devices, marks; what a child inherits; and how ports are drawn.
 */
#include "kselftest_harness.h"

#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/rill.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>

#include "lib.h"

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX	62
#endif
#define LISTENERS		4

DIFFERENTIAL(listener, OVER_LO);

static int connected(const struct env *e, union sa at)
{
	int fd = env_socket(e, CLIENT, 0);

	if (do_connect(fd, at))
		fatal("connect");
	return fd;
}

static int try_accept(int lfd)
{
	int fd;

	set_nonblock(lfd, true);
	fd = accept(lfd, NULL, NULL);
	set_nonblock(lfd, false);
	return fd;
}

/* ---------------------------------------------------------- DEFER_ACCEPT */

/* Seconds become tries of TCP's: what is read back is when the last one ends. */
TEST_F(listener, defer_rounds_up)
{
	static const int pairs[][2] = {
		{ 0, 0 }, { -5, 0 }, { 1, 1 }, { 2, 3 }, { 3, 3 }, { 4, 7 }, { 7, 7 },
		{ 30, 31 }, { 100, 127 }, { 128, 247 }, { 1 << 30, 29887 },
	};
	int fd = env_socket(&self->e, SERVER, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, pairs[i][0]);
		EXPECT_EQ(pairs[i][1], get_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT))
			TH_LOG("%d", pairs[i][0]);
	}
}

TEST_F(listener, deferred_until_data)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 5, &at), quiet, loud, fd;
	char c = 0;

	set_int(lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 100);
	quiet = connected(e, at);
	loud = connected(e, at);
	EXPECT_EQ(-EAGAIN, RET(try_accept(lfd)));
	EXPECT_EQ(0, revents(lfd));
	send_all(loud, "x", 1);
	ASSERT_EQ(POLLIN, wait_events(lfd, POLLIN));
	fd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, fd);
	recv_all(fd, &c, 1);
	EXPECT_EQ('x', c);
	/* the other one is still not there, and comes when it says something */
	EXPECT_EQ(-EAGAIN, RET(try_accept(lfd)));
	send_all(quiet, "y", 1);
	fd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, fd);
	recv_all(fd, &c, 1);
	EXPECT_EQ('y', c);
}

/* Who has nothing to say and goes has said it; who resets was never there. */
TEST_F(listener, deferred_until_fin_or_reset)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 5, &at), fd;
	char c;

	set_int(lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 100);
	reset_close(connected(e, at));
	fd = connected(e, at);
	ASSERT_EQ(0, shutdown(fd, SHUT_WR));
	fd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, RET(recv(fd, &c, 1, 0)));
	EXPECT_EQ(-EAGAIN, RET(try_accept(lfd)));
}

TEST_F(listener, deferred_for_a_time)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 5, &at), fd;
	int64_t start = now_ms();

	set_int(lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
	connected(e, at);
	ASSERT_EQ(POLLIN, wait_events(lfd, POLLIN));
	EXPECT_LE(900, now_ms() - start);
	fd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, fd);
	EXPECT_EQ(POLLOUT, revents(fd));
}

/* A listener that goes takes those who wait with it. */
TEST_F(listener, deferred_and_closed)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 5, &at), fd;
	char c;
	long r;

	set_int(lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 100);
	fd = connected(e, at);
	close(lfd);
	/* TCP's client hears of it when it speaks, Rill's at once */
	r = RET(send(fd, "x", 1, MSG_NOSIGNAL));
	EXPECT_EQ(-ECONNRESET, r == 1 ? RET(recv(fd, &c, 1, 0)) : r);
}

/* ------------------------------------------------------------- REUSEPORT */

static int set_reuseport(const struct env *e, int fd, int on)
{
	return differs(e, 6) ? setsockopt(fd, SOL_RILL, RILL_REUSEPORT, &on, sizeof(on)) :
			      setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

/* A group of listeners on one port; *at: where. */
static void open_group(const struct env *e, int *lfd, union sa *at)
{
	int i;

	*at = env_addr(e, SERVER, 0);
	for (i = 0; i < LISTENERS; i++) {
		lfd[i] = env_socket(e, SERVER, 0);
		if (set_reuseport(e, lfd[i], 1) || do_bind(lfd[i], *at) || listen(lfd[i], 100))
			fatal("reuseport");
		*at = local_name(lfd[i]);
	}
}

/* Connects n clients; how many each listener of the group got. */
static void spread(const struct env *e, int *lfd, union sa at, int n, int *got)
{
	int i, fd;

	memset(got, 0, LISTENERS * sizeof(*got));
	while (n--) {
		int cfd = connected(e, at), left = 0;

		for (fd = -1; fd < 0; ) {
			for (i = 0; i < LISTENERS && fd < 0; i++)
				if (lfd[i] >= 0 && (fd = try_accept(lfd[i])) >= 0)
					got[i]++;
			if (fd < 0 && left++ > PATIENCE)
				fatal("nobody got the connection");
			if (fd < 0)
				breathe();
		}
		reset_close(fd);
		reset_close(cfd);
	}
}

TEST_F(listener, reuseport_asks_all)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711);
	int a = env_socket(e, SERVER, 0), b = env_socket(e, SERVER, 0);

	ASSERT_EQ(0, set_reuseport(e, a, 1));
	ASSERT_EQ(0, do_bind(a, at));
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(b, at)));
	ASSERT_EQ(0, set_reuseport(e, b, 1));
	EXPECT_EQ(0, RET(do_bind(b, at)));
	ASSERT_EQ(0, listen(a, 1));
	EXPECT_EQ(0, RET(listen(b, 1)));
	/* another user's is another's */
	b = env_socket(e, SERVER, 0);
	ASSERT_EQ(0, set_reuseport(e, b, 1));
	ASSERT_EQ(0, fchown(b, 1000, 1000));
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(b, at)));
}

TEST_F(listener, reuseport_spreads)
{
	struct env *e = &self->e;
	int lfd[LISTENERS], got[LISTENERS], i;
	union sa at;

	open_group(e, lfd, &at);
	/* 15 each; that one gets less than 2 has a chance below 1e-5 */
	spread(e, lfd, at, 60, got);
	for (i = 0; i < LISTENERS; i++) {
		EXPECT_LE(2, got[i])
			TH_LOG("listener %d", i);
	}
	/* one goes, the others go on */
	close(lfd[1]);
	lfd[1] = -1;
	spread(e, lfd, at, 12, got);
	EXPECT_EQ(12, got[0] + got[2] + got[3]);
}

static int attach_cbpf(int fd, uint32_t answer)
{
	struct sock_filter code[] = { { BPF_RET | BPF_K, 0, 0, answer } };
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog, sizeof(prog));
}

TEST_F(listener, reuseport_cbpf)
{
	struct env *e = &self->e;
	int lfd[LISTENERS], got[LISTENERS];
	union sa at;

	EXPECT_EQ(-EINVAL, RET(attach_cbpf(env_socket(e, SERVER, 0), 0)));
	open_group(e, lfd, &at);
	EXPECT_EQ(-ENOENT, RET(setsockopt(lfd[0], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &(int){ 0 },
					  sizeof(int))));
	ASSERT_EQ(0, RET(attach_cbpf(lfd[0], 2)));
	spread(e, lfd, at, 8, got);
	EXPECT_EQ(8, got[2]);
	/* any of the group may attach another */
	ASSERT_EQ(0, RET(attach_cbpf(lfd[3], 0)));
	spread(e, lfd, at, 4, got);
	EXPECT_EQ(4, got[0]);
	/* who is not there is not chosen: back to the hash */
	ASSERT_EQ(0, RET(attach_cbpf(lfd[3], 77)));
	spread(e, lfd, at, 4, got);
	EXPECT_EQ(4, got[0] + got[1] + got[2] + got[3]);
	EXPECT_EQ(0, RET(setsockopt(lfd[1], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &(int){ 0 },
				    sizeof(int))));
}

static int load_filter(int type, int answer)
{
	struct bpf_insn code[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, answer },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	union bpf_attr attr = {
		.prog_type = type,
		.insn_cnt = ARRAY_SIZE(code),
		.insns = (uintptr_t)code,
		.license = (uintptr_t)"GPL",
	};

	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

TEST_F(listener, reuseport_ebpf)
{
	struct env *e = &self->e;
	int lfd[LISTENERS], got[LISTENERS], prog = load_filter(BPF_PROG_TYPE_SOCKET_FILTER, 1);
	union sa at;

	if (prog < 0)
		SKIP(return, "no bpf()");
	open_group(e, lfd, &at);
	ASSERT_EQ(0, RET(setsockopt(lfd[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &prog,
				    sizeof(prog))));
	spread(e, lfd, at, 8, got);
	EXPECT_EQ(8, got[1]);
}

/* ------------------------------------------------------------------ ports */

/* bind() to any port draws one that nobody has, whatever could be shared. */
TEST_F(listener, any_port_is_a_free_one)
{
	struct env *e = &self->e;
	uint32_t seen = 0;
	int i, fd;

	ASSERT_TRUE(put_file("/proc/sys/net/ipv4/ip_local_port_range", "42000 42015"));
	for (i = 0; i < 16; i++) {
		union sa a;

		fd = env_socket(e, SERVER, 0);
		set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		ASSERT_EQ(0, set_reuseport(e, fd, 1));
		ASSERT_EQ(0, RET(do_bind(fd, env_addr(e, SERVER, 0))));
		a = local_name(fd);
		seen |= 1U << (port_of(&a) - 42000);
	}
	EXPECT_EQ(0xffffU, seen);
	fd = env_socket(e, SERVER, 0);
	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(fd, env_addr(e, SERVER, 0))));
	/* ... unless the administrator says so */
	ASSERT_TRUE(put_file("/proc/sys/net/ipv4/ip_autobind_reuse", "1"));
	EXPECT_EQ(0, RET(do_bind(fd, env_addr(e, SERVER, 0))));
}

TEST_F(listener, address_without_port)
{
	struct env *e = &self->e;
	union sa at, a, want = env_addr(e, CLIENT, 0);
	int lfd = env_listen(e, 5, &at), fd = env_socket(e, CLIENT, 0);

	set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	ASSERT_EQ(0, RET(do_bind(fd, want)));
	a = local_name(fd);
	EXPECT_TRUE(sa_same(&want, &a));
	ASSERT_EQ(0, RET(do_connect(fd, at)));
	a = local_name(fd);
	EXPECT_NE(0, port_of(&a));
	EXPECT_LE(0, accept(lfd, NULL, NULL));
	/* a port that is named is taken all the same */
	fd = env_socket(e, CLIENT, 0);
	set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	ASSERT_EQ(0, RET(do_bind(fd, env_addr(e, CLIENT, 4711))));
	a = local_name(fd);
	EXPECT_EQ(4711, port_of(&a));
}

TEST_F(listener, addresses_of_others)
{
	struct env *e = &self->e;
	bool v4 = e->fam->af == AF_INET;
	static const struct { int v4, v6; } options[] = {
		{ IP_FREEBIND, 78 }, { IP_TRANSPARENT, 75 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		int fd = env_socket(e, SERVER, 0);

		EXPECT_EQ(-EADDRNOTAVAIL, RET(do_bind(fd, sa_foreign(e->fam->af, 0))));
		set_int(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? options[i].v4 : options[i].v6, 1);
		EXPECT_EQ(0, RET(do_bind(fd, sa_foreign(e->fam->af, 0))));
		EXPECT_EQ(0, RET(listen(fd, 1)));
		close(fd);
	}
}

/* ------------------------------------------------- what a child inherits */

static const struct { int level, name, set, child; const char *what; } inherited[] = {
#define ROW(level, name, set, child)	{ level, name, set, child, #name }
	ROW(SOL_SOCKET, SO_KEEPALIVE, 1, 1),
	ROW(SOL_SOCKET, SO_REUSEADDR, 1, 1),
	ROW(SOL_SOCKET, SO_DONTROUTE, 1, 1),
	ROW(SOL_SOCKET, SO_MARK, 0x77, 0x77),
	ROW(SOL_SOCKET, SO_PRIORITY, 5, 0),
	ROW(SOL_SOCKET, SO_RCVLOWAT, 100, 100),
	ROW(SOL_SOCKET, SO_SNDBUF, 30000, 60000),
	ROW(SOL_SOCKET, SO_RCVBUF, 30000, 60000),
	ROW(SOL_SOCKET, SO_BUSY_POLL, 50, 50),
	ROW(SOL_SOCKET, SO_TIMESTAMP, 1, 1),
	ROW(SOL_SOCKET, SO_BINDTOIFINDEX, 1, 1),
	ROW(IPPROTO_TCP, TCP_NODELAY, 1, 1),
	ROW(IPPROTO_TCP, TCP_CORK, 1, 1),
	ROW(IPPROTO_TCP, TCP_KEEPIDLE, 77, 77),
	ROW(IPPROTO_TCP, TCP_KEEPINTVL, 7, 7),
	ROW(IPPROTO_TCP, TCP_KEEPCNT, 3, 3),
	ROW(IPPROTO_TCP, TCP_LINGER2, 5, 5),
	ROW(IPPROTO_TCP, TCP_USER_TIMEOUT, 12345, 12345),
	ROW(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 70000, 70000),
	ROW(IPPROTO_TCP, TCP_INQ, 1, 1),
	ROW(IPPROTO_IP, IP_TOS, 0x48, 0x48),
	ROW(IPPROTO_IP, IP_TTL, 33, 33),
	ROW(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_PMTUDISC_DO),
	ROW(IPPROTO_IP, IP_RECVERR, 1, 1),
	ROW(IPPROTO_IP, IP_FREEBIND, 1, 1),
	ROW(IPPROTO_IP, IP_MINTTL, 3, 3),
	ROW(IPPROTO_IPV6, IPV6_TCLASS, 0x48, 0x48),
	ROW(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 33, 33),
	ROW(IPPROTO_IPV6, IPV6_RECVERR, 1, 1),
	ROW(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, 1),
	ROW(IPPROTO_IPV6, 70 /* IPV6_AUTOFLOWLABEL */, 0, 0),
#undef ROW
};

TEST_F(listener, inheritance)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 0);
	int lfd = env_socket(e, SERVER, 0), fd;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(inherited); i++)
		if (inherited[i].level != IPPROTO_IPV6 || e->fam->af == AF_INET6)
			set_int(lfd, inherited[i].level, inherited[i].name, inherited[i].set);
	ASSERT_EQ(0, RET(do_bind(lfd, at)));
	ASSERT_EQ(0, listen(lfd, 5));
	connected(e, local_name(lfd));
	fd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(inherited); i++)
		if (inherited[i].level != IPPROTO_IPV6 || e->fam->af == AF_INET6) {
			EXPECT_EQ(inherited[i].child,
				  get_int(fd, inherited[i].level, inherited[i].name))
				TH_LOG("%s", inherited[i].what);
		}
}

/* ---------------------------------------------------- devices and marks */

DIFFERENTIAL(far, OVER_VETH);

TEST_F(far, bound_to_a_device)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711);
	int other = env_socket(e, SERVER, 0), lfd = env_socket(e, SERVER, 0), fd;
	char dev[16] = "";
	socklen_t len = sizeof(dev);

	/* the same name twice, told apart by the device alone */
	ASSERT_EQ(0, RET(setsockopt(other, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2)));
	ASSERT_EQ(0, RET(do_bind(other, at)));
	ASSERT_EQ(0, listen(other, 1));
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(env_socket(e, CLIENT, 0), at)));
	ASSERT_EQ(0, RET(setsockopt(lfd, SOL_SOCKET, SO_BINDTODEVICE, "s", 1)));
	ASSERT_EQ(0, RET(do_bind(lfd, at)));
	ASSERT_EQ(0, listen(lfd, 1));
	ASSERT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0), at)));
	fd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, dev, &len));
	EXPECT_STREQ("s", dev);
}

/* Only what carries the mark finds the way back: the SYN-ACK and the child's. */
TEST_F(far, marked)
{
	struct env *e = &self->e;
	bool v4 = e->fam->af == AF_INET;
	union sa at;
	int lfd = env_listen(e, 5, &at), cfd, fd;
	char c = 0;

	env_enter(e, SERVER);
	sh(v4 ? "ip rule add fwmark 7 lookup 100 && ip route add 10.7.0.0/24 dev s table 100 &&"
		" ip route del 10.7.0.0/24 dev s" :
	   "ip -6 rule add fwmark 7 lookup 100 && ip -6 route add fd07::/64 dev s table 100 &&"
	   " ip -6 route del fd07::/64 dev s");
	env_enter(e, CLIENT);
	set_int(lfd, SOL_SOCKET, SO_MARK, 7);
	cfd = env_socket(e, CLIENT, 0);
	ASSERT_EQ(0, RET(do_connect(cfd, at)));
	fd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, fd);
	EXPECT_EQ(7, get_int(fd, SOL_SOCKET, SO_MARK));
	send_all(fd, "x", 1);
	recv_all(cfd, &c, 1);
	EXPECT_EQ('x', c);
}

/* The mark of the SYN, where the administrator wants it. */
TEST_F(far, marked_by_the_packet)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 5, &at), fd;

	env_enter(e, SERVER);
	ASSERT_TRUE(put_file("/proc/sys/net/ipv4/tcp_fwmark_accept", "1"));
	env_enter(e, CLIENT);
	ASSERT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0), at)));
	fd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, fd);
	/* nothing marks it here: it is what the packet has */
	EXPECT_EQ(0, get_int(fd, SOL_SOCKET, SO_MARK));
}

TEST_F(far, dontroute)
{
	struct env *e = &self->e;
	bool v4 = e->fam->af == AF_INET;
	union sa at;
	int fd = env_socket(e, CLIENT, SOCK_NONBLOCK);

	env_listen(e, 5, &at);
	sh(v4 ? "ip route add default via 10.7.0.2" : "ip -6 route add default via fd07::2");
	set_int(fd, SOL_SOCKET, SO_DONTROUTE, 1);
	/* IPv6 does not ask */
	EXPECT_EQ(v4 ? -ENETUNREACH : -EINPROGRESS, RET(do_connect(fd, sa_foreign(e->fam->af, 9))));
	fd = env_socket(e, CLIENT, 0);
	set_int(fd, SOL_SOCKET, SO_DONTROUTE, 1);
	EXPECT_EQ(0, RET(do_connect(fd, at)));
}

TEST_HARNESS_MAIN
