/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sim.h - a deterministic simulator of hosts that talk Rill.  Start here.
 *
 *	main.c		options, ranges of seeds, the report
 *	swarm.c		what a seed means: the network, the faults, the programs
 *	named.c		networks with a name
 *	shrink.c	a failure made smaller
 *	fair.c		many flows and one bottleneck, a table
 *	samples.c	windows and times as they go, for plots.py
 *	sim.c		the virtual clock: a heap of events, the next one runs
 *	link.c		one direction of a path: delay, every fault
 *	queue.c		  its bottleneck: rate, drop-tail, marks, CoDel
 *	forge.c		what one says who is not on the path
 *	liar.c		what a peer says who lies
 *	host.c		what the module's glue is in Linux, around the engine of
 *			module/core; host.h is between its files
 *	sconn.c		  one end of a connection: memory, timer, effects
 *	stream.c	  its bytes: the socket calls
 *	listen.c	  how it begins: connect(), the listener without state
 *	egress.c	  packets out
 *	ingress.c	  packets in, tombstones
 *	app.c		the programs: they write and read a known pattern
 *	check.c		the invariants (reliability.md 3.3) of one engine, after
 *			every event
 *	witness.c	those that take both ends, a host or a program to see
 *
 *	  app   app			    app   app
 *	   |     |			     |	   |
 *	  conn  conn	   link 0	    conn  conn
 *	   +--+--+  ---------------------->  +--+--+
 *	    host 0  <----------------------   host 1 (listens)
 *			   link 1
 *
 * All chance comes from one seed: a run is repeated by its number.  Times are
 * nanoseconds of the virtual clock, probabilities parts per million.
 */
#ifndef RILL_SIM_H
#define RILL_SIM_H

#include "conn.h"
#include "rng.h"

#define SIM_HOSTS	2
#define SIM_CONNS_MAX	1024	/* connections a run may open */
#define SIM_REPLAY	64	/* datagrams a link remembers to send again */
#define SIM_DGRAM_MAX	65507
#define SIM_UDP_PORT	7455

/* A datagram on its way. */
struct dgram {
	struct dgram *next;
	u16 src, dst;		/* addresses */
	u16 len;
	u8 ecn;
	bool damaged;		/* UDP's checksum would refuse it */
	bool forged;		/* by one who does not see the path: forge.c */
	bool reply;		/* from no connection: it must not be answered */
	u8 b[];
};

/* What a path does to ECN besides marking. */
enum link_ecn { LINK_ECN_KEPT, LINK_ECN_BLEACHED, LINK_ECN_REMARKED, LINK_ECN_ALL, LINK_ECN_DROPPED };

/* What a link does to datagrams.  Faults stop at sim_cfg.faults_end. */
struct link_cfg {
	u64 rate;		/* bytes a second, 0: infinite */
	u64 delay;
	u64 jitter;		/* up to this much more, order kept */
	u64 queue;		/* ns of backlog before the tail drops */
	u8 ecn;			/* enum link_ecn */
	u64 mark;		/* ns of backlog from which ECT is marked CE, 0: never */
	u64 codel;		/* ns, CoDel's target; 0: no CoDel */
	u64 mtu_at;		/* from when @mtu is the path's */
	u64 shift_at, shift_delay;	/* another route, from when (0: none), how long */
	u32 loss, reorder, dup, corrupt, truncate, replay, forge;
	u16 mtu;		/* bytes of an IP packet, 0: any */
	u32 burst, burst_end;	/* Gilbert: start and end of a state that loses all */
	u64 reorder_by;		/* a reordered datagram is up to this much later */
	u64 outage_at, outage_len;	/* nothing passes */
};

struct link {
	struct link_cfg cfg;
	u64 busy_until, last_arrival;
	u64 above_at, drop_next;	/* CoDel's, queue.c */
	u32 ndrop;
	bool dropping;
	u64 passed, waited, drops, marks;	/* datagrams and ns, of all its life */
	bool bad;		/* in a loss burst */
	struct dgram *old[SIM_REPLAY];
	u32 nold;
};

/* How a peer lies: liar.c. */
enum sim_lie {
	LIE_NONE,
	LIE_TWICE,	/* acknowledges everything three times */
	LIE_SHRINK,	/* takes credit back */
	LIE_ACKS,	/* acknowledges what has not arrived */
	LIE_BELOW,	/* acknowledges all below the newest packet */
	LIE_SHUT,	/* gives no credit, for ever */
	LIE_SILLY,	/* gives credit by the byte */
	LIE_MAX,
};

/* One program's side of a connection. */
struct app_cfg {
	u64 total;		/* bytes to send */
	u32 wchunk, rchunk;	/* bytes a call */
	u64 wdelay, rdelay;	/* between calls */
	u64 stall_off, stall_len;	/* reads nothing for a while from this offset on */
	u64 abort_at;		/* RILL_NEVER, or when it resets */
	u64 close_off;		/* bytes read after which it closes early; U64_MAX: EOF */
	u64 user_timeout;
	u32 cork;		/* chance, per write, to turn CORK on or off */
	u32 mortal;		/* chance of a record to be given up after @life */
	u64 life;
	bool nodelay, keepalive;
	bool half;		/* says FIN as soon as all is written */
	u8 lie;			/* enum sim_lie */
};

struct conn_cfg {
	u64 at;			/* when it connects, from the start */
	struct app_cfg app[2];
	u32 wnd[2], wnd_max[2];
	u32 sndbuf[2];
	u16 payload[2];
	u16 port;
	u8 cc;			/* rill_cc_nth() */
	bool records;
};

struct sim_cfg {
	struct link_cfg link[SIM_HOSTS];
	u32 nconns;
	u64 start;		/* first value of the clock */
	u64 faults_end;		/* absolute */
	u64 deadline;		/* absolute: everything must be over */
	u64 rebind_at;		/* the client's address changes, RILL_NEVER: not */
	u64 skew;		/* host 1's clock is ahead of host 0's */
	u64 step_at, step;	/* a host's clock jumps ahead: it slept */
	u32 step_host;
	u64 crash_at;		/* a host begins anew and remembers nothing; 0: none */
	u32 crash_host;
	u64 flood_at;		/* many SYNs from nowhere */
	u32 flood;		/* how many */
	u32 icmp;		/* chance, per packet sent, of an ICMP error about it */
	u64 coalesce;		/* a receiver gathers datagrams this long */
	u64 slip;		/* timers come up to this late */
	u32 txfail;		/* chance that the carrier refuses a run */
	u32 nomem;		/* chance that a child cannot be created */
	u32 gso;		/* packets in a run, at most */
	u64 listen_off, listen_on;	/* nobody listens in between */
	u16 ooo_cap;		/* ranges a receiver keeps, and gaps of records */
	bool hostile;		/* damaged datagrams reach the engine */
	bool caught;		/* client 0 must notice that its peer lies */
	bool lossy_only;	/* nothing in it may end a connection early */
	bool timed;		/* the deadline ends it, whatever is left */
	bool hash;		/* hash both streams */
	bool fast;		/* clients have tokens, and data in their SYNs */
	u64 most;		/* bytes a program sends, at most */
	u64 want;		/* bytes a second connection 0's server must read, 0: any */
	u64 sample_every;	/* ns, 0: no samples */
	u32 check_every;	/* full invariants every so many events */
	struct conn_cfg conn[SIM_CONNS_MAX];
};

enum ev_kind {
	EV_ARRIVE, EV_POLL, EV_TIMER, EV_APP, EV_CONNECT, EV_REBIND, EV_STEP, EV_FLOOD, EV_CRASH,
	EV_SAMPLE,
};

struct ev {
	u64 at, seq;
	enum ev_kind kind;
	u32 idx;		/* link, host or connection */
	void *p;
};

struct sim;
struct host;

/* Packet numbers a connection has seen, in pieces: a liar's may be anywhere. */
#define PNSET_BITS	4096
struct pnset {
	struct pnset *next;
	u64 base;		/* number of the first, in pieces */
	u64 bits[PNSET_BITS / 64];
};

struct sim_run {
	struct rill_run r;	/* first: the engine's */
	u64 live;		/* check.c: packets in flight by the records */
	u32 room;
	u8 b[];
};

struct sim_life {
	struct rill_life l;	/* first: the engine's */
	u64 live;		/* as in struct sim_run */
};

/* A connection's end, and all the glue that goes with it. */
struct sconn {
	struct rill_conn c;
	struct host *host;
	u32 idx;		/* in sim.conns */
	u32 plan;		/* in sim_cfg.conn */
	int side;		/* 0 client, 1 server */
	u16 peer_addr;
	u64 from_there, to_there;	/* bytes since the peer has that address */
	struct sconn *mate;	/* the other end, NULL: not known yet */
	bool dead;		/* the engine is done with it */
	bool torn;		/* left a tombstone */
	u64 timer_at, app_at;
	struct sconn *hnext;
	/* sending */
	u32 wmem;		/* bytes of runs not given back */
	u32 lives;		/* mortal records not given back */
	u32 sndbuf;
	/* receiving */
	u8 *ring;
	u32 ring_size;
	struct rill_range *ooo;
	struct rill_gap *gaps;
	/* the program */
	const struct app_cfg *app;
	u64 key_tx, key_rx;	/* patterns */
	u64 written, next_write, next_read, stall_until;
	u64 rd;			/* stream offset up to which the program has read */
	u64 got;		/* bytes the program has read, or knows to be given up: no prefixes */
	u64 rec_tx, rec_rx;	/* records written; read, or known to be given up */
	u64 missed;		/* of these */
	u64 hash_tx, hash_rx;
	int err;		/* reported by the engine, 0: none */
	u8 resets;		/* how often B_RESET came */
	bool connected, eof, shut, closed, aborted, stalled;
	bool running;		/* inside app_run() */
	u64 lie_credit;		/* told the peer last, by one who lies */
	/* An invariant, with its number, of the connection @sc. */
#define CHECK(sc, cond, ...) do {					\
	if (!(cond))							\
		sim_fail((sc)->host->sim, __VA_ARGS__);			\
} while (0)

/* check.c */
	u64 pn_last, credit_last, credit_seen;
	struct pnset *rx_pns;
	u64 finished_at;
	u64 mib[RILL_MIB_MAX];
};

struct sim_tomb {
	struct rill_tomb t;
	struct sim_tomb *next;
	u16 peer_addr;
};

struct host {
	struct sim *sim;
	u32 id;
	u16 addr, old_addr;
	u64 skew;		/* its clock is ahead of the simulator's */
	struct rng rng;		/* ids and keys */
	struct rill_secrets secrets, tokens;
	siphash_key_t id_key;
	struct sconn *by_cid[256];
	struct sim_tomb *tombs;
	struct dgram *rxq, **rxtail;
	bool polling;
	u32 ntombs;
	const struct dgram *answering;	/* what a reply would be the answer to */
};

struct sim {
	const struct sim_cfg *cfg;
	u64 seed, now, seq, events, hash;
	struct rng rng;
	struct ev *heap;
	u32 nheap, heap_cap;
	struct link link[SIM_HOSTS];
	struct host host[SIM_HOSTS];
	struct sconn *conns[2 * SIM_CONNS_MAX];
	u32 nconns;
	struct dgram *syn;	/* one that was seen, for forgers */
	u64 base_rtt;		/* the path's, without any queue */
	u64 child_of[SIM_CONNS_MAX];	/* accepts by plan */
	u64 pkts, bytes_delivered, drops, damaged;
	bool trace, failed;
	char why[256];
	void (*sampler)(struct sim *s);	/* each sim_cfg.sample_every */
	const char *corpus;	/* directory for packets as files, or NULL */
	u32 ncorpus;
};

/* sim.c */
void sim_init(struct sim *s, u64 seed, const struct sim_cfg *cfg);
bool sim_run_all(struct sim *s);
void sim_free(struct sim *s);
void sim_at(struct sim *s, u64 at, enum ev_kind kind, u32 idx, void *p);
void sim_fail(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_trace(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define TRACE(s, ...)	do { if ((s)->trace) sim_trace(s, __VA_ARGS__); } while (0)

static inline void sim_mix(struct sim *s, u64 x)
{
	s->hash = (s->hash ^ x) * 0x100000001b3ULL;
	s->hash ^= s->hash >> 29;
}

static inline bool sim_faulty(const struct sim *s)
{
	return s->now < s->cfg->faults_end;
}

/* What the clock of a host shows: it runs even, and may jump ahead. */
static inline u64 host_now(const struct host *h)
{
	return h->sim->now + h->skew;
}

/* queue.c */
u64 queue_pass(struct sim *s, struct link *lk, struct dgram *d);

/* forge.c */
void forge_copy(struct sim *s, u32 l, const struct dgram *d, u64 at);
void forge_flood(struct sim *s);
void forge_icmp(struct sconn *sc);

/* liar.c */
bool lie_starves(const struct sim *s, u32 plan);
void lie_acks(struct sconn *sc);
void lie_header(struct sconn *sc, struct rill_hdr *h);
void lie_packet(const struct sconn *sc, struct dgram *d);

/* link.c */
void link_send(struct sim *s, u32 l, struct dgram *d);
void link_deliver(struct sim *s, u32 l, struct dgram *d, u64 at);
struct dgram *dgram_copy(const struct dgram *d, u32 len);
void link_free(struct link *l);
struct dgram *dgram_new(u32 len);
void dgram_put(struct dgram *d);

/* host.c */
void host_init(struct sim *s, u32 id);
void host_free(struct host *h);

/* sconn.c */
void host_timer(struct sconn *sc, u64 at);
void host_timer_arm(struct sconn *sc);
void host_service(struct sconn *sc, struct rill_out *out);
void sconn_free(struct sconn *sc);

void host_crash(struct host *h);

/* stream.c */
bool host_write(struct sconn *sc, u32 len);
bool host_records(const struct sconn *sc);
u32 host_readable(const struct sconn *sc);
void host_read(struct sconn *sc, u32 len);
void host_shut(struct sconn *sc);
void host_close(struct sconn *sc);
void host_abort(struct sconn *sc);
void host_setopt(struct sconn *sc, bool nodelay, bool cork);

/* listen.c */
void host_connect(struct sim *s, u32 plan);

/* ingress.c */
void host_arrive(struct host *h, struct dgram *d);
void host_poll(struct host *h);

/* app.c */
void app_run(struct sconn *sc);
void app_wake(struct sconn *sc, u64 at);
u32 app_record(u64 key, u64 k, u32 most);
u64 app_record_key(u64 key, u64 k);
void app_fill(u8 *b, u64 key, u64 off, u32 len);
bool app_same(const u8 *b, u64 key, u64 off, u32 len);

/* check.c */
void check_conn(struct sconn *sc);
void check_served(struct sconn *sc);
void check_move(struct sconn *sc, u8 from);
void check_tx(struct sconn *sc, const struct rill_tx *tx);
void check_packet(struct sconn *sc, const u8 *b, u32 len);
void check_rx(struct sconn *sc, u64 pn, u32 n);

/* witness.c */
void witness_conn(struct sconn *sc);
void witness_payload(struct sconn *sc, u32 len);
void witness_reply(struct host *h, const u8 *b, u32 len, bool tomb);
void witness_secrets(struct host *h, const u8 *b, u32 len);
u64 witness_state(const struct host *h);
void witness_end(struct sim *s);
void pnset_free(struct pnset **set);

/* swarm.c */
void swarm_draw(struct sim_cfg *cfg, u64 seed);

/* shrink.c */
struct knobs {
	u64 bytes;		/* a program sends at most this, 0: as drawn */
	u32 conns;		/* the first so many connections, 0: all */
	u64 off;		/* faults that are switched off, a bit each */
};
bool knobs_off(struct knobs *k, const char *names);
void knobs_apply(const struct knobs *k, struct sim_cfg *cfg);
void shrink(u64 seed, struct knobs k, const char *why);

/* samples.c */
void samples_head(void);
void samples_print(struct sim *s);

/* fair.c */
bool fair_table(u32 flows);

/* named.c */
bool named_scenario(struct sim_cfg *cfg, const char *name);

#endif /* RILL_SIM_H */
