/* SPDX-License-Identifier: MIT
 *
 * refdata: the instrument master (which keys exist) and the watch list (which are always wanted).
 *
 *      open --> LOADING --> READY            file or URL, .json or .json.gz, off the loop
 *                  +------> BACKOFF --> LOADING
 *
 * Loaded again every instruments.refresh_s, and when a day begins on the market's clock.
 *
 * Without a master every well-formed key is taken as known. The list is swapped in whole; a load
 * that fails leaves the old one.
 */
#ifndef AGNI_REFDATA_REFDATA_H
#define AGNI_REFDATA_REFDATA_H

#include "core/config.h"
#include "core/module.h"
#include "http/client.h"
#include "market/book.h"
#include "market/interest.h"

struct refdata;

struct refdata_config {
	char *master;
	char *watch;
	char *watch_option_greeks;
	char *watch_ltpc;
	int64_t watch_max;
	int64_t refresh_s;
};

extern const struct config_key refdata_config_keys[];

struct refdata_deps {
	struct loop *loop;
	struct http_client *http;
	struct book *book;
	struct interest *interest;
	const struct refdata_config *cfg;
	const char *master_url; /* when cfg->master is empty; read at listen; "" = no master */
	bool watch_all;         /* watch=auto means every instrument of the master */
};

struct refdata *refdata_create(const struct refdata_deps *deps);
void refdata_destroy(struct refdata *r);
struct module *refdata_module(struct refdata *r);

/* Whether the key may be asked for: it is in the master, or there is no master and it is
 * well-formed. */
bool refdata_is_known(const struct refdata *r, const char *key, size_t len);

/* Instruments in the master; 0 when there is none. */
uint32_t refdata_count(const struct refdata *r);

#endif
