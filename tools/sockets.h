/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's tables of sockets as rill stat reads them.  sockets.c parses
 * /proc/net/rill and rill6, owner.c finds the processes; stat.c prints.
 */
#ifndef RILL_TOOLS_SOCKETS_H
#define RILL_TOOLS_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "net.h"

/* st, with TCP's numbers */
enum {
	ST_ESTABLISHED = 1,
	ST_TIME_WAIT = 6,
	ST_LISTEN = 10,
	ST_MAX = 12,
};

/* Columns after the inode may be missing (a tombstone has few); then they are -1. */
struct sock_row {
	bool v6;
	unsigned int state;		/* ST_* */
	char local[ADDR_STRLEN];
	char remote[ADDR_STRLEN];
	uint64_t tx_queue;		/* bytes not yet acknowledged */
	uint64_t rx_queue;		/* bytes to read; listener: connections to accept */
	unsigned int timer;		/* which timer runs, as in /proc/net/tcp; 0: none */
	double timer_secs;		/* until it fires */
	unsigned int retransmits;	/* in a row without an answer */
	unsigned int uid;
	unsigned long inode;		/* 0: an orphan or a tombstone */
	double rto_ms;
	long cwnd;			/* packets */
	long ssthresh;			/* packets; -1 when not set, too */
	long srtt_us;
	long pmtu;			/* bytes */
	char carrier[16];		/* "" when missing */
	char flags[32];			/* "" when missing */

	pid_t pid;			/* one of its processes; 0: none found */
	int fd;				/* its number there */
	char comm[32];
	unsigned int owners;		/* processes that hold it */
};

struct sock_table {
	struct sock_row *row;
	size_t n;
};

const char *sock_state_name(unsigned int state);
void sock_table_read(struct sock_table *t, bool v4, bool v6);
void sock_table_free(struct sock_table *t);
void sock_table_find_owners(struct sock_table *t);

#endif
