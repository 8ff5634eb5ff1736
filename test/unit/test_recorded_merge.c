/* SPDX-License-Identifier: MIT
 *
 * test_recorded_merge: recorded messages of the broker, decoded and merged twice: by our scanner
 * and book from the bytes, and here, by the rules of the feed, from the JSON that was recorded
 * beside them. Every field of every slot has to agree after every message.
 *
 * The second merge keeps cJSON objects: a part that is absent stays, depth and bars are replaced,
 * an empty optionGreeks keeps the old ones, a scalar that is absent (proto3: zero) was not sent.
 */
#include <math.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "../lib/check.h"
#include "../lib/data.h"
#include "market/book.h"
#include "upstox/frame.h"

/* --- the other merge -------------------------------------------------------------------------- */

/* Puts a copy of every member of `from` into `into`, over what has the same name. */
static void put_all(cJSON *into, const cJSON *from)
{
	const cJSON *it;

	cJSON_ArrayForEach (it, from) {
		cJSON_DeleteItemFromObjectCaseSensitive(into, it->string);
		cJSON_AddItemToObject(into, it->string, cJSON_Duplicate(it, true));
	}
}

static cJSON *part(cJSON *state, const char *name)
{
	cJSON *p = cJSON_GetObjectItemCaseSensitive(state, name);

	return p ? p : cJSON_AddObjectToObject(state, name);
}

static void merge_bars(cJSON *state, const cJSON *ohlc)
{
	cJSON *bars = part(state, "bars");
	const cJSON *bar, *interval;

	cJSON_ArrayForEach (bar, ohlc) {
		interval = cJSON_GetObjectItemCaseSensitive(bar, "interval");
		if (!interval)
			continue; /* padding */
		cJSON_DeleteItemFromObjectCaseSensitive(bars, interval->valuestring);
		cJSON_AddItemToObject(bars, interval->valuestring, cJSON_Duplicate(bar, true));
	}
}

/* One arm's content, {"ltpc":{},"marketLevel":{},...,"atp":1}, into the state. */
static void merge_arm(cJSON *state, const cJSON *arm)
{
	const cJSON *it, *rows;

	cJSON_ArrayForEach (it, arm) {
		if (strcmp(it->string, "marketOHLC") == 0) {
			merge_bars(state, cJSON_GetObjectItemCaseSensitive(it, "ohlc"));
		} else if (strcmp(it->string, "marketLevel") == 0) {
			rows = cJSON_GetObjectItemCaseSensitive(it, "bidAskQuote");
			cJSON_DeleteItemFromObjectCaseSensitive(state, "depth");
			cJSON_AddItemToObject(state, "depth",
					      rows ? cJSON_Duplicate(rows, true)
						   : cJSON_CreateArray());
		} else if (cJSON_IsObject(it)) {
			put_all(part(state, it->string), it); /* ltpc, optionGreeks */
		} else {
			cJSON_DeleteItemFromObjectCaseSensitive(state, it->string);
			cJSON_AddItemToObject(state, it->string, cJSON_Duplicate(it, true));
		}
	}
}

/* Each message of the file has an arm under fullFeed. */
static void merge_message(cJSON *states, const cJSON *message)
{
	const cJSON *type = cJSON_GetObjectItemCaseSensitive(message, "type");
	const cJSON *feed;

	cJSON_ArrayForEach (feed, cJSON_GetObjectItemCaseSensitive(message, "feeds")) {
		const cJSON *full = cJSON_GetObjectItemCaseSensitive(feed, "fullFeed");

		if (!type) /* a snapshot: its type is zero, so absent */
			cJSON_DeleteItemFromObjectCaseSensitive(states, feed->string);
		check(cJSON_GetArraySize(full) == 1);
		merge_arm(part(states, feed->string), full->child);
	}
}

/* --- the comparison --------------------------------------------------------------------------- */

static unsigned compared; /* values */

/* int64 is a string in the recording, a double a number. */
static double number(const cJSON *v)
{
	return cJSON_IsString(v) ? strtod(v->valuestring, NULL) : v->valuedouble;
}

static void same(const cJSON *holder, const char *name, bool is_present, double have)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(holder, name);

	compared++;
	if ((v && number(v) != 0) != is_present)
		fail_msg("%s: the book says it is %s", name, is_present ? "present" : "absent");
	if (is_present && number(v) != have)
		fail_msg("%s: the book has %.17g, the recording %.17g", name, have, number(v));
}

static void same_price(const cJSON *holder, const char *name, bool is_present, price_t p)
{
	same(holder, name, is_present, price_to_double(p));
}

/* A row's zeros are values, and absent in the recording. */
static void same_cell(const cJSON *row, const char *name, double have)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, name);

	compared++;
	if ((v ? number(v) : 0) != have)
		fail_msg("%s: the book has %.17g", name, have);
}

static void same_depth(const cJSON *rows, const struct quote *q)
{
	const cJSON *row;
	unsigned i = 0;

	check_i64(rows != NULL, (q->present & QUOTE_DEPTH) != 0);
	check_i64(cJSON_GetArraySize(rows), q->depth_n);
	cJSON_ArrayForEach (row, rows) {
		same_cell(row, "bidQ", (double)q->depth[i].bid_qty);
		same_cell(row, "bidP", price_to_double(q->depth[i].bid));
		same_cell(row, "askQ", (double)q->depth[i].ask_qty);
		same_cell(row, "askP", price_to_double(q->depth[i].ask));
		i++;
	}
}

static const struct bar *bar_find(const struct quote *q, const char *interval)
{
	for (unsigned i = 0; i < q->bars_n; i++) {
		if (strcmp(q->bars[i].interval, interval) == 0)
			return &q->bars[i];
	}
	fail_msg("the book has no bar \"%s\"", interval);
	return NULL;
}

static void same_bars(const cJSON *bars, const struct quote *q)
{
	const cJSON *it;

	check_i64(cJSON_GetArraySize(bars), q->bars_n);
	cJSON_ArrayForEach (it, bars) {
		const struct bar *b = bar_find(q, it->string);

		same_price(it, "open", b->present & BAR_OPEN, b->open);
		same_price(it, "high", b->present & BAR_HIGH, b->high);
		same_price(it, "low", b->present & BAR_LOW, b->low);
		same_price(it, "close", b->present & BAR_CLOSE, b->close);
		same(it, "vol", b->present & BAR_VOL, (double)b->vol);
		same(it, "ts", b->present & BAR_TS, (double)b->ts_ms);
	}
}

static void same_slot(cJSON *state, const struct quote *q)
{
	const cJSON *ltpc = part(state, "ltpc"), *greeks = part(state, "optionGreeks");
	uint32_t p = q->present;

	same_price(ltpc, "ltp", p & QUOTE_LTP, q->ltp);
	same(ltpc, "ltt", p & QUOTE_LTT, (double)q->ltt);
	same(ltpc, "ltq", p & QUOTE_LTQ, (double)q->ltq);
	same_price(ltpc, "cp", p & QUOTE_CP, q->cp);
	same(greeks, "delta", p & QUOTE_DELTA, q->delta);
	same(greeks, "theta", p & QUOTE_THETA, q->theta);
	same(greeks, "gamma", p & QUOTE_GAMMA, q->gamma);
	same(greeks, "vega", p & QUOTE_VEGA, q->vega);
	same(greeks, "rho", p & QUOTE_RHO, q->rho);
	same_price(state, "atp", p & QUOTE_ATP, q->atp);
	same(state, "vtt", p & QUOTE_VTT, (double)q->vtt);
	same(state, "oi", p & QUOTE_OI, q->oi);
	same(state, "iv", p & QUOTE_IV, q->iv);
	same(state, "tbq", p & QUOTE_TBQ, q->tbq);
	same(state, "tsq", p & QUOTE_TSQ, q->tsq);
	check(!(p & (QUOTE_IEP | QUOTE_RP | QUOTE_IEQ | QUOTE_IIQ_TOTAL | QUOTE_IIQ_M |
		     QUOTE_CAS_ELIGIBLE | QUOTE_LTPC_IEP)));
	same_depth(cJSON_GetObjectItemCaseSensitive(state, "depth"), q);
	same_bars(cJSON_GetObjectItemCaseSensitive(state, "bars"), q);
}

static void same_book(cJSON *states, const struct book *book)
{
	cJSON *state;

	check_i64(cJSON_GetArraySize(states), book->live);
	cJSON_ArrayForEach (state, states) {
		inst_id id =
			instruments_find(&book->instruments, state->string, strlen(state->string));
		const struct slot *slot = book_slot(book, id);

		if (!slot)
			fail_msg("%s is not in the book", state->string);
		same_slot(state, &slot->q);
	}
}

/* --- both, message by message ----------------------------------------------------------------- */

struct recording {
	char *json; /* one message a line */
	char *pbs;  /* length, message, ... */
	size_t json_len, pbs_len;
	char *line;
	size_t at; /* in pbs */
};

static bool recording_open(struct recording *r, const char *name)
{
	char path[128];

	*r = (struct recording){0};
	snprintf(path, sizeof(path), "ticks/%s.jsonl.gz", name);
	r->json = data_read(path, &r->json_len);
	snprintf(path, sizeof(path), "ticks/%s.pbs", name);
	r->pbs = data_read(path, &r->pbs_len);
	r->line = r->json;
	return r->json && r->pbs;
}

static void recording_close(struct recording *r)
{
	free(r->json);
	free(r->pbs);
}

/* The next message both ways; false after the last one of both. */
static bool recording_next(struct recording *r, cJSON **json, const char **bytes, uint32_t *len)
{
	char *end = strchr(r->line, '\n');

	if (r->at == r->pbs_len) {
		check_i64(r->line - r->json, r->json_len);
		return false;
	}
	check(end != NULL && r->pbs_len - r->at >= sizeof(*len));
	*end = '\0';
	*json = cJSON_Parse(r->line);
	check(*json != NULL);
	r->line = end + 1;
	memcpy(len, r->pbs + r->at, sizeof(*len)); /* little-endian, as is every host we run on */
	*bytes = r->pbs + r->at + sizeof(*len);
	r->at += sizeof(*len) + *len;
	check(r->at <= r->pbs_len);
	return true;
}

static void count_segment(void *arg, const char *segment, size_t len, int status)
{
	const cJSON *info = arg;
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)len, segment);
	check(cJSON_GetObjectItemCaseSensitive(info, name) != NULL);
	check_str(cJSON_GetObjectItemCaseSensitive(info, name)->valuestring, "NORMAL_OPEN");
	check_i64(status, STATUS_NORMAL_OPEN);
	compared++;
}

static void same_head(const cJSON *json, const struct feed_frame *f)
{
	const cJSON *type = cJSON_GetObjectItemCaseSensitive(json, "type");
	cJSON *info = cJSON_GetObjectItemCaseSensitive(json, "marketInfo");

	check_i64(f->current_ts,
		  strtoll(cJSON_GetObjectItem(json, "currentTs")->valuestring, NULL, 10));
	check_i64(f->type, !type                                           ? FEED_INITIAL
			   : strcmp(type->valuestring, "live_feed") == 0   ? FEED_LIVE
			   : strcmp(type->valuestring, "market_info") == 0 ? FEED_MARKET_INFO
									   : -1);
	check_i64(feed_frame_count(f), cJSON_GetArraySize(cJSON_GetObjectItem(json, "feeds")));
	check_i64(f->has_market_info, info != NULL);
	if (info)
		feed_info_each(f, count_segment, cJSON_GetObjectItem(info, "segmentStatus"));
}

static void apply(struct book *book, struct feed_frame *f, uint64_t *seq)
{
	struct tick_meta meta = {.ts_ms = f->current_ts, .is_snapshot = f->type == FEED_INITIAL};
	struct tick tick = {0};

	while (feed_frame_next(f, &tick)) {
		inst_id id = instruments_intern(&book->instruments, tick.key, tick.key_len);
		struct slot *slot = book_merge(book, id, &tick, &meta);

		check_i64(tick.rejected, 0);
		book_publish(book, id, slot, ++*seq);
	}
	book_turn(book, meta.ts_ms);
}

static void compare(const char *name, unsigned messages, uint64_t ticks)
{
	struct recording r;
	struct book book;
	struct feed_frame frame = {0};
	struct agni_err err;
	cJSON *states, *json;
	const char *bytes;
	uint32_t len;
	uint64_t seq = 0;
	unsigned n = 0;

	if (!recording_open(&r, name)) {
		recording_close(&r);
		data_skip(name);
	}
	compared = 0;
	states = cJSON_CreateObject();
	book_init(&book, 1000);
	for (; recording_next(&r, &json, &bytes, &len); n++) {
		if (feed_frame_scan(&frame, bytes, len, &err) < 0)
			fail_msg("message %u: %s", n, err.text);
		same_head(json, &frame);
		merge_message(states, json);
		apply(&book, &frame, &seq);
		same_book(states, &book);
		cJSON_Delete(json);
	}
	check_i64(n, messages);
	check_i64(seq, ticks);
	check_i64(book.ticks, ticks);
	print_message("%s: %u messages, %u values compared\n", name, n, compared);
	check(compared > messages);
	feed_frame_fini(&frame);
	book_fini(&book);
	cJSON_Delete(states);
	recording_close(&r);
}

/* Indices, futures and options, 11 s. */
static void test_frames(void **state)
{
	(void)state;
	compare("upstox_frames_20260123_a", 70, 612);
}

/* One market_info, two of indices; a bar without an interval. */
static void test_misc(void **state)
{
	(void)state;
	compare("upstox_frames_misc", 3, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_misc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
