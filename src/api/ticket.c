/* SPDX-License-Identifier: MIT
 *
 * ticket: POST /ws-ticket: {"ticket":...,"expires_in_s":30}, for /ws?ticket= (auth/tickets.h).
 */
#include "api/api_internal.h"

void api_ticket(void *arg, struct http_request *r)
{
	struct api *a = arg;
	char ticket[TICKET_LEN + 1];
	struct auth_refusal why;
	struct buf b = {0};
	int64_t life_s;

	if (!a->deps.auth) {
		http_respond_error(r, 404, "no_tickets", "nobody needs a ticket here");
		return;
	}
	if (!auth_ticket(a->deps.auth, r->caller, ticket, &life_s, &why)) {
		auth_respond(r, &why);
		return;
	}
	buf_printf(&b, "{\"ticket\":\"%s\",\"expires_in_s\":%lld}", ticket, (long long)life_s);
	explicit_bzero(ticket, sizeof(ticket));
	api_respond(r, 200, &b);
}
