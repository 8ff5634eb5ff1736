/* SPDX-License-Identifier: MIT
 *
 * webhook: see webhook.h.
 */
#include "signals/webhook.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/ist.h"
#include "http/hash.h"

#define TAG          "webhook"
#define RESPONSE_MAX 65536 /* is read and not looked at */
#define RETRY_CAP    120   /* times webhook_retry_ms */

static struct webhook_entry *entry_at(struct webhook *w, uint32_t i)
{
	return &w->ring[(w->first + i) % WEBHOOK_QUEUE];
}

static void entry_clear(struct webhook_entry *e)
{
	free(e->id);
	free(e->body);
	*e = (struct webhook_entry){0};
}

static void pop(struct webhook *w)
{
	entry_clear(entry_at(w, 0));
	w->first = (w->first + 1) % WEBHOOK_QUEUE;
	w->waiting--;
}

/* The oldest makes room; when it is on its way, the one behind it. */
static void make_room(struct webhook *w)
{
	w->given_up++;
	if (w->call) {
		struct webhook_entry on_its_way = *entry_at(w, 0);

		*entry_at(w, 0) = *entry_at(w, 1);
		*entry_at(w, 1) = on_its_way;
	}
	pop(w);
}

static void give_up_all(struct webhook *w, const char *why)
{
	if (w->waiting)
		log_warn(TAG, "%llu signals are not delivered: %s", (unsigned long long)w->waiting,
			 why);
	w->given_up += w->waiting;
	while (w->waiting)
		pop(w);
}

/* ---- configuration ----------------------------------------------------------------------------*/

static int bad_url(struct agni_err *err)
{
	return agni_fail(err, AGNI_ECONFIG,
			 "signals.webhook_url is not https://host..., or http:// to loopback");
}

int webhook_config_check(const struct signals_config *cfg, struct agni_err *err)
{
	struct url url;
	bool is_plain;

	if (cfg->webhook_url[0] == '\0')
		return 0;
	if (url_parse(cfg->webhook_url, &url, NULL) < 0)
		return bad_url(err);
	is_plain = strcmp(url.scheme, "http") == 0;
	if ((!is_plain && strcmp(url.scheme, "https") != 0) ||
	    (is_plain && !host_is_loopback(url.host)))
		return bad_url(err);
	if (url.user[0] || url.password[0])
		return agni_fail(err, AGNI_ECONFIG,
				 "signals.webhook_url: a name or a password has no place in it");
	if (!cfg->webhook_secret[0]) /* the place that is shown is that of the first word */
		return agni_fail(
			err, AGNI_ECONFIG,
			"signals.webhook_url needs signals.webhook_secret, %d characters or "
			"more, to sign with",
			WEBHOOK_SECRET_MIN);
	if (strlen(cfg->webhook_secret) < WEBHOOK_SECRET_MIN)
		return agni_fail(err, AGNI_ECONFIG,
				 "signals.webhook_secret: a webhook needs one of %d characters or "
				 "more, to sign with",
				 WEBHOOK_SECRET_MIN);
	return 0;
}

/* ---- sending ----------------------------------------------------------------------------------*/

static void try_in(struct webhook *w, uint64_t ms);

/* The host alone: what is behind it may be a secret. */
static const char *host_of(const struct webhook *w, char out[URL_HOST_MAX])
{
	struct url url;

	if (url_parse(w->cfg->webhook_url, &url, NULL) < 0)
		return "the webhook";
	snprintf(out, URL_HOST_MAX, "%s", url.host);
	return out;
}

static void note_trouble(struct webhook *w, const char *text)
{
	char host[URL_HOST_MAX];

	if (w->trouble[0] == '\0')
		w->trouble_since_ms = clock_wall_ms(w->loop->clock);
	snprintf(w->trouble, sizeof(w->trouble), "%s", text);
	log_limited(&w->limit, clock_mono(w->loop->clock), LOG_WARN, TAG, "%s: %s; %llu wait",
		    host_of(w, host), text, (unsigned long long)w->waiting);
}

static void note_taken(struct webhook *w)
{
	char host[URL_HOST_MAX];

	w->delivered++;
	if (w->trouble[0])
		log_info(TAG, "%s takes signals again", host_of(w, host));
	w->trouble[0] = '\0';
}

/* This one is settled. */
static void next(struct webhook *w)
{
	pop(w);
	backoff_reset(&w->backoff);
	if (w->waiting)
		try_in(w, 0);
}

static void again(struct webhook *w, int64_t retry_after_s)
{
	uint64_t wait_ms, cap_ms = (uint64_t)w->cfg->webhook_retry_ms * RETRY_CAP;

	if (++entry_at(w, 0)->tries >= WEBHOOK_TRIES) {
		w->given_up++;
		log_warn(TAG, "signal %s is given up after %d tries", entry_at(w, 0)->id,
			 WEBHOOK_TRIES);
		next(w);
		return;
	}
	w->retries++;
	w->backoff.base_ms = (uint32_t)w->cfg->webhook_retry_ms; /* may have changed */
	w->backoff.cap_ms = (uint32_t)cap_ms;
	wait_ms = backoff_next(&w->backoff);
	if (retry_after_s > 0 && (uint64_t)retry_after_s * 1000 > wait_ms)
		wait_ms = (uint64_t)retry_after_s * 1000 < cap_ms ? (uint64_t)retry_after_s * 1000
								  : cap_ms;
	w->is_retry = true;
	try_in(w, wait_ms);
}

/* The host is said in front of it already. */
static void say_failure(const struct webhook *w, const struct http_result *r, char *out, size_t cap)
{
	char host[URL_HOST_MAX];
	const char *text = r->error;
	size_t len = strlen(host_of(w, host));

	if (strncmp(text, host, len) == 0 && strncmp(text + len, ": ", 2) == 0)
		text += len + 2;
	snprintf(out, cap, "%s%s", strncmp(text, "no answer", 9) == 0 ? "" : "no answer: ", text);
}

static void on_done(void *arg, const struct http_result *r)
{
	struct webhook *w = arg;
	int status = r->head_status; /* whatever becomes of the text behind it */
	char text[96];

	w->call = NULL;
	if (status >= 200 && status < 300) {
		note_taken(w);
		next(w);
		return;
	}
	if (status == 0)
		say_failure(w, r, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "answered %d", status);
	note_trouble(w, text);
	if (status == 0 || status == 429 || status >= 500) {
		again(w, r->code < 0 ? -1 : r->retry_after_s);
		return;
	}
	w->refused++;
	next(w);
}

static void put_headers(const struct webhook *w, const struct webhook_entry *e, struct buf *out)
{
	const char *secret = w->cfg->webhook_secret;
	struct buf text = {0};
	char digits[SHA256_TEXT];
	long long t = (long long)(clock_wall_ms(w->loop->clock) / 1000);

	buf_printf(&text, "%lld.", t);
	buf_append(&text, e->body, e->len);
	hash_hmac_text(secret, strlen(secret), text.data, text.len, digits);
	buf_fini(&text);
	buf_printf(out,
		   "Content-Type: application/json\r\nX-Agni-Signature: t=%lld,v1=%s\r\n"
		   "X-Agni-Signal-Id: %s\r\nX-Agni-Source: %s\r\n",
		   t, digits, e->id, w->source);
	(void)buf_cstr(out);
}

static void send_oldest(struct webhook *w)
{
	const struct webhook_entry *e = entry_at(w, 0);
	struct buf headers = {0};
	struct agni_err err;

	put_headers(w, e, &headers);
	w->call = http_call_start(
		w->http,
		&(struct http_call_options){.method = "POST",
					    .url = w->cfg->webhook_url,
					    .headers = headers.data,
					    .body = e->body,
					    .body_len = e->len,
					    .timeout_ms = (uint64_t)w->cfg->webhook_timeout_ms,
					    .response_max = RESPONSE_MAX,
					    .may_repeat = true}, /* it has an id */
		on_done, w, &err);
	buf_fini(&headers);
	if (w->call)
		return;
	note_trouble(w, "the call cannot be made");
	again(w, -1);
}

static void on_timer(uv_timer_t *timer)
{
	struct webhook *w = container_of(timer, struct webhook, timer);

	w->is_retry = false;
	if (w->cfg->webhook_url[0] == '\0')
		give_up_all(w, "signals.webhook_url is empty now");
	else if (w->waiting && !w->call)
		send_oldest(w);
}

static void try_in(struct webhook *w, uint64_t ms)
{
	uv_timer_start(&w->timer, on_timer, ms, 0);
}

/* ---- coming and going -------------------------------------------------------------------------*/

void webhook_init(struct webhook *w, struct loop *loop, struct http_client *http,
		  const struct signals_config *cfg, const char *source)
{
	uint32_t base_ms = (uint32_t)cfg->webhook_retry_ms;

	*w = (struct webhook){
		.loop = loop, .http = http, .cfg = cfg, .source = source, .is_open = true};
	backoff_init(&w->backoff, base_ms, base_ms * RETRY_CAP, clock_mono(loop->clock));
	uv_timer_init(&loop->uv, &w->timer);
}

void webhook_add(struct webhook *w, const char *id, const char *body, size_t len)
{
	if (!w->is_open || w->cfg->webhook_url[0] == '\0')
		return;
	if (w->waiting == WEBHOOK_QUEUE)
		make_room(w);
	*entry_at(w, (uint32_t)w->waiting) =
		(struct webhook_entry){mem_strdup(id), mem_strndup(body, len), len, 0};
	w->waiting++;
	if (!w->call && !w->is_retry)
		try_in(w, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct webhook *w = container_of((uv_timer_t *)handle, struct webhook, timer);

	w->on_closed(w->arg);
}

void webhook_stop(struct webhook *w, void (*on_closed)(void *arg), void *arg)
{
	w->is_open = false;
	w->on_closed = on_closed;
	w->arg = arg;
	if (w->call)
		http_call_cancel(w->call);
	w->call = NULL;
	give_up_all(w, "the server stops");
	uv_close((uv_handle_t *)&w->timer, on_timer_closed);
}

enum health webhook_health(const struct webhook *w, char why[HEALTH_WHY_MAX])
{
	char host[URL_HOST_MAX], since[IST_TEXT];

	if (w->cfg->webhook_url[0] == '\0') {
		snprintf(why, HEALTH_WHY_MAX, "no webhook");
		return HEALTH_UP;
	}
	if (w->trouble[0]) {
		snprintf(why, HEALTH_WHY_MAX, "%.30s since %.19s: %.72s; %llu wait",
			 host_of(w, host), ist_format(w->trouble_since_ms, since), w->trouble,
			 (unsigned long long)w->waiting);
		return HEALTH_DEGRADED;
	}
	snprintf(why, HEALTH_WHY_MAX, "webhook: %llu delivered, %llu wait",
		 (unsigned long long)w->delivered, (unsigned long long)w->waiting);
	return HEALTH_UP;
}
