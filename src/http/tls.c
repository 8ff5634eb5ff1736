/* SPDX-License-Identifier: MIT
 *
 * tls: see tls.h. One source for mbedtls 2.28 (TLS 1.2) and 3.6 (1.2 and 1.3). What is configured is
 * in tls_config.c.
 *
 * A host that is an address needs a certificate with that address among its alternative names.
 * mbedtls 2.28 compares names only with names of kind DNS, so the address is compared here, with
 * both versions, when the handshake has ended and before a byte of ours is sent; mbedtls is told
 * explicitly that it has no name to check. For names mbedtls does it, inside the handshake.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "http/tls_internal.h"

struct tls_session {
	struct tls_config *cfg; /* one reference */
	mbedtls_ssl_context ssl;
	struct buf in;             /* from the peer, encrypted */
	size_t in_at;              /* what mbedtls has taken of it */
	struct buf out;            /* for the peer, encrypted */
	unsigned char address[16]; /* the host, when it is one ... */
	size_t address_len;        /* ... of 4 or 16 bytes; 0: it is a name */
	char host[256];            /* "" on the server's side */
};

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

/* Names the peer that the certificate has to be for. */
static int set_host(struct tls_session *s, const char *host)
{
	memcpy(s->host, host, strlen(host) + 1);
	if (inet_pton(AF_INET, host, s->address) == 1)
		s->address_len = 4;
	else if (inet_pton(AF_INET6, host, s->address) == 1)
		s->address_len = 16;
	/* Must be called, always: without it old versions check no name and new ones fail. */
	return mbedtls_ssl_set_hostname(&s->ssl, s->address_len ? NULL : host);
}

struct tls_session *tls_session_create(struct tls_config *cfg, const char *host,
				       struct agni_err *err)
{
	struct tls_session *s = mem_zalloc(sizeof(*s));
	int rc;

	AGNI_ASSERT(!host == cfg->is_server);
	AGNI_ASSERT(!host || (*host && strlen(host) < sizeof(s->host)));
	s->cfg = tls_config_ref(cfg);
	mbedtls_ssl_init(&s->ssl);
	mbedtls_ssl_set_bio(&s->ssl, s, bio_send, bio_recv, NULL);
	rc = mbedtls_ssl_setup(&s->ssl, &cfg->ssl);
	if (rc == 0 && host)
		rc = set_host(s, host);
	if (rc != 0) {
		tls_fail(err, rc, "TLS set-up");
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
	tls_config_destroy(s->cfg);
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

bool tls_has_input(const struct tls_session *s)
{
	return s->in.len > s->in_at || mbedtls_ssl_get_bytes_avail(&s->ssl) > 0;
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
		return tls_fail(err, rc, "TLS handshake");
	if (s->cfg->is_server)
		return 1; /* clients show no certificate; who they are is asked in HTTP */
	/* Required mode has failed by now; this is the second lock on the same door. */
	if (mbedtls_ssl_get_verify_result(&s->ssl) != 0)
		return fail_verify(s, err);
	if (s->address_len && !address_is_certified(s))
		return agni_fail(err, AGNI_ETLS, "the certificate is not for the address %s",
				 s->host);
	return 1;
}

bool tls_is_threaded(void)
{
#if defined(MBEDTLS_THREADING_C)
	return true; /* the random generator, which sessions share, has a lock */
#else
	return false;
#endif
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
	return tls_fail(err, rc, "TLS");
}

int tls_write(struct tls_session *s, const char *bytes, size_t len, struct agni_err *err)
{
	while (len > 0) {
		int rc = mbedtls_ssl_write(&s->ssl, (const unsigned char *)bytes, len);

		if (rc <= 0)
			return tls_fail(err, rc, "TLS");
		bytes += rc;
		len -= (size_t)rc;
	}
	return 0;
}

void tls_close(struct tls_session *s)
{
	(void)mbedtls_ssl_close_notify(&s->ssl); /* into the output, or the session is beyond it */
}

const char *tls_version(const struct tls_session *s)
{
	const char *version = mbedtls_ssl_get_version(&s->ssl);

	return version ? version : "";
}
