// SPDX-License-Identifier: GPL-2.0
/*
 * host.c - a host begins and ends.  What it does between is in sconn.c, stream.c,
 * egress.c, ingress.c and listen.c.
 */
#include <stdlib.h>
#include "host.h"

void host_init(struct sim *s, u32 id)
{
	struct host *h = &s->host[id];

	h->sim = s;
	h->id = id;
	h->addr = id + 1;
	h->rxtail = &h->rxq;
	rng_seed(&h->rng, s->seed * SIM_HOSTS + id);
	h->skew = id ? s->cfg->skew : 0;
	h->id_key = (siphash_key_t){ { rng_mix(s->seed + id), rng_mix(~s->seed - id) } };
}

void host_free(struct host *h)
{
	while (h->rxq) {
		struct dgram *d = h->rxq;

		h->rxq = d->next;
		dgram_put(d);
	}
	while (h->tombs) {
		struct sim_tomb *t = h->tombs;

		h->tombs = t->next;
		free(t);
	}
}
