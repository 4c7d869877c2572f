/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sent.h - the send side's books: what is written, what is out, what arrived.
 *
 * Owns two lists.  A *run* is a stretch of the stream laid out as packets, in
 * offset order: it knows which of its packets the peer has.  A *record* is one
 * transmission, in packet-number order: it knows which of its packets are still
 * in flight.  A retransmission makes a new record for packets of an old run.
 *
 *	runs:     [0..63][64..127][128..     offset order, u64 of acked bits each
 *	             ^       ^
 *	records:  pn 1..64   pn 65..84   pn 85 (again: run 0, packet 7)
 *
 * Both hold at most 64 packets and keep per-packet facts in 64-bit masks, so
 * acknowledgement and loss never need memory: nothing is ever split.  (The
 * blueprint splits records; masks are simpler and cannot fail in softirq.)
 * The memory of both is the caller's and goes back through @done_runs and
 * @done_recs.
 */
#ifndef RILL_CORE_SENT_H
#define RILL_CORE_SENT_H

#include "hole.h"

enum rill_run_flags {
	RILL_RUN_FIN	= BIT(0),	/* the stream ends after the last packet */
	RILL_RUN_SKIP	= BIT(1),	/* no bytes: tells of records given up, late.h */
	RILL_RUN_FLAT	= BIT(2),	/* cut anew: no room for headers between the packets */
};

struct rill_run {
	struct list_head node;	/* in runs until acknowledged whole, then done_runs */
	u64	off;		/* stream offset of the first byte */
	u64	acked;		/* bit i: the peer has packet i, or needs it no more */
	u64	rtx;		/* bit i: packet i is lost and waits to be sent again */
	u32	len;		/* bytes */
	u16	plen;		/* payload of every packet but the last */
	u8	n;		/* packets, 1..64 */
	u8	nsent;		/* packets 0..nsent-1 were sent at least once */
	u16	nrec;		/* records that point here */
	u8	flags;		/* enum rill_run_flags */
};

/*
 * A record (core/recv.h) that is given up when it is late.  Its memory goes back
 * as that of @skip does.
 */
struct rill_life {
	struct list_head node;	/* in lives while there is hope */
	struct rill_run skip;	/* in runs afterwards, or in done_runs */
	u64	from, to;	/* of the stream, prefix included */
	u64	at;		/* ns, when it is late */
	u32	next;		/* number of the record behind it */
};

enum rill_rec_flags {
	RILL_REC_RTX	= BIT(0),	/* sent before under another number */
	RILL_REC_ECHO	= BIT(1),	/* the cookie echo: no run */
	RILL_REC_LIMITED = BIT(2),	/* the program was the limit, not the path */
	RILL_REC_ECT	= BIT(3),	/* left with ECT: may be marked */
	RILL_REC_PMTU	= BIT(4),	/* a probe for the path's MTU: no run, @plen is its size */
};

struct rill_rec {
	struct list_head node;	/* in recs, or done_recs */
	struct rill_run *run;	/* NULL: no payload, or all of it acknowledged */
	u64	pn;		/* of the first packet */
	u64	sent_at;	/* ns */
	u64	live;		/* bit i: packet pn + i is in flight */
	u64	lost;		/* bit i: declared lost, might still arrive */
	/* rate sample: as things stood when this left */
	u64	delivered;	/* bytes delivered */
	u64	delivered_at;	/* when that count was reached */
	u64	first_sent_at;	/* when the packet that reached it was sent */
	u64	inflight;	/* bytes in flight, this among them */
	u64	lost_bytes;	/* bytes lost */
	u64	told;		/* it tells of the peer's packets below, 0: of none */
	u16	plen;		/* payload of every packet but the last */
	u16	last_len;	/* payload of the last packet */
	u8	first;		/* index in the run of packet pn */
	u8	n;		/* packets, 1..64 */
	u8	flags;		/* enum rill_rec_flags */
};

struct rill_send {
	struct list_head runs;		/* not acknowledged whole, by offset */
	struct list_head recs;		/* with live or lost packets, by number */
	struct list_head done_runs;	/* for the owner of the memory to take */
	struct list_head done_recs;	/* likewise */
	struct list_head lives;		/* records that may be given up, by offset */
	struct rill_run *unsent;	/* first run with packets not sent, or NULL */
	u64	una;			/* lowest offset not acknowledged */
	u64	nxt;			/* offset of the first byte never sent */
	u64	end;			/* offset after the last byte written */
	u64	credit;			/* offset up to which the peer takes bytes */
	u64	small;			/* offset after the last packet sent short */
	u64	pn_next;		/* the next packet's number */
	struct rill_holes holes;	/* numbers it passed over */
	u64	largest_acked;		/* 0: none */
	u64	inflight;		/* bytes, headers included */
	u64	last_sent_at;		/* newest ack-eliciting packet */
	u64	progress_at;		/* since when nothing new was acknowledged */
	u64	reo_wnd;		/* ns a packet may be late, learned; 0: nothing seen */
	u64	loss_at;		/* deadline of the time threshold, RILL_NEVER */
	u64	life_at;		/* deadline: a record is late, or a little before */
	u64	delivered;		/* packets acknowledged in all */
	u64	delivered_bytes;	/* of them, headers included */
	u64	lost_bytes;		/* declared lost in all, headers included */
	u64	delivered_at;		/* when the last of them was */
	u64	first_sent_at;		/* when the packet acknowledged last was sent */
	u64	app_limited;		/* delivered_bytes up to which samples are small because
					 * the program was the limit; 0: they are not */
	u64	rate;			/* bytes a second, newest delivery rate sample */
	u32	reo_quiet;		/* recoveries since reordering was seen */
	u32	nrec;			/* records written, modulo 2^32 */
	u32	inflight_pkts;
	u32	rtx_pkts;		/* lost packets waiting to be sent again */
	u32	retrans_out;		/* retransmitted packets in flight */
	bool	fin_queued;		/* the last run carries the FIN */
	bool	fin_acked;		/* and the peer has it */
	bool	rate_limited;		/* @rate was limited by the program */
};

/*
 * How fast the path delivered, seen from the newest packet acknowledged
 * (draft-ietf-ccwg-bbr, 4.1).
 */
struct rill_rate {
	u64	bytes;		/* delivered since that packet left; 0: no sample */
	u64	interval;	/* ns it took to send or to deliver them, the longer */
	u64	prior;		/* bytes delivered when it left */
	u64	inflight;	/* bytes in flight when it had left */
	u64	prior_lost;	/* bytes lost when it left */
	bool	limited;	/* the program was the limit, not the path */
};

/* What one ACK item brought. */
struct rill_acked {
	u64	bytes;		/* newly acknowledged, headers included */
	u64	payload;		/* of them, stream bytes acknowledged the first time */
	u64	inflight;	/* bytes in flight before */
	u64	newest_sent_at;	/* when the newest of the packets was sent, 0: none */
	u64	rtt;		/* ns, 0: the largest is not new, no sample */
	u64	told;		/* the peer knows that its packets below came, or not */
	u64	late;		/* ns by which a packet thought lost came late */
	struct rill_rate rate;
	u32	pkts;		/* newly acknowledged */
	u32	spurious;	/* of packets declared lost */
	u32	ect;		/* of both, packets that left with ECT */
	u16	probe;		/* size of a path MTU probe among them, 0: none */
	u16	large;		/* payload of the largest packet beyond the base, 0: none */
	bool	small;		/* a packet up to the base is among them */
	bool	newest;		/* it acknowledges more than any before it */
	bool	echo;		/* the cookie echo is among them */
	bool	news;		/* so is something of a run, for the first time */
};

/* What a look for losses found. */
struct rill_losses {
	u32	pkts;		/* declared lost just now */
	u64	newest_sent_at;	/* when the newest of them was sent */
	u64	oldest_sent_at;
	u32	large;		/* of them, packets larger than the base */
	bool	probe;		/* besides, a path MTU probe */
};

void rill_send_init(struct rill_send *s, u64 now);
void rill_send_append(struct rill_send *s, struct rill_run *run, u64 now);
void rill_send_grow(struct rill_send *s, struct rill_run *run, u32 bytes);
struct rill_run *rill_send_tail(const struct rill_send *s);
struct rill_run *rill_send_unsent(const struct rill_send *s, struct rill_run *run);
void rill_send_settle(struct rill_send *s);
bool rill_send_ack_valid(const struct rill_send *s, const struct rill_ackblk *a);
bool rill_send_ack_lies(const struct rill_send *s, const struct rill_ackblk *a);
void rill_send_number(struct rill_send *s, u8 n);
void rill_send_acked(struct rill_send *s, const struct rill_ackblk *a, u64 now,
		     struct rill_acked *res);
void rill_send_record(struct rill_send *s, struct rill_rec *rec, struct rill_run *run,
		      u8 first, u8 n, u8 flags, u64 now);
void rill_send_lose(struct rill_send *s, struct rill_rec *rec, u64 mask,
		    struct rill_losses *res);
void rill_rec_leave(struct rill_send *s, struct rill_rec *rec, u64 mask);
void rill_send_forget(struct rill_send *s, struct rill_rec *rec);
struct rill_run *rill_send_next_lost(const struct rill_send *s, u8 *first, u8 *n);
struct rill_run *rill_send_oldest(const struct rill_send *s, u8 *idx);
void rill_send_take_back(struct rill_send *s);
void rill_send_purge(struct rill_send *s);
bool rill_send_large(const struct rill_send *s);
struct rill_run *rill_send_misfit(const struct rill_send *s, u16 payload);
void rill_run_slice(const struct rill_run *run, u8 i, u16 payload, struct rill_run *slice);
void rill_send_recut(struct rill_send *s, struct rill_run *run, struct list_head *slices);

/* A mask of the low @n bits, @n up to 64. */
static inline u64 rill_mask(u32 n)
{
	return n >= 64 ? U64_MAX : BIT_ULL(n) - 1;
}

/* Payload of packet @i of a run. */
static inline u16 rill_run_payload(const struct rill_run *run, u8 i)
{
	return i + 1 < run->n ? run->plen : run->len - (u32)i * run->plen;
}

/* Stream bytes of packets @first .. @first + @n - 1 of a run. */
static inline u32 rill_run_bytes(const struct rill_run *run, u8 first, u8 n)
{
	u32 end = first + n == run->n ? run->len : (u32)(first + n) * run->plen;

	return end - (u32)first * run->plen;
}

/* Something is out, lost, or written and not yet acknowledged. */
static inline bool rill_send_busy(const struct rill_send *s)
{
	return !list_empty(&s->runs);
}

#endif /* RILL_CORE_SENT_H */
