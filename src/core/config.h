/* SPDX-License-Identifier: MIT
 *
 * config: the ini file as data.
 *
 * Each module declares its keys beside its configuration structure, and main.c lists the sections;
 * reading, defaults, checking, `agnidata config` (which prints etc/agni.ini) and the nearest-name
 * hint all follow from these tables:
 *
 *     static const struct config_key redis_keys[] = {
 *             CONFIG_STR(struct redis_config, url, "redis://127.0.0.1:6379/0", "", "server; empty =
 * off"), CONFIG_INT(struct redis_config, ttl_s, 30, 1, 86400, "s", "life of a quote key"), {0}};
 *
 * A value may hold ${NAME}, replaced from the environment; a name that is not set is an error.
 * `#` and `;` start a comment at the beginning of a line or after white space.
 * Errors name file, line and, for an unknown name, the nearest known one:
 *
 *     etc/agni.ini:12: unknown key "lisen" in [http]; did you mean "listen"?
 */
#ifndef AGNI_CORE_CONFIG_H
#define AGNI_CORE_CONFIG_H

#include "core/buf.h"
#include "core/err.h"

enum config_type {
	CONFIG_TYPE_STR,  /* char *, owned by the configuration; never NULL */
	CONFIG_TYPE_INT,  /* int64_t within min..max */
	CONFIG_TYPE_BOOL, /* bool: on|off, yes|no, true|false, 1|0 */
	CONFIG_TYPE_ENUM  /* int: index into choices "a|b|c" */
};

#define CONFIG_RELOAD 1u /* SIGHUP applies a change; others need a restart */
#define CONFIG_SECRET 2u /* the value is never printed */

struct config_key {
	const char *name; /* NULL ends a table */
	enum config_type type;
	size_t offset;
	const char *fallback; /* default, as text */
	int64_t min, max;     /* CONFIG_TYPE_INT */
	const char *unit;     /* "ms", "bytes", "" ... */
	const char *choices;  /* CONFIG_TYPE_ENUM: "text|json" */
	const char *help;     /* one line, no full stop */
	unsigned flags;
};

/* The _F forms take CONFIG_RELOAD and CONFIG_SECRET as their last argument. */
#define CONFIG_STR_F(holder, field, def, unit_, help_, flags_)                                     \
	{                                                                                          \
		.name = #field, .type = CONFIG_TYPE_STR, .offset = offsetof(holder, field),        \
		.fallback = (def), .unit = (unit_), .help = (help_), .flags = (flags_)             \
	}
#define CONFIG_INT_F(holder, field, def, lo, hi, unit_, help_, flags_)                             \
	{                                                                                          \
		.name = #field, .type = CONFIG_TYPE_INT, .offset = offsetof(holder, field),        \
		.fallback = #def, .min = (lo), .max = (hi), .unit = (unit_), .help = (help_),      \
		.flags = (flags_)                                                                  \
	}
#define CONFIG_BOOL_F(holder, field, def, help_, flags_)                                           \
	{                                                                                          \
		.name = #field, .type = CONFIG_TYPE_BOOL, .offset = offsetof(holder, field),       \
		.fallback = (def), .unit = "", .help = (help_), .flags = (flags_)                  \
	}
#define CONFIG_ENUM_F(holder, field, def, choices_, help_, flags_)                                 \
	{                                                                                          \
		.name = #field, .type = CONFIG_TYPE_ENUM, .offset = offsetof(holder, field),       \
		.fallback = (def), .unit = "", .choices = (choices_), .help = (help_),             \
		.flags = (flags_)                                                                  \
	}
#define CONFIG_STR(holder, field, def, unit_, help_)                                               \
	CONFIG_STR_F(holder, field, def, unit_, help_, 0)
#define CONFIG_INT(holder, field, def, lo, hi, unit_, help_)                                       \
	CONFIG_INT_F(holder, field, def, lo, hi, unit_, help_, 0)
#define CONFIG_BOOL(holder, field, def, help_) CONFIG_BOOL_F(holder, field, def, help_, 0)
#define CONFIG_ENUM(holder, field, def, choices_, help_)                                           \
	CONFIG_ENUM_F(holder, field, def, choices_, help_, 0)

struct config_section {
	const char *name; /* NULL ends the list */
	const struct config_key *keys;
	void *target; /* the structure that the offsets refer to; zeroed by the caller */
	const char *help;
};

/* Fills every target with its defaults. Existing strings are freed. */
void config_defaults(const struct config_section *sections);

/* Reads the file over what is there. Every problem of the file is appended to `problems`, one line
 * each ("file:line: what"); returns how many there were. A file that cannot be read counts as one.
 */
int config_read_file(const struct config_section *sections, const char *path, struct buf *problems);

/* The line of `path` that gives "section.key", or 0: for what is found wrong later. */
int config_find_line(const struct config_section *sections, const char *path, const char *name);

/* One --set "section.key=value"; splits at the last dot before the first '='. Returns 0, or
 * AGNI_ECONFIG with the reason in `err`. */
int config_set(const struct config_section *sections, const char *assignment, struct agni_err *err);

/* Prints the whole configuration file with defaults, units and help: the text of etc/agni.ini. */
void config_print(const struct config_section *sections, struct buf *out);

/* Compares two sets of targets (same tables): names of keys that differ, and whether SIGHUP applies
 * them, are appended to the buffers as "section.key ". */
void config_diff(const struct config_section *now, const struct config_section *next,
		 struct buf *reloadable, struct buf *needs_restart);

/* Copies the CONFIG_RELOAD keys of `next` to `now`. */
void config_reload(const struct config_section *now, const struct config_section *next);

/* Frees the strings. */
void config_fini(const struct config_section *sections);

/* "host:port" -> host (without brackets) and port 0..65535. False when malformed. */
bool config_parse_listen(const char *text, char host[64], int *port);

#endif
