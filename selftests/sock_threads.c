// SPDX-License-Identifier: GPL-2.0
/*
 * One socket in many hands: forked, passed on, closed or shut down while another
 * thread is blocked in it, read and written by several threads at once.
 */
#include "kselftest_harness.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "lib.h"

DIFFERENTIAL(threads, OVER_BOTH);

TEST_F(threads, shutdown_wakes_a_reader)
{
	char buf[4];
	struct task t = { .buf = buf, .len = sizeof(buf) };
	int pair[2];

	env_pair(&self->e, pair);
	t.fd = pair[CLIENT];
	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_RD));
	EXPECT_EQ(0, task_join(&t));
}

TEST_F_TIMEOUT(threads, shutdown_wakes_a_writer, SLOW_TEST)
{
	static char buf[1 << 20];
	struct task t = { .buf = buf, .len = sizeof(buf), .flags = MSG_NOSIGNAL };
	int pair[2];

	env_pair(&self->e, pair);
	t.fd = pair[CLIENT];
	fill(t.fd);
	task_start(&t, task_send);
	task_blocked(&t, SYS_sendto);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	EXPECT_EQ(-EPIPE, task_join(&t));
}

TEST_F(threads, shutdown_wakes_an_acceptor)
{
	struct task t = { };
	union sa at;

	t.fd = env_listen(&self->e, 1, &at);
	task_start(&t, task_accept);
	task_blocked(&t, SYS_accept);
	ASSERT_EQ(0, shutdown(t.fd, SHUT_RD));
	EXPECT_EQ(-EINVAL, task_join(&t));
}

/* close() does not wake another thread's call: the call holds the socket, and
 * the connection stays until it returns. */
TEST_F(threads, close_does_not_wake_a_reader)
{
	char buf[4];
	struct task t = { .buf = buf, .len = sizeof(buf) };
	int pair[2];

	env_pair(&self->e, pair);
	t.fd = pair[CLIENT];
	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	close(pair[CLIENT]);
	EXPECT_FALSE(task_done(&t));
	send_all(pair[SERVER], "x", 1);
	EXPECT_EQ(1, task_join(&t));
	/* now it is closed, and in order: all was read */
	EXPECT_EQ(0, RET(recv(pair[SERVER], buf, 1, 0)));
}

TEST_F(threads, close_does_not_wake_an_acceptor)
{
	struct env *e = &self->e;
	struct task t = { };
	union sa at;

	t.fd = env_listen(e, 1, &at);
	task_start(&t, task_accept);
	task_blocked(&t, SYS_accept);
	close(t.fd);
	EXPECT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0), at)));
	EXPECT_LE(0, task_join(&t));
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(env_socket(e, CLIENT, 0), at)));
}

TEST_F_TIMEOUT(threads, close_does_not_wake_a_writer, SLOW_TEST)
{
	enum { N = 1 << 20 };
	char *buf = calloc(1, N);
	struct task t = { .buf = buf, .len = N, .flags = MSG_NOSIGNAL };
	int pair[2];
	size_t n;
	char c;

	env_pair(&self->e, pair);
	t.fd = pair[CLIENT];
	n = fill(t.fd);
	task_start(&t, task_send);
	task_blocked(&t, SYS_sendto);
	close(pair[CLIENT]);
	EXPECT_FALSE(task_done(&t));
	/* all of it goes, and then the end */
	drain(pair[SERVER], n + N);
	EXPECT_EQ(N, task_join(&t));
	EXPECT_EQ(0, RET(recv(pair[SERVER], &c, 1, 0)));
}

TEST_F(threads, close_does_not_wake_poll)
{
	struct task t = { .flags = POLLIN };
	int pair[2];

	env_pair(&self->e, pair);
	t.fd = pair[CLIENT];
	task_start(&t, task_poll);
	task_blocked(&t, SYS_poll);
	close(pair[CLIENT]);
	EXPECT_FALSE(task_done(&t));
	/* it holds the socket, and when that wakes it the number is nobody's */
	send_all(pair[SERVER], "x", 1);
	EXPECT_EQ(POLLNVAL, task_join(&t));
}

/* Another socket under the same number is nothing to a call under way. */
TEST_F(threads, dup2_over_a_reader)
{
	char buf[4];
	struct task t = { .buf = buf, .len = 1 };
	int a[2], b[2];

	env_pair(&self->e, a);
	env_pair(&self->e, b);
	t.fd = a[CLIENT];
	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	ASSERT_EQ(a[CLIENT], dup2(b[CLIENT], a[CLIENT]));
	send_all(b[SERVER], "b", 1);
	EXPECT_FALSE(task_done(&t));
	send_all(a[SERVER], "a", 1);
	EXPECT_EQ(1, task_join(&t));
	EXPECT_EQ('a', buf[0]);
	recv_all(a[CLIENT], buf, 1);
	EXPECT_EQ('b', buf[0]);
}

TEST_F_TIMEOUT(threads, shutdown_wakes_everybody, SLOW_TEST)
{
	static char buf[1 << 20];
	struct task reader = { .buf = buf, .len = 1 };
	struct task writer = { .buf = buf, .len = sizeof(buf), .flags = MSG_NOSIGNAL };
	struct task poller = { .flags = POLLIN };
	int pair[2];

	env_pair(&self->e, pair);
	reader.fd = writer.fd = poller.fd = pair[CLIENT];
	fill(pair[CLIENT]);
	task_start(&reader, task_recv);
	task_start(&writer, task_send);
	task_start(&poller, task_poll);
	task_blocked(&reader, SYS_recvfrom);
	task_blocked(&writer, SYS_sendto);
	task_blocked(&poller, SYS_poll);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_RDWR));
	EXPECT_EQ(0, task_join(&reader));
	EXPECT_EQ(-EPIPE, task_join(&writer));
	EXPECT_NE(0, task_join(&poller) & POLLIN);
}

TEST_F(threads, shutdown_wakes_all_acceptors)
{
	enum { N = 3 };
	struct task t[N] = { };
	union sa at;
	int lfd = env_listen(&self->e, 1, &at), i;

	for (i = 0; i < N; i++) {
		t[i].fd = lfd;
		task_start(&t[i], task_accept);
		task_blocked(&t[i], SYS_accept);
	}
	ASSERT_EQ(0, shutdown(lfd, SHUT_RD));
	for (i = 0; i < N; i++) {
		EXPECT_EQ(-EINVAL, task_join(&t[i]));
	}
}

/* A signal ends the call of the thread it is for, and no other's. */
TEST_F(threads, signal_ends_one_of_two)
{
	char buf[2][4];
	struct task t[2] = { { .buf = buf[0], .len = 1 }, { .buf = buf[1], .len = 1 } };
	int pair[2], i;

	catch_signal(SIGUSR1);
	env_pair(&self->e, pair);
	for (i = 0; i < 2; i++) {
		t[i].fd = pair[SERVER];
		task_start(&t[i], task_recv);
		task_blocked(&t[i], SYS_recvfrom);
	}
	pthread_kill(t[0].thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&t[0]));
	EXPECT_FALSE(task_done(&t[1]));
	send_all(pair[CLIENT], "x", 1);
	EXPECT_EQ(1, task_join(&t[1]));
}

TEST_F(threads, one_of_two_readers_gets_it)
{
	char buf[2][4];
	struct task t[2] = { { .buf = buf[0], .len = 1 }, { .buf = buf[1], .len = 1 } };
	int pair[2], i;

	env_pair(&self->e, pair);
	for (i = 0; i < 2; i++) {
		t[i].fd = pair[SERVER];
		task_start(&t[i], task_recv);
		task_blocked(&t[i], SYS_recvfrom);
	}
	send_all(pair[CLIENT], "ab", 2);
	EXPECT_EQ(1, task_join(&t[0]));
	EXPECT_EQ(1, task_join(&t[1]));
	EXPECT_EQ('a' + 'b', buf[0][0] + buf[1][0]);
}

TEST_F(threads, all_readers_see_the_end)
{
	enum { N = 4 };
	char buf[4];
	struct task t[N] = { };
	int pair[2], i;

	env_pair(&self->e, pair);
	for (i = 0; i < N; i++) {
		t[i] = (struct task){ .fd = pair[SERVER], .buf = buf, .len = 1 };
		task_start(&t[i], task_recv);
		task_blocked(&t[i], SYS_recvfrom);
	}
	close(pair[CLIENT]);
	for (i = 0; i < N; i++) {
		EXPECT_EQ(0, task_join(&t[i]));
	}
}

TEST_F(threads, several_acceptors)
{
	enum { N = 4 };
	struct env *e = &self->e;
	struct task t[N] = { };
	union sa at;
	int lfd = env_listen(e, 1, &at), i;

	for (i = 0; i < N; i++) {
		t[i].fd = lfd;
		task_start(&t[i], task_accept);
		task_blocked(&t[i], SYS_accept);
	}
	for (i = 0; i < N; i++) {
		EXPECT_EQ(0, RET(do_connect(env_socket(e, CLIENT, 0), at)));
	}
	for (i = 0; i < N; i++) {
		EXPECT_LE(0, task_join(&t[i]));
	}
	set_nonblock(lfd, true);
	EXPECT_EQ(-EAGAIN, RET(accept(lfd, NULL, NULL)));
}

/* Child and parent share the connection; the last one out ends it. */
TEST_F(threads, fork_shares)
{
	int pair[2], status;
	pid_t child;
	char c;

	env_pair(&self->e, pair);
	child = fork();
	ASSERT_LE(0, child);
	if (child == 0) {
		recv_all(pair[SERVER], &c, 1);
		send_all(pair[SERVER], "c", 1);
		_exit(c != 'p');
	}
	send_all(pair[CLIENT], "p", 1);
	recv_all(pair[CLIENT], &c, 1);
	EXPECT_EQ('c', c);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	/* the child's exit closed nothing of ours */
	send_all(pair[SERVER], "s", 1);
	recv_all(pair[CLIENT], &c, 1);
	EXPECT_EQ('s', c);
}

TEST_F(threads, death_closes)
{
	int pair[2], status;
	pid_t child;
	char c;

	env_pair(&self->e, pair);
	child = fork();
	ASSERT_LE(0, child);
	if (child == 0) {
		close(pair[CLIENT]);
		send_all(pair[SERVER], "r", 1);
		pause();
	}
	close(pair[SERVER]);
	recv_all(pair[CLIENT], &c, 1);
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
}

TEST_F(threads, close_on_exec)
{
	struct env *e = &self->e;
	int pair[2], fd = env_socket(e, CLIENT, SOCK_CLOEXEC), status;
	char keep[16], gone[16];
	pid_t child;

	env_pair(e, pair);
	snprintf(keep, sizeof(keep), "%d", pair[CLIENT]);
	snprintf(gone, sizeof(gone), "%d", fd);
	child = fork();
	ASSERT_LE(0, child);
	if (child == 0) {
		execl("/bin/sh", "sh", "-c",
		      "[ -e /proc/self/fd/$0 ] && [ ! -e /proc/self/fd/$1 ]",
		      keep, gone, NULL);
		_exit(127);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

/* A program that is executed finds the connection at the number it was told. */
TEST_F(threads, exec_keeps)
{
	int pair[2], status;
	char fd[16], buf[8] = "";
	pid_t child;

	env_pair(&self->e, pair);
	snprintf(fd, sizeof(fd), "%d", pair[SERVER]);
	child = fork();
	ASSERT_LE(0, child);
	if (child == 0) {
		close(pair[CLIENT]);
		execl("/bin/sh", "sh", "-c", "read -r line <&$0; echo \"$line\" >&$0", fd, NULL);
		_exit(127);
	}
	close(pair[SERVER]);
	send_all(pair[CLIENT], "hello\n", 6);
	recv_all(pair[CLIENT], buf, 6);
	EXPECT_STREQ("hello\n", buf);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, RET(recv(pair[CLIENT], buf, 1, 0)));
}

/* The parent's end is nothing to a child that goes on. */
TEST_F(threads, child_outlives_its_parent)
{
	int pair[2], status;
	pid_t child;
	char c;

	env_pair(&self->e, pair);
	child = fork();
	ASSERT_LE(0, child);
	if (child == 0) {
		close(pair[CLIENT]);
		if (fork())
			_exit(0);
		recv_all(pair[SERVER], &c, 1);
		send_all(pair[SERVER], &c, 1);
		_exit(0);
	}
	close(pair[SERVER]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	send_all(pair[CLIENT], "x", 1);
	recv_all(pair[CLIENT], &c, 1);
	EXPECT_EQ('x', c);
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
}

/* Hands a descriptor over an AF_UNIX socket; the sender's own is closed. */
static void pass(int un, int fd)
{
	char c = '!', space[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = "";
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space,
			      .msg_controllen = sizeof(space) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	*cm = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	if (sendmsg(un, &msg, 0) != 1)
		fatal("SCM_RIGHTS");
	close(fd);
}

static int taken(int un)
{
	char c, space[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space,
			      .msg_controllen = sizeof(space) };
	int fd;

	if (recvmsg(un, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		fatal("no descriptor came");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

/* A descriptor handed to another process over AF_UNIX works there. */
TEST_F(threads, passed_over_unix)
{
	int pair[2], un[2], status;
	pid_t child;
	char c;

	env_pair(&self->e, pair);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, un));
	child = fork();
	ASSERT_LE(0, child);
	if (child == 0) {
		close(pair[CLIENT]);
		close(pair[SERVER]);
		send_all(taken(un[1]), "x", 1);
		_exit(0);
	}
	pass(un[0], pair[SERVER]);
	recv_all(pair[CLIENT], &c, 1);
	EXPECT_EQ('x', c);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
}

TEST_F(threads, listener_passed_over_unix)
{
	struct env *e = &self->e;
	int un[2], cfd = env_socket(e, CLIENT, 0), status;
	union sa at;
	pid_t child;
	char c;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, un));
	child = fork();
	ASSERT_LE(0, child);
	if (child == 0) {
		int afd = accept(taken(un[1]), NULL, NULL);

		send_all(afd, "x", 1);
		_exit(afd < 0);
	}
	pass(un[0], env_listen(e, 1, &at));
	ASSERT_EQ(0, RET(do_connect(cfd, at)));
	recv_all(cfd, &c, 1);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(env_socket(e, CLIENT, 0), at)));
}

/* Left in the air a descriptor ends with its carrier. */
TEST_F(threads, never_taken)
{
	int pair[2], un[2];
	char c;

	env_pair(&self->e, pair);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, un));
	pass(un[0], pair[SERVER]);
	EXPECT_EQ(-EAGAIN, RET(recv(pair[CLIENT], &c, 1, MSG_DONTWAIT)));
	close(un[0]);
	close(un[1]);
	EXPECT_EQ(0, RET(recv(pair[CLIENT], &c, 1, 0)));
}

/* ------------------------------------------------------- many at once */

enum { WRITERS = 4, CHUNK = 512, CHUNKS = 300 };

static void *chunk_writer(void *arg)
{
	char buf[CHUNK];
	int i, *job = arg;

	memset(buf, 'A' + job[1], sizeof(buf));
	for (i = 0; i < CHUNKS; i++)
		send_all(job[0], buf, sizeof(buf));
	return NULL;
}

/* Blocking writes of several threads mix, but no byte is lost or made up. */
TEST_F_TIMEOUT(threads, many_writers, SLOW_TEST)
{
	int pair[2], job[WRITERS][2], i;
	long count[WRITERS] = { };
	pthread_t t[WRITERS];
	char buf[4096];
	ssize_t n, j;

	env_pair(&self->e, pair);
	for (i = 0; i < WRITERS; i++) {
		job[i][0] = pair[CLIENT];
		job[i][1] = i;
		ASSERT_EQ(0, pthread_create(&t[i], NULL, chunk_writer, job[i]));
	}
	for (i = 0; i < WRITERS * CHUNK * CHUNKS; i += n) {
		n = recv(pair[SERVER], buf, sizeof(buf), 0);
		ASSERT_LT(0, n);
		for (j = 0; j < n; j++) {
			ASSERT_TRUE(buf[j] >= 'A' && buf[j] < 'A' + WRITERS);
			count[buf[j] - 'A']++;
		}
	}
	for (i = 0; i < WRITERS; i++) {
		pthread_join(t[i], NULL);
		EXPECT_EQ(CHUNK * CHUNKS, count[i]);
	}
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], buf, 1, MSG_DONTWAIT)));
}

static void *sum_reader(void *arg)
{
	int fd = *(int *)arg;
	unsigned char buf[1000];
	uintptr_t sum = 0;
	ssize_t n, i;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		for (i = 0; i < n; i++)
			sum += buf[i];
	return (void *)sum;
}

/* Several readers take every byte once. */
TEST_F_TIMEOUT(threads, many_readers, SLOW_TEST)
{
	enum { N = 400000 };
	static unsigned char out[N];
	int pair[2], i;
	pthread_t t[WRITERS];
	uintptr_t want = 0, got = 0;
	void *part;

	env_pair(&self->e, pair);
	pattern_fill(7, 0, out, N);
	for (i = 0; i < N; i++)
		want += out[i];
	for (i = 0; i < WRITERS; i++) {
		ASSERT_EQ(0, pthread_create(&t[i], NULL, sum_reader, &pair[SERVER]));
	}
	send_all(pair[CLIENT], out, N);
	close(pair[CLIENT]);
	for (i = 0; i < WRITERS; i++) {
		pthread_join(t[i], &part);
		got += (uintptr_t)part;
	}
	EXPECT_EQ(want, got);
}

/*
 * Sockets torn down while other threads are in them.  Which error each thread
 * meets is chance; that it comes back, and that the kernel log stays silent, is
 * the test.  The seed draws who does what.
 */
struct storm {
	struct env *e;
	int pair[2];
	uint64_t seed;
};

static void *storm_user(void *arg)
{
	struct storm *s = arg;
	char buf[2000];
	int i;

	for (i = 0; i < 40; i++) {
		int fd = s->pair[rnd(&s->seed) & 1];

		switch (rnd(&s->seed) % 6) {
		case 0: (void)!send(fd, buf, sizeof(buf), MSG_NOSIGNAL | MSG_DONTWAIT); break;
		case 1: (void)!recv(fd, buf, sizeof(buf), MSG_DONTWAIT); break;
		case 2: revents(fd); break;
		case 3: (void)!recv(fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT); break;
		case 4: ioctl(fd, SIOCINQ, &(int){ 0 }); break;
		case 5: getpeername(fd, (void *)buf, &(socklen_t){ sizeof(buf) }); break;
		}
	}
	return NULL;
}

TEST_F_TIMEOUT(threads, storm, SLOW_TEST)
{
	uint64_t seed = test_seed();
	struct storm s[3];
	pthread_t t[3];
	int round, i;

	for (round = 0; round < 60; round++) {
		env_pair(&self->e, s[0].pair);
		for (i = 0; i < 3; i++) {
			s[i] = (struct storm){ &self->e, { s[0].pair[0], s[0].pair[1] },
					       rnd(&seed) };
			ASSERT_EQ(0, pthread_create(&t[i], NULL, storm_user, &s[i]));
		}
		switch (rnd(&seed) % 4) {
		case 0: shutdown(s[0].pair[0], SHUT_RDWR); break;
		case 1: shutdown(s[0].pair[1], SHUT_WR); break;
		case 2:		/* the descriptor's number stays taken, its socket goes */
			dup2(s[0].pair[1], s[0].pair[0]);
			break;
		case 3:
			connect(s[0].pair[0], &(struct sockaddr){ AF_UNSPEC },
				sizeof(struct sockaddr));
			break;
		}
		for (i = 0; i < 3; i++)
			pthread_join(t[i], NULL);
		close(s[0].pair[0]);
		close(s[0].pair[1]);
	}
}

/* Threads that connect, talk and close against one listener, all at once. */
static void *connector(void *arg)
{
	struct storm *s = arg;
	union sa at = local_name(s->pair[0]);
	char c;
	int i;

	for (i = 0; i < 40; i++) {
		int fd = env_socket(s->e, CLIENT, 0);

		if (do_connect(fd, at))
			fatal("connect %d", i);
		send_all(fd, "x", 1);
		recv_all(fd, &c, 1);
		close(fd);
	}
	return NULL;
}

TEST_F_TIMEOUT(threads, many_clients, SLOW_TEST)
{
	union sa at;
	struct storm s = { &self->e, { env_listen(&self->e, 64, &at), -1 }, 0 };
	pthread_t t[WRITERS];
	int i, fd;
	char c;

	for (i = 0; i < WRITERS; i++) {
		ASSERT_EQ(0, pthread_create(&t[i], NULL, connector, &s));
	}
	for (i = 0; i < WRITERS * 40; i++) {
		fd = accept(s.pair[0], NULL, NULL);
		ASSERT_LE(0, fd);
		recv_all(fd, &c, 1);
		send_all(fd, &c, 1);
		EXPECT_EQ(0, RET(recv(fd, &c, 1, 0)));
		close(fd);
	}
	for (i = 0; i < WRITERS; i++)
		pthread_join(t[i], NULL);
}

TEST_HARNESS_MAIN
