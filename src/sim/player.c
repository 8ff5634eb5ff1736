/* SPDX-License-Identifier: MIT
 *
 * player: the pace at which the source's messages are published.
 *
 * Everything happens in one turn hook: what is due is published, a bounded amount per turn, then
 * every session is flushed once. The timer only arms the hook. A message is due when real time has
 * run as far as market time, divided by the speed; a tape whose currentTs goes back does not wait.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "sim/sim_internal.h"

#define TURN_MESSAGES 64
#define TURN_BYTES    (256u << 10)
#define NIGHT_MS      5000 /* real time between a close and the next open */

bool player_parse_speed(const char *text, double *out)
{
	char *end;

	if (strcmp(text, "max") == 0) {
		*out = 0;
		return true;
	}
	*out = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*out) && *out > 0;
}

/* --- time ------------------------------------------------------------------------------------ */

static int64_t next_ms(const struct player *p)
{
	return p->tape ? tape_source_next_ms(p->tape) : model_now(p->model) + MODEL_STEP_MS;
}

/* The real time at which the next message is due. */
static mono_ns due_at(const struct player *p)
{
	int64_t market = next_ms(p) > p->market_ms ? next_ms(p) : p->market_ms;

	return p->base_mono +
	       (mono_ns)((double)(market - p->base_ms) * (double)NS_PER_MS / p->speed);
}

static void set_base(struct sim *s, int64_t market_ms)
{
	s->player.base_mono = sim_now(s);
	s->player.base_ms = market_ms;
	s->player.market_ms = market_ms;
}

/* At speed=max nothing may be lost: the source waits for the slowest, and for somebody. */
static bool must_wait(const struct sim *s)
{
	bool has_reader = false;

	if (s->player.speed > 0)
		return false;
	list_for_each (it, &s->sessions) {
		const struct session *x = container_of(it, struct session, link);

		if (!x->conn || x->faults.is_silent)
			continue;
		if (session_is_behind(x))
			return true;
		has_reader = has_reader || session_has_keys(x);
	}
	return !has_reader;
}

/* --- the model ------------------------------------------------------------------------------- */

static void publish_model(struct sim *s)
{
	struct player *p = &s->player;

	for (uint32_t i = 0; i < p->msg.n; i++)
		p->msg.ids[i] = p->ids[p->msg.ids[i]];
	publish_message(s, &p->msg);
}

/* The day's instruments get their place in the book, and their opening state. */
static void list_day(struct sim *s)
{
	struct player *p = &s->player;
	uint32_t n;
	const struct listed *rows = model_listing(p->model, &n);
	char text[IST_TEXT];

	p->ids = mem_realloc(p->ids, n * sizeof(*p->ids));
	for (uint32_t i = 0; i < n; i++) {
		p->ids[i] =
			instruments_intern(&s->book.instruments, rows[i].key, strlen(rows[i].key));
		AGNI_ASSERT(p->ids[i] != INST_NONE);
	}
	log_info("sim", "synthetic market at %s, %u instruments",
		 ist_format(model_now(p->model), text), n);
	model_state(p->model, &p->msg);
	publish_model(s);
	set_base(s, model_now(p->model));
	p->state = PLAYER_PLAYING;
}

static void play_step(struct sim *s)
{
	struct player *p = &s->player;
	bool goes_on = model_step(p->model, &p->msg);

	p->market_ms = model_now(p->model);
	if (goes_on) {
		if (p->msg.n > 0)
			publish_model(s);
		return;
	}
	p->state = PLAYER_CLOSED;
	log_info("sim", "the synthetic market has closed; the next session opens in %d s",
		 NIGHT_MS / 1000);
	publish_info(s);
	uv_timer_stop(&p->timer);
}

static void open_next_day(struct sim *s)
{
	model_next_day(s->player.model);
	s->player.state = PLAYER_PLAYING;
	publish_info(s);
	list_day(s);
}

/* --- the tape -------------------------------------------------------------------------------- */

static void play_record(struct sim *s)
{
	struct player *p = &s->player;

	if (tape_source_next(p->tape, &p->msg)) {
		if (p->msg.ts_ms > p->market_ms)
			p->market_ms = p->msg.ts_ms;
		p->played++;
		publish_message(s, &p->msg);
	}
	if (!tape_source_at_end(p->tape))
		return;
	p->state = PLAYER_ENDED;
	log_info("sim", "the tape has run out after %llu messages",
		 (unsigned long long)tape_source_facts(p->tape)->messages);
	publish_info(s);
}

static int open_tape(struct sim *s, struct agni_err *err)
{
	struct player *p = &s->player;
	const struct tape_facts *f;
	int rc = tape_source_open(s->cfg->tape, &s->book.instruments, &p->tape, err);

	if (rc < 0)
		return rc;
	f = tape_source_facts(p->tape);
	log_info("sim", "tape %s: %llu messages, %u instruments", s->cfg->tape,
		 (unsigned long long)f->messages, s->book.instruments.count);
	if (f->invalid)
		log_warn("sim", "tape %s: %llu messages are no FeedResponse and are left out",
			 s->cfg->tape, (unsigned long long)f->invalid);
	if (f->problem[0])
		log_warn("sim", "tape %s is damaged: %s; it plays up to there", s->cfg->tape,
			 f->problem);
	p->market_ms = f->first_ms;
	p->state = PLAYER_IDLE;
	return 0;
}

/* --- the pump -------------------------------------------------------------------------------- */

static void play_one(struct sim *s)
{
	if (s->player.tape)
		play_record(s);
	else
		play_step(s);
}

/* Publishes what is due. True when the turn's share is used up and more may be due. */
static bool play_due(struct sim *s)
{
	struct player *p = &s->player;
	size_t bytes = 0;

	for (int i = 0; i < TURN_MESSAGES && bytes < TURN_BYTES; i++) {
		if (p->state != PLAYER_PLAYING)
			return false;
		if (must_wait(s)) {
			s->waits_total++;
			return false;
		}
		if (p->burst > 0) {
			p->burst--;
		} else if (p->speed > 0) {
			mono_ns now = sim_now(s), due = due_at(p);

			if (due > now) {
				uv_timer_start(&p->timer, p->timer.timer_cb,
					       (due - now + NS_PER_MS - 1) / NS_PER_MS, 0);
				return false;
			}
		}
		play_one(s);
		bytes += p->msg.raw_len;
	}
	return true;
}

static void on_turn(struct turn_hook *hook)
{
	struct sim *s = container_of(hook, struct sim, player.pump);
	bool is_more = play_due(s);

	if (s->player.state == PLAYER_CLOSED && !uv_is_active((uv_handle_t *)&s->player.timer))
		uv_timer_start(&s->player.timer, s->player.timer.timer_cb, NIGHT_MS, 0);
	list_for_each (it, &s->sessions)
		session_flush(container_of(it, struct session, link));
	if (is_more)
		hook_arm(hook);
}

static void on_timer(uv_timer_t *timer)
{
	struct sim *s = container_of(timer, struct sim, player.timer);

	if (s->player.state == PLAYER_IDLE) {
		s->player.state = PLAYER_PLAYING;
		set_base(s, tape_source_facts(s->player.tape)->first_ms);
		log_info("sim", "the tape begins to play");
	} else if (s->player.state == PLAYER_CLOSED) {
		open_next_day(s);
	}
	hook_arm(&s->player.pump);
}

void player_kick(struct sim *s)
{
	if (s->player.pump.loop)
		hook_arm(&s->player.pump);
}

void player_subscribed(struct sim *s)
{
	struct player *p = &s->player;

	if (p->state == PLAYER_IDLE && !uv_is_active((uv_handle_t *)&p->timer))
		uv_timer_start(&p->timer, on_timer, (uint64_t)s->cfg->start_delay_ms, 0);
}

/* --- opening and closing --------------------------------------------------------------------- */

int player_open(struct sim *s, struct agni_err *err)
{
	struct player *p = &s->player;
	int64_t start_ms;

	if (!player_parse_speed(s->cfg->speed, &p->speed))
		return agni_fail(err, AGNI_ECONFIG, "sim.speed: \"%s\" is no number > 0, nor max",
				 s->cfg->speed);
	if (s->cfg->source == SIM_TAPE)
		return open_tape(s, err);
	if (strcmp(s->cfg->start, "auto") == 0)
		start_ms = model_start_auto(clock_wall_ms(s->loop->clock));
	else if (!ist_parse(s->cfg->start, strlen(s->cfg->start), &start_ms))
		return agni_fail(err, AGNI_ECONFIG, "sim.start: \"%s\" is no time", s->cfg->start);
	p->model = model_create((uint64_t)s->cfg->seed, start_ms);
	return 0;
}

void player_start(struct sim *s)
{
	struct player *p = &s->player;

	uv_timer_init(&s->loop->uv, &p->timer);
	p->timer.timer_cb = on_timer;
	loop_add_hook(s->loop, &p->pump, on_turn);
	if (p->model) {
		list_day(s);
		hook_arm(&p->pump);
	}
}

void player_close(struct sim *s)
{
	struct player *p = &s->player;

	loop_remove_hook(&p->pump);
	model_destroy(p->model);
	tape_source_close(p->tape);
	feed_message_fini(&p->msg);
	free(p->ids);
	*p = (struct player){.timer = p->timer};
}

/* --- what the others ask --------------------------------------------------------------------- */

int64_t player_market_ms(const struct sim *s)
{
	return s->player.market_ms;
}

uint32_t player_segments(const struct sim *s, const char *out[TAPE_SEGMENTS_MAX],
			 enum market_status *status, int64_t *ts_ms)
{
	static const char *const of_model[] = {"NSE_EQ", "NSE_FO", "NSE_INDEX"};
	const struct player *p = &s->player;
	const struct tape_facts *f;

	*status = STATUS_NORMAL_OPEN;
	if (p->model) {
		if (p->state == PLAYER_CLOSED)
			*status = STATUS_NORMAL_CLOSE;
		*ts_ms = model_now(p->model);
		memcpy(out, of_model, sizeof(of_model));
		return ARRAY_LEN(of_model);
	}
	f = tape_source_facts(p->tape);
	if (p->state == PLAYER_ENDED)
		*status = STATUS_NORMAL_CLOSE;
	*ts_ms = p->state == PLAYER_ENDED ? p->market_ms : tape_source_next_ms(p->tape);
	for (uint32_t i = 0; i < f->segments_n; i++)
		out[i] = f->segments[i];
	return f->segments_n;
}

void sim_progress(const struct sim *s, struct sim_progress *out)
{
	const struct player *p = &s->player;

	*out = (struct sim_progress){.played = p->played,
				     .sent = s->messages_total,
				     .market_ms = p->market_ms,
				     .has_ended = p->state == PLAYER_ENDED};
	if (p->tape) {
		out->messages = tape_source_facts(p->tape)->messages;
		snprintf(out->problem, sizeof(out->problem), "%s",
			 tape_source_facts(p->tape)->problem);
	}
}

void player_describe(const struct sim *s, char *out, size_t size)
{
	static const char *const states[] = {"waits for a subscription", "plays", "is closed",
					     "has run out"};
	const struct player *p = &s->player;
	char text[IST_TEXT];

	snprintf(out, size, "%s %s at %s, %llu sessions", p->tape ? "tape" : "synthetic market",
		 states[p->state], ist_format(p->market_ms, text),
		 (unsigned long long)s->sessions_n);
}

void player_listing(const struct sim *s, struct buf *out)
{
	const struct listed *rows;
	uint32_t n;

	if (s->player.tape) {
		listing_write_keys(out, &s->book.instruments);
		return;
	}
	rows = model_listing(s->player.model, &n);
	listing_write(out, rows, n);
}
