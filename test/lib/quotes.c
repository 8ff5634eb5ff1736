/* SPDX-License-Identifier: MIT
 *
 * quotes: see quotes.h.
 */
#include "quotes.h"

void quote_make_up(struct quote *q, unsigned n)
{
	quote_clear(q);
	q->arm = ARM_MARKET;
	q->mode = MODE_FULL_D5;
	q->present = QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP | QUOTE_DEPTH | QUOTE_GREEKS |
		     QUOTE_BARS | QUOTE_ATP | QUOTE_VTT | QUOTE_OI | QUOTE_IV | QUOTE_TBQ |
		     QUOTE_TSQ | QUOTE_MSG_LTPC | QUOTE_MSG_GREEKS | QUOTE_MSG_OHLC;
	q->ltp = 1000000 + 500 * (n % 100);
	q->ltt = 1769160568604 + n;
	q->ltq = 65;
	q->cp = 419500;
	q->atp = 749500;
	q->vtt = 426465000 + n;
	q->oi = 9402900;
	q->iv = 0.10009765625;
	q->tbq = 3752515;
	q->tsq = 1124435;
	q->delta = -0.4632;
	q->theta = -13.0374;
	q->gamma = 0.0015;
	q->vega = 10.4752;
	q->rho = -1.2924;
	q->depth_n = 5;
	for (int i = 0; i < 5; i++)
		q->depth[i] = (struct depth_row){65 * (i + 1), q->ltp - 500 * (i + 1),
						 q->ltp + 500 * (i + 1), 130 * (i + 1)};
	q->bars_n = 2;
	q->bars[0] = (struct bar){"1d", 63, q->cp, q->ltp, q->cp, q->ltp, q->vtt, 1769106600000};
	q->bars[1] = (struct bar){"I1", 63, q->cp, q->ltp, q->cp, q->ltp, 1130480, 1769160480000};
}
