/* SPDX-License-Identifier: MIT
 *
 * master: see master.h. What is asked of a table that is done; master_build.c makes it.
 */
#include "market/master.h"

#include <stdlib.h>

#include "market/master_internal.h"

uint32_t master_hash(const char *text, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 16777619u;
	return h ^ h >> 15;
}

uint32_t master_seek(const struct master *m, const char *text, const char *key, size_t len)
{
	uint32_t mask = m->by_key_size - 1, at = master_hash(key, len) & mask;

	for (; m->by_key[at]; at = (at + 1) & mask) {
		const char *other = text + m->rows[m->by_key[at] - 1].key;

		if (strncmp(other, key, len) == 0 && other[len] == '\0')
			break;
	}
	return at;
}

uint32_t master_find(const struct master *m, const char *key, size_t len)
{
	if (len == 0 || len > INST_KEY_MAX || memchr(key, '\0', len))
		return MASTER_NONE;
	/* An empty place holds 0: MASTER_NONE after the subtraction. */
	return m->by_key[master_seek(m, m->text, key, len)] - 1;
}

const char *master_type_text(const struct master *m, const struct master_row *row)
{
	static const char *const text[] = {"INDEX", "EQ", "FUT", "CE", "PE"};

	return row->type < ARRAY_LEN(text) ? text[row->type] : master_text(m, row->type_text);
}

struct master *master_hold(struct master *m)
{
	m->refs++;
	return m;
}

void master_release(struct master *m)
{
	if (!m || --m->refs > 0)
		return;
	free(m->rows);
	free(m->text);
	free(m->by_key);
	free(m->contracts);
	free(m->underlyings);
	free(m);
}
