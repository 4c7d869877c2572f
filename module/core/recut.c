// SPDX-License-Identifier: GPL-2.0
/*
 * recut.c - packets that turned out too large for the path are cut anew.
 *
 * Owns what becomes of the books of sent.h then.  Each packet of a run becomes a
 * run of its own, of smaller packets without room for headers between them
 * (RILL_RUN_FLAT); the bytes stay where they are.  What is in flight of the old
 * run is forgotten: it went into a black hole.
 *
 *	[  0  |  1  |  2  ]  ->  [0 0 0] [1 1 1] [2 2 2]
 */
#include "late.h"

/* Are packets in flight that are larger than every path carries? */
bool rill_send_large(const struct rill_send *s)
{
	const struct rill_rec *rec;

	list_for_each_entry(rec, &s->recs, node)
		if (rec->live && rec->run && rec->plen > RILL_PAYLOAD_BASE)
			return true;
	return false;
}

/* The first run whose packets carry more than @payload, NULL: none. */
struct rill_run *rill_send_misfit(const struct rill_send *s, u16 payload)
{
	struct rill_run *run;

	list_for_each_entry(run, &s->runs, node)
		if (run->plen > payload && !(run->flags & RILL_RUN_SKIP))
			return run;
	return NULL;
}

/* @slice becomes packet @i of @run, as packets of @payload bytes. */
void rill_run_slice(const struct rill_run *run, u8 i, u16 payload, struct rill_run *slice)
{
	bool last = i + 1 == run->n;

	memset(slice, 0, sizeof(*slice));
	INIT_LIST_HEAD(&slice->node);
	slice->off = run->off + (u64)i * run->plen;
	slice->len = rill_run_payload(run, i);
	slice->plen = payload;
	slice->n = (slice->len + payload - 1) / payload;
	slice->flags = RILL_RUN_FLAT | (last ? run->flags & RILL_RUN_FIN : 0);
	if (run->acked & BIT_ULL(i))
		slice->acked = rill_mask(slice->n);
	if (i < run->nsent) {
		slice->nsent = slice->n;
		slice->rtx = rill_mask(slice->n) & ~slice->acked;
	}
}

/* @slices, one for each packet of @run, take its place. */
void rill_send_recut(struct rill_send *s, struct rill_run *run, struct list_head *slices)
{
	struct rill_run *slice;
	struct rill_rec *rec, *next;

	list_for_each_entry_safe(rec, next, &s->recs, node) {
		if (rec->run != run)
			continue;
		rill_rec_leave(s, rec, rec->live);
		rill_send_forget(s, rec);
	}
	s->rtx_pkts -= hweight64(run->rtx);
	list_for_each_entry(slice, slices, node) {
		s->rtx_pkts += hweight64(slice->rtx);
		if (s->unsent == run && slice->nsent < slice->n)
			s->unsent = slice;
	}
	list_splice_tail_init(slices, &run->node);
	list_move_tail(&run->node, &s->done_runs);
	rill_send_pass(s);
	rill_send_settle(s);
}
