/* SPDX-License-Identifier: MIT
 *
 * test_log: lines as they arrive at the other end of a pipe.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "../lib/check.h"
#include "core/ist.h"
#include "core/log.h"

static int pipe_fd[2];
static char line[4096];

static int setup(void **state)
{
	(void)state;
	if (pipe(pipe_fd) < 0)
		return -1;
	fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK);
	log_to_fd(pipe_fd[1]);
	log_setup(LOG_INFO, LOG_TEXT);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_to_fd(STDERR_FILENO);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return 0;
}

/* What was written since the last call. */
static const char *written(void)
{
	ssize_t n = read(pipe_fd[0], line, sizeof(line) - 1);

	line[n > 0 ? n : 0] = '\0';
	return line;
}

static void test_text_line(void **state)
{
	int64_t ms;

	(void)state;
	log_warn("feed", "%s -> %s", "IDLE", "LIVE");
	written();
	check_str(line + 29, " WARN  feed: IDLE -> LIVE\n");
	check(ist_parse(line, 29, &ms));
}

static void test_json_line(void **state)
{
	(void)state;
	log_setup(LOG_INFO, LOG_JSON);
	log_error("http", "bad \"name\" \\ here");
	written();
	check(strncmp(line, "{\"time\":\"", 9) == 0);
	check_str(line + 9 + 29, "\",\"level\":\"error\",\"tag\":\"http\","
				 "\"msg\":\"bad \\\"name\\\" \\\\ here\"}\n");
}

static void test_level(void **state)
{
	(void)state;
	log_debug("x", "unseen");
	check_str(written(), "");
	log_setup(LOG_DEBUG, LOG_TEXT);
	log_debug("x", "seen");
	check(strstr(written(), "DEBUG x: seen\n"));
	log_setup(LOG_ERROR, LOG_TEXT);
	log_warn("x", "unseen");
	check_str(written(), "");
}

static void test_nobody_forges_a_line(void **state)
{
	(void)state;
	log_info("http", "name %s", "a\r\nERROR x\x1b[31m\x7f\xc2\x9b\xc2\xa0z");
	check(strstr(written(), "http: name a??ERROR x?[31m???\xc2\xa0z\n"));
}

static void test_long_message_is_cut(void **state)
{
	char text[3000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info("x", "%s", text);
	written();
	check(strlen(line) < 1100);
	check_i64(line[strlen(line) - 1], '\n');
}

static void test_limit(void **state)
{
	struct log_limit limit = {0};
	char text[2000];

	(void)state;
	log_limited(&limit, 5, LOG_INFO, "x", "first");
	check(strstr(written(), "x: first\n"));
	for (uint64_t i = 0; i < 3; i++)
		log_limited(&limit, 5 + i, LOG_INFO, "x", "more");
	log_limited(&limit, 5 + LOG_LIMIT_NS - 1, LOG_INFO, "x", "more");
	check_str(written(), "");
	/* The number is shown even when the message fills the line. */
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_limited(&limit, 5 + LOG_LIMIT_NS, LOG_INFO, "x", "%s", text);
	check(strstr(written(), "a (and 4 more like it)\n"));
	log_limited(&limit, 5 + 2 * LOG_LIMIT_NS, LOG_INFO, "x", "alone");
	check(strstr(written(), "x: alone\n"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_text_line),
		TEST(test_json_line),
		TEST(test_level),
		TEST(test_nobody_forges_a_line),
		TEST(test_long_message_is_cut),
		TEST(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
