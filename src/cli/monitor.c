/* SPDX-License-Identifier: MIT
 *
 * monitor: see monitor.h. One loop with three guests:
 *
 *     timer ------> monitor_fetch: a round of questions to Redis --> model
 *     terminal ---> monitor_ui:    what was chosen                      |
 *                   monitor_view:  model + choice + size --> a screen <-+
 *
 * A screen is drawn when a round is over, a key was pressed, the size has changed, and each second, for
 * ages grow by themselves.
 */
#include "cli/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/monitor_fetch.h"
#include "cli/monitor_json.h"
#include "cli/monitor_options.h"
#include "cli/monitor_term.h"
#include "cli/server_config.h"

enum { MONITOR_DONE = 0, MONITOR_FAULT = 1, MONITOR_USAGE = 2 };

#define ONCE_MS     15000 /* for all of --once */
#define TICK_MS     1000
#define PAPER_COLS  132 /* of --once into a file */
#define FIRST_WIDTH 40

struct monitor {
	struct monitor_options options;
	uv_loop_t loop;
	struct clock clock;
	struct monitor_model model;
	struct monitor_ui ui;
	struct monitor_fetch fetch;
	struct monitor_term term;
	uv_timer_t timer;
	mono_ns asked; /* when the last round began */
	struct buf screen;
	char *url;
	const char *prefix;
	int code;
	bool is_over;
};

/* --- drawing ------------------------------------------------------------------------------------------- */

static bool wants_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return !no || !no[0];
}

static struct monitor_frame frame_of(struct monitor *m)
{
	const struct monitor_fetch *f = &m->fetch;
	const char *why = f->peek.why;

	return (struct monitor_frame){
		.model = &m->model,
		.ui = &m->ui,
		.where = f->peek.where,
		.prefix = m->prefix,
		.is_live = peek_is_live(&f->peek),
		.why = why[0] ? why : "connecting",
		.away_ms = f->lost ? (int64_t)((clock_mono(&m->clock) - f->lost) / NS_PER_MS) : 0,
		.now_ms = fetch_now_ms(f),
	};
}

static void draw(void *arg)
{
	struct monitor *m = arg;
	struct monitor_frame f = frame_of(m);

	if (m->is_over || !term_is_ready(&m->term))
		return;
	term_size(&m->term, &f.cols, &f.rows);
	f.pen = wants_colour() ? PEN_COLOURED_SCREEN : PEN_SCREEN;
	monitor_render(&f, &m->screen);
	term_write(&m->term, &m->screen);
}

/* One look, on paper. */
static void print_once(struct monitor *m)
{
	struct monitor_frame f = frame_of(m);
	bool is_terminal = isatty(STDOUT_FILENO);
	const char *cols = getenv("COLUMNS");

	f.pen = is_terminal && wants_colour() ? PEN_COLOURED : PEN_PLAIN;
	f.cols = cols ? (unsigned)strtoul(cols, NULL, 10) : 0;
	if (f.cols < FIRST_WIDTH || f.cols > 1000)
		f.cols = PAPER_COLS;
	if (m->options.is_json)
		monitor_json(&m->screen, &f, m->options.has_view ? m->options.view : MONITOR_VIEWS);
	else
		monitor_render(&f, &m->screen);
	if ((fwrite(m->screen.data, 1, m->screen.len, stdout) != m->screen.len ||
	     fflush(stdout) != 0) &&
	    errno != EPIPE) { /* | head has seen enough */
		perror("agnidata monitor");
		m->code = MONITOR_FAULT;
	}
}

/* --- the end ------------------------------------------------------------------------------------------- */

static void end(void *arg)
{
	struct monitor *m = arg;

	if (m->is_over)
		return;
	m->is_over = true;
	term_close(&m->term);
	fetch_stop(&m->fetch);
	uv_close((uv_handle_t *)&m->timer, NULL);
}

static void fail(struct monitor *m, const char *why)
{
	if (m->is_over)
		return;
	fprintf(stderr, "agnidata monitor: Redis at %s: %s\n", m->fetch.peek.where, why);
	m->code = MONITOR_FAULT;
	end(m);
}

/* --- what happens -------------------------------------------------------------------------------------- */

static void on_round(void *arg)
{
	struct monitor *m = arg;

	if (!m->options.is_once) {
		draw(m);
		return;
	}
	/* Without an index the first rounds are a pass of SCAN. */
	if (m->model.is_scanned && strcmp(m->fetch.cursor, "0") != 0)
		return;
	print_once(m);
	end(m);
}

static void on_lost(void *arg)
{
	struct monitor *m = arg;

	if (!m->options.is_once)
		draw(m);
	else if (!m->fetch.has_learnt)
		fail(m, m->fetch.peek.why);
}

static void on_key(void *arg, int key)
{
	struct monitor *m = arg;

	switch (monitor_ui_key(&m->ui, key)) {
	case ACT_QUIT:
		end(m);
		break;
	case ACT_SUSPEND:
		term_suspend(&m->term);
		break;
	case ACT_DRAW:
		draw(m);
		break;
	case ACT_NOTHING:
		break;
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct monitor *m = container_of(timer, struct monitor, timer);
	mono_ns now = clock_mono(&m->clock);

	if (now - m->asked + NS_PER_MS >= (mono_ns)m->options.every_ms * NS_PER_MS) {
		m->asked = now;
		fetch_round(&m->fetch);
	}
	if (!m->options.is_once)
		draw(m);
}

static void on_late(uv_timer_t *timer)
{
	struct monitor *m = container_of(timer, struct monitor, timer);

	if (m->fetch.step == FETCH_REST && clock_mono(&m->clock) - m->asked < ONCE_MS * NS_PER_MS)
		fetch_round(&m->fetch);
	else if (clock_mono(&m->clock) - m->asked >= ONCE_MS * NS_PER_MS)
		fail(m, "it takes too long");
}

/* --- life ---------------------------------------------------------------------------------------------- */

static int run_once(struct monitor *m)
{
	m->asked = clock_mono(&m->clock);
	uv_timer_start(&m->timer, on_late, 20, 20);
	fetch_start(&m->fetch);
	return uv_run(&m->loop, UV_RUN_DEFAULT);
}

static int run_screen(struct monitor *m)
{
	uint64_t every = (uint64_t)m->options.every_ms;
	struct agni_err err;

	m->term.on_key = on_key;
	m->term.on_draw = draw;
	m->term.on_end = end;
	m->term.arg = m;
	if (term_open(&m->term, &m->loop, &err) < 0) {
		fprintf(stderr, "agnidata monitor: %s\n", err.text);
		m->code = MONITOR_FAULT;
		end(m);
	} else {
		uv_timer_start(&m->timer, on_timer, 0, every < TICK_MS ? every : TICK_MS);
		fetch_start(&m->fetch);
	}
	return uv_run(&m->loop, UV_RUN_DEFAULT);
}

static int run(struct monitor *m)
{
	struct agni_err err;

	clock_init(&m->clock, CLOCK_SYSTEM);
	monitor_ui_init(&m->ui, m->options.view);
	for (enum monitor_view i = 0; i < MONITOR_VIEWS; i++) {
		if (i == m->ui.view || m->options.is_json) /* which may be of all views */
			snprintf(m->ui.filter[i], sizeof(m->ui.filter[i]), "%s", m->options.filter);
	}
	if (fetch_init(&m->fetch, &m->loop, m->url, m->prefix, &m->model, &m->clock, &err) < 0) {
		fprintf(stderr, "agnidata monitor: %s\n", err.text);
		return MONITOR_USAGE;
	}
	m->fetch.on_round = on_round;
	m->fetch.on_lost = on_lost;
	m->fetch.arg = m;
	monitor_init(&m->model);
	uv_loop_init(&m->loop);
	uv_timer_init(&m->loop, &m->timer);
	if (m->options.is_once)
		run_once(m);
	else
		run_screen(m);
	term_fini(&m->term);
	AGNI_ASSERT(uv_loop_close(&m->loop) == 0);
	fetch_fini(&m->fetch);
	monitor_fini(&m->model);
	buf_fini(&m->screen);
	return m->code;
}

/* Where Redis is and how its keys begin, from the configuration. */
static int read_config(struct monitor *m)
{
	struct server_config *c = mem_zalloc(sizeof(*c));
	struct buf problems = {0};
	int rc = server_config_read(c, &m->options.server, &problems);

	if (rc < 0) {
		fprintf(stderr, "%s", buf_cstr(&problems));
	} else {
		m->url = mem_strdup(c->redis.url);
		m->prefix = m->options.prefix                  ? m->options.prefix
			    : c->upstream.mode == UPSTREAM_SIM ? "agni-sim:"
							       : "agni:";
	}
	buf_fini(&problems);
	server_config_fini(c);
	free(c);
	if (rc == 0 && !m->url[0]) {
		fprintf(stderr,
			"agnidata monitor: redis.url is empty; --redis redis://HOST:PORT/DB\n");
		rc = AGNI_ECONFIG;
	}
	return rc;
}

static bool is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && term[0] &&
	       strcmp(term, "dumb") != 0;
}

int monitor_command(int argc, char **argv)
{
	struct monitor *m = mem_zalloc(sizeof(*m));
	struct agni_err err;
	int code = MONITOR_USAGE;

	if (monitor_options_parse(&m->options, argc, argv, &err) < 0) {
		fprintf(stderr, "agnidata: %s\n", err.text);
	} else if (m->options.wants_help) {
		fputs(monitor_help, stdout);
		code = MONITOR_DONE;
	} else if (!m->options.is_once && !is_terminal()) {
		fprintf(stderr, "agnidata monitor: this is no terminal; --once prints one look\n");
	} else if (read_config(m) == 0) {
		code = run(m);
	}
	if (m->url)
		explicit_bzero(m->url, strlen(m->url));
	free(m->url);
	free(m);
	return code;
}
