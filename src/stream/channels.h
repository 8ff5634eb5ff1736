/* SPDX-License-Identifier: MIT
 *
 * channels: what a client may have beside quotes, by name: "bars:1m:NSE_INDEX|Nifty 50", "status".
 *
 * One kind of channel is one file, channel_*.c, and one row of the table in channels.c. The kind
 * says what a name means and what is to be sent; here is who has which, by the normal form of the
 * name, and when it is asked: in each sweep (250 ms), behind a command of the client, and at the
 * end of a turn in which the kind was woken. A kind keeps a version or a cursor per channel, never
 * a queue: it is not asked while the client's socket is full, and then sends the newest state.
 *
 * The table has a place for each kind in any build: a kind whose part is not there (no bars, no
 * options) answers "unknown_channel".
 */
#ifndef AGNI_STREAM_CHANNELS_H
#define AGNI_STREAM_CHANNELS_H

#include "auth/scope.h"
#include "core/buf.h"
#include "core/list.h"

struct client;
struct stream;
struct channel_ops;

/* Embedded at the beginning of the kind's own struct, or by container_of. */
struct channel {
	const struct channel_ops *ops;
	struct client *client;
	struct list link; /* among all channels of its kind, in stream->channels */
	char *name;       /* in its normal form, as in every message; owned */
};

/* What a kind does. All but `open` and `close` may be asked at any time while the client has it. */
struct channel_ops {
	const char *prefix; /* "bars:"; without a ":" at its end it is the whole name: "signals" */
	/* Appends the normal form of a name that begins so: two names with one normal form are one
	 * channel. False: there is no such channel. NULL: every name is its own. */
	bool (*normalize)(const char *name, struct buf *out);
	/* Makes the channel, on the heap; NULL and a static text in `refusal`, the status of the
	 * command's result. The caller has looked for what the client has already. */
	struct channel *(*open)(struct client *c, const struct scope *scope, const char *name,
				const char **refusal);
	/* Sends what is due by client_reply. The tape is flushed; the socket is not full. */
	void (*send)(struct client *c, struct channel *ch);
	/* Gives up what open took, and frees the channel. */
	void (*close)(struct client *c, struct channel *ch);
};

/* The kinds: an index into the table, and into stream->channels. */
enum channel_kind { CHANNEL_BARS, CHANNEL_CHAIN, CHANNEL_FUTURES, CHANNEL_SIGNALS, CHANNEL_KINDS };

extern const struct channel_ops channel_bars_ops, channel_chain_ops, channel_futures_ops,
	channel_signals_ops;

/* Return the status of the command's result. */
const char *channel_subscribe(struct client *c, const struct scope *scope, const char *name);
const char *channel_unsubscribe(struct client *c, const char *name);

void channels_list(const struct client *c, struct buf *out); /* a member "channels" */
void channels_send(struct client *c);                        /* what is due by now */
void channels_fini(struct client *c);

/* There is news for the channels of this kind: they are asked at the end of this turn. Costs
 * nothing when nobody has one. */
void channels_wake(struct stream *s, enum channel_kind kind);

/* At the end of a turn: those that were woken. */
void channels_flush(struct stream *s);

void channels_init(struct stream *s);

/* channel_chain.c, channel_futures.c: hear when a chain, or a row of futures, has another text. */
void channel_chain_init(struct stream *s);
void channel_futures_init(struct stream *s);

/* Appends {"type":TYPE,"channel":"NAME","data": to a message; the caller appends the value and a
 * "}". */
void channel_begin(struct buf *b, const char *type, const struct channel *ch);

#endif
