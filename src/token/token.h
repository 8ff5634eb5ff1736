/* SPDX-License-Identifier: MIT
 *
 * token: the only keeper of the broker's access token: fetched, proved, sealed, renewed, and handed
 * to nobody outside this process.
 *
 *           start                    a token came               good
 *   BOOT ----------> FETCHING ----------------------> VALIDATING ----> READY <---------------+
 *    | none known,     ^  | no answer: again            | | unknown:     |  renew_before_s     |
 *    | no source       |  +-- after a backoff           | +-- again      v                     |
 *    v                 |                                |            EXPIRING ---- renewed ----+
 *   WAITING            |  bad: the next one             |               |                      |
 *    |                 +--------------------------------+               | 401, or its end      |
 *    |                                                                  v                      |
 *    |                    FAILED <---- retries used up ---- REFRESHING (fetch, prove, again) --+
 *    |                      | another token of the source                                     |
 *    +----------------------+---- update, notifier, login: proved -----------------------------+
 *
 * Sources, in this order: token.access_token (given by hand, a token of today),
 * token.analytics_token, what was kept sealed at the last run, the internal token API at
 * token.source_url; and at any moment an offer: POST /token/update, the broker's notifier, a login.
 *
 * Nothing is put in place before the broker has proved it (proof.h). Every token that is put in
 * place gets a new generation. Whoever is answered 401 says so with the generation it used: the
 * first to say it ends that generation, the others change nothing; so there is one refresh, however
 * many noticed. A token that was refused is known by its hash and not tried again.
 *
 * Time is the wall clock's and is looked at four times a second: a host that slept through 03:30
 * IST wakes up to a token that has expired.
 */
#ifndef AGNI_TOKEN_TOKEN_H
#define AGNI_TOKEN_TOKEN_H

#include "auth/audit.h"
#include "core/config.h"
#include "core/module.h"
#include "http/client.h"
#include "store/store.h"
#include "token/proof.h"

struct token;

enum token_on_failure { TOKEN_WAIT, TOKEN_EXIT };

struct token_config {
	char *account;
	char *source_url;
	char *access_token;
	char *analytics_token;
	char *analytics_expires;
	int64_t ttl_h;
	int64_t renew_before_s;
	int64_t retries;
	int64_t retry_ms;
	int on_failure; /* enum token_on_failure */
	int64_t poll_s;
	int64_t timeout_ms;
	char *seal_key_file;
	char *client_id;
	char *client_secret;
	char *redirect_uri;
	char *notifier_path;
};

extern const struct config_key token_config_keys[];

/* What the types of the keys cannot say. Returns 0, or AGNI_ECONFIG with the key in `err`. */
int token_config_check(const struct token_config *cfg, struct agni_err *err) AGNI_MUST_USE;

struct token_deps {
	struct loop *loop;
	struct http_client *http;
	struct store *store; /* for the sealed token; or NULL */
	struct audit *audit; /* NULL: nothing is recorded */
	const struct token_config *cfg;
	const char *source_url; /* instead of cfg->source_url when not empty; read at listen */
	const char *api_url;    /* of the broker; read at listen; lent */
	const char *api_url_fallback; /* when api_url is empty */
	const char *dir;              /* for the sealed token and its key; lent; exists at start */
	/* The token is beyond repair: retries are used up. May be NULL. */
	void (*on_failed)(void *arg);
	void *arg;
};

enum token_state {
	TOKEN_BOOT,
	TOKEN_FETCHING,
	TOKEN_VALIDATING,
	TOKEN_READY,
	TOKEN_EXPIRING,
	TOKEN_REFRESHING,
	TOKEN_FAILED,
	TOKEN_WAITING,
	TOKEN_STOPPED,
	TOKEN_STATES
};

enum token_kind { TOKEN_DAILY, TOKEN_ANALYTICS };

enum token_origin {
	ORIGIN_NONE,
	ORIGIN_CONFIG,   /* token.access_token, token.analytics_token */
	ORIGIN_SOURCE,   /* the internal token API */
	ORIGIN_UPDATE,   /* POST /token/update */
	ORIGIN_NOTIFIER, /* the broker's webhook */
	ORIGIN_LOGIN,    /* the OAuth code exchange */
	ORIGINS
};

/* Told when a token is put in place, taken away, or beyond repair. */
struct token_listener {
	void (*on_change)(struct token_listener *l);
	struct list link;
};

struct token *token_create(const struct token_deps *deps);
void token_destroy(struct token *t);
struct module *token_module(struct token *t);

/* "Bearer ..." of the live token and its generation; NULL when there is none. Lent until the loop's
 * next callback: do not store. */
const char *token_bearer(const struct token *t, uint64_t *generation);

enum token_state token_get_state(const struct token *t);

/* Retries are used up, and no other token has come since. */
bool token_has_failed(const struct token *t);

/* The broker answered 401 to a token of `generation`. */
void token_refuse(struct token *t, uint64_t generation);

/* token.access_token, token.analytics_token or the seal keys may have changed (SIGHUP): a new token
 * is proved and put in place. */
void token_reload(struct token *t);

void token_listen(struct token *t, struct token_listener *l);

/* --- what may be told of it -------------------------------------------------------------------- */

struct token_status {
	const char *account;
	enum token_state state;
	const char *state_text;
	const char *why; /* one line */
	bool has_token;
	uint64_t generation; /* of the live token, or of the last one */
	/* Of the live token; without one: 0 and "". */
	const char *origin;   /* "config", "source", ... */
	const char *kind;     /* "daily", "analytics" */
	int64_t issued_ms;    /* 0: not known */
	int64_t expires_ms;   /* 0: no known end */
	char fingerprint[17]; /* 16 hex digits of its SHA-256 */
	const char *kept;     /* "Redis", "the file", "nowhere" */
	uint32_t tries;       /* failed, of this refresh */
};

void token_status(const struct token *t, struct token_status *out);

/* --- offers and questions: for the REST routes -------------------------------------------------- */

typedef void token_proof_fn(void *arg, const struct proof_result *result);

struct token_offer {
	const char *token;  /* lent for the call */
	int64_t issued_ms;  /* 0: now */
	int64_t expires_ms; /* 0: not said */
	enum token_origin origin;
	const char *by;   /* "key:desk1", for the audit; "" or NULL = the origin says it all */
	const char *peer; /* address; "" or NULL = none */
};

/* Proves the token and, when it is good, puts it in place before `done` is called. 0; or AGNI_EBUSY
 * (another offer is being proved), AGNI_EPARSE (no token could look so), and no `done` follows. */
int token_offer(struct token *t, const struct token_offer *offer, token_proof_fn *done, void *arg,
		struct agni_err *err) AGNI_MUST_USE;

/* Asks the broker about the live token now; those who ask meanwhile share the answer. A bad verdict
 * ends the generation. 0; or AGNI_ENOTFOUND (there is no token), AGNI_ELIMIT (too many ask). */
int token_validate(struct token *t, token_proof_fn *done, void *arg,
		   struct agni_err *err) AGNI_MUST_USE;

/* The page at which a person logs in, with a state of ours that lives ten minutes and works once.
 * AGNI_ENOTFOUND when token.client_id and token.redirect_uri are not set. */
int token_login_url(struct token *t, struct buf *out, struct agni_err *err) AGNI_MUST_USE;

/* The redirect came back: exchanges `code` for a token and offers it. 0; or AGNI_EAUTH (`state` is
 * none of ours, or was used), AGNI_EBUSY. `done` gets PROOF_UNKNOWN when the exchange fails. */
int token_login_code(struct token *t, const char *code, const char *state, token_proof_fn *done,
		     void *arg, struct agni_err *err) AGNI_MUST_USE;

#endif
