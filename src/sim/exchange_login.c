/* SPDX-License-Identifier: MIT
 *
 * exchange_login: where tokens come from: the internal token API of a desk, and the broker's OAuth
 * login, in which the person has always logged in already.
 */
#include <stdio.h>
#include <string.h>

#include "core/ist.h"
#include "sim/sim_internal.h"

#define URI_MAX 1024

/* The next 03:30 IST (22:00 UTC), when the broker's daily tokens die. */
static int64_t token_expiry(int64_t now_ms)
{
	const int64_t at = 22 * 3600000ll;

	return ((now_ms - at) / DAY_MS + 1) * DAY_MS + at;
}

void login_token(void *arg, struct http_request *r)
{
	struct sim *s = arg;
	const char *account = http_request_param(r, "id");
	char expires[IST_TEXT];
	struct buf body = {0};

	s->source_asked_total++;
	if (s->is_source_down) {
		http_respond(r, 503, "application/json", NULL, "{\"success\":false}", 17);
		return;
	}
	account = account ? account : "";
	ist_format(token_expiry(clock_wall_ms(s->loop->clock)), expires);
	buf_str(&body, "{\"success\":true,\"access_token\":");
	buf_json_str(&body, s->token, strlen(s->token));
	buf_printf(&body, ",\"expires_at\":\"%s\",\"account_id\":", expires);
	buf_json_str(&body, account, strlen(account));
	buf_byte(&body, '}');
	http_respond(r, 200, "application/json", NULL, body.data, body.len);
	buf_fini(&body);
}

/* What may stand in a Location header and the query of a URL as it is. */
static bool is_plain(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~' || strchr("\"\\<>", *text))
			return false;
	}
	return true;
}

void login_dialog(void *arg, struct http_request *r)
{
	struct sim *s = arg;
	char uri[URI_MAX], state[256], client[128], location[URI_MAX + 512];

	if (!http_request_query(r, "redirect_uri", uri, sizeof(uri)) || !uri[0] ||
	    !http_request_query(r, "client_id", client, sizeof(client)) || !client[0] ||
	    !http_request_query(r, "state", state, sizeof(state)) || !is_plain(uri) ||
	    !is_plain(state)) {
		exchange_error(r, 400, "UDAPI100068", "Check your 'client_id' and 'redirect_uri'");
		return;
	}
	rand_uuid(s->login_code);
	snprintf(location, sizeof(location), "Location: %s%ccode=%s&state=%s\r\n", uri,
		 strchr(uri, '?') ? '&' : '?', s->login_code, state);
	http_respond(r, 302, "text/plain", location, "", 0);
}

/* A field of a form body, not decoded further than what we ourselves send needs. */
static bool form_field(const struct http_request *r, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);
	const char *at = r->body ? r->body : "";

	while (*at) {
		size_t len = strcspn(at, "&");

		if (len > n && strncmp(at, name, n) == 0 && at[n] == '=' && len - n - 1 < size) {
			memcpy(out, at + n + 1, len - n - 1);
			out[len - n - 1] = '\0';
			return true;
		}
		at += len + (at[len] == '&');
	}
	return false;
}

/* The code works once, also when the exchange fails. */
void login_exchange(void *arg, struct http_request *r)
{
	struct sim *s = arg;
	char code[64], client[128], secret[128];
	struct buf body = {0};
	bool ok = form_field(r, "code", code, sizeof(code)) && s->login_code[0] &&
		  strcmp(code, s->login_code) == 0;

	s->login_code[0] = '\0';
	if (!ok) {
		exchange_error(r, 401, "UDAPI100057", "Invalid Auth code");
		return;
	}
	if (!form_field(r, "client_id", client, sizeof(client)) || !client[0] ||
	    !form_field(r, "client_secret", secret, sizeof(secret)) || !secret[0]) {
		exchange_error(r, 401, "UDAPI100069", "Check your client_id and client_secret");
		return;
	}
	buf_str(&body,
		"{\"email\":\"sim@example.com\",\"broker\":\"UPSTOX\",\"user_id\":\"SIM001\","
		"\"is_active\":true,\"access_token\":");
	buf_json_str(&body, s->token, strlen(s->token));
	buf_byte(&body, '}');
	http_respond(r, 200, "application/json", NULL, body.data, body.len);
	buf_fini(&body);
}
