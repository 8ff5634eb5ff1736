/* SPDX-License-Identifier: MIT
 *
 * chain_route: GET /chain/{underlying}: the option chain as it stands now.
 *
 *      ?expiry=current    current, next, monthly, YYYY-MM-DD
 *      ?strikes=8         so many to each side of the money, at most 255; all
 *
 * Contracts outside of the caller's scope are not in it, and do not count.
 */
#include <stdlib.h>

#include "api/api_internal.h"
#include "options/chain_json.h"

#define AROUND_DEFAULT 8
#define AROUND_MAX     255

static bool permits(const void *arg, const char *key, size_t len)
{
	return scope_permits(arg, key, len);
}

/* NULL, or what is wrong with the query. */
static const char *read_query(const struct http_request *r, struct chain_query *q)
{
	char text[16];

	q->expiry = (struct expiry_choice){.kind = EXPIRY_CURRENT};
	q->strikes.around = AROUND_DEFAULT;
	if (strlen(q->underlying) > SELECTOR_NAME_MAX)
		return "the underlying's name is too long";
	if (http_request_query(r, "expiry", text, sizeof(text)) &&
	    !expiry_choice_parse(text, strlen(text), &q->expiry))
		return "expiry is current, next, monthly or YYYY-MM-DD";
	if (http_request_query(r, "strikes", text, sizeof(text)) && strcmp(text, "all") == 0)
		q->strikes.around = 0;
	else if (!api_query_number(r, "strikes", 1, AROUND_MAX, &q->strikes.around))
		return "strikes is a whole number, or all";
	return NULL;
}

void api_chain(void *arg, struct http_request *r)
{
	struct api *a = arg;
	struct resolve_market market = refdata_market(a->deps.refdata);
	const struct master *m = api_master(a, r);
	struct chain_query q = {.underlying = http_request_param(r, "underlying")};
	struct chain_source from = {.m = m,
				    .market = &market,
				    .upstream = a->deps.upstream,
				    .oi = a->deps.session_oi,
				    .permits = permits,
				    .permits_arg = api_scope(a, r)};
	const char *wrong = read_query(r, &q);
	struct resolve_miss miss;
	struct chain_view *v;
	struct buf b = {0};

	if (!m)
		return; /* answered */
	if (wrong) {
		http_respond_error(r, 400, "bad_request", "%s", wrong);
		return;
	}
	if (api_sight(a, r, q.underlying) == SIGHT_NOTHING) {
		api_respond_outside(r);
		return;
	}
	tape_flush(a->deps.tape); /* what is shown is on the tape */
	v = chain_view_make(&from, &q, &miss);
	if (!v) {
		api_respond_miss(a, r, 404, q.underlying, &miss);
		return;
	}
	chain_json(&b, v, &from);
	free(v);
	api_respond(r, 200, &b);
}
