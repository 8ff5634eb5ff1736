/* SPDX-License-Identifier: MIT
 *
 * keeper: see keeper.h.
 */
#include "keeper.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "parts.h"

static const struct script_reply good[] = {{200, "{\"status\":\"success\",\"data\":{}}", NULL}};

void keeper_up(struct ws_rig *r, struct keeper *k, struct http_client *http)
{
	memset(k, 0, sizeof(*k));
	k->http = http;
	script_up(r, &k->broker, good, 1);
	snprintf(k->broker_url, sizeof(k->broker_url), "http://127.0.0.1:%d", k->broker.port);
	snprintf(k->account, sizeof(k->account), "a");
	snprintf(k->dir, sizeof(k->dir), "/tmp/agni-keeper-XXXXXX");
	if (!mkdtemp(k->dir))
		fail_msg("no folder %s", k->dir);
	k->cfg = (struct token_config){.account = k->account,
				       .source_url = k->empty,
				       .access_token = k->given,
				       .analytics_token = k->empty,
				       .analytics_expires = k->empty,
				       .ttl_h = 24,
				       .renew_before_s = 0,
				       .retries = 3,
				       .retry_ms = 20,
				       .poll_s = 1,
				       .timeout_ms = 10000,
				       .seal_key_file = k->empty,
				       .client_id = k->empty,
				       .client_secret = k->empty,
				       .redirect_uri = k->empty,
				       .notifier_path = k->empty};
	k->deps = (struct token_deps){.loop = &r->loop,
				      .http = http,
				      .cfg = &k->cfg,
				      .api_url = k->broker_url,
				      .api_url_fallback = "",
				      .dir = k->dir};
}

void keeper_start(struct keeper *k)
{
	k->token = token_create(&k->deps);
	k->mod = token_module(k->token);
	module_up(k->mod);
}

void keeper_stop(struct ws_rig *r, struct keeper *k)
{
	if (!k->token)
		return;
	module_down(r, k->mod);
	token_destroy(k->token);
	k->token = NULL;
}

static void remove_dir(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char name[512];

	while (d && (e = readdir(d))) {
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		unlink(name);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

void keeper_down(struct ws_rig *r, struct keeper *k)
{
	keeper_stop(r, k);
	script_down(r, &k->broker);
	remove_dir(k->dir);
}

static bool is_ready(void *arg)
{
	return token_get_state(arg) == TOKEN_READY;
}

void keeper_until_ready(struct ws_rig *r, struct keeper *k)
{
	rig_until(r, is_ready, k->token);
}
