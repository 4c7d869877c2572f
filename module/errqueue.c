// SPDX-License-Identifier: GPL-2.0
/*
 * errqueue.c - recvmsg(MSG_ERRQUEUE): notices beside the stream.
 *
 * Owns how an entry of sk_error_queue becomes a control message, which is that of
 * an IPv4 or IPv6 socket: ip_recv_error() and its like cannot be had.
 */
#include <linux/errqueue.h>
#include "sock.h"

/* Tell what @skb holds, as IP_RECVERR or IPV6_RECVERR by the socket's names. */
static void rill_put_error(struct sock *sk, struct msghdr *msg, const struct sk_buff *skb)
{
	struct {
		struct sock_extended_err ee;
		union {
			struct sockaddr_in in;
			struct sockaddr_in6 in6;
		} offender;
	} err = { .ee = SKB_EXT_ERR(skb)->ee };
	size_t len = offsetof(typeof(err), offender);

	if (rill_sk(sk)->v6)
		put_cmsg(msg, SOL_IPV6, IPV6_RECVERR, len + sizeof(err.offender.in6), &err);
	else
		put_cmsg(msg, SOL_IP, IP_RECVERR, len + sizeof(err.offender.in), &err);
}

/* One entry of the error queue; the bytes it quotes, or a negative errno. */
int rill_recv_error(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct sk_buff *skb = sock_dequeue_err_skb(sk);
	int err;

	if (!skb)
		return -EAGAIN;
	if (len < skb->len)
		msg->msg_flags |= MSG_TRUNC;
	len = min_t(size_t, len, skb->len);
	err = skb_copy_datagram_msg(skb, 0, msg, len);
	if (!err) {
		sock_recv_timestamp(msg, sk, skb);
		rill_put_error(sk, msg, skb);
		msg->msg_flags |= MSG_ERRQUEUE;
	}
	consume_skb(skb);
	return err ? err : len;
}
