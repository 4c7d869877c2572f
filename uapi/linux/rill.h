/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Rill: the contract with programs.
 *
 * A Rill socket is socket(family, SOCK_STREAM, 0), or SOCK_SEQPACKET for records;
 * the family number in force is readable at /sys/module/rill/parameters/family.
 * Addresses are the internet's: struct sockaddr_in and struct sockaddr_in6.
 * Everything not named here behaves as an AF_INET TCP socket does.
 */
#ifndef _UAPI_LINUX_RILL_H
#define _UAPI_LINUX_RILL_H

#include <linux/types.h>

/*
 * The default address family: AF_ASH, which no kernel ever implemented.  The
 * module falls back to 19 and 22 when 18 is taken; read the number in force.
 */
#define AF_RILL			18
#define PF_RILL			AF_RILL

/* The UDP port that carries Rill (R-I-L-L on a keypad); net.rill.udp_port. */
#define RILL_UDP_PORT		7455

/* Values of socket()'s protocol argument. */
#define RILL_PROTO_V4		0	/* starts as IPv4, turns IPv6 with an IPv6 address */
#define RILL_PROTO_V6		1	/* IPv6, dual-stack unless IPV6_V6ONLY */

/*
 * The second door: socket(AF_INET or AF_INET6, type, IPPROTO_RILL) is the same
 * socket in a family that sandboxes, BPF programs and languages know.
 */
#define IPPROTO_RILL		257

/*
 * Option level.  The numbers below 128 are those of the TCP_* options they
 * mirror, and are answered at level IPPROTO_TCP too.
 */
#define SOL_RILL		0x5249	/* "RI" */

#define RILL_NODELAY		1	/* int 0/1: send small writes at once */
#define RILL_MAXSEG		2	/* int, bytes of payload a packet: set caps it, 88..32720 */
#define RILL_CORK		3	/* int 0/1: hold back packets that are not full, 200 ms at most */
#define RILL_KEEPIDLE		4	/* int, seconds of silence before the first probe, 1..32767 */
#define RILL_KEEPINTVL		5	/* int, seconds between probes, 1..32767 */
#define RILL_KEEPCNT		6	/* int, unanswered probes before ETIMEDOUT, 1..127 */
#define RILL_SYNCNT		7	/* int, SYN retransmissions before ETIMEDOUT, 1..127 */
#define RILL_LINGER2		8	/* int, seconds an orphan stays in FIN_WAIT2, -1..120 */
#define RILL_DEFER_ACCEPT	9	/* int, seconds a listener's children wait for data, 0: not */
#define RILL_WINDOW_CLAMP	10	/* int, bytes: largest window given to the peer, from 1152; 0: the buffer's */
#define RILL_INFO		11	/* struct rill_info, read only */
#define RILL_QUICKACK		12	/* int 0/1: acknowledge at once */
#define RILL_CONGESTION		13	/* string: "cubic", "reno", "bbr" */
#define RILL_USER_TIMEOUT	18	/* unsigned int, ms unacknowledged data may wait; 0: the default */
#define RILL_FASTOPEN		23	/* int, listener: children at once that data of a SYN opened; 0: none */
#define RILL_NOTSENT_LOWAT	25	/* unsigned int, bytes not sent above which poll() has no EPOLLOUT */
#define RILL_CC_INFO		26	/* what the congestion control tells, read only; nothing for those there are */
#define RILL_FASTOPEN_CONNECT	30	/* int 0/1: connect() may wait for data to take along */
#define RILL_INQ		36	/* int 0/1: recvmsg() tells the bytes left, cmsg SOL_TCP/TCP_CM_INQ */

/* Rill's own, at SOL_RILL alone: what older kernels keep to the internet's families. */
#define RILL_ZEROCOPY		128	/* int 0/1: SO_ZEROCOPY */
#define RILL_REUSEPORT		129	/* int 0/1: SO_REUSEPORT */

/*
 * Control messages at SOL_RILL of a SOCK_SEQPACKET socket.  sendmsg(2) takes a
 * lifetime: what the peer does not have by then is given up.  recvmsg(2) tells
 * with a record, or with the end of the stream, what the peer gave up before it.
 */
#define RILL_LIFETIME		129	/* __u32, ms, 0: none */
#define RILL_GAP		130	/* __u32, records given up, 1.. */

/* Bits of rill_info.tcpi_options; the values are TCP's. */
#define RILLI_OPT_SACK		0x02	/* always: acknowledgements carry ranges */
#define RILLI_OPT_WSCALE	0x04	/* always: credit is 64 bits wide */
#define RILLI_OPT_ECN		0x08	/* the path carries ECN marks */
#define RILLI_OPT_SYN_DATA	0x20	/* data came, or went, with the SYN: RILL_FASTOPEN */

/* rill_info.rill_carrier */
#define RILL_CARRIER_NONE	0	/* not connected */
#define RILL_CARRIER_UDP	1	/* packets over UDP */
#define RILL_CARRIER_LOCAL	2	/* handed over within the host */

/*
 * getsockopt(RILL_INFO).  The first fields are those of struct tcp_info, at the
 * same offsets and with the same units, so that a program that reads TCP_INFO
 * reads this; fields that mean nothing to Rill are zero.  A shorter buffer gets
 * a prefix.  All fields are written by the kernel.
 */
struct rill_info {
	__u8	tcpi_state;		/* TCP_ESTABLISHED (1) .. TCP_CLOSING (11) */
	__u8	tcpi_ca_state;		/* 0 open, 3 recovery, 4 loss (persistent congestion) */
	__u8	tcpi_retransmits;	/* PTOs in a row without an acknowledgement */
	__u8	tcpi_probes;		/* keepalive or window probes not answered */
	__u8	tcpi_backoff;		/* exponent of the PTO's backoff */
	__u8	tcpi_options;		/* RILLI_OPT_* */
	__u8	tcpi_wscale;		/* 0 */
	__u8	tcpi_app_limited;	/* bit 0: the delivery rate was limited by the program;
					 * bits 1..2: why no data went with the SYN, as TCP's
					 * tcpi_fastopen_client_fail */

	__u32	tcpi_rto;		/* us, PTO with its backoff */
	__u32	tcpi_ato;		/* us, longest time an acknowledgement is held back */
	__u32	tcpi_snd_mss;		/* bytes of payload a packet sent carries */
	__u32	tcpi_rcv_mss;		/* bytes of payload of the largest packet received */

	__u32	tcpi_unacked;		/* packets in flight; on a listener, connections to accept */
	__u32	tcpi_sacked;		/* on a listener the backlog, else 0 */
	__u32	tcpi_lost;		/* packets lost and not yet sent again */
	__u32	tcpi_retrans;		/* retransmitted packets in flight */
	__u32	tcpi_fackets;		/* 0 */

	__u32	tcpi_last_data_sent;	/* ms ago */
	__u32	tcpi_last_ack_sent;	/* ms ago */
	__u32	tcpi_last_data_recv;	/* ms ago */
	__u32	tcpi_last_ack_recv;	/* ms ago */

	__u32	tcpi_pmtu;		/* bytes, IP header included */
	__u32	tcpi_rcv_ssthresh;	/* bytes of credit this end gives */
	__u32	tcpi_rtt;		/* us, smoothed */
	__u32	tcpi_rttvar;		/* us, mean deviation */
	__u32	tcpi_snd_ssthresh;	/* packets; 0x7fffffff: not set */
	__u32	tcpi_snd_cwnd;		/* packets */
	__u32	tcpi_advmss;		/* bytes of payload this end takes a packet */
	__u32	tcpi_reordering;	/* packets a later one may overtake before one counts as lost */

	__u32	tcpi_rcv_rtt;		/* us, round trip as the receiver estimates it */
	__u32	tcpi_rcv_space;		/* bytes the program read in one round trip */

	__u32	tcpi_total_retrans;	/* packets retransmitted in all */

	__u64	tcpi_pacing_rate;	/* bytes a second, ~0: not paced */
	__u64	tcpi_max_pacing_rate;	/* bytes a second, SO_MAX_PACING_RATE */
	__u64	tcpi_bytes_acked;	/* bytes of payload acknowledged */
	__u64	tcpi_bytes_received;	/* bytes of payload received in order */
	__u32	tcpi_segs_out;		/* packets sent */
	__u32	tcpi_segs_in;		/* packets received */

	__u32	tcpi_notsent_bytes;	/* bytes written and not yet sent once */
	__u32	tcpi_min_rtt;		/* us */
	__u32	tcpi_data_segs_in;	/* packets received with payload */
	__u32	tcpi_data_segs_out;	/* packets sent with payload */

	__u64	tcpi_delivery_rate;	/* bytes a second */

	__u64	tcpi_busy_time;		/* us with data unacknowledged */
	__u64	tcpi_rwnd_limited;	/* us limited by the peer's credit */
	__u64	tcpi_sndbuf_limited;	/* us limited by the send buffer */

	__u32	tcpi_delivered;		/* packets acknowledged */
	__u32	tcpi_delivered_ce;	/* of them, marked by the network */

	__u64	tcpi_bytes_sent;	/* bytes of payload sent, retransmissions included */
	__u64	tcpi_bytes_retrans;	/* bytes of payload retransmitted */
	__u32	tcpi_dsack_dups;	/* packets declared lost that were not */
	__u32	tcpi_reord_seen;	/* times reordering was seen */

	__u32	tcpi_rcv_ooopack;	/* packets received out of order */
	__u32	tcpi_snd_wnd;		/* bytes of credit the peer gives beyond what is acknowledged */

	/* Rill's own, after the last field of 6.1's struct tcp_info. */
	__u32	rill_carrier;		/* RILL_CARRIER_* */
	__u32	rill_rebinds;		/* times the peer's address changed */
	__u32	rill_rcv_dups;		/* packets received twice */
	__u32	rill_reserved;		/* 0 */
};

#endif /* _UAPI_LINUX_RILL_H */
