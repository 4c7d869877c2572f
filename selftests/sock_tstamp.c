// SPDX-License-Identifier: GPL-2.0
/*
 * What a program can be told beside its bytes: when they came (SO_TIMESTAMP and its
 * kin), when they left and arrived (SO_TIMESTAMPING, on the error queue), and how
 * many are left (TCP_INQ).
 */
#include "kselftest_harness.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/rill.h>
#include <linux/tcp.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <time.h>

#include "lib.h"

DIFFERENTIAL(stream, ON_FOUR_PATHS);

/* A control message as recvmsg() gave it; type 0: none. */
struct told {
	int level, type;
	size_t len;		/* of its data */
	union {
		struct timespec ts[3];
		struct timeval tv;
		int val;
	};
};

/* recvmsg() of @len bytes, at most 64: its result, and the first control message. */
static long recv_told(int fd, size_t len, int flags, struct told *t)
{
	char data[64], control[256];
	struct iovec iov = { data, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	long r = RET(recvmsg(fd, &m, flags));
	struct cmsghdr *c = r < 0 ? NULL : CMSG_FIRSTHDR(&m);

	memset(t, 0, sizeof(*t));
	if (!c)
		return r;
	if (CMSG_NXTHDR(&m, c) || m.msg_flags & MSG_CTRUNC)
		fatal("one control message at most");
	t->level = c->cmsg_level;
	t->type = c->cmsg_type;
	t->len = c->cmsg_len - CMSG_LEN(0);
	memcpy(t->ts, CMSG_DATA(c), t->len < sizeof(t->ts) ? t->len : sizeof(t->ts));
	return r;
}

static double seconds(struct timespec ts)
{
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static double clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return seconds(ts);
}

/*
 * Sends bytes one by one until one comes with a stamp: the host begins to stamp a
 * little after it was asked to.  Leaves nothing unread.
 */
static void begin_stamps(const int pair[2])
{
	struct told t = { };
	int64_t end = now_ms() + PATIENCE;

	while (!t.type) {
		if (now_ms() > end)
			fatal("no stamps");
		send_all(pair[CLIENT], "x", 1);
		if (wait_events(pair[SERVER], POLLIN) != POLLIN ||
		    recv_told(pair[SERVER], 1, 0, &t) != 1)
			fatal("recvmsg");
	}
}

/* Sends @n bytes and waits for them. */
static void bring(const int pair[2], const char *bytes, size_t n)
{
	send_all(pair[CLIENT], bytes, n);
	if (queue_becomes(pair[SERVER], FIONREAD, n) != (int)n)
		fatal("%zu bytes did not come", n);
}

TEST_F(stream, when_it_came)
{
	int pair[2];
	double before, when;
	struct told t;

	env_pair(&self->e, pair);
	/* what comes before anyone asks has none */
	bring(pair, "ab", 2);
	set_int(pair[SERVER], SOL_SOCKET, SO_TIMESTAMPNS, 1);
	EXPECT_EQ(2, recv_told(pair[SERVER], 64, 0, &t));
	EXPECT_EQ(0, t.type);

	begin_stamps(pair);
	before = clock_now();
	bring(pair, "abcd", 4);
	EXPECT_EQ(4, recv_told(pair[SERVER], 64, MSG_PEEK, &t));
	EXPECT_EQ(SOL_SOCKET, t.level);
	EXPECT_EQ(SO_TIMESTAMPNS, t.type);
	EXPECT_EQ(sizeof(t.ts[0]), t.len);
	when = seconds(t.ts[0]);
	EXPECT_LE(before, when);
	EXPECT_GE(clock_now(), when);
	/* of the last packet that was read of, to its end or not */
	EXPECT_EQ(3, recv_told(pair[SERVER], 3, 0, &t));
	EXPECT_EQ(SO_TIMESTAMPNS, t.type);
	EXPECT_EQ(when, seconds(t.ts[0]));
	EXPECT_EQ(1, recv_told(pair[SERVER], 3, 0, &t));
	EXPECT_EQ(SO_TIMESTAMPNS, t.type);
	EXPECT_EQ(when, seconds(t.ts[0]));

	set_int(pair[SERVER], SOL_SOCKET, SO_TIMESTAMP, 1);
	bring(pair, "e", 1);
	EXPECT_EQ(1, recv_told(pair[SERVER], 64, 0, &t));
	EXPECT_EQ(SO_TIMESTAMP, t.type);
	EXPECT_EQ(sizeof(t.tv), t.len);
	EXPECT_LE(when, t.tv.tv_sec + t.tv.tv_usec / 1e6 + 1e-6);

	set_int(pair[SERVER], SOL_SOCKET, SO_TIMESTAMP, 0);
	bring(pair, "f", 1);
	EXPECT_EQ(1, recv_told(pair[SERVER], 64, 0, &t));
	EXPECT_EQ(0, t.type);
	/* SIOCGSTAMP is for datagrams */
	EXPECT_EQ(-ENOENT, RET(ioctl(pair[SERVER], SIOCGSTAMPNS, &t.ts)));
}

TEST_F(stream, when_it_came_three_ways)
{
	int pair[2];
	struct told t;

	env_pair(&self->e, pair);
	set_int(pair[SERVER], SOL_SOCKET, SO_TIMESTAMPING,
		SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
	begin_stamps(pair);
	bring(pair, "abcd", 4);
	EXPECT_EQ(4, recv_told(pair[SERVER], 64, 0, &t));
	EXPECT_EQ(SOL_SOCKET, t.level);
	EXPECT_EQ(SO_TIMESTAMPING, t.type);
	EXPECT_EQ(sizeof(t.ts), t.len);
	EXPECT_LE(clock_now() - 60, seconds(t.ts[0]));
	EXPECT_EQ(0, seconds(t.ts[1]));
	EXPECT_EQ(0, seconds(t.ts[2]));
	/* nothing was sent that would be stamped */
	EXPECT_EQ(POLLOUT, revents(pair[SERVER]));
}

TEST_F(stream, how_many_are_left)
{
	struct env *e = &self->e;
	int pair[2], on = 2;
	struct told t;

	env_pair(e, pair);
	EXPECT_EQ(-EINVAL, RET(setsockopt(pair[SERVER], IPPROTO_TCP, TCP_INQ, &on, sizeof(on))));
	set_int(pair[SERVER], IPPROTO_TCP, TCP_INQ, 1);
	EXPECT_EQ(1, get_int(pair[SERVER], IPPROTO_TCP, TCP_INQ));
	EXPECT_EQ(-EAGAIN, recv_told(pair[SERVER], 1, MSG_DONTWAIT, &t));
	bring(pair, "abcdef", 6);
	EXPECT_EQ(2, recv_told(pair[SERVER], 2, 0, &t));
	EXPECT_EQ(IPPROTO_TCP, t.level);
	EXPECT_EQ(TCP_CM_INQ, t.type);
	EXPECT_EQ(sizeof(int), t.len);
	EXPECT_EQ(4, t.val);
	EXPECT_EQ(4, recv_told(pair[SERVER], 64, MSG_PEEK, &t));
	EXPECT_EQ(4, t.val);
	EXPECT_EQ(4, recv_told(pair[SERVER], 64, 0, &t));
	EXPECT_EQ(TCP_CM_INQ, t.type);
	EXPECT_EQ(0, t.val);
	/* at the end one more call would find something: the end */
	shutdown(pair[CLIENT], SHUT_WR);
	EXPECT_EQ(POLLIN, wait_events(pair[SERVER], POLLIN) & POLLIN);
	EXPECT_EQ(0, recv_told(pair[SERVER], 64, 0, &t));
	EXPECT_EQ(TCP_CM_INQ, t.type);
	EXPECT_EQ(1, t.val);
	set_int(pair[SERVER], IPPROTO_TCP, TCP_INQ, 0);
	EXPECT_EQ(0, recv_told(pair[SERVER], 64, 0, &t));
	EXPECT_EQ(0, t.type);
}

/* ------------------------------------------------------------- what is sent */

#define STAMPS	(SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | \
		 SOF_TIMESTAMPING_TX_ACK)
#define REPORT	(SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID)

/* What came of one kind of stamp. */
struct stamp {
	int n;			/* how many */
	uint32_t key;		/* of the last */
	long len;		/* bytes that came with it */
	double when;
};

/* Takes stamps from the error queue until there is one of each kind of @kinds. */
static bool stamps(int fd, unsigned int kinds, struct stamp s[3])
{
	char data[2048], control[512];
	unsigned int seen = 0;
	struct cmsghdr *c;

	memset(s, 0, 3 * sizeof(*s));
	while (seen != kinds) {
		struct iovec iov = { data, sizeof(data) };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				    .msg_controllen = sizeof(control) };
		struct sock_extended_err *ee = NULL;
		struct timespec ts[3] = { };
		long r;

		if (!(wait_events(fd, 0) & POLLERR))
			return false;
		r = RET(recvmsg(fd, &m, MSG_ERRQUEUE));
		if (r < 0 || !(m.msg_flags & MSG_ERRQUEUE))
			return false;
		for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPING)
				memcpy(ts, CMSG_DATA(c), sizeof(ts));
			else if (c->cmsg_type == IP_RECVERR || c->cmsg_type == IPV6_RECVERR)
				ee = (void *)CMSG_DATA(c);
		}
		if (!ee || ee->ee_errno != ENOMSG || ee->ee_info > SCM_TSTAMP_ACK ||
		    ee->ee_origin != SO_EE_ORIGIN_TIMESTAMPING)
			return false;
		s[ee->ee_info].n++;
		s[ee->ee_info].key = ee->ee_data;
		s[ee->ee_info].len = r;
		s[ee->ee_info].when = seconds(ts[0]);
		seen |= 1 << ee->ee_info;
	}
	return true;
}

#define SND	(1 << SCM_TSTAMP_SND)
#define SCHED	(1 << SCM_TSTAMP_SCHED)
#define ACK	(1 << SCM_TSTAMP_ACK)

TEST_F(stream, when_it_left)
{
	int pair[2];
	struct stamp s[3];
	double before;
	char b[64];

	env_pair(&self->e, pair);
	set_int(pair[CLIENT], SOL_SOCKET, SO_TIMESTAMPING,
		STAMPS | REPORT | SOF_TIMESTAMPING_OPT_TSONLY);
	before = clock_now();
	send_all(pair[CLIENT], "0123456789", 10);
	ASSERT_TRUE(stamps(pair[CLIENT], SND | SCHED | ACK, s));
	EXPECT_EQ(9, s[SCM_TSTAMP_SCHED].key);
	EXPECT_EQ(9, s[SCM_TSTAMP_SND].key);
	EXPECT_EQ(9, s[SCM_TSTAMP_ACK].key);
	EXPECT_EQ(0, s[SCM_TSTAMP_SND].len);
	EXPECT_LE(before, s[SCM_TSTAMP_SCHED].when);
	EXPECT_LE(s[SCM_TSTAMP_SCHED].when, s[SCM_TSTAMP_SND].when);
	EXPECT_LE(s[SCM_TSTAMP_SND].when, s[SCM_TSTAMP_ACK].when);
	/* keys count bytes */
	recv_all(pair[SERVER], b, 10);
	send_all(pair[CLIENT], "01234", 5);
	ASSERT_TRUE(stamps(pair[CLIENT], SND | SCHED | ACK, s));
	EXPECT_EQ(14, s[SCM_TSTAMP_ACK].key);
	/* off is off; set again, they begin again */
	set_int(pair[CLIENT], SOL_SOCKET, SO_TIMESTAMPING, 0);
	recv_all(pair[SERVER], b, 5);
	send_all(pair[CLIENT], "x", 1);
	EXPECT_EQ(0, queue_becomes(pair[CLIENT], TIOCOUTQ, 0));
	EXPECT_EQ(POLLOUT, revents(pair[CLIENT]));
	set_int(pair[CLIENT], SOL_SOCKET, SO_TIMESTAMPING,
		SOF_TIMESTAMPING_TX_ACK | REPORT | SOF_TIMESTAMPING_OPT_TSONLY);
	send_all(pair[CLIENT], "abc", 3);
	ASSERT_TRUE(stamps(pair[CLIENT], ACK, s));
	EXPECT_EQ(2, s[SCM_TSTAMP_ACK].key);
	EXPECT_EQ(POLLOUT, become(pair[CLIENT], POLLOUT));
}

/* The packet comes along where only the time was not asked for. */
TEST_F(stream, with_the_packet)
{
	int pair[2];
	struct stamp s[3];

	env_pair(&self->e, pair);
	set_int(pair[CLIENT], SOL_SOCKET, SO_TIMESTAMPING,
		SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
	send_all(pair[CLIENT], "0123456789", 10);
	ASSERT_TRUE(stamps(pair[CLIENT], SND, s));
	EXPECT_LT(10, s[SCM_TSTAMP_SND].len);
	EXPECT_EQ(0, s[SCM_TSTAMP_SND].key);
}

/* A control message asks for one call alone. */
TEST_F(stream, of_one_call)
{
	char control[CMSG_SPACE(sizeof(uint32_t))] = { };
	struct iovec iov = { "abcde", 5 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	uint32_t want = SOF_TIMESTAMPING_TX_ACK;
	struct stamp s[3];
	int pair[2];

	env_pair(&self->e, pair);
	set_int(pair[CLIENT], SOL_SOCKET, SO_TIMESTAMPING, REPORT | SOF_TIMESTAMPING_OPT_TSONLY);
	*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SO_TIMESTAMPING,
			       .cmsg_len = CMSG_LEN(sizeof(want)) };
	memcpy(CMSG_DATA(c), &want, sizeof(want));
	send_all(pair[CLIENT], "abc", 3);
	EXPECT_EQ(5, RET(sendmsg(pair[CLIENT], &m, 0)));
	ASSERT_TRUE(stamps(pair[CLIENT], ACK, s));
	if (!differs(&self->e, 8))	/* counts from setsockopt(), Rill from the first */
		s[SCM_TSTAMP_ACK].key -= 3;
	EXPECT_EQ(4, s[SCM_TSTAMP_ACK].key);
	want = SOF_TIMESTAMPING_SOFTWARE;	/* is no stamp */
	memcpy(CMSG_DATA(c), &want, sizeof(want));
	EXPECT_EQ(-EINVAL, RET(sendmsg(pair[CLIENT], &m, 0)));
	EXPECT_EQ(POLLOUT, become(pair[CLIENT], POLLOUT));
}

/* Every write stamped: each acknowledgement is told, in order. */
TEST_F_TIMEOUT(stream, of_many, SLOW_TEST)
{
	enum { N = 100, SIZE = 4096, BATCH = 10 };	/* the error queue is not long */
	static char b[N * SIZE];
	struct stamp s[3];
	struct task t;
	int pair[2], i;

	env_pair(&self->e, pair);
	set_int(pair[CLIENT], SOL_SOCKET, SO_TIMESTAMPING,
		SOF_TIMESTAMPING_TX_ACK | REPORT | SOF_TIMESTAMPING_OPT_TSONLY);
	t = (struct task){ .fd = pair[SERVER], .buf = b, .len = sizeof(b), .flags = MSG_WAITALL };
	task_start(&t, task_recv);
	for (i = 0; i < N; i++) {
		if (i % BATCH == 0)
			for (int k = 0; k < BATCH; k++)
				ASSERT_EQ(SIZE, RET(send(pair[CLIENT], b, SIZE, MSG_EOR)));
		ASSERT_TRUE(stamps(pair[CLIENT], ACK, s));
		EXPECT_EQ((i + 1) * SIZE - 1, s[SCM_TSTAMP_ACK].key);
	}
	EXPECT_EQ(N * SIZE, task_join(&t));
}

/* ---------------------------------------------------------------- datagrams */

DIFFERENTIAL(dgram, DGRAMS);

TEST_F(dgram, when_it_came_and_left)
{
	struct env *e = &self->e;
	int pair[2] = { env_socket(e, CLIENT, 0), env_socket(e, SERVER, 0) };
	union sa at = env_addr(e, SERVER, 4711);
	struct stamp s[3];
	struct told t;

	ASSERT_EQ(0, do_bind(pair[SERVER], at));
	ASSERT_EQ(0, do_connect(pair[CLIENT], at));
	set_int(pair[SERVER], SOL_SOCKET, SO_TIMESTAMPNS, 1);
	begin_stamps(pair);
	set_int(pair[CLIENT], SOL_SOCKET, SO_TIMESTAMPING,
		SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | REPORT |
		SOF_TIMESTAMPING_OPT_TSONLY);
	for (uint32_t i = 0; i < 3; i++) {
		send_all(pair[CLIENT], "abc", 3);
		ASSERT_TRUE(stamps(pair[CLIENT], SND | SCHED, s));
		EXPECT_EQ(i, s[SCM_TSTAMP_SCHED].key);
		EXPECT_EQ(i, s[SCM_TSTAMP_SND].key);
		EXPECT_EQ(POLLIN, wait_events(pair[SERVER], POLLIN));
		EXPECT_EQ(3, recv_told(pair[SERVER], 64, 0, &t));
		EXPECT_EQ(SO_TIMESTAMPNS, t.type);
		EXPECT_LE(s[SCM_TSTAMP_SCHED].when, seconds(t.ts[0]));
	}
	EXPECT_EQ(POLLOUT, revents(pair[CLIENT]));
}

/* ------------------------------------------------------------------ records */

DIFFERENTIAL(records, RILL_VETH);

TEST_F(records, when_they_came_and_left)
{
	struct env *e = &self->e;
	struct family f = *e->fam;
	struct stamp s[3];
	struct told t;
	int pair[2];

	f.type = SOCK_SEQPACKET;
	e->fam = &f;
	env_pair(e, pair);
	set_int(pair[SERVER], SOL_SOCKET, SO_TIMESTAMPNS, 1);
	begin_stamps(pair);
	set_int(pair[CLIENT], SOL_SOCKET, SO_TIMESTAMPING,
		STAMPS | REPORT | SOF_TIMESTAMPING_OPT_TSONLY);
	for (uint32_t i = 0; i < 3; i++) {
		send_all(pair[CLIENT], "abc", 3);
		/* keys count records */
		ASSERT_TRUE(stamps(pair[CLIENT], SND | SCHED | ACK, s));
		EXPECT_EQ(i, s[SCM_TSTAMP_ACK].key);
		EXPECT_EQ(3, recv_told(pair[SERVER], 64, 0, &t));
		EXPECT_EQ(SO_TIMESTAMPNS, t.type);
	}
	EXPECT_EQ(POLLOUT, become(pair[CLIENT], POLLOUT));
	set_int(pair[SERVER], SOL_SOCKET, SO_TIMESTAMPNS, 0);
	set_int(pair[SERVER], SOL_RILL, RILL_INQ, 1);
	send_all(pair[CLIENT], "abcd", 4);
	send_all(pair[CLIENT], "efghi", 5);
	EXPECT_EQ(0, queue_becomes(pair[CLIENT], TIOCOUTQ, 0));
	EXPECT_EQ(2, recv_told(pair[SERVER], 2, 0, &t));
	EXPECT_EQ(TCP_CM_INQ, t.type);
	EXPECT_EQ(5, t.val);	/* the next one's */
}

TEST_HARNESS_MAIN
