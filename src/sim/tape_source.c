/* SPDX-License-Identifier: MIT
 *
 * tape_source: see tape_source.h.
 *
 * A tape of ours is read record by record (tape/reader.h); its blocks are decoded when they are
 * given out, and a market_info record is encoded again as the message that it was.
 *
 * Two buffers: one message is lent out while the next one is already read, because the pace of the
 * playback needs the time of the message that follows.
 */
#include "sim/tape_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "tape/codec.h"
#include "tape/reader.h"
#include "upstox/encode.h"

struct tape_source {
	gzFile file;               /* NULL: a tape of ours */
	struct tape_reader reader; /* of ours */
	struct tape_record record; /* the one that comes next; lent by the reader */
	struct tape_block block;   /* it, when it is one */
	struct feed_encoder *encoder;
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

/* --- a tape of ours ---------------------------------------------------------------------------- */

static bool is_ours(const char *path)
{
	const char *suffix = strstr(path, TAPE_SUFFIX);
	struct stat st;

	return (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) ||
	       (suffix && (!suffix[strlen(TAPE_SUFFIX)] ||
			   strcmp(suffix + strlen(TAPE_SUFFIX), TAPE_DAMAGED_SUFFIX) == 0));
}

/* A folder that somebody records to, perhaps this very process, has no end to play to. */
static bool is_recorded_to(const char *path)
{
	char lock[TAPE_PATH_MAX];
	bool is_taken;
	int fd;

	snprintf(lock, sizeof(lock), "%s/lock", path);
	fd = open(lock, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	is_taken = flock(fd, LOCK_SH | LOCK_NB) < 0;
	close(fd);
	return is_taken;
}

/* The next block or market_info record. */
static void advance_ours(struct tape_source *t)
{
	const struct tape_record_head *h = &t->record.head;
	struct tape_control_body body;

	t->has_ahead = false;
	while (!t->has_ahead && tape_reader_next(&t->reader, &t->record)) {
		if (h->type == TAPE_BLOCK && tape_block_open(&t->block, &t->record)) {
			t->ahead_ms = t->block.times.ts_ms ? t->block.times.ts_ms
							   : t->block.times.recv_ms;
			t->has_ahead = true;
		} else if (h->type == TAPE_CONTROL && h->control == TAPE_MARKET_INFO &&
			   h->body_bytes >= sizeof(body)) {
			memcpy(&body, t->record.body, sizeof(body));
			t->ahead_ms = body.ts_ms;
			t->has_ahead = true;
		}
	}
	if (t->reader.damages)
		snprintf(t->facts.problem, sizeof(t->facts.problem),
			 "%llu damaged places, stepped over",
			 (unsigned long long)t->reader.damages);
}

/* Calls `fn` for each segment of the market_info record in `record`. */
static void each_segment(const struct tape_source *t,
			 void (*fn)(void *arg, const char *segment, size_t len, int status),
			 void *arg)
{
	const uint8_t *p = t->record.body + sizeof(struct tape_control_body),
		      *end = t->record.body + t->record.head.body_bytes;

	while (p < end && p + 1 + *p < end) {
		fn(arg, (const char *)p + 1, *p, p[1 + *p]);
		p += 2 + *p;
	}
}

static void encode_status(void *arg, const char *segment, size_t len, int status)
{
	char text[256];

	snprintf(text, sizeof(text), "%.*s", (int)len, segment);
	feed_encoder_add_status(arg, text, (enum market_status)status);
}

/* Its bytes on the wire go to `lent`. */
static void take_info(struct tape_source *t, struct message *m)
{
	feed_message_begin(m, FEED_MARKET_INFO, t->ahead_ms);
	feed_encoder_begin(t->encoder, FEED_MARKET_INFO, t->ahead_ms);
	each_segment(t, encode_status, t->encoder);
	buf_reset(&t->lent);
	feed_encoder_end(t->encoder, &t->lent);
	m->raw = (const uint8_t *)t->lent.data;
	m->raw_len = t->lent.len;
	m->has_info = true;
}

static void take_block(struct tape_source *t, struct message *m)
{
	struct tape_item item;

	feed_message_begin(m, t->block.is_snapshot ? FEED_INITIAL : FEED_LIVE,
			   t->block.times.ts_ms);
	while (tape_block_next(&t->block, &item)) {
		const char *key = tape_reader_key(&t->reader, item.instrument);
		struct tick *tick = feed_message_add(m);
		inst_id id = key ? instruments_find(t->keys, key, strlen(key)) : INST_NONE;

		if (id == INST_NONE ||
		    !tape_tick_decode(item.bytes, item.len, t->block.times.ts_ms, &tick->q)) {
			m->n--;
			continue;
		}
		tick->key = instruments_key(t->keys, id);
		tick->key_len = (uint32_t)strlen(tick->key);
		m->ids[m->n - 1] = id;
	}
}

static bool next_ours(struct tape_source *t, struct message *m)
{
	if (t->record.head.type == TAPE_BLOCK)
		take_block(t, m);
	else
		take_info(t, m);
	advance_ours(t);
	return true;
}

/* --- both -------------------------------------------------------------------------------------- */

/* The next valid message into `ahead`. */
static void advance(struct tape_source *t, bool is_counting)
{
	if (!t->file) {
		advance_ours(t);
		return;
	}
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

static void note_key(struct tape_source *t, const char *key, size_t len)
{
	inst_id id = instruments_intern(t->keys, key, len);

	if (id != INST_NONE)
		note_segment(&t->facts, key, instrument_segment_len(instruments_key(t->keys, id)));
}

/* Keys come with the blocks that name them first. */
static void note_ours(struct tape_source *t)
{
	struct tape_block b;
	const char *key;
	uint32_t len;

	if (!tape_block_open(&b, &t->record))
		each_segment(t, on_status, &t->facts);
	else
		while (tape_block_key(&b, &key, &len))
			note_key(t, key, len);
}

static void note_frame(struct tape_source *t)
{
	struct tick tick;

	while (feed_frame_next(&t->frame, &tick))
		note_key(t, tick.key, tick.key_len);
	feed_info_each(&t->frame, on_status, &t->facts);
}

/* Notes what the message that comes next tells about the tape. */
static void note_message(struct tape_source *t)
{
	struct tape_facts *f = &t->facts;

	if (t->file)
		note_frame(t);
	else
		note_ours(t);
	if (f->messages++ == 0)
		f->first_ms = t->ahead_ms;
	f->last_ms = t->ahead_ms;
	f->bytes += t->file ? t->ahead.len : t->record.head.body_bytes;
}

int tape_source_open(const char *path, struct instruments *keys, struct tape_source **out,
		     struct agni_err *err)
{
	struct tape_source *t = mem_zalloc(sizeof(*t));
	bool ours = is_ours(path);

	*out = NULL;
	t->keys = keys;
	if (ours && is_recorded_to(path)) {
		free(t);
		return agni_fail(err, AGNI_ENOTFOUND,
				 "tape %s is being recorded: cut the part that is wanted", path);
	}
	if (ours && tape_reader_open(&t->reader, path, err) < 0) {
		free(t);
		return AGNI_ENOTFOUND;
	}
	if (ours)
		t->encoder = feed_encoder_create();
	else
		t->file = gzopen(path, "rb");
	if (!ours && !t->file) {
		free(t);
		return agni_fail(err, AGNI_ENOTFOUND, "tape %s cannot be opened", path);
	}
	if (t->file)
		gzbuffer(t->file, 1 << 18);
	for (advance(t, true); t->has_ahead; advance(t, true))
		note_message(t);
	if (t->facts.messages == 0) {
		agni_fail(err, AGNI_EPARSE, "tape %s holds no message%s%s%s", path,
			  t->facts.problem[0] ? ": " : "", t->facts.problem,
			  strstr(path, ".csv") ? "; agnidata tape import makes a tape of a .csv"
					       : "");
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
	if (t->file) {
		gzclose(t->file);
	} else {
		tape_reader_close(&t->reader);
		feed_encoder_destroy(t->encoder);
	}
	buf_fini(&t->ahead);
	buf_fini(&t->lent);
	feed_frame_fini(&t->frame);
	free(t);
}

void tape_source_rewind(struct tape_source *t)
{
	if (t->file) {
		gzclearerr(t->file);
		gzrewind(t->file);
	} else {
		tape_reader_rewind(&t->reader);
	}
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
	if (!t->file)
		return next_ours(t, m);
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
