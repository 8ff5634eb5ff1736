/* SPDX-License-Identifier: MIT
 *
 * why_verdict: why an instrument is silent: facts in, the cause out; nothing else is asked.
 *
 * Several causes may hold at once; the first of this order is the answer, the others are told beside it.
 * First what is the asker's own to change and no waiting will cure, then what would keep everything
 * silent even if all worked, then what is broken on the way, then what the market does:
 *
 *     quarantined, ok          ticks come over a link that is up: nothing is to be explained
 *     unknown_instrument       the master does not list it
 *     expired                  the contract is over
 *     over_limit               no place among our instruments (server.instruments_max)
 *     over_broker_limit        nobody has it, and the broker serves no more in that mode
 *     not_subscribed           nobody asks for it
 *     recording_ended          the recording has been played to its end
 *     market_closed, pre_open, closing   by the broker's word, else the calendar
 *     token_failed, token_awaited, forbidden, upstream_down
 *     awaiting_first_tick      it was asked for a moment ago
 *     no_answer                asked for, and not even a snapshot came
 *     upstream_silent          connected, and nothing ticks at all
 *     segment_quiet            none of its neighbours ticks, others do
 *     no_trade                 it alone is quiet
 *
 * Two clocks. How long something has been quiet is measured on the monotonic clock: a feed that is silent
 * moves no market time. What the calendar is asked about is market time, which is the recording's when one
 * is played; since when the link is down is wall time.
 */
#ifndef AGNI_API_WHY_VERDICT_H
#define AGNI_API_WHY_VERDICT_H

#include "core/buf.h"
#include "market/calendar.h"
#include "market/interest.h"
#include "market/near_key.h"
#include "market/upstream.h"

#define WHY_TICKING_MS                                                                             \
	10000            /* a tick within so long is no silence; neighbours are judged by it too */
#define WHY_LAST_MS 1000 /* the same in a market that is closed, where none is to be expected */

enum why_code {
	WHY_QUARANTINED,
	WHY_OK,
	WHY_UNKNOWN_INSTRUMENT,
	WHY_EXPIRED,
	WHY_OVER_LIMIT,
	WHY_OVER_BROKER_LIMIT,
	WHY_NOT_SUBSCRIBED,
	WHY_RECORDING_ENDED,
	WHY_MARKET_CLOSED,
	WHY_PRE_OPEN,
	WHY_CLOSING,
	WHY_TOKEN_FAILED,
	WHY_TOKEN_AWAITED,
	WHY_FORBIDDEN,
	WHY_UPSTREAM_DOWN,
	WHY_AWAITING_FIRST_TICK,
	WHY_NO_ANSWER,
	WHY_UPSTREAM_SILENT,
	WHY_SEGMENT_QUIET,
	WHY_NO_TRADE,
	WHY_CODES
};

struct why_group {
	uint32_t asked;   /* others that somebody asks for */
	uint32_t ticking; /* of them, within WHY_TICKING_MS */
};

struct why_facts {
	char key[SELECTOR_TEXT_MAX + 1]; /* or what was typed, when it is none */

	/* the instrument */
	bool has_master, is_listed; /* listed: in the master, or taken as known without one */
	char near[NEAR_KEYS_MAX][INST_KEY_MAX + 1]; /* when it is not listed */
	unsigned near_n;
	char symbol[MASTER_TEXT_MAX + 1]; /* "" */
	day_t expiry;                     /* 0: none */
	int64_t expired_ms;               /* market time of its end; 0: not over, or no contract */

	/* who asks for it */
	bool is_full;            /* the table has no place for it */
	uint32_t places;         /* of the table */
	int wanted;              /* the highest mode, or WANT_NOTHING */
	enum interest_mode mode; /* that the caller would have */
	bool is_refused;         /* the broker's limits would refuse that mode */
	uint32_t mode_n;         /* instruments in that mode now; 0: not for the caller to know */
	struct upstream_about about;
	int64_t told_ms; /* since the broker was asked; -1: was not */

	/* the market */
	bool is_time_known;     /* a feed's clock has no time before its first message */
	bool is_calendar_known; /* of the segment */
	bool is_covered;        /* the holidays of the year are known */
	char segment[SELECTOR_TEXT_MAX + 1];
	int64_t market_ms;
	enum market_phase phase; /* by the broker's word, else the calendar */
	const char *stage, *day; /* the calendar's words: "cas_match", "holiday: Christmas" */
	int64_t next_open_ms, next_close_ms; /* market time; 0: not known */
	const char *next_day;                /* the calendar's word for the next open's day */

	/* upstream */
	struct upstream_status up;
	int64_t now_ms; /* wall */
	bool has_ended; /* a recording, to its end */

	/* its ticks */
	bool has_ticked;
	bool is_snapshot; /* the newest came in a snapshot: state, no event */
	bool is_stale;
	int64_t quiet_ms;  /* since the newest; -1: there was none */
	int64_t tick_ms;   /* market time of the newest */
	uint64_t tick_seq; /* of the newest */
	uint32_t trades;   /* of this run, in the newest 60 s of market time */
	bool is_counted;   /* `trades` is known */
	char suspect[128]; /* why the newest is in quarantine, with commas; "" */
	bool has_heard;    /* something came since the broker was asked for it */

	/* those beside it, itself not counted */
	char beside[SELECTOR_TEXT_MAX + 1]; /* what they have in common: "NIFTY of NSE_FO" */
	struct why_group neighbours, all;
	uint32_t all_seen; /* of all.asked: what the caller may see; the others are not told of */
};

struct why_verdict {
	enum why_code code;
	enum why_code also[WHY_CODES]; /* what holds besides, in order */
	unsigned also_n;
};

void why_judge(const struct why_facts *f, struct why_verdict *out);

const char *why_code_text(enum why_code code); /* "market_closed" */

/* Appends one sentence of the cause, with its numbers. */
void why_say(const struct why_facts *f, enum why_code code, struct buf *out);

/* "full"; "nothing" for WANT_NOTHING. */
const char *why_mode_text(int mode);

#endif
