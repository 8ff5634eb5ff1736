/* SPDX-License-Identifier: MIT
 *
 * keys: see keys.h. The table is walked from end to end at each check, whatever is asked: it has a
 * handful of rows, and so its time tells nothing.
 */
#include "auth/keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/secret.h"
#include "core/rand.h"

#define PREFIX "agni_"

static void key_fini(struct key *key)
{
	scope_fini(&key->scope);
	explicit_bzero(key, sizeof(*key));
}

void keys_fini(struct keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		key_fini(&k->all[i]);
	free(k->all);
	*k = (struct keys){0};
}

bool key_name_is_valid(const char *name)
{
	size_t n =
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return n > 0 && n <= KEY_NAME_MAX && name[n] == '\0';
}

struct key *keys_find(const struct keys *k, const char *id_or_name)
{
	for (size_t i = 0; i < k->n; i++) {
		if (strcmp(k->all[i].id, id_or_name) == 0 ||
		    strcmp(k->all[i].name, id_or_name) == 0)
			return &k->all[i];
	}
	return NULL;
}

void keys_remove(struct keys *k, struct key *key)
{
	size_t at = (size_t)(key - k->all);

	AGNI_ASSERT(at < k->n);
	key_fini(key);
	memmove(key, key + 1, (k->n - at - 1) * sizeof(*key));
	k->n--;
}

/* What is stored of a secret. */
static void hash_of(const unsigned char salt[KEY_SALT_LEN], const char *secret,
		    unsigned char hash[SHA256_BYTES])
{
	unsigned char both[KEY_SALT_LEN + KEY_SECRET_LEN];

	memcpy(both, salt, KEY_SALT_LEN);
	memcpy(both + KEY_SALT_LEN, secret, KEY_SECRET_LEN);
	hash_sha256(both, sizeof(both), hash);
	explicit_bzero(both, sizeof(both));
}

/* An id that neither a key nor a name has. */
static void make_id(const struct keys *k, char id[KEY_ID_LEN + 1])
{
	do
		rand_hex(id, KEY_ID_LEN / 2);
	while (keys_find(k, id));
}

int keys_add(struct keys *k, const struct key *wanted, int64_t now_ms, char text[KEY_TEXT_LEN + 1],
	     struct agni_err *err)
{
	struct key key = *wanted;
	char secret[KEY_SECRET_LEN + 1];

	if (k->n == KEYS_MAX || keys_find(k, key.name)) {
		scope_fini(&key.scope);
		return k->n == KEYS_MAX ? agni_fail(err, AGNI_ELIMIT, "there are %d keys", KEYS_MAX)
					: agni_fail(err, AGNI_EUSAGE,
						    "there is a key called \"%s\"", key.name);
	}
	make_id(k, key.id);
	if (!key.name[0])
		snprintf(key.name, sizeof(key.name), "%s", key.id);
	key.created_ms = now_ms;
	rand_bytes(key.salt, sizeof(key.salt));
	rand_hex(secret, KEY_SECRET_LEN / 2);
	hash_of(key.salt, secret, key.hash);
	snprintf(text, KEY_TEXT_LEN + 1, PREFIX "%s_%s", key.id, secret);
	explicit_bzero(secret, sizeof(secret));
	k->all = mem_realloc(k->all, (k->n + 1) * sizeof(*k->all));
	k->all[k->n++] = key;
	return 0;
}

bool key_is_expired(const struct key *key, int64_t now_ms)
{
	return key->expires_ms && now_ms >= key->expires_ms;
}

/* Whether it has the form of a key; what is not hex cannot be a secret of ours, and needs no
 * further check. */
static bool is_well_formed(const char *text)
{
	return strlen(text) == KEY_TEXT_LEN && memcmp(text, PREFIX, 5) == 0 &&
	       text[5 + KEY_ID_LEN] == '_';
}

/* The row whose id this is; else `other`, so that the work that follows is the same. */
static struct key *row_of(const struct keys *k, const char *id, struct key *other)
{
	struct key *found = other;

	for (size_t i = 0; i < k->n; i++) {
		if (secret_is_equal(k->all[i].id, id, KEY_ID_LEN))
			found = &k->all[i];
	}
	return found;
}

enum key_verdict keys_check(const struct keys *k, const char *text, int64_t now_ms,
			    struct key **out)
{
	struct key nobody = {0}; /* no secret has this hash */
	unsigned char hash[SHA256_BYTES];
	struct key *key;
	bool is_right;

	*out = NULL;
	if (!is_well_formed(text))
		return KEY_WRONG;
	key = row_of(k, text + 5, &nobody);
	hash_of(key->salt, text + 5 + KEY_ID_LEN + 1, hash);
	is_right = secret_is_equal(hash, key->hash, sizeof(hash));
	explicit_bzero(hash, sizeof(hash));
	if (!is_right || key == &nobody)
		return KEY_WRONG;
	*out = key;
	return key_is_expired(key, now_ms) ? KEY_EXPIRED : KEY_GOOD;
}
