/* SPDX-License-Identifier: MIT
 *
 * session_oi: open interest at the close of each session, kept on disk, so that a change of open
 * interest is one against the previous session: not against midnight, nor the last start.
 *
 *      close of the session --> {folder}/2025-10-27.oi     every contract whose OI is known and fresh
 *      a session opens      --> the file of the session before it is what counts
 *
 * A session's numbers hold until the next one opens: on Saturday, and on Monday at 09:00, what is
 * shown is Friday's, and what it is compared with is Thursday's. Which days have sessions is the
 * calendar's to say; a muhurat evening is one. When the day before has no file (the server was not
 * there), the broker's own figure is used where one was given; never a file of an older day.
 *
 * A file is text: a head, one line per contract, and a tail with a check over all of it. It is
 * replaced whole, off the loop. Until midnight it is written again while numbers still come in, one
 * that was missed until the next open; contracts that are not known any more keep what the file
 * says.
 *
 *      agnidata open interest 1 2025-10-27
 *      NSE_FO|45450 1250175
 *      end 1 8c5d01f2
 */
#ifndef AGNI_OPTIONS_SESSION_OI_H
#define AGNI_OPTIONS_SESSION_OI_H

#include "core/buf.h"
#include "core/err.h"
#include "core/ist.h"
#include "market/instrument.h"

enum prev_oi_source { PREV_OI_NONE, PREV_OI_SESSION, PREV_OI_BROKER };

/* "session", "broker"; "" for none. */
const char *prev_oi_source_text(enum prev_oi_source s);

/* The session whose numbers are shown at this instant: the latest that has opened. */
day_t session_oi_day(int64_t market_ms);

/* And the one before it. */
day_t session_oi_day_before(int64_t market_ms);

/* The instant at which the day's last session ends; 0: it has none. */
int64_t session_oi_close(day_t d);

#define SESSION_OI_MAX 200000u /* contracts of one file */

/* Contracts and their open interest. */
struct oi_table {
	day_t day; /* 0: of no session */
	struct instruments keys;
	int64_t *oi; /* by id in `keys` */
	uint32_t cap;
};

void oi_table_init(struct oi_table *t, day_t day);
void oi_table_fini(struct oi_table *t);
void oi_table_set(struct oi_table *t, const char *key, size_t len, int64_t oi);
bool oi_table_get(const struct oi_table *t, const char *key, size_t len, int64_t *oi);

/* The file's text, and back. AGNI_EPARSE when it is not whole, or not of this day. */
void oi_table_text(const struct oi_table *t, struct buf *out);
int oi_table_parse(struct oi_table *t, const char *text, size_t len,
		   struct agni_err *err) AGNI_MUST_USE;

struct session_oi {
	struct oi_table before; /* of the previous session, from its file */
	struct oi_table broker; /* what the broker says of the same day */
	uint64_t version;       /* +1 when what session_oi_previous answers may have changed */
};

void session_oi_init(struct session_oi *s);
void session_oi_fini(struct session_oi *s);

/* The open interest of a contract at the close of the previous session, and who says so. */
enum prev_oi_source session_oi_previous(const struct session_oi *s, const char *key, size_t len,
					int64_t *oi);

/* The numbers are now compared with day `d`: what was known of another day is forgotten. `text` is
 * its file's, NULL when there is none. */
int session_oi_begin(struct session_oi *s, day_t d, const char *text, size_t len,
		     struct agni_err *err) AGNI_MUST_USE;

#endif
