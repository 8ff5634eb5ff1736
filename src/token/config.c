/* SPDX-License-Identifier: MIT
 *
 * config: the keys of [token], and what their types cannot say.
 */
#include <ctype.h>

#include "core/ist.h"
#include "token/source.h"
#include "token/token.h"

const struct config_key token_config_keys[] = {
	CONFIG_STR(struct token_config, account, "agnidata001", "", "account whose token this is"),
	CONFIG_STR(struct token_config, source_url, "", "",
		   "internal token API that answers {\"success\":true,\"access_token\":...}; empty "
		   "= none"),
	CONFIG_STR_F(struct token_config, access_token, "", "",
		     "a token of today given by hand, best as ${UPSTOX_ACCESS_TOKEN}; empty = ask "
		     "source_url",
		     CONFIG_SECRET | CONFIG_RELOAD),
	CONFIG_STR_F(
		struct token_config, analytics_token, "", "",
		"a long-lived analytics token, best as ${UPSTOX_ANALYTICS_TOKEN}; empty = none",
		CONFIG_SECRET | CONFIG_RELOAD),
	CONFIG_STR_F(struct token_config, analytics_expires, "", "",
		     "its last day, YYYY-MM-DD; empty = what the token itself says", CONFIG_RELOAD),
	CONFIG_INT(struct token_config, ttl_h, 24, 1, 24, "h",
		   "longest life of a daily token; it dies at the next 03:30 IST at the latest"),
	CONFIG_INT(struct token_config, renew_before_s, 1800, 0, 86400, "s",
		   "source_url is asked for the next token so long before the end of this one"),
	CONFIG_INT(struct token_config, retries, 3, 1, 100, "",
		   "failed tries to replace a lost token until it is called beyond repair"),
	CONFIG_INT(struct token_config, retry_ms, 2000, 10, 60000, "ms",
		   "wait after the first of them, doubled each time, with jitter"),
	CONFIG_ENUM(struct token_config, on_failure, "wait", "wait|exit",
		    "then: wait for another token, or end the process with exit code 3"),
	CONFIG_INT(struct token_config, poll_s, 30, 1, 3600, "s",
		   "how often source_url is asked while nothing better is to be done"),
	CONFIG_INT(struct token_config, timeout_ms, 5000, 100, 60000, "ms",
		   "total time for one answer of source_url or of the broker"),
	CONFIG_STR(
		struct token_config, seal_key_file, "", "",
		"keys that seal the kept token; empty = the systemd credential "
		"agnidata-seal-key, the environment's AGNIDATA_SEAL_KEY, or seal.key in the data "
		"folder"),
	CONFIG_STR(struct token_config, client_id, "", "",
		   "the broker's key of our app, for logins and the notifier; empty = off"),
	CONFIG_STR_F(struct token_config, client_secret, "", "",
		     "its secret, best as ${UPSTOX_CLIENT_SECRET}", CONFIG_SECRET),
	CONFIG_STR(struct token_config, redirect_uri, "", "",
		   "where a login comes back to, as registered with the broker: "
		   "http(s)://.../token/callback"),
	CONFIG_STR_F(struct token_config, notifier_path, "", "",
		     "the last part of /token/notify/..., at least 32 characters that nobody can "
		     "guess; empty = off",
		     CONFIG_SECRET),
	{0},
};

/* It stands in URLs, key names, file names and JSON: nothing there may need escaping. */
static bool is_account(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++) {
		if (!isalnum((unsigned char)s[n]) && !strchr("._-", s[n]))
			return false;
	}
	return n > 0 && n <= SEAL_ACCOUNT_MAX && s[0] != '.';
}

static bool is_path_part(const char *s)
{
	for (; *s; s++) {
		if (!isalnum((unsigned char)*s) && !strchr("._~-", *s))
			return false;
	}
	return true;
}

int token_config_check(const struct token_config *cfg, struct agni_err *err)
{
	day_t day;

	if (!is_account(cfg->account))
		return agni_fail(err, AGNI_ECONFIG,
				 "token.account: 1 to %d letters, digits, dots, dashes and "
				 "underscores",
				 SEAL_ACCOUNT_MAX);
	if ((cfg->access_token[0] && !token_text_is_sound(cfg->access_token)) ||
	    (cfg->analytics_token[0] && !token_text_is_sound(cfg->analytics_token)))
		return agni_fail(err, AGNI_ECONFIG, "token.%s holds characters that no token has",
				 token_text_is_sound(cfg->analytics_token) ||
						 !cfg->analytics_token[0]
					 ? "access_token"
					 : "analytics_token");
	if (cfg->analytics_expires[0] &&
	    !day_parse(cfg->analytics_expires, strlen(cfg->analytics_expires), &day))
		return agni_fail(err, AGNI_ECONFIG,
				 "token.analytics_expires: \"%.40s\" is not a date YYYY-MM-DD",
				 cfg->analytics_expires);
	if (cfg->notifier_path[0] &&
	    (strlen(cfg->notifier_path) < 32 || !is_path_part(cfg->notifier_path)))
		return agni_fail(
			err, AGNI_ECONFIG,
			"token.notifier_path: at least 32 letters, digits or ._~-, at random "
			"(openssl rand -hex 24)");
	if (cfg->notifier_path[0] && !cfg->client_id[0])
		return agni_fail(err, AGNI_ECONFIG, "token.notifier_path needs token.client_id");
	return 0;
}
