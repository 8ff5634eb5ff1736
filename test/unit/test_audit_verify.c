/* SPDX-License-Identifier: MIT
 *
 * Verification: whatever is done to the files, the first record that it was done to is named.
 */
#include <stdio.h>
#include <unistd.h>

#include "../lib/audit_lab.h"
#include "../lib/check.h"

#define RECORDS 6

static struct lab lab;
static char *text; /* of the log with RECORDS records */
static size_t text_len;
static size_t begins[RECORDS + 1]; /* of each line; the end behind the last */

static int up(void **state)
{
	struct audit_file f;
	char detail[16];

	(void)state;
	lab_up(&lab);
	audit_file_init(&f, lab.path, 1 << 24, NULL);
	for (int i = 0; i < RECORDS; i++) {
		snprintf(detail, sizeof(detail), "act %d", i + 1);
		check_i64(lab_append(&f, detail), 0);
		begins[i + 1] = (size_t)f.len;
	}
	audit_file_fini(&f);
	text = lab_read(lab.path, &text_len);
	return 0;
}

static int down(void **state)
{
	(void)state;
	free(text);
	lab_down(&lab);
	return 0;
}

static void check_named(uint64_t seq, uint64_t line, const char *why)
{
	struct audit_finding f = lab_verify(&lab);

	if (f.seq != seq || f.line != line || !strstr(f.why, why))
		fail_msg("%s:%d: record %d: %s; wanted line %d, record %d: %s", f.file, (int)f.line,
			 (int)f.seq, f.why, (int)line, (int)seq, why);
	check_str(f.file, lab.path);
	check_i64(f.records, seq - 1);
}

static void test_sound(void **state)
{
	struct audit_finding f = lab_verify(&lab);

	(void)state;
	lab_check_sound(&lab, RECORDS);
	check_i64(f.first, 1);
	check_i64(f.last, RECORDS);
	check_i64(f.files, 1);
}

static void check_byte(FILE *log, size_t at, char value)
{
	uint64_t record = 1;

	while (begins[record] <= at)
		record++;
	fseek(log, (long)at, SEEK_SET);
	check_i64(fwrite(&value, 1, 1, log), 1);
	fflush(log);
	check_named(record, record, "altered");
	fseek(log, (long)at, SEEK_SET);
	check_i64(fwrite(text + at, 1, 1, log), 1);
	fflush(log);
}

/* Each byte of the log, in several ways: the record that it belongs to is named, with its line. */
static void test_every_byte_of_the_log(void **state)
{
	static const unsigned char flips[] = {0x01, 0x20, 0x80, 0xff};
	FILE *log = fopen(lab.path, "r+b");

	(void)state;
	assert_non_null(log);
	for (size_t i = 0; i < text_len; i++) {
		for (size_t k = 0; k < ARRAY_LEN(flips); k++)
			check_byte(log, i, (char)(text[i] ^ flips[k]));
		check_byte(log, i, text[i] == '\n' ? '\0' : '\n');
	}
	fclose(log);
	lab_check_sound(&lab, RECORDS);
}

static void test_every_byte_of_the_head(void **state)
{
	size_t len;
	char *head = lab_read(lab_file(&lab, ".head"), &len);

	(void)state;
	check_i64(len, 86);
	for (size_t i = 0; i < len; i++) {
		struct audit_finding f;

		head[i] ^= 0x01;
		lab_write(lab_file(&lab, ".head"), head, len);
		f = lab_verify(&lab);
		/* A head that names an earlier record is one that was not written in time. */
		if (!f.file[0] && strtoull(head, NULL, 10) >= RECORDS)
			fail_msg("byte %zu of the head", i);
		head[i] ^= 0x01;
	}
	lab_write(lab_file(&lab, ".head"), head, len - 1);
	check(lab_verify(&lab).file[0] != '\0');
	free(head);
}

/* The lines in this order, from 1; ends with 0. */
static void arrange(const int *order)
{
	struct buf out = {0};

	for (; *order; order++)
		buf_append(&out, text + begins[*order - 1], begins[*order] - begins[*order - 1]);
	lab_write(lab.path, out.data, out.len);
	buf_fini(&out);
}

static void test_removed(void **state)
{
	(void)state;
	arrange((const int[]){2, 3, 4, 5, 6, 0});
	check_named(1, 1, "removed");
	arrange((const int[]){1, 2, 4, 5, 6, 0});
	check_named(3, 3, "removed");
	arrange((const int[]){1, 2, 5, 6, 0});
	check_named(3, 3, "removed");
	arrange((const int[]){1, 2, 3, 4, 5, 0}); /* the last one: the head file knows */
	check_named(6, 6, "removed");
	arrange((const int[]){1, 0});
	check_named(2, 2, "removed");
	lab_write(lab.path, "", 0);
	check_named(1, 1, "removed");
	unlink(lab.path);
	check_named(1, 1, "removed");
}

static void test_reordered(void **state)
{
	(void)state;
	arrange((const int[]){1, 3, 2, 4, 5, 6, 0});
	check_named(2, 2, "reordered");
	check(strstr(lab_verify(&lab).why, ":3") != NULL); /* where it stands */
	arrange((const int[]){6, 1, 2, 3, 4, 5, 0});
	check_named(1, 1, "reordered");
	arrange((const int[]){1, 2, 2, 3, 4, 5, 6, 0});
	check_named(3, 3, "record 2 stands here again");
	arrange((const int[]){1, 2, 3, 4, 5, 6, 1, 0});
	check_named(7, 7, "record 1 stands here again");
}

static void test_inserted(void **state)
{
	struct buf out = {0};

	(void)state;
	buf_append(&out, text, begins[2]);
	buf_str(&out, "\n");
	buf_append(&out, text + begins[2], text_len - begins[2]);
	lab_write(lab.path, out.data, out.len);
	check_named(3, 3, "altered");
	buf_fini(&out);
	lab_write(lab.path, text, text_len - 1);
	check_named(RECORDS, RECORDS, "the line has no end");
}

/* Somebody who knows the format makes one record anew, hash and all: the next one betrays it. */
static void test_rewritten(void **state)
{
	const struct audit_act act = {.act = "nothing", .who = "me", .peer = "", .detail = ""};
	struct audit_link last = {.seq = 2};
	struct audit_line line;
	struct buf out = {0};
	struct audit_finding f;

	(void)state;
	check(audit_line_read(text + begins[1], begins[2] - begins[1] - 1, &line) == NULL);
	memcpy(last.hash, line.hash, sizeof(last.hash));
	buf_append(&out, text, begins[2]);
	audit_line_append(&out, &last, 0, &act);
	buf_append(&out, text + begins[3], text_len - begins[3]);
	lab_write(lab.path, out.data, out.len);
	f = lab_verify(&lab);
	check_i64(f.seq, 3);
	check(strstr(f.why, "record 4 followed another one") != NULL);
	/* The last one: the head betrays it. */
	buf_reset(&out);
	buf_append(&out, text, begins[5]);
	check(audit_line_read(text + begins[4], begins[5] - begins[4] - 1, &line) == NULL);
	memcpy(last.hash, line.hash, sizeof(last.hash));
	last.seq = 5;
	audit_line_append(&out, &last, 0, &act);
	lab_write(lab.path, out.data, out.len);
	f = lab_verify(&lab);
	check_i64(f.seq, 6);
	check(strstr(f.why, "another hash") != NULL);
	buf_fini(&out);
}

/* ---- several files --------------------------------------------------------------------------- */

/* A chain of its own in four files. */
static uint64_t make_files(void)
{
	struct audit_file f;
	uint64_t last;

	unlink(lab.path);
	unlink(lab_file(&lab, ".head"));
	audit_file_init(&f, lab.path, 1100, NULL);
	while (f.rotations < 3)
		check_i64(lab_append(&f, "x"), 0);
	check_i64(lab_append(&f, "x"), 0);
	last = f.last.seq;
	audit_file_fini(&f);
	lab_check_sound(&lab, last);
	check_i64(lab_verify(&lab).files, 4);
	return last;
}

static struct audit_finding verify_with(struct audit_options o)
{
	struct audit_finding found;
	struct agni_err err;

	if (audit_verify(&o, NULL, NULL, &found, &err) < 0)
		fail_msg("%s", err.text);
	return found;
}

/* PATH + from becomes PATH + to. */
static void move(const char *from, const char *to)
{
	char path[160];

	snprintf(path, sizeof(path), "%s", lab_file(&lab, from));
	check_i64(rename(path, lab_file(&lab, to)), 0);
}

static void test_a_file_is_missing(void **state)
{
	struct audit_finding f;
	uint64_t last = make_files();

	(void)state;
	move(".2", ".aside");
	f = lab_verify(&lab);
	check(strstr(f.why, "removed") != NULL);
	check_str(f.file, lab_file(&lab, ".3"));
	check_i64(f.line, 1);
	move(".aside", ".2");
	lab_check_sound(&lab, last);
	/* The oldest was moved away: an offence, unless one says so. */
	unlink(lab_file(&lab, ".1"));
	f = lab_verify(&lab);
	check_i64(f.seq, 1);
	f = verify_with((struct audit_options){.path = lab.path, .is_archived = true});
	check_str(f.file, "");
	check(f.first > 1 && f.last == last);
	/* One of them alone. */
	f = verify_with((struct audit_options){.path = lab_file(&lab, ".3")});
	check_str(f.file, "");
	check_i64(f.files, 1);
	check(f.note[0] != '\0');
}

static void test_files_in_wrong_order(void **state)
{
	(void)state;
	make_files();
	move(".1", ".aside");
	move(".2", ".1");
	move(".aside", ".2");
	check_i64(lab_verify(&lab).seq, 1);
	check(strstr(lab_verify(&lab).why, "reordered") != NULL);
}

/* What a copy elsewhere remembers, when even the head was made anew. */
static void test_expected(void **state)
{
	struct audit_finding f = lab_verify(&lab);
	char expect[120], wrong[120];

	(void)state;
	snprintf(expect, sizeof(expect), "%llu:%s", (unsigned long long)f.last, f.last_hash);
	snprintf(wrong, sizeof(wrong), "5:%s", f.last_hash);
	f = verify_with((struct audit_options){.path = lab.path, .expect = expect});
	check_str(f.file, "");
	f = verify_with((struct audit_options){.path = lab.path, .expect = wrong});
	check_i64(f.seq, 5);
	check(strstr(f.why, "no record is 5:") != NULL);
}

static void test_nothing_there(void **state)
{
	const struct audit_options o = {.path = "/nonexistent/audit.log"};
	struct audit_finding f;
	struct agni_err err;

	(void)state;
	check_i64(audit_verify(&o, NULL, NULL, &f, &err), UV_ENOENT);
	check(strstr(err.text, "/nonexistent/audit.log") != NULL);
}

/* A writer is in the middle of a record: what was there at the beginning counts. */
static void test_beside_a_writer(void **state)
{
	struct audit_file f;

	(void)state;
	audit_file_init(&f, lab.path, 1 << 24, NULL);
	for (uint64_t n = RECORDS; n < RECORDS + 20; n++) {
		lab_check_sound(&lab, n);
		check_i64(lab_append(&f, "x"), 0);
	}
	audit_file_fini(&f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sound),
		TEST(test_every_byte_of_the_log),
		TEST(test_every_byte_of_the_head),
		TEST(test_removed),
		TEST(test_reordered),
		TEST(test_inserted),
		TEST(test_rewritten),
		TEST(test_a_file_is_missing),
		TEST(test_files_in_wrong_order),
		TEST(test_expected),
		TEST(test_nothing_there),
		TEST(test_beside_a_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
