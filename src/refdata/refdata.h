/* SPDX-License-Identifier: MIT
 *
 * refdata: the instrument master (which keys exist) and the watch list (which are always wanted).
 *
 *      open --> LOADING --> READY            file or URL, .json or .json.gz, off the loop
 *                  +------> BACKOFF --> LOADING
 *
 * Loaded again every instruments.refresh_s, when a day begins on the market's clock, and on SIGHUP.
 *
 * Without a master every well-formed key is taken as known. The table is swapped in whole, on the
 * loop; a load that fails leaves the old one, and /health says so.
 */
#ifndef AGNI_REFDATA_REFDATA_H
#define AGNI_REFDATA_REFDATA_H

#include "auth/scope.h"
#include "core/config.h"
#include "core/module.h"
#include "http/client.h"
#include "market/book.h"
#include "market/interest.h"
#include "market/near_key.h"
#include "market/resolve.h"
#include "market/search.h"

struct refdata;

struct refdata_config {
	char *master;
	char *watch;
	char *watch_option_greeks;
	char *watch_ltpc;
	int64_t watch_max;
	int64_t refresh_s;
};

struct calendar_config {
	char *file;
	bool ask_broker;
};

extern const struct config_key refdata_config_keys[], calendar_config_keys[];

struct refdata_deps {
	struct loop *loop;
	struct http_client *http;
	struct book *book;
	struct interest *interest;
	const struct refdata_config *cfg;
	const struct calendar_config *calendar; /* NULL: the compiled calendar alone */
	const char *master_url; /* when cfg->master is empty; read at listen; "" = no master */
	/* Of the broker, read when it is asked; the second when the first is "". NULL: never. */
	const char *api_url, *api_url_fallback;
	bool watch_all; /* watch=auto means every instrument of the master */
	/* A recording begins with the first subscription: what is made of it must not depend on
	 * whether the master was there by then. Nothing is watched before its first load has ended. */
	bool master_first;
};

struct refdata *refdata_create(const struct refdata_deps *deps);
void refdata_destroy(struct refdata *r);
struct module *refdata_module(struct refdata *r);

/* Whether the key may be asked for: it is in the master, or there is no master and it is
 * well-formed. */
bool refdata_is_known(const struct refdata *r, const char *key, size_t len);

/* Instruments in the master; 0 when there is none. */
uint32_t refdata_count(const struct refdata *r);

/* Whether a load is under way. */
bool refdata_is_loading(const struct refdata *r);

/* The table, or NULL. Lent until the next turn of the loop. */
const struct master *refdata_master(const struct refdata *r);

/* Changes when the table does. */
uint64_t refdata_generation(const struct refdata *r);

/* The book and the market's time, for market/resolve.h. */
struct resolve_market refdata_market(const struct refdata *r);

/* Every instrument that a selector (market/selector.h) means now, by its key, to `fn`; the keys are
 * lent to it. Returns how many. 0: *miss says why, and what comes nearest. `middle` is resolve_market's. */
typedef void refdata_key_fn(void *arg, const char *key, size_t len);
unsigned refdata_select(const struct refdata *r, const char *text, size_t len, price_t *middle,
			refdata_key_fn *fn, void *arg, struct resolve_miss *miss);

/* The key of the instrument whose price tells where the money of a selector is; NULL: it does not depend
 * on the money, or there is no such underlying. Lent until the next turn. */
const char *refdata_money_key(const struct refdata *r, const char *text, size_t len);

/* What a scope lets see of an underlying, by name; all without a scope or a master. */
enum resolve_sight refdata_sight(const struct refdata *r, const struct scope *scope,
				 const char *underlying);

/* Searches on a worker; `found` is called once, in a later turn, with the table that the rows are
 * of (both lent), or with NULLs when the module stops. What `q` points to must live until then.
 * False, and no call, when too many wait. There must be a master. */
typedef void refdata_found_fn(void *arg, const struct master *m, const struct search_result *res);
bool refdata_search(struct refdata *r, const struct search_query *q, refdata_found_fn *found,
		    void *arg) AGNI_MUST_USE;

/* The same for what a mistyped key may mean (market/near_key.h). */
typedef void refdata_near_fn(void *arg, const struct master *m, const struct near_result *res);
bool refdata_near(struct refdata *r, const struct near_query *q, refdata_near_fn *told,
		  void *arg) AGNI_MUST_USE;

/* Reads the calendar's file again, and loads the master unless that is under way (SIGHUP). */
void refdata_reload(struct refdata *r);

#endif
