// SPDX-License-Identifier: GPL-2.0
/*
 * MSG_ZEROCOPY: the option that allows it, and the notices on the error queue that
 * say when the program's pages are its own again.
 */
#include "kselftest_harness.h"

#include <linux/capability.h>
#include <linux/errqueue.h>
#include <linux/rill.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "lib.h"

DIFFERENTIAL(zerocopy, ON_FOUR_PATHS);

/* SO_ZEROCOPY. */
static int try_zerocopy(const struct env *e, int fd, int on)
{
	if (differs(e, 6))
		return setsockopt(fd, SOL_RILL, RILL_ZEROCOPY, &on, sizeof(on));
	return setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on));
}

static long send_zc(int fd, const void *buf, size_t len, int flags)
{
	return RET(send(fd, buf, len, MSG_ZEROCOPY | MSG_NOSIGNAL | flags));
}

struct notice {
	struct sock_extended_err ee;
	int level, type, flags;
	size_t len;		/* of the control message's data */
};

/* Takes one notice; the bytes recvmsg() returned, or -errno. */
static long notice(int fd, struct notice *n)
{
	char data[16], control[256];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	long r = RET(recvmsg(fd, &m, MSG_ERRQUEUE));
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	memset(n, 0, sizeof(*n));
	if (r < 0)
		return r;
	if (!c || CMSG_NXTHDR(&m, c) || m.msg_namelen)
		fatal("a notice is one control message");
	n->level = c->cmsg_level;
	n->type = c->cmsg_type;
	n->flags = m.msg_flags;
	n->len = c->cmsg_len - CMSG_LEN(0);
	memcpy(&n->ee, CMSG_DATA(c), sizeof(n->ee));
	return r;
}

/* Waits for the notices of sends lo..hi, in whatever pieces; false: others came. */
static bool notified(const struct env *e, int fd, uint32_t lo, uint32_t hi)
{
	bool v6 = e->fam->af == AF_INET6;
	struct notice n;

	while (lo <= hi) {
		if (wait_events(fd, 0) != POLLERR || notice(fd, &n) != 0)
			return false;
		if (n.level != (v6 ? SOL_IPV6 : SOL_IP) || n.flags != MSG_ERRQUEUE ||
		    n.type != (v6 ? IPV6_RECVERR : IP_RECVERR) ||
		    n.len != sizeof(n.ee) + (v6 ? sizeof(struct sockaddr_in6) :
						  sizeof(struct sockaddr_in)))
			return false;
		/* TCP over lo and veth copies as well; Rill always does: item 7 */
		if (n.ee.ee_errno || n.ee.ee_origin != SO_EE_ORIGIN_ZEROCOPY || n.ee.ee_type ||
		    n.ee.ee_code != SO_EE_CODE_ZEROCOPY_COPIED || n.ee.ee_pad)
			return false;
		if (n.ee.ee_info != lo || n.ee.ee_data > hi)
			return false;
		lo = n.ee.ee_data + 1;
	}
	return true;
}

TEST_F(zerocopy, option)
{
	struct env *e = &self->e;
	int pair[2], lfd, cfd, afd;
	struct notice n;
	union sa at;
	char c;

	cfd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(0, get_int(cfd, SOL_SOCKET, SO_ZEROCOPY));
	EXPECT_EQ(-EINVAL, RET(try_zerocopy(e, cfd, 2)));
	EXPECT_EQ(-EINVAL, RET(try_zerocopy(e, cfd, -1)));
	EXPECT_EQ(0, try_zerocopy(e, cfd, 1));
	EXPECT_EQ(1, get_int(cfd, SOL_SOCKET, SO_ZEROCOPY));
	if (e->fam->rill) {
		EXPECT_EQ(1, get_int(cfd, SOL_RILL, RILL_ZEROCOPY));
		/* only what TCP has is answered as TCP */
		EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(cfd, IPPROTO_TCP, RILL_ZEROCOPY,
						       &(int){ 1 }, sizeof(int))));
	}
	/* not connected: the error of send, and no number is used up */
	EXPECT_EQ(-EPIPE, send_zc(cfd, "x", 1, 0));

	/* an accepted socket has its listener's */
	lfd = env_listen(e, 1, &at);
	ASSERT_EQ(0, try_zerocopy(e, lfd, 1));
	ASSERT_EQ(0, do_connect(cfd, at));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	EXPECT_EQ(1, get_int(afd, SOL_SOCKET, SO_ZEROCOPY));
	EXPECT_EQ(1, send_zc(afd, "x", 1, 0));
	recv_all(cfd, &c, 1);
	EXPECT_TRUE(notified(e, afd, 0, 0));
	EXPECT_EQ(1, send_zc(cfd, "x", 1, 0));
	EXPECT_TRUE(notified(e, cfd, 0, 0));

	/* without the option the flag says nothing */
	env_pair(e, pair);
	EXPECT_EQ(1, send_zc(pair[CLIENT], "x", 1, 0));
	recv_all(pair[SERVER], &c, 1);
	EXPECT_EQ(POLLOUT, revents(pair[CLIENT]));
	EXPECT_EQ(-EAGAIN, notice(pair[CLIENT], &n));
}

TEST_F_TIMEOUT(zerocopy, notices, SLOW_TEST)
{
	enum { N = 50000 };
	static uint8_t buf[N], got[N];
	struct task t = { .flags = 0 };
	struct env *e = &self->e;
	int pair[2], i;
	struct notice n;
	size_t in;

	env_pair(e, pair);
	t.fd = pair[CLIENT];
	ASSERT_EQ(0, try_zerocopy(e, t.fd, 1));
	EXPECT_EQ(0, send_zc(t.fd, buf, 0, 0));
	EXPECT_EQ(-EAGAIN, notice(t.fd, &n));

	/* who sleeps in poll() and asked for nothing is woken */
	task_start(&t, task_poll);
	task_blocked(&t, SYS_poll);
	pattern_fill(9, 0, buf, N);
	EXPECT_EQ(N, send_zc(t.fd, buf, N, 0));
	recv_all(pair[SERVER], got, N);
	EXPECT_EQ(N, pattern_check(9, 0, got, N));
	EXPECT_EQ(POLLERR, task_join(&t));
	/* a notice is no error: it is told by poll() alone */
	EXPECT_EQ(0, so_error(t.fd));
	EXPECT_EQ(1, send(t.fd, "x", 1, MSG_MORE));
	EXPECT_EQ(POLLERR, wait_events(t.fd, 0));
	EXPECT_TRUE(notified(e, t.fd, 0, 0));
	EXPECT_EQ(0, poll(&(struct pollfd){ t.fd, 0, 0 }, 1, 0));

	/* several sends may share a notice; none is missing */
	for (i = 0; i < 20; i++)
		ASSERT_EQ(1000, send_zc(t.fd, buf, 1000, 0));
	drain(pair[SERVER], 20001);
	EXPECT_TRUE(notified(e, t.fd, 1, 20));
	/* unread ones are told in one */
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(1, send_zc(t.fd, "x", 1, 0));
		drain(pair[SERVER], 1);
		ASSERT_EQ(0, queue_becomes(t.fd, TIOCOUTQ, 0));
	}
	ASSERT_EQ(POLLERR, wait_events(t.fd, 0));
	EXPECT_EQ(0, notice(t.fd, &n));
	EXPECT_EQ(21, n.ee.ee_info);
	EXPECT_EQ(23, n.ee.ee_data);

	/* what was not sent has no number */
	in = fill(t.fd);
	EXPECT_EQ(-EAGAIN, send_zc(t.fd, buf, N, MSG_DONTWAIT));
	drain(pair[SERVER], in);
	ASSERT_NE(0, wait_events(t.fd, POLLOUT));
	EXPECT_EQ(-EFAULT, send_zc(t.fd, (void *)8, 100, 0));
	EXPECT_EQ(1, send_zc(t.fd, "x", 1, 0));
	EXPECT_TRUE(notified(e, t.fd, 24, 24));
	ASSERT_EQ(0, shutdown(t.fd, SHUT_WR));
	EXPECT_EQ(-EPIPE, send_zc(t.fd, "x", 1, 0));
	EXPECT_EQ(-EAGAIN, notice(t.fd, &n));
}

/* Without CAP_IPC_LOCK what is in flight counts against RLIMIT_MEMLOCK. */
TEST_F_TIMEOUT(zerocopy, locked_memory, SLOW_TEST)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct rlimit twenty_pages = { 20 * 4096, 20 * 4096 };
	struct __user_cap_data_struct cap[2];
	static uint8_t buf[100000];
	struct env *e = &self->e;
	int pair[2];
	uint32_t i;

	env_pair(e, pair);
	ASSERT_EQ(0, try_zerocopy(e, pair[CLIENT], 1));
	ASSERT_EQ(0, syscall(SYS_capget, &h, cap));
	cap[0].effective &= ~(1U << CAP_IPC_LOCK);
	ASSERT_EQ(0, syscall(SYS_capset, &h, cap));
	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &twenty_pages));
	EXPECT_EQ(-ENOBUFS, send_zc(pair[CLIENT], buf, sizeof(buf), 0));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(65536, send_zc(pair[CLIENT], buf, 65536, 0));
		drain(pair[SERVER], 65536);
		ASSERT_TRUE(notified(e, pair[CLIENT], i, i));
	}
	EXPECT_EQ(-ENOBUFS, send_zc(pair[CLIENT], buf, sizeof(buf), 0));
	EXPECT_EQ(100, RET(send(pair[CLIENT], buf, 100, 0)));
}

TEST_HARNESS_MAIN
