/* SPDX-License-Identifier: MIT
 *
 * monitor_text: see monitor_text.h.
 */
#include "cli/monitor_text.h"

#include <math.h>
#include <stdio.h>

#include "core/utf8.h"

/* SGR codes; the first of each ends what was before. */
static const char *const codes[STYLES] = {
	[STYLE_PLAIN] = "\x1b[0m", [STYLE_DIM] = "\x1b[0;2m",   [STYLE_BOLD] = "\x1b[0;1m",
	[STYLE_UP] = "\x1b[0;32m", [STYLE_DOWN] = "\x1b[0;31m", [STYLE_WARN] = "\x1b[0;33m",
	[STYLE_BAR] = "\x1b[0;7m",
};

static bool is_screen(const struct pen *p)
{
	return p->kind == PEN_SCREEN || p->kind == PEN_COLOURED_SCREEN;
}

static void set_style(struct pen *p, enum style style)
{
	if (p->style == style || p->kind == PEN_PLAIN || p->kind == PEN_SCREEN)
		return;
	p->style = style;
	buf_str(p->out, codes[style]);
}

/* --- text ------------------------------------------------------------------------------------------ */

/* The next character as one printable place; how many bytes it has. */
static size_t next_place(const char *text, size_t len, char *place)
{
	size_t n = utf8_next(text, len);

	*place = *text >= ' ' && *text <= '~' ? *text : '?';
	return n ? n : 1;
}

void pen_bytes(struct pen *p, enum style style, const char *text, size_t len)
{
	size_t at = 0;
	char place;

	if (len && p->used < p->cols)
		set_style(p, style);
	while (at < len && p->used < p->cols) {
		at += next_place(text + at, len - at, &place);
		buf_byte(p->out, place);
		p->used++;
	}
}

void pen_text(struct pen *p, enum style style, const char *text)
{
	pen_bytes(p, style, text, strlen(text));
}

void pen_printf(struct pen *p, enum style style, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pen_text(p, style, text);
}

static unsigned places(const char *text)
{
	size_t at = 0, len = strlen(text);
	unsigned n = 0;
	char place;

	for (; at < len; n++)
		at += next_place(text + at, len - at, &place);
	return n;
}

static void put_repeated(struct pen *p, enum style style, char c, unsigned n)
{
	while (n--)
		pen_bytes(p, style, &c, 1);
}

static void end_column(struct pen *p)
{
	if (p->used < p->cols)
		pen_bytes(p, p->style == STYLE_BAR ? STYLE_BAR : STYLE_PLAIN, " ", 1);
}

void pen_left(struct pen *p, enum style style, unsigned width, const char *text)
{
	unsigned n = places(text), keep = n > width && width ? width - 1 : n;
	size_t at = 0, len = strlen(text);
	char place;

	for (unsigned i = 0; i < keep && at < len; i++) {
		at += next_place(text + at, len - at, &place);
		pen_bytes(p, style, &place, 1);
	}
	if (n > width)
		pen_text(p, style, "~");
	else
		put_repeated(p, style, ' ', width - n);
	end_column(p);
}

void pen_number(struct pen *p, enum style style, unsigned width, const char *text)
{
	unsigned n = places(text);

	if (n > width) {
		put_repeated(p, style, '#', width);
	} else {
		put_repeated(p, style, ' ', width - n);
		pen_text(p, style, text);
	}
	end_column(p);
}

void pen_fill(struct pen *p, enum style style)
{
	put_repeated(p, style, ' ', p->cols - p->used);
}

void pen_end_line(struct pen *p)
{
	set_style(p, STYLE_PLAIN);
	while (p->kind == PEN_PLAIN && p->used > 0 && p->out->data[p->out->len - 1] == ' ') {
		p->out->len--;
		p->used--;
	}
	if (is_screen(p) && p->used < p->cols)
		buf_str(p->out, "\x1b[K");
	buf_str(p->out, is_screen(p) ? "\r\n" : "\n");
	p->used = 0;
	p->lines++;
}

/* --- numbers --------------------------------------------------------------------------------------- */

const char *number_fixed(double v, int decimals, bool plus, char out[NUMBER_TEXT])
{
	if (!isfinite(v))
		snprintf(out, NUMBER_TEXT, "-");
	else if (fabs(v) >= 1e15)
		snprintf(out, NUMBER_TEXT, plus ? "%+.3g" : "%.3g", v);
	else
		snprintf(out, NUMBER_TEXT, plus ? "%+.*f" : "%.*f", decimals, v);
	return out;
}

const char *number_price(double v, char out[NUMBER_TEXT])
{
	struct buf b = {0};

	for (int decimals = 2; isfinite(v) && fabs(v) < 1e12 && decimals <= 4; decimals++) {
		double scale = pow(10, decimals);

		if (round(v * scale) / scale == v)
			return number_fixed(v, decimals, false, out);
	}
	if (!isfinite(v))
		return number_fixed(v, 0, false, out);
	buf_double(&b, v);
	snprintf(out, NUMBER_TEXT, "%s", buf_cstr(&b));
	buf_fini(&b);
	return out;
}

/* `v` in a unit, with three digits that count. */
static void put_three(double v, const char *unit, bool plus, char out[NUMBER_TEXT])
{
	double a = fabs(v);

	snprintf(out, NUMBER_TEXT, plus ? "%+.*f%s" : "%.*f%s",
		 a < 9.995   ? 2
		 : a < 99.95 ? 1
			     : 0,
		 v, unit);
}

const char *number_count(double v, bool plus, char out[NUMBER_TEXT])
{
	double a = fabs(v);

	if (!isfinite(v) || a >= 1e15)
		return number_fixed(v, 0, plus, out);
	if (a < 99999.5)
		snprintf(out, NUMBER_TEXT, plus && v != 0 ? "%+.0f" : "%.0f", v);
	else if (a < 9995000)
		put_three(v / 1e5, "L", plus, out);
	else
		put_three(v / 1e7, "Cr", plus, out);
	return out;
}

const char *number_age(int64_t ms, char out[NUMBER_TEXT])
{
	long long s = ms / 1000;

	if (ms < 0)
		ms = s = 0;
	if (ms < 10000)
		snprintf(out, NUMBER_TEXT, "%lld.%llds", s, (long long)ms % 1000 / 100);
	else if (s < 120)
		snprintf(out, NUMBER_TEXT, "%llds", s);
	else if (s < 7200)
		snprintf(out, NUMBER_TEXT, "%lldm", s / 60);
	else if (s < 172800)
		snprintf(out, NUMBER_TEXT, "%lldh", s / 3600);
	else if (s < 9999ll * 86400)
		snprintf(out, NUMBER_TEXT, "%lldd", s / 86400);
	else
		snprintf(out, NUMBER_TEXT, "years");
	return out;
}

const char *number_bytes(double v, char out[NUMBER_TEXT])
{
	static const char units[] = "BKMGT";
	unsigned i = 0;

	if (!(v >= 0 && v < 1e18))
		return number_fixed(NAN, 0, false, out);
	for (; v >= 1023.5 && i < 4; i++)
		v /= 1024;
	snprintf(out, NUMBER_TEXT, i && v < 99.95 ? "%.1f%c" : "%.0f%c", v, units[i]);
	return out;
}

/* --- JSON ------------------------------------------------------------------------------------------ */

static uint32_t code_point(const char *s, size_t n)
{
	uint32_t c = (unsigned char)s[0];

	if (n > 1)
		c &= 0xffu >> (n + 1);
	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3fu);
	return c;
}

void put_ascii_json(struct buf *out, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t n = utf8_next(text + at, len - at);
		uint32_t c = code_point(text + at, n ? n : 1);

		at += n ? n : 1;
		if (c < ' ')
			continue; /* raw ones stand between the parts only */
		if (c < 0x7f)
			buf_byte(out, (char)c);
		else if (c < 0x10000)
			buf_printf(out, "\\u%04x", (unsigned)c);
		else
			buf_printf(out, "\\u%04x\\u%04x", 0xd800u + ((unsigned)(c - 0x10000) >> 10),
				   0xdc00u + ((unsigned)c & 0x3ff));
	}
}
