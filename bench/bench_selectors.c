/* SPDX-License-Identifier: MIT
 *
 * bench_selectors: a thousand clients with selectors of their own on the broker's whole instrument master, while the
 * money moves by a strike each second: the longest turn of the loop, in the thread's own time, and for
 * how long the last client waits for what its selector means now.
 *
 * The clients live in a forked process that reads all that comes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../test/lib/data.h"
#include "core/log.h"
#include "refdata/refdata.h"
#include "stream/stream.h"

#define CLIENTS 1000
#define SECONDS 8
#define INDEX   "NSE_INDEX|Nifty 50"
#define BANK    "NSE_INDEX|Nifty Bank"
#define NOW     1768278600000 /* 2026-01-13 10:00 IST: the day of the file */

struct hall {
	struct clock clock;
	struct loop loop;
	struct book book;
	struct tape tape;
	struct interest interest;
	struct upstream_view view;
	struct refdata *refdata;
	struct module *refdata_mod;
	struct ws *ws;
	struct stream_config cfg;
	struct stream *stream;
	struct module *mod;
	unsigned done; /* parts that have stopped */
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double ms_of(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* --- the clients ------------------------------------------------------------------------------ */

/* So many texts that no two clients have the same one: the spaces make the rest of the difference. */
static int selector_of(int i, char out[128])
{
	static const char *const expiry[] = {"current", "next", "monthly"};
	static const char *const side[] = {"", ":CE", ":PE"};

	return snprintf(out, 128, "%sNIFTY:%s:%*sATM+-%d%s", i % 2 ? "BANK" : "",
			i % 2 ? "monthly" : expiry[i / 2 % 3], i / 180, "", i / 18 % 10,
			side[i / 6 % 3]);
}

/* A masked text frame; the mask is zero. */
static size_t frame_of(const char *text, char *out)
{
	size_t n = strlen(text);

	out[0] = (char)0x81;
	out[1] = (char)(0x80 | 126);
	out[2] = (char)(n >> 8);
	out[3] = (char)n;
	memset(out + 4, 0, 4);
	memcpy(out + 8, text, n);
	return n + 8;
}

static int join(int port, int i)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char text[512], selector[128], out[1024];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ssize_t n;

	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("connect");
	n = snprintf(text, sizeof(text),
		     "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
		     "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		     "Sec-WebSocket-Version: 13\r\n\r\n",
		     port);
	if (write(fd, text, (size_t)n) != n || read(fd, out, sizeof(out)) <= 0)
		die("handshake");
	selector_of(i, selector);
	snprintf(text, sizeof(text),
		 "{\"action\":\"subscribe\",\"mode\":\"ltpc\",\"instruments\":[\"%s\"]}", selector);
	n = (ssize_t)frame_of(text, out);
	if (write(fd, out, (size_t)n) != n)
		die("subscribe");
	return fd;
}

static void crowd(int port)
{
	static struct pollfd fds[CLIENTS];
	static char bytes[65536];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = (struct pollfd){.fd = join(port, i), .events = POLLIN};
	while (poll(fds, CLIENTS, -1) > 0) {
		for (int i = 0; i < CLIENTS; i++) {
			if (fds[i].revents && read(fds[i].fd, bytes, sizeof(bytes)) <= 0)
				exit(0);
		}
	}
	exit(0);
}

/* --- the server ------------------------------------------------------------------------------- */

static void get_status(const void *arg, struct upstream_status *out)
{
	(void)arg;
	*out = (struct upstream_status){.state = "live",
					.why = "",
					.code = "",
					.is_live = true,
					.is_connected = true,
					.is_session_open = true};
}

static bool is_stale(const void *arg, inst_id id)
{
	(void)arg;
	(void)id;
	return false;
}

static bool is_known(const void *arg, const char *key, size_t len)
{
	return refdata_is_known(((const struct hall *)arg)->refdata, key, len);
}

static unsigned select_keys(const void *arg, const char *text, size_t len, price_t *middle,
			    refdata_key_fn *fn, void *fn_arg, struct resolve_miss *miss)
{
	return refdata_select(((const struct hall *)arg)->refdata, text, len, middle, fn, fn_arg,
			      miss);
}

static const char *money_key(const void *arg, const char *text, size_t len)
{
	return refdata_money_key(((const struct hall *)arg)->refdata, text, len);
}

static void tick(struct hall *h, const char *key, double price)
{
	struct tick t = {.key = key, .key_len = (uint32_t)strlen(key)};
	struct tick_meta meta = {.ts_ms = NOW, .recv_mono = clock_mono(&h->clock)};
	inst_id id = instruments_intern(&h->book.instruments, key, strlen(key));
	struct slot *slot;

	t.q.present = QUOTE_LTP | QUOTE_MSG_LTPC;
	t.q.arm = ARM_LTPC;
	if (!price_from_double(price, &t.q.ltp))
		exit(1);
	tape_begin(&h->tape, &meta);
	slot = book_merge(&h->book, id, &t, &meta);
	book_publish(&h->book, id, slot, tape_append(&h->tape, id, &t));
	tape_end(&h->tape);
	book_turn(&h->book, NOW);
}

static void hall_open(struct hall *h, const struct refdata_config *cfg)
{
	static char listen_at[] = "127.0.0.1:0", none[] = "";
	struct agni_err err = {0};

	clock_init(&h->clock, CLOCK_FEED);
	clock_see_market(&h->clock, NOW);
	if (loop_init(&h->loop, &h->clock) != 0 || ws_create(&h->loop, &h->ws, &err) != 0)
		die(err.text);
	book_init(&h->book, 16384);
	tape_init(&h->tape, 16 << 20);
	interest_init(&h->interest);
	h->view = (struct upstream_view){.status = get_status, .is_stale = is_stale, .arg = h};
	h->refdata = refdata_create(&(struct refdata_deps){.loop = &h->loop,
							   .book = &h->book,
							   .interest = &h->interest,
							   .cfg = cfg,
							   .master_url = ""});
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
					.pong_s = 10};
	h->stream = stream_create(&(struct stream_deps){.loop = &h->loop,
							.ws = h->ws,
							.book = &h->book,
							.tape = &h->tape,
							.interest = &h->interest,
							.cfg = &h->cfg,
							.http_listen = "",
							.source = "bench",
							.is_known = is_known,
							.select = select_keys,
							.money_key = money_key,
							.known_arg = h,
							.upstream = &h->view});
	h->refdata_mod = refdata_module(h->refdata);
	h->mod = stream_module(h->stream);
	if (h->refdata_mod->ops->start(h->refdata_mod, &err) != 0 ||
	    h->mod->ops->start(h->mod, &err) != 0 || h->mod->ops->listen(h->mod, &err) != 0)
		die(err.text);
	h->refdata_mod->ops->begin(h->refdata_mod);
	while (!refdata_count(h->refdata))
		uv_run(&h->loop.uv, UV_RUN_ONCE);
}

/* --- what is measured ------------------------------------------------------------------------- */

struct figures {
	double turn_max, cpu; /* ms */
	unsigned turns;       /* of more than 0.1 ms */
};

/* The loop for so long. */
static void run_for(struct hall *h, double ms, struct figures *f)
{
	double until = ms_of(CLOCK_MONOTONIC) + ms;

	while (ms_of(CLOCK_MONOTONIC) < until) {
		double from = ms_of(CLOCK_THREAD_CPUTIME_ID), took;

		uv_run(&h->loop.uv, UV_RUN_ONCE);
		took = ms_of(CLOCK_THREAD_CPUTIME_ID) - from;
		f->turn_max = took > f->turn_max ? took : f->turn_max;
		f->turns += took > 0.1;
		f->cpu += took;
	}
}

static uint64_t metric(const struct hall *h, const char *name)
{
	for (const struct metric *m = h->mod->ops->metrics; m->name; m++) {
		if (strcmp(m->name, name) == 0)
			return *(const uint64_t *)(const void *)((const char *)h->mod -
								 h->mod->ops->mod_offset +
								 m->offset);
	}
	return 0;
}

static void print(const char *what, const struct figures *f)
{
	printf("%-34s %8.2f ms %12.1f ms/s %10.1f turns/s\n", what, f->turn_max, f->cpu / SECONDS,
	       (double)f->turns / SECONDS);
}

int main(void)
{
	static struct hall h;
	const char *path = data_path("instruments/upstox_nse_20260113.json.gz");
	char file[1024], empty[1] = "";
	struct refdata_config cfg = {.master = file,
				     .watch = empty,
				     .watch_option_greeks = empty,
				     .watch_ltpc = empty,
				     .watch_max = 1,
				     .refresh_s = 604800};
	struct figures still = {0}, moving = {0}, unused = {0};
	struct rlimit limit;
	pid_t pid;

	if (!path) {
		puts("no data set: instruments/upstox_nse_20260113.json.gz");
		return 0;
	}
	snprintf(file, sizeof(file), "%s", path);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	log_setup(LOG_ERROR, LOG_TEXT);
	hall_open(&h, &cfg);
	tick(&h, INDEX, 25700);
	tick(&h, BANK, 59400);
	pid = fork();
	if (pid == 0)
		crowd(stream_port(h.stream));
	run_for(&h, 4000, &unused);
	printf("%llu clients, each with a selector of its own, in %llu views, that ask for %u "
	       "instruments\n"
	       "%-34s %11s %17s %17s\n",
	       (unsigned long long)metric(&h, "clients"), (unsigned long long)metric(&h, "views"),
	       h.interest.tops[WANT_LTPC], "", "longest turn", "of the thread", "above 0.1 ms");
	run_for(&h, SECONDS * 1000, &still);
	print("the price stands still", &still);
	for (int i = 0; i < SECONDS; i++) {
		tick(&h, INDEX, 25700 + (i % 2 ? 0 : 50));
		tick(&h, BANK, 59400 + (i % 2 ? 0 : 100));
		run_for(&h, 1000, &moving);
	}
	print("all of them move, each second", &moving);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}
