/* SPDX-License-Identifier: MIT
 *
 * config_print: writes the ini file that config_file.c reads back to the defaults.
 */
#include <inttypes.h>
#include <string.h>

#include "core/config.h"

/* "help (unit, default X, min..max or choices)" as a comment. */
static void print_help(const struct config_key *key, struct buf *out)
{
	buf_printf(out, "# %s (", key->help);
	if (key->unit && key->unit[0])
		buf_printf(out, "%s, ", key->unit);
	buf_printf(out, "default %s", key->fallback[0] ? key->fallback : "empty");
	switch (key->type) {
	case CONFIG_TYPE_STR:
		break;
	case CONFIG_TYPE_INT:
		buf_printf(out, ", %" PRId64 "..%" PRId64, key->min, key->max);
		break;
	case CONFIG_TYPE_BOOL:
		buf_str(out, ", on|off");
		break;
	case CONFIG_TYPE_ENUM:
		buf_printf(out, ", %s", key->choices);
		break;
	}
	buf_str(out, key->flags & CONFIG_RELOAD ? ", SIGHUP applies it)\n" : ")\n");
}

void config_print(const struct config_section *sections, struct buf *out)
{
	for (const struct config_section *s = sections; s->name; s++) {
		buf_printf(out, "%s# %s\n[%s]\n", s == sections ? "" : "\n", s->help, s->name);
		for (const struct config_key *k = s->keys; k->name; k++) {
			print_help(k, out);
			buf_printf(out, "%s =%s%s\n", k->name, k->fallback[0] ? " " : "",
				   k->fallback);
		}
	}
}
