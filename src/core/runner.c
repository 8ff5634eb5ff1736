/* SPDX-License-Identifier: MIT
 *
 * runner: see runner.h.
 */
#include "core/runner.h"

#include <signal.h>

#include "core/log.h"

enum { SIGNAL_TERM, SIGNAL_INT, SIGNAL_HUP, SIGNALS_N };

struct runner {
	const struct runner_config *cfg;
	uv_signal_t signals[SIGNALS_N];
	uv_timer_t deadline;
	size_t started;  /* modules whose start was passed */
	size_t left;     /* modules that have not stopped; the next to stop is left - 1 */
	bool is_running; /* every door is open */
	bool is_draining, is_stopping, is_late;
};

static void stop_next(struct runner *r);

static void on_module_stopped(struct module *m)
{
	struct runner *r = m->runner;

	AGNI_ASSERT(r->left > 0 && r->cfg->modules[r->left - 1] == m);
	log_debug("main", "%s has stopped", m->ops->name);
	r->left--;
	stop_next(r);
}

static void stop_next(struct runner *r)
{
	struct module *m;

	if (r->left == 0) {
		uv_stop(&r->cfg->loop->uv);
		return;
	}
	m = r->cfg->modules[r->left - 1];
	/* What has no start stands from the beginning, also right of the one that failed. */
	if (m->ops->stop && (r->left <= r->started || !m->ops->start))
		m->ops->stop(m, on_module_stopped);
	else
		on_module_stopped(m);
}

static void on_deadline(uv_timer_t *timer)
{
	struct runner *r = container_of(timer, struct runner, deadline);

	log_error("main", "%s has not stopped within %llu ms; ending without it",
		  r->cfg->modules[r->left - 1]->ops->name, (unsigned long long)r->cfg->stop_ms);
	r->is_late = true;
	uv_stop(&r->cfg->loop->uv);
}

static void begin_stop(struct runner *r)
{
	r->is_stopping = true;
	uv_timer_start(&r->deadline, on_deadline, r->cfg->stop_ms, 0);
	stop_next(r);
}

static void on_drained(uv_timer_t *timer)
{
	begin_stop(container_of(timer, struct runner, deadline));
}

static void begin_drain(struct runner *r)
{
	const struct runner_config *cfg = r->cfg;

	if (cfg->drain_ms == 0 || !r->is_running) {
		begin_stop(r);
		return;
	}
	r->is_draining = true;
	uv_timer_start(&r->deadline, on_drained, cfg->drain_ms, 0);
	for (size_t i = 0; i < cfg->modules_n && !r->is_stopping; i++) {
		struct module *m = cfg->modules[i];

		if (m->ops->drain)
			m->ops->drain(m, cfg->drain_ms);
	}
}

void module_request_stop(struct module *m)
{
	struct runner *r = m->runner;

	if (!r->is_stopping)
		begin_stop(r);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct runner *r = handle->data;

	if (number == SIGHUP) {
		if (r->cfg->on_reload && !r->is_stopping)
			r->cfg->on_reload(r->cfg->arg);
	} else if (!r->is_stopping && !r->is_draining) {
		log_info("main", "%s: stopping", number == SIGTERM ? "SIGTERM" : "SIGINT");
		begin_drain(r);
	} else {
		log_warn("main", "a second signal: ending at once");
		r->is_late = true;
		uv_stop(&r->cfg->loop->uv);
	}
}

static void handles_open(struct runner *r)
{
	static const int numbers[SIGNALS_N] = {SIGTERM, SIGINT, SIGHUP};
	uv_loop_t *uv = &r->cfg->loop->uv;

	for (int i = 0; i < SIGNALS_N; i++) {
		uv_signal_init(uv, &r->signals[i]);
		r->signals[i].data = r;
		uv_signal_start(&r->signals[i], on_signal, numbers[i]);
	}
	uv_timer_init(uv, &r->deadline);
}

/* The handles live on this stack frame: the loop turns until they are gone. */
static void handles_close(struct runner *r)
{
	uv_loop_t *uv = &r->cfg->loop->uv;

	for (int i = 0; i < SIGNALS_N; i++)
		uv_close((uv_handle_t *)&r->signals[i], NULL);
	uv_close((uv_handle_t *)&r->deadline, NULL);
	for (int i = 0; i < 4; i++)
		uv_run(uv, UV_RUN_NOWAIT);
}

/* Returns how many started; fewer than all when `err` was set. */
static size_t start_all(const struct runner_config *cfg, struct agni_err *err)
{
	size_t n = 0;

	for (; n < cfg->modules_n; n++) {
		struct module *m = cfg->modules[n];

		if (m->ops->start && m->ops->start(m, err) < 0) {
			agni_wrap(err, "%s", m->ops->name);
			break;
		}
	}
	return n;
}

static int open_doors(const struct runner_config *cfg, struct agni_err *err)
{
	if (cfg->on_started && cfg->on_started(cfg->arg, err) < 0)
		return err->code;
	for (size_t i = 0; i < cfg->modules_n; i++) {
		struct module *m = cfg->modules[i];

		if (m->ops->listen && m->ops->listen(m, err) < 0)
			return agni_wrap(err, "%s", m->ops->name);
	}
	return 0;
}

static void run(struct runner *r)
{
	const struct runner_config *cfg = r->cfg;

	r->is_running = true;
	if (cfg->on_running)
		cfg->on_running(cfg->arg);
	for (size_t i = 0; i < cfg->modules_n && !r->is_stopping; i++) {
		struct module *m = cfg->modules[i];

		if (m->ops->begin)
			m->ops->begin(m);
	}
}

enum runner_end runner_run(const struct runner_config *cfg, struct agni_err *err)
{
	struct runner r = {.cfg = cfg};
	bool ok;

	for (size_t i = 0; i < cfg->modules_n; i++)
		cfg->modules[i]->runner = &r;
	handles_open(&r);
	r.started = start_all(cfg, err);
	r.left = cfg->modules_n;
	ok = r.started == cfg->modules_n && open_doors(cfg, err) == 0;
	if (ok) {
		*err = (struct agni_err){0}; /* what a start looked for and did without */
		run(&r);
	} else {
		begin_stop(&r);
	}
	if (r.left > 0)
		uv_run(&cfg->loop->uv, UV_RUN_DEFAULT);
	handles_close(&r);
	if (r.is_late)
		return RUNNER_LATE;
	return ok ? RUNNER_CLEAN : RUNNER_NOT_START;
}
