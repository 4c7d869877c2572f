// SPDX-License-Identifier: GPL-2.0
/*
 * lookup.c - who is meant: by connection id, by listening port; and who may
 * have a port.
 *
 * Owns three tables.  The id table (rhashtable, RCU) holds every connection and
 * every tombstone under the id it chose.  The listeners' table is read under
 * RCU for each SYN.  The port table says who holds which port, with TCP's rules
 * for sharing; it is touched by bind(), connect(), listen() and close() only.
 *
 * Since ids tell connections apart, two of them may share all four of addresses
 * and ports without confusion; ports are still handed out as TCP's are, because
 * programs take names to be unique.
 */
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <net/ip.h>
#include "sock.h"

#define RILL_BIND_BITS		12
#define RILL_LISTEN_BITS	8

/* A port in a namespace, and the sockets that hold it. */
struct rill_bind {
	struct hlist_node node;		/* in its bucket */
	possible_net_t	net;
	struct hlist_head socks;	/* by rill_sock.bind_node */
	u16		port;
};

struct rill_bind_bucket {
	spinlock_t	lock;		/* the chain and every bind on it */
	struct hlist_head binds;
};

struct rill_listen_bucket {
	spinlock_t	lock;		/* writers; readers use RCU */
	struct hlist_head socks;	/* by rill_sock.listen_node */
};

static struct rhashtable rill_ids;
static struct rill_bind_bucket *rill_binds;
static struct rill_listen_bucket *rill_listeners;
static struct kmem_cache *rill_bind_cache;
static u32 rill_table_seed;

static const struct rhashtable_params rill_id_params = {
	.key_len = sizeof_field(struct rill_node, cid),
	.key_offset = offsetof(struct rill_node, cid),
	.head_offset = offsetof(struct rill_node, rh),
	.automatic_shrinking = true,
};

static struct rill_bind_bucket *rill_bind_bucket(const struct net *net, u16 port)
{
	return &rill_binds[hash_32(port ^ net_hash_mix(net) ^ rill_table_seed,
				   RILL_BIND_BITS)];
}

static struct rill_listen_bucket *rill_listen_bucket(const struct net *net, u16 port)
{
	return &rill_listeners[hash_32(port ^ net_hash_mix(net) ^ rill_table_seed,
				       RILL_LISTEN_BITS)];
}

int rill_lookup_init(void)
{
	int i, err;

	rill_table_seed = get_random_u32();
	rill_bind_cache = KMEM_CACHE(rill_bind, SLAB_ACCOUNT);
	rill_binds = kvcalloc(1 << RILL_BIND_BITS, sizeof(*rill_binds), GFP_KERNEL);
	rill_listeners = kvcalloc(1 << RILL_LISTEN_BITS, sizeof(*rill_listeners), GFP_KERNEL);
	err = -ENOMEM;
	if (!rill_bind_cache || !rill_binds || !rill_listeners)
		goto free;
	for (i = 0; i < 1 << RILL_BIND_BITS; i++)
		spin_lock_init(&rill_binds[i].lock);
	for (i = 0; i < 1 << RILL_LISTEN_BITS; i++)
		spin_lock_init(&rill_listeners[i].lock);
	err = rhashtable_init(&rill_ids, &rill_id_params);
	if (!err)
		return 0;
free:
	kvfree(rill_listeners);
	kvfree(rill_binds);
	kmem_cache_destroy(rill_bind_cache);
	return err;
}

void rill_lookup_exit(void)
{
	rhashtable_destroy(&rill_ids);
	kvfree(rill_listeners);
	kvfree(rill_binds);
	kmem_cache_destroy(rill_bind_cache);
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

void rill_listener_add(struct sock *sk)
{
	struct rill_listen_bucket *b = rill_listen_bucket(sock_net(sk), inet_sk(sk)->inet_num);

	spin_lock_bh(&b->lock);
	hlist_add_head_rcu(&rill_sk(sk)->listen_node, &b->socks);
	spin_unlock_bh(&b->lock);
	local_bh_disable();
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, 1);
	local_bh_enable();
}

void rill_listener_del(struct sock *sk)
{
	struct rill_listen_bucket *b = rill_listen_bucket(sock_net(sk), inet_sk(sk)->inet_num);

	spin_lock_bh(&b->lock);
	hlist_del_init_rcu(&rill_sk(sk)->listen_node);
	spin_unlock_bh(&b->lock);
	local_bh_disable();
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, -1);
	local_bh_enable();
}

/* How well a listener fits a SYN; 0: not at all. */
static int rill_listener_score(const struct sock *sk, const struct net *net,
			       const struct in6_addr *daddr, u16 port, int dif)
{
	const struct in6_addr *own = &sk->sk_v6_rcv_saddr;
	int score = 1;

	if (!net_eq(sock_net(sk), net) || inet_sk(sk)->inet_num != port ||
	    READ_ONCE(sk->sk_state) != TCP_LISTEN)
		return 0;
	if (sk->sk_bound_dev_if) {
		if (sk->sk_bound_dev_if != dif)
			return 0;
		score += 4;
	}
	if (ipv6_addr_equal(own, daddr))
		return score + 2;
	if (ipv6_addr_any(own))
		return rill_is_v4(daddr) && sk->sk_ipv6only ? 0 : score;
	if (rill_is_v4(own) && !own->s6_addr32[3] && rill_is_v4(daddr))
		return score + 1;
	return 0;
}

/*
 * The listener for a SYN to @daddr and @port that came in over device @dif.
 * Under rcu_read_lock(); returns a reference, or NULL.
 */
struct sock *rill_listener_find(struct net *net, const struct in6_addr *daddr, __be16 port,
				int dif)
{
	struct rill_listen_bucket *b = rill_listen_bucket(net, ntohs(port));
	struct rill_sock *rs;
	struct sock *best = NULL;
	int score, hi = 0;

	hlist_for_each_entry_rcu(rs, &b->socks, listen_node) {
		score = rill_listener_score(&rs->inet.sk, net, daddr, ntohs(port), dif);
		if (score > hi) {
			hi = score;
			best = &rs->inet.sk;
		}
	}
	if (best && !refcount_inc_not_zero(&best->sk_refcnt))
		return NULL;
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

static struct rill_bind *rill_bind_find(struct rill_bind_bucket *b, const struct net *net,
					u16 port)
{
	struct rill_bind *bind;

	lockdep_assert_held(&b->lock);
	hlist_for_each_entry(bind, &b->binds, node)
		if (bind->port == port && net_eq(read_pnet(&bind->net), net))
			return bind;
	return NULL;
}

static struct rill_bind *rill_bind_make(struct rill_bind_bucket *b, struct net *net, u16 port)
{
	struct rill_bind *bind;

	lockdep_assert_held(&b->lock);
	bind = kmem_cache_alloc(rill_bind_cache, GFP_ATOMIC);
	if (!bind)
		return NULL;
	write_pnet(&bind->net, net);
	bind->port = port;
	INIT_HLIST_HEAD(&bind->socks);
	hlist_add_head(&bind->node, &b->binds);
	return bind;
}

static void rill_bind_hold(struct sock *sk, struct rill_bind *bind)
{
	struct rill_sock *rs = rill_sk(sk);

	rs->bind = bind;
	hlist_add_head(&rs->bind_node, &bind->socks);
	inet_sk(sk)->inet_num = bind->port;
	inet_sk(sk)->inet_sport = htons(bind->port);
}

/* Do two bound addresses cover a common one (ipv6_rcv_saddr_equal())? */
static bool rill_addrs_overlap(const struct sock *a, const struct sock *b)
{
	const struct in6_addr *x = &a->sk_v6_rcv_saddr, *y = &b->sk_v6_rcv_saddr;
	bool x4 = rill_is_v4(x), y4 = rill_is_v4(y);

	if (x4 && y4)
		return x->s6_addr32[3] == y->s6_addr32[3] ||
		       !x->s6_addr32[3] || !y->s6_addr32[3];
	if (ipv6_addr_any(x))
		return !(y4 && a->sk_ipv6only);
	if (ipv6_addr_any(y))
		return !(x4 && b->sk_ipv6only);
	return ipv6_addr_equal(x, y);
}

/* May @sk not have the port that @other holds (inet_csk_bind_conflict())? */
static bool rill_bind_conflict(const struct sock *sk, const struct sock *other)
{
	if (sk == other)
		return false;
	if (sk->sk_bound_dev_if && other->sk_bound_dev_if &&
	    sk->sk_bound_dev_if != other->sk_bound_dev_if)
		return false;
	if (sk->sk_reuse && other->sk_reuse && READ_ONCE(other->sk_state) != TCP_LISTEN)
		return false;
	return rill_addrs_overlap(sk, other);
}

static bool rill_bind_free_for(const struct sock *sk, struct rill_bind *bind)
{
	struct rill_sock *rs;

	hlist_for_each_entry(rs, &bind->socks, bind_node)
		if (rill_bind_conflict(sk, &rs->inet.sk))
			return false;
	return true;
}

/* Give @sk the port @port.  0, -EADDRINUSE or -ENOMEM. */
static int rill_port_try(struct sock *sk, u16 port)
{
	struct rill_bind_bucket *b = rill_bind_bucket(sock_net(sk), port);
	struct rill_bind *bind;
	int err = 0;

	spin_lock_bh(&b->lock);
	bind = rill_bind_find(b, sock_net(sk), port);
	if (bind && !rill_bind_free_for(sk, bind))
		err = -EADDRINUSE;
	else if (!bind && !(bind = rill_bind_make(b, sock_net(sk), port)))
		err = -ENOMEM;
	else
		rill_bind_hold(sk, bind);
	spin_unlock_bh(&b->lock);
	return err;
}

/* Both ends of @a and @b are the same but for what lookup does not need. */
static bool rill_same_peer(const struct sock *a, const struct sock *b)
{
	return inet_sk(a)->inet_dport == inet_sk(b)->inet_dport &&
	       ipv6_addr_equal(&a->sk_v6_daddr, &b->sk_v6_daddr) &&
	       ipv6_addr_equal(&a->sk_v6_rcv_saddr, &b->sk_v6_rcv_saddr);
}

/*
 * Does a holder of @bind already talk to @sk's peer from @sk's address?  If not,
 * a connecting socket may share the port with the others (connect() picked it
 * for all of them).
 */
static bool rill_port_shareable(const struct sock *sk, struct rill_bind *bind)
{
	struct rill_sock *rs;

	hlist_for_each_entry(rs, &bind->socks, bind_node)
		if (!rs->bind_auto || rill_same_peer(&rs->inet.sk, sk))
			return false;
	return true;
}

static int rill_port_try_auto(struct sock *sk, u16 port)
{
	struct rill_bind_bucket *b = rill_bind_bucket(sock_net(sk), port);
	struct rill_bind *bind;
	int err = 0;

	spin_lock_bh(&b->lock);
	bind = rill_bind_find(b, sock_net(sk), port);
	if (bind && !rill_port_shareable(sk, bind)) {
		err = -EADDRINUSE;
	} else if (!bind && !(bind = rill_bind_make(b, sock_net(sk), port))) {
		err = -ENOMEM;
	} else {
		rill_bind_hold(sk, bind);
		rill_sk(sk)->bind_auto = true;
	}
	spin_unlock_bh(&b->lock);
	return err;
}

/*
 * Try the ephemeral ports, each once, from an unpredictable start that depends
 * on the peer (RFC 6056 algorithm 3 with a random offset): even ones for
 * connect(), odd ones for bind(), each then the others, as TCP does.
 */
static int rill_port_search(struct sock *sk, bool even, int (*try)(struct sock *sk, u16 port))
{
	struct rill_net *rn = rill_sk_net(sk);
	int low, high, i, pass, err = -EADDRINUSE;
	u32 range, start;

	inet_sk_get_local_port_range(sk, &low, &high);
	range = high - low + 1;
	start = siphash(&sk->sk_v6_daddr, sizeof(sk->sk_v6_daddr), &rn->port_key) +
		get_random_u32();
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < range; i++) {
			u16 port = low + (start + i) % range;

			if (!(i & 1023))
				cond_resched();
			if ((port & 1) != (even ? pass : !pass) ||
			    inet_is_local_reserved_port(sock_net(sk), port))
				continue;
			err = try(sk, port);
			if (err != -EADDRINUSE)
				return err;
		}
	}
	return err;
}

/* bind(): @port, or 0 for any free one. */
int rill_port_get(struct sock *sk, u16 port)
{
	return port ? rill_port_try(sk, port) : rill_port_search(sk, false, rill_port_try);
}

/* connect() without bind(): a port unique for this peer.  -EADDRNOTAVAIL if none. */
int rill_port_auto(struct sock *sk)
{
	int err = rill_port_search(sk, true, rill_port_try_auto);

	return err == -EADDRINUSE ? -EADDRNOTAVAIL : err;
}

/* listen(): with SO_REUSEADDR another may hold the port, but not listen on it. */
int rill_port_listen(struct sock *sk)
{
	struct rill_bind_bucket *b = rill_bind_bucket(sock_net(sk), inet_sk(sk)->inet_num);
	int err;

	spin_lock_bh(&b->lock);
	err = rill_bind_free_for(sk, rill_sk(sk)->bind) ? 0 : -EADDRINUSE;
	spin_unlock_bh(&b->lock);
	return err;
}

/*
 * connect() from a bound port: -EADDRNOTAVAIL when another socket on it talks
 * to the same peer from the same address already.
 */
int rill_port_check_peer(struct sock *sk)
{
	struct rill_bind_bucket *b = rill_bind_bucket(sock_net(sk), inet_sk(sk)->inet_num);
	struct rill_sock *rs;
	int err = 0;

	spin_lock_bh(&b->lock);
	hlist_for_each_entry(rs, &rill_sk(sk)->bind->socks, bind_node)
		if (&rs->inet.sk != sk && rill_same_peer(&rs->inet.sk, sk))
			err = -EADDRNOTAVAIL;
	spin_unlock_bh(&b->lock);
	return err;
}

/* A child holds its listener's port too.  In softirq; @parent is pinned. */
void rill_port_inherit(struct sock *child, struct sock *parent)
{
	u16 port = READ_ONCE(inet_sk(parent)->inet_num);
	struct rill_bind_bucket *b = rill_bind_bucket(sock_net(parent), port);
	struct rill_bind *bind;

	spin_lock_bh(&b->lock);
	/* The listener may be giving its port back: look, do not follow. */
	bind = rill_bind_find(b, sock_net(parent), port);
	if (bind && bind == READ_ONCE(rill_sk(parent)->bind))
		rill_bind_hold(child, bind);
	spin_unlock_bh(&b->lock);
}

void rill_port_put(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);
	struct rill_bind_bucket *b;

	if (!rs->bind)
		return;
	b = rill_bind_bucket(sock_net(sk), rs->bind->port);
	spin_lock_bh(&b->lock);
	hlist_del_init(&rs->bind_node);
	if (hlist_empty(&rs->bind->socks)) {
		hlist_del(&rs->bind->node);
		kmem_cache_free(rill_bind_cache, rs->bind);
	}
	rs->bind = NULL;
	rs->bind_auto = false;
	spin_unlock_bh(&b->lock);
}
