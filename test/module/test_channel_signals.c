/* SPDX-License-Identifier: MIT
 *
 * The channel of signals: in order and once, from where the reader was, with a notice for what is
 * gone; and nothing of what a key may not see.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/keyring.h"
#include "../lib/viewer.h"

/* signals_internal.h has it, and names that the stream's own header has too. */
void signals_fire(struct signals *s, struct signal *signal);

static struct theatre t;
static struct keyring ring;
static struct viewer v;

static void open_theatre(void)
{
	t.signals =
		signals_create(&(struct signals_deps){.loop = &t.rig.loop, .book = &t.market.book});
	theatre_open(&t);
}

static int setup(void **state)
{
	(void)state;
	theatre_up(&t);
	t.cfg.sndbuf_bytes = 4608;
	open_theatre();
	viewer_open(&t, &v);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	theatre_down(&t);
	signals_destroy(t.signals);
	t.signals = NULL;
	return 0;
}

static void fire(const char *key, unsigned outputs)
{
	struct signal s = {.seq = 7,
			   .ts_ms = 1765771490949,
			   .instrument =
				   instruments_intern(&t.market.book.instruments, key, strlen(key)),
			   .side = SIGNAL_SELL,
			   .price = 612.4,
			   .confidence = 0.71,
			   .app = "options",
			   .strategy = "price_change",
			   .rule_version = 1,
			   .outputs = outputs};

	signals_fire(t.signals, &s);
}

/* Of a future, told with the price of its underlying. */
static void fire_future(const char *key, const char *underlying)
{
	struct instruments *all = &t.market.book.instruments;
	struct signal s = {.seq = 7,
			   .ts_ms = 1765771490949,
			   .instrument = instruments_intern(all, key, strlen(key)),
			   .app = "futures",
			   .strategy = "futures_momentum",
			   .outputs = SIGNAL_TO_CHANNEL,
			   .told_from = INST_NONE};

	if (underlying)
		s.told_from = instruments_intern(all, underlying, strlen(underlying));
	signal_add_input(&s, "basis", 41.5);
	signal_add_input(&s, "pressure", 0.5);
	signals_fire(t.signals, &s);
}

static void hear_inputs(const char *want)
{
	cJSON *json = viewer_hear_type(&v, "signal");
	char *have = cJSON_PrintUnformatted(
		cJSON_GetObjectItem(cJSON_GetObjectItem(json, "data"), "inputs"));

	check_str(have, want);
	free(have);
	cJSON_Delete(json);
}

static void fire_many(unsigned n)
{
	while (n--)
		fire("NSE_FO|1", SIGNAL_TO_CHANNEL);
}

static void hear_signal(struct viewer *who, uint64_t id, const char *key)
{
	cJSON *json = viewer_hear_type(who, "signal");
	const cJSON *data = cJSON_GetObjectItem(json, "data");
	struct buf want = {0};
	char *have = cJSON_PrintUnformatted(data);

	check_str(member_str(json, "channel"), "signals");
	check_i64(member_num(data, "id"), id);
	check_str(member_str(data, "key"), key);
	signal_json(&want, signals_at(t.signals, id), &t.market.book.instruments);
	check_str(have, buf_cstr(&want)); /* the object of /signals */
	free(have);
	buf_fini(&want);
	cJSON_Delete(json);
}

static void hear_gap(uint64_t from, uint64_t to, const char *reason)
{
	cJSON *json = viewer_hear_type(&v, "gap");

	check_str(member_str(json, "channel"), "signals");
	check_i64(member_num(json, "from_id"), from);
	check_i64(member_num(json, "to_id"), to);
	check_str(member_str(json, "reason"), reason);
	cJSON_Delete(json);
}

static void ask(const char *more, const char *status)
{
	char command[128];
	cJSON *json;

	snprintf(command, sizeof(command),
		 "{\"action\":\"subscribe\",\"channels\":[\"signals\"]%s}", more);
	json = viewer_ask(&v, command, "subscription_update");
	check_str(member_str(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "results"), 0), "status"),
		  status);
	check(!cJSON_HasObjectItem(json, "mode")); /* that is of instruments */
	cJSON_Delete(json);
}

/* Nothing more comes: what is asked now is answered next. */
static void check_quiet(void)
{
	for (int i = 0; i < 5; i++)
		ws_rig_turn(&t.rig);
	cJSON_Delete(viewer_ask(&v, "{\"action\":\"ping\"}", "pong"));
}

static void test_as_they_come(void **state)
{
	(void)state;
	fire_many(3); /* before: not asked for */
	ask("", "subscribed");
	check_quiet();
	fire("NSE_FO|1", SIGNAL_TO_CHANNEL);
	fire("NSE_FO|2", SIGNAL_TO_CHANNEL | SIGNAL_TO_REDIS);
	hear_signal(&v, 4, "NSE_FO|1");
	hear_signal(&v, 5, "NSE_FO|2");
	fire("NSE_FO|3",
	     SIGNAL_TO_REDIS | SIGNAL_TO_WEBHOOK); /* its app does not name the channel */
	fire("NSE_FO|4", SIGNAL_TO_CHANNEL);
	hear_signal(&v, 7, "NSE_FO|4");
	ask("", "subscribed"); /* has it already */
	check_quiet();
	cJSON_Delete(viewer_ask(&v, "{\"action\":\"unsubscribe\",\"channels\":[\"signals\"]}",
				"subscription_update"));
	fire_many(1);
	check_quiet();
}

static void test_from(void **state)
{
	(void)state;
	fire_many(5);
	ask(",\"from\":2", "subscribed");
	for (uint64_t id = 3; id <= 5; id++)
		hear_signal(&v, id, "NSE_FO|1");
	fire_many(1);
	hear_signal(&v, 6, "NSE_FO|1");
	check_quiet();
}

static void test_from_the_beginning_and_the_end(void **state)
{
	(void)state;
	ask(",\"from\":0", "subscribed"); /* there are none yet */
	check_quiet();
	fire_many(2);
	hear_signal(&v, 1, "NSE_FO|1");
	hear_signal(&v, 2, "NSE_FO|1");
	cJSON_Delete(viewer_ask(&v, "{\"action\":\"unsubscribe\",\"channels\":[\"signals\"]}",
				"subscription_update"));
	ask(",\"from\":2", "subscribed");
	check_quiet();
	fire_many(1);
	hear_signal(&v, 3, "NSE_FO|1");
}

static void test_away_for_too_long(void **state)
{
	(void)state;
	fire_many(SIGNALS_KEPT + 10);
	ask(",\"from\":3", "subscribed");
	hear_gap(4, 10, "too_old");
	for (uint64_t id = 11; id <= SIGNALS_KEPT + 10; id++)
		hear_signal(&v, id, "NSE_FO|1");
	check_quiet();
}

static void test_another_life(void **state)
{
	cJSON *json;

	(void)state;
	fire_many(2);
	ask(",\"from\":1000", "subscribed");
	json = viewer_hear_type(&v, "gap");
	check_str(member_str(json, "reason"), "another_series");
	check_i64(member_num(json, "newest"), 2);
	check(!cJSON_HasObjectItem(json, "from_id") && !cJSON_HasObjectItem(json, "to_id"));
	cJSON_Delete(json);
	fire_many(1);
	hear_signal(&v, 3, "NSE_FO|1");
}

static void test_bad_from(void **state)
{
	static const char *const bad[] = {"-1", "\"2\"", "1.5", "null"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char command[128];
		cJSON *json;

		snprintf(command, sizeof(command),
			 "{\"action\":\"subscribe\",\"channels\":[\"signals\"],\"from\":%s}",
			 bad[i]);
		json = viewer_ask(&v, command, "error");
		check_str(member_str(json, "code"), "bad_request");
		cJSON_Delete(json);
	}
}

static bool is_full(void *arg)
{
	(void)arg;
	return theatre_client(&t)->is_full;
}

/* A reader that does not read costs a number: nothing is queued, and what the ring loses meanwhile is
 * said. */
static void test_slow_reader(void **state)
{
	uint64_t heard = 0, missed = 0, next = 1;

	(void)state;
	ask("", "subscribed");
	v.peer->is_deaf = true;
	for (int i = 0; i < 200 && !is_full(NULL); i++) {
		fire_many(64);
		ws_rig_turn(&t.rig);
	}
	check(is_full(NULL));
	fire_many(3 * SIGNALS_KEPT);
	for (int i = 0; i < 20; i++)
		ws_rig_turn(&t.rig);
	check(theatre_client(&t)->replies.len < 4096);
	v.peer->is_deaf = false;
	while (next <= signals_newest(t.signals)) {
		cJSON *json = viewer_hear(&v);

		if (strcmp(member_str(json, "type"), "gap") == 0) {
			check_str(member_str(json, "reason"), "slow_reader");
			check_i64(member_num(json, "from_id"), next);
			missed += (uint64_t)member_num(json, "to_id") - next + 1;
			next = (uint64_t)member_num(json, "to_id") + 1;
		} else {
			check_i64(member_num(cJSON_GetObjectItem(json, "data"), "id"), next);
			next++;
			heard++;
		}
		cJSON_Delete(json);
	}
	check_i64(heard + missed, signals_newest(t.signals));
	check(missed > 0 && heard >= SIGNALS_KEPT);
}

static void test_scope(void **state)
{
	char key[KEY_TEXT_LEN + 1], header[160];

	(void)state;
	theatre_up(&t);
	keyring_up(&ring, &t.rig);
	keyring_add(&ring, (struct key){.name = "desk", .role = ROLE_VIEWER},
		    "NSE_INDEX|*,NSE_FO|1", key);
	keyring_open(&ring, &t.rig);
	t.auth = ring.auth;
	open_theatre();
	v = (struct viewer){.theatre = &t};
	snprintf(header, sizeof(header), "Authorization: %s\r\n", bearer(key));
	v.peer = ws_peer_open(&t.rig, t.port, "/ws", header);
	cJSON_Delete(viewer_hear_type(&v, "connection"));
	cJSON_Delete(viewer_hear_type(&v, "status"));
	fire("NSE_FO|2", SIGNAL_TO_CHANNEL);
	fire("NSE_INDEX|Nifty 50", SIGNAL_TO_CHANNEL);
	ask(",\"from\":0", "subscribed");
	hear_signal(&v, 2, "NSE_INDEX|Nifty 50");
	fire("NSE_FO|2", SIGNAL_TO_CHANNEL);
	fire("NSE_FO|1", SIGNAL_TO_CHANNEL);
	fire("NSE_FO|12", SIGNAL_TO_CHANNEL);
	hear_signal(&v, 4, "NSE_FO|1");
	/* What is told from another price goes to who may see that one: as far as it is known. */
	fire_future("NSE_FO|1", "NSE_INDEX|Nifty 50");
	hear_inputs("{\"basis\":41.5,\"pressure\":0.5}");
	fire_future("NSE_FO|1", "NSE_EQ|1");
	hear_inputs("{\"pressure\":0.5}");
	fire_future("NSE_FO|1", NULL);
	hear_inputs("{\"pressure\":0.5}");
	check_quiet();
	module_down(&t.rig, t.mod);
	keyring_down(&ring, &t.rig);
	theatre_fini(&t);
	signals_destroy(t.signals);
}

static void test_none(void **state)
{
	(void)state;
	theatre_up(&t);
	t.signals = NULL;
	theatre_open(&t);
	viewer_open(&t, &v);
	ask("", "unknown_channel");
	theatre_down(&t);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_as_they_come),
		WITH(test_from),
		WITH(test_from_the_beginning_and_the_end),
		WITH(test_away_for_too_long),
		WITH(test_another_life),
		WITH(test_bad_from),
		WITH(test_slow_reader),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
