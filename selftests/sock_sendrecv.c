// SPDX-License-Identifier: GPL-2.0
/*
 * Sending and receiving: every flag, lengths from nothing to more than fits,
 * scatter and gather.  The shapes of messages are in sock_msg.c, waiting in
 * sock_wait.c, what a half-closed or reset connection answers in sock_shutdown.c.
 */
#include "kselftest_harness.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "lib.h"

DIFFERENTIAL(data, OVER_BOTH);

TEST_F(data, read_and_write)
{
	int pair[2];
	char buf[16] = "";

	env_pair(&self->e, pair);
	EXPECT_EQ(5, RET(write(pair[CLIENT], "hello", 5)));
	ASSERT_EQ(5, queue_becomes(pair[SERVER], FIONREAD, 5));
	EXPECT_EQ(2, RET(read(pair[SERVER], buf, 2)));
	EXPECT_EQ(3, RET(read(pair[SERVER], buf + 2, sizeof(buf) - 2)));
	EXPECT_STREQ("hello", buf);
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], buf, 1, MSG_DONTWAIT)));
}

TEST_F(data, bytes_have_no_boundaries)
{
	int pair[2], i;
	char buf[16] = "";

	env_pair(&self->e, pair);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(1, RET(send(pair[CLIENT], &"abcde"[i], 1, 0)));
	}
	ASSERT_EQ(5, queue_becomes(pair[SERVER], FIONREAD, 5));
	EXPECT_EQ(5, RET(recv(pair[SERVER], buf, sizeof(buf), 0)));
	EXPECT_STREQ("abcde", buf);
}

TEST_F(data, nothing)
{
	int pair[2];
	struct msghdr none = { };
	char c;

	env_pair(&self->e, pair);
	EXPECT_EQ(0, RET(send(pair[CLIENT], "", 0, 0)));
	EXPECT_EQ(0, RET(send(pair[CLIENT], NULL, 0, 0)));
	EXPECT_EQ(0, RET(sendmsg(pair[CLIENT], &none, 0)));
	/* recv() of nothing waits for something all the same, read() does not */
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], &c, 0, MSG_DONTWAIT)));
	EXPECT_EQ(0, RET(read(pair[SERVER], &c, 0)));
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], &c, 1, MSG_DONTWAIT)));
	send_all(pair[CLIENT], "x", 1);
	ASSERT_EQ(1, queue_becomes(pair[SERVER], FIONREAD, 1));
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 0, 0)));
	EXPECT_EQ(1, RET(recv(pair[SERVER], &c, 1, 0)));
}

TEST_F(data, peek)
{
	int pair[2];
	char buf[8];

	env_pair(&self->e, pair);
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], buf, 1, MSG_PEEK | MSG_DONTWAIT)));
	send_all(pair[CLIENT], "abc", 3);
	ASSERT_EQ(3, queue_becomes(pair[SERVER], FIONREAD, 3));
	EXPECT_EQ(2, RET(recv(pair[SERVER], buf, 2, MSG_PEEK)));
	EXPECT_EQ(0, memcmp(buf, "ab", 2));
	EXPECT_EQ(3, RET(recv(pair[SERVER], buf, 8, MSG_PEEK)));
	EXPECT_EQ(3, RET(recv(pair[SERVER], buf, 8, 0)));
	EXPECT_EQ(0, memcmp(buf, "abc", 3));
}

/* Peeking across many packets sees the same bytes as reading does. */
TEST_F(data, peek_across_packets)
{
	enum { N = 40000 };
	static uint8_t buf[N];
	int pair[2];

	env_pair(&self->e, pair);
	pattern_fill(1, 0, buf, N);
	send_all(pair[CLIENT], buf, N / 2);
	send_all(pair[CLIENT], buf + N / 2, N / 2);
	ASSERT_EQ(N, queue_becomes(pair[SERVER], FIONREAD, N));
	memset(buf, 0, N);
	EXPECT_EQ(N, RET(recv(pair[SERVER], buf, N, MSG_PEEK)));
	EXPECT_EQ(N, pattern_check(1, 0, buf, N));
	EXPECT_EQ(N / 4, RET(recv(pair[SERVER], buf, N / 4, 0)));
	EXPECT_EQ(N - N / 4, RET(recv(pair[SERVER], buf, N, MSG_PEEK)));
	EXPECT_EQ(N - N / 4, pattern_check(1, N / 4, buf, N - N / 4));
	EXPECT_EQ(N - N / 4, RET(recv(pair[SERVER], buf, N, 0)));
	EXPECT_EQ(N - N / 4, pattern_check(1, N / 4, buf, N - N / 4));
}

TEST_F(data, waitall)
{
	char buf[8] = "";
	struct task t = { .buf = buf, .len = 6, .flags = MSG_WAITALL };
	int pair[2];

	env_pair(&self->e, pair);
	t.fd = pair[SERVER];
	task_start(&t, task_recv);
	send_all(pair[CLIENT], "abc", 3);
	task_blocked(&t, SYS_recvfrom);
	EXPECT_FALSE(task_done(&t));
	send_all(pair[CLIENT], "def", 3);
	EXPECT_EQ(6, task_join(&t));
	EXPECT_STREQ("abcdef", buf);
}

TEST_F(data, waitall_ends_early)
{
	char buf[8];
	struct task t = { .buf = buf, .len = 8, .flags = MSG_WAITALL };
	int pair[2];

	env_pair(&self->e, pair);
	/* at the end of the stream */
	t.fd = pair[SERVER];
	task_start(&t, task_recv);
	send_all(pair[CLIENT], "abc", 3);
	task_blocked(&t, SYS_recvfrom);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	EXPECT_EQ(3, task_join(&t));
	/* by a signal: what is there */
	catch_signal(SIGUSR1);
	t.fd = pair[CLIENT];
	send_all(pair[SERVER], "ab", 2);
	ASSERT_EQ(2, queue_becomes(pair[CLIENT], FIONREAD, 2));
	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(2, task_join(&t));
	/* and it does not wait when told not to */
	send_all(pair[SERVER], "c", 1);
	ASSERT_EQ(1, queue_becomes(pair[CLIENT], FIONREAD, 1));
	EXPECT_EQ(1, RET(recv(pair[CLIENT], buf, 8, MSG_WAITALL | MSG_DONTWAIT)));
}

TEST_F(data, waitall_and_peek)
{
	char buf[8] = "";
	struct task t = { .buf = buf, .len = 4, .flags = MSG_WAITALL | MSG_PEEK };
	int pair[2];

	env_pair(&self->e, pair);
	t.fd = pair[SERVER];
	task_start(&t, task_recv);
	send_all(pair[CLIENT], "ab", 2);
	task_blocked(&t, SYS_recvfrom);
	send_all(pair[CLIENT], "cd", 2);
	EXPECT_EQ(4, task_join(&t));
	EXPECT_EQ(4, RET(recv(pair[SERVER], buf, 8, 0)));
	EXPECT_STREQ("abcd", buf);
}

/* On a stream MSG_TRUNC throws the bytes away instead of copying them. */
TEST_F(data, trunc_discards)
{
	int pair[2];
	char buf[8];

	env_pair(&self->e, pair);
	send_all(pair[CLIENT], "abcdef", 6);
	ASSERT_EQ(6, queue_becomes(pair[SERVER], FIONREAD, 6));
	memset(buf, '-', sizeof(buf));
	EXPECT_EQ(4, RET(recv(pair[SERVER], buf, 4, MSG_TRUNC)));
	EXPECT_EQ('-', buf[0]);
	EXPECT_EQ(1, RET(recv(pair[SERVER], NULL, 1, MSG_TRUNC)));
	EXPECT_EQ(1, RET(recv(pair[SERVER], buf, 8, 0)));
	EXPECT_EQ('f', buf[0]);
}

TEST_F(data, more)
{
	int pair[2];
	char buf[8] = "";

	env_pair(&self->e, pair);
	send_all(pair[CLIENT], "a", 1);
	EXPECT_EQ(2, RET(send(pair[CLIENT], "bc", 2, MSG_MORE)));
	EXPECT_EQ(1, RET(send(pair[CLIENT], "d", 1, 0)));
	recv_all(pair[SERVER], buf, 4);
	EXPECT_STREQ("abcd", buf);
	/* what MSG_MORE holds back goes out at the end all the same */
	EXPECT_EQ(2, RET(send(pair[CLIENT], "ef", 2, MSG_MORE)));
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	recv_all(pair[SERVER], buf, 2);
	EXPECT_EQ(0, RET(recv(pair[SERVER], buf, 1, 0)));
}

TEST_F(data, oob)
{
	int pair[2], mark = -1;
	char c;

	env_pair(&self->e, pair);
	/* nobody sent any, so nobody is at it */
	EXPECT_EQ(0, RET(ioctl(pair[SERVER], SIOCATMARK, &mark)));
	EXPECT_EQ(0, mark);
	if (!differs(&self->e, 1))
		return;
	EXPECT_EQ(-EOPNOTSUPP, RET(send(pair[CLIENT], "x", 1, MSG_OOB)));
	EXPECT_EQ(-EOPNOTSUPP, RET(recv(pair[SERVER], &c, 1, MSG_OOB)));
	send_all(pair[CLIENT], "y", 1);
	recv_all(pair[SERVER], &c, 1);
	EXPECT_EQ('y', c);
}

TEST_F(data, eor_changes_nothing_on_a_stream)
{
	int pair[2];
	char buf[4];

	env_pair(&self->e, pair);
	EXPECT_EQ(1, RET(send(pair[CLIENT], "a", 1, MSG_EOR)));
	EXPECT_EQ(1, RET(send(pair[CLIENT], "b", 1, 0)));
	ASSERT_EQ(2, queue_becomes(pair[SERVER], FIONREAD, 2));
	EXPECT_EQ(2, RET(recv(pair[SERVER], buf, 4, 0)));
}

TEST_F(data, errqueue_is_empty)
{
	int pair[2];
	char c;

	env_pair(&self->e, pair);
	EXPECT_EQ(-EAGAIN, RET(recv(pair[CLIENT], &c, 1, MSG_ERRQUEUE)));
	EXPECT_EQ(-EAGAIN, RET(recv(pair[CLIENT], &c, 1, MSG_ERRQUEUE | MSG_DONTWAIT)));
}

TEST_F(data, scatter_and_gather)
{
	int pair[2];
	char a[3] = "", b[3] = "", c[8] = "";
	struct iovec out[] = { { "ab", 2 }, { NULL, 0 }, { "c", 1 }, { "defg", 4 } };
	struct iovec in[] = { { a, 2 }, { b, 2 }, { NULL, 0 }, { c, 8 } };

	env_pair(&self->e, pair);
	EXPECT_EQ(7, RET(writev(pair[CLIENT], out, 4)));
	ASSERT_EQ(7, queue_becomes(pair[SERVER], FIONREAD, 7));
	EXPECT_EQ(7, RET(readv(pair[SERVER], in, 4)));
	EXPECT_STREQ("ab", a);
	EXPECT_STREQ("cd", b);
	EXPECT_STREQ("efg", c);
}

TEST_F(data, mmsg)
{
	struct iovec iov[3] = { { "ab", 2 }, { "", 0 }, { "c", 1 } };
	struct mmsghdr m[3] = { };
	char buf[8] = "";
	int pair[2], i;

	env_pair(&self->e, pair);
	for (i = 0; i < 3; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	EXPECT_EQ(3, RET(sendmmsg(pair[CLIENT], m, 3, 0)));
	EXPECT_EQ(2, m[0].msg_len);
	EXPECT_EQ(0, m[1].msg_len);
	ASSERT_EQ(3, queue_becomes(pair[SERVER], FIONREAD, 3));
	iov[0] = (struct iovec){ buf, 2 };
	iov[1] = (struct iovec){ buf + 2, 2 };
	EXPECT_EQ(2, RET(recvmmsg(pair[SERVER], m, 2, MSG_DONTWAIT, NULL)));
	EXPECT_EQ(1, m[1].msg_len);
	EXPECT_STREQ("abc", buf);
}

/* A stream names no sender: msg_name stays as it was and its length becomes 0. */
TEST_F(data, recvfrom_names_nobody)
{
	int pair[2];
	union sa a;
	char c;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &a };
	socklen_t len = sizeof(a);

	env_pair(&self->e, pair);
	send_all(pair[CLIENT], "xy", 2);
	memset(&a, 0xa5, sizeof(a));
	EXPECT_EQ(1, RET(recvfrom(pair[SERVER], &c, 1, 0, &a.sa, &len)));
	EXPECT_EQ(0, len);
	msg.msg_namelen = sizeof(a);
	EXPECT_EQ(1, RET(recvmsg(pair[SERVER], &msg, 0)));
	EXPECT_EQ(0, msg.msg_namelen);
	EXPECT_EQ(0, msg.msg_flags);
	EXPECT_EQ(0xa5, ((unsigned char *)&a)[0]);
}

/* Addresses on a connected stream are ignored, as TCP ignores them. */
TEST_F(data, sendto_with_an_address)
{
	int pair[2], fd = env_socket(&self->e, CLIENT, 0);
	union sa to = sa_foreign(self->e.fam->af, 9);
	char c;

	env_pair(&self->e, pair);
	EXPECT_EQ(1, RET(sendto(pair[CLIENT], "x", 1, 0, &to.sa, sa_len(&to))));
	recv_all(pair[SERVER], &c, 1);
	EXPECT_EQ(-EPIPE, RET(sendto(fd, "x", 1, MSG_NOSIGNAL, &to.sa, sa_len(&to))));
}

TEST_F(data, bad_memory)
{
	int pair[2];
	char c, *hole = (char *)8;
	struct iovec iov = { hole, 4 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	env_pair(&self->e, pair);
	EXPECT_EQ(-EFAULT, RET(send(pair[CLIENT], hole, 4, 0)));
	EXPECT_EQ(-EFAULT, RET(sendmsg(pair[CLIENT], &msg, 0)));
	EXPECT_EQ(-EFAULT, RET(sendmsg(pair[CLIENT], (void *)hole, 0)));
	EXPECT_EQ(-EFAULT, RET(send(pair[CLIENT], (void *)-4096UL, 4, 0)));
	send_all(pair[CLIENT], "x", 1);
	ASSERT_EQ(1, queue_becomes(pair[SERVER], FIONREAD, 1));
	EXPECT_EQ(-EFAULT, RET(recv(pair[SERVER], hole, 4, 0)));
	EXPECT_EQ(-EFAULT, RET(recvmsg(pair[SERVER], &msg, 0)));
	/* the byte that could not be delivered is still there */
	EXPECT_EQ(1, RET(recv(pair[SERVER], &c, 1, MSG_DONTWAIT)));
	EXPECT_EQ('x', c);
}

TEST_F(data, lengths_beyond_int)
{
	long page = sysconf(_SC_PAGESIZE);
	char c, *end = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + page;
	int pair[2];

	ASSERT_EQ(0, munmap(end, page));
	env_pair(&self->e, pair);
	/* the core caps them at MAX_RW_COUNT; the memory is not ours to read */
	EXPECT_EQ(-EFAULT, RET(send(pair[CLIENT], NULL, (size_t)1 << 40, MSG_DONTWAIT)));
	EXPECT_EQ(-EFAULT, RET(send(pair[CLIENT], end - 1, SIZE_MAX, MSG_DONTWAIT)));
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], &c, 1, MSG_DONTWAIT)));
}

TEST_F(data, fionbio)
{
	int pair[2], on = 1;
	char c;

	env_pair(&self->e, pair);
	ASSERT_EQ(0, ioctl(pair[SERVER], FIONBIO, &on));
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], &c, 1, 0)));
}

TEST_F(data, sendfile_and_splice)
{
	enum { N = 70000 };
	static uint8_t buf[N];
	int pair[2], pipefd[2], file = memfd_create("rill", 0);
	off_t at = 0;
	long n;

	ASSERT_LE(0, file);
	pattern_fill(2, 0, buf, N);
	ASSERT_EQ(N, write(file, buf, N));
	env_pair(&self->e, pair);
	set_nonblock(pair[CLIENT], true);
	while (at < N) {
		n = RET(sendfile(pair[CLIENT], file, &at, N - at));
		if (n == -EAGAIN)
			break;
		ASSERT_LT(0, n);
	}
	memset(buf, 0, N);
	recv_all(pair[SERVER], buf, at);
	EXPECT_EQ(at, pattern_check(2, 0, buf, at));
	/* the other way */
	ASSERT_EQ(0, pipe(pipefd));
	send_all(pair[SERVER], "splice", 6);
	ASSERT_EQ(6, queue_becomes(pair[CLIENT], FIONREAD, 6));
	EXPECT_EQ(6, RET(splice(pair[CLIENT], NULL, pipefd[1], NULL, 6, SPLICE_F_NONBLOCK)));
	ASSERT_EQ(6, read(pipefd[0], buf, 6));
	EXPECT_EQ(0, memcmp(buf, "splice", 6));
}

TEST_HARNESS_MAIN
