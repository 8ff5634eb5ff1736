/* SPDX-License-Identifier: MIT
 *
 * target: see target.h.
 */
#include "http/target.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>

#include "core/utf8.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that the escape at `text` stands for; -1 when malformed, 0 for %00. */
static int escape_byte(const char *text, size_t len)
{
	int high, low;

	if (len < 3)
		return -1;
	high = hex_digit(text[1]);
	low = hex_digit(text[2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool percent_decode(struct buf *out, const char *text, size_t len, bool plus_is_space)
{
	size_t before = out->len;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)text[i];

		if (c == '%') {
			c = escape_byte(text + i, len - i);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		if (c <= 0) {
			out->len = before;
			return false;
		}
		buf_byte(out, (char)c);
	}
	return true;
}

static bool query_is_good(const char *query)
{
	struct buf text = {0};
	bool ok = percent_decode(&text, query, strlen(query), true) &&
		  utf8_is_valid(text.data, text.len);

	buf_fini(&text);
	return ok;
}

/* The length of "http://" or "https://" in front of `raw`, 0 when there is none. */
static size_t scheme_len(const char *raw)
{
	if (strncasecmp(raw, "http://", 7) == 0)
		return 7;
	return strncasecmp(raw, "https://", 8) == 0 ? 8 : 0;
}

const char *target_parse(const char *raw, bool is_options, struct target *out)
{
	size_t scheme = scheme_len(raw), path_len;

	buf_reset(&out->path);
	out->authority = NULL;
	out->authority_len = 0;
	if (scheme) {
		out->authority = raw + scheme;
		out->authority_len = strcspn(out->authority, "/?#");
		raw = out->authority + out->authority_len;
	} else if (raw[0] != '/' && !(is_options && strcmp(raw, "*") == 0)) {
		return "the request target is not a path";
	}
	if (strchr(raw, '#'))
		return "a fragment in the request target";
	path_len = strcspn(raw, "?");
	out->query = raw[path_len] ? raw + path_len + 1 : raw + path_len;
	if (path_len == 0)
		buf_byte(&out->path, '/'); /* http://host?query */
	else if (!percent_decode(&out->path, raw, path_len, false))
		return "malformed escape in the path";
	if (!utf8_is_valid(out->path.data, out->path.len))
		return "the path is not UTF-8";
	buf_cstr(&out->path);
	return query_is_good(out->query) ? NULL : "malformed escape or no UTF-8 in the query";
}

void target_fini(struct target *t)
{
	buf_fini(&t->path);
}

/* Whether the raw name of a parameter stands for `name`. */
static bool name_is(const char *raw, size_t len, const char *name)
{
	struct buf text = {0};
	bool same = percent_decode(&text, raw, len, true) && text.len == strlen(name) &&
		    memcmp(buf_cstr(&text), name, text.len) == 0;

	buf_fini(&text);
	return same;
}

bool query_get(const char *query, const char *name, char *out, size_t size)
{
	AGNI_ASSERT(size > 0);
	while (*query) {
		size_t len = strcspn(query, "&"), name_len = 0;

		while (name_len < len && query[name_len] != '=')
			name_len++;
		if (name_is(query, name_len, name)) {
			size_t at = name_len < len ? name_len + 1 : len;
			struct buf text = {0};

			if (!percent_decode(&text, query + at, len - at, true))
				buf_reset(&text);
			text.len = text.len < size ? text.len : size - 1;
			memcpy(out, buf_cstr(&text), text.len + 1);
			buf_fini(&text);
			return true;
		}
		query += len + (query[len] == '&');
	}
	return false;
}

/* ":" and 1 to 5 digits up to 65535, or nothing. */
static bool port_is_good(const char *text, size_t len)
{
	unsigned port = 0;

	if (len == 0)
		return true;
	if (text[0] != ':' || len < 2 || len > 6)
		return false;
	for (size_t i = 1; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	return port <= 65535;
}

bool authority_parse(const char *text, size_t len, char host[HOST_MAX])
{
	bool is_v6 = len > 0 && text[0] == '[';
	size_t n = 0;
	struct in6_addr v6;

	if (is_v6) {
		text++, len--;
		while (n < len && text[n] != ']')
			n++;
		if (n == len)
			return false;
	} else {
		while (n < len && (isalnum((unsigned char)text[n]) || strchr(".-_", text[n])))
			n++;
	}
	if (n == 0 || n >= HOST_MAX || !port_is_good(text + n + is_v6, len - n - is_v6))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	return !is_v6 || inet_pton(AF_INET6, host, &v6) == 1;
}
