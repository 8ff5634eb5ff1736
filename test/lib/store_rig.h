/* SPDX-License-Identifier: MIT
 *
 * store_rig: the store on a real loop, beside a redis-server of the test's own.
 */
#ifndef AGNI_TEST_STORE_RIG_H
#define AGNI_TEST_STORE_RIG_H

#include "pace.h"
#include "redis.h"
#include "store/store.h"

#define RIG_PREFIX "agni-test:"

/* Longest pause between two attempts, and the shortest: half of it. */
#define RIG_RETRY_MS 250

struct store_rig {
	struct clock clock;
	struct loop loop;
	struct book book;
	struct store_config cfg;
	char url[128];
	struct store *store;
	struct redis_server redis;
	uv_timer_t pulse; /* keeps the loop turning while a test waits */
	struct pace pace;
	uint64_t seq;
	bool is_feed_alive;
	int stopped;
	bool (*until)(struct store_rig *r);
	const char *word; /* what health shall contain */
	uint64_t target;
	const int64_t *events_max; /* NULL: the usual */
};

void rig_init(struct store_rig *r, int port);

/* A rig with a server that is connected; skips the test where there is no redis-server. */
void rig_with_redis(struct store_rig *r);
void rig_need_redis(void);

/* Creates and starts the module; fails the test when it does not start. */
struct module *rig_start(struct store_rig *r);

/* Stops the module, and shows that nothing is left behind. Returns how long the stop took, in paced
 * milliseconds. */
int64_t rig_stop(struct store_rig *r);

void rig_turn(struct store_rig *r);
uint64_t rig_now_ms(const struct store_rig *r);

/* Turns the loop until `until` holds; returns the paced milliseconds that took, or -1 after
 * `limit_ms`. */
int64_t rig_run_until(struct store_rig *r, bool (*until)(struct store_rig *r), int64_t limit_ms);

/* For what has to happen, however long the machine takes. */
void rig_wait_until(struct store_rig *r, bool (*until)(struct store_rig *r));
void rig_run_for(struct store_rig *r, int64_t ms);

uint64_t rig_metric(const struct store_rig *r, const char *name);
enum health rig_health(const struct store_rig *r, char why[HEALTH_WHY_MAX]);
bool rig_is_up(struct store_rig *r);

/* DEGRADED, with r->word in the reason. */
bool rig_is_degraded(struct store_rig *r);
void rig_check_degraded(struct store_rig *r, const char *word);

/* One tick of `key`, through the book. */
void rig_tick(struct store_rig *r, const char *key, double ltp);

#endif
