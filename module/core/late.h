/* SPDX-License-Identifier: GPL-2.0 */
/*
 * late.h - the sender's side of records that are given up when they are late.
 *
 * Owns when a record's time is over and what of it need not be sent then.  Packets
 * that hold bytes of it alone count as acknowledged from then on; those that
 * hold others' too go on as they are.  A run without bytes takes their place and
 * tells the peer, lost and sent again like any: see RILL_RUN_SKIP.
 *
 *	runs:	[A A B|B B B|B C C]	B is given up:	[A A B|- - -|B C C]<skip B>
 */
#ifndef RILL_CORE_LATE_H
#define RILL_CORE_LATE_H

#include "sent.h"

void rill_send_live(struct rill_send *s, struct rill_life *life, u32 bytes, u64 at);
u32 rill_send_expire(struct rill_send *s, u64 now);
void rill_send_outlive(struct rill_send *s);
void rill_send_pass(struct rill_send *s);

#endif /* RILL_CORE_LATE_H */
