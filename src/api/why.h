/* SPDX-License-Identifier: MIT
 *
 * why: GET /why?instrument=: why am I (not) getting ticks; one sentence, and the facts behind it.
 *
 *      instrument=  an instrument key; a selector (NIFTY:current:ATM); a name or symbol (RELIANCE)
 *      mode=full    in which it is wanted: ltpc, option_greeks, full
 *
 * A key that the caller may not see is refused as everywhere, before all else. What is not listed is
 * answered with what comes nearest, found on a worker.
 */
#ifndef AGNI_API_WHY_H
#define AGNI_API_WHY_H

#include "api/why_verdict.h"
#include "auth/scope.h"

struct api;

/* Who asks. */
struct why_asker {
	const struct api *api;
	const struct master *master; /* NULL: none */
	const struct scope *scope;
	enum interest_mode mode;
	struct upstream_status up; /* now */
};

/* What is so of `key` now. Without its neighbours it is cheap: for many at once. */
void why_find(const struct why_asker *w, const char *key, bool with_neighbours,
	      struct why_facts *f);

/* why_json.c: appends the members "code", "sentence", "facts" and "also", the first without a comma. */
void why_json(struct buf *out, const struct why_asker *w, const struct why_facts *f,
	      const struct why_verdict *v);

#endif
