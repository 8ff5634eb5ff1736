/* SPDX-License-Identifier: MIT
 *
 * door: a server whose routes want a role each, with keys, and a client that knocks. Every route
 * answers with who the caller is.
 */
#ifndef AGNI_TEST_DOOR_H
#define AGNI_TEST_DOOR_H

#include "audit_lab.h"
#include "keyring.h"

struct door {
	struct ws_rig rig;
	struct http_client *http;
	struct http_server *server;
	struct keyring ring;
	int port;
	bool is_done;
	int status;
	int64_t retry_after_s;
	char body[512];
	const char *headers; /* of the next request; NULL: none */
};

/* Keys and configuration may be changed before door_open(). */
void door_up(struct door *s);
void door_open(
	struct door *s); /* routes /anyone, /viewer, /trader, /operator, /admin; POST /viewer */
void door_down(struct door *s);

/* The status of the answer. `key` and `authorization` NULL: without one; `body` NULL: a GET. */
int door_ask(struct door *s, const char *target, const char *key);
int door_ask_with(struct door *s, const char *target, const char *authorization, const char *body);

/* The code of the error envelope that came, in a static buffer. */
const char *door_code(struct door *s);

uint64_t door_metric(struct door *s, const char *name);
const char *door_health(struct door *s); /* why it is UP, in a static buffer */

#endif
