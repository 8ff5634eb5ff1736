/* SPDX-License-Identifier: MIT
 *
 * hash: SHA-256 and HMAC with it. Beside tls.h the only header behind which mbedtls stands, so it lives in this
 * folder although it has nothing to do with HTTP: mbedtls is known in one place.
 */
#ifndef AGNI_HTTP_HASH_H
#define AGNI_HTTP_HASH_H

#include "core/base.h"

#define SHA256_BYTES 32
#define SHA256_TEXT  65 /* 64 hexadecimal digits and NUL */

/* Cannot fail: a library that cannot do this stops the process. */
void hash_sha256(const void *bytes, size_t len, unsigned char out[SHA256_BYTES]);

/* The same as lower-case hexadecimal digits. */
void hash_sha256_text(const void *bytes, size_t len, char out[SHA256_TEXT]);

/* HMAC-SHA256 (RFC 2104) as lower-case hexadecimal digits. */
void hash_hmac_text(const void *key, size_t key_len, const void *bytes, size_t len,
		    char out[SHA256_TEXT]);

#endif
