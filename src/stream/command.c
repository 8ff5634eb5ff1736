/* SPDX-License-Identifier: MIT
 *
 * command: what a client asks for, and the answers; docs/protocol.md.
 *
 * Every command is answered. A subscription is judged instrument by instrument, so that one bad key
 * does not cost the others.
 */
#include <stdio.h>

#include <cjson/cJSON.h>

#include "core/ist.h"
#include "core/json.h"
#include "market/selector.h"
#include "stream/selection.h"
#include "stream/stream_internal.h"

#define ID_MAX      64
#define INTERVAL_MS 250 /* of policy interval, when the command does not say */

static void put_string(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, ",\"%s\":", name);
	buf_json_str(b, value, strlen(value));
}

/* The client's own id for its command comes back in the answer. */
static void put_id(struct buf *b, const cJSON *command)
{
	const char *id = json_string(command, "id");
	int64_t number;

	if (id && strlen(id) <= ID_MAX)
		put_string(b, "id", id);
	else if (json_int(command, "id", &number))
		buf_printf(b, ",\"id\":%lld", (long long)number);
}

static void put_time(struct buf *b, const struct stream *s)
{
	int64_t now = clock_wall_ms(s->deps.loop->clock);
	char text[IST_TEXT];

	buf_printf(b, ",\"server_time\":\"%s\",\"server_time_ms\":%lld", ist_format(now, text),
		   (long long)now);
}

void client_send_connection(struct client *c)
{
	const struct stream *s = c->stream;
	struct buf b = {0};

	buf_printf(&b,
		   "{\"type\":\"connection\",\"client_id\":\"%s\",\"epoch\":\"%s\",\"seq\":%llu",
		   c->id, s->deps.tape->epoch, (unsigned long long)s->deps.tape->seq);
	put_string(&b, "source", s->deps.source);
	put_time(&b, s);
	buf_byte(&b, '}');
	client_reply(c, &b);
	stream_status_json(s, &b);
	client_reply(c, &b);
}

void stream_status_json(const struct stream *s, struct buf *out)
{
	struct upstream_status st;

	s->deps.upstream->status(s->deps.upstream->arg, &st);
	buf_printf(out, "{\"type\":\"status\",\"upstream\":\"%s\",\"stale\":%s,\"session_open\":%s",
		   st.state, st.is_live ? "false" : "true", st.is_session_open ? "true" : "false");
	put_string(out, "why", st.why);
	if (st.code && st.code[0])
		put_string(out, "code", st.code);
	put_string(out, "source", s->deps.source);
	buf_printf(out, ",\"seq\":%llu", (unsigned long long)s->deps.tape->seq);
	put_time(out, s);
	buf_byte(out, '}');
}

static void reply_error(struct client *c, const cJSON *command, const char *code, const char *text)
{
	struct buf b = {0};

	c->stream->bad_commands++;
	buf_str(&b, "{\"type\":\"error\"");
	put_string(&b, "code", code);
	put_string(&b, "message", text);
	put_id(&b, command);
	buf_byte(&b, '}');
	client_reply(c, &b);
}

/* --- subscribe and unsubscribe --------------------------------------------------------------- */

/* What a subscribe command asks for, beside the names. */
struct wish {
	enum view_mode mode;
	uint32_t pace;
	bool resumes; /* from behind from_seq on, instead of a snapshot */
	uint64_t from_seq;
};

const char *client_admit(struct client *c, const struct scope *scope, const char *key,
			 enum view_mode mode, int had, inst_id *out)
{
	return stream_admit(c->stream, scope, key, (enum interest_mode)mode, had,
			    c->subs + c->channels_n, out);
}

static const char *subscribe_one(struct client *c, const struct scope *scope, const char *key,
				 const struct wish *wish)
{
	struct wants *w = &c->stream->wants;
	inst_id id = instruments_find(&c->stream->deps.book->instruments, key, strlen(key));
	int had = id != INST_NONE ? wants_mode(w, id) : WANT_NOTHING;
	const char *refusal = client_admit(c, scope, key, wish->mode, had, &id);

	if (refusal)
		return refusal;
	selection_forget(c, id);
	wants_add(w, id, wish->mode);
	if (wish->resumes)
		wants_resume(w, id, wish->pace, wish->from_seq);
	else
		wants_set_pace(w, id, wish->pace);
	return "subscribed";
}

static const char *unsubscribe_one(struct client *c, const char *key)
{
	inst_id id = instruments_find(&c->stream->deps.book->instruments, key, strlen(key));

	if (id == INST_NONE || !wants_remove(&c->stream->wants, id))
		return "not_subscribed";
	selection_forget(c, id);
	return "unsubscribed";
}

static void put_result(struct buf *b, bool first, const char *name, const char *value,
		       const char *status)
{
	buf_printf(b, "%s{\"%s\":", first ? "" : ",", name);
	buf_json_str(b, value, strlen(value));
	put_string(b, "status", status);
	buf_byte(b, '}');
}

bool client_may_look(struct client *c)
{
	return ++c->looks <= LOOKS_MAX;
}

/* What this client may see. */
const struct scope *client_scope(const struct client *c)
{
	static const struct scope all = {0};
	const struct auth *auth = c->stream->deps.auth;

	return auth ? auth_scope(auth, &c->caller) : &all;
}

/* A name without a "|" that has a ":" is a selector; with from_seq there is none: what it meant then is
 * not known. */
static void put_instrument(struct client *c, const struct scope *scope, const char *name,
			   const struct wish *wish, bool first, struct buf *b)
{
	if (!selector_is_meant(name, strlen(name)) || (wish && wish->resumes)) {
		put_result(b, first, "instrument", name,
			   wish ? subscribe_one(c, scope, name, wish) : unsubscribe_one(c, name));
		return;
	}
	buf_str(b, first ? "{\"instrument\":" : ",{\"instrument\":");
	buf_json_str(b, name, strlen(name));
	if (wish)
		selection_subscribe(c, scope, name, wish->mode, wish->pace, b);
	else
		selection_unsubscribe(c, name, b);
	buf_byte(b, '}');
}

/* Answers with one result per member of `instruments` and `channels`; `wish` NULL: unsubscribe. */
static void reply_update(struct client *c, const cJSON *command, const char *action,
			 const struct wish *wish)
{
	const cJSON *lists[2] = {cJSON_GetObjectItemCaseSensitive(command, "instruments"),
				 cJSON_GetObjectItemCaseSensitive(command, "channels")};
	const struct scope *scope = client_scope(c);
	const cJSON *item;
	struct buf b = {0};
	bool first = true;

	buf_printf(&b, "{\"type\":\"subscription_update\",\"action\":\"%s\"", action);
	put_id(&b, command);
	if (wish && lists[0])
		put_string(&b, "mode", view_mode_text(wish->mode));
	buf_str(&b, ",\"results\":[");
	c->looks = 0;
	wants_begin(&c->stream->wants, c);
	for (int i = 0; i < 2; i++) {
		cJSON_ArrayForEach (item, lists[i]) {
			const char *name = cJSON_IsString(item) ? item->valuestring : "";

			if (i == 1)
				put_result(&b, first, "channel", name,
					   wish ? channel_subscribe(c, scope, name)
						: channel_unsubscribe(c, name));
			else
				put_instrument(c, scope, name, wish, first, &b);
			first = false;
		}
	}
	wants_end(&c->stream->wants);
	buf_printf(&b, "],\"subscriptions\":%u}", c->subs);
	client_reply(c, &b);
	channels_send(c);
}

static bool has_lists(const cJSON *command)
{
	const cJSON *a = cJSON_GetObjectItemCaseSensitive(command, "instruments");
	const cJSON *b = cJSON_GetObjectItemCaseSensitive(command, "channels");

	return (a || b) && (!a || cJSON_IsArray(a)) && (!b || cJSON_IsArray(b));
}

/* Judged before any member is looked at: the work of one command is bounded. */
static bool is_too_long(const struct client *c, const cJSON *command)
{
	int64_t n = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(command, "instruments")) +
		    cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(command, "channels"));

	return n > c->stream->deps.cfg->max_subscriptions;
}

/* --- going on from a seq ---------------------------------------------------------------------- */

/* Why the ticks behind `from_seq` cannot all be given; NULL: they can. */
static const char *cannot_resume(const struct stream *s, const char *epoch, int64_t from_seq)
{
	const struct tape *tape = s->deps.tape;

	if (!epoch || strcmp(epoch, tape->epoch) != 0)
		return "another_epoch";
	if (from_seq < 0 || (uint64_t)from_seq > tape->seq)
		return "not_yet";
	return (uint64_t)from_seq + 1 < tape_floor(tape) ? "too_old" : NULL;
}

/* Said, so that nobody believes in no gap; a snapshot follows. */
static void reply_cannot_resume(struct client *c, const cJSON *command, const char *reason)
{
	const struct tape *tape = c->stream->deps.tape;
	struct buf b = {0};

	c->stream->cannot_resumes++;
	buf_printf(
		&b, "{\"type\":\"cannot_resume\",\"floor\":%llu,\"newest\":%llu,\"epoch\":\"%s\"",
		(unsigned long long)tape_floor(tape), (unsigned long long)tape->seq, tape->epoch);
	put_string(&b, "reason", reason);
	put_id(&b, command);
	buf_byte(&b, '}');
	client_reply(c, &b);
}

static void subscribe(struct client *c, const cJSON *command, struct wish *wish)
{
	const char *why = NULL;
	int64_t from_seq, from;

	if (json_int(command, "from_seq", &from_seq)) {
		why = cannot_resume(c->stream, json_string(command, "epoch"), from_seq);
		wish->resumes = !why;
		wish->from_seq = (uint64_t)from_seq;
		c->stream->resumes += wish->resumes;
	}
	c->signals_from = SIGNALS_FROM_NOW;
	if (json_int(command, "from", &from))
		c->signals_from = (uint64_t)from;
	reply_update(c, command, "subscribe", wish);
	if (why)
		reply_cannot_resume(c, command, why);
}

static bool policy_parse(const cJSON *command, uint32_t *pace)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(command, "policy");
	const char *text = !item ? "latest" : cJSON_IsString(item) ? item->valuestring : "";

	if (strcmp(text, "latest") == 0)
		*pace = PACE_TURN;
	else if (strcmp(text, "all") == 0)
		*pace = PACE_TICKS;
	else if (strcmp(text, "interval") == 0)
		*pace = INTERVAL_MS;
	else
		return false;
	return true;
}

/* The milliseconds of policy interval; only there they mean something. */
static bool interval_parse(const cJSON *command, uint32_t *pace)
{
	int64_t ms;

	if (!cJSON_GetObjectItemCaseSensitive(command, "interval_ms"))
		return true;
	if (*pace == PACE_TURN || *pace == PACE_TICKS || !json_int(command, "interval_ms", &ms) ||
	    ms < INTERVAL_MIN_MS || ms > INTERVAL_MAX_MS)
		return false;
	*pace = (uint32_t)((ms + INTERVAL_MIN_MS - 1) / INTERVAL_MIN_MS * INTERVAL_MIN_MS);
	return true;
}

static bool has_room_for(struct client *c, uint32_t pace)
{
	bool fits;

	wants_begin(&c->stream->wants, c);
	fits = wants_fit(&c->stream->wants, pace);
	wants_drop(&c->stream->wants);
	return fits;
}

static void on_subscribe(struct client *c, const cJSON *command)
{
	const cJSON *mode_item = cJSON_GetObjectItemCaseSensitive(command, "mode");
	struct wish wish = {.mode = VIEW_FULL};
	int64_t from_seq, from;

	if (!has_lists(command))
		reply_error(c, command, "bad_request",
			    "subscribe needs \"instruments\" or \"channels\", arrays of strings");
	else if (is_too_long(c, command))
		reply_error(c, command, "too_many",
			    "more members than one client may subscribe to");
	else if (mode_item && (!cJSON_IsString(mode_item) ||
			       !view_mode_parse(mode_item->valuestring, &wish.mode)))
		reply_error(c, command, "unknown_mode", "mode is one of ltpc, option_greeks, full");
	else if (!policy_parse(command, &wish.pace))
		reply_error(c, command, "unknown_policy", "policy is one of latest, interval, all");
	else if (!interval_parse(command, &wish.pace))
		reply_error(c, command, "bad_interval",
			    "interval_ms belongs to policy interval, an integer, 10..60000");
	else if (!has_room_for(c, wish.pace))
		reply_error(c, command, "too_many_intervals",
			    "one client may have 4 different intervals at a time");
	else if (cJSON_GetObjectItemCaseSensitive(command, "from_seq") &&
		 !json_int(command, "from_seq", &from_seq))
		reply_error(c, command, "bad_request", "from_seq is an integer");
	else if (cJSON_GetObjectItemCaseSensitive(command, "from") &&
		 (!json_int(command, "from", &from) || from < 0))
		reply_error(c, command, "bad_request",
			    "from is the id of the last signal that is known, an integer");
	else
		subscribe(c, command, &wish);
}

static void on_unsubscribe(struct client *c, const cJSON *command)
{
	if (is_too_long(c, command))
		reply_error(c, command, "too_many",
			    "more members than one client may subscribe to");
	else if (has_lists(command))
		reply_update(c, command, "unsubscribe", NULL);
	else
		reply_error(c, command, "bad_request",
			    "unsubscribe needs \"instruments\", an array of strings");
}

static void put_policy(struct buf *b, const struct row *row)
{
	uint32_t pace = row->then != NO_PACE ? row->then : row->pace;

	put_string(b, "policy",
		   pace == PACE_TICKS  ? "all"
		   : pace == PACE_TURN ? "latest"
				       : "interval");
	if (pace != PACE_TICKS && pace != PACE_TURN)
		buf_printf(b, ",\"interval_ms\":%u", pace);
}

static void on_subscriptions(struct client *c, const cJSON *command)
{
	const struct instruments *t = &c->stream->deps.book->instruments;
	struct wants *w = &c->stream->wants;
	struct buf b = {0};
	bool first = true;

	buf_str(&b, "{\"type\":\"subscriptions\"");
	put_id(&b, command);
	buf_str(&b, ",\"data\":[");
	wants_begin(w, c);
	bitset_for_each(id, &w->ids)
	{
		const char *key = instruments_key(t, id);

		buf_printf(&b, "%s{\"instrument\":", first ? "" : ",");
		buf_json_str(&b, key, strlen(key));
		put_string(&b, "mode", view_mode_text((enum view_mode)w->rows[id].mode));
		put_policy(&b, &w->rows[id]);
		buf_byte(&b, '}');
		first = false;
	}
	wants_drop(w);
	buf_byte(&b, ']');
	selections_list(c, &b);
	channels_list(c, &b);
	buf_byte(&b, '}');
	client_reply(c, &b);
}

static void on_ping(struct client *c, const cJSON *command)
{
	struct buf b = {0};

	buf_str(&b, "{\"type\":\"pong\"");
	put_id(&b, command);
	put_time(&b, c->stream);
	buf_byte(&b, '}');
	client_reply(c, &b);
}

static const struct {
	const char *name;
	void (*run)(struct client *c, const cJSON *command);
} actions[] = {
	{"subscribe", on_subscribe},
	{"unsubscribe", on_unsubscribe},
	{"subscriptions", on_subscriptions},
	{"ping", on_ping},
};

static void run_command(struct client *c, const cJSON *command)
{
	const char *action = json_string(command, "action");

	for (size_t i = 0; action && i < ARRAY_LEN(actions); i++) {
		if (strcmp(action, actions[i].name) == 0) {
			actions[i].run(c, command);
			return;
		}
	}
	reply_error(c, command, action ? "unknown_action" : "bad_request",
		    "action is one of subscribe, unsubscribe, subscriptions, ping");
}

/* A bucket of one second's commands, and one more second's as a burst. */
static bool is_flood(struct client *c)
{
	const struct stream *s = c->stream;
	mono_ns now = clock_mono(s->deps.loop->clock);
	int64_t per_s =
		c->caller.commands_per_s ? c->caller.commands_per_s : s->deps.cfg->commands_per_s;
	uint64_t cost = NS_PER_S / (uint64_t)per_s;

	if (c->command_ns < now)
		c->command_ns = now;
	c->command_ns += cost;
	return c->command_ns - now > 2 * NS_PER_S;
}

void client_on_message(struct client *c, const void *data, size_t len)
{
	struct agni_err err;
	cJSON *command;

	c->stream->commands++;
	if (is_flood(c)) {
		client_close(c, STREAM_CLOSE_FLOOD, "too many commands");
		return;
	}
	command = json_parse(data, len, &err);
	if (!command)
		reply_error(c, NULL, "bad_json", err.text);
	else if (!cJSON_IsObject(command))
		reply_error(c, NULL, "bad_request", "a command is a JSON object");
	else
		run_command(c, command);
	cJSON_Delete(command);
}
