// SPDX-License-Identifier: GPL-2.0
/* packet.c - packets in words.  See main.c for the words. */
#include <stdlib.h>
#include "scen.h"

static const char *const type_name[16] = {
	[RILL_T_SYN] = "SYN", [RILL_T_SYNACK] = "SYNACK", [RILL_T_ECHO] = "ECHO",
	[RILL_T_DATA] = "DATA", [RILL_T_RESET] = "RESET", [RILL_T_DGRAM] = "DGRAM",
};

static const char *const reason_name[] = {
	"NONE", "REFUSED", "ABORT", "STRAY", "COOKIE", "TIMEOUT",
};

static const char *const ip_name[] = { "not-ECT", "ECT1", "ECT0", "CE" };

/* Fields that are numbers. */
enum field {
	F_PN, F_RAWPN, F_OFF, F_LEN, F_CREDIT, F_ID, F_DELAY, F_CID, F_REASON, F_IP,
	F_VERSION, F_TYPE, F_FLAGS, F_EXTLEN, F_CUT, F_PAD, F_DATA, F_NUMBERS,
	/* and those that are not */
	F_ACK = F_NUMBERS, F_ECN, F_PORTS, F_PARAMS, F_COOKIE, F_TOKEN, F_SKIP,
};

static const char *const field_name[F_NUMBERS] = {
	"pn", "rawpn", "off", "len", "credit", "id", "delay", "cid", "reason", "ip",
	"version", "type", "flags", "extlen", "cut", "pad", "data",
};

/* A packet as the script describes it. */
struct spec {
	u8 type, flags;
	u32 count;		/* so many in a row */
	bool train, full;
	u32 given;		/* BIT(enum field) */
	u64 v[F_NUMBERS];
	struct rill_range ack[RILL_ACK_PAIRS_MAX + 1];	/* lo..hi, both in it, newest first */
	int nack;
	u32 ecn[3], skip[3];
	u16 port[2];
	struct rill_params params;
	u8 bytes[64], nbytes;	/* of a cookie */
	u8 token[RILL_TOKEN_DATA + RILL_TOKEN_MAX], token_len;
	struct rill_extbuf raw;	/* items written out */
};

static bool given(const struct spec *p, enum field f)
{
	return p->given & BIT(f);
}

/* A number: decimal or 0x, perhaps with a unit of time; false: none. */
bool number_of(const char *word, u64 *v)
{
	static const struct { const char *name; u64 ns; } unit[] = {
		{ "", 1 }, { "ns", 1 }, { "us", RILL_USEC }, { "ms", RILL_MSEC }, { "s", RILL_SEC },
		{ "min", 60 * RILL_SEC }, { "h", 3600 * RILL_SEC }, { "k", 1000 },
	};
	char *end;
	size_t i;
	double x;

	if (*word < '0' || *word > '9')
		return false;
	*v = strtoull(word, &end, 0);
	if (!*end)
		return true;
	x = strtod(word, &end);
	for (i = 0; i < sizeof(unit) / sizeof(unit[0]); i++)
		if (!strcmp(end, unit[i].name)) {
			*v = x * unit[i].ns + 0.5;
			return true;
		}
	return false;
}

u64 number(struct scen *s, const char *word)
{
	u64 v;

	if (!number_of(word, &v))
		fail(s, "\"%s\" is not a number", word);
	return v;
}

/* The packet number of the @n-th packet sent; of one to come, counted on. */
static u64 sent_number(struct scen *s, u64 n)
{
	if (!n || n <= s->nnumber)
		return n ? s->number[n - 1] : 0;
	return scen_end(s)->c.tx.pn_next - 1 + n - s->nnumber;
}

/* How many packets had left when number @pn did; @pn itself if it never did. */
static u64 sent_order(struct scen *s, u64 pn)
{
	u32 i;

	for (i = 0; i < s->nnumber; i++)
		if (s->number[i] == pn)
			return i + 1;
	return pn;
}

/* "9,5-7", newest first; "all", "last" for what we sent. */
static void parse_ack(struct scen *s, struct spec *p, char *v)
{
	char *r, *dash, *save;

	for (r = strtok_r(v, ",", &save); r; r = strtok_r(NULL, ",", &save)) {
		struct rill_range *a = &p->ack[p->nack++];

		if (!strcmp(r, "all") || !strcmp(r, "last")) {
			a->hi = s->nnumber;
			a->lo = *r == 'a' ? 1 : s->nnumber;
			continue;
		}
		dash = strchr(r, '-');
		if (dash)
			*dash = 0;
		a->lo = a->hi = number(s, r);
		if (dash)
			a->hi = number(s, dash + 1);
		if (a->lo > a->hi || (p->nack > 1 && a->hi + 1 >= a[-1].lo))
			fail(s, "ranges are written newest first, with gaps between them");
		if (p->nack == RILL_ACK_PAIRS_MAX + 1)
			break;
	}
}

/* Bytes in hex. */
static u32 parse_hex(struct scen *s, const char *v, u8 *b, u32 size)
{
	u32 n = 0;
	unsigned int x;

	while (*v) {
		if (n == size || sscanf(v, "%2x", &x) != 1 || !v[1])
			fail(s, "bad hex \"%s\"", v);
		b[n++] = x;
		v += 2;
	}
	return n;
}

/* @n numbers parted by slashes; as many as there are. */
static int parse_list(struct scen *s, char *v, u64 *to, int n)
{
	char *w, *save;
	int i = 0;

	for (w = strtok_r(v, "/", &save); w && i < n; w = strtok_r(NULL, "/", &save))
		to[i++] = number(s, w);
	return i;
}

static u64 parse_name(struct scen *s, const char *v, const char *const *name, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (!strcmp(v, name[i]))
			return i;
	return number(s, v);
}

/* item=TYPE:HEX: an item as it is. */
static void parse_item(struct scen *s, struct spec *p, char *v)
{
	char *colon = strchr(v, ':');
	u8 *b = p->raw.b + p->raw.len;

	if (!colon)
		fail(s, "item=TYPE:HEX");
	*colon = 0;
	b[0] = number(s, v);
	b[1] = parse_hex(s, colon + 1, b + 2, RILL_EXT_MAX - 2 - p->raw.len);
	p->raw.len += 2 + b[1];
}

static void parse_params(struct scen *s, struct spec *p, char *v)
{
	u64 n[4] = { 0 };

	if (parse_list(s, v, n, 4) < 3)
		fail(s, "params=PAYLOAD/DELAY/TYPE[/RECORD]");
	p->params = (struct rill_params){ .max_payload = n[0], .max_ack_delay = n[1],
					  .sock_type = n[2], .max_record = n[3] };
}

/* token=ask: an empty one; token=have: the one given last; token=some: any (leaving). */
static void parse_token(struct scen *s, struct spec *p, const char *v)
{
	if (!strcmp(v, "ask")) {
		p->token_len = 0;
	} else if (!strcmp(v, "have")) {
		memcpy(p->token, s->token, s->token_len);
		p->token_len = s->token_len;
	} else if (!strcmp(v, "some")) {
		p->token_len = 1;
	} else {
		p->token_len = parse_hex(s, v, p->token, RILL_TOKEN_MAX);
	}
}

/* Fields that are no plain numbers; false: not known. */
static bool parse_other(struct scen *s, struct spec *p, const char *key, char *v)
{
	u64 n[3];
	int i;

	if (!strcmp(key, "ack")) {
		p->given |= BIT(F_ACK);
		parse_ack(s, p, v);
	} else if (!strcmp(key, "ecn") || !strcmp(key, "skip")) {
		if (parse_list(s, v, n, 3) != 3)
			fail(s, "%s= takes three numbers", key);
		for (i = 0; i < 3; i++)
			(*key == 'e' ? p->ecn : p->skip)[i] = n[i];
		p->given |= BIT(*key == 'e' ? F_ECN : F_SKIP);
	} else if (!strcmp(key, "ports")) {
		p->given |= BIT(F_PORTS);
		parse_list(s, v, n, 2);
		p->port[0] = n[0];
		p->port[1] = n[1];
	} else if (!strcmp(key, "params")) {
		p->given |= BIT(F_PARAMS);
		parse_params(s, p, v);
	} else if (!strcmp(key, "cookie")) {
		p->given |= BIT(F_COOKIE);
		p->nbytes = parse_hex(s, v, p->bytes, sizeof(p->bytes));
	} else if (!strcmp(key, "token")) {
		p->given |= BIT(F_TOKEN);
		parse_token(s, p, v);
	} else if (!strcmp(key, "item")) {
		parse_item(s, p, v);
	} else {
		return false;
	}
	return true;
}

static void parse_field(struct scen *s, struct spec *p, char *word)
{
	char *v = strchr(word, '=');
	int i;

	if (!v)
		fail(s, "\"%s\": no such word of a packet", word);
	*v++ = 0;
	for (i = 0; i < F_NUMBERS; i++)
		if (!strcmp(word, field_name[i]))
			break;
	if (i == F_NUMBERS) {
		if (!parse_other(s, p, word, v))
			fail(s, "\"%s\": no such field", word);
		return;
	}
	p->given |= BIT(i);
	if (i == F_REASON)
		p->v[i] = parse_name(s, v, reason_name, 6);
	else if (i == F_IP)
		p->v[i] = parse_name(s, v, ip_name, 4);
	else
		p->v[i] = i == F_DELAY && number(s, v) >= RILL_USEC && strchr(v, 's') ?
			  number(s, v) / RILL_USEC : number(s, v);
}

static bool parse_word(struct spec *p, const char *word)
{
	if (!strcmp(word, "FIN"))
		p->flags |= RILL_F_FIN;
	else if (!strcmp(word, "ELICIT"))
		p->flags |= RILL_F_ELICIT;
	else if (!strcmp(word, "NOW"))
		p->flags |= RILL_F_NOW;
	else if (!strcmp(word, "FULL"))
		p->full = true;
	else
		return false;
	return true;
}

/* [train] [COUNT] TYPE words... */
static void parse(struct scen *s, const struct words *w, struct spec *p)
{
	int i = 0, t;
	u64 n;

	memset(p, 0, sizeof(*p));
	p->count = 1;
	if (i < w->n && !strcmp(w->w[i], "train")) {
		p->train = true;
		i++;
	}
	if (i < w->n && number_of(w->w[i], &n)) {
		p->count = n;
		i++;
	}
	if (i == w->n)
		fail(s, "no type of packet");
	for (t = 1; t < 16; t++)
		if (type_name[t] && !strcmp(type_name[t], w->w[i]))
			p->type = t;
	if (!strcmp(w->w[i], "PROBE")) {
		p->type = RILL_T_DATA;
		p->flags = RILL_F_ELICIT | RILL_F_NOW;
		p->given |= BIT(F_CID);
		p->v[F_CID] = 1;	/* whatever it is: see wants() and build() */
	}
	if (!p->type)
		fail(s, "\"%s\": no such type of packet", w->w[i]);
	if (p->type == RILL_T_ECHO)
		p->flags = RILL_F_ELICIT;
	for (i++; i < w->n; i++) {
		if (!strcmp(w->w[i], "CID")) {
			p->given |= BIT(F_CID);
			p->v[F_CID] = 1;
		} else if (!parse_word(p, w->w[i])) {
			parse_field(s, p, w->w[i]);
		}
	}
}

/*
 * The item of the ranges asked for, in the packet numbers they stand for.
 * @theirs: it is of packets of the peer's, which are named by number
 */
static void build_ack(struct scen *s, const struct spec *p, bool theirs, struct rill_extbuf *x)
{
	u16 pairs[2 * RILL_ACK_PAIRS_MAX];
	u64 low = 0, top = 0, first = 0, n;
	int np = 0, i;

	for (i = 0; i < p->nack; i++) {
		/* What was skipped between two of ours is a gap. */
		for (n = p->ack[i].hi; n >= p->ack[i].lo && n <= p->ack[i].hi; n--) {
			u64 pn = theirs ? n : sent_number(s, n);

			if (!top)
				top = pn;
			else if (pn + 1 == low && !np)
				first++;
			else if (pn + 1 == low)
				pairs[2 * np - 1]++;
			else if (np == RILL_ACK_PAIRS_MAX)
				fail(s, "too many ranges");
			else {
				pairs[2 * np] = low - pn - 2;
				pairs[2 * np++ + 1] = 0;
			}
			low = pn;
		}
	}
	rill_ext_put_ack(x, top, p->v[F_DELAY], first, pairs, np);
}

/* The items a packet of its type has whether they are named or not. */
static u32 implied(u8 type)
{
	switch (type) {
	case RILL_T_SYN:
		return BIT(F_CID) | BIT(F_PORTS) | BIT(F_PARAMS);
	case RILL_T_SYNACK:
		return BIT(F_CID) | BIT(F_PORTS) | BIT(F_PARAMS) | BIT(F_COOKIE);
	case RILL_T_ECHO:
		return BIT(F_CID) | BIT(F_PORTS) | BIT(F_COOKIE);
	}
	return 0;
}

/* An item that is implied can be left out: cid=0, ports=0/0, params=0/0/0. */
static void build_open(struct scen *s, const struct spec *p, struct rill_extbuf *x)
{
	u32 has = implied(p->type) | p->given;
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
		build_ack(s, p, false, x);
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
		arrive(s, &p, b, parse_hex(s, w->w[1], b, sizeof(b)));
		return;
	}
	parse(s, w, &p);
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
	if (rill_ext_has(x, RILL_I_CID) && !(implied(type) & BIT(F_CID)))
		fprintf(f, " CID");
	if (rill_ext_has(x, RILL_I_REASON))
		fprintf(f, " reason=%s", x->reason < 6 ? reason_name[x->reason] : "?");
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

	fprintf(f, "%s pn=%llu off=%u len=%u credit=%u", type_name[h->type],
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
	u32 want = implied(p->type) | p->given;
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

	build_ack(s, p, true, &item);
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
	parse(s, w, &p);
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
