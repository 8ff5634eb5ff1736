/* SPDX-License-Identifier: MIT
 *
 * The simulated exchange over real sockets: its HTTP side, its handshake, and what a subscription
 * gives. Tape and faults are in test_sim_tape.c.
 */
#include "../lib/check.h"
#include "../lib/exchange.h"
#include "../lib/recording.h"

#include <stdio.h>

#include <zlib.h>
#include <cjson/cJSON.h>

#include "core/json.h"

#define NIFTY "NSE_INDEX|Nifty 50"
#define TCS   "NSE_EQ|INE467B01029"

/* A minute of the market in 1.2 s. */
static const char *const model[] = {"start=2026-11-20T09:15:00", "speed=50", "token=secret", NULL};

static void test_http(void **state)
{
	static const char bad_token[] =
		"{\"status\":\"error\",\"errors\":[{\"errorCode\":\"UDAPI100050\",\"message\":"
		"\"Invalid token used to access API\",\"propertyPath\":null,\"invalidValue\":null,"
		"\"error_code\":\"UDAPI100050\",\"property_path\":null,\"invalid_value\":null}]}";
	struct exchange x;
	struct exchange_reply r = {0};

	(void)state;
	exchange_up(&x, model);
	exchange_call(&x, "GET", "/v3/feed/market-data-feed/authorize", "wrong", &r);
	check_i64(r.status, 401);
	check_str(r.body.data, bad_token);
	exchange_call(&x, "GET", "/v3/feed/market-data-feed/authorize", "", &r);
	check_i64(r.status, 401);
	exchange_call(&x, "GET", "/v3/feed/market-data-feed/authorize", "secret", &r);
	check_i64(r.status, 200);
	check(strstr(r.body.data, "\"authorized_redirect_uri\":\"ws://127.0.0.1:") != NULL);
	check(strstr(r.body.data, "\"authorizedRedirectUri\":\"ws://127.0.0.1:") != NULL);
	exchange_call(&x, "GET", "/v3/feed/market-data-feed", "secret", &r);
	check_i64(r.status, 302);
	check(strncmp(r.location, "ws://127.0.0.1:", 15) == 0);
	exchange_call(&x, "GET", "/v2/user/profile", "secret", &r);
	check_i64(r.status, 200);
	exchange_call(&x, "GET", "/v2/user/profile", "wrong", &r);
	check_i64(r.status, 401);
	exchange_call(&x, "GET", "/accounts/agnidata001/token", "", &r);
	check_i64(r.status, 200);
	check(strstr(r.body.data, "{\"success\":true,\"access_token\":\"secret\"") != NULL);
	check(strstr(r.body.data, "T03:30:00.000+05:30\",\"account_id\":\"agnidata001\"}") != NULL);
	exchange_call(&x, "GET", "/v2/nothing/here", "secret", &r);
	check_i64(r.status, 404);
	check(strstr(r.body.data, "UDAPI100060") != NULL);
	exchange_call(&x, "POST", "/sim/fault?kind=earthquake", "", &r);
	check_i64(r.status, 400);
	buf_fini(&r.body);
	exchange_down(&x);
}

static void test_master(void **state)
{
	struct exchange x;
	struct exchange_reply plain = {0}, packed = {0};
	struct agni_err err;
	char *out = calloc(1, 1 << 20);
	z_stream z = {0};
	cJSON *json;

	(void)state;
	exchange_up(&x, model);
	exchange_call(&x, "GET", "/market-quote/instruments/exchange/NSE.json", "", &plain);
	check_i64(plain.status, 200);
	json = json_parse(plain.body.data, plain.body.len, &err);
	check_i64(cJSON_GetArraySize(json), 41);
	cJSON_Delete(json);
	exchange_call(&x, "GET", "/market-quote/instruments/exchange/NSE.json.gz", "", &packed);
	check_i64(packed.status, 200);
	check_str(packed.type, "application/gzip");
	z.next_in = (Bytef *)packed.body.data;
	z.avail_in = (uInt)packed.body.len;
	z.next_out = (Bytef *)out;
	z.avail_out = 1 << 20;
	check_i64(inflateInit2(&z, 15 + 16), Z_OK);
	check_i64(inflate(&z, Z_FINISH), Z_STREAM_END);
	inflateEnd(&z);
	check_i64(z.total_out, plain.body.len);
	check(memcmp(out, plain.body.data, plain.body.len) == 0);
	free(out);
	buf_fini(&plain.body);
	buf_fini(&packed.body);
	exchange_down(&x);
}

static void test_handshake(void **state)
{
	static const char *const settings[] = {"start=2026-11-20T09:15:00", "connections_max=1",
					       "redirect_status=307", NULL};
	struct exchange x;
	struct exchange_reply r = {0};
	struct peer a, b;
	char uri[1024];

	(void)state;
	exchange_up(&x, settings);
	exchange_call(&x, "GET", "/v3/feed/market-data-feed", NULL, &r);
	check_i64(r.status, 307);
	peer_connect(&x, &a, r.location);
	check(a.is_open);
	/* The same code again; one connection too many; no code; another path. */
	peer_connect(&x, &b, r.location);
	check_i64(b.refused_status, 401);
	exchange_uri(&x, uri, sizeof(uri));
	peer_connect(&x, &b, uri);
	check_i64(b.refused_status, 403);
	*strchr(uri, '?') = '\0';
	peer_connect(&x, &b, uri);
	check_i64(b.refused_status, 401);
	snprintf(uri, sizeof(uri), "ws://127.0.0.1:%d/elsewhere", sim_feed_port(x.sim));
	peer_connect(&x, &b, uri);
	check_i64(b.refused_status, 404);
	peer_fini(&x, &a);
	/* The place is free again. */
	peer_open(&x, &a);
	peer_fini(&x, &a);
	peer_fini(&x, &b);
	buf_fini(&r.body);
	exchange_down(&x);
}

/* A code is good for a minute. */
static void test_expiry(void **state)
{
	struct exchange x;
	struct peer p;
	char in_time[1024], late[1024];

	(void)state;
	exchange_up(&x, model);
	exchange_uri(&x, in_time, sizeof(in_time));
	exchange_uri(&x, late, sizeof(late));
	/* Time stands still from here on, a little short of a minute later. */
	x.clock.manual_mono = clock_mono(&x.clock) + 50 * NS_PER_S;
	x.clock.manual_wall_ms = clock_wall_ms(&x.clock) + 50000;
	x.clock.is_manual = true;
	peer_connect(&x, &p, in_time);
	check(p.is_open);
	peer_fini(&x, &p);
	clock_advance(&x.clock, 10000);
	peer_connect(&x, &p, late);
	check_i64(p.refused_status, 401);
	peer_fini(&x, &p);
	peer_open(&x, &p);
	peer_fini(&x, &p);
	exchange_down(&x);
}

/* Whether a ping stands among the frames that came so far; all of them are short. */
static bool has_ping(void *arg)
{
	struct lazy *l = arg;
	const uint8_t *b, *end;

	check(lazy_read(l));
	b = memmem(l->in.data, l->in.len, "\r\n\r\n", 4);
	end = (const uint8_t *)l->in.data + l->in.len;
	for (b = b ? b + 4 : end; end - b >= 4;
	     b += b[1] < 126 ? 2 + b[1] : 4 + (b[2] << 8 | b[3])) {
		if (b[0] == 0x89)
			return true;
	}
	return end - b >= 2 && b[0] == 0x89;
}

/* A standard ping where there is nothing to say. (The socket asks for keys that nobody lists.) */
static void test_ping(void **state)
{
	static const char *const settings[] = {"start=2026-11-20T09:15:00", "ping_s=1", NULL};
	struct exchange x;
	struct lazy l;

	(void)state;
	exchange_up(&x, settings);
	lazy_open(&x, &l);
	exchange_run(&x, has_ping, &l);
	lazy_close(&l);
	exchange_down(&x);
}

/* --- subscriptions --------------------------------------------------------------------------- */

struct expected {
	uint32_t keys;
	enum feed_arm arm;
	enum request_mode mode;
};

static void check_snapshot(const struct peer *p, uint32_t i, const struct expected *e)
{
	struct feed_frame f = {0};
	struct tick t;

	peer_frame(p, i, &f);
	check_i64(f.type, FEED_INITIAL);
	check_i64(feed_frame_count(&f), e->keys);
	while (feed_frame_next(&f, &t)) {
		check_i64(t.q.arm, e->arm);
		check_i64(t.q.mode, e->mode);
		check(t.q.present & QUOTE_LTP);
	}
	feed_frame_fini(&f);
}

/* The first snapshot at or after message `from`. */
static uint32_t find_snapshot(struct exchange *x, struct peer *p, uint32_t from)
{
	const uint64_t end = uv_hrtime() + EXCHANGE_DEADLINE_MS * NS_PER_MS;
	struct feed_frame f = {0};

	for (;; from++) {
		if (uv_hrtime() > end)
			fail_msg("no snapshot within %d ms", EXCHANGE_DEADLINE_MS);
		peer_wait(x, p, from + 1);
		peer_frame(p, from, &f);
		if (f.type == FEED_INITIAL)
			break;
	}
	feed_frame_fini(&f);
	return from;
}

static void count_segment(void *arg, const char *segment, size_t len, int status)
{
	(void)segment;
	(void)len;
	check_i64(status, STATUS_NORMAL_OPEN);
	++*(int *)arg;
}

static void test_modes(void **state)
{
	static const char *const one[] = {TCS}, *const index[] = {NIFTY};
	static const char *const odd[] = {"NSE_EQ|NOBODY", TCS, TCS};
	struct exchange x;
	struct peer p;
	struct feed_frame f = {0};
	int segments = 0;
	uint32_t at;

	(void)state;
	exchange_up(&x, model);
	peer_open(&x, &p);
	/* market_info comes by itself, and nothing else before a subscription. */
	peer_wait(&x, &p, 1);
	exchange_run_ms(&x, 100);
	check_i64(p.n, 1);
	peer_frame(&p, 0, &f);
	check_i64(f.type, FEED_MARKET_INFO);
	feed_info_each(&f, count_segment, &segments);
	check_i64(segments, 3);
	feed_frame_fini(&f);

	peer_request(&p, CONTROL_SUB, MODE_LTPC, odd, 3);
	at = find_snapshot(&x, &p, 1);
	peer_frame(&p, at, &f);
	check_i64(f.entries_n, 1); /* asked for twice, there once: it is a map */
	feed_frame_fini(&f);
	check_snapshot(&p, at, &(struct expected){1, ARM_LTPC, MODE_LTPC});
	peer_wait(&x, &p, at + 3);
	peer_request(&p, CONTROL_SUB, MODE_OPTION_GREEKS, one, 1); /* moves the key */
	at = find_snapshot(&x, &p, at + 1);
	check_snapshot(&p, at, &(struct expected){1, ARM_FIRST_LEVEL, MODE_OPTION_GREEKS});
	peer_request(&p, CONTROL_CHANGE_MODE, MODE_FULL_D5, one, 1);
	at = find_snapshot(&x, &p, at + 1);
	check_snapshot(&p, at, &(struct expected){1, ARM_MARKET, MODE_FULL_D5});
	peer_request(&p, CONTROL_SUB, MODE_FULL_D5, index, 1);
	at = find_snapshot(&x, &p, at + 1);
	check_snapshot(&p, at, &(struct expected){1, ARM_INDEX, MODE_FULL_D5});
	peer_fini(&x, &p);
	exchange_down(&x);
}

/* The levels of the book that a snapshot of `mode` shows. */
static uint32_t levels_of(struct exchange *x, struct peer *p, enum request_mode mode, uint32_t *at)
{
	static const char *const one[] = {TCS};
	struct feed_frame f = {0};
	struct tick t;

	peer_request(p, CONTROL_SUB, mode, one, 1);
	*at = find_snapshot(x, p, *at);
	check_snapshot(p, *at, &(struct expected){1, ARM_MARKET, mode});
	peer_frame(p, (*at)++, &f);
	check(feed_frame_next(&f, &t));
	feed_frame_fini(&f);
	return t.q.depth_n;
}

/* With Plus: thirty levels, and back to five. */
static void test_plus(void **state)
{
	static const char *const plus[] = {"start=2026-11-20T09:15:00", "plus=on", NULL};
	struct exchange x;
	struct peer p;
	uint32_t at = 1;

	(void)state;
	exchange_up(&x, plus);
	peer_open(&x, &p);
	check_i64(levels_of(&x, &p, MODE_FULL_D5, &at), 5);
	check_i64(levels_of(&x, &p, MODE_FULL_D30, &at), 30);
	check_i64(levels_of(&x, &p, MODE_FULL_D5, &at), 5);
	peer_fini(&x, &p);
	exchange_down(&x);
}

/* What must change nothing: text, junk, full_d30 without Plus, a mode for a key not subscribed. */
static void test_ignored(void **state)
{
	static const char *const one[] = {TCS};
	static const char sub[] = "{\"guid\":\"1\",\"method\":\"sub\",\"data\":{\"mode\":\"ltpc\","
				  "\"instrumentKeys\":[\"" TCS "\"]}}";
	static const char unknown[] = "{\"guid\":\"1\",\"method\":\"sub\",\"data\":{\"mode\":"
				      "\"full_d5\",\"instrumentKeys\":[\"" TCS "\"]}}";
	struct exchange x;
	struct peer p;
	uint32_t n;

	(void)state;
	exchange_up(&x, model);
	peer_open(&x, &p);
	ws_conn_send_message(p.conn, WS_TEXT, sub, sizeof(sub) - 1);
	ws_conn_send_message(p.conn, WS_BINARY, unknown, sizeof(unknown) - 1);
	ws_conn_send_message(p.conn, WS_BINARY, "{]", 2);
	peer_request(&p, CONTROL_SUB, MODE_FULL_D30, one, 1);
	peer_request(&p, CONTROL_CHANGE_MODE, MODE_FULL_D5, one, 1);
	exchange_run_ms(&x, 200);
	check(p.conn != NULL);
	check_i64(p.n, 1);
	/* The same without the text frame's opcode is heard; unsub ends it. */
	ws_conn_send_message(p.conn, WS_BINARY, sub, sizeof(sub) - 1);
	peer_wait(&x, &p, 4);
	peer_request(&p, CONTROL_UNSUB, MODE_LTPC, one, 1);
	exchange_run_ms(&x, 100);
	n = p.n;
	exchange_run_ms(&x, 200);
	check_i64(p.n, n);
	peer_fini(&x, &p);
	exchange_down(&x);
}

static uint32_t subscribe_all(struct exchange *x, struct peer *p)
{
	struct exchange_reply r = {0};
	struct agni_err err;
	const char *keys[64];
	uint32_t n = 0;
	cJSON *json, *row;

	exchange_call(x, "GET", "/market-quote/instruments/exchange/NSE.json", "", &r);
	json = json_parse(r.body.data, r.body.len, &err);
	cJSON_ArrayForEach (row, json)
		keys[n++] = json_string(row, "instrument_key");
	peer_request(p, CONTROL_SUB, MODE_FULL_D5, keys, n);
	cJSON_Delete(json);
	buf_fini(&r.body);
	return n;
}

static void test_limits(void **state)
{
	static const char *const settings[] = {"start=2026-11-20T09:15:00", "full_max=10",
					       "snapshot_split=4", NULL};
	struct exchange x;
	struct peer p;
	struct feed_frame f = {0};
	uint32_t keys = 0;

	(void)state;
	exchange_up(&x, settings);
	peer_open(&x, &p);
	check_i64(subscribe_all(&x, &p), 41);
	/* 4 + 4 + 2 keys: the rest is beyond the limit, in silence. */
	peer_wait(&x, &p, 4);
	for (uint32_t i = 1; i < 4; i++) {
		peer_frame(&p, i, &f);
		check_i64(f.type, FEED_INITIAL);
		keys += feed_frame_count(&f);
	}
	check_i64(keys, 10);
	feed_frame_fini(&f);
	peer_fini(&x, &p);
	exchange_down(&x);
}

/* A key that is asked for again, or moved, takes its place once, and gives it back once. */
static void test_places(void **state)
{
	static const char *const settings[] = {"start=2026-11-20T09:15:00", "full_max=1",
					       "ltpc_max=1", "ltpc_mixed_max=0", NULL};
	static const char *const one[] = {TCS}, *const other[] = {NIFTY};
	struct exchange x;
	struct peer p;
	uint32_t at = 1;

	(void)state;
	exchange_up(&x, settings);
	peer_open(&x, &p);
	for (int i = 0; i < 3; i++) {
		peer_request(&p, CONTROL_SUB, MODE_FULL_D5, one, 1);
		at = find_snapshot(&x, &p, at) + 1;
		peer_request(&p, CONTROL_SUB, MODE_LTPC, one, 1);
		at = find_snapshot(&x, &p, at) + 1;
	}
	peer_request(&p, CONTROL_UNSUB, MODE_LTPC, one, 1);
	/* Beside another mode there is no place in ltpc. */
	peer_request(&p, CONTROL_SUB, MODE_FULL_D5, other, 1);
	at = find_snapshot(&x, &p, at);
	check_snapshot(&p, at++, &(struct expected){1, ARM_INDEX, MODE_FULL_D5});
	peer_request(&p, CONTROL_SUB, MODE_LTPC, one, 1);
	peer_request(&p, CONTROL_SUB, MODE_FULL_D5, one, 1); /* and full is full */
	peer_request(&p, CONTROL_SUB, MODE_FULL_D5, other, 1);
	at = find_snapshot(&x, &p, at);
	check_snapshot(&p, at, &(struct expected){1, ARM_INDEX, MODE_FULL_D5});
	peer_fini(&x, &p);
	exchange_down(&x);
}

struct day_watch {
	struct peer *peer;
	uint32_t at;
	int closed, opened, states;
};

static void note_status(void *arg, const char *segment, size_t len, int status)
{
	struct day_watch *w = arg;

	(void)segment;
	(void)len;
	w->closed += status == STATUS_NORMAL_CLOSE;
	w->opened += status == STATUS_NORMAL_OPEN && w->closed;
}

static bool has_reopened(void *arg)
{
	struct day_watch *w = arg;
	struct feed_frame f = {0};

	for (; w->at < w->peer->n; w->at++) {
		peer_frame(w->peer, w->at, &f);
		feed_info_each(&f, note_status, w);
		if (w->closed && !w->opened)
			check_i64(f.type, FEED_MARKET_INFO); /* nothing ticks in the night */
		w->states += w->opened && f.type == FEED_INITIAL;
	}
	feed_frame_fini(&f);
	return w->states > 0;
}

/* Over the close of an expiry day into the next morning. */
static void test_night(void **state)
{
	static const char *const settings[] = {"start=2026-02-03T15:29:50", "speed=20", NULL};
	struct exchange x;
	struct peer p;
	struct day_watch w = {.peer = &p};
	struct exchange_reply r = {0};

	(void)state;
	exchange_up(&x, settings);
	peer_open(&x, &p);
	subscribe_all(&x, &p);
	exchange_run(&x, has_reopened, &w);
	check_i64(w.closed, 3);
	check_i64(w.opened, 3);
	exchange_call(&x, "GET", "/market-quote/instruments/exchange/NSE.json", "", &r);
	check(strstr(r.body.data, "CE 10 FEB 26") != NULL);
	check(strstr(r.body.data, "CE 03 FEB 26") == NULL);
	buf_fini(&r.body);
	peer_fini(&x, &p);
	exchange_down(&x);
}

static void test_stop_with_sessions(void **state)
{
	struct exchange x;
	struct peer a, b;

	(void)state;
	exchange_up(&x, model);
	peer_open(&x, &a);
	peer_open(&x, &b);
	subscribe_all(&x, &a);
	peer_wait(&x, &a, 5);
	exchange_stop(&x);
	peer_wait_close(&x, &a);
	peer_wait_close(&x, &b);
	check_i64(a.close_code, 1001);
	check_i64(b.close_code, 1001);
	peer_fini(&x, &a);
	peer_fini(&x, &b);
	exchange_down(&x);
}

static void test_bad_config(void **state)
{
	static const char *const bad[] = {"speed=fast",          "speed=0",
					  "start=tomorrow",      "fault=flood",
					  "redirect_status=304", "source=tape"};
	struct agni_err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct sim_config cfg = {0};
		struct config_section sections[] = {{"sim", sim_config_keys, &cfg, ""}, {0}};
		char line[64];

		config_defaults(sections);
		check_i64(sim_config_check(&cfg, &err), 0);
		snprintf(line, sizeof(line), "sim.%s", bad[i]);
		check_i64(config_set(sections, line, &err), 0);
		check_i64(sim_config_check(&cfg, &err), AGNI_ECONFIG);
		config_fini(sections);
	}
}

/* A start that fails leaves nothing behind; the first exchange does not notice. */
static void test_port_in_use(void **state)
{
	struct exchange x;
	struct peer p;
	struct sim_config cfg;
	struct sim *second;
	struct agni_err err = {0};
	char listen[32];

	(void)state;
	exchange_up(&x, model);
	cfg = x.cfg;
	snprintf(listen, sizeof(listen), "127.0.0.1:%d", sim_http_port(x.sim));
	cfg.listen = listen;
	second = sim_create(&(struct sim_deps){&x.loop, x.ws, &cfg});
	check(sim_module(second)->ops->start(sim_module(second), &err) < 0);
	check(strstr(err.text, listen) != NULL);
	sim_destroy(second);
	peer_open(&x, &p);
	peer_fini(&x, &p);
	exchange_down(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http),       cmocka_unit_test(test_master),
		cmocka_unit_test(test_handshake),  cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_ping),       cmocka_unit_test(test_modes),
		cmocka_unit_test(test_plus),       cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_limits),     cmocka_unit_test(test_places),
		cmocka_unit_test(test_night),      cmocka_unit_test(test_stop_with_sessions),
		cmocka_unit_test(test_bad_config), cmocka_unit_test(test_port_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
