/* SPDX-License-Identifier: MIT
 *
 * page: the web page at "/", embedded in the binary: connects to /ws and shows ticks as they come. A server that
 * says nothing for longer than a heartbeat takes is shown as not connected.
 */
#ifndef AGNI_DASHBOARD_PAGE_H
#define AGNI_DASHBOARD_PAGE_H

#include "http/server.h"

struct page {
	int ws_port;         /* of the stream; set before the first request */
	int64_t heartbeat_s; /* longest silence of the stream; likewise */
	bool is_ws_tls;
};

/* "/" and "/page.json", and the end of the table. */
#define PAGE_ROUTES 3

/* Fills the routes; `p` is lent for the life of the server. */
void page_routes(struct page *p, struct http_route out[PAGE_ROUTES]);

#endif
