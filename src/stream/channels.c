/* SPDX-License-Identifier: MIT
 *
 * channels: what a client may have beside quotes: "status" (everyone gets it), and bars of an
 * instrument, "bars:1m:NSE_INDEX|Nifty 50".
 *
 * A channel of bars is a version and an instant. Each sweep sends those bars that have changed since,
 * and those that are over since, in one frame; a reader that is slow gets fewer states of a bar, never
 * a queue of them. The newest bar comes at once when one subscribes; what was before is at /bars.
 */
#include <stdlib.h>

#include "market/bars_view.h"
#include "stream/stream_internal.h"

#define PREFIX "bars:"

struct channel {
	inst_id id;
	enum bar_interval interval;
	uint64_t generation; /* of the bars that `version` counts in */
	uint64_t version;    /* what has changed up to here was sent */
	int64_t now_ms;      /* market time of that; 0: nothing was sent yet */
};

static struct channel *find(const struct client *c, inst_id id, enum bar_interval interval)
{
	for (uint32_t i = 0; i < c->channels_n; i++) {
		struct channel *ch = &c->channels[i];

		if (ch->id == id && ch->interval == interval)
			return ch;
	}
	return NULL;
}

static void add(struct client *c, inst_id id, enum bar_interval interval)
{
	if (find(c, id, interval))
		return;
	c->channels = mem_realloc(c->channels, (c->channels_n + 1) * sizeof(*c->channels));
	c->channels[c->channels_n++] = (struct channel){.id = id, .interval = interval};
	/* Bars need trades and the day's volume: the instrument is asked for upstream. */
	interest_add(c->stream->deps.interest, id, WANT_FULL);
}

static void drop(struct client *c, struct channel *ch)
{
	interest_drop(c->stream->deps.interest, ch->id, WANT_FULL);
	*ch = c->channels[--c->channels_n];
}

/* "bars:1m:KEY" to its two parts. */
static bool parse(const char *name, enum bar_interval *interval, const char **key)
{
	const char *colon;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return false;
	name += strlen(PREFIX);
	colon = strchr(name, ':');
	if (!colon || !bar_interval_parse(name, (size_t)(colon - name), interval))
		return false;
	*key = colon + 1;
	return true;
}

const char *channel_subscribe(struct client *c, const struct scope *scope, const char *name)
{
	enum bar_interval interval;
	const char *key, *refusal;
	inst_id id;

	if (strcmp(name, "status") == 0)
		return "subscribed"; /* it comes anyway */
	if (!c->stream->deps.bars || !parse(name, &interval, &key))
		return "unknown_channel";
	refusal = client_admit(c, scope, key, VIEW_FULL, &id);
	if (refusal)
		return refusal;
	add(c, id, interval);
	return "subscribed";
}

const char *channel_unsubscribe(struct client *c, const char *name)
{
	const struct instruments *t = &c->stream->deps.book->instruments;
	enum bar_interval interval;
	struct channel *ch;
	const char *key;

	if (!parse(name, &interval, &key))
		return strcmp(name, "status") == 0 ? "not_subscribed" : "unknown_channel";
	ch = find(c, instruments_find(t, key, strlen(key)), interval);
	if (!ch)
		return "not_subscribed";
	drop(c, ch);
	return "unsubscribed";
}

void channels_fini(struct client *c)
{
	while (c->channels_n)
		drop(c, &c->channels[0]);
	free(c->channels);
	c->channels = NULL;
}

static void put_name(struct buf *b, const struct client *c, const struct channel *ch)
{
	const char *key = instruments_key(&c->stream->deps.book->instruments, ch->id);
	struct buf name = {0};

	buf_printf(&name, PREFIX "%s:%s", bar_interval_text(ch->interval), key);
	buf_json_str(b, name.data, name.len);
	buf_fini(&name);
}

void channels_list(const struct client *c, struct buf *out)
{
	buf_str(out, ",\"channels\":[\"status\"");
	for (uint32_t i = 0; i < c->channels_n; i++) {
		buf_byte(out, ',');
		put_name(out, c, &c->channels[i]);
	}
	buf_byte(out, ']');
}

/* --- sending ----------------------------------------------------------------------------------- */

/* Nothing can have happened to its bars: no trade, and no bar has ended. */
static bool is_quiet(const struct channel *ch, const struct bars *bars,
		     const struct instrument_bars *of, int64_t now)
{
	int64_t grace = bars->cfg.grace_ms;

	return ch->generation == bars->generation && ch->version == of->version &&
	       ch->interval <= BAR_15M &&
	       bar_start(ch->interval, of->anchor_ms, now - grace) ==
		       bar_start(ch->interval, of->anchor_ms, ch->now_ms - grace);
}

/* Where a bar may begin that a trade can still change, or that has ended since the last time. */
static int64_t first_open(const struct channel *ch, const struct bars *bars,
			  const struct instrument_bars *of, int64_t now)
{
	int64_t since = now - bars->cfg.amend_ms - bars->cfg.grace_ms - 60000;

	if (ch->now_ms && ch->now_ms < since)
		since = ch->now_ms;
	return bar_start(ch->interval, of->anchor_ms, since);
}

static bool is_due(const struct channel *ch, const struct bars *bars, const struct bar_view *v,
		   int64_t now)
{
	int64_t final_ms = v->over_ms + bars->cfg.grace_ms;

	return ch->generation != bars->generation || v->row.version > ch->version ||
	       (final_ms > ch->now_ms && final_ms <= now);
}

/* Appends what is due, with commas; returns how many bars. */
static uint32_t put_due(struct buf *b, const struct channel *ch, const struct bars *bars,
			const struct instrument_bars *of, const char *key, int64_t now)
{
	struct bar_view v, newest;
	struct bar_walk w;
	uint32_t n = 0, seen = 0;

	bar_walk_begin(&w, bars, of, key, ch->interval, first_open(ch, bars, of, now), now);
	while (bar_walk_next(&w, &v)) {
		newest = v;
		seen++;
		if (!ch->now_ms || !is_due(ch, bars, &v, now))
			continue;
		if (n++)
			buf_byte(b, ',');
		bar_json(b, &v);
	}
	if (!ch->now_ms && seen) { /* the first time: the newest one */
		bar_json(b, &newest);
		n = 1;
	}
	return n;
}

static void send_channel(struct client *c, struct channel *ch)
{
	const struct bars *bars = c->stream->deps.bars;
	const struct instrument_bars *of = bars_of(bars, ch->id);
	const char *key = instruments_key(&c->stream->deps.book->instruments, ch->id);
	int64_t now = clock_market_ms(c->stream->deps.loop->clock);
	struct buf b = {0};

	if (!of || (ch->now_ms && is_quiet(ch, bars, of, now)))
		return;
	buf_str(&b, "{\"type\":\"bars\",\"channel\":");
	put_name(&b, c, ch);
	buf_str(&b, ",\"data\":[");
	if (put_due(&b, ch, bars, of, key, now)) {
		buf_str(&b, "]}");
		client_reply(c, &b);
	}
	buf_fini(&b);
	ch->generation = bars->generation;
	ch->version = of->version;
	ch->now_ms = now;
}

void channels_send(struct client *c)
{
	for (uint32_t i = 0; i < c->channels_n && c->conn && !c->is_full; i++)
		send_channel(c, &c->channels[i]);
}
