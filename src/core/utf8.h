/* SPDX-License-Identifier: MIT
 *
 * utf8: strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef AGNI_CORE_UTF8_H
#define AGNI_CORE_UTF8_H

#include "core/base.h"

/* Length in bytes (1 to 4) of the character at `s`, 0 when the bytes there are not valid. */
size_t utf8_next(const char *s, size_t len);

/* Whether all `len` bytes are valid UTF-8. */
bool utf8_is_valid(const char *s, size_t len);

#endif
