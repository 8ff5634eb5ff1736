/* SPDX-License-Identifier: MIT
 *
 * encode: builds FeedResponse messages, by protobuf-c, from quotes; for the simulated exchange and
 * for the endpoint that speaks the broker's protocol.
 */
#ifndef AGNI_UPSTOX_ENCODE_H
#define AGNI_UPSTOX_ENCODE_H

#include "upstox/frame.h"

struct feed_encoder;

struct feed_encoder *feed_encoder_create(void);
void feed_encoder_destroy(struct feed_encoder *e);

/* Starts a message; what was there is dropped. FEED_INITIAL leaves the type byte out, as proto3
 * does. */
void feed_encoder_begin(struct feed_encoder *e, enum feed_type type, int64_t current_ts);

/* Adds one entry with what `q` holds, as mode `mode` carries it: the arm follows from the mode and
 * from q->arm (ARM_INDEX stays an index, and what came in an arm that does not tell is one when its
 * key is). The key is borrowed until feed_encoder_end. */
void feed_encoder_add(struct feed_encoder *e, const char *key, const struct quote *q,
		      enum request_mode mode);

/* Adds one segmentStatus entry (makes the message a market_info message's content). */
void feed_encoder_add_status(struct feed_encoder *e, const char *segment,
			     enum market_status status);

/* Entries added since begin. */
uint32_t feed_encoder_count(const struct feed_encoder *e);

/* Appends the encoded message to `out`. */
void feed_encoder_end(struct feed_encoder *e, struct buf *out);

#endif
