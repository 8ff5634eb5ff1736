/* SPDX-License-Identifier: MIT
 *
 * futures: the futures of underlyings that are kept while somebody reads them.
 *
 *      tick --------> whose it is, is marked; nothing else            futures.c
 *      end of turn -> what was marked and is due is reckoned, made to text once for all who read it,
 *                     and listeners are told; at most each publish_ms  futures_live.c
 *
 * A row is what one underlying and one scope mean: readers that agree in these share it and its text.
 * It knows its contracts: they are listed anew when the instrument master is another or the near month
 * is over, not per tick. It takes interest in them while it lives: in the contracts in mode full (their
 * day's high and low are nowhere else), in the underlying in mode ltpc.
 *
 * A row that is not there yet (no master, no clock) or not any more (delisted) says so in its text, and
 * looks again when that may have changed.
 */
#ifndef AGNI_OPTIONS_FUTURES_H
#define AGNI_OPTIONS_FUTURES_H

#include "auth/scope.h"
#include "core/loop.h"
#include "core/module.h"
#include "market/interest.h"
#include "options/chains.h"
#include "options/futures_view.h"
#include "store/store.h"
#include "tape/tape.h"

struct futures;
struct futures_live;

struct futures_deps {
	struct loop *loop;
	struct book *book;
	struct tape *tape;
	struct interest *interest;
	const struct upstream_view *upstream; /* read while running; NULL: nothing is stale */
	const struct futures_config *cfg;
	struct store *store;         /* NULL: nothing goes to Redis */
	const struct session_oi *oi; /* of the previous session; NULL: not known */
	struct chains_listing (*listing)(const void *arg);
	const void *arg;
};

struct futures *futures_create(const struct futures_deps *deps);
void futures_destroy(struct futures *f);
struct module *futures_module(struct futures *f);

/* The link has come or gone: what is stale is looked at again. */
void futures_status_changed(struct futures *f);

/* Terms of the fair value and the build-up may be others (SIGHUP). */
void futures_reload(struct futures *f);

/* --- readers ------------------------------------------------------------------------------------ */

/* A row, to be closed; `scope` is copied, NULL: all. NULL with a static text in `refusal`:
 * "unknown_underlying", "no_derivatives", "no_expiry", "over_limit" (64 rows). Before there is a master
 * everything is taken, and judged when there is one. */
struct futures_live *futures_open(struct futures *f, const char *underlying,
				  const struct scope *scope, const char **refusal);
void futures_close(struct futures_live *l); /* NULL is fine */

/* One JSON object, the newest that was published, and the version it shows; NULL: nothing yet. The
 * same bytes for all readers; lent until the next turn. */
const struct buf *futures_live_text(const struct futures_live *l, uint64_t *version);

/* Told when a row has another text. */
struct futures_listener {
	void (*on_publish)(struct futures_listener *l, struct futures_live *row);
	struct list link;
};
void futures_listen(struct futures *f, struct futures_listener *l);

#endif
