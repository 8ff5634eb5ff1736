/* SPDX-License-Identifier: MIT
 *
 * test_black76: against 50-digit arithmetic, and the laws that prices obey.
 *
 * How exact an answer can be depends on the question: the inputs are doubles, so a relative error
 * of EPS in the forward moves the price by delta * F * EPS, and what moves the price by one EPS
 * moves the volatility by iv_rel_cond * EPS. Tolerances below are multiples of these.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/data.h"
#include "core/rand.h"
#include "options/black76.h"

#define EPS (DBL_EPSILON / 2)

static void check_rel(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance * fabs(want)))
		fail_msg("%.17g, not %.17g: relative error %g, allowed %g", got, want,
			 fabs(got / want - 1), tolerance);
}

static void test_normal_cdf(void **state)
{
	static const double rows[][2] = {
		{-38, 2.8854283600687843e-316}, {-30, 4.906713927148187e-198},
		{-20, 2.753624118606234e-89},   {-10, 7.619853024160527e-24},
		{-5, 2.8665157187919391e-7},    {-1.5, 0.066807201268858058},
		{-1, 0.15865525393145705},      {0, 0.5},
		{0.5, 0.69146246127401310},     {3, 0.99865010196836991},
		{8, 0.99999999999999938}};

	(void)state;
	for (size_t i = 1; i < ARRAY_LEN(rows); i++)
		check_rel(normal_cdf(rows[i][0]), rows[i][1], 6 * EPS);
	check_near(normal_cdf(rows[0][0]), rows[0][1], 1e-322); /* subnormal: few digits */
	check_near(normal_cdf(-40), 0, 0);
	check_near(normal_cdf(-INFINITY), 0, 0);
	check_near(normal_cdf(INFINITY), 1, 0);
	check(isnan(normal_cdf(NAN)));
	for (double x = -9; x < 9; x += 0.01) {
		check(normal_cdf(x) < normal_cdf(x + 0.01) || x > 7);
		check_near(normal_cdf(x) + normal_cdf(-x), 1, 2 * EPS);
	}
}

/* ---- the data set ------------------------------------------------------------------------- */

struct row {
	enum option_type type;
	double spot, strike, rate, div, t, sigma;
	double price, delta, gamma, vega, theta, rho, price_f64, iv, cond;
};

static bool parse_row(char *line, struct row *r)
{
	double *const field[] = {&r->spot,  &r->strike, &r->rate,      &r->div,   &r->t,
				 &r->sigma, &r->price,  &r->delta,     &r->gamma, &r->vega,
				 &r->theta, &r->rho,    &r->price_f64, &r->iv,    &r->cond};
	char *p = line + 1;

	r->type = line[0] == 'c' ? OPTION_CALL : OPTION_PUT;
	for (size_t i = 0; i < ARRAY_LEN(field); i++) {
		if (*p != ',')
			return false;
		*field[i] = strtod(p + 1, &p);
	}
	return true;
}

/* Black-Scholes-Merton is Black-76 on F = S exp((r - q) t). */
static struct black76 on_forward(const struct row *r)
{
	return (struct black76){.forward = r->spot * exp((r->rate - r->div) * r->t),
				.strike = r->strike,
				.t = r->t,
				.sigma = r->sigma,
				.r = r->rate};
}

/* By how many EPS the price moves when the forward and the volatility move by one. */
static double price_condition(const struct row *r)
{
	return 1 + fabs(r->delta * r->spot / r->price) + fabs(r->vega * r->sigma / r->price);
}

static double worst_iv; /* among the rows that are well conditioned */
static int good_rows;
static int lost_rows; /* of which a double cannot tell the volatility at all */

static void check_price_and_greeks(const struct row *r)
{
	struct black76 in = on_forward(r);
	double carry = r->rate - r->div, growth = exp(carry * r->t);
	double tolerance = 8 * EPS * price_condition(r), theta, rho, d1;
	double s = r->sigma * sqrt(r->t);
	struct greeks g;

	black76_greeks(&in, r->type, &g);
	check_rel(g.price, r->price, tolerance);
	check_near(black76_price(&in, r->type), g.price, 0);
	/* d1 moves by 1/s EPS when the forward moves by one, and phi(d1) and N(d1) by up to 1 +
	 * |d1| times that. */
	d1 = log(in.forward / in.strike) / s + s / 2;
	tolerance = 8 * EPS * (2 + d1 * d1 + (1 + fabs(d1)) / s);
	check_rel(g.gamma * growth * growth, r->gamma, tolerance);
	check_rel(g.vega, r->vega, tolerance);
	check_rel(g.delta * growth, r->delta, tolerance);
	/* With the spot held fixed the forward moves as well. */
	theta = g.theta - g.delta * carry * in.forward;
	check_near(theta, r->theta,
		   tolerance * (fabs(g.theta) + fabs(r->rate * g.price) +
				fabs(g.delta * carry * in.forward)) +
			   EPS * price_condition(r) * fabs(r->rate * g.price) * 8);
	rho = g.rho + g.delta * r->t * in.forward;
	check_near(rho, r->rho,
		   tolerance * (fabs(g.rho) + fabs(g.delta * r->t * in.forward)) +
			   8 * EPS * price_condition(r) * fabs(g.rho));
}

static void check_implied(const struct row *r)
{
	struct black76 in = on_forward(r);
	double per_forward = fabs(r->delta * r->spot / (r->vega * r->sigma)), sigma = -1;
	/* The floor of an option in the money comes from F - K, twice as large an error as F's. */
	double tolerance = 8 * EPS * (2 + r->cond + 2 * per_forward), error;
	bool found;

	in.sigma = NAN; /* not an input */
	found = black76_implied(r->price_f64, &in, r->type, &sigma);
	if (tolerance >= 1) {
		lost_rows++; /* the time value is smaller than the rounding of the forward */
		return;
	}
	check(found);
	check_rel(sigma, r->iv, tolerance);
	error = fabs(sigma / r->iv - 1);
	if (r->cond + per_forward < 1e5) {
		worst_iv = fmax(worst_iv, error);
		good_rows++;
	}
}

static void test_fifty_digits(void **state)
{
	const char *csv = "pricing/bsm_highprec.csv";
	size_t len;
	char *text = data_read(csv, &len), *lines, *line;
	int rows = 0;

	(void)state;
	if (!text)
		data_skip(csv);
	lines = strchr(text, '\n') + 1;
	worst_iv = 0;
	good_rows = lost_rows = 0;
	while ((line = strsep(&lines, "\n")) != NULL && *line) {
		struct row r;

		check(parse_row(line, &r));
		check_price_and_greeks(&r);
		check_implied(&r);
		rows++;
	}
	check_i64(rows, 600);
	print_message("implied volatility: %d of 600 rows are well conditioned, worst relative "
		      "error there %.2g; %d cannot be told\n",
		      good_rows, worst_iv, lost_rows);
	check(good_rows > 400);
	check(worst_iv < 1e-10);
	free(text);
}

static void test_no_solution_rows(void **state)
{
	const char *csv = "pricing/iv_no_solution.csv";
	size_t len;
	char *text = data_read(csv, &len), *lines, *line;
	int rows = 0;

	(void)state;
	if (!text)
		data_skip(csv);
	lines = strchr(text, '\n') + 1;
	while ((line = strsep(&lines, "\n")) != NULL && *line) {
		char type;
		double spot, strike, rate, div, t, price, sigma = -1;
		struct black76 in;

		check(sscanf(line, "%c,%lf,%lf,%lf,%lf,%lf,%lf", &type, &spot, &strike, &rate, &div,
			     &t, &price) == 7);
		in = (struct black76){spot * exp((rate - div) * t), strike, t, 0.1, rate};
		if (black76_implied(price, &in, type == 'c' ? OPTION_CALL : OPTION_PUT, &sigma))
			fail_msg("%s: %g", line, sigma);
		check_near(sigma, -1, 0);
		rows++;
	}
	check_i64(rows, 10);
	free(text);
}

/* ---- laws --------------------------------------------------------------------------------- */

/* A NIFTY-like option up to 12 standard deviations from the money, 1 minute to 3 years. */
static struct black76 random_option(struct rng *r)
{
	struct black76 in = {.forward = 15000 + 50000 * rng_unit(r), .r = 0.1 * rng_unit(r)};

	in.t = exp(log(1.9e-6) + rng_unit(r) * log(3 / 1.9e-6));
	in.sigma = exp(log(0.04) + rng_unit(r) * log(1.6 / 0.04));
	in.strike = in.forward * exp((24 * rng_unit(r) - 12) * in.sigma * sqrt(in.t));
	return in;
}

static void test_parity(void **state)
{
	struct rng r = {6};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct black76 in = random_option(&r);
		double df = exp(-in.r * in.t);
		struct greeks c, p;

		black76_greeks(&in, OPTION_CALL, &c);
		black76_greeks(&in, OPTION_PUT, &p);
		check_near(c.price - p.price, df * (in.forward - in.strike),
			   4 * EPS * (c.price + p.price));
		check_near(c.delta - p.delta, df, 4 * EPS);
		check_near(c.gamma, p.gamma, 0);
		check_near(c.vega, p.vega, 0);
		check(c.price >= 0 && p.price >= 0 && c.delta >= 0 && p.delta <= 0);
		check(c.price <= df * in.forward && p.price <= df * in.strike);
	}
}

static void test_symmetry(void **state)
{
	struct rng r = {7};

	(void)state;
	/* A call on F struck at K is a put on K struck at F. */
	for (int i = 0; i < 5000; i++) {
		struct black76 in = random_option(&r), swapped = in;
		double d1 = 12 + in.sigma * sqrt(in.t), s = in.sigma * sqrt(in.t), c, p;

		swapped.forward = in.strike;
		swapped.strike = in.forward;
		c = black76_price(&in, OPTION_CALL);
		p = black76_price(&swapped, OPTION_PUT);
		/* The two logarithms differ by an EPS or so. */
		check_near(c, p, fmax(c, p) * 8 * EPS * (1 + d1 * d1 + d1 / s));
	}
}

static void test_rises_with_volatility(void **state)
{
	struct rng r = {8};

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct black76 in = random_option(&r);
		enum option_type otm = in.strike > in.forward ? OPTION_CALL : OPTION_PUT;
		double last = -1;

		/* Through all the branches of the price; from the smallest number to the bound. */
		for (in.sigma = 1e-4; in.sigma < 100; in.sigma *= 1.01) {
			double price = black76_price(&in, otm), bound = fmin(in.forward, in.strike);

			check(price >= last * (1 - 1e-12));
			check(price > last || price == 0 ||
			      price > 0.99 * bound * exp(-in.r * in.t));
			last = price;
		}
	}
}

static void test_greeks_are_derivatives(void **state)
{
	struct rng r = {9};

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct black76 in = random_option(&r), a, b;
		enum option_type type = i % 2 ? OPTION_CALL : OPTION_PUT;
		double h = 1e-4, move = in.forward * in.sigma * sqrt(in.t) * h, scale;
		struct greeks g, ga, gb;

		/* Near the money, where central differences have digits left. */
		in.strike = in.forward * exp((4 * rng_unit(&r) - 2) * in.sigma * sqrt(in.t));
		black76_greeks(&in, type, &g);
		scale = in.forward * in.sigma * sqrt(in.t);
		a = b = in;
		a.forward += move;
		b.forward -= move;
		black76_greeks(&a, type, &ga);
		black76_greeks(&b, type, &gb);
		check_near((ga.price - gb.price) / (2 * move), g.delta, 1e-6);
		check_near((ga.delta - gb.delta) / (2 * move) * scale, g.gamma * scale, 1e-5);
		a = b = in;
		a.sigma *= 1 + h;
		b.sigma *= 1 - h;
		check_near((black76_price(&a, type) - black76_price(&b, type)) / (2 * h) / scale,
			   g.vega * in.sigma / scale, 1e-5);
		a = b = in;
		a.t *= 1 + h;
		b.t *= 1 - h;
		check_near((black76_price(&b, type) - black76_price(&a, type)) / (2 * h) / scale,
			   g.theta * in.t / scale, 1e-5);
		a = b = in;
		a.r += h;
		b.r -= h;
		check_near((black76_price(&a, type) - black76_price(&b, type)) / (2 * h) / scale,
			   g.rho / scale, 1e-5);
	}
}

static void check_certain(double forward, enum option_type type, double t, double sigma,
			  double price, double delta)
{
	struct black76 in = {forward, 25000, t, sigma, 0.05};
	double df = t > 0 ? exp(-0.05 * t) : 1;
	struct greeks g;

	black76_greeks(&in, type, &g);
	check_near(g.price, df * price, 0);
	check_near(black76_price(&in, type), df * price, 0);
	check_near(g.delta, df * delta, 0);
	check(g.gamma == 0 && g.vega == 0 && g.theta == 0);
}

static void test_limits(void **state)
{
	static const double cases[][2] = {{0, 0.2}, {-1, 0.2}, {0.5, 0}, {0.5, -0.1}};
	struct black76 in = {25000, 25000, 1e-9, 0.2, 0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		double t = cases[i][0], sigma = cases[i][1];

		check_certain(25100, OPTION_CALL, t, sigma, 100, 1);
		check_certain(25100, OPTION_PUT, t, sigma, 0, 0);
		check_certain(24900, OPTION_CALL, t, sigma, 0, 0);
		check_certain(24900, OPTION_PUT, t, sigma, 100, -1);
		check_certain(25000, OPTION_CALL, t, sigma, 0, 0.5);
		check_certain(25000, OPTION_PUT, t, sigma, 0, -0.5);
	}
	/* And they are approached: at the money F sigma sqrt(t / (2 pi)). */
	check_rel(black76_price(&in, OPTION_CALL), 25000 * 0.2 * sqrt(1e-9 / (2 * M_PI)), 1e-9);
	in.strike = 20000;
	check_near(black76_price(&in, OPTION_CALL), 5000, 0);
	in.sigma = 1e9;
	in.t = 1;
	check_near(black76_price(&in, OPTION_CALL), 25000, 1e-9);
	check_near(black76_price(&in, OPTION_PUT), 20000, 1e-9);
}

static void test_implied_goes_round(void **state)
{
	struct rng r = {10};
	int found = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct black76 in = random_option(&r);
		enum option_type type = in.strike > in.forward ? OPTION_CALL : OPTION_PUT;
		double sigma = -1, price = black76_price(&in, type), s, d1;

		if (price < DBL_MIN)
			continue;
		check(black76_implied(price, &in, type, &sigma));
		s = in.sigma * sqrt(in.t);
		d1 = fabs(log(in.forward / in.strike)) / s;
		/* Far from the money a volatility is easier to find than the price it belongs to:
		 * sigma moves with 1/d1^2 of the price. */
		check_rel(sigma, in.sigma, 64 * EPS * (1 + s + 1 / (s * (1 + d1))) + 4e-15);
		found++;
	}
	check(found > 19000);
}

static void test_implied_at_the_extremes(void **state)
{
	struct black76 in = {25000, 25000, 1.0 / 365, 0, 0};
	double sigma = -1;

	(void)state;
	/* Exactly intrinsic. */
	in.strike = 24000;
	check(black76_implied(1000, &in, OPTION_CALL, &sigma));
	check_near(sigma, 0, 0);
	check(black76_implied(0, &in, OPTION_PUT, &sigma));
	check_near(sigma, 0, 0);
	/* One step above, one step below the bounds. */
	check(black76_implied(nextafter(1000, 2000), &in, OPTION_CALL, &sigma) && sigma > 0);
	check(!black76_implied(nextafter(1000, 0), &in, OPTION_CALL, &sigma));
	check(black76_implied(nextafter(25000, 0), &in, OPTION_CALL, &sigma));
	check(isfinite(sigma) && sigma > 100);
	check(!black76_implied(25000, &in, OPTION_CALL, &sigma));
	check(black76_implied(nextafter(24000, 0), &in, OPTION_PUT, &sigma));
	check(!black76_implied(24000, &in, OPTION_PUT, &sigma));
	/* The smallest price there is. */
	check(black76_implied(5e-324, &in, OPTION_PUT, &sigma) && sigma > 0 && sigma < 0.1);
	check(!black76_implied(NAN, &in, OPTION_PUT, &sigma));
	check(!black76_implied(INFINITY, &in, OPTION_PUT, &sigma));
	in.forward = NAN;
	check(!black76_implied(100, &in, OPTION_PUT, &sigma));
	in.forward = INFINITY;
	check(!black76_implied(100, &in, OPTION_CALL, &sigma));
}

static void test_implied_of_any_price(void **state)
{
	struct rng r = {11};

	(void)state;
	/* Whatever is asked, the answer comes and reproduces the price. */
	for (int i = 0; i < 20000; i++) {
		struct black76 in = random_option(&r);
		enum option_type type = i % 2 ? OPTION_CALL : OPTION_PUT;
		double df = exp(-in.r * in.t), sigma = -1;
		double d = type == OPTION_CALL ? in.forward - in.strike : in.strike - in.forward;
		double floor = df * fmax(d, 0);
		double top = df * (type == OPTION_CALL ? in.forward : in.strike);
		double price = floor + (top - floor) * pow(rng_unit(&r), 1 + i % 40);

		if (price >= top)
			continue;
		check(black76_implied(price, &in, type, &sigma));
		in.sigma = sigma;
		check_near(black76_price(&in, type), price, 1e-12 * price + 4 * EPS * top);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normal_cdf),
		cmocka_unit_test(test_fifty_digits),
		cmocka_unit_test(test_no_solution_rows),
		cmocka_unit_test(test_parity),
		cmocka_unit_test(test_symmetry),
		cmocka_unit_test(test_rises_with_volatility),
		cmocka_unit_test(test_greeks_are_derivatives),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_implied_goes_round),
		cmocka_unit_test(test_implied_at_the_extremes),
		cmocka_unit_test(test_implied_of_any_price),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
