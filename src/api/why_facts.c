/* SPDX-License-Identifier: MIT
 *
 * why_facts: what is so of one instrument right now, for why_verdict.h to judge.
 *
 * The neighbours of a contract are the contracts of the same underlying, of all else the instruments of
 * the same segment; those outside of the caller's scope do not count.
 */
#include <stdio.h>

#include "api/api_internal.h"
#include "api/why.h"

#define TRADES_MS 60000

/* --- what it is ------------------------------------------------------------------------------- */

static bool has_derivatives(const struct master *m, const char *key)
{
	for (uint32_t i = 0; i < m->underlyings_n; i++) {
		if (strcmp(master_text(m, m->underlyings[i].key), key) == 0)
			return true;
	}
	return false;
}

/* The calendar's segment. False where it knows none: commodities, currencies. */
static bool segment_of(const struct master *m, const struct master_row *row, const char *key,
		       enum segment *out)
{
	size_t len = instrument_segment_len(key);

	if (len < 4 || (memcmp(key, "NSE_", 4) != 0 && memcmp(key, "BSE_", 4) != 0))
		return false;
	*out = SEGMENT_CM;
	if (len == 6 && memcmp(key + 4, "FO", 2) == 0)
		*out = row && (row->type == TYPE_CE || row->type == TYPE_PE) ? SEGMENT_FO_OPTIONS
									     : SEGMENT_FO;
	else if (row && row->type == TYPE_EQ && has_derivatives(m, key))
		*out = SEGMENT_CM_CAS;
	return len == 6 || instrument_is_index(key, strlen(key));
}

static void find_instrument(const struct why_asker *w, const struct master_row *row,
			    struct why_facts *f)
{
	const struct api *a = w->api;
	int64_t end;

	f->has_master = w->master != NULL;
	f->is_listed = refdata_is_known(a->deps.refdata, f->key, strlen(f->key));
	if (!row)
		return;
	snprintf(f->symbol, sizeof(f->symbol), "%s", master_text(w->master, row->symbol));
	f->expiry = row->expiry;
	end = row->expiry ? calendar_expiry_instant(row->expiry) : 0;
	if (end && f->is_time_known && f->market_ms >= end)
		f->expired_ms = end;
}

/* --- the market ------------------------------------------------------------------------------- */

/* The broker's word stands over the calendar. */
static enum market_phase phase_of(const struct why_facts *f, enum segment seg)
{
	const char *word = f->about.session;

	if (f->about.is_session_open)
		return PHASE_OPEN;
	if (strncmp(word, "PRE_OPEN", 8) == 0)
		return PHASE_PRE_OPEN;
	if (strcmp(word, "CLOSING_START") == 0)
		return PHASE_CLOSING;
	if (word[0] || !f->is_calendar_known)
		return PHASE_CLOSED;
	return calendar_phase(seg, f->market_ms);
}

static void find_market(const struct why_asker *w, const struct master_row *row,
			struct why_facts *f)
{
	const struct clock *clock = w->api->deps.loop->clock;
	struct session s[SESSIONS_MAX];
	enum segment seg = SEGMENT_CM;

	f->market_ms = clock_market_ms(clock);
	f->is_time_known = clock->mode == CLOCK_SYSTEM || clock->feed_ms > 0;
	f->is_calendar_known = segment_of(w->master, row, f->key, &seg);
	f->is_covered = calendar_is_covered(ist_day(f->market_ms));
	if (strchr(f->key, '|'))
		snprintf(f->segment, sizeof(f->segment), "%.*s",
			 (int)instrument_segment_len(f->key), f->key);
	f->stage = f->day = f->next_day = "";
	f->phase = phase_of(f, seg);
	if (!f->is_calendar_known)
		return;
	f->stage = calendar_stage(seg, f->market_ms);
	calendar_sessions(seg, ist_day(f->market_ms), s, &f->day);
	f->next_open_ms = calendar_next_open(seg, f->market_ms);
	f->next_close_ms = calendar_next_close(seg, f->market_ms);
	if (f->next_open_ms)
		calendar_sessions(seg, ist_day(f->next_open_ms), s, &f->next_day);
}

/* --- who asks, and who answers ---------------------------------------------------------------- */

static void find_interest(const struct why_asker *w, inst_id id, struct why_facts *f)
{
	const struct api *a = w->api;
	const struct interest *t = a->deps.interest;
	mono_ns now = clock_mono(a->deps.loop->clock);

	f->mode = w->mode;
	f->wanted = t && id != INST_NONE ? interest_top(t, id) : WANT_NOTHING;
	f->is_refused = t && !interest_admits(t, id, w->mode);
	f->mode_n = t && w->scope->n == 0 ? t->tops[w->mode] : 0;
	f->places = a->deps.book->instruments.limit;
	f->is_full = id == INST_NONE &&
		     a->deps.book->instruments.count + INSTRUMENTS_RESERVE >= f->places;
	f->told_ms = f->about.mode == WANT_NOTHING
			     ? -1
			     : (int64_t)((now - f->about.since_mono) / NS_PER_MS);
}

/* Those of this run: rows that a run before has left may be of another play of the same minutes. While
 * such a play's bars are ahead of the market's clock, trades make no bars, and are not counted. */
static void count_trades(const struct api *a, inst_id id, struct why_facts *f)
{
	const struct bars *bars = a->deps.bars;
	const struct instrument_bars *of = bars ? bars_of(bars, id) : NULL;
	const struct bar_series *s = of ? &of->series[SERIES_SECOND] : NULL;

	f->is_counted = bars && (a->deps.loop->clock->mode == CLOCK_SYSTEM ||
				 bars->market_ms <= f->market_ms);
	if (!s || !f->is_counted)
		return;
	for (uint32_t i = bar_series_from(s, f->market_ms - TRADES_MS); i < s->n; i++) {
		if (s->rows[i].version > bars->former)
			f->trades += s->rows[i].ticks;
	}
}

static int64_t quiet_ms(const struct api *a, const struct slot *slot)
{
	return (int64_t)((clock_mono(a->deps.loop->clock) - slot->recv_mono) / NS_PER_MS);
}

/* The names of what is impossible about it, with commas. */
static void name_suspect(unsigned suspect, char *out, size_t size)
{
	size_t n = 0;

	for (unsigned bit = 1; suspect && bit < 1u << SUSPECT_BITS; bit <<= 1) {
		if (suspect & bit)
			n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "",
					      suspect_text((enum suspect)bit));
		AGNI_ASSERT(n < size);
	}
}

static void find_ticks(const struct why_asker *w, inst_id id, struct why_facts *f)
{
	const struct api *a = w->api;
	const struct slot *slot = id == INST_NONE ? NULL : book_slot(a->deps.book, id);

	f->quiet_ms = -1;
	f->is_stale = id == INST_NONE || a->deps.upstream->is_stale(a->deps.upstream->arg, id);
	if (!slot || !slot->seq)
		return;
	f->has_ticked = true;
	f->is_snapshot = slot->flags & TICK_SNAPSHOT;
	f->quiet_ms = quiet_ms(a, slot);
	f->tick_ms = slot->ts_ms;
	f->tick_seq = slot->seq;
	name_suspect(slot->suspect, f->suspect, sizeof(f->suspect));
	count_trades(a, id, f);
	f->has_heard = f->told_ms >= 0 && slot->recv_mono >= f->about.since_mono;
}

/* --- those beside it -------------------------------------------------------------------------- */

static bool is_seen(const struct why_asker *w, inst_id id)
{
	const char *key = instruments_key(&w->api->deps.book->instruments, id);

	return scope_permits(w->scope, key, strlen(key));
}

static bool is_asked_for(const struct why_asker *w, inst_id id)
{
	return interest_top(w->api->deps.interest, id) != WANT_NOTHING;
}

static void count(const struct why_asker *w, inst_id id, struct why_group *g)
{
	const struct api *a = w->api;
	const struct slot *slot = book_slot(a->deps.book, id);

	g->asked++;
	g->ticking += slot && slot->seq && !(slot->flags & TICK_SNAPSHOT) &&
		      quiet_ms(a, slot) <= WHY_TICKING_MS;
}

static void count_segment(const struct why_asker *w, inst_id self, const struct why_facts *f,
			  struct why_group *g)
{
	const struct instruments *t = &w->api->deps.book->instruments;
	size_t len = strlen(f->segment);

	for (inst_id id = 0; id < t->count; id++) {
		const char *key = instruments_key(t, id);

		if (id != self && strncmp(key, f->segment, len) == 0 && key[len] == '|' &&
		    is_asked_for(w, id) && is_seen(w, id))
			count(w, id, g);
	}
}

static void count_contracts(const struct why_asker *w, inst_id self,
			    const struct master_underlying *u, struct why_group *g)
{
	const struct instruments *t = &w->api->deps.book->instruments;

	for (uint32_t i = 0; i < u->n; i++) {
		const char *key = master_key(w->master, w->master->contracts[u->first + i]);
		inst_id id = instruments_find(t, key, strlen(key));

		if (id != INST_NONE && id != self && is_asked_for(w, id) && is_seen(w, id))
			count(w, id, g);
	}
}

static void find_neighbours(const struct why_asker *w, inst_id self, const struct master_row *row,
			    struct why_facts *f)
{
	const struct master *m = w->master;

	if (!w->api->deps.interest)
		return;
	for (inst_id id = 0; id < w->api->deps.book->instruments.count; id++) {
		if (id == self || !is_asked_for(w, id))
			continue;
		count(w, id, &f->all);
		f->all_seen += is_seen(w, id);
	}
	if (row && row->underlying != MASTER_NONE) {
		const struct master_underlying *u = &m->underlyings[row->underlying];

		count_contracts(w, self, u, &f->neighbours);
		snprintf(f->beside, sizeof(f->beside), "%.64s of %.32s", master_text(m, u->symbol),
			 f->segment);
	}
	if (f->neighbours.asked == 0) {
		count_segment(w, self, f, &f->neighbours);
		snprintf(f->beside, sizeof(f->beside), "%s", f->segment);
	}
}

/* --- together --------------------------------------------------------------------------------- */

void why_find(const struct why_asker *w, const char *key, bool with_neighbours, struct why_facts *f)
{
	const struct api *a = w->api;
	const struct upstream_view *up = a->deps.upstream;
	inst_id id = instruments_find(&a->deps.book->instruments, key, strlen(key));
	uint32_t at = w->master ? master_find(w->master, key, strlen(key)) : MASTER_NONE;
	const struct master_row *row = at == MASTER_NONE ? NULL : &w->master->rows[at];

	*f = (struct why_facts){.about = {.mode = WANT_NOTHING, .session = ""}};
	snprintf(f->key, sizeof(f->key), "%s", key);
	f->up = w->up;
	if (up->about)
		up->about(up->arg, id, key, &f->about);
	f->now_ms = clock_wall_ms(a->deps.loop->clock);
	f->has_ended = a->deps.has_ended && a->deps.has_ended(a->deps.clients_arg);
	find_market(w, row, f);
	find_instrument(w, row, f);
	find_interest(w, id, f);
	find_ticks(w, id, f);
	if (with_neighbours)
		find_neighbours(w, id, row, f);
}
