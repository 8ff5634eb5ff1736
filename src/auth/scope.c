/* SPDX-License-Identifier: MIT
 *
 * scope: see scope.h. Members are walked: a scope has a handful, and is asked once per instrument
 * of a command, not once per tick.
 */
#include "auth/scope.h"

#include <stdlib.h>

#include "core/buf.h"
#include "market/instrument.h"

void scope_fini(struct scope *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->members[i]);
	free(s->members);
	*s = (struct scope){0};
}

/* Something that an instrument key can begin with: "", "NSE_", "NSE_FO|", "NSE_INDEX|Nifty". */
static bool is_prefix(const char *text, size_t len)
{
	char whole[INST_KEY_MAX + 2];
	size_t segment = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

	if (segment >= len)
		return true;
	if (len >= INST_KEY_MAX)
		return false;
	memcpy(whole, text, len);
	memcpy(whole + len, "0", 2); /* a prefix that one more byte makes a key */
	return instrument_key_is_valid(whole, len + 1);
}

int scope_add(struct scope *s, const char *member, struct agni_err *err)
{
	size_t len = strlen(member);
	bool ends_in_star = len > 0 && member[len - 1] == '*';

	if (ends_in_star ? !is_prefix(member, len - 1) : !instrument_key_is_valid(member, len))
		return agni_fail(err, AGNI_EPARSE,
				 "scope: \"%.100s\" is neither an instrument key "
				 "(NSE_INDEX|Nifty 50) nor a prefix and a star (NSE_FO|*)",
				 member);
	if (s->n == SCOPE_MEMBERS_MAX)
		return agni_fail(err, AGNI_ELIMIT, "scope: more than %d members",
				 SCOPE_MEMBERS_MAX);
	s->members = mem_realloc(s->members, (s->n + 1) * sizeof(*s->members));
	s->members[s->n++] = mem_strdup(member);
	return 0;
}

int scope_add_list(struct scope *s, const char *list, struct agni_err *err)
{
	size_t before = s->n;

	while (*list) {
		size_t n;
		char *member;
		int rc;

		list += strspn(list, ", \t");
		n = strcspn(list, ",");
		while (n > 0 && (list[n - 1] == ' ' || list[n - 1] == '\t'))
			n--;
		if (n == 0)
			break;
		member = mem_strndup(list, n);
		rc = scope_add(s, member, err);
		free(member);
		if (rc < 0)
			return rc;
		list += n + strspn(list + n, " \t");
	}
	return s->n > before ? 0 : agni_fail(err, AGNI_EPARSE, "scope: the list is empty");
}

void scope_copy(struct scope *to, const struct scope *from)
{
	if (from->n == 0)
		return;
	to->members = mem_alloc(from->n * sizeof(*to->members));
	for (; to->n < from->n; to->n++)
		to->members[to->n] = mem_strdup(from->members[to->n]);
}

bool scope_permits(const struct scope *s, const char *instrument_key, size_t len)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *member = s->members[i];
		size_t n = strlen(member);

		if (n > 0 && member[n - 1] == '*'
			    ? n - 1 <= len && memcmp(member, instrument_key, n - 1) == 0
			    : n == len && memcmp(member, instrument_key, n) == 0)
			return true;
	}
	return s->n == 0;
}

bool scope_is_equal(const struct scope *a, const struct scope *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->members[i], b->members[i]) != 0)
			return false;
	}
	return true;
}
