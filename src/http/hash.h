/* SPDX-License-Identifier: MIT
 *
 * hash: SHA-256 (FIPS 180-4) of mbedtls behind a header of ours.
 */
#ifndef AGNI_HTTP_HASH_H
#define AGNI_HTTP_HASH_H

#include <stddef.h>

#define HASH_BYTES 32

void hash_sha256(const void *bytes, size_t len, unsigned char out[HASH_BYTES]);

#endif
