/* SPDX-License-Identifier: MIT
 *
 * refusal: error replies of Redis, counted by kind and made fit for a human's eye.
 */
#ifndef AGNI_STORE_REFUSAL_H
#define AGNI_STORE_REFUSAL_H

#include "core/base.h"

#define REFUSAL_TEXT 80

struct refusal_counts {
	uint64_t total;
	uint64_t oom;       /* OOM: maxmemory is reached */
	uint64_t readonly;  /* READONLY: a replica */
	uint64_t auth;      /* NOAUTH, WRONGPASS, NOPERM */
	uint64_t wrongtype; /* WRONGTYPE: somebody else's value under a name of ours */
	uint64_t other;
};

/* Counts one error reply by its first word. */
void refusal_count(struct refusal_counts *counts, const char *reply);

/* The reply as text for health and log: printable ASCII, cut to fit. */
void refusal_text(char out[REFUSAL_TEXT], const char *reply);

#endif
