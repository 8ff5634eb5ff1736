/* SPDX-License-Identifier: MIT
 *
 * Channels of bars: what is told, when, and what a client may have.
 */
#include <stdio.h>

#include "../lib/bars_desk.h"
#include "../lib/check.h"
#include "../lib/viewer.h"

#define FO      "NSE_FO|1"
#define CHANNEL "bars:1m:" FO

static struct theatre t;
static struct bars bars;
static struct viewer v;

static int setup(void **state)
{
	(void)state;
	theatre_up(&t);
	t.rig.clock.mode = CLOCK_FEED;
	bars_init(&bars, &t.market.book.instruments,
		  &(struct bars_config){.keep_seconds = 300,
					.keep_minutes = 900,
					.amend_ms = 60000,
					.grace_ms = 1000});
	t.bars = &bars;
	t.cfg.max_subscriptions = 4;
	theatre_open(&t);
	viewer_open(&t, &v);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	theatre_down(&t);
	bars_fini(&bars);
	return 0;
}

/* The market's clock goes on without a tick. */
static void pass(const char *now)
{
	clock_see_market(&t.rig.clock, desk_ms(now));
}

struct said {
	const char *now;
	double price;
	int64_t vtt;
	bool is_snapshot;
	const struct bar *minute;
};

static void say(struct said s)
{
	inst_id id = instruments_intern(&t.market.book.instruments, FO, strlen(FO));
	struct tick_meta meta = {.ts_ms = desk_ms(s.now), .is_snapshot = s.is_snapshot};
	struct tick tick = {.key = FO, .key_len = (uint32_t)strlen(FO)};
	struct slot *slot;

	tick.q.arm = ARM_MARKET;
	tick.q.present = QUOTE_LTP | QUOTE_LTT | QUOTE_VTT | (s.minute ? QUOTE_BARS : 0);
	check(price_from_double(s.price, &tick.q.ltp));
	tick.q.ltt = meta.ts_ms;
	tick.q.vtt = s.vtt;
	if (s.minute) {
		tick.q.bars[0] = *s.minute;
		tick.q.bars_n = 1;
	}
	pass(s.now);
	tape_begin(&t.market.tape, &meta);
	slot = book_merge(&t.market.book, id, &tick, &meta);
	book_publish(&t.market.book, id, slot, tape_append(&t.market.tape, id, &tick));
	tape_end(&t.market.tape);
	bars_tick(&bars, id, slot);
}

#define SAY(...) say((struct said){__VA_ARGS__})

static const char *status_of(const char *action, const char *channel)
{
	static char status[32];
	char command[200];
	cJSON *json;

	snprintf(command, sizeof(command), "{\"action\":\"%s\",\"channels\":[\"%s\"]}", action,
		 channel);
	json = viewer_ask(&v, command, "subscription_update");
	snprintf(status, sizeof(status), "%s",
		 member_str(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "results"), 0), "status"));
	cJSON_Delete(json);
	return status;
}

/* The next frame must tell of the bar that begins at `start`, in this state; returns the frame. */
static cJSON *hear_bar(const char *start, const char *state)
{
	cJSON *json = viewer_hear_type(&v, "bars"), *bar;

	cJSON_ArrayForEach (bar, cJSON_GetObjectItem(json, "data")) {
		if ((int64_t)member_num(bar, "start_ms") != desk_ms(start))
			continue;
		check_str(member_str(bar, "state"), state);
		return json;
	}
	fail_msg("no bar of %s in %s", start, cJSON_PrintUnformatted(json));
	return NULL;
}

static void expect(const char *start, const char *state)
{
	cJSON_Delete(hear_bar(start, state));
}

/* What has not traded for long has a newest bar all the same. */
static void test_newest_at_once(void **state)
{
	(void)state;
	SAY(.now = "09:15:00", .price = 100, .vtt = 10);
	SAY(.now = "10:02:03", .price = 101, .vtt = 20);
	pass("11:30:00");
	check_str(status_of("subscribe", CHANNEL), "subscribed");
	expect("10:02:00", "final");
}

static void test_limits(void **state)
{
	(void)state;
	viewer_subscribe(&v, FO, "full");
	check_str(status_of("subscribe", "bars:1s:" FO), "subscribed");
	check_str(status_of("subscribe", "bars:1m:" FO), "subscribed");
	check_str(status_of("subscribe", "bars:5m:" FO), "subscribed");
	/* Not more because the instrument is subscribed to. */
	check_str(status_of("subscribe", "bars:1h:" FO), "over_limit");
	/* What one has is no new one. */
	check_str(status_of("subscribe", "bars:5m:" FO), "subscribed");
	viewer_subscribe(&v, FO, "ltpc");
	check_str(status_of("unsubscribe", "bars:5m:" FO), "unsubscribed");
	check_str(status_of("subscribe", "bars:1h:" FO), "subscribed");
	check_i64(theatre_client(&t)->channels_n, 3);
}

/* A name has one normal form, and is one channel however it was written; what is none is told. */
static void test_names(void **state)
{
	cJSON *json, *list;

	(void)state;
	check_str(status_of("subscribe", CHANNEL), "subscribed");
	check_str(status_of("subscribe", CHANNEL), "subscribed");
	check_str(status_of("subscribe", "status"), "subscribed");
	check_str(status_of("subscribe", "statuses"), "unknown_channel");
	check_str(status_of("subscribe", "bars"), "unknown_channel");
	check_str(status_of("subscribe", "bars:"), "unknown_channel");
	check_str(status_of("subscribe", "bars:1w:" FO), "unknown_channel");
	check_str(status_of("subscribe", ""), "unknown_channel");
	check_str(status_of("subscribe", "bars:1m:"), "invalid_instrument");
	json = viewer_ask(&v, "{\"action\":\"subscriptions\"}", "subscriptions");
	list = cJSON_GetObjectItem(json, "channels");
	check_i64(cJSON_GetArraySize(list), 2);
	check_str(cJSON_GetArrayItem(list, 1)->valuestring, CHANNEL);
	cJSON_Delete(json);
	check_str(status_of("unsubscribe", "bars:5m:" FO), "not_subscribed");
	check_str(status_of("unsubscribe", "status"), "not_subscribed");
	check_str(status_of("unsubscribe", "nothing"), "unknown_channel");
	check_str(status_of("unsubscribe", CHANNEL), "unsubscribed");
	check_i64(theatre_client(&t)->channels_n, 0);
	check_i64(interest_top(&t.market.interest,
			       instruments_find(&t.market.book.instruments, FO, strlen(FO))),
		  WANT_NOTHING);
}

/* Told as final, and then a snapshot shows that something was missed in it. */
static void test_hole_is_told(void **state)
{
	(void)state;
	SAY(.now = "09:15:00", .price = 100, .vtt = 10);
	SAY(.now = "09:16:30", .price = 101, .vtt = 20);
	pass("09:17:01");
	check_str(status_of("subscribe", CHANNEL), "subscribed");
	expect("09:16:00", "final");
	SAY(.now = "09:40:30", .price = 110, .vtt = 500, .is_snapshot = true);
	expect("09:16:00", "partial");
}

/* While nobody watches, a bar that goes on behind the last message is not called final. */
static void test_stale(void **state)
{
	(void)state;
	SAY(.now = "09:15:00", .price = 100, .vtt = 10);
	SAY(.now = "09:16:30", .price = 101, .vtt = 20);
	check_str(status_of("subscribe", CHANNEL), "subscribed");
	expect("09:16:00", "partial");
	t.market.is_stale = true;
	pass("09:30:00");
	expect("09:16:00", "partial");
	/* The link is back, and nothing was missed. */
	t.market.is_stale = false;
	expect("09:16:00", "final");
}

/* The day of derivatives is over at 15:40, and that is told without a tick. */
static void test_day_ends(void **state)
{
	(void)state;
	SAY(.now = "08:59:59", .price = 100, .vtt = 10);
	SAY(.now = "15:39:00", .price = 101, .vtt = 20);
	check_str(status_of("subscribe", "bars:1d:" FO), "subscribed");
	expect("00:00:00", "partial");
	pass("15:40:00.999");
	ws_rig_for(&t.rig, 600);
	check(!viewer_has_news(&v));
	pass("15:40:01");
	expect("00:00:00", "final");
}

/* The exchange's own minute may come behind the end of ours. */
static void test_exchange_is_told(void **state)
{
	struct bar minute = {.interval = "I1",
			     .present = BAR_OPEN | BAR_HIGH | BAR_LOW | BAR_CLOSE | BAR_TS,
			     .open = 1000000,
			     .high = 1000000,
			     .low = 1000000,
			     .close = 1000000,
			     .ts_ms = desk_ms("09:16:00")};
	cJSON *json;

	(void)state;
	SAY(.now = "09:15:00", .price = 100, .vtt = 10);
	SAY(.now = "09:16:30", .price = 100, .vtt = 20);
	pass("09:17:01");
	check_str(status_of("subscribe", CHANNEL), "subscribed");
	expect("09:16:00", "final");
	SAY(.now = "09:17:05", .price = 101, .vtt = 30, .minute = &minute);
	json = hear_bar("09:16:00", "final");
	check(cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "data"), 0),
				  "exchange") != NULL);
	cJSON_Delete(json);
}

/* Others take the place of the bars while somebody looks at them, and the instrument may be gone. */
static void test_adoption(void **state)
{
	struct bars_desk old;

	(void)state;
	bars.is_rebuilding = true;
	SAY(.now = "09:20:00", .price = 100, .vtt = 10);
	check_str(status_of("subscribe", CHANNEL), "subscribed");
	expect("09:20:00", "partial");
	bars_desk_init(&old, 300);
	bars_desk_say(&old, (struct desk_tick){.now = "09:19:10", .price = 99, .vtt = 5});
	bars_desk_say(&old, (struct desk_tick){.now = "09:20:00", .price = 100, .vtt = 10});
	pass("09:21:01");
	bars_adopt(&bars, &old.bars);
	expect("09:20:00", "final");
	bars_desk_fini(&old);
	bars_desk_init(&old, 300);
	bars_adopt(&bars, &old.bars); /* of nothing */
	bars_desk_fini(&old);
	SAY(.now = "09:22:00", .price = 100, .vtt = 10);
	expect("09:22:00", "partial");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_newest_at_once),   TEST(test_limits),   TEST(test_names),
		TEST(test_hole_is_told),     TEST(test_stale),    TEST(test_day_ends),
		TEST(test_exchange_is_told), TEST(test_adoption),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
