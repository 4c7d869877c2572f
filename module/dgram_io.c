// SPDX-License-Identifier: GPL-2.0
/*
 * dgram_io.c - datagrams on their way out and in.
 *
 * Owns sendmsg() and recvmsg() of SOCK_DGRAM, which have UDP's results and errnos,
 * the way of a packet to its socket, and what becomes of a refusal.  One datagram
 * is one packet: what does not fit the path is EMSGSIZE, never fragments.
 */
#include <linux/filter.h>
#include <net/busy_poll.h>
#include <net/inet_ecn.h>
#include "carrier.h"

/* Bytes of our header and items in a datagram; counted even where no id is sent. */
#define RILL_DGRAM_HDR	(RILL_HDR + RILL_CID_ITEM + RILL_PORTS_ITEM)

/* A datagram up to this size has no page of its own. */
#define RILL_DGRAM_LINEAR	2048

/* What skb->cb holds of a datagram that is queued; the core has the end of it. */
struct rill_dgram_cb {
	struct in6_addr	from;	/* IPv4 is v4-mapped */
	__be16	port;		/* Rill port it came from */
	int	iif;		/* device it came by */
};

static struct rill_dgram_cb *rill_dgram_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct rill_dgram_cb) > SOCK_SKB_CB_OFFSET);
	return (struct rill_dgram_cb *)skb->cb;
}

/* ------------------------------------------------------------------ out */

/* To whom @msg goes that names nobody: the peer. */
static int rill_dgram_dest_peer(const struct sock *sk, struct rill_dgram_to *to)
{
	if (smp_load_acquire(&sk->sk_state) != TCP_ESTABLISHED)
		return -EDESTADDRREQ;
	to->addr = sk->sk_v6_daddr;
	to->port = inet_sk(sk)->inet_dport;
	to->oif = sk->sk_bound_dev_if;
	to->v6 = rill_sk(sk)->v6;
	to->peer = true;
	return to->port ? 0 : -EINVAL;
}

/* To whom @msg is to go: the address in it, or else the peer. */
static int rill_dgram_dest(struct sock *sk, struct msghdr *msg, struct rill_dgram_to *to)
{
	struct sockaddr *sa = msg->msg_name;
	bool v6 = rill_sk(sk)->v6;
	int err;

	to->saddr = in6addr_any;
	to->own_way = false;
	if (!sa || (v6 && msg->msg_namelen >= (int)sizeof(sa->sa_family) &&
		    sa->sa_family == AF_UNSPEC))
		return rill_dgram_dest_peer(sk, to);
	to->peer = false;
	err = rill_cgroup_sendmsg(sk, sa, msg->msg_namelen, &to->saddr);
	if (!err)
		err = rill_dgram_addr(sk, sa, msg->msg_namelen, to);
	/* An IPv6 socket's sendto() has other words for it than its connect(). */
	if (v6 && err == -EAFNOSUPPORT)
		err = sa->sa_family == AF_INET ? -ENETUNREACH : -EINVAL;
	return err ? err : to->port ? 0 : -EINVAL;
}

/* The way a datagram of @sk to @to takes; ancillary data may change it yet. */
static int rill_dgram_way(struct sock *sk, struct rill_dgram_to *to, struct rill_way *way)
{
	const struct in6_addr *own = &sk->sk_v6_rcv_saddr;
	bool v4 = rill_is_v4(&to->addr);

	if (ipv6_addr_any(&to->saddr) && !ipv6_addr_any(own) &&
	    !(rill_is_v4(own) && !own->s6_addr32[3])) {
		to->saddr = *own;
		if (rill_is_v4(own) != v4)
			return v4 ? -ENETUNREACH : -EAFNOSUPPORT;
	}
	if (ipv6_addr_any(&to->saddr) && v4)
		ipv6_addr_set_v4mapped(0, &to->saddr);
	way->udp = rill_udp_server(rill_sk_net(sk), !v4);
	if (!way->udp)
		return -ENETUNREACH;	/* there is no IPv6 on this host */
	way->saddr = &to->saddr;
	way->daddr = &to->addr;
	way->dport = htons(READ_ONCE(rill_sk_net(sk)->udp_port));
	way->oif = to->oif;
	if (!way->oif)	/* IP_UNICAST_IF */
		way->oif = v4 ? READ_ONCE(inet_sk(sk)->uc_index) :
				READ_ONCE(rill_sk(sk)->ip6.ucast_oif);
	rill_way_opts(sk, way);
	return 0;
}

/* The route along @way: the peer's as it is kept, or one looked up for this once. */
static struct dst_entry *rill_dgram_route(struct sock *sk, const struct rill_dgram_to *to,
					  const struct rill_way *way)
{
	struct dst_entry *dst = NULL;

	if (to->peer && !to->own_way)
		dst = sk_dst_check(sk, READ_ONCE(rill_sk(sk)->dst_cookie));
	if (dst)
		return dst;
	dst = rill_route_lookup(sk, way);
	if (!IS_ERR(dst) && to->peer && !to->own_way)
		rill_route_keep(sk, dst_clone(dst));
	return dst;
}

/* The longest datagram that fits a packet along @dst; below 0: none does. */
static int rill_dgram_max(const struct dst_entry *dst, bool v4)
{
	int over = v4 ? RILL_OVERHEAD4 : RILL_OVERHEAD6;
	/* What the length of an IP header can say: IPv6's counts without it. */
	int most = v4 ? IP_MAX_MTU : U16_MAX + (int)sizeof(struct ipv6hdr);

	return min_t(int, dst_mtu(dst), most) - over - (int)RILL_DGRAM_HDR;
}

/*
 * Write the header of a datagram of @len bytes before the rest of @skb.  0, or
 * -EAGAIN when the port was lost meanwhile, to a connect() in another thread.
 */
static int rill_dgram_put_hdr(struct sock *sk, struct sk_buff *skb,
			       const struct rill_dgram_to *to, size_t len)
{
	struct rill_hdr h = { .type = RILL_T_DGRAM, .credit = len };
	u16 sport = READ_ONCE(inet_sk(sk)->inet_num);
	struct rill_extbuf x = { .len = 0 };

	if (!sport)
		return -EAGAIN;
	/* Only who is connected is told of a refusal. */
	if (to->peer)
		rill_ext_put_cid(&x, rill_sk(sk)->node.cid);
	rill_ext_put_ports(&x, sport, ntohs(to->port));
	h.ext_len = x.len;
	memcpy(skb_push(skb, x.len), x.b, x.len);
	rill_wire_hdr_put(skb_push(skb, RILL_HDR), &h);
	return 0;
}

/* @msg as a packet, or an ERR_PTR; @room: what is to go in front of it. */
static struct sk_buff *rill_dgram_skb(struct sock *sk, struct msghdr *msg, size_t len,
				      const struct rill_dgram_to *to,
				      const struct sockcm_cookie *sockc, size_t room)
{
	size_t linear = len <= RILL_DGRAM_LINEAR ? len : 0;
	struct sk_buff *skb;
	int err;

	skb = sock_alloc_send_pskb(sk, room + RILL_DGRAM_HDR + linear, len - linear,
				   msg->msg_flags & MSG_DONTWAIT, &err,
				   PAGE_ALLOC_COSTLY_ORDER);
	if (!skb)
		return ERR_PTR(err);
	skb_reserve(skb, room + RILL_DGRAM_HDR);
	skb_put(skb, linear);
	skb->data_len = len - linear;
	skb->len += len - linear;
	err = skb_copy_datagram_from_iter(skb, 0, &msg->msg_iter, len);
	if (!err)
		err = rill_dgram_put_hdr(sk, skb, to, len);
	if (err) {
		kfree_skb(skb);
		return ERR_PTR(err);
	}
	skb->priority = READ_ONCE(sk->sk_priority);
	skb->mark = sockc->mark;
	skb->tstamp = ns_to_ktime(sockc->transmit_time);
	rill_setup_tx_timestamp(skb, sockc);
	skb_set_hash_from_sk(skb, sk);
	return skb;
}

/* Send @msg to @to.  The socket has a port. */
static int rill_dgram_send(struct sock *sk, struct msghdr *msg, size_t len,
			   struct rill_dgram_to *to)
{
	struct sockcm_cookie sockc;
	struct dst_entry *dst;
	struct rill_way way;
	struct sk_buff *skb;
	int err;

	sockcm_init(&sockc, sk);
	sockc.mark = READ_ONCE(sk->sk_mark);	/* which older kernels leave out */
	err = rill_dgram_way(sk, to, &way);
	if (!err && msg->msg_controllen)
		err = rill_dgram_cmsgs(sk, msg, to, &way, &sockc);
	if (err)
		return err;
	dst = rill_dgram_route(sk, to, &way);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	if ((ssize_t)len > rill_dgram_max(dst, rill_is_v4(&to->addr))) {
		err = rill_queue_too_big(sk, &to->addr, to->port, dst_mtu(dst));
		goto release;
	}
	skb = rill_dgram_skb(sk, msg, len, to, &sockc,
			     LL_RESERVED_SPACE(dst->dev) + RILL_OVERHEAD6);
	err = PTR_ERR_OR_ZERO(skb);
	if (err)
		goto release;
	rill_mib_inc(rill_sk_net(sk), RILL_MIB_OUTDGRAMS);
	rill_mib_inc(rill_sk_net(sk), RILL_MIB_OUTPKTS);
	local_bh_disable();
	rill_udp_xmit(sk, &way, dst, skb, 1, skb->len, 0);
	local_bh_enable();
	return len;
release:
	dst_release(dst);
	return err;
}

/* sendmsg(2), in the order of udp_sendmsg(). */
int rill_dgram_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sock *sk = sock->sk;
	struct rill_dgram_to to;
	int err, bad;

	if (msg->msg_flags & (MSG_OOB | MSG_MORE | MSG_DONTROUTE))
		return -EOPNOTSUPP;
	sock_rps_record_flow(sk);
	bad = rill_dgram_dest(sk, msg, &to);
	if (!bad && to.v6 && !rill_sk(sk)->v6) {
		lock_sock(sk);
		bad = rill_dgram_turn(sk, true);
		release_sock(sk);
	}
	/* The port comes first, also of what fails then. */
	err = rill_dgram_autobind(sk);
	if (!err)
		err = len > U16_MAX ? -EMSGSIZE : bad;
	return err ? err : rill_dgram_send(sk, msg, len, &to);
}

/* ------------------------------------------------------------------- in */

/* A name into @msg: who sent @skb. */
static void rill_dgram_put_name(struct sock *sk, struct msghdr *msg, struct sk_buff *skb)
{
	const struct rill_dgram_cb *cb = rill_dgram_cb(skb);
	struct sockaddr_in6 *sin6 = msg->msg_name;

	if (!sin6)
		return;
	msg->msg_namelen = rill_addr_put(sk, sin6, &cb->from, cb->port);
	if (rill_sk(sk)->v6)
		sin6->sin6_scope_id = ipv6_iface_scope_id(&cb->from, cb->iif);
	rill_cgroup_recvmsg(sk, sin6, msg->msg_namelen);
}

/* @bytes of @skb were read, below 0: peeked at.  Its charge goes back under the lock. */
static void rill_dgram_done(struct sock *sk, struct sk_buff *skb, int bytes)
{
	bool slow = lock_sock_fast(sk);

	sk_peek_offset_bwd(sk, bytes);
	consume_skb(skb);
	unlock_sock_fast(sk, slow);
}

/* recvmsg(2) */
int rill_dgram_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	struct sock *sk = sock->sk;
	struct sk_buff *skb;
	int off, err, whole;

	if (unlikely(flags & MSG_ERRQUEUE))
		return rill_recv_error(sk, msg, len);
	sock_rps_record_flow(sk);
	off = sk_peek_offset(sk, flags);
	skb = __skb_recv_datagram(sk, &sk->sk_receive_queue, flags, &off, &err);
	if (!skb)
		return err;
	whole = skb->len;
	if (len > whole - off)
		len = whole - off;
	else if (len < whole)
		msg->msg_flags |= MSG_TRUNC;
	err = skb_copy_datagram_msg(skb, off, msg, len);
	if (!err) {
		sock_recv_cmsgs(msg, sk, skb);
		rill_dgram_put_name(sk, msg, skb);
		rill_dgram_put_cmsgs(sk, msg, skb, rill_dgram_cb(skb)->iif);
		err = flags & MSG_TRUNC ? whole : len;
	} else if (!(flags & MSG_PEEK)) {
		sk_drops_inc(sk);
	}
	rill_dgram_done(sk, skb, err < 0 ? 0 : flags & MSG_PEEK ? -err : err);
	return err;
}

/*
 * Keep @skb for the program.  By a process that drains the backlog, or softirq;
 * @sk is locked.  Consumes @skb.
 */
static void rill_dgram_queue(struct sock *sk, struct sk_buff *skb)
{
	if (sock_flag(sk, SOCK_DEAD))
		goto drop;
	if (atomic_read(&sk->sk_rmem_alloc) > READ_ONCE(sk->sk_rcvbuf) ||
	    !sk_rmem_schedule(sk, skb, skb->truesize)) {
		rill_mib_inc(rill_sk_net(sk), RILL_MIB_INDGRAMFULL);
		sk_drops_inc(sk);
		goto drop;
	}
	skb_set_owner_r(skb, sk);
	sock_skb_set_dropcount(sk, skb);
	rill_mib_inc(rill_sk_net(sk), RILL_MIB_INDGRAMS);
	skb_queue_tail(&sk->sk_receive_queue, skb);
	sk->sk_data_ready(sk);
	return;
drop:
	kfree_skb(skb);
}

/* proto.backlog_rcv */
int rill_dgram_backlog_rcv(struct sock *sk, struct sk_buff *skb)
{
	rill_dgram_queue(sk, skb);
	return 0;
}

/* Give @skb to @sk, in softirq; consumes the skb. */
static void rill_dgram_deliver(struct sock *sk, struct sk_buff *skb)
{
	nf_reset_ct(skb);
	skb_ext_reset(skb);
	sk_mark_napi_id(sk, skb);
	skb->dev = NULL;
	bh_lock_sock_nested(sk);
	if (!sock_owned_by_user(sk)) {
		rill_dgram_queue(sk, skb);
	} else if (sk_add_backlog(sk, skb, READ_ONCE(sk->sk_rcvbuf))) {
		rill_mib_inc(rill_sk_net(sk), RILL_MIB_INDGRAMFULL);
		sk_drops_inc(sk);
		kfree_skb(skb);
	}
	bh_unlock_sock(sk);
}

/*
 * The datagram that @skb's cb describes, from our header on, as an skb of its own:
 * of a train a copy, or a small datagram would hold, and be charged, all of it.
 * Consumes @skb; NULL: no memory.
 */
static struct sk_buff *rill_dgram_own(struct sk_buff *skb)
{
	struct sk_buff *own = rill_run_view(skb);

	if (own != skb)
		kfree_skb(skb);
	return own;
}

/* Nobody has the port: tell who sent it, if it said who it is. */
static void rill_dgram_refuse(struct rill_udp *udp, struct sk_buff *skb,
			      const struct rill_pkt *p)
{
	struct rill_reply reply;

	rill_mib_inc(udp->rn, RILL_MIB_INDGRAMNOPORT);
	if (!rill_stray(&p->h, &p->x, RILL_R_REFUSED, &reply))
		return;
	rill_mib_inc(udp->rn, RILL_MIB_OUTRESETS);
	rill_send_reply(udp, NULL, skb, reply.b, reply.len);
}

/* The socket @skb is for, a reference, if it wants it; NULL: counted, and refused. */
static struct sock *rill_dgram_admit(struct rill_udp *udp, struct sk_buff *skb,
				     const struct rill_pkt *p,
				     const struct rill_dgram_names *n)
{
	struct sock *sk;

	if (rill_is_v4(&n->local) ? skb->pkt_type != PACKET_HOST :
				    ipv6_addr_is_multicast(&n->local)) {
		rill_mib_inc(udp->rn, RILL_MIB_INDGRAMCAST);
		return NULL;
	}
	sk = rill_dgram_find(n);
	if (!sk) {
		rill_dgram_refuse(udp, skb, p);
		return NULL;
	}
	if (!rill_near(sk, skb_network_header(skb), skb->protocol == htons(ETH_P_IPV6)))
		rill_mib_inc(udp->rn, RILL_MIB_INMINTTL);
	/* A filter may cut the message short, as of UDP, and not our header. */
	else if (!sk_filter_trim_cap(sk, skb, n->hdr_len))
		return sk;
	else
		rill_mib_inc(udp->rn, RILL_MIB_INFILTER);
	sk_drops_inc(sk);
	sock_put(sk);
	return NULL;
}

/* A datagram came, described in @skb's cb.  In softirq, under RCU; consumes @skb. */
void rill_dgram_input(struct rill_udp *udp, struct sk_buff *skb, const struct rill_pkt *p)
{
	struct rill_dgram_names n = {
		.net = udp->rn->net,
		.sport = p->x.sport,
		.dport = p->x.dport,
		.iif = rill_cb(skb)->iif,
		.hdr_len = RILL_HDR + p->h.ext_len,
	};
	struct sock *sk;
	__be16 udp_port;

	if (!rill_wire_dgram_ok(&p->h, &p->x, p->len)) {
		rill_mib_inc(udp->rn, RILL_MIB_INDGRAMBAD);
		goto free;
	}
	skb = rill_dgram_own(skb);
	if (!skb) {
		rill_mib_inc(udp->rn, RILL_MIB_INDGRAMFULL);
		return;
	}
	n.skb = skb;
	rill_skb_path(skb, &n.local, &n.remote, &udp_port);
	sk = rill_dgram_admit(udp, skb, p, &n);
	if (!sk)
		goto free;
	if (pskb_pull(skb, n.hdr_len)) {
		*rill_dgram_cb(skb) = (struct rill_dgram_cb){
			.from = n.remote, .port = htons(n.sport), .iif = n.iif,
		};
		rill_dgram_deliver(sk, skb);
		skb = NULL;
	} else {
		rill_mib_inc(udp->rn, RILL_MIB_INDGRAMFULL);
		sk_drops_inc(sk);
	}
	sock_put(sk);
free:
	kfree_skb(skb);
}

/* What was sent to its peer met an error.  Any context, no lock, as of UDP. */
static void rill_dgram_error(struct sock *sk, int err)
{
	if (READ_ONCE(sk->sk_state) != TCP_ESTABLISHED)
		return;
	WRITE_ONCE(sk->sk_err, err);
	sk_error_report(sk);
}

/*
 * An ICMP error for @sk, as UDP: whoever is connected hears of the hard ones, who
 * asked with IP_RECVERR of all.  @offset: of the quoted bytes in @skb.  No lock.
 */
void rill_dgram_icmp(struct rill_udp *udp, struct sock *sk, struct sk_buff *skb, int err,
		     bool hard, u32 offset)
{
	bool asked = rill_recverr(sk);

	rill_mib_inc(udp->rn, RILL_MIB_ICMPIN);
	if (asked)
		rill_queue_icmp(sk, skb, udp->v6, err, min(offset, skb->len));
	if (hard || asked)
		rill_dgram_error(sk, err);
}

/* A packet came for the id of @sk, a connected socket.  In softirq. */
void rill_dgram_answer(struct sock *sk, const struct rill_pkt *p)
{
	struct rill_net *rn = rill_sk_net(sk);

	if (p->h.type != RILL_T_RESET) {
		rill_mib_inc(rn, RILL_MIB_INSTATE);
	} else if (p->x.reason != RILL_R_REFUSED) {
		rill_mib_inc(rn, RILL_MIB_RESETIGNORED);
	} else {
		rill_mib_inc(rn, RILL_MIB_DGRAMREFUSED);
		rill_dgram_error(sk, ECONNREFUSED);
	}
}
