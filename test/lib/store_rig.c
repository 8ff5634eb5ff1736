/* SPDX-License-Identifier: MIT
 *
 * store_rig: see store_rig.h.
 */
#include "store_rig.h"

#include <stdio.h>

#include "check.h"

static bool is_feed_alive(void *arg)
{
	return ((struct store_rig *)arg)->is_feed_alive;
}

static void on_pulse(uv_timer_t *timer)
{
	(void)timer;
}

void rig_init(struct store_rig *r, int port)
{
	*r = (struct store_rig){.is_feed_alive = true};
	clock_init(&r->clock, CLOCK_SYSTEM);
	check_i64(loop_init(&r->loop, &r->clock), 0);
	book_init(&r->book, 100000);
	snprintf(r->url, sizeof(r->url), "redis://127.0.0.1:%d/0", port);
	r->cfg = (struct store_config){.url = r->url,
				       .ttl_s = 30,
				       .connect_timeout_ms = 500,
				       .command_timeout_ms = 1000,
				       .give_up_ms = 10000,
				       .retry_ms = RIG_RETRY_MS,
				       .pipeline_max_bytes = 1048576,
				       .pipeline_max_keys = 500};
	uv_timer_init(&r->loop.uv, &r->pulse);
	uv_timer_start(&r->pulse, on_pulse, 5, 5);
	pace_start(&r->pace);
}

void rig_turn(struct store_rig *r)
{
	uv_run(&r->loop.uv, UV_RUN_ONCE);
	pace_turn(&r->pace);
}

struct module *rig_start(struct store_rig *r)
{
	struct agni_err err = {0};

	r->store = store_create(&(struct store_deps){.loop = &r->loop,
						     .book = &r->book,
						     .cfg = &r->cfg,
						     .prefix = RIG_PREFIX,
						     .source = "sim",
						     .is_feed_alive = is_feed_alive,
						     .events_max = r->events_max,
						     .arg = r});
	if (store_module(r->store)->ops->start(store_module(r->store), &err) < 0)
		fail_msg("start: %s", err.text);
	return store_module(r->store);
}

static struct store_rig *stopping;

static void on_stopped(struct module *m)
{
	(void)m;
	stopping->stopped++;
}

uint64_t rig_now_ms(const struct store_rig *r)
{
	return clock_mono(&r->clock) / NS_PER_MS;
}

int64_t rig_run_until(struct store_rig *r, bool (*until)(struct store_rig *r), int64_t limit_ms)
{
	int64_t start;

	pace_turn(&r->pace); /* what the test did meanwhile is no turn */
	start = pace_ms(&r->pace);
	while (!until(r)) {
		if (pace_ms(&r->pace) - start > limit_ms)
			return -1;
		rig_turn(r);
	}
	return pace_ms(&r->pace) - start;
}

void rig_wait_until(struct store_rig *r, bool (*until)(struct store_rig *r))
{
	check(rig_run_until(r, until, PATIENCE_MS) >= 0);
}

static bool never(struct store_rig *r)
{
	(void)r;
	return false;
}

void rig_run_for(struct store_rig *r, int64_t ms)
{
	rig_run_until(r, never, ms);
}

static bool has_stopped(struct store_rig *r)
{
	return r->stopped > 0;
}

int64_t rig_stop(struct store_rig *r)
{
	struct module *m = store_module(r->store);
	int64_t ms;

	stopping = r;
	m->ops->stop(m, on_stopped);
	ms = rig_run_until(r, has_stopped, PATIENCE_MS);
	check(ms >= 0);
	store_destroy(r->store);
	uv_close((uv_handle_t *)&r->pulse, NULL);
	check_i64(loop_fini(&r->loop), 0);
	check_i64(r->stopped, 1);
	book_fini(&r->book);
	return ms;
}

uint64_t rig_metric(const struct store_rig *r, const char *name)
{
	const struct module *m = store_module(r->store);
	uint64_t v = 0;

	for (const struct metric *t = m->ops->metrics; t->name; t++) {
		if (strcmp(t->name, name) == 0) {
			memcpy(&v, (const char *)m - m->ops->mod_offset + t->offset, sizeof(v));
			return v;
		}
	}
	fail_msg("no metric %s", name);
	return 0;
}

enum health rig_health(const struct store_rig *r, char why[HEALTH_WHY_MAX])
{
	const struct module *m = store_module(r->store);

	return m->ops->health(m, why);
}

bool rig_is_up(struct store_rig *r)
{
	char why[HEALTH_WHY_MAX];

	return rig_health(r, why) == HEALTH_UP;
}

bool rig_is_degraded(struct store_rig *r)
{
	char why[HEALTH_WHY_MAX];

	return rig_health(r, why) == HEALTH_DEGRADED && strstr(why, r->word);
}

void rig_check_degraded(struct store_rig *r, const char *word)
{
	char why[HEALTH_WHY_MAX];

	r->word = word;
	if (rig_run_until(r, rig_is_degraded, PATIENCE_MS) < 0) {
		rig_health(r, why);
		fail_msg("health is \"%s\", not DEGRADED with \"%s\"", why, word);
	}
}

void rig_tick(struct store_rig *r, const char *key, double ltp)
{
	struct tick t = {.key = key, .key_len = (uint32_t)strlen(key)};
	struct tick_meta meta = {.ts_ms = 1769160568772,
				 .recv_ms = clock_wall_ms(&r->clock),
				 .recv_mono = clock_mono(&r->clock)};
	inst_id id = instruments_intern(&r->book.instruments, key, strlen(key));

	check(id != INST_NONE);
	check(price_from_double(ltp, &t.q.ltp));
	t.q.ltq = 65;
	t.q.present = QUOTE_LTP | QUOTE_LTQ;
	book_publish(&r->book, id, book_merge(&r->book, id, &t, &meta), ++r->seq);
}

void rig_need_redis(void)
{
	if (!redis_is_installed())
		skip();
}

void rig_with_redis(struct store_rig *r)
{
	struct redis_server server;

	rig_need_redis();
	redis_start(&server, 0, NULL);
	rig_init(r, server.port);
	r->redis = server;
}
