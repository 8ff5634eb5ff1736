/* SPDX-License-Identifier: MIT
 *
 * broker_candles: today's candles over the broker's REST API, newest first:
 *
 *      GET /v3/historical-candle/intraday/{key}/{unit}/{interval}
 *      [["2025-01-01T15:29:00+05:30", open, high, low, close, volume, oi], ...]
 *
 * Of units minutes (1 to 300), hours (1 to 5), days (1). They are put together from the exchange's own
 * completed minutes, which the feed brings, and the day's is the exchange's too; never from our own ticks,
 * which are samples. A candle that is not over, of which a part was not seen, or that goes on behind the
 * last message of an instrument that nobody watches now, is left out, for this form has no word for it. Days before today are not here.
 *
 * The broker's SDKs send no token on this path. Prices are for who has a key all the same: without keys, on
 * loopback, everybody.
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/api_internal.h"
#include "market/bars.h"
#include "market/calendar.h"

#define MINUTE_MS 60000

struct candle {
	int64_t start_ms;
	price_t open, high, low, close;
	int64_t volume;
	double oi; /* 0: none, as the broker has it */
};

/* What a request is about. */
struct wish {
	inst_id id;
	const char *key;
	bool is_day;
	bool is_stale;     /* nobody watches the instrument now, or the link is down */
	int64_t length_ms; /* of a candle */
	int64_t from_ms;   /* what begins earlier is not asked for */
};

/* --- the request ------------------------------------------------------------------------------- */

/* A whole number of 1 to `most`; 0: it is none. */
static int64_t number_within(const char *text, int64_t most)
{
	char *end;
	long v = strtol(text, &end, 10);

	return text[0] >= '0' && text[0] <= '9' && !*end && v <= most ? v : 0;
}

/* NULL, or the code of what is wrong with unit and interval. */
static const char *read_length(const struct http_request *r, struct wish *w)
{
	static const struct {
		const char *unit;
		int64_t most, minutes;
	} units[] = {{"minutes", 300, 1}, {"hours", 5, 60}, {"days", 1, 24 * 60}};
	const char *unit = http_request_param(r, "unit");

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		int64_t n;

		if (strcmp(unit, units[i].unit) != 0)
			continue;
		n = number_within(http_request_param(r, "interval"), units[i].most);
		w->length_ms = n * units[i].minutes * MINUTE_MS;
		w->is_day = i == 2;
		return n ? NULL : "UDAPI1147";
	}
	return "UDAPI1146";
}

/* What is outside of the caller's scope is like what does not exist. */
static bool is_known(const struct api *a, const struct http_request *r, const char *key)
{
	size_t len = strlen(key);

	return scope_permits(api_scope(a, r), key, len) &&
	       (instruments_find(&a->deps.book->instruments, key, len) != INST_NONE ||
		refdata_is_known(a->deps.refdata, key, len));
}

/* False: the request was answered. */
static bool read_wish(struct api *a, struct http_request *r, struct wish *w)
{
	const char *code;

	w->key = http_request_param(r, "key");
	code = read_length(r, w);
	if (!instrument_key_is_valid(w->key, strlen(w->key)))
		api_broker_error(r, 400, "UDAPI1021", "Instrument key is of invalid format");
	else if (code)
		api_broker_error(r, 400, code, "Unit or interval is invalid");
	else if (!is_known(a, r, w->key))
		api_broker_error(r, 400, "UDAPI100011", "Invalid Instrument key");
	else if (a->deps.bars->is_rebuilding)
		api_broker_error(r, 503, "UDAPI100500", "Bars are being rebuilt from the journal");
	else
		return true;
	return false;
}

/* --- candles ----------------------------------------------------------------------------------- */

/* When the day of `now` is over on the exchange; INT64_MAX: not known. */
static int64_t day_close(const char *key, int64_t now)
{
	size_t n = instrument_segment_len(key);
	bool is_fo = n > 3 && memcmp(key + n - 3, "_FO", 3) == 0;
	struct session s[SESSIONS_MAX];
	int sessions = calendar_sessions(is_fo ? SEGMENT_FO : SEGMENT_CM, ist_day(now), s, NULL);

	return sessions > 0 ? s[sessions - 1].close_ms : INT64_MAX;
}

/* Candles begin with the session, at 09:15 for shares, indices and their derivatives. */
static int64_t start_of(const struct instrument_bars *of, int64_t length_ms, int64_t ms)
{
	int64_t base = ist_instant(ist_day(ms), of->anchor_ms), into = (ms - base) % length_ms;

	return ms - into - (into < 0 ? length_ms : 0);
}

static void join(struct candle *c, const struct instrument_bars *of, const struct bar_row *minute)
{
	const struct bar_row *ours = bar_series_find(&of->series[SERIES_MINUTE], minute->start_ms);

	if (price_cmp(minute->high, c->high) > 0)
		c->high = minute->high;
	if (price_cmp(minute->low, c->low) < 0)
		c->low = minute->low;
	c->close = minute->close;
	c->volume += row_has_volume(minute) ? minute->volume : 0;
	if (ours && (ours->flags & ROW_HAS_OI))
		c->oi = ours->oi;
}

/* Whether all of it was seen. A minute that is there is whole by itself: the exchange made it. The first
 * message brings the minute before it. */
static bool is_whole(const struct instrument_bars *of, const struct wish *w, const struct candle *c)
{
	int64_t end = c->start_ms + w->length_ms;

	if (w->length_ms == MINUTE_MS)
		return true;
	return !(w->is_stale && end > of->last_ms) && of->first_ms < c->start_ms + 2 * MINUTE_MS &&
	       of->series[SERIES_EXCHANGE].dropped_ms < c->start_ms &&
	       !bars_has_hole(of, c->start_ms, end);
}

/* Today's, oldest first; returns how many. */
static uint32_t gather(const struct api *a, const struct wish *w, int64_t now, struct candle *out)
{
	const struct instrument_bars *of = bars_of(a->deps.bars, w->id);
	const struct bar_series *s = &of->series[SERIES_EXCHANGE];
	int64_t close = day_close(w->key, now);
	int64_t today = ist_instant(ist_day(now), 0);
	uint32_t i = bar_series_from(s, w->from_ms > today ? w->from_ms : today), n = 0;

	while (i < s->n) {
		const struct bar_row *first = &s->rows[i];
		struct candle c = {.start_ms = start_of(of, w->length_ms, first->start_ms),
				   .open = first->open,
				   .high = first->high,
				   .low = first->low};
		int64_t end = c.start_ms + w->length_ms;

		for (; i < s->n && s->rows[i].start_ms < end; i++)
			join(&c, of, &s->rows[i]);
		if ((end <= now || close <= now) && is_whole(of, w, &c))
			out[n++] = c;
	}
	return n;
}

static void put_candle(struct buf *b, const struct candle *c)
{
	const price_t prices[] = {c->open, c->high, c->low, c->close};
	char time[IST_TEXT];

	ist_format(c->start_ms, time);
	buf_printf(b, "[\"%.19s+05:30\"", time); /* without the milliseconds */
	for (size_t i = 0; i < ARRAY_LEN(prices); i++) {
		buf_byte(b, ',');
		buf_price(b, prices[i]);
	}
	buf_byte(b, ',');
	buf_i64(b, c->volume);
	buf_byte(b, ',');
	buf_double(b, c->oi);
	buf_byte(b, ']');
}

static void put_minutes(const struct api *a, struct buf *b, const struct wish *w, int64_t now)
{
	const struct instrument_bars *of = bars_of(a->deps.bars, w->id);
	struct candle *candles;
	uint32_t n;

	if (!of)
		return;
	candles = mem_alloc((of->series[SERIES_EXCHANGE].n + 1) * sizeof(*candles));
	for (n = gather(a, w, now, candles); n > 0; n--) {
		put_candle(b, &candles[n - 1]);
		if (n > 1)
			buf_byte(b, ',');
	}
	free(candles);
}

bool api_last_candle(const struct api *a, inst_id id, int minutes, struct bar *out)
{
	const struct instrument_bars *of = bars_of(a->deps.bars, id);
	const struct bar_series *s = of ? &of->series[SERIES_EXCHANGE] : NULL;
	struct wish w = {.id = id,
			 .key = instruments_key(&a->deps.book->instruments, id),
			 .is_stale = a->deps.upstream->is_stale(a->deps.upstream->arg, id),
			 .length_ms = (int64_t)minutes * MINUTE_MS};
	struct candle candles[4]; /* two; of two days, if time leaps over midnight, two each */
	uint32_t n;

	if (!s || a->deps.bars->is_rebuilding || s->n == 0)
		return false;
	/* The one that the newest minute is in, and the one before it. */
	w.from_ms = start_of(of, w.length_ms, s->rows[s->n - 1].start_ms) - w.length_ms;
	n = gather(a, &w, clock_market_ms(a->deps.loop->clock), candles);
	if (n == 0)
		return false;
	*out = (struct bar){.present = BAR_OPEN | BAR_HIGH | BAR_LOW | BAR_CLOSE | BAR_VOL | BAR_TS,
			    .open = candles[n - 1].open,
			    .high = candles[n - 1].high,
			    .low = candles[n - 1].low,
			    .close = candles[n - 1].close,
			    .vol = candles[n - 1].volume,
			    .ts_ms = candles[n - 1].start_ms};
	snprintf(out->interval, sizeof(out->interval), "I%d", minutes);
	return true;
}

/* The exchange's own bar of the day, as long as it is today's. */
static void put_day(const struct api *a, struct buf *b, const struct wish *w, int64_t now)
{
	const unsigned parts = BAR_OPEN | BAR_HIGH | BAR_LOW | BAR_CLOSE | BAR_TS;
	const struct slot *slot = book_slot(a->deps.book, w->id);

	for (unsigned i = 0;
	     slot && !w->is_stale && (slot->q.present & QUOTE_BARS) && i < slot->q.bars_n; i++) {
		const struct bar *bar = &slot->q.bars[i];

		if (strcmp(bar->interval, "1d") == 0 && (bar->present & parts) == parts &&
		    ist_day(bar->ts_ms) == ist_day(now))
			put_candle(b,
				   &(struct candle){ist_instant(ist_day(now), 0), bar->open,
						    bar->high, bar->low, bar->close,
						    bar->present & BAR_VOL ? bar->vol : 0,
						    slot->q.present & QUOTE_OI ? slot->q.oi : 0});
	}
}

void api_broker_intraday(void *arg, struct http_request *r)
{
	struct api *a = arg;
	int64_t now = clock_market_ms(a->deps.loop->clock);
	struct buf b = {0};
	struct wish w = {0};

	if (!read_wish(a, r, &w))
		return;
	tape_flush(a->deps.tape); /* what is shown is on the tape */
	w.id = instruments_find(&a->deps.book->instruments, w.key, strlen(w.key));
	w.is_stale = w.id == INST_NONE || a->deps.upstream->is_stale(a->deps.upstream->arg, w.id);
	buf_str(&b, "{\"candles\":[");
	if (w.id != INST_NONE && w.is_day)
		put_day(a, &b, &w, now);
	else if (w.id != INST_NONE)
		put_minutes(a, &b, &w, now);
	buf_str(&b, "]}");
	api_respond(r, 200, &b);
}
