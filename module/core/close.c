// SPDX-License-Identifier: GPL-2.0
/* close.c - tombstones and strays.  See close.h. */
#include "ack.h"
#include "close.h"
#include "seq.h"

/*
 * A packet came that wants an acknowledgement: it is among those received.  One
 * too old to be told from others is not reported: its number was, or what it
 * brought will come under a new one.
 */
static void rill_tomb_note(struct rill_tomb *t, struct rill_ranges *r, u32 wire)
{
	u64 pn = rill_expand(r->n ? r->v[r->n - 1].hi : 1, wire);

	if (!rill_num_ok(pn) || !pn)
		return;
	if (!rill_ranges_add(r, pn, pn + 1) && pn > r->v[0].hi) {
		rill_ranges_drop_below(r, r->v[0].hi);
		rill_ranges_add(r, pn, pn + 1);
	}
	t->npns = r->n;
}

/*
 * rill_tomb_rcv() - a packet came for a connection that is over.
 * @payload: bytes of payload
 *
 * RESETs are ignored (RFC 1337); what wants an acknowledgement gets one, of what
 * has come and of nothing else, though we have the peer's stream whole.
 *
 * Return: true when @reply holds a packet to send.
 */
bool rill_tomb_rcv(struct rill_tomb *t, const struct rill_hdr *h, const struct rill_ext *x,
		   u32 payload, struct rill_reply *reply)
{
	struct rill_hdr rh = { .type = RILL_T_DATA, .cid = t->peer_cid };
	struct rill_ranges pns = { .v = t->pns, .n = t->npns, .cap = RILL_TOMB_RANGES };
	struct rill_extbuf ext = { .len = 0 };

	/* A late SYN: its client, should it still wait, is told what became of it. */
	if (h->type == RILL_T_SYN)
		return !t->reack && rill_stray(h, x, RILL_R_ABORT, reply);
	if (!t->reack || (h->type != RILL_T_DATA && h->type != RILL_T_ECHO))
		return false;
	if (!payload && !(h->flags & (RILL_F_FIN | RILL_F_ELICIT)) && h->type != RILL_T_ECHO)
		return false;
	rill_tomb_note(t, &pns, h->pn);
	if (!pns.n)
		return false;
	rh.pn = t->pn_next++;
	rh.credit = t->credit;
	rill_ack_put(&pns, &ext, RILL_TOMB_RANGES - 1, 0, 0);
	rh.ext_len = ext.len;
	rill_wire_hdr_put(reply->b, &rh);
	memcpy(reply->b + RILL_HDR, ext.b, ext.len);
	reply->len = RILL_HDR + ext.len;
	return true;
}

/*
 * rill_stray() - a packet came for nobody: answer with a RESET, or not at all.
 *
 * Only a packet that names its sender's id can be answered, since a RESET must
 * carry it: SYN, echo, probes and the datagrams of a connected socket do.  The
 * answer is shorter than any of them, and a RESET is never answered.
 *
 * Return: true when @reply holds the RESET.
 */
bool rill_stray(const struct rill_hdr *h, const struct rill_ext *x, enum rill_reason why,
		struct rill_reply *reply)
{
	struct rill_hdr rh = { .type = RILL_T_RESET, .cid = x->cid, .pn = h->pn };
	struct rill_extbuf ext = { .len = 0 };

	if (!rill_ext_has(x, RILL_I_CID))
		return false;
	if (h->type != RILL_T_SYN && h->type != RILL_T_ECHO && h->type != RILL_T_DATA &&
	    h->type != RILL_T_DGRAM)
		return false;
	rill_ext_put_reason(&ext, why);
	rh.ext_len = ext.len;
	rill_wire_hdr_put(reply->b, &rh);
	memcpy(reply->b + RILL_HDR, ext.b, ext.len);
	reply->len = RILL_HDR + ext.len;
	return true;
}
