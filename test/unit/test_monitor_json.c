/* SPDX-License-Identifier: MIT
 *
 * test_monitor_json: what scripts get, thinned out by a filter as the screen is.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "cli/monitor_json.h"

static struct monitor_model m;
static struct monitor_ui ui;
static struct buf out;

static void put(enum monitor_kind kind, const char *id, const char *text)
{
	monitor_see(&m, kind, id, strlen(id));
	monitor_swept(&m, kind, false);
	monitor_set_life(&m, kind, 0, 20000, strlen(text), NULL);
	monitor_set_text(&m, kind, 0, text, strlen(text));
}

static int begin(void **state)
{
	static const char signals[] = "{\"key\":\"NSE_FO|7\",\"strategy\":\"momentum\"}";

	(void)state;
	monitor_init(&m);
	monitor_ui_init(&ui, VIEW_QUOTES);
	/* Odd on purpose: spaces, digits that no double has, brackets in strings, arrays before it. */
	put(MONITOR_CHAINS, "NIFTY@2025-10-28",
	    "{ \"name\" : \"]}\\\"\" ,\"of\":[{\"strikes\":[1]}], \"atm\":25800 , \"strikes\" : [ "
	    "{\"strike\":25750,\"call\":{\"x\":[1,2]}} , {\"strike\":25800.0,\"a\":0.10},\n"
	    "{\"strike\":25850,\"put\":null} ],\"end\":1.50}");
	put(MONITOR_FUTURES, "NIFTY",
	    "{\"months\":[{\"symbol\":\"NIFTY FUT 28 OCT 25\"},{\"symbol\":\"NIFTY FUT 25 NOV "
	    "25\"}]}");
	put(MONITOR_CLIENTS, "377c", "{\"key\":\"desk1\"}");
	monitor_signals_begin(&m);
	monitor_signals_add(&m, "2-0", 3, signals, strlen(signals));
	monitor_signals_add(&m, "1-0", 3, "{\"key\":\"NSE_FO|8\"}", 18);
	return 0;
}

static int end(void **state)
{
	(void)state;
	monitor_fini(&m);
	buf_fini(&out);
	return 0;
}

/* From this member on. */
static const char *json(enum monitor_view view, const char *filter, const char *member)
{
	struct monitor_frame f = {.model = &m, .ui = &ui, .where = "", .prefix = "", .why = ""};
	const char *at;

	for (int i = 0; i < MONITOR_VIEWS; i++)
		snprintf(ui.filter[i], sizeof(ui.filter[i]), "%s", filter);
	buf_reset(&out);
	monitor_json(&out, &f, view);
	at = strstr(buf_cstr(&out), member);
	return at ? at : "(no such member)";
}

#define HEAD                                                                                       \
	"\"chains\":[{\"id\":\"NIFTY@2025-10-28\",\"ttl_ms\":20000,\"data\":{ \"name\" : "         \
	"\"]}\\\"\" "                                                                              \
	",\"of\":[{\"strikes\":[1]}], \"atm\":25800 , \"strikes\" : ["
#define LOW  "{\"strike\":25750,\"call\":{\"x\":[1,2]}}"
#define MID  "{\"strike\":25800.0,\"a\":0.10}"
#define HIGH "{\"strike\":25850,\"put\":null}"

static void test_strikes(void **state)
{
	(void)state;
	check_str(json(VIEW_CHAIN, "25800", "\"chains\""), HEAD MID "],\"end\":1.50}}]}\n");
	check_str(json(VIEW_CHAIN, "50", "\"chains\""), HEAD LOW "," HIGH "],\"end\":1.50}}]}\n");
	check_str(json(VIEW_CHAIN, "nifty", "\"chains\""),
		  HEAD LOW "," MID "," HIGH "],\"end\":1.50}}]}\n");
	check_str(json(VIEW_CHAIN, "", "\"chains\""),
		  HEAD " " LOW " , " MID "," HIGH " ],\"end\":1.50}}]}\n");
	check_str(json(VIEW_CHAIN, "2025", "\"chains\""), "\"chains\":[]}\n");
}

static void test_others(void **state)
{
	(void)state;
	check_str(json(VIEW_FUTURES, "nov", "\"data\""),
		  "\"data\":{\"months\":[{\"symbol\":\"NIFTY FUT 25 NOV 25\"}]}}]}\n");
	check_str(json(VIEW_FUTURES, "dec", "\"futures\""), "\"futures\":[]}\n");
	check_str(json(VIEW_CLIENTS, "DESK", "\"data\""), "\"data\":{\"key\":\"desk1\"}}]}\n");
	check_str(json(VIEW_CLIENTS, "desk2", "\"clients\""), "\"clients\":[]}\n");
	check_str(json(VIEW_SIGNALS, "|8", "\"signals\""),
		  "\"signals\":[{\"id\":\"1-0\",\"data\":{\"key\":\"NSE_FO|8\"}}]}\n");
	/* All kinds: one filter for all of them. */
	check_str(json(MONITOR_VIEWS, "momentum", "\"chains\""),
		  "\"chains\":[],\"futures\":[],\"clients\":[],\"signals\":[{\"id\":\"2-0\","
		  "\"data\":{"
		  "\"key\":\"NSE_FO|7\",\"strategy\":\"momentum\"}}]}\n");
}

/* A document that is not what its key says is handed on as it is, or left out. */
static void test_odd_documents(void **state)
{
	static const char *const odd[] = {"{\"strikes\":{\"strike\":25800}}", "{\"a\":1}", "{}",
					  "{\"strikes\":\"25800\"}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		put(MONITOR_CHAINS, "NIFTY@2025-10-28", odd[i]);
		check_str(json(VIEW_CHAIN, "25800", "\"chains\""), "\"chains\":[]}\n");
		check(strstr(json(VIEW_CHAIN, "nifty", "\"data\""), odd[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_strikes, begin, end),
		cmocka_unit_test_setup_teardown(test_others, begin, end),
		cmocka_unit_test_setup_teardown(test_odd_documents, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
