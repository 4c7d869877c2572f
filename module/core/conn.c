// SPDX-License-Identifier: GPL-2.0
/*
 * conn.c - the events of a connection: packets, deadlines, the program's calls.
 *
 * Start at rill_conn_rcv().  See conn.h for what this file owns.
 */
#include <linux/errno.h>
#include "conn.h"

void rill_out_init(struct rill_out *out)
{
	out->bits = 0;
	out->err = 0;
	out->verdict = RILL_RCV_DROP;
	out->off = 0;
	out->ncount = 0;
}

/* Tell the host to count. */
void rill_count(struct rill_conn *c, enum rill_mib mib, u32 n)
{
	struct rill_out *out = c->out;
	u8 i;

	if (!n || mib == RILL_MIB_NONE)
		return;
	for (i = 0; i < out->ncount; i++)
		if (out->count[i].mib == mib)
			break;
	if (i == RILL_OUT_COUNTS)
		return;
	if (i == out->ncount) {
		out->count[i].mib = mib;
		out->count[i].n = 0;
		out->ncount++;
	}
	out->count[i].n += n;
}

static bool rill_conn_move(struct rill_conn *c, enum rill_fsm_event ev)
{
	int next = rill_fsm_next(c->state, ev);

	if (next < 0)
		return false;
	if (next != c->state) {
		c->state = next;
		c->out->bits |= RILL_B_STATE;
	}
	return true;
}

/* Nothing is to happen any more. */
static void rill_conn_stop(struct rill_conn *c)
{
	rill_send_purge(&c->tx);
	c->syn_at = c->probe_at = c->cork_at = c->retry_at = c->end_at = RILL_NEVER;
	c->aq.deadline = RILL_NEVER;
	c->syn_due = c->echo_due = c->probe_due = c->update_due = false;
	c->pto_probes = 0;
}

/* It ends here, and not in order: @err for the program. */
static void rill_conn_die(struct rill_conn *c, int err)
{
	rill_conn_move(c, RILL_EV_ABORT);
	rill_conn_stop(c);
	c->out->err = err;
	c->out->bits |= RILL_B_RESET;
}

/* It ends in order; the peer's FIN is still to be acknowledged, at once. */
static void rill_conn_done(struct rill_conn *c)
{
	rill_conn_stop(c);
	c->ended = true;
	c->aq.now = c->state == RILL_TIME_WAIT;
	c->out->bits |= RILL_B_TOMB | RILL_B_TX;
}

/* ns the peer may hold back an acknowledgement. */
u64 rill_conn_peer_delay(const struct rill_conn *c)
{
	return c->peer.max_ack_delay * RILL_MSEC;
}

/*
 * rill_conn_init() - a connection in state CLOSE.
 *
 * What the program set before (options, @cap) is kept: the caller zeroes the
 * structure once, when the socket is made, and calls rill_conn_defaults().
 */
void rill_conn_init(struct rill_conn *c, const struct rill_conn_cfg *cfg, u64 now)
{
	c->state = RILL_CLOSE;
	c->params = cfg->params;
	c->cid = cfg->cid;
	c->sport = cfg->sport;
	c->dport = cfg->dport;
	c->payload = cfg->payload;
	c->peer.max_payload = RILL_PAYLOAD_BASE;
	c->peer.max_ack_delay = RILL_ACK_DELAY / RILL_MSEC;
	rill_send_init(&c->tx, now);
	memset(&c->rtt, 0, sizeof(c->rtt));
	memset(&c->st, 0, sizeof(c->st));
	c->pace.next = 0;
	rill_cc_init(&c->cc, cfg->cc, RILL_HDR + cfg->payload);
	rill_recv_init(&c->rx, cfg->wnd, cfg->wnd_max, cfg->params.max_payload, now);
	rill_ackq_init(&c->aq);
	c->attempts = c->pto_count = c->pto_probes = c->probes = c->probe_backoff = 0;
	c->client = c->confirmed = c->echo_done = c->ended = false;
	c->syn_due = c->echo_due = c->reset_due = c->probe_due = c->update_due = false;
	c->limit = RILL_LIM_APP;
	c->peer_cid = 0;
	c->cookie_len = 0;
	c->cookie_until = 0;
	c->ecn_ce = 0;
	c->soft_err = 0;
	c->syn_at = c->probe_at = c->cork_at = c->retry_at = c->end_at = RILL_NEVER;
	c->rx_at = now;
	c->keep_at = 0;
	c->last_ack_rx = now;
}

/* The options' defaults, for a structure of zeroes. */
void rill_conn_defaults(struct rill_conn *c)
{
	c->state = RILL_CLOSE;
	c->syn_retries = RILL_SYN_RETRIES;
	c->keepcnt = RILL_KEEPCNT_DEF;
	c->keepidle = RILL_KEEPIDLE_DEF;
	c->keepintvl = RILL_KEEPINTVL_DEF;
	c->linger2 = RILL_LINGER2_DEF;
	c->ecn = true;
	rill_send_init(&c->tx, 0);
	rill_recv_init(&c->rx, 0, 0, 0, 0);
	rill_ackq_init(&c->aq);
	c->syn_at = c->probe_at = c->cork_at = c->retry_at = c->end_at = RILL_NEVER;
}

void rill_conn_connect(struct rill_conn *c, u64 now, struct rill_out *out)
{
	c->out = out;
	c->client = true;
	c->syn_due = true;
	c->syn_at = now;
	rill_conn_move(c, RILL_EV_CONNECT);
	rill_count(c, RILL_MIB_ACTIVEOPENS, 1);
	out->bits |= RILL_B_TX;
}

/* What the peer told when it opened. */
static void rill_conn_peer(struct rill_conn *c, const struct rill_params *peer,
			   u64 cid, u64 credit)
{
	c->peer = *peer;
	c->peer_cid = cid;
	c->tx.credit = credit;
	rill_conn_set_payload(c, c->payload);
}

/* A valid echo created this connection; the echo itself comes by rcv() next. */
void rill_conn_accept(struct rill_conn *c, const struct rill_child *child, u64 now,
		      struct rill_out *out)
{
	c->out = out;
	c->confirmed = true;
	c->echo_done = true;
	c->cookie_until = child->cookie_until;
	rill_conn_move(c, RILL_EV_CHILD);
	rill_conn_peer(c, &child->params, child->peer_cid, child->peer_credit);
	if (child->rtt)
		rill_rtt_sample(&c->rtt, child->rtt, 0, now);
	rill_conn_move(c, RILL_EV_READY);
	rill_count(c, RILL_MIB_PASSIVEOPENS, 1);
}

/* The path, the peer or the program changed what a packet may carry. */
void rill_conn_set_payload(struct rill_conn *c, u16 path_payload)
{
	u16 payload = path_payload;

	if (c->peer_cid)
		payload = min(payload, c->peer.max_payload);
	if (c->cap)
		payload = min(payload, c->cap);
	payload = clamp_t(u16, payload, RILL_PAYLOAD_MIN, RILL_PAYLOAD_MAX);
	if (payload == c->payload)
		return;
	c->payload = payload;
	rill_cc_set_mss(&c->cc, RILL_HDR + payload);
}

/* The listener answered our SYN. */
static void rill_conn_synack(struct rill_conn *c, const struct rill_pkt *p, u64 now)
{
	const u16 need = BIT(RILL_I_CID) | BIT(RILL_I_COOKIE) | BIT(RILL_I_PARAMS);

	if (c->state != RILL_SYN_SENT) {
		rill_count(c, RILL_MIB_INSTATE, 1);
		return;
	}
	if ((p->x.has & need) != need || p->x.cookie_len > sizeof(c->cookie) ||
	    p->x.params.sock_type != c->params.sock_type) {
		rill_count(c, RILL_MIB_INEXT, 1);
		return;
	}
	if (p->h.pn + 1 == c->attempts)
		rill_rtt_sample(&c->rtt, now - c->syn_sent_at, 0, now);
	memcpy(c->cookie, p->x.cookie, p->x.cookie_len);
	c->cookie_len = p->x.cookie_len;
	rill_conn_peer(c, &p->x.params, p->x.cid, p->h.credit);
	c->attempts = 0;
	c->syn_at = RILL_NEVER;
	c->syn_due = false;
	c->echo_due = true;
	c->rx_at = now;
	rill_conn_move(c, RILL_EV_SYNACK);
	c->out->bits |= RILL_B_CONNECTED | RILL_B_TX | RILL_B_WRITABLE;
}

/* A RESET with our id: believe it where it can be meant. */
static void rill_conn_reset(struct rill_conn *c, const struct rill_pkt *p, u64 now)
{
	u64 quoted = rill_expand(c->tx.pn_next, p->h.pn);

	if (!rill_state_in(c->state, RILL_ST_SYNCED | RILL_ST(RILL_SYN_SENT))) {
		rill_count(c, RILL_MIB_RESETIGNORED, 1);
		return;
	}
	if (c->confirmed && (p->x.reason == RILL_R_REFUSED || p->x.reason == RILL_R_COOKIE)) {
		/* Answers to a SYN or an echo, and those are long past. */
		rill_count(c, RILL_MIB_RESETIGNORED, 1);
		return;
	}
	if (c->state == RILL_SYN_SENT) {
		if (p->x.reason == RILL_R_REFUSED) {
			rill_count(c, RILL_MIB_ATTEMPTFAILS, 1);
			rill_conn_die(c, ECONNREFUSED);
			return;
		}
	} else if (p->x.reason == RILL_R_ABORT || p->x.reason == RILL_R_TIMEOUT ||
		   (rill_num_ok(quoted) && quoted < c->tx.pn_next)) {
		/*
		 * Before the peer has our echo, only an answer to that counts:
		 * data that overtook it finds nobody there yet.  Once the
		 * cookie is too old, nobody will be.
		 */
		if (c->confirmed || p->x.reason != RILL_R_STRAY ||
		    now - c->syn_sent_at > RILL_COOKIE_TTL) {
			rill_count(c, RILL_MIB_ESTABRESETS, 1);
			rill_conn_die(c, c->state == RILL_CLOSE_WAIT ? EPIPE : ECONNRESET);
			return;
		}
	}
	rill_count(c, RILL_MIB_RESETIGNORED, 1);
}

/* Marks the peer reports are a loss without a loss (RFC 9002 7.3.2). */
static void rill_conn_ecn(struct rill_conn *c, const struct rill_ext *x, u64 sent_at, u64 now)
{
	s32 fresh = x->ecn[2] - c->ecn_ce;

	if (fresh <= 0)
		return;
	c->ecn_ce = x->ecn[2];
	c->st.ce += fresh;
	rill_count(c, RILL_MIB_ECNMARKS, fresh);
	if (rill_cc_lost(&c->cc, 0, sent_at ? sent_at : c->tx.last_sent_at, now))
		rill_count(c, RILL_MIB_CONGESTION, 1);
}

/* Packets the peer had been thought to have lost arrived late. */
static void rill_conn_spurious(struct rill_conn *c, const struct rill_acked *a)
{
	c->st.spurious += a->spurious;
	rill_count(c, RILL_MIB_SPURIOUS, a->spurious);
	rill_loss_learn(&c->tx, &c->rtt, a->late);
	if (rill_cc_spurious(&c->cc, a->spurious))
		rill_count(c, RILL_MIB_UNDOS, 1);
}

static void rill_conn_detect(struct rill_conn *c, u64 now)
{
	struct rill_losses l;

	rill_loss_detect(&c->tx, &c->rtt, now, &l);
	if (!l.pkts)
		return;
	c->st.lost += l.pkts;
	rill_count(c, RILL_MIB_LOST, l.pkts);
	if (rill_cc_lost(&c->cc, l.pkts, l.newest_sent_at, now))
		rill_count(c, RILL_MIB_CONGESTION, 1);
	if (c->pto_count > 1 && rill_loss_persistent(&l, &c->rtt, rill_conn_peer_delay(c))) {
		rill_cc_persistent(&c->cc);
		rill_count(c, RILL_MIB_PERSISTENT, 1);
	}
	c->out->bits |= RILL_B_TX;
}

/* The peer's ACK item. */
static void rill_conn_acked(struct rill_conn *c, const struct rill_ext *x, u64 now)
{
	struct rill_acked a;
	struct rill_cc_ack ca = { .now = now };
	bool limited = c->limit == RILL_LIM_CWND;

	rill_send_acked(&c->tx, &x->ack, now, &a);
	if (a.echo)
		c->echo_done = true;
	if (a.rtt) {
		u64 delay = min((u64)x->ack.delay * RILL_USEC, rill_conn_peer_delay(c));

		rill_rtt_sample(&c->rtt, a.rtt, delay, now);
	}
	if (a.spurious)
		rill_conn_spurious(c, &a);
	if (rill_ext_has(x, RILL_I_ECN))
		rill_conn_ecn(c, x, a.newest_sent_at, now);
	if (a.pkts) {
		c->last_ack_rx = now;
		rill_conn_detect(c, now);
		c->pto_count = 0;
		c->pto_probes = 0;
		ca.acked = a.bytes;
		ca.srtt = c->rtt.srtt;
		ca.min_rtt = c->rtt.min;
		ca.latest_rtt = a.rtt;
		/* In slow start a window half used still grows (RFC 7661). */
		ca.cwnd_limited = limited ||
			(rill_cc_slow_start(&c->cc) && 2 * a.inflight >= c->cc.cwnd);
		rill_cc_acked(&c->cc, &ca, a.newest_sent_at);
		c->out->bits |= RILL_B_TX;
	}
	if (a.payload) {
		c->st.bytes_acked += a.payload;
		c->out->bits |= RILL_B_WRITABLE;
	}
	if (c->orphan)
		c->end_at = a.payload ? now + RILL_ORPHAN_R2 : c->end_at;
}

/* Our stream has arrived whole. */
static void rill_conn_fin_acked(struct rill_conn *c, u64 now)
{
	if (!rill_conn_move(c, RILL_EV_FIN_ACKED))
		return;
	if (c->state == RILL_FIN_WAIT2)
		c->end_at = c->orphan ? now + c->linger2 : RILL_NEVER;
	else
		rill_conn_done(c);
}

/* The peer's stream has arrived whole. */
static void rill_conn_fin_rcvd(struct rill_conn *c)
{
	if (!rill_conn_move(c, RILL_EV_FIN_RCVD))
		return;
	c->aq.now = true;
	c->out->bits |= RILL_B_READABLE | RILL_B_TX;
}

/* Credit is an offset: a lower one is old news, or a lie; both change nothing. */
static void rill_conn_credit(struct rill_conn *c, u32 wire)
{
	u64 credit = rill_expand(c->tx.nxt, wire);

	if (!rill_num_ok(credit) || credit <= c->tx.credit) {
		if (!rill_num_ok(credit) || credit < c->tx.credit)
			rill_count(c, RILL_MIB_CREDITSHRUNK, 1);
		return;
	}
	c->tx.credit = credit;
	c->probes = 0;
	c->probe_backoff = 0;
	c->probe_at = RILL_NEVER;
	if (c->tx.unsent)
		c->out->bits |= RILL_B_TX;
}

/* Payload and FIN of a run whose packet numbers are new. */
static bool rill_conn_data(struct rill_conn *c, const struct rill_pkt *p, u64 now)
{
	struct rill_out *out = c->out;
	bool fin = p->last_flags & RILL_F_FIN;
	bool was_fin = rill_recv_fin(&c->rx);
	enum rill_mib why;

	if (!p->len && !fin)
		return true;
	if (p->len && p->full) {
		rill_count(c, RILL_MIB_INNOROOM, p->n);
		return false;
	}
	out->off = rill_expand(c->rx.nxt, p->h.off);
	if (!rill_num_ok(out->off)) {
		rill_count(c, RILL_MIB_INBADNUM, 1);
		return false;
	}
	out->verdict = rill_recv_data(&c->rx, out->off, p->len, fin, now, &why);
	rill_count(c, why, p->n);
	if (out->verdict == RILL_RCV_DROP)
		return false;
	c->st.data_in += p->n;
	c->rx.full = max(c->rx.full, p->plen);
	if (out->verdict == RILL_RCV_AHEAD)
		c->st.ooo += p->n;
	if (out->verdict == RILL_RCV_QUEUE)
		out->bits |= RILL_B_READABLE;
	if (!was_fin && rill_recv_fin(&c->rx))
		rill_conn_fin_rcvd(c);
	return true;
}

/*
 * Credit and acknowledgement, which every packet carries or may carry.  Only the
 * newest packet's credit counts: read against today's offsets, that of one long
 * delayed could be anything.
 */
static void rill_conn_control(struct rill_conn *c, const struct rill_pkt *p, u64 pn, u64 now)
{
	c->rx_at = now;
	if (pn + p->n > c->aq.largest)
		rill_conn_credit(c, p->h.credit);
	if (rill_ext_has(&p->x, RILL_I_ACK))
		rill_conn_acked(c, &p->x, now);
}

/*
 * Packets came that want an acknowledgement.  Where the program has yet to read
 * them it waits for that, 25 ms and a quarter of the window at most: one packet
 * then acknowledges all and tells the new credit, as TCP's does.
 */
static void rill_conn_eliciting(struct rill_conn *c, const struct rill_pkt *p, bool gap, u64 now)
{
	struct rill_ackq *q = &c->aq;
	bool wait = !q->now && !gap && (!q->quick || q->pingpong) &&
		    !(p->last_flags & (RILL_F_NOW | RILL_F_FIN)) && c->rx.nxt != c->rx.read;

	rill_ackq_eliciting(q, p->n, p->len, c->rx.full, gap, now);
	if (p->last_flags & RILL_F_NOW)
		q->now = true;
	if (wait && q->pend_bytes < c->rx.wnd / 4)
		q->now = false;
	if (q->now)
		c->out->bits |= RILL_B_TX;
}

/* A packet or run in a state that has a peer. */
static void rill_conn_data_rcv(struct rill_conn *c, const struct rill_pkt *p, u64 now)
{
	u64 pn = rill_expand(c->aq.largest + 1, p->h.pn);
	bool eliciting, gap;

	if (!rill_num_ok(pn) || !pn) {
		rill_count(c, RILL_MIB_INBADNUM, p->n);
		return;
	}
	/*
	 * So old that its 32-bit offset could be taken for another: two times
	 * 2^30 bytes may have been sent since.  What is this late was sent again.
	 */
	if (pn + div_u64(BIT(30), c->rx.full) < c->aq.largest) {
		rill_count(c, RILL_MIB_INDUP, p->n);
		return;
	}
	switch (rill_ackq_cover(&c->aq, pn, p->n)) {
	case RILL_COVER_SOME:
		if (p->n > 1) {
			c->out->bits |= RILL_B_SPLIT;
			return;
		}
		fallthrough;
	case RILL_COVER_ALL:
		c->st.dups += p->n;
		rill_count(c, RILL_MIB_INDUP, p->n);
		return;
	case RILL_COVER_NONE:
		break;
	}
	if (rill_ext_has(&p->x, RILL_I_ACK) && !rill_send_ack_valid(&c->tx, &p->x.ack)) {
		rill_count(c, RILL_MIB_INBADACK, 1);
		return;
	}

	if (!rill_conn_data(c, p, now)) {
		/*
		 * Not kept and not acknowledged; but say where we stand, and
		 * where only room is missing, hear what the peer says.
		 */
		c->aq.now = c->aq.largest != 0;
		c->out->bits |= RILL_B_TX;
		if (p->full)
			rill_conn_control(c, p, pn, now);
		return;
	}
	c->st.pkts_in += p->n;
	c->rx_at = now;
	c->keep_at = 0;
	c->probes = 0;
	c->confirmed = true;
	if (pn + p->n - 1 > c->aq.largest)
		c->out->bits |= RILL_B_NEWEST;
	gap = rill_ackq_add(&c->aq, pn, p->n, now);
	rill_ackq_count_ecn(&c->aq, p->ecn, p->n);
	eliciting = p->len || (p->last_flags & (RILL_F_FIN | RILL_F_ELICIT)) ||
		    p->h.type == RILL_T_ECHO;
	if (eliciting)
		rill_conn_eliciting(c, p, gap, now);

	rill_conn_control(c, p, pn, now);
	if (c->tx.fin_acked)
		rill_conn_fin_acked(c, now);
	if (c->state == RILL_TIME_WAIT)
		rill_conn_done(c);
}

/*
 * rill_conn_rcv() - packets came with this connection's id.  Start here.
 * @p: what the codec read; its bytes stay with the caller, who keeps them when
 *     out->verdict says so (QUEUE or AHEAD, at stream offset out->off)
 */
void rill_conn_rcv(struct rill_conn *c, const struct rill_pkt *p, u64 now,
		   struct rill_out *out)
{
	c->out = out;
	switch (p->h.type) {
	case RILL_T_SYNACK:
		rill_conn_synack(c, p, now);
		return;
	case RILL_T_RESET:
		rill_conn_reset(c, p, now);
		return;
	case RILL_T_ECHO:
		if (c->client)
			break;
		fallthrough;
	case RILL_T_DATA:
		if (!rill_state_in(c->state, RILL_ST_SYNCED))
			break;
		rill_conn_data_rcv(c, p, now);
		return;
	}
	rill_count(c, RILL_MIB_INSTATE, p->n);
}

/* An ICMP error quoted a packet of ours: @err is the errno it stands for. */
void rill_conn_icmp(struct rill_conn *c, int err, u64 now, struct rill_out *out)
{
	c->out = out;
	rill_count(c, RILL_MIB_ICMPIN, 1);
	/* As Linux TCP: at once while connecting, a hint afterwards. */
	if (c->state == RILL_SYN_SENT) {
		rill_count(c, RILL_MIB_ATTEMPTFAILS, 1);
		rill_conn_die(c, err);
	} else {
		c->soft_err = err;
	}
}

/* The peer is silent for good. */
static void rill_conn_give_up(struct rill_conn *c)
{
	rill_count(c, RILL_MIB_ABORTONTIMEOUT, 1);
	if (c->state == RILL_SYN_SENT) {
		rill_count(c, RILL_MIB_ATTEMPTFAILS, 1);
	} else {
		c->reset_due = true;
		c->reset_why = RILL_R_TIMEOUT;
		c->out->bits |= RILL_B_TX;
	}
	rill_conn_die(c, c->soft_err ? c->soft_err : ETIMEDOUT);
}

/* When to stop hoping for an acknowledgement of what is out. */
static u64 rill_conn_r2_at(const struct rill_conn *c)
{
	u64 wait = c->user_timeout ? c->user_timeout : RILL_R2;

	if (rill_conn_window_shut(c))
		return c->probes ? c->probe_from + wait : RILL_NEVER;
	/* Data the carrier refuses waits like data without an answer. */
	if (!c->tx.inflight_pkts && !c->tx.rtx_pkts &&
	    (c->retry_at == RILL_NEVER || !c->tx.unsent))
		return RILL_NEVER;
	return c->tx.progress_at + wait;
}

/* When the probe time-out comes: some time after the newest packet. */
u64 rill_conn_pto_at(const struct rill_conn *c)
{
	if (!c->tx.inflight_pkts || c->tx.loss_at != RILL_NEVER)
		return RILL_NEVER;
	return c->tx.last_sent_at + rill_rtt_pto(&c->rtt, rill_conn_peer_delay(c),
						 c->pto_count);
}

static u64 rill_conn_keep_at(const struct rill_conn *c)
{
	if (!c->keepalive || !rill_state_in(c->state, RILL_ST_SYNCED) ||
	    rill_send_busy(&c->tx))
		return RILL_NEVER;
	return c->keep_at ? c->keep_at + c->keepintvl : c->rx_at + c->keepidle;
}

/*
 * rill_conn_deadline() - when rill_conn_timeout() or a poll is next needed.
 *
 * Return: RILL_NEVER when not.
 */
u64 rill_conn_deadline(const struct rill_conn *c)
{
	u64 at;

	if (c->state == RILL_CLOSE || c->state == RILL_LISTEN)
		return RILL_NEVER;
	/* The carrier refused: until then nothing that is due could be sent. */
	if (c->retry_at != RILL_NEVER)
		return c->retry_at;
	at = min(c->syn_at, c->end_at);
	at = min(at, c->aq.deadline);
	at = min(at, c->tx.loss_at);
	at = min(at, rill_conn_pto_at(c));
	at = min(at, c->probe_at);
	if (c->cork_at)
		at = min(at, c->cork_at);
	at = min(at, rill_conn_keep_at(c));
	at = min(at, rill_conn_r2_at(c));
	if (c->limit == RILL_LIM_PACE)
		at = min(at, c->pace.next);
	return at;
}

/* The SYN or the echo was not answered. */
static void rill_conn_syn_timeout(struct rill_conn *c, u64 now)
{
	if (c->state == RILL_SYN_SENT) {
		if (c->attempts > c->syn_retries ||
		    (c->user_timeout && now - c->rx_at >= c->user_timeout)) {
			rill_conn_give_up(c);
			return;
		}
		c->syn_due = true;
	}
	c->out->bits |= RILL_B_TX;
}

static void rill_conn_keep_timeout(struct rill_conn *c, u64 now)
{
	bool dead = c->user_timeout ? now - c->rx_at >= c->user_timeout && c->probes :
				      c->probes >= c->keepcnt;

	if (dead) {
		rill_conn_give_up(c);
		return;
	}
	c->probe_due = true;
	c->probes++;
	c->keep_at = now;
	rill_count(c, RILL_MIB_KEEPALIVES, 1);
	c->out->bits |= RILL_B_TX;
}

static void rill_conn_window_timeout(struct rill_conn *c, u64 now)
{
	if (!rill_conn_window_shut(c)) {
		c->probe_at = RILL_NEVER;
		c->probe_backoff = 0;
		return;
	}
	c->probe_due = true;
	if (!c->probes)
		c->probe_from = now;
	c->probes = min_t(u32, c->probes + 1, U8_MAX);
	/* RFC 9293 SHLD-30: further and further apart, though the peer answers. */
	c->probe_backoff = min_t(u32, c->probe_backoff + 1, U8_MAX);
	c->probe_at = now + rill_rtt_pto(&c->rtt, rill_conn_peer_delay(c), c->probe_backoff);
	rill_count(c, RILL_MIB_WINPROBES, 1);
	c->out->bits |= RILL_B_TX;
}

/* An orphan's time is over: no program waits for the rest. */
static void rill_conn_end_timeout(struct rill_conn *c)
{
	if (c->state == RILL_FIN_WAIT2) {
		rill_conn_move(c, RILL_EV_ABORT);
		rill_conn_done(c);
		return;
	}
	rill_conn_give_up(c);
}

/*
 * rill_conn_timeout() - the deadline has come, or has not: all are looked at.
 */
void rill_conn_timeout(struct rill_conn *c, u64 now, struct rill_out *out)
{
	c->out = out;
	if (c->state == RILL_CLOSE || c->state == RILL_LISTEN)
		return;
	if (c->end_at <= now) {
		rill_conn_end_timeout(c);
		return;
	}
	if (rill_conn_r2_at(c) <= now) {
		rill_conn_give_up(c);
		return;
	}
	if (c->syn_at <= now) {
		rill_conn_syn_timeout(c, now);
		if (c->state == RILL_CLOSE)
			return;
	}
	if (rill_conn_keep_at(c) <= now) {
		rill_conn_keep_timeout(c, now);
		if (c->state == RILL_CLOSE)
			return;
	}
	if (c->aq.deadline <= now) {
		c->aq.now = true;
		c->aq.pingpong = false;
		out->bits |= RILL_B_TX;
	}
	if (c->tx.loss_at <= now)
		rill_conn_detect(c, now);
	if (rill_conn_pto_at(c) <= now) {
		/* RFC 9002 6.2.4: two probes, then wait twice as long. */
		c->pto_probes = 2;
		c->pto_count = min_t(u32, c->pto_count + 1, U8_MAX);
		if (!c->confirmed)
			c->echo_due = true;
		rill_count(c, RILL_MIB_PTOS, 1);
		out->bits |= RILL_B_TX;
	}
	if (c->probe_at <= now)
		rill_conn_window_timeout(c, now);
	/* The corked packet leaves when window and credit let it: no more timer. */
	if (c->cork_at <= now)
		c->cork_at = 0;
	if (!c->cork_at || c->retry_at <= now || c->limit == RILL_LIM_PACE)
		out->bits |= RILL_B_TX;
	if (c->retry_at <= now)
		c->retry_at = RILL_NEVER;
}

/* The program wrote: @run holds its bytes, laid out as packets. */
void rill_conn_write(struct rill_conn *c, struct rill_run *run, u64 now,
		     struct rill_out *out)
{
	c->out = out;
	rill_send_append(&c->tx, run, now);
	out->bits |= RILL_B_TX;
}

/* The program wrote more into @run, which rill_send_tail() gave. */
void rill_conn_grow(struct rill_conn *c, struct rill_run *run, u32 bytes,
		    struct rill_out *out)
{
	c->out = out;
	rill_send_grow(&c->tx, run, bytes);
	out->bits |= RILL_B_TX;
}

/* The program wants out what is held back: NODELAY set, CORK cleared. */
void rill_conn_push(struct rill_conn *c, struct rill_out *out)
{
	c->out = out;
	c->cork_at = RILL_NEVER;
	if (c->tx.unsent)
		out->bits |= RILL_B_TX;
}

/* The program took @bytes of the stream. */
void rill_conn_read(struct rill_conn *c, u32 bytes, u64 now, struct rill_out *out)
{
	u32 wnd = c->rx.wnd;

	c->out = out;
	if (rill_recv_read(&c->rx, bytes, c->rtt.srtt, now) &&
	    rill_state_in(c->state, RILL_ST_CAN_RECV)) {
		c->update_due = true;
		out->bits |= RILL_B_TX;
	}
	if (rill_ackq_due(&c->aq, c->rx.full)) {
		c->aq.now = true;
		out->bits |= RILL_B_TX;
	}
	if (c->rx.wnd != wnd)
		out->bits |= RILL_B_CREDIT;
}

/*
 * rill_conn_shut_wr() - the program sends no more: FIN.
 * @fin: memory for a run without bytes, used when the last packet has left
 *
 * Return: true when @fin is used.
 */
bool rill_conn_shut_wr(struct rill_conn *c, struct rill_run *fin, u64 now,
		       struct rill_out *out)
{
	struct rill_run *tail;

	c->out = out;
	if (!rill_conn_move(c, RILL_EV_SHUT_WR))
		return false;
	if (c->state == RILL_CLOSE) {
		rill_conn_stop(c);
		return false;
	}
	out->bits |= RILL_B_TX;
	tail = rill_send_tail(&c->tx);
	if (tail) {
		tail->flags |= RILL_RUN_FIN;
		c->tx.fin_queued = true;
		return false;
	}
	fin->len = 0;
	fin->plen = 0;
	fin->n = 1;
	fin->flags = RILL_RUN_FIN;
	rill_send_append(&c->tx, fin, now);
	return true;
}

/* The program let go of the socket: what remains must end by itself. */
void rill_conn_orphan(struct rill_conn *c, u64 now, struct rill_out *out)
{
	c->out = out;
	c->orphan = true;
	c->end_at = now + (c->state == RILL_FIN_WAIT2 ? c->linger2 : RILL_ORPHAN_R2);
}

/* End it now and tell the peer. */
void rill_conn_abort(struct rill_conn *c, enum rill_reason why, u64 now,
		     struct rill_out *out)
{
	c->out = out;
	if (rill_state_in(c->state, RILL_ST_SYNCED) && c->peer_cid) {
		c->reset_due = true;
		c->reset_why = why;
		out->bits |= RILL_B_TX;
	}
	rill_conn_move(c, RILL_EV_ABORT);
	rill_conn_stop(c);
}

/*
 * The peer's address changed: what was learned of the old path does not hold.
 * At most an initial window goes to the new one before it answers, so that a
 * forged address draws little.
 */
void rill_conn_rebind(struct rill_conn *c, u64 now)
{
	u64 iw = (u64)RILL_CC_IW * c->cc.mss;

	c->cc.cwnd = min(c->cc.cwnd, iw);
	c->cc.undo_ok = false;
	c->rtt.min = c->rtt.latest;
	c->rtt.min_at = now;
}

/* Fill a tombstone for a connection that ended. */
void rill_conn_tomb(struct rill_conn *c, u64 now, struct rill_tomb *t)
{
	u64 wait = 3 * rill_rtt_pto(&c->rtt, rill_conn_peer_delay(c), 0);

	memset(t, 0, sizeof(*t));
	t->cid = c->cid;
	t->peer_cid = c->peer_cid;
	t->pn_next = c->tx.pn_next;
	t->credit = c->rx.credit;
	t->time_wait = c->state == RILL_TIME_WAIT;
	t->reack = c->ended;
	if (t->reack)
		t->expires = now + max(wait, RILL_TOMB_MIN);
	t->expires = max(t->expires, c->cookie_until);
}
