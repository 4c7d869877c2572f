/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ack.h - the receiver's half of acknowledgement: what arrived, and when to
 * say so.
 *
 * Owns the set of packet numbers received, duplicate detection, the delayed
 * acknowledgement and the ECN counts.  The sender's half is sent.c.
 */
#ifndef RILL_CORE_ACK_H
#define RILL_CORE_ACK_H

#include "range.h"
#include "wire.h"

/*
 * Ranges remembered.  A lost packet number is never filled (a retransmission
 * has a new one), so at 5 % loss 32 ranges reach 640 packets back; what is
 * older counts as received, and the sender finds it lost by itself.
 */
#define RILL_ACK_RANGES		32

/*
 * Packets back to which ranges are reported.  What is older was reported in many
 * acknowledgements; and a gap that nothing will fill need not be told for ever.
 */
#define RILL_ACK_REACH		4096

#define RILL_ACK_DELAY		(25 * RILL_MSEC)	/* RFC 9000 18.2 max_ack_delay */
#define RILL_ACK_QUICK		16	/* packets acknowledged at once at the start */
#define RILL_ACK_EVERY		8	/* small packets before one is due */

struct rill_ackq {
	struct rill_ranges pns;		/* received, at or above @floor */
	u64	floor;			/* all below count as received */
	u64	largest;		/* largest received, 0: none */
	u64	largest_at;		/* when it came */
	u64	told;			/* the peer knows what came of all below: see rill_ackq_told() */
	u64	deadline;		/* delayed acknowledgement, RILL_NEVER: none due */
	u32	ecn[3];			/* packets with ECT(0), ECT(1), CE */
	u32	pend_bytes;		/* payload not acknowledged yet */
	u16	pend;			/* ack-eliciting packets not acknowledged yet */
	u8	quick;			/* packets still acknowledged at once */
	bool	now;			/* one is due at once */
	bool	pingpong;		/* the program answers what it reads */
	struct rill_range v[RILL_ACK_RANGES];
};

void rill_ackq_init(struct rill_ackq *q);
enum rill_cover rill_ackq_cover(const struct rill_ackq *q, u64 pn, u32 n);
void rill_ackq_told(struct rill_ackq *q, u64 told);
bool rill_ackq_add(struct rill_ackq *q, u64 pn, u32 n, u64 now);
void rill_ackq_eliciting(struct rill_ackq *q, u32 n, u32 bytes, u32 full, bool gap, u64 now);
void rill_ackq_count_ecn(struct rill_ackq *q, u8 ecn, u32 n);
void rill_ackq_put(const struct rill_ackq *q, struct rill_extbuf *x, u8 max_pairs, u64 now);
void rill_ackq_sent(struct rill_ackq *q);
void rill_ack_put(const struct rill_ranges *pns, struct rill_extbuf *x, u8 max_pairs, u64 told,
		  u32 delay);

/* True when an acknowledgement has been asked for and not sent. */
static inline bool rill_ackq_pending(const struct rill_ackq *q)
{
	return q->now || q->pend;
}

/* Enough has come for an acknowledgement; @full: payload of a full packet. */
static inline bool rill_ackq_due(const struct rill_ackq *q, u32 full)
{
	return q->pend_bytes >= 2 * full || q->pend >= RILL_ACK_EVERY;
}

#endif /* RILL_CORE_ACK_H */
