/* SPDX-License-Identifier: MIT
 *
 * login: the OAuth code flow of the broker; see token.h.
 *
 *     token_login_url: .../dialog?response_type=code&client_id=&redirect_uri=&state=   (a browser)
 *     the broker sends the browser to token.redirect_uri with ?code=&state=
 *     token_login_code: POST .../token  ->  access_token  ->  an offer like any other
 *
 * `state` is ours, random, works once and for ten minutes: without it anybody who lures a browser to
 * the redirect could put a token of his own in place. The code works once, too, even when the
 * exchange fails, so that the exchange is not tried again.
 */
#include <stdio.h>

#include "core/rand.h"
#include "token/token_internal.h"

#define LOGIN_LIFE_NS (600 * NS_PER_S)
#define DIALOG_PATH   "/v2/login/authorization/dialog"
#define EXCHANGE_PATH "/v2/login/authorization/token"
#define ANSWER_MAX    16384
#define CODE_MAX      256

static const char form_headers[] = "Content-Type: application/x-www-form-urlencoded\r\n"
				   "Accept: application/json\r\n";

/* Everything but letters, digits and -._~ as %XX. */
static void put_escaped(struct buf *b, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~", c)) {
			buf_byte(b, (char)c);
		} else {
			buf_byte(b, '%');
			buf_byte(b, hex[c >> 4]);
			buf_byte(b, hex[c & 15]);
		}
	}
}

static void put_field(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "%s=", name);
	put_escaped(b, value);
}

static bool is_set_up(const struct token *t)
{
	return t->deps.cfg->client_id[0] && t->deps.cfg->redirect_uri[0];
}

int token_login_url(struct token *t, struct buf *out, struct agni_err *err)
{
	struct login_state *s = &t->logins[t->login_next++ % LOGINS_MAX];

	if (!is_set_up(t))
		return agni_fail(err, AGNI_ENOTFOUND,
				 "logins are off: set token.client_id, token.client_secret and "
				 "token.redirect_uri");
	rand_hex(s->text, (STATE_TEXT - 1) / 2);
	s->expires = clock_mono(t->deps.loop->clock) + LOGIN_LIFE_NS;
	buf_printf(out, "%s" DIALOG_PATH "?response_type=code&", token_api_url(t));
	put_field(out, "client_id", t->deps.cfg->client_id);
	buf_byte(out, '&');
	put_field(out, "redirect_uri", t->deps.cfg->redirect_uri);
	buf_byte(out, '&');
	put_field(out, "state", s->text);
	return 0;
}

/* Uses the state up. */
static bool take_state(struct token *t, const char *state)
{
	mono_ns now = clock_mono(t->deps.loop->clock);
	bool ok = false;

	for (size_t i = 0; i < LOGINS_MAX; i++) {
		struct login_state *s = &t->logins[i];

		if (s->text[0] && secret_text_is_equal(state, s->text)) {
			ok = now < s->expires;
			*s = (struct login_state){0};
		}
	}
	return ok;
}

/* The exchange came to nothing. */
static void give_up(struct token *t, int status, const char *code, const char *why)
{
	struct proof_result r = {
		.verdict = PROOF_UNKNOWN, .asked = "POST " EXCHANGE_PATH, .status = status};
	struct asker a = t->offerer;

	snprintf(r.why, sizeof(r.why), "%s", why);
	snprintf(r.error_code, sizeof(r.error_code), "%s", code);
	t->offerer = (struct asker){0};
	log_warn("token", "a login came to nothing: %s", why);
	a.done(a.arg, &r);
}

static void exchange_done(void *arg, const struct http_result *r)
{
	struct token *t = arg;
	struct source_token s;
	struct asker a = t->offerer;
	char code[UPSTOX_CODE_TEXT] = "", why[128];
	struct agni_err err;
	int rc;

	t->exchange = NULL;
	if (r->code) {
		give_up(t, 0, "", r->error);
		return;
	}
	if (r->status != 200) {
		upstox_error_code(r->body, r->body_len, code);
		snprintf(why, sizeof(why), "the broker answered the exchange with %d %s", r->status,
			 code);
		give_up(t, r->status, code, why);
		return;
	}
	if (source_read_login(r->body, r->body_len, &s, &err) < 0) {
		give_up(t, 200, "", err.text);
		return;
	}
	t->offerer = (struct asker){0};
	rc = token_offer(t,
			 &(struct token_offer){.token = s.token,
					       .expires_ms = s.expires_ms,
					       .origin = ORIGIN_LOGIN},
			 a.done, a.arg, &err);
	source_fini(&s);
	if (rc < 0) {
		t->offerer = a;
		give_up(t, 200, "", err.text);
	}
}

int token_login_code(struct token *t, const char *code, const char *state, token_proof_fn *done,
		     void *arg, struct agni_err *err)
{
	const struct token_config *cfg = t->deps.cfg;
	struct buf url = {0}, form = {0};
	struct http_call_options o = {
		.method = "POST",
		.headers = form_headers,
		.timeout_ms = (uint64_t)cfg->timeout_ms,
		.response_max = ANSWER_MAX,
	};

	if (t->offer || t->exchange)
		return agni_fail(err, AGNI_EBUSY, "another token is being proved at the moment");
	if (!is_set_up(t) || t->is_stopping || !code[0] || strlen(code) > CODE_MAX ||
	    !take_state(t, state))
		return agni_fail(err, AGNI_EAUTH,
				 "this login was not begun here, has been used, or is too old");
	put_field(&form, "code", code);
	buf_byte(&form, '&');
	put_field(&form, "client_id", cfg->client_id);
	buf_byte(&form, '&');
	put_field(&form, "client_secret", cfg->client_secret);
	buf_byte(&form, '&');
	put_field(&form, "redirect_uri", cfg->redirect_uri);
	buf_str(&form, "&grant_type=authorization_code");
	buf_printf(&url, "%s" EXCHANGE_PATH, token_api_url(t));
	o.url = buf_cstr(&url);
	o.body = form.data;
	o.body_len = form.len;
	t->exchange = http_call_start(t->deps.http, &o, exchange_done, t, err);
	secret_wipe_buf(&form);
	buf_fini(&url);
	if (!t->exchange)
		return err ? err->code : AGNI_EPARSE;
	t->offerer = (struct asker){done, arg};
	return 0;
}

void token_login_stop(struct token *t)
{
	if (t->exchange)
		http_call_cancel(t->exchange);
	t->exchange = NULL;
}
