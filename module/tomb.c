// SPDX-License-Identifier: GPL-2.0
/*
 * tomb.c - tombstones: ended connections that may still be spoken to.
 *
 * Owns their memory, their number and their end.  What a tombstone answers is
 * core/close.c's to say.  A tombstone holds no reference on its namespace: the
 * namespace buries what is left when it goes.
 */
#include <linux/seq_file.h>
#include <linux/slab.h>
#include "carrier.h"

struct rill_tomb_node {
	struct rill_node node;		/* in the id table */
	struct rill_tomb tomb;		/* under @lock */
	struct rcu_head	rcu;
	struct list_head list;		/* in rill_net.tombs; tomb_lock */
	spinlock_t	lock;
	struct net	*net;		/* compared, and alive while we are hashed */
	struct in6_addr	local, remote;	/* for /proc alone */
	__be16		sport, dport;
	bool		v6;
};

#define RILL_TOMB_TICK	(HZ / 2)	/* how late a burial may be */

static void rill_tombs_bury(struct rill_net *rn, u64 now);

static void rill_tomb_work(struct work_struct *work)
{
	struct rill_net *rn = container_of(to_delayed_work(work), struct rill_net, tomb_work);

	rill_tombs_bury(rn, rill_now());
	if (READ_ONCE(rn->ntombs))
		queue_delayed_work(rill_wq, &rn->tomb_work, RILL_TOMB_TICK);
}

void rill_tombs_init(struct rill_net *rn)
{
	spin_lock_init(&rn->tomb_lock);
	INIT_LIST_HEAD(&rn->tombs);
	INIT_DELAYED_WORK(&rn->tomb_work, rill_tomb_work);
}

/* Take away what expired by @now; RILL_NEVER takes all. */
static void rill_tombs_bury(struct rill_net *rn, u64 now)
{
	struct rill_tomb_node *tn, *next;
	LIST_HEAD(dead);

	spin_lock_bh(&rn->tomb_lock);
	list_for_each_entry_safe(tn, next, &rn->tombs, list) {
		if (tn->tomb.expires > now)
			continue;
		list_move(&tn->list, &dead);
		rn->ntombs--;
	}
	spin_unlock_bh(&rn->tomb_lock);

	list_for_each_entry_safe(tn, next, &dead, list) {
		rill_node_del(&tn->node);
		kfree_rcu(tn, rcu);
		cond_resched();
	}
}

void rill_tombs_exit(struct rill_net *rn)
{
	cancel_delayed_work_sync(&rn->tomb_work);
	rill_tombs_bury(rn, RILL_NEVER);
}

/*
 * @sk's connection ended in order: put a tombstone in the place of its id.  The
 * socket is out of the table already.  Softirq or process, socket locked.
 */
void rill_tomb_make(struct sock *sk, u64 now)
{
	struct rill_net *rn = rill_sk_net(sk);
	struct rill_sock *rs = rill_sk(sk);
	struct rill_tomb tomb;
	struct rill_tomb_node *tn;

	rill_conn_tomb(&rs->conn, now, &tomb);
	if (tomb.expires <= now || !rs->conn.peer_cid)
		return;
	if (READ_ONCE(rn->ntombs) >= READ_ONCE(rn->max_tombs))
		goto overflow;
	tn = kmalloc(sizeof(*tn), GFP_ATOMIC | __GFP_NOWARN);
	if (!tn)
		goto overflow;
	tn->node.kind = RILL_NODE_TOMB;
	tn->node.cid = tomb.cid;
	tn->tomb = tomb;
	spin_lock_init(&tn->lock);
	tn->net = sock_net(sk);
	tn->local = sk->sk_v6_rcv_saddr;
	tn->remote = sk->sk_v6_daddr;
	tn->sport = inet_sk(sk)->inet_sport;
	tn->dport = inet_sk(sk)->inet_dport;
	tn->v6 = rs->v6;
	if (rill_node_add(&tn->node)) {
		kfree(tn);
		goto overflow;
	}
	spin_lock_bh(&rn->tomb_lock);
	list_add_tail(&tn->list, &rn->tombs);
	WRITE_ONCE(rn->ntombs, rn->ntombs + 1);
	spin_unlock_bh(&rn->tomb_lock);
	queue_delayed_work(rill_wq, &rn->tomb_work, RILL_TOMB_TICK);
	rill_mib_inc(rn, RILL_MIB_TOMBS);
	return;
overflow:
	rill_mib_inc(rn, RILL_MIB_TOMBOVERFLOW);
}

/* Packets came for @node's connection.  Under rcu_read_lock(), in softirq. */
void rill_tomb_input(struct rill_udp *udp, struct rill_node *node, struct sk_buff *skb,
		     const struct rill_pkt *p)
{
	struct rill_tomb_node *tn = container_of(node, struct rill_tomb_node, node);
	struct rill_reply reply;
	bool answer;

	if (tn->net != udp->rn->net) {
		rill_mib_inc(udp->rn, RILL_MIB_INNOCONN);
		return;
	}
	if (p->h.type == RILL_T_ECHO)
		rill_mib_inc(udp->rn, RILL_MIB_COOKIEREPLAY);
	else
		rill_mib_inc(udp->rn, RILL_MIB_INCLOSED);
	spin_lock(&tn->lock);
	answer = rill_tomb_rcv(&tn->tomb, &p->h, &p->x, p->len, &reply);
	spin_unlock(&tn->lock);
	if (answer)
		rill_send_reply(udp, NULL, skb, reply.b, reply.len);
}

/* The tombstone behind @node if /proc of @net should list it, else NULL. */
const struct rill_tomb_node *rill_tomb_of(const struct rill_node *node, struct net *net,
					  bool v6)
{
	const struct rill_tomb_node *tn = container_of(node, struct rill_tomb_node, node);

	if (node->kind != RILL_NODE_TOMB || tn->net != net || tn->v6 != v6 ||
	    !tn->tomb.time_wait)
		return NULL;
	return tn;
}

/* One line of /proc/net/rill for a tombstone, as get_timewait4_sock() has it. */
void rill_tomb_show(struct seq_file *seq, const struct rill_tomb_node *tn, bool v6, int i)
{
	u64 now = rill_now(), left = tn->tomb.expires > now ? tn->tomb.expires - now : 0;

	rill_proc_names(seq, i, &tn->local, tn->sport, &tn->remote, tn->dport, v6);
	seq_printf(seq, " %02X %08X:%08X %02X:%08lX %08X %5u %8d %d %d %pK",
		   TCP_TIME_WAIT, 0, 0, 3,
		   rill_clock_t(left), 0, 0, 0, 0, 0, NULL);
}
