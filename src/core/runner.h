/* SPDX-License-Identifier: MIT
 *
 * runner: starts a table of modules in order, runs the loop, and stops them in reverse.
 *
 *      start 1..n --> listen 1..n --> begin 1..n --> the loop turns --> SIGTERM, SIGINT --> stop n..1, one by one
 *
 * With a drain_ms every module hears of the stop that much earlier, and goes on serving: clients have
 * time to leave. module_request_stop() ends the drain before its time.
 *
 * A start that fails stops what had started. The stop has a deadline; past it the laggard is named
 * and the process ends all the same. A second signal ends it at once.
 */
#ifndef AGNI_CORE_RUNNER_H
#define AGNI_CORE_RUNNER_H

#include "core/loop.h"
#include "core/module.h"

struct runner;

struct runner_config {
	struct loop *loop;
	struct module *const *modules; /* in start order; lent */
	size_t modules_n;
	uint64_t stop_ms;  /* for all modules together */
	uint64_t drain_ms; /* between a signal and the stop; 0: none */
	/* Between the two passes: every module has started. Or NULL. */
	int (*on_started)(void *arg, struct agni_err *err);
	void (*on_running)(void *arg); /* every door is open; or NULL */
	void (*on_reload)(void *arg);  /* SIGHUP; or NULL */
	void *arg;
};

enum runner_end {
	RUNNER_CLEAN,     /* every module stopped */
	RUNNER_NOT_START, /* `err` says why; what had started has stopped */
	RUNNER_LATE,      /* ended by the deadline or a second signal: modules may still be alive */
};

/* Runs until a signal asks to stop. `err` has a code only when something did not start. */
enum runner_end runner_run(const struct runner_config *cfg, struct agni_err *err);

#endif
