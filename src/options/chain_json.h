/* SPDX-License-Identifier: MIT
 *
 * chain_json: a chain as its readers see it; docs/analytics.md has every member with its unit.
 */
#ifndef AGNI_OPTIONS_CHAIN_JSON_H
#define AGNI_OPTIONS_CHAIN_JSON_H

#include "options/chain_view.h"

/* Appends one object. What is absent is omitted. Own figures stand beside the broker's ("broker"),
 * never mixed. */
void chain_json(struct buf *out, const struct chain_view *v, const struct chain_source *s);

#endif
