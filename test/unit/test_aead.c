/* SPDX-License-Identifier: MIT
 *
 * AES-256-GCM and SHA-256 against published values: the GCM specification of McGrew and Viega (test
 * cases 13, 14, 16) and FIPS 180-4.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "http/aead.h"
#include "http/hash.h"

static size_t unhex(const char *hex, unsigned char *out)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned v;

		check_i64(sscanf(hex + 2 * i, "%2x", &v), 1);
		out[i] = (unsigned char)v;
	}
	return n;
}

static const struct {
	const char *key, *nonce, *plain, *aad, *sealed;
} cases[] = {
	{"0000000000000000000000000000000000000000000000000000000000000000",
	 "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
	{"0000000000000000000000000000000000000000000000000000000000000000",
	 "000000000000000000000000", "00000000000000000000000000000000", "",
	 "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
	{"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	 "cafebabefacedbaddecaf888",
	 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e244"
	 "9a"
	 "6b525b16aedf5aa0de657ba637b39",
	 "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b105"
	 "6"
	 "828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
};

static void test_known_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned char key[32], nonce[12], plain[64], aad[32], want[96], got[96], back[64];
		struct aead_input in = {key, nonce, aad, unhex(cases[i].aad, aad)};
		size_t n = unhex(cases[i].plain, plain), m = unhex(cases[i].sealed, want);

		unhex(cases[i].key, key);
		unhex(cases[i].nonce, nonce);
		check_i64(m, n + AEAD_TAG_BYTES);
		aead_seal(&in, plain, n, got);
		check(memcmp(got, want, m) == 0);
		check(aead_open(&in, got, m, back));
		check(memcmp(back, plain, n) == 0);
		got[m - 1] ^= 1;
		check(!aead_open(&in, got, m, back));
		check(!aead_open(&in, got, AEAD_TAG_BYTES - 1, back));
	}
}

static void test_sha256(void **state)
{
	unsigned char want[SHA256_BYTES], got[SHA256_BYTES];

	(void)state;
	unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", want);
	hash_sha256("abc", 3, got);
	check(memcmp(got, want, sizeof(want)) == 0);
	unhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", want);
	hash_sha256("", 0, got);
	check(memcmp(got, want, sizeof(want)) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_sha256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
