/* SPDX-License-Identifier: MIT
 *
 * chains_internal: what the files of live chains share: chains.c (the module), chains_kept.c, chain_live.c,
 * chain_follow.c.
 */
#ifndef AGNI_OPTIONS_CHAINS_INTERNAL_H
#define AGNI_OPTIONS_CHAINS_INTERNAL_H

#include "core/bitset.h"
#include "core/log.h"
#include "options/chains.h"
#include "options/oi_broker.h"
#include "options/oi_keeper.h"

/* Places in a chain: contracts at 2 * strike + side, and behind them the two levels. */
#define PLACE_SPOT   (2u * CHAIN_STRIKES_MAX)
#define PLACE_FUTURE (2u * CHAIN_STRIKES_MAX + 1)
#define PLACES       (2u * CHAIN_STRIKES_MAX + 2)

/* An instrument that a chain follows. */
struct chain_want {
	inst_id id;
	enum interest_mode mode;
	bool is_asked; /* for, in that mode */
	uint32_t place;
};

struct chain_live {
	struct list link; /* in chains->live */
	struct chains *owner;
	uint32_t refs, turn_refs;
	bool is_kept; /* one of the refs is the configuration's */
	/* What it is. */
	char underlying[SELECTOR_NAME_MAX + 1]; /* as asked for */
	struct expiry_choice expiry;
	struct scope scope; /* owned */
	/* What that means now. */
	struct chain_view *view;  /* NULL: nothing */
	struct resolve_miss miss; /* why, when it was looked for */
	bool is_looked_for;
	struct chain_strikes strikes; /* of the underlying */
	struct chain_want *wants;
	uint32_t wants_n;
	uint32_t refused_n; /* contracts that the broker's limits, or ours, leave no room for */
	uint64_t master_version, oi_version;
	day_t day;        /* market's, when it was listed */
	int64_t roll_ms;  /* then another expiry may be meant */
	inst_id money_id; /* tells where the money is, whatever the scope; INST_NONE */
	double low, high; /* the money's way until the middle moves; 0, 0: it has none */
	/* What has come since. */
	bool is_dirty;
	struct bitset changed; /* places */
	uint64_t version;      /* of the view */
	/* What was told. */
	struct buf text;
	uint64_t text_version; /* 0: none */
	mono_ns told_at;
	char document[SELECTOR_NAME_MAX + 16]; /* its identity in Redis; "": it has none there */
};

/* Which chains an instrument is in. */
struct chain_post {
	struct chain_live *chain;
	uint32_t place;
};

struct chain_posts {
	struct chain_post *at;
	uint32_t n, cap;
};

struct chains {
	struct module mod;
	struct chains_deps deps;
	struct list live, listeners;
	struct chain_posts *posts; /* by instrument id */
	uint32_t posts_cap;
	struct book_subscriber subscriber;
	struct turn_hook hook;
	uv_timer_t second, pace;
	struct oi_keeper *keeper;
	struct oi_broker *broker; /* NULL: it is not asked */
	int64_t looked_s;         /* market second in which the keeper looked last */
	bool is_dirty;            /* some chain is */
	bool is_running, is_stopping;
	int to_close; /* handles, and the keeper */
	struct chain_live **kept;
	uint32_t kept_n;
	struct log_limit complaint;
	/* metrics */
	uint64_t live_n, computed, listed, published, contracts;
};

/* chain_live.c */
struct chain_live *chain_live_create(struct chains *ch, const struct chain_wish *wish);
void chain_live_destroy(struct chain_live *c);

/* Whether this chain is what is wished for. */
bool chain_live_is(const struct chain_live *c, const struct chain_wish *wish);

/* Brings the view up to the book, the master and the clock. */
void chain_live_refresh(struct chain_live *c);

/* Whether a contract of it lacks the open interest of the previous session. */
bool chain_live_lacks_oi(const struct chain_live *c);

/* The text of the newest version. */
void chain_live_tell(struct chain_live *c);

/* chain_follow.c: lists anew where what is meant may have moved. False: it has not, or cannot yet. */
bool chain_live_follow(struct chain_live *c, const struct chain_source *s, uint64_t master_version);
void chain_live_let_go(struct chain_live *c); /* of all that it asks for */
void chain_live_ask(struct chain_live *c);    /* once more for what there was no room for */

/* chains_kept.c: what options.chains names. */
void chains_keep(struct chains *ch);
void chains_drop_kept(struct chains *ch);
void chains_put_document(struct chains *ch, struct chain_live *c); /* to Redis */
bool chains_kept_amiss(const struct chains *ch, char why[HEALTH_WHY_MAX]);

/* chains.c: from now on its ticks mark the chain; no more. */
void chains_post(struct chains *ch, struct chain_live *c, const struct chain_want *w);
void chains_unpost(struct chains *ch, struct chain_live *c, const struct chain_want *w);

#endif
