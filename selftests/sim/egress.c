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

void host_reply(struct host *h, u16 dst, const struct rill_reply *r)
{
	struct dgram *d;

	h->sim->pkts++;
	TRACE(h->sim, "host %u answers type %u, %u bytes", h->id, r->b[0] & 15, r->len);
	witness_reply(h, r->b, r->len, (r->b[0] & 15) == RILL_T_DATA);
	d = dgram_new(r->len);
	d->src = h->addr;
	d->dst = dst;
	d->reply = true;
	memcpy(d->b, r->b, r->len);
	link_send(h->sim, h->id, d);
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

/* Encode packet @i of what the engine chose, and send it. */
static void host_encode(struct sconn *sc, const struct rill_tx *tx, u8 i)
{
	struct host *h = sc->host;
	u32 len = RILL_HDR + tx->ext.len + tx->pad, pay = 0, lies;
	struct dgram *d;
	struct rill_hdr hdr;

	rill_tx_header(tx, i, &hdr);
	if (tx->run)
		pay = rill_run_payload(tx->run, tx->first + i);
	d = dgram_new(len + pay);
	d->src = h->addr;
	d->dst = sc->peer_addr;
	d->ecn = tx->ecn;
	if (sc->app->lie)
		lie_header(sc, &hdr);
	rill_wire_hdr_put(d->b, &hdr);
	memcpy(d->b + RILL_HDR, tx->ext.b, tx->ext.len);
	memset(d->b + RILL_HDR + tx->ext.len, 0, tx->pad);
	if (pay) {
		struct sim_run *r = container_of(tx->run, struct sim_run, r);

		memcpy(d->b + len, r->b + (u32)(tx->first + i) * tx->run->plen, pay);
	}
	if (hdr.ext_len)
		check_packet(sc, d->b, d->len);
	if (sc->app->lie)
		lie_packet(sc, d);
	if (hdr.type == RILL_T_SYN && !h->sim->syn)
		h->sim->syn = dgram_copy(d, d->len);
	sc->to_there += d->len;
	if (sc->c.roam.wary && hdr.type != RILL_T_RESET && sc->to_there > 3 * sc->from_there)
		sim_fail(h->sim, "18: conn %u.%d: %llu bytes to where %llu came from", sc->plan,
			 sc->side, sc->to_there, sc->from_there);
	host_corpus(h->sim, d->b, d->len);
	sim_mix(h->sim, (u64)hdr.pn << 32 ^ hdr.off ^ (u64)pay << 16 ^ hdr.flags);
	h->sim->pkts++;
	TRACE(h->sim, "conn %u.%d sends type %u pn %u off %u len %u flags %x credit %u ext %u%s%s",
	      sc->plan, sc->side, hdr.type, hdr.pn, hdr.off, pay, hdr.flags, hdr.credit,
	      hdr.ext_len, tx->rec_flags & RILL_REC_RTX ? " again" : "",
	      tx->probe ? " probe" : "");
	for (lies = sc->app->lie == LIE_TWICE && !pay ? 2 : 0; lies; lies--)
		link_send(h->sim, h->id, dgram_copy(d, d->len));
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

	lie_acks(sc);
	for (;;) {
		struct rill_rec *rec = NULL;

		rill_out_init(&out);
		ENGINE(sc, &out, rill_conn_poll_tx(&sc->c, host_now(sc->host), &tx, &out));
		if (tx.kind != RILL_TX_SEND || s->failed)
			return;
		if (++calls > 100000) {
			sim_fail(s, "13: conn %u.%d never stops sending", sc->plan, sc->side);
			return;
		}
		if (sim_faulty(s) && rng_chance(&s->rng, s->cfg->txfail)) {
			ENGINE(sc, &out, rill_conn_not_sent(&sc->c, &tx, EPERM,
							    host_now(sc->host), &out));
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
		ENGINE(sc, &out, rill_conn_sent(&sc->c, &tx, rec, host_now(sc->host), &out));
	}
}
