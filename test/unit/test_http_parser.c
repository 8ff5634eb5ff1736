/* SPDX-License-Identifier: MIT
 *
 * parser, guard and target: what becomes a request, and what must not.
 *
 * Every input is fed whole, byte by byte, and (where it is short) in every split into three reads;
 * the outcome has to be the same each time.
 */
#include "../lib/check.h"
#include "../lib/data.h"

#include <stdio.h>

#include <cjson/cJSON.h>

#include "http/guard.h"
#include "http/parser.h"

static const struct parser_limits limits = {
	.head_max = 16384, .target_max = 8192, .headers_max = 100, .body_max = 65536};
static const struct guard_rules rules = {.loopback_only = false, .body_max = 65536};

/* What came of an input: the number of requests that a handler would have seen, and the status of
 * the refusal that followed them (0: none; -1: the input ended in the middle). */
struct outcome {
	int requests;
	int status;
	char code[32];
	char path[256];   /* of the last request */
	char body[256];   /* of the last request */
	size_t headers_n; /* of the last request */
	bool keep_alive;  /* of the last request */
	char first_x[64]; /* its header "x" */
	bool has_upgrade;
};

struct feeder {
	struct parser *parser;
	struct message msg;
	struct target target;
	struct outcome out;
	bool is_over; /* refused, or the connection would be closed */
	bool is_in_message;
};

static void feeder_init(struct feeder *f)
{
	*f = (struct feeder){.parser = parser_create(PARSER_REQUEST, &limits)};
	parser_begin(f->parser, &f->msg);
}

static void refused(struct feeder *f, const struct http_fault *fault)
{
	f->out.status = fault->status;
	snprintf(f->out.code, sizeof(f->out.code), "%s", fault->code);
	f->is_over = true;
}

static void handled(struct feeder *f)
{
	const char *x = message_header(&f->msg, "x");

	f->out.requests++;
	snprintf(f->out.path, sizeof(f->out.path), "%s", f->target.path.data);
	snprintf(f->out.body, sizeof(f->out.body), "%s", f->msg.body.data);
	snprintf(f->out.first_x, sizeof(f->out.first_x), "%s", x ? x : "(none)");
	f->out.headers_n = f->msg.headers_n;
	f->out.keep_alive = f->msg.keep_alive;
	f->out.has_upgrade = f->msg.is_upgrade;
	f->is_over = !f->msg.keep_alive;
	f->is_in_message = false;
	parser_begin(f->parser, &f->msg);
}

/* As a connection does it, without the connection. */
static void feeder_feed(struct feeder *f, const char *bytes, size_t len)
{
	size_t at = 0;

	if (len)
		f->is_in_message = true;
	while (!f->is_over) {
		size_t used;
		enum parser_event event = parser_feed(f->parser, bytes + at, len - at, &used);
		struct http_fault fault;

		at += used;
		if (event == PARSER_MORE)
			return;
		if (event == PARSER_FAILED)
			refused(f, parser_fault(f->parser));
		else if (event == PARSER_DONE)
			handled(f);
		else if (!guard_check(&f->msg, &rules, &f->target, &fault))
			refused(f, &fault);
		if (event == PARSER_DONE && at == len)
			return;
		if (event == PARSER_DONE)
			f->is_in_message = true;
	}
}

static struct outcome feeder_end(struct feeder *f)
{
	struct outcome out = f->out;

	if (!f->is_over && f->is_in_message)
		out.status = -1;
	parser_destroy(f->parser);
	message_fini(&f->msg);
	target_fini(&f->target);
	return out;
}

/* Three reads, cut at `a` and `b`. The pieces are copied to exact sizes so that ASan sees a read
 * beyond any of them. */
static struct outcome run_split(const char *bytes, size_t len, size_t a, size_t b)
{
	const size_t cuts[] = {0, a, b, len};
	struct feeder f;

	feeder_init(&f);
	for (int i = 0; i < 3; i++) {
		size_t n = cuts[i + 1] - cuts[i];
		char *piece = malloc(n + 1);

		memcpy(piece, bytes + cuts[i], n);
		if (n)
			feeder_feed(&f, piece, n);
		free(piece);
	}
	return feeder_end(&f);
}

static struct outcome run_bytewise(const char *bytes, size_t len)
{
	struct feeder f;

	feeder_init(&f);
	for (size_t i = 0; i < len; i++)
		feeder_feed(&f, bytes + i, 1);
	return feeder_end(&f);
}

static void check_same(const char *text, struct outcome want, struct outcome got)
{
	if (want.requests != got.requests || want.status != got.status ||
	    strcmp(want.body, got.body) != 0 || strcmp(want.path, got.path) != 0)
		fail_msg("split differs: %d requests, status %d; whole: %d, %d: %s", got.requests,
			 got.status, want.requests, want.status, text);
}

/* Whole, byte by byte, and in every split of three when the input is short. */
static struct outcome run(const char *bytes, size_t len)
{
	struct outcome whole = run_split(bytes, len, len, len);

	check_same(bytes, whole, run_bytewise(bytes, len));
	for (size_t a = 1; len <= 130 && a < len; a++) {
		for (size_t b = a; b < len; b++)
			check_same(bytes, whole, run_split(bytes, len, a, b));
	}
	return whole;
}

static struct outcome run_text(const char *text)
{
	return run(text, strlen(text));
}

/* Not one request may come out of `text`, and the answer has this status. */
static void check_refused(const char *text, int status, const char *code)
{
	struct outcome o = run_text(text);

	if (o.requests != 0 || o.status != status || strcmp(o.code, code) != 0)
		fail_msg("%d requests, status %d %s, wanted %d %s: %s", o.requests, o.status,
			 o.code, status, code, text);
}

static void check_taken(const char *text, int requests)
{
	struct outcome o = run_text(text);

	if (o.requests != requests || o.status != 0)
		fail_msg("%d requests, status %d %s, wanted %d: %s", o.requests, o.status, o.code,
			 requests, text);
}

#define GET  "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

static void test_plain_requests(void **state)
{
	struct outcome o;

	(void)state;
	o = run_text("GET /quotes/a%20b?x=1 HTTP/1.1\r\nHOST: a\r\nX: \t one two \t\r\nY:\r\n\r\n");
	check_i64(o.requests, 1);
	check_str(o.path, "/quotes/a b");
	check_str(o.first_x, "one two");
	check_i64(o.headers_n, 3);
	check(o.keep_alive);
	o = run_text(POST "X:\r\nContent-Length: 5\r\n\r\nhello");
	check_i64(o.requests, 1);
	check_str(o.body, "hello");
	check_str(o.first_x, "");
	o = run_text(POST "Transfer-Encoding: chunked\r\n\r\n"
			  "2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX: trailer\r\n\r\n");
	check_i64(o.requests, 1);
	check_str(o.body, "hello");
	check_str(o.first_x, "(none)"); /* a trailer is no header */
	check(!run_text(GET "Connection: close\r\n\r\n").keep_alive);
	check(!run_text("GET / HTTP/1.0\r\n\r\n").keep_alive);
	check(run_text("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
}

static void test_pipelines(void **state)
{
	(void)state;
	check_taken(GET "\r\n" GET "\r\n" GET "\r\n", 3);
	check_taken("\r\n" GET "\r\n\r\n" GET "\r\n", 2);
	check_taken(POST "Content-Length: 1\r\n\r\nA" GET "\r\n", 2);
	check_taken(POST "Transfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n\r\n" GET "\r\n", 2);
	/* The other protocol is not spoken: the next request is one of HTTP. */
	check(run_text(GET "Connection: Upgrade\r\nUpgrade: x\r\n\r\n").has_upgrade);
	check_taken(GET "Connection: Upgrade\r\nUpgrade: x\r\n\r\n" GET "\r\n", 2);
	check_taken(POST "Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 1\r\n\r\nA" GET
			 "\r\n",
		    2);
	/* Behind a last request nothing is parsed. */
	check_taken(GET "Connection: close\r\n\r\nrubbish", 1);
}

static void test_smuggling(void **state)
{
	/* Each would be one thing to us and another to a proxy in front. */
	static const char *const bad[] = {
		GET "X: 1\rY: 2\r\n\r\n", /* bare CR as a line's end */
		GET "X: 1\nY: 2\r\n\r\n", /* bare LF */
		GET "\r\rGET /evil HTTP/1.1\r\nHost: a\r\n\r\n",
		GET "X: y\r\n\rZ" GET "\r\n", /* CR-LF-CR-X: CVE-2025-23167 */
		"GET / HTTP/1.1\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\rHost: a\r\n\r\n",
		GET "X : 1\r\n\r\n", /* space before the colon */
		POST "Content-Length : 5\r\n\r\nhello",
		POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		GET "X: 1\r\n folded\r\n\r\n", /* obs-fold: CVE-2024-27982 */
		GET "X: 1\r\n\tfolded\r\n\r\n",
		GET "X: 1\r\n \r\n\r\n",
		GET "X:\r\n 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n",
		POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
		POST "Content-Length: 1\r\n 0\r\n\r\n0123456789",
		"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n1\r\nAB\r\n0\r\n\r\n", /* no CRLF behind */
		POST "Transfer-Encoding: chunked\r\n\r\n1\r\nA0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n1\nA\r\n0\r\n\r\n", /* LF in chunk lines */
		POST "Transfer-Encoding: chunked\r\n\r\n1\r\nA\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n1;x\nA\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n1\r\r\nA\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n1 \r\nA\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n 1\r\nA\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n0x1\r\nA\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n-1\r\nA\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n\r\nA\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: 1\r\n fold\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n0\r\n X: 1\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: 1\nY: 2\r\n\r\n",
		POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
		POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
		POST "Content-Length: 5, 5\r\n\r\nhello",
		POST "Content-Length: +5\r\n\r\nhello",
		POST "Content-Length: -5\r\n\r\nhello",
		POST "Content-Length: 0x5\r\n\r\nhello",
		POST "Content-Length: 5 5\r\n\r\nhello",
		POST "Content-Length:\r\n\r\nhello",
		POST "Content-Length: 99999999999999999999\r\n\r\nhello",
		POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n", /* no Host */
		"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a:\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: [a]\r\n\r\n",
		"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", /* two spaces */
		"GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
		"OPTIONS / RTSP/1.0\r\nHost: a\r\n\r\n",
		"SOURCE / ICE/1.0\r\nHost: a\r\n\r\n",
		"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
		GET "X\r\n\r\n",
		GET ": x\r\n\r\n",
		"\x16\x03\x01\x02\x01\x01 HTTP/1.1\r\n\r\n", /* a TLS hello */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		check_refused(bad[i], 400, "bad_request");
	check_refused(POST "Transfer-Encoding: gzip\r\n\r\n", 501, "not_implemented");
	check_refused(POST "Transfer-Encoding: identity\r\n\r\n", 501, "not_implemented");
	check_refused(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501,
		      "not_implemented");
	check_refused(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, "not_implemented");
}

static void test_nul(void **state)
{
	static const char in_value[] = GET "X: a\0b\r\n\r\n";
	static const char in_name[] = GET "X\0: a\r\n\r\n";
	static const char in_target[] = "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n";

	(void)state;
	check_i64(run(in_value, sizeof(in_value) - 1).status, 400);
	check_i64(run(in_name, sizeof(in_name) - 1).status, 400);
	check_i64(run(in_target, sizeof(in_target) - 1).status, 400);
}

static void test_methods_and_versions(void **state)
{
	(void)state;
	check_refused("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", 501, "not_implemented");
	check_refused("get / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "not_implemented");
	check_refused("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501, "not_implemented");
	check_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 501, "not_implemented");
	check_refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "http_version");
	check_refused("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "http_version");
	check_refused("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505, "http_version");
	check_refused("GET /\r\n\r\n", 505, "http_version");
	check_refused(POST "Expect: tea\r\n\r\n", 417, "expectation_failed");
	check_taken(GET "Expect: 100-Continue\r\n\r\n", 1);
	check_taken("GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 1);
	check_taken("OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 1);
}

static void test_paths(void **state)
{
	(void)state;
	check_str(run_text("GET /a+b%2Bc%2f?q=%zz HTTP/1.0\r\n\r\n").path, "");
	check_str(run_text("GET /a+b%2Bc%2f%e2%82%b9 HTTP/1.0\r\n\r\n").path,
		  "/a+b+c/\xe2\x82\xb9");
	check_str(run_text("GET http://a?x HTTP/1.0\r\n\r\n").path, "/");
	check_str(run_text("GET HTTP://a:80/b?c HTTP/1.0\r\n\r\n").path, "/b");
	check_refused("GET /%00 HTTP/1.0\r\n\r\n", 400, "bad_request");
	check_refused("GET /% HTTP/1.0\r\n\r\n", 400, "bad_request");
	check_refused("GET /%4 HTTP/1.0\r\n\r\n", 400, "bad_request");
	check_refused("GET /%4g HTTP/1.0\r\n\r\n", 400, "bad_request");
	check_refused("GET /%ff HTTP/1.0\r\n\r\n", 400, "bad_request");
	check_refused("GET /%c0%af HTTP/1.0\r\n\r\n", 400, "bad_request"); /* overlong "/" */
	check_refused("GET /?a=%ff HTTP/1.0\r\n\r\n", 400, "bad_request");
}

static void test_query(void **state)
{
	char out[8];

	(void)state;
	check(query_get("a=1&b=x%20y+z&c&d=", "b", out, sizeof(out)));
	check_str(out, "x y z");
	check(query_get("a=1&b=2", "a", out, sizeof(out)));
	check_str(out, "1");
	check(query_get("a=1&c&d=", "c", out, sizeof(out)));
	check_str(out, "");
	check(query_get("a=1&c&d=", "d", out, sizeof(out)));
	check_str(out, "");
	check(query_get("%61=1&a=2", "a", out, sizeof(out)));
	check_str(out, "1");
	check(query_get("a=0123456789", "a", out, sizeof(out)));
	check_str(out, "0123456");
	check(!query_get("aa=1&=2", "a", out, sizeof(out)));
	check(!query_get("", "a", out, sizeof(out)));
}

/* `head`, then `n` times `unit`, then `tail`, fed whole and bytewise. */
static struct outcome run_long(const char *head, const char *unit, size_t n, const char *tail)
{
	struct buf text = {0};
	struct outcome o;

	buf_str(&text, head);
	while (n--)
		buf_str(&text, unit);
	buf_str(&text, tail);
	o = run(text.data, text.len);
	buf_fini(&text);
	return o;
}

static void test_limits(void **state)
{
	const size_t rest = strlen("GET / HTTP/1.0\r\nX: \r\n\r\n");

	(void)state;
	check_i64(run_long("GET /", "a", 8191, " HTTP/1.0\r\n\r\n").requests, 1);
	check_i64(run_long("GET /", "a", 8192, " HTTP/1.0\r\n\r\n").status, 414);
	check_i64(run_long("GET /", "a", 70000, " HTTP/1.0\r\n\r\n").status, 414);
	check_i64(run_long("GET / HTTP/1.0\r\nX: ", "a", 16384 - rest, "\r\n\r\n").requests, 1);
	check_i64(run_long("GET / HTTP/1.0\r\nX: ", "a", 16385 - rest, "\r\n\r\n").status, 431);
	check_i64(run_long("GET / HTTP/1.0\r\nX: ", "a", 70000, "").status, 431);
	check_i64(run_long("", "\r\n", 8300, "GET / HTTP/1.0\r\n\r\n").status, 431);
	check_i64(run_long("GET / HTTP/1.0\r\n", "X: 1\r\n", 100, "\r\n").requests, 1);
	check_i64(run_long("GET / HTTP/1.0\r\n", "X: 1\r\n", 101, "\r\n").status, 431);
	check_i64(run_long(POST "Content-Length: 65536\r\n\r\n", "a", 65536, "").requests, 1);
	check_i64(run_text(POST "Content-Length: 65537\r\n\r\n").status, 413);
}

static void test_chunk_limits(void **state)
{
	static const char head[] = POST "Transfer-Encoding: chunked\r\n\r\n";

	(void)state;
	check_refused(POST "Transfer-Encoding: chunked\r\n\r\n10001\r\n", 413, "payload_too_large");
	check_refused(POST "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n", 413,
		      "payload_too_large");
	check_refused(POST "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 413,
		      "payload_too_large");
	check_i64(run_text(POST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n").status,
		  400);
	check_i64(run_long(head, "1\r\nA\r\n", 65536, "0\r\n\r\n").requests, 1);
	check_i64(run_long(head, "1\r\nA\r\n", 65537, "0\r\n\r\n").status, 413);
	/* Framing without content: extensions, leading zeros, trailers. */
	check_i64(run_long(POST "Transfer-Encoding: chunked\r\n\r\n1;", "a", 20000, "").status,
		  413);
	check_i64(run_long(head, "0", 20000, "").status, 413);
	check_i64(
		run_long(POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", "a", 20000, "").status,
		431);
	check_i64(run_long(POST "Transfer-Encoding: chunked\r\n\r\n0\r\n", "X: a\r\n", 101, "")
			  .status,
		  431);
}

/* The guard alone, on a head of these lines ("name\0value\0..."); the refusal's code or "". */
static const char *guarded(const char *lines, size_t len, bool loopback_only)
{
	const struct guard_rules strict = {.loopback_only = loopback_only, .body_max = 9};
	struct message m = {.method = "GET", .major = 1, .minor = 1, .content_length = -1};
	struct target t = {0};
	struct http_fault fault = {0};
	bool ok;

	buf_str(&m.target, "/");
	buf_cstr(&m.target);
	buf_append(&m.headers, lines, len);
	ok = guard_check(&m, &strict, &t, &fault);
	message_fini(&m);
	target_fini(&t);
	return ok ? "" : fault.code;
}

/* llhttp refuses these too; the guard must not rely on it. */
static void test_guard_lengths(void **state)
{
	static const char one[] = "host\0a\0content-length\0001";
	static const char twice[] = "host\0a\0content-length\0001\0content-length\0001";
	static const char both[] = "host\0a\0content-length\0001\0transfer-encoding\0chunked";
	static const char chunked[] = "host\0a\0transfer-encoding\0Chunked";
	static const char again[] =
		"host\0a\0transfer-encoding\0chunked\0transfer-encoding\0chunked";

	(void)state;
	check_str(guarded(one, sizeof(one), false), "");
	check_str(guarded(twice, sizeof(twice), false), "bad_request");
	check_str(guarded(both, sizeof(both), false), "bad_request");
	check_str(guarded(chunked, sizeof(chunked), false), "");
	check_str(guarded(again, sizeof(again), false), "bad_request");
}

static void test_guard_authorization(void **state)
{
	static const char once[] = "host\0a\0authorization\0Bearer x";
	static const char twice[] = "host\0a\0authorization\0Bearer x\0authorization\0Bearer x";

	(void)state;
	check_str(guarded(once, sizeof(once), false), "");
	check_str(guarded(twice, sizeof(twice), false), "bad_request");
}

static bool is_loopback_host(const char *host)
{
	char lines[128] = "host";
	const char *code;

	strcpy(lines + 5, host);
	code = guarded(lines, 5 + strlen(host) + 1, true);
	if (*code)
		check_str(code, "host_not_allowed");
	return !*code;
}

static void test_loopback_host(void **state)
{
	static const char *const good[] = {"127.0.0.1", "127.0.0.1:8000", "127.9.9.9:1",
					   "localhost", "LocalHost:8000", "[::1]",
					   "[::1]:8000"};
	static const char *const bad[] = {
		"example.com", "127.0.0.1.example.com", "localhost.evil",     "1.2.3.4",
		"[::2]",       "[2001:db8::1]:80",      "127.example.com:80", "xlocalhost"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (!is_loopback_host(good[i]))
			fail_msg("refused: %s", good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (is_loopback_host(bad[i]))
			fail_msg("accepted: %s", bad[i]);
	}
}

/* ---- responses ---------------------------------------------------------------------------- */

/* Feeds a response in two reads and the end; the body, or NULL when it is refused. */
static char *response_body(const char *text, size_t cut, int *status)
{
	const struct parser_limits small = {.head_max = 1000, .headers_max = 9, .body_max = 20};
	struct parser *p = parser_create(PARSER_RESPONSE, &small);
	struct message m = {0};
	enum parser_event event = PARSER_MORE;
	size_t len = strlen(text), at = 0;
	char *body = NULL;

	parser_begin(p, &m);
	while (event == PARSER_MORE || event == PARSER_HEAD) {
		size_t end = at < cut ? cut : len, used;

		if (at == len && event == PARSER_MORE) {
			event = parser_finish(p);
			break;
		}
		event = parser_feed(p, text + at, end - at, &used);
		at += used;
	}
	*status = m.status;
	if (event == PARSER_DONE)
		body = strdup(m.body.data);
	message_fini(&m);
	parser_destroy(p);
	return body;
}

static void check_response(const char *text, const char *want)
{
	for (size_t cut = 1; cut < strlen(text); cut++) {
		int status;
		char *body = response_body(text, cut, &status);

		if ((body == NULL) != (want == NULL) || (body && strcmp(body, want) != 0))
			fail_msg("body %s, wanted %s: %s", body ? body : "refused",
				 want ? want : "refused", text);
		if (body)
			check_i64(status, 200);
		free(body);
	}
}

static void test_responses(void **state)
{
	(void)state;
	check_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello");
	check_response("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "");
	check_response("HTTP/1.0 200 OK\r\n\r\nto the end", "to the end");
	check_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		       "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
		       "hello");
	check_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", NULL);
	check_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n", NULL);
	check_response("HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n0123456789012345678901", NULL);
	check_response("HTTP/1.1 200 OK\r\nX: 1\r\n fold\r\nContent-Length: 0\r\n\r\n", NULL);
	check_response("HTTP/1.1 200 OK\r\nX: 1\nY: 2\r\nContent-Length: 0\r\n\r\n", NULL);
	check_response("RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", NULL);
	check_response("HTTP/1.1 200 OK\r\nContent-Le", NULL);
}

/* ---- the conformance file ----------------------------------------------------------------- */

static const char b64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void b64_decode(struct buf *out, const char *text)
{
	uint32_t bits = 0;
	int n = 0;

	for (; *text && *text != '='; text++) {
		const char *digit = strchr(b64_digits, *text);

		assert_non_null(digit);
		bits = bits << 6 | (uint32_t)(digit - b64_digits);
		n += 6;
		if (n >= 8) {
			n -= 8;
			buf_byte(out, (char)(bits >> n & 0xff));
		}
	}
}

static const char *member(const cJSON *row, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, name));

	return text ? text : "";
}

/* How many messages the reference parser completed. */
static int completed(const cJSON *row)
{
	const cJSON *line;
	int n = 0;

	cJSON_ArrayForEach (line, cJSON_GetObjectItemCaseSensitive(row, "log")) {
		n += strstr(line->valuestring, "message complete") != NULL;
	}
	return n;
}

static void insert(struct buf *text, size_t at, const char *what, size_t len)
{
	buf_reserve(text, len + 1);
	memmove(text->data + at + len, text->data + at, text->len - at);
	memcpy(text->data + at, what, len);
	text->len += len;
}

/* Whether the head that goes on at `at` names a Host. */
static bool has_host(const struct buf *text, size_t at)
{
	const char *from = text->data + at - 2;
	size_t len = text->len - at + 2;
	const char *end = memmem(from, len, "\r\n\r\n", 4);
	char *head = mem_strndup(from, end ? (size_t)(end - from) : len);
	bool has = strcasestr(head, "\r\nhost:") != NULL;

	free(head);
	return has;
}

/* Most rows name no Host, which would hide everything else behind one refusal: they get one. And
 * the file cut the last empty line off many rows: they get it back. */
static void complete(struct buf *text)
{
	static const char line[] = " HTTP/1.1\r\n", host[] = "Host: added\r\n";
	size_t at = 0;
	const char *end;

	if (text->len >= 4 && memcmp(text->data + text->len - 2, "\r\n", 2) == 0 &&
	    memcmp(text->data + text->len - 4, "\r\n", 2) != 0)
		buf_append(text, "\r\n", 2);
	while ((end = memmem(text->data + at, text->len - at, line, strlen(line)))) {
		at = (size_t)(end - text->data) + strlen(line);
		if (!has_host(text, at))
			insert(text, at, host, strlen(host));
	}
	buf_cstr(text);
}

/* Rows that the reference takes and we refuse, with the rule that refuses. */
static const struct {
	const char *name; /* the end of the row's name */
	int status;
	bool by_old; /* llhttp 8.1 refuses it, 9.x takes it */
} stricter[] = {
	{"CONNECT request", 501, false}, /* this is no proxy */
	{"CONNECT request with CAPS", 501, false},
	{"CONNECT with body", 501, false},
	{"Underscore in hostname", 501, false},
	{"PRI request HTTP2", 400, false}, /* HTTP/1 only */
	{"QUERY request", 501, true},
	{"Tabs in `Content-Length` (surrounding)", 400, true},
	{"Chunk extensions", 400, true},
	{"Chunk extensions quoting", 400, true},
	{"M-SEARCH request", 400, false},        /* "*" is for OPTIONS */
	{"SOURCE request with ICE", 400, false}, /* not HTTP */
	{"OPTIONS request with RTSP", 400, false},
	{"ANNOUNCE request with RTSP", 400, false},
	{"curl GET", 400, false}, /* Host "0.0.0.0=5000" */
	{"Firefox GET", 400, false},
	{"No HTTP version", 505, false},
	{"as last transfer-encoding", 501, false}, /* "deflate, chunked" */
	{"as last transfer-encoding (multiple headers)", 400, false},
	{"Fragment in URI", 400, false},
	{"`host:port` and basic auth", 400, false},
	/* Its option of the reference's bench, to skip a body, is not one of ours. */
	{"Content-Length reset when no body is received", -1, true},
};

static bool ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a >= b && strcmp(text + a - b, end) == 0;
}

/* Whether a row that the reference takes ended as it should. */
static bool is_taken_or_listed(const char *name, const struct outcome *o, int completed_n,
			       bool is_pause)
{
	bool taken = o->requests == completed_n && (o->status <= 0 || is_pause);

	for (size_t i = 0; i < ARRAY_LEN(stricter); i++) {
		if (ends_with(name, stricter[i].name))
			return o->status == stricter[i].status || (stricter[i].by_old && taken);
	}
	return taken;
}

/* Prints what is wrong with a row, if anything. */
static int conformance_row(const cJSON *row)
{
	const char *name = member(row, "name"), *expect = member(row, "expect");
	int completed_n = completed(row);
	struct buf text = {0};
	struct outcome o;
	bool ok;

	b64_decode(&text, member(row, "b64"));
	complete(&text);
	o = run(text.data, text.len);
	buf_fini(&text);
	/* What was complete before the error is a request of its own; behind a last request
	 * ("Connection: close") we do not look. */
	if (strcmp(expect, "error") == 0)
		ok = o.requests <= completed_n && (o.status > 0 || o.requests == completed_n);
	else
		ok = is_taken_or_listed(name, &o, completed_n, strcmp(expect, "pause") == 0);
	if (!ok)
		print_error("%s (%s): %d of %d requests, status %d %s\n", name, expect, o.requests,
			    completed_n, o.status, o.code);
	return !ok;
}

static void test_conformance(void **state)
{
	static const char file[] = "conformance/llhttp_requests.jsonl.gz";
	size_t len = 0;
	char *text = data_read(file, &len), *save = NULL;
	int rows = 0, wrong = 0;

	(void)state;
	if (!text)
		data_skip(file);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		cJSON *row = cJSON_Parse(line);

		assert_non_null(row);
		if (strcmp(member(row, "type"), "request") == 0) {
			wrong += conformance_row(row);
			rows++;
		}
		cJSON_Delete(row);
	}
	free(text);
	check(rows > 100);
	check_i64(wrong, 0);
}

/* The room for a body that says how long it is: made once, unless it is more than is taken. */
static void expect_room(const char *head, size_t body_n, bool is_made)
{
	const struct parser_limits wide = {.head_max = 1000, .headers_max = 9, .body_max = 200000};
	struct parser *p = parser_create(PARSER_RESPONSE, &wide);
	struct message m = {0};
	size_t used;
	char piece[1000], *room;

	memset(piece, 'x', sizeof(piece));
	parser_begin(p, &m);
	check_i64(parser_feed(p, head, strlen(head), &used), PARSER_HEAD);
	parser_expect(p);
	check((m.body.cap > body_n) == is_made);
	room = m.body.data;
	for (size_t n = 0; is_made && n < body_n; n += sizeof(piece))
		check_i64(parser_feed(p, piece, sizeof(piece), &used),
			  n + sizeof(piece) < body_n ? PARSER_MORE : PARSER_DONE);
	check(m.body.data == room && (!is_made || m.body.len == body_n));
	message_fini(&m);
	parser_destroy(p);
}

static void test_expected_room(void **state)
{
	(void)state;
	expect_room("HTTP/1.1 200 OK\r\nContent-Length: 150000\r\n\r\n", 150000, true);
	expect_room("HTTP/1.1 200 OK\r\nContent-Length: 200001\r\n\r\n", 200001, false);
	expect_room("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 1000, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_requests),
		cmocka_unit_test(test_pipelines),
		cmocka_unit_test(test_smuggling),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_methods_and_versions),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_chunk_limits),
		cmocka_unit_test(test_guard_lengths),
		cmocka_unit_test(test_guard_authorization),
		cmocka_unit_test(test_loopback_host),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_expected_room),
		cmocka_unit_test(test_conformance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
