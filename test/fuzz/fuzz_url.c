/* SPDX-License-Identifier: MIT
 *
 * fuzz_url: "base\nlocation"; what is taken must be clean and stable when it is put together and
 * parsed again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_stable(const struct url *u)
{
	char text[sizeof(struct url) + 32];
	bool is_v6 = strchr(u->host, ':') != NULL;
	struct url again;

	AGNI_ASSERT(u->port >= 1 && u->port <= 65535 && u->host[0] && u->target[0] == '/');
	for (const char *p = u->target; *p; p++)
		AGNI_ASSERT(*p > 0x20 && *p < 0x7f && *p != '#');
	snprintf(text, sizeof(text), "%s://%s%s%s:%d%s", u->scheme, is_v6 ? "[" : "", u->host,
		 is_v6 ? "]" : "", u->port, u->target);
	AGNI_ASSERT(url_parse(text, &again, NULL) == 0);
	AGNI_ASSERT(url_same_origin(u, &again) && strcmp(u->target, again.target) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *location;
	struct agni_err err;
	struct url base, u;

	memcpy(text, data, size);
	text[size] = '\0';
	location = strchr(text, '\n');
	if (location)
		*location++ = '\0';
	if (url_parse(text, &base, &err) == 0) {
		check_stable(&base);
		if (location && url_resolve(&base, location, &u, &err) == 0)
			check_stable(&u);
	}
	free(text);
	return 0;
}
