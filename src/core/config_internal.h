/* SPDX-License-Identifier: MIT
 *
 * config_internal: what the files that make up config share.
 */
#ifndef AGNI_CORE_CONFIG_INTERNAL_H
#define AGNI_CORE_CONFIG_INTERNAL_H

#include "core/config.h"

#define CONFIG_VALUE_MAX 4096 /* bytes of a line, and of a value after ${NAME} */

/* The section of that name; NULL with "unknown section" and the nearest one in `err`. */
const struct config_section *config_find_section(const struct config_section *sections,
						 const char *name, struct agni_err *err);

/* The key of that name; NULL with "unknown key" and the nearest one in `err`. */
const struct config_key *config_find_key(const struct config_section *section, const char *name,
					 struct agni_err *err);

/* Replaces ${NAME}, checks the value and stores it. Returns 0, or AGNI_ECONFIG with "[section] key:
 * reason" in `err`; the old value stays then. */
int config_assign(const struct config_section *section, const struct config_key *key,
		  const char *value, struct agni_err *err) AGNI_MUST_USE;

/* One printable line of UTF-8, tabs allowed. */
bool config_text_is_clean(const char *text, size_t len);

#endif
