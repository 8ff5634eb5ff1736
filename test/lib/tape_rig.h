/* SPDX-License-Identifier: MIT
 *
 * tape_rig: a tape in a temporary folder, on a loop of its own, with system calls that fail when the
 * test says so, ticks that tell their own seq, and a reader that checks every one of them.
 */
#ifndef AGNI_TEST_TAPE_RIG_H
#define AGNI_TEST_TAPE_RIG_H

#include "tape/cursor.h"
#include "tape/tape_internal.h"

/* What the system calls do. Counters go down to 0, and the call that meets it fails. */
struct tape_faults {
	int write_in;    /* the n-th write fails, 1 = the next; 0 = never */
	int write_rc;    /* with this */
	bool is_lasting; /* and all that follow */
	size_t short_to; /* a write takes at most so many bytes; 0 = all */
	int sync_in, sync_rc;
	int create_rc, reserve_rc; /* 0 = they work */
	bool is_dead;              /* nothing reaches the disk any more: as after kill -9 */
	unsigned writes, syncs;
};

struct tape_rig {
	struct clock clock;
	struct loop loop;
	struct instruments instruments;
	struct book *book; /* NULL, or whose instruments the tape knows instead */
	struct tape tape;
	struct tape_config cfg;
	struct module *mod;
	char dir[64]; /* of the segments: PARENT/sim */
	char parent[48];
	/* what came back with sync=turn */
	uint64_t delivered, delivered_last;
	bool has_stopped;
};

extern struct tape_faults tape_faults;

/* An empty folder and a configuration with small segments; not started. */
void tape_rig_init(struct tape_rig *r);
void tape_rig_fini(struct tape_rig *r); /* deletes the folder */

/* A test of cmocka between the two; no fault is left to the next. */
#define tape_rig_test(f, rig)                                                                      \
	cmocka_unit_test_prestate_setup_teardown(f, tape_rig_setup, tape_rig_teardown, rig)
int tape_rig_setup(void **rig);
int tape_rig_teardown(void **rig);

void tape_rig_up(struct tape_rig *r);
void tape_rig_down(struct tape_rig *r); /* a clean stop */
void tape_rig_kill(struct tape_rig *r); /* what was written stays, nothing is added */

/* Turns until nothing is pending, or once when `until_idle` is false. */
void tape_rig_turn(struct tape_rig *r);
void tape_rig_settle(struct tape_rig *r);

/* One message with `n` ticks of the instruments 0..n-1. */
void tape_rig_block(struct tape_rig *r, uint32_t n);

/* What a reader met. */
struct tape_read {
	uint64_t ticks, first, last;
	uint64_t gaps, gap_ticks;
	uint64_t gap_from, gap_to; /* of the last one */
	char reason[16];
};

/* Reads from behind `from` to the edge; fails the test unless each tick is what was appended under
 * its seq and every seq was either read or announced in a gap, once. */
struct tape_read tape_rig_read(struct tape_rig *r, uint64_t from);

/* The bytes of a file, and back. The caller frees. */
uint8_t *tape_file_read(const char *path, size_t *len);
void tape_file_write(const char *path, const uint8_t *bytes, size_t len);

/* Path of segment `ordinal`, in a static buffer. */
const char *tape_rig_path(const struct tape_rig *r, uint64_t ordinal);

#endif
