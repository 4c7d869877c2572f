// SPDX-License-Identifier: GPL-2.0
#include "pmtu.h"
#include "test.h"

#define NOW RILL_SEC
#define TOP 1448

/* A path that carries @most: probes go until the search is over; the number of probes. */
static u32 search(struct rill_pmtu *p, u16 most)
{
	u32 n;

	for (n = 0; p->state == RILL_PMTU_SEARCH && n < 100; n++) {
		EXPECT(rill_pmtu_due(p, NOW));
		rill_pmtu_probe_sent(p);
		EXPECT(!rill_pmtu_due(p, NOW));
		if (p->size <= most)
			rill_pmtu_probe_arrived(p, p->size, NOW);
		else
			rill_pmtu_probe_lost(p, NOW);
	}
	return n;
}

static struct rill_pmtu hole(u16 top)
{
	struct rill_pmtu p;

	rill_pmtu_init(&p, top);
	EXPECT(rill_pmtu_timeout(&p, 1, NOW));
	return p;
}

TEST(init__the_interface_is_trusted)
{
	struct rill_pmtu p;

	rill_pmtu_init(&p, TOP);
	EXPECT_EQ(rill_pmtu_payload(&p), TOP);
	EXPECT(!rill_pmtu_due(&p, NOW + 1000 * RILL_SEC));
	rill_pmtu_set_top(&p, 1000);
	EXPECT_EQ(rill_pmtu_payload(&p), 1000);
	/* Where all packets are smaller than the base there are no black holes. */
	EXPECT(!rill_pmtu_timeout(&p, 200, NOW));
	EXPECT(!rill_pmtu_lost(&p, 0, NOW));
}

TEST(search__what_is_found)
{
	static const struct { u16 top, most; u8 state; } t[] = {
		{ TOP, TOP, RILL_PMTU_TRUST }, { TOP, 9000, RILL_PMTU_TRUST },
		{ TOP, 1400, RILL_PMTU_DONE }, { TOP, RILL_PMTU_BASE, RILL_PMTU_DONE },
		{ 8948, 1448, RILL_PMTU_DONE }, { RILL_PAYLOAD_MAX, 8948, RILL_PMTU_DONE },
		{ RILL_PMTU_BASE + 1, RILL_PMTU_BASE, RILL_PMTU_DONE },
	};
	u32 i, n;

	for (i = 0; i < COUNT(t); i++) {
		struct rill_pmtu p = hole(t[i].top);

		ROW("%u of %u", t[i].most, t[i].top);
		EXPECT_EQ(rill_pmtu_payload(&p), RILL_PMTU_BASE);
		n = search(&p, t[i].most);
		EXPECT_EQ(p.state, t[i].state);
		EXPECT(n <= 40);
		EXPECT(rill_pmtu_payload(&p) <= t[i].most);
		EXPECT(rill_pmtu_payload(&p) + RILL_PMTU_STEP > min(t[i].top, t[i].most));
	}
}

/* The first probe is the interface's size: a false alarm costs a round trip. */
TEST(search__a_false_alarm)
{
	struct rill_pmtu p = hole(TOP);

	EXPECT_EQ(search(&p, TOP), 1);
}

TEST(search__again_after_a_while)
{
	struct rill_pmtu p = hole(TOP);
	u64 later = NOW + RILL_PMTU_RAISE;

	search(&p, 1300);
	EXPECT(!rill_pmtu_due(&p, later - 1) && rill_pmtu_due(&p, later));
	EXPECT_EQ(p.size, TOP);
	rill_pmtu_probe_sent(&p);
	EXPECT(rill_pmtu_payload(&p) > 1280);
	rill_pmtu_probe_arrived(&p, TOP, later);
	EXPECT_EQ(rill_pmtu_payload(&p), TOP);
}

TEST(timeout__when_it_is_a_hole)
{
	struct rill_pmtu p;

	rill_pmtu_init(&p, TOP);
	EXPECT(rill_pmtu_timeout(&p, 1, NOW));		/* never seen to pass */
	EXPECT(!rill_pmtu_timeout(&p, 5, NOW));		/* it is at the base already */
	rill_pmtu_init(&p, TOP);
	rill_pmtu_arrived(&p, TOP, false);
	EXPECT(!rill_pmtu_timeout(&p, 2, NOW));
	EXPECT(rill_pmtu_timeout(&p, 3, NOW));
}

TEST(lost__while_small_packets_pass)
{
	struct rill_pmtu p;

	rill_pmtu_init(&p, TOP);
	EXPECT(!rill_pmtu_lost(&p, 50, NOW));		/* a full queue loses as much */
	rill_pmtu_arrived(&p, TOP, true);
	EXPECT(!rill_pmtu_lost(&p, 3, NOW));
	rill_pmtu_arrived(&p, 0, true);
	EXPECT(!rill_pmtu_lost(&p, 2, NOW));
	EXPECT(rill_pmtu_lost(&p, 1, NOW));
	EXPECT_EQ(rill_pmtu_payload(&p), RILL_PMTU_BASE);
}

TEST(too_big__a_hint)
{
	static const struct { const char *what; u16 most, size; bool out; } t[] = {
		{ "tried next", 1400, 1400, 0 }, { "below the base", 500, TOP, 1 },
		{ "no less than the probe", TOP, TOP, 1 }, { "more", 3000, TOP, 1 },
		{ "the base", RILL_PMTU_BASE, TOP, 0 },
	};
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		struct rill_pmtu p = hole(TOP);

		ROW("%s", t[i].what);
		rill_pmtu_too_big(&p, 1300, NOW);	/* nothing of ours is out that it could mean */
		EXPECT_EQ(p.size, TOP);
		rill_pmtu_probe_sent(&p);
		rill_pmtu_too_big(&p, t[i].most, NOW);
		EXPECT_EQ(p.size, t[i].size);
		EXPECT_EQ(p.out, t[i].out);
		EXPECT_EQ(rill_pmtu_payload(&p), RILL_PMTU_BASE);
	}
}
