/* SPDX-License-Identifier: MIT
 *
 * master_build: the instrument master from its rows; see master.h.
 *
 * While rows come, their texts grow in one buffer: offsets, not pointers, name them. Underlyings
 * are few (some 240), contracts many: the stretches are found by one sort at the end.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "market/master_internal.h"

#define TABLE_MIN  1024
#define BLOCK_MAX  (32u << 20) /* bytes of all texts; the largest file has some 5 MB */
#define STRIKE_MAX 1e9         /* rupees */
#define TICK_MAX   1e7         /* paise */
#define LOT_MAX    1e9
#define EXPIRY_MIN 946684800000ll  /* 2000 */
#define EXPIRY_MAX 4102444800000ll /* 2100 */

void master_builder_init(struct master_builder *b)
{
	*b = (struct master_builder){.m = mem_zalloc(sizeof(*b->m)), .interned_size = TABLE_MIN};
	b->m->refs = 1;
	b->m->by_key_size = TABLE_MIN;
	b->m->by_key = mem_zalloc(TABLE_MIN * sizeof(uint32_t));
	b->interned = mem_zalloc(TABLE_MIN * sizeof(uint32_t));
	buf_byte(&b->text, '\0'); /* offset 0 is "" */
}

void master_builder_fini(struct master_builder *b)
{
	master_release(b->m);
	buf_fini(&b->text);
	free(b->interned);
	*b = (struct master_builder){0};
}

/* --- texts ------------------------------------------------------------------------------------ */

static uint32_t text_append(struct master_builder *b, const char *text, size_t len)
{
	uint32_t at = (uint32_t)b->text.len;

	buf_append(&b->text, text, len);
	buf_byte(&b->text, '\0');
	return at;
}

static uint32_t intern_seek(const struct master_builder *b, const char *text, size_t len)
{
	uint32_t mask = b->interned_size - 1, at = master_hash(text, len) & mask;

	for (; b->interned[at]; at = (at + 1) & mask) {
		if (strcmp(b->text.data + b->interned[at], text) == 0)
			break;
	}
	return at;
}

static void intern_grow(struct master_builder *b)
{
	uint32_t *old = b->interned, n = b->interned_size;

	b->interned_size *= 2;
	b->interned = mem_zalloc(b->interned_size * sizeof(uint32_t));
	for (uint32_t i = 0; i < n; i++) {
		const char *text = b->text.data + old[i];

		if (old[i])
			b->interned[intern_seek(b, text, strlen(text))] = old[i];
	}
	free(old);
}

/* The offset of a text; equal texts have one. */
static uint32_t intern(struct master_builder *b, const char *text)
{
	size_t len = text ? strlen(text) : 0;
	uint32_t place;

	if (len == 0)
		return 0;
	if (2 * (b->interned_n + 1) > b->interned_size)
		intern_grow(b);
	place = intern_seek(b, text, len);
	if (!b->interned[place]) {
		b->interned[place] = text_append(b, text, len);
		b->interned_n++;
	}
	return b->interned[place];
}

/* ISIN and token are nearly always the key's own tail: then they cost nothing. */
static uint32_t tail_or_intern(struct master_builder *b, uint32_t key, const char *text)
{
	uint32_t tail = key + (uint32_t)instrument_segment_len(b->text.data + key) + 1;

	return text && strcmp(b->text.data + tail, text) == 0 ? tail : intern(b, text);
}

/* --- one row ---------------------------------------------------------------------------------- */

static bool is_fit(const char *text)
{
	return !text || strlen(text) <= MASTER_TEXT_MAX;
}

static bool is_within(double v, double max)
{
	return v >= 0 && v <= max; /* false for NaN */
}

static enum master_type type_of(const char *text)
{
	static const char *const known[] = {"INDEX", "EQ", "FUT", "CE", "PE"};

	for (unsigned i = 0; text && i < ARRAY_LEN(known); i++) {
		if (strcmp(text, known[i]) == 0)
			return (enum master_type)i;
	}
	return TYPE_OTHER;
}

static bool is_contract(enum master_type type)
{
	return type == TYPE_FUT || type == TYPE_CE || type == TYPE_PE;
}

static const char *fault_of(const struct master_entry *e, enum master_type type)
{
	if (!e->key || !instrument_key_is_valid(e->key, strlen(e->key)))
		return "no instrument key";
	if (!is_fit(e->symbol) || !is_fit(e->name) || !is_fit(e->isin) || !is_fit(e->token) ||
	    !is_fit(e->type) || !is_fit(e->underlying) || !is_fit(e->underlying_key))
		return "a text is too long";
	if (!is_within(e->strike, STRIKE_MAX) || !is_within(e->tick_paise, TICK_MAX) ||
	    !is_within((double)e->lot_size, LOT_MAX) || !is_within(e->freeze_quantity, LOT_MAX))
		return "a number is out of range";
	if (e->expiry_ms != 0 && (e->expiry_ms < EXPIRY_MIN || e->expiry_ms > EXPIRY_MAX))
		return "an expiry is out of range";
	if (is_contract(type) && (e->expiry_ms == 0 || !e->underlying || !e->underlying[0]))
		return "a contract without expiry or underlying";
	if ((type == TYPE_CE || type == TYPE_PE) && e->strike <= 0)
		return "an option without a strike";
	return NULL;
}

static price_t strike_of(const struct master_entry *e)
{
	return (price_t)llround(e->strike * PRICE_SCALE);
}

static int32_t tick_of(const struct master_entry *e)
{
	return (int32_t)lround(e->tick_paise * PRICE_SCALE / 100);
}

static day_t expiry_of(const struct master_entry *e)
{
	return e->expiry_ms ? ist_day(e->expiry_ms) : 0;
}

static struct master_row row_of(struct master_builder *b, const struct master_entry *e,
				enum master_type type)
{
	struct master_row r = {.type = (uint8_t)type, .is_weekly = e->is_weekly};

	r.key = text_append(b, e->key, strlen(e->key));
	r.symbol = e->symbol && e->symbol[0] ? intern(b, e->symbol)
					     : r.key + (uint32_t)instrument_segment_len(e->key) + 1;
	r.name = intern(b, e->name);
	r.isin = tail_or_intern(b, r.key, e->isin);
	r.token = tail_or_intern(b, r.key, e->token);
	r.type_text = intern(b, e->type);
	r.underlying = is_contract(type) ? intern(b, e->underlying) : MASTER_NONE;
	r.underlying_key = intern(b, e->underlying_key);
	r.strike = strike_of(e);
	r.tick_size = tick_of(e);
	r.lot_size = (int32_t)e->lot_size;
	r.freeze_quantity = (uint32_t)e->freeze_quantity;
	r.expiry = expiry_of(e);
	return r;
}

/* Whether `text`, which may be absent, is what stands at an offset. */
static bool is_text(const struct master_builder *b, uint32_t at, const char *text)
{
	return strcmp(b->text.data + at, text ? text : "") == 0;
}

static bool says_the_same(const struct master_builder *b, const struct master_row *r,
			  const struct master_entry *e, enum master_type type)
{
	const char *symbol = e->symbol && e->symbol[0] ? e->symbol : strchr(e->key, '|') + 1;

	return is_text(b, r->symbol, symbol) && is_text(b, r->name, e->name) &&
	       is_text(b, r->isin, e->isin) && is_text(b, r->token, e->token) &&
	       is_text(b, r->type_text, e->type) &&
	       is_text(b, r->underlying_key, e->underlying_key) &&
	       (!is_contract(type) || is_text(b, r->underlying, e->underlying)) &&
	       r->strike == strike_of(e) && r->tick_size == tick_of(e) &&
	       r->lot_size == (int32_t)e->lot_size &&
	       r->freeze_quantity == (uint32_t)e->freeze_quantity && r->expiry == expiry_of(e) &&
	       r->is_weekly == e->is_weekly;
}

/* The key is known: the first row stays. Nothing of this one is kept, however many come. */
static void judge_repeat(struct master_builder *b, const struct master_row *old,
			 const struct master_entry *e, enum master_type type)
{
	struct master_stats *s = &b->m->stats;

	if (says_the_same(b, old, e, type))
		s->duplicates++;
	else if (s->conflicts++ == 0)
		memcpy(s->first_conflict, e->key, strlen(e->key) + 1);
}

static void by_key_grow(struct master_builder *b)
{
	struct master *m = b->m;

	free(m->by_key);
	m->by_key_size *= 2;
	m->by_key = mem_zalloc(m->by_key_size * sizeof(uint32_t));
	for (uint32_t i = 0; i < m->n; i++) {
		const char *key = b->text.data + m->rows[i].key;

		m->by_key[master_seek(m, b->text.data, key, strlen(key))] = i + 1;
	}
}

int master_builder_add(struct master_builder *b, const struct master_entry *e, struct agni_err *err)
{
	struct master *m = b->m;
	enum master_type type = type_of(e->type);
	const char *fault = fault_of(e, type);
	uint32_t place;

	if (fault)
		return agni_fail(err, AGNI_EPARSE, "%s", fault);
	place = master_seek(m, b->text.data, e->key, strlen(e->key));
	if (m->by_key[place]) {
		judge_repeat(b, &m->rows[m->by_key[place] - 1], e, type);
		return 0;
	}
	if (m->n == MASTER_ROWS_MAX || b->text.len > BLOCK_MAX)
		return agni_fail(err, AGNI_ELIMIT, "more than %u rows, or %u MiB of text",
				 MASTER_ROWS_MAX, BLOCK_MAX >> 20);
	if (m->n == b->rows_cap) {
		b->rows_cap = b->rows_cap ? b->rows_cap * 2 : TABLE_MIN;
		m->rows = mem_realloc(m->rows, b->rows_cap * sizeof(*m->rows));
	}
	m->rows[m->n++] = row_of(b, e, type);
	m->by_key[place] = m->n;
	if (2 * (m->n + 1) > m->by_key_size)
		by_key_grow(b);
	return 0;
}

/* --- the end ---------------------------------------------------------------------------------- */

/* The segment, as far as it decides an order: the text before the bar. */
static int compare_segments(const char *a, const char *b)
{
	while (*a == *b && *a != '|' && *a)
		a++, b++;
	return (unsigned char)*a - (unsigned char)*b;
}

static int compare_contracts(const void *pa, const void *pb, void *arg)
{
	const struct master *m = arg;
	const struct master_row *a = &m->rows[*(const uint32_t *)pa];
	const struct master_row *b = &m->rows[*(const uint32_t *)pb];
	int c;

	if (a->underlying != b->underlying)
		return a->underlying < b->underlying ? -1 : 1;
	c = compare_segments(m->text + a->key, m->text + b->key);
	if (c)
		return c;
	if (a->expiry != b->expiry)
		return a->expiry < b->expiry ? -1 : 1;
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->strike != b->strike)
		return a->strike < b->strike ? -1 : 1;
	return strcmp(m->text + a->key, m->text + b->key); /* no order is left to chance */
}

static bool is_same_underlying(const struct master *m, const struct master_row *a,
			       const struct master_row *b)
{
	return a->underlying == b->underlying &&
	       compare_segments(m->text + a->key, m->text + b->key) == 0;
}

static bool is_twin(const struct master_row *a, const struct master_row *b)
{
	return a->expiry == b->expiry && a->type == b->type && a->strike == b->strike;
}

/* Makes the stretches; until here a row's `underlying` is the text of the symbol. */
static void make_underlyings(struct master *m)
{
	uint32_t cap = 0;
	struct master_underlying *u = NULL;
	struct master_row first = {0}, last = {0};

	for (uint32_t i = 0; i < m->contracts_n; i++) {
		struct master_row *r = &m->rows[m->contracts[i]], here = *r;

		if (i == 0 || !is_same_underlying(m, &first, r)) {
			if (m->underlyings_n == cap) {
				cap = cap ? cap * 2 : 256;
				m->underlyings = mem_realloc(m->underlyings, cap * sizeof(*u));
			}
			u = &m->underlyings[m->underlyings_n++];
			*u = (struct master_underlying){.symbol = r->underlying,
							.key = r->underlying_key,
							.segment = r->key,
							.first = i};
			first = here;
		} else if (is_twin(&last, r)) {
			m->stats.twins++;
		}
		last = here;
		r->underlying = m->underlyings_n - 1;
		u->n++;
	}
}

struct master *master_builder_take(struct master_builder *b)
{
	struct master *m = b->m;

	m->text = mem_realloc(b->text.data, b->text.len); /* what growing left over goes back */
	b->text = (struct buf){0};
	m->contracts = mem_alloc((m->n + 1) * sizeof(uint32_t));
	for (uint32_t i = 0; i < m->n; i++) {
		if (m->rows[i].underlying != MASTER_NONE)
			m->contracts[m->contracts_n++] = i;
	}
	qsort_r(m->contracts, m->contracts_n, sizeof(uint32_t), compare_contracts, m);
	make_underlyings(m);
	b->m = NULL;
	master_builder_fini(b);
	return m;
}
