/* SPDX-License-Identifier: MIT
 *
 * codec: one tick to its bytes on the tape and back, losing nothing; include/agnidata/tape.h is the
 * layout.
 */
#ifndef AGNI_TAPE_CODEC_H
#define AGNI_TAPE_CODEC_H

#include "core/buf.h"
#include "market/tick.h"

/* More than any tick needs. */
#define TAPE_TICK_MAX 4096

/* Writes what `q` carries to `out` (room for TAPE_TICK_MAX); returns its length. `ts_ms` is the
 * block's market time. */
size_t tape_tick_encode(uint8_t *out, const struct quote *q, int64_t ts_ms);

/* Reads it back. False when the bytes are not exactly one tick; `q` is undefined then. */
bool tape_tick_decode(const uint8_t *bytes, size_t len, int64_t ts_ms,
		      struct quote *q) AGNI_MUST_USE;

/* Unsigned LEB128: writes at most 10 bytes and returns their end. */
uint8_t *tape_varint_put(uint8_t *p, uint64_t v);

/* Reads one; NULL when it does not end before `end` or has more than 64 bits. */
const uint8_t *tape_varint_get(const uint8_t *p, const uint8_t *end, uint64_t *v);

#endif
