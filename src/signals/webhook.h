/* SPDX-License-Identifier: MIT
 *
 * webhook: signals sent to a URL by POST, signed, one after the other.
 *
 *      add --> queue (256) --> one call in flight --2xx--> delivered, the next
 *                 ^                 |       |
 *                 |                 |       +-- 3xx, 4xx: refused for good, the next
 *                 +---- backoff <---+ 429, 5xx, no answer; after WEBHOOK_TRIES tries given up
 *
 *      POST /path HTTP/1.1
 *      Content-Type: application/json
 *      X-Agni-Signature: t=1765771490,v1=<hex HMAC-SHA256 of "1765771490." and the body>
 *      X-Agni-Signal-Id: 4d1cec22c3d337ed-12     the same at each try: who has seen it answers 200
 *      X-Agni-Source: sim                        upstox, sim: a price of the simulator is no price
 *
 * Nobody waits for it: with 256 in the queue the oldest that is not on its way is given up. Each try
 * is signed anew, so the time in the signature is that of the try, and a receiver may refuse what is
 * old. The URL and the secret are read at each try (SIGHUP), and never logged; the host is.
 */
#ifndef AGNI_SIGNALS_WEBHOOK_H
#define AGNI_SIGNALS_WEBHOOK_H

#include "core/backoff.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/module.h"
#include "http/client.h"
#include "signals/signals.h"

#define WEBHOOK_QUEUE      256
#define WEBHOOK_TRIES      10
#define WEBHOOK_SECRET_MIN 16

struct webhook_entry {
	char *id;
	char *body;
	size_t len;
	unsigned tries; /* that failed */
};

struct webhook {
	struct loop *loop;
	struct http_client *http;
	const struct signals_config *cfg;
	const char *source;

	struct webhook_entry ring[WEBHOOK_QUEUE];
	uint32_t first; /* of the oldest */
	uint64_t waiting;
	struct http_call *call; /* carries the oldest; or NULL */
	uv_timer_t timer;       /* the next try */
	struct backoff backoff;
	bool is_retry; /* the timer waits for a try after a failure */
	bool is_open;  /* between init and stop */
	void (*on_closed)(void *arg);
	void *arg;

	char trouble[96];         /* of the last try; "" = it was taken */
	int64_t trouble_since_ms; /* wall */
	struct log_limit limit;

	uint64_t delivered, retries, refused, given_up;
};

/* No URL; or one that may be used, with a secret. Returns 0, or AGNI_ECONFIG with the key, and never
 * the value, in `err`. */
int webhook_config_check(const struct signals_config *cfg, struct agni_err *err) AGNI_MUST_USE;

/* All lent. */
void webhook_init(struct webhook *w, struct loop *loop, struct http_client *http,
		  const struct signals_config *cfg, const char *source);

/* Queues one; both are copied. Nothing without a URL. It is sent after this turn of the loop. */
void webhook_add(struct webhook *w, const char *id, const char *body, size_t len);

/* Cancels the call; what waits is given up, and said. `on_closed` once, later. */
void webhook_stop(struct webhook *w, void (*on_closed)(void *arg), void *arg);

/* DEGRADED while the last try was not taken. */
enum health webhook_health(const struct webhook *w, char why[HEALTH_WHY_MAX]);

#endif
