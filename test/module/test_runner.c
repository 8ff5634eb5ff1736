/* SPDX-License-Identifier: MIT
 *
 * The runner: order of start and stop, what fails, who is late. Modules here write what happens to
 * them into one line of text; signals are real.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "../lib/check.h"
#include "../lib/parts.h"
#include "core/runner.h"

#define MODULES 3

struct actor {
	struct module mod;
	struct play *play;
	char name;
	int start_rc, listen_rc;
	bool is_slow;      /* stop takes a turn of the loop */
	bool is_stuck;     /* stop never ends */
	bool does_without; /* starts, and leaves behind why something was not there */
	uv_timer_t timer;
};

struct play {
	struct clock clock;
	struct loop loop;
	struct actor actors[MODULES];
	struct module *modules[MODULES];
	struct runner_config cfg;
	char said[64];
	int started_rc;
	int reloads;
	bool asks_to_stop;      /* when told of the drain */
	int signals_on_running; /* sent to ourselves once every door is open */
	uv_timer_t later;
	int signal_later;
};

static void say(struct play *p, char what, char who)
{
	size_t n = strlen(p->said);

	snprintf(p->said + n, sizeof(p->said) - n, "%c%c ", what, who);
}

static struct actor *actor_of(struct module *m)
{
	return container_of(m, struct actor, mod);
}

static int on_start(struct module *m, struct agni_err *err)
{
	struct actor *a = actor_of(m);

	say(a->play, 's', a->name);
	if (a->does_without)
		agni_fail(err, AGNI_ENOTFOUND, "no such file");
	return a->start_rc ? agni_fail(err, a->start_rc, "no luck") : 0;
}

static int on_listen(struct module *m, struct agni_err *err)
{
	struct actor *a = actor_of(m);

	say(a->play, 'l', a->name);
	return a->listen_rc ? agni_fail(err, a->listen_rc, "no door") : 0;
}

static void on_begin(struct module *m)
{
	struct actor *a = actor_of(m);

	say(a->play, 'b', a->name);
}

static void on_closed(uv_handle_t *handle)
{
	struct actor *a = container_of((uv_timer_t *)handle, struct actor, timer);

	say(a->play, 'd', a->name);
	a->mod.done(&a->mod);
}

static void on_timer(uv_timer_t *timer)
{
	uv_close((uv_handle_t *)timer, on_closed);
}

static void on_stop(struct module *m, module_stopped_fn *done)
{
	struct actor *a = actor_of(m);

	say(a->play, 'x', a->name);
	m->done = done;
	if (a->is_slow) {
		uv_timer_init(&a->play->loop.uv, &a->timer);
		uv_timer_start(&a->timer, on_timer, 1, 0);
	} else if (!a->is_stuck) {
		done(m);
	}
}

/* The first can do everything, the others leave things out. */
static void on_drain(struct module *m, uint64_t ms)
{
	check(ms > 0);
	say(actor_of(m)->play, 'w', actor_of(m)->name);
	if (actor_of(m)->play->asks_to_stop)
		module_request_stop(m);
}

static const struct module_ops all_ops = {.name = "all",
					  .start = on_start,
					  .listen = on_listen,
					  .begin = on_begin,
					  .drain = on_drain,
					  .stop = on_stop};
static const struct module_ops no_door_ops = {.name = "nodoor", .start = on_start, .stop = on_stop};
static const struct module_ops guest_ops = {.name = "guest", .stop = on_stop};
static const struct module_ops bare_ops = {.name = "bare"};

static int on_started(void *arg, struct agni_err *err)
{
	struct play *p = arg;

	say(p, '-', '-');
	return p->started_rc ? agni_fail(err, p->started_rc, "no line") : 0;
}

static void on_later(uv_timer_t *timer)
{
	struct play *p = container_of(timer, struct play, later);

	kill(getpid(), p->signal_later);
	uv_close((uv_handle_t *)timer, NULL);
}

static void on_running(void *arg)
{
	struct play *p = arg;

	say(p, '=', '=');
	if (p->signals_on_running)
		kill(getpid(), p->signals_on_running);
	if (p->signal_later) {
		uv_timer_init(&p->loop.uv, &p->later);
		uv_timer_start(&p->later, on_later, 30, 0);
	}
}

static void on_reload(void *arg)
{
	((struct play *)arg)->reloads++;
	kill(getpid(), SIGTERM);
}

static void play_up(struct play *p)
{
	static const struct module_ops *const ops[MODULES] = {&all_ops, &no_door_ops, &all_ops};

	memset(p, 0, sizeof(*p));
	clock_init(&p->clock, CLOCK_SYSTEM);
	check_i64(loop_init(&p->loop, &p->clock), 0);
	for (int i = 0; i < MODULES; i++) {
		p->actors[i] =
			(struct actor){.mod = {.ops = ops[i]}, .play = p, .name = (char)('1' + i)};
		p->modules[i] = &p->actors[i].mod;
	}
	p->cfg = (struct runner_config){.loop = &p->loop,
					.modules = p->modules,
					.modules_n = MODULES,
					.stop_ms = 5000,
					.on_started = on_started,
					.on_running = on_running,
					.on_reload = on_reload,
					.arg = p};
	p->signals_on_running = SIGTERM;
}

/* Runs to the end; the loop must close with nothing left. */
static enum runner_end play(struct play *p, struct agni_err *err)
{
	enum runner_end end;

	*err = (struct agni_err){0};
	end = runner_run(&p->cfg, err);
	check_i64(loop_fini(&p->loop), 0);
	return end;
}

static void test_order(void **state)
{
	struct play p;
	struct agni_err err;

	(void)state;
	play_up(&p);
	check_i64(play(&p, &err), RUNNER_CLEAN);
	check_str(p.said, "s1 s2 s3 -- l1 l3 == b1 b3 x3 x2 x1 ");
	/* A stop that takes turns: nobody else is stopped before it is done. */
	play_up(&p);
	p.signals_on_running = SIGINT;
	p.actors[2].is_slow = p.actors[0].is_slow = true;
	check_i64(play(&p, &err), RUNNER_CLEAN);
	check_str(p.said, "s1 s2 s3 -- l1 l3 == b1 b3 x3 d3 x2 x1 d1 ");
}

/* Modules that have nothing to start or stop; callbacks that are not given; no modules at all. */
static void test_bare(void **state)
{
	struct play p;
	struct agni_err err;

	(void)state;
	play_up(&p);
	for (int i = 0; i < MODULES; i++)
		p.actors[i].mod.ops = &bare_ops;
	p.cfg.on_started = NULL;
	check_i64(play(&p, &err), RUNNER_CLEAN);
	check_str(p.said, "== ");
	play_up(&p);
	p.cfg.modules_n = 0;
	check_i64(play(&p, &err), RUNNER_CLEAN);
	check_str(p.said, "-- == ");
}

/* What had started is stopped, in reverse; what had not is left alone. */
static void test_start_fails(void **state)
{
	struct play p;
	struct agni_err err;

	(void)state;
	for (int slow = 0; slow < 2; slow++) {
		play_up(&p);
		p.actors[2].start_rc = AGNI_ECONFIG;
		p.actors[1].is_slow = slow;
		check_i64(play(&p, &err), RUNNER_NOT_START);
		check_str(p.said, slow ? "s1 s2 s3 x2 d2 x1 " : "s1 s2 s3 x2 x1 ");
		check_i64(err.code, AGNI_ECONFIG);
		check_str(err.text, "all: no luck");
	}
	/* What has no start stands from the beginning: it is stopped even so. */
	play_up(&p);
	p.actors[2].mod.ops = &guest_ops;
	p.actors[1].start_rc = AGNI_ELIMIT;
	check_i64(play(&p, &err), RUNNER_NOT_START);
	check_str(p.said, "s1 s2 x3 x1 ");
	play_up(&p);
	p.actors[0].start_rc = UV_EADDRINUSE;
	check_i64(play(&p, &err), RUNNER_NOT_START);
	check_str(p.said, "s1 ");
	check_i64(err.code, UV_EADDRINUSE);
}

static void test_doors_fail(void **state)
{
	struct play p;
	struct agni_err err;

	(void)state;
	play_up(&p);
	p.actors[2].listen_rc = AGNI_ECONFIG;
	check_i64(play(&p, &err), RUNNER_NOT_START);
	check_str(p.said, "s1 s2 s3 -- l1 l3 x3 x2 x1 ");
	check_str(err.text, "all: no door");
	play_up(&p);
	p.started_rc = AGNI_ELIMIT;
	check_i64(play(&p, &err), RUNNER_NOT_START);
	check_str(p.said, "s1 s2 s3 -- x3 x2 x1 ");
	check_str(err.text, "no line");
}

/* One does not stop: named, and the process ends within the deadline. */
static void test_late(void **state)
{
	struct play p;
	struct agni_err err;
	uint64_t start = uv_hrtime();

	(void)state;
	play_up(&p);
	p.actors[1].is_stuck = true;
	p.actors[0].does_without = true;
	p.cfg.stop_ms = 200;
	log_capture();
	check_i64(play(&p, &err), RUNNER_LATE);
	check(strstr(log_captured(), "nodoor has not stopped within 200 ms") != NULL);
	check_i64(err.code, 0); /* it did start */
	log_release();
	check_str(p.said, "s1 s2 s3 -- l1 l3 == b1 b3 x3 x2 ");
	check(uv_hrtime() - start > 190 * NS_PER_MS);
	check(uv_hrtime() - start < PATIENCE_MS * NS_PER_MS);
}

static void test_second_signal(void **state)
{
	struct play p;
	struct agni_err err;
	uint64_t start = uv_hrtime();

	(void)state;
	play_up(&p);
	p.actors[2].is_stuck = true;
	p.signal_later = SIGINT;
	p.cfg.stop_ms = 4 * PATIENCE_MS;
	check_i64(play(&p, &err), RUNNER_LATE);
	check(uv_hrtime() - start < PATIENCE_MS * NS_PER_MS); /* and not by the deadline */
}

/* Told first, stopped when the time is over, or when one of them says that nobody is left. */
static void test_drain(void **state)
{
	struct play p;
	struct agni_err err;
	uint64_t start = uv_hrtime();

	(void)state;
	play_up(&p);
	p.cfg.drain_ms = 150;
	check_i64(play(&p, &err), RUNNER_CLEAN);
	check_str(p.said, "s1 s2 s3 -- l1 l3 == b1 b3 w1 w3 x3 x2 x1 ");
	check(uv_hrtime() - start > 140 * NS_PER_MS);
	play_up(&p);
	p.cfg.drain_ms = 4 * PATIENCE_MS;
	p.asks_to_stop = true;
	check_i64(play(&p, &err), RUNNER_CLEAN);
	check_str(p.said, "s1 s2 s3 -- l1 l3 == b1 b3 w1 x3 x2 x1 ");
	/* A second signal ends it at once. */
	play_up(&p);
	p.cfg.drain_ms = 4 * PATIENCE_MS;
	p.signal_later = SIGINT;
	check_i64(play(&p, &err), RUNNER_LATE);
	check(uv_hrtime() - start < PATIENCE_MS * NS_PER_MS);
}

static void test_reload(void **state)
{
	struct play p;
	struct agni_err err;

	(void)state;
	play_up(&p);
	p.signals_on_running = SIGHUP; /* on_reload then ends the run */
	check_i64(play(&p, &err), RUNNER_CLEAN);
	check_i64(p.reloads, 1);
	/* Without on_reload a SIGHUP is nothing. */
	play_up(&p);
	p.cfg.on_reload = NULL;
	p.signals_on_running = SIGHUP;
	p.signal_later = SIGTERM;
	check_i64(play(&p, &err), RUNNER_CLEAN);
	check_i64(p.reloads, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),       cmocka_unit_test(test_bare),
		cmocka_unit_test(test_start_fails), cmocka_unit_test(test_doors_fail),
		cmocka_unit_test(test_late),        cmocka_unit_test(test_second_signal),
		cmocka_unit_test(test_drain),       cmocka_unit_test(test_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
