// SPDX-License-Identifier: GPL-2.0
/*
 * SOCK_SEQPACKET: records keep their boundaries, whole or not at all.
 *
 * The oracle is AF_UNIX, which has the type; where Rill differs on purpose the
 * case says so: a complete record carries MSG_EOR, and FIONREAD is the size of
 * the next record.  Records through loss and reordering are at the end, and what
 * a lying peer can do to a reader before them.
 */
#include "kselftest_harness.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "wire_peer.h"

/* As env_socket() and env_pair(), for records. */
static int seq_socket(const struct env *e, enum side side, int type)
{
	int fd;

	env_enter(e, side);
	fd = socket(rill_family(), type, e->fam->af == AF_INET6);
	env_enter(e, CLIENT);
	if (fd < 0)
		fatal("socket");
	return fd;
}

static int seq_listen(const struct env *e, int type, union sa *at)
{
	int fd = seq_socket(e, SERVER, type);

	if (do_bind(fd, env_addr(e, SERVER, 0)) || listen(fd, 8))
		fatal("bind and listen");
	*at = local_name(fd);
	return fd;
}

static void seq_pair(const struct env *e, int pair[2])
{
	union sa at;
	int lfd = seq_listen(e, SOCK_SEQPACKET, &at);

	pair[CLIENT] = seq_socket(e, CLIENT, SOCK_SEQPACKET);
	if (do_connect(pair[CLIENT], at))
		fatal("connect");
	pair[SERVER] = accept(lfd, NULL, NULL);
	if (pair[SERVER] < 0)
		fatal("accept");
	close(lfd);
}

FIXTURE(seq) {
	struct env e;
	bool rill;
	int pair[2];
	int out, in;		/* the pair again: who sends, who receives */
};

FIXTURE_VARIANT(seq) { const struct family *fam; };
FIXTURE_VARIANT_ADD(seq, unix) { .fam = NULL };
FAMILY(seq, rill4);
FAMILY(seq, rill6);

FIXTURE_SETUP(seq)
{
	const char *only = getenv("RILL_ONLY");

	self->rill = variant->fam;
	if (self->rill) {
		env_open(&self->e, variant->fam, _metadata->name);
		seq_pair(&self->e, self->pair);
	} else {
		if (only && !strstr(_metadata->name, only))
			_exit(255);
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, self->pair))
			fatal("socketpair");
	}
	self->out = self->pair[CLIENT];
	self->in = self->pair[SERVER];
}

FIXTURE_TEARDOWN(seq)
{
	if (self->rill)
		env_close(&self->e);
}

/* Sends one record. */
static void put(int fd, const char *rec, size_t len)
{
	if (send(fd, rec, len, MSG_NOSIGNAL) != (ssize_t)len)
		fatal("send of %zu bytes", len);
}

/* recvmsg() into one buffer; the flags it reported. */
static long receive(int fd, void *buf, size_t len, int flags, int *got)
{
	struct iovec iov = { buf, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	long n = RET(recvmsg(fd, &msg, flags));

	*got = msg.msg_flags;
	return n;
}

/* As receive(), and how many records are missing before it; -1: not told. */
static long receive_gap(int fd, void *buf, size_t len, int flags, int *got, long *gap)
{
	union { char b[CMSG_SPACE(sizeof(uint32_t))]; struct cmsghdr align; } c;
	struct iovec iov = { buf, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = c.b, .msg_controllen = sizeof(c.b) };
	long n = RET(recvmsg(fd, &msg, flags));
	struct cmsghdr *h = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);
	uint32_t lost;

	*got = msg.msg_flags;
	*gap = -1;
	if (!h)
		return n;
	if (h->cmsg_level != SOL_RILL || h->cmsg_type != RILL_GAP ||
	    h->cmsg_len != CMSG_LEN(sizeof(lost)))
		fatal("control message %d at %d", h->cmsg_type, h->cmsg_level);
	memcpy(&lost, CMSG_DATA(h), sizeof(lost));
	*gap = lost;
	return n;
}

/* Sends a record that is given up after ms. */
static long send_mortal(int fd, const char *rec, size_t len, uint32_t ms)
{
	union { char b[CMSG_SPACE(sizeof(ms))]; struct cmsghdr h; } c = { };
	struct iovec iov = { (void *)rec, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = c.b, .msg_controllen = sizeof(c.b) };

	c.h.cmsg_level = SOL_RILL;
	c.h.cmsg_type = RILL_LIFETIME;
	c.h.cmsg_len = CMSG_LEN(sizeof(ms));
	memcpy(CMSG_DATA(&c.h), &ms, sizeof(ms));
	return RET(sendmsg(fd, &msg, MSG_NOSIGNAL));
}

/* What msg_flags say of a record: its end, which AF_UNIX does not tell. */
#define WHOLE	(self->rill ? MSG_EOR : 0)	/* item 30 of DIFFERENCES in rill(7) */

TEST_F(seq, one_record_a_call)
{
	static const char *const rec[] = { "a", "bcd", "", "", "efghij" };
	char buf[16];
	int i, flags;

	for (i = 0; i < 5; i++)
		EXPECT_EQ(strlen(rec[i]), RET(send(self->out, rec[i], strlen(rec[i]), 0)));
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(strlen(rec[i]), receive(self->in, buf, sizeof(buf), 0, &flags));
		EXPECT_EQ(WHOLE, flags) TH_LOG("record %d", i);
		EXPECT_EQ(0, memcmp(buf, rec[i], strlen(rec[i])));
	}
	EXPECT_EQ(-EAGAIN, RET(recv(self->in, buf, sizeof(buf), MSG_DONTWAIT)));
	/* write() of nothing is a record as well, read() into nothing is not */
	EXPECT_EQ(0, RET(write(self->out, "", 0)));
	EXPECT_EQ(POLLIN, wait_events(self->in, POLLIN));
	EXPECT_EQ(0, RET(read(self->in, buf, 0)));
	EXPECT_EQ(0, receive(self->in, buf, sizeof(buf), 0, &flags));
	EXPECT_EQ(WHOLE, flags);
	/* and the end of the stream is none of them */
	ASSERT_EQ(0, shutdown(self->out, SHUT_WR));
	EXPECT_EQ(0, receive(self->in, buf, sizeof(buf), 0, &flags));
	EXPECT_EQ(0, flags);
}

TEST_F(seq, what_does_not_fit_is_dropped)
{
	char buf[16];
	int flags;

	put(self->out, "0123456789", 10);
	put(self->out, "abcdefgh", 8);
	put(self->out, "xyz", 3);
	put(self->out, "end", 3);
	EXPECT_EQ(4, receive(self->in, buf, 4, MSG_PEEK, &flags));
	EXPECT_EQ(MSG_TRUNC | WHOLE, flags);
	EXPECT_EQ(10, receive(self->in, buf, 4, MSG_PEEK | MSG_TRUNC, &flags));
	EXPECT_EQ(MSG_TRUNC | WHOLE, flags);
	EXPECT_EQ(10, RET(recv(self->in, NULL, 0, MSG_PEEK | MSG_TRUNC)));
	EXPECT_EQ(10, receive(self->in, buf, 16, MSG_PEEK, &flags));
	EXPECT_EQ(WHOLE, flags);
	EXPECT_EQ(4, receive(self->in, buf, 4, 0, &flags));
	EXPECT_EQ(MSG_TRUNC | WHOLE, flags);
	EXPECT_EQ(0, memcmp(buf, "0123", 4));
	EXPECT_EQ(8, receive(self->in, buf, 2, MSG_TRUNC, &flags));
	EXPECT_EQ(MSG_TRUNC | WHOLE, flags);
	EXPECT_EQ(0, memcmp(buf, "ab23", 4));
	EXPECT_EQ(0, receive(self->in, buf, 0, 0, &flags));	/* all of it is dropped */
	EXPECT_EQ(MSG_TRUNC | WHOLE, flags);
	EXPECT_EQ(3, receive(self->in, buf, 3, MSG_TRUNC, &flags));
	EXPECT_EQ(WHOLE, flags);
	EXPECT_EQ(0, memcmp(buf, "end", 3));
}

TEST_F(seq, flags_that_merge_nothing)
{
	struct timeval tv = { .tv_usec = 20000 };
	char buf[16];
	int flags;

	put(self->out, "ab", 2);
	EXPECT_EQ(1, RET(send(self->out, "c", 1, MSG_MORE)));
	EXPECT_EQ(1, RET(send(self->out, "d", 1, MSG_MORE)));
	EXPECT_EQ(1, RET(send(self->out, "e", 1, MSG_EOR)));
	EXPECT_EQ(2, receive(self->in, buf, 16, MSG_WAITALL, &flags));
	EXPECT_EQ(1, receive(self->in, buf, 16, MSG_WAITALL, &flags));
	EXPECT_EQ(1, receive(self->in, buf, 16, MSG_WAITALL | MSG_PEEK, &flags));
	EXPECT_EQ('d', buf[0]);
	EXPECT_EQ(1, receive(self->in, buf, 16, 0, &flags));
	EXPECT_EQ(1, receive(self->in, buf, 16, 0, &flags));
	EXPECT_EQ('e', buf[0]);
	EXPECT_EQ(-EOPNOTSUPP, RET(send(self->out, "x", 1, MSG_OOB)));
	EXPECT_EQ(-EOPNOTSUPP, RET(recv(self->in, buf, 1, MSG_OOB)));
	ASSERT_EQ(0, setsockopt(self->in, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	EXPECT_EQ(-EAGAIN, RET(recv(self->in, buf, 1, 0)));
}

TEST_F(seq, scatter_and_gather)
{
	char a[3] = "", b[8] = "";
	struct iovec out[] = { { "ab", 2 }, { NULL, 0 }, { "cdefg", 5 } };
	struct iovec in[] = { { a, 2 }, { b, 8 } };
	struct iovec one[3] = { { "xy", 2 }, { "", 0 }, { "z", 1 } };
	struct mmsghdr m[4] = { };
	int i;

	EXPECT_EQ(7, RET(writev(self->out, out, 3)));
	EXPECT_EQ(7, RET(readv(self->in, in, 2)));
	EXPECT_STREQ("ab", a);
	EXPECT_STREQ("cdefg", b);
	for (i = 0; i < 3; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &one[i], .msg_iovlen = 1 };
	EXPECT_EQ(3, RET(sendmmsg(self->out, m, 3, 0)));
	EXPECT_EQ(1, m[2].msg_len);
	put(self->out, "last", 4);
	memset(b, 0, sizeof(b));
	for (i = 0; i < 4; i++) {
		in[0] = (struct iovec){ b, 2 };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = in, .msg_iovlen = 1 };
	}
	for (i = 0; i < 4; i++)			/* recvmmsg() may find fewer */
		EXPECT_EQ(1, RET(recvmmsg(self->in, &m[i], 1, 0, NULL)));
	EXPECT_EQ(2, m[0].msg_len);
	EXPECT_EQ(0, m[1].msg_len);
	EXPECT_EQ(1, m[2].msg_len);
	EXPECT_EQ(2, m[3].msg_len);
	EXPECT_EQ(MSG_TRUNC | WHOLE, m[3].msg_hdr.msg_flags);
}

/* A record is as long as the buffer at most, and all of it goes or nothing. */
TEST_F(seq, longest)
{
	static char buf[1 << 20], got[1 << 20];
	int room;

	set_int(self->out, SOL_SOCKET, SO_SNDBUF, 30000);
	room = get_int(self->out, SOL_SOCKET, SO_SNDBUF);
	ASSERT_GT(sizeof(buf), room);
	pattern_fill(1, 0, (uint8_t *)buf, sizeof(buf));
	EXPECT_EQ(-EMSGSIZE, RET(send(self->out, buf, room + 1, 0)));
	EXPECT_EQ(-EMSGSIZE, RET(send(self->out, buf, sizeof(buf), MSG_DONTWAIT)));
	EXPECT_EQ(room - 32, RET(send(self->out, buf, room - 32, 0)));
	EXPECT_EQ(room - 32, RET(recv(self->in, got, sizeof(got), 0)));
	EXPECT_EQ(0, memcmp(buf, got, room - 32));
	if (!self->rill)
		return;		/* item 32: it has no peer with a limit of its own */
	EXPECT_EQ(room, RET(send(self->out, buf, room, 0)));
	EXPECT_EQ(room, RET(recv(self->in, got, sizeof(got), 0)));
	/* the other way the buffer may grow; net.rill.rmem says what is taken: half of 6 MiB */
	EXPECT_EQ(sizeof(buf), RET(send(self->in, buf, sizeof(buf), 0)));
	EXPECT_EQ(sizeof(buf), RET(recv(self->out, got, sizeof(got), 0)));
	EXPECT_EQ(sizeof(got), pattern_check(1, 0, (uint8_t *)got, sizeof(got)));
	EXPECT_EQ(-EMSGSIZE, RET(send(self->in, NULL, 3145729, 0)));
	EXPECT_EQ(-EFAULT, RET(send(self->in, NULL, 3145728, 0)));
	EXPECT_EQ(0, queue_becomes(self->in, SIOCOUTQ, 0));
}

/* Sends records of @len bytes until the buffer, and the peer's, are full; how many. */
static int seq_fill(int fd, const char *rec, size_t len)
{
	int64_t still = now_ms();
	int n = 0;

	set_nonblock(fd, true);
	while (now_ms() - still < 500) {
		long r = RET(send(fd, rec, len, 0));

		if (r != (long)len && r != -EAGAIN)
			fatal("send said %ld", r);
		if (r > 0) {
			n++;
			still = now_ms();
		}
		breathe();
	}
	set_nonblock(fd, false);
	return n;
}

/* When the buffer is full: EAGAIN or waiting, never a part; room is what poll() says. */
TEST_F_TIMEOUT(seq, full, SLOW_TEST)
{
	enum { LEN = 9000 };
	static char buf[LEN];
	struct task t = { .buf = buf, .len = LEN };
	int n, i, flags;

	n = seq_fill(self->out, buf, LEN);
	EXPECT_LT(1, n);
	EXPECT_EQ(0, revents(self->out) & POLLOUT);
	set_timeo(self->out, SO_SNDTIMEO, 50);
	EXPECT_EQ(-EAGAIN, RET(send(self->out, buf, LEN, 0)));
	set_timeo(self->out, SO_SNDTIMEO, 0);
	t.fd = self->out;
	task_start(&t, task_send);
	task_blocked(&t, SYS_sendto);
	for (i = 0; i < n; i++) {
		ASSERT_EQ(LEN, receive(self->in, buf, LEN, 0, &flags));
		ASSERT_EQ(WHOLE, flags);
	}
	EXPECT_EQ(LEN, task_join(&t));
	EXPECT_EQ(LEN, receive(self->in, buf, LEN, 0, &flags));
	EXPECT_EQ(POLLOUT, wait_events(self->out, POLLOUT));
	EXPECT_EQ(-EAGAIN, RET(recv(self->in, buf, LEN, MSG_DONTWAIT)));
	/* what poll() calls room is room for the longest */
	set_nonblock(self->out, true);
	EXPECT_EQ(LEN, RET(send(self->out, buf, LEN, 0)));
}

/* Memory that ends in a hole costs the sender nothing, and the receiver one record. */
TEST_F(seq, faults)
{
	enum { BIG = 100000 };
	size_t page = sysconf(_SC_PAGESIZE), size = BIG + page - BIG % page;
	char *map = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *end = map + size, buf[16];
	struct iovec iov[] = { { "good", 4 }, { (void *)8, 4 } };
	int flags;

	ASSERT_NE(MAP_FAILED, (void *)map);
	ASSERT_EQ(0, munmap(end, page));
	EXPECT_EQ(1, RET(send(self->out, "a", 1, MSG_MORE)));
	EXPECT_EQ(-EFAULT, RET(writev(self->out, iov, 2)));
	EXPECT_EQ(-EFAULT, RET(send(self->out, end - BIG + 100, BIG, MSG_MORE)));
	EXPECT_EQ(-EFAULT, RET(send(self->out, end - 2, 8, 0)));
	EXPECT_EQ(2, RET(send(self->out, "bc", 2, 0)));
	EXPECT_EQ(1, RET(recv(self->in, buf, 16, 0)));
	EXPECT_EQ(2, RET(recv(self->in, buf, 16, 0)));
	EXPECT_EQ(0, memcmp(buf, "bc", 2));
	if (self->rill)
		EXPECT_EQ(0, queue_becomes(self->out, SIOCOUTQ, 0));
	/* a look that fails takes nothing, a read that fails does */
	put(self->out, "defgh", 5);
	put(self->out, "ij", 2);
	EXPECT_EQ(-EFAULT, RET(recv(self->in, end - 2, 16, MSG_PEEK)));
	EXPECT_EQ(5, RET(recv(self->in, buf, 16, MSG_PEEK)));
	EXPECT_EQ(-EFAULT, RET(recv(self->in, end - 2, 16, 0)));
	EXPECT_EQ(2, receive(self->in, buf, 16, 0, &flags));
	EXPECT_EQ(0, memcmp(buf, "ij", 2));
}

TEST_F(seq, queues_and_marks)
{
	char buf[16];
	int n;

	EXPECT_EQ(SOCK_SEQPACKET, get_int(self->in, SOL_SOCKET, SO_TYPE));
	EXPECT_EQ(SOCK_SEQPACKET, get_int(self->out, SOL_SOCKET, SO_TYPE));
	EXPECT_EQ(POLLOUT, revents(self->in));
	put(self->out, "abc", 3);
	put(self->out, "", 0);
	put(self->out, "de", 2);
	EXPECT_EQ(POLLIN | POLLOUT, become(self->in, POLLIN | POLLOUT));
	if (!self->rill)
		return;		/* item 31: AF_UNIX sums up records, and has no low-water mark */
	EXPECT_EQ(3, queue_becomes(self->in, FIONREAD, 3));
	EXPECT_EQ(3, RET(recv(self->in, buf, 16, 0)));
	EXPECT_EQ(POLLIN | POLLOUT, become(self->in, POLLIN | POLLOUT));
	ASSERT_EQ(0, ioctl(self->in, FIONREAD, &n));
	EXPECT_EQ(0, n);	/* of the empty one */
	EXPECT_EQ(0, RET(recv(self->in, buf, 16, 0)));
	EXPECT_EQ(2, queue_becomes(self->in, FIONREAD, 2));
	/* poll() waits for a record and for that many bytes, four a record included */
	set_int(self->in, SOL_SOCKET, SO_RCVLOWAT, 13);
	EXPECT_EQ(POLLOUT, revents(self->in));
	put(self->out, "xy", 2);
	EXPECT_EQ(0, queue_becomes(self->out, SIOCOUTQ, 0));
	EXPECT_EQ(POLLOUT, revents(self->in));
	EXPECT_EQ(2, RET(recv(self->in, buf, 16, MSG_PEEK)));
	put(self->out, "z", 1);
	EXPECT_EQ(POLLIN | POLLOUT, become(self->in, POLLIN | POLLOUT));
	EXPECT_EQ(2, RET(recv(self->in, buf, 16, 0)));
}

TEST_F(seq, readers_wake)
{
	char buf[8];
	struct task t = { .buf = buf, .len = sizeof(buf) };

	t.fd = self->in;
	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	put(self->out, "", 0);
	EXPECT_EQ(0, task_join(&t));
	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	put(self->out, "abc", 3);
	EXPECT_EQ(3, task_join(&t));
	catch_signal(SIGUSR1);
	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&t));
	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	ASSERT_EQ(0, shutdown(self->out, SHUT_WR));
	EXPECT_EQ(0, task_join(&t));
}

TEST_F(seq, ends)
{
	char buf[8];
	int flags, pair[2];

	/* half a close: what was sent comes, then the end; the other way goes on */
	put(self->out, "last", 4);
	ASSERT_EQ(0, shutdown(self->out, SHUT_WR));
	EXPECT_EQ(-EPIPE, RET(send(self->out, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-EPIPE, RET(send(self->out, "", 0, MSG_NOSIGNAL)));
	EXPECT_EQ(4, receive(self->in, buf, 8, 0, &flags));
	EXPECT_EQ(0, receive(self->in, buf, 8, 0, &flags));
	EXPECT_EQ(0, flags);
	EXPECT_EQ(0, RET(recv(self->in, buf, 8, MSG_DONTWAIT)));
	put(self->in, "back", 4);
	EXPECT_EQ(4, RET(recv(self->out, buf, 8, 0)));
	ASSERT_EQ(0, close(self->in));
	EXPECT_EQ(0, RET(recv(self->out, buf, 8, 0)));
	if (!self->rill)
		return;
	/* with a record unread, or no time to linger: a reset */
	seq_pair(&self->e, pair);
	put(pair[0], "", 0);
	EXPECT_EQ(POLLIN, wait_events(pair[1], POLLIN));
	close(pair[1]);
	EXPECT_EQ(-ECONNRESET, RET(recv(pair[0], buf, 8, 0)));
	EXPECT_EQ(0, RET(recv(pair[0], buf, 8, 0)));
	seq_pair(&self->e, pair);
	put(pair[1], "kept", 4);
	EXPECT_EQ(0, queue_becomes(pair[1], SIOCOUTQ, 0));
	reset_close(pair[1]);
	EXPECT_EQ(POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR,
		  become(pair[0], POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR));
	EXPECT_EQ(4, RET(recv(pair[0], buf, 8, 0)));
	EXPECT_EQ(-ECONNRESET, RET(recv(pair[0], buf, 8, 0)));
}

/* Records are told apart from bytes before a connection comes about. */
TEST_F(seq, types)
{
	union sa rec, str;
	int fd, child;
	char c;

	if (!self->rill)
		return;		/* its names have a type: EPROTOTYPE */
	fd = seq_listen(&self->e, SOCK_SEQPACKET, &rec);
	seq_listen(&self->e, SOCK_STREAM, &str);
	EXPECT_EQ(SOCK_SEQPACKET, get_int(fd, SOL_SOCKET, SO_TYPE));
	child = seq_socket(&self->e, CLIENT, SOCK_SEQPACKET);
	EXPECT_EQ(-EPIPE, RET(send(child, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-ENOTCONN, RET(recv(child, &c, 1, 0)));
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(child, str)));
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(seq_socket(&self->e, CLIENT, SOCK_STREAM), rec)));
	EXPECT_EQ(0, RET(do_connect(child, rec)));
	fd = accept(fd, NULL, NULL);
	EXPECT_EQ(SOCK_SEQPACKET, get_int(fd, SOL_SOCKET, SO_TYPE));
	put(fd, "x", 1);
	EXPECT_EQ(1, RET(recv(child, &c, 1, 0)));
	/* nobody sends half of what another thread of the program sends */
	EXPECT_EQ(-EOPNOTSUPP, RET(socketpair(rill_family(), SOCK_SEQPACKET, 0, self->pair)));
}

/* --------------------------------------------------- records by the thousand */

#define NETEM "delay 2ms 1ms loss 5% reorder 25% duplicate 1%"

FIXTURE(flow) {
	struct env e;
	uint64_t seed;
	int pair[2];
};

FIXTURE_VARIANT(flow) {
	const struct family *fam;
	const char *netem;	/* NULL: a clean path */
	int records;
	int longest;
};

#define FLOW(NAME, family, ...)	\
	FIXTURE_VARIANT_ADD(flow, NAME) { .fam = &fam_##family, __VA_ARGS__ }

FLOW(rill4, rill4, .records = 80, .longest = 200000);
FLOW(rill6_small, rill6, .records = 4000, .longest = 100);
FLOW(rill4_veth, rill4_veth, .records = 80, .longest = 200000);
FLOW(rill4_netem, rill4_veth, .records = 20, .longest = 200000, .netem = NETEM);
FLOW(rill6_netem, rill6_veth, .records = 300, .longest = 3000, .netem = NETEM);

FIXTURE_SETUP(flow)
{
	enum side side;

	env_open(&self->e, variant->fam, _metadata->name);
	for (side = CLIENT; side <= SERVER && variant->netem; side++) {
		const char *dev = side == CLIENT ? "c" : "s";

		env_enter(&self->e, side);
		sh("ethtool -K %s tso off gso off gro off >/dev/null", dev);
		sh("tc qdisc add dev %s root netem %s", dev, variant->netem);
	}
	env_enter(&self->e, CLIENT);
	self->seed = test_seed();
	seq_pair(&self->e, self->pair);
}

FIXTURE_TEARDOWN(flow)
{
	env_close(&self->e);
}

struct flow {
	int fd, records, longest;
	uint64_t seed;
};

/* Record i has bytes of its own; every third is short. */
static size_t flow_len(const struct flow *f, uint64_t *lens, int i)
{
	return rnd(lens) % ((i % 3 ? f->longest : f->longest / 50) + 1);
}

static void *flow_send(void *arg)
{
	struct flow *f = arg;
	uint8_t *buf = malloc(f->longest);
	uint64_t lens = f->seed;
	int i;

	for (i = 0; i < f->records; i++) {
		size_t len = flow_len(f, &lens, i);

		pattern_fill(f->seed + i, 0, buf, len);
		if (send(f->fd, buf, len, MSG_NOSIGNAL) != (ssize_t)len)
			fatal("send of record %d, %zu bytes", i, len);
	}
	shutdown(f->fd, SHUT_WR);
	free(buf);
	return NULL;
}

/* The number of the first record that is not as it was sent. */
static int flow_receive(int fd, const struct flow *f)
{
	uint8_t *buf = malloc(f->longest + 1);
	uint64_t lens = f->seed;
	int i, flags;
	long n;

	for (i = 0; i < f->records; i++) {
		long len = flow_len(f, &lens, i);

		n = receive(fd, buf, f->longest + 1, 0, &flags);
		if (n != len || flags != MSG_EOR ||
		    pattern_check(f->seed + i, 0, buf, len) != (size_t)len)
			break;
	}
	if (i == f->records && (receive(fd, buf, 1, 0, &flags) || flags))
		i++;
	free(buf);
	return i;
}

TEST_F_TIMEOUT(flow, every_record_whole_and_in_turn, SLOW_TEST)
{
	struct flow f[2];
	pthread_t thread[2];
	int i;

	for (i = 0; i < 2; i++) {
		f[i] = (struct flow){ self->pair[i], variant->records, variant->longest,
				      self->seed + i * 1000000 };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, flow_send, &f[i]));
	}
	ASSERT_EQ(variant->records, flow_receive(self->pair[1], &f[0]));
	ASSERT_EQ(variant->records, flow_receive(self->pair[0], &f[1]));
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

/* ------------------------------------------------------------ a lying peer */

FIXTURE(lie) {
	struct env e;
	uint64_t seed;
	int fd;
	struct peer r;
};

FIXTURE_VARIANT(lie) { const struct family *fam; };
FAMILY(lie, rill4);

FIXTURE_SETUP(lie)
{
	union sa at;
	int lfd;

	env_open(&self->e, variant->fam, _metadata->name);
	self->seed = test_seed();
	lfd = seq_listen(&self->e, SOCK_SEQPACKET, &at);
	peer_init(&self->r, variant->fam->af, &self->seed, port_of(&at));
	self->r.type = SOCK_SEQPACKET;
	peer_open(&self->r);
	self->fd = accept(lfd, NULL, NULL);
	if (self->fd < 0)
		fatal("accept");
}

FIXTURE_TEARDOWN(lie)
{
	end_by_reset();
	env_close(&self->e);
}

/* Waits until the kernel has acknowledged all that was sent. */
static void settled(struct peer *r)
{
	struct pkt p;

	peer_data(r, &p, ELICIT | NOW, r->off, "", 0);
	peer_send(r, &p);
	do {
		uint8_t len = 0;
		const uint8_t *ack;

		if (!peer_await(r, DATA))
			fatal("no acknowledgement");
		ack = pkt_find(&r->in, I_ACK, &len);
		if (ack && get32(ack) == r->pn - 1)
			return;
	} while (1);
}

TEST_F(lie, parts_of_records_are_not_there)
{
	char buf[16];
	int n;

	peer_write(&self->r, "\0\0", 2);
	settled(&self->r);
	EXPECT_EQ(POLLOUT, revents(self->fd));
	peer_write(&self->r, "\0\5abc", 5);
	settled(&self->r);
	EXPECT_EQ(POLLOUT, revents(self->fd));
	EXPECT_EQ(-EAGAIN, RET(recv(self->fd, buf, 16, MSG_DONTWAIT)));
	EXPECT_EQ(-EAGAIN, RET(recv(self->fd, buf, 2, MSG_DONTWAIT | MSG_PEEK)));
	ASSERT_EQ(0, ioctl(self->fd, FIONREAD, &n));
	EXPECT_EQ(0, n);
	peer_write(&self->r, "de\0", 3);
	EXPECT_EQ(5, queue_becomes(self->fd, FIONREAD, 5));
	EXPECT_EQ(POLLIN | POLLOUT, revents(self->fd));
	EXPECT_EQ(5, RET(recv(self->fd, buf, 16, 0)));
	EXPECT_EQ(0, memcmp(buf, "abcde", 5));
	EXPECT_EQ(POLLOUT, revents(self->fd));
}

/* Credit opens for a record, however small the buffer. */
TEST_F(lie, credit_for_a_long_one)
{
	uint32_t credit;

	set_int(self->fd, SOL_SOCKET, SO_RCVBUF, 4096);
	peer_write(&self->r, "\0\0\0\1x\0\1\0\0", 9);	/* one of 1, one of 65536 */
	settled(&self->r);
	credit = get32(self->r.in.b + 20);
	EXPECT_EQ(1, RET(recv(self->fd, &(char){ 0 }, 1, 0)));
	settled(&self->r);
	EXPECT_LE(9 + 65536 + BASE - HDR, get32(self->r.in.b + 20)) TH_LOG("before: %u", credit);
}

#define EXPECT_BROKEN() do { \
	char b_; \
	EXPECT_EQ(-EPROTO, RET(recv(self->fd, &b_, 1, 0))); \
	EXPECT_EQ(0, RET(recv(self->fd, &b_, 1, 0))); \
	EXPECT_TRUE(peer_await(&self->r, RESET)); \
} while (0)

TEST_F(lie, a_record_longer_than_announced)
{
	struct pkt p;
	char c;

	/* 3 MiB is what it takes */
	peer_data(&self->r, &p, 0, 0, "\0\0\0\1x\0\x30\0\1", 9);
	EXPECT_COUNTED("InBadRecord", &p);
	EXPECT_EQ(1, RET(recv(self->fd, &c, 1, 0)));	/* what came before is good */
	EXPECT_BROKEN();
}

TEST_F(lie, longest_number)
{
	struct pkt p;

	peer_data(&self->r, &p, 0, 0, "\xff\xff\xff\xff", 4);
	EXPECT_COUNTED("InBadRecord", &p);
	EXPECT_BROKEN();
}

TEST_F(lie, an_end_inside_a_record)
{
	struct pkt p;

	peer_data(&self->r, &p, FIN, 0, "\0\0\0\4abc", 7);
	EXPECT_COUNTED("InBadRecord", &p);
	EXPECT_BROKEN();
}

/*
 * The same stretch of the stream twice, and not the same: whichever it is that
 * counts, nothing is read that is not there.
 */
TEST_F(lie, a_prefix_that_changes)
{
	long was = snmp("InBadRecord");
	char buf[64];

	peer_write(&self->r, "\0\0\0\4abcd\x7f\xff", 10);
	self->r.off = 8;
	peer_write(&self->r, "\0\0\0\4wxyz", 8);
	settled(&self->r);
	EXPECT_EQ(4, RET(recv(self->fd, buf, sizeof(buf), 0)));
	EXPECT_EQ(0, memcmp(buf, "abcd", 4));
	EXPECT_BROKEN();
	EXPECT_EQ(1, snmp_moved("InBadRecord", was));
}

/* A packet that says: @from .. @to are given up, the record behind is number @next. */
static void skip(struct peer *r, struct pkt *p, uint32_t from, uint32_t to, uint32_t next)
{
	uint8_t v[12];

	peer_data(r, p, ELICIT, r->off, "", 0);
	put32(v, from);
	put32(v + 4, to);
	put32(v + 8, next);
	pkt_item(p, I_SKIP, v, sizeof(v));
}

TEST_F(lie, records_given_up)
{
	struct pkt p;
	char buf[16];
	long gap, was;
	int flags;

	/* the first record whole, half of the second, the fourth ahead */
	peer_write(&self->r, "\0\0\0\1a\0\0\0\7bcd", 12);
	self->r.off = 26;
	peer_write(&self->r, "\0\0\0\2yz", 6);
	settled(&self->r);
	EXPECT_EQ(1, receive_gap(self->fd, buf, 16, 0, &flags, &gap));
	EXPECT_EQ(-1, gap);
	EXPECT_EQ(-EAGAIN, RET(recv(self->fd, buf, 16, MSG_DONTWAIT)));
	was = snmp("InGivenUp");
	skip(&self->r, &p, 0, 26, 3);		/* 0 to 2, but 0 has arrived */
	peer_send(&self->r, &p);
	EXPECT_EQ(2, snmp_moved("InGivenUp", was));
	EXPECT_EQ(2, receive_gap(self->fd, buf, 16, MSG_PEEK, &flags, &gap));
	EXPECT_EQ(2, gap);
	EXPECT_EQ(2, receive_gap(self->fd, buf, 16, 0, &flags, &gap));
	EXPECT_EQ(2, gap);
	EXPECT_EQ(MSG_EOR, flags);
	EXPECT_EQ(0, memcmp(buf, "yz", 2));
	/* the end of the stream tells as well */
	skip(&self->r, &p, 32, 40, 5);
	peer_send(&self->r, &p);
	self->r.off = 40;
	peer_data(&self->r, &p, FIN, 40, "", 0);
	peer_send(&self->r, &p);
	EXPECT_EQ(0, receive_gap(self->fd, buf, 16, 0, &flags, &gap));
	EXPECT_EQ(1, gap);
	EXPECT_EQ(0, flags);
	EXPECT_EQ(0, receive_gap(self->fd, buf, 16, 0, &flags, &gap));
	EXPECT_EQ(-1, gap);
}

TEST_F(lie, stretches_that_cannot_be)
{
	struct pkt p;

	skip(&self->r, &p, 0, 0, 1);
	EXPECT_COUNTED("InExt", &p);
	skip(&self->r, &p, 8, 4, 1);
	EXPECT_COUNTED("InExt", &p);
	skip(&self->r, &p, 0, 0x7fffffff, 1);
	EXPECT_COUNTED("InBeyond", &p);
	EXPECT_EQ(POLLOUT, revents(self->fd));
	skip(&self->r, &p, 0, 100, 26);			/* more than fit */
	EXPECT_COUNTED("InBadRecord", &p);
	EXPECT_BROKEN();
}

TEST_F(lie, a_stretch_inside_a_record)
{
	struct pkt p;

	peer_write(&self->r, "\0\0\0\11abc", 7);
	settled(&self->r);
	skip(&self->r, &p, 6, 100, 2);
	EXPECT_COUNTED("InBadRecord", &p);
	EXPECT_BROKEN();
}

/* ------------------------------------------------------- records with a lifetime */

FIXTURE(late) {
	struct env e;
	int pair[2];
};

FIXTURE_VARIANT(late) { const struct family *fam; };
FAMILY(late, rill4_veth);
FAMILY(late, rill6_veth);

FIXTURE_SETUP(late)
{
	env_open(&self->e, variant->fam, _metadata->name);
	seq_pair(&self->e, self->pair);
}

FIXTURE_TEARDOWN(late)
{
	env_close(&self->e);
}

/* Waits until a counter stands at @want; what it says. */
static long snmp_becomes(const char *counter, long want)
{
	int64_t end = now_ms() + PATIENCE;
	long got;

	while ((got = snmp(counter)) != want && now_ms() < end)
		breathe();
	return got;
}

/* Packets that are lost on the way: their records are given up, the next arrives. */
TEST_F(late, lost)
{
	long was = snmp("OutGivenUp"), gap;
	char buf[16];
	int flags;

	put(self->pair[CLIENT], "first", 5);
	EXPECT_EQ(5, receive_gap(self->pair[SERVER], buf, 16, 0, &flags, &gap));
	EXPECT_EQ(-1, gap);
	sh("tc qdisc add dev c root netem loss 100%%");
	EXPECT_EQ(4, send_mortal(self->pair[CLIENT], "late", 4, 50));
	EXPECT_EQ(8, send_mortal(self->pair[CLIENT], "too late", 8, 60));
	EXPECT_EQ(was + 2, snmp_becomes("OutGivenUp", was + 2));
	sh("tc qdisc del dev c root");
	EXPECT_EQ(4, send_mortal(self->pair[CLIENT], "last", 4, 0));
	EXPECT_EQ(4, receive_gap(self->pair[SERVER], buf, 16, 0, &flags, &gap));
	EXPECT_EQ(0, memcmp(buf, "last", 4));
	EXPECT_EQ(2, gap);
	EXPECT_EQ(MSG_EOR, flags);
	EXPECT_EQ(0, queue_becomes(self->pair[CLIENT], SIOCOUTQ, 0));
	/* and none is given up that has arrived */
	EXPECT_EQ(4, send_mortal(self->pair[CLIENT], "soon", 4, 60000));
	EXPECT_EQ(4, receive_gap(self->pair[SERVER], buf, 16, 0, &flags, &gap));
	EXPECT_EQ(-1, gap);
	EXPECT_EQ(was + 2, snmp("OutGivenUp"));
}

/* The reader does not read and the window is shut: what was never sent is given up. */
TEST_F(late, never_sent)
{
	enum { LEN = 9000 };
	static char buf[LEN];
	long was = snmp("OutGivenUp"), gap;
	int n = 0, i, flags, unsent = 0;

	set_int(self->pair[CLIENT], SOL_SOCKET, SO_SNDBUF, 1 << 20);
	for (; n < 500 && unsent < LEN; n++) {
		put(self->pair[CLIENT], buf, LEN);
		for (i = 0; i < 20; i++)
			breathe();
		ASSERT_EQ(0, ioctl(self->pair[CLIENT], SIOCOUTQNSD, &unsent));
	}
	ASSERT_LE(LEN, unsent);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(LEN, send_mortal(self->pair[CLIENT], buf, LEN, 20));
	put(self->pair[CLIENT], "end", 3);
	EXPECT_EQ(was + 3, snmp_becomes("OutGivenUp", was + 3));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(LEN, receive_gap(self->pair[SERVER], buf, LEN, 0, &flags, &gap));
		ASSERT_EQ(-1, gap);
	}
	EXPECT_EQ(3, receive_gap(self->pair[SERVER], buf, LEN, 0, &flags, &gap));
	EXPECT_EQ(3, gap);
	EXPECT_EQ(0, memcmp(buf, "end", 3));
	EXPECT_EQ(0, queue_becomes(self->pair[CLIENT], SIOCOUTQ, 0));
}

TEST_F(late, control_messages_that_are_none)
{
	union { char b[CMSG_SPACE(8)]; struct cmsghdr h; } c = { };
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.b };
	static const struct { int type; size_t len; } bad[] = {
		{ RILL_LIFETIME, 0 }, { RILL_LIFETIME, 3 }, { RILL_LIFETIME, 8 },
		{ RILL_GAP, 4 }, { 131, 4 },
	};
	int stream[2];
	unsigned int i;
	char buf[4];

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c.h.cmsg_level = SOL_RILL;
		c.h.cmsg_type = bad[i].type;
		c.h.cmsg_len = CMSG_LEN(bad[i].len);
		msg.msg_controllen = CMSG_SPACE(bad[i].len);
		EXPECT_EQ(-EINVAL, RET(sendmsg(self->pair[CLIENT], &msg, 0))) TH_LOG("%u", i);
	}
	put(self->pair[CLIENT], "y", 1);
	EXPECT_EQ(1, RET(recv(self->pair[SERVER], buf, 4, 0)));
	EXPECT_EQ('y', buf[0]);
	/* bytes have no lifetime, and records no part in a SYN */
	env_pair(&self->e, stream);
	EXPECT_EQ(-EINVAL, send_mortal(stream[CLIENT], "x", 1, 10));
	EXPECT_EQ(-EOPNOTSUPP, RET(send(self->pair[CLIENT], "x", 1, MSG_FASTOPEN)));
}

TEST_HARNESS_MAIN
