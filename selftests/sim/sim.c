// SPDX-License-Identifier: GPL-2.0
/* sim.c - the virtual clock.  Owns the heap of events and the order they run in. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "sim.h"

void sim_trace(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	printf("%12.6f ", (double)(s->now - s->cfg->start) / 1e9);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* The first failure is the one that counts; the run ends. */
void sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (s->failed)
		return;
	s->failed = true;
	n = snprintf(s->why, sizeof(s->why), "%.6f s: ",
		     (double)(s->now - s->cfg->start) / 1e9);
	va_start(ap, fmt);
	vsnprintf(s->why + n, sizeof(s->why) - n, fmt, ap);
	va_end(ap);
	TRACE(s, "FAIL %s", s->why);
}

static bool ev_before(const struct ev *a, const struct ev *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

void sim_at(struct sim *s, u64 at, enum ev_kind kind, u32 idx, void *p)
{
	struct ev e = { .at = max(at, s->now), .seq = s->seq++, .kind = kind,
			.idx = idx, .p = p };
	u32 i;

	if (s->nheap == s->heap_cap) {
		s->heap_cap = s->heap_cap ? 2 * s->heap_cap : 1024;
		s->heap = realloc(s->heap, s->heap_cap * sizeof(*s->heap));
	}
	for (i = s->nheap++; i && ev_before(&e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = e;
}

static struct ev sim_pop(struct sim *s)
{
	struct ev top = s->heap[0], last = s->heap[--s->nheap];
	u32 i = 0, c;

	while ((c = 2 * i + 1) < s->nheap) {
		if (c + 1 < s->nheap && ev_before(&s->heap[c + 1], &s->heap[c]))
			c++;
		if (!ev_before(&s->heap[c], &last))
			break;
		s->heap[i] = s->heap[c];
		i = c;
	}
	s->heap[i] = last;
	return top;
}

static void sim_rebind(struct sim *s)
{
	struct host *h = &s->host[0];

	TRACE(s, "host 0 moves from address %u to %u", h->addr, h->addr + 100);
	h->old_addr = h->addr;
	h->addr += 100;
}

/* A host has slept: its clock is ahead of its timers. */
static void sim_step(struct sim *s)
{
	u32 i;

	TRACE(s, "the clock of host %u jumps by %llu", s->cfg->step_host, s->cfg->step);
	s->host[s->cfg->step_host].skew += s->cfg->step;
	for (i = 0; i < s->nconns; i++)
		if (s->conns[i]->host->id == s->cfg->step_host) {
			s->conns[i]->timer_at = RILL_NEVER;
			host_timer_arm(s->conns[i]);
		}
}

static void sim_event(struct sim *s, const struct ev *e)
{
	struct sconn *sc;

	switch (e->kind) {
	case EV_ARRIVE:
		host_arrive(&s->host[e->idx], e->p);
		break;
	case EV_POLL:
		host_poll(&s->host[e->idx]);
		break;
	case EV_TIMER:
		host_timer(s->conns[e->idx], e->at);
		break;
	case EV_APP:
		sc = s->conns[e->idx];
		if (sc->app_at == e->at)
			sc->app_at = RILL_NEVER;
		app_run(sc);
		break;
	case EV_CONNECT:
		host_connect(s, e->idx);
		break;
	case EV_REBIND:
		sim_rebind(s);
		break;
	case EV_STEP:
		sim_step(s);
		break;
	case EV_CRASH:
		TRACE(s, "host %u crashes", s->cfg->crash_host);
		host_crash(&s->host[s->cfg->crash_host]);
		break;
	case EV_FLOOD:
		forge_flood(s);
		break;
	case EV_SAMPLE:
		s->sampler(s);
		if (s->nheap)
			sim_at(s, s->now + s->cfg->sample_every, EV_SAMPLE, 0, NULL);
		break;
	}
}

void sim_init(struct sim *s, u64 seed, const struct sim_cfg *cfg)
{
	u32 i;

	memset(s, 0, sizeof(*s));
	s->seed = seed;
	s->cfg = cfg;
	s->now = cfg->start;
	s->hash = 0xcbf29ce484222325ULL;
	rng_seed(&s->rng, seed ^ 0x51);
	for (i = 0; i < SIM_HOSTS; i++) {
		s->link[i].cfg = cfg->link[i];
		host_init(s, i);
	}
	for (i = 0; i < cfg->nconns; i++)
		sim_at(s, cfg->start + cfg->conn[i].at, EV_CONNECT, i, NULL);
	if (cfg->rebind_at != RILL_NEVER)
		sim_at(s, cfg->rebind_at, EV_REBIND, 0, NULL);
	if (cfg->step)
		sim_at(s, cfg->step_at, EV_STEP, 0, NULL);
	if (cfg->crash_at)
		sim_at(s, cfg->crash_at, EV_CRASH, 0, NULL);
	if (cfg->sample_every)
		sim_at(s, cfg->start + cfg->sample_every, EV_SAMPLE, 0, NULL);
	if (cfg->flood)
		sim_at(s, cfg->flood_at, EV_FLOOD, 0, NULL);
	for (i = 0; i < SIM_HOSTS; i++)
		s->base_rtt += min(cfg->link[i].delay, cfg->link[i].shift_at ?
				   cfg->link[i].shift_delay : U64_MAX);
}

/* Run to the end; false: an invariant broke, see @s->why. */
bool sim_run_all(struct sim *s)
{
	while (s->nheap && !s->failed) {
		struct ev e = sim_pop(s);

		if (e.at > s->cfg->deadline) {
			s->now = e.at;
			if (e.kind == EV_ARRIVE)
				dgram_put(e.p);
			break;
		}
		s->now = e.at;
		s->events++;
		sim_mix(s, e.at ^ (u64)e.kind << 56 ^ (u64)e.idx << 48);
		sim_event(s, &e);
	}
	if (!s->failed)
		witness_end(s);
	return !s->failed;
}

void sim_free(struct sim *s)
{
	u32 i;

	while (s->nheap) {
		struct ev e = sim_pop(s);

		if (e.kind == EV_ARRIVE)
			dgram_put(e.p);
	}
	for (i = 0; i < s->nconns; i++)
		sconn_free(s->conns[i]);
	for (i = 0; i < SIM_HOSTS; i++) {
		host_free(&s->host[i]);
		link_free(&s->link[i]);
	}
	if (s->syn)
		dgram_put(s->syn);
	free(s->heap);
}
