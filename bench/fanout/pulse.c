/* SPDX-License-Identifier: MIT
 *
 * pulse: see fanout.h. The same beat and the same measured window for every server written in C;
 * node_ws.js does the same by its own means.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "core/buf.h"
#include "fanout/fanout.h"

/* A server that is not idle so long after the last turn is stuck, and told so. */
#define IDLE_PATIENCE_NS (10 * NS_PER_S)

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

void pulse_init(struct pulse *p, const struct plan *plan, int in_fd, int out_fd)
{
	*p = (struct pulse){.plan = plan, .in_fd = in_fd, .out_fd = out_fd};
	p->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	AGNI_ASSERT(p->timer_fd >= 0);
}

void pulse_says_port(const struct pulse *p, int port)
{
	dprintf(p->out_fd, "port %d\n", port);
}

void pulse_on_command(struct pulse *p)
{
	struct itimerspec every = {0};
	char line[16];

	if (read(p->in_fd, line, sizeof(line)) <= 0)
		_exit(0); /* the bench is gone */
	every.it_interval.tv_sec = (time_t)(p->plan->period_ns / NS_PER_S);
	every.it_interval.tv_nsec = (long)(p->plan->period_ns % NS_PER_S);
	every.it_value = every.it_interval;
	p->ops->totals(p->arg, &p->base);
	p->begin_ns = now_ns();
	timerfd_settime(p->timer_fd, 0, &every, NULL);
}

static void window_begin(struct pulse *p)
{
	p->ops->totals(p->arg, &p->first);
	p->wall_us = (double)now_ns() / 1e3;
	p->cpu_us = cpu_us();
}

/* CPU and wall time of the window in us; ticks and conflated of the window; bytes of the run. */
static void window_end(struct pulse *p)
{
	double cpu = cpu_us() - p->cpu_us, wall = (double)now_ns() / 1e3 - p->wall_us;
	struct totals t;

	p->ops->totals(p->arg, &t);
	p->is_over = true;
	dprintf(p->out_fd, "done %.0f %.0f %llu %llu %llu\n", cpu, wall,
		(unsigned long long)(t.ticks - p->first.ticks),
		(unsigned long long)(t.conflated - p->first.conflated),
		(unsigned long long)(t.bytes - p->base.bytes));
}

static void make_turn(struct pulse *p, uint64_t stamp_ns)
{
	if (p->turns == p->plan->warm)
		window_begin(p);
	p->turns++;
	p->ops->turn(p->arg, stamp_ns);
}

/* A beat that comes late was asked for when it was due: the age of its tick begins there. */
static void make_paced(struct pulse *p, uint64_t due, uint64_t all)
{
	for (uint64_t i = due; i > 0 && p->turns < all; i--) {
		uint64_t beat = p->begin_ns + (p->beats - i + 1) * p->plan->period_ns;

		make_turn(p, i > 1 ? beat : now_ns());
	}
}

void pulse_on_beat(struct pulse *p)
{
	uint64_t due, all = p->plan->warm + p->plan->turns;
	bool is_idle;

	if (read(p->timer_fd, &due, sizeof(due)) != sizeof(due) || p->is_over)
		return;
	p->beats += due;
	is_idle = p->ops->is_idle(p->arg, p->turns);
	if (p->turns == all) {
		p->late++;
		if (is_idle || p->late * p->plan->period_ns > IDLE_PATIENCE_NS)
			window_end(p);
	} else if (p->plan->is_paced) {
		make_paced(p, due, all);
	} else if (is_idle) {
		p->late = 0;
		make_turn(p, now_ns());
	} else {
		p->late++;
		AGNI_ASSERT(p->late * p->plan->period_ns < 6 * IDLE_PATIENCE_NS);
	}
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
	struct pulse *p = handle->data;

	(void)status;
	(void)events;
	if (handle == &p->on_timer)
		pulse_on_beat(p);
	else
		pulse_on_command(p);
}

static void watch(struct pulse *p, uv_loop_t *uv, uv_poll_t *handle, int fd)
{
	uv_poll_init(uv, handle, fd);
	handle->data = p;
	uv_poll_start(handle, UV_READABLE, on_readable);
}

void pulse_watch(struct pulse *p, uv_loop_t *uv)
{
	watch(p, uv, &p->on_timer, p->timer_fd);
	watch(p, uv, &p->on_in, p->in_fd);
}

/* --- what is said ------------------------------------------------------------------------------ */

static const char head[] = "{\"ltt\":";

char *message_make(const struct plan *plan)
{
	static const char tail[] = ",\"pad\":\"";
	char *text = mem_alloc(plan->message + 1);
	size_t at = sizeof(head) - 1;

	AGNI_ASSERT(plan->message > at + STAMP_DIGITS + sizeof(tail) + 2);
	memset(text, 'x', plan->message);
	memcpy(text, head, at);
	message_stamp(text, 0);
	memcpy(text + at + STAMP_DIGITS, tail, sizeof(tail) - 1);
	memcpy(text + plan->message - 2, "\"}", 3);
	return text;
}

void message_stamp(char *message, uint64_t stamp_ns)
{
	char digits[STAMP_DIGITS + 1];

	snprintf(digits, sizeof(digits), "%*llu", STAMP_DIGITS, (unsigned long long)stamp_ns);
	memcpy(message + sizeof(head) - 1, digits, STAMP_DIGITS);
}

void key_write(char out[KEY_ROOM], unsigned instrument)
{
	snprintf(out, KEY_ROOM, "NSE_FO|%u", 40000 + instrument % 50000);
}
