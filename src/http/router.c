/* SPDX-License-Identifier: MIT
 *
 * router: see router.h. A table has a few dozen rows, so it is walked; a match costs less than the
 * line that logs it would.
 */
#include "http/router.h"

#include <stdio.h>

static void param_add(struct route_match *m, const char *name, size_t name_len, const char *value,
		      size_t len)
{
	AGNI_ASSERT(m->params_n < ROUTE_PARAMS_MAX);
	m->params[m->params_n++] = (struct route_param){name, name_len, m->values.len};
	buf_append(&m->values, value, len);
	buf_byte(&m->values, '\0');
}

/* Whether `path` is of the form `pattern`; the parameters are left in `m`. */
static bool pattern_match(const char *pattern, const char *path, struct route_match *m)
{
	m->params_n = 0;
	buf_reset(&m->values);
	while (*pattern) {
		const char *name = pattern + 1, *close;
		size_t len;

		if (*pattern != '{') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		close = strchr(name, '}');
		AGNI_ASSERT(close); /* a mistake in the table */
		len = close[1] ? strcspn(path, "/") : strlen(path);
		if (len == 0)
			return false;
		param_add(m, name, (size_t)(close - name), path, len);
		path += len;
		pattern = close + 1;
	}
	return *path == '\0';
}

static void allow_add(struct route_match *m, const char *method)
{
	size_t len = strlen(m->allow);
	const char *head = strcmp(method, "GET") == 0 ? ", HEAD" : "";

	snprintf(m->allow + len, sizeof(m->allow) - len, "%s%s%s", len ? ", " : "", method, head);
}

void route_find(const struct http_route *routes, size_t n, const char *method, const char *path,
		struct route_match *m)
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;

	m->route = NULL;
	m->allow[0] = '\0';
	for (size_t i = 0; n ? i < n : routes[i].method != NULL; i++) {
		if (!pattern_match(routes[i].pattern, path, m))
			continue;
		if (strcmp(routes[i].method, wanted) == 0) {
			m->route = &routes[i];
			return;
		}
		if (!strstr(m->allow, routes[i].method))
			allow_add(m, routes[i].method);
	}
	m->params_n = 0;
}

const char *route_param(const struct route_match *m, const char *name)
{
	for (size_t i = 0; i < m->params_n; i++) {
		const struct route_param *p = &m->params[i];

		if (p->name_len == strlen(name) && memcmp(p->name, name, p->name_len) == 0)
			return m->values.data + p->value;
	}
	return NULL;
}

void route_match_fini(struct route_match *m)
{
	buf_fini(&m->values);
}
