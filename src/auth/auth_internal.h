/* SPDX-License-Identifier: MIT
 *
 * auth_internal: what auth.c (the module and its keys) and door.c (the judgement) share.
 */
#ifndef AGNI_AUTH_INTERNAL_H
#define AGNI_AUTH_INTERNAL_H

#include "auth/auth.h"
#include "auth/keys.h"
#include "core/log.h"

struct auth {
	struct module mod;
	struct auth_deps deps;
	bool is_open, is_started;
	struct keys keys;
	uint64_t last_serial;
	struct tickets *tickets;
	struct rate_table failures, handshakes;
	struct list listeners;
	struct log_limit held; /* failures that were not logged */
	struct log_limit not_recorded;
	/* metrics */
	uint64_t keys_n, connections, admitted, unauthorized, forbidden, limited, tickets_issued,
		tickets_used, reloads, reload_errors;
};

/* The key of a caller, or NULL when it is gone or the caller has none. */
struct key *auth_key_of(const struct auth *a, uint64_t serial);

#endif
