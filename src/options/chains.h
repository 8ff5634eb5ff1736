/* SPDX-License-Identifier: MIT
 *
 * chains: option chains that are kept while somebody reads them.
 *
 *      tick -----> a bit per contract of a chain; nothing else        chains.c
 *      turn -----> chains with a reader of every turn are reckoned    chain_live.c
 *      publish_ms-> the newest state is made to text, once for all who read it; listeners are told
 *
 * A chain is what one underlying, one choice of expiry and one scope mean: readers that agree in these
 * share it and its text. It knows its contracts: the book's ids, resolved when the instrument
 * master, the expiry or the money has moved, not per tick. It takes interest in them while it lives.
 *
 * Which strikes: a band of fixed ones where options.bands has one for the underlying and
 * options.strikes is `fixed`; else options.around to each side of the money. The middle is left only when
 * the money is three quarters of the way to the next strike, so that a price half way between two
 * does not make contracts come and go.
 *
 * A chain that is not there yet (no master, no clock) or not any more (expired, delisted) says so in
 * its text, and looks again when that may have changed.
 */
#ifndef AGNI_OPTIONS_CHAINS_H
#define AGNI_OPTIONS_CHAINS_H

#include "auth/scope.h"
#include "core/config.h"
#include "core/loop.h"
#include "core/module.h"
#include "http/client.h"
#include "market/interest.h"
#include "options/chain_view.h"
#include "store/store.h"
#include "tape/tape.h"

struct chains;
struct chain_live;

struct chains_config {
	char *chains;
	int strikes; /* enum chains_strikes */
	char *bands;
	int64_t around;
	int64_t publish_ms;
	int64_t chains_max;
};

enum chains_strikes { CHAINS_FIXED, CHAINS_AUTO };

extern const struct config_key chains_config_keys[];

/* Whether `bands` can be read. AGNI_ECONFIG with the reason. */
int chains_config_check(const struct chains_config *cfg, struct agni_err *err) AGNI_MUST_USE;

/* The band of an underlying by its name; false: it has none. */
bool chains_config_band(const struct chains_config *cfg, const char *underlying,
			struct chain_strikes *out);

/* The instrument master and how often it has been another; lent until the next turn. */
struct chains_listing {
	const struct master *m; /* NULL: none yet */
	uint64_t version;
};

struct chains_deps {
	struct loop *loop;
	struct book *book;
	struct tape *tape;
	struct interest *interest;
	const struct upstream_view *upstream; /* read while running; NULL: nothing is stale */
	const struct chains_config *cfg;
	struct store *store; /* kept chains go there; NULL: nowhere */
	const char *dir;     /* of the source; open interest is kept in it */
	struct chains_listing (*listing)(const void *arg);
	/* The broker's REST API, for open interest that no file of ours has; NULL: it is not asked. */
	struct http_client *http;
	const char *api_url;                    /* read at each call */
	const char *(*bearer)(const void *arg); /* oi_broker.h */
	const void *arg;
};

struct chains *chains_create(const struct chains_deps *deps);
void chains_destroy(struct chains *ch);
struct module *chains_module(struct chains *ch);

/* Open interest of the previous session; lent for the module's life. */
const struct session_oi *chains_session_oi(const struct chains *ch);

/* The link has come or gone: what is stale is looked at again. */
void chains_status_changed(struct chains *ch);

/* --- readers ------------------------------------------------------------------------------------ */

struct chain_wish {
	const char *underlying; /* a name, a symbol or an instrument key */
	struct expiry_choice expiry;
	const struct scope *scope; /* copied; NULL: all */
	bool each_turn;            /* reckoned at the end of every turn that has changed it */
};

/* A chain, to be closed. NULL with a static text in `refusal`: "unknown_underlying", "no_derivatives",
 * "no_expiry", "no_strike", "over_limit" (options.chains_max). Before there is a master everything is taken, and
 * judged when there is one. */
struct chain_live *chains_open(struct chains *ch, const struct chain_wish *wish,
			       const char **refusal);

/* `each_turn` as it was opened. NULL is fine. */
void chains_close(struct chain_live *c, bool each_turn);

/* As reckoned last; NULL: it is not there now. Lent until the next turn. */
const struct chain_view *chain_live_view(const struct chain_live *c);

/* Moves when the view may be another; 0: there has been none. */
uint64_t chain_live_version(const struct chain_live *c);

/* One JSON object, the newest that was published, and the version it shows; NULL: nothing yet. The
 * same bytes for all readers; lent until the next turn. */
const struct buf *chain_live_text(const struct chain_live *c, uint64_t *version);

/* Told when a chain has another text. */
struct chains_listener {
	void (*on_publish)(struct chains_listener *l, struct chain_live *c);
	struct list link;
};
void chains_listen(struct chains *ch, struct chains_listener *l);

#endif
