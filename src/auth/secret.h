/* SPDX-License-Identifier: MIT
 *
 * secret: comparing what must not be guessed piece by piece.
 */
#ifndef AGNI_AUTH_SECRET_H
#define AGNI_AUTH_SECRET_H

#include "core/base.h"

/* Whether two runs of `len` bytes are equal; the time does not tell where they differ. */
bool secret_is_equal(const void *a, const void *b, size_t len);

#endif
