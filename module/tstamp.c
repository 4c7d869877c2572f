// SPDX-License-Identifier: GPL-2.0
/*
 * tstamp.c - SO_TIMESTAMPING on what is sent.
 *
 * Owns the marks that remember of a send call where its last byte is in the
 * stream.  The packet that carries it takes the mark along, and whoever sees it
 * pass (queueing discipline, device) puts a stamp into the socket's error queue;
 * its acknowledgement does here.  Stamps of what is received are in recvmsg.c.
 */
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include "sock.h"

struct rill_stamp {
	struct list_head node;	/* in rill_sock.marks, by offset */
	u64	off;		/* of the byte */
	u32	key;		/* what the program knows it by, SOF_TIMESTAMPING_OPT_ID */
	u8	tx_flags;	/* SKBTX_*, for the packet */
	bool	ack;		/* its acknowledgement is wanted too */
};

static void rill_stamp_free(struct sock *sk, struct rill_stamp *m)
{
	list_del(&m->node);
	rill_uncharge(sk, sizeof(*m));
	kfree(m);
}

void rill_stamps_purge(struct sock *sk)
{
	struct rill_stamp *m, *next;

	list_for_each_entry_safe(m, next, &rill_sk(sk)->marks, node)
		rill_stamp_free(sk, m);
}

/*
 * What the byte before @end is called.  Records are counted; of a stream it is the
 * number of bytes since the first write with the option, which began at @begin: the
 * core sets sk_tskey to 0 when the option is set, and does not tell.
 */
static u32 rill_stamp_key(struct sock *sk, u64 begin, u64 end)
{
	struct rill_sock *rs = rill_sk(sk);

	if (sk->sk_type == SOCK_SEQPACKET)
		return atomic_inc_return(&sk->sk_tskey) - 1;
	if (!atomic_read(&sk->sk_tskey)) {
		atomic_set(&sk->sk_tskey, 1);
		rs->mark_base = begin;
	}
	return end - 1 - rs->mark_base;
}

/*
 * A send call wrote [@begin, end of the stream) under @tsflags, SOF_TIMESTAMPING_*:
 * mark its last byte.  Without memory there is no stamp, as in the core.
 */
void rill_stamp_write(struct sock *sk, u32 tsflags, u64 begin)
{
	u64 end = rill_sk(sk)->conn.tx.end;
	struct rill_stamp *m;

	if (likely(!(tsflags & SOF_TIMESTAMPING_TX_RECORD_MASK)) || end == begin)
		return;
	m = kzalloc(sizeof(*m), sk->sk_allocation);
	if (!m || !rill_charge(sk, sizeof(*m))) {
		kfree(m);
		return;
	}
	__sock_tx_timestamp(tsflags, &m->tx_flags);
	m->off = end - 1;
	m->ack = tsflags & SOF_TIMESTAMPING_TX_ACK;
	m->key = tsflags & SOF_TIMESTAMPING_OPT_ID ? rill_stamp_key(sk, begin, end) : 0;
	list_add_tail(&m->node, &rill_sk(sk)->marks);
}

/* @skb is about to leave with bytes [@from, @to): it takes the last mark among them. */
void rill_stamp_sent(struct sock *sk, struct sk_buff *skb, u64 from, u64 to)
{
	struct rill_stamp *m;

	list_for_each_entry(m, &rill_sk(sk)->marks, node) {
		if (m->off >= to)
			break;
		if (m->off < from)
			continue;
		skb_shinfo(skb)->tx_flags |= m->tx_flags;
		skb_shinfo(skb)->tskey = m->key;
	}
}

/* The stamp itself goes without bytes: they are gone by now. */
static void rill_stamp_ack(struct sock *sk, const struct rill_stamp *m)
{
	struct sk_buff *skb = alloc_skb(0, GFP_ATOMIC | __GFP_NOWARN);

	if (!skb)
		return;
	skb_shinfo(skb)->tskey = m->key;
	__skb_tstamp_tx(skb, NULL, NULL, sk, SCM_TSTAMP_ACK);
	consume_skb(skb);
}

/* Bytes below @una are acknowledged. */
void rill_stamps_acked(struct sock *sk, u64 una)
{
	struct rill_stamp *m, *next;

	list_for_each_entry_safe(m, next, &rill_sk(sk)->marks, node) {
		if (m->off >= una)
			break;
		if (m->ack)
			rill_stamp_ack(sk, m);
		rill_stamp_free(sk, m);
	}
}
