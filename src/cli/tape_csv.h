/* SPDX-License-Identifier: MIT
 *
 * tape_csv: rows of recorded full-mode messages, one message with one instrument each.
 */
#ifndef AGNI_CLI_TAPE_CSV_H
#define AGNI_CLI_TAPE_CSV_H

#include "core/err.h"
#include "market/instrument.h"
#include "market/tick.h"

#define CSV_COLUMNS_MAX 96

struct tape_csv {
	int16_t field[CSV_COLUMNS_MAX]; /* what each column is; -1: not known, left out */
	unsigned columns;
	/* of the last row */
	int64_t recv_ms, ts_ms; /* arrival; market time, that of the arrival when there is none */
	char key[INST_KEY_MAX + 1];
	struct quote q;
};

/* The first line names the columns: recv_ms and key have to be there. Returns 0 or AGNI_EPARSE. */
int tape_csv_header(struct tape_csv *c, const char *line, struct agni_err *err) AGNI_MUST_USE;

/* One row into recv_ms, ts_ms, key and q; an empty cell is an absent field. False when a cell is not what
 * its column says. */
bool tape_csv_row(struct tape_csv *c, const char *line);

#endif
