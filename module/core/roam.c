// SPDX-License-Identifier: GPL-2.0
/* roam.c - validation of a new address.  See roam.h. */
#include "roam.h"

void rill_roam_init(struct rill_roam *r)
{
	memset(r, 0, sizeof(*r));
	r->at = RILL_NEVER;
}

/* The newest packet came from another address.  @dice: random, new each time. */
void rill_roam_begin(struct rill_roam *r, u64 dice)
{
	r->wary = r->ask = true;
	r->tries = 0;
	r->word = dice;
	r->budget = (u64)RILL_ROAM_TIMES * r->last;
	r->at = RILL_NEVER;
}

/* The newest packet had @bytes; it decides where the peer is. */
void rill_roam_heard(struct rill_roam *r, u32 bytes)
{
	r->last = bytes;
	if (!r->wary)
		return;
	r->budget += (u64)RILL_ROAM_TIMES * bytes;
	if (r->tries < RILL_ROAM_TRIES || r->at != RILL_NEVER)
		return;
	/* We had given up asking, and it is there. */
	r->tries = 0;
	r->ask = true;
}

/* An answer came.  True: the address is the peer's. */
bool rill_roam_answered(struct rill_roam *r, u64 word)
{
	if (!r->wary || word != r->word)
		return false;
	r->wary = r->ask = false;
	r->at = RILL_NEVER;
	return true;
}

/* A challenge has left; @pto: ns an answer may take. */
void rill_roam_asked(struct rill_roam *r, u64 pto, u64 now)
{
	r->ask = false;
	r->at = now + (pto << r->tries++);
}

/* No answer. */
void rill_roam_timeout(struct rill_roam *r)
{
	r->at = RILL_NEVER;
	r->ask = r->tries < RILL_ROAM_TRIES;
}

void rill_roam_sent(struct rill_roam *r, u32 bytes)
{
	r->budget -= min_t(u64, r->budget, bytes);
}
