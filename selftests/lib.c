// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers of the kselftest programs; lib.h says what each is for.
 */
#include "lib.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

#include "kselftest.h"

const struct family fam_tcp4 = { "tcp4", AF_INET, false, false };
const struct family fam_tcp6 = { "tcp6", AF_INET6, false, false };
const struct family fam_rill4 = { "rill4", AF_INET, true, false };
const struct family fam_rill6 = { "rill6", AF_INET6, true, false };
const struct family fam_tcp4_veth = { "tcp4_veth", AF_INET, false, true };
const struct family fam_tcp6_veth = { "tcp6_veth", AF_INET6, false, true };
const struct family fam_rill4_veth = { "rill4_veth", AF_INET, true, true };
const struct family fam_rill6_veth = { "rill6_veth", AF_INET6, true, true };

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

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Gives the other side the processor between two looks at a state. */
static void breathe(void)
{
	struct timespec ms = { 0, 1000000 };

	nanosleep(&ms, NULL);
}

/* ---------------------------------------------------------- namespaces */

void new_netns(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		fatal("unshare(CLONE_NEWNET)");
	sh("ip link set lo up");
}

static int netns_fd(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fatal("/proc/thread-self/ns/net");
	return fd;
}

/* A UDP socket of a side, connected to the other side's port 9; waits until the
 * address is usable, which takes IPv6 a moment on a fresh veth. */
static int probe_socket(const struct env *e, enum side side)
{
	union sa from = env_addr(e, side, 9), to = env_addr(e, !side, 9);
	int64_t end = now_ms() + PATIENCE;

	env_enter(e, side);
	for (;;) {
		int fd = socket(e->fam->af, SOCK_DGRAM, 0);

		if (!bind(fd, &from.sa, sa_len(&from)) && !connect(fd, &to.sa, sa_len(&to)))
			return fd;
		if (now_ms() > end)
			fatal("no address on veth");
		close(fd);
		breathe();
	}
}

/*
 * Sends datagrams both ways until each side has heard the other.  Then the
 * neighbours are known as well, and no test's first packet is lost to that.
 */
static void await_path(const struct env *e)
{
	int fd[2] = { probe_socket(e, CLIENT), probe_socket(e, SERVER) };
	int64_t end = now_ms() + PATIENCE;
	bool heard[2] = { };
	char c;

	while (!heard[CLIENT] || !heard[SERVER]) {
		enum side s;

		for (s = CLIENT; s <= SERVER; s++) {
			(void)!send(fd[s], "?", 1, 0);
			breathe();
			if (recv(fd[!s], &c, 1, MSG_DONTWAIT) == 1)
				heard[!s] = true;
		}
		if (now_ms() > end)
			fatal("no path over veth");
	}
	close(fd[CLIENT]);
	close(fd[SERVER]);
}

/* client 10.7.0.1, fd07::1 [c] ---- veth ---- [s] server 10.7.0.2, fd07::2 */
void veth_lay(const struct env *e)
{
	enum side side;

	env_enter(e, CLIENT);
	sh("ip link add name c type veth peer name s netns /proc/%d/fd/%d",
	   getpid(), e->ns[SERVER]);
	for (side = CLIENT; side <= SERVER; side++) {
		char dev = side == CLIENT ? 'c' : 's';
		int n = side + 1;

		env_enter(e, side);
		sh("ip -batch - <<-.\n"
		   "addr add 10.7.0.%d/24 dev %c\n"
		   "addr add fd07::%d/64 dev %c nodad\n"
		   "link set %c up\n"
		   ".", n, dev, n, dev, dev);
	}
	await_path(e);
	env_enter(e, CLIENT);
}

static void veth_open(struct env *e)
{
	enum side side;

	for (side = CLIENT; side <= SERVER; side++) {
		union sa *a = &e->addr[side];

		*a = sa_any(e->fam->af, 0);
		if (e->fam->af == AF_INET) {
			a->in.sin_addr.s_addr = htonl(0x0a070001 + side);
		} else {
			a->in6.sin6_addr.s6_addr[0] = 0xfd;
			a->in6.sin6_addr.s6_addr[1] = 7;
			a->in6.sin6_addr.s6_addr[15] = 1 + side;
		}
	}
	new_netns();
	e->ns[SERVER] = netns_fd();
	veth_lay(e);
}

void env_open(struct env *e, const struct family *fam, const char *test)
{
	const char *only = getenv("RILL_ONLY");
	char name[256];

	snprintf(name, sizeof(name), "%s.%s", fam->name, test);
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

void env_close(struct env *e)
{
	close(e->ns[CLIENT]);
	if (e->ns[SERVER] != e->ns[CLIENT])
		close(e->ns[SERVER]);
}

void env_enter(const struct env *e, enum side side)
{
	if (setns(e->ns[side], CLONE_NEWNET) < 0)
		fatal("setns");
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

int env_try_socket(const struct env *e, enum side side, int flags)
{
	bool v6 = e->fam->af == AF_INET6;
	int fd, err;

	if (e->fam->veth)
		env_enter(e, side);
	if (e->fam->rill)
		fd = socket(rill_family(), SOCK_STREAM | flags, v6 ? 1 : 0);
	else
		fd = socket(e->fam->af, SOCK_STREAM | flags, 0);
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

/*
 * EAGAIN once is not "full" for good: bytes still move from our buffer to the
 * peer's.  Full is when nothing more went in for a while and the send queue
 * stands still.
 */
size_t fill(int fd)
{
	static const char block[16384];
	int64_t still = now_ms();
	int queued = -1, q = 0;
	size_t total = 0;

	set_nonblock(fd, true);
	while (now_ms() - still < 500) {
		ssize_t n = send(fd, block, sizeof(block), MSG_NOSIGNAL);

		if (n > 0)
			total += n;
		else if (errno != EAGAIN)
			fatal("fill");
		if (ioctl(fd, SIOCOUTQ, &q))
			fatal("SIOCOUTQ");
		if (n > 0 || q != queued)
			still = now_ms();
		else
			breathe();
		queued = q;
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

/* ------------------------------------------------------ poll and state */

short revents(int fd)
{
	struct pollfd p = { fd, ALL_EVENTS, 0 };

	if (poll(&p, 1, 0) < 0)
		fatal("poll");
	return p.revents;
}

short wait_events(int fd, short events)
{
	struct pollfd p = { fd, events, 0 };

	if (poll(&p, 1, PATIENCE) < 0)
		fatal("poll");
	return p.revents;
}

short become(int fd, short want)
{
	int64_t end = now_ms() + PATIENCE;
	short got;

	while ((got = revents(fd)) != want && now_ms() < end)
		breathe();
	return got;
}

int so_error(int fd)
{
	return get_int(fd, SOL_SOCKET, SO_ERROR);
}

int queue_becomes(int fd, unsigned long req, int want)
{
	int64_t end = now_ms() + PATIENCE;
	int got;

	for (;;) {
		if (ioctl(fd, req, &got))
			fatal("ioctl 0x%lx", req);
		if (got == want || now_ms() > end)
			return got;
		breathe();
	}
}

/* ------------------------------------------------------- blocked calls */

long task_recv(struct task *t)
{
	return recv(t->fd, t->buf, t->len, t->flags);
}

long task_send(struct task *t)
{
	return send(t->fd, t->buf, t->len, t->flags);
}

long task_accept(struct task *t)
{
	return accept(t->fd, NULL, NULL);
}

long task_connect(struct task *t)
{
	return do_connect(t->fd, t->to);
}

long task_poll(struct task *t)
{
	struct pollfd p = { t->fd, t->flags, 0 };
	long n = poll(&p, 1, -1);

	return n < 0 ? n : p.revents;
}

static void *task_main(void *arg)
{
	struct task *t = arg;

	__atomic_store_n(&t->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	t->ret = neg_errno(t->fn(t));
	__atomic_store_n(&t->done, true, __ATOMIC_RELEASE);
	return NULL;
}

void task_start(struct task *t, long (*fn)(struct task *t))
{
	t->fn = fn;
	t->tid = 0;
	t->done = false;
	if (pthread_create(&t->thread, NULL, task_main, t))
		fatal("pthread_create");
}

/* The number of the system call thread tid sleeps in, or -1. */
static long sleeping_in(pid_t tid)
{
	char path[64], state[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (!fgets(state, sizeof(state), f) || !strncmp(state, "running", 7))
		strcpy(state, "-1");
	fclose(f);
	return atol(state);
}

void task_blocked(struct task *t, long nr)
{
	int64_t end = now_ms() + PATIENCE;
	pid_t tid;

	do {
		tid = __atomic_load_n(&t->tid, __ATOMIC_ACQUIRE);
		if (tid && sleeping_in(tid) == nr)
			return;
		if (task_done(t))
			fatal("the call returned %ld and did not block", t->ret);
		breathe();
	} while (now_ms() < end);
	fatal("the call did not block");
}

bool task_done(struct task *t)
{
	return __atomic_load_n(&t->done, __ATOMIC_ACQUIRE);
}

long task_join(struct task *t)
{
	pthread_join(t->thread, NULL);
	return t->ret;
}

static volatile sig_atomic_t signals_caught;

static void on_signal(int sig)
{
	(void)sig;
	signals_caught++;
}

void catch_signal(int sig)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(sig, &sa, NULL);
}

int caught(void)
{
	return signals_caught;
}

/* ---------------------------------------------------------- randomness */

uint64_t test_seed(void)
{
	const char *given = getenv("RILL_SEED");
	struct timespec ts;
	uint64_t seed;

	if (given) {
		seed = strtoull(given, NULL, 0);
	} else {
		clock_gettime(CLOCK_REALTIME, &ts);
		seed = ts.tv_nsec ^ ((uint64_t)ts.tv_sec << 20) ^ ((uint64_t)getpid() << 44);
	}
	printf("# RILL_SEED=0x%llx\n", (unsigned long long)seed);
	fflush(stdout);
	return seed;
}

uint64_t rnd(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static uint8_t pattern_at(uint64_t seed, uint64_t at)
{
	uint64_t s = seed + (at >> 3) * 0x9e3779b97f4a7c15ULL;

	return rnd(&s) >> (8 * (at & 7));
}

void pattern_fill(uint64_t seed, uint64_t offset, uint8_t *buf, size_t len)
{
	size_t i = 0;

	while (i < len && ((offset + i) & 7)) {
		buf[i] = pattern_at(seed, offset + i);
		i++;
	}
	for (; i + 8 <= len; i += 8) {
		uint64_t s = seed + ((offset + i) >> 3) * 0x9e3779b97f4a7c15ULL;
		uint64_t w = htole64(rnd(&s));

		memcpy(buf + i, &w, 8);
	}
	for (; i < len; i++)
		buf[i] = pattern_at(seed, offset + i);
}

size_t pattern_check(uint64_t seed, uint64_t offset, const uint8_t *buf, size_t len)
{
	uint8_t want[4096];
	size_t i, n, j;

	for (i = 0; i < len; i += n) {
		n = len - i < sizeof(want) ? len - i : sizeof(want);
		pattern_fill(seed, offset + i, want, n);
		for (j = 0; j < n; j++)
			if (want[j] != buf[i + j])
				return i + j;
	}
	return len;
}

/* --------------------------------------------------------------- /proc */

long proc_sockets(const char *proto)
{
	FILE *f = fopen("/proc/thread-self/net/protocols", "re");
	char line[512], name[64];
	long n, found = -1;

	if (!f)
		fatal("/proc/net/protocols");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %*d %ld", name, &n) == 2 && !strcmp(name, proto))
			found = n;
	fclose(f);
	return found;
}

long proc_lines(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[512];
	long n = -1;		/* the heading does not count */

	if (!f)
		fatal("%s", path);
	while (fgets(line, sizeof(line), f))
		n++;
	fclose(f);
	return n;
}

/*
 * /proc/net/rill_snmp holds pairs of lines as /proc/net/snmp does: "Rill: name
 * name ...", "Rill: value value ...".  name == NULL sums all values.
 */
static long snmp_read(const char *name)
{
	FILE *f = fopen("/proc/thread-self/net/rill_snmp", "re");
	char *names = NULL, *values = NULL, *np, *vp, *n, *v;
	size_t nl = 0, vl = 0;
	long sum = 0, found = -1;

	if (!f)
		fatal("/proc/net/rill_snmp");
	while (getline(&names, &nl, f) > 0 && getline(&values, &vl, f) > 0) {
		n = strtok_r(names, " \n", &np);	/* the prefix */
		v = strtok_r(values, " \n", &vp);
		while ((n = strtok_r(NULL, " \n", &np)) &&
		       (v = strtok_r(NULL, " \n", &vp))) {
			sum += atol(v);
			if (name && !strcmp(n, name))
				found = atol(v);
		}
	}
	free(names);
	free(values);
	fclose(f);
	return name ? found : sum;
}

long snmp(const char *counter)
{
	return snmp_read(counter);
}

long snmp_sum(void)
{
	return snmp_read(NULL);
}

long module_refs(void)
{
	FILE *f = fopen("/sys/module/rill/refcnt", "re");
	long n = -1;

	if (f) {
		if (fscanf(f, "%ld", &n) != 1)
			n = -1;
		fclose(f);
	}
	return n;
}
