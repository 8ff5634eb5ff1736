/* SPDX-License-Identifier: MIT
 *
 * test_auth_keys: API keys in memory: what is made, what is accepted, roles and scopes.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "auth/keys.h"
#include "core/secret.h"

#define NOW 1795370700000ll

static void add(struct keys *k, const struct key *wanted, char text[KEY_TEXT_LEN + 1])
{
	struct agni_err err = {0};

	if (keys_add(k, wanted, NOW, text, &err) < 0)
		fail_msg("%s", err.text);
}

static enum key_verdict judge(const struct keys *k, const char *text)
{
	struct key *found;
	enum key_verdict v = keys_check(k, text, NOW, &found);

	check_i64(v == KEY_WRONG, found == NULL);
	return v;
}

static void test_made_key(void **state)
{
	struct keys k = {0};
	struct key *found;
	char a[KEY_TEXT_LEN + 1], b[KEY_TEXT_LEN + 1];

	(void)state;
	add(&k, &(struct key){.name = "desk1", .role = ROLE_TRADER, .connections = 4}, a);
	add(&k, &(struct key){.role = ROLE_ADMIN}, b);
	check_i64(k.n, 2);
	check_i64(strlen(a), KEY_TEXT_LEN);
	check(strncmp(a, "agni_", 5) == 0 && a[13] == '_');
	check_i64(strspn(a + 5, "0123456789abcdef"), KEY_ID_LEN);
	check_i64(strspn(a + 14, "0123456789abcdef"), KEY_SECRET_LEN);
	check(strcmp(a + 14, b + 14) != 0);
	check(memcmp(k.all[0].salt, k.all[1].salt, KEY_SALT_LEN) != 0);
	check_str(k.all[1].name, k.all[1].id); /* without a name of its own */
	check_i64(keys_check(&k, a, NOW, &found), KEY_GOOD);
	check_str(found->name, "desk1");
	check_i64(found->role, ROLE_TRADER);
	check_i64(found->connections, 4);
	check_i64(found->created_ms, NOW);
	check_i64(keys_check(&k, b, NOW, &found), KEY_GOOD);
	check(found == &k.all[1]);
	keys_fini(&k);
}

/* Each single character of a key counts, and so does its length. */
static void test_wrong_keys(void **state)
{
	static const char *const bad[] = {"", "agni_", "Bearer", "agni_00000000_"};
	struct keys k = {0};
	char good[KEY_TEXT_LEN + 1], text[KEY_TEXT_LEN + 2];

	(void)state;
	add(&k, &(struct key){.name = "a", .role = ROLE_VIEWER}, good);
	add(&k, &(struct key){.name = "b", .role = ROLE_ADMIN}, text);
	for (size_t i = 0; i < KEY_TEXT_LEN; i++) {
		snprintf(text, sizeof(text), "%s", good);
		text[i] = text[i] == '0' ? '1' : '0';
		if (judge(&k, text) != KEY_WRONG)
			fail_msg("passes with byte %zu changed", i);
		text[i] = '\0';
		check_i64(judge(&k, text), KEY_WRONG);
	}
	snprintf(text, sizeof(text), "%s0", good);
	check_i64(judge(&k, text), KEY_WRONG);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		check_i64(judge(&k, bad[i]), KEY_WRONG);
	/* The secret of one with the id of another. */
	snprintf(text, sizeof(text), "%s", good);
	memcpy(text + 5, k.all[1].id, KEY_ID_LEN);
	check_i64(judge(&k, text), KEY_WRONG);
	/* Nobody's id: what stands in for the record is no way in, whatever the secret. */
	memcpy(text + 5, "ffffffff", KEY_ID_LEN);
	check_i64(judge(&k, text), KEY_WRONG);
	check_i64(judge(&k, good), KEY_GOOD);
	keys_fini(&k);
	check_i64(judge(&k, good), KEY_WRONG); /* an empty table */
}

static void test_expiry(void **state)
{
	struct keys k = {0};
	struct key *found;
	char text[KEY_TEXT_LEN + 1];

	(void)state;
	add(&k, &(struct key){.role = ROLE_VIEWER, .expires_ms = NOW + 1000}, text);
	check_i64(keys_check(&k, text, NOW + 999, &found), KEY_GOOD);
	check_i64(keys_check(&k, text, NOW + 1000, &found), KEY_EXPIRED);
	check(found == &k.all[0]);
	text[KEY_TEXT_LEN - 1] ^= 1; /* who has not the secret is not told of the expiry */
	check_i64(keys_check(&k, text, NOW + 1000, &found), KEY_WRONG);
	check(found == NULL);
	keys_fini(&k);
}

static void test_names(void **state)
{
	static const char *const bad[] = {"",    "a b", "a/b",
					  "a\"", "\n",  "0123456789012345678901234567890123"};
	struct keys k = {0};
	struct agni_err err = {0};
	struct key again = {.name = "desk-1.a_B", .role = ROLE_VIEWER};
	char text[KEY_TEXT_LEN + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		check(!key_name_is_valid(bad[i]));
	check(key_name_is_valid("desk-1.a_B") && key_name_is_valid("0"));
	check(key_name_is_valid("01234567890123456789012345678901"));
	add(&k, &again, text);
	check_i64(scope_add(&again.scope, "NSE_FO|*", &err), 0);
	check_i64(keys_add(&k, &again, NOW, text, &err), AGNI_EUSAGE);
	check(strstr(err.text, "desk-1.a_B") != NULL);
	check(keys_find(&k, "desk-1.a_B") == &k.all[0]);
	check(keys_find(&k, k.all[0].id) == &k.all[0]);
	check(keys_find(&k, "desk") == NULL);
	keys_remove(&k, &k.all[0]);
	check(keys_find(&k, "desk-1.a_B") == NULL);
	keys_fini(&k);
}

static void test_most_keys(void **state)
{
	struct keys k = {0};
	struct agni_err err = {0};
	char text[KEY_TEXT_LEN + 1];

	(void)state;
	for (int i = 0; i < KEYS_MAX; i++)
		add(&k, &(struct key){.role = ROLE_VIEWER}, text);
	check_i64(keys_add(&k, &(struct key){.role = ROLE_VIEWER}, NOW, text, &err), AGNI_ELIMIT);
	for (size_t i = 0; i < k.n; i++)
		check(keys_find(&k, k.all[i].id) == &k.all[i]);
	while (k.n)
		keys_remove(&k, &k.all[k.n / 2]);
	keys_fini(&k);
}

static void test_roles(void **state)
{
	static const char *const names[] = {"anyone", "viewer", "trader", "operator", "admin"};
	enum auth_role role;

	(void)state;
	for (int i = ROLE_VIEWER; i <= ROLE_ADMIN; i++) {
		check(role_parse(names[i], &role));
		check_i64(role, i);
		check_str(role_text(role), names[i]);
	}
	check(!role_parse("anyone", &role)); /* no key has it */
	check(!role_parse("Admin", &role) && !role_parse("", &role));
	check(ROLE_ANYONE < ROLE_VIEWER && ROLE_VIEWER < ROLE_TRADER &&
	      ROLE_TRADER < ROLE_OPERATOR && ROLE_OPERATOR < ROLE_ADMIN);
}

static bool permits(const struct scope *s, const char *key)
{
	return scope_permits(s, key, strlen(key));
}

static void test_scope(void **state)
{
	struct scope s = {0}, t = {0};
	struct agni_err err = {0};

	(void)state;
	check(permits(&s, "NSE_FO|45450")); /* no members: all */
	check_i64(scope_add_list(&s, " NSE_INDEX|* , NSE_EQ|INE002A01018,BSE_*", &err), 0);
	check_i64(s.n, 3);
	check(permits(&s, "NSE_INDEX|Nifty 50") && permits(&s, "NSE_EQ|INE002A01018"));
	check(permits(&s, "BSE_FO|1") && permits(&s, "BSE_INDEX|SENSEX"));
	check(!permits(&s, "NSE_EQ|INE002A0101") && !permits(&s, "NSE_EQ|INE002A010189"));
	check(!permits(&s, "NSE_FO|45450") && !permits(&s, "nse_index|Nifty 50"));
	check(!permits(&s, "NSE_INDEX") && !permits(&s, "XNSE_INDEX|1") && !permits(&s, ""));
	check(!scope_is_equal(&s, &t));
	check_i64(scope_add_list(&t, "NSE_INDEX|*,NSE_EQ|INE002A01018,BSE_*", &err), 0);
	check(scope_is_equal(&s, &t));
	t.members[1][0] = 'B';
	check(!scope_is_equal(&s, &t));
	scope_fini(&t);
	check_i64(scope_add_list(&t, "*", &err), 0);
	check(permits(&t, "NSE_FO|45450"));
	scope_fini(&t);
	scope_fini(&s);
}

/* That of a key that is gone too, whose one member is no instrument's. */
static void test_scope_copy(void **state)
{
	static char nothing[] = "", *members[] = {nothing};
	const struct scope gone = {members, 1}, all = {0};
	struct scope copy = {0};

	(void)state;
	scope_copy(&copy, &gone);
	check(scope_is_equal(&copy, &gone));
	check(!permits(&copy, "NSE_INDEX|Nifty 50"));
	scope_fini(&copy);
	scope_copy(&copy, &all);
	check(permits(&copy, "NSE_INDEX|Nifty 50"));
	scope_fini(&copy);
}

static void test_bad_scope(void **state)
{
	static const char *const bad[] = {
		"",   " , ", "NSE_FO",       "nse_fo|1",  "NSE_FO|",
		"|*", "x*",  "NSE_FO|\x01*", "NSE_FO||*", "NSE_FO|1,NSE_FO"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct scope s = {0};
		struct agni_err err = {0};

		if (scope_add_list(&s, bad[i], &err) != AGNI_EPARSE)
			fail_msg("\"%s\" passes", bad[i]);
		check(strstr(err.text, "scope") != NULL);
		scope_fini(&s);
	}
}

static void test_most_scope(void **state)
{
	struct scope s = {0};
	struct agni_err err = {0};

	(void)state;
	for (int i = 0; i < SCOPE_MEMBERS_MAX; i++)
		check_i64(scope_add(&s, "NSE_FO|*", &err), 0);
	check_i64(scope_add(&s, "NSE_FO|*", &err), AGNI_ELIMIT);
	scope_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_key),  cmocka_unit_test(test_wrong_keys),
		cmocka_unit_test(test_expiry),    cmocka_unit_test(test_names),
		cmocka_unit_test(test_most_keys), cmocka_unit_test(test_roles),
		cmocka_unit_test(test_scope),     cmocka_unit_test(test_scope_copy),
		cmocka_unit_test(test_bad_scope), cmocka_unit_test(test_most_scope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
