// SPDX-License-Identifier: GPL-2.0
/*
 * info.c - what a connection tells about itself: RILL_INFO.
 *
 * Owns the filling of struct rill_info, field by field.
 */
#include "sock.h"

static u32 rill_us(u64 ns)
{
	return min_t(u64, div_u64(ns, NSEC_PER_USEC), U32_MAX);
}

/* ms since @then. */
static u32 rill_ago(u64 now, u64 then)
{
	return now > then ? min_t(u64, div_u64(now - then, NSEC_PER_MSEC), U32_MAX) : 0;
}

static u32 rill_in_packets(const struct rill_conn *c, u64 bytes)
{
	if (bytes == RILL_SSTHRESH_NONE || !c->cc.mss)
		return 0x7fffffff;	/* TCP_INFINITE_SSTHRESH */
	return min_t(u64, div_u64(bytes, c->cc.mss), 0x7fffffff);
}

static void rill_info_send(const struct sock *sk, struct rill_info *info)
{
	const struct rill_conn *c = &rill_sk(sk)->conn;
	const struct rill_send *tx = &c->tx;

	info->tcpi_retransmits = c->pto_count;
	info->tcpi_probes = c->probes;
	info->tcpi_backoff = c->pto_count;
	info->tcpi_ca_state = c->cc.in_recovery ? TCP_CA_Recovery : TCP_CA_Open;
	info->tcpi_app_limited = tx->rate_limited | c->fast_fail << 1;
	info->tcpi_rto = rill_us(rill_rtt_pto(&c->rtt, rill_conn_peer_delay(c), c->pto_count));
	info->tcpi_snd_mss = c->payload;
	info->tcpi_unacked = tx->inflight_pkts;
	info->tcpi_lost = tx->rtx_pkts;
	info->tcpi_retrans = tx->retrans_out;
	info->tcpi_rtt = rill_us(c->rtt.srtt);
	info->tcpi_rttvar = rill_us(c->rtt.rttvar);
	info->tcpi_min_rtt = c->rtt.srtt ? rill_us(c->rtt.min) : U32_MAX;
	info->tcpi_snd_ssthresh = rill_in_packets(c, c->cc.ssthresh);
	info->tcpi_snd_cwnd = c->cc.mss ? rill_in_packets(c, c->cc.cwnd) : RILL_CC_IW;
	info->tcpi_reordering = RILL_PKT_THRESHOLD;
	info->tcpi_reord_seen = tx->reo_wnd != 0;
	info->tcpi_total_retrans = c->st.retrans;
	info->tcpi_bytes_acked = c->st.bytes_acked;
	info->tcpi_segs_out = c->st.pkts_out;
	info->tcpi_data_segs_out = c->st.data_out;
	info->tcpi_notsent_bytes = tx->end - tx->nxt;
	info->tcpi_delivery_rate = tx->rate;
	info->tcpi_delivered = tx->delivered;
	info->tcpi_delivered_ce = c->st.ce;
	info->tcpi_bytes_sent = c->st.bytes_sent;
	info->tcpi_bytes_retrans = c->st.bytes_retrans;
	info->tcpi_dsack_dups = c->st.spurious;
	info->tcpi_snd_wnd = tx->credit > tx->una ? min_t(u64, tx->credit - tx->una, U32_MAX) : 0;
}

static void rill_info_rcv(const struct sock *sk, struct rill_info *info)
{
	const struct rill_conn *c = &rill_sk(sk)->conn;
	const struct rill_recv *rx = &c->rx;

	info->tcpi_ato = rill_us(RILL_ACK_DELAY);
	info->tcpi_rcv_mss = rx->full;
	info->tcpi_advmss = c->params.max_payload;
	info->tcpi_rcv_ssthresh = rx->wnd;
	info->tcpi_rcv_rtt = rill_us(rx->rtt);
	info->tcpi_rcv_space = rx->space;
	info->tcpi_bytes_received = rx->nxt;
	info->tcpi_segs_in = c->st.pkts_in;
	info->tcpi_data_segs_in = c->st.data_in;
	info->tcpi_rcv_ooopack = c->st.ooo;
	info->rill_rcv_dups = c->st.dups;
}

/* Fill @info for @sk, which is locked; every byte is written. */
void rill_get_info(struct sock *sk, struct rill_info *info)
{
	const struct rill_sock *rs = rill_sk(sk);
	u64 now = rill_now();

	memset(info, 0, sizeof(*info));
	info->tcpi_state = sk->sk_state;
	info->tcpi_options = RILLI_OPT_SACK | RILLI_OPT_WSCALE |
			     (rill_ecn_works(&rs->conn.ecn) ? RILLI_OPT_ECN : 0) |
			     (rs->conn.syn_data ? RILLI_OPT_SYN_DATA : 0);
	info->tcpi_pacing_rate = rs->conn.pace.rate ? rs->conn.pace.rate : ~0ULL;
	info->tcpi_max_pacing_rate = READ_ONCE(sk->sk_max_pacing_rate) == ~0UL ? ~0ULL :
				     READ_ONCE(sk->sk_max_pacing_rate);
	if (sk->sk_state == TCP_LISTEN) {
		info->tcpi_unacked = READ_ONCE(sk->sk_ack_backlog);
		info->tcpi_sacked = READ_ONCE(sk->sk_max_ack_backlog);
		return;
	}
	rill_info_send(sk, info);
	rill_info_rcv(sk, info);
	info->tcpi_pmtu = rs->dst_mtu;
	info->tcpi_last_data_sent = rill_ago(now, rs->last_data_sent);
	info->tcpi_last_data_recv = rill_ago(now, rs->last_data_rcv);
	info->tcpi_last_ack_recv = rill_ago(now, rs->conn.last_ack_rx);
	info->rill_rebinds = rs->rebinds;
	info->rill_carrier = rs->udp && sk->sk_state != TCP_CLOSE ? RILL_CARRIER_UDP :
								     RILL_CARRIER_NONE;
}
