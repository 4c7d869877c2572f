/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hystart.h - HyStart++ (RFC 9406): leave slow start before the queue overflows.
 *
 * Owns the rounds of the first slow start and the smallest round-trip time of
 * each.  When a round's rises, growth slows down to a quarter (CSS); five such
 * rounds end slow start, a smaller one says that it was noise.
 */
#ifndef RILL_CORE_HYSTART_H
#define RILL_CORE_HYSTART_H

#include "env.h"

struct rill_hystart {
	u64	round_at;	/* the round ends with a packet sent after this */
	u64	last_min;	/* ns, smallest RTT of the round before, 0: none */
	u64	min;		/* ns, smallest RTT of this round, 0: none yet */
	u64	css_base;	/* ns, smallest RTT when CSS began; 0: not in CSS */
	u8	samples;	/* of this round, as far as they matter */
	u8	css_rounds;	/* rounds spent in CSS */
};

u64 rill_hystart_acked(struct rill_hystart *h, u64 acked, u64 rtt, u64 sent_at, u64 now,
		       bool *leave);

#endif /* RILL_CORE_HYSTART_H */
