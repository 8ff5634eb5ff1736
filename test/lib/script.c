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
	*s = (struct script){0};
	s->routes[0] = (struct http_route){"GET", "/{path}", on_request, s, 0};
	script_set(s, replies, n);
	s->server =
		http_server_up(r, &(struct http_server_config){.routes = s->routes, .routes_n = 1});
	s->port = http_server_port(s->server);
}

void script_down(struct ws_rig *r, struct script *s)
{
	/* A request belongs to its handler until it is answered, even if nobody waits any more. */
	for (unsigned i = 0; i < s->held_n; i++)
		http_respond(s->held[i], 503, "text/plain", NULL, "", 0);
	http_server_down(r, s->server);
}
