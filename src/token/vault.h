/* SPDX-License-Identifier: MIT
 *
 * vault: where the sealed token is kept, so that a restart need not ask anybody: in Redis with the
 * token's own life, or, while there is no Redis, in {dir}/token-{account}.sealed.
 *
 *     vault_open: keys, then the file --> kept (a token), or nothing
 *     Redis connects: its record is read first; what is newer there or here wins
 *     vault_save: sealed; to Redis when it is connected (the file goes, and its generation stays
 *                 behind in {dir}/token-{account}.generation), else to the file
 *
 * A record that our keys do not open is not ours to lose: it is named in the log and in /health,
 * and nothing is written over it. One that was altered is named and written over.
 */
#ifndef AGNI_TOKEN_VAULT_H
#define AGNI_TOKEN_VAULT_H

#include "core/loop.h"
#include "store/store.h"
#include "token/seal.h"

struct vault;

struct vault_deps {
	struct loop *loop;
	struct store *store;  /* or NULL */
	const char *dir;      /* exists; lent */
	const char *account;  /* lent */
	const char *key_file; /* token.seal_key_file; "" = see vault_open; lent */
	/* Redis had a token that is newer than what vault_open found (lent, wiped when it returns),
	 * or, with NULL, it is known that there is none. Comes once per connection to Redis. */
	void (*on_found)(void *arg, const struct seal_content *c);
	void *arg;
};

struct vault *vault_create(const struct vault_deps *deps);

/* Reads the keys: from key_file, else from the systemd credential "agnidata-seal-key", else from
 * the environment (AGNIDATA_SEAL_KEY, taken out of it), else from {dir}/seal.key, which is made
 * when it is not there. Then the file. `c->token[0]` tells whether there was a token; the caller
 * wipes `c`. Fails with AGNI_ECONFIG when the keys are not usable. */
int vault_open(struct vault *v, struct seal_content *c, struct agni_err *err) AGNI_MUST_USE;

/* The highest generation that was ever kept, as far as vault_open() could tell: a record in Redis dies
 * with its token, and the number has to go on. */
uint64_t vault_floor(const struct vault *v);

/* Reads the keys again (SIGHUP), and looks again at what is kept before anything is written. On
 * error the old ones stay. */
int vault_reload(struct vault *v, struct agni_err *err) AGNI_MUST_USE;

/* Seals and keeps `c`, now or when what is under way has ended; the newest wins. */
void vault_save(struct vault *v, const struct seal_content *c);

/* NULL, or why nothing is written. Lent. */
const char *vault_trouble(const struct vault *v);

/* True until the first answer of a Redis that is configured, unless there is none to be had. */
bool vault_is_asking(const struct vault *v);

/* Where the token is kept: "Redis", "file", "nowhere". */
const char *vault_place(const struct vault *v);

/* `done` when no request is under way; nothing is reported after it. */
void vault_close(struct vault *v, void (*done)(void *arg), void *arg);
void vault_destroy(struct vault *v);

#endif
