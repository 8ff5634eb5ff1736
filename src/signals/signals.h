/* SPDX-License-Identifier: MIT
 *
 * signals: the apps, and what they have seen.
 *
 *      book: on_tick   a bit per instrument that an app has
 *            on_turn   the logical turn ends: each instrument with a bit, each app that has it, each
 *                      rule of the app: look, then edge; what fires goes into the ring and to listeners
 *
 * An app ([app.simple], ...) is a profile: instruments (keys, and selectors that follow the money),
 * rules with their thresholds, and where its signals go. All of it runs in market time at the end of
 * logical turns, so the same input gives the same signals, however the kernel cut the stream.
 *
 * The module is the book's judge too: quarantine.h says which quotes cannot be true.
 *
 * The newest signals are kept in a file (journal.h), so that a restart neither forgets what /signals shows
 * nor fires the same edge again. Not of a recording: it gives the same signals each time by itself.
 *
 * Nothing is looked at while it is stale (the link is down, nobody asks for it), suspect, crossed, or
 * its market is closed.
 */
#ifndef AGNI_SIGNALS_SIGNALS_H
#define AGNI_SIGNALS_SIGNALS_H

#include "core/config.h"
#include "core/module.h"
#include "market/book.h"
#include "market/interest.h"
#include "market/upstream.h"
#include "refdata/refdata.h"
#include "signals/signal.h"

#define SIGNALS_KEPT 1024

struct signals;

enum app_kind { APP_SIMPLE, APP_REDIS, APP_OPTIONS, APP_FUTURES, APPS };

/* Section [signals]. */
struct signals_config {
	char *apps;
	bool quarantine;
	int64_t redis_max;
	char *webhook_url;
	char *webhook_secret;
	int64_t webhook_timeout_ms;
	int64_t webhook_retry_ms;
};

/* Sections [app.simple] and so on. */
struct app_config {
	char *instruments;
	char *rules;
	char *outputs;
	char *change_pct;
	char *rearm;
	int64_t cooldown_s;
	int64_t window_s;
	char *noise;
	char *move_pct;
	int64_t premium_window_s;
	char *premium_pct;
	char *iv_points;
	char *oi_pct;
};

extern const struct config_key signals_config_keys[];
extern const struct config_key *const app_config_keys[APPS];

/* What the types of the keys cannot say, in words that begin with the key. */
int signals_config_check(const struct signals_config *cfg, const struct app_config apps[APPS],
			 struct agni_err *err) AGNI_MUST_USE;

/* Lent for the life of the module. */
struct signals_deps {
	struct loop *loop;
	struct book *book;
	struct interest *interest;
	struct refdata *refdata;
	const struct upstream_view *upstream; /* read from begin on; NULL: nothing is stale */
	const struct signals_config *cfg;
	const struct app_config *apps; /* APPS of them */
	const char *dir;               /* where the journal is; NULL: none is kept */
	/* A recording's day begins when it does: nothing is asked for before the master is there. */
	bool waits_for_master;
};

struct signals *signals_create(const struct signals_deps *deps);
void signals_destroy(struct signals *s); /* NULL is fine */
struct module *signals_module(struct signals *s);

/* The configuration has changed (SIGHUP): profiles and thresholds are read again. What is beyond a
 * threshold then is not news; cooldowns go on. */
void signals_reload(struct signals *s);

/* The bytes of a MarketInfo, in its place among the ticks. */
void signals_market_info(struct signals *s, const void *info, size_t len);

/* Ids of the signals that are kept: [oldest, newest]; newest < oldest when there are none. */
uint64_t signals_oldest(const struct signals *s);
uint64_t signals_newest(const struct signals *s);

/* Lent until the next signal; NULL outside of that range. */
const struct signal *signals_at(const struct signals *s, uint64_t id);

/* Called at the end of a logical turn, once per signal; must not call back into the book. */
struct signals_listener {
	void (*on_signal)(struct signals_listener *l, const struct signal *signal);
	struct list link;
};

void signals_listen(struct signals *s, struct signals_listener *l);
void signals_unlisten(struct signals_listener *l);

/* "simple", "redis", "options", "futures". */
const char *app_name(enum app_kind app);

#endif
