/* SPDX-License-Identifier: GPL-2.0 */
/*
 * close.h - what is left when a connection is gone, and packets for nobody.
 *
 * Owns the tombstone: a connection's last words, kept so that a FIN sent again
 * is acknowledged again and a cookie cannot open the same connection twice.  It
 * holds no address and no port.
 */
#ifndef RILL_CORE_CLOSE_H
#define RILL_CORE_CLOSE_H

#include "open.h"
#include "range.h"

#define RILL_TOMB_RANGES	4	/* of packet numbers it can acknowledge */
#define RILL_TOMB_MIN		RILL_SEC	/* TIME_WAIT is at least this long */

struct rill_tomb {
	u64	cid;		/* ours */
	u64	peer_cid;
	u64	pn_next;	/* our next packet number */
	u64	credit;		/* last credit given */
	struct rill_range pns[RILL_TOMB_RANGES];	/* the newest numbers received, ascending */
	u64	expires;	/* ns */
	bool	time_wait;	/* the state was TIME_WAIT: listed */
	u8	npns;		/* ranges in @pns */
	bool	reack;		/* ended in order; false: only guards its cookie */
};

bool rill_tomb_rcv(struct rill_tomb *t, const struct rill_hdr *h, const struct rill_ext *x,
		   u32 payload, struct rill_reply *reply);
bool rill_stray(const struct rill_hdr *h, const struct rill_ext *x, enum rill_reason why,
		struct rill_reply *reply);

#endif /* RILL_CORE_CLOSE_H */
