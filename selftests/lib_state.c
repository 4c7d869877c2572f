// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers that look at state and wait for it: poll, queues, blocked calls, the
 * /proc files; and reproducible randomness.  lib.h says what each is for.
 */
#include "lib.h"

#include <sys/ioctl.h>
#include <time.h>

/* ------------------------------------------------------ poll and state */

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void breathe(void)
{
	struct timespec ms = { 0, 1000000 };

	nanosleep(&ms, NULL);
}

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

void restart_signal(int sig)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(sig, &sa, NULL);
}

int caught_becomes(int want)
{
	int64_t end = now_ms() + PATIENCE;

	while (signals_caught != want && now_ms() < end)
		breathe();
	return signals_caught;
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
			if (name && !strcasecmp(n, name))
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

long snmp_moved(const char *counter, long was)
{
	int64_t end = now_ms() + PATIENCE;
	long now;

	while ((now = snmp(counter)) == was && now_ms() < end)
		breathe();
	return now - was;
}

long refs_become(long want)
{
	int64_t end = now_ms() + PATIENCE;
	long refs;

	while ((refs = module_refs()) != want && now_ms() < end)
		breathe();
	return refs;
}

long refs_at_rest(void)
{
	return refs_become(module_refs() < 0 ? -1 : 0);
}
