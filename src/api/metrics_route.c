/* SPDX-License-Identifier: MIT
 *
 * metrics_route: GET /metrics: every module's table, then the process's own figures.
 */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "api/api_internal.h"

uint64_t api_rss_bytes(void)
{
	unsigned long long total, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f) {
		if (fscanf(f, "%llu %llu", &total, &resident) != 2)
			resident = 0;
		fclose(f);
	}
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 3; /* ".", ".." and this folder's own descriptor */
}

static void gauge(struct buf *b, const char *name, const char *help, uint64_t v)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s gauge\n%s %llu\n", name, help, name, name,
		   (unsigned long long)v);
}

void api_metrics(void *arg, struct http_request *r)
{
	const struct api *a = arg;
	const struct book *book = a->deps.book;
	static const struct metric book_table[] = {
		{"ticks_total", "Ticks merged", METRIC_COUNTER, offsetof(struct book, ticks)},
		{"repeats_total", "Ticks that changed nothing", METRIC_COUNTER,
		 offsetof(struct book, repeats)},
		{"old_ltt_total", "Ticks whose last trade lies before the known one",
		 METRIC_COUNTER, offsetof(struct book, old_ltt)},
		{"old_volume_total", "Ticks whose day volume lies below the known one",
		 METRIC_COUNTER, offsetof(struct book, old_vtt)},
		{0},
	};
	static const struct metric http_table[] = {
		{"connections", "REST connections", METRIC_GAUGE,
		 offsetof(struct http_stats, connections)},
		{"connections_total", "REST connections accepted", METRIC_COUNTER,
		 offsetof(struct http_stats, connections_total)},
		{"requests_total", "REST requests that reached the table of routes", METRIC_COUNTER,
		 offsetof(struct http_stats, requests_total)},
		{"refused_total", "Requests answered 4xx or 5xx before a route was asked",
		 METRIC_COUNTER, offsetof(struct http_stats, refused_total)},
		{"tls_handshakes_total", "TLS handshakes that were completed", METRIC_COUNTER,
		 offsetof(struct http_stats, tls_handshakes_total)},
		{"tls_failed_total", "TLS handshakes that came to nothing", METRIC_COUNTER,
		 offsetof(struct http_stats, tls_failed_total)},
		{0},
	};
	struct buf b = {0};

	tape_flush(a->deps.tape); /* counters of one moment: what was counted is on the tape */
	metrics_render(&b, "book", book_table, book);
	metrics_render(&b, "http", http_table, http_server_stats(a->server));
	for (size_t i = 0; i < a->deps.modules_n; i++) {
		const struct module *m = a->deps.modules[i];

		if (m->ops->metrics)
			metrics_render(&b, m->ops->name, m->ops->metrics,
				       (const char *)m - m->ops->mod_offset);
	}
	gauge(&b, "agnidata_book_instruments", "Instruments with state", book->live);
	gauge(&b, "agnidata_tape_seq", "Newest seq", a->deps.tape->seq);
	gauge(&b, "process_resident_memory_bytes", "Resident memory", api_rss_bytes());
	gauge(&b, "process_open_fds", "Open file descriptors", open_fds());
	gauge(&b, "agnidata_loop_turns", "Turns of the loop that had work", a->deps.loop->turns);
	http_respond(r, 200, "text/plain; version=0.0.4; charset=utf-8", NULL, b.data, b.len);
	buf_fini(&b);
}
