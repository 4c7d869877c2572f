// SPDX-License-Identifier: GPL-2.0
/*
 * recvmsg.c - bytes on their way in: from skbs to the program.
 *
 * Owns the queues of received skbs.  Each holds a train of packets, described
 * in its cb, from some stream offset on; sk_receive_queue is in order, rs->ooo
 * (an rbtree by offset) is what came ahead of a gap.  Trains may overlap where
 * bytes were sent again; what is read already is skipped.
 */
#include <linux/net_tstamp.h>
#include <linux/tcp.h>
#include <net/busy_poll.h>
#include "sock.h"

/* A payload this small is copied together with its neighbours: see below. */
#define RILL_SMALL	512
#define RILL_COLLECT	(4096 - SKB_DATA_ALIGN(sizeof(struct skb_shared_info)))

/* Bytes that can be read now. */
u64 rill_inq(const struct sock *sk)
{
	const struct rill_recv *r = &rill_sk(sk)->conn.rx;

	return r->nxt - r->read;
}

/* Bytes left, for io_uring and RILL_INQ: more than 0 if another read finds something. */
static int rill_inq_hint(struct sock *sk)
{
	u64 inq = sk->sk_type == SOCK_SEQPACKET ? rill_record_inq(sk) : rill_inq(sk);

	return inq || !sock_flag(sk, SOCK_DONE) ? min_t(u64, inq, INT_MAX) : 1;
}

/*
 * Is there room for @skb?  Reserves the memory it takes.
 *
 * Credit is half the buffer and cannot be taken back, even if the buffer shrinks,
 * and small packets cost more memory than they carry: up to twice is kept before
 * what was asked for is refused.  What comes @ahead of a gap gets half of that, and what the
 * program waits for always has room, or neither could ever go on.
 */
bool rill_rcv_room(struct sock *sk, struct sk_buff *skb, bool ahead)
{
	const struct rill_recv *r = &rill_sk(sk)->conn.rx;
	/* The program may have gone beyond it, over records that were given up. */
	u64 given = max_t(s64, r->wnd, r->credit - r->read);
	u32 limit = max_t(u32, READ_ONCE(sk->sk_rcvbuf), min_t(u64, 2 * given, INT_MAX));

	if (!ahead)
		limit = min_t(u32, 2 * limit, INT_MAX);
	if (atomic_read(&sk->sk_rmem_alloc) > limit && (ahead || rill_recv_ready(r)))
		return false;
	return sk_rmem_schedule(sk, skb, skb->truesize);
}

/* Put @skb among those beyond a gap. */
static void rill_ooo_insert(struct sock *sk, struct sk_buff *skb)
{
	struct rb_node **p = &rill_sk(sk)->ooo.rb_node, *parent = NULL;
	u64 off = rill_cb(skb)->off;

	while (*p) {
		parent = *p;
		if (off < rill_cb(rb_to_skb(parent))->off)
			p = &parent->rb_left;
		else
			p = &parent->rb_right;
	}
	rb_link_node(&skb->rbnode, parent, p);
	rb_insert_color(&skb->rbnode, &rill_sk(sk)->ooo);
	skb_set_owner_r(skb, sk);
}

static struct sk_buff *rill_ooo_first(struct sock *sk)
{
	struct rb_node *node = rb_first(&rill_sk(sk)->ooo);

	return node ? rb_to_skb(node) : NULL;
}

static void rill_ooo_unlink(struct sock *sk, struct sk_buff *skb)
{
	rb_erase(&skb->rbnode, &rill_sk(sk)->ooo);
	RB_CLEAR_NODE(&skb->rbnode);
	/* It shares its memory with dev, next and prev. */
	skb->dev = NULL;
}

/*
 * Small payloads cost an skb each, a thousand bytes and more for a few: while
 * the buffer is filling, copy them together.  True: @skb is done with.
 */
static bool rill_collect(struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff *tail = skb_peek_tail(&sk->sk_receive_queue);
	struct rill_skb_cb *cb = rill_cb(skb), *tcb;

	if (cb->len > RILL_SMALL || !tail ||
	    atomic_read(&sk->sk_rmem_alloc) < sk->sk_rcvbuf / 4)
		return false;
	tcb = rill_cb(tail);
	if (!tcb->collect || skb_tailroom(tail) < cb->len || tcb->off + tcb->len != cb->off) {
		struct sk_buff *fresh;

		fresh = alloc_skb(RILL_COLLECT, GFP_ATOMIC | __GFP_NOWARN);
		if (!fresh || !sk_rmem_schedule(sk, fresh, fresh->truesize)) {
			kfree_skb(fresh);
			return false;
		}
		tail = fresh;
		tcb = rill_cb(tail);
		*tcb = (struct rill_skb_cb){ .off = cb->off, .n = 1, .collect = true };
		skb_set_owner_r(tail, sk);
		__skb_queue_tail(&sk->sk_receive_queue, tail);
	}
	if (WARN_ON_ONCE(skb_copy_bits(skb, cb->start, skb_put(tail, cb->len), cb->len)))
		return false;
	tcb->len += cb->len;
	tcb->plen = tcb->len;
	kfree_skb(skb);
	return true;
}

/*
 * Keep the bytes of @skb, whose cb says where they belong.
 * @ahead: they come beyond a gap
 */
void rill_rcv_queue(struct sock *sk, struct sk_buff *skb, bool ahead)
{
	if (ahead) {
		rill_ooo_insert(sk, skb);
		return;
	}
	if (rill_cb(skb)->n > 1 || !rill_collect(sk, skb)) {
		skb_set_owner_r(skb, sk);
		__skb_queue_tail(&sk->sk_receive_queue, skb);
	}
	rill_rcv_join(sk);
}

/* A gap may be filled now: what lies behind it is in order. */
void rill_rcv_join(struct sock *sk)
{
	u64 nxt = rill_sk(sk)->conn.rx.nxt;
	struct sk_buff *skb;

	while ((skb = rill_ooo_first(sk)) && rill_cb(skb)->off < nxt) {
		rill_ooo_unlink(sk, skb);
		__skb_queue_tail(&sk->sk_receive_queue, skb);
	}
}

/* Nobody will read what is queued. */
void rill_rcv_purge(struct sock *sk)
{
	struct sk_buff *skb;

	__skb_queue_purge(&sk->sk_receive_queue);
	while ((skb = rill_ooo_first(sk))) {
		rill_ooo_unlink(sk, skb);
		kfree_skb(skb);
	}
}

/* A place in the fragments of an skb. */
struct rill_frag_pos {
	const skb_frag_t *frag;
	u32	off;		/* in it */
};

static void rill_frag_move(struct rill_frag_pos *p, u32 n)
{
	for (p->off += n; p->off && p->off >= skb_frag_size(p->frag); p->frag++)
		p->off -= skb_frag_size(p->frag);
}

/* Copy @n bytes at @p to @to and move behind them; false: a fault. */
static bool rill_frag_copy(struct rill_frag_pos *p, struct iov_iter *to, u32 n)
{
	while (n) {
		u32 part = min(n, skb_frag_size(p->frag) - p->off);

		/* By address: to a pipe a page would go as if from the page cache. */
		if (copy_to_iter(skb_frag_address(p->frag) + p->off, part, to) != part)
			return false;
		n -= part;
		rill_frag_move(p, part);
	}
	return true;
}

/*
 * Copy @len payload bytes of @skb, from its @skip-th on, to @msg.  A train whose
 * bytes all are in page fragments is walked once; what GRO chained is looked up
 * packet by packet.
 */
int rill_copy_out(struct sk_buff *skb, u32 skip, struct msghdr *msg, u32 len)
{
	struct rill_skb_cb *cb = rill_cb(skb);
	u32 plen = cb->n > 1 ? cb->plen : cb->len, i = skip / plen;
	u32 pos = cb->start + i * cb->stride;
	bool frags = pos >= skb_headlen(skb) && !skb_has_frag_list(skb) &&
		     !IS_ENABLED(CONFIG_HIGHMEM);
	struct rill_frag_pos p = { .frag = skb_shinfo(skb)->frags };

	skip -= i * plen;
	if (frags)
		rill_frag_move(&p, pos + skip - skb_headlen(skb));
	while (len) {
		u32 n = min(len, plen - skip);

		if (frags ? !rill_frag_copy(&p, &msg->msg_iter, n) :
			    skb_copy_datagram_msg(skb, pos + skip, msg, n))
			return -EFAULT;
		len -= n;
		skip = 0;
		pos += cb->stride;
		if (frags && len)
			rill_frag_move(&p, cb->stride - plen);
	}
	return 0;
}

/* The queued skb that holds stream offset @seq, and how far in; NULL: none. */
struct sk_buff *rill_rcv_find(struct sock *sk, u64 seq, u32 *skip)
{
	struct sk_buff *skb;

	skb_queue_walk(&sk->sk_receive_queue, skb) {
		struct rill_skb_cb *cb = rill_cb(skb);

		if (seq < cb->off + cb->len) {
			*skip = seq - cb->off;
			return skb;
		}
	}
	return NULL;
}

/* All below @seq was read: drop what is used up. */
void rill_rcv_eat(struct sock *sk, u64 seq)
{
	struct sk_buff *skb;

	while ((skb = skb_peek(&sk->sk_receive_queue)) &&
	       rill_cb(skb)->off + rill_cb(skb)->len <= seq) {
		__skb_unlink(skb, &sk->sk_receive_queue);
		kfree_skb(skb);
	}
}

/* The program took @bytes: give credit, perhaps tell the peer. */
void rill_rcv_took(struct sock *sk, u32 bytes)
{
	struct rill_sock *rs = rill_sk(sk);
	struct rill_out out;

	if (!bytes)
		return;
	/* SO_RCVBUF may have been set meanwhile; the core does not tell. */
	if (sk->sk_userlocks & SOCK_RCVBUF_LOCK)
		rill_window_sync(sk);
	rill_out_init(&out);
	rill_conn_read(&rs->conn, bytes, rill_now(), &out);
	if (out.bits)
		rill_apply(sk, &out);
}

/*
 * Why a reader with nothing copied should not wait: 1: end of stream, a negative
 * errno, or 0: wait.
 */
int rill_recv_end(struct sock *sk)
{
	if (sock_flag(sk, SOCK_DONE))
		return 1;
	if (sk->sk_err)
		return sock_error(sk);
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		return 1;
	/* Never connected, and no FIN was read. */
	if (sk->sk_state == TCP_CLOSE)
		return -ENOTCONN;
	return 0;
}

/*
 * The program has read of @skb: if it wants to know when that came, keep it in
 * *@stamped until the call is over.
 */
void rill_rcv_stamp(struct sock *sk, struct sk_buff *skb, struct sk_buff **stamped)
{
	u32 ts = READ_ONCE(sk->sk_tsflags);

	if (likely(!sock_flag(sk, SOCK_RCVTSTAMP) &&
		   !(ts & (SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RAW_HARDWARE))))
		return;
	/* It came before anyone asked for stamps. */
	if (!skb || !(skb->tstamp || skb_hwtstamps(skb)->hwtstamp))
		return;
	kfree_skb(*stamped);
	*stamped = skb_get(skb);
}

/* Deliver from the queue; the bytes taken, or -EFAULT if none were. */
static int rill_recv_some(struct sock *sk, struct msghdr *msg, u64 *seq, size_t len, int flags,
			  struct sk_buff **stamped)
{
	struct rill_recv *r = &rill_sk(sk)->conn.rx;
	struct sk_buff *skb;
	u32 skip, n, done = 0, took = 0;

	while (done < len && *seq < r->nxt) {
		skb = rill_rcv_find(sk, *seq, &skip);
		if (WARN_ON_ONCE(!skb))
			break;
		n = min_t(u64, len - done, rill_cb(skb)->len - skip);
		if (!(flags & MSG_TRUNC) && rill_copy_out(skb, skip, msg, n)) {
			rill_rcv_took(sk, took);
			return done ? done : -EFAULT;
		}
		*seq += n;
		done += n;
		rill_rcv_stamp(sk, skb, stamped);
		if (flags & MSG_PEEK)
			continue;
		rill_rcv_eat(sk, *seq);
		took += n;
		/* Once in a while in a long read, so that the peer goes on. */
		if (took >= r->wnd / 4) {
			rill_rcv_took(sk, took);
			took = 0;
		}
	}
	rill_rcv_took(sk, took);
	return done;
}

/*
 * Wait until something beyond @seq arrives, an end, a signal, or the time-out.  0,
 * or -EPIPE when another thread dissolved the connection (AF_UNSPEC) meanwhile.
 */
int rill_recv_wait(struct sock *sk, long *timeo, u64 seq)
{
	struct rill_recv *r = &rill_sk(sk)->conn.rx;
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	int ret;

	add_wait_queue(sk_sleep(sk), &wait);
	rill_sk(sk)->readers++;
	sk_set_bit(SOCKWQ_ASYNC_WAITDATA, sk);
	ret = sk_wait_event(sk, timeo, r->whole > seq || sk->sk_err ||
			    sk->sk_shutdown & RCV_SHUTDOWN || sk->sk_state == TCP_CLOSE, &wait);
	sk_clear_bit(SOCKWQ_ASYNC_WAITDATA, sk);
	rill_sk(sk)->readers--;
	remove_wait_queue(sk_sleep(sk), &wait);
	return min(ret, 0);
}

static int rill_recvmsg_locked(struct sock *sk, struct msghdr *msg, size_t len, int flags,
			       struct sk_buff **stamped)
{
	struct rill_sock *rs = rill_sk(sk);
	long timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	size_t target = sock_rcvlowat(sk, flags & MSG_WAITALL, len);
	u64 seq = rs->conn.rx.read;
	size_t copied = 0;
	int n;

	if (sk->sk_state == TCP_LISTEN)
		return -ENOTCONN;
	if (sk->sk_type == SOCK_SEQPACKET)
		return rill_record_recv(sk, msg, len, flags, stamped);
	for (;;) {
		n = rill_recv_some(sk, msg, &seq, len - copied, flags, stamped);
		if (n < 0)
			return copied ? copied : n;
		copied += n;
		/* Asked for nothing: wait for something all the same, as TCP does. */
		if (copied == len && (len || seq < rs->conn.rx.nxt))
			return copied;
		if (copied >= target && !READ_ONCE(sk->sk_backlog.tail))
			return copied;
		if (copied) {
			if (sk->sk_err || sk->sk_state == TCP_CLOSE ||
			    sk->sk_shutdown & RCV_SHUTDOWN || !timeo ||
			    signal_pending(current))
				return copied;
		} else {
			n = rill_recv_end(sk);
			if (n)
				return n < 0 ? n : 0;
			if (!timeo)
				return -EAGAIN;
			if (signal_pending(current))
				return sock_intr_errno(timeo);
		}
		if (copied >= target) {
			/* Take what came meanwhile, do not wait for more. */
			release_sock(sk);
			lock_sock(sk);
		} else {
			n = rill_recv_wait(sk, &timeo, seq);
			if (n)
				return copied ? copied : n;
		}
		/* Another thread may have read what we peeked at. */
		if (flags & MSG_PEEK ? seq < rs->conn.rx.read : seq != rs->conn.rx.read)
			seq = rs->conn.rx.read;
	}
}

/* recvmsg(2). */
int rill_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags)
{
	struct sk_buff *stamped = NULL;
	int n, inq = 0;

	if (unlikely(flags & MSG_ERRQUEUE))
		return rill_recv_error(sk, msg, len);
	if (unlikely(flags & MSG_OOB))
		return -EOPNOTSUPP;
	if (sk_can_busy_loop(sk) && skb_queue_empty_lockless(&sk->sk_receive_queue) &&
	    sk->sk_state == TCP_ESTABLISHED)
		sk_busy_loop(sk, flags & MSG_DONTWAIT);
	lock_sock(sk);
	n = rill_recvmsg_locked(sk, msg, len, flags, &stamped);
	if (msg->msg_get_inq || rill_sk(sk)->inq)
		inq = rill_inq_hint(sk);
	if (stamped)
		sock_recv_timestamp(msg, sk, stamped);
	kfree_skb(stamped);	/* its charge is the socket's: under the lock */
	release_sock(sk);
	if (msg->msg_get_inq)
		msg->msg_inq = inq;
	if (rill_sk(sk)->inq && n >= 0)
		put_cmsg(msg, SOL_TCP, TCP_CM_INQ, sizeof(inq), &inq);
	return n;
}
