/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kselftest programs share: the families under test, the namespaces
 * they live in, addresses, connected pairs, blocked calls, and readers of /proc.
 *
 * The idea is differential.  A test is written once and runs for every family
 * of its fixture; the TCP variants are the oracle and prove that an assertion
 * is TCP's behaviour and not our opinion.  Where Rill differs on purpose the
 * test says so with differs(), or `item N` of DIFFERENCES in rill(7).
 *
 * Nothing here asserts: a helper that cannot do its part prints why and ends
 * the test (fatal()).  No helper sleeps to let something happen; they poll the
 * state they wait for and give up after PATIENCE.
 *
 * Environment: RILL_ONLY=substring runs only the cases whose "family.name" holds
 * it; RILL_ORACLE=1 runs the TCP variants where rill.ko is not loaded;
 * RILL_SEED=n takes a printed seed back; RILL_TEST_QUICK=1 makes sweeps coarser.
 */
#ifndef RILL_SELFTESTS_LIB_H
#define RILL_SELFTESTS_LIB_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ms after which something that should happen counts as never happening: an
 * emulated debug kernel on a busy host is a hundred times slower than a PC. */
#define PATIENCE	60000

/* Seconds a test may take: the harness's 30 are less than PATIENCE.  TEST_F reads
 * the first where it is used, so it holds for every test below our #include. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	90
/* ... a test that waits for more than one such thing. */
#define SLOW_TEST	240

/* ------------------------------------------------------------- families */

struct family {
	const char *name;
	int af;			/* AF_INET or AF_INET6: the addresses it takes */
	int type;		/* SOCK_DGRAM, else 0: SOCK_STREAM */
	bool rill;		/* Rill, else the oracle */
	bool inet;		/* Rill by the second door: af and IPPROTO_RILL */
	bool veth;		/* client and server in two namespaces, else over lo */
};

extern const struct family fam_tcp4, fam_tcp6, fam_rill4, fam_rill6;
extern const struct family fam_tcp4_veth, fam_tcp6_veth;
extern const struct family fam_rill4_veth, fam_rill6_veth;
extern const struct family fam_rill4_inet, fam_rill6_inet;
extern const struct family fam_udp4, fam_udp6, fam_rill4_dgram, fam_rill6_dgram;
extern const struct family fam_rill4_inet_dgram, fam_rill6_inet_dgram;
extern const struct family fam_rill4_dgram_veth, fam_rill6_dgram_veth;

/* The number of AF_RILL in force, or -1 without the module. */
int rill_family(void);

union sa {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage ss;
};

enum side { CLIENT, SERVER };

/* A family in its own network namespace(s), made anew for each test. */
struct env {
	const struct family *fam;
	int ns[2];		/* descriptor of each side's namespace; the same over lo */
	union sa addr[2];	/* each side's address, port 0 */
};

/*
 * A fixture NAME with `struct env e` and one variant for each family of WHICH,
 * named as the family.  Use: DIFFERENTIAL(bind, OVER_LO); TEST_F(bind, ...).
 */
#define DIFFERENTIAL(NAME, WHICH) \
	FIXTURE(NAME) { struct env e; }; \
	FIXTURE_VARIANT(NAME) { const struct family *fam; }; \
	FIXTURE_SETUP(NAME) { env_open(&self->e, variant->fam, _metadata->name); } \
	FIXTURE_TEARDOWN(NAME) { env_close(&self->e); } \
	WHICH(NAME)

#define FAMILY(NAME, v)	FIXTURE_VARIANT_ADD(NAME, v) { .fam = &fam_##v }

#define OVER_LO(NAME) \
	FAMILY(NAME, tcp4); FAMILY(NAME, tcp6); \
	FAMILY(NAME, rill4); FAMILY(NAME, rill6)

#define OVER_VETH(NAME) \
	FAMILY(NAME, tcp4_veth); FAMILY(NAME, tcp6_veth); \
	FAMILY(NAME, rill4_veth); FAMILY(NAME, rill6_veth)

/* The second door too: where the family of a socket shows. */
#define BY_DOORS(NAME) \
	OVER_LO(NAME); \
	FAMILY(NAME, rill4_inet); FAMILY(NAME, rill6_inet)

/* Datagrams: UDP is the oracle. */
#define DGRAMS(NAME) \
	FAMILY(NAME, udp4); FAMILY(NAME, udp6); \
	FAMILY(NAME, rill4_dgram); FAMILY(NAME, rill6_dgram)
#define DGRAMS_BY_DOORS(NAME) \
	DGRAMS(NAME); \
	FAMILY(NAME, rill4_inet_dgram); FAMILY(NAME, rill6_inet_dgram)

#define OVER_BOTH(NAME)	OVER_LO(NAME); OVER_VETH(NAME)
/* Both families of addresses and both paths, each once: for what is costly. */
#define ON_FOUR_PATHS(NAME) \
	FAMILY(NAME, tcp4); FAMILY(NAME, tcp6_veth); \
	FAMILY(NAME, rill4); FAMILY(NAME, rill6_veth)

#define RILL_LO(NAME)	FAMILY(NAME, rill4); FAMILY(NAME, rill6)
#define RILL_VETH(NAME)	FAMILY(NAME, rill4_veth); FAMILY(NAME, rill6_veth)

/* On the debug kernel `make check` has no time for sweeps at their finest, nor for
 * each family of addresses on each path. */
static inline bool quick(void)
{
	return getenv("RILL_TEST_QUICK");
}

/* Rill, and here it differs on purpose: by item @n of DIFFERENCES in rill(7).  `make
 * lint` sees that each item there is tested, and each that is named here is there. */
#define differs(e, n)	((n) && (e)->fam->rill)

/* Makes fam's namespaces; skips the test (exit 255, the harness's SKIP) when the
 * module is missing or RILL_ONLY leaves it out. */
void env_open(struct env *e, const struct family *fam, const char *test);
void env_close(struct env *e);

/* Sockets still open in this process will end by a reset.  For tests whose peers
 * may be gone by then: an orphan would wait minutes for them, and hold the
 * module.  env_close does it where a path can be cut. */
void end_by_reset(void);

/* Moves the calling thread to a side's namespace; env_open leaves it at CLIENT. */
void env_enter(const struct env *e, enum side side);

/* Joins the two namespaces by a veth pair, "c" and "s", with the addresses of
 * e->addr; returns when packets pass.  env_open has done it once. */
void veth_lay(const struct env *e);

/* Ends the test at once: a precondition failed, not an expectation. */
void fatal(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Runs a shell command, fatal unless it exits 0. */
void sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Writes s to a file of /proc or /sys; false when it does not take it. */
bool put_file(const char *path, const char *s);

/* ---------------------------------------------------------------- network */

/* A new network namespace with lo up for the calling thread. */
void new_netns(void);
int netns_fd(void);		/* a descriptor of the namespace the thread is in */

/* What ip(8) does, in the namespace the thread is in; fatal on error. */
void link_set(const char *dev, bool up);
void link_del(const char *dev);
/* A veth pair whose peer goes to another namespace. */
void veth_add(const char *dev, const uint8_t mac[6],
	      const char *peer, const uint8_t peer_mac[6], int peer_ns);
void addr_add(const char *dev, union sa a, int prefix);
void neigh_add(const char *dev, union sa a, const uint8_t mac[6]);	/* permanent */
/* A route of rtnetlink's type; one of RTN_UNICAST goes to *via, or to lo without. */
void route_add(union sa to, int prefix, int type, const union sa *via);

/* Writes to /proc/sys/NAME in a side's namespace. */
void sysctl_set(const struct env *e, enum side side, const char *name, const char *value);

/* A side's address on the veth. */
union sa veth_addr(int af, enum side side);

/* ------------------------------------------------------------ addresses */

union sa sa_any(int af, uint16_t port);
union sa sa_loopback(int af, uint16_t port);
union sa sa_port(union sa a, uint16_t port);		/* a with another port */
union sa env_addr(const struct env *e, enum side side, uint16_t port);
/* An address of the family that no host has and no route leads to. */
union sa sa_foreign(int af, uint16_t port);
uint16_t port_of(const union sa *a);
socklen_t sa_len(const union sa *a);
bool sa_same(const union sa *a, const union sa *b);	/* family, address and port */
union sa local_name(int fd);				/* getsockname, fatal on error */
union sa peer_name(int fd);				/* getpeername, fatal on error */

/* ------------------------------------------------------ sockets and pairs */

/* The value of a system call in one number, for EXPECT_EQ: -errno when it failed. */
#define RET(call)	neg_errno((long)(call))
long neg_errno(long r);

/* What socket() is called with, but for the type; SO_DOMAIN and SO_PROTOCOL. */
int env_domain(const struct env *e);
int env_protocol(const struct env *e);
/* socket(), whatever it answers; flags are SOCK_NONBLOCK and the like. */
int env_try_socket(const struct env *e, enum side side, int flags);
int env_socket(const struct env *e, enum side side, int flags);
int do_bind(int fd, union sa a);		/* raw calls with the right length */
int do_connect(int fd, union sa a);

/* A listener on the server's address, any port; *at gets where to connect. */
int env_listen(const struct env *e, int backlog, union sa *at);

/* A connected pair: pair[CLIENT] and the accepted pair[SERVER]. */
void env_pair(const struct env *e, int pair[2]);

void set_int(int fd, int level, int name, int value);	/* setsockopt, fatal on error */
int get_int(int fd, int level, int name);		/* getsockopt, fatal on error */
void set_timeo(int fd, int name, int ms);		/* SO_RCVTIMEO, SO_SNDTIMEO */
void set_nonblock(int fd, bool on);
void reset_close(int fd);				/* close with SO_LINGER 0: a reset */

/* Sends or receives exactly len bytes, fatal when that fails. */
void send_all(int fd, const void *buf, size_t len);
void recv_all(int fd, void *buf, size_t len);

/* Writes without blocking until nothing more goes in; how many bytes did.  The
 * receive window and both buffers are full when it returns, but for a crumb that
 * a window probe may still move a fifth of a second later. */
size_t fill(int fd);
/* Reads and drops what is there and what follows, n bytes in all. */
void drain(int fd, size_t n);

/* --------------------------------------------------------- poll and state */

#define ALL_EVENTS	(POLLIN | POLLOUT | POLLPRI | POLLRDHUP)

int64_t now_ms(void);
void breathe(void);		/* a millisecond for the others, between two looks */
short revents(int fd);				/* poll with ALL_EVENTS, at once */
short wait_events(int fd, short events);	/* the revents, 0 after PATIENCE */
/* Waits until revents(fd) is exactly want; the last value seen. */
short become(int fd, short want);
int so_error(int fd);				/* SO_ERROR, which it clears */
/* Waits until ioctl(fd, req) (FIONREAD, SIOCOUTQ) says want; the last value. */
int queue_becomes(int fd, unsigned long req, int want);

/* --------------------------------------------------------- blocked calls */

/* One system call in a thread of its own, so that a test can see it block. */
struct task {
	pthread_t thread;
	pid_t tid;		/* 0 until the thread runs */
	long (*fn)(struct task *t);
	int fd;			/* arguments of fn */
	void *buf;
	size_t len;
	int flags;
	union sa to;
	long ret;		/* what fn returned, -errno when it failed */
	bool done;		/* ret is set */
};

long task_recv(struct task *t);			/* the usual fn's */
long task_send(struct task *t);
long task_accept(struct task *t);
long task_connect(struct task *t);		/* to t->to */
long task_poll(struct task *t);			/* t->flags: events; returns revents */

void task_start(struct task *t, long (*fn)(struct task *t));
/* Returns when the thread sleeps in system call nr (SYS_recvfrom, ...). */
void task_blocked(struct task *t, long nr);
bool task_done(struct task *t);
long task_join(struct task *t);			/* fn's result */

/* A handler that only counts, without SA_RESTART: calls end with EINTR. */
void catch_signal(int sig);
void restart_signal(int sig);			/* the same with SA_RESTART */
int caught(void);				/* how many came */
int caught_becomes(int want);			/* waits for so many */

/* ------------------------------------------------------------ randomness */

/* The seed of a random test: RILL_SEED, or drawn and printed. */
uint64_t test_seed(void);
uint64_t rnd(uint64_t *state);			/* splitmix64 */
/* Content: byte i of stream `seed` is a function of (seed, i) alone. */
void pattern_fill(uint64_t seed, uint64_t offset, uint8_t *buf, size_t len);
/* Index of the first byte that is not the pattern's, or len. */
size_t pattern_check(uint64_t seed, uint64_t offset, const uint8_t *buf, size_t len);

/* ------------------------------------------------------------------ /proc */

long proc_sockets(const char *proto);		/* of /proc/net/protocols; -1: no such row */
long proc_lines(const char *path);		/* sockets listed in /proc/net/rill and the like */
long snmp(const char *counter);			/* of /proc/net/rill_snmp; -1: no such name */
long snmp_sum(void);				/* all of them */
/* Waits until a counter is beyond what it was; by how much it moved. */
long snmp_moved(const char *counter, long was);
long module_refs(void);				/* /sys/module/rill/refcnt */
/* Waits until the references are want, and says what they are: sockets go after
 * an RCU grace period and namespaces in a worker, so both take a while. */
long refs_become(long want);
/* The references when nobody uses the module: what the case before left behind
 * is on its way out.  -1 without the module. */
long refs_at_rest(void);

#endif
