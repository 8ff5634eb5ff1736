/* SPDX-License-Identifier: MIT
 *
 * monitor_text: lines for a terminal, column by column, and numbers as a trader reads them.
 *
 * Nothing but printable ASCII goes out, whatever Redis holds: a control character in a key or a
 * reason could move the cursor, rename the window or answer in the user's name. Each byte that is
 * no printable ASCII becomes "?", a character of several bytes becomes one.
 */
#ifndef AGNI_CLI_MONITOR_TEXT_H
#define AGNI_CLI_MONITOR_TEXT_H

#include "core/buf.h"

enum style {
	STYLE_PLAIN,
	STYLE_DIM, /* unchanged, or old */
	STYLE_BOLD,
	STYLE_UP,   /* green */
	STYLE_DOWN, /* red */
	STYLE_WARN, /* yellow */
	STYLE_BAR,  /* reversed: headings */
	STYLES
};

enum pen_kind {
	PEN_PLAIN,    /* no codes at all, lines end with a line feed: files, NO_COLOR on paper */
	PEN_SCREEN,   /* codes that place text, none that colour it: a terminal with NO_COLOR */
	PEN_COLOURED, /* colours, lines as in a file */
	PEN_COLOURED_SCREEN
};

struct pen {
	struct buf *out;
	enum pen_kind kind;
	unsigned cols; /* of a line; what does not fit is left out */
	unsigned used; /* of this line */
	unsigned lines;
	enum style style;
};

/* Text behind what stands there; `len` bytes, or a C string. */
void pen_bytes(struct pen *p, enum style style, const char *text, size_t len);
void pen_text(struct pen *p, enum style style, const char *text);
void pen_printf(struct pen *p, enum style style, const char *fmt, ...) AGNI_PRINTF(3, 4);

/* A column: exactly `width` places and a space behind. What is too long ends with "~"; numbers are
 * never cut: they become "#" throughout. */
void pen_left(struct pen *p, enum style style, unsigned width, const char *text);
void pen_number(struct pen *p, enum style style, unsigned width, const char *text);

/* The line is full of spaces up to its end, in this style. */
void pen_fill(struct pen *p, enum style style);
void pen_end_line(struct pen *p);

/* --- numbers: "-" when it is NaN; `out` is returned ------------------------------------------------ */

#define NUMBER_TEXT 32

/* Rupees: two decimals, more where the price has them (up to four), else its shortest form. */
const char *number_price(double v, char out[NUMBER_TEXT]);
/* A fixed number of decimals; `plus`: with a sign in front of a gain. */
const char *number_fixed(double v, int decimals, bool plus, char out[NUMBER_TEXT]);
/* At most six places, three digits that count, in lakh (100,000) and crore (10,000,000): 950,
 * 99999, 1.23L, 45.6L, 123Cr. */
const char *number_count(double v, bool plus, char out[NUMBER_TEXT]);
/* Milliseconds as 0.4s, 59s, 12m, 3h, 5d; negative: 0. */
const char *number_age(int64_t ms, char out[NUMBER_TEXT]);
/* Bytes as 950B, 1.5M, 2.3G. */
const char *number_bytes(double v, char out[NUMBER_TEXT]);

/* A valid document in one line of printable ASCII: what is beyond is written \uXXXX, line ends and
 * tabs between its parts are left out. */
void put_ascii_json(struct buf *out, const char *text, size_t len);

#endif
