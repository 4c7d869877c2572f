/* SPDX-License-Identifier: GPL-2.0 */
/*
 * recv.h - the receive side's books: what of the stream is here, and how much
 * more may come.
 *
 * Owns reassembly in numbers (the bytes are the caller's) and the credit given
 * to the peer, with its autotuning.  Credit is an offset and never shrinks.
 *
 * Where the stream is one of records, a record that is not whole cannot be read
 * and keeps the program from giving credit: the peer always gets enough of it
 * for the end of the record that the program waits for, and a packet more, since
 * the packet that brings the end may bring what follows as well.
 *
 * Records that the peer gave up are gaps.  Their bytes count as arrived; @whole and
 * @read step over them, and the program is told how many they were.
 *
 *	read         whole                nxt            end
 *	 |  records   | prefix, part of one |   missing   | max_payload |
 *	 +------------+---------------------+ - - - - - - + - - - - - - + credit
 */
#ifndef RILL_CORE_RECV_H
#define RILL_CORE_RECV_H

#include "gap.h"
#include "range.h"
#include "mib.h"

#define RILL_NO_FIN	U64_MAX
#define RILL_WND_MAX	BIT(30)	/* bytes of credit, RFC 7323 2.3 */

struct rill_recv {
	u64	nxt;		/* all bytes below have arrived */
	u64	read;		/* all bytes below were taken by the program */
	u64	whole;		/* all below may be read: whole records, or any bytes */
	u64	end;		/* records: where the one at @whole ends, or its prefix */
	u64	credit;		/* bytes below may be sent; what the peer was told */
	u64	fin;		/* where the stream ends, RILL_NO_FIN: not known */
	u64	tune_read;	/* @read when the current measurement began */
	u64	tune_at;	/* when that was */
	u64	rtt_mark;	/* offset that ends the round trip being measured */
	u64	rtt_mark_at;	/* when it began */
	u64	rtt;		/* ns, round trip seen by a receiver; 0: none */
	u32	wnd;		/* bytes of credit to keep open */
	u32	wnd_max;	/* bytes @wnd may grow to */
	u32	wnd_min;	/* bytes of credit an idle reader always gives */
	u32	space;		/* bytes read in the last round trip */
	u32	full;		/* largest payload seen */
	bool	records;	/* the stream is one of records */
	bool	sized;		/* the prefix at @whole has been read */
	bool	broken;		/* gaps and records do not fit: the peer lies */
	u32	nrec;		/* number of the record at @whole, modulo 2^32 */
	u32	lost;		/* records given up right before @read; the program's to know */
	u32	missed;		/* records found given up, to be counted */
	struct rill_ranges ooo;	/* bytes beyond a gap; memory is the caller's */
	struct rill_gaps gaps;	/* of records given up; memory is the caller's */
};

/* What to do with the bytes of a packet. */
enum rill_rcv {
	RILL_RCV_DROP,		/* nothing of it counts: do not acknowledge */
	RILL_RCV_OLD,		/* acknowledge, the bytes are here already */
	RILL_RCV_QUEUE,		/* acknowledge and keep */
	RILL_RCV_AHEAD,		/* likewise, beyond a gap */
};

void rill_recv_init(struct rill_recv *r, u32 wnd, u32 wnd_max, u32 wnd_min, u64 now);
enum rill_rcv rill_recv_data(struct rill_recv *r, u64 off, u32 len, bool fin, u64 now,
			     enum rill_mib *why);
enum rill_rcv rill_recv_skip(struct rill_recv *r, u64 from, u64 to, u32 next,
			     enum rill_mib *why);
bool rill_recv_read(struct rill_recv *r, u32 bytes, u64 rtt, u64 now);
void rill_recv_records(struct rill_recv *r);
void rill_recv_prefix(struct rill_recv *r, u32 len);
u64 rill_recv_promise(const struct rill_recv *r);
bool rill_recv_stuck(const struct rill_recv *r);
void rill_recv_limit(struct rill_recv *r, u32 wnd, u32 wnd_max);
void rill_recv_grant(struct rill_recv *r);

/* The stream has arrived whole, FIN included. */
static inline bool rill_recv_fin(const struct rill_recv *r)
{
	return r->whole == r->fin;
}

/* The bytes at @whole say how long a record is, and are here. */
static inline bool rill_recv_wants(const struct rill_recv *r)
{
	return r->records && !r->sized && r->nxt >= r->end;
}

/* The record that is arriving does not reach into records that were given up. */
static inline bool rill_recv_sane(const struct rill_recv *r)
{
	const struct rill_gap *gap = rill_gaps_ahead(&r->gaps);

	return !r->broken && (!gap || gap->from >= r->end);
}

/* There is something to read: a record may be empty, its prefix is not. */
static inline bool rill_recv_ready(const struct rill_recv *r)
{
	return r->whole != r->read;
}

#endif /* RILL_CORE_RECV_H */
