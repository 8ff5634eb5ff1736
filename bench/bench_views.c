/* SPDX-License-Identifier: MIT
 *
 * bench_views: what the broadcaster costs: CPU per delivered tick of clients that share a view, beside a bare loop of
 * send(2) with the same bytes; of a thousand different views under policy interval; memory
 * of idle clients; and whether memory comes back after a crowd.
 *
 * The clients live in a forked process that drains their sockets; how much has come is in memory
 * that both see, so that a turn begins when the one before has arrived. Figures: bench_views [cpu]
 * [interval] [memory] [stuck] [crowd]; without a word all but the crowd, which takes minutes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "core/rand.h"
#include "stream/stream.h"

#define UNIVERSE 2000 /* instruments that tick */
#define VIEW     50   /* of them, of one client */
#define RUNS     3

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

static double rss_kb(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*d %ld", &pages) != 1)
		die("statm");
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
}

/* --- the clients ------------------------------------------------------------------------------ */

/* What they want, and what has come; shared by both processes. */
struct crowd {
	int port, n;
	bool is_ws;
	const char *policy; /* members of the command, with a comma in front */
	int views;          /* different ones */
	int universe;       /* instruments that they choose from */
	int deaf;           /* the first so many never read */
	_Atomic uint64_t bytes, answers;
	_Atomic bool is_over;
	pid_t pid;
};

static struct crowd *crowd_create(void)
{
	struct crowd *c =
		mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (c == MAP_FAILED)
		die("mmap");
	*c = (struct crowd){.is_ws = true, .policy = "", .views = 1, .universe = UNIVERSE};
	return c;
}

static const char request[] = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
			      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/* A masked frame with zeros for a mask. */
static void put_frame(struct buf *out, const char *text, size_t len)
{
	const unsigned char head[] = {
		0x81, 0x80 | 126, (unsigned char)(len >> 8), (unsigned char)len, 0, 0, 0, 0};

	buf_append(out, head, sizeof(head));
	buf_append(out, text, len);
}

static void put_subscribe(struct buf *out, const struct crowd *c, int view)
{
	struct rng rng = {(uint64_t)view + 1};
	struct buf text = {0};

	buf_str(&text, "{\"action\":\"subscribe\",\"mode\":\"ltpc\",\"instruments\":[");
	for (int i = 0; i < VIEW; i++) {
		int slice = c->universe / VIEW;

		buf_printf(&text, "%s\"NSE_FO|%d\"", i ? "," : "",
			   100000 + i * slice + (int)rng_below(&rng, (uint64_t)slice));
	}
	buf_printf(&text, "]%s}", c->policy);
	put_frame(out, text.data, text.len);
	buf_fini(&text);
}

static int crowd_connect(const struct crowd *c, int i)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), small = 4096;
	struct buf out = {0};

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (i < c->deaf)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die("connect");
	if (c->is_ws) {
		char byte[4];

		buf_append(&out, request, sizeof(request) - 1);
		if (send(fd, out.data, out.len, 0) < 0 || recv(fd, byte, 1, 0) != 1)
			die("handshake");
		buf_reset(&out);
		put_subscribe(&out, c, i % c->views);
		if (send(fd, out.data, out.len, 0) < 0)
			die("send");
	}
	buf_fini(&out);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void crowd_live(struct crowd *c)
{
	static char sink[1 << 18];
	struct epoll_event events[256];
	int ep = epoll_create1(0);

	for (int i = 0; i < c->n; i++) {
		struct epoll_event e = {.events = EPOLLIN};

		e.data.fd = crowd_connect(c, i);
		if (i >= c->deaf)
			epoll_ctl(ep, EPOLL_CTL_ADD, e.data.fd, &e);
	}
	while (!c->is_over) {
		int k = epoll_wait(ep, events, 256, 20);

		for (int i = 0; i < k; i++) {
			ssize_t got = read(events[i].data.fd, sink, sizeof(sink));

			if (got > 0)
				c->bytes += (uint64_t)got;
			else if (got == 0 || errno != EAGAIN)
				epoll_ctl(ep, EPOLL_CTL_DEL, events[i].data.fd, NULL);
		}
	}
	_exit(0);
}

static void crowd_start(struct crowd *c, int port, int n)
{
	c->port = port;
	c->n = n;
	fflush(stdout);
	c->pid = fork();
	if (c->pid < 0)
		die("fork");
	if (c->pid == 0)
		crowd_live(c);
}

static void crowd_end(struct crowd *c)
{
	c->is_over = true;
	waitpid(c->pid, NULL, 0);
	munmap(c, sizeof(*c));
}

/* --- the server ------------------------------------------------------------------------------- */

struct hall {
	struct clock clock;
	struct loop loop;
	struct ws *ws;
	struct book book;
	struct tape tape;
	struct interest interest;
	struct upstream_view view;
	struct stream_config cfg;
	struct stream *stream;
	struct module *mod;
	uint64_t n; /* ticks made */
	bool is_done;
};

static bool is_known(const void *arg, const char *key, size_t len)
{
	(void)arg;
	(void)key;
	return len > 0;
}

static void get_status(const void *arg, struct upstream_status *out)
{
	(void)arg;
	*out = (struct upstream_status){.state = "live", .why = "", .is_live = true};
}

static bool is_stale(const void *arg, inst_id id)
{
	(void)arg;
	(void)id;
	return false;
}

/* `sndbuf` of a client's socket; 0: the kernel's. */
static struct hall *hall_open(int sndbuf)
{
	struct hall *h = mem_zalloc(sizeof(*h));
	struct agni_err err = {0};
	static char listen_at[] = "127.0.0.1:0", none[] = "";

	clock_init(&h->clock, CLOCK_SYSTEM);
	if (loop_init(&h->loop, &h->clock) != 0 || ws_create(&h->loop, &h->ws, &err) != 0)
		die(err.text);
	book_init(&h->book, 16384);
	tape_init(&h->tape, 16 << 20);
	interest_init(&h->interest);
	h->view = (struct upstream_view){.status = get_status, .is_stale = is_stale, .arg = h};
	h->cfg = (struct stream_config){.listen = listen_at,
					.tls_cert = none,
					.tls_key = none,
					.origins = none,
					.max_clients = 100000,
					.max_subscriptions = 5000,
					.message_max_bytes = 262144,
					.commands_per_s = 50,
					.stall_ms = 600000,
					.heartbeat_s = 3600,
					.ping_s = 3600,
					.pong_s = 10,
					.sndbuf_bytes = sndbuf};
	h->stream = stream_create(&(struct stream_deps){.loop = &h->loop,
							.ws = h->ws,
							.book = &h->book,
							.tape = &h->tape,
							.interest = &h->interest,
							.cfg = &h->cfg,
							.http_listen = "",
							.source = "bench",
							.is_known = is_known,
							.upstream = &h->view});
	h->mod = stream_module(h->stream);
	if (h->mod->ops->start(h->mod, &err) != 0 || h->mod->ops->listen(h->mod, &err) != 0)
		die(err.text);
	return h;
}

static struct hall *closing; /* the one that is */

static void on_stopped(struct module *m)
{
	(void)m;
	closing->is_done = true;
}

static void on_gone(void *arg)
{
	((struct hall *)arg)->is_done = true;
}

static void hall_close(struct hall *h)
{
	closing = h;
	h->mod->ops->stop(h->mod, on_stopped);
	while (!h->is_done)
		uv_run(&h->loop.uv, UV_RUN_ONCE);
	h->is_done = false;
	ws_destroy(h->ws, on_gone, h);
	while (!h->is_done)
		uv_run(&h->loop.uv, UV_RUN_ONCE);
	stream_destroy(h->stream);
	interest_fini(&h->interest);
	tape_fini(&h->tape);
	book_fini(&h->book);
	if (loop_fini(&h->loop) != 0)
		die("loop_fini");
	free(h);
}

static uint64_t metric(const struct hall *h, const char *name)
{
	for (const struct metric *m = h->mod->ops->metrics; m->name; m++) {
		if (strcmp(m->name, name) == 0)
			return *(const uint64_t *)((const char *)h->stream + m->offset);
	}
	die(name);
	return 0;
}

/* Ticks of one message; of instruments in turn, the first `spread` of the universe. */
static void hall_tick(struct hall *h, int n, int spread)
{
	struct tick_meta meta = {.ts_ms = clock_wall_ms(&h->clock),
				 .recv_ms = clock_wall_ms(&h->clock),
				 .recv_mono = clock_mono(&h->clock)};
	char key[32];

	tape_begin(&h->tape, &meta);
	for (int i = 0; i < n; i++) {
		int number = 100000 + (int)(h->n++ * 7919 % (uint64_t)spread);
		size_t len = (size_t)snprintf(key, sizeof(key), "NSE_FO|%d", number);
		inst_id id = instruments_intern(&h->book.instruments, key, len);
		struct tick tick = {.key = key,
				    .key_len = (uint32_t)len,
				    .q = {.present = QUOTE_LTP | QUOTE_LTT | QUOTE_CP | QUOTE_LTQ,
					  .arm = ARM_LTPC,
					  .ltp = 1000000 + (price_t)(h->n % 10000),
					  .ltq = 75,
					  .cp = 1000000,
					  .ltt = meta.ts_ms}};
		struct slot *slot = book_merge(&h->book, id, &tick, &meta);

		book_publish(&h->book, id, slot, tape_append(&h->tape, id, &tick));
	}
	tape_end(&h->tape);
	book_turn(&h->book, meta.ts_ms);
}

static void hall_turn(struct hall *h)
{
	uv_run(&h->loop.uv, UV_RUN_NOWAIT);
}

/* Until all have come, subscribed, and got what they are owed. */
static void hall_fill(struct hall *h, struct crowd *c)
{
	uint64_t had = UINT64_MAX;

	while (metric(h, "commands_total") < (uint64_t)c->n) {
		hall_turn(h);
		nap();
	}
	while (had != c->bytes) {
		had = c->bytes;
		for (int i = 0; i < 100; i++) {
			hall_turn(h);
			nap();
		}
	}
}

/* --- the figures ------------------------------------------------------------------------------ */

static double median(double a[RUNS])
{
	double low = a[0] < a[1] ? a[0] : a[1], high = a[0] < a[1] ? a[1] : a[0];

	return a[2] < low ? low : a[2] > high ? high : a[2];
}

/* Microseconds per delivered tick; *bytes is what one client gets in a turn. */
static double run_shared(int clients, int batch, const char *policy, uint64_t *bytes)
{
	struct hall *h = hall_open(0);
	struct crowd *c = crowd_create();
	int rounds = batch < 100 ? 60 : 20;
	double us = 0;
	uint64_t begin;

	c->universe = VIEW;
	c->policy = policy;
	crowd_start(c, stream_port(h->stream), clients);
	hall_fill(h, c);
	hall_tick(h, VIEW, VIEW);
	hall_fill(h, c);
	begin = metric(h, "bytes_total");
	for (int i = 0; i < rounds; i++) {
		uint64_t had = c->bytes, sent = metric(h, "bytes_total");
		double at = cpu_us();

		hall_tick(h, batch, VIEW);
		hall_turn(h);
		while (metric(h, "bytes_total") == sent)
			hall_turn(h);
		us += cpu_us() - at;
		while (c->bytes - had < metric(h, "bytes_total") - sent) {
			hall_turn(h);
			nap();
		}
	}
	*bytes = (metric(h, "bytes_total") - begin) / (uint64_t)(rounds * clients);
	crowd_end(c);
	hall_close(h);
	return us / rounds / clients / batch;
}

static double run_bare(int clients, int batch, uint64_t bytes)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	int *fds = mem_alloc((size_t)clients * sizeof(*fds)), rounds = batch < 100 ? 60 : 20;
	char *frame = mem_zalloc(bytes);
	struct crowd *c = crowd_create();
	double us = 0;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(listener, 1024) < 0)
		die("listen");
	getsockname(listener, (struct sockaddr *)&sa, &len);
	c->is_ws = false;
	crowd_start(c, ntohs(sa.sin_port), clients);
	for (int i = 0; i < clients; i++) {
		fds[i] = accept(listener, NULL, NULL);
		setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	for (int r = 0; r < rounds; r++) {
		uint64_t had = c->bytes;
		double at = cpu_us();

		for (int i = 0; i < clients; i++) {
			if (send(fds[i], frame, bytes, MSG_DONTWAIT) != (ssize_t)bytes)
				die("send");
		}
		us += cpu_us() - at;
		while (c->bytes - had < bytes * (uint64_t)clients)
			nap();
	}
	for (int i = 0; i < clients; i++)
		close(fds[i]);
	close(listener);
	crowd_end(c);
	free(frame);
	free(fds);
	return us / rounds / clients / batch;
}

static void print_cpu(void)
{
	static const int batches[] = {1, 32, 256};
	static const char *const policies[] = {"", ",\"policy\":\"all\""};

	printf("CPU of the server per delivered tick, 1,000 clients of one view, microseconds\n\n");
	printf("  policy  ticks a turn  bytes a turn  bare send    stream   ratio\n");
	for (size_t p = 0; p < ARRAY_LEN(policies); p++) {
		for (size_t j = 0; j < ARRAY_LEN(batches); j++) {
			double bare[RUNS], ours[RUNS];
			uint64_t bytes = 0;

			for (int i = 0; i < RUNS; i++) {
				ours[i] = run_shared(1000, batches[j], policies[p], &bytes);
				bare[i] = run_bare(1000, batches[j], bytes);
			}
			printf("  %6s  %12d  %12llu  %9.3f  %8.3f  %6.2f\n", p ? "all" : "latest",
			       batches[j], (unsigned long long)bytes, median(bare), median(ours),
			       median(ours) / median(bare));
			fflush(stdout);
		}
	}
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* 20,000 ticks a second come in, 20 each millisecond; share of a core for `seconds`. */
static double run_paced(struct hall *h, double seconds)
{
	double begin = now_s(), at = cpu_us(), us;
	int done = 0;

	while (now_s() < begin + seconds) {
		if (done < (int)((now_s() - begin) * 1000)) {
			hall_tick(h, 20, UNIVERSE);
			done++;
			hall_turn(h);
		} else {
			nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
		}
	}
	us = cpu_us() - at;
	return us / 1e4 / (now_s() - begin);
}

static void print_interval(void)
{
	struct hall *h = hall_open(0);
	struct crowd *c = crowd_create();
	double idle = run_paced(h, 2), busy;
	uint64_t frames;

	c->policy = ",\"policy\":\"interval\",\"interval_ms\":250";
	c->views = 1000;
	crowd_start(c, stream_port(h->stream), 1000);
	hall_fill(h, c);
	frames = metric(h, "frames_total");
	busy = run_paced(h, 4);
	printf("\n1,000 different views of %d of %d instruments, interval 250 ms, 20,000 ticks/s "
	       "in: "
	       "%.1f %% of a core, %.1f %% without clients; %llu frames/s\n",
	       VIEW, UNIVERSE, busy, idle,
	       (unsigned long long)(metric(h, "frames_total") - frames) / 4);
	crowd_end(c);
	hall_close(h);
}

static void print_memory(int views)
{
	struct hall *h = hall_open(0);
	struct crowd *warm = crowd_create(), *c = crowd_create();
	double before, after;

	for (int i = 0; i < UNIVERSE / 20; i++)
		hall_tick(h, 20, UNIVERSE);
	hall_turn(h);
	warm->views = 100;
	crowd_start(warm, stream_port(h->stream), 100); /* so that pools and tables are there */
	hall_fill(h, warm);
	before = rss_kb();
	c->views = views;
	crowd_start(c, stream_port(h->stream), 1000);
	while (metric(h, "commands_total") < 1100) {
		hall_turn(h);
		nap();
	}
	hall_fill(h, c);
	after = rss_kb();
	printf("\nmemory of an idle client with %d subscriptions, %4d different views: %.2f KiB\n",
	       VIEW, views, (after - before) / 1000);
	crowd_end(warm);
	crowd_end(c);
	hall_close(h);
}

/* A turn, and until all that it sent has arrived. */
static void turn_and_wait(struct hall *h, struct crowd *c)
{
	uint64_t had = c->bytes, sent = metric(h, "bytes_total");

	do {
		hall_turn(h);
	} while (metric(h, "bytes_total") == sent);
	while (c->bytes - had < metric(h, "bytes_total") - sent) {
		hall_turn(h);
		nap();
	}
}

/* Beside readers that never read: memory stays, and the others get all. */
static void print_stuck(void)
{
	struct hall *h = hall_open(0);
	struct crowd *c = crowd_create();
	uint64_t quotes, conflated;
	double first, last;

	c->deaf = 1000;
	c->universe = VIEW;
	crowd_start(c, stream_port(h->stream), 1200);
	hall_fill(h, c);
	while (metric(h, "full_total") < 1000) {
		hall_tick(h, VIEW, VIEW);
		hall_turn(h);
		nap();
	}
	hall_fill(h, c);
	first = rss_kb();
	quotes = metric(h, "quotes_total");
	conflated = metric(h, "conflated_total");
	for (int i = 0; i < 2000; i++) {
		hall_tick(h, VIEW, VIEW);
		turn_and_wait(h, c);
	}
	last = rss_kb();
	printf("\n1,000 stuck beside 200: memory %.0f KiB, after 100,000 ticks %.0f KiB; the 200 "
	       "got "
	       "%llu quotes of %d, %llu conflated\n",
	       first, last, (unsigned long long)(metric(h, "quotes_total") - quotes),
	       2000 * VIEW * 200, (unsigned long long)(metric(h, "conflated_total") - conflated));
	crowd_end(c);
	hall_close(h);
}

static void crowd_visit(struct hall *h)
{
	struct crowd *c = crowd_create();

	c->views = 5000;
	crowd_start(c, stream_port(h->stream), 5000);
	while (metric(h, "clients") < 5000) {
		hall_turn(h);
		nap();
	}
	for (int i = 0; i < 200; i++) {
		hall_turn(h);
		nap();
	}
	for (int i = 0; i < 100; i++) {
		hall_tick(h, 1000, UNIVERSE);
		hall_turn(h);
	}
	crowd_end(c);
	while (metric(h, "clients") > 0) {
		hall_turn(h);
		nap();
	}
	hall_turn(h);
	malloc_trim(0);
}

static void print_crowd(void)
{
	struct hall *h = hall_open(0);
	double begin;

	for (int i = 0; i < 100; i++)
		hall_tick(h, 20, UNIVERSE);
	hall_turn(h);
	malloc_trim(0);
	begin = rss_kb();
	printf("\n5,000 clients come, live through 100,000 ticks, and go: memory %.0f KiB before",
	       begin);
	for (int i = 0; i < 3; i++) {
		crowd_visit(h);
		printf(", %.0f KiB after visit %d (%llu in use)", rss_kb(), i + 1,
		       (unsigned long long)mallinfo2().uordblks / 1024);
		fflush(stdout);
	}
	printf("\n");
	hall_close(h);
}

static void print_memory_shared(void)
{
	print_memory(1);
}

static void print_memory_different(void)
{
	print_memory(1000);
}

static bool is_asked(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], word) == 0)
			return true;
	}
	return argc == 1 && strcmp(word, "crowd") != 0;
}

/* In a process of its own: what one leaves in the heap is not the next one's. */
static void run_alone(void (*print)(void))
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		print();
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		exit(1);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *word;
		void (*print)(void);
	} figures[] = {
		{"cpu", print_cpu},
		{"interval", print_interval},
		{"memory", print_memory_shared},
		{"memory", print_memory_different},
		{"stuck", print_stuck},
		{"crowd", print_crowd},
	};
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	log_setup(LOG_ERROR, LOG_TEXT);
	for (size_t i = 0; i < ARRAY_LEN(figures); i++) {
		if (is_asked(argc, argv, figures[i].word))
			run_alone(figures[i].print);
	}
	return 0;
}
