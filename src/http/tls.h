/* SPDX-License-Identifier: MIT
 *
 * tls: TLS as an engine between buffers; it knows no socket and never waits.
 *
 *      socket --> tls_feed() --> +---------+ --> tls_read()  --> plain
 *                                | session |
 *      socket <-- tls_output() <-+---------+ <-- tls_write() <-- plain
 *
 * After each call look at tls_output(): whatever is in it has to be sent. A client always verifies
 * its peer: the chain against the CA bundle, and the certificate against the host's name, or its
 * IP addresses when the host is an address. TLS 1.2 is the least. With hash.h the only header behind
 * which mbedtls stands.
 */
#ifndef AGNI_HTTP_TLS_H
#define AGNI_HTTP_TLS_H

#include "core/buf.h"
#include "core/err.h"

struct tls_config;
struct tls_session;

/* A client's side, for any number of sessions. `ca_file`: PEM bundle; NULL or "" = the system's.
 * NULL with the reason in `err` when there is no certificate in it. */
struct tls_config *tls_client_config_create(const char *ca_file, struct agni_err *err);

/* A server's side, with a chain of certificates (its own first) and the key of the first one, RSA or
 * ECDSA, both in PEM form. Both files are read here, whole. NULL with the reason in `err`, which
 * names the file. */
struct tls_config *tls_server_config_create(const char *cert_file, const char *key_file,
					    struct agni_err *err);

/* Sessions that are alive keep what they need. NULL is allowed. */
void tls_config_destroy(struct tls_config *cfg);

/* Whether the two files of section `name` can be used together: 0, also when both are "", or an
 * error that names the keys and the file. */
int tls_files_check(const char *name, const char *cert_file, const char *key_file,
		    struct agni_err *err) AGNI_MUST_USE;

/* When a server's certificate expires, Unix milliseconds. */
int64_t tls_config_expires_ms(const struct tls_config *cfg);

/* Logs a warning when a server's certificate has expired, or does within a week. */
void tls_expiry_warn(const struct tls_config *cfg, const char *tag, const char *file,
		     int64_t wall_ms);

/* `host`: the name or address that the peer must prove to be (IPv6 without brackets); NULL exactly
 * when `cfg` is a server's. ALPN: http/1.1. NULL with the reason in `err`. */
struct tls_session *tls_session_create(struct tls_config *cfg, const char *host,
				       struct agni_err *err);
void tls_session_destroy(struct tls_session *s);

/* Bytes from the socket. */
void tls_feed(struct tls_session *s, const char *bytes, size_t len);

/* Bytes for the socket: take them and buf_reset() it, or swap it for an empty one. */
struct buf *tls_output(struct tls_session *s);

/* Whether tls_read() may have something without further bytes from the socket. */
bool tls_has_input(const struct tls_session *s);

/* Goes on with the handshake. 1: complete, and a client's peer is who it should be; 0: needs the
 * peer's bytes; AGNI_ETLS with the reason in `err`, an alert for the peer may be in the output. */
int tls_handshake(struct tls_session *s, struct agni_err *err) AGNI_MUST_USE;

/* Whether tls_handshake() of a server's session may run on another thread, one session of a
 * configuration at a time, while other sessions read and write here. */
bool tls_is_threaded(void);

/* Takes decrypted bytes: their number; 0 when more must come from the peer first; AGNI_ECLOSED
 * after its orderly close; AGNI_ETLS. Only after the handshake. */
int tls_read(struct tls_session *s, char *out, size_t size, struct agni_err *err) AGNI_MUST_USE;

/* Encrypts all of `bytes` into the output. 0 or AGNI_ETLS. Only after the handshake. */
int tls_write(struct tls_session *s, const char *bytes, size_t len,
	      struct agni_err *err) AGNI_MUST_USE;

/* Puts our orderly close into the output. */
void tls_close(struct tls_session *s);

/* "TLSv1.2", "TLSv1.3"; "" before it is known. */
const char *tls_version(const struct tls_session *s);

#endif
