/* SPDX-License-Identifier: MIT
 *
 * response: what a handler sees of a request, and how its answer becomes bytes.
 *
 * Every answer carries Content-Length, Content-Type, Cache-Control: no-store,
 * X-Content-Type-Options and Connection; none says which program or version made it.
 */
#include <stdlib.h>
#include <strings.h>

#include "http/server_internal.h"

static const char *status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} table[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{301, "Moved Permanently"},
		{302, "Found"},
		{303, "See Other"},
		{304, "Not Modified"},
		{307, "Temporary Redirect"},
		{308, "Permanent Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].status == status)
			return table[i].text;
	}
	return "Status";
}

struct answer {
	int status;
	const char *content_type;
	const char *extra; /* NULL or lines with CRLF */
	const void *body;
	size_t len;
	bool is_head; /* HEAD: the length without the body */
	bool is_last;
};

static void answer_write(struct buf *out, const struct answer *a)
{
	bool has_body = a->status != 204 && a->status != 304;
	size_t extra_len = a->extra ? strlen(a->extra) : 0;

	AGNI_ASSERT(a->status >= 200 && a->status <= 599);
	AGNI_ASSERT(extra_len == 0 || (extra_len > 2 && a->extra[extra_len - 1] == '\n'));
	buf_reserve(out, a->len + extra_len + 512);
	buf_printf(out, "HTTP/1.1 %d %s\r\n", a->status, status_text(a->status));
	if (has_body)
		buf_printf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", a->content_type,
			   a->len);
	buf_printf(out,
		   "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
		   "Connection: %s\r\n",
		   a->is_last ? "close" : "keep-alive");
	buf_append(out, a->extra, extra_len);
	buf_append(out, "\r\n", 2);
	if (has_body && !a->is_head)
		buf_append(out, a->body, a->len);
}

static void envelope_write(struct buf *out, const char *code, const char *text, size_t len)
{
	buf_str(out, "{\"status\":\"error\",\"error\":{\"code\":");
	buf_json_str(out, code, strlen(code));
	buf_str(out, ",\"message\":");
	buf_json_str(out, text, len);
	buf_str(out, "}}");
}

static const char json_type[] = "application/json; charset=utf-8";

void response_fault(struct conn *c, const struct http_fault *fault)
{
	struct buf body = {0};

	c->server->stats.refused_total++;
	c->is_last = true;
	envelope_write(&body, fault->code, fault->text, strlen(fault->text));
	buf_reset(&c->out);
	answer_write(&c->out, &(struct answer){.status = fault->status,
					       .content_type = json_type,
					       .body = body.data,
					       .len = body.len,
					       .is_last = true});
	buf_fini(&body);
	conn_answer(c);
}

/* ---- the handler's side ------------------------------------------------------------------- */

void request_free(struct request *req)
{
	message_fini(&req->msg);
	target_fini(&req->target);
	route_match_fini(&req->match);
	free(req);
}

void http_respond(struct http_request *r, int status, const char *content_type, const char *extra,
		  const void *body, size_t len)
{
	struct request *req = r->server_private;
	struct conn *c = req->conn;

	if (!c) {
		request_free(req);
		return;
	}
	AGNI_ASSERT(c->state == CONN_HANDLING); /* answered twice? */
	c->is_last = !req->msg.keep_alive || c->server->is_stopping;
	buf_reset(&c->out);
	answer_write(&c->out,
		     &(struct answer){.status = status,
				      .content_type = content_type ? content_type
								   : "application/octet-stream",
				      .extra = extra,
				      .body = body,
				      .len = len,
				      .is_head = strcmp(req->msg.method, "HEAD") == 0,
				      .is_last = c->is_last});
	conn_answer(c);
}

static void respond_error(struct http_request *r, int status, const char *extra, const char *code,
			  const char *fmt, va_list ap) AGNI_PRINTF(5, 0);

static void respond_error(struct http_request *r, int status, const char *extra, const char *code,
			  const char *fmt, va_list ap)
{
	struct buf text = {0}, body = {0};

	buf_vprintf(&text, fmt, ap);
	envelope_write(&body, code, text.data, text.len);
	http_respond(r, status, json_type, extra, body.data, body.len);
	buf_fini(&text);
	buf_fini(&body);
}

void http_respond_error(struct http_request *r, int status, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	respond_error(r, status, NULL, code, fmt, ap);
	va_end(ap);
}

void http_respond_error_with(struct http_request *r, int status, const char *extra,
			     const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	respond_error(r, status, extra, code, fmt, ap);
	va_end(ap);
}

const char *http_request_header(const struct http_request *r, const char *name)
{
	const struct request *req = r->server_private;

	return message_header(&req->msg, name);
}

const char *http_request_param(const struct http_request *r, const char *name)
{
	const struct request *req = r->server_private;

	return route_param(&req->match, name);
}

bool http_request_query(const struct http_request *r, const char *name, char *out, size_t size)
{
	return query_get(r->query, name, out, size);
}

/* ---- routing ------------------------------------------------------------------------------ */

static void respond_method(struct request *req)
{
	struct buf allow = {0};

	/* TRACE is answered so on any path. */
	buf_printf(&allow, "Allow: %s\r\n", req->match.allow[0] ? req->match.allow : "GET, HEAD");
	http_respond_error_with(&req->pub, 405, buf_cstr(&allow), "method_not_allowed",
				"this path does not take that method");
	buf_fini(&allow);
}

/* "application/json", and what may follow behind a semicolon. */
static bool is_json(const struct message *m)
{
	static const char json[] = "application/json";
	const char *type = message_header(m, "content-type");
	size_t n = sizeof(json) - 1;

	if (!type || strncasecmp(type, json, n) != 0)
		return false;
	n += strspn(type + n, " \t");
	return type[n] == '\0' || type[n] == ';';
}

static void serve(struct http_server *s, const struct http_route *route, struct request *req)
{
	if (s->admit && !s->admit(s->admit_arg, route, &req->pub))
		return;
	if (s->json_only && req->msg.body.len && !is_json(&req->msg))
		http_respond_error(&req->pub, 415, "unsupported_media_type",
				   "the body has to be JSON, and Content-Type to say so: "
				   "application/json");
	else
		route->handle(route->arg, &req->pub);
}

void request_dispatch(struct request *req)
{
	struct http_server *s = req->conn->server;
	const char *method = req->msg.method;

	memset(req->caller, 0, sizeof(req->caller));
	req->pub = (struct http_request){.method = method,
					 .path = req->target.path.data,
					 .query = req->target.query,
					 .body = req->msg.body.data,
					 .body_len = req->msg.body.len,
					 .peer = req->conn->peer,
					 .is_upgrade = req->msg.is_upgrade,
					 .caller_room = req->caller,
					 .server_private = req};
	s->stats.requests_total++;
	route_find(s->routes, s->routes_n, method, req->pub.path, &req->match);
	if (req->match.route) {
		serve(s, req->match.route, req);
		return;
	}
	s->stats.refused_total++;
	if (req->match.allow[0] || strcmp(method, "TRACE") == 0)
		respond_method(req);
	else
		http_respond_error(&req->pub, 404, "not_found", "there is nothing at this path");
}
