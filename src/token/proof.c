/* SPDX-License-Identifier: MIT
 *
 * proof: see proof.h.
 */
#include "token/proof.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/secret.h"

#define ANSWER_MAX 65536
#define ACCEPT     "Accept: application/json\r\n"

enum question { ASK_AUTHORIZE, ASK_PROFILE };

static const char *const asked[] = {
	[ASK_AUTHORIZE] = "GET /v3/feed/market-data-feed/authorize",
	[ASK_PROFILE] = "GET /v2/user/profile",
};

struct proof {
	struct http_client *http;
	char *api_url; /* without a slash at its end */
	char *bearer;  /* wiped with the proof */
	uint64_t timeout_ms;
	proof_done_fn *done;
	void *arg;
	enum question question;
	int first_status; /* of authorize, when it sent us on */
	struct http_call *call;
};

static void proof_free(struct proof *p)
{
	secret_wipe_text(&p->bearer);
	free(p->api_url);
	free(p);
}

void proof_cancel(struct proof *p)
{
	if (!p)
		return;
	if (p->call)
		http_call_cancel(p->call);
	proof_free(p);
}

static void finish(struct proof *p, const struct proof_result *result)
{
	p->done(p->arg, result);
	proof_free(p);
}

static void on_answer(void *arg, const struct http_result *r);

static bool ask(struct proof *p, enum question question, struct agni_err *err)
{
	char url[URL_HOST_MAX + 128];
	struct http_call_options o = {
		.method = "GET",
		.url = url,
		.authorization = p->bearer,
		.headers = ACCEPT,
		.timeout_ms = p->timeout_ms,
		.response_max = ANSWER_MAX,
		.follow_redirects = true,
	};

	p->question = question;
	if ((size_t)snprintf(url, sizeof(url), "%s%s", p->api_url, asked[question] + 4) >=
	    sizeof(url)) {
		agni_fail(err, AGNI_EPARSE, "the broker's address is too long");
		return false;
	}
	p->call = http_call_start(p->http, &o, on_answer, p, err);
	return p->call != NULL;
}

/* 4xx that say "not this", and not "try later". */
static bool is_refusal(int status)
{
	return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

static void judge(const struct proof *p, const struct http_result *r, struct proof_result *out)
{
	out->status = r->status;
	upstox_error_code(r->body, r->body_len, out->error_code);
	if (r->status == 200) {
		out->verdict = PROOF_GOOD;
		if (p->question == ASK_PROFILE)
			snprintf(out->why, sizeof(out->why),
				 "the profile answers, but feed authorize answered %d",
				 p->first_status);
	} else if (upstox_token_is_dead(r->status, r->body, r->body_len)) {
		out->verdict = PROOF_BAD;
		snprintf(out->why, sizeof(out->why), "the broker answered %d%s%s", r->status,
			 out->error_code[0] ? " " : "", out->error_code);
	} else {
		snprintf(out->why, sizeof(out->why),
			 "the broker answered %d%s%s, which says nothing about the token",
			 r->status, out->error_code[0] ? " " : "", out->error_code);
	}
}

static void on_answer(void *arg, const struct http_result *r)
{
	struct proof *p = arg;
	struct proof_result result = {.verdict = PROOF_UNKNOWN, .asked = asked[p->question]};
	struct agni_err err;

	p->call = NULL;
	if (r->code) {
		snprintf(result.why, sizeof(result.why), "%.159s", r->error);
	} else {
		judge(p, r, &result);
		if (result.verdict == PROOF_UNKNOWN && p->question == ASK_AUTHORIZE &&
		    is_refusal(r->status)) {
			p->first_status = r->status;
			if (ask(p, ASK_PROFILE, &err))
				return;
			snprintf(result.why, sizeof(result.why), "%.159s", err.text);
		}
	}
	finish(p, &result);
}

struct proof *proof_start(struct http_client *http, const char *api_url, const char *token,
			  uint64_t timeout_ms, proof_done_fn *done, void *arg, struct agni_err *err)
{
	struct proof *p = mem_zalloc(sizeof(*p));
	size_t len = strlen(api_url), size = strlen("Bearer ") + strlen(token) + 1;

	while (len && api_url[len - 1] == '/')
		len--;
	*p = (struct proof){.http = http,
			    .api_url = mem_strndup(api_url, len),
			    .bearer = mem_alloc(size),
			    .timeout_ms = timeout_ms,
			    .done = done,
			    .arg = arg};
	snprintf(p->bearer, size, "Bearer %s", token);
	if (ask(p, ASK_AUTHORIZE, err))
		return p;
	proof_free(p);
	return NULL;
}
