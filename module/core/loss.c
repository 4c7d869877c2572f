// SPDX-License-Identifier: GPL-2.0
/* loss.c - loss detection.  See loss.h. */
#include "loss.h"

/* ns after sending at which a packet overtaken by an acknowledged one is lost. */
static u64 rill_loss_delay(const struct rill_send *s, const struct rill_rtt *rtt)
{
	u64 base = rill_rtt_now(rtt);

	/* RFC 9002 6.1.2: 9/8 of a round trip, or what reordering taught us. */
	return max(base + max(base / 8, s->reo_wnd), RILL_RTT_GRANULARITY);
}

/* The packets of @rec that came @RILL_PKT_THRESHOLD or more before the largest. */
static u64 rill_loss_by_number(const struct rill_send *s, const struct rill_rec *rec)
{
	u64 limit = s->largest_acked - RILL_PKT_THRESHOLD;

	/* A number never used overtook nobody. */
	limit -= rill_holes_in(&s->holes, limit, s->largest_acked);
	/* Once reordering is known, counting packets means nothing (RFC 8985 6.2). */
	if (s->reo_wnd || s->largest_acked < RILL_PKT_THRESHOLD + 1 || limit < rec->pn)
		return 0;
	return rill_mask(min_t(u64, limit - rec->pn + 1, 64));
}

/*
 * rill_loss_detect() - look for packets that are lost by now.
 *
 * Called after an acknowledgement, and when rill_send.loss_at comes.  Sets
 * loss_at for the first packet that is late and not lost yet, and drops records
 * so old that even news of them would teach nothing.
 */
void rill_loss_detect(struct rill_send *s, const struct rill_rtt *rtt, u64 now,
		      struct rill_losses *res)
{
	u64 delay = rill_loss_delay(s, rtt), keep = 3 * delay + 100 * RILL_MSEC;
	struct rill_rec *rec, *next;

	memset(res, 0, sizeof(*res));
	s->loss_at = RILL_NEVER;
	list_for_each_entry_safe(rec, next, &s->recs, node) {
		u64 below, lost;

		if (rec->pn > s->largest_acked)
			break;
		if (!rec->live && rec->sent_at + keep <= now) {
			rill_send_forget(s, rec);
			continue;
		}
		below = rill_mask(min_t(u64, s->largest_acked - rec->pn, 64)) & rec->live;
		if (!below)
			continue;
		if (rec->sent_at + delay <= now)
			lost = below;
		else
			lost = below & rill_loss_by_number(s, rec);
		if (lost)
			rill_send_lose(s, rec, lost, res);
		if (below & ~lost)
			s->loss_at = min(s->loss_at, rec->sent_at + delay);
	}
}

/*
 * rill_loss_learn() - a packet declared lost arrived after all.
 * @late: ns between sending it and hearing of it
 *
 * The window grows to what would have waited for it, to one round trip at most
 * (RFC 8985 6.2 step 4).
 */
void rill_loss_learn(struct rill_send *s, const struct rill_rtt *rtt, u64 late)
{
	u64 base = rill_rtt_now(rtt);
	u64 wnd = late > base ? late - base : 0;

	wnd = max(wnd + wnd / 8, base / 4);
	s->reo_wnd = max(s->reo_wnd, min(wnd, base));
	s->reo_quiet = 0;
}

/* A recovery began: after 16 without reordering, what was learned is forgotten. */
void rill_loss_quiet(struct rill_send *s)
{
	if (s->reo_wnd && ++s->reo_quiet > RILL_REO_PERSIST)
		s->reo_wnd = 0;
}

/* RFC 9002 7.6: do these losses span the time of persistent congestion? */
bool rill_loss_persistent(const struct rill_losses *l, const struct rill_rtt *rtt,
			  u64 max_ack_delay)
{
	if (l->pkts < 2 || !rtt->srtt)
		return false;
	return l->newest_sent_at - l->oldest_sent_at >
	       3 * rill_rtt_pto(rtt, max_ack_delay, 0);
}
