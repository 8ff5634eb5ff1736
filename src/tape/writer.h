/* SPDX-License-Identifier: MIT
 *
 * writer: a tape written by a tool, on a loop of its own that turns only while it is closed.
 */
#ifndef AGNI_TAPE_WRITER_H
#define AGNI_TAPE_WRITER_H

#include "tape/tape.h"

struct tape_writer {
	struct clock clock;
	struct loop loop;
	struct instruments instruments;
	struct tape tape;
	struct tape_config cfg;
	struct module *mod;
	bool is_stopped;
};

/* Begins (or goes on with) the tape in the folder DIR/SOURCE. `epoch` and `seq` of a new one: 0 = its
 * own. Returns 0 or what the start of a tape returns. Does not move in memory until it is closed. */
int tape_writer_open(struct tape_writer *w, const char *dir, const char *source, uint64_t epoch,
		     uint64_t seq, struct agni_err *err) AGNI_MUST_USE;

/* One tick of a block that tape_begin has opened. False when the key is none. */
bool tape_writer_tick(struct tape_writer *w, const char *key, size_t len, const struct quote *q);

/* To the file. Returns 0, or the reason why it is not recording any more. */
int tape_writer_flush(struct tape_writer *w, struct agni_err *err) AGNI_MUST_USE;

/* The end, to the disk. */
int tape_writer_close(struct tape_writer *w, struct agni_err *err) AGNI_MUST_USE;

#endif
