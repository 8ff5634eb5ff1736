/* SPDX-License-Identifier: MIT
 *
 * oi_broker: see oi_broker.h.
 */
#include "options/oi_broker.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "upstox/option_chain.h"

#define ASKED_MAX  64 /* chains of a session */
#define AGAIN_NS   (300 * NS_PER_S)
#define TIMEOUT_MS 20000
#define ANSWER_MAX (4u << 20)

/* One chain of this session. */
struct asked {
	char key[INST_KEY_MAX + 1];
	day_t expiry;
	bool is_answered;
	mono_ns not_before; /* of another call */
};

struct oi_broker {
	struct oi_broker_deps deps;
	day_t day; /* that the answers are of; those of another day are forgotten */
	struct asked asked[ASKED_MAX];
	unsigned asked_n;
	struct asked *current; /* that the call is about */
	struct http_call *call;
};

struct oi_broker *oi_broker_create(const struct oi_broker_deps *deps)
{
	struct oi_broker *b = mem_zalloc(sizeof(*b));

	b->deps = *deps;
	return b;
}

void oi_broker_destroy(struct oi_broker *b)
{
	if (!b)
		return;
	if (b->call)
		http_call_cancel(b->call);
	free(b);
}

static struct asked *find(struct oi_broker *b, const char *key, day_t expiry)
{
	struct asked *a;

	for (unsigned i = 0; i < b->asked_n; i++) {
		if (b->asked[i].expiry == expiry && strcmp(b->asked[i].key, key) == 0)
			return &b->asked[i];
	}
	if (b->asked_n == ASKED_MAX || strlen(key) > INST_KEY_MAX)
		return NULL;
	a = &b->asked[b->asked_n++];
	*a = (struct asked){.expiry = expiry};
	memcpy(a->key, key, strlen(key) + 1);
	return a;
}

static void take(void *arg, const char *key, int64_t prev_oi)
{
	struct oi_broker *b = arg;

	oi_table_set(&b->deps.oi->broker, key, strlen(key), prev_oi);
}

static void on_answer(void *arg, const struct http_result *res)
{
	struct oi_broker *b = arg;
	struct asked *a = b->current;
	struct agni_err err;
	int n;

	b->call = NULL;
	if (b->deps.oi->broker.day != b->day)
		return; /* another session has begun meanwhile */
	if (res->code || res->status != 200) {
		log_warn("options", "the broker's open interest of %s: %s (status %d)", a->key,
			 res->error, res->status);
		return;
	}
	n = upstox_prev_oi_parse(res->body, res->body_len, take, b, &err);
	if (n < 0) {
		log_warn("options", "the broker's open interest of %s: %s", a->key, err.text);
		return;
	}
	a->is_answered = true;
	b->deps.oi->version++;
	log_info("options",
		 "the broker tells the open interest of the session before of %d "
		 "contracts of %s",
		 n, a->key);
}

/* In a query: everything but letters and digits as %XX. */
static void put_escaped(struct buf *b, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
			buf_byte(b, (char)c);
		else
			buf_printf(b, "%%%02X", c);
	}
}

static void start(struct oi_broker *b, struct asked *a, const char *bearer)
{
	struct http_call_options o = {.method = "GET",
				      .authorization = bearer,
				      .headers = "Accept: application/json\r\n",
				      .timeout_ms = TIMEOUT_MS,
				      .response_max = ANSWER_MAX};
	struct agni_err err;
	struct buf url = {0};
	char day[IST_TEXT];

	buf_printf(&url, "%s/v2/option/chain?instrument_key=", b->deps.api_url);
	put_escaped(&url, a->key);
	buf_printf(&url, "&expiry_date=%s", day_format(a->expiry, day));
	o.url = buf_cstr(&url);
	b->current = a;
	b->call = http_call_start(b->deps.http, &o, on_answer, b, &err);
	if (!b->call)
		log_warn("options", "the broker's open interest: %s", err.text);
	buf_fini(&url);
}

/* What the broker calls the previous session is the one that we compare with. */
static bool is_todays(const struct oi_broker *b)
{
	int64_t now_ms = clock_market_ms(b->deps.loop->clock);

	return session_oi_day(now_ms) == ist_day(now_ms) &&
	       b->deps.oi->broker.day == session_oi_day_before(now_ms);
}

void oi_broker_ask(struct oi_broker *b, const char *underlying_key, day_t expiry)
{
	mono_ns now = clock_mono(b->deps.loop->clock);
	const char *bearer;
	struct asked *a;

	if (b->call || !b->deps.api_url[0] || !is_todays(b))
		return;
	if (b->day != b->deps.oi->broker.day) {
		b->day = b->deps.oi->broker.day;
		b->asked_n = 0;
	}
	a = find(b, underlying_key, expiry);
	if (!a || a->is_answered || now < a->not_before)
		return;
	bearer = b->deps.bearer(b->deps.arg);
	if (!bearer)
		return;
	a->not_before = now + AGAIN_NS;
	start(b, a, bearer);
}
