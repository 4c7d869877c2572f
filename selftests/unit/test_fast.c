// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include "duo.h"
#include "test.h"

#define LEN 500		/* bytes of data in a SYN */

/* A listener that does fast open, and a client that has its token. */
struct visit {
	struct duo *d;
	u8 token[RILL_TOKEN_MAX];
	u8 token_len;
};

/* The first visit: a token is asked for, and kept. */
static struct duo *first(struct visit *v)
{
	struct duo *d = duo_new();

	d->fast = true;
	duo_connect_fast(d, NULL, 0, 0);
	duo_pass(d);
	EXPECT(d->e[0].bits & RILL_B_TOKEN);
	v->token_len = d->e[0].c.token_len;
	memcpy(v->token, d->e[0].c.token, v->token_len);
	return d;
}

/* Another connection of the same two hosts, some time later; nothing sent yet. */
static void later(struct visit *v, u64 ns)
{
	struct duo *d = first(v);

	v->d = duo_new();
	v->d->fast = true;
	v->d->now = d->now + ns;
	v->d->secrets = d->secrets;
	v->d->tokens = d->tokens;
	duo_free(d);
}

static void go(struct visit *v, u32 len)
{
	duo_connect_fast(v->d, v->token, v->token_len, len);
}

static u64 mib(const struct visit *v, int end, enum rill_mib id)
{
	return v->d->e[end].mib[id];
}

TEST(fast__first_visit)
{
	struct visit v;
	struct duo *d = first(&v);

	EXPECT_EQ(v.token_len, RILL_TOKEN_LEN);
	EXPECT_EQ(d->last_fast, RILL_MIB_SYNBAD);
	EXPECT_EQ(d->e[1].c.state, RILL_ESTABLISHED);
	EXPECT(d->e[1].c.confirmed && !d->e[1].c.syn_data && !d->e[0].c.fast_sent);
	/* Its first number is the echo's. */
	EXPECT_EQ(d->e[1].c.aq.pns.v[0].lo, 1);
	duo_free(d);
}

TEST(fast__no_token_unasked)
{
	struct duo *d = duo_new();

	d->fast = true;
	duo_connect(d);
	EXPECT(!rill_ext_has(&d->q[0]->p.x, RILL_I_TOKEN));
	duo_deliver(d, 0);
	EXPECT(!rill_ext_has(&d->q[0]->p.x, RILL_I_TOKEN));
	duo_pass(d);
	EXPECT(!(d->e[0].bits & RILL_B_TOKEN));
	duo_free(d);
}

/* Data written without a token goes when the handshake is over. */
TEST(fast__data_without_token_waits)
{
	struct duo *d = duo_new();

	d->fast = true;
	duo_connect_fast(d, NULL, 0, LEN);
	EXPECT(d->nq == 1 && d->q[0]->len == RILL_BASE_DGRAM);
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.nxt, LEN);
	EXPECT(!d->e[0].c.syn_data && !d->e[1].c.syn_data);
	EXPECT_EQ(d->e[0].mib[RILL_MIB_FASTACTIVEFAIL], 0);
	duo_free(d);
}

TEST(fast__taken)
{
	struct visit v;
	struct duo *d;

	later(&v, RILL_SEC);
	d = v.d;
	go(&v, LEN);
	EXPECT(d->nq == 1 && d->q[0]->len == RILL_BASE_DGRAM);
	duo_deliver(d, 0);
	/* The server stands, has the data, and one packet answers for all. */
	EXPECT_EQ(d->last_fast, RILL_MIB_NONE);
	EXPECT_EQ(d->e[1].c.rx.nxt, LEN);
	EXPECT(d->e[1].bits & RILL_B_READABLE && d->e[1].c.syn_data && !d->e[1].c.confirmed);
	EXPECT_EQ(d->nq, 1);
	EXPECT_EQ(d->q[0]->p.h.type, RILL_T_SYNACK);
	EXPECT(rill_ext_has(&d->q[0]->p.x, RILL_I_ACK));
	EXPECT(!rill_ext_has(&d->q[0]->p.x, RILL_I_TOKEN));	/* the old one is young */
	duo_deliver(d, 0);
	EXPECT(d->e[0].bits & RILL_B_CONNECTED && d->e[0].c.syn_data);
	EXPECT_EQ(d->e[0].c.tx.una, LEN);
	EXPECT_EQ(mib(&v, 0, RILL_MIB_FASTACTIVE), 1);
	EXPECT_EQ(d->e[0].runs, 0);
	EXPECT(d->nq == 1 && d->q[0]->p.h.type == RILL_T_ECHO && d->q[0]->p.h.pn == 2);
	duo_deliver(d, 0);
	EXPECT(d->e[1].c.confirmed);
	duo_pass(d);
	EXPECT(d->e[0].c.confirmed);
	EXPECT_EQ(mib(&v, 1, RILL_MIB_PASSIVEOPENS), 1);
	/* All is at rest, and the connection serves both ways. */
	EXPECT_EQ(d->e[0].recs, 0);
	duo_read(d, 1, LEN);
	duo_write(d, 0, 3000);
	duo_write(d, 1, 3000);
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.nxt, LEN + 3000);
	EXPECT_EQ(d->e[0].c.rx.nxt, 3000);
	EXPECT_EQ(mib(&v, 0, RILL_MIB_RETRANS), 0);
	/* The time for confirmation passes, and means nothing any more. */
	duo_run(d, 2 * RILL_FAST_WAIT);
	EXPECT_EQ(d->e[1].c.state, RILL_ESTABLISHED);
	duo_free(d);
}

/* SYNs are for listeners, and one data is all that a server takes from one. */
TEST(fast__syn_for_a_connection)
{
	struct rill_pkt syn = { .h.type = RILL_T_SYN, .len = 10, .plen = 10, .n = 1 };
	struct visit v;
	u64 was[2];
	int i;

	later(&v, RILL_SEC);
	go(&v, LEN);
	duo_deliver(v.d, 0);
	was[1] = duo_hash(v.d, 1);
	duo_rcv(v.d, 1, &syn);
	EXPECT_EQ(duo_hash(v.d, 1), was[1]);
	EXPECT_EQ(mib(&v, 1, RILL_MIB_INSTATE), 1);
	duo_pass(v.d);
	for (i = 0; i < 2; i++) {
		was[i] = duo_hash(v.d, i);
		duo_rcv(v.d, i, &syn);
		EXPECT_EQ(duo_hash(v.d, i), was[i]);
	}
	EXPECT_EQ(mib(&v, 0, RILL_MIB_INSTATE), 1);
	EXPECT_EQ(mib(&v, 1, RILL_MIB_INSTATE), 2);
	duo_free(v.d);
}

/* The largest SYN is a full packet of the path. */
TEST(fast__as_much_as_fits)
{
	struct visit v;
	u32 room;

	later(&v, RILL_SEC);
	v.d->e[0].cfg.payload = 1400;
	duo_connect_fast(v.d, v.token, v.token_len, 0);	/* to have a connection to ask */
	room = rill_fast_room(&v.d->e[0].c);
	duo_free(v.d);
	EXPECT_EQ(room, 1400 - RILL_FAST_EXT);

	later(&v, RILL_SEC);
	v.d->e[0].cfg.payload = 1400;
	go(&v, room);
	EXPECT(v.d->nq == 1 && v.d->q[0]->len > RILL_BASE_DGRAM &&
	       v.d->q[0]->len <= RILL_HDR + 1400);
	duo_pass(v.d);
	EXPECT_EQ(v.d->e[1].c.rx.nxt, room);
	duo_free(v.d);
}

/* A token alone opens too; there is nothing to acknowledge. */
TEST(fast__no_data)
{
	struct visit v;

	later(&v, RILL_SEC);
	go(&v, 0);
	duo_deliver(v.d, 0);
	EXPECT(v.d->e[1].born && !v.d->e[1].c.syn_data);
	EXPECT(!rill_ext_has(&v.d->q[0]->p.x, RILL_I_ACK));
	duo_pass(v.d);
	EXPECT(v.d->e[1].c.confirmed && v.d->e[0].c.confirmed);
	EXPECT_EQ(mib(&v, 0, RILL_MIB_FASTACTIVEFAIL), 0);
	duo_free(v.d);
}

/* The server may answer before it is confirmed: an initial window, once. */
TEST(fast__answer_before_confirmation)
{
	struct visit v;
	struct duo *d;
	int i;

	later(&v, RILL_SEC);
	d = v.d;
	go(&v, LEN);
	duo_deliver(d, 0);
	duo_write(d, 1, 50000);
	EXPECT_EQ(d->nq, 1 + RILL_CC_IW);
	/* The client hears nothing: nothing more leaves, and 63 s later it ends. */
	for (i = 1; i < 1 + RILL_CC_IW; i++)
		duo_drop(d, 1);
	duo_drop(d, 0);
	d->e[0].born = false;
	duo_wait(d, RILL_FAST_WAIT - 1);
	EXPECT_EQ(d->nq, 0);
	EXPECT_EQ(d->e[1].c.state, RILL_ESTABLISHED);
	duo_wait(d, 1);
	EXPECT_EQ(d->e[1].err, ETIMEDOUT);
	EXPECT(d->nq == 1 && d->q[0]->p.h.type == RILL_T_RESET);
	EXPECT_EQ(d->e[1].runs, 0);
	EXPECT_EQ(d->e[1].recs, 0);
	d->e[0].born = true;
	duo_free(d);
}

/* What was lost before confirmation is sent again after it. */
TEST(fast__answer_lost)
{
	struct visit v;
	struct duo *d;

	later(&v, RILL_SEC);
	d = v.d;
	go(&v, LEN);
	duo_deliver(d, 0);
	duo_write(d, 1, 3000);
	while (d->nq > 1)
		duo_drop(d, 1);
	duo_run(d, 10 * RILL_SEC);
	EXPECT_EQ(d->e[0].c.rx.nxt, 3000);
	duo_free(d);
}

TEST(fast__echo_lost)
{
	struct visit v;
	struct duo *d;

	later(&v, RILL_SEC);
	d = v.d;
	go(&v, LEN);
	duo_deliver(d, 0);
	duo_deliver(d, 0);
	EXPECT_EQ(d->q[0]->p.h.type, RILL_T_ECHO);
	duo_drop(d, 0);
	duo_run(d, 10 * RILL_SEC);
	EXPECT(d->e[1].c.confirmed && d->e[0].c.confirmed);
	EXPECT_EQ(d->e[1].c.rx.nxt, LEN);
	EXPECT_EQ(d->e[1].c.state, RILL_ESTABLISHED);
	duo_free(d);
}

/* The SYN is lost: the next is an ordinary one, the data follows the echo. */
TEST(fast__syn_lost)
{
	struct visit v;
	struct duo *d;

	later(&v, RILL_SEC);
	d = v.d;
	go(&v, LEN);
	duo_drop(d, 0);
	duo_wait(d, RILL_SEC);
	EXPECT(d->nq == 1 && d->q[0]->p.h.type == RILL_T_SYN);
	EXPECT(!rill_ext_has(&d->q[0]->p.x, RILL_I_TOKEN));
	EXPECT_EQ(d->q[0]->len, RILL_BASE_DGRAM);
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.nxt, LEN);
	EXPECT(!d->e[1].c.syn_data && !d->e[0].c.syn_data);
	EXPECT_EQ(d->e[0].c.fast_fail, RILL_FAST_SYN_AGAIN);
	/* A path that drops such SYNs is not tried again. */
	EXPECT(d->e[0].bits & RILL_B_TOKEN && !d->e[0].c.token_len);
	EXPECT_EQ(mib(&v, 1, RILL_MIB_PASSIVEOPENS), 1);
	duo_free(d);
}

/* The SYN-ACK is lost: an ordinary SYN finds the server that stands. */
TEST(fast__synack_lost)
{
	struct visit v;
	struct duo *d;

	later(&v, RILL_SEC);
	d = v.d;
	go(&v, LEN);
	duo_deliver(d, 0);
	duo_drop(d, 0);
	duo_wait(d, RILL_SEC);
	duo_deliver(d, 0);
	EXPECT(d->q[0]->p.h.type == RILL_T_SYNACK && rill_ext_has(&d->q[0]->p.x, RILL_I_ACK));
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.nxt, LEN);
	EXPECT_EQ(mib(&v, 1, RILL_MIB_PASSIVEOPENS), 1);
	EXPECT(d->e[0].c.syn_data && d->e[0].c.confirmed && d->e[1].c.confirmed);
	EXPECT(d->e[0].c.rtt.srtt < 100 * RILL_MSEC);	/* no sample of a second */
	EXPECT(!(d->e[0].bits & RILL_B_TOKEN));
	duo_free(d);
}

/* Cookies of a standing server are no younger than it: its tombstone outlives them. */
TEST(fast__cookie_as_old_as_the_server)
{
	struct visit v;
	struct duo *d;
	u64 until;

	later(&v, RILL_SEC);
	d = v.d;
	go(&v, LEN);
	duo_deliver(d, 0);
	until = d->e[1].c.cookie_until;
	EXPECT_EQ(until, d->now + RILL_COOKIE_TTL);
	duo_drop(d, 0);
	duo_wait(d, RILL_SEC);
	duo_deliver(d, 0);
	EXPECT_EQ(get_unaligned_be64(d->q[0]->p.x.cookie + 8), until - RILL_COOKIE_TTL);
	duo_free(d);
}

/* A copy of the SYN makes no second server, and gives it no second data. */
TEST(fast__syn_twice)
{
	struct visit v;
	struct duo_pkt copy;
	struct duo *d;

	later(&v, RILL_SEC);
	d = v.d;
	go(&v, LEN);
	copy = *d->q[0];
	duo_deliver(d, 0);
	duo_raw(d, 1, copy.b, copy.len);
	EXPECT(d->nq == 2 && d->q[1]->p.h.type == RILL_T_SYNACK);
	EXPECT(rill_ext_has(&d->q[1]->p.x, RILL_I_ACK));
	duo_pass(d);
	duo_raw(d, 1, copy.b, copy.len);
	duo_pass(d);
	EXPECT_EQ(mib(&v, 1, RILL_MIB_PASSIVEOPENS), 1);
	EXPECT_EQ(d->e[1].c.rx.nxt, LEN);
	EXPECT_EQ(d->e[0].c.state, RILL_ESTABLISHED);
	duo_free(d);
}

/* A SYN replayed when the connection is over, and its tombstone stands. */
TEST(fast__replay)
{
	struct visit v;
	struct duo_pkt copy;
	struct duo *d;
	int n;

	later(&v, RILL_SEC);
	d = v.d;
	go(&v, LEN);
	copy = *d->q[0];
	duo_pass(d);
	duo_read(d, 1, LEN);
	duo_abort(d, 1, RILL_R_ABORT);
	n = d->nq;
	duo_raw(d, 1, copy.b, copy.len);
	EXPECT_EQ(mib(&v, 1, RILL_MIB_PASSIVEOPENS), 1);
	/* Its client, if it were one, learns how it ended. */
	EXPECT(d->nq == n + 1 && d->q[n]->p.h.type == RILL_T_RESET &&
	       d->q[n]->p.x.reason == RILL_R_ABORT);
	duo_free(d);
}

TEST(fast__replay_after_an_end_in_order)
{
	struct visit v;
	struct duo_pkt copy;
	struct duo *d;

	later(&v, RILL_SEC);
	d = v.d;
	go(&v, LEN);
	copy = *d->q[0];
	duo_pass(d);
	duo_read(d, 1, LEN);
	duo_shut(d, 0);
	duo_pass(d);
	duo_shut(d, 1);
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.state, RILL_CLOSE);
	duo_raw(d, 1, copy.b, copy.len);
	EXPECT_EQ(d->nq, 0);
	duo_free(d);
}

/* The server ended before its SYN-ACK arrived: the client hears it, as TCP's does. */
TEST(fast__reset_before_the_synack)
{
	struct visit v;
	struct duo *d;

	later(&v, RILL_SEC);
	d = v.d;
	go(&v, LEN);
	duo_deliver(d, 0);
	duo_drop(d, 0);
	duo_abort(d, 1, RILL_R_ABORT);
	EXPECT_EQ(d->q[0]->p.h.type, RILL_T_RESET);
	duo_deliver(d, 0);
	EXPECT_EQ(d->e[0].err, ECONNREFUSED);
	EXPECT_EQ(d->e[0].runs, 0);
	duo_free(d);
}

/* Refused for one reason or another: the data goes again at once, with the echo. */
static void refused(struct visit *v, enum rill_mib why)
{
	struct duo *d = v->d;
	int i;

	go(v, LEN);
	duo_deliver(d, 0);
	EXPECT_EQ(d->last_fast, why);
	EXPECT(d->nq == 1 && d->q[0]->p.h.type == RILL_T_SYNACK);
	EXPECT(!rill_ext_has(&d->q[0]->p.x, RILL_I_ACK));
	duo_deliver(d, 0);
	EXPECT_EQ(d->nq, 2);
	EXPECT_EQ(d->q[0]->p.h.type, RILL_T_ECHO);
	EXPECT(d->q[1]->p.h.type == RILL_T_DATA && d->q[1]->p.len == LEN && d->q[1]->p.h.pn == 3);
	for (i = 0; i < LEN; i++)
		if (d->q[1]->b[RILL_HDR + i] != 'a' + i % 26)
			break;
	EXPECT_EQ(i, LEN);
	EXPECT_EQ(d->e[0].c.fast_fail, RILL_FAST_NOT_ACKED);
	EXPECT_EQ(mib(v, 0, RILL_MIB_FASTACTIVEFAIL), 1);
	duo_pass(d);
	EXPECT_EQ(d->e[1].c.rx.nxt, LEN);
	EXPECT_EQ(d->e[0].c.tx.una, LEN);
	EXPECT(!d->e[0].c.syn_data && !d->e[1].c.syn_data);
	EXPECT_EQ(d->e[0].c.tx.inflight, 0);
}

TEST(fast__token_of_another_address)
{
	struct visit v;

	later(&v, RILL_SEC);
	v.d->path.remote[15]++;
	refused(&v, RILL_MIB_FASTPASSIVEFAIL);
	/* The answer brought one for this address. */
	EXPECT(v.d->e[0].bits & RILL_B_TOKEN && v.d->e[0].c.token_len == RILL_TOKEN_LEN);
	EXPECT(memcmp(v.d->e[0].c.token, v.token, RILL_TOKEN_LEN));
	duo_free(v.d);
}

/* Ports may differ, those of UDP too: NAT. */
TEST(fast__token_of_another_port)
{
	struct visit v;

	later(&v, RILL_SEC);
	v.d->path.remote_udp++;
	v.d->e[0].cfg.sport++;
	go(&v, LEN);
	duo_deliver(v.d, 0);
	EXPECT_EQ(v.d->last_fast, RILL_MIB_NONE);
	duo_free(v.d);
}

TEST(fast__age)
{
	static const struct { const char *what; s64 ns; int want; bool fresh; } t[] = {
		{ "young", 60 * RILL_SEC, RILL_MIB_NONE, false },
		{ "half", RILL_TOKEN_TTL / 2, RILL_MIB_NONE, false },
		{ "more than half", RILL_TOKEN_TTL / 2 + 1, RILL_MIB_NONE, true },
		{ "all of its life", RILL_TOKEN_TTL, RILL_MIB_NONE, true },
		{ "too old", RILL_TOKEN_TTL + 1, RILL_MIB_FASTPASSIVEFAIL, true },
		{ "from the future", -1, RILL_MIB_FASTPASSIVEFAIL, true },
	};
	struct visit v;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		ROW("%s", t[i].what);
		later(&v, 0);
		v.d->now = get_unaligned_be64(v.token + 8) + t[i].ns;
		go(&v, LEN);
		duo_deliver(v.d, 0);
		EXPECT_EQ(v.d->last_fast, t[i].want);
		EXPECT_EQ(rill_ext_has(&v.d->q[0]->p.x, RILL_I_TOKEN), t[i].fresh);
		duo_free(v.d);
	}
}

TEST(fast__keys)
{
	static const siphash_key_t key = { { 7, 8 } }, key2 = { { 9, 10 } };
	struct visit v;

	later(&v, RILL_SEC);
	rill_secrets_rotate(&v.d->tokens, &key, v.d->now);
	go(&v, LEN);
	duo_deliver(v.d, 0);
	EXPECT_EQ(v.d->last_fast, RILL_MIB_NONE);	/* the key before */
	duo_free(v.d);
	later(&v, RILL_SEC);
	rill_secrets_rotate(&v.d->tokens, &key, v.d->now);
	rill_secrets_rotate(&v.d->tokens, &key2, v.d->now);
	refused(&v, RILL_MIB_FASTPASSIVEFAIL);		/* the one before that */
	duo_free(v.d);
}

TEST(fast__every_bit_of_a_token_counts)
{
	struct visit v;
	u32 bit;

	for (bit = 0; bit < 8 * RILL_TOKEN_LEN; bit++) {
		ROW("bit %u", bit);
		later(&v, RILL_SEC);
		v.token[bit / 8] ^= BIT(bit % 8);
		go(&v, LEN);
		duo_deliver(v.d, 0);
		EXPECT_EQ(v.d->last_fast, RILL_MIB_FASTPASSIVEFAIL);
		EXPECT(!v.d->e[1].born);
		duo_free(v.d);
	}
}

TEST(fast__tokens_of_no_meaning)
{
	static const struct { const char *what; u8 len; bool zero; } t[] = {
		{ "one byte short", RILL_TOKEN_LEN - 1, false },
		{ "one byte more", RILL_TOKEN_LEN + 1, false },
		{ "as short as can be", RILL_TOKEN_MIN, false },
		{ "as long as can be", RILL_TOKEN_MAX, false },
		{ "zeroes", RILL_TOKEN_LEN, true },
	};
	struct visit v;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		ROW("%s", t[i].what);
		later(&v, RILL_SEC);
		v.token_len = t[i].len;
		if (t[i].zero)
			memset(v.token, 0, sizeof(v.token));
		refused(&v, RILL_MIB_FASTPASSIVEFAIL);
		duo_free(v.d);
	}
}

TEST(fast__queue_full)
{
	struct visit v;

	later(&v, RILL_SEC);
	v.d->fast_full = true;
	refused(&v, RILL_MIB_NONE);
	/* No reason is given; a client without a token asks the next time. */
	EXPECT(v.d->e[0].bits & RILL_B_TOKEN && !v.d->e[0].c.token_len);
	duo_free(v.d);
}

/* A listener that knows nothing of this: the item is skipped, the data padding. */
TEST(fast__ordinary_listener)
{
	struct visit v;

	later(&v, RILL_SEC);
	v.d->fast = false;
	v.d->last_fast = RILL_MIB_NONE;
	refused(&v, RILL_MIB_NONE);
	duo_free(v.d);
}

/* The server stands but could not take the data. */
TEST(fast__no_room_for_the_data)
{
	struct visit v;

	later(&v, RILL_SEC);
	v.d->e[1].cfg.wnd = v.d->e[1].cfg.wnd_max = 100;
	v.d->e[1].cfg.params.max_payload = 100;
	go(&v, LEN);
	duo_deliver(v.d, 0);
	EXPECT(v.d->e[1].born && !v.d->e[1].c.syn_data);
	EXPECT_EQ(mib(&v, 1, RILL_MIB_INBEYOND), 1);
	duo_deliver(v.d, 0);
	/* Cut to what this peer takes, and sent as far as its credit goes. */
	EXPECT(v.d->nq == 2 && v.d->q[1]->p.len == 100 && v.d->q[1]->p.h.pn == 3);
	while (v.d->e[1].c.rx.nxt < LEN && v.d->now < 2000 * RILL_SEC) {
		duo_run(v.d, RILL_SEC);
		duo_read(v.d, 1, v.d->e[1].c.rx.nxt - v.d->e[1].c.rx.read);
	}
	EXPECT_EQ(v.d->e[1].c.rx.nxt, LEN);
	EXPECT_EQ(v.d->e[1].mib[RILL_MIB_INBEYOND], 1);
	duo_free(v.d);
}

/* The carrier took no SYN with the data: it is cut for this peer all the same. */
TEST(fast__data_that_was_in_no_syn)
{
	struct visit v;

	later(&v, RILL_SEC);
	v.d->e[1].cfg.wnd = v.d->e[1].cfg.wnd_max = 100;
	v.d->e[1].cfg.params.max_payload = 100;
	v.d->e[0].deaf = true;
	go(&v, LEN);
	EXPECT_EQ(v.d->nq, 0);
	v.d->e[0].deaf = false;
	duo_run(v.d, 10 * RILL_SEC);
	EXPECT_EQ(v.d->e[1].c.rx.nxt, 100);
	duo_free(v.d);
}

/* What is no SYN for fast open is none; nothing is read beyond it. */
TEST(open_fast__refusals)
{
	struct rill_listen l = { .params.sock_type = 1 };
	struct rill_path path = { 0 };
	struct rill_secrets s = { 0 };
	struct rill_child child;
	struct rill_fast fast, give;
	struct rill_hdr h = { .type = RILL_T_SYN };
	struct rill_ext x = { .has = BIT(RILL_I_CID) | BIT(RILL_I_PORTS) | BIT(RILL_I_PARAMS) |
				     BIT(RILL_I_TOKEN),
			      .cid = 1, .params.sock_type = 1 };
	static const siphash_key_t key = { { 1, 2 } };
	u8 item[RILL_TOKEN_DATA + RILL_TOKEN_LEN] = { 0 };

#define OPEN(dgram) rill_open_fast(&h, &x, dgram, &path, &l, &s, 5, RILL_SEC, &child, &fast)
	rill_secrets_rotate(&s, &key, 0);
	EXPECT_EQ(OPEN(RILL_BASE_DGRAM), RILL_MIB_SYNBAD);
	EXPECT_EQ(fast.token_len, RILL_TOKEN_LEN);
	give = fast;
	memcpy(item + RILL_TOKEN_DATA, give.token, RILL_TOKEN_LEN);
	x.token = item;
	x.token_len = sizeof(item);
	EXPECT_EQ(OPEN(RILL_BASE_DGRAM), RILL_MIB_NONE);
	EXPECT(child.cid == 5 && child.peer_cid == 1 && child.fast);

	put_unaligned_be16(RILL_BASE_DGRAM - RILL_HDR, item);
	EXPECT_EQ(OPEN(RILL_BASE_DGRAM), RILL_MIB_NONE);
	put_unaligned_be16(RILL_BASE_DGRAM - RILL_HDR + 1, item);
	EXPECT_EQ(OPEN(RILL_BASE_DGRAM), RILL_MIB_FASTPASSIVEFAIL);
	put_unaligned_be16(0, item);
	EXPECT_EQ(OPEN(RILL_BASE_DGRAM - 1), RILL_MIB_SYNBAD);
	h.off = 1;
	EXPECT_EQ(OPEN(RILL_BASE_DGRAM), RILL_MIB_FASTPASSIVEFAIL);
	h.off = 0;
	l.params.sock_type = 5;
	EXPECT_EQ(OPEN(RILL_BASE_DGRAM), RILL_MIB_SYNBAD);
	EXPECT_EQ(fast.token_len, 0);
	l.params.sock_type = 1;
	x.has &= ~BIT(RILL_I_TOKEN);
	EXPECT_EQ(OPEN(RILL_BASE_DGRAM), RILL_MIB_SYNBAD);
	EXPECT_EQ(fast.token_len, 0);
	x.has |= BIT(RILL_I_TOKEN);
	memset(&s, 0, sizeof(s));	/* never a key */
	EXPECT_EQ(OPEN(RILL_BASE_DGRAM), RILL_MIB_FASTPASSIVEFAIL);
#undef OPEN
}
