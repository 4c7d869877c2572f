// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "gap.h"
#include "test.h"

struct set {
	struct rill_gaps g;
	struct rill_gap v[4];
};

static void start(struct set *s)
{
	memset(s, 0, sizeof(*s));
	s->g.v = s->v;
	s->g.cap = COUNT(s->v);
	EXPECT(rill_gaps_add(&s->g, 100, 200, 1));
	EXPECT(rill_gaps_add(&s->g, 300, 400, 2));
}

/* As "from-to:next ..." */
static const char *show(const struct set *s)
{
	static char b[200];
	int n = 0;
	u16 i;

	b[0] = 0;
	for (i = 0; i < s->g.n; i++)
		n += snprintf(b + n, sizeof(b) - n, "%s%llu-%llu:%u", i ? " " : "", s->v[i].from,
			      s->v[i].to, s->v[i].next);
	return b;
}

TEST(add__merges)
{
	static const struct { u64 from, to; const char *want; } t[] = {
		{ 0, 50, "0-50:9 100-200:1 300-400:2" },
		{ 0, 100, "0-200:1 300-400:2" },
		{ 0, 150, "0-200:1 300-400:2" },
		{ 100, 200, "100-200:9 300-400:2" },
		{ 120, 130, "100-200:1 300-400:2" },
		{ 150, 250, "100-250:9 300-400:2" },
		{ 200, 300, "100-400:2" },
		{ 220, 280, "100-200:1 220-280:9 300-400:2" },
		{ 0, 500, "0-500:9" },
		{ 400, 401, "100-200:1 300-401:9" },
		{ 500, 600, "100-200:1 300-400:2 500-600:9" },
	};
	struct set s;
	u32 i;

	for (i = 0; i < COUNT(t); i++) {
		start(&s);
		EXPECT(rill_gaps_add(&s.g, t[i].from, t[i].to, 9));
		ROW("%llu-%llu", t[i].from, t[i].to);
		if (strcmp(show(&s), t[i].want))
			test_failed(__FILE__, __LINE__, "%s, not %s", show(&s), t[i].want);
	}
}

TEST(add__no_room)
{
	struct set s;

	start(&s);
	EXPECT(rill_gaps_add(&s.g, 500, 600, 3));
	EXPECT(rill_gaps_add(&s.g, 700, 800, 4));
	EXPECT(!rill_gaps_add(&s.g, 900, 1000, 5));
	EXPECT_EQ(s.g.n, 4);
}

/* What is passed waits for the program, by itself; neighbours become one. */
TEST(pass__and_drop)
{
	struct set s;

	start(&s);
	EXPECT_EQ(rill_gaps_ahead(&s.g)->from, 100);
	rill_gaps_pass(&s.g, 150, 7);
	EXPECT(s.g.passed == 1 && s.v[0].from == 150 && s.v[0].lost == 7);
	EXPECT_EQ(rill_gaps_ahead(&s.g)->from, 300);
	EXPECT(rill_gaps_add(&s.g, 200, 250, 9));	/* touches the passed one: no merging yet */
	EXPECT_EQ(s.g.n, 3);
	rill_gaps_pass(&s.g, 200, 2);
	EXPECT(s.g.n == 2 && s.g.passed == 1 && s.v[0].to == 250 && s.v[0].lost == 9);
	rill_gaps_pass(&s.g, 300, 1);
	EXPECT(s.g.passed == 2 && !rill_gaps_ahead(&s.g));
	rill_gaps_drop(&s.g, 0);
	EXPECT(s.g.passed == 1 && s.g.n == 1 && s.v[0].from == 300);
}
