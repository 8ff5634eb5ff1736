/* SPDX-License-Identifier: MIT
 *
 * listen: see listen.h.
 */
#include "core/listen.h"

#include <string.h>
#include <strings.h>

#include "core/config.h"
#include "core/url.h"

int listen_parse(const char *name, const char *text, const struct listen_guard *guard,
		 char host[64], int *port, struct agni_err *err)
{
	static const struct listen_guard none = {0};
	int section = (int)strcspn(name, ".");

	if (!guard)
		guard = &none;
	if (!config_parse_listen(text, host, port))
		return agni_fail(err, AGNI_ECONFIG, "%s: \"%s\" is not address:port", name, text);
	if (strcasecmp(host, "localhost") == 0)
		return agni_fail(err, AGNI_ECONFIG, "%s: %s is a name; write 127.0.0.1 or [::1]",
				 name, host);
	if (host_is_loopback(host) || (guard->has_keys && guard->has_tls))
		return 0;
	return agni_fail(err, AGNI_ECONFIG,
			 "%s: %s is not a loopback address; it needs API keys%s and TLS "
			 "(%.*s.tls_cert and %.*s.tls_key)%s",
			 name, host,
			 guard->has_keys ? "" : " (agnidata key add), which are missing,", section,
			 name, section, name, guard->has_tls ? "" : ", which is missing");
}
