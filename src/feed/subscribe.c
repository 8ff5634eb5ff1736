/* SPDX-License-Identifier: MIT
 *
 * subscribe: keeps what upstream was told equal to the highest mode that anyone wants, in batches:
 * one request per mode and subscribe_batch keys, once per turn of the loop.
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

/* One pass over the changed instruments for one kind of request. */
static void tell(struct feed *f, enum control_method method, int want, const char **keys)
{
	struct batch b = {.f = f, .method = method, .keys = keys};

	if (want >= 0)
		b.mode = wire_mode(want);
	bitset_for_each(id, &f->deps.interest->changed)
	{
		struct told *told = told_of(f, id);
		int top = interest_top(f->deps.interest, id);
		bool is_due =
			want < 0 ? top < 0 && told->mode
				 : top == want && told->mode != want + 1 &&
					   (told->mode != 0) == (method == CONTROL_CHANGE_MODE);

		if (is_due) {
			batch_add(&b, instruments_key(&f->deps.book->instruments, id));
			if (!told->mode)
				told->since = clock_mono(f->deps.loop->clock);
			told->mode = (uint8_t)(want + 1);
		}
	}
	batch_send(&b);
}

void feed_subscribe_changes(struct feed *f)
{
	const char **keys;

	if (!f->told_conn)
		return;
	keys = mem_alloc((size_t)f->deps.cfg->subscribe_batch * sizeof(*keys));
	/* First what frees the broker's budget, then what spends it. */
	tell(f, CONTROL_UNSUB, WANT_NOTHING, keys);
	for (int want = 0; want < WANT_MODES; want++) {
		tell(f, CONTROL_CHANGE_MODE, want, keys);
		tell(f, CONTROL_SUB, want, keys);
	}
	bitset_clear(&f->deps.interest->changed);
	free(keys);
}

void feed_subscribe_all(struct feed *f)
{
	for (uint32_t id = 0; id < f->told_cap; id++)
		f->told[id].mode = 0;
	for (inst_id id = 0; id < f->deps.book->instruments.count; id++) {
		if (interest_top(f->deps.interest, id) != WANT_NOTHING)
			bitset_add(&f->deps.interest->changed, id);
	}
	feed_subscribe_changes(f);
}
