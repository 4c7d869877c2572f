// SPDX-License-Identifier: GPL-2.0
/*
 * open.c - the listener's stateless half of the handshake.  See open.h.
 *
 * The cookie, RILL_COOKIE_LEN bytes, opaque to the client:
 *
 *	0      1       2        4         6    8           16        20    24       32
 *	+------+-------+--------+---------+----+-----------+---------+-----+--------+-----+
 *	| key  | type  | client | client  | 0  | issued at | client  | max.| our id | MAC |
 *	| epoch|       | payld. | delay   |    | ns, 64    | credit  | rec.| 64     | 64  |
 *	+------+-------+--------+---------+----+-----------+---------+-----+--------+-----+
 *
 * MAC: SipHash-2-4 over the fields before it, the client's id, the four Rill
 * and UDP ports and both addresses.
 */
#include "fast.h"

/* The first key, or the next one: @fresh is random. */
void rill_secrets_rotate(struct rill_secrets *s, const siphash_key_t *fresh, u64 now)
{
	if (!s->epoch)
		s->key[0] = *fresh;	/* never matches: no cookie carries epoch 0 */
	s->epoch = s->epoch == U8_MAX ? 2 : s->epoch + 1;
	s->key[s->epoch & 1] = *fresh;
	s->rotated_at = now;
}

/* Who asks for a connection, and where: what is hashed, so without holes. */
struct rill_who {
	u64	client;
	u16	sport, dport, local_udp, remote_udp;
	u8	local[16], remote[16];
} __aligned(8);

static void rill_who_fill(struct rill_who *who, const struct rill_path *path,
			  const struct rill_ext *x)
{
	_Static_assert(sizeof(*who) == 48, "no holes under a MAC");
	who->client = x->cid;
	who->sport = x->sport;
	who->dport = x->dport;
	who->local_udp = path->local_udp;
	who->remote_udp = path->remote_udp;
	memcpy(who->local, path->local, sizeof(who->local));
	memcpy(who->remote, path->remote, sizeof(who->remote));
}

/*
 * rill_open_id() - the id a server will have for the client of SYN @x.
 * @key: never changes
 *
 * The same for every copy of the SYN, so that a copy, or the echo after it, finds
 * the server that fast open made of the first.  Not to be guessed without @key.
 */
u64 rill_open_id(const siphash_key_t *key, const struct rill_path *path,
		 const struct rill_ext *x)
{
	struct rill_who who;
	u64 id;

	rill_who_fill(&who, path, x);
	id = siphash(&who, sizeof(who), key);
	return id ? id : 1;
}

static u64 rill_cookie_mac(const u8 *cookie, const struct rill_path *path,
			   const struct rill_ext *x, const siphash_key_t *key)
{
	struct {
		u8	cookie[RILL_COOKIE_LEN - 8];
		struct rill_who who;
	} in;

	_Static_assert(sizeof(in) == RILL_COOKIE_LEN - 8 + 48, "no holes under a MAC");
	memcpy(in.cookie, cookie, sizeof(in.cookie));
	rill_who_fill(&in.who, path, x);
	return siphash(&in, sizeof(in), key);
}

static void rill_reply_put(struct rill_reply *r, struct rill_hdr *h,
			   const struct rill_extbuf *x)
{
	h->ext_len = x->len;
	rill_wire_hdr_put(r->b, h);
	memcpy(r->b + RILL_HDR, x->b, x->len);
	r->len = RILL_HDR + x->len;
}

/* The items a SYN carries, and a SYN-ACK besides its cookie. */
void rill_open_ext_syn(struct rill_extbuf *x, u64 cid, u16 sport, u16 dport,
		       const struct rill_params *params)
{
	x->len = 0;
	rill_ext_put_cid(x, cid);
	rill_ext_put_ports(x, sport, dport);
	rill_ext_put_params(x, params);
}

/* RILL_MIB_NONE, or why a SYN is dropped. */
enum rill_mib rill_open_check(const struct rill_hdr *h, const struct rill_ext *x, u32 dgram,
			      const struct rill_listen *l)
{
	const u16 need = BIT(RILL_I_CID) | BIT(RILL_I_PORTS) | BIT(RILL_I_PARAMS);

	if (dgram < RILL_BASE_DGRAM || (x->has & need) != need || h->cid)
		return RILL_MIB_SYNBAD;
	if (x->params.sock_type != l->params.sock_type)
		return RILL_MIB_SYNREFUSED;
	return RILL_MIB_NONE;
}

/*
 * rill_open_syn() - answer a SYN.
 * @dgram: bytes of the datagram, which must fill the base size
 * @cid:   will be the connection's id at this end, see rill_open_id()
 * @fast:  what else there is to say, NULL: nothing
 *
 * Where a server stands already the cookie is as old as that: it needs none, and
 * its tombstone must outlive them all.
 *
 * Return: RILL_MIB_NONE and the SYN-ACK in @reply, else why the SYN is dropped.
 */
enum rill_mib rill_open_syn(const struct rill_hdr *h, const struct rill_ext *x, u32 dgram,
			    const struct rill_path *path, const struct rill_listen *l,
			    const struct rill_secrets *s, u64 cid, u64 now,
			    const struct rill_fast *fast, struct rill_reply *reply)
{
	struct rill_hdr rh = { .type = RILL_T_SYNACK, .cid = x->cid, .pn = h->pn };
	enum rill_mib why = rill_open_check(h, x, dgram, l);
	struct rill_extbuf ext;
	u8 c[RILL_COOKIE_LEN];

	if (why != RILL_MIB_NONE)
		return why;

	memset(c, 0, sizeof(c));
	c[0] = s->epoch;
	c[1] = x->params.sock_type;
	put_unaligned_be16(x->params.max_payload, c + 2);
	put_unaligned_be16(x->params.max_ack_delay, c + 4);
	put_unaligned_be64(fast && fast->issued ? fast->issued : now, c + 8);
	put_unaligned_be32(h->credit, c + 16);
	put_unaligned_be32(x->params.max_record, c + 20);
	put_unaligned_be64(cid, c + 24);
	put_unaligned_be64(rill_cookie_mac(c, path, x, &s->key[s->epoch & 1]), c + 32);

	rill_open_ext_syn(&ext, cid, x->dport, x->sport, &l->params);
	rill_ext_put_cookie(&ext, c, sizeof(c));
	if (fast && fast->taken)
		rill_ext_put_ack(&ext, 1, 0, 0, NULL, 0);
	if (fast && fast->token_len)
		rill_ext_put_token(&ext, fast->token, fast->token_len);
	rh.credit = l->credit;
	rill_reply_put(reply, &rh, &ext);
	return RILL_MIB_NONE;
}

/*
 * rill_open_echo() - check a cookie that came back.
 *
 * Return: RILL_MIB_NONE and @child filled; COOKIEOLD when it is ours but past
 * its time; COOKIEBAD when it is not ours, or incomplete.
 */
enum rill_mib rill_open_echo(const struct rill_hdr *h, const struct rill_ext *x,
			     const struct rill_path *path, const struct rill_secrets *s,
			     u64 now, struct rill_child *child)
{
	const u16 need = BIT(RILL_I_CID) | BIT(RILL_I_PORTS) | BIT(RILL_I_COOKIE);
	const u8 *c = x->cookie;
	u64 issued, mac;

	if ((x->has & need) != need || x->cookie_len != RILL_COOKIE_LEN)
		return RILL_MIB_COOKIEBAD;
	if (!rill_secrets_live(s, c[0]))
		return RILL_MIB_COOKIEBAD;
	mac = rill_cookie_mac(c, path, x, &s->key[c[0] & 1]);
	if (mac ^ get_unaligned_be64(c + 32) || h->cid != get_unaligned_be64(c + 24))
		return RILL_MIB_COOKIEBAD;
	issued = get_unaligned_be64(c + 8);
	if (issued > now || now - issued > RILL_COOKIE_TTL)
		return RILL_MIB_COOKIEOLD;

	child->cid = h->cid;
	child->peer_cid = x->cid;
	child->peer_credit = get_unaligned_be32(c + 16);
	child->cookie_until = issued + RILL_COOKIE_TTL;
	/* A later echo has waited for a time-out: no sample. */
	child->rtt = h->pn == 1 ? now - issued : 0;
	child->sport = x->sport;
	child->dport = x->dport;
	child->params.sock_type = c[1];
	child->params.max_payload = get_unaligned_be16(c + 2);
	child->params.max_ack_delay = get_unaligned_be16(c + 4);
	child->params.max_record = get_unaligned_be32(c + 20);
	child->fast = false;
	return RILL_MIB_NONE;
}
