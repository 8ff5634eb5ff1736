/* SPDX-License-Identifier: MIT
 *
 * chains_config: section [options].
 *
 * `fixed` is the default because that is what the first users run, 34 contracts of NIFTY, and because
 * the model of the simulated exchange lists exactly these and keeps its index about their middle: behind
 * the two commands of the README there is a whole chain, with a smile and wings, whatever the money does.
 * On another market the band may lie beside the money; /health says so then, with the cure.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "options/chains.h"

const struct config_key chains_config_keys[] = {
	CONFIG_STR(struct chains_config, chains, "NIFTY", "",
		   "underlyings whose current chain is kept in Redis with or without a reader, "
		   "separated by commas; empty = none"),
	CONFIG_ENUM(
		struct chains_config, strikes, "fixed", "fixed|auto",
		"strikes of a live chain: fixed = those of `bands` where an underlying has one, "
		"else about the money; auto = about the money for all"),
	CONFIG_STR(struct chains_config, bands, "NIFTY:25400:26200:50", "rupees",
		   "fixed strikes as UNDERLYING:FROM:TO:STEP, separated by commas"),
	CONFIG_INT(struct chains_config, around, 8, 1, 100, "",
		   "strikes to each side of the money that a chain about it has"),
	CONFIG_INT(struct chains_config, publish_ms, 250, 50, 60000, "ms",
		   "a chain goes out at most this often"),
	CONFIG_INT(struct chains_config, chains_max, 64, 1, 1000, "",
		   "most different chains that are live at a time"),
	{0},
};

/* A price in rupees from `text` up to `end`; false when it is none above 0. */
static bool read_price(const char *text, const char *end, price_t *out)
{
	char *stop;
	double v;

	errno = 0;
	v = strtod(text, &stop);
	return stop == end && stop != text && errno == 0 && v > 0 && price_from_double(v, out) &&
	       price_is_exact(*out);
}

/* "NIFTY:25400:26200:50" of `n` bytes: the name's length, and the band. */
static bool read_band(const char *text, size_t n, size_t *name, struct chain_strikes *out)
{
	const char *colon[3] = {NULL, NULL, NULL}, *end = text + n;
	int found = 0;

	for (const char *p = end; p > text && found < 3; p--) {
		if (p[-1] == ':')
			colon[found++] = p - 1;
	}
	if (found < 3 || colon[2] == text)
		return false;
	*name = (size_t)(colon[2] - text);
	*out = (struct chain_strikes){0};
	return *name <= SELECTOR_NAME_MAX && read_price(colon[2] + 1, colon[1], &out->from) &&
	       read_price(colon[1] + 1, colon[0], &out->to) &&
	       read_price(colon[0] + 1, end, &out->step);
}

/* The next member of a list with commas; false at its end. */
static bool next_member(const char **list, const char **member, size_t *n)
{
	*list += strspn(*list, ", \t");
	*member = *list;
	*n = strcspn(*list, ",");
	*list += *n;
	while (*n > 0 && ((*member)[*n - 1] == ' ' || (*member)[*n - 1] == '\t'))
		--*n;
	return *n > 0;
}

int chains_config_check(const struct chains_config *cfg, struct agni_err *err)
{
	const char *list = cfg->bands, *member;
	struct chain_strikes band;
	size_t n, name;

	while (next_member(&list, &member, &n)) {
		if (!read_band(member, n, &name, &band))
			return agni_fail(err, AGNI_ECONFIG,
					 "options.bands: \"%.*s\" is not UNDERLYING:FROM:TO:STEP",
					 n > 100 ? 100 : (int)n, member);
		if (band.from > band.to)
			return agni_fail(
				err, AGNI_ECONFIG,
				"options.bands: \"%.*s\": FROM (%.10g) is above TO (%.10g)",
				n > 100 ? 100 : (int)n, member, price_to_double(band.from),
				price_to_double(band.to));
	}
	return 0;
}

bool chains_config_band(const struct chains_config *cfg, const char *underlying,
			struct chain_strikes *out)
{
	const char *list = cfg->bands, *member;
	size_t n, name;

	while (cfg->strikes == CHAINS_FIXED && next_member(&list, &member, &n)) {
		if (read_band(member, n, &name, out) && strlen(underlying) == name &&
		    strncasecmp(member, underlying, name) == 0)
			return true;
	}
	return false;
}
