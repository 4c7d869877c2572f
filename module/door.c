// SPDX-License-Identifier: GPL-2.0
/*
 * door.c - the ways in: which sockets there are, and by which socket() calls.
 *
 * Owns the table of socket types and its two doors.  The first is a family of
 * our own, AF_RILL.  The second is AF_INET and AF_INET6 with IPPROTO_RILL, for
 * what knows the internet's families only: sandboxes with a list of families,
 * cgroup BPF programs, languages.  Both lead to the same sockets; what differs
 * is sk_family, and with it which addresses are taken (addr.c) and that cgroup
 * programs are asked (cgroup.c).
 */
#include <linux/module.h>
#include <net/protocol.h>
#include "sock.h"

struct rill_sock_type {
	int	type;			/* SOCK_* */
	const struct proto_ops *ops;
	struct proto *prot;		/* of AF_RILL and AF_INET */
	struct proto *prot6;		/* of AF_INET6, whose objects end in an ipv6_pinfo */
};

static const struct rill_sock_type rill_types[] = {
	{ SOCK_STREAM, &rill_stream_ops, &rill_prot, &rill6_prot },
	{ SOCK_SEQPACKET, &rill_record_ops, &rill_prot, &rill6_prot },
	{ SOCK_DGRAM, &rill_dgram_ops, &rill_dgram_prot, &rill6_dgram_prot },
};

int rill_family;

static int rill_create(struct net *net, struct socket *sock, int protocol, int kern)
{
	const struct rill_sock_type *t = rill_types, *end = t + ARRAY_SIZE(rill_types);
	struct sock *sk;

	while (t < end && t->type != sock->type)
		t++;
	if (t == end)
		return -ESOCKTNOSUPPORT;
	if (protocol != RILL_PROTO_V4 && protocol != RILL_PROTO_V6)
		return -EPROTONOSUPPORT;
	sk = sk_alloc(net, rill_family, GFP_KERNEL, t->prot, kern);
	if (!sk)
		return -ENOBUFS;
	sock->ops = t->ops;
	sock->state = SS_UNCONNECTED;
	sock_init_data(sock, sk);
	sk->sk_protocol = protocol;
	return sk->sk_prot->init(sk);
}

static const int rill_families[] = { AF_RILL, 19, 22 };

static struct net_proto_family rill_family_ops = {
	.create = rill_create,
	.owner = THIS_MODULE,
};

/* Take the family asked for, or the first of ours that is free. */
static int rill_family_register(void)
{
	int want = rill_family, err, i;

	/* sock_register() takes a negative number for an index. */
	if (want < 0 || want >= AF_MAX) {
		pr_err("rill: no address family %d: 1..%d\n", want, AF_MAX - 1);
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(rill_families); i++) {
		rill_family = want ? want : rill_families[i];
		rill_family_ops.family = rill_family;
		err = sock_register(&rill_family_ops);
		if (err != -EEXIST || want)
			break;
	}
	if (err)
		pr_err("rill: address family %d cannot be had: %d\n", rill_family, err);
	return err;
}

/* The second door; [0] AF_INET, [1] AF_INET6. */
static struct inet_protosw rill_protosw[2][ARRAY_SIZE(rill_types)];

/*
 * Open it.  The list is what a socket() without protocol finds too: there TCP and
 * UDP come first, being permanent.  (Of SOCK_SEQPACKET nothing is permanent, and
 * protocol 0 finds the last to come, SCTP or us.)  A host that booted without IPv6
 * has the AF_INET6 list all the same, and no family that looks at it.
 */
static void rill_protosw_register(void)
{
	int v6, i;

	for (i = 0; i < ARRAY_SIZE(rill_types); i++) {
		for (v6 = 0; v6 < 2; v6++) {
			struct inet_protosw *p = &rill_protosw[v6][i];

			/* So that it can be taken out though it was refused. */
			INIT_LIST_HEAD(&p->list);
			p->type = rill_types[i].type;
			p->protocol = IPPROTO_RILL;
			p->prot = v6 ? rill_types[i].prot6 : rill_types[i].prot;
			p->ops = rill_types[i].ops;
		}
		inet_register_protosw(&rill_protosw[0][i]);
		if (inet6_register_protosw(&rill_protosw[1][i]))
			pr_warn("rill: no IPPROTO_RILL under AF_INET6\n");
	}
}

int rill_doors_open(void)
{
	int err = rill_family_register();

	if (!err)
		rill_protosw_register();
	return err;
}

/* Nobody can make a socket any more; those that exist hold the module. */
void rill_doors_close(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rill_types); i++) {
		inet_unregister_protosw(&rill_protosw[0][i]);
		inet6_unregister_protosw(&rill_protosw[1][i]);
	}
	sock_unregister(rill_family);
}
