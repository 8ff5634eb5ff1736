/* SPDX-License-Identifier: MIT
 *
 * oi_broker: where no file of ours tells the open interest of the previous session, the broker's REST
 * API does (GET /v2/option/chain); the feed never does.
 *
 * Asked once for an underlying and expiry in a session, one call at a time, with the live token; a
 * call that fails is made again minutes later. What the broker calls the previous session is the one
 * before today's, so it is asked only from today's open to midnight.
 */
#ifndef AGNI_OPTIONS_OI_BROKER_H
#define AGNI_OPTIONS_OI_BROKER_H

#include "core/loop.h"
#include "http/client.h"
#include "options/session_oi.h"

struct oi_broker;

struct oi_broker_deps {
	struct loop *loop;
	struct http_client *http;
	struct session_oi *oi; /* where the answers go */
	const char *api_url;   /* read at each call; "" = none yet */
	/* "Bearer ..." or NULL while there is none; lent until it returns to the loop. */
	const char *(*bearer)(const void *arg);
	const void *arg;
};

struct oi_broker *oi_broker_create(const struct oi_broker_deps *deps);

/* Ends the call under way. */
void oi_broker_destroy(struct oi_broker *b);

/* The chain of this underlying ("NSE_INDEX|Nifty 50") and expiry lacks numbers. Cheap when it was
 * asked before. */
void oi_broker_ask(struct oi_broker *b, const char *underlying_key, day_t expiry);

#endif
