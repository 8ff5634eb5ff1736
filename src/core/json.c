/* SPDX-License-Identifier: MIT
 *
 * json: see json.h.
 *
 * A recursive descent over the grammar of RFC 8259; the recursion is bounded by JSON_DEPTH_MAX.
 * Member names are decoded into one scratch block as long as the text (decoding never grows), and
 * each object sorts its own names when it closes: two equal neighbours are a duplicate. That keeps
 * a hostile object with many members at n log n.
 *
 * U+0000 is legal JSON, but cJSON's strings end at it: "admin\u0000x" would read as "admin".
 * json_check lets it pass, json_parse does not.
 */
#include "core/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/buf.h"
#include "core/utf8.h"

struct name {
	const char *text; /* in scan.scratch */
	size_t len;
};

struct scan {
	const char *text;
	size_t at, len;
	int depth;
	bool has_nul;     /* a string with \u0000 was seen */
	char *scratch;    /* decoded names; NULL until the first object */
	size_t used;      /* bytes of scratch */
	struct buf names; /* of struct name: those of the objects that are open */
	struct agni_err *err;
};

static int fail(struct scan *s, const char *why)
{
	return agni_fail(s->err, AGNI_EPARSE, "JSON: %s at byte %zu", why, s->at);
}

/* The byte at the cursor, or 0 at the end: no token starts with a NUL. */
static char peek(const struct scan *s)
{
	return s->at < s->len ? s->text[s->at] : '\0';
}

static void skip_space(struct scan *s)
{
	while (s->at < s->len && strchr(" \t\r\n", s->text[s->at]) && s->text[s->at])
		s->at++;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool skip_digits(struct scan *s)
{
	size_t from = s->at;

	while (is_digit(peek(s)))
		s->at++;
	return s->at > from;
}

/* Whatever begins no other kind of value comes here too. */
static int scan_number(struct scan *s)
{
	size_t from = s->at;

	if (peek(s) == '-')
		s->at++;
	if (peek(s) == '0')
		s->at++;
	else if (!skip_digits(s))
		return fail(s, s->at > from ? "a digit is missing" : "a value is missing");
	if (peek(s) == '.') {
		s->at++;
		if (!skip_digits(s))
			return fail(s, "a digit is missing after the point");
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->at++;
		if (peek(s) == '+' || peek(s) == '-')
			s->at++;
		if (!skip_digits(s))
			return fail(s, "a digit is missing in the exponent");
	}
	return 0;
}

static int scan_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if (s->len - s->at < n || memcmp(s->text + s->at, word, n) != 0)
		return fail(s, "unexpected text");
	s->at += n;
	return 0;
}

/* Four hex digits; -1 when they are not. */
static int32_t scan_hex4(struct scan *s)
{
	int32_t v = 0;

	if (s->len - s->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = s->text[s->at++];

		if (is_digit(c))
			v = v * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			v = v * 16 + (c - 'A' + 10);
		else
			return -1;
	}
	return v;
}

static size_t put_utf8(char *out, int32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* What follows "\u", surrogate pairs put together. A surrogate alone is no character: refused. */
static int scan_unicode(struct scan *s, char out[4], size_t *n)
{
	int32_t c = scan_hex4(s), low;

	if (c < 0)
		return fail(s, "malformed \\u escape");
	if (c >= 0xdc00 && c <= 0xdfff)
		return fail(s, "low surrogate without a high one");
	if (c >= 0xd800 && c <= 0xdbff) {
		if (s->len - s->at < 6 || s->text[s->at] != '\\' || s->text[s->at + 1] != 'u')
			return fail(s, "high surrogate without a low one");
		s->at += 2;
		low = scan_hex4(s);
		if (low < 0xdc00 || low > 0xdfff)
			return fail(s, "high surrogate without a low one");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	s->has_nul = s->has_nul || c == 0;
	*n = put_utf8(out, c);
	return 0;
}

static int scan_escape(struct scan *s, char out[4], size_t *n)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c;
	const char *p;

	s->at++; /* the backslash */
	c = peek(s);
	if (c == 'u') {
		s->at++;
		return scan_unicode(s, out, n);
	}
	p = c ? strchr(from, c) : NULL;
	if (!p)
		return fail(s, "unknown escape");
	s->at++;
	out[0] = to[p - from];
	*n = 1;
	return 0;
}

/* A string with its quotes; decoded to `out` when that is not NULL. */
static int scan_string(struct scan *s, char *out, size_t *out_len)
{
	char piece[4];
	size_t n = 0, total = 0;
	int rc;

	s->at++; /* the opening quote */
	for (;;) {
		unsigned char c = (unsigned char)peek(s);

		if (s->at >= s->len)
			return fail(s, "string without an end");
		if (c == '"')
			break;
		if (c < 0x20)
			return fail(s, "control character in a string");
		if (c == '\\') {
			rc = scan_escape(s, piece, &n);
			if (rc < 0)
				return rc;
		} else {
			n = utf8_next(s->text + s->at, s->len - s->at);
			if (n == 0)
				return fail(s, "bytes that are not UTF-8");
			memcpy(piece, s->text + s->at, n);
			s->at += n;
		}
		if (out)
			memcpy(out + total, piece, n);
		total += n;
	}
	s->at++;
	if (out)
		*out_len = total;
	return 0;
}

static int compare_names(const void *pa, const void *pb)
{
	const struct name *a = pa, *b = pb;
	int c = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);

	return c ? c : (a->len > b->len) - (a->len < b->len);
}

/* Checks and forgets the names of the object whose first one is at byte `from` of s->names. */
static int close_names(struct scan *s, size_t from)
{
	size_t count = (s->names.len - from) / sizeof(struct name);
	struct name *names;

	if (count == 0)
		return 0;
	names = (struct name *)(void *)(s->names.data + from);
	if (count > 1)
		qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 1; i < count; i++) {
		if (compare_names(&names[i - 1], &names[i]) == 0)
			return fail(s, "a name that occurs twice in the object that ends");
	}
	s->names.len = from;
	return 0;
}

static int scan_value(struct scan *s);

static int scan_member(struct scan *s)
{
	struct name name;
	int rc;

	if (peek(s) != '"')
		return fail(s, "a name in quotes is missing");
	name.text = s->scratch + s->used;
	rc = scan_string(s, s->scratch + s->used, &name.len);
	if (rc < 0)
		return rc;
	s->used += name.len;
	buf_append(&s->names, &name, sizeof(name));
	skip_space(s);
	if (peek(s) != ':')
		return fail(s, "':' is missing");
	s->at++;
	return scan_value(s);
}

/* The members or elements up to `close`, the opening bracket is behind the cursor. */
static int scan_items(struct scan *s, char close, int (*item)(struct scan *s))
{
	skip_space(s);
	if (peek(s) == close) {
		s->at++;
		return 0;
	}
	for (;;) {
		int rc;

		skip_space(s);
		rc = item(s);
		if (rc < 0)
			return rc;
		if (peek(s) == close) {
			s->at++;
			return 0;
		}
		if (peek(s) != ',')
			return fail(s, "',' or a closing bracket is missing");
		s->at++;
	}
}

static int scan_object(struct scan *s)
{
	size_t names = s->names.len, used = s->used;
	int rc;

	if (!s->scratch)
		s->scratch = mem_alloc(s->len);
	rc = scan_items(s, '}', scan_member);
	if (rc == 0)
		rc = close_names(s, names);
	s->used = used;
	return rc;
}

static int scan_nested(struct scan *s)
{
	bool is_object = peek(s) == '{';
	int rc;

	if (s->depth == JSON_DEPTH_MAX)
		return fail(s, "nested too deeply");
	s->depth++;
	s->at++;
	rc = is_object ? scan_object(s) : scan_items(s, ']', scan_value);
	s->depth--;
	return rc;
}

static int scan_value(struct scan *s)
{
	int rc;

	skip_space(s);
	switch (peek(s)) {
	case '{':
	case '[':
		rc = scan_nested(s);
		break;
	case '"':
		rc = scan_string(s, NULL, NULL);
		break;
	case 't':
		rc = scan_word(s, "true");
		break;
	case 'f':
		rc = scan_word(s, "false");
		break;
	case 'n':
		rc = scan_word(s, "null");
		break;
	default:
		rc = scan_number(s);
	}
	skip_space(s);
	return rc;
}

static int check_text(const char *text, size_t len, bool *has_nul, struct agni_err *err)
{
	struct scan s = {.text = text, .len = len, .err = err};
	int rc = scan_value(&s);

	if (rc == 0 && s.at != s.len)
		rc = fail(&s, "more text after the value");
	*has_nul = s.has_nul;
	free(s.scratch);
	buf_fini(&s.names);
	return rc;
}

int json_check(const char *text, size_t len, struct agni_err *err)
{
	bool has_nul;

	return check_text(text, len, &has_nul, err);
}

struct cJSON *json_parse(const char *text, size_t len, struct agni_err *err)
{
	struct cJSON *json;
	bool has_nul;

	if (check_text(text, len, &has_nul, err) < 0)
		return NULL;
	if (has_nul) {
		agni_fail(err, AGNI_EPARSE, "JSON: a string holds U+0000");
		return NULL;
	}
	json = cJSON_ParseWithLength(text, len);
	if (!json)
		agni_fail(err, AGNI_EPARSE, "JSON: a number is too long");
	return json;
}

const char *json_string(const struct cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

bool json_int(const struct cJSON *object, const char *name, int64_t *out)
{
	const struct cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	double v;

	if (!cJSON_IsNumber(item))
		return false;
	v = item->valuedouble;
	if (!(fabs(v) < 0x1p53) || v != trunc(v))
		return false;
	*out = (int64_t)v;
	return true;
}
