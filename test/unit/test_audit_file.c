/* SPDX-License-Identifier: MIT
 *
 * The chain on disk: what a crash, a full disk, another writer and a meddler leave behind.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/audit_lab.h"
#include "../lib/check.h"

#define BIG 16777216

static struct lab lab;

static int up(void **state)
{
	(void)state;
	lab_up(&lab);
	return 0;
}

static int down(void **state)
{
	(void)state;
	lab_down(&lab);
	return 0;
}

static void begin(struct audit_file *f, int64_t rotate_bytes)
{
	audit_file_init(f, lab.path, rotate_bytes, &lab_io);
}

/* Whether the log holds `text`. */
static bool holds(const char *suffix, const char *text)
{
	size_t len;
	char *all = lab_read(lab_file(&lab, suffix), &len);
	bool found = strstr(all, text) != NULL;

	free(all);
	return found;
}

static void test_appends(void **state)
{
	struct audit_file f;
	struct stat st;

	(void)state;
	begin(&f, BIG);
	for (int i = 0; i < 5; i++)
		check_i64(lab_append(&f, "x"), 0);
	audit_file_fini(&f);
	lab_check_sound(&lab, 5);
	begin(&f, BIG); /* and goes on after a restart */
	check_i64(lab_append(&f, "y"), 0);
	check_i64(f.last.seq, 6);
	audit_file_fini(&f);
	lab_check_sound(&lab, 6);
	check_i64(stat(lab.path, &st), 0);
	check_i64(st.st_mode & 0777, 0600);
	check_i64(stat(lab_file(&lab, ".head"), &st), 0);
	check_i64(st.st_mode & 0777, 0600);
}

/* Root records something before the server of another user has started. */
static void test_owner(void **state)
{
	struct audit_file f;
	struct stat st;

	(void)state;
	if (geteuid() != 0 || chown(lab.dir, 65534, 65534) < 0) {
		print_message("no root here\n");
		skip();
	}
	begin(&f, 700);
	for (int i = 0; i < 4; i++)
		check_i64(lab_append(&f, "x"), 0);
	audit_file_fini(&f);
	for (int i = 0; i < 3; i++) {
		check_i64(stat(lab_file(&lab, (const char *[]){"", ".head", ".1"}[i]), &st), 0);
		check_i64(st.st_uid, 65534);
		check_i64(st.st_gid, 65534);
	}
}

/* A crash at each byte of a record: what stood before is kept, the rest is cut off and recorded. */
static void test_torn_at_every_byte(void **state)
{
	struct audit_file f;
	size_t whole, len;
	char *text, *head;

	(void)state;
	begin(&f, BIG);
	check_i64(lab_append(&f, "first"), 0);
	whole = (size_t)f.len;
	head = lab_read(lab_file(&lab, ".head"), &len);
	check_i64(lab_append(&f, "second"), 0);
	audit_file_fini(&f);
	text = lab_read(lab.path, &len);
	for (size_t n = whole + 1; n < len; n++) {
		lab_write(lab.path, text, n);
		lab_write(lab_file(&lab, ".head"), head, strlen(head));
		begin(&f, BIG);
		check_i64(lab_append(&f, "third"), 0);
		audit_file_fini(&f);
		lab_check_sound(&lab, 3);
		check(holds("", "\"act\":\"audit.torn\""));
		check(!holds("", "second") || n > whole + 200); /* quoted at most in part */
	}
	free(head);
	free(text);
}

/* A power cut may leave zeros where the file had grown already. */
static void test_torn_zeros(void **state)
{
	struct audit_file f;
	char *text, zeros[20000] = {0};
	size_t len;
	FILE *log;

	(void)state;
	begin(&f, BIG);
	check_i64(lab_append(&f, "first"), 0);
	audit_file_fini(&f);
	log = fopen(lab.path, "ab");
	check_i64(fwrite(zeros, 1, sizeof(zeros), log), sizeof(zeros));
	fclose(log);
	begin(&f, BIG);
	check_i64(lab_append(&f, "second"), 0);
	audit_file_fini(&f);
	lab_check_sound(&lab, 3);
	text = lab_read(lab.path, &len);
	check(strstr(text, "20000 bytes of an incomplete record") != NULL);
	free(text);
}

/* A file of somebody else is not cut. */
static void test_foreign_file(void **state)
{
	struct audit_file f;
	size_t len;
	char *text;

	(void)state;
	lab_write(lab.path, "precious", 8);
	begin(&f, BIG);
	check_i64(lab_append(&f, "x"), AGNI_EPARSE);
	audit_file_fini(&f);
	text = lab_read(lab.path, &len);
	check_str(text, "precious");
	free(text);
}

static void test_no_regular_file(void **state)
{
	struct audit_file f;
	struct agni_err err;

	(void)state;
	check_i64(mkfifo(lab.path, 0600), 0);
	begin(&f, BIG);
	check_i64(audit_file_open(&f, &err), UV_EINVAL);
	audit_file_fini(&f);
	unlink(lab.path);
	check_i64(mkdir(lab.path, 0700), 0);
	begin(&f, BIG);
	check_i64(audit_file_open(&f, &err), UV_EISDIR);
	check(strstr(err.text, lab.path) != NULL);
	audit_file_fini(&f);
	check_i64(rmdir(lab.path), 0);
	check_i64(symlink("/dev/null", lab.path), 0);
	begin(&f, BIG);
	check_i64(audit_file_open(&f, &err), UV_ELOOP);
	audit_file_fini(&f);
}

/* After every kind of failure: the same act can be tried again, and the chain is whole. */
static void check_recovers(struct audit_file *f, int code, uint64_t records)
{
	check_i64(lab_append(f, "refused"), code);
	check_i64(lab_append(f, "refused"), code);
	lab_disk = (struct lab_disk){0};
	check_i64(lab_append(f, "after"), 0);
	lab_check_sound(&lab, records);
	check(!holds("", "refused"));
}

static void test_full_disk(void **state)
{
	struct audit_file f;

	(void)state;
	begin(&f, BIG);
	check_i64(lab_append(&f, "x"), 0);
	lab_disk.write_errno = ENOSPC;
	check_recovers(&f, UV_ENOSPC, 2);
	lab_disk.write_errno = EIO;
	check_recovers(&f, UV_EIO, 3);
	lab_disk.full_at = (long)f.len + 100; /* takes a part */
	check_recovers(&f, UV_ENOSPC, 4);
	audit_file_fini(&f);
}

/* A short write whose rest does not follow, at every length. */
static void test_short_writes(void **state)
{
	struct audit_file f;
	long line;

	(void)state;
	begin(&f, BIG);
	check_i64(lab_append(&f, "x"), 0);
	line = (long)f.len;
	for (long by = 1; by < line; by += 7) {
		lab_disk.short_by = by;
		check_i64(lab_append(&f, "refused"), UV_ENOSPC);
		check_i64(f.len, line);
		lab_disk = (struct lab_disk){0};
	}
	check_i64(lab_append(&f, "y"), 0);
	audit_file_fini(&f);
	lab_check_sound(&lab, 2);
	check(!holds("", "refused"));
}

/* Not even the cut works: the half record stays, and is cut and recorded when that works again. */
static void test_short_write_that_stays(void **state)
{
	struct audit_file f;

	(void)state;
	begin(&f, BIG);
	check_i64(lab_append(&f, "x"), 0);
	lab_disk.short_by = 50;
	lab_disk.truncate_errno = EIO;
	check_i64(lab_append(&f, "refused"), UV_ENOSPC);
	check_i64(lab_append(&f, "refused"), UV_EIO);
	lab_disk = (struct lab_disk){0};
	check_i64(lab_append(&f, "y"), 0);
	audit_file_fini(&f);
	lab_check_sound(&lab, 3);
	check(holds("", "audit.torn"));
}

/* What a failed sync may have lost is written again, and nothing is accepted before that holds. */
static void test_failed_sync(void **state)
{
	struct audit_file f;
	struct agni_err err;
	char *text;
	size_t len;

	(void)state;
	begin(&f, BIG);
	check_i64(lab_append(&f, "first"), 0);
	check_i64(audit_file_sync(&f, &err), 0);
	len = (size_t)f.len;
	check_i64(lab_append(&f, "second"), 0);
	lab_disk.sync_errno = EIO;
	check_i64(audit_file_sync(&f, &err), UV_EIO);
	/* As a disk does that drops dirty pages: the bytes are gone. */
	text = lab_read(lab.path, &len);
	memset(strstr(text, "\n") + 1, 0, len - (size_t)(strstr(text, "\n") + 1 - text));
	{
		FILE *log = fopen(lab.path, "r+b");

		check_i64(fwrite(text, 1, len, log), len);
		fclose(log);
	}
	free(text);
	check_i64(lab_append(&f, "third"), UV_EIO);
	lab_disk.sync_errno = 0;
	check_i64(lab_append(&f, "third"), 0);
	check_i64(audit_file_sync(&f, &err), 0);
	check_i64(f.unsynced.len, 0);
	audit_file_fini(&f);
	lab_check_sound(&lab, 3);
	check(holds("", "second"));
}

static void test_rotation(void **state)
{
	struct audit_file f;
	char want[200];

	(void)state;
	begin(&f, 1000);
	for (int i = 0; i < 12; i++)
		check_i64(lab_append(&f, "x"), 0);
	check(lab_has(lab_file(&lab, ".1")) && lab_has(lab_file(&lab, ".3")));
	check(f.rotations >= 3);
	audit_file_fini(&f);
	lab_check_sound(&lab, 12 + f.rotations);
	snprintf(want, sizeof(want), "continues %s.1, whose last hash is ", lab.path);
	check(holds(".2", want));
	begin(&f, 1000);
	check_i64(lab_append(&f, "y"), 0);
	audit_file_fini(&f);
	check_i64(lab_verify(&lab).file[0], 0);
}

/* A crash, or a full disk, between the two steps of a rotation. */
static void test_rotation_cut_in_two(void **state)
{
	struct audit_file f;

	(void)state;
	begin(&f, 1000);
	check_i64(lab_append(&f, "x"), 0);
	check_i64(lab_append(&f, "x"), 0);
	audit_file_fini(&f);
	check_i64(rename(lab.path, lab_file(&lab, ".1")), 0);
	begin(&f, 1000);
	check_i64(lab_append(&f, "y"), 0);
	check_i64(f.last.seq, 4);
	check(holds("", "\"act\":\"audit.rotated\""));
	lab_check_sound(&lab, 4);
	check_i64(lab_append(&f, "y"), 0);
	lab_disk.open_errno = ENOSPC;
	check_i64(lab_append(&f, "refused"), UV_ENOSPC);
	check_i64(lab_append(&f, "refused"), UV_ENOSPC);
	lab_disk.open_errno = 0;
	check_i64(lab_append(&f, "z"), 0);
	audit_file_fini(&f);
	lab_check_sound(&lab, 7);
	check(lab_has(lab_file(&lab, ".2")) && !lab_has(lab_file(&lab, ".3")));
}

static void test_rotation_refused(void **state)
{
	struct audit_file f;

	(void)state;
	begin(&f, 700);
	check_i64(lab_append(&f, "x"), 0);
	check_i64(lab_append(&f, "x"), 0);
	lab_disk.rename_errno = EACCES;
	check_i64(lab_append(&f, "refused"), UV_EACCES);
	lab_disk.rename_errno = 0;
	check_i64(lab_append(&f, "y"), 0);
	audit_file_fini(&f);
	lab_check_sound(&lab, 4);
}

/* Two programs, one file: they take turns, also across a rotation. */
static void test_two_writers(void **state)
{
	struct audit_file a, b;

	(void)state;
	begin(&a, 2000);
	begin(&b, 2000);
	for (int i = 0; i < 10; i++) {
		check_i64(lab_append(&a, "a"), 0);
		check_i64(lab_append(&b, "b"), 0);
		check_i64(lab_append(&b, "b"), 0);
	}
	check(a.rotations + b.rotations >= 2);
	lab_check_sound(&lab, 30 + a.rotations + b.rotations);
	audit_file_fini(&a);
	audit_file_fini(&b);
}

/* The same at the same time: a lock, not luck, keeps the lines apart. */
static void test_two_processes(void **state)
{
	struct audit_file f;
	int status;
	pid_t child = fork();

	(void)state;
	check(child >= 0);
	begin(&f, BIG);
	for (int done = 0; done < 300;)
		done += lab_append(&f, child ? "a" : "b") ==
			0; /* else: the other one has the lock */
	audit_file_fini(&f);
	if (child == 0)
		_exit(0);
	check_i64(waitpid(child, &status, 0), child);
	check_i64(status, 0);
	lab_check_sound(&lab, 600);
}

/* Somebody meddles while the server runs: the numbers go on, and the act is recorded. */
static void test_removed_while_open(void **state)
{
	struct audit_file f;
	struct audit_finding found;

	(void)state;
	begin(&f, BIG);
	check_i64(lab_append(&f, "x"), 0);
	check_i64(lab_append(&f, "x"), 0);
	unlink(lab.path);
	check_i64(lab_append(&f, "y"), 0);
	check_i64(f.last.seq, 4);
	check(holds("", "\"act\":\"audit.lost\""));
	found = lab_verify(&lab);
	check_i64(found.seq, 1);
	check(strstr(found.why, "removed") != NULL);
	audit_file_fini(&f);
}

static void test_cut_while_stopped(void **state)
{
	struct audit_file f;
	struct audit_finding found;
	char *text;
	size_t len;

	(void)state;
	begin(&f, BIG);
	for (int i = 0; i < 3; i++)
		check_i64(lab_append(&f, "x"), 0);
	audit_file_fini(&f);
	text = lab_read(lab.path, &len);
	lab_write(lab.path, text, len / 3);
	free(text);
	found = lab_verify(&lab);
	check_i64(found.seq, 2);
	begin(&f, BIG);
	check_i64(lab_append(&f, "y"), 0);
	audit_file_fini(&f);
	check(holds("", "ends with record 1, but record 3 had been written"));
	found = lab_verify(&lab); /* what was recorded afterwards does not heal it */
	check_i64(found.seq, 2);
	check_i64(found.line, 2);
	check(strstr(found.why, "removed") != NULL);
}

static void test_altered_while_stopped(void **state)
{
	struct audit_file f;
	char *text;
	size_t len;

	(void)state;
	begin(&f, BIG);
	check_i64(lab_append(&f, "x"), 0);
	audit_file_fini(&f);
	text = lab_read(lab.path, &len);
	*strstr(text, "desk1") = 'D';
	lab_write(lab.path, text, len);
	free(text);
	begin(&f, BIG);
	check_i64(lab_append(&f, "y"), 0);
	audit_file_fini(&f);
	check(holds("", "\"act\":\"audit.broken\""));
	check_i64(lab_verify(&lab).seq, 1);
}

static void test_head_that_is_gone(void **state)
{
	struct audit_file f;

	(void)state;
	begin(&f, BIG);
	check_i64(lab_append(&f, "x"), 0);
	unlink(lab_file(&lab, ".head"));
	check(lab_verify(&lab).note[0] != '\0');
	check_i64(lab_append(&f, "y"), 0); /* made again */
	audit_file_fini(&f);
	lab_check_sound(&lab, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_appends, up, down),
		cmocka_unit_test_setup_teardown(test_owner, up, down),
		cmocka_unit_test_setup_teardown(test_torn_at_every_byte, up, down),
		cmocka_unit_test_setup_teardown(test_torn_zeros, up, down),
		cmocka_unit_test_setup_teardown(test_foreign_file, up, down),
		cmocka_unit_test_setup_teardown(test_no_regular_file, up, down),
		cmocka_unit_test_setup_teardown(test_full_disk, up, down),
		cmocka_unit_test_setup_teardown(test_short_writes, up, down),
		cmocka_unit_test_setup_teardown(test_short_write_that_stays, up, down),
		cmocka_unit_test_setup_teardown(test_failed_sync, up, down),
		cmocka_unit_test_setup_teardown(test_rotation, up, down),
		cmocka_unit_test_setup_teardown(test_rotation_cut_in_two, up, down),
		cmocka_unit_test_setup_teardown(test_rotation_refused, up, down),
		cmocka_unit_test_setup_teardown(test_two_writers, up, down),
		cmocka_unit_test_setup_teardown(test_two_processes, up, down),
		cmocka_unit_test_setup_teardown(test_removed_while_open, up, down),
		cmocka_unit_test_setup_teardown(test_cut_while_stopped, up, down),
		cmocka_unit_test_setup_teardown(test_altered_while_stopped, up, down),
		cmocka_unit_test_setup_teardown(test_head_that_is_gone, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
