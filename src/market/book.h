/* SPDX-License-Identifier: MIT
 *
 * book: the latest state of every instrument, one slot each; the one place where it lives.
 *
 * One module writes (feed); all others subscribe. For each Feed entry the feed calls
 *
 *     book_merge()      state changes
 *     tape_append()     the tick gets its seq: what anyone sees, a crash cannot take back
 *     book_publish()    plain calls to the subscribers, in the order in which they subscribed
 *
 * and at the end of each message book_turn(), the logical turn: analytics and bars close there.
 * Subscribers mark a bit and arm their flush; they must not call back into the book's writers.
 */
#ifndef AGNI_MARKET_BOOK_H
#define AGNI_MARKET_BOOK_H

#include "core/list.h"
#include "market/instrument.h"
#include "market/tick.h"

/* What a merge found odd about a tick; kept on the slot and counted. A flag never drops a tick. */
enum {
	TICK_SNAPSHOT = 1u << 0, /* came in an initial_feed */
	TICK_REPEAT = 1u << 1,   /* changed nothing */
	TICK_OLD_LTT = 1u << 2,  /* its ltt lies before the slot's */
	TICK_OLD_VTT = 1u << 3,  /* its day volume lies below the slot's */
	TICK_EMPTY = 1u << 4,    /* carried no field at all */
};

/* What is impossible about a quote, for as long as it is; signals/quarantine.h judges. It stays in the
 * book and on the tape, and nothing is reckoned from it. */
enum suspect {
	SUSPECT_BELOW_INTRINSIC = 1u << 0, /* an option that costs less than its exercise pays */
	SUSPECT_SPOT_PRICE = 1u << 1,      /* the underlying's price in an option's slot */
	SUSPECT_JUMP = 1u << 2,            /* far away at once, and no trade */
	SUSPECT_TIME_BACK = 1u << 3,       /* time or the day's volume went back */
	SUSPECT_OI_ZERO = 1u << 4,         /* the open interest is gone */
	SUSPECT_CROSSED = 1u << 5,         /* the best bid is above the best ask */
};

#define SUSPECT_BITS 6

struct slot {
	uint64_t seq;       /* of the last tick; 0 = none yet */
	int64_t ts_ms;      /* currentTs of the message of the last tick */
	int64_t recv_ms;    /* wall time of its arrival */
	uint64_t recv_mono; /* monotonic time of its arrival */
	uint32_t flags;     /* TICK_* of the last tick */
	uint8_t suspect;    /* enum suspect, of the state; 0: nothing is wrong with it */
	struct quote q;
};

/* Message-level facts that go with each of its ticks. */
struct tick_meta {
	int64_t ts_ms; /* currentTs */
	int64_t recv_ms;
	uint64_t recv_mono;
	bool is_snapshot;
};

struct book_subscriber {
	void (*on_tick)(struct book_subscriber *s, inst_id id, const struct slot *slot);
	void (*on_turn)(struct book_subscriber *s, int64_t market_ms); /* or NULL */
	struct list link;
};

struct book {
	struct instruments instruments;
	struct slot **slots; /* by id; NULL until the first tick */
	uint32_t slots_cap;
	uint32_t live; /* slots with at least one tick */
	struct list subscribers;
	/* Asked once a tick, before the subscribers are told: enum suspect. Or NULL. */
	uint8_t (*judge)(void *arg, inst_id id, const struct slot *slot);
	void *judge_arg;
	const struct quote *said; /* during judge and on_tick: what the tick carried; lent */
	uint64_t ticks;           /* merged */
	uint64_t repeats;         /* TICK_REPEAT */
	uint64_t old_ltt;         /* TICK_OLD_LTT */
	uint64_t old_vtt;         /* TICK_OLD_VTT */
};

void book_init(struct book *b, uint32_t instruments_limit);
void book_fini(struct book *b);

/* The slot of `id`, or NULL before its first tick. Lent; valid until book_fini. */
static inline const struct slot *book_slot(const struct book *b, inst_id id)
{
	return id < b->slots_cap ? b->slots[id] : NULL;
}

/* Applies one tick to slot `id`. A snapshot replaces, a live message merges. */
struct slot *book_merge(struct book *b, inst_id id, const struct tick *tick,
			const struct tick_meta *meta);

/* Stamps the seq that the tape gave and tells the subscribers. */
void book_publish(struct book *b, inst_id id, struct slot *slot, uint64_t seq);

/* The end of one upstream message. */
void book_turn(struct book *b, int64_t market_ms);

/* "below_intrinsic", ... of one bit. */
const char *suspect_text(enum suspect bit);

void book_subscribe(struct book *b, struct book_subscriber *s);
void book_unsubscribe(struct book_subscriber *s);

#endif
