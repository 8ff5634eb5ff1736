/* SPDX-License-Identifier: MIT
 *
 * instruments: GET /instruments (search) and /instruments/resolve (from what is meant to one key).
 *
 * What a caller's scope leaves out is not found. A search runs on a worker: the request waits, and
 * may outlive its connection, but not the module of the master: its stop answers it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "api/api_internal.h"

#define LIMIT_DEFAULT 50

static void put_member(struct buf *b, const char *name, const char *value)
{
	if (!value[0])
		return;
	buf_printf(b, ",\"%s\":", name);
	buf_json_str(b, value, strlen(value));
}

static void put_price(struct buf *b, const char *name, price_t price)
{
	if (price == 0)
		return;
	buf_printf(b, ",\"%s\":", name);
	buf_price(b, price);
}

/* One instrument; `first_day`: contracts that expire before it are over. */
static void put_instrument(struct buf *b, const struct master *m, uint32_t row, day_t first_day)
{
	const struct master_row *r = &m->rows[row];
	const char *key = master_text(m, r->key);
	char day[IST_TEXT];

	buf_str(b, "{\"key\":");
	buf_json_str(b, key, strlen(key));
	put_member(b, "symbol", master_text(m, r->symbol));
	put_member(b, "name", master_text(m, r->name));
	put_member(b, "type", master_type_text(m, r));
	buf_str(b, ",\"segment\":");
	buf_json_str(b, key, instrument_segment_len(key));
	put_member(b, "isin", master_text(m, r->isin));
	put_member(b, "token", master_text(m, r->token));
	if (r->underlying != MASTER_NONE)
		put_member(b, "underlying", master_text(m, m->underlyings[r->underlying].symbol));
	put_member(b, "underlying_key", master_text(m, r->underlying_key));
	if (r->expiry)
		buf_printf(b, ",\"expiry\":\"%s\",\"weekly\":%s,\"expired\":%s",
			   day_format(r->expiry, day), r->is_weekly ? "true" : "false",
			   r->expiry < first_day ? "true" : "false");
	put_price(b, "strike", r->strike);
	if (r->lot_size)
		buf_printf(b, ",\"lot_size\":%d", r->lot_size);
	if (r->freeze_quantity)
		buf_printf(b, ",\"freeze_quantity\":%u", r->freeze_quantity);
	put_price(b, "tick_size", r->tick_size);
	buf_byte(b, '}');
}

static bool permits(const void *arg, const char *key, size_t len)
{
	return scope_permits(arg, key, len);
}

enum resolve_sight api_sight(const struct api *a, const struct http_request *r,
			     const char *underlying)
{
	return refdata_sight(a->deps.refdata, api_scope(a, r), underlying);
}

void api_respond_outside(struct http_request *r)
{
	http_respond_error(r, 403, "not_permitted",
			   "the instrument is outside of this key's scope");
}

bool api_is_miss_hidden(const struct api *a, const struct http_request *r, const char *underlying,
			const struct resolve_miss *miss)
{
	switch (miss->code) {
	case RESOLVE_UNKNOWN_UNDERLYING:
	case RESOLVE_NO_DERIVATIVES:
	case RESOLVE_NO_EXPIRY:
	case RESOLVE_NO_STRIKE:
		return api_sight(a, r, underlying) != SIGHT_ALL;
	case RESOLVE_NO_PRICE:
		return api_sight(a, r, underlying) == SIGHT_NOTHING;
	default:
		return false;
	}
}

void api_respond_miss(const struct api *a, struct http_request *r, int status,
		      const char *underlying, const struct resolve_miss *miss)
{
	struct buf b = {0};

	if (api_is_miss_hidden(a, r, underlying, miss)) {
		api_respond_outside(r);
		return;
	}
	buf_printf(&b, "{\"status\":\"error\",\"error\":{\"code\":\"%s\",\"message\":",
		   resolve_code_text(miss->code));
	buf_json_str(&b, miss->text, strlen(miss->text));
	buf_str(&b, ",\"nearest\":[");
	for (unsigned i = 0; i < miss->near_n; i++) {
		buf_str(&b, i ? "," : "");
		buf_json_str(&b, miss->near[i], strlen(miss->near[i]));
	}
	buf_str(&b, "]}}");
	http_respond(r, status, "application/json", NULL, b.data, b.len);
	buf_fini(&b);
}

static void respond_bad(struct http_request *r, const char *text)
{
	http_respond_error(r, 400, "bad_request", "%s", text);
}

/* A parameter, "" when absent; false when it fills `size`, so that it may have been cut. */
static bool take(const struct http_request *r, const char *name, char *out, size_t size)
{
	if (!http_request_query(r, name, out, size))
		out[0] = '\0';
	return strlen(out) < size - 1;
}

const struct master *api_master(struct api *a, struct http_request *r)
{
	const struct master *m = refdata_master(a->deps.refdata);

	if (!m)
		http_respond_error(r, 503, "no_master",
				   "no instrument master is configured, or it is not loaded yet");
	return m;
}

/* --- search ----------------------------------------------------------------------------------- */

/* A search that waits for its worker. */
struct searching {
	struct api *api;
	struct http_request *r;
	struct scope scope; /* a copy: a reload may change the caller's meanwhile */
	struct search_query query;
};

static void searching_free(struct searching *s)
{
	scope_fini(&s->scope);
	free(s);
}

static void on_found(void *arg, const struct master *m, const struct search_result *res)
{
	struct searching *s = arg;
	struct http_request *r = s->r;
	struct buf b = {0};

	if (!m) {
		http_respond_error(r, 503, "unavailable", "the server is stopping");
	} else {
		buf_printf(&b, "{\"total\":%u,\"instruments\":[", res->total);
		for (unsigned i = 0; i < res->n; i++) {
			buf_str(&b, i ? ",\n" : "\n");
			put_instrument(&b, m, res->rows[i], s->query.first_day);
		}
		buf_str(&b, "\n]}");
		api_respond(r, 200, &b);
	}
	searching_free(s);
}

/* False when the request has been answered. */
static bool take_limit(struct http_request *r, unsigned *out)
{
	uint32_t limit = LIMIT_DEFAULT;

	if (!api_query_number(r, "limit", 1, SEARCH_LIMIT_MAX, &limit)) {
		respond_bad(r, "limit is a whole number");
		return false;
	}
	*out = limit;
	return true;
}

static enum master_type contract_type(const char *text)
{
	return strcasecmp(text, "FUT") == 0  ? TYPE_FUT
	       : strcasecmp(text, "CE") == 0 ? TYPE_CE
	       : strcasecmp(text, "PE") == 0 ? TYPE_PE
					     : TYPE_OTHER;
}

/* The expiry filter. False when the request has been answered. */
static bool take_expiry(struct api *a, struct http_request *r, const struct master *m,
			struct search_query *q)
{
	struct expiry_choice choice;
	char text[32];

	if (!take(r, "expiry", text, sizeof(text)) ||
	    (text[0] && !expiry_choice_parse(text, strlen(text), &choice))) {
		respond_bad(r, "expiry is current, next, monthly or YYYY-MM-DD");
		return false;
	}
	if (!text[0])
		return true;
	if (choice.kind == EXPIRY_DATE) {
		q->expiry = choice.day;
		return true;
	}
	if (q->underlying == MASTER_NONE) {
		respond_bad(r, "expiry=current, next and monthly need an underlying");
		return false;
	}
	q->expiry = resolve_expiry(m, q->underlying, contract_type(q->type), &choice,
				   refdata_market(a->deps.refdata).now_ms);
	if (!q->expiry)
		http_respond_error(r, 404, "no_expiry", "the underlying has no such expiry");
	return q->expiry != 0;
}

/* False when the request has been answered. */
static bool take_underlying(const struct api *a, struct http_request *r, const struct master *m,
			    uint32_t *out)
{
	char text[SELECTOR_NAME_MAX + 1];
	struct resolve_miss miss;

	*out = MASTER_NONE;
	if (!take(r, "underlying", text, sizeof(text))) {
		respond_bad(r, "underlying is too long");
		return false;
	}
	if (!text[0])
		return true;
	*out = resolve_underlying(m, text);
	if (*out != MASTER_NONE && api_sight(a, r, text) != SIGHT_NOTHING)
		return true;
	resolve_no_underlying(m, text, &miss);
	api_respond_miss(a, r, 404, text, &miss);
	return false;
}

static bool take_query(struct api *a, struct http_request *r, const struct master *m,
		       struct search_query *q)
{
	if (!take(r, "query", q->text, sizeof(q->text)) ||
	    !take(r, "type", q->type, sizeof(q->type))) {
		respond_bad(r, "query or type is too long");
		return false;
	}
	if (!take_underlying(a, r, m, &q->underlying) || !take_expiry(a, r, m, q) ||
	    !take_limit(r, &q->limit))
		return false;
	if (!q->text[strspn(q->text, " ")] && !q->type[0] && !q->expiry &&
	    q->underlying == MASTER_NONE) {
		respond_bad(r, "query, type, expiry or underlying says what is searched for");
		return false;
	}
	return true;
}

void api_instruments(void *arg, struct http_request *r)
{
	struct api *a = arg;
	const struct master *m = api_master(a, r);
	struct search_query q = {.underlying = MASTER_NONE};
	struct searching *s;

	if (!m || !take_query(a, r, m, &q))
		return;
	s = mem_zalloc(sizeof(*s));
	s->api = a;
	s->r = r;
	s->query = q;
	s->query.first_day = resolve_first_day(refdata_market(a->deps.refdata).now_ms);
	scope_copy(&s->scope, api_scope(a, r));
	s->query.permits = permits;
	s->query.permits_arg = &s->scope;
	if (!refdata_search(a->deps.refdata, &s->query, on_found, s)) {
		searching_free(s);
		http_respond_error(r, 503, "busy", "too many searches wait; ask again");
	}
}

/* --- resolve ---------------------------------------------------------------------------------- */

/* The query's words, as they came: the answer repeats them. */
struct asked {
	char underlying[SELECTOR_NAME_MAX + 1], type[8], expiry[16], strike[24];
};

static bool is_permitted(const struct scope *scope, const char *key)
{
	return scope_permits(scope, key, strlen(key));
}

static void put_money(struct buf *b, const struct resolve_money *money)
{
	buf_printf(b, ",\"money\":{\"source\":\"%s\"", money->is_future ? "future" : "spot");
	put_member(b, "key", money->key);
	buf_str(b, ",\"price\":");
	buf_double(b, money->price);
	buf_printf(b, ",\"age_ms\":%lld}", (long long)money->age_ms);
}

static void respond_resolved(struct api *a, struct http_request *r, const struct master *m,
			     const struct asked *asked, const struct resolved *found)
{
	const struct scope *scope = api_scope(a, r);
	day_t first_day = resolve_first_day(refdata_market(a->deps.refdata).now_ms);
	struct buf b = {0};

	if (!is_permitted(scope, master_key(m, found->row))) {
		api_respond_outside(r);
		return;
	}
	put_instrument(&b, m, found->row, first_day);
	b.len--; /* the brace: more follows */
	if (found->money.is_known && is_permitted(scope, found->money.key))
		put_money(&b, &found->money);
	buf_str(&b, ",\"asked\":{\"underlying\":");
	buf_json_str(&b, asked->underlying, strlen(asked->underlying));
	put_member(&b, "type", asked->type);
	put_member(&b, "expiry", asked->expiry);
	put_member(&b, "strike", asked->strike);
	buf_str(&b, "}}");
	api_respond(r, 200, &b);
}

/* The cash side itself: type=INDEX or EQ. */
static void resolve_cash(struct api *a, struct http_request *r, const struct master *m,
			 const struct asked *asked, enum master_type type)
{
	struct resolved found = {.row = resolve_plain(m, asked->underlying, type)};
	struct resolve_miss miss;

	if (found.row != MASTER_NONE) {
		respond_resolved(a, r, m, asked, &found);
		return;
	}
	resolve_unknown(m, asked->underlying, &miss);
	api_respond_miss(a, r, 404, asked->underlying, &miss);
}

static void resolve_contract(struct api *a, struct http_request *r, const struct master *m,
			     const struct asked *asked, enum master_type type)
{
	struct resolve_market market = refdata_market(a->deps.refdata);
	struct resolve_query q = {.underlying = asked->underlying, .type = type};
	struct resolved found;
	struct resolve_miss miss;

	if (!expiry_choice_parse(asked->expiry, strlen(asked->expiry), &q.expiry)) {
		respond_bad(r, "expiry is current, next, monthly or YYYY-MM-DD");
	} else if (type != TYPE_FUT &&
		   (!strike_choice_parse(asked->strike, strlen(asked->strike), &q.strike) ||
		    q.strike.from != q.strike.to)) {
		respond_bad(r, "strike is ATM, ATM+N, ATM-N or a price");
	} else {
		tape_flush(a->deps.tape); /* the price that is shown is on the tape */
		if (resolve_one(m, &q, &market, &found, &miss))
			respond_resolved(a, r, m, asked, &found);
		else
			api_respond_miss(a, r, miss.code == RESOLVE_NO_PRICE ? 409 : 404,
					 asked->underlying, &miss);
	}
}

void api_resolve(void *arg, struct http_request *r)
{
	struct api *a = arg;
	const struct master *m = api_master(a, r);
	enum master_type type;
	struct asked asked;

	if (!m)
		return;
	if (!take(r, "underlying", asked.underlying, sizeof(asked.underlying)) ||
	    !take(r, "type", asked.type, sizeof(asked.type)) ||
	    !take(r, "expiry", asked.expiry, sizeof(asked.expiry)) ||
	    !take(r, "strike", asked.strike, sizeof(asked.strike))) {
		respond_bad(r, "a parameter is too long");
		return;
	}
	for (char *c = asked.strike; *c; c++)
		*c = *c == ' ' ? '+' : *c; /* which a query made of it */
	type = contract_type(asked.type);
	if (!asked.underlying[0])
		respond_bad(r, "underlying is missing: a name like NIFTY");
	else if (strcasecmp(asked.type, "INDEX") == 0)
		resolve_cash(a, r, m, &asked, TYPE_INDEX);
	else if (strcasecmp(asked.type, "EQ") == 0)
		resolve_cash(a, r, m, &asked, TYPE_EQ);
	else if (type == TYPE_OTHER)
		respond_bad(r, "type is CE, PE, FUT, INDEX or EQ");
	else
		resolve_contract(a, r, m, &asked, type);
}
