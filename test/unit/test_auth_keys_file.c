/* SPDX-License-Identifier: MIT
 *
 * test_auth_keys_file: the file of the API keys: what is written reads back, what is odd is refused
 * with its line, who else may read it is looked at, and a save is one step.
 */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/check.h"
#include "auth/keys.h"

#define NOW 1795370700000ll

static char folder[] = "/tmp/agni_keys_XXXXXX", path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/keys.jsonl", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char lock[80];

	(void)state;
	snprintf(lock, sizeof(lock), "%s.lock", path);
	unlink(lock);
	unlink(path);
	return rmdir(folder);
}

static void fill(struct keys *k, char texts[2][KEY_TEXT_LEN + 1])
{
	struct key desk = {.name = "desk",
			   .role = ROLE_OPERATOR,
			   .connections = 3,
			   .requests_per_s = 4,
			   .commands_per_s = 5,
			   .expires_ms = NOW + 1};
	struct agni_err err = {0};

	check_i64(scope_add_list(&desk.scope, "NSE_INDEX|Nifty 50,NSE_FO|*", &err), 0);
	check_i64(keys_add(k, &desk, NOW, texts[0], &err), 0);
	check_i64(keys_add(k, &(struct key){.role = ROLE_ADMIN}, NOW, texts[1], &err), 0);
}

static void test_round_trip(void **state)
{
	struct keys k = {0}, back = {0};
	char texts[2][KEY_TEXT_LEN + 1];
	struct agni_err err = {0};
	struct buf a = {0}, b = {0};
	struct stat st;
	struct key *found;

	(void)state;
	fill(&k, texts);
	check_i64(keys_save(&k, path, &err), 0);
	check_i64(stat(path, &st), 0);
	check_i64(st.st_mode & 07777, 0600);
	if (keys_load(&back, path, &err) < 0)
		fail_msg("%s", err.text);
	keys_print(&k, &a);
	keys_print(&back, &b);
	check_str(buf_cstr(&a), buf_cstr(&b));
	check(strstr(a.data, texts[0] + 14) == NULL); /* no secret is stored */
	check_i64(back.all[0].connections, 3);
	check_i64(back.all[0].requests_per_s, 4);
	check_i64(back.all[0].commands_per_s, 5);
	check_i64(back.all[0].expires_ms, NOW + 1);
	check_i64(back.all[0].created_ms, NOW);
	check(scope_is_equal(&back.all[0].scope, &k.all[0].scope));
	for (int i = 0; i < 2; i++) {
		check_i64(keys_check(&back, texts[i], NOW, &found), KEY_GOOD);
		check(found == &back.all[i]);
	}
	buf_fini(&a);
	buf_fini(&b);
	keys_fini(&k);
	keys_fini(&back);
}

#define ID     "\"id\":\"0123abcd\","
#define NAME   "\"name\":\"n\","
#define ROLE   "\"role\":\"viewer\","
#define TIME   "\"created\":\"2026-11-25T09:15:00.000+05:30\","
#define SALT   "\"salt\":\"00112233445566778899aabbccddeeff\","
#define HASH   "\"hash\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\""
#define GOOD   "{" ID NAME ROLE TIME SALT HASH "}"
#define AND(x) "{" ID NAME ROLE TIME SALT x "," HASH "}"

static void test_parse(void **state)
{
	static const char *const good[] = {"",
					   "\n\n",
					   GOOD,
					   GOOD "\n",
					   "\n" GOOD "\n\n",
					   AND("\"scope\":[\"*\"]"),
					   AND("\"connections\":1")};
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"x", "line 1"},
		{GOOD "\n[]", "line 2: not an object"},
		{GOOD "\n" GOOD, "line 2: id or name"},
		{"{" NAME ROLE TIME SALT HASH "}", "\"id\" is missing"},
		{"{" ID ROLE TIME SALT HASH "}", "\"name\" is missing"},
		{"{" ID NAME TIME SALT HASH "}", "\"role\" is missing"},
		{"{" ID NAME ROLE SALT HASH "}", "\"created\" is missing"},
		{"{" ID NAME ROLE TIME HASH "}", "\"salt\" is missing"},
		{"{\"hash\":\"00\"}", "hash: not 64 hex digits"},
		{"{\"id\":\"0123ABCD\"}", "id: not 8"},
		{"{\"id\":1}", "id: not 8"},
		{"{\"name\":\"a b\"}", "name: "},
		{"{\"role\":\"root\"}", "role: "},
		{"{\"role\":\"anyone\"}", "role: "},
		{"{\"role\":4}", "role: "},
		{"{\"salt\":null}", "salt: not 32"},
		{AND("\"scope\":[]"), "scope: "},
		{AND("\"scope\":\"NSE_FO|*\""), "scope: "},
		{AND("\"scope\":[1]"), "scope: "},
		{AND("\"scope\":[\"nse\"]"), "scope: "},
		{AND("\"scop\":[\"NSE_FO|*\"]"), "unknown member \"scop\""},
		{AND("\"Scope\":[\"NSE_FO|*\"]"), "unknown member \"Scope\""},
		{AND("\"connections\":0"), "connections: not within"},
		{AND("\"connections\":1.5"), "connections: not within"},
		{AND("\"requests_per_s\":-1"), "requests_per_s: not within"},
		{AND("\"commands_per_s\":1000001"), "commands_per_s: not within"},
		{AND("\"expires\":\"tomorrow\""), "expires: not a time"},
		{AND("\"expires\":0"), "expires: not a time"},
		{AND("\"role\":\"admin\""), "line 1"}, /* a name twice */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct keys k = {0};
		struct agni_err err = {0};

		if (keys_parse(&k, good[i], strlen(good[i]), &err) < 0)
			fail_msg("\"%s\": %s", good[i], err.text);
		keys_fini(&k);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct keys k = {0};
		struct agni_err err = {0};

		if (keys_parse(&k, bad[i].text, strlen(bad[i].text), &err) != AGNI_EPARSE)
			fail_msg("\"%s\" passes", bad[i].text);
		if (!strstr(err.text, bad[i].says))
			fail_msg("\"%s\": %s", bad[i].text, err.text);
		keys_fini(&k);
	}
}

/* A file that others may read or write, or that is none. */
static void test_file_is_private(void **state)
{
	struct keys k = {0};
	struct agni_err err = {0};

	(void)state;
	unlink(path);
	check_i64(keys_load(&k, path, &err), AGNI_ENOTFOUND);
	check_i64(keys_save(&k, path, &err), 0);
	for (unsigned bit = 1; bit <= 040; bit <<= 1) {
		check_i64(chmod(path, 0600 | bit), 0);
		check_i64(keys_load(&k, path, &err), AGNI_EAUTH);
		check(strstr(err.text, path) && strstr(err.text, "chmod 600"));
	}
	check_i64(chmod(path, 0400), 0);
	check_i64(keys_load(&k, path, &err), 0);
	unlink(path);
	check_i64(mkfifo(path, 0600), 0);
	check_i64(keys_load(&k, path, &err), AGNI_EAUTH); /* and does not wait for a writer */
	unlink(path);
	check_i64(mkdir(path, 0700), 0);
	check_i64(keys_load(&k, path, &err), AGNI_EAUTH);
	rmdir(path);
	check_i64(k.n, 0);
}

static unsigned files_in_folder(void)
{
	DIR *d = opendir(folder);
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* "." and ".." */
}

/* The old file is there until the new one is whole; nothing else is left. */
static void test_save_is_one_step(void **state)
{
	struct keys k = {0}, back = {0};
	char texts[2][KEY_TEXT_LEN + 1];
	struct agni_err err = {0};
	struct stat before, after;
	FILE *old;

	(void)state;
	check_i64(keys_save(&k, path, &err), 0);
	old = fopen(path, "r"); /* a reader that began before */
	check(old && stat(path, &before) == 0);
	fill(&k, texts);
	check_i64(keys_save(&k, path, &err), 0);
	check_i64(stat(path, &after), 0);
	check(before.st_ino != after.st_ino);
	check_i64(fgetc(old), EOF); /* sees the old one, which was empty */
	fclose(old);
	check_i64(files_in_folder(), 1);
	check_i64(keys_load(&back, path, &err), 0);
	check_i64(back.n, 2);
	keys_fini(&back);
	/* Where it cannot be written, the old one stays. */
	check(keys_save(&k, "/nowhere/keys.jsonl", &err) < 0);
	check(strstr(err.text, "/nowhere/keys.jsonl") != NULL);
	keys_fini(&k);
}

static void test_lock(void **state)
{
	struct agni_err err = {0};
	int fd = keys_lock(path, &err);

	(void)state;
	check(fd >= 0);
	keys_unlock(fd);
	fd = keys_lock(path, &err);
	check(fd >= 0);
	keys_unlock(fd);
	check(keys_lock("/nowhere/keys", &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_file_is_private),
		cmocka_unit_test(test_save_is_one_step),
		cmocka_unit_test(test_lock),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
