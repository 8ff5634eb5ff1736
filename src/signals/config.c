/* SPDX-License-Identifier: MIT
 *
 * config: the sections [signals] and [app.*], and what they say as numbers.
 *
 * The apps have the same keys with defaults of their own.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/nearest.h"
#include "signals/signals_internal.h"
#include "signals/webhook.h"

const struct config_key signals_config_keys[] = {
	CONFIG_STR_F(struct signals_config, apps, "simple,redis,options,futures", "",
		     "which of the apps below run, separated by commas; empty = none",
		     CONFIG_RELOAD),
	CONFIG_BOOL_F(struct signals_config, quarantine, "on",
		      "quotes that cannot be true are flagged, and nothing is reckoned from them",
		      CONFIG_RELOAD),
	CONFIG_INT_F(struct signals_config, redis_max, 10000, 100, 1000000, "",
		     "entries that the stream of signals in Redis keeps, about", CONFIG_RELOAD),
	CONFIG_STR_F(
		struct signals_config, webhook_url, "", "",
		"each signal is sent there by POST: https://, or http:// to loopback; empty = off",
		CONFIG_SECRET | CONFIG_RELOAD),
	CONFIG_STR_F(struct signals_config, webhook_secret, "", "",
		     "signs them (docs/signals.md), 16 characters or more, best as "
		     "${AGNI_WEBHOOK_SECRET}",
		     CONFIG_SECRET | CONFIG_RELOAD),
	CONFIG_INT_F(struct signals_config, webhook_timeout_ms, 5000, 10, 60000, "ms",
		     "an answer that takes longer is none", CONFIG_RELOAD),
	CONFIG_INT_F(struct signals_config, webhook_retry_ms, 500, 10, 60000, "ms",
		     "pause before the second try, doubled for each further, up to 120 times this",
		     CONFIG_RELOAD),
	{0},
};

#define APP_KEYS(instruments_, rules_, change_)                                                    \
	{                                                                                          \
		CONFIG_STR_F(struct app_config, instruments, instruments_, "",                     \
			     "what it looks at, separated by commas: keys, or selectors that "     \
			     "follow the money",                                                   \
			     CONFIG_RELOAD),                                                       \
			CONFIG_STR_F(struct app_config, rules, rules_, "",                         \
				     "what it looks for, separated by commas: price_change, "      \
				     "momentum, options_momentum, futures_momentum",               \
				     CONFIG_RELOAD),                                               \
			CONFIG_STR_F(struct app_config, outputs, "channel,redis,webhook", "",      \
				     "where its signals go, as far as that is configured; "        \
				     "/signals shows them in any case",                            \
				     CONFIG_RELOAD),                                               \
			CONFIG_STR_F(struct app_config, change_pct, change_, "%",                  \
				     "price_change and futures_momentum fire when the price is "   \
				     "so far from the previous close: 0.01..1000",                 \
				     CONFIG_RELOAD),                                               \
			CONFIG_STR_F(struct app_config, rearm, "0.7", "",                          \
				     "each rule fires again only after its number was below this " \
				     "share of the threshold: 0..0.99",                            \
				     CONFIG_RELOAD),                                               \
			CONFIG_INT_F(struct app_config, cooldown_s, 300, 0, 86400, "s",            \
				     "least time between two signals of a rule, an instrument "    \
				     "and a side",                                                 \
				     CONFIG_RELOAD),                                               \
			CONFIG_INT_F(struct app_config, window_s, 60, 12, 3600, "s",               \
				     "momentum: time over which a move is measured",               \
				     CONFIG_RELOAD),                                               \
			CONFIG_STR_F(struct app_config, noise, "4.0", "",                          \
				     "momentum: fires at a move of so many times what is usual: "  \
				     "0.5..100",                                                   \
				     CONFIG_RELOAD),                                               \
			CONFIG_STR_F(struct app_config, move_pct, "0.10", "%",                     \
				     "momentum: and of so much at least: 0..100", CONFIG_RELOAD),  \
			CONFIG_INT_F(struct app_config, premium_window_s, 180, 12, 3600, "s",      \
				     "options_momentum: time over which changes are measured",     \
				     CONFIG_RELOAD),                                               \
			CONFIG_STR_F(struct app_config, premium_pct, "5.0", "%",                   \
				     "options_momentum: fires when the premium has changed by so " \
				     "much: 0.1..1000",                                            \
				     CONFIG_RELOAD),                                               \
			CONFIG_STR_F(struct app_config, iv_points, "0.5", "%",                     \
				     "options_momentum: if the implied volatility has moved the "  \
				     "same way by so many points: 0.01..100",                      \
				     CONFIG_RELOAD),                                               \
			CONFIG_STR_F(struct app_config, oi_pct, "0.5", "%",                        \
				     "options_momentum: and the open interest has grown by so "    \
				     "much: 0.01..1000",                                           \
				     CONFIG_RELOAD),                                               \
			{0},                                                                       \
	}

static const struct config_key
	simple_keys[] = APP_KEYS("NSE_INDEX|Nifty 50,NSE_INDEX|Nifty Bank,NSE_EQ|INE002A01018,"
				 "NSE_EQ|INE467B01029",
				 "price_change", "1.0"),
	redis_keys[] = APP_KEYS("NSE_INDEX|Nifty 50,NSE_INDEX|Nifty Bank,NSE_EQ|INE002A01018,"
				"NSE_EQ|INE467B01029",
				"price_change,momentum", "1.0"),
	options_keys[] = APP_KEYS("NIFTY:current:ATM+-8", "price_change,options_momentum", "2.0"),
	futures_keys[] = APP_KEYS("NIFTY:current:FUT,NIFTY:next:FUT", "futures_momentum", "0.5");

const struct config_key *const app_config_keys[APPS] = {
	[APP_SIMPLE] = simple_keys,
	[APP_REDIS] = redis_keys,
	[APP_OPTIONS] = options_keys,
	[APP_FUTURES] = futures_keys,
};

const char *app_name(enum app_kind app)
{
	static const char *const names[APPS] = {"simple", "redis", "options", "futures"};

	return names[app];
}

/* --- lists of words --------------------------------------------------------------------------- */

/* The next word of a comma list, without the spaces around it; false at the end. */
static bool next_word(const char **list, const char **word, size_t *len)
{
	while (**list == ',' || **list == ' ')
		(*list)++;
	if (!**list)
		return false;
	*word = *list;
	*len = strcspn(*list, ",");
	*list += *len;
	while (*len > 0 && (*word)[*len - 1] == ' ')
		(*len)--;
	return true;
}

static bool is_word(const char *word, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(word, name, len) == 0;
}

static int read_apps(const char *list, bool is_on[APPS], struct agni_err *err)
{
	const char *word;
	size_t len;

	for (int i = 0; i < APPS; i++)
		is_on[i] = false;
	while (next_word(&list, &word, &len)) {
		int i = 0;

		while (i < APPS && !is_word(word, len, app_name((enum app_kind)i)))
			i++;
		if (i == APPS)
			return nearest_refuse(err, "signals.apps", word, len,
					      "simple, redis, options, futures");
		is_on[i] = true;
	}
	return 0;
}

static int read_rules(const char *app, const char *list, unsigned *out, struct agni_err *err)
{
	const char *word;
	size_t len;
	enum rule_kind kind;
	char key[32];

	*out = 0;
	snprintf(key, sizeof(key), "app.%s.rules", app);
	while (next_word(&list, &word, &len)) {
		if (!rule_parse(word, len, &kind))
			return nearest_refuse(err, key, word, len,
					      "price_change, momentum, options_momentum, "
					      "futures_momentum");
		*out |= 1u << kind;
	}
	return 0;
}

static int read_outputs(const char *app, const char *list, unsigned *out, struct agni_err *err)
{
	const char *word;
	size_t len;
	char key[32];

	*out = 0;
	snprintf(key, sizeof(key), "app.%s.outputs", app);
	while (next_word(&list, &word, &len)) {
		if (is_word(word, len, "channel"))
			*out |= SIGNAL_TO_CHANNEL;
		else if (is_word(word, len, "redis"))
			*out |= SIGNAL_TO_REDIS;
		else if (is_word(word, len, "webhook"))
			*out |= SIGNAL_TO_WEBHOOK;
		else
			return nearest_refuse(err, key, word, len, "channel, redis, webhook");
	}
	return 0;
}

unsigned app_outputs(const struct app_config *c)
{
	unsigned out;

	return read_outputs("", c->outputs, &out, NULL) < 0 ? 0 : out;
}

/* A decimal number within [lo, hi]; NaN is in no range. */
static int read_number(const char *app, const char *key, const char *text, double lo, double hi,
		       double *out, struct agni_err *err)
{
	char *end;

	*out = strtod(text, &end);
	if (end == text || *end || !(*out >= lo && *out <= hi))
		return agni_fail(err, AGNI_ECONFIG,
				 "app.%s.%s: \"%.40s\" is no number from %g to "
				 "%g",
				 app, key, text, lo, hi);
	return 0;
}

/* --- an app ----------------------------------------------------------------------------------- */

/* Keys and selectors that can be meant. */
static int check_instruments(const char *app, const char *list, struct agni_err *err)
{
	const char *word;
	struct selector s;
	unsigned n = 0;
	size_t len;

	while (next_word(&list, &word, &len)) {
		if (++n > APP_WISHES_MAX)
			return agni_fail(err, AGNI_ECONFIG, "app.%s.instruments: more than %d", app,
					 APP_WISHES_MAX);
		if (selector_is_meant(word, len)) {
			if (selector_parse(word, len, &s, err) < 0)
				return agni_wrap(err, "app.%s.instruments", app);
		} else if (!instrument_key_is_valid(word, len)) {
			return agni_fail(err, AGNI_ECONFIG,
					 "app.%s.instruments: \"%.*s\" is neither a key nor a "
					 "selector",
					 app, (int)len, word);
		}
	}
	return 0;
}

static int read_limits(const char *app, const struct app_config *c, struct rule_limits *out,
		       struct agni_err *err)
{
	const struct {
		const char *key, *text;
		double lo, hi, *out;
	} numbers[] = {
		{"change_pct", c->change_pct, 0.01, 1000, &out->change_pct},
		{"rearm", c->rearm, 0, 0.99, &out->rearm},
		{"noise", c->noise, 0.5, 100, &out->noise},
		{"move_pct", c->move_pct, 0, 100, &out->move_pct},
		{"premium_pct", c->premium_pct, 0.1, 1000, &out->premium_pct},
		{"iv_points", c->iv_points, 0.01, 100, &out->iv_points},
		{"oi_pct", c->oi_pct, 0.01, 1000, &out->oi_pct},
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (read_number(app, numbers[i].key, numbers[i].text, numbers[i].lo, numbers[i].hi,
				numbers[i].out, err) < 0)
			return AGNI_ECONFIG;
	}
	out->cooldown_ms = c->cooldown_s * 1000;
	out->window_ms = c->window_s * 1000;
	out->premium_window_ms = c->premium_window_s * 1000;
	return 0;
}

int app_plan_read(enum app_kind app, const struct signals_config *cfg, const struct app_config *c,
		  struct app_plan *out, struct agni_err *err)
{
	const char *name = app_name(app);
	bool is_on[APPS];

	memset(out, 0, sizeof(*out)); /* it is compared byte by byte */
	if (read_apps(cfg->apps, is_on, err) < 0 ||
	    check_instruments(name, c->instruments, err) < 0 ||
	    read_rules(name, c->rules, &out->rules, err) < 0 ||
	    read_outputs(name, c->outputs, &out->outputs, err) < 0 ||
	    read_limits(name, c, &out->limits, err) < 0)
		return AGNI_ECONFIG;
	out->is_on = is_on[app];
	return 0;
}

int signals_config_check(const struct signals_config *cfg, const struct app_config apps[APPS],
			 struct agni_err *err)
{
	struct app_plan plan;

	for (int i = 0; i < APPS; i++) {
		if (app_plan_read((enum app_kind)i, cfg, &apps[i], &plan, err) < 0)
			return AGNI_ECONFIG;
	}
	return webhook_config_check(cfg, err);
}

bool app_next_wish(const char **list, const char **word, size_t *len)
{
	return next_word(list, word, len);
}
