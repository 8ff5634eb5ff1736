/* SPDX-License-Identifier: MIT
 *
 * Every tick, in order: policy all, going on from a seq under both policies, readers that are slow
 * or that memory has left behind, and a new epoch. Here the tape is in memory;
 * test/e2e/test_tape.py has it on the disk.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/viewer.h"

#define KEYS 20

static const char *key_of(int i)
{
	static char key[32];

	snprintf(key, sizeof(key), "NSE_FO|%d", 1000 + i);
	return key;
}

/* The tick's price is its seq: what a reader gets can be judged by itself. */
static void tick(struct theatre *t, int i)
{
	market_ltp(&t->market, key_of(i), (price_t)(t->market.tape.last + 1) * 10000);
}

static void ticks(struct theatre *t, int n)
{
	for (int i = 0; i < n; i++) {
		tick(t, i % KEYS);
		if (i % 7 == 0)
			ws_rig_turn(&t->rig);
	}
	ws_rig_turn(&t->rig);
}

/* Subscribes to the first `n` keys; `more` are further members of the command. */
static void subscribe(struct viewer *v, int n, const char *more)
{
	struct buf b = {0};

	buf_str(&b, "{\"action\":\"subscribe\",\"mode\":\"ltpc\",\"instruments\":[");
	for (int i = 0; i < n; i++)
		buf_printf(&b, "%s\"%s\"", i ? "," : "", key_of(i));
	buf_printf(&b, "]%s}", more);
	cJSON_Delete(viewer_ask(v, buf_cstr(&b), "subscription_update"));
	buf_fini(&b);
}

static void resume(struct viewer *v, int n, const char *policy, uint64_t from_seq)
{
	char more[160];

	snprintf(more, sizeof(more), ",\"policy\":\"%s\",\"from_seq\":%llu,\"epoch\":\"%s\"",
		 policy, (unsigned long long)from_seq, v->theatre->market.tape.epoch);
	subscribe(v, n, more);
}

struct tally {
	uint64_t quotes, snapshots, gap_ticks, gaps;
	uint64_t next; /* seq that has to come; 0 = the first tells */
	uint64_t seq;  /* of the last frame */
};

static void take_data(const cJSON *json, struct tally *sum)
{
	bool is_snapshot = cJSON_IsTrue(cJSON_GetObjectItem(json, "snapshot"));
	const cJSON *it;

	cJSON_ArrayForEach (it, cJSON_GetObjectItem(json, "data")) {
		double seq = member_num(it, "seq");

		check_near(member_num(it, "ltp"), seq, 0);
		if (is_snapshot) {
			sum->snapshots++;
			continue;
		}
		if (sum->next)
			check_i64(seq, sum->next);
		sum->next = (uint64_t)seq + 1;
		sum->quotes++;
	}
	check(member_num(json, "seq") >= (double)sum->seq);
	sum->seq = (uint64_t)member_num(json, "seq");
}

/* Reads until a frame (or a gap) reaches `seq`: every tick of every key, in order, once. */
static void read_up_to(struct viewer *v, uint64_t seq, struct tally *sum)
{
	while (sum->seq < seq) {
		cJSON *json = viewer_hear(v);

		if (strcmp(member_str(json, "type"), "gap") == 0) {
			uint64_t from = (uint64_t)member_num(json, "from_seq"),
				 to = (uint64_t)member_num(json, "to_seq");

			if (sum->next)
				check_i64(from, sum->next);
			check(to >= from);
			check_str(member_str(json, "reason"), "retention");
			sum->next = to + 1;
			sum->gap_ticks += to + 1 - from;
			sum->gaps++;
			sum->seq = to;
		} else {
			check_str(member_str(json, "type"), "market_data");
			take_data(json, sum);
		}
		cJSON_Delete(json);
	}
	check_i64(sum->seq, seq);
}

static void up(struct theatre *t, struct viewer *v)
{
	theatre_up(t);
	theatre_open(t);
	viewer_open(t, v);
}

/* One snapshot, then every tick, also when many fall into one turn. */
static void test_all(void **state)
{
	struct theatre t;
	struct viewer v;
	struct tally sum = {0};

	(void)state;
	up(&t, &v);
	ticks(&t, 30);
	subscribe(&v, KEYS, ",\"policy\":\"all\"");
	read_up_to(&v, 30, &sum);
	check_i64(sum.snapshots, KEYS);
	sum.next = 31;
	ticks(&t, 500);
	read_up_to(&v, 530, &sum);
	check_i64(sum.quotes, 500);
	/* Forty of one instrument in one turn: latest would have sent one. */
	for (int i = 0; i < 40; i++)
		tick(&t, 3);
	read_up_to(&v, 570, &sum);
	check_i64(sum.quotes, 540);
	check_i64(sum.snapshots, KEYS);
	check_i64(sum.gaps, 0);
	check(v.peer->fault == NULL);
	theatre_down(&t);
}

/* Three that share a view, and turns that bring more than a frame holds, or than is encoded at a time: the
 * view falls behind as one, and each still gets every tick once. */
static void test_all_shared(void **state)
{
	struct theatre t;
	struct viewer v[3];
	struct tally sum[3] = {{.next = 1}, {.next = 1}, {.next = 1}};

	(void)state;
	theatre_up(&t);
	tape_fini(&t.market.tape);
	tape_init(&t.market.tape, 4 << 20);
	theatre_open(&t);
	for (int i = 0; i < 3; i++) {
		viewer_open(&t, &v[i]);
		subscribe(&v[i], KEYS, ",\"policy\":\"all\"");
	}
	ws_rig_turn(&t.rig);
	check_i64(module_metric(t.mod, "views"), 1);
	for (int n = 0; n < 12; n++) {
		for (int i = 0; i < (n % 4 ? 30 : 2500); i++)
			tick(&t, i % KEYS);
		for (int i = 0; i < n % 3 + 1; i++)
			ws_rig_turn(&t.rig);
	}
	for (int i = 0; i < 3; i++) {
		read_up_to(&v[i], t.market.tape.seq, &sum[i]);
		check_i64(sum[i].quotes, t.market.tape.seq);
		check_i64(sum[i].gaps, 0);
	}
	for (int i = 0; i < 3; i++)
		check(v[i].peer->fault == NULL);
	theatre_down(&t);
}

/* An instrument without state has no snapshot: its first tick comes as one. */
static void test_all_without_state(void **state)
{
	struct theatre t;
	struct viewer v;
	struct tally sum = {.next = 1};

	(void)state;
	up(&t, &v);
	subscribe(&v, KEYS, ",\"policy\":\"all\"");
	ticks(&t, 25);
	read_up_to(&v, 25, &sum);
	check_i64(sum.quotes, 25);
	check_i64(sum.snapshots, 0);
	theatre_down(&t);
}

/* Away and back: exactly what was missed, then live, without a seam; no snapshot. */
static void test_resume(void **state)
{
	struct theatre t;
	struct viewer v, again;
	struct tally sum = {0}, rest = {.next = 41};

	(void)state;
	up(&t, &v);
	ticks(&t, 40);
	subscribe(&v, KEYS, ",\"policy\":\"all\"");
	read_up_to(&v, 40, &sum);
	ws_peer_hang_up(v.peer);
	ticks(&t, 3000);
	viewer_open(&t, &again);
	resume(&again, KEYS, "all", 40);
	for (int i = 0; i < 200; i++) {
		tick(&t, i % KEYS); /* live ticks fall in while it catches up */
		ws_rig_turn(&t.rig);
	}
	read_up_to(&again, 3240, &rest);
	check_i64(rest.quotes, 3200);
	check_i64(rest.snapshots, 0);
	check_i64(rest.gaps, 0);
	check_i64(module_metric(t.mod, "resumes_total"), 1);
	theatre_down(&t);
}

/* Every seq in turn as the place to go on from. */
static void test_resume_from_each(void **state)
{
	struct theatre t;
	struct viewer v;

	(void)state;
	up(&t, &v);
	ticks(&t, 60);
	for (uint64_t from = 0; from <= 60; from++) {
		struct tally sum = {.next = from + 1};

		viewer_open(&t, &v);
		resume(&v, KEYS, from % 2 ? "all" : "latest", from);
		ticks(&t, 1); /* the live edge moves on each time */
		sum.seq = from;
		read_up_to(&v, 61 + from, &sum);
		check_i64(sum.quotes, 61);
		check_i64(sum.snapshots, 0);
		ws_peer_hang_up(v.peer);
	}
	theatre_down(&t);
}

/* Policy latest catches up tick by tick, then conflates again. */
static void test_resume_latest(void **state)
{
	struct theatre t;
	struct viewer v;
	struct tally sum = {.next = 11};
	cJSON *json;

	(void)state;
	up(&t, &v);
	ticks(&t, 500);
	resume(&v, KEYS, "latest", 10);
	sum.seq = 10;
	read_up_to(&v, 500, &sum);
	check_i64(sum.quotes, 490);
	check_i64(client_count(theatre_client(&t), PACE_TICKS), 0);
	check_i64(client_count(theatre_client(&t), PACE_TURN), KEYS);
	for (int i = 0; i < 5; i++)
		tick(&t, 3);
	json = viewer_hear_type(&v, "market_data");
	check_i64(cJSON_GetArraySize(cJSON_GetObjectItem(json, "data")), 1);
	check_i64(member_num(json, "conflated"), 4);
	check_i64(member_num(json, "seq"), 505);
	cJSON_Delete(json);
	theatre_down(&t);
}

/* More instruments, from an older place, on a connection that flows: each tick once. */
static void test_resume_beside(void **state)
{
	struct theatre t;
	struct viewer v;
	uint64_t had[200] = {0};
	uint64_t seq = 0;

	(void)state;
	up(&t, &v);
	ticks(&t, 60);
	resume(&v, KEYS / 2, "all", 40); /* the first half, from 40 */
	while (seq < 60) {
		cJSON *json = viewer_hear_type(&v, "market_data"), *it;

		cJSON_ArrayForEach (it, cJSON_GetObjectItem(json, "data"))
			had[(int)member_num(it, "seq")]++;
		seq = (uint64_t)member_num(json, "seq");
		cJSON_Delete(json);
	}
	{
		char more[160];

		snprintf(more, sizeof(more),
			 "{\"action\":\"subscribe\",\"mode\":\"ltpc\",\"policy\":\"all\",\"from_"
			 "seq\":20,"
			 "\"epoch\":\"%s\",\"instruments\":[\"%s\"]}",
			 t.market.tape.epoch, key_of(KEYS - 1));
		cJSON_Delete(viewer_ask(&v, more, "subscription_update"));
	}
	ticks(&t, 40);
	for (seq = 0; seq < 100;) {
		cJSON *json = viewer_hear_type(&v, "market_data"), *it;

		cJSON_ArrayForEach (it, cJSON_GetObjectItem(json, "data"))
			had[(int)member_num(it, "seq")]++;
		seq = (uint64_t)member_num(json, "seq");
		cJSON_Delete(json);
	}
	for (int n = 1; n <= 100; n++) {
		int i = (n - 1) % KEYS;
		bool want = (i < KEYS / 2 && n > 40) || (i == KEYS - 1 && n > 20);

		if (had[n] != want)
			fail_msg("tick %d came %d times", n, (int)had[n]);
	}
	theatre_down(&t);
}

static void expect_refusal(struct theatre *t, const char *more, const char *reason)
{
	struct viewer v;
	struct tally sum = {0};
	cJSON *json;

	viewer_open(t, &v);
	subscribe(&v, KEYS, more);
	json = viewer_hear_type(&v, "cannot_resume");
	check_str(member_str(json, "reason"), reason);
	check_str(member_str(json, "epoch"), t->market.tape.epoch);
	check_i64(member_num(json, "newest"), t->market.tape.seq);
	check_i64(member_num(json, "floor"), tape_floor(&t->market.tape));
	cJSON_Delete(json);
	read_up_to(&v, t->market.tape.seq, &sum);
	check_i64(sum.snapshots, KEYS);
	check_i64(sum.quotes, 0);
	ws_peer_hang_up(v.peer);
}

static void test_refusals(void **state)
{
	struct theatre t;
	struct viewer v;
	char more[160];

	(void)state;
	up(&t, &v);
	ticks(&t, 40);
	expect_refusal(&t, ",\"from_seq\":3,\"epoch\":\"0123456789abcdef\"", "another_epoch");
	expect_refusal(&t, ",\"from_seq\":3", "another_epoch");
	snprintf(more, sizeof(more), ",\"policy\":\"all\",\"from_seq\":41,\"epoch\":\"%s\"",
		 t.market.tape.epoch);
	expect_refusal(&t, more, "not_yet");
	snprintf(more, sizeof(more), ",\"policy\":\"all\",\"from_seq\":-1,\"epoch\":\"%s\"",
		 t.market.tape.epoch);
	expect_refusal(&t, more, "not_yet");
	while (tape_floor(&t.market.tape) < 3)
		tick(&t, 0);
	ws_rig_turn(&t.rig);
	for (int i = 0; i < KEYS; i++)
		tick(&t, i);
	snprintf(more, sizeof(more), ",\"from_seq\":1,\"epoch\":\"%s\"", t.market.tape.epoch);
	expect_refusal(&t, more, "too_old");
	check_i64(module_metric(t.mod, "cannot_resume_total"), 5);
	theatre_down(&t);
}

static void open_small(struct theatre *t, struct viewer *v)
{
	*v = (struct viewer){.theatre = t};
	v->peer = ws_peer_connect(&t->rig, t->port, 2048);
	ws_peer_request(v->peer, "/ws", "");
	check(ws_peer_wait_head(&t->rig, v->peer));
	cJSON_Delete(viewer_hear_type(v, "connection"));
	cJSON_Delete(viewer_hear_type(v, "status"));
}

/* A reader that does not read costs its cursor's place, and gets every tick when it reads again. */
static void test_slow(void **state)
{
	struct theatre t;
	struct viewer v;
	struct tally sum = {.next = 1};
	struct client *c;

	(void)state;
	theatre_up(&t);
	t.cfg.sndbuf_bytes = 4608;
	theatre_open(&t);
	open_small(&t, &v);
	subscribe(&v, KEYS, ",\"policy\":\"all\"");
	c = theatre_client(&t);
	v.peer->is_deaf = true;
	for (int i = 0; i < 1000 && !c->is_full; i++)
		ticks(&t, 20);
	check(c->is_full);
	ticks(&t, 1000);
	check_i64(c->replies.len, 0);
	check_i64(client_behind(c), 0);
	check(client_lag(c) > 0);
	v.peer->is_deaf = false;
	read_up_to(&v, t.market.tape.seq, &sum);
	check_i64(sum.quotes, t.market.tape.seq);
	check_i64(sum.gaps, 0);
	theatre_down(&t);
}

/* Memory goes on without it: one notice with its bounds, then the rest. */
static void test_gap(void **state)
{
	struct theatre t;
	struct viewer v;
	struct tally sum = {.next = 1};
	struct client *c;

	(void)state;
	theatre_up(&t);
	t.cfg.sndbuf_bytes = 4608;
	theatre_open(&t);
	open_small(&t, &v);
	subscribe(&v, KEYS, ",\"policy\":\"all\"");
	c = theatre_client(&t);
	v.peer->is_deaf = true;
	while (tape_floor(&t.market.tape) <= t.market.tape.seq - client_lag(c) + 100)
		ticks(&t, 100);
	v.peer->is_deaf = false;
	read_up_to(&v, t.market.tape.seq, &sum);
	check_i64(sum.gaps, 1);
	check_i64(sum.quotes + sum.gap_ticks, t.market.tape.seq);
	check_i64(module_metric(t.mod, "gaps_total"), 1);
	ticks(&t, 50);
	read_up_to(&v, t.market.tape.seq, &sum);
	check_i64(sum.gaps, 1);
	theatre_down(&t);
}

/* Told before anything of it is shown; the cursor goes on over it. */
static void test_new_epoch(void **state)
{
	struct theatre t;
	struct viewer v;
	struct tally sum = {.next = 1};
	cJSON *json;

	(void)state;
	up(&t, &v);
	subscribe(&v, KEYS, ",\"policy\":\"all\"");
	ticks(&t, 20);
	read_up_to(&v, 20, &sum);
	snprintf(t.market.tape.epoch, sizeof(t.market.tape.epoch), "00000000deadbeef");
	t.market.tape.epoch_from = 21;
	ticks(&t, 20);
	json = viewer_hear_type(&v, "epoch");
	check_str(member_str(json, "epoch"), "00000000deadbeef");
	check_i64(member_num(json, "from_seq"), 21);
	cJSON_Delete(json);
	read_up_to(&v, 40, &sum);
	check_i64(sum.quotes, 40);
	expect_refusal(&t, ",\"from_seq\":10,\"epoch\":\"00000000deadbeef\"", "too_old");
	theatre_down(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_all_shared),
		cmocka_unit_test(test_all_without_state),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_resume_from_each),
		cmocka_unit_test(test_resume_latest),
		cmocka_unit_test(test_resume_beside),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_new_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
