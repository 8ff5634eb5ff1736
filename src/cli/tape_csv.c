/* SPDX-License-Identifier: MIT
 *
 * tape_csv: see tape_csv.h. A table says for each name what its cell is and where it goes.
 */
#include "cli/tape_csv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum kind { RECV, TS, KEY, PRICE, WHOLE, NUMBER, BID_QTY, BID, ASK_QTY, ASK, BAR_PRICE, BAR_WHOLE };

static const struct field {
	const char *name;
	enum kind kind;
	uint32_t bit;  /* QUOTE_*; of a bar BAR_* */
	size_t offset; /* in struct quote; of a bar in struct bar */
	unsigned at;   /* level of the depth; 0 = the day's bar, 1 = the minute's */
} fields[] = {
#define AT(name) offsetof(struct quote, name)
	{"recv_ms", RECV, 0, 0, 0},
	{"ts_ms", TS, 0, 0, 0},
	{"key", KEY, 0, 0, 0},
	{"ltp", PRICE, QUOTE_LTP, AT(ltp), 0},
	{"ltt_ms", WHOLE, QUOTE_LTT, AT(ltt), 0},
	{"ltq", WHOLE, QUOTE_LTQ, AT(ltq), 0},
	{"cp", PRICE, QUOTE_CP, AT(cp), 0},
	{"atp", PRICE, QUOTE_ATP, AT(atp), 0},
	{"vtt", WHOLE, QUOTE_VTT, AT(vtt), 0},
	{"oi", NUMBER, QUOTE_OI, AT(oi), 0},
	{"iv", NUMBER, QUOTE_IV, AT(iv), 0},
	{"tbq", NUMBER, QUOTE_TBQ, AT(tbq), 0},
	{"tsq", NUMBER, QUOTE_TSQ, AT(tsq), 0},
	{"delta", NUMBER, QUOTE_DELTA, AT(delta), 0},
	{"theta", NUMBER, QUOTE_THETA, AT(theta), 0},
	{"gamma", NUMBER, QUOTE_GAMMA, AT(gamma), 0},
	{"vega", NUMBER, QUOTE_VEGA, AT(vega), 0},
	{"rho", NUMBER, QUOTE_RHO, AT(rho), 0},
#define LEVEL(n)                                                                                   \
	{"bq" #n, BID_QTY, 0, 0, (n)-1}, {"bp" #n, BID, 0, 0, (n)-1},                              \
		{"aq" #n, ASK_QTY, 0, 0, (n)-1},                                                   \
	{                                                                                          \
		"ap" #n, ASK, 0, 0, (n)-1                                                          \
	}
	LEVEL(1),
	LEVEL(2),
	LEVEL(3),
	LEVEL(4),
	LEVEL(5),
#define BAR(prefix, n)                                                                             \
	{prefix "_open", BAR_PRICE, BAR_OPEN, offsetof(struct bar, open), n},                      \
		{prefix "_high", BAR_PRICE, BAR_HIGH, offsetof(struct bar, high), n},              \
		{prefix "_low", BAR_PRICE, BAR_LOW, offsetof(struct bar, low), n},                 \
		{prefix "_close", BAR_PRICE, BAR_CLOSE, offsetof(struct bar, close), n},           \
		{prefix "_vol", BAR_WHOLE, BAR_VOL, offsetof(struct bar, vol), n},                 \
	{                                                                                          \
		prefix "_ts", BAR_WHOLE, BAR_TS, offsetof(struct bar, ts_ms), n                    \
	}
	BAR("d", 0),
	BAR("m", 1),
};

/* --- cells ----------------------------------------------------------------------------------- */

static bool cell_whole(const char *cell, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(cell, &end, 10);
	return end != cell && *end == '\0' && errno == 0;
}

static bool cell_number(const char *cell, double *out)
{
	char *end;

	*out = strtod(cell, &end);
	return end != cell && *end == '\0' && *out == *out;
}

static bool cell_price(const char *cell, price_t *out)
{
	double d;

	return cell_number(cell, &d) && price_from_double(d, out);
}

static bool take_level(struct quote *q, const struct field *f, const char *cell)
{
	struct depth_row *row = &q->depth[f->at];

	if (q->depth_n <= f->at)
		q->depth_n = (uint8_t)(f->at + 1);
	q->present |= QUOTE_DEPTH;
	switch (f->kind) {
	case BID_QTY:
		return cell_whole(cell, &row->bid_qty);
	case BID:
		return cell_price(cell, &row->bid);
	case ASK_QTY:
		return cell_whole(cell, &row->ask_qty);
	default:
		return cell_price(cell, &row->ask);
	}
}

static bool take_cell(struct tape_csv *c, struct bar bars[2], const struct field *f,
		      const char *cell)
{
	void *place = (char *)&c->q + f->offset, *in_bar = (char *)&bars[f->at & 1] + f->offset;

	switch (f->kind) {
	case RECV:
		return cell_whole(cell, &c->recv_ms);
	case TS:
		return cell_whole(cell, &c->ts_ms);
	case KEY:
		return snprintf(c->key, sizeof(c->key), "%s", cell) < (int)sizeof(c->key);
	case PRICE:
		c->q.present |= f->bit;
		return cell_price(cell, place);
	case WHOLE:
		c->q.present |= f->bit;
		return cell_whole(cell, place);
	case NUMBER:
		c->q.present |= f->bit;
		return cell_number(cell, place);
	case BAR_PRICE:
		bars[f->at].present |= f->bit;
		return cell_price(cell, in_bar);
	case BAR_WHOLE:
		bars[f->at].present |= f->bit;
		return cell_whole(cell, in_bar);
	default:
		return take_level(&c->q, f, cell);
	}
}

/* --- lines ----------------------------------------------------------------------------------- */

/* The next cell, terminated; NULL at the end of the line. */
static char *next_cell(char **at)
{
	char *cell = *at;

	if (!cell)
		return NULL;
	*at = strchr(cell, ',');
	if (*at)
		*(*at)++ = '\0';
	else
		cell[strcspn(cell, "\r\n")] = '\0';
	return cell;
}

static int16_t field_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (strcmp(fields[i].name, name) == 0)
			return (int16_t)i;
	}
	return -1;
}

static bool has_field(const struct tape_csv *c, enum kind kind)
{
	for (unsigned i = 0; i < c->columns; i++) {
		if (c->field[i] >= 0 && fields[c->field[i]].kind == kind)
			return true;
	}
	return false;
}

int tape_csv_header(struct tape_csv *c, const char *line, struct agni_err *err)
{
	char copy[8192], *at = copy, *cell;

	c->columns = 0;
	snprintf(copy, sizeof(copy), "%s", line);
	while ((cell = next_cell(&at)) && c->columns < CSV_COLUMNS_MAX)
		c->field[c->columns++] = field_of(cell);
	if (!has_field(c, RECV) || !has_field(c, KEY))
		return agni_fail(err, AGNI_EPARSE, "the first line names no recv_ms and no key");
	return 0;
}

static void add_bars(struct quote *q, struct bar bars[2])
{
	static const char *const names[] = {"1d", "I1"};

	for (int i = 0; i < 2; i++) {
		if (!bars[i].present)
			continue;
		memcpy(bars[i].interval, names[i], 3);
		q->bars[q->bars_n++] = bars[i];
		q->present |= QUOTE_BARS | QUOTE_MSG_OHLC;
	}
}

bool tape_csv_row(struct tape_csv *c, const char *line)
{
	struct bar bars[2] = {{.present = 0}};
	char copy[8192], *at = copy, *cell;

	quote_clear(&c->q);
	memset(c->q.depth, 0, sizeof(c->q.depth));
	c->q.arm = ARM_MARKET;
	c->q.mode = MODE_FULL_D5;
	c->recv_ms = c->ts_ms = 0;
	c->key[0] = '\0';
	snprintf(copy, sizeof(copy), "%s", line);
	for (unsigned i = 0; i < c->columns && (cell = next_cell(&at)); i++) {
		if (cell[0] && c->field[i] >= 0 && !take_cell(c, bars, &fields[c->field[i]], cell))
			return false;
	}
	add_bars(&c->q, bars);
	if (c->q.present & (QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP))
		c->q.present |= QUOTE_MSG_LTPC;
	if (c->q.present & QUOTE_GREEKS)
		c->q.present |= QUOTE_MSG_GREEKS;
	if (c->ts_ms <= 0)
		c->ts_ms = c->recv_ms;
	return c->recv_ms > 0 && instrument_key_is_valid(c->key, strlen(c->key));
}
