/* SPDX-License-Identifier: MIT
 *
 * faults: what goes wrong on request; the list of them is in sim.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/nearest.h"
#include "sim/sim_internal.h"

static const struct {
	const char *name;
	uint32_t preset, max; /* of N; max 0: the fault takes none */
} kinds[] = {
	[FAULT_DROP] = {"drop", 0, 86400000},
	[FAULT_CLOSE] = {"close", 1000, 4999},
	[FAULT_STALL] = {"stall", 1000, 86400000},
	[FAULT_SILENCE] = {"silence", 0, 0},
	[FAULT_TORN] = {"torn", 0, 0},
	[FAULT_CORRUPT] = {"corrupt", 1, 1000000},
	[FAULT_BURST] = {"burst", 100, 1000000},
	[FAULT_REPEAT] = {"repeat", 1, 1000000},
	[FAULT_REORDER] = {"reorder", 1, 1000000},
	[FAULT_TEXT] = {"text", 0, 0},
	[FAULT_UNAUTHORIZED] = {"unauthorized", 0, 0},
	[FAULT_AUTHORIZED] = {"authorized", 0, 0},
	[FAULT_RENEW] = {"renew", 0, 0},
	[FAULT_FORBIDDEN] = {"forbidden", 0, 0},
	[FAULT_ALLOWED] = {"allowed", 0, 0},
	[FAULT_SOURCE_DOWN] = {"source_down", 0, 0},
	[FAULT_SOURCE_UP] = {"source_up", 0, 0},
};

/* --- reading --------------------------------------------------------------------------------- */

static bool parse_number(const char *text, size_t len, uint32_t max, uint32_t *out)
{
	uint64_t n = 0;

	if (len == 0 || len > 9)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	*out = (uint32_t)n;
	return n <= max;
}

bool fault_parse(const char *text, size_t len, struct fault *out)
{
	const char *colon = memchr(text, ':', len);
	size_t name_len = colon ? (size_t)(colon - text) : len;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strlen(kinds[i].name) != name_len || memcmp(text, kinds[i].name, name_len) != 0)
			continue;
		*out = (struct fault){(enum fault_kind)i, kinds[i].preset};
		return !colon || parse_number(colon + 1, len - name_len - 1, kinds[i].max, &out->n);
	}
	return false;
}

/* The next member of a comma list, without the white space around it; NULL at the end. */
static const char *next_member(const char **list, size_t *len)
{
	const char *p = *list + strspn(*list, ", \t");
	size_t n = strcspn(p, ",");

	*list = p + n;
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	*len = n;
	return n > 0 ? p : NULL;
}

/* Its name is wrong, or the number behind it. */
static int refuse(const char *text, size_t len, struct agni_err *err)
{
	const char *colon = memchr(text, ':', len);
	size_t name_len = colon ? (size_t)(colon - text) : len;
	char choices[256];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strlen(kinds[i].name) == name_len && memcmp(text, kinds[i].name, name_len) == 0)
			return kinds[i].max
				       ? agni_fail(err, AGNI_ECONFIG,
						   "sim.fault: \"%.*s\": %s takes a number up "
						   "to %u",
						   (int)(len < 60 ? len : 60), text, kinds[i].name,
						   kinds[i].max)
				       : agni_fail(err, AGNI_ECONFIG,
						   "sim.fault: \"%.*s\": %s takes no number",
						   (int)(len < 60 ? len : 60), text, kinds[i].name);
		n += (size_t)snprintf(choices + n, sizeof(choices) - n, "%s%s", i ? ", " : "",
				      kinds[i].name);
		AGNI_ASSERT(n < sizeof(choices));
	}
	return nearest_refuse(err, "sim.fault", text, name_len, choices);
}

int faults_check(const char *list, struct agni_err *err)
{
	struct fault f;
	const char *text;
	size_t len;

	while ((text = next_member(&list, &len))) {
		if (!fault_parse(text, len, &f))
			return refuse(text, len, err);
	}
	return 0;
}

/* --- deadlines ------------------------------------------------------------------------------- */

static void on_deadline(uv_timer_t *timer)
{
	faults_tick(container_of(timer, struct sim, deadline));
}

static mono_ns earlier(mono_ns a, mono_ns b)
{
	return b && (!a || b < a) ? b : a;
}

static void plan_deadline(struct sim *s)
{
	mono_ns next = 0, now = sim_now(s);

	list_for_each (it, &s->sessions) {
		const struct session *x = container_of(it, struct session, link);

		next = earlier(earlier(next, x->faults.stall_until), x->faults.drop_at);
	}
	if (next)
		uv_timer_start(&s->deadline, on_deadline,
			       next > now ? (next - now) / NS_PER_MS + 1 : 0, 0);
}

static void session_abort(struct session *s)
{
	struct ws_conn *c = s->conn;

	s->conn = NULL;
	if (c)
		ws_conn_abort(c);
}

void faults_tick(struct sim *s)
{
	mono_ns now = sim_now(s);

	if (s->is_stopping)
		return;
	list_for_each (it, &s->sessions) {
		struct session *x = container_of(it, struct session, link);

		if (x->faults.stall_until && x->faults.stall_until <= now)
			x->faults.stall_until = 0;
		if (x->faults.drop_at && x->faults.drop_at <= now) {
			x->faults.drop_at = 0;
			session_abort(x);
		}
	}
	plan_deadline(s);
	player_kick(s);
}

/* --- applying -------------------------------------------------------------------------------- */

static void close_with(struct session *s, uint32_t code)
{
	struct ws_conn *c = s->conn;

	s->conn = NULL;
	if (c)
		ws_conn_close(c, (int)code, "fault");
}

static void apply_to_exchange(struct sim *s, const struct fault *f)
{
	switch (f->kind) {
	case FAULT_UNAUTHORIZED:
		s->is_unauthorized = true;
		break;
	case FAULT_AUTHORIZED:
		s->is_unauthorized = false;
		break;
	case FAULT_RENEW:
		s->is_unauthorized = false;
		rand_hex(s->token, 24);
		break;
	case FAULT_FORBIDDEN:
		s->is_forbidden = true;
		break;
	case FAULT_ALLOWED:
		s->is_forbidden = false;
		break;
	case FAULT_SOURCE_DOWN:
		s->is_source_down = true;
		break;
	case FAULT_SOURCE_UP:
		s->is_source_down = false;
		break;
	case FAULT_BURST:
		s->player.burst += f->n;
		break;
	default:
		break;
	}
}

static void apply_to_session(struct session *s, const struct fault *f)
{
	mono_ns at = sim_now(s->sim) + f->n * NS_PER_MS;

	switch (f->kind) {
	case FAULT_DROP:
		s->faults.drop_at = at;
		break;
	case FAULT_CLOSE:
		close_with(s, f->n);
		break;
	case FAULT_STALL:
		s->faults.stall_until = at;
		break;
	case FAULT_SILENCE:
		s->faults.is_silent = true;
		break;
	case FAULT_TORN:
		s->faults.is_torn = true;
		break;
	case FAULT_CORRUPT:
		s->faults.corrupt += f->n;
		break;
	case FAULT_REPEAT:
		s->faults.repeat += f->n;
		break;
	case FAULT_REORDER:
		s->faults.reorder += f->n;
		break;
	case FAULT_TEXT:
		ws_frame_append(&s->out, WS_TEXT, "fault", 5);
		break;
	default:
		break;
	}
}

void faults_begin(struct session *s, const char *list)
{
	struct fault f;
	const char *text;
	size_t len;

	while ((text = next_member(&list, &len))) {
		if (fault_parse(text, len, &f)) {
			apply_to_exchange(s->sim, &f);
			apply_to_session(s, &f);
		}
	}
	plan_deadline(s->sim);
}

void fault_apply_all(struct sim *s, const struct fault *f)
{
	log_info("sim", "fault %s:%u", kinds[f->kind].name, f->n);
	apply_to_exchange(s, f);
	list_for_each (it, &s->sessions)
		apply_to_session(container_of(it, struct session, link), f);
	plan_deadline(s);
	player_kick(s);
}

/* --- messages -------------------------------------------------------------------------------- */

/* Flips about one byte in fifty, at least one. */
static void append_corrupt(struct session *s, const void *bytes, size_t len)
{
	struct rng *r = &s->sim->fault_rng;
	char head[10];
	char *to;

	buf_append(&s->out, head, ws_header_write(head, WS_BINARY, len));
	to = buf_reserve(&s->out, len);
	memcpy(to, bytes, len);
	s->out.len += len;
	for (size_t i = 0; len > 0 && i <= len / 50; i++)
		to[rng_below(r, len)] ^= (char)(1 + rng_below(r, 255));
}

static void append_torn(struct session *s, const void *bytes, size_t len)
{
	size_t start = s->out.len;

	ws_frame_append(&s->out, WS_BINARY, bytes, len);
	s->out.len = start + (s->out.len - start) / 2;
	s->faults.is_torn = false;
	s->faults.is_cut = true;
}

static void append_plain(struct session *s, const void *bytes, size_t len)
{
	struct session_faults *f = &s->faults;

	ws_frame_append(&s->out, WS_BINARY, bytes, len);
	if (f->repeat > 0) {
		f->repeat--;
		ws_frame_append(&s->out, WS_BINARY, bytes, len);
	}
}

void faults_pass(struct session *s, const void *bytes, size_t len)
{
	struct session_faults *f = &s->faults;

	if (f->is_torn) {
		append_torn(s, bytes, len);
	} else if (f->corrupt > 0) {
		f->corrupt--;
		append_corrupt(s, bytes, len);
	} else if (f->has_held) {
		append_plain(s, bytes, len);
		append_plain(s, f->held.data, f->held.len);
		f->has_held = false;
	} else if (f->reorder > 0) {
		f->reorder--;
		buf_reset(&f->held);
		buf_append(&f->held, bytes, len);
		f->has_held = true;
	} else {
		append_plain(s, bytes, len);
	}
}
