/* SPDX-License-Identifier: MIT
 *
 * The audit module on a real loop, over a disk that fails on request: people are refused, acts of
 * the server wait, health says so, and everything is written when the disk is back.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "../lib/audit_lab.h"
#include "../lib/check.h"
#include "../lib/parts.h"
#include "auth/audit.h"

struct world {
	struct ws_rig rig;
	struct lab lab;
	struct audit_config cfg;
	struct audit *audit;
	struct module *mod;
};

static void create(struct world *w)
{
	w->audit = audit_create(&(struct audit_deps){
		.loop = &w->rig.loop, .cfg = &w->cfg, .data_dir = w->lab.dir, .io = &lab_io});
	w->mod = audit_module(w->audit);
}

static void world_up(struct world *w)
{
	*w = (struct world){.cfg = {.file = (char[]){""},
				    .rotate_bytes = 65536,
				    .sync_ms = 1,
				    .queue_max = 5,
				    .retry_ms = 10}};
	lab_up(&w->lab);
	ws_rig_up(&w->rig);
	create(w);
}

static void world_down(struct world *w)
{
	lab_disk = (struct lab_disk){0};
	audit_destroy(w->audit);
	ws_rig_down(&w->rig);
	lab_down(&w->lab);
}

static int act(struct world *w, bool is_of_person, const char *name, struct agni_err *err)
{
	const struct audit_act a = {.act = name,
				    .who = is_of_person ? "key:desk1" : "server",
				    .peer = "",
				    .detail = "",
				    .is_of_person = is_of_person};

	return audit_write(w->audit, &a, err);
}

static void own_act(struct world *w, const char *name)
{
	check_i64(act(w, false, name, NULL), 0);
}

static enum health health(struct world *w)
{
	static char why[HEALTH_WHY_MAX];

	return w->mod->ops->health(w->mod, why);
}

static bool is_up(void *arg)
{
	return health(arg) == HEALTH_UP;
}

static bool is_degraded(void *arg)
{
	return health(arg) == HEALTH_DEGRADED;
}

/* The place of `name` in the log, or -1. */
static long place(struct world *w, const char *name)
{
	char what[64], *text, *at;
	size_t len;
	long found;

	snprintf(what, sizeof(what), "\"act\":\"%s\"", name);
	text = lab_read(w->lab.path, &len);
	at = strstr(text, what);
	found = at ? at - text : -1;
	free(text);
	return found;
}

static void test_records(void **state)
{
	struct world w;
	struct agni_err err = {0};

	(void)state;
	world_up(&w);
	check_i64(audit_write(NULL, &(struct audit_act){.act = "x"}, &err), 0);
	module_up(w.mod);
	check_i64(act(&w, true, "token.updated", &err), 0);
	own_act(&w, "token.fetched");
	check_i64(health(&w), HEALTH_UP);
	module_down(&w.rig, w.mod);
	check_i64(module_metric(w.mod, "records_total"), 4);
	lab_check_sound(&w.lab, 4);
	check(place(&w, "server.started") < place(&w, "token.updated"));
	check(place(&w, "token.updated") < place(&w, "token.fetched"));
	check(place(&w, "token.fetched") < place(&w, "server.stopped"));
	check_i64(act(&w, true, "late", &err), AGNI_ECLOSED); /* not in silence */
	world_down(&w);
}

static void check_full(struct world *w, int code)
{
	char why[HEALTH_WHY_MAX];
	struct agni_err err = {0};

	check_i64(act(w, true, "refused", &err), code);
	check(strstr(err.text, "the audit log cannot be written: ") != NULL);
	check_i64(w->mod->ops->health(w->mod, why), HEALTH_DEGRADED);
	check(strstr(why, "cannot be written") != NULL);
	for (int i = 0; i < 3; i++)
		own_act(w, "waiting.act");
	check_i64(module_metric(w->mod, "queued"), 3);
	check_i64(act(w, true, "refused", &err), code);
}

/* Full, or broken: refused, queued, degraded; and back without anybody's help. */
static void test_disk_refuses(void **state)
{
	static const struct lab_disk disks[] = {
		{.write_errno = ENOSPC}, {.write_errno = EIO}, {.full_at = 200}};
	static const int codes[] = {UV_ENOSPC, UV_EIO, UV_ENOSPC};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(disks); i++) {
		struct world w;
		struct agni_err err;

		world_up(&w);
		module_up(w.mod);
		lab_disk = disks[i];
		check_full(&w, codes[i]);
		lab_disk = (struct lab_disk){0};
		rig_until(&w.rig, is_up, &w);
		check_i64(module_metric(w.mod, "queued"), 0);
		check_i64(module_metric(w.mod, "refused_total"), 2);
		check_i64(act(&w, true, "accepted", &err), 0);
		check_i64(place(&w, "refused"), -1);
		check(place(&w, "waiting.act") > 0);
		check(place(&w, "waiting.act") < place(&w, "accepted"));
		module_down(&w.rig, w.mod);
		lab_check_sound(&w.lab, 6);
		world_down(&w);
	}
}

/* A person who comes first when the disk is back does not overtake what waited. */
static void test_order_is_kept(void **state)
{
	struct world w;
	struct agni_err err;

	(void)state;
	world_up(&w);
	w.cfg.retry_ms = 60000;
	module_up(w.mod);
	lab_disk.write_errno = ENOSPC;
	own_act(&w, "waiting.act");
	lab_disk.write_errno = 0;
	own_act(&w, "waiting.too");
	check_i64(act(&w, true, "accepted", &err), 0);
	check_i64(health(&w), HEALTH_UP);
	check(place(&w, "waiting.act") < place(&w, "waiting.too"));
	check(place(&w, "waiting.too") < place(&w, "accepted"));
	module_down(&w.rig, w.mod);
	world_down(&w);
}

/* The queue is bounded; what it could not take is a number in the log. */
static void test_queue_is_bounded(void **state)
{
	struct world w;
	size_t len;
	char *text;

	(void)state;
	world_up(&w);
	module_up(w.mod);
	lab_disk.write_errno = ENOSPC;
	for (int i = 0; i < 12; i++)
		own_act(&w, "waiting.act");
	check_i64(module_metric(w.mod, "queued"), 5);
	check_i64(module_metric(w.mod, "dropped_total"), 7);
	lab_disk.write_errno = 0;
	rig_until(&w.rig, is_up, &w);
	text = lab_read(w.lab.path, &len);
	check(strstr(text, "\"detail\":\"7 acts of the server were not recorded\"") != NULL);
	free(text);
	module_down(&w.rig, w.mod);
	lab_check_sound(&w.lab, 1 + 5 + 1 + 1);
	world_down(&w);
}

/* A disk that is full at the start does not keep the server from starting; a wrong path does. */
static void test_start(void **state)
{
	struct world w;
	struct agni_err err = {0};

	(void)state;
	world_up(&w);
	lab_disk.open_errno = ENOSPC;
	module_up(w.mod);
	check_i64(health(&w), HEALTH_DEGRADED);
	check_i64(act(&w, true, "refused", &err), UV_ENOSPC);
	lab_disk.open_errno = 0;
	rig_until(&w.rig, is_up, &w);
	check(place(&w, "server.started") > 0);
	module_down(&w.rig, w.mod);
	audit_destroy(w.audit);
	w.cfg.file = (char[]){"/nonexistent/audit.log"};
	create(&w);
	check_i64(w.mod->ops->start(w.mod, &err), UV_ENOENT);
	check(strstr(err.text, "/nonexistent/audit.log") != NULL);
	world_down(&w);
}

/* Acts before the start wait for it. */
static void test_before_the_start(void **state)
{
	struct world w;

	(void)state;
	world_up(&w);
	own_act(&w, "early");
	module_up(w.mod);
	rig_until(&w.rig, is_up, &w);
	own_act(&w, "later");
	check(place(&w, "early") > 0 && place(&w, "early") < place(&w, "later"));
	module_down(&w.rig, w.mod);
	world_down(&w);
}

/* The sync runs behind the loop's back; when it fails people are refused until it holds. */
static void test_failed_sync(void **state)
{
	struct world w;
	struct agni_err err;

	(void)state;
	world_up(&w);
	w.cfg.retry_ms = 60000;
	module_up(w.mod);
	lab_disk.sync_errno = EIO;
	check_i64(act(&w, true, "first", &err), 0);
	rig_until(&w.rig, is_degraded, &w);
	check_i64(act(&w, true, "refused", &err), UV_EIO);
	lab_disk.sync_errno = 0;
	check_i64(act(&w, true, "second", &err), 0);
	check_i64(health(&w), HEALTH_UP);
	module_down(&w.rig, w.mod);
	check_i64(place(&w, "refused"), -1);
	lab_check_sound(&w.lab, 4);
	world_down(&w);
}

static bool has_synced(void *arg)
{
	(void)arg;
	return lab_disk.syncs > 0;
}

static void test_sync_policy(void **state)
{
	struct world w;
	struct agni_err err;

	(void)state;
	world_up(&w);
	module_up(w.mod);
	lab_disk.syncs = 0;
	check_i64(act(&w, true, "first", &err), 0);
	check_i64(lab_disk.syncs, 0); /* not on the loop */
	rig_until(&w.rig, has_synced, NULL);
	w.cfg.sync_ms = 0; /* before the answer */
	for (unsigned n = 0; n < 3; n++) {
		unsigned before = lab_disk.syncs;

		check_i64(act(&w, true, "second", &err), 0);
		check(lab_disk.syncs > before);
	}
	lab_disk.sync_errno = EIO;
	check_i64(act(&w, true, "refused", &err), UV_EIO);
	lab_disk.sync_errno = 0;
	module_down(&w.rig, w.mod);
	world_down(&w);
}

static void test_rotation(void **state)
{
	struct world w;
	struct agni_err err;
	uint64_t n = 0;

	(void)state;
	world_up(&w);
	module_up(w.mod);
	while (module_metric(w.mod, "rotations_total") < 2) {
		check_i64(act(&w, true, "filler", &err), 0);
		ws_rig_turn(&w.rig); /* syncs are in flight while files change */
		n++;
	}
	module_down(&w.rig, w.mod);
	lab_check_sound(&w.lab, n + 2 + 2);
	world_down(&w);
}

/* Nothing is left to hope for: the stop does not hang, and says what is lost. */
static void test_stop_on_a_full_disk(void **state)
{
	struct world w;

	(void)state;
	world_up(&w);
	module_up(w.mod);
	lab_disk.write_errno = ENOSPC;
	own_act(&w, "waiting.act");
	log_capture();
	module_down(&w.rig, w.mod);
	check(strstr(log_captured(), "2 acts of the server are not recorded") != NULL);
	log_release();
	world_down(&w);
}

static void test_record_of_a_command(void **state)
{
	struct world w;
	struct agni_err err;
	const struct audit_act a = {.act = "key.added", .who = "root", .is_of_person = true};

	(void)state;
	world_up(&w);
	module_up(w.mod);
	check_i64(audit_record(w.lab.path, &a, &err), 0); /* beside the server */
	check_i64(act(&w, true, "token.updated", &err), 0);
	module_down(&w.rig, w.mod);
	lab_check_sound(&w.lab, 4);
	check(place(&w, "key.added") < place(&w, "token.updated"));
	check_i64(audit_record("/nonexistent/x", &a, &err), UV_ENOENT);
	world_down(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_disk_refuses),
		cmocka_unit_test(test_order_is_kept),
		cmocka_unit_test(test_queue_is_bounded),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_before_the_start),
		cmocka_unit_test(test_failed_sync),
		cmocka_unit_test(test_sync_policy),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_stop_on_a_full_disk),
		cmocka_unit_test(test_record_of_a_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
