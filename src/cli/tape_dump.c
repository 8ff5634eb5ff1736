/* SPDX-License-Identifier: MIT
 *
 * tape_dump: every tick of a tape as text.
 *
 * json: one object a line, the quote as /ws prints it, holding what the tick carried; control records
 * are lines with "control". csv: the columns of the recorded data, seq and market time in front;
 * empty = absent; control records are left out.
 */
#include <stdio.h>

#include "cli/tape_internal.h"
#include "market/quote_json.h"
#include "tape/codec.h"

#define CSV_LEVELS 5

static const char *const control_names[] = {
	[TAPE_START] = "start",
	[TAPE_STOP] = "stop",
	[TAPE_LINK_UP] = "link_up",
	[TAPE_LINK_DOWN] = "link_down",
	[TAPE_MARKET_INFO] = "market_info",
	[TAPE_DEGRADED] = "degraded",
};

/* --- json ------------------------------------------------------------------------------------ */

static void put_tick_json(struct buf *b, const char *key, const struct slot *slot, bool is_snapshot)
{
	quote_json(b, key, slot, VIEW_FULL);
	if (is_snapshot) {
		b->len--;
		buf_str(b, ",\"replaces\":true}");
	}
	buf_byte(b, '\n');
}

static void put_segments(struct buf *b, const uint8_t *p, const uint8_t *end)
{
	bool first = true;

	buf_str(b, ",\"segments\":{");
	while (p < end && p + 1 + *p < end) {
		if (!first)
			buf_byte(b, ',');
		buf_json_str(b, (const char *)p + 1, *p);
		buf_printf(b, ":%d", p[1 + *p]);
		p += 2 + *p;
		first = false;
	}
	buf_byte(b, '}');
}

static void put_control_json(struct buf *b, const struct tape_record *rec)
{
	struct tape_control_body body;
	const uint8_t *p = rec->body + sizeof(body), *end = rec->body + rec->head.body_bytes;
	const char *name = rec->head.control < ARRAY_LEN(control_names)
				   ? control_names[rec->head.control]
				   : NULL;

	if (rec->head.body_bytes < sizeof(body))
		return;
	memcpy(&body, rec->body, sizeof(body));
	buf_printf(b, "{\"control\":\"%s\",\"next_seq\":%llu,\"ts_ms\":%lld,\"recv_ms\":%lld",
		   name ? name : "unknown", (unsigned long long)rec->head.seq,
		   (long long)body.ts_ms, (long long)body.recv_ms);
	if (rec->head.control == TAPE_MARKET_INFO) {
		put_segments(b, p, end);
	} else if (rec->head.control == TAPE_DEGRADED && end - p >= 16) {
		uint64_t bounds[2];

		memcpy(bounds, p, sizeof(bounds));
		buf_printf(b, ",\"from_seq\":%llu,\"to_seq\":%llu", (unsigned long long)bounds[0],
			   (unsigned long long)bounds[1]);
		p += sizeof(bounds);
	}
	if (rec->head.control != TAPE_MARKET_INFO && p < end) {
		buf_str(b, ",\"text\":");
		buf_json_str(b, (const char *)p, (size_t)(end - p));
	}
	buf_str(b, "}\n");
}

/* --- csv ------------------------------------------------------------------------------------- */

static void csv_header(void)
{
	printf("seq,ts_ms,recv_ms,key,ltp,ltt_ms,ltq,cp,atp,vtt,oi,iv,tbq,tsq,delta,theta,gamma,"
	       "vega,"
	       "rho");
	for (int i = 1; i <= CSV_LEVELS; i++)
		printf(",bq%d,bp%d,aq%d,ap%d", i, i, i, i);
	printf(",d_open,d_high,d_low,d_close,d_vol,d_ts,m_open,m_high,m_low,m_close,m_vol,m_ts\n");
}

static void csv_bar(struct buf *b, const struct quote *q, const char *interval)
{
	const struct bar *bar = NULL;

	for (unsigned i = 0; i < q->bars_n; i++) {
		if (strcmp(q->bars[i].interval, interval) == 0)
			bar = &q->bars[i];
	}
#define CELL(claim, call)                                                                          \
	do {                                                                                       \
		buf_byte(b, ',');                                                                  \
		if (claim)                                                                         \
			call;                                                                      \
	} while (0)
	CELL(bar && bar->present & BAR_OPEN, buf_price(b, bar->open));
	CELL(bar && bar->present & BAR_HIGH, buf_price(b, bar->high));
	CELL(bar && bar->present & BAR_LOW, buf_price(b, bar->low));
	CELL(bar && bar->present & BAR_CLOSE, buf_price(b, bar->close));
	CELL(bar && bar->present & BAR_VOL, buf_i64(b, bar->vol));
	CELL(bar && bar->present & BAR_TS, buf_i64(b, bar->ts_ms));
}

static void put_tick_csv(struct buf *b, const char *key, const struct slot *slot)
{
	const struct quote *q = &slot->q;
	uint32_t p = q->present;

	buf_printf(b, "%llu,%lld,%lld,%s", (unsigned long long)slot->seq, (long long)slot->ts_ms,
		   (long long)slot->recv_ms, key);
	CELL(p & QUOTE_LTP, buf_price(b, q->ltp));
	CELL(p & QUOTE_LTT, buf_i64(b, q->ltt));
	CELL(p & QUOTE_LTQ, buf_i64(b, q->ltq));
	CELL(p & QUOTE_CP, buf_price(b, q->cp));
	CELL(p & QUOTE_ATP, buf_price(b, q->atp));
	CELL(p & QUOTE_VTT, buf_i64(b, q->vtt));
	CELL(p & QUOTE_OI, buf_double(b, q->oi));
	CELL(p & QUOTE_IV, buf_double(b, q->iv));
	CELL(p & QUOTE_TBQ, buf_double(b, q->tbq));
	CELL(p & QUOTE_TSQ, buf_double(b, q->tsq));
	CELL(p & QUOTE_DELTA, buf_double(b, q->delta));
	CELL(p & QUOTE_THETA, buf_double(b, q->theta));
	CELL(p & QUOTE_GAMMA, buf_double(b, q->gamma));
	CELL(p & QUOTE_VEGA, buf_double(b, q->vega));
	CELL(p & QUOTE_RHO, buf_double(b, q->rho));
	for (unsigned i = 0; i < CSV_LEVELS; i++) {
		const struct depth_row *row =
			p & QUOTE_DEPTH && i < q->depth_n ? &q->depth[i] : NULL;

		CELL(row, buf_i64(b, row->bid_qty));
		CELL(row, buf_price(b, row->bid));
		CELL(row, buf_i64(b, row->ask_qty));
		CELL(row, buf_price(b, row->ask));
	}
	csv_bar(b, q, "1d");
	csv_bar(b, q, "I1");
	buf_byte(b, '\n');
}
#undef CELL

/* --- the records ------------------------------------------------------------------------------ */

static void dump_block(const struct tape_args *a, struct tape_reader *r,
		       const struct tape_record *rec, struct buf *out)
{
	static struct slot slot;
	struct tape_block b;
	struct tape_item item;

	if (!tape_block_open(&b, rec))
		return;
	while (tape_block_next(&b, &item)) {
		const char *key = tape_reader_key(r, item.instrument);

		if (!key || !tape_in_range(a, item.seq, b.times.ts_ms) ||
		    !tape_tick_decode(item.bytes, item.len, b.times.ts_ms, &slot.q))
			continue;
		slot.seq = item.seq;
		slot.ts_ms = b.times.ts_ms;
		slot.recv_ms = b.times.recv_ms;
		if (a->is_csv)
			put_tick_csv(out, key, &slot);
		else
			put_tick_json(out, key, &slot, b.is_snapshot);
	}
}

static bool write_out(struct buf *out)
{
	bool ok = fwrite(out->data, 1, out->len, stdout) == out->len;

	buf_reset(out);
	return ok;
}

int tape_dump(const struct tape_args *a)
{
	struct tape_reader r;
	struct tape_record rec;
	struct agni_err err;
	struct buf out = {0};
	bool ok = true;
	uint64_t damages;

	if (tape_reader_open(&r, a->path, &err) < 0)
		return tape_failed(&err);
	if (a->is_csv)
		csv_header();
	while (ok && tape_reader_next(&r, &rec)) {
		if (rec.head.type == TAPE_BLOCK)
			dump_block(a, &r, &rec, &out);
		else if (!a->is_csv && tape_in_range(a, rec.head.seq, 0))
			put_control_json(&out, &rec);
		if (out.len > 65536)
			ok = write_out(&out);
	}
	ok = write_out(&out) && fflush(stdout) == 0 && ok;
	damages = r.damages;
	if (damages)
		fprintf(stderr,
			"agnidata tape: %llu damaged places; at least %llu ticks left out\n",
			(unsigned long long)damages, (unsigned long long)r.left_out);
	tape_reader_close(&r);
	buf_fini(&out);
	if (!ok)
		fprintf(stderr, "agnidata tape: the output could not be written\n");
	return !ok || damages;
}
