/* SPDX-License-Identifier: MIT
 *
 * script: see script.h.
 */
#include "script.h"

#include <stdio.h>

#include "check.h"
#include "parts.h"

static void hold(struct script *s, struct http_request *r)
{
	check(s->held_n < SCRIPT_HELD_MAX);
	s->held[s->held_n++] = r;
}

static void on_request(void *arg, struct http_request *r)
{
	struct script *s = arg;
	const struct script_reply *reply = s->replies;
	const char *authorization = http_request_header(r, "authorization");

	if (s->asked < SCRIPT_HEARD) {
		snprintf(s->heard[s->asked].path, sizeof(s->heard[0].path), "%s", r->path);
		snprintf(s->heard[s->asked].authorization, sizeof(s->heard[0].authorization), "%s",
			 authorization ? authorization : "");
	}
	s->asked++;
	if (s->replies_n > 1) {
		s->replies++;
		s->replies_n--;
	}
	if (reply->status)
		http_respond(r, reply->status, "application/json", reply->extra,
			     reply->body ? reply->body : "", reply->body ? strlen(reply->body) : 0);
	else
		hold(s, r);
}

void script_set(struct script *s, const struct script_reply *replies, size_t n)
{
	check(n > 0);
	s->replies = replies;
	s->replies_n = n;
}

void script_up(struct ws_rig *r, struct script *s, const struct script_reply *replies, size_t n)
{
	struct agni_err err = {0};
	struct http_server_config cfg = {
		.loop = &r->loop,
		.host = "127.0.0.1",
		.limits = {.header_timeout_ms = 60000,
			   .body_timeout_ms = 60000,
			   .idle_timeout_ms = 60000,
			   .head_max_bytes = 16384,
			   .target_max_bytes = 8192,
			   .headers_max = 100,
			   .body_max_bytes = 65536,
			   .connections_max = 100},
		.routes = s->routes,
		.routes_n = 1,
	};

	*s = (struct script){0};
	s->routes[0] = (struct http_route){"GET", "/{path}", on_request, s, 0};
	script_set(s, replies, n);
	if (http_server_create(&cfg, &s->server, &err) < 0 ||
	    http_server_listen(s->server, &err) < 0)
		fail_msg("%s", err.text);
	s->port = http_server_port(s->server);
}

static void on_stopped(void *arg)
{
	((struct script *)arg)->is_stopped = true;
}

static bool is_stopped(void *arg)
{
	return ((struct script *)arg)->is_stopped;
}

void script_down(struct ws_rig *r, struct script *s)
{
	/* A request belongs to its handler until it is answered, even if nobody waits any more. */
	for (unsigned i = 0; i < s->held_n; i++)
		http_respond(s->held[i], 503, "text/plain", NULL, "", 0);
	http_server_stop(s->server, 0, on_stopped, s);
	rig_until(r, is_stopped, s);
	ws_rig_turn(r);
}
