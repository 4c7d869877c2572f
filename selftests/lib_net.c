// SPDX-License-Identifier: GPL-2.0
/*
 * The network under a test: namespaces, devices, addresses and routes, by
 * rtnetlink in the thread's own namespace.  Not by ip(8): a shell and a program
 * a case are most of a case's time where the guest is emulated.
 */
#include "lib.h"

#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>

/* A request under construction: attributes are appended to len. */
struct request {
	struct nlmsghdr h;
	char body[512];
};

static void *append(struct request *r, size_t len)
{
	void *at = (char *)r + NLMSG_ALIGN(r->h.nlmsg_len);

	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + len;
	if (r->h.nlmsg_len > sizeof(*r))
		fatal("netlink request of %u bytes", r->h.nlmsg_len);
	return at;
}

/* A request with the fixed part its type begins with. */
static void *request(struct request *r, int type, int flags, size_t len)
{
	memset(r, 0, sizeof(*r));
	r->h.nlmsg_len = NLMSG_HDRLEN;
	r->h.nlmsg_type = type;
	r->h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	return append(r, len);
}

static struct rtattr *attr(struct request *r, int type, const void *data, size_t len)
{
	struct rtattr *a = append(r, RTA_LENGTH(len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	return a;
}

/* What was appended since attr(r, type, NULL, 0) made it belongs into it. */
static void nest_end(struct request *r, struct rtattr *nest)
{
	nest->rta_len = (char *)r + r->h.nlmsg_len - (char *)nest;
}

static void attr_addr(struct request *r, int type, const union sa *a)
{
	if (a->sa.sa_family == AF_INET)
		attr(r, type, &a->in.sin_addr, sizeof(a->in.sin_addr));
	else
		attr(r, type, &a->in6.sin6_addr, sizeof(a->in6.sin6_addr));
}

/* Asks the kernel and reads its verdict; what says what for. */
static void ask(struct request *r, const char *what)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char room[256];
	} answer;

	if (fd < 0 || send(fd, r, r->h.nlmsg_len, 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(answer.e)) ||
	    answer.h.nlmsg_type != NLMSG_ERROR)
		fatal("rtnetlink: %s", what);
	close(fd);
	errno = -answer.e.error;
	if (errno)
		fatal("rtnetlink: %s", what);
}

static int ifindex(const char *dev)
{
	int n = if_nametoindex(dev);

	if (!n)
		fatal("no device %s", dev);
	return n;
}

/* ------------------------------------------------------------- devices */

void link_set(const char *dev, bool up)
{
	struct request r;
	struct ifinfomsg *i = request(&r, RTM_NEWLINK, 0, sizeof(*i));

	i->ifi_index = ifindex(dev);
	i->ifi_flags = up ? IFF_UP : 0;
	i->ifi_change = IFF_UP;
	ask(&r, dev);
}

void link_del(const char *dev)
{
	struct request r;
	struct ifinfomsg *i = request(&r, RTM_DELLINK, 0, sizeof(*i));

	i->ifi_index = ifindex(dev);
	ask(&r, dev);
}

static void attr_device(struct request *r, const char *name, const uint8_t mac[6])
{
	attr(r, IFLA_IFNAME, name, strlen(name) + 1);
	attr(r, IFLA_ADDRESS, mac, 6);
}

void veth_add(const char *dev, const uint8_t mac[6],
	      const char *peer, const uint8_t peer_mac[6], int peer_ns)
{
	struct rtattr *info, *data, *end;
	struct request r;

	request(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	attr_device(&r, dev, mac);
	info = attr(&r, IFLA_LINKINFO, NULL, 0);
	attr(&r, IFLA_INFO_KIND, "veth", 4);
	data = attr(&r, IFLA_INFO_DATA, NULL, 0);
	end = attr(&r, VETH_INFO_PEER, NULL, 0);
	memset(append(&r, sizeof(struct ifinfomsg)), 0, sizeof(struct ifinfomsg));
	attr_device(&r, peer, peer_mac);
	attr(&r, IFLA_NET_NS_FD, &peer_ns, sizeof(peer_ns));
	nest_end(&r, end);
	nest_end(&r, data);
	nest_end(&r, info);
	ask(&r, "veth");
}

/* ------------------------------------------- addresses, neighbours, routes */

void addr_add(const char *dev, union sa a, int prefix)
{
	struct request r;
	struct ifaddrmsg *i = request(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*i));

	i->ifa_family = a.sa.sa_family;
	i->ifa_prefixlen = prefix;
	i->ifa_index = ifindex(dev);
	i->ifa_flags = a.sa.sa_family == AF_INET6 ? IFA_F_NODAD : 0;
	attr_addr(&r, IFA_LOCAL, &a);
	attr_addr(&r, IFA_ADDRESS, &a);
	ask(&r, "address");
}

void neigh_add(const char *dev, union sa a, const uint8_t mac[6])
{
	struct request r;
	struct ndmsg *n = request(&r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*n));

	n->ndm_family = a.sa.sa_family;
	n->ndm_ifindex = ifindex(dev);
	n->ndm_state = NUD_PERMANENT;
	attr_addr(&r, NDA_DST, &a);
	attr(&r, NDA_LLADDR, mac, 6);
	ask(&r, "neighbour");
}

void route_add(union sa to, int prefix, int type, const union sa *via)
{
	struct request r;
	struct rtmsg *m = request(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*m));
	int lo = 1;		/* the index it has in every namespace */

	m->rtm_family = to.sa.sa_family;
	m->rtm_dst_len = prefix;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_scope = via || type != RTN_UNICAST ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	m->rtm_type = type;
	if (prefix)
		attr_addr(&r, RTA_DST, &to);
	if (via)
		attr_addr(&r, RTA_GATEWAY, via);
	else if (type == RTN_UNICAST)
		attr(&r, RTA_OIF, &lo, sizeof(lo));
	ask(&r, "route");
}

/* ---------------------------------------------------------- namespaces */

void new_netns(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		fatal("unshare(CLONE_NEWNET)");
	link_set("lo", true);
}

int netns_fd(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fatal("/proc/thread-self/ns/net");
	return fd;
}

void env_enter(const struct env *e, enum side side)
{
	if (setns(e->ns[side], CLONE_NEWNET) < 0)
		fatal("setns");
}

void sysctl_set(const struct env *e, enum side side, const char *name, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	env_enter(e, side);
	if (!put_file(path, value))
		fatal("%s", path);
	env_enter(e, CLIENT);
}

/* Each side's address of a family on the veth: 10.7.0.1 and .2, fd07::1 and ::2. */
union sa veth_addr(int af, enum side side)
{
	union sa a = sa_any(af, 0);

	if (af == AF_INET)
		a.in.sin_addr.s_addr = htonl(0x0a070001 + side);
	else
		a.in6.sin6_addr = (struct in6_addr){ { { 0xfd, 7, [15] = 1 + side } } };
	return a;
}

/* A UDP socket of a side, connected to the other side's port 9. */
static int probe_socket(const struct env *e, enum side side)
{
	union sa from = env_addr(e, side, 9), to = env_addr(e, !side, 9);
	int fd;

	env_enter(e, side);
	fd = socket(e->fam->af, SOCK_DGRAM, 0);
	if (do_bind(fd, from) || do_connect(fd, to))
		fatal("no address on veth");
	return fd;
}

/*
 * Sends datagrams both ways until each side has heard the other: a device that
 * has just got its carrier drops packets until a worker has seen that.
 */
static void await_path(const struct env *e)
{
	int fd[2] = { probe_socket(e, CLIENT), probe_socket(e, SERVER) };
	int64_t end = now_ms() + PATIENCE;
	enum side s;
	char c;

	for (s = CLIENT; s <= SERVER; s++) {
		for (;;) {
			(void)!send(fd[s], "?", 1, 0);
			if (recv(fd[!s], &c, 1, MSG_DONTWAIT) == 1)
				break;
			if (now_ms() > end)
				fatal("no path over veth");
			breathe();
		}
	}
	close(fd[CLIENT]);
	close(fd[SERVER]);
}

/*
 * client 10.7.0.1, fd07::1 [c] ---- veth ---- [s] server 10.7.0.2, fd07::2
 * The neighbours are told to each other: no packet waits for, or is lost to,
 * their asking.
 */
void veth_lay(const struct env *e)
{
	static const uint8_t mac[2][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };
	static const char *const dev[2] = { "c", "s" };
	enum side side;

	env_enter(e, CLIENT);
	veth_add(dev[CLIENT], mac[CLIENT], dev[SERVER], mac[SERVER], e->ns[SERVER]);
	for (side = CLIENT; side <= SERVER; side++) {
		env_enter(e, side);
		link_set(dev[side], true);
		addr_add(dev[side], veth_addr(AF_INET, side), 24);
		addr_add(dev[side], veth_addr(AF_INET6, side), 64);
		neigh_add(dev[side], veth_addr(e->fam->af, !side), mac[!side]);
	}
	await_path(e);
	env_enter(e, CLIENT);
}
