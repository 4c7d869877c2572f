// SPDX-License-Identifier: GPL-2.0
/*
 * Every option number at every level, set and read with every length and with
 * bad pointers, on a TCP socket and a Rill socket side by side: same errno, same
 * length, same value.  Where Rill differs on purpose, intended[] says so and
 * why; for programs it is item 5 of DIFFERENCES in rill(7).
 */
#include "kselftest_harness.h"

#include <limits.h>
#include <linux/rill.h>
#include <linux/tcp.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "lib.h"

/* names glibc does not have */
#define IP_PROTOCOL_		52
#define SO_ORIGINAL_DST_	80	/* netfilter's, also at IPPROTO_IPV6 */
#define IPV6_FLOWLABEL_MGR_	32
#define IPV6_FLOWINFO_SEND_	33
#define IPV6_ADDR_PREFERENCES_	72

#define GET	1
#define SET	2
#define BOTH	(GET | SET)

/* What differs. */
enum how {
	REFUSED,	/* Rill answers as to a number that nobody knows */
	VALUE,		/* errno and length agree, the value is each one's own */
	SKIP,		/* not compared */
};

static const struct intended {
	int level, lo, hi;	/* option numbers */
	int call;		/* GET, SET */
	enum how how;
	const char *why;
} intended[] = {
	{ SOL_SOCKET, SO_PROTOCOL, SO_DOMAIN, GET, VALUE, "what socket() was asked for" },
	{ SOL_SOCKET, SO_COOKIE, SO_COOKIE, GET, VALUE, "a number of each socket's own" },
	{ SOL_SOCKET, SO_PEERNAME, SO_PEERNAME, GET, VALUE, "each has its listener" },
	{ SOL_SOCKET, SO_SNDBUF, SO_RCVBUF, GET, VALUE, "grow with the connection" },
	{ SOL_SOCKET, SO_MEMINFO, SO_MEMINFO, GET, VALUE, "memory" },
	{ SOL_SOCKET, SO_REUSEPORT, SO_REUSEPORT, SET, SKIP,
	  "the core keeps it from other families: item 6" },
	{ SOL_SOCKET, SO_ZEROCOPY, SO_ZEROCOPY, SET, SKIP, "likewise: item 6" },
	{ SOL_SOCKET, SO_TIMESTAMPING, SO_TIMESTAMPING, SET, SKIP,
	  "SOF_TIMESTAMPING_OPT_ID before connect(): TCP must know the stream: item 8" },
	{ SOL_SOCKET, SO_TIMESTAMPING_NEW, SO_TIMESTAMPING_NEW, SET, SKIP, "likewise" },
	{ SOL_SOCKET, SO_ATTACH_FILTER, SO_ATTACH_FILTER, SET, SKIP,
	  "the core asks users of TCP for CAP_NET_ADMIN" },
	{ SOL_SOCKET, SO_INCOMING_CPU, SO_INCOMING_CPU, GET, VALUE, "of the last packet" },
	{ IPPROTO_TCP, TCP_MAXSEG, TCP_MAXSEG, GET, VALUE, "other headers" },
	{ IPPROTO_TCP, TCP_SYNCNT, TCP_SYNCNT, GET, VALUE, "RFC 9293 MUST-23: item 3" },
	{ IPPROTO_TCP, TCP_INFO, TCP_INFO, GET, SKIP, "rill_info is longer: item 4" },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP, TCP_WINDOW_CLAMP, GET, VALUE,
	  "TCP tells what the buffer made of it" },
	{ IPPROTO_TCP, TCP_CONGESTION, TCP_CONGESTION, GET, VALUE, "defaults are settings: item 12" },
	{ IPPROTO_TCP, TCP_CONGESTION, TCP_CONGESTION, SET, SKIP,
	  "each name looks for a module: sock_opts has lengths and pointers" },
	{ IPPROTO_TCP, TCP_ULP, TCP_ULP, SET, SKIP, "likewise; refused, see sock_opts" },
	{ IPPROTO_TCP, TCP_MD5SIG, TCP_MD5SIG, BOTH, REFUSED, "no such thing on the wire" },
	{ IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, TCP_THIN_DUPACK, BOTH, REFUSED,
	  "loss detection does not need it" },
	{ IPPROTO_TCP, TCP_REPAIR, TCP_QUEUE_SEQ, BOTH, REFUSED, "no checkpoints" },
	{ IPPROTO_TCP, TCP_REPAIR_OPTIONS, TCP_REPAIR_OPTIONS, BOTH, REFUSED, "no checkpoints" },
	{ IPPROTO_TCP, TCP_TIMESTAMP, TCP_TIMESTAMP, BOTH, REFUSED, "no such thing on the wire" },
	{ IPPROTO_TCP, TCP_SAVE_SYN, TCP_REPAIR_WINDOW, BOTH, REFUSED,
	  "a SYN is forgotten when it is answered" },
	{ IPPROTO_TCP, TCP_ULP, TCP_MD5SIG_EXT, BOTH, REFUSED, "no protocol above, no such signature" },
	{ IPPROTO_TCP, TCP_FASTOPEN_KEY, TCP_ZEROCOPY_RECEIVE, BOTH, REFUSED,
	  "keys are the module's; payloads do not fill pages" },
	{ IPPROTO_TCP, TCP_TX_DELAY, TCP_TX_DELAY, BOTH, REFUSED, "for tests of TCP: netem" },
	{ IPPROTO_IP, IP_OPTIONS, IP_OPTIONS, SET, SKIP, "none can be sent: headers_cannot_be_set" },
	{ IPPROTO_IP, IP_IPSEC_POLICY, IP_XFRM_POLICY, BOTH, REFUSED, "no policy of a socket" },
	{ IPPROTO_IP, IP_UNBLOCK_SOURCE, MCAST_MSFILTER, BOTH, REFUSED,
	  "a stream is in no group; TCP's joins and hears nothing" },
	{ IPPROTO_IP, SO_ORIGINAL_DST_, SO_ORIGINAL_DST_, GET, SKIP,
	  "conntrack's, which knows TCP; the carrier is UDP to it" },
	{ IPPROTO_IPV6, SO_ORIGINAL_DST_, SO_ORIGINAL_DST_, GET, SKIP, "likewise" },
	{ IPPROTO_IP, IP_PROTOCOL_, IP_PROTOCOL_, GET, VALUE, "6.1 tells the port" },
	{ IPPROTO_IPV6, IPV6_ADDRFORM, IPV6_ADDRFORM, BOTH, REFUSED, "a socket stays what it is" },
	{ IPPROTO_IPV6, IPV6_2292HOPOPTS, IPV6_2292RTHDR, BOTH, REFUSED, "no extension headers" },
	{ IPPROTO_IPV6, IPV6_2292PKTOPTIONS, IPV6_2292PKTOPTIONS, SET, SKIP, "likewise" },
	{ IPPROTO_IPV6, IPV6_JOIN_ANYCAST, IPV6_LEAVE_ANYCAST, BOTH, REFUSED, "as groups" },
	{ IPPROTO_IPV6, IPV6_FLOWLABEL_MGR_, IPV6_FLOWINFO_SEND_, BOTH, REFUSED,
	  "no flow label of the program's" },
	{ IPPROTO_IPV6, IPV6_IPSEC_POLICY, IPV6_XFRM_POLICY, BOTH, REFUSED, "no policy of a socket" },
	{ IPPROTO_IPV6, MCAST_JOIN_GROUP, MCAST_MSFILTER, BOTH, REFUSED, "as for IP" },
	{ IPPROTO_IPV6, IPV6_RECVHOPOPTS, IPV6_RECVHOPOPTS, BOTH, REFUSED, "no extension headers" },
	{ IPPROTO_IPV6, IPV6_HOPOPTS, IPV6_RTHDRDSTOPTS, SET, SKIP, "headers_cannot_be_set" },
	{ IPPROTO_IPV6, IPV6_RECVRTHDR, IPV6_RECVRTHDR, BOTH, REFUSED, "no extension headers" },
	{ IPPROTO_IPV6, IPV6_RTHDR, IPV6_RTHDR, SET, SKIP, "headers_cannot_be_set" },
	{ IPPROTO_IPV6, IPV6_RECVDSTOPTS, IPV6_RECVDSTOPTS, BOTH, REFUSED, "no extension headers" },
	{ IPPROTO_IPV6, IPV6_DSTOPTS, IPV6_DSTOPTS, SET, SKIP, "headers_cannot_be_set" },
	{ IPPROTO_IPV6, IPV6_ADDR_PREFERENCES_, IPV6_ADDR_PREFERENCES_, BOTH, REFUSED,
	  "the system's choice: bind() to another" },
};

static const int levels[] = { SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6, 0x7777, -1 };
static const int odd_names[] = { INT_MIN, -2, 9999, INT_MAX };
#define NAMES	264		/* -1 .. 262, then odd_names[] */
#define BUSY	112		/* beyond it there is little, or nothing */

static int name_nth(int i)
{
	return i < NAMES ? i - 1 : odd_names[i - NAMES];
}

static bool is_intended(int level, int name, int call, enum how how)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(intended); i++) {
		const struct intended *d = &intended[i];

		if (d->level == level && d->lo <= name && name <= d->hi &&
		    d->call & call && d->how == how)
			return true;
	}
	return false;
}

/* ---------------------------------------------------------------- the pair */

enum { TCP, RILL };
enum state { FRESH, LISTENING, CONNECTED, STATES };
static const char * const state_names[] = { "fresh", "listening", "connected" };

FIXTURE(sweep) {
	struct env e;
	int lfd[2];		/* for CONNECTED */
	int fd[2];		/* the pair */
	char *map;		/* BUF bytes, then a page that is not there */
	int bad;		/* options that differ */
	int level, name;	/* the last that did */
};

#define BUF	8192

enum user { ROOT, NOBODY, NS_ROOT };

FIXTURE_VARIANT(sweep) { const struct family *fam; enum user user; };
FIXTURE_VARIANT_ADD(sweep, rill4_root) { &fam_rill4, ROOT };
FIXTURE_VARIANT_ADD(sweep, rill6_root) { &fam_rill6, ROOT };
FIXTURE_VARIANT_ADD(sweep, rill4_nobody) { &fam_rill4, NOBODY };
FIXTURE_VARIANT_ADD(sweep, rill6_nobody) { &fam_rill6, NOBODY };
FIXTURE_VARIANT_ADD(sweep, rill4_ns_root) { &fam_rill4, NS_ROOT };
FIXTURE_VARIANT_ADD(sweep, rill6_ns_root) { &fam_rill6, NS_ROOT };

/* Without capabilities; or with all of them, over a namespace of one's own. */
static void become_user(enum user user)
{
	if (user == ROOT)
		return;
	if (setgid(1000) || setuid(1000))
		fatal("setuid");
	if (user == NOBODY)
		return;
	/* or /proc/self would be root's still */
	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) || !put_file("/proc/self/setgroups", "deny") ||
	    !put_file("/proc/self/uid_map", "0 1000 1") ||
	    !put_file("/proc/self/gid_map", "0 1000 1"))
		fatal("user namespace");
	sh("ip link set lo up");
}

static int one_socket(int af, int which)
{
	int fd = which == RILL ? socket(rill_family(), SOCK_STREAM, af == AF_INET6) :
				 socket(af, SOCK_STREAM, 0);

	if (fd < 0)
		fatal("socket");
	return fd;
}

static int one_listener(int af, int which)
{
	int fd = one_socket(af, which);

	if (do_bind(fd, sa_loopback(af, 0)) || listen(fd, 5))
		fatal("listen");
	return fd;
}

FIXTURE_SETUP(sweep)
{
	int w;

	env_open(&self->e, variant->fam, _metadata->name);
	become_user(variant->user);
	self->map = mmap(NULL, BUF + 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (self->map == MAP_FAILED || mprotect(self->map + BUF, 4096, PROT_NONE))
		fatal("mmap");
	for (w = TCP; w <= RILL; w++)
		self->lfd[w] = one_listener(variant->fam->af, w);
}

FIXTURE_TEARDOWN(sweep)
{
	env_close(&self->e);
}

static void duo_open(FIXTURE_DATA(sweep) *s, enum state state)
{
	int w, af = s->e.fam->af;

	for (w = TCP; w <= RILL; w++) {
		s->fd[w] = state == LISTENING ? one_listener(af, w) : one_socket(af, w);
		if (state != CONNECTED)
			continue;
		if (do_connect(s->fd[w], local_name(s->lfd[w])))
			fatal("connect");
		/* its peer waits in the accept queue, and is reset with it */
		close(accept(s->lfd[w], NULL, NULL));
	}
}

static void duo_close(FIXTURE_DATA(sweep) *s)
{
	reset_close(s->fd[TCP]);
	reset_close(s->fd[RILL]);
}

/* The first difference of an option: the others often follow from it. */
static void __attribute__((format(printf, 4, 5)))
say(FIXTURE_DATA(sweep) *s, int level, int name, const char *fmt, ...)
{
	va_list ap;

	if (s->bad && s->level == level && s->name == name)
		return;
	s->bad++;
	s->level = level;
	s->name = name;
	va_start(ap, fmt);
	printf("# %d/%d ", level, name);
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout);
	va_end(ap);
}

/* --------------------------------------------------------------- the calls */

/* What TCP answers, or for a refused option what it would for an unknown one. */
static int oracle_name(int level, int name, int call)
{
	return is_intended(level, name, call, REFUSED) ? 9998 : name;
}

static void try_set(FIXTURE_DATA(sweep) *s, int level, int name, const void *v, int len,
		    const char *what)
{
	long tcp, rill;

	tcp = RET(setsockopt(s->fd[TCP], level, oracle_name(level, name, SET), v, len));
	rill = RET(setsockopt(s->fd[RILL], level, name, v, len));
	if (tcp != rill)
		say(s, level, name, "set %s length %d: TCP %ld, Rill %ld", what, len, tcp, rill);
}

/*
 * Read into painted memory that ends at a guard page, or may: what is said to be
 * written is, nothing behind it, and with the same value.
 */
static void try_get(FIXTURE_DATA(sweep) *s, int level, int name, int len, enum state state)
{
	static const unsigned char paint[2] = { 0xa5, 0x5a };
	static unsigned char got[2][2][BUF];
	bool same = !is_intended(level, name, GET, VALUE);
	socklen_t out[2] = { };
	long ret[2];
	int w, p, i;

	for (w = TCP; w <= RILL; w++)
	for (p = 0; p < 2; p++) {
		int room = len < 0 || len > BUF ? BUF : len;
		char *at = s->map + BUF - room;

		memset(at, paint[p], room);
		out[w] = len;
		ret[w] = RET(getsockopt(s->fd[w], level,
					w == TCP ? oracle_name(level, name, GET) : name,
					at, &out[w]));
		memcpy(got[w][p], at, room);
	}
	if (ret[TCP] != ret[RILL] || out[TCP] != out[RILL]) {
		say(s, level, name, "get %s length %d: TCP %ld (%d), Rill %ld (%d)",
		    state_names[state], len, ret[TCP], (int)out[TCP], ret[RILL], (int)out[RILL]);
		return;
	}
	for (i = 0; i < BUF && i < len; i++) {
		bool written[2];

		for (w = TCP; w <= RILL; w++)
			written[w] = got[w][0][i] != paint[0] || got[w][1][i] != paint[1];
		if (written[RILL] != (!ret[RILL] && i < (int)out[RILL]) &&
		    written[RILL] != written[TCP]) {
			say(s, level, name, "get length %d: byte %d of %d %swritten", len, i,
			    (int)out[RILL], written[RILL] ? "" : "not ");
			return;
		}
		if (same && got[TCP][0][i] != got[RILL][0][i]) {
			say(s, level, name, "get %s length %d: byte %d: TCP 0x%02x, Rill 0x%02x",
			    state_names[state], len, i, got[TCP][0][i], got[RILL][0][i]);
			return;
		}
	}
}

static void try_get_pointers(FIXTURE_DATA(sweep) *s, int level, int name)
{
	static const struct { int len; bool optval, optlen; } way[] = {
		{ 4, false, true }, { 4, true, false }, { 0, false, true }, { 200, false, true },
	};
	int w;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(way); i++) {
		socklen_t out[2] = { };
		long ret[2];

		for (w = TCP; w <= RILL; w++) {
			char *at = s->map + BUF - (way[i].optval ? 200 : 0);

			memset(s->map + BUF - 200, 0, 200);
			out[w] = way[i].len;
			ret[w] = RET(getsockopt(s->fd[w], level,
						w == TCP ? oracle_name(level, name, GET) : name,
						at, way[i].optlen ? &out[w] : (socklen_t *)at));
		}
		if (ret[TCP] != ret[RILL] || out[TCP] != out[RILL])
			say(s, level, name, "get bad pointers %zu: TCP %ld (%d), Rill %ld (%d)", i, ret[TCP], (int)out[TCP], ret[RILL], (int)out[RILL]);
	}
}

/* For each option that is compared, with the pair in a state. */
#define FOR_EACH_OPTION(call, state) \
	for (size_t l_ = 0; l_ < ARRAY_SIZE(levels); l_++) \
		for (int i_ = 0, level = levels[l_], name; \
		     i_ < NAMES + (int)ARRAY_SIZE(odd_names) && ((name = name_nth(i_)), true); i_++) \
			if (!is_intended(level, name, call, SKIP))

TEST_F_TIMEOUT(sweep, get, SLOW_TEST)
{
	static const int lens[] = {
		4, 0, 1, 2, 3, 5, 8, 12, 16, 17, 20, 32, 40, 64, 104, 200, 256, 512, 4096,
		-1, INT_MIN, INT_MAX,
	};
	enum state state;
	size_t i;

	if (variant->user != ROOT)
		return;			/* who asks makes no difference */
	for (state = FRESH; state < STATES; state++) {
		duo_open(self, state);
		FOR_EACH_OPTION(GET, state) {
			bool all = state == FRESH && name > 0 && name < BUSY;

			for (i = 0; i < ARRAY_SIZE(lens); i++)
				if (all || lens[i] == 4 || lens[i] == 512)
					try_get(self, level, name, lens[i], state);
			if (all)
				try_get_pointers(self, level, name);
		}
		duo_close(self);
	}
	EXPECT_EQ(0, self->bad);
}

TEST_F_TIMEOUT(sweep, set, SLOW_TEST)
{
	static const int lens[] = {
		0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 20, 24, 32, 40, 41, 64, 136, 264, 1024,
		4097, -1, INT_MIN, INT_MAX,
	};
	static const int values[] = { 0, 1, 2, -1, 100, 255, 256, 32768, 65535, 65536, INT_MAX, INT_MIN };
	char what[64];
	size_t i, fill;

	FOR_EACH_OPTION(SET, FRESH) {
		duo_open(self, FRESH);
		for (fill = 0; fill < (name > 0 && name < BUSY ? 3 : 1); fill++)
		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			static const unsigned char fills[] = { 0, 1, 0xff };
			int len = lens[i] < 0 || lens[i] > BUF ? BUF : lens[i];

			memset(self->map, fills[fill], BUF);
			snprintf(what, sizeof(what), "filled with 0x%02x", fills[fill]);
			try_set(self, level, name, self->map + BUF - len, lens[i], what);
		}
		try_set(self, level, name, NULL, 0, "NULL");
		try_set(self, level, name, NULL, 4, "NULL");
		try_set(self, level, name, NULL, 64, "NULL");
		try_set(self, level, name, self->map + BUF - 1, 4, "guard page");
		try_set(self, level, name, self->map + BUF - 1, 2, "guard page");
		for (i = 0; i < ARRAY_SIZE(values) && name > 0 && name < BUSY; i++) {
			snprintf(what, sizeof(what), "= %d", values[i]);
			try_set(self, level, name, &values[i], 4, what);
			if (!is_intended(level, name, GET, SKIP))
				try_get(self, level, name, 4, FRESH);
		}
		duo_close(self);
	}
	EXPECT_EQ(0, self->bad);
}

/* The numbers that are set differently once there is a connection. */
TEST_F_TIMEOUT(sweep, set_in_states, SLOW_TEST)
{
	static const int values[] = { 0, 1, 64, -1 };
	enum state state;
	char what[64];
	size_t i;

	if (variant->user != ROOT)
		return;
	for (state = LISTENING; state < STATES; state++) {
		FOR_EACH_OPTION(SET, state) {
			if (name <= 0 || name >= BUSY)
				continue;
			duo_open(self, state);
			for (i = 0; i < ARRAY_SIZE(values); i++) {
				snprintf(what, sizeof(what), "%s = %d", state_names[state], values[i]);
				try_set(self, level, name, &values[i], 4, what);
			}
			duo_close(self);
		}
	}
	EXPECT_EQ(0, self->bad);
}

TEST_HARNESS_MAIN
