/* SPDX-License-Identifier: MIT
 *
 * keeper: a token module with all that it needs: a folder of its own, and a broker that says to
 * every question about a token what a script says (at first: good).
 */
#ifndef AGNI_TEST_KEEPER_H
#define AGNI_TEST_KEEPER_H

#include "script.h"
#include "token/token.h"

struct keeper {
	struct http_client *http; /* lent */
	struct script broker;
	char broker_url[64];
	char dir[64];
	char empty[1], account[16], given[256];
	struct token_config cfg; /* change it before keeper_start() */
	struct token_deps deps;  /* the same */
	struct token *token;     /* NULL before keeper_start() */
	struct module *mod;
};

/* The account is "a"; no source of tokens. */
void keeper_up(struct ws_rig *r, struct keeper *k, struct http_client *http);

/* Creates and starts the module. */
void keeper_start(struct keeper *k);

/* Stops and destroys the module, when it was started; the folder and the broker stay. */
void keeper_stop(struct ws_rig *r, struct keeper *k);

/* keeper_stop, and the rest. */
void keeper_down(struct ws_rig *r, struct keeper *k);

/* Turns until a token is in place. */
void keeper_until_ready(struct ws_rig *r, struct keeper *k);

#endif
