/* SPDX-License-Identifier: MIT
 *
 * catchup: every tick, in order: a client's cursor into the tape, one frame per flush.
 *
 *      flush --> ticks behind cursor.seq, wanted and not had --> JSON, shared by readers of one mode
 *                     |  a gap: one notice with its bounds, and on behind it
 *                     |  the edge: policy all stays here; a resume of policy latest is over
 *                     |  not in memory: a worker reads, the next flush looks again
 *                     |  budget used up: the others first, and on in the next turn
 *
 * A client at the edge and one that is a day behind go through the same code; there is no seam. When
 * the socket takes nothing the cursor is put back to where the frame began: nothing is kept.
 */
#include "stream/stream_internal.h"
#include "tape/codec.h"

static const struct buf *tick_json(struct stream *s, const struct tape_tick *tick,
				   enum view_mode mode)
{
	struct fragment *f = &s->recent[mode][tick->seq % RECENT_TICKS];

	if (f->seq == tick->seq)
		return &f->json;
	s->encode_budget -= s->encode_budget > 0;
	buf_reset(&f->json);
	/* The bytes were checked when they were read; what does not decode is shown as empty. */
	if (!tape_tick_decode(tick->bytes, tick->len, tick->ts_ms, &s->tick.q))
		quote_clear(&s->tick.q);
	s->tick.seq = tick->seq;
	s->tick.ts_ms = tick->ts_ms;
	s->tick.recv_ms = tick->recv_ms;
	quote_json(&f->json, instruments_key(&s->deps.book->instruments, tick->id), &s->tick, mode);
	if (tick->is_snapshot) {
		f->json.len--; /* the closing brace */
		buf_str(&f->json, ",\"replaces\":true}");
	}
	f->seq = tick->seq;
	return &f->json;
}

/* Puts ticks into the frame until it is full or none comes. Returns how many. */
static uint32_t gather(struct client *c, enum tape_step *step, struct tape_gap *gap)
{
	struct stream *s = c->stream;
	struct tape_tick tick;
	uint32_t n = 0;

	frame_begin(&s->out, false);
	while (s->out.len < SEND_MAX_BYTES && s->encode_budget) {
		const struct buf *json;

		*step = tape_cursor_next(s->deps.tape, &c->cursor, &c->all, &s->walk_budget, &tick,
					 gap);
		if (*step != TAPE_STEP_TICK)
			return n;
		if (tick.seq <= c->since[tick.id])
			continue;
		json = tick_json(s, &tick, client_mode(c, tick.id));
		if (n++)
			buf_byte(&s->out, ',');
		buf_append(&s->out, json->data, json->len);
	}
	*step = TAPE_STEP_TIRED;
	return n;
}

static void send_gap(struct client *c, const struct tape_gap *gap)
{
	struct buf b = {0};

	c->stream->gaps++;
	buf_printf(&b, "{\"type\":\"gap\",\"from_seq\":%llu,\"to_seq\":%llu,\"reason\":\"%s\"}",
		   (unsigned long long)gap->from, (unsigned long long)gap->to, gap->reason);
	client_reply(c, &b);
	if (c->sent_seq < gap->to)
		c->sent_seq = gap->to;
}

/* Everything up to the newest tick was delivered: what asked for policy latest goes over to it. */
static void reach_edge(struct client *c)
{
	bitset_for_each(id, &c->then_latest)
	{
		bitset_remove(&c->all, id);
		bitset_add(&c->latest, id);
	}
	bitset_clear(&c->then_latest);
}

bool client_catch_up(struct client *c)
{
	struct stream *s = c->stream;
	enum tape_step step = TAPE_STEP_EDGE;
	struct tape_gap gap = {0};
	struct tape_cursor before = c->cursor;
	uint32_t n;

	tape_cursor_begin(&c->cursor);
	n = gather(c, &step, &gap);
	if (n) {
		uint64_t seq = step == TAPE_STEP_GAP ? gap.from - 1 : c->cursor.seq;
		enum ws_sent sent = frame_send(c, &s->out, seq, 0);

		if (sent != WS_SENT) {
			c->cursor = before;
			if (sent == WS_FULL)
				client_went_full(c);
			return false;
		}
		c->ticks += n;
		s->ticks += n;
		s->replayed += step != TAPE_STEP_EDGE ? n : 0;
	}
	if (step == TAPE_STEP_GAP)
		send_gap(c, &gap);
	if (step == TAPE_STEP_EDGE)
		reach_edge(c);
	else if (step != TAPE_STEP_WAIT)
		stream_arm(s);
	return true;
}
