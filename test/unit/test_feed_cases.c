/* SPDX-License-Identifier: MIT
 *
 * test_feed_cases: the conformance cases: protoc's verdict and protoc's text against ours.
 */
#include <ctype.h>
#include <math.h>

#include <cjson/cJSON.h>

#include "../lib/data.h"
#include "feed_samples.h"

/* What the scanner saw, in the text format of protoc. */
struct text {
	struct buf out;
	int depth;
};

static void text_line(struct text *t, const char *line)
{
	if (*line == '}')
		t->depth--;
	buf_printf(&t->out, "%*s%s\n", 2 * t->depth, "", line);
	if (line[strlen(line) - 1] == '{')
		t->depth++;
}

static void text_int(struct text *t, bool is_there, const char *name, int64_t v)
{
	char line[64];

	snprintf(line, sizeof(line), "%s: %lld", name, (long long)v);
	if (is_there)
		text_line(t, line);
}

static void text_double(struct text *t, bool is_there, const char *name, double v)
{
	char line[64];

	snprintf(line, sizeof(line), "%s: %.15g", name, v);
	if (strtod(strchr(line, ' '), NULL) != v)
		snprintf(line, sizeof(line), "%s: %.17g", name, v);
	if (is_there)
		text_line(t, line);
}

static void text_price(struct text *t, bool is_there, const char *name, price_t v)
{
	text_double(t, is_there, name, price_to_double(v));
}

static void text_name(struct text *t, const char *name, const char *s, size_t len)
{
	struct buf b = {0};

	buf_printf(&b, "%s: \"", name);
	for (size_t i = 0; i < len; i++) {
		if (isprint((unsigned char)s[i]))
			buf_byte(&b, s[i]);
		else
			buf_printf(&b, "\\%03o", (unsigned char)s[i]);
	}
	buf_byte(&b, '"');
	text_line(t, buf_cstr(&b));
	buf_fini(&b);
}

/* An enum by its name; by its number when it has none. */
static void text_enum(struct text *t, const char *name, const char *const *names, int n, int v)
{
	char line[64];

	if (v < 0 || v >= n)
		text_int(t, true, name, v);
	else if (snprintf(line, sizeof(line), "%s: %s", name, names[v]) > 0)
		text_line(t, line);
}

static void text_ltpc(struct text *t, const struct quote *q)
{
	if (!(q->present & QUOTE_MSG_LTPC))
		return;
	text_line(t, "ltpc {");
	text_price(t, q->present & QUOTE_LTP, "ltp", q->ltp);
	text_int(t, q->present & QUOTE_LTT, "ltt", q->ltt);
	text_int(t, q->present & QUOTE_LTQ, "ltq", q->ltq);
	text_price(t, q->present & QUOTE_CP, "cp", q->cp);
	text_line(t, "}");
}

static void text_row(struct text *t, const char *name, const struct depth_row *row)
{
	text_line(t, name);
	text_int(t, row->bid_qty, "bidQ", row->bid_qty);
	text_price(t, row->bid, "bidP", row->bid);
	text_int(t, row->ask_qty, "askQ", row->ask_qty);
	text_price(t, row->ask, "askP", row->ask);
	text_line(t, "}");
}

static void text_greeks(struct text *t, const struct quote *q)
{
	if (!(q->present & QUOTE_MSG_GREEKS))
		return;
	text_line(t, "optionGreeks {");
	text_double(t, q->present & QUOTE_DELTA, "delta", q->delta);
	text_double(t, q->present & QUOTE_THETA, "theta", q->theta);
	text_double(t, q->present & QUOTE_GAMMA, "gamma", q->gamma);
	text_double(t, q->present & QUOTE_VEGA, "vega", q->vega);
	text_double(t, q->present & QUOTE_RHO, "rho", q->rho);
	text_line(t, "}");
}

static void text_bars(struct text *t, const struct quote *q)
{
	if (!(q->present & QUOTE_MSG_OHLC))
		return;
	text_line(t, "marketOHLC {");
	for (unsigned i = 0; i < q->bars_n; i++) {
		const struct bar *b = &q->bars[i];

		text_line(t, "ohlc {");
		text_name(t, "interval", b->interval, strlen(b->interval));
		text_price(t, b->present & BAR_OPEN, "open", b->open);
		text_price(t, b->present & BAR_HIGH, "high", b->high);
		text_price(t, b->present & BAR_LOW, "low", b->low);
		text_price(t, b->present & BAR_CLOSE, "close", b->close);
		text_int(t, b->present & BAR_VOL, "vol", b->vol);
		text_int(t, b->present & BAR_TS, "ts", b->ts_ms);
		text_line(t, "}");
	}
	text_line(t, "}");
}

static void text_full(struct text *t, const struct quote *q)
{
	text_line(t, "fullFeed {");
	text_line(t, q->arm == ARM_INDEX ? "indexFF {" : "marketFF {");
	text_ltpc(t, q);
	if (q->present & QUOTE_DEPTH) {
		text_line(t, "marketLevel {");
		for (unsigned i = 0; i < q->depth_n; i++)
			text_row(t, "bidAskQuote {", &q->depth[i]);
		text_line(t, "}");
	}
	text_greeks(t, q);
	text_bars(t, q);
	text_price(t, q->present & QUOTE_ATP, "atp", q->atp);
	text_int(t, q->present & QUOTE_VTT, "vtt", q->vtt);
	text_double(t, q->present & QUOTE_OI, "oi", q->oi);
	text_double(t, q->present & QUOTE_IV, "iv", q->iv);
	text_double(t, q->present & QUOTE_TBQ, "tbq", q->tbq);
	text_double(t, q->present & QUOTE_TSQ, "tsq", q->tsq);
	text_line(t, "}");
	text_line(t, "}");
}

static void text_first_level(struct text *t, const struct quote *q)
{
	text_line(t, "firstLevelWithGreeks {");
	text_ltpc(t, q);
	if (q->present & QUOTE_DEPTH)
		text_row(t, "firstDepth {", &q->depth[0]);
	text_greeks(t, q);
	text_int(t, q->present & QUOTE_VTT, "vtt", q->vtt);
	text_double(t, q->present & QUOTE_OI, "oi", q->oi);
	text_double(t, q->present & QUOTE_IV, "iv", q->iv);
	text_line(t, "}");
}

static void text_tick(struct text *t, const struct tick *tick)
{
	static const char *const modes[] = {"ltpc", "full_d5", "option_greeks", "full_d30"};
	const struct quote *q = &tick->q;

	text_line(t, "feeds {");
	text_name(t, "key", tick->key, tick->key_len);
	text_line(t, "value {");
	if (q->arm == ARM_LTPC)
		text_ltpc(t, q);
	else if (q->arm == ARM_FIRST_LEVEL)
		text_first_level(t, q);
	else if (q->arm != ARM_NONE)
		text_full(t, q);
	if (q->mode)
		text_enum(t, "requestMode", modes, ARRAY_LEN(modes), q->mode);
	text_line(t, "}");
	text_line(t, "}");
}

struct segment {
	char name[32];
	int status;
};

struct segments {
	struct segment s[8];
	size_t n;
};

static void segment_keep(void *arg, const char *segment, size_t len, int status)
{
	struct segments *all = arg;
	struct segment *s = &all->s[all->n++];

	check(all->n <= ARRAY_LEN(all->s) && len < sizeof(s->name));
	memcpy(s->name, segment, len);
	s->name[len] = '\0';
	s->status = status;
}

/* protoc prints maps sorted by key. */
static int segment_order(const void *a, const void *b)
{
	return strcmp(((const struct segment *)a)->name, ((const struct segment *)b)->name);
}

static void text_info(struct text *t, const struct feed_frame *f)
{
	static const char *const names[] = {"PRE_OPEN_START", "PRE_OPEN_END",  "NORMAL_OPEN",
					    "NORMAL_CLOSE",   "CLOSING_START", "CLOSING_END"};
	struct segments all = {0};

	if (!f->has_market_info)
		return;
	feed_info_each(f, segment_keep, &all);
	qsort(all.s, all.n, sizeof(all.s[0]), segment_order);
	text_line(t, "marketInfo {");
	for (size_t i = 0; i < all.n; i++) {
		text_line(t, "segmentStatus {");
		text_name(t, "key", all.s[i].name, strlen(all.s[i].name));
		text_enum(t, "value", names, ARRAY_LEN(names), all.s[i].status);
		text_line(t, "}");
	}
	text_line(t, "}");
}

static void text_frame(struct text *t, struct feed_frame *f)
{
	static const char *const types[] = {"initial_feed", "live_feed", "market_info"};
	static struct tick tick;

	if (f->type)
		text_enum(t, "type", types, ARRAY_LEN(types), f->type);
	while (feed_frame_next(f, &tick))
		text_tick(t, &tick);
	text_int(t, f->current_ts, "currentTs", f->current_ts);
	text_info(t, f);
}

/* A number that we leave out: none, infinite, no price, or a zero with a sign. */
static bool is_left_out(const char *line)
{
	const char *colon = strstr(line, ": ");
	char *end;
	double d;

	if (!colon || colon > strchr(line, '\n'))
		return false;
	d = strtod(colon + 2, &end);
	return *end == '\n' && end > colon + 2 &&
	       (!isfinite(d) || d == 0 || fabs(d) < 1e-70 || fabs(d) > 1e76);
}

/* protoc's text without unknown fields (their names are numbers), numbers that we leave out, a
 * fifth bar, and all but the last of feeds (there is one key in these cases). */
static void text_expected(struct buf *out, const char *text)
{
	size_t feeds_at = SIZE_MAX;
	int depth = 0, skip_from = -1, bars = 0;

	for (const char *line = text, *next; *line; line = next) {
		const char *word = line + strspn(line, " ");
		bool is_known = !isdigit((unsigned char)*word);

		next = strchr(line, '\n') + 1;
		if (*word == '}')
			depth--;
		if (skip_from < 0 && !strncmp(line, "feeds {", 7)) {
			if (feeds_at != SIZE_MAX)
				out->len = feeds_at;
			feeds_at = out->len;
		}
		if (!strncmp(word, "ohlc {", 6) && ++bars > BARS_MAX)
			is_known = false;
		if (skip_from < 0 && is_known && !is_left_out(line))
			buf_append(out, line, (size_t)(next - line));
		if (skip_from == depth && *word == '}')
			skip_from = -1;
		if (next[-2] == '{') {
			if (skip_from < 0 && !is_known)
				skip_from = depth;
			depth++;
		}
	}
}

static void conformance_case(const cJSON *row, unsigned *done)
{
	const char *name = cJSON_GetObjectItem(row, "name")->valuestring;
	const char *expect = cJSON_GetObjectItem(row, "expect")->valuestring;
	const char *text = cJSON_GetObjectItem(row, "protoc_text")->valuestring;
	struct bytes b = unhex(cJSON_GetObjectItem(row, "hex")->valuestring);
	struct feed_frame f = {0};
	bool accepted = feed_frame_scan(&f, b.p, b.len, NULL) == 0;
	struct buf expected = {0};
	struct text ours = {0};

	(*done)++;
	if (strcmp(expect, "either") != 0 && accepted != (strcmp(expect, "accept") == 0))
		fail_msg("%s: accepted %d, expected %s", name, accepted, expect);
	if (accepted && text) {
		text_frame(&ours, &f);
		text_expected(&expected, text);
		if (strcmp(buf_cstr(&ours.out), buf_cstr(&expected)) != 0)
			fail_msg("%s: ours\n%s\nprotoc's\n%s", name, ours.out.data, expected.data);
	}
	buf_fini(&ours.out);
	buf_fini(&expected);
	feed_frame_fini(&f);
	free(b.p);
}

static void test_conformance(void **state)
{
	static const char file[] = "conformance/protobuf_feed_cases.jsonl";
	size_t len = 0;
	char *all = data_read(file, &len);
	unsigned done = 0;

	(void)state;
	if (!all)
		data_skip(file);
	for (char *line = strtok(all, "\n"); line; line = strtok(NULL, "\n")) {
		cJSON *row = cJSON_Parse(line);

		check(row != NULL);
		conformance_case(row, &done);
		cJSON_Delete(row);
	}
	print_message("%u conformance cases\n", done);
	check_i64(done, 83);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conformance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
