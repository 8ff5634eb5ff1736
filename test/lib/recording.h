/* SPDX-License-Identifier: MIT
 *
 * recording: a tape made by the test itself, and a feed client that reads only when it is told to.
 */
#ifndef AGNI_TEST_RECORDING_H
#define AGNI_TEST_RECORDING_H

#include "exchange.h"

/* The three keys of a recording. */
extern const char *const recording_keys[3];

/* Messages 10 ms apart from currentTs 1000000 on. Message i has keys i and i + 1 (modulo 3) in full
 * mode, with i in the price (ltp 10000 + i) and the volume (vtt i + 1), and a field that no schema
 * knows, so that bytes which were passed on can be told from bytes that were encoded again. */
struct recording {
	char path[64], setting[96]; /* the file, and "tape=<file>" */
	struct buf bytes;           /* of the file */
	uint32_t messages;
};

void recording_make(struct recording *r, uint32_t messages);
void recording_drop(struct recording *r);

/* Message `i` of the peer, which must equal the record at offset `at` of `bytes`; returns the
 * offset of the next record. */
size_t recording_check(const struct peer *p, uint32_t i, const char *bytes, size_t at);

/* A feed client on a bare socket. */
struct lazy {
	int fd;
	struct buf in; /* everything that came, the HTTP answer too */
};

/* Connects and subscribes to all three keys in full mode. */
void lazy_open(struct exchange *x, struct lazy *l);

/* Takes what is there. False at the end of the stream. */
bool lazy_read(struct lazy *l);

/* Splits what came into the messages of `p`. Returns whether the last frame is whole. */
bool lazy_split(struct lazy *l, struct peer *p);
void lazy_close(struct lazy *l);

#endif
