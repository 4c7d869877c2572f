// SPDX-License-Identifier: GPL-2.0
/*
 * Datagrams on the wire.  The far host has no Rill but a raw UDP socket on its port,
 * which looks at what the kernel sends, answers it, and sends what nobody should;
 * each time the right counter moves and nothing else happens.
 *
 *	client: kernel socket 4711 [c] ---- veth ---- [s] server: r.udp, port 7455
 */
#include "kselftest_harness.h"

#include "wire_peer.h"

enum { DGRAM = RESET + 1 };

#define KERNEL	4711		/* Rill ports */
#define FAR	4712

FIXTURE(wire) {
	struct env e;
	uint64_t seed;
	int fd;			/* the kernel's socket, bound and not connected */
	struct peer r;
};

FIXTURE_VARIANT(wire) { const struct family *fam; };
FAMILY(wire, rill4_dgram_veth);
FAMILY(wire, rill6_dgram_veth);

FIXTURE_SETUP(wire)
{
	union sa any = sa_any(variant->fam->af, RILL_UDP_PORT);

	env_open(&self->e, variant->fam, _metadata->name);
	self->seed = test_seed();
	self->fd = env_socket(&self->e, CLIENT, 0);
	if (do_bind(self->fd, sa_any(variant->fam->af, KERNEL)))
		fatal("bind");
	env_enter(&self->e, SERVER);
	self->r.udp = socket(variant->fam->af, SOCK_DGRAM, 0);
	if (bind(self->r.udp, &any.sa, sa_len(&any)))
		fatal("bind to port %d", RILL_UDP_PORT);
	env_enter(&self->e, CLIENT);
	self->r.at = env_addr(&self->e, CLIENT, RILL_UDP_PORT);
	self->r.cid = rnd(&self->seed);
}

FIXTURE_TEARDOWN(wire)
{
	env_close(&self->e);
}

/* A datagram of ours, as it should be; cid 0: none. */
static void dgram(struct pkt *p, uint64_t cid, uint16_t dport, const void *v, size_t len)
{
	pkt_begin(p, DGRAM, 0, 0, 0, 0, len);
	if (cid)
		pkt_cid(p, cid);
	pkt_ports(p, FAR, dport);
	pkt_payload(p, v, len);
}

/* Good ones arrive still, and nothing else has. */
static bool healthy(struct peer *r, int fd)
{
	static uint8_t n;
	uint8_t in[8];
	struct pkt p;

	n++;
	dgram(&p, 0, KERNEL, &n, 1);
	peer_send(r, &p);
	return recv(fd, in, sizeof(in), 0) == 1 && in[0] == n && !so_error(fd);
}

/* The kernel has answered nothing: the next thing it says is what we provoke. */
static bool silent(struct peer *r)
{
	uint64_t probe = ~r->cid;
	struct pkt p;

	dgram(&p, probe, 9, "", 0);
	peer_send(r, &p);
	return peer_recv(r, PATIENCE) == RESET && get64(r->in.b + 4) == probe;
}

TEST_F(wire, what_leaves)
{
	union sa far = env_addr(&self->e, SERVER, FAR);
	const uint8_t *v;
	uint64_t first;
	uint8_t len;

	ASSERT_EQ(5, sendto(self->fd, "hello", 5, 0, &far.sa, sa_len(&far)));
	ASSERT_EQ(DGRAM, peer_recv(&self->r, PATIENCE));
	EXPECT_EQ(RILL_UDP_PORT, port_of(&self->r.at));
	EXPECT_EQ(0, self->r.in.b[1]);
	EXPECT_EQ(0, get64(self->r.in.b + 4));
	EXPECT_EQ(0, get32(self->r.in.b + 12));
	EXPECT_EQ(0, get32(self->r.in.b + 16));
	EXPECT_EQ(5, get32(self->r.in.b + 20));
	v = pkt_find(&self->r.in, I_PORTS, &len);
	ASSERT_NE(NULL, v);
	EXPECT_EQ(KERNEL, get16(v));
	EXPECT_EQ(FAR, get16(v + 2));
	/* nobody asks to be told of a refusal */
	EXPECT_EQ(NULL, pkt_find(&self->r.in, I_CID, &len));
	EXPECT_EQ(HDR + 6 + 5, self->r.in.len);
	EXPECT_EQ(0, memcmp(self->r.in.b + HDR + 6, "hello", 5));

	/* connected it does, by an id that each connect() draws anew */
	ASSERT_EQ(0, do_connect(self->fd, far));
	ASSERT_EQ(0, send(self->fd, "", 0, 0));
	ASSERT_EQ(DGRAM, peer_recv(&self->r, PATIENCE));
	EXPECT_EQ(HDR + 10 + 6, self->r.in.len);
	EXPECT_EQ(I_CID, self->r.in.b[HDR]);
	first = get64(self->r.in.b + HDR + 2);
	EXPECT_NE(0, first);
	ASSERT_EQ(0, send(self->fd, "", 0, 0));
	ASSERT_EQ(DGRAM, peer_recv(&self->r, PATIENCE));
	EXPECT_EQ(first, get64(self->r.in.b + HDR + 2));
	ASSERT_EQ(0, do_connect(self->fd, far));
	ASSERT_EQ(0, send(self->fd, "", 0, 0));
	ASSERT_EQ(DGRAM, peer_recv(&self->r, PATIENCE));
	EXPECT_NE(first, get64(self->r.in.b + HDR + 2));
}

TEST_F(wire, what_arrives)
{
	union sa from = { }, far = env_addr(&self->e, SERVER, FAR);
	socklen_t len = sizeof(from);
	struct pkt p;
	char b[64];

	EXPECT_TRUE(healthy(&self->r, self->fd));
	dgram(&p, self->r.cid, KERNEL, "with an id", 10);
	peer_send(&self->r, &p);
	EXPECT_EQ(10, RET(recvfrom(self->fd, b, sizeof(b), 0, &from.sa, &len)));
	EXPECT_TRUE(sa_same(&far, &from));
	/* what may be skipped is skipped */
	pkt_begin(&p, DGRAM, 0, 0, 77, 88, 3);
	pkt_item(&p, 100, "future", 6);
	pkt_ports(&p, FAR, KERNEL);
	pkt_item(&p, I_REASON, "\1", 1);
	pkt_payload(&p, "odd", 3);
	peer_send(&self->r, &p);
	EXPECT_EQ(3, RET(recv(self->fd, b, sizeof(b), 0)));
	EXPECT_EQ(0, memcmp(b, "odd", 3));
	EXPECT_TRUE(silent(&self->r));
}

TEST_F(wire, bad_shapes)
{
	struct pkt good, p;
	uint32_t length;
	size_t i;

	dgram(&good, self->r.cid, KERNEL, "payload", 7);
	for (i = 1; i < HDR + 16; i++) {
		p = good;
		p.len = i;
		EXPECT_COUNTED("InShort", &p);
	}
	for (i = 0; i < 8; i++) {
		p = good;
		p.b[1] = 1 << i;
		EXPECT_COUNTED("InFlags", &p);
	}
	/* to an id; of a length that lies, or that the way has changed */
	for (i = 4; i < 12; i++) {
		p = good;
		p.b[i] = 1;
		EXPECT_COUNTED("InDgramBad", &p);
	}
	for (i = 0; i < 32; i++) {
		p = good;
		length = 7 ^ 1U << i;
		put32(p.b + 20, length);
		EXPECT_COUNTED("InDgramBad", &p);
	}
	p = good;
	p.len--;
	EXPECT_COUNTED("InDgramBad", &p);
	p = good;
	pkt_payload(&p, "x", 1);
	EXPECT_COUNTED("InDgramBad", &p);
	/* from nowhere to nowhere */
	pkt_begin(&p, DGRAM, 0, 0, 0, 0, 0);
	EXPECT_COUNTED("InDgramBad", &p);
	pkt_cid(&p, self->r.cid);
	EXPECT_COUNTED("InDgramBad", &p);
	pkt_begin(&p, DGRAM, 0, 0, 0, 0, 0);
	pkt_ports(&p, 0, KERNEL);
	EXPECT_COUNTED("InExt", &p);
	pkt_begin(&p, DGRAM, 0, 0, 0, 0, 0);
	pkt_ports(&p, FAR, 0);
	EXPECT_COUNTED("InExt", &p);
	pkt_begin(&p, DGRAM, 0, 0, 0, 0, 0);
	pkt_ports(&p, FAR, KERNEL);
	pkt_ports(&p, FAR, KERNEL);
	EXPECT_COUNTED("InExt", &p);
	pkt_begin(&p, DGRAM, 0, 0, 0, 0, 0);
	pkt_item(&p, 200, "must", 4);
	pkt_ports(&p, FAR, KERNEL);
	EXPECT_COUNTED("InExt", &p);
	EXPECT_TRUE(silent(&self->r));
	EXPECT_TRUE(healthy(&self->r, self->fd));
}

/* One refusal for each that says who it is, smaller than it; else none. */
TEST_F(wire, nobody_there)
{
	const uint8_t *why;
	struct pkt p;
	uint8_t len = 0;
	int i;

	dgram(&p, 0, 9, "anybody?", 8);
	EXPECT_COUNTED("InDgramNoPort", &p);
	EXPECT_TRUE(silent(&self->r));
	dgram(&p, self->r.cid, 9, "", 0);
	for (i = 0; i < 10; i++) {
		EXPECT_COUNTED("InDgramNoPort", &p);
		ASSERT_EQ(RESET, peer_recv(&self->r, PATIENCE));
		EXPECT_GT(p.len, self->r.in.len);
		EXPECT_EQ(self->r.cid, get64(self->r.in.b + 4));
		why = pkt_find(&self->r.in, I_REASON, &len);
		ASSERT_NE(NULL, why);
		EXPECT_EQ(R_REFUSED, *why);
	}
	EXPECT_TRUE(silent(&self->r));
	/* a listener is somebody else */
	struct env stream = self->e;

	stream.fam = self->e.fam->af == AF_INET ? &fam_rill4_veth : &fam_rill6_veth;
	int lfd = env_socket(&stream, CLIENT, 0);

	ASSERT_EQ(0, do_bind(lfd, sa_any(self->e.fam->af, 9)));
	ASSERT_EQ(0, listen(lfd, 1));
	EXPECT_COUNTED("InDgramNoPort", &p);
	EXPECT_EQ(RESET, peer_recv(&self->r, PATIENCE));
	/* and a connected socket hears its peer alone */
	ASSERT_EQ(0, do_connect(self->fd, env_addr(&self->e, SERVER, FAR + 1)));
	dgram(&p, 0, KERNEL, "stranger", 8);
	EXPECT_COUNTED("InDgramNoPort", &p);
	EXPECT_EQ(-EAGAIN, RET(recv(self->fd, p.b, 1, MSG_DONTWAIT)));
}

/* An answer to what the kernel's connected socket sent. */
static void answer(struct pkt *p, uint64_t id, int type, int reason)
{
	pkt_begin(p, type, 0, id, 0, 0, 0);
	if (reason >= 0)
		pkt_reason(p, reason);
}

TEST_F(wire, refusals)
{
	union sa far = env_addr(&self->e, SERVER, FAR);
	uint64_t id;
	struct pkt p;
	int why;

	ASSERT_EQ(0, do_connect(self->fd, far));
	ASSERT_EQ(1, send(self->fd, "x", 1, 0));
	ASSERT_EQ(DGRAM, peer_recv(&self->r, PATIENCE));
	id = get64(self->r.in.b + HDR + 2);
	/* from who has not seen the id */
	for (why = 0; why < 64; why += 7) {
		answer(&p, id ^ 1ULL << why, RESET, R_REFUSED);
		EXPECT_COUNTED("InNoConn", &p);
	}
	for (why = -1; why < 8; why++) {
		answer(&p, id, RESET, why);
		if (why != R_REFUSED) {
			EXPECT_COUNTED("ResetIgnored", &p);
		}
	}
	/* what is for connections */
	answer(&p, id, DATA, -1);
	pkt_payload(&p, "data", 4);
	EXPECT_COUNTED("InState", &p);
	answer(&p, id, SYNACK, -1);
	EXPECT_COUNTED("InState", &p);
	answer(&p, id, ECHO, -1);
	pkt_cid(&p, self->r.cid);
	EXPECT_COUNTED("InState", &p);
	EXPECT_TRUE(silent(&self->r));
	EXPECT_EQ(0, so_error(self->fd));
	EXPECT_EQ(-EAGAIN, RET(recv(self->fd, p.b, 1, MSG_DONTWAIT)));
	/* the real one */
	answer(&p, id, RESET, R_REFUSED);
	EXPECT_COUNTED("DgramRefused", &p);
	EXPECT_EQ(ECONNREFUSED, so_error(self->fd));
	/* one that comes late, when there is another peer, or none */
	ASSERT_EQ(0, do_connect(self->fd, far));
	EXPECT_COUNTED("InNoConn", &p);
	EXPECT_EQ(0, so_error(self->fd));
	EXPECT_TRUE(healthy(&self->r, self->fd));
	close(self->fd);
	EXPECT_COUNTED("InNoConn", &p);
}

/* Whatever comes, each packet is delivered or counted, and the next good one arrives. */
TEST_F(wire, noise)
{
	uint8_t junk[200];
	struct pkt p;
	char b[300];
	int i, j;

	for (i = 0; i < 500; i++) {
		for (j = 0; j < (int)sizeof(junk); j++)
			junk[j] = rnd(&self->seed);
		dgram(&p, i & 1 ? self->r.cid : 0, KERNEL, junk, rnd(&self->seed) % sizeof(junk));
		for (j = rnd(&self->seed) % 4; j > 0; j--)
			p.b[rnd(&self->seed) % p.len] ^= 1 << rnd(&self->seed) % 8;
		p.b[0] = 1 << 4 | DGRAM;
		if (rnd(&self->seed) % 4 == 0)
			p.len = 1 + rnd(&self->seed) % p.len;
		peer_send(&self->r, &p);
		while (recv(self->fd, b, sizeof(b), MSG_DONTWAIT) >= 0)
			;
	}
	/* the last is behind all of them */
	dgram(&p, 0, KERNEL, "the end", 7);
	peer_send(&self->r, &p);
	while (recv(self->fd, b, sizeof(b), 0) != 7 || memcmp(b, "the end", 7))
		;
	EXPECT_TRUE(healthy(&self->r, self->fd));
}

TEST_HARNESS_MAIN
