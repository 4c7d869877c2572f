// SPDX-License-Identifier: GPL-2.0
/*
 * dgram_cmsg.c - ancillary data of datagrams.
 *
 * Owns what a program may say beside a datagram it sends: from which address and
 * device, with which TOS and TTL; what is not here is EINVAL, never ignored.  And
 * what it may be told beside one it receives.
 */
#include <net/addrconf.h>
#include <net/inet_ecn.h>
#include <net/udp.h>
#include "carrier.h"

/* An integer, which of IPv4's may be one byte as well. */
static int rill_cmsg_int(const struct cmsghdr *c, bool byte_ok, int *val)
{
	if (c->cmsg_len == CMSG_LEN(sizeof(int)))
		*val = *(int *)CMSG_DATA(c);
	else if (byte_ok && c->cmsg_len == CMSG_LEN(1))
		*val = *(u8 *)CMSG_DATA(c);
	else
		return -EINVAL;
	return 0;
}

/* Send from @saddr, if any, by the device @oif, if not 0. */
static int rill_cmsg_from(struct sock *sk, struct rill_dgram_to *to, struct rill_way *way,
			  const struct in6_addr *saddr, int oif)
{
	bool v4 = rill_is_v4(&to->addr);

	if (oif) {
		if (sk->sk_bound_dev_if && sk->sk_bound_dev_if != oif)
			return -EINVAL;
		way->oif = oif;
	}
	if (ipv6_addr_any(saddr) || (rill_is_v4(saddr) && !saddr->s6_addr32[3]))
		return 0;
	if (rill_is_v4(saddr) != v4)
		return -EINVAL;
	/* The route lookup of IPv4 looks itself whether it is ours. */
	if (!v4 && !ipv6_can_nonlocal_bind(sock_net(sk), inet_sk(sk)) &&
	    !ipv6_chk_addr(sock_net(sk), saddr, NULL, 0))
		return -EINVAL;
	to->saddr = *saddr;
	return 0;
}

static int rill_cmsg_ip(struct sock *sk, const struct cmsghdr *c, struct rill_dgram_to *to,
			struct rill_way *way)
{
	const struct in_pktinfo *info = CMSG_DATA(c);
	struct in6_addr saddr;
	int val, err;

	switch (c->cmsg_type) {
	case IP_PKTINFO:
		if (c->cmsg_len != CMSG_LEN(sizeof(*info)))
			return -EINVAL;
		ipv6_addr_set_v4mapped(info->ipi_spec_dst.s_addr, &saddr);
		return rill_cmsg_from(sk, to, way, &saddr, info->ipi_ifindex);
	case IP_TTL:
		err = rill_cmsg_int(c, false, &val);
		if (err || val < 1 || val > 255)
			return -EINVAL;
		way->hops = val;
		return 0;
	case IP_TOS:
		err = rill_cmsg_int(c, true, &val);
		if (err || val < 0 || val > 255)
			return -EINVAL;
		way->tos = val & ~INET_ECN_MASK;
		return 0;
	default:
		return -EINVAL;
	}
}

static int rill_cmsg_ipv6(struct sock *sk, const struct cmsghdr *c, struct rill_dgram_to *to,
			  struct rill_way *way)
{
	const struct in6_pktinfo *info = CMSG_DATA(c);
	int val, err;

	switch (c->cmsg_type) {
	case IPV6_PKTINFO:
		if (c->cmsg_len < CMSG_LEN(sizeof(*info)))
			return -EINVAL;
		return rill_cmsg_from(sk, to, way, &info->ipi6_addr, info->ipi6_ifindex);
	case IPV6_HOPLIMIT:
		err = rill_cmsg_int(c, false, &val);
		if (err || val < -1 || val > 255)
			return -EINVAL;
		way->hops = val;
		return 0;
	case IPV6_TCLASS:
		err = rill_cmsg_int(c, false, &val);
		if (err || val < -1 || val > 255)
			return -EINVAL;
		way->tos = val < 0 ? 0 : val & ~INET_ECN_MASK;
		return 0;
	default:
		return -EINVAL;
	}
}

/* Read the ancillary data of @msg into @to, @way and @sockc. */
int rill_dgram_cmsgs(struct sock *sk, struct msghdr *msg, struct rill_dgram_to *to,
		     struct rill_way *way, struct sockcm_cookie *sockc)
{
	struct cmsghdr *c;
	int err = sock_cmsg_send(sk, msg, sockc);

	if (err)
		return err;
	way->mark = sockc->mark;
	to->own_way = true;
	for_each_cmsghdr(c, msg) {
		if (c->cmsg_level == SOL_IP)
			err = rill_cmsg_ip(sk, c, to, way);
		else if (c->cmsg_level == SOL_IPV6 && rill_sk(sk)->v6)
			err = rill_cmsg_ipv6(sk, c, to, way);
		else if (c->cmsg_level == SOL_SOCKET)
			continue;	/* the core's */
		else
			err = -EINVAL;
		if (err)
			return err;
	}
	return 0;
}

static void rill_put_pktinfo4(struct msghdr *msg, const struct sk_buff *skb, int iif)
{
	struct in_pktinfo info = {
		.ipi_ifindex = iif,
		/* Only unicast comes here: an answer leaves from where it came to. */
		.ipi_spec_dst.s_addr = ip_hdr(skb)->daddr,
		.ipi_addr.s_addr = ip_hdr(skb)->daddr,
	};

	put_cmsg(msg, SOL_IP, IP_PKTINFO, sizeof(info), &info);
}

/* What an IPv4 packet's receiver asked for with options of IP, in UDP's order. */
static void rill_put_ip_seen(struct sock *sk, struct msghdr *msg, const struct sk_buff *skb,
			     int iif)
{
	unsigned long flags = inet_cmsg_flags(inet_sk(sk));
	int ttl = ip_hdr(skb)->ttl;
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = inet_sk(sk)->inet_sport,
		.sin_addr.s_addr = ip_hdr(skb)->daddr,
	};

	if (flags & IP_CMSG_PKTINFO)
		rill_put_pktinfo4(msg, skb, iif);
	if (flags & IP_CMSG_TTL)
		put_cmsg(msg, SOL_IP, IP_TTL, sizeof(ttl), &ttl);
	if (flags & IP_CMSG_TOS)
		put_cmsg(msg, SOL_IP, IP_TOS, 1, &ip_hdr(skb)->tos);
	if (flags & IP_CMSG_ORIGDSTADDR)
		put_cmsg(msg, SOL_IP, IP_ORIGDSTADDR, sizeof(to), &to);
}

/* Tell beside @skb, which came by the device @iif, what the program asked for. */
void rill_dgram_put_cmsgs(struct sock *sk, struct msghdr *msg, const struct sk_buff *skb,
			  int iif)
{
	struct rill_ip6_seen seen = { };

	if (skb->protocol == htons(ETH_P_IPV6)) {
		rill_ip6_see(&seen, skb, iif);
		rill_put_ip6_seen(sk, msg, &seen);
		return;
	}
	if (rill_sk(sk)->v6) {
		seen.iif = iif;
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, &seen.daddr);
		rill_put_ip6_pktinfo(sk, msg, &seen);
	}
	rill_put_ip_seen(sk, msg, skb, iif);
}
