/* SPDX-License-Identifier: MIT
 *
 * frame: the bytes: the JSON of an instrument, made once per mode and tick whoever reads it, and
 * market_data frames gathered from it.
 */
#include "stream/stream_internal.h"

/* Room in front of the payload for the largest frame header. */
#define HEADER_ROOM 10

const struct buf *stream_fragment(struct stream *s, inst_id id, enum view_mode mode)
{
	const struct slot *slot = book_slot(s->deps.book, id);
	struct fragment *f = &s->fragments[mode][id];

	if (f->seq != slot->seq) {
		buf_reset(&f->json);
		quote_json(&f->json, instruments_key(&s->deps.book->instruments, id), slot, mode);
		f->seq = slot->seq;
	}
	return &f->json;
}

void frame_begin(struct buf *out, bool is_snapshot)
{
	buf_reset(out);
	buf_reserve(out, HEADER_ROOM);
	out->len = HEADER_ROOM;
	buf_str(out, is_snapshot ? "{\"type\":\"market_data\",\"snapshot\":true,\"data\":["
				 : "{\"type\":\"market_data\",\"data\":[");
}

void frame_add(struct buf *out, const struct buf *json, uint32_t *quotes)
{
	if ((*quotes)++)
		buf_byte(out, ',');
	buf_append(out, json->data, json->len);
}

void frame_end(struct buf *out, struct frame *f)
{
	char header[HEADER_ROOM];
	size_t n, len;

	buf_str(out, "],\"seq\":");
	buf_i64(out, (int64_t)f->seq);
	if (f->conflated) {
		buf_str(out, ",\"conflated\":");
		buf_i64(out, (int64_t)f->conflated);
	}
	buf_byte(out, '}');
	len = out->len - HEADER_ROOM;
	n = ws_header_write(header, WS_TEXT, len);
	memcpy(out->data + HEADER_ROOM - n, header, n);
	f->bytes = out->data + HEADER_ROOM - n;
	f->len = len + n;
}

enum ws_sent frame_send(struct client *c, const struct frame *f)
{
	struct stream *s = c->stream;
	enum ws_sent sent = ws_conn_send(c->conn, f->bytes, f->len);

	if (sent == WS_SENT) {
		s->frames++;
		s->bytes += f->len;
		s->ticks += f->quotes;
		s->conflated += f->conflated;
		c->frames++;
		c->ticks += f->quotes;
		c->conflated += f->conflated;
		c->sent_seq = f->seq;
		c->last_sent = s->now;
	} else if (sent == WS_FULL) {
		client_went_full(c);
	}
	return sent;
}
