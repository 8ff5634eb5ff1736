/* SPDX-License-Identifier: MIT
 *
 * listen: the addresses that servers of ours may listen on.
 *
 * Loopback always. Any other address only where somebody could come in with an API key and nobody
 * on the way can read it: keys and TLS, both.
 */
#ifndef AGNI_CORE_LISTEN_H
#define AGNI_CORE_LISTEN_H

#include "core/err.h"

struct listen_guard {
	bool has_keys; /* API keys are asked for, and there are some */
	bool has_tls;  /* this listener has a certificate */
};

/* Reads "address:port" of the configuration key `name` ("http.listen"); `guard` NULL: neither.
 * A loopback address, as a number, always passes; any other needs both. Returns 0, or AGNI_ECONFIG
 * with the key and the reason. */
int listen_parse(const char *name, const char *text, const struct listen_guard *guard,
		 char host[64], int *port, struct agni_err *err) AGNI_MUST_USE;

#endif
