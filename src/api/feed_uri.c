/* SPDX-License-Identifier: MIT
 *
 * feed_uri: see feed_uri.h.
 */
#include "api/feed_uri.h"

#include "core/rand.h"
#include "http/target.h"
#include "upstox/answer.h"

bool feed_uri_write(struct buf *out, struct auth *auth, const struct auth_caller *caller,
		    const struct feed_door *door, const char *host, struct auth_refusal *why)
{
	char ticket[TICKET_LEN + 1], id[UUID_TEXT], name[HOST_MAX];
	bool is_v6, has_ticket = auth && !auth_is_open(auth);
	int64_t life_s;

	if (!host || !authority_parse(host, strlen(host), name)) {
		*why = (struct auth_refusal){
			.status = 400, .code = "bad_request", .text = "the Host header is no host"};
		return false;
	}
	if (has_ticket && !auth_ticket(auth, caller, ticket, &life_s, why))
		return false;
	is_v6 = strchr(name, ':') != NULL;
	rand_uuid(id);
	buf_printf(out, "%s://%s%s%s:%d" UPSTOX_FEED_PATH "?requestId=%s",
		   door->is_tls ? "wss" : "ws", is_v6 ? "[" : "", name, is_v6 ? "]" : "",
		   door->port, id);
	if (has_ticket) {
		buf_printf(out, "&code=%s", ticket);
		explicit_bzero(ticket, sizeof(ticket));
	}
	return true;
}
