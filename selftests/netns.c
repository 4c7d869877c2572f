// SPDX-License-Identifier: GPL-2.0
/*
 * Network namespaces and users: sockets without privilege, namespaces that do
 * not see each other, namespaces that end under live sockets, and cables that
 * are pulled from under a connection.
 */
#include "kselftest_harness.h"

#include <grp.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib.h"

#define NOBODY	1000		/* a user without any capability */

/* Namespaces made and destroyed: an emulated kernel needs a second for each. */
#define ROUNDS	(getenv("KSFT_MACHINE_SLOW") ? 15 : 60)

DIFFERENTIAL(netns, OVER_LO);

/* A client and a server exchange a line; false when anything went wrong. */
static bool whole_session(const struct env *e)
{
	char buf[8] = "";
	bool whole;
	int pair[2];

	env_pair(e, pair);
	send_all(pair[CLIENT], "ping", 4);
	recv_all(pair[SERVER], buf, 4);
	send_all(pair[SERVER], buf, 4);
	memset(buf, 0, sizeof(buf));
	recv_all(pair[CLIENT], buf, 4);
	close(pair[CLIENT]);
	whole = recv(pair[SERVER], buf + 5, 1, 0) == 0 && !strcmp(buf, "ping");
	close(pair[SERVER]);
	return whole;
}

static void become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		fatal("setresuid");
}

/* Runs fn in a child; its exit status, 0 for true. */
static int in_child(bool (*fn)(const struct env *e), const struct env *e)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		fatal("fork");
	if (child == 0)
		_exit(fn(e) ? 0 : 1);
	if (waitpid(child, &status, 0) != child)
		fatal("waitpid");
	return status;
}

static bool as_nobody(const struct env *e)
{
	int fd;

	become_nobody();
	fd = env_socket(e, SERVER, 0);
	if (RET(do_bind(fd, env_addr(e, SERVER, 80))) != -EACCES)
		return false;
	close(fd);
	return whole_session(e);
}

TEST_F(netns, user_without_privilege)
{
	EXPECT_EQ(0, in_child(as_nobody, &self->e));
}

/* uid 1000 makes its own user and network namespace and is root in there. */
static bool in_a_userns(const struct env *e)
{
	struct env mine = *e;
	int fd;

	become_nobody();
	/* or /proc/self would still be root's after the change of user */
	if (prctl(PR_SET_DUMPABLE, 1))
		fatal("PR_SET_DUMPABLE");
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		fatal("unshare(CLONE_NEWUSER) as a user");
	if (!put_file("/proc/self/setgroups", "deny") ||
	    !put_file("/proc/self/uid_map", "0 1000 1") ||
	    !put_file("/proc/self/gid_map", "0 1000 1"))
		fatal("id maps");
	link_set("lo", true);
	mine.addr[CLIENT] = mine.addr[SERVER] = sa_loopback(e->fam->af, 0);
	fd = env_socket(&mine, SERVER, 0);
	/* root of this namespace: its privileged ports are ours */
	if (do_bind(fd, env_addr(&mine, SERVER, 80)))
		fatal("bind port 80");
	close(fd);
	return whole_session(&mine);
}

TEST_F(netns, user_namespace)
{
	EXPECT_EQ(0, in_child(in_a_userns, &self->e));
}

/* ----------------------------------------------------------- isolation */

TEST_F(netns, isolated)
{
	struct env *e = &self->e, other = *e;
	union sa at = env_addr(e, SERVER, 4711);
	int lfd = env_socket(e, SERVER, 0), cfd, other_lfd;

	ASSERT_EQ(0, do_bind(lfd, at));
	ASSERT_EQ(0, listen(lfd, 1));
	new_netns();
	cfd = env_socket(&other, CLIENT, 0);
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(cfd, at)));
	other_lfd = env_socket(&other, SERVER, 0);
	EXPECT_EQ(0, RET(do_bind(other_lfd, at)));
	EXPECT_EQ(0, RET(listen(other_lfd, 1)));
	EXPECT_EQ(0, RET(do_connect(cfd, at)));
	EXPECT_EQ(POLLIN, wait_events(other_lfd, POLLIN));
	EXPECT_EQ(0, revents(lfd));
	/* and /proc shows each its own */
	EXPECT_EQ(e->fam->af == AF_INET ? 3 : 0,
		  proc_lines(e->fam->rill ? "/proc/thread-self/net/rill" :
			     "/proc/thread-self/net/tcp"));
	env_enter(e, CLIENT);
	EXPECT_EQ(e->fam->af == AF_INET ? 1 : 0,
		  proc_lines(e->fam->rill ? "/proc/thread-self/net/rill" :
			     "/proc/thread-self/net/tcp"));
}

/* A socket belongs to where it was made, wherever its owner goes. */
TEST_F(netns, sockets_keep_their_namespace)
{
	struct env *e = &self->e;
	int pair[2];
	char c;

	env_pair(e, pair);
	close(e->ns[CLIENT]);
	new_netns();		/* nothing but the sockets holds the first one */
	send_all(pair[CLIENT], "x", 1);
	recv_all(pair[SERVER], &c, 1);
	EXPECT_EQ('x', c);
	e->ns[CLIENT] = e->ns[SERVER] = open("/dev/null", O_RDONLY);	/* env_close() */
}

/* ------------------------------------------------------------- endings */

/*
 * A namespace full of everything: a listener, children nobody accepted, data
 * nobody read, a full pipe, a half-closed pair, a connect that hangs, a reset,
 * and packets under way.  Its last process just dies.
 */
static bool leave_everything(const struct env *e)
{
	union sa at, hole = sa_foreign(e->fam->af, 9);
	struct env mine = *e;
	int lfd, pair[2], i;

	new_netns();
	route_add(sa_any(e->fam->af, 0), 0, RTN_UNICAST, NULL);
	lfd = env_listen(&mine, 8, &at);
	for (i = 0; i < 4; i++) {
		int fd = env_socket(&mine, CLIENT, 0);

		if (do_connect(fd, at))
			fatal("connect");
		if (i & 1)
			send_all(fd, "unread", 6);
	}
	env_pair(&mine, pair);
	set_nonblock(pair[CLIENT], true);
	while (send(pair[CLIENT], (char[8192]){ }, 8192, MSG_NOSIGNAL) > 0)
		;
	env_pair(&mine, pair);
	shutdown(pair[SERVER], SHUT_WR);
	env_pair(&mine, pair);
	reset_close(pair[SERVER]);
	env_pair(&mine, pair);
	close(pair[SERVER]);
	do_connect(env_socket(&mine, CLIENT, SOCK_NONBLOCK), hole);
	return lfd >= 0;
}

TEST_F_TIMEOUT(netns, end_under_live_sockets, 900)
{
	long refs = refs_at_rest();
	int i, n = ROUNDS;

	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, in_child(leave_everything, &self->e)) TH_LOG("round %d", i);
	}
	EXPECT_EQ(refs, refs_become(refs));
}

/* The same with two processes that talk until they are killed. */
static void __attribute__((noreturn)) talk_for_ever(const struct env *e)
{
	struct env mine = *e;
	char buf[2000];
	int pair[2];

	new_netns();
	env_pair(&mine, pair);
	if (fork() == 0)
		for (;;)
			(void)!send(pair[CLIENT], buf, sizeof(buf), MSG_NOSIGNAL);
	recv_all(pair[SERVER], buf, sizeof(buf));
	kill(getppid(), SIGUSR1);
	for (;;)
		(void)!recv(pair[SERVER], buf, sizeof(buf), 0);
}

TEST_F_TIMEOUT(netns, end_under_traffic, 900)
{
	long refs = refs_at_rest();
	int i, n = ROUNDS, status;
	sigset_t talking;

	sigemptyset(&talking);
	sigaddset(&talking, SIGUSR1);
	sigprocmask(SIG_BLOCK, &talking, NULL);
	for (i = 0; i < n; i++) {
		pid_t child = fork();
		int sig;

		ASSERT_LE(0, child);
		if (child == 0) {
			setpgrp();	/* so that both can be killed at one blow */
			talk_for_ever(&self->e);
		}
		ASSERT_EQ(0, sigwait(&talking, &sig));
		ASSERT_EQ(0, kill(-child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));
	}
	EXPECT_EQ(refs, refs_become(refs));
}

TEST_F_TIMEOUT(netns, empty_ones, 900)
{
	long refs = refs_at_rest();
	int i, n = 2 * ROUNDS;

	for (i = 0; i < n; i++) {
		new_netns();
		close(env_socket(&self->e, CLIENT, 0));
	}
	EXPECT_EQ(refs, refs_become(refs));
}

/* Nothing of a session stays: sockets counted and listed, references. */
TEST_F_TIMEOUT(netns, no_trace, SLOW_TEST)
{
	struct env *e = &self->e;
	long refs = refs_at_rest();
	int i;

	if (!e->fam->rill)
		return;		/* TIME_WAIT is a trace, and TCP's */
	for (i = 0; i < 20; i++) {
		ASSERT_TRUE(whole_session(e));
	}
	EXPECT_EQ(refs, refs_become(refs));
	/* what is left are tombstones, and those go too */
	int64_t end = now_ms() + PATIENCE;

	while (proc_sockets("RILL") && now_ms() < end)
		breathe();
	EXPECT_EQ(0, proc_sockets("RILL"));
	while (proc_lines("/proc/thread-self/net/rill") +
	       proc_lines("/proc/thread-self/net/rill6") && now_ms() < end)
		breathe();
	EXPECT_EQ(0, proc_lines("/proc/thread-self/net/rill"));
	EXPECT_EQ(0, proc_lines("/proc/thread-self/net/rill6"));
}

/* ------------------------------------------------------- cables pulled */

DIFFERENTIAL(cable, OVER_VETH);

/* The device goes at once, whatever routes the connection remembers: a socket
 * that held it would hang `ip link del` and the namespace's end. */
TEST_F_TIMEOUT(cable, device_replaced, SLOW_TEST)
{
	struct env *e = &self->e;
	int pair[2];
	char c;

	env_pair(e, pair);
	send_all(pair[CLIENT], "a", 1);
	recv_all(pair[SERVER], &c, 1);
	link_del("c");
	veth_lay(e);
	send_all(pair[CLIENT], "b", 1);
	recv_all(pair[SERVER], &c, 1);
	EXPECT_EQ('b', c);
	send_all(pair[SERVER], "c", 1);
	recv_all(pair[CLIENT], &c, 1);
	EXPECT_EQ('c', c);
}

TEST_F_TIMEOUT(cable, data_waits_for_it, SLOW_TEST)
{
	struct env *e = &self->e;
	int pair[2];
	char buf[4];

	env_pair(e, pair);
	link_set("c", false);
	send_all(pair[CLIENT], "wait", 4);
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], buf, 4, MSG_DONTWAIT)));
	link_del("c");
	veth_lay(e);
	recv_all(pair[SERVER], buf, 4);
	EXPECT_EQ(0, memcmp(buf, "wait", 4));
}

TEST_F_TIMEOUT(cable, closed_without_it, SLOW_TEST)
{
	struct env *e = &self->e;
	long refs = refs_at_rest();
	int pair[2];

	env_pair(e, pair);
	link_del("c");
	send_all(pair[CLIENT], "lost", 4);
	reset_close(pair[CLIENT]);
	reset_close(pair[SERVER]);
	EXPECT_EQ(refs, refs_become(refs));
}

TEST_HARNESS_MAIN
