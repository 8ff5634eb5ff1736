/* SPDX-License-Identifier: MIT
 *
 * publish: the clients as documents in Redis, for a monitor that runs anywhere: client:{ID} with the
 * object of GET /clients, each ROUND_NS.
 *
 *      sweep (250 ms): the next clients in the order in which they came, until a share of them is
 *                      done or the time is up; the round begins anew when it is due
 *
 * However many clients there are, a sweep costs at most about a millisecond, and at most
 * PUBLISH_MAX documents are kept: a client beyond gets one when another has left.
 */
#include "stream/stream_internal.h"

#define PUBLISH_MAX  1000
#define ROUND_NS     (2 * NS_PER_S)
#define SHARE        160 /* clients in one sweep: PUBLISH_MAX in less than a round */
#define LOOK_AFTER   16  /* clients, at the clock */
#define SWEEP_MAX_NS NS_PER_MS

static void publish_client(struct client *c)
{
	struct stream *s = c->stream;

	if (!c->is_published) {
		if (s->published == PUBLISH_MAX)
			return;
		c->is_published = true;
		s->published++;
	}
	buf_reset(&s->out);
	stream_put_client(&s->out, c);
	(void)store_doc_set(s->deps.store, KEY_CLIENT, c->id, s->out.data, s->out.len);
}

/* The next clients of the round; returns how many, and whether that was the last of them. */
static unsigned publish_some(struct stream *s, mono_ns end, bool *is_last)
{
	unsigned n = 0;

	list_for_each (it, &s->clients) {
		struct client *c = container_of(it, struct client, link);
		bool is_late = n && n % LOOK_AFTER == 0 && clock_mono(s->deps.loop->clock) > end;

		if (c->number < s->publish_from || !c->conn)
			continue;
		if (n == SHARE || is_late) {
			s->publish_from = c->number;
			*is_last = false;
			return n;
		}
		publish_client(c);
		n++;
	}
	*is_last = true;
	return n;
}

void publish_sweep(struct stream *s)
{
	mono_ns now = clock_mono(s->deps.loop->clock);
	bool is_last;

	if (!s->deps.store || !store_is_on(s->deps.store))
		return;
	if (s->publish_from == 0) {
		if (now < s->publish_due)
			return;
		s->publish_due = now + ROUND_NS;
		s->publish_from = 1;
	}
	if (publish_some(s, now + SWEEP_MAX_NS, &is_last) > 0)
		histogram_add(&s->publish_time, (clock_mono(s->deps.loop->clock) - now) / 1000);
	if (is_last)
		s->publish_from = 0;
}

void publish_drop(struct client *c)
{
	struct stream *s = c->stream;

	if (!c->is_published)
		return;
	c->is_published = false;
	s->published--;
	store_doc_drop(s->deps.store, KEY_CLIENT, c->id);
}
