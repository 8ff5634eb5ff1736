/* SPDX-License-Identifier: MIT
 *
 * oi_keeper: the files of session_oi.h: which one is read when, which one is written when.
 *
 *      oi_keeper_look, each second --> a session has opened:   read the file of the one before it
 *                                  --> the session is over:    the book's open interest --> worker --> file
 *
 * Only what may be taken for the present is kept (upstream's is_stale): when the link was down at
 * the close there is no file, unless it comes back before the next open. For the segments whose
 * sessions the calendar knows: NSE_FO, and BSE_FO, which keeps the same hours.
 */
#ifndef AGNI_OPTIONS_OI_KEEPER_H
#define AGNI_OPTIONS_OI_KEEPER_H

#include "core/loop.h"
#include "market/book.h"
#include "market/upstream.h"
#include "options/session_oi.h"

struct oi_keeper;

struct oi_keeper_deps {
	struct loop *loop;
	const struct book *book;
	const struct upstream_view *upstream; /* read while running; NULL: nothing is stale */
	const char
		*dir; /* of the source, read at the first look; files go to a folder "oi" in it */
};

struct oi_keeper *oi_keeper_create(const struct oi_keeper_deps *deps);
void oi_keeper_destroy(struct oi_keeper *k);

/* Looks at the market's clock. Cheap when nothing has come about. */
void oi_keeper_look(struct oi_keeper *k);

/* `done` is called once, perhaps at once, when no work is out. Nothing is written any more: the feed
 * has stopped before, so nothing may be taken for the present. */
void oi_keeper_stop(struct oi_keeper *k, void (*done)(void *arg), void *arg);

/* Lent for the keeper's life. */
struct session_oi *oi_keeper_get(struct oi_keeper *k);

struct oi_keeper_facts {
	day_t kept_day;  /* of the newest file; 0: none was written */
	uint32_t kept_n; /* contracts in it */
	uint64_t writes, errors;
	char why[sizeof(
		((struct agni_err *)0)->text)]; /* of the last error; "" when the last went well */
};
const struct oi_keeper_facts *oi_keeper_facts(const struct oi_keeper *k);

#endif
