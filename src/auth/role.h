/* SPDX-License-Identifier: MIT
 *
 * role: who may do what, from least to most. Each role may do all that the ones before it may.
 *
 *   viewer    reads market data: quotes, /ws
 *   trader    and analytics: signals, chains
 *   operator  and looks inside: metrics, the token's state, the details of /health
 *   admin     and sees who is connected, and changes what all depend on: the broker's token
 */
#ifndef AGNI_AUTH_ROLE_H
#define AGNI_AUTH_ROLE_H

#include "core/base.h"

enum auth_role { ROLE_ANYONE, ROLE_VIEWER, ROLE_TRADER, ROLE_OPERATOR, ROLE_ADMIN };

/* "anyone", "viewer", ... */
const char *role_text(enum auth_role role);

/* One of the four that a key can have. False for any other word, "anyone" included. */
bool role_parse(const char *text, enum auth_role *out);

#endif
