/* SPDX-License-Identifier: MIT
 *
 * tls_config: what a side of TLS is set up with: whom a client trusts, what a server shows.
 *
 * A configuration is counted: sessions keep the one they began with, so that a server may get a new
 * certificate without losing a connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/ist.h"
#include "core/log.h"
#include "http/tls_internal.h"

#include <mbedtls/error.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#define PEM_MAX        1048576
#define EXPIRY_WARN_MS (7 * DAY_MS)

static const char *const system_bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Arch, Alpine */
	"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
	"/etc/ssl/ca-bundle.pem",             /* openSUSE */
	"/etc/ssl/cert.pem",                  /* macOS, BSD */
};

int tls_fail(struct agni_err *err, int rc, const char *what)
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

/* What both sides have in common. */
static int setup(struct tls_config *cfg, int side, struct agni_err *err)
{
	static const char *alpn[] = {"http/1.1", NULL};
	int rc;

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	if (psa_crypto_init() != PSA_SUCCESS)
		return agni_fail(err, AGNI_ETLS, "no cryptography (psa_crypto_init)");
#endif
	rc = mbedtls_ctr_drbg_seed(&cfg->random, mbedtls_entropy_func, &cfg->entropy, NULL, 0);
	if (rc == 0)
		rc = mbedtls_ssl_config_defaults(&cfg->ssl, side, MBEDTLS_SSL_TRANSPORT_STREAM,
						 MBEDTLS_SSL_PRESET_DEFAULT);
	if (rc == 0)
		rc = mbedtls_ssl_conf_alpn_protocols(&cfg->ssl, alpn);
	if (rc != 0)
		return tls_fail(err, rc, "TLS set-up");
	mbedtls_ssl_conf_rng(&cfg->ssl, mbedtls_ctr_drbg_random, &cfg->random);
	set_least_version(&cfg->ssl);
	return 0;
}

static struct tls_config *config_create(bool is_server)
{
	struct tls_config *cfg = mem_zalloc(sizeof(*cfg));

	cfg->refs = 1;
	cfg->is_server = is_server;
	mbedtls_ssl_config_init(&cfg->ssl);
	mbedtls_x509_crt_init(&cfg->certs);
	mbedtls_pk_init(&cfg->key);
	mbedtls_entropy_init(&cfg->entropy);
	mbedtls_ctr_drbg_init(&cfg->random);
	return cfg;
}

struct tls_config *tls_config_ref(struct tls_config *cfg)
{
	cfg->refs++;
	return cfg;
}

void tls_config_destroy(struct tls_config *cfg)
{
	if (!cfg || --cfg->refs > 0)
		return;
	mbedtls_ssl_config_free(&cfg->ssl);
	mbedtls_x509_crt_free(&cfg->certs);
	mbedtls_pk_free(&cfg->key);
	mbedtls_ctr_drbg_free(&cfg->random);
	mbedtls_entropy_free(&cfg->entropy);
	free(cfg);
}

struct tls_config *tls_client_config_create(const char *ca_file, struct agni_err *err)
{
	struct tls_config *cfg = config_create(false);

	if (load_ca(&cfg->certs, ca_file, err) < 0 || setup(cfg, MBEDTLS_SSL_IS_CLIENT, err) < 0) {
		tls_config_destroy(cfg);
		return NULL;
	}
	mbedtls_ssl_conf_authmode(&cfg->ssl, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(&cfg->ssl, &cfg->certs, NULL);
	return cfg;
}

/* ---- the server's side --------------------------------------------------------------------- */

/* A whole PEM file with a NUL behind it, as mbedtls wants it. Files of this kind are small. */
static int read_pem(const char *file, struct buf *out, struct agni_err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0 && out->len <= PEM_MAX) {
		n = read(fd, buf_reserve(out, 8192), 8192);
		out->len += n > 0 ? (size_t)n : 0;
	}
	if (n < 0)
		agni_fail_uv(err, -errno, "%s cannot be read", file);
	else if (out->len > PEM_MAX)
		n = agni_fail(err, AGNI_ELIMIT, "%s is too large for a PEM file", file);
	if (fd >= 0)
		close(fd);
	buf_byte(out, '\0');
	return n < 0 ? AGNI_ETLS : 0;
}

static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_fini(b);
}

static int parse_certs(mbedtls_x509_crt *certs, const char *file, struct agni_err *err)
{
	struct buf pem = {0};
	int rc = read_pem(file, &pem, err);

	if (rc == 0) {
		rc = mbedtls_x509_crt_parse(certs, (const unsigned char *)pem.data, pem.len);
		if (rc > 0)
			rc = agni_fail(err, AGNI_ETLS, "%s: %d of its certificates cannot be read",
				       file, rc);
		else if (rc < 0)
			rc = agni_fail(err, AGNI_ETLS, "%s holds no certificate in PEM form", file);
	}
	buf_fini(&pem);
	return rc;
}

static int parse_pem_key(struct tls_config *cfg, const struct buf *pem)
{
	const unsigned char *bytes = (const unsigned char *)pem->data;

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_parse_key(&cfg->key, bytes, pem->len, NULL, 0, mbedtls_ctr_drbg_random,
				    &cfg->random);
#else
	return mbedtls_pk_parse_key(&cfg->key, bytes, pem->len, NULL, 0);
#endif
}

static int parse_key(struct tls_config *cfg, const char *file, struct agni_err *err)
{
	struct buf pem = {0};
	int rc = read_pem(file, &pem, err);

	if (rc == 0) {
		rc = parse_pem_key(cfg, &pem);
		if (rc == MBEDTLS_ERR_PK_PASSWORD_REQUIRED ||
		    rc == MBEDTLS_ERR_PK_PASSWORD_MISMATCH)
			rc = agni_fail(err, AGNI_ETLS, "%s needs a password: give a key without",
				       file);
		else if (rc != 0)
			rc = agni_fail(err, AGNI_ETLS, "%s holds no RSA or ECDSA key in PEM form",
				       file);
	}
	wipe(&pem);
	return rc;
}

static int check_pair(struct tls_config *cfg)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_check_pair(&cfg->certs.pk, &cfg->key, mbedtls_ctr_drbg_random,
				     &cfg->random);
#else
	return mbedtls_pk_check_pair(&cfg->certs.pk, &cfg->key);
#endif
}

static int load_own(struct tls_config *cfg, const char *cert_file, const char *key_file,
		    struct agni_err *err)
{
	int rc = parse_certs(&cfg->certs, cert_file, err);

	if (rc == 0)
		rc = parse_key(cfg, key_file, err);
	if (rc != 0)
		return rc;
	if (check_pair(cfg) != 0)
		return agni_fail(err, AGNI_ETLS,
				 "the key in %s is not that of the certificate in %s", key_file,
				 cert_file);
	rc = mbedtls_ssl_conf_own_cert(&cfg->ssl, &cfg->certs, &cfg->key);
	return rc ? tls_fail(err, rc, cert_file) : 0;
}

/* Ephemeral keys and authenticated encryption only; what TLS 1.3 has is all of that kind. */
static const int suites[] = {
#if defined(MBEDTLS_TLS1_3_AES_128_GCM_SHA256)
	MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
	MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
	MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
#endif
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	0,
};

struct tls_config *tls_server_config_create(const char *cert_file, const char *key_file,
					    struct agni_err *err)
{
	struct tls_config *cfg = config_create(true);

	if (setup(cfg, MBEDTLS_SSL_IS_SERVER, err) < 0 ||
	    load_own(cfg, cert_file, key_file, err) < 0) {
		tls_config_destroy(cfg);
		return NULL;
	}
	mbedtls_ssl_conf_ciphersuites(&cfg->ssl, suites);
	return cfg;
}

int tls_files_check(const char *name, const char *cert_file, const char *key_file,
		    struct agni_err *err)
{
	struct tls_config *cfg;

	if (!cert_file[0] && !key_file[0])
		return 0;
	if (!cert_file[0] || !key_file[0])
		return agni_fail(err, AGNI_ECONFIG, "%s.tls_%s is set, %s.tls_%s is not", name,
				 cert_file[0] ? "cert" : "key", name,
				 cert_file[0] ? "key" : "cert");
	cfg = tls_server_config_create(cert_file, key_file, err);
	if (!cfg) {
		agni_wrap(err, "%s.tls_cert, %s.tls_key", name, name);
		return err->code;
	}
	tls_config_destroy(cfg);
	return 0;
}

int64_t tls_config_expires_ms(const struct tls_config *cfg)
{
	const mbedtls_x509_time *t = &cfg->certs.valid_to;
	int64_t day = day_from_civil(t->year, t->mon, t->day);

	return day * DAY_MS + ((t->hour * 60 + t->min) * 60 + t->sec) * 1000ll;
}

void tls_expiry_warn(const struct tls_config *cfg, const char *tag, const char *file,
		     int64_t wall_ms)
{
	int64_t end = tls_config_expires_ms(cfg);
	char when[IST_TEXT];

	if (end - wall_ms < EXPIRY_WARN_MS)
		log_warn(tag, "the certificate in %s %s %s", file,
			 end < wall_ms ? "has expired:" : "expires", ist_format(end, when));
}
