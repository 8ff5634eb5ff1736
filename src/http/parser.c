/* SPDX-License-Identifier: MIT
 *
 * parser: see parser.h. The only file that knows llhttp (8.1.0 in strict mode, or 9.x).
 *
 * Three callbacks pause llhttp: head complete, the header of the last chunk (the trailer's start)
 * and message complete. llhttp then stands right behind the bytes of that part, which is how we
 * know where head and trailer begin and end in the input. After a message llhttp is initialised
 * anew instead of resumed: an Upgrade or a CONNECT would leave it waiting for another protocol.
 */
#include "http/parser.h"

#include <ctype.h>
#include <stdlib.h>

#include <llhttp.h>

#include "core/secret.h"

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_TRAILER, PHASE_DONE };

struct parser {
	llhttp_t ll;
	enum parser_kind kind;
	struct parser_limits limits;
	struct message *m;       /* lent by the caller */
	enum phase phase;        /* what the next byte belongs to */
	bool is_paused;          /* llhttp waits for llhttp_resume() */
	bool is_value;           /* a header's name is complete, its value goes on */
	struct buf raw;          /* the head, then the trailer, as they came */
	uint64_t overhead;       /* bytes of the body's framing */
	struct http_fault fault; /* status 0 until it failed */
};

/* Chunk lines may cost this many bytes for each byte that they carry ("1\r\nx\r\n" costs 5), and as
 * much as a head besides; chunk extensions are not for hiding megabytes. */
#define OVERHEAD_PER_BYTE 8

static int refuse(struct parser *p, int status, const char *code, const char *text)
{
	if (!p->fault.status)
		p->fault = (struct http_fault){status, code, text};
	return HPE_USER;
}

/* ---- llhttp's callbacks ------------------------------------------------------------------- */

static int on_url(llhttp_t *ll, const char *at, size_t len)
{
	struct parser *p = ll->data;

	if (len > p->limits.target_max - p->m->target.len)
		return refuse(p, 414, "uri_too_long", "the request target is too long");
	secret_append(&p->m->target, at, len);
	return 0;
}

static void value_end(struct parser *p)
{
	struct buf *h = &p->m->headers;

	if (!p->is_value)
		return;
	while (h->len && (h->data[h->len - 1] == ' ' || h->data[h->len - 1] == '\t'))
		h->len--;
	secret_byte(h, '\0');
	p->is_value = false;
}

static int on_header_field(llhttp_t *ll, const char *at, size_t len)
{
	struct parser *p = ll->data;

	if (p->phase != PHASE_HEAD)
		return 0;
	value_end(p);
	for (size_t i = 0; i < len; i++)
		secret_byte(&p->m->headers, (char)tolower((unsigned char)at[i]));
	return 0;
}

static int on_header_field_complete(llhttp_t *ll)
{
	struct parser *p = ll->data;

	if (++p->m->headers_n > p->limits.headers_max)
		return refuse(p, 431, "headers_too_large", "too many header lines");
	if (p->phase == PHASE_HEAD) {
		secret_byte(&p->m->headers, '\0');
		p->is_value = true;
	}
	return 0;
}

static int on_header_value(llhttp_t *ll, const char *at, size_t len)
{
	struct parser *p = ll->data;

	if (p->phase == PHASE_HEAD)
		secret_append(&p->m->headers, at, len);
	return 0;
}

static int on_headers_complete(llhttp_t *ll)
{
	struct parser *p = ll->data;
	struct message *m = p->m;

	value_end(p);
	buf_cstr(&m->target);
	m->major = ll->http_major;
	m->minor = ll->http_minor;
	m->keep_alive = llhttp_should_keep_alive(ll) != 0;
	m->is_upgrade = ll->upgrade != 0;
	if (p->kind == PARSER_RESPONSE)
		m->status = ll->status_code;
	else
		strncpy(m->method, llhttp_method_name((llhttp_method_t)ll->method),
			sizeof(m->method) - 1);
	if (ll->flags & F_CONTENT_LENGTH)
		m->content_length =
			ll->content_length > INT64_MAX ? INT64_MAX : (int64_t)ll->content_length;
	p->phase = PHASE_BODY;
	return HPE_PAUSED;
}

static int on_body(llhttp_t *ll, const char *at, size_t len)
{
	struct parser *p = ll->data;

	if (len > p->limits.body_max - p->m->body.len)
		return refuse(p, 413, "payload_too_large", "the body is too large");
	secret_append(&p->m->body, at, len);
	return 0;
}

void parser_expect(struct parser *p)
{
	struct message *m = p->m;

	if (m->content_length > 0 && (uint64_t)m->content_length <= p->limits.body_max)
		buf_reserve(&m->body, (size_t)m->content_length + 1);
}

static int on_chunk_header(llhttp_t *ll)
{
	struct parser *p = ll->data;

	if (ll->content_length > p->limits.body_max - p->m->body.len)
		return refuse(p, 413, "payload_too_large", "a chunk is too large");
	if (ll->content_length > 0)
		return 0;
	p->phase = PHASE_TRAILER;
	return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *ll)
{
	struct parser *p = ll->data;

	p->phase = PHASE_DONE;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_field_complete = on_header_field_complete,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_chunk_header = on_chunk_header,
	.on_message_complete = on_message_complete,
};

/* ---- the raw bytes ------------------------------------------------------------------------ */

/* Whether every CR has its LF and every LF its CR, no line begins with white space or without a
 * name, no byte is NUL and the end is a line's end. `prev` is the byte before `text`. */
static bool lines_are_clean(const char *text, size_t len, char prev)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '\0' || (c == '\n') != (prev == '\r'))
			return false;
		if ((c == ' ' || c == '\t' || c == ':') && prev == '\n')
			return false;
		prev = c;
	}
	return prev == '\n';
}

/* llhttp takes RTSP/1.0 and ICE/1.0 too, any number of spaces, and no version at all. */
static int request_line_check(struct parser *p)
{
	const char *line = p->raw.data, *end;
	size_t spaces = 0;

	while (*line == '\r' || *line == '\n')
		line++;
	end = memchr(line, '\r', (size_t)(p->raw.data + p->raw.len - line));
	AGNI_ASSERT(end); /* the lines are clean and the head is complete */
	for (const char *s = line; s < end; s++)
		spaces += *s == ' ';
	if (spaces == 1)
		return refuse(p, 505, "http_version", "HTTP/1.0 or HTTP/1.1, please");
	if (spaces != 2 || end - line < 9 || memcmp(end - 9, " HTTP/", 6) != 0)
		return refuse(p, 400, "bad_request", "malformed request line");
	return 0;
}

static int head_check(struct parser *p)
{
	if (!lines_are_clean(p->raw.data, p->raw.len, '\0'))
		return refuse(p, 400, "bad_request", "malformed line end or folded header");
	if (p->kind == PARSER_REQUEST)
		return request_line_check(p);
	if (p->raw.len < 7 || memcmp(p->raw.data, "HTTP/1.", 7) != 0)
		return refuse(p, 400, "bad_request", "malformed status line");
	return 0;
}

/* An unknown method is not a malformed one: "BREW /pot HTTP/1.1" against a TLS hello. Only the
 * bytes up to the one that llhttp stopped at are looked at, so that the answer does not depend on
 * how the bytes were cut into reads. */
static bool is_method_like(const struct buf *raw)
{
	size_t i = 0, from;

	while (i < raw->len && (raw->data[i] == '\r' || raw->data[i] == '\n'))
		i++;
	from = i;
	while (i < raw->len &&
	       (isalnum((unsigned char)raw->data[i]) || raw->data[i] == '-' || raw->data[i] == '_'))
		i++;
	return i > from && (i == raw->len || raw->data[i] == ' ');
}

static void refuse_llhttp(struct parser *p, llhttp_errno_t rc)
{
	const char *reason = llhttp_get_error_reason(&p->ll);

	if (rc == HPE_INVALID_METHOD && is_method_like(&p->raw))
		refuse(p, 501, "not_implemented", "unknown method");
	else if (rc == HPE_PAUSED_UPGRADE || rc == HPE_PAUSED_H2_UPGRADE)
		refuse(p, 501, "not_implemented", "HTTP/1.1 only");
	else if (rc == HPE_INVALID_VERSION && strcmp(reason, "Invalid HTTP version") == 0)
		refuse(p, 505, "http_version", "HTTP/1.0 or HTTP/1.1, please");
	else
		refuse(p, 400, "bad_request", reason && *reason ? reason : "malformed HTTP");
}

/* ---- feeding ------------------------------------------------------------------------------ */

/* llhttp paused: what has been reached, and are the raw bytes up to here acceptable? */
static enum parser_event part_end(struct parser *p, enum phase from)
{
	int rc = 0;

	p->is_paused = true;
	if (from == PHASE_HEAD)
		rc = head_check(p);
	else if (from == PHASE_TRAILER && !lines_are_clean(p->raw.data, p->raw.len, '\n'))
		rc = refuse(p, 400, "bad_request", "malformed trailer");
	if (rc)
		return PARSER_FAILED;
	secret_reset(&p->raw);
	if (from == PHASE_HEAD)
		return PARSER_HEAD;
	if (p->phase != PHASE_DONE)
		return PARSER_MORE;
	buf_cstr(&p->m->body);
	return PARSER_DONE;
}

/* How many bytes llhttp took before it paused or failed. */
static size_t stopped_at(const struct parser *p, const char *bytes, size_t len)
{
	const char *pos = llhttp_get_error_pos(&p->ll);

	/* Our own refusals leave no position: nothing is asked then. */
	return pos >= bytes && pos <= bytes + len ? (size_t)(pos - bytes) : len;
}

/* One llhttp_execute(). */
static enum parser_event feed_some(struct parser *p, const char *bytes, size_t len, size_t *took)
{
	enum phase from = p->phase;
	bool is_raw = from != PHASE_BODY;
	size_t raw_before = p->raw.len, body_before = p->m->body.len;
	llhttp_errno_t rc;

	if (is_raw) {
		size_t room = p->limits.head_max + 1 - p->raw.len;

		len = len < room ? len : room;
		secret_append(&p->raw, bytes, len);
	}
	if (p->is_paused)
		llhttp_resume(&p->ll);
	p->is_paused = false;
	rc = llhttp_execute(&p->ll, bytes, len);
	*took = rc == HPE_OK ? len : stopped_at(p, bytes, len);
	if (is_raw)
		p->raw.len = raw_before + *took + (rc != HPE_OK && rc != HPE_PAUSED && *took < len);
	else
		p->overhead += *took - (p->m->body.len - body_before);
	if (rc != HPE_OK && rc != HPE_PAUSED)
		refuse_llhttp(p, rc);
	if (is_raw && p->raw.len > p->limits.head_max)
		refuse(p, 431, "headers_too_large", "the head is too large");
	if (p->overhead > p->limits.head_max + OVERHEAD_PER_BYTE * p->m->body.len)
		refuse(p, 413, "payload_too_large", "too much chunk framing");
	if (p->fault.status)
		return PARSER_FAILED;
	return rc == HPE_PAUSED ? part_end(p, from) : PARSER_MORE;
}

enum parser_event parser_feed(struct parser *p, const char *bytes, size_t len, size_t *used)
{
	enum parser_event event = PARSER_MORE;

	AGNI_ASSERT(p->m && p->phase != PHASE_DONE);
	*used = 0;
	if (p->fault.status)
		return PARSER_FAILED;
	do {
		size_t took = 0;

		event = feed_some(p, len ? bytes + *used : "", len - *used, &took);
		*used += took;
	} while (event == PARSER_MORE && (*used < len || p->is_paused));
	return event;
}

enum parser_event parser_finish(struct parser *p)
{
	if (p->phase == PHASE_BODY && !p->fault.status) {
		llhttp_errno_t rc = llhttp_finish(&p->ll);

		if ((rc == HPE_OK || rc == HPE_PAUSED) && p->phase == PHASE_DONE) {
			buf_cstr(&p->m->body);
			return PARSER_DONE;
		}
	}
	refuse(p, 400, "bad_request", "closed in the middle of a message");
	return PARSER_FAILED;
}

void parser_begin(struct parser *p, struct message *m)
{
	message_reset(m);
	p->m = m;
	p->phase = PHASE_HEAD;
	p->is_paused = p->is_value = false;
	p->overhead = 0;
	p->fault = (struct http_fault){0};
	secret_reset(&p->raw);
	llhttp_init(&p->ll, p->kind == PARSER_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
	p->ll.data = p;
}

struct parser *parser_create(enum parser_kind kind, const struct parser_limits *limits)
{
	struct parser *p = mem_zalloc(sizeof(*p));

	p->kind = kind;
	p->limits = *limits;
	return p;
}

void parser_destroy(struct parser *p)
{
	if (!p)
		return;
	secret_wipe_buf(&p->raw);
	free(p);
}

const struct http_fault *parser_fault(const struct parser *p)
{
	return &p->fault;
}
