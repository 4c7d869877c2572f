/* SPDX-License-Identifier: GPL-2.0 */
/*
 * duo.h - two connections and the packets between them, moved by hand.
 *
 * A test says which packet arrives, which is lost, and how time passes; nothing
 * happens by itself.  Packets are encoded and decoded as in earnest.  End 0
 * connects, end 1 comes to be when a valid echo arrives.
 */
#ifndef RILL_DUO_H
#define RILL_DUO_H

#include "conn.h"

#define DUO_PKTS	1024
#define DUO_PKT_MAX	1600
#define DUO_RECORDS	256

/* A packet on its way, and what it says. */
struct duo_pkt {
	int from;
	u64 at;			/* when it left */
	u32 len;
	struct rill_pkt p;
	u8 ecn;			/* ECN field it left with; @p has the one it arrives with */
	bool fresh, probe;
	u8 b[DUO_PKT_MAX];
};

/* A record as the program wrote it: its prefix is at @off. */
struct duo_record {
	u64 off;
	u32 len;
};

struct duo_end {
	struct rill_conn c;
	struct rill_range ooo[64];
	struct rill_gap gaps[8];
	struct rill_conn_cfg cfg;
	u32 bits;		/* since the test cleared them */
	int err;
	u64 mib[RILL_MIB_MAX];
	u32 runs, recs, lives;	/* memory the engine holds */
	bool born, tombed, deaf;	/* deaf: its carrier refuses */
	bool poor;		/* it has no memory to cut packets anew */
	struct rill_tomb tomb;
	struct duo_record rec[DUO_RECORDS];	/* written here */
	int nrec;
};

struct duo {
	struct duo_end e[2];
	struct rill_secrets secrets, tokens;
	struct rill_path path;
	u64 now, owd;		/* one way, for duo_pass() */
	u64 cid1;		/* the next child's id */
	bool listening, full;	/* full: the listener drops SYNs and echoes */
	bool fast, fast_full;	/* the listener does fast open; it has too many such */
	enum rill_mib last_drop;	/* of the stateless half */
	enum rill_mib last_fast;	/* what rill_open_fast() said last */
	u32 replies;
	struct duo_pkt *q[DUO_PKTS];
	int nq;
};

struct duo *duo_new(void);
void duo_free(struct duo *d);
struct duo *duo_open(void);
struct duo *duo_open_records(void);

struct duo_pkt *duo_queue(struct duo *d, int from, const u8 *b, u32 len);
void duo_flush(struct duo *d, int end);
void duo_deliver(struct duo *d, int k);
void duo_deliver_run(struct duo *d, int k, int n);
void duo_drop(struct duo *d, int k);
void duo_drop_all(struct duo *d);
void duo_pass(struct duo *d);
void duo_rcv(struct duo *d, int end, const struct rill_pkt *p);
void duo_raw(struct duo *d, int end, const u8 *b, u32 len);
bool duo_fire(struct duo *d, u64 until);
bool duo_wait(struct duo *d, u64 ns);
void duo_run(struct duo *d, u64 ns);

void duo_connect(struct duo *d);
void duo_connect_fast(struct duo *d, const u8 *token, u8 token_len, u32 len);
void duo_write(struct duo *d, int end, u32 len);
void duo_write_quiet(struct duo *d, int end, u32 len, u8 flags);
void duo_write_record(struct duo *d, int end, u32 len);
void duo_write_mortal(struct duo *d, int end, u32 len, u64 life);
u32 duo_record_len(const struct duo *d, int end, u64 off);
void duo_read(struct duo *d, int end, u32 len);
void duo_shut(struct duo *d, int end);
void duo_orphan(struct duo *d, int end);
void duo_abort(struct duo *d, int end, enum rill_reason why);
void duo_push(struct duo *d, int end);
void duo_icmp(struct duo *d, int end, int err);
u64 duo_hash(const struct duo *d, int end);

#endif /* RILL_DUO_H */
