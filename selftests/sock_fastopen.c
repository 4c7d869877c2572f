// SPDX-License-Identifier: GPL-2.0
/*
 * Fast open: data in the first packet, by MSG_FASTOPEN and by FASTOPEN_CONNECT,
 * as TCP has it; and what a listener makes of SYNs that no kernel of ours sent.
 */
#include "kselftest_harness.h"

#include <linux/tcp.h>

#include "wire_peer.h"

#define IPPROTO_LEVEL	IPPROTO_TCP	/* SOL_RILL's namesakes answer there */
#define FO		"hello"
#define FO_LEN		5

static void allow(const struct env *e, const char *what)
{
	if (!put_file(e->fam->rill ? "/proc/sys/net/rill/fastopen" :
		      "/proc/sys/net/ipv4/tcp_fastopen", what))
		fatal("sysctl fastopen");
}

/* A listener that does fast open, @at its address. */
static int fast_listen(const struct env *e, int max, union sa *at)
{
	int fd = env_listen(e, 8, at);

	allow(e, "3");
	set_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN, max);
	return fd;
}

static long fast_send(int fd, union sa *to, const void *b, size_t n, int flags)
{
	return RET(sendto(fd, b, n, MSG_FASTOPEN | MSG_NOSIGNAL | flags, &to->sa, sa_len(to)));
}

static int accepted(int lfd)
{
	int fd = accept(lfd, NULL, NULL);

	if (fd < 0)
		fatal("accept");
	return fd;
}

/* Did data go with the SYN?  0 or TCPI_OPT_SYN_DATA. */
static int syn_data(int fd)
{
	struct tcp_info info = { };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_LEVEL, TCP_INFO, &info, &len))
		fatal("TCP_INFO");
	return info.tcpi_options & TCPI_OPT_SYN_DATA;
}

static void gets_hello(int fd)
{
	char b[FO_LEN] = "";

	recv_all(fd, b, FO_LEN);
	if (memcmp(b, FO, FO_LEN))
		fatal("other bytes");
}

/* One visit, so that the client has a token: by connect() and FASTOPEN_CONNECT. */
static void visit(const struct env *e, int lfd, union sa at)
{
	int fd = env_socket(e, CLIENT, 0), afd;

	set_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN_CONNECT, 1);
	if (do_connect(fd, at))
		fatal("the first visit");
	afd = accepted(lfd);
	close(fd);
	if (recv(afd, &fd, 1, 0) != 0)
		fatal("the end of the first visit");
	close(afd);
}

DIFFERENTIAL(fastopen, OVER_LO);

TEST_F(fastopen, options)
{
	struct env *e = &self->e;
	union sa at;
	int fd = env_socket(e, CLIENT, 0), lfd, pair[2], v;

	allow(e, "0");
	v = 1;
	EXPECT_EQ(-EOPNOTSUPP, RET(setsockopt(fd, IPPROTO_LEVEL, TCP_FASTOPEN_CONNECT, &v, 4)));
	at = env_addr(e, SERVER, 4711);
	EXPECT_EQ(-EOPNOTSUPP, fast_send(fd, &at, FO, FO_LEN, 0));
	allow(e, "1");
	v = 2;
	EXPECT_EQ(-EINVAL, RET(setsockopt(fd, IPPROTO_LEVEL, TCP_FASTOPEN_CONNECT, &v, 4)));
	v = -1;
	EXPECT_EQ(-EINVAL, RET(setsockopt(fd, IPPROTO_LEVEL, TCP_FASTOPEN_CONNECT, &v, 4)));
	EXPECT_EQ(-EINVAL, RET(setsockopt(fd, IPPROTO_LEVEL, TCP_FASTOPEN, &v, 4)));
	EXPECT_EQ(0, get_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN_CONNECT));
	EXPECT_EQ(0, get_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN));
	set_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN_CONNECT, 1);
	EXPECT_EQ(1, get_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN_CONNECT));
	put_file("/proc/sys/net/core/somaxconn", "100");
	set_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN, 1000);
	EXPECT_EQ(100, get_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN));
	set_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN, 0);
	EXPECT_EQ(0, get_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN));

	lfd = fast_listen(e, 7, &at);
	EXPECT_EQ(7, get_int(lfd, IPPROTO_LEVEL, TCP_FASTOPEN));
	v = 1;
	EXPECT_EQ(-EINVAL, RET(setsockopt(lfd, IPPROTO_LEVEL, TCP_FASTOPEN_CONNECT, &v, 4)));
	env_pair(e, pair);
	EXPECT_EQ(-EINVAL, RET(setsockopt(pair[CLIENT], IPPROTO_LEVEL, TCP_FASTOPEN, &v, 4)));
	EXPECT_EQ(-EISCONN, fast_send(pair[CLIENT], &at, FO, FO_LEN, 0));
	/* without a name; with one that means to dissolve */
	fd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(-EINVAL, RET(send(fd, FO, FO_LEN, MSG_FASTOPEN | MSG_NOSIGNAL)));
	at.sa.sa_family = AF_UNSPEC;
	EXPECT_EQ(-EOPNOTSUPP, RET(sendto(fd, FO, FO_LEN, MSG_FASTOPEN, &at.sa, 16)));
	EXPECT_EQ(-EOPNOTSUPP, RET(sendto(pair[CLIENT], FO, FO_LEN, MSG_FASTOPEN, &at.sa, 16)));
	if (differs(e, 9)) {
		EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(fd, IPPROTO_LEVEL, TCP_FASTOPEN_NO_COOKIE,
						       &v, 4)));
	}
}

TEST_F(fastopen, sendto)
{
	struct env *e = &self->e;
	static char big[20000], got[sizeof(big)];
	union sa at;
	int lfd = fast_listen(e, 5, &at), fd, afd;

	/* no token yet: the handshake first, and nothing was sent */
	fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
	EXPECT_EQ(-EINPROGRESS, fast_send(fd, &at, FO, FO_LEN, 0));
	EXPECT_EQ(POLLOUT, wait_events(fd, POLLOUT));
	EXPECT_EQ(0, RET(do_connect(fd, at)));
	EXPECT_EQ(FO_LEN, send(fd, FO, FO_LEN, 0));
	afd = accepted(lfd);
	gets_hello(afd);
	EXPECT_EQ(0, syn_data(fd));
	EXPECT_EQ(0, syn_data(afd));
	EXPECT_EQ(0, get_int(afd, IPPROTO_LEVEL, TCP_FASTOPEN));
	close(fd);
	close(afd);

	/* a token: the data is gone before the handshake is over */
	fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
	EXPECT_EQ(FO_LEN, fast_send(fd, &at, FO, FO_LEN, 0));
	afd = accepted(lfd);
	gets_hello(afd);
	EXPECT_EQ(POLLOUT, wait_events(fd, POLLOUT));
	EXPECT_EQ(TCPI_OPT_SYN_DATA, syn_data(fd));
	EXPECT_EQ(TCPI_OPT_SYN_DATA, syn_data(afd));
	send_all(afd, FO, FO_LEN);
	set_nonblock(fd, false);
	gets_hello(fd);
	EXPECT_EQ(0, RET(do_connect(fd, at)));	/* the first call after success */
	EXPECT_EQ(-EISCONN, fast_send(fd, &at, FO, FO_LEN, 0));
	close(fd);
	EXPECT_EQ(0, recv(afd, got, 1, 0));
	close(afd);

	/* blocking, and more than a SYN carries */
	pattern_fill(7, 0, (uint8_t *)big, sizeof(big));
	fd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(sizeof(big), fast_send(fd, &at, big, sizeof(big), 0));
	EXPECT_EQ(TCPI_OPT_SYN_DATA, syn_data(fd));
	afd = accepted(lfd);
	recv_all(afd, got, sizeof(got));
	EXPECT_EQ(sizeof(got), pattern_check(7, 0, (uint8_t *)got, sizeof(got)));
	EXPECT_EQ(0, revents(afd) & POLLIN);
	close(fd);
	close(afd);

	/* a listener that does not do it, or no more: all goes a little later */
	set_int(lfd, IPPROTO_LEVEL, TCP_FASTOPEN, 0);
	fd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(FO_LEN, fast_send(fd, &at, FO, FO_LEN, 0));
	afd = accepted(lfd);
	gets_hello(afd);
	EXPECT_EQ(0, syn_data(fd) | syn_data(afd));
}

TEST_F(fastopen, nobody_listens)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = fast_listen(e, 5, &at), fd;

	visit(e, lfd, at);
	close(lfd);
	fd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(-ECONNREFUSED, fast_send(fd, &at, FO, FO_LEN, 0));
	EXPECT_EQ(0, so_error(fd));
	EXPECT_EQ(-ECONNREFUSED, fast_send(fd, &at, FO, FO_LEN, 0));
	set_nonblock(fd, true);
	EXPECT_EQ(FO_LEN, fast_send(fd, &at, FO, FO_LEN, 0));
	EXPECT_EQ(POLLOUT | POLLIN | POLLERR | POLLHUP | POLLRDHUP,
		  become(fd, POLLOUT | POLLIN | POLLERR | POLLHUP | POLLRDHUP));
	EXPECT_EQ(ECONNREFUSED, so_error(fd));
}

/* connect() with a token does nothing yet: what the socket is like meanwhile. */
TEST_F(fastopen, deferred)
{
	struct env *e = &self->e;
	union sa at, got;
	socklen_t len = sizeof(got);
	int lfd = fast_listen(e, 5, &at), fd, afd, i;
	char c;

	visit(e, lfd, at);
	set_nonblock(lfd, true);
	fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
	set_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN_CONNECT, 1);
	EXPECT_EQ(0, RET(do_connect(fd, at)));
	EXPECT_EQ(POLLOUT, revents(fd));
	EXPECT_EQ(0, so_error(fd));
	EXPECT_EQ(-ENOTCONN, RET(getpeername(fd, &got.sa, &len)));
	got = local_name(fd);
	EXPECT_NE(0, port_of(&got));
	EXPECT_EQ(-EISCONN, RET(do_connect(fd, at)));
	EXPECT_EQ(-EAGAIN, RET(recv(fd, &c, 1, 0)));
	EXPECT_EQ(-EAGAIN, RET(accept(lfd, NULL, NULL)));
	EXPECT_EQ(FO_LEN, send(fd, FO, FO_LEN, 0));
	ASSERT_EQ(POLLIN, wait_events(lfd, POLLIN));
	afd = accepted(lfd);
	gets_hello(afd);
	EXPECT_EQ(POLLOUT, wait_events(fd, POLLOUT));
	EXPECT_EQ(TCPI_OPT_SYN_DATA, syn_data(fd));
	EXPECT_EQ(0, getpeername(fd, &got.sa, &len));
	EXPECT_EQ(0, RET(do_connect(fd, at)));
	close(fd);
	close(afd);

	/* a blocking write waits for the handshake, and brings the rest */
	fd = env_socket(e, CLIENT, 0);
	set_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN_CONNECT, 1);
	EXPECT_EQ(0, RET(do_connect(fd, at)));
	send_all(fd, FO, FO_LEN);
	EXPECT_EQ(0, getpeername(fd, &got.sa, &len));
	afd = accepted(lfd);
	set_nonblock(afd, false);
	gets_hello(afd);
	close(fd);
	close(afd);

	/* ended before it began: by close(), shutdown(), AF_UNSPEC; nobody knows */
	for (i = 0; i < 4; i++) {
		fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
		set_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN_CONNECT, 1);
		EXPECT_EQ(0, RET(do_connect(fd, at)));
		got = at;
		got.sa.sa_family = AF_UNSPEC;
		if (i == 0) {
			EXPECT_EQ(0, RET(connect(fd, &got.sa, sizeof(got))));
		} else if (i < 3) {
			EXPECT_EQ(0, RET(shutdown(fd, i)));
		}
		if (i < 3) {
			EXPECT_EQ(POLLOUT | POLLHUP | POLLERR, revents(fd));
			EXPECT_EQ(-ECONNRESET, RET(send(fd, FO, FO_LEN, MSG_NOSIGNAL)));
			EXPECT_EQ(-EPIPE, RET(send(fd, FO, FO_LEN, MSG_NOSIGNAL | MSG_DONTWAIT)));
			/* as new */
			EXPECT_EQ(0, RET(do_connect(fd, at)));
			EXPECT_EQ(POLLOUT, revents(fd));
		}
		close(fd);
	}
	EXPECT_EQ(-EAGAIN, RET(accept(lfd, NULL, NULL)));

	/* nothing but the token: a connection all the same */
	fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
	set_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN_CONNECT, 1);
	EXPECT_EQ(0, RET(do_connect(fd, at)));
	EXPECT_EQ(-EINPROGRESS, RET(send(fd, "", 0, 0)));
	EXPECT_EQ(POLLIN, wait_events(lfd, POLLIN));
	EXPECT_LE(0, accept(lfd, NULL, NULL));
}

/* Without a token FASTOPEN_CONNECT is an ordinary connect(). */
TEST_F(fastopen, connect_without_token)
{
	struct env *e = &self->e;
	union sa at;
	int lfd = fast_listen(e, 5, &at), fd = env_socket(e, CLIENT, SOCK_NONBLOCK), afd;

	set_int(fd, IPPROTO_LEVEL, TCP_FASTOPEN_CONNECT, 1);
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_EQ(POLLOUT, wait_events(fd, POLLOUT));
	EXPECT_EQ(0, RET(do_connect(fd, at)));
	EXPECT_EQ(FO_LEN, send(fd, FO, FO_LEN, 0));
	afd = accepted(lfd);
	gets_hello(afd);
	EXPECT_EQ(0, syn_data(fd));
	/* it counts as one that goes on */
	EXPECT_EQ(-EALREADY, fast_send(fd, &at, FO, FO_LEN, 0));
	/* a plain connect() is one, token or not */
	close(fd);
	fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_EQ(POLLOUT, wait_events(fd, POLLOUT));
}

/* ------------------------------------------------- SYNs of our own making */

#define I_TOKEN		8

FIXTURE(syn) {
	struct env e;
	uint64_t seed;
	int lfd;
	struct peer r;
	uint8_t token[32], token_len;
};

FIXTURE_VARIANT(syn) { const struct family *fam; };
FAMILY(syn, rill4);
FAMILY(syn, rill6);

/* A SYN with a token and n bytes of data; without a token it asks for one. */
static void syn_make(const struct peer *r, struct pkt *p, const uint8_t *token, uint8_t len,
		     const void *data, uint16_t n)
{
	uint8_t v[2 + 32];

	pkt_begin(p, SYN, 0, 0, 0, 0, PEER_CREDIT);
	pkt_cid(p, r->cid);
	pkt_ports(p, r->sport, r->dport);
	pkt_params(p, BASE - HDR, 25, 1);
	put16(v, n);
	if (len)
		memcpy(v + 2, token, len);
	pkt_item(p, I_TOKEN, v, len ? 2 + len : 0);
	pkt_pad(p, BASE - n);
	if (n)
		pkt_payload(p, data, n);
}

/* Sends p; waits for the SYN-ACK and says whether it acknowledges data. */
static bool syn_taken(struct peer *r, const struct pkt *p)
{
	const uint8_t *ack;
	uint8_t len = 0;

	peer_send(r, p);
	if (!peer_await(r, SYNACK))
		fatal("no SYN-ACK");
	peer_take_synack(r);
	ack = pkt_find(&r->in, I_ACK, &len);
	return ack && len == 12 && get32(ack) == 1 && get32(ack + 8) == 0;
}

FIXTURE_SETUP(syn)
{
	const uint8_t *v;
	struct pkt p;
	union sa at;

	env_open(&self->e, variant->fam, _metadata->name);
	self->seed = test_seed();
	self->lfd = fast_listen(&self->e, 2, &at);
	set_nonblock(self->lfd, true);
	peer_init(&self->r, variant->fam->af, &self->seed, port_of(&at));
	syn_make(&self->r, &p, NULL, 0, NULL, 0);
	if (syn_taken(&self->r, &p))
		fatal("an ACK of nothing");
	v = pkt_find(&self->r.in, I_TOKEN, &self->token_len);
	if (!v || self->token_len < 8 || self->token_len > sizeof(self->token))
		fatal("no token");
	memcpy(self->token, v, self->token_len);
	if (accept(self->lfd, NULL, NULL) >= 0)
		fatal("a child for no token");
}

FIXTURE_TEARDOWN(syn)
{
	end_by_reset();
	env_close(&self->e);
}

/* Another connection of the same host. */
static struct peer another(struct peer *r, uint64_t *seed)
{
	struct peer o = *r;

	o.cid = rnd(seed) | 1;
	o.sport++;
	o.pn = 1;
	o.off = o.got = 0;
	return o;
}

/* Copies of a SYN are one connection; so is what follows it. */
TEST_F(syn, copies)
{
	struct peer r = another(&self->r, &self->seed);
	uint64_t their;
	struct pkt p;
	int fd, i;
	char c;

	syn_make(&r, &p, self->token, self->token_len, FO, FO_LEN);
	EXPECT_TRUE(syn_taken(&r, &p));
	their = r.their;
	for (i = 0; i < 3; i++) {
		EXPECT_TRUE(syn_taken(&r, &p));
		EXPECT_EQ(their, r.their);
	}
	fd = accepted(self->lfd);
	EXPECT_EQ(-EAGAIN, RET(accept(self->lfd, NULL, NULL)));
	gets_hello(fd);
	/* it may answer before anyone confirmed it; an ordinary SYN finds it too */
	send_all(fd, FO, FO_LEN);
	ASSERT_TRUE(peer_await(&r, DATA));
	peer_syn(&r, &p);
	EXPECT_TRUE(syn_taken(&r, &p));
	EXPECT_EQ(their, r.their);
	/* the echo is its second packet, the third brings the rest */
	peer_echo(&r, &p);
	put32(p.b + 12, 2);
	peer_send(&r, &p);
	r.pn = 3;
	r.off = FO_LEN;
	peer_write(&r, "x", 1);
	recv_all(fd, &c, 1);
	EXPECT_EQ('x', c);
	EXPECT_EQ(-EAGAIN, RET(recv(fd, &c, 1, MSG_DONTWAIT)));
	EXPECT_EQ(-EAGAIN, RET(accept(self->lfd, NULL, NULL)));

	/* over: a copy makes no other, and hears how it ended */
	reset_close(fd);
	ASSERT_TRUE(peer_await(&r, RESET));
	syn_make(&r, &p, self->token, self->token_len, FO, FO_LEN);
	peer_send(&r, &p);
	ASSERT_TRUE(peer_await(&r, RESET));
	EXPECT_EQ(r.cid, get64(r.in.b + 4));
	EXPECT_EQ(-EAGAIN, RET(accept(self->lfd, NULL, NULL)));
}

TEST_F(syn, tokens_that_are_none)
{
	struct peer r = another(&self->r, &self->seed);
	uint8_t forged[32];
	uint8_t len = 0;
	struct pkt p;
	long was;
	int i;

	for (i = 0; i < 5; i++) {
		memcpy(forged, self->token, sizeof(forged));
		if (i == 4)
			memset(forged, 0, sizeof(forged));
		else
			forged[i * 7] ^= 1;
		was = snmp("FastPassiveFail");
		syn_make(&r, &p, forged, self->token_len - (i == 3), FO, FO_LEN);
		EXPECT_FALSE(syn_taken(&r, &p));
		EXPECT_EQ(1, snmp_moved("FastPassiveFail", was));
		/* the answer brings a good one */
		EXPECT_NE(NULL, pkt_find(&r.in, I_TOKEN, &len));
	}
	/* says more data than there is */
	syn_make(&r, &p, self->token, self->token_len, FO, FO_LEN);
	put16(p.b + p.b[2] * 256 + p.b[3] + HDR - 2 - self->token_len, BASE);
	was = snmp("FastPassiveFail");
	EXPECT_FALSE(syn_taken(&r, &p));
	EXPECT_EQ(1, snmp_moved("FastPassiveFail", was));
	EXPECT_EQ(-EAGAIN, RET(accept(self->lfd, NULL, NULL)));
	/* turned off: as if the item were unknown */
	allow(&self->e, "1");
	syn_make(&r, &p, self->token, self->token_len, FO, FO_LEN);
	EXPECT_FALSE(syn_taken(&r, &p));
	EXPECT_EQ(NULL, pkt_find(&r.in, I_TOKEN, &len));
	EXPECT_EQ(-EAGAIN, RET(accept(self->lfd, NULL, NULL)));
}

/* No more than so many children that nobody confirmed. */
TEST_F(syn, limit)
{
	struct peer r[4];
	struct pkt p;
	long was = snmp("FastOverflows");
	int i, fd;

	for (i = 0; i < 4; i++)
		r[i] = another(i ? &r[i - 1] : &self->r, &self->seed);
	for (i = 0; i < 3; i++) {
		syn_make(&r[i], &p, self->token, self->token_len, FO, FO_LEN);
		EXPECT_EQ(i < 2, syn_taken(&r[i], &p));
	}
	EXPECT_EQ(1, snmp_moved("FastOverflows", was));
	/* one is confirmed, accepted or not: there is room */
	peer_echo(&r[0], &p);
	put32(p.b + 12, 2);
	peer_send(&r[0], &p);
	ASSERT_TRUE(peer_await(&r[0], DATA));
	syn_make(&r[3], &p, self->token, self->token_len, FO, FO_LEN);
	EXPECT_TRUE(syn_taken(&r[3], &p));
	syn_make(&r[2], &p, self->token, self->token_len, FO, FO_LEN);
	EXPECT_FALSE(syn_taken(&r[2], &p));
	/* another ends, its program having had enough */
	fd = accepted(self->lfd);
	reset_close(fd);
	fd = accepted(self->lfd);
	reset_close(fd);
	EXPECT_TRUE(syn_taken(&r[2], &p));
}

TEST_HARNESS_MAIN
