// SPDX-License-Identifier: GPL-2.0
/* runner.c - run the cases of this program; see test.h. */
#include <stdarg.h>
#include <string.h>
#include "test.h"

static struct test *first, **last = &first;
static const struct test *current;
static char row[128];
static int failures;

void test_register(struct test *t)
{
	*last = t;
	last = &t->next;
}

void test_row(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(row, sizeof(row), fmt, ap);
	va_end(ap);
}

void test_failed(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	failures++;
	printf("failed: %s: %s:%d: %s%s", current->name, file, line, row, *row ? ": " : "");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* With a name as argument: the cases that begin with it. */
int main(int argc, char **argv)
{
	int passed = 0, failed = 0;

	for (current = first; current; current = current->next) {
		if (argc > 1 && strncmp(current->name, argv[1], strlen(argv[1])))
			continue;
		failures = 0;
		*row = 0;
		current->run();
		if (failures) {
			failed++;
		} else {
			passed++;
			printf("ok %s\n", current->name);
		}
	}
	printf("%s: %d passed, %d failed\n", strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 :
	       argv[0], passed, failed);
	return failed != 0;
}
