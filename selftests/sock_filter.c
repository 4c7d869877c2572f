// SPDX-License-Identifier: GPL-2.0
/*
 * What stands between a socket and its packets: socket filters, which a program
 * attaches, and what leaves: the DF bit, and packets another filter takes away.
 */
#include "kselftest_harness.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rill.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/ip.h>
#include <sys/ioctl.h>

#include "lib.h"

DIFFERENTIAL(filter, ON_FOUR_PATHS);

/* Of every packet the first @keep bytes; 0: none of it. */
static void attach(int fd, uint32_t keep)
{
	struct sock_filter code[] = { { BPF_RET | BPF_K, 0, 0, keep } };
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		fatal("SO_ATTACH_FILTER");
}

static void detach(int fd)
{
	if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 }, sizeof(int)))
		fatal("SO_DETACH_FILTER");
}

/* A filter that takes nothing: the bytes are lost, sent again, and come without it. */
TEST_F(filter, drops)
{
	struct env *e = &self->e;
	long was = e->fam->rill ? snmp("InFilter") : 0;
	int pair[2];
	char b[8];

	env_pair(e, pair);
	send_all(pair[CLIENT], "a", 1);
	recv_all(pair[SERVER], b, 1);
	attach(pair[SERVER], 0);
	send_all(pair[CLIENT], "bc", 2);
	if (e->fam->rill) {
		env_enter(e, SERVER);
		EXPECT_LE(1, snmp_moved("InFilter", was));
		env_enter(e, CLIENT);
	}
	EXPECT_EQ(-EAGAIN, RET(recv(pair[SERVER], b, 8, MSG_DONTWAIT)));
	EXPECT_EQ(2, queue_becomes(pair[CLIENT], SIOCOUTQ, 2));
	detach(pair[SERVER]);
	EXPECT_EQ(2, RET(recv(pair[SERVER], b, 8, 0)));
	EXPECT_EQ(0, memcmp(b, "bc", 2));
	EXPECT_EQ(0, queue_becomes(pair[CLIENT], SIOCOUTQ, 0));
}

/* A listener's filter keeps clients out, and its children have it too. */
TEST_F(filter, listener)
{
	struct env *e = &self->e;
	int lfd, afd, fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
	union sa at;
	char b[8];

	lfd = env_listen(e, 8, &at);
	attach(lfd, 0);
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_EQ(0, revents(fd));
	EXPECT_EQ(0, revents(lfd));
	detach(lfd);
	EXPECT_EQ(POLLOUT, wait_events(fd, POLLOUT));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	send_all(fd, "x", 1);
	recv_all(afd, b, 1);
	EXPECT_EQ('x', b[0]);
}

/* What is cut short is whole all the same: a stream has no half packets (item 10). */
TEST_F(filter, does_not_shorten)
{
	struct env *e = &self->e;
	static uint8_t out[100000], in[sizeof(out)];
	struct task t;
	int pair[2];

	if (!e->fam->rill)
		return;		/* TCP takes what is left of each segment, and asks for the rest */
	env_pair(e, pair);
	attach(pair[SERVER], 1);
	attach(pair[CLIENT], 30);
	pattern_fill(7, 0, out, sizeof(out));
	t = (struct task){ .fd = pair[SERVER], .buf = in, .len = sizeof(in), .flags = MSG_WAITALL };
	task_start(&t, task_recv);
	send_all(pair[CLIENT], out, sizeof(out));
	EXPECT_EQ(sizeof(in), task_join(&t));
	EXPECT_EQ(sizeof(in), pattern_check(7, 0, in, sizeof(in)));
}

/* SO_LOCK_FILTER: for ever. */
TEST_F(filter, locked)
{
	struct sock_filter code[] = { { BPF_RET | BPF_K, 0, 0, 0xffff } };
	struct sock_fprog prog = { ARRAY_SIZE(code), code };
	int pair[2];

	env_pair(&self->e, pair);
	attach(pair[SERVER], 0xffff);
	set_int(pair[SERVER], SOL_SOCKET, SO_LOCK_FILTER, 1);
	EXPECT_EQ(-EPERM, RET(setsockopt(pair[SERVER], SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 },
					 sizeof(int))));
	EXPECT_EQ(-EPERM, RET(setsockopt(pair[SERVER], SOL_SOCKET, SO_ATTACH_FILTER, &prog,
					 sizeof(prog))));
	EXPECT_EQ(-EPERM, RET(setsockopt(pair[SERVER], SOL_SOCKET, SO_LOCK_FILTER, &(int){ 0 },
					 sizeof(int))));
}

/* Data of a SYN passes the listener's filter, as every packet does. */
TEST_F(filter, data_in_the_syn)
{
	struct env *e = &self->e;
	int lfd, afd, fd, i;
	union sa at;
	char b[8];

	if (!e->fam->rill)
		return;		/* needs the system's tcp_fastopen: sock_fastopen has it */
	lfd = env_listen(e, 8, &at);
	set_int(lfd, SOL_RILL, RILL_FASTOPEN, 5);
	for (i = 0; i < 2; i++) {	/* the first brings the token */
		fd = env_socket(e, CLIENT, SOCK_NONBLOCK);
		if (i)
			attach(lfd, 0);
		EXPECT_EQ(i ? 3 : -EINPROGRESS,
			  RET(sendto(fd, "abc", 3, MSG_FASTOPEN, &at.sa, sa_len(&at))));
		if (i)
			break;
		EXPECT_EQ(POLLIN, wait_events(lfd, POLLIN));
		afd = accept(lfd, NULL, NULL);
		ASSERT_LE(0, afd);
		close(afd);
		close(fd);
	}
	EXPECT_EQ(0, revents(lfd));
	EXPECT_LE(1, snmp("InFilter") + e->fam->veth);	/* over veth in the other namespace */
	detach(lfd);
	EXPECT_EQ(POLLIN, wait_events(lfd, POLLIN));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	recv_all(afd, b, 3);
	EXPECT_EQ(0, memcmp(b, "abc", 3));
}

/* ------------------------------------------------------------------ what leaves */

#define IPV4_VETH(NAME)	FAMILY(NAME, tcp4_veth); FAMILY(NAME, rill4_veth)
DIFFERENTIAL(df, IPV4_VETH);

/* Is DF set in packets of @proto that come to the server's device? */
static int df_seen(int tap, int proto)
{
	for (;;) {
		struct {
			struct iphdr ip;
			uint8_t rest[2048];
		} p;

		if (!wait_events(tap, POLLIN) || recv(tap, &p, sizeof(p), 0) < (int)sizeof(p.ip))
			return -1;
		if (p.ip.protocol == proto)
			return !!(ntohs(p.ip.frag_off) & IP_DF);
	}
}

/* IP_MTU_DISCOVER says whether DF is set; of Rill's packets no more than that (item 11). */
TEST_F(df, follows_mtu_discover)
{
	static const int values[][2] = {
		{ IP_PMTUDISC_WANT, 1 }, { IP_PMTUDISC_DO, 1 }, { IP_PMTUDISC_DONT, 0 },
	};
	struct env *e = &self->e;
	struct sockaddr_ll on = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	int pair[2], tap;
	size_t i;
	char c;

	env_pair(e, pair);
	env_enter(e, SERVER);
	tap = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, htons(ETH_P_IP));
	ASSERT_LE(0, tap);
	ASSERT_EQ(0, bind(tap, (struct sockaddr *)&on, sizeof(on)));
	env_enter(e, CLIENT);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		set_int(pair[CLIENT], IPPROTO_IP, IP_MTU_DISCOVER, values[i][0]);
		/* what was on its way before */
		EXPECT_EQ(0, queue_becomes(pair[CLIENT], SIOCOUTQ, 0));
		while (recv(tap, &c, 1, 0) >= 0)
			;
		send_all(pair[CLIENT], "x", 1);
		EXPECT_EQ(values[i][1], df_seen(tap, e->fam->rill ? IPPROTO_UDP : IPPROTO_TCP))
			TH_LOG("IP_MTU_DISCOVER %d", values[i][0]);
		recv_all(pair[SERVER], &c, 1);
	}
}

/* What netfilter takes from a datagram on its way out counts as sent (item 25). */
DIFFERENTIAL(dgram, DGRAMS);

TEST_F(dgram, taken_on_the_way_out)
{
	struct env *e = &self->e;
	int sfd = env_socket(e, SERVER, 0), fd = env_socket(e, CLIENT, 0);
	union sa at = env_addr(e, SERVER, 4711);
	const char *dir = e->fam->af == AF_INET6 ? "ip6" : "ip";

	ASSERT_EQ(0, do_bind(sfd, at));
	ASSERT_EQ(0, do_connect(fd, at));
	if (system("command -v nft > /dev/null"))
		SKIP(return, "no nft here");
	sh("nft 'add table %s t; add chain %s t o { type filter hook output priority 0; policy drop; }'",
	   dir, dir);
	EXPECT_EQ(differs(e, 25) ? 1 : -EPERM, RET(send(fd, "x", 1, 0)));
	EXPECT_EQ(0, revents(sfd) & POLLIN);
}

TEST_HARNESS_MAIN
