/* SPDX-License-Identifier: MIT
 *
 * Small files: whole or not at all, private, and with the owner they should have.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../lib/check.h"
#include "core/file.h"

#define NOBODY 65534

static char folder[64], path[96];

static int up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/agni-file-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/keys", folder);
	return 0;
}

static int down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static size_t entries(void)
{
	DIR *d = opendir(folder);
	size_t n = 0;

	check(d != NULL);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

static void check_content(const char *want)
{
	char got[64] = "";
	FILE *f = fopen(path, "r");

	check(f != NULL);
	check_i64(fread(got, 1, sizeof(got) - 1, f), strlen(want));
	fclose(f);
	check_str(got, want);
}

static void test_replace(void **state)
{
	struct agni_err err = {0};
	struct stat st;

	(void)state;
	check_i64(file_replace(path, "one", 3, &err), 0);
	check_content("one");
	check_i64(stat(path, &st), 0);
	check_i64(st.st_mode & 0777, 0600);
	check_i64(file_replace(path, "", 0, &err), 0);
	check_content("");
	check_i64(file_replace(path, "two", 3, &err), 0);
	check_content("two");
	check_i64(entries(), 1); /* nothing is left beside it */
}

/* Where it cannot be done the old file stays, and nothing is left behind. */
static void test_cannot(void **state)
{
	struct agni_err err = {0};
	char below[128];

	(void)state;
	check_i64(file_replace(path, "one", 3, &err), 0);
	snprintf(below, sizeof(below), "%s/below", path); /* the file is no folder */
	check_i64(file_replace(below, "x", 1, &err), -ENOTDIR);
	check(strstr(err.text, below) != NULL);
	check_content("one");
	check_i64(entries(), 1);
}

static uid_t owner_of(const char *name)
{
	struct stat st;

	check_i64(stat(name, &st), 0);
	return st.st_uid;
}

/* What root makes belongs to the owner of the folder, or stays with who had it. */
static void test_owner(void **state)
{
	struct agni_err err = {0};
	struct stat st = {0};
	int fd;

	(void)state;
	st.st_uid = geteuid();
	check(file_is_of_owner(&st, path));
	st.st_uid = 0;
	check(file_is_of_owner(&st, path));
	st.st_uid = NOBODY;
	check(geteuid() == NOBODY || !file_is_of_owner(&st, path));
	if (geteuid() != 0) {
		print_message("not root: nothing to give away\n");
		skip();
	}
	check_i64(chown(folder, NOBODY, NOBODY), 0);
	check(file_is_of_owner(&st, path));
	st.st_uid = 1;
	check(!file_is_of_owner(&st, path));
	check_i64(file_replace(path, "one", 3, &err), 0);
	check_i64(owner_of(path), NOBODY);
	check_i64(chown(path, 0, 0), 0);
	check_i64(file_replace(path, "two", 3, &err), 0);
	check_i64(owner_of(path), 0);
	fd = open(path, O_RDWR);
	check_i64(file_follow_folder(fd, path), 0);
	close(fd);
	check_i64(owner_of(path), NOBODY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_replace, up, down),
		cmocka_unit_test_setup_teardown(test_cannot, up, down),
		cmocka_unit_test_setup_teardown(test_owner, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
