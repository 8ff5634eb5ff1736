/* SPDX-License-Identifier: MIT
 *
 * listing: see listing.h. Member names and their order follow the broker's file.
 */
#include "sim/listing.h"

#include <stdio.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "market/calendar.h"

/* "27 OCT 26" */
static const char *expiry_text(day_t d, char out[16])
{
	static const char *const months[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
					     "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
	int y, m, day;

	day_to_civil(d, &y, &m, &day);
	snprintf(out, 16, "%02u %s %02u", (unsigned)day % 100, months[(m - 1) % 12],
		 (unsigned)y % 100);
	return out;
}

static void member(struct buf *out, const char *name, const char *value, size_t len)
{
	buf_printf(out, ",\"%s\":", name);
	buf_json_str(out, value, len);
}

static void member_str(struct buf *out, const char *name, const char *value)
{
	member(out, name, value, strlen(value));
}

static void write_plain(struct buf *out, const struct listed *r)
{
	bool is_index = r->kind == LISTED_INDEX;

	buf_printf(out, "{\"segment\":\"%s\"", is_index ? "NSE_INDEX" : "NSE_EQ");
	member_str(out, "name", r->name);
	member_str(out, "exchange", "NSE");
	if (!is_index)
		member_str(out, "isin", strchr(r->key, '|') + 1);
	member_str(out, "instrument_type", is_index ? "INDEX" : "EQ");
	member_str(out, "instrument_key", r->key);
	member_str(out, "exchange_token", r->token);
	member_str(out, "trading_symbol", r->symbol);
	if (!is_index) {
		buf_printf(out, ",\"lot_size\":1,\"freeze_quantity\":100000.0,\"tick_size\":%.1f",
			   r->tick_paise);
		member_str(out, "short_name", r->symbol);
		buf_str(out, ",\"qty_multiplier\":1.0,\"security_type\":\"NORMAL\"");
	}
	buf_byte(out, '}');
}

static void write_contract(struct buf *out, const struct listed *r)
{
	static const char *const types[] = {
		[LISTED_FUTURE] = "FUT", [LISTED_CALL] = "CE", [LISTED_PUT] = "PE"};
	char symbol[64], date[16];

	expiry_text(r->expiry, date);
	if (r->kind == LISTED_FUTURE)
		snprintf(symbol, sizeof(symbol), "%s FUT %s", r->symbol, date);
	else
		snprintf(symbol, sizeof(symbol), "%s %.0f %s %s", r->symbol, r->strike,
			 types[r->kind], date);
	buf_printf(out, "{\"weekly\":%s,\"segment\":\"NSE_FO\"", r->is_weekly ? "true" : "false");
	member_str(out, "name", r->name);
	/* The file dates a contract at the last second of its day; trading ends at the close. */
	buf_printf(out, ",\"exchange\":\"NSE\",\"expiry\":%lld",
		   (long long)ist_instant(r->expiry, DAY_MS - 1000));
	member_str(out, "instrument_type", types[r->kind]);
	member_str(out, "asset_symbol", r->symbol);
	member_str(out, "underlying_symbol", r->symbol);
	member_str(out, "instrument_key", r->key);
	buf_printf(out, ",\"lot_size\":%d,\"freeze_quantity\":%d.0", r->lot_size, r->lot_size * 27);
	member_str(out, "exchange_token", r->token);
	buf_printf(out, ",\"minimum_lot\":%d", r->lot_size);
	member_str(out, "asset_key", "NSE_INDEX|Nifty 50");
	member_str(out, "underlying_key", "NSE_INDEX|Nifty 50");
	buf_printf(out,
		   ",\"tick_size\":%.1f,\"asset_type\":\"INDEX\",\"underlying_type\":\"INDEX\"",
		   r->tick_paise);
	member_str(out, "trading_symbol", symbol);
	buf_printf(out, ",\"strike_price\":%.1f,\"qty_multiplier\":1.0}", r->strike);
}

void listing_write(struct buf *out, const struct listed *rows, uint32_t n)
{
	buf_byte(out, '[');
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			buf_str(out, ",\n");
		if (rows[i].kind == LISTED_INDEX || rows[i].kind == LISTED_EQUITY)
			write_plain(out, &rows[i]);
		else
			write_contract(out, &rows[i]);
	}
	buf_byte(out, ']');
}

static bool ends_with(const char *text, size_t len, const char *tail)
{
	size_t n = strlen(tail);

	return len >= n && memcmp(text + len - n, tail, n) == 0;
}

static void write_key(struct buf *out, const char *key)
{
	size_t seg = instrument_segment_len(key);
	const char *id = key + seg + 1;
	bool is_index = ends_with(key, seg, "_INDEX"), is_equity = ends_with(key, seg, "_EQ");

	buf_str(out, "{\"segment\":");
	buf_json_str(out, key, seg);
	member_str(out, "name", id);
	/* "NSE_FO" is traded on NSE; "NCD_FO" too, but no tape of ours has it. */
	member(out, "exchange", key, seg < 3 ? seg : 3);
	if (is_equity)
		member_str(out, "isin", id);
	member_str(out, "instrument_type", is_index ? "INDEX" : is_equity ? "EQ" : "FO");
	member_str(out, "instrument_key", key);
	member_str(out, "exchange_token", id);
	member_str(out, "trading_symbol", id);
	buf_byte(out, '}');
}

void listing_write_keys(struct buf *out, const struct instruments *keys)
{
	buf_byte(out, '[');
	for (inst_id i = 0; i < keys->count; i++) {
		if (i > 0)
			buf_str(out, ",\n");
		write_key(out, instruments_key(keys, i));
	}
	buf_byte(out, ']');
}

static void put_exchanges(struct buf *b, day_t day)
{
	static const struct {
		enum segment segment;
		const char *name;
	} ours[] = {{SEGMENT_CM, "NSE"}, {SEGMENT_FO, "NFO"}};
	struct session s[SESSIONS_MAX];
	unsigned n = 0;

	buf_str(b, ",\"closed_exchanges\":[");
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (calendar_sessions(ours[i].segment, day, s, NULL) == 0)
			buf_printf(b, "%s\"%s\"", n++ ? "," : "", ours[i].name);
	}
	buf_str(b, "],\"open_exchanges\":[");
	n = 0;
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (calendar_sessions(ours[i].segment, day, s, NULL) == 1)
			buf_printf(b,
				   "%s{\"exchange\":\"%s\",\"start_time\":%lld,\"end_time\":%lld}",
				   n++ ? "," : "", ours[i].name, (long long)s[0].open_ms,
				   (long long)s[0].close_ms);
	}
	buf_byte(b, ']');
}

void listing_write_holidays(struct buf *out, int year)
{
	struct session at[SESSIONS_MAX];
	unsigned n = 0;

	buf_str(out, "{\"status\":\"success\",\"data\":[");
	for (day_t day = day_from_civil(year, 1, 1); day < day_from_civil(year + 1, 1, 1); day++) {
		const char *why;
		char text[IST_TEXT];

		/* Ordinary days and weekends have no colon: "holiday: Holi". */
		if (calendar_sessions(SEGMENT_CM, day, at, &why) == SESSIONS_MAX ||
		    !strchr(why, ':'))
			continue;
		buf_printf(out, "%s{\"date\":\"%s\",\"description\":", n++ ? "," : "",
			   day_format(day, text));
		why = strchr(why, ':') + 2;
		buf_json_str(out, why, strlen(why));
		buf_str(out, ",\"holiday_type\":\"TRADING_HOLIDAY\"");
		put_exchanges(out, day);
		buf_byte(out, '}');
	}
	buf_str(out, "]}");
}

bool listing_gzip(struct buf *out, const void *text, size_t len)
{
	z_stream z = {0};
	bool ok;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return false;
	z.next_in = (const Bytef *)text;
	z.avail_in = (uInt)len;
	z.avail_out = (uInt)deflateBound(&z, (uLong)len);
	z.next_out = (Bytef *)buf_reserve(out, z.avail_out);
	ok = deflate(&z, Z_FINISH) == Z_STREAM_END;
	if (ok)
		out->len += z.total_out;
	deflateEnd(&z);
	return ok;
}
