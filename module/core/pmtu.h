/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pmtu.h - how much a packet may carry on this path.
 *
 * Owns packetization layer path MTU discovery (RFC 8899).  Sizes are of payload and
 * extension together, as max_payload is.
 *
 * Data goes at the interface's size from the start, as on most paths it can, and
 * costs nothing.  Where large packets do not arrive, the base size takes over, and
 * probes look for the largest that does: the interface's first, or what an ICMP
 * error said, then halfway between what passed and what did not.
 *
 *	TRUST ------ black hole -----> SEARCH ---- found ----> DONE
 *	  ^                              |  ^   black hole,     |
 *	  |       the interface's passes |  `--- or 600 s ------+
 *	  +------------------------------+
 */
#ifndef RILL_CORE_PMTU_H
#define RILL_CORE_PMTU_H

#include "wire.h"

#define RILL_PMTU_BASE		RILL_PAYLOAD_BASE
#define RILL_PMTU_TRIES		3		/* probes of a size, RFC 8899 5.1.2 MAX_PROBES */
#define RILL_PMTU_STEP		16		/* bytes: nearer than that is near enough */
#define RILL_PMTU_RAISE		(600 * RILL_SEC)	/* RFC 8899 5.1.1 PMTU_RAISE_TIMER */
#define RILL_PMTU_LOST		6		/* large packets, while small ones arrive */

enum rill_pmtu_state {
	RILL_PMTU_TRUST,	/* @top is used */
	RILL_PMTU_SEARCH,	/* @good is used, probes go */
	RILL_PMTU_DONE,		/* @good is used */
};

struct rill_pmtu {
	u8	state;		/* enum rill_pmtu_state */
	u8	tries;		/* probes of @size sent */
	bool	out;		/* one of them is in flight */
	bool	small;		/* a small packet arrived since large ones were lost */
	u16	top;		/* what interface, peer and program allow */
	u16	good;		/* the largest that arrived, the base at least */
	u16	bad;		/* the smallest known not to pass; @top + 1 at most */
	u16	size;		/* of the next probe */
	u32	lost;		/* large packets since the last one that arrived */
	u64	at;		/* when the next probe is due, RILL_NEVER: not */
};

void rill_pmtu_init(struct rill_pmtu *p, u16 top);
void rill_pmtu_set_top(struct rill_pmtu *p, u16 top);
void rill_pmtu_arrived(struct rill_pmtu *p, u16 large, bool small);
bool rill_pmtu_lost(struct rill_pmtu *p, u32 large, u64 now);
bool rill_pmtu_timeout(struct rill_pmtu *p, u8 ptos, u64 now);
void rill_pmtu_probe_sent(struct rill_pmtu *p);
void rill_pmtu_probe_lost(struct rill_pmtu *p, u64 now);
void rill_pmtu_probe_arrived(struct rill_pmtu *p, u16 size, u64 now);
void rill_pmtu_too_big(struct rill_pmtu *p, u16 most, u64 now);

/* What a new packet may carry. */
static inline u16 rill_pmtu_payload(const struct rill_pmtu *p)
{
	return p->state == RILL_PMTU_TRUST ? p->top : p->good;
}

static inline bool rill_pmtu_due(const struct rill_pmtu *p, u64 now)
{
	return p->at <= now && !p->out;
}

#endif /* RILL_CORE_PMTU_H */
