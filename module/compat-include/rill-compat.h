/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rill-compat.h - older kernels made to look like the newest.
 *
 * The module is written to the API of 7.2; the differences that are not in one
 * header's shim are here.  This directory is the only place that may look at
 * LINUX_VERSION_CODE.  Force-included by Kbuild.
 */
#ifndef RILL_COMPAT_H
#define RILL_COMPAT_H

#include <linux/types.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define sockaddr_unsized	sockaddr	/* proto_ops.bind and .connect */
#define RILL_TUNNEL_SOCK(sock)	(sock)		/* setup and release take a socket */
#define RILL_IPCB_FLAGS				/* udp_tunnel_xmit_skb()'s last argument */
#define RILL_RECVMSG_ADDR_LEN	, int *addr_len	/* proto.recvmsg's last argument */
#define RILL_ZC_DEVMEM				/* msg_zerocopy_realloc()'s last argument */
#else
#define RILL_TUNNEL_SOCK(sock)	((sock)->sk)
#define RILL_IPCB_FLAGS		, 0
#define RILL_RECVMSG_ADDR_LEN
#define RILL_ZC_DEVMEM		, false
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
/* proto_ops.accept took its arguments one by one. */
struct proto_accept_arg {
	int	flags;
	int	err;
	int	is_empty;
	bool	kern;
};
#define RILL_OLD_ACCEPT
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define dst_rtable(dst)	((struct rtable *)(dst))
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define RILL_OLD_SENDPAGE	/* proto_ops.sendpage exists */
#define RILL_OLD_IOCTL		/* proto.ioctl takes an unsigned long */
#else
#define MSG_SENDPAGE_NOTLAST	0	/* sendpage() is gone: whole lists of pages come */
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
/* cgroup programs could not change an address's length */
#define rill_bpf_sock_addr(sk, uaddr, len, type, ctx, flags)	\
	((void)(len), __cgroup_bpf_run_filter_sock_addr(sk, uaddr, type, ctx, flags))
#else
#define rill_bpf_sock_addr	__cgroup_bpf_run_filter_sock_addr
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
/* struct ipv6_pinfo was found from the object's end */
#define rill_set_pinfo_offset(prot, offset)	((void)(offset))
#else
#define rill_set_pinfo_offset(prot, offset)	((prot)->ipv6_pinfo_offset = (offset))
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
/* encap_err_rcv got only the offset of the quoted UDP header */
#define RILL_OLD_ENCAP_ERR
/* the sentinel was needed, the count not taken */
#define register_net_sysctl_sz(net, path, table, n)	register_net_sysctl(net, path, table)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
/* The flags of struct inet_sock were bit fields. */
#define inet_test_bit(nr, sk)		(inet_sk(sk)->RILL_INET_##nr)
#define inet_assign_bit(nr, sk, val)	(inet_sk(sk)->RILL_INET_##nr = !!(val))
#define inet_cmsg_flags(inet)		((inet)->cmsg_flags)
#define RILL_INET_FREEBIND		freebind
#define RILL_INET_TRANSPARENT		transparent
#define RILL_INET_MC_LOOP		mc_loop
#define RILL_INET_MC_ALL		mc_all
#define RILL_INET_RECVERR		recverr
#define RILL_INET_RECVERR_RFC4884	recverr_rfc4884
#define RILL_INET_BIND_ADDRESS_NO_PORT	bind_address_no_port
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define RILL_CTL_TABLE	struct ctl_table	/* proc_handler's argument */
#else
#define RILL_CTL_TABLE	const struct ctl_table
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define hrtimer_setup(timer, fn, clock, mode)		\
	do {						\
		hrtimer_init(timer, clock, mode);	\
		(timer)->function = fn;			\
	} while (0)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define rill_setup_tx_timestamp(skb, sockc)	skb_setup_tx_timestamp(skb, (sockc)->tsflags)
#else
#define rill_setup_tx_timestamp			skb_setup_tx_timestamp
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define sk_uid(sk)	sock_i_uid((struct sock *)(sk))
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define sk_drops_inc(sk)	atomic_inc(&(sk)->sk_drops)
#define sk_drops_read(sk)	atomic_read(&(sk)->sk_drops)
#define fl4_set_dscp(fl4, tos)	((fl4)->flowi4_tos = (tos) & 0xfc)
#else
#define fl4_set_dscp(fl4, tos)	((fl4)->flowi4_dscp = inet_dsfield_to_dscp(tos))
#endif

#endif /* RILL_COMPAT_H */
