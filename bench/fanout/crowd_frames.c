/* SPDX-License-Identifier: MIT
 *
 * crowd_frames: what a client reads, cut into frames: the answer to its subscription while it joins,
 * then ticks, which are counted, and their age.
 */
#include <stdlib.h>

#include "fanout/crowd_internal.h"

/* Whole frame at `at` of `b`: its payload, or NULL while it is not all there. */
static const char *frame_at(const struct buf *b, size_t at, size_t *len, size_t *whole)
{
	const unsigned char *h = (const unsigned char *)b->data + at;
	size_t left = b->len - at, header = 2, n;

	if (left < 2)
		return NULL;
	n = h[1] & 0x7f;
	if (n >= 126)
		header = n == 126 ? 4 : 10;
	if (left < header)
		return NULL;
	if (header > 2) {
		n = 0;
		for (size_t i = 2; i < header; i++)
			n = n << 8 | h[i];
	}
	if (left - header < n)
		return NULL;
	*len = n;
	*whole = header + n;
	return b->data + at + header;
}

static uint64_t number_after(const char *text, size_t len, const char *name)
{
	const char *at = memmem(text, len, name, strlen(name));

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static uint64_t count_of(const char *text, size_t len, const char *what)
{
	const char *end = text + len, *at;
	size_t n = strlen(what);
	uint64_t count = 0;

	for (at = text; (at = memmem(at, (size_t)(end - at), what, n)); at += n)
		count++;
	return count;
}

/* One message of a sampled client: one tick, or agnidata's frame around many. */
static void on_data(struct crowd *c, struct reader *r, const char *text, size_t len)
{
	unsigned warm = c->plan->warm * (c->plan->who == AGNIDATA ? 1 : c->plan->ticks);
	static const char frame[] = "{\"type\":\"market_data\"";
	size_t tail = len < 80 ? len : 80;

	if (c->plan->who != AGNIDATA) {
		c->ticks++;
	} else if (len > sizeof(frame) && memcmp(text, frame, sizeof(frame) - 1) == 0) {
		c->ticks += count_of(text, len, "\"key\":");
		c->conflated += number_after(text + len - tail, tail, "\"conflated\":");
	}
	if (c->plan->has_latency && r->frames++ >= warm && c->latency_n < LATENCY_MAX) {
		double at = (double)number_after(text, len, "\"ltt\":") / 1e3;

		if (at > 0)
			c->latency_us[c->latency_n++] = c->read_us - at;
	}
}

/* While joining: the answer to the subscription. */
static void on_greeting(struct crowd *c, struct reader *r, const char *text, size_t len)
{
	if (memmem(text, len, "\"subscription_update\"", 21)) {
		r->state = READER_READY;
		if (!memmem(text, len, "\"subscribed\"", 12))
			c->refused++;
	} else if (memmem(text, len, "\"type\":\"error\"", 14)) {
		r->state = READER_READY;
		c->refused++;
	}
}

void crowd_parse(struct crowd *c, struct reader *r)
{
	size_t at = 0, len, whole;
	const char *text;

	while ((text = frame_at(&r->in, at, &len, &whole))) {
		if (r->state == READER_ASKED)
			on_greeting(c, r, text, len);
		else
			on_data(c, r, text, len);
		at += whole;
	}
	buf_consume(&r->in, at);
}
