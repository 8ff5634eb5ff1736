/* SPDX-License-Identifier: MIT
 *
 * tape_write: tapes made of others: a part of a tape, and recordings of the broker's feed.
 *
 *      cut      numbers and epoch stay: (epoch, seq) names the same tick in the part
 *      .pbs     u32 length and FeedResponse, again and again; one block per message
 *      .csv     one full-mode message per row (columns by their names in the first line); one block
 *               per row, its time is ts_ms, else recv_ms
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "cli/tape_csv.h"
#include "cli/tape_internal.h"
#include "tape/codec.h"
#include "tape/writer.h"
#include "upstox/frame.h"

#define FLUSH_BLOCKS 256
#define MESSAGE_MAX  (16u << 20)

struct counts {
	uint64_t blocks, ticks, left_out;
};

/* Writes what has come together, now and then. */
static int pass_on(struct tape_writer *w, struct counts *n, struct agni_err *err)
{
	return ++n->blocks % FLUSH_BLOCKS ? 0 : tape_writer_flush(w, err);
}

static int finish(struct tape_writer *w, const struct counts *n, int rc, struct agni_err *err)
{
	char dir[TAPE_DIR_MAX];
	struct agni_err closing = {0};

	memcpy(dir, w->tape.dir, sizeof(dir));
	if (tape_writer_close(w, &closing) < 0 && rc == 0) {
		*err = closing;
		rc = closing.code;
	}
	if (rc < 0)
		return tape_failed(err);
	printf("%s: %llu messages, %llu ticks; %llu left out\n", dir, (unsigned long long)n->blocks,
	       (unsigned long long)n->ticks, (unsigned long long)n->left_out);
	return 0;
}

/* --- cut --------------------------------------------------------------------------------------- */

struct cut {
	const struct tape_args *args;
	struct tape_reader r;
	struct tape_writer w;
	bool is_open;
	struct counts n;
};

static int cut_begin(struct cut *c, uint64_t first_seq, struct agni_err *err)
{
	char source[sizeof(c->r.header.source) + 1] = "";
	int rc;

	memcpy(source, c->r.header.source, sizeof(c->r.header.source));
	rc = tape_writer_open(&c->w, c->args->out, c->args->source ? c->args->source : source,
			      c->r.header.epoch, first_seq - 1, err);
	if (rc < 0)
		return rc;
	c->is_open = true;
	if (c->w.tape.seq != first_seq - 1)
		return agni_fail(err, AGNI_EUSAGE, "%s is not empty", c->w.tape.dir);
	return 0;
}

/* The block's ticks in the range, which are neighbours, as one block. */
static int cut_block(struct cut *c, const struct tape_record *rec, struct agni_err *err)
{
	static struct quote q;
	struct tape_block b;
	struct tape_item item;
	bool has_begun = false;

	if (!tape_block_open(&b, rec))
		return 0;
	while (tape_block_next(&b, &item)) {
		const char *key = tape_reader_key(&c->r, item.instrument);
		struct tick_meta meta = {.ts_ms = b.times.ts_ms,
					 .recv_ms = b.times.recv_ms,
					 .is_snapshot = b.is_snapshot};
		int rc = 0;

		if (!key || !tape_in_range(c->args, item.seq, b.times.ts_ms) ||
		    !tape_tick_decode(item.bytes, item.len, b.times.ts_ms, &q))
			continue;
		if (!c->is_open)
			rc = cut_begin(c, item.seq, err);
		if (rc == 0 && c->r.has_header && c->r.header.epoch != c->w.tape.epoch_id)
			rc = agni_fail(err, AGNI_EUSAGE,
				       "the range holds more than one epoch: cut them one by one");
		if (rc == 0 && c->w.tape.last + 1 != item.seq)
			rc = agni_fail(err, AGNI_EUSAGE,
				       "seq %llu to %llu are missing in it: cut around them",
				       (unsigned long long)c->w.tape.last + 1,
				       (unsigned long long)item.seq - 1);
		if (rc < 0) {
			if (has_begun)
				tape_end(&c->w.tape);
			return rc;
		}
		if (!has_begun)
			tape_begin(&c->w.tape, &meta);
		has_begun = true;
		c->n.ticks += tape_writer_tick(&c->w, key, strlen(key), &q);
	}
	if (!has_begun)
		return 0;
	tape_end(&c->w.tape);
	return pass_on(&c->w, &c->n, err);
}

int tape_cut(const struct tape_args *a)
{
	struct cut c = {.args = a};
	struct tape_record rec;
	struct agni_err err = {0};
	int rc = tape_reader_open(&c.r, a->path, &err);

	if (rc < 0)
		return tape_failed(&err);
	while (rc == 0 && tape_reader_next(&c.r, &rec)) {
		if (rec.head.type == TAPE_BLOCK)
			rc = cut_block(&c, &rec, &err);
	}
	c.n.left_out = c.r.left_out;
	tape_reader_close(&c.r);
	if (c.is_open)
		return finish(&c.w, &c.n, rc, &err);
	if (rc == 0)
		agni_fail(&err, AGNI_ENOTFOUND, "no tick in the range");
	return tape_failed(&err);
}

/* --- import ------------------------------------------------------------------------------------ */

static size_t read_all(gzFile f, void *to, size_t n)
{
	size_t got = 0;
	int r;

	while (got < n && (r = gzread(f, (char *)to + got, (unsigned)(n - got))) > 0)
		got += (size_t)r;
	return got;
}

/* The next message of a .pbs; 1, 0 at the end, or AGNI_EPARSE. */
static int next_message(gzFile f, struct buf *message, struct agni_err *err)
{
	uint8_t head[4];
	size_t got = read_all(f, head, sizeof(head));
	uint32_t len;

	if (got == 0)
		return 0;
	memcpy(&len, head, sizeof(len));
	if (got < sizeof(head) || len > MESSAGE_MAX)
		return agni_fail(err, AGNI_EPARSE, "not a stream of messages");
	buf_reset(message);
	message->len = read_all(f, buf_reserve(message, len + 1), len);
	return message->len == len ? 1 : agni_fail(err, AGNI_EPARSE, "it ends within a message");
}

/* Its market_info as a control record, then its ticks as a block. */
static void note_info(void *arg, const char *segment, size_t len, int status)
{
	struct buf *info = arg;

	if (len <= UINT8_MAX) {
		buf_byte(info, (char)len);
		buf_append(info, segment, len);
		buf_byte(info, (char)status);
	}
}

static void import_message(struct tape_writer *w, struct feed_frame *f, struct counts *n)
{
	struct tick_meta meta = {.ts_ms = f->current_ts,
				 .recv_ms = f->current_ts,
				 .is_snapshot = f->type == FEED_INITIAL};
	const struct tick *tick;

	if (f->has_market_info) {
		struct buf info = {0};

		feed_info_each(f, note_info, &info);
		tape_control(&w->tape, TAPE_MARKET_INFO, f->current_ts, f->current_ts, info.data,
			     info.len);
		buf_fini(&info);
	}
	tape_begin(&w->tape, &meta);
	while ((tick = feed_frame_lend(f))) {
		bool ok = tape_writer_tick(w, tick->key, tick->key_len, &tick->q);

		n->ticks += ok;
		n->left_out += !ok;
	}
	tape_end(&w->tape);
}

static int import_pbs(struct tape_writer *w, gzFile f, struct counts *n, struct agni_err *err)
{
	struct buf message = {0};
	struct feed_frame frame = {0};
	int rc;

	while ((rc = next_message(f, &message, err)) > 0) {
		if (feed_frame_scan(&frame, message.data, message.len, NULL) < 0) {
			n->left_out++;
			continue;
		}
		import_message(w, &frame, n);
		rc = pass_on(w, n, err);
		if (rc < 0)
			break;
	}
	feed_frame_fini(&frame);
	buf_fini(&message);
	return rc;
}

static int import_csv(struct tape_writer *w, gzFile f, struct counts *n, struct agni_err *err)
{
	static struct tape_csv csv;
	char line[8192];
	int rc;

	if (!gzgets(f, line, sizeof(line)))
		return agni_fail(err, AGNI_EPARSE, "it is empty");
	rc = tape_csv_header(&csv, line, err);
	while (rc == 0 && gzgets(f, line, sizeof(line))) {
		struct tick_meta meta = {0};

		if (!tape_csv_row(&csv, line)) {
			n->left_out++;
			continue;
		}
		meta.ts_ms = csv.ts_ms;
		meta.recv_ms = csv.recv_ms;
		tape_begin(&w->tape, &meta);
		n->ticks += tape_writer_tick(w, csv.key, strlen(csv.key), &csv.q);
		tape_end(&w->tape);
		rc = pass_on(w, n, err);
	}
	return rc;
}

static bool has_suffix(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n >= m && strcmp(text + n - m, suffix) == 0;
}

int tape_import(const struct tape_args *a)
{
	bool is_csv = has_suffix(a->path, ".csv") || has_suffix(a->path, ".csv.gz");
	struct tape_writer w;
	struct counts n = {0};
	struct agni_err err = {0};
	gzFile f;
	int rc;

	if (!is_csv && !has_suffix(a->path, ".pbs") && !has_suffix(a->path, ".pbs.gz")) {
		agni_fail(&err, AGNI_EUSAGE, "%s is neither .csv nor .pbs (or either with .gz)",
			  a->path);
		tape_failed(&err);
		return 2;
	}
	f = gzopen(a->path, "rb");
	if (!f) {
		agni_fail(&err, AGNI_ENOTFOUND, "%s cannot be opened", a->path);
		return tape_failed(&err);
	}
	gzbuffer(f, 1 << 18);
	rc = tape_writer_open(&w, a->out, a->source ? a->source : "import", 0, 0, &err);
	if (rc == 0) {
		if (w.tape.last != 0)
			rc = agni_fail(&err, AGNI_EUSAGE, "%s is not empty", w.tape.dir);
		else
			rc = (is_csv ? import_csv : import_pbs)(&w, f, &n, &err);
		if (rc < 0)
			agni_wrap(&err, "%s", a->path);
		gzclose(f);
		return finish(&w, &n, rc, &err);
	}
	gzclose(f);
	return tape_failed(&err);
}
