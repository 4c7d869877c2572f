// SPDX-License-Identifier: GPL-2.0
/*
 * poll.c - which packet leaves next.
 *
 * Owns the order of what is owed, and the checks that hold data back: the
 * congestion window, the peer's credit, pacing, Nagle, CORK.  Start at
 * rill_conn_poll_tx().  Choosing changes nothing but `limit` and the deadlines
 * of what it waits for; rill_conn_sent() takes the books forward once the
 * carrier has the packet.
 */
#include "conn.h"

/* Bytes of extension that still fit beside @payload in a packet of this path. */
static u32 rill_room(const struct rill_conn *c, u32 payload)
{
	return c->payload > payload ? c->payload - payload : 0;
}

static void rill_tx_start(struct rill_conn *c, struct rill_tx *tx, u8 type)
{
	tx->kind = RILL_TX_SEND;
	tx->h.type = type;
	tx->h.flags = 0;
	tx->h.cid = c->peer_cid;
	tx->h.pn = c->tx.pn_next;
	tx->h.off = c->tx.nxt;
	tx->h.ext_len = 0;
	/* What rill_recv_grant() will promise when this has left. */
	tx->h.credit = rill_recv_promise(&c->rx);
	tx->last_flags = 0;
	tx->first = 0;
	tx->n = 1;
	tx->rec_flags = 0;
	tx->ecn = RILL_NOT_ECT;
	tx->fresh = false;
	tx->eliciting = false;
	tx->probe = false;
	tx->pad = 0;
	tx->bytes = 0;
	tx->run = NULL;
	tx->ext.len = 0;
}

static void rill_poll_syn(struct rill_conn *c, struct rill_tx *tx)
{
	rill_tx_start(c, tx, RILL_T_SYN);
	tx->h.cid = 0;
	tx->h.pn = c->attempts;
	tx->h.credit = c->rx.credit;
	rill_open_ext_syn(&tx->ext, c->cid, c->sport, c->dport, &c->params);
	if (c->fast)
		rill_fast_syn(c, tx);
	if (RILL_HDR + tx->ext.len + tx->bytes < RILL_BASE_DGRAM)
		tx->pad = RILL_BASE_DGRAM - RILL_HDR - tx->ext.len - tx->bytes;
}

static void rill_poll_echo(struct rill_conn *c, struct rill_tx *tx)
{
	rill_tx_start(c, tx, RILL_T_ECHO);
	tx->h.flags = tx->last_flags = RILL_F_ELICIT;
	tx->eliciting = true;
	tx->rec_flags = RILL_REC_ECHO;
	rill_ext_put_cid(&tx->ext, c->cid);
	rill_ext_put_ports(&tx->ext, c->sport, c->dport);
	rill_ext_put_cookie(&tx->ext, c->cookie, c->cookie_len);
}

static void rill_poll_reset(struct rill_conn *c, struct rill_tx *tx)
{
	rill_tx_start(c, tx, RILL_T_RESET);
	tx->h.pn = c->aq.largest;
	rill_ext_put_reason(&tx->ext, c->reset_why);
}

static void rill_poll_ack(struct rill_conn *c, struct rill_tx *tx, u64 now)
{
	rill_tx_start(c, tx, RILL_T_DATA);
	rill_ackq_put(&c->aq, &tx->ext, RILL_ACK_PAIRS_MAX, now);
}

/*
 * A probe: no payload, but an answer is wanted, and our id is told so that a
 * peer that has forgotten us can say so.
 */
static void rill_poll_probe(struct rill_conn *c, struct rill_tx *tx, u64 now)
{
	rill_poll_ack(c, tx, now);
	tx->h.flags = tx->last_flags = RILL_F_ELICIT | RILL_F_NOW;
	/* One that overtakes our echo finds nobody yet, and must not be told so. */
	if (c->confirmed)
		rill_ext_put_cid(&tx->ext, c->cid);
}

/* A probe as large as the path may carry. */
static void rill_poll_pmtu(struct rill_conn *c, struct rill_tx *tx, u64 now)
{
	rill_poll_probe(c, tx, now);
	tx->h.flags = tx->last_flags |= RILL_F_PAD;
	tx->eliciting = true;
	tx->rec_flags = RILL_REC_PMTU;
	tx->pad = c->pmtu.size - tx->ext.len;
}

/* The run says that records are given up; there is room for an acknowledgement. */
static void rill_poll_skip(struct rill_conn *c, struct rill_tx *tx, u64 now)
{
	const struct rill_life *life = container_of(tx->run, struct rill_life, skip);

	if (rill_ackq_pending(&c->aq))
		rill_ackq_put(&c->aq, &tx->ext, RILL_ACK_PAIRS_MAX, now);
	rill_ext_put_skip(&tx->ext, life->from, life->to, life->next);
	tx->h.off = c->tx.nxt;
	tx->h.flags = tx->last_flags = RILL_F_ELICIT;
	if (!tx->run->nrec)
		tx->rec_flags &= ~RILL_REC_RTX;
}

/* Packets @first .. @first + @n - 1 of @run are to leave. */
static void rill_poll_run(struct rill_conn *c, struct rill_tx *tx, struct rill_run *run,
			  u8 first, u8 n, u64 now)
{
	rill_tx_start(c, tx, RILL_T_DATA);
	tx->run = run;
	tx->first = first;
	tx->fresh = first >= run->nsent;
	tx->eliciting = true;
	tx->rec_flags = tx->fresh ? 0 : RILL_REC_RTX;
	if (rill_ecn_works(&c->ecn)) {
		tx->ecn = c->cc.ops->ect;
		tx->rec_flags |= RILL_REC_ECT;
	}
	tx->h.off = run->off + (u64)first * run->plen;
	rill_tx_trim(tx, n);
	if (run->flags & RILL_RUN_SKIP)
		rill_poll_skip(c, tx, now);
}

/*
 * rill_tx_trim() - send only the first @n packets of what was chosen.
 *
 * For a host that cannot carry as many at once; call before rill_conn_sent().
 */
void rill_tx_trim(struct rill_tx *tx, u8 n)
{
	struct rill_run *run = tx->run;

	tx->n = n;
	tx->bytes = rill_run_bytes(run, tx->first, n);
	tx->last_flags = 0;
	if (tx->first + n == run->n && run->flags & RILL_RUN_FIN)
		tx->last_flags |= RILL_F_FIN;
	if (n == 1)
		tx->h.flags = tx->last_flags;
}

/* The header of packet @i of what was chosen; @h->ext_len is the caller's. */
void rill_tx_header(const struct rill_tx *tx, u8 i, struct rill_hdr *h)
{
	*h = tx->h;
	h->pn += i;
	if (i)
		h->off += (u32)i * tx->run->plen;
	h->flags = i + 1 == tx->n ? tx->last_flags : 0;
	h->ext_len = tx->ext.len;
}

/* Packets of @run from @first on that the congestion window has room for. */
static u8 rill_cwnd_room(const struct rill_conn *c, const struct rill_run *run, u8 first, u8 n)
{
	u64 size = RILL_HDR + run->plen, room;

	if (c->tx.inflight >= c->cc.cwnd)
		return 0;
	room = c->cc.cwnd - c->tx.inflight;
	if (room >= n * size)
		return n;
	n = div64_u64(room, size);
	/* A lone short packet may fit where a full one does not. */
	if (!n && RILL_HDR + rill_run_payload(run, first) <= room)
		n = 1;
	/* With nothing out, the window always has room for one. */
	return n ? n : !c->tx.inflight_pkts;
}

/* Of @n packets of @run those that pacing lets go at once. */
static u8 rill_pace_trim(const struct rill_conn *c, const struct rill_run *run, u8 n)
{
	return min_t(u32, n, rill_pace_burst(&c->pace, RILL_HDR + run->plen));
}

static bool rill_poll_new(struct rill_conn *c, struct rill_tx *tx, bool probe, u64 now);

/*
 * A skip behind bytes that were never sent tells of what nobody misses yet: they
 * go first.  A peer with no room to remember it drops it until they have come.
 */
static bool rill_skip_early(const struct rill_conn *c, const struct rill_run *run)
{
	return run->flags & RILL_RUN_SKIP && c->tx.unsent &&
	       container_of(run, struct rill_life, skip)->from > c->tx.nxt;
}

/* Lost packets first: the peer waits for them. */
static bool rill_poll_lost(struct rill_conn *c, struct rill_tx *tx, u64 now)
{
	struct rill_run *run;
	u8 first, n;

	run = rill_send_next_lost(&c->tx, &first, &n);
	if (!run)
		return false;
	if (rill_skip_early(c, run) && rill_poll_new(c, tx, false, now))
		return true;
	n = rill_cwnd_room(c, run, first, n);
	if (!n) {
		c->limit = RILL_LIM_CWND;
		return false;
	}
	rill_poll_run(c, tx, run, first, rill_pace_trim(c, run, n), now);
	return true;
}

/*
 * Something holds us back to @n of the @have packets there are: is it better to
 * wait for more room?  Trains of a few packets cost as much as long ones.  What
 * is in flight will bring news, and a quarter of the window is enough to keep
 * the peer's acknowledgements coming.
 */
static bool rill_defer(const struct rill_conn *c, const struct rill_run *run, u8 n, u8 have)
{
	u64 size = RILL_HDR + run->plen;

	return n < have && n < RILL_RUN_MAX / 4 && c->tx.inflight > 3 * n * size;
}

/* Should the short last packet wait for company (RFC 9293 3.7.4)? */
static bool rill_hold_short(struct rill_conn *c, const struct rill_run *run, u64 now)
{
	if (run->flags & RILL_RUN_FIN ||
	    !list_is_last(&run->node, &c->tx.runs) ||
	    rill_run_payload(run, run->n - 1) == run->plen)
		return false;
	if (c->cork) {
		if (c->cork_at == RILL_NEVER)
			c->cork_at = now + RILL_CORK_MAX;
		return c->cork_at > now;
	}
	/* Nagle with Minshall's change, as TCP: one short packet at a time. */
	return !c->nodelay && c->tx.una < c->tx.small;
}

/* Packets of @run to send for the first time, up to one that is given up. */
static u8 rill_run_left(const struct rill_run *run)
{
	u64 rest = run->acked >> run->nsent;

	return rest ? __ffs64(rest) : run->n - run->nsent;
}

/* New data, as far as credit, window and Nagle let it. */
static bool rill_poll_new(struct rill_conn *c, struct rill_tx *tx, bool probe, u64 now)
{
	struct rill_run *run = c->tx.unsent;
	u64 off;
	u8 first, n, have;

	if (!run)
		return false;
	first = run->nsent;
	have = n = rill_run_left(run);
	off = run->off + (u64)first * run->plen;
	if (off + rill_run_bytes(run, first, n) > c->tx.credit) {
		u64 room = c->tx.credit > off ? c->tx.credit - off : 0;

		n = min_t(u64, n - 1, run->plen ? div64_u64(room, run->plen) : 0);
		if (!n || (!probe && rill_defer(c, run, n, have))) {
			c->limit = RILL_LIM_CREDIT;
			return false;
		}
	}
	if (first + n == run->n && !probe && rill_hold_short(c, run, now) && !--n)
		return false;
	have = n;
	n = probe ? 1 : rill_cwnd_room(c, run, first, n);
	if (!n || (!probe && rill_defer(c, run, n, have))) {
		c->limit = RILL_LIM_CWND;
		return false;
	}
	rill_poll_run(c, tx, run, first, rill_pace_trim(c, run, n), now);
	return true;
}

/*
 * A PTO owes a packet: new data if there is any, else the oldest again.  From
 * the third PTO on the second probe is one without payload, which always has
 * room for our id: a peer that has forgotten us cannot answer any other.
 */
static bool rill_poll_pto(struct rill_conn *c, struct rill_tx *tx, u64 now)
{
	struct rill_run *run;
	u8 idx, n;

	if (c->pto_count > 2 && c->pto_probes == 1 && c->confirmed) {
		rill_poll_probe(c, tx, now);
		tx->eliciting = true;
		goto out;
	}
	run = rill_send_next_lost(&c->tx, &idx, &n);
	if ((!run || rill_skip_early(c, run)) && c->pto_count < 2 &&
	    rill_poll_new(c, tx, true, now))
		goto out;
	if (!run)
		run = rill_send_oldest(&c->tx, &idx);
	if (run) {
		rill_poll_run(c, tx, run, idx, 1, now);
	} else {
		rill_poll_probe(c, tx, now);
		tx->eliciting = true;
	}
out:
	tx->probe = true;
	return true;
}

/* Data, if any may leave now. */
static bool rill_poll_data(struct rill_conn *c, struct rill_tx *tx, u64 now)
{
	c->limit = RILL_LIM_APP;
	if (c->pto_probes)
		return rill_poll_pto(c, tx, now);
	if (!c->tx.rtx_pkts && !c->tx.unsent) {
		c->pace.waited = false;
		return false;
	}
	rill_pace_set(&c->pace, c->cc.pacing_rate);
	if (!rill_pace_ready(&c->pace, now)) {
		c->limit = RILL_LIM_PACE;
		tx->kind = RILL_TX_WAIT;
		return false;
	}
	if (rill_poll_lost(c, tx, now))
		return true;
	return !c->tx.rtx_pkts && rill_poll_new(c, tx, false, now);
}

/*
 * An acknowledgement is pending and a packet is about to leave: take it along
 * where it fits.  A train has no room, and headers in place have none either.
 */
static bool rill_poll_piggyback(struct rill_conn *c, struct rill_tx *tx, u64 now)
{
	u32 need = RILL_ITEM_HDR + RILL_ACK_FIXED + RILL_ECN_ITEM + RILL_CID_ITEM;
	u32 room = rill_room(c, tx->bytes);

	/* A probe has it already. */
	if (tx->ext.len)
		return true;
	if (tx->n > 1 || room < need)
		return false;
	rill_ackq_put(&c->aq, &tx->ext,
		      min_t(u32, (room - need) / 4, RILL_ACK_PAIRS_MAX), now);
	return true;
}

/* A probe carries our id where it fits: see rill_poll_probe(). */
static void rill_poll_name(struct rill_conn *c, struct rill_tx *tx)
{
	if (tx->probe && c->confirmed && tx->run && tx->n == 1 &&
	    rill_room(c, tx->bytes + tx->ext.len) >= RILL_CID_ITEM)
		rill_ext_put_cid(&tx->ext, c->cid);
}

/* The peer takes nothing and nothing is out: ask it now and then. */
static void rill_poll_arm_probe(struct rill_conn *c, u64 now)
{
	if (!rill_conn_window_shut(c)) {
		c->probe_at = RILL_NEVER;
		c->probe_backoff = 0;
		return;
	}
	if (c->probe_at == RILL_NEVER)
		c->probe_at = now + rill_rtt_pto(&c->rtt, rill_conn_peer_delay(c), 0);
}

/* The peer has moved, or wants to know whether we are where we seem to be. */
static bool rill_poll_roam(struct rill_conn *c, struct rill_tx *tx)
{
	if ((!c->roam.ask && !c->roam.answer) || !rill_state_in(c->state, RILL_ST_SYNCED))
		return false;
	rill_tx_start(c, tx, RILL_T_DATA);
	if (c->roam.answer) {
		rill_ext_put_word(&tx->ext, RILL_I_RESPONSE, c->roam.theirs);
		return true;
	}
	rill_ext_put_word(&tx->ext, RILL_I_CHALLENGE, c->roam.word);
	tx->h.flags = tx->last_flags = RILL_F_ELICIT | RILL_F_NOW;
	tx->eliciting = true;
	return true;
}

/* What may leave as far as the peer's address is no concern. */
static void rill_poll_any(struct rill_conn *c, u64 now, struct rill_tx *tx)
{
	bool data;

	if (c->reset_due) {
		rill_poll_reset(c, tx);
		return;
	}
	if (c->syn_due) {
		rill_poll_syn(c, tx);
		return;
	}
	if (c->echo_due) {
		rill_poll_echo(c, tx);
		return;
	}
	if (!rill_state_in(c->state, RILL_ST_SYNCED | RILL_ST(RILL_TIME_WAIT)))
		return;

	if (rill_poll_roam(c, tx))
		return;
	if (rill_pmtu_due(&c->pmtu, now) && c->confirmed && rill_send_busy(&c->tx) && !c->pto_probes) {
		rill_poll_pmtu(c, tx, now);
		return;
	}
	data = rill_poll_data(c, tx, now);
	/*
	 * A FIN takes an acknowledgement along even where none is pending: ours
	 * of the peer's FIN may have been lost, and we may be gone next.
	 */
	if (data && (rill_ackq_pending(&c->aq) || tx->last_flags & RILL_F_FIN) &&
	    !rill_poll_piggyback(c, tx, now) && c->aq.now)
		data = false;
	if (data) {
		rill_poll_name(c, tx);
		return;
	}
	rill_poll_arm_probe(c, now);
	if (c->probe_due)
		rill_poll_probe(c, tx, now);
	else if (c->aq.now || c->update_due)
		rill_poll_ack(c, tx, now);
}

/*
 * rill_conn_poll_tx() - the next packet or run to send.  Start here.
 * @tx: NONE: nothing; WAIT: pacing holds data back until the deadline; SEND:
 *      carry it, then call rill_conn_sent(), or do nothing and poll again later
 */
void rill_conn_poll_tx(struct rill_conn *c, u64 now, struct rill_tx *tx,
		       struct rill_out *out)
{
	u64 room = rill_roam_room(&c->roam);

	c->out = out;
	tx->kind = RILL_TX_NONE;
	rill_poll_any(c, now, tx);
	if (tx->kind != RILL_TX_SEND || rill_tx_size(tx) <= room || tx->h.type == RILL_T_RESET)
		return;
	if (tx->n > 1 && room >= RILL_HDR + tx->run->plen) {
		rill_tx_trim(tx, div64_u64(room, RILL_HDR + tx->run->plen));
		return;
	}
	/* Until the address is validated, or more comes from there. */
	tx->kind = RILL_TX_NONE;
	c->retry_at = now + rill_rtt_pto(&c->rtt, rill_conn_peer_delay(c), 0);
}
