// SPDX-License-Identifier: GPL-2.0
/*
 * Reads /proc/net/rill and /proc/net/rill6: the columns of /proc/net/tcp, then
 * Rill's own (srtt in us, path mtu, carrier, flags).  Columns are told by their
 * position; those that are not there stay unknown, so that an older or newer
 * module's table is still read.
 *
 * PROC_NET_RILL and PROC_NET_RILL6 name other files, as ss's PROC_NET_TCP does.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sockets.h"
#include "util.h"

#define MAX_COLUMNS	32

/* Positions when a line is split at blanks and ':' stays inside a word. */
enum column {
	COL_LOCAL = 1,
	COL_REMOTE,
	COL_STATE,
	COL_QUEUES,
	COL_TIMER,
	COL_RETRANSMITS,
	COL_UID,
	COL_PROBES,
	COL_INODE,
	COL_REF,
	COL_SK,
	COL_RTO,
	COL_ATO,
	COL_QUICK,
	COL_CWND,
	COL_SSTHRESH,
	COL_SRTT,
	COL_PMTU,
	COL_CARRIER,
	COL_FLAGS,
};

const char *sock_state_name(unsigned int state)
{
	static const char *const names[ST_MAX] = {
		"UNKNOWN", "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2",
		"TIME-WAIT", "CLOSE", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING",
	};

	return names[state < ST_MAX ? state : 0];
}

/* Words of 8 hex digits, each four bytes of the address as a host-endian number. */
static bool parse_addr(const char *s, bool v6, char out[ADDR_STRLEN])
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	size_t words = v6 ? 4 : 1;
	uint32_t word[4];
	unsigned int port;

	if (strlen(s) != words * 8 + 5)
		return false;
	for (size_t i = 0; i < words; i++)
		if (sscanf(s + i * 8, "%8" SCNx32, &word[i]) != 1)
			return false;
	if (sscanf(s + words * 8, ":%4x", &port) != 1)
		return false;
	if (v6) {
		memcpy(&in6.sin6_addr, word, sizeof(in6.sin6_addr));
		in6.sin6_port = htons(port);
		net_addr_string((struct sockaddr *)&in6, out);
	} else {
		memcpy(&in.sin_addr, word, sizeof(in.sin_addr));
		in.sin_port = htons(port);
		net_addr_string((struct sockaddr *)&in, out);
	}
	return true;
}

static long column_number(char *const *col, size_t n, enum column which)
{
	return which < n ? strtol(col[which], NULL, 10) : -1;
}

static void column_text(char *const *col, size_t n, enum column which, char *out, size_t size)
{
	snprintf(out, size, "%s", which < n ? col[which] : "");
}

static void parse_optional(char *const *col, size_t n, struct sock_row *row)
{
	long hz = sysconf(_SC_CLK_TCK);
	long rto = column_number(col, n, COL_RTO);

	row->rto_ms = rto < 0 ? -1 : rto * 1000.0 / hz;
	row->cwnd = column_number(col, n, COL_CWND);
	row->ssthresh = column_number(col, n, COL_SSTHRESH);
	row->srtt_us = column_number(col, n, COL_SRTT);
	row->pmtu = column_number(col, n, COL_PMTU);
	column_text(col, n, COL_CARRIER, row->carrier, sizeof(row->carrier));
	column_text(col, n, COL_FLAGS, row->flags, sizeof(row->flags));
}

static bool parse_row(char *line, bool v6, struct sock_row *row)
{
	char *col[MAX_COLUMNS], *save;
	unsigned long when;
	size_t n = 0;

	for (char *w = strtok_r(line, " \t\n", &save); w && n < MAX_COLUMNS;
	     w = strtok_r(NULL, " \t\n", &save))
		col[n++] = w;
	*row = (struct sock_row){ .v6 = v6, .fd = -1 };
	if (n <= COL_INODE ||
	    !parse_addr(col[COL_LOCAL], v6, row->local) ||
	    !parse_addr(col[COL_REMOTE], v6, row->remote) ||
	    sscanf(col[COL_STATE], "%x", &row->state) != 1 ||
	    sscanf(col[COL_QUEUES], "%" SCNx64 ":%" SCNx64, &row->tx_queue, &row->rx_queue) != 2 ||
	    sscanf(col[COL_TIMER], "%x:%lx", &row->timer, &when) != 2 ||
	    sscanf(col[COL_RETRANSMITS], "%x", &row->retransmits) != 1)
		return false;
	row->timer_secs = (double)when / sysconf(_SC_CLK_TCK);
	row->uid = strtoul(col[COL_UID], NULL, 10);
	row->inode = strtoul(col[COL_INODE], NULL, 10);
	parse_optional(col, n, row);
	return true;
}

/* optional: a kernel booted without IPv6 may have no rill6. */
static void read_file(struct sock_table *t, const char *path, bool v6, bool optional)
{
	FILE *f = fopen(path, "re");
	size_t size = 0, room = t->n;
	char *line = NULL;

	if (!f && errno == ENOENT && optional)
		return;
	if (!f && errno == ENOENT)
		fail("no %s: the rill module is not loaded", path);
	if (!f)
		fail_errno("%s", path);
	if (getline(&line, &size, f) < 0 && ferror(f))	/* the heading */
		fail_errno("%s", path);
	while (getline(&line, &size, f) >= 0) {
		if (t->n == room) {
			room = room ? room * 2 : 64;
			t->row = xrealloc(t->row, room, sizeof(*t->row));
		}
		if (!parse_row(line, v6, &t->row[t->n]))
			fail("%s: line %zu is not in the layout of /proc/net/tcp", path, t->n + 2);
		t->n++;
	}
	if (ferror(f))
		fail_errno("%s", path);
	free(line);
	fclose(f);
}

static const char *path_of(const char *env, const char *path)
{
	const char *other = getenv(env);

	return other && *other ? other : path;
}

void sock_table_read(struct sock_table *t, bool v4, bool v6)
{
	*t = (struct sock_table){ 0 };
	if (v4)
		read_file(t, path_of("PROC_NET_RILL", "/proc/net/rill"), false, false);
	if (v6)
		read_file(t, path_of("PROC_NET_RILL6", "/proc/net/rill6"), true, v4);
}

void sock_table_free(struct sock_table *t)
{
	free(t->row);
	*t = (struct sock_table){ 0 };
}
