/* SPDX-License-Identifier: MIT
 *
 * tape_source: a recording of the broker's feed, read message by message.
 *
 * A folder, or a file named .tape, is a tape of ours (include/agnidata/tape.h). Any other file is a
 * protobuf stream (.pbs, or gzipped .pbs.gz): for each message its length as a 32-bit
 * little-endian integer, then that many bytes of a FeedResponse.
 *
 *      len u32 | FeedResponse | len u32 | FeedResponse | ...
 *
 * Opening reads the file through once (keys, segments, times, number of messages), so that the
 * instruments are known before anybody subscribes; then it stands at the first message. A file
 * that is cut or damaged plays as far as it is whole, and `problem` says what was wrong with the
 * rest. A message inside that is whole but no valid FeedResponse is left out and counted.
 */
#ifndef AGNI_SIM_TAPE_SOURCE_H
#define AGNI_SIM_TAPE_SOURCE_H

#include "core/err.h"
#include "market/instrument.h"
#include "sim/message.h"

#define TAPE_MESSAGE_MAX  (16u << 20) /* bytes; a longer length is damage */
#define TAPE_SEGMENTS_MAX 16
#define TAPE_SEGMENT_TEXT 24

struct tape_source;

/* What the reading through at opening found. */
struct tape_facts {
	uint64_t messages;         /* that will be played */
	uint64_t invalid;          /* left out: whole, but no FeedResponse */
	uint64_t bytes;            /* of the played messages */
	int64_t first_ms, last_ms; /* currentTs of the first and the last; 0: none */
	char segments[TAPE_SEGMENTS_MAX][TAPE_SEGMENT_TEXT]; /* "NSE_FO", in order of appearance */
	uint32_t segments_n;
	char problem[128]; /* "" when the file is whole */
};

/* Opens and reads through. The keys met are added to `keys`, which is lent for the life of the
 * source. Returns 0, AGNI_ENOTFOUND (cannot be opened) or AGNI_EPARSE (not one message). */
int tape_source_open(const char *path, struct instruments *keys, struct tape_source **out,
		     struct agni_err *err) AGNI_MUST_USE;
void tape_source_close(struct tape_source *t);

const struct tape_facts *tape_source_facts(const struct tape_source *t);

/* currentTs of the message that comes next; that of the last one at the end. */
int64_t tape_source_next_ms(const struct tape_source *t);
bool tape_source_at_end(const struct tape_source *t);

/* The next message, decoded, with its recorded bytes. False at the end. Keys and raw bytes are lent
 * until the next call. */
bool tape_source_next(struct tape_source *t, struct message *m);

/* Back to the first message. */
void tape_source_rewind(struct tape_source *t);

#endif
