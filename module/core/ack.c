// SPDX-License-Identifier: GPL-2.0
/* ack.c - which packets arrived, and when to say so.  See ack.h. */
#include "ack.h"

void rill_ackq_init(struct rill_ackq *q)
{
	memset(q, 0, sizeof(*q));
	q->pns.v = q->v;
	q->pns.cap = RILL_ACK_RANGES;
	q->floor = 1;			/* packet number 0 is the handshake's */
	q->deadline = RILL_NEVER;
	q->quick = RILL_ACK_QUICK;
}

/* How many of the packets @pn .. @pn + @n - 1 were received before. */
enum rill_cover rill_ackq_cover(const struct rill_ackq *q, u64 pn, u32 n)
{
	if (pn + n <= q->floor)
		return RILL_COVER_ALL;
	if (pn < q->floor)
		return RILL_COVER_SOME;
	return rill_ranges_cover(&q->pns, pn, pn + n);
}

/*
 * rill_ackq_told() - the peer has an acknowledgement that ended below @told.
 *
 * RFC 9000 13.2.4: acknowledgements of acknowledgements.  The ranges in it need not
 * be told again, which keeps what is told short; they are still known, to tell
 * copies, and are told again when something new comes among them.
 */
void rill_ackq_told(struct rill_ackq *q, u64 told)
{
	q->told = max(q->told, told);
}

/*
 * rill_ackq_add() - packets @pn .. @pn + @n - 1 arrived, none of them before.
 *
 * Return: true when they leave or fill a gap: the sender should hear at once.
 */
bool rill_ackq_add(struct rill_ackq *q, u64 pn, u32 n, u64 now)
{
	bool gap = q->largest ? pn != q->largest + 1 : false;

	q->told = min(q->told, pn);
	if (!rill_ranges_add(&q->pns, pn, pn + n)) {
		/* Full: forget the oldest, it has been reported many times. */
		if (pn < q->pns.v[0].lo) {
			q->floor = pn + n;
			return true;
		}
		q->floor = q->pns.v[0].hi;
		rill_ranges_drop_below(&q->pns, q->floor);
		rill_ranges_add(&q->pns, pn, pn + n);
	}
	if (pn + n - 1 > q->largest) {
		q->largest = pn + n - 1;
		q->largest_at = now;
	}
	return gap;
}

/*
 * rill_ackq_eliciting() - @n of the packets just added want an answer.
 * @bytes: of payload they carried
 * @full:  payload of a full packet, as seen so far
 * @gap:   what rill_ackq_add() said
 *
 * RFC 9293 MUST-58/59, SHLD-19: every second full packet; at once on a gap;
 * 25 ms late at most.
 */
void rill_ackq_eliciting(struct rill_ackq *q, u32 n, u32 bytes, u32 full, bool gap, u64 now)
{
	q->pend = min_t(u32, q->pend + n, U16_MAX);
	q->pend_bytes += bytes;
	if (gap || rill_ackq_due(q, full))
		q->now = true;
	if (q->quick && !q->pingpong) {
		q->quick -= min_t(u32, q->quick, n);
		q->now = true;
	}
	if (q->deadline == RILL_NEVER)
		q->deadline = now + RILL_ACK_DELAY;
}

/* @n packets came with the IP header's ECN field @ecn (0..3). */
void rill_ackq_count_ecn(struct rill_ackq *q, u8 ecn, u32 n)
{
	static const s8 slot[4] = { -1, 1, 0, 2 };	/* not, ECT(1), ECT(0), CE */

	if (slot[ecn & 3] >= 0)
		q->ecn[slot[ecn & 3]] += n;
}

/*
 * rill_ack_put() - write an ACK item for the packet numbers @pns, which are some.
 * @max_pairs: ranges to report besides the newest, at most RILL_ACK_PAIRS_MAX
 * @told:      what lies below need not be reported
 * @delay:     us since the largest came
 */
void rill_ack_put(const struct rill_ranges *pns, struct rill_extbuf *x, u8 max_pairs, u64 told,
		  u32 delay)
{
	const struct rill_range *r = &pns->v[pns->n - 1];
	u64 largest = r->hi - 1, first = largest - r->lo;
	u16 pairs[2 * RILL_ACK_PAIRS_MAX];
	int i = pns->n - 1;
	u8 np = 0;

	while (i-- > 0 && np < max_pairs) {
		u64 gap = r[0].lo - r[-1].hi, run = r[-1].hi - r[-1].lo;

		/* So a gap always fits 16 bits. */
		if (largest - r[-1].hi > RILL_ACK_REACH || r[-1].hi <= told)
			break;
		pairs[2 * np] = gap - 1;
		pairs[2 * np + 1] = min_t(u64, run - 1, U16_MAX);
		np++;
		if (run - 1 > U16_MAX)
			break;
		r--;
	}
	if (first > BIT(30)) {
		first = BIT(30);	/* the rest was reported long ago */
		np = 0;
	}
	rill_ext_put_ack(x, largest, delay, first, pairs, np);
}

/* As rill_ack_put(), for all that was received; and the ECN item when there are marks. */
void rill_ackq_put(const struct rill_ackq *q, struct rill_extbuf *x, u8 max_pairs, u64 now)
{
	if (!q->pns.n)
		return;
	rill_ack_put(&q->pns, x, max_pairs, q->told,
		     min_t(u64, div_u64(now - q->largest_at, RILL_USEC), U32_MAX));
	if (q->ecn[0] | q->ecn[1] | q->ecn[2])
		rill_ext_put_ecn(x, q->ecn);
}

/* An acknowledgement of all that is pending has left. */
void rill_ackq_sent(struct rill_ackq *q)
{
	q->pend = 0;
	q->pend_bytes = 0;
	q->now = false;
	q->deadline = RILL_NEVER;
}
