// SPDX-License-Identifier: GPL-2.0
/*
 * arrive.c - what arrives: packets with a connection's id, ICMP errors.
 *
 * Start at rill_conn_rcv().  Owns the order of the checks: a packet changes
 * nothing until its numbers, its acknowledgement and its data have all been
 * found good.
 */
#include <linux/errno.h>
#include "conn.h"

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
	rill_fast_answer(c, &p->x, now);
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
	if ((c->state != RILL_SYN_SENT && p->x.reason == RILL_R_REFUSED) ||
	    (c->confirmed && p->x.reason == RILL_R_COOKIE)) {
		/*
		 * Answers to a SYN or an echo, and those are past: a copy of our
		 * SYN may come late and find the listener gone.
		 */
		rill_count(c, RILL_MIB_RESETIGNORED, 1);
		return;
	}
	if (c->state == RILL_SYN_SENT) {
		/* Where a SYN alone made a server, that may have ended before we knew. */
		if (p->x.reason == RILL_R_REFUSED ||
		    (c->fast_sent && (p->x.reason == RILL_R_ABORT ||
				      p->x.reason == RILL_R_TIMEOUT))) {
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

/*
 * What the peer reports of marks: a mark is a loss without a loss (RFC 9002 7.3.2).
 * Only the newest acknowledgement counts, older ones report less.
 *
 * Return: packets marked.
 */
static u32 rill_conn_ecn(struct rill_conn *c, const struct rill_ext *x,
			 const struct rill_acked *a, u64 now)
{
	struct rill_cc_loss loss = { .now = now, .before = a->inflight };
	bool worked = rill_ecn_works(&c->ecn);
	u32 fresh;

	if (!a->newest)
		return 0;
	fresh = rill_ecn_acked(&c->ecn, rill_ext_has(x, RILL_I_ECN) ? x->ecn : NULL, a->ect);
	if (worked && !rill_ecn_works(&c->ecn))
		rill_count(c, RILL_MIB_ECNFAILS, 1);
	if (!fresh)
		return 0;
	c->st.ce += fresh;
	rill_count(c, RILL_MIB_ECNMARKS, fresh);
	loss.sent_at = a->newest_sent_at ? a->newest_sent_at : c->tx.last_sent_at;
	loss.inflight = c->tx.inflight;
	if (rill_cc_lost(&c->cc, &loss))
		rill_count(c, RILL_MIB_CONGESTION, 1);
	return fresh;
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

/* Look for losses; @before: bytes in flight before what brought the news. */
void rill_conn_detect(struct rill_conn *c, u64 before, u64 now)
{
	struct rill_cc_loss loss = { .now = now, .before = before };
	struct rill_losses l;

	rill_loss_detect(&c->tx, &c->rtt, now, &l);
	if (l.probe) {
		rill_pmtu_probe_lost(&c->pmtu, now);
		c->out->bits |= RILL_B_TX;
	}
	if (!l.pkts)
		return;
	if (rill_pmtu_lost(&c->pmtu, l.large, now))
		rill_conn_hole(c);
	c->st.lost += l.pkts;
	if (rill_ecn_lost(&c->ecn, l.pkts))
		rill_count(c, RILL_MIB_ECNFAILS, 1);
	rill_count(c, RILL_MIB_LOST, l.pkts);
	loss.packets = l.pkts;
	loss.sent_at = l.newest_sent_at;
	loss.inflight = c->tx.inflight;
	if (rill_cc_lost(&c->cc, &loss)) {
		rill_count(c, RILL_MIB_CONGESTION, 1);
		rill_loss_quiet(&c->tx);
	}
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
	u64 una = c->tx.una, lost = c->st.lost;

	rill_send_acked(&c->tx, &x->ack, now, &a);
	if (a.echo)
		c->echo_done = true;
	rill_ackq_told(&c->aq, a.told);
	rill_pmtu_arrived(&c->pmtu, a.large, a.small);
	if (a.probe) {
		rill_pmtu_probe_arrived(&c->pmtu, a.probe, now);
		rill_conn_resize(c);
	}
	if (a.rtt) {
		u64 delay = min((u64)x->ack.delay * RILL_USEC, rill_conn_peer_delay(c));

		rill_rtt_sample(&c->rtt, a.rtt, delay, now);
		ca.rtt = a.rtt > delay ? a.rtt - delay : a.rtt;
	}
	if (a.spurious)
		rill_conn_spurious(c, &a);
	ca.marked = rill_conn_ecn(c, x, &a, now);
	ca.ect = a.ect;
	if (a.pkts) {
		c->last_ack_rx = now;
		rill_conn_detect(c, a.inflight, now);
		c->pto_count = 0;
		c->pto_probes = 0;
		ca.acked = a.bytes;
		ca.srtt = c->rtt.srtt;
		ca.min_rtt = c->rtt.min;
		ca.sent_at = a.newest_sent_at;
		ca.inflight = c->tx.inflight;
		ca.delivered = c->tx.delivered_bytes;
		ca.lost = c->tx.lost_bytes - a.rate.prior_lost;
		ca.rate = a.rate;
		ca.progress = c->tx.una != una && c->st.lost == lost;
		/* In slow start a window half used still grows (RFC 7661). */
		ca.cwnd_limited = limited ||
			(rill_cc_slow_start(&c->cc) && 2 * a.inflight >= c->cc.cwnd);
		rill_cc_acked(&c->cc, &ca);
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

/* The peer breaks the protocol: nothing it says can be relied on.  @why: count this. */
static void rill_conn_violated(struct rill_conn *c, enum rill_mib why)
{
	rill_count(c, why, 1);
	if (c->state == RILL_CLOSE)
		return;
	c->reset_due = true;
	c->reset_why = RILL_R_ABORT;
	c->out->bits |= RILL_B_TX;
	rill_conn_die(c, EPROTO);
}

/* The peer sends a record that cannot be. */
void rill_conn_bad_record(struct rill_conn *c, struct rill_out *out)
{
	c->out = out;
	rill_conn_violated(c, RILL_MIB_INBADRECORD);
}

/*
 * More is known of what the peer sent: tell the program what it can read beyond
 * @whole, look for the end, and see that the peer can go on.
 */
static void rill_conn_settled(struct rill_conn *c, u64 whole)
{
	rill_count(c, RILL_MIB_INGIVENUP, c->rx.missed);
	c->rx.missed = 0;
	if (!rill_recv_sane(&c->rx)) {
		rill_conn_bad_record(c, c->out);
		return;
	}
	if (c->rx.whole != whole && rill_recv_ready(&c->rx))
		c->out->bits |= RILL_B_READABLE;
	if (rill_recv_fin(&c->rx)) {
		rill_conn_fin_rcvd(c);
	} else if (c->rx.nxt == c->rx.fin && !rill_recv_wants(&c->rx)) {
		rill_conn_bad_record(c, c->out);
	} else if (rill_recv_stuck(&c->rx) && rill_state_in(c->state, RILL_ST_CAN_RECV)) {
		c->update_due = true;
		c->out->bits |= RILL_B_TX;
	}
}

/*
 * rill_conn_prefix() - the record at rx.whole is @len bytes long.
 *
 * For a host that rill_conn_wants() asked.  More records may have become whole:
 * ask again.
 */
void rill_conn_prefix(struct rill_conn *c, u32 len, u64 now, struct rill_out *out)
{
	u64 whole = c->rx.whole;

	c->out = out;
	if (len > c->params.max_record) {
		rill_conn_bad_record(c, out);
		return;
	}
	rill_recv_prefix(&c->rx, len);
	rill_conn_settled(c, whole);
	if (c->state == RILL_TIME_WAIT)
		rill_conn_done(c);
}

/* The peer says which records it has given up. */
static bool rill_conn_skip(struct rill_conn *c, const struct rill_ext *x)
{
	u64 from = rill_expand(c->rx.nxt, x->skip_from), whole = c->rx.whole;
	enum rill_mib why = RILL_MIB_INBADNUM;
	enum rill_rcv verdict = RILL_RCV_DROP;
	u32 len = x->skip_to - x->skip_from;

	if (rill_num_ok(from))
		verdict = rill_recv_skip(&c->rx, from, from + len, x->skip_next, &why);
	rill_count(c, why, 1);
	if (verdict == RILL_RCV_DROP)
		return false;
	rill_conn_settled(c, whole);
	return true;
}

/* Payload and FIN of a run whose packet numbers are new. */
static bool rill_conn_data(struct rill_conn *c, const struct rill_pkt *p, u64 now)
{
	struct rill_out *out = c->out;
	bool fin = p->last_flags & RILL_F_FIN;
	u64 whole = c->rx.whole;
	enum rill_mib why;

	if (!p->len && !fin)
		return !c->rx.records || !rill_ext_has(&p->x, RILL_I_SKIP) ||
		       rill_conn_skip(c, &p->x);
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
	rill_conn_settled(c, whole);
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
		    !(p->last_flags & (RILL_F_NOW | RILL_F_FIN)) &&
		    (rill_recv_ready(&c->rx) || rill_recv_wants(&c->rx));

	rill_ackq_eliciting(q, p->n, p->len, c->rx.full, gap, now);
	if (p->last_flags & RILL_F_NOW)
		q->now = true;
	if (wait && q->pend_bytes < c->rx.wnd / 4)
		q->now = false;
	if (q->now)
		c->out->bits |= RILL_B_TX;
}

/* The peer asks whether we are here, or has answered. */
static void rill_conn_roamed(struct rill_conn *c, const struct rill_ext *x)
{
	if (rill_ext_has(x, RILL_I_CHALLENGE)) {
		c->roam.theirs = x->challenge;
		c->roam.answer = true;
		c->out->bits |= RILL_B_TX;
	}
	if (rill_ext_has(x, RILL_I_RESPONSE) && rill_roam_answered(&c->roam, x->response)) {
		rill_count(c, RILL_MIB_PATHVALIDATED, 1);
		c->retry_at = RILL_NEVER;
		c->out->bits |= RILL_B_TX;
	}
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
	if (pn + div_u64(BIT(30), c->params.max_payload) < c->aq.largest) {
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
	if (rill_ext_has(&p->x, RILL_I_ACK) && rill_send_ack_lies(&c->tx, &p->x.ack)) {
		rill_conn_violated(c, RILL_MIB_ABORTONBADACK);
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
	if (c->state == RILL_CLOSE)
		return;
	c->st.pkts_in += p->n;
	c->rx_at = now;
	c->keep_at = 0;
	c->probes = 0;
	if (!c->confirmed) {
		c->syn_at = RILL_NEVER;
		/* A token's child: its SYN-ACK left when it was made. */
		if (!c->client && !c->rtt.srtt)
			rill_rtt_sample(&c->rtt, now - (c->cookie_until - RILL_COOKIE_TTL), 0, now);
	}
	c->confirmed = true;
	if (pn + p->n - 1 > c->aq.largest) {
		c->out->bits |= RILL_B_NEWEST;
		rill_roam_heard(&c->roam, p->len + p->n * RILL_HDR + p->h.ext_len);
	}
	gap = rill_ackq_add(&c->aq, pn, p->n, now);
	rill_ackq_count_ecn(&c->aq, p->ecn, p->n);
	eliciting = p->len || (p->last_flags & (RILL_F_FIN | RILL_F_ELICIT)) ||
		    p->h.type == RILL_T_ECHO;
	if (eliciting)
		rill_conn_eliciting(c, p, gap, now);

	rill_conn_roamed(c, &p->x);
	rill_conn_control(c, p, pn, now);
	if (c->tx.fin_acked)
		rill_conn_fin_acked(c, now);
	if (c->state == RILL_TIME_WAIT)
		rill_conn_done(c);
}

/*
 * The SYN that made this server brings data, as packet number 1.  The SYN-ACK
 * acknowledges it.
 */
static void rill_conn_syn_rcv(struct rill_conn *c, const struct rill_pkt *p, u64 now)
{
	if (c->state != RILL_ESTABLISHED || c->client || c->confirmed || c->aq.largest) {
		rill_count(c, RILL_MIB_INSTATE, 1);
		return;
	}
	if (!rill_conn_data(c, p, now))
		return;
	c->st.pkts_in++;
	c->syn_data = true;
	rill_ackq_add(&c->aq, 1, 1, now);
}

/*
 * rill_conn_rcv() - packets came with this connection's id.  Start here.
 * @p: what the codec read; its bytes stay with the caller, who keeps them when
 *     out->verdict says so (QUEUE or AHEAD, at stream offset out->off)
 */
void rill_conn_rcv(struct rill_conn *c, const struct rill_pkt *p, u64 now,
		   struct rill_out *out)
{
	struct rill_pkt bare;

	c->out = out;
	if (p->h.flags & RILL_F_PAD) {
		bare = *p;
		bare.len = bare.plen = 0;
		p = &bare;
	}
	switch (p->h.type) {
	case RILL_T_SYN:
		rill_conn_syn_rcv(c, p, now);
		return;
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
