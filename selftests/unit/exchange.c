// SPDX-License-Identifier: GPL-2.0
/*
 * exchange.c - a connection in hex, the same every time.
 *
 * Ids, keys and times are fixed.  PROTOCOL.md shows this output, and `make
 * check` compares: a second implementation can check itself against it.
 */
#include <stdio.h>
#include "duo.h"

static const char *const type_name[] = { "?", "SYN", "SYN-ACK", "ECHO", "DATA", "RESET" };

static void describe(const struct rill_pkt *p)
{
	printf("%s pn %u off %u credit %u", type_name[p->h.type], p->h.pn, p->h.off, p->h.credit);
	if (p->h.flags & RILL_F_FIN)
		printf(" FIN");
	if (p->h.flags & RILL_F_ELICIT)
		printf(" ELICIT");
	if (p->h.flags & RILL_F_NOW)
		printf(" NOW");
	if (rill_ext_has(&p->x, RILL_I_ACK)) {
		printf(" ack %u-%u", p->x.ack.largest - p->x.ack.first, p->x.ack.largest);
		if (p->x.ack.pairs)
			printf(" and %u more", p->x.ack.pairs);
		printf(" delay %u us", p->x.ack.delay);
	}
	if (rill_ext_has(&p->x, RILL_I_REASON))
		printf(" reason %u", p->x.reason);
	if (p->h.type == RILL_T_SYN)
		printf(", %u bytes of padding", p->len);
	else if (p->len)
		printf(", %u bytes", p->len);
}

/* The padding of a SYN is zeroes: said, not shown. */
static void show(const struct duo *d, const struct duo_pkt *k, const char *note, u64 began)
{
	u32 i, len = k->p.h.type == RILL_T_SYN ? k->len - k->p.len : k->len;

	printf("# %.3f ms, %s: ", (double)(d->now - began) / 1e6, k->from ? "server" : "client");
	describe(&k->p);
	printf("%s%s\n", *note ? ": " : "", note);
	for (i = 0; i < len; i++)
		printf("%02x%s", k->b[i], i + 1 == len || i % 32 == 31 ? "\n" : i % 4 == 3 ? " " : "");
}

static struct duo *d;
static u64 began;

/* Show what is queued and deliver it a way later, all but packet @lost. */
static void arrive(const char *note, int lost)
{
	int i, n = d->nq;

	for (i = 0; i < n; i++)
		show(d, d->q[i], i == lost ? "lost on the way" : i ? "" : note, began);
	if (lost >= 0) {
		duo_drop(d, lost);
		n--;
	}
	d->now += d->owd;
	while (n--)
		duo_deliver(d, 0);
}

/* Opened, used through a loss, closed. */
static bool bytes(void)
{
	int i;

	d = duo_new();
	for (i = 0; i < 2; i++)
		d->e[i].cfg.payload = 88;
	began = d->now;
	duo_connect(d);
	arrive("from port 5000 to port 80, please", -1);
	arrive("nothing is kept: all is in the cookie", -1);
	duo_write(d, 0, 24);
	arrive("the cookie comes back, and first data with it", -1);
	arrive("the first packets are acknowledged at once", -1);
	duo_write(d, 1, 12);
	arrive("the server answers", -1);
	arrive("", -1);
	duo_write(d, 0, 3 * 88);
	arrive("three full packets", 1);
	arrive("", -1);
	while (!d->nq)
		duo_wait(d, rill_conn_deadline(&d->e[0].c) - d->now);
	arrive("again, under a new number", -1);
	arrive("", -1);
	duo_shut(d, 0);
	arrive("the client sends no more", -1);
	arrive("", -1);
	duo_shut(d, 1);
	arrive("nor does the server", -1);
	arrive("the last acknowledgement; a tombstone remains", -1);
	if (d->nq || d->e[0].c.state != RILL_TIME_WAIT || d->e[1].c.state != RILL_CLOSE)
		return false;
	duo_free(d);
	return true;
}

/* Records: their lengths are in the stream. */
static bool records(void)
{
	int i;

	d = duo_new();
	for (i = 0; i < 2; i++) {
		d->e[i].cfg.params.sock_type = RILL_RECORDS;
		d->e[i].cfg.params.max_record = 100000 << i;
	}
	began = d->now;
	printf("# another connection, of socket type 5\n");
	duo_connect(d);
	arrive("records of at most 100,000 bytes, please", -1);
	arrive("and of at most 200,000", -1);
	arrive("", -1);
	arrive("", -1);
	duo_write_record(d, 0, 12);
	arrive("a record of 12 bytes; the next must wait until this is acknowledged", -1);
	duo_write_record(d, 0, 5);
	duo_write_record(d, 0, 0);
	duo_write_record(d, 0, 1);
	arrive("", -1);
	arrive("records of 5, 0 and 1 bytes share a packet", -1);
	i = d->e[1].c.rx.whole == 16 + 9 + 4 + 5;
	duo_free(d);
	return i;
}

int main(void)
{
	return !bytes() || !records();
}
