/* SPDX-License-Identifier: MIT
 *
 * outputs: see outputs.h.
 */
#include "signals/outputs.h"

#include <stdio.h>
#include <stdlib.h>

#include "signals/webhook.h"

struct outputs {
	struct module mod;
	struct outputs_deps deps;
	struct signals_listener listener;
	struct webhook webhook;
	struct store_refill refill;
	struct buf json; /* reused */
};

static void on_signal(struct signals_listener *l, const struct signal *signal)
{
	struct outputs *o = container_of(l, struct outputs, listener);
	char id[64];

	if (!(signal->outputs & (SIGNAL_TO_REDIS | SIGNAL_TO_WEBHOOK)))
		return;
	buf_reset(&o->json);
	signal_json(&o->json, signal, o->deps.instruments);
	if (o->deps.store && signal->outputs & SIGNAL_TO_REDIS)
		store_event_add(o->deps.store, KEY_SIGNALS, o->json.data, o->json.len);
	if (!o->deps.http || !(signal->outputs & SIGNAL_TO_WEBHOOK))
		return;
	snprintf(id, sizeof(id), "%s-%llu", o->deps.tape->epoch, (unsigned long long)signal->id);
	webhook_add(&o->webhook, id, o->json.data, o->json.len);
}

/* Redis came back empty: the stream gets what is kept of its signals. */
static void on_refill(struct store_refill *r)
{
	struct outputs *o = container_of(r, struct outputs, refill);
	const struct signals *all = o->deps.signals;
	uint64_t n = 0;

	for (uint64_t id = signals_oldest(all); id <= signals_newest(all); id++) {
		const struct signal *signal = signals_at(all, id);

		if (!signal || !(signal->outputs & SIGNAL_TO_REDIS))
			continue;
		buf_reset(&o->json);
		signal_json(&o->json, signal, o->deps.instruments);
		store_event_add(o->deps.store, KEY_SIGNALS, o->json.data, o->json.len);
		n++;
	}
	if (n)
		log_info("outputs", "Redis has no stream of signals: it gets the newest %llu",
			 (unsigned long long)n);
}

static int outputs_start(struct module *m, struct agni_err *err)
{
	struct outputs *o = container_of(m, struct outputs, mod);

	(void)err;
	webhook_init(&o->webhook, o->deps.loop, o->deps.http, o->deps.cfg, o->deps.source);
	o->listener.on_signal = on_signal;
	signals_listen(o->deps.signals, &o->listener);
	o->refill = (struct store_refill){.kind = KEY_SIGNALS, .again = on_refill};
	if (o->deps.store)
		store_refill(o->deps.store, &o->refill);
	return 0;
}

static void on_closed(void *arg)
{
	struct outputs *o = arg;

	o->mod.done(&o->mod);
}

static void outputs_stop(struct module *m, module_stopped_fn *done)
{
	struct outputs *o = container_of(m, struct outputs, mod);

	m->done = done;
	signals_unlisten(&o->listener);
	if (o->deps.store)
		store_refill(o->deps.store, NULL);
	webhook_stop(&o->webhook, on_closed, o);
}

static enum health outputs_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct outputs *o = container_of(m, struct outputs, mod);

	if (o->deps.http)
		return webhook_health(&o->webhook, why);
	snprintf(why, HEALTH_WHY_MAX, "no webhook in a replay");
	return HEALTH_UP;
}

#define FIELD(member) offsetof(struct outputs, member)

static const struct metric outputs_metrics[] = {
	{"webhook_delivered_total", "Signals that the webhook took", METRIC_COUNTER,
	 FIELD(webhook.delivered)},
	{"webhook_retries_total", "Tries that failed and were made again", METRIC_COUNTER,
	 FIELD(webhook.retries)},
	{"webhook_refused_total", "Signals that the webhook answered 3xx or 4xx", METRIC_COUNTER,
	 FIELD(webhook.refused)},
	{"webhook_given_up_total", "Signals given up: too many tries, too many waiting, or the end",
	 METRIC_COUNTER, FIELD(webhook.given_up)},
	{"webhook_waiting", "Signals that wait for the webhook", METRIC_GAUGE,
	 FIELD(webhook.waiting)},
	{0},
};

static const struct module_ops outputs_ops = {
	.name = "outputs",
	.start = outputs_start,
	.stop = outputs_stop,
	.health = outputs_health,
	.metrics = outputs_metrics,
	.mod_offset = offsetof(struct outputs, mod),
};

struct outputs *outputs_create(const struct outputs_deps *deps)
{
	struct outputs *o = mem_zalloc(sizeof(*o));

	o->mod.ops = &outputs_ops;
	o->deps = *deps;
	return o;
}

void outputs_destroy(struct outputs *o)
{
	if (!o)
		return;
	buf_fini(&o->json);
	free(o);
}

struct module *outputs_module(struct outputs *o)
{
	return &o->mod;
}
