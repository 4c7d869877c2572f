// SPDX-License-Identifier: GPL-2.0
/* call.c - the program's calls, what may be set, what may be looked at.  See main.c. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include "scen.h"

static const char *const mib_name[] = {
#include "mib_names.h"
};

static const char *const state_name[] = {
	[RILL_ESTABLISHED] = "ESTABLISHED", [RILL_SYN_SENT] = "SYN_SENT",
	[RILL_SYN_RECV] = "SYN_RECV", [RILL_FIN_WAIT1] = "FIN_WAIT1",
	[RILL_FIN_WAIT2] = "FIN_WAIT2", [RILL_TIME_WAIT] = "TIME_WAIT",
	[RILL_CLOSE] = "CLOSE", [RILL_CLOSE_WAIT] = "CLOSE_WAIT", [RILL_LAST_ACK] = "LAST_ACK",
	[RILL_LISTEN] = "LISTEN", [RILL_CLOSING] = "CLOSING",
};

static const struct { const char *name; int err; } errnos[] = {
	{ "0", 0 }, { "ECONNREFUSED", ECONNREFUSED }, { "ECONNRESET", ECONNRESET },
	{ "ETIMEDOUT", ETIMEDOUT }, { "EPIPE", EPIPE }, { "EPROTO", EPROTO },
	{ "EHOSTUNREACH", EHOSTUNREACH }, { "ENETUNREACH", ENETUNREACH }, { "EPERM", EPERM },
};

/* What the host is told; looking at one clears it. */
static const struct { const char *name; u32 bit; } events[] = {
	{ "readable", RILL_B_READABLE }, { "writable", RILL_B_WRITABLE },
	{ "connected", RILL_B_CONNECTED }, { "reset", RILL_B_RESET }, { "tomb", RILL_B_TOMB },
	{ "newest", RILL_B_NEWEST }, { "token", RILL_B_TOKEN },
};

/* Members of the connection, to look at or to set. */
#define MEMBER(n, m)	{ n, offsetof(struct rill_conn, m), sizeof(((struct rill_conn *)0)->m) }
static const struct member { const char *name; size_t at, size; } members[] = {
	MEMBER("cwnd", cc.cwnd), MEMBER("ssthresh", cc.ssthresh), MEMBER("recovery", cc.in_recovery),
	MEMBER("inflight", tx.inflight), MEMBER("una", tx.una), MEMBER("nxt", tx.nxt),
	MEMBER("peer_credit", tx.credit), MEMBER("reo_wnd", tx.reo_wnd), MEMBER("end", tx.end),
	MEMBER("inflight_pkts", tx.inflight_pkts), MEMBER("rawpn", tx.pn_next),
	MEMBER("srtt", rtt.srtt), MEMBER("rttvar", rtt.rttvar), MEMBER("min_rtt", rtt.min),
	MEMBER("rx_nxt", rx.nxt), MEMBER("rx_read", rx.read), MEMBER("rx_whole", rx.whole),
	MEMBER("credit", rx.credit), MEMBER("window", rx.wnd), MEMBER("missed", rx.lost),
	MEMBER("ooo", rx.ooo.n), MEMBER("ooo_room", rx.ooo.cap), MEMBER("gap_room", rx.gaps.cap),
	MEMBER("quick", aq.quick), MEMBER("pto_count", pto_count), MEMBER("confirmed", confirmed),
	MEMBER("probes", probes), MEMBER("retrans", st.retrans), MEMBER("lost", st.lost),
	MEMBER("bytes_acked", st.bytes_acked), MEMBER("dups", st.dups), MEMBER("soft_err", soft_err),
	MEMBER("spurious", st.spurious), MEMBER("pacing_rate", cc.pacing_rate),
	MEMBER("fast_fail", fast_fail), MEMBER("syn_data", syn_data),
	MEMBER("nodelay", nodelay), MEMBER("cork", cork), MEMBER("keepalive", keepalive),
	MEMBER("syn_retries", syn_retries), MEMBER("keepcnt", keepcnt), MEMBER("keepidle", keepidle),
	MEMBER("keepintvl", keepintvl), MEMBER("user_timeout", user_timeout),
	MEMBER("linger2", linger2), MEMBER("ecn", ecn.state), MEMBER("maxseg", cap),
	MEMBER("pacing_cap", pace.cap),
};

static const struct member *member(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (!strcmp(name, members[i].name))
			return &members[i];
	return NULL;
}

static u64 member_get(const struct rill_conn *c, const struct member *m)
{
	u64 v64 = 0;
	u32 v32;
	u16 v16;
	const char *p = (const char *)c + m->at;

	switch (m->size) {
	case 1:
		return *(const u8 *)p;
	case 2:
		memcpy(&v16, p, 2);
		return v16;
	case 4:
		memcpy(&v32, p, 4);
		return v32;
	}
	memcpy(&v64, p, 8);
	return v64;
}

static void member_set(struct rill_conn *c, const struct member *m, u64 v)
{
	char *p = (char *)c + m->at;
	u32 v32 = v;
	u16 v16 = v;

	switch (m->size) {
	case 1:
		*(u8 *)p = v;
		break;
	case 2:
		memcpy(p, &v16, 2);
		break;
	case 4:
		memcpy(p, &v32, 4);
		break;
	default:
		memcpy(p, &v, 8);
	}
}

static int call_mib(const char *name)
{
	size_t i;

	for (i = 1; i < sizeof(mib_name) / sizeof(mib_name[0]); i++)
		if (!strcmp(name, mib_name[i]))
			return i;
	return -1;
}

static int call_errno(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (!strcmp(name, errnos[i].name))
			return errnos[i].err;
	return -1;
}

static bool look_event(struct scen *s, const char *name)
{
	bool not = *name == '!';
	size_t i;

	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (!strcmp(name + not, events[i].name)) {
			bool is = scen_end(s)->bits & events[i].bit;

			if (is == not)
				fail(s, "%s%s", not ? "" : "not ", events[i].name);
			scen_end(s)->bits &= ~events[i].bit;
			return true;
		}
	return false;
}

static bool look_state(struct scen *s, const char *name)
{
	u8 state = scen_end(s)->c.state;
	size_t i;

	for (i = 1; i < sizeof(state_name) / sizeof(state_name[0]); i++)
		if (!strcmp(name, state_name[i])) {
			if (state != i)
				fail(s, "the state is %s", state_name[state]);
			return true;
		}
	return false;
}

/* NAME [OP] VALUE */
static void look_value(struct scen *s, const struct words *w, u64 is)
{
	const char *op = w->n == 3 ? w->w[1] : "=";
	u64 v = number(s, w->w[w->n - 1]);
	bool ok;

	if (!strcmp(op, ">"))
		ok = is > v;
	else if (!strcmp(op, "<"))
		ok = is < v;
	else if (!strcmp(op, ">="))
		ok = is >= v;
	else if (!strcmp(op, "<="))
		ok = is <= v;
	else if (!strcmp(op, "="))
		ok = is == v;
	else
		fail(s, "\"%s\": no such comparison", op);
	if (!ok)
		fail(s, "%s is %llu", w->w[0], is);
}

/* "= ...": look, and complain. */
void call_look(struct scen *s, const struct words *w)
{
	struct duo_end *e = scen_end(s);
	const struct member *m;
	int mib, err;

	if (w->n == 1 && (look_state(s, w->w[0]) || look_event(s, w->w[0])))
		return;
	if (w->n < 2)
		fail(s, "\"%s\": no such state or event", w->n ? w->w[0] : "");
	if (!strcmp(w->w[0], "err")) {
		err = call_errno(w->w[1]);
		if (err < 0)
			fail(s, "\"%s\": no such errno", w->w[1]);
		if (e->err != err)
			fail(s, "err is %s (%d)", strerror(e->err), e->err);
		return;
	}
	if (!strcmp(w->w[0], "replies")) {
		look_value(s, w, s->d->replies);
		return;
	}
	mib = call_mib(w->w[0]);
	if (mib > 0) {
		/* The listener's counts and the connection's are one host's. */
		look_value(s, w, s->d->e[0].mib[mib] + s->d->e[1].mib[mib]);
		return;
	}
	m = member(w->w[0]);
	if (!m)
		fail(s, "\"%s\": nothing to look at", w->w[0]);
	look_value(s, w, member_get(&e->c, m));
}

/* What is fixed when a connection begins; false: another. */
static bool set_cfg(struct scen *s, const char *name, const char *value)
{
	struct rill_conn_cfg *cfg = &scen_end(s)->cfg;
	u64 v;

	if (!strcmp(name, "cc")) {
		cfg->cc = rill_cc_find(value);
		if (!cfg->cc)
			fail(s, "no congestion control \"%s\"", value);
		return true;
	}
	v = number(s, value);
	if (!strcmp(name, "payload"))
		cfg->payload = v;
	else if (!strcmp(name, "max_payload"))
		cfg->params.max_payload = v;
	else if (!strcmp(name, "max_record"))
		cfg->params.max_record = v;
	else if (!strcmp(name, "type"))
		cfg->params.sock_type = s->params.sock_type = v;
	else if (!strcmp(name, "wnd"))
		cfg->wnd = cfg->wnd_max = v;
	else if (!strcmp(name, "wnd_max"))
		cfg->wnd_max = v;
	else if (!strcmp(name, "dice"))
		cfg->dice = v;
	else
		return false;
	if (!s->params.max_record)
		s->params.max_record = 100000;
	return true;
}

/* The listener, the path and the carrier around the engine; false: another. */
static bool set_host(struct scen *s, const char *name, u64 v)
{
	struct duo *d = s->d;

	if (!strcmp(name, "listening"))
		d->listening = v;
	else if (!strcmp(name, "backlog_full"))
		d->full = v;
	else if (!strcmp(name, "carrier_refuses"))
		scen_end(s)->deaf = v;
	else if (!strcmp(name, "fast_listener"))
		d->fast = v;
	else if (!strcmp(name, "fast_full"))
		d->fast_full = v;
	else if (!strcmp(name, "peer_address"))
		d->path.remote[15] = v;
	else if (!strcmp(name, "peer_udp_port"))
		d->path.remote_udp = v;
	else if (!strcmp(name, "peer_max_payload"))
		s->params.max_payload = v;
	else if (!strcmp(name, "peer_max_ack_delay"))
		s->params.max_ack_delay = v / (v >= RILL_MSEC ? RILL_MSEC : 1);
	else if (!strcmp(name, "peer_max_record"))
		s->params.max_record = v;
	else if (!strcmp(name, "peer_credit"))
		s->credit = v;
	else
		return false;
	return true;
}

static void do_set(struct scen *s, const struct words *w)
{
	const struct member *m;
	u64 v;

	if (w->n != 3)
		fail(s, "set NAME VALUE");
	if (set_cfg(s, w->w[1], w->w[2]))
		return;
	v = number(s, w->w[2]);
	if (set_host(s, w->w[1], v))
		return;
	m = member(w->w[1]);
	if (!m)
		fail(s, "\"%s\": nothing to set", w->w[1]);
	member_set(&scen_end(s)->c, m, v);
	if ((!strcmp(m->name, "nodelay") && v) || (!strcmp(m->name, "cork") && !v))
		duo_push(s->d, s->end);
}

/* connect [fast [N]]: with the token there is, and N bytes of data. */
static void do_connect(struct scen *s, const struct words *w)
{
	if (s->end)
		fail(s, "this end listens");
	if (w->n > 1 && !strcmp(w->w[1], "fast"))
		duo_connect_fast(s->d, s->token, s->token_len, w->n > 2 ? number(s, w->w[2]) : 0);
	else
		duo_connect(s->d);
}

/* record LEN [LIFETIME] */
static void do_record(struct scen *s, const struct words *w)
{
	u32 len = number(s, w->w[1]);

	if (w->n > 2)
		duo_write_mortal(s->d, s->end, len, number(s, w->w[2]));
	else
		duo_write_record(s->d, s->end, len);
}

/* peer_record LEN...: the lengths of the records in the peer's stream. */
static void do_peer_record(struct scen *s, const struct words *w)
{
	struct duo_end *peer = &s->d->e[!s->end];
	int i;

	for (i = 1; i < w->n; i++) {
		u32 len = number(s, w->w[i]);

		peer->rec[peer->nrec++] = (struct duo_record){ s->rec_off, len };
		s->rec_off += RILL_PREFIX + len;
	}
}

static void do_read(struct scen *s, const struct words *w)
{
	struct rill_recv *rx = &scen_end(s)->c.rx;
	u64 n = w->n > 1 ? number(s, w->w[1]) : rx->whole - rx->read;

	if (n > rx->whole - rx->read)
		fail(s, "only %llu bytes are readable", rx->whole - rx->read);
	duo_read(s->d, s->end, n);
}

/* As close() does: unread data is an abort. */
static void do_close(struct scen *s, const struct words *w)
{
	struct rill_conn *c = &scen_end(s)->c;

	s->closed = true;
	if (c->state == RILL_SYN_SENT || c->rx.whole != c->rx.read) {
		duo_abort(s->d, s->end, RILL_R_ABORT);
	} else if (c->state != RILL_CLOSE) {
		duo_shut(s->d, s->end);
		duo_orphan(s->d, s->end);
	}
}

static void do_icmp(struct scen *s, const struct words *w)
{
	int err = call_errno(w->w[1]);

	if (err < 0)
		fail(s, "\"%s\": no such errno", w->w[1]);
	duo_icmp(s->d, s->end, err);
}

/* New keys for cookies, or for tokens: the owner does it every so often. */
static void do_rotate(struct scen *s, const struct words *w)
{
	static u64 n = 77;
	siphash_key_t key = { { n, ~n } };

	rill_secrets_rotate(w->n > 1 && !strcmp(w->w[1], "tokens") ? &s->d->tokens : &s->d->secrets,
			    &key, s->d->now);
	n++;
}

static void do_write(struct scen *s, const struct words *w)
{
	u32 len = number(s, w->w[1]);

	if (!rill_state_in(scen_end(s)->c.state, RILL_ST_CAN_SEND))
		fail(s, "nothing can be written in this state");
	duo_write(s->d, s->end, len);
}

static void do_shutdown(struct scen *s, const struct words *w)
{
	duo_shut(s->d, s->end);
}

/* SO_LINGER with 0 s. */
static void do_abort(struct scen *s, const struct words *w)
{
	duo_abort(s->d, s->end, RILL_R_ABORT);
}

static void do_rebind(struct scen *s, const struct words *w)
{
	struct rill_out out;

	rill_out_init(&out);
	rill_conn_rebind(&scen_end(s)->c, false, 0, s->d->now, &out);
}

static void do_token(struct scen *s, const struct words *w)
{
	s->token_len = 24;
	memset(s->token, 0x5a, s->token_len);
}

/* A usual beginning, in the words of the language. */
static void do_open(struct scen *s, const struct words *w)
{
	static const char *const lines[2][8] = {
		{ "connect", "> SYN", "+20ms < SYNACK", "= connected", "> ECHO",
		  "+20ms < DATA ack=1", "= ESTABLISHED" },
		{ "< SYN", "> SYNACK", "+20ms < ECHO", "> DATA ack=1", "= ESTABLISHED" },
	};
	int i;

	for (i = 0; i < 8 && lines[s->end][i]; i++)
		scen_line(s, lines[s->end][i]);
	scen_end(s)->bits = 0;
}

/* Without waiting for the end of quick acknowledgements. */
static void do_settle(struct scen *s, const struct words *w)
{
	scen_end(s)->c.aq.quick = 0;
}

static const struct {
	const char *name;
	int least;		/* words after it */
	void (*run)(struct scen *s, const struct words *w);
} calls[] = {
	{ "set", 2, do_set }, { "connect", 0, do_connect }, { "open", 0, do_open },
	{ "write", 1, do_write }, { "record", 1, do_record }, { "peer_record", 1, do_peer_record },
	{ "read", 0, do_read }, { "shutdown", 0, do_shutdown }, { "close", 0, do_close },
	{ "abort", 0, do_abort }, { "icmp", 1, do_icmp }, { "rotate", 0, do_rotate },
	{ "rebind", 0, do_rebind }, { "token", 0, do_token }, { "settle", 0, do_settle },
};

/* The program's call in @w; false: no such call. */
bool call_do(struct scen *s, const struct words *w)
{
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(w->w[0], calls[i].name)) {
			if (w->n - 1 < calls[i].least)
				fail(s, "%s takes more words", w->w[0]);
			calls[i].run(s, w);
			return true;
		}
	return false;
}
