/* SPDX-License-Identifier: MIT
 *
 * token: the state machine; see token.h. offer.c has what people and webhooks bring, login.c the
 * OAuth code exchange, vault.c what is kept. Tokens are never printed.
 *
 * Two kinds of trouble are kept apart. That nobody answers (the token API, the broker) is waited
 * out, for ever. That a token was lost and no good one comes is counted: token.retries tries, then
 * FAILED. While failed, the token API is still asked every poll_s, and only a token that was not
 * refused before is tried.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/ist.h"
#include "token/lifetime.h"
#include "token/token_internal.h"

#define RESPONSE_MAX 16384
#define GOOD_LIFE_NS (60 * NS_PER_S) /* a token refused sooner was never good */
#define BOOT_WAIT_NS NS_PER_S        /* for Redis, which may hold a sealed token */
#define BOOT_LOOK_MS 10
#define WATCH_MS     250
#define BACKOFF_CAP  60000

const struct config_key token_config_keys[] = {
	CONFIG_STR(struct token_config, account, "agnidata001", "", "account whose token this is"),
	CONFIG_STR(struct token_config, source_url, "", "",
		   "internal token API that answers {\"success\":true,\"access_token\":...}; empty "
		   "= none"),
	CONFIG_STR_F(struct token_config, access_token, "", "",
		     "a token of today given by hand, best as ${UPSTOX_ACCESS_TOKEN}; empty = ask "
		     "source_url",
		     CONFIG_SECRET | CONFIG_RELOAD),
	CONFIG_STR_F(
		struct token_config, analytics_token, "", "",
		"a long-lived analytics token, best as ${UPSTOX_ANALYTICS_TOKEN}; empty = none",
		CONFIG_SECRET | CONFIG_RELOAD),
	CONFIG_STR_F(struct token_config, analytics_expires, "", "",
		     "its last day, YYYY-MM-DD; empty = what the token itself says", CONFIG_RELOAD),
	CONFIG_INT(struct token_config, ttl_h, 24, 1, 24, "h",
		   "longest life of a daily token; it dies at the next 03:30 IST at the latest"),
	CONFIG_INT(struct token_config, renew_before_s, 1800, 0, 86400, "s",
		   "source_url is asked for the next token so long before the end of this one"),
	CONFIG_INT(struct token_config, retries, 3, 1, 100, "",
		   "failed tries to replace a lost token until it is called beyond repair"),
	CONFIG_INT(struct token_config, retry_ms, 2000, 10, 60000, "ms",
		   "wait after the first of them, doubled each time, with jitter"),
	CONFIG_ENUM(struct token_config, on_failure, "wait", "wait|exit",
		    "then: wait for another token, or end the process with exit code 3"),
	CONFIG_INT(struct token_config, poll_s, 30, 1, 3600, "s",
		   "how often source_url is asked while nothing better is to be done"),
	CONFIG_INT(struct token_config, timeout_ms, 5000, 100, 60000, "ms",
		   "total time for one answer of source_url or of the broker"),
	CONFIG_STR(
		struct token_config, seal_key_file, "", "",
		"keys that seal the kept token; empty = the systemd credential "
		"agnidata-seal-key, the environment's AGNIDATA_SEAL_KEY, or seal.key in the data "
		"folder"),
	CONFIG_STR(struct token_config, client_id, "", "",
		   "the broker's key of our app, for logins and the notifier; empty = off"),
	CONFIG_STR_F(struct token_config, client_secret, "", "",
		     "its secret, best as ${UPSTOX_CLIENT_SECRET}", CONFIG_SECRET),
	CONFIG_STR(struct token_config, redirect_uri, "", "",
		   "where a login comes back to, as registered with the broker: "
		   "http(s)://.../token/callback"),
	CONFIG_STR_F(struct token_config, notifier_path, "", "",
		     "the last part of /token/notify/..., at least 32 characters that nobody can "
		     "guess; empty = off",
		     CONFIG_SECRET),
	{0},
};

static const char *const state_text[TOKEN_STATES] = {
	"BOOT",       "FETCHING", "VALIDATING", "READY",   "EXPIRING",
	"REFRESHING", "FAILED",   "WAITING",    "STOPPED",
};

static const char *const origin_text[ORIGINS] = {"",       "config",   "source",
						 "update", "notifier", "login"};

static const char *const kind_text[] = {"daily", "analytics"};

static void choose(struct token *t);
static void fetch(struct token *t);
static void keep(struct token *t);

/* --- configuration ----------------------------------------------------------------------------- */

/* It stands in URLs, key names, file names and JSON: nothing there may need escaping. */
static bool is_account(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++) {
		if (!isalnum((unsigned char)s[n]) && !strchr("._-", s[n]))
			return false;
	}
	return n > 0 && n <= SEAL_ACCOUNT_MAX && s[0] != '.';
}

static bool is_path_part(const char *s)
{
	for (; *s; s++) {
		if (!isalnum((unsigned char)*s) && !strchr("._~-", *s))
			return false;
	}
	return true;
}

int token_config_check(const struct token_config *cfg, struct agni_err *err)
{
	day_t day;

	if (!is_account(cfg->account))
		return agni_fail(err, AGNI_ECONFIG,
				 "token.account: 1 to %d letters, digits, dots, dashes and "
				 "underscores",
				 SEAL_ACCOUNT_MAX);
	if ((cfg->access_token[0] && !token_text_is_sound(cfg->access_token)) ||
	    (cfg->analytics_token[0] && !token_text_is_sound(cfg->analytics_token)))
		return agni_fail(err, AGNI_ECONFIG, "token.%s holds characters that no token has",
				 token_text_is_sound(cfg->analytics_token) ||
						 !cfg->analytics_token[0]
					 ? "access_token"
					 : "analytics_token");
	if (cfg->analytics_expires[0] &&
	    !day_parse(cfg->analytics_expires, strlen(cfg->analytics_expires), &day))
		return agni_fail(err, AGNI_ECONFIG,
				 "token.analytics_expires: \"%.40s\" is not a date YYYY-MM-DD",
				 cfg->analytics_expires);
	if (cfg->notifier_path[0] &&
	    (strlen(cfg->notifier_path) < 32 || !is_path_part(cfg->notifier_path)))
		return agni_fail(
			err, AGNI_ECONFIG,
			"token.notifier_path: at least 32 letters, digits or ._~-, at random "
			"(openssl rand -hex 24)");
	if (cfg->notifier_path[0] && !cfg->client_id[0])
		return agni_fail(err, AGNI_ECONFIG, "token.notifier_path needs token.client_id");
	return 0;
}

/* --- small things ------------------------------------------------------------------------------ */

static const char *source(const struct token *t)
{
	return t->deps.source_url && t->deps.source_url[0] ? t->deps.source_url
							   : t->deps.cfg->source_url;
}

const char *token_api_url(const struct token *t)
{
	return t->deps.api_url && t->deps.api_url[0] ? t->deps.api_url : t->deps.api_url_fallback;
}

static int64_t wall(const struct token *t)
{
	return clock_wall_ms(t->deps.loop->clock);
}

static enum log_level level_of(enum token_state to)
{
	return to == TOKEN_FAILED ? LOG_ERROR : to == TOKEN_REFRESHING ? LOG_WARN : LOG_INFO;
}

AGNI_PRINTF(3, 4)
static void set_state(struct token *t, enum token_state to, const char *fmt, ...)
{
	char why[HEALTH_WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (t->state != to)
		log_write(level_of(to), "token", "%s -> %s: %s", state_text[t->state],
			  state_text[to], why);
	else if (strcmp(why, t->why) != 0)
		log_write(level_of(to), "token", "%s: %s", state_text[to], why);
	t->state = to;
	memcpy(t->why, why, sizeof(why));
}

static void tell(struct token *t)
{
	list_for_each (it, &t->listeners) {
		struct token_listener *l = container_of(it, struct token_listener, link);

		l->on_change(l);
	}
}

static void on_timer(uv_timer_t *timer)
{
	choose(container_of(timer, struct token, timer));
}

static void again_in(struct token *t, uint64_t ms)
{
	uv_timer_start(&t->timer, on_timer, ms, 0);
}

/* Time to look for the next token, and somebody to ask. */
static bool is_ending(const struct token *t)
{
	int64_t end = t->live.expires_ms;

	return end && source(t)[0] && wall(t) >= end - t->deps.cfg->renew_before_s * 1000;
}

/* What is being done while no candidate is in hand. */
static enum token_state idle_state(const struct token *t)
{
	if (t->bearer.text)
		return is_ending(t) ? TOKEN_EXPIRING : TOKEN_READY;
	if (t->is_failed)
		return TOKEN_FAILED;
	return t->is_refreshing ? TOKEN_REFRESHING : TOKEN_FETCHING;
}

/* --- the record ------------------------------------------------------------------------------- */

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

/* --- what was refused -------------------------------------------------------------------------- */

static bool is_known(const struct known *k, const char *text)
{
	size_t n = k->n < KNOWN_MAX ? (size_t)k->n : KNOWN_MAX;
	unsigned char hash[SHA256_BYTES];

	hash_sha256(text, strlen(text), hash);
	for (size_t i = 0; i < n; i++) {
		if (memcmp(k->hashes[i], hash, SHA256_BYTES) == 0)
			return true;
	}
	return false;
}

static void remember(struct known *k, const char *text)
{
	if (!is_known(k, text))
		hash_sha256(text, strlen(text), k->hashes[k->n++ % KNOWN_MAX]);
}

bool token_is_refused(const struct token *t, const char *text)
{
	return is_known(&t->refused, text);
}

void token_remember_refused(struct token *t, const char *text)
{
	remember(&t->refused, text);
}

/* It was in place before the one that is: no renewal, and better than none only. */
static bool is_replaced(const struct token *t, const char *text)
{
	return t->bearer.text && is_known(&t->replaced, text);
}

bool token_is_live(const struct token *t, const char *text)
{
	return t->bearer.text && strcmp(t->bearer.text + strlen("Bearer "), text) == 0;
}

/* --- candidates -------------------------------------------------------------------------------- */

void candidate_clear(struct candidate *c)
{
	secret_clear(&c->text);
	*c = (struct candidate){0};
}

void candidate_fill(const struct token *t, struct candidate *c, const char *text,
		    enum token_origin origin, int64_t issued_ms, int64_t expires_ms)
{
	int64_t now = wall(t);

	candidate_clear(c);
	secret_set(&c->text, "", text);
	c->origin = origin;
	c->issued_ms = issued_ms > 0 && issued_ms < now ? issued_ms : now;
	/* Counted from now: a token that is good now has outlived every 03:30 before. */
	c->expires_ms = lifetime_daily(now, expires_ms, t->deps.cfg->ttl_h);
}

static int64_t analytics_end(const struct token_config *cfg)
{
	day_t day;

	if (cfg->analytics_expires[0] &&
	    day_parse(cfg->analytics_expires, strlen(cfg->analytics_expires), &day))
		return ist_instant(day, DAY_MS - 1);
	return lifetime_jwt_expiry(cfg->analytics_token);
}

/* A token of the configuration that was not refused, and is not or was not in place. */
static bool find_given(const struct token *t, struct candidate *out)
{
	const struct token_config *cfg = t->deps.cfg;
	int64_t end;

	if (cfg->access_token[0] && token_text_is_sound(cfg->access_token) &&
	    !token_is_refused(t, cfg->access_token) && !token_is_live(t, cfg->access_token) &&
	    !is_replaced(t, cfg->access_token)) {
		candidate_fill(t, out, cfg->access_token, ORIGIN_CONFIG, 0,
			       lifetime_jwt_expiry(cfg->access_token));
		return true;
	}
	if (!cfg->analytics_token[0] || !token_text_is_sound(cfg->analytics_token) ||
	    token_is_refused(t, cfg->analytics_token) || t->bearer.text)
		return false;
	end = analytics_end(cfg);
	if (end && end <= wall(t))
		return false;
	candidate_fill(t, out, cfg->analytics_token, ORIGIN_CONFIG, 0, 0);
	out->kind = TOKEN_ANALYTICS;
	out->expires_ms = end;
	return true;
}

static bool take_kept(struct token *t)
{
	bool ok = t->kept.text.text && (!t->kept.expires_ms || t->kept.expires_ms > wall(t)) &&
		  !token_is_refused(t, t->kept.text.text) && !t->bearer.text;

	if (!ok) {
		candidate_clear(&t->kept);
		return false;
	}
	candidate_clear(&t->candidate);
	t->candidate = t->kept;
	t->kept = (struct candidate){0};
	return true;
}

static void set_kept(struct token *t, const struct seal_content *c)
{
	candidate_clear(&t->kept);
	secret_set(&t->kept.text, "", c->token);
	t->kept.kind = (enum token_kind)c->kind;
	t->kept.origin = (enum token_origin)c->origin;
	t->kept.issued_ms = c->issued_ms;
	t->kept.expires_ms = c->expires_ms;
	t->kept.generation = c->generation;
}

/* Redis may come minutes after us, and have what all wait for; or what an earlier run kept there,
 * under a number that the token in place has not reached. */
static void on_found(void *arg, const struct seal_content *c)
{
	struct token *t = arg;

	if (t->is_stopping)
		return;
	if (c && c->generation > t->top)
		t->top = c->generation;
	if (c && t->bearer.text) {
		t->top++;
		keep(t);
		return;
	}
	if (c) {
		t->generation = t->top;
		set_kept(t, c);
	}
	if (t->boot_until && (c || t->state == TOKEN_BOOT))
		choose(t);
}

/* --- in place, and away ------------------------------------------------------------------------ */

static void stop_trying(struct token *t)
{
	uv_timer_stop(&t->timer);
	proof_cancel(t->proof);
	t->proof = NULL;
	if (t->call)
		http_call_cancel(t->call);
	t->call = NULL;
	candidate_clear(&t->candidate);
}

static void keep(struct token *t)
{
	struct seal_content c = {.generation = t->top,
				 .expires_ms = t->live.expires_ms,
				 .issued_ms = t->live.issued_ms,
				 .kind = (int)t->live.kind,
				 .origin = (int)t->live.origin};

	snprintf(c.account, sizeof(c.account), "%s", t->deps.cfg->account);
	snprintf(c.token, sizeof(c.token), "%s", t->bearer.text + strlen("Bearer "));
	vault_save(t->vault, &c);
	explicit_bzero(&c, sizeof(c));
}

static const char *end_text(const struct candidate *c, char out[IST_TEXT])
{
	if (!c->expires_ms)
		return "no known end";
	ist_format(c->expires_ms, out);
	out[16] = '\0'; /* to the minute */
	return out;
}

void token_put(struct token *t, struct candidate *c)
{
	struct candidate facts = *c;
	char end[IST_TEXT];

	if (t->bearer.text && t->live.kind == TOKEN_DAILY)
		remember(&t->replaced, t->bearer.text + strlen("Bearer "));
	secret_set(&t->bearer, "Bearer ", c->text.text);
	secret_clear(&c->text);
	*c = (struct candidate){0};
	facts.text = (struct secret){0};
	t->live = facts;
	/* A kept token comes back with the generation that it had. */
	t->generation = facts.generation && facts.generation == t->top ? t->top : ++t->top;
	t->put_mono = clock_mono(t->deps.loop->clock);
	t->puts++;
	t->is_refreshing = t->is_failed = false;
	stop_trying(t);
	backoff_reset(&t->backoff);
	set_state(t, TOKEN_READY, "%s token of %s in place, generation %llu, until %s",
		  kind_text[facts.kind], origin_text[facts.origin],
		  (unsigned long long)t->generation, end_text(&t->live, end));
	token_audit(t, "token.placed", &t->live, "account %s, generation %llu, %s of %s, until %s",
		    t->deps.cfg->account, (unsigned long long)t->generation, kind_text[facts.kind],
		    origin_text[facts.origin], end_text(&t->live, end));
	keep(t);
	tell(t);
}

/* The live token is of no use any more. */
static void take_away(struct token *t)
{
	if (clock_mono(t->deps.loop->clock) - t->put_mono > GOOD_LIFE_NS) {
		t->tries = t->young = 0;
		backoff_reset(&t->backoff);
	} else {
		t->young++;
	}
	secret_clear(&t->bearer);
	t->live = (struct candidate){0};
	t->is_refreshing = true;
}

static void fail(struct token *t, const char *why)
{
	t->is_failed = true;
	set_state(t, TOKEN_FAILED, "no good token after %u tries (%.90s): a new one is needed",
		  t->tries, why);
	if (source(t)[0])
		again_in(t, (uint64_t)t->deps.cfg->poll_s * 1000);
	token_audit(t, "token.failed", NULL, "%s", t->why);
	tell(t);
	if (t->deps.on_failed)
		t->deps.on_failed(t->deps.arg);
}

/* One try to replace a lost token came to nothing. */
static void try_failed(struct token *t, const char *why)
{
	uint32_t wait;

	if (t->is_failed) {
		set_state(t, TOKEN_FAILED, "%s", why);
		again_in(t, (uint64_t)t->deps.cfg->poll_s * 1000);
		return;
	}
	if (++t->tries >= (uint32_t)t->deps.cfg->retries) {
		fail(t, why);
		return;
	}
	wait = backoff_next(&t->backoff);
	set_state(t, idle_state(t), "%.100s; try %u of %u in %u ms", why, t->tries + 1,
		  (unsigned)t->deps.cfg->retries, wait);
	again_in(t, wait);
}

/* --- the candidate and its proof --------------------------------------------------------------- */

static void prove(struct token *t);

static void proof_again(struct token *t, const char *why)
{
	uint32_t wait = backoff_next(&t->backoff);

	set_state(t, t->bearer.text ? idle_state(t) : TOKEN_VALIDATING,
		  "cannot prove the token: %.90s; again in %u ms", why, wait);
	again_in(t, wait);
}

static void candidate_is_bad(struct token *t, const char *why)
{
	bool of_source = t->candidate.origin == ORIGIN_SOURCE && !t->candidate.generation;
	char text[HEALTH_WHY_MAX];

	snprintf(text, sizeof(text), "the %s token of %s is refused: %.80s",
		 t->candidate.generation ? "kept" : "new", origin_text[t->candidate.origin], why);
	t->refusals++;
	token_audit(t, "token.refused", &t->candidate, "%s", text);
	token_remember_refused(t, t->candidate.text.text);
	candidate_clear(&t->candidate);
	if (t->bearer.text) {
		set_state(t, idle_state(t), "%s", text);
		if (t->state == TOKEN_EXPIRING)
			again_in(t, (uint64_t)t->deps.cfg->poll_s * 1000);
	} else if (of_source) {
		try_failed(t, text);
	} else {
		set_state(t, idle_state(t), "%s", text);
		choose(t); /* the next in line */
	}
}

static void on_proof(void *arg, const struct proof_result *r)
{
	struct token *t = arg;

	t->proof = NULL;
	if (r->verdict == PROOF_GOOD)
		token_put(t, &t->candidate);
	else if (r->verdict == PROOF_BAD)
		candidate_is_bad(t, r->why);
	else
		proof_again(t, r->why);
}

static void prove(struct token *t)
{
	struct agni_err err;

	if (!t->bearer.text)
		set_state(t, TOKEN_VALIDATING, "asking the broker about the %s token of %s",
			  t->candidate.generation ? "kept" : "new",
			  origin_text[t->candidate.origin]);
	t->proof = proof_start(t->deps.http, token_api_url(t), t->candidate.text.text,
			       (uint64_t)t->deps.cfg->timeout_ms, on_proof, t, &err);
	if (!t->proof)
		proof_again(t, err.text);
}

/* Nothing is under way, and no try is due later: what next? */
static void choose(struct token *t)
{
	if (t->proof || t->call || t->is_stopping)
		return;
	if (t->candidate.text.text || find_given(t, &t->candidate) || take_kept(t)) {
		prove(t);
	} else if (!t->bearer.text && vault_is_asking(t->vault) &&
		   clock_mono(t->deps.loop->clock) < t->boot_until) {
		again_in(t, BOOT_LOOK_MS);
	} else if (source(t)[0]) {
		fetch(t);
	} else if (!t->bearer.text && t->is_refreshing && !t->is_failed) {
		t->tries = (uint32_t)t->deps.cfg->retries; /* there is nothing to try */
		fail(t, "there is no source of tokens");
	} else if (!t->bearer.text && !t->is_failed) {
		set_state(t, TOKEN_WAITING,
			  "no token: set token.source_url or token.access_token, or POST "
			  "/token/update");
	}
}

/* --- the token API ----------------------------------------------------------------------------- */

/* It gave nothing that could be tried. */
static void nothing_fetched(struct token *t, const char *why, bool is_error)
{
	uint32_t wait;

	t->fetch_errors += is_error;
	if (t->bearer.text) { /* renewal: the live token is still good */
		set_state(t, TOKEN_EXPIRING, "%s", why);
		again_in(t, (uint64_t)t->deps.cfg->poll_s * 1000);
	} else if (t->is_refreshing || !is_error) {
		try_failed(t, why);
	} else {
		wait = backoff_next(&t->backoff);
		set_state(t, TOKEN_FETCHING, "%s", why);
		again_in(t, wait);
	}
}

static void take_fetched(struct token *t, const struct source_token *s)
{
	const char *account = t->deps.cfg->account;
	char why[HEALTH_WHY_MAX];

	if (s->account[0] && strcmp(s->account, account) != 0) {
		snprintf(why, sizeof(why),
			 "the token API answered for the account %.40s, not %.40s", s->account,
			 account);
		nothing_fetched(t, why, true);
	} else if (token_is_live(t, s->token) || is_replaced(t, s->token)) {
		nothing_fetched(t, "the token API has no newer token yet", false);
	} else if (token_is_refused(t, s->token)) {
		nothing_fetched(t, "the token API still gives the token that was refused", false);
	} else if (s->expires_ms && s->expires_ms <= wall(t)) {
		nothing_fetched(t, "the token API gives a token that has expired", false);
	} else {
		candidate_fill(t, &t->candidate, s->token, ORIGIN_SOURCE, s->issued_ms,
			       s->expires_ms);
		token_audit(t, "token.fetched", NULL, "from the token API, for account %s",
			    account);
		prove(t);
	}
}

static void fetch_done(void *arg, const struct http_result *r)
{
	struct token *t = arg;
	struct source_token s;
	struct agni_err err;
	char why[HEALTH_WHY_MAX];

	t->call = NULL;
	if (r->code) {
		snprintf(why, sizeof(why), "the token API does not answer: %.110s", r->error);
	} else if (r->status != 200) {
		snprintf(why, sizeof(why), "the token API answered %d", r->status);
	} else if (source_read_api(r->body, r->body_len, &s, &err) < 0) {
		snprintf(why, sizeof(why), "the token API's answer is not usable: %.100s",
			 err.text);
	} else {
		take_fetched(t, &s);
		source_fini(&s);
		return;
	}
	nothing_fetched(t, why, true);
}

static void fetch(struct token *t)
{
	struct agni_err err;
	struct http_call_options o = {
		.method = "GET",
		.url = source(t),
		.timeout_ms = (uint64_t)t->deps.cfg->timeout_ms,
		.response_max = RESPONSE_MAX,
	};

	t->fetches++;
	if (!t->is_failed)
		set_state(t, idle_state(t), "asking the token API");
	t->call = http_call_start(t->deps.http, &o, fetch_done, t, &err);
	if (!t->call)
		nothing_fetched(t, err.text, true);
}

/* --- the end of a token ------------------------------------------------------------------------ */

void token_refuse(struct token *t, uint64_t generation)
{
	if (generation != t->generation || !t->bearer.text || t->is_stopping)
		return; /* somebody else noticed first */
	t->refusals++;
	token_remember_refused(t, t->bearer.text + strlen("Bearer "));
	stop_trying(t);
	take_away(t);
	set_state(t, TOKEN_REFRESHING, "the broker refused the token of generation %llu",
		  (unsigned long long)generation);
	token_audit(t, "token.refused", NULL, "generation %llu, by the broker",
		    (unsigned long long)generation);
	tell(t);
	/* One may have come at a bad moment; the next that dies at once is a failed try. */
	if (t->young <= 1)
		choose(t);
	else
		try_failed(t, "the new token was refused, too");
}

static void expire(struct token *t)
{
	char end[IST_TEXT];

	t->expiries++;
	end_text(&t->live, end);
	token_remember_refused(t, t->bearer.text + strlen("Bearer "));
	take_away(t);
	set_state(t, TOKEN_REFRESHING, "the token died at %s", end);
	token_audit(t, "token.expired", NULL, "generation %llu, at %s",
		    (unsigned long long)t->generation, end);
	tell(t);
	if (!t->proof && !t->call)
		choose(t);
}

static void on_watch(uv_timer_t *timer)
{
	struct token *t = container_of(timer, struct token, watch);
	int64_t end = t->live.expires_ms;
	mono_ns age = clock_mono(t->deps.loop->clock) - t->put_mono;

	if (!t->bearer.text || !end)
		return;
	if (wall(t) >= end) {
		expire(t);
	} else if (t->state == TOKEN_READY && is_ending(t) &&
		   age >= (uint64_t)t->deps.cfg->poll_s * NS_PER_S) {
		/* Not at once: one that was just fetched may end as soon as the one before. */
		set_state(t, TOKEN_EXPIRING, "the token ends soon: asking for the next one");
		choose(t);
	}
}

/* --- the module -------------------------------------------------------------------------------- */

struct token *token_create(const struct token_deps *deps)
{
	struct token *t = mem_zalloc(sizeof(*t));
	uint64_t seed;

	t->deps = *deps;
	list_init(&t->listeners);
	rand_bytes(&seed, sizeof(seed));
	backoff_init(&t->backoff, (uint32_t)deps->cfg->retry_ms, BACKOFF_CAP, seed);
	t->vault = vault_create(&(struct vault_deps){.loop = deps->loop,
						     .store = deps->store,
						     .dir = deps->dir,
						     .account = deps->cfg->account,
						     .key_file = deps->cfg->seal_key_file,
						     .on_found = on_found,
						     .arg = t});
	return t;
}

void token_destroy(struct token *t)
{
	if (!t)
		return;
	secret_clear(&t->bearer);
	candidate_clear(&t->candidate);
	candidate_clear(&t->kept);
	candidate_clear(&t->offered);
	vault_destroy(t->vault);
	free(t);
}

static int token_start(struct module *m, struct agni_err *err)
{
	struct token *t = container_of(m, struct token, mod);
	struct seal_content c;
	int rc = token_config_check(t->deps.cfg, err);

	if (rc < 0)
		return rc;
	rc = vault_open(t->vault, &c, err);
	if (rc < 0)
		return rc;
	t->top = t->generation = vault_floor(t->vault);
	uv_timer_init(&t->deps.loop->uv, &t->timer);
	uv_timer_init(&t->deps.loop->uv, &t->watch);
	if (c.token[0])
		on_found(t, &c);
	explicit_bzero(&c, sizeof(c));
	return 0;
}

static void token_begin(struct module *m)
{
	struct token *t = container_of(m, struct token, mod);

	t->boot_until = clock_mono(t->deps.loop->clock) + BOOT_WAIT_NS;
	uv_timer_start(&t->watch, on_watch, WATCH_MS, WATCH_MS);
	choose(t);
}

static void closed(struct token *t)
{
	if (--t->open == 0)
		t->mod.done(&t->mod);
}

static void on_handle_closed(uv_handle_t *handle)
{
	closed(handle->data);
}

static void on_vault_closed(void *arg)
{
	closed(arg);
}

static void token_stop(struct module *m, module_stopped_fn *done)
{
	struct token *t = container_of(m, struct token, mod);

	m->done = done;
	t->is_stopping = true;
	stop_trying(t);
	token_login_stop(t);
	token_offers_stop(t);
	t->state = TOKEN_STOPPED;
	t->timer.data = t->watch.data = t;
	t->open = 3;
	uv_close((uv_handle_t *)&t->timer, on_handle_closed);
	uv_close((uv_handle_t *)&t->watch, on_handle_closed);
	vault_close(t->vault, on_vault_closed, t);
}

static enum health token_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct token *t = container_of(m, struct token, mod);
	const char *trouble = vault_trouble(t->vault);

	if (t->bearer.text && trouble) {
		snprintf(why, HEALTH_WHY_MAX, "a token is in place; %.120s", trouble);
		return HEALTH_DEGRADED;
	}
	if (t->state == TOKEN_READY)
		snprintf(why, HEALTH_WHY_MAX, "a token is in place");
	else
		snprintf(why, HEALTH_WHY_MAX, "%s", t->why);
	return t->bearer.text ? HEALTH_UP : t->is_failed ? HEALTH_DOWN : HEALTH_DEGRADED;
}

static const struct metric token_metrics[] = {
	{"fetches_total", "Times the token API was asked", METRIC_COUNTER,
	 offsetof(struct token, fetches)},
	{"fetch_errors_total", "Times it gave no usable answer", METRIC_COUNTER,
	 offsetof(struct token, fetch_errors)},
	{"refusals_total", "Tokens that the broker refused", METRIC_COUNTER,
	 offsetof(struct token, refusals)},
	{"expiries_total", "Tokens that reached their end", METRIC_COUNTER,
	 offsetof(struct token, expiries)},
	{"offers_total", "Tokens offered by people, webhooks and logins", METRIC_COUNTER,
	 offsetof(struct token, offers)},
	{"puts_total", "Tokens put in place since the start", METRIC_COUNTER,
	 offsetof(struct token, puts)},
	{"generation", "Number of the token in place; it goes on over restarts", METRIC_GAUGE,
	 offsetof(struct token, generation)},
	{0},
};

static const struct module_ops token_ops = {
	.name = "token",
	.start = token_start,
	.begin = token_begin,
	.stop = token_stop,
	.health = token_health,
	.metrics = token_metrics,
	.mod_offset = offsetof(struct token, mod),
};

struct module *token_module(struct token *t)
{
	t->mod.ops = &token_ops;
	return &t->mod;
}

const char *token_bearer(const struct token *t, uint64_t *generation)
{
	*generation = t->generation;
	return t->bearer.text;
}

enum token_state token_get_state(const struct token *t)
{
	return t->state;
}

bool token_has_failed(const struct token *t)
{
	return t->is_failed;
}

/* Before whatever is being tried; a kept one has its turn later. */
static void try_given(struct token *t, struct candidate *given)
{
	if (t->candidate.text.text && strcmp(t->candidate.text.text, given->text.text) == 0) {
		candidate_clear(given);
		return;
	}
	if (t->candidate.generation) {
		candidate_clear(&t->kept);
		t->kept = t->candidate;
		t->candidate = (struct candidate){0};
	}
	stop_trying(t);
	t->candidate = *given;
	prove(t);
}

void token_reload(struct token *t)
{
	struct candidate given = {0};
	struct agni_err err;

	if (!t->boot_until || t->is_stopping)
		return;
	if (vault_reload(t->vault, &err) < 0)
		log_error("token", "reload: the old seal keys stay: %s", err.text);
	else if (t->bearer.text)
		keep(t); /* under the first key of the new ring */
	if (find_given(t, &given))
		try_given(t, &given);
}

void token_listen(struct token *t, struct token_listener *l)
{
	list_append(&t->listeners, &l->link);
}

static void fingerprint(const struct token *t, char out[17])
{
	const char *text = t->bearer.text + strlen("Bearer ");
	unsigned char hash[SHA256_BYTES];

	hash_sha256(text, strlen(text), hash);
	for (int i = 0; i < 8; i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

void token_status(const struct token *t, struct token_status *out)
{
	bool has = t->bearer.text != NULL;

	*out = (struct token_status){
		.account = t->deps.cfg->account,
		.state = t->state,
		.state_text = state_text[t->state],
		.why = t->why,
		.has_token = has,
		.generation = t->generation,
		.origin = has ? origin_text[t->live.origin] : "",
		.kind = has ? kind_text[t->live.kind] : "",
		.issued_ms = t->live.issued_ms,
		.expires_ms = t->live.expires_ms,
		.kept = vault_place(t->vault),
		.tries = t->tries,
	};
	if (has)
		fingerprint(t, out->fingerprint);
}
