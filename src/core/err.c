/* SPDX-License-Identifier: MIT
 *
 * err: see err.h. Text that does not fit is cut, never overrun.
 */
#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

void agni_assert_failed(const char *cond, const char *file, int line)
{
	fprintf(stderr, "agnidata: a mistake of ours: \"%s\" does not hold at %s:%d\n", cond, file,
		line);
	abort();
}

const char *agni_strerror(int code)
{
	switch (code) {
	case 0:
		return "no error";
#define X(name, value, text)                                                                       \
	case name:                                                                                 \
		return text;
		AGNI_ERRORS(X)
#undef X
	default:
		return uv_strerror(code);
	}
}

int agni_fail(struct agni_err *err, int code, const char *fmt, ...)
{
	AGNI_ASSERT(code != 0);
	if (err) {
		va_list ap;

		err->code = code;
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
	}
	return code;
}

int agni_fail_uv(struct agni_err *err, int uv_code, const char *fmt, ...)
{
	AGNI_ASSERT(uv_code < 0);
	if (err) {
		va_list ap;
		size_t n;

		err->code = uv_code;
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
		n = strlen(err->text);
		snprintf(err->text + n, sizeof(err->text) - n, ": %s", agni_strerror(uv_code));
	}
	return uv_code;
}

int agni_wrap(struct agni_err *err, const char *fmt, ...)
{
	char old[AGNI_ERR_TEXT];
	va_list ap;
	size_t n;

	if (!err)
		return -1;
	snprintf(old, sizeof(old), "%s", err->text);
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text) / 2, fmt, ap);
	va_end(ap);
	/* The cut, if one is needed, falls on the old text: the outermost words are kept. */
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", old);
	return err->code;
}
