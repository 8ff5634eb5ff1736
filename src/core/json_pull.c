/* SPDX-License-Identifier: MIT
 *
 * json_pull: see json_pull.h. Strings without a backslash, nearly all of them, are lent as they
 * stand in the text; only escapes cost a copy.
 */
#include "core/json_pull.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/utf8.h"

#define NUMBER_MAX 64 /* bytes of a number; a double is told apart by 17 digits */

void json_pull_init(struct json_pull *p, const char *text, size_t len, char *scratch,
		    size_t scratch_size)
{
	*p = (struct json_pull){
		.text = text, .len = len, .scratch = scratch, .scratch_size = scratch_size};
}

static char peek(const struct json_pull *p)
{
	return p->at < p->len ? p->text[p->at] : '\0';
}

static char next_solid(struct json_pull *p)
{
	while (p->at < p->len && (p->text[p->at] == ' ' || p->text[p->at] == '\n' ||
				  p->text[p->at] == '\r' || p->text[p->at] == '\t'))
		p->at++;
	return peek(p);
}

static bool put(struct json_pull *p, const char *bytes, size_t n)
{
	if (p->scratch_size - p->used < n)
		return false;
	memcpy(p->scratch + p->used, bytes, n);
	p->used += n;
	return true;
}

static int32_t hex4(struct json_pull *p)
{
	int32_t v = 0;

	for (int i = 0; i < 4; i++, p->at++) {
		char c = peek(p);

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static bool put_code_point(struct json_pull *p, int32_t c)
{
	char out[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		out[0] = (char)c;
		return put(p, out, 1);
	}
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)((0xf00 >> n & 0xff) | c);
	return put(p, out, n);
}

/* What follows "\u". Surrogates come in pairs; U+0000 would end a C string in the middle. */
static bool take_unicode(struct json_pull *p)
{
	int32_t c = hex4(p), low;

	if (c <= 0 || (c >= 0xdc00 && c <= 0xdfff))
		return false;
	if (c < 0xd800 || c > 0xdbff)
		return put_code_point(p, c);
	if (p->len - p->at < 6 || memcmp(p->text + p->at, "\\u", 2) != 0)
		return false;
	p->at += 2;
	low = hex4(p);
	return low >= 0xdc00 && low <= 0xdfff &&
	       put_code_point(p, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
}

static bool take_escape(struct json_pull *p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	char c;

	p->at++; /* the backslash */
	c = peek(p);
	p->at++;
	if (c == 'u')
		return take_unicode(p);
	found = c ? strchr(from, c) : NULL;
	return found && put(p, &to[found - from], 1);
}

/* The length of what needs no decoding at the cursor; SIZE_MAX when it cannot be in a string. */
static size_t plain_run(const struct json_pull *p)
{
	size_t i = p->at;

	while (i < p->len) {
		unsigned char c = (unsigned char)p->text[i];
		size_t n = 1;

		if (c == '"' || c == '\\')
			return i - p->at;
		if (c < 0x20)
			return SIZE_MAX;
		if (c >= 0x80)
			n = utf8_next(p->text + i, p->len - i);
		if (n == 0)
			return SIZE_MAX;
		i += n;
	}
	return SIZE_MAX;
}

/* A string; the cursor is on its opening quote. */
static bool take_string(struct json_pull *p, const char **out, size_t *out_len)
{
	size_t from = p->used, n;

	p->at++;
	n = plain_run(p);
	if (n == SIZE_MAX)
		return false;
	if (p->text[p->at + n] == '"') {
		*out = p->text + p->at;
		*out_len = n;
		p->at += n + 1;
		return true;
	}
	for (; n != SIZE_MAX; n = plain_run(p)) {
		if (!put(p, p->text + p->at, n))
			return false;
		p->at += n;
		if (p->text[p->at] == '"') {
			p->at++;
			*out = p->scratch + from;
			*out_len = p->used - from;
			return true;
		}
		if (!take_escape(p))
			return false;
	}
	return false;
}

static size_t skip_digits(struct json_pull *p)
{
	size_t from = p->at;

	while (peek(p) >= '0' && peek(p) <= '9')
		p->at++;
	return p->at - from;
}

static bool take_number(struct json_pull *p)
{
	size_t n;

	if (peek(p) == '-')
		p->at++;
	if (peek(p) == '0')
		p->at++;
	else if (skip_digits(p) == 0)
		return false;
	if (peek(p) == '.') {
		p->at++;
		if (skip_digits(p) == 0)
			return false;
	}
	if (peek(p) != 'e' && peek(p) != 'E')
		return true;
	p->at++;
	if (peek(p) == '+' || peek(p) == '-')
		p->at++;
	n = skip_digits(p);
	return n > 0;
}

static bool take_word(struct json_pull *p, const char *word)
{
	size_t n = strlen(word);

	if (p->len - p->at < n || memcmp(p->text + p->at, word, n) != 0)
		return false;
	p->at += n;
	return true;
}

/* An object or an array: to its last bracket, and then what the gate says of it. */
static bool take_nested(struct json_pull *p)
{
	size_t from = p->at;
	bool in_string = false;
	int depth = 0;

	for (; p->at < p->len; p->at++) {
		char c = p->text[p->at];

		if (in_string) {
			if (c == '\\')
				p->at++;
			in_string = c != '"';
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && --depth == 0) {
			p->at++;
			return json_check(p->text + from, p->at - from, NULL) == 0;
		}
	}
	return false;
}

static bool take_value(struct json_pull *p, struct json_member *m)
{
	char c = next_solid(p);
	size_t from = p->at;
	bool ok;

	if (c == '"') {
		m->kind = JSON_STRING;
		return take_string(p, &m->text, &m->text_len);
	}
	m->kind = c == 't'               ? JSON_TRUE
		  : c == 'f'             ? JSON_FALSE
		  : c == 'n'             ? JSON_NULL
		  : c == '{' || c == '[' ? JSON_NESTED
					 : JSON_NUMBER;
	ok = m->kind == JSON_TRUE     ? take_word(p, "true")
	     : m->kind == JSON_FALSE  ? take_word(p, "false")
	     : m->kind == JSON_NULL   ? take_word(p, "null")
	     : m->kind == JSON_NESTED ? take_nested(p)
				      : take_number(p);
	m->text = p->text + from;
	m->text_len = p->at - from;
	return ok;
}

static int end_of_text(struct json_pull *p)
{
	p->at++; /* the closing brace */
	next_solid(p);
	return p->at == p->len ? 0 : -1;
}

int json_pull_next(struct json_pull *p, struct json_member *out)
{
	char c = next_solid(p);

	if (!p->has_begun) {
		if (c != '{')
			return -1;
		p->at++;
		p->has_begun = true;
		c = next_solid(p);
		if (c == '}')
			return end_of_text(p);
	} else if (c == '}') {
		return end_of_text(p);
	} else if (c == ',') {
		p->at++;
		c = next_solid(p);
	} else {
		return -1;
	}
	p->used = 0;
	if (c != '"' || !take_string(p, &out->name, &out->name_len) || next_solid(p) != ':')
		return -1;
	p->at++;
	return take_value(p, out) ? 1 : -1;
}

bool json_pull_number(const struct json_member *m, double *out)
{
	char text[NUMBER_MAX + 1];

	if (m->kind != JSON_NUMBER || m->text_len > NUMBER_MAX)
		return false;
	memcpy(text, m->text, m->text_len);
	text[m->text_len] = '\0';
	*out = strtod(text, NULL);
	return isfinite(*out);
}
