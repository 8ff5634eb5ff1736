/* SPDX-License-Identifier: MIT
 *
 * candidate: a token that is not in place yet: how it is filled, whether it is the one in place or
 * was before, and those that the configuration gives.
 */
#include "core/ist.h"
#include "token/lifetime.h"
#include "token/token_internal.h"

void candidate_clear(struct candidate *c)
{
	secret_clear(&c->text);
	*c = (struct candidate){0};
}

void candidate_fill(const struct token *t, struct candidate *c, const char *text,
		    enum token_origin origin, int64_t issued_ms, int64_t expires_ms)
{
	int64_t now = token_wall_ms(t);

	candidate_clear(c);
	secret_set(&c->text, "", text);
	c->origin = origin;
	c->issued_ms = issued_ms > 0 && issued_ms < now ? issued_ms : now;
	/* Counted from now: a token that is good now has outlived every 03:30 before. */
	c->expires_ms = lifetime_daily(now, expires_ms, t->deps.cfg->ttl_h);
}

bool token_is_replaced(const struct token *t, const char *text)
{
	return t->bearer.text && known_has(&t->replaced, text);
}

bool token_is_live(const struct token *t, const char *text)
{
	return t->bearer.text && strcmp(t->bearer.text + strlen("Bearer "), text) == 0;
}

static int64_t analytics_end(const struct token_config *cfg)
{
	day_t day;

	if (cfg->analytics_expires[0] &&
	    day_parse(cfg->analytics_expires, strlen(cfg->analytics_expires), &day))
		return ist_instant(day, DAY_MS - 1);
	return lifetime_jwt_expiry(cfg->analytics_token);
}

bool candidate_find_given(const struct token *t, struct candidate *out)
{
	const struct token_config *cfg = t->deps.cfg;
	int64_t end;

	if (cfg->access_token[0] && token_text_is_sound(cfg->access_token) &&
	    !known_has(&t->refused, cfg->access_token) && !token_is_live(t, cfg->access_token) &&
	    !token_is_replaced(t, cfg->access_token)) {
		candidate_fill(t, out, cfg->access_token, ORIGIN_CONFIG, 0,
			       lifetime_jwt_expiry(cfg->access_token));
		return true;
	}
	if (!cfg->analytics_token[0] || !token_text_is_sound(cfg->analytics_token) ||
	    known_has(&t->refused, cfg->analytics_token) || t->bearer.text)
		return false;
	end = analytics_end(cfg);
	if (end && end <= token_wall_ms(t))
		return false;
	candidate_fill(t, out, cfg->analytics_token, ORIGIN_CONFIG, 0, 0);
	out->kind = TOKEN_ANALYTICS;
	out->expires_ms = end;
	return true;
}
