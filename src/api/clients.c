/* SPDX-License-Identifier: MIT
 *
 * clients: GET /clients: who is connected to the broadcaster, for an admin.
 */
#include "api/api_internal.h"

/* Clients of one answer: the loop must not be held by a large one. */
#define PAGE_DEFAULT 100
#define PAGE_MAX     1000

void api_clients(void *arg, struct http_request *r)
{
	const struct api *a = arg;
	uint32_t from = 0, limit = PAGE_DEFAULT, next = 0;
	struct buf b = {0};

	if (!api_query_number(r, "from", 0, UINT32_MAX, &from) ||
	    !api_query_number(r, "limit", 1, PAGE_MAX, &limit)) {
		http_respond_error(r, 400, "bad_request", "from and limit are whole numbers");
		return;
	}
	buf_str(&b, "{\"clients\":[");
	if (a->deps.put_clients)
		next = a->deps.put_clients(a->deps.clients_arg, &b, from, limit);
	if (next)
		buf_printf(&b, "],\"next\":%u}", next);
	else
		buf_str(&b, "],\"next\":null}");
	api_respond(r, 200, &b);
}
