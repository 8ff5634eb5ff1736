/* SPDX-License-Identifier: MIT
 *
 * door: judges one request or handshake; see auth.h.
 *
 *      who is it?   identify(), by_ticket()      401 (429 when this address fails too often)
 *      may it?      within_rate(), has_role()    429 too often, 401 without a key, 403 the role
 *      not a page of somebody else? on the record, if an admin's?   403, 503
 *
 * Every refusal goes out through refuse(), which counts it. What was presented is never repeated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "auth/auth_internal.h"
#include "auth/origin.h"
#include "http/target.h"

_Static_assert(sizeof(struct auth_caller) <= HTTP_CALLER_BYTES, "a request has room for a caller");

/* One request or handshake on its way through the door. */
struct visit {
	struct auth *a;
	struct auth_caller *c;
	struct auth_refusal *why;
	const char *method, *route; /* its pattern: what somebody put into a path may be a secret */
};

static bool refuse(const struct visit *v, int status, const char *code, const char *fmt, ...)
	AGNI_PRINTF(4, 5);

/* Always false. */
static bool refuse(const struct visit *v, int status, const char *code, const char *fmt, ...)
{
	va_list ap;

	*v->why = (struct auth_refusal){.status = status, .code = code};
	va_start(ap, fmt);
	vsnprintf(v->why->text, sizeof(v->why->text), fmt, ap);
	va_end(ap);
	v->a->unauthorized += status == 401;
	v->a->forbidden += status == 403;
	v->a->limited += status == 429;
	return false;
}

static bool refuse_for_now(const struct visit *v, int64_t wait_s, const char *code,
			   const char *text)
{
	refuse(v, 429, code, "%s", text);
	v->why->retry_after_s = wait_s;
	return false;
}

static mono_ns now_mono(const struct auth *a)
{
	return clock_mono(a->deps.loop->clock);
}

static int64_t now_wall(const struct auth *a)
{
	return clock_wall_ms(a->deps.loop->clock);
}

/* --- what is written about it ----------------------------------------------------------------- */

static int record(const struct visit *v, const char *act, const char *code, bool is_of_person)
{
	char detail[256];
	struct agni_err err;
	int rc;

	snprintf(detail, sizeof(detail), "%s%s%s %.200s", code, code[0] ? ": " : "", v->method,
		 v->route);
	rc = audit_write(v->a->deps.audit,
			 &(struct audit_act){.act = act,
					     .who = v->c->name,
					     .peer = v->c->peer,
					     .detail = detail,
					     .is_of_person = is_of_person},
			 &err);
	if (rc < 0)
		log_limited(&v->a->not_recorded, now_mono(v->a), LOG_ERROR, "auth",
			    "%s of %s cannot be recorded: %s", act, v->c->name, err.text);
	return rc;
}

/* Room for one more failure of this address? Beyond it nothing is written about: neither the log nor
 * the audit can be filled from outside. */
static bool count_failure(const struct visit *v, int64_t *wait_s)
{
	int64_t per_min = v->a->deps.cfg->failures_per_min;
	struct rate_rule rule = rate_rule_of(per_min, 60 * NS_PER_S, per_min);
	struct rate *failures = rate_table_get(&v->a->failures, v->c->peer);
	mono_ns now = now_mono(v->a);

	*wait_s = rate_wait_s(failures, &rule, now);
	return rate_take(failures, &rule, now);
}

static void note_denied(const struct visit *v, const char *code)
{
	log_limited(&v->a->held, now_mono(v->a), LOG_WARN, "auth", "%s from %s: refused: %s",
		    v->c->name, v->c->peer, code);
	(void)!record(v, "key.denied", code, false); /* an act of ours: never fails */
}

/* --- who is it? ------------------------------------------------------------------------------- */

static void become_nobody(struct auth_caller *c, const char *peer)
{
	*c = (struct auth_caller){.role = ROLE_ANYONE, .name = "anyone"};
	snprintf(c->peer, sizeof(c->peer), "%s", peer);
}

static void become_key(struct auth_caller *c, const struct key *key)
{
	c->role = key->role;
	snprintf(c->name, sizeof(c->name), "key:%s", key->name);
	c->serial = key->serial;
	c->expires_ms = key->expires_ms;
	c->commands_per_s = key->commands_per_s;
}

/* The open door. */
static void become_local(struct auth_caller *c)
{
	c->role = ROLE_ADMIN;
	snprintf(c->name, sizeof(c->name), "loopback");
}

/* What was presented is not good; an address that does so too often is told to wait. */
static bool fail_attempt(const struct visit *v, const char *code, const char *text)
{
	int64_t wait_s;

	if (!count_failure(v, &wait_s))
		return refuse_for_now(v, wait_s, "too_many_failures",
				      "too many wrong keys came from this address");
	note_denied(v, code);
	return refuse(v, 401, code, "%s", text);
}

/* The token of "Bearer <token>", or NULL. */
static const char *bearer_of(const char *authorization)
{
	if (strncasecmp(authorization, "Bearer ", 7) != 0)
		return NULL;
	authorization += 7;
	return authorization + strspn(authorization, " ");
}

/* True: it is the key's, or nobody when nothing was presented. */
static bool identify(const struct visit *v, const char *authorization)
{
	const char *token;
	struct key *key;

	if (!authorization || !authorization[0])
		return true;
	token = bearer_of(authorization);
	if (!token)
		return fail_attempt(v, "key_invalid",
				    "Authorization is not \"Bearer\" and an API key");
	switch (keys_check(&v->a->keys, token, now_wall(v->a), &key)) {
	case KEY_GOOD:
		become_key(v->c, key);
		return true;
	case KEY_EXPIRED:
		snprintf(v->c->name, sizeof(v->c->name), "key:%s", key->name);
		return fail_attempt(v, "key_expired", "this API key has expired");
	case KEY_WRONG:
		break;
	}
	return fail_attempt(v, "key_invalid", "this is no API key of this server");
}

/* A ticket stands for the key that asked for it, if that is still good. */
static bool by_ticket(const struct visit *v, const char *ticket)
{
	uint64_t serial = 0;
	struct key *key = NULL;

	if (tickets_redeem(v->a->tickets, ticket, now_mono(v->a), &serial))
		key = auth_key_of(v->a, serial);
	if (!key || key_is_expired(key, now_wall(v->a)))
		return fail_attempt(v, "ticket_invalid", "the ticket is unknown, used or too old");
	v->a->tickets_used++;
	become_key(v->c, key);
	return true;
}

/* --- may it? ---------------------------------------------------------------------------------- */

static bool within_rate(const struct visit *v)
{
	struct key *key = auth_key_of(v->a, v->c->serial);
	int64_t per_s;
	struct rate_rule rule;
	mono_ns now = now_mono(v->a);

	if (!key)
		return true;
	per_s = key->requests_per_s ? key->requests_per_s : v->a->deps.cfg->requests_per_s;
	rule = rate_rule_of(per_s, NS_PER_S, 2 * per_s);
	return rate_take(&key->requests, &rule, now) ||
	       refuse_for_now(v, rate_wait_s(&key->requests, &rule, now), "rate_limited",
			      "more requests than this key may make");
}

static bool has_role(const struct visit *v, enum auth_role least)
{
	int64_t wait_s;

	if (v->c->role >= least)
		return true;
	if (v->c->role == ROLE_ANYONE)
		return refuse(v, 401, "key_required",
			      "this needs an API key: Authorization: Bearer agni_...");
	if (count_failure(v, &wait_s))
		note_denied(v, "role_not_sufficient");
	return refuse(v, 403, "role_not_sufficient", "this needs the role %s; %s has %s",
		      role_text(least), v->c->name, role_text(v->c->role));
}

/* What an admin does is done on the record, or not at all. */
static bool is_recorded(const struct visit *v, enum auth_role least)
{
	if (least < ROLE_ADMIN || record(v, "admin.call", "", true) == 0)
		return true;
	return refuse(v, 503, "audit_unavailable",
		      "the audit log cannot be written: nothing was done");
}

/* --- REST ------------------------------------------------------------------------------------- */

static bool is_safe(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* Images and links send no Origin; browsers say all the same where a request comes from. */
static bool is_from_elsewhere(const struct http_request *r)
{
	const char *site = http_request_header(r, "sec-fetch-site");

	return site && strcasecmp(site, "same-origin") != 0 && strcasecmp(site, "none") != 0;
}

/* A web page may change things only where it came from: on an open door nothing else would keep a
 * page of somebody else from posting through its visitor's browser. What is an admin's is more than
 * reading by any method: it asks the broker, begins a login, and is recorded. */
static bool origin_passes(const struct visit *v, enum auth_role least, const struct http_request *r)
{
	const char *origin = http_request_header(r, "origin");
	const char *host = http_request_header(r, "host");
	const char *authority = origin ? strstr(origin, "://") : NULL;

	if ((is_safe(r->method) && least < ROLE_ADMIN) || (!origin && !is_from_elsewhere(r)) ||
	    (authority && host && strcasecmp(authority + 3, host) == 0) ||
	    (origin && v->a->deps.origins && origin_is_listed(v->a->deps.origins, origin)))
		return true;
	return refuse(v, 403, "origin_not_allowed", "not from a page of another origin");
}

static bool judge(const struct visit *v, enum auth_role least, const struct http_request *r)
{
	become_nobody(v->c, r->peer);
	if (v->a->is_open)
		become_local(v->c);
	else if (!identify(v, http_request_header(r, "authorization")))
		return false;
	return within_rate(v) && has_role(v, least) && origin_passes(v, least, r) &&
	       is_recorded(v, least);
}

bool auth_judge(struct auth *a, const struct http_route *route, struct http_request *r,
		struct auth_refusal *why)
{
	struct visit v = {a, r->caller_room, why, r->method, route->pattern};

	AGNI_ASSERT(route->access >= ROLE_ANYONE && route->access <= ROLE_ADMIN);
	r->caller = v.c;
	if (!judge(&v, (enum auth_role)route->access, r))
		return false;
	a->admitted++;
	return true;
}

bool auth_admit(void *auth, const struct http_route *route, struct http_request *r)
{
	struct auth_refusal why;

	if (auth_judge(auth, route, r, &why))
		return true;
	auth_respond(r, &why);
	return false;
}

/* The header lines that a refusal brings along, in `room`; NULL: none. */
static const char *companions(const struct auth_refusal *why, char room[64])
{
	if (why->status == 401)
		return "WWW-Authenticate: Bearer\r\n";
	if (!why->retry_after_s)
		return NULL;
	snprintf(room, 64, "Retry-After: %lld\r\n", (long long)why->retry_after_s);
	return room;
}

void auth_respond(struct http_request *r, const struct auth_refusal *why)
{
	char room[64];

	http_respond_error_with(r, why->status, companions(why, room), why->code, "%s", why->text);
}

void auth_respond_with(struct http_request *r, const struct auth_refusal *why, const char *body,
		       size_t len)
{
	char room[64];

	http_respond(r, why->status, "application/json", companions(why, room), body, len);
}

bool auth_ticket(struct auth *a, const struct auth_caller *c, char text[TICKET_LEN + 1],
		 int64_t *life_s, struct auth_refusal *why)
{
	*life_s = a->deps.cfg->ticket_s;
	if (tickets_issue(a->tickets, c->serial, now_mono(a), (uint64_t)*life_s * NS_PER_S, text)) {
		a->tickets_issued++;
		return true;
	}
	return refuse_for_now(&(struct visit){.a = a, .why = why}, *life_s, "too_many_tickets",
			      "too many tickets are out, neither used nor expired");
}

/* --- WebSocket -------------------------------------------------------------------------------- */

static bool within_handshakes(const struct visit *v)
{
	int64_t per_s = v->a->deps.cfg->handshakes_per_s;
	struct rate_rule rule = rate_rule_of(per_s, NS_PER_S, 5 * per_s);
	struct rate *rate = rate_table_get(&v->a->handshakes, v->c->peer);
	mono_ns now = now_mono(v->a);

	return rate_take(rate, &rule, now) ||
	       refuse_for_now(v, rate_wait_s(rate, &rule, now), "too_many_handshakes",
			      "too many handshakes come from this address");
}

static bool has_connection_left(const struct visit *v)
{
	const struct key *key = auth_key_of(v->a, v->c->serial);
	int64_t most;

	if (!key)
		return true;
	most = key->connections ? key->connections : v->a->deps.cfg->connections_per_key;
	return key->open < most || refuse_for_now(v, 1, "too_many_connections",
						  "this key has all the connections it may have");
}

bool auth_handshake(struct auth *a, const char *authorization, const char *query, const char *peer,
		    struct auth_caller *out, struct auth_refusal *why)
{
	const struct visit v = {a, out, why, "GET", "/ws"};
	char ticket[TICKET_LEN + 2]; /* what is too long is seen to be */
	bool has_ticket = !authorization[0] && query_get(query, "ticket", ticket, sizeof(ticket));

	become_nobody(out, peer);
	if (!within_handshakes(&v))
		return false;
	if (a->is_open)
		become_local(out);
	else if (has_ticket ? !by_ticket(&v, ticket) : !identify(&v, authorization))
		return false;
	if (!has_role(&v, ROLE_VIEWER) || !has_connection_left(&v))
		return false;
	a->admitted++;
	return true;
}
