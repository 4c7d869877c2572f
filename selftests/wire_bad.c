// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input from the network.  A raw UDP socket plays a peer, or a stranger, and
 * sends what nobody should; each time the right counter moves, nobody is
 * answered who should not be, and the connection goes on unharmed.
 */
#include "kselftest_harness.h"

#include <sys/ioctl.h>

#include "wire_peer.h"

FIXTURE(bad) {
	struct env e;
	uint64_t seed;
	int lfd, fd;		/* the kernel's listener, and its end of the connection */
	struct peer r;		/* our end */
};

FIXTURE_VARIANT(bad) { const struct family *fam; };
FAMILY(bad, rill4);
FAMILY(bad, rill6);

FIXTURE_SETUP(bad)
{
	union sa at;

	env_open(&self->e, variant->fam, _metadata->name);
	self->seed = test_seed();
	self->lfd = env_listen(&self->e, 64, &at);
	peer_init(&self->r, variant->fam->af, &self->seed, port_of(&at));
	peer_open(&self->r);
	self->fd = accept(self->lfd, NULL, NULL);
	if (self->fd < 0)
		fatal("accept");
}

FIXTURE_TEARDOWN(bad)
{
	end_by_reset();		/* our peer acknowledges nothing any more */
	env_close(&self->e);
}

/* The connection carries bytes both ways, in order, and no others. */
static bool healthy(struct peer *r, int fd)
{
	static uint8_t n;
	uint8_t out[3] = { ++n, n ^ 0x55, 7 }, in[3];

	peer_write(r, out, sizeof(out));
	recv_all(fd, in, sizeof(in));
	if (memcmp(in, out, sizeof(in)) || recv(fd, in, 1, MSG_DONTWAIT) != -1)
		return false;
	send_all(fd, out, sizeof(out));
	memset(in, 0, sizeof(in));
	return peer_read(r, in, sizeof(in)) && !memcmp(in, out, sizeof(in)) &&
	       so_error(fd) == 0;
}

#define EXPECT_HEALTHY() EXPECT_TRUE(healthy(&self->r, self->fd))

/* Nothing is answered: looks for packets until one that we provoke has come. */
static bool silent(struct peer *r)
{
	struct peer other = *r;
	struct pkt p;
	uint64_t probe = ~r->cid;
	int type;

	/* the answer to this SYN is behind any other answer */
	other.cid = probe;
	peer_syn(&other, &p);
	peer_send(r, &p);
	while ((type = peer_recv(r, PATIENCE)) == DATA)
		;		/* late acknowledgements of what was right */
	return type == SYNACK && get64(r->in.b + 4) == probe;
}

/* ---------------------------------------------------------- the good case */

TEST_F(bad, none_of_it)
{
	struct pkt p;
	char c;

	EXPECT_HEALTHY();
	EXPECT_HEALTHY();
	/* and it ends in order */
	peer_data(&self->r, &p, FIN, self->r.off, "", 0);
	peer_send(&self->r, &p);
	EXPECT_EQ(0, RET(recv(self->fd, &c, 1, 0)));
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	while (peer_await(&self->r, DATA) && !(self->r.in.b[1] & FIN))
		;
	peer_ack(&self->r);
	EXPECT_EQ(POLLIN | POLLOUT | POLLRDHUP | POLLHUP,
		  become(self->fd, POLLIN | POLLOUT | POLLRDHUP | POLLHUP));
}

/* ---------------------------------------------------------------- shapes */

TEST_F(bad, truncated)
{
	struct pkt p;
	size_t len;

	for (len = 1; len < HDR; len++) {
		peer_data(&self->r, &p, 0, self->r.off, "", 0);
		self->r.pn--;
		p.len = len;
		EXPECT_COUNTED("InShort", &p);
	}
	EXPECT_HEALTHY();
}

TEST_F(bad, lengths_that_lie)
{
	static const struct {
		uint16_t ext;		/* what the header says */
		uint8_t items[8];	/* what follows */
		uint8_t n;
		const char *counter;
	} lies[] = {
		{ 9, { 0 }, 8, "InShort" },			/* more than there is */
		{ 0xffff, { 0 }, 8, "InShort" },
		{ 1, { I_ACK }, 8, "InExt" },			/* half an item */
		{ 2, { I_ACK, 12 }, 8, "InExt" },		/* ends beyond the extension */
		{ 8, { I_ACK, 6, 0 }, 8, "InExt" },		/* too short for its kind */
		{ 8, { I_ACK, 255, 0 }, 8, "InExt" },
		{ 4, { I_REASON, 0, I_REASON, 0 }, 8, "InExt" },
		{ 6, { I_REASON, 1, 1, I_REASON, 1, 1 }, 8, "InExt" },	/* twice */
		{ 3, { 200, 1, 0 }, 8, "InExt" },		/* must be understood */
		{ 5, { I_CID, 3, 1, 2, 3 }, 8, "InExt" },
		{ 6, { I_PORTS, 4, 0, 0, 0, 0 }, 8, "InExt" },	/* no port is 0 */
		{ 2, { I_COOKIE, 0 }, 8, "InExt" },
	};
	struct pkt p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		pkt_begin(&p, DATA, 0, self->r.their, self->r.pn, self->r.off, PEER_CREDIT);
		put16(p.b + 2, lies[i].ext);
		pkt_payload(&p, lies[i].items, lies[i].n);
		TH_LOG("lie %zu", i);
		EXPECT_COUNTED(lies[i].counter, &p);
	}
	EXPECT_HEALTHY();
}

TEST_F(bad, extension_too_long)
{
	struct pkt p;

	pkt_begin(&p, DATA, 0, self->r.their, self->r.pn, self->r.off, PEER_CREDIT);
	pkt_pad(&p, HDR + 600);
	put16(p.b + 2, 600);
	EXPECT_COUNTED("InExt", &p);
	EXPECT_HEALTHY();
}

/* What may be skipped is skipped. */
TEST_F(bad, unknown_item_is_no_harm)
{
	struct pkt p;
	char c;

	pkt_begin(&p, DATA, 0, self->r.their, self->r.pn++, self->r.off, PEER_CREDIT);
	pkt_item(&p, 100, "future", 6);
	pkt_payload(&p, "x", 1);
	peer_send(&self->r, &p);
	self->r.off++;
	recv_all(self->fd, &c, 1);
	EXPECT_EQ('x', c);
	EXPECT_HEALTHY();
}

TEST_F(bad, version_type_flags)
{
	struct pkt p;
	int i;

	for (i = 0; i < 16; i++) {
		peer_data(&self->r, &p, 0, self->r.off, "v", 1);
		self->r.pn--;
		p.b[0] = i << 4 | DATA;
		if (i != 1) {
			EXPECT_COUNTED("InVersion", &p);
		}
		p.b[0] = 1 << 4 | i;
		if (i < SYN || i > RESET + 1) {	/* datagrams: wire_dgram.c */
			EXPECT_COUNTED("InType", &p);
		}
	}
	for (i = 0x10; i <= 0x80; i <<= 1) {
		peer_data(&self->r, &p, i, self->r.off, "f", 1);
		self->r.pn--;
		EXPECT_COUNTED("InFlags", &p);
	}
	EXPECT_HEALTHY();
}

TEST_F(bad, oversized)
{
	static struct pkt p;
	long was = snmp_sum();

	/* as large as a datagram over lo gets, to nobody and to us */
	pkt_begin(&p, DATA, 0, rnd(&self->seed), 1, 0, 0);
	pkt_pad(&p, 65000);
	EXPECT_COUNTED("InNoConn", &p);
	peer_data(&self->r, &p, 0, self->r.off + (1 << 30), "", 0);
	pkt_pad(&p, 65000);
	peer_send(&self->r, &p);
	EXPECT_HEALTHY();
	EXPECT_LT(was, snmp_sum());
}

/* ------------------------------------------------------------- strangers */

TEST_F(bad, wrong_id)
{
	struct pkt p;
	int bit;

	for (bit = 0; bit < 64; bit += 7) {
		pkt_begin(&p, DATA, 0, self->r.their ^ (1ULL << bit), self->r.pn,
			  self->r.off, PEER_CREDIT);
		pkt_payload(&p, "evil", 4);
		EXPECT_COUNTED("InNoConn", &p);
	}
	EXPECT_TRUE(silent(&self->r));
	EXPECT_HEALTHY();
}

/* One that says who it is may be told, with less than it sent. */
TEST_F(bad, stray_is_told)
{
	struct pkt p;
	uint8_t len = 0;
	const uint8_t *why;

	pkt_begin(&p, DATA, ELICIT, self->r.their ^ 1, 77, 0, 0);
	pkt_cid(&p, self->r.cid);
	EXPECT_COUNTED("InNoConn", &p);
	ASSERT_TRUE(peer_await(&self->r, RESET));
	EXPECT_GT(p.len, self->r.in.len);
	EXPECT_EQ(self->r.cid, get64(self->r.in.b + 4));
	EXPECT_EQ(77, get32(self->r.in.b + 12));
	why = pkt_find(&self->r.in, I_REASON, &len);
	ASSERT_NE(NULL, why);
	EXPECT_EQ(R_STRAY, *why);
	EXPECT_HEALTHY();
}

TEST_F(bad, resets_that_do_not_fit)
{
	struct pkt p;

	/* a guess */
	pkt_begin(&p, RESET, 0, self->r.their ^ 1, 1, 0, 0);
	pkt_reason(&p, R_ABORT);
	EXPECT_COUNTED("InNoConn", &p);
	/* an answer to a packet that was never sent */
	pkt_begin(&p, RESET, 0, self->r.their, 1 << 20, 0, 0);
	pkt_reason(&p, R_STRAY);
	EXPECT_COUNTED("ResetIgnored", &p);
	pkt_begin(&p, RESET, 0, self->r.their, 1 << 20, 0, 0);
	EXPECT_COUNTED("ResetIgnored", &p);
	EXPECT_HEALTHY();
	/* one that fits does it */
	pkt_begin(&p, RESET, 0, self->r.their, self->r.pn, 0, 0);
	pkt_reason(&p, R_ABORT);
	EXPECT_COUNTED("EstabResets", &p);
	EXPECT_EQ(-ECONNRESET, RET(recv(self->fd, p.b, 1, 0)));
}

TEST_F(bad, handshake_packets_in_the_middle)
{
	struct pkt p;

	pkt_begin(&p, SYNACK, 0, self->r.their, 0, 0, PEER_CREDIT);
	pkt_cid(&p, 1);
	pkt_ports(&p, self->r.sport, self->r.dport);
	pkt_params(&p, 1000, 25, 1);
	pkt_item(&p, I_COOKIE, "cookie", 6);
	EXPECT_COUNTED("InState", &p);
	EXPECT_HEALTHY();
}

/* --------------------------------------------------------------- numbers */

TEST_F(bad, packet_numbers)
{
	struct pkt p, again;

	peer_data(&self->r, &again, 0, self->r.off, "once", 4);
	peer_send(&self->r, &again);
	self->r.off += 4;
	recv_all(self->fd, p.b, 4);
	EXPECT_COUNTED("InDup", &again);
	EXPECT_COUNTED("InDup", &again);
	/* there is no packet 0, and none before it */
	peer_data(&self->r, &p, 0, self->r.off, "zero", 4);
	put32(p.b + 12, 0);
	EXPECT_COUNTED("InBadNum", &p);
	put32(p.b + 12, 0xffffff00);
	EXPECT_COUNTED("InBadNum", &p);
	EXPECT_HEALTHY();
}

TEST_F(bad, old_bytes_under_a_new_number)
{
	char buf[8] = "";
	struct pkt p;

	peer_write(&self->r, "abcd", 4);
	ASSERT_EQ(4, queue_becomes(self->fd, FIONREAD, 4));
	/* other bytes for the same place: the first word counts */
	peer_data(&self->r, &p, 0, self->r.off - 4, "WXYZ", 4);
	EXPECT_COUNTED("InOld", &p);
	peer_data(&self->r, &p, 0, self->r.off - 2, "YZef", 4);
	peer_send(&self->r, &p);
	self->r.off += 2;
	recv_all(self->fd, buf, 6);
	EXPECT_STREQ("abcdef", buf);
	EXPECT_HEALTHY();
}

TEST_F(bad, offsets)
{
	struct pkt p;

	/* before the beginning */
	peer_data(&self->r, &p, 0, 0xfffffff0, "early", 5);
	EXPECT_COUNTED("InBadNum", &p);
	EXPECT_HEALTHY();
}

TEST_F(bad, acknowledges_what_was_never_sent)
{
	static const uint32_t largest[] = { 1000, 0x7fffffff, 0x80000000, 0xffffffff, 0 };
	struct pkt p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(largest); i++) {
		pkt_begin(&p, DATA, 0, self->r.their, self->r.pn++, self->r.off, PEER_CREDIT);
		pkt_ack(&p, largest[i], 0);
		EXPECT_COUNTED("InBadAck", &p);
	}
	/* ranges that go below the first packet */
	ASSERT_TRUE(healthy(&self->r, self->fd));
	pkt_begin(&p, DATA, 0, self->r.their, self->r.pn++, self->r.off, PEER_CREDIT);
	pkt_ack(&p, get32(self->r.in.b + 12), 1000);
	EXPECT_COUNTED("InBadAck", &p);
	EXPECT_HEALTHY();
}

/* Data is not lost to a liar: what it "acknowledged" with a packet that was
 * dropped comes again. */
TEST_F(bad, a_false_ack_frees_nothing)
{
	char buf[8] = "";
	struct pkt p;

	send_all(self->fd, "keep", 4);
	pkt_begin(&p, DATA, 0, self->r.their, self->r.pn++, self->r.off, PEER_CREDIT);
	pkt_ack(&p, 5000, 4990);
	EXPECT_COUNTED("InBadAck", &p);
	while (peer_recv(&self->r, 0))
		;		/* the first transmission is "lost" */
	ASSERT_TRUE(peer_read(&self->r, buf, 4));
	EXPECT_STREQ("keep", buf);
	EXPECT_HEALTHY();
}

TEST_F(bad, credit_that_shrinks)
{
	static char big[50000], back[sizeof(big)];
	struct pkt p;

	pkt_begin(&p, DATA, 0, self->r.their, self->r.pn++, self->r.off, 10);
	EXPECT_COUNTED("CreditShrunk", &p);
	/* what was granted stays granted */
	pattern_fill(self->seed, 0, (uint8_t *)big, sizeof(big));
	send_all(self->fd, big, sizeof(big));
	ASSERT_TRUE(peer_read(&self->r, back, sizeof(back)));
	EXPECT_EQ(0, memcmp(big, back, sizeof(big)));
	EXPECT_HEALTHY();
}

TEST_F(bad, beyond_the_credit)
{
	struct pkt p;

	peer_data(&self->r, &p, 0, self->r.credit, "x", 1);
	EXPECT_COUNTED("InBeyond", &p);
	peer_data(&self->r, &p, 0, self->r.credit - 1, "xy", 2);
	EXPECT_COUNTED("InBeyond", &p);
	peer_data(&self->r, &p, 0, 0x7fffffff, "x", 1);
	EXPECT_COUNTED("InBeyond", &p);
	EXPECT_HEALTHY();
}

/* Sends the next n bytes, again and again under new numbers, until the kernel
 * has them all; reads them.  False when that never happens. */
static bool complete(struct peer *r, int fd, int n)
{
	int64_t end = now_ms() + PATIENCE;
	static char bytes[1000];
	struct pkt p;
	int i, have = 0;

	memset(bytes, 'g', sizeof(bytes));
	while (have < n && now_ms() < end) {
		for (i = 0; i < n; i += sizeof(bytes)) {
			peer_data(r, &p, 0, r->off + i, bytes,
				  n - i < (int)sizeof(bytes) ? n - i : (int)sizeof(bytes));
			peer_send(r, &p);
		}
		breathe();
		while (peer_recv(r, 0))
			;
		if (ioctl(fd, FIONREAD, &have))
			fatal("FIONREAD");
	}
	if (have != n)
		return false;
	for (i = 0; i < n; i++) {
		char c;

		recv_all(fd, &c, 1);
		if (c != 'g')
			return false;
	}
	r->off += n;
	return true;
}

/* As many gaps as a peer likes cost it its packets, and nobody else anything. */
TEST_F_TIMEOUT(bad, a_thousand_gaps, SLOW_TEST)
{
	struct pkt p;
	char buf[4];
	int i;

	for (i = 2000; i > 0; i--) {
		peer_data(&self->r, &p, 0, self->r.off + 2 * i, "g", 1);
		peer_send(&self->r, &p);
		while (peer_recv(&self->r, 0))
			;
	}
	EXPECT_LT(0, snmp("InOfo"));
	EXPECT_LT(0, snmp("InNoRoom"));
	EXPECT_EQ(-EAGAIN, RET(recv(self->fd, buf, 1, MSG_DONTWAIT)));
	/* the stream can still be completed: like any sender we send again what
	 * was dropped for want of room */
	ASSERT_TRUE(complete(&self->r, self->fd, 4001));
	EXPECT_HEALTHY();
}

TEST_F(bad, fin_in_the_middle)
{
	struct pkt p;
	char buf[8];

	/* before bytes that are already here */
	peer_write(&self->r, "abcd", 4);
	recv_all(self->fd, buf, 4);
	peer_data(&self->r, &p, FIN, self->r.off - 2, "", 0);
	EXPECT_COUNTED("InBadFin", &p);
	/* before bytes that wait behind a gap */
	peer_data(&self->r, &p, 0, self->r.off + 2, "gh", 2);
	peer_send(&self->r, &p);
	peer_data(&self->r, &p, FIN, self->r.off, "e", 1);
	EXPECT_COUNTED("InBadFin", &p);
	peer_write(&self->r, "ef", 2);
	recv_all(self->fd, buf, 4);
	EXPECT_EQ(0, memcmp(buf, "efgh", 4));
	self->r.off += 2;
	EXPECT_HEALTHY();
	/* two ends, and bytes after the end */
	peer_data(&self->r, &p, FIN, self->r.off, "", 0);
	peer_send(&self->r, &p);
	EXPECT_EQ(0, RET(recv(self->fd, buf, 1, 0)));
	peer_data(&self->r, &p, FIN, self->r.off, "z", 1);
	EXPECT_COUNTED("InBadFin", &p);
	peer_data(&self->r, &p, 0, self->r.off, "z", 1);
	EXPECT_COUNTED("InBadFin", &p);
	EXPECT_EQ(0, RET(recv(self->fd, buf, 1, 0)));
	send_all(self->fd, "ok", 2);
	EXPECT_TRUE(peer_read(&self->r, buf, 2));
}

/* ------------------------------------------------------------------ fuzz */

/* Noise from a stranger, who does not know the id, changes nothing at all. */
TEST_F_TIMEOUT(bad, noise, SLOW_TEST)
{
	struct pkt p;
	int i;

	for (i = 0; i < (quick() ? 500 : 3000); i++) {
		size_t len = rnd(&self->seed) % (i % 20 ? 100 : 1400), j;

		for (j = 0; j < len || j < HDR; j++)
			p.b[j] = rnd(&self->seed);
		if (rnd(&self->seed) % 8) {		/* mostly past the first checks */
			p.b[0] = 0x10 | (1 + rnd(&self->seed) % 5);
			p.b[1] &= 0xf;
			put16(p.b + 2, rnd(&self->seed) % 80);
		}
		p.len = len;
		peer_send(&self->r, &p);
		if (i % 500 == 0) {
			ASSERT_TRUE(healthy(&self->r, self->fd)) TH_LOG("after %d", i);
		}
	}
	EXPECT_HEALTHY();
}

/* A peer that knows the id may ruin its own connection, and no more than that. */
TEST_F_TIMEOUT(bad, mutations, SLOW_TEST)
{
	struct peer *r = &self->r, fresh;
	struct pkt p;
	int i, n, fd;

	set_nonblock(self->fd, true);
	for (i = 0; i < (quick() ? 500 : 3000); i++) {
		switch (rnd(&self->seed) % 4) {
		case 0:
			peer_echo(r, &p);
			break;
		case 1:
			pkt_begin(&p, DATA, ELICIT, r->their, r->pn++, r->off, PEER_CREDIT);
			pkt_ack(&p, 1 + rnd(&self->seed) % 20, rnd(&self->seed) % 20);
			break;
		default:
			peer_data(r, &p, rnd(&self->seed) % 8 ? 0 : FIN, r->off,
				  "some payload", 12);
		}
		/* never the id: that was the noise above */
		for (n = 1 + rnd(&self->seed) % 3; n; n--) {
			size_t at = rnd(&self->seed) % p.len;

			if (at < 4 || at >= 12)
				p.b[at] = rnd(&self->seed);
		}
		peer_send(r, &p);
		(void)!recv(self->fd, p.b, sizeof(p.b), 0);
		(void)!send(self->fd, "answer", 6, MSG_NOSIGNAL);
		while (peer_recv(r, 0))
			;
	}
	/* the next one is served as if nothing had been */
	peer_init(&fresh, self->e.fam->af, &self->seed, r->dport);
	peer_open(&fresh);
	fd = accept(self->lfd, NULL, NULL);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(healthy(&fresh, fd));
}

TEST_HARNESS_MAIN
