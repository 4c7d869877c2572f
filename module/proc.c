// SPDX-License-Identifier: GPL-2.0
/*
 * proc.c - /proc/net/rill, /proc/net/rill6 and /proc/net/rill_snmp.
 *
 * Owns their format, which is that of /proc/net/tcp, /proc/net/tcp6 and
 * /proc/net/snmp, so that ss and nstat read them:
 *
 *	PROC_NET_TCP=/proc/net/rill PROC_NET_TCP6=/proc/net/rill6 ss -tanpoie
 *	PROC_NET_SNMP=/proc/net/rill_snmp nstat -asz
 *
 * Four columns of our own follow: smoothed RTT in us, path MTU in bytes, the
 * carrier (udp, or - when there is none), and flags (o: no program holds the
 * socket, e: ECN, r: the peer moved, - none).
 *
 * Listeners come first, then connections and TIME_WAIT as the id table has
 * them.  A table that changes while it is read may show a socket twice or not,
 * as TCP's may.
 */
#include <linux/proc_fs.h>
#include <linux/rhashtable.h>
#include <linux/seq_file.h>
#include <net/tcp_states.h>
#include "carrier.h"

/* Width of a line of /proc/net/tcp, to which it is padded. */
#define RILL_LINE4	149

struct rill_seq {
	struct seq_net_private p;
	struct rhashtable_iter ids;	/* between start and stop */
	loff_t	listener;	/* the next of them, -1: on to the id table */
	loff_t	line;
};

/* rill6 lists the sockets whose names are IPv6, rill the others. */
static bool rill_seq_v6(const struct seq_file *seq)
{
	return pde_data(file_inode(seq->file)) != NULL;
}

/* "sl local rem", as get_tcp4_sock() and get_tcp6_sock() print them. */
void rill_proc_names(struct seq_file *seq, int i, const struct in6_addr *local, __be16 sport,
		     const struct in6_addr *remote, __be16 dport, bool v6)
{
	if (!v6) {
		seq_printf(seq, "%4d: %08X:%04X %08X:%04X", i,
			   (__force u32)local->s6_addr32[3], ntohs(sport),
			   (__force u32)remote->s6_addr32[3], ntohs(dport));
		return;
	}
	seq_printf(seq, "%4d: %08X%08X%08X%08X:%04X %08X%08X%08X%08X:%04X", i,
		   (__force u32)local->s6_addr32[0], (__force u32)local->s6_addr32[1],
		   (__force u32)local->s6_addr32[2], (__force u32)local->s6_addr32[3],
		   ntohs(sport),
		   (__force u32)remote->s6_addr32[0], (__force u32)remote->s6_addr32[1],
		   (__force u32)remote->s6_addr32[2], (__force u32)remote->s6_addr32[3],
		   ntohs(dport));
}

/* Which timer runs, in /proc/net/tcp's numbers, and when it fires. */
static int rill_proc_timer(const struct rill_conn *c, u64 *at)
{
	u64 pto = rill_conn_pto_at(c);

	*at = rill_conn_deadline(c);
	if (*at == RILL_NEVER)
		return 0;
	if (*at == c->probe_at)
		return 4;		/* zero-window probe */
	if (*at == pto || *at == c->syn_at || *at == c->tx.loss_at)
		return 1;		/* retransmission */
	return c->keepalive ? 2 : 0;
}

static void rill_proc_own(struct seq_file *seq, const struct sock *sk)
{
	const struct rill_sock *rs = rill_sk(sk);
	const struct rill_conn *c = &rs->conn;
	char flags[8], *f = flags;

	if (sock_flag(sk, SOCK_DEAD))
		*f++ = 'o';
	if (rill_ecn_works(&c->ecn))
		*f++ = 'e';
	if (rs->rebinds)
		*f++ = 'r';
	if (f == flags)
		*f++ = '-';
	*f = 0;
	seq_printf(seq, " %llu %u %s %s", div_u64(c->rtt.srtt, NSEC_PER_USEC), rs->dst_mtu,
		   rs->udp ? "udp" : "-", flags);
}

/* One socket, read without its lock, as TCP does. */
static void rill_proc_sock(struct seq_file *seq, struct sock *sk, loff_t i, bool v6)
{
	const struct inet_sock *inet = inet_sk(sk);
	const struct rill_conn *c = &rill_sk(sk)->conn;
	int state = READ_ONCE(sk->sk_state), timer;
	u32 mss = READ_ONCE(c->cc.mss);
	u64 tx, rx, at, now = rill_now();

	timer = rill_proc_timer(c, &at);
	tx = state == TCP_LISTEN ? READ_ONCE(sk->sk_max_ack_backlog) : c->tx.end - c->tx.una;
	rx = state == TCP_LISTEN ? READ_ONCE(sk->sk_ack_backlog) : c->rx.nxt - c->rx.read;
	rill_proc_names(seq, i, &sk->sk_v6_rcv_saddr, inet->inet_sport, &sk->sk_v6_daddr,
			inet->inet_dport, v6);
	seq_printf(seq, " %02X %08X:%08X %02X:%08lX %08X %5u %8d %lu %d %pK %lu %lu %u %u %d",
		   state, (u32)min_t(u64, tx, U32_MAX), (u32)min_t(u64, rx, U32_MAX), timer,
		   timer && at > now ? rill_clock_t(at - now) : 0UL,
		   c->pto_count, from_kuid_munged(seq_user_ns(seq), sock_i_uid(sk)),
		   c->probes, sock_i_ino(sk), refcount_read(&sk->sk_refcnt), sk,
		   rill_clock_t(rill_rtt_pto(&c->rtt, rill_conn_peer_delay(c),
							       c->pto_count)),
		   rill_clock_t(RILL_ACK_DELAY),
		   c->aq.pingpong << 1 | (c->aq.quick != 0),
		   state == TCP_LISTEN || !mss ? 0 : (u32)div_u64(c->cc.cwnd, mss),
		   state == TCP_LISTEN || c->cc.ssthresh == RILL_SSTHRESH_NONE || !mss ?
		   -1 : (int)div_u64(c->cc.ssthresh, mss));
	rill_proc_own(seq, sk);
}

/* The next node of the id table that belongs in this file. */
static struct rill_node *rill_seq_node(struct seq_file *seq)
{
	struct rill_seq *st = seq->private;
	struct net *net = seq_file_net(seq);
	bool v6 = rill_seq_v6(seq);
	struct rill_node *node;

	while ((node = rhashtable_walk_next(&st->ids))) {
		struct rill_sock *rs;

		if (IS_ERR(node))
			continue;	/* resized: some will come again */
		if (node->kind == RILL_NODE_TOMB) {
			if (rill_tomb_of(node, net, v6))
				return node;
			continue;
		}
		if (node->kind != RILL_NODE_SOCK)
			continue;
		rs = container_of(node, struct rill_sock, node);
		if (net_eq(sock_net(&rs->inet.sk), net) && rs->v6 == v6)
			return node;
	}
	return NULL;
}

/* What a step of the iteration yields: a listener, or a node of the id table. */
static void *rill_seq_step(struct seq_file *seq)
{
	struct rill_seq *st = seq->private;
	struct sock *sk;

	if (st->listener >= 0) {
		sk = rill_listener_nth(seq_file_net(seq), rill_seq_v6(seq),
				       st->listener++);
		if (sk)
			return &rill_sk(sk)->node;
		st->listener = -1;
	}
	return rill_seq_node(seq);
}

static void *rill_seq_start(struct seq_file *seq, loff_t *pos)
	__acquires(RCU)
{
	struct rill_seq *st = seq->private;
	void *v = SEQ_START_TOKEN;

	rill_node_walk(&st->ids);
	rhashtable_walk_start(&st->ids);
	st->listener = 0;
	for (st->line = 0; v && st->line < *pos; st->line++)
		v = rill_seq_step(seq);
	return v;
}

static void *rill_seq_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct rill_seq *st = seq->private;

	st->line = ++*pos;
	return rill_seq_step(seq);
}

static void rill_seq_stop(struct seq_file *seq, void *v)
	__releases(RCU)
{
	struct rill_seq *st = seq->private;

	rhashtable_walk_stop(&st->ids);
	rhashtable_walk_exit(&st->ids);
}

static int rill_seq_show(struct seq_file *seq, void *v)
{
	struct rill_seq *st = seq->private;
	bool v6 = rill_seq_v6(seq);
	struct rill_node *node = v;
	const struct rill_tomb_node *tn;

	if (!v6)
		seq_setwidth(seq, RILL_LINE4);
	if (v == SEQ_START_TOKEN) {
		seq_puts(seq, v6 ?
			 "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer rto ato qk cwnd ssthresh srtt pmtu carrier flags" :
			 "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer rto ato qk cwnd ssthresh srtt pmtu carrier flags");
		goto out;
	}
	tn = rill_tomb_of(node, seq_file_net(seq), v6);
	if (tn)
		rill_tomb_show(seq, tn, v6, st->line - 1);
	else
		rill_proc_sock(seq, &container_of(node, struct rill_sock, node)->inet.sk,
			       st->line - 1, v6);
out:
	if (v6)
		seq_putc(seq, '\n');
	else
		seq_pad(seq, '\n');
	return 0;
}

static const struct seq_operations rill_seq_ops = {
	.start = rill_seq_start,
	.next = rill_seq_next,
	.stop = rill_seq_stop,
	.show = rill_seq_show,
};

int rill_proc_init(struct net *net)
{
	if (!proc_create_net_data("rill", 0444, net->proc_net, &rill_seq_ops,
				  sizeof(struct rill_seq), NULL))
		return -ENOMEM;
	if (!proc_create_net_data("rill6", 0444, net->proc_net, &rill_seq_ops,
				  sizeof(struct rill_seq), (void *)1))
		goto drop;
	if (rill_dgram_proc_init(net))
		goto drop6;
	if (!proc_create_net_single("rill_snmp", 0444, net->proc_net, rill_mib_show, NULL))
		goto drop_dgram;
	return 0;
drop_dgram:
	rill_dgram_proc_exit(net);
drop6:
	remove_proc_entry("rill6", net->proc_net);
drop:
	remove_proc_entry("rill", net->proc_net);
	return -ENOMEM;
}

void rill_proc_exit(struct net *net)
{
	remove_proc_entry("rill_snmp", net->proc_net);
	rill_dgram_proc_exit(net);
	remove_proc_entry("rill6", net->proc_net);
	remove_proc_entry("rill", net->proc_net);
}
