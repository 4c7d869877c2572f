// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_wire.c - any bytes as a packet: the decoder stays inside them, and what
 * it accepts is canonical: written and read again it is the same.
 */
#include <stdlib.h>
#include "wire.h"

#define REQUIRE(cond)	do { if (!(cond)) abort(); } while (0)

/* All that @x says, in the order of the item numbers. */
static void put(struct rill_extbuf *b, const struct rill_ext *x)
{
	u16 pairs[2 * RILL_ACK_PAIRS_MAX];
	int i;

	b->len = 0;
	if (rill_ext_has(x, RILL_I_ACK)) {
		for (i = 0; i < 2 * x->ack.pairs; i++)
			pairs[i] = get_unaligned_be16(x->ack.pair + 2 * i);
		rill_ext_put_ack(b, x->ack.largest, x->ack.delay, x->ack.first, pairs,
				 x->ack.pairs);
	}
	if (rill_ext_has(x, RILL_I_ECN))
		rill_ext_put_ecn(b, x->ecn);
	if (rill_ext_has(x, RILL_I_CID))
		rill_ext_put_cid(b, x->cid);
	if (rill_ext_has(x, RILL_I_PORTS))
		rill_ext_put_ports(b, x->sport, x->dport);
	if (rill_ext_has(x, RILL_I_PARAMS))
		rill_ext_put_params(b, &x->params);
	if (rill_ext_has(x, RILL_I_COOKIE) && x->cookie_len <= RILL_COOKIE_LEN)
		rill_ext_put_cookie(b, x->cookie, x->cookie_len);
	if (rill_ext_has(x, RILL_I_REASON))
		rill_ext_put_reason(b, x->reason);
	if (rill_ext_has(x, RILL_I_TOKEN))
		rill_ext_put_token(b, x->token, x->token_len);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct rill_extbuf one, two;
	struct rill_ext x, y;
	struct rill_hdr h;
	u8 b[RILL_HDR];
	u8 *copy;

	/* Memory of exactly this size: one byte beyond is a report. */
	copy = malloc(size);
	if (size)
		memcpy(copy, data, size);
	if (rill_wire_hdr_get(&h, copy, size) != RILL_WIRE_OK)
		goto out;
	rill_wire_hdr_put(b, &h);
	REQUIRE(!memcmp(b, copy, RILL_HDR));
	REQUIRE(h.ext_len <= size - RILL_HDR && h.ext_len <= RILL_EXT_MAX);
	if (rill_wire_ext_get(&x, &h, copy + RILL_HDR) != RILL_WIRE_OK)
		goto out;
	REQUIRE(!rill_ext_has(&x, RILL_I_PARAMS) ||
		(x.params.max_payload >= RILL_PAYLOAD_MIN &&
		 x.params.max_payload <= RILL_PAYLOAD_MAX && x.params.max_ack_delay <= 1000));
	put(&one, &x);
	h.ext_len = one.len;
	REQUIRE(rill_wire_ext_get(&y, &h, one.b) == RILL_WIRE_OK);
	put(&two, &y);
	REQUIRE(one.len == two.len && !memcmp(one.b, two.b, one.len));
out:
	free(copy);
	return 0;
}
