/* SPDX-License-Identifier: MIT
 *
 * tls: see tls.h. One source for mbedtls 2.28 (TLS 1.2) and 3.6 (1.2 and 1.3).
 *
 * A host that is an address needs a certificate with that address among its alternative names.
 * mbedtls 2.28 compares names only with names of kind DNS, so the address is compared here, with
 * both versions, when the handshake has ended and before a byte of ours is sent; mbedtls is told
 * explicitly that it has no name to check. For names mbedtls does it, inside the handshake.
 */
#include "http/tls.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

struct tls_config {
	mbedtls_ssl_config ssl;
	mbedtls_x509_crt ca;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
};

struct tls_session {
	mbedtls_ssl_context ssl;
	struct buf in;             /* from the peer, encrypted */
	size_t in_at;              /* what mbedtls has taken of it */
	struct buf out;            /* for the peer, encrypted */
	unsigned char address[16]; /* the host, when it is one ... */
	size_t address_len;        /* ... of 4 or 16 bytes; 0: it is a name */
	char host[256];
};

static const char *const system_bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Arch, Alpine */
	"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
	"/etc/ssl/ca-bundle.pem",             /* openSUSE */
	"/etc/ssl/cert.pem",                  /* macOS, BSD */
};

static int fail_mbedtls(struct agni_err *err, int rc, const char *what)
{
	char text[128];

	mbedtls_strerror(rc, text, sizeof(text));
	return agni_fail(err, AGNI_ETLS, "%s: %s", what, text);
}

/* ---- configuration ------------------------------------------------------------------------ */

/* Single certificates that do not parse are left out, as long as there is one that does. */
static int load_ca(mbedtls_x509_crt *ca, const char *file, struct agni_err *err)
{
	int rc = -1;

	if (file && *file) {
		rc = mbedtls_x509_crt_parse_file(ca, file);
		if (rc < 0 || ca->raw.len == 0)
			return agni_fail(err, AGNI_ETLS, "no CA certificate could be read from %s",
					 file);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(system_bundles); i++) {
		rc = mbedtls_x509_crt_parse_file(ca, system_bundles[i]);
		if (rc >= 0 && ca->raw.len > 0)
			return 0;
	}
	return agni_fail(err, AGNI_ETLS, "the system has no CA bundle (package ca-certificates)");
}

static void set_least_version(mbedtls_ssl_config *ssl)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03020000
	mbedtls_ssl_conf_min_tls_version(ssl, MBEDTLS_SSL_VERSION_TLS1_2);
#else
	mbedtls_ssl_conf_min_version(ssl, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
}

static int setup(struct tls_config *cfg, struct agni_err *err)
{
	static const char *alpn[] = {"http/1.1", NULL};
	int rc;

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	if (psa_crypto_init() != PSA_SUCCESS)
		return agni_fail(err, AGNI_ETLS, "no cryptography (psa_crypto_init)");
#endif
	rc = mbedtls_ctr_drbg_seed(&cfg->random, mbedtls_entropy_func, &cfg->entropy, NULL, 0);
	if (rc == 0)
		rc = mbedtls_ssl_config_defaults(&cfg->ssl, MBEDTLS_SSL_IS_CLIENT,
						 MBEDTLS_SSL_TRANSPORT_STREAM,
						 MBEDTLS_SSL_PRESET_DEFAULT);
	if (rc == 0)
		rc = mbedtls_ssl_conf_alpn_protocols(&cfg->ssl, alpn);
	if (rc != 0)
		return fail_mbedtls(err, rc, "TLS set-up");
	mbedtls_ssl_conf_rng(&cfg->ssl, mbedtls_ctr_drbg_random, &cfg->random);
	mbedtls_ssl_conf_authmode(&cfg->ssl, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(&cfg->ssl, &cfg->ca, NULL);
	set_least_version(&cfg->ssl);
	return 0;
}

struct tls_config *tls_client_config_create(const char *ca_file, struct agni_err *err)
{
	struct tls_config *cfg = mem_zalloc(sizeof(*cfg));

	mbedtls_ssl_config_init(&cfg->ssl);
	mbedtls_x509_crt_init(&cfg->ca);
	mbedtls_entropy_init(&cfg->entropy);
	mbedtls_ctr_drbg_init(&cfg->random);
	if (load_ca(&cfg->ca, ca_file, err) < 0 || setup(cfg, err) < 0) {
		tls_config_destroy(cfg);
		return NULL;
	}
	return cfg;
}

void tls_config_destroy(struct tls_config *cfg)
{
	if (!cfg)
		return;
	mbedtls_ssl_config_free(&cfg->ssl);
	mbedtls_x509_crt_free(&cfg->ca);
	mbedtls_ctr_drbg_free(&cfg->random);
	mbedtls_entropy_free(&cfg->entropy);
	free(cfg);
}

/* ---- session ------------------------------------------------------------------------------ */

static int bio_send(void *arg, const unsigned char *bytes, size_t len)
{
	struct tls_session *s = arg;

	buf_append(&s->out, bytes, len);
	return (int)len;
}

static int bio_recv(void *arg, unsigned char *out, size_t size)
{
	struct tls_session *s = arg;
	size_t n = s->in.len - s->in_at;

	if (n == 0)
		return MBEDTLS_ERR_SSL_WANT_READ;
	n = n < size ? n : size;
	memcpy(out, s->in.data + s->in_at, n);
	s->in_at += n;
	return (int)n;
}

static int setup_session(struct tls_session *s, struct tls_config *cfg, const char *host)
{
	int rc = mbedtls_ssl_setup(&s->ssl, &cfg->ssl);

	if (inet_pton(AF_INET, host, s->address) == 1)
		s->address_len = 4;
	else if (inet_pton(AF_INET6, host, s->address) == 1)
		s->address_len = 16;
	/* Must be called, always: without it old versions check no name and new ones fail. */
	if (rc == 0)
		rc = mbedtls_ssl_set_hostname(&s->ssl, s->address_len ? NULL : host);
	return rc;
}

struct tls_session *tls_session_create(struct tls_config *cfg, const char *host,
				       struct agni_err *err)
{
	struct tls_session *s = mem_zalloc(sizeof(*s));
	int rc;

	AGNI_ASSERT(*host && strlen(host) < sizeof(s->host));
	memcpy(s->host, host, strlen(host) + 1);
	mbedtls_ssl_init(&s->ssl);
	mbedtls_ssl_set_bio(&s->ssl, s, bio_send, bio_recv, NULL);
	rc = setup_session(s, cfg, host);
	if (rc != 0) {
		fail_mbedtls(err, rc, "TLS set-up");
		tls_session_destroy(s);
		return NULL;
	}
	return s;
}

void tls_session_destroy(struct tls_session *s)
{
	if (!s)
		return;
	mbedtls_ssl_free(&s->ssl);
	buf_fini(&s->in);
	buf_fini(&s->out);
	free(s);
}

void tls_feed(struct tls_session *s, const char *bytes, size_t len)
{
	buf_consume(&s->in, s->in_at);
	s->in_at = 0;
	buf_append(&s->in, bytes, len);
}

struct buf *tls_output(struct tls_session *s)
{
	return &s->out;
}

/* With TLS 1.3 (mbedtls 3.x) a session ticket may come any time; we have no use for it. */
static bool is_ticket(int rc)
{
#if defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
	return rc == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
	(void)rc;
	return false;
#endif
}

/* ---- who the peer is ---------------------------------------------------------------------- */

static int fail_verify(const struct tls_session *s, struct agni_err *err)
{
	uint32_t flags = mbedtls_ssl_get_verify_result(&s->ssl);

	if (flags & MBEDTLS_X509_BADCERT_EXPIRED)
		return agni_fail(err, AGNI_ETLS, "the certificate of %s has expired", s->host);
	if (flags & MBEDTLS_X509_BADCERT_FUTURE)
		return agni_fail(err, AGNI_ETLS, "the certificate of %s is not valid yet", s->host);
	if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
		return agni_fail(err, AGNI_ETLS,
				 "the certificate of %s is signed by nobody we trust", s->host);
	if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH)
		return agni_fail(err, AGNI_ETLS, "the certificate is not for %s", s->host);
	return agni_fail(err, AGNI_ETLS, "the certificate of %s is refused (flags 0x%x)", s->host,
			 (unsigned)flags);
}

/* An address that was asked for must be among the certificate's addresses (RFC 2818, 3.1). */
static bool address_is_certified(const struct tls_session *s)
{
	const mbedtls_x509_crt *cert = mbedtls_ssl_get_peer_cert(&s->ssl);
	const int kind = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7; /* iPAddress, RFC 5280 4.2.1.6 */

	if (!cert)
		return false;
	for (const mbedtls_x509_sequence *n = &cert->subject_alt_names; n; n = n->next) {
		if (n->buf.tag == kind && n->buf.len == s->address_len &&
		    memcmp(n->buf.p, s->address, s->address_len) == 0)
			return true;
	}
	return false;
}

int tls_handshake(struct tls_session *s, struct agni_err *err)
{
	int rc = mbedtls_ssl_handshake(&s->ssl);

	if (rc == MBEDTLS_ERR_SSL_WANT_READ)
		return 0;
	if (rc == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED)
		return fail_verify(s, err);
	if (rc != 0)
		return fail_mbedtls(err, rc, "TLS handshake");
	/* Required mode has failed by now; this is the second lock on the same door. */
	if (mbedtls_ssl_get_verify_result(&s->ssl) != 0)
		return fail_verify(s, err);
	if (s->address_len && !address_is_certified(s))
		return agni_fail(err, AGNI_ETLS, "the certificate is not for the address %s",
				 s->host);
	return 1;
}

/* ---- bytes -------------------------------------------------------------------------------- */

int tls_read(struct tls_session *s, char *out, size_t size, struct agni_err *err)
{
	int rc;

	do {
		rc = mbedtls_ssl_read(&s->ssl, (unsigned char *)out, size);
	} while (is_ticket(rc));
	if (rc > 0)
		return rc;
	if (rc == MBEDTLS_ERR_SSL_WANT_READ)
		return 0;
	/* 0 is the other word for an orderly close: bio_recv() never returns it. */
	if (rc == 0 || rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		return agni_fail(err, AGNI_ECLOSED, "the peer closed");
	return fail_mbedtls(err, rc, "TLS");
}

int tls_write(struct tls_session *s, const char *bytes, size_t len, struct agni_err *err)
{
	while (len > 0) {
		int rc = mbedtls_ssl_write(&s->ssl, (const unsigned char *)bytes, len);

		if (rc <= 0)
			return fail_mbedtls(err, rc, "TLS");
		bytes += rc;
		len -= (size_t)rc;
	}
	return 0;
}
