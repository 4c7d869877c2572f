// SPDX-License-Identifier: GPL-2.0
/* gap.c - the set of gap.h. */
#include "gap.h"

void rill_gaps_drop(struct rill_gaps *g, u16 i)
{
	g->n--;
	if (i < g->passed)
		g->passed--;
	memmove(&g->v[i], &g->v[i + 1], (g->n - i) * sizeof(*g->v));
}

/*
 * rill_gaps_add() - [@from, @to) is given up, the record behind is @next; all of
 * it is ahead.  Ones that overlap or touch become one.
 *
 * Return: false: no room, nothing has changed.
 */
bool rill_gaps_add(struct rill_gaps *g, u64 from, u64 to, u32 next)
{
	u16 i = g->passed;

	/* To need a free place even to merge is simpler, and nothing worse. */
	if (g->n == g->cap)
		return false;
	while (i < g->n && g->v[i].to < from)
		i++;
	while (i < g->n && g->v[i].from <= to) {
		from = min(from, g->v[i].from);
		if (g->v[i].to > to) {
			to = g->v[i].to;
			next = g->v[i].next;
		}
		rill_gaps_drop(g, i);
	}
	memmove(&g->v[i + 1], &g->v[i], (g->n - i) * sizeof(*g->v));
	g->v[i] = (struct rill_gap){ .from = from, .to = to, .next = next };
	g->n++;
	return true;
}

/* All before the first one ahead is here; it begins at @from and held @lost records. */
void rill_gaps_pass(struct rill_gaps *g, u64 from, u32 lost)
{
	struct rill_gap *gap = &g->v[g->passed], *before = gap - 1;

	gap->from = from;
	gap->lost = lost;
	if (g->passed && before->to == from) {
		before->to = gap->to;
		before->lost += lost;
		rill_gaps_drop(g, g->passed);
	} else {
		g->passed++;
	}
}
