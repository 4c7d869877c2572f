/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of rill perf: perf.c the options and --vs, perf_server.c the server,
 * perf_client.c the work and its clocks, perf_report.c the words and numbers.
 *
 * What goes over a connection.  Its first byte says what it is for:
 *
 *	'C'	one connection of the connection test: the server answers the
 *		byte and closes, first, so that TCP's TIME_WAIT stays on its side
 *		and the client does not run out of ports
 *	others	the rest of a struct perf_hello follows
 *	'K'	control: the server answers with the hello, so that the client
 *		knows whom it talks to, and with -1 ends when it is closed
 *	'S'	the client sends until it shuts its side; the server answers
 *		with a struct perf_count
 *	'R'	the server sends for duration_ms and shuts its side
 *	'E'	the server sends back each len bytes
 */
#ifndef RILL_TOOLS_PERF_H
#define RILL_TOOLS_PERF_H

#include <stdbool.h>
#include <stdint.h>

#include "hist.h"
#include "net.h"

#define PERF_DEFAULT_PORT	5201		/* iperf3's */
#define PERF_MAGIC		0x524c5031	/* "RLP1"; the digit is the version */
#define PERF_MAX_LEN		(4 << 20)	/* bytes of one read or write */
#define PERF_MAX_SECS		86400
#define PERF_MAX_STREAMS	128

enum perf_mode {
	MODE_CONNECT = 'C',
	MODE_CONTROL = 'K',
	MODE_SEND = 'S',
	MODE_RECEIVE = 'R',
	MODE_ECHO = 'E',
};

/* All big-endian. */
struct perf_hello {
	uint8_t mode;
	uint8_t zero[3];
	uint32_t magic;
	uint32_t duration_ms;
	uint32_t len;			/* bytes of a write, or of a message of 'E' */
};

struct perf_count {
	uint64_t bytes;
	uint64_t ns;			/* from the first byte to the end */
};

struct perf_opts {
	bool server;
	bool one_client;		/* -1 */
	const char *client;		/* -c HOST */
	int port, af;
	double secs;			/* of a test, or of a round; 0: not given */
	int streams;
	bool reverse, bidir;
	size_t len;			/* 0: not given */
	double interval;		/* 0: no reports in between */
	bool bulk, rr, conn;	/* which test; none: throughput, and with --vs all */
	bool tcp_only;
	bool vs;
	int rounds;
	bool json;
};

enum perf_test {
	TEST_BULK,
	TEST_RR,
	TEST_CONN,
};

struct perf_job {
	enum perf_test test;
	enum transport over;
	struct net_addr to;
	double secs;
	int streams;
	size_t len;
	bool reverse, bidir;
	double interval;
};

/* What one direction moved. */
struct perf_flow {
	uint64_t bytes;
	double secs;			/* of the slowest stream */
	int64_t retransmits;		/* packets; -1: the sender is the other end */
};

struct perf_result {
	struct perf_flow up;		/* client to server; secs 0: not tested */
	struct perf_flow down;
	uint64_t ops;			/* round trips, or connections */
	double ops_secs;
	struct hist times;		/* of one round trip, or one connection */
};

int perf_serve(const struct perf_opts *o);
int perf_control(const struct perf_opts *o, enum transport over, struct net_addr *to);
void perf_work(const struct perf_job *job, struct perf_result *res);

double perf_mbits(const struct perf_flow *f);
double perf_rate(const struct perf_result *r);
void perf_report_interval(const struct perf_job *job, double from, double to,
			  uint64_t up, uint64_t down);
void perf_report(const struct perf_opts *o, const struct perf_job *job,
		 const struct perf_result *r);
void perf_report_vs(const struct perf_opts *o, enum perf_test test, const double *rill,
		    const double *tcp, bool first, bool last);

#endif
