/* SPDX-License-Identifier: MIT
 *
 * session: one feed connection: what it is subscribed to, and the frames that wait for its socket.
 *
 * Nothing here grows without a bound: while the socket is full, messages only set bits ("owed"),
 * and the latest state of these keys goes out when it can be written again.
 */
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "sim/sim_internal.h"
#include "upstox/control.h"

struct session *session_create(struct sim *s, struct ws_conn *c)
{
	struct session *session = mem_zalloc(sizeof(*session));

	session->sim = s;
	session->conn = c;
	list_append(&s->sessions, &session->link);
	s->sessions_n++;
	s->sessions_total++;
	log_info("sim", "feed session from %s", ws_conn_peer(c));
	return session;
}

void session_destroy(struct session *s)
{
	struct sim *sim = s->sim;

	list_remove(&s->link);
	sim->sessions_n--;
	s->conn = NULL;
	buf_fini(&s->out);
	buf_fini(&s->faults.held);
	bitset_fini(&s->behind);
	free(s->modes);
	s->modes = NULL;
	s->modes_cap = 0;
	loop_reap(sim->loop, s);
	if (sim->is_stopping)
		sim_part_closed(sim);
	else
		player_kick(sim); /* it may have been the one that the source waited for */
}

bool session_has_keys(const struct session *s)
{
	for (int m = 0; m < SIM_MODES; m++) {
		if (s->have[m])
			return true;
	}
	return false;
}

bool session_is_behind(const struct session *s)
{
	return s->is_full || s->faults.stall_until;
}

/* --- subscriptions --------------------------------------------------------------------------- */

static uint8_t *mode_slot(struct session *s, inst_id id)
{
	if (id >= s->modes_cap) {
		uint32_t cap = s->sim->book.instruments.count;

		cap = cap > id ? cap : id + 1;
		s->modes = mem_realloc(s->modes, cap);
		memset(s->modes + s->modes_cap, 0, cap - s->modes_cap);
		s->modes_cap = cap;
	}
	return &s->modes[id];
}

static void set_mode(struct session *s, inst_id id, enum request_mode mode)
{
	uint8_t *slot = mode_slot(s, id), old = *slot;

	if (old)
		s->have[old - 1]--; /* moving must not count twice */
	if (limits_admit(&s->sim->limits, s->have, mode))
		*slot = (uint8_t)(mode + 1);
	if (*slot)
		s->have[*slot - 1]++;
}

static void drop_key(struct session *s, inst_id id)
{
	uint8_t *slot = mode_slot(s, id);

	if (*slot)
		s->have[*slot - 1]--;
	*slot = 0;
	bitset_remove(&s->behind, id);
}

/* Whether the key now has the mode that was asked for, so that its snapshot is due. */
static bool take_key(struct session *s, const struct control_request *r, inst_id id)
{
	switch (r->method) {
	case CONTROL_UNSUB:
		drop_key(s, id);
		return false;
	case CONTROL_CHANGE_MODE:
		if (!*mode_slot(s, id))
			return false;
		break;
	case CONTROL_SUB:
		break;
	}
	set_mode(s, id, r->mode);
	return *mode_slot(s, id) == (uint8_t)(r->mode + 1);
}

void session_request(struct session *s, const char *json, size_t len)
{
	struct sim *sim = s->sim;
	struct control_request r;
	struct agni_err err;
	struct bitset taken = {0}; /* a key may stand in a request twice, in a snapshot once */
	inst_id *ids;
	uint32_t n = 0;

	if (control_parse(&r, json, len, &err) < 0) {
		log_debug("sim", "request ignored: %s", err.text);
		return;
	}
	sim->requests_total++;
	ids = mem_alloc((r.keys_n + 1) * sizeof(*ids));
	for (uint32_t i = 0; i < r.keys_n; i++) {
		inst_id id = instruments_find(&sim->book.instruments, r.keys[i], strlen(r.keys[i]));

		if (id != INST_NONE && take_key(s, &r, id) && bitset_add(&taken, id))
			ids[n++] = id;
	}
	bitset_fini(&taken);
	control_fini(&r);
	if (n > 0) {
		session_snapshot(s, ids, n);
		player_subscribed(sim);
	}
	free(ids);
	player_kick(sim);
}

/* --- snapshots ------------------------------------------------------------------------------- */

static void add_state(struct session *s, inst_id id)
{
	struct sim *sim = s->sim;
	const struct slot *slot = book_slot(&sim->book, id);
	enum request_mode mode = (enum request_mode)(s->modes[id] - 1);

	quote_replace(&sim->projected, &slot->q);
	quote_project(&sim->projected, mode);
	feed_encoder_add(sim->encoder, instruments_key(&sim->book.instruments, id), &sim->projected,
			 mode);
}

static void end_snapshot(struct session *s)
{
	struct sim *sim = s->sim;

	if (feed_encoder_count(sim->encoder) == 0)
		return;
	buf_reset(&sim->encoded);
	feed_encoder_end(sim->encoder, &sim->encoded);
	session_send(s, sim->encoded.data, sim->encoded.len);
}

void session_snapshot(struct session *s, const inst_id *ids, uint32_t n)
{
	struct sim *sim = s->sim;
	uint32_t split = (uint32_t)sim->cfg->snapshot_split; /* 0: all in one message */
	int64_t now_ms = player_market_ms(sim);

	feed_encoder_begin(sim->encoder, FEED_INITIAL, now_ms);
	for (uint32_t i = 0; i < n; i++) {
		if (session_is_behind(s)) {
			bitset_add(&s->behind, ids[i]);
			continue;
		}
		if (!book_slot(&sim->book, ids[i]))
			continue; /* has not ticked yet: it will come with its first message */
		add_state(s, ids[i]);
		if (feed_encoder_count(sim->encoder) == split) {
			end_snapshot(s);
			feed_encoder_begin(sim->encoder, FEED_INITIAL, now_ms);
		}
	}
	end_snapshot(s);
}

/* What was missed while nothing could be written. */
static void catch_up(struct session *s)
{
	uint32_t n = 0;
	inst_id *ids;

	if (s->owes_info) {
		s->owes_info = false;
		session_send_info(s);
	}
	if (s->behind.count == 0)
		return;
	ids = mem_alloc(s->behind.count * sizeof(*ids));
	bitset_for_each(id, &s->behind) ids[n++] = id;
	bitset_clear(&s->behind);
	session_snapshot(s, ids, n);
	free(ids);
}

/* --- sending --------------------------------------------------------------------------------- */

void session_send(struct session *s, const void *bytes, size_t len)
{
	if (!s->conn || s->faults.is_silent || s->faults.is_cut)
		return;
	s->sim->messages_total++;
	s->sim->bytes_total += len;
	faults_pass(s, bytes, len);
}

void session_send_info(struct session *s)
{
	struct sim *sim = s->sim;

	if (session_is_behind(s)) {
		s->owes_info = true;
		return;
	}
	buf_reset(&sim->encoded);
	publish_build_info(sim, &sim->encoded);
	session_send(s, sim->encoded.data, sim->encoded.len);
}

void session_flush(struct session *s)
{
	enum ws_sent sent;

	if (!s->conn || session_is_behind(s))
		return;
	if (s->out.len == 0)
		catch_up(s);
	if (s->out.len == 0)
		return;
	sent = ws_conn_send(s->conn, s->out.data, s->out.len);
	if (sent == WS_FULL) {
		s->is_full = true;
		return;
	}
	buf_reset(&s->out);
	if (sent == WS_CLOSED) {
		s->conn = NULL;
	} else if (s->faults.is_cut) {
		struct ws_conn *c = s->conn;

		s->conn = NULL;
		ws_conn_abort(c);
	}
}
