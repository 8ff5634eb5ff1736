/* SPDX-License-Identifier: MIT
 *
 * Live futures: who shares a row, when it is reckoned and told, what it follows, and what it says when it is
 * not there.
 */
#include <stdio.h>

#include "../lib/chain_desk.h"
#include "../lib/check.h"
#include "options/futures.h"

#define NEAR "NSE_FO|1" /* of listed_small; expires 2026-01-27 */

static struct ws_rig r;
static struct market market;
static struct chain_desk d;
static struct futures_config cfg;
static struct futures *f;
static const char *refusal;

static struct chains_listing listing(const void *arg)
{
	(void)arg;
	return d.listing;
}

static int setup(void **state)
{
	(void)state;
	ws_rig_up(&r);
	market_init(&market, &r.loop);
	chain_desk_init(&d, &r, &market); /* its market and its master; no chains */
	cfg = (struct futures_config){.underlyings = "", .rate_bp = 600, .publish_ms = 50};
	return 0;
}

static void open_module(void)
{
	f = futures_create(&(struct futures_deps){.loop = &r.loop,
						  .book = &market.book,
						  .tape = &market.tape,
						  .interest = &market.interest,
						  .upstream = &market.view,
						  .cfg = &cfg,
						  .listing = listing});
	module_up(futures_module(f));
}

static int teardown(void **state)
{
	(void)state;
	module_down(&r, futures_module(f));
	futures_destroy(f);
	chain_desk_fini(&d);
	market_fini(&market);
	ws_rig_down(&r);
	return 0;
}

static uint64_t metric(const char *name)
{
	return module_metric(futures_module(f), name);
}

static int wanted(const char *key)
{
	return interest_top(&market.interest,
			    instruments_find(&market.book.instruments, key, strlen(key)));
}

static struct futures_live *awaited;
static uint64_t awaited_from;

static bool has_told(void *arg)
{
	uint64_t version;

	(void)arg;
	return futures_live_text(awaited, &version) && version > awaited_from;
}

/* The text of a version beyond `from`. */
static const char *text_of(struct futures_live *l, uint64_t from)
{
	static struct buf copy;
	uint64_t version;
	const struct buf *text;

	awaited = l;
	awaited_from = from;
	rig_until(&r, has_told, NULL);
	text = futures_live_text(l, &version);
	buf_reset(&copy);
	buf_append(&copy, text->data, text->len);
	return buf_cstr(&copy);
}

static uint64_t told(const struct futures_live *l)
{
	uint64_t version;

	futures_live_text(l, &version);
	return version;
}

static void test_shared(void **state)
{
	struct scope indices = {0};
	struct futures_live *a, *b, *other;
	struct agni_err err;

	(void)state;
	open_module();
	a = futures_open(f, "NIFTY", NULL, &refusal);
	b = futures_open(f, "nifty 50", NULL, &refusal);
	check(a && a == b);
	check_i64(wanted(NEAR), WANT_FULL);
	check_i64(wanted(DESK_INDEX), WANT_LTPC);
	check(scope_add(&indices, "NSE_INDEX|*", &err) == 0);
	other = futures_open(f, "NIFTY", &indices, &refusal);
	check(other && other != a);
	check_i64(metric("live"), 2);
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	chain_desk_say(&d, NEAR, 25250, 7000);
	check(strstr(text_of(a, 0), "\"basis\":60,") != NULL);
	check(strstr(text_of(other, 0), "25250") == NULL);
	check(strstr(text_of(other, 0), "\"months\":[\n]") != NULL);
	futures_close(a);
	check_i64(wanted(NEAR), WANT_FULL);
	futures_close(b);
	check_i64(wanted(NEAR), WANT_NOTHING); /* the other may not see it */
	check_i64(wanted(DESK_INDEX), WANT_LTPC);
	futures_close(other);
	check_i64(wanted(DESK_INDEX), WANT_NOTHING);
	check_i64(metric("live"), 0);
	scope_fini(&indices);
}

static void test_refused(void **state)
{
	struct futures_live *rows[80];
	char scope_text[32];
	unsigned n = 0;

	(void)state;
	open_module();
	check(futures_open(f, "NIFTTY", NULL, &refusal) == NULL);
	check_str(refusal, "unknown_underlying");
	for (; n < ARRAY_LEN(rows); n++) {
		struct scope scope = {0};
		struct agni_err err;

		snprintf(scope_text, sizeof(scope_text), "NSE_FO|%u", n + 1);
		check(scope_add(&scope, scope_text, &err) == 0);
		rows[n] = futures_open(f, "NIFTY", &scope, &refusal);
		scope_fini(&scope);
		if (!rows[n])
			break;
	}
	check_i64(n, 64);
	check_str(refusal, "over_limit");
	while (n > 0)
		futures_close(rows[--n]);
}

/* A tick of what no row follows costs nothing; many of what one follows are one text. */
static void test_pace(void **state)
{
	struct futures_live *l;
	uint64_t computed, version;

	(void)state;
	cfg.publish_ms = 60000;
	open_module();
	l = futures_open(f, "NIFTY", NULL, &refusal);
	text_of(l, 0);
	computed = metric("computed_total");
	version = told(l);
	chain_desk_say(&d, "NSE_EQ|INE002A01018", 1500, -1);
	for (int i = 0; i < 100; i++)
		chain_desk_say(&d, NEAR, 25250 + i, 7000);
	for (int i = 0; i < 5; i++)
		uv_run(&r.loop.uv, UV_RUN_NOWAIT);
	check_i64(metric("computed_total"), computed);
	check_i64(told(l), version);
	futures_close(l);
	/* With a reader anew the newest is there. */
	l = futures_open(f, "NIFTY", NULL, &refusal);
	check(strstr(text_of(l, 0), "\"ltp\":25349") != NULL);
	check_i64(metric("published_total"), 2);
	futures_close(l);
}

static bool is_stale_now;

static bool is_stale(const void *arg, inst_id id)
{
	(void)arg;
	(void)id;
	return is_stale_now;
}

/* The link goes and comes: told without a tick. */
static void test_staleness(void **state)
{
	struct futures_live *l;
	uint64_t version;

	(void)state;
	is_stale_now = false;
	market.view.is_stale = is_stale;
	open_module();
	l = futures_open(f, "NIFTY", NULL, &refusal);
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	chain_desk_say(&d, NEAR, 25250, 7000);
	check(strstr(text_of(l, told(l)), "\"basis\":60,") != NULL);
	version = told(l);
	is_stale_now = true;
	futures_status_changed(f);
	check(strstr(text_of(l, version), "\"stale\":true") != NULL);
	check(strstr(text_of(l, version), "basis") == NULL);
	version = told(l);
	is_stale_now = false; /* by the second's look */
	check(strstr(text_of(l, version), "\"basis\":60,") != NULL);
	futures_close(l);
}

/* Without a master it waits; with one it is judged; when the master loses it, it says so. */
static void test_master(void **state)
{
	struct master *m = d.listing.m ? listed_small() : NULL, *bare;
	struct futures_live *l, *none;
	enum health health;
	char why[HEALTH_WHY_MAX];
	uint64_t version;

	(void)state;
	d.listing = (struct chains_listing){NULL, 0};
	cfg.underlyings = "NIFTY, NONE";
	open_module();
	l = futures_open(f, "NIFTY", NULL, &refusal);
	none = futures_open(f, "NONE", NULL, &refusal);
	check(l && none);
	check_i64(metric("live"), 2); /* the kept ones */
	check(futures_live_text(l, &version) == NULL);
	d.listing = (struct chains_listing){m, 1};
	check(strstr(text_of(l, 0), NEAR) != NULL);
	check(strstr(text_of(none, 0), "{\"underlying\":\"NONE\"") != NULL);
	check(strstr(text_of(none, 0), "\"error\":{\"code\":\"unknown_underlying\"") != NULL);
	health = futures_module(f)->ops->health(futures_module(f), why);
	check_i64(health, HEALTH_DEGRADED);
	check(strstr(why, "no futures of NONE") != NULL);
	version = told(l);
	bare = listed_of("[{\"instrument_key\":\"NSE_EQ|A\"}]");
	d.listing = (struct chains_listing){bare, 2};
	check(strstr(text_of(l, version), "\"code\":\"unknown_underlying\"") != NULL);
	check_i64(wanted(NEAR), WANT_NOTHING);
	version = told(l);
	d.listing = (struct chains_listing){m, 3};
	check(strstr(text_of(l, version), NEAR) != NULL);
	check_i64(wanted(NEAR), WANT_FULL);
	futures_close(l);
	futures_close(none);
	master_release(bare);
	/* The clock passes the expiry: nothing is left of this list. */
	l = futures_open(f, "NIFTY", NULL, &refusal);
	version = told(l);
	chain_desk_at(&d, "2026-01-27T15:31:00");
	check(strstr(text_of(l, version), "\"code\":\"no_expiry\"") != NULL);
	futures_close(l);
	d.listing = (struct chains_listing){NULL, 4};
	master_release(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_staleness, setup, teardown),
		cmocka_unit_test_setup_teardown(test_master, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
