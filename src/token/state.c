/* SPDX-License-Identifier: MIT
 *
 * state: what the token service is doing, told to the log, the listeners and the record.
 */
#include <stdio.h>

#include "token/token_internal.h"

const char *const token_state_text[TOKEN_STATES] = {
	"BOOT",       "FETCHING", "VALIDATING", "READY",   "EXPIRING",
	"REFRESHING", "FAILED",   "WAITING",    "STOPPED",
};

const char *const token_origin_text[ORIGINS] = {"",       "config",   "source",
						"update", "notifier", "login"};

const char *const token_kind_text[] = {"daily", "analytics"};

const char *token_source_url(const struct token *t)
{
	return t->deps.source_url && t->deps.source_url[0] ? t->deps.source_url
							   : t->deps.cfg->source_url;
}

const char *token_api_url(const struct token *t)
{
	return t->deps.api_url && t->deps.api_url[0] ? t->deps.api_url : t->deps.api_url_fallback;
}

int64_t token_wall_ms(const struct token *t)
{
	return clock_wall_ms(t->deps.loop->clock);
}

static enum log_level level_of(enum token_state to)
{
	return to == TOKEN_FAILED ? LOG_ERROR : to == TOKEN_REFRESHING ? LOG_WARN : LOG_INFO;
}

void token_set_state(struct token *t, enum token_state to, const char *fmt, ...)
{
	char why[HEALTH_WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (t->state != to)
		log_write(level_of(to), "token", "%s -> %s: %s", token_state_text[t->state],
			  token_state_text[to], why);
	else if (strcmp(why, t->why) != 0)
		log_write(level_of(to), "token", "%s: %s", token_state_text[to], why);
	t->state = to;
	memcpy(t->why, why, sizeof(why));
}

void token_tell(struct token *t)
{
	list_for_each (it, &t->listeners) {
		struct token_listener *l = container_of(it, struct token_listener, link);

		l->on_change(l);
	}
}

bool token_is_ending(const struct token *t)
{
	int64_t end = t->live.expires_ms;

	return end && token_source_url(t)[0] &&
	       token_wall_ms(t) >= end - t->deps.cfg->renew_before_s * 1000;
}

enum token_state token_idle_state(const struct token *t)
{
	if (t->bearer.text)
		return token_is_ending(t) ? TOKEN_EXPIRING : TOKEN_READY;
	if (t->is_failed)
		return TOKEN_FAILED;
	return t->is_refreshing ? TOKEN_REFRESHING : TOKEN_FETCHING;
}

void token_audit(struct token *t, const char *act, const struct candidate *c, const char *fmt, ...)
{
	char detail[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	/* An act of ours: it queues when the disk is full, and never fails. */
	(void)!audit_write(t->deps.audit,
			   &(struct audit_act){.act = act,
					       .who = c && c->by[0] ? c->by : "server",
					       .peer = c ? c->peer : "",
					       .detail = detail},
			   NULL);
}
