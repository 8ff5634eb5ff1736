/* SPDX-License-Identifier: MIT
 *
 * channels: see channels.h. "status" is no kind of channel: everyone gets it.
 */
#include "stream/channels.h"

#include <stdlib.h>

#include "stream/stream_internal.h"

static const struct channel_ops *const kinds[CHANNEL_KINDS] = {
	[CHANNEL_BARS] = &channel_bars_ops,
	[CHANNEL_CHAIN] = &channel_chain_ops,
	[CHANNEL_FUTURES] = &channel_futures_ops,
	[CHANNEL_SIGNALS] = &channel_signals_ops,
};

/* Whether the name is one of this kind: it has the prefix, or is it. */
static bool is_of_kind(const struct channel_ops *ops, const char *name)
{
	size_t n = strlen(ops->prefix);

	return ops->prefix[n - 1] == ':' ? strncmp(name, ops->prefix, n) == 0
					 : strcmp(name, ops->prefix) == 0;
}

/* The kind of a name, and its normal form on the heap; CHANNEL_KINDS: there is no such channel. */
static enum channel_kind look_up(const char *name, char **normal)
{
	struct buf b = {0};

	for (int k = 0; k < CHANNEL_KINDS; k++) {
		if (!is_of_kind(kinds[k], name))
			continue;
		if (!kinds[k]->normalize)
			buf_str(&b, name);
		else if (!kinds[k]->normalize(name, &b))
			break;
		*normal = mem_strndup(b.data, b.len);
		buf_fini(&b);
		return (enum channel_kind)k;
	}
	buf_fini(&b);
	return CHANNEL_KINDS;
}

/* Where it is in c->channels; c->channels_n: nowhere. */
static uint32_t find(const struct client *c, const char *name)
{
	uint32_t i = 0;

	while (i < c->channels_n && strcmp(c->channels[i]->name, name) != 0)
		i++;
	return i;
}

static void drop(struct client *c, uint32_t i)
{
	struct channel *ch = c->channels[i];

	c->channels[i] = c->channels[--c->channels_n];
	list_remove(&ch->link);
	free(ch->name);
	ch->ops->close(c, ch);
}

/* The name is the channel's from here on. */
static void add(struct client *c, enum channel_kind kind, struct channel *ch, char *name)
{
	ch->ops = kinds[kind];
	ch->client = c;
	ch->name = name;
	list_append(&c->stream->channels[kind], &ch->link);
	c->channels = mem_realloc(c->channels, (c->channels_n + 1) * sizeof(*c->channels));
	c->channels[c->channels_n++] = ch;
}

const char *channel_subscribe(struct client *c, const struct scope *scope, const char *name)
{
	const char *refusal = "subscribed"; /* what one has is no new one */
	struct channel *ch = NULL;
	enum channel_kind kind;
	char *normal;

	if (strcmp(name, "status") == 0)
		return "subscribed"; /* it comes anyway */
	kind = look_up(name, &normal);
	if (kind == CHANNEL_KINDS)
		return "unknown_channel";
	if (find(c, normal) == c->channels_n)
		ch = kinds[kind]->open(c, scope, normal, &refusal);
	if (!ch) {
		free(normal);
		return refusal;
	}
	add(c, kind, ch, normal);
	return "subscribed";
}

const char *channel_unsubscribe(struct client *c, const char *name)
{
	char *normal;
	uint32_t i;

	if (strcmp(name, "status") == 0)
		return "not_subscribed";
	if (look_up(name, &normal) == CHANNEL_KINDS)
		return "unknown_channel";
	i = find(c, normal);
	free(normal);
	if (i == c->channels_n)
		return "not_subscribed";
	drop(c, i);
	return "unsubscribed";
}

void channels_init(struct stream *s)
{
	for (int k = 0; k < CHANNEL_KINDS; k++)
		list_init(&s->channels[k]);
	channel_chain_init(s);
	channel_futures_init(s);
}

void channels_fini(struct client *c)
{
	while (c->channels_n)
		drop(c, c->channels_n - 1);
	free(c->channels);
	c->channels = NULL;
}

void channels_list(const struct client *c, struct buf *out)
{
	buf_str(out, ",\"channels\":[\"status\"");
	for (uint32_t i = 0; i < c->channels_n; i++) {
		buf_byte(out, ',');
		buf_json_str(out, c->channels[i]->name, strlen(c->channels[i]->name));
	}
	buf_byte(out, ']');
}

/* --- sending ----------------------------------------------------------------------------------- */

void channel_begin(struct buf *b, const char *type, const struct channel *ch)
{
	buf_printf(b, "{\"type\":\"%s\",\"channel\":", type);
	buf_json_str(b, ch->name, strlen(ch->name));
	buf_str(b, ",\"data\":");
}

/* Nothing goes behind the news that the key is gone. */
static bool takes(const struct client *c)
{
	return c->conn && !c->is_full && !c->has_lost_key;
}

void channels_send(struct client *c)
{
	if (c->channels_n)
		tape_flush(c->stream->deps.tape); /* what is shown is on the tape */
	for (uint32_t i = 0; i < c->channels_n && takes(c); i++)
		c->channels[i]->ops->send(c, c->channels[i]);
}

void channels_wake(struct stream *s, enum channel_kind kind)
{
	if (list_is_empty(&s->channels[kind]))
		return;
	s->woken |= 1u << kind;
	stream_arm(s);
}

/* Sending may close a connection, and never frees a client or a channel in this turn. */
void channels_flush(struct stream *s)
{
	unsigned woken = s->woken;

	s->woken = 0;
	for (int k = 0; k < CHANNEL_KINDS; k++) {
		if (!(woken & 1u << k))
			continue;
		list_for_each (it, &s->channels[k]) {
			struct channel *ch = container_of(it, struct channel, link);

			if (takes(ch->client))
				ch->ops->send(ch->client, ch);
		}
	}
}
