/* SPDX-License-Identifier: MIT
 *
 * bench_fanout: what a message to a WebSocket client costs the server, against a bare loop of
 * send(2) on the same sockets' kind: the floor that no server goes below.
 *
 * Readers live in a forked process that drains plain sockets; those of the TLS column shake hands and
 * then count what comes, encrypted. CPU time of this process, user and
 * system, is divided by the messages delivered; the bytes are counted at the other end. Each figure
 * is the median of three interleaved runs. Loopback only; a few seconds in all.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../test/lib/tls_files.h"
#include "core/clock.h"
#include "core/log.h"
#include "http/tls.h"
#include "ws/ws.h"

#define PAYLOAD      150
#define SENDS        20000 /* per run */
#define RUNS         3
#define CLIENTS_MAX  1000
#define TLS_CLIENTS  100 /* a handshake costs the readers some milliseconds */
#define ANSWER_BYTES 129 /* of the 101, as lws writes it */

static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
			      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* --- the readers ----------------------------------------------------------------------------- */

struct readers {
	pid_t pid;
	int pipe; /* at the end: the bytes that came, as a uint64_t */
};

static void send_out(struct tls_session *t, int fd)
{
	struct buf *out = tls_output(t);

	if (out->len && send(fd, out->data, out->len, 0) != (ssize_t)out->len)
		die("send");
	buf_reset(out);
}

/* One read of the socket for the session. */
static void take_in(struct tls_session *t, int fd)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n <= 0)
		die("the server closed in the handshake");
	tls_feed(t, bytes, (size_t)n);
}

/* Handshake, request, and the whole answer; what comes later is only counted. */
static void greet_tls(struct tls_config *tls, int fd)
{
	struct agni_err err = {0};
	struct tls_session *t = tls_session_create(tls, "localhost", &err);
	char answer[4096];
	int rc, got = 0;

	while (t && (rc = tls_handshake(t, &err)) == 0) {
		send_out(t, fd);
		take_in(t, fd);
	}
	if (!t || rc < 0 || tls_write(t, request, sizeof(request) - 1, &err) < 0)
		die(err.text);
	send_out(t, fd);
	while (got < ANSWER_BYTES) {
		rc = tls_read(t, answer, sizeof(answer), &err);
		if (rc < 0)
			die(err.text);
		got += rc;
		if (rc == 0)
			take_in(t, fd);
	}
	tls_session_destroy(t);
}

static int connect_one(int port, bool is_ws, struct tls_config *tls)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die("connect");
	if (tls)
		greet_tls(tls, fd);
	else if (is_ws && send(fd, request, sizeof(request) - 1, 0) < 0)
		die("send");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Reads everything from `n` connections until all are closed. */
static uint64_t drain(int ep, int n)
{
	static char sink[1 << 18];
	struct epoll_event events[256];
	uint64_t bytes = 0;

	while (n > 0) {
		int k = epoll_wait(ep, events, 256, 10000);

		if (k <= 0)
			die("the readers wait in vain");
		for (int i = 0; i < k; i++) {
			ssize_t got = read(events[i].data.fd, sink, sizeof(sink));

			if (got > 0) {
				bytes += (uint64_t)got;
			} else if (got == 0 || errno != EAGAIN) {
				close(events[i].data.fd);
				n--;
			}
		}
	}
	return bytes;
}

static struct readers readers_start(int port, int n, bool is_ws, const char *ca)
{
	struct readers r;
	int ends[2];

	if (pipe(ends) < 0)
		die("pipe");
	r.pid = fork();
	if (r.pid < 0)
		die("fork");
	if (r.pid == 0) {
		struct agni_err err = {0};
		struct tls_config *tls = ca ? tls_client_config_create(ca, &err) : NULL;
		int ep = epoll_create1(0);
		uint64_t bytes;

		if (ca && !tls)
			die(err.text);
		for (int i = 0; i < n; i++) {
			struct epoll_event e = {.events = EPOLLIN};

			e.data.fd = connect_one(port, is_ws, tls);
			epoll_ctl(ep, EPOLL_CTL_ADD, e.data.fd, &e);
		}
		bytes = drain(ep, n);
		_exit(write(ends[1], &bytes, sizeof(bytes)) != sizeof(bytes));
	}
	close(ends[1]);
	r.pipe = ends[0];
	return r;
}

static uint64_t readers_end(struct readers *r)
{
	uint64_t bytes = 0;

	if (read(r->pipe, &bytes, sizeof(bytes)) != sizeof(bytes))
		die("the readers are gone");
	close(r->pipe);
	waitpid(r->pid, NULL, 0);
	return bytes;
}

static struct buf make_frames(int batch)
{
	char payload[PAYLOAD];
	struct buf b = {0};

	memset(payload, 'x', sizeof(payload));
	for (int i = 0; i < batch; i++)
		ws_frame_append(&b, WS_TEXT, payload, sizeof(payload));
	return b;
}

static void check_bytes(const char *what, uint64_t got, uint64_t wanted)
{
	if (got != wanted) {
		fprintf(stderr, "%s: %llu bytes arrived instead of %llu\n", what,
			(unsigned long long)got, (unsigned long long)wanted);
		exit(1);
	}
}

/* --- the floor ------------------------------------------------------------------------------- */

static void send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		struct pollfd pfd = {.fd = fd, .events = POLLOUT};

		if (n < 0 && errno != EAGAIN)
			die("send");
		if (n < 0)
			poll(&pfd, 1, -1);
		else {
			bytes += n;
			len -= (size_t)n;
		}
	}
}

static double run_bare(int clients, int batch)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	int listener = socket(AF_INET, SOCK_STREAM, 0), ep = epoll_create1(0), fds[CLIENTS_MAX];
	int rounds = SENDS / clients, on = 1;
	struct buf frames = make_frames(batch);
	struct epoll_event events[64];
	struct readers r;
	double begin, us;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(listener, 1024) < 0)
		die("listen");
	getsockname(listener, (struct sockaddr *)&sa, &len);
	r = readers_start(ntohs(sa.sin_port), clients, false, NULL);
	for (int i = 0; i < clients; i++) {
		struct epoll_event e = {.events = EPOLLIN};

		fds[i] = accept(listener, NULL, NULL);
		setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* as lws does */
		epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &e);
	}
	begin = cpu_us();
	for (int n = 0; n < rounds; n++) {
		epoll_wait(ep, events, 64, 0);
		for (int i = 0; i < clients; i++)
			send_all(fds[i], frames.data, frames.len);
	}
	us = cpu_us() - begin;
	for (int i = 0; i < clients; i++)
		close(fds[i]);
	close(listener);
	close(ep);
	check_bytes("send", readers_end(&r), (uint64_t)rounds * (uint64_t)clients * frames.len);
	buf_fini(&frames);
	return us / rounds / clients / batch;
}

/* --- ours ------------------------------------------------------------------------------------ */

struct fan {
	struct loop loop;
	struct clock clock;
	struct ws_conn *conns[CLIENTS_MAX];
	int n, closed;
	bool is_gone;
};

static void *on_open(void *arg, struct ws_conn *c, const struct ws_handshake *h)
{
	struct fan *f = arg;

	(void)h;
	f->conns[f->n++] = c;
	return f;
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

static void on_close(void *user, struct ws_conn *c, int code, const char *reason)
{
	struct fan *f = user;

	(void)c;
	(void)code;
	(void)reason;
	f->closed++;
}

static void on_gone(void *arg)
{
	((struct fan *)arg)->is_gone = true;
}

static const struct ws_callbacks callbacks = {
	.on_open = on_open, .on_message = on_message, .on_close = on_close};

static void fan_send(struct fan *f, struct ws_conn *c, const struct buf *frames)
{
	enum ws_sent rc;

	while ((rc = ws_conn_send(c, frames->data, frames->len)) == WS_FULL)
		uv_run(&f->loop.uv, UV_RUN_ONCE);
	if (rc != WS_SENT)
		die("ws_conn_send");
}

static bool is_behind(const struct fan *f)
{
	for (int i = 0; i < f->n; i++) {
		if (ws_conn_is_behind(f->conns[i]))
			return true;
	}
	return false;
}

/* `files` NULL: plain. */
static double run_ws(int clients, int batch, struct tls_files *files)
{
	char cert[128], key[128], ca[128];
	struct fan *f = mem_zalloc(sizeof(*f));
	struct ws_server_config cfg = {.name = "bench",
				       .host = "127.0.0.1",
				       .callbacks = &callbacks,
				       .arg = f,
				       .message_max_bytes = 1000};
	struct buf frames = make_frames(batch);
	int rounds = SENDS / clients;
	struct agni_err err = {0};
	struct ws_server *s;
	struct readers r;
	uint64_t got, wanted;
	struct ws *ws;
	double begin, us;

	clock_init(&f->clock, CLOCK_SYSTEM);
	if (files) {
		snprintf(cert, sizeof(cert), "%s", tls_files_path(files, "good.pem"));
		snprintf(key, sizeof(key), "%s", tls_files_path(files, "good.key"));
		snprintf(ca, sizeof(ca), "%s", tls_files_path(files, "ca.pem"));
		cfg.tls_cert = cert;
		cfg.tls_key = key;
	}
	if (loop_init(&f->loop, &f->clock) != 0 || ws_create(&f->loop, &ws, &err) != 0 ||
	    ws_server_create(ws, &cfg, &s, &err) != 0)
		die(err.text);
	r = readers_start(ws_server_port(s), clients, true, files ? ca : NULL);
	while (f->n < clients)
		uv_run(&f->loop.uv, UV_RUN_ONCE);
	begin = cpu_us();
	for (int n = 0; n < rounds; n++) {
		uv_run(&f->loop.uv, UV_RUN_NOWAIT);
		for (int i = 0; i < clients; i++)
			fan_send(f, f->conns[i], &frames);
	}
	while (is_behind(f))
		uv_run(&f->loop.uv, UV_RUN_ONCE);
	us = cpu_us() - begin;
	ws_destroy(ws, on_gone, f);
	while (!f->is_gone)
		uv_run(&f->loop.uv, UV_RUN_ONCE);
	wanted = ((uint64_t)rounds * frames.len + (files ? 0 : ANSWER_BYTES)) * (uint64_t)clients;
	got = readers_end(&r);
	check_bytes("ws", files && got > wanted ? wanted : got,
		    wanted); /* TLS adds to each record */
	if (loop_fini(&f->loop) != 0 || f->closed != clients)
		die("loop_fini");
	buf_fini(&frames);
	free(f);
	return us / rounds / clients / batch;
}

/* --- the table ------------------------------------------------------------------------------- */

static double median(double a[RUNS])
{
	double low = a[0] < a[1] ? a[0] : a[1], high = a[0] < a[1] ? a[1] : a[0];

	return a[2] < low ? low : a[2] > high ? high : a[2];
}

static double median_ws(int clients, int batch, struct tls_files *files)
{
	double us[RUNS];

	for (int i = 0; i < RUNS; i++)
		us[i] = run_ws(clients, batch, files);
	return median(us);
}

/* The log's warning about a certificate of one day is not for this table. */
static void print_tls(const int *batches, size_t n)
{
	struct tls_files files;

	if (!tls_files_make(&files)) {
		printf("\n  no openssl command here: nothing over TLS\n");
		return;
	}
	log_setup(LOG_ERROR, LOG_TEXT);
	printf("\n  clients  messages a send        over TLS\n");
	for (size_t j = 0; j < n; j++) {
		printf("  %7d  %15d  %14.3f\n", TLS_CLIENTS, batches[j],
		       median_ws(TLS_CLIENTS, batches[j], &files));
		fflush(stdout);
	}
	tls_files_remove(&files);
}

int main(void)
{
	static const int clients[] = {100, 1000}, batches[] = {1, 32};
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	printf("CPU of the server per delivered message of %d bytes, microseconds\n\n", PAYLOAD);
	printf("  clients  messages a send   bare send   ws_conn_send   ratio\n");
	for (size_t k = 0; k < ARRAY_LEN(clients); k++) {
		for (size_t j = 0; j < ARRAY_LEN(batches); j++) {
			double bare[RUNS], ws[RUNS];

			for (int i = 0; i < RUNS; i++) {
				bare[i] = run_bare(clients[k], batches[j]);
				ws[i] = run_ws(clients[k], batches[j], NULL);
			}
			printf("  %7d  %15d  %10.3f  %13.3f  %6.2f\n", clients[k], batches[j],
			       median(bare), median(ws), median(ws) / median(bare));
			fflush(stdout);
		}
	}
	print_tls(batches, ARRAY_LEN(batches));
	return 0;
}
