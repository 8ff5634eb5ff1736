/* SPDX-License-Identifier: MIT
 *
 * option_rows: see option_rows.h.
 */
#include "option_rows.h"

#include <float.h>
#include <math.h>

#include "check.h"
#include "data.h"

void check_rel(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance * fabs(want)))
		fail_msg("%.17g, not %.17g: relative error %g, allowed %g", got, want,
			 fabs(got / want - 1), tolerance);
}

struct black76 random_option(struct rng *r)
{
	struct black76 in = {.forward = 15000 + 50000 * rng_unit(r), .r = 0.1 * rng_unit(r)};

	in.t = exp(log(1.9e-6) + rng_unit(r) * log(3 / 1.9e-6));
	in.sigma = exp(log(0.04) + rng_unit(r) * log(1.6 / 0.04));
	in.strike = in.forward * exp((24 * rng_unit(r) - 12) * in.sigma * sqrt(in.t));
	return in;
}

bool exact_row_parse(const char *line, struct exact_row *r)
{
	double *const field[] = {&r->in.spot,   &r->in.strike, &r->in.r,   &r->in.q,
				 &r->in.t,      &r->in.sigma,  &r->price,  &r->delta,
				 &r->gamma,     &r->vega,      &r->theta,  &r->rho,
				 &r->price_f64, &r->iv,        &r->iv_cond};
	const char *p = line + 1;

	r->type = line[0] == 'c' ? OPTION_CALL : OPTION_PUT;
	for (size_t i = 0; i < ARRAY_LEN(field); i++) {
		char *end;

		if (*p != ',')
			return false;
		*field[i] = strtod(p + 1, &end);
		p = end;
	}
	return true;
}

int option_rows_each(const char *csv, void (*each)(char *line, void *arg), void *arg)
{
	size_t len;
	char *text = data_read(csv, &len), *lines, *line;
	int rows = 0;

	if (!text)
		data_skip(csv);
	lines = strchr(text, '\n') + 1;
	while ((line = strsep(&lines, "\n")) != NULL && *line) {
		each(line, arg);
		rows++;
	}
	free(text);
	return rows;
}
