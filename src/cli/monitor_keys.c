/* SPDX-License-Identifier: MIT
 *
 * monitor_keys: see monitor_keys.h.
 */
#include "cli/monitor_keys.h"

static int ground(struct keys_reader *k, unsigned char c)
{
	switch (c) {
	case 0x1b:
		k->state = KEYS_ESCAPE;
		return KEY_NONE;
	case '\t':
		return KEY_TAB;
	case '\r':
	case '\n':
		return KEY_ENTER;
	case 0x7f:
	case '\b':
		return KEY_BACKSPACE;
	case 0x15:
		return KEY_CLEAR;
	case '\f':
		return KEY_REDRAW;
	case 0x03:
	case 0x04:
	case 0x1c:
		return KEY_INTERRUPT;
	case 0x1a:
		return KEY_SUSPEND;
	default:
		return c >= ' ' && c < 0x7f ? c : KEY_NONE;
	}
}

/* The last byte of ESC [ ... or ESC O ... */
static int final_key(unsigned char c)
{
	switch (c) {
	case 'A':
		return KEY_UP;
	case 'B':
		return KEY_DOWN;
	case 'C':
		return KEY_RIGHT;
	case 'D':
		return KEY_LEFT;
	case 'H':
		return KEY_HOME;
	case 'F':
		return KEY_END;
	case 'Z':
		return KEY_BACK_TAB;
	case 'M':
		return KEY_ENTER; /* of the keypad, as SS3 */
	default:
		return KEY_NONE;
	}
}

/* ESC [ number ~ */
static int numbered_key(unsigned number)
{
	switch (number) {
	case 1:
	case 7:
		return KEY_HOME;
	case 4:
	case 8:
		return KEY_END;
	case 5:
		return KEY_PAGE_UP;
	case 6:
		return KEY_PAGE_DOWN;
	default:
		return KEY_NONE;
	}
}

static int csi(struct keys_reader *k, unsigned char c)
{
	if (c >= '0' && c <= '9') {
		if (k->is_first && k->first < 1000)
			k->first = 10 * k->first + (unsigned)(c - '0');
		return KEY_NONE;
	}
	if (c >= 0x20 && c < 0x40) { /* other parameters, and what stands between them */
		k->is_first = false;
		return KEY_NONE;
	}
	k->state = KEYS_GROUND;
	if (c < 0x40 || c > 0x7e)
		return ground(k, c); /* no byte of a sequence: it was cut short */
	return c == '~' ? numbered_key(k->first) : c == 'M' ? KEY_NONE : final_key(c);
}

int keys_byte(struct keys_reader *k, unsigned char c)
{
	switch (k->state) {
	case KEYS_ESCAPE:
		if (c == '[') {
			*k = (struct keys_reader){.state = KEYS_CSI, .is_first = true};
			return KEY_NONE;
		}
		if (c == 'O') {
			k->state = KEYS_SS3;
			return KEY_NONE;
		}
		k->state = KEYS_GROUND;
		if (c == 0x1b) {
			k->state = KEYS_ESCAPE;
			return KEY_ESCAPE;
		}
		return KEY_NONE; /* Alt and a key */
	case KEYS_CSI:
		return csi(k, c);
	case KEYS_SS3:
		k->state = KEYS_GROUND;
		return final_key(c);
	default:
		return ground(k, c);
	}
}

int keys_flush(struct keys_reader *k)
{
	enum keys_state before = k->state;

	k->state = KEYS_GROUND;
	return before == KEYS_ESCAPE ? KEY_ESCAPE : KEY_NONE;
}
