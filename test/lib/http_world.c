/* SPDX-License-Identifier: MIT
 *
 * http_world: see http_world.h.
 */
#include "http_world.h"

#include <stdio.h>

#include "check.h"

void http_world_up(struct http_world *w, const char *ca_file)
{
	*w = (struct http_world){0};
	clock_init(&w->clock, CLOCK_SYSTEM);
	check_i64(loop_init(&w->loop, &w->clock), 0);
	uv_timer_init(&w->loop.uv, &w->timer);
	w->timer.data = w;
	w->client = http_client_create(&w->loop, ca_file);
}

static void on_late(uv_timer_t *timer)
{
	((struct http_world *)timer->data)->is_late = true;
}

bool http_world_until(struct http_world *w, http_cond_fn *cond, const void *arg)
{
	w->is_late = false;
	uv_timer_start(&w->timer, on_late, HTTP_WORLD_DEADLINE_MS, 0);
	while (!cond(arg) && !w->is_late)
		uv_run(&w->loop.uv, UV_RUN_ONCE);
	uv_timer_stop(&w->timer);
	return !w->is_late;
}

static void on_client_closed(void *arg)
{
	((struct http_world *)arg)->is_closed = true;
}

static bool is_closed(const void *arg)
{
	return ((const struct http_world *)arg)->is_closed;
}

void http_world_close(struct http_world *w)
{
	w->is_closing = true;
	http_client_close(w->client, on_client_closed, w);
	check(!w->is_closed); /* not from inside */
}

void http_world_down(struct http_world *w)
{
	if (!w->is_closing)
		http_world_close(w);
	check(http_world_until(w, is_closed, w));
	uv_close((uv_handle_t *)&w->timer, NULL);
	check_i64(loop_fini(&w->loop), 0);
}

void http_outcome_take(void *arg, const struct http_result *r)
{
	struct http_outcome *o = arg;

	o->calls++;
	o->code = r->code;
	o->status = r->status;
	o->retry_after_s = r->retry_after_s;
	o->body_len = r->body_len;
	snprintf(o->error, sizeof(o->error), "%s", r->error);
	snprintf(o->url, sizeof(o->url), "%s", r->url);
	snprintf(o->content_type, sizeof(o->content_type), "%s", r->content_type);
	snprintf(o->location, sizeof(o->location), "%s", r->location);
	snprintf(o->etag, sizeof(o->etag), "%s", r->etag);
	snprintf(o->body, sizeof(o->body), "%s", r->body);
}

bool http_outcome_is_there(const void *arg)
{
	return ((const struct http_outcome *)arg)->calls > 0;
}

struct http_call_options http_get_of(const char *url)
{
	return (struct http_call_options){.method = "GET",
					  .url = url,
					  .timeout_ms = HTTP_WORLD_DEADLINE_MS,
					  .response_max = 4000,
					  .follow_redirects = true};
}

void http_call_to_the_end(struct http_world *w, const struct http_call_options *o,
			  struct http_outcome *out)
{
	struct agni_err err = {0};

	*out = (struct http_outcome){0};
	if (!http_call_start(w->client, o, http_outcome_take, out, &err))
		fail_msg("not started: %s", err.text);
	check_i64(out->calls, 0);
	check(http_world_until(w, http_outcome_is_there, out));
	check_i64(out->calls, 1);
}

void http_check_fails(struct http_world *w, const char *url, int code, const char *part)
{
	struct http_call_options o = http_get_of(url);
	struct http_outcome out;

	http_call_to_the_end(w, &o, &out);
	if (out.code != code || !strstr(out.error, part))
		fail_msg("%s: %d \"%s\", wanted %d \"%s\"", url, out.code, out.error, code, part);
	check_i64(out.status, 0);
}

/* --- a peer ------------------------------------------------------------------------------------- */

struct served {
	struct http_peer *peer;
	uv_tcp_t tcp;
	uv_write_t write;
	const char *answer;
	size_t from; /* where its request begins in peer->seen */
	bool is_answered;
};

static void on_served_closed(uv_handle_t *handle)
{
	struct served *s = handle->data;

	s->peer->open--;
	free(s);
}

static void served_close(struct served *s)
{
	if (!uv_is_closing((uv_handle_t *)&s->tcp))
		uv_close((uv_handle_t *)&s->tcp, on_served_closed);
}

static void on_written(uv_write_t *write, int status)
{
	(void)status;
	served_close(write->data);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct served *s = handle->data;

	(void)suggested;
	*buf = uv_buf_init(buf_reserve(&s->peer->seen, 4096), 4096);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct served *s = stream->data;
	uv_buf_t out;

	(void)buf;
	if (n < 0) {
		served_close(s);
		return;
	}
	s->peer->seen.len += (size_t)n;
	if (s->is_answered || !s->answer || !strstr(buf_cstr(&s->peer->seen) + s->from, "\r\n\r\n"))
		return;
	s->is_answered = true;
	out = uv_buf_init(strdup(s->answer), (unsigned)strlen(s->answer));
	check_i64(uv_try_write(stream, &out, 1), (int)out.len);
	free(out.base);
	out = uv_buf_init(NULL, 0);
	uv_write(&s->write, stream, &out, 1, on_written);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct http_peer *peer = listener->data;
	struct served *s = calloc(1, sizeof(*s));

	check_i64(status, 0);
	s->peer = peer;
	s->answer = peer->answers[peer->served++];
	s->from = peer->seen.len;
	peer->open++;
	uv_tcp_init(&peer->w->loop.uv, &s->tcp);
	s->tcp.data = s->write.data = s;
	check_i64(uv_accept(listener, (uv_stream_t *)&s->tcp), 0);
	uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read);
}

void http_peer_up(struct http_peer *p, struct http_world *w)
{
	struct sockaddr_in addr;
	int len = sizeof(addr);

	*p = (struct http_peer){.w = w, .open = 1};
	uv_tcp_init(&w->loop.uv, &p->listener);
	p->listener.data = p;
	uv_ip4_addr("127.0.0.1", 0, &addr);
	check_i64(uv_tcp_bind(&p->listener, (struct sockaddr *)&addr, 0), 0);
	check_i64(uv_listen((uv_stream_t *)&p->listener, 16, on_connection), 0);
	uv_tcp_getsockname(&p->listener, (struct sockaddr *)&addr, &len);
	p->port = ntohs(addr.sin_port);
}

static void on_listener_closed(uv_handle_t *handle)
{
	((struct http_peer *)handle->data)->open--;
}

static bool is_peer_over(const void *arg)
{
	return ((const struct http_peer *)arg)->open == 0;
}

void http_peer_down(struct http_peer *p)
{
	uv_close((uv_handle_t *)&p->listener, on_listener_closed);
	check(http_world_until(p->w, is_peer_over, p));
	buf_fini(&p->seen);
}

const char *http_peer_url(const struct http_peer *p, const char *host, const char *path)
{
	static char url[300];

	snprintf(url, sizeof(url), "http://%s:%d%s", host, p->port, path);
	return url;
}

char *http_long_answer(const char *head, char c, size_t n, const char *tail)
{
	char *text = malloc(strlen(head) + n + strlen(tail) + 1);

	strcpy(text, head);
	memset(text + strlen(head), c, n);
	strcpy(text + strlen(head) + n, tail);
	return text;
}
