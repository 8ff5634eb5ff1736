/* SPDX-License-Identifier: MIT
 *
 * Subscriptions by selector on /ws: what they bring, how they follow, and what they leave alone.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/viewer.h"
#include "stream/selection_internal.h"

#define ATM "NIFTY:current:ATM+-1"

static struct theatre t;
static struct viewer v;

/* What the one selector means by now: strikes around this one, five apart; 0: it has no price. */
static int money;

/* How often was asked what a text means. */
static unsigned looks;

static unsigned select_strikes(const void *arg, const char *text, size_t len, price_t *middle,
			       refdata_key_fn *fn, void *fn_arg, struct resolve_miss *miss)
{
	bool is_call_only = len > 3 && strcmp(text + len - 3, ":CE") == 0;
	char key[32];
	unsigned n = 0;
	int at;

	(void)arg;
	check(middle != NULL); /* whoever follows keeps it */
	looks++;
	*miss = (struct resolve_miss){0};
	if (strncmp(text, "NIFTY:", 6) != 0) {
		miss->code = RESOLVE_UNKNOWN_UNDERLYING;
		return 0;
	}
	if (!money) {
		miss->code = RESOLVE_NO_PRICE;
		return 0;
	}
	if (sscanf(text, "NIFTY:next:%d", &at) == 1) {
		snprintf(key, sizeof(key), "NSE_FO|N%d", at);
		fn(fn_arg, key, strlen(key));
		return 1;
	}
	if (sscanf(text, "NIFTY:monthly:%d", &at) ==
	    1) { /* one at a time, another with each price */
		snprintf(key, sizeof(key), "NSE_FO|M%d_%d", at, money);
		fn(fn_arg, key, strlen(key));
		return 1;
	}
	for (int strike = money - 5; strike <= money + 5; strike += 5) {
		for (int side = 0; side < (is_call_only ? 1 : 2); side++) {
			snprintf(key, sizeof(key), "NSE_FO|%s%d", side ? "P" : "C", strike);
			fn(fn_arg, key, strlen(key));
			n++;
		}
	}
	return n;
}

static const char *money_key(const void *arg, const char *text, size_t len)
{
	(void)arg;
	(void)len;
	return strncmp(text, "NIFTY:", 6) == 0 ? "NSE_INDEX|Nifty 50" : NULL;
}

static int setup(void **state)
{
	(void)state;
	theatre_up(&t);
	t.select = select_strikes;
	t.money_key = money_key;
	t.cfg.max_subscriptions = 12;
	money = 100;
	theatre_open(&t);
	viewer_open(&t, &v);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	theatre_down(&t); /* fails when somebody is still interested in something */
	return 0;
}

/* The strings of an array, with spaces between. */
static const char *texts(const cJSON *json, const char *name)
{
	static char out[512];
	const cJSON *item;

	out[0] = '\0';
	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(json, name)) {
		size_t n = strlen(out);

		snprintf(out + n, sizeof(out) - n, "%s%s", n ? " " : "", item->valuestring);
	}
	return out;
}

/* Sends the command; the one result has this status. The keys that it lists. */
static const char *ask(const char *command, const char *status)
{
	static char keys[512];
	cJSON *json = viewer_ask(&v, command, "subscription_update");
	const cJSON *result =
		cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "results"), 0);

	check_str(member_str(result, "status"), status);
	snprintf(keys, sizeof(keys), "%s", texts(result, "keys"));
	cJSON_Delete(json);
	return keys;
}

static unsigned subscriptions(void)
{
	cJSON *json = viewer_ask(&v, "{\"action\":\"subscriptions\"}", "subscriptions");
	unsigned n = (unsigned)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "data"));

	cJSON_Delete(json);
	return n;
}

#define SUB(name)   "{\"action\":\"subscribe\",\"mode\":\"ltpc\",\"instruments\":[\"" name "\"]}"
#define UNSUB(name) "{\"action\":\"unsubscribe\",\"instruments\":[\"" name "\"]}"

static void test_brings(void **state)
{
	cJSON *json;

	(void)state;
	check_str(ask(SUB(ATM), "subscribed"),
		  "NSE_FO|C95 NSE_FO|P95 NSE_FO|C100 NSE_FO|P100 NSE_FO|C105 NSE_FO|P105");
	check_i64(subscriptions(), 6);
	json = viewer_ask(&v, "{\"action\":\"subscriptions\"}", "subscriptions");
	check_str(texts(json, "selectors"), ATM);
	cJSON_Delete(json);
	/* The price that it follows is asked for. */
	check_i64(interest_top(&t.market.interest, instruments_find(&t.market.book.instruments,
								    "NSE_INDEX|Nifty 50", 18)),
		  WANT_LTPC);
	check_str(ask(UNSUB(ATM), "unsubscribed"), "");
	check_i64(subscriptions(), 0);
	ask(UNSUB(ATM), "not_subscribed");
	check_str(ask(SUB("SENSEX:current:ATM"), "unknown_underlying"), "");
}

static void test_follows(void **state)
{
	cJSON *json;

	(void)state;
	ask(SUB(ATM), "subscribed");
	money = 105;
	json = viewer_hear_type(&v, "selection");
	check_str(member_str(json, "selector"), ATM);
	check_str(texts(json, "removed"), "NSE_FO|C95 NSE_FO|P95");
	check_str(texts(json, "added"), "NSE_FO|C110 NSE_FO|P110");
	check_str(texts(json, "keys"),
		  "NSE_FO|C100 NSE_FO|P100 NSE_FO|C105 NSE_FO|P105 NSE_FO|C110 NSE_FO|P110");
	cJSON_Delete(json);
	check_i64(subscriptions(), 6);
	/* No price for a while: what was meant stays. */
	money = 0;
	ws_rig_for(&t.rig, 1600);
	check(!viewer_has_news(&v));
	check_i64(subscriptions(), 6);
}

/* What the client has by its key is not taken away, nor changed. */
static void test_own_stays(void **state)
{
	cJSON *json;

	(void)state;
	viewer_subscribe(&v, "NSE_FO|C95", "full");
	ask(SUB(ATM), "subscribed");
	viewer_subscribe(&v, "NSE_FO|P95", "full"); /* asked for later: its own from now on */
	check_i64(subscriptions(), 6);
	money = 200;
	json = viewer_hear_type(&v, "selection");
	check_str(texts(json, "removed"), "NSE_FO|C100 NSE_FO|P100 NSE_FO|C105 NSE_FO|P105");
	cJSON_Delete(json);
	check_i64(subscriptions(), 8);
	check_i64(interest_top(&t.market.interest,
			       instruments_find(&t.market.book.instruments, "NSE_FO|C95", 10)),
		  WANT_FULL);
	ask(UNSUB(ATM), "unsubscribed");
	check_i64(subscriptions(), 2);
}

/* Two that mean the same: what one leaves the other keeps. */
static void test_overlap(void **state)
{
	(void)state;
	ask(SUB(ATM), "subscribed");
	check_str(ask(SUB("NIFTY:current:ATM+-1:CE"), "subscribed"),
		  "NSE_FO|C95 NSE_FO|C100 NSE_FO|C105");
	check_i64(subscriptions(), 6);
	ask(UNSUB(ATM), "unsubscribed");
	check_i64(subscriptions(), 3);
	ask(UNSUB("NIFTY:current:ATM+-1:CE"), "unsubscribed");
	check_i64(subscriptions(), 0);
}

/* One that is asked for before there is a price waits for it. */
static void test_waits_for_a_price(void **state)
{
	cJSON *json;

	(void)state;
	money = 0;
	check_str(ask(SUB(ATM), "subscribed"), "");
	check_i64(subscriptions(), 0);
	money = 50;
	json = viewer_hear_type(&v, "selection");
	check_str(texts(json, "added"),
		  "NSE_FO|C45 NSE_FO|P45 NSE_FO|C50 NSE_FO|P50 NSE_FO|C55 NSE_FO|P55");
	cJSON_Delete(json);
}

/* In another mode: all that it brought changes. */
static void test_mode(void **state)
{
	(void)state;
	ask(SUB(ATM), "subscribed");
	ask("{\"action\":\"subscribe\",\"mode\":\"full\",\"policy\":\"all\",\"instruments\":[\"" ATM
	    "\"]}",
	    "subscribed");
	check_i64(subscriptions(), 6);
	check_i64(interest_top(&t.market.interest,
			       instruments_find(&t.market.book.instruments, "NSE_FO|P95", 10)),
		  WANT_FULL);
}

static int left_out(const char *command)
{
	cJSON *json = viewer_ask(&v, command, "subscription_update");
	const cJSON *result = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "results"), 0);
	const cJSON *n = cJSON_GetObjectItem(result, "left_out");
	int got = n ? n->valueint : 0;

	check_str(cJSON_GetObjectItem(result, "status")->valuestring, "subscribed");
	cJSON_Delete(json);
	return got;
}

/* The limits hold for what a selector brings as well. */
static void test_limit(void **state)
{
	(void)state;
	check_i64(left_out(SUB(ATM)), 0);
	ask(UNSUB(ATM), "unsubscribed");
	for (int i = 0; i < 9; i++) {
		char key[32];

		snprintf(key, sizeof(key), "NSE_EQ|%d", i);
		viewer_subscribe(&v, key, "ltpc");
	}
	check_str(ask(SUB(ATM), "subscribed"), "NSE_FO|C95 NSE_FO|P95 NSE_FO|C100");
	check_i64(subscriptions(), 12);
	/* What they keep out is told. */
	check_i64(left_out(SUB(ATM)), 3);
}

/* What a client may not have takes no place in the table of instruments, which nothing ever leaves. */
static void test_no_places(void **state)
{
	(void)state;
	for (int i = 0; i < 9; i++) {
		char key[32];

		snprintf(key, sizeof(key), "NSE_EQ|%d", i);
		viewer_subscribe(&v, key, "ltpc");
	}
	check_i64(left_out(SUB(ATM)), 3);
	check_i64(t.market.book.instruments.count, 9 + 3 + 1);
}

static void nine_keys(void)
{
	for (int i = 0; i < 9; i++) {
		char key[32];

		snprintf(key, sizeof(key), "NSE_EQ|%d", i);
		viewer_subscribe(&v, key, "ltpc");
	}
}

/* What a limit kept out comes in when there is room, though the selector means what it did. */
static void test_room_comes(void **state)
{
	cJSON *json;

	(void)state;
	nine_keys();
	check_i64(left_out(SUB(ATM)), 3);
	ws_rig_for(&t.rig, 1300);
	check(!viewer_has_news(&v)); /* nothing has moved: nothing is said */
	json = viewer_ask(
		&v, "{\"action\":\"unsubscribe\",\"instruments\":[\"NSE_EQ|0\",\"NSE_EQ|1\"]}",
		"subscription_update");
	cJSON_Delete(json);
	json = viewer_hear_type(&v, "selection");
	check_str(texts(json, "removed"), "");
	check_str(texts(json, "added"), "NSE_FO|P100 NSE_FO|C105");
	check_i64((int64_t)member_num(json, "left_out"), 1);
	cJSON_Delete(json);
	check_i64(subscriptions(), 12);
	ask(UNSUB("NSE_EQ|2"), "unsubscribed");
	json = viewer_hear_type(&v, "selection");
	check_str(texts(json, "added"), "NSE_FO|P105");
	check(!cJSON_HasObjectItem(json, "left_out"));
	cJSON_Delete(json);
	/* It leaves with the selector that brought it. */
	ask(UNSUB(ATM), "unsubscribed");
	check_i64(subscriptions(), 6);
}

/* The same of the broker's limit, which another client's going makes room under. */
static void test_brokers_room_comes(void **state)
{
	const struct interest_limits limits = {.alone = {8, 8, 8, 8}, .mixed = {8, 8, 8, 8}};
	struct viewer other;
	cJSON *json;

	(void)state;
	viewer_open(&t, &other);
	for (int i = 0; i < 4; i++) {
		char key[32];

		snprintf(key, sizeof(key), "NSE_EQ|%d", i);
		viewer_subscribe(&other, key, "ltpc");
	}
	t.market.interest.limits = &limits;
	/* The price that it follows has a place, too. */
	check_i64(left_out(SUB(ATM)), 3);
	cJSON_Delete(viewer_ask(&other, UNSUB("NSE_EQ|1"), "subscription_update"));
	json = viewer_hear_type(&v, "selection");
	check_str(texts(json, "added"), "NSE_FO|P100");
	check_i64((int64_t)member_num(json, "left_out"), 2);
	cJSON_Delete(json);
	t.market.interest.limits = NULL;
}

static void say_spaced(struct viewer *who, const char *action, int spaces)
{
	char command[256];
	cJSON *json, *result;

	snprintf(command, sizeof(command),
		 "{\"action\":\"%s\",\"mode\":\"ltpc\",\"instruments\":[\"NIFTY:current:%*sATM+-"
		 "1\"]}",
		 action, spaces, "");
	json = viewer_ask(who, command, "subscription_update");
	result = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "results"), 0);
	check(strncmp(member_str(result, "status"), action, strlen(action)) == 0);
	cJSON_Delete(json);
}

/* Many texts that mean the same, for the spaces in them: each is followed, for each that has it. */
static void test_many(void **state)
{
	enum { TEXTS = 60 };
	struct viewer other;

	(void)state;
	viewer_open(&t, &other);
	for (int i = 0; i < TEXTS; i++) {
		say_spaced(&v, "subscribe", i);
		if (i % 2)
			say_spaced(&other, "subscribe", i);
	}
	money = 105;
	for (int i = 0; i < TEXTS; i++)
		cJSON_Delete(viewer_hear_type(&v, "selection"));
	for (int i = 0; i < TEXTS / 2; i++)
		cJSON_Delete(viewer_hear_type(&other, "selection"));
	check_i64(subscriptions(), 6);
	for (int i = 0; i < TEXTS; i++)
		say_spaced(&v, "unsubscribe", i);
	check_i64(subscriptions(), 0);
}

/* With a place to go on from there is no selector: what it meant then is not known. */
static void test_no_resume(void **state)
{
	char command[256];

	(void)state;
	snprintf(command, sizeof(command),
		 "{\"action\":\"subscribe\",\"instruments\":[\"" ATM
		 "\"],\"from_seq\":0,\"epoch\":\"%s\"}",
		 t.market.tape.epoch);
	ask(command, "invalid_instrument");
	check_i64(subscriptions(), 0);
}

/* Two clients share one text, and each is told. */
static void test_shared(void **state)
{
	struct viewer other;
	cJSON *json;

	(void)state;
	viewer_open(&t, &other);
	ask(SUB(ATM), "subscribed");
	cJSON_Delete(viewer_ask(&other, SUB(ATM), "subscription_update"));
	money = 105;
	json = viewer_hear_type(&v, "selection");
	cJSON_Delete(json);
	json = viewer_hear_type(&other, "selection");
	cJSON_Delete(json);
	ask(UNSUB(ATM), "unsubscribed");
	money = 110;
	json = viewer_hear_type(&other, "selection");
	check_str(texts(json, "added"), "NSE_FO|C115 NSE_FO|P115");
	cJSON_Delete(json);
}

/* A selector that waits for its price has its interval already: what it brings later finds room. */
static void test_intervals(void **state)
{
	char command[256];
	cJSON *json;

	(void)state;
	money = 0;
	for (int i = 1; i <= 8; i++) {
		snprintf(command, sizeof(command),
			 "{\"action\":\"subscribe\",\"policy\":\"interval\",\"interval_ms\":%d0,"
			 "\"instruments\":[\"NIFTY:next:%d\"]}",
			 i, i);
		if (i <= INTERVALS_MAX) {
			check_str(ask(command, "subscribed"), "");
			continue;
		}
		json = viewer_ask(&v, command, "error");
		check_str(member_str(json, "code"), "too_many_intervals");
		cJSON_Delete(json);
	}
	money = 100;
	for (int i = 0; i < INTERVALS_MAX; i++)
		cJSON_Delete(viewer_hear_type(&v, "selection"));
	check_i64(subscriptions(), INTERVALS_MAX);
	/* Given up, it makes room. */
	ask(UNSUB("NIFTY:next:1"), "unsubscribed");
	check_str(ask(command, "subscribed"), "NSE_FO|N8");
}

/* The price that a selector follows counts among what the broker serves. */
static void test_money_is_limited(void **state)
{
	const struct interest_limits limits = {.alone = {2, 9, 9, 9}, .mixed = {1, 9, 9, 9}};
	struct interest *interest = &t.market.interest;

	(void)state;
	interest->limits = &limits;
	viewer_subscribe(&v, "NSE_EQ|1", "ltpc");
	viewer_subscribe(&v, "NSE_EQ|2", "ltpc");
	money = 0;
	check_str(ask(SUB(ATM), "over_broker_limit"), "");
	check_i64(interest->tops[WANT_LTPC], 2);
	/* With a price from elsewhere it is served, as far as the limit goes. */
	ask(UNSUB("NSE_EQ|1"), "unsubscribed");
	check_str(ask(SUB(ATM), "subscribed"), "");
	check_i64(interest->tops[WANT_LTPC], 2);
}

/* Of names that are none a command has so many looked up, whatever it holds. */
static void test_looks_are_limited(void **state)
{
	struct buf b = {0};
	cJSON *json, *results;

	(void)state;
	t.stream->deps.cfg =
		&(struct stream_config){.max_subscriptions = 5000, .commands_per_s = 1000};
	buf_str(&b, "{\"action\":\"subscribe\",\"instruments\":[\"NSE_EQ|1\"");
	for (int i = 0; i < 2 * LOOKS_MAX; i++)
		buf_printf(&b, ",\"NIFTI:current:%d\"", i);
	buf_str(&b, ",\"NSE_EQ|2\"]}");
	looks = 0;
	json = viewer_ask(&v, buf_cstr(&b), "subscription_update");
	results = cJSON_GetObjectItemCaseSensitive(json, "results");
	check_i64(looks, LOOKS_MAX);
	check_str(member_str(cJSON_GetArrayItem(results, LOOKS_MAX), "status"),
		  "unknown_underlying");
	check_str(member_str(cJSON_GetArrayItem(results, LOOKS_MAX + 1), "status"), "over_limit");
	check_str(member_str(cJSON_GetArrayItem(results, 2 * LOOKS_MAX + 1), "status"),
		  "subscribed");
	cJSON_Delete(json);
	/* The next one has as many again. */
	ask(SUB("NIFTI:current:ATM"), "unknown_underlying");
	t.stream->deps.cfg = &t.cfg;
	buf_fini(&b);
}

static void tick_on(void *clock)
{
	clock_advance(clock, 1);
}

static unsigned followed(void)
{
	const struct client *c = theatre_client(&t);
	unsigned n = 0;

	for (uint32_t i = 0; i < c->selected_n; i++)
		n += c->selected[i].version == c->selected[i].selection->version;
	return n;
}

/* One client with many texts holds no turn of the loop for all of them. */
static void test_one_after_the_other(void **state)
{
	(void)state;
	ask(SUB("NIFTY:monthly:1"), "subscribed");
	ask(SUB("NIFTY:monthly:2"), "subscribed");
	ask(SUB("NIFTY:monthly:3"), "subscribed");
	/* From here on each change of what is asked for takes a millisecond. */
	clock_init_manual(&t.rig.clock, CLOCK_SYSTEM, clock_wall_ms(&t.rig.clock));
	t.rig.clock.manual_mono = t.stream->selections_looked + 2 * NS_PER_S;
	t.market.interest.on_change = tick_on;
	t.market.interest.arg = &t.rig.clock;
	money = 105;
	selections_sweep(t.stream);
	for (unsigned i = 1; i <= 3; i++) {
		bitset_clear(&t.market.interest.changed);
		selections_work(&t.stream->following);
		check_i64(followed(), i);
	}
	t.market.interest.on_change = NULL;
	clock_init(&t.rig.clock, CLOCK_SYSTEM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_brings),
		TEST(test_follows),
		TEST(test_own_stays),
		TEST(test_overlap),
		TEST(test_waits_for_a_price),
		TEST(test_mode),
		TEST(test_limit),
		TEST(test_no_resume),
		TEST(test_no_places),
		TEST(test_shared),
		TEST(test_intervals),
		TEST(test_money_is_limited),
		TEST(test_room_comes),
		TEST(test_brokers_room_comes),
		TEST(test_many),
		TEST(test_looks_are_limited),
		TEST(test_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
