// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/net/rill and rill6 in the layout of /proc/net/tcp and tcp6, column for
 * column; /proc/net/rill_snmp; and that the stock ss and nstat read them.  The
 * TCP variants read TCP's own files with the same code.
 */
#include "kselftest_harness.h"

#include <ctype.h>
#include <regex.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib.h"

DIFFERENTIAL(proc, OVER_LO);

static const char *table(const struct env *e)
{
	bool v4 = e->fam->af == AF_INET;

	if (e->fam->rill)
		return v4 ? "/proc/thread-self/net/rill" : "/proc/thread-self/net/rill6";
	return v4 ? "/proc/thread-self/net/tcp" : "/proc/thread-self/net/tcp6";
}

/* One socket's line. */
struct row {
	unsigned int lport, rport, st, timer, uid;
	unsigned int tx, rx;
	unsigned long ino;
	char laddr[33], raddr[33];
};

/* The columns of get_tcp4_sock() and get_tcp6_sock(), with their widths; after
 * them a table may have its own. */
#define COLUMNS(addr) \
	"^ {0,3}[0-9]+: " addr ":[0-9A-F]{4} " addr ":[0-9A-F]{4} [0-9A-F]{2} " \
	"[0-9A-F]{8}:[0-9A-F]{8} [0-9A-F]{2}:[0-9A-F]{8} [0-9A-F]{8} " \
	"( {4}[0-9]| {3}[0-9]{2}| {2}[0-9]{3}| [0-9]{4}|[0-9]{5,}) +-?[0-9]+ " \
	"[0-9]+ [0-9]+ [^ ]+( .*)?$"

static void check_layout(const struct env *e, const char *line)
{
	static regex_t v4, v6;
	static bool ready;

	if (!ready && (regcomp(&v4, COLUMNS("[0-9A-F]{8}"), REG_EXTENDED) ||
		       regcomp(&v6, COLUMNS("[0-9A-F]{32}"), REG_EXTENDED)))
		fatal("regcomp");
	ready = true;
	if (regexec(e->fam->af == AF_INET ? &v4 : &v6, line, 0, NULL, 0))
		fatal("%s: not the layout: '%s'", table(e), line);
}

static struct row parse(const char *line)
{
	struct row r = { };

	if (sscanf(line, "%*d: %32[0-9A-F]:%x %32[0-9A-F]:%x %x %x:%x %x:%*x %*x %u %*d %lu",
		   r.laddr, &r.lport, r.raddr, &r.rport, &r.st, &r.tx, &r.rx, &r.timer,
		   &r.uid, &r.ino) != 10)
		fatal("columns: '%s'", line);
	return r;
}

/* The row of a pair of ports, rport 0 for a listener; st is 0 when there is none. */
static struct row row_of(const struct env *e, unsigned int lport, unsigned int rport)
{
	FILE *f = fopen(table(e), "re");
	struct row r = { };
	char line[1024];

	if (!f || !fgets(line, sizeof(line), f))
		fatal("%s", table(e));
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		check_layout(e, line);
		r = parse(line);
		if (r.lport == lport && r.rport == rport)
			break;
		r.st = 0;
	}
	fclose(f);
	return r;
}

static struct row row_of_fd(const struct env *e, int fd)
{
	union sa l = local_name(fd), r = { };
	socklen_t len = sizeof(r);

	if (getpeername(fd, &r.sa, &len))
		return row_of(e, port_of(&l), 0);
	return row_of(e, port_of(&l), port_of(&r));
}

static unsigned int st_becomes(const struct env *e, unsigned int lport, unsigned int rport,
			       unsigned int want)
{
	int64_t end = now_ms() + PATIENCE;
	unsigned int st;

	while ((st = row_of(e, lport, rport).st) != want && now_ms() < end)
		breathe();
	return st;
}

TEST_F(proc, heading)
{
	static const char v4[] = "  sl  local_address rem_address   st tx_queue rx_queue tr "
		"tm->when retrnsmt   uid  timeout inode";
	static const char v6[] = "  sl  local_address                         "
		"remote_address                        st tx_queue rx_queue tr "
		"tm->when retrnsmt   uid  timeout inode";
	const char *want = self->e.fam->af == AF_INET ? v4 : v6;
	FILE *f = fopen(table(&self->e), "re");
	char line[1024];

	ASSERT_NE(NULL, f);
	ASSERT_NE(NULL, fgets(line, sizeof(line), f));
	EXPECT_EQ(0, strncmp(line, want, strlen(want))) TH_LOG("%s", line);
	EXPECT_EQ(NULL, fgets(line, sizeof(line), f));
	fclose(f);
}

TEST_F(proc, listener)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = env_listen(e, 7, &at), i;
	struct stat st;
	struct row r;

	r = row_of_fd(e, lfd);
	ASSERT_EQ(10, r.st);
	EXPECT_STREQ(e->fam->af == AF_INET ? "0100007F" :
		     "00000000000000000000000001000000", r.laddr);
	EXPECT_EQ(0, r.rx);
	ASSERT_EQ(0, fstat(lfd, &st));
	EXPECT_EQ(st.st_ino, r.ino);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, do_connect(env_socket(e, CLIENT, 0), at));
	}
	ASSERT_EQ(POLLIN, wait_events(lfd, POLLIN));
	/* connect() returns before the last one's child is queued */
	for (i = 0; i < 1000 && row_of_fd(e, lfd).rx != 3; i++)
		breathe();
	EXPECT_EQ(3, row_of_fd(e, lfd).rx);
	close(lfd);
	EXPECT_EQ(0, row_of(e, port_of(&at), 0).st);
}

TEST_F(proc, established)
{
	struct env *e = &self->e;
	int pair[2];
	struct stat st;
	struct row c, s;

	env_pair(e, pair);
	send_all(pair[CLIENT], "hello", 5);
	ASSERT_EQ(POLLIN, wait_events(pair[SERVER], POLLIN));
	c = row_of_fd(e, pair[CLIENT]);
	s = row_of_fd(e, pair[SERVER]);
	EXPECT_EQ(1, c.st);
	EXPECT_EQ(1, s.st);
	EXPECT_EQ(c.lport, s.rport);
	EXPECT_STREQ(c.laddr, s.raddr);
	EXPECT_EQ(5, s.rx);
	EXPECT_EQ(0, c.rx);
	EXPECT_EQ(0, s.tx);
	EXPECT_EQ(0, c.uid);
	ASSERT_EQ(0, fstat(pair[CLIENT], &st));
	EXPECT_EQ(st.st_ino, c.ino);
	ASSERT_EQ(0, fstat(pair[SERVER], &st));
	EXPECT_EQ(st.st_ino, s.ino);
}

TEST_F(proc, queues)
{
	struct env *e = &self->e;
	int pair[2];
	struct row c, s;
	size_t n;

	env_pair(e, pair);
	n = fill(pair[CLIENT]);
	c = row_of_fd(e, pair[CLIENT]);
	s = row_of_fd(e, pair[SERVER]);
	EXPECT_LT(0, c.tx);
	EXPECT_EQ(n, c.tx + s.rx);
	/* something is to happen: the probe of the shut window */
	EXPECT_NE(0, c.timer);
}

TEST_F(proc, states)
{
	struct env *e = &self->e;
	int pair[2];
	union sa l, r;

	env_pair(e, pair);
	l = local_name(pair[CLIENT]);
	r = peer_name(pair[CLIENT]);
	ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
	EXPECT_EQ(5, st_becomes(e, port_of(&l), port_of(&r), 5));	/* FIN_WAIT2 */
	EXPECT_EQ(8, st_becomes(e, port_of(&r), port_of(&l), 8));	/* CLOSE_WAIT */
	close(pair[SERVER]);
	EXPECT_EQ(0, st_becomes(e, port_of(&r), port_of(&l), 0));
	close(pair[CLIENT]);
	/* what is left of it acknowledges a FIN that comes again */
	EXPECT_EQ(6, st_becomes(e, port_of(&l), port_of(&r), 6));	/* TIME_WAIT */
}

TEST_F(proc, connecting)
{
	struct env *e = &self->e;
	union sa hole = sa_foreign(e->fam->af, 4711), l;
	int fd = env_socket(e, CLIENT, SOCK_NONBLOCK);

	/* packets for it leave by a device without anybody behind it */
	sh("ip link add name x1 type veth peer name x2; ip link set x1 up; ip link set x2 up;"
	   "ip addr add 10.9.0.1/24 dev x1; ip addr add fd09::1/64 dev x1 nodad;"
	   "ip route add default dev x1; ip -6 route add default dev x1");
	ASSERT_EQ(-EINPROGRESS, RET(do_connect(fd, hole)));
	l = local_name(fd);
	EXPECT_EQ(2, row_of(e, port_of(&l), 4711).st);
}

TEST_F(proc, owner)
{
	struct env *e = &self->e;
	int fd, status;
	pid_t child;
	union sa at;

	child = fork();
	ASSERT_LE(0, child);
	if (child == 0) {
		if (setresuid(1000, 1000, 1000))
			_exit(2);
		fd = env_listen(e, 1, &at);
		_exit(row_of_fd(e, fd).uid == 1000 ? 0 : 1);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(proc, only_its_own_family)
{
	struct env *e = &self->e, other = *e;
	bool v4 = e->fam->af == AF_INET;
	union sa at;

	other.fam = e->fam->rill ? (v4 ? &fam_rill6 : &fam_rill4) :
		    (v4 ? &fam_tcp6 : &fam_tcp4);
	env_listen(e, 1, &at);
	EXPECT_EQ(1, proc_lines(table(e)));
	EXPECT_EQ(0, proc_lines(table(&other)));
}

/* However small the reads, each socket is there, and once. */
TEST_F_TIMEOUT(proc, many, SLOW_TEST)
{
	enum { N = 150 };
	struct env *e = &self->e;
	static char text[N * 3 * 512];
	size_t len = 0, step;
	long lines, i;
	ssize_t n;
	int fd;

	for (i = 0; i < N; i++) {
		int pair[2];

		env_pair(e, pair);
	}
	EXPECT_EQ(2 * N, proc_lines(table(e)));
	for (step = 1; step < 5000; step = step * 7 + 1) {
		fd = open(table(e), O_RDONLY);
		ASSERT_LE(0, fd);
		for (len = 0; (n = read(fd, text + len, step)) > 0; len += n) {
			ASSERT_GT(sizeof(text), len + step + 1);
		}
		ASSERT_EQ(0, n);
		for (lines = i = 0; i < (long)len; i++)
			lines += text[i] == '\n';
		EXPECT_EQ(2 * N, lines - 1) TH_LOG("reads of %zu", step);
		close(fd);
	}
}

/* Reading while connections come and go: every line is whole, nobody hangs. */
static bool storm_over;

static void *storm(void *arg)
{
	const struct env *e = arg;
	int pair[2];

	while (!__atomic_load_n(&storm_over, __ATOMIC_RELAXED)) {
		env_pair(e, pair);
		send_all(pair[CLIENT], "x", 1);
		reset_close(pair[CLIENT]);
		reset_close(pair[SERVER]);
	}
	return NULL;
}

TEST_F_TIMEOUT(proc, read_in_a_storm, SLOW_TEST)
{
	struct env *e = &self->e;
	pthread_t t;
	int i;

	ASSERT_EQ(0, pthread_create(&t, NULL, storm, e));
	for (i = 0; i < 200; i++)
		row_of(e, 0xfffff, 0);		/* no such port: looks at all */
	__atomic_store_n(&storm_over, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
}

/* ----------------------------------------------------------- stock tools */

/* What a command prints; fatal when it fails. */
static void output_of(char *buf, size_t size, const char *cmd)
{
	FILE *f = popen(cmd, "re");
	size_t n;

	if (!f)
		fatal("popen");
	n = fread(buf, 1, size - 1, f);
	buf[n] = 0;
	if (pclose(f))
		fatal("%s: %s", cmd, buf);
}

/* ss with our tables in place of TCP's; it then parses /proc and not netlink. */
static void ss(const struct env *e, const char *args, char *buf, size_t size)
{
	bool v4 = e->fam->af == AF_INET;
	char cmd[300];

	snprintf(cmd, sizeof(cmd), "PROC_NET_TCP=%s PROC_NET_TCP6=%s ss -H %s 2>&1",
		 v4 ? table(e) : "/dev/null", v4 ? "/dev/null" : table(e), args);
	output_of(buf, size, cmd);
}

TEST_F(proc, ss_lists_them)
{
	struct env *e = &self->e;
	char buf[8192], want[200];
	int pair[2];
	union sa at;

	env_listen(e, 7, &at);
	env_pair(e, pair);
	send_all(pair[CLIENT], "hello", 5);
	ASSERT_EQ(POLLIN, wait_events(pair[SERVER], POLLIN));
	ss(e, "-tanpoie", buf, sizeof(buf));
	EXPECT_NE(NULL, strstr(buf, "LISTEN")) TH_LOG("%s", buf);
	EXPECT_NE(NULL, strstr(buf, "ESTAB")) TH_LOG("%s", buf);
	snprintf(want, sizeof(want), "pid=%d,fd=%d)", getpid(), pair[CLIENT]);
	EXPECT_NE(NULL, strstr(buf, want)) TH_LOG("no '%s' in %s", want, buf);
	at = peer_name(pair[SERVER]);
	snprintf(want, sizeof(want), e->fam->af == AF_INET ? "127.0.0.1:%u" : "[::1]:%u",
		 port_of(&at));
	EXPECT_NE(NULL, strstr(buf, want)) TH_LOG("no '%s' in %s", want, buf);
	/* its filters work: by state and by port */
	snprintf(want, sizeof(want), "-tan state established dport = :%u", port_of(&at));
	ss(e, want, buf, sizeof(buf));
	EXPECT_EQ('5', *(buf + strspn(buf, " \t"))) TH_LOG("Recv-Q: %s", buf);
	EXPECT_EQ(strlen(buf) - 1, strcspn(buf, "\n")) TH_LOG("%s", buf);
	ss(e, "-tan state syn-sent", buf, sizeof(buf));
	EXPECT_STREQ("", buf);
}

TEST_F(proc, nstat_reads_counters)
{
	struct env *e = &self->e;
	char buf[32768], *at;
	int pair[2];

	env_pair(e, pair);
	output_of(buf, sizeof(buf), e->fam->rill ?
		  "PROC_NET_SNMP=/proc/net/rill_snmp PROC_NET_NETSTAT=/dev/null "
		  "PROC_NET_SNMP6=/dev/null NSTAT_HISTORY=/dev/null nstat -asz" :
		  "NSTAT_HISTORY=/dev/null nstat -asz");
	at = strstr(buf, e->fam->rill ? "RillActiveOpens" : "TcpActiveOpens");
	ASSERT_NE(NULL, at) TH_LOG("%s", buf);
	EXPECT_EQ(1, atoi(at + strcspn(at, " "))) TH_LOG("%.60s", at);
}

DIFFERENTIAL(counters, RILL_LO);

/* Two lines, names and values, each starting with the same word. */
TEST_F(counters, form)
{
	FILE *f = fopen("/proc/self/net/rill_snmp", "re");
	char *names = NULL, *values = NULL, *n, *v, *np, *vp, *m;
	size_t nl = 0, vl = 0;
	int count = 0;

	ASSERT_NE(NULL, f);
	ASSERT_LT(0, getline(&names, &nl, f));
	ASSERT_LT(0, getline(&values, &vl, f));
	EXPECT_EQ(0, strncmp(names, "Rill: ", 6));
	EXPECT_EQ(0, strncmp(values, "Rill: ", 6));
	n = strtok_r(names + 6, " \n", &np);
	v = strtok_r(values + 6, " \n", &vp);
	for (; n && v; n = strtok_r(NULL, " \n", &np), v = strtok_r(NULL, " \n", &vp)) {
		EXPECT_TRUE(isupper(n[0])) TH_LOG("%s", n);
		for (m = n; *m; m++) {
			EXPECT_TRUE(isalnum(*m)) TH_LOG("%s", n);
		}
		EXPECT_EQ(strlen(v), strspn(v, "0123456789")) TH_LOG("%s = %s", n, v);
		/* a fresh namespace has counted nothing */
		EXPECT_STREQ("0", v) TH_LOG("%s", n);
		count++;
	}
	EXPECT_EQ(NULL, n);
	EXPECT_EQ(NULL, v);
	EXPECT_LE(50, count);
	fclose(f);
}

TEST_F(counters, of_a_connection)
{
	struct env *e = &self->e;
	long out, in;
	int pair[2];
	union sa at;
	char c;

	env_pair(e, pair);
	EXPECT_EQ(1, snmp("ActiveOpens"));
	EXPECT_EQ(1, snmp("PassiveOpens"));
	EXPECT_EQ(0, snmp("AttemptFails"));
	EXPECT_EQ(1, snmp("Syns"));
	EXPECT_EQ(1, snmp("SynAcks"));
	EXPECT_LE(1, snmp("Echoes"));
	EXPECT_EQ(0, snmp("EstabResets"));
	send_all(pair[CLIENT], "x", 1);
	recv_all(pair[SERVER], &c, 1);
	reset_close(pair[SERVER]);
	EXPECT_EQ(-ECONNRESET, RET(recv(pair[CLIENT], &c, 1, 0)));
	EXPECT_EQ(1, snmp("EstabResets"));
	EXPECT_EQ(1, snmp("OutResets"));
	EXPECT_EQ(1, snmp("AbortOnData"));
	close(env_listen(e, 1, &at));
	EXPECT_EQ(-ECONNREFUSED, RET(do_connect(env_socket(e, CLIENT, 0), at)));
	EXPECT_EQ(1, snmp("AttemptFails"));
	/* on a path that loses nothing all that leaves arrives */
	out = snmp("OutPkts");
	in = snmp("InPkts");
	EXPECT_LE(6, out);
	EXPECT_EQ(out, in);
	EXPECT_EQ(0, snmp("RetransPkts"));
	EXPECT_EQ(0, snmp("InShort") + snmp("InVersion") + snmp("InType") +
		  snmp("InFlags") + snmp("InExt") + snmp("InBadAck"));
}

/* Each namespace counts for itself. */
TEST_F(counters, of_a_namespace)
{
	int pair[2];

	env_pair(&self->e, pair);
	EXPECT_LT(0, snmp_sum());
	new_netns();
	EXPECT_EQ(0, snmp_sum());
	env_enter(&self->e, CLIENT);
	EXPECT_LT(0, snmp_sum());
}

TEST_HARNESS_MAIN
