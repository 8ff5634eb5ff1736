/* SPDX-License-Identifier: MIT
 *
 * futures_internal: what futures.c and futures_live.c share.
 */
#ifndef AGNI_OPTIONS_FUTURES_INTERNAL_H
#define AGNI_OPTIONS_FUTURES_INTERNAL_H

#include "core/bitset.h"
#include "core/log.h"
#include "options/futures.h"

#define FUTURES_ROWS_MAX 64

struct futures_want {
	inst_id id;
	enum interest_mode mode;
	bool is_asked; /* for, in that mode: the limits leave room */
};

struct futures_live {
	struct list link; /* in futures->live */
	struct futures *owner;
	uint32_t refs;
	bool is_kept; /* one of them is the configuration's */
	/* What it is. */
	char underlying[SELECTOR_NAME_MAX + 1]; /* as asked for */
	struct scope scope;                     /* owned */
	/* What that means now. */
	bool is_there;
	bool is_looked_for;
	struct futures_view view;
	struct resolve_miss miss; /* why it is not there, when it was looked for */
	struct futures_want wants[FUTURES_MONTHS + 1];
	uint32_t wants_n, refused_n;
	uint64_t master_version, oi_version;
	day_t first_day; /* of contracts that are not over */
	bool is_dirty;
	uint64_t version;
	/* What was told. */
	struct buf text;
	uint64_t text_version; /* 0: none */
	mono_ns told_at;
	char document[SELECTOR_NAME_MAX + 1]; /* its identity in Redis; "": it has none there */
};

struct futures {
	struct module mod;
	struct futures_deps deps;
	struct list live, listeners;
	struct bitset watched; /* ids that some row follows */
	struct book_subscriber subscriber;
	struct turn_hook hook;
	uv_timer_t second, pace;
	bool is_running;
	int to_close; /* handles */
	struct futures_live **kept;
	uint32_t kept_n;
	struct log_limit complaint;
	/* metrics */
	uint64_t live_n, computed, published;
};

/* futures_live.c */
struct futures_live *futures_live_create(struct futures *f, const char *underlying,
					 const struct scope *scope);
void futures_live_destroy(struct futures_live *l);

/* Whether the row is that of this underlying, as these may see it. */
bool futures_live_is(const struct futures_live *l, const char *underlying,
		     const struct scope *scope);

/* Brings it up to the book, the master and the clock. */
void futures_live_refresh(struct futures_live *l);

/* Asks again for what there was no room for. */
void futures_live_ask(struct futures_live *l);

/* The text of the newest version. */
void futures_live_tell(struct futures_live *l);

/* futures.c: rows follow others than before. */
void futures_watch(struct futures *f);

#endif
