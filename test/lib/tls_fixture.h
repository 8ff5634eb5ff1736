/* SPDX-License-Identifier: MIT
 *
 * tls_fixture: a certificate authority that lives as long as a test, and an https server that signs
 * with it. Nothing is kept: the keys are made anew each time.
 */
#ifndef AGNI_TEST_TLS_FIXTURE_H
#define AGNI_TEST_TLS_FIXTURE_H

#include <stddef.h>

enum tls_leaf {
	TLS_LEAF_GOOD,    /* for localhost and 127.0.0.1 */
	TLS_LEAF_NAME,    /* for localhost only, not for an address */
	TLS_LEAF_OTHER,   /* for other.test and 127.0.0.9 */
	TLS_LEAF_EXPIRED, /* as GOOD, until 2020 */
	TLS_LEAF_FUTURE,  /* as GOOD, from 2090 */
	TLS_LEAF_FOREIGN, /* as GOOD, by an authority that nobody knows */
};

struct tls_ca;

/* Aborts when something fails. */
struct tls_ca *tls_ca_create(void);
void tls_ca_destroy(struct tls_ca *ca);

/* The path of the authority's certificate in PEM form. */
const char *tls_ca_file(const struct tls_ca *ca);

struct tls_server;

/* Starts a thread that serves one connection after the other on a port of 127.0.0.1: handshake, one
 * request up to its empty line, `answer`, and an orderly close when `close_notify`. */
struct tls_server *tls_server_start(struct tls_ca *ca, enum tls_leaf leaf, const char *answer,
				    int close_notify);
int tls_server_port(const struct tls_server *s);

/* Ends the thread. Returns the requests it has seen, joined; the caller frees. */
char *tls_server_stop(struct tls_server *s);

#endif
