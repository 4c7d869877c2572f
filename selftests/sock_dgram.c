// SPDX-License-Identifier: GPL-2.0
/*
 * Datagram sockets, beside UDP's: names, ports and who shares them, sending and
 * receiving, sizes, readiness, errors, and the little in which they differ.
 */
#include "kselftest_harness.h"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/rill.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "lib.h"

#define OVERHEAD	40	/* bytes of Rill's header and items in a datagram */

DIFFERENTIAL(dgram, DGRAMS_BY_DOORS);

static int bound(const struct env *e, union sa a)
{
	int fd = env_socket(e, CLIENT, 0);

	if (do_bind(fd, a))
		fatal("bind");
	return fd;
}

static long do_sendto(int fd, const void *buf, size_t len, union sa to)
{
	return RET(sendto(fd, buf, len, MSG_NOSIGNAL, &to.sa, sa_len(&to)));
}

/* One datagram, waiting for it; *from gets its sender. */
static long do_recv(int fd, void *buf, size_t len, union sa *from)
{
	union sa a = { };
	socklen_t alen = sizeof(a);
	long r = wait_events(fd, POLLIN) ? RET(recvfrom(fd, buf, len, 0, &a.sa, &alen)) : -ETIME;

	if (from)
		*from = a;
	return r;
}

/* What there is now, without waiting. */
static long look(int fd)
{
	char buf[8];

	return RET(recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
}

static int fionread(int fd)
{
	int n = -1;

	if (ioctl(fd, FIONREAD, &n))
		fatal("FIONREAD");
	return n;
}

TEST_F(dgram, fresh)
{
	struct env *e = &self->e;
	int fd = env_try_socket(e, CLIENT, SOCK_NONBLOCK), q = -1, on = 1, pair[2];
	union sa want = sa_any(e->fam->af, 0), a;
	socklen_t len = sizeof(a);
	char c;

	ASSERT_LE(0, fd);
	EXPECT_EQ(SOCK_DGRAM, get_int(fd, SOL_SOCKET, SO_TYPE));
	EXPECT_EQ(env_domain(e), get_int(fd, SOL_SOCKET, SO_DOMAIN));
	EXPECT_EQ(env_protocol(e), get_int(fd, SOL_SOCKET, SO_PROTOCOL));
	EXPECT_EQ(0, get_int(fd, SOL_SOCKET, SO_ACCEPTCONN));
	a = local_name(fd);
	EXPECT_TRUE(sa_same(&want, &a));
	EXPECT_EQ(-ENOTCONN, RET(getpeername(fd, &a.sa, &len)));
	EXPECT_EQ(-EAGAIN, RET(recv(fd, &c, 1, 0)));
	EXPECT_EQ(-EAGAIN, RET(recv(fd, &c, 1, MSG_ERRQUEUE)));
	EXPECT_EQ(-EAGAIN, RET(recv(fd, &c, 1, MSG_OOB)));
	EXPECT_EQ(-EDESTADDRREQ, RET(send(fd, "x", 1, MSG_NOSIGNAL)));
	if (e->fam->rill || e->fam->af == AF_INET) {
		EXPECT_EQ(-EOPNOTSUPP, RET(send(fd, "x", 1, MSG_OOB)));
	}
	EXPECT_EQ(POLLOUT, revents(fd));
	EXPECT_EQ(-EOPNOTSUPP, RET(listen(fd, 1)));
	EXPECT_EQ(-EOPNOTSUPP, RET(accept(fd, NULL, NULL)));
	EXPECT_EQ(-EOPNOTSUPP, RET(socketpair(env_domain(e), SOCK_DGRAM, env_protocol(e), pair)));
	EXPECT_EQ(0, fionread(fd));
	EXPECT_EQ(0, ioctl(fd, SIOCOUTQ, &q));
	EXPECT_EQ(0, q);
	EXPECT_EQ(-ENOTTY, RET(ioctl(fd, SIOCATMARK, &q)));
	EXPECT_EQ(-ENOTTY, RET(ioctl(fd, 0x12345678, &q)));
	EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))));
	EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(fd, SOL_RILL, RILL_NODELAY, &on, sizeof(on))));
	if (differs(e, 22)) {
		EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(fd, IPPROTO_UDP, 1, &on, sizeof(on))));
	}
	/* what failed to send has a port all the same */
	a = local_name(fd);
	EXPECT_NE(0, port_of(&a));
}

TEST_F(dgram, ports)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711), a;
	int fd = bound(e, at), other = env_socket(e, CLIENT, 0), sfd, i;

	EXPECT_EQ(-EINVAL, RET(do_bind(fd, env_addr(e, SERVER, 4712))));
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(other, at)));
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(other, sa_any(e->fam->af, 4711))));
	EXPECT_EQ(-EADDRNOTAVAIL, RET(do_bind(other, sa_foreign(e->fam->af, 4711))));
	a = at;
	EXPECT_EQ(-EINVAL, RET(bind(other, &a.sa, 7)));
	a.sa.sa_family = AF_UNIX;
	EXPECT_EQ(-EAFNOSUPPORT, RET(bind(other, &a.sa, sa_len(&at))));
	EXPECT_EQ(0, RET(do_bind(other, env_addr(e, SERVER, 0))));
	a = local_name(other);
	EXPECT_NE(0, port_of(&a));
	/* a stream may have the same port */
	struct env stream = *e;
	struct family f = *e->fam;

	f.type = 0;
	stream.fam = &f;
	sfd = env_socket(&stream, CLIENT, 0);
	EXPECT_EQ(0, RET(do_bind(sfd, at)));
	/* free again */
	close(fd);
	fd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(0, RET(do_bind(fd, at)));

	ASSERT_TRUE(put_file("/proc/sys/net/ipv4/ip_local_port_range", "42000 42007"));
	for (i = 0; i < 8; i++)
		bound(e, env_addr(e, SERVER, 0));
	fd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(fd, env_addr(e, SERVER, 0))));
	EXPECT_EQ(-EAGAIN, do_sendto(fd, "x", 1, at));
	EXPECT_EQ(-EAGAIN, RET(do_connect(fd, at)));
}

TEST_F(dgram, shared_ports)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711), any = sa_any(e->fam->af, 4711);
	int wild = env_socket(e, CLIENT, 0), one = env_socket(e, CLIENT, 0);
	int two = env_socket(e, CLIENT, 0), from = env_socket(e, CLIENT, 0);

	set_int(wild, SOL_SOCKET, SO_REUSEADDR, 1);
	ASSERT_EQ(0, do_bind(wild, any));
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(one, at)));
	set_int(one, SOL_SOCKET, SO_REUSEADDR, 1);
	ASSERT_EQ(0, RET(do_bind(one, at)));
	/* who asked for the address is meant, not who takes all */
	EXPECT_EQ(1, do_sendto(from, "1", 1, at));
	EXPECT_EQ(POLLIN, wait_events(one, POLLIN));
	EXPECT_EQ(1, look(one));
	EXPECT_EQ(-EAGAIN, look(wild));
	/* of equals the last to come is */
	set_int(two, SOL_SOCKET, SO_REUSEADDR, 1);
	ASSERT_EQ(0, RET(do_bind(two, at)));
	EXPECT_EQ(1, do_sendto(from, "2", 1, at));
	EXPECT_EQ(POLLIN, wait_events(two, POLLIN));
	EXPECT_EQ(1, look(two));
	EXPECT_EQ(-EAGAIN, look(one));
	/* and who is connected to the sender before who is not */
	ASSERT_EQ(0, RET(do_connect(one, env_addr(e, SERVER, port_of((union sa[]){ local_name(from) })))));
	EXPECT_EQ(1, do_sendto(from, "3", 1, at));
	EXPECT_EQ(POLLIN, wait_events(one, POLLIN));
	EXPECT_EQ(1, look(one));
	EXPECT_EQ(-EAGAIN, look(two));
	/* the next in line takes over */
	close(one);
	close(two);
	EXPECT_EQ(1, do_sendto(from, "4", 1, at));
	EXPECT_EQ(POLLIN, wait_events(wild, POLLIN));
	EXPECT_EQ(1, look(wild));
}

TEST_F(dgram, there_and_back)
{
	static const size_t sizes[] = { 0, 1, 2, 100, 1432, 2048, 2049, 9000, 40000, 65000 };
	static char out[65536], in[65536];
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711), from, mine;
	int sfd = bound(e, at), cfd = env_socket(e, CLIENT, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t n = sizes[i];

		pattern_fill(i, 0, (uint8_t *)out, n);
		EXPECT_EQ(n, do_sendto(cfd, out, n, at));
		ASSERT_EQ(POLLIN, wait_events(sfd, POLLIN));
		EXPECT_EQ(n, fionread(sfd));
		memset(in, 0x55, sizeof(in));
		EXPECT_EQ(n, do_recv(sfd, in, sizeof(in), &from));
		EXPECT_EQ(n, pattern_check(i, 0, (uint8_t *)in, n)) TH_LOG("%zu bytes", n);
		EXPECT_EQ(0x55, in[n]);
		mine = local_name(cfd);
		EXPECT_EQ(port_of(&mine), port_of(&from));
		EXPECT_EQ(e->fam->af, from.sa.sa_family);
		/* the answer finds back */
		EXPECT_EQ(n, do_sendto(sfd, in, n, from));
		EXPECT_EQ(n, do_recv(cfd, in, sizeof(in), &from));
		EXPECT_TRUE(sa_same(&at, &from));
	}
	EXPECT_EQ(0, fionread(sfd));
	EXPECT_EQ(0, queue_becomes(cfd, SIOCOUTQ, 0));
}

TEST_F(dgram, parts_of_one)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711), from = { };
	int sfd = bound(e, at), cfd = env_socket(e, CLIENT, 0);
	struct iovec iov[3] = { { "ab", 2 }, { "", 0 }, { "cdef", 4 } };
	struct msghdr msg = { .msg_name = &at, .msg_namelen = sa_len(&at),
			      .msg_iov = iov, .msg_iovlen = 3 };
	char a[3] = "", b[9] = "";

	EXPECT_EQ(6, RET(sendmsg(cfd, &msg, 0)));
	EXPECT_EQ(2, do_sendto(cfd, "gh", 2, at));
	EXPECT_EQ(0, do_sendto(cfd, "", 0, at));
	EXPECT_EQ(1, do_sendto(cfd, "i", 1, at));
	ASSERT_EQ(POLLIN, wait_events(sfd, POLLIN));
	EXPECT_EQ(6, fionread(sfd));
	/* peeking takes nothing; what does not fit is lost, and said */
	EXPECT_EQ(3, RET(recv(sfd, b, 3, MSG_PEEK)));
	EXPECT_EQ(6, RET(recv(sfd, b, 3, MSG_PEEK | MSG_TRUNC)));
	iov[0] = (struct iovec){ a, 2 };
	iov[1] = (struct iovec){ b, 3 };
	msg = (struct msghdr){ .msg_name = &from, .msg_namelen = sizeof(from),
			       .msg_iov = iov, .msg_iovlen = 2 };
	EXPECT_EQ(5, RET(recvmsg(sfd, &msg, 0)));
	EXPECT_EQ(MSG_TRUNC, msg.msg_flags);
	EXPECT_EQ(sa_len(&at), msg.msg_namelen);
	EXPECT_STREQ("ab", a);
	EXPECT_EQ(0, memcmp(b, "cde", 3));
	EXPECT_EQ(2, RET(recv(sfd, b, 1, MSG_TRUNC)));
	EXPECT_EQ('g', b[0]);
	/* an empty one is one, and no end */
	EXPECT_EQ(0, fionread(sfd));
	EXPECT_EQ(POLLIN | POLLOUT, revents(sfd));
	EXPECT_EQ(0, RET(recv(sfd, b, sizeof(b), 0)));
	EXPECT_EQ(1, RET(recv(sfd, b, sizeof(b), 0)));
	EXPECT_EQ(-EAGAIN, look(sfd));
	/* a name of no length, and a buffer that is not there */
	EXPECT_EQ(1, do_sendto(cfd, "j", 1, at));
	ASSERT_EQ(POLLIN, wait_events(sfd, POLLIN));
	EXPECT_EQ(-EFAULT, RET(recv(sfd, NULL, 1, 0)));
	EXPECT_EQ(-EAGAIN, look(sfd));
	EXPECT_EQ(-EFAULT, RET(sendto(cfd, NULL, 1, 0, &at.sa, sa_len(&at))));
}

TEST_F(dgram, peek_offset)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711);
	int sfd = bound(e, at), cfd = env_socket(e, CLIENT, 0);
	char b[4];

	set_int(sfd, SOL_SOCKET, SO_PEEK_OFF, 0);
	EXPECT_EQ(5, do_sendto(cfd, "abcde", 5, at));
	EXPECT_EQ(3, do_sendto(cfd, "xyz", 3, at));
	ASSERT_EQ(POLLIN, wait_events(sfd, POLLIN));
	EXPECT_EQ(2, RET(recv(sfd, b, 2, MSG_PEEK)));
	EXPECT_EQ(2, RET(recv(sfd, b, 2, MSG_PEEK)));
	EXPECT_EQ('c', b[0]);
	EXPECT_EQ(4, get_int(sfd, SOL_SOCKET, SO_PEEK_OFF));
	EXPECT_EQ(4, RET(recv(sfd, b, 4, 0)));
	EXPECT_EQ('a', b[0]);
	EXPECT_EQ(0, get_int(sfd, SOL_SOCKET, SO_PEEK_OFF));
}

TEST_F(dgram, connected)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711), other = env_addr(e, SERVER, 4712), a;
	int sfd = bound(e, at), ofd = bound(e, other), cfd = env_socket(e, CLIENT, 0);
	union sa none = { .sa.sa_family = AF_UNSPEC }, mine;
	char b[8];

	ASSERT_EQ(0, RET(do_connect(cfd, at)));
	mine = local_name(cfd);
	EXPECT_NE(0, port_of(&mine));
	a = env_addr(e, CLIENT, port_of(&mine));
	EXPECT_TRUE(sa_same(&a, &mine));
	a = peer_name(cfd);
	EXPECT_TRUE(sa_same(&at, &a));
	EXPECT_EQ(1, RET(send(cfd, "a", 1, 0)));
	EXPECT_EQ(1, do_recv(sfd, b, sizeof(b), &a));
	EXPECT_TRUE(sa_same(&mine, &a));
	/* strangers are not heard, and told so; one can still write to them */
	EXPECT_EQ(1, do_sendto(ofd, "x", 1, mine));
	EXPECT_EQ(1, do_sendto(sfd, "b", 1, mine));
	EXPECT_EQ(1, do_recv(cfd, b, sizeof(b), NULL));
	EXPECT_EQ('b', b[0]);
	EXPECT_EQ(-EAGAIN, look(cfd));
	EXPECT_EQ(1, do_sendto(cfd, "c", 1, other));
	EXPECT_EQ(1, do_recv(ofd, b, sizeof(b), NULL));
	/* another peer, from the same port */
	ASSERT_EQ(0, RET(do_connect(cfd, other)));
	a = local_name(cfd);
	EXPECT_TRUE(sa_same(&mine, &a));
	EXPECT_EQ(1, RET(send(cfd, "d", 1, 0)));
	EXPECT_EQ(1, do_recv(ofd, b, sizeof(b), NULL));
	/* none */
	ASSERT_EQ(0, RET(connect(cfd, &none.sa, sizeof(none.sa))));
	EXPECT_EQ(-ENOTCONN, RET(getpeername(cfd, &a.sa, (socklen_t[]){ sizeof(a) })));
	EXPECT_EQ(-EDESTADDRREQ, RET(send(cfd, "x", 1, 0)));
	a = local_name(cfd);
	EXPECT_NE(port_of(&mine), port_of(&a));	/* send() drew another */
	/* what bind() gave stays */
	ASSERT_EQ(0, RET(do_connect(sfd, other)));
	ASSERT_EQ(0, RET(connect(sfd, &none.sa, sizeof(none.sa))));
	a = local_name(sfd);
	EXPECT_TRUE(sa_same(&at, &a));
	EXPECT_EQ(1, do_sendto(cfd, "e", 1, at));
	EXPECT_EQ(1, do_recv(sfd, b, sizeof(b), NULL));
}

TEST_F(dgram, wrong_addresses)
{
	struct env *e = &self->e;
	bool v6 = e->fam->af == AF_INET6;
	union sa at = env_addr(e, SERVER, 4711), a;
	int fd = env_socket(e, CLIENT, 0);

	EXPECT_EQ(-EINVAL, RET(sendto(fd, "x", 1, 0, &at.sa, 7)));
	EXPECT_EQ(-EINVAL, RET(connect(fd, &at.sa, 7)));
	EXPECT_EQ(-EINVAL, RET(connect(fd, &at.sa, 1)));
	EXPECT_EQ(-EINVAL, do_sendto(fd, "x", 1, env_addr(e, SERVER, 0)));
	a = at;
	a.sa.sa_family = AF_UNIX;
	EXPECT_EQ(v6 ? -EINVAL : -EAFNOSUPPORT,
		  RET(sendto(fd, "x", 1, 0, &a.sa, sa_len(&at))));
	EXPECT_EQ(-EAFNOSUPPORT, RET(connect(fd, &a.sa, sa_len(&at))));
	EXPECT_EQ(-ENETUNREACH, do_sendto(fd, "x", 1, sa_foreign(e->fam->af, 4711)));
	EXPECT_EQ(-ENETUNREACH, RET(do_connect(fd, sa_foreign(e->fam->af, 4711))));
	EXPECT_EQ(-EFAULT, RET(sendto(fd, "x", 1, 0, (void *)8, sa_len(&at))));
	/* IPv4 takes "unspecified" for its own, IPv6 for nobody */
	a = env_addr(e, SERVER, 4712);
	a.sa.sa_family = AF_UNSPEC;
	EXPECT_EQ(v6 ? -EDESTADDRREQ : 1, RET(sendto(fd, "x", 1, 0, &a.sa, sa_len(&at))));
	/* "any" is this host */
	int sfd = bound(e, sa_any(e->fam->af, 4711));
	char c;

	EXPECT_EQ(1, do_sendto(fd, "y", 1, sa_any(e->fam->af, 4711)));
	EXPECT_EQ(1, do_recv(sfd, &c, 1, &a));
	EXPECT_EQ('y', c);
	ASSERT_EQ(0, RET(do_connect(fd, sa_any(e->fam->af, 4711))));
	a = peer_name(fd);
	EXPECT_TRUE(sa_same(&at, &a));
}

TEST_F(dgram, sizes)
{
	static char b[70000];
	struct env *e = &self->e;
	int ip = e->fam->af == AF_INET6 ? 40 : 20, max;
	int level = ip == 40 ? IPPROTO_IPV6 : IPPROTO_IP, name = ip == 40 ? IPV6_MTU : IP_MTU;
	union sa at = env_addr(e, SERVER, 4711);
	int sfd = bound(e, at), cfd = env_socket(e, CLIENT, 0), v;

	set_int(cfd, SOL_SOCKET, SO_SNDBUF, 400000);
	EXPECT_EQ(-EMSGSIZE, do_sendto(cfd, b, 65536, at));
	EXPECT_EQ(-EMSGSIZE, do_sendto(cfd, b, sizeof(b), at));
	EXPECT_EQ(-ENOTCONN, RET(getsockopt(cfd, level, name, &v, (socklen_t[]){ sizeof(v) })));
	ASSERT_EQ(0, do_connect(cfd, at));
	/* one packet, as large as the path allows; UDP has fragments besides */
	max = get_int(cfd, level, name);
	EXPECT_EQ(ip == 20 ? 65535 : 65536, max);
	max = differs(e, 20) ? max - ip - 8 - OVERHEAD : ip == 20 ? 65507 : 65527;
	EXPECT_EQ(max, RET(send(cfd, b, max, 0)));
	EXPECT_EQ(max, do_recv(sfd, b, sizeof(b), NULL));
	EXPECT_EQ(-EMSGSIZE, RET(send(cfd, b, max + 1, 0)));
	if (!differs(e, 20))
		return;
	sh("ip link set lo mtu 1500");
	EXPECT_EQ(-EMSGSIZE, RET(send(cfd, b, 1500 - ip - 8 - OVERHEAD + 1, 0)));
	EXPECT_EQ(1500, get_int(cfd, level, name));
	EXPECT_EQ(1500 - ip - 8 - OVERHEAD, RET(send(cfd, b, 1500 - ip - 8 - OVERHEAD, 0)));
	EXPECT_EQ(1500 - ip - 8 - OVERHEAD, do_recv(sfd, b, sizeof(b), NULL));
	/* the same for who is not connected, though it needs less */
	close(sfd);
	sfd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(-EMSGSIZE, do_sendto(sfd, b, 1500 - ip - 8 - OVERHEAD + 1, at));
}

TEST_F(dgram, refused)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711);
	int fd = env_socket(e, CLIENT, 0), free = env_socket(e, CLIENT, 0), sfd;
	char c;

	/* somebody else of ours is there: it is Rill that says no, not ICMP */
	bound(e, env_addr(e, SERVER, 4712));
	ASSERT_EQ(0, RET(do_connect(fd, at)));
	EXPECT_EQ(1, RET(send(fd, "x", 1, 0)));
	EXPECT_EQ(POLLOUT | POLLERR, become(fd, POLLOUT | POLLERR));
	EXPECT_EQ(-ECONNREFUSED, RET(recv(fd, &c, 1, MSG_DONTWAIT)));
	EXPECT_EQ(POLLOUT, revents(fd));
	EXPECT_EQ(-EAGAIN, look(fd));
	EXPECT_EQ(1, RET(send(fd, "x", 1, 0)));
	EXPECT_EQ(POLLOUT | POLLERR, become(fd, POLLOUT | POLLERR));
	EXPECT_EQ(-ECONNREFUSED, RET(send(fd, "x", 1, 0)));
	EXPECT_EQ(1, RET(send(fd, "x", 1, 0)));
	EXPECT_EQ(POLLOUT | POLLERR, become(fd, POLLOUT | POLLERR));
	EXPECT_EQ(ECONNREFUSED, so_error(fd));
	/* nothing is queued for it: item 24 */
	EXPECT_EQ(-EAGAIN, RET(recv(fd, &c, 1, MSG_ERRQUEUE)));
	/* who is not connected is not told */
	EXPECT_EQ(1, do_sendto(free, "x", 1, at));
	/* and a server that starts is found */
	sfd = bound(e, at);
	EXPECT_EQ(1, RET(send(fd, "y", 1, 0)));
	EXPECT_EQ(1, do_recv(sfd, &c, 1, NULL));
	EXPECT_EQ('y', c);
	EXPECT_EQ(POLLOUT, revents(free));
	EXPECT_EQ(0, so_error(free));
}

#define IP_LEVEL(e)	((e)->fam->af == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP)
#define RECVERR(e)	((e)->fam->af == AF_INET6 ? IPV6_RECVERR : IP_RECVERR)

/* An entry of the error queue. */
struct error {
	struct sock_extended_err ee;
	union sa offender, to;
	char	quoted[16];
};

static struct error read_error(int fd)
{
	struct error n = { };
	char control[512] = { };
	struct iovec iov = { n.quoted, sizeof(n.quoted) - 1 };
	struct msghdr msg = { .msg_name = &n.to, .msg_namelen = sizeof(n.to), .msg_iov = &iov,
			      .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	if (RET(recvmsg(fd, &msg, MSG_ERRQUEUE)) < 0 || !(msg.msg_flags & MSG_ERRQUEUE))
		return n;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == IPPROTO_IP ? c->cmsg_type != IP_RECVERR :
						  c->cmsg_type != IPV6_RECVERR)
			continue;
		memcpy(&n.ee, CMSG_DATA(c), sizeof(n.ee));
		memcpy(&n.offender, CMSG_DATA(c) + sizeof(n.ee),
		       c->cmsg_len - CMSG_LEN(sizeof(n.ee)));
	}
	return n;
}

/* With nobody of ours bound at all the host's ICMP says it. */
TEST_F(dgram, refused_by_icmp)
{
	struct env *e = &self->e;
	struct env far = *e;
	int fd = env_socket(e, CLIENT, 0);
	union sa at;
	struct error n;
	char c;

	new_netns();
	far.ns[SERVER] = open("/proc/thread-self/ns/net", O_RDONLY);
	far.fam = e->fam->af == AF_INET ? &fam_tcp4_veth : &fam_tcp6_veth;
	for (int s = CLIENT; s <= SERVER; s++) {
		far.addr[s] = sa_any(e->fam->af, 0);
		if (e->fam->af == AF_INET)
			far.addr[s].in.sin_addr.s_addr = htonl(0x0a070001 + s);
		else
			far.addr[s].in6.sin6_addr = (struct in6_addr){ { { 0xfd, 7, [15] = 1 + s } } };
	}
	veth_lay(&far);
	at = env_addr(&far, SERVER, 4711);
	ASSERT_EQ(0, RET(do_connect(fd, at)));
	EXPECT_EQ(1, RET(send(fd, "x", 1, 0)));
	EXPECT_EQ(POLLOUT | POLLERR, become(fd, POLLOUT | POLLERR));
	EXPECT_EQ(-ECONNREFUSED, RET(recv(fd, &c, 1, MSG_DONTWAIT)));
	EXPECT_EQ(-EAGAIN, RET(recv(fd, &c, 1, MSG_ERRQUEUE)));
	/* who asks finds the packet besides */
	set_int(fd, IP_LEVEL(e), RECVERR(e), 1);
	EXPECT_EQ(2, RET(send(fd, "yz", 2, 0)));
	EXPECT_EQ(POLLOUT | POLLERR, become(fd, POLLOUT | POLLERR));
	EXPECT_EQ(-ECONNREFUSED, RET(recv(fd, &c, 1, MSG_DONTWAIT)));
	EXPECT_EQ(POLLOUT | POLLERR, revents(fd));
	n = read_error(fd);
	EXPECT_STREQ("yz", n.quoted);
	EXPECT_TRUE(sa_same(&at, &n.to));
	EXPECT_EQ(ECONNREFUSED, n.ee.ee_errno);
	EXPECT_EQ(e->fam->af == AF_INET ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6, n.ee.ee_origin);
	EXPECT_EQ(e->fam->af == AF_INET ? 3 : 1, n.ee.ee_type);
	EXPECT_EQ(e->fam->af == AF_INET ? 3 : 4, n.ee.ee_code);
	at = sa_port(at, 0);
	EXPECT_TRUE(sa_same(&at, &n.offender));
	EXPECT_EQ(POLLOUT, revents(fd));
}

/* What is too long is an error of this host's, with the size of the path. */
TEST_F(dgram, too_long_is_queued)
{
	static char b[65536];
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711), none = { };
	bool v6 = e->fam->af == AF_INET6;
	int fd = env_socket(e, CLIENT, 0), max;
	struct error n;

	if (!differs(e, 20) && v6)
		return;		/* its fragments are not ours to measure */
	max = !differs(e, 20) ? 65507 : v6 ? 65536 - 40 - 8 - OVERHEAD : 65535 - 20 - 8 - OVERHEAD;
	set_int(fd, SOL_SOCKET, SO_SNDBUF, 400000);
	set_int(fd, IP_LEVEL(e), RECVERR(e), 1);
	ASSERT_EQ(0, RET(do_connect(fd, at)));
	EXPECT_EQ(-EMSGSIZE, RET(send(fd, b, max + 1, 0)));
	EXPECT_EQ(POLLOUT | POLLERR, revents(fd));
	EXPECT_EQ(0, so_error(fd));
	n = read_error(fd);
	EXPECT_STREQ("", n.quoted);
	EXPECT_TRUE(sa_same(&at, &n.to));
	EXPECT_EQ(EMSGSIZE, n.ee.ee_errno);
	EXPECT_EQ(SO_EE_ORIGIN_LOCAL, n.ee.ee_origin);
	EXPECT_EQ(v6 ? 65536 : 65535, n.ee.ee_info);
	EXPECT_TRUE(sa_same(&none, &n.offender));
	EXPECT_EQ(POLLOUT, revents(fd));
}

/* Reads one datagram and how many were lost before it; -errno without one. */
static long read_and_lost(int fd, uint32_t *lost)
{
	char b[600], control[64];
	struct iovec iov = { b, sizeof(b) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	long n = RET(recvmsg(fd, &msg, MSG_DONTWAIT));
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);

	if (c && c->cmsg_type == SO_RXQ_OVFL)
		memcpy(lost, CMSG_DATA(c), sizeof(*lost));
	return n;
}

TEST_F(dgram, a_full_buffer)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711);
	int sfd = bound(e, at), cfd = env_socket(e, CLIENT, 0), sent, got = 0;
	long full = e->fam->rill ? snmp("InDgramFull") : 0, in = e->fam->rill ? snmp("InDgrams") : 0;
	int64_t end = now_ms() + PATIENCE;
	uint32_t lost = 0;
	char b[600];

	set_int(sfd, SOL_SOCKET, SO_RCVBUF, 1);
	set_int(sfd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	for (sent = 0; sent < 100; sent++)
		EXPECT_EQ(sizeof(b), do_sendto(cfd, b, sizeof(b), at));
	/* each is read, or one that is read says that it was lost */
	while (got + lost < (uint32_t)sent && now_ms() < end) {
		if (read_and_lost(sfd, &lost) >= 0) {
			got++;
			continue;
		}
		EXPECT_EQ(1, do_sendto(cfd, "x", 1, at));
		sent++;
		breathe();
	}
	EXPECT_EQ(sent, got + lost);
	EXPECT_LT(10, lost);
	if (e->fam->rill) {
		EXPECT_EQ(lost, snmp("InDgramFull") - full);
		EXPECT_EQ(got, snmp("InDgrams") - in);
	}
}

TEST_F(dgram, shutdown)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711);
	int sfd = bound(e, at), cfd = env_socket(e, CLIENT, 0), fd = env_socket(e, CLIENT, 0);
	char b[4];

	ASSERT_EQ(0, do_connect(cfd, at));
	catch_signal(SIGPIPE);
	EXPECT_EQ(-EINVAL, RET(shutdown(cfd, 3)));
	EXPECT_EQ(0, RET(shutdown(cfd, SHUT_WR)));
	EXPECT_EQ(-EPIPE, RET(send(cfd, "x", 1, 0)));
	EXPECT_EQ(0, caught());		/* and nobody dies of it */
	EXPECT_EQ(POLLOUT, revents(cfd));
	EXPECT_EQ(0, RET(shutdown(cfd, SHUT_RD)));
	EXPECT_EQ(POLLIN | POLLOUT | POLLRDHUP | POLLHUP, revents(cfd));
	EXPECT_EQ(0, RET(recv(cfd, b, 1, 0)));
	/* what comes is delivered all the same */
	EXPECT_EQ(1, do_sendto(sfd, "y", 1, local_name(cfd)));
	EXPECT_EQ(1, queue_becomes(cfd, FIONREAD, 1));
	EXPECT_EQ(1, RET(recv(cfd, b, 1, 0)));
	/* who has no peer is told so, and yet it is done */
	EXPECT_EQ(-ENOTCONN, RET(shutdown(fd, SHUT_RDWR)));
	EXPECT_EQ(POLLIN | POLLOUT | POLLRDHUP | POLLHUP, revents(fd));
	EXPECT_EQ(0, RET(recv(fd, b, 1, 0)));
	EXPECT_EQ(-EPIPE, do_sendto(fd, "x", 1, at));
}

TEST_F(dgram, waiting)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711);
	int sfd = bound(e, at), cfd = env_socket(e, CLIENT, 0);
	char b[4];
	struct task t = { .fd = sfd, .buf = b, .len = sizeof(b) };

	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	EXPECT_EQ(2, do_sendto(cfd, "ab", 2, at));
	EXPECT_EQ(2, task_join(&t));
	t = (struct task){ .fd = sfd, .flags = POLLIN };
	task_start(&t, task_poll);
	task_blocked(&t, SYS_poll);
	EXPECT_EQ(0, do_sendto(cfd, "", 0, at));
	EXPECT_EQ(POLLIN, task_join(&t));
	EXPECT_EQ(0, look(sfd));
	/* a socket that is shut down wakes its reader */
	ASSERT_EQ(0, do_connect(sfd, at));
	t = (struct task){ .fd = sfd, .buf = b, .len = sizeof(b) };
	task_start(&t, task_recv);
	task_blocked(&t, SYS_recvfrom);
	EXPECT_EQ(0, shutdown(sfd, SHUT_RD));
	EXPECT_EQ(0, task_join(&t));
	set_timeo(cfd, SO_RCVTIMEO, 20);
	EXPECT_EQ(-EAGAIN, RET(recv(cfd, b, 1, 0)));
}

TEST_F(dgram, device)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711);
	int sfd = env_socket(e, CLIENT, 0), cfd = env_socket(e, CLIENT, 0);
	char b[4];

	sh("ip link add dum0 type dummy && ip link set dum0 up");
	ASSERT_EQ(0, RET(setsockopt(sfd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3)));
	ASSERT_EQ(0, do_bind(sfd, at));
	EXPECT_EQ(1, do_sendto(cfd, "a", 1, at));
	EXPECT_EQ(1, do_recv(sfd, b, sizeof(b), NULL));
	ASSERT_EQ(0, RET(setsockopt(sfd, SOL_SOCKET, SO_BINDTODEVICE, "dum0", 5)));
	ASSERT_EQ(0, do_connect(cfd, at));
	EXPECT_EQ(1, RET(send(cfd, "b", 1, 0)));
	EXPECT_EQ(POLLOUT | POLLERR, become(cfd, POLLOUT | POLLERR));
	EXPECT_EQ(-EAGAIN, look(sfd));
	/* two at one port, each on its device */
	EXPECT_EQ(ECONNREFUSED, so_error(cfd));
	sfd = env_socket(e, CLIENT, 0);
	ASSERT_EQ(0, RET(setsockopt(sfd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3)));
	ASSERT_EQ(0, RET(do_bind(sfd, at)));
	EXPECT_EQ(1, RET(send(cfd, "c", 1, 0)));
	EXPECT_EQ(1, do_recv(sfd, b, sizeof(b), NULL));
	EXPECT_EQ('c', b[0]);
}

/* From which address: as said beside the datagram, or as bound. */
TEST_F(dgram, ancillary)
{
	struct env *e = &self->e;
	bool v6 = e->fam->af == AF_INET6;
	union sa at = env_addr(e, SERVER, 4711), from, second = env_addr(e, SERVER, 0);
	int sfd = bound(e, at), cfd = env_socket(e, CLIENT, 0);
	char control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = { }, b[4];
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_name = &at, .msg_namelen = sa_len(&at), .msg_iov = &iov,
			      .msg_iovlen = 1, .msg_control = control };
	struct cmsghdr *c = (void *)control;

	if (v6) {
		struct in6_pktinfo *info = (void *)CMSG_DATA(c);

		sh("ip addr add fd09::1/128 dev lo nodad");
		inet_pton(AF_INET6, "fd09::1", &second.in6.sin6_addr);
		*c = (struct cmsghdr){ .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO,
				       .cmsg_len = CMSG_LEN(sizeof(*info)) };
		info->ipi6_addr = second.in6.sin6_addr;
		msg.msg_controllen = CMSG_SPACE(sizeof(*info));
	} else {
		struct in_pktinfo *info = (void *)CMSG_DATA(c);

		second.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 8);
		*c = (struct cmsghdr){ .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO,
				       .cmsg_len = CMSG_LEN(sizeof(*info)) };
		info->ipi_spec_dst = second.in.sin_addr;
		msg.msg_controllen = CMSG_SPACE(sizeof(*info));
	}
	EXPECT_EQ(1, RET(sendmsg(cfd, &msg, 0)));
	EXPECT_EQ(1, do_recv(sfd, b, sizeof(b), &from));
	second = sa_port(second, port_of(&from));
	EXPECT_TRUE(sa_same(&second, &from));
	c->cmsg_len--;
	EXPECT_EQ(-EINVAL, RET(sendmsg(cfd, &msg, 0)));
	*c = (struct cmsghdr){ .cmsg_level = e->fam->af == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
			       .cmsg_type = 200, .cmsg_len = CMSG_LEN(4) };
	EXPECT_EQ(-EINVAL, RET(sendmsg(cfd, &msg, 0)));
	EXPECT_EQ(-EAGAIN, look(sfd));
}

/* What is told beside a datagram: to whom it came, by what device, TTL and TOS. */
TEST_F(dgram, told_beside)
{
	struct env *e = &self->e;
	bool v6 = e->fam->af == AF_INET6;
	static const int ask4[] = { IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_RECVORIGDSTADDR };
	static const int ask6[] = { IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS,
				    IPV6_RECVORIGDSTADDR };
	union sa at = env_addr(e, SERVER, 4711), to;
	int sfd = bound(e, at), cfd = env_socket(e, CLIENT, 0), lo = if_nametoindex("lo"), val;
	char control[256] = { }, b[4];
	struct iovec iov = { b, sizeof(b) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ask4); i++)
		set_int(sfd, IP_LEVEL(e), v6 ? ask6[i] : ask4[i], 1);
	set_int(cfd, IP_LEVEL(e), v6 ? IPV6_UNICAST_HOPS : IP_TTL, 7);
	set_int(cfd, IP_LEVEL(e), v6 ? IPV6_TCLASS : IP_TOS, 0x48);
	EXPECT_EQ(1, do_sendto(cfd, "x", 1, at));
	ASSERT_EQ(POLLIN, wait_events(sfd, POLLIN));
	ASSERT_EQ(1, RET(recvmsg(sfd, &msg, 0)));
	EXPECT_EQ(0, msg.msg_flags);

	c = CMSG_FIRSTHDR(&msg);
	ASSERT_NE(NULL, c);
	if (v6) {
		struct in6_pktinfo *info = (void *)CMSG_DATA(c);

		EXPECT_EQ(IPV6_PKTINFO, c->cmsg_type);
		EXPECT_EQ(CMSG_LEN(sizeof(*info)), c->cmsg_len);
		EXPECT_EQ(0, memcmp(&info->ipi6_addr, &at.in6.sin6_addr, 16));
		EXPECT_EQ(lo, info->ipi6_ifindex);
	} else {
		struct in_pktinfo *info = (void *)CMSG_DATA(c);

		EXPECT_EQ(IP_PKTINFO, c->cmsg_type);
		EXPECT_EQ(CMSG_LEN(sizeof(*info)), c->cmsg_len);
		EXPECT_EQ(at.in.sin_addr.s_addr, info->ipi_addr.s_addr);
		EXPECT_EQ(at.in.sin_addr.s_addr, info->ipi_spec_dst.s_addr);
		EXPECT_EQ(lo, info->ipi_ifindex);
	}
	c = CMSG_NXTHDR(&msg, c);
	ASSERT_NE(NULL, c);
	EXPECT_EQ(v6 ? IPV6_HOPLIMIT : IP_TTL, c->cmsg_type);
	EXPECT_EQ(CMSG_LEN(sizeof(val)), c->cmsg_len);
	memcpy(&val, CMSG_DATA(c), sizeof(val));
	EXPECT_EQ(7, val);
	c = CMSG_NXTHDR(&msg, c);
	ASSERT_NE(NULL, c);
	EXPECT_EQ(v6 ? IPV6_TCLASS : IP_TOS, c->cmsg_type);
	EXPECT_EQ(CMSG_LEN(v6 ? sizeof(val) : 1), c->cmsg_len);
	EXPECT_EQ(0x48, *CMSG_DATA(c));
	c = CMSG_NXTHDR(&msg, c);
	ASSERT_NE(NULL, c);
	EXPECT_EQ(v6 ? IPV6_ORIGDSTADDR : IP_ORIGDSTADDR, c->cmsg_type);
	EXPECT_EQ(CMSG_LEN(sa_len(&at)), c->cmsg_len);
	memset(&to, 0, sizeof(to));
	memcpy(&to, CMSG_DATA(c), sa_len(&at));
	EXPECT_TRUE(sa_same(&at, &to));
	EXPECT_EQ(NULL, CMSG_NXTHDR(&msg, c));
}

/* Many writers, readers and changers of mind at one socket; nothing may be lost track of. */
static long task_mess(struct task *t)
{
	uint64_t seed = t->len;
	int64_t end = now_ms() + 300;
	union sa none = { .sa.sa_family = AF_UNSPEC };
	char b[3000];

	while (now_ms() < end) {
		switch (rnd(&seed) % 8) {
		case 0:
			do_connect(t->fd, t->to);
			break;
		case 1:
			connect(t->fd, &none.sa, sizeof(none.sa));
			break;
		case 2:
		case 3:
			recv(t->fd, b, sizeof(b), MSG_DONTWAIT | (rnd(&seed) & 1 ? MSG_PEEK : 0));
			break;
		case 4:
			send(t->fd, b, rnd(&seed) % sizeof(b), MSG_DONTWAIT | MSG_NOSIGNAL);
			break;
		default:
			sendto(t->fd, b, rnd(&seed) % sizeof(b), MSG_DONTWAIT, &t->to.sa,
			       sa_len(&t->to));
		}
	}
	return 0;
}

TEST_F(dgram, a_mess)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711);
	int sfd = bound(e, at), i;
	struct task t[4];

	set_int(sfd, SOL_SOCKET, SO_RCVBUF, 20000);
	for (i = 0; i < 4; i++) {
		t[i] = (struct task){ .fd = sfd, .to = at, .len = test_seed() + i };
		task_start(&t[i], task_mess);
	}
	for (i = 0; i < 4; i++)
		task_join(&t[i]);
	while (recv(sfd, (char[1]){ 0 }, 1, MSG_DONTWAIT) >= 0 || errno == ECONNREFUSED)
		;
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, queue_becomes(sfd, SIOCOUTQ, 0));
}

/* ------------------------------------------------- IPv4 through IPv6 */

FIXTURE(v6) { struct env e; };
FIXTURE_VARIANT(v6) { const struct family *fam; };
FIXTURE_SETUP(v6) { env_open(&self->e, variant->fam, _metadata->name); }
FIXTURE_TEARDOWN(v6) { env_close(&self->e); }
FAMILY(v6, udp6);
FAMILY(v6, rill6_dgram);
FAMILY(v6, rill6_inet_dgram);

static int v4_socket(const struct env *e)
{
	struct env v4 = *e;

	v4.fam = e->fam->inet ? &fam_rill4_inet_dgram : e->fam->rill ? &fam_rill4_dgram : &fam_udp4;
	return env_socket(&v4, CLIENT, 0);
}

static union sa mapped(uint16_t port)
{
	union sa a = sa_any(AF_INET6, port);

	a.in6.sin6_addr = (struct in6_addr){ { { [10] = 0xff, 0xff, 127, 0, 0, 1 } } };
	return a;
}

TEST_F(v6, dual_stack)
{
	struct env *e = &self->e;
	int sfd = bound(e, sa_any(AF_INET6, 4711)), cfd = v4_socket(e), fd;
	union sa from, v4 = sa_loopback(AF_INET, 4711);
	char c;

	EXPECT_EQ(-EADDRINUSE, RET(do_bind(v4_socket(e), sa_any(AF_INET, 4711))));
	EXPECT_EQ(1, do_sendto(cfd, "a", 1, v4));
	EXPECT_EQ(1, do_recv(sfd, &c, 1, &from));
	EXPECT_EQ(AF_INET6, from.sa.sa_family);
	EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&from.in6.sin6_addr));
	EXPECT_EQ(1, do_sendto(sfd, "b", 1, from));
	EXPECT_EQ(1, do_recv(cfd, &c, 1, &from));
	EXPECT_TRUE(sa_same(&v4, &from));
	/* an IPv6 socket takes IPv4's names to send to, and to connect to */
	fd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(1, do_sendto(fd, "c", 1, v4));
	EXPECT_EQ(1, do_recv(sfd, &c, 1, NULL));
	EXPECT_EQ(0, RET(do_connect(fd, v4)));
	from = peer_name(fd);
	v4 = mapped(4711);
	EXPECT_TRUE(sa_same(&v4, &from));
	EXPECT_EQ(1, RET(send(fd, "d", 1, 0)));
	EXPECT_EQ(1, do_recv(sfd, &c, 1, NULL));
	/* its source is IPv4's now */
	EXPECT_EQ(-EAFNOSUPPORT, RET(do_connect(fd, sa_loopback(AF_INET6, 4711))));
}

TEST_F(v6, v6only)
{
	struct env *e = &self->e;
	int sfd = env_socket(e, CLIENT, 0), cfd = v4_socket(e), fd = env_socket(e, CLIENT, 0);
	union sa v4 = sa_loopback(AF_INET, 4711);

	set_int(sfd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	ASSERT_EQ(0, do_bind(sfd, sa_any(AF_INET6, 4711)));
	ASSERT_EQ(0, RET(do_connect(cfd, v4)));
	EXPECT_EQ(1, RET(send(cfd, "a", 1, 0)));
	EXPECT_EQ(POLLOUT | POLLERR, become(cfd, POLLOUT | POLLERR));
	EXPECT_EQ(-EAGAIN, look(sfd));
	EXPECT_EQ(0, RET(do_bind(v4_socket(e), sa_any(AF_INET, 4711))));
	set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	EXPECT_EQ(-ENETUNREACH, do_sendto(fd, "x", 1, v4));
	EXPECT_EQ(-ENETUNREACH, do_sendto(fd, "x", 1, mapped(4711)));
	EXPECT_EQ(-EAFNOSUPPORT, RET(do_connect(fd, v4)));
	EXPECT_EQ(-ENETUNREACH, RET(do_connect(fd, mapped(4711))));
}

/* -------------------------------------------------------- Rill's own ways */

#define RILL_DGRAMS(NAME)	FAMILY(NAME, rill4_dgram); FAMILY(NAME, rill6_dgram)
DIFFERENTIAL(own, RILL_DGRAMS);

TEST_F(own, one_receiver)
{
	struct env *e = &self->e;
	bool v4 = e->fam->af == AF_INET;
	union sa many = sa_any(e->fam->af, 4711), all = sa_any(AF_INET, 4711);
	int fd = env_socket(e, CLIENT, 0);

	set_int(fd, SOL_SOCKET, SO_BROADCAST, 1);
	if (v4)
		many.in.sin_addr.s_addr = htonl(0xe0000001);
	else
		many.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(4711),
						  .sin6_addr = { { { 0xff, 2, [15] = 1 } } },
						  .sin6_scope_id = 1 };
	EXPECT_EQ(-ENETUNREACH, do_sendto(fd, "x", 1, many));
	EXPECT_EQ(-ENETUNREACH, RET(do_connect(fd, many)));
	fd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(-EADDRNOTAVAIL, RET(do_bind(fd, many)));
	if (!v4)
		return;
	sh("ip addr add 10.8.0.1/24 dev lo");
	all.in.sin_addr.s_addr = htonl(0x0a0800ff);
	EXPECT_EQ(-EACCES, do_sendto(fd, "x", 1, all));	/* item 21 */
	EXPECT_EQ(-EACCES, RET(do_connect(fd, all)));
	fd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(-EADDRNOTAVAIL, RET(do_bind(fd, all)));
}

TEST_F(own, not_taken_and_ignored)
{
	struct env *e = &self->e;
	union sa at = env_addr(e, SERVER, 4711);
	int fd = bound(e, at), on = 1;

	EXPECT_EQ(-EOPNOTSUPP, RET(sendto(fd, "x", 1, MSG_MORE, &at.sa, sa_len(&at))));
	EXPECT_EQ(-EOPNOTSUPP, RET(sendto(fd, "x", 1, MSG_DONTROUTE, &at.sa, sa_len(&at))));
	EXPECT_EQ(-EAGAIN, look(fd));
	/* what UDP acts on and we cannot: item 23 */
	EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(fd, IPPROTO_IP, IP_RECVOPTS, &on, sizeof(on))));
	EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(fd, IPPROTO_IP, IP_CHECKSUM, &on, sizeof(on))));
	EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &on, sizeof(on))));
	EXPECT_EQ(-ENOPROTOOPT, RET(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPATHMTU, &on,
					       sizeof(on))));
	/* the wire has no port 0: item 26 */
	EXPECT_EQ(0, RET(do_connect(fd, env_addr(e, SERVER, 0))));
	EXPECT_EQ(-EINVAL, RET(send(fd, "x", 1, 0)));
}

TEST_F(own, protocol_0_turns_v6)
{
	int fd = socket(rill_family(), SOCK_DGRAM, 0), sfd = socket(rill_family(), SOCK_DGRAM, 1);
	union sa at = sa_loopback(AF_INET6, 4711), a;
	char c;

	ASSERT_EQ(0, do_bind(sfd, at));
	EXPECT_EQ(1, do_sendto(fd, "x", 1, at));
	EXPECT_EQ(1, do_recv(sfd, &c, 1, &a));
	EXPECT_EQ(AF_INET6, local_name(fd).sa.sa_family);
	/* not once it has an IPv4 name */
	fd = socket(rill_family(), SOCK_DGRAM, 0);
	ASSERT_EQ(0, do_bind(fd, sa_any(AF_INET, 0)));
	EXPECT_EQ(-EAFNOSUPPORT, do_sendto(fd, "x", 1, at));
	EXPECT_EQ(-EAFNOSUPPORT, RET(do_connect(fd, at)));
}

TEST_F(own, listed)
{
	struct env *e = &self->e;
	bool v4 = e->fam->af == AF_INET;
	const char *path = v4 ? "/proc/thread-self/net/rill_dgram" :
				"/proc/thread-self/net/rill_dgram6";
	union sa at = env_addr(e, SERVER, 4711);
	char cmd[256];
	int fd;

	EXPECT_EQ(0, proc_lines(path));
	fd = bound(e, at);
	bound(e, env_addr(e, SERVER, 4712));
	EXPECT_EQ(2, proc_lines(path));
	EXPECT_EQ(2, proc_sockets("RILLD"));
	ASSERT_EQ(0, do_connect(fd, env_addr(e, SERVER, 4712)));
	/* nothing of it among the streams, and ss reads it as UDP's */
	EXPECT_EQ(0, proc_lines("/proc/thread-self/net/rill"));
	EXPECT_EQ(0, proc_lines("/proc/thread-self/net/rill6"));
	snprintf(cmd, sizeof(cmd), "PROC_NET_UDP=/proc/net/rill_dgram PROC_NET_UDP6=/proc/net/rill_dgram6"
		 " ss -uanH | grep -c '%s:471[12]' | grep -qx 2", v4 ? "127.0.0.1" : "\\[::1\\]");
	EXPECT_EQ(0, system(cmd));
	snprintf(cmd, sizeof(cmd), "PROC_NET_UDP=/proc/net/rill_dgram PROC_NET_UDP6=/proc/net/rill_dgram6"
		 " ss -uanH | grep ESTAB | grep -q ':4711 .*:4712'");
	EXPECT_EQ(0, system(cmd));
	close(fd);
	EXPECT_EQ(1, proc_lines(path));
}

TEST_F(own, holds_the_module)
{
	struct env *e = &self->e;
	long refs = refs_at_rest();
	union sa at = env_addr(e, SERVER, 4711);
	int fd = bound(e, at), fd2 = bound(e, env_addr(e, SERVER, 4712));

	EXPECT_LT(refs, module_refs());
	ASSERT_EQ(0, do_connect(fd2, at));
	EXPECT_EQ(1, RET(send(fd2, "x", 1, 0)));	/* closed with it in the queue */
	EXPECT_EQ(1, queue_becomes(fd, FIONREAD, 1));
	close(fd);
	close(fd2);
	EXPECT_EQ(refs, refs_become(refs));
}

/* Over a line that merges packets of one size: they come apart again. */
#define RILL_DGRAMS_VETH(NAME)	FAMILY(NAME, rill4_dgram_veth); FAMILY(NAME, rill6_dgram_veth)
DIFFERENTIAL(far, RILL_DGRAMS_VETH);

TEST_F(far, many)
{
	struct env *e = &self->e;
	int a = env_socket(e, SERVER, 0), b = env_socket(e, SERVER, 0);
	int fd = env_socket(e, CLIENT, 0), i, level, max;
	union sa to[2] = { env_addr(e, SERVER, 4711), env_addr(e, SERVER, 4712) };
	uint8_t out[1500], in[1500];

	env_enter(e, SERVER);
	sh("ethtool -K s gro on >/dev/null 2>&1 || true");
	env_enter(e, CLIENT);
	set_int(a, SOL_SOCKET, SO_RCVBUF, 4000000);
	set_int(b, SOL_SOCKET, SO_RCVBUF, 4000000);
	set_int(fd, SOL_SOCKET, SO_SNDBUF, 4000000);
	ASSERT_EQ(0, do_bind(a, to[0]));
	ASSERT_EQ(0, do_bind(b, to[1]));
	level = e->fam->af == AF_INET ? 20 : 40;
	max = 1500 - level - 8 - OVERHEAD;
	for (i = 0; i < 200; i++) {
		pattern_fill(i, 0, out, max);
		ASSERT_EQ(max, do_sendto(fd, out, max, to[i & 1]));
	}
	for (i = 0; i < 200; i++) {
		union sa from;

		ASSERT_EQ(max, do_recv(i & 1 ? b : a, in, sizeof(in), &from));
		ASSERT_EQ(max, pattern_check(i, 0, in, max)) TH_LOG("datagram %d", i);
		ASSERT_EQ(port_of((union sa[]){ local_name(fd) }), port_of(&from));
	}
	EXPECT_EQ(-EMSGSIZE, do_sendto(fd, out, max + 1, to[0]));
}

TEST_HARNESS_MAIN
