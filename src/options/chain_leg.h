/* SPDX-License-Identifier: MIT
 *
 * chain_leg: one contract, or the underlying, of a chain or a row of futures: where it is listed, and
 * what of its quote may be reckoned with.
 *
 * Only what is not stale is, and nothing that the quarantine suspects. A contract that nobody watches, or
 * whose quote must not be taken for the present, is there with its key and without a price.
 */
#ifndef AGNI_OPTIONS_CHAIN_LEG_H
#define AGNI_OPTIONS_CHAIN_LEG_H

#include "market/resolve.h"
#include "market/upstream.h"
#include "options/chain_math.h"
#include "options/session_oi.h"

struct chain_leg {
	uint32_t row; /* of the master; MASTER_NONE: not listed, or not for this reader */
	inst_id id;   /* INST_NONE: never watched */
	bool is_stale;
	enum prev_oi_source prev_source;
	int64_t prev_oi; /* 0 unless prev_source says where it is from */
};

/* Where legs come from; all of it lent. */
struct chain_source {
	const struct master *m;
	const struct resolve_market *market;
	const struct upstream_view *upstream; /* NULL: nothing is stale */
	const struct session_oi *oi;          /* of the previous session; NULL: not known */
	/* Which contracts the reader may see; NULL: all. */
	bool (*permits)(const void *arg, const char *key, size_t len);
	const void *permits_arg;
};

/* The leg of a row; MASTER_NONE is fine. */
struct chain_leg chain_leg_of(const struct chain_source *s, uint32_t row);

/* The slot that may be reckoned with, or NULL. */
const struct slot *chain_leg_slot(const struct chain_source *s, const struct chain_leg *leg);

/* What it quotes; nothing present when there is no such slot. `*seq` becomes the slot's when that is
 * higher. */
struct chain_quote chain_leg_quote(const struct chain_source *s, const struct chain_leg *leg,
				   uint64_t *seq);

#endif
