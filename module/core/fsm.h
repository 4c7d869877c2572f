/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fsm.h - the states of a connection and the events that move it.
 *
 * Owns the transition table, in one function.  States have TCP's names and
 * numbers (net/tcp_states.h), so that /proc, ss and generic kernel code read
 * them; TIME_WAIT is a tombstone of its own and never the state of a socket.
 *
 *                     CONNECT                      CHILD
 *             CLOSE ----------> SYN_SENT   CLOSE ---------> SYN_RECV
 *                                  | SYNACK                    | READY
 *                                  v                           v
 *                               ESTABLISHED <------------------+
 *                   SHUT_WR        |       |   FIN_RCVD
 *                     +------------+       +------------+
 *                     v                                 v
 *                 FIN_WAIT1 --FIN_RCVD--> CLOSING   CLOSE_WAIT
 *         FIN_ACKED   |                      |          | SHUT_WR
 *                     v                      |          v
 *                 FIN_WAIT2                  |       LAST_ACK
 *            FIN_RCVD |            FIN_ACKED |          | FIN_ACKED
 *                     v                      v          v
 *                 TIME_WAIT <----------------+        CLOSE
 *
 * ABORT leads to CLOSE from everywhere.
 */
#ifndef RILL_CORE_FSM_H
#define RILL_CORE_FSM_H

#include "env.h"

enum rill_state {
	RILL_ESTABLISHED = 1,
	RILL_SYN_SENT = 2,
	RILL_SYN_RECV = 3,
	RILL_FIN_WAIT1 = 4,
	RILL_FIN_WAIT2 = 5,
	RILL_TIME_WAIT = 6,
	RILL_CLOSE = 7,
	RILL_CLOSE_WAIT = 8,
	RILL_LAST_ACK = 9,
	RILL_LISTEN = 10,
	RILL_CLOSING = 11,
};

enum rill_fsm_event {
	RILL_EV_LISTEN,		/* the program listens */
	RILL_EV_CONNECT,	/* the program connects */
	RILL_EV_CHILD,		/* a valid cookie came back */
	RILL_EV_SYNACK,		/* the listener answered */
	RILL_EV_READY,		/* the child is set up */
	RILL_EV_SHUT_WR,	/* the program sends no more */
	RILL_EV_FIN_RCVD,	/* the peer's stream has arrived whole, FIN included */
	RILL_EV_FIN_ACKED,	/* the peer has our stream whole, FIN included */
	RILL_EV_ABORT,		/* reset, time-out, or closed without ceremony */
};

int rill_fsm_next(enum rill_state state, enum rill_fsm_event ev);

#define RILL_ST(s)		BIT(s)

/* States in which the program may still queue data. */
#define RILL_ST_CAN_SEND	(RILL_ST(RILL_ESTABLISHED) | RILL_ST(RILL_CLOSE_WAIT))
/* States in which data from the peer is still to come. */
#define RILL_ST_CAN_RECV	(RILL_ST(RILL_ESTABLISHED) | RILL_ST(RILL_FIN_WAIT1) | \
				 RILL_ST(RILL_FIN_WAIT2) | RILL_ST(RILL_SYN_RECV))
/* States that have a peer. */
#define RILL_ST_SYNCED		(RILL_ST_CAN_SEND | RILL_ST_CAN_RECV | \
				 RILL_ST(RILL_LAST_ACK) | RILL_ST(RILL_CLOSING))

static inline bool rill_state_in(u8 state, u32 mask)
{
	return BIT(state) & mask;
}

#endif /* RILL_CORE_FSM_H */
