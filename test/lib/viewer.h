/* SPDX-License-Identifier: MIT
 *
 * viewer: the stream module on a market that the test writes, and its clients on bare sockets.
 */
#ifndef AGNI_TEST_VIEWER_H
#define AGNI_TEST_VIEWER_H

#include <cjson/cJSON.h>

#include "parts.h"
#include "stream/stream.h"
#include "stream/stream_internal.h"

struct theatre {
	struct ws_rig rig;
	struct market market;
	struct stream_config cfg;
	struct auth *auth;       /* NULL: whoever connects may everything */
	const struct bars *bars; /* NULL: no channel of bars */
	struct signals *signals; /* NULL: no channel of signals */
	struct store *store;     /* NULL: clients are told of nowhere */
	struct chains *chains;   /* NULL: no channel of chains */
	struct futures *futures; /* NULL: no channel of futures */
	/* NULL: selectors are not served */
	unsigned (*select)(const void *arg, const char *text, size_t len, price_t *middle,
			   refdata_key_fn *fn, void *fn_arg, struct resolve_miss *miss);
	const char *(*money_key)(const void *arg, const char *text, size_t len);
	struct stream *stream;
	struct module *mod;
	char listen[32], origins[128], http_listen[64];
	int port;
};

/* Ready to start; change cfg, then theatre_open(). Keys with "UNKNOWN" in them are not known. */
void theatre_up(struct theatre *t);
void theatre_open(struct theatre *t);

/* Stops the module and all the rest; fails when something is left. */
void theatre_down(struct theatre *t);

/* What theatre_down does when the module has stopped. */
void theatre_fini(struct theatre *t);

/* The server's side of the client that connected last; NULL when there is none. */
struct client *theatre_client(struct theatre *t);

/* A client that reads JSON. */
struct viewer {
	struct theatre *theatre;
	struct ws_peer *peer;
	size_t next; /* frame to look at */
};

/* Connects to /ws; the connection and status messages are checked and skipped. */
void viewer_open(struct theatre *t, struct viewer *v);

/* Sends a command (text). */
void viewer_say(struct viewer *v, const char *json);

/* The next text frame as JSON, strictly; waits for it. The caller deletes. */
cJSON *viewer_hear(struct viewer *v);

/* The same, which must be of this type. */
cJSON *viewer_hear_type(struct viewer *v, const char *type);

/* viewer_say, and the answer of that type. */
cJSON *viewer_ask(struct viewer *v, const char *json, const char *type);

/* Subscribes to one instrument in one mode; the answer must be "subscribed". */
void viewer_subscribe(struct viewer *v, const char *key, const char *mode);

/* Whether a text frame has come that was not looked at. */
bool viewer_has_news(struct viewer *v);

/* The names of an object's members in order, with spaces between; in a static buffer. */
const char *member_names(const cJSON *json);
const char *member_str(const cJSON *json, const char *name); /* fails when it is no string */
double member_num(const cJSON *json, const char *name);      /* fails when it is no number */

#endif
