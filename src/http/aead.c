/* SPDX-License-Identifier: MIT
 *
 * aead: see aead.h.
 */
#include "http/aead.h"

#include <string.h>

#include <mbedtls/gcm.h>

#include "core/base.h"

static void begin(mbedtls_gcm_context *gcm, const struct aead_input *in)
{
	int rc;

	mbedtls_gcm_init(gcm);
	rc = mbedtls_gcm_setkey(gcm, MBEDTLS_CIPHER_ID_AES, in->key, AEAD_KEY_BYTES * 8);
	AGNI_ASSERT(rc == 0);
}

void aead_seal(const struct aead_input *in, const void *plain, size_t len, unsigned char *out)
{
	mbedtls_gcm_context gcm;
	int rc;

	begin(&gcm, in);
	rc = mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, len, in->nonce, AEAD_NONCE_BYTES,
				       in->aad, in->aad_len, plain, out, AEAD_TAG_BYTES, out + len);
	AGNI_ASSERT(rc == 0);
	mbedtls_gcm_free(&gcm);
}

bool aead_open(const struct aead_input *in, const unsigned char *sealed, size_t len,
	       unsigned char *out)
{
	mbedtls_gcm_context gcm;
	size_t plain_len = len - AEAD_TAG_BYTES;
	int rc;

	if (len < AEAD_TAG_BYTES)
		return false;
	begin(&gcm, in);
	rc = mbedtls_gcm_auth_decrypt(&gcm, plain_len, in->nonce, AEAD_NONCE_BYTES, in->aad,
				      in->aad_len, sealed + plain_len, AEAD_TAG_BYTES, sealed, out);
	mbedtls_gcm_free(&gcm);
	if (rc != 0)
		explicit_bzero(out, plain_len);
	return rc == 0;
}
