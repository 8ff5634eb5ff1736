/* SPDX-License-Identifier: MIT
 *
 * test_loop: turn hooks, reap, and closing down, on a real loop without waiting.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "core/loop.h"

static struct clock clk;
static struct loop loop;

struct counter {
	struct turn_hook hook;
	int runs;
	char name;
	struct counter *arms;    /* armed while this one runs, or NULL */
	struct counter *removes; /* removed while this one runs, or NULL */
};

static char order[32];

static void count_run(struct turn_hook *hook)
{
	struct counter *c = container_of(hook, struct counter, hook);
	size_t n = strlen(order);

	snprintf(order + n, sizeof(order) - n, "%c", c->name);
	c->runs++;
	if (c->arms && c->runs == 1)
		hook_arm(&c->arms->hook);
	if (c->removes)
		loop_remove_hook(&c->removes->hook);
}

static int setup(void **state)
{
	(void)state;
	order[0] = '\0';
	clock_init_manual(&clk, CLOCK_SYSTEM, 0);
	return loop_init(&loop, &clk);
}

static int teardown(void **state)
{
	(void)state;
	return loop_fini(&loop);
}

static void add(struct counter *c, char name)
{
	*c = (struct counter){.name = name};
	loop_add_hook(&loop, &c->hook, count_run);
}

static void test_empty_loop_ends(void **state)
{
	struct counter a;

	(void)state;
	add(&a, 'a');
	check_i64(uv_run(&loop.uv, UV_RUN_DEFAULT), 0);
	check_i64(a.runs, 0);
	check_i64(loop.turns, 0);
}

static void test_armed_often_runs_once(void **state)
{
	struct counter a, b;

	(void)state;
	add(&a, 'a');
	add(&b, 'b');
	hook_arm(&b.hook);
	hook_arm(&a.hook);
	hook_arm(&a.hook);
	hook_arm(&b.hook);
	/* An armed hook keeps the loop alive, and nothing else does. */
	check_i64(uv_run(&loop.uv, UV_RUN_DEFAULT), 0);
	check_str(order, "ab");
	check_i64(loop.turns, 1);
	hook_arm(&b.hook);
	uv_run(&loop.uv, UV_RUN_DEFAULT);
	check_str(order, "abb");
	check_i64(loop.turns, 2);
}

static void test_later_hook_runs_in_the_same_pass(void **state)
{
	struct counter a, b;

	(void)state;
	add(&a, 'a');
	add(&b, 'b');
	a.arms = &b;
	hook_arm(&a.hook);
	uv_run(&loop.uv, UV_RUN_DEFAULT);
	check_str(order, "ab");
	check_i64(loop.turns, 1);
}

static void test_earlier_hook_runs_in_the_next_turn(void **state)
{
	struct counter a, b;

	(void)state;
	add(&a, 'a');
	add(&b, 'b');
	b.arms = &a;
	hook_arm(&b.hook);
	uv_run(&loop.uv, UV_RUN_NOWAIT);
	check_str(order, "b");
	uv_run(&loop.uv, UV_RUN_DEFAULT);
	check_str(order, "ba");
	check_i64(loop.turns, 2);
}

static void test_hook_that_arms_itself(void **state)
{
	struct counter a;

	(void)state;
	add(&a, 'a');
	a.arms = &a;
	hook_arm(&a.hook);
	uv_run(&loop.uv, UV_RUN_DEFAULT);
	check_str(order, "aa");
}

static void test_hook_removes_its_neighbours(void **state)
{
	struct counter a, b, c;

	(void)state;
	add(&a, 'a');
	add(&b, 'b');
	add(&c, 'c');
	a.removes = &b; /* the next one */
	hook_arm(&a.hook);
	hook_arm(&b.hook);
	hook_arm(&c.hook);
	uv_run(&loop.uv, UV_RUN_DEFAULT);
	check_str(order, "ac");
	c.removes = &c;
	hook_arm(&c.hook);
	uv_run(&loop.uv, UV_RUN_DEFAULT);
	check_str(order, "acc");
	loop_remove_hook(&c.hook);
	check(list_is_empty(&c.hook.link));
}

static void arm_from_timer(uv_timer_t *timer)
{
	hook_arm(timer->data);
}

static void stop_loop(uv_timer_t *timer)
{
	(void)timer;
	uv_stop(&loop.uv);
}

static void test_armed_by_a_timer_does_not_sleep(void **state)
{
	uv_timer_t soon, late;
	struct counter a;

	(void)state;
	add(&a, 'a');
	uv_timer_init(&loop.uv, &soon);
	uv_timer_init(&loop.uv, &late);
	soon.data = &a.hook;
	uv_timer_start(&soon, arm_from_timer, 0, 0);
	/* If the loop slept with the hook armed, the late timer would come first. */
	uv_timer_start(&late, stop_loop, 20000, 0);
	for (int i = 0; i < 3 && a.runs == 0; i++)
		uv_run(&loop.uv, UV_RUN_ONCE);
	check_i64(a.runs, 1);
	check(uv_timer_get_due_in(&late) > 10000);
	/* And it does sleep afterwards: the idle handle is off. */
	check(uv_backend_timeout(&loop.uv) > 0);
	uv_close((uv_handle_t *)&soon, NULL);
	uv_close((uv_handle_t *)&late, NULL);
	uv_run(&loop.uv, UV_RUN_DEFAULT);
}

static char *victim;
static bool was_readable;

static void reap_and_read(struct turn_hook *hook)
{
	victim = malloc(16);
	victim[0] = 'v';
	loop_reap(hook->loop, victim);
	was_readable = victim[0] == 'v'; /* under ASan: still allocated */
}

static void test_reap_waits_for_the_end_of_the_turn(void **state)
{
	struct turn_hook hook;

	(void)state;
	loop_add_hook(&loop, &hook, reap_and_read);
	was_readable = false;
	hook_arm(&hook);
	uv_run(&loop.uv, UV_RUN_DEFAULT);
	check(was_readable);
	check(list_is_empty(&loop.reap));
	/* Outside of a turn too, and without one: loop_fini frees what is left (ASan watches). */
	loop_reap(&loop, malloc(8));
	check(!list_is_empty(&loop.reap));
	uv_run(&loop.uv, UV_RUN_DEFAULT);
	check(list_is_empty(&loop.reap));
	check_i64(loop.turns, 1); /* a turn that only reaps does not count */
	loop_reap(&loop, malloc(8));
}

static void reap_on_close(uv_handle_t *handle)
{
	loop_reap(handle->data, handle);
}

static void test_close_callbacks_may_reap_during_fini(void **state)
{
	uv_timer_t *timer = malloc(sizeof(*timer));
	struct loop other;

	(void)state;
	check_i64(loop_init(&other, &clk), 0);
	uv_timer_init(&other.uv, timer);
	timer->data = &other;
	uv_close((uv_handle_t *)timer, reap_on_close);
	check_i64(loop_fini(&other), 0);
	/* The idle handle was closed before the callback ran, and must not have been started. */
	check(!uv_is_active((uv_handle_t *)&other.idle));
}

static void test_forgotten_handle_is_reported(void **state)
{
	struct loop other;
	uv_timer_t forgotten;

	(void)state;
	check_i64(loop_init(&other, &clk), 0);
	uv_timer_init(&other.uv, &forgotten);
	uv_timer_start(&forgotten, stop_loop, 100000, 0);
	check_i64(loop_fini(&other), UV_EBUSY);
	uv_close((uv_handle_t *)&forgotten, NULL);
	uv_run(&other.uv, UV_RUN_DEFAULT);
	check_i64(uv_loop_close(&other.uv), 0);
}

static void slow_work(uv_work_t *work)
{
	uv_sleep(20);
	*(bool *)work->data = true;
}

static void work_done(uv_work_t *work, int status)
{
	(void)work;
	(void)status;
}

static void test_fini_waits_for_the_thread_pool(void **state)
{
	struct loop other;
	bool is_done = false;
	uv_work_t work = {.data = &is_done};

	(void)state;
	check_i64(loop_init(&other, &clk), 0);
	check_i64(uv_queue_work(&other.uv, &work, slow_work, work_done), 0);
	check_i64(loop_fini(&other), 0);
	check(is_done);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_empty_loop_ends),
		TEST(test_armed_often_runs_once),
		TEST(test_later_hook_runs_in_the_same_pass),
		TEST(test_earlier_hook_runs_in_the_next_turn),
		TEST(test_hook_that_arms_itself),
		TEST(test_hook_removes_its_neighbours),
		TEST(test_armed_by_a_timer_does_not_sleep),
		TEST(test_reap_waits_for_the_end_of_the_turn),
		TEST(test_close_callbacks_may_reap_during_fini),
		TEST(test_forgotten_handle_is_reported),
		TEST(test_fini_waits_for_the_thread_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
