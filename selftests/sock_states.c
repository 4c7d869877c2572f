// SPDX-License-Identifier: GPL-2.0
/*
 * Every call in every state, beside TCP: what it returns, and what can be seen
 * of both ends afterwards.  The other programs say what is right and TCP confirms
 * it; here nobody says: each row plays one script over TCP and over Rill, in the
 * same namespaces, and both must tell the same story.  What differs on purpose is
 * in differs[], and must differ.
 */
#include "kselftest_harness.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "lib.h"

/* ms that TCP and Rill get to come to the same state. */
#define SETTLING	(getenv("KSFT_MACHINE_SLOW") ? 5000 : 1000)
/* Times a row may be played: the two may be compared in the middle of things. */
#define TRIES		3

enum { TCP, RILL };

/* One family's half of a row. */
struct scene {
	struct env e;
	int lfd;		/* a listener with room, non-blocking */
	union sa at;		/* ... its address */
	union sa full;		/* a listener that lets nobody in any more */
	union sa nobody;	/* a port nobody listens on */
	int fd, peer;		/* who makes the calls, and its peer; -1: closed */
	char said[3000];	/* what was seen so far */
};

static void say(struct scene *s, const char *fmt, ...)
{
	size_t n = strlen(s->said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->said + n, sizeof(s->said) - n, fmt, ap);
	va_end(ap);
}

/* The value of a call: a number, or the name of its error. */
static void say_ret(struct scene *s, long r)
{
	if (r == -1)
		say(s, " %s", strerrorname_np(errno));
	else
		say(s, " %ld", r);
}

/* ... of one that fills buf. */
static void say_bytes(struct scene *s, long r, const char *buf)
{
	say_ret(s, r);
	if (r > 0)
		say(s, "'%.*s'", (int)r, buf);
}

/* -------------------------------------------------------------- the stage */

static const struct family *twin(const struct family *f)
{
	if (f->veth)
		return f->af == AF_INET ? &fam_tcp4_veth : &fam_tcp6_veth;
	return f->af == AF_INET ? &fam_tcp4 : &fam_tcp6;
}

static void stage_open(struct scene *s, const struct env *e, const struct family *fam)
{
	int lfd;

	memset(s, 0, sizeof(*s));
	s->e = *e;
	s->e.fam = fam;
	s->lfd = env_listen(&s->e, 16, &s->at);
	set_nonblock(s->lfd, true);
	env_listen(&s->e, 0, &s->full);
	if (do_connect(env_socket(&s->e, CLIENT, 0), s->full))
		fatal("connect");
	lfd = env_listen(&s->e, 0, &s->nobody);
	close(lfd);
}

static void finish(int fd)
{
	if (fd >= 0)
		reset_close(fd);
}

/* After a row: nobody is left on the stage. */
static void strike(struct scene *s)
{
	int fd;

	finish(s->fd);
	finish(s->peer);
	while ((fd = accept(s->lfd, NULL, NULL)) >= 0)
		reset_close(fd);
}

/* -------------------------------------------------------------- the states */

static void fresh(struct scene *s)
{
	s->fd = env_socket(&s->e, CLIENT, SOCK_NONBLOCK);
	s->peer = -1;
}

static void bound(struct scene *s)
{
	fresh(s);
	if (do_bind(s->fd, env_addr(&s->e, CLIENT, 0)))
		fatal("bind");
}

static void listening(struct scene *s)
{
	bound(s);
	if (listen(s->fd, 1))
		fatal("listen");
}

/* A listener with a connection that nobody accepted. */
static void awaited(struct scene *s)
{
	listening(s);
	s->peer = env_socket(&s->e, SERVER, 0);
	if (do_connect(s->peer, local_name(s->fd)))
		fatal("connect");
	set_nonblock(s->peer, true);
}

static void connecting(struct scene *s)
{
	fresh(s);
	if (RET(do_connect(s->fd, s->full)) != -EINPROGRESS)
		fatal("connect to a full listener");
}

static void refused(struct scene *s)
{
	fresh(s);
	if (RET(do_connect(s->fd, s->nobody)) != -EINPROGRESS)
		fatal("connect to nobody");
	wait_events(s->fd, POLLOUT);
}

static void refusal_told(struct scene *s)
{
	refused(s);
	so_error(s->fd);
}

static void established(struct scene *s)
{
	s->fd = env_socket(&s->e, CLIENT, 0);
	if (do_connect(s->fd, s->at))
		fatal("connect");
	wait_events(s->lfd, POLLIN);
	s->peer = accept(s->lfd, NULL, NULL);
	set_nonblock(s->fd, true);
	set_nonblock(s->peer, true);
	set_int(s->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(s->peer, IPPROTO_TCP, TCP_NODELAY, 1);
}

static void readable(struct scene *s)
{
	established(s);
	send_all(s->peer, "ab", 2);
	queue_becomes(s->fd, SIOCINQ, 2);
}

static void peer_ended(struct scene *s)
{
	established(s);
	shutdown(s->peer, SHUT_WR);
	wait_events(s->fd, POLLIN);
}

static void peer_ended_readable(struct scene *s)
{
	readable(s);
	shutdown(s->peer, SHUT_WR);
	wait_events(s->fd, POLLRDHUP);
}

static void peer_closed(struct scene *s)
{
	established(s);
	close(s->peer);
	s->peer = -1;
	wait_events(s->fd, POLLIN);
}

static void shut_for_writing(struct scene *s)
{
	established(s);
	shutdown(s->fd, SHUT_WR);
}

static void shut_for_reading(struct scene *s)
{
	established(s);
	shutdown(s->fd, SHUT_RD);
}

static void shut_for_both(struct scene *s)
{
	established(s);
	shutdown(s->fd, SHUT_RDWR);
}

static void shut_for_reading_readable(struct scene *s)
{
	readable(s);
	shutdown(s->fd, SHUT_RD);
}

/* Both directions ended in order, ours first. */
static void ended_first(struct scene *s)
{
	shut_for_writing(s);
	wait_events(s->peer, POLLIN);
	shutdown(s->peer, SHUT_WR);
	wait_events(s->fd, POLLIN);
}

static void ended_last(struct scene *s)
{
	peer_ended(s);
	shutdown(s->fd, SHUT_WR);
	wait_events(s->peer, POLLHUP);
}

static void reset(struct scene *s)
{
	established(s);
	reset_close(s->peer);
	s->peer = -1;
	wait_events(s->fd, POLLHUP);
}

static void reset_readable(struct scene *s)
{
	readable(s);
	reset_close(s->peer);
	s->peer = -1;
	wait_events(s->fd, POLLHUP);
}

static void reset_told(struct scene *s)
{
	reset(s);
	so_error(s->fd);
}

/* The peer had ended its direction in order before it reset the rest. */
static void reset_half_closed(struct scene *s)
{
	peer_ended(s);
	reset_close(s->peer);
	s->peer = -1;
	wait_events(s->fd, POLLHUP);
}

static void dissolved(struct scene *s)
{
	established(s);
	connect(s->fd, &(struct sockaddr){ AF_UNSPEC }, sizeof(struct sockaddr));
	wait_events(s->peer, POLLHUP);
}

/* --------------------------------------------------------------- the calls */

static void call_bind(struct scene *s)
{
	say_ret(s, do_bind(s->fd, env_addr(&s->e, CLIENT, 0)));
}

static void call_connect(struct scene *s)
{
	say_ret(s, do_connect(s->fd, s->at));
}

static void call_connect_twice(struct scene *s)
{
	int r = do_connect(s->fd, s->nobody);

	say_ret(s, r);
	if (r < 0 && errno == EINPROGRESS)
		wait_events(s->fd, POLLOUT);
	say_ret(s, do_connect(s->fd, s->at));
	say_ret(s, do_connect(s->fd, s->at));
}

static void call_dissolve(struct scene *s)
{
	struct sockaddr un = { AF_UNSPEC };

	say_ret(s, connect(s->fd, &un, sizeof(un)));
	say_ret(s, connect(s->fd, &un, 1));
}

static void call_dissolve_and_connect(struct scene *s)
{
	call_dissolve(s);
	so_error(s->fd);
	call_connect(s);
}

static void call_listen(struct scene *s)
{
	say_ret(s, listen(s->fd, 1));
	say_ret(s, get_int(s->fd, SOL_SOCKET, SO_ACCEPTCONN));
}

static void call_accept(struct scene *s)
{
	int fd = accept(s->fd, NULL, NULL);

	say_ret(s, fd < 0 ? fd : 0);
	if (fd >= 0) {
		send_all(fd, "child", 5);
		close(fd);
	}
	say_ret(s, accept4(s->fd, NULL, NULL, 1));
}

/* Which port it is is chance, but not that there is one. */
static void say_name(struct scene *s, long r, const union sa *a, const socklen_t *len)
{
	say_ret(s, r);
	if (r == 0)
		say(s, " len %u family %d %s port", *len, a->sa.sa_family,
		    port_of(a) ? "a" : "no");
}

static void call_names(struct scene *s)
{
	socklen_t len = sizeof(union sa);
	union sa a;

	say_name(s, getsockname(s->fd, &a.sa, &len), &a, &len);
	len = sizeof(a);
	say_name(s, getpeername(s->fd, &a.sa, &len), &a, &len);
	len = sizeof(a);
	say_name(s, getsockopt(s->fd, SOL_SOCKET, SO_PEERNAME, &a, &len), &a, &len);
}

static void call_send(struct scene *s)
{
	say_ret(s, send(s->fd, "s", 1, 0));
}

static void call_send_more(struct scene *s)
{
	say_ret(s, send(s->fd, "s", 1, MSG_MORE));
	say_ret(s, send(s->fd, "", 0, 0));
}

static void call_send_flags(struct scene *s)
{
	say_ret(s, send(s->fd, "s", 1, MSG_NOSIGNAL | MSG_EOR));
	say_ret(s, send(s->fd, "s", 1, MSG_NOSIGNAL | MSG_DONTROUTE | MSG_CONFIRM));
}

static void call_send_nothing(struct scene *s)
{
	struct msghdr none = { };

	say_ret(s, send(s->fd, "", 0, MSG_NOSIGNAL));
	say_ret(s, write(s->fd, "", 0));
	say_ret(s, sendmsg(s->fd, &none, MSG_NOSIGNAL));
}

static void call_sendto(struct scene *s)
{
	union sa to = sa_foreign(s->e.fam->af, 9);

	say_ret(s, sendto(s->fd, "s", 1, MSG_NOSIGNAL, &to.sa, sa_len(&to)));
	say_ret(s, sendto(s->fd, "s", 1, MSG_NOSIGNAL, &to.sa, 1));
}

static void call_write(struct scene *s)
{
	struct iovec iov[2] = { { "w", 1 }, { "v", 1 } };

	say_ret(s, write(s->fd, "w", 1));
	say_ret(s, writev(s->fd, iov, 2));
}

static void call_sendmmsg(struct scene *s)
{
	struct iovec iov = { "m", 1 };
	struct mmsghdr m[2] = { };

	m[0].msg_hdr = m[1].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	say_ret(s, sendmmsg(s->fd, m, 2, MSG_NOSIGNAL));
	say(s, " %u %u", m[0].msg_len, m[1].msg_len);
}

static void call_send_bad(struct scene *s)
{
	struct iovec iov[2] = { { "b", 1 }, { (void *)8, 1 } };
	struct msghdr msg = { .msg_iov = iov + 1, .msg_iovlen = 1 };

	say_ret(s, send(s->fd, (void *)8, 1, MSG_NOSIGNAL));
	say_ret(s, sendmsg(s->fd, &msg, MSG_NOSIGNAL));
	msg.msg_iovlen = 1025;
	say_ret(s, sendmsg(s->fd, &msg, MSG_NOSIGNAL));
}

static void call_sendfile(struct scene *s)
{
	int pipefd[2], file = memfd_create("rill", 0);
	off_t at = 0;

	if (file < 0 || write(file, "file", 4) != 4 || pipe(pipefd) ||
	    write(pipefd[1], "pipe", 4) != 4)
		fatal("a file and a pipe");
	say_ret(s, sendfile(s->fd, file, &at, 4));
	say_ret(s, splice(pipefd[0], NULL, s->fd, NULL, 4, SPLICE_F_NONBLOCK));
	close(file);
	close(pipefd[0]);
	close(pipefd[1]);
}

static void call_recv(struct scene *s)
{
	char buf[8];

	say_bytes(s, recv(s->fd, buf, 1, 0), buf);
	say_bytes(s, recv(s->fd, buf, sizeof(buf), 0), buf);
	say_bytes(s, recv(s->fd, buf, sizeof(buf), 0), buf);
}

static void call_recv_nothing(struct scene *s)
{
	char c;

	say_ret(s, recv(s->fd, &c, 0, 0));
	say_ret(s, recv(s->fd, &c, 0, MSG_PEEK));
	say_ret(s, read(s->fd, &c, 0));
}

static void call_peek(struct scene *s)
{
	char buf[8];

	say_bytes(s, recv(s->fd, buf, 1, MSG_PEEK), buf);
	say_bytes(s, recv(s->fd, buf, sizeof(buf), MSG_PEEK | MSG_WAITALL), buf);
	say_bytes(s, recv(s->fd, buf, sizeof(buf), MSG_PEEK | MSG_TRUNC), "-");
}

static void call_recv_waitall(struct scene *s)
{
	char buf[8];

	say_bytes(s, recv(s->fd, buf, sizeof(buf), MSG_WAITALL | MSG_DONTWAIT), buf);
}

static void call_recv_trunc(struct scene *s)
{
	char buf[8];

	say_ret(s, recv(s->fd, buf, 1, MSG_TRUNC));
	say_ret(s, recv(s->fd, NULL, 1, MSG_TRUNC));
}

static void call_recv_errqueue(struct scene *s)
{
	char c;

	say_ret(s, recv(s->fd, &c, 1, MSG_ERRQUEUE));
}

static void call_read(struct scene *s)
{
	char buf[8] = "";
	struct iovec iov[2] = { { buf, 1 }, { buf + 1, 1 } };

	say_bytes(s, readv(s->fd, iov, 2), buf);
	say_bytes(s, read(s->fd, buf, sizeof(buf)), buf);
}

static void call_recvmsg(struct scene *s)
{
	char buf[8], control[64];
	union sa a;
	struct iovec iov = { buf, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_name = &a, .msg_namelen = sizeof(a),
			      .msg_control = control, .msg_controllen = sizeof(control) };
	long r = recvmsg(s->fd, &msg, 0);

	say_bytes(s, r, buf);
	if (r >= 0)
		say(s, " name %u control %zu flags %x", msg.msg_namelen,
		    msg.msg_controllen, msg.msg_flags);
	say_bytes(s, recvfrom(s->fd, buf, 1, 0, &a.sa, &(socklen_t){ sizeof(a) }), buf);
}

static void call_recvmmsg(struct scene *s)
{
	char buf[2];
	struct iovec iov[2] = { { buf, 1 }, { buf + 1, 1 } };
	struct mmsghdr m[2] = { };

	m[0].msg_hdr = (struct msghdr){ .msg_iov = &iov[0], .msg_iovlen = 1 };
	m[1].msg_hdr = (struct msghdr){ .msg_iov = &iov[1], .msg_iovlen = 1 };
	say_ret(s, recvmmsg(s->fd, m, 2, MSG_DONTWAIT, NULL));
	say(s, " %u %u", m[0].msg_len, m[1].msg_len);
}

static void call_recv_bad(struct scene *s)
{
	struct iovec iov = { (void *)8, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	say_ret(s, recv(s->fd, (void *)8, 1, 0));
	say_ret(s, recvmsg(s->fd, &msg, 0));
	msg.msg_iovlen = 1025;
	say_ret(s, recvmsg(s->fd, &msg, 0));
}

static void call_splice(struct scene *s)
{
	int pipefd[2];
	char buf[8];
	long n;

	if (pipe(pipefd))
		fatal("pipe");
	n = splice(s->fd, NULL, pipefd[1], NULL, 8, SPLICE_F_NONBLOCK);
	say_bytes(s, n, n > 0 && read(pipefd[0], buf, sizeof(buf)) == n ? buf : "?");
	close(pipefd[0]);
	close(pipefd[1]);
}

static void call_shut_rd(struct scene *s)
{
	say_ret(s, shutdown(s->fd, SHUT_RD));
	say_ret(s, shutdown(s->fd, 3));
}

static void call_shut_wr(struct scene *s)
{
	say_ret(s, shutdown(s->fd, SHUT_WR));
	say_ret(s, shutdown(s->fd, -1));
}

static void call_shut_rdwr(struct scene *s)
{
	say_ret(s, shutdown(s->fd, SHUT_RDWR));
	say_ret(s, shutdown(s->fd, SHUT_RDWR));
}

static void call_ioctls(struct scene *s)
{
	static const unsigned long req[] = { SIOCINQ, SIOCATMARK, SIOCOUTQNSD };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(req); i++) {
		int q = -1;

		say_ret(s, ioctl(s->fd, req[i], &q));
		say(s, "(%d)", q);
		say_ret(s, ioctl(s->fd, req[i], NULL));
	}
}

static void call_options(struct scene *s)
{
	static const int name[] = { SO_ERROR, SO_ERROR, SO_ACCEPTCONN, SO_TYPE, SO_LINGER,
				    SO_REUSEADDR, SO_KEEPALIVE, SO_OOBINLINE, SO_RCVLOWAT };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(name); i++)
		say_ret(s, get_int(s->fd, SOL_SOCKET, name[i]));
}

/* Descriptors 0..2 are taken, and the sets are small. */
static void call_select(struct scene *s)
{
	fd_set r, w, x;

	FD_ZERO(&r);
	FD_SET(s->fd, &r);
	w = x = r;
	say_ret(s, select(s->fd + 1, &r, &w, &x, &(struct timeval){ }));
	say(s, " read %d write %d except %d", !!FD_ISSET(s->fd, &r), !!FD_ISSET(s->fd, &w),
	    !!FD_ISSET(s->fd, &x));
}

/* Every bit there is, not only those we name. */
static void call_poll(struct scene *s)
{
	struct pollfd p = { s->fd, 0x7fff, 0 };

	say_ret(s, poll(&p, 1, 0));
	say(s, " %x", p.revents);
}

static void call_close(struct scene *s)
{
	say_ret(s, close(s->fd));
	s->fd = -1;
}

static void call_reset(struct scene *s)
{
	reset_close(s->fd);
	s->fd = -1;
}

/* In no state here is there anything left to wait for. */
static void call_close_lingering(struct scene *s)
{
	struct linger lin = { 1, 60 };

	say_ret(s, setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &lin, sizeof(lin)));
	call_close(s);
}

static void call_close_a_twin(struct scene *s)
{
	int twin = dup(s->fd);

	call_close(s);
	s->fd = twin;
}

#define CALL(name)	{ #name, call_##name }
static const struct call {
	const char *name;
	void (*play)(struct scene *s);
} calls[] = {
	CALL(bind), CALL(connect), CALL(connect_twice), CALL(dissolve),
	CALL(dissolve_and_connect), CALL(listen), CALL(accept), CALL(names),
	CALL(send), CALL(send_more), CALL(send_flags), CALL(send_nothing), CALL(sendto),
	CALL(write), CALL(sendmmsg), CALL(send_bad), CALL(sendfile),
	CALL(recv), CALL(recv_nothing), CALL(peek), CALL(recv_waitall), CALL(recv_trunc),
	CALL(recv_errqueue), CALL(read), CALL(recvmsg), CALL(recvmmsg), CALL(recv_bad),
	CALL(splice), CALL(shut_rd), CALL(shut_wr), CALL(shut_rdwr),
	CALL(ioctls), CALL(options), CALL(select), CALL(poll),
	CALL(close), CALL(reset), CALL(close_lingering), CALL(close_a_twin),
};

/* ------------------------------------------------------------ the comparison */

/* What can be seen of a socket without touching it. */
struct sight {
	int state;
	int inq;
	int events;
};

static struct sight look(int fd)
{
	struct sight v = { -1, -1, 0 };
	struct tcp_info info = { };

	if (fd < 0)
		return v;
	v.events = revents(fd);
	ioctl(fd, SIOCINQ, &v.inq);	/* a listener has none */
	if (!getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &(socklen_t){ sizeof(info) }))
		v.state = info.tcpi_state;
	return v;
}

/* Waits until both families show the same, and notes what that is. */
static void settle(struct scene s[2])
{
	int64_t end = now_ms() + SETTLING;
	struct sight v[2][2];
	int f;

	for (;;) {
		memset(v, 0, sizeof(v));
		for (f = TCP; f <= RILL; f++) {
			v[f][0] = look(s[f].fd);
			v[f][1] = look(s[f].peer);
		}
		if (!memcmp(v[TCP], v[RILL], sizeof(v[TCP])) || now_ms() > end)
			break;
		breathe();
	}
	for (f = TCP; f <= RILL; f++) {
		say(&s[f], "\n    [st %d inq %d ev %x", v[f][0].state, v[f][0].inq,
		    v[f][0].events);
		if (s[f].peer >= 0)
			say(&s[f], " | peer st %d inq %d ev %x", v[f][1].state,
			    v[f][1].inq, v[f][1].events);
		say(&s[f], "]");
	}
}

static void played(struct scene *s, void (*play)(struct scene *s))
{
	int before = caught();

	play(s);
	if (caught() != before)
		say(s, " SIGPIPE %d", caught() - before);
}

static void both(struct scene s[2], void (*play)(struct scene *s))
{
	played(&s[TCP], play);
	played(&s[RILL], play);
	settle(s);
}

/* What a program would see next, at either end. */
static void peer_reads(struct scene *s)
{
	char buf[32];

	if (s->fd >= 0)
		say_ret(s, so_error(s->fd));
	say_bytes(s, recv(s->peer, buf, sizeof(buf), 0), buf);
	say_bytes(s, recv(s->peer, buf, sizeof(buf), 0), buf);
}

static void both_write(struct scene *s)
{
	say_ret(s, send(s->fd, "x", 1, 0));
	say_ret(s, send(s->peer, "y", 1, 0));
}

static void both_read(struct scene *s)
{
	char buf[32];

	say_bytes(s, recv(s->fd, buf, sizeof(buf), 0), buf);
	say_bytes(s, recv(s->peer, buf, sizeof(buf), 0), buf);
}

/* What Rill does otherwise on purpose, and why. */
static const struct { const char *state, *call; } differs[] = {
	/* TCP's SIOCOUTQNSD tells a number that AF_UNSPEC left behind */
	{ "dissolved", "ioctls" },
};

static bool on_purpose(const char *state, const char *call)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(differs); i++)
		if (!strcmp(differs[i].state, state) &&
		    !strcmp(differs[i].call, call))
			return true;
	return false;
}

static bool same(struct scene s[2])
{
	return !strcmp(s[TCP].said, s[RILL].said);
}

static bool play_row(struct scene s[2], void (*state)(struct scene *s), const struct call *c)
{
	int i;

	for (i = 0; i < TRIES; i++) {
		s[TCP].said[0] = s[RILL].said[0] = 0;
		both(s, state);
		both(s, c->play);
		both(s, peer_reads);
		both(s, both_write);
		both(s, both_read);
		strike(&s[TCP]);
		strike(&s[RILL]);
		if (same(s))
			return true;
	}
	return false;
}

/* The number of calls in that state that are wrong. */
static int every_call(struct scene s[2], void (*state)(struct scene *s), const char *name)
{
	int wrong = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		bool expected = on_purpose(name, calls[i].name);

		if (play_row(s, state, &calls[i]) != expected)
			continue;
		wrong++;
		fprintf(stderr, "# %s: %s %s\n#  TCP:%s\n#  Rill:%s\n", name, calls[i].name,
			expected ? "no longer differs" : "differs", s[TCP].said, s[RILL].said);
	}
	return wrong;
}

FIXTURE(state) { struct env e; struct scene s[2]; };
FIXTURE_VARIANT(state) { const struct family *fam; };
FIXTURE_SETUP(state)
{
	env_open(&self->e, variant->fam, _metadata->name);
	catch_signal(SIGPIPE);
	stage_open(&self->s[TCP], &self->e, twin(self->e.fam));
	stage_open(&self->s[RILL], &self->e, self->e.fam);
}
FIXTURE_TEARDOWN(state) { env_close(&self->e); }
FAMILY(state, rill4);
FAMILY(state, rill6_veth);

/* A test for each state NAME made by the function of that name. */
#define STATE(NAME) \
	TEST_F_TIMEOUT(state, NAME, SLOW_TEST) \
	{ \
		EXPECT_EQ(0, every_call(self->s, NAME, #NAME)); \
	}

STATE(fresh)
STATE(bound)
STATE(listening)
STATE(awaited)
STATE(connecting)
STATE(refused)
STATE(refusal_told)
STATE(established)
STATE(readable)
STATE(peer_ended)
STATE(peer_ended_readable)
STATE(peer_closed)
STATE(shut_for_writing)
STATE(shut_for_reading)
STATE(shut_for_reading_readable)
STATE(shut_for_both)
STATE(ended_first)
STATE(ended_last)
STATE(reset)
STATE(reset_readable)
STATE(reset_told)
STATE(reset_half_closed)
STATE(dissolved)

/* ------------------------------------------------------------- orders */

/*
 * The same beside each other for whole stories: each end's calls in every order,
 * and orders drawn at random.
 */
static void swap_ends(struct scene *s)
{
	int fd = s->fd;

	s->fd = s->peer;
	s->peer = fd;
}

static void step_shut_rd(struct scene *s)
{
	say_ret(s, shutdown(s->fd, SHUT_RD));
}

static void step_shut_wr(struct scene *s)
{
	say_ret(s, shutdown(s->fd, SHUT_WR));
}

static void step_send(struct scene *s)
{
	say_ret(s, send(s->fd, "12345", 5, 0));
}

static void step_recv(struct scene *s)
{
	char buf[3];

	say_bytes(s, recv(s->fd, buf, sizeof(buf), 0), buf);
}

static void step_error(struct scene *s)
{
	say_ret(s, s->fd < 0 ? 0 : so_error(s->fd));
}

static void step_close(struct scene *s)
{
	say_ret(s, close(s->fd));
	s->fd = -1;
}

static void step_reset(struct scene *s)
{
	finish(s->fd);
	s->fd = -1;
}

static void step_dissolve(struct scene *s)
{
	say_ret(s, connect(s->fd, &(struct sockaddr){ AF_UNSPEC }, sizeof(struct sockaddr)));
}

/* A step of one end, 0 or 1. */
static void step(struct scene s[2], int end, void (*play)(struct scene *s))
{
	int f;

	for (f = TCP; f <= RILL; f++)
		if (end)
			swap_ends(&s[f]);
	both(s, play);
	for (f = TCP; f <= RILL; f++)
		if (end)
			swap_ends(&s[f]);
}

static void begin(struct scene s[2])
{
	s[TCP].said[0] = s[RILL].said[0] = 0;
	both(s, established);
}

/* Reads both ends to their ends; true when all was the same. */
static bool end_the_same(struct scene s[2])
{
	both(s, peer_reads);
	both(s, both_read);
	strike(&s[TCP]);
	strike(&s[RILL]);
	return same(s);
}

static void tell_both(const struct scene s[2], const char *what)
{
	fprintf(stderr, "# %s\n#  TCP:%s\n#  Rill:%s\n", what, s[TCP].said, s[RILL].said);
}

/* Each end shuts down its two directions, with bytes under way both ways: the
 * four calls in each of their 24 orders. */
static bool shutdowns(struct scene s[2], int order)
{
	static void (*const half[])(struct scene *s) = { step_shut_rd, step_shut_wr };
	int left[4] = { 0, 1, 2, 3 }, n;

	begin(s);
	step(s, 0, step_send);
	step(s, 1, step_send);
	for (n = 4; n > 0; n--) {
		int i = order % n, which = left[i];

		order /= n;
		left[i] = left[n - 1];
		step(s, which & 1, half[which >> 1]);
	}
	return end_the_same(s);
}

TEST_F_TIMEOUT(state, shutdown_in_every_order, SLOW_TEST)
{
	int order, tries;

	for (order = 0; order < 24; order++) {
		for (tries = 1; !shutdowns(self->s, order) && tries < TRIES; tries++)
			;
		EXPECT_TRUE(same(self->s)) tell_both(self->s, "shutdown()s");
	}
}

static bool walk(struct scene s[2], uint64_t seed)
{
	/* what ends everything is rare, or no story would be long */
	static void (*const steps[])(struct scene *s) = {
		step_send, step_send, step_send, step_recv, step_recv, step_recv,
		step_recv, step_shut_rd, step_shut_wr, step_error, step_close,
		step_reset, step_dissolve,
	};
	int i;

	begin(s);
	for (i = 0; i < 10; i++) {
		uint64_t draw = rnd(&seed);

		step(s, draw & 1, steps[(draw >> 1) % ARRAY_SIZE(steps)]);
	}
	return end_the_same(s);
}

TEST_F_TIMEOUT(state, random_walks, SLOW_TEST)
{
	uint64_t seed = test_seed(), one;
	int i, tries;

	for (i = 0; i < 150; i++) {
		one = rnd(&seed);
		for (tries = 1; !walk(self->s, one) && tries < TRIES; tries++)
			;
		ASSERT_TRUE(same(self->s)) tell_both(self->s, "a walk");
	}
}

TEST_HARNESS_MAIN
