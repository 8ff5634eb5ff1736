/* SPDX-License-Identifier: MIT
 *
 * holidays: what overrides the compiled calendar: the operator's file, and behind it what the broker
 * says of the current year. The broker is asked whenever the master is loaded; one that does not
 * answer, or answers nonsense, changes nothing.
 */
#include <stdio.h>

#include "core/log.h"
#include "market/calendar_file.h"
#include "refdata/refdata_internal.h"
#include "upstox/holidays.h"

#define FETCH_TIMEOUT_MS 20000
#define FETCH_MAX_BYTES  (1u << 20)

const struct config_key calendar_config_keys[] = {
	CONFIG_STR_F(struct calendar_config, file, "", "",
		     "holidays and sessions that are not compiled in, one a line: \"holiday "
		     "2026-11-09 why\", \"session 2026-11-08 18:00-19:00 Muhurat\"; "
		     "docs/calendar.md; empty = none",
		     CONFIG_RELOAD),
	CONFIG_BOOL_F(
		struct calendar_config, ask_broker, "on",
		"whether the broker's list of this year's holidays is fetched with the master "
		"and stands over what is compiled in, not over the file",
		CONFIG_RELOAD),
	{0},
};

static bool has_date(const struct calendar_entries *e, int32_t date)
{
	for (size_t i = 0; i < e->n; i++) {
		if (e->rows[i].date == date && e->rows[i].kind != ENTRY_YEAR)
			return true;
	}
	return false;
}

static void append(struct calendar_entries *to, const struct calendar_entry *e)
{
	to->rows = mem_realloc(to->rows, (to->n + 1) * sizeof(*e));
	to->rows[to->n++] = *e;
}

/* The file's entries, and the broker's of dates that the file does not name. */
static void put_in_force(struct refdata *r)
{
	struct calendar_entries all = {0};

	for (size_t i = 0; i < r->holidays.file.n; i++)
		append(&all, &r->holidays.file.rows[i]);
	for (size_t i = 0; i < r->holidays.broker.n; i++) {
		const struct calendar_entry *e = &r->holidays.broker.rows[i];

		if (!has_date(&r->holidays.file, e->date))
			append(&all, e);
	}
	calendar_override(NULL);
	calendar_entries_fini(&r->holidays.in_force);
	r->holidays.in_force = all;
	calendar_override(&r->holidays.in_force);
}

int holidays_read(struct refdata *r, struct agni_err *err)
{
	const char *path = r->deps.calendar ? r->deps.calendar->file : "";
	struct calendar_entries entries = {0};

	if (path[0] && calendar_file_load(path, &entries, err) < 0)
		return err->code = AGNI_ECONFIG;
	calendar_entries_fini(&r->holidays.file);
	r->holidays.file = entries;
	put_in_force(r);
	return 0;
}

static void on_answer(void *arg, const struct http_result *res)
{
	struct refdata *r = arg;
	struct calendar_entries entries;
	struct agni_err err;

	r->holidays.call = NULL;
	if (res->code || res->status != 200) {
		log_warn("refdata", "the broker's holidays: %s (status %d)", res->error,
			 res->status);
		return;
	}
	if (upstox_holidays_parse(res->body, res->body_len, &entries, &err) < 0) {
		log_warn("refdata", "the broker's holidays: %s", err.text);
		return;
	}
	calendar_entries_fini(&r->holidays.broker);
	r->holidays.broker = entries;
	put_in_force(r);
	log_info("refdata", "the broker names %zu holidays and sessions", entries.n);
}

void holidays_fetch(struct refdata *r)
{
	char url[256];
	struct http_call_options o = {.method = "GET",
				      .url = url,
				      .headers = "Accept: application/json\r\n",
				      .timeout_ms = FETCH_TIMEOUT_MS,
				      .response_max = FETCH_MAX_BYTES};
	struct agni_err err;

	if (!r->deps.calendar || !r->deps.calendar->ask_broker || !r->deps.api_url ||
	    r->holidays.call)
		return;
	snprintf(url, sizeof(url), "%s/v2/market/holidays",
		 r->deps.api_url[0] ? r->deps.api_url : r->deps.api_url_fallback);
	r->holidays.call = http_call_start(r->deps.http, &o, on_answer, r, &err);
	if (!r->holidays.call)
		log_warn("refdata", "the broker's holidays: %s", err.text);
}

void holidays_stop(struct refdata *r)
{
	if (r->holidays.call)
		http_call_cancel(r->holidays.call);
	r->holidays.call = NULL;
}

void holidays_fini(struct refdata *r)
{
	calendar_override(NULL);
	calendar_entries_fini(&r->holidays.in_force);
	calendar_entries_fini(&r->holidays.file);
	calendar_entries_fini(&r->holidays.broker);
}
