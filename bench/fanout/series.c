/* SPDX-License-Identifier: MIT
 *
 * series: see series.h.
 */
#include "fanout/series.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/stats.h"

#define ROUNDS_FEW 3

static unsigned bars_met, bars_n;

bool env_is_set(const char *name)
{
	const char *v = getenv(name);

	return v && v[0] && strcmp(v, "0") != 0;
}

struct series series_run(const struct plan plans[CONTENDERS], bool few)
{
	struct series s = {.rounds = few || env_is_set("QUICK") ? ROUNDS_FEW : ROUNDS_MAX};
	const char *why;

	for (int i = 0; i < s.rounds; i++) {
		for (enum contender who = 0; who < CONTENDERS; who++) {
			if (plans[who].clients && lab_has(plans[who].who, &why))
				s.o[who][i] = lab_run(&plans[who]);
		}
	}
	return s;
}

static double field_of(const struct outcome *o, size_t field)
{
	double v;

	memcpy(&v, (const char *)o + field, sizeof(v));
	return v;
}

double series_figure(const struct series *s, enum contender who, size_t field)
{
	double v[ROUNDS_MAX];

	for (int i = 0; i < s->rounds; i++)
		v[i] = field_of(&s->o[who][i], field);
	return stats_median(v, (size_t)s->rounds);
}

double series_ratio(const struct series *s, enum contender who, enum contender base, size_t field)
{
	double v[ROUNDS_MAX];

	if (!series_has(s, who) || !series_has(s, base))
		return 0;
	for (int i = 0; i < s->rounds; i++)
		v[i] = field_of(&s->o[who][i], field) / field_of(&s->o[base][i], field);
	return stats_median(v, (size_t)s->rounds);
}

static const char *bar_text(double v, const char *sign, double bar, bool is_met)
{
	static char text[2][48];
	static unsigned next;
	char *out = text[next++ % 2];

	bars_n++;
	bars_met += is_met;
	snprintf(out, sizeof(text[0]), "%.2f (%s %.2f%s)", v, sign, bar, is_met ? "" : ", MISSED");
	return out;
}

const char *bar_at_most(double v, double bar)
{
	return bar_text(v, "<=", bar, v <= bar);
}

const char *bar_at_least(double v, double bar)
{
	return bar_text(v, ">=", bar, v >= bar);
}

void bars_print(void)
{
	printf("\n%u of %u bars are met\n", bars_met, bars_n);
}
