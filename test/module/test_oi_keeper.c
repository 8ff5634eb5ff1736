/* SPDX-License-Identifier: MIT
 *
 * Open interest over sessions and restarts: what is kept when, and what it is compared with after.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/chain_desk.h"
#include "../lib/check.h"
#include "options/chain_json.h"

static struct ws_rig r;
static struct market market;
static struct chain_desk d;

#define CALL chain_desk_key(25200, false)
#define PUT  chain_desk_key(25200, true)
/* Of the second expiry, as listed_small numbers them. */
#define LATER "NSE_FO|204"

static int setup(void **state)
{
	(void)state;
	ws_rig_up(&r);
	market_init(&market, &r.loop);
	chain_desk_init(&d, &r, &market);
	chain_desk_open(&d);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	chain_desk_fini(&d);
	market_fini(&market);
	ws_rig_down(&r);
	return 0;
}

/* Another process on the same folder: the book is empty, the clock has heard nothing. */
static void restart(void)
{
	chain_desk_close(&d);
	market_fini(&market);
	market_init(&market, &r.loop);
	r.clock.feed_ms = 0; /* at the first message */
	chain_desk_open(&d);
}

static const char *path_of(const char *day)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/oi/%s.oi", d.dir, day);
	return path;
}

static bool is_there(void *path)
{
	return access(path, F_OK) == 0;
}

static bool has_file(const char *day)
{
	return access(path_of(day), F_OK) == 0;
}

static void await_file(const char *day)
{
	char path[128];

	snprintf(path, sizeof(path), "%s", path_of(day));
	rig_until(&r, is_there, path);
}

/* What the contract's open interest is compared with; -1: nothing. */
static int64_t previous(const char *key, enum prev_oi_source want)
{
	int64_t oi = -1;

	check_i64(session_oi_previous(chains_session_oi(d.chains), key, strlen(key), &oi), want);
	return oi;
}

static void say_at(const char *ist, const char *key, double oi)
{
	chain_desk_at(&d, ist);
	chain_desk_say(&d, key, 50, oi);
}

static void test_from_close_to_open(void **state)
{
	const struct chain_view *v;
	const char *refusal;
	struct chain_live *c;
	struct buf json = {0};
	struct resolve_market now = {.book = &market.book};
	struct chain_source from = {.m = d.m, .market = &now, .oi = chains_session_oi(d.chains)};

	(void)state;
	say_at("2026-01-13T15:29:59", LATER, 700);
	check(!has_file("2026-01-13"));
	check_i64(previous(LATER, PREV_OI_NONE), -1);
	say_at("2026-01-13T15:30:00", DESK_INDEX, -1);
	await_file("2026-01-13");
	/* The evening, and the next morning before the open: still Monday's is meant. */
	say_at("2026-01-14T09:14:59", DESK_INDEX, -1);
	previous(LATER, PREV_OI_NONE);
	say_at("2026-01-14T09:15:00", LATER, 650);
	check_i64(previous(LATER, PREV_OI_SESSION), 700);
	previous("NSE_FO|205", PREV_OI_NONE);
	/* And a chain says so. */
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	c = chains_open(d.chains, &(struct chain_wish){.underlying = "NIFTY", .each_turn = true},
			&refusal);
	v = chain_live_view(c);
	check(v->cells[1][OPTION_CALL].has & CELL_OI_CHANGE);
	check_i64(v->cells[1][OPTION_CALL].oi_change, -50);
	check_i64(v->summary.totals.changes[OPTION_CALL], 1);
	check_i64(v->summary.totals.changes[OPTION_PUT], 0);
	now.now_ms = clock_market_ms(&r.clock);
	chain_json(&json, v, &from);
	check(strstr(buf_cstr(&json), "\"previous_session\":\"2026-01-13\"") != NULL);
	check(strstr(json.data, "\"prev_oi\":700,\"prev_oi_source\":\"session\"") != NULL);
	check(strstr(json.data, "\"oi_change\":-50") != NULL);
	buf_fini(&json);
	chains_close(c, true);
}

/* A restart in mid-session changes nothing, and is no close. */
static void test_restart_in_session(void **state)
{
	(void)state;
	say_at("2026-01-13T15:30:00", LATER, 700);
	await_file("2026-01-13");
	restart();
	say_at("2026-01-14T11:00:00", LATER, 900);
	check_i64(previous(LATER, PREV_OI_SESSION), 700);
	restart();
	say_at("2026-01-14T12:00:00", LATER, 950);
	check_i64(previous(LATER, PREV_OI_SESSION), 700);
	check(!has_file("2026-01-14"));
}

/* A day without a file (the 14th; the 15th is a holiday) is not bridged by an older one. */
static void test_missing_day(void **state)
{
	(void)state;
	say_at("2026-01-13T15:30:00", LATER, 700);
	await_file("2026-01-13");
	restart();
	say_at("2026-01-16T10:00:00", LATER, 900);
	previous(LATER, PREV_OI_NONE);
}

static void test_over_a_weekend(void **state)
{
	(void)state;
	say_at("2026-01-16T15:30:01", LATER, 700);
	await_file("2026-01-16");
	say_at("2026-01-17T12:00:00", DESK_INDEX,
	       -1); /* Saturday: Thursday's, which is not there */
	previous(LATER, PREV_OI_NONE);
	restart();
	say_at("2026-01-19T09:20:00", LATER, 710);
	check_i64(previous(LATER, PREV_OI_SESSION), 700);
}

/* The link was down at the close: what it said at noon is not the close's. It comes back at night. */
static void test_link_down_at_close(void **state)
{
	(void)state;
	say_at("2026-01-13T12:00:00", LATER, 600);
	market.is_stale = true;
	say_at("2026-01-13T15:31:00", DESK_INDEX, -1);
	ws_rig_for(&r, 50);
	check(!has_file("2026-01-13"));
	restart();
	market.is_stale = false;
	say_at("2026-01-14T08:50:00", LATER, 700); /* the snapshot of a new connection */
	await_file("2026-01-13");
	say_at("2026-01-14T09:15:00", LATER, 650);
	check_i64(previous(LATER, PREV_OI_SESSION), 700);
}

static bool is_text_of(void *text)
{
	struct buf b = {0};
	FILE *f = fopen(path_of("2026-01-13"), "r");
	bool has;

	b.len = fread(buf_reserve(&b, 4096), 1, 4000, f);
	fclose(f);
	has = strstr(buf_cstr(&b), text) != NULL;
	buf_fini(&b);
	return has;
}

/* Who starts in the evening and watches less does not lose the rest; newer numbers count, but not
 * those of the next morning. */
static void test_evening(void **state)
{
	(void)state;
	say_at("2026-01-13T15:29:00", LATER, 700);
	say_at("2026-01-13T15:30:00", "NSE_FO|205", 800);
	await_file("2026-01-13");
	restart();
	say_at("2026-01-13T20:00:00", LATER, 720);
	rig_until(&r, is_text_of, (void *)"NSE_FO|204 720\n");
	check(is_text_of((void *)"NSE_FO|205 800\n"));
	restart();
	say_at("2026-01-14T08:00:00", LATER, 1);
	ws_rig_for(&r, 50);
	say_at("2026-01-14T09:15:00", LATER, 650);
	check_i64(previous(LATER, PREV_OI_SESSION), 720);
	check_i64(previous("NSE_FO|205", PREV_OI_SESSION), 800);
}

static void test_damaged(void **state)
{
	(void)state;
	say_at("2026-01-13T15:30:00", LATER, 700);
	await_file("2026-01-13");
	chain_desk_close(&d);
	check_i64(truncate(path_of("2026-01-13"), 60), 0);
	chain_desk_open(&d);
	say_at("2026-01-14T09:15:00", LATER, 650);
	previous(LATER, PREV_OI_NONE);
}

/* A recording that is played has no folder: sessions of it are compared, and nothing is written. */
static void test_without_a_folder(void **state)
{
	char first = d.dir[0];

	(void)state;
	chain_desk_close(&d);
	d.dir[0] = '\0';
	chain_desk_open(&d);
	say_at("2026-01-13T15:29:59", LATER, 700);
	say_at("2026-01-13T15:30:00", DESK_INDEX, -1);
	say_at("2026-01-14T09:15:00", LATER, 650);
	check_i64(previous(LATER, PREV_OI_SESSION), 700);
	chain_desk_close(&d);
	d.dir[0] = first;
	check(!has_file("2026-01-13"));
}

static bool is_degraded(void *arg)
{
	char why[HEALTH_WHY_MAX];
	const struct module *m = chains_module(d.chains);

	(void)arg;
	return m->ops->health(m, why) == HEALTH_DEGRADED;
}

/* A folder that cannot be made is told, tried again, and given up with the process. */
static void test_disk(void **state)
{
	char oi[80];
	FILE *f;

	(void)state;
	snprintf(oi, sizeof(oi), "%s/oi", d.dir);
	f = fopen(oi, "w"); /* a file where the folder should be */
	check(f != NULL);
	fclose(f);
	say_at("2026-01-13T15:30:00", LATER, 700);
	rig_until(&r, is_degraded, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_from_close_to_open),
		TEST(test_restart_in_session),
		TEST(test_missing_day),
		TEST(test_over_a_weekend),
		TEST(test_link_down_at_close),
		TEST(test_evening),
		TEST(test_damaged),
		TEST(test_without_a_folder),
		TEST(test_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
