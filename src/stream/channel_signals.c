/* SPDX-License-Identifier: MIT
 *
 * channel_signals: what the apps have seen, "signals": one message per signal, in order.
 *
 * It is a cursor into the ring of the newest signals (signals/signals.h): a reader that is slow or
 * was away gets all that the ring still has, and a gap notice for what it has not. A client that
 * comes without a "from" begins with the next signal. Signals of instruments outside of the key's
 * scope, and of apps whose outputs do not name the channel, are passed over in silence.
 */
#include <stdlib.h>

#include "stream/stream_internal.h"

#define SEND_MAX 64 /* signals in one go; the rest in the next turns */

struct signals_channel {
	struct channel ch;
	uint64_t next; /* id of the signal to look at */
	bool was_away; /* the gap is not of this connection's making */
};

static struct channel *open_signals(struct client *c, const struct scope *scope, const char *name,
				    const char **refusal)
{
	const struct signals *all = c->stream->deps.signals;
	struct signals_channel *own;

	(void)scope;
	(void)name;
	if (!all) {
		*refusal = "unknown_channel";
		return NULL;
	}
	own = mem_zalloc(sizeof(*own));
	own->next = signals_newest(all) + 1;
	if (c->signals_from != SIGNALS_FROM_NOW) {
		own->next = c->signals_from + 1;
		own->was_away = true;
	}
	return &own->ch;
}

static void close_signals(struct client *c, struct channel *ch)
{
	(void)c;
	free(container_of(ch, struct signals_channel, ch));
}

/* Ids from..to were not and will not be sent. */
static void send_gap(struct client *c, uint64_t from, uint64_t to, const char *reason)
{
	struct buf b = {0};

	c->stream->gaps++;
	buf_printf(&b,
		   "{\"type\":\"gap\",\"channel\":\"signals\",\"from_id\":%llu,\"to_id\":%llu,"
		   "\"reason\":\"%s\"}",
		   (unsigned long long)from, (unsigned long long)to, reason);
	client_reply(c, &b);
}

/* The client's id is none that this server has given: which are missing nobody knows. */
static void send_another_series(struct client *c, uint64_t newest)
{
	struct buf b = {0};

	c->stream->gaps++;
	buf_printf(&b,
		   "{\"type\":\"gap\",\"channel\":\"signals\",\"reason\":\"another_series\","
		   "\"newest\":%llu}",
		   (unsigned long long)newest);
	client_reply(c, &b);
}

/* The cursor lies within the ring after this, or behind its newest. */
static void find_place(struct client *c, struct signals_channel *own, const struct signals *all)
{
	uint64_t oldest = signals_oldest(all), newest = signals_newest(all);

	if (own->next > newest + 1) { /* ids of another life of this server */
		send_another_series(c, newest);
		own->next = newest + 1;
	} else if (newest > 0 && own->next < oldest) {
		send_gap(c, own->next, oldest - 1, own->was_away ? "too_old" : "slow_reader");
		own->next = oldest;
	}
	own->was_away = false;
}

static bool is_for(const struct client *c, const struct signal *s, const char *key)
{
	return s->outputs & SIGNAL_TO_CHANNEL && scope_permits(client_scope(c), key, strlen(key));
}

static void send_signals(struct client *c, struct channel *ch)
{
	struct signals_channel *own = container_of(ch, struct signals_channel, ch);
	const struct signals *all = c->stream->deps.signals;
	const struct instruments *t = &c->stream->deps.book->instruments;
	unsigned n = 0;

	find_place(c, own, all);
	for (; own->next <= signals_newest(all) && !c->is_full && c->conn; own->next++) {
		const struct signal *s = signals_at(all, own->next);
		struct buf b = {0};

		if (!is_for(c, s, instruments_key(t, s->instrument)))
			continue;
		if (n++ == SEND_MAX) {
			channels_wake(c->stream, CHANNEL_SIGNALS);
			return;
		}
		channel_begin(&b, "signal", ch);
		signal_json_scoped(&b, s, t, client_scope(c));
		buf_byte(&b, '}');
		client_reply(c, &b);
	}
}

const struct channel_ops channel_signals_ops = {
	.prefix = "signals",
	.open = open_signals,
	.send = send_signals,
	.close = close_signals,
};
