/* SPDX-License-Identifier: MIT
 *
 * Channels of option chains: what comes at once, what comes after, and what a slow or absent reader costs.
 */
#include <stdio.h>

#include "../lib/chain_desk.h"
#include "../lib/check.h"
#include "../lib/viewer.h"

#define ONE_TEXT 1000 /* bytes, more than a frame has here */

static struct theatre t;
static struct chain_desk d;
static struct viewer v;

static int setup(void **state)
{
	(void)state;
	theatre_up(&t);
	t.cfg.max_subscriptions = 20;
	t.cfg.sndbuf_bytes = 4608;
	chain_desk_init(&d, &t.rig, &t.market);
	d.cfg.chains_max = 30;
	chain_desk_open(&d);
	t.chains = d.chains;
	theatre_open(&t);
	viewer_open(&t, &v);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	module_down(&t.rig, t.mod);
	check_i64(module_metric(chains_module(d.chains), "chains"), 0);
	chain_desk_fini(&d);
	theatre_fini(&t);
	return 0;
}

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

/* The next frame tells of this channel; its data, to be freed with its root. */
static cJSON *hear(const char *channel, cJSON **data)
{
	cJSON *json = viewer_hear_type(&v, "chain");

	check_str(member_str(json, "channel"), channel);
	*data = cJSON_GetObjectItem(json, "data");
	check(cJSON_IsObject(*data));
	return json;
}

static double spot_of(const cJSON *data)
{
	return member_num(cJSON_GetObjectItem(data, "spot"), "ltp");
}

static void test_snapshot_and_changes(void **state)
{
	cJSON *json, *data;

	(void)state;
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	chain_desk_say(&d, chain_desk_key(25200, false), 60, 1000);
	check_str(status_of("subscribe", "chain:NIFTY:current"), "subscribed");
	json = hear("chain:NIFTY", &data);
	check_str(member_str(data, "underlying"), "NIFTY");
	check_str(member_str(data, "expiry"), "2026-01-13");
	check_near(spot_of(data), 25190, 0);
	check_i64(cJSON_GetArraySize(cJSON_GetObjectItem(data, "strikes")), 3);
	cJSON_Delete(json);
	/* The same channel by its other name. */
	check_str(status_of("subscribe", "chain:NIFTY"), "subscribed");
	chain_desk_say(&d, DESK_INDEX, 25191, -1);
	json = hear("chain:NIFTY", &data);
	check_near(spot_of(data), 25191, 0);
	cJSON_Delete(json);
	/* What is in no chain is no news. */
	chain_desk_say(&d, "NSE_EQ|INE002A01018", 1500, -1);
	ws_rig_for(&t.rig, 300);
	check(!viewer_has_news(&v));
	check_str(status_of("unsubscribe", "chain:NIFTY"), "unsubscribed");
	chain_desk_say(&d, DESK_INDEX, 25192, -1);
	ws_rig_for(&t.rig, 300);
	check(!viewer_has_news(&v));
}

static void test_names(void **state)
{
	static const char *const names[] = {
		"chain:",       "chain:NIFTY:soon", "chain::next", "chain:NIFTY:2026-02-30",
		"chains:NIFTY",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		check_str(status_of("subscribe", names[i]), "unknown_channel");
	check_str(status_of("subscribe", "chain:NIFTTY"), "unknown_underlying");
	check_str(status_of("subscribe", "chain:NIFTY:2020-01-07"), "no_expiry");
	check_str(status_of("unsubscribe", "chain:NIFTY"), "not_subscribed");
	check_str(status_of("subscribe", "chain:NSE_INDEX|Nifty 50:2026-01-20"), "subscribed");
	cJSON_Delete(viewer_hear_type(&v, "chain"));
	check_str(status_of("unsubscribe", "chain:NSE_INDEX|Nifty 50:2026-01-20"), "unsubscribed");
}

static unsigned subscribed(const char *const *names, size_t n)
{
	char command[1000] = "{\"action\":\"subscribe\",\"channels\":[";
	unsigned count = 0;
	cJSON *json, *result;

	for (size_t i = 0; i < n; i++) {
		strcat(command, i ? ",\"" : "\"");
		strcat(command, names[i]);
		strcat(command, "\"");
	}
	strcat(command, "]}");
	json = viewer_ask(&v, command, "subscription_update");
	cJSON_ArrayForEach (result, cJSON_GetObjectItem(json, "results"))
		count += strcmp(member_str(result, "status"), "subscribed") == 0;
	check_str(member_str(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "results"), (int)n - 1),
			     "status"),
		  "over_limit");
	cJSON_Delete(json);
	return count;
}

/* Eight chains a client, whatever else it may have. */
static void test_limit(void **state)
{
	static const char *const names[] = {
		"chain:NIFTY",
		"chain:NIFTY:next",
		"chain:NIFTY:monthly",
		"chain:NIFTY:2026-01-13",
		"chain:NIFTY:2026-01-20",
		"chain:NIFTY:2026-01-27",
		"chain:BANKNIFTY:monthly",
		"chain:BANKNIFTY:2026-01-27",
		"chain:BANKNIFTY:current",
	};

	(void)state;
	check_i64(subscribed(names, ARRAY_LEN(names)), 8);
}

/* For good: what the kernel makes room for is filled again. */
static bool is_full(void *arg)
{
	int *times = arg;

	chain_desk_say(&d, DESK_INDEX, 25190 + (double)(t.market.tape.seq % 50) / 10, -1);
	*times = theatre_client(&t)->is_full ? *times + 1 : 0;
	return *times > 300;
}

/* A reader that stopped has at most one state waiting, and then gets the newest. */
static void test_slow(void **state)
{
	struct client *c;
	cJSON *json, *data;
	int between = 0, full = 0;
	double spot;

	(void)state;
	v.peer = ws_peer_connect(&t.rig, t.port, 4096);
	v.next = 0;
	ws_peer_request(v.peer, "/ws", "");
	check(ws_peer_wait_head(&t.rig, v.peer));
	cJSON_Delete(viewer_hear_type(&v, "connection"));
	cJSON_Delete(viewer_hear_type(&v, "status"));
	c = theatre_client(&t);
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	check_str(status_of("subscribe", "chain:NIFTY"), "subscribed");
	json = hear("chain:NIFTY", &data);
	cJSON_Delete(json);
	v.peer->is_deaf = true;
	d.cfg.publish_ms = 1; /* until its socket is full */
	rig_until(&t.rig, is_full, &full);
	d.cfg.publish_ms = 10;
	for (int i = 0; i < 60; i++) {
		chain_desk_say(&d, DESK_INDEX, 25200 + i, -1);
		ws_rig_for(&t.rig, 20);
		check(c->replies.len < 2 * ONE_TEXT);
	}
	v.peer->is_deaf = false;
	do {
		json = hear("chain:NIFTY", &data);
		spot = spot_of(data);
		between += spot >= 25200 && spot < 25259;
		cJSON_Delete(json);
	} while (spot < 25259);
	check(between < 30); /* the kernel still makes room for some */
	ws_rig_for(&t.rig, 300);
	check(!viewer_has_news(&v));
}

/* Two readers of one scope share the chain and what was made of it. */
static void test_shared_text(void **state)
{
	struct viewer other;
	cJSON *json, *data;
	uint64_t published;

	(void)state;
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	check_str(status_of("subscribe", "chain:NIFTY"), "subscribed");
	json = hear("chain:NIFTY", &data);
	cJSON_Delete(json);
	published = module_metric(chains_module(d.chains), "chains_published_total");
	viewer_open(&t, &other);
	cJSON_Delete(viewer_ask(&other,
				"{\"action\":\"subscribe\",\"channels\":[\"chain:nifty 50\"]}",
				"subscription_update"));
	json = viewer_hear_type(&other, "chain");
	check_str(member_str(json, "channel"), "chain:nifty 50");
	check_near(spot_of(cJSON_GetObjectItem(json, "data")), 25190, 0);
	cJSON_Delete(json);
	check_i64(module_metric(chains_module(d.chains), "chains"), 1);
	check_i64(module_metric(chains_module(d.chains), "chains_published_total"),
		  (int64_t)published);
	/* One goes without a word, the other stays. */
	ws_peer_hang_up(other.peer);
	ws_rig_for(&t.rig, 50);
	chain_desk_say(&d, DESK_INDEX, 25191, -1);
	json = hear("chain:NIFTY", &data);
	cJSON_Delete(json);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_snapshot_and_changes),
		TEST(test_names),
		TEST(test_limit),
		TEST(test_slow),
		TEST(test_shared_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
