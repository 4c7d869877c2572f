// SPDX-License-Identifier: GPL-2.0
/*
 * listen.c - listeners: SYNs answered without state, children, accept().
 *
 * Owns a listener's queue of children and how a child is made.  A child is
 * born in softirq, when the cookie that core/open.c made comes back, by cloning
 * the listener: it inherits what the program set there.
 */
#include <linux/random.h>
#include <net/busy_poll.h>
#include "carrier.h"

/* The window a socket starts with, and may grow to; bytes. */
static void rill_windows(const struct sock *sk, u32 *wnd, u32 *wnd_max)
{
	const struct rill_net *rn = rill_sk_net(sk);

	u32 clamp = READ_ONCE(rill_sk(sk)->window_clamp);

	*wnd = READ_ONCE(sk->sk_rcvbuf) / 2;
	*wnd_max = *wnd;
	if (!(sk->sk_userlocks & SOCK_RCVBUF_LOCK))
		*wnd_max = max_t(u32, *wnd, READ_ONCE(rn->rmem[2]) / 2);
	if (clamp) {
		*wnd = min(*wnd, clamp);
		*wnd_max = min(*wnd_max, clamp);
	}
}

/* The buffer's size or RILL_WINDOW_CLAMP was set.  Socket locked. */
void rill_window_sync(struct sock *sk)
{
	struct rill_recv *rx = &rill_sk(sk)->conn.rx;
	u32 wnd, wnd_max;

	rill_windows(sk, &wnd, &wnd_max);
	if (!(sk->sk_userlocks & SOCK_RCVBUF_LOCK))
		wnd = clamp(rx->wnd, wnd, wnd_max);
	rill_recv_limit(rx, wnd, wnd_max);
}

static u64 rill_random_cid(void)
{
	u64 cid;

	do
		cid = get_random_u64();
	while (!cid);
	return cid;
}

/* What a connection of @sk begins with; the ports are the caller's. */
void rill_conn_config(struct sock *sk, struct rill_conn_cfg *cfg)
{
	struct rill_sock *rs = rill_sk(sk);

	memset(cfg, 0, sizeof(*cfg));
	cfg->cc = rs->cc;
	rill_windows(sk, &cfg->wnd, &cfg->wnd_max);
	/* A packet must fit an empty buffer, however small. */
	cfg->params.max_payload = clamp_t(u32, cfg->wnd, 536, RILL_PAYLOAD_MAX);
	cfg->params.max_ack_delay = RILL_ACK_DELAY / RILL_MSEC;
	cfg->params.sock_type = sk->sk_type;
	if (sk->sk_type == SOCK_SEQPACKET)
		cfg->params.max_record = rill_record_takes(sk);
	cfg->cid = rill_random_cid();
	cfg->dice = get_random_u64();
	cfg->sport = ntohs(inet_sk(sk)->inet_sport);
	cfg->dport = ntohs(inet_sk(sk)->inet_dport);
	cfg->payload = RILL_PAYLOAD_BASE;
}

/* The listener for @skb, from the client's port @sport to @port: a reference, or NULL. */
static struct sock *rill_listener_of(struct rill_udp *udp, struct sk_buff *skb,
				     const struct rill_pkt *p, u16 sport, u16 port)
{
	struct rill_want want = {
		.net = udp->rn->net,
		.skb = skb,
		.hdr_len = RILL_HDR + p->h.ext_len,
		.port = htons(port),
		.sport = htons(sport),
		.dif = rill_cb(skb)->iif,
		.sdif = rill_cb(skb)->sdif,
	};
	__be16 udp_port;

	rill_skb_path(skb, &want.local, &want.remote, &udp_port);
	if (udp->v6 ? ipv6_addr_is_multicast(&want.local) :
		      skb->pkt_type != PACKET_HOST)
		return NULL;	/* RFC 9293 MUST-57 */
	return rill_listener_find(&want);
}

static bool rill_accept_empty(struct sock *sk)
{
	return list_empty_careful(&rill_sk(sk)->accept_q);
}

static void rill_refuse(struct rill_udp *udp, struct sk_buff *skb, const struct rill_pkt *p,
			enum rill_reason why)
{
	struct rill_reply reply;

	if (skb->pkt_type != PACKET_HOST || !rill_stray(&p->h, &p->x, why, &reply))
		return;
	rill_mib_inc(udp->rn, RILL_MIB_OUTRESETS);
	rill_send_reply(udp, NULL, skb, reply.b, reply.len);
}

/* What a child has of the packet that made it, as tcp_v4_syn_recv_sock() gives it. */
static void rill_child_inherit(struct sock *child, struct sk_buff *skb)
{
	struct inet_sock *inet = inet_sk(child);

	child->sk_mark = inet_request_mark(child, skb);
	child->sk_bound_dev_if = inet_request_bound_dev_if(child, skb);
	if (skb->protocol == htons(ETH_P_IP)) {
		inet->mc_index = rill_cb(skb)->iif;
		inet->mc_ttl = ip_hdr(skb)->ttl;
		inet->rcv_tos = ip_hdr(skb)->tos;
	} else if (!child->sk_bound_dev_if &&
		   ipv6_addr_type(&child->sk_v6_daddr) & IPV6_ADDR_LINKLOCAL) {
		child->sk_bound_dev_if = rill_cb(skb)->iif;
	}
}

/* Give a clone of a listener its own life: everything a pointer led to. */
static void rill_child_init(struct sock *child, struct rill_udp *udp, struct sk_buff *skb,
			    const struct rill_child *info)
{
	struct rill_sock *rs = rill_sk(child);
	struct inet_sock *inet = inet_sk(child);
	struct rill_conn_cfg cfg;

	rill_sock_init(child);
	rs->ooo_mem = NULL;
	rs->gap_mem = NULL;
	rs->deferred = 0;
	rs->throttled = false;
	rs->hashed = false;
	rs->counted_orphan = false;
	child->sk_ack_backlog = 0;
	RCU_INIT_POINTER(child->sk_dst_cache, NULL);
	rs->bind = NULL;
	rs->bind_auto = false;
	rs->accept_open = false;
	rs->ndeferred = 0;
	rs->last_data_sent = rs->last_data_rcv = rill_cb(skb)->stamp;
	rs->rebinds = 0;
	rs->defer = rs->fast_req = false;
	rs->fast_max = 0;
	atomic_set(&rs->fast_n, 0);
	rs->fast_listener = NULL;
	RCU_INIT_POINTER(inet->inet_opt, NULL);
	inet->mc_list = NULL;
	if (child->sk_family == AF_INET6)
		inet->pinet6 = &container_of(rs, struct rill6_sock, rs)->np;

	rs->udp = udp;
	rill_skb_path(skb, &child->sk_v6_rcv_saddr, &child->sk_v6_daddr, &rs->peer_udp);
	inet->inet_num = info->dport;
	inet->inet_sport = htons(info->dport);
	inet->inet_dport = htons(info->sport);
	rill_child_inherit(child, skb);
	rill_addr_show(child);
	sk_set_txhash(child);

	rill_conn_config(child, &cfg);
	cfg.cid = info->cid;
	rill_conn_init(&rs->conn, &cfg, rill_cb(skb)->stamp);
}

/* Put @child on its listener's queue; false: it is full, or closing. */
static bool rill_accept_add(struct sock *sk, struct sock *child)
{
	struct rill_sock *rs = rill_sk(sk);
	bool open;

	spin_lock_bh(&rs->accept_lock);
	open = rs->accept_open && !rill_accept_full(sk);
	if (open) {
		/* The `queue` reference is the one the child was born with. */
		list_add_tail(&rill_sk(child)->accept_node, &rs->accept_q);
		sk_acceptq_added(sk);
	}
	spin_unlock_bh(&rs->accept_lock);
	return open;
}

/* A new child, on one of the two queues; false: there is no room. */
static bool rill_child_queue(struct sock *sk, struct sock *child)
{
	return READ_ONCE(rill_sk(sk)->defer_accept) ? rill_defer_add(sk, child) :
						      rill_accept_add(sk, child);
}

/* sk_clone_lock() took the lock, and does not say so to sparse. */
static void rill_child_unlock(struct sock *child)
{
	__acquire(&child->sk_lock.slock);
	bh_unlock_sock(child);
}

/* Not to be, after all; nobody was told of it.  Locked; its references go. */
static void rill_child_drop(struct sock *child, u64 now)
{
	struct rill_out out;

	rill_out_init(&out);
	rill_unhash(child);
	rill_conn_abort(&rill_sk(child)->conn, RILL_R_ABORT, now, &out);
	sock_orphan(child);
	rill_set_state(child, TCP_CLOSE);
	rill_destroy(child);
	rill_child_unlock(child);
	sock_put(child);	/* the queue's, never used */
	sock_put(child);	/* ours */
}

/*
 * Make the connection that a valid echo, or a token, asks for.  NULL, or locked and
 * found by its id, with two references: ours, and one for the queue.
 */
static struct sock *rill_child_new(struct sock *sk, struct rill_udp *udp,
				   struct sk_buff *skb, const struct rill_child *info)
{
	struct sock *child = sk_clone_lock(sk, GFP_ATOMIC | __GFP_NOWARN);
	struct rill_out out;

	if (!child)
		return NULL;
	rill_child_init(child, udp, skb, info);
	rill_port_inherit(child, sk);
	rill_set_state(child, TCP_SYN_RECV);
	rill_out_init(&out);
	rill_conn_accept(&rill_sk(child)->conn, info, rill_cb(skb)->stamp, &out);
	if (rill_hash(child)) {
		rill_child_drop(child, rill_cb(skb)->stamp);
		return NULL;
	}
	sk_mark_napi_id(child, skb);
	rill_apply(child, &out);
	return child;
}

/*
 * A cookie came back.  In softirq, under RCU.
 * Returns the child, a reference, to hand the packet to; NULL: dropped.
 */
struct sock *rill_listen_echo(struct rill_udp *udp, struct sk_buff *skb,
			      struct rill_pkt *p, struct rill_path *path)
{
	struct rill_net *rn = udp->rn;
	struct sock *sk, *child = NULL;
	struct rill_secrets secrets;
	struct rill_child info;
	enum rill_mib why;

	rill_net_secrets(rn, rill_cb(skb)->stamp, &secrets);
	why = rill_open_echo(&p->h, &p->x, path, &secrets, rill_cb(skb)->stamp, &info);
	rill_mib_inc(rn, why);
	if (why == RILL_MIB_COOKIEOLD)
		rill_refuse(udp, skb, p, RILL_R_COOKIE);
	if (why != RILL_MIB_NONE)
		return NULL;
	sk = rill_listener_of(udp, skb, p, info.sport, info.dport);
	if (!sk || sk->sk_type != info.params.sock_type) {
		rill_mib_inc(rn, RILL_MIB_SYNREFUSED);
		rill_refuse(udp, skb, p, RILL_R_COOKIE);
		goto put;
	}
	if (!rill_admit(sk, skb))
		goto put;
	if (rill_accept_full(sk)) {
		rill_mib_inc(rn, RILL_MIB_LISTENOVERFLOWS);
		goto put;
	}
	child = rill_child_new(sk, udp, skb, &info);
	if (child && !rill_child_queue(sk, child)) {
		rill_child_drop(child, rill_cb(skb)->stamp);
		child = NULL;
	}
	if (!child) {
		rill_mib_inc(rn, RILL_MIB_CHILDFAILS);
		goto put;
	}
	rill_child_unlock(child);
	/* One that waits for data says so itself. */
	if (!rill_accept_empty(sk))
		sk->sk_data_ready(sk);
put:
	if (sk)
		sock_put(sk);
	return child;
}

/* A child that nobody will accept: tell the peer, and end it. */
static void rill_reset_child(struct sock *sk)
{
	sock_orphan(sk);
	if (sk->sk_state == TCP_CLOSE)
		rill_destroy(sk);
	else
		rill_reset(sk, RILL_MIB_ABORTONDATA, ECONNRESET);
}

/* A child that a token opened, with the SYN's data; NULL: none.  As rill_child_new(). */
static struct sock *rill_fast_child(struct sock *sk, struct rill_udp *udp, struct sk_buff *skb,
				    const struct rill_pkt *p, const struct rill_child *info,
				    struct rill_fast *fast)
{
	struct rill_net *rn = udp->rn;
	struct sock *child;

	if (!rill_fast_admit(sk)) {
		rill_mib_inc(rn, RILL_MIB_FASTOVERFLOWS);
		return NULL;
	}
	child = rill_child_new(sk, udp, skb, info);
	if (!child) {
		rill_fast_admit_undo(sk);
		rill_mib_inc(rn, RILL_MIB_FASTPASSIVEFAIL);
		return NULL;
	}
	rill_fast_adopt(child, sk);
	if (fast->data)
		rill_rcv_syn(child, skb, p, fast->data);
	fast->issued = rill_cb(skb)->stamp;
	fast->taken = rill_sk(child)->conn.syn_data;
	rill_mib_inc(rn, RILL_MIB_FASTPASSIVE);
	return child;
}

/*
 * A SYN to a listener that does fast open: @fast is what the answer says besides,
 * @child is a new one or NULL.  False: it came too late for any answer but that of
 * a tombstone.
 */
static bool rill_listen_fast(struct sock *sk, struct rill_udp *udp, struct sk_buff *skb,
			     const struct rill_pkt *p, const struct rill_path *path,
			     const struct rill_listen *l, u64 cid, struct rill_fast *fast,
			     struct sock **child)
{
	struct rill_node *node = rill_node_find(cid);
	struct sock *standing = rill_node_sock(node, RILL_NODE_SOCK, udp->rn->net);
	struct rill_secrets tokens;
	struct rill_child info;
	enum rill_mib why;

	if (standing) {
		/* Set before it was found by its id, or never. */
		const struct rill_conn *c = &rill_sk(standing)->conn;

		fast->issued = READ_ONCE(c->cookie_until) - RILL_COOKIE_TTL;
		fast->taken = READ_ONCE(c->syn_data);
		sock_put(standing);
		return true;
	}
	if (node && node->kind == RILL_NODE_TOMB) {
		rill_tomb_input(udp, node, skb, p);
		return false;
	}
	if (!rill_ext_has(&p->x, RILL_I_TOKEN))
		return true;
	rill_net_tokens(udp->rn, rill_cb(skb)->stamp, &tokens);
	why = rill_open_fast(&p->h, &p->x, RILL_HDR + p->h.ext_len + p->len, path, l, &tokens,
			     cid, rill_cb(skb)->stamp, &info, fast);
	if (why == RILL_MIB_NONE)
		*child = rill_fast_child(sk, udp, skb, p, &info, fast);
	else if (why == RILL_MIB_FASTPASSIVEFAIL)
		rill_mib_inc(udp->rn, why);
	if (fast->token_len)
		rill_mib_inc(udp->rn, RILL_MIB_FASTTOKENS);
	return true;
}

/* The SYN-ACK has left: hand out @child, locked, or end what its peer believes in. */
static void rill_fast_queue(struct sock *sk, struct sock *child)
{
	bool queued = rill_accept_add(sk, child);

	if (!queued) {
		rill_reset_child(child);
		sock_put(child);	/* the queue's, never used */
	}
	rill_child_unlock(child);
	sock_put(child);
	if (queued)
		sk->sk_data_ready(sk);
}

/* Does @sk do fast open? */
static bool rill_listen_is_fast(const struct sock *sk)
{
	return READ_ONCE(rill_sk(sk)->fast_max) &&
	       READ_ONCE(rill_sk_net(sk)->fastopen) & RILL_FASTOPEN_SERVER;
}

/*
 * A SYN: answer with a cookie, and keep nothing unless it brings a token.  In
 * softirq, under RCU.
 */
void rill_listen_syn(struct rill_udp *udp, struct sk_buff *skb, struct rill_pkt *p,
		     struct rill_path *path)
{
	struct rill_net *rn = udp->rn;
	struct rill_fast fast = { 0 };
	struct rill_secrets secrets;
	struct rill_conn_cfg cfg;
	struct rill_listen l;
	struct rill_reply reply;
	u64 now = rill_cb(skb)->stamp, cid;
	struct sock *sk, *child = NULL;
	enum rill_mib why;

	sk = rill_listener_of(udp, skb, p, p->x.sport, p->x.dport);
	if (!sk) {
		rill_mib_inc(rn, RILL_MIB_SYNREFUSED);
		rill_refuse(udp, skb, p, RILL_R_REFUSED);
		return;
	}
	if (!rill_admit(sk, skb))
		goto put;
	if (rill_accept_full(sk)) {
		rill_mib_inc(rn, RILL_MIB_LISTENOVERFLOWS);
		goto put;
	}
	rill_conn_config(sk, &cfg);
	l.params = cfg.params;
	l.credit = max_t(u32, cfg.wnd, rill_open_credit(&cfg.params));
	cid = rill_open_id(&rn->id_key, path, &p->x);
	if (rill_listen_is_fast(sk) &&
	    !rill_listen_fast(sk, udp, skb, p, path, &l, cid, &fast, &child))
		goto put;
	rill_net_secrets(rn, now, &secrets);
	why = rill_open_syn(&p->h, &p->x, RILL_HDR + p->h.ext_len + p->len, path, &l,
			    &secrets, cid, now, &fast, &reply);
	rill_mib_inc(rn, why);
	if (why == RILL_MIB_SYNREFUSED)
		rill_refuse(udp, skb, p, RILL_R_REFUSED);
	if (why == RILL_MIB_NONE) {
		rill_mib_inc(rn, RILL_MIB_SYNACKS);
		rill_send_reply(udp, sk, skb, reply.b, reply.len);
	}
	if (child)
		rill_fast_queue(sk, child);
put:
	sock_put(sk);
}

/* Carrier sockets for the addresses @sk listens on. */
int rill_listen_carrier(struct sock *sk)
{
	struct rill_net *rn = rill_sk_net(sk);
	bool any6 = ipv6_addr_any(&sk->sk_v6_rcv_saddr);
	bool need6 = any6 || !rill_is_v4(&sk->sk_v6_rcv_saddr);
	bool need4 = !need6 || (any6 && !sk->sk_ipv6only);
	int err = 0;

	if (need6)
		err = rill_udp_open(rn, true, true);
	/* A host without IPv6: a dual-stack listener serves IPv4 alone. */
	if (need4 && (!err || err == -EAFNOSUPPORT))
		err = rill_udp_open(rn, false, true);
	return err;
}

/* listen(2). */
int rill_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	struct rill_sock *rs = rill_sk(sk);
	int err = -EINVAL;

	lock_sock(sk);
	if (sock->state != SS_UNCONNECTED ||
	    !((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)))
		goto out;
	WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
	err = 0;
	if (sk->sk_state == TCP_LISTEN)
		goto out;

	err = rill_listen_carrier(sk);
	if (err)
		goto out;
	if (!rs->bind) {
		err = rill_port_get(sk, 0);
		if (err)
			goto out;
	}
	sk->sk_ack_backlog = 0;
	rs->accept_open = true;
	rs->conn.state = RILL_LISTEN;
	rill_set_state(sk, TCP_LISTEN);
	err = rill_port_listen(sk);
	if (err)
		goto undo;
	sk_dst_reset(sk);
	err = rill_listener_add(sk);
	if (!err)
		goto out;
undo:
	rs->accept_open = false;
	rs->conn.state = RILL_CLOSE;
	rill_set_state(sk, TCP_CLOSE);
out:
	release_sock(sk);
	return err;
}

/* No more SYNs; children nobody accepted are reset.  Socket locked. */
void rill_listen_stop(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk), *child, *next;
	LIST_HEAD(orphans);

	rill_listener_del(sk);
	spin_lock_bh(&rs->accept_lock);
	rs->accept_open = false;
	list_splice_init(&rs->accept_q, &orphans);
	list_splice_init(&rs->defer_q, &orphans);
	rs->ndeferred = 0;
	spin_unlock_bh(&rs->accept_lock);

	list_for_each_entry_safe(child, next, &orphans, accept_node) {
		struct sock *csk = &child->inet.sk;

		list_del_init(&child->accept_node);
		local_bh_disable();
		bh_lock_sock_nested(csk);
		if (child->parent)
			rill_defer_forget(csk);
		else
			sk_acceptq_removed(sk);
		WARN_ON_ONCE(sock_owned_by_user(csk));
		rill_reset_child(csk);
		bh_unlock_sock(csk);
		local_bh_enable();
		sock_put(csk);		/* the `queue` reference */
		cond_resched();
	}
}

/* Wait for a child; 0 or a negative errno.  Socket locked. */
static int rill_accept_wait(struct sock *sk, long timeo)
{
	DEFINE_WAIT(wait);
	int err = 0;

	while (rill_accept_empty(sk)) {
		/* Exclusive: one child wakes one of those who wait. */
		prepare_to_wait_exclusive(sk_sleep(sk), &wait, TASK_INTERRUPTIBLE);
		release_sock(sk);
		if (rill_accept_empty(sk))
			timeo = schedule_timeout(timeo);
		sched_annotate_sleep();
		lock_sock(sk);
		if (!rill_accept_empty(sk))
			break;
		err = -EINVAL;
		if (sk->sk_state != TCP_LISTEN)
			break;
		err = sock_intr_errno(timeo);
		if (signal_pending(current))
			break;
		err = -EAGAIN;
		if (!timeo)
			break;
		err = 0;
	}
	finish_wait(sk_sleep(sk), &wait);
	return rill_accept_empty(sk) ? err : 0;
}

/* accept(2): a child, whose `queue` reference becomes the caller's. */
struct sock *rill_accept(struct sock *sk, int flags, int *err)
{
	struct rill_sock *rs = rill_sk(sk), *child = NULL;

	lock_sock(sk);
	*err = -EINVAL;
	if (sk->sk_state != TCP_LISTEN)
		goto out;
	if (rill_accept_empty(sk)) {
		long timeo = sock_rcvtimeo(sk, flags & O_NONBLOCK);

		*err = -EAGAIN;
		if (!timeo)
			goto out;
		*err = rill_accept_wait(sk, timeo);
		if (*err)
			goto out;
	}
	spin_lock_bh(&rs->accept_lock);
	child = list_first_entry(&rs->accept_q, struct rill_sock, accept_node);
	list_del_init(&child->accept_node);
	sk_acceptq_removed(sk);
	spin_unlock_bh(&rs->accept_lock);
	*err = 0;
out:
	release_sock(sk);
	return child ? &child->inet.sk : NULL;
}
