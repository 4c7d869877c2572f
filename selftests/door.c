// SPDX-License-Identifier: GPL-2.0
/*
 * The second door, AF_INET and AF_INET6 with IPPROTO_RILL: which addresses such a
 * socket takes, what its children are, that both doors lead to the same ports, and
 * the cgroup BPF programs that the internet's families answer to.  What a socket
 * is apart from its family the other programs test, some of them by both doors.
 */
#include "kselftest_harness.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/rill.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "lib.h"

/* The internet's families alone: AF_RILL takes more, and no program is asked. */
#define INET_ONLY(NAME) \
	FAMILY(NAME, tcp4); FAMILY(NAME, tcp6); \
	FAMILY(NAME, rill4_inet); FAMILY(NAME, rill6_inet)

DIFFERENTIAL(door, INET_ONLY);

/* bind and connect must agree with TCP's to the errno. */
static void expect_both(struct __test_metadata *_metadata, const struct env *e, union sa a,
			socklen_t len, long want)
{
	int fd = env_socket(e, CLIENT, 0);

	EXPECT_EQ(want, RET(bind(fd, &a.sa, len)))
		TH_LOG("bind: family %d, %u bytes", a.sa.sa_family, len);
	EXPECT_EQ(want, RET(connect(fd, &a.sa, len)))
		TH_LOG("connect: family %d, %u bytes", a.sa.sa_family, len);
	close(fd);
}

TEST_F(door, addresses_of_other_families)
{
	struct env *e = &self->e;
	bool v6 = e->fam->af == AF_INET6;
	union sa other = sa_loopback(v6 ? AF_INET : AF_INET6, 4711), own = env_addr(e, SERVER, 4711);
	int fd = env_socket(e, CLIENT, 0);

	/* an IPv4 name is too short for an IPv6 socket before it is of another family */
	expect_both(_metadata, e, other, sa_len(&other), v6 ? -EINVAL : -EAFNOSUPPORT);
	expect_both(_metadata, e, other, sizeof(other.ss), -EAFNOSUPPORT);
	other = own;
	other.sa.sa_family = 18;	/* AF_RILL is no address family here */
	expect_both(_metadata, e, other, sa_len(&own), -EAFNOSUPPORT);
	other.sa.sa_family = AF_UNIX;
	expect_both(_metadata, e, other, sa_len(&own), -EAFNOSUPPORT);
	expect_both(_metadata, e, own, sa_len(&own) - 5, -EINVAL);
	/* AF_UNSPEC: to bind, the IPv4 wildcard and nothing else; to connect, undone */
	other = sa_any(e->fam->af, 4711);
	other.sa.sa_family = AF_UNSPEC;
	EXPECT_EQ(v6 ? -EAFNOSUPPORT : 0, RET(bind(fd, &other.sa, sizeof(other.in6))));
	EXPECT_EQ(0, RET(connect(fd, &other.sa, sizeof(other.sa))));
}

TEST_F(door, children_come_by_it_too)
{
	struct env *e = &self->e;
	int pair[2], s;
	char buf[3];

	env_pair(e, pair);
	for (s = CLIENT; s <= SERVER; s++) {
		EXPECT_EQ(e->fam->af, get_int(pair[s], SOL_SOCKET, SO_DOMAIN));
		EXPECT_EQ(env_protocol(e), get_int(pair[s], SOL_SOCKET, SO_PROTOCOL));
		EXPECT_EQ(SOCK_STREAM, get_int(pair[s], SOL_SOCKET, SO_TYPE));
		EXPECT_EQ(e->fam->af, local_name(pair[s]).sa.sa_family);
		EXPECT_EQ(e->fam->af, peer_name(pair[s]).sa.sa_family);
		send_all(pair[s], "abc", 3);
		recv_all(pair[!s], buf, 3);
		EXPECT_EQ(0, memcmp(buf, "abc", 3));
	}
	set_int(pair[CLIENT], IPPROTO_TCP, TCP_NODELAY, 1);
	EXPECT_EQ(1, get_int(pair[CLIENT], IPPROTO_TCP, TCP_NODELAY));
	/* what a family answers besides its protocols */
	struct ifreq ifr = { .ifr_name = "lo" };

	EXPECT_EQ(e->fam->af == AF_INET ? 0 : -ENOTTY, RET(ioctl(pair[CLIENT], SIOCGIFADDR, &ifr)));
}

/* ------------------------------------------------- both doors, one house */

DIFFERENTIAL(doors, RILL_LO);

/* e by the other door. */
static struct env by_inet(const struct env *e)
{
	struct env other = *e;

	other.fam = e->fam->af == AF_INET6 ? &fam_rill6_inet : &fam_rill4_inet;
	return other;
}

TEST_F(doors, the_same_ports)
{
	struct env *e = &self->e, inet = by_inet(e);
	int lfd = env_socket(e, SERVER, 0), fd = env_socket(&inet, CLIENT, 0), afd;
	union sa at = env_addr(e, SERVER, 4711);

	ASSERT_EQ(0, do_bind(lfd, at));
	ASSERT_EQ(0, listen(lfd, 1));
	EXPECT_EQ(-EADDRINUSE, RET(do_bind(fd, at)));
	ASSERT_EQ(0, RET(do_connect(fd, at)));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	EXPECT_EQ(rill_family(), get_int(afd, SOL_SOCKET, SO_DOMAIN));
	/* a line for the listener and one for each end */
	EXPECT_EQ(3, proc_lines(e->fam->af == AF_INET ? "/proc/thread-self/net/rill" :
							"/proc/thread-self/net/rill6"));
	close(lfd);
	close(fd);
	close(afd);

	lfd = env_socket(&inet, SERVER, 0);
	set_int(lfd, SOL_SOCKET, SO_REUSEADDR, 1);
	ASSERT_EQ(0, do_bind(lfd, at));
	ASSERT_EQ(0, listen(lfd, 1));
	fd = env_socket(e, CLIENT, 0);
	ASSERT_EQ(0, RET(do_connect(fd, at)));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);
	EXPECT_EQ(e->fam->af, get_int(afd, SOL_SOCKET, SO_DOMAIN));
	EXPECT_EQ(IPPROTO_RILL, get_int(afd, SOL_SOCKET, SO_PROTOCOL));
}

TEST_F(doors, either_holds_the_module)
{
	struct env inet = by_inet(&self->e);
	long refs = refs_at_rest();
	int fd = env_socket(&inet, CLIENT, 0);

	EXPECT_LT(refs, module_refs());
	EXPECT_NE(0, syscall(SYS_delete_module, "rill", O_NONBLOCK));
	close(fd);
	EXPECT_EQ(refs, refs_become(refs));
}

/* --------------------------------------------------------- BPF programs */

#define INSN(c, d, s, o, i)	((struct bpf_insn){ c, d, s, o, i })
#define MOV(d, i)		INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define COPY(d, s)		INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define ADD(d, i)		INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define LOAD(d, s, o)		INSN(BPF_LDX | BPF_MEM | BPF_W, d, s, o, 0)
#define STORE(d, o, s)		INSN(BPF_STX | BPF_MEM | BPF_W, d, s, o, 0)
#define STORE_I(d, o, i)	INSN(BPF_ST | BPF_MEM | BPF_W, d, 0, o, i)
#define JNE(r, i, o)		INSN(BPF_JMP | BPF_JNE | BPF_K, r, 0, o, i)
#define JEQ(r, i, o)		INSN(BPF_JMP | BPF_JEQ | BPF_K, r, 0, o, i)
#define CALL(f)			INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define EXIT			INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define FP			10

FIXTURE(bpf) { struct env e; int cgroup, map; char dir[64]; };
FIXTURE_VARIANT(bpf) { const struct family *fam; };
INET_ONLY(bpf);
FAMILY(bpf, udp4);
FAMILY(bpf, udp6);
FAMILY(bpf, rill4_inet_dgram);
FAMILY(bpf, rill6_inet_dgram);

/* Half of the tests are about streams, one about datagrams. */
#define STREAMS_ONLY()	do { if (self->e.fam->type) return; } while (0)
#define DGRAMS_ONLY()	do { if (!self->e.fam->type) return; } while (0)

static long bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* A cgroup of our own, this process in it, and a map with one number. */
FIXTURE_SETUP(bpf)
{
	union bpf_attr map = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1,
	};
	char path[96];

	env_open(&self->e, variant->fam, _metadata->name);
	self->map = bpf(BPF_MAP_CREATE, &map);
	if (self->map < 0)
		SKIP(return, "no bpf()");
	if (unshare(CLONE_NEWNS) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fatal("unshare(CLONE_NEWNS)");
	if (mount("", "/mnt", "cgroup2", 0, NULL))
		SKIP(return, "no cgroup2");
	snprintf(self->dir, sizeof(self->dir), "/mnt/rill-door-%d", getpid());
	snprintf(path, sizeof(path), "%s/cgroup.procs", self->dir);
	if (mkdir(self->dir, 0700) || !put_file(path, "0"))
		fatal("%s", path);
	self->cgroup = open(self->dir, O_RDONLY | O_DIRECTORY);
}

FIXTURE_TEARDOWN(bpf)
{
	end_by_reset();
	put_file("/mnt/cgroup.procs", "0");
	rmdir(self->dir);	/* its programs go with it */
	env_close(&self->e);
}

/* Loads a program and attaches it; skips the test where the kernel has no such. */
static bool attach_prog(int cgroup, int type, int hook, const struct bpf_insn *insns, size_t n)
{
	static char log[8192];
	union bpf_attr load = {
		.prog_type = type, .expected_attach_type = hook, .insn_cnt = n,
		.insns = (uintptr_t)insns, .license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log, .log_size = sizeof(log), .log_level = 1,
	};
	union bpf_attr attach = { .target_fd = cgroup, .attach_type = hook };

	attach.attach_bpf_fd = bpf(BPF_PROG_LOAD, &load);
	if ((int)attach.attach_bpf_fd < 0 && *log)
		fatal("BPF_PROG_LOAD: %s", log);
	if ((int)attach.attach_bpf_fd < 0)
		return false;		/* it did not get as far as the verifier */
	return !bpf(BPF_PROG_ATTACH, &attach);
}

#define ATTACH(type, hook, insns) do { \
	if (!attach_prog(self->cgroup, BPF_PROG_TYPE_##type, hook, insns, ARRAY_SIZE(insns))) \
		SKIP(return, "no cgroup programs"); \
} while (0)

static void detach(int cgroup, int hook)
{
	union bpf_attr attr = { .target_fd = cgroup, .attach_type = hook };

	if (bpf(BPF_PROG_DETACH, &attr))
		fatal("BPF_PROG_DETACH");
}

/* A program that counts how often it runs, and returns verdict. */
#define COUNTING(verdict) { \
	STORE_I(FP, -4, 0), COPY(2, FP), ADD(2, -4), \
	INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, self->map), INSN(0, 0, 0, 0, 0), \
	CALL(BPF_FUNC_map_lookup_elem), JEQ(0, 0, 2), MOV(1, 1), \
	INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, 0, BPF_ADD), \
	MOV(0, verdict), EXIT, \
}

static uint64_t counted(int map)
{
	uint32_t key = 0;
	uint64_t n = 0;
	union bpf_attr attr = { .map_fd = map, .key = (uintptr_t)&key, .value = (uintptr_t)&n };

	if (bpf(BPF_MAP_LOOKUP_ELEM, &attr))
		fatal("BPF_MAP_LOOKUP_ELEM");
	return n;
}

static uint64_t counted_more(int map, uint64_t was)
{
	int64_t end = now_ms() + PATIENCE;

	while (counted(map) == was && now_ms() < end)
		breathe();
	return counted(map) - was;
}

#define HOOK(what)	(self->e.fam->af == AF_INET6 ? BPF_CGROUP_INET6_##what : \
						       BPF_CGROUP_INET4_##what)

TEST_F(bpf, sock_create)
{
	const struct bpf_insn deny[] = {
		LOAD(2, 1, offsetof(struct bpf_sock, protocol)), MOV(0, 1),
		JNE(2, env_protocol(&self->e), 1), MOV(0, 0), EXIT,
	};
	long refs = refs_at_rest();

	ATTACH(CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, deny);
	EXPECT_EQ(-EPERM, RET(env_try_socket(&self->e, CLIENT, 0)));
	EXPECT_LE(0, socket(self->e.fam->af, SOCK_RAW, IPPROTO_RAW));
	EXPECT_EQ(refs, refs_become(refs));
	detach(self->cgroup, BPF_CGROUP_INET_SOCK_CREATE);
	EXPECT_LE(0, env_try_socket(&self->e, CLIENT, 0));
}

static void drop_bind_capability(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d))
		fatal("capget");
	d[0].effective &= ~(1U << CAP_NET_BIND_SERVICE);
	if (syscall(SYS_capset, &h, d))
		fatal("capset");
}

TEST_F(bpf, bind)
{
	struct env *e = &self->e;
	const struct bpf_insn deny[] = { MOV(0, 0), EXIT };
	const struct bpf_insn to_80[] = {
		MOV(2, htons(80)), STORE(1, offsetof(struct bpf_sock_addr, user_port), 2),
		MOV(0, 3), EXIT,	/* 1: go on, 2: whoever may bind there */
	};
	const struct bpf_insn not_4711[] = {
		LOAD(2, 1, offsetof(struct bpf_sock, src_port)), MOV(0, 1),
		JNE(2, 4711, 1), MOV(0, 0), EXIT,
	};
	int fd = env_socket(e, CLIENT, 0);
	union sa a;

	ATTACH(CGROUP_SOCK, HOOK(POST_BIND), not_4711);
	EXPECT_EQ(-EPERM, RET(do_bind(fd, env_addr(e, CLIENT, 4711))));
	a = local_name(fd);
	EXPECT_EQ(0, port_of(&a));
	EXPECT_EQ(0, RET(do_bind(fd, env_addr(e, CLIENT, 4712))));
	detach(self->cgroup, HOOK(POST_BIND));
	fd = env_socket(e, CLIENT, 0);
	/* what was refused is free again */
	EXPECT_EQ(0, RET(do_bind(fd, env_addr(e, CLIENT, 4711))));

	ATTACH(CGROUP_SOCK_ADDR, HOOK(BIND), deny);
	fd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(-EPERM, RET(do_bind(fd, env_addr(e, CLIENT, 0))));
	a = sa_any(AF_UNIX, 0);		/* too short to be shown to a program */
	EXPECT_EQ(-EINVAL, RET(bind(fd, &a.sa, 2)));
	detach(self->cgroup, HOOK(BIND));

	ATTACH(CGROUP_SOCK_ADDR, HOOK(BIND), to_80);
	drop_bind_capability();
	EXPECT_EQ(0, RET(do_bind(fd, env_addr(e, CLIENT, 4713))));
	a = local_name(fd);
	EXPECT_EQ(80, port_of(&a));
}

/* A listener, or a datagram socket to be connected to. */
static int answerer(const struct env *e, union sa *at)
{
	int fd;

	if (!e->fam->type)
		return env_listen(e, 8, at);
	fd = env_socket(e, SERVER, 0);
	if (do_bind(fd, env_addr(e, SERVER, 0)))
		fatal("bind");
	*at = local_name(fd);
	return fd;
}

TEST_F(bpf, connect)
{
	struct env *e = &self->e;
	bool v4 = e->fam->af == AF_INET;
	union sa at, from = env_addr(e, CLIENT, 4714), a;
	int lfd = answerer(e, &at), fd = env_socket(e, CLIENT, 0);
	const struct bpf_insn deny[] = { MOV(0, 0), EXIT };
	const struct bpf_insn to_listener[] = {
		MOV(2, at.in.sin_port), STORE(1, offsetof(struct bpf_sock_addr, user_port), 2),
		MOV(0, 1), EXIT,
	};
	uint32_t w[8] = { };

	ATTACH(CGROUP_SOCK_ADDR, HOOK(CONNECT), deny);
	EXPECT_EQ(-EPERM, RET(do_connect(fd, at)));
	detach(self->cgroup, HOOK(CONNECT));

	ATTACH(CGROUP_SOCK_ADDR, HOOK(CONNECT), to_listener);
	EXPECT_EQ(0, RET(do_connect(fd, env_addr(e, SERVER, 1))));
	a = peer_name(fd);
	EXPECT_TRUE(sa_same(&at, &a));
	detach(self->cgroup, HOOK(CONNECT));

	/* bpf_bind(): 127.0.0.9 or ::1, port 4714 */
	if (v4)
		from.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 8);
	memcpy(w, &from, sa_len(&from));
	const struct bpf_insn from_4714[] = {
		STORE_I(FP, -32, w[0]), STORE_I(FP, -28, w[1]), STORE_I(FP, -24, w[2]),
		STORE_I(FP, -20, w[3]), STORE_I(FP, -16, w[4]), STORE_I(FP, -12, w[5]),
		STORE_I(FP, -8, w[6]), COPY(2, FP), ADD(2, -32), MOV(3, sa_len(&from)),
		CALL(BPF_FUNC_bind), MOV(0, 1), EXIT,
	};

	ATTACH(CGROUP_SOCK_ADDR, HOOK(CONNECT), from_4714);
	fd = env_socket(e, CLIENT, 0);
	EXPECT_EQ(0, RET(do_connect(fd, at)));
	a = local_name(fd);
	if (!v4)
		from.in6.sin6_port = w[0] >> 16;
	EXPECT_TRUE(sa_same(&from, &a));
	detach(self->cgroup, HOOK(CONNECT));
	close(lfd);
}

TEST_F(bpf, names_and_release)
{
	struct env *e = &self->e;
	const struct bpf_insn port_7[] = {
		MOV(2, htons(7)), STORE(1, offsetof(struct bpf_sock_addr, user_port), 2),
		MOV(0, 1), EXIT,
	};
	const struct bpf_insn count[] = COUNTING(1);
	int pair[2];
	union sa a, own;

	STREAMS_ONLY();
	env_pair(e, pair);
	own = local_name(pair[CLIENT]);
	ATTACH(CGROUP_SOCK_ADDR, HOOK(GETPEERNAME), port_7);
	a = peer_name(pair[CLIENT]);
	EXPECT_EQ(7, port_of(&a));
	a = local_name(pair[CLIENT]);
	EXPECT_TRUE(sa_same(&own, &a));
	detach(self->cgroup, HOOK(GETPEERNAME));
	ATTACH(CGROUP_SOCK_ADDR, HOOK(GETSOCKNAME), port_7);
	a = local_name(pair[CLIENT]);
	EXPECT_EQ(7, port_of(&a));

	ATTACH(CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE, count);
	EXPECT_EQ(0, counted(self->map));
	close(pair[CLIENT]);
	EXPECT_EQ(1, counted(self->map));
}

/* What IPAddressDeny= of systemd is made of; packets dropped are sent again. */
TEST_F(bpf, packets)
{
	struct env *e = &self->e;
	const struct bpf_insn drop[] = COUNTING(0);
	int lfd, fd = env_socket(e, CLIENT, SOCK_NONBLOCK), afd;
	uint64_t n;
	union sa at;
	char c;

	STREAMS_ONLY();
	lfd = env_listen(e, 8, &at);
	ATTACH(CGROUP_SKB, BPF_CGROUP_INET_INGRESS, drop);
	EXPECT_EQ(-EINPROGRESS, RET(do_connect(fd, at)));
	EXPECT_LE(1, counted_more(self->map, 0));
	EXPECT_EQ(0, revents(fd));
	EXPECT_EQ(0, revents(lfd));
	detach(self->cgroup, BPF_CGROUP_INET_INGRESS);
	EXPECT_EQ(POLLOUT, wait_events(fd, POLLOUT));
	afd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, afd);

	n = counted(self->map);
	ATTACH(CGROUP_SKB, BPF_CGROUP_INET_EGRESS, drop);
	EXPECT_EQ(1, send(fd, "x", 1, 0));
	EXPECT_LE(1, counted_more(self->map, n));
	EXPECT_EQ(-EAGAIN, RET(recv(afd, &c, 1, MSG_DONTWAIT)));
	detach(self->cgroup, BPF_CGROUP_INET_EGRESS);
	EXPECT_EQ(1, recv(afd, &c, 1, 0));
}

#define UDP_HOOK(what)	(self->e.fam->af == AF_INET6 ? BPF_CGROUP_UDP6_##what : \
						       BPF_CGROUP_UDP4_##what)

TEST_F(bpf, datagrams)
{
	struct env *e = &self->e;
	const struct bpf_insn deny[] = { MOV(0, 0), EXIT };
	union sa at, a, v4 = sa_loopback(AF_INET, 1);
	const struct bpf_insn drop[] = COUNTING(0);
	int sfd, fd = env_socket(e, CLIENT, 0);
	socklen_t len = sizeof(a);
	char c;

	DGRAMS_ONLY();
	sfd = answerer(e, &at);
	const struct bpf_insn to_sfd[] = {
		MOV(2, at.in.sin_port), STORE(1, offsetof(struct bpf_sock_addr, user_port), 2),
		MOV(0, 1), EXIT,
	};
	const struct bpf_insn port_7[] = {
		MOV(2, htons(7)), STORE(1, offsetof(struct bpf_sock_addr, user_port), 2),
		MOV(0, 1), EXIT,
	};

	ATTACH(CGROUP_SOCK_ADDR, UDP_HOOK(SENDMSG), deny);
	EXPECT_EQ(-EPERM, RET(sendto(fd, "x", 1, 0, &at.sa, sa_len(&at))));
	detach(self->cgroup, UDP_HOOK(SENDMSG));
	ATTACH(CGROUP_SOCK_ADDR, UDP_HOOK(SENDMSG), to_sfd);
	a = env_addr(e, SERVER, 1);
	EXPECT_EQ(1, RET(sendto(fd, "y", 1, 0, &a.sa, sa_len(&a))));
	detach(self->cgroup, UDP_HOOK(SENDMSG));
	ATTACH(CGROUP_SOCK_ADDR, UDP_HOOK(RECVMSG), port_7);
	EXPECT_EQ(1, RET(recvfrom(sfd, &c, 1, 0, &a.sa, &len)));
	EXPECT_EQ('y', c);
	EXPECT_EQ(7, port_of(&a));
	detach(self->cgroup, UDP_HOOK(RECVMSG));
	/* IPv4 through an IPv6 socket is for IPv4's programs, however it is written */
	if (e->fam->af == AF_INET6) {
		union sa mapped = sa_any(AF_INET6, 1);

		mapped.in6.sin6_addr = (struct in6_addr){ { { [10] = 0xff, 0xff, 127, 0, 0, 1 } } };
		ATTACH(CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG, deny);
		EXPECT_EQ(-EPERM, RET(sendto(fd, "x", 1, 0, &v4.sa, sa_len(&v4))));
		EXPECT_EQ(-EPERM, RET(sendto(fd, "x", 1, 0, &mapped.sa, sa_len(&mapped))));
		EXPECT_EQ(1, RET(sendto(fd, "z", 1, 0, &at.sa, sa_len(&at))));
		EXPECT_EQ(1, RET(recv(sfd, &c, 1, 0)));
		detach(self->cgroup, BPF_CGROUP_UDP4_SENDMSG);
		ATTACH(CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, deny);
		EXPECT_EQ(-EPERM, RET(do_connect(fd, v4)));
		detach(self->cgroup, BPF_CGROUP_INET4_CONNECT);
	}
	ATTACH(CGROUP_SKB, BPF_CGROUP_INET_INGRESS, drop);
	EXPECT_EQ(1, RET(sendto(fd, "x", 1, 0, &at.sa, sa_len(&at))));
	EXPECT_LE(1, counted_more(self->map, 0));
	EXPECT_EQ(-EAGAIN, RET(recv(sfd, &c, 1, MSG_DONTWAIT)));
}

TEST_HARNESS_MAIN
