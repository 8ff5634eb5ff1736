/* SPDX-License-Identifier: MIT
 *
 * listen: the addresses that servers of ours may listen on.
 */
#ifndef AGNI_CORE_LISTEN_H
#define AGNI_CORE_LISTEN_H

#include "core/err.h"

/* Reads "address:port" of the configuration key `name` ("http.listen"). Only loopback passes, as a
 * number: there is no other protection yet. Returns 0, or AGNI_ECONFIG with the key and the reason. */
int listen_parse(const char *name, const char *text, char host[64], int *port,
		 struct agni_err *err) AGNI_MUST_USE;

#endif
