/* SPDX-License-Identifier: GPL-2.0 */
/*
 * conn.pml - opening and closing, over a network that does its worst, with hosts
 * that crash.  PROTOCOL.md 7, 12 and 15; the states move by fsm.pml, which table.c
 * makes from module/core/fsm.c.
 *
 * One client host that connects ATTEMPTS times, one listener.  The client's stream
 * is one byte and a FIN, the server's a FIN.
 *
 * The network is a set.  What an end may ever send in a state, the first time or
 * again, is in it from then on, and any of it may arrive at any time, any number of
 * times, in any order, or never: loss, duplication, reordering of any depth, and
 * replay by an attacker who kept everything.  So there is no step "send".
 *
 * An era ends when a minute has passed or the listener's host restarts: cookies of
 * an era are void in the next.  Fast open (7.5) is left out: it trades "once" away.
 *
 * With CALM there is no crash, no timer and nobody aborts: all must end in order,
 * or something waits for ever.
 */
#include "fsm.pml"

#ifndef ATTEMPTS
#define ATTEMPTS 2
#endif
#ifndef ERAS
#define ERAS 2
#endif

/* What a stream consists of, as a mask. */
#define BYTE 1
#define FIN 2

/* RESETs on their way, as a mask; TIMEOUT acts as ABORT does. */
#define REFUSED 1
#define ABORT 2
#define STRAY 4
#define COOKIE 8

/* What becomes of a connection that is over, as a mask. */
#define GUARDS 1
#define REACKS 2

#define SYNCED(st) ((st) == ESTABLISHED || (st) == FIN_WAIT1 || (st) == FIN_WAIT2 || \
	(st) == CLOSING || (st) == CLOSE_WAIT || (st) == LAST_ACK)
#define SENT_FIN(st) ((st) == FIN_WAIT1 || (st) == FIN_WAIT2 || (st) == CLOSING || \
	(st) == LAST_ACK)

/* The client host: one socket, of attempt cur - 1. */
byte cst = CLOSE, cur, ccookie, cgot, cacked;
bit confirmed, corphan;
byte ctomb[ATTEMPTS];
/* The listener's host: a server for each attempt, its id being made from the client's. */
byte sst[ATTEMPTS] = CLOSE, sgot[ATTEMPTS], sacked[ATTEMPTS], stomb[ATTEMPTS], sera[ATTEMPTS];
bit sorphan[ATTEMPTS];
bit listening = 1;
byte era;

/* The network.  Packets that name their sender's id, probes, are counted apart: only
 * they can be answered by somebody who does not know the connection. */
byte n_syn, n_cprobe, n_sprobe;
byte n_synack[ERAS], n_echo[ERAS];
int n_c2s[ATTEMPTS];		/* bit content + 4 * what is acknowledged */
int n_s2c[ATTEMPTS];
byte n_rst_c[ATTEMPTS], n_rst_s[ATTEMPTS];

/* For the properties. */
byte accepted[ATTEMPTS];	/* times */
byte had[ATTEMPTS];		/* what of the client's stream a server ever had */
byte chad;			/* and of the server's the client: attempts, as a mask */
byte connected, cdone, sdone;	/* attempts: connect() returned, ended in order */
bit disturbed;			/* a crash, a time-out, an abort, a listener gone, a late cookie */

/* An event that cannot happen in a state never happens: P_LEGAL. */
inline move(st, ev) {
	assert(FSM(st, ev) != CANNOT);
	st = FSM(st, ev)
}

inline emit_client() {
	if
	:: cst == SYN_SENT -> n_syn = n_syn | 1 << (cur - 1)
	:: SYNCED(cst) ->
		if
		:: !confirmed -> n_echo[ccookie] = n_echo[ccookie] | 1 << (cur - 1)
		:: else -> n_cprobe = n_cprobe | 1 << (cur - 1)
		fi;
		n_c2s[cur - 1] = n_c2s[cur - 1] | (3 << 4 * cgot);
		if
		:: SENT_FIN(cst) -> n_c2s[cur - 1] = n_c2s[cur - 1] | (12 << 4 * cgot)
		:: else
		fi
	:: else
	fi
}

inline emit_server(c) {
	if
	:: SYNCED(sst[c]) ->
		n_sprobe = n_sprobe | 1 << c;
		n_s2c[c] = n_s2c[c] | 1 << 4 * sgot[c];
		if
		:: SENT_FIN(sst[c]) -> n_s2c[c] = n_s2c[c] | 4 << 4 * sgot[c]
		:: else
		fi
	:: else
	fi
}

/* The client's socket is over, and so is all it knew. */
inline client_gone() {
	cst = CLOSE; ccookie = 0; cgot = 0; cacked = 0; confirmed = 0; corphan = 0
}

inline server_gone(c) {
	sst[c] = CLOSE; sgot[c] = 0; sacked[c] = 0; sorphan[c] = 0
}

inline client_ends() {
	if
	:: cst == TIME_WAIT || cst == CLOSE ->
		/* P_AGREE: over in order only if both streams arrived whole */
		assert(had[cur - 1] == (BYTE | FIN) && chad & 1 << (cur - 1));
		cdone = cdone | 1 << (cur - 1);
		ctomb[cur - 1] = REACKS;
		client_gone()
	:: else
	fi
}

inline server_ends(c) {
	if
	:: sst[c] == TIME_WAIT || sst[c] == CLOSE ->
		assert(had[c] == (BYTE | FIN) && chad & 1 << c);	/* P_AGREE */
		sdone = sdone | 1 << c;
		stomb[c] = REACKS | (sera[c] == era -> GUARDS : 0);
		server_gone(c)
	:: else
	fi
}

/* An end that ends without ceremony: its server's cookie may still be good. */
inline server_dies(c) {
	move(sst[c], EV_ABORT);
	stomb[c] = (sera[c] == era -> GUARDS : 0);
	server_gone(c)
}

/* A packet of attempt c reaches its server: content m, acknowledging a. */
inline server_takes(c, m, a) {
	sgot[c] = sgot[c] | m;
	had[c] = had[c] | m;
	if
	:: sgot[c] == (BYTE | FIN) && (sst[c] == ESTABLISHED || sst[c] == FIN_WAIT1 ||
				       sst[c] == FIN_WAIT2) -> move(sst[c], EV_FIN_RCVD)
	:: else
	fi;
	if
	:: a & FIN && !sacked[c] && sst[c] != TIME_WAIT ->
		assert(chad & 1 << c);			/* P_ACKED */
		sacked[c] = 1;
		move(sst[c], EV_FIN_ACKED)
	:: else
	fi;
	server_ends(c)
}

inline client_takes(m, a) {
	confirmed = 1;
	cgot = cgot | m;
	if
	:: m & FIN -> chad = chad | 1 << (cur - 1)
	:: else
	fi;
	if
	:: cgot == FIN && (cst == ESTABLISHED || cst == FIN_WAIT1 || cst == FIN_WAIT2) ->
		move(cst, EV_FIN_RCVD)
	:: else
	fi;
	/* P_ACKED: no byte counts as arrived that did not */
	assert((a & had[cur - 1]) == a);
	if
	:: a == (BYTE | FIN) && cacked != a && cst != TIME_WAIT ->
		cacked = a;
		move(cst, EV_FIN_ACKED)
	:: else
	fi;
	client_ends()
}

/* --- arrivals at the listener's host --- */

inline syn_arrives(c) {
	if
	:: sst[c] == CLOSE && !stomb[c] && listening -> n_synack[era] = n_synack[era] | 1 << c
	:: sst[c] == CLOSE && !stomb[c] && !listening -> n_rst_c[c] = n_rst_c[c] | REFUSED
	:: else		/* the id is taken: a SYN for it says nothing (15.2) */
	fi
}

inline echo_arrives(c, e) {
	if
	:: SYNCED(sst[c]) -> server_takes(c, 0, 0)
	:: !SYNCED(sst[c]) && stomb[c] & REACKS ->
		n_s2c[c] = n_s2c[c] | 1 << 4 * (BYTE | FIN)
	:: !SYNCED(sst[c]) && !(stomb[c] & REACKS) && stomb[c]
	:: !SYNCED(sst[c]) && !stomb[c] ->
		if
		:: e != era -> n_rst_c[c] = n_rst_c[c] | COOKIE
		:: e != era	/* of before a restart: not ours at all */
		:: e == era && !listening -> n_rst_c[c] = n_rst_c[c] | COOKIE
		:: e == era && listening	/* its queue is full */
		:: e == era && listening ->
			accepted[c]++;
			assert(accepted[c] == 1);		/* P_ONCE: no replay */
			assert(connected & 1 << c);		/* P_ASKED */
			sst[c] = FSM(LISTEN, EV_CHILD);
			sera[c] = e;
			move(sst[c], EV_READY);
			server_takes(c, 0, 0)
		fi
	fi
}

inline to_server(c, k) {
	if
	:: SYNCED(sst[c]) -> server_takes(c, k & 3, k >> 2)
	:: !SYNCED(sst[c]) && stomb[c] & REACKS -> n_s2c[c] = n_s2c[c] | 1 << 4 * (BYTE | FIN)
	:: else
	fi
}

inline probe_to_server(c) {
	if
	:: sst[c] == CLOSE && !stomb[c] -> n_rst_c[c] = n_rst_c[c] | STRAY
	:: else
	fi
}

inline reset_to_server(c) {
	if
	:: SYNCED(sst[c]) ->
		assert(disturbed);				/* P_PEACE */
		server_dies(c)
	:: else
	fi
}

/* --- arrivals at the client's host --- */

inline synack_arrives(c, e) {
	if
	:: cst == SYN_SENT && cur == c + 1 ->
		move(cst, EV_SYNACK);
		ccookie = e;
		connected = connected | 1 << c
	:: else
	fi
}

inline to_client(c, k) {
	if
	:: cur == c + 1 && SYNCED(cst) -> client_takes(k & 3, k >> 2)
	:: !(cur == c + 1 && SYNCED(cst)) && ctomb[c] & REACKS ->
		n_c2s[c] = n_c2s[c] | 1 << 4 * FIN
	:: else
	fi
}

inline probe_to_client(c) {
	if
	:: !(cur == c + 1 && cst != CLOSE) && !ctomb[c] -> n_rst_s[c] = n_rst_s[c] | STRAY
	:: else
	fi
}

/* Which RESETs a client believes: PROTOCOL.md 12.4. */
inline reset_to_client(c, r) {
	if
	:: cur == c + 1 && ((cst == SYN_SENT && r == REFUSED) ||
	   (SYNCED(cst) && (r == ABORT || (r == STRAY && confirmed) ||
			    (r == COOKIE && !confirmed)))) ->
		assert(disturbed);				/* P_PEACE */
		move(cst, EV_ABORT);
		client_gone()
	:: else
	fi
}

/* --- the network: arrivals that change nothing are left out --- */

#define AFTER emit_client(); emit_server(c); i = 0
#define ALIVE(c) (cur == c + 1 && SYNCED(cst))
#define NOBODY(c) (sst[c] == CLOSE && !stomb[c])

proctype network(byte c) {
	byte i;
end:	do
#ifdef LIVE
	:: !i -> skip			/* it may lose everything, for ever */
#endif
	:: atomic { n_syn & 1 << c && NOBODY(c) && (listening -> !(n_synack[era] & 1 << c) :
			!(n_rst_c[c] & REFUSED)) -> syn_arrives(c); AFTER }
	:: atomic { n_rst_s[c] && SYNCED(sst[c]) -> reset_to_server(c); AFTER }
	:: atomic { n_cprobe & 1 << c && NOBODY(c) && !(n_rst_c[c] & STRAY) ->
		probe_to_server(c); AFTER }
	:: atomic { n_sprobe & 1 << c && !(n_rst_s[c] & STRAY) && !ctomb[c] &&
		!(cur == c + 1 && cst != CLOSE) -> probe_to_client(c); AFTER }
	:: atomic { n_rst_c[c] & REFUSED && cst == SYN_SENT -> reset_to_client(c, REFUSED); AFTER }
	:: atomic { n_rst_c[c] & ABORT && ALIVE(c) -> reset_to_client(c, ABORT); AFTER }
	:: atomic { n_rst_c[c] & STRAY && ALIVE(c) && confirmed -> reset_to_client(c, STRAY); AFTER }
	:: atomic { n_rst_c[c] & COOKIE && ALIVE(c) && !confirmed ->
		reset_to_client(c, COOKIE); AFTER }
	:: atomic { n_echo[0] & 1 << c && !SYNCED(sst[c]) -> echo_arrives(c, 0); AFTER }
	:: atomic { n_synack[0] & 1 << c && cst == SYN_SENT -> synack_arrives(c, 0); AFTER }
#if ERAS > 1
	:: atomic { n_echo[1] & 1 << c && !SYNCED(sst[c]) -> echo_arrives(c, 1); AFTER }
	:: atomic { n_synack[1] & 1 << c && cst == SYN_SENT -> synack_arrives(c, 1); AFTER }
#endif
	:: atomic { SYNCED(sst[c]) && ((n_c2s[c] & 2730 && !(sgot[c] & BYTE)) ||
		(n_c2s[c] & 3276 && !(sgot[c] & FIN)) || (n_c2s[c] & 3840 && !sacked[c])) -> select(i : 0 .. 11);
		if
		:: n_c2s[c] & 1 << i && ((i & 3) & ~sgot[c] || (i >> 2 && !sacked[c])) ->
			to_server(c, i); AFTER
		:: else -> i = 0
		fi }
	:: atomic { n_c2s[c] && stomb[c] & REACKS && !(n_s2c[c] & 1 << 12) -> to_server(c, 0); AFTER }
	:: atomic { ALIVE(c) && ((n_s2c[c] && !confirmed) || (n_s2c[c] & 52428 && !cgot) ||
		(n_s2c[c] & 61440 && cacked != 3)) -> select(i : 0 .. 15);
		if
		:: n_s2c[c] & 1 << i && ((i & 3) & ~cgot || !confirmed ||
				(i >> 2 == 3 && cacked != 3)) -> to_client(c, i); AFTER
		:: else -> i = 0
		fi }
	:: atomic { n_s2c[c] && ctomb[c] && !(n_c2s[c] & 1 << 8) -> to_client(c, 0); AFTER }
	od
}

/* --- the programs --- */

proctype client_program() {
end:	do
	:: atomic { cst == CLOSE && cur < ATTEMPTS -> cur++; move(cst, EV_CONNECT); emit_client() }
#if !defined(CALM) && !defined(LIVE)
	:: atomic { cst == SYN_SENT -> move(cst, EV_SHUT_WR); client_gone() }
#endif
	:: atomic { cst == ESTABLISHED || cst == CLOSE_WAIT -> move(cst, EV_SHUT_WR); emit_client() }
#ifdef LIVE
	:: atomic { SYNCED(cst) && SENT_FIN(cst) && !corphan -> corphan = 1 }
#endif
	od
}

proctype server_program(byte c) {
end:	do
	:: atomic { sst[c] == ESTABLISHED || sst[c] == CLOSE_WAIT -> move(sst[c], EV_SHUT_WR);
		emit_server(c) }
#ifdef LIVE
	:: atomic { SENT_FIN(sst[c]) && !sorphan[c] -> sorphan[c] = 1 }
#endif
	od
}

/* --- time, each timer by itself, so that fairness is to each --- */

/*
 * SYN, R2, user time-out, keepalive, orphan, FIN_WAIT2: when they run out is left
 * open.  A program that aborts does the same to the network.
 */
proctype client_timer() {
end:	do
	:: atomic { cst == SYN_SENT -> move(cst, EV_ABORT); client_gone() }
	:: atomic { SYNCED(cst) -> disturbed = 1; n_rst_s[cur - 1] = ABORT | n_rst_s[cur - 1];
		move(cst, EV_ABORT); client_gone() }
	od
}

proctype server_timer(byte c) {
end:	do
	:: atomic { SYNCED(sst[c]) -> disturbed = 1; n_rst_c[c] = ABORT | n_rst_c[c]; server_dies(c) }
	od
}

/* Tombstones, whose peer may not have heard yet; a minute; restarts; a listener's end. */
proctype fate() {
	byte c;
end:	do
	:: atomic { ctomb[0] -> disturbed = 1; ctomb[0] = 0 }
	:: atomic { stomb[0] & REACKS -> disturbed = 1; stomb[0] = stomb[0] & GUARDS }
	:: atomic { stomb[0] & GUARDS && sera[0] != era -> stomb[0] = stomb[0] & REACKS }
#if ATTEMPTS > 1
	:: atomic { ctomb[1] -> disturbed = 1; ctomb[1] = 0 }
	:: atomic { stomb[1] & REACKS -> disturbed = 1; stomb[1] = stomb[1] & GUARDS }
	:: atomic { stomb[1] & GUARDS && sera[1] != era -> stomb[1] = stomb[1] & REACKS }
#endif
	:: atomic { listening -> disturbed = 1; listening = 0 }
	:: atomic { era < ERAS - 1 -> disturbed = 1; era++ }
	:: atomic { era < ERAS - 1 -> disturbed = 1; era++;	/* the listener's host restarts */
		server_gone(0); stomb[0] = 0;
#if ATTEMPTS > 1
		server_gone(1); stomb[1] = 0
#endif
		}
	:: atomic { cur -> disturbed = 1; client_gone(); ctomb[0] = 0;
#if ATTEMPTS > 1
		ctomb[1] = 0
#endif
		}
	od
}

/* P_REST: nothing can happen any more only when both ended in order. */
proctype rest() {
	timeout -> assert(cdone == 1 && sdone == 1)
}

init {
	atomic {
		run client_program();
#ifdef CALM
		run network(0); run server_program(0); run rest();
		goto done;
#endif
		run client_timer();
#ifndef NO_FATE
		run fate();
#endif
		run network(0); run server_program(0); run server_timer(0);
#if ATTEMPTS > 1
		run network(1); run server_program(1); run server_timer(1);
#endif
done:		skip
	}
}

#ifdef LIVE
ltl opening_ends { [] (cst == SYN_SENT -> <> (cst != SYN_SENT)) }
ltl client_ends_closed { [] (corphan -> <> !corphan) }
ltl server_ends_closed { [] (sorphan[0] -> <> !sorphan[0]) }
#endif
