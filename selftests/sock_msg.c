// SPDX-License-Identifier: GPL-2.0
/*
 * The shapes of a message: flags, the fields of msghdr, iovecs of every size and
 * number, control messages, and memory that is not there, in every place.
 */
#include "kselftest_harness.h"

#include <limits.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "lib.h"

DIFFERENTIAL(msg, OVER_BOTH);

/* One byte goes through, whatever flag goes with it. */
TEST_F(msg, flags_of_send)
{
	static const int flags[] = {
		0, MSG_DONTROUTE, MSG_DONTWAIT, MSG_EOR, MSG_CONFIRM, MSG_NOSIGNAL,
		MSG_MORE, MSG_PEEK, MSG_TRUNC, MSG_CTRUNC, MSG_WAITALL, MSG_PROXY,
		MSG_SYN, MSG_RST, MSG_BATCH, MSG_WAITFORONE, MSG_CMSG_CLOEXEC, 0x01000000,
	};
	int pair[2];
	size_t i;
	char c;

	env_pair(&self->e, pair);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(1, RET(send(pair[CLIENT], "x", 1, flags[i])))
			TH_LOG("flag 0x%x", flags[i]);
		recv_all(pair[SERVER], &c, 1);
	}
}

TEST_F(msg, flags_of_recv)
{
	static const int flags[] = {
		0, MSG_DONTROUTE, MSG_EOR, MSG_CONFIRM, MSG_NOSIGNAL, MSG_MORE, MSG_CTRUNC,
		MSG_WAITALL, MSG_PROXY, MSG_SYN, MSG_RST, MSG_BATCH, MSG_WAITFORONE,
		MSG_CMSG_CLOEXEC, 0x01000000,
	};
	int pair[2];
	size_t i;
	char c;

	env_pair(&self->e, pair);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		c = 0;
		send_all(pair[CLIENT], "x", 1);
		EXPECT_EQ(1, RET(recv(pair[SERVER], &c, 1, flags[i])))
			TH_LOG("flag 0x%x", flags[i]);
		EXPECT_EQ('x', c);
	}
}

/* Looking and throwing away at once: counted, and nothing happens. */
TEST_F(msg, peek_and_trunc)
{
	int pair[2];
	char buf[8] = "-------";

	env_pair(&self->e, pair);
	send_all(pair[CLIENT], "abc", 3);
	ASSERT_EQ(3, queue_becomes(pair[SERVER], FIONREAD, 3));
	EXPECT_EQ(2, RET(recv(pair[SERVER], buf, 2, MSG_PEEK | MSG_TRUNC)));
	EXPECT_EQ(3, RET(recv(pair[SERVER], NULL, 8, MSG_PEEK | MSG_TRUNC)));
	EXPECT_STREQ("-------", buf);
	EXPECT_EQ(3, RET(recv(pair[SERVER], buf, 8, 0)));
}

/* What MSG_MORE holds back is not held for ever. */
TEST_F(msg, more_and_nothing_follows)
{
	int pair[2];
	char buf[2];

	env_pair(&self->e, pair);
	EXPECT_EQ(1, RET(send(pair[CLIENT], "x", 1, MSG_MORE)));
	recv_all(pair[SERVER], buf, 1);
	EXPECT_EQ(1, RET(send(pair[CLIENT], "y", 1, MSG_MORE)));
	close(pair[CLIENT]);
	recv_all(pair[SERVER], buf, 1);
	EXPECT_EQ('y', buf[0]);
	EXPECT_EQ(0, RET(recv(pair[SERVER], buf, 1, 0)));
}

/* --------------------------------------------------------------- msghdr */

TEST_F(msg, fields_of_recvmsg)
{
	int pair[2];
	char buf[8], control[64];
	union sa a;
	struct iovec iov = { buf, 2 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &a,
			      .msg_namelen = sizeof(a), .msg_control = control,
			      .msg_controllen = sizeof(control), .msg_flags = -1 };

	env_pair(&self->e, pair);
	send_all(pair[CLIENT], "abc", 3);
	ASSERT_EQ(3, queue_becomes(pair[SERVER], FIONREAD, 3));
	EXPECT_EQ(2, RET(recvmsg(pair[SERVER], &msg, 0)));
	EXPECT_EQ(0, msg.msg_flags);		/* a stream truncates nothing */
	EXPECT_EQ(0, msg.msg_controllen);
	EXPECT_EQ(0, msg.msg_namelen);
	msg.msg_iovlen = 0;
	EXPECT_EQ(0, RET(recvmsg(pair[SERVER], &msg, 0)));
	msg.msg_name = &a;
	msg.msg_namelen = -1;
	EXPECT_EQ(-EINVAL, RET(recvmsg(pair[SERVER], &msg, 0)));
	msg.msg_iovlen = 1;
	msg.msg_namelen = 100000;		/* more than there can be is no error */
	EXPECT_EQ(1, RET(recvmsg(pair[SERVER], &msg, 0)));
}

TEST_F(msg, fields_of_sendmsg)
{
	int pair[2];
	union sa a = sa_foreign(self->e.fam->af, 9);
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &a,
			      .msg_namelen = sizeof(a), .msg_flags = MSG_OOB };
	char c;

	env_pair(&self->e, pair);
	/* flags come with the call, and names are looked at no further than this */
	EXPECT_EQ(1, RET(sendmsg(pair[CLIENT], &msg, 0)));
	msg.msg_namelen = -1;
	EXPECT_EQ(-EINVAL, RET(sendmsg(pair[CLIENT], &msg, 0)));
	msg.msg_namelen = 1000;
	EXPECT_EQ(1, RET(sendmsg(pair[CLIENT], &msg, 0)));
	msg.msg_name = (void *)8;
	EXPECT_EQ(-EFAULT, RET(sendmsg(pair[CLIENT], &msg, 0)));
	msg.msg_name = NULL;
	EXPECT_EQ(1, RET(sendmsg(pair[CLIENT], &msg, 0)));
	recv_all(pair[SERVER], (char[3]){ 0 }, 3);
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], &c, 1, MSG_DONTWAIT)));
	EXPECT_EQ(-EFAULT, RET(sendto(pair[CLIENT], "x", 1, 0, (void *)8, sizeof(a.in))));
	EXPECT_EQ(-EINVAL, RET(sendto(pair[CLIENT], "x", 1, 0, &a.sa, -1)));
	EXPECT_EQ(-EINVAL, RET(sendto(pair[CLIENT], "x", 1, 0, &a.sa, sizeof(a.ss) + 1)));
}

/* Ancillary data to send is checked, though there is little a stream can use. */
TEST_F(msg, control_to_send)
{
	static const struct { int level, type; size_t len; long ret; } rows[] = {
		{ SOL_SOCKET, SO_MARK, sizeof(int), 1 },
		{ SOL_SOCKET, SO_MARK, 1, -EINVAL },
		{ SOL_SOCKET, SCM_RIGHTS, sizeof(int), 1 },	/* AF_UNIX's, ignored */
		{ SOL_SOCKET, 4711, sizeof(int), -EINVAL },
		{ IPPROTO_IP, IP_TTL, sizeof(int), 1 },		/* not ours: ignored */
		{ IPPROTO_IPV6, IPV6_HOPLIMIT, sizeof(int), 1 },
		{ 4711, 1, sizeof(int), 1 },
	};
	char control[64] __attribute__((aligned(8)));
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
	struct cmsghdr *cm = (struct cmsghdr *)control;
	int pair[2];
	size_t i;

	env_pair(&self->e, pair);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(control, 0, sizeof(control));
		*cm = (struct cmsghdr){ CMSG_LEN(rows[i].len), rows[i].level, rows[i].type };
		msg.msg_controllen = CMSG_SPACE(rows[i].len);
		EXPECT_EQ(rows[i].ret, RET(sendmsg(pair[CLIENT], &msg, 0)))
			TH_LOG("row %zu", i);
	}
	/* headers that cannot be */
	cm->cmsg_len = 3;
	EXPECT_EQ(-EINVAL, RET(sendmsg(pair[CLIENT], &msg, 0)));
	cm->cmsg_len = 1000;
	EXPECT_EQ(-EINVAL, RET(sendmsg(pair[CLIENT], &msg, 0)));
	msg.msg_controllen = (size_t)INT_MAX + 1;
	EXPECT_EQ(-ENOBUFS, RET(sendmsg(pair[CLIENT], &msg, 0)));
	msg.msg_controllen = 64;
	msg.msg_control = (void *)8;
	EXPECT_EQ(-EFAULT, RET(sendmsg(pair[CLIENT], &msg, 0)));
	/* too little for a header is none */
	msg.msg_control = control;
	msg.msg_controllen = 3;
	EXPECT_EQ(1, RET(sendmsg(pair[CLIENT], &msg, 0)));
}

/* --------------------------------------------------------------- mmsghdr */

TEST_F(msg, sendmmsg_ends_where_it_must)
{
	struct iovec iov[3] = { { "ab", 2 }, { (void *)8, 1 }, { "c", 1 } };
	struct mmsghdr m[3] = { };
	char buf[4];
	int pair[2], i;

	env_pair(&self->e, pair);
	for (i = 0; i < 3; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	/* what went before the error counts, the error is not told */
	EXPECT_EQ(1, RET(sendmmsg(pair[CLIENT], m, 3, 0)));
	EXPECT_EQ(2, m[0].msg_len);
	EXPECT_EQ(-EFAULT, RET(sendmmsg(pair[CLIENT], m + 1, 2, 0)));
	EXPECT_EQ(0, RET(sendmmsg(pair[CLIENT], m, 0, 0)));
	EXPECT_EQ(-EFAULT, RET(sendmmsg(pair[CLIENT], (void *)8, 1, 0)));
	recv_all(pair[SERVER], buf, 2);
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], buf, 1, MSG_DONTWAIT)));
}

TEST_F(msg, recvmmsg_ends_where_it_must)
{
	char buf[3];
	struct iovec iov[3] = { { buf, 1 }, { buf + 1, 1 }, { buf + 2, 1 } };
	struct mmsghdr m[3] = { };
	struct timespec soon = { 0, 1000000 }, never = { 0, -1 };
	int pair[2], i;

	env_pair(&self->e, pair);
	for (i = 0; i < 3; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	send_all(pair[CLIENT], "ab", 2);
	ASSERT_EQ(2, queue_becomes(pair[SERVER], FIONREAD, 2));
	EXPECT_EQ(2, RET(recvmmsg(pair[SERVER], m, 3, MSG_DONTWAIT, NULL)));
	EXPECT_EQ(-EAGAIN, RET(recvmmsg(pair[SERVER], m, 3, MSG_DONTWAIT, NULL)));
	send_all(pair[CLIENT], "ab", 2);
	ASSERT_EQ(2, queue_becomes(pair[SERVER], FIONREAD, 2));
	EXPECT_EQ(2, RET(recvmmsg(pair[SERVER], m, 3, MSG_WAITFORONE, NULL)));
	/* its time limit is looked at after a message only */
	send_all(pair[CLIENT], "a", 1);
	set_timeo(pair[SERVER], SO_RCVTIMEO, 20);
	EXPECT_EQ(1, RET(recvmmsg(pair[SERVER], m, 3, 0, &soon)));
	EXPECT_EQ(-EINVAL, RET(recvmmsg(pair[SERVER], m, 3, 0, &never)));
	/* the end of the stream is a message of no bytes, as often as it is asked for */
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	ASSERT_NE(0, wait_events(pair[SERVER], POLLRDHUP));
	EXPECT_EQ(3, RET(recvmmsg(pair[SERVER], m, 3, 0, NULL)));
	EXPECT_EQ(0, m[2].msg_len);
}

/* ---------------------------------------------------------------- iovecs */

TEST_F(msg, number_of_pieces)
{
	static char bytes[IOV_MAX + 1];
	struct iovec iov[IOV_MAX + 1];
	struct msghdr msg = { .msg_iov = iov };
	int pair[2], i;

	env_pair(&self->e, pair);
	for (i = 0; i <= IOV_MAX; i++)
		iov[i] = (struct iovec){ &bytes[i], 1 };
	EXPECT_EQ(IOV_MAX, RET(writev(pair[CLIENT], iov, IOV_MAX)));
	ASSERT_EQ(IOV_MAX, queue_becomes(pair[SERVER], FIONREAD, IOV_MAX));
	EXPECT_EQ(IOV_MAX, RET(readv(pair[SERVER], iov, IOV_MAX)));
	EXPECT_EQ(-EINVAL, RET(writev(pair[CLIENT], iov, IOV_MAX + 1)));
	EXPECT_EQ(-EINVAL, RET(readv(pair[SERVER], iov, IOV_MAX + 1)));
	EXPECT_EQ(-EINVAL, RET(syscall(SYS_writev, pair[CLIENT], iov, -1L)));
	EXPECT_EQ(0, RET(writev(pair[CLIENT], iov, 0)));
	EXPECT_EQ(0, RET(readv(pair[SERVER], iov, 0)));
	msg.msg_iovlen = IOV_MAX + 1;
	EXPECT_EQ(-EMSGSIZE, RET(sendmsg(pair[CLIENT], &msg, 0)));
	msg.msg_iovlen = SIZE_MAX;
	EXPECT_EQ(-EMSGSIZE, RET(sendmsg(pair[CLIENT], &msg, 0)));
	EXPECT_EQ(-EMSGSIZE, RET(recvmsg(pair[SERVER], &msg, 0)));
	msg.msg_iovlen = 1;
	msg.msg_iov = (void *)8;
	EXPECT_EQ(-EFAULT, RET(sendmsg(pair[CLIENT], &msg, 0)));
	EXPECT_EQ(-EFAULT, RET(recvmsg(pair[SERVER], &msg, 0)));
	/* most of them empty */
	msg.msg_iov = iov;
	msg.msg_iovlen = IOV_MAX;
	for (i = 0; i < IOV_MAX; i++)
		iov[i].iov_len = i % 100 == 7;
	EXPECT_EQ(11, RET(sendmsg(pair[CLIENT], &msg, 0)));
	recv_all(pair[SERVER], bytes, 11);
}

/*
 * Pieces that sum up to more than INT_MAX, all of the same memory: as much goes
 * as fits now, and a reader gets what there is.
 */
TEST_F_TIMEOUT(msg, beyond_int_max, SLOW_TEST)
{
	enum { PIECE = 4 << 20, N = 700 };
	char *mem = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	struct iovec iov[N];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = N };
	int pair[2], i;
	long n;

	ASSERT_NE(MAP_FAILED, (void *)mem);
	env_pair(&self->e, pair);
	set_int(pair[CLIENT], SOL_SOCKET, SO_SNDBUF, 65536);
	for (i = 0; i < N; i++)
		iov[i] = (struct iovec){ mem, PIECE };
	n = RET(sendmsg(pair[CLIENT], &msg, MSG_DONTWAIT));
	EXPECT_LT(0, n);
	ASSERT_GT(INT_MAX, n);
	drain(pair[SERVER], n);
	send_all(pair[CLIENT], "abc", 3);
	EXPECT_EQ(3, RET(recvmsg(pair[SERVER], &msg, 0)));
	EXPECT_EQ(0, memcmp(mem, "abc", 3));
	/* one that is negative spoils them all */
	iov[1].iov_len = -1;
	EXPECT_EQ(-EINVAL, RET(sendmsg(pair[CLIENT], &msg, MSG_DONTWAIT)));
	EXPECT_EQ(-EINVAL, RET(recvmsg(pair[SERVER], &msg, MSG_DONTWAIT)));
	EXPECT_EQ(-EINVAL, RET(readv(pair[SERVER], iov, 2)));
}

/* Every length there is up to a few packets arrives as it was, from memory at
 * every alignment. */
TEST_F_TIMEOUT(msg, every_length, SLOW_TEST)
{
	static uint8_t out[4200], in[sizeof(out)];
	int pair[2];
	size_t len;

	env_pair(&self->e, pair);
	set_int(pair[CLIENT], IPPROTO_TCP, 1 /* TCP_NODELAY */, 1);
	for (len = 1; len < 4100; len += len < 64 || len % 1448 < 8 ? 1 : 37) {
		size_t at = len % 16;

		pattern_fill(len, 0, out + at, len);
		send_all(pair[CLIENT], out + at, len);
		recv_all(pair[SERVER], in + len % 7, len);
		ASSERT_EQ(len, pattern_check(len, 0, in + len % 7, len)) TH_LOG("%zu", len);
	}
}

/* ----------------------------------------------------------- bad memory */

/* A page of content followed by one that cannot be touched. */
static uint8_t *cliff(void)
{
	size_t page = sysconf(_SC_PAGESIZE), len = 16 * page;
	uint8_t *map = mmap(NULL, len + page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || mprotect(map + len, page, PROT_NONE))
		fatal("mmap");
	return map + len;
}

/* The lengths of what comes before the hole, in pieces. */
static const size_t before_the_hole[][3] = {
	{ 0, 0, 0 }, { 1, 0, 0 }, { 0, 0, 1 }, { 100, 0, 0 }, { 1448, 0, 0 },
	{ 1449, 0, 0 }, { 1000, 1000, 1000 }, { 4096, 0, 1 }, { 20000, 1, 0 },
	{ 1, 30000, 1 }, { 0, 0, 40000 },
};

/*
 * Writing from memory that ends: so many bytes as the call says went, the right
 * ones, and no other.  How many of those before the hole is the stack's business.
 */
TEST_F_TIMEOUT(msg, holes_when_sending, SLOW_TEST)
{
	static uint8_t out[50000], in[sizeof(out)];
	uint8_t *end = cliff();
	int pair[2], where;
	size_t row;

	env_pair(&self->e, pair);
	for (row = 0; row < ARRAY_SIZE(before_the_hole); row++) {
		const size_t *len = before_the_hole[row];
		size_t whole = len[0] + len[1] + len[2];

		/* the hole is a piece of its own, or the end of the last one */
		for (where = 0; where < 2; where++) {
			struct iovec iov[4] = {
				{ out, len[0] }, { out + len[0], len[1] },
				{ end - len[2], len[2] + (where ? 10 : 0) }, { end, 10 },
			};
			long n;

			pattern_fill(row, 0, out, whole);
			memcpy(end - len[2], out + len[0] + len[1], len[2]);
			n = RET(writev(pair[CLIENT], iov, 4));
			ASSERT_TRUE(n == -EFAULT || (n > 0 && n <= (long)whole))
				TH_LOG("row %zu: %ld", row, n);
			send_all(pair[CLIENT], "next", 4);
			if (n < 0)
				n = 0;
			recv_all(pair[SERVER], in, n + 4);
			EXPECT_EQ(n, pattern_check(row, 0, in, n)) TH_LOG("row %zu", row);
			EXPECT_EQ(0, memcmp(in + n, "next", 4)) TH_LOG("row %zu", row);
		}
	}
}

/* Reading into memory that ends: what the call does not say it gave is there for
 * the next. */
TEST_F_TIMEOUT(msg, holes_when_receiving, SLOW_TEST)
{
	static uint8_t out[50000], in[sizeof(out)];
	uint8_t *end = cliff();
	int pair[2], where;
	size_t row;

	env_pair(&self->e, pair);
	for (row = 0; row < ARRAY_SIZE(before_the_hole); row++) {
		const size_t *len = before_the_hole[row];
		size_t whole = len[0] + len[1] + len[2], total = whole + 100;

		for (where = 0; where < 2; where++) {
			struct iovec iov[4] = {
				{ in, len[0] }, { in + len[0], len[1] },
				{ end - len[2], len[2] + (where ? 10 : 0) }, { end, 10 },
			};
			long n;

			pattern_fill(row, 0, out, total);
			send_all(pair[CLIENT], out, total);
			ASSERT_EQ(total, queue_becomes(pair[SERVER], FIONREAD, total));
			n = RET(readv(pair[SERVER], iov, 4));
			ASSERT_TRUE(n == -EFAULT || (n > 0 && n <= (long)whole))
				TH_LOG("row %zu: %ld", row, n);
			if (n < 0)
				n = 0;
			memcpy(in + len[0] + len[1], end - len[2], len[2]);
			EXPECT_EQ(n, pattern_check(row, 0, in, n)) TH_LOG("row %zu", row);
			recv_all(pair[SERVER], in, total - n);
			EXPECT_EQ(total - n, pattern_check(row, n, in, total - n))
				TH_LOG("row %zu after %ld", row, n);
		}
	}
}

/* Memory that may be read but not written, and the other way round. */
TEST_F(msg, half_forbidden_memory)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int pair[2];
	char c;

	ASSERT_NE(MAP_FAILED, (void *)map);
	strcpy(map, "read only");
	ASSERT_EQ(0, mprotect(map, page, PROT_READ));
	env_pair(&self->e, pair);
	EXPECT_EQ(9, RET(send(pair[CLIENT], map, 9, 0)));
	ASSERT_EQ(9, queue_becomes(pair[SERVER], FIONREAD, 9));
	EXPECT_EQ(-EFAULT, RET(recv(pair[SERVER], map, 9, 0)));
	EXPECT_EQ(-EFAULT, RET(recv(pair[SERVER], map, 9, MSG_PEEK)));
	EXPECT_EQ(1, RET(recv(pair[SERVER], &c, 1, 0)));
	EXPECT_EQ('r', c);
	EXPECT_EQ(8, RET(recv(pair[SERVER], map, 9, MSG_TRUNC)));
}

/* ---------------------------------------------------------- large pieces */

static void *trickle(void *arg)
{
	struct task *t = arg;
	uint8_t buf[3000];
	size_t done, n;

	for (done = 0; done < t->len; done += n) {
		n = t->len - done < sizeof(buf) ? t->len - done : sizeof(buf);
		pattern_fill(9, done, buf, n);
		send_all(t->fd, buf, n);
	}
	return NULL;
}

/* MSG_WAITALL for more than any buffer holds gets it all the same. */
TEST_F_TIMEOUT(msg, waitall_beyond_the_buffer, SLOW_TEST)
{
	enum { N = 300000 };
	static uint8_t in[N];
	struct task t = { .len = N };
	int pair[2];

	env_pair(&self->e, pair);
	set_int(pair[SERVER], SOL_SOCKET, SO_RCVBUF, 8192);
	t.fd = pair[CLIENT];
	ASSERT_EQ(0, pthread_create(&t.thread, NULL, trickle, &t));
	EXPECT_EQ(N, RET(recv(pair[SERVER], in, N, MSG_WAITALL)));
	EXPECT_EQ(N, pattern_check(9, 0, in, N));
	pthread_join(t.thread, NULL);
}

/* One write of more than any buffer holds says when all of it went. */
TEST_F_TIMEOUT(msg, write_beyond_the_buffer, SLOW_TEST)
{
	enum { N = 3 << 20 };
	uint8_t *out = malloc(N), *in = malloc(N);
	struct task t = { .buf = out, .len = N };
	int pair[2];

	env_pair(&self->e, pair);
	pattern_fill(10, 0, out, N);
	t.fd = pair[CLIENT];
	task_start(&t, task_send);
	recv_all(pair[SERVER], in, N);
	EXPECT_EQ(N, task_join(&t));
	EXPECT_EQ(N, pattern_check(10, 0, in, N));
}

/* Both ends write until they block, then both read: nobody waits for ever. */
TEST_F_TIMEOUT(msg, full_both_ways, SLOW_TEST)
{
	int pair[2];
	size_t there, back;
	char c;

	env_pair(&self->e, pair);
	there = fill(pair[CLIENT]);
	back = fill(pair[SERVER]);
	drain(pair[CLIENT], back);
	drain(pair[SERVER], there);
	EXPECT_EQ(-EAGAIN, RET(recv(pair[CLIENT], &c, 1, MSG_DONTWAIT)));
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], &c, 1, MSG_DONTWAIT)));
	send_all(pair[CLIENT], "x", 1);
	recv_all(pair[SERVER], &c, 1);
}

TEST_HARNESS_MAIN
