/* SPDX-License-Identifier: MIT
 *
 * utf8: see utf8.h. Table 3-7 of the Unicode standard, written as comparisons.
 */
#include "core/utf8.h"

#include <string.h>

static bool is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

size_t utf8_next(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	if (len == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2)
		return 0;
	if (s[0] < 0xe0)
		return len >= 2 && is_tail(s[1]) ? 2 : 0;
	if (s[0] < 0xf0) {
		if (len < 3 || !is_tail(s[1]) || !is_tail(s[2]))
			return 0;
		if (s[0] == 0xe0 && s[1] < 0xa0)
			return 0;
		return s[0] == 0xed && s[1] > 0x9f ? 0 : 3;
	}
	if (s[0] > 0xf4 || len < 4 || !is_tail(s[1]) || !is_tail(s[2]) || !is_tail(s[3]))
		return 0;
	if (s[0] == 0xf0 && s[1] < 0x90)
		return 0;
	return s[0] == 0xf4 && s[1] > 0x8f ? 0 : 4;
}

bool utf8_is_valid(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		uint64_t eight;
		size_t n;

		if (len - i >= 8) {
			/* Market keys are ASCII: eight bytes at a time. */
			memcpy(&eight, s + i, 8);
			if (!(eight & 0x8080808080808080u)) {
				i += 8;
				continue;
			}
		}
		n = utf8_next(s + i, len - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}
