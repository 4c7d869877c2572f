// SPDX-License-Identifier: GPL-2.0
/*
 * addr.c - addresses as programs give and get them.
 *
 * Owns the translation between struct sockaddr_in and sockaddr_in6 outside and
 * struct in6_addr inside, where IPv4 is v4-mapped.
 */
#include <net/addrconf.h>
#include <net/ipv6.h>
#include <net/route.h>
#include "sock.h"

static int rill_addr_get4(const struct sockaddr_in *sin, struct in6_addr *addr, __be16 *port)
{
	ipv6_addr_set_v4mapped(sin->sin_addr.s_addr, addr);
	*port = sin->sin_port;
	return 0;
}

static int rill_addr_get6(const struct sock *sk, const struct sockaddr_in6 *sin6, int len,
			  struct in6_addr *addr, __be16 *port, int *oif)
{
	/* The oldest form of the structure ends before it. */
	u32 scope = len >= (int)sizeof(*sin6) ? sin6->sin6_scope_id : 0;

	*addr = sin6->sin6_addr;
	*port = sin6->sin6_port;
	if (rill_is_v4(addr) && sk->sk_ipv6only)
		return -ENETUNREACH;
	/* A link-local address is one only together with its link. */
	if (__ipv6_addr_needs_scope_id(__ipv6_addr_type(addr))) {
		if (scope && *oif && *oif != scope)
			return -EINVAL;
		if (scope)
			*oif = scope;
		if (!*oif)
			return -EINVAL;
	}
	return 0;
}

/*
 * Read what a program passed to bind() or connect().
 * @len: as passed; the bytes are in kernel memory
 * @oif: in: the device the socket is bound to; out: also the address's scope
 * @v6:  set when it is IPv6
 *
 * An IPv4 socket that came by AF_RILL may turn IPv6, so sa_family decides; the
 * others take their own family's addresses alone.  By AF_RILL sa_family may also
 * be the socket's own: then the length says which (tools that copy the socket's
 * domain into the address).  Returns 0 or what TCP would: -EINVAL when short,
 * -EAFNOSUPPORT for other families.
 */
int rill_addr_get(const struct sock *sk, const void *uaddr, int len,
		  struct in6_addr *addr, __be16 *port, int *oif, bool *v6)
{
	const struct sockaddr *sa = uaddr;
	int family, only = rill_sk(sk)->v6 ? AF_INET6 : rill_is_inet(sk) ? AF_INET : 0;

	if (len < (int)offsetofend(struct sockaddr, sa_family))
		return -EINVAL;
	family = sa->sa_family;
	if (family == sk->sk_family && !rill_is_inet(sk))
		family = len >= (int)sizeof(struct sockaddr_in6) ? AF_INET6 : AF_INET;
	*v6 = (only ? only : family) == AF_INET6;
	if (*v6) {
		if (len < SIN6_LEN_RFC2133)
			return -EINVAL;
		if (family != AF_INET6)
			return -EAFNOSUPPORT;
		return rill_addr_get6(sk, uaddr, len, addr, port, oif);
	}
	if (family != AF_INET && !only)
		return -EAFNOSUPPORT;
	if (len < (int)sizeof(struct sockaddr_in))
		return -EINVAL;
	if (family != AF_INET)
		return -EAFNOSUPPORT;
	return rill_addr_get4(uaddr, addr, port);
}

/* The same for bind(), where AF_UNSPEC with 0.0.0.0 passes for AF_INET. */
int rill_addr_get_bind(const struct sock *sk, const void *uaddr, int len,
		       struct in6_addr *addr, __be16 *port, int *oif, bool *v6)
{
	struct sockaddr_in sin;
	int err;

	if (!rill_sk(sk)->v6 && len >= (int)sizeof(sin)) {
		memcpy(&sin, uaddr, sizeof(sin));
		if (sin.sin_family == AF_UNSPEC && sin.sin_addr.s_addr == htonl(INADDR_ANY)) {
			*v6 = false;
			return rill_addr_get4(&sin, addr, port);
		}
	}
	err = rill_addr_get(sk, uaddr, len, addr, port, oif, v6);
	/* To connect there would have no way; to bind is wrong. */
	return err == -ENETUNREACH ? -EINVAL : err;
}

/* Write a name into @uaddr, a struct sockaddr_storage; returns its length. */
int rill_addr_put(const struct sock *sk, void *uaddr, const struct in6_addr *addr,
		  __be16 port)
{
	struct sockaddr_in6 *sin6 = uaddr;
	struct sockaddr_in *sin = uaddr;

	if (!rill_sk(sk)->v6) {
		memset(sin, 0, sizeof(*sin));
		sin->sin_family = AF_INET;
		sin->sin_port = port;
		sin->sin_addr.s_addr = addr->s6_addr32[3];
		return sizeof(*sin);
	}
	memset(sin6, 0, sizeof(*sin6));
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = port;
	sin6->sin6_addr = *addr;
	sin6->sin6_scope_id = ipv6_iface_scope_id(addr, sk->sk_bound_dev_if);
	return sizeof(*sin6);
}

/* The IPv4 names where generic code and BPF programs look for them. */
void rill_addr_show(struct sock *sk)
{
	struct inet_sock *inet = inet_sk(sk);

	inet->inet_rcv_saddr = rill_is_v4(&sk->sk_v6_rcv_saddr) ?
			       sk->sk_v6_rcv_saddr.s6_addr32[3] : 0;
	inet->inet_saddr = inet->inet_rcv_saddr;
	inet->inet_daddr = rill_is_v4(&sk->sk_v6_daddr) ? sk->sk_v6_daddr.s6_addr32[3] : 0;
}

/* And back: a BPF program bound an AF_INET socket (bpf_bind()). */
void rill_addr_shown(struct sock *sk)
{
	if (sk->sk_family == AF_INET)
		ipv6_addr_set_v4mapped(inet_sk(sk)->inet_rcv_saddr, &sk->sk_v6_rcv_saddr);
}

/* May @sk bind to @addr?  0, -EADDRNOTAVAIL or -EINVAL, as TCP has it. */
int rill_addr_bindable(struct sock *sk, const struct in6_addr *addr, int oif)
{
	struct net *net = sock_net(sk);
	struct net_device *dev = NULL;
	int type, err = 0;

	if (rill_is_v4(addr)) {
		__be32 a = addr->s6_addr32[3];

		type = inet_addr_type(net, a);
		if (a == htonl(INADDR_ANY) || type == RTN_LOCAL ||
		    inet_can_nonlocal_bind(net, inet_sk(sk)))
			return 0;
		/* TCP has these and never hears a thing; UDP would. */
		if (sk->sk_type != SOCK_DGRAM &&
		    (type == RTN_MULTICAST || type == RTN_BROADCAST))
			return 0;
		return -EADDRNOTAVAIL;
	}
	if (ipv6_addr_is_multicast(addr))
		return sk->sk_type == SOCK_DGRAM ? -EADDRNOTAVAIL : -EINVAL;
	if (ipv6_addr_any(addr) || ipv6_can_nonlocal_bind(net, inet_sk(sk)))
		return 0;
	rcu_read_lock();
	if (oif)
		dev = dev_get_by_index_rcu(net, oif);
	if (oif && !dev)
		err = -ENODEV;
	else if (!ipv6_chk_addr(net, addr, dev, 0))
		err = -EADDRNOTAVAIL;
	rcu_read_unlock();
	return err;
}
