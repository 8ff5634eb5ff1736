/* SPDX-License-Identifier: MIT
 *
 * engine: one logical turn. Instruments in the order in which they ticked, apps and rules in the order
 * of their enums: the same input gives the same signals in the same order.
 */
#include <math.h>
#include <stdlib.h>

#include "signals/signals_internal.h"

#define MAX_AGE_MS 10000 /* of what else goes into a rule: the underlying, its future */

void engine_tick(struct book_subscriber *sub, inst_id id, const struct slot *slot)
{
	struct signals *s = container_of(sub, struct signals, subscriber);

	(void)slot;
	if (AGNI_UNLIKELY(!s->has_ticked)) { /* who is named is there before the first one */
		s->has_ticked = true;
		apps_want(s);
	}
	if (bitset_has(&s->watched, id) && bitset_add(&s->marked, id))
		s->ticked[s->ticked_n++] = id;
}

static bool is_crossed(const struct quote *q)
{
	price_t bid, ask;

	if (!(q->present & QUOTE_DEPTH) || q->depth_n == 0)
		return false;
	bid = q->depth[0].bid;
	ask = q->depth[0].ask;
	return price_cmp(bid, 0) > 0 && price_cmp(ask, 0) > 0 && price_cmp(bid, ask) > 0;
}

/* Whether the state of `id` may be reckoned with now. */
static bool is_sound(struct signals *s, inst_id id, const struct slot *slot)
{
	const struct upstream_view *up = s->deps.upstream;

	if (up && up->is_stale && up->is_stale(up->arg, id)) {
		s->held_stale++;
		return false;
	}
	if (slot->suspect) {
		s->held_suspect++;
		return false;
	}
	if (is_crossed(&slot->q)) {
		s->held_crossed++;
		return false;
	}
	return true;
}

/* Who tells the level; INST_NONE: nobody, or many. */
static inst_id told_from(const struct observation *o)
{
	switch (o->level.source) {
	case LEVEL_SPOT:
		return o->contract->underlying;
	case LEVEL_FUTURE: /* of the option's own expiry: that is the first one from there on */
		return o->contract->future;
	case LEVEL_PARITY:
	case LEVEL_NONE:
		break;
	}
	return INST_NONE;
}

static void fire(struct signals *s, enum app_kind app, const struct rule_ops *rule,
		 const struct finding *f, enum signal_side side, const struct observation *o)
{
	struct signal signal = {.seq = o->seq,
				.ts_ms = o->ms,
				.instrument = o->id,
				.side = side,
				.price = f->price,
				.confidence = clamp01(f->confidence),
				.app = app_name(app),
				.strategy = rule->name,
				.rule_version = rule->version,
				.outputs = s->apps[app].plan.outputs,
				.told_from = told_from(o)};

	for (unsigned i = 0; i < f->inputs_n; i++)
		signal_add_input(&signal, f->inputs[i].name, f->inputs[i].value);
	signals_fire(s, &signal);
}

static void look(struct signals *s, enum app_kind app, struct member *m, enum rule_kind kind,
		 const struct observation *o)
{
	const struct rule_ops *rule = rule_of(kind);
	const struct rule_limits *limits = &s->apps[app].plan.limits;
	struct finding f = {0};
	struct edge_rule edge;
	enum signal_side side;

	s->looks++;
	if (!rule->look(limits, o, &m->states[kind], &f))
		return;
	if (f.begins_anew)
		edge_forget(&m->edges[kind]);
	edge = (struct edge_rule){f.threshold, f.threshold * limits->rearm, limits->cooldown_ms};
	switch (edge_observe(&m->edges[kind], &edge, f.value, o->ms, f.may_fire, &side)) {
	case EDGE_FIRES:
		fire(s, app, rule, &f, side, o);
		break;
	case EDGE_SWALLOWED:
		s->swallowed++;
		break;
	case EDGE_QUIET:
		break;
	}
}

/* Whether the turn has the time of its message. A leap ahead is not believed before the next message
 * confirms it: then the turn has the time of before, and that may be another session. */
static bool is_of_turn(struct signals *s, const struct slot *slot, int64_t market_ms)
{
	if (slot->ts_ms == 0 || llabs(slot->ts_ms - market_ms) <= MAX_AGE_MS)
		return true;
	s->held_time++;
	return false;
}

/* An option's, by the forward that its chain has. */
static struct level option_level(struct signals *s, const struct contract *c, int64_t market_ms)
{
	static const enum level_source sources[] = {[FORWARD_NONE] = LEVEL_NONE,
						    [FORWARD_FUTURE] = LEVEL_FUTURE,
						    [FORWARD_PARITY] = LEVEL_PARITY,
						    [FORWARD_SPOT] = LEVEL_SPOT};
	struct book *book = s->deps.book;
	struct resolve_market market = {.book = book, .now_ms = market_ms};
	const struct chain_source from = {
		.m = apps_master(s), .market = &market, .upstream = s->deps.upstream};
	const struct chain_forward *f =
		forward_of_option(&s->forwards, &from, apps_generation(s), s->turn, c->row);

	return (struct level){.source = sources[f->source], .forward = f->level};
}

static void look_at(struct signals *s, inst_id id, int64_t market_ms)
{
	const struct slot *slot = book_slot(s->deps.book, id);
	struct observation o = {.id = id, .seq = slot->seq, .q = &slot->q, .ms = market_ms};
	struct book *book = s->deps.book;

	if (!is_sound(s, id, slot) || !is_of_turn(s, slot, market_ms))
		return;
	if (!market_is_open(s, id, market_ms)) {
		s->held_closed++;
		return;
	}
	o.contract = contract_of(&s->contracts, &book->instruments, apps_master(s),
				 apps_generation(s), id);
	if (o.contract->kind == CONTRACT_OPTION && s->needs_level)
		o.level = option_level(s, o.contract, market_ms);
	else if (o.contract->kind != CONTRACT_NONE && s->needs_level)
		o.level = contract_level(book, o.contract, market_ms, MAX_AGE_MS);
	for (int app = 0; app < APPS; app++) {
		struct member *m = app_member(&s->apps[app], id);

		for (int kind = 0; m && kind < RULES; kind++) {
			if (s->apps[app].plan.rules & (1u << kind))
				look(s, (enum app_kind)app, m, (enum rule_kind)kind, &o);
		}
	}
}

void engine_turn(struct book_subscriber *sub, int64_t market_ms)
{
	struct signals *s = container_of(sub, struct signals, subscriber);

	if (market_ms <= 0)
		return;
	s->market_ms = market_ms;
	s->turn++;
	for (uint32_t i = 0; i < s->ticked_n; i++) {
		bitset_remove(&s->marked, s->ticked[i]);
		look_at(s, s->ticked[i], market_ms);
	}
	s->ticked_n = 0;
	apps_follow(s, market_ms);
}
