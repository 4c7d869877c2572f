/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ecn.h - does the path carry ECN marks, and how many came?
 *
 * Owns the sender's half of RFC 9000 13.4.2: packets with payload leave with ECT
 * until the peer's counts show that the path removes, changes or invents marks, or
 * nothing marked arrives.  What follows from marks is the congestion control's.
 *
 *	TESTING --- 10 packets acknowledged ---> CAPABLE
 *	     `-- counts do not fit, all marked --> FAILED <-- counts do not fit
 */
#ifndef RILL_CORE_ECN_H
#define RILL_CORE_ECN_H

#include "env.h"

#define RILL_ECN_TEST	10	/* packets, RFC 9000 A.4 */

/* The two bits of the IP header. */
enum rill_ecn_code {
	RILL_NOT_ECT	= 0,
	RILL_ECT1	= 1,	/* L4S, RFC 9331 */
	RILL_ECT0	= 2,
	RILL_CE		= 3,
};

enum rill_ecn_state {
	RILL_ECN_TESTING,
	RILL_ECN_CAPABLE,
	RILL_ECN_FAILED,
};

struct rill_ecn {
	u8	state;		/* enum rill_ecn_state */
	u32	seen[3];	/* the peer's newest counts: ECT(0), ECT(1), CE */
	u32	sent[2];	/* packets sent with ECT(0), ECT(1) */
	u32	tested, marked;	/* packets acknowledged while testing, CE among them */
	u32	lost;		/* packets lost while testing */
};

void rill_ecn_restart(struct rill_ecn *e);
void rill_ecn_sent(struct rill_ecn *e, u8 code, u32 n);
u32 rill_ecn_acked(struct rill_ecn *e, const u32 *counts, u32 acked);
bool rill_ecn_silent(struct rill_ecn *e);
bool rill_ecn_lost(struct rill_ecn *e, u32 n);

static inline bool rill_ecn_works(const struct rill_ecn *e)
{
	return e->state != RILL_ECN_FAILED;
}

#endif /* RILL_CORE_ECN_H */
