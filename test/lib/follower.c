/* SPDX-License-Identifier: MIT
 *
 * follower: see follower.h.
 */
#include "follower.h"

#include <stdio.h>

#include "check.h"
#include "upstox/control.h"

void follower_open(struct theatre *t, struct follower *f, const char *extra)
{
	*f = (struct follower){.theatre = t};
	f->peer = ws_peer_open(&t->rig, t->port, FOLLOWER_PATH, extra);
}

void follower_fini(struct follower *f)
{
	feed_frame_fini(&f->frame);
}

void follower_send(struct follower *f, int op, const char *payload)
{
	ws_peer_frame(f->peer, 0x80 | op, payload, strlen(payload));
}

void follower_ask(struct follower *f, const char *method, const char *mode, const char *keys)
{
	struct buf b = {0};

	buf_printf(&b, "{\"guid\":\"g\",\"method\":\"%s\",\"data\":{", method);
	if (mode)
		buf_printf(&b, "\"mode\":\"%s\",", mode);
	buf_str(&b, "\"instrumentKeys\":[");
	for (const char *at = keys; *at;) {
		size_t n = strcspn(at, ",");

		buf_printf(&b, "%s\"%.*s\"", at == keys ? "" : ",", (int)n, at);
		at += n + (at[n] == ',');
	}
	buf_str(&b, "]}}");
	follower_send(f, WS_BINARY, buf_cstr(&b));
	buf_fini(&b);
}

static const struct ws_peer_frame *next_binary(struct follower *f)
{
	const struct ws_peer_frame *frame;

	while ((frame = ws_peer_get(f->peer, f->next)) && frame->op != WS_BINARY) {
		check(frame->op != WS_TEXT); /* it would end a program of the JavaScript SDK */
		f->next++;
	}
	return frame;
}

bool follower_has_news(struct follower *f)
{
	return next_binary(f) != NULL;
}

static bool has_binary(void *arg)
{
	struct follower *f = arg;

	return next_binary(f) != NULL || f->peer->is_eof;
}

void follower_hear(struct follower *f)
{
	const struct ws_peer_frame *frame;
	struct agni_err err = {0};

	rig_until(&f->theatre->rig, has_binary, f);
	frame = next_binary(f);
	check(frame != NULL);
	f->next++;
	if (feed_frame_scan(&f->frame, ws_peer_payload(f->peer, frame), frame->len, &err) < 0)
		fail_msg("%s", err.text);
}

static void put_segment(void *arg, const char *segment, size_t len, int status)
{
	buf_printf(arg, " %.*s=%d", (int)len, segment, status);
}

const char *follower_line(struct follower *f)
{
	static const char *const types[] = {"initial", "live", "info"};
	static const char *const arms[] = {"none", "ltpc", "market", "index", "first"};
	static struct buf out;
	static struct tick t;

	follower_hear(f);
	check(f->frame.type >= 0 && f->frame.type <= 2);
	buf_reset(&out);
	buf_printf(&out, "%s@%lld", types[f->frame.type], (long long)f->frame.current_ts);
	while (feed_frame_next(&f->frame, &t)) {
		buf_printf(&out, " %.*s:%s:%s", (int)t.key_len, t.key,
			   request_mode_text((enum request_mode)t.q.mode), arms[t.q.arm]);
		if (t.q.present & QUOTE_LTP) {
			buf_byte(&out, '=');
			buf_price(&out, t.q.ltp);
		}
	}
	if (f->frame.has_market_info)
		feed_info_each(&f->frame, put_segment, &out);
	return buf_cstr(&out);
}

struct settling {
	struct theatre *t;
	uint64_t n;
};

static bool has_settled(void *arg)
{
	const struct settling *s = arg;

	return module_metric(s->t->mod, "feed_requests_total") >= s->n;
}

void follower_settle(struct theatre *t, uint64_t n)
{
	rig_until(&t->rig, has_settled, &(struct settling){t, n});
	ws_rig_turn(&t->rig);
}

/* --- what the upstream says ------------------------------------------------------------------- */

static struct tick_meta meta;

void upstream_begin(struct theatre *t, enum feed_type type, int64_t ts_ms)
{
	meta = (struct tick_meta){.ts_ms = ts_ms,
				  .recv_ms = clock_wall_ms(&t->rig.clock),
				  .recv_mono = clock_mono(&t->rig.clock),
				  .is_snapshot = type == FEED_INITIAL};
	tape_begin(&t->market.tape, &meta);
}

void upstream_add(struct theatre *t, const char *key, const struct quote *q)
{
	struct book *book = &t->market.book;
	struct tick tick = {.key = key, .key_len = (uint32_t)strlen(key), .q = *q};
	inst_id id = instruments_intern(&book->instruments, key, strlen(key));
	struct slot *slot = book_merge(book, id, &tick, &meta);

	book_publish(book, id, slot, tape_append(&t->market.tape, id, &tick));
}

void upstream_add_ltp(struct theatre *t, const char *key, price_t ltp)
{
	upstream_add(t, key,
		     &(struct quote){.present = QUOTE_LTP | QUOTE_CP | QUOTE_MSG_LTPC,
				     .arm = ARM_MARKET,
				     .mode = MODE_FULL_D5,
				     .ltp = ltp,
				     .cp = 1000000});
}

void upstream_end(struct theatre *t)
{
	tape_end(&t->market.tape);
	book_turn(&t->market.book, meta.ts_ms);
}

void upstream_ltp(struct theatre *t, enum feed_type type, int64_t ts_ms, const char *key,
		  price_t ltp)
{
	upstream_begin(t, type, ts_ms);
	upstream_add_ltp(t, key, ltp);
	upstream_end(t);
}

void upstream_info(struct theatre *t, int64_t ts_ms, const char *segment, int status)
{
	struct buf b = {0};
	size_t n = strlen(segment);

	/* {1: {1: segment, 2: status}} */
	buf_byte(&b, 0x0a);
	buf_byte(&b, (char)(n + 4));
	buf_byte(&b, 0x0a);
	buf_byte(&b, (char)n);
	buf_append(&b, segment, n);
	buf_byte(&b, 0x10);
	buf_byte(&b, (char)status);
	stream_market_info(t->stream, ts_ms, b.data, b.len);
	buf_fini(&b);
}
