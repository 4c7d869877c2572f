/* SPDX-License-Identifier: GPL-2.0 */
/*
 * open.h - opening a connection without keeping state: the listener's half.
 *
 * Owns the SYN -> SYN-ACK -> echo exchange as seen by a listener, and the
 * cookie.  A SYN costs the listener one packet and no memory: all it would have
 * to remember is in the cookie, authenticated, bound to both addresses, and
 * valid for a minute.  The client's half is in arrive.c.
 */
#ifndef RILL_CORE_OPEN_H
#define RILL_CORE_OPEN_H

#include "wire.h"
#include "mib.h"

#define RILL_COOKIE_TTL		(60 * RILL_SEC)	/* as long as TCP tries its SYN-ACK */
/* A key makes cookies this long; the one before it still checks them. */
#define RILL_SECRET_LIFE	(60 * RILL_SEC)

/* Keys of a namespace; the owner refreshes them with rill_secrets_rotate(). */
struct rill_secrets {
	siphash_key_t key[2];	/* by the low bit of @epoch */
	u64	rotated_at;	/* when key[epoch & 1] came into use */
	u8	epoch;		/* 0: never set */
};

/* The addresses a packet travelled between; IPv4 is v4-mapped. */
struct rill_path {
	u8	local[16], remote[16];
	u16	local_udp, remote_udp;
};

/* What a listener tells its clients. */
struct rill_listen {
	struct rill_params params;
	u32	credit;		/* bytes a child takes before it is read from */
};

struct rill_fast;

/* A packet made without a connection. */
struct rill_reply {
	u16	len;
	u8	b[RILL_HDR + 128];
};

/* What a valid echo says about the connection to create. */
struct rill_child {
	u64	cid;		/* ours, chosen when the SYN came */
	u64	peer_cid;
	u64	peer_credit;	/* bytes the peer takes at first */
	u64	cookie_until;	/* until when the cookie could be replayed */
	u64	rtt;		/* ns from SYN-ACK to first echo, 0: a later one */
	u16	sport, dport;	/* the client's and ours */
	struct rill_params params;	/* the client's */
	bool	fast;		/* not the echo says so but a token */
};

void rill_secrets_rotate(struct rill_secrets *s, const siphash_key_t *fresh, u64 now);
enum rill_mib rill_open_syn(const struct rill_hdr *h, const struct rill_ext *x, u32 dgram,
			    const struct rill_path *path, const struct rill_listen *l,
			    const struct rill_secrets *s, u64 cid, u64 now,
			    const struct rill_fast *fast, struct rill_reply *reply);
enum rill_mib rill_open_check(const struct rill_hdr *h, const struct rill_ext *x, u32 dgram,
			      const struct rill_listen *l);
u64 rill_open_id(const siphash_key_t *key, const struct rill_path *path,
		 const struct rill_ext *x);
enum rill_mib rill_open_echo(const struct rill_hdr *h, const struct rill_ext *x,
			     const struct rill_path *path, const struct rill_secrets *s,
			     u64 now, struct rill_child *child);
void rill_open_ext_syn(struct rill_extbuf *x, u64 cid, u16 sport, u16 dport,
		       const struct rill_params *params);

/* The least credit an end with these parameters begins with: the first packet's worth. */
static inline u32 rill_open_credit(const struct rill_params *p)
{
	return p->max_payload + (p->sock_type == RILL_RECORDS ? RILL_PREFIX : 0);
}

/* A key makes cookies, or whatever it is for, as long as @life. */
static inline bool rill_secrets_stale(const struct rill_secrets *s, u64 life, u64 now)
{
	return !s->epoch || now - s->rotated_at >= life;
}

/* Is the key of @epoch, which came from outside, still there? */
static inline bool rill_secrets_live(const struct rill_secrets *s, u8 epoch)
{
	return s->epoch && epoch && (epoch == s->epoch || (epoch ^ s->epoch) & 1);
}

#endif /* RILL_CORE_OPEN_H */
