/* SPDX-License-Identifier: GPL-2.0 */
/*
 * netns.h - what every network namespace has of its own.
 *
 * Owns struct rill_net: sysctls, counters, cookie keys, carrier sockets,
 * tombstones.  Nothing in it holds a reference on the namespace.
 */
#ifndef RILL_NETNS_H
#define RILL_NETNS_H

#include <linux/mutex.h>
#include <linux/seqlock.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include "core/mib.h"
#include "core/fast.h"

struct rill_udp;
struct rill_fast_cache;

/* Slot 0 is the well-known port; the others are what connect() sends from. */
#define RILL_UDP_CLIENTS	4
#define RILL_UDP_SLOTS		(1 + RILL_UDP_CLIENTS)

/* Bits of net.rill.fastopen, as in net.ipv4.tcp_fastopen. */
#define RILL_FASTOPEN_CLIENT	1
#define RILL_FASTOPEN_SERVER	2

struct rill_mib_cpu {
	unsigned long v[RILL_MIB_MAX];
};

struct rill_net {
	struct net	*net;

	/* sysctls; read with READ_ONCE() */
	int	udp_port;		/* net.rill.udp_port, 1..65535 */
	int	rmem[3];		/* net.rill.rmem, bytes: min, default, max */
	int	wmem[3];		/* net.rill.wmem, bytes: min, default, max */
	int	max_tombs;		/* net.rill.max_tombstones */
	int	max_orphans;		/* net.rill.max_orphans */
	int	fastopen;		/* net.rill.fastopen, RILL_FASTOPEN_* */
	const struct rill_cc_ops *cc;	/* net.rill.congestion_control */
	struct ctl_table_header *sysctl;

	/* carrier; slots are set once under the mutex, cleared at exit */
	struct mutex	udp_mutex;
	struct rill_udp	*udp[2][RILL_UDP_SLOTS];	/* [0] IPv4, [1] IPv6 */
	bool		closing;	/* no new carrier sockets; under the mutex */

	/* cookies */
	struct rill_secrets secrets;	/* under the lock; readers copy */
	seqlock_t	secrets_lock;
	struct rill_secrets tokens;	/* likewise, for tokens of fast open */
	siphash_key_t	port_key;	/* where the search for a port begins */
	siphash_key_t	id_key;		/* the ids of servers: rill_open_id() */
	struct rill_fast_cache *fast_cache;	/* our tokens, NULL until one is wanted */

	/* tombstones */
	spinlock_t	tomb_lock;	/* the list and the count */
	struct list_head tombs;		/* by expiry, roughly */
	unsigned int	ntombs;
	struct delayed_work tomb_work;	/* buries the expired */

	atomic_t	orphans;	/* sockets no descriptor holds */
	struct rill_mib_cpu __percpu *mib;
};

extern unsigned int rill_net_id;

static inline struct rill_net *rill_pernet(const struct net *net)
{
	return net_generic(net, rill_net_id);
}

static inline void rill_mib_add(struct rill_net *rn, enum rill_mib id, unsigned long n)
{
	if (id != RILL_MIB_NONE)
		this_cpu_add(rn->mib->v[id], n);
}

static inline void rill_mib_inc(struct rill_net *rn, enum rill_mib id)
{
	rill_mib_add(rn, id, 1);
}

/* netns.c */
int rill_netns_register(void);
void rill_netns_unregister(void);
void rill_net_tokens(struct rill_net *rn, u64 now, struct rill_secrets *copy);
void rill_net_secrets(struct rill_net *rn, u64 now, struct rill_secrets *copy);

/* sysctl.c */
int rill_sysctl_init(struct rill_net *rn);
void rill_sysctl_exit(struct rill_net *rn);
extern long rill_sysctl_mem[3];

/* proc.c, mib.c */
int rill_proc_init(struct net *net);
void rill_proc_exit(struct net *net);
int rill_mib_show(struct seq_file *seq, void *v);

/* fastopen.c */
void rill_fast_exit(struct rill_net *rn);

/* tomb.c */
void rill_tombs_init(struct rill_net *rn);
void rill_tombs_exit(struct rill_net *rn);

#endif /* RILL_NETNS_H */
