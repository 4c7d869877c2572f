// SPDX-License-Identifier: GPL-2.0
/*
 * rill run: a program whose TCP sockets are Rill's.  Owns the options, the
 * seccomp filter and the start.
 *
 * The process that was started becomes the program: it forks a supervisor,
 * puts the filter on itself, hands the filter's listener to the supervisor and
 * execs.  So the program has the pid its parent knows, gets its signals, and
 * its exit status is its own; there is nothing to pass on.  (Rejected: the
 * supervisor as the program's parent, which must forward signals and statuses,
 * breaks job control, and has to outlive a program that becomes a daemon.)  The
 * supervisor is forked twice, so that the program finds no child it did not
 * make; it ends when the last process under the filter has.
 *
 * The filter asks about socket(AF_INET or AF_INET6, SOCK_STREAM, 0 or
 * IPPROTO_TCP) only; every other call of every other ABI runs untouched, and
 * data never passes here.  It looks at integers in registers, so nothing can
 * change between the question and the answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fdpass.h"
#include "net.h"
#include "run.h"
#include "util.h"

/* As env(1), nohup(1) and the shells have it. */
#define EXIT_NOT_EXECUTABLE	126
#define EXIT_NOT_FOUND		127

#if defined(__x86_64__)
#define NATIVE_ARCH	AUDIT_ARCH_X86_64	/* x32's numbers have a bit of their own */
#elif defined(__aarch64__)
#define NATIVE_ARCH	AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCH	AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ARCH	AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define NATIVE_ARCH	AUDIT_ARCH_S390X
#elif defined(__arm__)
#define NATIVE_ARCH	AUDIT_ARCH_ARM
#elif defined(__i386__)
#define NATIVE_ARCH	AUDIT_ARCH_I386
#else
#error "rill run: name this machine's AUDIT_ARCH here"
#endif

/* Arguments are 64 bits in seccomp_data; socket() takes ints, the low halves. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARG_LOW(i)	(offsetof(struct seccomp_data, args) + (i) * 8)
#else
#define ARG_LOW(i)	(offsetof(struct seccomp_data, args) + (i) * 8 + 4)
#endif

#define LOAD(off)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (off))
#define IF_EQ(v, t, f)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (v), (t), (f))
#define AND(v)		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (v))
#define RETURN(v)	BPF_STMT(BPF_RET | BPF_K, (v))

/* A family that stays TCP compares with one that no socket has. */
#define NO_FAMILY	0xffffffff

/*
 * With verbose the protocol is not looked at: the supervisor then sees streams
 * of other protocols too and can say that they are left alone.
 */
static int install_filter(const struct run_opts *o)
{
	struct sock_filter code[] = {
		/* 0 */ LOAD(offsetof(struct seccomp_data, arch)),
		/* 1 */ IF_EQ(NATIVE_ARCH, 0, 13),
		/* 2 */ LOAD(offsetof(struct seccomp_data, nr)),
		/* 3 */ IF_EQ(__NR_socket, 0, 11),
		/* 4 */ LOAD(ARG_LOW(0)),
		/* 5 */ IF_EQ(o->v4 ? AF_INET : NO_FAMILY, 1, 0),
		/* 6 */ IF_EQ(o->v6 ? AF_INET6 : NO_FAMILY, 0, 8),
		/* 7 */ LOAD(ARG_LOW(1)),
		/* 8 */ AND(~(SOCK_CLOEXEC | SOCK_NONBLOCK)),
		/* 9 */ IF_EQ(SOCK_STREAM, 0, 5),
		/* 10 */ LOAD(ARG_LOW(2)),
		/* 11 */ AND(o->verbose ? 0 : 0xffffffff),
		/* 12 */ IF_EQ(0, 1, 0),
		/* 13 */ IF_EQ(IPPROTO_TCP, 0, 1),
		/* 14 */ RETURN(SECCOMP_RET_USER_NOTIF),
		/* 15 */ RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };
	/*
	 * WAIT_KILLABLE_RECV (5.19): a signal with a handler does not interrupt
	 * socket() once we work on it; Go sends its threads many.
	 */
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER |
			      SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	int fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);

	/*
	 * Root needs no no_new_privs, and without it setuid programs below keep
	 * working; everyone else has to give that up.
	 */
	if (fd < 0 && errno == EACCES && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	return fd;
}

/*
 * The supervisor keeps nothing of ours open: a pipe it held would not end for
 * its reader.  stderr stays for -v only.
 */
static void become_supervisor(const struct run_opts *o, int sock)
{
	int null, listener, value;

	/* above stdio, in case we were started with some of it closed */
	sock = fcntl(sock, F_DUPFD_CLOEXEC, 3);
	setsid();
	prctl(PR_SET_NAME, "rill-run");
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		fail_errno("/dev/null");
	if (!o->verbose && dup2(null, STDERR_FILENO) < 0)
		fail_errno("/dev/null");
	if (dup2(sock, 3) < 0 || syscall(SYS_close_range, 4u, ~0u, 0))
		fail_errno("close_range");
	if (fd_send(3, -1, 0))		/* ready: the program may start */
		_exit(EXIT_FAILED);
	listener = fd_recv(3, &value);
	if (listener < 0)		/* the filter could not be installed */
		_exit(0);
	if (fcntl(3, F_SETFD, FD_CLOEXEC) || chdir("/"))
		_exit(EXIT_FAILED);
	close(3);
	supervise(o, listener);
}

/* Our end of the socketpair, once the supervisor is up. */
static int start_supervisor(const struct run_opts *o)
{
	int sock[2], value = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock))
		fail_errno("socketpair");
	pid = fork();
	if (pid < 0)
		fail_errno("fork");
	if (pid == 0) {
		close(sock[0]);
		if (fork() == 0)
			become_supervisor(o, sock[1]);
		_exit(0);
	}
	close(sock[1]);
	waitpid(pid, NULL, 0);
	fd_recv(sock[0], &value);	/* ends without a word if either fork failed */
	if (value)
		fail("the supervisor did not start");
	return sock[0];
}

static void run(const struct run_opts *o, char **argv)
{
	int sock = start_supervisor(o);
	int listener = install_filter(o);
	int err;

	if (listener < 0 && errno == EBUSY)
		fail("a seccomp listener is already there (a container runtime's, or another rill run)");
	if (listener < 0)
		fail_errno("cannot install the seccomp filter");
	if (fd_send(sock, listener, 0))
		fail_errno("cannot reach the supervisor");
	close(listener);
	close(sock);
	execvp(argv[0], argv);
	err = errno;
	say("%s: %s", argv[0], strerror(err));
	exit(err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

struct run_input {
	struct run_opts o;
	char **program;		/* and its arguments, NULL at the end */
};

enum { OPT_INET = 256 };	/* has no letter */

static const struct argp_option options[] = {
	{ "verbose", 'v', NULL, 0, "say on stderr which sockets went over Rill", 0 },
	{ NULL, '4', NULL, 0, "IPv4 sockets only; IPv6 ones stay TCP", 0 },
	{ NULL, '6', NULL, 0, "IPv6 sockets only; IPv4 ones stay TCP", 0 },
	{ "inet", OPT_INET, NULL, 0, "sockets of families AF_INET and AF_INET6, not AF_RILL", 0 },
	HELP_OPTION, { 0 }
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct run_input *in = state->input;

	(void)arg;
	switch (key) {
	case 'v':
		in->o.verbose = true;
		return 0;
	case '4':
		in->o.v4 = true;
		return 0;
	case '6':
		in->o.v6 = true;
		return 0;
	case OPT_INET:
		transport_by_inet();
		return 0;
	case ARGP_KEY_ARG:
		in->program = &state->argv[state->next - 1];
		state->next = state->argc;	/* the rest is the program's */
		return 0;
	case ARGP_KEY_END:
		if (!in->program)
			usage("no program given");
		if (!in->o.v4 && !in->o.v6)
			in->o.v4 = in->o.v6 = true;
		return 0;
	default:
		return parse_common(key, state);
	}
}

int cmd_run(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse_opt, "PROGRAM [ARGUMENT...]",
		"Run a program with its TCP sockets over Rill.", NULL, NULL, NULL
	};
	struct run_input in = { 0 };

	parse_args(&argp, argc, argv, ARGP_IN_ORDER, &in);
	transport_require(OVER_RILL);
	run(&in.o, in.program);
	return 0;
}
