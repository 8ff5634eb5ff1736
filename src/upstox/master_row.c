/* SPDX-License-Identifier: MIT
 *
 * master_row: see master_row.h.
 */
#include "upstox/master_row.h"

#include <math.h>
#include <string.h>

#include "core/json_pull.h"

#define SCRATCH 4096 /* of one member's escapes */

enum field_kind { FIELD_TEXT, FIELD_REAL, FIELD_INT, FIELD_BOOL };

#define FIELD(name, kind, member)                                                                  \
	{                                                                                          \
		name, sizeof(name) - 1, kind, offsetof(struct master_entry, member)                \
	}

static const struct field {
	const char *name;
	size_t len;
	enum field_kind kind;
	size_t offset; /* in struct master_entry */
} fields[] = {
	FIELD("instrument_key", FIELD_TEXT, key),
	FIELD("trading_symbol", FIELD_TEXT, symbol),
	FIELD("name", FIELD_TEXT, name),
	FIELD("isin", FIELD_TEXT, isin),
	FIELD("exchange_token", FIELD_TEXT, token),
	FIELD("instrument_type", FIELD_TEXT, type),
	FIELD("underlying_symbol", FIELD_TEXT, underlying),
	FIELD("underlying_key", FIELD_TEXT, underlying_key),
	FIELD("strike_price", FIELD_REAL, strike),
	FIELD("tick_size", FIELD_REAL, tick_paise),
	FIELD("lot_size", FIELD_INT, lot_size),
	FIELD("freeze_quantity", FIELD_REAL, freeze_quantity),
	FIELD("expiry", FIELD_INT, expiry_ms),
	FIELD("weekly", FIELD_BOOL, is_weekly),
};

static int field_find(const struct json_member *m)
{
	for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
		if (fields[i].len == m->name_len &&
		    memcmp(fields[i].name, m->name, m->name_len) == 0)
			return (int)i;
	}
	return -1;
}

static bool take_text(struct master_row_text *out, const struct json_member *m, const char **text)
{
	char *at = out->text + out->used;

	if (m->kind != JSON_STRING || sizeof(out->text) - out->used <= m->text_len)
		return false;
	memcpy(at, m->text, m->text_len);
	at[m->text_len] = '\0';
	out->used += m->text_len + 1;
	*text = at;
	return true;
}

static bool take_int(const struct json_member *m, int64_t *out)
{
	double v;

	if (!json_pull_number(m, &v) || !(fabs(v) < 0x1p53) || v != trunc(v))
		return false;
	*out = (int64_t)v;
	return true;
}

static bool take_field(struct master_row_text *out, const struct field *f,
		       const struct json_member *m)
{
	char *at = (char *)&out->entry + f->offset;

	if (m->kind == JSON_NULL)
		return true;
	switch (f->kind) {
	case FIELD_TEXT:
		return take_text(out, m, (const char **)(void *)at);
	case FIELD_REAL:
		return json_pull_number(m, (double *)(void *)at);
	case FIELD_INT:
		return take_int(m, (int64_t *)(void *)at);
	case FIELD_BOOL:
		*(bool *)at = m->kind == JSON_TRUE;
		return m->kind == JSON_TRUE || m->kind == JSON_FALSE;
	}
	return false;
}

bool master_row_parse(const char *text, size_t len, struct master_row_text *out)
{
	char scratch[SCRATCH];
	struct json_pull p;
	struct json_member m;
	unsigned seen = 0;
	int rc;

	out->entry = (struct master_entry){0};
	out->used = 0;
	json_pull_init(&p, text, len, scratch, sizeof(scratch));
	while ((rc = json_pull_next(&p, &m)) > 0) {
		int i = field_find(&m);

		if (i < 0)
			continue;
		if (seen & 1u << i || !take_field(out, &fields[i], &m))
			return false;
		seen |= 1u << i;
	}
	return rc == 0;
}
