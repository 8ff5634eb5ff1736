/* SPDX-License-Identifier: MIT
 *
 * selection_internal: what the two files of selectors share.
 *
 *     meaning.c    what a text means now, shared by all who asked for it
 *     selection.c  what a client has of it, and how that follows
 */
#ifndef AGNI_STREAM_SELECTION_INTERNAL_H
#define AGNI_STREAM_SELECTION_INTERNAL_H

#include "stream/selection.h"
#include "stream/stream_internal.h"

/* One text, whoever asked for it. */
struct selection {
	struct list link;  /* in stream->selections */
	struct list named; /* in a bucket of stream->selections_named */
	char *text;
	uint32_t refs;
	uint64_t version; /* +1 when `ids` changes */
	/* what is meant, in the order of strikes; each with a NUL behind */
	struct buf keys;
	inst_id *ids; /* INST_NONE: no client has had it yet, so the table does not know it */
	uint32_t n;
	struct bitset meant;       /* the ids */
	price_t middle;            /* the strike at the money, as seen last; resolve.h */
	inst_id money;             /* tells the price that the money is at; INST_NONE: not known */
	const char *money_refusal; /* why its price is not asked for; NULL: it is */
	enum resolve_code code;
};

/* A client's subscription to one. */
struct selected {
	struct selection *selection;
	enum view_mode mode;
	uint32_t pace;
	uint64_t version; /* that the client has */
	inst_id *ids;     /* that this brought to the client: it would leave with it */
	uint32_t n, cap;
	uint32_t kept_out; /* of what is meant, by a limit */
	/* How it was when they were: while neither moves there is no more room than then. */
	uint64_t freed;
	uint32_t subs;
};

/* The one of this text, made when there is none; counted. */
struct selection *selection_get(struct stream *s, const char *text);
void selection_put(struct stream *s, struct selection *sel);

/* Looks again at what it means. Where nothing is meant any more (no price, no master) what was meant stays. */
void selection_look(struct stream *s, struct selection *sel);

/* The ids of those of its keys that clients have had by now. */
void selection_find_ids(const struct stream *s, struct selection *sel);

#endif
