/* SPDX-License-Identifier: MIT
 *
 * reply_guard: what answers on Redis' port is not trusted to be Redis.
 *
 * hiredis stops the whole process (assert) when a reply comes that nobody asked for, and allocates
 * as many elements as an array announces. We send only commands that are answered by one status,
 * number or error, so the guard refuses arrays, and everything while no reply is owed; the refusal
 * reaches the connection as a protocol failure.
 */
#ifndef AGNI_STORE_REPLY_GUARD_H
#define AGNI_STORE_REPLY_GUARD_H

#include <hiredis/async.h>

#include "core/base.h"

struct reply_guard {
	redisReplyObjectFunctions fns;   /* ours, for the reader */
	redisReplyObjectFunctions *base; /* hiredis' own */
	uint32_t owed;                   /* replies that are still to come; kept by the owner */
	bool has_refused;
};

/* From now on the reader of `ac` goes through `g`, which must outlive the context. */
void reply_guard_install(struct reply_guard *g, redisAsyncContext *ac);

#endif
