/* SPDX-License-Identifier: MIT
 *
 * channel_futures: the futures of an underlying, "futures:NIFTY".
 *
 * A channel is a reader of a live row (options/futures.h) and the version that it has sent. All readers
 * of one scope get the same text; who is slow gets the newest one when its socket has room.
 */
#include <stdlib.h>

#include "options/futures.h"
#include "stream/stream_internal.h"

#define PREFIX   "futures:"
#define ROWS_MAX 16 /* of one client */

struct futures_channel {
	struct channel ch;
	struct futures_live *row;
	uint64_t version; /* that was sent; 0: none */
};

static unsigned count(const struct client *c)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < c->channels_n; i++)
		n += c->channels[i]->ops == &channel_futures_ops;
	return n;
}

static struct channel *open_futures(struct client *c, const struct scope *scope, const char *name,
				    const char **refusal)
{
	const struct stream_deps *d = &c->stream->deps;
	const char *underlying = name + strlen(PREFIX);
	struct futures_channel *own;
	enum resolve_sight sight;
	struct futures_live *row;

	*refusal = "unknown_channel";
	if (!d->futures || !underlying[0] || strlen(underlying) > SELECTOR_NAME_MAX)
		return NULL;
	*refusal = "over_limit";
	if (!client_may_look(c) || count(c) >= ROWS_MAX ||
	    c->subs + c->channels_n >= (uint32_t)d->cfg->max_subscriptions)
		return NULL;
	sight = stream_sight(c->stream, scope, underlying);
	*refusal = "not_permitted";
	row = sight == SIGHT_NOTHING ? NULL : futures_open(d->futures, underlying, scope, refusal);
	if (!row) {
		/* What there is not is told to who sees all that there is. */
		if (sight != SIGHT_ALL && strncmp(*refusal, "over_", 5) != 0)
			*refusal = "not_permitted";
		return NULL;
	}
	own = mem_zalloc(sizeof(*own));
	own->row = row;
	return &own->ch;
}

static void close_futures(struct client *c, struct channel *ch)
{
	struct futures_channel *own = container_of(ch, struct futures_channel, ch);

	(void)c;
	futures_close(own->row);
	free(own);
}

static void send_futures(struct client *c, struct channel *ch)
{
	struct futures_channel *own = container_of(ch, struct futures_channel, ch);
	uint64_t version;
	const struct buf *text = futures_live_text(own->row, &version);
	struct buf b = {0};

	if (!text || version == own->version)
		return;
	own->version = version;
	channel_begin(&b, "futures", ch);
	buf_append(&b, text->data, text->len);
	buf_byte(&b, '}');
	client_reply(c, &b);
}

static void on_publish(struct futures_listener *l, struct futures_live *row)
{
	(void)row;
	channels_wake(container_of(l, struct stream, futures_listener), CHANNEL_FUTURES);
}

void channel_futures_init(struct stream *s)
{
	s->futures_listener.on_publish = on_publish;
	if (s->deps.futures)
		futures_listen(s->deps.futures, &s->futures_listener);
}

const struct channel_ops channel_futures_ops = {
	.prefix = PREFIX,
	.open = open_futures,
	.send = send_futures,
	.close = close_futures,
};
