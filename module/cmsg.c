// SPDX-License-Identifier: GPL-2.0
/*
 * cmsg.c - control messages: what is told beside the bytes.
 *
 * Owns the form of what IPv6 sockets are told about a packet: beside a datagram
 * or an error; on a stream it is asked for with getsockopt(IPV6_2292PKTOPTIONS),
 * never given with the bytes.
 */
#include <net/dsfield.h>
#include <net/ip6_route.h>
#include "sock.h"

/* Note what the program may ask about @skb, an IPv6 packet that came by @iif. */
void rill_ip6_see(struct rill_ip6_seen *seen, const struct sk_buff *skb, int iif)
{
	seen->iif = iif;
	seen->hops = ipv6_hdr(skb)->hop_limit;
	seen->flow = ip6_flowinfo(ipv6_hdr(skb));
	seen->daddr = ipv6_hdr(skb)->daddr;
}

static bool rill_ip6_wants(const struct sock *sk, int optname)
{
	return test_bit(optname, rill_sk(sk)->ip6.on);
}

static void rill_put_pktinfo6(struct msghdr *msg, int type, const struct rill_ip6_seen *seen)
{
	struct in6_pktinfo info = { .ipi6_addr = seen->daddr, .ipi6_ifindex = seen->iif };

	put_cmsg(msg, SOL_IPV6, type, sizeof(info), &info);
}

/* Tell to which address and device a packet came, which may be one of IPv4. */
void rill_put_ip6_pktinfo(const struct sock *sk, struct msghdr *msg,
			  const struct rill_ip6_seen *seen)
{
	if (rill_ip6_wants(sk, IPV6_RECVPKTINFO))
		rill_put_pktinfo6(msg, IPV6_PKTINFO, seen);
}

/* Tell of a packet what the socket asked for, in the kernel's order. */
void rill_put_ip6_seen(const struct sock *sk, struct msghdr *msg,
		       const struct rill_ip6_seen *seen)
{
	int hops = seen->hops, tclass = ip6_tclass(seen->flow);
	__be32 flow = seen->flow;

	rill_put_ip6_pktinfo(sk, msg, seen);
	if (rill_ip6_wants(sk, IPV6_RECVHOPLIMIT))
		put_cmsg(msg, SOL_IPV6, IPV6_HOPLIMIT, sizeof(hops), &hops);
	if (rill_ip6_wants(sk, IPV6_RECVTCLASS))
		put_cmsg(msg, SOL_IPV6, IPV6_TCLASS, sizeof(tclass), &tclass);
	if (rill_ip6_wants(sk, IPV6_FLOWINFO) && flow)
		put_cmsg(msg, SOL_IPV6, IPV6_FLOWINFO, sizeof(flow), &flow);
	if (rill_ip6_wants(sk, IPV6_2292PKTINFO))
		rill_put_pktinfo6(msg, IPV6_2292PKTINFO, seen);
	if (rill_ip6_wants(sk, IPV6_2292HOPLIMIT))
		put_cmsg(msg, SOL_IPV6, IPV6_2292HOPLIMIT, sizeof(hops), &hops);
	if (rill_ip6_wants(sk, IPV6_RECVORIGDSTADDR)) {
		struct sockaddr_in6 to = {
			.sin6_family = AF_INET6,
			.sin6_port = inet_sk(sk)->inet_sport,
			.sin6_addr = seen->daddr,
			.sin6_scope_id = ipv6_iface_scope_id(&seen->daddr, seen->iif),
		};

		put_cmsg(msg, SOL_IPV6, IPV6_ORIGDSTADDR, sizeof(to), &to);
	}
}

/* getsockopt(IPV6_2292PKTOPTIONS): of the last packet what was asked for. */
int rill_ip6_get_pktoptions(struct sock *sk, char __user *optval, int __user *optlen, int len)
{
	const struct rill_ip6 *ip6 = &rill_sk(sk)->ip6;
	struct rill_ip6_seen seen = ip6->seen;
	struct msghdr msg = {
		.msg_control_is_user = true,
		.msg_control_user = optval,
		.msg_controllen = len,
	};

	if (sk->sk_type != SOCK_STREAM)
		return -ENOPROTOOPT;
	if (!seen.iif) {
		/* None yet: what was set with IPV6_PKTINFO, as TCP. */
		seen.iif = ip6->pktinfo.ipi6_ifindex;
		seen.daddr = ip6->pktinfo.ipi6_addr;
		seen.hops = IPV6_DEFAULT_MCASTHOPS;
	}
	rill_put_ip6_seen(sk, &msg, &seen);
	return put_user(len - (int)msg.msg_controllen, optlen);
}
