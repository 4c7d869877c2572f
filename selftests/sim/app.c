// SPDX-License-Identifier: GPL-2.0
/*
 * app.c - the programs at the two ends.
 *
 * Owns what they want: bytes of a pattern known by key and offset go out, what
 * comes in is compared with the pattern.  They write and read in their own
 * chunks at their own pace, stall, close early, half-close or reset.  Records
 * have lengths and patterns known by key and number.
 */
#include "sim.h"

static u64 pattern(u64 key, u64 i)
{
	u64 x = (key + i) * 0x9e3779b97f4a7c15ULL;

	return (x ^ x >> 29) * 0xbf58476d1ce4e5b9ULL;
}

static u8 pattern_byte(u64 key, u64 off)
{
	return pattern(key, off >> 3) >> (off & 7) * 8;
}

void app_fill(u8 *b, u64 key, u64 off, u32 len)
{
	for (; len && off & 7; len--)
		*b++ = pattern_byte(key, off++);
	for (; len >= 8; len -= 8, off += 8, b += 8) {
		u64 w = pattern(key, off >> 3);

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		w = __builtin_bswap64(w);
#endif
		memcpy(b, &w, 8);
	}
	for (; len; len--)
		*b++ = pattern_byte(key, off++);
}

/* The length of record @k of a stream, 0..@most, and the key of its bytes. */
u32 app_record(u64 key, u64 k, u32 most)
{
	return pattern(key ^ 0x5e9, k) % (most + 1ULL);
}

u64 app_record_key(u64 key, u64 k)
{
	return pattern(key ^ 0xca7, k);
}

bool app_same(const u8 *b, u64 key, u64 off, u32 len)
{
	u8 want[512];

	while (len) {
		u32 n = min_t(u32, len, sizeof(want));

		app_fill(want, key, off, n);
		if (memcmp(want, b, n))
			return false;
		b += n;
		off += n;
		len -= n;
	}
	return true;
}

/* Run the program at @at; more wake-ups than needed do no harm. */
void app_wake(struct sconn *sc, u64 at)
{
	at = max(at, sc->host->sim->now);
	if (at == sc->app_at)
		return;
	sc->app_at = min(sc->app_at, at);
	sim_at(sc->host->sim, at, EV_APP, sc->idx, NULL);
}

static void app_reads(struct sconn *sc)
{
	const struct app_cfg *a = sc->app;
	u64 now = sc->host->sim->now;

	while (!sc->err && !sc->closed && host_readable(sc)) {
		u32 n = host_records(sc) ? 1 : min_t(u32, host_readable(sc), a->rchunk);

		if (!sc->stalled && a->stall_len && sc->rd >= a->stall_off) {
			sc->stalled = true;
			sc->stall_until = now + a->stall_len;
		}
		if (now < max(sc->stall_until, sc->next_read)) {
			app_wake(sc, max(sc->stall_until, sc->next_read));
			return;
		}
		sc->next_read = now + a->rdelay;
		host_read(sc, n);
	}
}

static void app_writes(struct sconn *sc)
{
	const struct app_cfg *a = sc->app;
	struct sim *s = sc->host->sim;

	while (!sc->err && !sc->shut && sc->written < a->total) {
		u32 most = host_records(sc) ? app_record(sc->key_tx, sc->rec_tx, a->wchunk) :
					      a->wchunk;
		u64 n = min_t(u64, a->total - sc->written, most);

		if (s->now < sc->next_write) {
			app_wake(sc, sc->next_write);
			return;
		}
		if (rng_chance(&s->rng, a->cork))
			host_setopt(sc, a->nodelay, !sc->c.cork);
		if (!host_write(sc, n))
			return;
		sc->next_write = s->now + a->wdelay;
	}
}

/* What the program does now. */
static void app_step(struct sconn *sc)
{
	const struct app_cfg *a = sc->app;
	struct sim *s = sc->host->sim;

	if (a->abort_at <= s->now && sim_faulty(s)) {
		host_abort(sc);
		return;
	}
	app_reads(sc);
	if (sc->err || sc->closed)
		return;
	app_writes(sc);
	if (sc->err || sc->closed)
		return;
	if (sc->rd >= a->close_off) {
		host_close(sc);
		return;
	}
	if (sc->written < a->total)
		return;
	if (sc->c.cork)
		host_setopt(sc, a->nodelay, false);
	if (a->half && !sc->shut)
		host_shut(sc);
	if (sc->eof && !sc->err)
		host_close(sc);
}

/* Called when something may have changed. */
void app_run(struct sconn *sc)
{
	if (sc->err || sc->closed || !sc->connected)
		return;
	sc->running = true;
	app_step(sc);
	sc->running = false;
	witness_conn(sc);
}
