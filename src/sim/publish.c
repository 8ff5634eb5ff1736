/* SPDX-License-Identifier: MIT
 *
 * publish: from the source to the sessions.
 *
 * A session gets the recorded bytes as they are when it has every key of the message in full mode, or
 * in full_d30 what was recorded so. Otherwise the entries it has are encoded again, as its modes show them.
 */
#include "sim/sim_internal.h"

static int mode_of(const struct session *s, inst_id id)
{
	return id < s->modes_cap ? (int)s->modes[id] - 1 : -1;
}

static bool takes_as_recorded(const struct session *s, const struct message *m)
{
	if (!m->raw)
		return false;
	for (uint32_t i = 0; i < m->n; i++) {
		int mode = mode_of(s, m->ids[i]);
		bool is_d30 = m->ticks[i].q.mode == MODE_FULL_D30;

		if (mode != (is_d30 ? MODE_FULL_D30 : MODE_FULL_D5))
			return false;
	}
	return true;
}

static void send_part(struct session *s, const struct message *m)
{
	struct sim *sim = s->sim;

	feed_encoder_begin(sim->encoder, (enum feed_type)m->type, m->ts_ms);
	for (uint32_t i = 0; i < m->n; i++) {
		int mode = mode_of(s, m->ids[i]);

		if (mode < 0)
			continue;
		quote_replace(&sim->projected, &m->ticks[i].q);
		quote_project(&sim->projected, (enum request_mode)mode);
		if (!sim->projected.present)
			continue; /* nothing of what this mode carries has changed */
		feed_encoder_add(sim->encoder, instruments_key(&sim->book.instruments, m->ids[i]),
				 &sim->projected, (enum request_mode)mode);
	}
	if (feed_encoder_count(sim->encoder) == 0)
		return;
	buf_reset(&sim->encoded);
	feed_encoder_end(sim->encoder, &sim->encoded);
	session_send(s, sim->encoded.data, sim->encoded.len);
}

/* The session cannot take it now: its latest state will do later. */
static void owe(struct session *s, const struct message *m)
{
	s->owes_info = s->owes_info || m->has_info;
	for (uint32_t i = 0; i < m->n; i++) {
		if (mode_of(s, m->ids[i]) >= 0 && !bitset_add(&s->behind, m->ids[i]))
			s->sim->conflated_total++;
	}
}

static void offer(struct session *s, const struct message *m)
{
	if (session_is_behind(s))
		owe(s, m);
	else if (m->raw && (m->n == 0 || takes_as_recorded(s, m)))
		session_send(s, m->raw, m->raw_len);
	else if (session_has_keys(s))
		send_part(s, m);
}

void publish_message(struct sim *s, const struct message *m)
{
	struct tick_meta meta = {
		.ts_ms = m->ts_ms,
		.recv_ms = clock_wall_ms(s->loop->clock),
		.recv_mono = sim_now(s),
		.is_snapshot = m->type == FEED_INITIAL,
	};

	for (uint32_t i = 0; i < m->n; i++) {
		if (m->ids[i] != INST_NONE)
			book_merge(&s->book, m->ids[i], &m->ticks[i], &meta);
	}
	list_for_each (it, &s->sessions)
		offer(container_of(it, struct session, link), m);
}

void publish_build_info(struct sim *s, struct buf *out)
{
	const char *segments[TAPE_SEGMENTS_MAX];
	enum market_status status;
	int64_t ts_ms;
	uint32_t n = player_segments(s, segments, &status, &ts_ms);

	feed_encoder_begin(s->encoder, FEED_MARKET_INFO, ts_ms);
	for (uint32_t i = 0; i < n; i++)
		feed_encoder_add_status(s->encoder, segments[i], status);
	feed_encoder_end(s->encoder, out);
}

void publish_info(struct sim *s)
{
	list_for_each (it, &s->sessions)
		session_send_info(container_of(it, struct session, link));
}
