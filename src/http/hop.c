/* SPDX-License-Identifier: MIT
 *
 * hop: one exchange on one connection: TLS, send, receive. See hop_internal.h for the stages.
 *
 * Failures end in hop_fail(), the answer in hop_answer(); both call `done` once. What libuv still
 * holds then (socket, resolver request) is let go of in hop_close(), or the connection waits for
 * another exchange: hop_keep().
 */
#include <stdlib.h>

#include "core/secret.h"
#include "http/hop_internal.h"

const char *hop_stage(const struct hop *h)
{
	static const char *const names[] = {
		[STAGE_RESOLVE] = "resolving the name",     [STAGE_CONNECT] = "connecting",
		[STAGE_TLS] = "in the TLS handshake",       [STAGE_SEND] = "sending",
		[STAGE_RECEIVE] = "waiting for the answer", [STAGE_IDLE] = "idle",
	};

	return names[h->stage];
}

/* ---- the end ------------------------------------------------------------------------------ */

void hop_unhold(struct hop *h)
{
	struct http_client *client = h->client;

	if (--h->held > 0)
		return;
	AGNI_ASSERT(h->is_closed);
	if (h->addrs)
		uv_freeaddrinfo(h->addrs);
	tls_session_destroy(h->tls);
	parser_destroy(h->parser);
	message_fini(&h->msg);
	secret_wipe_buf(&h->request);
	secret_wipe_buf(&h->wire);
	explicit_bzero(h->bytes, sizeof(h->bytes));
	free(h);
	client_release(client);
}

static void on_closed(uv_handle_t *handle)
{
	hop_unhold(handle->data);
}

void hop_close(struct hop *h)
{
	if (!h || h->is_closed)
		return;
	h->is_closed = true;
	h->done = NULL;
	hop_forget(h);
	uv_close((uv_handle_t *)&h->starter, on_closed);
	uv_cancel((uv_req_t *)&h->resolve); /* its callback runs in any case, if it is under way */
	if (h->has_tcp) {
		h->has_tcp = false;
		uv_close((uv_handle_t *)&h->tcp, on_closed);
	}
}

void hop_expect(struct hop *h, size_t response_max)
{
	struct parser_limits limits = {.head_max = HOP_HEAD_BYTES,
				       .target_max = 0,
				       .headers_max = HOP_HEADERS,
				       .body_max = response_max};

	parser_destroy(h->parser);
	h->parser = parser_create(PARSER_RESPONSE, &limits);
	parser_begin(h->parser, &h->msg);
	h->has_heard = h->is_whole = false;
	h->err = (struct agni_err){0};
}

static void hop_done(struct hop *h, struct message *answer)
{
	hop_done_fn *done = h->done;

	h->done = NULL;
	if (h->has_tcp)
		uv_read_stop((uv_stream_t *)&h->tcp);
	if (done)
		done(h->arg, answer, &h->err);
}

void hop_fail(struct hop *h)
{
	agni_wrap(&h->err, "%.90s", h->url.host);
	hop_done(h, NULL);
}

/* ---- the answer --------------------------------------------------------------------------- */

int hop_set_fail(struct hop *h, int code, const char *text)
{
	return agni_fail(&h->err, code, "%s", text);
}

static int fault_code(const struct http_fault *fault)
{
	return fault->status == 413 || fault->status == 431 ? AGNI_ELIMIT : AGNI_EPARSE;
}

/* What the parser does not refuse in a response. */
static int head_check(struct hop *h)
{
	const struct message *m = &h->msg;
	const char *coding = message_header(m, "transfer-encoding");
	const char *content = message_header(m, "content-encoding");
	size_t lengths = message_header_count(m, "content-length");

	if ((coding && lengths) || lengths > 1 || message_header_count(m, "transfer-encoding") > 1)
		return hop_set_fail(h, AGNI_EPARSE, "the answer's length is ambiguous");
	if (coding && strcasecmp(coding, "chunked") != 0)
		return hop_set_fail(h, AGNI_EPROTO, "a transfer coding that is not chunked");
	if (content && *content && strcasecmp(content, "identity") != 0)
		return hop_set_fail(h, AGNI_EPROTO, "a compressed answer that was not asked for");
	if (m->status == 101)
		return hop_set_fail(h, AGNI_EPROTO, "101 that was not asked for");
	return 0;
}

static void hop_answer(struct hop *h)
{
	hop_done(h, &h->msg);
}

/* Plain bytes of the answer. Returns 0 while it is not complete, 1 when it is, or an error. */
static int receive(struct hop *h, const char *bytes, size_t len)
{
	size_t at = 0;

	h->has_heard = h->has_heard || len > 0;
	for (;;) {
		size_t used;
		enum parser_event event = parser_feed(h->parser, bytes + at, len - at, &used);
		int rc = 0;

		at += used;
		if (event == PARSER_MORE)
			return 0;
		if (event == PARSER_FAILED)
			return hop_set_fail(h, fault_code(parser_fault(h->parser)),
					    parser_fault(h->parser)->text);
		if (event == PARSER_HEAD) {
			rc = head_check(h);
			parser_expect(h->parser);
		} else if (h->msg.status >= 200) {
			h->is_whole = at == len;
			return 1;
		} else /* 100 Continue, 103 Early Hints: the answer comes behind it */
			parser_begin(h->parser, &h->msg);
		if (rc < 0)
			return rc;
	}
}

static void received(struct hop *h, int rc)
{
	if (rc < 0)
		hop_fail(h);
	else if (rc > 0)
		hop_answer(h);
}

/* The peer closed, in an orderly way when `is_clean`: a body may end so. */
static void peer_closed(struct hop *h, bool is_clean)
{
	if (is_clean && h->stage >= STAGE_SEND && parser_finish(h->parser) == PARSER_DONE) {
		hop_answer(h);
		return;
	}
	hop_set_fail(h, AGNI_ECLOSED, "the peer closed before its answer was complete");
	hop_fail(h);
}

/* ---- sending ------------------------------------------------------------------------------ */

static void on_written(uv_write_t *write, int status);

/* Hands bytes to libuv; one write at a time, the rest waits in TLS's output. */
static void send_wire(struct hop *h)
{
	uv_buf_t buf = uv_buf_init(h->wire.data, (unsigned)h->wire.len);
	int rc;

	h->is_writing = true;
	rc = uv_write(&h->write, (uv_stream_t *)&h->tcp, &buf, 1, on_written);
	if (rc < 0) {
		h->is_writing = false;
		agni_fail_uv(&h->err, rc, "write");
		hop_fail(h);
	}
}

static void flush_tls(struct hop *h)
{
	struct buf *out = tls_output(h->tls), old = h->wire;

	if (h->is_writing || out->len == 0)
		return;
	h->wire = *out;
	*out = old;
	buf_reset(out);
	send_wire(h);
}

static void on_written(uv_write_t *write, int status)
{
	struct hop *h = write->data;

	h->is_writing = false;
	if (!h->done)
		return;
	if (status < 0) {
		agni_fail_uv(&h->err, status, "write");
		hop_fail(h);
		return;
	}
	if (h->stage == STAGE_SEND)
		h->stage = STAGE_RECEIVE;
	if (h->tls)
		flush_tls(h);
	else
		secret_wipe_buf(&h->wire); /* the request, with its authorization */
}

void hop_send_request(struct hop *h)
{
	h->stage = STAGE_SEND;
	if (!h->tls) {
		h->wire = h->request;
		h->request = (struct buf){0};
		send_wire(h);
		return;
	}
	if (tls_write(h->tls, h->request.data, h->request.len, &h->err) < 0)
		hop_fail(h);
	else
		flush_tls(h);
	secret_wipe_buf(&h->request);
}

/* ---- receiving ---------------------------------------------------------------------------- */

/* Everything that can be decrypted now. Returns as receive(). */
static int receive_tls(struct hop *h)
{
	char plain[HOP_READ_BYTES];
	int rc = 0, n = 0;

	while (rc == 0 && (n = tls_read(h->tls, plain, sizeof(plain), &h->err)) > 0)
		rc = receive(h, plain, (size_t)n);
	explicit_bzero(plain, sizeof(plain));
	return rc != 0 ? rc : n;
}

/* Goes as far as the bytes that were fed allow. */
static void drive_tls(struct hop *h)
{
	int rc = 0;

	if (h->stage == STAGE_TLS) {
		rc = tls_handshake(h->tls, &h->err);
		if (rc > 0)
			hop_send_request(h);
		if (rc == 0 || !h->done) {
			if (h->done)
				flush_tls(h);
			return;
		}
	}
	if (rc >= 0)
		rc = receive_tls(h);
	if (rc == AGNI_ECLOSED)
		peer_closed(h, true);
	else
		received(h, rc);
	if (h->done)
		flush_tls(h);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct hop *h = handle->data;

	(void)suggested;
	*buf = uv_buf_init(h->bytes, sizeof(h->bytes));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct hop *h = stream->data;

	if (h->stage == STAGE_IDLE)
		hop_idle_read(h, n, buf->base);
	if (n == 0 || !h->done)
		return;
	if (n == UV_EOF) {
		/* Over TLS a bare end of the stream may be an attacker's doing. */
		peer_closed(h, h->tls == NULL);
	} else if (n < 0) {
		agni_fail_uv(&h->err, (int)n, "read");
		hop_fail(h);
	} else if (h->tls) {
		tls_feed(h->tls, buf->base, (size_t)n);
		drive_tls(h);
	} else {
		received(h, receive(h, buf->base, (size_t)n));
	}
}

void hop_connected(struct hop *h)
{
	int rc;

	uv_tcp_nodelay(&h->tcp, 1);
	rc = uv_read_start((uv_stream_t *)&h->tcp, on_alloc, on_read);
	if (rc < 0) {
		agni_fail_uv(&h->err, rc, "read");
		hop_fail(h);
	} else if (h->tls) {
		h->stage = STAGE_TLS;
		drive_tls(h);
	} else {
		hop_send_request(h);
	}
}

bool hop_listen_on(struct hop *h)
{
	return uv_read_start((uv_stream_t *)&h->tcp, on_alloc, on_read) == 0;
}
