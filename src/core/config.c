/* SPDX-License-Identifier: MIT
 *
 * config: see config.h. Here: one value at a time, and whole sets of values against each other;
 * config_file.c reads the ini file, config_print.c writes it.
 *
 *     "key = ${HOME}/tape"  --expand-->  "/home/desk/tape"  --parse-->  checked  -->  target + offset
 *
 * A value is stored only after all of it was found right. Reasons quote the text as it was written,
 * never what the environment gave, and never a key that is CONFIG_SECRET.
 */
#include "core/config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/config_internal.h"
#include "core/nearest.h"
#include "core/utf8.h"

/* ---- names -------------------------------------------------------------------------------- */

const struct config_section *config_find_section(const struct config_section *sections,
						 const char *name, struct agni_err *err)
{
	struct nearest near = {.word = name};

	for (const struct config_section *s = sections; s->name; s++) {
		if (strcmp(s->name, name) == 0)
			return s;
		nearest_offer(&near, s->name);
	}
	if (nearest_word(&near))
		agni_fail(err, AGNI_ECONFIG, "unknown section [%.60s]; did you mean [%s]?", name,
			  nearest_word(&near));
	else
		agni_fail(err, AGNI_ECONFIG, "unknown section [%.60s]", name);
	return NULL;
}

const struct config_key *config_find_key(const struct config_section *section, const char *name,
					 struct agni_err *err)
{
	struct nearest near = {.word = name};

	for (const struct config_key *k = section->keys; k->name; k++) {
		if (strcmp(k->name, name) == 0)
			return k;
		nearest_offer(&near, k->name);
	}
	if (nearest_word(&near))
		agni_fail(err, AGNI_ECONFIG, "unknown key \"%.60s\" in [%s]; did you mean \"%s\"?",
			  name, section->name, nearest_word(&near));
	else
		agni_fail(err, AGNI_ECONFIG, "unknown key \"%.60s\" in [%s]", name, section->name);
	return NULL;
}

/* ---- ${NAME} ------------------------------------------------------------------------------ */

bool config_text_is_clean(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return utf8_is_valid(text, len);
}

static bool is_env_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!is_letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return len > 0 && len < 128;
}

/* The variable called name[0..len), appended to `out`. */
static int expand_one(const char *name, size_t len, struct buf *out, struct agni_err *err)
{
	char copy[128];
	const char *value;

	if (!is_env_name(name, len))
		return agni_fail(err, AGNI_ECONFIG, "${...} does not hold a variable's name");
	memcpy(copy, name, len);
	copy[len] = '\0';
	value = getenv(copy);
	if (!value)
		return agni_fail(err, AGNI_ECONFIG, "${%s} is not set in the environment", copy);
	if (!config_text_is_clean(value, strlen(value)))
		return agni_fail(err, AGNI_ECONFIG,
				 "${%s} holds a control character or is not UTF-8", copy);
	buf_str(out, value);
	return 0;
}

/* Replaces each ${NAME} of `value`; a lone '$' stays, and what a variable holds is not looked at
 * again. */
static int expand(const char *value, struct buf *out, struct agni_err *err)
{
	const char *p = value, *dollar;

	while ((dollar = strstr(p, "${")) != NULL) {
		const char *end = strchr(dollar, '}');
		int rc;

		if (!end)
			return agni_fail(err, AGNI_ECONFIG, "\"${\" without \"}\"");
		buf_append(out, p, (size_t)(dollar - p));
		rc = expand_one(dollar + 2, (size_t)(end - dollar - 2), out, err);
		if (rc < 0)
			return rc;
		p = end + 1;
	}
	buf_str(out, p);
	if (out->len > CONFIG_VALUE_MAX)
		return agni_fail(err, AGNI_ECONFIG, "the value is longer than %d bytes",
				 CONFIG_VALUE_MAX);
	return 0;
}

/* ---- values ------------------------------------------------------------------------------- */

/* Places to shift for a size suffix, -1 for none that is known. */
static int suffix_shift(const char *text)
{
	static const char letters[] = "kmg";
	const char *p;

	if (text[0] == '\0')
		return 0;
	p = strchr(letters, text[0] | 0x20);
	return p && *p && text[1] == '\0' ? 10 * (int)(p - letters + 1) : -1;
}

/* Decimal with an optional minus, and k, m or g (1024) when `has_suffix`. False when it is not a
 * number or does not fit. */
static bool parse_int(const char *text, bool has_suffix, int64_t *out)
{
	bool is_negative = *text == '-';
	int64_t v = 0;
	int shift;

	text += is_negative;
	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *text - '0', &v))
			return false;
	}
	shift = has_suffix ? suffix_shift(text) : *text ? -1 : 0;
	if (shift < 0 || __builtin_mul_overflow(v, (int64_t)1 << shift, &v))
		return false;
	*out = is_negative ? -v : v;
	return true;
}

static bool parse_bool(const char *text, bool *out)
{
	static const char *const on[] = {"on", "yes", "true", "1"};
	static const char *const off[] = {"off", "no", "false", "0"};

	for (size_t i = 0; i < ARRAY_LEN(on); i++) {
		if (strcasecmp(text, on[i]) == 0 || strcasecmp(text, off[i]) == 0) {
			*out = strcasecmp(text, on[i]) == 0;
			return true;
		}
	}
	return false;
}

/* The place of `text` in "a|b|c", or -1. */
static int parse_choice(const char *text, const char *choices)
{
	size_t len = strlen(text);
	int index = 0;

	for (;; index++) {
		size_t n = strcspn(choices, "|");

		if (n == len && memcmp(choices, text, n) == 0)
			return index;
		if (choices[n] == '\0')
			return -1;
		choices += n + 1;
	}
}

static void *field_of(const struct config_section *section, const struct config_key *key)
{
	return (char *)section->target + key->offset;
}

static char **string_of(const struct config_section *section, const struct config_key *key)
{
	return field_of(section, key);
}

static void store_string(const struct config_section *section, const struct config_key *key,
			 const char *text)
{
	char **at = string_of(section, key);
	char *copy = mem_strdup(text);

	free(*at);
	*at = copy;
}

static int store_int(const struct config_section *section, const struct config_key *key,
		     const char *text, struct agni_err *err)
{
	bool is_size = strcmp(key->unit, "bytes") == 0;
	int64_t v;

	if (!parse_int(text, is_size, &v))
		return agni_fail(err, AGNI_ECONFIG, "not a whole number%s",
				 is_size ? " (k, m and g may follow)" : "");
	if (v < key->min || v > key->max)
		return agni_fail(err, AGNI_ECONFIG, "not within %" PRId64 "..%" PRId64 "%s%s",
				 key->min, key->max, key->unit[0] ? " " : "", key->unit);
	*(int64_t *)field_of(section, key) = v;
	return 0;
}

static int store(const struct config_section *section, const struct config_key *key,
		 const char *text, struct agni_err *err)
{
	int choice;

	switch (key->type) {
	case CONFIG_TYPE_STR:
		store_string(section, key, text);
		return 0;
	case CONFIG_TYPE_INT:
		return store_int(section, key, text, err);
	case CONFIG_TYPE_BOOL:
		if (!parse_bool(text, field_of(section, key)))
			return agni_fail(err, AGNI_ECONFIG, "neither \"on\" nor \"off\"");
		return 0;
	case CONFIG_TYPE_ENUM:
		choice = parse_choice(text, key->choices);
		if (choice < 0)
			return agni_fail(err, AGNI_ECONFIG, "none of %s", key->choices);
		*(int *)field_of(section, key) = choice;
		return 0;
	}
	agni_assert_failed("a config_type with a parser", __FILE__, __LINE__);
}

int config_assign(const struct config_section *section, const struct config_key *key,
		  const char *value, struct agni_err *err)
{
	struct buf text = {0};
	int rc = expand(value, &text, err);

	if (rc == 0) {
		rc = store(section, key, buf_cstr(&text), err);
		if (rc < 0 && !(key->flags & CONFIG_SECRET))
			agni_wrap(err, "\"%.60s\"", value);
	}
	if (rc < 0)
		agni_wrap(err, "[%s] %s", section->name, key->name);
	/* A secret must not stay behind in freed memory. */
	if (text.cap)
		explicit_bzero(text.data, text.cap);
	buf_fini(&text);
	return rc;
}

int config_set(const struct config_section *sections, const char *assignment, struct agni_err *err)
{
	const char *equals = strchr(assignment, '=');
	const char *dot = equals ? memrchr(assignment, '.', (size_t)(equals - assignment)) : NULL;
	const struct config_section *section;
	const struct config_key *key = NULL;
	char *name, *key_name;
	int rc = AGNI_ECONFIG;

	if (!config_text_is_clean(assignment, strlen(assignment)))
		return agni_fail(err, AGNI_ECONFIG,
				 "--set holds a control character or is not UTF-8");
	if (!dot)
		return agni_fail(err, AGNI_ECONFIG, "--set takes section.key=value");
	name = mem_strndup(assignment, (size_t)(dot - assignment));
	key_name = mem_strndup(dot + 1, (size_t)(equals - dot - 1));
	section = config_find_section(sections, name, err);
	if (section)
		key = config_find_key(section, key_name, err);
	if (key)
		rc = config_assign(section, key, equals + 1, err);
	free(key_name);
	free(name);
	return rc;
}

/* ---- whole sets --------------------------------------------------------------------------- */

void config_defaults(const struct config_section *sections)
{
	for (const struct config_section *s = sections; s->name; s++) {
		for (const struct config_key *k = s->keys; k->name; k++) {
			struct agni_err err;

			if (config_assign(s, k, k->fallback, &err) < 0)
				agni_assert_failed(err.text, __FILE__, __LINE__);
		}
	}
}

void config_fini(const struct config_section *sections)
{
	for (const struct config_section *s = sections; s->name; s++) {
		for (const struct config_key *k = s->keys; k->name; k++) {
			char **at;

			if (k->type != CONFIG_TYPE_STR)
				continue;
			at = string_of(s, k);
			if (*at && k->flags & CONFIG_SECRET)
				explicit_bzero(*at, strlen(*at));
			free(*at);
			*at = NULL;
		}
	}
}

static bool is_equal(const struct config_section *a, const struct config_section *b,
		     const struct config_key *key)
{
	switch (key->type) {
	case CONFIG_TYPE_STR:
		return strcmp(*string_of(a, key), *string_of(b, key)) == 0;
	case CONFIG_TYPE_INT:
		return *(int64_t *)field_of(a, key) == *(int64_t *)field_of(b, key);
	case CONFIG_TYPE_BOOL:
		return *(bool *)field_of(a, key) == *(bool *)field_of(b, key);
	case CONFIG_TYPE_ENUM:
		return *(int *)field_of(a, key) == *(int *)field_of(b, key);
	}
	agni_assert_failed("a config_type that can be compared", __FILE__, __LINE__);
}

void config_diff(const struct config_section *now, const struct config_section *next,
		 struct buf *reloadable, struct buf *needs_restart)
{
	for (; now->name; now++, next++) {
		for (const struct config_key *k = now->keys; k->name; k++) {
			if (!is_equal(now, next, k))
				buf_printf(k->flags & CONFIG_RELOAD ? reloadable : needs_restart,
					   "%s.%s ", now->name, k->name);
		}
	}
}

static void copy_value(const struct config_section *to, const struct config_section *from,
		       const struct config_key *key)
{
	switch (key->type) {
	case CONFIG_TYPE_STR:
		store_string(to, key, *string_of(from, key));
		break;
	case CONFIG_TYPE_INT:
		*(int64_t *)field_of(to, key) = *(int64_t *)field_of(from, key);
		break;
	case CONFIG_TYPE_BOOL:
		*(bool *)field_of(to, key) = *(bool *)field_of(from, key);
		break;
	case CONFIG_TYPE_ENUM:
		*(int *)field_of(to, key) = *(int *)field_of(from, key);
		break;
	}
}

void config_reload(const struct config_section *now, const struct config_section *next)
{
	for (; now->name; now++, next++) {
		for (const struct config_key *k = now->keys; k->name; k++) {
			if (k->flags & CONFIG_RELOAD && !is_equal(now, next, k))
				copy_value(now, next, k);
		}
	}
}

bool config_parse_listen(const char *text, char host[64], int *port)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	bool is_v6 = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	int64_t v;

	if (!colon || colon[1] == '-' || strlen(colon + 1) > 5 ||
	    !parse_int(colon + 1, false, &v) || v > 65535)
		return false;
	if (is_v6) {
		text++;
		len -= 2;
	}
	/* Without brackets it is not clear where an IPv6 address ends. */
	if (len == 0 || len >= 64 || (!is_v6 && memchr(text, ':', len)))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= 0x20 || text[i] >= 0x7f || strchr("[]/@", text[i]))
			return false;
	}
	memcpy(host, text, len);
	host[len] = '\0';
	*port = (int)v;
	return true;
}
