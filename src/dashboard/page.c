/* SPDX-License-Identifier: MIT
 *
 * page: see page.h. The asset is put into a read-only section by assets.S.
 */
#include "dashboard/page.h"

#include <stdio.h>

#include "auth/role.h"

extern const char agni_page_html[], agni_page_html_end[];

/* The page runs only what came with it, and talks only to this machine's WebSocket. */
static const char headers[] =
	"Content-Security-Policy: default-src 'none'; script-src 'unsafe-inline'; style-src "
	"'unsafe-inline'; connect-src 'self' ws: wss:; form-action 'none'; frame-ancestors "
	"'none'\r\n"
	"Referrer-Policy: no-referrer\r\n";

static void on_page(void *arg, struct http_request *r)
{
	(void)arg;
	http_respond(r, 200, "text/html; charset=utf-8", headers, agni_page_html,
		     (size_t)(agni_page_html_end - agni_page_html));
}

static void on_json(void *arg, struct http_request *r)
{
	const struct page *p = arg;
	char body[128];
	int n = snprintf(body, sizeof(body), "{\"ws_port\":%d,\"ws_tls\":%s,\"heartbeat_s\":%lld}",
			 p->ws_port, p->is_ws_tls ? "true" : "false", (long long)p->heartbeat_s);

	http_respond(r, 200, "application/json", NULL, body, (size_t)n);
}

void page_routes(struct page *p, struct http_route out[PAGE_ROUTES])
{
	out[0] = (struct http_route){"GET", "/", on_page, p, ROLE_ANYONE};
	out[1] = (struct http_route){"GET", "/page.json", on_json, p, ROLE_ANYONE};
	out[2] = (struct http_route){0};
}
