/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scen.h - the scenario runner's parts.  The language is described in main.c.
 *
 *	main.c		files and lines, the clock, what is said of a failure
 *	words.c		packets in words (spec.h)
 *	arrives.c	from these to bytes, and to the engine
 *	leaves.c	what the engine sends, compared with them
 *	call.c		what the program does, what is set, what is looked at
 *
 * The engine, its memory and the listener around it are those of the unit tests
 * (unit/duo.c), with one end only: the script is the other.
 */
#ifndef RILL_SCEN_H
#define RILL_SCEN_H

#include <stdio.h>
#include "duo.h"

#define SCEN_WORDS	64
#define SCEN_NUMBERS	8192

struct scen {
	const char *file;
	int line;
	char text[512];		/* the line as written */
	struct duo *d;
	int end;		/* of the duo: 0 connects, 1 is made by the listener */
	bool verbose, begun;
	u64 began;		/* the clock at time 0 */
	u64 at;			/* time of the last line, absolute */
	u64 number[SCEN_NUMBERS];	/* packet numbers we sent, in the order they left */
	u32 nnumber;
	bool closed;		/* the program has closed the socket */
	/* the peer that the script plays */
	u64 cid;
	u64 pn, off;		/* its last packet number, where its stream goes on */
	u32 credit;
	u32 syn_pn;		/* of the newest SYN, its or ours */
	struct rill_params params;
	u16 port[2];		/* its Rill port and ours */
	u64 rec_off;		/* where its next record begins */
	u8 cookie[64], cookie_len;	/* of the newest SYN-ACK, its or ours */
	u8 token[RILL_TOKEN_MAX], token_len;	/* likewise */
	u8 last[DUO_PKT_MAX];	/* what arrived last */
	u32 last_len;
};

/* A line cut into words. */
struct words {
	int n;
	char *w[SCEN_WORDS];
};

static inline struct duo_end *scen_end(struct scen *s)
{
	return &s->d->e[s->end];
}

/* main.c */
void fail(struct scen *s, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
void scen_begin(struct scen *s);
void scen_line(struct scen *s, const char *text);

/* words.c */
u64 number(struct scen *s, const char *word);
bool number_of(const char *word, u64 *v);

/* arrives.c */
void packet_arrives(struct scen *s, const struct words *w);

/* leaves.c */
void packet_leaves(struct scen *s, const struct words *w, u64 from, u64 to);
void packet_unexpected(struct scen *s);
void packet_show(struct scen *s, const struct duo_pkt *k, char *b, size_t size);
bool packet_wait(struct scen *s, u64 until);

/* call.c */
bool call_do(struct scen *s, const struct words *w);
void call_look(struct scen *s, const struct words *w);

#endif /* RILL_SCEN_H */
