// SPDX-License-Identifier: GPL-2.0
/* arrives.c - "< ...": from a packet in words to bytes, and to the engine. */
#include <stdlib.h>
#include "spec.h"

/* An item that is implied can be left out: cid=0, ports=0/0, params=0/0/0. */
static void build_open(struct scen *s, const struct spec *p, struct rill_extbuf *x)
{
	u32 has = spec_implied(p->type) | p->given;
	const struct rill_params *params = given(p, F_PARAMS) ? &p->params : &s->params;
	const u16 *port = given(p, F_PORTS) ? p->port : s->port;

	if (has & BIT(F_CID) && !(given(p, F_CID) && !p->v[F_CID]))
		rill_ext_put_cid(x, p->v[F_CID] > 1 ? p->v[F_CID] : s->cid);
	if (has & BIT(F_PORTS) && port[0] | port[1])
		rill_ext_put_ports(x, port[0], port[1]);
	if (has & BIT(F_PARAMS) && params->sock_type)
		rill_ext_put_params(x, params);
	if (given(p, F_COOKIE)) {
		if (p->nbytes)
			rill_ext_put_cookie(x, p->bytes, p->nbytes);
		if (p->type == RILL_T_SYNACK && p->nbytes) {
			memcpy(s->cookie, p->bytes, p->nbytes);
			s->cookie_len = p->nbytes;
		}
	} else if (has & BIT(F_COOKIE)) {
		rill_ext_put_cookie(x, s->cookie, s->cookie_len);
	}
	if (given(p, F_TOKEN) && p->type == RILL_T_SYN && p->token_len)
		rill_ext_put_token_data(x, p->v[F_DATA], p->token, p->token_len);
	else if (given(p, F_TOKEN) && p->type == RILL_T_SYN)
		rill_ext_put_token_wanted(x);
	else if (given(p, F_TOKEN))
		rill_ext_put_token(x, p->token, p->token_len);
}

static void build_ext(struct scen *s, const struct spec *p, struct rill_extbuf *x)
{
	x->len = 0;
	build_open(s, p, x);
	if (p->nack)
		spec_ack(s, p, false, x);
	if (given(p, F_ECN))
		rill_ext_put_ecn(x, p->ecn);
	if (given(p, F_SKIP))
		rill_ext_put_skip(x, p->skip[0], p->skip[1], p->skip[2]);
	if (given(p, F_REASON))
		rill_ext_put_reason(x, p->v[F_REASON]);
	memcpy(x->b + x->len, p->raw.b, p->raw.len);
	x->len += p->raw.len;
}

/* The id a packet of the peer's carries: ours. */
static u64 build_id(struct scen *s, const struct spec *p)
{
	if (given(p, F_ID))
		return p->v[F_ID];
	if (p->type == RILL_T_SYN || p->type == RILL_T_DGRAM)
		return 0;
	return s->end ? s->d->cid1 : scen_end(s)->cfg.cid;
}

static u64 build_pn(struct scen *s, const struct spec *p)
{
	switch (p->type) {
	case RILL_T_SYN:
		return s->syn_pn = given(p, F_PN) ? p->v[F_PN] : 0;
	case RILL_T_SYNACK:
		return given(p, F_PN) ? p->v[F_PN] : s->syn_pn;
	case RILL_T_RESET:
		if (given(p, F_RAWPN))
			return p->v[F_RAWPN];
		return sent_number(s, given(p, F_PN) ? p->v[F_PN] : s->nnumber);
	}
	if (!given(p, F_PN))
		return ++s->pn;
	s->pn = max(s->pn, p->v[F_PN]);
	return p->v[F_PN];
}

/* Bytes behind the extension: padding, payload. */
static u32 build_tail(struct scen *s, const struct spec *p, struct rill_hdr *h, u32 len)
{
	u32 pay = p->v[F_LEN];

	if (p->type == RILL_T_SYN)
		return given(p, F_PAD) ? p->v[F_PAD] : RILL_BASE_DGRAM - len;
	if (p->type != RILL_T_DATA && p->type != RILL_T_ECHO)
		return pay;
	h->off = given(p, F_OFF) ? p->v[F_OFF] : s->off;
	s->off = max(s->off, h->off + (u64)pay);
	return pay;
}

/* One packet of @p at @b; its length. */
static u32 build(struct scen *s, const struct spec *p, u8 flags, u8 *b)
{
	struct rill_hdr h = { .type = p->type, .flags = flags };
	struct rill_extbuf x;
	u32 len;

	memset(b, 0, DUO_PKT_MAX);
	if (given(p, F_CREDIT))
		s->credit = p->v[F_CREDIT];
	h.credit = s->credit;
	h.cid = build_id(s, p);
	h.pn = build_pn(s, p);
	build_ext(s, p, &x);
	h.ext_len = given(p, F_EXTLEN) ? p->v[F_EXTLEN] : x.len;
	if (given(p, F_FLAGS))
		h.flags = p->v[F_FLAGS];
	len = RILL_HDR + x.len;
	len += build_tail(s, p, &h, len);
	if (len > DUO_PKT_MAX)
		fail(s, "too long a packet: %u bytes", len);
	rill_wire_hdr_put(b, &h);
	memcpy(b + RILL_HDR, x.b, x.len);
	if (given(p, F_VERSION))
		b[0] = p->v[F_VERSION] << 4 | (b[0] & 15);
	if (given(p, F_TYPE))
		b[0] = (b[0] & 0xf0) | p->v[F_TYPE];
	return given(p, F_CUT) ? p->v[F_CUT] : len;
}

/* PROTOCOL.md 6, steps 1 to 6; what fails is counted as the host does. */
static bool well_formed(struct scen *s, const u8 *b, u32 len)
{
	static const enum rill_mib mib[] = {
		[RILL_WIRE_SHORT] = RILL_MIB_INSHORT, [RILL_WIRE_VERSION_ERR] = RILL_MIB_INVERSION,
		[RILL_WIRE_TYPE] = RILL_MIB_INTYPE, [RILL_WIRE_FLAGS] = RILL_MIB_INFLAGS,
		[RILL_WIRE_EXT] = RILL_MIB_INEXT,
	};
	struct rill_hdr h;
	struct rill_ext x;
	enum rill_wire_err err;
	u8 *exact;

	/* In memory of just that size: a read beyond it shows. */
	exact = malloc(len ? len : 1);
	memcpy(exact, b, len);
	err = rill_wire_hdr_get(&h, exact, len);
	if (err == RILL_WIRE_OK)
		err = rill_wire_ext_get(&x, &h, exact + RILL_HDR);
	free(exact);
	if (err != RILL_WIRE_OK)
		scen_end(s)->mib[mib[err]]++;
	return err == RILL_WIRE_OK;
}

/* PROTOCOL.md 12.4: data for a program that has closed ends the connection. */
static bool for_nobody(struct scen *s, const struct duo_pkt *k)
{
	struct duo_end *e = scen_end(s);
	const struct rill_conn *c = &e->c;
	u64 end = rill_expand(c->rx.nxt, k->p.h.off) + k->p.len;

	if (!s->closed || !k->p.len || k->p.h.type != RILL_T_DATA || k->p.h.cid != c->cid ||
	    !rill_state_in(c->state, RILL_ST(RILL_FIN_WAIT1) | RILL_ST(RILL_FIN_WAIT2)) ||
	    end <= c->rx.nxt || end > c->rx.credit)
		return false;
	e->mib[RILL_MIB_INCLOSED]++;
	duo_abort(s->d, s->end, RILL_R_ABORT);
	return true;
}

/* @n packets that were queued last arrive. */
static void deliver(struct scen *s, const struct spec *p, u32 n)
{
	struct duo *d = s->d;
	int k = d->nq - n;
	u32 i;

	for (i = 0; i < n; i++) {
		d->q[k + i]->p.ecn = p->v[F_IP];
		d->q[k + i]->p.full = p->full;
	}
	if (for_nobody(s, d->q[k])) {
		while (n--)
			duo_drop(d, k);
	} else if (p->train) {
		duo_deliver_run(d, k, n);
	} else {
		duo_deliver(d, k);
	}
}

static void arrive(struct scen *s, const struct spec *p, const u8 *b, u32 len)
{
	char text[512];

	memcpy(s->last, b, len);
	s->last_len = len;
	if (!well_formed(s, b, len)) {
		if (s->verbose)
			printf("%12.6f  < malformed, %u bytes\n", (s->d->now - s->began) / 1e9, len);
		return;
	}
	duo_queue(s->d, !s->end, b, len);
	if (s->verbose) {
		packet_show(s, s->d->q[s->d->nq - 1], text, sizeof(text));
		printf("%12.6f  < %s\n", (s->d->now - s->began) / 1e9, text);
	}
	if (!p->train)
		deliver(s, p, 1);
}

/* "< ...": something arrives. */
void packet_arrives(struct scen *s, const struct words *w)
{
	u8 b[DUO_PKT_MAX];
	struct spec p = { .count = 1 };
	u32 i;

	if (w->n && !strcmp(w->w[0], "again")) {
		memcpy(b, s->last, s->last_len);
		arrive(s, &p, b, s->last_len);
		return;
	}
	if (w->n == 2 && !strcmp(w->w[0], "hex")) {
		arrive(s, &p, b, spec_hex(s, w->w[1], b, sizeof(b)));
		return;
	}
	spec_parse(s, w, &p);
	for (i = 0; i < p.count; i++) {
		u8 flags = p.count > 1 && i + 1 < p.count ? 0 : p.flags;

		arrive(s, &p, b, build(s, &p, flags, b));
		if (given(&p, F_PN))
			p.v[F_PN]++;
		if (given(&p, F_OFF))
			p.v[F_OFF] += p.v[F_LEN];
	}
	if (p.train)
		deliver(s, &p, p.count);
}
