// SPDX-License-Identifier: GPL-2.0
/*
 * A Rill socket as the asking process would have made it: in its network
 * namespace and owned by its user.  A socket takes both from whoever calls
 * socket(), and here that is the supervisor.
 *
 * The namespace is entered for the one call and left again.  (Rejected: a
 * helper kept in each namespace; it would keep namespaces alive that their
 * users have deleted.)  Where that needs rights only the target's user namespace
 * gives, as below an unprivileged "unshare -Ur", a child enters that first; this
 * cannot be undone, so it is a child for one socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fdpass.h"
#include "net.h"
#include "run.h"
#include "util.h"

void target_home_open(struct target_home *home)
{
	struct stat st;

	home->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home->netns < 0 || fstat(home->netns, &st))
		fail_errno("/proc/self/ns/net");
	home->dev = st.st_dev;
	home->ino = st.st_ino;
}

/* The user files of the task belong to, which its sockets show; ours if not told. */
static uid_t task_fsuid(int taskdir)
{
	int fd = openat(taskdir, "status", O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	unsigned int fsuid = geteuid();
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Uid: %*u %*u %*u %u", &fsuid) == 1)
			break;
	if (f)
		fclose(f);
	return fsuid;
}

static int make_socket(const struct sock_request *req)
{
	/* non-blocking belongs to the file and goes along; close-on-exec is the table's */
	return transport_socket(OVER_RILL, req->domain,
				(req->type & SOCK_NONBLOCK) | SOCK_CLOEXEC);
}

/* Where we may not take the user's id the socket shows ours; rights do not hang on it. */
static int make_socket_as(uid_t fsuid, const struct sock_request *req)
{
	uid_t own = setfsuid(fsuid);
	int fd = make_socket(req);
	int err = errno;

	setfsuid(own);
	errno = err;
	return fd;
}

static int child_socket(int taskdir, int netns, const struct sock_request *req)
{
	int userns = openat(taskdir, "ns/user", O_RDONLY | O_CLOEXEC);

	if (userns < 0 || setns(userns, CLONE_NEWUSER) || setns(netns, CLONE_NEWNET))
		return -1;
	return make_socket(req);
}

/* Through a child that enters the user namespace: -1 with errno. */
static int socket_by_child(int taskdir, int netns, const struct sock_request *req)
{
	int sock[2], fd, err = EIO;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock))
		return -1;
	pid = fork();
	if (pid == 0) {
		fd = child_socket(taskdir, netns, req);
		_exit(fd_send(sock[1], fd, fd < 0 ? errno : 0) ? EXIT_FAILED : 0);
	}
	close(sock[1]);
	fd = pid < 0 ? -1 : fd_recv(sock[0], &err);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	close(sock[0]);
	errno = err;
	return fd;
}

static int socket_in(const struct target_home *home, int taskdir, int netns,
		     const struct sock_request *req)
{
	int fd, err;

	if (setns(netns, CLONE_NEWNET))
		return errno == EPERM ? socket_by_child(taskdir, netns, req) : -1;
	fd = make_socket_as(task_fsuid(taskdir), req);
	err = errno;
	if (setns(home->netns, CLONE_NEWNET))
		fail_errno("cannot return to the network namespace");
	errno = err;
	return fd;
}

/*
 * taskdir is /proc/PID of the asking thread, or -1.  A task whose namespace we
 * may not see gets no socket: one in the wrong place would be worse than TCP.
 */
int target_socket(const struct target_home *home, int taskdir, const struct sock_request *req)
{
	int netns = taskdir < 0 ? -1 : openat(taskdir, "ns/net", O_RDONLY | O_CLOEXEC);
	struct stat st;
	int fd, err;

	if (netns < 0 || fstat(netns, &st)) {
		if (taskdir < 0)
			errno = ESRCH;
		return -1;
	}
	if (st.st_dev == home->dev && st.st_ino == home->ino)
		fd = make_socket_as(task_fsuid(taskdir), req);
	else
		fd = socket_in(home, taskdir, netns, req);
	err = errno;
	close(netns);
	errno = err;
	return fd;
}
