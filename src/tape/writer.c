/* SPDX-License-Identifier: MIT
 *
 * writer: see writer.h.
 */
#include "tape/writer.h"

#include <stdio.h>
#include <stdlib.h>

#define INSTRUMENTS_MAX 1000000
#define MEMORY_BYTES    (1 << 20)
#define CLOSE_TURNS     1000000 /* of at most a millisecond: a disk may be slow */

int tape_writer_open(struct tape_writer *w, const char *dir, const char *source, uint64_t epoch,
		     uint64_t seq, struct agni_err *err)
{
	int rc;

	*w = (struct tape_writer){.cfg = {.interval_ms = 100,
					  .segment_bytes = 64 << 20,
					  .memory_bytes = MEMORY_BYTES,
					  .retry_ms = 1000}};
	w->cfg.dir = mem_strdup(dir);
	clock_init(&w->clock, CLOCK_SYSTEM);
	rc = loop_init(&w->loop, &w->clock);
	AGNI_ASSERT(rc == 0);
	instruments_init(&w->instruments, INSTRUMENTS_MAX);
	tape_init(&w->tape, MEMORY_BYTES);
	if (epoch) {
		w->tape.epoch_id = epoch;
		snprintf(w->tape.epoch, sizeof(w->tape.epoch), "%016llx",
			 (unsigned long long)epoch);
	}
	w->tape.last = w->tape.seq = seq;
	w->mod = tape_module(&w->tape, &(struct tape_deps){.loop = &w->loop,
							   .cfg = &w->cfg,
							   .data_dir = dir,
							   .source = source,
							   .instruments = &w->instruments});
	rc = w->mod->ops->start(w->mod, err);
	if (rc < 0) {
		tape_fini(&w->tape);
		instruments_fini(&w->instruments);
		AGNI_ASSERT(loop_fini(&w->loop) == 0);
		free(w->cfg.dir);
	}
	return rc;
}

bool tape_writer_tick(struct tape_writer *w, const char *key, size_t len, const struct quote *q)
{
	inst_id id = instruments_intern(&w->instruments, key, len);
	struct tick tick = {.key = key, .key_len = (uint32_t)len};

	if (id == INST_NONE)
		return false;
	quote_replace(&tick.q, q);
	tape_append(&w->tape, id, &tick);
	return true;
}

int tape_writer_flush(struct tape_writer *w, struct agni_err *err)
{
	tape_flush(&w->tape);
	if (w->tape.is_degraded)
		return agni_fail(err, UV_EIO, "%s: %s", w->tape.dir, w->tape.why);
	return 0;
}

static void on_stopped(struct module *m)
{
	struct tape_writer *w = m->runner;

	w->is_stopped = true;
}

int tape_writer_close(struct tape_writer *w, struct agni_err *err)
{
	int rc = tape_writer_flush(w, err);

	w->mod->runner = w;
	w->mod->ops->stop(w->mod, on_stopped);
	for (int i = 0; i < CLOSE_TURNS && !w->is_stopped; i++)
		uv_run(&w->loop.uv, UV_RUN_ONCE);
	AGNI_ASSERT(loop_fini(&w->loop) == 0);
	tape_fini(&w->tape);
	instruments_fini(&w->instruments);
	free(w->cfg.dir);
	return rc;
}
