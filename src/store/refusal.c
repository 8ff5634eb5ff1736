/* SPDX-License-Identifier: MIT
 *
 * refusal: see refusal.h.
 */
#include "store/refusal.h"

#include <string.h>

static bool starts_with(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

void refusal_count(struct refusal_counts *counts, const char *reply)
{
	counts->total++;
	if (starts_with(reply, "OOM"))
		counts->oom++;
	else if (starts_with(reply, "READONLY"))
		counts->readonly++;
	else if (starts_with(reply, "NOAUTH") || starts_with(reply, "WRONGPASS") ||
		 starts_with(reply, "NOPERM"))
		counts->auth++;
	else if (starts_with(reply, "WRONGTYPE"))
		counts->wrongtype++;
	else
		counts->other++;
}

void refusal_text(char out[REFUSAL_TEXT], const char *reply)
{
	size_t n = 0;

	for (; reply[n] && n + 1 < REFUSAL_TEXT; n++)
		out[n] = reply[n] >= 0x20 && reply[n] < 0x7f ? reply[n] : '?';
	out[n] = '\0';
}
