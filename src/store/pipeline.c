/* SPDX-License-Identifier: MIT
 *
 * pipeline: the bytes of one pipeline, built by hand; internal to the store.
 *
 *     SET agni:quote:{K} {"key":...} EX 30     one per instrument
 *     DEL agni:index:quotes                    once in the life of the process
 *     SADD agni:index:quotes K1 K2 ...         names that are new to it
 *     DEL agni:chain:{K}, SET agni:chain:{K} {...} EX 30   documents, SREM and SADD of their indexes
 *     XADD agni:signals MAXLEN ~ N * data {...}            one per event
 *     PUBLISH agni:ticks {"type":"market_data","seq":N,"data":[{...},{...}]}
 *
 * PUBLISH comes last, so that who hears of a tick finds it under its key.
 */
#include "store/writer.h"

#include <string.h>

#include "market/quote_json.h"
#include "store/keys.h"
#include "store/resp.h"

#define DOC_PART   4  /* documents take at most this part of pipeline_max_bytes; one in any case */
#define EVENTS_PER 64 /* entries of streams in one pipeline */

/* Starts a command behind the others: the array's count, its name and the name of the key. */
static void put_head(struct writer *w, size_t words, const char *command, enum key_kind kind,
		     const char *identity)
{
	resp_count(&w->out, '*', words);
	resp_str(&w->out, command);
	buf_reset(&w->key);
	key_append(&w->key, kind, w->deps.prefix, identity);
	resp_bulk(&w->out, w->key.data, w->key.len);
}

/* The command at the end of w->out is whole. */
static void queue(struct writer *w, enum lane_kind lane, uintptr_t tag)
{
	connection_expect(w->connection, tag);
	w->lanes[lane].sent++;
	w->owed++;
}

/* The most commands that the lane may send. */
static int64_t room(const struct writer *w, enum lane_kind lane, int64_t usual)
{
	return lane_room(&w->lanes[lane], uv_now(&w->deps.loop->uv), usual);
}

static bool is_resting(const struct writer *w, enum lane_kind lane)
{
	return room(w, lane, 1) == 0;
}

/* What stands around key and JSON of each SET of the pipeline. */
static void make_set(struct writer *w)
{
	buf_reset(&w->set_head);
	buf_str(&w->set_head, w->deps.prefix);
	buf_str(&w->set_head, key_info(KEY_QUOTE)->name);
	buf_append(&w->set_head, ":{", 2);
	buf_reset(&w->set_tail);
	RESP_LITERAL(&w->set_tail, "\r\n$2\r\nEX\r\n");
	resp_i64(&w->set_tail, w->deps.cfg->ttl_s);
}

/* The command that is sent more often than all others: room is asked for once. */
static void send_set(struct writer *w, inst_id id, const struct slot *slot)
{
	static const char start[] = "*5\r\n$3\r\nSET\r\n";
	const struct instruments *t = &w->deps.book->instruments;
	const struct buf *head = &w->set_head, *tail = &w->set_tail, *json = &w->json;
	const char *name = instruments_key(t, id);
	size_t name_len = t->key_len[id];
	char *at;

	buf_reset(&w->json);
	quote_json(&w->json, name, slot, VIEW_FULL);
	at = buf_reserve(&w->out, sizeof(start) + 2 * RESP_COUNT_MAX + head->len + name_len + 3 +
					  json->len + tail->len);
	at = resp_put(at, start, sizeof(start) - 1);
	at = resp_put_count(at, '$', head->len + name_len + 1);
	at = resp_put(at, head->data, head->len);
	at = resp_put(at, name, name_len);
	at = resp_put(at, "}\r\n", 3);
	at = resp_put_count(at, '$', json->len);
	at = resp_put(at, json->data, json->len);
	at = resp_put(at, tail->data, tail->len);
	w->out.len = (size_t)(at - w->out.data);
	queue(w, LANE_QUOTES, pipeline_tag(PIPELINE_SET, id));
}

/* Moves the instrument into the flight; returns the bytes it cost. */
static size_t take(struct writer *w, inst_id id, uint64_t *seq)
{
	const struct slot *slot = book_slot(w->deps.book, id);
	struct writer_stamp *stamp = &w->stamps[id];
	size_t cost = w->out.len;

	AGNI_ASSERT(slot); /* only what has ticked gets dirty */
	bitset_remove(&w->dirty, id);
	bitset_add(&w->flight, id);
	stamp->flight_ns = stamp->dirty_ns;
	stamp->dirty_ns = 0;
	send_set(w, id, slot);
	cost = w->out.len - cost;
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
	int64_t keys = room(w, LANE_QUOTES, w->deps.cfg->pipeline_max_keys);
	size_t bytes = 0, bytes_max = (size_t)w->deps.cfg->pipeline_max_bytes;
	uint64_t seq = 0;

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

		resp_bulk(&w->members, name, strlen(name));
		bitset_add(&w->flight_unindexed, id);
		bitset_remove(&w->unindexed, id);
		id = bitset_next(&w->unindexed, id + 1);
	}
	put_head(w, n + 2, "SADD", KEY_INDEX_QUOTES, NULL);
	buf_append(&w->out, w->members.data, w->members.len);
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
	RESP_LITERAL(&head, "{\"type\":\"market_data\",\"seq\":");
	buf_i64(&head, (int64_t)seq);
	RESP_LITERAL(&head, ",\"data\":[");
	put_head(w, 3, "PUBLISH", KEY_TICKS, NULL);
	resp_count(&w->out, '$', head.len + w->data.len + 2);
	buf_append(&w->out, head.data, head.len);
	buf_append(&w->out, w->data.data, w->data.len);
	RESP_LITERAL(&w->out, "]}\r\n");
	queue(w, LANE_TICKS, pipeline_tag(PIPELINE_PUBLISH, 0));
}

/* ---- documents --------------------------------------------------------------------------------*/

static const char *identity_of(const struct docs *d, uint32_t row)
{
	return key_info(doc_family_info(d->rows[row].family)->kind)->identity
		       ? d->rows[row].identity
		       : NULL;
}

static void send_doc(struct writer *w, uint32_t row)
{
	const struct doc *doc = &w->docs.rows[row];

	put_head(w, 5, "SET", doc_family_info(doc->family)->kind, identity_of(&w->docs, row));
	resp_bulk(&w->out, doc->text, doc->len);
	RESP_LITERAL(&w->out, "$2\r\nEX\r\n");
	resp_i64(&w->out, w->deps.cfg->ttl_s);
	queue(w, LANE_DOCS, pipeline_tag(PIPELINE_DOC_SET, row));
}

static void send_doc_del(struct writer *w, uint32_t row)
{
	put_head(w, 2, "DEL", doc_family_info(w->docs.rows[row].family)->kind,
		 identity_of(&w->docs, row));
	queue(w, LANE_DOCS, pipeline_tag(PIPELINE_DOC_DEL, row));
}

static void send_docs(struct writer *w)
{
	struct docs *d = &w->docs;
	int64_t n = room(w, LANE_DOCS, w->deps.cfg->pipeline_max_keys);
	size_t bytes = 0, bytes_max = (size_t)w->deps.cfg->pipeline_max_bytes / DOC_PART;
	uint32_t row;

	for (; n > 0 && (row = docs_take(d, &d->owed.del, &d->flight.del)) != DOC_NONE; n--)
		send_doc_del(w, row);
	for (; n > 0 && bytes < bytes_max; n--) {
		row = docs_take(d, &d->owed.set, &d->flight.set);
		if (row == DOC_NONE)
			return;
		bytes -= w->out.len;
		send_doc(w, row);
		bytes += w->out.len;
	}
}

/* One SADD or SREM with all that is owed to the index set of the family. */
static void send_members(struct writer *w, enum doc_family family, const char *command,
			 enum pipeline_command tag, struct bitset *owed, struct bitset *flight)
{
	struct docs *d = &w->docs;
	size_t n = 0;
	uint32_t row = docs_take_of(d, family, owed, flight, 0);

	buf_reset(&w->members);
	for (; row != DOC_NONE; n++) {
		resp_str(&w->members, d->rows[row].identity);
		row = docs_take_of(d, family, owed, flight, row + 1);
	}
	if (n == 0)
		return;
	put_head(w, n + 2, command, doc_family_info(family)->index, NULL);
	buf_append(&w->out, w->members.data, w->members.len);
	queue(w, LANE_DOC_INDEX, pipeline_tag(tag, family));
}

static void send_doc_index(struct writer *w)
{
	struct docs *d = &w->docs;

	if (!docs_has_index_work(d) || is_resting(w, LANE_DOC_INDEX))
		return;
	for (enum doc_family family = 0; family < DOC_FAMILIES; family++) {
		if (!doc_family_info(family)->has_index)
			continue;
		if (!d->is_ours[family]) {
			put_head(w, 2, "DEL", doc_family_info(family)->index, NULL);
			queue(w, LANE_DOC_INDEX, pipeline_tag(PIPELINE_DOC_INDEX_DEL, family));
		}
		send_members(w, family, "SREM", PIPELINE_DOC_SREM, &d->owed.leave,
			     &d->flight.leave);
		send_members(w, family, "SADD", PIPELINE_DOC_SADD, &d->owed.join, &d->flight.join);
	}
}

/* ---- streams ----------------------------------------------------------------------------------*/

static void send_events(struct writer *w)
{
	int64_t n = room(w, LANE_EVENTS, EVENTS_PER);
	const struct event *event;
	uint32_t number;

	for (; n > 0 && (event = events_take(&w->events, &number)); n--) {
		put_head(w, 8, "XADD", event->kind, NULL);
		RESP_LITERAL(&w->out, "$6\r\nMAXLEN\r\n$1\r\n~\r\n");
		resp_i64(&w->out, w->deps.events_max ? *w->deps.events_max : STORE_EVENTS_KEPT);
		RESP_LITERAL(&w->out, "$1\r\n*\r\n$4\r\ndata\r\n");
		resp_bulk(&w->out, event->text, event->len);
		queue(w, LANE_EVENTS, pipeline_tag(PIPELINE_XADD, number));
	}
}

void pipeline_send(struct writer *w)
{
	uint64_t seq;

	buf_reset(&w->out);
	buf_reset(&w->data);
	make_set(w);
	seq = send_quotes(w);
	send_index(w);
	send_docs(w);
	send_doc_index(w);
	send_events(w);
	send_ticks(w, seq);
	w->dirty_now = w->dirty.count;
	if (w->owed > 0) {
		w->pipelines++;
		connection_write(w->connection, &w->out);
	}
}
