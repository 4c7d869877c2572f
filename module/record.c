// SPDX-License-Identifier: GPL-2.0
/*
 * record.c - SOCK_SEQPACKET: what records are beyond bytes.
 *
 * Owns the prefix that says a record's length, sendmsg() and recvmsg() of one
 * record, and what goes with it as control messages: a lifetime one way, what was
 * given up the other.  On the wire a record is RILL_PREFIX bytes of the stream and then
 * its own; whole ones are told from parts by the engine (core/recv.h), which
 * has the prefixes read to it here.  How records are laid out to leave is in
 * sendmsg.c, where they lie when they have come in recvmsg.c.
 */
#include "sock.h"

/* Longest record to announce: what may be received if it fills the buffer alone. */
u32 rill_record_takes(const struct sock *sk)
{
	u32 most = max_t(u32, READ_ONCE(sk->sk_rcvbuf), READ_ONCE(rill_sk_net(sk)->rmem[2]));

	return min_t(u32, most / 2, RILL_RECORD_MAX);
}

/* Longest record that can be sent: what the send buffer may grow to, and the peer takes. */
static u32 rill_record_sends(const struct sock *sk)
{
	u32 most = READ_ONCE(sk->sk_sndbuf);

	if (!(sk->sk_userlocks & SOCK_SNDBUF_LOCK))
		most = max_t(u32, most, READ_ONCE(rill_sk_net(sk)->wmem[2]));
	return min(most, rill_sk(sk)->conn.peer.max_record);
}

/*
 * What control messages at SOL_RILL say; other levels are not ours.  0 or -EINVAL.
 * @ms: NULL: there is no record that could have a lifetime
 */
int rill_record_lifetime(struct msghdr *msg, u32 *ms)
{
	struct cmsghdr *cmsg;

	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level != SOL_RILL)
			continue;
		if (!ms || cmsg->cmsg_type != RILL_LIFETIME ||
		    cmsg->cmsg_len != CMSG_LEN(sizeof(*ms)))
			return -EINVAL;
		memcpy(ms, CMSG_DATA(cmsg), sizeof(*ms));
	}
	return 0;
}

/*
 * Queue a record, if there is room.  0, -EFAULT, or -ENOMEM: wait.
 * @lifetime: ms from now on, 0: none
 */
static int rill_record_try(struct sock *sk, struct msghdr *msg, u32 len, u32 lifetime,
			   struct rill_out *out)
{
	struct iov_iter from = msg->msg_iter;
	struct rill_life *life = NULL;
	int err;

	if (!sk_stream_memory_free(sk))
		return -ENOMEM;
	if (lifetime) {
		life = rill_life_new(sk);
		if (!life)
			return -ENOMEM;
	}
	err = rill_lay_record(sk, &from, len, out);
	if (err) {
		if (life)
			rill_life_free(sk, life);
		return err;
	}
	msg->msg_iter = from;
	rill_conn_record(&rill_sk(sk)->conn, RILL_PREFIX + len, life,
			 rill_now() + lifetime * RILL_MSEC);
	return 0;
}

/*
 * Queue one record, whole or not at all.  As with AF_UNIX one goes in while the
 * buffer is not full, however long it is: else poll() would report room that
 * send() does not find.
 */
static int rill_record_queue(struct sock *sk, struct msghdr *msg, u32 len, u32 lifetime,
			     long timeo, struct rill_out *out)
{
	int err;

	for (;;) {
		err = rill_record_try(sk, msg, len, lifetime, out);
		if (err != -ENOMEM)
			return err;
		set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		err = sk_stream_wait_memory(sk, &timeo);
		if (!err)
			err = rill_send_check(sk);
		if (err)
			return err;
	}
}

/*
 * sendmsg(2) of a record; the socket is locked.  Each call is a record of its own:
 * MSG_EOR is implied, and MSG_MORE says, as with SCTP, that another comes soon.
 */
int rill_record_send(struct sock *sk, struct msghdr *msg, size_t len)
{
	long timeo = sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT);
	struct rill_out out;
	u32 lifetime = 0, tsflags;
	int err;

	/* The first packet has no room for any record there may be. */
	if (msg->msg_flags & MSG_FASTOPEN)
		return -EOPNOTSUPP;
	rill_out_init(&out);
	sk_clear_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	err = rill_send_ready(sk, &timeo);
	if (!err)
		err = rill_send_control(sk, msg, &lifetime, &tsflags);
	if (!err && len > rill_record_sends(sk))
		err = -EMSGSIZE;
	if (!err)
		err = rill_record_queue(sk, msg, len, lifetime, timeo, &out);
	if (err)
		return rill_send_failed(sk, msg->msg_flags, err);
	rill_stamp_write(sk, tsflags, rill_sk(sk)->conn.tx.end - RILL_PREFIX - len);
	rill_push(sk, msg->msg_flags, &out);
	return len;
}

/* The queued skb that holds stream offset @seq: @skb or one behind it; NULL: from the end. */
static struct sk_buff *rill_record_at(struct sock *sk, struct sk_buff *skb, u64 seq)
{
	if (!skb) {
		skb_queue_reverse_walk(&sk->sk_receive_queue, skb)
			if (rill_cb(skb)->off <= seq && seq < rill_cb(skb)->off + rill_cb(skb)->len)
				return skb;
		return NULL;
	}
	skb_queue_walk_from(&sk->sk_receive_queue, skb)
		if (seq < rill_cb(skb)->off + rill_cb(skb)->len)
			return skb;
	return NULL;
}

/* The prefix at stream offset @seq; *@at is where the last one was found.  False: not there. */
static bool rill_record_prefix(struct sock *sk, struct sk_buff **at, u64 seq, u32 *len)
{
	u8 b[RILL_PREFIX];
	u32 got, n;

	for (got = 0; got < sizeof(b); got += n) {
		struct sk_buff *skb = rill_record_at(sk, *at, seq + got);
		const struct rill_skb_cb *cb;
		u32 skip, i;

		if (!skb)
			return false;
		*at = skb;
		cb = rill_cb(skb);
		skip = seq + got - cb->off;
		i = cb->n > 1 ? skip / cb->plen : 0;
		skip -= i * cb->plen;
		n = min_t(u32, sizeof(b) - got, (cb->n > 1 && i + 1 < cb->n ? cb->plen :
						 cb->len - i * cb->plen) - skip);
		if (skb_copy_bits(skb, cb->start + i * cb->stride + skip, b + got, n))
			return false;
	}
	*len = get_unaligned_be32(b);
	return true;
}

/*
 * A packet came: read the engine the prefixes among what is queued.
 * @skip: it told of records given up
 */
void rill_record_scan(struct sock *sk, bool skip, u64 now, struct rill_out *out)
{
	struct rill_conn *c = &rill_sk(sk)->conn;
	struct sk_buff *at = NULL;
	u32 len;

	if (skip) {
		rill_rcv_join(sk);
		rill_rcv_eat(sk, c->rx.read);
	}
	while (rill_conn_wants(c)) {
		if (WARN_ON_ONCE(!rill_record_prefix(sk, &at, c->rx.whole, &len)))
			break;
		rill_conn_prefix(c, len, now, out);
	}
}

/* Copy @len bytes of the stream at @seq to @msg.  0 or -EFAULT. */
static int rill_record_copy(struct sock *sk, struct msghdr *msg, u64 seq, u32 len)
{
	struct sk_buff *skb = skb_peek(&sk->sk_receive_queue);
	u32 skip, n;

	for (; len; len -= n, seq += n) {
		skb = rill_record_at(sk, skb, seq);
		if (WARN_ON_ONCE(!skb))
			return -EFAULT;
		skip = seq - rill_cb(skb)->off;
		n = min(len, rill_cb(skb)->len - skip);
		if (rill_copy_out(skb, skip, msg, n))
			return -EFAULT;
	}
	return 0;
}

/*
 * The size of the record at the head of the queue, which is whole.  False: its
 * prefix is not what it was.  A peer that sends a stretch of the stream twice, and
 * not the same, is the one to blame.  All that is there is what lies before the
 * next stretch given up.
 */
static bool rill_record_head(struct sock *sk, u32 *len)
{
	const struct rill_recv *r = &rill_sk(sk)->conn.rx;
	struct sk_buff *at = skb_peek(&sk->sk_receive_queue);
	u64 have = (r->gaps.passed ? r->gaps.v[0].from : r->whole) - r->read;

	return have >= RILL_PREFIX && rill_record_prefix(sk, &at, r->read, len) &&
	       *len <= have - RILL_PREFIX;
}

/* Bytes of the record to be read next; 0 if there is none. */
u32 rill_record_inq(struct sock *sk)
{
	u32 len;

	return rill_record_head(sk, &len) ? len : 0;
}

/* What is queued makes no sense: none of it will be read, and the connection ends. */
static int rill_record_broken(struct sock *sk)
{
	struct rill_conn *c = &rill_sk(sk)->conn;
	struct rill_out out;

	c->rx.whole = c->rx.read;
	rill_out_init(&out);
	rill_conn_bad_record(c, &out);
	rill_apply(sk, &out);
	sock_error(sk);
	return -EPROTO;
}

/* Tell how many records the peer gave up before what is received now. */
static void rill_record_tell(struct msghdr *msg, u32 lost)
{
	if (lost)
		put_cmsg(msg, SOL_RILL, RILL_GAP, sizeof(lost), &lost);
}

/*
 * Hand out the record at the head of the queue.  What does not fit is dropped,
 * and so is a record for a buffer that is not there: as AF_UNIX has it.
 */
static int rill_record_deliver(struct sock *sk, struct msghdr *msg, size_t size, int flags,
			       struct sk_buff **stamped)
{
	struct rill_recv *r = &rill_sk(sk)->conn.rx;
	u32 len, lost = r->lost;
	int err;

	if (!rill_record_head(sk, &len))
		return rill_record_broken(sk);
	if (size < len)
		msg->msg_flags |= MSG_TRUNC;
	size = min_t(size_t, size, len);
	err = rill_record_copy(sk, msg, r->read + RILL_PREFIX, size);
	rill_rcv_stamp(sk, rill_record_at(sk, NULL, r->read + RILL_PREFIX + len - 1), stamped);
	if (!(flags & MSG_PEEK)) {
		/* What comes with the next record begins where this one ends. */
		r->lost = err ? lost : 0;
		rill_rcv_took(sk, RILL_PREFIX + len);
		rill_rcv_eat(sk, r->read);
	}
	if (err)
		return err;
	rill_record_tell(msg, lost);
	msg->msg_flags |= MSG_EOR;
	return flags & MSG_TRUNC ? len : size;
}

/* recvmsg(2) of a record, one a call; the socket is locked. */
int rill_record_recv(struct sock *sk, struct msghdr *msg, size_t size, int flags,
		     struct sk_buff **stamped)
{
	struct rill_recv *r = &rill_sk(sk)->conn.rx;
	long timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	int err;

	while (!rill_recv_ready(r)) {
		err = rill_recv_end(sk);
		if (err < 0)
			return err;
		if (err) {
			rill_record_tell(msg, r->lost);
			if (!(flags & MSG_PEEK))
				r->lost = 0;
			return 0;
		}
		if (!timeo)
			return -EAGAIN;
		if (signal_pending(current))
			return sock_intr_errno(timeo);
		err = rill_recv_wait(sk, &timeo, r->read);
		if (err)
			return err;
	}
	return rill_record_deliver(sk, msg, size, flags, stamped);
}
