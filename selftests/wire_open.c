// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input while a connection opens: SYNs that are wrong, cookies forged,
 * stolen, old or used before, floods, and servers that answer what nobody asked.
 * What an open connection is sent is in wire_bad.c.
 */
#include "kselftest_harness.h"

#include "wire_peer.h"

FIXTURE(open) {
	struct env e;
	uint64_t seed;
	int lfd;
	struct peer r;
};

FIXTURE_VARIANT(open) { const struct family *fam; };
FAMILY(open, rill4);
FAMILY(open, rill6);

FIXTURE_SETUP(open)
{
	union sa at;

	env_open(&self->e, variant->fam, _metadata->name);
	self->seed = test_seed();
	self->lfd = env_listen(&self->e, 64, &at);
	set_nonblock(self->lfd, true);
	peer_init(&self->r, variant->fam->af, &self->seed, port_of(&at));
}

FIXTURE_TEARDOWN(open)
{
	end_by_reset();		/* our peer acknowledges nothing any more */
	env_close(&self->e);
}

/* The listener has nobody to hand over. */
#define EXPECT_NOBODY() EXPECT_EQ(-EAGAIN, RET(accept(self->lfd, NULL, NULL)))

/* A well-behaved client still gets in. */
static bool serves(const struct peer *like, uint64_t *seed, int lfd)
{
	struct peer r;
	int fd;

	peer_init(&r, like->at.sa.sa_family, seed, like->dport);
	peer_open(&r);
	if (!(wait_events(lfd, POLLIN) & POLLIN))
		return false;
	fd = accept(lfd, NULL, NULL);
	close(r.udp);
	return fd >= 0;
}

#define EXPECT_SERVES() EXPECT_TRUE(serves(&self->r, &self->seed, self->lfd))

/* ------------------------------------------------------------------- SYN */

TEST_F(open, answer_is_not_larger)
{
	peer_ask(&self->r);
	EXPECT_GE(BASE, self->r.in.len);
	EXPECT_EQ(self->r.cid, get64(self->r.in.b + 4));
	EXPECT_NE(0, self->r.their);
	/* a SYN made nothing that lasts */
	EXPECT_EQ(1, proc_lines(self->e.fam->af == AF_INET ? "/proc/self/net/rill" :
				"/proc/self/net/rill6"));
	EXPECT_NOBODY();
}

TEST_F(open, bad_syns)
{
	struct peer *r = &self->r;
	struct pkt p;

	peer_syn(r, &p);
	p.len = BASE - 1;		/* not padded: could be a reflection attack */
	EXPECT_COUNTED("SynBad", &p);
	peer_syn(r, &p);
	put64(p.b + 4, 1);		/* names an id before it knows one */
	EXPECT_COUNTED("SynBad", &p);
	pkt_begin(&p, SYN, 0, 0, 0, 0, PEER_CREDIT);	/* says nothing, not even where to */
	pkt_pad(&p, BASE);
	EXPECT_COUNTED("SynRefused", &p);
	pkt_begin(&p, SYN, 0, 0, 0, 0, PEER_CREDIT);	/* without parameters */
	pkt_cid(&p, r->cid);
	pkt_ports(&p, r->sport, r->dport);
	pkt_pad(&p, BASE);
	EXPECT_COUNTED("SynBad", &p);
	pkt_begin(&p, SYN, 0, 0, 0, 0, PEER_CREDIT);	/* parameters that cannot be */
	pkt_cid(&p, r->cid);
	pkt_ports(&p, r->sport, r->dport);
	pkt_params(&p, 10, 25, 1);
	pkt_pad(&p, BASE);
	EXPECT_COUNTED("InExt", &p);
	pkt_begin(&p, SYN, FIN, 0, 0, 0, PEER_CREDIT);
	pkt_pad(&p, BASE);
	EXPECT_COUNTED("InFlags", &p);
	/* none of them was answered: the next answer is to a good one */
	peer_syn(r, &p);
	put32(p.b + 12, 3);
	peer_send(r, &p);
	EXPECT_EQ(SYNACK, peer_recv(r, PATIENCE));
	EXPECT_EQ(3, get32(r->in.b + 12));
	EXPECT_SERVES();
}

TEST_F(open, nobody_listens)
{
	struct pkt p;
	uint8_t len = 0;
	const uint8_t *why;

	self->r.dport ^= 1;
	peer_syn(&self->r, &p);
	EXPECT_COUNTED("SynRefused", &p);
	ASSERT_TRUE(peer_await(&self->r, RESET));
	EXPECT_EQ(self->r.cid, get64(self->r.in.b + 4));
	EXPECT_GT(100, self->r.in.len);
	why = pkt_find(&self->r.in, I_REASON, &len);
	ASSERT_NE(NULL, why);
	EXPECT_EQ(R_REFUSED, *why);
	self->r.dport ^= 1;
	/* records where bytes are spoken */
	pkt_begin(&p, SYN, 0, 0, 0, 0, PEER_CREDIT);
	pkt_cid(&p, self->r.cid);
	pkt_ports(&p, self->r.sport, self->r.dport);
	pkt_params(&p, 1000, 25, 5);
	pkt_pad(&p, BASE);
	EXPECT_COUNTED("SynRefused", &p);
	EXPECT_SERVES();
}

/* A flood of SYNs costs the listener nothing that lasts, and harms no client. */
TEST_F_TIMEOUT(open, syn_flood, SLOW_TEST)
{
	struct pkt p;
	int i;

	for (i = 0; i < 5000; i++) {
		self->r.cid = rnd(&self->seed) | 1;
		self->r.sport = 1 + rnd(&self->seed) % 65535;
		peer_syn(&self->r, &p);
		peer_send(&self->r, &p);
	}
	EXPECT_EQ(1, proc_lines("/proc/self/net/rill") + proc_lines("/proc/self/net/rill6"));
	EXPECT_NOBODY();
	EXPECT_SERVES();
}

/* --------------------------------------------------------------- cookies */

TEST_F(open, forged_cookies)
{
	struct peer *r = &self->r;
	struct pkt p;
	int i;

	peer_ask(r);
	for (i = 0; i < r->cookie_len; i++) {
		r->cookie[i] ^= 0x40;
		peer_echo(r, &p);
		EXPECT_COUNTED("CookieBad", &p);
		r->cookie[i] ^= 0x40;
	}
	/* too short, too long, of another size, made of nothing */
	r->cookie_len--;
	peer_echo(r, &p);
	EXPECT_COUNTED("CookieBad", &p);
	r->cookie_len += 2;
	peer_echo(r, &p);
	EXPECT_COUNTED("CookieBad", &p);
	r->cookie_len = 1;
	peer_echo(r, &p);
	EXPECT_COUNTED("CookieBad", &p);
	r->cookie_len = 40;
	memset(r->cookie, 0, 40);
	peer_echo(r, &p);
	EXPECT_COUNTED("CookieBad", &p);
	EXPECT_NOBODY();
	EXPECT_SERVES();
}

/* A cookie is bound to who asked: ids, ports, address and UDP port. */
TEST_F(open, stolen_cookies)
{
	struct peer *r = &self->r, thief;
	struct pkt p;

	peer_ask(r);
	r->their ^= 1;
	peer_echo(r, &p);
	EXPECT_COUNTED("CookieBad", &p);
	r->their ^= 1;
	r->cid ^= 1;
	peer_echo(r, &p);
	EXPECT_COUNTED("CookieBad", &p);
	r->cid ^= 1;
	r->sport ^= 1;
	peer_echo(r, &p);
	EXPECT_COUNTED("CookieBad", &p);
	r->sport ^= 1;
	thief = *r;
	thief.udp = peer_socket(r->at.sa.sa_family, 0);
	peer_echo(r, &p);
	long was = snmp("CookieBad");

	peer_send(&thief, &p);
	EXPECT_EQ(1, snmp_moved("CookieBad", was));
	EXPECT_NOBODY();
	/* its owner is let in */
	peer_send(r, &p);
	EXPECT_EQ(POLLIN, wait_events(self->lfd, POLLIN));
	EXPECT_LE(0, accept(self->lfd, NULL, NULL));
}

/* An echo opens one connection, however often it comes. */
TEST_F(open, replayed_while_open)
{
	struct peer *r = &self->r;
	struct pkt p;
	int fd, i;
	char c;

	peer_open(r);
	ASSERT_EQ(POLLIN, wait_events(self->lfd, POLLIN));
	fd = accept(self->lfd, NULL, NULL);
	ASSERT_LE(0, fd);
	peer_echo(r, &p);
	for (i = 0; i < 5; i++) {
		EXPECT_COUNTED("InDup", &p);
	}
	EXPECT_NOBODY();
	peer_write(r, "x", 1);
	recv_all(fd, &c, 1);
	EXPECT_EQ('x', c);
}

TEST_F(open, replayed_before_accept)
{
	struct peer *r = &self->r;
	struct pkt p;
	int i;

	peer_open(r);
	ASSERT_EQ(POLLIN, wait_events(self->lfd, POLLIN));
	peer_echo(r, &p);
	for (i = 0; i < 5; i++)
		peer_send(r, &p);
	EXPECT_LE(0, accept(self->lfd, NULL, NULL));
	EXPECT_NOBODY();
}

TEST_F(open, replayed_after_the_end)
{
	struct peer *r = &self->r;
	struct pkt p;
	int fd;

	peer_open(r);
	ASSERT_EQ(POLLIN, wait_events(self->lfd, POLLIN));
	fd = accept(self->lfd, NULL, NULL);
	ASSERT_LE(0, fd);
	reset_close(fd);
	ASSERT_TRUE(peer_await(r, RESET));
	peer_echo(r, &p);
	EXPECT_COUNTED("CookieReplay", &p);
	EXPECT_COUNTED("CookieReplay", &p);
	EXPECT_NOBODY();
	EXPECT_SERVES();
}

TEST_F(open, replayed_after_the_peers_reset)
{
	struct peer *r = &self->r;
	struct pkt p;
	int fd;

	peer_open(r);
	ASSERT_EQ(POLLIN, wait_events(self->lfd, POLLIN));
	fd = accept(self->lfd, NULL, NULL);
	ASSERT_LE(0, fd);
	pkt_begin(&p, RESET, 0, r->their, r->pn, 0, 0);
	pkt_reason(&p, R_ABORT);
	EXPECT_COUNTED("EstabResets", &p);
	close(fd);
	peer_echo(r, &p);
	EXPECT_COUNTED("CookieReplay", &p);
	EXPECT_NOBODY();
}

/* The same from a connection that nobody accepted. */
TEST_F(open, replayed_after_the_listener)
{
	struct peer *r = &self->r;
	struct pkt p;
	union sa at = local_name(self->lfd);

	peer_open(r);
	ASSERT_EQ(POLLIN, wait_events(self->lfd, POLLIN));
	close(self->lfd);
	ASSERT_TRUE(peer_await(r, RESET));
	self->lfd = env_socket(&self->e, SERVER, SOCK_NONBLOCK);
	set_int(self->lfd, SOL_SOCKET, SO_REUSEADDR, 1);
	ASSERT_EQ(0, RET(do_bind(self->lfd, at)));
	ASSERT_EQ(0, listen(self->lfd, 4));
	peer_echo(r, &p);
	EXPECT_COUNTED("CookieReplay", &p);
	EXPECT_NOBODY();
}

/* A cookie's life is waited out, which no other event can replace: a minute, so
 * once is enough. */
TEST_F_TIMEOUT(open, old_cookie, SLOW_TEST)
{
	struct pkt p;

	if (self->e.fam->af == AF_INET6)
		return;
	peer_ask(&self->r);
	poll(NULL, 0, COOKIE_TTL + 1000);
	peer_echo(&self->r, &p);
	EXPECT_COUNTED("CookieOld", &p);
	EXPECT_NOBODY();
	EXPECT_SERVES();
}

/* A full accept queue drops the echo and counts it; the client tries again. */
TEST_F(open, queue_full)
{
	struct peer *r = &self->r, second;
	struct pkt p;

	ASSERT_EQ(0, listen(self->lfd, 0));
	peer_init(&second, self->e.fam->af, &self->seed, r->dport);
	peer_ask(&second);
	peer_open(r);
	ASSERT_EQ(POLLIN, wait_events(self->lfd, POLLIN));
	long was = snmp("ListenOverflows");

	peer_echo(&second, &p);
	peer_send(&second, &p);
	EXPECT_EQ(1, snmp_moved("ListenOverflows", was));
	EXPECT_LE(0, accept(self->lfd, NULL, NULL));
	EXPECT_NOBODY();
	peer_send(&second, &p);
	EXPECT_EQ(POLLIN, wait_events(self->lfd, POLLIN));
	EXPECT_LE(0, accept(self->lfd, NULL, NULL));
}

/* -------------------------------------------------------- hostile servers */

FIXTURE(server) {
	struct env e;
	uint64_t seed;
	struct peer r;		/* on the well-known port: no listener here has it */
	struct task t;		/* the kernel's connect() */
};

FIXTURE_VARIANT(server) { const struct family *fam; };
FAMILY(server, rill4);
FAMILY(server, rill6);

FIXTURE_SETUP(server)
{
	struct peer *r = &self->r;
	uint8_t len = 0;
	const uint8_t *v;

	env_open(&self->e, variant->fam, _metadata->name);
	self->seed = test_seed();
	r->udp = peer_socket(variant->fam->af, RILL_UDP_PORT);
	r->cid = rnd(&self->seed) | 1;
	r->pn = 1;
	self->t.fd = env_socket(&self->e, CLIENT, 0);
	self->t.to = env_addr(&self->e, SERVER, 4711);
	task_start(&self->t, task_connect);
	if (!peer_await(r, SYN))
		fatal("no SYN");
	v = pkt_find(&r->in, I_CID, &len);
	if (!v || len != 8)
		fatal("a SYN without an id");
	r->their = get64(v);
	v = pkt_find(&r->in, I_PORTS, &len);
	if (!v || len != 4)
		fatal("a SYN without ports");
	r->dport = get16(v);
	r->sport = get16(v + 2);
}

FIXTURE_TEARDOWN(server)
{
	end_by_reset();		/* our peer acknowledges nothing any more */
	env_close(&self->e);
}

static void synack(const struct peer *r, struct pkt *p, const char *cookie, uint8_t len,
		   uint16_t max_payload, int type)
{
	pkt_begin(p, SYNACK, 0, r->their, 0, 0, PEER_CREDIT);
	pkt_cid(p, r->cid);
	pkt_ports(p, r->sport, r->dport);
	pkt_params(p, max_payload, 25, type);
	pkt_item(p, I_COOKIE, cookie, len);
}

/* Lets the client in after all: the lies before it did no harm. */
static bool let_in(struct peer *r, struct task *t)
{
	char c = 0;
	struct pkt p;
	uint8_t len = 0;

	synack(r, &p, "biscuit", 7, 1000, 1);
	peer_send(r, &p);
	if (task_join(t) != 0 || !peer_await(r, ECHO))
		return false;
	if (!pkt_find(&r->in, I_COOKIE, &len) || len != 7)
		return false;
	peer_ack(r);
	peer_write(r, "x", 1);
	recv_all(t->fd, &c, 1);
	return c == 'x';
}

TEST_F(server, syn_is_padded_and_names_its_ports)
{
	EXPECT_LE(BASE, self->r.in.len);
	EXPECT_EQ(0, get64(self->r.in.b + 4));
	EXPECT_EQ(4711, self->r.sport);
	EXPECT_TRUE(let_in(&self->r, &self->t));
}

TEST_F(server, answers_nobody_asked_for)
{
	struct peer *r = &self->r;
	char cookie[255] = "";
	struct pkt p;

	r->their ^= 2;
	synack(r, &p, "c", 1, 1000, 1);
	r->their ^= 2;
	EXPECT_COUNTED("InNoConn", &p);
	synack(r, &p, cookie, 255, 1000, 1);		/* larger than a client keeps */
	EXPECT_COUNTED("InExt", &p);
	synack(r, &p, "c", 1, 0, 1);
	EXPECT_COUNTED("InExt", &p);
	synack(r, &p, "c", 1, 1000, 5);			/* records, unasked */
	EXPECT_COUNTED("InExt", &p);
	pkt_begin(&p, SYNACK, 0, r->their, 0, 0, 0);	/* says nothing */
	EXPECT_COUNTED("InExt", &p);
	peer_data(r, &p, 0, 0, "data", 4);		/* before anything was agreed */
	EXPECT_COUNTED("InState", &p);
	pkt_begin(&p, RESET, 0, r->their ^ 2, 0, 0, 0);
	pkt_reason(&p, R_REFUSED);
	EXPECT_COUNTED("InNoConn", &p);
	pkt_begin(&p, RESET, 0, r->their, 0, 0, 0);	/* for a reason that is none yet */
	pkt_reason(&p, R_ABORT);
	EXPECT_COUNTED("ResetIgnored", &p);
	EXPECT_FALSE(task_done(&self->t));
	r->pn = 1;
	EXPECT_TRUE(let_in(r, &self->t));
}

TEST_F(server, refuses)
{
	struct pkt p;

	pkt_begin(&p, RESET, 0, self->r.their, 0, 0, 0);
	pkt_reason(&p, R_REFUSED);
	EXPECT_COUNTED("AttemptFails", &p);
	EXPECT_EQ(-ECONNREFUSED, task_join(&self->t));
}

TEST_F(server, forgets)
{
	struct pkt p;
	char c;

	ASSERT_TRUE(let_in(&self->r, &self->t));
	/* the server restarted: it knows the id from the client's packet alone */
	send_all(self->t.fd, "?", 1);
	ASSERT_TRUE(peer_await(&self->r, DATA));
	pkt_begin(&p, RESET, 0, self->r.their, get32(self->r.in.b + 12), 0, 0);
	pkt_reason(&p, R_STRAY);
	EXPECT_COUNTED("EstabResets", &p);
	EXPECT_EQ(-ECONNRESET, RET(recv(self->t.fd, &c, 1, 0)));
}

TEST_HARNESS_MAIN
