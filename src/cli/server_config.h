/* SPDX-License-Identifier: MIT
 *
 * server_config: the whole configuration: every section with its table and its structure.
 */
#ifndef AGNI_CLI_SERVER_CONFIG_H
#define AGNI_CLI_SERVER_CONFIG_H

#include "api/api.h"
#include "auth/audit.h"
#include "auth/auth.h"
#include "cli/options.h"
#include "core/listen.h"
#include "feed/feed.h"
#include "options/chains.h"
#include "options/futures_config.h"
#include "refdata/refdata.h"
#include "signals/signals.h"
#include "sim/sim.h"
#include "store/store.h"
#include "stream/stream.h"
#include "tape/day_bars.h"
#include "tape/tape.h"
#include "token/token.h"

struct server_keys {
	char *data_dir;
	int log_level;  /* enum log_level */
	int log_format; /* enum log_format */
	int clock;      /* enum clock_choice */
	int64_t stop_ms;
	int64_t drain_ms;
	int64_t instruments_max;
	int64_t client_idle_max;
	int64_t client_idle_ms;
};

enum clock_choice { CLOCK_CHOICE_AUTO, CLOCK_CHOICE_SYSTEM, CLOCK_CHOICE_FEED };

#define SERVER_SECTIONS 21

struct server_config {
	const struct options *options; /* that it was read with; lent */
	struct server_keys server;
	struct api_config http;
	struct stream_config stream;
	struct store_config redis;
	struct audit_config audit;
	struct auth_config auth;
	struct token_config token;
	struct feed_config upstream;
	struct sim_config sim;
	struct tape_config tape;
	struct day_bars_config bars;
	struct refdata_config instruments;
	struct calendar_config calendar;
	struct chains_config chains;
	struct futures_config futures;
	struct signals_config signals;
	struct app_config apps[APPS];
	struct config_section sections[SERVER_SECTIONS + 1]; /* point into this structure */
	struct listen_guard http_guard, stream_guard; /* what the listeners have beside them */
};

/* Defaults, then the file, then --set. Returns 0, or AGNI_ECONFIG with every problem in `problems`,
 * one line each. The configuration is complete in either case; free it with server_config_fini. */
int server_config_load(struct server_config *c, const struct options *o, struct buf *problems);

/* Whether the files that it names for TLS and the calendar can be used; as server_config_load. Apart from it, because
 * a reload keeps an old certificate when a new one is bad, and takes the rest. */
int server_config_check_files(const struct server_config *c, struct buf *problems);
/* The same without the judgement of the whole: for commands that need to know where things are, and
 * may be what brings the rest in order (agnidata key add). */
int server_config_read(struct server_config *c, const struct options *o, struct buf *problems);
void server_config_fini(struct server_config *c);

#endif
