/* SPDX-License-Identifier: MIT
 *
 * test_config: one table of every type, read from files that are right and files that are wrong.
 */
#include <stdio.h>
#include <unistd.h>

#include "../lib/check.h"
#include "core/config.h"

struct sample {
	char *listen;
	char *secret;
	int64_t port;
	int64_t body_max_bytes;
	bool deflate;
	int log_format;
	int64_t offset_ms;
};

static const struct config_key sample_keys[] = {
	CONFIG_STR(struct sample, listen, "127.0.0.1:8000", "", "where to listen"),
	CONFIG_STR_F(struct sample, secret, "", "", "a key", CONFIG_SECRET),
	CONFIG_INT_F(struct sample, port, 80, 1, 65535, "", "a port", CONFIG_RELOAD),
	CONFIG_INT(struct sample, body_max_bytes, 65536, 1024, 1073741824, "bytes", "largest body"),
	CONFIG_BOOL(struct sample, deflate, "off", "compress"),
	CONFIG_ENUM_F(struct sample, log_format, "text", "text|json|both", "form of a line",
		      CONFIG_RELOAD),
	CONFIG_INT(struct sample, offset_ms, -5, -10, 10, "ms", "may be negative"),
	{0},
};

struct fixture {
	struct sample http, app;
	struct config_section sections[3];
	struct buf problems;
	char path[64];
};

static void fixture_init(struct fixture *f)
{
	*f = (struct fixture){0};
	f->sections[0] = (struct config_section){"http", sample_keys, &f->http, "The REST side"};
	f->sections[1] = (struct config_section){"app.simple", sample_keys, &f->app, "An app"};
	config_defaults(f->sections);
	snprintf(f->path, sizeof(f->path), "/tmp/agni_test_config_XXXXXX");
	close(mkstemp(f->path));
}

static void fixture_fini(struct fixture *f)
{
	unlink(f->path);
	buf_fini(&f->problems);
	config_fini(f->sections);
}

static int read_bytes(struct fixture *f, const char *text, size_t len)
{
	FILE *file = fopen(f->path, "w");

	fwrite(text, 1, len, file);
	fclose(file);
	buf_reset(&f->problems);
	return config_read_file(f->sections, f->path, &f->problems);
}

static int read_text(struct fixture *f, const char *text)
{
	return read_bytes(f, text, strlen(text));
}

/* Reads `text` and expects one problem: "<path>:<line>: <reason>". */
static void check_problem(const char *text, int line, const char *reason)
{
	struct fixture f;
	char want[1024];

	fixture_init(&f);
	check_i64(read_text(&f, text), 1);
	snprintf(want, sizeof(want), "%s:%d: %s\n", f.path, line, reason);
	check_str(buf_cstr(&f.problems), want);
	fixture_fini(&f);
}

static void test_defaults(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	check_str(f.http.listen, "127.0.0.1:8000");
	check_str(f.http.secret, "");
	check_i64(f.http.port, 80);
	check_i64(f.http.body_max_bytes, 65536);
	check(!f.http.deflate);
	check_i64(f.http.log_format, 0);
	check_i64(f.app.offset_ms, -5);
	config_defaults(f.sections); /* again: the old strings are freed */
	fixture_fini(&f);
	check(f.http.listen == NULL);
}

static void test_every_type(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	check_i64(read_text(&f, "# a comment\n"
				"; another\n"
				"\t [http] # behind a section\r\n"
				"  listen =  [::1]:9000 ; behind a value\n"
				"port=443\n"
				"body_max_bytes = 2M\n"
				"deflate = Yes\n"
				"log_format = both\n"
				"\n"
				"[app.simple]\n"
				"listen = a#b;c=d\n"
				"secret =\n"
				"offset_ms = -10\n"
				"[http]\n"
				"secret = last line without an end"),
		  0);
	check_str(f.http.listen, "[::1]:9000");
	check_i64(f.http.port, 443);
	check_i64(f.http.body_max_bytes, 2 << 20);
	check(f.http.deflate);
	check_i64(f.http.log_format, 2);
	check_str(f.app.listen, "a#b;c=d");
	check_str(f.app.secret, "");
	check_i64(f.app.offset_ms, -10);
	check_str(f.http.secret, "last line without an end");
	fixture_fini(&f);
}

static void test_names_that_are_not_known(void **state)
{
	(void)state;
	check_problem("[http]\n\nlisen = x\n", 3,
		      "unknown key \"lisen\" in [http]; did you mean \"listen\"?");
	check_problem("[http]\ncolour = x\n", 2, "unknown key \"colour\" in [http]");
	check_problem("[htpp]\nwhatever = 1\n[http]\nport = 1\n", 1,
		      "unknown section [htpp]; did you mean [http]?");
	check_problem("[app.simpel]", 1,
		      "unknown section [app.simpel]; did you mean [app.simple]?");
	check_problem("[x]", 1, "unknown section [x]");
	check_problem("[]", 1, "unknown section []");
}

static void test_shapes_that_are_wrong(void **state)
{
	(void)state;
	check_problem("port = 1\n", 1, "a key before the first [section]");
	check_problem("[http\n", 1, "\"[\" without \"]\" at the end of the line");
	check_problem("[http]\nport\n", 2, "neither \"[section]\" nor \"key = value\"");
	check_problem("[http]\n= 5\n", 2, "unknown key \"\" in [http]");
	check_problem("[http]\nport = 1\n\nport = 2\n", 4,
		      "[http] port was given on line 2 already");
	check_problem("[http]\nport = 1\n[app.simple]\nport = 1\n[http]\nport = 1\n", 6,
		      "[http] port was given on line 2 already");
}

static void test_values_that_are_wrong(void **state)
{
	(void)state;
	check_problem("[http]\nport = x", 2, "[http] port: \"x\": not a whole number");
	check_problem("[http]\nport =", 2, "[http] port: \"\": not a whole number");
	check_problem("[http]\nport = 1k", 2, "[http] port: \"1k\": not a whole number");
	check_problem("[http]\nport = +1", 2, "[http] port: \"+1\": not a whole number");
	check_problem("[http]\nport = 0x10", 2, "[http] port: \"0x10\": not a whole number");
	check_problem("[http]\nport = 1.5", 2, "[http] port: \"1.5\": not a whole number");
	check_problem("[http]\nport = 0", 2, "[http] port: \"0\": not within 1..65535");
	check_problem("[http]\nport = 65536", 2, "[http] port: \"65536\": not within 1..65535");
	check_problem("[http]\noffset_ms = -11", 2,
		      "[http] offset_ms: \"-11\": not within -10..10 ms");
	check_problem("[http]\nport = 99999999999999999999", 2,
		      "[http] port: \"99999999999999999999\": not a whole number");
	check_problem("[http]\nbody_max_bytes = 9999999999g", 2,
		      "[http] body_max_bytes: \"9999999999g\": not a whole number (k, m and g may "
		      "follow)");
	check_problem("[http]\nbody_max_bytes = 1kk", 2,
		      "[http] body_max_bytes: \"1kk\": not a whole number (k, m and g may follow)");
	check_problem("[http]\ndeflate = maybe", 2,
		      "[http] deflate: \"maybe\": neither \"on\" nor \"off\"");
	check_problem("[http]\nlog_format = tex", 2,
		      "[http] log_format: \"tex\": none of text|json|both");
	check_problem("[http]\nlog_format = text|json", 2,
		      "[http] log_format: \"text|json\": none of text|json|both");
}

static void test_bytes_that_are_wrong(void **state)
{
	char text[5000] = "[http]\nlisten = ";
	struct fixture f;

	(void)state;
	fixture_init(&f);
	check_i64(read_bytes(&f, "[http]\nlisten = a\0b\n", 20), 1);
	check_i64(read_text(&f, "[http]\nlisten = \xff\n"), 1);
	check_i64(read_text(&f, "[http]\nlisten = \x1b[31m\n"), 1);
	memset(text + 16, 'x', 4096 - 9);
	check_i64(read_text(&f, text), 0); /* 4096 bytes in the line */
	text[16 + 4096 - 9] = 'x';
	check_i64(read_text(&f, text), 1);
	check(strstr(buf_cstr(&f.problems), ":2: the line is longer than 4096 bytes\n"));
	fixture_fini(&f);
}

static void test_all_problems_are_listed(void **state)
{
	struct fixture f;
	const char *text;

	(void)state;
	fixture_init(&f);
	check_i64(read_text(&f, "[http]\nport = x\nlisten = good\ndeflate = 7\nnothing\n"), 3);
	text = buf_cstr(&f.problems);
	check(strstr(text, ":2: ") && strstr(text, ":4: ") && strstr(text, ":5: "));
	check_str(f.http.listen, "good");
	check_i64(f.http.port, 80); /* a wrong value leaves the old one */
	fixture_fini(&f);
}

static void test_file_that_cannot_be_read(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	check_i64(config_read_file(f.sections, "/nonexistent/agni.ini", &f.problems), 1);
	check_str(buf_cstr(&f.problems), "/nonexistent/agni.ini: No such file or directory\n");
	check_i64(config_read_file(f.sections, "/tmp", &f.problems), 1);
	check_i64(config_read_file(f.sections, "/dev/zero", &f.problems), 1);
	check(strstr(buf_cstr(&f.problems), "/dev/zero: File too large\n"));
	fixture_fini(&f);
}

static void test_environment(void **state)
{
	struct fixture f;

	(void)state;
	setenv("AGNI_TEST_A", "one # two", 1);
	setenv("AGNI_TEST_B", "${AGNI_TEST_A}", 1);
	setenv("AGNI_TEST_PORT", "8123", 1);
	setenv("AGNI_TEST_BAD", "a\nb", 1);
	unsetenv("AGNI_TEST_NONE");
	fixture_init(&f);
	check_i64(read_text(&f, "[http]\nlisten = <${AGNI_TEST_A}|${AGNI_TEST_B}>\n"
				"port = ${AGNI_TEST_PORT}\nsecret = $$ $5 $ {x} $"),
		  0);
	/* What a variable holds is taken as it is: no comment, no second round. */
	check_str(f.http.listen, "<one # two|${AGNI_TEST_A}>");
	check_i64(f.http.port, 8123);
	check_str(f.http.secret, "$$ $5 $ {x} $");
	fixture_fini(&f);
	check_problem("[http]\nlisten = ${AGNI_TEST_NONE}", 2,
		      "[http] listen: ${AGNI_TEST_NONE} is not set in the environment");
	check_problem("[http]\nlisten = ${AGNI", 2, "[http] listen: \"${\" without \"}\"");
	check_problem("[http]\nlisten = ${}", 2,
		      "[http] listen: ${...} does not hold a variable's name");
	check_problem("[http]\nlisten = ${1A}", 2,
		      "[http] listen: ${...} does not hold a variable's name");
	check_problem("[http]\nlisten = ${AGNI_TEST_BAD}", 2,
		      "[http] listen: ${AGNI_TEST_BAD} holds a control character or is not UTF-8");
}

static void test_secrets_are_not_printed(void **state)
{
	static const struct config_key keys[] = {
		CONFIG_INT_F(struct sample, port, 1, 1, 9, "", "a secret number", CONFIG_SECRET),
		CONFIG_INT(struct sample, offset_ms, 1, 1, 9, "", "a number"),
		{0},
	};
	struct sample s = {0};
	const struct config_section sections[] = {{"x", keys, &s, ""}, {0}};
	struct agni_err err;

	(void)state;
	config_defaults(sections);
	check_i64(config_set(sections, "x.port=hunter2", &err), AGNI_ECONFIG);
	check_str(err.text, "[x] port: not a whole number");
	/* Nor is what came from the environment, for any key. */
	setenv("AGNI_TEST_A", "hunter2", 1);
	check_i64(config_set(sections, "x.offset_ms=${AGNI_TEST_A}", &err), AGNI_ECONFIG);
	check_str(err.text, "[x] offset_ms: \"${AGNI_TEST_A}\": not a whole number");
}

static void check_set_fails(struct fixture *f, const char *assignment, const char *reason)
{
	struct agni_err err;

	check_i64(config_set(f->sections, assignment, &err), AGNI_ECONFIG);
	check_str(err.text, reason);
}

static void test_set(void **state)
{
	struct fixture f;
	struct agni_err err;

	(void)state;
	fixture_init(&f);
	check_i64(config_set(f.sections, "http.port=8080", &err), 0);
	check_i64(f.http.port, 8080);
	/* The last dot before the first '='; dots and more '=' may follow. */
	check_i64(config_set(f.sections, "app.simple.listen=a.b=c.d", &err), 0);
	check_str(f.app.listen, "a.b=c.d");
	check_i64(config_set(f.sections, "app.simple.listen=", &err), 0);
	check_str(f.app.listen, "");
	check_set_fails(&f, "http.port", "--set takes section.key=value");
	check_set_fails(&f, "port=1.5", "--set takes section.key=value");
	check_set_fails(&f, "=", "--set takes section.key=value");
	check_set_fails(&f, "htp.port=1", "unknown section [htp]; did you mean [http]?");
	check_set_fails(&f, "http.prot=1",
			"unknown key \"prot\" in [http]; did you mean \"port\"?");
	check_set_fails(&f, "http.port=0", "[http] port: \"0\": not within 1..65535");
	check_set_fails(&f, "http.listen=a\nb", "--set holds a control character or is not UTF-8");
	fixture_fini(&f);
}

static void test_print(void **state)
{
	struct fixture f;
	struct buf out = {0};
	const char *want = "# The REST side\n"
			   "[http]\n"
			   "# where to listen (default 127.0.0.1:8000)\n"
			   "listen = 127.0.0.1:8000\n"
			   "# a key (default empty)\n"
			   "secret =\n"
			   "# a port (default 80, 1..65535, SIGHUP applies it)\n"
			   "port = 80\n"
			   "# largest body (bytes, default 65536, 1024..1073741824)\n"
			   "body_max_bytes = 65536\n"
			   "# compress (default off, on|off)\n"
			   "deflate = off\n"
			   "# form of a line (default text, text|json|both, SIGHUP applies it)\n"
			   "log_format = text\n"
			   "# may be negative (ms, default -5, -10..10)\n"
			   "offset_ms = -5\n"
			   "\n# An app\n[app.simple]\n";

	(void)state;
	fixture_init(&f);
	config_print(f.sections, &out);
	check(strncmp(buf_cstr(&out), want, strlen(want)) == 0);
	fixture_fini(&f);
	buf_fini(&out);
}

static void test_what_is_printed_reads_back(void **state)
{
	struct fixture a, b;
	struct buf text = {0}, reload = {0}, restart = {0};
	struct agni_err err;

	(void)state;
	fixture_init(&a);
	fixture_init(&b);
	config_print(a.sections, &text);
	check_i64(config_set(b.sections, "http.port=1", &err), 0);
	check_i64(config_set(b.sections, "http.secret=x", &err), 0);
	check_i64(read_bytes(&b, text.data, text.len), 0);
	config_diff(a.sections, b.sections, &reload, &restart);
	check_i64(reload.len + restart.len, 0);
	buf_fini(&text);
	fixture_fini(&a);
	fixture_fini(&b);
}

static void test_diff_and_reload(void **state)
{
	struct fixture a, b;
	struct buf reload = {0}, restart = {0};

	(void)state;
	fixture_init(&a);
	fixture_init(&b);
	check_i64(read_text(&b, "[http]\nport = 81\nlisten = x\nsecret = hunter2\ndeflate = on\n"
				"[app.simple]\nlog_format = json\noffset_ms = 0\n"),
		  0);
	config_diff(a.sections, b.sections, &reload, &restart);
	check_str(buf_cstr(&reload), "http.port app.simple.log_format ");
	check_str(buf_cstr(&restart), "http.listen http.secret http.deflate app.simple.offset_ms ");
	config_reload(a.sections, b.sections);
	check_i64(a.http.port, 81);
	check_i64(a.app.log_format, 1);
	check_str(a.http.listen, "127.0.0.1:8000");
	check_i64(a.app.offset_ms, -5);
	buf_fini(&reload);
	buf_fini(&restart);
	fixture_fini(&a);
	fixture_fini(&b);
}

static void check_listen(const char *text, const char *want_host, int want_port)
{
	char host[64];
	int port = -1;

	check(config_parse_listen(text, host, &port));
	check_str(host, want_host);
	check_i64(port, want_port);
}

static void test_listen(void **state)
{
	static const char *const bad[] = {
		"",        "127.0.0.1", "127.0.0.1:", ":80",   "[]:80",     "::1:80",
		"[::1]80", "[::1:80",   "a:65536",    "a:-1",  "a:+1",      "a: 1",
		"a b:1",   "a:1x",      "a:000001",   "a/b:1", "[[::1]]:1", "user@host:1234"};
	char host[64], text[100];
	int port;

	(void)state;
	check_listen("127.0.0.1:8000", "127.0.0.1", 8000);
	check_listen("[::1]:0", "::1", 0);
	check_listen("localhost:65535", "localhost", 65535);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (config_parse_listen(bad[i], host, &port))
			fail_msg("\"%s\" was taken", bad[i]);
	}
	snprintf(text, sizeof(text), "%063d:1", 0);
	check(config_parse_listen(text, host, &port));
	snprintf(text, sizeof(text), "%064d:1", 0);
	check(!config_parse_listen(text, host, &port));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_type),
		cmocka_unit_test(test_names_that_are_not_known),
		cmocka_unit_test(test_shapes_that_are_wrong),
		cmocka_unit_test(test_values_that_are_wrong),
		cmocka_unit_test(test_bytes_that_are_wrong),
		cmocka_unit_test(test_all_problems_are_listed),
		cmocka_unit_test(test_file_that_cannot_be_read),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_secrets_are_not_printed),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_what_is_printed_reads_back),
		cmocka_unit_test(test_diff_and_reload),
		cmocka_unit_test(test_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
