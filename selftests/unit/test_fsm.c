// SPDX-License-Identifier: GPL-2.0
#include "fsm.h"
#include "test.h"

/*
 * The diagram of RFC 9293 3.3.2, read off it independently of fsm.c: rows are
 * states by their number, columns events; "." cannot happen.
 */
static const char *const state_of = ".EYRf2TCWLlc";	/* letters, 1..11 */
static const struct { enum rill_state s; const char *row; } table[] = {
	/*			LCHSRWFAX: listen connect child synack ready shut_wr fin acked abort */
	{ RILL_CLOSE,		"lYR.....C" },
	{ RILL_LISTEN,		"l.R.....C" },
	{ RILL_SYN_SENT,	"...E.C..C" },
	{ RILL_SYN_RECV,	"....E...C" },
	{ RILL_ESTABLISHED,	".....fW.C" },
	{ RILL_FIN_WAIT1,	"......c2C" },
	{ RILL_FIN_WAIT2,	"......T.C" },
	{ RILL_CLOSING,		".......TC" },
	{ RILL_CLOSE_WAIT,	".....L..C" },
	{ RILL_LAST_ACK,	".......CC" },
	{ RILL_TIME_WAIT,	"........." },
};

TEST(next__every_event_in_every_state)
{
	u32 i;
	int ev;

	EXPECT_EQ(COUNT(table), RILL_CLOSING);
	for (i = 0; i < COUNT(table); i++)
		for (ev = RILL_EV_LISTEN; ev <= RILL_EV_ABORT; ev++) {
			char c = table[i].row[ev];
			int want = c == '.' ? -1 : (int)(strchr(state_of, c) - state_of);

			ROW("state %d event %d", table[i].s, ev);
			EXPECT_EQ(rill_fsm_next(table[i].s, ev), want);
		}
}

TEST(next__nonsense)
{
	int s;

	EXPECT_EQ(rill_fsm_next(0, RILL_EV_ABORT), -1);
	EXPECT_EQ(rill_fsm_next(12, RILL_EV_ABORT), -1);
	for (s = RILL_ESTABLISHED; s <= RILL_CLOSING; s++)
		EXPECT_EQ(rill_fsm_next(s, RILL_EV_ABORT + 1), -1);
}

/* The masks other files decide by. */
TEST(masks__as_tcp)
{
	static const struct { enum rill_state s; bool send, recv, synced; } t[] = {
		{ RILL_ESTABLISHED, 1, 1, 1 }, { RILL_SYN_SENT, 0, 0, 0 },
		{ RILL_SYN_RECV, 0, 1, 1 }, { RILL_FIN_WAIT1, 0, 1, 1 },
		{ RILL_FIN_WAIT2, 0, 1, 1 }, { RILL_TIME_WAIT, 0, 0, 0 },
		{ RILL_CLOSE, 0, 0, 0 }, { RILL_CLOSE_WAIT, 1, 0, 1 },
		{ RILL_LAST_ACK, 0, 0, 1 }, { RILL_LISTEN, 0, 0, 0 },
		{ RILL_CLOSING, 0, 0, 1 },
	};
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		ROW("state %d", t[i].s);
		EXPECT_EQ(rill_state_in(t[i].s, RILL_ST_CAN_SEND), t[i].send);
		EXPECT_EQ(rill_state_in(t[i].s, RILL_ST_CAN_RECV), t[i].recv);
		EXPECT_EQ(rill_state_in(t[i].s, RILL_ST_SYNCED), t[i].synced);
	}
}
