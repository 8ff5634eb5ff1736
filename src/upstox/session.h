/* SPDX-License-Identifier: MIT
 *
 * session: is the market of this instrument open? By the broker's market_info where it has spoken,
 * else by the calendar at market time (NSE and BSE segments; others count as closed until told).
 */
#ifndef AGNI_UPSTOX_SESSION_H
#define AGNI_UPSTOX_SESSION_H

#include "core/base.h"

#define SEGMENTS_MAX     24
#define SEGMENT_NAME_MAX 24

struct session_table {
	struct session_row {
		char name[SEGMENT_NAME_MAX];
		int status; /* enum market_status of the wire */
	} rows[SEGMENTS_MAX];
	int n;
};

/* market_info said so. Unknown names are kept as they are; returns whether something changed. */
bool session_note(struct session_table *t, const char *segment, size_t len, int status);

/* The segment is the part of `key` before "|". */
bool session_is_open(const struct session_table *t, const char *key, int64_t market_ms);

/* The newest word of market_info on the segment of `key`, "" when there was none. */
const char *session_word(const struct session_table *t, const char *key);

/* "NORMAL_OPEN" ...; "UNKNOWN" for others. */
const char *session_status_text(int status);

#endif
