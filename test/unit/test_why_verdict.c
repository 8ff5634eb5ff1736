/* SPDX-License-Identifier: MIT
 *
 * test_why_verdict: every cause by itself, what stands over what, and what each says.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "api/why_verdict.h"

#define KEY "NSE_FO|45450"

typedef void change_fn(struct why_facts *f);

/* An instrument that somebody has asked for long ago, on a link that is up, in an open market: silent
 * for 42 s, its neighbours are not. */
static struct why_facts usual(void)
{
	struct why_facts f = {.key = KEY,
			      .has_master = true,
			      .is_listed = true,
			      .places = 10000,
			      .wanted = WANT_FULL,
			      .mode = WANT_FULL,
			      .mode_n = 40,
			      .about = {.mode = WANT_FULL, .session = "NORMAL_OPEN"},
			      .told_ms = 300000,
			      .is_time_known = true,
			      .is_calendar_known = true,
			      .is_covered = true,
			      .segment = "NSE_FO",
			      .phase = PHASE_OPEN,
			      .stage = "normal",
			      .day = "trading day",
			      .next_day = "trading day",
			      .up = {.state = "live",
				     .why = "data flows",
				     .code = "",
				     .is_live = true,
				     .is_connected = true},
			      .has_ticked = true,
			      .has_heard = true,
			      .quiet_ms = 42000,
			      .beside = "NIFTY of NSE_FO",
			      .neighbours = {33, 31},
			      .all = {38, 36},
			      .all_seen = 38};

	check(ist_parse("2025-10-20T11:00:00", 19, &f.market_ms));
	check(ist_parse("2026-11-26T07:30:00", 19, &f.now_ms));
	check(ist_parse("2025-10-21T13:45:00", 19, &f.next_open_ms));
	f.up.link_ms = f.now_ms - 42 * 60000;
	return f;
}

/* --- what makes each cause hold --------------------------------------------------------------- */

static void ticks(struct why_facts *f)
{
	f->quiet_ms = 300;
	f->trades = 118;
	f->is_counted = true;
}

static void ticks_of_another_play(struct why_facts *f)
{
	f->quiet_ms = 300;
}

static void is_suspect(struct why_facts *f)
{
	snprintf(f->suspect, sizeof(f->suspect), "below_intrinsic");
}

static void is_quarantined(struct why_facts *f)
{
	ticks(f);
	is_suspect(f);
}

static void is_unknown(struct why_facts *f)
{
	f->is_listed = false;
	f->near_n = 2;
	snprintf(f->near[0], sizeof(f->near[0]), "NSE_FO|45451");
	snprintf(f->near[1], sizeof(f->near[1]), "BSE_FO|45450");
}

static void is_expired(struct why_facts *f)
{
	f->expiry = day_from_civil(2025, 10, 14);
	f->expired_ms = calendar_expiry_instant(f->expiry);
}

static void is_full(struct why_facts *f)
{
	f->is_full = true;
}

static void is_refused(struct why_facts *f)
{
	f->wanted = f->about.mode = WANT_NOTHING;
	f->is_refused = true;
	f->mode_n = 1500;
	f->told_ms = -1;
}

static void is_not_wanted(struct why_facts *f)
{
	f->wanted = f->about.mode = WANT_NOTHING;
	f->told_ms = -1;
}

static void has_ended(struct why_facts *f)
{
	f->has_ended = true;
}

static void is_holiday(struct why_facts *f)
{
	f->phase = PHASE_CLOSED;
	f->about.session = "";
	f->day = "holiday: Diwali Laxmi Pujan";
	f->next_day = "special session: muhurat";
}

static void is_closed(struct why_facts *f)
{
	f->phase = PHASE_CLOSED;
	f->about.session = "NORMAL_CLOSE";
}

static void is_pre_open(struct why_facts *f)
{
	f->phase = PHASE_PRE_OPEN;
	f->stage = "pre_open_match";
}

static void is_closing(struct why_facts *f)
{
	f->phase = PHASE_CLOSING;
	f->stage = "cas_match";
}

static void is_down_with(struct why_facts *f, const char *code, const char *state)
{
	f->up.is_connected = f->up.is_live = false;
	f->up.code = code;
	f->up.state = state;
	f->up.why = "authorize answered 401";
	f->about.mode = WANT_NOTHING;
	f->told_ms = -1;
}

static void has_token_failed(struct why_facts *f)
{
	is_down_with(f, "token_failed", "waiting_token");
}

static void is_token_awaited(struct why_facts *f)
{
	is_down_with(f, "token_awaited", "waiting_token");
}

static void is_forbidden(struct why_facts *f)
{
	is_down_with(f, "forbidden", "forbidden");
}

static void is_down(struct why_facts *f)
{
	is_down_with(f, "", "backoff");
}

static void is_fresh(struct why_facts *f)
{
	f->told_ms = 1500;
	f->is_snapshot = true;
	f->quiet_ms = 1400;
}

static void is_unanswered(struct why_facts *f)
{
	f->has_heard = f->has_ticked = false;
	f->quiet_ms = -1;
}

static void is_all_silent(struct why_facts *f)
{
	f->neighbours.ticking = f->all.ticking = 0;
}

static void is_segment_quiet(struct why_facts *f)
{
	f->neighbours.ticking = 0;
}

static void is_alone(struct why_facts *f)
{
	f->neighbours = f->all = (struct why_group){0};
}

static void is_quiet(struct why_facts *f)
{
	(void)f;
}

static const struct cause {
	change_fn *change;
	enum why_code code;
	const char *says;
} causes[] = {
	{is_quarantined, WHY_QUARANTINED,
	 "ticks come: the last one 0.3 s ago, 118 trades in the last minute, but it is in "
	 "quarantine "
	 "(below_intrinsic): shown, and reckoned with nowhere"},
	{ticks, WHY_OK, "ticks come: the last one 0.3 s ago, 118 trades in the last minute"},
	{ticks_of_another_play, WHY_OK, "ticks come: the last one 0.3 s ago"},
	{is_unknown, WHY_UNKNOWN_INSTRUMENT,
	 "the instrument master does not list it; the nearest is NSE_FO|45451, BSE_FO|45450"},
	{is_expired, WHY_EXPIRED,
	 "the contract expired on 2025-10-14 and stopped trading at 2025-10-14 15:30 IST"},
	{is_full, WHY_OVER_LIMIT,
	 "all places that clients may have are taken, 16 less than server.instruments_max (10000)"},
	{is_refused, WHY_OVER_BROKER_LIMIT,
	 "the broker serves no more instruments in mode full beside the 1500 that are asked for in "
	 "it, "
	 "so a subscription is refused"},
	{is_not_wanted, WHY_NOT_SUBSCRIBED,
	 "nobody asks for it: no client has subscribed to it, and it is not on the watch list"},
	{has_ended, WHY_RECORDING_ENDED,
	 "the recording has been played to its end, at 2025-10-20 11:00 IST"},
	{is_holiday, WHY_MARKET_CLOSED,
	 "the market of NSE_FO is closed (holiday: Diwali Laxmi Pujan); it opens at 2025-10-21 "
	 "13:45 "
	 "IST (special session: muhurat), and it is 2025-10-20 11:00 IST"},
	{is_closed, WHY_MARKET_CLOSED,
	 "the market of NSE_FO is closed (the session is over; the broker says NORMAL_CLOSE); it "
	 "opens "
	 "at 2025-10-21 13:45 IST, and it is 2025-10-20 11:00 IST"},
	{is_pre_open, WHY_PRE_OPEN,
	 "NSE_FO is in its pre-open session (pre_open_match); it opens at 2025-10-21 13:45 IST"},
	{is_closing, WHY_CLOSING,
	 "NSE_FO is in its closing session (cas_match); it opens at 2025-10-21 13:45 IST"},
	{has_token_failed, WHY_TOKEN_FAILED,
	 "the broker's token is beyond repair; no data has flowed since 2026-11-26 06:48 IST (42 "
	 "min): "
	 "waiting_token, authorize answered 401"},
	{is_token_awaited, WHY_TOKEN_AWAITED,
	 "a token of the broker is waited for; no data has flowed since 2026-11-26 06:48 IST (42 "
	 "min): "
	 "waiting_token, authorize answered 401"},
	{is_forbidden, WHY_FORBIDDEN,
	 "the broker forbids the connection; no data has flowed since 2026-11-26 06:48 IST (42 "
	 "min): "
	 "forbidden, authorize answered 401"},
	{is_down, WHY_UPSTREAM_DOWN,
	 "the connection to the broker is down; no data has flowed since 2026-11-26 06:48 IST (42 "
	 "min): "
	 "backoff, authorize answered 401"},
	{is_fresh, WHY_AWAITING_FIRST_TICK,
	 "the broker was asked for it 1.5 s ago in mode full; its state came, no trade yet"},
	{is_unanswered, WHY_NO_ANSWER,
	 "the broker was asked for it 5 min ago in mode full; nothing has come yet, not even a "
	 "snapshot: unknown to the broker, or beyond its limits"},
	{is_all_silent, WHY_UPSTREAM_SILENT,
	 "the broker is connected and sends nothing: none of 38 others ticked in the last 10 s; no "
	 "tick for 42 s"},
	{is_segment_quiet, WHY_SEGMENT_QUIET,
	 "no tick for 42 s, and none of the 33 others of NIFTY of NSE_FO ticks; other instruments "
	 "do"},
	{is_quiet, WHY_NO_TRADE,
	 "no tick for 42 s, while 31 of 33 others of NIFTY of NSE_FO ticked in the last 10 s"},
	{is_alone, WHY_NO_TRADE,
	 "no tick for 42 s, and nobody asks for anything like it to compare it with"},
};

static void test_each(void **state)
{
	bool is_seen[WHY_CODES] = {false};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		const struct cause *c = &causes[i];
		struct why_facts f = usual();
		struct why_verdict v;
		struct buf said = {0}, expected = {0};

		c->change(&f);
		why_judge(&f, &v);
		check_str(why_code_text(v.code), why_code_text(c->code));
		why_say(&f, v.code, &said);
		buf_printf(&expected, "%s: %s", KEY, c->says);
		check_str(buf_cstr(&said), buf_cstr(&expected));
		buf_fini(&said);
		buf_fini(&expected);
		is_seen[v.code] = true;
	}
	for (int code = 0; code < WHY_CODES; code++)
		check(is_seen[code]);
}

static bool is_among(const struct why_verdict *v, enum why_code code)
{
	for (unsigned i = 0; i < v->also_n; i++) {
		if (v->also[i] == code)
			return true;
	}
	return false;
}

/* Of any two causes the one of the earlier code is the answer. Those that say the opposite of each other
 * about the same thing are no pair. */
static bool is_pair(enum why_code a, enum why_code b)
{
	bool are_market = a >= WHY_MARKET_CLOSED && b <= WHY_CLOSING;
	bool are_link = a >= WHY_TOKEN_FAILED && b <= WHY_UPSTREAM_DOWN;

	return a < b && a > WHY_OK && b < WHY_AWAITING_FIRST_TICK && !are_market && !are_link;
}

static void test_precedence(void **state)
{
	unsigned pairs = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		for (size_t k = 0; k < ARRAY_LEN(causes); k++) {
			struct why_facts f = usual();
			struct why_verdict v;

			if (!is_pair(causes[i].code, causes[k].code))
				continue;
			causes[k].change(&f);
			causes[i].change(&f);
			why_judge(&f, &v);
			check_str(why_code_text(v.code), why_code_text(causes[i].code));
			/* What presumes that there is such an instrument is not said of one that is not. */
			if (causes[i].code != WHY_UNKNOWN_INSTRUMENT ||
			    causes[k].code > WHY_NOT_SUBSCRIBED)
				check(is_among(&v, causes[k].code));
			pairs++;
		}
	}
	check(pairs > 60);
}

/* Ticks that come explain themselves, whatever else is so; what is so is told beside it. */
static void test_ticks_come_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		struct why_facts f = usual();
		struct why_verdict v;

		bool is_end =
			causes[i].code == WHY_RECORDING_ENDED ||
			(causes[i].code >= WHY_TOKEN_FAILED && causes[i].code <= WHY_UPSTREAM_DOWN);

		if (causes[i].code < WHY_UNKNOWN_INSTRUMENT ||
		    causes[i].code >= WHY_AWAITING_FIRST_TICK)
			continue;
		causes[i].change(&f);
		ticks(&f);
		why_judge(&f, &v);
		/* They were the last ones where the link has gone since. */
		check_str(why_code_text(v.code), is_end ? why_code_text(causes[i].code) : "ok");
		check(is_end || is_among(&v, causes[i].code));
	}
}

static void judged(const struct why_facts *f, const char *code)
{
	struct why_verdict v;

	why_judge(f, &v);
	check_str(why_code_text(v.code), code);
}

/* What must not be taken for more than it is. */
static void test_borders(void **state)
{
	struct why_facts f = usual();

	(void)state;
	f.quiet_ms = WHY_TICKING_MS;
	judged(&f, "ok");
	f.quiet_ms++;
	judged(&f, "no_trade");
	/* The last ones before a close. */
	is_closed(&f);
	f.quiet_ms = WHY_LAST_MS + 1;
	judged(&f, "market_closed");
	f = usual();
	/* A snapshot is state, no event: it comes at night too. */
	f.is_snapshot = true;
	f.quiet_ms = 100;
	judged(&f, "no_trade");
	is_holiday(&f);
	judged(&f, "market_closed");
	/* A feed's clock has no time before the first message: what the calendar says of the host's time
	 * is nothing. */
	f.is_time_known = false;
	judged(&f, "no_trade");
	/* Segments that the calendar does not know, with and without the broker's word. */
	f = usual();
	is_holiday(&f);
	f.is_calendar_known = false;
	judged(&f, "no_trade");
	f.about.session = "NORMAL_CLOSE";
	f.day = f.next_day = "";
	f.next_open_ms = 0;
	judged(&f, "market_closed");
	/* A suspect quote is no reason for silence. */
	f = usual();
	is_suspect(&f);
	judged(&f, "no_trade");
	/* Limits are no matter for who is in already. */
	f = usual();
	f.is_refused = true;
	judged(&f, "no_trade");
	/* Somebody has just asked, and the broker is told in this turn. */
	f = usual();
	f.about.mode = WANT_NOTHING;
	f.told_ms = -1;
	f.has_ticked = f.has_heard = false;
	f.quiet_ms = -1;
	judged(&f, "awaiting_first_tick");
	/* A link that is new has not been silent yet; one that is open and has brought nothing is. */
	f = usual();
	is_all_silent(&f);
	f.up.link_ms = f.now_ms - 500;
	judged(&f, "awaiting_first_tick");
	f.up.is_live = false;
	judged(&f, "upstream_silent");
	/* What is not there is told as such, and nothing that presumes it. */
	f = usual();
	is_refused(&f);
	is_unknown(&f);
	f.is_full = true;
	judged(&f, "unknown_instrument");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_ticks_come_first),
		cmocka_unit_test(test_borders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
