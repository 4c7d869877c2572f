// SPDX-License-Identifier: GPL-2.0
/*
 * timer.c - the one timer of a socket.
 *
 * Owns the hrtimer that stands for the engine's deadline.  Deadlines move later
 * with almost every packet; the timer is left alone then, fires early, finds
 * nothing due and is armed again: once per round trip instead of per packet.
 *
 * An armed timer holds no reference: its handler takes one if there still is one
 * to take, and the destructor, a grace period after the last (SOCK_RCU_FREE),
 * waits for the handler.
 */
#include "sock.h"

/* The deadline may have come.  Socket locked. */
void rill_timer_run(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);
	u8 ptos = rs->conn.pto_count;
	u64 now = rill_now();
	struct rill_out out;

	rill_out_init(&out);
	rill_conn_timeout(&rs->conn, now, &out);
	if (rs->conn.pto_count > ptos)
		sk_rethink_txhash(sk);	/* SO_TXREHASH: perhaps another way is better */
	if (rs->parent && rs->defer_at <= now)
		rill_defer_done(sk);
	rill_apply(sk, &out);
}

static enum hrtimer_restart rill_timer_fn(struct hrtimer *timer)
{
	struct rill_sock *rs = container_of(timer, struct rill_sock, timer);
	struct sock *sk = &rs->inet.sk;

	if (!refcount_inc_not_zero(&sk->sk_refcnt))
		return HRTIMER_NORESTART;	/* on its way to the destructor */
	bh_lock_sock(sk);
	rs->timer_at = RILL_NEVER;
	if (!sock_owned_by_user(sk)) {
		rill_timer_run(sk);
	} else {
		set_bit(RILL_D_TIMER, &rs->deferred);
	}
	bh_unlock_sock(sk);
	sock_put(sk);
	return HRTIMER_NORESTART;
}

void rill_timer_init(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);

	hrtimer_setup(&rs->timer, rill_timer_fn, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_SOFT);
	rs->timer_at = RILL_NEVER;
}

static void rill_timer_arm(struct sock *sk, u64 at)
{
	struct rill_sock *rs = rill_sk(sk);

	rs->timer_at = at;
	hrtimer_start(&rs->timer, ns_to_ktime(at), HRTIMER_MODE_ABS_SOFT);
}

/* The deadline may have changed: see that the timer fires in time. */
void rill_timer_sync(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);
	u64 at = rill_conn_deadline(&rs->conn);

	if (rs->parent)
		at = min(at, rs->defer_at);
	if (at < rs->timer_at)
		rill_timer_arm(sk, at);
}

/* The socket is at its end and locked.  A handler that runs finds it so. */
void rill_timer_stop(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);

	hrtimer_try_to_cancel(&rs->timer);
	rs->timer_at = RILL_NEVER;
}
