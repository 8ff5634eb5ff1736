/* SPDX-License-Identifier: MIT
 *
 * test_black76: the laws that prices and Greeks obey. test_bsm.c has the data set.
 */
#include <float.h>
#include <math.h>

#include "../lib/check.h"
#include "../lib/option_rows.h"
#include "options/black76.h"

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
	check(g.gamma == 0 && g.vega == 0);
	check_near(g.theta, t > 0 ? 0.05 * g.price : 0, 0); /* interest on the premium */
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

/* The units of an option chain. */
static void test_units_of_traders(void **state)
{
	struct greeks g = {100, 0.5, 0.001, 1200, -3650, 40}, per = greeks_for_traders(&g);

	(void)state;
	check(per.price == 100 && per.delta == 0.5 && per.gamma == 0.001);
	check(per.vega == 12 && per.theta == -10 && per.rho == 0.4);
}

/* Black-Scholes-Merton on a spot that yields r is Black-76 on it, but for rho. */
static void test_is_bsm_of_a_future(void **state)
{
	struct rng r = {12};

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct black76 in = random_option(&r);
		struct bsm same = {in.forward, in.strike, in.t, in.sigma, in.r, in.r};
		enum option_type type = i % 2 ? OPTION_CALL : OPTION_PUT;
		struct greeks a, b;

		black76_greeks(&in, type, &a);
		bsm_greeks(&same, type, &b);
		check_near(a.price, b.price, 1e-14 * (in.forward + in.strike));
		check_near(a.delta, b.delta, 1e-15);
		check_rel(a.gamma, b.gamma, 2e-15);
		check_rel(a.vega, b.vega, 2e-15);
		check_near(a.theta, b.theta, 1e-14 * (in.forward + in.strike));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parity),
		cmocka_unit_test(test_symmetry),
		cmocka_unit_test(test_rises_with_volatility),
		cmocka_unit_test(test_greeks_are_derivatives),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_units_of_traders),
		cmocka_unit_test(test_is_bsm_of_a_future),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
