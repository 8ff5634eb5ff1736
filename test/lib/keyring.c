/* SPDX-License-Identifier: MIT
 *
 * keyring: see keyring.h.
 */
#include "keyring.h"

#include <stdio.h>
#include <unistd.h>

#include "check.h"

void keyring_up(struct keyring *k, struct ws_rig *r)
{
	memset(k, 0, sizeof(*k));
	clock_init_manual(&r->clock, CLOCK_SYSTEM, KEYRING_NOW);
	clock_advance(&r->clock, 1000);
	snprintf(k->folder, sizeof(k->folder), "/tmp/agni_auth_XXXXXX");
	check(mkdtemp(k->folder) != NULL);
	snprintf(k->path, sizeof(k->path), "%s/keys.jsonl", k->folder);
	k->cfg = (struct auth_config){.keys_file = k->empty,
				      .ticket_s = 30,
				      .requests_per_s = 1000,
				      .connections_per_key = 100,
				      .failures_per_min = 1000,
				      .handshakes_per_s = 1000};
}

void keyring_save(struct keyring *k)
{
	struct agni_err err;

	if (keys_save(&k->keys, k->path, &err) < 0)
		fail_msg("%s", err.text);
}

void keyring_add(struct keyring *k, struct key key, const char *scope, char text[KEY_TEXT_LEN + 1])
{
	struct agni_err err;

	if ((scope && scope_add_list(&key.scope, scope, &err) < 0) ||
	    keys_add(&k->keys, &key, KEYRING_NOW, text, &err) < 0)
		fail_msg("%s", err.text);
	keyring_save(k);
}

void keyring_revoke(struct keyring *k, const char *name)
{
	keys_remove(&k->keys, keys_find(&k->keys, name));
	keyring_save(k);
}

void keyring_open(struct keyring *k, struct ws_rig *r)
{
	k->auth = auth_create(&(struct auth_deps){.loop = &r->loop,
						  .cfg = &k->cfg,
						  .data_dir = k->folder,
						  .origins = k->origins,
						  .audit = k->audit});
	module_up(auth_module(k->auth));
}

void keyring_reload(struct keyring *k)
{
	struct agni_err err;

	if (auth_reload(k->auth, &err) < 0)
		fail_msg("%s", err.text);
}

void keyring_down(struct keyring *k, struct ws_rig *r)
{
	if (k->auth) {
		check_i64(module_metric(auth_module(k->auth), "connections"), 0);
		module_down(r, auth_module(k->auth));
		auth_destroy(k->auth);
	}
	keys_fini(&k->keys);
	unlink(k->path);
	check_i64(rmdir(k->folder), 0);
}

const char *bearer(const char *text)
{
	static char out[256];

	snprintf(out, sizeof(out), "Bearer %s", text);
	return out;
}
