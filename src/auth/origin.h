/* SPDX-License-Identifier: MIT
 *
 * origin: which web pages are trusted beside our own: stream.origins.
 */
#ifndef AGNI_AUTH_ORIGIN_H
#define AGNI_AUTH_ORIGIN_H

#include "core/base.h"

/* Whether `origin` ("https://desk.example") is a member of a list separated by commas and spaces.
 * Exactly: no prefix, no suffix, no other case. */
bool origin_is_listed(const char *list, const char *origin);

#endif
