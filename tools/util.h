/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every subcommand shares and that knows nothing of sockets: how a failure
 * is told, how arguments are read, how JSON strings are written.  Sockets and
 * addresses are net.h's.
 */
#ifndef RILL_TOOLS_UTIL_H
#define RILL_TOOLS_UTIL_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Exit statuses, the same for every subcommand. */
#define EXIT_FAILED	1	/* it did not work; one line on stderr says why */
#define EXIT_USAGE	2	/* it was asked wrongly; one line says what and why */

/* Keys of options that have no letter start here, above every char. */
#define OPT_LONG	0x100

/* The line each option table ends its own entries with; -1 keeps it last. */
#define HELP_OPTION	{ "help", 'h', NULL, 0, "show this help and exit", -1 }

extern const char *cmd_name;	/* "rill stat": the start of every message */

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void fail_errno(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void usage(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

void parse_args(const struct argp *argp, int argc, char **argv, unsigned int flags, void *input);
error_t parse_common(int key, struct argp_state *state);

long arg_number(const char *what, const char *s, long min, long max);
double arg_seconds(const char *what, const char *s, double min, double max);
size_t arg_size(const char *what, const char *s, size_t min, size_t max);
int arg_port(const char *s, int min);

void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);

uint64_t now_ns(void);
void json_string(FILE *f, const char *s);
void finish_stdout(void);

int cmd_connect(int argc, char **argv);
int cmd_listen(int argc, char **argv);
int cmd_perf(int argc, char **argv);
int cmd_ping(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_stat(int argc, char **argv);

#endif
