// SPDX-License-Identifier: GPL-2.0
/* table.c - print rill_fsm_next() of module/core/fsm.c as Promela, for conn.pml. */
#include <stdio.h>
#include "fsm.h"

static const struct { const char *name; int s; } states[] = {
	{ "CLOSE", RILL_CLOSE }, { "LISTEN", RILL_LISTEN }, { "SYN_SENT", RILL_SYN_SENT },
	{ "SYN_RECV", RILL_SYN_RECV }, { "ESTABLISHED", RILL_ESTABLISHED },
	{ "FIN_WAIT1", RILL_FIN_WAIT1 }, { "FIN_WAIT2", RILL_FIN_WAIT2 },
	{ "CLOSING", RILL_CLOSING }, { "CLOSE_WAIT", RILL_CLOSE_WAIT },
	{ "LAST_ACK", RILL_LAST_ACK }, { "TIME_WAIT", RILL_TIME_WAIT },
};
static const char *const events[] = {
	[RILL_EV_LISTEN] = "EV_LISTEN", [RILL_EV_CONNECT] = "EV_CONNECT",
	[RILL_EV_CHILD] = "EV_CHILD", [RILL_EV_SYNACK] = "EV_SYNACK",
	[RILL_EV_READY] = "EV_READY", [RILL_EV_SHUT_WR] = "EV_SHUT_WR",
	[RILL_EV_FIN_RCVD] = "EV_FIN_RCVD", [RILL_EV_FIN_ACKED] = "EV_FIN_ACKED",
	[RILL_EV_ABORT] = "EV_ABORT",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int main(void)
{
	unsigned int s, e, n = 0;

	puts("/* Made by table.c from module/core/fsm.c: no part of it is written by hand. */");
	for (s = 0; s < COUNT(states); s++)
		printf("#define %s %d\n", states[s].name, states[s].s);
	for (e = 0; e < COUNT(events); e++)
		printf("#define %s %u\n", events[e], e);
	puts("#define CANNOT 255\n#define FSM(st, ev) ( \\");
	for (s = 0; s < COUNT(states); s++)
		for (e = 0; e < COUNT(events); e++) {
			int next = rill_fsm_next(states[s].s, e);

			if (next < 0)
				continue;
			printf("\t((st) == %d && (ev) == %u) -> %d : ( \\\n", states[s].s, e, next);
			n++;
		}
	printf("\tCANNOT");
	while (n--)
		putchar(')');
	puts(")");
	return 0;
}
