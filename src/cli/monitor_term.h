/* SPDX-License-Identifier: MIT
 *
 * monitor_term: the terminal: its keys, its size, and that it is left as it was found, however the
 * program ends: q, Ctrl-C, SIGTERM, SIGHUP, SIGQUIT, and a crash.
 *
 * The screen is the alternate one, so that what stood there before comes back. A terminal that takes
 * nothing (a stopped ssh) gets no queue: the next screen waits until the last one is out, and is
 * drawn anew then.
 */
#ifndef AGNI_CLI_MONITOR_TERM_H
#define AGNI_CLI_MONITOR_TERM_H

#include <uv.h>

#include "cli/monitor_keys.h"
#include "core/buf.h"
#include "core/err.h"

#define TERM_SIGNALS 6

struct monitor_term {
	uv_loop_t *loop;
	uv_tty_t in, out;
	uv_timer_t escape; /* runs while half a sequence is there */
	uv_signal_t signals[TERM_SIGNALS];
	uv_write_t write;
	struct buf sent;          /* the screen on its way */
	bool is_sending, is_late; /* late: another one waits to be drawn */
	bool is_open;
	struct keys_reader keys;
	char input[256];
	void (*on_key)(void *arg, int key);
	void (*on_draw)(void *arg); /* a new size, or room for a screen that had to wait */
	void (*on_end)(void *arg);  /* a signal, or the terminal is gone */
	void *arg;
};

/* The callbacks and `arg` are set by the caller before. Both streams are terminals. */
int term_open(struct monitor_term *t, uv_loop_t *loop, struct agni_err *err) AGNI_MUST_USE;

/* Gives the terminal back and closes the handles; run the loop until it is empty, then term_fini. */
void term_close(struct monitor_term *t);
void term_fini(struct monitor_term *t);

/* 80x24 when it does not say. */
void term_size(struct monitor_term *t, unsigned *cols, unsigned *rows);

/* Whether a screen may be drawn now; when not, on_draw follows. */
bool term_is_ready(struct monitor_term *t);

/* Takes the bytes over. */
void term_write(struct monitor_term *t, struct buf *screen);

/* Gives the terminal back, stops this process as Ctrl-Z does, and takes it again. */
void term_suspend(struct monitor_term *t);

#endif
