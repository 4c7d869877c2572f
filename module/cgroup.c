// SPDX-License-Identifier: GPL-2.0
/*
 * cgroup.c - the BPF programs of a cgroup, which the internet's sockets ask.
 *
 * Owns the calls that inet_bind(), inet_stream_connect(), inet_getname() and
 * inet_release() make for theirs, so that a policy for AF_INET and AF_INET6 holds
 * for sockets that came by that door.  Programs do not know AF_RILL: there
 * nothing is asked.  What is not here: BPF_CGROUP_INET_SOCK_CREATE is run by
 * socket() itself, ingress by sk_filter(), egress by IP as it sends.
 */
#include <linux/bpf-cgroup.h>
#include <net/ip.h>
#include "sock.h"

#ifdef CONFIG_CGROUP_BPF

/* Is there anybody to ask about @sk?  @type4 and @type6: the hook, by family. */
static bool rill_cgroup_asks(const struct sock *sk, enum cgroup_bpf_attach_type type4,
			     enum cgroup_bpf_attach_type type6,
			     enum cgroup_bpf_attach_type *type)
{
	if (!rill_is_inet(sk))
		return false;
	*type = sk->sk_family == AF_INET ? type4 : type6;
	return static_key_enabled(&cgroup_bpf_enabled_key[*type]);
}

/* Too short to be shown to a program for @v4 or IPv6: refused later, as by TCP. */
static bool rill_cgroup_short(bool v4, int len)
{
	return len < (v4 ? (int)sizeof(struct sockaddr_in) : SIN6_LEN_RFC2133);
}

/*
 * Is it the program for IPv4 that is asked about the address @sa?  IPv6's datagram
 * sockets take IPv4's addresses too, and then it is, as of UDP.
 */
static bool rill_cgroup_v4(const struct sock *sk, const struct sockaddr *sa, int len)
{
	return sk->sk_family == AF_INET ||
	       (sk->sk_type == SOCK_DGRAM && len >= (int)sizeof(sa->sa_family) &&
		sa->sa_family == AF_INET);
}

/*
 * bind(): a program may refuse it, change the address, and allow any port.
 * @uaddr: kernel memory; what is too short is refused later, as TCP does
 */
int rill_cgroup_bind(struct sock *sk, void *uaddr, int len, bool *any_port)
{
	enum cgroup_bpf_attach_type type;
	u32 flags = 0;
	int err;

	if (!rill_cgroup_asks(sk, CGROUP_INET4_BIND, CGROUP_INET6_BIND, &type) ||
	    rill_cgroup_short(sk->sk_family == AF_INET, len))
		return 0;
	err = rill_bpf_sock_addr(sk, uaddr, &len, type, NULL, &flags);
	*any_port = flags & BPF_RET_BIND_NO_CAP_NET_BIND_SERVICE;
	return err;
}

/* bind() has an address and a port: may it keep them? */
int rill_cgroup_post_bind(struct sock *sk)
{
	enum cgroup_bpf_attach_type type;

	if (!rill_cgroup_asks(sk, CGROUP_INET4_POST_BIND, CGROUP_INET6_POST_BIND, &type))
		return 0;
	return __cgroup_bpf_run_filter_sk(sk, type);
}

/* connect(): a program may refuse it, change the address, and bind the socket. */
int rill_cgroup_connect(struct sock *sk, void *uaddr, int len)
{
	bool v4 = rill_cgroup_v4(sk, uaddr, len);
	enum cgroup_bpf_attach_type type;
	int err;

	if (!rill_cgroup_asks(sk, CGROUP_INET4_CONNECT,
			      v4 ? CGROUP_INET4_CONNECT : CGROUP_INET6_CONNECT, &type) ||
	    rill_cgroup_short(v4, len))
		return 0;
	err = rill_bpf_sock_addr(sk, uaddr, &len, type, NULL, NULL);
	rill_addr_shown(sk);
	return err;
}

/* getsockname() and getpeername(): a program may show another name. */
void rill_cgroup_getname(struct sock *sk, void *uaddr, int len, bool peer)
{
	enum cgroup_bpf_attach_type type;

	if (peer ? rill_cgroup_asks(sk, CGROUP_INET4_GETPEERNAME, CGROUP_INET6_GETPEERNAME,
				    &type) :
		   rill_cgroup_asks(sk, CGROUP_INET4_GETSOCKNAME, CGROUP_INET6_GETSOCKNAME,
				    &type))
		rill_bpf_sock_addr(sk, uaddr, &len, type, NULL, NULL);
}

/* close(): a program may take note. */
void rill_cgroup_release(struct sock *sk)
{
	enum cgroup_bpf_attach_type type;

	if (!sk->sk_kern_sock && rill_cgroup_asks(sk, CGROUP_INET_SOCK_RELEASE,
						  CGROUP_INET_SOCK_RELEASE, &type))
		__cgroup_bpf_run_filter_sk(sk, type);
}

/* The programs for IPv4, about a datagram to @sin. */
static int rill_cgroup_sendmsg4(struct sock *sk, struct sockaddr_in *sin, struct in6_addr *saddr)
{
	enum cgroup_bpf_attach_type type;
	int len = sizeof(*sin), err;
	__be32 saddr4 = 0;

	if (!rill_cgroup_asks(sk, CGROUP_UDP4_SENDMSG, CGROUP_UDP4_SENDMSG, &type))
		return 0;
	lock_sock(sk);
	err = rill_bpf_sock_addr(sk, (struct sockaddr_unsized *)sin, &len, type, &saddr4, NULL);
	release_sock(sk);
	if (saddr4)
		ipv6_addr_set_v4mapped(saddr4, saddr);
	return err;
}

/* Those about a datagram to IPv4 that is written as IPv6. */
static int rill_cgroup_sendmsg_mapped(struct sock *sk, struct sockaddr_in6 *sin6,
				      struct in6_addr *saddr)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = sin6->sin6_port,
		.sin_addr.s_addr = sin6->sin6_addr.s6_addr32[3],
	};
	int err = rill_cgroup_sendmsg4(sk, &sin, saddr);

	sin6->sin6_port = sin.sin_port;
	sin6->sin6_addr.s6_addr32[3] = sin.sin_addr.s_addr;
	return err;
}

/* sendto(): a program may refuse it, change the address, and choose ours. */
int rill_cgroup_sendmsg(struct sock *sk, void *uaddr, int len, struct in6_addr *saddr)
{
	bool v4 = rill_cgroup_v4(sk, uaddr, len);
	struct sockaddr_in6 *sin6 = uaddr;
	enum cgroup_bpf_attach_type type;
	int err;

	if (!rill_is_inet(sk) || rill_cgroup_short(v4, len))
		return 0;
	if (v4)
		return rill_cgroup_sendmsg4(sk, uaddr, saddr);
	if (sin6->sin6_family != AF_INET6)
		return 0;		/* of no family of ours: refused later */
	if (rill_is_v4(&sin6->sin6_addr))
		return rill_cgroup_sendmsg_mapped(sk, sin6, saddr);
	if (!rill_cgroup_asks(sk, CGROUP_UDP6_SENDMSG, CGROUP_UDP6_SENDMSG, &type))
		return 0;
	lock_sock(sk);
	err = rill_bpf_sock_addr(sk, uaddr, &len, type, saddr, NULL);
	release_sock(sk);
	return err;
}

/* recvfrom(): a program may show another name. */
void rill_cgroup_recvmsg(struct sock *sk, void *uaddr, int len)
{
	enum cgroup_bpf_attach_type type;

	if (!rill_cgroup_asks(sk, CGROUP_UDP4_RECVMSG, CGROUP_UDP6_RECVMSG, &type))
		return;
	lock_sock(sk);
	rill_bpf_sock_addr(sk, uaddr, &len, type, NULL, NULL);
	release_sock(sk);
}

#else

int rill_cgroup_sendmsg(struct sock *sk, void *uaddr, int len, struct in6_addr *saddr)
{
	return 0;
}

void rill_cgroup_recvmsg(struct sock *sk, void *uaddr, int len)
{
}

int rill_cgroup_bind(struct sock *sk, void *uaddr, int len, bool *any_port)
{
	return 0;
}

int rill_cgroup_post_bind(struct sock *sk)
{
	return 0;
}

int rill_cgroup_connect(struct sock *sk, void *uaddr, int len)
{
	return 0;
}

void rill_cgroup_getname(struct sock *sk, void *uaddr, int len, bool peer)
{
}

void rill_cgroup_release(struct sock *sk)
{
}

#endif /* CONFIG_CGROUP_BPF */
