/* SPDX-License-Identifier: MIT
 *
 * naive: libwebsockets on libuv as its examples use it. A tick is a message with LWS_PRE bytes in
 * front, put into the queue of each client; lws_callback_on_writable() for each; one lws_write() in a
 * writable callback, and another callback is asked for while the queue is not empty.
 *
 * Kinder than the examples in one point: the clients share the bytes of a message, which is freed
 * with the last one that has sent it.
 */
#include <libwebsockets.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/buf.h"
#include "fanout/fanout.h"

struct message {
	unsigned queues; /* that it is in */
	size_t len;
	unsigned char bytes[]; /* LWS_PRE, and the text */
};

/* Of a connection: a ring that grows. */
struct session {
	struct lws *wsi;
	struct message **ring;
	unsigned cap, head, n;
};

struct naive {
	struct pulse pulse;
	uv_loop_t uv;
	struct lws_context *cx;
	struct session **sessions;
	unsigned sessions_n;
	char *text; /* of a tick */
	uint64_t written, bytes;
};

static void ring_push(struct session *s, struct message *m)
{
	if (s->n == s->cap) {
		unsigned cap = s->cap ? 2 * s->cap : 8;
		struct message **ring = mem_alloc(cap * sizeof(struct message *));

		for (unsigned i = 0; i < s->n; i++)
			ring[i] = s->ring[(s->head + i) % s->cap];
		free(s->ring);
		s->ring = ring;
		s->head = 0;
		s->cap = cap;
	}
	s->ring[(s->head + s->n++) % s->cap] = m;
}

static struct message *ring_pop(struct session *s)
{
	struct message *m = s->ring[s->head];

	s->head = (s->head + 1) % s->cap;
	s->n--;
	return m;
}

/* --- the beat ---------------------------------------------------------------------------------- */

static void tick(struct naive *v)
{
	size_t len = v->pulse.plan->message;
	struct message *m = mem_alloc(sizeof(*m) + LWS_PRE + len);

	m->queues = v->sessions_n;
	m->len = len;
	memcpy(m->bytes + LWS_PRE, v->text, len);
	for (unsigned i = 0; i < v->sessions_n; i++) {
		ring_push(v->sessions[i], m);
		lws_callback_on_writable(v->sessions[i]->wsi);
	}
}

static void turn(void *arg, uint64_t stamp_ns)
{
	struct naive *v = arg;

	message_stamp(v->text, stamp_ns);
	for (unsigned i = 0; i < v->pulse.plan->ticks; i++)
		tick(v);
}

static void totals(const void *arg, struct totals *out)
{
	const struct naive *v = arg;

	*out = (struct totals){.bytes = v->bytes, .ticks = v->written};
}

static bool is_idle(const void *arg, uint64_t turns_n)
{
	const struct naive *v = arg;

	return v->written == turns_n * v->pulse.plan->ticks * v->sessions_n;
}

static const struct server_ops ops = {.turn = turn, .totals = totals, .is_idle = is_idle};

/* --- libwebsockets ----------------------------------------------------------------------------- */

static size_t header_len(size_t len)
{
	return len < 126 ? 2 : len < 65536 ? 4 : 10;
}

static int write_one(struct naive *v, struct session *s)
{
	struct message *m;
	int n;

	if (s->n == 0)
		return 0;
	m = ring_pop(s);
	n = lws_write(s->wsi, m->bytes + LWS_PRE, m->len, LWS_WRITE_TEXT);
	v->written++;
	v->bytes += header_len(m->len) + m->len;
	if (--m->queues == 0)
		free(m);
	if (n < 0)
		return -1;
	if (s->n)
		lws_callback_on_writable(s->wsi);
	return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	struct session *s = user;
	struct naive *v = lws_context_user(lws_get_context(wsi));

	(void)in;
	(void)len;
	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		s->wsi = wsi;
		v->sessions =
			mem_realloc(v->sessions, (v->sessions_n + 1) * sizeof(struct session *));
		v->sessions[v->sessions_n++] = s;
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return write_one(v, s);
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{.name = "bench", .callback = callback, .per_session_data_size = sizeof(struct session)},
	{0},
};

void naive_serve(const struct plan *plan, int in_fd, int out_fd)
{
	struct naive *v = mem_zalloc(sizeof(*v));
	void *loops[1] = {&v->uv};
	struct lws_context_creation_info info = {
		.port = 0,
		.iface = "127.0.0.1",
		.protocols = protocols,
		.foreign_loops = loops,
		.user = v,
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
	};
	struct lws_vhost *vhost;

	lws_set_log_level(LLL_ERR, NULL);
	pulse_init(&v->pulse, plan, in_fd, out_fd);
	v->pulse.ops = &ops;
	v->pulse.arg = v;
	v->text = message_make(plan);
	uv_loop_init(&v->uv);
	v->cx = lws_create_context(&info);
	vhost = v->cx ? lws_create_vhost(v->cx, &info) : NULL;
	if (!vhost)
		_exit(1);
	pulse_watch(&v->pulse, &v->uv);
	pulse_says_port(&v->pulse, lws_get_vhost_listen_port(vhost));
	uv_run(&v->uv, UV_RUN_DEFAULT);
}
