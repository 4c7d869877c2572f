// SPDX-License-Identifier: GPL-2.0
/*
 * egress.c - packets out: what the engine chose becomes datagrams.
 *
 * Owns their encoding, and the carrier that may refuse one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "host.h"

static void host_transmit(struct host *h, u16 dst, u8 ecn, const u8 *b, u32 len)
{
	struct dgram *d = dgram_new(len);

	d->src = h->addr;
	d->dst = dst;
	d->ecn = ecn;
	memcpy(d->b, b, len);
	link_send(h->sim, h->id, d);
}

void host_reply(struct host *h, u16 dst, const struct rill_reply *r)
{
	h->sim->pkts++;
	TRACE(h->sim, "host %u answers type %u, %u bytes", h->id, r->b[0] & 15, r->len);
	host_transmit(h, dst, 0, r->b, r->len);
}

static void host_corpus(struct sim *s, const u8 *b, u32 len)
{
	char name[512];
	FILE *f;

	if (!s->corpus || s->ncorpus >= 200)
		return;
	snprintf(name, sizeof(name), "%s/%llu-%u", s->corpus, s->seed, s->ncorpus++);
	f = fopen(name, "w");
	if (!f || fwrite(b, len, 1, f) != 1 || fclose(f))
		sim_fail(s, "cannot write %s", name);
}

/* What a greedy receiver says: all that is below the newest has come too. */
static void host_lie(struct dgram *d)
{
	u8 *x = d->b + RILL_HDR, more = x[1] - RILL_ACK_FIXED;

	if (!get_unaligned_be16(d->b + 2) || x[0] != RILL_I_ACK)
		return;
	put_unaligned_be32(get_unaligned_be32(x + 2) - 1, x + 10);
	x[1] = RILL_ACK_FIXED;
	if (!more)
		return;
	/* The pairs become an item that nobody knows. */
	x[RILL_ITEM_HDR + RILL_ACK_FIXED] = 100;
	x[RILL_ITEM_HDR + RILL_ACK_FIXED + 1] = more - RILL_ITEM_HDR;
}

/* Encode packet @i of what the engine chose, and send it. */
static void host_encode(struct sconn *sc, const struct rill_tx *tx, u8 i)
{
	struct host *h = sc->host;
	u32 len = RILL_HDR + tx->ext.len + tx->pad, pay = 0;
	struct dgram *d;
	struct rill_hdr hdr;

	rill_tx_header(tx, i, &hdr);
	if (tx->run)
		pay = rill_run_payload(tx->run, tx->first + i);
	d = dgram_new(len + pay);
	d->src = h->addr;
	d->dst = sc->peer_addr;
	d->ecn = tx->ecn;
	rill_wire_hdr_put(d->b, &hdr);
	memcpy(d->b + RILL_HDR, tx->ext.b, tx->ext.len);
	memset(d->b + RILL_HDR + tx->ext.len, 0, tx->pad);
	if (pay) {
		struct sim_run *r = container_of(tx->run, struct sim_run, r);

		memcpy(d->b + len, r->b + (u32)(tx->first + i) * tx->run->plen, pay);
	}
	if (hdr.ext_len)
		check_packet(sc, d->b, d->len);
	if (h->sim->cfg->liar && sc->side)
		host_lie(d);
	host_corpus(h->sim, d->b, d->len);
	sim_mix(h->sim, (u64)hdr.pn << 32 ^ hdr.off ^ (u64)pay << 16 ^ hdr.flags);
	h->sim->pkts++;
	TRACE(h->sim, "conn %u.%d sends type %u pn %u off %u len %u flags %x credit %u ext %u%s%s",
	      sc->plan, sc->side, hdr.type, hdr.pn, hdr.off, pay, hdr.flags, hdr.credit,
	      hdr.ext_len, tx->rec_flags & RILL_REC_RTX ? " again" : "",
	      tx->probe ? " probe" : "");
	link_send(h->sim, h->id, d);
}

/* Send all the engine has. */
void host_tx(struct sconn *sc)
{
	struct sim *s = sc->host->sim;
	struct rill_out out;
	struct rill_tx tx;
	u32 calls = 0;
	u8 i;

	for (;;) {
		struct rill_rec *rec = NULL;

		rill_out_init(&out);
		ENGINE(sc, &out, rill_conn_poll_tx(&sc->c, s->now, &tx, &out));
		if (tx.kind != RILL_TX_SEND || s->failed)
			return;
		if (++calls > 100000) {
			sim_fail(s, "13: conn %u.%d never stops sending", sc->plan, sc->side);
			return;
		}
		if (sim_faulty(s) && rng_chance(&s->rng, s->cfg->txfail)) {
			ENGINE(sc, &out, rill_conn_not_sent(&sc->c, &tx, EPERM, s->now, &out));
			return;
		}
		if (tx.n > s->cfg->gso)
			rill_tx_trim(&tx, s->cfg->gso);
		check_tx(sc, &tx);
		for (i = 0; i < tx.n; i++)
			host_encode(sc, &tx, i);
		if (tx.eliciting)
			rec = malloc(sizeof(*rec));
		rill_out_init(&out);
		ENGINE(sc, &out, rill_conn_sent(&sc->c, &tx, rec, s->now, &out));
	}
}
