/* SPDX-License-Identifier: GPL-2.0 */
/*
 * host.h - what stands around the engine, in Linux the module's glue: between
 * the files that make up a host.  Others include sim.h.
 */
#ifndef RILL_SIM_HOST_H
#define RILL_SIM_HOST_H

#include "sim.h"

/* The packets of one call of the engine, and where their bytes are. */
struct batch {
	struct rill_pkt p;
	struct dgram *d[RILL_RUN_MAX];
};

/* Call the engine; its state may have moved, its counts are taken. */
#define ENGINE(sc, out, call) do {				\
	u8 from_ = (sc)->c.state;				\
	call;							\
	host_called(sc, out, from_);				\
} while (0)

/* sconn.c */
void host_called(struct sconn *sc, struct rill_out *out, u8 from);
struct sconn *host_find(struct host *h, u64 cid);
struct rill_params host_params(const struct sim *s, u32 plan, int side);
struct sconn *sconn_new(struct host *h, u32 plan, int side, u64 cid);

/* stream.c */
void host_ring_put(struct sconn *sc, u64 off, const u8 *b, u32 len);
u32 host_prefix(const struct sconn *sc, u64 off);
void host_hash(u64 *hash, const u8 *b, u32 len);
void host_look_eof(struct sconn *sc);

/* egress.c */
void host_reply(struct host *h, u16 dst, const struct rill_reply *r);
void host_tx(struct sconn *sc);

/* ingress.c */
struct sim_tomb *host_tomb(struct host *h, u64 cid);
void host_rcv(struct sconn *sc, const struct batch *b);

/* listen.c */
void host_syn(struct host *h, const struct batch *b);
void host_echo(struct host *h, const struct batch *b);

#endif /* RILL_SIM_HOST_H */
