// SPDX-License-Identifier: GPL-2.0
/*
 * fastopen.c - fast open as programs see it: TCP's MSG_FASTOPEN, FASTOPEN_CONNECT
 * and FASTOPEN.
 *
 * Owns what a client keeps of the tokens it was given, the connect() that waits
 * for the first write, and a listener's count of the children that nobody has
 * confirmed.  Tokens themselves are core/fast.c's.
 */
#include "carrier.h"

/* Tokens a namespace keeps; a new one takes the place of whichever was there. */
#define RILL_FAST_CACHE	256

/* Whose token: both ends may have several addresses.  Hashed, so without holes. */
struct rill_fast_key {
	struct in6_addr	local, remote;
	u16	port;		/* Rill port of the peer */
	u16	zero;
	int	dev;		/* sk_bound_dev_if: link-local addresses repeat */
} __aligned(8);

struct rill_fast_entry {
	struct rill_fast_key key;
	u8	len;		/* bytes of @token, 0: none */
	u8	token[RILL_TOKEN_MAX];
};

struct rill_fast_cache {
	spinlock_t lock;	/* all entries; any context */
	struct rill_fast_entry e[RILL_FAST_CACHE];
};

/* A program wants fast open: make room for tokens.  Without memory there are none. */
static void rill_fast_want(struct rill_net *rn)
{
	struct rill_fast_cache *cache;

	if (READ_ONCE(rn->fast_cache))
		return;
	cache = kzalloc(sizeof(*cache), GFP_KERNEL);
	if (!cache)
		return;
	spin_lock_init(&cache->lock);
	if (cmpxchg(&rn->fast_cache, NULL, cache))
		kfree(cache);
}

/* The namespace ends, its sockets have. */
void rill_fast_exit(struct rill_net *rn)
{
	kfree_sensitive(rn->fast_cache);
}

static struct rill_fast_entry *rill_fast_slot(const struct sock *sk, struct rill_fast_key *key)
{
	const struct rill_net *rn = rill_sk_net(sk);

	BUILD_BUG_ON(sizeof(*key) != 2 * sizeof(struct in6_addr) + 8);
	key->local = sk->sk_v6_rcv_saddr;
	key->remote = sk->sk_v6_daddr;
	key->port = ntohs(inet_sk(sk)->inet_dport);
	key->zero = 0;
	key->dev = sk->sk_bound_dev_if;
	return &rn->fast_cache->e[siphash(key, sizeof(*key), &rn->port_key) % RILL_FAST_CACHE];
}

/* What the peer of @sk gave us, into conn.token.  Socket locked. */
static void rill_fast_recall(struct sock *sk)
{
	struct rill_conn *c = &rill_sk(sk)->conn;
	struct rill_fast_cache *cache = rill_sk_net(sk)->fast_cache;
	struct rill_fast_entry *e;
	struct rill_fast_key key;

	c->token_len = 0;
	if (!cache)
		return;
	e = rill_fast_slot(sk, &key);
	spin_lock_bh(&cache->lock);
	if (e->len && !memcmp(&e->key, &key, sizeof(key))) {
		memcpy(c->token, e->token, e->len);
		c->token_len = e->len;
	}
	spin_unlock_bh(&cache->lock);
}

/* The engine has a token for the next time, or knows that the last was no good. */
void rill_fast_remember(struct sock *sk)
{
	const struct rill_conn *c = &rill_sk(sk)->conn;
	struct rill_fast_cache *cache = rill_sk_net(sk)->fast_cache;
	struct rill_fast_entry *e;
	struct rill_fast_key key;

	if (!cache)
		return;
	e = rill_fast_slot(sk, &key);
	spin_lock_bh(&cache->lock);
	if (c->token_len) {
		e->key = key;
		memcpy(e->token, c->token, c->token_len);
		e->len = c->token_len;
	} else if (!memcmp(&e->key, &key, sizeof(key))) {
		e->len = 0;
	}
	spin_unlock_bh(&cache->lock);
}

/*
 * The connection is put together: let it begin, in TCP's ways.  Socket locked.
 * @fm: what MSG_FASTOPEN sends, NULL: connect()
 *
 * With RILL_FASTOPEN_CONNECT and a token in hand the SYN waits for the first
 * write, rill_fast_send() then; without one it asks for a token.
 */
void rill_fast_connect(struct sock *sk, struct rill_fast_msg *fm)
{
	struct rill_sock *rs = rill_sk(sk);
	struct rill_conn *c = &rs->conn;
	struct rill_out out;

	rill_out_init(&out);
	if (fm || rs->fast_connect) {
		rill_fast_want(rill_sk_net(sk));
		rill_fast_recall(sk);
		c->fast = true;
		if (!c->token_len)
			c->fast_fail = RILL_FAST_NO_TOKEN;
	}
	if (!fm && c->token_len) {
		rs->defer = true;
		rill_conn_defer(c, rill_now(), &out);
	} else {
		/* What does not fit, or cannot be read, is sendmsg()'s to tell. */
		if (fm && c->token_len)
			fm->copied = max(rill_fill_syn(sk, fm->msg, fm->len, &out), 0);
		rs->fast_req = c->fast;
		rill_conn_connect(c, rill_now(), &out);
	}
	rill_apply(sk, &out);
}

/* The first write of a connection that waited for it. */
static void rill_fast_resume(struct sock *sk, struct rill_fast_msg *fm)
{
	struct rill_conn *c = &rill_sk(sk)->conn;
	struct rill_out out;

	rill_out_init(&out);
	rill_fast_recall(sk);
	if (c->token_len)
		fm->copied = max(rill_fill_syn(sk, fm->msg, fm->len, &out), 0);
	rill_conn_connect(c, rill_now(), &out);
	rill_apply(sk, &out);
}

/*
 * sendmsg(MSG_FASTOPEN), or a write after a connect() that waited for it.  As
 * tcp_sendmsg_fastopen().  Socket locked.
 * @copied: bytes of @msg that left with the SYN
 */
int rill_fast_send(struct sock *sk, struct msghdr *msg, size_t len, int *copied)
{
	struct rill_fast_msg fm = { .msg = msg, .len = len };
	struct rill_sock *rs = rill_sk(sk);
	struct sockaddr *uaddr = msg->msg_name;
	int err;

	if (!(READ_ONCE(rill_sk_net(sk)->fastopen) & RILL_FASTOPEN_CLIENT) ||
	    (uaddr && msg->msg_namelen >= (int)sizeof(uaddr->sa_family) &&
	     uaddr->sa_family == AF_UNSPEC))
		return -EOPNOTSUPP;
	if (rs->fast_req)
		return -EALREADY;
	rs->fast_req = true;
	if (rs->defer)
		rill_fast_resume(sk, &fm);
	err = rill_connect_locked(sk->sk_socket, uaddr, msg->msg_namelen,
				  msg->msg_flags & MSG_DONTWAIT ? O_NONBLOCK : 0, &fm);
	/* Over already: rill_disconnect() was here, and the error says all. */
	if (rs->fast_req)
		*copied = fm.copied;
	rs->fast_req = false;
	rs->defer = false;
	return err;
}

/* Is there room for one more child of @sk that nobody confirmed?  It is taken. */
bool rill_fast_admit(struct sock *sk)
{
	struct rill_sock *rs = rill_sk(sk);

	if (atomic_inc_return(&rs->fast_n) <= READ_ONCE(rs->fast_max))
		return true;
	atomic_dec(&rs->fast_n);
	return false;
}

void rill_fast_admit_undo(struct sock *sk)
{
	atomic_dec(&rill_sk(sk)->fast_n);
}

/* @child is counted with @sk until it is confirmed or ends. */
void rill_fast_adopt(struct sock *child, struct sock *sk)
{
	sock_hold(sk);
	rill_sk(child)->fast_listener = sk;
}

/* @child is no longer what its listener counts, if it ever was.  Socket locked. */
void rill_fast_settle(struct sock *child)
{
	struct rill_sock *rs = rill_sk(child);
	struct sock *sk = rs->fast_listener;

	if (!sk)
		return;
	rs->fast_listener = NULL;
	rill_fast_admit_undo(sk);
	sock_put(sk);
}
