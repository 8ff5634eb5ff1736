/* SPDX-License-Identifier: MIT
 *
 * The public Autobahn cases, groups 1 to 7, against an echo server: what the fuzzing peer does is
 * performed by ws_peer.c, what has to come back is what the data set says. Where libwebsockets
 * deviates the case stands in `known` with the reason.
 *
 * Waits are shortened: they only separate writes.
 */
#include <stdio.h>

#include <cjson/cJSON.h>

#include "../lib/check.h"
#include "../lib/data.h"
#include "../lib/ws_peer.h"

#define FILE_NAME "conformance/websocket_autobahn_cases.jsonl.gz"

/* What lws 4.1.6 does not do as the case wants; each ends the connection in another way or lets
 * something through that does no harm. */
static const struct {
	const char *prefix, *reason;
} known[] = {
	{"2.10", "of ten pings at once lws answers one: it keeps one pong at a time"},
	{"7.1.6", "a close right behind 256 KiB that are being echoed: the case leaves it open"},
};

struct app {
	struct ws_rig rig;
	struct ws_server *server;
	int closes;
};

static void *on_open(void *arg, struct ws_conn *c, const struct ws_handshake *h)
{
	(void)c;
	(void)h;
	return arg;
}

static void on_message(void *user, struct ws_conn *c, enum ws_opcode op, const void *data,
		       size_t len)
{
	struct buf b = {0};

	(void)user;
	ws_frame_append(&b, op, data, len);
	ws_conn_send(c, b.data, b.len);
	buf_fini(&b);
}

static void on_close(void *user, struct ws_conn *c, int code, const char *reason)
{
	(void)c;
	(void)code;
	(void)reason;
	((struct app *)user)->closes++;
}

static const struct ws_callbacks callbacks = {
	.on_open = on_open, .on_message = on_message, .on_close = on_close};

/* --- the data set ---------------------------------------------------------------------------- */

static int nibble(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static struct buf payload_of(const cJSON *p)
{
	const cJSON *hex = cJSON_GetObjectItem(p, "hex");
	const cJSON *repeat = cJSON_GetObjectItem(p, "repeat_hex");
	size_t len = (size_t)cJSON_GetObjectItem(p, "len")->valuedouble;
	const char *digits = hex ? hex->valuestring : repeat->valuestring;
	size_t n = strlen(digits) / 2;
	struct buf b = {0};

	buf_reserve(&b, len + 1);
	for (size_t i = 0; i < len; i++)
		buf_byte(&b, (char)(nibble(digits[2 * (i % n)]) << 4 |
				    nibble(digits[2 * (i % n) + 1])));
	return b;
}

static int number(const cJSON *o, const char *name)
{
	const cJSON *v = cJSON_GetObjectItem(o, name);

	return v && cJSON_IsNumber(v) ? v->valueint : 0;
}

static bool truth(const cJSON *o, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItem(o, name));
}

/* --- performing a case ----------------------------------------------------------------------- */

/* State of a message that a case sends in pieces. */
struct script {
	struct app *a;
	struct ws_peer *p;
	bool is_text, is_first;
	bool closes_cleanly; /* the case ends with our close */
	bool has_closed;     /* it has sent a close of its own, with so many bytes */
	size_t close_len;
};

static void do_frame(struct script *s, const cJSON *act)
{
	struct buf b = payload_of(cJSON_GetObjectItem(act, "payload"));
	int byte0 =
		(truth(act, "fin") ? 0x80 : 0) | number(act, "rsv") << 4 | number(act, "opcode");

	s->p->chop = (size_t)number(act, "chop");
	ws_peer_frame(s->p, byte0, b.data, b.len);
	/* In the size of the chops, before the next action. */
	while (s->p->chop && s->p->out.len && !s->p->is_eof)
		ws_rig_turn(&s->a->rig);
	buf_fini(&b);
}

static void do_message(struct script *s, const cJSON *act)
{
	struct buf b = payload_of(cJSON_GetObjectItem(act, "payload"));
	size_t part = (size_t)number(act, "fragment_size"), at = 0;
	int op = truth(act, "binary") ? 2 : 1;

	do {
		size_t n = part && part < b.len - at ? part : b.len - at;

		ws_peer_frame(s->p, (at + n == b.len ? 0x80 : 0) | (at ? 0 : op), b.data + at, n);
		at += n;
	} while (at < b.len);
	buf_fini(&b);
}

/* A frame whose payload comes later, in several actions; the mask is zero. */
static void begin_frame(struct script *s, const cJSON *act)
{
	int len = number(act, "len");
	const char head[] = {(char)(s->is_first ? 1 : 0), (char)(0x80 | len), 0, 0, 0, 0};

	check(len < 126);
	ws_peer_raw(s->p, head, sizeof(head));
	s->is_first = false;
}

static void do_close(struct script *s, const cJSON *act)
{
	const cJSON *code = cJSON_GetObjectItem(act, "code");
	const cJSON *reason = cJSON_GetObjectItem(act, "reason");
	struct buf b = {0}, text = {0};

	if (cJSON_IsNumber(code)) {
		buf_byte(&b, (char)(code->valueint >> 8));
		buf_byte(&b, (char)code->valueint);
	}
	if (cJSON_IsObject(reason)) {
		text = payload_of(reason);
		buf_append(&b, text.data, text.len);
	}
	ws_peer_frame(s->p, 0x88, b.data ? b.data : "", b.len);
	s->has_closed = true;
	s->close_len = b.len;
	buf_fini(&text);
	buf_fini(&b);
}

static void do_action(struct script *s, const cJSON *act)
{
	const char *op = cJSON_GetObjectItem(act, "op")->valuestring;
	struct buf b;

	if (strcmp(op, "frame") == 0) {
		do_frame(s, act);
	} else if (strcmp(op, "message") == 0) {
		do_message(s, act);
	} else if (strcmp(op, "begin_message") == 0) {
		s->is_first = true;
	} else if (strcmp(op, "begin_frame") == 0) {
		begin_frame(s, act);
	} else if (strcmp(op, "frame_data") == 0) {
		b = payload_of(cJSON_GetObjectItem(act, "payload"));
		ws_peer_raw(s->p, b.data, b.len);
		buf_fini(&b);
	} else if (strcmp(op, "end_message") == 0) {
		ws_peer_frame(s->p, 0x80, "", 0);
	} else if (strcmp(op, "close") == 0) {
		do_close(s, act);
	} else if (strcmp(op, "wait") == 0) {
		ws_rig_for(&s->a->rig, 5);
	} else {
		/* close_after and drop_after: how the fuzzing peer ends; ours waits and closes. */
		s->closes_cleanly = true;
	}
}

/* --- judging --------------------------------------------------------------------------------- */

static bool is_event(struct ws_peer *p, const struct ws_peer_frame *f, const cJSON *e)
{
	const char *kind = cJSON_GetArrayItem(e, 0)->valuestring;
	struct buf b = payload_of(cJSON_GetArrayItem(e, 1));
	bool is_same = f->len == b.len && memcmp(ws_peer_payload(p, f), b.data, b.len) == 0;

	if (strcmp(kind, "message") == 0)
		is_same = is_same && f->op == (cJSON_IsTrue(cJSON_GetArrayItem(e, 2)) ? 2 : 1);
	else
		is_same = is_same && f->op == 10;
	buf_fini(&b);
	return is_same;
}

/* Whether the frames before Close are the list of events, in any order of pongs and messages:
 * "timeout" entries only tell when. */
static bool has_events(struct ws_peer *p, const cJSON *list)
{
	size_t frames = p->frames_n - (p->has_close ? 1 : 0), events = 0;
	const cJSON *e;

	cJSON_ArrayForEach (e, list) {
		bool found = false;

		if (strcmp(cJSON_GetArrayItem(e, 0)->valuestring, "timeout") == 0)
			continue;
		events++;
		for (size_t i = 0; i < frames && !found; i++)
			found = is_event(p, ws_peer_get(p, i), e);
		if (!found)
			return false;
	}
	return frames == events;
}

static bool has_close_code(const struct script *s, const cJSON *expected)
{
	const cJSON *code;
	int got = ws_peer_close_code(s->p);

	/* An empty close may be answered by an empty one (RFC 6455, 5.5.1). */
	if (got == 0)
		return !truth(expected, "requireClean") ||
		       (s->p->has_close && s->has_closed && s->close_len == 0);
	cJSON_ArrayForEach (code, cJSON_GetObjectItem(expected, "closeCode")) {
		if (code->valueint == got)
			return true;
	}
	return false;
}

static const char *known_reason(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		size_t n = strlen(known[i].prefix);

		if (strncmp(name, known[i].prefix, n) == 0 && (name[n] == '\0' || name[n] == '.'))
			return known[i].reason;
	}
	return NULL;
}

struct progress {
	struct ws_peer *p;
	size_t frames;
};

static bool has_answered(void *arg)
{
	struct progress *g = arg;

	return g->p->frames_n >= g->frames || g->p->has_close || g->p->is_eof;
}

static size_t events_of(const cJSON *c)
{
	size_t most = 0;
	const cJSON *list, *e;

	cJSON_ArrayForEach (list, cJSON_GetObjectItem(c, "expected")) {
		size_t n = 0;

		cJSON_ArrayForEach (e, list) {
			n += strcmp(cJSON_GetArrayItem(e, 0)->valuestring, "timeout") != 0;
		}
		most = n > most ? n : most;
	}
	return most;
}

static const char *judge(const cJSON *c, const struct script *s)
{
	struct ws_peer *p = s->p;
	const cJSON *list;
	bool fits = false;

	cJSON_ArrayForEach (list, cJSON_GetObjectItem(c, "expected")) {
		fits = fits || has_events(p, list);
	}
	if (p->fault)
		return p->fault;
	if (!fits)
		return "other frames";
	return has_close_code(s, cJSON_GetObjectItem(c, "expected_close")) ? NULL : "other code";
}

static bool run_case(struct app *a, const cJSON *c)
{
	const char *name = cJSON_GetObjectItem(c, "case")->valuestring;
	struct script s = {.a = a};
	struct progress g;
	const cJSON *act;
	const char *fault;
	int closes = a->closes;

	s.p = ws_peer_open(&a->rig, ws_server_port(a->server), "/", "");
	cJSON_ArrayForEach (act, cJSON_GetObjectItem(c, "actions")) {
		do_action(&s, act);
	}
	g = (struct progress){s.p, events_of(c)};
	if (g.frames)
		ws_rig_until(&a->rig, has_answered, &g, known_reason(name) ? 100 : 5000);
	else
		ws_rig_for(&a->rig, 5);
	if (s.closes_cleanly && !s.has_closed && !s.p->has_close)
		ws_peer_close(s.p, 1000, "");
	while (!s.p->has_close && !s.p->is_eof)
		ws_rig_turn(&a->rig);
	fault = judge(c, &s);
	if (fault)
		print_message("  %s: %s (code %d)%s%s\n", name, fault, ws_peer_close_code(s.p),
			      known_reason(name) ? "; known: " : "",
			      known_reason(name) ? known_reason(name) : "");
	ws_peer_hang_up(s.p);
	while (a->closes == closes)
		ws_rig_turn(&a->rig);
	return !fault || known_reason(name);
}

static void autobahn(void **state)
{
	struct app a = {0};
	const struct ws_server_config cfg = {.name = "echo",
					     .host = "127.0.0.1",
					     .callbacks = &callbacks,
					     .arg = &a,
					     .message_max_bytes = 1 << 20};
	struct agni_err err = {0};
	size_t len;
	char *text = data_read(FILE_NAME, &len), *line, *rest = text;
	int cases = 0, bad = 0;

	(void)state;
	if (!text)
		data_skip(FILE_NAME);
	ws_rig_up(&a.rig);
	check_i64(ws_server_create(a.rig.ws, &cfg, &a.server, &err), 0);
	while ((line = strsep(&rest, "\n")) != NULL) {
		cJSON *c = *line ? cJSON_Parse(line) : NULL;

		if (c && atoi(cJSON_GetObjectItem(c, "case")->valuestring) <= 7) {
			cases++;
			bad += !run_case(&a, c);
		}
		cJSON_Delete(c);
	}
	print_message("  %d cases\n", cases);
	free(text);
	ws_rig_down(&a.rig);
	check(cases > 200);
	check_i64(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(autobahn)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
