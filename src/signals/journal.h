/* SPDX-License-Identifier: MIT
 *
 * journal: the newest signals in a file, so that a restart knows what has fired: {data}/signals.jsonl,
 * one line per signal, as /signals shows it.
 *
 *      turn of the loop ends: the tape has been written, then the signals of the turn are, in one write
 *      JOURNAL_LINES_MAX lines: the file is replaced by the newest SIGNALS_KEPT
 *      start: read; a last line without its end was torn by a crash and is cut off
 *
 * A disk that refuses costs the file, not the signals: they wait in the ring, and are counted.
 */
#ifndef AGNI_SIGNALS_JOURNAL_H
#define AGNI_SIGNALS_JOURNAL_H

#include "core/err.h"
#include "signals/signals.h"

#define JOURNAL_LINES_MAX (4 * SIGNALS_KEPT)
#define JOURNAL_NAMES_MAX 64 /* different names of inputs */

struct journal {
	char path[560];
	int fd;           /* -1: not open */
	int64_t size;     /* of whole lines */
	uint32_t lines;   /* in the file */
	uint64_t written; /* the newest id that is in it */
	char *names[JOURNAL_NAMES_MAX];
	unsigned names_n;
	uint64_t errors, bad_lines;
};

/* One signal of before, in the order of the file; its instrument is in the table. */
typedef void journal_fn(void *arg, const struct signal *signal);

/* Opens or makes `dir`/signals.jsonl and reads it. Returns 0, or a negative errno with the path in
 * `err`. */
int journal_open(struct journal *j, const char *dir, struct instruments *t, journal_fn *fn,
		 void *arg, struct agni_err *err) AGNI_MUST_USE;
void journal_close(struct journal *j);

/* Frees the names that read signals point to. */
void journal_fini(struct journal *j);

/* Writes what `s` has beyond journal.written; false, and counted, when the disk refuses: then the same
 * is tried with the next one. */
bool journal_write(struct journal *j, const struct signals *s, const struct instruments *t);

#endif
