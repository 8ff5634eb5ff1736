/* SPDX-License-Identifier: MIT
 *
 * fuzz_tape: the records of a tape from any bytes. Heads and bodies are sealed anew when the first
 * byte is odd, so that what lies behind the checksums is reached too. What decodes has to come back
 * the same.
 */
#include <stdlib.h>
#include <string.h>

#include "tape/codec.h"
#include "tape/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_again(const struct quote *q, int64_t ts_ms)
{
	static struct quote back;
	static uint8_t bytes[TAPE_TICK_MAX];
	size_t len = tape_tick_encode(bytes, q, ts_ms);

	AGNI_ASSERT(len <= TAPE_TICK_MAX);
	AGNI_ASSERT(tape_tick_decode(bytes, len, ts_ms, &back));
	AGNI_ASSERT(back.present == q->present && back.ltp == q->ltp && back.vtt == q->vtt);
	AGNI_ASSERT(memcmp(&back.oi, &q->oi, sizeof(q->oi)) == 0);
}

static void read_block(const struct tape_record *r)
{
	static struct quote q;
	struct tape_block b;
	struct tape_item item;
	const char *key;
	uint32_t len;

	if (!tape_block_open(&b, r))
		return;
	while (tape_block_key(&b, &key, &len))
		AGNI_ASSERT(len <= 255);
	while (tape_block_next(&b, &item)) {
		if (tape_tick_decode(item.bytes, item.len, b.times.ts_ms, &q))
			same_again(&q, b.times.ts_ms);
	}
}

/* Makes each head and body sound, as far as their lengths go. */
static void seal(uint8_t *p, uint8_t *end)
{
	while ((size_t)(end - p) >= RECORD_HEAD) {
		struct tape_record_head h;
		size_t left = (size_t)(end - p) - RECORD_HEAD;

		memcpy(&h, p, sizeof(h));
		if (h.body_bytes > left)
			h.body_bytes = (uint32_t)left;
		tape_record_seal(&h, p + RECORD_HEAD, h.body_bytes);
		memcpy(p, &h, sizeof(h));
		p += RECORD_HEAD + h.body_bytes;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tape_record r;
	struct tape_walk w;
	uint8_t *copy;

	if (size == 0)
		return 0;
	copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 1)
		seal(copy, copy + size - 1);
	w = (struct tape_walk){.p = copy, .end = copy + size - 1};
	for (;;) {
		enum tape_found found = tape_walk_next(&w, &r);

		if (found == TAPE_SOUND)
			read_block(&r);
		else if (found != TAPE_BAD_BODY)
			break;
	}
	free(copy);
	return 0;
}
