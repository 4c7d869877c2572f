/* SPDX-License-Identifier: GPL-2.0 */
/*
 * conn.h - one connection: the whole of the engine's interface to its host.
 *
 * Start here.  The host (the module's glue, or the simulator) calls in with
 * `now` and acts on what comes back; the engine calls nobody.
 *
 *	events in	rill_conn_rcv()  rill_conn_timeout()  rill_conn_icmp()
 *			rill_conn_connect()  _write()  _read()  _shut_wr()  _abort()
 *			rill_conn_prefix() after rill_conn_rcv(), while
 *			rill_conn_wants() a record's length
 *	packets out	rill_conn_poll_tx() until it has none, each followed by
 *			rill_conn_sent() once the carrier took it, or _not_sent()
 *	effects		struct rill_out: event bits, an error, what to count; then
 *			rill_conn_deadline() for the one timer, and the memory on
 *			tx.done_runs and tx.done_recs
 *
 * Owns the order in which the parts are asked, and nothing they own: see wire
 * rtt cc pace ack recv sent loss open fast close fsm.  conn.c has its life, arrive.c
 * the packets in, clock.c the deadlines, poll.c the packets out, left.c what
 * follows when they have left.  Not reentrant:
 * the host serialises (socket lock).
 */
#ifndef RILL_CORE_CONN_H
#define RILL_CORE_CONN_H

#include "ack.h"
#include "cc.h"
#include "close.h"
#include "ecn.h"
#include "fast.h"
#include "fsm.h"
#include "late.h"
#include "loss.h"
#include "mib.h"
#include "open.h"
#include "pace.h"
#include "pmtu.h"
#include "recv.h"
#include "roam.h"
#include "rtt.h"
#include "sent.h"
#include "seq.h"
#include "wire.h"

#define RILL_SYN_RETRIES	7		/* 1 + 2 + .. + 128 s: RFC 9293 MUST-23 */
#define RILL_R2			(924 * RILL_SEC)	/* tcp_retries2 = 15 */
#define RILL_ORPHAN_R2		(100 * RILL_SEC)	/* tcp_orphan_retries = 8 */
#define RILL_LINGER2_DEF		(60 * RILL_SEC)		/* tcp_fin_timeout */
#define RILL_CORK_MAX		(200 * RILL_MSEC)	/* tcp(7), TCP_CORK */
#define RILL_KEEPIDLE_DEF	(7200 * RILL_SEC)
#define RILL_KEEPINTVL_DEF	(75 * RILL_SEC)
#define RILL_KEEPCNT_DEF	9

/* Bits of rill_out.bits: what the host has to do. */
enum rill_bits {
	RILL_B_READABLE	= BIT(0),	/* in-order bytes, a whole record or the FIN arrived */
	RILL_B_WRITABLE	= BIT(1),	/* bytes were acknowledged */
	RILL_B_STATE	= BIT(2),	/* the state changed */
	RILL_B_CONNECTED = BIT(3),	/* connect() is done */
	RILL_B_RESET	= BIT(4),	/* over, with rill_out.err for the program */
	RILL_B_TOMB	= BIT(5),	/* over in order: leave a tombstone */
	RILL_B_TX	= BIT(6),	/* there may be packets to send */
	RILL_B_NEWEST	= BIT(7),	/* the packet is the newest: its address counts */
	RILL_B_SPLIT	= BIT(8),	/* hand the run in again, packet by packet */
	RILL_B_CREDIT	= BIT(9),	/* the receive window grew: buffers may too */
	RILL_B_RECUT	= BIT(11),	/* cut anew what rill_conn_misfit() gives, before sending */
	RILL_B_TOKEN	= BIT(10),	/* keep conn.token for the next time; empty: forget it */
};

#define RILL_OUT_COUNTS	12

/* What one call asks of the host.  Cleared by rill_out_init(). */
struct rill_out {
	u32	bits;		/* enum rill_bits */
	int	err;		/* errno, positive, with RILL_B_RESET */
	enum rill_rcv verdict;	/* rill_conn_rcv(): what to do with the bytes */
	u64	off;		/* rill_conn_rcv(): their stream offset */
	u8	ncount;
	struct {
		u8	mib;	/* enum rill_mib */
		u32	n;
	} count[RILL_OUT_COUNTS];
};

/* Why nothing can be sent right now; for RILL_INFO's time shares. */
enum rill_limit {
	RILL_LIM_APP,		/* nothing to send */
	RILL_LIM_CWND,
	RILL_LIM_CREDIT,
	RILL_LIM_PACE,
};

/* What the host fixes when a connection begins. */
struct rill_conn_cfg {
	const struct rill_cc_ops *cc;
	struct rill_params params;	/* what we tell the peer */
	u64	cid;			/* ours, random, never 0 */
	u16	sport, dport;		/* Rill ports, ours and the peer's */
	u16	payload;		/* bytes the path carries in a packet */
	u32	wnd, wnd_max;		/* receive window, bytes: at first, at most */
	u64	dice;			/* random, for nobody else to know; 0: no holes */
};

/* Counts of a connection's life, for RILL_INFO. */
struct rill_stats {
	u64	bytes_acked, bytes_sent, bytes_retrans;
	u32	pkts_out, pkts_in, data_out, data_in;
	u32	retrans, lost, spurious, dups, ooo, ce;
};

struct rill_conn {
	u8	state;			/* enum rill_state */
	u8	attempts;		/* SYNs or echoes sent in a row */
	u8	pto_count;		/* PTOs without an acknowledgement */
	u8	pto_probes;		/* probe packets owed */
	u8	probes;			/* keepalive or window probes not answered */
	u8	probe_backoff;		/* window probes since the window shut, answered or not */
	u8	limit;			/* enum rill_limit, of the last poll */
	u8	cookie_len;
	u8	reset_why;		/* enum rill_reason, of the RESET owed */
	bool	client;			/* we sent the SYN */
	bool	confirmed;		/* the peer is known to have our id */
	bool	syn_due, echo_due;	/* handshake packets owed */
	bool	reset_due;		/* a RESET is owed */
	bool	probe_due;		/* a keepalive or window probe is owed */
	bool	update_due;		/* the peer should learn of new credit */
	bool	ended;			/* in order: both streams arrived whole */
	bool	orphan;			/* no program holds the socket */
	bool	echo_done;		/* the echo was acknowledged, or never needed */
	/* fast open */
	bool	fast;			/* the program asked for it; set after _init() */
	bool	fast_sent;		/* a SYN with a token has left */
	bool	syn_data;		/* the SYN's data was taken: by the peer, or by us */
	u8	fast_fail;		/* enum rill_fast_fail */
	u8	token_len;		/* bytes of @token, 0: none */
	u8	token[RILL_TOKEN_MAX];	/* client: the peer's, from before, or for later */
	/* what the program set */
	bool	nodelay, cork, keepalive;
	u8	syn_retries, keepcnt;
	u64	keepidle, keepintvl;	/* ns */
	u64	user_timeout;		/* ns, 0: RILL_R2 */
	u64	linger2;		/* ns an orphan stays in FIN_WAIT2 */

	u64	cid, peer_cid;
	u16	sport, dport;
	u16	payload;		/* bytes a new packet may carry */
	u16	cap;			/* RILL_MAXSEG, 0: none */
	struct rill_params params, peer;	/* ours, the peer's */

	struct rill_send tx;
	struct rill_rtt rtt;
	struct rill_pace pace;
	struct rill_cc cc;
	struct rill_recv rx;
	struct rill_ackq aq;

	u64	syn_at;			/* deadline: SYN again; child: until when to be confirmed */
	u64	syn_sent_at;		/* when the last SYN left */
	u64	rx_at;			/* last packet from the peer */
	u64	probe_at;		/* deadline: next window probe, RILL_NEVER */
	u64	probe_from;		/* when the first of @probes left, if there are any */
	u64	keep_at;		/* when the last keepalive probe left, 0: none */
	u64	cork_at;		/* deadline: send what is corked; 0: it has passed */
	u64	retry_at;		/* deadline: the carrier refused, try again */
	u64	end_at;			/* deadline: an orphan's end, RILL_NEVER */
	u64	cookie_until;		/* child: until when its cookie could be replayed */
	u64	last_ack_rx;		/* when the peer last acknowledged something */
	struct rill_ecn ecn;
	struct rill_pmtu pmtu;
	struct rill_roam roam;
	int	soft_err;		/* errno of the last ICMP error, 0: none */
	u8	cookie[64];		/* client: what the listener sent */
	struct rill_stats st;
	struct rill_out *out;		/* of the call in progress */
};

/* Why data of the first SYN did not arrive with it; the values are TCP's. */
enum rill_fast_fail {
	RILL_FAST_UNSPEC,
	RILL_FAST_NO_TOKEN,	/* there was none to send */
	RILL_FAST_NOT_ACKED,	/* the peer did not take it */
	RILL_FAST_SYN_AGAIN,	/* SYN or SYN-ACK was lost */
};

/* A run of packets as received: @n packets, equal but for the last's length. */
struct rill_pkt {
	struct rill_hdr h;		/* of the first */
	struct rill_ext x;		/* of the first; @n is 1 when it has any */
	u32	len;			/* payload bytes in all */
	u32	plen;			/* payload bytes of the first */
	u16	n;			/* packets, 1..64 */
	u8	last_flags;		/* flags of the last */
	u8	ecn;			/* ECN field of the IP header, 0..3 */
	bool	full;			/* the host has no room for the payload */
};

/* One packet or run to send: what rill_conn_poll_tx() asks for. */
enum rill_tx_kind {
	RILL_TX_NONE,		/* nothing to send */
	RILL_TX_WAIT,		/* pacing: poll again at the deadline */
	RILL_TX_SEND,
};

struct rill_tx {
	enum rill_tx_kind kind;
	struct rill_hdr h;	/* of the first packet, without ext_len */
	u8	last_flags;	/* flags of the last packet */
	u8	first;		/* index of the first packet in @run */
	u8	n;		/* packets */
	u8	rec_flags;	/* for the record */
	u8	ecn;		/* ECN field for the IP header */
	bool	fresh;		/* never sent: headers may be written in place */
	bool	eliciting;	/* rill_conn_sent() needs a record */
	bool	probe;		/* a packet owed by a PTO */
	u16	pad;		/* zero bytes after the extension, before payload */
	u32	bytes;		/* of payload */
	struct rill_run *run;	/* NULL: no payload */
	struct rill_extbuf ext;	/* empty when @n > 1 */
};

void rill_out_init(struct rill_out *out);
void rill_conn_init(struct rill_conn *c, const struct rill_conn_cfg *cfg, u64 now);
void rill_conn_defaults(struct rill_conn *c);
void rill_conn_connect(struct rill_conn *c, u64 now, struct rill_out *out);
void rill_conn_defer(struct rill_conn *c, u64 now, struct rill_out *out);
void rill_conn_accept(struct rill_conn *c, const struct rill_child *child, u64 now,
		      struct rill_out *out);
void rill_conn_rcv(struct rill_conn *c, const struct rill_pkt *p, u64 now,
		   struct rill_out *out);
void rill_conn_timeout(struct rill_conn *c, u64 now, struct rill_out *out);
void rill_conn_icmp(struct rill_conn *c, int err, u64 now, struct rill_out *out);
void rill_conn_write(struct rill_conn *c, struct rill_run *run, u64 now,
		     struct rill_out *out);
void rill_conn_grow(struct rill_conn *c, struct rill_run *run, u32 bytes,
		    struct rill_out *out);
void rill_conn_record(struct rill_conn *c, u32 bytes, struct rill_life *life, u64 at);
void rill_conn_hold(struct rill_conn *c, u64 now);
void rill_conn_push(struct rill_conn *c, struct rill_out *out);
void rill_conn_read(struct rill_conn *c, u32 bytes, u64 now, struct rill_out *out);
void rill_conn_prefix(struct rill_conn *c, u32 len, u64 now, struct rill_out *out);
void rill_conn_bad_record(struct rill_conn *c, struct rill_out *out);
bool rill_conn_shut_wr(struct rill_conn *c, struct rill_run *fin, u64 now,
		       struct rill_out *out);
void rill_conn_orphan(struct rill_conn *c, u64 now, struct rill_out *out);
void rill_conn_abort(struct rill_conn *c, enum rill_reason why, u64 now,
		     struct rill_out *out);
void rill_conn_set_payload(struct rill_conn *c, u16 path_payload);
void rill_conn_too_big(struct rill_conn *c, u16 payload, u64 now, struct rill_out *out);
struct rill_run *rill_conn_misfit(const struct rill_conn *c);
void rill_conn_rebind(struct rill_conn *c, bool same_host, u64 dice, u64 now,
		      struct rill_out *out);
void rill_conn_tomb(struct rill_conn *c, u64 now, struct rill_tomb *t);
u64 rill_conn_deadline(const struct rill_conn *c);

void rill_conn_poll_tx(struct rill_conn *c, u64 now, struct rill_tx *tx,
		       struct rill_out *out);
void rill_conn_sent(struct rill_conn *c, const struct rill_tx *tx, struct rill_rec *rec,
		    u64 now, struct rill_out *out);
void rill_conn_not_sent(struct rill_conn *c, const struct rill_tx *tx, int err, u64 now,
			struct rill_out *out);
void rill_tx_header(const struct rill_tx *tx, u8 i, struct rill_hdr *h);
void rill_tx_trim(struct rill_tx *tx, u8 n);

/* The most that a SYN carries besides data: CID, PORTS, PARAMS, TOKEN. */
#define RILL_FAST_EXT	(4 * RILL_ITEM_HDR + 8 + 4 + 10 + RILL_TOKEN_DATA + RILL_TOKEN_MAX)
u32 rill_fast_room(const struct rill_conn *c);

/* between conn.c, arrive.c, clock.c, poll.c and fast.c */
bool rill_conn_move(struct rill_conn *c, enum rill_fsm_event ev);
void rill_conn_stop(struct rill_conn *c);
void rill_conn_die(struct rill_conn *c, int err);
void rill_conn_done(struct rill_conn *c);
void rill_conn_peer(struct rill_conn *c, const struct rill_params *peer, u64 cid, u64 credit);
void rill_conn_detect(struct rill_conn *c, u64 before, u64 now);
void rill_conn_resize(struct rill_conn *c);
void rill_conn_hole(struct rill_conn *c);
void rill_count(struct rill_conn *c, enum rill_mib mib, u32 n);
void rill_fast_syn(struct rill_conn *c, struct rill_tx *tx);
void rill_fast_answer(struct rill_conn *c, const struct rill_ext *x, u64 now);
u64 rill_conn_pto_at(const struct rill_conn *c);
u64 rill_conn_peer_delay(const struct rill_conn *c);

/* Bytes of UDP payload that @tx makes. */
static inline u32 rill_tx_size(const struct rill_tx *tx)
{
	return tx->n * RILL_HDR + tx->ext.len + tx->pad + tx->bytes;
}

/* The host should read RILL_PREFIX bytes at rx.whole for rill_conn_prefix(). */
static inline bool rill_conn_wants(const struct rill_conn *c)
{
	return c->state != RILL_CLOSE && rill_recv_wants(&c->rx);
}

/* The peer takes nothing now, and what we have waits for that alone. */
static inline bool rill_conn_window_shut(const struct rill_conn *c)
{
	return c->tx.unsent && !c->tx.inflight_pkts && !c->tx.rtx_pkts &&
	       c->limit == RILL_LIM_CREDIT;
}

#endif /* RILL_CORE_CONN_H */
