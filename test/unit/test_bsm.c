/* SPDX-License-Identifier: MIT
 *
 * test_bsm: against 50-digit arithmetic, published values and the broker's own Greeks.
 *
 * How exact a volatility can be depends on the price: what moves the price by one EPS moves it by
 * iv_cond EPS; deep in the money nothing is left to tell it by.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/data.h"
#include "../lib/option_rows.h"
#include "options/bsm.h"

#define PRICE_TOLERANCE  1e-12
#define IV_TOLERANCE     4e-13
#define COND_TOLERANCE   (4 * 2.2e-16)
#define YEAR_MS          (365.0 * 86400000)
#define BROKER_EXPIRY_MS 1769508000000.0 /* 2026-01-27T15:30:00+05:30 */

/* ---- facts that are always there ------------------------------------------------------------ */

/* Haug, "The complete guide to option pricing formulas", 1998: a put with a cost of carry; and
 * Hull, "Options, futures and other derivatives": 42 on 40. */
static void test_textbooks(void **state)
{
	struct bsm haug = {75, 70, 0.5, 0.35, 0.1, 0.05}, hull = {42, 40, 0.5, 0.2, 0.1, 0};
	struct greeks g;

	(void)state;
	check_near(bsm_price(&haug, OPTION_PUT), 4.0870, 5e-5);
	check_near(bsm_price(&hull, OPTION_CALL), 4.7594, 5e-5);
	check_near(bsm_price(&hull, OPTION_PUT), 0.8086, 5e-5);
	bsm_greeks(&hull, OPTION_CALL, &g);
	check_near(g.price, bsm_price(&hull, OPTION_CALL), 0);
	check_near(g.delta, 0.7791, 5e-5); /* N(0.7693) */
}

/* At the money the normal approximation is a formula of its own: 2N(s/2) - 1 of the asset. */
static void test_at_the_money(void **state)
{
	(void)state;
	for (double t = 1e-6; t < 4; t *= 1.7) {
		struct bsm in = {25000, 25000, t, 0.2, 0.07, 0.07};
		double price = 25000 * exp(-0.07 * t) * erf(0.2 * sqrt(t / 8)), sigma = -1;

		check_rel(bsm_price(&in, OPTION_CALL), price, 16 * EPS);
		check_rel(bsm_price(&in, OPTION_PUT), price, 16 * EPS);
		check_i64(bsm_implied(price, &in, OPTION_CALL, &sigma), IV_OK);
		check_rel(sigma, 0.2, 1e-14);
	}
}

static void test_limits(void **state)
{
	struct bsm in = {26000, 25000, 0, 0.2, 0.065, 0.01};
	struct greeks g;

	(void)state;
	bsm_greeks(&in, OPTION_CALL, &g);
	check(g.price == 1000 && g.delta == 1 && g.gamma == 0 && g.vega == 0 && g.theta == 0 &&
	      g.rho == 0);
	bsm_greeks(&in, OPTION_PUT, &g);
	check(g.price == 0 && g.delta == 0 && g.theta == 0);
	/* Without volatility the call is the asset less the cash, and they earn interest. */
	in.t = 0.5;
	in.sigma = 0;
	bsm_greeks(&in, OPTION_CALL, &g);
	check_near(g.price, 26000 * exp(-0.005) - 25000 * exp(-0.0325), 26000 * 4 * EPS);
	check_rel(g.delta, exp(-0.005), 2 * EPS);
	check_rel(g.theta, 0.01 * 26000 * exp(-0.005) - 0.065 * 25000 * exp(-0.0325), 16 * EPS);
	check_rel(g.rho, 0.5 * 25000 * exp(-0.0325), 4 * EPS);
	/* And nearly there it is nearly so. */
	in.sigma = 1e-3;
	check_rel(bsm_price(&in, OPTION_CALL), g.price, 1e-15);
}

static void test_refusals(void **state)
{
	struct bsm in = {26000, 25000, 0.02, NAN, 0.065, 0};
	double sigma = -1;

	(void)state;
	check_i64(bsm_implied(900, &in, OPTION_CALL, &sigma), IV_BELOW_INTRINSIC);
	check_i64(bsm_implied(26000, &in, OPTION_CALL, &sigma), IV_ABOVE_BOUND);
	check_i64(bsm_implied(25000, &in, OPTION_PUT, &sigma), IV_ABOVE_BOUND);
	check_i64(bsm_implied(0, &in, OPTION_PUT, &sigma), IV_NO_PRICE);
	check_i64(bsm_implied(-1, &in, OPTION_PUT, &sigma), IV_NO_PRICE);
	check_i64(bsm_implied(NAN, &in, OPTION_PUT, &sigma), IV_BAD_INPUT);
	in.t = 0;
	check_i64(bsm_implied(1100, &in, OPTION_CALL, &sigma), IV_EXPIRED);
	in.t = NAN;
	check_i64(bsm_implied(1100, &in, OPTION_CALL, &sigma), IV_BAD_INPUT);
	in = (struct bsm){0, 25000, 0.02, NAN, 0.065, 0};
	check_i64(bsm_implied(50, &in, OPTION_CALL, &sigma), IV_BAD_INPUT);
	in = (struct bsm){26000, 25000, 0.02, NAN, 0, 0};
	check_i64(bsm_implied(1000, &in, OPTION_CALL, &sigma), IV_NO_TIME_VALUE);
	check_near(sigma, -1, 0);
	for (int i = IV_OK; i <= IV_ABOVE_BOUND; i++)
		check(strlen(iv_status_text((enum iv_status)i)) > 1);
}

/* ---- the data set --------------------------------------------------------------------------- */

struct worst {
	double price, iv; /* in units of what is allowed */
	int refused;
};

/* By how many EPS the Greeks move when ln(asset/cash) and s move by one. */
static double greeks_tolerance(const struct exact_row *r)
{
	double s = r->in.sigma * sqrt(r->in.t);
	double x = log(r->in.spot / r->in.strike) + (r->in.r - r->in.q) * r->in.t;
	double d1 = x / s + s / 2;

	return 8 * EPS * (2 + d1 * d1 + (1 + fabs(d1)) / s * fmax(fabs(x), r->in.r * r->in.t));
}

static void exact_row_check(char *line, void *arg)
{
	struct worst *worst = arg;
	struct exact_row r;
	struct greeks g;
	double allowed, carry, sigma = -1;

	check(exact_row_parse(line, &r));
	bsm_greeks(&r.in, r.type, &g);
	check_rel(g.price, r.price, PRICE_TOLERANCE);
	check_near(bsm_price(&r.in, r.type), g.price, 0);
	worst->price = fmax(worst->price, fabs(g.price / r.price - 1));
	allowed = greeks_tolerance(&r);
	check_rel(g.delta, r.delta, allowed);
	check_rel(g.gamma, r.gamma, allowed);
	check_rel(g.vega, r.vega, allowed);
	/* Of a put, interest, dividends and the cost of time have different signs. */
	carry = fabs(r.in.q * r.delta * r.in.spot) + fabs(r.in.r * r.rho / r.in.t);
	check_near(g.theta, r.theta, allowed * (fabs(r.theta) + 2 * carry));
	check_rel(g.rho, r.rho, allowed);
	allowed = fmax(COND_TOLERANCE * r.iv_cond, IV_TOLERANCE);
	if (allowed >= 1) { /* less than half a unit of the price's last digit is time value */
		worst->refused += bsm_implied(r.price_f64, &r.in, r.type, &sigma) != IV_OK;
		return;
	}
	check_i64(bsm_implied(r.price_f64, &r.in, r.type, &sigma), IV_OK);
	check_rel(sigma, r.iv, allowed);
	worst->iv = fmax(worst->iv, fabs(sigma / r.iv - 1) / allowed);
}

static void test_fifty_digits(void **state)
{
	struct worst worst = {0};

	(void)state;
	check_i64(option_rows_each("pricing/bsm_highprec.csv", exact_row_check, &worst), 600);
	print_message("600 rows: worst price %.2g relative; worst volatility %.2g of what is "
		      "allowed; %d without a volatility\n",
		      worst.price, worst.iv, worst.refused);
}

/* id,source,type,spot,strike,rate,div,t_years,sigma,quantity,value,tolerance; the source may hold
 * commas between quotes. */
static void published_row_check(char *line, void *arg)
{
	char *quote = strchr(line, '"'), *p, type, quantity[16];
	double value, tolerance, got;
	struct greeks g;
	struct bsm in;

	(void)arg;
	p = strchr(quote ? strchr(quote + 1, '"') : strchr(line, ',') + 1, ',') + 1;
	check(sscanf(p, "%c,%lf,%lf,%lf,%lf,%lf,%lf,%15[^,],%lf,%lf", &type, &in.spot, &in.strike,
		     &in.r, &in.q, &in.t, &in.sigma, quantity, &value, &tolerance) == 10);
	bsm_greeks(&in, type == 'c' ? OPTION_CALL : OPTION_PUT, &g);
	got = !strcmp(quantity, "price")   ? g.price
	      : !strcmp(quantity, "delta") ? g.delta
	      : !strcmp(quantity, "gamma") ? g.gamma
	      : !strcmp(quantity, "theta") ? g.theta
	      : !strcmp(quantity, "vega")  ? g.vega
	      : !strcmp(quantity, "rho")   ? g.rho
					   : NAN;
	if (!(fabs(got - value) <= tolerance))
		fail_msg("%s: %.9g", line, got);
}

static void test_published(void **state)
{
	(void)state;
	check_i64(option_rows_each("pricing/bs_published_reference.csv", published_row_check, NULL),
		  1274);
}

static void no_solution_row_check(char *line, void *arg)
{
	struct bsm in = {.sigma = 0.1};
	double price, sigma = -1;
	enum iv_status status;
	char type;

	(void)arg;
	check(sscanf(line, "%c,%lf,%lf,%lf,%lf,%lf,%lf", &type, &in.spot, &in.strike, &in.r, &in.q,
		     &in.t, &price) == 7);
	status = bsm_implied(price, &in, type == 'c' ? OPTION_CALL : OPTION_PUT, &sigma);
	if (status == IV_OK)
		fail_msg("%s: %g", line, sigma);
	print_message("%s -> %s\n", line, iv_status_text(status));
	check_near(sigma, -1, 0);
}

static void test_no_solution_rows(void **state)
{
	(void)state;
	check_i64(option_rows_each("pricing/iv_no_solution.csv", no_solution_row_check, NULL), 10);
}

/* ---- the broker's own Greeks ---------------------------------------------------------------- */

#define SAMPLES_MAX 1000

struct broker_errors {
	const char *underlying;
	int n;
	double delta[SAMPLES_MAX], theta[SAMPLES_MAX], vega[SAMPLES_MAX], rho[SAMPLES_MAX];
};

/* feed_ts_ms,key,underlying,expiry,strike,type,index_ltp,fut_bid,fut_ask,ltp,ltt_ms,bid,ask,iv,
 * delta,gamma,theta_day,vega_1pct,rho_1pct. Which price of the future the broker took is not known;
 * the mid is near it. */
static void broker_row(char *line, void *arg)
{
	double ts, strike, fut_bid, fut_ask, iv, delta, gamma, theta, vega, rho;
	struct broker_errors *e = arg;
	char underlying[16], type;
	struct greeks g;
	struct bsm in;

	check(sscanf(line,
		     "%lf,%*[^,],%15[^,],2026-01-27,%lf,%cE,%*f,%lf,%lf,%*f,%*f,%*f,%*f,%lf,%lf,"
		     "%lf,%lf,%lf,%lf",
		     &ts, underlying, &strike, &type, &fut_bid, &fut_ask, &iv, &delta, &gamma,
		     &theta, &vega, &rho) == 12);
	if (strcmp(underlying, e->underlying))
		return;
	in = (struct bsm){.spot = (fut_bid + fut_ask) / 2,
			  .strike = strike,
			  .t = (BROKER_EXPIRY_MS - ts) / YEAR_MS,
			  .sigma = iv};
	bsm_greeks(&in, type == 'C' ? OPTION_CALL : OPTION_PUT, &g);
	g = greeks_for_traders(&g);
	check(e->n < SAMPLES_MAX);
	e->delta[e->n] = fabs(g.delta - delta);
	e->theta[e->n] = fabs(g.theta - theta);
	e->vega[e->n] = fabs(g.vega - vega);
	e->rho[e->n++] = fabs(g.rho - rho);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
	return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/* The errors that the data's README states have one digit; so have the limits, and half a unit of
 * it. BANKNIFTY's future costs more than twice as much, and theta and vega with it. */
static void test_broker(void **state)
{
	static struct broker_errors nifty = {.underlying = "NIFTY"},
				    bank = {.underlying = "BANKNIFTY"};
	const char *csv = "pricing/upstox_greeks_samples_20260123_a.csv";

	(void)state;
	check_i64(option_rows_each(csv, broker_row, &nifty), 518);
	check_i64(option_rows_each(csv, broker_row, &bank), nifty.n + bank.n);
	for (struct broker_errors *e = &nifty; e; e = e == &nifty ? &bank : NULL) {
		double delta = median(e->delta, e->n), theta = median(e->theta, e->n);
		double vega = median(e->vega, e->n), rho = median(e->rho, e->n);
		double scale = e == &nifty ? 1 : 60000.0 / 25000;

		print_message("%-9s %d rows of the broker, median errors: delta %.4f, theta %.4f, "
			      "vega %.4f, rho %.4f\n",
			      e->underlying, e->n, delta, theta, vega, rho);
		check(delta < 0.0045 && theta < 0.035 * scale && vega < 0.025 * scale &&
		      rho < 0.015 * scale);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_textbooks),        cmocka_unit_test(test_at_the_money),
		cmocka_unit_test(test_limits),           cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_fifty_digits),     cmocka_unit_test(test_published),
		cmocka_unit_test(test_no_solution_rows), cmocka_unit_test(test_broker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
