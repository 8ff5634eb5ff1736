/* SPDX-License-Identifier: MIT
 *
 * signal: see signal.h.
 */
#include "signals/signal.h"

#include <math.h>

#include "core/ist.h"

const char *signal_side_text(enum signal_side side)
{
	return side == SIGNAL_BUY ? "BUY" : "SELL";
}

void signal_add_input(struct signal *s, const char *name, double value)
{
	if (s->inputs_n < SIGNAL_INPUTS_MAX && isfinite(value))
		s->inputs[s->inputs_n++] = (struct signal_input){name, value};
}

/* Six digits behind the point are more than any input is good for. */
static void put_number(struct buf *out, double v)
{
	buf_double(out, round(v * 1e6) / 1e6);
}

/* Inputs that are told from other prices than the instrument's own. */
static bool is_of_others(const char *name)
{
	static const char *const names[] = {"forward", "basis", "iv", "iv_points"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static bool permits_others(const struct signal *s, const struct instruments *t,
			   const struct scope *scope)
{
	const char *key;

	if (!scope || scope->n == 0)
		return true;
	if (s->told_from == INST_NONE)
		return false;
	key = instruments_key(t, s->told_from);
	return scope_permits(scope, key, strlen(key));
}

void signal_json(struct buf *out, const struct signal *s, const struct instruments *t)
{
	signal_json_scoped(out, s, t, NULL);
}

void signal_json_scoped(struct buf *out, const struct signal *s, const struct instruments *t,
			const struct scope *scope)
{
	bool has_others = permits_others(s, t, scope), is_first = true;
	const char *key = instruments_key(t, s->instrument);
	char at[IST_TEXT];

	buf_printf(out, "{\"id\":%llu,\"seq\":%llu,\"ts_ms\":%lld,\"time\":\"%s\",\"key\":",
		   (unsigned long long)s->id, (unsigned long long)s->seq, (long long)s->ts_ms,
		   ist_format(s->ts_ms, at));
	buf_json_str(out, key, strlen(key));
	buf_printf(out,
		   ",\"app\":\"%s\",\"strategy\":\"%s\",\"rule_version\":%u,\"side\":\"%s\","
		   "\"price\":",
		   s->app, s->strategy, s->rule_version, signal_side_text(s->side));
	put_number(out, s->price);
	buf_str(out, ",\"confidence\":");
	put_number(out, s->confidence);
	buf_str(out, ",\"inputs\":{");
	for (unsigned i = 0; i < s->inputs_n; i++) {
		if (!has_others && is_of_others(s->inputs[i].name))
			continue;
		buf_printf(out, "%s\"%s\":", is_first ? "" : ",", s->inputs[i].name);
		is_first = false;
		put_number(out, s->inputs[i].value);
	}
	buf_str(out, "}}");
}
