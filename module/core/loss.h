/* SPDX-License-Identifier: GPL-2.0 */
/*
 * loss.h - which packets are lost, and how late a packet may be.
 *
 * Owns RFC 9002 6.1 (packet and time threshold), with RFC 8985's idea that the
 * thresholds learn from reordering: an acknowledgement for a packet that had
 * been declared lost says exactly how late it was.
 */
#ifndef RILL_CORE_LOSS_H
#define RILL_CORE_LOSS_H

#include "sent.h"
#include "rtt.h"

#define RILL_PKT_THRESHOLD	3	/* RFC 9002 6.1.1 kPacketThreshold */
#define RILL_REO_PERSIST	16	/* recoveries, RFC 8985 6.2 step 4 */

void rill_loss_detect(struct rill_send *s, const struct rill_rtt *rtt, u64 now,
		      struct rill_losses *res);
void rill_loss_quiet(struct rill_send *s);
void rill_loss_learn(struct rill_send *s, const struct rill_rtt *rtt, u64 late);
bool rill_loss_persistent(const struct rill_losses *l, const struct rill_rtt *rtt,
			  u64 max_ack_delay);

#endif /* RILL_CORE_LOSS_H */
