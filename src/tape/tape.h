/* SPDX-License-Identifier: MIT
 *
 * tape: the journal of every accepted tick; the one that gives out seq.
 *
 * Each tick gets a number, +1 per tick, that never repeats within an epoch. One block is one
 * message of the broker:
 *
 *     tape_begin(meta)  tape_append(id, tick) -> seq  ...  tape_end()      encoded into memory
 *     tape_flush()                                     once per turn       one write to the file
 *
 * The newest blocks stay in memory, in chunks of about TAPE_CHUNK_BYTES, byte for byte as in the
 * file; older chunks are read from the files (cursor.h). A tape without a folder is memory alone.
 *
 *   sync=interval  the write is done on the loop before anything of the turn is shown: a killed
 *                  process loses nothing. fdatasync follows on a worker thread: a power cut loses
 *                  what the last tape.interval_ms brought, and the next start begins a new epoch
 *   sync=turn      write and fdatasync on a worker thread, one batch in flight; ticks reach the
 *                  book only when their batch is on the disk (tape_is_deferred, on_block)
 *
 *            write or sync fails                 a new segment can be begun
 *      ON ------------------------> DEGRADED -------------------------------> ON
 *         a new epoch, at once: what          what was shown meanwhile is a gap
 *         follows is not on the tape
 *
 * Whoever shows something outside of the turn's flush calls tape_flush() first.
 */
#ifndef AGNI_TAPE_TAPE_H
#define AGNI_TAPE_TAPE_H

#include "agnidata/tape.h"
#include "core/config.h"
#include "core/loop.h"
#include "core/module.h"
#include "market/book.h"
#include "tape/io.h"
#include "tape/record.h"

#define TAPE_EPOCH_TEXT 17 /* 16 hex digits and a NUL */
#define TAPE_DIR_MAX    800

struct tape_chunk;
struct tape_file;
struct tape_commit;
struct tape_segment;

struct tape_config {
	char *dir;
	int sync; /* enum tape_sync */
	int64_t interval_ms;
	int64_t segment_bytes;
	int64_t memory_bytes;
	int64_t keep_days;
	int64_t keep_bytes;
	int64_t retry_ms;
	int64_t pending_max_bytes;
};

enum tape_sync { TAPE_INTERVAL, TAPE_TURN };

extern const struct config_key tape_config_keys[];

/* One committed block on its way to the book; `ids` by the block's instrument numbers. */
typedef void tape_block_fn(void *arg, struct tape_block *block, const inst_id *ids,
			   uint64_t recv_mono);

struct tape_deps {
	struct loop *loop;
	const struct tape_config *cfg;
	const char
		*data_dir;  /* the tape's folder is DATA_DIR/tape/SOURCE where cfg->dir is empty */
	const char *source; /* "sim", "upstox", "replay": a folder of its own each */
	struct instruments *instruments;
	const struct tape_io *io; /* NULL: the system */
};

struct tape {
	struct module mod;
	struct tape_deps deps;
	char epoch[TAPE_EPOCH_TEXT];
	uint64_t epoch_id;
	uint64_t epoch_from; /* first seq of this epoch */
	uint64_t seq;        /* newest tick that may be shown; 0 before the first */
	uint64_t last;       /* newest tick that has a number */
	uint64_t blocks;
	/* the block under construction */
	struct tick_meta block;
	bool is_open;
	uint64_t block_seq; /* of its first tick */
	struct buf ticks, directory, keys;
	struct {
		uint64_t chunk; /* serial of the chunk that `number` belongs to */
		uint32_t number;
	} * local; /* by instrument id */
	uint32_t local_cap;
	/* memory */
	struct list chunks; /* oldest first; the last is written to */
	struct list
		spares; /* chunks that wait to be used: memory is touched at start, and does not grow */
	size_t memory_bytes, memory_used;
	uint64_t serials;    /* given to chunks */
	bool wants_chunk;    /* the next record opens a chunk and a segment */
	bool has_fresh_file; /* the segment is open already, and empty */
	/* the folder */
	char dir[TAPE_DIR_MAX];
	int lock_fd;
	bool is_on; /* there is a folder */
	bool is_degraded;
	char why[HEALTH_WHY_MAX];      /* why degraded */
	int64_t degraded_ms;           /* wall time */
	uint64_t degraded_from;        /* first seq that was shown and not kept */
	struct tape_file *file;        /* NULL: the next write begins a segment */
	struct tape_segment *segments; /* in order; the last may be the one that is written */
	uint32_t segments_n, segments_cap;
	uint64_t ordinal; /* highest that was used */
	uint8_t boot[16];
	size_t pending_bytes;       /* encoded and not written */
	uint64_t segment_fill;      /* bytes of the segment, pending ones too */
	struct tape_commit *commit; /* sync=turn: the batch in flight */
	unsigned commits_n;         /* with workers: that one, and those that were given up */
	struct buf pending_mono;    /* arrival of each block that waits for a commit */
	struct list unsynced;       /* files with writes that are not on the disk */
	bool is_syncing;
	struct turn_hook hook;
	uv_timer_t timer;
	mono_ns next_retry, next_sweep;
	tape_block_fn *on_block;
	void *block_arg;
	/* reading (load.c) */
	struct list cache; /* chunks from files, least recently used first */
	uint32_t cache_n, loads_n;
	void (*on_ready)(void *arg); /* something that a cursor waited for has come */
	void *ready_arg;
	bool is_stopping, is_stopped, is_timer_closed;
	/* metrics */
	uint64_t ticks_total, bytes_total, writes, syncs, errors, degraded_total, torn_bytes,
		damaged, deleted, loads, load_bytes, epochs, folder_bytes, segments_now,
		degraded_now, floor_now;
	struct histogram write_time, sync_time;
};

/* A journal in memory, of about so many bytes; a new epoch. */
void tape_init(struct tape *t, size_t memory_bytes);
void tape_fini(struct tape *t);

/* Makes it a module that keeps its journal in a folder from start() on. Strings are lent. */
struct module *tape_module(struct tape *t, const struct tape_deps *deps);

void tape_begin(struct tape *t, const struct tick_meta *meta);
uint64_t tape_append(struct tape *t, inst_id id, const struct tick *tick);
void tape_end(struct tape *t);

/* A control record; `payload` as agnidata/tape.h says for the type. Not between begin and end. */
void tape_control(struct tape *t, enum tape_control_type type, int64_t ts_ms, int64_t recv_ms,
		  const void *payload, size_t len);

/* What was appended may be shown when this returns, unless the tape is deferred. Cheap when there is
 * nothing. */
void tape_flush(struct tape *t);

/* Ticks must not be shown when they were appended, but when `on_block` brings them. */
static inline bool tape_is_deferred(const struct tape *t)
{
	return t->on_block && t->is_on && !t->is_degraded && t->deps.cfg->sync == TAPE_TURN;
}

/* Who applies committed blocks; only then is sync=turn what it says. */
void tape_set_on_block(struct tape *t, tape_block_fn *fn, void *arg);

/* The oldest seq of this epoch that can be read; seq + 1 when there is none. */
uint64_t tape_floor(const struct tape *t);

#endif
