/* SPDX-License-Identifier: MIT
 *
 * fuzz_master: any bytes as an instrument master, whole and in pieces: the same table comes of both,
 * and whatever it is, it can be asked and searched.
 */
#include <stdlib.h>
#include <string.h>

#include "market/resolve.h"
#include "market/search.h"
#include "refdata/rows.h"
#include "upstox/master_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct pass {
	struct master_builder builder;
	struct master_row_text row;
};

static int take_row(void *arg, const char *text, size_t len, struct agni_err *err)
{
	struct pass *p = arg;

	AGNI_ASSERT(strlen(text) <= len);
	if (!master_row_parse(text, len, &p->row))
		return AGNI_EPARSE;
	return master_builder_add(&p->builder, &p->row.entry, err);
}

/* NULL when it is no master. Pieces of `piece` bytes, the first of two at least. */
static struct master *load(const uint8_t *data, size_t size, size_t piece)
{
	struct pass *p = mem_alloc(sizeof(*p));
	struct rows_reader *rows = rows_reader_create(take_row, p);
	struct rows_stats stats = {0};
	struct agni_err err;
	struct master *m = NULL;
	int rc = 0;

	master_builder_init(&p->builder);
	for (size_t at = 0; at < size && rc == 0;) {
		size_t n = at == 0 && piece < 2 ? 2 : piece;

		n = n < size - at ? n : size - at;
		rc = rows_reader_feed(rows, data + at, n, &err);
		at += n;
	}
	if (rc == 0)
		rc = rows_reader_end(rows, &stats, &err);
	rows_reader_destroy(rows);
	if (rc == 0) {
		m = master_builder_take(&p->builder);
		m->stats.rows = stats.rows;
		m->stats.bad_rows = stats.bad_rows;
	}
	master_builder_fini(&p->builder);
	free(p);
	return m;
}

static void ask(const struct master *m)
{
	struct search_query q = {.text = "1 a", .underlying = MASTER_NONE, .limit = 3};
	struct search_result found;
	struct expiry_choice current = {.kind = EXPIRY_NEXT};

	AGNI_ASSERT(m->n + m->stats.bad_rows + m->stats.duplicates + m->stats.conflicts ==
		    m->stats.rows);
	search_run(m, &q, &found);
	for (uint32_t i = 0; i < m->n; i++) {
		const char *key = master_key(m, i);

		AGNI_ASSERT(master_find(m, key, strlen(key)) == i);
		AGNI_ASSERT(instrument_key_is_valid(key, strlen(key)));
	}
	for (uint32_t u = 0; u < m->underlyings_n; u++) {
		const char *symbol = master_text(m, m->underlyings[u].symbol);

		resolve_underlying(m, symbol);
		resolve_underlying_row(m, u);
		resolve_expiry(m, u, TYPE_CE, &current, 1768300000000);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct master *whole = load(data, size, size ? size : 1), *torn = load(data, size, 1);

	AGNI_ASSERT((whole == NULL) == (torn == NULL));
	if (whole) {
		AGNI_ASSERT(whole->n == torn->n && whole->stats.rows == torn->stats.rows);
		ask(whole);
	}
	master_release(whole);
	master_release(torn);
	return 0;
}
