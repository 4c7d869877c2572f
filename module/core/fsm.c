// SPDX-License-Identifier: GPL-2.0
/* fsm.c - the transition function of fsm.h: every event in every state. */
#include "fsm.h"

/*
 * rill_fsm_next() - the state that follows.
 *
 * Return: the next state, which may be @state itself, or -1 when @ev cannot
 * happen in @state.
 */
int rill_fsm_next(enum rill_state state, enum rill_fsm_event ev)
{
	switch (state) {
	case RILL_CLOSE:
		switch (ev) {
		case RILL_EV_LISTEN:	return RILL_LISTEN;
		case RILL_EV_CONNECT:	return RILL_SYN_SENT;
		case RILL_EV_CHILD:	return RILL_SYN_RECV;
		case RILL_EV_ABORT:	return RILL_CLOSE;
		case RILL_EV_SYNACK:
		case RILL_EV_READY:
		case RILL_EV_SHUT_WR:
		case RILL_EV_FIN_RCVD:
		case RILL_EV_FIN_ACKED:	goto illegal;
		}
		break;
	case RILL_LISTEN:
		switch (ev) {
		case RILL_EV_LISTEN:	return RILL_LISTEN;
		case RILL_EV_CHILD:	return RILL_SYN_RECV;	/* the child's, a copy */
		case RILL_EV_ABORT:	return RILL_CLOSE;
		case RILL_EV_CONNECT:
		case RILL_EV_SYNACK:
		case RILL_EV_READY:
		case RILL_EV_SHUT_WR:
		case RILL_EV_FIN_RCVD:
		case RILL_EV_FIN_ACKED:	goto illegal;
		}
		break;
	case RILL_SYN_SENT:
		switch (ev) {
		case RILL_EV_SYNACK:	return RILL_ESTABLISHED;
		case RILL_EV_SHUT_WR:
		case RILL_EV_ABORT:	return RILL_CLOSE;
		case RILL_EV_LISTEN:
		case RILL_EV_CONNECT:
		case RILL_EV_CHILD:
		case RILL_EV_READY:
		case RILL_EV_FIN_RCVD:
		case RILL_EV_FIN_ACKED:	goto illegal;
		}
		break;
	case RILL_SYN_RECV:
		switch (ev) {
		case RILL_EV_READY:	return RILL_ESTABLISHED;
		case RILL_EV_ABORT:	return RILL_CLOSE;
		case RILL_EV_LISTEN:
		case RILL_EV_CONNECT:
		case RILL_EV_CHILD:
		case RILL_EV_SYNACK:
		case RILL_EV_SHUT_WR:
		case RILL_EV_FIN_RCVD:
		case RILL_EV_FIN_ACKED:	goto illegal;
		}
		break;
	case RILL_ESTABLISHED:
		switch (ev) {
		case RILL_EV_SHUT_WR:	return RILL_FIN_WAIT1;
		case RILL_EV_FIN_RCVD:	return RILL_CLOSE_WAIT;
		case RILL_EV_ABORT:	return RILL_CLOSE;
		case RILL_EV_LISTEN:
		case RILL_EV_CONNECT:
		case RILL_EV_CHILD:
		case RILL_EV_SYNACK:
		case RILL_EV_READY:
		case RILL_EV_FIN_ACKED:	goto illegal;
		}
		break;
	case RILL_FIN_WAIT1:
		switch (ev) {
		case RILL_EV_FIN_ACKED:	return RILL_FIN_WAIT2;
		case RILL_EV_FIN_RCVD:	return RILL_CLOSING;
		case RILL_EV_ABORT:	return RILL_CLOSE;
		case RILL_EV_LISTEN:
		case RILL_EV_CONNECT:
		case RILL_EV_CHILD:
		case RILL_EV_SYNACK:
		case RILL_EV_READY:
		case RILL_EV_SHUT_WR:	goto illegal;
		}
		break;
	case RILL_FIN_WAIT2:
		switch (ev) {
		case RILL_EV_FIN_RCVD:	return RILL_TIME_WAIT;
		case RILL_EV_ABORT:	return RILL_CLOSE;
		case RILL_EV_LISTEN:
		case RILL_EV_CONNECT:
		case RILL_EV_CHILD:
		case RILL_EV_SYNACK:
		case RILL_EV_READY:
		case RILL_EV_SHUT_WR:
		case RILL_EV_FIN_ACKED:	goto illegal;
		}
		break;
	case RILL_CLOSING:
		switch (ev) {
		case RILL_EV_FIN_ACKED:	return RILL_TIME_WAIT;
		case RILL_EV_ABORT:	return RILL_CLOSE;
		case RILL_EV_LISTEN:
		case RILL_EV_CONNECT:
		case RILL_EV_CHILD:
		case RILL_EV_SYNACK:
		case RILL_EV_READY:
		case RILL_EV_SHUT_WR:
		case RILL_EV_FIN_RCVD:	goto illegal;
		}
		break;
	case RILL_CLOSE_WAIT:
		switch (ev) {
		case RILL_EV_SHUT_WR:	return RILL_LAST_ACK;
		case RILL_EV_ABORT:	return RILL_CLOSE;
		case RILL_EV_LISTEN:
		case RILL_EV_CONNECT:
		case RILL_EV_CHILD:
		case RILL_EV_SYNACK:
		case RILL_EV_READY:
		case RILL_EV_FIN_RCVD:
		case RILL_EV_FIN_ACKED:	goto illegal;
		}
		break;
	case RILL_LAST_ACK:
		switch (ev) {
		case RILL_EV_FIN_ACKED:	return RILL_CLOSE;
		case RILL_EV_ABORT:	return RILL_CLOSE;
		case RILL_EV_LISTEN:
		case RILL_EV_CONNECT:
		case RILL_EV_CHILD:
		case RILL_EV_SYNACK:
		case RILL_EV_READY:
		case RILL_EV_SHUT_WR:
		case RILL_EV_FIN_RCVD:	goto illegal;
		}
		break;
	case RILL_TIME_WAIT:
		break;		/* a tombstone takes no events: close.c */
	}
illegal:
	return -1;
}
