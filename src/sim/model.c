/* SPDX-License-Identifier: MIT
 *
 * model: the prices; see model.h. The order book and the trades are in model_micro.c.
 *
 * Every random quantity is a first-order autoregression, the exact discrete form of an
 * Ornstein-Uhlenbeck process: x' = a x + sd sqrt(1 - a^2) N(0,1), with stationary deviation `sd`.
 * For a wanted volatility sigma per year and a step of dt years, a = 1 - sigma^2 dt / (2 sd^2):
 * over short times it moves like a random walk of that volatility, over days it stays near its
 * mean.
 */
#include "sim/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "market/expiry.h"
#include "options/black76.h"
#include "sim/model_internal.h"

#define NIFTY_MEAN   25800.0
#define STEP_YEARS   (MODEL_STEP_MS / 1000.0 / (252.0 * 6.25 * 3600.0)) /* trading time */
#define YEAR_MS      (365.0 * DAY_MS)                                   /* ACT/365 of options */
#define CARRY        0.02                                               /* per year */
#define VOL_MEAN     0.105
#define OVERNIGHT_SD 0.003
#define BASIS_SD     1.0   /* rupees */
#define BASIS_RECALL 0.985 /* of a step: forgotten after some ten seconds */
#define VOL_MIN      0.04

struct process {
	double sigma; /* per year */
	double sd;    /* stationary */
};

static const struct process factor_process = {0.12, 0.005};
static const struct process own_process[3] = {{0.06, 0.004}, {0.14, 0.01}, {0.14, 0.01}};
static const struct process vol_process = {0.20, 0.008};

static double process_step(struct rng *r, const struct process *p, double x)
{
	double a = 1.0 - p->sigma * p->sigma * STEP_YEARS / (2.0 * p->sd * p->sd);

	return a * x + p->sd * sqrt(1.0 - a * a) * rng_normal(r);
}

static double years_to(const struct model *m, day_t expiry)
{
	return (double)(calendar_expiry_instant(expiry) - m->now_ms) / YEAR_MS;
}

/* What futures and options of this expiry are priced off: where both expire together, they agree. */
static double forward_of(const struct model *m, day_t expiry)
{
	double t = years_to(m, expiry);

	return NIFTY_MEAN * exp(m->factor + CARRY * fmax(t, 0)) + m->basis_noise;
}

/* What follows from the random quantities and the time. */
static void reprice(struct model *m)
{
	m->forward = forward_of(m, m->months[0]);
	m->option_forward = forward_of(m, m->weekly);
	m->option_t = fmax(years_to(m, m->weekly), 0);
}

static void option_input(const struct model *m, unsigned i, struct black76 *in)
{
	double strike = m->rows[i].strike, x = log(strike / m->option_forward);

	/* Seen on 2026-01-23: half a point of volatility more one percent below the money. */
	*in = (struct black76){
		.forward = m->option_forward,
		.strike = strike,
		.t = m->option_t,
		.sigma = fmax(m->vol - 0.35 * x + 6.0 * x * x, VOL_MIN),
	};
}

static enum option_type option_type_of(const struct model *m, unsigned i)
{
	return m->rows[i].kind == LISTED_CALL ? OPTION_CALL : OPTION_PUT;
}

double model_value(const struct model *m, unsigned i)
{
	struct black76 in;

	switch (i) {
	case MODEL_NIFTY:
		return NIFTY_MEAN * exp(m->factor);
	case MODEL_BANK:
		return 59000.0 * exp(1.15 * m->factor + m->own[0]);
	case MODEL_RELIANCE:
		return 1500.0 * exp(m->factor + m->own[1]);
	case MODEL_TCS:
		return 3100.0 * exp(0.7 * m->factor + m->own[2]);
	case MODEL_FUTURE:
		return m->forward;
	case MODEL_NEXT:
	case MODEL_FAR:
		return forward_of(m, m->months[1 + (int)(i - MODEL_NEXT)]);
	default:
		option_input(m, i, &in);
		return black76_price(&in, option_type_of(m, i));
	}
}

static double four_decimals(double v)
{
	return round(v * 1e4) / 1e4;
}

void model_greeks(const struct model *m, unsigned i, struct quote *q)
{
	struct black76 in;
	struct greeks g;
	bool is_call = m->rows[i].kind == LISTED_CALL;
	double d2 = 0, sd;

	option_input(m, i, &in);
	black76_greeks(&in, option_type_of(m, i), &g);
	sd = in.sigma * sqrt(in.t);
	if (sd > 0)
		d2 = log(in.forward / in.strike) / sd - sd / 2;
	q->iv = round(in.sigma * 1e6) / 1e6;
	q->delta = four_decimals(g.delta);
	q->gamma = four_decimals(g.gamma);
	q->theta = four_decimals(g.theta / 365.0);
	q->vega = four_decimals(g.vega / 100.0);
	/* The broker's rho is that of an option on the spot: K T N(d2), per percentage point. */
	q->rho = four_decimals((is_call ? normal_cdf(d2) : -normal_cdf(-d2)) * in.strike * in.t /
			       100.0);
}

/* --- what is listed -------------------------------------------------------------------------- */

static void list_fixed(struct model *m)
{
	static const struct listed fixed[] = {
		{LISTED_INDEX, "NSE_INDEX|Nifty 50", "26000", "NIFTY", "Nifty 50 (synthetic)", 0, 0,
		 false, 0, 0},
		{LISTED_INDEX, "NSE_INDEX|Nifty Bank", "26009", "BANKNIFTY",
		 "Nifty Bank (synthetic)", 0, 0, false, 0, 0},
		{LISTED_EQUITY, "NSE_EQ|INE002A01018", "2885", "RELIANCE",
		 "RELIANCE INDUSTRIES LTD (synthetic)", 0, 0, false, 1, 10.0},
		{LISTED_EQUITY, "NSE_EQ|INE467B01029", "11536", "TCS",
		 "TATA CONSULTANCY SERV LT (synthetic)", 0, 0, false, 1, 10.0},
	};

	for (unsigned i = 0; i < ARRAY_LEN(fixed); i++)
		m->rows[i] = fixed[i];
}

static void list_contract(struct listed *r, enum listed_kind kind, unsigned token, day_t expiry,
			  double strike)
{
	*r = (struct listed){
		.kind = kind,
		.symbol = "NIFTY",
		.name = "NIFTY (synthetic)",
		.expiry = expiry,
		.strike = strike,
		.is_weekly = calendar_monthly_expiry(expiry) != expiry,
		.lot_size = expiry_lot_size("NIFTY", expiry),
		.tick_paise = kind == LISTED_FUTURE ? 10.0 : 5.0,
	};
	snprintf(r->token, sizeof(r->token), "%u", token);
	snprintf(r->key, sizeof(r->key), "NSE_FO|%u", token);
}

static unsigned future_at(int month)
{
	return month == 0 ? MODEL_FUTURE : MODEL_NEXT + (unsigned)month - 1;
}

/* Tokens are invented: 90000 and up, other ones for each expiry, the same ones in each run. */
static void list_contracts(struct model *m)
{
	unsigned week = (unsigned)(m->weekly / 7) % 200, token = 90000 + week * 45;

	for (int i = 0; i < MODEL_MONTHS; i++) {
		int y, mon, d;

		day_to_civil(m->months[i], &y, &mon, &d);
		list_contract(&m->rows[future_at(i)], LISTED_FUTURE,
			      99000 + (unsigned)(y * 12 + mon) % 900, m->months[i], 0);
	}
	for (unsigned i = 0; i < MODEL_STRIKES; i++) {
		double strike = MODEL_STRIKE_LOW + (int)i * MODEL_STRIKE_STEP;
		struct listed *call = &m->rows[MODEL_OPTIONS + 2 * i];

		list_contract(call, LISTED_CALL, token++, m->weekly, strike);
		list_contract(call + 1, LISTED_PUT, token++, m->weekly, strike);
	}
}

/* --- days ------------------------------------------------------------------------------------ */

/* The close of the last session of day `d`; 15:30 when the calendar knows none. */
static int64_t day_close(day_t d)
{
	struct session s[SESSIONS_MAX];
	int n = calendar_sessions(SEGMENT_FO, d, s, NULL);

	return n > 0 ? s[n - 1].close_ms : ist_instant(d, (15 * 60 + 30) * 60000ll);
}

/* When the near future is over, each month takes the place of the one before, with its open interest. */
static void roll_months(struct model *m)
{
	day_t near = calendar_monthly_expiry(m->day);
	bool is_rolled = near != m->months[0];

	m->months[0] = near;
	for (int i = 1; i < MODEL_MONTHS; i++)
		m->months[i] = calendar_monthly_expiry(m->months[i - 1] + 1);
	for (int i = 0; is_rolled && i < MODEL_MONTHS; i++)
		m->inst[future_at(i)].q.oi =
			i + 1 < MODEL_MONTHS ? m->inst[future_at(i + 1)].q.oi : 0;
}

/* Closing prices of the day before at `last_close_ms`, a gap over night, the opening quotes. */
static void open_day(struct model *m, int64_t last_close_ms, int64_t open_ms)
{
	day_t old_weekly = m->weekly;
	price_t cp[MODEL_INSTRUMENTS];

	m->day = ist_day(open_ms);
	m->weekly = calendar_weekly_expiry(m->day);
	roll_months(m);
	list_contracts(m);
	m->now_ms = last_close_ms;
	reprice(m);
	for (unsigned i = 0; i < MODEL_INSTRUMENTS; i++)
		cp[i] = micro_round(model_value(m, i), m->inst[i].tick);
	m->factor = 0.9 * m->factor + OVERNIGHT_SD * rng_normal(&m->rng);
	m->now_ms = open_ms;
	m->minute_ms = open_ms - open_ms % 60000;
	m->close_ms = calendar_next_close(SEGMENT_FO, open_ms);
	if (m->close_ms <= open_ms)
		m->close_ms = open_ms + 375 * 60000ll;
	m->is_open = true;
	reprice(m);
	for (unsigned i = 0; i < MODEL_INSTRUMENTS; i++) {
		if (i >= MODEL_OPTIONS && i < MODEL_NEXT && m->weekly != old_weekly)
			m->inst[i].q.oi = 0;
		micro_open(m, i, cp[i]);
	}
}

static price_t tick_of(unsigned i)
{
	/* 0.05 rupee for indices and options, 0.10 for shares and futures. */
	return i == MODEL_RELIANCE || i == MODEL_TCS || i == MODEL_FUTURE || i >= MODEL_NEXT ? 1000
											     : 500;
}

struct model *model_create(uint64_t seed, int64_t start_ms)
{
	struct model *m = mem_zalloc(sizeof(*m));

	if (calendar_phase(SEGMENT_FO, start_ms) != PHASE_OPEN) {
		int64_t open_ms = calendar_next_open(SEGMENT_FO, start_ms);

		start_ms = open_ms ? open_ms : start_ms;
	}
	m->rng.state = seed;
	m->factor = factor_process.sd / 2 * rng_normal(&m->rng);
	for (unsigned i = 0; i < 3; i++)
		m->own[i] = own_process[i].sd / 2 * rng_normal(&m->rng);
	m->vol = VOL_MEAN;
	for (unsigned i = 0; i < MODEL_INSTRUMENTS; i++) {
		m->inst[i].row = &m->rows[i];
		m->inst[i].tick = tick_of(i);
	}
	list_fixed(m);
	open_day(m, day_close(calendar_previous_trading_day(SEGMENT_FO, ist_day(start_ms))),
		 start_ms);
	return m;
}

void model_destroy(struct model *m)
{
	free(m);
}

int64_t model_start_auto(int64_t now_ms)
{
	struct session s[SESSIONS_MAX];
	day_t d = ist_day(now_ms);

	if (calendar_phase(SEGMENT_FO, now_ms) == PHASE_OPEN)
		return now_ms;
	if (calendar_sessions(SEGMENT_FO, d, s, NULL) > 0 && s[0].open_ms <= now_ms)
		return s[0].open_ms;
	d = calendar_previous_trading_day(SEGMENT_FO, d);
	if (calendar_sessions(SEGMENT_FO, d, s, NULL) > 0)
		return s[0].open_ms;
	return ist_instant(d, (9 * 60 + 15) * 60000ll);
}

void model_next_day(struct model *m)
{
	int64_t open_ms = calendar_next_open(SEGMENT_FO, m->close_ms);

	open_day(m, m->close_ms, open_ms ? open_ms : m->close_ms + DAY_MS);
}

/* --- steps ----------------------------------------------------------------------------------- */

static void advance(struct model *m)
{
	m->factor = process_step(&m->rng, &factor_process, m->factor);
	for (unsigned i = 0; i < 3; i++)
		m->own[i] = process_step(&m->rng, &own_process[i], m->own[i]);
	m->vol = VOL_MEAN + process_step(&m->rng, &vol_process, m->vol - VOL_MEAN);
	m->basis_noise = BASIS_RECALL * m->basis_noise +
			 BASIS_SD * sqrt(1 - BASIS_RECALL * BASIS_RECALL) * rng_normal(&m->rng);
	reprice(m);
}

/* Copies to the message what `parts` names, and the last trade in any case. */
static void report(const struct model *m, unsigned i, uint32_t parts, struct message *out)
{
	const uint32_t ltpc = QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP | QUOTE_MSG_LTPC;
	struct tick *t = feed_message_add(out);
	struct quote *q = &t->q;

	out->ids[out->n - 1] = i;
	t->key = m->rows[i].key;
	t->key_len = (uint32_t)strlen(t->key);
	quote_replace(q, &m->inst[i].q);
	q->present &= parts | ltpc;
	if (!(q->present & QUOTE_DEPTH))
		q->depth_n = 0;
	if (!(q->present & QUOTE_BARS))
		q->bars_n = 0;
}

bool model_step(struct model *m, struct message *out)
{
	feed_message_begin(out, FEED_LIVE, m->now_ms);
	if (!m->is_open)
		return false;
	if (m->now_ms + MODEL_STEP_MS >= m->close_ms) {
		m->now_ms = m->close_ms;
		out->ts_ms = m->now_ms;
		m->is_open = false;
		return false;
	}
	m->now_ms += MODEL_STEP_MS;
	out->ts_ms = m->now_ms;
	advance(m);
	if (m->now_ms >= m->minute_ms + 60000) {
		m->minute_ms += 60000;
		for (unsigned i = 0; i < MODEL_INSTRUMENTS; i++)
			micro_minute(m, i);
	}
	for (unsigned i = 0; i < MODEL_INSTRUMENTS; i++) {
		uint32_t parts = m->inst[i].due_ms <= m->now_ms ? micro_update(m, i) : 0;

		if (parts)
			report(m, i, parts, out);
	}
	return true;
}

void model_state(const struct model *m, struct message *out)
{
	feed_message_begin(out, FEED_INITIAL, m->now_ms);
	for (unsigned i = 0; i < MODEL_INSTRUMENTS; i++)
		report(m, i, UINT32_MAX, out);
}

/* --- looking in ------------------------------------------------------------------------------ */

int64_t model_now(const struct model *m)
{
	return m->now_ms;
}

bool model_is_open(const struct model *m)
{
	return m->is_open;
}

const struct listed *model_listing(const struct model *m, uint32_t *n)
{
	*n = MODEL_INSTRUMENTS;
	return m->rows;
}

double model_forward(const struct model *m)
{
	return m->forward;
}

double model_option_forward(const struct model *m)
{
	return m->option_forward;
}
