/* SPDX-License-Identifier: MIT
 *
 * tls_internal: what tls.c (sessions) and tls_config.c share. These two know mbedtls.
 */
#ifndef AGNI_HTTP_TLS_INTERNAL_H
#define AGNI_HTTP_TLS_INTERNAL_H

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include "http/tls.h"

struct tls_config {
	unsigned refs; /* of the creator and of each session */
	bool is_server;
	mbedtls_ssl_config ssl;
	mbedtls_x509_crt certs; /* a client's authorities; a server's own chain */
	mbedtls_pk_context key; /* a server's */
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
};

struct tls_config *tls_config_ref(struct tls_config *cfg);

/* AGNI_ETLS with the library's own words. */
int tls_fail(struct agni_err *err, int rc, const char *what);

#endif
