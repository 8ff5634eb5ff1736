/* SPDX-License-Identifier: MIT
 *
 * selection: subscriptions by what an instrument is, not by its key: "NIFTY:current:ATM+-2", calls and
 * puts of five strikes around the money, which follow it.
 *
 *      subscribe --> selection (one per text, shared) --> ids --> wants of the client
 *                       ^ looked at again once a second        | what came in and what left is told
 *                       +-- the money has moved, an expiry is over, a new master
 *
 * What a limit keeps out comes in when there is room again, a second later at most.
 *
 * What a client has subscribed to by its key is its own: a selection that leaves an instrument takes
 * away only what it had brought itself.
 */
#ifndef AGNI_STREAM_SELECTION_H
#define AGNI_STREAM_SELECTION_H

#include "auth/scope.h"
#include "market/quote_json.h"

struct client;
struct stream;
struct selected;
struct turn_hook;

/* Both between wants_begin and wants_end. Append the members of the command's result behind its name:
 * the status, and the keys. */
void selection_subscribe(struct client *c, const struct scope *scope, const char *text,
			 enum view_mode mode, uint32_t pace, struct buf *out);
void selection_unsubscribe(struct client *c, const char *text, struct buf *out);

/* The client has asked for this one by its key, or given it up: it is no selection's any more. */
void selection_forget(struct client *c, inst_id id);

/* How what the client's i-th brings will come, now or later. */
uint32_t selection_pace(const struct client *c, uint32_t i);

/* A member "selectors" with their texts. */
void selections_list(const struct client *c, struct buf *out);

/* From time to time: begins to look at what they mean by now, and who has to be told. selections_work goes on
 * with it, a piece each turn. */
void selections_sweep(struct stream *s);
void selections_work(struct turn_hook *hook);

/* The client is gone; its seats too. */
void selections_fini(struct client *c);

#endif
