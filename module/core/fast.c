// SPDX-License-Identifier: GPL-2.0
/*
 * fast.c - fast open.  See fast.h.
 *
 * The token, RILL_TOKEN_LEN bytes, opaque to the client:
 *
 *	0      1              8           16       24
 *	+------+--------------+-----------+--------+
 *	| key  |      0       | issued at |  MAC   |
 *	| epoch|              | ns, 64    |  64    |
 *	+------+--------------+-----------+--------+
 *
 * MAC: SipHash-2-4 over the fields before it and both addresses.  Not over
 * ports: it says that packets for the client's address reach the client, and
 * serves for all listeners there.
 */
#include "conn.h"

static u64 rill_token_mac(const u8 *token, const struct rill_path *path,
			  const siphash_key_t *key)
{
	struct {
		u8	token[RILL_TOKEN_LEN - 8];
		u8	local[16], remote[16];
	} __aligned(8) in;

	_Static_assert(sizeof(in) == RILL_TOKEN_LEN - 8 + 32, "no holes under a MAC");
	memcpy(in.token, token, sizeof(in.token));
	memcpy(in.local, path->local, sizeof(in.local));
	memcpy(in.remote, path->remote, sizeof(in.remote));
	return siphash(&in, sizeof(in), key);
}

static void rill_token_make(const struct rill_path *path, const struct rill_secrets *s, u64 now,
			    struct rill_fast *fast)
{
	u8 *t = fast->token;

	memset(t, 0, RILL_TOKEN_LEN);
	t[0] = s->epoch;
	put_unaligned_be64(now, t + 8);
	put_unaligned_be64(rill_token_mac(t, path, &s->key[s->epoch & 1]), t + 16);
	fast->token_len = RILL_TOKEN_LEN;
}

/* The age of the token in a SYN, ns; RILL_NEVER: it is none of ours. */
static u64 rill_token_age(const struct rill_ext *x, const struct rill_path *path,
			  const struct rill_secrets *s, u64 now)
{
	const u8 *t = x->token + RILL_TOKEN_DATA;
	u64 issued;

	if (x->token_len != RILL_TOKEN_DATA + RILL_TOKEN_LEN || !rill_secrets_live(s, t[0]))
		return RILL_NEVER;
	if (rill_token_mac(t, path, &s->key[t[0] & 1]) ^ get_unaligned_be64(t + 16))
		return RILL_NEVER;
	issued = get_unaligned_be64(t + 8);
	return issued > now ? RILL_NEVER : now - issued;
}

/*
 * rill_open_fast() - does a SYN open a connection at once?
 * @tokens: keys of tokens, fresh
 * @cid:    will be the connection's id at this end
 * @fast:   what the answer has to say, but for what becomes of the data
 *
 * Return: RILL_MIB_NONE and @child filled: it does.  SYNBAD: it is not for
 * fast open, or asks for a token.  FASTPASSIVEFAIL: its token is not believed.
 */
enum rill_mib rill_open_fast(const struct rill_hdr *h, const struct rill_ext *x, u32 dgram,
			     const struct rill_path *path, const struct rill_listen *l,
			     const struct rill_secrets *tokens, u64 cid, u64 now,
			     struct rill_child *child, struct rill_fast *fast)
{
	u64 age;

	memset(fast, 0, sizeof(*fast));
	/* A part of a record would be of no use. */
	if (x->params.sock_type != RILL_BYTES)
		return RILL_MIB_SYNBAD;
	if (!rill_ext_has(x, RILL_I_TOKEN) || rill_open_check(h, x, dgram, l) != RILL_MIB_NONE)
		return RILL_MIB_SYNBAD;
	age = rill_token_age(x, path, tokens, now);
	if (age > RILL_TOKEN_TTL / 2)
		rill_token_make(path, tokens, now, fast);
	if (!x->token_len)
		return RILL_MIB_SYNBAD;
	fast->data = get_unaligned_be16(x->token);
	if (age > RILL_TOKEN_TTL || h->off || fast->data > dgram - RILL_HDR - h->ext_len)
		return RILL_MIB_FASTPASSIVEFAIL;

	memset(child, 0, sizeof(*child));
	child->cid = cid;
	child->peer_cid = x->cid;
	child->peer_credit = h->credit;
	child->cookie_until = now + RILL_COOKIE_TTL;
	child->sport = x->sport;
	child->dport = x->dport;
	child->params = x->params;
	child->fast = true;
	return RILL_MIB_NONE;
}

/*
 * rill_fast_room() - the bytes a SYN of @c has room for.
 *
 * Few enough to be cut anew for a peer that takes only small packets.
 */
u32 rill_fast_room(const struct rill_conn *c)
{
	return min_t(u32, c->payload - RILL_FAST_EXT, RILL_RUN_MAX * RILL_PAYLOAD_MIN);
}

/*
 * Put into a SYN what fast open wants.  One that failed may have failed because
 * of that: the next ones, after a token, are ordinary.
 */
void rill_fast_syn(struct rill_conn *c, struct rill_tx *tx)
{
	struct rill_run *run = c->tx.unsent;

	if (!c->token_len) {
		rill_ext_put_token_wanted(&tx->ext);
		return;
	}
	if (c->attempts)
		return;
	if (run && run->len > rill_fast_room(c))
		run = NULL;
	rill_ext_put_token_data(&tx->ext, run ? run->len : 0, c->token, c->token_len);
	if (!run)
		return;
	tx->run = run;
	tx->bytes = run->len;
	tx->fresh = true;
	tx->eliciting = true;
}

/* The SYN's data did not arrive, and is as if it had never left. */
static void rill_fast_refused(struct rill_conn *c)
{
	struct rill_run *run = list_first_entry(&c->tx.runs, struct rill_run, node);

	c->st.retrans++;
	c->st.bytes_retrans += run->len;
	rill_count(c, RILL_MIB_RETRANS, 1);
	rill_count(c, RILL_MIB_FASTACTIVEFAIL, 1);
	rill_send_take_back(&c->tx);
	c->fast_fail = c->attempts > 1 ? RILL_FAST_SYN_AGAIN : RILL_FAST_NOT_ACKED;
}

/*
 * What is to leave was cut before the peer said what it takes.  It may have been
 * in no SYN at all, when the carrier refused the first.
 */
static void rill_fast_cut(struct rill_conn *c)
{
	struct rill_run *run = c->tx.unsent;

	if (!run || run->nsent || run->plen <= c->payload ||
	    run->len > (u32)RILL_RUN_MAX * c->payload)
		return;
	run->plen = c->payload;
	run->n = (run->len + run->plen - 1) / run->plen;
	run->flags |= RILL_RUN_FLAT;
}

/* The SYN-ACK came, the peer's parameters are in: was our data taken? */
void rill_fast_answer(struct rill_conn *c, const struct rill_ext *x, u64 now)
{
	bool data = c->tx.pn_next > 1;
	struct rill_acked a;

	if (!c->fast)
		return;
	if (data && rill_ext_has(x, RILL_I_ACK) && rill_send_ack_valid(&c->tx, &x->ack)) {
		rill_send_acked(&c->tx, &x->ack, now, &a);
		c->st.bytes_acked += a.payload;
		c->last_ack_rx = now;
		c->syn_data = true;
		rill_count(c, RILL_MIB_FASTACTIVE, 1);
	} else if (data) {
		rill_fast_refused(c);
	}
	rill_fast_cut(c);
	if (rill_ext_has(x, RILL_I_TOKEN) && x->token_len && x->token_len <= sizeof(c->token)) {
		memcpy(c->token, x->token, x->token_len);
		c->token_len = x->token_len;
		c->out->bits |= RILL_B_TOKEN;
	} else if (data && !c->syn_data) {
		c->token_len = 0;
		c->out->bits |= RILL_B_TOKEN;
	}
}
