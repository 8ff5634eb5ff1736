/* SPDX-License-Identifier: MIT
 *
 * module: what every part of the server that lives on the loop looks like from main.c.
 *
 *      start()           listen(), begin()             stop()         done()
 *  NEW -------> STARTED --------> (serves) -------> STOPPING -------> STOPPED
 *
 * start is all or nothing: on error it leaves nothing behind. It may return before the module is
 * useful; health() says so. When every module has started, listen() opens the doors in a second
 * pass, and when every door is open begin() begins what goes out, in a third (both optional): a port
 * that is taken is told before anybody outside was asked anything. stop cannot fail, may take turns of the loop, and calls `done` exactly once,
 * when its last handle's close callback has run; from then on the module's memory may be freed.
 */
#ifndef AGNI_CORE_MODULE_H
#define AGNI_CORE_MODULE_H

#include "core/err.h"
#include "core/metrics.h"

enum health { HEALTH_UP, HEALTH_DEGRADED, HEALTH_DOWN };

#define HEALTH_WHY_MAX 160

struct module;

typedef void module_stopped_fn(struct module *m);

struct module_ops {
	const char *name; /* log tag, metric prefix, key in /health */
	int (*start)(struct module *m, struct agni_err *err);
	int (*listen)(struct module *m, struct agni_err *err); /* or NULL */
	void (*begin)(struct module *m);                       /* or NULL */
	/* The stop comes in `ms`: those outside are told, and served until then. Or NULL. */
	void (*drain)(struct module *m, uint64_t ms);
	void (*stop)(struct module *m, module_stopped_fn *done);
	enum health (*health)(const struct module *m, char why[HEALTH_WHY_MAX]); /* or NULL: UP */
	const struct metric *metrics;                                            /* or NULL */
	size_t mod_offset; /* of the embedded struct module: metric offsets count from the whole */
};

struct module {
	const struct module_ops *ops;
	module_stopped_fn *done; /* set while stopping; for the module's own use */
	void *runner;            /* the runner's own */
};

/* As SIGTERM does: stops all modules of the runner that started this one. */
void module_request_stop(struct module *m);

/* "UP", "DEGRADED" or "DOWN". */
const char *health_text(enum health h);

#endif
