// SPDX-License-Identifier: GPL-2.0
/*
 * Rill's counters from /proc/net/rill_snmp: pairs of lines, the names and then
 * the values, each line starting with the same word ("Rill:").
 * PROC_NET_RILL_SNMP names another file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "util.h"

#define SNMP_PATH	"/proc/net/rill_snmp"

struct counter {
	char name[64];
	uint64_t value;
};

struct counters {
	struct counter *c;
	size_t n;
};

static void add_pair(struct counters *set, const char *path, char *names, char *values)
{
	char *save_n, *save_v;
	char *name = strtok_r(names, " \n", &save_n);
	char *value = strtok_r(values, " \n", &save_v);

	if (!name || !value || strcmp(name, value))
		fail("%s: a line of names and one of values do not belong together", path);
	for (;;) {
		struct counter *c;

		name = strtok_r(NULL, " \n", &save_n);
		value = strtok_r(NULL, " \n", &save_v);
		if (!name && !value)
			return;
		if (!name || !value)
			fail("%s: not as many values as names", path);
		set->c = xrealloc(set->c, set->n + 1, sizeof(*set->c));
		c = &set->c[set->n++];
		snprintf(c->name, sizeof(c->name), "%s", name);
		c->value = strtoull(value, NULL, 10);
	}
}

static void read_counters(struct counters *set)
{
	const char *env = getenv("PROC_NET_RILL_SNMP");
	const char *path = env && *env ? env : SNMP_PATH;
	char *names = NULL, *values = NULL;
	size_t names_size = 0, values_size = 0;
	FILE *f = fopen(path, "re");

	if (!f && errno == ENOENT)
		fail("no %s: the rill module is not loaded", path);
	if (!f)
		fail_errno("%s", path);
	while (getline(&names, &names_size, f) > 0) {
		if (getline(&values, &values_size, f) <= 0)
			fail("%s: a line of names without values", path);
		add_pair(set, path, names, values);
	}
	if (ferror(f))
		fail_errno("%s", path);
	free(names);
	free(values);
	fclose(f);
}

static void print_json(const struct counters *set)
{
	printf("{\"counters\":{");
	for (size_t i = 0; i < set->n; i++) {
		printf("%s", i ? ",\n" : "");
		json_string(stdout, set->c[i].name);
		printf(":%" PRIu64, set->c[i].value);
	}
	printf("}}\n");
}

/* The difference is to the last call; the first shows none. */
static void print_text(const struct counters *set, const struct counters *last, bool zeros)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct counter *c = &set->c[i];

		if (!zeros && !c->value)
			continue;
		printf("%-32s %20" PRIu64, c->name, c->value);
		if (i < last->n)
			printf(" %+" PRId64, (int64_t)(c->value - last->c[i].value));
		putchar('\n');
	}
}

void counters_show(bool json, bool zeros, bool deltas)
{
	static struct counters last;
	struct counters set = { 0 };

	read_counters(&set);
	if (json)
		print_json(&set);
	else
		print_text(&set, &last, zeros);
	free(last.c);
	last = deltas ? set : (struct counters){ 0 };
	if (!deltas)
		free(set.c);
}
