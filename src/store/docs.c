/* SPDX-License-Identifier: MIT
 *
 * docs: see docs.h.
 */
#include "store/docs.h"

#include "core/err.h"

static const struct doc_family_info families[DOC_FAMILIES] = {
	[DOC_CHAIN] = {KEY_CHAIN, KEY_INDEX_CHAINS, true, true},
	[DOC_FUTURES] = {KEY_FUTURES, KEY_INDEX_FUTURES, true, true},
	[DOC_CLIENT] = {KEY_CLIENT, KEY_INDEX_CLIENTS, true, false},
	[DOC_STATUS] = {.kind = KEY_STATUS},
};

const struct doc_family_info *doc_family_info(enum doc_family family)
{
	AGNI_ASSERT(family < DOC_FAMILIES);
	return &families[family];
}

static enum doc_family family_of(enum key_kind kind)
{
	int family = 0;

	while (family < DOC_FAMILIES && families[family].kind != kind)
		family++;
	AGNI_ASSERT(family < DOC_FAMILIES); /* a kind that is no document */
	return (enum doc_family)family;
}

void docs_init(struct docs *d)
{
	*d = (struct docs){.rows = mem_zalloc(DOCS_MAX * sizeof(*d->rows)),
			   .buckets = mem_alloc(DOCS_MAX * sizeof(*d->buckets))};
	for (uint32_t i = 0; i < DOCS_MAX; i++)
		d->buckets[i] = DOC_NONE;
}

static void bits_fini(struct doc_bits *b)
{
	bitset_fini(&b->set);
	bitset_fini(&b->del);
	bitset_fini(&b->join);
	bitset_fini(&b->leave);
}

static void bits_clear(struct doc_bits *b)
{
	bitset_clear(&b->set);
	bitset_clear(&b->del);
	bitset_clear(&b->join);
	bitset_clear(&b->leave);
}

static void bits_remove(struct doc_bits *b, uint32_t row)
{
	bitset_remove(&b->set, row);
	bitset_remove(&b->del, row);
	bitset_remove(&b->join, row);
	bitset_remove(&b->leave, row);
}

void docs_fini(struct docs *d)
{
	for (uint32_t i = 0; i < d->rows_n; i++) {
		free(d->rows[i].identity);
		free(d->rows[i].text);
	}
	free(d->rows);
	free(d->buckets);
	bitset_fini(&d->free);
	bitset_fini(&d->fresh);
	bits_fini(&d->owed);
	bits_fini(&d->flight);
	*d = (struct docs){0};
}

/* ---- rows -------------------------------------------------------------------------------------*/

/* FNV-1a. */
static uint32_t *bucket_of(struct docs *d, enum doc_family family, const char *identity)
{
	uint32_t h = (2166136261u ^ (uint32_t)family) * 16777619u;

	for (; *identity; identity++)
		h = (h ^ (unsigned char)*identity) * 16777619u;
	return &d->buckets[(h ^ h >> 16) % DOCS_MAX];
}

static uint32_t find(struct docs *d, enum doc_family family, const char *identity)
{
	uint32_t row = *bucket_of(d, family, identity);

	while (row != DOC_NONE &&
	       (d->rows[row].family != family || strcmp(d->rows[row].identity, identity) != 0))
		row = d->rows[row].next;
	return row;
}

static bool is_in_flight(const struct docs *d, uint32_t row)
{
	return bitset_has(&d->flight.set, row) || bitset_has(&d->flight.del, row) ||
	       bitset_has(&d->flight.join, row) || bitset_has(&d->flight.leave, row);
}

static void free_row(struct docs *d, uint32_t row)
{
	struct doc *doc = &d->rows[row];
	uint32_t *link = bucket_of(d, doc->family, doc->identity);

	while (*link != row)
		link = &d->rows[*link].next;
	*link = doc->next;
	free(doc->identity);
	*doc = (struct doc){0};
	bits_remove(&d->owed, row);
	bitset_remove(&d->fresh, row);
	bitset_add(&d->free, row);
}

/* Redis was told all of a row that was dropped. */
static void free_when_told(struct docs *d, uint32_t row)
{
	if (!d->rows[row].text && !is_in_flight(d, row) && !bitset_has(&d->owed.del, row) &&
	    !bitset_has(&d->owed.leave, row))
		free_row(d, row);
}

/* The index set of the family cannot be trusted: it will be made anew of what is kept. */
static void renew_index(struct docs *d, enum doc_family family)
{
	d->is_ours[family] = false;
	for (uint32_t row = 0; row < d->rows_n; row++) {
		if (d->rows[row].text && d->rows[row].family == family)
			bitset_add(&d->owed.join, row);
	}
}

/* A row that was dropped and of which Redis was not told; DOC_NONE when there is none. */
static uint32_t reclaim(struct docs *d)
{
	const struct bitset *sets[] = {&d->owed.leave, &d->owed.del};

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		bitset_for_each(row, sets[i])
		{
			if (is_in_flight(d, row))
				continue;
			if (d->is_ours[d->rows[row].family])
				renew_index(d, d->rows[row].family);
			free_row(d, row);
			return row;
		}
	}
	return DOC_NONE;
}

static uint32_t add_row(struct docs *d, enum doc_family family, const char *identity)
{
	uint32_t row = bitset_next(&d->free, 0), *bucket;

	if (row == BITSET_END && d->rows_n < DOCS_MAX)
		row = d->rows_n++;
	else if (row == BITSET_END)
		row = reclaim(d);
	if (row == DOC_NONE)
		return DOC_NONE;
	bitset_remove(&d->free, row);
	bucket = bucket_of(d, family, identity);
	d->rows[row] =
		(struct doc){.identity = mem_strdup(identity), .family = family, .next = *bucket};
	*bucket = row;
	return row;
}

/* ---- setting and dropping ---------------------------------------------------------------------*/

static void drop_row(struct docs *d, uint32_t row)
{
	struct doc *doc = &d->rows[row];

	if (!doc->text)
		return;
	d->bytes -= doc->len;
	d->kept--;
	free(doc->text);
	doc->text = NULL;
	doc->len = doc->cap = 0;
	bitset_remove(&d->owed.set, row);
	bitset_remove(&d->owed.join, row);
	bitset_add(&d->owed.del, row);
	if (families[doc->family].has_index)
		bitset_add(&d->owed.leave, row);
}

/* Memory is kept between texts of about one size. */
static void put_text(struct docs *d, uint32_t row, const char *text, size_t len)
{
	struct doc *doc = &d->rows[row];

	if (!doc->text) {
		d->kept++;
		bitset_remove(&d->owed.del, row);
		bitset_remove(&d->owed.leave, row);
		if (families[doc->family].has_index)
			bitset_add(&d->owed.join, row);
	}
	if (len > doc->cap || len < doc->cap / 4) {
		doc->cap = len + len / 4 + 64;
		doc->text = mem_realloc(doc->text, doc->cap);
	}
	memcpy(doc->text, text, len);
	d->bytes += len - doc->len;
	doc->len = len;
	bitset_add(&d->owed.set, row);
}

int docs_set(struct docs *d, enum key_kind kind, const char *identity, const char *text, size_t len)
{
	enum doc_family family = family_of(kind);
	uint32_t row = find(d, family, identity ? identity : "");
	size_t old = row == DOC_NONE ? 0 : d->rows[row].len;

	if (len > DOC_TEXT_MAX || d->bytes - old + len > DOCS_BYTES_MAX ||
	    (identity && strlen(identity) > DOC_NAME_MAX)) {
		if (row != DOC_NONE)
			drop_row(d, row); /* none is better than an old one */
		d->refused++;
		return AGNI_ELIMIT;
	}
	if (row == DOC_NONE)
		row = add_row(d, family, identity ? identity : "");
	if (row == DOC_NONE) {
		d->refused++;
		return AGNI_ELIMIT;
	}
	put_text(d, row, text, len);
	return 0;
}

void docs_drop(struct docs *d, enum key_kind kind, const char *identity)
{
	uint32_t row = find(d, family_of(kind), identity ? identity : "");

	if (row != DOC_NONE)
		drop_row(d, row);
}

void docs_retire(struct docs *d)
{
	for (uint32_t row = 0; row < d->rows_n; row++) {
		if (d->rows[row].text && !families[d->rows[row].family].needs_feed)
			drop_row(d, row);
	}
}

/* ---- what is owed -----------------------------------------------------------------------------*/

bool docs_has_index_work(const struct docs *d)
{
	return d->owed.join.count > 0 || d->owed.leave.count > 0;
}

bool docs_has_work(const struct docs *d)
{
	return d->owed.set.count > 0 || d->owed.del.count > 0 || docs_has_index_work(d);
}

void docs_turn_hand(struct docs *d, uint32_t visits, bool is_feed_alive)
{
	for (; visits > 0 && d->rows_n > 0; visits--) {
		uint32_t row = d->hand < docs_span(d) ? d->hand : 0;
		const struct doc_family_info *family = &families[d->rows[row].family];
		bool is_fresh = bitset_remove(&d->fresh, row);

		d->hand = row + 1;
		if (!d->rows[row].text || (family->needs_feed && !is_feed_alive))
			continue;
		if (!is_fresh)
			bitset_add(&d->owed.set, row);
		if (family->has_index)
			bitset_add(&d->owed.join, row);
	}
}

uint32_t docs_take(struct docs *d, struct bitset *from, struct bitset *to)
{
	uint32_t row = bitset_next(from, d->cursor);

	if (row == BITSET_END)
		row = bitset_next(from, 0);
	if (row == BITSET_END)
		return DOC_NONE;
	d->cursor = row + 1;
	bitset_remove(from, row);
	bitset_add(to, row);
	return row;
}

uint32_t docs_take_of(struct docs *d, enum doc_family family, struct bitset *from,
		      struct bitset *to, uint32_t row)
{
	for (row = bitset_next(from, row); row != BITSET_END; row = bitset_next(from, row + 1)) {
		if (d->rows[row].family == family) {
			bitset_remove(from, row);
			bitset_add(to, row);
			return row;
		}
	}
	return DOC_NONE;
}

void docs_on_set(struct docs *d, uint32_t row, bool is_refused)
{
	bitset_remove(&d->flight.set, row);
	if (!is_refused) {
		d->sets++;
		bitset_add(&d->fresh, row);
	} else if (d->rows[row].text) {
		bitset_add(&d->owed.set, row);
	}
	free_when_told(d, row);
}

void docs_on_del(struct docs *d, uint32_t row, bool is_refused)
{
	bitset_remove(&d->flight.del, row);
	if (is_refused && !d->rows[row].text)
		bitset_add(&d->owed.del, row);
	free_when_told(d, row);
}

static void settle(struct docs *d, enum doc_family family, struct bitset *flight,
		   struct bitset *owed, bool owes_when_kept, bool is_refused)
{
	bitset_for_each(row, flight)
	{
		if (d->rows[row].family != family)
			continue;
		bitset_remove(flight, row);
		if (is_refused && (d->rows[row].text != NULL) == owes_when_kept)
			bitset_add(owed, row);
		free_when_told(d, row);
	}
}

void docs_on_join(struct docs *d, enum doc_family family, bool is_refused)
{
	settle(d, family, &d->flight.join, &d->owed.join, true, is_refused);
}

void docs_on_leave(struct docs *d, enum doc_family family, bool is_refused)
{
	settle(d, family, &d->flight.leave, &d->owed.leave, false, is_refused);
}

void docs_rewind(struct docs *d)
{
	bits_clear(&d->flight);
	for (uint32_t row = 0; row < d->rows_n; row++) {
		const struct doc *doc = &d->rows[row];
		bool has_index = doc->identity && families[doc->family].has_index;

		if (doc->identity)
			bitset_add(doc->text ? &d->owed.set : &d->owed.del, row);
		if (has_index)
			bitset_add(doc->text ? &d->owed.join : &d->owed.leave, row);
	}
}
