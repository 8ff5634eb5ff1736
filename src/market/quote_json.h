/* SPDX-License-Identifier: MIT
 *
 * quote_json: the quote as its readers see it: /quotes, Redis and /ws print the same object.
 *
 * {"key":"NSE_FO|58666","seq":812,"ts_ms":1769160568772,"recv_ms":...,"ltp":94.25,"ltq":65,
 *  "ltt":1769160568604,"cp":41.95,"change":52.3,"change_pct":124.6722,"atp":...,"vtt":...,"oi":...,
 *  "tbq":...,"tsq":...,"iv":...,"delta":...,"gamma":...,"theta":...,"vega":...,"rho":...,
 *  "iep":...,"rp":...,"ieq":...,"iiq_total":...,"iiq_m":...,"cas_eligible":true,
 *  "depth":[[bid_qty,bid,ask,ask_qty],...],
 *  "ohlc":{"1d":{"open":...,"high":...,"low":...,"close":...,"vol":...,"ts":...},"I1":{...}}}
 *
 * A quote in quarantine has "suspect":["below_intrinsic",...] behind recv_ms (enum suspect).
 *
 * What is absent is omitted. Prices are printed exactly as they came.
 */
#ifndef AGNI_MARKET_QUOTE_JSON_H
#define AGNI_MARKET_QUOTE_JSON_H

#include "market/book.h"

/* What a client of ours may ask for; each shows a part of the quote. */
enum view_mode { VIEW_LTPC, VIEW_OPTION_GREEKS, VIEW_FULL, VIEW_MODES };

/* "ltpc", "option_greeks", "full"; false when unknown. */
bool view_mode_parse(const char *text, enum view_mode *out);
const char *view_mode_text(enum view_mode m);

/* Appends the object of `slot` as `mode` shows it. VIEW_LTPC: ltp ltq ltt cp change change_pct iep;
 * VIEW_OPTION_GREEKS adds the first depth row, Greeks, iv, vtt, oi; VIEW_FULL is everything. */
void quote_json(struct buf *out, const char *key, const struct slot *slot, enum view_mode mode);

/* The same, full, with "age_ms" (now - ts_ms, not below 0) and "stale" at its end: for REST. */
void quote_json_aged(struct buf *out, const char *key, const struct slot *slot, int64_t age_ms,
		     bool is_stale);

/* Appends ,"suspect":[...] with the names of these bits (enum suspect). */
void quote_suspect_json(struct buf *b, unsigned suspect);

#endif
