/* SPDX-License-Identifier: MIT
 *
 * rules: see rules.h. The list of them, and what several of them need.
 */
#include "signals/rules.h"

#include <math.h>
#include <string.h>

static const struct rule_ops *const all[RULES] = {
	[RULE_PRICE_CHANGE] = &price_change_ops,
	[RULE_MOMENTUM] = &momentum_ops,
	[RULE_OPTIONS_MOMENTUM] = &options_momentum_ops,
	[RULE_FUTURES_MOMENTUM] = &futures_momentum_ops,
};

const struct rule_ops *rule_of(enum rule_kind kind)
{
	return all[kind];
}

bool rule_parse(const char *name, size_t len, enum rule_kind *out)
{
	for (int i = 0; i < RULES; i++) {
		if (strlen(all[i]->name) == len && memcmp(all[i]->name, name, len) == 0) {
			*out = (enum rule_kind)i;
			return true;
		}
	}
	return false;
}

void finding_add(struct finding *f, const char *name, double value)
{
	if (f->inputs_n < SIGNAL_INPUTS_MAX)
		f->inputs[f->inputs_n++] = (struct signal_input){name, value};
}

bool is_traded_today(const struct observation *o)
{
	return !(o->q->present & QUOTE_LTT) || o->q->ltt <= 0 ||
	       ist_day(o->q->ltt) == ist_day(o->ms);
}

bool change_from_close(const struct observation *o, struct rule_state *st, struct finding *f)
{
	const struct quote *q = o->q;
	double ltp, cp;

	if ((q->present & (QUOTE_LTP | QUOTE_CP)) != (QUOTE_LTP | QUOTE_CP))
		return false;
	ltp = price_to_double(q->ltp);
	cp = price_to_double(q->cp);
	if (!(ltp > 0) || !(cp > 0) || !is_traded_today(o))
		return false;
	f->value = (ltp / cp - 1) * 100;
	f->begins_anew = st->cp != 0 && st->cp != q->cp;
	st->cp = q->cp;
	return isfinite(f->value);
}

bool best_of(const struct quote *q, double *bid, double *ask)
{
	if (!(q->present & QUOTE_DEPTH) || q->depth_n == 0)
		return false;
	*bid = price_to_double(q->depth[0].bid);
	*ask = price_to_double(q->depth[0].ask);
	return *bid > 0 && *ask >= *bid;
}

double clamp01(double v)
{
	return v > 0 ? v < 1 ? v : 1 : 0;
}

double tightness(const struct quote *q, double price, double threshold_pct)
{
	double bid, ask;

	if (!best_of(q, &bid, &ask))
		return 0.5;
	return clamp01(1 - (ask - bid) / (price * threshold_pct / 100));
}

double pressure(const struct quote *q, double value)
{
	double buy = q->tbq, sell = q->tsq;

	if ((q->present & (QUOTE_TBQ | QUOTE_TSQ)) != (QUOTE_TBQ | QUOTE_TSQ) || buy < 0 ||
	    sell < 0 || !(buy + sell > 0))
		return 0.5;
	return clamp01((value > 0 ? buy : sell) / (buy + sell));
}
