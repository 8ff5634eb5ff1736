/* SPDX-License-Identifier: MIT
 *
 * What is kept sealed over a restart, and what the keys do not open.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "../lib/token_stand.h"

static const struct script_reply good = GOOD_REPLY;
static const struct script_reply dead = DEAD_REPLY;

static void read_text(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n;

	check(f != NULL);
	n = fread(out, 1, size - 1, f);
	check(n > 0);
	out[n] = '\0';
	fclose(f);
}

static void test_kept_over_a_restart(void **state)
{
	char path[128];
	struct stand s;
	struct stat st;

	(void)state;
	stand_up(&s, stand_first, 1);
	stand_ready(&s);
	token_refuse(s.token, 1); /* so that the generation is not 1 */
	check_i64(stand_offer(&s, "tok-kept"), 0);
	rig_until(&s.rig, stand_has_answer, &s);
	keeper_stop(&s.rig, &s.keeper);
	snprintf(path, sizeof(path), "%s/token-a.sealed", s.keeper.dir);
	check_i64(stat(path, &st), 0);
	check_i64(st.st_mode & 0777, 0600);
	snprintf(path, sizeof(path), "%s/seal.key", s.keeper.dir);
	check_i64(stat(path, &st), 0);
	check_i64(st.st_mode & 0777, 0600);
	/* Nobody is asked for a token. */
	s.api.asked = 0;
	stand_ready(&s);
	check_str(stand_bearer(&s), "Bearer tok-kept");
	check_i64(stand_generation(&s), 2);
	check_i64(s.api.asked, 0);
	keeper_stop(&s.rig, &s.keeper);
	/* The broker does not know it any more: the token API is asked, the generation goes on. */
	script_set(&s.keeper.broker, (const struct script_reply[]){dead, good}, 2);
	stand_ready(&s);
	check_str(stand_bearer(&s), "Bearer tok-one");
	check_i64(stand_generation(&s), 3);
	stand_down(&s);
}

/* A token is kept, and its key is lost. `record` has what is kept, `path` where. */
static void lose_key(struct stand *s, char path[128], char record[1024])
{
	char key[128];

	stand_ready(s);
	keeper_stop(&s->rig, &s->keeper);
	snprintf(path, 128, "%s/token-a.sealed", s->keeper.dir);
	read_text(path, record, 1024);
	snprintf(key, sizeof(key), "%s/seal.key", s->keeper.dir);
	check_i64(remove(key), 0);
}

/* Another key: named, and nothing is written over the record. */
static void test_wrong_key(void **state)
{
	char path[128], before[1024], after[1024];
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	lose_key(&s, path, before);
	stand_ready(&s); /* a new key is made */
	check_health(&s, HEALTH_DEGRADED, "not in the key file");
	keeper_stop(&s.rig, &s.keeper);
	read_text(path, after, sizeof(after));
	check_str(after, before);
	stand_down(&s);
}

static void test_key_that_others_may_read(void **state)
{
	struct agni_err err = {0};
	struct module *m;
	char key[128];
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	stand_ready(&s);
	keeper_stop(&s.rig, &s.keeper);
	snprintf(key, sizeof(key), "%s/seal.key", s.keeper.dir);
	check_i64(chmod(key, 0644), 0);
	s.token = token_create(&s.keeper.deps);
	m = token_module(s.token);
	check_i64(m->ops->start(m, &err), AGNI_ECONFIG);
	check(strstr(err.text, "chmod 600"));
	token_destroy(s.token);
	stand_down(&s);
}

/* A signal for something else costs nothing of what the keys do not open. */
static void test_reload_keeps_a_foreign_record(void **state)
{
	char path[128], before[1024], after[1024];
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	lose_key(&s, path, before);
	stand_ready(&s);
	token_reload(s.token);
	check_health(&s, HEALTH_DEGRADED, "not in the key file");
	keeper_stop(&s.rig, &s.keeper);
	read_text(path, after, sizeof(after));
	check_str(after, before);
	/* Deleted by a person, who then says so. */
	stand_ready(&s);
	check_i64(remove(path), 0);
	token_reload(s.token);
	check_health(&s, HEALTH_UP, "in place");
	keeper_stop(&s.rig, &s.keeper);
	read_text(path, after, sizeof(after));
	check(strcmp(after, before) != 0);
	stand_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_over_a_restart),
		cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_key_that_others_may_read),
		cmocka_unit_test(test_reload_keeps_a_foreign_record),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, stand_log_begin, stand_log_end);
}
