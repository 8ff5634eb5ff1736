/* SPDX-License-Identifier: MIT
 *
 * greeting: the first words on a new connection, sent in one go:
 *
 *     AUTH [user] password         when the URL has one
 *     SELECT db                    when it is not 0
 *     CLIENT SETNAME agnidata-sim  so that CLIENT LIST tells who this is
 *     CLIENT KILL ADDR ip:port     when a connection was given up with commands unanswered
 *     PING                         its PONG makes the connection live
 *
 * The two CLIENT commands may be refused (old server, ACL): then stale commands of a connection
 * that was given up are put right when their keys are renewed, and not at once.
 */
#include "store/connection.h"

#include <stdio.h>
#include <string.h>

enum greeting_tag { GREETING_AUTH, GREETING_SELECT, GREETING_CLIENT, GREETING_PING };

static void send_auth(struct connection *c)
{
	if (c->url.user[0])
		connection_command(c, GREETING_AUTH, 3,
				   (const char *[]){"AUTH", c->url.user, c->url.password});
	else if (c->url.password[0])
		connection_command(c, GREETING_AUTH, 2, (const char *[]){"AUTH", c->url.password});
}

void greeting_send(struct connection *c)
{
	char db[16], name[64];

	send_auth(c);
	if (c->db != 0) {
		snprintf(db, sizeof(db), "%d", c->db);
		connection_command(c, GREETING_SELECT, 2, (const char *[]){"SELECT", db});
	}
	snprintf(name, sizeof(name), "agnidata-%.32s", c->source);
	connection_command(c, GREETING_CLIENT, 3, (const char *[]){"CLIENT", "SETNAME", name});
	if (c->fence[0])
		connection_command(c, GREETING_CLIENT, 4,
				   (const char *[]){"CLIENT", "KILL", "ADDR", c->fence});
	connection_command(c, GREETING_PING, 1, (const char *[]){"PING"});
}

void greeting_reply(struct connection *c, uintptr_t tag, const redisReply *reply)
{
	bool is_error = reply->type == REDIS_REPLY_ERROR;

	/* A server that is full says so to whatever comes first, and closes. */
	if (tag == GREETING_CLIENT && !(is_error && strstr(reply->str, "max number of clients")))
		return;
	if (is_error) {
		refusal_count(&c->refusals, reply->str);
		connection_fail(c, TROUBLE_REFUSES, reply->str);
		return;
	}
	if (tag != GREETING_PING)
		return;
	if (reply->type != REDIS_REPLY_STATUS || strcmp(reply->str, "PONG") != 0) {
		connection_fail(c, TROUBLE_AWAY, "what answers there is not Redis");
		return;
	}
	c->fence[0] = '\0';
	connection_enter_live(c);
}
