/* SPDX-License-Identifier: MIT
 *
 * signals_internal: what the files of the module share.
 *
 *     config.c    sections to numbers
 *     apps.c      which instruments an app has, and that they are asked for
 *     wishes.c    names that nothing has
 *     engine.c    one logical turn
 *     judge.c     one tick, before anybody hears of it
 *     journal.c   what outlives the process
 *     signals.c   the module, the ring, the listeners
 */
#ifndef AGNI_SIGNALS_INTERNAL_H
#define AGNI_SIGNALS_INTERNAL_H

#include "core/bitset.h"
#include "core/log.h"
#include "market/resolve.h"
#include "signals/forwards.h"
#include "signals/journal.h"
#include "signals/quarantine.h"
#include "signals/rules.h"
#include "signals/signals.h"
#include "upstox/session.h"

#define APP_WISHES_MAX  64  /* keys and selectors of an app */
#define APP_MEMBERS_MAX 512 /* instruments of an app, chosen ones too */

/* What the configuration says of an app, as numbers. */
struct app_plan {
	bool is_on;
	unsigned rules;   /* bits of enum rule_kind */
	unsigned outputs; /* enum signal_output */
	struct rule_limits limits;
};

/* One instrument of an app. */
struct member {
	inst_id id;
	day_t expiry; /* 0: none */
	bool is_left; /* while the configuration is read again: nothing names it so far */
	struct edge edges[RULES];
	struct rule_state states[RULES];
};

/* One entry of app.instruments. */
struct wish {
	char *text;
	bool is_selector;
	bool is_complaint_made;
	bool is_unknown; /* the master has no such instrument, or no such underlying */
	struct selector selector;
};

struct app {
	struct app_plan plan;
	char *list; /* the instruments as they were read; NULL: not yet */
	struct wish *wishes;
	unsigned wishes_n;
	struct member **members;
	unsigned members_n, members_cap;
	uint32_t *place; /* by instrument id: in members, + 1; 0: none */
	uint32_t place_cap;
	struct bitset moneys; /* asked for in mode ltpc, for where the money is */
};

struct signals {
	struct module mod;
	struct signals_deps deps;
	struct book_subscriber subscriber;
	uv_timer_t timer;
	struct app apps[APPS];
	struct bitset watched; /* ids of all members */
	struct bitset marked;  /* ticked in this turn */
	inst_id *ticked;       /* the same, in the order of the ticks */
	uint32_t ticked_n, ticked_cap;
	int64_t followed_s; /* the second of market time that selectors were looked at in */
	int64_t market_ms;  /* of the newest turn; 0: none yet */
	bool has_begun, has_ticked;
	struct contracts contracts;
	struct forwards forwards;
	uint64_t turn;                   /* how many there were */
	struct session_table sessions;   /* what the broker has said of its segments */
	bool needs_level;                /* some rule that is on does */
	struct quarantine_state *judged; /* by instrument id */
	uint32_t judged_cap;
	struct journal journal;
	struct turn_hook hook; /* writes it, behind the tape's */
	struct log_limit journal_limit;
	struct signal *ring; /* SIGNALS_KEPT; id % SIGNALS_KEPT */
	uint64_t newest, kept;
	struct list listeners;
	/* counters */
	uint64_t looks, fired, swallowed, held_stale, held_suspect, held_crossed, held_closed,
		held_time, over_limit, instruments, quarantined, suspect_ticks,
		suspects[SUSPECT_BITS];
};

/* --- config.c --------------------------------------------------------------------------------- */

/* Where the signals of an app go (enum signal_output); 0 when the list is wrong. */
unsigned app_outputs(const struct app_config *c);

/* AGNI_ECONFIG in words that begin with the key. */
int app_plan_read(enum app_kind app, const struct signals_config *cfg, const struct app_config *c,
		  struct app_plan *out, struct agni_err *err);

/* The next entry of app.instruments, at *word; false at the end. */
bool app_next_wish(const char **list, const char **word, size_t *len);

/* --- apps.c ----------------------------------------------------------------------------------- */

/* The instrument master, or NULL. */
const struct master *apps_master(const struct signals *s);
uint64_t apps_generation(const struct signals *s); /* of it, above 0 */

/* Takes the profiles as they are configured now; members that stay keep their state. */
void apps_read(struct signals *s);
void apps_fini(struct signals *s);

/* Asks for what is named; before the first turn too. */
void apps_want(struct signals *s);

/* wishes.c: whether the master knows what `w` names; told once when it does not. There is a master. */
bool wish_is_known(struct signals *s, enum app_kind app, struct wish *w);
/* The first that it does not know, "" when there is none; returns how many. None of a recording. */
unsigned wishes_unknown(const struct signals *s, const char **text, const char **app);

/* Once a second of market time: what selectors mean now joins. */
void apps_follow(struct signals *s, int64_t market_ms);

static inline struct member *app_member(const struct app *a, inst_id id)
{
	return id < a->place_cap && a->place[id] ? a->members[a->place[id] - 1] : NULL;
}

/* --- judge.c ---------------------------------------------------------------------------------- */

uint8_t judge_tick(void *arg, inst_id id, const struct slot *slot);

/* --- engine.c --------------------------------------------------------------------------------- */

void engine_tick(struct book_subscriber *sub, inst_id id, const struct slot *slot);
void engine_turn(struct book_subscriber *sub, int64_t market_ms);

/* --- signals.c -------------------------------------------------------------------------------- */

void signals_fire(struct signals *s, struct signal *signal);

/* Whether the continuous session of its segment is on. */
bool market_is_open(const struct signals *s, inst_id id, int64_t market_ms);

#endif
