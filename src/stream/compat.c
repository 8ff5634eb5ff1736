/* SPDX-License-Identifier: MIT
 *
 * compat: the module's part of the feed in the broker's protocol: ticks in, one flush per turn of the
 * loop, and the end; see compat.h.
 */
#include <stdlib.h>

#include "core/log.h"
#include "stream/compat_internal.h"

#define MARKET_INFO_MAX 65536 /* a longer one is not passed on */

void compat_arm(struct compat *c)
{
	if (c->hook.loop) /* NULL once stopping */
		hook_arm(&c->hook);
}

/* --- ticks and turns -------------------------------------------------------------------------- */

static bool is_wanted(const struct compat *c, inst_id id)
{
	const struct compat_want *want = &c->want[id];

	return want->n[0] | want->n[1] | want->n[2] | want->n[3];
}

static void on_tick(struct book_subscriber *subscriber, inst_id id, const struct slot *slot)
{
	struct compat *c = container_of(subscriber, struct compat, subscriber);
	const struct book *book = c->stream->deps.book;

	if (id >= c->want_cap || !is_wanted(c, id))
		return;
	turn_add(&c->turn, &c->want[id], instruments_key(&book->instruments, id),
		 book->instruments.key_len[id], id, slot, book->said);
	compat_arm(c);
}

static void on_turn(struct book_subscriber *subscriber, int64_t market_ms)
{
	struct compat *c = container_of(subscriber, struct compat, subscriber);

	(void)market_ms;
	turn_close(&c->turn);
}

static bool is_connected(const struct compat *c)
{
	const struct upstream_view *upstream = c->stream->deps.upstream;
	struct upstream_status now;

	upstream->status(upstream->arg, &now);
	return now.is_connected;
}

/* The broker says all of it again on its next connection: until then who comes gets none. */
void compat_status_changed(struct compat *c)
{
	if (!is_connected(c))
		info_fini(&c->info);
}

void compat_market_info(struct compat *c, int64_t ts_ms, const void *info, size_t len)
{
	if (len == 0 || len > MARKET_INFO_MAX)
		return;
	if (is_connected(c)) /* and not the last of one that is gone, late from the disk */
		info_note(&c->info, info, len);
	if (list_is_empty(&c->clients))
		return;
	turn_add_info(&c->turn, ts_ms, info, len);
	compat_arm(c);
}

static void flush(struct compat *c)
{
	tape_flush(c->stream->deps.tape); /* what is shown is on the tape */
	c->flush++;
	buf_reset(&c->out);
	c->chunks_n = 0;
	list_for_each (it, &c->clients) {
		struct compat_client *client = container_of(it, struct compat_client, link);

		if (client->is_full || client->held_until)
			compat_fall_behind(client, 0);
		else
			compat_send(client);
	}
	turn_reset(&c->turn);
}

static void on_hook(struct turn_hook *hook)
{
	flush(container_of(hook, struct compat, hook));
}

/* --- a client that has just connected --------------------------------------------------------- */

static void hold_start(struct compat *c, mono_ns now, mono_ns until)
{
	uv_timer_start(&c->hold, c->hold.timer_cb,
		       until > now ? (until - now + NS_PER_MS - 1) / NS_PER_MS : 0, 0);
}

void compat_hold(struct compat_client *client)
{
	struct compat *c = client->compat;
	mono_ns now = clock_mono(c->stream->deps.loop->clock);
	int64_t ms = c->stream->deps.cfg->feed_hold_ms;

	if (ms == 0)
		return;
	client->held_until = now + (mono_ns)ms * NS_PER_MS;
	if (!uv_is_active((uv_handle_t *)&c->hold))
		hold_start(c, now, client->held_until);
}

/* All are held for the same time, so the next one is the first in the list that still is. */
static void on_hold_over(uv_timer_t *timer)
{
	struct compat *c = container_of(timer, struct compat, hold);
	mono_ns now = clock_mono(c->stream->deps.loop->clock);

	list_for_each (it, &c->clients) {
		struct compat_client *client = container_of(it, struct compat_client, link);

		if (client->held_until > now) {
			hold_start(c, now, client->held_until);
			break;
		}
		client->held_until = 0;
	}
	compat_arm(c);
}

static void on_hold_closed(uv_handle_t *handle)
{
	struct compat *c = container_of((uv_timer_t *)handle, struct compat, hold);

	c->is_hold_closed = true;
	stream_stop_if_idle(c->stream);
}

/* --- times that are up ------------------------------------------------------------------------ */

void compat_close(struct compat_client *client, int code, const char *reason)
{
	if (client->is_closing)
		return;
	client->is_closing = true;
	log_info("stream", "feed client %s of %s: closed: %s", client->id,
		 client->caller.name[0] ? client->caller.name : "anyone", reason);
	ws_conn_close(client->conn, code, reason);
}

void compat_sweep(struct compat *c)
{
	const struct stream_deps *d = &c->stream->deps;
	mono_ns now = clock_mono(d->loop->clock);
	int64_t wall_ms = clock_wall_ms(d->loop->clock);

	list_for_each (it, &c->clients) {
		struct compat_client *client = container_of(it, struct compat_client, link);

		if (client->caller.expires_ms && wall_ms >= client->caller.expires_ms) {
			c->stream->keys_lost += !client->is_closing;
			compat_close(client, STREAM_CLOSE_KEY, "the key has expired");
		}
		if (client->is_full &&
		    now - client->full_since > (uint64_t)d->cfg->stall_ms * NS_PER_MS) {
			c->stalled += !client->is_closing;
			compat_close(client, STREAM_CLOSE_STALLED, "the client does not read");
		}
	}
}

void compat_keys_changed(struct compat *c)
{
	const struct auth *auth = c->stream->deps.auth;

	list_for_each (it, &c->clients) {
		struct compat_client *client = container_of(it, struct compat_client, link);

		if (auth_is_current(auth, &client->caller))
			continue;
		c->stream->keys_lost += !client->is_closing;
		compat_close(client, STREAM_CLOSE_KEY,
			     client->caller.serial ? "the key was revoked or changed"
						   : "an API key is needed now");
	}
}

/* --- with the module -------------------------------------------------------------------------- */

void compat_init(struct compat *c, struct stream *s)
{
	*c = (struct compat){.stream = s};
	list_init(&c->clients);
	for (int i = 0; i < COMPAT_VIEWS; i++)
		list_init(&c->views[i]);
}

void compat_fini(struct compat *c)
{
	AGNI_ASSERT(c->views_now == 0);
	turn_fini(&c->turn);
	info_fini(&c->info);
	buf_fini(&c->out);
	buf_fini(&c->state);
	buf_fini(&c->payload);
	free(c->chunks);
	free(c->want);
}

void compat_start(struct compat *c)
{
	c->subscriber = (struct book_subscriber){.on_tick = on_tick, .on_turn = on_turn};
	book_subscribe(c->stream->deps.book, &c->subscriber);
	loop_add_hook(c->stream->deps.loop, &c->hook, on_hook);
	uv_timer_init(&c->stream->deps.loop->uv, &c->hold);
	c->hold.timer_cb = on_hold_over;
}

void compat_stop(struct compat *c)
{
	book_unsubscribe(&c->subscriber);
	flush(c);
	loop_remove_hook(&c->hook);
	uv_close((uv_handle_t *)&c->hold, on_hold_closed);
	list_for_each (it, &c->clients) {
		struct compat_client *client = container_of(it, struct compat_client, link);

		client->is_closing = true;
		ws_conn_close(client->conn, WS_CLOSE_GOING_AWAY, "the server is stopping");
	}
}

bool compat_is_over(const struct compat *c)
{
	return c->is_hold_closed && list_is_empty(&c->clients);
}

void compat_cut(struct compat *c)
{
	list_for_each (it, &c->clients)
		ws_conn_abort(container_of(it, struct compat_client, link)->conn);
}
