/* SPDX-License-Identifier: MIT
 *
 * master: the instrument master: everything that the exchange lists, as one compact table.
 *
 * It is built row by row by a `struct master_builder` (on a worker, nothing here knows a loop), and
 * never changes afterwards: a new file is a new table, and the old one is freed when the last who
 * holds it lets go. A row is 64 bytes, its texts lie in one block where equal texts lie once:
 *
 *     rows[]       in the order of the file
 *     by_key[]     hash of the instrument key -> row
 *     contracts[]  rows of derivatives, sorted by underlying, expiry, type, strike
 *     underlyings[]  "NIFTY" of NSE_FO -> its stretch of contracts[]
 *
 * Of two rows with one key the first counts; a second one that says the same is a duplicate, one
 * that says something else a conflict. Both are counted, the first conflict is named.
 */
#ifndef AGNI_MARKET_MASTER_H
#define AGNI_MARKET_MASTER_H

#include "core/buf.h"
#include "core/err.h"
#include "core/ist.h"
#include "market/instrument.h"
#include "market/price.h"

#define MASTER_ROWS_MAX 400000u    /* four times the largest file known */
#define MASTER_TEXT_MAX 128        /* bytes of one text; the longest known has 46 */
#define MASTER_NONE     UINT32_MAX /* no row, no underlying */

/* In the order in which a search shows them. */
enum master_type { TYPE_INDEX, TYPE_EQ, TYPE_FUT, TYPE_CE, TYPE_PE, TYPE_OTHER };

/* One row as the file says it; texts are borrowed, NULL or empty when absent. */
struct master_entry {
	const char *key, *symbol, *name, *isin, *token, *type, *underlying, *underlying_key;
	double strike;     /* rupees */
	double tick_paise; /* 5.0 is 0.05 rupee */
	int64_t lot_size;
	double freeze_quantity; /* units: most that one order may be for; 0: none */
	int64_t expiry_ms;      /* 23:59:59 IST of the day; 0: none */
	bool is_weekly;
};

/* Texts are offsets into master.text; offset 0 is "". */
struct master_row {
	uint32_t key, symbol, name, isin, token, type_text;
	uint32_t underlying; /* in master.underlyings; MASTER_NONE: no derivative */
	uint32_t underlying_key;
	price_t strike;           /* 0: none */
	int32_t tick_size;        /* 1/10000 rupee; 0: none */
	int32_t lot_size;         /* 0: none */
	uint32_t freeze_quantity; /* units; 0: none */
	day_t expiry;             /* 0: none */
	uint8_t type;             /* enum master_type */
	bool is_weekly;
};

struct master_underlying {
	uint32_t symbol, key; /* texts; the key is "" where the file names none */
	uint32_t segment;     /* text of a contract's key: its segment is this one's */
	uint32_t first, n;    /* of master.contracts */
};

struct master_stats {
	uint64_t rows;     /* in the file */
	uint64_t bad_rows; /* not JSON, or absurd: left out */
	uint64_t duplicates, conflicts;
	uint64_t twins; /* contracts that agree in all but their key */
	char first_conflict[INST_KEY_MAX + 1];
};

struct master {
	struct master_row *rows;
	uint32_t n;
	char *text;
	uint32_t *by_key; /* row + 1; 0 = free */
	uint32_t by_key_size;
	uint32_t *contracts;
	uint32_t contracts_n;
	struct master_underlying *underlyings;
	uint32_t underlyings_n;
	struct master_stats stats;
	uint32_t refs; /* counted on the loop only */
};

static inline const char *master_text(const struct master *m, uint32_t at)
{
	return m->text + at;
}

static inline const char *master_key(const struct master *m, uint32_t row)
{
	AGNI_ASSERT(row < m->n);
	return m->text + m->rows[row].key;
}

/* The row of an instrument key, or MASTER_NONE. */
uint32_t master_find(const struct master *m, const char *key, size_t len);

/* "INDEX", "EQ", "FUT", "CE", "PE" or, for all else, the file's own word: "SG". */
const char *master_type_text(const struct master *m, const struct master_row *row);

struct master *master_hold(struct master *m);

/* NULL is fine. */
void master_release(struct master *m);

/* --- building --------------------------------------------------------------------------------- */

struct master_builder {
	struct master *m;
	struct buf text;
	uint32_t rows_cap;
	uint32_t *interned; /* hash of texts -> offset; 0 = free */
	uint32_t interned_size, interned_n;
};

void master_builder_init(struct master_builder *b);
void master_builder_fini(struct master_builder *b);

/* Takes one row. AGNI_EPARSE when it is absurd (no instrument key, a contract without expiry, an
 * option without strike, numbers out of any range): it is left out, the caller counts it.
 * AGNI_ELIMIT when the table is full. */
int master_builder_add(struct master_builder *b, const struct master_entry *e,
		       struct agni_err *err) AGNI_MUST_USE;

/* Sorts, and hands the table over with one reference; the builder is empty then. */
struct master *master_builder_take(struct master_builder *b);

#endif
