/* SPDX-License-Identifier: MIT
 *
 * signals_route: GET /signals: what the apps have seen, the newest first.
 *
 *      ?limit=100       at most so many, up to 1024: all that are kept
 *      ?from= ?to=      fired in [from, to), market time: Unix ms, or 2026-11-20T09:15 (IST)
 *      ?instrument=     of this key alone
 *      ?app=            of this app alone
 *
 * Signals of instruments outside of the caller's scope are not in it.
 */
#include "api/api_internal.h"
#include "signals/signals.h"

#define LIMIT_DEFAULT 100

struct wish {
	uint32_t limit;
	int64_t from_ms, to_ms;
	char app[16];
	char key[INST_KEY_MAX + 1];
	bool has_key;
};

static bool is_app(const char *name)
{
	for (int i = 0; i < APPS; i++) {
		if (strcmp(name, app_name((enum app_kind)i)) == 0)
			return true;
	}
	return false;
}

/* NULL, or what is wrong with the query. */
static const char *read_wish(const struct http_request *r, struct wish *w)
{
	if (!api_query_number(r, "limit", 1, SIGNALS_KEPT, &w->limit))
		return "limit is a whole number";
	if (!api_query_instant(r, "from", &w->from_ms) || !api_query_instant(r, "to", &w->to_ms))
		return "from and to are Unix milliseconds or instants like 2026-11-20T09:15";
	w->has_key = http_request_query(r, "instrument", w->key, sizeof(w->key));
	if (w->has_key && !instrument_key_is_valid(w->key, strlen(w->key)))
		return "instrument is an instrument key like NSE_INDEX|Nifty 50";
	if (http_request_query(r, "app", w->app, sizeof(w->app)) && !is_app(w->app))
		return "app is one of simple, redis, options, futures";
	return NULL;
}

static bool is_wanted(const struct wish *w, const struct signal *s, const char *key)
{
	return s->ts_ms >= w->from_ms && s->ts_ms < w->to_ms &&
	       (!w->app[0] || strcmp(w->app, s->app) == 0) &&
	       (!w->has_key || strcmp(w->key, key) == 0);
}

void api_signals(void *arg, struct http_request *r)
{
	struct api *a = arg;
	const struct instruments *t = &a->deps.book->instruments;
	const struct signals *all = a->deps.signals;
	const struct scope *scope = api_scope(a, r);
	struct wish w = {.limit = LIMIT_DEFAULT, .to_ms = INT64_MAX};
	const char *wrong = read_wish(r, &w);
	struct buf b = {0};
	uint32_t n = 0;

	if (wrong) {
		http_respond_error(r, 400, "bad_request", "%s", wrong);
		return;
	}
	if (w.has_key && !scope_permits(scope, w.key, strlen(w.key))) {
		http_respond_error(r, 403, "not_permitted", "%s is outside of this key's scope",
				   w.key);
		return;
	}
	tape_flush(a->deps.tape); /* what is shown is on the tape */
	buf_str(&b, "{\"signals\":[");
	for (uint64_t id = all ? signals_newest(all) : 0;
	     all && n < w.limit && id >= signals_oldest(all); id--) {
		const struct signal *s = signals_at(all, id);
		const char *key = instruments_key(t, s->instrument);

		if (!is_wanted(&w, s, key) || !scope_permits(scope, key, strlen(key)))
			continue;
		if (n++)
			buf_byte(&b, ',');
		signal_json_scoped(&b, s, t, scope);
	}
	buf_str(&b, "]}");
	api_respond(r, 200, &b);
}
