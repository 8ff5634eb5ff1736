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

void api_put_string(struct buf *b, const char *name, const char *value)
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

void health_put_market(const struct api *a, const struct upstream_status *up, struct buf *b)
{
	const struct clock *clock = a->deps.loop->clock;
	int64_t wall = clock_wall_ms(clock), market = clock_market_ms(clock);
	char text[IST_TEXT];
	api_put_string(b, "now", ist_format(wall, text));
	api_put_string(b, "market_time", ist_format(market, text));
	api_put_string(b, "market_phase", market_phase_text(calendar_phase(SEGMENT_FO, market)));
	buf_printf(b, ",\"session_open\":%s", up->is_session_open ? "true" : "false");
}

static void put_details(const struct api *a, struct buf *b, const char *why,
			const struct buf *modules, uint64_t uptime_s)
{
	api_put_string(b, "why", why);
	if (a->deps.auth)
		api_put_string(b, "access", auth_is_open(a->deps.auth) ? "open" : "keys");
	buf_printf(b, ",\"epoch\":\"%s\",\"seq\":%llu,\"instruments\":%u,\"uptime_s\":%llu",
		   a->deps.tape->epoch, (unsigned long long)a->deps.tape->seq, a->deps.book->live,
		   (unsigned long long)uptime_s);
	buf_append(b, modules->data, modules->len);
}

static uint64_t up_s(const struct api *a)
{
	return (clock_mono(a->deps.loop->clock) - a->started) / NS_PER_S;
}

void health_look(const struct api *a, struct health_look *look)
{
	*look = (struct health_look){.code = ""};
	look->health = put_modules(a, &look->modules, &look->why);
	/* A module that is down takes nothing away that was served: only having nothing does. */
	if (look->health == HEALTH_DOWN)
		look->health = HEALTH_DEGRADED;
	if (a->deps.book->live == 0 && up_s(a) >= (uint64_t)a->deps.cfg->grace_s) {
		look->health = HEALTH_DOWN;
		look->code = "no_state";
		buf_printf(&look->why, "%sno instrument has ticked since the start",
			   look->why.len ? "; " : "");
	}
	if (token_has_failed(a->deps.token)) {
		struct token_status st;

		token_status(a->deps.token, &st);
		look->health = HEALTH_DOWN;
		look->code = "token_failed";
		buf_reset(&look->why);
		buf_printf(&look->why, "token: %s", st.why);
	}
	(void)buf_cstr(&look->why);
}

void health_look_fini(struct health_look *look)
{
	buf_fini(&look->why);
	buf_fini(&look->modules);
}

void api_health(void *arg, struct http_request *r)
{
	struct api *a = arg;
	uint64_t generation;
	struct upstream_status up;
	struct health_look look;
	struct buf b = {0};
	enum health h;

	a->health_checks++;
	tape_flush(a->deps.tape); /* what is told of is on the tape */
	health_look(a, &look);
	h = look.health;
	buf_printf(&b, "{\"service\":\"agnidata\",\"status\":\"%s\"", health_text(h));
	if (look.code[0])
		api_put_string(&b, "code", look.code);
	api_put_string(&b, "source", a->deps.source);
	buf_printf(&b, ",\"has_token\":%s",
		   token_bearer(a->deps.token, &generation) ? "true" : "false");
	a->deps.upstream->status(a->deps.upstream->arg, &up);
	health_put_market(a, &up, &b);
	api_put_string(&b, "upstream", up.state);
	buf_printf(&b, ",\"stale\":%s", up.is_live ? "false" : "true");
	if (api_caller_is(a, r, ROLE_OPERATOR))
		put_details(a, &b, look.why.len ? buf_cstr(&look.why) : "all is well",
			    &look.modules, up_s(a));
	buf_byte(&b, '}');
	health_look_fini(&look);
	api_respond(r, h == HEALTH_DOWN ? 503 : 200, &b);
}
