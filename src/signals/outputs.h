/* SPDX-License-Identifier: MIT
 *
 * outputs: where signals go besides /signals and the channel: the stream in Redis and the webhook.
 *
 * Which of the two an app uses is in its profile (outputs = channel,redis,webhook). Neither is waited
 * for: the store and the webhook have queues of their own, with an end.
 */
#ifndef AGNI_SIGNALS_OUTPUTS_H
#define AGNI_SIGNALS_OUTPUTS_H

#include "http/client.h"
#include "signals/signals.h"
#include "store/store.h"
#include "tape/tape.h"

struct outputs;

/* Lent for the life of the module. */
struct outputs_deps {
	struct loop *loop;
	struct signals *signals;
	struct store *store;      /* NULL: none */
	struct http_client *http; /* NULL: no webhook, whatever is configured */
	const struct instruments *instruments;
	const struct tape *tape; /* its epoch is part of a signal's id outside */
	const struct signals_config *cfg;
	const char *source; /* "upstox", "sim", "replay" */
};

struct outputs *outputs_create(const struct outputs_deps *deps);
void outputs_destroy(struct outputs *o); /* NULL is fine */
struct module *outputs_module(struct outputs *o);

#endif
