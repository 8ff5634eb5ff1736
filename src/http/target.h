/* SPDX-License-Identifier: MIT
 *
 * target: the request line's target, taken apart and decoded.
 *
 *      /quotes/NSE_FO%7C45450?depth=5      http://127.0.0.1:8000/quotes?x=1      *
 *      path             query              authority      path   query       (OPTIONS only)
 *
 * "+" is a space in a query and itself in a path. Malformed escapes, %00 and what is not UTF-8
 * after decoding are refused here, for path and query, so that nobody behind has to think of them.
 */
#ifndef AGNI_HTTP_TARGET_H
#define AGNI_HTTP_TARGET_H

#include "core/buf.h"

struct target {
	struct buf path;       /* decoded, NUL-terminated */
	const char *query;     /* raw, in the text that was parsed; "" when absent */
	const char *authority; /* in the text that was parsed; NULL unless in absolute form */
	size_t authority_len;
};

/* Parses `raw` (printable ASCII; lent for as long as `out` is used). Returns NULL, or a static
 * sentence that says what is wrong. */
const char *target_parse(const char *raw, bool is_options, struct target *out);
void target_fini(struct target *t);

/* Decodes %xx, and "+" as a space on demand, to the end of `out`. False when an escape is malformed
 * or %00; `out` is as it was then. */
bool percent_decode(struct buf *out, const char *text, size_t len, bool plus_is_space);

/* A parameter of a raw query, decoded into `out` (a C string, cut at `size` > 0). The first when
 * repeated; false when it is absent. */
bool query_get(const char *query, const char *name, char *out, size_t size);

/* Whether text[0..len) is host[:port] as a Host header may have it. `host` (of HOST_MAX bytes) gets
 * the host alone, without brackets. */
#define HOST_MAX 256
bool authority_parse(const char *text, size_t len, char host[HOST_MAX]);

#endif
