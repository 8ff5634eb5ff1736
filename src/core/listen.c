/* SPDX-License-Identifier: MIT
 *
 * listen: see listen.h.
 */
#include "core/listen.h"

#include "core/config.h"
#include "core/url.h"

int listen_parse(const char *name, const char *text, char host[64], int *port, struct agni_err *err)
{
	if (!config_parse_listen(text, host, port))
		return agni_fail(err, AGNI_ECONFIG, "%s: \"%s\" is not address:port", name, text);
	if (!host_is_loopback(host))
		return agni_fail(
			err, AGNI_ECONFIG,
			"%s: %s is not a loopback address; other addresses need API keys and "
			"TLS, which this version does not have",
			name, host);
	return 0;
}
