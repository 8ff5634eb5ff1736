/* SPDX-License-Identifier: MIT
 *
 * scope: which instruments a key may see: exact instrument keys and prefixes that end in "*".
 *
 *     NSE_INDEX|*,NSE_FO|*,NSE_EQ|INE002A01018
 *
 * No member at all means every instrument.
 */
#ifndef AGNI_AUTH_SCOPE_H
#define AGNI_AUTH_SCOPE_H

#include "core/err.h"

#define SCOPE_MEMBERS_MAX 256

struct scope {
	char **members; /* owned */
	size_t n;       /* 0: all */
};

void scope_fini(struct scope *s);

/* Adds one member. AGNI_EPARSE when it is neither an instrument key nor a prefix and "*",
 * AGNI_ELIMIT beyond SCOPE_MEMBERS_MAX. */
int scope_add(struct scope *s, const char *member, struct agni_err *err) AGNI_MUST_USE;

/* Adds the members of a list with commas between; white space around them is cut off. Errors as
 * scope_add; a list without a member is AGNI_EPARSE, so that nothing is not taken for all. */
int scope_add_list(struct scope *s, const char *list, struct agni_err *err) AGNI_MUST_USE;

/* The same members, the one of a key that is gone too, which is no instrument's; `to` is zeroed before. */
void scope_copy(struct scope *to, const struct scope *from);

bool scope_permits(const struct scope *s, const char *instrument_key, size_t len);

/* The same members in the same order. */
bool scope_is_equal(const struct scope *a, const struct scope *b);

#endif
