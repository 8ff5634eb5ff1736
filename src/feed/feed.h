/* SPDX-License-Identifier: MIT
 *
 * feed: the one upstream connection: authorize, connect, subscribe, decode, watch for silence.
 *
 *          start             URI               open              first data
 *   IDLE --------> AUTHORIZING ----> CONNECTING ----> SUBSCRIBING -------------> LIVE
 *    ^ token          ^   |              |  ^ 3xx          |                      |
 *    |          delay |   | network fault, 5xx, 429, close, silence                |
 *    |                |   +--------------+------+----------+----------------------+
 *    |                +---------------- BACKOFF <+
 *    +-- WAITING_TOKEN <-- 401 (anywhere), no token          FORBIDDEN <-- 403 (anywhere)
 *
 * 401 is not a reason to retry: the token is reported dead and the feed waits for another. (A 401 to
 * a one-use URI, which went without the token, is tried with a fresh URI once.) 403 may
 * be the token's scope or the broker still counting a connection of ours that died; the feed waits
 * for a new token, and asks again only after upstream.forbidden_retry_s.
 *
 * A new token while data flows: the old connection goes on while the same way is gone for the new
 * one, and is closed when that brings its first data. Downstream nobody notices. When the token is
 * beyond repair the connection is closed, and the feed waits.
 *
 * Silence is judged by the market: while a segment that is watched is open (the broker's
 * market_info, else the calendar at market time), the newest currentTs has to move within
 * upstream.stale_ms. A quiet socket at night is nothing.
 */
#ifndef AGNI_FEED_FEED_H
#define AGNI_FEED_FEED_H

#include "core/config.h"
#include "core/module.h"
#include "http/client.h"
#include "market/book.h"
#include "market/interest.h"
#include "market/upstream.h"
#include "tape/tape.h"
#include "token/token.h"
#include "ws/ws.h"

struct feed;

struct feed_config {
	int mode; /* enum upstream_mode */
	char *api_url;
	char *feed_url;
	char *ca_file;
	int64_t stale_ms;
	int64_t connect_timeout_ms;
	int64_t frame_max_bytes;
	int64_t ping_s;
	int64_t pong_s;
	int64_t backoff_min_ms;
	int64_t backoff_max_ms;
	int64_t forbidden_retry_s;
	int64_t subscribe_batch;
	int64_t linger_s;
	int64_t ltpc_max, ltpc_mixed_max; /* keys, by mode in use */
	int64_t option_greeks_max, option_greeks_mixed_max;
	int64_t full_max, full_mixed_max;
	int64_t full_d30_max, full_d30_mixed_max;
};

enum upstream_mode { UPSTREAM_SIM, UPSTREAM_UPSTOX };

extern const struct config_key feed_config_keys[];

enum feed_state {
	FEED_IDLE,
	FEED_WAITING_TOKEN,
	FEED_FORBIDDEN,
	FEED_AUTHORIZING,
	FEED_CONNECTING,
	FEED_SUBSCRIBING,
	FEED_UP, /* LIVE; FEED_LIVE is the wire's word for a message */
	FEED_BACKOFF,
	FEED_STATES
};

struct feed_deps {
	struct loop *loop;
	struct ws *ws;
	struct http_client *http;
	struct book *book;
	struct tape *tape;
	struct interest *interest;
	struct token *token;
	const struct feed_config *cfg;
	const char *api_url; /* instead of cfg->api_url when not empty; read at listen */
	/* The link came up or went down, or the market's phase changed; `why` is one line. Or NULL.
	 */
	void (*on_status)(void *arg);
	/* A message carried a MarketInfo (its bytes, lent). Or NULL. */
	void (*on_market_info)(void *arg, int64_t ts_ms, const void *info, size_t len);
	void *arg;
};

struct feed *feed_create(const struct feed_deps *deps);
void feed_destroy(struct feed *f);
struct module *feed_module(struct feed *f);

/* Messages received since the start, those that did not decode too. */
uint64_t feed_received(const struct feed *f);

/* The feed's answers for those who may not know it. */
struct upstream_view feed_view(const struct feed *f);

#endif
