/* SPDX-License-Identifier: MIT
 *
 * tape: see tape.h. Appending, the chunks in memory, and the module.
 *
 * A block is put together in three buffers (ticks, directory, keys), because their lengths are known
 * only at its end, and then copied behind the last one of the chunk. Nothing is allocated per tick.
 */
#include "tape/tape.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/rand.h"
#include "tape/codec.h"
#include "tape/tape_internal.h"

#define CHUNK_CAP    (TAPE_CHUNK_BYTES + TAPE_CHUNK_BYTES / 4) /* room for the last block */
#define CHUNK_IDS    1024 /* instruments of a chunk before memory is asked for */
#define TIMER_MS_MAX 1000 /* housekeeping at least once a second */

const struct config_key tape_config_keys[] = {
	CONFIG_STR(struct tape_config, dir, "", "",
		   "folder of the journal; each source gets a folder of its own in it; empty = "
		   "tape in server.data_dir"),
	CONFIG_ENUM(struct tape_config, sync, "interval", "interval|turn",
		    "interval: ticks are shown when the kernel has them, a power cut loses "
		    "interval_ms; turn: when the disk has them"),
	CONFIG_INT(struct tape_config, interval_ms, 100, 1, 60000, "ms",
		   "time between two syncs to the disk with sync=interval"),
	CONFIG_INT(struct tape_config, segment_bytes, 67108864, 65536, 4294967296, "bytes",
		   "size at which a new file is begun; the newest one is verified at start"),
	CONFIG_INT(struct tape_config, memory_bytes, 16777216, 1048576, 1073741824, "bytes",
		   "newest part of the journal that is kept in memory for readers"),
	CONFIG_INT(struct tape_config, keep_days, 7, 0, 3650, "days",
		   "older files are deleted; 0 = never"),
	CONFIG_INT(struct tape_config, keep_bytes, 21474836480, 0, 1099511627776000, "bytes",
		   "the oldest files are deleted beyond it; 0 = no limit"),
	CONFIG_INT(struct tape_config, retry_ms, 1000, 10, 600000, "ms",
		   "time between two tries to write again after a disk error"),
	CONFIG_INT(
		struct tape_config, pending_max_bytes, 67108864, 1048576, 1073741824, "bytes",
		"with sync=turn: most that waits for the disk before ticks are shown without it"),
	{0},
};

/* --- epochs ---------------------------------------------------------------------------------- */

void tape_new_epoch(struct tape *t)
{
	rand_bytes(&t->epoch_id, sizeof(t->epoch_id));
	snprintf(t->epoch, sizeof(t->epoch), "%016llx", (unsigned long long)t->epoch_id);
	t->epochs++;
}

/* --- chunks ---------------------------------------------------------------------------------- */

struct tape_chunk *tape_newest(const struct tape *t)
{
	return list_is_empty(&t->chunks) ? NULL
					 : container_of(t->chunks.prev, struct tape_chunk, link);
}

static void free_old(struct tape_chunk *c)
{
	while (c->old_n)
		free(c->old[--c->old_n]);
}

static void chunk_destroy(struct tape_chunk *c)
{
	list_remove(&c->link);
	free_old(c);
	free(c->bytes);
	free(c->ids);
	free(c);
}

/* Among the spares again; a buffer that grew beyond the usual size goes back to the system. */
static void chunk_retire(struct tape *t, struct tape_chunk *c)
{
	AGNI_ASSERT(c->refs == 0);
	t->memory_used -= c->cap;
	if (c->cap > CHUNK_CAP) {
		chunk_destroy(c);
		return;
	}
	free_old(c);
	list_remove(&c->link);
	list_append(&t->spares, &c->link);
}

static struct tape_chunk *spare_create(struct tape *t)
{
	struct tape_chunk *c = mem_zalloc(sizeof(*c));

	c->cap = CHUNK_CAP;
	c->bytes = mem_alloc(c->cap);
	memset(c->bytes, 0, c->cap); /* every page is touched */
	c->ids_cap = CHUNK_IDS;
	c->ids = mem_alloc(c->ids_cap * sizeof(*c->ids));
	list_append(&t->spares, &c->link);
	return c;
}

static void spares_fill(struct tape *t)
{
	for (size_t n = t->memory_bytes / CHUNK_CAP + 2; n > 0; n--)
		spare_create(t);
}

static void free_all(struct list *chunks)
{
	list_for_each (it, chunks) {
		chunk_destroy(container_of(it, struct tape_chunk, link));
	}
}

void tape_evict(struct tape *t)
{
	while (t->memory_used > t->memory_bytes) {
		struct tape_chunk *c = container_of(t->chunks.next, struct tape_chunk, link);

		if (c == tape_newest(t) || c->refs || c->written < c->len)
			return;
		chunk_retire(t, c);
	}
}

static struct tape_chunk *chunk_create(struct tape *t)
{
	struct tape_chunk *c = list_is_empty(&t->spares)
				       ? spare_create(t)
				       : container_of(t->spares.next, struct tape_chunk, link);

	list_remove(&c->link);
	*c = (struct tape_chunk){.link = c->link,
				 .serial = ++t->serials,
				 .first_seq = t->last + 1,
				 .next_seq = t->last + 1,
				 .bytes = c->bytes,
				 .cap = c->cap,
				 .ids = c->ids,
				 .ids_cap = c->ids_cap};
	t->memory_used += c->cap;
	if (t->is_on &&
	    (t->wants_chunk || t->segment_fill >= (uint64_t)t->deps.cfg->segment_bytes)) {
		c->opens_segment = !t->has_fresh_file;
		t->segment_fill = sizeof(struct tape_segment_header);
	}
	t->wants_chunk = t->has_fresh_file = false;
	list_append(&t->chunks, &c->link);
	tape_evict(t);
	return c;
}

/* The chunk that the next record goes to. */
static struct tape_chunk *chunk_for_next(struct tape *t)
{
	struct tape_chunk *c = tape_newest(t);

	return c && c->len < TAPE_CHUNK_BYTES && !t->wants_chunk ? c : chunk_create(t);
}

static uint8_t *chunk_reserve(struct tape *t, struct tape_chunk *c, size_t more)
{
	size_t cap = c->cap;
	uint8_t *bytes;

	if (c->len + more <= cap)
		return c->bytes + c->len;
	while (cap < c->len + more)
		cap *= 2;
	bytes = mem_alloc(cap);
	memcpy(bytes, c->bytes, c->len);
	if (c->refs == 0)
		free_old(c);
	AGNI_ASSERT(c->old_n < ARRAY_LEN(c->old));
	c->old[c->old_n++] = c->bytes;
	if (c->refs == 0)
		free_old(c);
	c->bytes = bytes;
	t->memory_used += cap - c->cap;
	c->cap = cap;
	return bytes + c->len;
}

/* A flush at the end of this turn; the hook is gone while the module stops. */
static void arm(struct tape *t)
{
	if (t->hook.loop)
		hook_arm(&t->hook);
}

/* Counts `bytes` more at the end of the chunk as written to it. */
static void chunk_take(struct tape *t, struct tape_chunk *c, size_t bytes)
{
	c->len += bytes;
	t->bytes_total += bytes;
	if (t->is_on && !t->is_degraded) {
		t->pending_bytes += bytes;
		t->segment_fill += bytes;
		arm(t);
	} else {
		c->written = c->len; /* there is nothing that it waits for */
		t->seq = t->last;
	}
}

/* --- appending ------------------------------------------------------------------------------- */

static void local_grow(struct tape *t, inst_id id)
{
	uint32_t cap = t->local_cap ? t->local_cap : 64;

	if (id < t->local_cap)
		return;
	while (id >= cap)
		cap *= 2;
	t->local = mem_realloc(t->local, cap * sizeof(*t->local));
	memset(t->local + t->local_cap, 0, (cap - t->local_cap) * sizeof(*t->local));
	t->local_cap = cap;
}

/* The instrument's number in the chunk; a new one brings its key along. */
static uint32_t local_number(struct tape *t, struct tape_chunk *c, inst_id id,
			     const struct tick *tick)
{
	local_grow(t, id);
	if (t->local[id].chunk == c->serial)
		return t->local[id].number;
	if (c->ids_n == c->ids_cap) {
		c->ids_cap = c->ids_cap ? 2 * c->ids_cap : 64;
		c->ids = mem_realloc(c->ids, c->ids_cap * sizeof(*c->ids));
	}
	buf_byte(&t->keys, (char)tick->key_len);
	buf_append(&t->keys, tick->key, tick->key_len);
	c->ids[c->ids_n] = id;
	t->local[id].chunk = c->serial;
	t->local[id].number = c->ids_n;
	return c->ids_n++;
}

void tape_begin(struct tape *t, const struct tick_meta *meta)
{
	AGNI_ASSERT(!t->is_open);
	chunk_for_next(t);
	t->block = *meta;
	t->is_open = true;
	t->block_seq = t->last + 1;
	buf_reset(&t->ticks);
	buf_reset(&t->directory);
	buf_reset(&t->keys);
}

uint64_t tape_append(struct tape *t, inst_id id, const struct tick *tick)
{
	struct tape_chunk *c = tape_newest(t);
	uint8_t entry[20], *p;
	size_t n;

	AGNI_ASSERT(t->is_open && tick->key_len <= TAPE_KEY_MAX);
	p = tape_varint_put(entry, local_number(t, c, id, tick));
	n = tape_tick_encode((uint8_t *)buf_reserve(&t->ticks, TAPE_TICK_MAX), &tick->q,
			     t->block.ts_ms);
	t->ticks.len += n;
	p = tape_varint_put(p, n);
	buf_append(&t->directory, entry, (size_t)(p - entry));
	return ++t->last;
}

static void put_block(struct tape *t, struct tape_chunk *c)
{
	struct tape_block_body body = {.ts_ms = t->block.ts_ms,
				       .recv_ms = t->block.recv_ms,
				       .ticks_bytes = (uint32_t)t->ticks.len,
				       .directory_bytes = (uint32_t)t->directory.len};
	struct tape_record_head head = {
		.seq = t->block_seq,
		.ticks = (uint32_t)(t->last + 1 - t->block_seq),
		.type = TAPE_BLOCK,
		.flags = (uint8_t)((t->block.is_snapshot ? TAPE_SNAPSHOT : 0) |
				   (c->has_block ? 0 : TAPE_OPENS_CHUNK))};
	size_t len = sizeof(body) + t->ticks.len + t->directory.len + t->keys.len;
	uint8_t *start = chunk_reserve(t, c, sizeof(head) + len), *p = start + sizeof(head);

	memcpy(p, &body, sizeof(body));
	p += sizeof(body);
	memcpy(p, t->ticks.data, t->ticks.len);
	p += t->ticks.len;
	memcpy(p, t->directory.data, t->directory.len);
	p += t->directory.len;
	if (t->keys.len)
		memcpy(p, t->keys.data, t->keys.len);
	tape_record_seal(&head, start + sizeof(head), len);
	memcpy(start, &head, sizeof(head));
	c->has_block = true;
	chunk_take(t, c, sizeof(head) + len);
}

void tape_end(struct tape *t)
{
	struct tape_chunk *c = tape_newest(t);

	AGNI_ASSERT(t->is_open);
	t->is_open = false;
	t->blocks++;
	if (t->last + 1 == t->block_seq)
		return; /* a message without a tick leaves no block */
	t->ticks_total += t->last + 1 - t->block_seq;
	if (!c->first_ms)
		c->first_ms = t->block.ts_ms;
	c->next_seq = t->last + 1;
	if (tape_is_deferred(t))
		buf_append(&t->pending_mono, &t->block.recv_mono, sizeof(t->block.recv_mono));
	put_block(t, c);
}

void tape_control(struct tape *t, enum tape_control_type type, int64_t ts_ms, int64_t recv_ms,
		  const void *payload, size_t len)
{
	struct tape_control_body body = {.ts_ms = ts_ms, .recv_ms = recv_ms};
	struct tape_record_head head = {
		.seq = t->last + 1, .type = TAPE_CONTROL, .control = (uint16_t)type};
	struct tape_chunk *c;
	uint8_t *start, *p;

	AGNI_ASSERT(!t->is_open);
	if (!t->is_on)
		return;
	c = chunk_for_next(t);
	start = chunk_reserve(t, c, sizeof(head) + sizeof(body) + len);
	p = start + sizeof(head);
	memcpy(p, &body, sizeof(body));
	if (len)
		memcpy(p + sizeof(body), payload, len);
	tape_record_seal(&head, p, sizeof(body) + len);
	memcpy(start, &head, sizeof(head));
	chunk_take(t, c, sizeof(head) + sizeof(body) + len);
}

void tape_flush(struct tape *t)
{
	int rc;

	if (t->pending_bytes == 0)
		return;
	if (tape_is_deferred(t)) {
		tape_commit_start(t);
		return;
	}
	rc = tape_write_pending(t);
	if (rc < 0)
		tape_degrade(t, rc, "a write failed");
	t->seq = t->last;
}

uint64_t tape_floor(const struct tape *t)
{
	const struct tape_chunk *oldest;

	for (uint32_t i = 0; i < t->segments_n; i++) {
		const struct tape_segment *s = &t->segments[i];

		if (!s->is_damaged && s->epoch == t->epoch_id)
			return s->first_seq > t->epoch_from ? s->first_seq : t->epoch_from;
	}
	if (list_is_empty(&t->chunks))
		return t->seq + 1;
	oldest = container_of(t->chunks.next, const struct tape_chunk, link);
	return oldest->first_seq > t->epoch_from ? oldest->first_seq : t->epoch_from;
}

/* --- the module ------------------------------------------------------------------------------ */

void tape_init(struct tape *t, size_t memory_bytes)
{
	*t = (struct tape){.memory_bytes = memory_bytes, .lock_fd = -1, .epoch_from = 1};
	list_init(&t->chunks);
	list_init(&t->spares);
	list_init(&t->cache);
	list_init(&t->unsynced);
	spares_fill(t);
	tape_new_epoch(t);
	t->epochs = 0;
}

void tape_fini(struct tape *t)
{
	tape_cache_free(t);
	free_all(&t->chunks);
	free_all(&t->spares);
	while (t->segments_n)
		tape_segment_drop(t, t->segments_n - 1);
	free(t->segments);
	free(t->local);
	buf_fini(&t->ticks);
	buf_fini(&t->directory);
	buf_fini(&t->keys);
	buf_fini(&t->pending_mono);
	if (t->lock_fd >= 0) {
		(void)!ftruncate(t->lock_fd, 0); /* it names nobody any more */
		close(t->lock_fd);
	}
	t->lock_fd = -1;
}

void tape_set_on_block(struct tape *t, tape_block_fn *fn, void *arg)
{
	t->on_block = fn;
	t->block_arg = arg;
}

static void on_hook(struct turn_hook *hook)
{
	tape_flush(container_of(hook, struct tape, hook));
}

/* Syncs, tries again, sweeps: whatever is due. */
static void on_timer(uv_timer_t *timer)
{
	struct tape *t = container_of(timer, struct tape, timer);
	mono_ns now = clock_mono(t->deps.loop->clock);

	if (t->is_degraded && now >= t->next_retry) {
		t->next_retry = now + (uint64_t)t->deps.cfg->retry_ms * NS_PER_MS;
		tape_try_again(t);
	}
	if (now >= t->next_sweep) {
		t->next_sweep = now + 60 * NS_PER_S;
		tape_retain(t);
	}
	tape_sync_start(t);
}

static int tape_start(struct module *m, struct agni_err *err)
{
	struct tape *t = container_of(m, struct tape, mod);
	const struct tape_config *cfg = t->deps.cfg;
	uint64_t period = (uint64_t)cfg->interval_ms;
	int rc;

	t->memory_bytes = (size_t)cfg->memory_bytes;
	free_all(&t->spares);
	spares_fill(t);
	rc = tape_recover(t, err);
	if (rc < 0)
		return rc;
	loop_add_hook(t->deps.loop, &t->hook, on_hook);
	uv_timer_init(&t->deps.loop->uv, &t->timer);
	if (period > (uint64_t)cfg->retry_ms)
		period = (uint64_t)cfg->retry_ms;
	if (period > TIMER_MS_MAX)
		period = TIMER_MS_MAX;
	uv_timer_start(&t->timer, on_timer, period, period);
	uv_unref((uv_handle_t *)&t->timer);
	tape_control(t, TAPE_START, 0, clock_wall_ms(t->deps.loop->clock), "agnidata",
		     strlen("agnidata"));
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct tape *t = container_of((uv_timer_t *)handle, struct tape, timer);

	t->is_timer_closed = true;
	tape_stop_if_idle(t);
}

static void tape_stop(struct module *m, module_stopped_fn *done)
{
	struct tape *t = container_of(m, struct tape, mod);

	m->done = done;
	t->is_stopping = true;
	loop_remove_hook(&t->hook);
	uv_close((uv_handle_t *)&t->timer, on_timer_closed);
}

static enum health tape_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct tape *t = container_of(m, struct tape, mod);

	if (t->is_degraded) {
		snprintf(why, HEALTH_WHY_MAX,
			 "not recording since seq %llu: %.100s; a new epoch has begun",
			 (unsigned long long)t->degraded_from, t->why);
		return HEALTH_DEGRADED;
	}
	snprintf(why, HEALTH_WHY_MAX, "%u files, %llu MB; readable from seq %llu", t->segments_n,
		 (unsigned long long)(t->folder_bytes / 1000000),
		 (unsigned long long)tape_floor(t));
	return HEALTH_UP;
}

#define FIELD(name) offsetof(struct tape, name)

static const struct metric tape_metrics[] = {
	{"ticks_total", "Ticks that got a number", METRIC_COUNTER, FIELD(ticks_total)},
	{"blocks_total", "Messages appended", METRIC_COUNTER, FIELD(blocks)},
	{"bytes_total", "Bytes appended", METRIC_COUNTER, FIELD(bytes_total)},
	{"writes_total", "Writes to a file", METRIC_COUNTER, FIELD(writes)},
	{"syncs_total", "Syncs to the disk", METRIC_COUNTER, FIELD(syncs)},
	{"errors_total", "Writes and syncs that failed", METRIC_COUNTER, FIELD(errors)},
	{"degraded", "1 while ticks are shown and not kept", METRIC_GAUGE, FIELD(degraded_now)},
	{"degraded_total", "Times that this began", METRIC_COUNTER, FIELD(degraded_total)},
	{"epochs_total", "New epochs since the start", METRIC_COUNTER, FIELD(epochs)},
	{"torn_bytes_total", "Bytes of unfinished writes cut at start", METRIC_COUNTER,
	 FIELD(torn_bytes)},
	{"damaged_segments_total", "Files set aside because of damage", METRIC_COUNTER,
	 FIELD(damaged)},
	{"deleted_segments_total", "Files deleted by age or size", METRIC_COUNTER, FIELD(deleted)},
	{"loads_total", "Chunks read from files for readers that are behind", METRIC_COUNTER,
	 FIELD(loads)},
	{"load_bytes_total", "Bytes of them", METRIC_COUNTER, FIELD(load_bytes)},
	{"folder_bytes", "Bytes in the folder", METRIC_GAUGE, FIELD(folder_bytes)},
	{"pending_bytes", "Bytes that wait for the disk", METRIC_GAUGE, FIELD(pending_bytes)},
	{"write_seconds", "Time of a write on the loop", METRIC_HISTOGRAM, FIELD(write_time)},
	{"sync_seconds", "Time of a sync, or of a write and its sync", METRIC_HISTOGRAM,
	 FIELD(sync_time)},
	{0},
};

static const struct module_ops tape_ops = {
	.name = "tape",
	.start = tape_start,
	.stop = tape_stop,
	.health = tape_health,
	.metrics = tape_metrics,
	.mod_offset = offsetof(struct tape, mod),
};

struct module *tape_module(struct tape *t, const struct tape_deps *deps)
{
	t->deps = *deps;
	if (!t->deps.io)
		t->deps.io = &tape_io_system;
	t->mod.ops = &tape_ops;
	return &t->mod;
}
