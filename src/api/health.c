/* SPDX-License-Identifier: MIT
 *
 * health: GET /health. 200 while there is something to serve, even stale; 503 only when there is
 * nothing: no state yet after the start-up grace, or a token beyond repair.
 *
 * Anyone may ask whether it works. Why not, and what the modules say, names hosts and instruments:
 * that is for an operator.
 */
#include <stdio.h>

#include "api/api_internal.h"
#include "core/ist.h"
#include "market/calendar.h"

static void put_string(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, ",\"%s\":", name);
	buf_json_str(b, value, strlen(value));
}

static enum health module_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	why[0] = '\0';
	return m->ops->health ? m->ops->health(m, why) : HEALTH_UP;
}

/* Appends the modules' lines. Those of all that are not well go to `why`, named: the first alone
 * (a Redis that is away) would hide the one that matters (no token). */
static enum health put_modules(const struct api *a, struct buf *b, struct buf *why)
{
	enum health worst = HEALTH_UP;

	buf_str(b, ",\"modules\":{");
	for (size_t i = 0; i < a->deps.modules_n; i++) {
		const struct module *m = a->deps.modules[i];
		char line[HEALTH_WHY_MAX];
		enum health h = module_health(m, line);

		buf_printf(b, "%s\"%s\":{\"status\":\"%s\",\"why\":", i ? "," : "", m->ops->name,
			   health_text(h));
		buf_json_str(b, line, strlen(line));
		buf_byte(b, '}');
		if (h != HEALTH_UP)
			buf_printf(why, "%s%s: %s", why->len ? "; " : "", m->ops->name, line);
		if (h > worst)
			worst = h;
	}
	buf_byte(b, '}');
	return worst;
}

static void put_market(const struct api *a, struct buf *b)
{
	const struct clock *clock = a->deps.loop->clock;
	int64_t wall = clock_wall_ms(clock), market = clock_market_ms(clock);
	char text[IST_TEXT];
	struct upstream_status up;

	a->deps.upstream->status(a->deps.upstream->arg, &up);
	put_string(b, "now", ist_format(wall, text));
	put_string(b, "market_time", ist_format(market, text));
	put_string(b, "market_phase", market_phase_text(calendar_phase(SEGMENT_FO, market)));
	buf_printf(b, ",\"session_open\":%s", up.is_session_open ? "true" : "false");
	put_string(b, "upstream", up.state);
	buf_printf(b, ",\"stale\":%s", up.is_live ? "false" : "true");
}

static void put_details(const struct api *a, struct buf *b, const char *why,
			const struct buf *modules, uint64_t up_s)
{
	put_string(b, "why", why);
	if (a->deps.auth)
		put_string(b, "access", auth_is_open(a->deps.auth) ? "open" : "keys");
	buf_printf(b, ",\"epoch\":\"%s\",\"seq\":%llu,\"instruments\":%u,\"uptime_s\":%llu",
		   a->deps.tape->epoch, (unsigned long long)a->deps.tape->seq, a->deps.book->live,
		   (unsigned long long)up_s);
	buf_append(b, modules->data, modules->len);
}

void api_health(void *arg, struct http_request *r)
{
	struct api *a = arg;
	const char *code = "";
	uint64_t up_s = (clock_mono(a->deps.loop->clock) - a->started) / NS_PER_S;
	uint64_t generation;
	struct buf modules = {0}, why = {0}, b = {0};
	enum health h;

	a->health_checks++;
	tape_flush(a->deps.tape); /* what is told of is on the tape */
	h = put_modules(a, &modules, &why);
	/* A module that is down takes nothing away that was served: only having nothing does. */
	if (h == HEALTH_DOWN)
		h = HEALTH_DEGRADED;
	if (a->deps.book->live == 0 && up_s >= (uint64_t)a->deps.cfg->grace_s) {
		h = HEALTH_DOWN;
		code = "no_state";
		buf_printf(&why, "%sno instrument has ticked since the start", why.len ? "; " : "");
	}
	if (token_has_failed(a->deps.token)) {
		struct token_status st;

		token_status(a->deps.token, &st);
		h = HEALTH_DOWN;
		code = "token_failed";
		why.len = 0;
		buf_printf(&why, "token: %s", st.why);
	}
	buf_printf(&b, "{\"service\":\"agnidata\",\"status\":\"%s\"", health_text(h));
	if (code[0])
		put_string(&b, "code", code);
	put_string(&b, "source", a->deps.source);
	buf_printf(&b, ",\"has_token\":%s",
		   token_bearer(a->deps.token, &generation) ? "true" : "false");
	put_market(a, &b);
	if (api_caller_is(a, r, ROLE_OPERATOR))
		put_details(a, &b, why.len ? buf_cstr(&why) : "all is well", &modules, up_s);
	buf_byte(&b, '}');
	buf_fini(&modules);
	buf_fini(&why);
	api_respond(r, h == HEALTH_DOWN ? 503 : 200, &b);
}
