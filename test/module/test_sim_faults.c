/* SPDX-License-Identifier: MIT
 *
 * The faults of the simulated exchange, one by one, as a client sees them.
 */
#include "../lib/check.h"
#include "../lib/recording.h"

#include <stdio.h>

static void up_with_fault(struct exchange *x, struct recording *r, struct peer *p,
			  const char *fault)
{
	char setting[64];

	recording_make(r, 20);
	snprintf(setting, sizeof(setting), "fault=%s", fault);
	exchange_up(x, (const char *const[]){"source=tape", r->setting, "speed=max", setting,
					     "start_delay_ms=100", NULL});
	peer_open(x, p);
}

static void down(struct exchange *x, struct recording *r, struct peer *p)
{
	peer_fini(x, p);
	exchange_down(x);
	recording_drop(r);
}

static void test_fault_ends(void **state)
{
	struct recording r;
	struct exchange x;
	struct peer p;

	(void)state;
	up_with_fault(&x, &r, &p, "drop:20");
	peer_wait_close(&x, &p);
	check(p.close_code != 1000 && p.close_code != 1001);
	down(&x, &r, &p);

	up_with_fault(&x, &r, &p, "");
	exchange_fault(&x, "kind=close&code=1011");
	peer_wait_close(&x, &p);
	check_i64(p.close_code, 1011);
	down(&x, &r, &p);
}

static void test_fault_torn(void **state)
{
	struct recording r;
	struct exchange x;
	struct lazy l;
	struct peer p = {0};

	(void)state;
	recording_make(&r, 20);
	exchange_up(&x, (const char *const[]){"source=tape", r.setting, "speed=max", "fault=torn",
					      NULL});
	lazy_open(&x, &l);
	while (lazy_read(&l))
		exchange_run_ms(&x, 1);
	check(!lazy_split(&l, &p));
	check_i64(p.n, 1); /* market_info; half of the first message */
	lazy_close(&l);
	down(&x, &r, &p);
}

static void test_fault_messages(void **state)
{
	struct recording r;
	struct exchange x;
	struct peer p;
	size_t at = 0, second;

	(void)state;
	/* The first message, market_info, is sent before the faults of the session begin. */
	up_with_fault(&x, &r, &p, "repeat:3");
	peer_request(&p, CONTROL_SUB, MODE_FULL_D5, recording_keys, 3);
	peer_wait(&x, &p, 20 + 2 + 3);
	check_i64(p.n, 20 + 2 + 3);
	for (uint32_t i = 0; i < 3; i++) {
		recording_check(&p, 1 + 2 * i, r.bytes.data, at);
		at = recording_check(&p, 2 + 2 * i, r.bytes.data, at);
	}
	recording_check(&p, 7, r.bytes.data, at);
	down(&x, &r, &p);

	up_with_fault(&x, &r, &p, "reorder, text");
	peer_request(&p, CONTROL_SUB, MODE_FULL_D5, recording_keys, 3);
	peer_wait(&x, &p, 20 + 2);
	check_i64(p.texts, 1);
	second = recording_check(&p, 2, r.bytes.data, 0);
	at = recording_check(&p, 1, r.bytes.data, second);
	recording_check(&p, 3, r.bytes.data, at);
	down(&x, &r, &p);

	up_with_fault(&x, &r, &p, "corrupt:2");
	peer_request(&p, CONTROL_SUB, MODE_FULL_D5, recording_keys, 3);
	peer_wait(&x, &p, 20 + 2);
	check_i64(p.msgs[1].len, p.msgs[4].len);
	check(memcmp(p.msgs[1].data, r.bytes.data + 4, p.msgs[1].len) != 0);
	down(&x, &r, &p);
}

static void test_fault_stall(void **state)
{
	struct recording r;
	struct exchange x;
	struct peer p;
	uint64_t begin = uv_hrtime();

	(void)state;
	up_with_fault(&x, &r, &p, "stall:300");
	peer_request(&p, CONTROL_SUB, MODE_FULL_D5, recording_keys, 3);
	peer_wait(&x, &p, 1); /* nothing before the stall is over */
	check(uv_hrtime() - begin >= 300 * NS_PER_MS);
	peer_wait(&x, &p, 20 + 2); /* at max nothing is lost in a stall */
	check_i64(p.n, 22);
	down(&x, &r, &p);

	up_with_fault(&x, &r, &p, "silence");
	peer_request(&p, CONTROL_SUB, MODE_FULL_D5, recording_keys, 3);
	exchange_run_ms(&x, 250);
	check(p.conn != NULL);
	check_i64(p.n, 1);
	down(&x, &r, &p);
}

static void test_fault_token(void **state)
{
	struct recording r;
	struct exchange x;
	struct peer p, q;
	struct exchange_reply reply = {0};
	char uri[1024], old[128];

	(void)state;
	up_with_fault(&x, &r, &p, "");
	exchange_uri(&x, uri, sizeof(uri));
	exchange_fault(&x, "kind=forbidden");
	peer_connect(&x, &q, uri);
	check_i64(q.refused_status, 403);
	exchange_fault(&x, "kind=allowed");
	exchange_fault(&x, "kind=unauthorized");
	exchange_call(&x, "GET", "/v2/user/profile", NULL, &reply);
	check_i64(reply.status, 401);
	exchange_fault(&x, "kind=authorized");
	exchange_call(&x, "GET", "/v2/user/profile", NULL, &reply);
	check_i64(reply.status, 200);
	snprintf(old, sizeof(old), "%s", sim_token(x.sim));
	exchange_fault(&x, "kind=renew");
	exchange_call(&x, "GET", "/v2/user/profile", old, &reply);
	check_i64(reply.status, 401);
	exchange_call(&x, "GET", "/v2/user/profile", NULL, &reply);
	check_i64(reply.status, 200);
	check(p.conn != NULL);
	buf_fini(&reply.body);
	peer_fini(&x, &q);
	down(&x, &r, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fault_ends),     cmocka_unit_test(test_fault_torn),
		cmocka_unit_test(test_fault_messages), cmocka_unit_test(test_fault_stall),
		cmocka_unit_test(test_fault_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
