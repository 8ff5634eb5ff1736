/* SPDX-License-Identifier: MIT
 *
 * channel_chain: option chains, "chain:NIFTY", "chain:NIFTY:next", "chain:NIFTY:2025-10-28".
 *
 * A channel is a reader of a live chain (options/chains.h) and the version that it has sent. All
 * readers of one scope get the same text; who is slow gets the newest one when its socket has room.
 */
#include <stdlib.h>

#include "options/chains.h"
#include "stream/stream_internal.h"

#define PREFIX     "chain:"
#define CHAINS_MAX 8 /* of one client: each may be 35 places of the broker's, and 25 kB a time */

struct chain_channel {
	struct channel ch;
	struct chain_live *chain;
	uint64_t version; /* that was sent; 0: none */
};

/* "chain:NAME[:EXPIRY]": a name of a key has a "|" and may have a ":" of its own, so what stands
 * behind the last one is an expiry or belongs to the name. */
static bool parse(const char *name, char underlying[SELECTOR_NAME_MAX + 1],
		  struct expiry_choice *expiry)
{
	const char *colon;
	size_t n;

	name += strlen(PREFIX);
	colon = strrchr(name, ':');
	n = colon ? (size_t)(colon - name) : strlen(name);
	*expiry = (struct expiry_choice){.kind = EXPIRY_CURRENT};
	if (n == 0 || n > SELECTOR_NAME_MAX ||
	    (colon && !expiry_choice_parse(colon + 1, strlen(colon + 1), expiry)))
		return false;
	memcpy(underlying, name, n);
	underlying[n] = '\0';
	return true;
}

static bool normalize(const char *name, struct buf *out)
{
	static const char *const words[] = {"", ":next", ":monthly"};
	char underlying[SELECTOR_NAME_MAX + 1], day[IST_TEXT];
	struct expiry_choice expiry;

	if (!parse(name, underlying, &expiry))
		return false;
	buf_printf(out, PREFIX "%s", underlying);
	if (expiry.kind == EXPIRY_DATE)
		buf_printf(out, ":%s", day_format(expiry.day, day));
	else
		buf_str(out, words[expiry.kind]);
	return true;
}

static unsigned count(const struct client *c)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < c->channels_n; i++)
		n += c->channels[i]->ops == &channel_chain_ops;
	return n;
}

static struct channel *open_chain(struct client *c, const struct scope *scope, const char *name,
				  const char **refusal)
{
	const struct stream_deps *d = &c->stream->deps;
	char underlying[SELECTOR_NAME_MAX + 1];
	struct chain_wish wish = {.underlying = underlying, .scope = scope};
	struct chain_channel *own;
	enum resolve_sight sight;
	struct chain_live *chain;

	*refusal = "unknown_channel";
	if (!d->chains || !parse(name, underlying, &wish.expiry))
		return NULL;
	*refusal = "over_limit";
	if (!client_may_look(c) || count(c) >= CHAINS_MAX ||
	    c->subs + c->channels_n >= (uint32_t)d->cfg->max_subscriptions)
		return NULL;
	sight = stream_sight(c->stream, scope, underlying);
	*refusal = "not_permitted";
	chain = sight == SIGHT_NOTHING ? NULL : chains_open(d->chains, &wish, refusal);
	if (!chain) {
		/* What there is not is told to who sees all that there is. */
		if (sight != SIGHT_ALL && strncmp(*refusal, "over_", 5) != 0)
			*refusal = "not_permitted";
		return NULL;
	}
	own = mem_zalloc(sizeof(*own));
	own->chain = chain;
	return &own->ch;
}

static void close_chain(struct client *c, struct channel *ch)
{
	struct chain_channel *own = container_of(ch, struct chain_channel, ch);

	(void)c;
	chains_close(own->chain, false);
	free(own);
}

static void send_chain(struct client *c, struct channel *ch)
{
	struct chain_channel *own = container_of(ch, struct chain_channel, ch);
	uint64_t version;
	const struct buf *text = chain_live_text(own->chain, &version);
	struct buf b = {0};

	if (!text || version == own->version)
		return;
	own->version = version;
	channel_begin(&b, "chain", ch);
	buf_append(&b, text->data, text->len);
	buf_byte(&b, '}');
	client_reply(c, &b);
}

static void on_publish(struct chains_listener *l, struct chain_live *c)
{
	(void)c;
	channels_wake(container_of(l, struct stream, chains_listener), CHANNEL_CHAIN);
}

void channel_chain_init(struct stream *s)
{
	s->chains_listener.on_publish = on_publish;
	if (s->deps.chains)
		chains_listen(s->deps.chains, &s->chains_listener);
}

const struct channel_ops channel_chain_ops = {
	.prefix = PREFIX,
	.normalize = normalize,
	.open = open_chain,
	.send = send_chain,
	.close = close_chain,
};
