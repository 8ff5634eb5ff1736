/* SPDX-License-Identifier: MIT
 *
 * monitor_view: a screen, from what is known, what was chosen and how large the terminal is. Pure.
 *
 *     line 1        where Redis is, whether it answers, the time
 *     line 2        the server: health, upstream, token
 *     line 3        memory, ticks, clients
 *     line 4        the views: [1 quotes 39]  2 chain 1  3 futures 1  ...
 *     from 5        the view: its head, then its rows, of which some are in sight
 *     the last but  the newest signal
 *     the last      the filter, what is in sight, the keys; or what is wrong
 *
 * A view is a table of three functions; monitor_views.h has them.
 */
#ifndef AGNI_CLI_MONITOR_VIEW_H
#define AGNI_CLI_MONITOR_VIEW_H

#include "cli/monitor_model.h"
#include "cli/monitor_text.h"

enum monitor_view {
	VIEW_QUOTES,
	VIEW_CHAIN,
	VIEW_FUTURES,
	VIEW_CLIENTS,
	VIEW_SIGNALS,
	VIEW_SERVER,
	MONITOR_VIEWS
};

#define FILTER_MAX  40
#define SCROLL_AUTO UINT32_MAX /* where the view likes to begin: the money in the middle */

#define MONITOR_COLS_MIN 40
#define MONITOR_ROWS_MIN 10

/* What the user has chosen. */
struct monitor_ui {
	enum monitor_view view;
	uint32_t scroll
		[MONITOR_VIEWS]; /* first row that shall be in sight; frames bring it within limits */
	uint32_t from[MONITOR_VIEWS];  /* set by each frame: first row in sight */
	uint32_t shown[MONITOR_VIEWS]; /* set by each frame: rows in sight */
	uint32_t total[MONITOR_VIEWS]; /* set by each frame: rows that pass the filter */
	uint32_t doc[MONITOR_VIEWS];   /* which chain, which underlying */
	unsigned sort[MONITOR_VIEWS];
	bool is_reversed;
	bool is_filtering; /* text goes to the filter */
	char filter[MONITOR_VIEWS][FILTER_MAX + 1];
};

enum monitor_act { ACT_NOTHING, ACT_DRAW, ACT_QUIT, ACT_SUSPEND };

void monitor_ui_init(struct monitor_ui *ui, enum monitor_view view);

/* A key (enum key) was pressed. */
enum monitor_act monitor_ui_key(struct monitor_ui *ui, int key);

struct monitor_frame {
	const struct monitor_model *model;
	struct monitor_ui *ui;
	const char *where, *prefix; /* "127.0.0.1:6379", "agni-sim:" */
	bool is_live;               /* Redis answers */
	const char *why;            /* when it does not */
	int64_t away_ms;            /* for how long */
	int64_t now_ms;             /* Unix, by the clock of Redis' host; 0: not known yet */
	unsigned rows, cols;        /* rows 0: as many as there are */
	enum pen_kind pen;
};

/* The whole screen, replacing what is in `out`. */
void monitor_render(const struct monitor_frame *f, struct buf *out);

#endif
