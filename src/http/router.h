/* SPDX-License-Identifier: MIT
 *
 * router: which route of a table a path belongs to.
 *
 * Patterns are matched against the decoded path, in table order, the first match wins: put
 * "/instruments/resolve" before "/instruments/{key}". "{name}" takes one part of the path, at least
 * one byte long; as the last thing of a pattern it takes the rest, with its slashes.
 */
#ifndef AGNI_HTTP_ROUTER_H
#define AGNI_HTTP_ROUTER_H

#include "core/buf.h"
#include "http/server.h"

#define ROUTE_PARAMS_MAX 8
#define ROUTE_ALLOW_MAX  128

struct route_param {
	const char *name; /* in the pattern, name_len bytes */
	size_t name_len;
	size_t value; /* offset in `values` */
};

struct route_match {
	const struct http_route *route; /* NULL: none for this method */
	char allow[ROUTE_ALLOW_MAX]; /* "GET, HEAD, POST": the path's methods; "": no such path */
	struct route_param params[ROUTE_PARAMS_MAX];
	size_t params_n;
	struct buf values; /* NUL-terminated each */
};

/* Finds the route; `m` may be used again. GET routes serve HEAD too. `n` 0: until method NULL. */
void route_find(const struct http_route *routes, size_t n, const char *method, const char *path,
		struct route_match *m);

/* The value of "{name}", or NULL. Lent. */
const char *route_param(const struct route_match *m, const char *name);

void route_match_fini(struct route_match *m);

#endif
