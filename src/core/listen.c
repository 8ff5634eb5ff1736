/* SPDX-License-Identifier: MIT
 *
 * listen: see listen.h.
 */
#include "core/listen.h"

#include <strings.h>

#include "core/config.h"
#include "core/url.h"

int listen_parse(const char *name, const char *text, char host[64], int *port, struct agni_err *err)
{
	if (!config_parse_listen(text, host, port))
		return agni_fail(err, AGNI_ECONFIG, "%s: \"%s\" is not address:port", name, text);
	if (strcasecmp(host, "localhost") == 0)
		return agni_fail(err, AGNI_ECONFIG, "%s: %s is a name; write 127.0.0.1 or [::1]",
				 name, host);
	if (!host_is_loopback(host))
		return agni_fail(
			err, AGNI_ECONFIG,
			"%s: %s is not a loopback address; other addresses need API keys and "
			"TLS, which this version does not have",
			name, host);
	return 0;
}
