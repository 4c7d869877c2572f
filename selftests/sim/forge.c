// SPDX-License-Identifier: GPL-2.0
/*
 * forge.c - what arrives from one who is not on the path.
 *
 * Owns the packets nobody sent: for connections whose id was guessed, floods of
 * SYNs from addresses that do not exist, and ICMP errors for packets that
 * arrived all the same.  None of it may change a connection (invariants 19, 26).
 */
#include <errno.h>
#include "host.h"

#define FORGE_CID	4	/* where a header has the receiver's id */

/* A copy of @d for another connection arrives at @at. */
void forge_copy(struct sim *s, u32 l, const struct dgram *d, u64 at)
{
	struct rill_hdr h;
	struct rill_ext x;
	struct dgram *f;

	/* Who guesses does not know the sender's id either. */
	if (rill_wire_hdr_get(&h, d->b, d->len) != RILL_WIRE_OK ||
	    rill_wire_ext_get(&x, &h, d->b + RILL_HDR) != RILL_WIRE_OK ||
	    h.type == RILL_T_SYN || rill_ext_has(&x, RILL_I_CID))
		return;
	f = dgram_copy(d, d->len);
	f->b[FORGE_CID + rng_below(&s->rng, 8)] ^= BIT(rng_below(&s->rng, 8));
	f->forged = true;
	link_deliver(s, l, f, at);
}

/* Many SYNs reach host 1, from everywhere. */
void forge_flood(struct sim *s)
{
	struct rill_hdr h;
	u32 i, j;

	if (!s->syn || rill_wire_hdr_get(&h, s->syn->b, s->syn->len) != RILL_WIRE_OK)
		return;
	for (i = 0; i < s->cfg->flood; i++) {
		struct dgram *d = dgram_copy(s->syn, s->syn->len);

		d->src = 1000 + rng_below(&s->rng, 60000);
		/* The id and all that follows in the items: some make sense. */
		for (j = 0; j < 8; j++)
			d->b[RILL_HDR + RILL_ITEM_HDR + j] = rng_u64(&s->rng);
		if (rng_u64(&s->rng) & 1)
			d->b[RILL_HDR + rng_below(&s->rng, h.ext_len)] = rng_u64(&s->rng);
		link_deliver(s, 0, d, s->now + rng_below(&s->rng, RILL_MSEC));
	}
}

/* A router says of a packet of @sc that it did not arrive; it may have. */
void forge_icmp(struct sconn *sc)
{
	static const int errs[] = { ECONNREFUSED, EHOSTUNREACH, ENETUNREACH };
	struct sim *s = sc->host->sim;
	struct rill_out out;

	if (!sim_faulty(s) || !rng_chance(&s->rng, s->cfg->icmp))
		return;
	rill_out_init(&out);
	ENGINE(sc, &out, rill_conn_icmp(&sc->c, errs[rng_below(&s->rng, 3)], host_now(sc->host),
					&out));
	host_service(sc, &out);
}
