/* SPDX-License-Identifier: MIT
 *
 * monitor_keys: the bytes that a keyboard sends, as keys; however they are cut.
 *
 * Cursor keys are sequences that begin with ESC (ECMA-48 "CSI", and the older "SS3"); ESC is a key
 * as well, so a lone one is told by the silence behind it: keys_flush() when a moment has passed.
 * Sequences that mean nothing here are swallowed whole.
 */
#ifndef AGNI_CLI_MONITOR_KEYS_H
#define AGNI_CLI_MONITOR_KEYS_H

#include "core/base.h"

enum key {
	KEY_NONE = 0,
	/* 0x20..0x7e: printable ASCII is itself */
	KEY_UP = 0x100,
	KEY_DOWN,
	KEY_LEFT,
	KEY_RIGHT,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_HOME,
	KEY_END,
	KEY_TAB,
	KEY_BACK_TAB,
	KEY_ENTER,
	KEY_ESCAPE,
	KEY_BACKSPACE,
	KEY_CLEAR,     /* Ctrl-U */
	KEY_REDRAW,    /* Ctrl-L */
	KEY_INTERRUPT, /* Ctrl-C, Ctrl-D, Ctrl-\ */
	KEY_SUSPEND    /* Ctrl-Z */
};

enum keys_state { KEYS_GROUND, KEYS_ESCAPE, KEYS_CSI, KEYS_SS3 };

struct keys_reader {
	enum keys_state state;
	unsigned first; /* first parameter of a CSI sequence */
	bool is_first;  /* it is still being read */
};

/* One byte more. KEY_NONE: nothing yet. */
int keys_byte(struct keys_reader *k, unsigned char c);

/* Nothing has come for a moment: a lone ESC is the key, half a sequence is dropped. */
int keys_flush(struct keys_reader *k);

static inline bool keys_is_waiting(const struct keys_reader *k)
{
	return k->state != KEYS_GROUND;
}

#endif
