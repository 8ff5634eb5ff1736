/* SPDX-License-Identifier: MIT
 *
 * seal: a token made safe to be kept: AES-256-GCM under a key of a ring.
 *
 *     {"v":1,"kid":"4f0c2a9b71d3e856","account":"agnidata001","generation":7,
 *      "expires_ms":1795386600000,"nonce":"<24 hex>","box":"<hex>"}
 *
 * All that stands in the open is authenticated with what is not, so a record cannot be moved to
 * another account, generation or life; and a record has exactly one spelling, so that a change of
 * any byte is found. Inside the box: origin, kind, the time of issue, and the token.
 *
 * The ring is a text: one key a line, "KEYID HEX" (16 and 64 lower-case hex digits), # for
 * comments. The first key seals; all of them open, which is how keys are rotated.
 */
#ifndef AGNI_TOKEN_SEAL_H
#define AGNI_TOKEN_SEAL_H

#include "core/err.h"
#include "core/secret.h"

#define SEAL_KEY_ID_TEXT 17
#define SEAL_KEYS_MAX    16
#define SEAL_RECORD_MAX  16384
#define SEAL_ACCOUNT_MAX 64
#define TOKEN_TEXT_MAX   4096

struct seal_ring {
	struct secret keys; /* SEAL_KEYS_MAX * 32 bytes, in pages of their own */
	char ids[SEAL_KEYS_MAX][SEAL_KEY_ID_TEXT];
	size_t n;
};

/* What is sealed. `token` is wiped by its owner. */
struct seal_content {
	char account[SEAL_ACCOUNT_MAX + 1];
	uint64_t generation;
	int64_t expires_ms; /* 0: no known end */
	int64_t issued_ms;
	int kind, origin; /* token.h's enums */
	char token[TOKEN_TEXT_MAX + 1];
};

/* Reads a ring from `text`. 0, or AGNI_ECONFIG with line and reason; then the ring is empty. */
int seal_ring_parse(struct seal_ring *r, const char *text, struct agni_err *err) AGNI_MUST_USE;

/* The same from a file, whose mode must give nothing to group and others. */
int seal_ring_read(struct seal_ring *r, const char *path, struct agni_err *err) AGNI_MUST_USE;

void seal_ring_fini(struct seal_ring *r);

/* A fresh key as a line of a ring file, without a newline. The caller wipes `out`. */
void seal_key_make(struct buf *out);

/* Appends the record of `c`, sealed with the ring's first key. */
void seal_close(const struct seal_ring *r, const struct seal_content *c, struct buf *out);

/* Opens a record of `account`. Returns 0, or what is wrong with it in one line: AGNI_EPARSE (no
 * record, or altered), AGNI_ENOTFOUND (sealed with a key that is not in the ring), AGNI_EAUTH (of
 * another account). `c` is wiped then. */
int seal_open(const struct seal_ring *r, const char *account, const char *text, size_t len,
	      struct seal_content *c, struct agni_err *err) AGNI_MUST_USE;

#endif
