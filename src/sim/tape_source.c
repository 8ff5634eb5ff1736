/* SPDX-License-Identifier: MIT
 *
 * tape_source: see tape_source.h.
 *
 * Two buffers: one message is lent out while the next one is already read, because the pace of the
 * playback needs the time of the message that follows.
 */
#include "sim/tape_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

struct tape_source {
	gzFile file;
	struct instruments *keys; /* lent */
	struct tape_facts facts;
	struct buf ahead, lent; /* the message that comes next, and the one that is out */
	int64_t ahead_ms;
	bool has_ahead;
	uint64_t records;        /* read since the last rewind */
	struct feed_frame frame; /* the scan of `ahead` */
};

/* Exactly `n` bytes; returns how many came. */
static size_t read_all(gzFile f, void *to, size_t n)
{
	size_t got = 0;

	while (got < n) {
		int r = gzread(f, (char *)to + got, (unsigned)(n - got));

		if (r <= 0)
			break;
		got += (size_t)r;
	}
	return got;
}

static bool damaged(struct tape_source *t, const char *what)
{
	snprintf(t->facts.problem, sizeof(t->facts.problem), "%s in record %llu", what,
		 (unsigned long long)t->records + 1);
	return false;
}

/* One record into `ahead`. False at the end of the file or of its whole part. */
static bool read_record(struct tape_source *t)
{
	unsigned char head[4];
	size_t got = read_all(t->file, head, sizeof(head));
	int zerr = Z_OK;
	uint32_t len;

	if (got == 0) {
		/* A gzip file that is cut between two records ends like a whole one, but says so.
		 */
		gzerror(t->file, &zerr);
		if (zerr != Z_OK && zerr != Z_STREAM_END)
			return damaged(t, "compressed data end too early");
		return false;
	}
	if (got < sizeof(head))
		return damaged(t, "the file ends in the length");
	len = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 |
	      (uint32_t)head[3] << 24;
	if (len > TAPE_MESSAGE_MAX)
		return damaged(t, "a length beyond 16 MiB");
	buf_reset(&t->ahead);
	if (read_all(t->file, buf_reserve(&t->ahead, len + 1), len) < len)
		return damaged(t, "the file ends within the message");
	t->ahead.len = len;
	t->records++;
	return true;
}

/* The next valid message into `ahead`. */
static void advance(struct tape_source *t, bool is_counting)
{
	t->has_ahead = false;
	while (read_record(t)) {
		if (feed_frame_scan(&t->frame, t->ahead.data, t->ahead.len, NULL) == 0) {
			t->has_ahead = true;
			t->ahead_ms = t->frame.current_ts;
			return;
		}
		t->facts.invalid += is_counting;
	}
}

static void note_segment(struct tape_facts *f, const char *text, size_t len)
{
	if (len >= TAPE_SEGMENT_TEXT || f->segments_n == TAPE_SEGMENTS_MAX)
		return;
	for (uint32_t i = 0; i < f->segments_n; i++) {
		if (strlen(f->segments[i]) == len && memcmp(f->segments[i], text, len) == 0)
			return;
	}
	memcpy(f->segments[f->segments_n++], text, len);
}

static void on_status(void *arg, const char *segment, size_t len, int status)
{
	(void)status;
	note_segment(arg, segment, len);
}

/* Notes what the message in `ahead` tells about the tape. */
static void note_message(struct tape_source *t)
{
	struct tape_facts *f = &t->facts;
	struct tick tick;

	while (feed_frame_next(&t->frame, &tick)) {
		inst_id id = instruments_intern(t->keys, tick.key, tick.key_len);

		if (id != INST_NONE)
			note_segment(f, tick.key,
				     instrument_segment_len(instruments_key(t->keys, id)));
	}
	feed_info_each(&t->frame, on_status, f);
	if (f->messages++ == 0)
		f->first_ms = t->ahead_ms;
	f->last_ms = t->ahead_ms;
	f->bytes += t->ahead.len;
}

int tape_source_open(const char *path, struct instruments *keys, struct tape_source **out,
		     struct agni_err *err)
{
	gzFile file = gzopen(path, "rb");
	struct tape_source *t;

	*out = NULL;
	if (!file)
		return agni_fail(err, AGNI_ENOTFOUND, "tape %s cannot be opened", path);
	gzbuffer(file, 1 << 18);
	t = mem_zalloc(sizeof(*t));
	t->file = file;
	t->keys = keys;
	for (advance(t, true); t->has_ahead; advance(t, true))
		note_message(t);
	if (t->facts.messages == 0) {
		agni_fail(err, AGNI_EPARSE, "tape %s holds no message%s%s", path,
			  t->facts.problem[0] ? ": " : "", t->facts.problem);
		tape_source_close(t);
		return AGNI_EPARSE;
	}
	tape_source_rewind(t);
	*out = t;
	return 0;
}

void tape_source_close(struct tape_source *t)
{
	if (!t)
		return;
	gzclose(t->file);
	buf_fini(&t->ahead);
	buf_fini(&t->lent);
	feed_frame_fini(&t->frame);
	free(t);
}

void tape_source_rewind(struct tape_source *t)
{
	gzclearerr(t->file);
	gzrewind(t->file);
	t->records = 0;
	advance(t, false);
}

const struct tape_facts *tape_source_facts(const struct tape_source *t)
{
	return &t->facts;
}

int64_t tape_source_next_ms(const struct tape_source *t)
{
	return t->has_ahead ? t->ahead_ms : t->facts.last_ms;
}

bool tape_source_at_end(const struct tape_source *t)
{
	return !t->has_ahead;
}

bool tape_source_next(struct tape_source *t, struct message *m)
{
	struct buf swap = t->lent;
	struct tick *tick;

	if (!t->has_ahead)
		return false;
	t->lent = t->ahead;
	t->ahead = swap;
	/* The scan of `ahead` is still in the frame, and its bytes have not moved. */
	feed_message_begin(m, t->frame.type, t->frame.current_ts);
	m->raw = (const uint8_t *)t->lent.data;
	m->raw_len = t->lent.len;
	m->has_info = t->frame.has_market_info;
	for (;;) {
		tick = feed_message_add(m);
		if (!feed_frame_next(&t->frame, tick))
			break;
		m->ids[m->n - 1] = instruments_find(t->keys, tick->key, tick->key_len);
	}
	m->n--;
	advance(t, false);
	return true;
}
