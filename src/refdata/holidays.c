/* SPDX-License-Identifier: MIT
 *
 * holidays: what overrides the compiled calendar: the operator's file.
 */
#include "market/calendar_file.h"
#include "refdata/refdata_internal.h"

const struct config_key calendar_config_keys[] = {
	CONFIG_STR_F(struct calendar_config, file, "", "",
		     "holidays and sessions that are not compiled in, one a line: \"holiday "
		     "2026-11-09 why\", \"session 2026-11-08 18:00-19:00 Muhurat\"; "
		     "docs/calendar.md; empty = none",
		     CONFIG_RELOAD),
	{0},
};

int holidays_read(struct refdata *r, struct agni_err *err)
{
	const char *path = r->deps.calendar ? r->deps.calendar->file : "";
	struct calendar_entries entries = {0};

	if (path[0] && calendar_file_load(path, &entries, err) < 0)
		return err->code = AGNI_ECONFIG;
	calendar_override(NULL);
	calendar_entries_fini(&r->calendar);
	r->calendar = entries;
	if (entries.n)
		calendar_override(&r->calendar);
	return 0;
}

void holidays_fini(struct refdata *r)
{
	calendar_override(NULL);
	calendar_entries_fini(&r->calendar);
}
