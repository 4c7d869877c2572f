// SPDX-License-Identifier: GPL-2.0
/* samples.c - what `rill-sim --samples` prints, for plots.py: a line a sender and a time. */
#include <stdio.h>
#include "sim.h"

void samples_head(void)
{
	puts("sample ms plan sent acked cwnd inflight srtt_us queue_us again lost");
}

void samples_print(struct sim *s)
{
	const struct link *lk = &s->link[0];
	u64 wait = lk->busy_until > s->now ? lk->busy_until - s->now : 0;
	u32 i;

	for (i = 0; i < s->nconns; i++) {
		const struct rill_conn *c = &s->conns[i]->c;

		if (s->conns[i]->side || s->conns[i]->dead)
			continue;
		printf("sample %.3f %u %llu %llu %llu %llu %llu %llu %u %u\n",
		       (s->now - s->cfg->start) / 1e6, s->conns[i]->plan, c->tx.nxt, c->tx.una,
		       c->cc.cwnd, c->tx.inflight, c->rtt.srtt / RILL_USEC, wait / RILL_USEC,
		       c->st.retrans, c->st.lost);
	}
}
