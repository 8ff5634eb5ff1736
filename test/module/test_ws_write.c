/* SPDX-License-Identifier: MIT
 *
 * The write path under stress: 200 readers with small buffers who read slowly and ping at any
 * moment, a server that fills them, pings them and closes them in the middle of half-sent frames.
 * The parser of ws_peer.c looks at every byte; payloads are numbered, so that nothing can be lost,
 * doubled or out of order.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/ws_peer.h"
#include "core/rand.h"

#define READERS   200
#define MESSAGES  400
#define SIZE_MAX_ 2000

struct reader {
	struct ws_peer *peer;
	size_t seen;   /* frames looked at */
	int next;      /* number that has to come */
	int pings;     /* sent */
	int last_pong; /* number in the last pong */
	bool has_answered_close;
};

struct writer {
	struct ws_conn *conn;
	int id;
	int sent;  /* messages that WS_SENT took */
	int limit; /* messages until we close */
	int fulls, writables, behind, closes, code;
	bool is_full, is_idle; /* idle: told that it may write, and does so in a later turn */
};

struct app {
	struct ws_rig rig;
	struct ws_server *server;
	struct rng rng;
	struct writer writers[READERS];
	struct reader readers[READERS];
	int opens;
};

static size_t size_of(int id, int n)
{
	return (size_t)(id * 7919 + n * 104729) % SIZE_MAX_;
}

static void message_build(struct buf *b, int id, int n)
{
	char text[SIZE_MAX_ + 32];
	size_t len = (size_t)snprintf(text, 32, "%d:%d:", id, n), size = size_of(id, n);

	while (len < size) {
		text[len] = (char)('a' + (len + (size_t)n) % 26);
		len++;
	}
	ws_frame_append(b, n % 2 ? WS_TEXT : WS_BINARY, text, len);
}

/* Sends batches of up to 8 messages until the socket is full or the limit is reached. */
static void pump(struct app *a, struct writer *w)
{
	struct buf b = {0};
	enum ws_sent rc = WS_SENT;
	int batch = 0;

	while (rc == WS_SENT && w->sent < w->limit) {
		batch = 1 + (int)rng_below(&a->rng, 8);
		if (batch > w->limit - w->sent)
			batch = w->limit - w->sent;
		buf_reset(&b);
		for (int i = 0; i < batch; i++)
			message_build(&b, w->id, w->sent + i);
		rc = ws_conn_send(w->conn, b.data, b.len);
		if (rc == WS_SENT) {
			w->sent += batch;
			w->behind += ws_conn_is_behind(w->conn);
		}
	}
	if (rc == WS_FULL) {
		w->fulls++;
		w->is_full = true;
		/* Asking twice does not bring two calls. The kernel may have found room meanwhile; the
		 * last message is kept for on_writable. */
		if (w->sent + batch < w->limit) {
			rc = ws_conn_send(w->conn, b.data, b.len);
			w->sent += rc == WS_SENT ? batch : 0;
		}
	}
	check(rc != WS_CLOSED);
	buf_fini(&b);
	if (w->sent == w->limit)
		ws_conn_close(w->conn, 4000 + w->id, "enough");
}

static void *on_open(void *arg, struct ws_conn *c, const struct ws_handshake *h)
{
	struct app *a = arg;
	struct writer *w = &a->writers[atoi(h->path + 1)];

	w->conn = c;
	a->opens++;
	return w;
}

static struct app *app_of(struct writer *w)
{
	return container_of(w - w->id, struct app, writers[0]);
}

static void on_message(void *user, struct ws_conn *c, enum ws_opcode op, const void *data,
		       size_t len)
{
	(void)user;
	(void)c;
	(void)op;
	(void)data;
	(void)len;
}

static void on_writable(void *user, struct ws_conn *c)
{
	struct writer *w = user;

	(void)c;
	check(w->is_full); /* never without a WS_FULL before it */
	w->is_full = false;
	w->writables++;
	w->is_idle = rng_below(&app_of(w)->rng, 4) == 0;
	if (!w->is_idle)
		pump(app_of(w), w);
}

static void on_close(void *user, struct ws_conn *c, int code, const char *reason)
{
	struct writer *w = user;

	(void)c;
	check_str(reason, "enough");
	w->closes++;
	w->code = code;
}

static const struct ws_callbacks callbacks = {.on_open = on_open,
					      .on_message = on_message,
					      .on_writable = on_writable,
					      .on_close = on_close};

static void check_message(struct reader *r, int id, const struct ws_peer_frame *f)
{
	struct buf expected = {0};
	const char *payload = ws_peer_payload(r->peer, f);
	struct ws_peer_frame want;

	message_build(&expected, id, r->next);
	want.len = expected.len - ws_header_len(f->len);
	check_i64(f->op, r->next % 2 ? WS_TEXT : WS_BINARY);
	check_i64(f->len, want.len);
	assert_memory_equal(payload, expected.data + expected.len - f->len, f->len);
	r->next++;
	buf_fini(&expected);
}

static void check_pong(struct reader *r, const struct ws_peer_frame *f)
{
	char text[126] = {0};
	int n;

	/* libwebsockets answers one of several that wait, never one out of order. */
	memcpy(text, ws_peer_payload(r->peer, f), f->len);
	check_i64(sscanf(text, "ping %d", &n), 1);
	check(n > r->last_pong && n <= r->pings);
	check_i64(f->len, strlen("ping 000000"));
	r->last_pong = n;
}

static void look(struct reader *r, int id)
{
	struct ws_peer *p = r->peer;

	if (p->fault)
		fail_msg("reader %d: %s", id, p->fault);
	for (; r->seen < p->frames_n; r->seen++) {
		const struct ws_peer_frame *f = ws_peer_get(p, r->seen);

		if (f->op == 10)
			check_pong(r, f);
		else if (f->op < 8)
			check_message(r, id, f);
		else if (f->op == 9)
			ws_peer_frame(p, 0x8a, ws_peer_payload(p, f), f->len);
	}
	p->frames_n = r->seen = p->has_close ? p->frames_n : 0;
	if (!p->has_close)
		buf_reset(&p->data);
	if (p->has_close && !r->has_answered_close) {
		r->has_answered_close = true;
		ws_peer_close(p, ws_peer_close_code(p), "");
	}
}

static void misbehave(struct app *a, struct reader *r, bool is_closing)
{
	struct ws_peer *p = r->peer;
	char text[32];

	/* There are two seconds for all that is on its way, also on a slow machine. */
	if (is_closing) {
		p->read_max = 0;
		p->is_deaf = false;
		return;
	}
	p->read_max = 1 + rng_below(&a->rng, 4000);
	p->is_deaf = rng_below(&a->rng, 4) == 0;
	p->chop = rng_below(&a->rng, 2) ? 5 : 0;
	if (rng_below(&a->rng, 3) == 0 && !p->has_close) {
		r->pings++;
		snprintf(text, sizeof(text), "ping %06d", r->pings);
		ws_peer_frame(p, 0x89, text, strlen(text));
	}
}

/* Between the callbacks: a writer goes on after a pause, another does not wait for on_writable. */
static void be_impatient(struct app *a, struct writer *w)
{
	struct buf b = {0};

	if (w->closes || w->sent == w->limit)
		return;
	if (w->is_idle && rng_below(&a->rng, 3) == 0) {
		w->is_idle = false;
		pump(a, w);
	} else if (w->is_full && w->sent + 1 < w->limit) {
		message_build(&b, w->id, w->sent);
		w->sent += ws_conn_send(w->conn, b.data, b.len) == WS_SENT;
		buf_fini(&b);
	}
}

static bool all_done(void *arg)
{
	struct app *a = arg;
	bool done = true;

	for (int i = 0; i < READERS; i++) {
		look(&a->readers[i], i);
		if (!a->readers[i].peer->is_eof)
			misbehave(a, &a->readers[i], a->writers[i].sent == a->writers[i].limit);
		be_impatient(a, &a->writers[i]);
		done = done && a->writers[i].closes && a->readers[i].peer->is_eof;
	}
	return done;
}

static void start(struct app *a)
{
	struct agni_err err = {0};
	const struct ws_server_config cfg = {.name = "test",
					     .host = "127.0.0.1",
					     .callbacks = &callbacks,
					     .arg = a,
					     .message_max_bytes = 1000,
					     .ping_s = 1,
					     .pong_s = 60,
					     .sndbuf_bytes = 8192};

	ws_rig_up(&a->rig);
	a->rng.state = 20261122;
	if (ws_server_create(a->rig.ws, &cfg, &a->server, &err) != 0)
		fail_msg("%s", err.text);
	for (int i = 0; i < READERS; i++) {
		char target[16];
		struct ws_peer *p;

		snprintf(target, sizeof(target), "/%d", i);
		p = ws_peer_connect(&a->rig, ws_server_port(a->server), 8192);
		ws_peer_request(p, target, "");
		check(ws_peer_wait_head(&a->rig, p));
		a->readers[i].peer = p;
		a->writers[i].id = i;
		/* Every number of messages at which to close in the middle of something. */
		a->writers[i].limit = MESSAGES - i;
	}
	check_i64(a->opens, READERS);
}

static void every_byte_is_in_its_place(void **state)
{
	struct app *a = mem_zalloc(sizeof(*a));
	long fulls = 0, behind = 0, pongs = 0, pings = 0;

	(void)state;
	start(a);
	for (int i = 0; i < READERS; i++)
		pump(a, &a->writers[i]);
	check(ws_rig_until(&a->rig, all_done, a, 60000));
	for (int i = 0; i < READERS; i++) {
		struct writer *w = &a->writers[i];
		struct reader *r = &a->readers[i];

		check_i64(w->sent, w->limit);
		check_i64(r->next, w->sent);
		check_i64(w->writables, w->fulls);
		check_i64(w->closes, 1);
		check_i64(w->code, 4000 + i);
		check_i64(ws_peer_close_code(r->peer), 4000 + i);
		fulls += w->fulls;
		behind += w->behind;
		pongs += r->last_pong > 0;
		pings += r->pings;
	}
	print_message("  %ld times full, %ld times half-sent, %ld pings\n", fulls, behind, pings);
	/* Else this test tests nothing. */
	check(fulls > 10 * READERS && behind > READERS && pongs > READERS / 2);
	ws_rig_down(&a->rig);
	free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_byte_is_in_its_place)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
