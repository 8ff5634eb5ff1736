/* SPDX-License-Identifier: MIT
 *
 * keys: the API keys: what is stored of them, and whether a text is one of them.
 *
 *     agni_1f0c9a3e_5d41...64 hex digits...c7
 *          |        secret: 256 random bits, shown once, stored nowhere
 *          id: names the record; no secret
 *
 * The file (keys_file.c) has one JSON object a line, mode 0600:
 *
 *     {"id":"1f0c9a3e","name":"desk1","role":"viewer","scope":["NSE_INDEX|*"],"connections":4,
 *      "requests_per_s":20,"commands_per_s":10,"created":"2026-11-25T09:15:00.000+05:30",
 *      "expires":"2027-04-01T00:00:00.000+05:30","salt":"...32 hex digits","hash":"...64"}
 *
 * hash = SHA-256(salt, secret). Slow password hashing would add nothing: nobody tries 2^256
 * secrets. What is absent has no limit of its own (limits of the configuration) or no end (expires)
 * or is everything (scope); therefore a member that is not known is an error: a misspelt "scope"
 * must not open all. Names and ids are unique.
 */
#ifndef AGNI_AUTH_KEYS_H
#define AGNI_AUTH_KEYS_H

#include "auth/rate.h"
#include "auth/role.h"
#include "auth/scope.h"
#include "core/buf.h"
#include "http/hash.h"

#define KEY_ID_LEN     8
#define KEY_SECRET_LEN 64
#define KEY_TEXT_LEN   (5 + KEY_ID_LEN + 1 + KEY_SECRET_LEN)
#define KEY_NAME_MAX   32
#define KEY_SALT_LEN   16
#define KEYS_MAX       1024
#define KEY_LIMIT_MAX  1000000 /* of each of the three limits below */

struct key {
	char id[KEY_ID_LEN + 1];
	char name[KEY_NAME_MAX + 1];
	enum auth_role role;
	struct scope scope;
	int64_t connections;    /* WebSocket connections at once; 0: the configuration's */
	int64_t requests_per_s; /* over REST; 0: the configuration's */
	int64_t commands_per_s; /* of one connection; 0: the configuration's */
	int64_t created_ms;     /* wall */
	int64_t expires_ms;     /* wall; 0: never */
	unsigned char salt[KEY_SALT_LEN];
	unsigned char hash[SHA256_BYTES];
	/* Of the running server, not of the file: */
	uint64_t serial; /* given when it is first loaded; follows it through reloads */
	int64_t open;    /* connections now */
	struct rate requests;
};

struct keys {
	struct key *all;
	size_t n;
};

void keys_fini(struct keys *k);

/* [A-Za-z0-9._-], 1 to KEY_NAME_MAX bytes. */
bool key_name_is_valid(const char *name);

/* Adds a key made of `wanted` (name, role, scope, limits, expires; "" as name takes the id's) with
 * an id, a salt and a secret of its own; the scope is taken over, also on error. `text` gets the
 * whole key. AGNI_ELIMIT when there are KEYS_MAX, AGNI_EUSAGE when the name is taken. */
int keys_add(struct keys *k, const struct key *wanted, int64_t now_ms, char text[KEY_TEXT_LEN + 1],
	     struct agni_err *err) AGNI_MUST_USE;

/* The record with this id or name, or NULL. */
struct key *keys_find(const struct keys *k, const char *id_or_name);

void keys_remove(struct keys *k, struct key *key);

enum key_verdict { KEY_GOOD, KEY_WRONG, KEY_EXPIRED };

/* Judges what somebody presents. KEY_EXPIRED is said only to who has the secret. An id that is not
 * known costs what a known one costs. `out` gets the key unless it is KEY_WRONG. */
enum key_verdict keys_check(const struct keys *k, const char *text, int64_t now_ms,
			    struct key **out);

bool key_is_expired(const struct key *key, int64_t now_ms);

/* --- keys_file.c ------------------------------------------------------------------------------ */

/* Reads the text of a file into `k` (empty). AGNI_EPARSE with the line and what is wrong. */
int keys_parse(struct keys *k, const char *text, size_t len, struct agni_err *err) AGNI_MUST_USE;

void keys_print(const struct keys *k, struct buf *out);

/* Reads the file into `k` (empty). AGNI_ENOTFOUND: there is none; AGNI_EAUTH: others may read or
 * write it, or it is not ours; AGNI_EPARSE; errno. The text names the file. */
int keys_load(struct keys *k, const char *path, struct agni_err *err) AGNI_MUST_USE;

/* Replaces the file in one step: whoever reads meanwhile, or after a power cut, finds the old or
 * the new one. */
int keys_save(const struct keys *k, const char *path, struct agni_err *err) AGNI_MUST_USE;

/* Waits for whoever else is changing the file. A descriptor for keys_unlock(), or an error. */
int keys_lock(const char *path, struct agni_err *err) AGNI_MUST_USE;
void keys_unlock(int fd);

#endif
