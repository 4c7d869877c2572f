// SPDX-License-Identifier: GPL-2.0
/* leaves.c - "> ...": what was sent, in words, and whether it is what the script says. */
#include "spec.h"

/* The ranges of an ACK item, newest first, in the order of what was sent. */
static void show_ack(const struct rill_ackblk *a, char *b, size_t size)
{
	u64 hi = a->largest, lo = hi - a->first;
	size_t n;
	u8 i;

	n = snprintf(b, size, hi == lo ? "%llu" : "%2$llu-%1$llu", hi, lo);
	for (i = 0; i < a->pairs && n < size; i++) {
		hi = lo - 2 - get_unaligned_be16(a->pair + 4 * i);
		lo = hi - get_unaligned_be16(a->pair + 4 * i + 2);
		n += snprintf(b + n, size - n, hi == lo ? ",%llu" : ",%2$llu-%1$llu", hi, lo);
	}
}

static u32 shown(const struct duo_pkt *k)
{
	return k->p.h.type == RILL_T_SYN ? 0 : k->p.len;
}

/* The items beside ACK. */
static void show_items(const struct rill_ext *x, u8 type, FILE *f)
{
	if (rill_ext_has(x, RILL_I_ECN))
		fprintf(f, " ecn=%u/%u/%u", x->ecn[0], x->ecn[1], x->ecn[2]);
	if (rill_ext_has(x, RILL_I_CID) && !(spec_implied(type) & BIT(F_CID)))
		fprintf(f, " CID");
	if (rill_ext_has(x, RILL_I_REASON))
		fprintf(f, " reason=%s", x->reason < SPEC_REASONS ? spec_reason[x->reason] : "?");
	if (rill_ext_has(x, RILL_I_SKIP))
		fprintf(f, " skip=%u/%u/%u", x->skip_from, x->skip_to, x->skip_next);
	if (rill_ext_has(x, RILL_I_TOKEN))
		fprintf(f, x->token_len ? " token=..." : " token=ask");
}

void packet_show(struct scen *s, const struct duo_pkt *k, char *b, size_t size)
{
	bool ours = k->from == s->end;
	const struct rill_hdr *h = &k->p.h;
	FILE *f = fmemopen(b, size, "w");
	char ack[400];

	fprintf(f, "%s pn=%llu off=%u len=%u credit=%u", spec_type[h->type],
		ours && h->type >= RILL_T_ECHO && h->type <= RILL_T_DATA ?
		sent_order(s, h->pn) : h->pn, h->off, shown(k), h->credit);
	if (h->flags & RILL_F_FIN)
		fprintf(f, " FIN");
	if (h->flags & RILL_F_ELICIT && h->type != RILL_T_ECHO)
		fprintf(f, " ELICIT");
	if (h->flags & RILL_F_NOW)
		fprintf(f, " NOW");
	if (rill_ext_has(&k->p.x, RILL_I_ACK)) {
		show_ack(&k->p.x.ack, ack, sizeof(ack));
		fprintf(f, " ack=%s delay=%u", ack, k->p.x.ack.delay);
	}
	show_items(&k->p.x, h->type, f);
	fclose(f);
	b[size - 1] = 0;
}

/* An item is missing, or too many: its name, or NULL. */
static const char *differs_items(const struct spec *p, const struct rill_ext *x)
{
	static const struct { enum field f; enum rill_item item; const char *name; } t[] = {
		{ F_ACK, RILL_I_ACK, "the ACK item" }, { F_ECN, RILL_I_ECN, "the ECN item" },
		{ F_CID, RILL_I_CID, "the CID item" }, { F_PORTS, RILL_I_PORTS, "the PORTS item" },
		{ F_PARAMS, RILL_I_PARAMS, "the PARAMS item" },
		{ F_COOKIE, RILL_I_COOKIE, "the COOKIE item" },
		{ F_REASON, RILL_I_REASON, "the REASON item" },
		{ F_TOKEN, RILL_I_TOKEN, "the TOKEN item" }, { F_SKIP, RILL_I_SKIP, "the SKIP item" },
	};
	u32 want = spec_implied(p->type) | p->given;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (!(want & BIT(t[i].f)) != !rill_ext_has(x, t[i].item))
			return t[i].name;
	return NULL;
}

static bool differs_ack(struct scen *s, const struct spec *p, const struct rill_ackblk *is)
{
	struct rill_hdr h = { .type = RILL_T_DATA };
	struct rill_extbuf item = { .len = 0 };
	char a[400], b[400];
	struct rill_ext x;

	spec_ack(s, p, true, &item);
	h.ext_len = item.len;
	if (rill_wire_ext_get(&x, &h, item.b) != RILL_WIRE_OK)
		fail(s, "no ACK item can say that");
	show_ack(is, a, sizeof(a));
	show_ack(&x.ack, b, sizeof(b));
	return strcmp(a, b);
}

/* What differs of the items, or NULL. */
static const char *differs_ext(struct scen *s, const struct spec *p, const struct duo_pkt *k)
{
	const struct rill_ext *x = &k->p.x;
	const char *item = differs_items(p, x);

	if (item)
		return item;
	if (given(p, F_ACK) && differs_ack(s, p, &x->ack))
		return "ack";
	if (given(p, F_DELAY) && p->v[F_DELAY] != x->ack.delay)
		return "delay";
	if (given(p, F_ECN) && memcmp(p->ecn, x->ecn, sizeof(p->ecn)))
		return "ecn";
	if (given(p, F_SKIP) && (p->skip[0] != x->skip_from || p->skip[1] != x->skip_to ||
				 p->skip[2] != x->skip_next))
		return "skip";
	if (given(p, F_REASON) && p->v[F_REASON] != x->reason)
		return "reason";
	if (given(p, F_PARAMS) &&
	    (p->params.max_payload != x->params.max_payload ||
	     p->params.max_ack_delay != x->params.max_ack_delay ||
	     p->params.sock_type != x->params.sock_type ||
	     p->params.max_record != x->params.max_record))
		return "params";
	if (given(p, F_PORTS) && (p->port[0] != x->sport || p->port[1] != x->dport))
		return "ports";
	if (given(p, F_TOKEN) && !p->token_len != !x->token_len)
		return "token";
	return NULL;
}

/* What differs of the header, or NULL. */
static const char *differs(struct scen *s, const struct spec *p, const struct duo_pkt *k, u32 i)
{
	const struct rill_hdr *h = &k->p.h;
	bool numbered = h->type == RILL_T_ECHO || h->type == RILL_T_DATA;
	u8 flags = i + 1 < p->count ? 0 : p->flags;
	u64 id = p->type == RILL_T_SYN ? 0 : s->cid;

	if (h->type != p->type)
		return "the type";
	if (h->cid != (given(p, F_ID) ? p->v[F_ID] : id))
		return "id";
	if (h->flags != flags)
		return "the flags";
	if (given(p, F_PN) && p->v[F_PN] + i != (numbered ? sent_order(s, h->pn) : h->pn))
		return "pn";
	if (given(p, F_RAWPN) && (u32)p->v[F_RAWPN] + i != h->pn)
		return "rawpn";
	if (given(p, F_OFF) && (u32)(p->v[F_OFF] + i * p->v[F_LEN]) != h->off)
		return "off";
	if (shown(k) != p->v[F_LEN] && !given(p, F_DATA))
		return "len";
	if (given(p, F_CREDIT) && p->v[F_CREDIT] != h->credit)
		return "credit";
	if (given(p, F_PAD) && p->v[F_PAD] != k->p.len)
		return "pad";
	if (given(p, F_DATA) && (k->p.x.token_len < 2 ||
				 get_unaligned_be16(k->p.x.token) != p->v[F_DATA]))
		return "data";
	if (given(p, F_IP) && p->v[F_IP] != k->ecn)
		return "ip";
	return differs_ext(s, p, k);
}

/* Keep what later lines refer to. */
static void note(struct scen *s, const struct duo_pkt *k)
{
	const struct rill_ext *x = &k->p.x;

	if (k->p.h.type == RILL_T_ECHO || k->p.h.type == RILL_T_DATA ||
	    (k->p.h.type == RILL_T_SYN && k->p.x.token_len > 2 && get_unaligned_be16(x->token))) {
		if (s->nnumber == SCEN_NUMBERS)
			fail(s, "too many packets");
		s->number[s->nnumber++] = k->p.h.type == RILL_T_SYN ? 1 :
			rill_expand(scen_end(s)->c.tx.pn_next, k->p.h.pn);
	}
	if (k->p.h.type == RILL_T_SYN)
		s->syn_pn = k->p.h.pn;
	if (k->p.h.type == RILL_T_ECHO &&
	    (x->cookie_len != s->cookie_len || memcmp(x->cookie, s->cookie, x->cookie_len)))
		fail(s, "the ECHO has another cookie than the SYN-ACK had");
	if (k->p.h.type != RILL_T_SYNACK)
		return;
	memcpy(s->cookie, x->cookie, x->cookie_len);
	s->cookie_len = x->cookie_len;
	if (rill_ext_has(x, RILL_I_TOKEN)) {
		memcpy(s->token, x->token, x->token_len);
		s->token_len = x->token_len;
	}
}

/* Let time pass until something leaves; false: nothing did by @until. */
bool packet_wait(struct scen *s, u64 until)
{
	while (!s->d->nq)
		if (!duo_fire(s->d, until)) {
			if (until != RILL_NEVER - 1)
				s->d->now = max(s->d->now, until);
			return false;
		}
	return true;
}

/* The first packet of the queue is the script's. */
static void take(struct scen *s)
{
	const struct duo_pkt *k = s->d->q[0];
	char text[512];

	note(s, k);
	if (s->verbose) {
		packet_show(s, k, text, sizeof(text));
		printf("%12.6f  > %s\n", (k->at - s->began) / 1e9, text);
	}
}

/* "> ...": something leaves, at a time @from .. @to. */
void packet_leaves(struct scen *s, const struct words *w, u64 from, u64 to)
{
	const char *what;
	struct spec p;
	char text[512];
	u64 at = from;
	u32 i;

	if (w->n == 1 && !strcmp(w->w[0], "*")) {
		if (!packet_wait(s, to))
			fail(s, "nothing was sent");
		for (; s->d->nq; duo_drop(s->d, 0))
			take(s);
		return;
	}
	spec_parse(s, w, &p);
	for (i = 0; i < p.count; i++) {
		const struct duo_pkt *k;

		if (!packet_wait(s, to))
			fail(s, "nothing was sent by then");
		k = s->d->q[0];
		take(s);
		packet_show(s, k, text, sizeof(text));
		if (k->at < from || k->at > to)
			fail(s, "at %+.6f ms of the time expected, got \"%s\"",
			     ((double)k->at - from) / 1e6, text);
		what = differs(s, &p, k, i);
		if (what)
			fail(s, "%s differs: got \"%s\"", what, text);
		at = k->at;
		duo_drop(s->d, 0);
	}
	s->at = at;
}

/* Nothing may have been sent that no line took. */
void packet_unexpected(struct scen *s)
{
	char text[512];

	if (!s->d->nq)
		return;
	take(s);
	packet_show(s, s->d->q[0], text, sizeof(text));
	fail(s, "before this, at %.6f s, not expected: \"%s\"",
	     (s->d->q[0]->at - s->began) / 1e9, text);
}
