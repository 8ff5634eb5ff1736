/* SPDX-License-Identifier: MIT
 *
 * Open interest of the previous session from the broker: when it is asked, what counts of its answer.
 */
#include <stdio.h>

#include "../lib/chain_desk.h"
#include "../lib/check.h"
#include "../lib/data.h"
#include "../lib/script.h"
#include "upstox/option_chain.h"

#define ROW(call, put)                                                                             \
	"{\"status\":\"success\",\"data\":[{\"expiry\":\"2026-01-20\",\"call_options\":{"          \
	"\"instrument_key\":\"NSE_FO|204\",\"market_data\":{\"oi\":1,\"prev_oi\":" call            \
	"}},\"put_options\":{\"instrument_key\":\"NSE_FO|205\",\"market_data\":{\"prev_oi\":" put  \
	"}}}]}"

static struct ws_rig r;
static struct market market;
static struct chain_desk d;
static struct script api;
static struct chain_live *chain;

static void up(const struct script_reply *replies, size_t n)
{
	ws_rig_up(&r);
	market_init(&market, &r.loop);
	chain_desk_init(&d, &r, &market);
	script_up(&r, &api, replies, n);
	d.http = http_client_create(&r.loop, NULL);
	d.bearer = "Bearer t";
	snprintf(d.api_url, sizeof(d.api_url), "http://127.0.0.1:%d", api.port);
	chain_desk_open(&d);
}

static void down(void)
{
	chains_close(chain, false);
	chain = NULL;
	chain_desk_fini(&d);
	http_client_down(&r, d.http);
	script_down(&r, &api);
	market_fini(&market);
	ws_rig_down(&r);
}

static void say(const char *ist, const char *key, double ltp, double oi)
{
	chain_desk_at(&d, ist);
	chain_desk_say(&d, key, ltp, oi);
}

static void open_chain(void)
{
	const char *refusal;

	chain = chains_open(d.chains, &(struct chain_wish){.underlying = "NIFTY"}, &refusal);
	check(chain != NULL);
}

static const struct chain_cell *cell(enum option_type side)
{
	return &chain_live_view(chain)->cells[1][side];
}

static bool has_change(void *arg)
{
	(void)arg;
	return chain_live_view(chain) && cell(OPTION_CALL)->has & CELL_OI_CHANGE;
}

static bool is_asked(void *arg)
{
	return api.asked >= *(unsigned *)arg;
}

static void test_asked(void **state)
{
	static const struct script_reply reply[] = {{200, ROW("600", "null"), NULL}};
	unsigned once = 1;

	(void)state;
	up(reply, 1);
	say("2026-01-14T09:14:00", DESK_INDEX, 25190, -1);
	open_chain();
	ws_rig_for(&r, 1200);
	check_i64(api.asked, 0); /* before the open: whose previous session would it be? */
	say("2026-01-14T10:00:00", "NSE_FO|204", 60, 650);
	chain_desk_say(&d, "NSE_FO|205", 70, 900);
	rig_until(&r, is_asked, &once);
	rig_until(&r, has_change, NULL);
	check_i64(cell(OPTION_CALL)->oi_change, 50);
	check_i64(chain_live_view(chain)->legs[1][OPTION_CALL].prev_source, PREV_OI_BROKER);
	check(!(cell(OPTION_PUT)->has & CELL_OI_CHANGE)); /* null is nothing */
	check_str(api.heard[0].authorization, "Bearer t");
	check(strstr(api.heard[0].path, "/v2/option/chain") != NULL);
	ws_rig_for(&r, 2200);
	check_i64(api.asked, 1); /* once a session */
	down();
}

static void test_not_asked(void **state)
{
	static const struct script_reply reply[] = {{500, "{}", NULL}};
	unsigned once = 1;

	(void)state;
	up(reply, 1);
	d.bearer = NULL;
	say("2026-01-14T10:00:00", DESK_INDEX, 25190, -1);
	open_chain();
	ws_rig_for(&r, 1200);
	check_i64(api.asked, 0);
	d.bearer = "Bearer t";
	rig_until(&r, is_asked, &once);
	ws_rig_for(&r, 2200);
	check_i64(api.asked, 1); /* and not again at once when it fails */
	check(!has_change(NULL));
	down();
}

/* A call that is under way when the module stops is given up. */
static void test_stop(void **state)
{
	static const struct script_reply reply[] = {{0, NULL, NULL}};
	unsigned once = 1;

	(void)state;
	up(reply, 1);
	say("2026-01-14T10:00:00", DESK_INDEX, 25190, -1);
	open_chain();
	rig_until(&r, is_asked, &once);
	down();
}

static void count(void *arg, const char *key, int64_t prev_oi)
{
	int64_t *sum = arg;

	check(strlen(key) > 0);
	*sum += prev_oi;
}

static void test_parse(void **state)
{
	static const char odd[] = "{\"data\":[1,null,{\"call_options\":{}}]}";
	static const char *const none[] = {
		"", "[]", "{\"data\":{}}", "{\"status\":\"error\"}", "{\"data\":[",
	};
	int64_t sum = 0;
	struct agni_err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		check_i64(upstox_prev_oi_parse(none[i], strlen(none[i]), count, &sum, &err),
			  AGNI_EPARSE);
	check_i64(upstox_prev_oi_parse(ROW("1500.0", "0"), strlen(ROW("1500.0", "0")), count, &sum,
				       &err),
		  2);
	check_i64(sum, 1500);
	sum = 0;
	check_i64(
		upstox_prev_oi_parse(ROW("-1", "1.5"), strlen(ROW("-1", "1.5")), count, &sum, &err),
		0);
	check_i64(upstox_prev_oi_parse(odd, strlen(odd), count, &sum, &err), 0);
	check_i64(sum, 0);
}

/* What the broker really said once. */
static void test_recorded(void **state)
{
	int64_t sum = 0;
	struct agni_err err;
	size_t len;
	char *text = data_read("chain/upstox_rest_option_chain_20260402.json.gz", &len);

	(void)state;
	if (!text)
		data_skip("chain/upstox_rest_option_chain_20260402.json.gz");
	check_i64(upstox_prev_oi_parse(text, len, count, &sum, &err), 258);
	check(sum > 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked),    cmocka_unit_test(test_not_asked),
		cmocka_unit_test(test_stop),     cmocka_unit_test(test_parse),
		cmocka_unit_test(test_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
