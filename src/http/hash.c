/* SPDX-License-Identifier: MIT
 *
 * hash: see hash.h.
 */
#include "http/hash.h"

#include <mbedtls/sha256.h>
#include <mbedtls/version.h>

#include "core/base.h"

void hash_sha256(const void *bytes, size_t len, unsigned char out[HASH_BYTES])
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	int rc = mbedtls_sha256(bytes, len, out, 0);
#else
	int rc = mbedtls_sha256_ret(bytes, len, out, 0);
#endif

	AGNI_ASSERT(rc == 0);
}
