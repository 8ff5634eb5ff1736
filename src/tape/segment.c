/* SPDX-License-Identifier: MIT
 *
 * segment: see segment.h.
 */
#include "tape/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crc32c.h"

#define WINDOW_BYTES 262144u

/* --- names and headers ----------------------------------------------------------------------- */

void segment_path(char out[TAPE_PATH_MAX], const char *dir, uint64_t ordinal)
{
	snprintf(out, TAPE_PATH_MAX, "%s/%010llu" TAPE_SUFFIX, dir, (unsigned long long)ordinal);
}

uint64_t segment_ordinal(const char *name, bool *is_damaged)
{
	size_t digits = strspn(name, "0123456789");
	const char *rest = name + digits;

	if (digits != 10)
		return 0;
	*is_damaged = strcmp(rest, TAPE_SUFFIX TAPE_DAMAGED_SUFFIX) == 0;
	return *is_damaged || strcmp(rest, TAPE_SUFFIX) == 0 ? strtoull(name, NULL, 10) : 0;
}

void segment_header_seal(struct tape_segment_header *h)
{
	memcpy(h->magic, TAPE_MAGIC, sizeof(h->magic));
	h->version = TAPE_VERSION;
	h->header_bytes = sizeof(*h);
	h->head_crc = crc32c(0, h, offsetof(struct tape_segment_header, head_crc));
}

bool segment_header_is_sound(const struct tape_segment_header *h)
{
	return memcmp(h->magic, TAPE_MAGIC, sizeof(h->magic)) == 0 && h->version == TAPE_VERSION &&
	       h->header_bytes == sizeof(*h) &&
	       h->head_crc == crc32c(0, h, offsetof(struct tape_segment_header, head_crc));
}

/* --- walking --------------------------------------------------------------------------------- */

void segment_walk_init(struct segment_walk *w, int fd, uint64_t offset, uint64_t limit)
{
	*w = (struct segment_walk){.fd = fd, .offset = offset, .read = offset, .limit = limit};
}

void segment_walk_fini(struct segment_walk *w)
{
	buf_fini(&w->window);
}

/* Drops what is in front of walk.p and reads on; at least one more byte, or is_at_eof. */
static void window_fill(struct segment_walk *w)
{
	size_t done = w->walk.p ? (size_t)(w->walk.p - (const uint8_t *)w->window.data) : 0;
	size_t want = w->window.len - done < WINDOW_BYTES ? WINDOW_BYTES : w->window.len;
	ssize_t got;

	if (done)
		buf_consume(&w->window, done);
	if (want > w->limit - w->read)
		want = (size_t)(w->limit - w->read);
	do {
		got = pread(w->fd, buf_reserve(&w->window, want + 1), want, (off_t)w->read);
	} while (got < 0 && errno == EINTR);
	if (got <= 0) {
		w->error = got < 0 ? -errno : 0;
		w->is_at_eof = true;
		got = 0;
	}
	w->window.len += (size_t)got;
	w->read += (uint64_t)got;
	w->walk.p = (const uint8_t *)w->window.data;
	w->walk.end = w->walk.p + w->window.len;
}

enum tape_found segment_walk_next(struct segment_walk *w, struct tape_record *r)
{
	for (;;) {
		const uint8_t *before = w->walk.p;
		enum tape_found found = w->walk.p ? tape_walk_next(&w->walk, r) : TAPE_END;

		if ((found == TAPE_TORN || found == TAPE_END) && !w->is_at_eof) {
			window_fill(w);
			continue;
		}
		w->offset += (uint64_t)(w->walk.p - before);
		return found;
	}
}

bool segment_walk_resync(struct segment_walk *w)
{
	static const uint32_t magic = TAPE_RECORD_MAGIC;
	struct tape_record r;

	for (;;) {
		size_t left = (size_t)(w->walk.end - w->walk.p);
		const uint8_t *at = left > 1 ? memmem(w->walk.p + 1, left - 1, &magic, 4) : NULL;
		struct segment_walk probe;

		/* A magic number may lie across the end of the window. */
		if (!at && w->is_at_eof)
			return false;
		if (!at && left > 4)
			at = w->walk.end - 4;
		if (at) {
			w->offset += (uint64_t)(at - w->walk.p);
			w->walk.p = at;
		}
		if (!w->is_at_eof)
			window_fill(w);
		segment_walk_init(&probe, w->fd, w->offset, w->limit);
		if (w->walk.end - w->walk.p >= 4 && memcmp(w->walk.p, &magic, 4) == 0) {
			enum tape_found found = segment_walk_next(&probe, &r);

			segment_walk_fini(&probe);
			if (found == TAPE_SOUND || found == TAPE_BAD_BODY)
				return true;
		}
	}
}

/* --- a whole segment ------------------------------------------------------------------------- */

static void index_add(struct segment_scan *s, uint64_t offset, uint64_t seq, int64_t ts_ms)
{
	if (s->index_n == s->index_cap) {
		s->index_cap = s->index_cap ? 2 * s->index_cap : 64;
		s->index = mem_realloc(s->index, s->index_cap * sizeof(*s->index));
	}
	s->index[s->index_n++] =
		(struct tape_index_entry){.offset = offset, .seq = seq, .ts_ms = ts_ms};
}

static void note_block(struct segment_scan *s, const struct tape_record *r, uint64_t offset)
{
	struct tape_block b;
	const char *key;
	uint32_t len;

	if (!tape_block_open(&b, r))
		return;
	s->blocks++;
	s->ticks += r->head.ticks;
	while (tape_block_key(&b, &key, &len))
		s->keys++;
	if (b.opens_chunk)
		index_add(s, offset, r->head.seq, b.times.ts_ms);
	if (!s->first_ms)
		s->first_ms = b.times.ts_ms;
	if (b.times.ts_ms)
		s->last_ms = b.times.ts_ms;
}

static void note_record(struct segment_scan *s, const struct tape_record *r, uint64_t offset)
{
	uint64_t next = r->head.seq + r->head.ticks;

	if (next > s->next_seq)
		s->next_seq = next;
	s->is_closed = r->head.type == TAPE_INDEX;
	if (r->head.type == TAPE_BLOCK)
		note_block(s, r, offset);
	s->controls += r->head.type == TAPE_CONTROL;
	if (r->head.type != TAPE_INDEX)
		s->is_stopped = r->head.type == TAPE_CONTROL && r->head.control == TAPE_STOP;
}

static void note_damage(struct segment_scan *s, uint64_t offset)
{
	if (!s->damages++) {
		s->damage_at = offset;
		s->sound_bytes = offset;
	}
	s->is_tail_damaged = true;
	s->is_stopped = s->is_closed = false;
}

static void scan_records(struct segment_scan *s, struct segment_walk *w)
{
	struct tape_record r;
	bool was_damaged;

	for (;;) {
		uint64_t at = w->offset;

		switch (segment_walk_next(w, &r)) {
		case TAPE_SOUND:
			note_record(s, &r, at);
			s->is_tail_damaged = false;
			break;
		case TAPE_BAD_BODY:
			/* The head is sound: where it counts no tick, none was lost. */
			was_damaged = s->is_tail_damaged;
			note_damage(s, at);
			s->is_tail_damaged = was_damaged || r.head.ticks;
			if (r.head.seq + r.head.ticks > s->seq_bound)
				s->seq_bound = r.head.seq + r.head.ticks;
			break;
		case TAPE_BAD_HEAD:
			note_damage(s, at);
			if (segment_walk_resync(w))
				break;
			/* Whatever stood there: a tick takes more than one byte. */
			s->seq_bound += s->file_bytes - at;
			return;
		case TAPE_TORN:
			s->torn_bytes = s->file_bytes - at;
			if (!s->damages)
				s->sound_bytes = at;
			return;
		case TAPE_END:
			if (!s->damages)
				s->sound_bytes = at;
			return;
		}
		if (s->next_seq > s->seq_bound)
			s->seq_bound = s->next_seq;
	}
}

static int scan_file(struct segment_scan *s, int fd)
{
	struct segment_walk w;
	struct stat st;
	ssize_t got = pread(fd, &s->header, sizeof(s->header), 0);
	int rc;

	if (got < 0 || fstat(fd, &st) < 0)
		return -errno;
	s->file_bytes = (uint64_t)st.st_size;
	if (got < (ssize_t)sizeof(s->header)) {
		s->torn_bytes = s->file_bytes; /* made, and not yet written */
		return 0;
	}
	s->has_header = segment_header_is_sound(&s->header);
	if (s->has_header)
		s->next_seq = s->seq_bound = s->header.first_seq;
	else
		note_damage(s, 0);
	segment_walk_init(&w, fd, sizeof(s->header), UINT64_MAX);
	scan_records(s, &w);
	rc = w.error;
	segment_walk_fini(&w);
	return rc;
}

int segment_scan(const char *path, struct segment_scan *s)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	*s = (struct segment_scan){0};
	if (fd < 0)
		return -errno;
	rc = scan_file(s, fd);
	close(fd);
	return rc;
}

void segment_scan_fini(struct segment_scan *s)
{
	free(s->index);
	s->index = NULL;
}

/* --- the index ------------------------------------------------------------------------------- */

bool segment_index_read(int fd, struct tape_index_entry **index, uint32_t *n, uint64_t *last_seq)
{
	struct tape_index_trailer t;
	struct segment_walk w;
	struct tape_record r;
	struct stat st;
	bool ok = false;

	*index = NULL;
	*n = 0;
	if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(t) ||
	    pread(fd, &t, sizeof(t), st.st_size - (off_t)sizeof(t)) != (ssize_t)sizeof(t) ||
	    t.index_offset >= (uint64_t)st.st_size)
		return false;
	segment_walk_init(&w, fd, t.index_offset, UINT64_MAX);
	if (segment_walk_next(&w, &r) == TAPE_SOUND && r.head.type == TAPE_INDEX &&
	    w.offset == (uint64_t)st.st_size && r.head.body_bytes >= sizeof(t)) {
		size_t bytes = r.head.body_bytes - sizeof(t);

		*n = (uint32_t)(bytes / sizeof(**index));
		*index = mem_alloc(bytes + 1);
		memcpy(*index, r.body, bytes);
		*last_seq = t.last_seq;
		ok = true;
	}
	segment_walk_fini(&w);
	return ok;
}

void segment_index_build(struct buf *out, const struct tape_index_entry *index, uint32_t n,
			 uint64_t next_seq, uint64_t offset)
{
	struct tape_record_head head = {.seq = next_seq, .type = TAPE_INDEX};
	struct tape_index_trailer t = {.last_seq = next_seq - 1, .index_offset = offset};
	size_t start = out->len;

	buf_append(out, &head, sizeof(head));
	buf_append(out, index, n * sizeof(*index));
	buf_append(out, &t, sizeof(t));
	tape_record_seal(&head, out->data + start + sizeof(head), out->len - start - sizeof(head));
	memcpy(out->data + start, &head, sizeof(head));
}
