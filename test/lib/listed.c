/* SPDX-License-Identifier: MIT
 *
 * listed: see listed.h.
 */
#include "listed.h"

#include "check.h"
#include "core/ist.h"
#include "data.h"
#include "refdata/rows.h"
#include "upstox/master_row.h"

struct pass {
	struct master_builder builder;
	struct master_row_text row;
};

static int take_row(void *arg, const char *text, size_t len, struct agni_err *err)
{
	struct pass *p = arg;

	if (!master_row_parse(text, len, &p->row))
		return AGNI_EPARSE;
	return master_builder_add(&p->builder, &p->row.entry, err);
}

static struct master *build(const char *json, size_t len)
{
	struct pass *p = mem_alloc(sizeof(*p));
	struct rows_stats stats;
	struct agni_err err = {0};
	struct master *m;

	master_builder_init(&p->builder);
	if (rows_each(json, len, take_row, p, &stats, &err) < 0)
		fail_msg("%s", err.text);
	m = master_builder_take(&p->builder);
	m->stats.rows = stats.rows;
	m->stats.bad_rows = stats.bad_rows;
	free(p);
	return m;
}

struct master *listed_of(const char *json)
{
	return build(json, strlen(json));
}

struct master *listed_file(const char *relative)
{
	size_t len;
	char *text = data_read(relative, &len);
	struct master *m;

	if (!text)
		data_skip(relative);
	m = build(text, len);
	free(text);
	return m;
}

const struct master_row *listed_row(const struct master *m, const char *key)
{
	uint32_t row = master_find(m, key, strlen(key));

	if (row == MASTER_NONE)
		fail_msg("no row %s", key);
	return &m->rows[row];
}

/* --- the small one ----------------------------------------------------------------------------- */

struct contract {
	const char *segment, *underlying, *underlying_key, *type;
	day_t expiry;
	int strike, token, lot;
	bool is_weekly;
};

static void put_contract(struct buf *b, const struct contract *c)
{
	buf_printf(b,
		   ",{\"weekly\":%s,\"segment\":\"%s\",\"name\":\"%s\",\"expiry\":%lld,"
		   "\"instrument_type\":\"%s\",\"underlying_symbol\":\"%s\",\"instrument_key\":"
		   "\"%s|%d\",\"lot_size\":%d,\"exchange_token\":\"%d\",\"tick_size\":5.0,"
		   "\"trading_symbol\":\"%s %d %s\",\"strike_price\":%d.0",
		   c->is_weekly ? "true" : "false", c->segment, c->underlying,
		   (long long)ist_instant(c->expiry, DAY_MS - 1000), c->type, c->underlying,
		   c->segment, c->token, c->lot, c->token, c->underlying, c->strike, c->type,
		   c->strike);
	if (c->underlying_key)
		buf_printf(b, ",\"underlying_key\":\"%s\"", c->underlying_key);
	buf_byte(b, '}');
}

static void put_options(struct buf *b, day_t expiry, bool is_weekly, int token)
{
	for (int i = 0; i < 10; i++) {
		struct contract c = {"NSE_FO",
				     "NIFTY",
				     "NSE_INDEX|Nifty 50",
				     i % 2 ? "PE" : "CE",
				     expiry,
				     25000 + i / 2 * 100,
				     token + i,
				     65,
				     is_weekly};

		put_contract(b, &c);
	}
}

void listed_small_text(struct buf *b)
{
	day_t jan_13 = day_from_civil(2026, 1, 13), jan_27 = day_from_civil(2026, 1, 27);
	const struct contract others[] = {
		{"NSE_FO", "NIFTY", "NSE_INDEX|Nifty 50", "FUT", jan_27, 0, 1, 65, false},
		{"NSE_FO", "BANKNIFTY", "NSE_INDEX|Nifty Bank", "FUT", jan_27, 0, 2, 30, false},
		{"NSE_FO", "BANKNIFTY", "NSE_INDEX|Nifty Bank", "CE", jan_27, 59000, 3, 30, false},
		{"NSE_FO", "RELIANCE", "NSE_EQ|INE002A01018", "FUT", jan_27, 0, 4, 500, false},
		{"NCD_FO", "USDINR", NULL, "FUT", jan_27, 0, 5, 1, false},
		{"NCD_FO", "USDINR", NULL, "PE", jan_27, 90, 6, 1, false},
	};

	buf_str(b,
		"[{\"name\":\"Nifty 50\",\"instrument_type\":\"INDEX\",\"instrument_key\":"
		"\"NSE_INDEX|Nifty 50\",\"exchange_token\":\"26000\",\"trading_symbol\":\"NIFTY\"},"
		"{\"name\":\"Nifty Bank\",\"instrument_type\":\"INDEX\",\"instrument_key\":"
		"\"NSE_INDEX|Nifty Bank\",\"exchange_token\":\"26009\",\"trading_symbol\":"
		"\"BANKNIFTY\"},"
		"{\"name\":\"RELIANCE INDUSTRIES LTD\",\"isin\":\"INE002A01018\",\"lot_size\":1,"
		"\"instrument_type\":\"EQ\",\"instrument_key\":\"NSE_EQ|INE002A01018\","
		"\"exchange_token\":\"2885\",\"tick_size\":10.0,\"trading_symbol\":\"RELIANCE\"},"
		"{\"name\":\"NIFTYBEES\",\"isin\":\"INF204KB14I2\",\"lot_size\":1,"
		"\"instrument_type\":\"EQ\",\"instrument_key\":\"NSE_EQ|INF204KB14I2\","
		"\"exchange_token\":\"10576\",\"tick_size\":1.0,\"trading_symbol\":\"NIFTYBEES\"}");
	put_options(b, jan_27, false, 300); /* the file is in no order */
	put_options(b, jan_13, true, 100);
	put_options(b, day_from_civil(2026, 1, 20), true, 200);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		put_contract(b, &others[i]);
	buf_byte(b, ']');
}

struct master *listed_small(void)
{
	struct buf b = {0};
	struct master *m;

	listed_small_text(&b);
	m = listed_of(buf_cstr(&b));
	check_i64(m->stats.bad_rows, 0);
	buf_fini(&b);
	return m;
}
