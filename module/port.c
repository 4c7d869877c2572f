// SPDX-License-Identifier: GPL-2.0
/*
 * port.c - who may have a port.
 *
 * Owns the table of ports and the sockets that hold them, with TCP's rules for
 * sharing.  It is touched by bind(), connect(), listen() and close() only.
 *
 * Since ids tell connections apart, two of them may share all four of addresses
 * and ports without confusion; ports are still handed out as TCP's are, because
 * programs take names to be unique.
 */
#include <linux/random.h>
#include <net/ip.h>
#include "sock.h"

#define RILL_BIND_BITS		12

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

static struct rill_bind_bucket *rill_binds;
static struct kmem_cache *rill_bind_cache;
static u32 rill_bind_seed;

static struct rill_bind_bucket *rill_bind_bucket(const struct net *net, u16 port)
{
	return &rill_binds[hash_32(port ^ net_hash_mix(net) ^ rill_bind_seed,
				   RILL_BIND_BITS)];
}

int rill_ports_init(void)
{
	int i;

	rill_bind_seed = get_random_u32();
	rill_binds = kvcalloc(1 << RILL_BIND_BITS, sizeof(*rill_binds), GFP_KERNEL);
	if (!rill_binds)
		return -ENOMEM;
	rill_bind_cache = KMEM_CACHE(rill_bind, SLAB_ACCOUNT);
	if (!rill_bind_cache) {
		kvfree(rill_binds);
		return -ENOMEM;
	}
	for (i = 0; i < 1 << RILL_BIND_BITS; i++)
		spin_lock_init(&rill_binds[i].lock);
	return 0;
}

void rill_ports_exit(void)
{
	kvfree(rill_binds);
	kmem_cache_destroy(rill_bind_cache);
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
bool rill_addrs_overlap(const struct sock *a, const struct sock *b)
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

/* How a port is shared; as inet_csk_bind_conflict() is asked. */
struct rill_sharing {
	bool	reuse;		/* SO_REUSEADDR on both lets them */
	bool	reuseport;	/* SO_REUSEPORT on both, of one user, does too */
};

static const struct rill_sharing rill_share_named = { .reuse = true, .reuseport = true };
static const struct rill_sharing rill_share_none = { };
static const struct rill_sharing rill_share_last = { .reuse = true };

/* Do both agree to share the port, so that no address matters? */
static bool rill_bind_agree(const struct sock *sk, struct sock *other,
			    const struct rill_sharing *share)
{
	/* A socket with a BPF program of its own founds a group, and joins none. */
	bool group = sk->sk_reuseport && other->sk_reuseport &&
		     !rcu_access_pointer(sk->sk_reuseport_cb) && uid_eq(sk_uid(sk), sk_uid(other));

	if (sk->sk_reuse && other->sk_reuse && READ_ONCE(other->sk_state) != TCP_LISTEN)
		return share->reuse && (share->reuseport || !group);
	return share->reuseport && group;
}

/* May @sk not have the port that @other holds? */
static bool rill_bind_conflict(const struct sock *sk, struct sock *other,
			       const struct rill_sharing *share)
{
	if (sk == other || inet_sk_bound_l3mdev(sk) != inet_sk_bound_l3mdev(other))
		return false;
	if (sk->sk_bound_dev_if && other->sk_bound_dev_if &&
	    sk->sk_bound_dev_if != other->sk_bound_dev_if)
		return false;
	return !rill_bind_agree(sk, other, share) && rill_addrs_overlap(sk, other);
}

static bool rill_bind_free_for(const struct sock *sk, struct rill_bind *bind,
			       const struct rill_sharing *share)
{
	struct rill_sock *rs;

	hlist_for_each_entry(rs, &bind->socks, bind_node)
		if (rill_bind_conflict(sk, &rs->inet.sk, share))
			return false;
	return true;
}

/* Give @sk the port @port.  0, -EADDRINUSE or -ENOMEM. */
static int rill_port_try(struct sock *sk, u16 port, const struct rill_sharing *share)
{
	struct rill_bind_bucket *b = rill_bind_bucket(sock_net(sk), port);
	struct rill_bind *bind;
	int err = 0;

	spin_lock_bh(&b->lock);
	bind = rill_bind_find(b, sock_net(sk), port);
	if (bind && !rill_bind_free_for(sk, bind, share))
		err = -EADDRINUSE;
	else if (!bind && !(bind = rill_bind_make(b, sock_net(sk), port)))
		err = -ENOMEM;
	else
		rill_bind_hold(sk, bind);
	spin_unlock_bh(&b->lock);
	return err;
}

static int rill_port_try_free(struct sock *sk, u16 port)
{
	return rill_port_try(sk, port, &rill_share_none);
}

static int rill_port_try_last(struct sock *sk, u16 port)
{
	return rill_port_try(sk, port, &rill_share_last);
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
int rill_port_search(struct sock *sk, bool even, int (*try)(struct sock *sk, u16 port))
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

/*
 * bind(): @port, or 0 for any that nobody has; where there is none left and
 * net.ipv4.ip_autobind_reuse says so, for one that SO_REUSEADDR lets us share.
 */
int rill_port_get(struct sock *sk, u16 port)
{
	int err;

	if (port)
		return rill_port_try(sk, port, &rill_share_named);
	err = rill_port_search(sk, false, rill_port_try_free);
	if (err == -EADDRINUSE && READ_ONCE(sock_net(sk)->ipv4.sysctl_ip_autobind_reuse))
		err = rill_port_search(sk, false, rill_port_try_last);
	return err;
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
	err = rill_bind_free_for(sk, rill_sk(sk)->bind, &rill_share_named) ? 0 : -EADDRINUSE;
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
