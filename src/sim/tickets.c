/* SPDX-License-Identifier: MIT
 *
 * tickets: the one-use credentials inside the feed URIs that authorize and the redirect give out.
 */
#include <stdio.h>
#include <string.h>

#include "sim/sim_internal.h"

#define FEED_PATH "/market-data-feeder/v3/upstox-developer-api/feeds"

void ticket_uri(struct sim *s, char *out, size_t size)
{
	struct ticket *t = &s->tickets[s->ticket_next++ % TICKETS_MAX];
	char request_id[UUID_TEXT];
	bool is_v6 = strchr(s->host, ':') != NULL;

	rand_uuid(request_id);
	rand_uuid(t->code);
	t->expires = sim_now(s) + TICKET_LIFE_NS;
	snprintf(out, size, "ws://%s%s%s:%d" FEED_PATH "?requestId=%s&code=%s", is_v6 ? "[" : "",
		 s->host, is_v6 ? "]" : "", ws_server_port(s->feed), request_id, t->code);
}

/* The value of `name` in a raw query; its length in *len; NULL when absent. */
static const char *query_value(const char *query, const char *name, size_t *len)
{
	size_t n = strlen(name);

	while (*query) {
		size_t part = strcspn(query, "&");

		if (part > n && query[n] == '=' && memcmp(query, name, n) == 0) {
			*len = part - n - 1;
			return query + n + 1;
		}
		query += part + (query[part] == '&');
	}
	return NULL;
}

bool ticket_take(struct sim *s, const char *query)
{
	size_t len;
	const char *code = query_value(query, "code", &len);

	if (!code || len != UUID_TEXT - 1)
		return false;
	for (unsigned i = 0; i < TICKETS_MAX; i++) {
		struct ticket *t = &s->tickets[i];

		if (t->code[0] && memcmp(t->code, code, len) == 0) {
			t->code[0] = '\0';
			return sim_now(s) < t->expires;
		}
	}
	return false;
}
