/* SPDX-License-Identifier: MIT
 *
 * resolve: see resolve.h.
 *
 * All contracts of an underlying and one expiry are one stretch of master.contracts, within it all
 * of a type, within that by strike: two binary searches, and a walk over some 200 rows.
 */
#include "market/resolve.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "market/calendar.h"
#include "market/resolve_internal.h"

#define BEYOND 1e12 /* rupees: above every strike */

struct stretch {
	const uint32_t *at; /* rows */
	uint32_t n;
};

const char *resolve_code_text(enum resolve_code code)
{
	static const char *const text[] = {"ok",        "unknown_underlying", "no_expiry",
					   "no_strike", "no_price",           "bad_selector",
					   "no_master", "no_derivatives"};

	return text[code];
}

/* Contracts of one underlying that expire on `day`. */
static struct stretch expiring(const struct master *m, uint32_t underlying, day_t day)
{
	const struct master_underlying *u = &m->underlyings[underlying];
	const uint32_t *rows = m->contracts + u->first;
	uint32_t lo = 0, hi = u->n, first;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (row_at(m, rows[mid])->expiry < day)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (first = lo; lo < u->n && row_at(m, rows[lo])->expiry == day;)
		lo++;
	return (struct stretch){rows + first, lo - first};
}

/* --- expiry ----------------------------------------------------------------------------------- */

day_t resolve_first_day(int64_t now_ms)
{
	day_t today = ist_day(now_ms);

	return now_ms < calendar_expiry_instant(today) ? today : today + 1;
}

static bool is_meant(const struct master_row *r, const struct expiry_choice *c)
{
	return c->kind == EXPIRY_MONTHLY ? !r->is_weekly
					 : c->kind != EXPIRY_DATE || r->expiry == c->day;
}

day_t resolve_expiry(const struct master *m, uint32_t underlying, enum master_type type,
		     const struct expiry_choice *choice, int64_t now_ms)
{
	const struct master_underlying *u = &m->underlyings[underlying];
	day_t first = resolve_first_day(now_ms), found = 0;

	for (uint32_t i = 0; i < u->n; i++) {
		const struct master_row *r = row_at(m, m->contracts[u->first + i]);

		if (r->expiry < first || r->expiry == found || !resolve_is_of_type(r, type) ||
		    !is_meant(r, choice))
			continue;
		if (found || choice->kind != EXPIRY_NEXT)
			return r->expiry;
		found = r->expiry;
	}
	return 0;
}

/* --- strikes ---------------------------------------------------------------------------------- */

static bool is_option(const struct master_row *r)
{
	return r->type == TYPE_CE || r->type == TYPE_PE;
}

static int compare_prices(const void *a, const void *b)
{
	return price_cmp(*(const price_t *)a, *(const price_t *)b);
}

/* The strikes of calls and puts together, each once; to be freed. Both sides come in order: that of the calls
 * is the whole of it where the puts have the same. */
static price_t *strikes_of(const struct master *m, struct stretch s, uint32_t *n)
{
	price_t *out = mem_alloc((s.n + 1) * sizeof(*out));
	uint32_t all = 0, kept = 0, again = 0;
	bool is_sorted = true;

	for (uint32_t i = 0; i < s.n; i++) {
		price_t strike = row_at(m, s.at[i])->strike;

		if (!is_option(row_at(m, s.at[i])))
			continue;
		if (row_at(m, s.at[i])->type == TYPE_PE) {
			while (again < all && price_cmp(out[again], strike) < 0)
				again++;
			if (again < all && out[again] == strike)
				continue;
		}
		is_sorted = is_sorted && (all == 0 || price_cmp(out[all - 1], strike) <= 0);
		out[all++] = strike;
	}
	if (!is_sorted)
		qsort(out, all, sizeof(*out), compare_prices);
	for (uint32_t i = 0; i < all; i++) {
		if (kept == 0 || out[kept - 1] != out[i])
			out[kept++] = out[i];
	}
	*n = kept;
	return out;
}

/* The contract of a type and a strike (a future: the first there is), or MASTER_NONE. */
static uint32_t contract_of(const struct master *m, struct stretch s, enum master_type type,
			    price_t strike)
{
	uint32_t lo = 0, hi = s.n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		const struct master_row *r = row_at(m, s.at[mid]);

		if (r->type < type || (r->type == type && type != TYPE_FUT && r->strike < strike))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == s.n || row_at(m, s.at[lo])->type != type ||
	    (type != TYPE_FUT && row_at(m, s.at[lo])->strike != strike))
		return MASTER_NONE;
	return s.at[lo];
}

/* --- the money -------------------------------------------------------------------------------- */

static const struct slot *slot_of_key(const struct resolve_market *market, const char *key)
{
	inst_id id = instruments_find(&market->book->instruments, key, strlen(key));

	return id == INST_NONE ? NULL : book_slot(market->book, id);
}

static bool price_of(const struct resolve_market *market, const char *key,
		     struct resolve_money *out)
{
	const struct slot *slot = slot_of_key(market, key);

	if (!slot || slot->suspect || !(slot->q.present & QUOTE_LTP) ||
	    price_to_double(slot->q.ltp) <= 0)
		return false;
	*out = (struct resolve_money){.is_known = true,
				      .price = price_to_double(slot->q.ltp),
				      .age_ms = market->now_ms - slot->ts_ms};
	snprintf(out->key, sizeof(out->key), "%s", key);
	return true;
}

static bool money_of(const struct master *m, uint32_t underlying, day_t expiry,
		     const struct resolve_market *market, struct resolve_money *out)
{
	const struct master_underlying *u = &m->underlyings[underlying];
	const struct slot *spot = slot_of_key(market, master_text(m, u->key));

	if (price_of(market, master_text(m, u->key), out))
		return true;
	if (spot && spot->suspect) /* for as long as that lasts the money is not moved by a basis */
		return false;
	for (uint32_t i = 0; i < u->n; i++) {
		uint32_t row = m->contracts[u->first + i];

		if (row_at(m, row)->type == TYPE_FUT && row_at(m, row)->expiry >= expiry &&
		    price_of(market, master_key(m, row), out)) {
			out->is_future = true;
			return true;
		}
	}
	return false;
}

/* --- together --------------------------------------------------------------------------------- */

static bool miss_say(struct resolve_miss *miss, enum resolve_code code, const char *fmt, ...)
	AGNI_PRINTF(3, 4);

static bool miss_say(struct resolve_miss *miss, enum resolve_code code, const char *fmt, ...)
{
	va_list ap;

	miss->code = code;
	va_start(ap, fmt);
	vsnprintf(miss->text, sizeof(miss->text), fmt, ap);
	va_end(ap);
	return false;
}

void resolve_unknown(const struct master *m, const char *name, struct resolve_miss *miss)
{
	*miss = (struct resolve_miss){0};
	miss->near_n = resolve_near_names(m, name, miss->near);
	miss_say(miss, RESOLVE_UNKNOWN_UNDERLYING, "nothing is listed under \"%.64s\"", name);
}

void resolve_no_underlying(const struct master *m, const char *name, struct resolve_miss *miss)
{
	if (resolve_plain(m, name, TYPE_EQ) == MASTER_NONE &&
	    resolve_plain(m, name, TYPE_INDEX) == MASTER_NONE) {
		resolve_unknown(m, name, miss);
		return;
	}
	*miss = (struct resolve_miss){0};
	miss_say(miss, RESOLVE_NO_DERIVATIVES,
		 "\"%.64s\" is listed, but no options or futures of it are", name);
}

/* What was found on the way from the names to the contracts. */
struct found {
	uint32_t underlying;
	day_t expiry;
	struct stretch stretch;
	price_t *strikes; /* of all that expire then; owned */
	uint32_t strikes_n;
	uint32_t from, to; /* of them; both inclusive */
	struct resolve_money money;
};

static bool find_expiry(const struct master *m, const char *name, enum master_type type,
			const struct expiry_choice *choice, int64_t now_ms, struct found *f,
			struct resolve_miss *miss)
{
	char day[IST_TEXT] = "";
	const char *symbol;

	f->underlying = resolve_underlying(m, name);
	if (f->underlying == MASTER_NONE) {
		resolve_no_underlying(m, name, miss);
		return false;
	}
	f->expiry = resolve_expiry(m, f->underlying, type, choice, now_ms);
	if (f->expiry) {
		f->stretch = expiring(m, f->underlying, f->expiry);
		return true;
	}
	symbol = master_text(m, m->underlyings[f->underlying].symbol);
	resolve_near_expiries(m, f->underlying, type,
			      choice->kind == EXPIRY_DATE ? choice->day : resolve_first_day(now_ms),
			      now_ms, miss);
	if (choice->kind != EXPIRY_DATE)
		return miss_say(miss, RESOLVE_NO_EXPIRY, "%s has no such expiry", symbol);
	day_format(choice->day, day);
	return miss_say(miss, RESOLVE_NO_EXPIRY,
			choice->day < resolve_first_day(now_ms) ? "%s contracts of %s have expired"
								: "%s has none that expires on %s",
			symbol, day);
}

/* A price that was named, when it is listed. */
static bool find_named(struct found *f, price_t price, struct resolve_miss *miss)
{
	char text[32];

	for (f->from = 0; f->from < f->strikes_n; f->from++) {
		f->to = f->from;
		if (price_cmp(f->strikes[f->from], price) == 0)
			return true;
	}
	resolve_strike_text(price, text);
	resolve_near_strikes(f->strikes, f->strikes_n, price_to_double(price), miss);
	return miss_say(miss, RESOLVE_NO_STRIKE, "no strike %s is listed", text);
}

/* The strike at the money; of who follows, the one it was at, until the price has left it. */
static uint32_t middle_of(const price_t *strikes, uint32_t n, double price, price_t *middle)
{
	uint32_t at = resolve_nearest_strike(strikes, n, price), was = 0;

	if (!middle)
		return at;
	while (was < n && strikes[was] != *middle)
		was++;
	if (was + 1 == at || (was < n && was == at + 1)) {
		double from = price_to_double(strikes[was]), to = price_to_double(strikes[at]);

		if ((price - from) / (to - from) <= RESOLVE_LEAVE)
			at = was;
	}
	*middle = strikes[at];
	return at;
}

static bool find_strikes(const struct master *m, const struct strike_choice *c,
			 const struct resolve_market *market, struct found *f,
			 struct resolve_miss *miss)
{
	int64_t at;

	f->strikes = strikes_of(m, f->stretch, &f->strikes_n);
	if (c->is_all && f->strikes_n) {
		f->to = f->strikes_n - 1;
		return true;
	}
	if (!c->is_atm || f->strikes_n == 0)
		return find_named(f, c->price, miss);
	if (!money_of(m, f->underlying, f->expiry, market, &f->money))
		return miss_say(miss, RESOLVE_NO_PRICE,
				"%s has no price yet, so nothing is at the money",
				master_text(m, m->underlyings[f->underlying].symbol));
	at = middle_of(f->strikes, f->strikes_n, f->money.price, market->middle);
	if (at + c->to < 0 || at + c->from >= (int64_t)f->strikes_n) {
		resolve_near_strikes(f->strikes, f->strikes_n, at + c->to < 0 ? 0 : BEYOND, miss);
		return miss_say(miss, RESOLVE_NO_STRIKE,
				"no strike that far from the money is listed");
	}
	f->from = at + c->from < 0 ? 0 : (uint32_t)(at + c->from);
	f->to = at + c->to >= (int64_t)f->strikes_n ? f->strikes_n - 1 : (uint32_t)(at + c->to);
	return true;
}

bool resolve_one(const struct master *m, const struct resolve_query *q,
		 const struct resolve_market *market, struct resolved *out,
		 struct resolve_miss *miss)
{
	struct found f = {0};
	price_t strike = 0;
	bool ok;

	*miss = (struct resolve_miss){0};
	ok = find_expiry(m, q->underlying, q->type, &q->expiry, market->now_ms, &f, miss);
	if (ok && q->type != TYPE_FUT) {
		ok = find_strikes(m, &q->strike, market, &f, miss);
		strike = ok ? f.strikes[f.from] : 0;
	}
	if (ok) {
		*out = (struct resolved){.row = contract_of(m, f.stretch, q->type, strike),
					 .expiry = f.expiry,
					 .money = f.money};
		if (out->row == MASTER_NONE) {
			resolve_near_strikes(f.strikes, f.strikes_n, price_to_double(strike), miss);
			ok = miss_say(miss, RESOLVE_NO_STRIKE,
				      "that strike is listed on the other side only");
		}
	}
	free(f.strikes);
	return ok;
}

static unsigned each_option(const struct master *m, const struct selector *s, const struct found *f,
			    resolve_each_fn *fn, void *arg)
{
	unsigned n = 0;

	for (uint32_t i = f->from; i <= f->to; i++) {
		for (int side = 0; side < 2; side++) {
			uint32_t row;

			if (side ? !s->has_puts : !s->has_calls)
				continue;
			row = contract_of(m, f->stretch, side ? TYPE_PE : TYPE_CE, f->strikes[i]);
			if (row == MASTER_NONE)
				continue;
			fn(arg, row);
			n++;
		}
	}
	return n;
}

unsigned resolve_selector(const struct master *m, const struct selector *s,
			  const struct resolve_market *market, resolve_each_fn *fn, void *arg,
			  struct resolve_miss *miss)
{
	struct found f = {0};
	enum master_type type = s->is_future ? TYPE_FUT : s->has_calls ? TYPE_CE : TYPE_PE;
	unsigned n = 0;

	*miss = (struct resolve_miss){0};
	if (!find_expiry(m, s->underlying, type, &s->expiry, market->now_ms, &f, miss))
		return 0;
	if (s->is_future) {
		fn(arg, contract_of(m, f.stretch, TYPE_FUT, 0));
		return 1;
	}
	if (find_strikes(m, &s->strike, market, &f, miss)) {
		n = each_option(m, s, &f, fn, arg);
		if (n == 0)
			miss_say(miss, RESOLVE_NO_STRIKE,
				 "that strike is listed on the other side only");
	}
	free(f.strikes);
	return n;
}
