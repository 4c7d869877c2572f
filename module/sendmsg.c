// SPDX-License-Identifier: GPL-2.0
/*
 * sendmsg.c - bytes on their way out: from the program into runs, from runs
 * into skbs.
 *
 * Owns the layout of a run.  User bytes are copied once, into page fragments
 * laid out as they will leave, with room for a header before every packet:
 *
 *	frag 0                                   frag 1
 *	+----+---------+----+---------+----+---  ---+----+---------+----+------+
 *	|hdr |payload 0|hdr |payload 1|hdr | pay load 2  |hdr  ...           |
 *	+----+---------+----+---------+----+---  ---+----+---------+----+------+
 *	`-- stride ----'                         packets may span fragments,
 *	                                         headers may not
 *
 * A first transmission writes its headers in place and sends the stretch as one
 * skb; a retransmission puts a fresh header in front of the same payload, since
 * the old skb may still sit in a queue.
 */
#include <linux/slab.h>
#include "sock.h"

/*
 * Fragments of a run: two 32 KiB pages hold 44 packets of 1,472 bytes, what a
 * train may hold; a third and fourth make up for pages begun elsewhere.
 */
#define RILL_RUN_FRAGS	4
#define RILL_RUN_BYTES	65507	/* UDP payload of one skb */

struct rill_txrun {
	struct rill_run run;
	u32	charged;	/* bytes charged to the socket */
	u8	nfrags;
	struct {
		struct page *page;
		u32	off, len;
	} frag[RILL_RUN_FRAGS];
};

static struct rill_txrun *rill_txrun(struct rill_run *run)
{
	return container_of(run, struct rill_txrun, run);
}

/* The engine is done with @run. */
void rill_run_free(struct sock *sk, struct rill_run *run)
{
	struct rill_txrun *t = rill_txrun(run);
	u8 i;

	if (run == &rill_sk(sk)->fin_run)
		return;
	if (run->flags & RILL_RUN_SKIP) {
		rill_life_free(sk, container_of(run, struct rill_life, skip));
		return;
	}
	for (i = 0; i < t->nfrags; i++)
		put_page(t->frag[i].page);
	rill_uncharge(sk, t->charged);
	kfree(t);
}

/* What is to be sent takes @bytes of the send buffer.  False: wait for memory. */
bool rill_charge(struct sock *sk, u32 bytes)
{
	if (!sk_wmem_schedule(sk, bytes))
		return false;
	sk_wmem_queued_add(sk, bytes);
	sk_mem_charge(sk, bytes);
	return true;
}

void rill_uncharge(struct sock *sk, u32 bytes)
{
	sk_wmem_queued_add(sk, -(int)bytes);
	sk_mem_uncharge(sk, bytes);
}

/* What a record that may be given up takes; NULL: wait for memory. */
struct rill_life *rill_life_new(struct sock *sk)
{
	struct rill_life *life = kmalloc(sizeof(*life), sk->sk_allocation);

	if (life && !rill_charge(sk, sizeof(*life))) {
		kfree(life);
		return NULL;
	}
	return life;
}

void rill_life_free(struct sock *sk, struct rill_life *life)
{
	rill_uncharge(sk, sizeof(*life));
	kfree(life);
}

static struct rill_txrun *rill_txrun_new(struct sock *sk, u16 plen)
{
	struct rill_txrun *t = kmalloc(sizeof(*t), sk->sk_allocation);

	if (!t)
		return NULL;
	if (!rill_charge(sk, sizeof(*t))) {
		kfree(t);
		return NULL;
	}
	memset(&t->run, 0, sizeof(t->run));
	INIT_LIST_HEAD(&t->run.node);
	t->run.plen = plen;
	t->charged = sizeof(*t);
	t->nfrags = 0;
	return t;
}

/* Does the free part of @pf begin where the layout ends? */
static bool rill_txrun_continues(const struct rill_txrun *t, const struct page_frag *pf)
{
	u8 i = t->nfrags;

	return i && t->frag[i - 1].page == pf->page &&
	       t->frag[i - 1].off + t->frag[i - 1].len == pf->offset;
}

/* Add @len bytes at the head of @pf to the layout; there is a fragment for it. */
static void rill_txrun_extend(struct rill_txrun *t, struct page_frag *pf, u32 len)
{
	u8 i = t->nfrags;

	if (rill_txrun_continues(t, pf)) {
		t->frag[i - 1].len += len;
	} else {
		get_page(pf->page);
		t->frag[i].page = pf->page;
		t->frag[i].off = pf->offset;
		t->frag[i].len = len;
		t->nfrags++;
	}
	pf->offset += len;
}

/* The most packets of @plen bytes that one run takes. */
static u32 rill_run_packets(u16 plen)
{
	return min_t(u32, RILL_RUN_MAX, RILL_RUN_BYTES / (plen + RILL_HDR));
}

/* Bytes of payload @t can still take: to the end of its last packet, or of all. */
static u32 rill_txrun_room(const struct rill_txrun *t)
{
	return rill_run_packets(t->run.plen) * t->run.plen - t->run.len;
}

/*
 * Payload bytes, at most @len, that fit into @avail bytes of layout behind what
 * @t holds; @hdrs: the headers that go between them.
 */
static u32 rill_layout_fit(const struct rill_txrun *t, u32 len, u32 avail, u32 *hdrs)
{
	u32 plen = t->run.plen, in = t->run.len % plen;
	u32 first = in ? min3(len, plen - in, avail) : 0;
	u32 whole, rest;

	*hdrs = 0;
	len -= first;
	avail -= first;
	if (!len || (in && first < plen - in))
		return first;
	whole = avail / (plen + RILL_HDR);
	rest = avail % (plen + RILL_HDR);
	len = min(len, whole * plen + (rest > RILL_HDR ? rest - RILL_HDR : 0));
	*hdrs = DIV_ROUND_UP(len, plen);
	return first + len;
}

/*
 * Copy @len bytes to the free part of @pf, leaving room for headers.  Returns
 * the bytes copied, whole packets only after a fault; @laid: with headers.
 */
static u32 rill_layout_copy(const struct rill_txrun *t, const struct page_frag *pf,
			    struct iov_iter *from, u32 len, u32 *laid)
{
	u32 plen = t->run.plen, in = t->run.len % plen, done, n, got;

	*laid = 0;
	for (done = 0; done < len; done += n) {
		u32 hdr = in ? 0 : RILL_HDR;

		n = min(len - done, plen - in);
		got = copy_page_from_iter(pf->page, pf->offset + *laid + hdr, n, from);
		if (got != n) {
			iov_iter_revert(from, got);
			break;
		}
		*laid += hdr + n;
		in = 0;
	}
	return done;
}

/*
 * Copy up to @len bytes of @from into @t, as one stretch of one fragment.
 * Returns the bytes copied, 0 when @t is full, or a negative errno: -EFAULT, or
 * -ENOMEM when the caller should wait for memory.
 */
static int rill_txrun_copy(struct sock *sk, struct rill_txrun *t, struct iov_iter *from, u32 len)
{
	struct page_frag *pf = sk_page_frag(sk);
	u32 hdrs, laid, done, bytes;

	len = min(len, rill_txrun_room(t));
	if (!len)
		return 0;
	if (!sk_page_frag_refill(sk, pf))
		return -ENOMEM;
	if (pf->size - pf->offset <= RILL_HDR) {
		/* A header must not span fragments: leave this scrap. */
		pf->offset = pf->size;
		if (!sk_page_frag_refill(sk, pf))
			return -ENOMEM;
	}
	if (t->nfrags == RILL_RUN_FRAGS && !rill_txrun_continues(t, pf))
		return 0;
	len = rill_layout_fit(t, len, pf->size - pf->offset, &hdrs);
	bytes = len + hdrs * RILL_HDR;
	if (!rill_charge(sk, bytes))
		return -ENOMEM;
	done = rill_layout_copy(t, pf, from, len, &laid);
	if (laid < bytes)
		rill_uncharge(sk, bytes - laid);
	t->charged += laid;
	if (laid)
		rill_txrun_extend(t, pf, laid);
	return done ? done : -EFAULT;
}

/* The run at the end of the stream, if more bytes may go into it. */
static struct rill_txrun *rill_tail_run(struct sock *sk)
{
	struct rill_conn *c = &rill_sk(sk)->conn;
	struct rill_run *run = rill_send_tail(&c->tx);

	if (!run || run->flags || run == &rill_sk(sk)->fin_run)
		return NULL;
	/* A packet larger than the path takes now must not grow. */
	return run->plen > c->payload ? NULL : rill_txrun(run);
}

/*
 * Copy bytes from @msg into @t until either ends, or the send buffer is full.
 * @out: NULL: @t is not in the stream yet
 * Returns the bytes moved; 0 or a negative errno only if none were.
 */
static int rill_fill_run(struct sock *sk, struct rill_txrun *t, struct msghdr *msg, u32 len,
			 struct rill_out *out)
{
	u32 done = 0;
	int n = 0;

	while (done < len && sk_stream_memory_free(sk)) {
		n = rill_txrun_copy(sk, t, &msg->msg_iter, len - done);
		if (n <= 0)
			break;
		done += n;
		if (out)
			rill_conn_grow(&rill_sk(sk)->conn, &t->run, n, out);
		else
			t->run.len += n;
	}
	return done ? done : n;
}

/* As rill_fill(), into a new run of packets of @plen bytes. */
static int rill_fill_new(struct sock *sk, struct msghdr *msg, u32 len, u16 plen,
			 struct rill_out *out)
{
	struct rill_txrun *t = rill_txrun_new(sk, plen);
	int n;

	if (!t)
		return -ENOMEM;
	n = rill_fill_run(sk, t, msg, len, NULL);
	if (n <= 0) {
		rill_run_free(sk, &t->run);
		return n ? n : -ENOMEM;
	}
	t->run.n = DIV_ROUND_UP(t->run.len, t->run.plen);
	rill_conn_write(&rill_sk(sk)->conn, &t->run, rill_now(), out);
	return n;
}

/*
 * Move bytes from @msg into the stream: the last run if it can grow, or else a
 * new one.  Returns the bytes moved, more than 0, or a negative errno.
 */
static int rill_fill(struct sock *sk, struct msghdr *msg, u32 len, struct rill_out *out)
{
	struct rill_conn *c = &rill_sk(sk)->conn;
	struct rill_txrun *t = rill_tail_run(sk);
	int n;

	if (t) {
		n = rill_fill_run(sk, t, msg, len, out);
		if (n)
			return n;
	}
	return rill_fill_new(sk, msg, len, c->payload, out);
}

/* The bytes that leave with the SYN: a run of one packet.  Returns as rill_fill(). */
int rill_fill_syn(struct sock *sk, struct msghdr *msg, size_t len, struct rill_out *out)
{
	u32 room = rill_fast_room(&rill_sk(sk)->conn);

	return len ? rill_fill_new(sk, msg, min_t(size_t, len, room), room, out) : 0;
}

/* A record on its way into the stream, which does not have it yet. */
struct rill_laying {
	struct rill_txrun *last;	/* takes what comes next */
	struct rill_txrun *tail;	/* the stream's last run, if the record begins in it */
	struct rill_txrun before;	/* what @tail was */
	struct list_head fresh;		/* runs of the record alone */
};

/* Lay out @len bytes of @from.  0, -EFAULT, or -ENOMEM: wait for memory. */
static int rill_lay_bytes(struct sock *sk, struct rill_laying *l, struct iov_iter *from, u32 len)
{
	int n;

	while (len) {
		n = l->last ? rill_txrun_copy(sk, l->last, from, len) : 0;
		if (n < 0)
			return n;
		if (n) {
			l->last->run.len += n;
			len -= n;
			continue;
		}
		l->last = rill_txrun_new(sk, rill_sk(sk)->conn.payload);
		if (!l->last)
			return -ENOMEM;
		list_add_tail(&l->last->run.node, &l->fresh);
	}
	return 0;
}

/* Nothing of the record stays. */
static void rill_lay_undo(struct sock *sk, struct rill_laying *l)
{
	struct rill_run *run, *next;
	u8 i;

	list_for_each_entry_safe(run, next, &l->fresh, node)
		rill_run_free(sk, run);
	if (!l->tail)
		return;
	for (i = l->before.nfrags; i < l->tail->nfrags; i++)
		put_page(l->tail->frag[i].page);
	rill_uncharge(sk, l->tail->charged - l->before.charged);
	*l->tail = l->before;
}

/* All of it is laid out: it becomes part of the stream. */
static void rill_lay_done(struct sock *sk, struct rill_laying *l, struct rill_out *out)
{
	struct rill_conn *c = &rill_sk(sk)->conn;
	struct rill_run *run, *next;

	if (l->tail) {
		u32 more = l->tail->run.len - l->before.run.len;

		l->tail->run.len = l->before.run.len;
		rill_conn_grow(c, &l->tail->run, more, out);
	}
	list_for_each_entry_safe(run, next, &l->fresh, node) {
		run->n = DIV_ROUND_UP(run->len, run->plen);
		rill_conn_write(c, run, rill_now(), out);
	}
}

/*
 * Put a record at the end of the stream: its prefix, then @len bytes of @from,
 * all or nothing.  0, -EFAULT, or -ENOMEM when the caller should wait for memory.
 */
int rill_lay_record(struct sock *sk, struct iov_iter *from, u32 len, struct rill_out *out)
{
	struct rill_laying l = { .fresh = LIST_HEAD_INIT(l.fresh) };
	u8 prefix[RILL_PREFIX];
	struct kvec vec = { prefix, sizeof(prefix) };
	struct iov_iter head;
	int err;

	l.tail = l.last = rill_tail_run(sk);
	if (l.tail)
		l.before = *l.tail;
	put_unaligned_be32(len, prefix);
	iov_iter_kvec(&head, ITER_SOURCE, &vec, 1, sizeof(prefix));
	err = rill_lay_bytes(sk, &l, &head, sizeof(prefix));
	if (!err)
		err = rill_lay_bytes(sk, &l, from, len);
	if (err)
		rill_lay_undo(sk, &l);
	else
		rill_lay_done(sk, &l, out);
	return err;
}

/* Errors that keep a program from sending, as tcp_sendmsg_locked() has them. */
int rill_send_check(struct sock *sk)
{
	if (sk->sk_err)
		return sock_error(sk);
	if (sk->sk_shutdown & SEND_SHUTDOWN)
		return -EPIPE;
	return 0;
}

/* Wait until the socket can take data.  0 or a negative errno. */
int rill_send_ready(struct sock *sk, long *timeo)
{
	int err;

	if (!((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT))) {
		err = sk_stream_wait_connect(sk, timeo);
		if (err)
			return err;
	}
	return rill_send_check(sk);
}

/*
 * Ancillary data must be such as a socket takes, as TCP sees to it.  0 or -EINVAL.
 * @lifetime: of a record, ms; left alone if there is none
 * @tsflags: the stamps that are wanted of this call
 */
int rill_send_control(struct sock *sk, struct msghdr *msg, u32 *lifetime, u32 *tsflags)
{
	struct sockcm_cookie sockc;
	int err;

	sockcm_init(&sockc, sk);
	*tsflags = sockc.tsflags;
	if (!msg->msg_controllen)
		return 0;
	err = sock_cmsg_send(sk, msg, &sockc) ? -EINVAL : rill_record_lifetime(msg, lifetime);
	*tsflags = sockc.tsflags;
	return err;
}

/* All that waits to be sent is one train with room for more. */
static bool rill_train_fills(struct sock *sk)
{
	struct rill_txrun *t = rill_tail_run(sk);

	return t && rill_sk(sk)->conn.tx.unsent == &t->run && rill_txrun_room(t);
}

/*
 * Send what can leave; MSG_MORE holds back a packet that is not full.  While
 * sendfile() hands in page after page (MSG_SENDPAGE_NOTLAST) trains fill first.
 */
void rill_push(struct sock *sk, int flags, struct rill_out *out)
{
	struct rill_conn *c = &rill_sk(sk)->conn;
	bool cork = c->cork;

	if (flags & MSG_SENDPAGE_NOTLAST && rill_train_fills(sk)) {
		/* A signal may keep the next page away. */
		rill_conn_hold(c, rill_now());
		rill_timer_sync(sk);
		return;
	}
	out->bits |= RILL_B_TX;
	c->cork = cork || flags & MSG_MORE;
	rill_apply(sk, out);
	c->cork = cork;
	rill_out_init(out);
}

/* Nothing could be sent for @err: what to tell the program. */
int rill_send_failed(struct sock *sk, int flags, int err)
{
	err = sk_stream_error(sk, flags, err);
	/* No acknowledgement will come and wake those on edges: look now. */
	if (err == -EAGAIN && rill_sk(sk)->conn.tx.una == rill_sk(sk)->conn.tx.end)
		sk->sk_write_space(sk);
	return err;
}

static int rill_sendmsg_locked(struct sock *sk, struct msghdr *msg, size_t len)
{
	long timeo = sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT);
	struct rill_out out;
	int err, n, copied = 0, syn = 0;
	u32 tsflags;
	u64 begin;

	if (sk->sk_type == SOCK_SEQPACKET)
		return rill_record_send(sk, msg, len);
	if (unlikely(msg->msg_flags & MSG_FASTOPEN || rill_sk(sk)->defer)) {
		err = rill_fast_send(sk, msg, len, &syn);
		if (err == -EINPROGRESS && syn)
			return syn;
		if (err)
			return sk_stream_error(sk, msg->msg_flags, err);
	}
	rill_out_init(&out);
	sk_clear_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	err = rill_send_ready(sk, &timeo);
	if (!err)
		err = rill_send_control(sk, msg, NULL, &tsflags);
	if (err)
		goto out_err;

	begin = rill_sk(sk)->conn.tx.end;
	while (msg_data_left(msg)) {
		n = -ENOMEM;
		if (sk_stream_memory_free(sk))
			n = rill_fill(sk, msg, min_t(size_t, msg_data_left(msg), INT_MAX), &out);
		if (n > 0) {
			copied += n;
			/* A train is ready: let it go while we copy the next. */
			if (msg_data_left(msg))
				rill_push(sk, MSG_MORE, &out);
			continue;
		}
		err = n;
		if (n == -EFAULT)
			break;
		set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		/* What an earlier call held back must go too, or nothing gets free. */
		if (rill_sk(sk)->conn.tx.unsent)
			rill_push(sk, 0, &out);
		err = sk_stream_wait_memory(sk, &timeo);
		if (err)
			break;
		err = rill_send_check(sk);
		if (err)
			break;
	}
	if (copied) {
		rill_stamp_write(sk, tsflags, begin);
		rill_push(sk, msg->msg_flags, &out);
	}
out_err:
	if (copied + syn)
		return copied + syn;
	return rill_send_failed(sk, msg->msg_flags, err);
}

/*
 * MSG_ZEROCOPY: the bytes are copied all the same, and the notice says so at once
 * (SO_EE_CODE_ZEROCOPY_COPIED).  io_uring has notices of its own (msg_ubuf), and
 * knows by itself that nobody used the pages.
 */
static int rill_sendmsg_zerocopy(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct ubuf_info *uarg;
	int n;

	if (msg->msg_ubuf || !sock_flag(sk, SOCK_ZEROCOPY) || !len)
		return rill_sendmsg_locked(sk, msg, len);
	uarg = msg_zerocopy_realloc(sk, len, NULL RILL_ZC_DEVMEM);
	if (!uarg)
		return sk_stream_error(sk, msg->msg_flags, -ENOBUFS);
	uarg_to_msgzc(uarg)->zerocopy = 0;
	n = rill_sendmsg_locked(sk, msg, len);
	if (n > 0)
		net_zcopy_put(uarg);
	else
		net_zcopy_put_abort(uarg, true);
	return n;
}

/* sendmsg(2).  A name in @msg is ignored on a connected stream, as TCP does. */
int rill_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
{
	int err;

	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	lock_sock(sk);
	err = msg->msg_flags & MSG_ZEROCOPY ? rill_sendmsg_zerocopy(sk, msg, len) :
					      rill_sendmsg_locked(sk, msg, len);
	release_sock(sk);
	return err;
}

/* Packet @i of @old as a run of its own, of smaller packets; NULL: no memory. */
static struct rill_txrun *rill_txrun_slice(struct sock *sk, const struct rill_txrun *old, u8 i)
{
	u32 stride = old->run.plen + (old->run.flags & RILL_RUN_FLAT ? 0 : RILL_HDR);
	u32 pos = i * stride, len = RILL_HDR + rill_run_payload(&old->run, i);
	struct rill_txrun *t = kmalloc(sizeof(*t), GFP_ATOMIC | __GFP_NOWARN);
	u8 j;

	if (!t)
		return NULL;
	if (!rill_charge(sk, sizeof(*t) + len)) {
		kfree(t);
		return NULL;
	}
	rill_run_slice(&old->run, i, rill_sk(sk)->conn.payload, &t->run);
	t->charged = sizeof(*t) + len;
	t->nfrags = 0;
	for (j = 0; j < old->nfrags && len; j++) {
		u32 flen = old->frag[j].len, n;

		if (pos >= flen) {
			pos -= flen;
			continue;
		}
		n = min(len, flen - pos);
		get_page(old->frag[j].page);
		t->frag[t->nfrags].page = old->frag[j].page;
		t->frag[t->nfrags].off = old->frag[j].off + pos;
		t->frag[t->nfrags++].len = n;
		len -= n;
		pos = 0;
	}
	return t;
}

/*
 * The path turned out too narrow for what is laid out: cut it anew.  The bytes stay
 * where they are.  Where memory is short the engine asks again.
 */
void rill_recut(struct sock *sk)
{
	struct rill_conn *c = &rill_sk(sk)->conn;
	struct rill_run *run, *next;
	struct rill_txrun *t;
	u8 i;

	while ((run = rill_conn_misfit(c))) {
		LIST_HEAD(slices);

		for (i = 0; i < run->n; i++) {
			t = rill_txrun_slice(sk, rill_txrun(run), i);
			if (!t)
				goto nomem;
			list_add_tail(&t->run.node, &slices);
		}
		rill_send_recut(&c->tx, run, &slices);
		continue;
nomem:
		list_for_each_entry_safe(run, next, &slices, node)
			rill_run_free(sk, run);
		return;
	}
}

/* Add layout bytes [@pos, @pos + @len) of @t to @skb, by reference. */
static void rill_layout_frags(struct sk_buff *skb, const struct rill_txrun *t, u32 pos, u32 len)
{
	u8 i;

	for (i = 0; i < t->nfrags && len; i++) {
		u32 flen = t->frag[i].len, n;

		if (pos >= flen) {
			pos -= flen;
			continue;
		}
		n = min(len, flen - pos);
		get_page(t->frag[i].page);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, t->frag[i].page,
				t->frag[i].off + pos, n, n);
		len -= n;
		pos = 0;
	}
}

/* Where layout byte @pos of @t is; headers never span fragments. */
static u8 *rill_layout_at(const struct rill_txrun *t, u32 pos)
{
	u8 i;

	for (i = 0; i < t->nfrags; i++) {
		if (pos < t->frag[i].len)
			return page_address(t->frag[i].page) + t->frag[i].off + pos;
		pos -= t->frag[i].len;
	}
	return NULL;
}

/* Where in the layout the payload of packet @i of @run is. */
static u32 rill_layout_payload(const struct rill_run *run, u8 i)
{
	u32 stride = run->flags & RILL_RUN_FLAT ? run->plen : run->plen + RILL_HDR;

	return i * stride + RILL_HDR;
}

/* The packets of @tx with their headers written in place: a first transmission. */
static void rill_fill_train(struct sk_buff *skb, const struct rill_tx *tx)
{
	const struct rill_txrun *t = rill_txrun(tx->run);
	u32 stride = tx->run->plen + RILL_HDR;
	struct rill_hdr h;
	u8 i;

	for (i = 0; i < tx->n; i++) {
		rill_tx_header(tx, i, &h);
		rill_wire_hdr_put(rill_layout_at(t, (tx->first + i) * stride), &h);
	}
	rill_layout_frags(skb, t, tx->first * stride, tx->bytes + tx->n * RILL_HDR);
}

/* One packet with a fresh header, its extension and padding. */
static void rill_fill_packet(struct sk_buff *skb, const struct rill_tx *tx)
{
	struct rill_hdr h;

	rill_tx_header(tx, 0, &h);
	rill_wire_hdr_put(skb_put(skb, RILL_HDR), &h);
	skb_put_data(skb, tx->ext.b, tx->ext.len);
	skb_put_zero(skb, tx->pad);
	if (tx->run && tx->bytes)
		rill_layout_frags(skb, rill_txrun(tx->run),
				  rill_layout_payload(tx->run, tx->first), tx->bytes);
}

/*
 * An skb with the packets of @tx, @headroom bytes free in front; NULL: no
 * memory.  Socket locked, any context.
 */
struct sk_buff *rill_run_skb(struct sock *sk, const struct rill_tx *tx, u32 headroom)
{
	bool train = tx->run && tx->fresh && !tx->ext.len && tx->bytes &&
		     !(tx->run->flags & RILL_RUN_FLAT);
	u32 linear = train ? 0 : RILL_HDR + tx->ext.len + tx->pad;
	struct sk_buff *skb = alloc_skb(headroom + linear, GFP_ATOMIC | __GFP_NOWARN);

	if (!skb)
		return NULL;
	skb_reserve(skb, headroom);
	if (train)
		rill_fill_train(skb, tx);
	else
		rill_fill_packet(skb, tx);
	return skb;
}
