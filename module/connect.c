// SPDX-License-Identifier: GPL-2.0
/*
 * connect.c - connect(): from an address to a connection.
 *
 * Owns the order in which a connection is put together, how it is undone when a
 * step fails, and the errnos of connect(), which are those of
 * __inet_stream_connect().
 */
#include "carrier.h"

/* An address one cannot connect to; "any" means this host, as in TCP. */
static int rill_connect_addr(struct in6_addr *addr)
{
	if (rill_is_v4(addr) && !addr->s6_addr32[3])
		addr->s6_addr32[3] = htonl(INADDR_LOOPBACK);
	else if (ipv6_addr_any(addr))
		*addr = in6addr_loopback;
	return ipv6_addr_is_multicast(addr) ? -ENETUNREACH : 0;
}

/* Begin a connection: route, carrier, port, id, SYN or less.  Socket locked. */
static int rill_connect_start(struct sock *sk, const struct in6_addr *addr, __be16 port,
			      int oif, bool v6, struct rill_fast_msg *fm)
{
	struct rill_sock *rs = rill_sk(sk);
	struct rill_net *rn = rill_sk_net(sk);
	struct inet_sock *inet = inet_sk(sk);
	struct rill_conn_cfg cfg;
	bool bound = rs->bind;
	int err;

	if (rill_is_v4(&sk->sk_v6_rcv_saddr) != rill_is_v4(addr) &&
	    !ipv6_addr_any(&sk->sk_v6_rcv_saddr) && sk->sk_userlocks & SOCK_BINDADDR_LOCK)
		return -ENETUNREACH;
	rs->v6 = rs->v6 || v6;
	if (oif)
		sk->sk_bound_dev_if = oif;
	sk->sk_v6_daddr = *addr;
	inet->inet_dport = port;
	err = rill_udp_open(rn, !rill_is_v4(addr), false);
	if (err)
		return err;
	rs->peer_udp = htons(READ_ONCE(rn->udp_port));
	rill_conn_config(sk, &cfg);
	rs->udp = rill_udp_client(rn, !rill_is_v4(addr), cfg.cid);
	if (!rs->udp)
		return -ENETDOWN;
	if (!(sk->sk_userlocks & SOCK_BINDADDR_LOCK))
		sk->sk_v6_rcv_saddr = in6addr_any;
	err = rill_route_connect(sk);
	if (err)
		return err;
	rill_addr_show(sk);
	err = bound ? rill_port_check_peer(sk) : rill_port_auto(sk);
	if (err)
		return err;

	WRITE_ONCE(sk->sk_err, 0);	/* of the connection that AF_UNSPEC ended */
	cfg.sport = ntohs(inet->inet_sport);
	cfg.dport = ntohs(port);
	rill_conn_init(&rs->conn, &cfg, rill_now());
	rill_sync_mss(sk);
	sk_set_txhash(sk);
	rs->last_data_sent = rs->last_data_rcv = rill_now();
	rs->rebinds = 0;
	local_bh_disable();
	err = rill_hash(sk);
	local_bh_enable();
	if (err)
		return err == -EEXIST ? -EADDRNOTAVAIL : -ENOMEM;
	rill_fast_connect(sk, fm);
	if (!port) {
		/* Nobody can have that: refused as soon as the caller lets go, as TCP. */
		rs->icmp_err = ECONNREFUSED;
		set_bit(RILL_D_ICMP, &rs->deferred);
	}
	return 0;
}

/* connect() failed before a SYN left: the socket may try again. */
static void rill_connect_undo(struct sock *sk)
{
	/* A port bind() picked stays, one that connect() picked goes. */
	rill_forget_names(sk, rill_sk(sk)->bind_auto);
}

/* Wait until the handshake is over.  As inet_wait_for_connect(). */
static long rill_connect_wait(struct sock *sk, long timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	add_wait_queue(sk_sleep(sk), &wait);
	while ((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		release_sock(sk);
		timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, timeo);
		lock_sock(sk);
		if (signal_pending(current) || !timeo)
			break;
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return timeo;
}

/* Read the peer's address and begin; 0, or a negative errno. */
static int rill_connect_first(struct socket *sock, void *uaddr, int len,
			      struct rill_fast_msg *fm)
{
	struct sock *sk = sock->sk;
	int err, oif = sk->sk_bound_dev_if;
	bool v6, was_v6 = rill_sk(sk)->v6;
	struct in6_addr addr;
	__be16 port;

	if (sk->sk_state != TCP_CLOSE)
		return -EISCONN;
	if (!uaddr)
		return -EINVAL;
	err = rill_cgroup_connect(sk, uaddr, len);
	if (err)
		return err;
	err = rill_addr_get(sk, uaddr, len, &addr, &port, &oif, &v6);
	if (!err)
		err = rill_connect_addr(&addr);
	if (err)
		return err;
	err = rill_connect_start(sk, &addr, port, oif, v6, fm);
	if (err) {
		rill_sk(sk)->v6 = was_v6;
		rill_connect_undo(sk);
		return err;
	}
	sock->state = SS_CONNECTING;
	return 0;
}

/*
 * The state machine of __inet_stream_connect(), so that all the errnos fit.
 * @fm: for sendmsg(), whose @uaddr may be NULL; NULL: connect()
 */
int rill_connect_locked(struct socket *sock, struct sockaddr *uaddr, int len, int flags,
			struct rill_fast_msg *fm)
{
	struct sock *sk = sock->sk;
	long timeo;
	int err;

	if (uaddr && len < (int)sizeof(uaddr->sa_family))
		return -EINVAL;
	if (uaddr && uaddr->sa_family == AF_UNSPEC) {
		sk->sk_disconnects++;		/* ends the waits of others: EPIPE */
		err = rill_disconnect(sk, flags);
		sock->state = err ? SS_DISCONNECTING : SS_UNCONNECTED;
		return err;
	}
	switch (sock->state) {
	case SS_CONNECTED:
		return -EISCONN;
	case SS_CONNECTING:
		err = -EALREADY;
		if (rill_sk(sk)->defer)
			err = fm ? -EINPROGRESS : -EISCONN;
		break;
	case SS_UNCONNECTED:
		err = rill_connect_first(sock, uaddr, len, fm);
		if (err || rill_sk(sk)->defer)
			return err;
		err = -EINPROGRESS;
		break;
	default:
		return -EINVAL;
	}

	timeo = sock_sndtimeo(sk, flags & O_NONBLOCK);
	if ((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		int dis = sk->sk_disconnects;

		if (timeo)
			timeo = rill_connect_wait(sk, timeo);
		if (!timeo)
			return err;
		if (signal_pending(current))
			return sock_intr_errno(timeo);
		if (dis != sk->sk_disconnects)
			return -EPIPE;
	}
	/* Refused, timed out, or gone again before we looked. */
	if (sk->sk_state == TCP_CLOSE) {
		err = sock_error(sk);
		if (!err)
			err = -ECONNABORTED;
		sock->state = SS_UNCONNECTED;
		sk->sk_disconnects++;
		if (rill_disconnect(sk, flags))
			sock->state = SS_DISCONNECTING;
		return err;
	}
	sock->state = SS_CONNECTED;
	return 0;
}

int rill_connect(struct socket *sock, struct sockaddr_unsized *uaddr, int len, int flags)
{
	int err;

	lock_sock(sock->sk);
	err = rill_connect_locked(sock, (struct sockaddr *)uaddr, len, flags, NULL);
	release_sock(sock->sk);
	return err;
}
