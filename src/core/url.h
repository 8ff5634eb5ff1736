/* SPDX-License-Identifier: MIT
 *
 * url: the absolute URLs that the configuration, authorize and redirects name.
 *
 * Strict on purpose: printable ASCII without a backslash,
 * scheme://[user[:password]@]host[:port][/path][?query]; a fragment is dropped. IPv6 hosts come in
 * brackets and are stored without them.
 */
#ifndef AGNI_CORE_URL_H
#define AGNI_CORE_URL_H

#include "core/err.h"

#define URL_HOST_MAX   256
#define URL_TARGET_MAX 2048

struct url {
	char scheme[16]; /* lower case */
	char user[64];   /* percent-decoded; empty when absent */
	char password[256];
	char host[URL_HOST_MAX]; /* lower case, no brackets */
	int port;                /* given, or the scheme's: http ws 80, https wss 443, redis 6379 */
	char target[URL_TARGET_MAX]; /* path and query, at least "/" */
};

/* Returns 0 or AGNI_EPARSE with the reason (never the password) in `err`. */
int url_parse(const char *text, struct url *out, struct agni_err *err) AGNI_MUST_USE;

/* Resolves a Location header against the URL it came from: absolute, //host, /path or relative.
 * ws and http (wss and https) are taken for each other. Returns 0 or AGNI_EPARSE. */
int url_resolve(const struct url *base, const char *location, struct url *out,
		struct agni_err *err) AGNI_MUST_USE;

/* https or wss. */
bool url_is_tls(const struct url *u);

/* Same scheme family (TLS or not), host and port: where a credential may follow. */
bool url_same_origin(const struct url *a, const struct url *b);

/* 127.0.0.0/8, ::1 or "localhost": where plain text and missing keys are allowed. */
bool host_is_loopback(const char *host);

#endif
