// SPDX-License-Identifier: GPL-2.0
/* words.c - the words of a packet, and what they stand for.  See main.c for the words. */
#include <stdlib.h>
#include "spec.h"

const char *const spec_type[16] = {
	[RILL_T_SYN] = "SYN", [RILL_T_SYNACK] = "SYNACK", [RILL_T_ECHO] = "ECHO",
	[RILL_T_DATA] = "DATA", [RILL_T_RESET] = "RESET", [RILL_T_DGRAM] = "DGRAM",
};

const char *const spec_reason[SPEC_REASONS] = {
	"NONE", "REFUSED", "ABORT", "STRAY", "COOKIE", "TIMEOUT",
};

static const char *const ip_name[] = { "not-ECT", "ECT1", "ECT0", "CE" };

static const char *const field_name[F_NUMBERS] = {
	"pn", "rawpn", "off", "len", "credit", "id", "delay", "cid", "reason", "ip",
	"version", "type", "flags", "extlen", "cut", "pad", "data",
};

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
u64 sent_number(struct scen *s, u64 n)
{
	if (!n || n <= s->nnumber)
		return n ? s->number[n - 1] : 0;
	return scen_end(s)->c.tx.pn_next - 1 + n - s->nnumber;
}

/* How many packets had left when number @pn did; @pn itself if it never did. */
u64 sent_order(struct scen *s, u64 pn)
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
u32 spec_hex(struct scen *s, const char *v, u8 *b, u32 size)
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
	b[1] = spec_hex(s, colon + 1, b + 2, RILL_EXT_MAX - 2 - p->raw.len);
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
		p->token_len = spec_hex(s, v, p->token, RILL_TOKEN_MAX);
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
		p->nbytes = spec_hex(s, v, p->bytes, sizeof(p->bytes));
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
		p->v[i] = parse_name(s, v, spec_reason, SPEC_REASONS);
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
void spec_parse(struct scen *s, const struct words *w, struct spec *p)
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
		if (spec_type[t] && !strcmp(spec_type[t], w->w[i]))
			p->type = t;
	if (!strcmp(w->w[i], "PROBE")) {
		p->type = RILL_T_DATA;
		p->flags = RILL_F_ELICIT | RILL_F_NOW;
		p->given |= BIT(F_CID);
		p->v[F_CID] = 1;	/* whatever it is: see build_open() and differs_items() */
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

/* The items a packet of its type has whether they are named or not. */
u32 spec_implied(u8 type)
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

/*
 * The item of the ranges asked for, in the packet numbers they stand for.
 * @theirs: it is of packets of the peer's, which are named by number
 */
void spec_ack(struct scen *s, const struct spec *p, bool theirs, struct rill_extbuf *x)
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
