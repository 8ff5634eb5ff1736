/* SPDX-License-Identifier: MIT
 *
 * guard: see guard.h. RFC 9112 (3.2 Host, 6.1 to 6.3 length), RFC 9110 (10.1.1 Expect).
 */
#include "http/guard.h"

#include <strings.h>

#include "core/url.h"

static bool refuse(struct http_fault *fault, int status, const char *code, const char *text)
{
	*fault = (struct http_fault){status, code, text};
	return false;
}

static bool length_check(const struct message *m, int64_t body_max, struct http_fault *fault)
{
	const char *coding = message_header(m, "transfer-encoding");
	size_t lengths = message_header_count(m, "content-length");

	if (coding && lengths)
		return refuse(fault, 400, "bad_request", "Content-Length and Transfer-Encoding");
	if (lengths > 1)
		return refuse(fault, 400, "bad_request", "Content-Length twice");
	if (coding && m->minor == 0)
		return refuse(fault, 400, "bad_request", "Transfer-Encoding in HTTP/1.0");
	if (message_header_count(m, "transfer-encoding") > 1)
		return refuse(fault, 400, "bad_request", "Transfer-Encoding twice");
	if (coding && strcasecmp(coding, "chunked") != 0)
		return refuse(fault, 501, "not_implemented", "Transfer-Encoding is not chunked");
	if (m->content_length > body_max)
		return refuse(fault, 413, "payload_too_large", "the body is too large");
	return true;
}

static bool authority_check(const char *text, size_t len, bool loopback_only,
			    struct http_fault *fault)
{
	char host[HOST_MAX];

	if (!authority_parse(text, len, host))
		return refuse(fault, 400, "bad_request", "malformed host");
	if (loopback_only && !host_is_loopback(host))
		return refuse(fault, 403, "host_not_allowed", "only loopback hosts are served");
	return true;
}

static bool host_check(const struct message *m, bool loopback_only, struct http_fault *fault)
{
	const char *host = message_header(m, "host");

	if (!host)
		return m->minor == 0 || refuse(fault, 400, "bad_request", "Host is missing");
	if (message_header_count(m, "host") > 1)
		return refuse(fault, 400, "bad_request", "Host twice");
	return authority_check(host, strlen(host), loopback_only, fault);
}

static bool target_check(const struct message *m, bool loopback_only, struct target *target,
			 struct http_fault *fault)
{
	const char *why;

	if (strcmp(m->method, "CONNECT") == 0)
		return refuse(fault, 501, "not_implemented", "this is no proxy");
	why = target_parse(m->target.data, strcmp(m->method, "OPTIONS") == 0, target);
	if (why)
		return refuse(fault, 400, "bad_request", why);
	return !target->authority ||
	       authority_check(target->authority, target->authority_len, loopback_only, fault);
}

bool guard_wants_continue(const struct message *m)
{
	return m->minor > 0 && message_header(m, "expect");
}

bool guard_check(const struct message *m, const struct guard_rules *rules, struct target *target,
		 struct http_fault *fault)
{
	const char *expect = message_header(m, "expect");

	if (m->major != 1 || m->minor > 1)
		return refuse(fault, 505, "http_version", "HTTP/1.0 or HTTP/1.1, please");
	if (!length_check(m, rules->body_max, fault) ||
	    !host_check(m, rules->loopback_only, fault) ||
	    !target_check(m, rules->loopback_only, target, fault))
		return false;
	/* Which one counts is for nobody to choose: not for us, not for a proxy before us. */
	if (message_header_count(m, "authorization") > 1)
		return refuse(fault, 400, "bad_request", "Authorization twice");
	if (m->minor > 0 && expect && strcasecmp(expect, "100-continue") != 0)
		return refuse(fault, 417, "expectation_failed", "only 100-continue is known");
	return true;
}
