// SPDX-License-Identifier: GPL-2.0
/* recv.c - reassembly and credit.  See recv.h. */
#include "recv.h"
#include "wire.h"

/*
 * rill_recv_init() - an empty stream.
 * @wnd:     bytes of credit to start with
 * @wnd_max: bytes autotuning may go to; @wnd: no autotuning
 * @wnd_min: bytes always given to a reader that has read all: one packet, or
 *           the peer could never send it
 */
void rill_recv_init(struct rill_recv *r, u32 wnd, u32 wnd_max, u32 wnd_min, u64 now)
{
	memset(r, 0, sizeof(*r));
	r->fin = RILL_NO_FIN;
	r->wnd_min = wnd_min;
	r->wnd = max(wnd, wnd_min);
	/* Offsets are 32 bits on the wire: old and new must not meet. */
	r->wnd_max = min_t(u32, max(wnd_max, r->wnd), RILL_WND_MAX);
	r->wnd = min(r->wnd, r->wnd_max);
	r->credit = r->wnd;
	r->rtt_mark = r->wnd;
	r->rtt_mark_at = now;
	r->tune_at = now;
	r->full = 536;			/* RFC 9293 3.7.1, until packets tell */
}

/* The stream is one of records; nothing of it has arrived yet. */
void rill_recv_records(struct rill_recv *r)
{
	r->records = true;
	r->end = RILL_PREFIX;
	r->credit = rill_recv_promise(r);
}

/* The next record begins at @whole and is number @nrec. */
static void rill_recv_begin(struct rill_recv *r, u64 whole, u32 nrec)
{
	r->whole = whole;
	r->end = whole + RILL_PREFIX;
	r->sized = false;
	r->nrec = nrec;
}

/* Step over records that were given up, if it is their turn. */
static bool rill_recv_pass(struct rill_recv *r)
{
	const struct rill_gap *gap = rill_gaps_ahead(&r->gaps);
	u64 from = r->whole, to;
	u32 lost, next;

	if (!gap || gap->from > from)
		return false;
	to = gap->to;
	next = gap->next;
	lost = next - r->nrec;
	/* Each had a prefix at least. */
	r->broken |= !lost || lost > (to - from) / RILL_PREFIX;
	r->missed += lost;
	rill_gaps_pass(&r->gaps, from, lost);
	rill_recv_begin(r, to, next);
	return true;
}

/* Step over the record at @whole, if all of it is here. */
static bool rill_recv_done(struct rill_recv *r)
{
	if (!r->sized || r->nxt < r->end || !rill_recv_sane(r))
		return false;
	rill_recv_begin(r, r->end, r->nrec + 1);
	return true;
}

/* The program has read all before records that were given up: so it has these. */
static void rill_recv_over(struct rill_recv *r)
{
	const struct rill_gap *gap = r->gaps.v;

	while (r->gaps.passed && gap->from <= r->read) {
		r->tune_read += gap->to - r->read;
		r->read = gap->to;
		r->lost += gap->lost;
		rill_gaps_drop(&r->gaps, 0);
	}
}

/* More of the stream is here, or more is known of it: what may be read now? */
static void rill_recv_settle(struct rill_recv *r)
{
	if (!r->records) {
		r->whole = r->nxt;
		return;
	}
	/* Given up comes first: @nxt has stepped over bytes that never came. */
	while (rill_recv_pass(r) || rill_recv_done(r))
		;
	rill_recv_over(r);
}

/* The prefix at @whole, which rill_recv_wants() asked for, says @len bytes. */
void rill_recv_prefix(struct rill_recv *r, u32 len)
{
	r->end = r->whole + RILL_PREFIX + len;
	r->sized = true;
	rill_recv_settle(r);
}

/* The last byte that can exist given what has been seen. */
static u64 rill_recv_top(const struct rill_recv *r)
{
	return r->ooo.n ? r->ooo.v[r->ooo.n - 1].hi : r->nxt;
}

/* A receiver's round trip: the time a window's worth takes to arrive. */
static void rill_recv_measure(struct rill_recv *r, u64 now)
{
	u64 sample = now - r->rtt_mark_at;

	if (r->nxt < r->rtt_mark)
		return;
	r->rtt = r->rtt ? min(r->rtt + r->rtt / 8, sample) : sample;
	r->rtt_mark = r->nxt + r->wnd;
	r->rtt_mark_at = now;
}

/* All below @end is here, and what follows it in turn. */
static void rill_recv_join(struct rill_recv *r, u64 end)
{
	r->nxt = end;
	/* A run may fill several gaps at once. */
	while (r->ooo.n && r->ooo.v[0].lo <= r->nxt) {
		r->nxt = max(r->nxt, r->ooo.v[0].hi);
		rill_ranges_drop_below(&r->ooo, r->nxt);
	}
}

/*
 * rill_recv_data() - bytes [@off, @off + @len) arrived, FIN after them if @fin.
 * @why: set when the answer is DROP; INOFO or INOLD otherwise, or NONE
 */
enum rill_rcv rill_recv_data(struct rill_recv *r, u64 off, u32 len, bool fin, u64 now,
			     enum rill_mib *why)
{
	bool news = fin && r->fin == RILL_NO_FIN;
	u64 end = off + len;

	*why = RILL_MIB_INBADFIN;
	if (end > r->fin || (fin && r->fin != RILL_NO_FIN && end != r->fin))
		return RILL_RCV_DROP;
	if (fin && end < rill_recv_top(r))
		return RILL_RCV_DROP;
	*why = RILL_MIB_INBEYOND;
	if (end > r->credit)
		return RILL_RCV_DROP;

	*why = RILL_MIB_INOLD;
	if (news) {
		r->fin = end;
		*why = RILL_MIB_NONE;
		if (!len)
			return RILL_RCV_OLD;
	} else if (end <= r->nxt || !len) {
		return RILL_RCV_OLD;
	}

	if (off > r->nxt) {
		if (rill_ranges_cover(&r->ooo, off, end) == RILL_COVER_ALL)
			return RILL_RCV_OLD;
		*why = RILL_MIB_INNOROOM;
		if (!rill_ranges_add(&r->ooo, off, end)) {
			if (news)
				r->fin = RILL_NO_FIN;
			return RILL_RCV_DROP;
		}
		*why = RILL_MIB_INOFO;
		return RILL_RCV_AHEAD;
	}

	*why = RILL_MIB_NONE;
	rill_recv_join(r, end);
	rill_recv_settle(r);
	rill_recv_measure(r, now);
	return RILL_RCV_QUEUE;
}

/*
 * rill_recv_skip() - the peer has given up the records in [@from, @to); the one
 * behind them is number @next.
 * @why: set when the answer is DROP, else NONE
 *
 * What of them has arrived whole has arrived.
 */
enum rill_rcv rill_recv_skip(struct rill_recv *r, u64 from, u64 to, u32 next,
			     enum rill_mib *why)
{
	u64 nxt = r->nxt;

	*why = RILL_MIB_NONE;
	if (to <= r->whole)
		return RILL_RCV_OLD;
	*why = RILL_MIB_INBADFIN;
	if (to > r->fin)
		return RILL_RCV_DROP;
	*why = RILL_MIB_INBEYOND;
	if (to > r->credit + RILL_WND_MAX)
		return RILL_RCV_DROP;
	*why = RILL_MIB_INNOROOM;
	from = max(from, r->whole);
	/* The last place is for what stands before the next byte: it does not stay ahead. */
	if (r->gaps.n + (from > nxt) >= r->gaps.cap)
		return RILL_RCV_DROP;
	if (from > nxt && !rill_ranges_add(&r->ooo, from, to))
		return RILL_RCV_DROP;
	*why = RILL_MIB_NONE;
	rill_gaps_add(&r->gaps, from, to, next);
	if (from <= nxt) {
		rill_recv_join(r, max(nxt, to));
		/* Nothing arrived: it says nothing about the time that takes. */
		r->rtt_mark += r->nxt - nxt;
	}
	rill_recv_settle(r);
	return from <= nxt ? RILL_RCV_QUEUE : RILL_RCV_AHEAD;
}

/* Dynamic right-sizing: twice what the program reads in a round trip. */
static void rill_recv_tune(struct rill_recv *r, u64 rtt, u64 now)
{
	u64 want;

	if (!rtt || (r->rtt && r->rtt < rtt))
		rtt = r->rtt;
	if (!rtt || now - r->tune_at < rtt)
		return;
	r->space = min_t(u64, r->read - r->tune_read, U32_MAX);
	want = 2ULL * r->space + 16ULL * r->full;
	if (want > r->wnd)
		r->wnd = min_t(u64, want, r->wnd_max);
	r->tune_read = r->read;
	r->tune_at = now;
}

/*
 * rill_recv_read() - the program took @bytes.
 * @rtt: ns, the sender's side estimate, 0: none
 *
 * Return: true when the peer should be told of the new credit now: it has come
 * down to half the window, and at least doubles by a train's worth (RFC 9293
 * MUST-39).
 */
bool rill_recv_read(struct rill_recv *r, u32 bytes, u64 rtt, u64 now)
{
	u64 left, grown;

	r->read += bytes;
	rill_recv_over(r);
	rill_recv_tune(r, rtt, now);
	if (r->fin != RILL_NO_FIN)
		return false;
	if (rill_recv_promise(r) <= r->credit)
		return false;
	left = r->credit > r->nxt ? r->credit - r->nxt : 0;
	grown = rill_recv_promise(r) - r->credit;
	/* The peer could not send one packet, and now can. */
	if ((left < r->wnd_min && left + grown >= r->wnd_min) || rill_recv_stuck(r))
		return true;
	return left <= r->wnd / 2 && grown >= left &&
	       grown >= min_t(u64, 16 * r->full, r->wnd / 4);
}

/* The host's limits are new: keep @wnd bytes open, one packet at least, @wnd_max at most. */
void rill_recv_limit(struct rill_recv *r, u32 wnd, u32 wnd_max)
{
	r->wnd = min_t(u32, max(wnd, r->wnd_min), RILL_WND_MAX);
	r->wnd_max = min_t(u32, max(wnd_max, r->wnd), RILL_WND_MAX);
}

/* What the peer needs to send the record that the program waits for. */
static u64 rill_recv_need(const struct rill_recv *r)
{
	return r->records && !rill_recv_ready(r) ? r->end + r->wnd_min : 0;
}

/* The credit to tell the peer now. */
u64 rill_recv_promise(const struct rill_recv *r)
{
	return max3(r->credit, r->read + r->wnd, rill_recv_need(r));
}

/* The program waits for a record, and the peer may not have the credit to send it. */
bool rill_recv_stuck(const struct rill_recv *r)
{
	return r->credit < rill_recv_need(r) && r->fin == RILL_NO_FIN;
}

/* A packet is about to leave: what it tells the peer is now promised. */
void rill_recv_grant(struct rill_recv *r)
{
	r->credit = rill_recv_promise(r);
}
