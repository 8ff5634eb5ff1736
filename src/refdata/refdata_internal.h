/* SPDX-License-Identifier: MIT
 *
 * refdata_internal: what the files of the module share.
 *
 *     refdata.c   the module: when to load, what became of it, what others ask
 *     load.c      one load: file or body to a finished table, on a worker
 *     holidays.c  what overrides the compiled calendar
 *     watch.c     the watch list, selectors among it
 *     lookup.c    searches, on a worker, one at a time
 */
#ifndef AGNI_REFDATA_INTERNAL_H
#define AGNI_REFDATA_INTERNAL_H

#include <stdatomic.h>

#include "core/backoff.h"
#include "market/calendar.h"
#include "refdata/refdata.h"
#include "refdata/rows.h"

#define MASTER_MAX_BYTES (256u << 20)

struct watch_selector {
	enum interest_mode mode;
	struct selector selector;
	bool is_complaint_made; /* about the newest master */
};

/* The waiting searches, first come first served. */
struct lookups {
	struct list waiting;
	unsigned waiting_n;
	struct lookup *running; /* or NULL */
};

struct refdata {
	struct module mod;
	struct refdata_deps deps;
	struct master *master; /* NULL: none */
	uint64_t generation;   /* of it; 0: none */
	struct load *load;     /* under way, or NULL */
	unsigned retiring;     /* tables that a worker frees */
	struct http_call *call;
	struct backoff backoff;
	uv_timer_t timer;
	mono_ns due;              /* of the next load, unless a day begins before */
	day_t day;                /* of the market, when the last load began */
	int64_t loaded_ms;        /* wall time of the newest table */
	char why[HEALTH_WHY_MAX]; /* the last load failed so; "" after a good one */
	bool is_ready, is_watching, is_stopping, is_timer_closed;
	struct lookups lookups;

	struct holidays {
		struct calendar_entries file, broker, in_force;
		struct http_call *call; /* or NULL */
	} holidays;

	/* watch.c; by mode: what is named or listed, and what selectors chose */
	struct bitset watched[WANT_MODES], chosen[WANT_MODES];
	struct watch_selector *selectors;
	unsigned selectors_n;

	uint64_t loads, load_errors, rows, bad_rows, duplicates, conflicts, load_ms, searches,
		searches_refused;
};

/* --- load.c ----------------------------------------------------------------------------------- */

/* One pass of the worker; owned by it until refdata_on_loaded. */
struct load {
	uv_work_t work;
	struct refdata *refdata;
	char *path; /* a file to read, or NULL: the body */
	struct buf body;
	struct master *master; /* the result */
	uint64_t took_ms;
	struct agni_err err;
	int rc;
	atomic_bool is_unwanted; /* set on the loop: the worker leaves off at the next row */
};

/* From a file, or, when `path` is NULL, from `body`, whose bytes are taken. */
void load_start(struct refdata *r, const char *path, struct buf *body);

/* Lets go of a table. What nobody else holds is freed on a worker: to give tens of megabytes back to the
 * system takes the loop milliseconds. */
void master_retire(struct refdata *r, struct master *m);
void load_free(struct load *l);

/* The server stops: what is under way ends soon, without a table. NULL is fine. */
void load_abandon(struct load *l);

/* refdata.c: what became of it. */
void refdata_on_loaded(struct refdata *r, struct load *l, const char *error);
void refdata_stop_if_idle(struct refdata *r);

/* --- holidays.c ------------------------------------------------------------------------------- */

/* Reads calendar.file and puts it in force; on error what was in force stays. */
int holidays_read(struct refdata *r, struct agni_err *err);

/* Asks the broker for its list, when that is configured and there is one. */
void holidays_fetch(struct refdata *r);
void holidays_stop(struct refdata *r);
void holidays_fini(struct refdata *r);

/* --- watch.c ---------------------------------------------------------------------------------- */

void watch_start(struct refdata *r);
void watch_fini(struct refdata *r);

/* A new master, or a new day: what is not listed any more is dropped. */
void watch_renew(struct refdata *r);

/* What the selectors mean now is added. */
void watch_follow(struct refdata *r);

/* --- lookup.c --------------------------------------------------------------------------------- */

void lookup_cancel_all(struct refdata *r);

#endif
