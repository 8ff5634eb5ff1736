/* SPDX-License-Identifier: MIT
 *
 * auth: the module, and the keys through start and reload; see auth.h. door.c judges.
 */
#include "auth/auth.h"

#include <stdio.h>
#include <stdlib.h>

#include "auth/auth_internal.h"

const struct config_key auth_config_keys[] = {
	CONFIG_STR(struct auth_config, keys_file, "", "",
		   "API keys, made by: agnidata key add; empty = keys.jsonl in server.data_dir"),
	CONFIG_INT_F(struct auth_config, ticket_s, 30, 1, 600, "s",
		     "life of a one-use ticket for /ws", CONFIG_RELOAD),
	{0},
};

const struct config_key limits_config_keys[] = {
	CONFIG_INT_F(struct auth_config, requests_per_s, 50, 1, 1000000, "1/s",
		     "REST requests of a key, twice as many in a burst; more are answered 429",
		     CONFIG_RELOAD),
	CONFIG_INT_F(struct auth_config, connections_per_key, 100, 1, 1000000, "",
		     "WebSocket connections of a key at once; more are answered 429",
		     CONFIG_RELOAD),
	CONFIG_INT_F(struct auth_config, failures_per_min, 10, 1, 1000000, "1/min",
		     "wrong keys of an address; more are answered 429 instead of 401",
		     CONFIG_RELOAD),
	CONFIG_INT_F(struct auth_config, handshakes_per_s, 200, 1, 1000000, "1/s",
		     "WebSocket handshakes of an address, five times as many in a burst; more are "
		     "answered 429",
		     CONFIG_RELOAD),
	{0},
};

/* --- the keys --------------------------------------------------------------------------------- */

void auth_keys_path(const struct auth_config *cfg, const char *data_dir, char out[AUTH_PATH_MAX])
{
	if (cfg->keys_file[0])
		snprintf(out, AUTH_PATH_MAX, "%s", cfg->keys_file);
	else
		snprintf(out, AUTH_PATH_MAX, "%s/keys.jsonl", data_dir);
}

/* 1: read; 0: there is no file, and none is asked for. */
static int read_keys(const struct auth_config *cfg, const char *data_dir, struct keys *out,
		     struct agni_err *err)
{
	char path[AUTH_PATH_MAX];
	int rc;

	auth_keys_path(cfg, data_dir, path);
	rc = keys_load(out, path, err);
	if (rc == AGNI_ENOTFOUND && !cfg->keys_file[0])
		return 0;
	if (rc < 0)
		return agni_wrap(err, "auth.keys_file");
	return 1;
}

int auth_survey(const struct auth_config *cfg, const char *data_dir, int64_t now_ms,
		struct auth_survey *out, struct agni_err *err)
{
	struct keys keys = {0};
	int rc = read_keys(cfg, data_dir, &keys, err);

	*out = (struct auth_survey){.has_file = rc == 1, .keys = keys.n};
	for (size_t i = 0; i < keys.n; i++)
		out->usable += !key_is_expired(&keys.all[i], now_ms);
	keys_fini(&keys);
	return rc < 0 ? rc : 0;
}

struct key *auth_key_of(const struct auth *a, uint64_t serial)
{
	for (size_t i = 0; serial && i < a->keys.n; i++) {
		if (a->keys.all[i].serial == serial)
			return &a->keys.all[i];
	}
	return NULL;
}

/* The same key with the same rights; its name and limits may be others. */
static bool is_same_key(const struct key *a, const struct key *b)
{
	return strcmp(a->id, b->id) == 0 && a->role == b->role && a->expires_ms == b->expires_ms &&
	       memcmp(a->hash, b->hash, sizeof(a->hash)) == 0 &&
	       memcmp(a->salt, b->salt, sizeof(a->salt)) == 0 &&
	       scope_is_equal(&a->scope, &b->scope);
}

/* What changes while the server runs is said in the log, and recorded; what is there at the start is
 * no change. */
static void note_change(struct auth *a, const char *act, const struct key *key)
{
	char detail[128];

	snprintf(detail, sizeof(detail), "%s (%s): %s%s", key->name, key->id, role_text(key->role),
		 key->scope.n ? ", with a scope" : "");
	log_info("auth", "%s: %s", act, detail);
	if (a->is_started)
		(void)!audit_write(
			a->deps.audit,
			&(struct audit_act){
				.act = act, .who = "signal", .peer = "", .detail = detail},
			NULL); /* an act of ours: never fails */
}

/* By its id alone: another key may have been given it as a name meanwhile. */
static const struct key *key_with_id(const struct keys *keys, const char *id)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (strcmp(keys->all[i].id, id) == 0)
			return &keys->all[i];
	}
	return NULL;
}

/* What runs with a key goes on with it, if it is the same. */
static void take_over(struct auth *a, struct key *key)
{
	const struct key *old = key_with_id(&a->keys, key->id);

	if (old && is_same_key(old, key)) {
		key->serial = old->serial;
		key->open = old->open;
		key->requests = old->requests;
		return;
	}
	key->serial = ++a->last_serial;
	note_change(a, old ? "key.changed" : "key.loaded", key);
}

static void put_in_place(struct auth *a, struct keys *next)
{
	for (size_t i = 0; i < next->n; i++)
		take_over(a, &next->all[i]);
	for (size_t i = 0; i < a->keys.n; i++) {
		if (!key_with_id(next, a->keys.all[i].id))
			note_change(a, "key.dropped", &a->keys.all[i]);
	}
	keys_fini(&a->keys);
	a->keys = *next;
	a->keys_n = next->n;
	a->is_open = false;
}

int auth_reload(struct auth *a, struct agni_err *err)
{
	struct keys next = {0};
	int rc = read_keys(a->deps.cfg, a->deps.data_dir, &next, err);

	if (rc == 0 && a->is_open)
		return 0; /* none before, none now */
	if (rc == 0)
		rc = agni_fail(err, AGNI_ENOTFOUND,
			       "the keys file is gone; to run without keys, restart");
	if (rc < 0) {
		a->reload_errors++;
		return rc;
	}
	put_in_place(a, &next);
	a->reloads++;
	list_for_each (it, &a->listeners) {
		struct auth_listener *l = container_of(it, struct auth_listener, link);

		l->on_change(l);
	}
	return 0;
}

bool auth_is_open(const struct auth *a)
{
	return a->is_open;
}

void auth_listen(struct auth *a, struct auth_listener *l)
{
	list_append(&a->listeners, &l->link);
}

/* --- callers ---------------------------------------------------------------------------------- */

bool auth_is_current(const struct auth *a, const struct auth_caller *c)
{
	return c->serial ? auth_key_of(a, c->serial) != NULL : a->is_open;
}

const struct scope *auth_scope(const struct auth *a, const struct auth_caller *c)
{
	static char nothing[] = ""; /* no instrument key is empty */
	static char *members[] = {nothing};
	static const struct scope sees_nothing = {members, 1};
	static const struct scope sees_all = {0};
	const struct key *key = auth_key_of(a, c->serial);

	if (key)
		return &key->scope;
	return a->is_open ? &sees_all : &sees_nothing;
}

void auth_connection_opened(struct auth *a, const struct auth_caller *c)
{
	struct key *key = auth_key_of(a, c->serial);

	a->connections++;
	if (key)
		key->open++;
}

void auth_connection_closed(struct auth *a, const struct auth_caller *c)
{
	struct key *key = auth_key_of(a, c->serial);

	AGNI_ASSERT(a->connections > 0 && (!key || key->open > 0));
	a->connections--;
	if (key)
		key->open--;
}

/* --- the module ------------------------------------------------------------------------------- */

struct auth *auth_create(const struct auth_deps *deps)
{
	struct auth *a = mem_zalloc(sizeof(*a));

	a->deps = *deps;
	a->is_open = true;
	a->tickets = mem_zalloc(sizeof(*a->tickets));
	rate_table_init(&a->failures);
	rate_table_init(&a->handshakes);
	list_init(&a->listeners);
	return a;
}

void auth_destroy(struct auth *a)
{
	keys_fini(&a->keys);
	rate_table_fini(&a->failures);
	rate_table_fini(&a->handshakes);
	explicit_bzero(a->tickets, sizeof(*a->tickets));
	free(a->tickets);
	free(a);
}

static size_t expired(const struct auth *a)
{
	int64_t now = clock_wall_ms(a->deps.loop->clock);
	size_t n = 0;

	for (size_t i = 0; i < a->keys.n; i++)
		n += key_is_expired(&a->keys.all[i], now);
	return n;
}

static int auth_start(struct module *m, struct agni_err *err)
{
	struct auth *a = container_of(m, struct auth, mod);
	struct keys keys = {0};
	int rc = read_keys(a->deps.cfg, a->deps.data_dir, &keys, err);

	if (rc < 0)
		return err->code = AGNI_ECONFIG; /* whatever it was: exit code 2 */
	if (rc == 1)
		put_in_place(a, &keys);
	a->is_started = true;
	if (a->is_open)
		log_warn("auth", "NO API KEYS: the server listens on loopback only, and every "
				 "program of this machine may do everything; to change that: "
				 "agnidata key add");
	else if (expired(a) == a->keys.n)
		log_warn("auth", "there is no key that could be used: nobody can come in");
	return 0;
}

static void auth_stop(struct module *m, module_stopped_fn *done)
{
	done(m);
}

static enum health auth_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct auth *a = container_of(m, struct auth, mod);

	if (a->is_open)
		snprintf(why, HEALTH_WHY_MAX,
			 "OPEN: no API keys; every program of this machine may do everything");
	else
		snprintf(why, HEALTH_WHY_MAX, "%zu keys, %zu of them expired", a->keys.n,
			 expired(a));
	return HEALTH_UP;
}

static const struct metric auth_metrics[] = {
	{"keys", "API keys", METRIC_GAUGE, offsetof(struct auth, keys_n)},
	{"connections", "WebSocket connections that were admitted", METRIC_GAUGE,
	 offsetof(struct auth, connections)},
	{"admitted_total", "Requests and handshakes let in", METRIC_COUNTER,
	 offsetof(struct auth, admitted)},
	{"unauthorized_total", "Requests and handshakes answered 401", METRIC_COUNTER,
	 offsetof(struct auth, unauthorized)},
	{"forbidden_total", "Requests and handshakes answered 403 for what a key may not",
	 METRIC_COUNTER, offsetof(struct auth, forbidden)},
	{"limited_total", "Requests and handshakes answered 429", METRIC_COUNTER,
	 offsetof(struct auth, limited)},
	{"tickets_total", "One-use tickets given out", METRIC_COUNTER,
	 offsetof(struct auth, tickets_issued)},
	{"tickets_used_total", "One-use tickets used", METRIC_COUNTER,
	 offsetof(struct auth, tickets_used)},
	{"reloads_total", "Times the keys were read again", METRIC_COUNTER,
	 offsetof(struct auth, reloads)},
	{"reload_errors_total", "Times the keys could not be read again", METRIC_COUNTER,
	 offsetof(struct auth, reload_errors)},
	{0},
};

static const struct module_ops auth_ops = {
	.name = "auth",
	.start = auth_start,
	.stop = auth_stop,
	.health = auth_health,
	.metrics = auth_metrics,
	.mod_offset = offsetof(struct auth, mod),
};

struct module *auth_module(struct auth *a)
{
	a->mod.ops = &auth_ops;
	return &a->mod;
}
