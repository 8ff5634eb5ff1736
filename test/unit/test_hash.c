/* SPDX-License-Identifier: MIT
 *
 * SHA-256 against the examples of FIPS 180-2 and RFC 6234.
 */
#include "../lib/check.h"
#include "http/hash.h"

static void check_hash(const char *text, size_t len, const char *want)
{
	char got[SHA256_TEXT];

	hash_sha256_text(text, len, got);
	check_str(got, want);
}

static void test_examples(void **state)
{
	static char million[1000000];

	(void)state;
	check_hash("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check_hash("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check_hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
		   "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	memset(million, 'a', sizeof(million));
	check_hash(million, sizeof(million),
		   "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
