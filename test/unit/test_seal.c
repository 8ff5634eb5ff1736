/* SPDX-License-Identifier: MIT
 *
 * The sealed token: what is sealed comes back, and a change of any byte is found and named.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/check.h"
#include "token/seal.h"

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY_B "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char ring_a[] = "# the present key\n00000000000000aa " KEY_A "\n";
static const char ring_b[] = "00000000000000bb " KEY_B "\n";
static const char ring_ba[] = "00000000000000bb " KEY_B "\n00000000000000aa " KEY_A "\n";

static void ring_of(struct seal_ring *r, const char *text)
{
	struct agni_err err = {0};

	if (seal_ring_parse(r, text, &err) < 0)
		fail_msg("%s", err.text);
}

static struct seal_content sample(void)
{
	struct seal_content c = {.account = "agnidata001",
				 .generation = 7,
				 .expires_ms = 1795386600000,
				 .issued_ms = 1795300000123,
				 .kind = 1,
				 .origin = 3};

	snprintf(c.token, sizeof(c.token), "eyJ0eXAiOiJKV1QifQ.secret-of-the-test.signature");
	return c;
}

static void test_round_trip(void **state)
{
	struct seal_content in = sample(), out;
	struct buf a = {0}, b = {0};
	struct agni_err err = {0};
	struct seal_ring r;

	(void)state;
	ring_of(&r, ring_a);
	seal_close(&r, &in, &a);
	check(strstr(buf_cstr(&a), "secret") == NULL);
	check(strstr(a.data, "\"kid\":\"00000000000000aa\",\"account\":\"agnidata001\",") != NULL);
	check_i64(seal_open(&r, "agnidata001", a.data, a.len, &out, &err), 0);
	check_str(out.token, in.token);
	check_i64(out.generation, 7);
	check_i64(out.expires_ms, in.expires_ms);
	check_i64(out.issued_ms, in.issued_ms);
	check_i64(out.kind, 1);
	check_i64(out.origin, 3);
	/* A nonce of its own each time. */
	seal_close(&r, &in, &b);
	check(a.len == b.len && memcmp(a.data, b.data, a.len) != 0);
	seal_ring_fini(&r);
	buf_fini(&a);
	buf_fini(&b);
}

/* The longest token and account there may be. */
static void test_extremes(void **state)
{
	struct seal_content in = sample(), out;
	struct buf b = {0};
	struct agni_err err = {0};
	struct seal_ring r;

	(void)state;
	ring_of(&r, ring_a);
	memset(in.account, 'x', SEAL_ACCOUNT_MAX);
	memset(in.token, '~', TOKEN_TEXT_MAX);
	in.generation = (1ull << 53) - 1;
	in.expires_ms = 0;
	seal_close(&r, &in, &b);
	check(b.len <= SEAL_RECORD_MAX);
	if (seal_open(&r, in.account, b.data, b.len, &out, &err) < 0)
		fail_msg("%s", err.text);
	check_str(out.token, in.token);
	seal_ring_fini(&r);
	buf_fini(&b);
}

/* Every bit of every byte, and every length: found, named, and nothing of the token is left. */
static void test_any_change_is_found(void **state)
{
	struct seal_content in = sample(), out;
	struct buf b = {0};
	struct agni_err err;
	struct seal_ring r;

	(void)state;
	ring_of(&r, ring_a);
	seal_close(&r, &in, &b);
	for (size_t i = 0; i < b.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			b.data[i] = (char)(b.data[i] ^ 1 << bit);
			err = (struct agni_err){0};
			if (seal_open(&r, "agnidata001", b.data, b.len, &out, &err) == 0)
				fail_msg("byte %zu, bit %d was not noticed", i, bit);
			check(strstr(err.text, "sealed token") != NULL);
			check_i64(out.token[0], 0);
			b.data[i] = (char)(b.data[i] ^ 1 << bit);
		}
	}
	for (size_t n = 0; n < b.len; n++)
		check(seal_open(&r, "agnidata001", b.data, n, &out, &err) < 0);
	buf_byte(&b, '\n');
	check_i64(seal_open(&r, "agnidata001", b.data, b.len, &out, &err), AGNI_EPARSE);
	seal_ring_fini(&r);
	buf_fini(&b);
}

static void test_keys_and_accounts(void **state)
{
	struct seal_content in = sample(), out;
	struct buf b = {0};
	struct agni_err err;
	struct seal_ring a, other, both;

	(void)state;
	ring_of(&a, ring_a);
	ring_of(&other, ring_b);
	ring_of(&both, ring_ba);
	seal_close(&a, &in, &b);
	check_i64(seal_open(&other, "agnidata001", b.data, b.len, &out, &err), AGNI_ENOTFOUND);
	check(strstr(err.text, "00000000000000aa") != NULL);
	check_i64(seal_open(&a, "another", b.data, b.len, &out, &err), AGNI_EAUTH);
	check(strstr(err.text, "agnidata001") && strstr(err.text, "another"));
	/* Rotation: the new key seals, the old one still opens. */
	check_i64(seal_open(&both, "agnidata001", b.data, b.len, &out, &err), 0);
	buf_reset(&b);
	seal_close(&both, &in, &b);
	check_i64(seal_open(&other, "agnidata001", b.data, b.len, &out, &err), 0);
	check_i64(seal_open(&a, "agnidata001", b.data, b.len, &out, &err), AGNI_ENOTFOUND);
	seal_ring_fini(&a);
	seal_ring_fini(&other);
	seal_ring_fini(&both);
	buf_fini(&b);
}

static void test_bad_rings(void **state)
{
	static const char *const bad[] = {
		"",
		"# nothing but a comment\n",
		"00000000000000aa\n",
		"00000000000000aa  " KEY_A "\n",
		"00000000000000AA " KEY_A "\n",
		"00000000000000aa " KEY_A "0\n",
		"00000000000000a " KEY_A "\n",
		"00000000000000aa " KEY_A "\n00000000000000aa " KEY_B "\n",
		"00000000000000ag " KEY_A "\n",
	};
	struct seal_ring r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct agni_err err = {0};

		check_i64(seal_ring_parse(&r, bad[i], &err), AGNI_ECONFIG);
		check(strstr(err.text, "001122334455") == NULL); /* no key in a message */
		check(r.keys.text == NULL);
	}
}

static void test_ring_file(void **state)
{
	char path[] = "/tmp/agni-ring-XXXXXX";
	struct agni_err err = {0};
	struct buf key = {0};
	struct seal_ring r;
	int fd = mkstemp(path);

	(void)state;
	check(fd >= 0);
	seal_key_make(&key);
	check_i64(write(fd, key.data, key.len), (int64_t)key.len);
	check_i64(seal_ring_read(&r, path, &err), 0);
	check_i64(r.n, 1);
	check(memcmp(r.ids[0], key.data, 16) == 0);
	seal_ring_fini(&r);
	check_i64(fchmod(fd, 0640), 0);
	check_i64(seal_ring_read(&r, path, &err), AGNI_ECONFIG);
	check(strstr(err.text, "chmod 600") != NULL);
	close(fd);
	unlink(path);
	check(seal_ring_read(&r, path, &err) < 0);
	buf_fini(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_any_change_is_found),
		cmocka_unit_test(test_keys_and_accounts),
		cmocka_unit_test(test_bad_rings),
		cmocka_unit_test(test_ring_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
