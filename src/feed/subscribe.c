/* SPDX-License-Identifier: MIT
 *
 * subscribe: keeps what upstream was told equal to the highest mode that anyone wants, in batches:
 * one request per mode and subscribe_batch keys, once per turn of the loop.
 *
 * What nobody wants any more stays subscribed for upstream.linger_s: a reader that reconnects, or a
 * page that is loaded again, finds its prices flowing. It goes at once when its place is needed.
 */
#include <stdlib.h>

#include "feed/feed_internal.h"
#include "upstox/control.h"

/* Requests under way: one list of keys per mode, sent when full and at the end. */
struct batch {
	struct feed *f;
	enum control_method method;
	enum request_mode mode;
	const char **keys;
	uint32_t n;
};

static enum request_mode wire_mode(int want)
{
	static const enum request_mode mode[WANT_MODES] = {MODE_LTPC, MODE_OPTION_GREEKS,
							   MODE_FULL_D5, MODE_FULL_D30};

	return mode[want];
}

static void batch_send(struct batch *b)
{
	struct buf out = {0};

	if (b->n == 0)
		return;
	control_write(&out, b->method, b->mode, b->keys, b->n);
	ws_conn_send_message(b->f->told_conn, WS_BINARY, out.data, out.len);
	b->f->subscribes++;
	buf_fini(&out);
	b->n = 0;
}

static void batch_add(struct batch *b, const char *key)
{
	b->keys[b->n++] = key;
	if (b->n == (uint32_t)b->f->deps.cfg->subscribe_batch)
		batch_send(b);
}

static struct told *told_of(struct feed *f, inst_id id)
{
	if (id >= f->told_cap) {
		uint32_t cap = f->told_cap ? f->told_cap : 256;

		while (id >= cap)
			cap *= 2;
		f->told = mem_realloc(f->told, cap * sizeof(*f->told));
		memset(f->told + f->told_cap, 0, (cap - f->told_cap) * sizeof(*f->told));
		f->told_cap = cap;
	}
	return &f->told[id];
}

/* The mode that upstream is to be told of next: full_d30 is asked for as a change from full, because
 * where the broker's plan does not admit it nothing happens, and all who want less would get
 * nothing. */
static int next_mode(const struct told *told, int top)
{
	return top == WANT_FULL_D30 && !told->mode ? WANT_FULL : top;
}

/* One pass over the changed instruments for one kind of request. */
static void tell(struct feed *f, enum control_method method, int want, const char **keys)
{
	struct batch b = {.f = f, .method = method, .keys = keys};

	b.mode = wire_mode(want);
	bitset_for_each(id, &f->deps.interest->changed)
	{
		struct told *told = told_of(f, id);

		if (next_mode(told, interest_top(f->deps.interest, id)) == want &&
		    told->mode != want + 1 &&
		    (told->mode != 0) == (method == CONTROL_CHANGE_MODE)) {
			batch_add(&b, instruments_key(&f->deps.book->instruments, id));
			if (!told->mode)
				told->since = clock_mono(f->deps.loop->clock);
			told->mode = (uint8_t)(want + 1);
		}
	}
	batch_send(&b);
}

/* --- what nobody wants any more ---------------------------------------------------------------- */

static void note_idle(struct feed *f)
{
	mono_ns now = clock_mono(f->deps.loop->clock);

	bitset_for_each(id, &f->deps.interest->changed)
	{
		struct told *told = told_of(f, id);

		if (interest_top(f->deps.interest, id) != WANT_NOTHING)
			bitset_remove(&f->lingering, id);
		else if (told->mode && bitset_add(&f->lingering, id))
			told->idle_since = now;
	}
}

/* Whether what is wanted and what lingers are together more than the broker serves. */
static bool is_room_needed(const struct feed *f)
{
	uint32_t more[WANT_MODES] = {0};

	bitset_for_each(id, &f->lingering)
	{
		more[f->told[id].mode - 1]++;
	}
	return !interest_fits(f->deps.interest, more);
}

static void end_lingering(struct feed *f, const char **keys)
{
	struct batch b = {.f = f, .method = CONTROL_UNSUB, .keys = keys};
	uint64_t patience = (uint64_t)f->deps.cfg->linger_s * NS_PER_S;
	mono_ns now = clock_mono(f->deps.loop->clock);
	bool is_urgent = f->lingering.count && is_room_needed(f);

	bitset_for_each(id, &f->lingering)
	{
		struct told *told = &f->told[id];

		if (!is_urgent && now - told->idle_since < patience)
			continue;
		batch_add(&b, instruments_key(&f->deps.book->instruments, id));
		told->mode = 0;
		bitset_remove(&f->lingering, id);
	}
	batch_send(&b);
}

void feed_subscribe_sweep(struct feed *f)
{
	if (f->lingering.count)
		hook_arm(&f->hook);
}

/* --- the table, told -------------------------------------------------------------------------- */

void feed_subscribe_changes(struct feed *f)
{
	const char **keys;

	if (!f->told_conn)
		return;
	keys = mem_alloc((size_t)f->deps.cfg->subscribe_batch * sizeof(*keys));
	/* First what frees the broker's budget, then what spends it. */
	note_idle(f);
	end_lingering(f, keys);
	for (int want = 0; want < WANT_MODES; want++)
		tell(f, CONTROL_CHANGE_MODE, want, keys);
	for (int want = 0; want < WANT_MODES; want++)
		tell(f, CONTROL_SUB, want, keys);
	tell(f, CONTROL_CHANGE_MODE, WANT_FULL_D30, keys); /* of what was asked for just now */
	bitset_clear(&f->deps.interest->changed);
	free(keys);
}

void feed_subscribe_all(struct feed *f)
{
	for (uint32_t id = 0; id < f->told_cap; id++)
		f->told[id].mode = 0;
	bitset_clear(&f->lingering);
	for (inst_id id = 0; id < f->deps.book->instruments.count; id++) {
		if (interest_top(f->deps.interest, id) != WANT_NOTHING)
			bitset_add(&f->deps.interest->changed, id);
	}
	feed_subscribe_changes(f);
}
