/* SPDX-License-Identifier: MIT
 *
 * The HTTP server behind TLS, on real sockets: bytes that trickle, pipelines, garbage, deadlines,
 * clients that leave in the middle, and a new certificate under connections.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/check.h"
#include "../lib/parts.h"
#include "../lib/tls_files.h"
#include "core/rand.h"
#include "http/server.h"
#include "http/tls.h"

#define PEERS       20 /* of test_many_handshakes */
#define PATIENCE_NS (20 * NS_PER_S)
#define BIG_BYTES   (8 << 20)

struct world {
	struct clock clock;
	struct loop loop;
	struct http_server *server;
	char cert[128], key[128];
	int handled;
	struct http_request *held; /* by GET /later */
	bool is_stopped;
	char *big;
};

/* A client of which every byte can be held back. */
struct peer {
	struct world *w;
	int fd;
	struct tls_session *tls;
	struct buf plain; /* what it was answered */
	size_t send_max;  /* bytes at a time */
	bool is_open;     /* the handshake is done */
	bool has_ended;   /* the server closed, or TLS failed */
	bool is_orderly;  /* it said so before */
	struct agni_err err;
};

static struct tls_files files;
static struct tls_config *client_tls;

/* ---- world -------------------------------------------------------------------------------- */

static void on_hello(void *arg, struct http_request *r)
{
	struct world *w = arg;
	char text[32];

	snprintf(text, sizeof(text), "hello %d.", ++w->handled);
	http_respond(r, 200, "text/plain", NULL, text, strlen(text));
}

static void on_echo(void *arg, struct http_request *r)
{
	(void)arg;
	http_respond(r, 200, "text/plain", NULL, r->body, r->body_len);
}

static void on_big(void *arg, struct http_request *r)
{
	struct world *w = arg;

	http_respond(r, 200, "text/plain", NULL, w->big, BIG_BYTES);
}

static void on_later(void *arg, struct http_request *r)
{
	((struct world *)arg)->held = r;
}

static struct http_route routes[] = {
	{.method = "GET", .pattern = "/later", .handle = on_later},
	{.method = "GET", .pattern = "/hello", .handle = on_hello},
	{.method = "POST", .pattern = "/echo", .handle = on_echo},
	{.method = "GET", .pattern = "/big", .handle = on_big},
	{.method = NULL},
};

static const struct http_limits usual = {.header_timeout_ms = 30000,
					 .body_timeout_ms = 30000,
					 .idle_timeout_ms = 30000,
					 .head_max_bytes = 16384,
					 .target_max_bytes = 8192,
					 .headers_max = 100,
					 .body_max_bytes = 65536,
					 .connections_max = 100};

static void copy_file(const char *from, const char *to)
{
	char line[300];

	snprintf(line, sizeof(line), "cp %s/%s %s/%s", files.dir, from, files.dir, to);
	check_i64(system(line), 0);
}

static void world_up(struct world *w, const struct http_limits *limits)
{
	struct http_server_config cfg = {.host = "127.0.0.1", .limits = *limits, .routes = routes};
	struct agni_err err;

	*w = (struct world){0};
	copy_file("good.pem", "own.pem");
	copy_file("good.key", "own.key");
	snprintf(w->cert, sizeof(w->cert), "%s/own.pem", files.dir);
	snprintf(w->key, sizeof(w->key), "%s/own.key", files.dir);
	clock_init(&w->clock, CLOCK_SYSTEM);
	check_i64(loop_init(&w->loop, &w->clock), 0);
	for (struct http_route *r = routes; r->method; r++)
		r->arg = w;
	cfg.loop = &w->loop;
	cfg.tls_cert = w->cert;
	cfg.tls_key = w->key;
	if (http_server_create(&cfg, &w->server, &err) < 0 ||
	    http_server_listen(w->server, &err) < 0)
		fail_msg("%s", err.text);
}

static void on_stopped(void *arg)
{
	((struct world *)arg)->is_stopped = true;
}

static void world_down(struct world *w)
{
	uint64_t end = uv_hrtime() + PATIENCE_NS;

	http_server_stop(w->server, 0, on_stopped, w);
	while (!w->is_stopped && uv_hrtime() < end)
		uv_run(&w->loop.uv, UV_RUN_NOWAIT);
	check(w->is_stopped);
	check_i64(loop_fini(&w->loop), 0);
	free(w->big);
}

/* ---- peers -------------------------------------------------------------------------------- */

static void peer_up(struct world *w, struct peer *p)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				   .sin_port = htons((uint16_t)http_server_port(w->server))};

	*p = (struct peer){.w = w, .send_max = SIZE_MAX};
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check_i64(connect(p->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	fcntl(p->fd, F_SETFL, O_NONBLOCK);
	p->tls = tls_session_create(client_tls, "localhost", &p->err);
	assert_non_null(p->tls);
}

static void peer_down(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	tls_session_destroy(p->tls);
	buf_fini(&p->plain);
}

static void peer_receive(struct peer *p)
{
	char bytes[65536];
	ssize_t n = recv(p->fd, bytes, sizeof(bytes), 0);

	if (n > 0)
		tls_feed(p->tls, bytes, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		p->has_ended = true;
}

static void peer_send_out(struct peer *p)
{
	struct buf *out = tls_output(p->tls);
	size_t n = out->len < p->send_max ? out->len : p->send_max;
	ssize_t sent = n ? send(p->fd, out->data, n, MSG_NOSIGNAL) : 0;

	if (sent > 0)
		buf_consume(out, (size_t)sent);
}

static void peer_read(struct peer *p)
{
	char bytes[16384];
	int n;

	while ((n = tls_read(p->tls, bytes, sizeof(bytes), &p->err)) > 0)
		buf_append(&p->plain, bytes, (size_t)n);
	p->is_orderly = p->is_orderly || n == AGNI_ECLOSED;
	p->has_ended = p->has_ended || n < 0;
}

static void peer_step(struct peer *p)
{
	int rc = 0;

	uv_run(&p->w->loop.uv, UV_RUN_NOWAIT);
	peer_receive(p);
	if (!p->is_open)
		rc = tls_handshake(p->tls, &p->err);
	p->is_open = p->is_open || rc == 1;
	p->has_ended = p->has_ended || rc < 0;
	if (p->is_open)
		peer_read(p);
	peer_send_out(p);
}

static bool is_open(struct peer *p)
{
	return p->is_open;
}

static bool has_ended(struct peer *p)
{
	return p->has_ended;
}

static bool until(struct peer *p, bool (*cond)(struct peer *p))
{
	uint64_t end = uv_hrtime() + PATIENCE_NS;

	while (!cond(p) && !p->has_ended && uv_hrtime() < end)
		peer_step(p);
	return cond(p);
}

static void peer_open(struct world *w, struct peer *p)
{
	peer_up(w, p);
	if (!until(p, is_open))
		fail_msg("no handshake: %s", p->err.text);
}

static void peer_write(struct peer *p, const char *text)
{
	check_i64(tls_write(p->tls, text, strlen(text), &p->err), 0);
}

/* Waits until what was answered holds `text`. */
static void peer_wait(struct peer *p, const char *text)
{
	uint64_t end = uv_hrtime() + PATIENCE_NS;

	while (!strstr(buf_cstr(&p->plain), text) && !p->has_ended && uv_hrtime() < end)
		peer_step(p);
	if (!strstr(buf_cstr(&p->plain), text))
		fail_msg("no \"%s\" in: %.500s", text, buf_cstr(&p->plain));
}

#define HOST  "Host: localhost\r\n\r\n"
#define HELLO "GET /hello HTTP/1.1\r\n" HOST

static uint64_t failed(const struct world *w)
{
	return http_server_stats(w->server)->tls_failed_total;
}

/* ---- tests -------------------------------------------------------------------------------- */

static void test_requests(void **state)
{
	struct world w;
	struct peer p;

	(void)state;
	world_up(&w, &usual);
	peer_open(&w, &p);
	peer_write(&p, HELLO);
	peer_wait(&p, "hello 1.");
	peer_write(&p, "POST /echo HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n" HOST);
	peer_wait(&p, "100 Continue\r\n\r\n");
	peer_write(&p, "abcde");
	peer_wait(&p, "\r\n\r\nabcde");
	check(strstr(buf_cstr(&p.plain), "keep-alive") != NULL);
	peer_write(&p, "GET /hello HTTP/1.1\r\nConnection: close\r\n" HOST);
	peer_wait(&p, "hello 2.");
	check(until(&p, has_ended));
	check(p.is_orderly); /* its own word, not only the end of the stream */
	check_i64(http_server_stats(w.server)->tls_handshakes_total, 1);
	check_i64(failed(&w), 0);
	peer_down(&p);
	world_down(&w);
}

/* One byte at a time, in the handshake and after it. */
static void test_fragments(void **state)
{
	struct world w;
	struct peer p;

	(void)state;
	for (size_t max = 1; max <= 7; max += 3) {
		world_up(&w, &usual);
		peer_up(&w, &p);
		p.send_max = max;
		check(until(&p, is_open));
		peer_write(&p, HELLO);
		peer_wait(&p, "hello 1.");
		peer_down(&p);
		world_down(&w);
	}
}

/* Many requests in one record, and each in records of its own: answered in order, one a turn. */
static void test_pipelines(void **state)
{
	struct buf many = {0};
	struct world w;
	struct peer p;
	char last[32];

	(void)state;
	world_up(&w, &usual);
	peer_open(&w, &p);
	for (int i = 0; i < 200; i++)
		buf_str(&many, HELLO);
	peer_write(&p, buf_cstr(&many)); /* records of 16 KiB at most */
	for (int i = 0; i < 200; i++)
		peer_write(&p, HELLO);
	for (const char *at = HELLO; *at; at++)
		check_i64(tls_write(p.tls, at, 1, &p.err), 0); /* a record per byte */
	peer_wait(&p, "hello 401.");
	for (int i = 1, from = 0; i <= 401; i++) {
		snprintf(last, sizeof(last), "hello %d.", i);
		assert_non_null(strstr(p.plain.data + from, last));
		from = (int)(strstr(p.plain.data + from, last) - p.plain.data);
	}
	check_i64(w.handled, 401);
	buf_fini(&many);
	peer_down(&p);
	world_down(&w);
}

static bool is_held(struct peer *p)
{
	return p->w->held != NULL;
}

/* The next request has come with the one that is handled, in a record of its own: nothing on the
 * socket will tell of it. */
static void test_a_record_that_waits(void **state)
{
	struct world w;
	struct peer p;

	(void)state;
	world_up(&w, &usual);
	peer_open(&w, &p);
	peer_write(&p, "GET /later HTTP/1.1\r\n" HOST);
	peer_write(&p, HELLO);
	check(until(&p, is_held));
	for (int i = 0; i < 20; i++)
		peer_step(&p);
	check_i64(w.handled, 0);
	http_respond(w.held, 200, "text/plain", NULL, "later", 5);
	peer_wait(&p, "hello 1.");
	peer_down(&p);
	world_down(&w);
}

static bool has_big(struct peer *p)
{
	return p->plain.len > BIG_BYTES;
}

/* More than a socket holds, and what is asked behind it meanwhile. */
static void test_big_answers(void **state)
{
	struct world w;
	struct peer p;
	const char *body;

	(void)state;
	world_up(&w, &usual);
	w.big = malloc(BIG_BYTES);
	for (size_t i = 0; i < BIG_BYTES; i++)
		w.big[i] = (char)('a' + i * 2654435761u % 26);
	peer_open(&w, &p);
	peer_write(&p, "GET /big HTTP/1.1\r\n" HOST HELLO);
	check(until(&p, has_big));
	peer_wait(&p, "hello 1.");
	body = strstr(p.plain.data, "\r\n\r\n") + 4;
	check(memcmp(body, w.big, BIG_BYTES) == 0);
	peer_down(&p);
	world_down(&w);
}

/* Sends raw bytes and waits for the end; what came back, in `got`. */
static void raw(struct world *w, const char *bytes, size_t len, struct buf *got)
{
	uint64_t end = uv_hrtime() + PATIENCE_NS;
	struct peer p;
	char in[4096];
	ssize_t n;

	peer_up(w, &p);
	buf_reset(got);
	check_i64(send(p.fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
	shutdown(p.fd, SHUT_WR);
	do {
		uv_run(&w->loop.uv, UV_RUN_NOWAIT);
		n = recv(p.fd, in, sizeof(in), 0);
		buf_append(got, in, n > 0 ? (size_t)n : 0);
	} while ((n > 0 || (n < 0 && errno == EAGAIN)) && uv_hrtime() < end);
	check(n == 0 || errno == ECONNRESET);
	peer_down(&p);
}

static void test_garbage(void **state)
{
	static const char hello_of_tls10[] = "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x01"
					     "0123456789abcdef0123456789abcdef"
					     "\x00\x00\x04\xc0\x13\x00\x2f\x01\x00";
	struct rng rnd = {7};
	struct buf got = {0};
	struct world w;
	struct peer p;

	(void)state;
	world_up(&w, &usual);
	raw(&w, "\x80\x2e\x01\x03\x01", 5, &got); /* SSL 2 */
	raw(&w, "\x16\x03\x01\xff\xff\x01", 6, &got);
	raw(&w, "\x17\x03\x03\x00\x01x", 6, &got);
	raw(&w, hello_of_tls10, sizeof(hello_of_tls10) - 1, &got);
	check(got.len >= 7 && got.data[0] == 0x15); /* an alert says why */
	for (int i = 0; i < 100; i++) {
		char bytes[300];

		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (char)rng_next(&rnd);
		if (bytes[0] >= 'A' && bytes[0] <= 'Z')
			bytes[0] = 0;
		if (i % 2)
			memcpy(bytes, "\x16\x03\x03\x01\x20\x01\x00\x01\x1c\x03\x03", 11);
		raw(&w, bytes, sizeof(bytes), &got);
	}
	check_i64(failed(&w), 104);
	check_i64(w.handled, 0);
	peer_open(&w, &p); /* and others are served */
	peer_write(&p, HELLO);
	peer_wait(&p, "hello 1.");
	peer_down(&p);
	buf_fini(&got);
	world_down(&w);
}

static void test_plain_http(void **state)
{
	struct buf got = {0};
	struct world w;

	(void)state;
	world_up(&w, &usual);
	raw(&w, HELLO, sizeof(HELLO) - 1, &got);
	check(strncmp(buf_cstr(&got), "HTTP/1.1 400 ", 13) == 0);
	check(strstr(buf_cstr(&got), "tls_required") != NULL);
	raw(&w, "G", 1, &got);
	check(strstr(buf_cstr(&got), "tls_required") != NULL);
	check_i64(w.handled, 0);
	buf_fini(&got);
	world_down(&w);
}

/* Nothing, or a byte now and then: the deadline is total. */
static void test_slow_handshakes(void **state)
{
	struct http_limits limits = usual;
	struct world w;
	struct peer p;
	uint64_t begin;

	(void)state;
	limits.header_timeout_ms = 300;
	world_up(&w, &limits);
	peer_up(&w, &p);
	p.send_max = 0;
	check(until(&p, has_ended));
	peer_down(&p);
	peer_up(&w, &p);
	begin = uv_hrtime();
	while (!p.has_ended && uv_hrtime() < begin + PATIENCE_NS) {
		/* A byte each 20 ms of the loop: the handshake alone would take seconds. */
		p.send_max = (uv_hrtime() - begin) / (20 * NS_PER_MS) % 2;
		peer_step(&p);
		if (p.send_max)
			p.send_max = 0, uv_sleep(20);
	}
	check(p.has_ended && !p.is_open);
	peer_down(&p);
	world_down(&w);
}

/* A handshake does not buy time for the head: one deadline for both. A slow head is told so. */
static void test_slow_head(void **state)
{
	struct http_limits limits = usual;
	struct world w;
	struct peer p;
	uint64_t begin;

	(void)state;
	limits.header_timeout_ms = 5000;
	world_up(&w, &limits);
	peer_up(&w, &p);
	p.send_max = 0;
	begin = uv_hrtime();
	while (uv_hrtime() < begin + 3 * NS_PER_S)
		peer_step(&p);
	p.send_max = SIZE_MAX;
	check(until(&p, is_open));
	peer_write(&p, "GET /hello HT");
	peer_wait(&p, "HTTP/1.1 408 ");
	check(uv_hrtime() - begin < 7800 * NS_PER_MS);
	check(until(&p, has_ended));
	check(p.is_orderly);
	peer_down(&p);
	world_down(&w);
}

/* A client that is gone after any number of bytes leaves nothing behind. */
static void test_cut_anywhere(void **state)
{
	struct world w;
	uint64_t end;

	(void)state;
	world_up(&w, &usual);
	for (size_t cut = 1; cut < 700; cut += 9) {
		struct peer p;
		size_t left = cut;

		peer_up(&w, &p);
		for (int i = 0; i < 200 && left > 0 && !p.has_ended; i++) {
			size_t before;

			if (p.is_open && tls_output(p.tls)->len == 0)
				peer_write(&p, HELLO);
			p.send_max = left;
			before = tls_output(p.tls)->len;
			peer_step(&p);
			if (tls_output(p.tls)->len < before)
				left -= before - tls_output(p.tls)->len;
		}
		peer_down(&p);
	}
	/* The last of them still stand in line for the thread. */
	end = uv_hrtime() + PATIENCE_NS;
	while (http_server_stats(w.server)->connections && uv_hrtime() < end) {
		uv_run(&w.loop.uv, UV_RUN_NOWAIT);
		uv_sleep(1);
	}
	check_i64(http_server_stats(w.server)->connections, 0);
	world_down(&w);
}

static void test_too_many(void **state)
{
	struct http_limits limits = usual;
	struct world w;
	struct peer a, b;

	(void)state;
	limits.connections_max = 1;
	world_up(&w, &limits);
	peer_open(&w, &a);
	peer_open(&w, &b);
	peer_wait(&b, "HTTP/1.1 503 ");
	peer_write(&a, HELLO);
	peer_wait(&a, "hello 1.");
	peer_down(&a);
	peer_down(&b);
	world_down(&w);
}

/* With TLS 1.3 a client is through before the server has seen the client's last words. */
static bool is_counted(struct peer *p)
{
	return http_server_stats(p->w->server)->tls_handshakes_total == PEERS;
}

/* Many at once stand in line for the thread and all get through; a stop in the middle of it leaves
 * nothing behind. */
static void test_many_handshakes(void **state)
{
	struct peer p[PEERS];
	struct world w;

	(void)state;
	world_up(&w, &usual);
	for (int i = 0; i < PEERS; i++)
		peer_up(&w, &p[i]);
	for (int turn = 0; turn < 3; turn++) {
		for (int i = 0; i < PEERS; i++)
			peer_step(&p[i]);
	}
	for (int i = 0; i < PEERS; i++)
		check(until(&p[i], is_open));
	check(until(&p[0], is_counted));
	for (int i = 0; i < PEERS; i++)
		peer_down(&p[i]);
	world_down(&w);
	for (int turns = 0; turns < 12; turns++) {
		world_up(&w, &usual);
		for (int i = 0; i < PEERS; i++)
			peer_up(&w, &p[i]);
		for (int turn = 0; turn < turns; turn++)
			peer_step(&p[turn % PEERS]);
		world_down(&w);
		for (int i = 0; i < PEERS; i++)
			peer_down(&p[i]);
	}
}

/* A new certificate is for new connections; a bad one changes nothing. */
static void test_reload(void **state)
{
	struct agni_err err;
	struct world w;
	struct peer old, p;

	(void)state;
	world_up(&w, &usual);
	peer_open(&w, &old);
	copy_file("other.pem", "own.pem"); /* not yet its key */
	check_i64(http_server_reload_tls(w.server, w.cert, w.key, &err), AGNI_ETLS);
	check(strstr(err.text, "own.key is not that of the certificate") != NULL);
	peer_open(&w, &p);
	peer_down(&p);
	copy_file("other.key", "own.key");
	check_i64(http_server_reload_tls(w.server, w.cert, w.key, &err), 0);
	peer_up(&w, &p); /* for "localhost", which the new one is not */
	check(until(&p, has_ended) && !p.is_open);
	check(strstr(p.err.text, "not for localhost") != NULL);
	peer_down(&p);
	peer_write(&old, HELLO);
	peer_wait(&old, "hello 1.");
	copy_file("good.pem", "own.pem");
	copy_file("good.key", "own.key");
	check_i64(http_server_reload_tls(w.server, w.cert, w.key, &err), 0);
	peer_open(&w, &p);
	peer_write(&p, HELLO);
	peer_wait(&p, "hello 2.");
	peer_down(&p);
	peer_down(&old);
	world_down(&w);
}

static void test_expired(void **state)
{
	struct agni_err err;
	struct world w;

	(void)state;
	world_up(&w, &usual);
	copy_file("expired.pem", "own.pem");
	copy_file("expired.key", "own.key");
	log_capture();
	check_i64(http_server_reload_tls(w.server, w.cert, w.key, &err), 0);
	check(strstr(log_captured(), "WARN  http: the certificate in ") != NULL);
	check(strstr(log_captured(), "has expired: 20") != NULL);
	copy_file("good.pem", "own.pem");
	copy_file("good.key", "own.key");
	check_i64(http_server_reload_tls(w.server, w.cert, w.key, &err), 0);
	check(strstr(log_captured(), "own.pem expires 20") != NULL); /* tomorrow */
	log_release();
	world_down(&w);
}

static void test_start_without_a_certificate(void **state)
{
	struct http_server_config cfg = {.host = "127.0.0.1",
					 .limits = usual,
					 .routes = routes,
					 .tls_cert = "/nonexistent/own.pem",
					 .tls_key = "/nonexistent/own.key"};
	struct http_server *s;
	struct agni_err err;
	struct clock clock;
	struct loop loop;

	(void)state;
	clock_init(&clock, CLOCK_SYSTEM);
	check_i64(loop_init(&loop, &clock), 0);
	cfg.loop = &loop;
	check_i64(http_server_create(&cfg, &s, &err), AGNI_ETLS);
	check(strstr(err.text, "/nonexistent/own.pem") != NULL);
	assert_null(s);
	check_i64(loop_fini(&loop), 0);
}

static int up(void **state)
{
	struct agni_err err;

	(void)state;
	if (!tls_files_make(&files)) {
		print_message("no openssl command\n");
		return -1;
	}
	client_tls = tls_client_config_create(tls_files_path(&files, "ca.pem"), &err);
	return client_tls ? 0 : -1;
}

static int down(void **state)
{
	(void)state;
	tls_config_destroy(client_tls);
	tls_files_remove(&files);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_pipelines),
		cmocka_unit_test(test_a_record_that_waits),
		cmocka_unit_test(test_big_answers),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_plain_http),
		cmocka_unit_test(test_slow_handshakes),
		cmocka_unit_test(test_slow_head),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_many_handshakes),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_start_without_a_certificate),
	};

	signal(SIGPIPE, SIG_IGN); /* as the server does */
	return cmocka_run_group_tests(tests, up, down);
}
