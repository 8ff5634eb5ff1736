/* SPDX-License-Identifier: MIT
 *
 * underlying: which underlying a name means; see resolve.h.
 *
 * The same thing has several names: the contracts say "BANKNIFTY", the index's key "Nifty Bank", a
 * trader "nifty bank". All are compared without case and spaces.
 */
#include <stdio.h>
#include <string.h>

#include "core/nearest.h"
#include "market/resolve_internal.h"

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool is_alike(const char *a, const char *b)
{
	for (;;) {
		a += strspn(a, " ");
		b += strspn(b, " ");
		if (upper(*a) != upper(*b))
			return false;
		if (!*a)
			return true;
		a++, b++;
	}
}

typedef int likeness_fn(const struct master *m, const struct master_underlying *u,
			const char *name);

/* How surely `name` means the underlying by what it is called itself: 0 not at all, more is surer. */
static int likeness(const struct master *m, const struct master_underlying *u, const char *name)
{
	const char *key = master_text(m, u->key), *bar = strchr(key, '|');

	if (strcmp(key, name) == 0)
		return 3;
	if (is_alike(master_text(m, u->symbol), name))
		return 2;
	return bar && is_alike(bar + 1, name);
}

/* The same by the master's row of it, which has to be looked up. */
static int likeness_of_row(const struct master *m, const struct master_underlying *u,
			   const char *name)
{
	const char *key = master_text(m, u->key);
	uint32_t row = master_find(m, key, strlen(key));

	return row != MASTER_NONE && (is_alike(master_text(m, m->rows[row].symbol), name) ||
				      is_alike(master_text(m, m->rows[row].name), name));
}

static uint32_t most_alike(const struct master *m, const char *name, likeness_fn *judge)
{
	uint32_t found = MASTER_NONE;
	int best = 0;

	for (uint32_t i = 0; i < m->underlyings_n; i++) {
		const struct master_underlying *u = &m->underlyings[i];
		int is_nse = strncmp(master_text(m, u->segment), "NSE_FO|", 7) == 0;
		int like = 2 * judge(m, u, name);

		if (like > 0 && like + is_nse > best) {
			best = like + is_nse;
			found = i;
		}
	}
	return found;
}

uint32_t resolve_underlying(const struct master *m, const char *name)
{
	uint32_t found;

	if (!name[strspn(name, " ")])
		return MASTER_NONE; /* which is like every text that is absent */
	found = most_alike(m, name, likeness);
	return found != MASTER_NONE ? found : most_alike(m, name, likeness_of_row);
}

uint32_t resolve_underlying_row(const struct master *m, uint32_t underlying)
{
	const char *key = master_text(m, m->underlyings[underlying].key);

	return master_find(m, key, strlen(key));
}

const char *resolve_money_key(const struct master *m, uint32_t underlying, day_t expiry)
{
	const struct master_underlying *u = &m->underlyings[underlying];

	if (master_text(m, u->key)[0])
		return master_text(m, u->key);
	for (uint32_t i = 0; i < u->n; i++) {
		uint32_t row = m->contracts[u->first + i];

		if (m->rows[row].type == TYPE_FUT && m->rows[row].expiry >= expiry)
			return master_key(m, row);
	}
	return NULL;
}

enum resolve_sight resolve_sight(const struct master *m, const char *name,
				 resolve_permits_fn *permits, const void *arg)
{
	uint32_t at = resolve_underlying(m, name);
	const struct master_underlying *u = at == MASTER_NONE ? NULL : &m->underlyings[at];
	const char *own = u ? master_text(m, u->key) : "";
	bool sees = own[0] && permits(arg, own, strlen(own)), misses = false;

	for (uint32_t i = 0; u && i < u->n && !(sees && misses); i++) {
		const char *key = master_key(m, m->contracts[u->first + i]);
		bool is_seen = permits(arg, key, strlen(key));

		sees |= is_seen;
		misses |= !is_seen;
	}
	return !sees ? SIGHT_NOTHING : misses ? SIGHT_SOME : SIGHT_ALL;
}

uint32_t resolve_plain(const struct master *m, const char *name, enum master_type type)
{
	uint32_t found = MASTER_NONE;
	int best = 0;

	for (uint32_t i = 0; i < m->n; i++) {
		const struct master_row *r = &m->rows[i];
		const char *key = master_text(m, r->key);
		int like;

		if (r->type != type)
			continue;
		like = strcmp(key, name) == 0 || is_alike(master_text(m, r->symbol), name) ? 2
		       : is_alike(strchr(key, '|') + 1, name) ||
				       is_alike(master_text(m, r->name), name)
			       ? 1
			       : 0;
		like = 2 * like + (like && strncmp(key, "NSE_", 4) == 0);
		if (like > best) {
			best = like;
			found = i;
		}
	}
	return found;
}

/* Without spaces, in capitals. */
static void fold(const char *from, char to[SELECTOR_NAME_MAX + 1])
{
	size_t n = 0;

	for (; *from && n < SELECTOR_NAME_MAX; from++) {
		if (*from != ' ')
			to[n++] = upper(*from);
	}
	to[n] = '\0';
}

/* Typing mistakes; a name that only goes on where the other ends is nearer than any other. */
static unsigned distance_of(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), least = na < nb ? na : nb;
	unsigned d = edit_distance(a, b);

	if (least >= 3 && memcmp(a, b, least) == 0)
		return 1;
	return d <= (na > nb ? na : nb) / 2 ? d : UINT32_MAX;
}

unsigned resolve_near_names(const struct master *m, const char *name,
			    char near[RESOLVE_NEAR_MAX][SELECTOR_NAME_MAX + 1])
{
	char wanted[SELECTOR_NAME_MAX + 1], folded[SELECTOR_NAME_MAX + 1];
	unsigned distance[RESOLVE_NEAR_MAX], n = 0;

	fold(name, wanted);
	for (uint32_t i = 0; i < m->underlyings_n; i++) {
		const char *symbol = master_text(m, m->underlyings[i].symbol);
		unsigned d, at;

		fold(symbol, folded);
		d = distance_of(wanted, folded);
		if (d == UINT32_MAX || (n == RESOLVE_NEAR_MAX && d >= distance[n - 1]))
			continue;
		for (at = 0; at < n && strcmp(near[at], symbol) != 0; at++)
			;
		if (at < n)
			continue; /* listed in another segment too */
		n -= n == RESOLVE_NEAR_MAX;
		for (at = n; at > 0 && distance[at - 1] > d; at--) {
			distance[at] = distance[at - 1];
			memcpy(near[at], near[at - 1], sizeof(near[0]));
		}
		distance[at] = d;
		snprintf(near[at], sizeof(near[0]), "%s", symbol);
		n++;
	}
	return n;
}
