/* SPDX-License-Identifier: MIT
 *
 * why_say: each cause in one sentence; see why_verdict.h.
 */
#include "api/why_verdict.h"

#define SECOND_MS 1000

/* "0.3 s", "42 s", "3 min", "2 h": what a person reads. */
static void put_span(struct buf *b, int64_t ms)
{
	if (ms < 10 * SECOND_MS)
		buf_printf(b, "%.1f s", (double)(ms < 0 ? 0 : ms) / SECOND_MS);
	else if (ms < 300 * SECOND_MS)
		buf_printf(b, "%lld s", (long long)(ms / SECOND_MS));
	else if (ms < 7200 * SECOND_MS)
		buf_printf(b, "%lld min", (long long)(ms / (60 * SECOND_MS)));
	else
		buf_printf(b, "%lld h", (long long)(ms / (3600 * SECOND_MS)));
}

/* "2025-10-21 13:45 IST". */
static void put_instant(struct buf *b, int64_t ms)
{
	char text[IST_TEXT];

	ist_format(ms, text);
	buf_printf(b, "%.10s %.5s IST", text, text + 11);
}

static void put_next_open(const struct why_facts *f, struct buf *b)
{
	if (!f->next_open_ms) {
		buf_str(b, "; when it opens is not known");
		return;
	}
	buf_str(b, "; it opens at ");
	put_instant(b, f->next_open_ms);
	if (strncmp(f->next_day, "special", 7) == 0)
		buf_printf(b, " (%s)", f->next_day);
}

/* Why the calendar has it closed at this time: the day's word, or the time of the day. */
static const char *closed_because(const struct why_facts *f)
{
	bool is_holiday = strncmp(f->day, "holiday", 7) == 0 || strcmp(f->day, "weekend") == 0 ||
			  strstr(f->day, "closed") != NULL;
	bool is_today = f->next_open_ms && ist_day(f->next_open_ms) == ist_day(f->market_ms);

	if (!f->is_calendar_known)
		return "so the broker says";
	if (is_holiday)
		return f->day;
	return is_today ? "not open yet" : "the session is over";
}

static void say_closed(const struct why_facts *f, struct buf *b)
{
	buf_printf(b, "the market of %s is closed (%s", f->segment, closed_because(f));
	if (f->about.session[0])
		buf_printf(b, "; the broker says %s", f->about.session);
	buf_byte(b, ')');
	put_next_open(f, b);
	buf_str(b, ", and it is ");
	put_instant(b, f->market_ms);
	if (!f->is_covered && f->is_calendar_known)
		buf_str(b, "; the holidays of this year are not known");
}

static void say_phase(const struct why_facts *f, const char *what, struct buf *b)
{
	buf_printf(b, "%s is in its %s", f->segment, what);
	if (f->stage[0])
		buf_printf(b, " (%s)", f->stage);
	put_next_open(f, b);
}

static void say_unknown(const struct why_facts *f, struct buf *b)
{
	buf_str(b, "the instrument master does not list it");
	for (unsigned i = 0; i < f->near_n; i++)
		buf_printf(b, "%s%s", i == 0 ? "; the nearest is " : ", ", f->near[i]);
}

static void say_expired(const struct why_facts *f, struct buf *b)
{
	char day[IST_TEXT];

	buf_printf(b, "the contract expired on %s and stopped trading at ",
		   day_format(f->expiry, day));
	put_instant(b, f->expired_ms);
}

static void say_down(const struct why_facts *f, const char *what, struct buf *b)
{
	buf_printf(b, "%s; no data has flowed since ", what);
	put_instant(b, f->up.link_ms);
	buf_str(b, " (");
	put_span(b, f->now_ms - f->up.link_ms);
	buf_printf(b, "): %s, %s", f->up.state, f->up.why);
}

static void say_last(const struct why_facts *f, struct buf *b)
{
	if (!f->has_ticked) {
		buf_str(b, "no tick since the start");
		return;
	}
	buf_printf(b, f->is_snapshot ? "no tick since the snapshot of " : "no tick for ");
	put_span(b, f->quiet_ms);
	if (f->is_snapshot)
		buf_str(b, " ago");
}

static void say_neighbours(const struct why_facts *f, struct buf *b)
{
	if (f->neighbours.asked == 0) {
		buf_str(b, ", and nobody asks for anything like it to compare it with");
		return;
	}
	buf_printf(b, ", while %u of %u others of %s ticked in the last %d s",
		   f->neighbours.ticking, f->neighbours.asked, f->beside,
		   WHY_TICKING_MS / SECOND_MS);
}

static void say_ticking(const struct why_facts *f, struct buf *b)
{
	buf_str(b, "ticks come: the last one ");
	put_span(b, f->quiet_ms);
	buf_str(b, " ago");
	if (f->is_counted)
		buf_printf(b, ", %u trades in the last minute", f->trades);
}

static void say_asked(const struct why_facts *f, struct buf *b)
{
	if (f->told_ms < 0) {
		buf_str(b, "the broker is about to be asked for it");
		return;
	}
	buf_str(b, "the broker was asked for it ");
	put_span(b, f->told_ms);
	buf_printf(b, " ago in mode %s", why_mode_text(f->about.mode));
	buf_str(b, f->has_heard ? "; its state came, no trade yet" : "; nothing has come yet");
}

static void say_refused(const struct why_facts *f, struct buf *b)
{
	buf_printf(b, "the broker serves no more instruments in mode %s beside ",
		   why_mode_text((int)f->mode));
	if (f->mode_n)
		buf_printf(b, "the %u ", f->mode_n);
	else
		buf_str(b, "those ");
	buf_str(b, "that are asked for in it, so a subscription is refused");
}

void why_say(const struct why_facts *f, enum why_code code, struct buf *b)
{
	buf_printf(b, "%s: ", f->key);
	switch (code) {
	case WHY_OK:
		say_ticking(f, b);
		break;
	case WHY_QUARANTINED:
		say_ticking(f, b);
		buf_printf(b, ", but it is in quarantine (%s): shown, and reckoned with nowhere",
			   f->suspect);
		break;
	case WHY_UNKNOWN_INSTRUMENT:
		say_unknown(f, b);
		break;
	case WHY_EXPIRED:
		say_expired(f, b);
		break;
	case WHY_OVER_LIMIT:
		buf_printf(b,
			   "all places that clients may have are taken, %u less than "
			   "server.instruments_max (%u)",
			   INSTRUMENTS_RESERVE, f->places);
		break;
	case WHY_OVER_BROKER_LIMIT:
		say_refused(f, b);
		break;
	case WHY_NOT_SUBSCRIBED:
		buf_str(b, "nobody asks for it: no client has subscribed to it, and it is not on "
			   "the watch list");
		break;
	case WHY_RECORDING_ENDED:
		buf_str(b, "the recording has been played to its end, at ");
		put_instant(b, f->market_ms);
		break;
	case WHY_MARKET_CLOSED:
		say_closed(f, b);
		break;
	case WHY_PRE_OPEN:
		say_phase(f, "pre-open session", b);
		break;
	case WHY_CLOSING:
		say_phase(f, "closing session", b);
		break;
	case WHY_TOKEN_FAILED:
		say_down(f, "the broker's token is beyond repair", b);
		break;
	case WHY_TOKEN_AWAITED:
		say_down(f, "a token of the broker is waited for", b);
		break;
	case WHY_FORBIDDEN:
		say_down(f, "the broker forbids the connection", b);
		break;
	case WHY_UPSTREAM_DOWN:
		say_down(f, "the connection to the broker is down", b);
		break;
	case WHY_AWAITING_FIRST_TICK:
		say_asked(f, b);
		break;
	case WHY_NO_ANSWER:
		say_asked(f, b);
		buf_str(b, ", not even a snapshot: unknown to the broker, or beyond its limits");
		break;
	case WHY_UPSTREAM_SILENT:
		buf_printf(b,
			   "the broker is connected and sends nothing: none of %u others ticked "
			   "in the last %d s; ",
			   f->all_seen, WHY_TICKING_MS / SECOND_MS);
		say_last(f, b);
		break;
	case WHY_SEGMENT_QUIET:
		say_last(f, b);
		buf_printf(b, ", and none of the %u others of %s ticks; other instruments do",
			   f->neighbours.asked, f->beside);
		break;
	case WHY_NO_TRADE:
		say_last(f, b);
		say_neighbours(f, b);
		break;
	case WHY_CODES:
		break;
	}
}

const char *why_mode_text(int mode)
{
	static const char *const text[WANT_MODES] = {"ltpc", "option_greeks", "full", "full_d30"};

	return mode == WANT_NOTHING ? "nothing" : text[mode];
}
