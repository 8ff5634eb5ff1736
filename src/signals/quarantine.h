/* SPDX-License-Identifier: MIT
 *
 * quarantine: which ticks cannot be true. Pure: one tick, what was known of its instrument before,
 * and where the underlying stands.
 *
 * A flag is about the state after the tick. It keeps nothing out of book and tape; nothing is reckoned
 * from a quote that has one. Each ends by itself:
 *
 *  reason           flagged when                                      until
 *  crossed          the best bid is above the best ask                they are not
 *  below_intrinsic  an option's book, or a trade of this moment, is   a book or trade that is not
 *                   below what exercise pays at the forward, by more
 *                   than the spread and a tolerance
 *  spot_price       an option costs about what the underlying does,   it does not
 *                   and exercise does not pay half of that
 *  jump             the price is far from the last sound one, and no  it is back, a trade confirms it,
 *                   trade has been told (an index, which tells none:  or 20 ticks (an index: 5) stand
 *                   within a minute)                                  where it went
 *  time_back        last trade time or the day's volume lies before   they have caught up, or 20 ticks
 *                   the highest seen, or the message's time lies      in a row say so
 *                   seconds before the newest
 *  oi_zero          open interest was there, and is zero or gone in   it is there again, or 20 ticks in
 *                   a message of a mode that tells it                 a row say so
 *
 * A new day knows nothing of the one before.
 */
#ifndef AGNI_SIGNALS_QUARANTINE_H
#define AGNI_SIGNALS_QUARANTINE_H

#include "core/ist.h"
#include "signals/contracts.h"

#define QUARANTINE_TICKS       20
#define QUARANTINE_INDEX_TICKS 5

/* Per instrument; zeros before its first tick. */
struct quarantine_state {
	double price;     /* the last sound one; 0: none yet */
	double jumped_to; /* while SUSPECT_JUMP */
	double oi;        /* the last above zero; 0: none */
	int64_t ltt, vtt; /* the highest */
	int64_t ts_ms;    /* the newest message's time */
	int64_t price_ms; /* of `price` */
	day_t day;
	uint8_t suspect;               /* enum suspect, of the tick before */
	uint8_t jumped, behind, empty; /* ticks in a row */
};

struct quarantine_tick {
	const struct quote *q;    /* the state after the merge */
	const struct quote *said; /* what the tick itself carried */
	uint32_t flags;           /* TICK_* */
	int64_t ts_ms;            /* market time of its message; 0: it had none */
	bool is_index;
	const struct contract *contract; /* NULL or CONTRACT_NONE: not known */
	struct level level;              /* of an option; LEVEL_NONE: not known */
};

/* enum suspect of the state; 0: it may be reckoned with. */
uint8_t quarantine_judge(struct quarantine_state *st, const struct quarantine_tick *t);

#endif
