/* SPDX-License-Identifier: MIT
 *
 * token_stand: the token module between a token API and a broker that answer what scripts say, and
 * a listener that keeps what it was told. All that is logged meanwhile is kept, and searched for
 * tokens at the end: the tokens of these tests begin with "tok-".
 */
#ifndef AGNI_TEST_TOKEN_STAND_H
#define AGNI_TEST_TOKEN_STAND_H

#include "check.h"
#include "keeper.h"
#include "parts.h"
#include "token/token_internal.h"

/* What the token API says of a token. */
#define ANSWER(token) "{\"success\":true,\"access_token\":\"" token "\"}"
/* What the broker says of one that is dead, with 401. */
#define DEAD                                                                                       \
	"{\"status\":\"error\",\"errors\":[{\"errorCode\":\"UDAPI100050\",\"message\":\"Invalid "  \
	"token used to access API\"}]}"
#define GOOD_REPLY                                                                                 \
	{                                                                                          \
		200, "{\"status\":\"success\",\"data\":{}}", NULL                                  \
	}
#define DEAD_REPLY                                                                                 \
	{                                                                                          \
		401, DEAD, NULL                                                                    \
	}

#define LOOK_MS 260 /* the wall clock has been looked at meanwhile */

struct stand {
	struct ws_rig rig;
	struct http_client *http;
	struct script api; /* the token API */
	struct keeper keeper;
	struct token *token;
	struct module *module;
	struct token_listener listener;
	char url[64];
	int told;
	char bearer[64]; /* at the last time it was told; "" = none */
	int failed;      /* times on_failed was called */
	/* answers of offers and questions */
	int answers;
	enum proof_verdict verdict;
	char asked[64], code[32];
	int status;
};

/* The token API that most tests begin with: it gives "tok-one". */
extern const struct script_reply stand_first[1];

/* Nothing is started yet: change s->keeper.cfg and the broker's script (at first: good) now. */
void stand_up(struct stand *s, const struct script_reply *replies, size_t n);
void stand_begin(struct stand *s); /* also again, after keeper_stop() */
void stand_ready(struct stand *s); /* begins, and turns until a token is in place */
void stand_down(struct stand *s);

/* The wall clock stands at "2026-01-23T03:29:59" IST until it is advanced. Returns that instant. */
int64_t stand_at(struct stand *s, const char *ist);

/* Turns until the script was asked `n` times; until the generation is another than `old`. */
void stand_until_asked(struct stand *s, const struct script *script, unsigned n);
void stand_until_next(struct stand *s, uint64_t old);

/* For rig_until(), with the stand as argument. */
bool stand_is_ready(void *arg);
bool stand_is_failed(void *arg);
bool stand_has_answer(void *arg);

uint64_t stand_generation(const struct stand *s);
const char *stand_bearer(const struct stand *s); /* "" = none */

/* token_offer() and token_validate() whose answer is kept in the stand. */
int stand_offer(struct stand *s, const char *token);
int stand_validate(struct stand *s);

void check_health(struct stand *s, enum health want, const char *part);

/* Set-up and end of a group, and its last test: nothing that looks like a token was ever logged. */
int stand_log_begin(void **state);
int stand_log_end(void **state);
void test_log(void **state);

#endif
