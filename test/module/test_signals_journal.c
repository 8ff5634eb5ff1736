/* SPDX-License-Identifier: MIT
 *
 * test_signals_journal: what comes back of the file, whatever a crash or a disk has made of it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "../lib/check.h"
#include "signals/journal.h"

#define KEY "NSE_EQ|INE467B01029"

static char dir[] = "/tmp/agni-journal-XXXXXX", path[64];
static struct journal j;
static struct instruments t;
static struct signal last;
static unsigned came;

static void on_kept(void *arg, const struct signal *s)
{
	(void)arg;
	came++;
	last = *s;
}

static void open_it(void)
{
	struct agni_err err;

	came = 0;
	if (journal_open(&j, dir, &t, on_kept, NULL, &err) < 0)
		fail_msg("%s", err.text);
}

static void close_it(void)
{
	journal_close(&j);
	journal_fini(&j);
}

static int setup(void **state)
{
	(void)state;
	instruments_init(&t, 100);
	snprintf(path, sizeof(path), "%s/signals.jsonl", dir);
	unlink(path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	instruments_fini(&t);
	unlink(path);
	return 0;
}

static void put(const char *text)
{
	FILE *f = fopen(path, "a");

	check(f != NULL);
	fputs(text, f);
	fclose(f);
}

static void put_signal(int id)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "{\"id\":%d,\"seq\":7,\"ts_ms\":1768275963000,\"time\":\"x\",\"key\":\"" KEY
		 "\",\"app\":\"simple\",\"strategy\":\"momentum\",\"rule_version\":1,\"side\":"
		 "\"SELL\",\"price\":3033.5,\"confidence\":0.52,\"inputs\":{\"move_pct\":-1.1,"
		 "\"noise_pct\":0.2}}\n",
		 id);
	put(line);
}

static void test_comes_back(void **state)
{
	(void)state;
	open_it();
	check_i64(came, 0);
	close_it();
	put_signal(1);
	put_signal(2);
	open_it();
	check_i64(came, 2);
	check_i64(j.written, 2);
	check_i64(last.id, 2);
	check_i64(last.seq, 7);
	check_i64(last.ts_ms, 1768275963000);
	check_i64(last.side, SIGNAL_SELL);
	check_str(last.app, "simple");
	check_str(last.strategy, "momentum");
	check_near(last.price, 3033.5, 0);
	check_i64(last.inputs_n, 2);
	check_str(last.inputs[0].name, "move_pct");
	check_near(last.inputs[0].value, -1.1, 0);
	check_str(instruments_key(&t, last.instrument), KEY);
	close_it();
}

/* Cut at every byte of the last line. */
static void test_torn(void **state)
{
	off_t first, whole;

	(void)state;
	put_signal(1);
	open_it();
	first = lseek(j.fd, 0, SEEK_END);
	close_it();
	for (off_t cut = first + 1;; cut++) {
		put_signal(2);
		open_it();
		whole = lseek(j.fd, 0, SEEK_END);
		close_it();
		if (cut >= whole)
			break;
		check_i64(truncate(path, cut), 0);
		open_it();
		check_i64(came, 1);
		check_i64(j.bad_lines, 0);
		check_i64(lseek(j.fd, 0, SEEK_END), first); /* the next line is one of its own */
		close_it();
	}
}

static void test_what_is_no_signal(void **state)
{
	static const char *const wrong[] = {
		"\n",
		"{}\n",
		"[1]\n",
		"{\"id\":1\n",
		"\xff\xfe\n",
		"{\"id\":1,\"ts_ms\":5,\"key\":\"" KEY
		"\",\"app\":\"nobody\",\"strategy\":\"momentum\"}\n",
		"{\"id\":1,\"ts_ms\":5,\"key\":\"" KEY
		"\",\"app\":\"simple\",\"strategy\":\"luck\"}\n",
		"{\"id\":1,\"ts_ms\":5,\"key\":\"no "
		"key\",\"app\":\"simple\",\"strategy\":\"momentum\"}\n",
		"{\"id\":1e99,\"ts_ms\":5,\"key\":\"" KEY
		"\",\"app\":\"simple\",\"strategy\":\"momentum\"}\n",
	};

	(void)state;
	put_signal(1);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		put(wrong[i]);
	put_signal(2);
	open_it();
	check_i64(came, 2);
	check_i64(j.bad_lines, ARRAY_LEN(wrong));
	close_it();
}

static void test_cannot_be_opened(void **state)
{
	struct agni_err err;

	(void)state;
	check(journal_open(&j, "/nowhere/at/all", &t, on_kept, NULL, &err) < 0);
	check(strstr(err.text, "/nowhere/at/all/signals.jsonl") != NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_signal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cannot_be_opened, setup, teardown),
	};
	int rc;

	if (!mkdtemp(dir))
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return rc;
}
