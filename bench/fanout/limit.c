/* SPDX-License-Identifier: MIT
 *
 * limit: the server that does nothing but what cannot be left out: the handshake, and then in each
 * turn one send(2) per client of bytes that were made once. A client whose socket is full is told
 * the rest when epoll says that it takes more.
 *
 * What a client is owed is a position: bytes made up to now, less those it was sent. As every turn
 * says the same (but for the stamp), the bytes of an older turn are those of this one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../test/lib/ws_accept.h"
#include "fanout/fanout.h"
#include "ws/ws.h"

#define REQUEST_MAX 2048

struct seat {
	int fd;
	bool is_open;  /* the handshake is through */
	bool is_full;  /* epoll watches for room */
	uint64_t sent; /* bytes of frames */
	char *request; /* NULL once answered */
	size_t request_n;
};

struct limit {
	struct pulse pulse;
	int epoll_fd, listen_fd;
	struct seat **seats; /* those that are open */
	unsigned seats_n;
	struct buf frames; /* of one turn */
	uint64_t made;     /* bytes for each client since the process began */
	uint64_t bytes;    /* sent to all */
};

static void watch(const struct limit *l, int op, struct seat *seat, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = seat};

	if (epoll_ctl(l->epoll_fd, op, seat->fd, &e) < 0)
		perror("epoll_ctl");
}

static void push(struct limit *l, struct seat *seat)
{
	while (seat->sent < l->made) {
		size_t at = seat->sent % l->frames.len, left = l->frames.len - at;
		ssize_t n = send(seat->fd, l->frames.data + at, left, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			if (!seat->is_full)
				watch(l, EPOLL_CTL_MOD, seat, EPOLLIN | EPOLLOUT);
			seat->is_full = true;
			return;
		}
		if (n < 0)
			return; /* the crowd leaves */
		seat->sent += (uint64_t)n;
		l->bytes += (uint64_t)n;
	}
	if (seat->is_full)
		watch(l, EPOLL_CTL_MOD, seat, EPOLLIN);
	seat->is_full = false;
}

/* --- the beat ---------------------------------------------------------------------------------- */

static void turn(void *arg, uint64_t stamp_ns)
{
	struct limit *l = arg;
	size_t one = l->frames.len / l->pulse.plan->ticks;

	if (l->pulse.plan->has_latency) {
		size_t header = ws_header_len(l->pulse.plan->message);

		for (unsigned i = 0; i < l->pulse.plan->ticks; i++)
			message_stamp(l->frames.data + i * one + header, stamp_ns);
	}
	l->made += l->frames.len;
	for (unsigned i = 0; i < l->seats_n; i++) {
		if (!l->seats[i]->is_full)
			push(l, l->seats[i]);
	}
}

static void totals(const void *arg, struct totals *out)
{
	const struct limit *l = arg;

	*out = (struct totals){.bytes = l->bytes,
			       .ticks = l->bytes * l->pulse.plan->ticks / l->frames.len};
}

static bool is_idle(const void *arg, uint64_t turns_n)
{
	const struct limit *l = arg;

	return l->bytes == turns_n * l->frames.len * l->seats_n;
}

static const struct server_ops ops = {.turn = turn, .totals = totals, .is_idle = is_idle};

/* --- who comes --------------------------------------------------------------------------------- */

static void accept_all(struct limit *l)
{
	int on = 1, fd;

	while ((fd = accept4(l->listen_fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct seat *seat = mem_zalloc(sizeof(*seat));

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		seat->fd = fd;
		seat->request = mem_alloc(REQUEST_MAX);
		watch(l, EPOLL_CTL_ADD, seat, EPOLLIN);
	}
}

static void answer(struct limit *l, struct seat *seat)
{
	static const char name[] = "Sec-WebSocket-Key: ";
	const char *key = strstr(seat->request, name);
	char accept_value[29], text[256];
	int n;

	if (!key || strlen(key) < sizeof(name) + 24)
		return;
	ws_accept_value(key + sizeof(name) - 1, accept_value);
	n = snprintf(text, sizeof(text),
		     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		     "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		     accept_value);
	if (send(seat->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		return;
	free(seat->request);
	seat->request = NULL;
	seat->is_open = true;
	l->seats = mem_realloc(l->seats, (l->seats_n + 1) * sizeof(struct seat *));
	l->seats[l->seats_n++] = seat;
}

static void receive(struct limit *l, struct seat *seat)
{
	char bytes[1024], *into = bytes;
	size_t room = sizeof(bytes);
	ssize_t n;

	if (!seat->is_open) {
		into = seat->request + seat->request_n;
		room = REQUEST_MAX - 1 - seat->request_n;
	}
	n = recv(seat->fd, into, room, 0);
	if (n <= 0) {
		epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, seat->fd, NULL);
		return;
	}
	if (seat->is_open)
		return; /* nothing that a client says matters */
	seat->request_n += (size_t)n;
	seat->request[seat->request_n] = '\0';
	if (strstr(seat->request, "\r\n\r\n"))
		answer(l, seat);
}

/* --- the loop ---------------------------------------------------------------------------------- */

static void open_listener(struct limit *l)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (l->listen_fd < 0 || bind(l->listen_fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(l->listen_fd, SOMAXCONN) < 0 ||
	    getsockname(l->listen_fd, (struct sockaddr *)&sa, &len) < 0) {
		perror("limit");
		_exit(1);
	}
	pulse_says_port(&l->pulse, ntohs(sa.sin_port));
}

static void on_event(struct limit *l, struct seat *seat, uint32_t events)
{
	if (seat->fd == l->listen_fd)
		accept_all(l);
	else if (seat->fd == l->pulse.timer_fd)
		pulse_on_beat(&l->pulse);
	else if (seat->fd == l->pulse.in_fd)
		pulse_on_command(&l->pulse);
	else if (events & EPOLLOUT)
		push(l, seat);
	else
		receive(l, seat);
}

void limit_serve(const struct plan *plan, int in_fd, int out_fd)
{
	struct limit *l = mem_zalloc(sizeof(*l));
	struct seat own[3];
	char *message = message_make(plan);
	struct epoll_event events[256];

	pulse_init(&l->pulse, plan, in_fd, out_fd);
	l->pulse.ops = &ops;
	l->pulse.arg = l;
	for (unsigned i = 0; i < plan->ticks; i++)
		ws_frame_append(&l->frames, WS_TEXT, message, plan->message);
	free(message);
	l->epoll_fd = epoll_create1(0);
	open_listener(l);
	own[0] = (struct seat){.fd = l->listen_fd};
	own[1] = (struct seat){.fd = l->pulse.timer_fd};
	own[2] = (struct seat){.fd = in_fd};
	for (int i = 0; i < 3; i++)
		watch(l, EPOLL_CTL_ADD, &own[i], EPOLLIN);
	for (;;) {
		int n = epoll_wait(l->epoll_fd, events, ARRAY_LEN(events), -1);

		for (int i = 0; i < n; i++)
			on_event(l, events[i].data.ptr, events[i].events);
	}
}
