/* SPDX-License-Identifier: MIT
 *
 * instrument: see instrument.h. The hash is FNV-1a over eight bytes at a time with a final mix:
 * keys are short, and an attacker cannot choose them (they come from the broker or pass a limit).
 */
#include "market/instrument.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"

#define TABLE_MIN      256
#define NAME_MAX_BYTES 64

static uint32_t key_hash(const char *key, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u ^ len, word;

	while (len >= 8) {
		memcpy(&word, key, 8);
		h = (h ^ word) * 0x9fb21c651e98df25u;
		h ^= h >> 32;
		key += 8;
		len -= 8;
	}
	word = 0;
	memcpy(&word, key, len);
	h = (h ^ word) * 0x9fb21c651e98df25u;
	h ^= h >> 29;
	h *= 0xd6e8feb86659fd93u;
	return (uint32_t)(h >> 32);
}

void instruments_init(struct instruments *t, uint32_t limit)
{
	*t = (struct instruments){.limit = limit, .table_size = TABLE_MIN};
	t->table = mem_zalloc(TABLE_MIN * sizeof(*t->table));
}

void instruments_fini(struct instruments *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		free(t->keys[i]);
	free(t->keys);
	free(t->key_len);
	free(t->hash);
	free(t->table);
	*t = (struct instruments){0};
}

/* Where the key is, or the free place where it would go. */
static uint32_t table_seek(const struct instruments *t, uint32_t hash, const char *key, size_t len)
{
	uint32_t mask = t->table_size - 1, at = hash & mask;

	for (; t->table[at]; at = (at + 1) & mask) {
		inst_id id = t->table[at] - 1;

		if (t->hash[id] == hash && t->key_len[id] == len &&
		    memcmp(t->keys[id], key, len) == 0)
			break;
	}
	return at;
}

static void table_grow(struct instruments *t)
{
	free(t->table);
	t->table_size *= 2;
	t->table = mem_zalloc(t->table_size * sizeof(*t->table));
	for (inst_id id = 0; id < t->count; id++)
		t->table[table_seek(t, t->hash[id], t->keys[id], t->key_len[id])] = id + 1;
}

inst_id instruments_find(const struct instruments *t, const char *key, size_t len)
{
	uint32_t place;

	if (len == 0 || len > INST_KEY_MAX)
		return INST_NONE;
	place = t->table[table_seek(t, key_hash(key, len), key, len)];
	return place ? place - 1 : INST_NONE;
}

static void arrays_grow(struct instruments *t)
{
	t->cap = t->cap ? t->cap * 2 : 64;
	t->keys = mem_realloc(t->keys, t->cap * sizeof(*t->keys));
	t->key_len = mem_realloc(t->key_len, t->cap * sizeof(*t->key_len));
	t->hash = mem_realloc(t->hash, t->cap * sizeof(*t->hash));
}

inst_id instruments_intern(struct instruments *t, const char *key, size_t len)
{
	inst_id id = instruments_find(t, key, len);

	if (id != INST_NONE || t->count >= t->limit || !instrument_key_is_valid(key, len))
		return id;
	if (t->count == t->cap)
		arrays_grow(t);
	if (2 * (t->count + 1) > t->table_size)
		table_grow(t);
	id = t->count++;
	t->keys[id] = mem_strndup(key, len);
	t->key_len[id] = (uint8_t)len;
	t->hash[id] = key_hash(key, len);
	t->table[table_seek(t, t->hash[id], key, len)] = id + 1;
	return id;
}

bool instrument_key_is_valid(const char *key, size_t len)
{
	size_t i = 0, start, date = 0;

	if (len > INST_KEY_MAX)
		return false;
	while (i < len && ((key[i] >= 'A' && key[i] <= 'Z') || key[i] == '_'))
		i++;
	if (i == 0 || i == len || key[i] != '|')
		return false;
	start = ++i;
	for (; i < len; i++) {
		if (key[i] < 0x20 || key[i] > 0x7e || key[i] == ',')
			return false;
		if (key[i] == '|' && (date || i == start || i + 1 == len))
			return false;
		if (key[i] == '|')
			date = i;
	}
	i = date ? date : len;
	return i > start && i - start <= NAME_MAX_BYTES;
}

size_t instrument_segment_len(const char *key)
{
	return strcspn(key, "|");
}

bool instrument_is_index(const char *key, size_t len)
{
	static const char end[] = "_INDEX";
	const size_t n = sizeof(end) - 1;
	const char *bar = memchr(key, '|', len);

	return bar && (size_t)(bar - key) >= n && memcmp(bar - n, end, n) == 0;
}
