/* SPDX-License-Identifier: MIT
 *
 * docs: documents that Redis shall hold, by (kind, identity), and what it does not know of them yet;
 * internal to the store. Arithmetic only: the writer sends and hears.
 *
 * A row is a document; what has to be done with it is a bit, as with quotes:
 *
 *   dirty    must be SET: new text, a renewal, or Redis came back
 *   joining  must be SADDed to the index set of its kind
 *   gone     was dropped and must be DELeted
 *   leaving  was dropped and must be SREMoved
 *   fresh    was SET since the hand came by (writer.h tells of the hand)
 *
 * A row that was dropped is free when neither `gone` nor `leaving` is owed any more. When rows run
 * out before Redis was told (it is away, and clients come and go), such a row is taken at once: its
 * key dies by itself, and the index set is made anew (is_ours) to be true again.
 */
#ifndef AGNI_STORE_DOCS_H
#define AGNI_STORE_DOCS_H

#include "core/bitset.h"
#include "store/keys.h"

#define DOCS_MAX       2048u
#define DOCS_BYTES_MAX (16u << 20) /* of all texts */
#define DOC_TEXT_MAX   (1u << 20)
#define DOC_NAME_MAX   128u
#define DOC_NONE       UINT32_MAX

enum doc_family { DOC_CHAIN, DOC_FUTURES, DOC_CLIENT, DOC_STATUS, DOC_FAMILIES };

struct doc_family_info {
	enum key_kind kind;
	enum key_kind index;
	bool has_index;
	bool needs_feed; /* renewed while the feed is alive; the others while the server lives */
};

/* What is owed for a row, or is on its way. */
struct doc_bits {
	struct bitset set, del, join, leave;
};

struct doc {
	char *identity; /* NULL: the row is free */
	char *text;     /* NULL: dropped */
	size_t len, cap;
	uint32_t next; /* in its bucket; DOC_NONE = the last */
	enum doc_family family;
};

struct docs {
	struct doc *rows;
	uint32_t *buckets; /* DOCS_MAX heads */
	uint32_t rows_n;   /* rows that were ever used are below */
	struct bitset free;
	struct doc_bits owed, flight;
	struct bitset fresh;
	bool is_ours[DOC_FAMILIES]; /* what an earlier process left in the index set is gone */
	uint32_t cursor, hand;
	size_t bytes; /* of all texts */

	uint64_t kept;    /* documents that are not dropped; for /metrics */
	uint64_t sets;    /* SETs that Redis took */
	uint64_t refused; /* documents beyond the limits */
};

void docs_init(struct docs *d);
void docs_fini(struct docs *d);

const struct doc_family_info *doc_family_info(enum doc_family family);

/* As store_doc_set and store_doc_drop. */
int docs_set(struct docs *d, enum key_kind kind, const char *identity, const char *text,
	     size_t len) AGNI_MUST_USE;
void docs_drop(struct docs *d, enum key_kind kind, const char *identity);

/* The server ends: drops what lives as long as it does. */
void docs_retire(struct docs *d);

/* Something is owed. */
bool docs_has_work(const struct docs *d);
bool docs_has_index_work(const struct docs *d);

/* Places of the hand's round. Not fewer than this: a round takes its time with a few documents too. */
static inline uint32_t docs_span(const struct docs *d)
{
	return d->rows_n < 256 ? 256 : d->rows_n;
}

/* Visits `visits` places: what is quiet is owed again, and its place in the index in any case, which
 * repairs a set that somebody else emptied. */
void docs_turn_hand(struct docs *d, uint32_t visits, bool is_feed_alive);

/* Takes the next row of `from` into `to` (two sets of owed and flight); DOC_NONE when there is none. */
uint32_t docs_take(struct docs *d, struct bitset *from, struct bitset *to);

/* As docs_take, of one family only, the first at or after `row`. */
uint32_t docs_take_of(struct docs *d, enum doc_family family, struct bitset *from,
		      struct bitset *to, uint32_t row);

/* The answer to what is on its way: the row's SET or DEL; all SADDs or SREMs of a family. */
void docs_on_set(struct docs *d, uint32_t row, bool is_refused);
void docs_on_del(struct docs *d, uint32_t row, bool is_refused);
void docs_on_join(struct docs *d, enum doc_family family, bool is_refused);
void docs_on_leave(struct docs *d, enum doc_family family, bool is_refused);

/* The connection is lost: nothing is on its way, and all is owed. */
void docs_rewind(struct docs *d);

#endif
