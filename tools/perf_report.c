// SPDX-License-Identifier: GPL-2.0
/*
 * What rill perf prints.  --vs compares throughput and connections by their
 * rate, where more is better, and round trips by their time, where less is.
 */
#include <stdlib.h>
#include <string.h>

#include "perf.h"
#include "util.h"

double perf_mbits(const struct perf_flow *f)
{
	return f->secs > 0 ? f->bytes * 8 / f->secs / 1e6 : 0;
}

double perf_rate(const struct perf_result *r)
{
	return r->ops_secs > 0 ? r->ops / r->ops_secs : 0;
}

static const char *stamp(double from, double to)
{
	static char text[48];

	snprintf(text, sizeof(text), "%7.2f-%-7.2f s", from, to);
	return text;
}

static void print_mbits(const char *when, const char *dir, uint64_t bytes, double secs)
{
	double mbits = secs > 0 ? bytes * 8 / secs / 1e6 : 0;

	printf("%s  %-4s %10.2f MiB  %10.2f %s", when, dir, bytes / 1048576.0,
	       mbits >= 10000 ? mbits / 1000 : mbits, mbits >= 10000 ? "Gbit/s" : "Mbit/s");
}

void perf_report_interval(const struct perf_job *job, double from, double to,
			  uint64_t up, uint64_t down)
{
	if (!job->reverse || job->bidir) {
		print_mbits(stamp(from, to), "up", up, to - from);
		putchar('\n');
	}
	if (job->reverse || job->bidir) {
		print_mbits(stamp(from, to), "down", down, to - from);
		putchar('\n');
	}
	fflush(stdout);
}

static void text_flow(const char *dir, const struct perf_flow *f)
{
	if (f->secs <= 0)
		return;
	print_mbits(stamp(0, f->secs), dir, f->bytes, f->secs);
	if (f->retransmits >= 0)
		printf("  %lld retransmitted", (long long)f->retransmits);
	putchar('\n');
}

static void text_ops(const char *what, const struct perf_result *r)
{
	const struct hist *h = &r->times;

	printf("%llu %s in %.2f s: %.1f per second\n", (unsigned long long)r->ops, what,
	       r->ops_secs, perf_rate(r));
	if (!h->n)
		return;
	printf("each: mean %.1f us, min %.1f, p50 %.1f, p99 %.1f, max %.1f\n",
	       (double)h->sum / h->n / 1e3, h->min / 1e3, hist_percentile(h, 50) / 1e3,
	       hist_percentile(h, 99) / 1e3, h->max / 1e3);
}

static void json_flow(const char *name, const struct perf_flow *f)
{
	if (f->secs <= 0)
		return;
	printf(",\"%s\":{\"bytes\":%llu,\"seconds\":%.6f,\"mbit_per_s\":%.3f", name,
	       (unsigned long long)f->bytes, f->secs, perf_mbits(f));
	if (f->retransmits >= 0)
		printf(",\"retransmits\":%lld", (long long)f->retransmits);
	putchar('}');
}

static void json_ops(const char *name, const struct perf_result *r)
{
	const struct hist *h = &r->times;

	printf(",\"%s\":%llu,\"seconds\":%.6f,\"per_s\":%.3f", name,
	       (unsigned long long)r->ops, r->ops_secs, perf_rate(r));
	if (h->n)
		printf(",\"mean_us\":%.3f,\"min_us\":%.3f,\"p50_us\":%.3f,\"p99_us\":%.3f,"
		       "\"max_us\":%.3f", (double)h->sum / h->n / 1e3, h->min / 1e3,
		       hist_percentile(h, 50) / 1e3, hist_percentile(h, 99) / 1e3, h->max / 1e3);
}

static void json_result(const struct perf_job *job, const struct perf_result *r)
{
	printf("{\"transport\":\"%s\",\"streams\":%d", transport_name(job->over), job->streams);
	if (job->test != TEST_CONN)
		printf(",\"len\":%zu", job->len);
	if (job->test == TEST_RR) {
		json_ops("round_trips", r);
	} else if (job->test == TEST_CONN) {
		json_ops("connections", r);
	} else {
		json_flow("up", &r->up);
		json_flow("down", &r->down);
	}
	puts("}");
}

void perf_report(const struct perf_opts *o, const struct perf_job *job,
		 const struct perf_result *r)
{
	if (o->json) {
		json_result(job, r);
		return;
	}
	printf("--- over %s, %d stream%s ---\n", transport_name(job->over), job->streams,
	       job->streams == 1 ? "" : "s");
	if (job->test == TEST_RR) {
		text_ops("round trips", r);
	} else if (job->test == TEST_CONN) {
		text_ops("connections", r);
	} else {
		text_flow("up", &r->up);
		text_flow("down", &r->down);
	}
}

static int cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *v, int n)
{
	double *sorted = xcalloc(n, sizeof(*sorted)), m;

	memcpy(sorted, v, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), cmp_double);
	m = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
	free(sorted);
	return m;
}

static const struct {
	const char *title, *key, *unit;
} vs_words[] = {
	[TEST_BULK] = { "throughput, Mbit/s (ratio: more is better)", "throughput", "mbit_per_s" },
	[TEST_RR] = { "round trip, us (ratio: less is better)", "round_trip", "us" },
	[TEST_CONN] = { "connections per second (ratio: more is better)", "connections", "per_s" },
};

static void vs_text(enum perf_test test, const double *rill, const double *tcp,
		    const double *ratio, int n)
{
	printf("%s\n%8s %12s %12s %8s\n", vs_words[test].title, "round", "rill", "tcp", "ratio");
	for (int i = 0; i < n; i++)
		printf("%8d %12.1f %12.1f %7.2fx\n", i + 1, rill[i], tcp[i], ratio[i]);
	printf("%8s %12.1f %12.1f %7.2fx\n\n", "median", median(rill, n), median(tcp, n),
	       median(ratio, n));
}

static void vs_json(enum perf_test test, const double *rill, const double *tcp,
		    const double *ratio, int n, bool first, bool last)
{
	printf("%s\"%s\":{\"unit\":\"%s\",\"median_ratio\":%.4f,\"rounds\":[", first ? "{" : ",\n",
	       vs_words[test].key, vs_words[test].unit, median(ratio, n));
	for (int i = 0; i < n; i++)
		printf("%s{\"rill\":%.3f,\"tcp\":%.3f,\"ratio\":%.4f}", i ? "," : "", rill[i],
		       tcp[i], ratio[i]);
	printf("]}%s", last ? "}\n" : "");
}

/* One test's rounds; the median is that of the ratios, not the ratio of medians. */
void perf_report_vs(const struct perf_opts *o, enum perf_test test, const double *rill,
		    const double *tcp, bool first, bool last)
{
	double *ratio = xcalloc(o->rounds, sizeof(*ratio));

	for (int i = 0; i < o->rounds; i++)
		ratio[i] = tcp[i] > 0 ? rill[i] / tcp[i] : 0;
	if (o->json)
		vs_json(test, rill, tcp, ratio, o->rounds, first, last);
	else
		vs_text(test, rill, tcp, ratio, o->rounds);
	fflush(stdout);
	free(ratio);
}
