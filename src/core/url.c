/* SPDX-License-Identifier: MIT
 *
 * url: see url.h.
 *
 *     https://user:pass@api.upstox.com:443/v3/feed?x=1#top
 *     scheme  userinfo  host           port target     dropped
 *
 * The authority ends at the first of "/?#"; whatever two programs could read differently (a second
 * '@', a backslash, a percent sign in the host, an empty port) is refused, not guessed.
 */
#include "core/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	int port;
	bool is_tls, is_ws;
	const char *sibling; /* http for ws and the other way round */
} schemes[] = {
	{"http", 80, false, false, "ws"},       {"https", 443, true, false, "wss"},
	{"ws", 80, false, true, "http"},        {"wss", 443, true, true, "https"},
	{"redis", 6379, false, false, "redis"},
};

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* The index in `schemes`, or -1. */
static int scheme_find(const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (strlen(schemes[i].name) == len && strncasecmp(schemes[i].name, text, len) == 0)
			return (int)i;
	}
	return -1;
}

/* Length of a leading "scheme:" without the colon; 0 when there is none. */
static size_t scheme_length(const char *text)
{
	size_t n = 0;

	if (!is_alpha(text[0]))
		return 0;
	while (is_alpha(text[n]) || is_digit(text[n]) || (text[n] && strchr("+-.", text[n])))
		n++;
	return text[n] == ':' ? n : 0;
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c = to_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes into `out`; false when too long, malformed or with a control character. */
static bool decode(const char *text, size_t len, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)text[i];

		if (c == '%') {
			int hi = i + 2 < len ? hex_digit(text[i + 1]) : -1;
			int lo = i + 2 < len ? hex_digit(text[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return false;
			c = hi * 16 + lo;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || n + 1 >= cap)
			return false;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return true;
}

static int parse_userinfo(const char *text, size_t len, struct url *out, struct agni_err *err)
{
	const char *colon = memchr(text, ':', len);
	size_t user = colon ? (size_t)(colon - text) : len;

	if (!decode(text, user, out->user, sizeof(out->user)))
		return agni_fail(err, AGNI_EPARSE, "the user name in the URL is malformed");
	if (colon && !decode(colon + 1, len - user - 1, out->password, sizeof(out->password)))
		return agni_fail(err, AGNI_EPARSE, "the password in the URL is malformed");
	return 0;
}

/* An IPv6 address between brackets, or a name or IPv4 address of letters, digits, '-', '.', '_'. */
static bool parse_host(const char *text, size_t len, bool is_v6, struct url *out)
{
	struct in6_addr addr;

	if (len == 0 || len >= sizeof(out->host))
		return false;
	for (size_t i = 0; i < len; i++) {
		out->host[i] = to_lower(text[i]);
		if (!is_v6 && !is_alpha(text[i]) && !is_digit(text[i]) && !strchr("-._", text[i]))
			return false;
	}
	out->host[len] = '\0';
	return !is_v6 || inet_pton(AF_INET6, out->host, &addr) == 1;
}

static bool parse_port(const char *text, size_t len, int *port)
{
	int v = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(text[i]))
			return false;
		v = v * 10 + (text[i] - '0');
	}
	*port = v;
	return v >= 1 && v <= 65535;
}

static int parse_host_port(const char *text, size_t len, struct url *out, struct agni_err *err)
{
	bool is_v6 = len > 0 && text[0] == '[';
	const char *end = is_v6 ? memchr(text, ']', len) : memchr(text, ':', len);
	size_t host = end ? (size_t)(end - text) : len;
	size_t rest;

	if (is_v6 && !end)
		return agni_fail(err, AGNI_EPARSE, "the URL has '[' without ']'");
	if (!parse_host(text + is_v6, host - is_v6, is_v6, out))
		return agni_fail(err, AGNI_EPARSE, "the host in the URL is missing or malformed");
	text += host + is_v6;
	rest = len - host - is_v6;
	if (rest && (text[0] != ':' || !parse_port(text + 1, rest - 1, &out->port)))
		return agni_fail(err, AGNI_EPARSE, "the port in the URL is not 1 to 65535");
	return 0;
}

static int parse_authority(const char *text, size_t len, struct url *out, struct agni_err *err)
{
	const char *at = memchr(text, '@', len);

	if (at) {
		size_t user = (size_t)(at - text);
		int rc = parse_userinfo(text, user, out, err);

		if (rc < 0)
			return rc;
		text += user + 1;
		len -= user + 1;
	}
	return parse_host_port(text, len, out, err);
}

/* Path and query, without the fragment; a query right after the host gets its "/". */
static int set_target(const char *text, struct url *out, struct agni_err *err)
{
	size_t len = strcspn(text, "#");
	const char *slash = text[0] == '/' ? "" : "/";

	if (len + 2 > sizeof(out->target))
		return agni_fail(err, AGNI_EPARSE, "the path in the URL is too long");
	snprintf(out->target, sizeof(out->target), "%s%.*s", slash, (int)len, text);
	return 0;
}

/* Printable ASCII; no backslash, which some programs read as a slash. */
static bool is_plain(const char *text)
{
	while (*text > 0x20 && *text < 0x7f && *text != '\\')
		text++;
	return *text == '\0';
}

int url_parse(const char *text, struct url *out, struct agni_err *err)
{
	size_t scheme = scheme_length(text), len;
	int kind, rc;

	*out = (struct url){0};
	if (!is_plain(text))
		return agni_fail(err, AGNI_EPARSE,
				 "the URL holds a space, a backslash or a byte beyond ASCII");
	if (scheme == 0 || strncmp(text + scheme, "://", 3) != 0)
		return agni_fail(err, AGNI_EPARSE, "the URL does not start with scheme://");
	kind = scheme_find(text, scheme);
	if (kind < 0)
		return agni_fail(err, AGNI_EPARSE,
				 "the scheme of the URL is none of http, https, ws, wss, redis");
	snprintf(out->scheme, sizeof(out->scheme), "%s", schemes[kind].name);
	out->port = schemes[kind].port;
	text += scheme + 3;
	len = strcspn(text, "/?#");
	rc = parse_authority(text, len, out, err);
	return rc < 0 ? rc : set_target(text + len, out, err);
}

/* Cuts the last segment off out[0..len), leaving its slash; returns the new length. */
static size_t drop_segment(const char *out, size_t len)
{
	while (len > 0 && out[len - 1] != '/')
		len--;
	return len;
}

/* Removes "." and ".." segments of the path in place (RFC 3986, 5.2.4); the query stays. */
static void remove_dots(char *target)
{
	char *query = target + strcspn(target, "?");
	char *in = target;
	size_t len = 0; /* of what is kept; never passes `in` */

	while (in < query) {
		size_t n = 1; /* of the segment with the slash before it */
		bool is_last;

		while (in + n < query && in[n] != '/')
			n++;
		is_last = in + n == query;
		if (n == 3 && memcmp(in, "/..", 3) == 0) {
			len = drop_segment(target, len);
			len -= len > 0; /* the slash goes too; the next segment brings one */
		} else if (n != 2 || memcmp(in, "/.", 2) != 0) {
			memmove(target + len, in, n);
			len += n;
			is_last = false;
		}
		if (is_last)
			target[len++] = '/';
		in += n;
	}
	memmove(target + len, query, strlen(query) + 1);
}

/* The base's path up to what a relative reference replaces: "?q" keeps all, "x" all but the name.
 */
static size_t kept_length(const char *target, const char *location)
{
	size_t path = strcspn(target, "?");

	if (location[0] == '?')
		return path;
	if (location[0] == '\0' || location[0] == '#')
		return strlen(target);
	return location[0] == '/' ? 0 : drop_segment(target, path);
}

static int resolve_path(const struct url *base, const char *location, struct url *out,
			struct agni_err *err)
{
	char joined[2 * URL_TARGET_MAX];
	size_t kept = kept_length(base->target, location);
	size_t more = strcspn(location, "#");

	if (kept + more >= sizeof(out->target))
		return agni_fail(err, AGNI_EPARSE, "the path in the URL is too long");
	snprintf(joined, sizeof(joined), "%.*s%.*s", (int)kept, base->target, (int)more, location);
	*out = *base;
	if (more)
		remove_dots(joined);
	return set_target(joined, out, err);
}

/* Turns ws into http when the base is http, and so on, so that one client serves the whole chain.
 */
static void adopt_family(const struct url *base, struct url *out)
{
	int a = scheme_find(base->scheme, strlen(base->scheme));
	int b = scheme_find(out->scheme, strlen(out->scheme));

	if (a >= 0 && b >= 0 && schemes[a].is_ws != schemes[b].is_ws)
		snprintf(out->scheme, sizeof(out->scheme), "%s", schemes[b].sibling);
}

int url_resolve(const struct url *base, const char *location, struct url *out, struct agni_err *err)
{
	char absolute[URL_TARGET_MAX + URL_HOST_MAX];
	int n, rc;

	if (!is_plain(location))
		return agni_fail(err, AGNI_EPARSE,
				 "the URL holds a space, a backslash or a byte beyond ASCII");
	if (scheme_length(location) == 0 && strncmp(location, "//", 2) != 0)
		return resolve_path(base, location, out, err);
	n = snprintf(absolute, sizeof(absolute), "%s%s%s", location[0] == '/' ? base->scheme : "",
		     location[0] == '/' ? ":" : "", location);
	if (n < 0 || (size_t)n >= sizeof(absolute))
		return agni_fail(err, AGNI_EPARSE, "the URL is too long");
	rc = url_parse(absolute, out, err);
	if (rc == 0) {
		remove_dots(out->target);
		adopt_family(base, out);
	}
	return rc;
}

bool url_is_tls(const struct url *u)
{
	int kind = scheme_find(u->scheme, strlen(u->scheme));

	return kind >= 0 && schemes[kind].is_tls;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return url_is_tls(a) == url_is_tls(b) && a->port == b->port &&
	       strcmp(a->host, b->host) == 0;
}

bool host_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return strcasecmp(host, "localhost") == 0;
}
