/* SPDX-License-Identifier: MIT
 *
 * why_verdict: which causes hold, and which of them is the answer; see why_verdict.h.
 */
#include "api/why_verdict.h"

static bool is_without_token(const struct why_facts *f, const char *code)
{
	return !f->up.is_connected && strcmp(f->up.code, code) == 0;
}

/* The market's part: what holds of these keeps the instrument silent even if all else is well. */
static bool holds_of_market(const struct why_facts *f, enum why_code code)
{
	if (!f->is_time_known || (!f->is_calendar_known && !f->about.session[0]))
		return false;
	return code == WHY_MARKET_CLOSED ? f->phase == PHASE_CLOSED
	       : code == WHY_PRE_OPEN    ? f->phase == PHASE_PRE_OPEN
					 : f->phase == PHASE_CLOSING;
}

static bool is_ticking(const struct why_facts *f)
{
	bool is_closed = holds_of_market(f, WHY_MARKET_CLOSED);

	return f->has_ticked && !f->is_snapshot && f->up.is_connected && !f->has_ended &&
	       f->quiet_ms <= (is_closed ? WHY_LAST_MS : WHY_TICKING_MS);
}

static bool holds_of_link(const struct why_facts *f, enum why_code code)
{
	switch (code) {
	case WHY_TOKEN_FAILED:
		return is_without_token(f, "token_failed");
	case WHY_TOKEN_AWAITED:
		return is_without_token(f, "token_awaited");
	case WHY_FORBIDDEN:
		return is_without_token(f, "forbidden");
	case WHY_UPSTREAM_DOWN:
		return is_without_token(f, "");
	default:
		return false;
	}
}

/* The instrument's own silence on a link that is up. */
static bool holds_of_silence(const struct why_facts *f, enum why_code code)
{
	bool is_asked = f->up.is_connected && f->told_ms >= 0;
	bool is_fresh = is_asked && f->told_ms <= WHY_TICKING_MS;
	bool is_heard = is_asked && !is_fresh && f->has_heard;
	/* A link that has just come up has not had the time to be silent. */
	bool is_new = f->up.is_live && f->now_ms - f->up.link_ms <= WHY_TICKING_MS;

	switch (code) {
	case WHY_AWAITING_FIRST_TICK:
		return is_fresh;
	case WHY_NO_ANSWER:
		return is_asked && !is_fresh && !f->has_heard;
	case WHY_UPSTREAM_SILENT:
		return f->up.is_connected && !is_fresh && !is_new && f->all.asked &&
		       !f->all.ticking;
	case WHY_SEGMENT_QUIET:
		return is_heard && f->all.ticking && f->neighbours.asked && !f->neighbours.ticking;
	case WHY_NO_TRADE:
		return is_heard && (!f->all.asked || f->all.ticking) &&
		       (!f->neighbours.asked || f->neighbours.ticking);
	default:
		return false;
	}
}

static bool holds(const struct why_facts *f, enum why_code code)
{
	switch (code) {
	case WHY_QUARANTINED:
		return f->suspect[0] && is_ticking(f);
	case WHY_OK:
		return !f->suspect[0] && is_ticking(f);
	case WHY_UNKNOWN_INSTRUMENT:
		return !f->is_listed;
	case WHY_EXPIRED:
		return f->expired_ms != 0;
	case WHY_OVER_LIMIT:
		return f->is_full && f->is_listed;
	case WHY_OVER_BROKER_LIMIT:
		return f->wanted == WANT_NOTHING && f->is_refused && f->is_listed;
	case WHY_NOT_SUBSCRIBED:
		return f->wanted == WANT_NOTHING && f->is_listed;
	case WHY_RECORDING_ENDED:
		return f->has_ended;
	case WHY_MARKET_CLOSED:
	case WHY_PRE_OPEN:
	case WHY_CLOSING:
		return holds_of_market(f, code);
	case WHY_TOKEN_FAILED:
	case WHY_TOKEN_AWAITED:
	case WHY_FORBIDDEN:
	case WHY_UPSTREAM_DOWN:
		return holds_of_link(f, code);
	default:
		return !is_ticking(f) && holds_of_silence(f, code);
	}
}

void why_judge(const struct why_facts *f, struct why_verdict *out)
{
	*out = (struct why_verdict){.code = WHY_CODES};
	for (int code = 0; code < WHY_CODES; code++) {
		if (!holds(f, (enum why_code)code))
			continue;
		if (out->code == WHY_CODES)
			out->code = (enum why_code)code;
		else
			out->also[out->also_n++] = (enum why_code)code;
	}
	/* Somebody asks, the link is up, and the broker is told in this very turn. */
	if (out->code == WHY_CODES)
		out->code = WHY_AWAITING_FIRST_TICK;
}

const char *why_code_text(enum why_code code)
{
	static const char *const text[WHY_CODES] = {
		[WHY_QUARANTINED] = "quarantined",
		[WHY_OK] = "ok",
		[WHY_UNKNOWN_INSTRUMENT] = "unknown_instrument",
		[WHY_EXPIRED] = "expired",
		[WHY_OVER_LIMIT] = "over_limit",
		[WHY_OVER_BROKER_LIMIT] = "over_broker_limit",
		[WHY_NOT_SUBSCRIBED] = "not_subscribed",
		[WHY_RECORDING_ENDED] = "recording_ended",
		[WHY_MARKET_CLOSED] = "market_closed",
		[WHY_PRE_OPEN] = "pre_open",
		[WHY_CLOSING] = "closing",
		[WHY_TOKEN_FAILED] = "token_failed",
		[WHY_TOKEN_AWAITED] = "token_awaited",
		[WHY_FORBIDDEN] = "forbidden",
		[WHY_UPSTREAM_DOWN] = "upstream_down",
		[WHY_AWAITING_FIRST_TICK] = "awaiting_first_tick",
		[WHY_NO_ANSWER] = "no_answer",
		[WHY_UPSTREAM_SILENT] = "upstream_silent",
		[WHY_SEGMENT_QUIET] = "segment_quiet",
		[WHY_NO_TRADE] = "no_trade",
	};

	return text[code];
}
