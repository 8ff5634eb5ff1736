/* SPDX-License-Identifier: MIT
 *
 * bars_desk: see bars_desk.h.
 */
#include "bars_desk.h"

#include <stdio.h>

#include "check.h"

void bars_desk_init(struct bars_desk *d, int64_t keep)
{
	*d = (struct bars_desk){0};
	book_init(&d->book, 100);
	bars_init(&d->bars, &d->book.instruments,
		  &(struct bars_config){.keep_seconds = keep,
					.keep_minutes = keep,
					.amend_ms = 60000,
					.grace_ms = 1000});
}

void bars_desk_fini(struct bars_desk *d)
{
	bars_fini(&d->bars);
	book_fini(&d->book);
}

int64_t desk_ms(const char *time)
{
	char text[40];
	int64_t ms;

	snprintf(text, sizeof(text), "%s%s", strchr(time, 'T') ? "" : DESK_DAY "T", time);
	if (!ist_parse(text, strlen(text), &ms))
		fail_msg("%s is no time", text);
	return ms;
}

void bars_desk_say(struct bars_desk *d, struct desk_tick t)
{
	const char *key = t.key ? t.key : "NSE_FO|1";
	inst_id id = instruments_intern(&d->book.instruments, key, strlen(key));
	struct tick_meta meta = {.ts_ms = desk_ms(t.now), .is_snapshot = d->is_snapshot};
	struct tick tick = {.key = key, .key_len = (uint32_t)strlen(key)};
	struct slot *slot;

	tick.q.present = (t.price > 0 ? QUOTE_LTP | (t.has_no_ltt ? 0 : QUOTE_LTT) : 0) |
			 (t.vtt ? QUOTE_VTT : 0) | (t.ltq ? QUOTE_LTQ : 0) |
			 (t.oi != 0 ? QUOTE_OI : 0) | (t.minute ? QUOTE_BARS : 0);
	tick.q.arm = (uint8_t)(t.arm == ARM_NONE ? ARM_MARKET : t.arm);
	check(price_from_double(t.price, &tick.q.ltp));
	tick.q.ltt = desk_ms(t.at ? t.at : t.now);
	tick.q.vtt = t.vtt;
	tick.q.ltq = t.ltq;
	tick.q.oi = t.oi;
	if (t.minute) {
		tick.q.bars[0] = *t.minute;
		tick.q.bars_n = 1;
	}
	slot = book_merge(&d->book, id, &tick, &meta);
	book_publish(&d->book, id, slot, ++d->seq);
	bars_tick(&d->bars, id, slot);
	d->is_snapshot = false;
}

static const struct instrument_bars *of_key(const struct bars_desk *d, const char *key)
{
	key = key ? key : "NSE_FO|1";
	return bars_of(&d->bars, instruments_find(&d->book.instruments, key, strlen(key)));
}

const struct bar_row *bars_desk_row(const struct bars_desk *d, enum bar_series_kind kind,
				    const char *key, const char *time)
{
	const struct instrument_bars *of = of_key(d, key);

	return of ? bar_series_find(&of->series[kind], desk_ms(time)) : NULL;
}

struct bar_view bars_desk_view(const struct bars_desk *d, const char *key,
			       enum bar_interval interval, const char *start, const char *now)
{
	struct bar_walk w;
	struct bar_view v = {0};

	bar_walk_begin(&w, &d->bars, of_key(d, key), key ? key : "NSE_FO|1", interval,
		       desk_ms(start), desk_ms(now));
	if (!bar_walk_next(&w, &v) || v.row.start_ms != desk_ms(start))
		fail_msg("no bar of %s begins at %s", bar_interval_text(interval), start);
	return v;
}
