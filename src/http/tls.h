/* SPDX-License-Identifier: MIT
 *
 * tls: TLS as an engine between buffers; it knows no socket and never waits.
 *
 *      socket --> tls_feed() --> +---------+ --> tls_read()  --> plain
 *                                | session |
 *      socket <-- tls_output() <-+---------+ <-- tls_write() <-- plain
 *
 * After each call look at tls_output(): whatever is in it has to be sent. The peer is always
 * verified: its chain against the CA bundle, and its certificate against the host's name, or its
 * IP addresses when the host is an address. TLS 1.2 is the least. The only file that knows mbedtls.
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
void tls_config_destroy(struct tls_config *cfg);

/* `cfg` is lent until the session is destroyed. `host`: the name or address that the peer must
 * prove to be (IPv6 without brackets). ALPN offers http/1.1. NULL with the reason in `err`. */
struct tls_session *tls_session_create(struct tls_config *cfg, const char *host,
				       struct agni_err *err);
void tls_session_destroy(struct tls_session *s);

/* Bytes from the socket. */
void tls_feed(struct tls_session *s, const char *bytes, size_t len);

/* Bytes for the socket: take them and buf_reset() it, or swap it for an empty one. */
struct buf *tls_output(struct tls_session *s);

/* Goes on with the handshake. 1: complete, the peer is who it should be; 0: needs the peer's
 * bytes; AGNI_ETLS with the reason in `err`. */
int tls_handshake(struct tls_session *s, struct agni_err *err) AGNI_MUST_USE;

/* Takes decrypted bytes: their number; 0 when more must come from the peer first; AGNI_ECLOSED
 * after its orderly close; AGNI_ETLS. Only after the handshake. */
int tls_read(struct tls_session *s, char *out, size_t size, struct agni_err *err) AGNI_MUST_USE;

/* Encrypts all of `bytes` into the output. 0 or AGNI_ETLS. Only after the handshake. */
int tls_write(struct tls_session *s, const char *bytes, size_t len,
	      struct agni_err *err) AGNI_MUST_USE;

#endif
