/* SPDX-License-Identifier: MIT
 *
 * bench_options: what implied volatility with five Greeks costs a contract, in ns, and a whole
 * chain with its summary, in us.
 *
 * The contracts: forward 25000, strikes 20 % about it, an hour to 90 days, 5 to 150 %, those worth
 * at least a tick. "newton" is what one writes first: Newton's iteration on the price from 20 %,
 * erfc and exp, until it moves by less than 1e-12 or 50 steps are done; where it does not come
 * home, its answer is counted as lost. All take turns, ROUNDS times, and the median counts, because
 * a shared machine drifts.
 */
#include <math.h>
#include <stdio.h>

#include "../test/lib/chain_made.h"
#include "lib/stats.h"
#include "options/batch.h"
#include "options/bsm.h"

#define ROUNDS      9
#define REPEATS     20
#define MONEYS      61
#define TIMES       12
#define VOLS        16
#define CONTRACTS   (MONEYS * TIMES * VOLS)
#define TICK        0.05
#define FORWARD     25000.0
#define HOUR        (1 / (24 * 365.0))
#define NEWTON_MAX  50
#define CHAIN_TURNS 2000

struct contract {
	struct bsm in; /* sigma: the right answer */
	enum option_type type;
	double price;
};

static struct contract contracts[CONTRACTS];
static size_t count;
static volatile double sink; /* so that nothing is left out */

static void contracts_make(void)
{
	for (int m = 0; m < MONEYS; m++) {
		for (int t = 0; t < TIMES; t++) {
			for (int v = 0; v < VOLS; v++) {
				struct contract c = {.type = m % 2 ? OPTION_CALL : OPTION_PUT};

				c.in = (struct bsm){
					.spot = FORWARD,
					.strike = FORWARD * (0.8 + 0.4 * m / (MONEYS - 1)),
					.t = HOUR * pow(90 * 24, t / (TIMES - 1.0)),
					.sigma = 0.05 * pow(30, v / (VOLS - 1.0)),
				};
				c.price = bsm_price(&c.in, c.type);
				if (c.price - fmax((c.type == OPTION_CALL ? 1 : -1) *
							   (c.in.spot - c.in.strike),
						   0) >=
				    TICK)
					contracts[count++] = c;
			}
		}
	}
}

/* ---- the three ways ------------------------------------------------------------------------- */

static double cdf(double x)
{
	return erfc(-x * M_SQRT1_2) / 2;
}

static double newton(const struct contract *c, double *lost)
{
	double side = c->type == OPTION_CALL ? 1 : -1, root_t = sqrt(c->in.t), sigma = 0.2;
	double f = c->in.spot, k = c->in.strike, d1 = 0, d2, density = 0, step = 1;

	for (int i = 0; i < NEWTON_MAX && fabs(step) > 1e-12; i++) {
		d1 = log(f / k) / (sigma * root_t) + sigma * root_t / 2;
		d2 = d1 - sigma * root_t;
		density = exp(-d1 * d1 / 2) / sqrt(2 * M_PI);
		step = (side * (f * cdf(side * d1) - k * cdf(side * d2)) - c->price) /
		       (f * density * root_t);
		sigma -= step;
	}
	*lost += !(fabs(sigma / c->in.sigma - 1) < 1e-6);
	d2 = d1 - sigma * root_t;
	return sigma + side * cdf(side * d1) + density / (f * sigma * root_t) +
	       f * density * root_t / 100 - f * density * sigma / (2 * root_t) / 365 +
	       side * k * c->in.t * cdf(side * d2) / 100;
}

static double newton_all(double *lost)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += newton(&contracts[i], lost);
	return sum;
}

static double one_by_one(double *lost)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++) {
		struct bsm_point p = {0};

		*lost += bsm_solve(contracts[i].price, &contracts[i].in, contracts[i].type, &p) !=
				 IV_OK ||
			 fabs(p.sigma / contracts[i].in.sigma - 1) > 1e-6;
		sum += p.sigma + p.delta + p.gamma + p.theta + p.vega + p.rho;
	}
	return sum;
}

static double in_batches(void (*solve)(struct batch *b), double *lost)
{
	static struct batch b;
	double sum = 0;

	for (size_t from = 0; from < count; from += b.n) {
		for (b.n = 0; b.n < BATCH_MAX && from + b.n < count; b.n++) {
			const struct contract *c = &contracts[from + b.n];

			b.price[b.n] = c->price;
			b.spot[b.n] = c->in.spot;
			b.strike[b.n] = c->in.strike;
			b.t[b.n] = c->in.t;
			b.r[b.n] = c->in.r;
			b.q[b.n] = c->in.q;
			b.side[b.n] = c->type == OPTION_CALL ? 1 : -1;
		}
		solve(&b);
		for (unsigned i = 0; i < b.n; i++) {
			*lost += !(fabs(b.sigma[i] / contracts[from + i].in.sigma - 1) <= 1e-6);
			sum += b.sigma[i] + b.delta[i] + b.gamma[i] + b.theta[i] + b.vega[i] +
			       b.rho[i];
		}
	}
	return sum;
}

static double batch_any(double *lost)
{
	return in_batches(batch_solve, lost);
}

static double batch_plain(double *lost)
{
	return in_batches(batch_solve_plain, lost);
}

/* us a chain, the median of ROUNDS. */
static double chain_us(void)
{
	static struct chain_made c;
	struct chain_summary out;
	double us[ROUNDS];

	chain_make(&c);
	for (int round = 0; round < ROUNDS; round++) {
		double start = stats_cpu_ns();

		for (int i = 0; i < CHAIN_TURNS; i++) {
			/* Something changes each time, as it does in a market. */
			c.strikes[i % MADE_STRIKES].side[i % 2].oi++;
			chain_compute(&c.in, c.cells, &out);
			sink = sink + out.gex_net + out.smile.atm_iv;
		}
		us[round] = (stats_cpu_ns() - start) / CHAIN_TURNS / 1000;
	}
	return stats_median(us, ROUNDS);
}

int main(void)
{
	static const struct {
		const char *name;
		double (*run)(double *lost);
	} ways[] = {
		{"plain Newton, one by one", newton_all},
		{"bsm_solve, one by one", one_by_one},
		{"batch_solve, on this processor", batch_any},
		{"batch_solve, on any processor", batch_plain},
	};
	enum { WAYS = sizeof(ways) / sizeof(ways[0]) };
	double ns[WAYS][ROUNDS], lost[WAYS] = {0};

	contracts_make();
	for (int round = 0; round < ROUNDS; round++) {
		for (int w = 0; w < WAYS; w++) {
			double start = stats_cpu_ns();

			for (int i = 0; i < REPEATS; i++) {
				lost[w] = 0;
				sink = sink + ways[w].run(&lost[w]);
			}
			ns[w][round] = (stats_cpu_ns() - start) / (REPEATS * (double)count);
		}
	}
	printf("implied volatility and five Greeks, ns of CPU a contract: median of %d interleaved "
	       "runs over %zu contracts\n\n",
	       ROUNDS, count);
	for (int w = 0; w < WAYS; w++)
		printf("%-34s %7.0f ns   %5.0f not found\n", ways[w].name,
		       stats_median(ns[w], ROUNDS), lost[w]);
	printf("\nchain_compute, all figures and the summary of %d contracts: %.2f us\n",
	       2 * MADE_STRIKES, chain_us());
	return 0;
}
