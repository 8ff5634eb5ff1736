/* SPDX-License-Identifier: MIT
 *
 * keyring: a struct auth with a keys file in a folder of its own, on a clock that the test moves.
 */
#ifndef AGNI_TEST_KEYRING_H
#define AGNI_TEST_KEYRING_H

#include "auth/auth.h"
#include "auth/keys.h"
#include "parts.h"

#define KEYRING_NOW 1795370700000ll /* wall time at the start */

struct keyring {
	char folder[32], path[64], empty[1];
	struct auth_config cfg;
	const char *origins; /* NULL: none */
	struct audit *audit; /* what happens is recorded there; NULL: nowhere */
	struct auth *auth;   /* NULL before keyring_open */
	struct keys keys;    /* what is in the file */
};

/* No file yet. Stops the rig's clock. */
void keyring_up(struct keyring *k, struct ws_rig *r);

/* Puts a key into the file; `text` gets it. `scope` NULL: all. */
void keyring_add(struct keyring *k, struct key key, const char *scope, char text[KEY_TEXT_LEN + 1]);

/* Takes it out of the file. */
void keyring_revoke(struct keyring *k, const char *name);

/* Writes the file as k->keys is now. */
void keyring_save(struct keyring *k);

/* Starts the module. */
void keyring_open(struct keyring *k, struct ws_rig *r);

/* What SIGHUP does; has to succeed. */
void keyring_reload(struct keyring *k);
void keyring_down(struct keyring *k, struct ws_rig *r);

/* "Bearer <text>", in a static buffer. */
const char *bearer(const char *text);

#endif
