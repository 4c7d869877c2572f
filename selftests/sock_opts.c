// SPDX-License-Identifier: GPL-2.0
/*
 * Socket options: what can be set and read back at each level, limits, lengths,
 * RILL_INFO, and the two options that end a connection to a silent peer.
 */
#include "kselftest_harness.h"

#include <limits.h>
#include <linux/rill.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib.h"

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX	62
#endif

struct opt {
	int level, name;
	const char *what;
	int initial;		/* ANY: the system's business */
	int set, get;		/* what is set and what is read then */
};

#define ANY	INT_MIN
#define OPT(level, name, ...)	{ level, name, #name, __VA_ARGS__ }

static const struct opt socket_opts[] = {
	OPT(SOL_SOCKET, SO_REUSEADDR, 0, 1, 1),
	/* not SO_REUSEPORT: the core keeps it for the internet families; Rill's own
	 * comes at SOL_RILL with the sockets issue */
	OPT(SOL_SOCKET, SO_KEEPALIVE, 0, 7, 1),
	OPT(SOL_SOCKET, SO_DONTROUTE, 0, 1, 1),
	OPT(SOL_SOCKET, SO_PRIORITY, 0, 5, 5),
	OPT(SOL_SOCKET, SO_MARK, 0, 0x1234, 0x1234),
	OPT(SOL_SOCKET, SO_SNDBUF, ANY, 30000, 60000),
	OPT(SOL_SOCKET, SO_SNDBUF, ANY, 1, 4608),		/* SOCK_MIN_SNDBUF */
	OPT(SOL_SOCKET, SO_RCVBUF, ANY, 30000, 60000),
	OPT(SOL_SOCKET, SO_RCVBUF, ANY, 1, 2304),		/* SOCK_MIN_RCVBUF */
	OPT(SOL_SOCKET, SO_RCVBUFFORCE, ANY, 40000000, 0),
	OPT(SOL_SOCKET, SO_RCVLOWAT, 1, 100, 100),
	OPT(SOL_SOCKET, SO_RCVLOWAT, 1, 0, 1),
	OPT(SOL_SOCKET, SO_BINDTOIFINDEX, 0, 1, 1),
	OPT(SOL_SOCKET, SO_INCOMING_CPU, ANY, 0, 0),
};

/* Level IPPROTO_TCP; a Rill socket answers the same at SOL_RILL. */
static const struct opt transport_opts[] = {
	OPT(IPPROTO_TCP, TCP_NODELAY, 0, 1, 1),
	OPT(IPPROTO_TCP, TCP_NODELAY, 0, 0, 0),
	OPT(IPPROTO_TCP, TCP_CORK, 0, 1, 1),
	OPT(IPPROTO_TCP, TCP_KEEPIDLE, 7200, 1, 1),
	OPT(IPPROTO_TCP, TCP_KEEPIDLE, 7200, 32767, 32767),
	OPT(IPPROTO_TCP, TCP_KEEPINTVL, 75, 9, 9),
	OPT(IPPROTO_TCP, TCP_KEEPCNT, 9, 127, 127),
	OPT(IPPROTO_TCP, TCP_SYNCNT, ANY, 3, 3),
	OPT(IPPROTO_TCP, TCP_LINGER2, 60, 30, 30),
	OPT(IPPROTO_TCP, TCP_LINGER2, 60, -5, -1),
	OPT(IPPROTO_TCP, TCP_LINGER2, 60, 121, 120),
	OPT(IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 12345, 12345),
	OPT(IPPROTO_TCP, TCP_NOTSENT_LOWAT, ANY, 70000, 70000),
};

static const struct { int name, value; const char *what; } refused[] = {
	{ TCP_KEEPIDLE, 0, "KEEPIDLE" }, { TCP_KEEPIDLE, 32768, "KEEPIDLE" },
	{ TCP_KEEPIDLE, -1, "KEEPIDLE" }, { TCP_KEEPIDLE, INT_MIN, "KEEPIDLE" },
	{ TCP_KEEPINTVL, 0, "KEEPINTVL" }, { TCP_KEEPINTVL, 32768, "KEEPINTVL" },
	{ TCP_KEEPCNT, 0, "KEEPCNT" }, { TCP_KEEPCNT, 128, "KEEPCNT" },
	{ TCP_SYNCNT, 0, "SYNCNT" }, { TCP_SYNCNT, 128, "SYNCNT" },
	{ TCP_MAXSEG, 87, "MAXSEG" }, { TCP_MAXSEG, 32768, "MAXSEG" },
	{ TCP_MAXSEG, -1, "MAXSEG" }, { TCP_USER_TIMEOUT, -1, "USER_TIMEOUT" },
	{ TCP_USER_TIMEOUT, INT_MIN, "USER_TIMEOUT" },
};

DIFFERENTIAL(opts, OVER_LO);

#define CHECK_TABLE(table, LEVEL) do { \
	for (size_t i_ = 0; i_ < ARRAY_SIZE(table); i_++) { \
		const struct opt *o = &(table)[i_]; \
		int level = (LEVEL) ? (LEVEL) : o->level; \
		int fd = env_socket(&self->e, CLIENT, 0), v = -77; \
		socklen_t len = sizeof(v); \
		\
		if (o->initial != ANY) { \
			EXPECT_EQ(0, RET(getsockopt(fd, level, o->name, &v, &len))) \
				TH_LOG("%s", o->what); \
			EXPECT_EQ(o->initial, v) TH_LOG("%s at first", o->what); \
			EXPECT_EQ(sizeof(v), len) TH_LOG("%s", o->what); \
		} \
		EXPECT_EQ(0, RET(setsockopt(fd, level, o->name, &o->set, sizeof(int)))) \
			TH_LOG("%s = %d", o->what, o->set); \
		if (o->name != SO_RCVBUFFORCE || level != SOL_SOCKET) { \
			EXPECT_EQ(0, RET(getsockopt(fd, level, o->name, &v, &len))) \
				TH_LOG("%s", o->what); \
			EXPECT_EQ(o->get, v) TH_LOG("%s = %d", o->what, o->set); \
		} \
		close(fd); \
	} \
} while (0)

TEST_F(opts, socket_level)
{
	CHECK_TABLE(socket_opts, 0);
}

TEST_F(opts, transport_level)
{
	CHECK_TABLE(transport_opts, 0);
}

TEST_F(opts, transport_level_by_its_own_name)
{
	if (self->e.fam->rill)
		CHECK_TABLE(transport_opts, SOL_RILL);
}

TEST_F(opts, refused_values)
{
	int fd = env_socket(&self->e, CLIENT, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		EXPECT_EQ(-EINVAL, RET(setsockopt(fd, IPPROTO_TCP, refused[i].name,
						  &refused[i].value, sizeof(int))))
			TH_LOG("%s = %d", refused[i].what, refused[i].value);
	}
}

TEST_F(opts, ip_level)
{
	bool v4 = self->e.fam->af == AF_INET;
	int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	int ttl = v4 ? IP_TTL : IPV6_UNICAST_HOPS, tos = v4 ? IP_TOS : IPV6_TCLASS;
	int fd = env_socket(&self->e, CLIENT, 0), v;

	EXPECT_EQ(64, get_int(fd, level, ttl));
	set_int(fd, level, ttl, 33);
	EXPECT_EQ(33, get_int(fd, level, ttl));
	v = 256;
	EXPECT_EQ(-EINVAL, RET(setsockopt(fd, level, ttl, &v, sizeof(v))));
	EXPECT_EQ(0, get_int(fd, level, tos));
	/* the two ECN bits are the transport's, not the program's */
	set_int(fd, level, tos, 0xb8 | 3);
	EXPECT_EQ(0xb8, get_int(fd, level, tos));
	EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(fd, level, 9999, &v, sizeof(v))));
}

TEST_F(opts, path_mtu)
{
	bool v4 = self->e.fam->af == AF_INET;
	int level = v4 ? IPPROTO_IP : IPPROTO_IPV6, name = v4 ? IP_MTU : IPV6_MTU;
	int pair[2], v, fd = env_socket(&self->e, CLIENT, 0);

	EXPECT_EQ(-ENOTCONN, RET(getsockopt(fd, level, name, &v, &(socklen_t){ 4 })));
	env_pair(&self->e, pair);
	/* lo's 64 KiB; IPv4 has no packet of that size */
	EXPECT_EQ(v4 ? 65535 : 65536, get_int(pair[CLIENT], level, name));
}

TEST_F(opts, maxseg)
{
	int pair[2], fd = env_socket(&self->e, CLIENT, 0);

	set_int(fd, IPPROTO_TCP, TCP_MAXSEG, 1000);
	env_pair(&self->e, pair);
	/* of a connection: what a packet carries */
	EXPECT_LE(500, get_int(pair[CLIENT], IPPROTO_TCP, TCP_MAXSEG));
	EXPECT_GE(65536, get_int(pair[CLIENT], IPPROTO_TCP, TCP_MAXSEG));
}

TEST_F(opts, congestion)
{
	int fd = env_socket(&self->e, CLIENT, 0);
	char name[32] = "";
	socklen_t len = sizeof(name);

	ASSERT_EQ(0, RET(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len)));
	if (differs(&self->e, 12)) {
		EXPECT_STREQ("cubic", name);
	}
	EXPECT_EQ(0, RET(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4)));
	len = sizeof(name);
	ASSERT_EQ(0, RET(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len)));
	EXPECT_STREQ("reno", name);
	EXPECT_EQ(-ENOENT, RET(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "bogus", 5)));
	EXPECT_EQ(-EINVAL, RET(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "", 0)));
	EXPECT_EQ(-EFAULT, RET(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, NULL, 4)));
	/* a buffer too short for the name gets its beginning */
	len = 2;
	memset(name, '-', sizeof(name));
	ASSERT_EQ(0, RET(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len)));
	EXPECT_EQ(2, len);
	EXPECT_EQ(0, memcmp(name, "re-", 3));
}

TEST_F(opts, unknown)
{
	static const int names[] = { -1, 0, 200, 9999, INT_MAX, INT_MIN };
	int fd = env_socket(&self->e, CLIENT, 0), v = 1;
	socklen_t len = sizeof(v);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(fd, IPPROTO_TCP, names[i], &v, 4)))
			TH_LOG("%d", names[i]);
		EXPECT_EQ(-ENOPROTOOPT, RET(getsockopt(fd, IPPROTO_TCP, names[i], &v, &len)))
			TH_LOG("%d", names[i]);
	}
	/* a level nobody has */
	EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(fd, 0x7777, 1, &v, sizeof(v))));
	len = sizeof(v);
	EXPECT_NE(0, getsockopt(fd, 0x7777, 1, &v, &len));
}

TEST_F(opts, set_lengths)
{
	int fd = env_socket(&self->e, CLIENT, 0), v[1024] = { 1 }, len;
	size_t page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, (void *)map);
	ASSERT_EQ(0, mprotect(map + page, page, PROT_NONE));
	for (len = 0; len < 4; len++) {
		EXPECT_EQ(-EINVAL, RET(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, v, len)))
			TH_LOG("length %d", len);
	}
	EXPECT_EQ(0, RET(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, v, sizeof(v))));
	EXPECT_EQ(-EINVAL, RET(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, v, -1)));
	EXPECT_EQ(-EINVAL, RET(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, v, INT_MIN)));
	EXPECT_EQ(-EFAULT, RET(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, NULL, 4)));
	EXPECT_EQ(0, RET(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, map + page - 4, 4)));
	EXPECT_EQ(-EFAULT, RET(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, map + page - 3, 4)));
}

/* A getter writes no more than it was given room for, and says how much. */
TEST_F(opts, get_lengths)
{
	int fd = env_socket(&self->e, CLIENT, 0);
	unsigned char buf[64];
	socklen_t len, in;

	set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 0x1234);
	for (in = 0; in <= 32; in++) {
		socklen_t want = in < 4 ? in : 4;

		memset(buf, 0xa5, sizeof(buf));
		len = in;
		EXPECT_EQ(0, RET(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, buf, &len)))
			TH_LOG("length %u", in);
		EXPECT_EQ(want, len);
		EXPECT_EQ(0, memcmp(buf, &(int){ 0x1234 }, want));
		EXPECT_EQ(0xa5, buf[want]);
	}
	len = -1;
	EXPECT_EQ(-EINVAL, RET(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, buf, &len)));
	len = 4;
	EXPECT_EQ(-EFAULT, RET(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, NULL, &len)));
	EXPECT_EQ(-EFAULT, RET(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, buf, NULL)));
}

/*
 * Every name in a range, read with every length into painted memory: all that
 * is said to be written is written, nothing after it, and what there is no
 * answer for is ENOPROTOOPT.  TCP's own answers are more varied.
 */
TEST_F(opts, every_name_read)
{
	static const int levels[] = { IPPROTO_TCP, SOL_RILL, IPPROTO_IP, IPPROTO_IPV6 };
	struct env *e = &self->e;
	unsigned char a[600], b[600];
	int pair[2], name;
	size_t l, in, i;

	env_pair(e, pair);
	for (l = 0; l < ARRAY_SIZE(levels); l++)
	for (name = -1; name <= 300; name++)
	for (in = 0; in <= 512; in = in < 8 ? in + 1 : in * 2) {
		socklen_t la = in, lb = in;
		long ra, rb;

		memset(a, 0xa5, sizeof(a));
		memset(b, 0x5a, sizeof(b));
		ra = RET(getsockopt(pair[CLIENT], levels[l], name, a, &la));
		rb = RET(getsockopt(pair[CLIENT], levels[l], name, b, &lb));
		ASSERT_EQ(ra, rb) TH_LOG("level %d name %d", levels[l], name);
		if (ra < 0) {
			if (e->fam->rill && levels[l] == SOL_RILL && ra != -EINVAL) {
				ASSERT_EQ(-ENOPROTOOPT, ra) TH_LOG("name %d", name);
			}
			continue;
		}
		/* some of IP's say how much there would have been */
		if (levels[l] == IPPROTO_TCP || levels[l] == SOL_RILL) {
			ASSERT_GE(in, la) TH_LOG("level %d name %d", levels[l], name);
		}
		if (!e->fam->rill)
			continue;
		ASSERT_EQ(0xa5, a[in]) TH_LOG("level %d name %d", levels[l], name);
		for (i = 0; i < la && i < in; i++) {
			ASSERT_FALSE(a[i] == 0xa5 && b[i] == 0x5a)
				TH_LOG("level %d name %d: byte %zu of %u not written",
				       levels[l], name, i, la);
		}
	}
	send_all(pair[CLIENT], "x", 1);
	recv_all(pair[SERVER], a, 1);
}

/* The same for setting: garbage of every length harms nothing. */
TEST_F(opts, every_name_set)
{
	static const int levels[] = { IPPROTO_TCP, SOL_RILL };
	struct env *e = &self->e;
	uint64_t seed = test_seed();
	unsigned char v[256];
	int pair[2], name;
	size_t l, len, i;

	for (l = 0; l < ARRAY_SIZE(levels); l++)
	for (name = -1; name <= 300; name++)
	for (len = 0; len <= sizeof(v); len = len < 8 ? len + 1 : len * 2) {
		int fd = env_socket(e, CLIENT, 0);
		long r;

		for (i = 0; i < len; i++)
			v[i] = rnd(&seed);
		r = RET(setsockopt(fd, levels[l], name, v, len));
		/* too short for a number is EINVAL whatever the name, as TCP has it */
		if (e->fam->rill && levels[l] == SOL_RILL && (name < 1 || name > 255)) {
			ASSERT_EQ(len < 4 ? -EINVAL : -ENOPROTOOPT, r) TH_LOG("name %d length %zu", name, len);
		}
		close(fd);
	}
	env_pair(e, pair);
	send_all(pair[CLIENT], "x", 1);
	recv_all(pair[SERVER], v, 1);
}

TEST_F(opts, info)
{
	struct tcp_info info;
	socklen_t len = sizeof(info), in;
	unsigned char raw[400];
	char buf[1000] = "";
	int pair[2];

	env_pair(&self->e, pair);
	send_all(pair[CLIENT], buf, sizeof(buf));
	recv_all(pair[SERVER], buf, sizeof(buf));
	send_all(pair[SERVER], buf, 1);
	recv_all(pair[CLIENT], buf, 1);
	ASSERT_EQ(0, queue_becomes(pair[CLIENT], SIOCOUTQ, 0));
	memset(&info, 0xa5, sizeof(info));
	ASSERT_EQ(0, RET(getsockopt(pair[CLIENT], IPPROTO_TCP, TCP_INFO, &info, &len)));
	EXPECT_LE(offsetof(struct rill_info, rill_carrier), len);
	EXPECT_EQ(1, info.tcpi_state);
	EXPECT_EQ(0, info.tcpi_ca_state);
	EXPECT_LT(0, info.tcpi_rtt);
	EXPECT_GT(60000000, info.tcpi_rtt);
	EXPECT_LT(0, info.tcpi_rto);
	EXPECT_LT(0, info.tcpi_snd_cwnd);
	EXPECT_LE(500, info.tcpi_snd_mss);
	EXPECT_LE(500, info.tcpi_pmtu);
	EXPECT_EQ(0, info.tcpi_unacked);
	EXPECT_EQ(0, info.tcpi_notsent_bytes);
	/* TCP's SYN counts as a byte, ours does not exist */
	EXPECT_EQ(sizeof(buf) + !differs(&self->e, 4), info.tcpi_bytes_acked);
	EXPECT_EQ(1, info.tcpi_bytes_received);
	EXPECT_EQ(sizeof(buf), info.tcpi_bytes_sent);
	EXPECT_LT(0, info.tcpi_segs_out);
	EXPECT_LT(0, info.tcpi_segs_in);
	EXPECT_EQ(0, info.tcpi_total_retrans);
	/* every shorter buffer gets a prefix */
	for (in = 0; in < 250; in += 13) {
		memset(raw, 0xa5, sizeof(raw));
		len = in;
		ASSERT_EQ(0, RET(getsockopt(pair[CLIENT], IPPROTO_TCP, TCP_INFO, raw, &len)));
		ASSERT_GE(in, len);
		EXPECT_EQ(0xa5, raw[in]);
	}
}

TEST_F(opts, info_of_a_listener)
{
	struct env *e = &self->e;
	struct tcp_info info = { };
	union sa at;
	int lfd = env_listen(e, 5, &at);
	socklen_t len = sizeof(info);

	ASSERT_EQ(0, do_connect(env_socket(e, CLIENT, 0), at));
	ASSERT_EQ(POLLIN, wait_events(lfd, POLLIN));
	ASSERT_EQ(0, RET(getsockopt(lfd, IPPROTO_TCP, TCP_INFO, &info, &len)));
	EXPECT_EQ(10, info.tcpi_state);
	EXPECT_EQ(1, info.tcpi_unacked);
	EXPECT_EQ(5, info.tcpi_sacked);
}

TEST_F(opts, identity)
{
	uint64_t one = 0, two = 0;
	socklen_t len = 8;
	int a = env_socket(&self->e, CLIENT, 0), b = env_socket(&self->e, CLIENT, 0);

	ASSERT_EQ(0, getsockopt(a, SOL_SOCKET, SO_COOKIE, &one, &len));
	ASSERT_EQ(0, getsockopt(b, SOL_SOCKET, SO_COOKIE, &two, &len));
	EXPECT_NE(0, one);
	EXPECT_NE(one, two);
	EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(a, SOL_SOCKET, SO_TYPE, &one, 4)));
	EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(a, SOL_SOCKET, SO_DOMAIN, &one, 4)));
	EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(a, SOL_SOCKET, SO_ERROR, &one, 4)));
	EXPECT_EQ(0, RET(setsockopt(a, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3)));
	EXPECT_EQ(-ENODEV, RET(setsockopt(a, SOL_SOCKET, SO_BINDTODEVICE, "nosuch", 7)));
}

/* Programs compiled for TCP_INFO read rill_info: the offsets are a contract. */
TEST_F(opts, info_layout)
{
#define SAME(f)	EXPECT_EQ(offsetof(struct tcp_info, tcpi_##f), \
			  offsetof(struct rill_info, tcpi_##f))
	SAME(state); SAME(rto); SAME(snd_mss); SAME(unacked); SAME(last_data_sent);
	SAME(pmtu); SAME(rtt); SAME(rttvar); SAME(snd_cwnd); SAME(advmss);
	SAME(rcv_space); SAME(total_retrans); SAME(pacing_rate); SAME(bytes_acked);
	SAME(segs_out); SAME(notsent_bytes); SAME(min_rtt); SAME(delivery_rate);
	SAME(busy_time); SAME(sndbuf_limited); SAME(delivered); SAME(bytes_sent);
	SAME(dsack_dups); SAME(reord_seen); SAME(rcv_ooopack); SAME(snd_wnd);
#undef SAME
}

/* ------------------------------------------------------- a silent peer */

DIFFERENTIAL(silence, OVER_VETH);

/* From now on nothing comes back from the server: its route to us is a hole.
 * The neighbours stay, so that no ARP failure tells the client more. */
static void fall_silent(const struct env *e)
{
	env_enter(e, SERVER);
	sh(e->fam->af == AF_INET ? "ip route add blackhole 10.7.0.1/32" :
	   "ip -6 route add blackhole fd07::1/128");
	env_enter(e, CLIENT);
}

TEST_F_TIMEOUT(silence, keepalive, SLOW_TEST)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	set_int(pair[CLIENT], IPPROTO_TCP, TCP_KEEPIDLE, 1);
	set_int(pair[CLIENT], IPPROTO_TCP, TCP_KEEPINTVL, 1);
	set_int(pair[CLIENT], IPPROTO_TCP, TCP_KEEPCNT, 2);
	set_int(pair[CLIENT], SOL_SOCKET, SO_KEEPALIVE, 1);
	/* as long as it is answered it ends nothing: more time than it takes to
	 * die without an answer, which is what is measured here */
	set_timeo(pair[CLIENT], SO_RCVTIMEO, 5000);
	EXPECT_EQ(-EAGAIN, RET(recv(pair[CLIENT], &c, 1, 0)));
	set_timeo(pair[CLIENT], SO_RCVTIMEO, 0);
	fall_silent(&self->e);
	EXPECT_EQ(-ETIMEDOUT, RET(recv(pair[CLIENT], &c, 1, 0)));
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
	EXPECT_EQ(-EPIPE, RET(send(pair[CLIENT], "x", 1, MSG_NOSIGNAL)));
}

TEST_F_TIMEOUT(silence, user_timeout, SLOW_TEST)
{
	int pair[2];
	char c;
	int64_t start;

	env_pair(&self->e, pair);
	set_int(pair[CLIENT], IPPROTO_TCP, TCP_USER_TIMEOUT, 1500);
	fall_silent(&self->e);
	start = now_ms();
	send_all(pair[CLIENT], "x", 1);
	EXPECT_EQ(-ETIMEDOUT, RET(recv(pair[CLIENT], &c, 1, 0)));
	EXPECT_LE(1400, now_ms() - start);
}

/* Silence alone ends nothing: data gets through when the path is back. */
TEST_F_TIMEOUT(silence, survived, SLOW_TEST)
{
	struct env *e = &self->e;
	int pair[2];
	char c;

	env_pair(e, pair);
	fall_silent(e);
	send_all(pair[CLIENT], "x", 1);
	recv_all(pair[SERVER], &c, 1);		/* arrives; the answer does not */
	env_enter(e, SERVER);
	sh(e->fam->af == AF_INET ? "ip route del blackhole 10.7.0.1/32" :
	   "ip -6 route del blackhole fd07::1/128");
	env_enter(e, CLIENT);
	EXPECT_EQ(0, queue_becomes(pair[CLIENT], SIOCOUTQ, 0));
	send_all(pair[SERVER], "y", 1);
	recv_all(pair[CLIENT], &c, 1);
	EXPECT_EQ('y', c);
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], &c, 1, MSG_DONTWAIT)));
}

TEST_HARNESS_MAIN
