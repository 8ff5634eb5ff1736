/* SPDX-License-Identifier: MIT
 *
 * key_options: the command line of `agnidata key`.
 */
#ifndef AGNI_CLI_KEY_OPTIONS_H
#define AGNI_CLI_KEY_OPTIONS_H

#include "auth/keys.h"
#include "cli/options.h"

struct key_request {
	int64_t now_ms;        /* wall; set before parsing */
	struct options server; /* --config and --set */
	struct key key;        /* add: what it shall be; its scope is owned */
	bool has_role;
	const char *which; /* revoke: id or name */
};

/* argv[0] is the verb: "add", "list" or "revoke". Words may be changed ("=" becomes NUL). Returns 0, or
 * AGNI_EUSAGE or AGNI_EPARSE with what is wrong; free r->key.scope in either case. */
int key_request_parse(struct key_request *r, int argc, char **argv,
		      struct agni_err *err) AGNI_MUST_USE;

/* When a key made at `now_ms` ends: "90d", "12h"; "2027-03-31", the end of that day; or
 * "2027-03-31T15:30[:00]"; IST. False when it is none of these. */
bool key_expiry_parse(const char *text, int64_t now_ms, int64_t *out);

#endif
