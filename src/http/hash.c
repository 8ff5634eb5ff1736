/* SPDX-License-Identifier: MIT
 *
 * hash: see hash.h. mbedtls 2.28 has the function that returns an error under another name.
 */
#include "http/hash.h"

#include <mbedtls/md.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>

void hash_sha256(const void *bytes, size_t len, unsigned char out[SHA256_BYTES])
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	int rc = mbedtls_sha256(bytes, len, out, 0);
#else
	int rc = mbedtls_sha256_ret(bytes, len, out, 0);
#endif

	AGNI_ASSERT(rc == 0);
}

static void put_text(const unsigned char raw[SHA256_BYTES], char out[SHA256_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_BYTES; i++) {
		out[2 * i] = digits[raw[i] >> 4];
		out[2 * i + 1] = digits[raw[i] & 15];
	}
	out[SHA256_TEXT - 1] = '\0';
}

void hash_sha256_text(const void *bytes, size_t len, char out[SHA256_TEXT])
{
	unsigned char raw[SHA256_BYTES];

	hash_sha256(bytes, len, raw);
	put_text(raw, out);
}

void hash_hmac_text(const void *key, size_t key_len, const void *bytes, size_t len,
		    char out[SHA256_TEXT])
{
	unsigned char raw[SHA256_BYTES];
	int rc = mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key, key_len, bytes,
				 len, raw);

	AGNI_ASSERT(rc == 0);
	put_text(raw, out);
}
