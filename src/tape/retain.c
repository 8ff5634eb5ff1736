/* SPDX-License-Identifier: MIT
 *
 * retain: which files are deleted: the oldest, by age and by the size of them all; never the newest,
 * which carries seq and epoch over a restart. A reader that was in such a file meets the floor and
 * gets a gap notice.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tape/tape_internal.h"

#define DAY_MS 86400000ll

/* A file ends when the next one begins. */
static bool is_too_old(const struct tape *t)
{
	int64_t days = t->deps.cfg->keep_days;

	return days &&
	       t->segments[1].created_ms < clock_wall_ms(t->deps.loop->clock) - days * DAY_MS;
}

static void delete_oldest(struct tape *t)
{
	struct tape_segment *s = &t->segments[0];
	char path[TAPE_PATH_MAX + 16];

	segment_path(path, t->dir, s->ordinal);
	if (s->is_damaged)
		snprintf(path + strlen(path), 16, TAPE_DAMAGED_SUFFIX);
	if (unlink(path) < 0 && errno != ENOENT)
		log_warn("tape", "%s cannot be deleted: %s", path, agni_strerror(-errno));
	t->deleted++;
	tape_segment_drop(t, 0);
}

void tape_retain(struct tape *t)
{
	uint64_t sum = 0, limit = (uint64_t)t->deps.cfg->keep_bytes;

	for (uint32_t i = 0; i < t->segments_n; i++)
		sum += t->segments[i].bytes;
	while (t->segments_n > 1 && ((limit && sum > limit) || is_too_old(t))) {
		sum -= t->segments[0].bytes;
		delete_oldest(t);
	}
	t->folder_bytes = sum;
	t->segments_now = t->segments_n;
}
