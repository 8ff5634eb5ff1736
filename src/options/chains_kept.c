/* SPDX-License-Identifier: MIT
 *
 * chains_kept: the chains that the configuration keeps (options.chains): live with or without a reader,
 * in Redis, and asked after by /health.
 */
#include <stdio.h>
#include <stdlib.h>

#include "options/chains_internal.h"

static void keep_one(struct chains *ch, const char *name, size_t len)
{
	char underlying[SELECTOR_NAME_MAX + 1];
	const struct chain_wish wish = {.underlying = underlying};
	const char *refusal = "name too long";
	struct chain_live *c = NULL;

	if (len < sizeof(underlying)) {
		memcpy(underlying, name, len);
		underlying[len] = '\0';
		c = chains_open(ch, &wish, &refusal);
	}
	if (!c) {
		log_warn("options", "no chain of %.*s is kept: %s", len > 64 ? 64 : (int)len, name,
			 refusal);
		return;
	}
	if (c->is_kept) { /* named twice */
		chains_close(c, false);
		return;
	}
	c->is_kept = true;
	ch->kept = mem_realloc(ch->kept, (ch->kept_n + 1) * sizeof(*ch->kept));
	ch->kept[ch->kept_n++] = c;
}

void chains_keep(struct chains *ch)
{
	const char *list = ch->deps.cfg->chains;

	while (*list) {
		size_t n;

		list += strspn(list, ", \t");
		n = strcspn(list, ",");
		while (n > 0 && strchr(" \t", list[n - 1]))
			n--;
		if (n)
			keep_one(ch, list, n);
		list += strcspn(list, ",");
	}
}

void chains_drop_kept(struct chains *ch)
{
	for (uint32_t i = 0; i < ch->kept_n; i++)
		chains_close(ch->kept[i], false);
	free(ch->kept);
	ch->kept = NULL;
	ch->kept_n = 0;
}

/* --- in Redis ----------------------------------------------------------------------------------- */

/* A kept chain in Redis, under its underlying and expiry: another expiry is another document. */
void chains_put_document(struct chains *ch, struct chain_live *c)
{
	char identity[sizeof(c->document)] = "", day[IST_TEXT];
	const struct master *m = ch->deps.listing(ch->deps.arg).m;

	if (c->view)
		snprintf(identity, sizeof(identity), "%s@%s",
			 master_text(m, m->underlyings[c->view->underlying].symbol),
			 day_format(c->view->expiry, day));
	if (c->document[0] && strcmp(c->document, identity) != 0)
		store_doc_drop(ch->deps.store, KEY_CHAIN, c->document);
	memcpy(c->document, identity, sizeof(identity));
	if (identity[0] &&
	    store_doc_set(ch->deps.store, KEY_CHAIN, identity, c->text.data, c->text.len) < 0)
		log_limited(&ch->complaint, clock_mono(ch->deps.loop->clock), LOG_WARN, "options",
			    "the chain %s does not fit into Redis", identity);
}

/* --- how they are ------------------------------------------------------------------------------- */

/* A kept chain whose fixed strikes lie beside the money tells nobody anything. */
static bool has_lost_money(const struct chain_live *c, char why[HEALTH_WHY_MAX])
{
	const struct chain_view *v = c->view;
	double level = v && v->in.n && c->strikes.to > 0 ? v->summary.reference : 0;

	if (!(level > 0) ||
	    (level >= v->strikes[0].strike && level <= v->strikes[v->in.n - 1].strike))
		return false;
	snprintf(why, HEALTH_WHY_MAX,
		 "%s is at %.0f, its chain from %.0f to %.0f: options.strikes=auto follows the "
		 "money",
		 c->underlying, level, v->strikes[0].strike, v->strikes[v->in.n - 1].strike);
	return true;
}

static bool is_kept_amiss(const struct chain_live *c, char why[HEALTH_WHY_MAX])
{
	if (c->is_looked_for && !c->view)
		snprintf(why, HEALTH_WHY_MAX, "no chain of %.40s: %.100s", c->underlying,
			 c->miss.text);
	else if (c->refused_n)
		snprintf(why, HEALTH_WHY_MAX,
			 "%s: %u contracts are not asked for, the limits leave no room",
			 c->underlying, c->refused_n);
	else
		return has_lost_money(c, why);
	return true;
}

bool chains_kept_amiss(const struct chains *ch, char why[HEALTH_WHY_MAX])
{
	for (uint32_t i = 0; i < ch->kept_n; i++) {
		if (is_kept_amiss(ch->kept[i], why))
			return true;
	}
	return false;
}
