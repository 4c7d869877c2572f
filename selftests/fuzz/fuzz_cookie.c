// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_cookie.c - any SYN at a listener, any echo of its cookie: only the one
 * that was made, from where it was made for, in its time, opens a connection.
 */
#include <stdlib.h>
#include "open.h"

#define REQUIRE(cond)	do { if (!(cond)) abort(); } while (0)
#define NOW		(100 * RILL_SEC)

/* Everything an attacker has a say in. */
struct attempt {
	u8 cookie[RILL_COOKIE_LEN];
	u64 cid, client, now;
	u16 sport, dport, len, has;
	struct rill_path path;
};

static const struct rill_path home = { .local = { 1 }, .remote = { 2 }, .local_udp = 3, .remote_udp = 4 };

static void issue(struct attempt *a, struct rill_secrets *s)
{
	struct rill_hdr h = { .type = RILL_T_SYN, .credit = 1000 };
	struct rill_ext x = { .has = BIT(RILL_I_CID) | BIT(RILL_I_PORTS) | BIT(RILL_I_PARAMS),
			      .cid = 7, .sport = 8, .dport = 9,
			      .params = { .max_payload = 1000, .sock_type = 1 } };
	struct rill_listen l = { .params.sock_type = 1 };
	siphash_key_t key = { { 0x1234, 0x5678 } };
	struct rill_reply r;

	memset(s, 0, sizeof(*s));
	rill_secrets_rotate(s, &key, NOW);
	memset(a, 0, sizeof(*a));
	REQUIRE(rill_open_syn(&h, &x, RILL_BASE_DGRAM, &home, &l, s, 99, NOW, NULL, &r) == RILL_MIB_NONE);
	memcpy(a->cookie, r.b + r.len - RILL_COOKIE_LEN, RILL_COOKIE_LEN);
	a->cid = 99;
	a->client = x.cid;
	a->now = NOW;
	a->sport = x.sport;
	a->dport = x.dport;
	a->len = RILL_COOKIE_LEN;
	a->has = BIT(RILL_I_CID) | BIT(RILL_I_PORTS) | BIT(RILL_I_COOKIE);
	a->path = home;
}

/* Any packet, as bytes, at a listener: no answer is longer than the packet. */
static void any_packet(const u8 *data, size_t size, const struct rill_secrets *s)
{
	struct rill_listen l = { .params.sock_type = 1 };
	struct rill_child child;
	struct rill_reply r;
	struct rill_hdr h;
	struct rill_ext x;

	if (rill_wire_hdr_get(&h, data, size) != RILL_WIRE_OK ||
	    rill_wire_ext_get(&x, &h, data + RILL_HDR) != RILL_WIRE_OK)
		return;
	if (h.type == RILL_T_SYN &&
	    rill_open_syn(&h, &x, size, &home, &l, s, 99, NOW, NULL, &r) == RILL_MIB_NONE)
		REQUIRE(r.len <= size);
	if (h.type == RILL_T_ECHO)
		REQUIRE(rill_open_echo(&h, &x, &home, s, NOW, &child) != RILL_MIB_NONE);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct attempt good, a;
	struct rill_secrets s;
	struct rill_child child;
	struct rill_hdr h = { .type = RILL_T_ECHO, .pn = 1 };
	struct rill_ext x = { 0 };
	bool in_time, same;
	size_t i;

	issue(&good, &s);
	any_packet(data, size, &s);

	/* Pairs of (where, what) over the good attempt. */
	a = good;
	for (i = 0; i + 2 < size; i += 3)
		((u8 *)&a)[(data[i] | data[i + 1] << 8) % sizeof(a)] ^= data[i + 2];
	if (size % 5 == 1)
		rill_secrets_rotate(&s, &(siphash_key_t){ { 1, 2 } }, NOW);
	h.cid = a.cid;
	x.has = a.has;
	x.cid = a.client;
	x.sport = a.sport;
	x.dport = a.dport;
	x.cookie = a.cookie;
	x.cookie_len = min_t(u16, a.len, RILL_COOKIE_LEN);
	in_time = a.now >= NOW && a.now - NOW <= RILL_COOKIE_TTL;
	same = !memcmp(a.cookie, good.cookie, sizeof(a.cookie)) && a.cid == good.cid &&
	       a.client == good.client && a.sport == good.sport && a.dport == good.dport &&
	       x.cookie_len == RILL_COOKIE_LEN && (a.has & good.has) == good.has &&
	       !memcmp(&a.path, &good.path, sizeof(a.path));
	REQUIRE((rill_open_echo(&h, &x, &a.path, &s, a.now, &child) == RILL_MIB_NONE) ==
		(same && in_time));
	return 0;
}
