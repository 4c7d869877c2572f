/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fast.h - fast open: data in the first packet, for clients that were here before.
 *
 * Owns the token, which a listener gives in a SYN-ACK and believes in a later
 * SYN, and what becomes of the data that comes with it: RFC 7413 is the model.
 * The listener still keeps nothing for a client it has not met.
 *
 *	client				listener
 *	SYN, TOKEN (empty)	->
 *				<-	SYN-ACK, TOKEN t: for another time
 *	...
 *	SYN, TOKEN t, data	->	a server at once, with packet number 1
 *				<-	SYN-ACK, ACK 1: data taken
 *	ECHO, number 2		->	server confirmed
 */
#ifndef RILL_CORE_FAST_H
#define RILL_CORE_FAST_H

#include "open.h"

/* A token is believed this long; half of it gone, the client gets another. */
#define RILL_TOKEN_TTL		(3600 * RILL_SEC)
/* A key makes tokens this long; the one before it still checks them. */
#define RILL_TOKEN_KEY_LIFE	RILL_TOKEN_TTL
/*
 * A server nobody confirmed ends after as long as TCP sends its SYN-ACK
 * (tcp_synack_retries = 5): 1 + 2 + .. + 32 s.
 */
#define RILL_FAST_WAIT		(63 * RILL_SEC)

/* What fast open has to say in the answer to a SYN.  Zeroed: nothing. */
struct rill_fast {
	u64	issued;		/* the server stands since then; 0: there is none */
	bool	taken;		/* it has the SYN's data */
	u8	token_len;	/* bytes of a token to give, 0: none */
	u8	token[RILL_TOKEN_LEN];
	u16	data;		/* bytes of data in the SYN, if the token is good */
};

enum rill_mib rill_open_fast(const struct rill_hdr *h, const struct rill_ext *x, u32 dgram,
			     const struct rill_path *path, const struct rill_listen *l,
			     const struct rill_secrets *tokens, u64 cid, u64 now,
			     struct rill_child *child, struct rill_fast *fast);

#endif /* RILL_CORE_FAST_H */
