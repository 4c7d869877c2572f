/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wire.h - what a Rill packet looks like: the codec's structures and limits.
 *
 * Owns the layout of the 24-byte header and of the items of its extension, and
 * nothing of their meaning.  PROTOCOL.md says the same in words.
 *
 *  0       1       2        4            12          16          20          24
 *  +-------+-------+--------+------------+-----------+-----------+-----------+---
 *  | ver/  | flags | ext    | receiver's | packet    | stream    | window    | ext,
 *  | type  |       | length | id, 64     | number 32 | offset 32 | credit 32 | payload
 *  +-------+-------+--------+------------+-----------+-----------+-----------+---
 *
 * If you add a type or an item here, add it to PROTOCOL.md, to the decoder's
 * table in wire.c, to the dissector and to the fuzzers' dictionary.
 */
#ifndef RILL_CORE_WIRE_H
#define RILL_CORE_WIRE_H

#include "env.h"

#define RILL_WIRE_VERSION	1
#define RILL_HDR		24	/* bytes before the extension */

/*
 * A SYN fills the base datagram (RFC 9000 14.1, RFC 8899 BASE_PLPMTU): it
 * proves that the path carries it, and the SYN-ACK can never be larger.
 */
#define RILL_BASE_DGRAM		1200
#define RILL_EXT_MAX		256	/* bytes; a longer extension is malformed */
#define RILL_RUN_MAX		64	/* packets: a u64 mask, and UDP_GRO_CNT_MAX */

/*
 * Payload limits, bytes.  The largest is what leaves two packets of a train
 * inside the 65,507 bytes a UDP datagram holds and one inside a 32 KiB page
 * fragment; the smallest is TCP's floor (TCP_MIN_MSS, 88 with its options).
 */
#define RILL_PAYLOAD_MIN	88
#define RILL_PAYLOAD_MAX	32720
#define RILL_PAYLOAD_BASE	(RILL_BASE_DGRAM - RILL_HDR)

/*
 * A record is RILL_PREFIX bytes of the stream that say its length, big-endian,
 * and then its own.  The longest has room in half the largest receive window.
 */
#define RILL_PREFIX	4
#define RILL_RECORD_MAX	BIT(29)

/* Socket types on the wire: SOCK_STREAM and SOCK_SEQPACKET. */
#define RILL_BYTES	1
#define RILL_RECORDS	5

enum rill_type {
	RILL_T_SYN = 1,		/* client: I would like to talk */
	RILL_T_SYNACK = 2,	/* listener: prove it, with this cookie */
	RILL_T_ECHO = 3,	/* client: here is the cookie */
	RILL_T_DATA = 4,	/* payload, acknowledgement, FIN, probe: any mix */
	RILL_T_RESET = 5,	/* it is over */
	RILL_T_DGRAM = 6,	/* a datagram: belongs to no connection */
};

/* header flags */
#define RILL_F_FIN	0x01	/* the stream ends after this payload */
#define RILL_F_PAD	0x02	/* what follows the extension is padding, not payload */
#define RILL_F_ELICIT	0x04	/* acknowledge, though there is no payload */
#define RILL_F_NOW	0x08	/* acknowledge at once */
#define RILL_F_KNOWN	0x0f
/* 0x40 and 0x80 are kept for the key phase and the sealed form. */

/* Items of the extension: type, length, value.  128 and up must be understood. */
enum rill_item {
	RILL_I_END = 0,		/* no length byte; the rest is padding */
	RILL_I_ACK = 1,		/* largest 32, delay us 32, first run 32, (gap 16, run 16)* */
	RILL_I_ECN = 2,		/* ECT(0) 32, ECT(1) 32, CE 32: packets received */
	RILL_I_CID = 3,		/* the sender's id, 64 */
	RILL_I_PORTS = 4,	/* source 16, destination 16 */
	RILL_I_PARAMS = 5,	/* see struct rill_params */
	RILL_I_COOKIE = 6,	/* opaque to the client */
	RILL_I_REASON = 7,	/* 8: enum rill_reason */
	RILL_I_TOKEN = 8,	/* SYN: data length 16, token; or nothing.  SYN-ACK: token */
	RILL_I_SKIP = 9,	/* records given up: from 32, to 32, number behind 32 */
	RILL_I_CHALLENGE = 10,	/* 64: prove that you receive here */
	RILL_I_RESPONSE = 11,	/* 64: what the challenge said */
	RILL_I_MANDATORY = 128,
};

#define RILL_ITEM_HDR		2
#define RILL_ACK_FIXED		12	/* bytes of an ACK item before the pairs */
#define RILL_ACK_PAIRS_MAX	31
#define RILL_ACK_ITEM_MAX	(RILL_ITEM_HDR + RILL_ACK_FIXED + 4 * RILL_ACK_PAIRS_MAX)
#define RILL_ECN_ITEM		(RILL_ITEM_HDR + 12)
#define RILL_CID_ITEM		(RILL_ITEM_HDR + 8)
#define RILL_PORTS_ITEM		(RILL_ITEM_HDR + 4)
#define RILL_SKIP_ITEM		(RILL_ITEM_HDR + 12)
#define RILL_COOKIE_LEN		40	/* bytes, this implementation's */
#define RILL_TOKEN_LEN		24	/* likewise */
#define RILL_TOKEN_MIN		8	/* bytes of any token */
#define RILL_TOKEN_MAX		32
#define RILL_TOKEN_DATA		2	/* bytes before the token in a SYN */

/* Why a RESET was sent. */
enum rill_reason {
	RILL_R_NONE = 0,
	RILL_R_REFUSED = 1,	/* to a SYN or a datagram: nobody is there */
	RILL_R_ABORT = 2,	/* the program closed with unread data, or lingered 0 */
	RILL_R_STRAY = 3,	/* no such connection */
	RILL_R_COOKIE = 4,	/* to an echo: cookie too old, or the listener gone */
	RILL_R_TIMEOUT = 5,	/* the sender gave up on its peer */
};

/* What each end tells the other when it opens. */
struct rill_params {
	u16	max_payload;	/* bytes this end takes in a packet, 88..32720 */
	u16	max_ack_delay;	/* ms this end holds back an acknowledgement, 0..1000 */
	u32	max_record;	/* RILL_RECORDS: longest record this end takes, 0..2^29 */
	u8	sock_type;	/* RILL_BYTES, RILL_RECORDS; another is for the host to refuse */
};

/* The header as read; numbers are still 32 bits wide. */
struct rill_hdr {
	u64	cid;		/* the receiver's id, 0 in a SYN and a datagram */
	u32	pn;		/* packet number; attempt in SYN and SYN-ACK; quoted in RESET */
	u32	off;		/* stream offset of the payload */
	u32	credit;		/* offset up to which the sender takes bytes; a datagram's length */
	u16	ext_len;	/* bytes of extension */
	u8	type;		/* enum rill_type */
	u8	flags;		/* RILL_F_* */
};

/* An ACK item, checked as a whole; the pairs stay in the packet. */
struct rill_ackblk {
	u32	largest;	/* largest packet number received, low bits */
	u32	delay;		/* us between its arrival and this packet */
	u32	first;		/* packets acknowledged right below the largest */
	u8	pairs;		/* (gap, run) pairs that follow */
	const u8 *pair;		/* 4 bytes each */
};

/* The extension as read; a bit of @has for each item found. */
struct rill_ext {
	u16	has;		/* BIT(enum rill_item) */
	u8	reason;
	u8	cookie_len;
	u8	token_len;	/* bytes of @token, in a SYN with the data length */
	u16	sport, dport;
	struct rill_params params;
	u64	cid;
	const u8 *cookie;
	const u8 *token;
	u32	ecn[3];		/* ECT(0), ECT(1), CE */
	u32	skip_from;	/* stream offsets, low bits; @skip_to is behind @skip_from */
	u32	skip_to;
	u64	challenge, response;
	u32	skip_next;	/* number of the record at @skip_to, low bits */
	struct rill_ackblk ack;
};

/* Where an extension is being written. */
struct rill_extbuf {
	u16	len;
	u8	b[RILL_EXT_MAX];
};

static inline bool rill_ext_has(const struct rill_ext *x, enum rill_item item)
{
	return x->has & BIT(item);
}

/* Why the codec refused a packet. */
enum rill_wire_err {
	RILL_WIRE_OK = 0,
	RILL_WIRE_SHORT,	/* fewer bytes than the header says */
	RILL_WIRE_VERSION_ERR,	/* a version we do not speak */
	RILL_WIRE_TYPE,		/* a type we do not know */
	RILL_WIRE_FLAGS,	/* a flag we do not know, or not in this type */
	RILL_WIRE_EXT,		/* an item that is malformed, twice, or must be understood */
};

enum rill_wire_err rill_wire_hdr_get(struct rill_hdr *h, const u8 *p, u32 len);
void rill_wire_hdr_put(u8 *p, const struct rill_hdr *h);
enum rill_wire_err rill_wire_ext_get(struct rill_ext *x, const struct rill_hdr *h,
				     const u8 *p);
bool rill_wire_dgram_ok(const struct rill_hdr *h, const struct rill_ext *x, u32 len);

void rill_ext_put_ack(struct rill_extbuf *x, u32 largest, u32 delay, u32 first,
		      const u16 *pairs, u8 npairs);
void rill_ext_put_ecn(struct rill_extbuf *x, const u32 ecn[3]);
void rill_ext_put_cid(struct rill_extbuf *x, u64 cid);
void rill_ext_put_ports(struct rill_extbuf *x, u16 sport, u16 dport);
void rill_ext_put_params(struct rill_extbuf *x, const struct rill_params *p);
void rill_ext_put_cookie(struct rill_extbuf *x, const u8 *cookie, u8 len);
void rill_ext_put_token_wanted(struct rill_extbuf *x);
void rill_ext_put_token_data(struct rill_extbuf *x, u16 data, const u8 *token, u8 len);
void rill_ext_put_token(struct rill_extbuf *x, const u8 *token, u8 len);
void rill_ext_put_skip(struct rill_extbuf *x, u32 from, u32 to, u32 next);
void rill_ext_put_word(struct rill_extbuf *x, enum rill_item item, u64 word);
void rill_ext_put_reason(struct rill_extbuf *x, enum rill_reason reason);

#endif /* RILL_CORE_WIRE_H */
