/* SPDX-License-Identifier: GPL-2.0 */
/*
 * recv.h - the receive side's books: what of the stream is here, and how much
 * more may come.
 *
 * Owns reassembly in numbers (the bytes are the caller's) and the credit given
 * to the peer, with its autotuning.  Credit is an offset and never shrinks.
 */
#ifndef RILL_CORE_RECV_H
#define RILL_CORE_RECV_H

#include "range.h"
#include "mib.h"

#define RILL_NO_FIN	U64_MAX
#define RILL_WND_MAX	BIT(30)	/* bytes of credit, RFC 7323 2.3 */

struct rill_recv {
	u64	nxt;		/* all bytes below have arrived */
	u64	read;		/* all bytes below were taken by the program */
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
	struct rill_ranges ooo;	/* bytes beyond a gap; memory is the caller's */
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
bool rill_recv_read(struct rill_recv *r, u32 bytes, u64 rtt, u64 now);
void rill_recv_limit(struct rill_recv *r, u32 wnd, u32 wnd_max);
void rill_recv_grant(struct rill_recv *r);

/* The stream has arrived whole, FIN included. */
static inline bool rill_recv_fin(const struct rill_recv *r)
{
	return r->nxt == r->fin;
}

#endif /* RILL_CORE_RECV_H */
