// SPDX-License-Identifier: GPL-2.0
/*
 * defer.c - RILL_DEFER_ACCEPT: children that wait until the client has spoken.
 *
 * Owns the listener's other queue.  A child whose listener asks for it is not
 * shown to accept() before its first data or its time is over.  It goes on with
 * its connection meanwhile; of the queue its listener's accept_lock is the lock,
 * and who closes the listener (accept_open) takes the queue with him: the child
 * then leaves everything as it is.
 *
 * TCP keeps such clients in its SYN queue, drops what they acknowledge, and makes
 * the child when data comes.  To programs that is the same.
 */
#include "sock.h"

/* How soon to ask again when the accept queue has no room. */
#define RILL_DEFER_RETRY	(200 * RILL_MSEC)
#define RILL_DEFER_MAX		120	/* seconds, TCP_RTO_MAX: of one of TCP's retries */

/*
 * The seconds a program asks for become a number of tries of TCP's, at 1, 3, 7, 15
 * s and so on: what it reads back, and how long the child waits.
 */
u8 rill_defer_tries(int seconds)
{
	int step = 1, sum = 1;
	u8 tries = 1;

	if (seconds <= 0)
		return 0;
	for (; sum < seconds && tries < U8_MAX; tries++) {
		step = min(2 * step, RILL_DEFER_MAX);
		sum += step;
	}
	return tries;
}

int rill_defer_seconds(u8 tries)
{
	int step = 1, sum = 0;

	for (; tries; tries--) {
		sum += step;
		step = min(2 * step, RILL_DEFER_MAX);
	}
	return sum;
}

/*
 * Let @child, locked and new, wait for its first data.  Its `queue` reference goes
 * with it.  False: too many wait, or the listener is closing.
 */
bool rill_defer_add(struct sock *sk, struct sock *child)
{
	struct rill_sock *rs = rill_sk(sk), *crs = rill_sk(child);
	bool room;

	spin_lock_bh(&rs->accept_lock);
	room = rs->accept_open && rs->ndeferred <= READ_ONCE(sk->sk_max_ack_backlog);
	if (room) {
		list_add_tail(&crs->accept_node, &rs->defer_q);
		rs->ndeferred++;
	}
	spin_unlock_bh(&rs->accept_lock);
	if (!room)
		return false;
	sock_hold(sk);		/* the `parent` reference */
	crs->parent = sk;
	crs->defer_at = rill_now() +
			rill_defer_seconds(READ_ONCE(rs->defer_accept)) * RILL_SEC;
	return true;
}

/* @child, locked, waits no longer: forget its listener. */
void rill_defer_forget(struct sock *child)
{
	struct rill_sock *crs = rill_sk(child);

	sock_put(crs->parent);
	crs->parent = NULL;
}

/* Data came, or the time is over: show @child, which is locked, to accept(). */
void rill_defer_done(struct sock *child)
{
	struct rill_sock *crs = rill_sk(child), *rs = rill_sk(crs->parent);
	struct sock *sk = crs->parent;
	bool open, full = false;

	spin_lock_bh(&rs->accept_lock);
	open = rs->accept_open;
	if (open) {
		full = rill_accept_full(sk);
		if (full) {
			crs->defer_at = rill_now() + RILL_DEFER_RETRY;
		} else {
			list_move_tail(&crs->accept_node, &rs->accept_q);
			rs->ndeferred--;
			sk_acceptq_added(sk);
		}
	}
	spin_unlock_bh(&rs->accept_lock);
	if (!open || full)
		return;
	sk->sk_data_ready(sk);
	rill_defer_forget(child);
}

/* The connection of @child, which is locked, ended before anyone heard of it. */
void rill_defer_drop(struct sock *child)
{
	struct rill_sock *crs = rill_sk(child), *rs = rill_sk(crs->parent);
	bool open;

	spin_lock_bh(&rs->accept_lock);
	open = rs->accept_open;
	if (open) {
		list_del_init(&crs->accept_node);
		rs->ndeferred--;
	}
	spin_unlock_bh(&rs->accept_lock);
	if (!open)
		return;
	rill_defer_forget(child);
	sock_orphan(child);
	__sock_put(child);	/* the queue's; the caller has his own */
}
