// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - plays scenario files, in packetdrill's manner: one end is the engine of
 * module/core, the script is the network, the other end and the program.  The
 * clock is virtual and stands still but where a line says otherwise.
 *
 *	rill-scen [-v] FILE...		-v shows every packet
 *
 * A file is lines; `#` begins a comment, the first of which says which rule is
 * tested.  A line is an optional time and one of:
 *
 *	client | server		which end the engine is; first of all; client unless said
 *	CALL words...		the program calls
 *	< TYPE words...		a packet arrives
 *	> TYPE words...		a packet must leave, now or at the time given
 *	= words...		something must be so
 *	(nothing)		time passes
 *
 * TIME	+20ms after the line before, @1.5s after the beginning; with ~1ms behind it,
 *	for a packet that leaves: so much early or late.  +* > ...: whenever.  Units:
 *	ns us ms s min h.  Without one: at once, the clock does not move.
 *	Every packet that leaves must be taken by a line, in order; `> *` takes all there are.
 *
 * TYPE	SYN SYNACK ECHO DATA RESET, or PROBE: DATA with ELICIT, NOW and CID.  A number
 *	before it: so many in a row (numbers and offsets count on, FIN is of the last);
 *	`train` before that: arriving as one.  `< again`: what arrived last, once more.
 *	`< hex BYTES`.
 *
 * The words of a packet, all optional:
 *	FIN ELICIT NOW		flags (ECHO has ELICIT)
 *	pn=			our packets are counted from 1 as they leave, whatever their
 *				numbers: pn=3 is the third; ack=3 acknowledges that.  Of one
 *				that arrives: its number, else the next.  RESET: what it quotes,
 *				else our last
 *	rawpn=			the number itself
 *	off= len= credit=	off of what arrives goes on where the stream was; credit stays as
 *				set last (64 KiB)
 *	ack=9,5-7 ack=all ack=last	ranges, newest first; delay=10ms
 *	CID			an item with the sender's id (SYN, SYNACK, ECHO have it)
 *	id= cid= ports=S/D params=PAYLOAD/DELAY/TYPE[/RECORD] cookie=HEX token=ask|have|some|HEX
 *	data= reason= ecn=E0/E1/CE skip=FROM/TO/NEXT	items and fields; 0 leaves one out
 *	item=TYPE:HEX		an item as it is, after the others
 *	ip=CE ip=ECT0		field of the IP header
 *	version= type= flags= extlen= cut= pad=	for bad packets: cut= bytes are left
 *	FULL			(arriving) the host has no room for the payload
 * A packet that leaves must have the flags, the length and the items named, and no
 * others; other fields where they are named.
 *
 * CALLS connect [fast [N]], write N, record N [LIFETIME], read [N], shutdown, close,
 *	abort, icmp ERRNO, set NAME VALUE, rotate [tokens] (keys), rebind, token (have
 *	some token), settle (no more quick acknowledgements), peer_record N... (what the
 *	prefixes in the peer's stream say), open (connect or be connected to, with a
 *	round trip of 20 ms, and be confirmed).
 *	set: members[], set_cfg() and set_host() of call.c.
 *
 * LOOKS STATE; an event (readable writable connected reset tomb newest token), since it
 *	was last looked at, or !event; err ERRNO; COUNTER [OP] N; member [OP] VALUE,
 *	OP < <= > >=.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "scen.h"

#define SCEN_PATIENCE	20	/* s of real time for one file */

void fail(struct scen *s, const char *fmt, ...)
{
	va_list ap;

	printf("failed: %s:%d: %s: ", s->file, s->line, s->text);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

/* Ends, ids and ports as the unit tests have them. */
void scen_begin(struct scen *s)
{
	if (s->begun)
		return;
	s->begun = true;
	s->d = duo_new();
	s->began = s->at = s->d->now;
	s->d->listening = s->end;
	s->cid = s->end ? s->d->e[0].cfg.cid : s->d->cid1;
	s->params = s->d->e[!s->end].cfg.params;
	s->port[0] = s->d->e[!s->end].cfg.sport;
	s->port[1] = s->d->e[s->end].cfg.sport;
	s->credit = 65536;
	s->cookie_len = 8;
	memset(s->cookie, 0xc0, s->cookie_len);
}

static void split(char *line, struct words *w)
{
	char *save, *word;

	w->n = 0;
	for (word = strtok_r(line, " \t\r\n", &save); word && w->n < SCEN_WORDS;
	     word = strtok_r(NULL, " \t\r\n", &save))
		w->w[w->n++] = word;
}

static void shift(struct words *w)
{
	memmove(w->w, w->w + 1, --w->n * sizeof(w->w[0]));
}

/* The time at the head of @w: when, and how exactly. */
static void line_time(struct scen *s, struct words *w, u64 *from, u64 *to)
{
	char *word = w->n ? w->w[0] : "", *tol = strchr(word, '~');
	u64 slack = 0;

	*from = *to = s->at;
	if (*word != '+' && *word != '@')
		return;
	if (!strcmp(word, "+*")) {
		*to = RILL_NEVER - 1;
	} else {
		if (tol) {
			*tol = 0;
			slack = number(s, tol + 1);
		}
		*from = (*word == '+' ? s->at : s->began) + number(s, word + 1);
		if (*from < s->at)
			fail(s, "time runs backwards");
		*to = *from + slack;
		*from -= min(slack, *from - s->at);
	}
	shift(w);
}

static void line_expect(struct scen *s, struct words *w, u64 from, u64 to)
{
	packet_leaves(s, w, from, to);
	s->at = max(s->at, s->d->now);
}

static void line_act(struct scen *s, struct words *w, u64 at)
{
	if (at > s->at) {
		packet_unexpected(s);
		packet_wait(s, at);
		s->at = at;
	}
	if (!w->n)
		return;
	if (strcmp(w->w[0], "="))
		packet_unexpected(s);
	if (!strcmp(w->w[0], "<")) {
		shift(w);
		packet_arrives(s, w);
	} else if (!strcmp(w->w[0], "=")) {
		shift(w);
		call_look(s, w);
	} else if (!call_do(s, w)) {
		fail(s, "no such call");
	}
}

/* One line, without its end. */
void scen_line(struct scen *s, const char *text)
{
	char line[sizeof(s->text)], *hash;
	struct words w;
	u64 from, to;

	snprintf(s->text, sizeof(s->text), "%s", text);
	s->text[strcspn(s->text, "\n")] = 0;
	snprintf(line, sizeof(line), "%s", text);
	hash = strchr(line, '#');
	if (hash)
		*hash = 0;
	split(line, &w);
	if (!w.n)
		return;
	if (w.n == 1 && !s->begun && (!strcmp(w.w[0], "client") || !strcmp(w.w[0], "server"))) {
		s->end = *w.w[0] == 's';
		return;
	}
	scen_begin(s);
	line_time(s, &w, &from, &to);
	if (w.n && !strcmp(w.w[0], ">")) {
		shift(&w);
		line_expect(s, &w, from, to);
	} else {
		if (to == RILL_NEVER - 1)
			fail(s, "+* is for packets that leave");
		line_act(s, &w, from);
	}
}

/* A file, in a process of its own. */
static void play(const char *file, bool verbose)
{
	struct scen *s = calloc(1, sizeof(*s));
	char line[sizeof(s->text)];
	FILE *f = fopen(file, "r");

	s->file = file;
	s->verbose = verbose;
	alarm(SCEN_PATIENCE);
	if (!f)
		fail(s, "cannot be read");
	while (fgets(line, sizeof(line), f)) {
		s->line++;
		if (s->line == 1 && *line != '#')
			fail(s, "no comment says what is tested");
		scen_line(s, line);
	}
	snprintf(s->text, sizeof(s->text), "the end");
	if (!s->begun)
		fail(s, "nothing in it");
	packet_unexpected(s);
	fclose(f);
	/* What the engine has not given back, the leak sanitizer finds. */
	duo_free(s->d);
	free(s);
	fflush(stdout);
	exit(0);
}

int main(int argc, char **argv)
{
	int passed = 0, failed = 0, i, first = 1, status;
	bool verbose = argc > 1 && !strcmp(argv[1], "-v");

	first += verbose;
	for (i = first; i < argc; i++) {
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (!pid)
			play(argv[i], verbose);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			status = -1;
		if (status && !(WIFEXITED(status) && WEXITSTATUS(status) == 1))
			printf("failed: %s: died, status %#x\n", argv[i], status);
		if (status)
			failed++;
		else
			passed++;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0 || !passed;
}
