/* SPDX-License-Identifier: MIT
 *
 * monitor_fetch_internal: what monitor_fetch.c and monitor_names.c share.
 */
#ifndef AGNI_CLI_MONITOR_FETCH_INTERNAL_H
#define AGNI_CLI_MONITOR_FETCH_INTERNAL_H

#include "cli/monitor_fetch.h"
#include "store/keys.h"

/* What a tag says: the question in its lowest byte, a number above. */
enum fetch_op {
	OP_TIME = 1,
	OP_INFO,
	OP_SIGNALS,
	OP_INDEX, /* of kind `number` */
	OP_SCAN,
	OP_TTL,    /* of place `number` in the batch */
	OP_STRLEN, /* the same */
	OP_MGET    /* of wanted[number] and those behind */
};

struct fetch_kind {
	enum key_kind key, index;
};

extern const struct fetch_kind fetch_kinds[MONITOR_KINDS];

static inline uintptr_t fetch_tag(enum fetch_op op, size_t number)
{
	return (uintptr_t)op | (uintptr_t)number << 8;
}

static inline bool fetch_is_skipped(const struct monitor_fetch *f, enum fetch_op op)
{
	return f->skipped & 1u << op;
}

/* The name of a key, in `b`. */
const char *fetch_key(struct monitor_fetch *f, struct buf *b, enum key_kind kind, const char *id);

/* "what: the error of the answer", for people. */
void fetch_note(char out[MONITOR_PROBLEM], const char *what, const struct peek_value *v);

/* --- monitor_names.c: which rows there are ------------------------------------------------------- */

/* Asks for the first page of each index. */
void names_ask(struct monitor_fetch *f);
void names_on_index(struct monitor_fetch *f, enum monitor_kind kind, const struct peek_value *v);

/* Whether names have to come from SCAN, now; then the first step is asked for. */
bool names_begin_scan(struct monitor_fetch *f);
void names_on_scan(struct monitor_fetch *f, const struct peek_value *v);

/* All names of this round are known: rows that have none any more go. */
void names_sweep(struct monitor_fetch *f);

#endif
