/* SPDX-License-Identifier: GPL-2.0 */
/* spec.h - a packet as the script describes it: between words.c, arrives.c, leaves.c. */
#ifndef RILL_SCEN_SPEC_H
#define RILL_SCEN_SPEC_H

#include "scen.h"

/* Fields that are numbers. */
enum field {
	F_PN, F_RAWPN, F_OFF, F_LEN, F_CREDIT, F_ID, F_DELAY, F_CID, F_REASON, F_IP,
	F_VERSION, F_TYPE, F_FLAGS, F_EXTLEN, F_CUT, F_PAD, F_DATA, F_NUMBERS,
	/* and those that are not */
	F_ACK = F_NUMBERS, F_ECN, F_PORTS, F_PARAMS, F_COOKIE, F_TOKEN, F_SKIP,
};

/* A packet as the script describes it. */
struct spec {
	u8 type, flags;
	u32 count;		/* so many in a row */
	bool train, full;
	u32 given;		/* BIT(enum field) */
	u64 v[F_NUMBERS];
	struct rill_range ack[RILL_ACK_PAIRS_MAX + 1];	/* lo..hi, both in it, newest first */
	int nack;
	u32 ecn[3], skip[3];
	u16 port[2];
	struct rill_params params;
	u8 bytes[64], nbytes;	/* of a cookie */
	u8 token[RILL_TOKEN_DATA + RILL_TOKEN_MAX], token_len;
	struct rill_extbuf raw;	/* items written out */
};

#define SPEC_REASONS	6

extern const char *const spec_type[16], *const spec_reason[SPEC_REASONS];

void spec_parse(struct scen *s, const struct words *w, struct spec *p);
u32 spec_hex(struct scen *s, const char *v, u8 *b, u32 size);
u32 spec_implied(u8 type);
void spec_ack(struct scen *s, const struct spec *p, bool theirs, struct rill_extbuf *x);
u64 sent_number(struct scen *s, u64 n);
u64 sent_order(struct scen *s, u64 pn);

static inline bool given(const struct spec *p, enum field f)
{
	return p->given & BIT(f);
}

#endif /* RILL_SCEN_SPEC_H */
