// SPDX-License-Identifier: GPL-2.0
/*
 * dgram.c - datagram sockets: their life, and what they are asked to do.
 *
 * Owns bind(), connect() and the rest of SOCK_DGRAM's table of operations, which
 * behave as UDP's do.  Datagrams come and go in dgram_io.c, ports are in
 * dgram_table.c.
 *
 * A datagram socket is a struct rill_sock without a connection: of its engine
 * nothing is used.  It sends from the carrier at the well-known UDP port, so that
 * an answer to where a datagram came from finds back.  Connected, it has a random
 * id, new with each connect(), by which refusals and ICMP errors find it: who has
 * not seen one of its datagrams cannot forge either.
 *
 * Sending takes no lock, as of UDP: what it reads of a socket that is connected
 * elsewhere meanwhile may be of both peers.
 */
#include <linux/random.h>
#include <net/inet_common.h>
#include <asm/ioctls.h>
#include "carrier.h"

/* proto.init */
int rill_dgram_init(struct sock *sk)
{
	rill_sock_begin(sk);
	sk_set_txhash(sk);	/* of IPv6's flow label */
	return 0;
}

/* Nothing finds @sk by its id any more.  Socket locked. */
static void rill_dgram_forget_id(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);

	if (!rs->hashed)
		return;
	rs->hashed = false;
	rill_node_del(&rs->node);
	__sock_put(sk);		/* the caller's own reference remains */
}

/* Make @sk reachable under a fresh id.  0, or -ENOMEM and the like. */
static int rill_dgram_take_id(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);
	int err;

	rill_dgram_forget_id(sk);
	rs->node.kind = RILL_NODE_DGRAM;
	do {
		rs->node.cid = get_random_u64();
		err = rs->node.cid ? rill_node_add(&rs->node) : -EEXIST;
	} while (err == -EEXIST);
	if (err)
		return err;
	rs->hashed = true;
	sock_hold(sk);		/* the `table` reference */
	return 0;
}

/* proto.unhash */
void rill_dgram_unhash(struct sock *sk)
{
	rill_dgram_forget_id(sk);
	rill_dgram_put_port(sk);
}

/* proto.close */
void rill_dgram_close(struct sock *sk, long timeout)
{
	lock_sock(sk);
	rill_dgram_unhash(sk);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	WRITE_ONCE(sk->sk_state, TCP_CLOSE);
	sock_orphan(sk);
	/* Runs the backlog, which sees SOCK_DEAD, as does who found @sk just now. */
	release_sock(sk);
	lock_sock(sk);
	__skb_queue_purge(&sk->sk_receive_queue);
	__skb_queue_purge(&sk->sk_error_queue);
	sk_dst_reset(sk);
	release_sock(sk);
	sock_put(sk);		/* the `file` reference */
}

/*
 * Have a port, any, if there is none yet.  Sleeps.  Returns 0, -EAGAIN when there
 * is none left, or what opening the carrier gave.
 */
int rill_dgram_autobind(struct sock *sk)
{
	int err = 0;

	if (READ_ONCE(inet_sk(sk)->inet_num))
		return 0;
	lock_sock(sk);
	if (!inet_sk(sk)->inet_num) {
		err = rill_listen_carrier(sk);
		if (!err && rill_dgram_get_port(sk, 0))
			err = -EAGAIN;
	}
	release_sock(sk);
	return err;
}

/* No peer any more; a name that was not asked for goes too (__udp_disconnect()). */
static void rill_dgram_disconnect(struct sock *sk)
{
	lock_sock(sk);
	WRITE_ONCE(sk->sk_state, TCP_CLOSE);
	rill_dgram_forget_id(sk);
	WRITE_ONCE(sk->sk_bound_dev_if, 0);
	rill_forget_names(sk, true);
	if (!inet_sk(sk)->inet_num)
		inet_sk(sk)->inet_sport = 0;
	release_sock(sk);
}

/* Where a datagram to this host's "any" address goes: to where @sk is, or loopback. */
static void rill_dgram_addr_any(const struct sock *sk, struct in6_addr *addr)
{
	const struct in6_addr *own = &sk->sk_v6_rcv_saddr;

	if (ipv6_addr_any(addr) && !rill_is_v4(own)) {
		*addr = in6addr_loopback;
		return;
	}
	if (!ipv6_addr_any(addr) && !(rill_is_v4(addr) && !addr->s6_addr32[3]))
		return;
	ipv6_addr_set_v4mapped(rill_is_v4(own) && own->s6_addr32[3] ? own->s6_addr32[3] :
			       htonl(INADDR_LOOPBACK), addr);
}

/*
 * Read an address to connect() or send to.  As rill_addr_get(), but as UDP's an
 * IPv6 socket takes IPv4's too, and an IPv4 socket AF_UNSPEC for AF_INET.
 */
int rill_dgram_addr(struct sock *sk, const void *uaddr, int len, struct rill_dgram_to *to)
{
	const struct sockaddr_in *sin = uaddr;
	bool v6 = rill_sk(sk)->v6;
	int err = 0;

	to->oif = sk->sk_bound_dev_if;
	to->v6 = v6;
	if (len >= (int)sizeof(sin->sin_family) &&
	    sin->sin_family == (v6 ? AF_INET : AF_UNSPEC)) {
		if (sk->sk_ipv6only)
			return -EAFNOSUPPORT;
		if (len < (int)sizeof(*sin))
			return -EINVAL;
		ipv6_addr_set_v4mapped(sin->sin_addr.s_addr, &to->addr);
		to->port = sin->sin_port;
	} else {
		err = rill_addr_get(sk, uaddr, len, &to->addr, &to->port, &to->oif, &to->v6);
	}
	if (err)
		return err;
	rill_dgram_addr_any(sk, &to->addr);
	if (rill_is_v4(&to->addr) ? ipv4_is_multicast(to->addr.s6_addr32[3]) :
				    ipv6_addr_is_multicast(&to->addr))
		return -ENETUNREACH;
	return 0;
}

/* Give @sk the peer @to: route, source address, id.  Socket locked. */
static int rill_dgram_set_peer(struct sock *sk, const struct rill_dgram_to *to)
{
	struct rill_sock *rs = rill_sk(sk);
	struct in6_addr old = sk->sk_v6_daddr, *own = &sk->sk_v6_rcv_saddr;
	int err, old_if = sk->sk_bound_dev_if;

	if (rill_is_v4(own) != rill_is_v4(&to->addr) && !ipv6_addr_any(own))
		return rill_is_v4(own) ? -EAFNOSUPPORT : -ENETUNREACH;
	rs->udp = rill_udp_server(rill_sk_net(sk), !rill_is_v4(&to->addr));
	if (!rs->udp)
		return -ENETUNREACH;	/* there is no IPv6 on this host */
	rs->peer_udp = htons(READ_ONCE(rill_sk_net(sk)->udp_port));
	sk->sk_v6_daddr = to->addr;
	WRITE_ONCE(sk->sk_bound_dev_if, to->oif);
	err = rill_route_connect(sk);
	if (!err)
		err = rill_dgram_take_id(sk);
	if (err) {
		sk_dst_reset(sk);
		sk->sk_v6_daddr = old;
		WRITE_ONCE(sk->sk_bound_dev_if, old_if);
		return err;
	}
	inet_sk(sk)->inet_dport = to->port;
	rill_addr_show(sk);
	smp_store_release(&sk->sk_state, TCP_ESTABLISHED);
	return 0;
}

/* connect(2): to a peer, or with AF_UNSPEC to none. */
static int rill_dgram_connect(struct socket *sock, struct sockaddr_unsized *uaddr, int len,
			      int flags)
{
	struct sockaddr *sa = (struct sockaddr *)uaddr;
	struct sock *sk = sock->sk;
	struct rill_dgram_to to;
	int err, bad;

	if (len < (int)sizeof(sa->sa_family))
		return -EINVAL;
	if (sa->sa_family == AF_UNSPEC) {
		rill_dgram_disconnect(sk);
		return 0;
	}
	lock_sock(sk);
	err = rill_cgroup_connect(sk, sa, len);
	/* A program may have bound it, without the carrier. */
	if (!err && inet_sk(sk)->inet_num)
		err = rill_listen_carrier(sk);
	bad = err ? 0 : rill_dgram_addr(sk, sa, len, &to);
	if (!err && !bad)
		err = rill_dgram_turn(sk, to.v6);
	release_sock(sk);
	/* What is wrong with the address is told when a port was found, as of UDP. */
	if (!err)
		err = rill_dgram_autobind(sk);
	if (!err)
		err = bad;
	if (err)
		return err;
	lock_sock(sk);
	err = rill_dgram_set_peer(sk, &to);
	release_sock(sk);
	return err;
}

/*
 * An IPv4 socket of AF_RILL that is given an IPv6 address turns IPv6, if it has no
 * name yet.  Socket locked.
 */
int rill_dgram_turn(struct sock *sk, bool v6)
{
	struct rill_sock *rs = rill_sk(sk);

	if (!v6 || rs->v6)
		return 0;
	if (inet_sk(sk)->inet_num)
		return -EAFNOSUPPORT;
	rs->v6 = true;
	sk->sk_v6_rcv_saddr = in6addr_any;
	return 0;
}

static int rill_dgram_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	int err = 0;

	how++;	/* SHUT_RD, WR, RDWR to RCV_, SEND_SHUTDOWN, both */
	if (how & ~SHUTDOWN_MASK || !how)
		return -EINVAL;
	lock_sock(sk);
	if (sk->sk_state != TCP_ESTABLISHED)
		err = -ENOTCONN;	/* and yet it is done, as of UDP */
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | how);
	sk->sk_state_change(sk);
	release_sock(sk);
	return err;
}

/* SIOCINQ: bytes of the next datagram; SIOCOUTQ: memory on its way out. */
static int rill_dgram_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct sock *sk = sock->sk;
	struct sk_buff *skb;
	int n;

	switch (cmd) {
	case SIOCINQ:
		spin_lock_bh(&sk->sk_receive_queue.lock);
		skb = skb_peek(&sk->sk_receive_queue);
		n = skb ? skb->len : 0;
		spin_unlock_bh(&sk->sk_receive_queue.lock);
		break;
	case SIOCOUTQ:
		n = sk_wmem_alloc_get(sk);
		break;
	default:
		return rill_sk(sk)->v6 ? inet6_ioctl(sock, cmd, arg) :
					 inet_ioctl(sock, cmd, arg);
	}
	return put_user(n, (int __user *)arg);
}

/*
 * Of the options of streams a datagram socket has those of IP and IPv6, but what
 * UDP acts on and we cannot: groups, IP options, fragments, a sticky address.
 */
static bool rill_dgram_has(int level, int optname)
{
	switch (level) {
	case SOL_IP:
		switch (optname) {
		case IP_RECVOPTS:
		case IP_RETOPTS:
		case IP_PASSSEC:
		case IP_CHECKSUM:
		case IP_RECVFRAGSIZE:
		case IP_MULTICAST_IF ... IP_DROP_MEMBERSHIP:
		case IP_MULTICAST_ALL:
			return false;
		}
		return true;
	case SOL_IPV6:
		switch (optname) {
		case IPV6_PKTINFO:
		case IPV6_RECVPATHMTU:
		case IPV6_RECVFRAGSIZE:
		case IPV6_MULTICAST_IF ... IPV6_DROP_MEMBERSHIP:
		case IPV6_MULTICAST_ALL:
		case IPV6_MTU:
			return false;
		}
		return true;
	default:
		return false;
	}
}

static int rill_dgram_setsockopt(struct socket *sock, int level, int optname, sockptr_t optval,
				 unsigned int optlen)
{
	if (!rill_dgram_has(level, optname))
		return -ENOPROTOOPT;
	return rill_setsockopt(sock, level, optname, optval, optlen);
}

static int rill_dgram_getsockopt(struct socket *sock, int level, int optname,
				 char __user *optval, int __user *optlen)
{
	/* The size of the path may be asked, not set. */
	if (!rill_dgram_has(level, optname) && !(level == SOL_IPV6 && optname == IPV6_MTU))
		return -ENOPROTOOPT;
	return rill_getsockopt(sock, level, optname, optval, optlen);
}

const struct proto_ops rill_dgram_ops = {
	.owner = THIS_MODULE,
	.release = rill_release,
	.bind = rill_bind,
	.connect = rill_dgram_connect,
	.socketpair = sock_no_socketpair,
	.accept = sock_no_accept,
	.getname = rill_getname,
	.poll = datagram_poll,
	.ioctl = rill_dgram_ioctl,
	.gettstamp = sock_gettstamp,
	.listen = sock_no_listen,
	.shutdown = rill_dgram_shutdown,
	.setsockopt = rill_dgram_setsockopt,
	.getsockopt = rill_dgram_getsockopt,
	.sendmsg = rill_dgram_sendmsg,
	.recvmsg = rill_dgram_recvmsg,
	.mmap = sock_no_mmap,
#ifdef RILL_OLD_SENDPAGE
	.sendpage = sock_no_sendpage,
#endif
	.set_peek_off = sk_set_peek_off,
};
