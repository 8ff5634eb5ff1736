/* SPDX-License-Identifier: MIT
 *
 * futures_json: the futures of an underlying as their readers see them; docs/analytics.md has every
 * member with its unit.
 */
#ifndef AGNI_OPTIONS_FUTURES_JSON_H
#define AGNI_OPTIONS_FUTURES_JSON_H

#include "options/futures_view.h"

/* Appends one object. What is absent is omitted. */
void futures_json(struct buf *out, const struct futures_view *v, const struct master *m,
		  const struct book *book);

#endif
