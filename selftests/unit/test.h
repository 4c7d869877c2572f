/* SPDX-License-Identifier: GPL-2.0 */
/*
 * test.h - the runner of the engine's unit tests.
 *
 * A case is TEST(function__case) { ... }; it fails when an EXPECT does not hold,
 * and goes on.  Inside a table's loop, ROW(...) names the row for the message.
 * One program per file of tests, runner.c has main().
 */
#ifndef RILL_TEST_H
#define RILL_TEST_H

#include <stdio.h>
#include <linux/types.h>

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

void test_register(struct test *t);
void test_row(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void test_failed(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define TEST(fn)							\
	static void fn(void);						\
	static struct test test_##fn = { .name = #fn, .run = fn };	\
	__attribute__((constructor)) static void reg_##fn(void)		\
	{								\
		test_register(&test_##fn);				\
	}								\
	static void fn(void)

#define ROW(...)	test_row(__VA_ARGS__)

#define EXPECT(cond) do {						\
	if (!(cond))							\
		test_failed(__FILE__, __LINE__, "%s", #cond);		\
} while (0)

/* Two numbers, compared as 64 bits. */
#define EXPECT_EQ(have, want) do {					\
	u64 have_ = (u64)(have), want_ = (u64)(want);			\
	if (have_ != want_)						\
		test_failed(__FILE__, __LINE__, "%s is %llu, not %llu",	\
			    #have, have_, want_);			\
} while (0)

#define EXPECT_NEAR(have, want, percent) do {				\
	double have_ = (have), want_ = (want);				\
	if (have_ < want_ * (1 - (percent) / 100.0) ||			\
	    have_ > want_ * (1 + (percent) / 100.0))			\
		test_failed(__FILE__, __LINE__, "%s is %.3f, not %.3f",	\
			    #have, have_, want_);			\
} while (0)

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

#endif /* RILL_TEST_H */
