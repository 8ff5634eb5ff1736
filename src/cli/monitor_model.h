/* SPDX-License-Identifier: MIT
 *
 * monitor_model: what the monitor knows: the documents that Redis holds, with what has become of
 * them since the last look. Pure: bytes go in, rows come out.
 *
 *     index sets --> monitor_see(), monitor_swept()   which rows there are
 *     STRLEN, PTTL --> monitor_set_life()             how long they live
 *     MGET --> monitor_set_text()                     what they say
 *
 * A row keeps the last document that could be read. When its key is gone, or what stands there is
 * no document, the row says so and the old values stay, marked as old: the eye wants to know what
 * was, and a price that is no more must not look like one that is.
 *
 * All text comes from Redis, which anybody may have written to: nothing in here is fit for a
 * terminal before monitor_text.c has looked at it.
 */
#ifndef AGNI_CLI_MONITOR_MODEL_H
#define AGNI_CLI_MONITOR_MODEL_H

#include "core/buf.h"

struct cJSON;

enum monitor_kind {
	MONITOR_QUOTES,
	MONITOR_CHAINS,
	MONITOR_FUTURES,
	MONITOR_CLIENTS,
	MONITOR_STATUS, /* one row, identity "" */
	MONITOR_KINDS
};

#define MONITOR_ROWS_MAX  20000       /* of a kind; the rest is counted */
#define MONITOR_ID_MAX    256         /* bytes of an identity */
#define MONITOR_TEXT_MAX  (1u << 20)  /* bytes of a document */
#define MONITOR_QUOTE_MAX (64u << 10) /* and of a quote */
#define MONITOR_SIGNALS   100         /* newest that are kept */
#define MONITOR_PROBLEM   64

/* What a list of quotes shows of one; NaN: absent. */
struct monitor_quote {
	double ltp, change, change_pct, bid, ask, oi, vtt, iv;
	int64_t seq, ts_ms, recv_ms; /* 0: absent */
	char suspect[48];            /* why it is not to be trusted; "" */
};

struct monitor_row {
	char *id;       /* NUL-terminated */
	char label[40]; /* of a quote, when a chain or futures know it: "NIFTY 25800CE 10-28"; "" */
	char *text;     /* the newest document that could be read; NULL: none yet */
	size_t len;
	struct cJSON *doc, *prev; /* parsed, and the one before; NULL for quotes */
	struct monitor_quote quote;
	int8_t moved;       /* price against the look before: -1, 0, 1 */
	bool is_gone;       /* the key is not there: `text` is what once was */
	int64_t changed_ms; /* when another text was first seen, by model->time_ms; 0: never */
	int64_t ttl_ms;     /* -1: without an end */
	size_t strlen;      /* what STRLEN said; 0: nothing there */
	char problem[MONITOR_PROBLEM]; /* why what stands there cannot be read; "" */
	bool is_seen;                  /* in the index, in this round */
};

struct monitor_list {
	struct monitor_row *rows; /* by id */
	size_t n, cap;
	size_t sorted;     /* the first so many are in order; those behind are new */
	uint64_t left_out; /* names of this round that are too long, or too many */
};

struct monitor_signal {
	char id[32]; /* of the stream's entry */
	char *text;  /* NULL: not a document */
	struct cJSON *doc;
};

struct monitor_model {
	struct monitor_list lists[MONITOR_KINDS];
	struct monitor_signal signals[MONITOR_SIGNALS]; /* newest first */
	size_t signals_n;
	char signals_problem[MONITOR_PROBLEM]; /* why they cannot be read; "" */
	/* INFO memory, bytes; -1: not known. */
	int64_t used_memory, used_memory_peak, maxmemory;
	char memory_problem[MONITOR_PROBLEM];
	char index_problem[MONITOR_PROBLEM]; /* why an index cannot be read; "" */
	bool is_scanned;                     /* there is no index: names come from SCAN */
	int64_t time_ms; /* of Redis' host at the last look, Unix; 0: none yet */
	uint64_t rounds; /* whole ones */
};

void monitor_init(struct monitor_model *m);
void monitor_fini(struct monitor_model *m);

/* A name that an index (or SCAN) gives; any bytes. */
void monitor_see(struct monitor_model *m, enum monitor_kind kind, const char *id, size_t len);

/* All names of this round are seen: rows that were not go, unless `keeps` (SCAN has not come round
 * yet). */
void monitor_swept(struct monitor_model *m, enum monitor_kind kind, bool keeps);

/* PTTL (ms; -1 without an end, -2 not there) and STRLEN of a row's key; `error` is the reply instead,
 * or NULL. */
void monitor_set_life(struct monitor_model *m, enum monitor_kind kind, size_t row, int64_t ttl_ms,
		      size_t strlen, const char *error);

/* Whether its value is worth a MGET. */
bool monitor_wants(const struct monitor_model *m, enum monitor_kind kind, size_t row);

/* The value; `text` NULL: not there, or not a string. */
void monitor_set_text(struct monitor_model *m, enum monitor_kind kind, size_t row, const char *text,
		      size_t len);

/* The stream anew, newest first: between begin and end any number of adds. */
void monitor_signals_begin(struct monitor_model *m);
void monitor_signals_add(struct monitor_model *m, const char *id, size_t id_len, const char *text,
			 size_t len);

/* The answer to INFO memory. */
void monitor_set_memory(struct monitor_model *m, const char *info, size_t len);

/* The row of the status, or NULL while there is no document. */
const struct cJSON *monitor_status(const struct monitor_model *m);

/* --- reading documents: what is not there, or of another type, is absent ------------------------- */

/* NaN when absent. */
double doc_number(const struct cJSON *object, const char *name);
/* An instant in Unix milliseconds; 0 when absent. */
int64_t doc_time(const struct cJSON *object, const char *name);
/* "" when absent. */
const char *doc_text(const struct cJSON *object, const char *name);
/* NULL when absent. */
const struct cJSON *doc_member(const struct cJSON *object, const char *name);

#endif
