// SPDX-License-Identifier: GPL-2.0
/*
 * af_rill.c - a socket: bind(), shutdown(), close() and their relations.
 *
 * Owns a socket's birth and death and a stream's table of operations.  Which
 * socket() calls make one is in door.c, what datagrams do otherwise in dgram.c, reading and writing in recvmsg.c and sendmsg.c,
 * connecting in connect.c, listening in listen.c, options in sockopt.c, readiness
 * in poll_wait.c.
 */
#include <linux/inet.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include "carrier.h"

/* Pairs with the acquire in rill_poll(). */
void rill_set_state(struct sock *sk, int state)
{
	smp_store_release(&sk->sk_state, state);
}

/* The last reference is gone: what is still charged was lost track of. */
static void rill_sock_destruct(struct sock *sk)
{
	hrtimer_cancel(&rill_sk(sk)->timer);
	/* Stamps of packets that were still below may have come late. */
	__skb_queue_purge(&sk->sk_error_queue);
	sk_mem_reclaim_final(sk);	/* SO_RESERVE_MEM too */
	sk_sockets_allocated_dec(sk);
	WARN_ON_ONCE(atomic_read(&sk->sk_rmem_alloc));
	WARN_ON_ONCE(refcount_read(&sk->sk_wmem_alloc));
	WARN_ON_ONCE(sk->sk_wmem_queued);
	WARN_ON_ONCE(sk->sk_forward_alloc);
	WARN_ON_ONCE(rill_sk(sk)->hashed || rill_sk(sk)->bind);
	WARN_ON_ONCE(sk->sk_ack_backlog || rill_sk(sk)->parent);
	dst_release(rcu_dereference_protected(sk->sk_dst_cache, 1));
}

/* What no two sockets share, a listener and its child neither. */
void rill_sock_init(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);

	rs->ooo = RB_ROOT;
	INIT_LIST_HEAD(&rs->accept_q);
	INIT_LIST_HEAD(&rs->defer_q);
	INIT_LIST_HEAD(&rs->accept_node);
	INIT_LIST_HEAD(&rs->marks);
	INIT_HLIST_NODE(&rs->bind_node);
	INIT_HLIST_NODE(&rs->listen_node);
	spin_lock_init(&rs->accept_lock);
	rill_timer_init(sk);
	rill_output_init(sk);
}

/* What streams and datagrams have in common: names, options, the end. */
void rill_sock_begin(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);

	rill_sock_init(sk);
	rs->v6 = sk->sk_family == AF_INET6 ||
		 (!rill_is_inet(sk) && sk->sk_protocol == RILL_PROTO_V6);
	sk->sk_ipv6only = rs->v6 && READ_ONCE(sock_net(sk)->ipv6.sysctl.bindv6only);
	sk->sk_v6_rcv_saddr = rs->v6 ? in6addr_any : rill_any4;
	rill_ip_init(sk);
	sk->sk_destruct = rill_sock_destruct;
	sk->sk_backlog_rcv = sk->sk_prot->backlog_rcv;
	sock_set_flag(sk, SOCK_RCU_FREE);
	sk_sockets_allocated_inc(sk);
}

int rill_init_sock(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);
	struct rill_net *rn = rill_sk_net(sk);

	rill_sock_begin(sk);
	rs->cc = READ_ONCE(rn->cc);
	rill_conn_defaults(&rs->conn);
	set_bit(SOCK_SUPPORT_ZC, &sk->sk_socket->flags);
	sk->sk_write_space = rill_write_space;
	sk->sk_sndbuf = READ_ONCE(rn->wmem[1]);
	sk->sk_rcvbuf = READ_ONCE(rn->rmem[1]);
	return 0;
}

/*
 * Take the socket apart: nothing finds it, nothing fires, nothing is queued.
 * Locked, dead (sock_orphan()ed) and in state CLOSE; the caller's reference
 * keeps the memory.
 */
void rill_destroy(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);
	struct rill_net *rn = rill_sk_net(sk);

	WARN_ON_ONCE(sk->sk_state != TCP_CLOSE || !sock_flag(sk, SOCK_DEAD));
	rill_unhash(sk);
	rill_port_put(sk);
	rill_timer_stop(sk);
	rill_purge(sk);
	rill_fast_settle(sk);
	if (rs->counted_orphan) {
		rs->counted_orphan = false;
		atomic_dec(&rn->orphans);
	}
}

/* The connection's buffers: free, and uncharge.  Socket locked. */
void rill_purge(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);

	rill_rcv_purge(sk);
	rill_send_purge(&rs->conn.tx);
	rill_stamps_purge(sk);
	rill_reclaim(sk);
	kfree(rs->ooo_mem);
	rs->ooo_mem = NULL;
	kfree(rs->gap_mem);
	rs->gap_mem = NULL;
	memset(&rs->conn.rx.gaps, 0, sizeof(rs->conn.rx.gaps));
	memset(&rs->conn.rx.ooo, 0, sizeof(rs->conn.rx.ooo));
	sk_mem_reclaim(sk);
}

/* Is there room for one orphan more? */
static bool rill_too_many_orphans(struct sock *sk)
{
	struct rill_net *rn = rill_sk_net(sk);

	return atomic_read(&rn->orphans) >= READ_ONCE(rn->max_orphans) ||
	       (sk_memory_allocated(sk) > sk_prot_mem_limits(sk, 2));
}

/* Wait, SO_LINGER's time at most, until the peer has all and said so. */
static void rill_wait_close(struct sock *sk, long timeout)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	if (!timeout || !((1 << sk->sk_state) & (TCPF_FIN_WAIT1 | TCPF_CLOSING |
						  TCPF_LAST_ACK)))
		return;
	add_wait_queue(sk_sleep(sk), &wait);
	do {
		if (sk_wait_event(sk, &timeout,
				  !((1 << sk->sk_state) & (TCPF_FIN_WAIT1 | TCPF_CLOSING |
							   TCPF_LAST_ACK)), &wait))
			break;
	} while (!signal_pending(current) && timeout);
	remove_wait_queue(sk_sleep(sk), &wait);
}

/*
 * End the connection without ceremony and tell the peer.  Socket locked.
 * @err: what the program will hear, positive; 0: nothing
 */
void rill_reset(struct sock *sk, enum rill_mib why, int err)
{
	struct rill_out out;

	rill_mib_inc(rill_sk_net(sk), why);
	rill_out_init(&out);
	rill_conn_abort(&rill_sk(sk)->conn, RILL_R_ABORT, rill_now(), &out);
	out.bits |= RILL_B_RESET;
	out.err = err;
	rill_apply(sk, &out);
}

/* What close() means in the state the connection is in.  Socket locked. */
static void rill_close_conn(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);
	bool unread = rill_inq(sk) != 0;
	struct rill_out out;

	rill_rcv_purge(sk);
	sk_mem_reclaim(sk);
	if (sk->sk_state == TCP_CLOSE)
		return;
	/* RFC 2525 2.17: what was not read is lost, so the peer must know. */
	if (sk->sk_state == TCP_SYN_SENT) {
		rill_reset(sk, RILL_MIB_ATTEMPTFAILS, sk->sk_err);
	} else if (unread || (sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime)) {
		rill_reset(sk, RILL_MIB_ABORTONDATA, sk->sk_err);
	} else {
		rill_out_init(&out);
		rill_conn_shut_wr(&rs->conn, &rs->fin_run, rill_now(), &out);
		rill_apply(sk, &out);
	}
}

/* No program holds the socket: leave the connection to end by itself. */
static void rill_leave(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);
	struct rill_out out;

	if (sk->sk_state == TCP_CLOSE) {
		rill_destroy(sk);
		return;
	}
	if (rill_too_many_orphans(sk)) {
		rill_reset(sk, RILL_MIB_ABORTONMEMORY, sk->sk_err);
		return;
	}
	rs->counted_orphan = true;
	atomic_inc(&rill_sk_net(sk)->orphans);
	rill_out_init(&out);
	if (rs->conn.linger2 == RILL_NEVER && rs->conn.state == RILL_FIN_WAIT2) {
		/* TCP_LINGER2 < 0: do not wait for the peer's FIN. */
		rill_reset(sk, RILL_MIB_ABORTONDATA, sk->sk_err);
		return;
	}
	rill_conn_orphan(&rs->conn, rill_now(), &out);
	rill_apply(sk, &out);
}

/* close(2), the last one; @timeout: SO_LINGER's, in jiffies. */
void rill_close(struct sock *sk, long timeout)
{
	lock_sock(sk);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	if (sk->sk_state == TCP_LISTEN) {
		rill_sk(sk)->conn.state = RILL_CLOSE;
		rill_set_state(sk, TCP_CLOSE);
		rill_listen_stop(sk);
	} else {
		rill_close_conn(sk);
		rill_wait_close(sk, timeout);
	}
	sock_orphan(sk);
	/* Runs the backlog: what came until now is still ours. */
	release_sock(sk);

	local_bh_disable();
	bh_lock_sock(sk);
	WARN_ON_ONCE(sock_owned_by_user(sk));
	/* The backlog may have ended it, seen SOCK_DEAD and destroyed it: twice
	 * does no harm. */
	rill_leave(sk);
	bh_unlock_sock(sk);
	local_bh_enable();
	sock_put(sk);			/* the `file` reference */
}

int rill_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	long timeout = 0;

	if (!sk)
		return 0;
	rill_cgroup_release(sk);
	if (sock_flag(sk, SOCK_LINGER) && !(current->flags & PF_EXITING))
		timeout = sk->sk_lingertime;
	sock->sk = NULL;
	sk->sk_prot->close(sk, timeout);
	return 0;
}

static int rill_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	struct rill_sock *rs = rill_sk(sk);
	struct rill_out out;
	int err = 0;

	how++;	/* SHUT_RD, WR, RDWR to RCV_, SEND_SHUTDOWN, both */
	if (how & ~SHUTDOWN_MASK || !how)
		return -EINVAL;
	lock_sock(sk);
	if (sock->state == SS_CONNECTING) {
		if ((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV | TCPF_CLOSE))
			sock->state = SS_DISCONNECTING;
		else
			sock->state = SS_CONNECTED;
	}
	switch (sk->sk_state) {
	case TCP_CLOSE:
		err = -ENOTCONN;
		fallthrough;	/* wake those who sleep in poll() */
	default:
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | how);
		if (!(how & SEND_SHUTDOWN) || sk->sk_state == TCP_CLOSE)
			break;
		rill_out_init(&out);
		rill_conn_shut_wr(&rs->conn, &rs->fin_run, rill_now(), &out);
		rill_apply(sk, &out);
		break;
	case TCP_LISTEN:
		if (!(how & RCV_SHUTDOWN))
			break;
		fallthrough;
	case TCP_SYN_SENT:
		err = rill_disconnect(sk, O_NONBLOCK);
		sock->state = err ? SS_DISCONNECTING : SS_UNCONNECTED;
		break;
	}
	sk->sk_state_change(sk);
	release_sock(sk);
	return err;
}

/* Give back a port that only the connection needed.  getsockname() goes on
 * naming it, as TCP's does.  Socket locked, not hashed. */
void rill_port_return(struct sock *sk)
{
	if (sk->sk_userlocks & SOCK_BINDPORT_LOCK)
		return;
	sk->sk_prot->put_port(sk);
	inet_sk(sk)->inet_num = 0;
}

/* No peer any more, nor a name the program did not ask for; @port: nor its port. */
void rill_forget_names(struct sock *sk, bool port)
{
	struct inet_sock *inet = inet_sk(sk);

	inet->inet_dport = 0;
	sk->sk_v6_daddr = in6addr_any;
	if (!(sk->sk_userlocks & SOCK_BINDADDR_LOCK))
		sk->sk_v6_rcv_saddr = rill_sk(sk)->v6 ? in6addr_any : rill_any4;
	if (port)
		rill_port_return(sk);
	sk_dst_reset(sk);
	rill_addr_show(sk);
}

/* Make the socket as if new, but for its options.  Socket locked. */
int rill_disconnect(struct sock *sk, int flags)
{
	struct rill_sock *rs = rill_sk(sk);
	int old = sk->sk_state;

	if (old == TCP_LISTEN) {
		rs->conn.state = RILL_CLOSE;
		rill_set_state(sk, TCP_CLOSE);
		rill_listen_stop(sk);
	} else if (old != TCP_CLOSE) {
		rill_reset(sk, RILL_MIB_ABORTONDATA, ECONNRESET);
	}
	rill_timer_stop(sk);
	rill_purge(sk);
	rs->conn.state = RILL_CLOSE;
	memset(&rs->conn.st, 0, sizeof(rs->conn.st));
	rs->conn.peer_cid = 0;
	rs->conn.reset_due = false;
	rs->defer = false;
	rs->fast_req = false;
	rill_recv_init(&rs->conn.rx, 0, 0, 0, rill_now());
	rill_forget_names(sk, true);
	WRITE_ONCE(sk->sk_shutdown, 0);
	sock_reset_flag(sk, SOCK_DONE);
	WRITE_ONCE(sk->sk_err_soft, 0);
	sk_error_report(sk);
	return 0;
}

/* proto.get_port: of bind(), and of a cgroup's program in connect() (bpf_bind()). */
int rill_get_port(struct sock *sk, unsigned short port)
{
	rill_addr_shown(sk);
	return rill_port_get(sk, port);
}

/*
 * May @sk be bound?  IPv4 looks at the address first and at the socket last, IPv6
 * the other way round (__inet_bind(), __inet6_bind()).
 */
static int rill_bind_check(struct sock *sk, const struct in6_addr *addr, u16 num, int oif,
			   bool v6, bool any_port)
{
	bool denied = num && !any_port && inet_port_requires_bind_service(sock_net(sk), num) &&
		      !ns_capable(sock_net(sk)->user_ns, CAP_NET_BIND_SERVICE);
	bool busy = sk->sk_state != TCP_CLOSE || inet_sk(sk)->inet_num;
	int err;

	if (v6 && sk->sk_type != SOCK_DGRAM && ipv6_addr_is_multicast(addr))
		return -EINVAL;
	err = denied ? -EACCES : busy ? -EINVAL : 0;
	if (v6 && err)
		return err;
	return rill_addr_bindable(sk, addr, oif) ?: err;
}

static int rill_bind_locked(struct sock *sk, const struct in6_addr *addr, __be16 port, int oif,
			    bool v6, bool any_port)
{
	struct rill_sock *rs = rill_sk(sk);
	struct in6_addr was = sk->sk_v6_rcv_saddr;
	int err, was_dev = sk->sk_bound_dev_if;
	u16 num = ntohs(port);
	bool was_v6 = rs->v6;

	err = rill_bind_check(sk, addr, num, oif, v6, any_port);
	if (err)
		return err;
	rs->v6 = rs->v6 || v6;
	sk->sk_v6_rcv_saddr = *addr;
	/* Who else may have the port depends on the device. */
	sk->sk_bound_dev_if = oif;
	rill_addr_show(sk);
	/* A stream needs it to listen, a datagram socket to hear. */
	err = sk->sk_type == SOCK_DGRAM ? rill_listen_carrier(sk) : 0;
	if (!err && (num || !inet_test_bit(BIND_ADDRESS_NO_PORT, sk)))
		err = sk->sk_prot->get_port(sk, num);
	if (!err)
		err = rill_cgroup_post_bind(sk);
	if (err) {
		rs->v6 = was_v6;
		rill_forget_names(sk, true);
		inet_sk(sk)->inet_sport = 0;	/* nor is it named */
		sk->sk_v6_rcv_saddr = was;
		sk->sk_bound_dev_if = was_dev;
		rill_addr_show(sk);
		return err;
	}
	if (!ipv6_addr_any(addr) && !(rill_is_v4(addr) && !addr->s6_addr32[3])) {
		sk->sk_userlocks |= SOCK_BINDADDR_LOCK;
		if (!rill_is_v4(addr))
			sk->sk_ipv6only = 1;	/* says __inet6_bind() */
	}
	if (num)
		sk->sk_userlocks |= SOCK_BINDPORT_LOCK;
	inet_sk(sk)->inet_dport = 0;
	sk_dst_reset(sk);
	return 0;
}

int rill_bind(struct socket *sock, struct sockaddr_unsized *uaddr, int len)
{
	struct sock *sk = sock->sk;
	struct in6_addr addr;
	__be16 port;
	int err, oif;
	bool v6, any_port = false;

	lock_sock(sk);
	oif = sk->sk_bound_dev_if;
	err = rill_cgroup_bind(sk, uaddr, len, &any_port);
	if (!err)
		err = rill_addr_get_bind(sk, uaddr, len, &addr, &port, &oif, &v6);
	if (!err)
		err = rill_bind_locked(sk, &addr, port, oif, v6, any_port);
	release_sock(sk);
	return err;
}

static int rill_accept_sock(struct socket *sock, struct socket *newsock, int flags)
{
	struct sock *child;
	int err;

	child = rill_accept(sock->sk, flags, &err);
	if (!child)
		return err;
	lock_sock(child);
	sock_rps_record_flow(child);
	sock_graft(child, newsock);
	newsock->state = SS_CONNECTED;
	set_bit(SOCK_SUPPORT_ZC, &newsock->flags);
	release_sock(child);
	return 0;
}

#ifdef RILL_OLD_ACCEPT
static int rill_accept_op(struct socket *sock, struct socket *newsock, int flags, bool kern)
{
	return rill_accept_sock(sock, newsock, flags);
}
#else
static int rill_accept_op(struct socket *sock, struct socket *newsock,
			  struct proto_accept_arg *arg)
{
	return rill_accept_sock(sock, newsock, arg->flags);
}
#endif

int rill_getname(struct socket *sock, struct sockaddr *uaddr, int peer)
{
	struct sock *sk = sock->sk;
	int len;

	lock_sock(sk);
	if (!peer)
		len = rill_addr_put(sk, uaddr, &sk->sk_v6_rcv_saddr, inet_sk(sk)->inet_sport);
	else if (!inet_sk(sk)->inet_dport ||
		 (peer == 1 && (1 << sk->sk_state) & (TCPF_CLOSE | TCPF_SYN_SENT)))
		len = -ENOTCONN;	/* accept() asks with 2, whatever became of it */
	else
		len = rill_addr_put(sk, uaddr, &sk->sk_v6_daddr, inet_sk(sk)->inet_dport);
	if (len > 0)
		rill_cgroup_getname(sk, uaddr, len, peer);
	release_sock(sk);
	return len;
}

static int rill_sendmsg_op(struct socket *sock, struct msghdr *msg, size_t len)
{
	return rill_sendmsg(sock->sk, msg, len);
}

static int rill_recvmsg_op(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	sock_rps_record_flow(sock->sk);
	msg->msg_namelen = 0;
	return rill_recvmsg(sock->sk, msg, len, flags);
}

/* Unbound, as an IPv4 socket has it. */
const struct in6_addr rill_any4 = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

const struct proto_ops rill_stream_ops = {
	.owner = THIS_MODULE,
	.release = rill_release,
	.bind = rill_bind,
	.connect = rill_connect,
	.socketpair = sock_no_socketpair,
	.accept = rill_accept_op,
	.getname = rill_getname,
	.poll = rill_poll,
	.ioctl = rill_ioctl,
	.gettstamp = sock_gettstamp,
	.listen = rill_listen,
	.shutdown = rill_shutdown,
	.setsockopt = rill_setsockopt,
	.getsockopt = rill_getsockopt,
	.sendmsg = rill_sendmsg_op,
	.recvmsg = rill_recvmsg_op,
	.mmap = sock_no_mmap,
#ifdef RILL_OLD_SENDPAGE
	.sendpage = sock_no_sendpage,
#endif
	.set_rcvlowat = rill_set_rcvlowat,
	.splice_read = rill_splice_read,
	.splice_eof = rill_splice_eof,
};

/* SOCK_SEQPACKET: as the stream, but without what takes bytes where it pleases. */
const struct proto_ops rill_record_ops = {
	.owner = THIS_MODULE,
	.release = rill_release,
	.bind = rill_bind,
	.connect = rill_connect,
	.socketpair = sock_no_socketpair,
	.accept = rill_accept_op,
	.getname = rill_getname,
	.poll = rill_poll,
	.ioctl = rill_ioctl,
	.gettstamp = sock_gettstamp,
	.listen = rill_listen,
	.shutdown = rill_shutdown,
	.setsockopt = rill_setsockopt,
	.getsockopt = rill_getsockopt,
	.sendmsg = rill_sendmsg_op,
	.recvmsg = rill_recvmsg_op,
	.mmap = sock_no_mmap,
#ifdef RILL_OLD_SENDPAGE
	.sendpage = sock_no_sendpage,
#endif
	.set_rcvlowat = rill_set_rcvlowat,
	.splice_eof = rill_splice_eof,
};
