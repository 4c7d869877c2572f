/* SPDX-License-Identifier: GPL-2.0 */
/*
 * roam.h - a peer that has moved: is it really there?
 *
 * Owns the validation of a new address (RFC 9000 8.2, 9.3).  Until something has come
 * back from it that only who receives there can know, an address gets three times the
 * bytes that came from it, and no more: whoever sends with a forged one cannot turn
 * our stream upon a victim.
 */
#ifndef RILL_CORE_ROAM_H
#define RILL_CORE_ROAM_H

#include "env.h"

#define RILL_ROAM_TIMES	3	/* bytes for a byte, RFC 9000 8 */
#define RILL_ROAM_TRIES	3	/* challenges in a row, until the address is heard of again */

struct rill_roam {
	bool	wary;		/* the address is not validated */
	bool	ask;		/* a challenge is owed */
	bool	answer;		/* the peer's challenge is to be answered */
	u8	tries;		/* challenges without an answer */
	u32	last;		/* bytes of the newest packet */
	u64	word;		/* what our challenge says */
	u64	theirs;		/* what the peer's said */
	u64	budget;		/* bytes that may still go there */
	u64	at;		/* deadline: ask again, RILL_NEVER */
};

void rill_roam_init(struct rill_roam *r);
void rill_roam_begin(struct rill_roam *r, u64 dice);
void rill_roam_heard(struct rill_roam *r, u32 bytes);
bool rill_roam_answered(struct rill_roam *r, u64 word);
void rill_roam_asked(struct rill_roam *r, u64 pto, u64 now);
void rill_roam_timeout(struct rill_roam *r);
void rill_roam_sent(struct rill_roam *r, u32 bytes);

/* Bytes that may go to the peer's address. */
static inline u64 rill_roam_room(const struct rill_roam *r)
{
	return r->wary ? r->budget : U64_MAX;
}

#endif /* RILL_CORE_ROAM_H */
