/* SPDX-License-Identifier: MIT
 *
 * auth: the door: who is asking, and may they. docs/security.md says what it promises.
 *
 *   Authorization: Bearer agni_...  --> keys: who?  --> role, scope, rate --> in
 *   /ws?ticket=...                  --> tickets ----^        |
 *                                                            +-> 401 403 429, with a code
 *
 * Without a keys file the door is open, and only loopback listens then (core/listen.h): everybody
 * there is an admin. With one, empty or not, everything but what is for anyone needs a key. A file
 * that goes away while the server runs does not open the door: the keys that were read stay.
 *
 * SIGHUP reads the file again (auth_reload). A key that is gone, or has other rights, is another
 * key: who is connected with it is told through the listeners, and is no longer current.
 *
 * A wrong key costs the address a failure; beyond limits.failures_per_min it is answered 429, neither
 * logged nor recorded any more. A right key passes all the same: on one machine everybody has one
 * address, and a program with a stale key must not lock out the others.
 */
#ifndef AGNI_AUTH_AUTH_H
#define AGNI_AUTH_AUTH_H

#include "auth/audit.h"
#include "auth/role.h"
#include "auth/scope.h"
#include "auth/tickets.h"
#include "core/config.h"
#include "core/module.h"
#include "http/server.h"

struct auth;

struct auth_config {
	char *keys_file; /* "" = keys.jsonl in the data folder */
	int64_t ticket_s;
	/* [limits] */
	int64_t requests_per_s;
	int64_t connections_per_key;
	int64_t failures_per_min;
	int64_t handshakes_per_s;
};

extern const struct config_key auth_config_keys[];
extern const struct config_key limits_config_keys[]; /* into struct auth_config too */

struct auth_deps {
	struct loop *loop;
	const struct auth_config *cfg;
	const char *data_dir;
	const char *origins; /* web pages that may post beside our own; NULL: none */
	struct audit *audit; /* NULL: nothing is recorded */
};

struct auth *auth_create(const struct auth_deps *deps);
void auth_destroy(struct auth *a);
struct module *auth_module(struct auth *a);

#define AUTH_PATH_MAX (4096 + 32) /* any value of the configuration, and a name */

/* Where the keys are. */
void auth_keys_path(const struct auth_config *cfg, const char *data_dir, char out[AUTH_PATH_MAX]);

/* Reads the keys without a server: how many, how many of them are not expired, and whether there is
 * a file at all. The default file may be absent; one that the configuration names may not. 0, or an
 * error with the reason. */
struct auth_survey {
	bool has_file;
	size_t keys, usable;
};
int auth_survey(const struct auth_config *cfg, const char *data_dir, int64_t now_ms,
		struct auth_survey *out, struct agni_err *err) AGNI_MUST_USE;

/* Reads the keys file again. On error everything stays as it was. */
int auth_reload(struct auth *a, struct agni_err *err) AGNI_MUST_USE;

/* No key is asked for. */
bool auth_is_open(const struct auth *a);

/* --- callers ---------------------------------------------------------------------------------- */

#define AUTH_NAME_MAX 48
#define AUTH_PEER_MAX 48

/* Who is asking. Plain data: it may be copied, and kept as long as one likes. */
struct auth_caller {
	enum auth_role role;
	char name[AUTH_NAME_MAX]; /* "key:desk1", "loopback" (the open door), "anyone" */
	char peer[AUTH_PEER_MAX]; /* address */
	uint64_t serial;          /* of the key; 0: none */
	int64_t expires_ms;       /* wall; 0: never */
	int64_t commands_per_s;   /* of one connection; 0: the configuration's */
};

/* Whether the key is still there with the same rights; without a key, whether the door is still
 * open. Expiry is the caller's to watch (expires_ms): it comes without a reload. */
bool auth_is_current(const struct auth *a, const struct auth_caller *c);

/* What the caller may see; lent until the loop's next callback. A key that is gone sees nothing. */
const struct scope *auth_scope(const struct auth *a, const struct auth_caller *c);

/* Told after a reload that changed who may do what. */
struct auth_listener {
	void (*on_change)(struct auth_listener *l);
	struct list link;
};
void auth_listen(struct auth *a, struct auth_listener *l);

/* What to answer to whom the door stays shut. */
struct auth_refusal {
	int status;
	const char *code; /* static */
	char text[160];
	int64_t retry_after_s; /* 0: nothing to wait for */
};

/* --- REST ------------------------------------------------------------------------------------- */

/* `admit` of struct http_server_config, with a struct auth as its argument. The route's `access` is
 * the least enum auth_role. Leaves a struct auth_caller in r->caller. Answers itself: 401
 * key_required, key_invalid, key_expired; 403 role_not_sufficient, origin_not_allowed; 429
 * rate_limited, too_many_failures. */
bool auth_admit(void *auth, const struct http_route *route, struct http_request *r);

/* The same without the answer: false, and `why` is what to answer. For routes whose errors have
 * another shape. */
bool auth_judge(struct auth *a, const struct http_route *route, struct http_request *r,
		struct auth_refusal *why);

/* --- WebSocket -------------------------------------------------------------------------------- */

/* Judges a handshake by its Authorization header ("" when absent) or the ticket in its query. True,
 * and `out` is who it is; or false, and `why` what to answer: as auth_admit, and 401 ticket_invalid,
 * 429 too_many_connections, too_many_handshakes. */
bool auth_handshake(struct auth *a, const char *authorization, const char *query, const char *peer,
		    struct auth_caller *out, struct auth_refusal *why);

/* A connection of this caller is up; it is gone. One each. */
void auth_connection_opened(struct auth *a, const struct auth_caller *c);
void auth_connection_closed(struct auth *a, const struct auth_caller *c);

/* A ticket for the caller, good for *life_s. False: 429 too_many_tickets. */
bool auth_ticket(struct auth *a, const struct auth_caller *c, char text[TICKET_LEN + 1],
		 int64_t *life_s, struct auth_refusal *why);

/* The answer with Retry-After, or WWW-Authenticate, where the status asks for it. */
void auth_respond(struct http_request *r, const struct auth_refusal *why);

/* The same with a JSON body of another shape. */
void auth_respond_with(struct http_request *r, const struct auth_refusal *why, const char *body,
		       size_t len);

#endif
