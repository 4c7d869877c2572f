// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading: in a loop, with sockets open, right after traffic, and
 * while packets from the network keep coming.  Ends with the module loaded, as
 * the other programs expect.
 *
 * RILL_KO: the module's file; without it everything here is skipped.
 */
#include "kselftest_harness.h"

#include "lib.h"

#define ROUNDS	(getenv("KSFT_MACHINE_SLOW") ? 15 : 100)

FIXTURE(rmmod) { struct env e; };

FIXTURE_SETUP(rmmod)
{
	if (!getenv("RILL_KO") || rill_family() < 0) {
		fprintf(stderr, "#      SKIP      RILL_KO names no module to load\n");
		_exit(255);
	}
	env_open(&self->e, &fam_rill4, _metadata->name);
}

static long load(const char *params)
{
	int fd = open(getenv("RILL_KO"), O_RDONLY | O_CLOEXEC);
	long r;

	if (fd < 0)
		fatal("%s", getenv("RILL_KO"));
	r = RET(syscall(SYS_finit_module, fd, params, 0));
	close(fd);
	return r;
}

static long unload(void)
{
	return RET(syscall(SYS_delete_module, "rill", O_NONBLOCK));
}

/* Sockets let go in a grace period, so the last reference may lag behind. */
static long unload_soon(void)
{
	int64_t end = now_ms() + PATIENCE;
	long r;

	while ((r = unload()) == -EAGAIN && now_ms() < end)
		breathe();
	return r;
}

FIXTURE_TEARDOWN(rmmod)
{
	if (rill_family() < 0)
		load("");
	env_close(&self->e);
}

static void session(const struct env *e)
{
	int pair[2];
	char c;

	env_pair(e, pair);
	send_all(pair[CLIENT], "x", 1);
	recv_all(pair[SERVER], &c, 1);
	close(pair[CLIENT]);
	close(pair[SERVER]);
}

TEST_F_TIMEOUT(rmmod, bare, 600)
{
	int i, n = ROUNDS;

	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, unload_soon()) TH_LOG("round %d", i);
		ASSERT_EQ(-1, rill_family());
		ASSERT_EQ(0, load("")) TH_LOG("round %d", i);
		ASSERT_LT(0, rill_family());
	}
}

TEST_F_TIMEOUT(rmmod, busy, 120)
{
	int fd = env_socket(&self->e, CLIENT, 0);
	union sa at;

	EXPECT_EQ(-EAGAIN, unload());
	close(fd);
	fd = env_listen(&self->e, 1, &at);
	EXPECT_EQ(-EAGAIN, unload());
	/* the refusal harmed nothing */
	EXPECT_EQ(0, RET(do_connect(env_socket(&self->e, CLIENT, 0), at)));
	EXPECT_EQ(-EEXIST, load(""));
}

/* Orphans, tombstones and timers of sockets that are gone must go with it. */
TEST_F_TIMEOUT(rmmod, after_traffic, 600)
{
	int i, n = ROUNDS;

	for (i = 0; i < n; i++) {
		session(&self->e);
		ASSERT_EQ(0, unload_soon()) TH_LOG("round %d", i);
		ASSERT_EQ(0, load(""));
	}
}

/*
 * Datagrams of every kind keep coming to the well-known port while the module
 * goes and comes back: what is in the middle of the receive path must be out of
 * it before the code is gone.
 */
static bool flood_over;

static void *flood(void *arg)
{
	union sa to = sa_loopback(AF_INET, 7455);
	uint64_t seed = *(uint64_t *)arg;
	uint8_t pkt[1200];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	while (!__atomic_load_n(&flood_over, __ATOMIC_RELAXED)) {
		size_t i, len = rnd(&seed) % 2 ? sizeof(pkt) : rnd(&seed) % 64;

		for (i = 0; i < len; i++)
			pkt[i] = rnd(&seed);
		if (len > 1 && rnd(&seed) % 4) {
			pkt[0] = 0x10 | (1 + rnd(&seed) % 5);	/* version 1, a type */
			pkt[1] = 0;
		}
		(void)!sendto(fd, pkt, len, MSG_DONTWAIT, &to.sa, sizeof(to.in));
	}
	close(fd);
	return NULL;
}

TEST_F_TIMEOUT(rmmod, under_flood, 900)
{
	uint64_t seed = test_seed();
	int i, n = ROUNDS;
	pthread_t t;

	ASSERT_EQ(0, pthread_create(&t, NULL, flood, &seed));
	for (i = 0; i < n; i++) {
		session(&self->e);	/* opens the port, among the noise */
		ASSERT_EQ(0, unload_soon()) TH_LOG("round %d", i);
		ASSERT_EQ(0, load(""));
	}
	__atomic_store_n(&flood_over, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
}

/* Readers of the /proc files hold no part of the module they could outlive. */
TEST_F_TIMEOUT(rmmod, with_proc_files_open, 120)
{
	static const char *const files[] = { "rill", "rill6", "rill_snmp" };
	char path[64], buf[16];
	int fd[3], i;

	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/proc/self/net/%s", files[i]);
		fd[i] = open(path, O_RDONLY);
		ASSERT_LE(0, fd[i]) TH_LOG("%s", path);
		ASSERT_LT(0, read(fd[i], buf, sizeof(buf)));
	}
	ASSERT_EQ(0, unload_soon());
	for (i = 0; i < 3; i++) {
		EXPECT_GE(0, read(fd[i], buf, sizeof(buf)));
		close(fd[i]);
	}
	ASSERT_EQ(0, load(""));
}

TEST_F_TIMEOUT(rmmod, another_family, 120)
{
	int fd;

	ASSERT_EQ(0, unload_soon());
	EXPECT_EQ(0, load("family=22"));
	EXPECT_EQ(22, rill_family());
	fd = socket(22, SOCK_STREAM, 0);
	EXPECT_LE(0, fd);
	close(fd);
	EXPECT_EQ(-EAFNOSUPPORT, RET(socket(18, SOCK_STREAM, 0)));
	EXPECT_EQ(0, unload_soon());
	/* ones that cannot be */
	EXPECT_GT(0, load("family=-1"));
	EXPECT_GT(0, load("family=4711"));
	EXPECT_GT(0, load("family=banana"));
	EXPECT_EQ(-1, rill_family());
	EXPECT_EQ(0, load(""));
}

TEST_HARNESS_MAIN
