/* SPDX-License-Identifier: MIT
 *
 * broker_market: what the broker's REST API says of the market and the caller:
 *
 *      GET /v2/market/status/{exchange}      GET /v2/market/holidays, /v2/market/holidays/{date}
 *      GET /v2/market/timings/{date}         GET /v2/user/profile
 *
 * From the calendar that the server has, at market time: NSE and NFO, and BSE and BFO, which keep the
 * same hours. Holidays and timings are for anyone: the SDKs send no token there.
 */
#include "api/api_internal.h"
#include "market/calendar.h"
#include "upstox/answer.h"

struct exchange {
	const char *name;
	enum segment segment;
};

static const struct exchange exchanges[] = {
	{"NSE", SEGMENT_CM}, {"NFO", SEGMENT_FO}, {"BSE", SEGMENT_CM}, {"BFO", SEGMENT_FO}};

/* --- status ----------------------------------------------------------------------------------- */

/* Since when the phase lasts that a segment is in at `now`. */
static int64_t phase_since(enum segment segment, enum market_phase phase, int64_t now)
{
	struct session s[SESSIONS_MAX];

	for (day_t d = ist_day(now); d > ist_day(now) - 30; d--) {
		for (int n = calendar_sessions(segment, d, s, NULL); n > 0; n--) {
			const struct session *at = &s[n - 1];

			if (phase == PHASE_PRE_OPEN && at->pre_open_ms <= now)
				return at->pre_open_ms;
			if (phase == PHASE_OPEN && at->open_ms <= now)
				return at->open_ms;
			if (at->close_ms <= now)
				return at->close_ms;
		}
	}
	return now;
}

void api_broker_status(void *arg, struct http_request *r)
{
	static const char *const status[] = {
		[PHASE_CLOSED] = "NORMAL_CLOSE",
		[PHASE_PRE_OPEN] = "PRE_OPEN_START",
		[PHASE_OPEN] = "NORMAL_OPEN",
		[PHASE_CLOSING] = "CLOSING_START",
	};
	const struct api *a = arg;
	const char *name = http_request_param(r, "exchange");
	int64_t now = clock_market_ms(a->deps.loop->clock);
	struct buf b = {0};

	for (size_t i = 0; i < ARRAY_LEN(exchanges); i++) {
		enum market_phase phase = calendar_phase(exchanges[i].segment, now);

		if (strcmp(name, exchanges[i].name) != 0)
			continue;
		buf_printf(&b, "{\"exchange\":\"%s\",\"status\":\"%s\",\"last_updated\":%lld}",
			   name, status[phase],
			   (long long)phase_since(exchanges[i].segment, phase, now));
		api_respond(r, 200, &b);
		return;
	}
	api_broker_error(r, 400, "UDAPI1089", "Invalid exchange, or one that is not known here");
}

/* --- holidays and timings --------------------------------------------------------------------- */

static void put_hours(struct buf *b, bool is_first, const char *exchange, const struct session *s)
{
	buf_printf(b, "%s{\"exchange\":\"%s\",\"start_time\":%lld,\"end_time\":%lld}",
		   is_first ? "" : ",", exchange, (long long)s->open_ms, (long long)s->close_ms);
}

/* The sessions of a date on every exchange; whether there is one. */
static bool put_sessions(struct buf *b, day_t d)
{
	struct session s[SESSIONS_MAX];
	bool is_first = true;

	for (size_t i = 0; i < ARRAY_LEN(exchanges); i++) {
		int n = calendar_sessions(exchanges[i].segment, d, s, NULL);

		for (int k = 0; k < n; k++, is_first = false)
			put_hours(b, is_first, exchanges[i].name, &s[k]);
	}
	return !is_first;
}

/* The text behind "holiday: " or "special session: ". */
static const char *description(const char *why)
{
	const char *colon = strstr(why, ": ");

	return colon ? colon + 2 : why;
}

static void put_holiday(struct buf *b, bool is_first, day_t d, const char *why)
{
	struct buf sessions = {0};
	char date[IST_TEXT];
	bool is_open = put_sessions(&sessions, d);

	buf_printf(b, "%s{\"date\":\"%s\",\"description\":", is_first ? "" : ",",
		   day_format(d, date));
	buf_json_str(b, description(why), strlen(description(why)));
	buf_printf(b, ",\"holiday_type\":\"%s\",\"closed_exchanges\":[",
		   is_open ? "SPECIAL_TIMING" : "TRADING_HOLIDAY");
	for (size_t i = 0; !is_open && i < ARRAY_LEN(exchanges); i++)
		buf_printf(b, "%s\"%s\"", i ? "," : "", exchanges[i].name);
	buf_str(b, "],\"open_exchanges\":[");
	buf_append(b, sessions.data, sessions.len);
	buf_str(b, "]}");
	buf_fini(&sessions);
}

static bool read_date(struct http_request *r, day_t *d)
{
	const char *text = http_request_param(r, "date");

	if (day_parse(text, strlen(text), d))
		return true;
	api_broker_error(r, 400, "UDAPI1088", "Invalid date");
	return false;
}

/* Holidays and special sessions of the days from `from` to before `to`, by date. */
static void respond_holidays(struct http_request *r, day_t from, day_t to)
{
	struct session s[SESSIONS_MAX];
	struct buf b = {0};
	const char *why;

	buf_byte(&b, '[');
	for (day_t d = from; d < to; d++) {
		calendar_sessions(SEGMENT_CM, d, s, &why);
		if (strncmp(why, "holiday", 7) == 0 || strncmp(why, "special session", 15) == 0)
			put_holiday(&b, b.len == 1, d, why);
	}
	buf_byte(&b, ']');
	api_respond(r, 200, &b);
}

void api_broker_holidays(void *arg, struct http_request *r)
{
	const struct api *a = arg;
	struct ist_time now;

	ist_split(clock_market_ms(a->deps.loop->clock), &now);
	respond_holidays(r, day_from_civil(now.year, 1, 1), day_from_civil(now.year + 1, 1, 1));
}

void api_broker_holiday(void *arg, struct http_request *r)
{
	day_t d;

	(void)arg;
	if (read_date(r, &d))
		respond_holidays(r, d, d + 1);
}

void api_broker_timings(void *arg, struct http_request *r)
{
	struct buf b = {0};
	day_t d;

	(void)arg;
	if (!read_date(r, &d))
		return;
	buf_byte(&b, '[');
	put_sessions(&b, d);
	buf_byte(&b, ']');
	api_respond(r, 200, &b);
}

/* --- the caller ------------------------------------------------------------------------------- */

/* Enough for a program that asks whether its token is good. The account of the server is nobody's to
 * see. */
void api_broker_profile(void *arg, struct http_request *r)
{
	const struct api *a = arg;
	const struct auth_caller *c = r->caller;
	const char *name = a->deps.auth ? c->name : "anyone";
	struct buf b = {0};

	buf_str(&b,
		"{\"email\":\"\",\"exchanges\":[\"NSE\",\"NFO\",\"BSE\",\"BFO\"],\"products\":[],"
		"\"broker\":\"UPSTOX\",\"user_id\":");
	buf_json_str(&b, name, strlen(name));
	buf_str(&b, ",\"user_name\":");
	buf_json_str(&b, name, strlen(name));
	buf_str(&b, ",\"order_types\":[],\"user_type\":\"individual\",\"poa\":false,\"ddpi\":false,"
		    "\"is_active\":true}");
	api_respond(r, 200, &b);
}

/* Whatever else programs of the broker's API may ask for. */
void api_broker_unknown(void *arg, struct http_request *r)
{
	(void)arg;
	api_broker_error(r, 404, "UDAPI100060", "Resource not Found.");
}
