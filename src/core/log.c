/* SPDX-License-Identifier: MIT
 *
 * log: see log.h. A line is built on the stack and leaves in one write(2), so that lines of two
 * processes on one terminal do not mix.
 */
#include "core/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/ist.h"

#define LINE_MAX_BYTES 1024
#define HELD_MAX       48 /* room for " (and N more like it)" */

static enum log_level least_level = LOG_INFO;
static enum log_format line_format = LOG_TEXT;
static int log_fd = STDERR_FILENO;

void log_setup(enum log_level least, enum log_format format)
{
	least_level = least;
	line_format = format;
}

void log_to_fd(int fd)
{
	log_fd = fd;
}

static void write_all(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(log_fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return; /* nobody is left to tell */
		p += w;
		n -= (size_t)w;
	}
}

static void write_line(enum log_level level, const char *tag, const char *msg)
{
	static const char *const upper[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
	static const char *const lower[] = {"debug", "info", "warn", "error"};
	char when[IST_TEXT];
	struct timespec ts;
	struct buf line = {0};

	clock_gettime(CLOCK_REALTIME, &ts);
	ist_format((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000, when);
	if (line_format == LOG_JSON) {
		buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"tag\":\"%s\",\"msg\":", when,
			   lower[level], tag);
		buf_json_str(&line, msg, strlen(msg));
		buf_str(&line, "}\n");
	} else {
		buf_printf(&line, "%s %s %s: %s\n", when, upper[level], tag, msg);
	}
	write_all(line.data, line.len);
	buf_fini(&line);
}

/* C0 and DEL, and the C1 controls (0xc2 0x80..0x9f in UTF-8), which terminals obey as well. */
static void replace_controls(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
}

static void vlog(enum log_level level, const char *tag, uint64_t held, const char *fmt, va_list ap)
	AGNI_PRINTF(4, 0);

static void vlog(enum log_level level, const char *tag, uint64_t held, const char *fmt, va_list ap)
{
	char msg[LINE_MAX_BYTES];
	int n = vsnprintf(msg, sizeof(msg) - HELD_MAX, fmt, ap);

	if (n < 0)
		return;
	replace_controls(msg);
	if (held) {
		size_t used = strlen(msg);

		snprintf(msg + used, sizeof(msg) - used, " (and %llu more like it)",
			 (unsigned long long)held);
	}
	write_line(level, tag, msg);
}

void log_write(enum log_level level, const char *tag, const char *fmt, ...)
{
	va_list ap;

	if (level < least_level)
		return;
	va_start(ap, fmt);
	vlog(level, tag, 0, fmt, ap);
	va_end(ap);
}

void log_limited(struct log_limit *limit, uint64_t now_ns, enum log_level level, const char *tag,
		 const char *fmt, ...)
{
	va_list ap;

	if (level < least_level)
		return;
	if (now_ns < limit->next_ns) {
		limit->held++;
		return;
	}
	va_start(ap, fmt);
	vlog(level, tag, limit->held, fmt, ap);
	va_end(ap);
	limit->held = 0;
	limit->next_ns = now_ns + LOG_LIMIT_NS;
}
