/* SPDX-License-Identifier: MIT
 *
 * monitor_views: what a view is made of; internal to the monitor.
 */
#ifndef AGNI_CLI_MONITOR_VIEWS_H
#define AGNI_CLI_MONITOR_VIEWS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "cli/monitor_view.h"

/* A frame while it is drawn. */
struct sheet {
	const struct monitor_frame *f;
	struct pen *pen;
	size_t *order; /* the rows that pass the filter, in their order */
	size_t n;
};

struct view_ops {
	const char *name;
	size_t (*count)(const struct monitor_frame *f); /* for its tab */
	void (*list)(struct sheet *s);                  /* fills order */
	void (*head)(struct sheet *s);
	void (*row)(struct sheet *s, size_t at);       /* order[at] */
	size_t (*begin)(struct sheet *s, size_t rows); /* where SCROLL_AUTO is; NULL: at the top */
	const char *const *sorts;                      /* up to NULL; NULL: it has one order */
	enum monitor_kind docs; /* of which one at a time is shown; MONITOR_KINDS: no such */
	/* Whether a row of `docs`, or of the list that the view shows, is what the filter means;
	 * `part`: an element of the document's array, which is a row of its own. */
	bool (*passes)(const struct monitor_ui *ui, const struct monitor_row *r, const cJSON *part);
	const char *array; /* its name; NULL: a document is a row */
};

extern const struct view_ops view_quotes, view_chain, view_futures, view_clients, view_signals,
	view_server;

extern const struct view_ops *const monitor_views[MONITOR_VIEWS];

/* Whether `text` holds what is searched for, in upper or lower case. */
bool filter_passes(const struct monitor_ui *ui, const char *text);

/* Whether the filter of the signals means this one; NULL is none. */
bool signal_passes(const struct monitor_ui *ui, const cJSON *doc);

/* One row more. */
void sheet_add(struct sheet *s, size_t row);

/* The document of this view that was chosen, or NULL. */
const struct monitor_row *sheet_doc(const struct sheet *s);

/* Its name, how many there are, its age and what is wrong with it, in front of a line. */
void put_doc_name(struct sheet *s, const struct monitor_row *r);

/* How long a row's key still lives: "12s", "gone", "-" without an end. */
const char *ttl_text(const struct monitor_frame *f, const struct monitor_row *r,
		     char out[NUMBER_TEXT]);

/* Values of the row are not those of now. */
bool is_old(const struct monitor_frame *f, const struct monitor_row *r);

/* Green, red or dim by how a number has moved, or by its sign. */
enum style style_of(int direction);
static inline int sign_of(double v)
{
	return (v > 0) - (v < 0);
}

/* Wall time of an instant in IST: "09:15:02"; "-" for 0. */
const char *clock_text(int64_t ms, char out[NUMBER_TEXT]);

/* The newest signal, in one line. */
void put_signal_line(struct pen *p, const struct monitor_frame *f, const struct monitor_signal *s);

#endif
