// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets of either transport; see net.h.  Rill takes the internet's addresses,
 * so the only difference between the two is the call to socket().
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/rill.h>

#include "net.h"
#include "util.h"

#define FAMILY_PARAM	"/sys/module/rill/parameters/family"

const char *transport_name(enum transport over)
{
	return over == OVER_RILL ? "rill" : "tcp";
}

/*
 * The family number in force.  RILL_FAMILY comes first, for places without
 * /sys and for trying the tools on another family.  Without either, the default
 * is worth a try: socket() tells whether it exists.
 */
int transport_family(void)
{
	const char *env = getenv("RILL_FAMILY");
	int family = AF_RILL;
	FILE *f;

	if (env && *env)
		return arg_number("RILL_FAMILY", env, 1, 255);
	f = fopen(FAMILY_PARAM, "re");
	if (f) {
		if (fscanf(f, "%d", &family) != 1)
			family = AF_RILL;
		fclose(f);
	}
	return family;
}

static bool by_inet;

/* Rill's sockets by the second door: AF_INET and AF_INET6 with IPPROTO_RILL. */
void transport_by_inet(void)
{
	by_inet = true;
}

/* Did a sandbox refuse the family?  Or it does not exist, which is the same errno. */
static bool family_refused(int err)
{
	return err == EAFNOSUPPORT || err == EPERM || err == EACCES;
}

/*
 * A sandbox that knows the internet's families only lets the second door pass.
 * Where that is closed too, the module is not there, and the first answer is what
 * says so.
 */
int transport_socket(enum transport over, int af, int flags)
{
	static int family;	/* read once: the module keeps it while it is loaded */
	int fd = -1, err = EAFNOSUPPORT;

	if (over == OVER_TCP)
		return socket(af, SOCK_STREAM | flags, 0);
	if (!by_inet) {
		if (!family)
			family = transport_family();
		fd = socket(family, SOCK_STREAM | flags,
			    af == AF_INET6 ? RILL_PROTO_V6 : RILL_PROTO_V4);
		err = errno;
		if (fd >= 0 || !family_refused(err))
			return fd;
	}
	fd = socket(af, SOCK_STREAM | flags, IPPROTO_RILL);
	if (fd < 0 && (errno == EPROTONOSUPPORT || errno == EINVAL))
		errno = err;
	return fd;
}

/* Say what is wrong once and plainly, before names are resolved or forks made. */
void transport_require(enum transport over)
{
	int fd;

	if (over != OVER_RILL)
		return;
	fd = transport_socket(over, AF_INET, SOCK_CLOEXEC);
	if (fd < 0 && errno == EAFNOSUPPORT && by_inet)
		fail("no protocol %d: the rill module is not loaded", IPPROTO_RILL);
	if (fd < 0 && errno == EAFNOSUPPORT)
		fail("no socket of family %d: the rill module is not loaded", transport_family());
	if (fd < 0)
		fail_errno("cannot make a Rill socket");
	close(fd);
}

struct addrinfo *net_resolve(int af, const char *host, int port, bool passive)
{
	struct addrinfo hints = {
		.ai_family = af,
		.ai_socktype = SOCK_STREAM,
		.ai_protocol = IPPROTO_TCP,
		.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0),
	};
	struct addrinfo *list;
	char service[8];
	int err;

	snprintf(service, sizeof(service), "%d", port);
	err = getaddrinfo(host, service, &hints, &list);
	if (err)
		fail("%s: %s", host ? host : "any address",
		     err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err));
	return list;
}

void net_addr_string(const struct sockaddr *sa, char out[ADDR_STRLEN])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
			inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], host, sizeof(host));
			snprintf(out, ADDR_STRLEN, "%s:%d", host, ntohs(in6->sin6_port));
			return;
		}
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(out, ADDR_STRLEN, "[%s]:%d", host, ntohs(in6->sin6_port));
	} else {
		const struct sockaddr_in *in = (const void *)sa;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(out, ADDR_STRLEN, "%s:%d", host, ntohs(in->sin_port));
	}
}

static int bind_port(int fd, int af, int port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (af == AF_INET6)
		return bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	return bind(fd, (struct sockaddr *)&in, sizeof(in));
}

/*
 * The rest of a non-blocking connect: 0, or -1 with errno; EINTR when a handled
 * signal ends the wait, as it should.
 */
static int wait_connected(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int n = poll(&pfd, 1, timeout_ms);
	int err = 0;

	if (n < 0)
		return -1;
	if (n == 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return -1;
	errno = err;
	return err ? -1 : 0;
}

static int connect_within(int fd, const struct sockaddr *sa, socklen_t len, int timeout_ms)
{
	int flags;

	if (timeout_ms < 0)
		return connect(fd, sa, len);
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return -1;
	if (connect(fd, sa, len) &&
	    (errno != EINPROGRESS || wait_connected(fd, timeout_ms)))
		return -1;
	return fcntl(fd, F_SETFL, flags);
}

/* A blocking socket connected to one address, or -1 with errno. */
int net_connect_addr(const struct net_target *t, const struct sockaddr *sa, socklen_t len)
{
	int fd = transport_socket(t->over, sa->sa_family, SOCK_CLOEXEC);
	int err;

	if (fd < 0)
		return -1;
	if ((!t->local_port || !bind_port(fd, sa->sa_family, t->local_port)) &&
	    !connect_within(fd, sa, len, t->timeout_ms))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

/* Each address of the host in turn; -1 with the errno of the last. */
int net_connect(const struct net_target *t, struct net_addr *peer)
{
	struct addrinfo *list = net_resolve(t->af, t->host, t->port, false);
	int fd = -1, err;

	for (struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next) {
		fd = net_connect_addr(t, ai->ai_addr, ai->ai_addrlen);
		if (fd >= 0 && peer) {
			memcpy(&peer->ss, ai->ai_addr, ai->ai_addrlen);
			peer->len = ai->ai_addrlen;
		}
	}
	err = errno;
	freeaddrinfo(list);
	errno = err;
	return fd;
}

static int listen_addr(enum transport over, const struct addrinfo *ai, bool v6only, int backlog)
{
	int fd = transport_socket(over, ai->ai_family, SOCK_CLOEXEC);
	int one = 1, only = v6only, err;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if ((ai->ai_family != AF_INET6 ||
	     !setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only))) &&
	    !bind(fd, ai->ai_addr, ai->ai_addrlen) && !listen(fd, backlog))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

/*
 * With neither a host nor a family, one dual-stack socket serves both; where
 * there is no IPv6, the IPv4 wildcard.  -1 with errno.
 */
int net_listen(enum transport over, int af, const char *host, int port, int backlog)
{
	bool any = !host && af == AF_UNSPEC;
	struct addrinfo *list;
	int fd = -1, err;

	if (any) {
		list = net_resolve(AF_INET6, NULL, port, true);
		fd = listen_addr(over, list, false, backlog);
		freeaddrinfo(list);
		if (fd >= 0 || errno == EADDRINUSE || errno == EACCES)
			return fd;
		af = AF_INET;
	}
	list = net_resolve(af, host, port, true);
	for (struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
		fd = listen_addr(over, ai, true, backlog);
	err = errno;
	freeaddrinfo(list);
	errno = err;
	return fd;
}

/* Level IPPROTO_TCP serves both transports. */
void net_nodelay(int fd)
{
	int one = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		fail_errno("TCP_NODELAY");
}
