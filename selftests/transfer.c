// SPDX-License-Identifier: GPL-2.0
/*
 * Moving bytes: both directions at once, compared byte by byte with what the
 * seed says, over lo, over a clean veth and through a network that loses,
 * delays, reorders, duplicates and corrupts.
 *
 * RILL_TEST_MB: MiB each way, 4 unless set (2 through the bad network).
 */
#include "kselftest_harness.h"

#include <netinet/tcp.h>

#include "lib.h"

/* The bad network of issue 2: on both ends, so the round trip is 20 ms and each
 * figure is met twice.  Reordering sends a quarter of the packets at once. */
#define NETEM	"delay 10ms loss 5% reorder 25% duplicate 1% corrupt 0.1%"

FIXTURE(transfer) {
	struct env e;
	uint64_t seed;
	size_t bytes;		/* each way */
};

FIXTURE_VARIANT(transfer) {
	const struct family *fam;
	const char *netem;	/* NULL: a clean path */
	bool segments;		/* offloads off: packets of the MTU everywhere */
};

#define PATH(name, family, ...) \
	FIXTURE_VARIANT_ADD(transfer, name) { .fam = &fam_##family, __VA_ARGS__ }

/* Not TCP through the bad network: it takes minutes there and proves nothing. */
PATH(tcp4, tcp4);
PATH(tcp6, tcp6);
PATH(rill4, rill4);
PATH(rill6, rill6);
PATH(tcp4_veth, tcp4_veth);
PATH(rill4_veth, rill4_veth);
PATH(rill6_veth, rill6_veth);
PATH(tcp4_segments, tcp4_veth, .segments = true);
PATH(rill4_segments, rill4_veth, .segments = true);
PATH(rill6_segments, rill6_veth, .segments = true);
PATH(rill4_netem, rill4_veth, .segments = true, .netem = NETEM);
PATH(rill6_netem, rill6_veth, .segments = true, .netem = NETEM);

/* netem takes a train for one packet: a loss would be 64 KiB. */
static void offloads_off(const char *dev)
{
	sh("ethtool -K %s tso off gso off gro off tx-udp-segmentation off >/dev/null 2>&1 ||"
	   " ethtool -K %s tso off gso off gro off >/dev/null", dev, dev);
}

FIXTURE_SETUP(transfer)
{
	const char *mb = getenv("RILL_TEST_MB");
	enum side side;

	env_open(&self->e, variant->fam, _metadata->name);
	for (side = CLIENT; side <= SERVER; side++) {
		const char *dev = side == CLIENT ? "c" : "s";

		env_enter(&self->e, side);
		if (variant->segments)
			offloads_off(dev);
		if (variant->netem) {
			char cmd[200];

			snprintf(cmd, sizeof(cmd), "tc qdisc add dev %s root netem %s",
				 dev, variant->netem);
			if (system(cmd)) {
				fprintf(stderr, "#      SKIP      no netem here\n");
				_exit(255);
			}
		}
	}
	env_enter(&self->e, CLIENT);
	self->seed = test_seed();
	self->bytes = (mb ? strtoul(mb, NULL, 0) : variant->netem ? 2 : 4) << 20;
}

FIXTURE_TEARDOWN(transfer)
{
	env_close(&self->e);
}

/* One direction of one connection. */
struct flow {
	int fd;
	uint64_t seed;		/* of the content */
	uint64_t sizes;		/* of the sizes of writes and reads */
	size_t bytes;
	size_t most;		/* largest single write or read */
};

static void *writer(void *arg)
{
	struct flow *f = arg;
	uint8_t *buf = malloc(f->most);
	uint64_t sizes = f->sizes;
	size_t done, n;

	for (done = 0; done < f->bytes; done += n) {
		n = 1 + rnd(&sizes) % f->most;
		if (n > f->bytes - done)
			n = f->bytes - done;
		pattern_fill(f->seed, done, buf, n);
		send_all(f->fd, buf, n);
	}
	if (shutdown(f->fd, SHUT_WR))
		fatal("shutdown after %zu bytes", done);
	free(buf);
	return NULL;
}

/* The bytes read that were right, up to the first wrong one or the end. */
static size_t reader(struct flow *f)
{
	uint8_t *buf = malloc(f->most);
	uint64_t sizes = ~f->sizes;
	size_t done = 0, good;
	ssize_t n;

	for (;;) {
		n = recv(f->fd, buf, 1 + rnd(&sizes) % f->most, 0);
		if (n <= 0)
			break;
		good = pattern_check(f->seed, done, buf, n);
		done += good;
		if (good != (size_t)n) {
			fprintf(stderr, "# byte %zu is wrong\n", done);
			break;
		}
	}
	if (n < 0)
		fprintf(stderr, "# recv after %zu bytes: %s\n", done, strerror(errno));
	free(buf);
	return done;
}

static void *reader_thread(void *arg)
{
	return (void *)(uintptr_t)reader(arg);
}

/* Both directions of pair at once; true when all arrived and was right. */
static bool both_ways(int pair[2], uint64_t seed, size_t bytes, size_t most)
{
	struct flow out = { pair[CLIENT], seed, seed ^ 1, bytes, most };
	struct flow back = { pair[SERVER], ~seed, seed ^ 2, bytes, most };
	struct flow in_out = out, in_back = back;
	pthread_t w[2], r;
	void *got;
	size_t n;

	in_out.fd = pair[SERVER];
	in_back.fd = pair[CLIENT];
	if (pthread_create(&w[0], NULL, writer, &out) ||
	    pthread_create(&w[1], NULL, writer, &back) ||
	    pthread_create(&r, NULL, reader_thread, &in_out))
		fatal("pthread_create");
	n = reader(&in_back);
	pthread_join(r, &got);
	if (n != bytes || (uintptr_t)got != bytes) {
		fprintf(stderr, "# there: %zu, back: %zu of %zu bytes\n",
			(size_t)(uintptr_t)got, n, bytes);
		return false;	/* a writer may hang: the test's end takes it along */
	}
	pthread_join(w[0], NULL);
	pthread_join(w[1], NULL);
	return true;
}

TEST_F_TIMEOUT(transfer, both_directions, 3600)
{
	int64_t start = now_ms();
	int pair[2];

	env_pair(&self->e, pair);
	EXPECT_TRUE(both_ways(pair, self->seed, self->bytes, 65536));
	TH_LOG("%zu KiB each way in %lld ms", self->bytes >> 10,
	       (long long)(now_ms() - start));
	EXPECT_EQ(0, close(pair[CLIENT]));
	EXPECT_EQ(0, close(pair[SERVER]));
}

/* Writes of a few bytes with NODELAY: packets of every small size. */
TEST_F_TIMEOUT(transfer, small_writes, 900)
{
	int pair[2];

	env_pair(&self->e, pair);
	set_int(pair[CLIENT], IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(pair[SERVER], IPPROTO_TCP, TCP_NODELAY, 1);
	EXPECT_TRUE(both_ways(pair, self->seed, self->bytes / 64, 100));
}

/* Buffers of a few KiB: credit is what stops and starts the sender. */
TEST_F_TIMEOUT(transfer, small_buffers, 900)
{
	int pair[2], i;

	env_pair(&self->e, pair);
	for (i = 0; i < 2; i++) {
		set_int(pair[i], SOL_SOCKET, SO_RCVBUF, 4096);
		set_int(pair[i], SOL_SOCKET, SO_SNDBUF, 4096);
	}
	EXPECT_TRUE(both_ways(pair, self->seed, self->bytes / 32, 20000));
}

/* A reader that stops for good until the window is shut, again and again. */
TEST_F_TIMEOUT(transfer, shut_windows, 900)
{
	uint8_t buf[65536];
	int pair[2], i;
	size_t n, done, some;

	env_pair(&self->e, pair);
	for (i = 0; i < 3; i++) {
		n = fill(pair[CLIENT]);
		for (done = 0; done < n; done += some) {
			some = recv(pair[SERVER], buf, sizeof(buf), 0);
			ASSERT_LT(0, (ssize_t)some);
		}
		EXPECT_EQ(n, done);
	}
	send_all(pair[CLIENT], "after", 5);
	recv_all(pair[SERVER], buf, 5);
	EXPECT_EQ(0, memcmp(buf, "after", 5));
}

/* Requests and answers of random sizes, each waiting for the other. */
TEST_F_TIMEOUT(transfer, ping_pong, 900)
{
	static uint8_t out[20000], in[20000];
	int pair[2], i, rounds = variant->netem ? 50 : 300;
	uint64_t seed = self->seed;

	env_pair(&self->e, pair);
	for (i = 0; i < rounds; i++) {
		int from = i & 1;
		size_t n = 1 + rnd(&seed) % (i % 10 ? 200 : sizeof(out));

		pattern_fill(self->seed, i, out, n);
		send_all(pair[from], out, n);
		recv_all(pair[!from], in, n);
		ASSERT_EQ(n, pattern_check(self->seed, i, in, n)) TH_LOG("round %d", i);
	}
}

/* Several connections share the path; none may starve or see another's bytes. */
struct lane {
	int pair[2];
	uint64_t seed;
	size_t bytes;
};

static void *lane_run(void *arg)
{
	struct lane *l = arg;

	return (void *)(uintptr_t)both_ways(l->pair, l->seed, l->bytes, 30000);
}

TEST_F_TIMEOUT(transfer, side_by_side, 1800)
{
	enum { LANES = 6 };
	struct lane lane[LANES];
	pthread_t t[LANES];
	void *ok;
	int i;

	for (i = 0; i < LANES; i++) {
		env_pair(&self->e, lane[i].pair);
		lane[i].seed = self->seed + i * 1000;
		lane[i].bytes = self->bytes / 16;
	}
	for (i = 0; i < LANES; i++) {
		ASSERT_EQ(0, pthread_create(&t[i], NULL, lane_run, &lane[i]));
	}
	for (i = 0; i < LANES; i++) {
		pthread_join(t[i], &ok);
		EXPECT_TRUE((uintptr_t)ok) TH_LOG("connection %d", i);
	}
}

/* Connections come up and end in order whatever the path does to them. */
TEST_F_TIMEOUT(transfer, short_ones, 900)
{
	int i, pair[2];
	char buf[64];

	for (i = 0; i < 20; i++) {
		env_pair(&self->e, pair);
		send_all(pair[CLIENT], "GET", 3);
		ASSERT_EQ(0, shutdown(pair[CLIENT], SHUT_WR));
		recv_all(pair[SERVER], buf, 3);
		ASSERT_EQ(0, RET(recv(pair[SERVER], buf, sizeof(buf), 0)));
		send_all(pair[SERVER], "200", 3);
		close(pair[SERVER]);
		recv_all(pair[CLIENT], buf, 3);
		ASSERT_EQ(0, RET(recv(pair[CLIENT], buf, sizeof(buf), 0)));
		close(pair[CLIENT]);
	}
}

TEST_HARNESS_MAIN
