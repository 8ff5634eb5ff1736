/* SPDX-License-Identifier: MIT
 *
 * pipeline: the bytes of one pipeline, built by hand; internal to the store.
 *
 *     SET agni:quote:{K} {"key":...} EX 30     one per instrument
 *     DEL agni:index:quotes                    once in the life of the process
 *     SADD agni:index:quotes K1 K2 ...         names that are new to it
 *     PUBLISH agni:ticks {"type":"market_data","seq":N,"data":[{...},{...}]}
 *
 * PUBLISH comes last, so that who hears of a tick finds it under its key. RESP is written directly:
 * hiredis' printf formats cost about twice as much.
 */
#include "store/writer.h"

#include <string.h>

#include "market/quote_json.h"
#include "store/keys.h"

#define LITERAL(b, text) buf_append((b), "" text, sizeof(text) - 1)

static void put_count(struct buf *b, char kind, size_t n)
{
	buf_byte(b, kind);
	buf_i64(b, (int64_t)n);
	LITERAL(b, "\r\n");
}

static void put_bulk(struct buf *b, const char *bytes, size_t len)
{
	put_count(b, '$', len);
	buf_append(b, bytes, len);
	LITERAL(b, "\r\n");
}

/* Starts w->cmd: the array's count, the command's name and the name of the key. */
static void put_head(struct writer *w, size_t words, const char *command, enum key_kind kind,
		     const char *identity)
{
	buf_reset(&w->cmd);
	put_count(&w->cmd, '*', words);
	put_bulk(&w->cmd, command, strlen(command));
	buf_reset(&w->key);
	key_append(&w->key, kind, w->deps.prefix, identity);
	put_bulk(&w->cmd, w->key.data, w->key.len);
}

static void queue(struct writer *w, enum lane_kind lane, uintptr_t tag)
{
	(void)buf_cstr(&w->cmd); /* hiredis looks for the arguments with strchr() */
	connection_send(w->connection, tag, &w->cmd);
	w->lanes[lane].sent++;
	w->owed++;
}

static bool is_resting(const struct writer *w, enum lane_kind lane)
{
	return uv_now(&w->deps.loop->uv) < w->lanes[lane].rest_ms;
}

static void send_set(struct writer *w, inst_id id, const struct slot *slot)
{
	const char *name = instruments_key(&w->deps.book->instruments, id);
	char ttl[24];
	struct buf digits = {.data = ttl, .cap = sizeof(ttl)};

	buf_reset(&w->json);
	quote_json(&w->json, name, slot, VIEW_FULL);
	put_head(w, 5, "SET", KEY_QUOTE, name);
	put_bulk(&w->cmd, w->json.data, w->json.len);
	LITERAL(&w->cmd, "$2\r\nEX\r\n");
	buf_i64(&digits, w->deps.cfg->ttl_s);
	put_bulk(&w->cmd, digits.data, digits.len);
	queue(w, LANE_QUOTES, pipeline_tag(PIPELINE_SET, id));
}

/* Moves the instrument into the flight; returns the bytes it cost. */
static size_t take(struct writer *w, inst_id id, uint64_t *seq)
{
	const struct slot *slot = book_slot(w->deps.book, id);
	struct writer_stamp *stamp = &w->stamps[id];
	size_t cost;

	AGNI_ASSERT(slot); /* only what has ticked gets dirty */
	bitset_remove(&w->dirty, id);
	bitset_add(&w->flight, id);
	stamp->flight_ns = stamp->dirty_ns;
	stamp->dirty_ns = 0;
	send_set(w, id, slot);
	cost = w->cmd.len;
	if (bitset_remove(&w->ticked, id) && !is_resting(w, LANE_TICKS)) {
		bitset_add(&w->flight_ticked, id);
		if (w->data.len)
			buf_byte(&w->data, ',');
		buf_append(&w->data, w->json.data, w->json.len);
		cost += w->json.len;
		*seq = slot->seq > *seq ? slot->seq : *seq;
	}
	return cost;
}

/* Returns the highest seq of what is to be published. */
static uint64_t send_quotes(struct writer *w)
{
	const struct lane *lane = &w->lanes[LANE_QUOTES];
	int64_t keys = lane->since_ms ? 1 : w->deps.cfg->pipeline_max_keys;
	size_t bytes = 0, bytes_max = (size_t)w->deps.cfg->pipeline_max_bytes;
	uint64_t seq = 0;

	if (is_resting(w, LANE_QUOTES))
		return 0;
	while (keys-- > 0 && bytes < bytes_max && w->dirty.count > 0) {
		inst_id id = bitset_next(&w->dirty, w->cursor);

		if (id == BITSET_END)
			id = bitset_next(&w->dirty, 0);
		w->cursor = id + 1;
		bytes += take(w, id, &seq);
	}
	return seq;
}

static void send_index_members(struct writer *w)
{
	size_t n = 0;
	inst_id id = bitset_next(&w->unindexed, 0);

	buf_reset(&w->members);
	for (; id != BITSET_END && (int64_t)n < w->deps.cfg->pipeline_max_keys; n++) {
		const char *name = instruments_key(&w->deps.book->instruments, id);

		put_bulk(&w->members, name, strlen(name));
		bitset_add(&w->flight_unindexed, id);
		bitset_remove(&w->unindexed, id);
		id = bitset_next(&w->unindexed, id + 1);
	}
	put_head(w, n + 2, "SADD", KEY_INDEX_QUOTES, NULL);
	buf_append(&w->cmd, w->members.data, w->members.len);
	queue(w, LANE_INDEX, pipeline_tag(PIPELINE_SADD, 0));
}

static void send_index(struct writer *w)
{
	if (w->unindexed.count == 0 || is_resting(w, LANE_INDEX))
		return;
	if (!w->is_index_ours) {
		put_head(w, 2, "DEL", KEY_INDEX_QUOTES, NULL);
		queue(w, LANE_INDEX, pipeline_tag(PIPELINE_DEL, 0));
	}
	send_index_members(w);
}

static void send_ticks(struct writer *w, uint64_t seq)
{
	char text[80];
	struct buf head = {.data = text, .cap = sizeof(text)};

	if (w->data.len == 0)
		return;
	LITERAL(&head, "{\"type\":\"market_data\",\"seq\":");
	buf_i64(&head, (int64_t)seq);
	LITERAL(&head, ",\"data\":[");
	put_head(w, 3, "PUBLISH", KEY_TICKS, NULL);
	put_count(&w->cmd, '$', head.len + w->data.len + 2);
	buf_append(&w->cmd, head.data, head.len);
	buf_append(&w->cmd, w->data.data, w->data.len);
	LITERAL(&w->cmd, "]}\r\n");
	queue(w, LANE_TICKS, pipeline_tag(PIPELINE_PUBLISH, 0));
}

void pipeline_send(struct writer *w)
{
	uint64_t seq;

	buf_reset(&w->data);
	seq = send_quotes(w);
	send_index(w);
	send_ticks(w, seq);
	w->dirty_now = w->dirty.count;
	if (w->owed > 0) {
		w->pipelines++;
		connection_flush(w->connection);
	}
}
