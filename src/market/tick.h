/* SPDX-License-Identifier: MIT
 *
 * tick: everything that the broker may say of one instrument, with a bit per thing that was said.
 *
 * `struct quote` is used twice: as the content of one tick (what this message carried) and as the
 * state of a slot of the book (all that is known). A field counts only when its bit is in
 * `present`; absent is not zero. Names are those of the feed's schema in snake case;
 * docs/glossary.md.
 */
#ifndef AGNI_MARKET_TICK_H
#define AGNI_MARKET_TICK_H

#include "market/price.h"

#define DEPTH_MAX      30 /* levels of full_d30 */
#define BARS_MAX       4  /* intervals kept per instrument; the feed is known to send two */
#define BAR_NAME_MAX   8  /* "1d", "I1", "I30" and the NUL */
#define QUOTE_GREEKS_N 5

enum {
	QUOTE_LTP = 1u << 0,
	QUOTE_LTT = 1u << 1,
	QUOTE_LTQ = 1u << 2,
	QUOTE_CP = 1u << 3,
	QUOTE_LTPC_IEP = 1u << 4, /* LTPC.iep: a message on the wire, so zero is a value */
	QUOTE_DEPTH = 1u << 5,    /* marketLevel or firstDepth was there; zero rows is a value */
	QUOTE_DELTA = 1u << 6,
	QUOTE_THETA = 1u << 7,
	QUOTE_GAMMA = 1u << 8,
	QUOTE_VEGA = 1u << 9,
	QUOTE_RHO = 1u << 10,
	QUOTE_BARS = 1u << 11,
	QUOTE_ATP = 1u << 12,
	QUOTE_VTT = 1u << 13,
	QUOTE_OI = 1u << 14,
	QUOTE_IV = 1u << 15,
	QUOTE_TBQ = 1u << 16,
	QUOTE_TSQ = 1u << 17,
	QUOTE_IEP = 1u << 18, /* MarketFullFeed.iep */
	QUOTE_RP = 1u << 19,
	QUOTE_IEQ = 1u << 20,
	QUOTE_IIQ_TOTAL = 1u << 21,
	QUOTE_IIQ_M = 1u << 22,
	QUOTE_CAS_ELIGIBLE = 1u << 23,
	/* Messages that were present, whatever they held: for a faithful re-encoding. */
	QUOTE_MSG_LTPC = 1u << 24,
	QUOTE_MSG_GREEKS = 1u << 25,
	QUOTE_MSG_OHLC = 1u << 26,

	QUOTE_GREEKS = QUOTE_DELTA | QUOTE_THETA | QUOTE_GAMMA | QUOTE_VEGA | QUOTE_RHO,
};

/* The parts that a bar carried; a bar is one record and is replaced whole. */
enum {
	BAR_OPEN = 1u << 0,
	BAR_HIGH = 1u << 1,
	BAR_LOW = 1u << 2,
	BAR_CLOSE = 1u << 3,
	BAR_VOL = 1u << 4,
	BAR_TS = 1u << 5,
};

struct bar {
	char interval[BAR_NAME_MAX]; /* never empty */
	unsigned present;            /* BAR_* */
	price_t open, high, low, close;
	int64_t vol;
	int64_t ts_ms; /* start of the bar */
};

struct depth_row {
	int64_t bid_qty;
	price_t bid;
	price_t ask;
	int64_t ask_qty;
};

enum feed_arm { ARM_NONE, ARM_LTPC, ARM_MARKET, ARM_INDEX, ARM_FIRST_LEVEL };

/* The broker's request modes, with the numbers of the wire. */
enum request_mode { MODE_LTPC = 0, MODE_FULL_D5 = 1, MODE_OPTION_GREEKS = 2, MODE_FULL_D30 = 3 };

struct quote {
	uint32_t present; /* QUOTE_* */
	uint8_t arm;      /* enum feed_arm */
	uint8_t mode;     /* enum request_mode, as the wire said */
	uint8_t depth_n;  /* rows in depth[] */
	uint8_t bars_n;   /* bars in bars[] */

	price_t ltp, cp;
	int64_t ltt; /* ms */
	int64_t ltq;
	int64_t vtt;
	price_t atp;
	double oi, tbq, tsq; /* doubles on the wire, whole numbers by nature */
	double iv;           /* fraction */
	double delta, theta, gamma, vega, rho;
	price_t ltpc_iep, iep, rp;
	int64_t ieq, iiq_total, iiq_m;
	bool cas_eligible;

	struct bar bars[BARS_MAX];
	struct depth_row depth[DEPTH_MAX];
};

/* One Feed entry of a message. The key is borrowed from the message's bytes. */
struct tick {
	const char *key;
	uint32_t key_len;
	uint32_t rejected; /* fields left out because they were NaN, infinite or out of range */
	struct quote q;
};

/* Clears what a decoder must not find; the depth rows are left as they are. */
static inline void quote_clear(struct quote *q)
{
	memset(q, 0, offsetof(struct quote, bars));
}

/* Merges `from` (one live message) into `into`: what is absent keeps what was there; depth is
 * replaced whole; a bar is replaced whole per interval. */
void quote_merge(struct quote *into, const struct quote *from);

/* What `into` becomes after a snapshot: exactly `from`. Copies only what is used. */
void quote_replace(struct quote *into, const struct quote *from);

/* Keeps of `q` only what mode `mode` carries (upstox.md "Modes"). */
void quote_project(struct quote *q, enum request_mode mode);

#endif
