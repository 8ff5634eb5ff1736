/* SPDX-License-Identifier: MIT
 *
 * ws_peer: see ws_peer.h.
 */
#include "ws_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/utf8.h"
#include "check.h"
#include "ws_accept.h"

#define RIG_S 120

/* --- the rig --------------------------------------------------------------------------------- */

static void on_pulse(uv_timer_t *timer)
{
	(void)timer; /* that the loop woke up is all */
}

void ws_rig_up(struct ws_rig *r)
{
	struct agni_err err = {0};

	*r = (struct ws_rig){0};
	list_init(&r->peers);
	pace_start(&r->pace);
	clock_init(&r->clock, CLOCK_SYSTEM);
	check_i64(loop_init(&r->loop, &r->clock), 0);
	if (ws_create(&r->loop, &r->ws, &err) != 0)
		fail_msg("%s", err.text);
	uv_timer_init(&r->loop.uv, &r->pulse);
	uv_timer_start(&r->pulse, on_pulse, 1, 1);
}

static void on_destroyed(void *arg)
{
	struct ws_rig *r = arg;

	r->is_destroyed = true;
}

static bool is_destroyed(void *arg)
{
	return ((struct ws_rig *)arg)->is_destroyed;
}

static void peer_free(struct ws_peer *p)
{
	ws_peer_hang_up(p);
	buf_fini(&p->head);
	buf_fini(&p->in);
	buf_fini(&p->out);
	buf_fini(&p->data);
	free(p->frames);
	list_remove(&p->link);
	free(p);
}

void ws_rig_down(struct ws_rig *r)
{
	ws_destroy(r->ws, on_destroyed, r);
	check(ws_rig_until(r, is_destroyed, r, PATIENCE_MS));
	list_for_each (it, &r->peers) {
		peer_free(container_of(it, struct ws_peer, link));
	}
	uv_close((uv_handle_t *)&r->pulse, NULL);
	check_i64(loop_fini(&r->loop), 0);
}

/* --- the parser ------------------------------------------------------------------------------ */

static void blame(struct ws_peer *p, const char *fault)
{
	if (!p->fault)
		p->fault = fault;
}

static void note_frame(struct ws_peer *p, const struct ws_peer_frame *f, const char *payload)
{
	bool is_control = f->op >= 8;

	if (p->has_close)
		blame(p, "a frame after Close");
	if (f->op > 10 || (f->op > 2 && f->op < 8))
		blame(p, "unknown opcode");
	if (is_control && (!f->is_fin || f->len > 125))
		blame(p, "control frame fragmented or long");
	if (f->rsv && (f->rsv != 4 || !p->may_deflate || is_control || f->op == 0))
		blame(p, "RSV bits");
	if (!is_control && (f->op == 0) != p->is_in_message)
		blame(p, "continuation out of place");
	if (!is_control)
		p->is_in_message = !f->is_fin;
	if (f->op == 8) {
		p->has_close = true;
		if (f->len == 1)
			blame(p, "close payload of one byte");
		if (f->len > 2 && !utf8_is_valid(payload + 2, f->len - 2))
			blame(p, "close reason is not UTF-8");
	}
	if (f->op == 1 && f->is_fin && !f->rsv && !utf8_is_valid(payload, f->len))
		blame(p, "text is not UTF-8");
	if (p->frames_n == p->frames_cap) {
		p->frames_cap = p->frames_cap ? 2 * p->frames_cap : 16;
		p->frames = mem_realloc(p->frames, p->frames_cap * sizeof(*p->frames));
	}
	p->frames[p->frames_n] = *f;
	p->frames[p->frames_n].at = p->data.len;
	p->frames_n++;
	buf_append(&p->data, payload, f->len);
}

/* Parses one frame at the front of `in`; returns its bytes, 0 when it is not complete. */
static size_t parse_frame(struct ws_peer *p, unsigned char *b, size_t have)
{
	struct ws_peer_frame f;
	size_t head = 2, len, more;
	bool is_masked;

	if (have < 2)
		return 0;
	is_masked = b[1] & 0x80;
	len = b[1] & 0x7f;
	more = len == 126 ? 2 : len == 127 ? 8 : 0;
	head += more + (is_masked ? 4 : 0);
	if (have < head)
		return 0;
	if (more) {
		len = 0;
		for (size_t i = 0; i < more; i++)
			len = len << 8 | b[2 + i];
		if (len < 126 || (more == 8 && len < 65536))
			blame(p, "length not in its shortest form");
	}
	if (is_masked != p->is_server)
		blame(p, "masking is the wrong way round");
	if (len > have - head)
		return 0;
	for (size_t i = 0; is_masked && i < len; i++)
		b[head + i] ^= b[head - 4 + i % 4];
	f = (struct ws_peer_frame){
		.is_fin = b[0] & 0x80, .rsv = b[0] >> 4 & 7, .op = b[0] & 15, .len = len};
	note_frame(p, &f, (const char *)b + head);
	return head + len;
}

static void parse(struct ws_peer *p)
{
	size_t at = 0, n;

	if (!p->is_ws) {
		char *end = p->in.len ? memmem(p->in.data, p->in.len, "\r\n\r\n", 4) : NULL;

		if (!end || p->head.len)
			return;
		buf_append(&p->head, p->in.data, (size_t)(end + 4 - p->in.data));
		buf_consume(&p->in, p->head.len);
		buf_cstr(&p->head);
		p->is_ws = !p->is_server && ws_peer_status(p) == 101;
		if (!p->is_ws)
			return;
	}
	while ((n = parse_frame(p, (unsigned char *)p->in.data + at, p->in.len - at)) > 0)
		at += n;
	buf_consume(&p->in, at);
}

/* --- the socket ------------------------------------------------------------------------------ */

static void peer_read(struct ws_peer *p)
{
	size_t left = p->read_max ? p->read_max : SIZE_MAX;

	while (left) {
		size_t want = left < 65536 ? left : 65536;
		ssize_t n = recv(p->fd, buf_reserve(&p->in, want), want, MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			p->is_eof = true;
		if (n <= 0)
			return;
		p->in.len += (size_t)n;
		left -= (size_t)n;
		parse(p);
	}
}

static void peer_write(struct ws_peer *p)
{
	size_t left = p->out.len - p->out_at, len = p->chop && p->chop < left ? p->chop : left;
	ssize_t n =
		len ? send(p->fd, p->out.data + p->out_at, len, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;

	if (n > 0)
		p->out_at += (size_t)n;
	if (p->out_at == p->out.len) {
		buf_reset(&p->out);
		p->out_at = 0;
	}
}

void ws_rig_turn(struct ws_rig *r)
{
	list_for_each (it, &r->peers) {
		struct ws_peer *p = container_of(it, struct ws_peer, link);

		if (p->fd < 0)
			continue;
		peer_write(p);
		if (!p->is_deaf && !p->is_eof)
			peer_read(p);
	}
	uv_run(&r->loop.uv, UV_RUN_ONCE);
	pace_turn(&r->pace);
	if (ws_rig_ms(r) > RIG_S * 1000)
		fail_msg("turned for %d s in vain", RIG_S);
}

bool ws_rig_until(struct ws_rig *r, bool (*cond)(void *arg), void *arg, int ms)
{
	int64_t end;

	pace_turn(&r->pace); /* what the test did meanwhile is no turn */
	end = ws_rig_ms(r) + ms;
	while (!cond(arg)) {
		if (ws_rig_ms(r) > end)
			return false;
		ws_rig_turn(r);
	}
	return true;
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

void ws_rig_for(struct ws_rig *r, int ms)
{
	ws_rig_until(r, never, NULL, ms);
}

int64_t ws_rig_ms(const struct ws_rig *r)
{
	return pace_ms(&r->pace);
}

static struct ws_peer *peer_create(struct ws_rig *r, int fd, bool is_server)
{
	struct ws_peer *p = mem_zalloc(sizeof(*p));
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	p->fd = fd;
	p->is_server = is_server;
	list_append(&r->peers, &p->link);
	return p;
}

struct ws_peer *ws_peer_connect(struct ws_rig *r, int port, int rcvbuf)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(fd >= 0);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (rcvbuf)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	/* The kernel completes it while the listener's backlog has room: no turn is needed. */
	check_i64(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return peer_create(r, fd, false);
}

int ws_peer_listen(int *port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check_i64(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	check_i64(listen(fd, 16), 0);
	check_i64(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	*port = ntohs(sa.sin_port);
	return fd;
}

static bool can_accept(void *arg)
{
	struct pollfd pfd = {.fd = *(int *)arg, .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

struct ws_peer *ws_peer_accept(struct ws_rig *r, int listener, int ms)
{
	if (!ws_rig_until(r, can_accept, &listener, ms))
		return NULL;
	return peer_create(r, accept4(listener, NULL, NULL, SOCK_CLOEXEC), true);
}

void ws_peer_hang_up(struct ws_peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->is_eof = true;
}

/* --- talking --------------------------------------------------------------------------------- */

void ws_peer_raw(struct ws_peer *p, const void *bytes, size_t len)
{
	buf_append(&p->out, bytes, len);
}

/* The sample of RFC 6455, section 1.3. */
void ws_peer_request(struct ws_peer *p, const char *target, const char *extra)
{
	buf_printf(&p->out,
		   "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
		   "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		   "Sec-WebSocket-Version: 13\r\n%s\r\n",
		   target, extra);
}

struct ws_peer *ws_peer_open(struct ws_rig *r, int port, const char *target, const char *extra)
{
	struct ws_peer *p = ws_peer_connect(r, port, 0);

	ws_peer_request(p, target, extra);
	check(ws_peer_wait_head(r, p));
	check_i64(ws_peer_status(p), 101);
	check(strstr(p->head.data, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != NULL);
	return p;
}

void ws_peer_welcome(struct ws_rig *r, struct ws_peer *p)
{
	static const char name[] = "Sec-WebSocket-Key: ";
	char *key, accept[29];

	check(ws_peer_wait_head(r, p));
	key = strcasestr(p->head.data, name);
	check(key != NULL);
	ws_accept_value(key + sizeof(name) - 1, accept);
	buf_printf(&p->out,
		   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		   "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		   accept);
	p->is_ws = true;
}

void ws_peer_frame(struct ws_peer *p, int byte0, const void *payload, size_t len)
{
	static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
	unsigned char head[14];
	size_t n = 2, more = len < 126 ? 0 : len < 65536 ? 2 : 8;
	int bit = p->is_server ? 0 : 0x80;
	char *out;

	head[0] = (unsigned char)byte0;
	head[1] = (unsigned char)(bit | (int)(more == 0 ? len : more == 2 ? 126 : 127));
	for (size_t i = 0; i < more; i++)
		head[n++] = (unsigned char)(len >> (8 * (more - 1 - i)));
	if (bit) {
		memcpy(head + n, mask, 4);
		n += 4;
	}
	buf_append(&p->out, head, n);
	out = buf_reserve(&p->out, len + 1);
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(((const unsigned char *)payload)[i] ^ (bit ? mask[i % 4] : 0));
	p->out.len += len;
}

void ws_peer_close(struct ws_peer *p, int code, const char *reason)
{
	char payload[128];
	size_t n = strlen(reason);

	payload[0] = (char)(code >> 8);
	payload[1] = (char)code;
	memcpy(payload + 2, reason, n);
	ws_peer_frame(p, 0x88, payload, n + 2);
}

/* --- looking --------------------------------------------------------------------------------- */

int ws_peer_status(const struct ws_peer *p)
{
	int status = 0;

	if (p->head.len == 0 || sscanf(p->head.data, "HTTP/1.1 %d ", &status) != 1)
		return 0;
	return status;
}

const struct ws_peer_frame *ws_peer_get(const struct ws_peer *p, size_t n)
{
	return n < p->frames_n ? &p->frames[n] : NULL;
}

const char *ws_peer_payload(const struct ws_peer *p, const struct ws_peer_frame *f)
{
	return p->data.data ? p->data.data + f->at : "";
}

int ws_peer_close_code(const struct ws_peer *p)
{
	const struct ws_peer_frame *f = p->frames_n ? &p->frames[p->frames_n - 1] : NULL;
	const unsigned char *b;

	if (!f || f->op != 8 || f->len < 2)
		return 0;
	b = (const unsigned char *)ws_peer_payload(p, f);
	return b[0] << 8 | b[1];
}

struct want {
	struct ws_peer *p;
	size_t n;
};

static bool has_frames(void *arg)
{
	struct want *w = arg;

	return w->p->frames_n >= w->n || w->p->is_eof;
}

static bool has_head(void *arg)
{
	struct ws_peer *p = arg;

	return p->head.len || p->is_eof;
}

static bool has_eof(void *arg)
{
	return ((struct ws_peer *)arg)->is_eof;
}

bool ws_peer_wait_frames(struct ws_rig *r, struct ws_peer *p, size_t n)
{
	struct want w = {p, n};

	return ws_rig_until(r, has_frames, &w, PATIENCE_MS) && p->frames_n >= n;
}

bool ws_peer_wait_head(struct ws_rig *r, struct ws_peer *p)
{
	return ws_rig_until(r, has_head, p, PATIENCE_MS) && p->head.len;
}

bool ws_peer_wait_eof(struct ws_rig *r, struct ws_peer *p)
{
	return ws_rig_until(r, has_eof, p, PATIENCE_MS);
}
