/* SPDX-License-Identifier: MIT
 *
 * json_pull: one flat JSON object, member by member, without building a tree.
 *
 *     struct json_pull p;
 *     json_pull_init(&p, text, len, scratch, sizeof(scratch));
 *     while ((rc = json_pull_next(&p, &m)) > 0)
 *             ...                     m.name, m.kind, m.text
 *     if (rc < 0)                     it was no object of RFC 8259
 *
 * For files of many small objects, where cJSON's tree would cost more than all else. As strict as
 * json_check() on what it reads, with one difference: a name that occurs twice is the reader's to
 * see. A value that is itself an object or an array is checked and handed over as text.
 */
#ifndef AGNI_CORE_JSON_PULL_H
#define AGNI_CORE_JSON_PULL_H

#include "core/base.h"

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_NESTED };

struct json_member {
	enum json_kind kind;
	const char *name; /* decoded; lent until the next call */
	size_t name_len;
	const char *text; /* a string decoded, all else as it stands; lent until the next call */
	size_t text_len;
};

struct json_pull {
	const char *text;
	size_t at, len;
	char *scratch; /* the caller's; strings with escapes are decoded there */
	size_t scratch_size, used;
	bool has_begun;
};

/* `scratch` holds the decoded name and string of one member; one that does not fit is malformed. */
void json_pull_init(struct json_pull *p, const char *text, size_t len, char *scratch,
		    size_t scratch_size);

/* 1 and the next member; 0 at the end of the object, when nothing but white space follows it; -1
 * when the text is no object (U+0000 in a string counts as that: C strings end there). */
int json_pull_next(struct json_pull *p, struct json_member *out);

/* The number that a member's text is; false for other kinds and for what is beyond a double. */
bool json_pull_number(const struct json_member *m, double *out);

#endif
