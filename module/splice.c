// SPDX-License-Identifier: GPL-2.0
/*
 * splice.c - splice(2) from a socket to a pipe, and the end of sendfile(2).
 *
 * Owns what goes to a pipe.  Payload that lies in pages goes by reference, the
 * headers beside it in the same page do not: the pipe's buffers hold offset and
 * length.  On one host the pages are the sender's own; nobody writes to them any
 * more, as a run's bytes are copied in once and stay (sendmsg.c), and the pipe
 * may not take the page for its own (nosteal_pipe_buf_ops).  Only what lies in an
 * skb's linear part, where small payloads are, is copied.
 *
 * Towards the socket sendfile(2) and splice(2) come as sendmsg(): see rill(7).
 */
#include "sock.h"

/*
 * Give @pipe what it takes of one packet in @skb: the one that holds byte @skip of
 * the skb's payload.  Returns the bytes, or a negative errno: -EAGAIN if the pipe
 * is full.
 */
static int rill_splice_packet(struct sock *sk, struct sk_buff *skb, u32 skip,
			      struct pipe_inode_info *pipe, size_t len, unsigned int flags)
{
	const struct rill_skb_cb *cb = rill_cb(skb);
	u32 plen = cb->n > 1 ? cb->plen : cb->len, in = skip % plen;
	u32 pos = cb->start + skip / plen * cb->stride + in;
	int n;

	len = min_t(size_t, len, min(plen - in, cb->len - skip));
	n = skb_splice_bits(skb, sk, pos, pipe, len, flags);
	/* Nothing, and no error: there was no page to copy to. */
	return n ? n : -ENOMEM;
}

/* Give @pipe what is queued; the bytes, 0: nothing is, or a negative errno. */
static ssize_t rill_splice_some(struct sock *sk, struct pipe_inode_info *pipe, size_t len,
				unsigned int flags)
{
	struct rill_recv *r = &rill_sk(sk)->conn.rx;
	struct sk_buff *skb;
	size_t done = 0;
	u32 skip;
	int n = 0;

	while (done < len && r->read + done < r->nxt) {
		skb = rill_rcv_find(sk, r->read + done, &skip);
		if (WARN_ON_ONCE(!skb))
			break;
		n = rill_splice_packet(sk, skb, skip, pipe, len - done, flags);
		if (n < 0)
			break;
		done += n;
		rill_rcv_eat(sk, r->read + done);
	}
	rill_rcv_took(sk, done);
	return done ? done : n;
}

/* As tcp_splice_read(): SO_RCVLOWAT and SPLICE_F_NONBLOCK do not count here. */
static ssize_t rill_splice_locked(struct sock *sk, struct pipe_inode_info *pipe, size_t len,
				  unsigned int flags, long timeo)
{
	ssize_t done = 0, n;

	if (sk->sk_state == TCP_LISTEN)
		return -ENOTCONN;
	while (done < len) {
		n = rill_splice_some(sk, pipe, len - done, flags);
		if (n < 0)
			return done ? done : n;
		done += n;
		if (done) {
			if (!n || !timeo)
				break;
			/* Take what came meanwhile, do not wait for more. */
			release_sock(sk);
			lock_sock(sk);
			if (signal_pending(current))
				break;
			continue;
		}
		n = rill_recv_end(sk);
		if (n)
			return n < 0 ? n : 0;
		if (!timeo)
			return -EAGAIN;
		n = rill_recv_wait(sk, &timeo, rill_sk(sk)->conn.rx.read);
		if (n)
			return n;
		if (signal_pending(current))
			return sock_intr_errno(timeo);
	}
	return done;
}

/* proto_ops.splice_read: splice(2) from the socket. */
ssize_t rill_splice_read(struct socket *sock, loff_t *ppos, struct pipe_inode_info *pipe,
			 size_t len, unsigned int flags)
{
	struct sock *sk = sock->sk;
	ssize_t n;

	if (*ppos)
		return -ESPIPE;
	sock_rps_record_flow(sk);
	lock_sock(sk);
	n = rill_splice_locked(sk, pipe, len, flags,
			       sock_rcvtimeo(sk, sock->file->f_flags & O_NONBLOCK));
	release_sock(sk);
	return n;
}

/* proto_ops.splice_eof: a sendfile(2) that had said "more" met the end of its file. */
void rill_splice_eof(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct rill_out out;

	lock_sock(sk);
	rill_out_init(&out);
	rill_conn_push(&rill_sk(sk)->conn, &out);
	rill_apply(sk, &out);
	release_sock(sk);
}
