// SPDX-License-Identifier: GPL-2.0
/*
 * Messages, argument parsing and small helpers; see util.h.
 *
 * A usage error is one line and exit status 2.  argp's habit is two lines ("Try
 * ... --help") and status 64, so parse_common() takes its error stream away:
 * getopt's own line stays, argp's second one is not printed, and argp_parse()
 * returns an error instead of exiting.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

const char *cmd_name = "rill";

/*
 * One write, so that lines of several processes do not mix; control characters
 * become '?', because the text may quote an argument and must stay one line.
 */
static void vsay(const char *suffix, const char *fmt, va_list ap)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s: ", cmd_name);
	size_t len;

	vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	len = strlen(line);
	snprintf(line + len, sizeof(line) - len, "%s%s", *suffix ? ": " : "", suffix);
	for (char *p = line; *p; p++)
		if (iscntrl((unsigned char)*p))
			*p = '?';
	dprintf(STDERR_FILENO, "%s\n", line);
}

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay("", fmt, ap);
	va_end(ap);
}

void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay("", fmt, ap);
	va_end(ap);
	exit(EXIT_FAILED);
}

void fail_errno(const char *fmt, ...)
{
	const char *why = strerror(errno);
	va_list ap;

	va_start(ap, fmt);
	vsay(why, fmt, ap);
	va_end(ap);
	exit(EXIT_FAILED);
}

void usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay("", fmt, ap);
	va_end(ap);
	exit(EXIT_USAGE);
}

/* argv[0] becomes the full command, since getopt and argp name themselves by it. */
void parse_args(const struct argp *argp, int argc, char **argv, unsigned int flags, void *input)
{
	argv[0] = (char *)cmd_name;
	if (argp_parse(argp, argc, argv, flags | ARGP_NO_HELP, NULL, input))
		exit(EXIT_USAGE);
}

/* The keys that mean the same everywhere; a parser's default case ends here. */
error_t parse_common(int key, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		state->err_stream = NULL;
		return 0;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case ARGP_KEY_ARG:
		usage("unexpected argument '%s'", state->argv[state->next - 1]);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

long arg_number(const char *what, const char *s, long min, long max)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(s, &end, 10);
	if (end == s || *end)
		usage("%s '%s' is not a number", what, s);
	if (errno || v < min || v > max)
		usage("%s %s is out of range (%ld to %ld)", what, s, min, max);
	return v;
}

double arg_seconds(const char *what, const char *s, double min, double max)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end || !isfinite(v))
		usage("%s '%s' is not a number of seconds", what, s);
	if (v < min || v > max)
		usage("%s %s is out of range (%g to %g seconds)", what, s, min, max);
	return v;
}

/* Bytes, with iperf3's suffixes K, M and G for powers of 1024. */
size_t arg_size(const char *what, const char *s, size_t min, size_t max)
{
	static const char suffixes[] = "KMG";
	unsigned long long v;
	const char *suffix;
	char *end;

	errno = 0;
	v = strtoull(s, &end, 10);
	if (!isdigit((unsigned char)*s))
		usage("%s '%s' is not a size", what, s);
	if (*end) {
		suffix = strchr(suffixes, toupper((unsigned char)*end));
		if (!suffix || end[1])
			usage("%s '%s' is not a size", what, s);
		for (; suffix >= suffixes; suffix--)
			v = v > max ? max + 1ULL : v * 1024;
	}
	if (errno || v < min || v > max)
		usage("%s %s is out of range (%zu to %zu bytes)", what, s, min, max);
	return v;
}

/* A number from min to 65535, or a service name. */
int arg_port(const char *s, int min)
{
	struct servent *se;

	if (isdigit((unsigned char)*s) || *s == '-' || *s == '+')
		return arg_number("port", s, min, 65535);
	se = *s ? getservbyname(s, "tcp") : NULL;
	if (!se)
		usage("port '%s' is neither a number nor a known service", s);
	return ntohs(se->s_port);
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		fail("out of memory");
	return p;
}

void *xrealloc(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n, size);
	if (!p)
		fail("out of memory");
	return p;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + ts.tv_nsec;
}

void json_string(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(f, "\\u%04x", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

/* A full disk must not look like success. */
void finish_stdout(void)
{
	if (fflush(stdout) || ferror(stdout))
		fail_errno("writing the output");
}
