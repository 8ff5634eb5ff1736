/* SPDX-License-Identifier: MIT
 *
 * token_routes: the token service over REST.
 *
 *     GET  /token/status      what is in place, never the token itself
 *     GET  /token/validate    asks the broker now
 *     POST /token/update      {"access_token","expires_at"?,"account_id"?}: proved, then put in place
 *     GET  /token/login       where a person logs in
 *     GET  /token/callback    where the broker sends that person's browser back to
 *     POST /token/notify/{..} the broker's notifier; the last part is token.notifier_path
 *
 * The first three also as /accounts/{id}/token/...: one account is kept, others are 404. A request
 * may outlive its connection and the server's patience, but not the module: token_stop answers it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/api_internal.h"
#include "core/ist.h"
#include "core/secret.h"
#include "token/source.h"

/* A request that waits for the broker. */
struct waiting {
	struct api *api;
	struct http_request *r;
};

static void put_string(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "\"%s\":", name);
	buf_json_str(b, value, strlen(value));
	buf_byte(b, ',');
}

/* "name":"IST","name_ms":N, or null for a time that is not known. */
static void put_time(struct buf *b, const char *name, int64_t ms)
{
	char text[IST_TEXT];

	if (ms)
		buf_printf(b, "\"%s\":\"%s\",\"%s_ms\":%lld,", name, ist_format(ms, text), name,
			   (long long)ms);
	else
		buf_printf(b, "\"%s\":null,\"%s_ms\":null,", name, name);
}

static void respond_status(struct api *a, struct http_request *r)
{
	int64_t now = clock_wall_ms(a->deps.loop->clock);
	struct token_status st;
	struct buf b = {0};

	token_status(a->deps.token, &st);
	buf_byte(&b, '{');
	put_string(&b, "account", st.account);
	put_string(&b, "state", st.state_text);
	put_string(&b, "why", st.why);
	buf_printf(&b, "\"has_token\":%s,\"generation\":%llu,", st.has_token ? "true" : "false",
		   (unsigned long long)st.generation);
	put_string(&b, "source", st.origin);
	put_string(&b, "kind", st.kind);
	put_time(&b, "issued", st.issued_ms);
	put_time(&b, "expires", st.expires_ms);
	if (st.issued_ms)
		buf_printf(&b, "\"age_s\":%lld,", (long long)((now - st.issued_ms) / 1000));
	put_string(&b, "fingerprint", st.fingerprint);
	put_string(&b, "kept", st.kept);
	buf_printf(&b, "\"failed_tries\":%u}", st.tries);
	api_respond(r, 200, &b);
}

/* True when the path names our account or none; else it has been answered. */
static bool is_our_account(struct api *a, struct http_request *r)
{
	const char *id = http_request_param(r, "id");
	struct token_status st;

	token_status(a->deps.token, &st);
	if (!id || strcmp(id, st.account) == 0)
		return true;
	http_respond_error(r, 404, "unknown_account", "this server keeps the token of %s",
			   st.account);
	return false;
}

void api_token_status(void *arg, struct http_request *r)
{
	if (is_our_account(arg, r))
		respond_status(arg, r);
}

/* --- questions --------------------------------------------------------------------------------- */

static struct waiting *wait_for(struct api *a, struct http_request *r)
{
	struct waiting *w = mem_alloc(sizeof(*w));

	*w = (struct waiting){a, r};
	return w;
}

static struct http_request *wait_ends(struct waiting *w)
{
	struct http_request *r = w->r;

	free(w);
	return r;
}

static void put_proof(struct buf *b, const struct proof_result *result)
{
	put_string(b, "asked", result->asked);
	if (result->status)
		buf_printf(b, "\"http_status\":%d,", result->status);
	else
		buf_str(b, "\"http_status\":null,");
	put_string(b, "error_code", result->error_code);
	put_string(b, "why", result->why);
}

static void on_validated(void *arg, const struct proof_result *result)
{
	struct waiting *w = arg;
	struct api *a = w->api;
	struct http_request *r = wait_ends(w);
	struct buf b = {0};

	if (result->verdict == PROOF_UNKNOWN) {
		http_respond_error(r, 503, "broker_unreachable", "%s: %s", result->asked,
				   result->why);
		return;
	}
	buf_printf(&b, "{\"valid\":%s,", result->verdict == PROOF_GOOD ? "true" : "false");
	put_proof(&b, result);
	put_time(&b, "validated", clock_wall_ms(a->deps.loop->clock));
	b.data[b.len - 1] = '}';
	api_respond(r, 200, &b);
}

static void respond_failure(struct http_request *r, int code, const struct agni_err *err)
{
	if (code == AGNI_ENOTFOUND)
		http_respond_error(r, 404, "no_token", "%s", err->text);
	else if (code == AGNI_EBUSY)
		http_respond_error(r, 409, "busy", "%s", err->text);
	else if (code == AGNI_ELIMIT)
		http_respond_error(r, 429, "too_many_requests", "%s", err->text);
	else if (code == AGNI_EPARSE)
		http_respond_error(r, 400, "bad_token", "%s", err->text);
	else if (code == AGNI_EAUTH)
		http_respond_error(r, 403, "bad_login", "%s", err->text);
	else
		http_respond_error(r, 503, "unavailable", "%s", err->text);
}

void api_token_validate(void *arg, struct http_request *r)
{
	struct api *a = arg;
	struct agni_err err;
	struct waiting *w;
	int rc;

	if (!is_our_account(a, r))
		return;
	w = wait_for(a, r);
	rc = token_validate(a->deps.token, on_validated, w, &err);
	if (rc < 0)
		respond_failure(wait_ends(w), rc, &err);
}

/* --- offers ------------------------------------------------------------------------------------ */

static void on_offered(void *arg, const struct proof_result *result)
{
	struct waiting *w = arg;
	struct api *a = w->api;
	struct http_request *r = wait_ends(w);

	if (result->verdict == PROOF_GOOD)
		respond_status(a, r);
	else if (result->verdict == PROOF_BAD)
		http_respond_error(
			r, 400, "token_refused",
			"the broker refuses this token (%s: %d %s); nothing was replaced",
			result->asked, result->status, result->error_code);
	else
		http_respond_error(r, 503, "broker_unreachable",
				   "the token could not be proved (%s: %s); nothing was replaced",
				   result->asked, result->why);
}

static void offer(struct api *a, struct http_request *r, const struct source_token *s,
		  enum token_origin origin)
{
	const struct auth_caller *caller = r->caller;
	struct token_offer o = {.token = s->token,
				.issued_ms = s->issued_ms,
				.expires_ms = s->expires_ms,
				.origin = origin,
				.by = caller && origin == ORIGIN_UPDATE ? caller->name : "",
				.peer = r->peer};
	struct waiting *w = wait_for(a, r);
	struct agni_err err;
	int rc = token_offer(a->deps.token, &o, on_offered, w, &err);

	if (rc < 0)
		respond_failure(wait_ends(w), rc, &err);
}

void api_token_update(void *arg, struct http_request *r)
{
	struct api *a = arg;
	struct token_status st;
	struct source_token s;
	struct agni_err err;

	if (!is_our_account(a, r))
		return;
	token_status(a->deps.token, &st);
	if (source_read_update(r->body, r->body_len, &s, &err) < 0) {
		http_respond_error(r, 400, "bad_request", "the body is not usable: %s", err.text);
		return;
	}
	if (s.account[0] && strcmp(s.account, st.account) != 0)
		http_respond_error(r, 409, "other_account",
				   "this server keeps the token of %s, not of another account",
				   st.account);
	else if (s.expires_ms && s.expires_ms <= clock_wall_ms(a->deps.loop->clock))
		http_respond_error(r, 400, "expired", "expires_at lies in the past");
	else
		offer(a, r, &s, ORIGIN_UPDATE);
	source_fini(&s);
}

/* The broker sends no signature: the path is what it must know, the client id what it must name,
 * and the token what must hold. A wrong path looks like any path that does not exist. */
void api_token_notify(void *arg, struct http_request *r)
{
	struct api *a = arg;
	const struct token_config *cfg = a->deps.token_cfg;
	const char *path = http_request_param(r, "path");
	struct source_token s;
	struct agni_err err;

	if (!cfg->notifier_path[0] || !secret_text_is_equal(path, cfg->notifier_path)) {
		http_respond_error(r, 404, "not_found", "there is nothing at this path");
		return;
	}
	if (source_read_notice(r->body, r->body_len, &s, &err) < 0) {
		http_respond_error(r, 400, "bad_request", "the body is not usable: %s", err.text);
		return;
	}
	if (!secret_text_is_equal(s.client_id, cfg->client_id))
		http_respond_error(r, 403, "other_client", "this is not for our app");
	else
		offer(a, r, &s, ORIGIN_NOTIFIER);
	source_fini(&s);
}

/* --- logins ------------------------------------------------------------------------------------ */

void api_token_login(void *arg, struct http_request *r)
{
	struct api *a = arg;
	struct buf url = {0}, b = {0};
	struct agni_err err;
	int rc = token_login_url(a->deps.token, &url, &err);

	if (rc < 0) {
		http_respond_error(r, 404, "login_is_off", "%s", err.text);
	} else {
		buf_str(&b, "{\"login_url\":");
		buf_json_str(&b, url.data, url.len);
		buf_byte(&b, '}');
		api_respond(r, 200, &b);
	}
	buf_fini(&url);
}

/* Seen by a person in a browser. */
static void respond_page(struct http_request *r, int status, const char *text)
{
	struct buf b = {0};

	buf_printf(&b,
		   "<!doctype html><meta charset=\"utf-8\"><title>agnidata</title>"
		   "<p style=\"font:16px sans-serif\">%s</p>",
		   text);
	http_respond(r, status, "text/html; charset=utf-8", "Referrer-Policy: no-referrer\r\n",
		     b.data, b.len);
	buf_fini(&b);
}

static void on_logged_in(void *arg, const struct proof_result *result)
{
	struct http_request *r = wait_ends(arg);

	if (result->verdict == PROOF_GOOD)
		respond_page(r, 200, "The token is in place. This page can be closed.");
	else if (result->verdict == PROOF_BAD)
		respond_page(r, 400, "The broker refuses the token of this login.");
	else
		respond_page(r, 503, "The login came to nothing; the log tells why. Begin again.");
}

void api_token_callback(void *arg, struct http_request *r)
{
	struct api *a = arg;
	char code[256], state[64];
	struct agni_err err;
	struct waiting *w;

	if (!http_request_query(r, "code", code, sizeof(code)) ||
	    !http_request_query(r, "state", state, sizeof(state))) {
		respond_page(r, 400, "The broker sent no code: the login was not completed.");
		return;
	}
	w = wait_for(a, r);
	if (token_login_code(a->deps.token, code, state, on_logged_in, w, &err) < 0)
		respond_page(wait_ends(w), 403,
			     "This login was not begun here, has been used, or is too old.");
	explicit_bzero(code, sizeof(code));
}
