/* SPDX-License-Identifier: MIT
 *
 * holidays: see holidays.h.
 */
#include "upstox/holidays.h"

#include <stdio.h>

#include <cjson/cJSON.h>

#include "core/buf.h"
#include "core/json.h"
#include "market/calendar_file.h"

#define USUAL_OPEN  (9 * 60 + 15)
#define USUAL_CLOSE (15 * 60 + 30)
#define MINUTE_MS   60000

/* Where one exchange stands in a row. */
struct stand {
	bool is_closed, is_open;
	int16_t open, close; /* minutes of the day */
};

static bool is_listed(const cJSON *array, const char *exchange)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, array) {
		if (cJSON_IsString(item) && strcmp(item->valuestring, exchange) == 0)
			return true;
	}
	return false;
}

/* An instant of that day as a minute of it. */
static bool take_minute(const cJSON *row, const char *name, day_t day, int16_t *out)
{
	int64_t ms;

	if (!json_int(row, name, &ms) || ms <= 0 || ist_day(ms) != day)
		return false;
	*out = (int16_t)(ist_ms_of_day(ms) / MINUTE_MS);
	return true;
}

static bool find_stand(const cJSON *row, const char *exchange, day_t day, struct stand *out)
{
	const cJSON *open = cJSON_GetObjectItemCaseSensitive(row, "open_exchanges"), *item;

	*out = (struct stand){
		.is_closed = is_listed(cJSON_GetObjectItemCaseSensitive(row, "closed_exchanges"),
				       exchange)};
	cJSON_ArrayForEach (item, open) {
		const char *name = json_string(item, "exchange");

		if (!name || strcmp(name, exchange) != 0)
			continue;
		if (out->is_open || !take_minute(item, "start_time", day, &out->open) ||
		    !take_minute(item, "end_time", day, &out->close) || out->open >= out->close)
			return false;
		out->is_open = true;
	}
	return true;
}

static bool is_usual(const struct stand *s)
{
	return s->is_open && s->open == USUAL_OPEN && s->close >= USUAL_CLOSE;
}

static void add(struct calendar_entries *out, struct calendar_entry e, const char *what,
		const char *description)
{
	snprintf(e.why, sizeof(e.why), "%s%s%.*s", what, description[0] ? ": " : "", 48,
		 description);
	out->rows = mem_realloc(out->rows, (out->n + 1) * sizeof(e));
	out->rows[out->n++] = e;
}

static void add_session(struct calendar_entries *out, int32_t date, const struct stand *s,
			unsigned segments, const char *description)
{
	struct calendar_entry e = {.date = date,
				   .kind = ENTRY_SESSION,
				   .open = s->open,
				   .close = s->close, /* 0 when it is not named: the usual hours */
				   .segments = segments};

	if (!s->is_closed || s->is_open)
		add(out, e, "special session", description);
}

static void add_row(struct calendar_entries *out, int32_t date, const struct stand *cash,
		    const struct stand *fo, const char *description)
{
	struct calendar_entry e = {.date = date, .kind = ENTRY_HOLIDAY};
	bool is_same =
		cash->is_open && fo->is_open && cash->open == fo->open && cash->close == fo->close;

	if (cash->is_closed && !cash->is_open && fo->is_closed && !fo->is_open) {
		add(out, e, "holiday", description);
	} else if (is_usual(cash) && is_usual(fo)) {
		e.kind = ENTRY_USUAL;
		add(out, e, "trading day", description);
	} else if (is_same) {
		add_session(out, date, cash, 0, description);
	} else {
		add_session(out, date, cash, 1u << SEGMENT_CM | 1u << SEGMENT_CM_CAS, description);
		add_session(out, date, fo, 1u << SEGMENT_FO | 1u << SEGMENT_FO_OPTIONS,
			    description);
	}
}

static bool is_known(const struct calendar_entries *e, int32_t date)
{
	for (size_t i = 0; i < e->n; i++) {
		if (e->rows[i].date == date)
			return true;
	}
	return false;
}

static bool take_row(const cJSON *row, struct calendar_entries *out)
{
	const char *text = json_string(row, "date"), *why = json_string(row, "description");
	struct stand cash, fo;
	int y, m, d;
	day_t day;

	if (!text || !day_parse(text, strlen(text), &day))
		return false;
	if (!find_stand(row, "NSE", day, &cash) || !find_stand(row, "NFO", day, &fo))
		return false;
	day_to_civil(day, &y, &m, &d);
	if ((cash.is_closed || cash.is_open || fo.is_closed || fo.is_open) &&
	    !is_known(out, y * 10000 + m * 100 + d))
		add_row(out, y * 10000 + m * 100 + d, &cash, &fo, why ? why : "");
	return true;
}

int upstox_holidays_parse(const char *body, size_t len, struct calendar_entries *out,
			  struct agni_err *err)
{
	cJSON *json = json_parse(body, len, err);
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(json, "data"), *row;
	bool ok = cJSON_IsArray(data) && cJSON_GetArraySize(data) <= HOLIDAYS_MAX;

	*out = (struct calendar_entries){0};
	cJSON_ArrayForEach (row, data) {
		ok = ok && take_row(row, out);
	}
	cJSON_Delete(json);
	if (ok)
		return 0;
	calendar_entries_fini(out);
	return agni_fail(err, AGNI_EPARSE, "not a list of holidays");
}
