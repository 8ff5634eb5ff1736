/* SPDX-License-Identifier: MIT
 *
 * test_book: slots, flags, subscribers, and that a tick allocates nothing.
 */
#include "../lib/alloc_count.h"
#include "../lib/check.h"
#include "market/book.h"
#include "tape/tape.h"

/* --- a book and a tape, written as the feed does ---------------------------------------------- */

struct desk {
	struct book book;
	struct tape tape;
};

static void desk_init(struct desk *d)
{
	book_init(&d->book, 1000);
	tape_init(&d->tape, 64);
}

static void desk_fini(struct desk *d)
{
	tape_fini(&d->tape);
	book_fini(&d->book);
}

static const struct slot *apply(struct desk *d, inst_id id, const struct quote *q, bool is_snapshot)
{
	struct tick tick = {.q = *q};
	struct tick_meta meta = {.ts_ms = 1000 + (int64_t)d->tape.seq,
				 .recv_ms = 2000,
				 .recv_mono = 3000,
				 .is_snapshot = is_snapshot};
	struct slot *slot;

	tape_begin(&d->tape, &meta);
	slot = book_merge(&d->book, id, &tick, &meta);
	book_publish(&d->book, id, slot, tape_append(&d->tape, id, &tick));
	tape_end(&d->tape);
	book_turn(&d->book, meta.ts_ms);
	return slot;
}

static struct quote trade(price_t ltp, int64_t ltt, int64_t vtt)
{
	return (struct quote){.present = QUOTE_LTP | QUOTE_LTT | QUOTE_VTT | QUOTE_MSG_LTPC,
			      .arm = ARM_MARKET,
			      .ltp = ltp,
			      .ltt = ltt,
			      .vtt = vtt};
}

static void test_slot(void **state)
{
	struct desk d;
	struct quote q = trade(100, 5, 10);
	const struct slot *s;

	(void)state;
	desk_init(&d);
	check(book_slot(&d.book, 0) == NULL);
	check(book_slot(&d.book, INST_NONE) == NULL);
	s = apply(&d, 700, &q, false);
	check(book_slot(&d.book, 700) == s);
	check(book_slot(&d.book, 699) == NULL);
	check_i64(d.book.live, 1);
	check_i64(s->seq, 1);
	check_i64(s->ts_ms, 1000);
	check_i64(s->recv_ms, 2000);
	check_i64(s->recv_mono, 3000);
	check_i64(s->q.ltp, 100);
	/* The slot stays where it is while others come. */
	for (inst_id id = 0; id < 1000; id++)
		apply(&d, id, &q, false);
	check(book_slot(&d.book, 700) == s);
	check_i64(d.book.live, 1000);
	check_i64(s->seq, 702);
	check_i64(d.book.ticks, 1001);
	desk_fini(&d);
}

/* A live message merges into what is there, a snapshot takes its place. */
static void test_live_and_snapshot(void **state)
{
	struct desk d;
	struct quote full = trade(100, 5, 10), ltp = {.present = QUOTE_LTP, .ltp = 101};
	const struct slot *s;

	(void)state;
	desk_init(&d);
	full.present |= QUOTE_OI | QUOTE_DEPTH | QUOTE_BARS;
	full.oi = 77;
	full.depth_n = 1;
	full.bars_n = 1;
	memcpy(full.bars[0].interval, "1d", 3);
	apply(&d, 1, &full, true);
	s = apply(&d, 1, &ltp, false);
	check_i64(s->q.ltp, 101);
	check_i64(s->q.vtt, 10);
	check_i64(s->q.oi, 77);
	check_i64(s->q.depth_n, 1);
	check_i64(s->flags, 0);
	s = apply(&d, 1, &ltp, true);
	check_i64(s->q.present, QUOTE_LTP);
	check_i64(s->q.depth_n, 0);
	check_i64(s->q.bars_n, 0);
	check_i64(s->flags, TICK_SNAPSHOT); /* it took things away: no repeat */
	s = apply(&d, 1, &ltp, true);
	check_i64(s->flags, TICK_SNAPSHOT | TICK_REPEAT);
	desk_fini(&d);
}

static void test_repeat(void **state)
{
	struct desk d;
	struct quote q = trade(100, 5, 10), part = {.present = QUOTE_VTT, .vtt = 10};
	const struct slot *s;

	(void)state;
	desk_init(&d);
	q.present |= QUOTE_DEPTH | QUOTE_BARS;
	q.depth_n = 2;
	q.depth[1].ask_qty = 75;
	q.bars_n = 1;
	memcpy(q.bars[0].interval, "I1", 3);
	q.bars[0].present = BAR_CLOSE;
	check_i64(apply(&d, 1, &q, false)->flags, 0); /* the first is never a repeat */
	check_i64(apply(&d, 1, &q, false)->flags, TICK_REPEAT);
	check_i64(apply(&d, 1, &part, false)->flags, TICK_REPEAT);
	part.vtt = 11;
	check_i64(apply(&d, 1, &part, false)->flags, 0);
	q.vtt = 11;
	q.depth[1].ask_qty = 76;
	check_i64(apply(&d, 1, &q, false)->flags, 0);
	q.depth_n = 1;
	check_i64(apply(&d, 1, &q, false)->flags, 0);
	q.bars[0].close = 1;
	check_i64(apply(&d, 1, &q, false)->flags, 0);
	q.present |= QUOTE_IV; /* a field that was not known */
	s = apply(&d, 1, &q, false);
	check_i64(s->flags, 0);
	check_i64(apply(&d, 1, &q, false)->flags, TICK_REPEAT);
	check_i64(d.book.repeats, 3);
	check_i64(s->seq, 9); /* a repeat is a tick all the same */
	desk_fini(&d);
}

static void test_old(void **state)
{
	struct desk d;
	struct quote q = trade(100, 50, 1000), old = trade(99, 49, 1000), less = trade(98, 50, 999);
	const struct slot *s;

	(void)state;
	desk_init(&d);
	apply(&d, 1, &q, false);
	s = apply(&d, 1, &old, false);
	check_i64(s->flags, TICK_OLD_LTT);
	check_i64(s->q.ltp, 99); /* applied in the order of arrival */
	check_i64(s->q.ltt, 49);
	s = apply(&d, 1, &q, false);
	s = apply(&d, 1, &less, false);
	check_i64(s->flags, TICK_OLD_VTT);
	check_i64(s->q.vtt, 999);
	check_i64(d.book.old_ltt, 1);
	check_i64(d.book.old_vtt, 1);
	check_i64(apply(&d, 2, &old, false)->flags, 0); /* of another instrument */
	desk_fini(&d);
}

/* A message may be there and hold nothing. */
static void test_empty(void **state)
{
	struct desk d;
	struct quote q = trade(100, 5, 10), empty = {.present = QUOTE_MSG_GREEKS};
	const struct slot *s;

	(void)state;
	desk_init(&d);
	apply(&d, 1, &q, false);
	s = apply(&d, 1, &empty, false);
	check_i64(s->flags, TICK_EMPTY);
	check_i64(s->q.ltp, 100);
	check_i64(s->seq, 2);
	desk_fini(&d);
}

/* --- subscribers ------------------------------------------------------------------------------ */

struct witness {
	struct book_subscriber sub;
	char name;
	char *heard; /* shared: who heard, in order */
	uint64_t last_seq;
	int64_t turn_ms;
	const struct book *book; /* NULL: what was said is not looked at */
};

static void on_tick(struct book_subscriber *sub, inst_id id, const struct slot *slot)
{
	struct witness *w = container_of(sub, struct witness, sub);
	char name[2] = {w->name, '\0'};

	check_i64(id, 3);
	if (w->book) { /* what the tick carried, not what is known */
		check(w->book->said != NULL && w->book->said != &slot->q);
		check_i64(w->book->said->present, QUOTE_OI);
		check(slot->q.present & QUOTE_LTP);
	}
	check(slot->seq > w->last_seq);
	w->last_seq = slot->seq;
	strcat(w->heard, name);
}

static void on_turn(struct book_subscriber *sub, int64_t market_ms)
{
	container_of(sub, struct witness, sub)->turn_ms = market_ms;
}

static void test_subscribers(void **state)
{
	struct desk d;
	char heard[32] = "";
	struct witness a = {.name = 'a', .heard = heard}, b = {.name = 'b', .heard = heard};
	struct quote q = trade(100, 5, 10);

	(void)state;
	desk_init(&d);
	a.sub = (struct book_subscriber){.on_tick = on_tick, .on_turn = on_turn};
	b.sub = (struct book_subscriber){.on_tick = on_tick};
	book_subscribe(&d.book, &a.sub);
	book_subscribe(&d.book, &b.sub);
	apply(&d, 3, &q, false);
	apply(&d, 3, &q, false);
	check_str(heard, "abab");
	check_i64(a.last_seq, 2);
	check_i64(a.turn_ms, 1001);
	book_unsubscribe(&a.sub);
	apply(&d, 3, &q, false);
	check_str(heard, "ababb");
	book_subscribe(&d.book, &a.sub); /* to the end of the line */
	apply(&d, 3, &q, false);
	check_str(heard, "ababbba");
	a.book = &d.book;
	q.present = QUOTE_OI;
	apply(&d, 3, &q, false);
	check(d.book.said == NULL);
	desk_fini(&d);
}

/* The steady state: every instrument known, full depth, bars. */
static void test_no_allocation(void **state)
{
	struct desk d;
	struct quote q = trade(100, 5, 10);
	uint64_t before;
	void *volatile p; /* a compiler may leave out what nobody sees */

	(void)state;
	count_allocations();
	before = allocations;
	p = malloc(1);
	check(allocations > before); /* the counter counts */
	free(p);
	desk_init(&d);
	q.present |= QUOTE_DEPTH | QUOTE_BARS | QUOTE_OI;
	q.depth_n = DEPTH_MAX;
	q.bars_n = 2;
	memcpy(q.bars[0].interval, "1d", 3);
	memcpy(q.bars[1].interval, "I1", 3);
	for (inst_id id = 0; id < 500; id++)
		apply(&d, id, &q, true);
	before = allocations;
	for (int i = 0; i < 20000; i++) {
		q.ltp = i;
		q.depth_n = (uint8_t)(i % (DEPTH_MAX + 1));
		apply(&d, (inst_id)(i % 500), &q, i % 100 == 0);
	}
	check_i64(allocations - before, 0);
	desk_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slot),          cmocka_unit_test(test_live_and_snapshot),
		cmocka_unit_test(test_repeat),        cmocka_unit_test(test_old),
		cmocka_unit_test(test_empty),         cmocka_unit_test(test_subscribers),
		cmocka_unit_test(test_no_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
