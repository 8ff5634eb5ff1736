/* SPDX-License-Identifier: MIT
 *
 * futures_route: GET /futures/{underlying}: near, next and far future as they stand now.
 *
 * Contracts outside of the caller's scope are not in it, and do not count.
 */
#include "api/api_internal.h"
#include "options/futures_json.h"

static bool permits(const void *arg, const char *key, size_t len)
{
	return scope_permits(arg, key, len);
}

void api_futures(void *arg, struct http_request *r)
{
	struct api *a = arg;
	struct resolve_market market = refdata_market(a->deps.refdata);
	const struct master *m = api_master(a, r);
	const char *underlying = http_request_param(r, "underlying");
	const struct chain_source from = {.m = m,
					  .market = &market,
					  .upstream = a->deps.upstream,
					  .oi = a->deps.session_oi,
					  .permits = permits,
					  .permits_arg = api_scope(a, r)};
	struct futures_terms terms;
	struct resolve_miss miss;
	struct futures_view v;
	struct buf b = {0};

	if (!m)
		return; /* answered */
	if (strlen(underlying) > SELECTOR_NAME_MAX) {
		http_respond_error(r, 400, "bad_request", "the underlying's name is too long");
		return;
	}
	if (api_sight(a, r, underlying) == SIGHT_NOTHING) {
		api_respond_outside(r);
		return;
	}
	tape_flush(a->deps.tape); /* what is shown is on the tape */
	if (!futures_view_list(&v, m, underlying, market.now_ms, &miss)) {
		api_respond_miss(a, r, 404, underlying, &miss);
		return;
	}
	terms = futures_terms(a->deps.futures);
	futures_view_fill(&v, &from, &terms);
	futures_json(&b, &v, m, market.book);
	api_respond(r, 200, &b);
}
