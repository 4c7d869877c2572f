// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers that make things: environments, addresses, sockets, connected pairs.
 * lib.h says what each is for; lib_net.c has those that make networks, lib_state.c
 * those that look and wait.
 */
#include "lib.h"

#include <arpa/inet.h>
#include <linux/rill.h>
#include <netinet/tcp.h>
#include <stdarg.h>

#include "kselftest.h"

#define FAM(v, n, a, ...)	const struct family fam_##v = { .name = n, .af = a, __VA_ARGS__ }

FAM(tcp4, "tcp4", AF_INET);
FAM(tcp6, "tcp6", AF_INET6);
FAM(rill4, "rill4", AF_INET, .rill = true);
FAM(rill6, "rill6", AF_INET6, .rill = true);
FAM(tcp4_veth, "tcp4_veth", AF_INET, .veth = true);
FAM(tcp6_veth, "tcp6_veth", AF_INET6, .veth = true);
FAM(rill4_veth, "rill4_veth", AF_INET, .rill = true, .veth = true);
FAM(rill6_veth, "rill6_veth", AF_INET6, .rill = true, .veth = true);
FAM(udp4, "udp4", AF_INET, .type = SOCK_DGRAM);
FAM(udp6, "udp6", AF_INET6, .type = SOCK_DGRAM);
FAM(rill4_dgram, "rill4_dgram", AF_INET, .type = SOCK_DGRAM, .rill = true);
FAM(rill6_dgram, "rill6_dgram", AF_INET6, .type = SOCK_DGRAM, .rill = true);
FAM(rill4_inet_dgram, "rill4_inet_dgram", AF_INET, .type = SOCK_DGRAM, .rill = true, .inet = true);
FAM(rill6_inet_dgram, "rill6_inet_dgram", AF_INET6, .type = SOCK_DGRAM, .rill = true, .inet = true);
FAM(rill4_dgram_veth, "rill4_dgram_veth", AF_INET, .type = SOCK_DGRAM, .rill = true, .veth = true);
FAM(rill6_dgram_veth, "rill6_dgram_veth", AF_INET6, .type = SOCK_DGRAM, .rill = true, .veth = true);
FAM(rill4_inet, "rill4_inet", AF_INET, .rill = true, .inet = true);
FAM(rill6_inet, "rill6_inet", AF_INET6, .rill = true, .inet = true);

int rill_family(void)
{
	FILE *f = fopen("/sys/module/rill/parameters/family", "re");
	int n = -1;

	if (f) {
		if (fscanf(f, "%d", &n) != 1)
			n = -1;
		fclose(f);
	}
	return n;
}

/*
 * Runs before main(): without the module there is nothing to test, and the
 * whole program says so instead of each case.
 */
static void __attribute__((constructor)) require_module(void)
{
	if (rill_family() >= 0 || getenv("RILL_ORACLE"))
		return;
	printf("TAP version 13\n1..0 # SKIP rill.ko is not loaded\n");
	fflush(stdout);
	_exit(KSFT_SKIP);
}

void fatal(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fprintf(stderr, "# fatal: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (errno %d: %s)\n", err, strerror(err));
	_exit(1);
}

void sh(const char *fmt, ...)
{
	char cmd[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if (system(cmd) != 0)
		fatal("command failed: %s", cmd);
}

bool put_file(const char *path, const char *s)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, s, strlen(s)) == (ssize_t)strlen(s);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* ------------------------------------------------------- environment */

static void veth_open(struct env *e)
{
	e->addr[CLIENT] = veth_addr(e->fam->af, CLIENT);
	e->addr[SERVER] = veth_addr(e->fam->af, SERVER);
	new_netns();
	e->ns[SERVER] = netns_fd();
	veth_lay(e);
}

void env_open(struct env *e, const struct family *fam, const char *test)
{
	const char *only = getenv("RILL_ONLY");
	char name[256];

	snprintf(name, sizeof(name), "%s.%s", fam->name, test);
	/* Both kinds of addresses and both paths, each once. */
	if (quick() && fam->rill && (fam->af == AF_INET) == fam->veth)
		_exit(255);
	if (only && !strstr(name, only))
		_exit(255);
	if (fam->rill && rill_family() < 0) {
		fprintf(stderr, "#      SKIP      rill.ko is not loaded\n");
		_exit(255);
	}
	e->fam = fam;
	new_netns();
	e->ns[CLIENT] = e->ns[SERVER] = netns_fd();
	e->addr[CLIENT] = e->addr[SERVER] = sa_loopback(fam->af, 0);
	if (fam->veth)
		veth_open(e);
}

void end_by_reset(void)
{
	struct linger now = { 1, 0 };
	int fd;

	for (fd = 3; fd < 1024; fd++)		/* what is no socket does not mind */
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void env_close(struct env *e)
{
	if (e->fam->veth)
		end_by_reset();
	close(e->ns[CLIENT]);
	if (e->ns[SERVER] != e->ns[CLIENT])
		close(e->ns[SERVER]);
}

/* ----------------------------------------------------------- addresses */

union sa sa_any(int af, uint16_t port)
{
	union sa a = { .sa.sa_family = af };

	return sa_port(a, port);
}

union sa sa_loopback(int af, uint16_t port)
{
	union sa a = sa_any(af, port);

	if (af == AF_INET)
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a.in6.sin6_addr = in6addr_loopback;
	return a;
}

union sa sa_foreign(int af, uint16_t port)
{
	union sa a = sa_any(af, port);

	if (af == AF_INET)
		inet_pton(AF_INET, "198.51.100.9", &a.in.sin_addr);
	else
		inet_pton(AF_INET6, "2001:db8::9", &a.in6.sin6_addr);
	return a;
}

union sa sa_port(union sa a, uint16_t port)
{
	if (a.sa.sa_family == AF_INET6)
		a.in6.sin6_port = htons(port);
	else
		a.in.sin_port = htons(port);
	return a;
}

union sa env_addr(const struct env *e, enum side side, uint16_t port)
{
	return sa_port(e->addr[side], port);
}

uint16_t port_of(const union sa *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}

socklen_t sa_len(const union sa *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

bool sa_same(const union sa *a, const union sa *b)
{
	if (a->sa.sa_family != b->sa.sa_family || port_of(a) != port_of(b))
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
}

union sa local_name(int fd)
{
	union sa a = { };
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.sa, &len))
		fatal("getsockname");
	return a;
}

union sa peer_name(int fd)
{
	union sa a = { };
	socklen_t len = sizeof(a);

	if (getpeername(fd, &a.sa, &len))
		fatal("getpeername");
	return a;
}

/* ------------------------------------------------------------- sockets */

long neg_errno(long r)
{
	return r == -1 ? -errno : r;
}

int env_domain(const struct env *e)
{
	return e->fam->rill && !e->fam->inet ? rill_family() : e->fam->af;
}

int env_protocol(const struct env *e)
{
	if (!e->fam->rill)
		return e->fam->type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
	if (e->fam->inet)
		return IPPROTO_RILL;
	return e->fam->af == AF_INET6 ? RILL_PROTO_V6 : RILL_PROTO_V4;
}

int env_try_socket(const struct env *e, enum side side, int flags)
{
	int fd, err;

	if (e->fam->veth)
		env_enter(e, side);
	fd = socket(env_domain(e), (e->fam->type ? e->fam->type : SOCK_STREAM) | flags,
		    e->fam->rill ? env_protocol(e) : 0);
	err = errno;
	if (e->fam->veth)
		env_enter(e, CLIENT);
	errno = err;
	return fd;
}

int env_socket(const struct env *e, enum side side, int flags)
{
	int fd = env_try_socket(e, side, flags);

	if (fd < 0)
		fatal("socket %s", e->fam->name);
	return fd;
}

int do_bind(int fd, union sa a)
{
	return bind(fd, &a.sa, sa_len(&a));
}

int do_connect(int fd, union sa a)
{
	return connect(fd, &a.sa, sa_len(&a));
}

int env_listen(const struct env *e, int backlog, union sa *at)
{
	int fd = env_socket(e, SERVER, 0);

	if (do_bind(fd, env_addr(e, SERVER, 0)) || listen(fd, backlog))
		fatal("bind and listen");
	*at = local_name(fd);
	return fd;
}

void env_pair(const struct env *e, int pair[2])
{
	union sa at;
	int lfd = env_listen(e, 8, &at);

	pair[CLIENT] = env_socket(e, CLIENT, 0);
	if (do_connect(pair[CLIENT], at))
		fatal("connect");
	pair[SERVER] = accept(lfd, NULL, NULL);
	if (pair[SERVER] < 0)
		fatal("accept");
	close(lfd);
}

void set_int(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		fatal("setsockopt(%d, %d, %d)", level, name, value);
}

int get_int(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, level, name, &value, &len))
		fatal("getsockopt(%d, %d)", level, name);
	return value;
}

void set_timeo(int fd, int name, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	if (setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv)))
		fatal("setsockopt(timeout)");
}

void set_nonblock(int fd, bool on)
{
	int fl = fcntl(fd, F_GETFL);

	if (fcntl(fd, F_SETFL, on ? fl | O_NONBLOCK : fl & ~O_NONBLOCK))
		fatal("O_NONBLOCK");
}

void reset_close(int fd)
{
	struct linger now = { 1, 0 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)))
		fatal("SO_LINGER");
	close(fd);
}

void send_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			fatal("send with %zu bytes to go", len);
		p += n;
		len -= n;
	}
}

void recv_all(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = recv(fd, p, len, 0);

		if (n <= 0)
			fatal("recv said %zd with %zu bytes to go", n, len);
		p += n;
		len -= n;
	}
}

/* Nothing is on its way to the peer: what is queued waits for its credit. */
static bool stands_still(int fd)
{
	struct tcp_info info = { };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		fatal("TCP_INFO");
	return !info.tcpi_unacked && !info.tcpi_lost;
}

/*
 * EAGAIN once is not "full" for good: bytes still move from our buffer to the
 * peer's.  Full is when twice in a row nothing went in and nothing was under way.
 */
size_t fill(int fd)
{
	static const char block[16384];
	size_t total = 0;
	int still = 0;

	set_nonblock(fd, true);
	while (still < 2) {
		ssize_t n = send(fd, block, sizeof(block), MSG_NOSIGNAL);

		if (n > 0) {
			total += n;
			still = 0;
			continue;
		}
		if (errno != EAGAIN)
			fatal("fill");
		still = stands_still(fd) ? still + 1 : 0;
		breathe();
	}
	set_nonblock(fd, false);
	return total;
}

void drain(int fd, size_t n)
{
	char buf[65536];

	while (n) {
		size_t want = n < sizeof(buf) ? n : sizeof(buf);
		ssize_t got = recv(fd, buf, want, 0);

		if (got <= 0)
			fatal("drain: recv said %zd with %zu bytes to go", got, n);
		n -= got;
	}
}
