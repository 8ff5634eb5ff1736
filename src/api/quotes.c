/* SPDX-License-Identifier: MIT
 *
 * quotes: GET /quotes and /quotes/{key}: the latest state, with its age and whether it is stale.
 */
#include <stdlib.h>

#include "api/api_internal.h"
#include "market/quote_json.h"

/* Quotes of one answer: the loop must not be held by a large one. */
#define PAGE_DEFAULT 500
#define PAGE_MAX     1000

static void put_quote(struct api *a, struct buf *b, inst_id id)
{
	const struct slot *slot = book_slot(a->deps.book, id);
	int64_t age = clock_market_ms(a->deps.loop->clock) - slot->ts_ms;

	quote_json_aged(b, instruments_key(&a->deps.book->instruments, id), slot, age,
			a->deps.upstream->is_stale(a->deps.upstream->arg, id));
	a->quotes++;
}

static bool has_ticked(const struct api *a, inst_id id)
{
	return id != INST_NONE && book_slot(a->deps.book, id);
}

/* Has ticked, and is in the caller's scope: what a listing shows. */
static bool is_shown(const struct api *a, const struct scope *scope, inst_id id)
{
	const char *key = id != INST_NONE ? instruments_key(&a->deps.book->instruments, id) : "";

	return has_ticked(a, id) && scope_permits(scope, key, strlen(key));
}

bool api_path_instrument(struct api *a, struct http_request *r, inst_id *id)
{
	const char *key = http_request_param(r, "key");
	size_t len = strlen(key);

	*id = instruments_find(&a->deps.book->instruments, key, len);
	if (!instrument_key_is_valid(key, len))
		http_respond_error(r, 400, "invalid_instrument",
				   "an instrument key looks like NSE_INDEX|Nifty 50");
	else if (!scope_permits(api_scope(a, r), key, len))
		/* Before all else: what is outside is not even known to exist. */
		http_respond_error(r, 403, "not_permitted",
				   "the instrument is outside of this key's scope");
	else
		return true;
	return false;
}

void api_respond_nothing(struct api *a, struct http_request *r, inst_id id)
{
	const char *key = http_request_param(r, "key");

	if (id != INST_NONE || refdata_is_known(a->deps.refdata, key, strlen(key)))
		http_respond_error(
			r, 404, "no_tick",
			"the instrument has not ticked since the start, or nobody watches it");
	else
		http_respond_error(r, 404, "unknown_instrument", "no such instrument");
}

void api_quote(void *arg, struct http_request *r)
{
	struct api *a = arg;
	struct buf b = {0};
	inst_id id;

	tape_flush(a->deps.tape); /* what is shown is on the tape */
	if (!api_path_instrument(a, r, &id))
		return;
	if (has_ticked(a, id)) {
		put_quote(a, &b, id);
		api_respond(r, 200, &b);
	} else {
		api_respond_nothing(a, r, id);
	}
}

/* The members of ?keys=a,b that are shown; others are left out. */
static void put_listed(struct api *a, struct buf *b, const struct scope *scope, const char *keys)
{
	bool first = true;

	while (*keys) {
		size_t len = strcspn(keys, ",");
		inst_id id = instruments_find(&a->deps.book->instruments, keys, len);

		if (is_shown(a, scope, id)) {
			if (!first)
				buf_byte(b, ',');
			put_quote(a, b, id);
			first = false;
		}
		keys += len + (keys[len] == ',');
	}
}

/* At most `limit` quotes from place `from` of the table on; where the next page begins, or the end. */
static inst_id put_page(struct api *a, struct buf *b, const struct scope *scope, inst_id from,
			uint32_t limit)
{
	inst_id id = from;

	for (uint32_t n = 0; n < limit && id < a->deps.book->instruments.count; id++) {
		if (!is_shown(a, scope, id))
			continue;
		if (n++)
			buf_byte(b, ',');
		put_quote(a, b, id);
	}
	return id;
}

void api_quotes(void *arg, struct http_request *r)
{
	struct api *a = arg;
	const struct scope *scope = api_scope(a, r);
	uint32_t from = 0, limit = PAGE_DEFAULT;
	inst_id next = INST_NONE;
	struct buf b = {0};
	char keys[API_KEYS_BYTES];
	bool is_list = http_request_query(r, "keys", keys, sizeof(keys));

	if (!api_query_number(r, "from", 0, INST_NONE - 1, &from) ||
	    !api_query_number(r, "limit", 1, PAGE_MAX, &limit)) {
		http_respond_error(r, 400, "bad_request", "from and limit are whole numbers");
		return;
	}
	if (is_list && strlen(keys) == sizeof(keys) - 1) { /* it may have been cut */
		http_respond_error(r, 400, "bad_request", "keys is too long");
		return;
	}
	tape_flush(a->deps.tape);
	buf_printf(&b, "{\"epoch\":\"%s\",\"seq\":%llu,\"quotes\":[", a->deps.tape->epoch,
		   (unsigned long long)a->deps.tape->seq);
	if (is_list)
		put_listed(a, &b, scope, keys);
	else
		next = put_page(a, &b, scope, from, limit);
	if (next < a->deps.book->instruments.count)
		buf_printf(&b, "],\"next\":%u}", next);
	else
		buf_str(&b, "],\"next\":null}");
	api_respond(r, 200, &b);
}
