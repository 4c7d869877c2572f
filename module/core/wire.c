// SPDX-License-Identifier: GPL-2.0
/*
 * wire.c - reading and writing packet headers and their extensions.
 *
 * Owns every byte-order conversion and every length check on bytes that came
 * from the network.  A packet that passes here is well-formed; whether it makes
 * sense is for open.c, recv.c and sent.c to say.
 */
#include "wire.h"

static const u8 rill_flags_of[] = {
	[RILL_T_SYN] = 0,
	[RILL_T_SYNACK] = 0,
	[RILL_T_ECHO] = RILL_F_FIN | RILL_F_ELICIT | RILL_F_NOW,
	[RILL_T_DATA] = RILL_F_KNOWN,
	[RILL_T_RESET] = 0,
	[RILL_T_DGRAM] = 0,
};

/*
 * rill_wire_hdr_get() - read a header.
 * @h:   filled when the packet is well-formed so far
 * @p:   at least RILL_HDR bytes
 * @len: bytes of the whole packet, extension and payload included
 */
enum rill_wire_err rill_wire_hdr_get(struct rill_hdr *h, const u8 *p, u32 len)
{
	if (len < RILL_HDR)
		return RILL_WIRE_SHORT;
	if (p[0] >> 4 != RILL_WIRE_VERSION)
		return RILL_WIRE_VERSION_ERR;
	h->type = p[0] & 0x0f;
	if (h->type < RILL_T_SYN || h->type > RILL_T_DGRAM)
		return RILL_WIRE_TYPE;
	h->flags = p[1];
	if (h->flags & ~rill_flags_of[h->type] ||
	    (h->flags & RILL_F_PAD && h->flags & RILL_F_FIN))
		return RILL_WIRE_FLAGS;
	h->ext_len = get_unaligned_be16(p + 2);
	if (h->ext_len > len - RILL_HDR)
		return RILL_WIRE_SHORT;
	if (h->ext_len > RILL_EXT_MAX)
		return RILL_WIRE_EXT;
	h->cid = get_unaligned_be64(p + 4);
	h->pn = get_unaligned_be32(p + 12);
	h->off = get_unaligned_be32(p + 16);
	h->credit = get_unaligned_be32(p + 20);
	return RILL_WIRE_OK;
}

/* Write RILL_HDR bytes at @p, of any alignment. */
void rill_wire_hdr_put(u8 *p, const struct rill_hdr *h)
{
	p[0] = RILL_WIRE_VERSION << 4 | h->type;
	p[1] = h->flags;
	put_unaligned_be16(h->ext_len, p + 2);
	put_unaligned_be64(h->cid, p + 4);
	put_unaligned_be32(h->pn, p + 12);
	put_unaligned_be32(h->off, p + 16);
	put_unaligned_be32(h->credit, p + 20);
}

static bool rill_ack_get(struct rill_ackblk *a, const u8 *v, u8 len)
{
	u64 below;
	u8 i;

	if (len < RILL_ACK_FIXED || (len - RILL_ACK_FIXED) % 4)
		return false;
	a->largest = get_unaligned_be32(v);
	a->delay = get_unaligned_be32(v + 4);
	a->first = get_unaligned_be32(v + 8);
	a->pairs = (len - RILL_ACK_FIXED) / 4;
	a->pair = v + RILL_ACK_FIXED;
	if (a->pairs > RILL_ACK_PAIRS_MAX)
		return false;

	/* The block as a whole must span less than half the number space. */
	below = a->first;
	for (i = 0; i < a->pairs; i++)
		below += 2ULL + get_unaligned_be16(a->pair + 4 * i) +
			 get_unaligned_be16(a->pair + 4 * i + 2);
	return below < BIT(31);
}

static bool rill_params_get(struct rill_params *p, const u8 *v, u8 len)
{
	if (len < 6)
		return false;
	p->max_payload = get_unaligned_be16(v);
	p->max_ack_delay = get_unaligned_be16(v + 2);
	p->sock_type = v[4];
	p->max_record = 0;
	if (p->sock_type == RILL_RECORDS) {
		if (len < 10)
			return false;
		p->max_record = get_unaligned_be32(v + 6);
	}
	return p->max_payload >= RILL_PAYLOAD_MIN &&
	       p->max_payload <= RILL_PAYLOAD_MAX && p->max_ack_delay <= 1000 &&
	       p->max_record <= RILL_RECORD_MAX;
}

/* One item; false: malformed, or one that must be understood and is not. */
static bool rill_item_get(struct rill_ext *x, u8 type, const u8 *v, u8 len)
{
	switch (type) {
	case RILL_I_ACK:
		return rill_ack_get(&x->ack, v, len);
	case RILL_I_ECN:
		if (len != 12)
			return false;
		x->ecn[0] = get_unaligned_be32(v);
		x->ecn[1] = get_unaligned_be32(v + 4);
		x->ecn[2] = get_unaligned_be32(v + 8);
		return true;
	case RILL_I_CID:
		if (len != 8)
			return false;
		x->cid = get_unaligned_be64(v);
		return x->cid != 0;
	case RILL_I_PORTS:
		if (len != 4)
			return false;
		x->sport = get_unaligned_be16(v);
		x->dport = get_unaligned_be16(v + 2);
		return x->sport && x->dport;
	case RILL_I_PARAMS:
		return rill_params_get(&x->params, v, len);
	case RILL_I_COOKIE:
		x->cookie = v;
		x->cookie_len = len;
		return len != 0;
	case RILL_I_REASON:
		if (len != 1)
			return false;
		x->reason = v[0];
		return true;
	case RILL_I_TOKEN:
		x->token = v;
		x->token_len = len;
		return !len || (len >= RILL_TOKEN_MIN && len <= RILL_TOKEN_DATA + RILL_TOKEN_MAX);
	case RILL_I_SKIP:
		if (len != 12)
			return false;
		x->skip_from = get_unaligned_be32(v);
		x->skip_to = get_unaligned_be32(v + 4);
		x->skip_next = get_unaligned_be32(v + 8);
		return (s32)(x->skip_to - x->skip_from) > 0;
	case RILL_I_CHALLENGE:
		x->challenge = len == 8 ? get_unaligned_be64(v) : 0;
		return len == 8;
	case RILL_I_RESPONSE:
		x->response = len == 8 ? get_unaligned_be64(v) : 0;
		return len == 8;
	default:
		return type < RILL_I_MANDATORY;
	}
}

/*
 * rill_wire_ext_get() - read the extension of a packet.
 * @x: filled; pointers inside it point into @p
 * @h: the packet's header, as rill_wire_hdr_get() left it
 * @p: @h->ext_len bytes
 *
 * Items below RILL_I_MANDATORY that we do not know are skipped.
 */
enum rill_wire_err rill_wire_ext_get(struct rill_ext *x, const struct rill_hdr *h,
				     const u8 *p)
{
	u16 left = h->ext_len;

	memset(x, 0, sizeof(*x));
	while (left && p[0] != RILL_I_END) {
		u8 type = p[0], len;

		if (left < RILL_ITEM_HDR)
			return RILL_WIRE_EXT;
		len = p[1];
		if (len > left - RILL_ITEM_HDR)
			return RILL_WIRE_EXT;
		if (type < 16 && x->has & BIT(type))
			return RILL_WIRE_EXT;
		if (!rill_item_get(x, type, p + RILL_ITEM_HDR, len))
			return RILL_WIRE_EXT;
		if (type < 16)
			x->has |= BIT(type);
		p += RILL_ITEM_HDR + len;
		left -= RILL_ITEM_HDR + len;
	}
	return RILL_WIRE_OK;
}

/*
 * Is a packet of type DGRAM, with @len bytes of payload, one?  It says its length
 * once more, so that what cut or merged packets wrongly on the way shows.
 */
bool rill_wire_dgram_ok(const struct rill_hdr *h, const struct rill_ext *x, u32 len)
{
	return !h->cid && rill_ext_has(x, RILL_I_PORTS) && h->credit == len;
}

/* Room for one item; struct rill_extbuf holds one of each kind. */
static u8 *rill_item_put(struct rill_extbuf *x, enum rill_item type, u8 len)
{
	u8 *p = x->b + x->len;

	p[0] = type;
	p[1] = len;
	x->len += RILL_ITEM_HDR + len;
	return p + RILL_ITEM_HDR;
}

/* @pairs: @npairs times (gap, run), each one less than the count it stands for. */
void rill_ext_put_ack(struct rill_extbuf *x, u32 largest, u32 delay, u32 first,
		      const u16 *pairs, u8 npairs)
{
	u8 *p = rill_item_put(x, RILL_I_ACK, RILL_ACK_FIXED + 4 * npairs);
	u8 i;

	put_unaligned_be32(largest, p);
	put_unaligned_be32(delay, p + 4);
	put_unaligned_be32(first, p + 8);
	for (i = 0; i < 2 * npairs; i++)
		put_unaligned_be16(pairs[i], p + RILL_ACK_FIXED + 2 * i);
}

void rill_ext_put_ecn(struct rill_extbuf *x, const u32 ecn[3])
{
	u8 *p = rill_item_put(x, RILL_I_ECN, 12);

	put_unaligned_be32(ecn[0], p);
	put_unaligned_be32(ecn[1], p + 4);
	put_unaligned_be32(ecn[2], p + 8);
}

void rill_ext_put_cid(struct rill_extbuf *x, u64 cid)
{
	put_unaligned_be64(cid, rill_item_put(x, RILL_I_CID, 8));
}

void rill_ext_put_ports(struct rill_extbuf *x, u16 sport, u16 dport)
{
	u8 *p = rill_item_put(x, RILL_I_PORTS, 4);

	put_unaligned_be16(sport, p);
	put_unaligned_be16(dport, p + 2);
}

void rill_ext_put_params(struct rill_extbuf *x, const struct rill_params *prm)
{
	bool records = prm->sock_type == RILL_RECORDS;
	u8 *p = rill_item_put(x, RILL_I_PARAMS, records ? 10 : 6);

	put_unaligned_be16(prm->max_payload, p);
	put_unaligned_be16(prm->max_ack_delay, p + 2);
	p[4] = prm->sock_type;
	p[5] = 0;
	if (records)
		put_unaligned_be32(prm->max_record, p + 6);
}

void rill_ext_put_cookie(struct rill_extbuf *x, const u8 *cookie, u8 len)
{
	memcpy(rill_item_put(x, RILL_I_COOKIE, len), cookie, len);
}

void rill_ext_put_skip(struct rill_extbuf *x, u32 from, u32 to, u32 next)
{
	u8 *p = rill_item_put(x, RILL_I_SKIP, 12);

	put_unaligned_be32(from, p);
	put_unaligned_be32(to, p + 4);
	put_unaligned_be32(next, p + 8);
}

/* A challenge or the answer to one. */
void rill_ext_put_word(struct rill_extbuf *x, enum rill_item item, u64 word)
{
	put_unaligned_be64(word, rill_item_put(x, item, 8));
}

void rill_ext_put_reason(struct rill_extbuf *x, enum rill_reason reason)
{
	*rill_item_put(x, RILL_I_REASON, 1) = reason;
}

/* In a SYN: a token would be welcome. */
void rill_ext_put_token_wanted(struct rill_extbuf *x)
{
	rill_item_put(x, RILL_I_TOKEN, 0);
}

/* In a SYN: a token, and the last @data bytes of the packet are the stream's first. */
void rill_ext_put_token_data(struct rill_extbuf *x, u16 data, const u8 *token, u8 len)
{
	u8 *p = rill_item_put(x, RILL_I_TOKEN, RILL_TOKEN_DATA + len);

	put_unaligned_be16(data, p);
	memcpy(p + RILL_TOKEN_DATA, token, len);
}

/* In a SYN-ACK: for another time. */
void rill_ext_put_token(struct rill_extbuf *x, const u8 *token, u8 len)
{
	memcpy(rill_item_put(x, RILL_I_TOKEN, len), token, len);
}
