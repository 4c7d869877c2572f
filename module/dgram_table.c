// SPDX-License-Identifier: GPL-2.0
/*
 * dgram_table.c - the ports of datagram sockets: who has one, who is meant.
 *
 * Owns the table of them, which is apart from that of streams as UDP's is from
 * TCP's, with UDP's rules for sharing a port and for choosing among those that do;
 * and /proc/net/rill_dgram and rill_dgram6, which list it as /proc/net/udp does:
 *
 *	PROC_NET_UDP=/proc/net/rill_dgram PROC_NET_UDP6=/proc/net/rill_dgram6 ss -uan
 */
#include <linux/proc_fs.h>
#include <linux/random.h>
#include <linux/seq_file.h>
#include <net/ip.h>
#include <net/sock_reuseport.h>
#include "carrier.h"

#define RILL_DGRAM_BITS		10
#define RILL_DGRAM_BUCKETS	(1 << RILL_DGRAM_BITS)

/* Width of a line of /proc/net/udp, to which it is padded. */
#define RILL_DGRAM_LINE4	127

struct rill_dgram_bucket {
	spinlock_t	lock;		/* writers; readers use RCU */
	struct hlist_head socks;	/* by rill_sock.listen_node */
};

static struct rill_dgram_bucket *rill_dgrams;
static u32 rill_dgram_seed;

int rill_dgram_table_init(void)
{
	int i;

	rill_dgrams = kvcalloc(RILL_DGRAM_BUCKETS, sizeof(*rill_dgrams), GFP_KERNEL);
	if (!rill_dgrams)
		return -ENOMEM;
	rill_dgram_seed = get_random_u32();
	for (i = 0; i < RILL_DGRAM_BUCKETS; i++)
		spin_lock_init(&rill_dgrams[i].lock);
	return 0;
}

void rill_dgram_table_exit(void)
{
	kvfree(rill_dgrams);
}

static struct rill_dgram_bucket *rill_dgram_bucket(const struct net *net, u16 port)
{
	return &rill_dgrams[hash_32(port ^ net_hash_mix(net) ^ rill_dgram_seed,
				    RILL_DGRAM_BITS)];
}

/* Do @sk and @other, at one port, agree to share it by SO_REUSEPORT? */
static bool rill_dgram_group(struct sock *sk, struct sock *other)
{
	return sk->sk_reuseport && other->sk_reuseport &&
	       !rcu_access_pointer(sk->sk_reuseport_cb) &&
	       uid_eq(sk_uid(sk), sk_uid(other));
}

/* May @sk have @port (udp_lib_lport_inuse())?  Bucket locked. */
static bool rill_dgram_free_for(struct sock *sk, struct rill_dgram_bucket *b, u16 port)
{
	struct rill_sock *rs;

	hlist_for_each_entry(rs, &b->socks, listen_node) {
		struct sock *other = &rs->inet.sk;

		if (other == sk || rs->inet.inet_num != port ||
		    !net_eq(sock_net(other), sock_net(sk)) ||
		    (sk->sk_reuse && other->sk_reuse) ||
		    (sk->sk_bound_dev_if && other->sk_bound_dev_if &&
		     sk->sk_bound_dev_if != other->sk_bound_dev_if) ||
		    !rill_addrs_overlap(sk, other))
			continue;
		if (!rill_dgram_group(sk, other))
			return false;
	}
	return true;
}

/* Are the two of one SO_REUSEPORT group: the same name, device and user? */
static bool rill_dgram_mates(struct sock *sk, struct sock *other)
{
	return inet_sk(sk)->inet_num == inet_sk(other)->inet_num &&
	       net_eq(sock_net(sk), sock_net(other)) &&
	       rill_sk(sk)->v6 == rill_sk(other)->v6 &&
	       sk->sk_ipv6only == other->sk_ipv6only &&
	       sk->sk_bound_dev_if == other->sk_bound_dev_if &&
	       ipv6_addr_equal(&sk->sk_v6_rcv_saddr, &other->sk_v6_rcv_saddr) &&
	       rill_dgram_group(sk, other);
}

/* Join the group of a socket in @b, or found one.  Bucket locked. */
static int rill_dgram_join(struct sock *sk, struct rill_dgram_bucket *b)
{
	bool any = ipv6_addr_any(&sk->sk_v6_rcv_saddr) ||
		   (rill_is_v4(&sk->sk_v6_rcv_saddr) && !sk->sk_v6_rcv_saddr.s6_addr32[3]);
	struct rill_sock *rs;

	hlist_for_each_entry(rs, &b->socks, listen_node)
		if (rill_dgram_mates(sk, &rs->inet.sk))
			return reuseport_add_sock(sk, &rs->inet.sk, any);
	return reuseport_alloc(sk, any);
}

/* Give @sk the port @port.  0, -EADDRINUSE or -ENOMEM. */
static int rill_dgram_port_try(struct sock *sk, u16 port)
{
	struct rill_dgram_bucket *b = rill_dgram_bucket(sock_net(sk), port);
	struct inet_sock *inet = inet_sk(sk);
	int err = -EADDRINUSE;

	spin_lock_bh(&b->lock);
	if (!rill_dgram_free_for(sk, b, port))
		goto out;
	inet->inet_num = port;
	inet->inet_sport = htons(port);
	err = sk->sk_reuseport ? rill_dgram_join(sk, b) : 0;
	if (err) {
		inet->inet_num = 0;
		inet->inet_sport = 0;
		goto out;
	}
	/* In front: of equals the last to come is meant, as of UDP's. */
	hlist_add_head_rcu(&rill_sk(sk)->listen_node, &b->socks);
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, 1);
out:
	spin_unlock_bh(&b->lock);
	return err;
}

/* proto.get_port: @port, or 0 for any that is free.  Socket locked. */
int rill_dgram_get_port(struct sock *sk, unsigned short port)
{
	rill_addr_shown(sk);
	return port ? rill_dgram_port_try(sk, port) :
		      rill_port_search(sk, false, rill_dgram_port_try);
}

/* proto.put_port: nothing finds @sk by its port any more.  Socket locked. */
void rill_dgram_put_port(struct sock *sk)
{
	struct rill_dgram_bucket *b;

	if (hlist_unhashed(&rill_sk(sk)->listen_node))
		return;
	b = rill_dgram_bucket(sock_net(sk), inet_sk(sk)->inet_num);
	spin_lock_bh(&b->lock);
	if (rcu_access_pointer(sk->sk_reuseport_cb))
		reuseport_detach_sock(sk);
	hlist_del_init_rcu(&rill_sk(sk)->listen_node);
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, -1);
	spin_unlock_bh(&b->lock);
}

/* How well the address @sk is bound to fits @daddr; 0: not at all. */
static int rill_dgram_addr_score(const struct sock *sk, const struct in6_addr *daddr)
{
	const struct in6_addr *own = &sk->sk_v6_rcv_saddr;

	if (ipv6_addr_equal(own, daddr))
		return 32;
	if (ipv6_addr_any(own))
		return !rill_is_v4(daddr) || !sk->sk_ipv6only;
	return rill_is_v4(own) && !own->s6_addr32[3] && rill_is_v4(daddr);
}

/*
 * How well @sk fits a datagram; 0: not at all.  The address it is bound to comes
 * first, then its peer's address and port, then the device (compute_score()).
 */
static int rill_dgram_score(const struct sock *sk, const struct rill_dgram_names *n)
{
	const struct inet_sock *inet = inet_sk(sk);
	int score;

	if (inet->inet_num != n->dport || !net_eq(sock_net(sk), n->net))
		return 0;
	score = rill_dgram_addr_score(sk, &n->local);
	if (!score)
		return 0;
	if (READ_ONCE(sk->sk_state) == TCP_ESTABLISHED) {
		if (!ipv6_addr_equal(&sk->sk_v6_daddr, &n->remote) ||
		    (inet->inet_dport && inet->inet_dport != htons(n->sport)))
			return 0;
		score += inet->inet_dport ? 16 : 8;
	}
	if (sk->sk_bound_dev_if) {
		if (sk->sk_bound_dev_if != n->iif)
			return 0;
		score += 4;
	}
	return rill_is_v4(&n->local) && !rill_sk(sk)->v6 ? score + 2 : score;
}

/* Of @sk's SO_REUSEPORT group the one for this flow. */
static struct sock *rill_dgram_pick(struct sock *sk, const struct rill_dgram_names *n)
{
	struct {
		struct in6_addr local, remote;
		u16	sport, dport;
		u32	pad;
	} in = { n->local, n->remote, n->sport, n->dport, 0 };
	struct sock *picked;

	picked = reuseport_select_sock(sk, siphash(&in, sizeof(in), &rill_sk_net(sk)->port_key),
				       n->skb, n->hdr_len);
	return picked ? picked : sk;
}

/*
 * The socket that is meant.  Under rcu_read_lock(); returns a reference, or NULL.
 */
struct sock *rill_dgram_find(const struct rill_dgram_names *n)
{
	struct rill_dgram_bucket *b = rill_dgram_bucket(n->net, n->dport);
	struct sock *best = NULL;
	struct rill_sock *rs;
	int score, hi = 0;

	hlist_for_each_entry_rcu(rs, &b->socks, listen_node) {
		score = rill_dgram_score(&rs->inet.sk, n);
		if (score > hi) {
			hi = score;
			best = &rs->inet.sk;
		}
	}
	if (best && best->sk_reuseport && READ_ONCE(best->sk_state) != TCP_ESTABLISHED)
		best = rill_dgram_pick(best, n);
	/* One that goes away now did not get it in time. */
	return best && refcount_inc_not_zero(&best->sk_refcnt) ? best : NULL;
}

/* ---------------------------------------------------------------- /proc */

struct rill_dgram_seq {
	struct seq_net_private p;
	int	bucket;		/* that of the socket shown */
};

static bool rill_dgram_seq_v6(const struct seq_file *seq)
{
	return pde_data(file_inode(seq->file)) != NULL;
}

/* The next socket of this file, from @node in its bucket on, then from the next. */
static struct sock *rill_dgram_seq_find(struct seq_file *seq, struct hlist_node *node)
{
	struct rill_dgram_seq *st = seq->private;
	bool v6 = rill_dgram_seq_v6(seq);

	for (;;) {
		for (; node; node = rcu_dereference(hlist_next_rcu(node))) {
			struct rill_sock *rs = hlist_entry(node, struct rill_sock, listen_node);

			if (net_eq(sock_net(&rs->inet.sk), seq_file_net(seq)) && rs->v6 == v6)
				return &rs->inet.sk;
		}
		if (++st->bucket >= RILL_DGRAM_BUCKETS)
			return NULL;
		node = rcu_dereference(hlist_first_rcu(&rill_dgrams[st->bucket].socks));
	}
}

static void *rill_dgram_seq_start(struct seq_file *seq, loff_t *pos)
	__acquires(RCU)
{
	struct rill_dgram_seq *st = seq->private;
	struct sock *sk;
	loff_t n;

	rcu_read_lock();
	if (!*pos)
		return SEQ_START_TOKEN;
	st->bucket = -1;
	sk = rill_dgram_seq_find(seq, NULL);
	for (n = 1; sk && n < *pos; n++)
		sk = rill_dgram_seq_find(seq, rcu_dereference(hlist_next_rcu(
					 &rill_sk(sk)->listen_node)));
	return sk;
}

static void *rill_dgram_seq_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct rill_dgram_seq *st = seq->private;

	++*pos;
	if (v == SEQ_START_TOKEN) {
		st->bucket = -1;
		return rill_dgram_seq_find(seq, NULL);
	}
	return rill_dgram_seq_find(seq, rcu_dereference(hlist_next_rcu(
				   &rill_sk((struct sock *)v)->listen_node)));
}

static void rill_dgram_seq_stop(struct seq_file *seq, void *v)
	__releases(RCU)
{
	rcu_read_unlock();
}

static int rill_dgram_seq_show(struct seq_file *seq, void *v)
{
	const struct rill_dgram_seq *st = seq->private;
	bool v6 = rill_dgram_seq_v6(seq);
	struct sock *sk = v;

	if (!v6)
		seq_setwidth(seq, RILL_DGRAM_LINE4);
	if (v == SEQ_START_TOKEN) {
		seq_printf(seq, "  sl  local_address %s%s   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops",
			   v6 ? "                        remote_address" : "rem_address",
			   v6 ? "                     " : "");
	} else {
		rill_proc_names(seq, st->bucket, &sk->sk_v6_rcv_saddr,
				inet_sk(sk)->inet_sport, &sk->sk_v6_daddr,
				inet_sk(sk)->inet_dport, v6);
		seq_printf(seq, " %02X %08X:%08X 00:00000000 00000000 %5u        0 %lu %d %pK %u",
			   READ_ONCE(sk->sk_state), sk_wmem_alloc_get(sk),
			   sk_rmem_alloc_get(sk),
			   from_kuid_munged(seq_user_ns(seq), sk_uid(sk)), sock_i_ino(sk),
			   refcount_read(&sk->sk_refcnt), sk, sk_drops_read(sk));
	}
	if (v6)
		seq_putc(seq, '\n');
	else
		seq_pad(seq, '\n');
	return 0;
}

static const struct seq_operations rill_dgram_seq_ops = {
	.start = rill_dgram_seq_start,
	.next = rill_dgram_seq_next,
	.stop = rill_dgram_seq_stop,
	.show = rill_dgram_seq_show,
};

int rill_dgram_proc_init(struct net *net)
{
	if (!proc_create_net_data("rill_dgram", 0444, net->proc_net, &rill_dgram_seq_ops,
				  sizeof(struct rill_dgram_seq), NULL))
		return -ENOMEM;
	if (proc_create_net_data("rill_dgram6", 0444, net->proc_net, &rill_dgram_seq_ops,
				 sizeof(struct rill_dgram_seq), (void *)1))
		return 0;
	remove_proc_entry("rill_dgram", net->proc_net);
	return -ENOMEM;
}

void rill_dgram_proc_exit(struct net *net)
{
	remove_proc_entry("rill_dgram6", net->proc_net);
	remove_proc_entry("rill_dgram", net->proc_net);
}
