/* SPDX-License-Identifier: MIT
 *
 * reader: see reader.h.
 */
#include "tape/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_path(struct tape_reader *r, const char *dir, const char *name)
{
	buf_printf(&r->paths, "%s%s%s", dir, dir[0] ? "/" : "", name);
	buf_byte(&r->paths, '\0');
}

/* The segments of a folder by name; those set aside stay aside. */
static int list_folder(struct tape_reader *r, const char *path, struct agni_err *err)
{
	DIR *d = opendir(path);
	char **names = NULL;
	size_t n = 0, cap = 0;
	struct dirent *e;

	if (!d)
		return agni_fail_uv(err, -errno, "cannot read the folder %s", path);
	while ((e = readdir(d))) {
		bool is_damaged = false;

		if (!segment_ordinal(e->d_name, &is_damaged) || is_damaged)
			continue;
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			names = mem_realloc(names, cap * sizeof(*names));
		}
		names[n++] = mem_strdup(e->d_name);
	}
	closedir(d);
	if (n)
		qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++) {
		add_path(r, path, names[i]);
		free(names[i]);
	}
	free(names);
	return n ? 0 : agni_fail(err, AGNI_ENOTFOUND, "no tape in the folder %s", path);
}

int tape_reader_open(struct tape_reader *r, const char *path, struct agni_err *err)
{
	struct stat st;

	*r = (struct tape_reader){.fd = -1};
	if (stat(path, &st) < 0)
		return agni_fail_uv(err, -errno, "cannot open %s", path);
	if (S_ISDIR(st.st_mode)) {
		int rc = list_folder(r, path, err);

		if (rc < 0)
			tape_reader_close(r);
		return rc;
	}
	add_path(r, "", path);
	return 0;
}

static void close_file(struct tape_reader *r)
{
	if (r->fd < 0)
		return;
	segment_walk_fini(&r->walk);
	close(r->fd);
	r->fd = -1;
}

void tape_reader_close(struct tape_reader *r)
{
	close_file(r);
	buf_fini(&r->paths);
	buf_fini(&r->keys);
	buf_fini(&r->offsets);
}

void tape_reader_rewind(struct tape_reader *r)
{
	close_file(r);
	r->next_path = 0;
	r->files = r->damages = r->left_out = 0;
}

/* Market time of the first block of a file that has one; 0: none. */
static int64_t first_ms(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct segment_walk w;
	struct tape_record rec;
	int64_t ms = 0;

	if (fd < 0)
		return 0;
	segment_walk_init(&w, fd, sizeof(struct tape_segment_header), UINT64_MAX);
	while (ms == 0 && segment_walk_next(&w, &rec) == TAPE_SOUND) {
		struct tape_block b;

		if (rec.head.type == TAPE_BLOCK && tape_block_open(&b, &rec))
			ms = b.times.ts_ms;
	}
	segment_walk_fini(&w);
	close(fd);
	return ms;
}

int64_t tape_reader_newest_ms(const struct tape_reader *r)
{
	int64_t newest = 0;

	for (size_t at = 0; at < r->paths.len; at += strlen(r->paths.data + at) + 1) {
		int64_t ms = first_ms(r->paths.data + at);

		if (ms)
			newest = ms;
	}
	return newest;
}

void tape_reader_skip_to(struct tape_reader *r, int64_t ms)
{
	for (size_t at = 0; at < r->paths.len; at += strlen(r->paths.data + at) + 1) {
		int64_t first = first_ms(r->paths.data + at);

		if (first && first <= ms)
			r->next_path = at;
	}
}

/* False after the last file. One that cannot be read counts as damage. */
static bool open_next(struct tape_reader *r)
{
	close_file(r);
	while (r->next_path < r->paths.len) {
		r->path = r->paths.data + r->next_path;
		r->next_path += strlen(r->path) + 1;
		r->files++;
		r->is_blind = false;
		r->fd = open(r->path, O_RDONLY | O_CLOEXEC);
		r->has_header = r->fd >= 0 &&
				pread(r->fd, &r->header, sizeof(r->header), 0) ==
					(ssize_t)sizeof(r->header) &&
				segment_header_is_sound(&r->header);
		r->damages += !r->has_header;
		if (r->fd < 0)
			continue;
		segment_walk_init(&r->walk, r->fd, sizeof(r->header), UINT64_MAX);
		return true;
	}
	return false;
}

static void note_keys(struct tape_reader *r, const struct tape_record *rec)
{
	struct tape_block b;
	const char *key;
	uint32_t len;

	if (!tape_block_open(&b, rec))
		return;
	if (b.opens_chunk) {
		buf_reset(&r->keys);
		buf_reset(&r->offsets);
		r->is_blind = false;
	}
	while (tape_block_key(&b, &key, &len)) {
		uint32_t at = (uint32_t)r->keys.len;

		buf_append(&r->offsets, &at, sizeof(at));
		buf_append(&r->keys, key, len);
		buf_byte(&r->keys, '\0');
	}
}

/* True: `rec` may be given out. */
static bool take(struct tape_reader *r, enum tape_found found, const struct tape_record *rec)
{
	if (found == TAPE_BAD_BODY) {
		r->damages++;
		r->left_out += rec->head.ticks;
		r->is_blind = true;
		return false;
	}
	if (rec->head.type == TAPE_BLOCK) {
		note_keys(r, rec);
		if (r->is_blind) {
			r->left_out += rec->head.ticks;
			return false;
		}
	}
	return rec->head.type != TAPE_INDEX;
}

bool tape_reader_next(struct tape_reader *r, struct tape_record *rec)
{
	while (r->fd >= 0 || open_next(r)) {
		enum tape_found found = segment_walk_next(&r->walk, rec);

		if (found == TAPE_SOUND || found == TAPE_BAD_BODY) {
			if (take(r, found, rec))
				return true;
			continue;
		}
		if (found == TAPE_BAD_HEAD) {
			r->damages++;
			r->is_blind = true;
			if (segment_walk_resync(&r->walk))
				continue;
		}
		close_file(r);
	}
	return false;
}

const char *tape_reader_key(const struct tape_reader *r, uint32_t number)
{
	uint32_t at;

	if (number >= r->offsets.len / sizeof(at))
		return NULL;
	memcpy(&at, r->offsets.data + number * sizeof(at), sizeof(at));
	return r->keys.data + at;
}
