/* SPDX-License-Identifier: MIT
 *
 * client: one reader: its connection, its seats, and replies that wait for its socket.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/rand.h"
#include "stream/selection.h"
#include "stream/stream_internal.h"

struct client *client_create(struct stream *s, struct ws_conn *conn)
{
	struct client *c = mem_zalloc(sizeof(*c));

	c->stream = s;
	c->conn = conn;
	rand_hex(c->id, (sizeof(c->id) - 1) / 2);
	c->last_sent = clock_mono(s->deps.loop->clock);
	c->since_ms = clock_wall_ms(s->deps.loop->clock);
	c->sent_seq = s->deps.tape->seq;
	list_append(&s->clients, &c->link);
	list_init(&c->busy);
	list_init(&c->following);
	s->clients_now++;
	s->clients_total++;
	c->number = (uint32_t)s->clients_total;
	return c;
}

void client_destroy(struct client *c)
{
	struct stream *s = c->stream;

	if (s->deps.auth)
		auth_connection_closed(s->deps.auth, &c->caller);
	publish_drop(c);
	channels_fini(c);
	selections_fini(c);
	for (uint32_t i = 0; i < c->seats_n; i++) {
		const struct view *v = c->seats[i].view;

		for (uint32_t k = 0; k < v->n; k++)
			interest_drop(s->deps.interest, v->ids[k], (enum interest_mode)v->modes[k]);
		seat_settle(&c->seats[i]);
		list_remove(&c->seats[i].link);
		view_release(s, c->seats[i].view);
	}
	free(c->seats);
	list_remove(&c->busy);
	list_remove(&c->link);
	s->clients_now--;
	buf_fini(&c->replies);
	free(c);
}

void client_close(struct client *c, int code, const char *reason)
{
	if (c->conn)
		ws_conn_close(c->conn, code, reason);
}

void client_busy(struct client *c)
{
	if (!c->is_full && list_is_empty(&c->busy))
		list_append(&c->stream->busy, &c->busy);
}

/* While it is full nothing looks at it: neither the list of the busy, nor its views. So who was at the
 * edge of the tape keeps the place. */
void client_went_full(struct client *c)
{
	if (c->is_full)
		return;
	c->is_full = true;
	c->full_since = clock_mono(c->stream->deps.loop->clock);
	c->stream->full++;
	list_remove(&c->busy);
	for (uint32_t i = 0; i < c->seats_n; i++) {
		struct owed *o = c->seats[i].owed;

		if (!o)
			continue;
		list_remove(&c->seats[i].link);
		if (o->chase && o->chase->is_at_edge) {
			o->chase->cursor = stream_edge_from(c->stream, &o->chase->cursor);
			o->chase->is_at_edge = false;
		}
	}
}

void client_writable(struct client *c)
{
	c->is_full = false;
	for (uint32_t i = 0; i < c->seats_n; i++) {
		struct seat *seat = &c->seats[i];

		if (seat->owed && list_is_empty(&seat->link))
			list_append(&seat->view->owing, &seat->link);
	}
	client_busy(c);
}

void client_reply(struct client *c, struct buf *json)
{
	struct buf frame = {0};

	ws_frame_append(&frame, WS_TEXT, json->data, json->len);
	buf_fini(json);
	c->last_sent = clock_mono(c->stream->deps.loop->clock);
	if (!c->is_full && c->replies.len == 0) {
		enum ws_sent sent = ws_conn_send(c->conn, frame.data, frame.len);

		if (sent == WS_FULL) {
			buf_append(&c->replies, frame.data, frame.len);
			client_went_full(c);
		}
	} else if (c->replies.len + frame.len > REPLIES_MAX_BYTES) {
		client_close(c, STREAM_CLOSE_FLOOD, "replies are not read");
	} else {
		buf_append(&c->replies, frame.data, frame.len);
	}
	buf_fini(&frame);
}

/* --- what it has, and what not --------------------------------------------------------------- */

uint32_t client_count(const struct client *c, uint32_t pace)
{
	for (uint32_t i = 0; i < c->seats_n; i++) {
		if (c->seats[i].view->pace == pace)
			return c->seats[i].view->n;
	}
	return 0;
}

uint32_t client_behind(const struct client *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->seats_n; i++) {
		for (uint32_t k = 0; k < c->seats[i].view->n; k++)
			n += seat_missed(&c->seats[i], k) != 0;
	}
	return n;
}

/* Up to where the cursor has been; the newest tick without one. */
static uint64_t cursor_seq(const struct client *c)
{
	const struct stream *s = c->stream;
	uint64_t newest = s->deps.tape->seq;

	for (uint32_t i = 0; i < c->seats_n; i++) {
		const struct seat *seat = &c->seats[i];
		const struct chase *chase = seat->owed ? seat->owed->chase : NULL;

		if (seat->view->pace != PACE_TICKS)
			continue;
		if (chase && !chase->is_at_edge)
			return chase->cursor.seq < newest ? chase->cursor.seq : newest;
		if (!chase && seat->view->is_late)
			return seat->view->place->seq;
		return stream_edge(s).seq;
	}
	return newest;
}

uint64_t client_lag(const struct client *c)
{
	return c->stream->deps.tape->seq - cursor_seq(c);
}

uint64_t client_considered(const struct client *c)
{
	for (uint32_t i = 0; i < c->seats_n; i++) {
		if (c->seats[i].owed && c->seats[i].owed->snapshots)
			return c->sent_seq;
	}
	return client_behind(c) ? c->sent_seq : cursor_seq(c);
}
