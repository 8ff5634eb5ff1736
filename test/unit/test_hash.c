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

static void test_hmac(void **state)
{
	static const char text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	char got[SHA256_TEXT], key[131];

	(void)state;
	/* RFC 4231, cases 1, 2 and 6. */
	memset(key, 0x0b, 20);
	hash_hmac_text(key, 20, "Hi There", 8, got);
	check_str(got, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hash_hmac_text("Jefe", 4, "what do ya want for nothing?", 28, got);
	check_str(got, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hash_hmac_text(key, sizeof(key), text, sizeof(text) - 1, got);
	check_str(got, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples),
					   cmocka_unit_test(test_hmac)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
