/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sock.h - the Rill socket, and the rules of its locks and its life.
 *
 * Owns struct rill_sock and the prototypes of the glue, grouped by the file
 * that implements them.  The protocol is the engine's (core/conn.h): glue moves
 * bytes and wakes people.
 *
 * Locks, outermost first
 *
 *  1. The socket lock (lock_sock() in a process; bh_lock_sock() and the backlog
 *     in softirq).  Guards struct rill_conn and everything in struct rill_sock
 *     not named below.  Two socket locks are never held at once, with one
 *     exception: a child is locked while nobody else can know it.
 *  2. rill_bind_bucket.lock (port.c): who holds which port.
 *     rill_listen_bucket.lock (lookup.c): who listens; writers only.
 *     rill_sock.accept_lock: a listener's queue of children.
 *     rill_net.tomb_lock (tomb.c).  None of these is taken inside another.
 *  3. sk_callback_lock, the wait queue, sk_receive_queue.lock.
 *
 * The id table is an rhashtable read under RCU.  A socket found there or among
 * the listeners is pinned with refcount_inc_not_zero() before use; SOCK_RCU_FREE
 * keeps its memory for a grace period.  What softirq cannot do because a process
 * owns the socket goes to the backlog with its time stamp (packets), or becomes
 * a bit of rill_sock.deferred that rill_release_cb() drains (timer, write space).
 *
 * References on a socket, each with the place that drops it
 *
 *  file		the descriptor			rill_close()
 *  table	entry in the id table		rill_unhash()
 *  timer	running hrtimer handler		the handler (armed, it has none)
 *  kick	scheduled tasklet		its handler, rill_output_kicked()
 *  queue	place on an accept queue	rill_accept(), or rill_listen_stop()
 *  fast	a listener's, child unconfirmed	rill_fast_settle() of the child
 *  parent	a child that waits (defer.c)	rill_defer_forget()
 *
 * Teardown.  A socket dies when its last reference goes.  rill_close() orphans
 * it; if the connection has ended, or when it does, rill_destroy() takes it out
 * of the id table (no new packet finds it), gives back its port, stops the timer
 * and frees the queues: after that only a reader inside an RCU section or a
 * timer handler waiting for the lock can hold it, and both look at SOCK_DEAD and
 * the state after taking the lock.  A listener also drains its accept queue: the
 * queue is closed under accept_lock, so a child is either in it before (and is
 * destroyed here) or is refused.
 */
#ifndef RILL_SOCK_H
#define RILL_SOCK_H

#include <linux/bitmap.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/ipv6.h>
#include <linux/rhashtable-types.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include <linux/rill.h>
#include "core/conn.h"
#include "netns.h"

struct rill_bind;

/* What an id leads to. */
enum rill_node_kind {
	RILL_NODE_SOCK,		/* a stream */
	RILL_NODE_DGRAM,	/* a connected datagram socket */
	RILL_NODE_TOMB,
};

struct rill_node {
	struct rhash_head rh;
	u64	cid;		/* key; random, chosen here */
	u8	kind;		/* enum rill_node_kind */
};

/* Bits of rill_sock.deferred: work for whoever releases the socket. */
enum rill_deferred {
	RILL_D_TIMER,		/* the deadline came */
	RILL_D_OUTPUT,		/* the queue below has room again */
	RILL_D_ICMP,		/* an ICMP error came: icmp_err */
	RILL_D_KICKED,		/* the tasklet is scheduled */
};

/* What the program may ask about an IPv6 packet. */
struct rill_ip6_seen {
	int	iif;			/* device it came by, 0: none was seen */
	u8	hops;			/* its hop limit on arrival */
	__be32	flow;			/* traffic class and flow label */
	struct in6_addr daddr;
};

/*
 * The options of IPv6, which for AF_INET6 sockets are in struct ipv6_pinfo
 * (sockopt_ip.c).  Under the socket lock.
 */
struct rill_ip6 {
	DECLARE_BITMAP(on, IPV6_FREEBIND + 1);	/* those that are on or off, by number */
	s16	hop_limit;		/* -1: the route's */
	u8	min_hopcount;		/* packets with less are dropped */
	u8	tclass;			/* ECN bits clear */
	u8	pmtudisc;		/* IPV6_PMTUDISC_* */
	int	ucast_oif;		/* kept, as TCP keeps it */
	struct in6_pktinfo pktinfo;	/* likewise */
	bool	see;			/* the program may ask about packets: */
	struct rill_ip6_seen seen;	/* what of the last it may */
};

struct rill_sock {
	/* First: IPv6 output reads inet_sk(skb->sk)->pinet6, NULL or as below. */
	struct inet_sock inet;

	/* receive */
	struct rb_root	ooo;		/* skbs beyond a gap, by offset */
	struct rill_range *ooo_mem;	/* behind conn.rx.ooo.v, NULL at first */
	struct rill_gap	*gap_mem;	/* behind conn.rx.gaps.v, likewise */
	u32	readers;	/* threads in rill_recv_wait() */
	bool		inq;		/* recvmsg() tells what is left; RILL_INQ */

	/* send */
	unsigned long	deferred;	/* enum rill_deferred; any context */
	int		icmp_err;	/* errno, positive, with RILL_D_ICMP */
	u32		icmp_mtu;	/* bytes, with EMSGSIZE */
	struct list_head marks;		/* of send calls whose stamps are wanted */
	u64		mark_base;	/* stream offset that their keys count from */
	u32		notsent_lowat;	/* bytes, 0: none; RILL_NOTSENT_LOWAT */
	bool		throttled;	/* output waits for the queue below */
	struct tasklet_struct kick;	/* resumes output */

	/* timer */
	struct hrtimer	timer;
	u64		timer_at;	/* when it fires, RILL_NEVER: not armed */

	/* identity */
	struct rill_node node;		/* in the id table while hashed */
	bool		hashed;
	bool		v6;		/* names are sockaddr_in6 */
	bool		counted_orphan;	/* in rill_net.orphans */
	struct rill_ip6	ip6;
	u32		dst_cookie;	/* of sk_dst_cache, IPv6 */
	u32		dst_mtu;	/* of the route when the payload was set */
	const struct rill_cc_ops *cc;	/* RILL_CONGESTION */
	struct rill_udp	*udp;		/* carrier socket we send from */
	__be16		peer_udp;	/* the peer's UDP port */

	struct rill_conn conn;

	/* ports */
	struct rill_bind *bind;		/* the port we hold, NULL: none */
	struct hlist_node bind_node;	/* among its holders */
	bool		bind_auto;	/* picked by connect(): shared by peers */

	/* listener */
	struct hlist_node listen_node;	/* among the listeners */
	spinlock_t	accept_lock;	/* the four below, and sk_ack_backlog */
	struct list_head accept_q;	/* children, by accept_node */
	bool		accept_open;	/* children may be added */
	struct list_head defer_q;	/* children that wait for data, by accept_node */
	u32		ndeferred;	/* on it */
	u8		defer_accept;	/* tries of TCP's, 0: none; RILL_DEFER_ACCEPT */
	/* child, or a run without bytes for the FIN */
	struct list_head accept_node;
	struct sock	*parent;	/* while it is on defer_q; a reference */
	u64		defer_at;	/* until when */
	struct rill_run	fin_run;

	/* fast open */
	bool		fast_connect;	/* RILL_FASTOPEN_CONNECT */
	bool		defer;		/* connect() was called, the SYN waits for a write */
	bool		fast_req;	/* as tcp_sock.fastopen_req: one is under way */
	u32		fast_max;	/* listener: RILL_FASTOPEN, 0: not done */
	atomic_t	fast_n;		/* listener: children counted against it */
	struct sock	*fast_listener;	/* child: who counts us, until we are confirmed */

	/* for RILL_INFO */
	u16		maxseg;		/* RILL_MAXSEG as set, 0: not */
	u32		window_clamp;	/* bytes, 0: none; RILL_WINDOW_CLAMP */
	u64		last_data_sent;	/* ns */
	u64		last_data_rcv;	/* ns */
	u32		rebinds;	/* times the peer's address changed */
};

/* What sendmsg(MSG_FASTOPEN) wants to have in the SYN. */
struct rill_fast_msg {
	struct msghdr *msg;
	size_t	len;
	int	copied;		/* bytes taken out of @msg */
};

/*
 * A socket of family AF_INET6, and only of that: generic code takes for granted
 * that pinet6 leads to what IPv6 keeps, at the end of the object.  We keep
 * nothing there, so there is nothing to free.
 */
struct rill6_sock {
	struct rill_sock rs;
	struct ipv6_pinfo np;
};

/*
 * What we keep in skb->cb.  While a packet travels to its socket: where its
 * packets are.  Once queued: which bytes of the stream it holds.
 */
struct rill_skb_cb {
	u64	off;		/* queued: stream offset of the first byte */
	u64	stamp;		/* when it arrived, ns */
	u32	start;		/* skb offset of the first packet's header; queued: payload */
	u32	len;		/* payload bytes in all */
	int	iif;		/* device it came by; for link-local, the link's */
	int	sdif;		/* its port of a VRF, 0: none */
	u16	stride;		/* from packet to packet */
	u16	plen;		/* payload of every packet but the last */
	u16	n;		/* packets, 1..64 */
	u8	ecn;		/* ECN field of the IP header */
	u8	last_flags;	/* header flags of the last packet */
	bool	collect;	/* a linear skb that collects small payloads */
};

/* What a SYN or an echo looks for among the listeners. */
struct rill_want {
	struct net	*net;
	struct sk_buff	*skb;		/* the packet, for BPF programs */
	u32		hdr_len;	/* of our header */
	struct in6_addr	local, remote;
	__be16		port, sport;	/* the listener's and the client's */
	int		dif, sdif;
};

static inline struct rill_skb_cb *rill_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct rill_skb_cb) > sizeof(skb->cb));
	return (struct rill_skb_cb *)skb->cb;
}

#define rill_sk(ptr)	container_of_const(ptr, struct rill_sock, inet.sk)

extern struct proto rill_prot, rill6_prot, rill_dgram_prot, rill6_dgram_prot;
extern const struct proto_ops rill_stream_ops, rill_record_ops, rill_dgram_ops;
extern int rill_family;
extern const struct in6_addr rill_any4;
extern struct kmem_cache *rill_rec_cache;
extern struct workqueue_struct *rill_wq;

static inline struct rill_net *rill_sk_net(const struct sock *sk)
{
	return rill_pernet(sock_net(sk));
}

/* Did it come by the second door: AF_INET or AF_INET6, IPPROTO_RILL? */
static inline bool rill_is_inet(const struct sock *sk)
{
	return sk->sk_protocol == IPPROTO_RILL;
}

static inline u64 rill_now(void)
{
	return ktime_get_ns();
}

static inline bool rill_is_v4(const struct in6_addr *a)
{
	return ipv6_addr_v4mapped(a);
}

/* ns in the unit of /proc, 1/100 s; at most what its columns hold. */
static inline unsigned long rill_clock_t(u64 ns)
{
	return min_t(u64, div_u64(ns, NSEC_PER_SEC / USER_HZ), U32_MAX);
}

/* Backlog full, counted as Linux does: one more than asked for is admitted. */
static inline bool rill_accept_full(const struct sock *sk)
{
	return READ_ONCE(sk->sk_ack_backlog) > READ_ONCE(sk->sk_max_ack_backlog);
}

/* The state as generic code may see it: sk_fullsock() casts TIME_WAIT. */
static inline int rill_sk_state(const struct rill_conn *c)
{
	return c->state == RILL_TIME_WAIT ? TCP_CLOSE : c->state;
}

/* addr.c */
int rill_addr_get(const struct sock *sk, const void *uaddr, int len,
		  struct in6_addr *addr, __be16 *port, int *oif, bool *v6);
int rill_addr_get_bind(const struct sock *sk, const void *uaddr, int len,
		       struct in6_addr *addr, __be16 *port, int *oif, bool *v6);
int rill_addr_put(const struct sock *sk, void *uaddr, const struct in6_addr *addr,
		  __be16 port);
int rill_addr_bindable(struct sock *sk, const struct in6_addr *addr, int oif);
void rill_addr_show(struct sock *sk);
void rill_addr_shown(struct sock *sk);

/* door.c */
int rill_doors_open(void);
void rill_doors_close(void);

/* cgroup.c */
int rill_cgroup_bind(struct sock *sk, void *uaddr, int len, bool *any_port);
int rill_cgroup_post_bind(struct sock *sk);
int rill_cgroup_connect(struct sock *sk, void *uaddr, int len);
void rill_cgroup_getname(struct sock *sk, void *uaddr, int len, bool peer);
void rill_cgroup_release(struct sock *sk);
int rill_cgroup_sendmsg(struct sock *sk, void *uaddr, int len, struct in6_addr *saddr);
void rill_cgroup_recvmsg(struct sock *sk, void *uaddr, int len);

/* proto.c */
int rill_protos_register(void);
void rill_protos_unregister(void);

/* af_rill.c */
void rill_sock_begin(struct sock *sk);
int rill_init_sock(struct sock *sk);
int rill_get_port(struct sock *sk, unsigned short port);
int rill_bind(struct socket *sock, struct sockaddr_unsized *uaddr, int len);
int rill_getname(struct socket *sock, struct sockaddr *uaddr, int peer);
int rill_release(struct socket *sock);
void rill_sock_init(struct sock *sk);
void rill_port_return(struct sock *sk);
void rill_forget_names(struct sock *sk, bool port);
void rill_set_state(struct sock *sk, int state);
void rill_close(struct sock *sk, long timeout);
int rill_disconnect(struct sock *sk, int flags);
void rill_destroy(struct sock *sk);
void rill_reset(struct sock *sk, enum rill_mib why, int err);
void rill_purge(struct sock *sk);

/* connect.c */
int rill_connect(struct socket *sock, struct sockaddr_unsized *uaddr, int len, int flags);
int rill_connect_locked(struct socket *sock, struct sockaddr *uaddr, int len, int flags,
			struct rill_fast_msg *fm);

/* fastopen.c */
void rill_fast_connect(struct sock *sk, struct rill_fast_msg *fm);
int rill_fast_send(struct sock *sk, struct msghdr *msg, size_t len, int *copied);
void rill_fast_remember(struct sock *sk);
bool rill_fast_admit(struct sock *sk);
void rill_fast_admit_undo(struct sock *sk);
void rill_fast_adopt(struct sock *child, struct sock *sk);
void rill_fast_settle(struct sock *child);

/* poll_wait.c */
__poll_t rill_poll(struct file *file, struct socket *sock, poll_table *wait);
void rill_write_space(struct sock *sk);
void rill_stream_write_space(struct sock *sk);
void rill_check_space(struct sock *sk);
void rill_data_ready(struct sock *sk);
bool rill_stream_is_readable(struct sock *sk);
bool rill_stream_memory_free(const struct sock *sk, int wake);

/* sendmsg.c */
bool rill_charge(struct sock *sk, u32 bytes);
void rill_uncharge(struct sock *sk, u32 bytes);
int rill_sendmsg(struct sock *sk, struct msghdr *msg, size_t len);
struct rill_life *rill_life_new(struct sock *sk);
void rill_life_free(struct sock *sk, struct rill_life *life);
int rill_lay_record(struct sock *sk, struct iov_iter *from, u32 len, struct rill_out *out);
int rill_send_check(struct sock *sk);
int rill_send_ready(struct sock *sk, long *timeo);
void rill_push(struct sock *sk, int flags, struct rill_out *out);
int rill_send_control(struct sock *sk, struct msghdr *msg, u32 *lifetime, u32 *tsflags);
int rill_send_failed(struct sock *sk, int flags, int err);
void rill_run_free(struct sock *sk, struct rill_run *run);
int rill_fill_syn(struct sock *sk, struct msghdr *msg, size_t len, struct rill_out *out);
void rill_recut(struct sock *sk);
struct sk_buff *rill_run_skb(struct sock *sk, const struct rill_tx *tx, u32 headroom);

/* recvmsg.c */
int rill_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags);
void rill_rcv_queue(struct sock *sk, struct sk_buff *skb, bool ahead);
void rill_rcv_join(struct sock *sk);
void rill_rcv_purge(struct sock *sk);
bool rill_rcv_room(struct sock *sk, struct sk_buff *skb, bool ahead);
u64 rill_inq(const struct sock *sk);
struct sk_buff *rill_rcv_find(struct sock *sk, u64 seq, u32 *skip);
void rill_rcv_eat(struct sock *sk, u64 seq);
void rill_rcv_stamp(struct sock *sk, struct sk_buff *skb, struct sk_buff **stamped);
void rill_rcv_took(struct sock *sk, u32 bytes);
int rill_copy_out(struct sk_buff *skb, u32 skip, struct msghdr *msg, u32 len);
int rill_recv_end(struct sock *sk);
int rill_recv_wait(struct sock *sk, long *timeo, u64 seq);

/* splice.c */
ssize_t rill_splice_read(struct socket *sock, loff_t *ppos, struct pipe_inode_info *pipe,
			 size_t len, unsigned int flags);
void rill_splice_eof(struct socket *sock);

/* record.c */
int rill_record_send(struct sock *sk, struct msghdr *msg, size_t len);
int rill_record_recv(struct sock *sk, struct msghdr *msg, size_t len, int flags,
		     struct sk_buff **stamped);
void rill_record_scan(struct sock *sk, bool skip, u64 now, struct rill_out *out);
int rill_record_lifetime(struct msghdr *msg, u32 *ms);
u32 rill_record_takes(const struct sock *sk);
u32 rill_record_inq(struct sock *sk);

/* input.c */
int rill_backlog_rcv(struct sock *sk, struct sk_buff *skb);
void rill_input(struct rill_udp *udp, struct sk_buff *skb);
void rill_rcv_skb(struct sock *sk, struct sk_buff *skb);
void rill_rcv_syn(struct sock *sk, struct sk_buff *skb, const struct rill_pkt *p, u16 data);
struct sock *rill_node_sock(struct rill_node *node, enum rill_node_kind kind,
			    const struct net *net);
void rill_rcv_icmp(struct sock *sk, int err, u32 mtu);
void rill_input_icmp(struct rill_udp *udp, struct sk_buff *skb, int err, bool hard,
		     u32 offset);

/* output.c */
void rill_apply(struct sock *sk, struct rill_out *out);
void rill_output(struct sock *sk);
void rill_output_init(struct sock *sk);
void rill_output_resume(struct sock *sk);
void rill_release_cb(struct sock *sk);
void rill_sync_mss(struct sock *sk);
void rill_reclaim(struct sock *sk);
int rill_send_reply(struct rill_udp *udp, const struct sock *lsk, struct sk_buff *to,
		    const u8 *b, u16 len);

/* listen.c */
int rill_listen(struct socket *sock, int backlog);
int rill_listen_carrier(struct sock *sk);
void rill_conn_config(struct sock *sk, struct rill_conn_cfg *cfg);
void rill_window_sync(struct sock *sk);
void rill_listen_stop(struct sock *sk);
struct sock *rill_accept(struct sock *sk, int flags, int *err);
void rill_listen_syn(struct rill_udp *udp, struct sk_buff *skb, struct rill_pkt *p,
		     struct rill_path *path);
struct sock *rill_listen_echo(struct rill_udp *udp, struct sk_buff *skb,
			      struct rill_pkt *p, struct rill_path *path);

/* defer.c */
u8 rill_defer_tries(int seconds);
int rill_defer_seconds(u8 tries);
bool rill_defer_add(struct sock *sk, struct sock *child);
void rill_defer_forget(struct sock *child);
void rill_defer_done(struct sock *child);
void rill_defer_drop(struct sock *child);

/* lookup.c */
int rill_lookup_init(void);
void rill_lookup_exit(void);
struct rill_node *rill_node_find(u64 cid);
int rill_node_add(struct rill_node *node);
void rill_node_del(struct rill_node *node);
void rill_node_walk(struct rhashtable_iter *iter);
int rill_hash(struct sock *sk);
void rill_unhash(struct sock *sk);
int rill_listener_add(struct sock *sk);
void rill_listener_del(struct sock *sk);
struct sock *rill_listener_find(const struct rill_want *w);
struct sock *rill_listener_nth(struct net *net, bool v6, loff_t pos);

/* port.c */
int rill_ports_init(void);
void rill_ports_exit(void);
bool rill_addrs_overlap(const struct sock *a, const struct sock *b);
int rill_port_search(struct sock *sk, bool even, int (*try)(struct sock *sk, u16 port));
int rill_port_get(struct sock *sk, u16 port);
int rill_port_auto(struct sock *sk);
int rill_port_listen(struct sock *sk);
int rill_port_check_peer(struct sock *sk);
void rill_port_inherit(struct sock *child, struct sock *parent);
void rill_port_put(struct sock *sk);

/* admit.c */
bool rill_near(const struct sock *sk, const void *iph, bool v6);
bool rill_admit(struct sock *sk, struct sk_buff *skb);
bool rill_admit_icmp(const struct sock *sk, const struct sk_buff *skb, bool v6);
struct sk_buff *rill_run_view(struct sk_buff *skb);
void rill_run_view_put(struct sk_buff *skb, struct sk_buff *view);

/* What a datagram says of itself, for those who may want it. */
struct rill_dgram_names {
	struct net *net;
	struct in6_addr	local, remote;	/* IPv4 is v4-mapped */
	u16	sport, dport;		/* Rill ports, the sender's and ours */
	int	iif;			/* device it came by */
	struct sk_buff *skb;		/* the packet, from our header on, for BPF programs */
	u32	hdr_len;		/* of our header and its items */
};

/* dgram.c */
int rill_dgram_init(struct sock *sk);
void rill_dgram_close(struct sock *sk, long timeout);
void rill_dgram_unhash(struct sock *sk);

/* dgram_io.c */
int rill_dgram_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
int rill_dgram_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags);
int rill_dgram_backlog_rcv(struct sock *sk, struct sk_buff *skb);

/* dgram_table.c */
int rill_dgram_table_init(void);
void rill_dgram_table_exit(void);
int rill_dgram_get_port(struct sock *sk, unsigned short port);
void rill_dgram_put_port(struct sock *sk);
struct sock *rill_dgram_find(const struct rill_dgram_names *n);
int rill_dgram_proc_init(struct net *net);
void rill_dgram_proc_exit(struct net *net);

/* timer.c */
void rill_timer_run(struct sock *sk);
void rill_timer_init(struct sock *sk);
void rill_timer_sync(struct sock *sk);
void rill_timer_stop(struct sock *sk);

/* tomb.c */
void rill_tomb_make(struct sock *sk, u64 now);
void rill_tomb_input(struct rill_udp *udp, struct rill_node *node, struct sk_buff *skb,
		     const struct rill_pkt *p);
struct rill_tomb_node;
const struct rill_tomb_node *rill_tomb_of(const struct rill_node *node, struct net *net,
					  bool v6);
void rill_tomb_show(struct seq_file *seq, const struct rill_tomb_node *tn, bool v6, int i);

/* sockopt.c */
int rill_setsockopt(struct socket *sock, int level, int optname, sockptr_t optval,
		    unsigned int optlen);
int rill_getsockopt(struct socket *sock, int level, int optname, char __user *optval,
		    int __user *optlen);
int rill_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg);
void rill_set_keepalive(struct sock *sk, int val);
int rill_set_rcvlowat(struct sock *sk, int val);
int rill_put_opt(char __user *optval, int __user *optlen, int len, const void *answer,
		 int size);

/* sockopt_ip.c */
void rill_ip_init(struct sock *sk);
int rill_ip_setsockopt(struct sock *sk, int optname, sockptr_t optval, unsigned int optlen);
int rill_ip_getsockopt(struct sock *sk, int optname, char __user *optval, int __user *optlen);
int rill_ip6_setsockopt(struct sock *sk, int optname, sockptr_t optval, unsigned int optlen);
int rill_ip6_getsockopt(struct sock *sk, int optname, char __user *optval, int __user *optlen);

/* cmsg.c */
void rill_ip6_see(struct rill_ip6_seen *seen, const struct sk_buff *skb, int iif);
void rill_put_ip6_pktinfo(const struct sock *sk, struct msghdr *msg,
			  const struct rill_ip6_seen *seen);
void rill_put_ip6_seen(const struct sock *sk, struct msghdr *msg,
		       const struct rill_ip6_seen *seen);
int rill_ip6_get_pktoptions(struct sock *sk, char __user *optval, int __user *optlen, int len);

/* tstamp.c */
void rill_stamp_write(struct sock *sk, u32 tsflags, u64 begin);
void rill_stamp_sent(struct sock *sk, struct sk_buff *skb, u64 from, u64 to);
void rill_stamps_acked(struct sock *sk, u64 una);
void rill_stamps_purge(struct sock *sk);

/* errqueue.c */
int rill_queue_too_big(struct sock *sk, const struct in6_addr *daddr, __be16 port, u32 mtu);
void rill_queue_icmp(struct sock *sk, struct sk_buff *skb, bool v6, int err, u32 offset);
bool rill_recverr(const struct sock *sk);
int rill_recv_error(struct sock *sk, struct msghdr *msg, size_t len);

/* info.c */
void rill_get_info(struct sock *sk, struct rill_info *info);

/* proc.c */
void rill_proc_names(struct seq_file *seq, int i, const struct in6_addr *local, __be16 sport,
		     const struct in6_addr *remote, __be16 dport, bool v6);

#endif /* RILL_SOCK_H */
