// SPDX-License-Identifier: GPL-2.0
/*
 * lookup.c - who is meant: by connection id, by listening port.
 *
 * Owns two tables.  The id table (rhashtable, RCU) holds every connection and
 * every tombstone under the id it chose.  The listeners' table is read under
 * RCU for each SYN.  Who may listen where is port.c's.
 *
 * Listeners that share a name (SO_REUSEPORT) are a group of the kernel's, so
 * that BPF programs may choose among them.
 */
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <net/inet_sock.h>
#include <net/sock_reuseport.h>
#include "sock.h"

#define RILL_LISTEN_BITS	8

struct rill_listen_bucket {
	spinlock_t	lock;		/* writers; readers use RCU */
	struct hlist_head socks;	/* by rill_sock.listen_node */
};

static struct rhashtable rill_ids;
static struct rill_listen_bucket *rill_listeners;
static u32 rill_listen_seed;

static const struct rhashtable_params rill_id_params = {
	.key_len = sizeof_field(struct rill_node, cid),
	.key_offset = offsetof(struct rill_node, cid),
	.head_offset = offsetof(struct rill_node, rh),
	.automatic_shrinking = true,
};

static struct rill_listen_bucket *rill_listen_bucket(const struct net *net, u16 port)
{
	return &rill_listeners[hash_32(port ^ net_hash_mix(net) ^ rill_listen_seed,
				       RILL_LISTEN_BITS)];
}

int rill_lookup_init(void)
{
	int i, err;

	rill_listen_seed = get_random_u32();
	rill_listeners = kvcalloc(1 << RILL_LISTEN_BITS, sizeof(*rill_listeners), GFP_KERNEL);
	if (!rill_listeners)
		return -ENOMEM;
	for (i = 0; i < 1 << RILL_LISTEN_BITS; i++)
		spin_lock_init(&rill_listeners[i].lock);
	err = rhashtable_init(&rill_ids, &rill_id_params);
	if (err)
		kvfree(rill_listeners);
	return err;
}

void rill_lookup_exit(void)
{
	rhashtable_destroy(&rill_ids);
	kvfree(rill_listeners);
}

/* Under rcu_read_lock(); the node is only safe inside it. */
struct rill_node *rill_node_find(u64 cid)
{
	return rhashtable_lookup(&rill_ids, &cid, rill_id_params);
}

/* -EEXIST: the id is taken, choose another. */
int rill_node_add(struct rill_node *node)
{
	return rhashtable_lookup_insert_fast(&rill_ids, &node->rh, rill_id_params);
}

void rill_node_del(struct rill_node *node)
{
	rhashtable_remove_fast(&rill_ids, &node->rh, rill_id_params);
}

/* /proc walks the table; see rhashtable_walk_enter(). */
void rill_node_walk(struct rhashtable_iter *iter)
{
	rhashtable_walk_enter(&rill_ids, iter);
}

/*
 * Make @sk reachable under conn.cid; takes the `table` reference.  Softirq or
 * process with BHs off.
 */
int rill_hash(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);
	int err;

	rs->node.kind = RILL_NODE_SOCK;
	rs->node.cid = rs->conn.cid;
	err = rill_node_add(&rs->node);
	if (err)
		return err;
	rs->hashed = true;
	sock_hold(sk);
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, 1);
	return 0;
}

void rill_unhash(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);

	if (!rs->hashed)
		return;
	rs->hashed = false;
	rill_node_del(&rs->node);
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, -1);
	__sock_put(sk);		/* the caller's own reference remains */
}

/* Are the two listeners of one group: same name, device, user and both willing? */
static bool rill_reuseport_mates(const struct sock *a, const struct sock *b)
{
	return a != b && rill_sk(a)->v6 == rill_sk(b)->v6 && b->sk_reuseport &&
	       net_eq(sock_net(a), sock_net(b)) &&
	       inet_sk(a)->inet_num == inet_sk(b)->inet_num &&
	       a->sk_type == b->sk_type && a->sk_ipv6only == b->sk_ipv6only &&
	       a->sk_bound_dev_if == b->sk_bound_dev_if &&
	       ipv6_addr_equal(&a->sk_v6_rcv_saddr, &b->sk_v6_rcv_saddr) &&
	       uid_eq(sk_uid(a), sk_uid(b));
}

/* Join the group of a listener in @b, or found one; bucket locked. */
static int rill_reuseport_join(struct sock *sk, struct rill_listen_bucket *b)
{
	bool any = ipv6_addr_any(&sk->sk_v6_rcv_saddr) ||
		   (rill_is_v4(&sk->sk_v6_rcv_saddr) && !sk->sk_v6_rcv_saddr.s6_addr32[3]);
	struct rill_sock *rs;

	hlist_for_each_entry(rs, &b->socks, listen_node)
		if (rill_reuseport_mates(sk, &rs->inet.sk))
			return reuseport_add_sock(sk, &rs->inet.sk, any);
	return reuseport_alloc(sk, any);
}

/* 0, or -ENOMEM. */
int rill_listener_add(struct sock *sk)
{
	struct rill_listen_bucket *b = rill_listen_bucket(sock_net(sk), inet_sk(sk)->inet_num);
	int err = 0;

	spin_lock_bh(&b->lock);
	if (sk->sk_reuseport)
		err = rill_reuseport_join(sk, b);
	if (!err)
		hlist_add_head_rcu(&rill_sk(sk)->listen_node, &b->socks);
	spin_unlock_bh(&b->lock);
	if (err)
		return err;
	local_bh_disable();
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, 1);
	local_bh_enable();
	return 0;
}

void rill_listener_del(struct sock *sk)
{
	struct rill_listen_bucket *b = rill_listen_bucket(sock_net(sk), inet_sk(sk)->inet_num);

	spin_lock_bh(&b->lock);
	if (rcu_access_pointer(sk->sk_reuseport_cb))
		reuseport_detach_sock(sk);
	hlist_del_init_rcu(&rill_sk(sk)->listen_node);
	spin_unlock_bh(&b->lock);
	local_bh_disable();
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, -1);
	local_bh_enable();
}

/* How well an address a listener is bound to fits; 0: not at all. */
static int rill_listener_addr(const struct sock *sk, const struct in6_addr *daddr)
{
	const struct in6_addr *own = &sk->sk_v6_rcv_saddr;

	if (ipv6_addr_equal(own, daddr))
		return 8;
	if (ipv6_addr_any(own))
		return !rill_is_v4(daddr) || !sk->sk_ipv6only;
	return rill_is_v4(own) && !own->s6_addr32[3] && rill_is_v4(daddr);
}

/*
 * How well a listener fits; 0: not at all.  As TCP ranks them: the address first,
 * then the device, the family, the CPU.
 */
static int rill_listener_score(const struct sock *sk, const struct rill_want *w)
{
	int score;

	if (!net_eq(sock_net(sk), w->net) || inet_sk(sk)->inet_num != ntohs(w->port) ||
	    READ_ONCE(sk->sk_state) != TCP_LISTEN ||
	    !inet_sk_bound_dev_eq(sock_net(sk), READ_ONCE(sk->sk_bound_dev_if), w->dif, w->sdif))
		return 0;
	score = rill_listener_addr(sk, &w->local);
	if (!score)
		return 0;
	if (READ_ONCE(sk->sk_bound_dev_if))
		score++;
	if (rill_is_v4(&w->local) && !rill_sk(sk)->v6)
		score++;
	if (READ_ONCE(sk->sk_incoming_cpu) == raw_smp_processor_id())
		score++;
	return score;
}

static bool rill_reuseport_has_prog(const struct sock *sk)
{
	const struct sock_reuseport *group = rcu_dereference(sk->sk_reuseport_cb);

	return group && rcu_access_pointer(group->prog);
}

/* The one of @sk's group that is to have the packet: by hash, or as BPF says. */
static struct sock *rill_reuseport_pick(struct sock *sk, const struct rill_want *w)
{
	struct {
		struct in6_addr local, remote;
		__be16 port, sport;
		u32 pad;
	} in = { w->local, w->remote, w->port, w->sport, 0 };
	struct sk_buff *view = rill_reuseport_has_prog(sk) ? rill_run_view(w->skb) : NULL;
	struct sock *picked;

	/* What a program reads begins behind our header. */
	picked = reuseport_select_sock(sk, siphash(&in, sizeof(in), &rill_sk_net(sk)->port_key),
				       view, view ? w->hdr_len : 0);
	rill_run_view_put(w->skb, view);
	return picked ? picked : sk;
}

/*
 * The listener that is wanted.  Under rcu_read_lock(); returns a reference, or
 * NULL.
 */
struct sock *rill_listener_find(const struct rill_want *w)
{
	struct rill_listen_bucket *b = rill_listen_bucket(w->net, ntohs(w->port));
	struct sock *best;
	struct rill_sock *rs;
	int score, hi;

	do {
		best = NULL;
		hi = 0;
		hlist_for_each_entry_rcu(rs, &b->socks, listen_node) {
			score = rill_listener_score(&rs->inet.sk, w);
			if (score > hi) {
				hi = score;
				best = &rs->inet.sk;
			}
		}
		if (best && best->sk_reuseport)
			best = rill_reuseport_pick(best, w);
		/* One that dies listens no more: the next search finds another. */
	} while (best && !refcount_inc_not_zero(&best->sk_refcnt));
	return best;
}

/*
 * The @pos-th listener of @net for /proc, counting all; under rcu_read_lock().
 * A listener that comes or goes meanwhile may be missed or shown twice, as in
 * /proc/net/tcp.
 */
struct sock *rill_listener_nth(struct net *net, bool v6, loff_t pos)
{
	struct rill_sock *rs;
	int i;

	for (i = 0; i < 1 << RILL_LISTEN_BITS; i++)
		hlist_for_each_entry_rcu(rs, &rill_listeners[i].socks, listen_node)
			if (net_eq(sock_net(&rs->inet.sk), net) && rs->v6 == v6 && !pos--)
				return &rs->inet.sk;
	return NULL;
}
