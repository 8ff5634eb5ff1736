/* SPDX-License-Identifier: MIT
 *
 * The table of routes and roles in docs/security.md is the one of the program: no route is missing
 * in it, none is there that is not served, and each has the role that is said. What a running
 * server answers to each role is asked in test/e2e/test_access.py, from the same table.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "api/api_internal.h"
#include "dashboard/page.h"

#define ROWS_MAX 128

struct row {
	char method[16], path[64];
	enum auth_role least;
	bool is_served;
};

static bool parse_row(const char *line, struct row *out)
{
	char role[16];

	if (sscanf(line, "| %15s | `%63[^`]` | %15s |", out->method, out->path, role) != 3)
		return false;
	out->is_served = false;
	out->least = ROLE_ANYONE;
	return strcmp(role, "anyone") == 0 || role_parse(role, &out->least);
}

static size_t read_table(struct row rows[ROWS_MAX])
{
	FILE *f = fopen("docs/security.md", "r");
	char line[512];
	size_t n = 0;

	if (!f) {
		print_message("no docs/security.md: run from the project's folder\n");
		skip();
	}
	while (fgets(line, sizeof(line), f)) {
		check(n < ROWS_MAX);
		n += parse_row(line, &rows[n]);
	}
	fclose(f);
	return n;
}

static struct row *row_of(struct row *rows, size_t n, const char *method, const char *path)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].method, method) == 0 && strcmp(rows[i].path, path) == 0)
			return &rows[i];
	}
	return NULL;
}

static void test_table(void **state)
{
	static const char *const sockets[] = {"/ws", "/v3/feed/market-data-feed"}; /* of stream */
	struct row rows[ROWS_MAX], *row;
	size_t n = read_table(rows);
	struct page page = {0};
	struct http_route more[PAGE_ROUTES];
	struct api *a;

	(void)state;
	page_routes(&page, more);
	a = api_create(&(struct api_deps){.more = more});
	for (size_t i = 0; i < a->routes_n; i++) {
		const struct http_route *r = &a->routes[i];

		row = row_of(rows, n, r->method, r->pattern);
		if (!row)
			fail_msg("%s %s is not in docs/security.md", r->method, r->pattern);
		if ((int)row->least != r->access)
			fail_msg("%s %s: docs/security.md says %s, the program %s", r->method,
				 r->pattern, role_text(row->least),
				 role_text((enum auth_role)r->access));
		check(!row->is_served); /* once */
		row->is_served = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(sockets); i++) {
		row = row_of(rows, n, "WebSocket", sockets[i]);
		check(row != NULL && row->least == ROLE_VIEWER);
		row->is_served = true;
	}
	for (size_t i = 0; i < n; i++) {
		if (!rows[i].is_served)
			fail_msg("%s %s of docs/security.md is not served", rows[i].method,
				 rows[i].path);
	}
	check_i64(n, a->routes_n + ARRAY_LEN(sockets));
	api_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
