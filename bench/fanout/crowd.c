/* SPDX-License-Identifier: MIT
 *
 * crowd: the clients, all in the process of the bench, on one epoll.
 *
 *      connect --> HELLO ---101---> ASKED ---subscription_update---> READY (--> not read: stuck)
 *                            (agnidata only)
 *
 * Reading must never be what is measured: most clients only count bytes, about SAMPLED of them keep
 * what they read, cut it into frames and count the ticks in these. As all read the same, the bytes
 * of the others tell their ticks.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fanout/crowd_internal.h"

#define SAMPLED       50
#define JOINING_MAX   128 /* connections that are not ready yet */
#define JOIN_QUIET_MS 10000
#define READ_BYTES    (1u << 20)
#define STUCK_RCVBUF  4096

static const char request[] = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
			      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
static const char accept_value[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

static char sink[READ_BYTES];

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* --- what a client asks for -------------------------------------------------------------------- */

/* The views of the clients begin at places that are spread over the market, and every instrument
 * is in as many. */
static unsigned instrument_of(const struct crowd *c, unsigned client, unsigned i)
{
	const struct plan *p = c->plan;
	unsigned step = p->instruments / p->view;

	return (client + i * step) % p->instruments;
}

static void subscribe_text(const struct crowd *c, unsigned client, struct buf *b)
{
	const struct plan *p = c->plan;

	buf_printf(b, "{\"action\":\"subscribe\",\"mode\":\"%s\",",
		   p->message < MESSAGE_LARGE ? "ltpc" : "full");
	if (p->interval_ms)
		buf_printf(b, "\"policy\":\"interval\",\"interval_ms\":%u,", p->interval_ms);
	buf_str(b, "\"instruments\":[");
	for (unsigned i = 0; i < p->view; i++) {
		char key[KEY_ROOM];

		key_write(key, instrument_of(c, client, i));
		buf_printf(b, "%s\"%s\"", i ? "," : "", key);
	}
	buf_str(b, "]}");
}

/* A client's frame is masked; with zeros, so that the text stays as it is. */
static void masked_append(struct buf *out, const struct buf *text)
{
	static const char mask[4] = {0};
	char header[10];
	size_t n = ws_header_write(header, WS_TEXT, text->len);

	header[1] = (char)(header[1] | 0x80);
	buf_append(out, header, n);
	buf_append(out, mask, sizeof(mask));
	buf_append(out, text->data, text->len);
}

struct buf crowd_subscribe_frame(const struct crowd *c, unsigned client)
{
	struct buf text = {0}, frame = {0};

	subscribe_text(c, client, &text);
	masked_append(&frame, &text);
	buf_fini(&text);
	return frame;
}

const char *crowd_request(void)
{
	return request;
}

static void send_whole(struct reader *r, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(r->fd, bytes, len, MSG_NOSIGNAL);
		struct pollfd pfd = {.fd = r->fd, .events = POLLOUT};

		if (n < 0 && errno == EAGAIN) {
			poll(&pfd, 1, 1000);
			continue;
		}
		if (n < 0) {
			r->state = READER_GONE;
			return;
		}
		bytes += n;
		len -= (size_t)n;
	}
}

/* --- reading ----------------------------------------------------------------------------------- */

static void on_hello(struct crowd *c, struct reader *r)
{
	const char *end = memmem(r->in.data, r->in.len, "\r\n\r\n", 4);
	struct buf frame;

	if (!end)
		return;
	if (memcmp(r->in.data, "HTTP/1.1 101", 12) != 0 ||
	    !memmem(r->in.data, r->in.len, accept_value, sizeof(accept_value) - 1)) {
		r->state = READER_GONE;
		return;
	}
	buf_consume(&r->in, (size_t)(end + 4 - r->in.data));
	if (c->plan->who != AGNIDATA || c->plan->view == 0) {
		r->state = READER_READY;
		return;
	}
	frame = crowd_subscribe_frame(c, (unsigned)(r - c->readers));
	r->state = READER_ASKED;
	send_whole(r, frame.data, frame.len);
	buf_fini(&frame);
	crowd_parse(c, r); /* what came right behind the 101 */
}

static void read_one(struct crowd *c, struct reader *r)
{
	ssize_t n = recv(r->fd, sink, sizeof(sink), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		r->state = READER_GONE;
		epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, r->fd, NULL);
		return;
	}
	r->bytes += (uint64_t)n;
	c->bytes += (uint64_t)n;
	if (r->state == READER_READY && !r->is_sampled)
		return;
	if (c->plan->has_latency)
		c->read_us = now_us();
	buf_append(&r->in, sink, (size_t)n);
	if (r->state == READER_HELLO)
		on_hello(c, r);
	else
		crowd_parse(c, r);
}

/* Reads what is there, waits for something first; the number of events, and whether `fd` (which is
 * not read here) is among them. */
static int read_some(struct crowd *c, int timeout_ms, int fd, bool *has_fd)
{
	struct epoll_event events[256];
	int n = epoll_wait(c->epoll_fd, events, ARRAY_LEN(events), timeout_ms);

	for (int i = 0; i < n; i++) {
		if (events[i].data.u32 == UINT32_MAX)
			*has_fd = fd >= 0;
		else
			read_one(c, &c->readers[events[i].data.u32]);
	}
	return n;
}

/* --- joining ----------------------------------------------------------------------------------- */

static int connect_one(const struct crowd *c, bool is_stuck)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->port)};
	struct linger reset = {.l_onoff = 1}; /* no TIME_WAIT of thousands */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = STUCK_RCVBUF;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return -1;
	if (is_stuck)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool open_one(struct crowd *c, unsigned i)
{
	struct reader *r = &c->readers[i];
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};

	r->fd = connect_one(c, i < c->plan->stuck);
	if (r->fd < 0)
		return false;
	if (c->plan->tls_ca[0]) {
		if (!crowd_greet_tls(c, r))
			return false;
		r->state = READER_READY;
	} else {
		r->state = READER_HELLO;
		send_whole(r, request, sizeof(request) - 1);
	}
	fcntl(r->fd, F_SETFL, O_NONBLOCK);
	return epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, r->fd, &e) == 0;
}

static unsigned count_joining(const struct crowd *c, unsigned opened, unsigned *settled)
{
	unsigned n = 0;

	while (*settled < opened && c->readers[*settled].state >= READER_READY)
		++*settled;
	for (unsigned i = *settled; i < opened; i++)
		n += c->readers[i].state < READER_READY;
	return n;
}

enum joined crowd_join(struct crowd *c)
{
	unsigned opened = 0, settled = 0, joining = 0;

	while (opened < c->plan->clients || joining) {
		while (opened < c->plan->clients && joining < JOINING_MAX) {
			if (!open_one(c, opened++))
				return JOIN_FAILED;
			joining++;
		}
		if (!c->plan->tls_ca[0] && read_some(c, JOIN_QUIET_MS, -1, NULL) <= 0)
			return JOIN_FAILED;
		joining = count_joining(c, opened, &settled);
	}
	for (unsigned i = 0; i < opened; i++) {
		if (c->readers[i].state == READER_GONE)
			return JOIN_FAILED;
	}
	return c->refused ? JOIN_REFUSED : JOINED;
}

/* --- the run ----------------------------------------------------------------------------------- */

struct crowd *crowd_create(const struct plan *plan, int port)
{
	struct crowd *c = mem_zalloc(sizeof(*c));

	c->plan = plan;
	c->port = port;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	c->readers = mem_zalloc(plan->clients * sizeof(*c->readers));
	for (unsigned i = 0; i < plan->clients; i++)
		c->readers[i].fd = -1;
	if (plan->has_latency)
		c->latency_us = mem_alloc(LATENCY_MAX * sizeof(double));
	return c;
}

void crowd_destroy(struct crowd *c)
{
	for (unsigned i = 0; i < c->plan->clients; i++) {
		if (c->readers[i].fd >= 0)
			close(c->readers[i].fd);
		buf_fini(&c->readers[i].in);
	}
	close(c->epoll_fd);
	crowd_tls_fini(c);
	free(c->latency_us);
	free(c->readers);
	free(c);
}

void crowd_begin(struct crowd *c)
{
	unsigned reading = c->plan->clients - c->plan->stuck, step = reading / SAMPLED;

	step = step ? step : 1;
	for (unsigned i = 0; i < c->plan->clients; i++) {
		struct reader *r = &c->readers[i];

		r->bytes = 0;
		if (i < c->plan->stuck)
			epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, r->fd, NULL);
		else
			r->is_sampled =
				!c->plan->tls_ca[0] && (i - c->plan->stuck) % step == step / 2;
		c->sampled += r->is_sampled;
		if (!r->is_sampled)
			buf_fini(&r->in);
	}
	c->bytes = 0;
}

bool crowd_read_until(struct crowd *c, int fd, int patience_ms)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
	double end = now_us() + patience_ms * 1e3;
	bool has_fd = false;

	epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &e);
	while (!has_fd && now_us() < end)
		read_some(c, 100, fd, &has_fd);
	epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	return has_fd;
}

bool crowd_read_all(struct crowd *c, uint64_t bytes)
{
	while (c->bytes < bytes) {
		if (read_some(c, 2000, -1, NULL) <= 0)
			return false;
	}
	return true;
}

void crowd_count(const struct crowd *c, struct crowd_count *out)
{
	*out = (struct crowd_count){.bytes = c->bytes,
				    .least = UINT64_MAX,
				    .ticks = c->ticks,
				    .conflated = c->conflated,
				    .sampled = c->sampled,
				    .latency_us = c->latency_us,
				    .latency_n = c->latency_n};
	for (unsigned i = c->plan->stuck; i < c->plan->clients; i++) {
		uint64_t bytes = c->readers[i].bytes;

		out->least = bytes < out->least ? bytes : out->least;
		out->most = bytes > out->most ? bytes : out->most;
	}
}
