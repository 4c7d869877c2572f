// SPDX-License-Identifier: GPL-2.0
/*
 * conn.c - a connection's life: how it begins, what the program does to it, how
 * it ends.
 *
 * Owns the setting of every field at the beginning and the ways to the end.
 * Packets that arrive are arrive.c's, deadlines clock.c's, packets that leave
 * poll.c's.
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

bool rill_conn_move(struct rill_conn *c, enum rill_fsm_event ev)
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
void rill_conn_stop(struct rill_conn *c)
{
	rill_send_purge(&c->tx);
	c->syn_at = c->probe_at = c->cork_at = c->retry_at = c->end_at = RILL_NEVER;
	c->aq.deadline = c->roam.at = RILL_NEVER;
	c->syn_due = c->echo_due = c->probe_due = c->update_due = false;
	c->pto_probes = 0;
}

/* It ends here, and not in order: @err for the program. */
void rill_conn_die(struct rill_conn *c, int err)
{
	rill_conn_move(c, RILL_EV_ABORT);
	rill_conn_stop(c);
	c->out->err = err;
	c->out->bits |= RILL_B_RESET;
}

/* It ends in order; the peer's FIN, if that just came, is to be acknowledged at once. */
void rill_conn_done(struct rill_conn *c)
{
	rill_conn_stop(c);
	c->ended = true;
	c->aq.now = c->state == RILL_TIME_WAIT && rill_ackq_pending(&c->aq);
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
	rill_holes_init(&c->tx.holes, cfg->dice);
	memset(&c->rtt, 0, sizeof(c->rtt));
	memset(&c->st, 0, sizeof(c->st));
	c->pace.next = 0;
	c->pace.waited = false;
	rill_cc_init(&c->cc, cfg->cc, RILL_HDR + cfg->payload);
	rill_recv_init(&c->rx, cfg->wnd, cfg->wnd_max, cfg->params.max_payload, now);
	if (cfg->params.sock_type == RILL_RECORDS)
		rill_recv_records(&c->rx);
	rill_ackq_init(&c->aq);
	c->attempts = c->pto_count = c->pto_probes = c->probes = c->probe_backoff = 0;
	c->client = c->confirmed = c->echo_done = c->ended = false;
	c->syn_due = c->echo_due = c->reset_due = c->probe_due = c->update_due = false;
	c->limit = RILL_LIM_APP;
	c->peer_cid = 0;
	c->fast = c->fast_sent = c->syn_data = false;
	c->fast_fail = RILL_FAST_UNSPEC;
	c->token_len = 0;
	c->cookie_len = 0;
	c->cookie_until = 0;
	memset(&c->ecn, 0, sizeof(c->ecn));
	rill_pmtu_init(&c->pmtu, cfg->payload);
	rill_roam_init(&c->roam);
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
	rill_roam_init(&c->roam);
	c->syn_retries = RILL_SYN_RETRIES;
	c->keepcnt = RILL_KEEPCNT_DEF;
	c->keepidle = RILL_KEEPIDLE_DEF;
	c->keepintvl = RILL_KEEPINTVL_DEF;
	c->linger2 = RILL_LINGER2_DEF;
	rill_send_init(&c->tx, 0);
	rill_recv_init(&c->rx, 0, 0, 0, 0);
	rill_ackq_init(&c->aq);
	c->syn_at = c->probe_at = c->cork_at = c->retry_at = c->end_at = RILL_NEVER;
}

/* To be a client; the SYN waits for rill_conn_connect(), and that for data. */
void rill_conn_defer(struct rill_conn *c, u64 now, struct rill_out *out)
{
	c->out = out;
	c->client = true;
	rill_conn_move(c, RILL_EV_CONNECT);
}

void rill_conn_connect(struct rill_conn *c, u64 now, struct rill_out *out)
{
	rill_conn_defer(c, now, out);
	c->syn_due = true;
	c->syn_at = now;
	c->rx_at = now;
	rill_count(c, RILL_MIB_ACTIVEOPENS, 1);
	out->bits |= RILL_B_TX;
}

/* What the peer told when it opened. */
void rill_conn_peer(struct rill_conn *c, const struct rill_params *peer,
			   u64 cid, u64 credit)
{
	c->peer = *peer;
	c->peer_cid = cid;
	c->tx.credit = credit;
	rill_conn_set_payload(c, c->payload);
}

/* A valid echo or token created this connection; what brought it comes by rcv() next. */
void rill_conn_accept(struct rill_conn *c, const struct rill_child *child, u64 now,
		      struct rill_out *out)
{
	c->out = out;
	c->confirmed = !child->fast;
	if (child->fast)
		c->syn_at = now + RILL_FAST_WAIT;
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
	rill_pmtu_set_top(&c->pmtu, clamp_t(u16, payload, RILL_PAYLOAD_MIN, RILL_PAYLOAD_MAX));
	rill_conn_resize(c);
}

/* What is known of the path changed. */
void rill_conn_resize(struct rill_conn *c)
{
	u16 payload = rill_pmtu_payload(&c->pmtu);

	if (payload == c->payload)
		return;
	c->payload = payload;
	rill_cc_set_mss(&c->cc, RILL_HDR + payload);
}

/* Large packets do not arrive: what waits must become smaller. */
void rill_conn_hole(struct rill_conn *c)
{
	rill_count(c, RILL_MIB_PMTUHOLES, 1);
	rill_conn_resize(c);
	c->out->bits |= RILL_B_RECUT | RILL_B_TX;
}

/* The next run to cut anew with rill_run_slice() and rill_send_recut(), NULL: none. */
struct rill_run *rill_conn_misfit(const struct rill_conn *c)
{
	return c->pmtu.state == RILL_PMTU_TRUST ? NULL : rill_send_misfit(&c->tx, c->payload);
}

/* An ICMP error quotes a packet of ours: the path carries @payload bytes. */
void rill_conn_too_big(struct rill_conn *c, u16 payload, u64 now, struct rill_out *out)
{
	c->out = out;
	rill_count(c, RILL_MIB_ICMPIN, 1);
	rill_pmtu_too_big(&c->pmtu, payload, now);
	rill_conn_resize(c);
	out->bits |= RILL_B_TX;
}

/* The program begins again after a pause: the window may be out of date. */
static void rill_conn_restart(struct rill_conn *c, u64 now)
{
	u64 pto = rill_rtt_pto(&c->rtt, rill_conn_peer_delay(c), 0);

	if (!rill_send_busy(&c->tx) && c->tx.last_sent_at)
		rill_cc_idle(&c->cc, div64_u64(now - c->tx.last_sent_at, pto), now);
}

/* The program wrote: @run holds its bytes, laid out as packets. */
void rill_conn_write(struct rill_conn *c, struct rill_run *run, u64 now,
		     struct rill_out *out)
{
	c->out = out;
	rill_conn_restart(c, now);
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

/*
 * rill_conn_record() - the last @bytes written are a record, prefix included.
 * @life: NULL, or memory to give the record up with if the peer does not have it
 *        by @at
 */
void rill_conn_record(struct rill_conn *c, u32 bytes, struct rill_life *life, u64 at)
{
	c->tx.nrec++;
	if (life)
		rill_send_live(&c->tx, life, bytes, at);
}

/* The program is about to write more: let it, but not for longer than a cork. */
void rill_conn_hold(struct rill_conn *c, u64 now)
{
	if (c->cork_at == RILL_NEVER)
		c->cork_at = now + RILL_CORK_MAX;
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
 * rill_conn_rebind() - the newest packet came from another address.
 * @same_host: only the port is another: a NAT forgot, the path is the same
 * @dice:      random; 0: the address needs no validation
 *
 * Of another path nothing is known (RFC 9000 9.4).
 */
void rill_conn_rebind(struct rill_conn *c, bool same_host, u64 dice, u64 now,
		      struct rill_out *out)
{
	/* Before the handshake is over the address is the program's choice. */
	if (!rill_state_in(c->state, RILL_ST_SYNCED))
		return;
	c->out = out;
	c->cc.undo_ok = false;
	rill_ecn_restart(&c->ecn);
	if (!same_host) {
		rill_cc_init(&c->cc, c->cc.ops, c->cc.mss);
		memset(&c->rtt, 0, sizeof(c->rtt));
		rill_pmtu_init(&c->pmtu, c->pmtu.top);
		rill_conn_resize(c);
	}
	if (dice)
		rill_roam_begin(&c->roam, dice);
	out->bits |= RILL_B_TX;
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
	t->npns = min_t(u16, c->aq.pns.n, RILL_TOMB_RANGES);
	memcpy(t->pns, c->aq.pns.v + c->aq.pns.n - t->npns, t->npns * sizeof(t->pns[0]));
	if (t->reack)
		t->expires = now + max(wait, RILL_TOMB_MIN);
	t->expires = max(t->expires, c->cookie_until);
}
