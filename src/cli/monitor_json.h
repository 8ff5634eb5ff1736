/* SPDX-License-Identifier: MIT
 *
 * monitor_json: one look at Redis as one JSON object, for scripts.
 */
#ifndef AGNI_CLI_MONITOR_JSON_H
#define AGNI_CLI_MONITOR_JSON_H

#include "cli/monitor_view.h"

/* Appends one line. Documents are handed on as they stand in Redis, digit by digit, in ASCII; one
 * whose key is gone, or that cannot be read, is null. `only`: the one view that was asked for, or
 * MONITOR_VIEWS. Each view's filter thins its list out: of chains and futures the strikes and
 * months too, as on the screen. `f->ui->view` is left at any. docs/monitor.md has the members. */
void monitor_json(struct buf *out, const struct monitor_frame *f, enum monitor_view only);

#endif
