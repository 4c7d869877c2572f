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

static bool rill_cgroup_short(const struct sock *sk, int len)
{
	return len < (sk->sk_family == AF_INET ? (int)sizeof(struct sockaddr_in) :
						 SIN6_LEN_RFC2133);
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
	    rill_cgroup_short(sk, len))
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
	enum cgroup_bpf_attach_type type;
	int err;

	if (!rill_cgroup_asks(sk, CGROUP_INET4_CONNECT, CGROUP_INET6_CONNECT, &type) ||
	    rill_cgroup_short(sk, len))
		return 0;
	err = rill_bpf_sock_addr(sk, uaddr, &len, type, NULL, NULL);
	/* bpf_bind() wrote where AF_INET sockets have their address. */
	if (sk->sk_family == AF_INET && inet_sk(sk)->inet_rcv_saddr)
		ipv6_addr_set_v4mapped(inet_sk(sk)->inet_rcv_saddr, &sk->sk_v6_rcv_saddr);
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

#else

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
