/* SPDX-License-Identifier: MIT
 *
 * table: who is connected, with what, and how far behind: for GET /clients.
 */
#include "core/ist.h"
#include "stream/stream_internal.h"

static void put_views(struct buf *out, const struct client *c)
{
	buf_str(out, ",\"views\":[");
	for (uint32_t i = 0; i < c->seats_n; i++) {
		const struct view *v = c->seats[i].view;

		buf_printf(out, "%s{\"policy\":\"%s\"", i ? "," : "",
			   v->pace == PACE_TICKS  ? "all"
			   : v->pace == PACE_TURN ? "latest"
						  : "interval");
		if (v->rhythm)
			buf_printf(out, ",\"interval_ms\":%u", v->pace);
		buf_printf(out, ",\"instruments\":%u,\"clients\":%u,\"is_shared\":%s}", v->n,
			   v->seats, c->seats[i].owed ? "false" : "true");
	}
	buf_byte(out, ']');
}

static void put_since(struct buf *out, const struct client *c)
{
	const struct stream *s = c->stream;
	char text[IST_TEXT];

	buf_printf(out, ",\"since\":\"%s\",\"since_ms\":%lld", ist_format(c->since_ms, text),
		   (long long)c->since_ms);
	if (c->is_full)
		buf_printf(out, ",\"full_ms\":%llu",
			   (unsigned long long)((clock_mono(s->deps.loop->clock) - c->full_since) /
						NS_PER_MS));
	else
		buf_str(out, ",\"full_ms\":null");
}

void stream_put_client(struct buf *out, const struct client *c)
{
	buf_printf(out, "{\"id\":\"%s\",\"key\":", c->id);
	buf_json_str(out, c->caller.name, strlen(c->caller.name));
	buf_str(out, ",\"peer\":");
	buf_json_str(out, ws_conn_peer(c->conn), strlen(ws_conn_peer(c->conn)));
	put_since(out, c);
	buf_printf(out, ",\"subscriptions\":%u,\"channels\":%u", c->subs, c->channels_n);
	put_views(out, c);
	buf_printf(out, ",\"frames\":%llu,\"quotes\":%llu,\"conflated\":%llu,\"seq\":%llu",
		   (unsigned long long)c->frames, (unsigned long long)c->ticks,
		   (unsigned long long)c->conflated, (unsigned long long)c->sent_seq);
	buf_printf(out, ",\"behind\":%u,\"lag_ticks\":%llu,\"pending_bytes\":%zu}",
		   client_behind(c), (unsigned long long)client_lag(c), c->replies.len);
}

uint32_t stream_put_clients(const struct stream *s, struct buf *out, uint32_t from, uint32_t limit)
{
	uint32_t n = 0;

	list_for_each (it, &s->clients) {
		const struct client *c = container_of(it, struct client, link);

		if (c->number < from || !c->conn)
			continue;
		if (n == limit)
			return c->number;
		if (n++)
			buf_byte(out, ',');
		stream_put_client(out, c);
	}
	return 0;
}
