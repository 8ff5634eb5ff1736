/* SPDX-License-Identifier: MIT
 *
 * bars_route: GET /bars/{key}: open, high, low, close and volume of one instrument.
 *
 *      ?interval=1m     1s, 1m, 5m, 15m, 30m, 1h, 1d
 *      ?from= ?to=      bars that begin in [from, to): Unix ms, or 2026-11-20T09:15 (IST)
 *      ?limit=500       the newest so many of them, at most 2000
 */
#include <stdlib.h>

#include "api/api_internal.h"
#include "market/bars_view.h"

#define LIMIT_DEFAULT 500
#define LIMIT_MAX     2000

struct wish {
	enum bar_interval interval;
	int64_t from_ms, to_ms;
	uint32_t limit;
};

/* NULL, or what is wrong with the query. */
static const char *read_wish(const struct http_request *r, struct wish *w)
{
	char text[8];

	if (http_request_query(r, "interval", text, sizeof(text)) &&
	    !bar_interval_parse(text, strlen(text), &w->interval))
		return "interval is one of 1s, 1m, 5m, 15m, 30m, 1h, 1d";
	if (!api_query_instant(r, "from", &w->from_ms) || !api_query_instant(r, "to", &w->to_ms))
		return "from and to are Unix milliseconds or instants like 2026-11-20T09:15";
	if (!api_query_number(r, "limit", 1, LIMIT_MAX, &w->limit))
		return "limit is a whole number";
	return NULL;
}

/* The walk, at the first of the newest `limit` bars of the range. */
static void walk_begin(const struct api *a, inst_id id, const char *key, const struct wish *w,
		       struct bar_walk *walk)
{
	const struct instrument_bars *of = bars_of(a->deps.bars, id);
	int64_t now = clock_market_ms(a->deps.loop->clock);
	struct bar_view v;
	uint32_t n = 0;

	bar_walk_begin(walk, a->deps.bars, of, key, w->interval, w->from_ms, now);
	while (bar_walk_next(walk, &v) && v.row.start_ms < w->to_ms)
		n++;
	bar_walk_begin(walk, a->deps.bars, of, key, w->interval, w->from_ms, now);
	walk->is_stale = a->deps.upstream->is_stale(a->deps.upstream->arg, id);
	for (; n > w->limit; n--)
		(void)bar_walk_next(walk, &v);
}

static void respond_bars(struct api *a, struct http_request *r, inst_id id, const struct wish *w)
{
	const char *key = instruments_key(&a->deps.book->instruments, id);
	struct bar_walk walk;
	struct bar_view v;
	struct buf b = {0};
	uint32_t n = 0;

	buf_str(&b, "{\"key\":");
	buf_json_str(&b, key, strlen(key));
	buf_printf(&b, ",\"interval\":\"%s\",\"rebuilding\":%s,\"bars\":[",
		   bar_interval_text(w->interval), a->deps.bars->is_rebuilding ? "true" : "false");
	walk_begin(a, id, key, w, &walk);
	while (bar_walk_next(&walk, &v) && v.row.start_ms < w->to_ms) {
		if (n++)
			buf_byte(&b, ',');
		bar_json(&b, &v);
	}
	buf_str(&b, "]}");
	api_respond(r, 200, &b);
}

void api_bars(void *arg, struct http_request *r)
{
	struct api *a = arg;
	struct wish w = {.interval = BAR_1M, .to_ms = INT64_MAX, .limit = LIMIT_DEFAULT};
	const char *wrong = read_wish(r, &w);
	inst_id id;

	tape_flush(a->deps.tape); /* what is shown is on the tape */
	if (!api_path_instrument(a, r, &id))
		return;
	if (wrong)
		http_respond_error(r, 400, "bad_request", "%s", wrong);
	else if (bars_of(a->deps.bars, id))
		respond_bars(a, r, id, &w);
	else
		api_respond_nothing(a, r, id);
}
