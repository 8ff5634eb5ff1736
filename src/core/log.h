/* SPDX-License-Identifier: MIT
 *
 * log: one line per event to stderr, as text or as JSON.
 *
 *     2026-11-22T09:15:00.123+05:30 INFO  feed: CONNECTING -> LIVE
 *     {"time":"2026-11-22T09:15:00.123+05:30","level":"info","tag":"feed","msg":"CONNECTING ->
 * LIVE"}
 *
 * Level and format are the process's own and may change at run time (SIGHUP). The hot path counts
 * instead of logging; a complaint that repeats goes through a `struct log_limit`: once in ten
 * seconds, with the number held back. Control characters in a message are replaced, so that nobody
 * outside can forge a line. Never give a secret to these functions.
 */
#ifndef AGNI_CORE_LOG_H
#define AGNI_CORE_LOG_H

#include "core/base.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

/* Both take effect with the next line. Defaults: LOG_INFO, LOG_TEXT. */
void log_setup(enum log_level least, enum log_format format);

/* Where lines go: a file descriptor (2 at start). For tests. */
void log_to_fd(int fd);

void log_write(enum log_level level, const char *tag, const char *fmt, ...) AGNI_PRINTF(3, 4);

#define log_debug(tag, ...) log_write(LOG_DEBUG, tag, __VA_ARGS__)
#define log_info(tag, ...)  log_write(LOG_INFO, tag, __VA_ARGS__)
#define log_warn(tag, ...)  log_write(LOG_WARN, tag, __VA_ARGS__)
#define log_error(tag, ...) log_write(LOG_ERROR, tag, __VA_ARGS__)

/* A brake for one kind of complaint; zero-initialised, kept by the one who complains. */
struct log_limit {
	uint64_t next_ns; /* monotonic time from which the next line may appear */
	uint64_t held;    /* lines held back since the last one that appeared */
};

#define LOG_LIMIT_NS 10000000000ull

/* Writes at most once in ten seconds of `now_ns` (monotonic) and then says how many were held. */
void log_limited(struct log_limit *limit, uint64_t now_ns, enum log_level level, const char *tag,
		 const char *fmt, ...) AGNI_PRINTF(5, 6);

#endif
