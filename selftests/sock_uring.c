// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring: every operation on sockets, those that wait by poll and those that
 * answer many times among them.  Raw system calls, no liburing.
 */
#include "kselftest_harness.h"

#include <linux/io_uring.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "lib.h"

DIFFERENTIAL(uring, ON_FOUR_PATHS);

/* --------------------------------------------------------------- the ring */

enum { ENTRIES = 32 };

struct done {
	uint64_t id;
	int res;
	uint32_t flags;
};

struct ring {
	int fd;
	uint32_t *sq_tail, *sq_array, *cq_head, *cq_tail;
	uint32_t sq_mask, cq_mask, queued;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	struct done aside[ENTRIES];	/* came, and were not asked for yet */
	int naside;
};

static void *ring_map(int fd, uint64_t off, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off);

	if (p == MAP_FAILED)
		fatal("mmap of the ring");
	return p;
}

/* Skips the test where the kernel has no io_uring, or not this operation. */
static void ring_need(struct ring *r, int op)
{
	struct io_uring_probe *p = calloc(1, sizeof(*p) + 256 * sizeof(p->ops[0]));

	if (syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_PROBE, p, 256) ||
	    !(p->ops[op].flags & IO_URING_OP_SUPPORTED)) {
		fprintf(stderr, "#      SKIP      io_uring has no operation %d\n", op);
		_exit(255);
	}
	free(p);
}

static struct ring *ring_open(void)
{
	struct io_uring_params p = { };
	struct ring *r = calloc(1, sizeof(*r));
	char *sq, *cq;

	r->fd = syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (r->fd < 0) {
		fprintf(stderr, "#      SKIP      no io_uring here\n");
		_exit(255);
	}
	sq = ring_map(r->fd, IORING_OFF_SQ_RING, p.sq_off.array + p.sq_entries * sizeof(uint32_t));
	cq = ring_map(r->fd, IORING_OFF_CQ_RING,
		      p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe));
	r->sqes = ring_map(r->fd, IORING_OFF_SQES, p.sq_entries * sizeof(struct io_uring_sqe));
	r->sq_tail = (void *)(sq + p.sq_off.tail);
	r->sq_array = (void *)(sq + p.sq_off.array);
	r->sq_mask = *(uint32_t *)(sq + p.sq_off.ring_mask);
	r->cq_head = (void *)(cq + p.cq_off.head);
	r->cq_tail = (void *)(cq + p.cq_off.tail);
	r->cq_mask = *(uint32_t *)(cq + p.cq_off.ring_mask);
	r->cqes = (void *)(cq + p.cq_off.cqes);
	return r;
}

/* A request to fill in further; id comes back with its completions. */
static struct io_uring_sqe *ask(struct ring *r, uint64_t id, int op, int fd, const void *addr,
				uint32_t len)
{
	uint32_t at = (*r->sq_tail + r->queued) & r->sq_mask;
	struct io_uring_sqe *sqe = &r->sqes[at];

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = op;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)addr;
	sqe->len = len;
	sqe->user_data = id;
	r->sq_array[at] = at;
	r->queued++;
	return sqe;
}

/* Hands in what was asked, and lets what can complete do so. */
static void submit(struct ring *r)
{
	uint32_t n = r->queued;

	__atomic_store_n(r->sq_tail, *r->sq_tail + n, __ATOMIC_RELEASE);
	r->queued = 0;
	if (syscall(SYS_io_uring_enter, r->fd, n, 0, IORING_ENTER_GETEVENTS, NULL, 0) != n)
		fatal("io_uring_enter");
}

/* The oldest completion that was not looked at; false: none within ms. */
static bool reap(struct ring *r, struct done *cqe, int ms)
{
	struct __kernel_timespec ts = { ms / 1000, ms % 1000 * 1000000LL };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&ts };
	uint32_t head = *r->cq_head;
	struct io_uring_cqe *c;

	if (head == __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE))
		syscall(SYS_io_uring_enter, r->fd, 0, ms ? 1 : 0,
			IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg));
	if (head == __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE))
		return false;
	c = &r->cqes[head & r->cq_mask];
	*cqe = (struct done){ c->user_data, c->res, c->flags };
	__atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
	return true;
}

/* The next completion of request id; others are kept for when they are asked for. */
static struct done answer(struct ring *r, uint64_t id)
{
	struct done cqe;
	int i;

	for (i = 0; i < r->naside; i++) {
		if (r->aside[i].id != id)
			continue;
		cqe = r->aside[i];
		memmove(&r->aside[i], &r->aside[i + 1], (--r->naside - i) * sizeof(cqe));
		return cqe;
	}
	while (reap(r, &cqe, PATIENCE)) {
		if (cqe.id == id)
			return cqe;
		r->aside[r->naside++] = cqe;
	}
	fatal("request %d was not answered", (int)id);
}

static bool silent(struct ring *r)
{
	struct done cqe;

	return !r->naside && !reap(r, &cqe, 0);
}

/* Hands in one request and waits for its result. */
static int result(struct ring *r, uint64_t id)
{
	submit(r);
	return answer(r, id).res;
}

/* ------------------------------------------------------------------- tests */

TEST_F(uring, send_and_recv)
{
	struct ring *r = ring_open();
	char a[8] = "", b[8] = "";
	struct iovec iov[] = { { a, 2 }, { b, 8 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	struct done cqe;
	int pair[2], p[2];

	env_pair(&self->e, pair);
	/* a reader that comes first waits; it is told whether there is more */
	ask(r, 1, IORING_OP_RECV, pair[SERVER], a, 3);
	submit(r);
	EXPECT_TRUE(silent(r));
	ask(r, 2, IORING_OP_SEND, pair[CLIENT], "hello", 5);
	EXPECT_EQ(5, result(r, 2));
	cqe = answer(r, 1);
	EXPECT_EQ(3, cqe.res);
	EXPECT_EQ(IORING_CQE_F_SOCK_NONEMPTY, cqe.flags);
	ask(r, 1, IORING_OP_RECV, pair[SERVER], a + 3, 5)->ioprio = IORING_RECVSEND_POLL_FIRST;
	submit(r);
	cqe = answer(r, 1);
	EXPECT_EQ(2, cqe.res);
	EXPECT_EQ(0, cqe.flags);
	EXPECT_STREQ("hello", a);

	ask(r, 1, IORING_OP_RECVMSG, pair[SERVER], &msg, 1);
	submit(r);
	EXPECT_TRUE(silent(r));
	iov[0] = (struct iovec){ "uri", 3 };
	iov[1] = (struct iovec){ "ng", 3 };
	ask(r, 2, IORING_OP_SENDMSG, pair[CLIENT], &msg, 1);
	EXPECT_EQ(6, result(r, 2));
	EXPECT_EQ(6, answer(r, 1).res);
	EXPECT_EQ(0, memcmp(a, "ur", 2));
	EXPECT_STREQ("ing", b);

	/* read and write; by a kernel thread that may block */
	ask(r, 1, IORING_OP_READ, pair[SERVER], a, 8)->flags = IOSQE_ASYNC;
	submit(r);
	ask(r, 2, IORING_OP_WRITE, pair[CLIENT], "ab", 2);
	EXPECT_EQ(2, result(r, 2));
	EXPECT_EQ(2, answer(r, 1).res);

	ASSERT_EQ(0, pipe(p));
	ask(r, 1, IORING_OP_SPLICE, p[1], NULL, 100)->splice_fd_in = pair[SERVER];
	r->sqes[(*r->sq_tail) & r->sq_mask].off = -1;
	r->sqes[(*r->sq_tail) & r->sq_mask].splice_off_in = -1;
	submit(r);
	send_all(pair[CLIENT], "xyz", 3);
	EXPECT_EQ(3, answer(r, 1).res);
	EXPECT_EQ(3, read(p[0], a, 8));

	/* the end is more to read, once */
	send_all(pair[CLIENT], "x", 1);
	ask(r, 1, IORING_OP_SHUTDOWN, pair[CLIENT], NULL, SHUT_WR);
	EXPECT_EQ(0, result(r, 1));
	ASSERT_NE(0, wait_events(pair[SERVER], POLLRDHUP));
	ask(r, 1, IORING_OP_RECV, pair[SERVER], a, 8);
	submit(r);
	cqe = answer(r, 1);
	EXPECT_EQ(1, cqe.res);
	EXPECT_EQ(IORING_CQE_F_SOCK_NONEMPTY, cqe.flags);
	ask(r, 1, IORING_OP_RECV, pair[SERVER], a, 8);
	EXPECT_EQ(0, result(r, 1));
	ask(r, 1, IORING_OP_SEND, pair[CLIENT], "x", 1)->msg_flags = MSG_NOSIGNAL;
	EXPECT_EQ(-EPIPE, result(r, 1));
	ask(r, 1, IORING_OP_RECV, pair[CLIENT], a, 8);
	submit(r);
	EXPECT_TRUE(silent(r));
	reset_close(pair[SERVER]);
	EXPECT_EQ(-ECONNRESET, answer(r, 1).res);
	ask(r, 1, IORING_OP_CLOSE, pair[CLIENT], NULL, 0);
	EXPECT_EQ(0, result(r, 1));
	EXPECT_EQ(-1, fcntl(pair[CLIENT], F_GETFD));
}

/* More than fits: the ring waits for room, and for the rest, by poll. */
TEST_F_TIMEOUT(uring, whole, SLOW_TEST)
{
	enum { N = 2000000 };
	uint8_t *out = malloc(N), *in = malloc(N);
	struct ring *r = ring_open();
	int pair[2];

	env_pair(&self->e, pair);
	pattern_fill(3, 0, out, N);
	ask(r, 1, IORING_OP_SEND, pair[CLIENT], out, N)->msg_flags = MSG_WAITALL;
	ask(r, 2, IORING_OP_RECV, pair[SERVER], in, N)->msg_flags = MSG_WAITALL;
	submit(r);
	EXPECT_EQ(N, answer(r, 1).res);
	EXPECT_EQ(N, answer(r, 2).res);
	EXPECT_EQ(N, pattern_check(3, 0, in, N));
	EXPECT_TRUE(silent(r));
}

TEST_F(uring, accept_and_connect)
{
	struct ring *r = ring_open();
	struct env *e = &self->e;
	int fd[3], afd, lfd, i;
	struct done cqe;
	union sa at, from, me;
	socklen_t len = sizeof(from);

	lfd = env_listen(e, 8, &at);
	ask(r, 1, IORING_OP_ACCEPT, lfd, &from, 0)->addr2 = (uintptr_t)&len;
	submit(r);
	EXPECT_TRUE(silent(r));
	for (i = 0; i < 3; i++)
		fd[i] = env_socket(e, CLIENT, 0);
	ask(r, 2, IORING_OP_CONNECT, fd[0], &at, 0)->off = sa_len(&at);
	EXPECT_EQ(0, result(r, 2));
	afd = answer(r, 1).res;
	ASSERT_LE(0, afd);
	me = local_name(fd[0]);
	EXPECT_TRUE(sa_same(&me, &from));
	send_all(fd[0], "x", 1);
	EXPECT_EQ('x', ({ char c; recv_all(afd, &c, 1); c; }));
	ask(r, 2, IORING_OP_CONNECT, fd[0], &at, 0)->off = sa_len(&at);
	EXPECT_EQ(-EISCONN, result(r, 2));

	/* one request, many connections: one waiting already, two that come */
	ASSERT_EQ(0, do_connect(fd[1], at));
	ASSERT_NE(0, wait_events(lfd, POLLIN));
	ask(r, 1, IORING_OP_ACCEPT, lfd, NULL, 0)->ioprio = IORING_ACCEPT_MULTISHOT;
	submit(r);
	for (i = 0; i < 3; i++) {
		cqe = answer(r, 1);
		EXPECT_LE(0, cqe.res);
		EXPECT_EQ(IORING_CQE_F_MORE, cqe.flags);
		EXPECT_TRUE(silent(r));
		if (i == 2)
			break;
		ask(r, 2, IORING_OP_CONNECT, i ? env_socket(e, CLIENT, 0) : fd[2], &at, 0)->off =
			sa_len(&at);
		EXPECT_EQ(0, result(r, 2));
	}
	/* what concerns the listener ends it */
	ASSERT_EQ(0, shutdown(lfd, SHUT_RD));
	cqe = answer(r, 1);
	EXPECT_EQ(-EINVAL, cqe.res);
	EXPECT_EQ(0, cqe.flags);

	fd[0] = env_socket(e, CLIENT, 0);
	ask(r, 2, IORING_OP_CONNECT, fd[0], &at, 0)->off = sa_len(&at);
	EXPECT_EQ(-ECONNREFUSED, result(r, 2));
}

TEST_F_TIMEOUT(uring, poll, SLOW_TEST)
{
	struct ring *r = ring_open();
	struct env *e = &self->e;
	struct done cqe;
	int pair[2], lfd, i;
	union sa at;
	size_t n;

	env_pair(e, pair);
	/* each arrival is told, read or not; acknowledgements are not */
	ask(r, 1, IORING_OP_POLL_ADD, pair[SERVER], NULL, IORING_POLL_ADD_MULTI)->poll32_events =
		POLLIN | POLLRDHUP;
	ask(r, 2, IORING_OP_POLL_ADD, pair[CLIENT], NULL, IORING_POLL_ADD_MULTI)->poll32_events =
		POLLIN | POLLRDHUP;
	submit(r);
	for (i = 1; i < 4; i++) {
		send_all(pair[CLIENT], "x", 1);
		cqe = answer(r, 1);
		EXPECT_EQ(POLLIN, cqe.res);
		EXPECT_EQ(IORING_CQE_F_MORE, cqe.flags);
		ASSERT_EQ(0, queue_becomes(pair[CLIENT], TIOCOUTQ, 0));
		EXPECT_TRUE(silent(r));
	}
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	cqe = answer(r, 1);
	EXPECT_EQ(POLLIN | POLLRDHUP, cqe.res);
	EXPECT_EQ(IORING_CQE_F_MORE, cqe.flags);
	/* taken away: until then it holds the socket */
	ask(r, 3, IORING_OP_POLL_REMOVE, -1, (void *)1, 0);
	EXPECT_EQ(0, result(r, 3));
	EXPECT_EQ(-ECANCELED, answer(r, 1).res);
	EXPECT_TRUE(silent(r));
	reset_close(pair[SERVER]);
	cqe = answer(r, 2);
	EXPECT_EQ(POLLIN | POLLRDHUP | POLLERR | POLLHUP, cqe.res);
	close(r->fd);
	r = ring_open();

	env_pair(e, pair);
	n = fill(pair[CLIENT]);
	ask(r, 4, IORING_OP_POLL_ADD, pair[CLIENT], NULL, 0)->poll32_events = POLLOUT;
	submit(r);
	EXPECT_TRUE(silent(r));
	drain(pair[SERVER], n);
	EXPECT_EQ(POLLOUT, answer(r, 4).res);

	lfd = env_listen(e, 8, &at);
	ask(r, 5, IORING_OP_POLL_ADD, lfd, NULL, IORING_POLL_ADD_MULTI)->poll32_events = POLLIN;
	submit(r);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, do_connect(env_socket(e, CLIENT, 0), at));
		EXPECT_EQ(POLLIN, answer(r, 5).res);
	}
	EXPECT_TRUE(silent(r));
}

/* One request for all that comes, each piece in a buffer of a group. */
TEST_F(uring, recv_multishot)
{
	enum { BUFS = 4, SIZE = 64, GROUP = 7 };
	static char bufs[BUFS][SIZE];
	struct ring *r = ring_open();
	struct done cqe;
	struct io_uring_sqe *sqe;
	int pair[2], i;

	env_pair(&self->e, pair);
	sqe = ask(r, 1, IORING_OP_PROVIDE_BUFFERS, BUFS, bufs, SIZE);
	sqe->buf_group = GROUP;
	ASSERT_LE(0, result(r, 1));
	for (i = 0; i < 2; i++) {
		sqe = ask(r, 2, IORING_OP_RECV, pair[SERVER], NULL, 0);
		sqe->ioprio = IORING_RECV_MULTISHOT;
		sqe->flags = IOSQE_BUFFER_SELECT;
		sqe->buf_group = GROUP;
		submit(r);
		if (i)
			break;
		for (i = 0; i < BUFS; i++) {
			char text[8];

			EXPECT_TRUE(silent(r));
			snprintf(text, sizeof(text), "piece%d", i);
			send_all(pair[CLIENT], text, 6);
			cqe = answer(r, 2);
			ASSERT_EQ(6, cqe.res);
			EXPECT_EQ(IORING_CQE_F_MORE | IORING_CQE_F_BUFFER, cqe.flags & 0xffff);
			EXPECT_EQ(0, memcmp(text, bufs[cqe.flags >> IORING_CQE_BUFFER_SHIFT], 6));
		}
		/* no buffer is left: the request ends, the bytes stay */
		send_all(pair[CLIENT], "left", 4);
		cqe = answer(r, 2);
		EXPECT_EQ(-ENOBUFS, cqe.res);
		EXPECT_EQ(0, cqe.flags);
		sqe = ask(r, 1, IORING_OP_PROVIDE_BUFFERS, BUFS, bufs, SIZE);
		sqe->buf_group = GROUP;
		ASSERT_LE(0, result(r, 1));
		i = 0;
	}
	cqe = answer(r, 2);
	EXPECT_EQ(4, cqe.res);
	EXPECT_TRUE(cqe.flags & IORING_CQE_F_MORE);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	cqe = answer(r, 2);
	EXPECT_EQ(0, cqe.res);
	EXPECT_FALSE(cqe.flags & IORING_CQE_F_MORE);
}

/* Two completions a send: what was taken, and that the memory is free again. */
TEST_F(uring, send_zc)
{
	static char buf[60000], got[sizeof(buf)];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct ring *r = ring_open();
	struct io_uring_sqe *sqe;
	struct done cqe;
	int pair[2], i;

	ring_need(r, IORING_OP_SENDMSG_ZC);
	ASSERT_EQ(0, syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_BUFFERS, &iov, 1));
	env_pair(&self->e, pair);
	/* from the program's memory, from memory registered, by sendmsg; accepted
	 * sockets as others */
	for (i = 0; i < 4; i++) {
		pattern_fill(i, 0, (uint8_t *)buf, sizeof(buf));
		if (i < 3) {
			sqe = ask(r, 1, IORING_OP_SEND_ZC, pair[i % 2], buf, sizeof(buf));
			sqe->ioprio = IORING_SEND_ZC_REPORT_USAGE |
				      (i == 2 ? IORING_RECVSEND_FIXED_BUF : 0);
		} else {
			ask(r, 1, IORING_OP_SENDMSG_ZC, pair[i % 2], &msg, 1);
		}
		submit(r);
		cqe = answer(r, 1);
		ASSERT_EQ(sizeof(buf), cqe.res);
		EXPECT_EQ(IORING_CQE_F_MORE, cqe.flags);
		recv_all(pair[!(i % 2)], got, sizeof(buf));
		EXPECT_EQ(sizeof(buf), pattern_check(i, 0, (uint8_t *)got, sizeof(buf)));
		cqe = answer(r, 1);
		EXPECT_EQ(IORING_CQE_F_NOTIF, cqe.flags);
		/* TCP's too are copied, where the peer is this host */
		EXPECT_EQ(i < 3 ? (int)IORING_NOTIF_USAGE_ZC_COPIED : 0, cqe.res);
		EXPECT_TRUE(silent(r));
	}
	/* it is no MSG_ZEROCOPY: nothing is on the error queue */
	EXPECT_EQ(POLLOUT, revents(pair[CLIENT]));
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	ask(r, 1, IORING_OP_SEND_ZC, pair[CLIENT], buf, 1);
	EXPECT_EQ(-EPIPE, result(r, 1));
	EXPECT_EQ(IORING_CQE_F_NOTIF, answer(r, 1).flags);
}

TEST_F(uring, time_outs_and_cancel)
{
	struct __kernel_timespec soon = { 0, 50000000 }, never = { 600, 0 };
	struct ring *r = ring_open();
	struct io_uring_sqe *sqe;
	int pair[2], lfd, i;
	union sa at;
	char c[2];

	env_pair(&self->e, pair);
	for (i = 0; i < 2; i++) {
		ask(r, 1, IORING_OP_RECV, pair[SERVER], c, 1)->flags = IOSQE_IO_LINK;
		ask(r, 2, IORING_OP_LINK_TIMEOUT, -1, i ? &never : &soon, 1);
		submit(r);
		if (i)
			send_all(pair[CLIENT], "x", 1);
		EXPECT_EQ(i ? 1 : -ECANCELED, answer(r, 1).res);
		EXPECT_EQ(i ? -ECANCELED : -ETIME, answer(r, 2).res);
	}
	/* a chain: the second waits for the first */
	ask(r, 1, IORING_OP_RECV, pair[SERVER], c, 1)->flags = IOSQE_IO_LINK;
	ask(r, 2, IORING_OP_SEND, pair[SERVER], "y", 1);
	submit(r);
	EXPECT_TRUE(silent(r));
	send_all(pair[CLIENT], "x", 1);
	EXPECT_EQ(1, answer(r, 1).res);
	EXPECT_EQ(1, answer(r, 2).res);
	recv_all(pair[CLIENT], c, 1);

	/* by name, and all of a descriptor; bytes that come later are not lost */
	lfd = env_listen(&self->e, 8, &at);
	ask(r, 1, IORING_OP_ACCEPT, lfd, NULL, 0);
	ask(r, 2, IORING_OP_RECV, pair[SERVER], &c[0], 1);
	ask(r, 3, IORING_OP_RECV, pair[SERVER], &c[1], 1);
	submit(r);
	ask(r, 4, IORING_OP_ASYNC_CANCEL, -1, (void *)1, 0);
	EXPECT_EQ(0, result(r, 4));
	EXPECT_EQ(-ECANCELED, answer(r, 1).res);
	sqe = ask(r, 4, IORING_OP_ASYNC_CANCEL, pair[SERVER], NULL, 0);
	sqe->cancel_flags = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL;
	EXPECT_EQ(2, result(r, 4));
	EXPECT_EQ(-ECANCELED, answer(r, 2).res);
	EXPECT_EQ(-ECANCELED, answer(r, 3).res);
	send_all(pair[CLIENT], "ab", 2);
	recv_all(pair[SERVER], c, 2);
	EXPECT_EQ(0, memcmp(c, "ab", 2));
	/* a ring that goes takes its requests along */
	ask(r, 2, IORING_OP_RECV, pair[SERVER], c, 1);
	submit(r);
	close(r->fd);
	send_all(pair[CLIENT], "z", 1);
}

TEST_HARNESS_MAIN
