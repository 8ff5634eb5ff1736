/* SPDX-License-Identifier: MIT
 *
 * load: chunks and indexes of files, for cursors; see load.c.
 */
#ifndef AGNI_TAPE_LOAD_H
#define AGNI_TAPE_LOAD_H

#include "tape/tape_internal.h"

/* Both begin to read when there is room for another request; on_ready tells that it is time to look
 * again, whoever asked. */
void tape_load_index(struct tape *t, struct tape_segment *s);
void tape_load_chunk(struct tape *t, struct tape_segment *s, uint32_t entry);

/* A chunk that was read; NULL when it is not in the cache. */
struct tape_chunk *tape_cache_find(struct tape *t, uint64_t ordinal, uint64_t offset);

#endif
