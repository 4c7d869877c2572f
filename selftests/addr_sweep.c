// SPDX-License-Identifier: GPL-2.0
/*
 * Names and control messages of every length and with garbage in them, given to the
 * calls and asked of them, on a TCP socket and a Rill socket side by side: same
 * errno, same lengths, and of the program's memory exactly the same bytes written.
 * Rill comes by its second door, whose addresses are TCP's to the letter.
 */
#include "kselftest_harness.h"

#include <linux/rill.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib.h"

enum { TCP, RILL };

#define BUF	8192

FIXTURE(sweep) {
	struct env e;
	char *end;		/* of BUF bytes; a page follows that is not there */
	int bad;		/* calls that differ */
	uint64_t seed;
};

FIXTURE_VARIANT(sweep) { const struct family *fam; bool root; };
FIXTURE_VARIANT_ADD(sweep, rill4_root) { &fam_rill4_inet, true };
FIXTURE_VARIANT_ADD(sweep, rill4_nobody) { &fam_rill4_inet, false };
FIXTURE_VARIANT_ADD(sweep, rill6_nobody) { &fam_rill6_inet, false };

FIXTURE_SETUP(sweep)
{
	char *map;

	env_open(&self->e, variant->fam, _metadata->name);
	if (!variant->root && (setgid(1000) || setuid(1000)))
		fatal("setuid");
	map = mmap(NULL, BUF + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || mprotect(map + BUF, 4096, PROT_NONE))
		fatal("mmap");
	self->end = map + BUF;
	self->seed = test_seed();
}

FIXTURE_TEARDOWN(sweep)
{
	env_close(&self->e);
}

static int one_socket(const struct env *e, int which)
{
	int fd = socket(e->fam->af, SOCK_STREAM | SOCK_NONBLOCK, which == RILL ? IPPROTO_RILL : 0);

	if (fd < 0)
		fatal("socket");
	return fd;
}

static int one_listener(const struct env *e, int which)
{
	int fd = one_socket(e, which);

	if (do_bind(fd, sa_loopback(e->fam->af, 0)) || listen(fd, 5))
		fatal("listen");
	return fd;
}

static void one_pair(const struct env *e, int which, int lfd, int pair[2])
{
	pair[CLIENT] = one_socket(e, which);
	if (do_connect(pair[CLIENT], local_name(lfd)) && errno != EINPROGRESS)
		fatal("connect");
	if (wait_events(lfd, POLLIN) != POLLIN)
		fatal("no connection");
	pair[SERVER] = accept4(lfd, NULL, NULL, SOCK_NONBLOCK);
	if (pair[SERVER] < 0 || wait_events(pair[CLIENT], POLLOUT) != POLLOUT)
		fatal("accept");
}

#define DIFFER(s, ...) do {					\
	if ((s)->bad++ < 20) {					\
		printf("# "); printf(__VA_ARGS__); printf("\n");	\
		fflush(stdout);					\
	}							\
} while (0)

/* ------------------------------------------------------------- names given */

enum { FILLS = 8 };

/* @len bytes of a name in the @how-th way; what is needed of it is in front. */
static void fill_name(FIXTURE_DATA(sweep) *s, char *p, size_t len, int how)
{
	bool v6 = s->e.fam->af == AF_INET6;
	union sa own = sa_loopback(s->e.fam->af, how == 1 ? 0 : 9);
	sa_family_t family[FILLS] = {
		own.sa.sa_family, own.sa.sa_family, own.sa.sa_family, AF_UNSPEC,
		v6 ? AF_INET : AF_INET6, AF_UNIX, AF_PACKET, rnd(&s->seed) | 0x4000,
	};
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = how == 3 ? 0 : rnd(&s->seed);
	if (how < 2)
		memcpy(p, &own, len < sa_len(&own) ? len : sa_len(&own));
	else if (len >= 2)
		memcpy(p, &family[how], 2);
	else if (len)
		p[0] = family[how];
}

static long call_named(int call, int fd, const void *name, socklen_t len)
{
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_name = (void *)name, .msg_namelen = len, .msg_iov = &iov,
			    .msg_iovlen = 1 };

	switch (call) {
	case 0:
		return RET(bind(fd, name, len));
	case 1:
		return RET(connect(fd, name, len));
	case 2:
		return RET(sendto(fd, "x", 1, MSG_NOSIGNAL, name, len));
	default:
		return RET(sendmsg(fd, &m, MSG_NOSIGNAL));
	}
}

static void names_of_length(FIXTURE_DATA(sweep) *s, socklen_t len)
{
	size_t bytes = len < BUF ? len : BUF;
	int how, call, w;

	for (how = 0; how < FILLS; how++) {
		fill_name(s, s->end - bytes, bytes, how);
		for (call = 0; call < 4; call++) {
			long r[2];

			for (w = TCP; w <= RILL; w++) {
				int fd = one_socket(&s->e, w);

				r[w] = call_named(call, fd, s->end - bytes, len);
				close(fd);
			}
			if (r[TCP] != r[RILL])
				DIFFER(s, "call %d length %d fill %d: TCP %ld, Rill %ld", call,
				       (int)len, how, r[TCP], r[RILL]);
		}
	}
}

TEST_F_TIMEOUT(sweep, names_given, SLOW_TEST)
{
	static const socklen_t odd[] = { -1, 0x80000000, 0x7fffffff, BUF, BUF + 1, 65536 };
	socklen_t len;
	size_t i;

	/* past the longest there is every length is as any other */
	for (len = 0; len <= 256; len += len < 40 || (len >= 126 && len < 131) ? 1 + 2 * quick() : 7)
		names_of_length(self, len);
	for (i = 0; i < ARRAY_SIZE(odd); i++)
		names_of_length(self, odd[i]);
	EXPECT_EQ(0, self->bad);
}

TEST_F(sweep, names_that_are_not_there)
{
	static const socklen_t lens[] = { 0, 1, 2, 16, 28, 128 };
	char *const at[] = { NULL, (char *)8, self->end, self->end - 1 };
	size_t i, k;
	int call, w;

	for (i = 0; i < ARRAY_SIZE(lens); i++)
		for (k = 0; k < ARRAY_SIZE(at); k++)
			for (call = 0; call < 4; call++) {
				long r[2];

				for (w = TCP; w <= RILL; w++) {
					int fd = one_socket(&self->e, w);

					r[w] = call_named(call, fd, at[k], lens[i]);
					close(fd);
				}
				if (r[TCP] != r[RILL])
					DIFFER(self, "call %d length %u at %zu: TCP %ld, Rill %ld",
					       call, lens[i], k, r[TCP], r[RILL]);
			}
	EXPECT_EQ(0, self->bad);
}

/* ---------------------------------------------------------- names asked for */

/* What a call made of 256 painted bytes. */
struct painted {
	long r;
	socklen_t len;		/* as it was left */
	int flags;		/* msg_flags */
	char b[256];
};

static struct painted ask_name(FIXTURE_DATA(sweep) *s, int call, int fd, socklen_t len, char paint)
{
	struct painted p = { .len = len };
	size_t room = len <= 256 ? len : 256;
	char *at = s->end - room, c;
	struct iovec iov = { &c, 1 };
	struct msghdr m = { .msg_name = at, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1 };

	memset(p.b, paint, sizeof(p.b));
	memset(s->end - 256, paint, 256);
	switch (call) {
	case 0:
		p.r = RET(getsockname(fd, (void *)at, &p.len));
		break;
	case 1:
		p.r = RET(getpeername(fd, (void *)at, &p.len));
		break;
	case 2:
		p.r = RET(recvfrom(fd, &c, 1, MSG_PEEK, (void *)at, &p.len));
		break;
	case 3:
		p.r = RET(recvmsg(fd, &m, MSG_PEEK));
		p.len = m.msg_namelen;
		p.flags = m.msg_flags;
		break;
	default:
		p.r = RET(accept(fd, (void *)at, &p.len));
		if (p.r >= 0) {
			close(p.r);
			p.r = 0;
		}
	}
	memcpy(p.b, at, room);
	return p;
}

/* Bytes that were written, each shown by at least one of two paints. */
static void written(const struct painted *a, const struct painted *b, char mask[256])
{
	size_t i;

	for (i = 0; i < 256; i++)
		mask[i] = a->b[i] != 0x5a || b->b[i] != (char)0xa5;
}

static void compare_asked(FIXTURE_DATA(sweep) *s, int call, const int fd[2], socklen_t len)
{
	struct painted p[2][2];
	char mask[2][256];
	int w;

	for (w = TCP; w <= RILL; w++) {
		p[w][0] = ask_name(s, call, fd[w], len, 0x5a);
		p[w][1] = ask_name(s, call, fd[w], len, 0xa5);
		written(&p[w][0], &p[w][1], mask[w]);
	}
	if (p[TCP][0].r != p[RILL][0].r || p[TCP][0].len != p[RILL][0].len ||
	    p[TCP][0].flags != p[RILL][0].flags)
		DIFFER(s, "call %d room %d: TCP %ld (%u), Rill %ld (%u)", call, (int)len,
		       p[TCP][0].r, p[TCP][0].len, p[RILL][0].r, p[RILL][0].len);
	else if (memcmp(mask[TCP], mask[RILL], sizeof(mask[0])))
		DIFFER(s, "call %d room %d: other bytes were written", call, (int)len);
}

TEST_F(sweep, names_asked_for)
{
	static const socklen_t odd[] = { -1, 0x80000000, 0x7fffffff };
	int lfd[2], pair[2][2], fd[2], w, call;
	socklen_t len;
	size_t i;

	for (w = TCP; w <= RILL; w++) {
		lfd[w] = one_listener(&self->e, w);
		one_pair(&self->e, w, lfd[w], pair[w]);
		send_all(pair[w][CLIENT], "x", 1);
		EXPECT_EQ(POLLIN, wait_events(pair[w][SERVER], POLLIN));
		fd[w] = pair[w][SERVER];
	}
	for (call = 0; call < 4; call++) {
		for (len = 0; len <= 256; len += len < 40 ? 1 : 8)
			compare_asked(self, call, fd, len);
		for (i = 0; i < ARRAY_SIZE(odd); i++)
			compare_asked(self, call, fd, odd[i]);
	}
	EXPECT_EQ(0, self->bad);
}

TEST_F_TIMEOUT(sweep, names_of_accepted, SLOW_TEST)
{
	static const socklen_t lens[] = { 0, 1, 2, 3, 15, 16, 17, 27, 28, 29, 128, 256, -1 };
	int lfd[2], w, k;
	size_t i;

	for (w = TCP; w <= RILL; w++)
		lfd[w] = one_listener(&self->e, w);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		int client[2][2];

		for (w = TCP; w <= RILL; w++)
			for (k = 0; k < 2; k++) {
				client[w][k] = one_socket(&self->e, w);
				if (do_connect(client[w][k], local_name(lfd[w])) &&
				    errno != EINPROGRESS)
					fatal("connect");
				EXPECT_EQ(POLLOUT, wait_events(client[w][k], POLLOUT) & POLLOUT);
			}
		compare_asked(self, 4, lfd, lens[i]);
		for (w = TCP; w <= RILL; w++)
			for (k = 0; k < 2; k++)
				reset_close(client[w][k]);
		/* what a failed accept() left or took is the same too */
		for (w = TCP; w <= RILL; w++)
			while ((k = accept(lfd[w], NULL, NULL)) >= 0)
				close(k);
	}
	EXPECT_EQ(0, self->bad);
}

/* --------------------------------------------------------- control messages */

static long send_control(int fd, void *control, size_t len)
{
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = len };

	return RET(sendmsg(fd, &m, MSG_NOSIGNAL));
}

/* One message to both; what was sent is taken out again. */
static void compare_control(FIXTURE_DATA(sweep) *s, int pair[2][2], size_t len, const char *what)
{
	long r[2];
	char c;
	int w;

	for (w = TCP; w <= RILL; w++) {
		r[w] = send_control(pair[w][CLIENT], s->end - len, len);
		if (r[w] > 0)
			recv_all(pair[w][SERVER], &c, 1);
	}
	if (r[TCP] != r[RILL]) {
		const struct cmsghdr *h = (void *)(s->end - len);

		DIFFER(s, "%s of %zu bytes, %d/%d length %zu: TCP %ld, Rill %ld", what, len,
		       h->cmsg_level, h->cmsg_type, (size_t)h->cmsg_len, r[TCP], r[RILL]);
	}
}

TEST_F_TIMEOUT(sweep, control_messages, SLOW_TEST)
{
	static const int levels[] = { SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6, -1, 4711 };
	static const size_t lens[] = { 0, 1, 15, 16, 17, 19, 20, 24, 28, 64, 65, 1 << 20, -1 };
	int lfd[2], pair[2][2], w, type;
	size_t l, k, i;

	for (w = TCP; w <= RILL; w++) {
		lfd[w] = one_listener(&self->e, w);
		one_pair(&self->e, w, lfd[w], pair[w]);
		set_nonblock(pair[w][SERVER], false);
	}
	for (l = 0; l < ARRAY_SIZE(levels); l++)
		for (type = -1; type < 72; type++)
			for (k = 0; k < ARRAY_SIZE(lens); k += type < 4 ? 1 : 3) {
				struct cmsghdr *h = (void *)(self->end - 64);

				/* descriptors that exist would be passed */
				memset(h, 0xff, 64);
				h->cmsg_level = levels[l];
				h->cmsg_type = type;
				h->cmsg_len = lens[k];
				compare_control(self, pair, 64, "a message");
			}
	for (i = 0; i < 300; i++) {
		size_t len = rnd(&self->seed) % 100;

		for (k = 0; k < len; k++)
			self->end[k - len] = rnd(&self->seed);
		compare_control(self, pair, len, "garbage");
	}
	EXPECT_EQ(0, self->bad);
}

/* Room for control messages of every size: what is told, cut and left alone. */
TEST_F(sweep, room_for_control)
{
	int lfd[2], pair[2][2], w, k;
	size_t len;

	for (w = TCP; w <= RILL; w++) {
		lfd[w] = one_listener(&self->e, w);
		one_pair(&self->e, w, lfd[w], pair[w]);
		set_int(pair[w][SERVER], IPPROTO_TCP, 36 /* TCP_INQ */, 1);
		send_all(pair[w][CLIENT], "xy", 2);
		EXPECT_EQ(2, queue_becomes(pair[w][SERVER], FIONREAD, 2));
	}
	for (len = 0; len <= 80; len++) {
		struct painted p[2][2];
		char mask[2][256];

		for (w = TCP; w <= RILL; w++) {
			for (k = 0; k < 2; k++) {
				char *at = self->end - len, c;
				struct iovec iov = { &c, 1 };
				struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
						    .msg_control = at, .msg_controllen = len };

				memset(p[w][k].b, k ? 0xa5 : 0x5a, 256);
				memset(at, k ? 0xa5 : 0x5a, len);
				p[w][k].r = RET(recvmsg(pair[w][SERVER], &m, MSG_PEEK));
				p[w][k].len = m.msg_controllen;
				p[w][k].flags = m.msg_flags;
				memcpy(p[w][k].b, at, len);
			}
			written(&p[w][0], &p[w][1], mask[w]);
		}
		if (p[TCP][0].r != p[RILL][0].r || p[TCP][0].len != p[RILL][0].len ||
		    p[TCP][0].flags != p[RILL][0].flags)
			DIFFER(self, "room %zu: TCP %ld (%u, %#x), Rill %ld (%u, %#x)", len,
			       p[TCP][0].r, p[TCP][0].len, p[TCP][0].flags,
			       p[RILL][0].r, p[RILL][0].len, p[RILL][0].flags);
		else if (memcmp(mask[TCP], mask[RILL], sizeof(mask[0])))
			DIFFER(self, "room %zu: other bytes were written", len);
	}
	EXPECT_EQ(0, self->bad);
}

TEST_HARNESS_MAIN
