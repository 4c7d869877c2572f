// SPDX-License-Identifier: GPL-2.0
/*
 * output.c - what the engine asks of Linux.
 *
 * Owns rill_apply(), the whole effect of an engine call on the socket: counts,
 * memory, wake-ups, states, the timer; and rill_output(), which carries packets
 * until the engine has no more.
 */
#include "carrier.h"

/*
 * Bytes of a socket below us, in queues and the device, at which output waits:
 * enough to keep a fast device busy, few enough to keep queues short
 * (net.ipv4.tcp_limit_output_bytes).
 */
#define RILL_LIMIT_OUTPUT	(1 << 20)

/* The program can go on writing, or someone waits for the queue below. */
static void rill_output_kicked(struct tasklet_struct *t)
{
	struct rill_sock *rs = from_tasklet(rs, t, kick);
	struct sock *sk = &rs->inet.sk;

	clear_bit(RILL_D_KICKED, &rs->deferred);
	bh_lock_sock(sk);
	if (sock_owned_by_user(sk))
		set_bit(RILL_D_OUTPUT, &rs->deferred);
	else
		rill_output(sk);
	bh_unlock_sock(sk);
	sock_put(sk);
}

void rill_output_init(struct sock *sk)
{
	tasklet_setup(&rill_sk(sk)->kick, rill_output_kicked);
}

/* The queue below has let go of a packet.  Any context, no lock held. */
void rill_output_resume(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);

	if (!READ_ONCE(rs->throttled) ||
	    refcount_read(&sk->sk_wmem_alloc) > RILL_LIMIT_OUTPUT / 2 ||
	    test_and_set_bit(RILL_D_KICKED, &rs->deferred))
		return;
	/* The last packet of a dying socket needs no more output. */
	if (!refcount_inc_not_zero(&sk->sk_refcnt)) {
		clear_bit(RILL_D_KICKED, &rs->deferred);
		return;
	}
	tasklet_schedule(&rs->kick);
}

/* The route's packet size changed, or what may fill a packet did. */
void rill_sync_mss(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);
	struct dst_entry *dst = __sk_dst_get(sk);
	u32 over = RILL_HDR, mtu, base;

	/* Before the connection begins there is no window to fit. */
	if (!dst || !rs->conn.cc.ops)
		return;
	mtu = dst_mtu(dst);
	rs->dst_mtu = mtu;
	over += rill_is_v4(&sk->sk_v6_daddr) ? RILL_OVERHEAD4 : RILL_OVERHEAD6;
	/*
	 * What ICMP has told the route of paths narrower than the base is not
	 * believed: it may be forged, and only costs fragments.
	 */
	base = min_t(u32, RILL_PAYLOAD_BASE + over, READ_ONCE(dst->dev->mtu));
	mtu = max(mtu, base);
	rill_conn_set_payload(&rs->conn, mtu > over + RILL_PAYLOAD_MIN ?
			      min_t(u32, mtu - over, RILL_PAYLOAD_MAX) : RILL_PAYLOAD_MIN);
}

/*
 * A packet made without a connection, back to where @to came from.
 * @lsk: the listener that answers, NULL: nobody
 */
int rill_send_reply(struct rill_udp *udp, const struct sock *lsk, struct sk_buff *to,
		    const u8 *b, u16 len)
{
	struct sk_buff *skb = alloc_skb(MAX_HEADER + RILL_OVERHEAD6 + len,
					GFP_ATOMIC | __GFP_NOWARN);

	if (!skb)
		return -ENOMEM;
	skb_reserve(skb, MAX_HEADER + RILL_OVERHEAD6);
	skb_put_data(skb, b, len);
	rill_mib_inc(udp->rn, RILL_MIB_OUTPKTS);
	return rill_udp_reply(udp, lsk, to, skb);
}

/* Carry what the engine chose.  0, or why it could not leave. */
static int rill_transmit(struct sock *sk, struct rill_tx *tx, u64 now, struct rill_out *out)
{
	struct rill_sock *rs = rill_sk(sk);
	struct rill_rec *rec = NULL;
	struct dst_entry *dst;
	struct rill_way way;
	struct sk_buff *skb;

	dst = rill_route(sk);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	if (tx->eliciting) {
		rec = kmem_cache_alloc(rill_rec_cache, GFP_ATOMIC | __GFP_NOWARN);
		if (!rec)
			goto nomem;
	}
	skb = rill_run_skb(sk, tx, LL_RESERVED_SPACE(dst->dev) + RILL_OVERHEAD6);
	if (!skb)
		goto nomem;
	skb_set_owner_w(skb, sk);
	skb->priority = READ_ONCE(sk->sk_priority);
	skb->mark = READ_ONCE(sk->sk_mark);
	skb_set_hash_from_sk(skb, sk);
	if (tx->run) {
		u64 from = tx->run->off + (u32)tx->first * tx->run->plen;

		rs->last_data_sent = now;
		rill_stamp_sent(sk, skb, from, from + tx->bytes);
	}
	rill_conn_sent(&rs->conn, tx, rec, now, out);
	rill_way_of(sk, &way);
	rill_udp_xmit(sk, &way, dst, skb, tx->n,
		      tx->run ? tx->run->plen + RILL_HDR : skb->len, tx->ecn);
	return 0;
nomem:
	if (rec)
		kmem_cache_free(rill_rec_cache, rec);
	dst_release(dst);
	return -ENOMEM;
}

/* May trains leave by @dst?  `ethtool -K DEV gso off` says no, as it does to TCP. */
static bool rill_can_gso(const struct dst_entry *dst)
{
	return dst && !dst_xfrm(dst) && dst->dev->features & NETIF_F_GSO;
}

/* The most packets of a run that one skb carries. */
static void rill_output_trim(struct sock *sk, struct rill_tx *tx)
{
	bool single = !tx->fresh || tx->ext.len || !rill_can_gso(__sk_dst_get(sk)) ||
		      tx->run->plen > rill_sk(sk)->conn.payload ||
		      tx->run->flags & RILL_RUN_FLAT;

	if (single && tx->n > 1)
		rill_tx_trim(tx, 1);
}

/* Is the queue below full?  Then rill_output_resume() goes on. */
static bool rill_output_full(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);

	if (refcount_read(&sk->sk_wmem_alloc) <= RILL_LIMIT_OUTPUT)
		return false;
	WRITE_ONCE(rs->throttled, true);
	/* It may have emptied between the test and the flag. */
	smp_mb();
	if (refcount_read(&sk->sk_wmem_alloc) > RILL_LIMIT_OUTPUT)
		return true;
	WRITE_ONCE(rs->throttled, false);
	return false;
}

/* SO_MAX_PACING_RATE: the kernel's core stores it and does not tell us. */
static void rill_pace_config(struct sock *sk)
{
	unsigned long rate = READ_ONCE(sk->sk_max_pacing_rate);
	bool fq = smp_load_acquire(&sk->sk_pacing_status) == SK_PACING_FQ;

	rill_sk(sk)->conn.pace.cap = rate == ~0UL || fq ? 0 : rate;
	WRITE_ONCE(sk->sk_pacing_rate, rate);
}

/* Carry packets until the engine has none, or the queue below is full. */
static void rill_output_loop(struct sock *sk, struct rill_out *out)
{
	struct rill_sock *rs = rill_sk(sk);
	struct rill_tx tx;
	u64 now = rill_now();
	int err;

	rs->throttled = false;
	rill_pace_config(sk);
	local_bh_disable();
	for (;;) {
		rill_conn_poll_tx(&rs->conn, now, &tx, out);
		if (tx.kind != RILL_TX_SEND)
			break;
		/* What carries an acknowledgement is one packet, and due. */
		if (tx.run && !tx.ext.len && rill_output_full(sk))
			break;
		if (tx.run)
			rill_output_trim(sk, &tx);
		err = rill_transmit(sk, &tx, now, out);
		if (err) {
			rill_mib_inc(rill_sk_net(sk), RILL_MIB_TXERRORS);
			rill_conn_not_sent(&rs->conn, &tx, -err, now, out);
			break;
		}
	}
	local_bh_enable();
}

/* Memory the engine is done with. */
void rill_reclaim(struct sock *sk)
{
	struct rill_send *tx = &rill_sk(sk)->conn.tx;
	struct rill_run *run, *nrun;
	struct rill_rec *rec, *nrec;

	list_for_each_entry_safe(rec, nrec, &tx->done_recs, node) {
		list_del(&rec->node);
		kmem_cache_free(rill_rec_cache, rec);
	}
	list_for_each_entry_safe(run, nrun, &tx->done_runs, node) {
		list_del(&run->node);
		rill_run_free(sk, run);
	}
}

static void rill_apply_counts(struct sock *sk, const struct rill_out *out)
{
	struct rill_net *rn = rill_sk_net(sk);
	u8 i;

	for (i = 0; i < out->ncount; i++)
		rill_mib_add(rn, out->count[i].mib, out->count[i].n);
}

/* Room beyond two windows for what a program writes meanwhile, at least; bytes. */
#define RILL_SNDBUF_SPARE	65536

/*
 * The send buffer follows the window (tcp_sndbuf_expand()): what is in flight,
 * as much again to fill the next, and the layout's overhead.
 */
static void rill_expand_sndbuf(struct sock *sk)
{
	const struct rill_cc *cc = &rill_sk(sk)->conn.cc;
	u64 want = 2 * cc->cwnd + max_t(u64, cc->cwnd / 2, RILL_SNDBUF_SPARE);

	if (sk->sk_userlocks & SOCK_SNDBUF_LOCK || want <= sk->sk_sndbuf ||
	    sk_under_memory_pressure(sk))
		return;
	WRITE_ONCE(sk->sk_sndbuf, min_t(u64, want, READ_ONCE(rill_sk_net(sk)->wmem[2])));
}

/* The receive buffer follows the credit given. */
static void rill_expand_rcvbuf(struct sock *sk)
{
	u32 want = 2 * rill_sk(sk)->conn.rx.wnd;

	if (!(sk->sk_userlocks & SOCK_RCVBUF_LOCK) && want > sk->sk_rcvbuf)
		WRITE_ONCE(sk->sk_rcvbuf, want);
}

/* The connection ended: nothing more will come or go. */
static void rill_apply_end(struct sock *sk, const struct rill_out *out)
{
	if (rill_sk(sk)->parent)
		rill_defer_drop(sk);
	rill_unhash(sk);
	rill_tomb_make(sk, rill_now());
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	if (out->bits & RILL_B_RESET) {
		WRITE_ONCE(sk->sk_err, out->err);
		/* Pairs with the read of sk_err in rill_poll(). */
		smp_wmb();
		if (!sock_flag(sk, SOCK_DEAD))
			sk_error_report(sk);
	}
	rill_timer_stop(sk);
	/* Others may have the port before the program closes the socket. */
	rill_port_return(sk);
	if (sock_flag(sk, SOCK_DEAD))
		rill_destroy(sk);
	else
		sk->sk_state_change(sk);
}

/* Wake-ups that states bring. */
static void rill_apply_state(struct sock *sk, const struct rill_out *out)
{
	struct rill_sock *rs = rill_sk(sk);
	bool fin = rill_recv_fin(&rs->conn.rx) && !sock_flag(sk, SOCK_DONE) &&
		   rs->conn.state != RILL_CLOSE;

	rill_set_state(sk, rill_sk_state(&rs->conn));
	if (rs->conn.state == RILL_ESTABLISHED)
		rill_expand_sndbuf(sk);
	if (fin) {
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | RCV_SHUTDOWN);
		sock_set_flag(sk, SOCK_DONE);
	}
	if (sock_flag(sk, SOCK_DEAD))
		return;
	if (out->bits & RILL_B_CONNECTED) {
		sk->sk_state_change(sk);
		sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);
	} else if (fin) {
		sk->sk_state_change(sk);
		/* A half-open stream is still readable, an ended one is not. */
		sk_wake_async(sk, SOCK_WAKE_WAITD, sk->sk_shutdown == SHUTDOWN_MASK ?
			      POLL_HUP : POLL_IN);
	} else if (!(out->bits & (RILL_B_RESET | RILL_B_TOMB))) {
		sk->sk_state_change(sk);
	}
}

/*
 * rill_apply() - everything an engine call asks for.  The socket is locked.
 *
 * May end the socket's life: callers hold a reference and touch only the lock
 * afterwards.
 */
void rill_apply(struct sock *sk, struct rill_out *out)
{
	struct rill_sock *rs = rill_sk(sk);

	if (unlikely(out->bits & RILL_B_RECUT))
		rill_recut(sk);
	if (out->bits & RILL_B_TX)
		rill_output_loop(sk, out);
	rill_apply_counts(sk, out);
	rill_stamps_acked(sk, rs->conn.tx.una);
	rill_reclaim(sk);
	if (out->bits & RILL_B_CREDIT)
		rill_expand_rcvbuf(sk);
	if (out->bits & RILL_B_TOKEN)
		rill_fast_remember(sk);
	if (unlikely(rs->fast_listener) &&
	    (rs->conn.confirmed || rs->conn.state == RILL_CLOSE))
		rill_fast_settle(sk);
	if (out->bits & RILL_B_STATE)
		rill_apply_state(sk, out);
	if (unlikely(rs->parent) && out->bits & RILL_B_READABLE)
		rill_defer_done(sk);
	if (out->bits & RILL_B_READABLE && !sock_flag(sk, SOCK_DEAD))
		rill_data_ready(sk);
	if (out->bits & RILL_B_WRITABLE)
		rill_expand_sndbuf(sk);
	/* What has left no longer counts against RILL_NOTSENT_LOWAT. */
	if (out->bits & (RILL_B_WRITABLE | RILL_B_TX) && !sock_flag(sk, SOCK_DEAD))
		rill_check_space(sk);
	if (out->bits & (RILL_B_RESET | RILL_B_TOMB))
		rill_apply_end(sk, out);
	else
		rill_timer_sync(sk);
}

/* Something was queued, or room came: send what may be sent.  Socket locked. */
void rill_output(struct sock *sk)
{
	struct rill_out out;

	rill_out_init(&out);
	out.bits = RILL_B_TX;
	rill_apply(sk, &out);
}

/* The owner lets go: do what softirq left for it. */
void rill_release_cb(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);

	if (!READ_ONCE(rs->deferred))
		return;
	if (test_and_clear_bit(RILL_D_TIMER, &rs->deferred))
		rill_timer_run(sk);
	if (test_and_clear_bit(RILL_D_ICMP, &rs->deferred))
		rill_rcv_icmp(sk, rs->icmp_err, rs->icmp_mtu);
	if (test_and_clear_bit(RILL_D_OUTPUT, &rs->deferred))
		rill_output(sk);
}
