// SPDX-License-Identifier: GPL-2.0
/*
 * The supervisor of rill run: takes each socket() call the filter holds up and
 * answers it, with an injected Rill descriptor (ADDFD with SEND puts it into the
 * caller's table and ends its call in one step) or by letting the call run on as
 * TCP.  One thread, since a question takes some microseconds and comes once a
 * connection.  Ends when no process is left under the filter (POLLHUP).
 *
 * A caller may die or be killed at any point; its question is then gone and the
 * kernel answers ENOENT, which is no error here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run.h"
#include "util.h"

struct supervisor {
	const struct run_opts *o;
	int listener;
	struct target_home home;
	/* sized as the running kernel says, at least as ours */
	struct seccomp_notif *req;
	struct seccomp_notif_resp *resp;
	size_t req_size, resp_size;
};

static bool still_asking(const struct supervisor *s)
{
	return !ioctl(s->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &s->req->id);
}

static void respond(struct supervisor *s, int error, unsigned int flags)
{
	memset(s->resp, 0, s->resp_size);
	s->resp->id = s->req->id;
	s->resp->error = error;
	s->resp->flags = flags;
	ioctl(s->listener, SECCOMP_IOCTL_NOTIF_SEND, s->resp);
}

static void log_answer(const struct supervisor *s, int taskdir, const struct sock_request *r,
		       const char *answer)
{
	char comm[32] = "?";
	int fd;

	if (!s->o->verbose)
		return;
	fd = taskdir < 0 ? -1 : openat(taskdir, "comm", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		ssize_t n = read(fd, comm, sizeof(comm) - 1);

		comm[n > 0 ? n : 0] = '\0';
		comm[strcspn(comm, "\n")] = '\0';
		close(fd);
	}
	say("%s[%d]: IPv%d socket %s", comm, s->req->pid, r->domain == AF_INET6 ? 6 : 4, answer);
}

static void stay_tcp(struct supervisor *s, int taskdir, const struct sock_request *r,
		     const char *why)
{
	char text[128];

	snprintf(text, sizeof(text), "stayed TCP: %s", why);
	log_answer(s, taskdir, r, text);
	respond(s, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

static void inject(struct supervisor *s, int taskdir, const struct sock_request *r, int fd)
{
	struct seccomp_notif_addfd addfd = {
		.id = s->req->id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = fd,
		.newfd_flags = r->type & SOCK_CLOEXEC ? O_CLOEXEC : 0,
	};
	int err;

	/* said first: afterwards the program runs on, and may end before we speak */
	log_answer(s, taskdir, r, "over Rill");
	if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd) >= 0 || errno == ENOENT)
		return;
	/* its table is full, as TCP's socket() would have found too */
	err = errno;
	log_answer(s, taskdir, r, "refused after all: no descriptor left");
	respond(s, -err, 0);
}

static void answer(struct supervisor *s)
{
	const struct sock_request r = {
		.domain = s->req->data.args[0],
		.type = s->req->data.args[1],
		.protocol = s->req->data.args[2],
	};
	int taskdir = -1, fd;
	char path[32];

	if (s->req->pid) {		/* 0: in a pid namespace that is not below ours */
		snprintf(path, sizeof(path), "/proc/%u", s->req->pid);
		taskdir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	/* what was opened is the caller's only if it is still waiting: ids do not come back */
	if (!still_asking(s)) {
		if (taskdir >= 0)
			close(taskdir);
		return;
	}
	if (r.protocol != 0 && r.protocol != IPPROTO_TCP) {
		log_answer(s, taskdir, &r, "is of another protocol and left alone");
		respond(s, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
	} else {
		fd = target_socket(&s->home, taskdir, &r);
		if (fd < 0)
			stay_tcp(s, taskdir, &r, strerror(errno));
		else
			inject(s, taskdir, &r, fd);
		if (fd >= 0)
			close(fd);
	}
	if (taskdir >= 0)
		close(taskdir);
}

static void size_messages(struct supervisor *s)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes))
		fail_errno("seccomp notification sizes");
	s->req_size = sizes.seccomp_notif > sizeof(*s->req) ?
		sizes.seccomp_notif : sizeof(*s->req);
	s->resp_size = sizes.seccomp_notif_resp > sizeof(*s->resp) ?
		sizes.seccomp_notif_resp : sizeof(*s->resp);
	s->req = xcalloc(1, s->req_size);
	s->resp = xcalloc(1, s->resp_size);
}

void supervise(const struct run_opts *o, int listener)
{
	struct supervisor s = { .o = o, .listener = listener };
	struct pollfd pfd = { .fd = listener, .events = POLLIN };

	/*
	 * The programs depend on us for socket(), so what is meant for them, or a
	 * reader of stderr that has gone, does not end us before they end.
	 */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	size_messages(&s);
	target_home_open(&s.home);
	for (;;) {
		if (poll(&pfd, 1, -1) < 0) {
			if (errno == EINTR)
				continue;
			fail_errno("poll");
		}
		if (pfd.revents & POLLIN) {
			memset(s.req, 0, s.req_size);	/* the kernel insists */
			if (!ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, s.req))
				answer(&s);
		} else if (pfd.revents) {
			exit(0);
		}
	}
}
