/* SPDX-License-Identifier: MIT
 *
 * key_options: see key_options.h.
 */
#include "cli/key_options.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/ist.h"

#define HOUR_MS   3600000ll
#define LIFE_DAYS 36500 /* a hundred years: longer is a slip of the hand */

bool key_expiry_parse(const char *text, int64_t now_ms, int64_t *out)
{
	char *end;
	long n = strtol(text, &end, 10);
	day_t day;

	if (*text >= '1' && *text <= '9' && end[0] && !end[1] && n <= LIFE_DAYS) {
		if (*end != 'd' && *end != 'h')
			return false;
		*out = now_ms + n * (*end == 'd' ? DAY_MS : HOUR_MS);
		return true;
	}
	if (day_parse(text, strlen(text), &day)) {
		*out = ist_instant(day + 1, 0);
		return true;
	}
	return ist_parse(text, strlen(text), out);
}

static int take_limit(const char *name, const char *text, int64_t *out, struct agni_err *err)
{
	char *end;

	*out = strtoll(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || *out < 1 || *out > KEY_LIMIT_MAX)
		return agni_fail(err, AGNI_EUSAGE, "%s: \"%.60s\" is not within 1..%d", name, text,
				 KEY_LIMIT_MAX);
	return 0;
}

static int take_expiry(struct key_request *r, const char *text, struct agni_err *err)
{
	if (!key_expiry_parse(text, r->now_ms, &r->key.expires_ms))
		return agni_fail(err, AGNI_EUSAGE,
				 "--expires: \"%.60s\" is none of 90d, 12h, YYYY-MM-DD, "
				 "YYYY-MM-DDTHH:MM[:SS]",
				 text);
	if (r->key.expires_ms <= r->now_ms)
		return agni_fail(err, AGNI_EUSAGE, "--expires: %.60s has passed", text);
	return 0;
}

/* One option of `key add` with its value. */
static int take_of_key(struct key_request *r, const char *name, const char *value,
		       struct agni_err *err)
{
	struct key *key = &r->key;

	if (strcmp(name, "--role") == 0) {
		r->has_role = role_parse(value, &key->role);
		return r->has_role ? 0
				   : agni_fail(err, AGNI_EUSAGE,
					       "--role: \"%.60s\" is none of viewer, trader, "
					       "operator, admin",
					       value);
	}
	if (strcmp(name, "--name") == 0) {
		if (!key_name_is_valid(value))
			return agni_fail(err, AGNI_EUSAGE,
					 "--name: 1 to %d letters, digits, \".\", \"_\" and \"-\"",
					 KEY_NAME_MAX);
		snprintf(key->name, sizeof(key->name), "%s", value);
		return 0;
	}
	if (strcmp(name, "--scope") == 0)
		return scope_add_list(&key->scope, value, err);
	if (strcmp(name, "--expires") == 0)
		return take_expiry(r, value, err);
	if (strcmp(name, "--connections") == 0)
		return take_limit(name, value, &key->connections, err);
	if (strcmp(name, "--requests") == 0)
		return take_limit(name, value, &key->requests_per_s, err);
	if (strcmp(name, "--commands") == 0)
		return take_limit(name, value, &key->commands_per_s, err);
	return agni_fail(err, AGNI_EUSAGE, "\"%.60s\" is not understood; see agnidata key --help",
			 name);
}

static int take_option(struct key_request *r, const char *verb, const char *name, const char *value,
		       struct agni_err *err)
{
	if (strcmp(name, "--config") == 0) {
		r->server.config = value;
		return 0;
	}
	if (strcmp(name, "--set") == 0) {
		if (r->server.sets_n == SETS_MAX)
			return agni_fail(err, AGNI_EUSAGE, "more than %d --set", SETS_MAX);
		r->server.sets[r->server.sets_n++] = value;
		return 0;
	}
	if (strcmp(verb, "add") == 0)
		return take_of_key(r, name, value, err);
	return agni_fail(err, AGNI_EUSAGE,
			 "\"%.60s\" is not understood; see agnidata key %s --help", name, verb);
}

/* --name VALUE and --name=VALUE, and the one word of `revoke`. */
int key_request_parse(struct key_request *r, int argc, char **argv, struct agni_err *err)
{
	const char *verb = argv[0];

	for (int i = 1; i < argc; i++) {
		char *equals = strchr(argv[i], '=');
		const char *value = equals ? equals + 1 : NULL;
		int rc;

		if (argv[i][0] != '-' && strcmp(verb, "revoke") == 0 && !r->which) {
			r->which = argv[i];
			continue;
		}
		if (strncmp(argv[i], "--", 2) != 0)
			return agni_fail(err, AGNI_EUSAGE,
					 "\"%.60s\" is not understood; see agnidata key %s --help",
					 argv[i], verb);
		if (equals)
			*equals = '\0';
		else if (i + 1 < argc)
			value = argv[i + 1];
		else
			return agni_fail(err, AGNI_EUSAGE, "%s needs a value", argv[i]);
		rc = take_option(r, verb, argv[i], value, err);
		if (rc < 0)
			return rc;
		i += !equals;
	}
	if (strcmp(verb, "add") == 0 && !r->has_role)
		return agni_fail(err, AGNI_EUSAGE, "which --role? see agnidata key add --help");
	if (strcmp(verb, "revoke") == 0 && !r->which)
		return agni_fail(err, AGNI_EUSAGE, "which key? agnidata key list has the ids");
	return 0;
}
