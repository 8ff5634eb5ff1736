/* SPDX-License-Identifier: MIT
 *
 * session: see session.h.
 */
#include "upstox/session.h"

#include <stdio.h>
#include <string.h>

#include "market/calendar.h"
#include "market/instrument.h"
#include "upstox/frame.h"

static struct session_row *row_find(const struct session_table *t, const char *segment, size_t len)
{
	for (int i = 0; i < t->n; i++) {
		if (strlen(t->rows[i].name) == len && memcmp(t->rows[i].name, segment, len) == 0)
			return container_of(&t->rows[i].name, struct session_row, name);
	}
	return NULL;
}

bool session_note(struct session_table *t, const char *segment, size_t len, int status)
{
	struct session_row *row = row_find(t, segment, len);

	if (!row) {
		if (t->n == SEGMENTS_MAX || len == 0 || len >= SEGMENT_NAME_MAX)
			return false;
		row = &t->rows[t->n++];
		snprintf(row->name, sizeof(row->name), "%.*s", (int)len, segment);
	} else if (row->status == status) {
		return false;
	}
	row->status = status;
	return true;
}

static bool calendar_says_open(const char *key, size_t len, int64_t ms)
{
	if (len < 4 || (memcmp(key, "NSE_", 4) != 0 && memcmp(key, "BSE_", 4) != 0))
		return false;
	return calendar_phase(memcmp(key + 4, "FO", 2) == 0 ? SEGMENT_FO : SEGMENT_CM, ms) ==
	       PHASE_OPEN;
}

bool session_is_open(const struct session_table *t, const char *key, int64_t market_ms)
{
	size_t len = instrument_segment_len(key);
	const struct session_row *row = row_find(t, key, len);

	return row ? row->status == STATUS_NORMAL_OPEN : calendar_says_open(key, len, market_ms);
}

const char *session_word(const struct session_table *t, const char *key)
{
	const struct session_row *row = row_find(t, key, instrument_segment_len(key));

	return row ? session_status_text(row->status) : "";
}

const char *session_status_text(int status)
{
	static const char *const text[] = {"PRE_OPEN_START", "PRE_OPEN_END",  "NORMAL_OPEN",
					   "NORMAL_CLOSE",   "CLOSING_START", "CLOSING_END"};

	return status >= 0 && status < (int)ARRAY_LEN(text) ? text[status] : "UNKNOWN";
}
