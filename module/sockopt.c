// SPDX-License-Identifier: GPL-2.0
/*
 * sockopt.c - options and ioctls.
 *
 * Owns the options at SOL_RILL, which IPPROTO_TCP answers too; those of IP and
 * IPv6 are sockopt_ip.c's.  What is not here is refused with ENOPROTOOPT: an option
 * that is taken and ignored would be a lie.
 */
#include <linux/tcp.h>
#include <net/inet_common.h>
#include <net/tcp_states.h>
#include <asm/ioctls.h>
#include "sock.h"

#define RILL_MAX_KEEPIDLE	32767
#define RILL_MAX_KEEPINTVL	32767
#define RILL_MAX_KEEPCNT	127
#define RILL_MAX_SYNCNT		127
#define RILL_MAX_LINGER2	120	/* seconds, TCP_FIN_TIMEOUT_MAX */
#define RILL_OWN_OPTIONS	128	/* from here on not TCP's */

/* proto.keepalive: SO_KEEPALIVE was set to @val. */
void rill_set_keepalive(struct sock *sk, int val)
{
	struct rill_conn *c = &rill_sk(sk)->conn;

	c->keepalive = val;
	c->keep_at = 0;
	if (val && sk->sk_state != TCP_CLOSE && sk->sk_state != TCP_LISTEN)
		rill_timer_sync(sk);
}

/* Something that held packets back was lifted. */
static void rill_opt_push(struct sock *sk)
{
	struct rill_out out;

	rill_out_init(&out);
	rill_conn_push(&rill_sk(sk)->conn, &out);
	rill_apply(sk, &out);
}

static int rill_set_cork(struct sock *sk, bool on)
{
	struct rill_conn *c = &rill_sk(sk)->conn;

	c->cork = on;
	if (!on)
		rill_opt_push(sk);
	return 0;
}

static int rill_set_nodelay(struct sock *sk, bool on)
{
	rill_sk(sk)->conn.nodelay = on;
	if (on)
		rill_opt_push(sk);
	return 0;
}

static int rill_set_maxseg(struct sock *sk, int val)
{
	struct rill_sock *rs = rill_sk(sk);

	if (val && (val < RILL_PAYLOAD_MIN || val > RILL_PAYLOAD_MAX))
		return -EINVAL;
	rs->maxseg = val;
	rs->conn.cap = val;
	rill_sync_mss(sk);
	return 0;
}

/* -1: FIN_WAIT2 ends at once; 0: the default; else seconds, as TCP_LINGER2. */
static int rill_set_linger2(struct sock *sk, int val)
{
	struct rill_conn *c = &rill_sk(sk)->conn;

	if (val < 0)
		c->linger2 = RILL_NEVER;
	else if (val > RILL_MAX_LINGER2)
		c->linger2 = RILL_MAX_LINGER2 * RILL_SEC;
	else
		c->linger2 = val ? val * RILL_SEC : RILL_LINGER2_DEF;
	return 0;
}

static int rill_set_quickack(struct sock *sk, int val)
{
	struct rill_ackq *q = &rill_sk(sk)->conn.aq;

	q->pingpong = !val;
	if (!val)
		return 0;
	q->quick = RILL_ACK_QUICK;
	if (q->pend && rill_state_in(rill_sk(sk)->conn.state, RILL_ST_SYNCED)) {
		q->now = true;
		rill_output(sk);
		q->pingpong = !(val & 1);	/* an even one: this once */
	}
	return 0;
}

/* A number of seconds, @lo..@hi, into nanoseconds. */
static int rill_set_seconds(struct sock *sk, u64 *ns, int val, int hi)
{
	if (val < 1 || val > hi)
		return -EINVAL;
	*ns = val * RILL_SEC;
	if (sk->sk_state != TCP_CLOSE && sk->sk_state != TCP_LISTEN)
		rill_timer_sync(sk);
	return 0;
}

static int rill_set_count(u8 *count, int val, int hi)
{
	if (val < 1 || val > hi)
		return -EINVAL;
	*count = val;
	return 0;
}

static int rill_set_user_timeout(struct sock *sk, int val)
{
	if (val < 0)
		return -EINVAL;
	rill_sk(sk)->conn.user_timeout = val * RILL_MSEC;
	if (sk->sk_state != TCP_CLOSE && sk->sk_state != TCP_LISTEN)
		rill_timer_sync(sk);
	return 0;
}

static int rill_set_notsent_lowat(struct sock *sk, int val)
{
	WRITE_ONCE(rill_sk(sk)->notsent_lowat, val);
	rill_stream_write_space(sk);
	return 0;
}

/*
 * proto_ops.set_rcvlowat, as tcp_set_rcvlowat(): never more than the buffer can
 * come to hold, and the buffer comes to hold it.  Socket locked.
 */
int rill_set_rcvlowat(struct sock *sk, int val)
{
	struct rill_sock *rs = rill_sk(sk);
	bool fixed = sk->sk_userlocks & SOCK_RCVBUF_LOCK;
	struct rill_out out;

	val = min(val, (fixed ? sk->sk_rcvbuf : READ_ONCE(rill_sk_net(sk)->rmem[2])) / 2);
	WRITE_ONCE(sk->sk_rcvlowat, val ? val : 1);
	/* What is queued may satisfy the new mark. */
	if (rill_stream_is_readable(sk))
		sk->sk_data_ready(sk);
	if (fixed || 2 * val <= sk->sk_rcvbuf)
		return 0;
	WRITE_ONCE(sk->sk_rcvbuf, 2 * val);
	if (!rill_state_in(rs->conn.state, RILL_ST_SYNCED))
		return 0;
	rill_window_sync(sk);
	rill_out_init(&out);
	rill_conn_read(&rs->conn, 0, rill_now(), &out);
	rill_apply(sk, &out);
	return 0;
}

static int rill_set_zerocopy(struct sock *sk, int val)
{
	if (val < 0 || val > 1)
		return -EINVAL;
	sock_valbool_flag(sk, SOCK_ZEROCOPY, val);
	return 0;
}

/* How many children of a listener may stand before they are confirmed. */
static int rill_set_fastopen(struct sock *sk, int val)
{
	if (val < 0 || !((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)))
		return -EINVAL;
	if (val && sk->sk_type != SOCK_STREAM)
		return -EOPNOTSUPP;	/* no record goes with a SYN: record.c */
	WRITE_ONCE(rill_sk(sk)->fast_max,
		   min_t(u32, val, READ_ONCE(sock_net(sk)->core.sysctl_somaxconn)));
	return 0;
}

static int rill_set_fastopen_connect(struct sock *sk, int val)
{
	if (val < 0 || val > 1)
		return -EINVAL;
	if (!(READ_ONCE(rill_sk_net(sk)->fastopen) & RILL_FASTOPEN_CLIENT) ||
	    (val && sk->sk_type != SOCK_STREAM))
		return -EOPNOTSUPP;
	if (sk->sk_state != TCP_CLOSE)
		return -EINVAL;
	rill_sk(sk)->fast_connect = val;
	return 0;
}

/* A flag, 0 or 1 and nothing else. */
static int rill_set_bool(bool *flag, int val)
{
	if (val < 0 || val > 1)
		return -EINVAL;
	*flag = val;
	return 0;
}

/* The largest window the peer may be given; 0: what the buffer makes it. */
static int rill_set_window_clamp(struct sock *sk, int val)
{
	struct rill_sock *rs = rill_sk(sk);

	if (!val && sk->sk_state != TCP_CLOSE)
		return -EINVAL;
	rs->window_clamp = val ? max_t(int, val, SOCK_MIN_RCVBUF / 2) : 0;
	if (rill_state_in(rs->conn.state, RILL_ST_SYNCED))
		rill_window_sync(sk);
	return 0;
}

static int rill_set_congestion(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct rill_sock *rs = rill_sk(sk);
	const struct rill_cc_ops *ops;
	char name[RILL_CC_NAME_MAX];
	long n;

	if (optlen < 1)
		return -EINVAL;
	n = strncpy_from_sockptr(name, optval, min_t(long, sizeof(name) - 1, optlen));
	if (n < 0)
		return -EFAULT;
	name[n] = 0;
	ops = rill_cc_find(name);
	if (!ops)
		return -ENOENT;
	lock_sock(sk);
	rs->cc = ops;
	if (rs->conn.cc.ops)
		rill_cc_switch(&rs->conn.cc, ops);
	release_sock(sk);
	return 0;
}

/* One integer option at SOL_RILL; socket locked. */
static int rill_set_int(struct sock *sk, int optname, int val)
{
	struct rill_conn *c = &rill_sk(sk)->conn;

	switch (optname) {
	case RILL_NODELAY:
		return rill_set_nodelay(sk, val);
	case RILL_CORK:
		return rill_set_cork(sk, val);
	case RILL_MAXSEG:
		return rill_set_maxseg(sk, val);
	case RILL_KEEPIDLE:
		return rill_set_seconds(sk, &c->keepidle, val, RILL_MAX_KEEPIDLE);
	case RILL_KEEPINTVL:
		return rill_set_seconds(sk, &c->keepintvl, val, RILL_MAX_KEEPINTVL);
	case RILL_KEEPCNT:
		return rill_set_count(&c->keepcnt, val, RILL_MAX_KEEPCNT);
	case RILL_SYNCNT:
		return rill_set_count(&c->syn_retries, val, RILL_MAX_SYNCNT);
	case RILL_LINGER2:
		return rill_set_linger2(sk, val);
	case RILL_QUICKACK:
		return rill_set_quickack(sk, val);
	case RILL_USER_TIMEOUT:
		return rill_set_user_timeout(sk, val);
	case RILL_NOTSENT_LOWAT:
		return rill_set_notsent_lowat(sk, val);
	case RILL_FASTOPEN:
		return rill_set_fastopen(sk, val);
	case RILL_FASTOPEN_CONNECT:
		return rill_set_fastopen_connect(sk, val);
	case RILL_ZEROCOPY:
		return rill_set_zerocopy(sk, val);
	case RILL_WINDOW_CLAMP:
		return rill_set_window_clamp(sk, val);
	case RILL_DEFER_ACCEPT:
		WRITE_ONCE(rill_sk(sk)->defer_accept, rill_defer_tries(val));
		return 0;
	case RILL_INQ:
		return rill_set_bool(&rill_sk(sk)->inq, val);
	case RILL_REUSEPORT:
		sk->sk_reuseport = !!val;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* An option of the transport's. */
static int rill_set_own(struct sock *sk, int optname, sockptr_t optval, unsigned int optlen)
{
	int val, err;

	if (optname == RILL_CONGESTION)
		return rill_set_congestion(sk, optval, optlen);
	if (optlen < sizeof(int))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;
	lock_sock(sk);
	err = rill_set_int(sk, optname, val);
	release_sock(sk);
	return err;
}

/* setsockopt(2) at the levels that are not SOL_SOCKET. */
int rill_setsockopt(struct socket *sock, int level, int optname, sockptr_t optval,
		    unsigned int optlen)
{
	struct sock *sk = sock->sk;

	switch (level) {
	case SOL_TCP:
		if (optname >= RILL_OWN_OPTIONS)
			optname = 0;	/* known to nobody, lengths as ever */
		fallthrough;
	case SOL_RILL:
		return rill_set_own(sk, optname, optval, optlen);
	case SOL_IP:
		return rill_ip_setsockopt(sk, optname, optval, optlen);
	case SOL_IPV6:
		return rill_ip6_setsockopt(sk, optname, optval, optlen);
	default:
		return -ENOPROTOOPT;
	}
}

static int rill_get_int(struct sock *sk, int optname, int *val)
{
	struct rill_sock *rs = rill_sk(sk);
	struct rill_conn *c = &rs->conn;

	switch (optname) {
	case RILL_NODELAY:
		*val = c->nodelay;
		return 0;
	case RILL_CORK:
		*val = c->cork;
		return 0;
	case RILL_MAXSEG:
		*val = (1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN) ?
		       (rs->maxseg ? rs->maxseg : TCP_MSS_DEFAULT) : c->payload;
		return 0;
	case RILL_KEEPIDLE:
		*val = div_u64(c->keepidle, NSEC_PER_SEC);
		return 0;
	case RILL_KEEPINTVL:
		*val = div_u64(c->keepintvl, NSEC_PER_SEC);
		return 0;
	case RILL_KEEPCNT:
		*val = c->keepcnt;
		return 0;
	case RILL_SYNCNT:
		*val = c->syn_retries;
		return 0;
	case RILL_LINGER2:
		*val = c->linger2 == RILL_NEVER ? -1 : div_u64(c->linger2, NSEC_PER_SEC);
		return 0;
	case RILL_QUICKACK:
		*val = !c->aq.pingpong;
		return 0;
	case RILL_USER_TIMEOUT:
		*val = div_u64(c->user_timeout, NSEC_PER_MSEC);
		return 0;
	case RILL_NOTSENT_LOWAT:
		*val = rs->notsent_lowat;
		return 0;
	case RILL_FASTOPEN:
		*val = rs->fast_max;
		return 0;
	case RILL_FASTOPEN_CONNECT:
		*val = rs->fast_connect;
		return 0;
	case RILL_ZEROCOPY:
		*val = sock_flag(sk, SOCK_ZEROCOPY);
		return 0;
	case RILL_WINDOW_CLAMP:
		*val = rs->window_clamp;
		return 0;
	case RILL_DEFER_ACCEPT:
		*val = rill_defer_seconds(rs->defer_accept);
		return 0;
	case RILL_INQ:
		*val = rs->inq;
		return 0;
	case RILL_REUSEPORT:
		*val = sk->sk_reuseport;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* Copy @len bytes of an answer of @size out, and say how many. */
int rill_put_opt(char __user *optval, int __user *optlen, int len, const void *answer, int size)
{
	len = min(len, size);
	if (put_user(len, optlen) || copy_to_user(optval, answer, len))
		return -EFAULT;
	return 0;
}

static int rill_get_struct(struct sock *sk, int optname, char __user *optval,
			   int __user *optlen, int len)
{
	char name[RILL_CC_NAME_MAX] = "";
	struct rill_info info;

	switch (optname) {
	case RILL_INFO:
		lock_sock(sk);
		rill_get_info(sk, &info);
		release_sock(sk);
		return rill_put_opt(optval, optlen, len, &info, sizeof(info));
	case RILL_CC_INFO:
		/* Those there are tell nothing, as TCP's cubic and reno. */
		return put_user(0, optlen) ? -EFAULT : 0;
	default:
		strscpy(name, READ_ONCE(rill_sk(sk)->cc)->name, sizeof(name));
		return rill_put_opt(optval, optlen, len, name, sizeof(name));
	}
}

/* An option of the transport's. */
static int rill_get_own(struct sock *sk, int optname, char __user *optval, int __user *optlen)
{
	int len, val = 0, err;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if (optname == RILL_INFO || optname == RILL_CONGESTION || optname == RILL_CC_INFO)
		return rill_get_struct(sk, optname, optval, optlen, len);
	lock_sock(sk);
	err = rill_get_int(sk, optname, &val);
	release_sock(sk);
	return err ? err : rill_put_opt(optval, optlen, len, &val, sizeof(val));
}

/* getsockopt(2) at the levels that are not SOL_SOCKET. */
int rill_getsockopt(struct socket *sock, int level, int optname, char __user *optval,
		    int __user *optlen)
{
	struct sock *sk = sock->sk;

	switch (level) {
	case SOL_TCP:
		if (optname >= RILL_OWN_OPTIONS)
			optname = 0;
		fallthrough;
	case SOL_RILL:
		return rill_get_own(sk, optname, optval, optlen);
	case SOL_IP:
		return rill_ip_getsockopt(sk, optname, optval, optlen);
	case SOL_IPV6:
		return rill_ip6_getsockopt(sk, optname, optval, optlen);
	default:
		/* The one for AF_INET, the other for AF_INET6, says TCP. */
		return rill_sk(sk)->v6 ? -ENOPROTOOPT : -EOPNOTSUPP;
	}
}

/* Bytes the program has written and not, by @cmd, got rid of; socket locked. */
static u64 rill_outq(const struct sock *sk, unsigned int cmd)
{
	const struct rill_send *tx = &rill_sk(sk)->conn.tx;

	if ((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
		return 0;
	return tx->end - (cmd == SIOCOUTQ ? tx->una : tx->nxt);
}

/* Bytes one can read: of a stream all, of records the next. */
static u32 rill_inq_ioctl(struct sock *sk)
{
	return sk->sk_type == SOCK_SEQPACKET ? rill_record_inq(sk) : rill_inq(sk);
}

/* ioctl(2): the queues, as tcp_ioctl(); addresses and routes are IP's. */
int rill_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct sock *sk = sock->sk;
	u64 n = 0;

	switch (cmd) {
	case SIOCATMARK:
		break;		/* there is no urgent data */
	case SIOCINQ:
	case SIOCOUTQ:
	case SIOCOUTQNSD:
		if (sk->sk_state == TCP_LISTEN)
			return -EINVAL;
		lock_sock(sk);
		n = cmd == SIOCINQ ? rill_inq_ioctl(sk) : rill_outq(sk, cmd);
		release_sock(sk);
		break;
	default:	/* addresses and routes, which any socket may ask about */
		return rill_sk(sk)->v6 ? inet6_ioctl(sock, cmd, arg) :
					 inet_ioctl(sock, cmd, arg);
	}
	return put_user((int)min_t(u64, n, INT_MAX), (int __user *)arg);
}
