/* SPDX-License-Identifier: MIT
 *
 * channel_bars: bars of an instrument, "bars:1m:NSE_INDEX|Nifty 50".
 *
 * It is a version and an instant. Each sweep sends those bars that have changed since, and those
 * that are over since, in one frame; a reader that is slow gets fewer states of a bar, never a
 * queue of them. The newest bar comes at once when one subscribes; what was before is at /bars.
 */
#include <stdlib.h>

#include "market/bars_view.h"
#include "stream/stream_internal.h"

#define PREFIX "bars:"

struct bars_channel {
	struct channel ch;
	inst_id id;
	enum bar_interval interval;
	uint64_t generation; /* of the bars that `version` counts in */
	uint64_t version;    /* what has changed up to here was sent */
	int64_t now_ms;      /* market time of that; 0: nothing was sent yet */
	int64_t final_ms;    /* when the next bar ends that has begun; INT64_MAX: all have */
	bool is_stale;       /* at that time nobody watched the instrument */
};

/* What a channel is to be compared with. */
struct present {
	const struct bars *bars;
	const struct instrument_bars *of;
	int64_t now_ms;
	bool is_stale;
};

/* "bars:1m:KEY" to its two parts. */
static bool parse(const char *name, enum bar_interval *interval, const char **key)
{
	const char *colon;

	name += strlen(PREFIX);
	colon = strchr(name, ':');
	if (!colon || !bar_interval_parse(name, (size_t)(colon - name), interval))
		return false;
	*key = colon + 1;
	return true;
}

static bool normalize(const char *name, struct buf *out)
{
	enum bar_interval interval;
	const char *key;

	if (!parse(name, &interval, &key))
		return false;
	buf_printf(out, PREFIX "%s:%s", bar_interval_text(interval), key);
	return true;
}

static struct channel *open_bars(struct client *c, const struct scope *scope, const char *name,
				 const char **refusal)
{
	enum bar_interval interval = BAR_1S;
	const char *key = NULL;
	struct bars_channel *own;
	inst_id id;

	if (!c->stream->deps.bars || !parse(name, &interval, &key)) {
		*refusal = "unknown_channel";
		return NULL;
	}
	*refusal = client_admit(c, scope, key, VIEW_FULL, WANT_NOTHING, &id);
	if (*refusal)
		return NULL;
	own = mem_zalloc(sizeof(*own));
	own->id = id;
	own->interval = interval;
	/* Bars need trades and the day's volume: the instrument is asked for upstream. */
	interest_add(c->stream->deps.interest, id, WANT_FULL);
	return &own->ch;
}

static void close_bars(struct client *c, struct channel *ch)
{
	struct bars_channel *own = container_of(ch, struct bars_channel, ch);

	interest_drop(c->stream->deps.interest, own->id, WANT_FULL);
	free(own);
}

/* --- sending ----------------------------------------------------------------------------------- */

/* Nothing can have happened to its bars: no trade, and no bar has ended. */
static bool is_quiet(const struct bars_channel *ch, const struct present *p)
{
	return ch->generation == p->bars->generation && ch->version == p->of->version &&
	       ch->is_stale == p->is_stale && p->now_ms < ch->final_ms;
}

/* Where the newest bar begins; INT64_MAX when there is none. */
static int64_t newest_ms(const struct bars_channel *ch, const struct instrument_bars *of)
{
	const struct bar_series *s =
		&of->series[ch->interval == BAR_1S ? SERIES_SECOND : SERIES_MINUTE];

	return s->n ? s->rows[s->n - 1].start_ms : INT64_MAX;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Where a bar may begin that a trade can still change, or that has ended since the last time, or that
 * has turned out not to be whole. */
static int64_t first_open(const struct bars_channel *ch, const struct present *p)
{
	int64_t since = p->now_ms - p->bars->cfg.amend_ms - p->bars->cfg.grace_ms - 60000;

	if (!ch->now_ms || ch->is_stale != p->is_stale)
		since = earlier(since, newest_ms(ch, p->of));
	if (ch->now_ms)
		since = earlier(since, ch->now_ms);
	for (uint32_t i = 0; ch->now_ms && i < p->of->holes_n; i++) {
		if (p->of->holes[i].version > ch->version)
			since = earlier(since, p->of->holes[i].from_ms);
	}
	return bar_start(ch->interval, p->of->anchor_ms, since);
}

static bool is_in_new_hole(const struct bars_channel *ch, const struct instrument_bars *of,
			   const struct bar_view *v)
{
	for (uint32_t i = 0; i < of->holes_n; i++) {
		const struct bar_hole *h = &of->holes[i];

		if (h->version > ch->version && h->from_ms < v->over_ms &&
		    h->to_ms > v->row.start_ms)
			return true;
	}
	return false;
}

static bool is_due(const struct bars_channel *ch, const struct present *p, const struct bar_view *v)
{
	int64_t final_ms = v->over_ms + p->bars->cfg.grace_ms;

	return ch->generation != p->bars->generation || ch->is_stale != p->is_stale ||
	       v->row.version > ch->version ||
	       (v->exchange && v->exchange->version > ch->version) ||
	       (final_ms > ch->now_ms && final_ms <= p->now_ms) || is_in_new_hole(ch, p->of, v);
}

/* Appends what is due, with commas; returns how many bars. `*final_ms`: when the next of them ends. */
static uint32_t put_due(struct buf *b, const struct bars_channel *ch, const struct present *p,
			const char *key, int64_t *final_ms)
{
	const int64_t grace = p->bars->cfg.grace_ms;
	struct bar_view v, newest;
	struct bar_walk w;
	uint32_t n = 0, seen = 0;

	bar_walk_begin(&w, p->bars, p->of, key, ch->interval, first_open(ch, p), p->now_ms);
	w.is_stale = p->is_stale;
	*final_ms = INT64_MAX;
	while (bar_walk_next(&w, &v)) {
		if (v.over_ms + grace > p->now_ms)
			*final_ms = earlier(*final_ms, v.over_ms + grace);
		newest = v;
		seen++;
		if (!ch->now_ms || !is_due(ch, p, &v))
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

static void send_bars(struct client *c, struct channel *channel)
{
	struct bars_channel *ch = container_of(channel, struct bars_channel, ch);
	const struct stream_deps *d = &c->stream->deps;
	const char *key = instruments_key(&d->book->instruments, ch->id);
	struct present p = {.bars = d->bars,
			    .of = bars_of(d->bars, ch->id),
			    .now_ms = clock_market_ms(d->loop->clock),
			    .is_stale = d->upstream->is_stale(d->upstream->arg, ch->id)};
	struct buf b = {0};
	int64_t final_ms;

	if (!p.of || (ch->now_ms && is_quiet(ch, &p)))
		return;
	channel_begin(&b, "bars", channel);
	buf_byte(&b, '[');
	if (put_due(&b, ch, &p, key, &final_ms)) {
		buf_str(&b, "]}");
		client_reply(c, &b);
	}
	buf_fini(&b);
	ch->generation = p.bars->generation;
	ch->version = p.of->version;
	ch->now_ms = p.now_ms;
	ch->final_ms = final_ms;
	ch->is_stale = p.is_stale;
}

const struct channel_ops channel_bars_ops = {
	.prefix = PREFIX,
	.normalize = normalize,
	.open = open_bars,
	.send = send_bars,
	.close = close_bars,
};
