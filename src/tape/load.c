/* SPDX-License-Identifier: MIT
 *
 * load: what cursors need from files, read and checked on worker threads.
 *
 *      cursor --> request(index of a segment | chunk of it) --> worker --> cache --> on_ready
 *
 * The cache is shared by all readers and holds CACHE_MAX chunks, the least recently used leaves
 * first; at most LOADS_MAX requests are under way. Whoever finds no room asks again when something
 * has come. So a thousand readers that are behind cost reads, and no memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tape/load.h"

#define CACHE_MAX 32
#define LOADS_MAX 2

struct load {
	uv_work_t work;
	struct tape *tape;
	uint64_t ordinal;
	uint64_t offset, limit; /* of the chunk in the file; limit 0: the index is wanted */
	char path[TAPE_PATH_MAX];
	/* what came of it */
	int rc;
	const char *damage; /* NULL: none */
	struct tape_index_entry *index;
	uint32_t index_n;
	struct tape_chunk *chunk;
};

/* --- on the worker ----------------------------------------------------------------------------- */

static void load_index(struct load *l, int fd)
{
	struct segment_scan s;
	uint64_t last_seq;

	if (segment_index_read(fd, &l->index, &l->index_n, &last_seq))
		return;
	/* A segment that was not closed: every record tells. */
	l->rc = segment_scan(l->path, &s);
	if (l->rc == 0 && s.damages)
		l->damage = "found while it was indexed";
	l->index = s.index;
	l->index_n = s.index_n;
	s.index = NULL;
	segment_scan_fini(&s);
}

/* Keeps the sound records; what is not ends the chunk. */
static void check_chunk(struct load *l, struct tape_chunk *c)
{
	struct tape_walk w = {.p = c->bytes, .end = c->bytes + c->len};
	struct tape_record r;

	for (;;) {
		const uint8_t *at = w.p;
		enum tape_found found = tape_walk_next(&w, &r);

		if (found == TAPE_BAD_BODY || found == TAPE_BAD_HEAD)
			l->damage = "a checksum does not match";
		if (found != TAPE_SOUND || r.head.type == TAPE_INDEX) {
			c->len = (size_t)(at - c->bytes);
			return;
		}
		if (r.head.type != TAPE_BLOCK)
			continue;
		if (!c->has_block)
			c->first_seq = r.head.seq;
		c->has_block = true;
		c->next_seq = r.head.seq + r.head.ticks;
	}
}

static void load_chunk(struct load *l, int fd)
{
	struct tape_chunk *c = mem_zalloc(sizeof(*c));
	size_t want = (size_t)(l->limit - l->offset);

	list_init(&c->link);
	c->bytes = mem_alloc(want + 1);
	c->segment = l->ordinal;
	c->offset = l->offset;
	l->chunk = c;
	while (c->len < want) {
		ssize_t got =
			pread(fd, c->bytes + c->len, want - c->len, (off_t)(l->offset + c->len));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			l->rc = -errno;
		if (got <= 0)
			break;
		c->len += (size_t)got;
	}
	check_chunk(l, c);
}

static void on_work(uv_work_t *work)
{
	struct load *l = container_of(work, struct load, work);
	int fd = open(l->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		l->rc = -errno;
		return;
	}
	if (l->limit)
		load_chunk(l, fd);
	else
		load_index(l, fd);
	close(fd);
}

/* --- on the loop ------------------------------------------------------------------------------- */

static void cache_free(struct tape_chunk *c)
{
	list_remove(&c->link);
	free(c->bytes);
	free(c->ids);
	free(c);
}

void tape_cache_free(struct tape *t)
{
	list_for_each (it, &t->cache) {
		cache_free(container_of(it, struct tape_chunk, link));
	}
	t->cache_n = 0;
}

/* The instruments of the chunk by their numbers, as this process knows them. */
static void resolve_keys(struct tape *t, struct tape_chunk *c)
{
	struct tape_walk w = {.p = c->bytes, .end = c->bytes + c->len};
	struct tape_record r;
	struct tape_block b;
	const char *key;
	uint32_t len;

	while (tape_walk_trusted(&w, &r)) {
		if (!tape_block_open(&b, &r))
			continue;
		while (tape_block_key(&b, &key, &len)) {
			if (c->ids_n == c->ids_cap) {
				c->ids_cap = c->ids_cap ? 2 * c->ids_cap : 64;
				c->ids = mem_realloc(c->ids, c->ids_cap * sizeof(*c->ids));
			}
			c->ids[c->ids_n++] = instruments_find(t->deps.instruments, key, len);
		}
	}
}

static void cache_add(struct tape *t, struct tape_chunk *c)
{
	c->serial = ++t->serials;
	resolve_keys(t, c);
	t->loads++;
	t->load_bytes += c->len;
	list_append(&t->cache, &c->link);
	if (++t->cache_n > CACHE_MAX) {
		cache_free(container_of(t->cache.next, struct tape_chunk, link));
		t->cache_n--;
	}
}

static void take_result(struct tape *t, struct load *l)
{
	struct tape_segment *s = tape_segment_find(t, l->ordinal);

	if (!s)
		return; /* deleted meanwhile: readers meet the floor */
	s->is_loading = false;
	if (l->rc == -ENOENT && !(t->file && t->file->ordinal == l->ordinal)) {
		tape_segment_drop(t, (uint32_t)(s - t->segments));
	} else if (l->damage) {
		tape_set_aside(t, s, l->damage);
	} else if (l->rc < 0) {
		t->errors++;
		s->is_damaged = true;
		if (t->file && t->file->ordinal == s->ordinal)
			t->wants_chunk = true; /* the next tick begins another file */
		log_error("tape", "%s cannot be read: %s; its ticks are a gap for readers", l->path,
			  agni_strerror(l->rc));
	} else if (l->chunk) {
		cache_add(t, l->chunk);
		l->chunk = NULL;
	} else if (!s->has_index) {
		s->index = l->index;
		s->index_n = s->index_cap = l->index_n;
		s->has_index = true;
		l->index = NULL;
	}
}

static void on_loaded(uv_work_t *work, int status)
{
	struct load *l = container_of(work, struct load, work);
	struct tape *t = l->tape;

	(void)status;
	t->loads_n--;
	take_result(t, l);
	if (l->chunk)
		cache_free(l->chunk);
	free(l->index);
	free(l);
	if (t->on_ready && !t->is_stopping)
		t->on_ready(t->ready_arg);
	tape_stop_if_idle(t);
}

static void start(struct tape *t, struct tape_segment *s, uint64_t offset, uint64_t limit)
{
	struct load *l;

	if (s->is_loading || t->loads_n == LOADS_MAX || t->is_stopping)
		return;
	l = mem_zalloc(sizeof(*l));
	l->tape = t;
	l->ordinal = s->ordinal;
	l->offset = offset;
	l->limit = limit;
	segment_path(l->path, t->dir, s->ordinal);
	s->is_loading = true;
	t->loads_n++;
	uv_queue_work(&t->deps.loop->uv, &l->work, on_work, on_loaded);
}

void tape_load_index(struct tape *t, struct tape_segment *s)
{
	start(t, s, 0, 0);
}

void tape_load_chunk(struct tape *t, struct tape_segment *s, uint32_t entry)
{
	uint64_t limit = entry + 1 < s->index_n ? s->index[entry + 1].offset : s->bytes;

	start(t, s, s->index[entry].offset, limit);
}

struct tape_chunk *tape_cache_find(struct tape *t, uint64_t ordinal, uint64_t offset)
{
	for (struct list *it = t->cache.prev; it != &t->cache; it = it->prev) {
		struct tape_chunk *c = container_of(it, struct tape_chunk, link);

		if (c->segment == ordinal && c->offset == offset) {
			list_remove(&c->link);
			list_append(&t->cache, &c->link);
			return c;
		}
	}
	return NULL;
}
