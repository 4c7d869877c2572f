// SPDX-License-Identifier: GPL-2.0
/*
 * socket(): which types, protocols and flags there are, what a socket is before
 * anything was done to it, and that making and closing one leaves nothing.
 */
#include "kselftest_harness.h"

#include <limits.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "lib.h"

DIFFERENTIAL(create, BY_DOORS);
OVER_VETH(create);

TEST_F(create, stream)
{
	int fd = env_try_socket(&self->e, CLIENT, 0);
	struct stat st;

	ASSERT_LE(0, fd);
	EXPECT_EQ(SOCK_STREAM, get_int(fd, SOL_SOCKET, SO_TYPE));
	EXPECT_EQ(0, get_int(fd, SOL_SOCKET, SO_ACCEPTCONN));
	EXPECT_EQ(0, so_error(fd));
	EXPECT_EQ(env_domain(&self->e), get_int(fd, SOL_SOCKET, SO_DOMAIN));
	EXPECT_EQ(env_protocol(&self->e), get_int(fd, SOL_SOCKET, SO_PROTOCOL));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_TRUE(S_ISSOCK(st.st_mode));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(-EBADF, RET(send(fd, "x", 1, MSG_NOSIGNAL)));
}

TEST_F(create, flags)
{
	int fd = env_try_socket(&self->e, CLIENT, SOCK_NONBLOCK | SOCK_CLOEXEC);

	ASSERT_LE(0, fd);
	EXPECT_EQ(O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	close(fd);
	fd = env_try_socket(&self->e, CLIENT, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, fcntl(fd, F_GETFD));
	EXPECT_EQ(-EINVAL, RET(env_try_socket(&self->e, CLIENT, 0x1000)));
}

TEST_F(create, other_types)
{
	int domain = env_domain(&self->e);

	EXPECT_EQ(-ESOCKTNOSUPPORT, RET(socket(domain, SOCK_RDM, 0)));
	EXPECT_EQ(-EINVAL, RET(socket(domain, 0xf, 0)));
	EXPECT_EQ(-EINVAL, RET(socket(domain, -1, 0)));
	if (domain == self->e.fam->af)
		return;		/* the internet families do have these */
	EXPECT_EQ(-ESOCKTNOSUPPORT, RET(socket(domain, SOCK_RAW, 0)));
	EXPECT_EQ(-ESOCKTNOSUPPORT, RET(socket(domain, 0, 0)));
}

TEST_F(create, protocols)
{
	static const int none[] = { 2, 17, 254, 255 };
	static const int beyond[] = { 132, 256, 262, 65535, INT_MAX, -1, INT_MIN };
	int domain = env_domain(&self->e);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(none); i++) {
		EXPECT_EQ(-EPROTONOSUPPORT, RET(socket(domain, SOCK_STREAM, none[i])));
	}
	if (domain == self->e.fam->af)
		return;		/* SCTP and MPTCP are there, and 6 is theirs */
	EXPECT_EQ(-EPROTONOSUPPORT, RET(socket(domain, SOCK_STREAM, IPPROTO_TCP)));
	for (i = 0; i < ARRAY_SIZE(beyond); i++) {
		EXPECT_EQ(-EPROTONOSUPPORT, RET(socket(domain, SOCK_STREAM, beyond[i])))
			TH_LOG("protocol %d", beyond[i]);
	}
}

TEST_F(create, socketpair)
{
	int domain = env_domain(&self->e);
	int pair[2];

	EXPECT_EQ(-EOPNOTSUPP, RET(socketpair(domain, SOCK_STREAM, env_protocol(&self->e),
					      pair)));
}

TEST_F(create, unconnected_calls)
{
	int fd = env_socket(&self->e, CLIENT, 0);
	union sa a = { }, want = sa_any(self->e.fam->af, 0);
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	socklen_t len = sizeof(a);
	char c;
	int q = -1;

	EXPECT_EQ(0, getsockname(fd, &a.sa, &len));
	EXPECT_EQ(sa_len(&want), len);
	EXPECT_TRUE(sa_same(&want, &a));
	len = sizeof(a);
	EXPECT_EQ(-ENOTCONN, RET(getpeername(fd, &a.sa, &len)));
	EXPECT_EQ(-ENOTCONN, RET(recv(fd, &c, 1, 0)));
	EXPECT_EQ(-ENOTCONN, RET(recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK)));
	EXPECT_EQ(-EPIPE, RET(send(fd, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-EPIPE, RET(sendmsg(fd, &msg, MSG_NOSIGNAL)));
	EXPECT_EQ(-ENOTCONN, RET(shutdown(fd, SHUT_RD)));
	EXPECT_EQ(-ENOTCONN, RET(shutdown(fd, SHUT_RDWR)));
	EXPECT_EQ(-EINVAL, RET(shutdown(fd, 3)));
	EXPECT_EQ(-EINVAL, RET(accept(fd, NULL, NULL)));
	EXPECT_EQ(0, ioctl(fd, SIOCINQ, &q));
	EXPECT_EQ(0, q);
	q = -1;
	EXPECT_EQ(0, ioctl(fd, SIOCOUTQ, &q));
	EXPECT_EQ(0, q);
	EXPECT_EQ(-ENOTTY, RET(ioctl(fd, 0x12345678, &q)));
}

TEST_F(create, send_without_connection_signals)
{
	int fd = env_socket(&self->e, CLIENT, 0);

	catch_signal(SIGPIPE);
	EXPECT_EQ(-EPIPE, RET(write(fd, "x", 1)));
	EXPECT_EQ(1, caught());
	EXPECT_EQ(-EPIPE, RET(send(fd, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(1, caught());
}

/* A socket is a file that cannot be sought, mapped or cut. */
TEST_F(create, as_a_file)
{
	int fd = env_socket(&self->e, CLIENT, 0);
	void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	char c, path[64], name[64] = "", want[64];
	struct stat st;

	if (differs(&self->e, 5)) {
		EXPECT_EQ(-ENODEV, RET(map == MAP_FAILED ? -1 : 0));
	}
	EXPECT_EQ(-ESPIPE, RET(pread(fd, &c, 1, 0)));
	EXPECT_EQ(-ESPIPE, RET(pwrite(fd, &c, 1, 0)));
	EXPECT_EQ(-EINVAL, RET(ftruncate(fd, 0)));
	EXPECT_EQ(-EINVAL, RET(fsync(fd)));
	EXPECT_EQ(-ESPIPE, RET(lseek(fd, 0, SEEK_SET)));
	EXPECT_EQ(-ENOTDIR, RET(fchdir(fd)));
	EXPECT_EQ(-ENOTTY, RET(isatty(fd) ? 1 : -1));
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, st.st_size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	snprintf(want, sizeof(want), "socket:[%lu]", (unsigned long)st.st_ino);
	ASSERT_LT(0, readlink(path, name, sizeof(name) - 1));
	EXPECT_STREQ(want, name);
	EXPECT_EQ(-ENXIO, RET(open(path, O_RDWR)));
}

/* O_NONBLOCK belongs to the open file, FD_CLOEXEC to the descriptor. */
TEST_F(create, twins)
{
	int fd = env_socket(&self->e, CLIENT, SOCK_CLOEXEC), twin = dup(fd), third;
	struct stat a, b;

	set_nonblock(twin, true);
	EXPECT_EQ(O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, fcntl(twin, F_GETFD));
	third = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	EXPECT_LE(100, third);
	EXPECT_EQ(FD_CLOEXEC, fcntl(third, F_GETFD));
	ASSERT_EQ(0, fstat(fd, &a));
	ASSERT_EQ(0, fstat(third, &b));
	EXPECT_EQ(a.st_ino, b.st_ino);
	close(fd);
	close(third);
	EXPECT_EQ(0, RET(do_bind(twin, sa_any(self->e.fam->af, 0))));
}

TEST_F(create, no_descriptor_left)
{
	int domain = env_domain(&self->e), fd = env_socket(&self->e, CLIENT, 0), last = -1;
	int protocol = get_int(fd, SOL_SOCKET, SO_PROTOCOL);
	struct rlimit few = { 16, 16 };

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
	while ((fd = socket(domain, SOCK_STREAM, protocol)) >= 0)
		last = fd;
	EXPECT_EQ(EMFILE, errno);
	ASSERT_LE(0, last);
	close(last);
	EXPECT_LE(0, socket(domain, SOCK_STREAM, protocol));
}

/* Unbound sockets are in no table, so what must come back is the memory: the
 * row of /proc/net/protocols and the module's references (netns.c looks closer). */
TEST_F(create, by_the_hundred)
{
	struct env *e = &self->e;
	bool v6 = env_domain(e) == AF_INET6;
	const char *row = e->fam->rill ? v6 ? "RILLv6" : "RILL" : v6 ? "TCPv6" : "TCP";
	long refs = refs_at_rest(), before = proc_sockets(row);
	int fds[1000], n, i;

	for (n = 0; n < 1000; n++) {
		fds[n] = env_try_socket(e, CLIENT, 0);
		if (fds[n] < 0)
			break;
	}
	ASSERT_LT(100, n);
	if (n < 1000) {
		EXPECT_EQ(EMFILE, errno);
	}
	for (i = 0; i < n; i++) {
		EXPECT_EQ(0, close(fds[i]));
	}
	EXPECT_GE(before, proc_sockets(row));
	EXPECT_EQ(refs, refs_become(refs));
}

DIFFERENTIAL(module, RILL_LO);

TEST_F(module, visible)
{
	ASSERT_EQ(0, refs_at_rest());
	EXPECT_EQ(0, proc_sockets("RILL"));
	EXPECT_EQ(0, access("/proc/self/net/rill", R_OK));
	EXPECT_EQ(0, access("/proc/self/net/rill6", R_OK));
	EXPECT_EQ(0, access("/proc/self/net/rill_snmp", R_OK));
}

TEST_F(module, sockets_hold_it)
{
	long refs = refs_at_rest();
	int fd;

	ASSERT_LE(0, refs);
	fd = env_socket(&self->e, CLIENT, 0);
	EXPECT_LT(refs, module_refs());
	/* A module in use is not unloaded: delete_module() without O_TRUNC. */
	EXPECT_NE(0, syscall(SYS_delete_module, "rill", O_NONBLOCK));
	close(fd);
	EXPECT_EQ(refs, refs_become(refs));
}

/* The number in force must be readable by anyone who wants to make a socket. */
TEST_F(module, family_is_public)
{
	struct stat st;

	ASSERT_EQ(0, stat("/sys/module/rill/parameters/family", &st));
	EXPECT_EQ(0444, st.st_mode & 0444);
	EXPECT_EQ(0, st.st_mode & 0222);
}

TEST_HARNESS_MAIN
