// SPDX-License-Identifier: GPL-2.0
/*
 * poll_wait.c - readiness: what poll() reports, and who is woken when.
 *
 * Owns the poll bits, which are TCP's (tcp_poll()), and the wake-up of writers.
 */
#include <net/busy_poll.h>
#include "sock.h"

/* Enough to satisfy SO_RCVLOWAT, or nothing more will come.  Of records, whole ones. */
bool rill_stream_is_readable(struct sock *sk)
{
	const struct rill_recv *r = &rill_sk(sk)->conn.rx;
	u64 n = READ_ONCE(r->whole) - READ_ONCE(r->read);

	return n >= (u64)sock_rcvlowat(sk, 0, INT_MAX) ||
	       (n && (r->nxt + r->full > r->credit ||
		      atomic_read(&sk->sk_rmem_alloc) > READ_ONCE(sk->sk_rcvbuf)));
}

/*
 * Bytes or the FIN arrived.  Below SO_RCVLOWAT that is no news for who polls; for
 * who sleeps in recv() it is: what it has taken counts, and we do not see that.
 */
void rill_data_ready(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);

	if (rs->readers || rill_recv_fin(&rs->conn.rx) || rill_stream_is_readable(sk))
		sk->sk_data_ready(sk);
}

/* proto.stream_memory_free: RILL_NOTSENT_LOWAT besides the send buffer. */
bool rill_stream_memory_free(const struct sock *sk, int wake)
{
	const struct rill_sock *rs = rill_sk(sk);
	const struct rill_send *tx = &rs->conn.tx;
	u32 lowat = READ_ONCE(rs->notsent_lowat);

	return !lowat || ((tx->end - tx->nxt) << wake) < lowat;
}

/*
 * The program may write again: wake it once a third of the buffer is free
 * (sk_stream_write_space()).  Any context.
 */
void rill_stream_write_space(struct sock *sk)
{
	struct socket_wq *wq;
	struct socket *sock;

	if (!__sk_stream_is_writeable(sk, 1))
		return;
	rcu_read_lock();
	sock = READ_ONCE(sk->sk_socket);
	if (!sock)
		goto out;
	clear_bit(SOCK_NOSPACE, &sock->flags);
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	if (wq && wq->fasync_list && !(sk->sk_shutdown & SEND_SHUTDOWN))
		sock_wake_async(wq, SOCK_WAKE_SPACE, POLL_OUT);
out:
	rcu_read_unlock();
}

/*
 * sk->sk_write_space: a packet of ours left the queue below (sock_wfree()), or
 * SO_SNDBUF was set.  Any context, no lock.
 */
void rill_write_space(struct sock *sk)
{
	struct socket *sock;

	rill_output_resume(sk);
	rcu_read_lock();
	sock = READ_ONCE(sk->sk_socket);
	if (sock && test_bit(SOCK_NOSPACE, &sock->flags))
		rill_stream_write_space(sk);
	rcu_read_unlock();
}

/*
 * Bytes were acknowledged or sent: is anyone waiting for that?  Only who was told
 * there is no room is told that there is again, so that a program on edges is
 * not woken by every acknowledgement.
 */
void rill_check_space(struct sock *sk)
{
	/* Pairs with rill_poll(): it sets the bit and looks again. */
	smp_mb();
	if (sk->sk_socket && test_bit(SOCK_NOSPACE, &sk->sk_socket->flags))
		rill_stream_write_space(sk);
}

/* poll(2), select(2), epoll(7). */
__poll_t rill_poll(struct file *file, struct socket *sock, poll_table *wait)
{
	struct sock *sk = sock->sk;
	u8 shutdown;
	__poll_t mask = 0;
	int state;

	sock_poll_wait(file, sock, wait);
	state = smp_load_acquire(&sk->sk_state);	/* pairs with rill_set_state() */
	if (state == TCP_LISTEN)
		return list_empty_careful(&rill_sk(sk)->accept_q) ? 0 : EPOLLIN | EPOLLRDNORM;

	/* EPOLLHUP: both directions are over; see tcp_poll() for the reasons. */
	shutdown = READ_ONCE(sk->sk_shutdown);
	if (shutdown == SHUTDOWN_MASK || state == TCP_CLOSE)
		mask |= EPOLLHUP;
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;

	if (state != TCP_SYN_SENT && state != TCP_SYN_RECV) {
		if (rill_stream_is_readable(sk))
			mask |= EPOLLIN | EPOLLRDNORM;
		if (shutdown & SEND_SHUTDOWN) {
			mask |= EPOLLOUT | EPOLLWRNORM;
		} else if (__sk_stream_is_writeable(sk, 1)) {
			mask |= EPOLLOUT | EPOLLWRNORM;
		} else {
			sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
			set_bit(SOCK_NOSPACE, &sock->flags);
			/* Space may have come between the test and the bit. */
			smp_mb__after_atomic();
			if (__sk_stream_is_writeable(sk, 1))
				mask |= EPOLLOUT | EPOLLWRNORM;
		}
	}
	if (state == TCP_SYN_SENT && rill_sk(sk)->defer)
		mask |= EPOLLOUT | EPOLLWRNORM;	/* the SYN waits for that */
	/* Pairs with smp_wmb() where sk_err is set. */
	smp_rmb();
	if (READ_ONCE(sk->sk_err) || !skb_queue_empty_lockless(&sk->sk_error_queue))
		mask |= EPOLLERR;
	return mask;
}
