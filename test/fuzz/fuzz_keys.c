/* SPDX-License-Identifier: MIT
 *
 * fuzz_keys: the file of the API keys. What is taken prints, reads back and prints the same, with
 * the same scope; and nothing opens with a key of zeros.
 */
#include <stdio.h>
#include <stdlib.h>

#include "auth/keys.h"

static void must(bool cond)
{
	if (!cond)
		abort();
}

static bool is_open_to(const struct keys *k, const char *text)
{
	struct key *found;

	return keys_check(k, text, 0, &found) == KEY_GOOD;
}

static void round_trip(const struct keys *k)
{
	struct buf a = {0}, b = {0};
	struct keys back = {0};
	struct agni_err err;

	keys_print(k, &a);
	must(keys_parse(&back, a.data, a.len, &err) == 0);
	keys_print(&back, &b);
	must(a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0));
	must(back.n == k->n);
	for (size_t i = 0; i < k->n; i++)
		must(scope_is_equal(&k->all[i].scope, &back.all[i].scope));
	keys_fini(&back);
	buf_fini(&a);
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct keys k = {0};
	struct agni_err err;
	char zeros[KEY_TEXT_LEN + 1];

	snprintf(zeros, sizeof(zeros), "agni_%0*d_%0*d", KEY_ID_LEN, 0, KEY_SECRET_LEN, 0);
	if (keys_parse(&k, (const char *)data, len, &err) == 0) {
		round_trip(&k);
		must(!is_open_to(&k, zeros));
	}
	for (size_t i = 0; i < k.n; i++)
		must(k.all[i].role >= ROLE_VIEWER && k.all[i].role <= ROLE_ADMIN &&
		     key_name_is_valid(k.all[i].name));
	keys_fini(&k);
	return 0;
}
