// SPDX-License-Identifier: GPL-2.0
#include "fast.h"
#include "test.h"

#define NOW (100 * RILL_SEC)
#define CID 0x2222222222222222ULL
#define CLIENT 0x1111111111111111ULL

static const siphash_key_t key_a = { { 1, 2 } }, key_b = { { 3, 4 } }, key_c = { { 5, 6 } };

/* The vectors of the paper's reference code: key 00 .. 0f, input 00 01 02 .. */
TEST(siphash__reference_vectors)
{
	static const struct { u32 len; u64 want; } t[] = {
		{ 0, 0x726fdb47dd0e0e31ULL }, { 1, 0x74f839c593dc67fdULL },
		{ 2, 0x0d6c8009d9a94f5aULL }, { 3, 0x85676696d7fb7e2dULL },
		{ 8, 0x93f5f5799a932462ULL }, { 15, 0xa129ca6149be45e5ULL },
	};
	siphash_key_t key = { { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL } };
	u8 in[16];
	u32 i;

	for (i = 0; i < sizeof(in); i++)
		in[i] = i;
	for (i = 0; i < COUNT(t); i++) {
		ROW("%u bytes", t[i].len);
		EXPECT_EQ(siphash(in, t[i].len, &key), t[i].want);
	}
}

struct syn {
	struct rill_hdr h;
	struct rill_ext x;
	struct rill_path path;
	struct rill_listen l;
	struct rill_secrets s;
	struct rill_reply reply;
	const struct rill_fast *fast;
	u8 cookie[RILL_COOKIE_LEN];
};

static void syn_init(struct syn *y)
{
	memset(y, 0, sizeof(*y));
	y->h.type = RILL_T_SYN;
	y->h.pn = 3;
	y->h.credit = 70000;
	y->x.has = BIT(RILL_I_CID) | BIT(RILL_I_PORTS) | BIT(RILL_I_PARAMS);
	y->x.cid = CLIENT;
	y->x.sport = 5000;
	y->x.dport = 80;
	y->x.params = (struct rill_params){ .max_payload = 1400, .max_ack_delay = 20, .sock_type = 1 };
	y->path.local[15] = 1;
	y->path.remote[15] = 2;
	y->path.local_udp = 7455;
	y->path.remote_udp = 40000;
	y->l.params = (struct rill_params){ .max_payload = 1000, .max_ack_delay = 25, .sock_type = 1 };
	y->l.credit = 50000;
	rill_secrets_rotate(&y->s, &key_a, NOW);
}

static int answer(struct syn *y, u32 dgram)
{
	return rill_open_syn(&y->h, &y->x, dgram, &y->path, &y->l, &y->s, CID, NOW, y->fast, &y->reply);
}

/* The echo a client would send: @y's header and extension become it. */
static void echo_of(struct syn *y)
{
	struct rill_hdr h;
	struct rill_ext x;

	syn_init(y);
	EXPECT_EQ(answer(y, RILL_BASE_DGRAM), RILL_MIB_NONE);
	EXPECT_EQ(rill_wire_hdr_get(&h, y->reply.b, y->reply.len), RILL_WIRE_OK);
	EXPECT_EQ(rill_wire_ext_get(&x, &h, y->reply.b + RILL_HDR), RILL_WIRE_OK);
	memcpy(y->cookie, x.cookie, sizeof(y->cookie));
	y->h = (struct rill_hdr){ .type = RILL_T_ECHO, .cid = CID, .pn = 1 };
	y->x.has = BIT(RILL_I_CID) | BIT(RILL_I_PORTS) | BIT(RILL_I_COOKIE);
	y->x.cookie = y->cookie;
	y->x.cookie_len = sizeof(y->cookie);
}

static int check(struct syn *y, u64 now, struct rill_child *child)
{
	return rill_open_echo(&y->h, &y->x, &y->path, &y->s, now, child);
}

TEST(open_syn__answer)
{
	struct rill_hdr h;
	struct rill_ext x;
	struct syn y;

	syn_init(&y);
	EXPECT_EQ(answer(&y, RILL_BASE_DGRAM), RILL_MIB_NONE);
	EXPECT(y.reply.len < RILL_BASE_DGRAM);		/* never an amplifier */
	EXPECT_EQ(rill_wire_hdr_get(&h, y.reply.b, y.reply.len), RILL_WIRE_OK);
	EXPECT_EQ(rill_wire_ext_get(&x, &h, y.reply.b + RILL_HDR), RILL_WIRE_OK);
	EXPECT_EQ(h.type, RILL_T_SYNACK);
	EXPECT(h.cid == CLIENT && h.pn == 3 && h.credit == 50000);
	EXPECT(x.cid == CID && x.sport == 80 && x.dport == 5000);
	EXPECT(x.params.max_payload == 1000 && x.cookie_len == RILL_COOKIE_LEN);
}

TEST(open_syn__refusals)
{
	static const u8 need[] = { RILL_I_CID, RILL_I_PORTS, RILL_I_PARAMS };
	struct syn y;
	u32 i;

	syn_init(&y);
	EXPECT_EQ(answer(&y, RILL_BASE_DGRAM - 1), RILL_MIB_SYNBAD);
	EXPECT_EQ(answer(&y, 60000), RILL_MIB_NONE);
	for (i = 0; i < COUNT(need); i++) {
		syn_init(&y);
		y.x.has &= ~BIT(need[i]);
		EXPECT_EQ(answer(&y, RILL_BASE_DGRAM), RILL_MIB_SYNBAD);
	}
	syn_init(&y);
	y.h.cid = 1;
	EXPECT_EQ(answer(&y, RILL_BASE_DGRAM), RILL_MIB_SYNBAD);
	syn_init(&y);
	y.x.params.sock_type = 5;
	EXPECT_EQ(answer(&y, RILL_BASE_DGRAM), RILL_MIB_SYNREFUSED);
}

TEST(open_echo__child)
{
	struct rill_child c;
	struct syn y;

	echo_of(&y);
	EXPECT_EQ(check(&y, NOW + 30 * RILL_MSEC, &c), RILL_MIB_NONE);
	EXPECT(c.cid == CID && c.peer_cid == CLIENT && c.peer_credit == 70000);
	EXPECT(c.sport == 5000 && c.dport == 80 && c.rtt == 30 * RILL_MSEC);
	EXPECT_EQ(c.cookie_until, NOW + RILL_COOKIE_TTL);
	EXPECT(c.params.max_payload == 1400 && c.params.max_ack_delay == 20 &&
	       c.params.sock_type == 1 && c.params.max_record == 0);
	y.h.pn = 2;		/* sent again: it has waited for a time-out */
	EXPECT_EQ(check(&y, NOW + 30 * RILL_MSEC, &c), RILL_MIB_NONE);
	EXPECT_EQ(c.rtt, 0);
}

TEST(open_echo__records)
{
	struct rill_child c;
	struct rill_ext x;
	struct rill_hdr h;
	struct syn y;

	syn_init(&y);
	y.x.params.sock_type = y.l.params.sock_type = RILL_RECORDS;
	y.x.params.max_record = 0x10203040;
	y.l.params.max_record = 5000;
	EXPECT_EQ(answer(&y, RILL_BASE_DGRAM), RILL_MIB_NONE);
	EXPECT_EQ(rill_wire_hdr_get(&h, y.reply.b, y.reply.len), RILL_WIRE_OK);
	EXPECT_EQ(rill_wire_ext_get(&x, &h, y.reply.b + RILL_HDR), RILL_WIRE_OK);
	EXPECT(x.params.sock_type == RILL_RECORDS && x.params.max_record == 5000);
	y.h = (struct rill_hdr){ .type = RILL_T_ECHO, .cid = CID, .pn = 1 };
	y.x.has = BIT(RILL_I_CID) | BIT(RILL_I_PORTS) | BIT(RILL_I_COOKIE);
	y.x.cookie = x.cookie;
	y.x.cookie_len = x.cookie_len;
	EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_NONE);
	EXPECT(c.params.sock_type == RILL_RECORDS && c.params.max_record == 0x10203040);
	y.l.params.sock_type = RILL_BYTES;
	y.h = (struct rill_hdr){ .type = RILL_T_SYN };
	y.x.has = BIT(RILL_I_CID) | BIT(RILL_I_PORTS) | BIT(RILL_I_PARAMS);
	EXPECT_EQ(answer(&y, RILL_BASE_DGRAM), RILL_MIB_SYNREFUSED);
}

TEST(open_echo__age)
{
	static const struct { const char *what; u64 now; int want; } t[] = {
		{ "-1", NOW - 1, RILL_MIB_COOKIEOLD },
		{ "0", NOW, RILL_MIB_NONE },
		{ "ttl", NOW + RILL_COOKIE_TTL, RILL_MIB_NONE },
		{ "ttl + 1", NOW + RILL_COOKIE_TTL + 1, RILL_MIB_COOKIEOLD },
		{ "a year", NOW + 31536000 * RILL_SEC, RILL_MIB_COOKIEOLD },
		{ "before the clock began", 0, RILL_MIB_COOKIEOLD },
	};
	struct rill_child c;
	struct syn y;
	u32 i;

	echo_of(&y);
	for (i = 0; i < COUNT(t); i++) {
		ROW("age %s", t[i].what);
		EXPECT_EQ(check(&y, t[i].now, &c), t[i].want);
	}
}

TEST(open_echo__every_bit_counts)
{
	struct rill_child c;
	struct syn y;
	u32 bit;

	echo_of(&y);
	for (bit = 0; bit < 8 * RILL_COOKIE_LEN; bit++) {
		y.cookie[bit / 8] ^= BIT(bit % 8);
		ROW("bit %u", bit);
		EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_COOKIEBAD);
		y.cookie[bit / 8] ^= BIT(bit % 8);
	}
	EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_NONE);
}

TEST(open_echo__bound_to_its_path)
{
	struct rill_child c;
	struct syn y;

	echo_of(&y), y.path.remote[15]++;
	EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_COOKIEBAD);
	echo_of(&y), y.path.local[0]++;
	EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_COOKIEBAD);
	echo_of(&y), y.path.remote_udp++;
	EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_COOKIEBAD);
	echo_of(&y), y.path.local_udp++;
	EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_COOKIEBAD);
	echo_of(&y), y.x.sport++;
	EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_COOKIEBAD);
	echo_of(&y), y.x.dport++;
	EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_COOKIEBAD);
	echo_of(&y), y.x.cid++;
	EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_COOKIEBAD);
	echo_of(&y), y.h.cid++;
	EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_COOKIEBAD);
}

TEST(open_echo__incomplete)
{
	static const u8 need[] = { RILL_I_CID, RILL_I_PORTS, RILL_I_COOKIE };
	struct rill_child c;
	struct syn y;
	u32 i;

	for (i = 0; i < COUNT(need); i++) {
		echo_of(&y);
		y.x.has &= ~BIT(need[i]);
		EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_COOKIEBAD);
	}
	for (i = 1; i < 2 * RILL_COOKIE_LEN; i++) {
		echo_of(&y);
		y.x.cookie_len = i;
		ROW("%u bytes", i);
		EXPECT_EQ(check(&y, NOW, &c), i == RILL_COOKIE_LEN ? RILL_MIB_NONE :
			  RILL_MIB_COOKIEBAD);
	}
}

TEST(secrets__two_live)
{
	struct rill_child c;
	struct syn y;

	echo_of(&y);
	rill_secrets_rotate(&y.s, &key_b, NOW + 1);
	EXPECT_EQ(check(&y, NOW + 2, &c), RILL_MIB_NONE);	/* epoch - 1 */
	rill_secrets_rotate(&y.s, &key_c, NOW + 2);
	EXPECT_EQ(check(&y, NOW + 3, &c), RILL_MIB_COOKIEBAD);	/* epoch - 2 */
}

TEST(secrets__never_set)
{
	struct rill_child c;
	struct syn y;

	echo_of(&y);
	memset(&y.s, 0, sizeof(y.s));
	EXPECT(rill_secrets_stale(&y.s, RILL_SECRET_LIFE, NOW));
	EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_COOKIEBAD);
	y.cookie[0] = 0;
	EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_COOKIEBAD);
}

TEST(secrets__epoch_goes_round)
{
	struct rill_child c;
	struct syn y;
	int i;

	for (i = 0; i < 600; i++) {
		siphash_key_t key = { { i, ~i } };

		echo_of(&y);
		y.s.epoch = i % 255 + 1;
		y.s.key[y.s.epoch & 1] = key_a;
		y.h = (struct rill_hdr){ .type = RILL_T_SYN, .credit = 1 };
		y.x.has = BIT(RILL_I_CID) | BIT(RILL_I_PORTS) | BIT(RILL_I_PARAMS);
		EXPECT_EQ(answer(&y, RILL_BASE_DGRAM), RILL_MIB_NONE);
		memcpy(y.cookie, y.reply.b + y.reply.len - RILL_COOKIE_LEN, RILL_COOKIE_LEN);
		y.h = (struct rill_hdr){ .type = RILL_T_ECHO, .cid = CID, .pn = 1 };
		y.x.has = BIT(RILL_I_CID) | BIT(RILL_I_PORTS) | BIT(RILL_I_COOKIE);
		rill_secrets_rotate(&y.s, &key, NOW);
		ROW("epoch %d", i % 255 + 1);
		EXPECT(y.s.epoch != 0);
		EXPECT_EQ(check(&y, NOW, &c), RILL_MIB_NONE);
	}
}

TEST(secrets_stale__after_a_minute)
{
	struct syn y;

	syn_init(&y);
	EXPECT(!rill_secrets_stale(&y.s, RILL_SECRET_LIFE, NOW + RILL_SECRET_LIFE - 1));
	EXPECT(rill_secrets_stale(&y.s, RILL_SECRET_LIFE, NOW + RILL_SECRET_LIFE));
}

/* A copy of a SYN meets the same server; another client never does. */
TEST(open_id__of_the_client)
{
	static const siphash_key_t key = { { 11, 12 } };
	struct syn y;
	u64 id;

	syn_init(&y);
	id = rill_open_id(&key, &y.path, &y.x);
	EXPECT(id != 0);
	y.h.pn++;
	y.x.params.max_payload--;
	EXPECT_EQ(rill_open_id(&key, &y.path, &y.x), id);
	EXPECT(rill_open_id(&key_a, &y.path, &y.x) != id);
	y.x.cid++;
	EXPECT(rill_open_id(&key, &y.path, &y.x) != id);
	syn_init(&y), y.x.sport++;
	EXPECT(rill_open_id(&key, &y.path, &y.x) != id);
	syn_init(&y), y.x.dport++;
	EXPECT(rill_open_id(&key, &y.path, &y.x) != id);
	syn_init(&y), y.path.remote[15]++;
	EXPECT(rill_open_id(&key, &y.path, &y.x) != id);
	syn_init(&y), y.path.local[15]++;
	EXPECT(rill_open_id(&key, &y.path, &y.x) != id);
	syn_init(&y), y.path.remote_udp++;
	EXPECT(rill_open_id(&key, &y.path, &y.x) != id);
	syn_init(&y), y.path.local_udp++;
	EXPECT(rill_open_id(&key, &y.path, &y.x) != id);
}

TEST(open_syn__what_fast_open_adds)
{
	struct rill_fast fast = { .issued = NOW - 7, .taken = true, .token_len = RILL_TOKEN_LEN };
	struct rill_hdr h;
	struct rill_ext x;
	struct syn y;

	syn_init(&y);
	y.fast = &fast;
	EXPECT_EQ(answer(&y, RILL_BASE_DGRAM), RILL_MIB_NONE);
	EXPECT(y.reply.len < RILL_BASE_DGRAM);
	EXPECT_EQ(rill_wire_hdr_get(&h, y.reply.b, y.reply.len), RILL_WIRE_OK);
	EXPECT_EQ(rill_wire_ext_get(&x, &h, y.reply.b + RILL_HDR), RILL_WIRE_OK);
	EXPECT(rill_ext_has(&x, RILL_I_ACK) && x.ack.largest == 1 && x.ack.first == 0);
	EXPECT(rill_ext_has(&x, RILL_I_TOKEN) && x.token_len == RILL_TOKEN_LEN);
	EXPECT_EQ(get_unaligned_be64(x.cookie + 8), NOW - 7);
}
