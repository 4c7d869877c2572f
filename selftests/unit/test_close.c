// SPDX-License-Identifier: GPL-2.0
#include "close.h"
#include "test.h"

static const struct rill_tomb grave = {
	.cid = 1, .peer_cid = 2, .pn_next = 50, .credit = 1000, .expires = RILL_SEC, .reack = true,
	.pns = { { 1, 40 }, { 60, 77 } }, .npns = 2,
};

static void reply_get(const struct rill_reply *r, struct rill_hdr *h, struct rill_ext *x)
{
	EXPECT_EQ(rill_wire_hdr_get(h, r->b, r->len), RILL_WIRE_OK);
	EXPECT_EQ(rill_wire_ext_get(x, h, r->b + RILL_HDR), RILL_WIRE_OK);
}

TEST(tomb_rcv__what_is_answered)
{
	static const struct { const char *what; u8 type, flags; u32 payload; bool want; } t[] = {
		{ "FIN", RILL_T_DATA, RILL_F_FIN, 0, 1 },
		{ "data", RILL_T_DATA, 0, 10, 1 },
		{ "a probe", RILL_T_DATA, RILL_F_ELICIT | RILL_F_NOW, 0, 1 },
		{ "an acknowledgement", RILL_T_DATA, 0, 0, 0 },
		{ "an echo", RILL_T_ECHO, RILL_F_ELICIT, 0, 1 },
		{ "RESET", RILL_T_RESET, 0, 0, 0 },
		{ "SYN-ACK", RILL_T_SYNACK, 0, 0, 0 },
		{ "SYN", RILL_T_SYN, 0, 1000, 0 },
	};
	struct rill_reply reply;
	struct rill_ext x = { 0 };
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		struct rill_hdr h = { .type = t[i].type, .flags = t[i].flags, .pn = 77 };
		struct rill_tomb tomb = grave;

		ROW("%s", t[i].what);
		EXPECT_EQ(rill_tomb_rcv(&tomb, &h, &x, t[i].payload, &reply), t[i].want);
		EXPECT_EQ(tomb.pn_next, 50 + t[i].want);
		tomb.reack = false;		/* guards a cookie only */
		EXPECT(!rill_tomb_rcv(&tomb, &h, &x, t[i].payload, &reply));
	}
}

TEST(tomb_rcv__the_answer)
{
	struct rill_hdr h = { .type = RILL_T_DATA, .flags = RILL_F_FIN, .pn = 77 };
	struct rill_tomb tomb = grave;
	struct rill_reply reply;
	struct rill_ext x = { 0 };

	EXPECT(rill_tomb_rcv(&tomb, &h, &x, 0, &reply));
	reply_get(&reply, &h, &x);
	EXPECT(h.type == RILL_T_DATA && !h.flags && h.cid == 2 && h.pn == 50 && h.credit == 1000);
	/* What has come, and nothing else. */
	EXPECT(x.ack.largest == 77 && x.ack.first == 17 && x.ack.pairs == 1);
	EXPECT_EQ(get_unaligned_be16(x.ack.pair), 60 - 40 - 1);
	EXPECT_EQ(get_unaligned_be16(x.ack.pair + 2), 38);
}

/* A tomb remembers few ranges: the newest. */
TEST(tomb_rcv__numbers_it_may_acknowledge)
{
	static const struct { u32 pn, largest, first, pairs; } t[] = {
		{ 0x40000002, 0x40000002, 0, 0 },	/* the others lie too far back */
		{ 76, 0x40000002, 0, 0 },		/* again */
		{ 0x40000004, 0x40000004, 0, 1 },
		{ 0x40000006, 0x40000006, 0, 2 },
		{ 0x40000008, 0x40000008, 0, 3 },
		{ 0x40000003, 0x40000008, 0, 2 },
		{ 50, 0x40000008, 0, 2 },		/* told, were it not so far back */
	};
	struct rill_tomb tomb = grave;
	struct rill_reply reply;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		struct rill_hdr h = { .type = RILL_T_DATA, .pn = t[i].pn };
		struct rill_ext x = { 0 };

		ROW("%x", t[i].pn);
		EXPECT(rill_tomb_rcv(&tomb, &h, &x, 1, &reply));
		reply_get(&reply, &h, &x);
		EXPECT_EQ(x.ack.largest, t[i].largest);
		EXPECT_EQ(x.ack.first, t[i].first);
		EXPECT_EQ(x.ack.pairs, t[i].pairs);
	}
}

TEST(tomb_rcv__numbers_that_cannot_be)
{
	static const u32 pn[] = { 0, 0xffffffff };
	struct rill_reply reply;
	struct rill_ext x = { 0 };
	u32 i;

	for (i = 0; i < COUNT(pn); i++) {
		struct rill_hdr h = { .type = RILL_T_DATA, .pn = pn[i] };
		struct rill_tomb tomb = grave;

		tomb.npns = 0;
		ROW("%x", pn[i]);
		EXPECT(!rill_tomb_rcv(&tomb, &h, &x, 1, &reply));
	}
}

TEST(stray__what_is_answered)
{
	static const struct { const char *what; u8 type; bool cid, want; } t[] = {
		{ "SYN", RILL_T_SYN, 1, 1 }, { "echo", RILL_T_ECHO, 1, 1 },
		{ "a probe", RILL_T_DATA, 1, 1 }, { "data without an id", RILL_T_DATA, 0, 0 },
		{ "SYN-ACK", RILL_T_SYNACK, 1, 0 }, { "RESET", RILL_T_RESET, 1, 0 },
		{ "RESET without an id", RILL_T_RESET, 0, 0 },
		{ "a connected datagram", RILL_T_DGRAM, 1, 1 },
		{ "a datagram", RILL_T_DGRAM, 0, 0 },
	};
	struct rill_reply reply;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		struct rill_hdr h = { .type = t[i].type, .pn = 9 };
		struct rill_ext x = { .has = t[i].cid ? BIT(RILL_I_CID) : 0, .cid = 5 };

		ROW("%s", t[i].what);
		EXPECT_EQ(rill_stray(&h, &x, RILL_R_STRAY, &reply), t[i].want);
		if (!t[i].want)
			continue;
		/* Shorter than the shortest packet that names its sender. */
		EXPECT(reply.len < RILL_HDR + RILL_CID_ITEM);
		reply_get(&reply, &h, &x);
		EXPECT(h.type == RILL_T_RESET && h.cid == 5 && h.pn == 9 && x.reason == RILL_R_STRAY);
		/* And never answered itself. */
		EXPECT(!rill_stray(&h, &x, RILL_R_STRAY, &reply));
	}
}
