/* SPDX-License-Identifier: MIT
 *
 * Tokens that are brought, and questions about the one in place.
 */
#include "../lib/token_stand.h"

static const struct script_reply good = GOOD_REPLY;
static const struct script_reply dead = DEAD_REPLY;

static void test_offer(void **state)
{
	const struct script_reply says[] = {good, dead, {500, "", NULL}, good};
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	script_set(&s.keeper.broker, says, 4);
	stand_ready(&s);
	/* Bad: nothing is replaced. */
	check_i64(stand_offer(&s, "tok-bad"), 0);
	check_i64(stand_offer(&s, "tok-other"), AGNI_EBUSY);
	rig_until(&s.rig, stand_has_answer, &s);
	check_i64(s.verdict, PROOF_BAD);
	check_str(s.code, "UDAPI100050");
	check_i64(s.status, 401);
	check_str(stand_bearer(&s), "Bearer tok-one");
	/* Not to be told. */
	s.answers = 0;
	check_i64(stand_offer(&s, "tok-maybe"), 0);
	rig_until(&s.rig, stand_has_answer, &s);
	check_i64(s.verdict, PROOF_UNKNOWN);
	check_str(stand_bearer(&s), "Bearer tok-one");
	/* Good. */
	s.answers = 0;
	check_i64(stand_offer(&s, "tok-good"), 0);
	rig_until(&s.rig, stand_has_answer, &s);
	check_i64(s.verdict, PROOF_GOOD);
	check_str(stand_bearer(&s), "Bearer tok-good");
	check_i64(stand_generation(&s), 2);
	check_i64(stand_offer(&s, "tok with a space"), AGNI_EPARSE);
	stand_down(&s);
}

/* The very token that is in place is offered, and turns out to be dead: a 401 like any other. */
static void test_offer_of_the_dead_one(void **state)
{
	const struct script_reply says[] = {good, dead};
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	script_set(&s.keeper.broker, says, 2);
	stand_ready(&s);
	check_i64(stand_offer(&s, "tok-one"), 0);
	rig_until(&s.rig, stand_has_answer, &s);
	check_i64(s.verdict, PROOF_BAD);
	check_str(stand_bearer(&s), "");
	check_i64(token_get_state(s.token), TOKEN_REFRESHING);
	stand_down(&s);
}

/* Beyond repair, and revived by hand. */
static void test_offer_revives(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	stand_ready(&s);
	token_refuse(s.token, 1);
	rig_until(&s.rig, stand_is_failed, &s);
	check_i64(stand_offer(&s, "tok-by-hand"), 0);
	rig_until(&s.rig, stand_has_answer, &s);
	check_str(stand_bearer(&s), "Bearer tok-by-hand");
	check(!token_has_failed(s.token));
	check_health(&s, HEALTH_UP, "in place");
	stand_down(&s);
}

/* Fifty who ask at once and learn of a 401: one question, one refresh. */
static void test_validate(void **state)
{
	static const struct script_reply replies[] = {{200, ANSWER("tok-one"), NULL},
						      {200, ANSWER("tok-two"), NULL}};
	const struct script_reply says[] = {good, good, dead, good};
	struct stand s;

	(void)state;
	stand_up(&s, replies, 2);
	script_set(&s.keeper.broker, says, 4);
	stand_begin(&s);
	check_i64(stand_validate(&s), AGNI_ENOTFOUND);
	rig_until(&s.rig, stand_is_ready, &s);
	check_i64(stand_validate(&s), 0);
	rig_until(&s.rig, stand_has_answer, &s);
	check_i64(s.verdict, PROOF_GOOD);
	check_str(s.asked, "GET /v3/feed/market-data-feed/authorize");
	s.answers = 0;
	for (int i = 0; i < 50; i++)
		check_i64(stand_validate(&s), 0);
	rig_until(&s.rig, stand_has_answer, &s);
	check_i64(s.answers, 50);
	check_i64(s.verdict, PROOF_BAD);
	rig_until(&s.rig, stand_is_ready, &s);
	check_str(stand_bearer(&s), "Bearer tok-two");
	check_i64(s.api.asked, 2);
	check_i64(s.keeper.broker.asked, 4);
	stand_down(&s);
}

/* Who asks after a swap is told of the token that is in place, not of the one before. */
static void test_validate_over_a_swap(void **state)
{
	const struct script_reply says[] = {good, {0, NULL, NULL}, good, good};
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	s.keeper.cfg.timeout_ms = 60000;
	script_set(&s.keeper.broker, says, 4);
	stand_ready(&s);
	check_i64(stand_validate(&s), 0);
	stand_until_asked(&s, &s.keeper.broker, 2);
	check_i64(stand_offer(&s, "tok-new"), 0);
	stand_until_next(&s, 1);
	s.answers = 0; /* of the offer */
	check_i64(stand_validate(&s), 0);
	rig_until(&s.rig, stand_has_answer, &s);
	check_i64(s.answers, 2);
	check_i64(s.verdict, PROOF_GOOD);
	check_str(s.keeper.broker.heard[3].authorization, "Bearer tok-new");
	stand_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offer),
		cmocka_unit_test(test_offer_of_the_dead_one),
		cmocka_unit_test(test_offer_revives),
		cmocka_unit_test(test_validate),
		cmocka_unit_test(test_validate_over_a_swap),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, stand_log_begin, stand_log_end);
}
