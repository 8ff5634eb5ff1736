/* SPDX-License-Identifier: MIT
 *
 * aead: AES-256-GCM (NIST SP 800-38D) of mbedtls behind a header of ours.
 *
 * What is sealed cannot be read without the key, and neither it nor `aad`, which stays readable,
 * can be altered without being found. A nonce must never be used twice with one key: take it at
 * random for each seal (96 bits; a key that seals a few records a day will not meet one again).
 */
#ifndef AGNI_HTTP_AEAD_H
#define AGNI_HTTP_AEAD_H

#include <stdbool.h>
#include <stddef.h>

#define AEAD_KEY_BYTES   32
#define AEAD_NONCE_BYTES 12
#define AEAD_TAG_BYTES   16

struct aead_input {
	const unsigned char *key;   /* AEAD_KEY_BYTES */
	const unsigned char *nonce; /* AEAD_NONCE_BYTES */
	const void *aad;            /* authenticated, not encrypted */
	size_t aad_len;
};

/* Writes len + AEAD_TAG_BYTES bytes to `out`: the cipher text, then the tag. */
void aead_seal(const struct aead_input *in, const void *plain, size_t len, unsigned char *out);

/* The other way: `len` counts the tag. Writes len - AEAD_TAG_BYTES bytes to `out`. False, and `out`
 * is wiped, when anything was altered or the key is another one. */
bool aead_open(const struct aead_input *in, const unsigned char *sealed, size_t len,
	       unsigned char *out);

#endif
