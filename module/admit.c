// SPDX-License-Identifier: GPL-2.0
/*
 * admit.c - may a packet reach a socket?
 *
 * Owns what the program set against packets from elsewhere: the device the
 * socket is bound to, the least TTL, the socket filter.  In softirq, before the
 * socket is locked, as TCP.
 *
 * A train may hold packets of several connections of one peer.  A filter sees the
 * run that is for its socket, from our header on, and nothing of the others.
 */
#include <linux/filter.h>
#include "carrier.h"

/* Bytes of the run that @skb's cb describes. */
static u32 rill_run_bytes_in(const struct sk_buff *skb)
{
	const struct rill_skb_cb *cb = rill_cb((struct sk_buff *)skb);

	/* A run of several has no extension; what stands alone fills its stride. */
	if (cb->n > 1)
		return (cb->n - 1) * (u32)cb->stride + RILL_HDR + cb->len -
		       (cb->n - 1) * (u32)cb->plen;
	return min_t(u32, cb->stride, skb->len - cb->start);
}

/*
 * @skb if it holds its run alone, or else a copy of the run, with the headers of
 * IP and UDP in front; NULL: no memory.  Give it back with rill_run_view_put().
 */
struct sk_buff *rill_run_view(struct sk_buff *skb)
{
	u32 len = rill_run_bytes_in(skb), headers = skb->data - skb_network_header(skb);
	struct sk_buff *view;

	if (!rill_cb(skb)->start && len == skb->len)
		return skb;
	view = alloc_skb(headers + len, GFP_ATOMIC | __GFP_NOWARN);
	if (!view)
		return NULL;
	skb_reserve(view, headers);
	memcpy(view->data - headers, skb_network_header(skb), headers);
	if (skb_copy_bits(skb, rill_cb(skb)->start, skb_put(view, len), len)) {
		kfree_skb(view);
		return NULL;
	}
	skb_copy_header(view, skb);
	skb_gso_reset(view);
	skb_set_network_header(view, -(int)headers);
	skb_set_transport_header(view, -(int)sizeof(struct udphdr));
	skb_unset_mac_header(view);
	return view;
}

void rill_run_view_put(struct sk_buff *skb, struct sk_buff *view)
{
	if (view != skb)
		kfree_skb(view);
}

/*
 * Does the filter say no, or a program of the cgroup?  What they cut off is not: a
 * packet is taken whole.
 */
static bool rill_filtered(struct sock *sk, struct sk_buff *skb)
{
	bool looked = rcu_access_pointer(sk->sk_filter) || rill_is_inet(sk);
	struct sk_buff *view = looked ? rill_run_view(skb) : skb;
	bool no = !view || sk_filter_trim_cap(sk, view, view->len);

	rill_run_view_put(skb, view);
	return no;
}

/* IP_MINTTL, IPV6_MINHOPCOUNT: has it come from as near as asked? */
bool rill_near(const struct sock *sk, const void *iph, bool v6)
{
	return v6 ? ((const struct ipv6hdr *)iph)->hop_limit >=
		    READ_ONCE(rill_sk(sk)->ip6.min_hopcount) :
		    ((const struct iphdr *)iph)->ttl >= READ_ONCE(inet_sk(sk)->min_ttl);
}

/* May @skb reach @sk, a connection or a listener?  Counted if not. */
bool rill_admit(struct sock *sk, struct sk_buff *skb)
{
	struct rill_net *rn = rill_sk_net(sk);
	enum rill_mib why;

	if (!inet_sk_bound_dev_eq(sock_net(sk), READ_ONCE(sk->sk_bound_dev_if),
				  rill_cb(skb)->iif, rill_cb(skb)->sdif))
		why = RILL_MIB_INDEVICE;
	else if (!rill_near(sk, skb_network_header(skb), skb->protocol == htons(ETH_P_IPV6)))
		why = RILL_MIB_INMINTTL;
	else if (rill_filtered(sk, skb))
		why = RILL_MIB_INFILTER;
	else
		return true;
	rill_mib_inc(rn, why);
	sk_drops_inc(sk);
	return false;
}

/* The same for an ICMP error: of the packet it quotes, at @skb's data, as TCP. */
bool rill_admit_icmp(const struct sock *sk, const struct sk_buff *skb, bool v6)
{
	return rill_near(sk, skb->data, v6);
}
