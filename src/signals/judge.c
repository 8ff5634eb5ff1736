/* SPDX-License-Identifier: MIT
 *
 * judge: quarantine.h on the book: what is known of each instrument, asked once a tick before the
 * subscribers hear of it.
 */
#include <stdlib.h>

#include "core/log.h"
#include "signals/signals_internal.h"

#define LEVEL_AGE_MS 5000 /* an older price of the underlying proves nothing */

static struct quarantine_state *state_of(struct signals *s, inst_id id)
{
	if (AGNI_UNLIKELY(id >= s->judged_cap)) {
		uint32_t cap = s->judged_cap ? s->judged_cap : 256;

		while (id >= cap)
			cap *= 2;
		s->judged = mem_realloc(s->judged, cap * sizeof(*s->judged));
		memset(s->judged + s->judged_cap, 0, (cap - s->judged_cap) * sizeof(*s->judged));
		s->judged_cap = cap;
	}
	return &s->judged[id];
}

static void count(struct signals *s, unsigned before, unsigned now)
{
	if (now && !before)
		s->quarantined++;
	else if (before && !now)
		s->quarantined--;
	s->suspect_ticks++;
	for (unsigned bits = now; bits; bits &= bits - 1)
		s->suspects[__builtin_ctz(bits)]++;
}

uint8_t judge_tick(void *arg, inst_id id, const struct slot *slot)
{
	struct signals *s = arg;
	struct book *book = s->deps.book;
	struct quarantine_state *st;
	struct quarantine_tick t = {
		.q = &slot->q, .said = book->said, .flags = slot->flags, .ts_ms = slot->ts_ms};
	uint8_t before, now;

	before = slot->suspect;
	if (!s->deps.cfg->quarantine) {
		if (before)
			count(s, before, 0);
		return 0;
	}
	t.contract = contract_of(&s->contracts, &book->instruments, apps_master(s),
				 apps_generation(s), id);
	t.is_index = slot->q.arm == ARM_INDEX;
	if (t.contract->kind == CONTRACT_OPTION)
		t.level = contract_level(book, t.contract, slot->ts_ms, LEVEL_AGE_MS);
	st = state_of(s, id);
	now = quarantine_judge(st, &t);
	if (AGNI_UNLIKELY(now | before))
		count(s, before, now);
	return now;
}
