/* SPDX-License-Identifier: MIT
 *
 * monitor_fetch: one look at Redis after the other, into the model.
 *
 *     HEAD    TIME, INFO memory, XREVRANGE signals, SSCAN of the index sets in pages
 *     SCAN    only without an index of quotes: some steps of SCAN, the rest in the next rounds
 *     LIFE    PTTL and STRLEN of a batch of keys       } until all rows
 *     VALUES  MGET of those that are not too long      } have been asked
 *
 * Each step is one pipeline, and the next begins when all its answers are there. Nothing is asked
 * whose answer has no bound: sets by pages, lengths before values, the stream by its newest entries.
 * KEYS is never sent, and nothing is written.
 */
#ifndef AGNI_CLI_MONITOR_FETCH_H
#define AGNI_CLI_MONITOR_FETCH_H

#include "cli/monitor_model.h"
#include "core/clock.h"
#include "store/peek.h"

#define FETCH_BATCH 200

enum fetch_step { FETCH_REST, FETCH_HEAD, FETCH_SCAN, FETCH_LIFE, FETCH_VALUES };

/* A row that is asked for. */
struct fetch_row {
	enum monitor_kind kind;
	size_t row;
	int64_t ttl_ms;
	char error[MONITOR_PROBLEM]; /* PTTL was refused; "" */
};

struct monitor_fetch {
	struct peek peek;
	struct monitor_model *model;
	const struct clock *clock;
	const char *prefix;          /* lent */
	void (*on_round)(void *arg); /* the model is whole again */
	void (*on_lost)(void *arg);  /* Redis is away: peek.why */
	void *arg;
	enum fetch_step step;
	size_t owed; /* answers to this step */
	unsigned
		skipped; /* 1 << enum fetch_op: its answer was too long once, it is not asked again */
	bool has_learnt;               /* the last loss was for such an answer */
	bool has_names[MONITOR_KINDS]; /* the index has members, in this round */
	size_t names;                  /* of one index, seen in this round */
	char cursor[24];               /* of SCAN; "0": between two passes */
	unsigned scan_steps;           /* left in this round */
	unsigned scan_rest;            /* rounds until the next pass */
	struct fetch_row batch[FETCH_BATCH];
	size_t batch_n;
	size_t wanted[FETCH_BATCH]; /* places in the batch that MGET was asked for */
	size_t wanted_n;
	enum monitor_kind next_kind; /* where the next batch begins */
	size_t next_row;
	mono_ns looked; /* when model->time_ms was */
	mono_ns lost;   /* since when Redis is away */
};

/* Returns 0, or AGNI_ECONFIG with what is wrong with `url`. All pointers are lent. */
int fetch_init(struct monitor_fetch *f, uv_loop_t *loop, const char *url, const char *prefix,
	       struct monitor_model *m, const struct clock *clock,
	       struct agni_err *err) AGNI_MUST_USE;
void fetch_start(struct monitor_fetch *f);
void fetch_stop(struct monitor_fetch *f);
void fetch_fini(struct monitor_fetch *f);

/* Begins a round, when Redis is there and none is under way. */
void fetch_round(struct monitor_fetch *f);

/* Now, by the clock of Redis' host as far as it is known. Unix milliseconds. */
int64_t fetch_now_ms(const struct monitor_fetch *f);

#endif
