/* SPDX-License-Identifier: MIT
 *
 * client: see client.h. Calls, their redirects and their results; a connection is hop.c's.
 *
 *   http_call_start() -> call_hop() -> hop -> on_hop_done() -+-> call_finish() -> done
 *                            ^                               |
 *                            +---------- redirect <----------+
 *
 * A call ends in call_finish() or in http_call_cancel(); its timer's close callback frees it.
 */
#include "http/client.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "core/secret.h"
#include "http/client_internal.h"

#define REDIRECTS_MAX    5
#define IDLE_MAX_DEFAULT 8
#define IDLE_MS_DEFAULT  30000
#define URL_TEXT_MAX     (URL_HOST_MAX + URL_TARGET_MAX + 32)

struct http_call {
	struct http_client *client;
	struct list link; /* in client->calls while alive */
	struct url first; /* whose origin may see the authorization */
	struct url url;   /* of the present hop */
	char method[8];
	char *authorization; /* NULL when absent, wiped, or lost at another origin */
	char *headers;       /* "" when absent */
	struct buf body;
	size_t response_max;
	bool follow;
	bool may_repeat;
	int redirects;
	uint64_t timeout_ms;
	struct hop *hop;
	bool is_retried;     /* once, when an idle connection turned out to be closed */
	uv_timer_t timer;    /* the total deadline; at once for a failure at the start */
	struct agni_err err; /* why it failed at the start; code 0 otherwise */
	http_done_fn *done;
	void *arg;
};

/* ---- client ------------------------------------------------------------------------------- */

void client_release(struct http_client *c)
{
	if (--c->open > 0)
		return;
	AGNI_ASSERT(c->is_closing && list_is_empty(&c->calls));
	c->done(c->done_arg);
	tls_config_destroy(c->tls);
	free(c->ca_file);
	free(c);
}

struct http_client *http_client_create(struct loop *loop, const char *ca_file)
{
	struct http_client *c = mem_zalloc(sizeof(*c));

	c->loop = loop;
	c->ca_file = ca_file && *ca_file ? mem_strdup(ca_file) : NULL;
	list_init(&c->calls);
	list_init(&c->idle);
	http_client_keep(c, IDLE_MAX_DEFAULT, IDLE_MS_DEFAULT);
	uv_timer_init(&loop->uv, &c->anchor);
	c->anchor.data = c;
	c->open = 1;
	return c;
}

void http_client_keep(struct http_client *c, unsigned max, uint64_t idle_ms)
{
	c->idle_max = max;
	c->idle_ms = idle_ms;
	while (c->idle_n > max)
		hop_close_oldest(c);
}

/* ---- the end of a call -------------------------------------------------------------------- */

static void on_call_closed(uv_handle_t *handle)
{
	struct http_call *call = handle->data;
	struct http_client *c = call->client;

	explicit_bzero(call, sizeof(*call)); /* the URL's query may be a ticket */
	free(call);
	client_release(c);
}

/* Lets go of everything; the memory stays until the timer is closed. */
static void call_end(struct http_call *call)
{
	list_remove(&call->link);
	hop_keep(call->hop);
	call->hop = NULL;
	secret_wipe_text(&call->authorization);
	secret_wipe_text(&call->headers);
	secret_wipe_buf(&call->body);
	uv_close((uv_handle_t *)&call->timer, on_call_closed);
}

/* The URL without its query, which may hold a ticket. */
static void url_text(const struct url *u, char out[URL_TEXT_MAX])
{
	bool is_v6 = strchr(u->host, ':') != NULL;
	bool is_usual = u->port == (url_is_tls(u) ? 443 : 80);
	char port[8] = "";

	if (!is_usual)
		snprintf(port, sizeof(port), ":%d", u->port);
	snprintf(out, URL_TEXT_MAX, "%s://%s%s%s%s%.*s", u->scheme, is_v6 ? "[" : "", u->host,
		 is_v6 ? "]" : "", port, (int)strcspn(u->target, "?"), u->target);
}

static const char *header_or_empty(const struct message *m, const char *name)
{
	const char *value = m ? message_header(m, name) : NULL;

	return value ? value : "";
}

/* -1 unless the value is a plain number of seconds. */
static int64_t retry_after(const struct message *m)
{
	const char *value = header_or_empty(m, "retry-after");
	int64_t seconds = 0;

	if (!*value || strlen(value) > 9)
		return -1;
	for (; *value; value++) {
		if (!isdigit((unsigned char)*value))
			return -1;
		seconds = seconds * 10 + (*value - '0');
	}
	return seconds;
}

/* Calls `done`, once, with an answer or an error. */
static void call_finish(struct http_call *call, struct message *m, const struct agni_err *err)
{
	char url[URL_TEXT_MAX];
	struct http_result result = {
		.code = m ? 0 : err->code,
		.error = m ? "" : err->text,
		.status = m ? m->status : 0,
		.head_status = call->hop ? hop_status(call->hop) : 0,
		.content_type = header_or_empty(m, "content-type"),
		.location = header_or_empty(m, "location"),
		.etag = header_or_empty(m, "etag"),
		.retry_after_s = retry_after(m),
		.url = url,
		.body = m ? m->body.data : "",
		.body_len = m ? m->body.len : 0,
		.bytes = m ? &m->body : NULL,
	};

	url_text(&call->url, url);
	/* Out of the list first: `done` may close the client. The answer lives in the hop, which
	 * libuv keeps for at least this turn. */
	list_remove(&call->link);
	uv_timer_stop(&call->timer);
	call->done(call->arg, &result);
	call_end(call);
}

static void call_fail(struct http_call *call, int code, const char *text)
{
	struct agni_err err;

	agni_fail(&err, code, "%s: %s", call->url.host, text);
	call_finish(call, NULL, &err);
}

void http_call_cancel(struct http_call *call)
{
	call_end(call);
}

static void on_timer(uv_timer_t *timer)
{
	struct http_call *call = timer->data;
	struct agni_err err;

	if (call->err.code) {
		call_finish(call, NULL, &call->err);
		return;
	}
	agni_fail(&err, AGNI_ETIMEDOUT, "%s: no answer within %llu ms, still %s", call->url.host,
		  (unsigned long long)call->timeout_ms, hop_stage(call->hop));
	call_finish(call, NULL, &err);
}

static void on_anchor_closed(uv_handle_t *handle)
{
	client_release(handle->data);
}

void http_client_close(struct http_client *c, void (*done)(void *arg), void *arg)
{
	static const struct agni_err canceled = {AGNI_ECANCELED, "the client is being closed"};

	AGNI_ASSERT(!c->is_closing && done);
	c->is_closing = true;
	c->done = done;
	c->done_arg = arg;
	/* Not list_for_each: a `done` may cancel another call. */
	while (!list_is_empty(&c->calls))
		call_finish(container_of(c->calls.next, struct http_call, link), NULL, &canceled);
	while (c->idle_n > 0)
		hop_close_oldest(c);
	uv_close((uv_handle_t *)&c->anchor, on_anchor_closed);
}

/* ---- one hop after the other -------------------------------------------------------------- */

static void on_hop_done(void *arg, struct message *answer, const struct agni_err *err);

static struct buf request_text(const struct http_call *call)
{
	const struct url *u = &call->url;
	bool is_v6 = strchr(u->host, ':') != NULL;
	bool has_body = call->body.len > 0 || strcmp(call->method, "POST") == 0;
	struct buf out = {0};

	/* All at once: a buffer that moves leaves a copy of the authorization behind. */
	buf_reserve(&out, sizeof(*u) + strlen(call->headers) + call->body.len + 512 +
				  (call->authorization ? strlen(call->authorization) : 0));
	buf_printf(&out, "%s %s HTTP/1.1\r\nHost: %s%s%s", call->method, u->target,
		   is_v6 ? "[" : "", u->host, is_v6 ? "]" : "");
	if (u->port != (url_is_tls(u) ? 443 : 80))
		buf_printf(&out, ":%d", u->port);
	buf_str(&out, "\r\nUser-Agent: agnidata\r\nAccept-Encoding: identity\r\n"
		      "Connection: ");
	buf_str(&out, call->client->idle_max ? "keep-alive\r\n" : "close\r\n");
	if (has_body)
		buf_printf(&out, "Content-Length: %zu\r\n", call->body.len);
	if (call->authorization) {
		buf_str(&out, "Authorization: ");
		buf_str(&out, call->authorization);
		buf_str(&out, "\r\n");
	}
	buf_str(&out, call->headers);
	buf_str(&out, "\r\n");
	buf_append(&out, call->body.data, call->body.len);
	return out;
}

static bool is_idempotent(const struct http_call *call)
{
	return call->may_repeat || strcmp(call->method, "POST") != 0;
}

/* Starts the hop to call->url, on a new connection if this is a second try. Returns 0 or an error: TLS cannot be set up. */
static int call_hop(struct http_call *call, struct agni_err *err)
{
	struct http_client *c = call->client;
	struct tls_config *tls = NULL;
	struct buf request;

	if (url_is_tls(&call->url)) {
		if (!c->tls)
			c->tls = tls_client_config_create(c->ca_file, err);
		tls = c->tls;
		if (!tls)
			return err->code;
	}
	request = request_text(call);
	/* Whoever may not ask twice does not take a connection that may turn out to be closed. */
	if (is_idempotent(call) && !call->is_retried)
		call->hop =
			hop_again(c, &call->url, &request, call->response_max, on_hop_done, call);
	if (!call->hop)
		call->hop = hop_start(c, &call->url, tls, &request, call->response_max, on_hop_done,
				      call);
	return 0;
}

static bool is_redirect(const struct http_call *call, const struct message *m)
{
	int s = m->status;

	return call->follow && strcmp(call->method, "GET") == 0 && message_header(m, "location") &&
	       (s == 301 || s == 302 || s == 303 || s == 307 || s == 308);
}

static bool scheme_is_http(const struct url *u)
{
	return strcmp(u->scheme, "http") == 0 || strcmp(u->scheme, "https") == 0;
}

/* Whether a call may go to `u`, as its first URL or by a redirect. */
static int url_check(const struct url *u, struct agni_err *err)
{
	if (!scheme_is_http(u))
		return agni_fail(err, AGNI_EUSAGE, "%s:// is not http", u->scheme);
	if (!url_is_tls(u) && !host_is_loopback(u->host))
		return agni_fail(err, AGNI_ETLS, "%.100s: plain http is for loopback only",
				 u->host);
	return 0;
}

static void call_redirect(struct http_call *call, const struct message *m)
{
	struct agni_err err;
	struct url next;

	if (++call->redirects > REDIRECTS_MAX) {
		call_fail(call, AGNI_ELIMIT, "more than 5 redirects");
		return;
	}
	if (url_resolve(&call->url, message_header(m, "location"), &next, &err) < 0 ||
	    url_check(&next, &err) < 0) {
		agni_wrap(&err, "redirect from %.64s", call->url.host);
		call_finish(call, NULL, &err);
		return;
	}
	if (url_is_tls(&call->url) && !url_is_tls(&next)) {
		call_fail(call, AGNI_ETLS, "redirect from https to http");
		return;
	}
	if (!url_same_origin(&call->first, &next))
		secret_wipe_text(
			&call->authorization); /* for good: who led us away may lead us back */
	hop_keep(call->hop);
	call->hop = NULL;
	call->url = next;
	if (call_hop(call, &err) < 0)
		call_finish(call, NULL, &err);
}

/* The peer had closed the idle connection before it could hear us: once more, on a new one. */
static void call_retry(struct http_call *call)
{
	struct agni_err err;

	call->is_retried = true;
	hop_close(call->hop);
	call->hop = NULL;
	if (call_hop(call, &err) < 0)
		call_finish(call, NULL, &err);
}

static void on_hop_done(void *arg, struct message *answer, const struct agni_err *err)
{
	struct http_call *call = arg;

	if (!answer && hop_is_stale(call->hop)) /* never so with a second try: that is not reused */
		call_retry(call);
	else if (answer && is_redirect(call, answer))
		call_redirect(call, answer);
	else
		call_finish(call, answer, err);
}

/* ---- the start of a call ------------------------------------------------------------------ */

static bool is_one_line(const char *text)
{
	while ((unsigned char)*text >= 0x20 && *text != 0x7f)
		text++;
	return *text == '\0';
}

/* Lines of the form "Name: value", each ended by CRLF. */
static bool headers_are_good(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\r\n");
		const char *colon = memchr(text, ':', len);

		if (!colon || colon == text || strncmp(text + len, "\r\n", 2) != 0 ||
		    isspace((unsigned char)text[0]))
			return false;
		text += len + 2;
	}
	return true;
}

static int options_check(const struct http_call_options *o, struct url *url, struct agni_err *err)
{
	int rc = url_parse(o->url, url, err);

	if (rc < 0)
		return rc;
	if (strcmp(o->method, "GET") != 0 && strcmp(o->method, "POST") != 0 &&
	    strcmp(o->method, "DELETE") != 0)
		return agni_fail(err, AGNI_EUSAGE, "method %.16s is none of GET, POST, DELETE",
				 o->method);
	if (o->authorization && !is_one_line(o->authorization))
		return agni_fail(err, AGNI_EUSAGE, "the authorization is not one line");
	if (o->headers && !headers_are_good(o->headers))
		return agni_fail(err, AGNI_EUSAGE, "malformed header lines");
	if (url->user[0] || url->password[0])
		return agni_fail(err, AGNI_EUSAGE, "a user or password in the URL is not sent");
	if (o->timeout_ms == 0)
		return agni_fail(err, AGNI_EUSAGE, "a call needs a time limit");
	return url_check(url, err);
}

struct http_call *http_call_start(struct http_client *c, const struct http_call_options *o,
				  http_done_fn *done, void *arg, struct agni_err *err)
{
	struct http_call *call;
	struct url url;

	if (c->is_closing) {
		agni_fail(err, AGNI_ECANCELED, "the client is being closed");
		return NULL;
	}
	if (options_check(o, &url, err) < 0)
		return NULL;
	call = mem_zalloc(sizeof(*call));
	call->client = c;
	call->first = call->url = url;
	snprintf(call->method, sizeof(call->method), "%s", o->method);
	call->authorization = o->authorization ? mem_strdup(o->authorization) : NULL;
	call->headers = mem_strdup(o->headers ? o->headers : "");
	buf_append(&call->body, o->body, o->body_len);
	call->response_max = o->response_max;
	call->follow = o->follow_redirects;
	call->may_repeat = o->may_repeat;
	call->timeout_ms = o->timeout_ms;
	call->done = done;
	call->arg = arg;
	list_append(&c->calls, &call->link);
	c->open++;
	uv_timer_init(&c->loop->uv, &call->timer);
	call->timer.data = call;
	/* The loop's time may be old: it does not move while start-up is busy. */
	uv_update_time(&c->loop->uv);
	/* A failure here is told in the next turn. */
	uv_timer_start(&call->timer, on_timer,
		       call_hop(call, &call->err) < 0 ? 0 : call->timeout_ms, 0);
	return call;
}
