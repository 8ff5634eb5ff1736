/* SPDX-License-Identifier: MIT
 *
 * The door over time: keys that come, change and go while it stands open, what is put on record,
 * and what it does not start with.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/check.h"
#include "../lib/door.h"

/* --- reload ----------------------------------------------------------------------------------- */

struct ear {
	struct auth_listener listener;
	unsigned calls;
};

static void on_change(struct auth_listener *l)
{
	container_of(l, struct ear, listener)->calls++;
}

static void test_reload(void **state)
{
	struct door s;
	struct ear ear = {.listener.on_change = on_change};
	char a[KEY_TEXT_LEN + 1], b[KEY_TEXT_LEN + 1];
	struct agni_err err;

	(void)state;
	door_up(&s);
	keyring_add(&s.ring, (struct key){.name = "a", .role = ROLE_VIEWER}, NULL, a);
	door_open(&s);
	auth_listen(s.ring.auth, &ear.listener);
	keyring_add(&s.ring, (struct key){.name = "b", .role = ROLE_VIEWER}, NULL, b);
	check_i64(door_ask(&s, "/viewer", b), 401); /* not before it is told */
	keyring_reload(&s.ring);
	check_i64(ear.calls, 1);
	check_i64(door_ask(&s, "/viewer", b), 200);
	keyring_revoke(&s.ring, "a");
	check_i64(door_ask(&s, "/viewer", a), 200);
	keyring_reload(&s.ring);
	check_i64(door_ask(&s, "/viewer", a), 401);
	check_str(door_code(&s), "key_invalid");
	check_i64(door_ask(&s, "/viewer", b), 200);
	/* A file that cannot be taken changes nothing. */
	check_i64(chmod(s.ring.path, 0644), 0);
	check_i64(auth_reload(s.ring.auth, &err), AGNI_EAUTH);
	check(strstr(err.text, s.ring.path) != NULL);
	check_i64(unlink(s.ring.path), 0);
	check_i64(auth_reload(s.ring.auth, &err), AGNI_ENOTFOUND);
	check(!auth_is_open(s.ring.auth)); /* a file that is gone opens nothing */
	check_i64(door_ask(&s, "/viewer", NULL), 401);
	check_i64(door_ask(&s, "/viewer", b), 200);
	check_i64(ear.calls, 2);
	check_i64(door_metric(&s, "reloads_total"), 2);
	check_i64(door_metric(&s, "reload_errors_total"), 2);
	/* The last key goes: nobody comes in, and it is not open. */
	keyring_revoke(&s.ring, "b");
	keyring_reload(&s.ring);
	check_i64(door_ask(&s, "/viewer", b), 401);
	check_i64(door_ask(&s, "/viewer", NULL), 401);
	door_down(&s);
}

/* What has other rights is another key; another name or limit changes nothing of who is there. */
static void test_reload_of_a_changed_key(void **state)
{
	struct door s;
	struct auth_caller c, d;
	struct auth_refusal why;
	struct agni_err err;
	char text[KEY_TEXT_LEN + 1];
	struct key *key;

	(void)state;
	door_up(&s);
	keyring_add(&s.ring, (struct key){.name = "a", .role = ROLE_VIEWER}, "NSE_FO|*", text);
	door_open(&s);
	check(auth_handshake(s.ring.auth, bearer(text), "", "127.0.0.1", &c, &why));
	check(auth_is_current(s.ring.auth, &c));
	key = keys_find(&s.ring.keys, "a");
	key->connections = 5;
	snprintf(key->name, sizeof(key->name), "other");
	keyring_save(&s.ring);
	keyring_reload(&s.ring);
	check(auth_is_current(s.ring.auth, &c));
	check(scope_permits(auth_scope(s.ring.auth, &c), "NSE_FO|1", 8));
	check(!scope_permits(auth_scope(s.ring.auth, &c), "NSE_EQ|1", 8));
	check_i64(scope_add(&key->scope, "NSE_EQ|*", &err), 0);
	keyring_save(&s.ring);
	keyring_reload(&s.ring);
	check(!auth_is_current(s.ring.auth, &c));
	check(!scope_permits(auth_scope(s.ring.auth, &c), "NSE_FO|1", 8)); /* sees nothing now */
	check(auth_handshake(s.ring.auth, bearer(text), "", "127.0.0.1", &d, &why));
	check(scope_permits(auth_scope(s.ring.auth, &d), "NSE_EQ|1", 8));
	key->role = ROLE_ADMIN;
	keyring_save(&s.ring);
	keyring_reload(&s.ring);
	check(!auth_is_current(s.ring.auth, &d));
	door_down(&s);
}

/* From no file to a file: who came in without a key is not current any more. */
static void test_reload_closes_the_door(void **state)
{
	struct door s;
	struct auth_caller c;
	struct auth_refusal why;
	char text[KEY_TEXT_LEN + 1];

	(void)state;
	door_up(&s);
	door_open(&s);
	check(auth_handshake(s.ring.auth, "", "", "127.0.0.1", &c, &why));
	keyring_reload(&s.ring); /* still no file: fine */
	check(auth_is_current(s.ring.auth, &c));
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, text);
	keyring_reload(&s.ring);
	check(!auth_is_current(s.ring.auth, &c));
	check(!auth_handshake(s.ring.auth, "", "", "127.0.0.1", &c, &why));
	check_i64(why.status, 401);
	check_i64(door_ask(&s, "/viewer", NULL), 401);
	check_i64(door_ask(&s, "/viewer", text), 200);
	door_down(&s);
}

/* --- on the record ---------------------------------------------------------------------------- */

/* How many records of the log hold both words. */
static unsigned records_with(struct lab *lab, const char *a, const char *b)
{
	size_t len;
	char *text = lab_read(lab->path, &len), *at = text, *line;
	unsigned n = 0;

	while ((line = strsep(&at, "\n")))
		n += strstr(line, a) && strstr(line, b);
	free(text);
	return n;
}

/* Refusals and what admins do are recorded; with a full disk an admin does nothing, and the rest
 * goes on. No key is ever in the log. */
static void test_audit(void **state)
{
	struct audit_config cfg = {.file = (char[]){""},
				   .rotate_bytes = 1 << 20,
				   .sync_ms = 1,
				   .queue_max = 100,
				   .retry_ms = 10};
	struct door s;
	struct lab lab;
	struct audit *audit;
	char viewer[KEY_TEXT_LEN + 1], root[KEY_TEXT_LEN + 1], late[KEY_TEXT_LEN + 1];

	(void)state;
	lab_up(&lab);
	door_up(&s);
	s.ring.cfg.failures_per_min = 3;
	audit = audit_create(&(struct audit_deps){
		.loop = &s.rig.loop, .cfg = &cfg, .data_dir = lab.dir, .io = &lab_io});
	module_up(audit_module(audit));
	s.ring.audit = audit;
	keyring_add(&s.ring, (struct key){.name = "desk", .role = ROLE_VIEWER}, NULL, viewer);
	keyring_add(&s.ring, (struct key){.name = "root", .role = ROLE_ADMIN}, NULL, root);
	door_open(&s);
	check_i64(door_ask(&s, "/viewer", "agni_guess"), 401);
	check_i64(records_with(&lab, "key.denied", "key_invalid: GET /viewer"), 1);
	check_i64(door_ask(&s, "/admin", viewer), 403);
	check_i64(records_with(&lab, "\"key:desk\"", "role_not_sufficient: GET /admin"), 1);
	check_i64(door_ask(&s, "/admin", root), 200);
	check_i64(records_with(&lab, "admin.call", "\"key:root\""), 1);
	check_i64(door_ask(&s, "/viewer", root), 200); /* reading is no act */
	for (int i = 0; i < 20; i++) {                 /* the record is not filled from outside */
		door_ask(&s, "/viewer", "agni_guess");
		door_ask(&s, "/admin", viewer);
	}
	check_i64(records_with(&lab, "key.denied", ""), 3);
	keyring_add(&s.ring, (struct key){.name = "late", .role = ROLE_VIEWER}, NULL, late);
	keyring_revoke(&s.ring, "desk");
	keyring_reload(&s.ring);
	check_i64(records_with(&lab, "key.loaded", "late"), 1);
	check_i64(records_with(&lab, "key.dropped", "desk"), 1);
	check_i64(records_with(&lab, "key.loaded", ""), 1); /* not those of the start */
	lab_disk.write_errno = ENOSPC;
	check_i64(door_ask(&s, "/admin", root), 503);
	check_str(door_code(&s), "audit_unavailable");
	check_i64(door_ask(&s, "/viewer", root), 200);
	check_i64(door_ask(&s, "/viewer", "agni_guess"), 429);
	lab_disk.write_errno = 0;
	check_i64(door_ask(&s, "/admin", root), 200);
	check_i64(records_with(&lab, viewer + 14, ""), 0);
	check_i64(records_with(&lab, root + 14, ""), 0);
	check_i64(records_with(&lab, "guess", ""), 0);
	door_down(&s);
	lab_down(&lab);
}

/* --- start ------------------------------------------------------------------------------------ */

/* A keys file that cannot be trusted, or that is named and not there, is no start. */
static void test_bad_start(void **state)
{
	struct ws_rig rig;
	struct keyring ring;
	char named[128];

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct agni_err err = {0};
		struct auth_survey survey;
		struct auth *a;

		ws_rig_up(&rig);
		keyring_up(&ring, &rig);
		snprintf(named, sizeof(named), "%s/none", ring.folder);
		keyring_save(&ring);
		if (i == 0)
			check_i64(chmod(ring.path, 0640), 0);
		else if (i == 1)
			check_i64(truncate(ring.path, 10), 0); /* NUL bytes are no keys */
		else
			ring.cfg.keys_file = named;
		check(auth_survey(&ring.cfg, ring.folder, KEYRING_NOW, &survey, &err) < 0);
		check(strncmp(err.text, "auth.keys_file: ", 16) == 0);
		a = auth_create(&(struct auth_deps){
			.loop = &rig.loop, .cfg = &ring.cfg, .data_dir = ring.folder});
		check_i64(auth_module(a)->ops->start(auth_module(a), &err), AGNI_ECONFIG);
		check(strstr(err.text, i == 2 ? named : ring.path) != NULL);
		auth_destroy(a);
		keyring_down(&ring, &rig);
		ws_rig_down(&rig);
	}
}

static void test_survey(void **state)
{
	struct ws_rig rig;
	struct keyring ring;
	struct auth_survey survey;
	struct agni_err err;
	char text[KEY_TEXT_LEN + 1];

	(void)state;
	ws_rig_up(&rig);
	keyring_up(&ring, &rig);
	check_i64(auth_survey(&ring.cfg, ring.folder, KEYRING_NOW, &survey, &err), 0);
	check(!survey.has_file && survey.keys == 0 && survey.usable == 0);
	keyring_add(&ring, (struct key){.role = ROLE_VIEWER}, NULL, text);
	keyring_add(&ring, (struct key){.role = ROLE_VIEWER, .expires_ms = KEYRING_NOW}, NULL,
		    text);
	check_i64(auth_survey(&ring.cfg, ring.folder, KEYRING_NOW, &survey, &err), 0);
	check(survey.has_file && survey.keys == 2 && survey.usable == 1);
	keyring_down(&ring, &rig);
	ws_rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_reload_of_a_changed_key),
		cmocka_unit_test(test_reload_closes_the_door),
		cmocka_unit_test(test_audit),
		cmocka_unit_test(test_bad_start),
		cmocka_unit_test(test_survey),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
