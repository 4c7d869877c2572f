/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sockets and addresses for the subcommands: which transport a socket speaks,
 * names to addresses, connecting with a time limit, listening.
 */
#ifndef RILL_TOOLS_NET_H
#define RILL_TOOLS_NET_H

#include <netdb.h>
#include <stdbool.h>
#include <sys/socket.h>

enum transport {
	OVER_RILL,
	OVER_TCP,	/* AF_INET and AF_INET6, for comparing */
};

#define ADDR_STRLEN	64	/* "[v6%scope]:port" and its NUL */

struct net_addr {
	struct sockaddr_storage ss;
	socklen_t len;		/* bytes of ss in use */
};

/* Where to connect, and from where. */
struct net_target {
	enum transport over;
	int af;			/* AF_UNSPEC, or AF_INET or AF_INET6 only */
	const char *host;
	int port;
	int local_port;		/* 0: any */
	int timeout_ms;		/* for each address of the host; -1: the kernel's */
};

const char *transport_name(enum transport over);
int transport_family(void);
void transport_by_inet(void);
int transport_socket(enum transport over, int af, int flags);
void transport_require(enum transport over);

struct addrinfo *net_resolve(int af, const char *host, int port, bool passive);
void net_addr_string(const struct sockaddr *sa, char out[ADDR_STRLEN]);
int net_connect_addr(const struct net_target *t, const struct sockaddr *sa, socklen_t len);
int net_connect(const struct net_target *t, struct net_addr *peer);
int net_listen(enum transport over, int af, const char *host, int port, int backlog);
void net_nodelay(int fd);

#endif
