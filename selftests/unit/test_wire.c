// SPDX-License-Identifier: GPL-2.0
#include "wire.h"
#include "test.h"

static const u8 good[RILL_HDR + 4] = {
	0x14, 0x0d, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9, 0x80, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe,
	'd', 'a', 't', 'a',
};

TEST(hdr_get__fields)
{
	struct rill_hdr h;

	EXPECT_EQ(rill_wire_hdr_get(&h, good, sizeof(good)), RILL_WIRE_OK);
	EXPECT_EQ(h.type, RILL_T_DATA);
	EXPECT_EQ(h.flags, RILL_F_FIN | RILL_F_ELICIT | RILL_F_NOW);
	EXPECT_EQ(h.cid, 0x0102030405060708ULL);
	EXPECT_EQ(h.pn, 9);
	EXPECT_EQ(h.off, 0x80000001);
	EXPECT_EQ(h.credit, 0xfffffffe);
	EXPECT_EQ(h.ext_len, 0);
}

TEST(hdr_get__refusals)
{
	static const struct { const char *what; u32 len; u8 b0, b1, b2, b3; int want; } t[] = {
		{ "nothing", 0, 0x14, 0, 0, 0, RILL_WIRE_SHORT },
		{ "one byte short", RILL_HDR - 1, 0x14, 0, 0, 0, RILL_WIRE_SHORT },
		{ "just the header", RILL_HDR, 0x14, 0, 0, 0, RILL_WIRE_OK },
		{ "version 0", RILL_HDR, 0x04, 0, 0, 0, RILL_WIRE_VERSION_ERR },
		{ "version 2", RILL_HDR, 0x24, 0, 0, 0, RILL_WIRE_VERSION_ERR },
		{ "type 0", RILL_HDR, 0x10, 0, 0, 0, RILL_WIRE_TYPE },
		{ "a datagram", RILL_HDR, 0x16, 0, 0, 0, RILL_WIRE_OK },
		{ "FIN in a datagram", RILL_HDR, 0x16, 0x01, 0, 0, RILL_WIRE_FLAGS },
		{ "type 7", RILL_HDR, 0x17, 0, 0, 0, RILL_WIRE_TYPE },
		{ "type 15", RILL_HDR, 0x1f, 0, 0, 0, RILL_WIRE_TYPE },
		{ "key phase", RILL_HDR, 0x14, 0x80, 0, 0, RILL_WIRE_FLAGS },
		{ "PAD", RILL_HDR, 0x14, 0x06, 0, 0, RILL_WIRE_OK },
		{ "PAD in an echo", RILL_HDR, 0x13, 0x02, 0, 0, RILL_WIRE_FLAGS },
		{ "FIN behind padding", RILL_HDR, 0x14, 0x03, 0, 0, RILL_WIRE_FLAGS },
		{ "flag 0x10", RILL_HDR, 0x14, 0x10, 0, 0, RILL_WIRE_FLAGS },
		{ "FIN in a SYN", RILL_HDR, 0x11, 0x01, 0, 0, RILL_WIRE_FLAGS },
		{ "ELICIT in a RESET", RILL_HDR, 0x15, 0x04, 0, 0, RILL_WIRE_FLAGS },
		{ "ELICIT in an echo", RILL_HDR, 0x13, 0x04, 0, 0, RILL_WIRE_OK },
		{ "extension beyond the packet", RILL_HDR + 3, 0x14, 0, 0, 4, RILL_WIRE_SHORT },
		{ "extension to the end", RILL_HDR + 4, 0x14, 0, 0, 4, RILL_WIRE_OK },
		{ "extension of 257", RILL_HDR + 600, 0x14, 0, 1, 1, RILL_WIRE_EXT },
		{ "extension of 256", RILL_HDR + 600, 0x14, 0, 1, 0, RILL_WIRE_OK },
		{ "extension of 65535", RILL_HDR + 600, 0x14, 0, 255, 255, RILL_WIRE_SHORT },
	};
	struct rill_hdr h;
	u8 b[RILL_HDR + 600];
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		memset(b, 0, sizeof(b));
		b[0] = t[i].b0;
		b[1] = t[i].b1;
		b[2] = t[i].b2;
		b[3] = t[i].b3;
		ROW("%s", t[i].what);
		EXPECT_EQ(rill_wire_hdr_get(&h, b, t[i].len), t[i].want);
	}
}

TEST(hdr_put__inverse_of_get)
{
	struct rill_hdr h, again;
	u8 b[RILL_HDR + 1];
	u8 type;

	for (type = RILL_T_SYN; type <= RILL_T_DGRAM; type++) {
		h = (struct rill_hdr){ .cid = 0xfedcba9876543210ULL, .pn = 0xffffffff, .off = 7,
				       .credit = 0x80000000, .type = type };
		rill_wire_hdr_put(b + 1, &h);	/* any alignment */
		EXPECT_EQ(rill_wire_hdr_get(&again, b + 1, RILL_HDR), RILL_WIRE_OK);
		EXPECT(again.cid == h.cid && again.pn == h.pn && again.off == h.off &&
		       again.credit == h.credit && again.type == type && !again.flags);
	}
}

static int ext(struct rill_ext *x, const u8 *b, u16 len)
{
	struct rill_hdr h = { .type = RILL_T_DATA, .ext_len = len };

	return rill_wire_ext_get(x, &h, b);
}

TEST(ext_get__items)
{
	static const struct { const char *what; u8 len; u8 b[40]; int want; u16 has; } t[] = {
		{ "none", 0, { 0 }, RILL_WIRE_OK, 0 },
		{ "padding", 5, { 0, 1, 2, 3, 4 }, RILL_WIRE_OK, 0 },
		{ "a type alone", 1, { 3 }, RILL_WIRE_EXT, 0 },
		{ "length beyond", 4, { 3, 8, 1, 2 }, RILL_WIRE_EXT, 0 },
		{ "cid", 10, { 3, 8, 0, 0, 0, 0, 0, 0, 0, 1 }, RILL_WIRE_OK, BIT(RILL_I_CID) },
		{ "cid 0", 10, { 3, 8 }, RILL_WIRE_EXT, 0 },
		{ "cid of 7", 9, { 3, 7, 1 }, RILL_WIRE_EXT, 0 },
		{ "ports", 6, { 4, 4, 0, 1, 0, 2 }, RILL_WIRE_OK, BIT(RILL_I_PORTS) },
		{ "port 0", 6, { 4, 4, 0, 1, 0, 0 }, RILL_WIRE_EXT, 0 },
		{ "ports twice", 12, { 4, 4, 0, 1, 0, 2, 4, 4, 0, 1, 0, 2 }, RILL_WIRE_EXT, 0 },
		{ "ports of 5", 7, { 4, 5, 0, 1, 0, 2, 0 }, RILL_WIRE_EXT, 0 },
		{ "params", 8, { 5, 6, 4, 176, 0, 25, 1, 0 }, RILL_WIRE_OK, BIT(RILL_I_PARAMS) },
		{ "longer params", 9, { 5, 7, 4, 176, 0, 25, 1, 0, 9 }, RILL_WIRE_OK, BIT(RILL_I_PARAMS) },
		{ "short params", 7, { 5, 5, 4, 176, 0, 25, 1 }, RILL_WIRE_EXT, 0 },
		{ "payload 87", 8, { 5, 6, 0, 87, 0, 25, 1, 0 }, RILL_WIRE_EXT, 0 },
		{ "payload 88", 8, { 5, 6, 0, 88, 0, 25, 1, 0 }, RILL_WIRE_OK, BIT(RILL_I_PARAMS) },
		{ "payload 32720", 8, { 5, 6, 127, 208, 0, 25, 1, 0 }, RILL_WIRE_OK, BIT(RILL_I_PARAMS) },
		{ "payload 32721", 8, { 5, 6, 127, 209, 0, 25, 1, 0 }, RILL_WIRE_EXT, 0 },
		{ "delay 1001", 8, { 5, 6, 4, 176, 3, 233, 1, 0 }, RILL_WIRE_EXT, 0 },
		{ "cookie", 3, { 6, 1, 9 }, RILL_WIRE_OK, BIT(RILL_I_COOKIE) },
		{ "empty cookie", 2, { 6, 0 }, RILL_WIRE_EXT, 0 },
		{ "reason", 3, { 7, 1, 9 }, RILL_WIRE_OK, BIT(RILL_I_REASON) },
		{ "reason of 2", 4, { 7, 2, 9, 9 }, RILL_WIRE_EXT, 0 },
		{ "ecn", 14, { 2, 12 }, RILL_WIRE_OK, BIT(RILL_I_ECN) },
		{ "ecn of 11", 13, { 2, 11 }, RILL_WIRE_EXT, 0 },
		{ "token wanted", 2, { 8, 0 }, RILL_WIRE_OK, BIT(RILL_I_TOKEN) },
		{ "token of 7", 9, { 8, 7 }, RILL_WIRE_EXT, 0 },
		{ "token of 8", 10, { 8, 8 }, RILL_WIRE_OK, BIT(RILL_I_TOKEN) },
		{ "token and data of 34", 36, { 8, 34 }, RILL_WIRE_OK, BIT(RILL_I_TOKEN) },
		{ "token and data of 35", 37, { 8, 35 }, RILL_WIRE_EXT, 0 },
		{ "skip", 14, { 9, 12, 0, 0, 0, 9, 0, 0, 0, 10, 0, 0, 0, 1 }, RILL_WIRE_OK,
		  BIT(RILL_I_SKIP) },
		{ "skip over the wrap", 14, { 9, 12, 255, 0, 0, 0, 0, 0, 0, 10 }, RILL_WIRE_OK,
		  BIT(RILL_I_SKIP) },
		{ "skip of nothing", 14, { 9, 12, 0, 0, 0, 9, 0, 0, 0, 9 }, RILL_WIRE_EXT, 0 },
		{ "skip backwards", 14, { 9, 12, 0, 0, 0, 9, 0, 0, 0, 8 }, RILL_WIRE_EXT, 0 },
		{ "skip of 2^31 - 1", 14, { 9, 12, 0, 0, 0, 0, 127, 255, 255, 255 }, RILL_WIRE_OK,
		  BIT(RILL_I_SKIP) },
		{ "skip of 2^31", 14, { 9, 12, 0, 0, 0, 0, 128, 0, 0, 0 }, RILL_WIRE_EXT, 0 },
		{ "skip of 11 octets", 13, { 9, 11, 0, 0, 0, 9, 0, 0, 0, 10 }, RILL_WIRE_EXT, 0 },
		{ "challenge", 10, { 10, 8 }, RILL_WIRE_OK, BIT(RILL_I_CHALLENGE) },
		{ "challenge of 7", 9, { 10, 7 }, RILL_WIRE_EXT, 0 },
		{ "response", 10, { 11, 8 }, RILL_WIRE_OK, BIT(RILL_I_RESPONSE) },
		{ "response of 9", 11, { 11, 9 }, RILL_WIRE_EXT, 0 },
		{ "unknown, skipped", 7, { 12, 2, 1, 1, 7, 1, 9 }, RILL_WIRE_OK,
		  BIT(12) | BIT(RILL_I_REASON) },
		{ "unknown 127", 4, { 127, 2, 1, 1 }, RILL_WIRE_OK, 0 },
		{ "unknown 127 twice", 4, { 127, 0, 127, 0 }, RILL_WIRE_OK, 0 },
		{ "mandatory 128", 4, { 128, 2, 1, 1 }, RILL_WIRE_EXT, 0 },
		{ "mandatory 255", 2, { 255, 0 }, RILL_WIRE_EXT, 0 },
	};
	struct rill_ext x;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		ROW("%s", t[i].what);
		EXPECT_EQ(ext(&x, t[i].b, t[i].len), t[i].want);
		if (t[i].want == RILL_WIRE_OK)
			EXPECT_EQ(x.has, t[i].has);
	}
}

static int ack(struct rill_ext *x, u32 first, u8 pairs, u16 gap, u16 run, int trim)
{
	u8 b[2 + RILL_ACK_FIXED + 4 * 64] = { RILL_I_ACK, RILL_ACK_FIXED + 4 * pairs + trim };
	int i;

	put_unaligned_be32(1000, b + 2);
	put_unaligned_be32(77, b + 6);
	put_unaligned_be32(first, b + 10);
	for (i = 0; i < pairs; i++) {
		put_unaligned_be16(gap, b + 14 + 4 * i);
		put_unaligned_be16(run, b + 16 + 4 * i);
	}
	return ext(x, b, b[1] + 2);
}

TEST(ext_get__ack)
{
	struct rill_ext x;

	EXPECT_EQ(ack(&x, 3, 2, 1, 2, 0), RILL_WIRE_OK);
	EXPECT(x.ack.largest == 1000 && x.ack.delay == 77 && x.ack.first == 3 && x.ack.pairs == 2);
	EXPECT_EQ(ack(&x, 3, 0, 0, 0, -1), RILL_WIRE_EXT);
	EXPECT_EQ(ack(&x, 3, 1, 0, 0, -1), RILL_WIRE_EXT);
	EXPECT_EQ(ack(&x, 3, RILL_ACK_PAIRS_MAX, 0, 0, 0), RILL_WIRE_OK);
	EXPECT_EQ(ack(&x, 3, RILL_ACK_PAIRS_MAX + 1, 0, 0, 0), RILL_WIRE_EXT);
	/* The whole must span less than half of the numbers. */
	EXPECT_EQ(ack(&x, 0x7fffffff, 0, 0, 0, 0), RILL_WIRE_OK);
	EXPECT_EQ(ack(&x, 0x80000000, 0, 0, 0, 0), RILL_WIRE_EXT);
	EXPECT_EQ(ack(&x, 0x7fffffff, 1, 0, 0, 0), RILL_WIRE_EXT);
	EXPECT_EQ(ack(&x, 0xffffffff, 31, 0xffff, 0xffff, 0), RILL_WIRE_EXT);
}

TEST(ext_put__every_item_comes_back)
{
	static const u16 pairs[] = { 1, 2, 0xffff, 0 };
	static const u32 ecn[3] = { 1, 0x80000000, 3 };
	static const u8 cookie[] = { 1, 2, 3 }, token[] = { 8, 7, 6, 5, 4, 3, 2, 1 };
	struct rill_params p = { .max_payload = 1432, .max_ack_delay = 25, .sock_type = 5,
				 .max_record = 0x1a2b3c4d };
	struct rill_extbuf b = { .len = 0 };
	struct rill_ext x;

	rill_ext_put_ack(&b, 70000, 5, 6, pairs, 2);
	rill_ext_put_ecn(&b, ecn);
	rill_ext_put_cid(&b, 0x8877665544332211ULL);
	rill_ext_put_ports(&b, 5000, 80);
	rill_ext_put_params(&b, &p);
	rill_ext_put_cookie(&b, cookie, sizeof(cookie));
	rill_ext_put_reason(&b, RILL_R_ABORT);
	rill_ext_put_token_data(&b, 258, token, sizeof(token));
	rill_ext_put_skip(&b, 0xfffffff0, 16, 0x80000001);
	rill_ext_put_word(&b, RILL_I_CHALLENGE, 0x0123456789abcdefULL);
	rill_ext_put_word(&b, RILL_I_RESPONSE, 0xfedcba9876543210ULL);
	EXPECT_EQ(ext(&x, b.b, b.len), RILL_WIRE_OK);
	EXPECT_EQ(x.has, 0xffe);
	EXPECT(x.challenge == 0x0123456789abcdefULL && x.response == 0xfedcba9876543210ULL);
	EXPECT(x.ack.largest == 70000 && x.ack.delay == 5 && x.ack.first == 6 && x.ack.pairs == 2);
	EXPECT_EQ(get_unaligned_be16(x.ack.pair + 4), 0xffff);
	EXPECT(!memcmp(x.ecn, ecn, sizeof(ecn)));
	EXPECT(x.cid == 0x8877665544332211ULL && x.sport == 5000 && x.dport == 80);
	EXPECT(x.params.max_payload == 1432 && x.params.max_ack_delay == 25 &&
	       x.params.sock_type == 5 && x.params.max_record == 0x1a2b3c4d);
	EXPECT(x.cookie_len == 3 && !memcmp(x.cookie, cookie, 3));
	EXPECT_EQ(x.reason, RILL_R_ABORT);
	EXPECT(x.skip_from == 0xfffffff0 && x.skip_to == 16 && x.skip_next == 0x80000001);
	EXPECT(x.token_len == 10 && x.token[0] == 1 && x.token[1] == 2 &&
	       !memcmp(x.token + RILL_TOKEN_DATA, token, sizeof(token)));
	b.len = 0;
	rill_ext_put_token_wanted(&b);
	EXPECT(ext(&x, b.b, b.len) == RILL_WIRE_OK && rill_ext_has(&x, RILL_I_TOKEN) &&
	       !x.token_len);
	b.len = 0;
	rill_ext_put_token(&b, token, sizeof(token));
	EXPECT(ext(&x, b.b, b.len) == RILL_WIRE_OK && x.token_len == 8 &&
	       !memcmp(x.token, token, sizeof(token)));
}

/* Every value of PARAMS at its edges; the longest record only where there are records. */
TEST(ext_get__params)
{
	static const struct { const char *what; u8 v[12]; u8 len; int want; } t[] = {
		{ "stream", { 0, 88, 0, 25, 1, 0 }, 6, RILL_WIRE_OK },
		{ "stream, more behind", { 0, 88, 0, 25, 1, 0, 255, 255, 255, 255 }, 10, RILL_WIRE_OK },
		{ "short", { 0, 88, 0, 25, 1 }, 5, RILL_WIRE_EXT },
		{ "payload of 87", { 0, 87, 0, 25, 1, 0 }, 6, RILL_WIRE_EXT },
		{ "delay of 1001", { 0, 88, 3, 233, 1, 0 }, 6, RILL_WIRE_EXT },
		{ "records, size missing", { 0, 88, 0, 25, 5, 0, 0, 0, 0 }, 9, RILL_WIRE_EXT },
		{ "records of nothing", { 0, 88, 0, 25, 5, 0, 0, 0, 0, 0 }, 10, RILL_WIRE_OK },
		{ "records of 2^29", { 0, 88, 0, 25, 5, 0, 32, 0, 0, 0 }, 10, RILL_WIRE_OK },
		{ "and one more", { 0, 88, 0, 25, 5, 0, 32, 0, 0, 1 }, 10, RILL_WIRE_EXT },
		{ "records, more behind", { 0, 88, 0, 25, 5, 0, 0, 0, 1, 0, 9, 9 }, 12, RILL_WIRE_OK },
		{ "a type of later days", { 0, 88, 0, 25, 7, 0 }, 6, RILL_WIRE_OK },
	};
	u8 b[2 + sizeof(t[0].v)] = { RILL_I_PARAMS };
	struct rill_ext x;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		b[1] = t[i].len;
		memcpy(b + 2, t[i].v, t[i].len);
		ROW("%s", t[i].what);
		EXPECT_EQ(ext(&x, b, 2 + t[i].len), t[i].want);
		if (t[i].want == RILL_WIRE_OK && t[i].v[4] != 5)
			EXPECT_EQ(x.params.max_record, 0);
	}
}

TEST(extbuf__holds_the_largest_packet)
{
	u16 pairs[2 * RILL_ACK_PAIRS_MAX] = { 0 };
	u32 ecn[3] = { 1, 1, 1 };
	struct rill_extbuf b = { .len = 0 };

	rill_ext_put_ack(&b, 1, 1, 0, pairs, RILL_ACK_PAIRS_MAX);
	rill_ext_put_ecn(&b, ecn);
	rill_ext_put_cid(&b, 1);
	rill_ext_put_skip(&b, 0, 1, 1);
	EXPECT(b.len <= sizeof(b.b));
	EXPECT(b.len <= RILL_EXT_MAX);
}

TEST(dgram_ok__rules)
{
	static const struct { const char *what; u16 has; u64 cid; u32 says, len; bool ok; } t[] = {
		{ "empty", BIT(RILL_I_PORTS), 0, 0, 0, true },
		{ "with an id to answer to", BIT(RILL_I_PORTS) | BIT(RILL_I_CID), 0, 9, 9, true },
		{ "of the largest size", BIT(RILL_I_PORTS), 0, 65467, 65467, true },
		{ "without ports", BIT(RILL_I_CID), 0, 9, 9, false },
		{ "to an id", BIT(RILL_I_PORTS), 1, 9, 9, false },
		{ "cut short", BIT(RILL_I_PORTS), 0, 9, 8, false },
		{ "with more behind it", BIT(RILL_I_PORTS), 0, 9, 10, false },
		{ "of a length that lies", BIT(RILL_I_PORTS), 0, 0xffffffff, 9, false },
	};
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		struct rill_hdr h = { .type = RILL_T_DGRAM, .cid = t[i].cid, .credit = t[i].says };
		struct rill_ext x = { .has = t[i].has };

		ROW("%s", t[i].what);
		EXPECT_EQ(rill_wire_dgram_ok(&h, &x, t[i].len), t[i].ok);
	}
}
