/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A peer that speaks Rill from userspace over a plain UDP socket, written from
 * the wire format's description and not from the module's code: it can do what
 * a well-behaved peer does, and anything else.
 *
 * Packets are built piece by piece so that a test can lie in each of them.
 */
#ifndef RILL_SELFTESTS_WIRE_PEER_H
#define RILL_SELFTESTS_WIRE_PEER_H

#include <endian.h>
#include <linux/rill.h>

#include "lib.h"

enum { SYN = 1, SYNACK, ECHO, DATA, RESET };		/* packet types */
enum { FIN = 1, ELICIT = 4, NOW = 8 };			/* flags */
enum { I_END, I_ACK, I_ECN, I_CID, I_PORTS, I_PARAMS, I_COOKIE, I_REASON,
       I_TOKEN, I_SKIP };
enum { R_NONE, R_REFUSED, R_ABORT, R_STRAY, R_COOKIE, R_TIMEOUT };

#define HDR		24
#define BASE		1200		/* bytes of a SYN */
#define PEER_CREDIT	(1 << 20)
#define PEER_RECORD	65536		/* bytes of a record it takes */
#define COOKIE_TTL	60000		/* ms, this implementation's */

struct pkt {
	uint8_t b[65536];
	size_t len;
};

struct peer {
	int udp;
	union sa at;		/* the kernel's end */
	uint64_t cid;		/* ours: what packets to us carry */
	uint64_t their;		/* what packets to the kernel carry */
	uint32_t pn;		/* our next packet number */
	uint32_t off;		/* our next stream offset */
	uint32_t got;		/* the kernel's stream offset up to which we have it */
	uint32_t credit;	/* bytes the kernel takes, as it said last */
	uint16_t sport, dport;	/* Rill ports, ours and the kernel's */
	uint8_t type;		/* socket type we ask for */
	uint8_t cookie_len, cookie[255];
	struct pkt in;		/* the packet received last */
};

static inline void put16(uint8_t *p, uint16_t v) { v = htobe16(v); memcpy(p, &v, 2); }
static inline void put32(uint8_t *p, uint32_t v) { v = htobe32(v); memcpy(p, &v, 4); }
static inline void put64(uint8_t *p, uint64_t v) { v = htobe64(v); memcpy(p, &v, 8); }
static inline uint16_t get16(const uint8_t *p) { uint16_t v; memcpy(&v, p, 2); return be16toh(v); }
static inline uint32_t get32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return be32toh(v); }
static inline uint64_t get64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return be64toh(v); }

/* ------------------------------------------------------------- building */

static inline void pkt_begin(struct pkt *p, int type, int flags, uint64_t cid,
			     uint32_t pn, uint32_t off, uint32_t credit)
{
	memset(p->b, 0, HDR);
	p->b[0] = 1 << 4 | type;
	p->b[1] = flags;
	put64(p->b + 4, cid);
	put32(p->b + 12, pn);
	put32(p->b + 16, off);
	put32(p->b + 20, credit);
	p->len = HDR;
}

/* Items come before payload: each makes the extension longer. */
static inline void pkt_item(struct pkt *p, int type, const void *v, uint8_t len)
{
	p->b[p->len] = type;
	p->b[p->len + 1] = len;
	memcpy(p->b + p->len + 2, v, len);
	p->len += 2 + len;
	put16(p->b + 2, p->len - HDR);
}

static inline void pkt_cid(struct pkt *p, uint64_t cid)
{
	uint8_t v[8];

	put64(v, cid);
	pkt_item(p, I_CID, v, 8);
}

static inline void pkt_ports(struct pkt *p, uint16_t sport, uint16_t dport)
{
	uint8_t v[4];

	put16(v, sport);
	put16(v + 2, dport);
	pkt_item(p, I_PORTS, v, 4);
}

static inline void pkt_params(struct pkt *p, uint16_t max_payload, uint16_t delay, int type)
{
	uint8_t v[10] = { };

	put16(v, max_payload);
	put16(v + 2, delay);
	v[4] = type;
	put32(v + 6, PEER_RECORD);
	pkt_item(p, I_PARAMS, v, type == 5 ? 10 : 6);
}

static inline void pkt_ack(struct pkt *p, uint32_t largest, uint32_t first)
{
	uint8_t v[12] = { };

	put32(v, largest);
	put32(v + 8, first);
	pkt_item(p, I_ACK, v, 12);
}

static inline void pkt_reason(struct pkt *p, uint8_t why)
{
	pkt_item(p, I_REASON, &why, 1);
}

static inline void pkt_payload(struct pkt *p, const void *v, size_t len)
{
	memcpy(p->b + p->len, v, len);
	p->len += len;
}

static inline void pkt_pad(struct pkt *p, size_t len)
{
	memset(p->b + p->len, 0, len - p->len);
	p->len = len;
}

/* Value of an item of a received packet, NULL without it. */
static inline const uint8_t *pkt_find(const struct pkt *p, int type, uint8_t *len)
{
	const uint8_t *at = p->b + HDR, *end = at + get16(p->b + 2);

	while (at + 2 <= end && *at != I_END) {
		if (*at == type) {
			*len = at[1];
			return at + 2;
		}
		at += 2 + at[1];
	}
	return NULL;
}

static inline int pkt_type(const struct pkt *p)
{
	return p->b[0] & 0xf;
}

/* -------------------------------------------------------------- talking */

/* A UDP socket on the loopback address; port 0 draws one. */
static inline int peer_socket(int af, uint16_t port)
{
	union sa a = sa_loopback(af, port);
	int fd = socket(af, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, &a.sa, sa_len(&a)))
		fatal("UDP socket on port %u", port);
	return fd;
}

static inline void peer_init(struct peer *r, int af, uint64_t *seed, uint16_t dport)
{
	memset(r, 0, sizeof(*r));
	r->udp = peer_socket(af, 0);
	r->at = sa_loopback(af, RILL_UDP_PORT);
	r->cid = rnd(seed);
	r->sport = 20000 + rnd(seed) % 10000;
	r->dport = dport;
	r->type = SOCK_STREAM;
	r->pn = 1;
}

static inline void peer_send(struct peer *r, const struct pkt *p)
{
	if (sendto(r->udp, p->b, p->len, 0, &r->at.sa, sa_len(&r->at)) != (ssize_t)p->len)
		fatal("sendto, %zu bytes", p->len);
}

/* The next packet within ms into r->in; its type, 0 when none comes. */
static inline int peer_recv(struct peer *r, int ms)
{
	struct pollfd pfd = { r->udp, POLLIN, 0 };
	socklen_t len = sizeof(r->at);
	ssize_t n;

	if (poll(&pfd, 1, ms) != 1)
		return 0;
	n = recvfrom(r->udp, r->in.b, sizeof(r->in.b), 0, &r->at.sa, &len);
	if (n < HDR || get16(r->in.b + 2) > n - HDR || r->in.b[0] >> 4 != 1)
		fatal("the kernel sent %zd bytes that are no packet", n);
	r->in.len = n;
	return pkt_type(&r->in);
}

/* Waits for a packet of a type, dropping others; false after PATIENCE. */
static inline bool peer_await(struct peer *r, int type)
{
	int64_t end = now_ms() + PATIENCE;
	int got;

	do
		got = peer_recv(r, 1000);
	while (got != type && now_ms() < end);
	return got == type;
}

static inline void peer_syn(const struct peer *r, struct pkt *p)
{
	pkt_begin(p, SYN, 0, 0, 0, 0, PEER_CREDIT);
	pkt_cid(p, r->cid);
	pkt_ports(p, r->sport, r->dport);
	pkt_params(p, BASE - HDR, 25, r->type);
	pkt_pad(p, BASE);
}

/* Takes id, credit and cookie out of the SYN-ACK in r->in. */
static inline void peer_take_synack(struct peer *r)
{
	uint8_t len = 0;
	const uint8_t *v = pkt_find(&r->in, I_CID, &len);

	if (!v || len != 8)
		fatal("a SYN-ACK without an id");
	r->their = get64(v);
	v = pkt_find(&r->in, I_COOKIE, &r->cookie_len);
	if (!v)
		fatal("a SYN-ACK without a cookie");
	memcpy(r->cookie, v, r->cookie_len);
	r->credit = get32(r->in.b + 20);
}

static inline void peer_echo(const struct peer *r, struct pkt *p)
{
	pkt_begin(p, ECHO, 0, r->their, 1, 0, PEER_CREDIT);
	pkt_cid(p, r->cid);
	pkt_ports(p, r->sport, r->dport);
	pkt_item(p, I_COOKIE, r->cookie, r->cookie_len);
}

/* SYN and SYN-ACK: afterwards the cookie is in hand. */
static inline void peer_ask(struct peer *r)
{
	struct pkt p;

	peer_syn(r, &p);
	peer_send(r, &p);
	if (!peer_await(r, SYNACK))
		fatal("no SYN-ACK");
	peer_take_synack(r);
}

static inline void peer_open(struct peer *r)
{
	struct pkt p;

	peer_ask(r);
	peer_echo(r, &p);
	peer_send(r, &p);
	r->pn = 2;
}

/* A packet with n bytes of the stream at off, acknowledging nothing. */
static inline void peer_data(struct peer *r, struct pkt *p, int flags, uint32_t off,
			     const void *bytes, size_t n)
{
	pkt_begin(p, DATA, flags, r->their, r->pn++, off, r->got + PEER_CREDIT);
	pkt_payload(p, bytes, n);
}

static inline void peer_write(struct peer *r, const void *bytes, size_t n)
{
	struct pkt p;

	peer_data(r, &p, 0, r->off, bytes, n);
	peer_send(r, &p);
	r->off += n;
}

/* Acknowledges the packet in r->in. */
static inline void peer_ack(struct peer *r)
{
	struct pkt p;

	pkt_begin(&p, DATA, 0, r->their, r->pn++, r->off, r->got + PEER_CREDIT);
	pkt_ack(&p, get32(r->in.b + 12), 0);
	peer_send(r, &p);
}

/* Reads n bytes of the kernel's stream into buf; false when they do not come. */
static inline bool peer_read(struct peer *r, void *buf, size_t n)
{
	uint32_t start = r->got;

	while (r->got - start < n) {
		uint32_t off, ext;
		size_t len;

		if (!peer_await(r, DATA))
			return false;
		ext = get16(r->in.b + 2);
		off = get32(r->in.b + 16);
		len = r->in.len - HDR - ext;
		if (len && off == r->got && off - start + len <= n) {
			memcpy((uint8_t *)buf + (off - start), r->in.b + HDR + ext, len);
			r->got += len;
		}
		if (len || r->in.b[1] & (FIN | ELICIT))
			peer_ack(r);
	}
	return true;
}

/* Sends p and expects exactly this counter to move, by one.  For a fixture that
 * has its peer in self->r. */
#define EXPECT_COUNTED(counter, p) do { \
	long was_ = snmp(counter); \
	ASSERT_LE(0, was_) TH_LOG("no counter %s", counter); \
	peer_send(&self->r, p); \
	EXPECT_EQ(1, snmp_moved(counter, was_)) TH_LOG("%s", counter); \
} while (0)

#endif
