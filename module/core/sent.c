// SPDX-License-Identifier: GPL-2.0
/* sent.c - the books of sent.h. */
#include "late.h"
#include "range.h"
#include "sent.h"
#include "seq.h"

void rill_send_init(struct rill_send *s, u64 now)
{
	memset(s, 0, sizeof(*s));
	INIT_LIST_HEAD(&s->runs);
	INIT_LIST_HEAD(&s->recs);
	INIT_LIST_HEAD(&s->done_runs);
	INIT_LIST_HEAD(&s->done_recs);
	INIT_LIST_HEAD(&s->lives);
	s->life_at = RILL_NEVER;
	s->pn_next = 1;
	rill_holes_init(&s->holes, 0);
	s->loss_at = RILL_NEVER;
	s->progress_at = now;
	s->delivered_at = now;
}

/* The last run, when it can still grow or take a FIN; else NULL. */
struct rill_run *rill_send_tail(const struct rill_send *s)
{
	struct rill_run *run;

	if (list_empty(&s->runs))
		return NULL;
	run = list_last_entry(&s->runs, struct rill_run, node);
	return run->nsent < run->n && !(run->acked & BIT_ULL(run->n - 1)) ? run : NULL;
}

/* The first run behind @run with packets not sent, or NULL. */
struct rill_run *rill_send_unsent(const struct rill_send *s, struct rill_run *run)
{
	while (!list_is_last(&run->node, &s->runs)) {
		run = list_next_entry(run, node);
		if (run->nsent < run->n)
			return run;
	}
	return NULL;
}

/* @run follows all that was written before; its bytes are in place. */
void rill_send_append(struct rill_send *s, struct rill_run *run, u64 now)
{
	run->off = s->end;
	run->acked = 0;
	run->rtx = 0;
	run->nsent = 0;
	run->nrec = 0;
	if (list_empty(&s->runs))
		s->progress_at = now;
	list_add_tail(&run->node, &s->runs);
	s->end += run->len;
	if (run->flags & RILL_RUN_FIN)
		s->fin_queued = true;
	if (!s->unsent)
		s->unsent = run;
}

/* @bytes were added to @run, which rill_send_tail() returned. */
void rill_send_grow(struct rill_send *s, struct rill_run *run, u32 bytes)
{
	run->len += bytes;
	run->n = (run->len + run->plen - 1) / run->plen;
	s->end += bytes;
}

/* Nothing more can come of @rec. */
void rill_send_forget(struct rill_send *s, struct rill_rec *rec)
{
	list_move_tail(&rec->node, &s->done_recs);
	if (rec->run)
		rec->run->nrec--;
	rec->run = NULL;
}

/* Bytes, headers included, that the packets of @mask in @rec put in flight. */
static u64 rill_rec_bytes(const struct rill_rec *rec, u64 mask)
{
	u64 bytes = hweight64(mask) * (u64)(RILL_HDR + rec->plen);

	if (mask & BIT_ULL(rec->n - 1))
		bytes -= rec->plen - rec->last_len;
	return bytes;
}

void rill_rec_leave(struct rill_send *s, struct rill_rec *rec, u64 mask)
{
	u32 pkts = hweight64(mask);

	rec->live &= ~mask;
	s->inflight -= rill_rec_bytes(rec, mask);
	s->inflight_pkts -= pkts;
	if (rec->flags & RILL_REC_RTX)
		s->retrans_out -= pkts;
}

/*
 * @run is acknowledged whole: nobody needs its bytes again.  It does not wait
 * for records of lost or doubled packets: those go when acknowledgements come,
 * and a program blocked on the memory held here sends nothing to acknowledge.
 */
static void rill_run_done(struct rill_send *s, struct rill_run *run)
{
	struct rill_rec *rec;

	list_for_each_entry(rec, &s->recs, node) {
		if (!run->nrec)
			break;
		if (rec->run == run) {
			rec->run = NULL;
			run->nrec--;
		}
	}
	list_move_tail(&run->node, &s->done_runs);
}

/* Move una over what is whole. */
void rill_send_settle(struct rill_send *s)
{
	u64 una = s->end;

	while (!list_empty(&s->runs)) {
		struct rill_run *run = list_first_entry(&s->runs, struct rill_run, node);

		if (run->nsent < run->n || run->acked != rill_mask(run->n)) {
			una = run->off + (u64)run->plen *
			      __ffs64(~run->acked | BIT_ULL(run->n - 1));
			break;
		}
		rill_run_done(s, run);
	}
	/* Behind the FIN there may be word of records given up, which counts as much. */
	if (s->fin_queued && list_empty(&s->runs))
		s->fin_acked = true;
	s->una = una;
	rill_send_outlive(s);
}

/* The peer has packets @mask (indices in the run). */
static void rill_run_acked(struct rill_send *s, struct rill_run *run, u64 mask,
			   struct rill_acked *res)
{
	u64 fresh = mask & ~run->acked;

	if (!fresh)
		return;
	res->news = true;
	res->payload += hweight64(fresh) * (u64)run->plen;
	if (fresh & BIT_ULL(run->n - 1))
		res->payload -= run->plen - rill_run_payload(run, run->n - 1);
	run->acked |= fresh;
	s->rtx_pkts -= hweight64(run->rtx & fresh);
	run->rtx &= ~fresh;
	rill_send_settle(s);
}

/* @rec is the newest record acknowledged so far: the sample is seen from there. */
static void rill_rate_newest(struct rill_send *s, const struct rill_rec *rec,
			     u64 now, struct rill_rate *rate)
{
	rate->interval = max(rec->sent_at - rec->first_sent_at, now - rec->delivered_at);
	rate->prior = rec->delivered;
	rate->prior_lost = rec->lost_bytes;
	rate->inflight = rec->inflight;
	rate->limited = rec->flags & RILL_REC_LIMITED;
	s->first_sent_at = rec->sent_at;
}

/* The acknowledgement is taken: finish its sample. */
static void rill_rate_sample(struct rill_send *s, struct rill_acked *res, u64 now)
{
	struct rill_rate *rate = &res->rate;

	s->delivered_bytes += res->bytes;
	rate->bytes = s->delivered_bytes - rate->prior;
	s->delivered_at = now;
	if (s->delivered_bytes > s->app_limited)
		s->app_limited = 0;
	if (!rate->interval)
		return;
	s->rate = div64_u64(rate->bytes * RILL_SEC, rate->interval);
	s->rate_limited = rate->limited;
}

/* What the arrival of packets @mask of @rec says of the sizes the path carries. */
static void rill_sizes_acked(const struct rill_rec *rec, u64 mask, struct rill_acked *res)
{
	u16 size = mask & ~BIT_ULL(rec->n - 1) ? rec->plen : rec->last_len;

	if (rec->flags & RILL_REC_PMTU)
		res->probe = rec->plen;
	else if (size > RILL_PAYLOAD_BASE)
		res->large = max(res->large, size);
	else
		res->small = true;
}

static void rill_rec_acked(struct rill_send *s, struct rill_rec *rec, u64 mask, u64 now,
			   struct rill_acked *res)
{
	u64 hit = rec->live & mask, spurious = rec->lost & mask;

	if (!(hit | spurious))
		return;
	if (hit) {
		res->pkts += hweight64(hit);
		res->bytes += rill_rec_bytes(rec, hit);
		rill_rec_leave(s, rec, hit);
		s->delivered += hweight64(hit);
		rill_rate_newest(s, rec, now, &res->rate);
	}
	if (spurious) {
		res->spurious += hweight64(spurious);
		res->late = max(res->late, now - rec->sent_at);
		rec->lost &= ~spurious;
	}
	rill_sizes_acked(rec, hit | spurious, res);
	if (rec->flags & RILL_REC_ECT)
		res->ect += hweight64(hit | spurious);
	res->newest_sent_at = max(res->newest_sent_at, rec->sent_at);
	if (rec->flags & RILL_REC_ECHO)
		res->echo = true;
	res->told = max(res->told, rec->told);
	if (rec->run)
		rill_run_acked(s, rec->run, (hit | spurious) << rec->first, res);
	if (!(rec->live | rec->lost))
		rill_send_forget(s, rec);
}

/* The packets of @rec numbered @lo .. @hi, some of which are its, as a mask. */
static u64 rill_rec_mask(const struct rill_rec *rec, u64 lo, u64 hi)
{
	u64 end = rec->pn + rec->n;

	lo = max(lo, rec->pn) - rec->pn;
	hi = min(hi + 1, end) - rec->pn;
	return rill_mask(hi) & ~rill_mask(lo);
}

/* False: the peer acknowledges what was never sent. */
bool rill_send_ack_valid(const struct rill_send *s, const struct rill_ackblk *a)
{
	u64 largest = rill_expand(s->pn_next, a->largest), lo;
	u8 i;

	if (!rill_num_ok(largest) || !largest || largest >= s->pn_next ||
	    a->first >= largest)
		return false;
	lo = largest - a->first;
	for (i = 0; i < a->pairs; i++) {
		u64 step = 2ULL + get_unaligned_be16(a->pair + 4 * i) +
			   get_unaligned_be16(a->pair + 4 * i + 2);

		if (step >= lo)
			return false;
		lo -= step;
	}
	return true;
}

/* True: the peer, whose @a is valid, acknowledges what it cannot have received. */
bool rill_send_ack_lies(const struct rill_send *s, const struct rill_ackblk *a)
{
	return rill_holes_acked(&s->holes, a, rill_expand(s->pn_next, a->largest));
}

/* @n packets have left, under the numbers from pn_next on. */
void rill_send_number(struct rill_send *s, u8 n)
{
	s->pn_next += n;
	if (rill_holes_step(&s->holes, s->pn_next))
		s->pn_next++;
}

/*
 * Write the ranges of @a into @v, the newest first, down to packet @oldest; the
 * number of them.
 */
static u8 rill_ack_ranges(const struct rill_ackblk *a, u64 largest, u64 oldest,
			  struct rill_range *v)
{
	u64 hi = largest, lo = largest - a->first;
	u8 i;

	for (i = 0; ; i++) {
		v[i].lo = lo;
		v[i].hi = hi;
		if (i == a->pairs || lo <= oldest)
			return i + 1;
		hi = lo - 2 - get_unaligned_be16(a->pair + 4 * i);
		lo = hi - get_unaligned_be16(a->pair + 4 * i + 2);
	}
}

/*
 * rill_send_acked() - take an ACK item that rill_send_ack_valid() passed.
 *
 * Walks records and ranges together, by number: the cost is what is in flight
 * below the largest acknowledged, per record and not per packet.
 */
void rill_send_acked(struct rill_send *s, const struct rill_ackblk *a, u64 now,
		     struct rill_acked *res)
{
	struct rill_range v[RILL_ACK_PAIRS_MAX + 1];
	u64 largest = rill_expand(s->pn_next, a->largest);
	struct rill_rec *rec, *next;
	int i, j;

	memset(res, 0, sizeof(*res));
	res->inflight = s->inflight;
	res->newest = largest > s->largest_acked;
	rec = list_first_entry(&s->recs, struct rill_rec, node);
	i = list_empty(&s->recs) ? -1 : rill_ack_ranges(a, largest, rec->pn, v) - 1;

	list_for_each_entry_safe(rec, next, &s->recs, node) {
		u64 end = rec->pn + rec->n, mask = 0, live = rec->live;
		u64 sent_at = rec->sent_at;

		while (i >= 0 && v[i].hi < rec->pn)
			i--;
		if (i < 0)
			break;
		for (j = i; j >= 0 && v[j].lo < end; j--)
			mask |= rill_rec_mask(rec, v[j].lo, v[j].hi);
		if (!mask)
			continue;
		/*
		 * RFC 9002 5.1: a sample only when the largest is new.  It may
		 * be an acknowledgement of ours, which has no record: then from
		 * the newest packet below it.
		 */
		if (largest > s->largest_acked && live & mask)
			res->rtt = max_t(u64, now - sent_at, 1);
		rill_rec_acked(s, rec, mask, now, res);
	}
	s->largest_acked = max(s->largest_acked, largest);
	if (!res->pkts)
		return;
	/* A probe that comes through says nothing of the data that does not. */
	if (res->news || res->echo)
		s->progress_at = now;
	rill_rate_sample(s, res, now);
}

/*
 * rill_send_record() - packets have left.
 * @rec:   memory, becomes part of the books
 * @run:   whose packets @first .. @first + @n - 1 they are; NULL: one packet
 *         without payload that wants an acknowledgement
 */
void rill_send_record(struct rill_send *s, struct rill_rec *rec, struct rill_run *run,
		      u8 first, u8 n, u8 flags, u64 now)
{
	rec->run = run;
	rec->pn = s->pn_next;
	rec->sent_at = now;
	rec->live = rill_mask(n);
	rec->lost = 0;
	rec->first = first;
	rec->n = n;
	rec->flags = flags;
	if (!s->inflight)
		s->delivered_at = s->first_sent_at = now;
	rec->delivered = s->delivered_bytes;
	rec->delivered_at = s->delivered_at;
	rec->first_sent_at = s->first_sent_at;
	rec->lost_bytes = s->lost_bytes;
	if (s->app_limited)
		rec->flags |= RILL_REC_LIMITED;
	rec->told = 0;
	rec->plen = rec->last_len = 0;
	if (run) {
		u64 mask = rill_mask(n) << first;

		rec->last_len = rill_run_payload(run, first + n - 1);
		rec->plen = n > 1 ? run->plen : rec->last_len;
		run->nrec++;
		s->rtx_pkts -= hweight64(run->rtx & mask);
		run->rtx &= ~mask;
		if (first + n > run->nsent) {
			run->nsent = first + n;
			s->nxt = run->off + rill_run_bytes(run, 0, run->nsent);
			if (rec->last_len < run->plen)
				s->small = s->nxt;
			if (run->nsent == run->n)
				s->unsent = rill_send_unsent(s, run);
		}
	}
	if (!s->inflight_pkts && !s->rtx_pkts && !(flags & RILL_REC_RTX))
		s->progress_at = now;
	rill_send_number(s, n);
	s->inflight += rill_rec_bytes(rec, rec->live);
	rec->inflight = s->inflight;
	s->inflight_pkts += n;
	if (flags & RILL_REC_RTX)
		s->retrans_out += n;
	s->last_sent_at = now;
	list_add_tail(&rec->node, &s->recs);
	rill_send_pass(s);
}

/* Packets @mask of @rec, all live, are lost: their data waits to go again. */
void rill_send_lose(struct rill_send *s, struct rill_rec *rec, u64 mask,
		    struct rill_losses *res)
{
	struct rill_run *run = rec->run;

	if (rec->flags & RILL_REC_PMTU) {
		/* RFC 8899 3, 7: no sign of congestion. */
		rill_rec_leave(s, rec, mask);
		rec->lost |= mask;
		res->probe = true;
		return;
	}
	s->lost_bytes += rill_rec_bytes(rec, mask);
	rill_rec_leave(s, rec, mask);
	rec->lost |= mask;
	if (rec->plen > RILL_PAYLOAD_BASE)
		res->large += hweight64(mask);
	if (!res->pkts)
		res->oldest_sent_at = rec->sent_at;
	res->pkts += hweight64(mask);
	res->newest_sent_at = max(res->newest_sent_at, rec->sent_at);
	if (run) {
		u64 again = (mask << rec->first) & ~run->acked & ~run->rtx;

		run->rtx |= again;
		s->rtx_pkts += hweight64(again);
	}
}

/*
 * rill_send_next_lost() - the first stretch of packets to send again.
 * @first: index of its first packet in the run
 * @n:     how many follow each other
 *
 * Return: the run, NULL when nothing is lost.
 */
struct rill_run *rill_send_next_lost(const struct rill_send *s, u8 *first, u8 *n)
{
	struct rill_run *run;

	if (!s->rtx_pkts)
		return NULL;
	list_for_each_entry(run, &s->runs, node) {
		u64 rest;

		if (!run->rtx)
			continue;
		*first = __ffs64(run->rtx);
		rest = ~(run->rtx >> *first);
		*n = rest ? __ffs64(rest) : 64;
		return run;
	}
	return NULL;
}

/* The oldest packet sent and not acknowledged: what a probe carries. */
struct rill_run *rill_send_oldest(const struct rill_send *s, u8 *idx)
{
	struct rill_run *run;

	list_for_each_entry(run, &s->runs, node) {
		u64 open = rill_mask(run->nsent) & ~run->acked;

		if (open) {
			*idx = __ffs64(open);
			return run;
		}
		if (run->nsent < run->n)
			break;
	}
	return NULL;
}

/*
 * rill_send_take_back() - what was sent has not arrived and never will.
 *
 * It is new again, in packets with new numbers.  For data that left before there
 * was a connection.
 */
void rill_send_take_back(struct rill_send *s)
{
	struct rill_rec *rec, *nrec;
	struct rill_run *run;

	list_for_each_entry_safe(rec, nrec, &s->recs, node) {
		rill_rec_leave(s, rec, rec->live);
		rill_send_forget(s, rec);
	}
	list_for_each_entry(run, &s->runs, node)
		run->nsent = 0;
	s->unsent = list_empty(&s->runs) ? NULL : list_first_entry(&s->runs, struct rill_run, node);
	s->nxt = s->small = s->una;
}

/* The connection is over: everything goes back to its owner. */
void rill_send_purge(struct rill_send *s)
{
	struct rill_rec *rec, *nrec;
	struct rill_life *life;

	list_for_each_entry_safe(rec, nrec, &s->recs, node)
		rill_send_forget(s, rec);
	list_splice_tail_init(&s->runs, &s->done_runs);
	list_for_each_entry(life, &s->lives, node)
		list_add_tail(&life->skip.node, &s->done_runs);
	INIT_LIST_HEAD(&s->lives);
	s->life_at = RILL_NEVER;
	s->unsent = NULL;
	s->inflight = 0;
	s->inflight_pkts = 0;
	s->rtx_pkts = 0;
	s->retrans_out = 0;
	s->loss_at = RILL_NEVER;
}
