/* SPDX-License-Identifier: MIT
 *
 * why_json: a verdict and its facts as JSON. What is not known is left out.
 */
#include "api/api_internal.h"
#include "api/why.h"

static void put_text(struct buf *b, const char *name, const char *value)
{
	if (!value[0])
		return;
	buf_printf(b, ",\"%s\":", name);
	buf_json_str(b, value, strlen(value));
}

static void put_bool(struct buf *b, const char *name, bool value)
{
	buf_printf(b, ",\"%s\":%s", name, value ? "true" : "false");
}

/* Under two names: as people read it, and "_ms" as programs do. 0: not known. */
static void put_instant(struct buf *b, const char *name, int64_t ms)
{
	char text[IST_TEXT];

	if (ms)
		buf_printf(b, ",\"%s\":\"%s\",\"%s_ms\":%lld", name, ist_format(ms, text), name,
			   (long long)ms);
}

static void put_instrument(struct buf *b, const struct why_facts *f)
{
	char day[IST_TEXT];

	buf_printf(b, "\"instrument\":{\"listed\":%s", f->is_listed ? "true" : "false");
	put_bool(b, "master", f->has_master);
	put_text(b, "symbol", f->symbol);
	if (f->expiry) {
		buf_printf(b, ",\"expiry\":\"%s\"", day_format(f->expiry, day));
		put_bool(b, "expired", f->expired_ms != 0);
	}
	if (!f->is_listed) {
		buf_str(b, ",\"nearest\":[");
		for (unsigned i = 0; i < f->near_n; i++) {
			buf_str(b, i ? "," : "");
			buf_json_str(b, f->near[i], strlen(f->near[i]));
		}
		buf_byte(b, ']');
	}
	buf_byte(b, '}');
}

static void put_subscription(struct buf *b, const struct why_facts *f)
{
	buf_printf(b, ",\"subscription\":{\"wanted\":\"%s\",\"upstream\":\"%s\"",
		   why_mode_text(f->wanted), why_mode_text(f->about.mode));
	if (f->told_ms >= 0)
		buf_printf(b, ",\"upstream_for_ms\":%lld", (long long)f->told_ms);
	put_text(b, "mode", why_mode_text((int)f->mode));
	put_bool(b, "would_be_refused", f->is_refused || f->is_full);
	buf_byte(b, '}');
}

static void put_market(struct buf *b, const struct why_asker *w, const struct why_facts *f)
{
	bool is_known = f->is_time_known && (f->is_calendar_known || f->about.session[0]);

	buf_printf(b, ",\"market\":{\"clock\":\"%s\"",
		   w->api->deps.loop->clock->mode == CLOCK_FEED ? "feed" : "system");
	if (f->is_time_known)
		put_instant(b, "time", f->market_ms);
	put_text(b, "segment", f->segment);
	put_text(b, "phase", is_known ? market_phase_text(f->phase) : "");
	put_text(b, "broker_says", f->about.session);
	if (f->is_time_known && f->is_calendar_known) {
		put_text(b, "stage", f->stage);
		put_text(b, "day", f->day);
		put_bool(b, "holidays_known", f->is_covered);
		put_instant(b, "next_open", f->next_open_ms);
		put_instant(b, "next_close", f->next_close_ms);
	}
	buf_byte(b, '}');
}

static void put_upstream(struct buf *b, const struct why_asker *w, const struct why_facts *f)
{
	buf_str(b, ",\"upstream\":{\"source\":");
	buf_json_str(b, w->api->deps.source, strlen(w->api->deps.source));
	put_text(b, "state", f->up.state);
	put_text(b, "code", f->up.code);
	put_text(b, "why", f->up.why);
	put_bool(b, "connected", f->up.is_connected);
	put_bool(b, "live", f->up.is_live);
	put_instant(b, "state_since", f->up.since_ms);
	put_instant(b, f->up.is_live ? "flows_since" : "down_since", f->up.link_ms);
	if (f->has_ended)
		put_bool(b, "recording_ended", true);
	buf_byte(b, '}');
}

static void put_ticks(struct buf *b, const struct why_facts *f)
{
	buf_printf(b, ",\"ticks\":{\"seen\":%s", f->has_ticked ? "true" : "false");
	if (f->has_ticked) {
		buf_printf(b, ",\"last_ms_ago\":%lld,\"seq\":%llu,\"trades_60s\":",
			   (long long)f->quiet_ms, (unsigned long long)f->tick_seq);
		if (f->is_counted)
			buf_i64(b, f->trades);
		else
			buf_str(b, "null");
		put_instant(b, "market_time", f->tick_ms);
		put_bool(b, "snapshot", f->is_snapshot);
		put_bool(b, "stale", f->is_stale);
		put_text(b, "suspect", f->suspect);
	}
	buf_byte(b, '}');
}

static void put_neighbours(struct buf *b, const struct why_facts *f)
{
	if (!f->beside[0])
		return;
	buf_str(b, ",\"neighbours\":{\"of\":");
	buf_json_str(b, f->beside, strlen(f->beside));
	buf_printf(b, ",\"subscribed\":%u,\"ticking\":%u,\"within_ms\":%d}", f->neighbours.asked,
		   f->neighbours.ticking, WHY_TICKING_MS);
}

static void put_cause(struct buf *b, const struct why_facts *f, enum why_code code)
{
	struct buf text = {0};

	why_say(f, code, &text);
	buf_printf(b, "\"code\":\"%s\",\"sentence\":", why_code_text(code));
	buf_json_str(b, text.data, text.len);
	buf_fini(&text);
}

void why_json(struct buf *b, const struct why_asker *w, const struct why_facts *f,
	      const struct why_verdict *v)
{
	put_cause(b, f, v->code);
	buf_str(b, ",\"facts\":{");
	put_instrument(b, f);
	put_subscription(b, f);
	put_market(b, w, f);
	put_upstream(b, w, f);
	put_ticks(b, f);
	put_neighbours(b, f);
	buf_str(b, "},\"also\":[");
	for (unsigned i = 0; i < v->also_n; i++) {
		buf_str(b, i ? ",{" : "{");
		put_cause(b, f, v->also[i]);
		buf_byte(b, '}');
	}
	buf_byte(b, ']');
}
