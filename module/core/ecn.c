// SPDX-License-Identifier: GPL-2.0
/* ecn.c - ECN validation.  See ecn.h. */
#include "ecn.h"

/* Another path: it may do better, or worse.  The peer's counts go on. */
void rill_ecn_restart(struct rill_ecn *e)
{
	e->state = RILL_ECN_TESTING;
	e->tested = e->marked = e->lost = 0;
}

/* @n packets left with @code in their IP header. */
void rill_ecn_sent(struct rill_ecn *e, u8 code, u32 n)
{
	if (code == RILL_ECT0)
		e->sent[0] += n;
	else if (code == RILL_ECT1)
		e->sent[1] += n;
}

/* Do the counts that grew by @fresh account for @acked packets that left with ECT? */
static bool rill_ecn_plausible(const struct rill_ecn *e, const u32 *fresh, u32 acked)
{
	u32 i;

	for (i = 0; i < 3; i++)
		if ((s32)fresh[i] < 0)
			return false;	/* a count went back */
	if (fresh[0] + fresh[1] + fresh[2] < acked)
		return false;		/* marks were removed */
	return (s32)(e->sent[0] - e->seen[0] - fresh[0]) >= 0 &&
	       (s32)(e->sent[1] - e->seen[1] - fresh[1]) >= 0;
}

/*
 * rill_ecn_acked() - the newest acknowledgement reports marks.
 * @counts: ECT(0), ECT(1), CE; NULL: it reports none
 * @acked:  packets sent with ECT that it acknowledges for the first time
 *
 * Return: how many more packets were marked CE.
 */
u32 rill_ecn_acked(struct rill_ecn *e, const u32 *counts, u32 acked)
{
	u32 fresh[3] = { 0 }, i;

	for (i = 0; i < 3 && counts; i++)
		fresh[i] = counts[i] - e->seen[i];
	if (!rill_ecn_works(e))
		return 0;
	if (!rill_ecn_plausible(e, fresh, acked)) {
		e->state = RILL_ECN_FAILED;
		return 0;
	}
	for (i = 0; i < 3; i++)
		e->seen[i] += fresh[i];
	if (e->state == RILL_ECN_TESTING) {
		e->tested += acked;
		e->marked += fresh[2];
		/* A path that marks everything tells nothing. */
		if (e->tested >= RILL_ECN_TEST)
			e->state = e->marked >= e->tested ? RILL_ECN_FAILED : RILL_ECN_CAPABLE;
	}
	return fresh[2];
}

/* Time-outs in a row: perhaps the path drops what could be marked.  True: so it is taken. */
bool rill_ecn_silent(struct rill_ecn *e)
{
	if (e->state != RILL_ECN_TESTING || e->tested || (!e->sent[0] && !e->sent[1]))
		return false;
	e->state = RILL_ECN_FAILED;
	return true;
}

/* Losses; time-outs do not come in a row where probes, which are not marked, get through. */
bool rill_ecn_lost(struct rill_ecn *e, u32 n)
{
	e->lost += n;
	return e->lost >= RILL_ECN_TEST && rill_ecn_silent(e);
}
