/* SPDX-License-Identifier: MIT
 *
 * The files of a TLS server: each way to get them wrong is one clear line that names the file.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/tls_files.h"
#include "core/clock.h"
#include "core/ist.h"
#include "http/tls.h"

static struct tls_files files;
static char good[128], good_key[128], other[128], other_key[128], made[128];

static int up(void **state)
{
	char line[800];

	(void)state;
	if (!tls_files_make(&files)) {
		print_message("no openssl command\n");
		return -1;
	}
	snprintf(good, sizeof(good), "%s", tls_files_path(&files, "good.pem"));
	snprintf(good_key, sizeof(good_key), "%s", tls_files_path(&files, "good.key"));
	snprintf(other, sizeof(other), "%s", tls_files_path(&files, "other.pem"));
	snprintf(other_key, sizeof(other_key), "%s", tls_files_path(&files, "other.key"));
	snprintf(made, sizeof(made), "%s", files.dir);
	snprintf(line, sizeof(line),
		 "cd %s && { openssl pkcs8 -topk8 -v2 aes128 -passout pass:x -in good.key -out "
		 "enc.key;"
		 " echo nonsense >nonsense.pem; : >empty.pem; head -c 2000000 /dev/zero >huge.pem;"
		 " { head -c 300 good.pem; echo; echo -----END CERTIFICATE-----; } >cut.pem; cat "
		 "good.pem ca.pem >chain.pem;"
		 " cat good.pem cut.pem >half.pem;"
		 " openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.pem -days 9"
		 " -subj /CN=rsa; } >log 2>&1",
		 files.dir);
	return system(line);
}

static int down(void **state)
{
	(void)state;
	tls_files_remove(&files);
	return 0;
}

static const char *path(const char *name)
{
	static char out[2][200];
	static int turn;

	turn = !turn;
	snprintf(out[turn], sizeof(out[0]), "%s/%s", made, name);
	return out[turn];
}

/* The reason must hold both parts and be one line. */
static void check_bad(const char *cert, const char *key, const char *part, const char *name)
{
	struct agni_err err = {0};

	if (tls_files_check("http", cert, key, &err) >= 0)
		fail_msg("%s and %s are taken", cert, key);
	if (!strstr(err.text, part) || !strstr(err.text, name) || strchr(err.text, '\n'))
		fail_msg("\"%s\", wanted \"%s\" and \"%s\"", err.text, part, name);
	check(strstr(err.text, "http.tls_") != NULL);
}

static void test_good(void **state)
{
	struct agni_err err = {0};

	(void)state;
	check_i64(tls_files_check("http", good, good_key, &err), 0);
	check_i64(tls_files_check("http", other, other_key, &err), 0);
	check_i64(tls_files_check("http", path("chain.pem"), good_key, &err), 0);
	check_i64(tls_files_check("http", path("rsa.pem"), path("rsa.key"), &err), 0);
	check_i64(tls_files_check("http", "", "", &err), 0);
}

static void test_bad(void **state)
{
	(void)state;
	check_bad(good, "", "http.tls_cert is set, http.tls_key is not", "");
	check_bad("", good_key, "http.tls_key is set, http.tls_cert is not", "");
	check_bad("/nonexistent/a.pem", good_key, "no such file", "/nonexistent/a.pem");
	check_bad(good, "/nonexistent/a.key", "no such file", "/nonexistent/a.key");
	check_bad(made, good_key, "directory", made);
	check_bad(path("nonsense.pem"), good_key, "holds no certificate", "nonsense.pem");
	check_bad(path("empty.pem"), good_key, "holds no certificate", "empty.pem");
	check_bad(path("cut.pem"), good_key, "holds no certificate", "cut.pem");
	check_bad(path("half.pem"), good_key, "1 of its certificates cannot be read", "half.pem");
	check_bad(path("huge.pem"), good_key, "too large", "huge.pem");
	check_bad(good, path("nonsense.pem"), "holds no RSA or ECDSA key", "nonsense.pem");
	check_bad(good, good, "holds no RSA or ECDSA key", "good.pem");
	check_bad(good_key, good_key, "holds no certificate", "good.key");
	check_bad(good, path("enc.key"), "needs a password", "enc.key");
	check_bad(good, other_key, "is not that of the certificate", "other.key");
	check_bad(good, path("rsa.key"), "is not that of the certificate", "rsa.key");
	check_bad("/dev/zero", good_key, "too large", "/dev/zero");
}

static void test_expiry(void **state)
{
	struct agni_err err;
	struct tls_config *c = tls_server_config_create(path("rsa.pem"), path("rsa.key"), &err);
	struct clock clock;

	(void)state;
	assert_non_null(c);
	clock_init(&clock, CLOCK_SYSTEM);
	check_near((double)(tls_config_expires_ms(c) - clock_wall_ms(&clock)), 9.0 * DAY_MS,
		   60000.0);
	tls_config_destroy(c);
	tls_config_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_expiry),
	};

	return cmocka_run_group_tests(tests, up, down);
}
